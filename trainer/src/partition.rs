//! The partition function of an energy of the plane by a grid, and with it the divergence from the data's law.
//!
//! ```text
//! q(x) = exp(−E(x; σ))/Z ,   Z = Σ exp(−E)·h²        KL(p_σ ‖ q) = Σ p_σ·(ln p_σ + E + ln Z)·h²
//! ```
//!
//! with p_σ the law of the data with noise of σ. In model units, over the square ±4; h is a sixth of the narrowest
//! spread at most, where the midpoint rule is exact to far below a thousandth of a nat.

use crate::data::{Standardizer, Toy};
use rayon::prelude::*;
use std::f64::consts::{PI, TAU};
use tinyscore::Energy;

/// Half the side of the square: the standardized data lie within ±2.5.
const REACH: f64 = 4.0;
/// Cells of a side.
const CELLS: usize = 512;
/// Points of each half circle of the moons, far closer to each other than the noise is wide.
const ARC: usize = 400;

/// A law of the plane: normal densities about many points.
#[derive(Clone, Debug)]
pub struct Law {
    means: Vec<[f64; 2]>,
    variances: [f64; 2],
}

impl Law {
    /// Of a set that is normal about points or lines, in model units; none for others.
    pub fn of(toy: Toy, units: &Standardizer) -> Option<Self> {
        let (means, spread): (Vec<[f64; 2]>, [f64; 2]) = match toy {
            Toy::EightGaussians => {
                let mode = |k: i32| {
                    let (sin, cos) = (f64::from(k) * PI / 4.0).sin_cos();
                    [cos, sin].map(|x| 2.0 * x / 2.01_f64.sqrt())
                };
                ((0..8).map(mode).collect(), [0.1 / 2.01_f64.sqrt(); 2])
            }
            Toy::Moons => {
                let point = |i: usize| {
                    let (sin, cos) = (PI * ((i / 2) as f64 + 0.5) / ARC as f64).sin_cos();
                    let [x, y] = if i.is_multiple_of(2) { [cos, sin] } else { [1.0 - cos, 0.5 - sin] };
                    [(x - 0.5) / 0.868, (y - 0.25) / 0.496]
                };
                ((0..2 * ARC).map(point).collect(), [0.05 / 0.868, 0.05 / 0.496])
            }
            _ => return None,
        };
        let [mean, scale] = [units.mean(), units.scale()].map(|v| [f64::from(v[0]), f64::from(v[1])]);
        let means = means.iter().map(|x| [0, 1].map(|j| (x[j] - mean[j]) / scale[j])).collect();
        Some(Self { means, variances: [0, 1].map(|j| (spread[j] / scale[j]).powi(2)) })
    }

    /// p_σ(x)
    fn density(&self, x: [f64; 2], sigma: f64) -> f64 {
        let [u, v] = self.variances.map(|variance| variance + sigma * sigma);
        let square = |m: &[f64; 2]| (x[0] - m[0]).powi(2) / u + (x[1] - m[1]).powi(2) / v;
        let sum: f64 = self.means.iter().map(|m| (-0.5 * square(m)).exp()).sum();
        sum / (self.means.len() as f64 * TAU * (u * v).sqrt())
    }

    /// KL(p_σ ‖ q) in nats, of q ∝ exp(−E) at a level whose noise is σ.
    pub fn divergence<E: Energy + Clone + Send + Sync>(&self, model: &E, level: usize, sigma: f32) -> f64 {
        let h = 2.0 * REACH / CELLS as f64;
        let at = |i: usize| (i as f64 + 0.5) * h - REACH;
        let energy = |model: &mut E, row: usize| -> Vec<[f64; 2]> {
            let cell = |column: usize| {
                let x = [at(column), at(row)];
                let energy = model.energy(&x.map(|x| x as f32), level);
                [f64::from(energy), self.density(x, f64::from(sigma))]
            };
            (0..CELLS).map(cell).collect()
        };
        let cells: Vec<[f64; 2]> =
            (0..CELLS).into_par_iter().map_init(|| model.clone(), energy).flatten_iter().collect();
        let least = cells.iter().map(|cell| cell[0]).fold(f64::INFINITY, f64::min);
        let log_z = cells.iter().map(|cell| (least - cell[0]).exp()).sum::<f64>().ln() - least + 2.0 * h.ln();
        let mass: f64 = cells.iter().map(|cell| cell[1]).sum();
        let term = |[energy, p]: &[f64; 2]| if *p > 0.0 { p * (p.ln() + energy + log_z) } else { 0.0 };
        cells.iter().map(term).sum::<f64>() / mass
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::GaussianMixture;
    use crate::points::Points;

    /// Of normal energies about a normal law: ½·(r − 1 − ln r) nats per dimension for a ratio r of variances.
    #[test]
    fn the_divergence_of_normal_densities_is_the_known_one() {
        let sigmas = [0.3];
        let law = Law { means: vec![[0.0; 2]], variances: [0.05, 0.05] };
        let model = GaussianMixture::single(2, 0.2, &sigmas);
        let ratio: f64 = (0.05 + 0.09) / (0.2 + 0.09);
        let expected = ratio - 1.0 - ratio.ln();
        let found = law.divergence(&model, 0, sigmas[0]);
        assert!((found - expected).abs() < 1e-5, "{found} for {expected}");
    }

    /// Draws of each set have the mean log-density that its law says.
    #[test]
    fn laws_are_those_of_the_draws() {
        use rand::SeedableRng;
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(6);
        for toy in [Toy::Moons, Toy::EightGaussians] {
            let points: Points = toy.draw(20_000, &mut rng);
            let units = Standardizer::fit(&points);
            let law = Law::of(toy, &units).unwrap();
            let standard = units.apply(&points);
            let log = |x: &[f32]| law.density([x[0], x[1]].map(f64::from), 0.0).ln();
            let found = standard.rows().map(log).sum::<f64>() / standard.len() as f64;
            // −Σ p·ln p over the grid.
            let h = 1.0 / 128.0;
            let at = |i: usize| (i as f64 + 0.5) * h - 3.0;
            let entropy = |i: usize| {
                let p = law.density([at(i / 768), at(i % 768)], 0.0);
                if p > 0.0 { p * p.ln() * h * h } else { 0.0 }
            };
            let expected: f64 = (0..768 * 768).into_par_iter().map(entropy).sum();
            assert!((found - expected).abs() < 0.03, "{toy:?}: {found} for {expected}");
        }
        assert!(Law::of(Toy::Pinwheel, &Standardizer::fit(&Toy::Pinwheel.draw(100, &mut rng))).is_none());
    }
}
