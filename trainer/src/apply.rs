//! What a trained model is for, besides drawing: denoising, filling in, finding anomalies. All through the
//! core, row by row, the same bits for any number of threads.

use crate::inverse::{Measured, Measurement};
use crate::points::Points;
use crate::sample::{MAX_DIM, Network, in_data_units};
use rayon::prelude::*;
use tinyscore::levels::{At, From, Levels};
use tinyscore::rng::stream;
use tinyscore::sampler::{AnalyticDpm, Ancestral, Resampled, Sampler, Tweedie};
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
    OfEachRow,
    /// To be estimated of all rows together, whose noise is the same: one row of few numbers tells little of it.
    OfAllRows,
}

impl Noise {
    /// Numbers of a row from which on it tells its own noise to a fifth, 1/√(2d).
    const ENOUGH: usize = 16;

    /// To be estimated as the dimension of the model's states allows.
    pub fn unknown(dim: usize) -> Self {
        if dim < Self::ENOUGH { Self::OfAllRows } else { Self::OfEachRow }
    }
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
    let of_all = match noise {
        Noise::Known(sigma) => Some(levels.at_least(sigma).1),
        Noise::OfAllRows => Some(common_noise_level(network, data)?),
        Noise::OfEachRow => None,
    };
    let one = |network: &mut Network<'_>, i: usize, x: &[f32]| {
        let mut eps = vec![0.0; x.len()];
        let level =
            of_all.unwrap_or_else(|| noise_level(network, |level| levels.get(level).power, x, &mut eps));
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

/// The smallest level at which the rows are not noisier together than data of that level: as [`noise_level`], with
/// the mean over all rows of the power that the model finds in them.
fn common_noise_level(network: &Network<'_>, data: &Points) -> Result<usize, Error> {
    let levels = network.model().levels();
    let (mut larger, mut smaller) = (0, levels.count() - 1);
    while larger < smaller {
        let middle = larger.midpoint(smaller + 1);
        let powers = each(network, data, |network, _, x| {
            let mut eps = vec![0.0; x.len()];
            network.noise(x, middle, &mut eps);
            Ok(eps.iter().map(|e| f64::from(e * e)).sum::<f64>() / eps.len() as f64)
        })?;
        if powers.iter().sum::<f64>() / powers.len() as f64 > levels.get(middle).power.into() {
            smaller = middle - 1;
        } else {
            larger = middle;
        }
    }
    Ok(larger)
}

/// The first row, from 0, and coordinate of the model that lies further from the training data than any measurement
/// would, 10⁶ standard deviations; NaN, which is a gap, does not count.
///
/// # Errors
/// [`Error::Length`] for data of another dimension than the model's.
pub fn far_off(network: &Network<'_>, data: &Points) -> Result<Option<(usize, usize)>, Error> {
    const FAR: f32 = 1e6;
    let rows = each(network, data, |_, _, x| Ok(x.iter().position(|x| x.abs() > FAR)))?;
    Ok(rows.into_iter().enumerate().find_map(|(row, column)| Some((row, column?))))
}

/// Draws the coordinates of `data` (data units) that row i's `mask` says are unknown, given the others; every step
/// but the last is taken `times` times.
///
/// # Errors
/// Those of the core, as for data or a mask of another dimension than the model's.
pub fn fill_in(
    network: &Network<'_>,
    data: &Points,
    mask: impl Fn(usize) -> Vec<bool> + Sync,
    times: usize,
    seed: u64,
) -> Result<Points, Error> {
    let plan = Resampled::new(AnalyticDpm, times)?.plan(network.model().levels())?;
    let row =
        |network: &mut Network<'_>, i, x: &[f32]| filled(network, x, &mask(i), &plan, stream(seed, i as u64));
    let rows = each(network, data, row)?;
    Ok(with_known(in_data_units(network.model(), rows.into_iter()), data, mask))
}

/// The known coordinates as they were, which the way to model units and back rounds.
fn with_known(filled: Points, data: &Points, mask: impl Fn(usize) -> Vec<bool>) -> Points {
    let mut values = Vec::with_capacity(filled.values().len());
    for (i, (filled, row)) in filled.rows().zip(data.rows()).enumerate() {
        let cells = filled.iter().zip(row).zip(mask(i));
        values.extend(cells.map(|((filled, x), is_known)| if is_known { x } else { filled }));
    }
    Points::new(filled.dim(), values)
}

/// How many draws make an interval, and which of them are its ends.
///
/// If the truth is as good as one more draw, it lies below the k-th least of N, or above the k-th largest, with
/// probability k/(N + 1) each, so that both enclose it with 1 − 2k/(N + 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draws {
    number: usize,
    /// k
    rank: usize,
}

impl Draws {
    /// The fewest that can tell an interval of `coverage`, 0…1: of .9 the extremes of 19.
    pub fn covering(coverage: f64) -> Self {
        Self { number: (2.0 / (1.0 - coverage) - 1e-6).ceil() as usize - 1, rank: 1 }
    }

    /// As many, or `None` where they are too few.
    pub fn of(number: usize, coverage: f64) -> Option<Self> {
        let rank = (0.5 * (1.0 - coverage) * (number + 1) as f64 + 1e-6) as usize;
        (rank > 0).then_some(Self { number, rank })
    }

    /// N
    pub fn number(self) -> usize {
        self.number
    }
}

/// What coordinates may be that are not known.
#[derive(Clone, Debug)]
pub struct Filled {
    /// The mean of the draws, data units; where it is known what is known.
    pub mean: Points,
    /// The lower ends of the intervals.
    pub lower: Points,
    /// The upper ends.
    pub upper: Points,
    /// Evaluations of the network for each row.
    pub evaluations: usize,
}

/// As [`fill_in`], with an interval for each coordinate, which is its value where it is known. Row i has a mask of
/// its own, draw k the seed `seed` + k.
///
/// # Errors
/// As [`fill_in`].
pub fn fill_in_between(
    network: &Network<'_>,
    data: &Points,
    mask: impl Fn(usize) -> Vec<bool> + Sync,
    times: usize,
    Draws { number, rank }: Draws,
    seed: u64,
) -> Result<Filled, Error> {
    let plan = Resampled::new(AnalyticDpm, times)?.plan(network.model().levels())?;
    let rows = each(network, data, |network, i, x| {
        let mask = mask(i);
        let draw = |k| filled(network, x, &mask, &plan, stream(seed.wrapping_add(k as u64), i as u64));
        let draws = (0..number).map(draw).collect::<Result<Vec<_>, Error>>()?;
        let ends = (0..x.len()).map(|j| {
            let mut values: Vec<f32> = draws.iter().map(|draw| draw[j]).collect();
            values.sort_unstable_by(f32::total_cmp);
            let mean = if mask[j] { x[j] } else { values.iter().sum::<f32>() / number as f32 };
            [mean, values[rank - 1], values[number - rank]]
        });
        Ok(ends.collect::<Vec<_>>())
    })?;
    let [mean, lower, upper] = [0, 1, 2].map(|end| {
        let row = |row: &Vec<[f32; 3]>| row.iter().map(|ends| ends[end]).collect::<Vec<f32>>();
        with_known(in_data_units(network.model(), rows.iter().map(row)), data, &mask)
    });
    Ok(Filled { mean, lower, upper, evaluations: number * plan.evaluations() })
}

/// A draw of what is not known of `x`.
fn filled(
    network: &mut Network<'_>,
    x: &[f32],
    mask: &[bool],
    plan: &impl Plan,
    rng: impl rand::Rng,
) -> Result<Vec<f32>, Error> {
    let levels = network.model().levels();
    // A gap may be NaN.
    let x: Vec<f32> = x.iter().zip(mask).map(|(&x, &is_known)| if is_known { x } else { 0.0 }).collect();
    let mut known = Known::new(network, levels, &x, mask)?;
    let mut drawn = begin(&mut known, plan, rng)?;
    known.restore(&mut drawn);
    Ok(drawn)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The fewest draws for an interval, and the ranks of more.
    #[test]
    fn an_interval_has_enough_draws() {
        for (coverage, fewest) in [(0.5, 3), (0.9, 19), (0.95, 39), (0.99, 199)] {
            let draws = Draws::covering(coverage);
            assert_eq!((draws.number, Some(draws)), (fewest, Draws::of(fewest, coverage)), "{coverage}");
            assert_eq!(Draws::of(fewest - 1, coverage), None, "{coverage}");
        }
        assert_eq!(Draws::of(99, 0.9), Some(Draws { number: 99, rank: 5 }));
    }
}
