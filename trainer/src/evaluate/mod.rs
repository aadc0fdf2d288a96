//! Distances between samples and data; one file per metric, all in double precision inside.
//!
//! Values of the tests marked "reference" come from an independent implementation in numpy 2.4,
//! scipy 1.17 and scikit-learn 1.9, on the same two clouds of `fixture`.

mod auc;
mod c2st;
mod class_gaussians;
mod frechet;
mod mmd;
mod modes;
mod neighbours;
mod nn_ratio;
mod pca;
mod prdc;
mod spectrum;
mod svc;
mod sw2;

pub use auc::auc;
pub use c2st::c2st;
pub use class_gaussians::{ClassGaussians, Marginal};
pub use frechet::frechet;
pub use mmd::{WIDTHS, median_widths, mmd2};
pub use modes::{MixtureModes, eight_shares, mixture_modes};
pub use nn_ratio::nn_ratio;
pub use pca::Pca;
pub use prdc::{Prdc, prdc};
pub use spectrum::{acf_error, autocorrelation, log_psd, log_psd_error};
pub use svc::Svc;
pub use sw2::sw2;

use crate::Points;

fn check_dims(a: &Points, b: &Points) {
    assert_eq!(a.dim(), b.dim(), "clouds of different dimension");
}

#[cfg(test)]
mod fixture {
    use crate::Points;

    /// 200 points on a fixed curve that fills a square, shifted and stretched for the second cloud.
    pub(super) fn cloud(dim: usize, second: bool) -> Points {
        let (stretch, shift) = if second { (1.2, 0.3) } else { (1.0, 0.0) };
        let value = |k: usize| {
            let (i, j) = ((k / dim) as f64, (k % dim) as f64);
            let phase = if second { 0.5 } else { 0.0 };
            let x = (1.7 * i + 2.3 * j + phase).sin() + 0.5 * (0.37 * i * i + j).cos();
            (stretch * x + shift) as f32
        };
        Points::new(dim, (0..200 * dim).map(value).collect())
    }

    /// Points with the law N(shift, scale² I).
    pub(super) fn gaussian(n: usize, dim: usize, shift: f64, scale: f64, seed: u64) -> Points {
        use rand::SeedableRng;
        use rand_distr::{Distribution, Normal};
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(seed);
        let normal = Normal::new(shift, scale).unwrap();
        Points::new(dim, (0..n * dim).map(|_| normal.sample(&mut rng) as f32).collect())
    }

    #[track_caller]
    pub(super) fn close(got: f64, want: f64, tolerance: f64) {
        assert!((got - want).abs() <= tolerance, "{got} is not {want} ± {tolerance}");
    }
}
