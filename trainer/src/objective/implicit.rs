//! Objectives that need the divergence of the score instead of a target.

use super::{Generator, Noise, Stratum};
use crate::backend::{self, Backend, Parameters, Scalar, inner_product};
use crate::denoiser::Denoiser;
use crate::points::Points;
use rand::RngExt;
use rand_distr::StandardNormal;
use std::ops::Range;

/// L = E_σ σ²·E_y [½‖s‖² + Σ_m v_mᵀ·∇s·v_m] at y = x + σn, where Σ_m v_m·v_mᵀ is the identity or has it for
/// its mean, so that the sum is tr ∇s or has it for its mean.
pub trait Implicit: Sync {
    /// Which σ.
    fn noise(&self) -> Noise;

    /// How many v there are for data of `dim` dimensions.
    fn probes(&self, dim: usize) -> usize;

    /// Writes v_m.
    fn probe(&self, m: usize, rng: &mut Generator, v: &mut [f32]);
}

/// One training step's noisy points and directions, row-major.
///
/// With ε̂ = skip·y + gain·F(c_in·y, σ), σ²·½‖s‖² is ½‖ε̂‖², a square error of F, and
///
/// ```text
/// σ²·vᵀ·∇s·v = −σ·vᵀ·∇ε̂·v = −σ·skip·vᵀv − σ·gain·vᵀ·Ḟ ,   Ḟ = ∇F·c_in·v
/// ```
///
/// is linear in F's tangent Ḟ along c_in·v.
#[derive(Clone, Debug, Default)]
pub struct Tangents {
    /// n × inputs of F
    inputs: Vec<f32>,
    /// n × dim: the F at which ε̂ = 0.
    targets: Vec<f32>,
    /// n: ½·gain²
    weights: Vec<f32>,
    /// For each probe n × inputs: c_in·v, and 0 for the features of σ.
    directions: Vec<Vec<f32>>,
    /// For each probe n × dim: −σ·gain·v
    covectors: Vec<Vec<f32>>,
    /// n: what does not depend on F.
    constants: Vec<f32>,
}

impl Tangents {
    /// `n` noisy points of `data`.
    pub fn draw(
        objective: &dyn Implicit,
        denoiser: &Denoiser,
        data: &Points,
        n: usize,
        rng: &mut Generator,
    ) -> Self {
        let (dim, probes) = (data.dim(), objective.probes(data.dim()));
        let mut batch = Self {
            directions: vec![Vec::new(); probes],
            covectors: vec![Vec::new(); probes],
            ..Self::default()
        };
        let (mut noisy, mut v) = (vec![0.0; dim], vec![0.0; dim]);
        for index in 0..n {
            let sigma = objective.noise().sigma(Stratum { index, count: n }, rng);
            let added = objective.noise().added(sigma);
            let i = rng.random_range(0..data.len());
            let (x, class) = (data.row(i), denoiser.shown(data.label(i), rng));
            for (y, x) in noisy.iter_mut().zip(x) {
                *y = x + added * rng.sample::<f32, _>(StandardNormal);
            }
            let c = denoiser.precondition.at(sigma);
            denoiser.append_input(&noisy, sigma, class, &mut batch.inputs);
            batch.targets.extend(noisy.iter().map(|y| -c.skip * y / c.gain));
            batch.weights.push(0.5 * c.gain * c.gain);
            let mut constant = 0.0;
            let each = batch.directions.iter_mut().zip(&mut batch.covectors);
            for (m, (directions, covectors)) in each.enumerate() {
                objective.probe(m, rng, &mut v);
                directions.extend(v.iter().map(|v| c.input * v));
                directions.resize(batch.inputs.len(), 0.0);
                covectors.extend(v.iter().map(|v| -sigma * c.gain * v));
                constant -= sigma * c.skip * v.iter().map(|v| v * v).sum::<f32>();
            }
            batch.constants.push(constant);
        }
        batch
    }
}

impl<B: Backend> backend::Objective<B> for Tangents {
    fn examples(&self) -> usize {
        self.weights.len()
    }

    /// Mean over examples and dimensions.
    fn loss(&self, parameters: &Parameters<B>, rows: Range<usize>) -> Scalar<B> {
        let examples = self.weights.len();
        let scale = 1.0 / self.targets.len() as f32;
        let (inputs, dim) = (self.inputs.len() / examples, self.targets.len() / examples);
        let part = |values: &[f32], columns| values[rows.start * columns..rows.end * columns].to_vec();
        let scaled = |values: &[f32], columns| -> Vec<f32> {
            part(values, columns).iter().map(|value| value * scale).collect()
        };
        let x = parameters.matrix(&part(&self.inputs, inputs), inputs);
        let directions = self.directions.iter().map(|v| parameters.matrix(&part(v, inputs), inputs));
        let (f, tangents) = parameters.traced().forward_with_tangents(x, directions.collect());
        let square = B::square_error(f, &part(&self.targets, dim), &scaled(&self.weights, 1));
        let products = tangents.into_iter().zip(&self.covectors);
        let loss = products.fold(square, |sum, (t, v)| sum + inner_product(t, &scaled(v, dim)));
        loss + scaled(&self.constants, 1).iter().sum::<f32>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ImplicitScoreMatching, SlicedScoreMatching};
    use super::*;
    use crate::backend::Cpu;
    use crate::denoiser::{Embedding, Precondition};
    use crate::mlp::Activation;
    use rand::SeedableRng;
    use tinyscore::Score;

    const PRECONDITIONS: [Precondition; 5] =
        [Precondition::Edm, Precondition::Epsilon, Precondition::V, Precondition::X0, Precondition::Notes];

    fn denoiser(activation: Activation, precondition: Precondition) -> Denoiser {
        let embedding = Embedding { features: 3, sigma_min: 0.05, sigma_max: 5.0 };
        Denoiser::new(2, &[9, 8], activation, precondition, embedding, 0, &mut Generator::seed_from_u64(8))
    }

    fn points() -> Points {
        Points::new(2, vec![0.3, -0.8, 1.1, 0.4, -0.6, -0.9])
    }

    fn loss(batch: &Tangents, denoiser: &Denoiser) -> f64 {
        let parameters = Parameters::new(Cpu::default(), &denoiser.net);
        let parts = Cpu::differentiate(&parameters, batch);
        parts.iter().map(|part| f64::from(part.loss.as_vec()[0])).sum()
    }

    fn batch(objective: &dyn Implicit, denoiser: &Denoiser, n: usize) -> Tangents {
        Tangents::draw(objective, denoiser, &points(), n, &mut Generator::seed_from_u64(2))
    }

    /// ½‖ε̂‖² − σ·tr ∇ε̂ of the host's ε̂ by differences in its argument, mean over dimensions; both in
    /// single precision, so to 1 %.
    #[test]
    fn the_loss_is_that_of_the_definition() {
        for precondition in PRECONDITIONS {
            for sigma in [0.1_f32, 0.7, 3.0] {
                let denoiser = denoiser(Activation::Silu, precondition);
                let batch = batch(&ImplicitScoreMatching { noise: Noise::One(sigma) }, &denoiser, 7);
                let levels = [sigma];
                let mut score = denoiser.at_levels(&levels);
                let mut expected = 0.0;
                for row in batch.inputs.chunks(denoiser.net.inputs()) {
                    let y: Vec<f32> = row[..2].iter().map(|x| x / precondition.at(sigma).input).collect();
                    let mut at = |y: &[f32]| {
                        let mut eps = [0.0; 2];
                        score.noise(y, 0, &mut eps);
                        eps.map(f64::from)
                    };
                    let h = 0.02 * sigma;
                    for j in 0..2 {
                        let mut moved = |by: f32| {
                            let mut y = y.clone();
                            y[j] += by;
                            at(&y)[j]
                        };
                        let slope = (moved(h) - moved(-h)) / f64::from(2.0 * h);
                        expected += 0.5 * at(&y)[j].powi(2) - f64::from(sigma) * slope;
                    }
                }
                expected /= 14.0;
                let found = loss(&batch, &denoiser);
                assert!(
                    (found - expected).abs() < 0.01 * (1.0 + expected.abs()),
                    "{precondition:?} at {sigma}: {found} for {expected}"
                );
            }
        }
    }

    /// Central differences of the loss in single precision: to 0.2 % of the largest gradient.
    #[test]
    fn gradients_match_finite_differences() {
        let every = Noise::Every { min: 0.05, max: 5.0 };
        let objectives: [&dyn Implicit; 2] =
            [&ImplicitScoreMatching { noise: every }, &SlicedScoreMatching { noise: every, probes: 3 }];
        for activation in [Activation::Silu, Activation::Elu, Activation::Tanh] {
            for (number, objective) in objectives.iter().enumerate() {
                let denoiser = denoiser(activation, Precondition::Edm);
                // More than one part of the host's.
                let batch = batch(*objective, &denoiser, 70);
                let parameters = Parameters::new(Cpu::default(), &denoiser.net);
                let parts = Cpu::differentiate(&parameters, &batch);
                let of = |part: &crate::backend::Differential<Cpu>| -> Vec<f32> {
                    let layers = parameters.layers.iter();
                    let each = layers.map(|l| {
                        [part.gradients.get(&l.weight).as_vec(), part.gradients.get(&l.bias).as_vec()]
                    });
                    each.flatten().flatten().collect()
                };
                let flat = denoiser.net.flatten();
                let gradients = parts.iter().map(of).fold(vec![0.0; flat.len()], |sum, part| {
                    sum.iter().zip(&part).map(|(a, b)| a + b).collect::<Vec<f32>>()
                });
                let largest = gradients.iter().fold(0.0_f32, |m, g| m.max(g.abs()));
                for index in (0..flat.len()).step_by(3) {
                    let moved = |h: f32| {
                        let mut flat = flat.clone();
                        flat[index] += h;
                        loss(&batch, &Denoiser { net: denoiser.net.unflatten(&flat), ..denoiser.clone() })
                    };
                    let expected = ((moved(0.01) - moved(-0.01)) / 0.02) as f32;
                    let gradient = gradients[index];
                    assert!(
                        (gradient - expected).abs() < 2e-3 * largest,
                        "{activation:?}, objective {number}, {index}: {gradient} for {expected}"
                    );
                }
            }
        }
    }

    /// At one clean point both losses differ by the mean of 64,000 random signs only.
    #[test]
    fn sliced_is_implicit_in_expectation() {
        let denoiser = denoiser(Activation::Silu, Precondition::Epsilon);
        let noise = Noise::Clean(0.4);
        let point = Points::new(2, vec![0.3, -0.8]);
        let draw = |objective: &dyn Implicit, n| {
            let batch = Tangents::draw(objective, &denoiser, &point, n, &mut Generator::seed_from_u64(6));
            loss(&batch, &denoiser)
        };
        let exact = draw(&ImplicitScoreMatching { noise }, 1);
        let sliced = draw(&SlicedScoreMatching { noise, probes: 64 }, 1000);
        let single = draw(&SlicedScoreMatching { noise, probes: 1 }, 1);
        let spread = (single - exact).abs();
        assert!(spread > 1e-3, "a random direction gives the exact trace: {single}, {exact}");
        // In two dimensions every direction misses by ±spread.
        let error = (sliced - exact).abs();
        assert!(error < 4.0 * spread / 64_000.0_f64.sqrt() + 1e-5, "{sliced} for {exact}, spread {spread}");
    }

    #[test]
    fn clean_points_are_clean() {
        let denoiser = denoiser(Activation::Silu, Precondition::Notes);
        let batch = batch(&ImplicitScoreMatching { noise: Noise::Clean(0.1) }, &denoiser, 20);
        for row in batch.inputs.chunks(denoiser.net.inputs()) {
            assert!(points().rows().any(|x| x == &row[..2]), "{row:?}");
        }
    }
}
