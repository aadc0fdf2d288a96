//! What a model of windows is used for, judged on test windows by the core: gaps filled in with intervals, and a
//! fault found that was left out of the training. Beside it what Gaussians and principal components make of the same.

use crate::apply::{Draws, anomaly_scores, fill_in_between};
use crate::data::Kind;
use crate::dataset::Dataset;
use crate::evaluate::{ClassGaussians, Pca, auc};
use crate::points::Points;
use crate::report::cell;
use crate::sample::Network;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use tinyscore::Error;

/// Test windows with a gap.
const WINDOWS: usize = 500;
/// Of a window is missing, at a random place.
const GAP: f64 = 0.25;
/// Of the intervals.
const COVERAGE: f64 = 0.9;
/// Times that every step is taken.
const TIMES: usize = 20;
/// Principal components; what is best on the test is reported.
const COMPONENTS: [usize; 10] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];

/// Intervals against the truth, in standard deviations of the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// Share of the missing samples that lie in their interval of 90 %.
    pub coverage: f64,
    /// Mean width.
    pub width: f64,
    /// Root mean square error of the mean.
    pub rmse: f64,
}

/// Gaps of a quarter of each window filled in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Filling {
    /// Test windows.
    pub windows: usize,
    /// Evaluations of the network for a window.
    pub evaluations: usize,
    /// By the core.
    pub int8: Intervals,
    /// By the exact conditional of a Gaussian for each class.
    pub gaussians: Intervals,
}

/// Areas under the receiver operating characteristic, of test windows against a fault that no training saw.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Test windows without the fault.
    pub normal: usize,
    /// Test windows with it.
    pub faults: usize,
    /// Of the core's anomaly score.
    pub int8: f64,
    /// Of the Mahalanobis distance.
    pub mahalanobis: f64,
    /// Of the density of a Gaussian for each class.
    pub gaussians: f64,
    /// Of the error of reconstruction from principal components, as many as are best on the test.
    pub pca: f64,
}

impl Detection {
    /// Of the best of the others.
    pub fn baseline(&self) -> f64 {
        self.mahalanobis.max(self.gaussians).max(self.pca)
    }
}

/// What a model of windows is good for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Uses {
    /// Gaps filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filling: Option<Filling>,
    /// Classes found that were left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detection: Option<Detection>,
}

impl Uses {
    /// Judges what suits the data.
    ///
    /// # Errors
    /// When network and data do not fit.
    pub fn judge(network: &Network<'_>, data: &Dataset, seed: u64) -> Result<Self, Error> {
        // A network of components sees no single samples.
        let is_filled = data.kind == Kind::Windows && !data.codec.has_latents();
        let filling = if is_filled { Some(filling(network, data, seed)?) } else { None };
        Ok(Self { filling, detection: detection(network, data)? })
    }

    /// Lines for a terminal; nothing where there are none.
    pub fn table(&self) -> String {
        let mut out = String::new();
        for (i, (name, numbers)) in self.rows().iter().enumerate() {
            if i == 0 {
                let _ = writeln!(
                    out,
                    "\n  {:<44}{:>12}{:>12}{:>22}",
                    "used on test windows", HEAD[0], HEAD[1], HEAD[2]
                );
            }
            let [int8, gaussians, best] = numbers.map(cell);
            let _ = writeln!(out, "  {name:<44}{int8:>12}{gaussians:>12}{best:>22}");
        }
        out
    }

    /// The same as a table of a page.
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        for (i, (name, numbers)) in self.rows().iter().enumerate() {
            if i == 0 {
                let _ = writeln!(out, "\n| used on test windows | {} |\n|---|---|---|---|", HEAD.join(" | "));
            }
            let _ = writeln!(out, "| {name} | {} |", numbers.map(cell).join(" | "));
        }
        out
    }

    fn rows(&self) -> Vec<(String, [Option<f64>; 3])> {
        let mut rows = Vec::new();
        if let Some(Filling { windows, evaluations, int8, gaussians }) = self.filling {
            let mut row = |name: String, number: fn(Intervals) -> f64| {
                rows.push((name, [Some(number(int8)), Some(number(gaussians)), None]));
            };
            row(format!("gaps of {windows} windows: 90 % intervals cover"), |i| i.coverage);
            row(format!("their mean width, sd ({evaluations} evaluations)"), |i| i.width);
            row("RMSE of the mean, sd".into(), |i| i.rmse);
        }
        if let Some(Detection { faults, int8, gaussians, mahalanobis, pca, .. }) = self.detection {
            let name = format!("AUC of {faults} windows of unseen classes");
            rows.push((name, [Some(int8), Some(gaussians), Some(mahalanobis.max(pca))]));
        }
        rows
    }
}

/// Who is compared.
const HEAD: [&str; 3] = ["int8", "Gaussians", "Mahalanobis or PCA"];

/// Fills in gaps of the reference.
fn filling(network: &Network<'_>, data: &Dataset, seed: u64) -> Result<Filling, Error> {
    let (dim, test) = (data.dim(), data.reference.take(WINDOWS));
    let gap = (GAP * dim as f64) as usize;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let starts: Vec<usize> = test.rows().map(|_| rng.random_range(0..=dim - gap)).collect();
    let mask = |i: usize| (0..dim).map(|j| !(starts[i]..starts[i] + gap).contains(&j)).collect::<Vec<_>>();
    let draws = Draws::covering(COVERAGE);
    let filled = fill_in_between(network, &test, mask, TIMES, draws, seed)?;
    let [lower, mean, upper] =
        [filled.lower, filled.mean, filled.upper].map(|points| data.codec.encode(&points));
    let truth = data.codec.encode(&test);
    let gaussians = ClassGaussians::fit(&data.standard);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for (i, &start) in starts.iter().enumerate() {
        let laws = gaussians.given(truth.row(i), &mask(i));
        for (j, law) in (start..).zip(laws) {
            let of = |points: &Points| f64::from(points.row(i)[j]);
            let tail = 0.5 * (1.0 - COVERAGE);
            ours.push([of(&truth), of(&lower), of(&mean), of(&upper)]);
            theirs.push([of(&truth), law.quantile(tail), law.mean(), law.quantile(1.0 - tail)]);
        }
    }
    Ok(Filling {
        windows: test.len(),
        evaluations: filled.evaluations,
        int8: Intervals::new(&ours),
        gaussians: Intervals::new(&theirs),
    })
}

impl Intervals {
    /// Of truths, lower ends, means and upper ends.
    fn new(samples: &[[f64; 4]]) -> Self {
        let mean = |f: fn(&[f64; 4]) -> f64| samples.iter().map(f).sum::<f64>() / samples.len() as f64;
        Self {
            coverage: mean(|[x, low, _, high]| f64::from(low <= x && x <= high)),
            width: mean(|[_, low, _, high]| high - low),
            rmse: mean(|[x, _, mean, _]| (x - mean).powi(2)).sqrt(),
        }
    }
}

/// Tells the reference from the classes that were left out; `None` where there are none, or no detector.
fn detection(network: &Network<'_>, data: &Dataset) -> Result<Option<Detection>, Error> {
    let Some(faults) = data.left_out.as_ref().filter(|faults| !faults.is_empty()) else { return Ok(None) };
    let scores = |points: &Points| anomaly_scores(network, points);
    let (Some(normal), Some(anomalies)) = (scores(&data.reference)?, scores(faults)?) else {
        return Ok(None);
    };
    let test = [&data.reference, faults].map(|points| data.codec.encode(points));
    let area = |score: &dyn Fn(&Points) -> Vec<f32>| auc(&score(&test[0]), &score(&test[1]));
    let together = data.standard.clone().with_labels(Vec::new());
    let (one, each) = (ClassGaussians::fit(&together), ClassGaussians::fit(&data.standard));
    let components =
        COMPONENTS.into_iter().filter(|&k| k < data.standard.dim()).map(|k| Pca::fit(&together, k));
    Ok(Some(Detection {
        normal: normal.len(),
        faults: anomalies.len(),
        int8: auc(&normal, &anomalies),
        mahalanobis: area(&|x| one.surprise(x)),
        gaussians: area(&|x| each.surprise(x)),
        pca: components.map(|pca| area(&|x| pca.residuals(x))).fold(0.0, f64::max),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_counted_measured_and_their_mean_compared() {
        let good = [0.0, -1.0, 0.5, 1.0];
        let low = [-2.0, -1.0, 0.0, 2.0];
        let intervals = Intervals::new(&[good, good, good, low]);
        let rmse = (0.25 * (3.0 * 0.25 + 4.0_f64)).sqrt();
        assert_eq!(intervals, Intervals { coverage: 0.75, width: 2.25, rmse });
    }
}
