//! The numbers of a run, as JSON and as the table that a person reads.

use crate::data::Toy;
use crate::dataset::Dataset;
use crate::evaluate::{MixtureModes, c2st, mixture_modes, mmd2, sw2};
use crate::fidelity::AtLevel;
use crate::points::Points;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// Neighbours of the classifier two-sample test.
const NEIGHBOURS: usize = 15;

/// Distances of a sample from the reference data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Quality {
    /// Sliced 2-Wasserstein distance.
    pub sw2: f64,
    /// Unbiased squared maximum mean discrepancy.
    pub mmd2: f64,
    /// Accuracy of a classifier between both; 0.5 is ideal.
    pub c2st: f64,
    /// For the two-mode mixture: what each mode looks like.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub modes: Option<MixtureModes>,
}

impl Quality {
    /// Compares `samples` with the reference of `data`.
    pub fn of(samples: &Points, data: &Dataset) -> Self {
        let modes = (data.toy == Some(Toy::Mixture)).then(|| mixture_modes(samples));
        let reference = &data.reference;
        Self {
            sw2: sw2(samples, reference),
            mmd2: mmd2(samples, reference),
            c2st: c2st(samples, reference, NEIGHBOURS),
            modes,
        }
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
    /// Hash of the int8 samples, as `trainer verify` prints it.
    pub sample_digest: String,
    /// Float samples on the same noise.
    pub float: Quality,
    /// Samples of the core.
    pub int8: Quality,
    /// Other real data instead of samples.
    pub floor: Quality,
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

/// Smallest cosine and largest relative error.
pub fn worst(levels: &[AtLevel]) -> (f64, f64) {
    levels.iter().fold((1.0_f64, 0.0_f64), |(c, l), at| (c.min(at.cosine), l.max(at.relative_l2)))
}

impl Report {
    /// The table: float and int8 beside the floor.
    pub fn table(&self) -> String {
        let mut out = String::new();
        let mut row = |name: &str, f: &dyn Fn(&Quality) -> Option<f64>| {
            if let (Some(a), Some(b), Some(c)) = (f(&self.float), f(&self.int8), f(&self.floor)) {
                let _ = writeln!(out, "  {name:<28}{a:>11.4}{b:>11.4}{c:>14.4}");
            }
        };
        row("SW2", &|q| Some(q.sw2));
        row("MMD²", &|q| Some(q.mmd2));
        row("C2ST accuracy (ideal .5)", &|q| Some(q.c2st));
        row("share of the + mode", &|q| Some(q.modes.as_ref()?.share_plus));
        row("per-mode sd ratio", &|q| Some(q.modes.as_ref()?.sd_ratio));
        row("within 3 sd", &|q| Some(q.modes.as_ref()?.within_3sd));
        row("outside 6 sd", &|q| Some(q.modes.as_ref()?.outside_6sd));
        row("whitened per-mode SW2", &|q| Some(q.modes.as_ref()?.whitened_sw2));
        if let (Some(float), Some(int8)) = (self.float_score_error, self.score_error) {
            let _ = writeln!(out, "  {:<28}{float:>11.5}{int8:>11.5}{:>14.5}", "score error R", 0.0);
        }
        let head = format!("  {:<28}{:>11}{:>11}{:>14}\n", self.data, "float", "int8", "real vs real");
        head + &out
    }
}
