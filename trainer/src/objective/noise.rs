//! Noise levels of a batch.

use super::Generator;
use crate::sde::{ForwardProcess, Schedule, VariancePreserving};
use rand::RngExt;

/// The i-th of n equal parts of 0…1: one number from each covers the whole range in every batch.
#[derive(Clone, Copy, Debug)]
pub struct Stratum {
    /// i, from 0
    pub index: usize,
    /// n
    pub count: usize,
}

impl Stratum {
    /// A number in the part.
    pub fn uniform(self, rng: &mut Generator) -> f32 {
        (self.index as f32 + rng.random::<f32>()) / self.count as f32
    }
}

/// Which σ a network is trained at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise {
    /// Log-uniform between two ends.
    Every {
        /// Smallest σ.
        min: f32,
        /// Largest σ.
        max: f32,
    },
    /// One level alone.
    One(f32),
    /// No noise: clean points, for which the network is shown this σ.
    Clean(f32),
}

impl Noise {
    /// The σ that the network is shown.
    pub fn sigma(self, stratum: Stratum, rng: &mut Generator) -> f32 {
        match self {
            Self::Every { min, max } => min * (stratum.uniform(rng) * (max / min).ln()).exp(),
            Self::One(sigma) | Self::Clean(sigma) => sigma,
        }
    }

    /// Standard deviation of the noise that is added where it is shown `sigma`.
    pub fn added(self, sigma: f32) -> f32 {
        match self {
            Self::Every { .. } | Self::One(_) => sigma,
            Self::Clean(_) => 0.0,
        }
    }
}

/// Times of a variance-preserving process, uniform between those of two σ.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    process: VariancePreserving,
    from: f64,
    to: f64,
}

impl Times {
    /// From the time of `sigma_min` to that of `sigma_max`.
    pub fn new(schedule: Schedule, sigma_min: f32, sigma_max: f32) -> Self {
        let process = VariancePreserving::new(schedule);
        Self { process, from: process.time(sigma_min.into()), to: process.time(sigma_max.into()) }
    }

    /// σ at the share `u` of the times.
    pub fn sigma(&self, u: f32) -> f32 {
        self.process.sigma(self.from + f64::from(u) * (self.to - self.from)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DenoisingDiffusion, Edm, NoiseConditional, Regression, VPrediction};
    use super::*;
    use rand::SeedableRng;

    const COUNT: usize = 20_000;

    /// ln σ of a batch, in ascending order.
    fn logs(objective: &dyn Regression) -> Vec<f32> {
        let mut rng = Generator::seed_from_u64(1);
        let at = |index| objective.sigma(Stratum { index, count: COUNT }, &mut rng).ln();
        let mut logs: Vec<f32> = (0..COUNT).map(at).collect();
        logs.sort_by(f32::total_cmp);
        logs
    }

    #[test]
    fn every_level_is_log_uniform() {
        let noise = Noise::Every { min: 0.01, max: 6.0 };
        let (low, high) = (0.01_f32.ln(), 6.0_f32.ln());
        let mut rng = Generator::seed_from_u64(1);
        for index in 0..100 {
            let log = noise.sigma(Stratum { index, count: 100 }, &mut rng).ln();
            let share = 100.0 * (log - low) / (high - low);
            assert!(share > index as f32 - 1e-3 && share < (index + 1) as f32 + 1e-3, "{index}: {share}");
        }
        assert_eq!((noise.added(0.3), Noise::Clean(0.3).added(0.3)), (0.3, 0.0));
    }

    #[test]
    fn geometric_levels_are_drawn_equally_often() {
        let logs = logs(&NoiseConditional::new(5, 6.0, 0.01));
        let step = (600.0_f32).ln() / 4.0;
        for (i, chunk) in logs.chunks(COUNT / 5).enumerate() {
            let expected = 0.01_f32.ln() + i as f32 * step;
            assert!(chunk.iter().all(|log| (log - expected).abs() < 1e-4), "{i}");
        }
    }

    /// The middle of the linear schedule's times 0 … t(6) has the σ of half that time.
    #[test]
    fn times_and_chains_are_uniform() {
        let process = VariancePreserving::new(Schedule::Linear);
        let middle = process.sigma(0.5 * (process.time(0.01) + process.time(6.0))).ln() as f32;
        let continuous = logs(&VPrediction { times: Times::new(Schedule::Linear, 0.01, 6.0) });
        let chain = logs(&DenoisingDiffusion::new(Schedule::Linear, 1000, 0.01, 6.0).unwrap());
        for logs in [continuous, chain] {
            assert!((logs[COUNT / 2] - middle).abs() < 0.01, "{} for {middle}", logs[COUNT / 2]);
            assert!((logs[0] - 0.01_f32.ln()).abs() < 0.03 && (logs[COUNT - 1] - 6.0_f32.ln()).abs() < 0.03);
        }
    }

    /// Mean and spread to four standard errors; the ends cut off less than 10⁻⁶.
    #[test]
    fn edm_levels_are_lognormal() {
        let logs = logs(&Edm { p_mean: -1.2, p_std: 0.5, sigma_min: 0.01, sigma_max: 6.0 });
        let n = COUNT as f32;
        let mean = logs.iter().sum::<f32>() / n;
        let sd = (logs.iter().map(|l| (l - mean).powi(2)).sum::<f32>() / n).sqrt();
        assert!((mean + 1.2).abs() < 4.0 * 0.5 / n.sqrt(), "{mean}");
        assert!((sd - 0.5).abs() < 4.0 * 0.5 / (2.0 * n).sqrt(), "{sd}");
        let narrow = self::logs(&Edm { p_mean: -1.2, p_std: 2.0, sigma_min: 0.2, sigma_max: 0.5 });
        assert!(narrow[0] >= 0.2_f32.ln() && narrow[COUNT - 1] <= 0.5_f32.ln());
    }
}
