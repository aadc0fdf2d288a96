//! Drawing through the core: any score, any plan, many chains.

use crate::points::Points;
use crate::simd::chosen;
use clap::ValueEnum;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use tinyscore::blob::Kind;
use tinyscore::levels::{At, Pick};
use tinyscore::rng::stream;
use tinyscore::sampler::{
    Ancestral, AnnealedLangevin, Churn, ClampedLangevin, Ddim, Ddpm, Deis, DpmSolver2M, DpmSolverSde2M, Heun,
    Ipndm, Langevin, Mala, PredictorCorrector, ReverseSde, Sampler, StepRule, UnderdampedLangevin,
};
use tinyscore::{
    BatchMlp, Chain, Conditional, Energy, EnergyMlp, EnergyModel, Error, Guided, HISTORY, Levels, MAX_ROWS,
    Model, Plan, Score,
};

/// Most dimensions that the trainer samples.
pub const MAX_DIM: usize = 1024;

/// The core's network on the desktop.
#[derive(Clone, Debug)]
pub enum Network<'a> {
    /// A score network.
    Score(BatchMlp<'a>),
    /// An energy network.
    Energy(EnergyMlp<'a, Vec<i16>>),
}

impl<'a> Network<'a> {
    /// The model; of an energy network, what it has in common with a score network.
    pub fn model(&self) -> &Model<'a> {
        match self {
            Self::Score(network) => network.model(),
            Self::Energy(network) => network.model().model(),
        }
    }

    /// Multiply–accumulate operations of an evaluation of the score.
    pub fn macs(&self) -> usize {
        match self {
            Self::Score(network) => network.model().macs(),
            Self::Energy(network) => network.model().macs(),
        }
    }

    /// Entries of scratch memory of the network on a chip.
    pub fn scratch(&self) -> usize {
        match self {
            Self::Score(network) => network.model().scratch(),
            Self::Energy(network) => network.model().scratch(),
        }
    }
}

impl Score for Network<'_> {
    fn dim(&self) -> usize {
        self.model().dim()
    }

    fn levels(&self) -> usize {
        self.model().levels().count()
    }

    fn noise(&mut self, x: &[f32], level: usize, eps: &mut [f32]) {
        match self {
            Self::Score(network) => network.noise(x, level, eps),
            Self::Energy(network) => network.noise(x, level, eps),
        }
    }

    fn noise_batch(&mut self, x: &[f32], level: usize, eps: &mut [f32]) {
        match self {
            Self::Score(network) => network.noise_batch(x, level, eps),
            Self::Energy(network) => network.noise_batch(x, level, eps),
        }
    }
}

impl Conditional for Network<'_> {
    fn classes(&self) -> usize {
        self.model().classes()
    }

    fn choose(&mut self, class: Option<usize>) -> Result<(), Error> {
        match self {
            Self::Score(network) => network.choose(class),
            Self::Energy(network) => network.choose(class),
        }
    }
}

/// The network of a blob.
///
/// # Errors
/// When the blob is damaged.
pub fn network(blob: &[u8]) -> Result<Network<'_>, Error> {
    Ok(match Kind::of(blob)? {
        Kind::Energy => {
            let model = EnergyModel::from_bytes(blob)?;
            let scratch = vec![0; model.scratch()];
            Network::Energy(EnergyMlp::new(model, scratch)?)
        }
        _ => Network::Score(BatchMlp::new(Model::from_bytes(blob)?, chosen())),
    })
}

/// Chains that one thread carries together before it takes more work, at most.
const BLOCK: usize = 64;

/// A sampler by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Ancestral sampling with η (Song et al. 2021)
    Ancestral,
    /// DDPM with the variance β (Ho et al. 2020)
    Ddpm,
    /// DDPM with the posterior variance β̃ (Ho et al. 2020)
    DdpmTilde,
    /// DDIM, the Euler method of the probability flow (Song, Meng & Ermon 2021)
    Ddim,
    /// Heun's method of EDM (Karras et al. 2022)
    Heun,
    /// DPM-Solver++(2M) (Lu et al. 2022)
    #[value(name = "dpmpp-2m")]
    #[serde(rename = "dpmpp-2m")]
    DpmSolver2M,
    /// DPM-Solver++(2M) for the SDE (Lu et al. 2022)
    #[value(name = "dpmpp-2m-sde")]
    #[serde(rename = "dpmpp-2m-sde")]
    DpmSolverSde2M,
    /// iPNDM, Adams–Bashforth for evenly spaced σ, by --order (Liu et al. 2022; Zhang & Chen 2023)
    Ipndm,
    /// DEIS, Adams–Bashforth for any σ, by --order (Zhang & Chen 2023)
    Deis,
    /// Heun's method with noise added before each step, EDM's stochastic sampler (Karras et al. 2022)
    Churn,
    /// Reverse diffusion, Euler–Maruyama of the reverse SDE (Song et al. 2021)
    ReverseSde,
    /// Reverse diffusion with Langevin corrections, by --snr and --corrections (Song et al. 2021)
    PredictorCorrector,
    /// Langevin dynamics at the smallest level (Roberts & Tweedie 1996)
    Langevin,
    /// Metropolis-adjusted Langevin dynamics, for models of an energy, level by level (Roberts & Tweedie 1996)
    Mala,
    /// The source notes' 60 clamped steps of noisy descent, for models of an energy, at the smallest level
    ClampedLangevin,
    /// Underdamped Langevin dynamics at the smallest level (Brünger, Brooks & Karplus 1984)
    UnderdampedLangevin,
    /// Annealed Langevin dynamics (Song & Ermon 2019, Algorithm 1)
    AnnealedLangevin,
    /// Annealed Langevin dynamics by the source notes' Algorithm 2.1
    AnnealedLangevinNotes,
    /// Annealed Langevin dynamics by a signal-to-noise ratio
    AnnealedLangevinSnr,
}

/// What some samplers want to know besides their noise levels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// η of ancestral sampling, 0…1.
    pub eta: f32,
    /// Langevin steps per level.
    pub per_level: usize,
    /// ε of Song & Ermon, α of the notes: the step at the smallest level.
    pub epsilon: f32,
    /// Signal-to-noise ratio, or the square root of half Langevin's rate α/σ².
    pub snr: f32,
    /// Denoise after annealed Langevin.
    pub denoise: bool,
    /// Order of iPNDM and DEIS, 1…4.
    pub order: usize,
    /// Corrections after each prediction.
    pub corrections: usize,
    /// Friction of underdamped Langevin dynamics, in units of 1/σ.
    pub friction: f32,
    /// Sum of the relative rises of σ by churn.
    pub s_churn: f32,
    /// Smallest σ with churn.
    pub s_tmin: f32,
    /// Largest σ with churn.
    pub s_tmax: f32,
    /// Standard deviation of churn's noise.
    pub s_noise: f32,
    /// Where clamped Langevin keeps its state, model units.
    pub limit: f32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            eta: 1.0,
            per_level: 10,
            epsilon: 2e-5,
            snr: 0.16,
            denoise: true,
            order: 3,
            corrections: 1,
            friction: 1.0,
            s_churn: 10.0,
            s_tmin: 0.0,
            s_tmax: 1e6,
            s_noise: 1.0,
            limit: 3.0,
        }
    }
}

impl Method {
    /// All that are plans: not MALA, which decides by energies, nor what clamps its state.
    pub const ALL: [Self; 17] = [
        Self::Ancestral,
        Self::Ddpm,
        Self::DdpmTilde,
        Self::Ddim,
        Self::Heun,
        Self::DpmSolver2M,
        Self::DpmSolverSde2M,
        Self::Ipndm,
        Self::Deis,
        Self::Churn,
        Self::ReverseSde,
        Self::PredictorCorrector,
        Self::Langevin,
        Self::UnderdampedLangevin,
        Self::AnnealedLangevin,
        Self::AnnealedLangevinNotes,
        Self::AnnealedLangevinSnr,
    ];

    /// The name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default()
    }

    /// The [`Options`] that it reads.
    pub fn reads(self) -> &'static [&'static str] {
        match self {
            Self::Ancestral => &["eta"],
            Self::Ddpm | Self::DdpmTilde | Self::Ddim | Self::Heun => &[],
            Self::DpmSolver2M | Self::DpmSolverSde2M | Self::ReverseSde => &[],
            Self::Ipndm | Self::Deis => &["order"],
            Self::Churn => &["s_churn", "s_tmin", "s_tmax", "s_noise"],
            Self::PredictorCorrector => &["snr", "corrections"],
            Self::Langevin => &["snr"],
            Self::Mala => &["snr", "per_level"],
            Self::ClampedLangevin => &["limit"],
            Self::UnderdampedLangevin => &["snr", "friction"],
            Self::AnnealedLangevin | Self::AnnealedLangevinNotes => &["epsilon", "per_level", "denoise"],
            Self::AnnealedLangevinSnr => &["snr", "per_level", "denoise"],
        }
    }

    /// The samplers that read this option.
    pub fn that_read(option: &str) -> String {
        let names = Self::value_variants().iter().filter(|method| method.reads().contains(&option));
        names.map(|method| method.name()).collect::<Vec<_>>().join(", ")
    }

    /// The plan of this sampler on `steps` of `levels`; Langevin and underdamped Langevin take all their
    /// steps at the last level.
    ///
    /// # Errors
    /// Those of the core: too many steps, none, or an option out of range; [`Error::NoEnergy`] for MALA.
    pub fn plan<'a, L: Levels + Copy + Send + Sync + 'a>(
        self,
        levels: L,
        steps: usize,
        options: &Options,
    ) -> Result<Box<dyn Plan + Send + Sync + 'a>, Error> {
        let Options { eta, per_level, epsilon, snr, denoise, order, corrections, friction, .. } = *options;
        let Options { s_churn, s_tmin, s_tmax, s_noise, .. } = *options;
        let picked = || Pick::new(levels, steps);
        let last = || At::new(levels, levels.count().saturating_sub(1));
        let rate = 2.0 * snr * snr;
        let annealed = |rule| AnnealedLangevin::new(rule, per_level, denoise)?.plan(picked()?);
        Ok(match self {
            Self::Ancestral => Box::new(Ancestral::new(eta)?.plan(picked()?)?),
            Self::Ddpm => Box::new(Ddpm::Beta.plan(picked()?)?),
            Self::DdpmTilde => Box::new(Ddpm::BetaTilde.plan(picked()?)?),
            Self::Ddim => Box::new(Ddim.plan(picked()?)?),
            Self::Heun => Box::new(Heun.plan(picked()?)?),
            Self::DpmSolver2M => Box::new(DpmSolver2M.plan(picked()?)?),
            Self::DpmSolverSde2M => Box::new(DpmSolverSde2M.plan(picked()?)?),
            Self::Ipndm => Box::new(Ipndm::new(order)?.plan(picked()?)?),
            Self::Deis => Box::new(Deis::new(order)?.plan(picked()?)?),
            Self::Churn => Box::new(Churn::new(s_churn, s_tmin, s_tmax, s_noise)?.plan(picked()?)?),
            Self::ReverseSde => Box::new(ReverseSde.plan(picked()?)?),
            Self::PredictorCorrector => {
                Box::new(PredictorCorrector::new(ReverseSde, snr, corrections)?.plan(picked()?)?)
            }
            Self::Langevin => Box::new(Langevin::new(rate, steps)?.plan(last()?)?),
            Self::Mala | Self::ClampedLangevin => return Err(Error::NoEnergy),
            Self::UnderdampedLangevin => {
                Box::new(UnderdampedLangevin::new(rate, friction, steps)?.plan(last()?)?)
            }
            Self::AnnealedLangevin => Box::new(annealed(StepRule::SongErmon(epsilon))?),
            Self::AnnealedLangevinNotes => Box::new(annealed(StepRule::Notes(epsilon))?),
            Self::AnnealedLangevinSnr => Box::new(annealed(StepRule::SignalToNoise(snr))?),
        })
    }
}

/// Draws chains 0…n − 1 of `seed` in model units; the same bits for any number of threads.
/// `done` is called with the number of chains finished since the last call.
///
/// # Errors
/// When plan and score do not fit, or the score has more than [`MAX_DIM`] dimensions.
pub fn draw<S>(
    score: &S,
    plan: &(impl Plan + Sync + ?Sized),
    n: usize,
    seed: u64,
    done: impl Fn(usize) + Sync,
) -> Result<Points, Error>
where
    S: Score + Clone + Send + Sync,
{
    draw_chains(score, plan, 0..n, seed, done)
}

/// As [`draw`], the chains of these numbers.
///
/// # Errors
/// As [`draw`].
pub fn draw_chains<S>(
    score: &S,
    plan: &(impl Plan + Sync + ?Sized),
    chains: Range<usize>,
    seed: u64,
    done: impl Fn(usize) + Sync,
) -> Result<Points, Error>
where
    S: Score + Clone + Send + Sync,
{
    match (score.dim(), plan.history()) {
        (0..=8, 0) => draw_within::<8, 0, S>(score, plan, chains, seed, done),
        (0..=8, _) => draw_within::<8, HISTORY, S>(score, plan, chains, seed, done),
        (9..=64, 0) => draw_within::<64, 0, S>(score, plan, chains, seed, done),
        (9..=64, _) => draw_within::<64, HISTORY, S>(score, plan, chains, seed, done),
        (65..=256, 0) => draw_within::<256, 0, S>(score, plan, chains, seed, done),
        (65..=256, _) => draw_within::<256, HISTORY, S>(score, plan, chains, seed, done),
        (_, 0) => draw_within::<MAX_DIM, 0, S>(score, plan, chains, seed, done),
        _ => draw_within::<MAX_DIM, HISTORY, S>(score, plan, chains, seed, done),
    }
}

/// As [`draw_chains`], with chains of capacity `D` that keep `P` old evaluations: the less memory, the more of them stay near.
fn draw_within<const D: usize, const P: usize, S>(
    score: &S,
    plan: &(impl Plan + Sync + ?Sized),
    chains: Range<usize>,
    seed: u64,
    done: impl Fn(usize) + Sync,
) -> Result<Points, Error>
where
    S: Score + Clone + Send + Sync,
{
    let dim = score.dim();
    let first = chains.start;
    let mut values = vec![0.0; chains.len() * dim];
    let together = chains.len().div_ceil(rayon::current_num_threads()).clamp(1, BLOCK);
    values.par_chunks_mut(together * dim).enumerate().try_for_each_init(
        || (score.clone(), vec![0.0; together * dim]),
        |(score, eps), (block, out)| {
            let count = out.len() / dim;
            let start =
                |i| Chain::<_, D, P>::new(&plan, score, stream(seed, (first + block * together + i) as u64));
            let mut chains = (0..count).map(start).collect::<Result<Vec<_>, Error>>()?;
            out.chunks_exact_mut(dim).zip(&chains).for_each(|(x, chain)| x.copy_from_slice(chain.state()));
            while let Some(step) = chains.first().and_then(|chain| chain.next(&plan)) {
                if step.evaluate {
                    score.noise_batch(out, step.level.into(), &mut eps[..count * dim]);
                }
                let rows = out.chunks_exact_mut(dim).zip(eps.chunks_exact(dim));
                for (chain, (x, eps)) in chains.iter_mut().zip(rows) {
                    if step.evaluate {
                        chain.evaluation().1.copy_from_slice(eps);
                    }
                    chain.apply(&step);
                    x.copy_from_slice(chain.state());
                }
            }
            done(count);
            Ok(())
        },
    )?;
    Ok(Points::new(dim, values))
}

/// Draws chains 0…n − 1 of `seed` in model units by MALA, [`per_level`](Options::per_level) steps at each of `steps` of the
/// levels in turn with α = 2·snr²·σ², and the share of accepted steps; the same bits for any number of threads.
///
/// # Errors
/// When levels, options or dimensions do not fit.
pub fn draw_mala<E: Energy + Clone + Send + Sync>(
    model: &E,
    levels: impl Levels + Copy + Sync,
    steps: usize,
    options: &Options,
    n: usize,
    seed: u64,
) -> Result<(Points, f64), Error> {
    let picked = Pick::new(levels, steps)?;
    match steps.saturating_mul(options.per_level) {
        0 => return Err(Error::NoSteps),
        asked if asked > MAX_ROWS => return Err(Error::TooManySteps { asked, most: MAX_ROWS }),
        _ => {}
    }
    let rate = 2.0 * options.snr * options.snr;
    let one = |model: &mut E, i: usize| -> Result<(Vec<f32>, usize), Error> {
        let mut rng = stream(seed, i as u64);
        let (mut x, mut accepted) = (None::<Vec<f32>>, 0);
        for k in 0..picked.count() {
            let level = At::new(picked, k)?;
            let mut chain = match &x {
                None => Mala::<_, MAX_DIM>::new(rate, &level, model, &mut rng)?,
                Some(x) => Mala::from_state(rate, &level, model, &mut rng, x)?,
            };
            (0..options.per_level).for_each(|_| accepted += usize::from(chain.step(model)));
            x = Some(chain.state().to_vec());
        }
        Ok((x.unwrap_or_default(), accepted))
    };
    let drawn = (0..n).into_par_iter().map_init(|| model.clone(), one).collect::<Result<Vec<_>, _>>()?;
    let (rows, accepted): (Vec<_>, Vec<_>) = drawn.into_iter().unzip();
    let taken = n as f64 * (picked.count() * options.per_level) as f64;
    Ok((Points::new(model.dim(), rows.concat()), accepted.iter().sum::<usize>() as f64 / taken))
}

/// Draws chains 0…n − 1 of `seed` in model units by the notes' clamped sampler at the smallest level, within ±`limit`.
///
/// # Errors
/// When limit or dimensions do not fit.
pub fn draw_clamped<S: Score + Clone + Send + Sync>(
    model: &S,
    levels: impl Levels + Copy + Sync,
    limit: f32,
    n: usize,
    seed: u64,
) -> Result<Points, Error> {
    let last = At::new(levels, levels.count().saturating_sub(1))?;
    let one = |model: &mut S, i: usize| -> Result<Vec<f32>, Error> {
        let mut chain = ClampedLangevin::<_, MAX_DIM>::new(limit, &last, model, stream(seed, i as u64))?;
        chain.run(model);
        Ok(chain.state().to_vec())
    };
    let rows = (0..n).into_par_iter().map_init(|| model.clone(), one).collect::<Result<Vec<_>, _>>()?;
    Ok(Points::new(model.dim(), rows.concat()))
}

/// Draws `n` samples, the classes of the score in turn: sample i is of class c = i mod C and chain i div C of seed
/// `seed` + c, guided towards it by `guidance`. Without classes as [`draw`].
///
/// # Errors
/// As [`draw`], and a guidance out of range.
pub fn draw_classes<S>(
    score: &S,
    plan: &(impl Plan + Sync + ?Sized),
    n: usize,
    (seed, guidance): (u64, f32),
    done: impl Fn(usize) + Sync,
) -> Result<Points, Error>
where
    S: Conditional + Clone + Send + Sync,
{
    let classes = score.classes();
    if classes == 0 {
        return draw(score, plan, n, seed, done);
    }
    let drawn = (0..classes).map(|class| {
        let guided = Guided::<_, MAX_DIM>::new(score.clone(), class, guidance)?;
        draw(&guided, plan, n.div_ceil(classes), seed.wrapping_add(class as u64), &done)
    });
    let drawn = drawn.collect::<Result<Vec<_>, _>>()?;
    let values = (0..n).flat_map(|i| drawn[i % classes].row(i / classes)).copied().collect();
    Ok(Points::new(score.dim(), values).with_labels((0..n).map(|i| (i % classes) as u16).collect()))
}

/// The states of chain 0 of `seed` before the first row and after each, in model units.
///
/// # Errors
/// As [`draw`].
pub fn path(score: &mut impl Score, plan: &(impl Plan + ?Sized), seed: u64) -> Result<Points, Error> {
    let mut chain = Chain::<_, MAX_DIM, HISTORY>::new(&plan, score, stream(seed, 0))?;
    let mut states = Points::with_capacity(score.dim(), plan.rows() + 1);
    states.push_row(chain.state());
    while chain.step(&plan, score) {
        states.push_row(chain.state());
    }
    Ok(states)
}

/// Rows in model units, in data units.
pub fn in_data_units(model: &Model<'_>, rows: impl Iterator<Item: AsRef<[f32]>>) -> Points {
    let mut points = Points::with_capacity(model.data_dim(), rows.size_hint().0);
    let mut data = vec![0.0; model.data_dim()];
    for row in rows {
        model.to_data(row.as_ref(), &mut data);
        points.push_row(&data);
    }
    points
}
