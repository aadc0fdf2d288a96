//! All metrics that suit the data of a run, beside the distance of real data and of a Gaussian baseline.
//!
//! Images are measured in half their range, as if from −1 to 1; windows in their standard deviation; points in the
//! standard deviation of each column, as columns have units of their own, but for the sets of the plane, whose law is
//! given in one unit. Distances that fall with the number of points compare parts of the samples, each as many as there
//! are test points, and are averaged over these. What too few points cannot tell is left out, with the reason.

use crate::data::{Kind, Standardizer, Toy};
use crate::dataset::Dataset;
use crate::evaluate::{
    ClassGaussians, Pca, Svc, WIDTHS, acf_error, c2st, frechet, log_psd_error, median_widths, mixture_modes,
    mmd2, nn_ratio, prdc, sw2,
};
use crate::points::Points;
use crate::report::{Quality, Realism};
use anyhow::Result;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Neighbours of the classifier two-sample test, of images and of others.
const NEIGHBOURS: [usize; 2] = [5, 15];
/// Components in which larger images are compared.
const COMPONENTS: usize = 64;
/// Training points among which neighbours are looked for.
const NEAR: usize = 10_000;

/// Compares samples with the data of a run.
pub struct Judge<'a> {
    data: &'a Dataset,
    units: Units,
    test: Points,
    train: Points,
    /// Of images of more than 64 pixels: for the Fréchet distance and the classifier.
    pca: Option<Pca>,
    /// Of labelled data.
    real_svc: Option<Svc>,
    /// Kernels of the maximum mean discrepancy.
    widths: Option<[f64; 5]>,
}

impl<'a> Judge<'a> {
    /// Learns from the training part what the metrics need.
    ///
    /// # Errors
    /// When the classifier cannot learn the classes.
    pub fn new(data: &'a Dataset) -> Result<Self> {
        let units = Units::of(data);
        let (test, train) = (units.apply(&data.reference), units.apply(&data.train.take(NEAR)));
        let is_real = data.kind != Kind::Points;
        let pca =
            (data.kind == Kind::Images && data.dim() > COMPONENTS).then(|| Pca::fit(&train, COMPONENTS));
        let labelled = is_real && train.labels().iter().any(|&label| label != train.labels()[0]);
        let widths = if data.toy.is_some() { Some(WIDTHS) } else { median_widths(&test) };
        let mut judge = Self { data, units, test, train, pca, real_svc: None, widths };
        judge.real_svc = labelled.then(|| Svc::fit(&judge.project(&judge.train))).transpose()?;
        Ok(judge)
    }

    /// Compares `samples` (data units) with the reference.
    ///
    /// # Errors
    /// When the classifier cannot learn their classes.
    pub fn of(&self, samples: &Points) -> Result<Quality> {
        let modes = (self.data.toy == Some(Toy::Mixture)).then(|| mixture_modes(samples));
        let [of_images, of_others] = NEIGHBOURS;
        let k = if self.data.kind == Kind::Images { of_images } else { of_others };
        let x = self.units.apply(samples);
        Ok(Quality {
            sw2: self.mean(&x, |x| Some(sw2(x, &self.test))),
            mmd2: self.widths.and_then(|widths| mmd2(&x, &self.test, &widths)),
            c2st: self.mean(&x, |x| c2st(x, &self.test, k)),
            modes,
            realism: if self.data.kind == Kind::Points { None } else { Some(self.realism(&x)?) },
            counts: [x.len(), self.test.len()],
        })
    }

    /// Of parts that are as large as the test data.
    fn mean(&self, x: &Points, metric: impl Fn(&Points) -> Option<f64>) -> Option<f64> {
        let parts = parts(x, self.test.len());
        let values: Option<Vec<f64>> = parts.iter().map(metric).collect();
        values.map(|values| values.iter().sum::<f64>() / parts.len() as f64)
    }

    /// Larger images in their components.
    fn project(&self, x: &Points) -> Points {
        let project = |pca: &Pca| pca.project(x).with_labels(x.labels().to_vec());
        self.pca.as_ref().map_or_else(|| x.clone(), project)
    }

    fn realism(&self, x: &Points) -> Result<Realism> {
        let (projected, test) = (self.project(x), self.project(&self.test));
        let balls = prdc(&self.test, &x.take(self.test.len()));
        let is_windows = self.data.kind == Kind::Windows;
        let labelled = !x.labels().is_empty() && !self.test.labels().is_empty();
        let trained_on_samples =
            if labelled && self.real_svc.is_some() { Some(Svc::fit(&projected)?) } else { None };
        Ok(Realism {
            fd: self.mean(&projected, |x| frechet(x, &test)),
            precision: balls.map(|balls| balls.precision),
            recall: balls.map(|balls| balls.recall),
            coverage: balls.map(|balls| balls.coverage),
            // Zero of the training data themselves, infinite where the test data are among them.
            nn_ratio: Some(nn_ratio(x, &self.train, &self.test))
                .filter(|ratio| *ratio > 0.0 && ratio.is_finite()),
            accuracy: self.real_svc.as_ref().filter(|_| labelled).map(|svc| svc.accuracy(&projected)),
            tstr: trained_on_samples.map(|svc| svc.accuracy(&test)),
            acf_error: is_windows.then(|| acf_error(x, &self.test)),
            log_psd_error: is_windows.then(|| log_psd_error(x, &self.test)),
        })
    }

    /// The quality of `n` draws from a Gaussian for each class of the training data; not for sets of the plane.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn gaussian(&self, n: usize, seed: u64) -> Result<Option<Quality>> {
        if self.data.kind == Kind::Points {
            return Ok(None);
        }
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        self.of(&ClassGaussians::fit(&self.data.train).draw(n, &mut rng)).map(Some)
    }
}

/// Consecutive parts of `n` points, or the only one if there are fewer.
fn parts(points: &Points, n: usize) -> Vec<Points> {
    let n = n.min(points.len()).max(1);
    let part = |i: usize| points.pick(&(i * n..(i + 1) * n).collect::<Vec<_>>());
    (0..points.len() / n).map(part).collect()
}

/// (x − zero)/unit, for each column.
#[derive(Clone)]
struct Units {
    zero: Vec<f64>,
    unit: Vec<f64>,
}

impl Units {
    fn of(data: &Dataset) -> Self {
        let values = || data.train.values().iter().map(|&x| f64::from(x));
        let alike =
            |zero: f64, unit: f64| Self { zero: vec![zero; data.dim()], unit: vec![unit; data.dim()] };
        match data.kind {
            Kind::Points if data.toy.is_some() => alike(0.0, 1.0),
            Kind::Points => {
                let standard = Standardizer::fit(&data.train);
                let wide = |values: &[f32]| values.iter().map(|&x| f64::from(x)).collect();
                Self { zero: wide(standard.mean()), unit: wide(standard.scale()) }
            }
            Kind::Images => {
                let (low, high) =
                    values().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
                alike(0.5 * (low + high), 0.5 * (high - low))
            }
            Kind::Windows => {
                let n = data.train.values().len() as f64;
                let zero = values().sum::<f64>() / n;
                alike(zero, (values().map(|x| (x - zero).powi(2)).sum::<f64>() / n).sqrt())
            }
        }
    }

    fn apply(&self, points: &Points) -> Points {
        let columns = self.zero.iter().zip(&self.unit).cycle();
        let values = points
            .values()
            .iter()
            .zip(columns)
            .map(|(&x, (zero, unit))| ((f64::from(x) - zero) / unit) as f32);
        Points::new(points.dim(), values.collect()).with_labels(points.labels().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Preset};

    fn set(name: &str) -> Dataset {
        let mut config = Config { points: 2000, ..Config::new(name, Preset::Default) };
        config.sampling.samples = 300;
        Dataset::load(&config).unwrap()
    }

    /// Fresh draws pass every metric, a Gaussian for each class fails those that see its shape.
    #[test]
    fn real_draws_are_better_than_gaussians() {
        for name in ["digits", "vibration"] {
            let data = set(name);
            let judge = Judge::new(&data).unwrap();
            let (real, gaussian) = (judge.of(&data.other).unwrap(), judge.gaussian(300, 1).unwrap().unwrap());
            let (r, g) = (real.realism.as_ref().unwrap(), gaussian.realism.as_ref().unwrap());
            let [real_c2st, gaussian_c2st] = [&real, &gaussian].map(|quality| quality.c2st.unwrap());
            assert!(real_c2st < 0.56 && gaussian_c2st > real_c2st + 0.02, "{name}: {real:?} {gaussian:?}");
            assert!(
                [r.precision, r.recall, r.coverage].iter().all(|share| share.unwrap() > 0.8),
                "{name}: {r:?}"
            );
            let more = |a: Option<f64>, b: Option<f64>| a.unwrap() > b.unwrap() + 0.05;
            assert!(more(r.precision, g.precision) || more(r.recall, g.recall), "{name}: {r:?} {g:?}");
            assert!((0.8..1.2).contains(&r.nn_ratio.unwrap()), "{name}: {r:?}");
            assert!(r.accuracy.unwrap() > 0.9 && r.tstr.unwrap() > 0.9, "{name}: {r:?}");
            assert_eq!(r.log_psd_error.is_some(), name == "vibration");
        }
    }

    /// Wrong classes cost accuracy and training on them, and nothing else.
    #[test]
    fn labels_of_another_class_are_found_out() {
        let data = set("ecg");
        let judge = Judge::new(&data).unwrap();
        let turned = data.other.labels().iter().map(|&label| (label + 1) % 3).collect();
        let right = judge.of(&data.other).unwrap();
        let wrong = judge.of(&data.other.clone().with_labels(turned)).unwrap();
        assert_eq!((right.sw2, right.c2st), (wrong.sw2, wrong.c2st));
        let wrong = wrong.realism.unwrap();
        assert!(wrong.accuracy.unwrap() < 0.1 && wrong.tstr.unwrap() < 0.1, "{wrong:?}");
    }

    #[test]
    fn images_are_measured_as_if_from_minus_one_to_one() {
        let data = set("digits");
        let units = Units::of(&data);
        assert_eq!((units.zero[0], units.unit[63]), (8.0, 8.0));
        let ten = Points::new(1, (0..10).map(|i| i as f32).collect());
        let parts = parts(&ten, 4);
        assert_eq!(parts.iter().map(Points::len).collect::<Vec<_>>(), [4, 4]);
        assert_eq!(parts[1].values(), [4.0, 5.0, 6.0, 7.0]);
    }
}
