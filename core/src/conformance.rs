//! The promise, checkable anywhere: one digest per sampler, the same on every machine.
//!
//! `trainer digest MODEL` prints these on a desktop, the firmware example on a chip.

use crate::blob::{Gaussian, Lateral};
use crate::chain::head;
use crate::kernel;
use crate::levels::{At, Pick};
use crate::rbm::Connections;
use crate::rng::stream;
use crate::sampler::{
    AnalyticDpm, Ancestral, AnnealedLangevin, Churn, ClampedLangevin, Ddim, Ddpm, Deis, DpmSolver2M,
    DpmSolverSde2M, Heun, Ipndm, Langevin, Mala, PredictorCorrector, Resampled, ReverseSde, Sampler,
    StepRule, Tweedie, UnderdampedLangevin,
};
use crate::{
    BoltzmannMachine, Chain, Conditional, Digest, Energy, Error, GaussianGibbs, GaussianRbm, Gibbs, Guided,
    HISTORY, Known, Levels, Model, Plan, Rbm, Score,
};
use rand_core::Rng;

/// Samples behind every digest.
pub const SAMPLES: u64 = 1000;
/// Seed of their chains.
pub const SEED: u64 = 1;
/// Noise levels of every plan, or as many as the model has.
pub const LEVELS: usize = 8;

/// Draws `samples` samples of `network`, which is that of `model`, with every sampler and the stored plan, and gives
/// `report(name, digest)` of their bits in data units. `D` is the capacity of the [`Chain`], `N` that of the data.
///
/// # Errors
/// When the model does not fit the capacities.
pub fn digests<const D: usize, const N: usize>(
    model: &Model<'_>,
    network: &mut impl Conditional,
    samples: u64,
    mut report: impl FnMut(&str, u64),
) -> Result<(), Error> {
    if model.data_dim() > N {
        return Err(Error::TooManyDimensions { dim: model.data_dim(), capacity: N });
    }
    let all = model.levels();
    let few = Pick::new(all, LEVELS.min(all.count()))?;
    let last = At::new(all, all.count().saturating_sub(1))?;
    let annealed = |rule| AnnealedLangevin::new(rule, 2, true)?.plan(few);
    let stored = model.plan();
    let mut run = |name, plan: &dyn Plan| -> Result<(), Error> {
        report(name, digest::<D, N>(model, network, &plan, samples)?);
        Ok(())
    };
    run("ancestral", &Ancestral::new(1.0)?.plan(few)?)?;
    run("ancestral-half", &Ancestral::new(0.5)?.plan(few)?)?;
    run("ddpm", &Ddpm::Beta.plan(few)?)?;
    run("ddpm-tilde", &Ddpm::BetaTilde.plan(few)?)?;
    run("ddim", &Ddim.plan(few)?)?;
    run("heun", &Heun.plan(few)?)?;
    run("dpmpp-2m", &DpmSolver2M.plan(few)?)?;
    run("langevin", &Langevin::new(0.05, LEVELS)?.plan(last)?)?;
    run("annealed-langevin", &annealed(StepRule::SongErmon(2e-5))?)?;
    run("annealed-langevin-notes", &annealed(StepRule::Notes(3e-5))?)?;
    run("annealed-langevin-snr", &annealed(StepRule::SignalToNoise(0.16))?)?;
    run("tweedie", &Tweedie.plan(last)?)?;
    if stored.rows() > 0 {
        run("stored-plan", &stored)?;
    }
    run("reverse-sde", &ReverseSde.plan(few)?)?;
    run("predictor-corrector", &PredictorCorrector::new(ReverseSde, 0.16, 1)?.plan(few)?)?;
    run("dpmpp-2m-sde", &DpmSolverSde2M.plan(few)?)?;
    run("ipndm", &Ipndm::new(4)?.plan(few)?)?;
    run("deis", &Deis::new(4)?.plan(few)?)?;
    run("churn", &Churn::new(2.0, 0.0, 1e6, 1.003)?.plan(few)?)?;
    run("underdamped-langevin", &UnderdampedLangevin::new(0.05, 1.0, LEVELS)?.plan(last)?)?;
    run("analytic-dpm", &AnalyticDpm.plan(few)?)?;
    if network.classes() > 0 {
        let mut guided = Guided::<_, D>::new(&mut *network, 0, 1.0)?;
        report("guided", digest::<D, N>(model, &mut guided, &Ancestral::new(1.0)?.plan(few)?, samples)?);
        network.choose(None)?;
    }
    let every_other: [bool; D] = core::array::from_fn(|i| i % 2 == 0);
    let mut known = Known::new(network, all, head(&[0.5; D], model.dim()), head(&every_other, model.dim()))?;
    let resampled = Resampled::new(Ancestral::new(1.0)?, 2)?.plan(few)?;
    report("known", digest::<D, N>(model, &mut known, &resampled, samples)?);
    report("mala", mala::<D>(model.dim(), samples)?);
    let [sweeps, descents] = rbm(samples)?;
    report("rbm", sweeps);
    report("dbn", descents);
    report("boltzmann", boltzmann(samples));
    report("gaussian-rbm", gaussian_rbm(samples)?);
    Ok(())
}

/// As [`digests`] of an energy network, and of the samplers that need its energy.
///
/// # Errors
/// As [`digests`].
pub fn energy_digests<const D: usize, const N: usize>(
    model: &Model<'_>,
    network: &mut (impl Conditional + Energy),
    samples: u64,
    mut report: impl FnMut(&str, u64),
) -> Result<(), Error> {
    digests::<D, N>(model, network, samples, &mut report)?;
    let all = model.levels();
    let last = At::new(all, all.count().saturating_sub(1))?;
    let (mut accepted, mut clamped) = (Digest::new(), Digest::new());
    for i in 0..samples {
        let mut chain = Mala::<_, D>::new(0.3, &last, network, stream(SEED, i))?;
        (0..LEVELS).for_each(|_| _ = chain.step(network));
        accepted.update(chain.state());
        accepted.update(&[network.energy(chain.state(), 0)]);
        let mut chain = ClampedLangevin::<_, D>::new(1.0, &last, network, stream(SEED, i))?;
        (0..LEVELS).for_each(|_| chain.step(network));
        clamped.update(chain.state());
    }
    report("mala-energy", accepted.finish());
    report("clamped-langevin", clamped.finish());
    Ok(())
}

/// How many sums of this target's kernel differ from those of the portable one, over shapes, extremes and
/// misaligned memory.
pub fn kernel_differences() -> usize {
    kernel::differences(&mut stream(SEED, 0))
}

/// The digest of `samples` samples of one plan.
fn digest<const D: usize, const N: usize>(
    model: &Model<'_>,
    score: &mut impl Score,
    plan: &impl Plan,
    samples: u64,
) -> Result<u64, Error> {
    let mut digest = Digest::new();
    let mut data = [0.0; N];
    for i in 0..samples {
        let mut chain = Chain::<_, D, HISTORY>::new(plan, score, stream(SEED, i))?;
        chain.run(plan, score);
        let data = data.get_mut(..model.data_dim()).unwrap_or_default();
        model.to_data(chain.state(), data);
        digest.update(data);
    }
    Ok(digest.finish())
}

/// The digest of `samples` chains of [`Mala`] on a normal density: the network has no energy.
fn mala<const D: usize>(dim: usize, samples: u64) -> Result<u64, Error> {
    let mut digest = Digest::new();
    let mut normal = Normal { dim };
    for i in 0..samples {
        let mut chain = Mala::<_, D>::new(0.7, &[SIGMA], &mut normal, stream(SEED, i))?;
        for _ in 0..LEVELS {
            chain.step(&mut normal);
        }
        digest.update(chain.state());
    }
    Ok(digest.finish())
}

/// Digests of `samples` chains of Gibbs sampling of a machine of 20 and 12 units, which the model is not, with their free
/// energies, and of the downward pass from each to 12 units below. All directions have random weights of their own: the
/// arithmetic does not mind.
fn rbm(samples: u64) -> Result<[u64; 2], Error> {
    let mut rng = stream(SEED, 0);
    let mut bytes = [0; 20 * 12];
    bytes.iter_mut().for_each(|byte| *byte = 64 + (rng.next_u32() & 127) as u8);
    let biases = [0; 40];
    let way = |shape| Connections { shape, weights: &bytes, biases: &biases, shift: 4 };
    let (machine, lower) =
        (Rbm { up: way((20, 12)), down: way((12, 20)) }, Rbm { up: way((12, 20)), down: way((20, 12)) });
    let (mut digest, mut below) = (Digest::new(), Digest::new());
    for i in 0..samples {
        let mut chain = Gibbs::<_, 1>::new(&machine, stream(SEED, i))?;
        chain.run(&machine, LEVELS);
        let [visible] = *chain.visible();
        digest.update(&[visible as f32, chain.free_energy(&machine)]);
        let [visible] = chain.descend(core::iter::once(lower));
        below.update(&[visible as f32]);
    }
    Ok([digest.finish(), below.finish()])
}

/// The same of a machine of 20 units with lateral weights.
fn boltzmann(samples: u64) -> u64 {
    let mut rng = stream(SEED, 0);
    let mut weights = [0; 20 * 20];
    weights.iter_mut().for_each(|byte| *byte = (rng.next_u32() >> 26).wrapping_sub(32) as u8);
    let machine = Lateral { name: "", shift: 4, visible: 12, units: 20, weights: &weights, biases: &[0; 80] };
    let (machine, mut digest) = (BoltzmannMachine(machine), Digest::new());
    for i in 0..samples {
        let (mut state, mut rng) = ([0], stream(SEED, i));
        (0..LEVELS).for_each(|_| machine.sweep(&mut state, &[0], &mut rng));
        digest.update(&state.map(|units| units as f32));
    }
    digest.finish()
}

/// The same of a machine of 20 real and 12 binary units.
fn gaussian_rbm(samples: u64) -> Result<u64, Error> {
    let mut rng = stream(SEED, 0);
    let mut weights = [0; 20 * 12];
    weights.iter_mut().for_each(|byte| *byte = (rng.next_u32() >> 26).wrapping_sub(32) as u8);
    let (biases, standard) = ([0; 4 * 12], [0x3f; 8 * 20]);
    let rbm = GaussianRbm(Gaussian {
        name: "",
        shift: 5,
        visible: 20,
        hidden: 12,
        biases: &biases,
        weights: &weights,
        standard: &standard,
    });
    let (mut digest, mut data) = (Digest::new(), [0.0; 20]);
    for i in 0..samples {
        let mut chain = GaussianGibbs::<_, 20, 1>::new(&rbm, stream(SEED, i))?;
        chain.run(&rbm, LEVELS);
        rbm.to_data(chain.visible(), &mut data);
        digest.update(&data);
        digest.update(&[chain.free_energy(&rbm)]);
    }
    Ok(digest.finish())
}

/// The only noise level of [`Normal`].
const SIGMA: f32 = 0.5;

/// Data at one point: p(x; σ) = N(0, σ²·I).
struct Normal {
    dim: usize,
}

impl Score for Normal {
    fn dim(&self) -> usize {
        self.dim
    }

    fn levels(&self) -> usize {
        1
    }

    fn noise(&mut self, x: &[f32], _level: usize, eps: &mut [f32]) {
        for (eps, x) in eps.iter_mut().zip(x) {
            *eps = x / SIGMA;
        }
    }
}

impl Energy for Normal {
    fn energy(&mut self, x: &[f32], _level: usize) -> f32 {
        x.iter().fold(0.0, |energy, x| energy + 0.5 * x * x / (SIGMA * SIGMA))
    }
}
