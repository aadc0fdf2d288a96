//! What the model does with a point that is typed in.

use crate::board::{Board, Failure};
use crate::command::Point;
use crate::mixture::{Network, point};
use crate::model::DIM;
use tinyscore::levels::At;
use tinyscore::rng::stream;
use tinyscore::sampler::{Ancestral, Resampled, Sampler, Tweedie};
use tinyscore::{Chain, Known, Levels, noise_level};

/// Times that `fill` takes every step.
const TIMES: usize = 10;
/// Points that it draws.
const DRAWN: u64 = 5;

/// Prints the mean of the clean point given the noisy one, whose noise is estimated.
///
/// # Errors
/// When the console fails.
pub fn denoise(board: &mut impl Board, network: &mut Network<'_>, noisy: &Point) -> Result<(), Failure> {
    let (levels, x) = (network.model().levels(), in_model_units(network, noisy));
    let level = noise_level(network, |level| levels.get(level).power, &x, &mut [0.0; DIM]);
    let plan = Tweedie.plan(At::new(levels, level)?)?;
    let mut chain = Chain::<_, DIM>::from_state(&plan, network, stream(0, 0), &x)?;
    chain.run(&plan, network);
    write!(board, "taken as data with noise {:.3}:", levels.sigma(level))?;
    point(board, network.model(), chain.state())
}

/// Draws what is not known of a point, five times.
///
/// # Errors
/// When the console fails.
pub fn fill(board: &mut impl Board, network: &mut Network<'_>, partly: &Point) -> Result<(), Failure> {
    let (model, x) = (network.model().clone(), in_model_units(network, partly));
    let mask = partly.map(|coordinate| coordinate.is_some());
    let plan = Resampled::new(Ancestral::new(1.0)?, TIMES)?.plan(model.levels())?;
    let mut known = Known::new(network, model.levels(), &x, &mask)?;
    for i in 0..DRAWN {
        let mut chain = Chain::<_, DIM>::new(&plan, &known, stream(1, i))?;
        while chain.step(&plan, &mut known) {
            board.pause();
        }
        point(board, &model, chain.state())?;
    }
    Ok(())
}

/// Prints how far a point is from the data.
///
/// # Errors
/// When the console fails.
pub fn score(board: &mut impl Board, network: &mut Network<'_>, of: &Point) -> Result<(), Failure> {
    let x = in_model_units(network, of);
    let Some(detector) = network.model().detector() else {
        return Ok(writeln!(board, "the model has no detector")?);
    };
    let score = detector.score(network, &x, &mut [0.0; DIM]);
    let verdict = if detector.is_anomaly(score) { "an anomaly" } else { "as the data" };
    Ok(writeln!(board, "{score:.4}, {verdict}: the threshold is {:.4}", detector.threshold)?)
}

/// The point for the network; what is not known is 0.
fn in_model_units(network: &Network<'_>, point: &Point) -> [f32; DIM] {
    let mut x = [0.0; DIM];
    network.model().to_model(&point.map(Option::unwrap_or_default), &mut x);
    x
}
