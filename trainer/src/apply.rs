//! What a trained model is for, besides drawing: denoising, filling in, finding anomalies. All through the
//! core, row by row, the same bits for any number of threads.

use crate::inverse::{Measured, Measurement};
use crate::points::Points;
use crate::sample::{MAX_DIM, Network, in_data_units};
use rayon::prelude::*;
use tinyscore::levels::{At, From, Levels};
use tinyscore::rng::stream;
use tinyscore::sampler::{Ancestral, Resampled, Sampler, Tweedie};
use tinyscore::{Chain, Error, Known, Plan, Score, noise_level};

/// What is done with noisy data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denoising {
    /// The mean of the clean data given the noisy (Tweedie).
    Mean,
    /// A draw from the clean data given the noisy.
    Draw,
}

/// How strong the noise is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise {
    /// σ in units of the standardized data; the next larger level is taken.
    Known(f32),
    /// To be estimated, row by row, by the discrepancy principle.
    Unknown,
}

/// Denoises `data` (data units); with the level's σ that was taken for each row.
///
/// # Errors
/// Those of the core, as for data of another dimension than the model's.
pub fn denoise(
    network: &Network<'_>,
    data: &Points,
    how: Denoising,
    noise: Noise,
    seed: u64,
) -> Result<(Points, Vec<f32>), Error> {
    let levels = network.model().levels();
    let one = |network: &mut Network<'_>, i: usize, x: &[f32]| {
        let mut eps = vec![0.0; x.len()];
        let level = match noise {
            Noise::Known(sigma) => levels.at_least(sigma).1,
            Noise::Unknown => noise_level(network, |level| levels.get(level).power, x, &mut eps),
        };
        let rng = stream(seed, i as u64);
        let clean = match how {
            Denoising::Mean => finish(network, &Tweedie.plan(At::new(levels, level)?)?, rng, x),
            Denoising::Draw => {
                finish(network, &Ancestral::new(1.0)?.plan(From::new(levels, level)?)?, rng, x)
            }
        }?;
        Ok((clean, levels.sigma(level)))
    };
    let rows = each(network, data, one)?;
    let sigmas = rows.iter().map(|(_, sigma)| *sigma).collect();
    Ok((in_data_units(network.model(), rows.into_iter().map(|(clean, _)| clean)), sigmas))
}

/// Draws the coordinates of `data` (data units) whose `mask` is false, given the others; every step but the
/// last is taken `times` times.
///
/// # Errors
/// Those of the core, as for data or a mask of another dimension than the model's.
pub fn fill_in(
    network: &Network<'_>,
    data: &Points,
    mask: &[bool],
    times: usize,
    seed: u64,
) -> Result<Points, Error> {
    let levels = network.model().levels();
    let plan = Resampled::new(Ancestral::new(1.0)?, times)?.plan(levels)?;
    let rows = each(network, data, |network, i, x| {
        let mut known = Known::new(network, levels, x, mask)?;
        begin(&mut known, &plan, stream(seed, i as u64))
    })?;
    Ok(in_data_units(network.model(), rows.into_iter()))
}

/// Draws points of which `measurement` gives the rows of `values`; every step but the last is taken `times`
/// times.
///
/// # Errors
/// Those of the core, and [`Error::Length`] for rows that are not as long as the measurement.
pub fn solve(
    network: &Network<'_>,
    measurement: &Measurement,
    values: &Points,
    times: usize,
    seed: u64,
) -> Result<Points, Error> {
    if values.dim() != measurement.rows() {
        return Err(Error::Length { dim: measurement.rows(), have: values.dim() });
    }
    let levels = network.model().levels();
    let plan = Resampled::new(Ancestral::new(1.0)?, times)?.plan(levels)?;
    let one = |network: &mut Network<'_>, i: usize| {
        let mut measured = Measured::new(network, levels, measurement, values.row(i));
        begin(&mut measured, &plan, stream(seed, i as u64))
    };
    let rows: Vec<Vec<f32>> =
        (0..values.len()).into_par_iter().map_init(|| network.clone(), one).collect::<Result<_, Error>>()?;
    Ok(in_data_units(network.model(), rows.into_iter()))
}

/// The anomaly scores of `data` (data units); `None` if the model has no detector.
///
/// # Errors
/// [`Error::Length`] for data of another dimension than the model's.
pub fn anomaly_scores(network: &Network<'_>, data: &Points) -> Result<Option<Vec<f32>>, Error> {
    let Some(detector) = network.model().detector() else {
        return Ok(None);
    };
    let scores =
        each(network, data, |network, _, x| Ok(detector.score(network, x, &mut vec![0.0; x.len()])))?;
    Ok(Some(scores))
}

/// Runs a chain from noise to the end of its plan.
fn begin(score: &mut impl Score, plan: &impl Plan, rng: impl rand::Rng) -> Result<Vec<f32>, Error> {
    let mut chain = Chain::<_, MAX_DIM>::new(plan, score, rng)?;
    chain.run(plan, score);
    Ok(chain.state().to_vec())
}

/// Runs a chain from `x` to the end of its plan.
fn finish(
    network: &mut Network<'_>,
    plan: &impl Plan,
    rng: impl rand::Rng,
    x: &[f32],
) -> Result<Vec<f32>, Error> {
    let mut chain = Chain::<_, MAX_DIM>::from_state(plan, network, rng, x)?;
    chain.run(plan, network);
    Ok(chain.state().to_vec())
}

/// `f(network, i, row i in model units)` of every row, on all threads.
fn each<T: Send>(
    network: &Network<'_>,
    data: &Points,
    f: impl Fn(&mut Network<'_>, usize, &[f32]) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let dim = network.model().data_dim();
    if data.dim() != dim {
        return Err(Error::Length { dim, have: data.dim() });
    }
    let rows = (0..data.len()).into_par_iter();
    let one = |network: &mut Network<'_>, i: usize| {
        let mut x = vec![0.0; network.dim()];
        network.model().to_model(data.row(i), &mut x);
        f(network, i, &x)
    };
    rows.map_init(|| network.clone(), one).collect()
}
