//! The numbers of a run, as JSON and as the table that a person reads.

use crate::codec;
use crate::evaluate::MixtureModes;
use crate::fidelity::AtLevel;
use crate::objective::Diagnosis;
use crate::uses::Uses;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// Distances of a sample from the reference data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Quality {
    /// Sliced 2-Wasserstein distance.
    pub sw2: Option<f64>,
    /// Unbiased squared maximum mean discrepancy.
    pub mmd2: Option<f64>,
    /// Accuracy of a classifier between both; 0.5 is ideal.
    pub c2st: Option<f64>,
    /// Samples, and real points that they are compared with.
    #[serde(default)]
    pub counts: [usize; 2],
    /// For the two-mode mixture: what each mode looks like.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub modes: Option<MixtureModes>,
    /// For images and windows.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub realism: Option<Realism>,
}

/// How real images or windows are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Realism {
    /// Fréchet distance; it and the classifiers see images of more than 64 pixels in 64 principal components.
    pub fd: Option<f64>,
    /// Share of samples within reach of a real one.
    pub precision: Option<f64>,
    /// Share of real ones within reach of a sample.
    pub recall: Option<f64>,
    /// Share of real ones that have a sample near.
    pub coverage: Option<f64>,
    /// Median nearest distance to the training data, over that of test data; under 0.8 is memorising.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nn_ratio: Option<f64>,
    /// How often a classifier trained on real data finds the class that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Accuracy on real test data of a classifier trained on the samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tstr: Option<f64>,
    /// Of windows: error of the autocorrelation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acf_error: Option<f64>,
    /// Of windows: error of the logarithmic spectrum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_psd_error: Option<f64>,
}

/// How good the integer energy is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnergyQuality {
    /// σ and KL(p_σ ‖ q) in nats at the level nearest to .1, where the data's law is known.
    pub kl: Option<(f32, f64)>,
    /// Least and largest share of eight-gaussians' modes among the int8 samples.
    pub shares: Option<[f64; 2]>,
    /// Of contrastive divergence: the end of its training.
    pub diagnosis: Option<Diagnosis>,
}

impl EnergyQuality {
    fn lines(&self) -> Vec<(&'static str, String)> {
        let Self { kl, shares, diagnosis } = self;
        let mut lines = Vec::new();
        lines.extend(
            kl.map(|(sigma, kl)| ("KL of the int8 energy, nats", format!("{kl:.4} at σ = {sigma:.3}"))),
        );
        lines.extend(shares.map(|[a, b]| ("shares of the modes", format!("{a:.4} to {b:.4}"))));
        if let Some(diagnosis @ Diagnosis { gap, gradient, acceptance, .. }) = diagnosis {
            lines.push(("energy gap at the end, nats", format!("{gap:.4}")));
            lines.push(("root mean square of σ·∇E", format!("{gradient:.4}")));
            lines.push(("acceptance of the chains", format!("{acceptance:.4}")));
            lines.extend(diagnosis.advice().map(|advice| ("warning", advice.to_owned())));
        }
        lines
    }
}

/// What was made and how good it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The data set.
    pub data: String,
    /// The objective.
    pub objective: String,
    /// Seed of training and sampling.
    pub seed: u64,
    /// Parameters of the float network.
    pub parameters: usize,
    /// Training steps.
    pub training_steps: u64,
    /// Steps of quantization-aware training after them.
    #[serde(default)]
    pub qat_steps: u64,
    /// Bits of the weights between hidden layers.
    #[serde(default = "eight")]
    pub weight_bits: u32,
    /// Bits of the hidden activations.
    #[serde(default)]
    pub activation_bits: u32,
    /// Seconds they took, in this run.
    pub training_seconds: f64,
    /// Loss at the end, smoothed.
    pub loss: Option<f32>,
    /// The sampler.
    pub sampler: String,
    /// Network evaluations per sample.
    pub evaluations: usize,
    /// Samples compared.
    pub samples: usize,
    /// Bytes of the blob.
    pub blob_bytes: usize,
    /// Multiply–accumulate operations per evaluation.
    pub macs: usize,
    /// What the codec loses of the data, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<codec::Loss>,
    /// Hash of the int8 samples, as `trainer verify` prints it.
    pub sample_digest: String,
    /// Float samples on the same noise.
    pub float: Quality,
    /// Samples of the core without quantization-aware training, if there was any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<Quality>,
    /// Samples of the core.
    pub int8: Quality,
    /// Samples of the core guided towards their classes, if the settings say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guided: Option<Quality>,
    /// Draws from a Gaussian for each class, of images and windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gaussian: Option<Quality>,
    /// Other real data instead of samples.
    pub floor: Quality,
    /// Of energy networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy: Option<EnergyQuality>,
    /// What a model of windows is used for.
    #[serde(flatten)]
    pub uses: Uses,
    /// R averaged over 25 levels from 0.01 to 6, of the integer network, where the score is known.
    pub score_error: Option<f64>,
    /// The same of the float network.
    pub float_score_error: Option<f64>,
    /// Smallest cosine with the float network over the blob's levels.
    pub worst_cosine: f64,
    /// Largest relative L2 error over the blob's levels.
    pub worst_relative_l2: f64,
    /// By level of the blob.
    pub levels: Vec<AtLevel>,
}

/// Weights of so many bits by their name.
pub fn integer(bits: u32) -> &'static str {
    if bits == 4 { "int4" } else { "int8" }
}

fn eight() -> u32 {
    8
}

/// Smallest cosine and largest relative error.
pub fn worst(levels: &[AtLevel]) -> (f64, f64) {
    levels.iter().fold((1.0_f64, 0.0_f64), |(c, l), at| (c.min(at.cosine), l.max(at.relative_l2)))
}

impl Report {
    /// The integers by their name.
    pub fn integer(&self) -> &'static str {
        integer(self.weight_bits)
    }

    /// What is compared: a name, and the metrics of each.
    pub fn columns(&self) -> Vec<(&'static str, &Quality)> {
        let [post, int, aware, guided] = match self.weight_bits {
            4 => ["int4 post", "int4", "int4 aware", "int4 guided"],
            _ => ["int8 post", "int8", "int8 aware", "int8 guided"],
        };
        let mut columns = vec![("float", &self.float)];
        columns.extend(self.post.as_ref().map(|quality| (post, quality)));
        columns.push((if self.post.is_some() { aware } else { int }, &self.int8));
        columns.extend(self.guided.as_ref().map(|quality| (guided, quality)));
        columns.extend(self.gaussian.as_ref().map(|quality| ("Gaussians", quality)));
        columns.push(("real vs real", &self.floor));
        columns
    }

    /// The table: float and int8 beside baseline and floor.
    pub fn table(&self) -> String {
        let mut out = table(&self.data, &self.columns());
        if let (Some(float), Some(int8)) = (self.float_score_error, self.score_error) {
            let post = if self.post.is_some() { " ".repeat(14) } else { String::new() };
            let _ = writeln!(out, "  {:<28}{float:>14.5}{post}{int8:>14.5}", "score error R");
        }
        for (name, value) in self.energy.iter().flat_map(EnergyQuality::lines) {
            let _ = writeln!(out, "  {name:<28}{value:>28}");
        }
        out += &self.uses.table();
        out
    }

    /// The report as a page with these pictures of the run folder.
    pub fn markdown(&self, pictures: &[&str]) -> String {
        let columns = self.columns();
        let aware = match self.qat_steps {
            0 => String::new(),
            steps => format!(" and {steps} more on the grid of the integers"),
        };
        let mut out = format!(
            "# {}\n\n{} samples by {} in {} evaluations of {} multiply–accumulates, from a blob of {} bytes; {} \
             parameters, {} training steps by `{}`{aware}, seed {}.\n\n",
            self.data,
            self.samples,
            self.sampler,
            self.evaluations,
            self.macs,
            self.blob_bytes,
            self.parameters,
            self.training_steps,
            self.objective,
            self.seed
        );
        if let Some(codec::Loss { latents, float, int8 }) = self.codec {
            let _ = writeln!(
                out,
                "The codec's {latents} components lose {:.2} % of the variance of test data ({:.2} % in the blob's int8).\n",
                100.0 * float,
                100.0 * int8
            );
        }
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let _ = writeln!(out, "| | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len()));
        for (name, values) in rows(&columns) {
            let cells: Vec<String> = values.iter().map(|v| cell(*v)).collect();
            let _ = writeln!(out, "| {name} | {} |", cells.join(" | "));
        }
        if let Some(energy) = &self.energy {
            out += "\n| the energy | |\n|---|---|\n";
            energy.lines().iter().for_each(|(name, value)| out += &format!("| {name} | {value} |\n"));
        }
        out += &self.uses.markdown();
        let _ = write!(
            out,
            "\n{} against float: cosine at least {:.5}, relative L2 at most {:.2} % at every noise level.\n",
            self.integer(),
            self.worst_cosine,
            100.0 * self.worst_relative_l2
        );
        for reason in reasons(&columns) {
            let _ = writeln!(out, "\n– {reason}.");
        }
        let captions = [
            ("samples.png", "Drawn by the integer core"),
            ("data.png", "Real"),
            ("codec.png", "Test data, and what the codec makes of them"),
            ("chain.png", "A chain on its way"),
            ("energy.png", "The energy"),
            ("chains.png", "The training's chains"),
            ("training.png", "Training"),
            ("fidelity.png", "Integers against float"),
        ];
        for (file, caption) in captions.into_iter().filter(|(file, _)| pictures.contains(file)) {
            let _ = write!(out, "\n{caption}:\n\n![{caption}]({file})\n");
        }
        out
    }
}

/// Metrics by line, samples by column.
pub fn table(title: &str, columns: &[(&str, &Quality)]) -> String {
    let mut out = format!("  {title:<28}");
    columns.iter().for_each(|(name, _)| out += &format!("{name:>14}"));
    out += "\n";
    for (name, values) in rows(columns) {
        let _ = write!(out, "  {name:<28}");
        values.iter().for_each(|v| out += &format!("{:>14}", cell(*v)));
        out += "\n";
    }
    reasons(columns).iter().for_each(|reason| out += &format!("  – {reason}\n"));
    out
}

pub(crate) fn cell(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |v| format!("{v:.4}"))
}

/// Why a metric is missing.
fn reasons(columns: &[(&str, &Quality)]) -> Vec<String> {
    let [samples, real] = [0, 1].map(|side| columns.iter().map(|(_, q)| q.counts[side]).min().unwrap_or(0));
    let missing = |metric: fn(&Quality) -> bool| columns.iter().any(|(_, quality)| metric(quality));
    let many = |quality: &Quality| quality.realism.as_ref().is_some_and(|r| r.precision.is_none());
    let mut reasons = Vec::new();
    for (missing, name, least) in [
        (missing(|q| q.mmd2.is_none()), "MMD²", "two points a side, not all of them equal"),
        (missing(|q| q.c2st.is_none()), "C2ST", "five points a side, and enough for the neighbours of each"),
        (missing(many), "precision, recall and coverage", "six points a side"),
    ] {
        if missing {
            reasons.push(format!(
                "{name}: needs at least {least}, but {samples} samples and {real} real points are compared"
            ));
        }
    }
    reasons
}

/// The metrics that any of the columns has.
fn rows(columns: &[(&str, &Quality)]) -> Vec<(&'static str, Vec<Option<f64>>)> {
    type Metric = fn(&Quality) -> Option<f64>;
    let metrics: [(&'static str, Metric); 17] = [
        ("SW2", |q| q.sw2),
        ("MMD²", |q| q.mmd2),
        ("C2ST accuracy (ideal .5)", |q| q.c2st),
        ("share of the + mode", |q| Some(q.modes.as_ref()?.share_plus)),
        ("per-mode sd ratio", |q| Some(q.modes.as_ref()?.sd_ratio)),
        ("within 3 sd", |q| Some(q.modes.as_ref()?.within_3sd)),
        ("outside 6 sd", |q| Some(q.modes.as_ref()?.outside_6sd)),
        ("whitened per-mode SW2", |q| Some(q.modes.as_ref()?.whitened_sw2)),
        ("Fréchet distance", |q| q.realism.as_ref()?.fd),
        ("accuracy of asked class", |q| q.realism.as_ref()?.accuracy),
        ("train on it, test on real", |q| q.realism.as_ref()?.tstr),
        ("precision", |q| q.realism.as_ref()?.precision),
        ("recall", |q| q.realism.as_ref()?.recall),
        ("coverage", |q| q.realism.as_ref()?.coverage),
        ("nearest-neighbour ratio", |q| q.realism.as_ref()?.nn_ratio),
        ("autocorrelation error", |q| q.realism.as_ref()?.acf_error),
        ("log-PSD error", |q| q.realism.as_ref()?.log_psd_error),
    ];
    let row = |(name, metric): (&'static str, Metric)| {
        (name, columns.iter().map(|(_, quality)| metric(quality)).collect::<Vec<_>>())
    };
    let always = ["SW2", "MMD²", "C2ST accuracy (ideal .5)"];
    let shown = |(name, values): &(&'static str, Vec<Option<f64>>)| {
        always.contains(name) || values.iter().any(Option::is_some)
    };
    metrics.into_iter().map(row).filter(shown).collect()
}

#[cfg(test)]
mod tests {
    /// A parser that rounds twice is off in the last bit of one number in some.
    #[test]
    fn numbers_are_read_back_as_they_were_written() {
        let mut bits = 0x3fb9_9999_9999_999a_u64;
        for _ in 0..10_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = f64::from_bits(0x3f00_0000_0000_0000 | bits >> 12);
            let text = serde_json::to_string(&number).unwrap();
            assert_eq!(serde_json::from_str::<f64>(&text).unwrap().to_bits(), number.to_bits(), "{text}");
        }
    }
}
