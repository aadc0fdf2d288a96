//! Noise levels σ₀ > σ₁ > … > σ_{K−1} > 0, by convention followed by σ_K = 0, the clean data.

use crate::{Error, MAX_LEVELS};

/// A descending sequence of noise levels.
pub trait Levels {
    /// The number of levels, K.
    fn count(&self) -> usize;

    /// σ_i; from K on 0.
    fn sigma(&self, i: usize) -> f32;

    /// The model's own number of the i-th level.
    fn level(&self, i: usize) -> usize {
        i
    }

    /// Mean of ε̂² per dimension at the i-th level; 1 where nobody measured it.
    fn power(&self, i: usize) -> f32 {
        let _ = i;
        1.0
    }

    /// σ and number of the model's smallest level that is at least `sigma`, or of its largest if none is.
    ///
    /// Levels that were picked from others look among all of those.
    fn at_least(&self, sigma: f32) -> (f32, usize) {
        let i = (0..self.count()).rev().find(|&i| self.sigma(i) >= sigma).unwrap_or(0);
        (self.sigma(i), self.level(i))
    }

    /// (σ_i, σ_{i+1}), what a step goes from and to.
    fn pair(&self, i: usize) -> (f32, f32) {
        (self.sigma(i), self.sigma(i.saturating_add(1)))
    }
}

impl<T: AsRef<[f32]>> Levels for T {
    fn count(&self) -> usize {
        self.as_ref().len()
    }

    fn sigma(&self, i: usize) -> f32 {
        self.as_ref().get(i).copied().unwrap_or(0.0)
    }
}

/// K of the levels that a model has, spread evenly over their numbers, the largest and the smallest
/// included. Exact for the spacing they were made with when K − 1 divides the model's count less one.
#[derive(Clone, Copy, Debug)]
pub struct Pick<L> {
    levels: L,
    count: usize,
}

impl<L: Levels> Pick<L> {
    /// Takes `count` of `levels`.
    ///
    /// # Errors
    /// [`Error::NoSteps`] for none, [`Error::MissingLevels`] for more than there are, [`Error::TooManyLevels`] of more than
    /// [`MAX_LEVELS`].
    pub fn new(levels: L, count: usize) -> Result<Self, Error> {
        match (count, levels.count()) {
            (0, _) => Err(Error::NoSteps),
            (_, have) if have > MAX_LEVELS => Err(Error::TooManyLevels { have, most: MAX_LEVELS }),
            (asked, have) if asked > have => Err(Error::MissingLevels { asked, have }),
            _ => Ok(Self { levels, count }),
        }
    }

    fn source(&self, i: usize) -> usize {
        let (last, top) = (self.count - 1, self.levels.count() - 1);
        (2 * i * top + last).checked_div(2 * last).unwrap_or(0)
    }
}

impl<L: Levels> Levels for Pick<L> {
    fn count(&self) -> usize {
        self.count
    }

    fn sigma(&self, i: usize) -> f32 {
        if i < self.count { self.levels.sigma(self.source(i)) } else { 0.0 }
    }

    fn level(&self, i: usize) -> usize {
        self.levels.level(self.source(i.min(self.count - 1)))
    }

    fn power(&self, i: usize) -> f32 {
        self.levels.power(self.source(i.min(self.count - 1)))
    }

    fn at_least(&self, sigma: f32) -> (f32, usize) {
        self.levels.at_least(sigma)
    }
}

/// One of the levels, alone.
#[derive(Clone, Copy, Debug)]
pub struct At<L> {
    levels: L,
    index: usize,
}

impl<L: Levels> At<L> {
    /// Takes level number `index` of `levels`.
    ///
    /// # Errors
    /// [`Error::MissingLevels`] for a level that is not there.
    pub fn new(levels: L, index: usize) -> Result<Self, Error> {
        let have = levels.count();
        if index < have {
            Ok(Self { levels, index })
        } else {
            Err(Error::MissingLevels { asked: index.saturating_add(1), have })
        }
    }
}

impl<L: Levels> Levels for At<L> {
    fn count(&self) -> usize {
        1
    }

    fn sigma(&self, i: usize) -> f32 {
        if i == 0 { self.levels.sigma(self.index) } else { 0.0 }
    }

    fn level(&self, _i: usize) -> usize {
        self.levels.level(self.index)
    }

    fn power(&self, _i: usize) -> f32 {
        self.levels.power(self.index)
    }

    fn at_least(&self, sigma: f32) -> (f32, usize) {
        self.levels.at_least(sigma)
    }
}

/// The levels from one of them on, down to the smallest: for chains that start from noisy data.
#[derive(Clone, Copy, Debug)]
pub struct From<L> {
    levels: L,
    first: usize,
}

impl<L: Levels> From<L> {
    /// Takes level number `first` of `levels` and all smaller ones.
    ///
    /// # Errors
    /// [`Error::MissingLevels`] for a level that is not there.
    pub fn new(levels: L, first: usize) -> Result<Self, Error> {
        let have = levels.count();
        if first < have {
            Ok(Self { levels, first })
        } else {
            Err(Error::MissingLevels { asked: first.saturating_add(1), have })
        }
    }
}

impl<L: Levels> Levels for From<L> {
    fn count(&self) -> usize {
        self.levels.count() - self.first
    }

    fn sigma(&self, i: usize) -> f32 {
        self.levels.sigma(i.saturating_add(self.first))
    }

    fn level(&self, i: usize) -> usize {
        self.levels.level(i.saturating_add(self.first))
    }

    fn power(&self, i: usize) -> f32 {
        self.levels.power(i.saturating_add(self.first))
    }

    fn at_least(&self, sigma: f32) -> (f32, usize) {
        self.levels.at_least(sigma)
    }
}

/// How K levels are spread between σ_max and σ_min.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Spacing {
    /// A constant ratio (Song & Ermon 2019).
    Geometric,
    /// Evenly in σ^(1/ρ) (Karras et al. 2022, eq. 5); ρ = 7 spends more steps near σ_min.
    Karras {
        /// The exponent ρ, in 1…100.
        rho: f32,
    },
    /// The variance-preserving process with linear β (Ho et al. 2020; continuous form: Song et al.
    /// 2021, eq. 33), evenly in time, in σ = √((1 − ᾱ)/ᾱ).
    LinearBeta {
        /// β at time 0, such as 0.1.
        beta_min: f32,
        /// β at time 1, such as 20.
        beta_max: f32,
    },
}

impl Spacing {
    /// Writes K = `out.len()` levels from `sigma_max` down to `sigma_min`; one level is `sigma_max`.
    ///
    /// # Errors
    /// [`Error::NoSteps`] for no level; [`Error::Parameter`] unless 0 < σ_min < σ_max ≤ 10⁶ and the
    /// spacing's own parameters are in range.
    pub fn fill(self, sigma_max: f32, sigma_min: f32, out: &mut [f32]) -> Result<(), Error> {
        self.check(sigma_max, sigma_min)?;
        let steps = match out.len() {
            0 => return Err(Error::NoSteps),
            1 => 1.0,
            k => (k - 1) as f32,
        };
        let (start, end) = (self.warp(sigma_max), self.warp(sigma_min));
        for (i, sigma) in out.iter_mut().enumerate() {
            *sigma = self.unwarp(start + i as f32 / steps * (end - start));
        }
        // The ends are exact, whatever the warp rounds.
        if let [first, .., last] = out {
            (*first, *last) = (sigma_max, sigma_min);
        } else if let [only] = out {
            *only = sigma_max;
        }
        if out.windows(2).all(|w| w[0] > w[1]) {
            Ok(())
        } else {
            let value = out.len() as f32;
            Err(Error::Parameter {
                name: "number of levels",
                value,
                range: "small enough that levels differ in f32",
            })
        }
    }

    fn check(self, sigma_max: f32, sigma_min: f32) -> Result<(), Error> {
        let refuse = |name, value, range| Err(Error::Parameter { name, value, range });
        if !(sigma_max > 0.0 && sigma_max <= 1e6) {
            return refuse("sigma_max", sigma_max, "positive, at most 1e6");
        }
        if !(sigma_min > 0.0 && sigma_min < sigma_max) {
            return refuse("sigma_min", sigma_min, "positive and smaller than sigma_max");
        }
        match self {
            Self::Karras { rho } if !(1.0..=100.0).contains(&rho) => refuse("rho", rho, "in 1…100"),
            Self::LinearBeta { beta_min, .. } if !(0.0..=1e3).contains(&beta_min) => {
                refuse("beta_min", beta_min, "in 0…1000")
            }
            Self::LinearBeta { beta_min, beta_max } if !(beta_max > beta_min && beta_max <= 1e3) => {
                refuse("beta_max", beta_max, "larger than beta_min, at most 1000")
            }
            _ => Ok(()),
        }
    }

    /// The coordinate in which the levels are evenly spaced.
    fn warp(self, sigma: f32) -> f32 {
        match self {
            Self::Geometric => libm::logf(sigma),
            Self::Karras { rho } => libm::powf(sigma, 1.0 / rho),
            // ln(1 + σ²) = −ln ᾱ = β_min·t + (β_max − β_min)·t²/2, solved for t
            Self::LinearBeta { beta_min, beta_max } => {
                let exponent = libm::log1pf(sigma * sigma);
                let slope = beta_max - beta_min;
                (libm::sqrtf(beta_min * beta_min + 2.0 * slope * exponent) - beta_min) / slope
            }
        }
    }

    fn unwarp(self, t: f32) -> f32 {
        match self {
            Self::Geometric => libm::expf(t),
            Self::Karras { rho } => libm::powf(t, rho),
            Self::LinearBeta { beta_min, beta_max } => {
                libm::sqrtf(libm::expm1f(beta_min * t + 0.5 * (beta_max - beta_min) * t * t))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_descend_between_their_exact_ends() {
        let beta = Spacing::LinearBeta { beta_min: 0.1, beta_max: 20.0 };
        for spacing in [Spacing::Geometric, Spacing::Karras { rho: 7.0 }, beta] {
            let mut out = [0.0; 40];
            spacing.fill(80.0, 0.002, &mut out).unwrap();
            assert_eq!((out[0], out[39]), (80.0, 0.002));
            assert!(out.windows(2).all(|w| w[0] > w[1]), "{spacing:?}");
        }
    }

    #[test]
    fn geometric_has_a_constant_ratio() {
        let mut out = [0.0; 11];
        Spacing::Geometric.fill(1.0, 0.001, &mut out).unwrap();
        for w in out.windows(2) {
            assert!((w[0] / w[1] - 1.995_262_3).abs() < 1e-5);
        }
    }

    /// σ_1 of 18 levels, 80 to 0.002, ρ = 7, by the formula in double precision.
    #[test]
    fn karras_follows_equation_5() {
        let mut out = [0.0; 18];
        Spacing::Karras { rho: 7.0 }.fill(80.0, 0.002, &mut out).unwrap();
        assert!((out[1] / 57.585_995 - 1.0).abs() < 1e-5, "{}", out[1]);
    }

    /// The continuous linear β of (0.1, 20) ends at ᾱ = exp(−10.05).
    #[test]
    fn linear_beta_is_even_in_time() {
        let spacing = Spacing::LinearBeta { beta_min: 0.1, beta_max: 20.0 };
        let end = spacing.unwarp(1.0);
        assert!((1.0 / (1.0 + end * end) / 4.318_5e-5 - 1.0).abs() < 1e-3);
        let mut out = [0.0; 5];
        spacing.fill(end, 0.01, &mut out).unwrap();
        let step = spacing.warp(out[0]) - spacing.warp(out[1]);
        for w in out.windows(2) {
            assert!((spacing.warp(w[0]) - spacing.warp(w[1]) - step).abs() < 1e-4);
        }
    }

    #[test]
    fn picks_reach_both_ends() {
        let all = [5.0, 4.0, 3.0, 2.0, 1.0];
        let pick = Pick::new(&all[..], 3).unwrap();
        let picked = [0, 1, 2, 3].map(|i| pick.sigma(i));
        assert_eq!(picked, [5.0, 3.0, 1.0, 0.0]);
        assert_eq!(pick.level(1), 2);
        // To the nearest: 0, 4/3, 8/3, 4.
        let pick = Pick::new(&all[..], 4).unwrap();
        assert_eq!([0, 1, 2, 3].map(|i| pick.level(i)), [0, 1, 3, 4]);
        assert_eq!(Pick::new(&all[..], 1).unwrap().sigma(0), 5.0);
        assert_eq!(Pick::new(&all[..], 0).unwrap_err(), Error::NoSteps);
        assert_eq!(Pick::new(&all[..], 6).unwrap_err(), Error::MissingLevels { asked: 6, have: 5 });
    }

    #[test]
    fn picks_find_the_levels_between() {
        let all = [5.0, 4.0, 3.0, 2.0, 1.0];
        let pick = Pick::new(&all[..], 3).unwrap();
        let found = [1.0, 1.1, 3.5, 5.0, 9.0].map(|sigma| pick.at_least(sigma));
        assert_eq!(found, [(1.0, 4), (2.0, 3), (4.0, 1), (5.0, 0), (5.0, 0)]);
        assert_eq!(At::new(pick, 2).unwrap().at_least(1.5), (2.0, 3));
        let largest = &all[2..];
        assert_eq!(largest.at_least(4.0), (3.0, 0));
    }

    #[test]
    fn wrong_ranges_are_named() {
        let mut out = [0.0; 4];
        let name = |e| match e {
            Err(Error::Parameter { name, .. }) => name,
            _ => "",
        };
        assert_eq!(name(Spacing::Geometric.fill(1.0, 1.0, &mut out)), "sigma_min");
        assert_eq!(name(Spacing::Geometric.fill(f32::NAN, 1.0, &mut out)), "sigma_max");
        assert_eq!(name(Spacing::Karras { rho: 0.0 }.fill(2.0, 1.0, &mut out)), "rho");
        assert_eq!(Spacing::Geometric.fill(2.0, 1.0, &mut []), Err(Error::NoSteps));
    }
}
