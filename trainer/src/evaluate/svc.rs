//! Support vector classification.

use linfa::DatasetBase;
use linfa::traits::{Fit, Predict};
use linfa_svm::{Svm, SvmError};
use ndarray::{Array1, Array2, ArrayView1};
use rayon::prelude::*;

use crate::Points;

/// Price of a point on the wrong side.
const C: f64 = 10.0;
/// Most points to learn from: the cost is quadratic.
const LIMIT: usize = 4000;

/// Support vector machines between all pairs of classes, which vote; kernel exp(−γ|x − y|²) with γ = 1/(d·v), v
/// the variance of all coordinates: scikit-learn's SVC(C=10, gamma="scale").
///
/// Cortes and Vapnik, "Support-vector networks", 1995.
pub struct Svc {
    classes: usize,
    /// Of classes a < b; true for a.
    pairs: Vec<(u16, u16, Svm<f64, bool>)>,
}

impl Svc {
    /// Learns the classes of the first 4,000 of `points`.
    ///
    /// # Errors
    /// When a machine does not converge to finite numbers.
    ///
    /// # Panics
    /// If there are no labels.
    pub fn fit(points: &Points) -> Result<Self, SvmError> {
        assert!(!points.labels().is_empty(), "no classes to learn");
        let points = points.take(LIMIT);
        let width = points.dim() as f64 * variance(&points);
        let present: Vec<u16> =
            (0..points.classes() as u16).filter(|class| points.labels().contains(class)).collect();
        let pairs: Vec<(u16, u16)> = present
            .iter()
            .flat_map(|&a| present.iter().filter(move |&&b| a < b).map(move |&b| (a, b)))
            .collect();
        let machine = |&(a, b): &(u16, u16)| {
            let rows: Vec<usize> =
                (0..points.len()).filter(|&i| points.label(i).is_some_and(|l| l == a || l == b)).collect();
            let picked = points.pick(&rows);
            let values = picked.values().iter().map(|&x| x.into()).collect();
            let records = Array2::from_shape_vec((picked.len(), picked.dim()), values).unwrap_or_default();
            let is_a: Array1<bool> = picked.labels().iter().map(|&label| label == a).collect();
            let settings = Svm::<f64, bool>::params().pos_neg_weights(C, C).gaussian_kernel(width);
            Ok((a, b, settings.fit(&DatasetBase::new(records, is_a))?))
        };
        let pairs = pairs.par_iter().map(machine).collect::<Result<_, SvmError>>()?;
        Ok(Self { classes: points.classes(), pairs })
    }

    /// The class with the most votes, the first of equals.
    pub fn classify(&self, x: &[f32]) -> u16 {
        let x: Vec<f64> = x.iter().map(|&x| x.into()).collect();
        let mut votes = vec![0; self.classes];
        for (a, b, machine) in &self.pairs {
            let for_a: bool = machine.predict(ArrayView1::from(&x));
            votes[usize::from(if for_a { *a } else { *b })] += 1;
        }
        let most = votes.iter().copied().max().unwrap_or(0);
        votes.iter().position(|&v| v == most).unwrap_or(0) as u16
    }

    /// Share of points that are classified as their labels say; NaN for none.
    pub fn accuracy(&self, points: &Points) -> f64 {
        let right = (0..points.len())
            .into_par_iter()
            .filter(|&i| points.label(i).is_some_and(|label| self.classify(points.row(i)) == label));
        right.count() as f64 / points.len() as f64
    }
}

/// Of all coordinates together.
fn variance(points: &Points) -> f64 {
    let values = || points.values().iter().map(|&x| f64::from(x));
    let n = points.values().len() as f64;
    let mean = values().sum::<f64>() / n;
    (values().map(|x| (x - mean).powi(2)).sum::<f64>() / n).max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{close, cloud};
    use super::*;

    /// Three classes of the fixture by the sign of its coordinates.
    fn labelled(second: bool) -> Points {
        let points = cloud(3, second);
        let label = |row: &[f32]| u16::from(row[0] > 0.0) + u16::from(row[0] > 0.0 && row[1] > 0.0);
        let labels = points.rows().map(label).collect();
        points.with_labels(labels)
    }

    #[test]
    fn it_agrees_with_the_reference() {
        let svc = Svc::fit(&labelled(false)).unwrap();
        close(svc.accuracy(&labelled(false)), 0.97, 0.006);
        close(svc.accuracy(&labelled(true)), 0.925, 0.011);
    }

    #[test]
    fn a_missing_class_is_never_answered() {
        let points = Points::new(1, vec![0.0, 0.1, 5.0, 5.1]).with_labels(vec![1, 1, 3, 3]);
        let svc = Svc::fit(&points).unwrap();
        assert_eq!([svc.classify(&[-1.0]), svc.classify(&[6.0])], [1, 3]);
        assert_eq!(svc.accuracy(&points), 1.0);
    }
}
