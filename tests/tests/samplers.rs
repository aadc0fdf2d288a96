//! Samplers against exact scores, against each other, and against the way they are run.

use rayon::ThreadPoolBuilder;
use tests::Tiny;
use tinyscore::arith::BOUND;
use tinyscore::levels::{At, From, Pick, Spacing};
use tinyscore::rng::stream;
use tinyscore::sampler::{
    Ancestral, AnnealedLangevin, Churn, Ddim, Ddpm, Deis, DpmSolver2M, DpmSolverSde2M, Heun, Ipndm, Langevin,
    Mala, PredictorCorrector, Resampled, ReverseSde, Sampler, StepRule, Tweedie, UnderdampedLangevin,
};
use tinyscore::{Chain, Energy, Error, HISTORY, Levels, MAX_LEVELS, MAX_ROWS, Plan, Score, Step};
use trainer::closed_form;
use trainer::exact::GaussianMixture;
use trainer::sample::{Method, Options, draw, draw_chains, network};

const SIGMAS: [f32; 6] = [6.0, 2.5, 1.0, 0.4, 0.1, 0.02];

/// A model that gives one number for everything.
struct Broken(f32);

impl Score for Broken {
    fn dim(&self) -> usize {
        2
    }

    fn levels(&self) -> usize {
        SIGMAS.len()
    }

    fn noise(&mut self, _x: &[f32], _level: usize, eps: &mut [f32]) {
        eps.fill(self.0);
    }
}

impl Energy for Broken {
    fn energy(&mut self, _x: &[f32], _level: usize) -> f32 {
        self.0
    }
}

#[test]
fn samplers_follow_theory_on_exact_scores() {
    let checks = closed_form::checks().unwrap();
    checks.iter().for_each(|check| println!("{check}"));
    let failed: Vec<_> = checks.iter().filter(|check| !check.passed()).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn ancestral_without_noise_is_ddim() {
    let (ancestral, ddim) = (Ancestral::new(0.0).unwrap().plan(SIGMAS).unwrap(), Ddim.plan(SIGMAS).unwrap());
    for row in 0..SIGMAS.len() {
        assert_eq!(ancestral.step(row), ddim.step(row));
    }
}

#[test]
fn ddpm_with_the_posterior_variance_is_ancestral() {
    let (ancestral, ddpm) =
        (Ancestral::new(1.0).unwrap().plan(SIGMAS).unwrap(), Ddpm::BetaTilde.plan(SIGMAS).unwrap());
    for row in 0..SIGMAS.len() {
        let (a, b) = (ancestral.step(row), ddpm.step(row));
        assert!((a.b - b.b).abs() <= 1e-6 * a.b.abs() && (a.d - b.d).abs() <= 1e-6, "{row}: {a:?} {b:?}");
    }
}

#[test]
fn the_variances_of_ddpm_bound_the_truth() {
    let (beta, tilde) = (Ddpm::Beta.plan(SIGMAS).unwrap(), Ddpm::BetaTilde.plan(SIGMAS).unwrap());
    for row in 0..SIGMAS.len() - 1 {
        assert!(beta.step(row).d > tilde.step(row).d);
    }
    assert_eq!((beta.step(5).d, tilde.step(5).d), (0.0, 0.0));
}

#[test]
fn a_plan_of_one_level_is_the_tweedie_denoiser() {
    let one = [0.7_f32];
    let expected = Tweedie.plan(one).unwrap().step(0);
    let corrected = PredictorCorrector::new(ReverseSde, 0.2, 3).unwrap();
    let plans: [(&str, Box<dyn Plan>); 11] = [
        ("ddim", Box::new(Ddim.plan(one).unwrap())),
        ("ancestral", Box::new(Ancestral::new(1.0).unwrap().plan(one).unwrap())),
        ("ddpm", Box::new(Ddpm::Beta.plan(one).unwrap())),
        ("heun", Box::new(Heun.plan(one).unwrap())),
        ("dpmpp-2m", Box::new(DpmSolver2M.plan(one).unwrap())),
        ("dpmpp-2m-sde", Box::new(DpmSolverSde2M.plan(one).unwrap())),
        ("ipndm", Box::new(Ipndm::new(4).unwrap().plan(one).unwrap())),
        ("deis", Box::new(Deis::new(4).unwrap().plan(one).unwrap())),
        ("churn", Box::new(Churn::new(9.0, 0.0, 1e6, 1.0).unwrap().plan(one).unwrap())),
        ("reverse-sde", Box::new(ReverseSde.plan(one).unwrap())),
        ("predictor-corrector", Box::new(corrected.plan(one).unwrap())),
    ];
    for (name, plan) in plans {
        // Churn has a row before it, which changes nothing.
        let last = plan.rows() - 1;
        for row in 0..last {
            let step = plan.step(row);
            assert_eq!((step.evaluate, step.a, step.b, step.d), (false, 1.0, 0.0, 0.0), "{name}");
        }
        let step = plan.step(last);
        assert_eq!((step.a, step.b, step.c, step.d), (1.0, expected.b, [0.0; 3], 0.0), "{name}");
        assert_eq!(plan.evaluations(), 1, "{name}");
    }
}

/// The coefficients of a row, for comparing.
fn coefficients(step: &Step) -> [f32; 7] {
    let [c1, c2, c3] = step.c;
    [step.a, step.s, step.b, c1, c2, c3, step.d]
}

#[track_caller]
fn close(step: &Step, expected: &Step) {
    for (a, b) in coefficients(step).into_iter().zip(coefficients(expected)) {
        assert!((a - b).abs() <= 2e-6 * (1.0 + b.abs()), "{step:?} is not {expected:?}");
    }
}

#[test]
fn the_sde_solver_begins_and_ends_as_ancestral_sampling() {
    let sde = DpmSolverSde2M.plan(SIGMAS).unwrap();
    let ancestral = Ancestral::new(1.0).unwrap().plan(SIGMAS).unwrap();
    for row in [0, SIGMAS.len() - 1] {
        close(&sde.step(row), &ancestral.step(row));
    }
    assert_ne!(sde.step(2).c[0], 0.0);
    assert!((0..SIGMAS.len()).all(|row| (sde.step(row).d - ancestral.step(row).d).abs() < 1e-6));
}

/// Of a state that is pure noise, D = 0, every method that is exact for it keeps the ratio σ′/σ.
#[test]
fn multistep_rows_keep_pure_noise() {
    for plan in [
        Box::new(Deis::new(4).unwrap().plan(SIGMAS).unwrap()) as Box<dyn Plan>,
        Box::new(Ipndm::new(4).unwrap().plan(SIGMAS).unwrap()),
    ] {
        for (row, sigma) in SIGMAS.into_iter().enumerate() {
            // x = σ·z has ε̂ = z at all levels.
            let step = plan.step(row);
            let next = SIGMAS.get(row + 1).copied().unwrap_or(0.0);
            let x = sigma + step.b + step.c.iter().sum::<f32>();
            assert!((x - next).abs() < 2e-6 * sigma, "{row}: {x}");
        }
    }
}

#[test]
fn deis_on_even_levels_is_ipndm() {
    let even: [f32; 9] = std::array::from_fn(|i| 4.5 - 0.5 * i as f32);
    for order in 1..=4 {
        let (deis, ipndm) =
            (Deis::new(order).unwrap().plan(even).unwrap(), Ipndm::new(order).unwrap().plan(even).unwrap());
        assert_eq!(deis.history(), order - 1);
        for row in 0..even.len() {
            close(&deis.step(row), &ipndm.step(row));
        }
        let used = ipndm.step(6).c.iter().filter(|&&c| c != 0.0).count();
        assert_eq!(used, order - 1);
    }
    let first = Ipndm::new(4).unwrap().plan(even).unwrap();
    assert_eq!(coefficients(&first.step(0)), coefficients(&Ddim.plan(even).unwrap().step(0)));
}

#[test]
fn corrections_stand_between_predictions() {
    let (predictor, n) = (Ancestral::new(0.7).unwrap(), 2);
    let plan = PredictorCorrector::new(predictor, 0.3, n).unwrap().plan(SIGMAS).unwrap();
    let predictions = predictor.plan(SIGMAS).unwrap();
    assert_eq!(plan.evaluations(), SIGMAS.len() + n * (SIGMAS.len() - 1));
    for row in 0..plan.rows() {
        let i = row / (n + 1);
        if row % (n + 1) == 0 {
            assert_eq!(plan.step(row), predictions.step(i));
        } else {
            let langevin =
                Langevin::new(0.18, 1).unwrap().plan(At::new(SIGMAS, i + 1).unwrap()).unwrap().step(0);
            close(&plan.step(row), &langevin);
            assert_eq!(plan.step(row).level, langevin.level);
        }
    }
}

#[test]
fn churn_of_nothing_is_heun() {
    let mut score = GaussianMixture::two_modes(&SIGMAS);
    let (churn, heun) =
        (Churn::new(0.0, 0.0, 1e6, 1.0).unwrap().plan(SIGMAS).unwrap(), Heun.plan(SIGMAS).unwrap());
    assert_eq!(churn.evaluations(), heun.evaluations());
    let mut a = Chain::<_, 2>::new(&churn, &score, stream(3, 0)).unwrap();
    let mut b = Chain::<_, 2>::new(&heun, &score, stream(3, 0)).unwrap();
    a.run(&churn, &mut score);
    b.run(&heun, &mut score);
    assert_eq!(a.state(), b.state());
}

/// The state's noise after a row of churn is that of the level where it is evaluated, the next above
/// (1 + γ)·σ.
#[test]
fn churn_rises_to_a_level_of_the_model() {
    let mut all = vec![0.0; 33];
    Spacing::Geometric.fill(4.0, 0.02, &mut all).unwrap();
    let pick = Pick::new(&all[..], 9).unwrap();
    let plan = Churn::new(1.8, 0.1, 3.0, 1.01).unwrap().plan(pick).unwrap();
    let mut risen = 0;
    for i in 0..9 {
        let (noise, predict) = (plan.step(3 * i), plan.step(3 * i + 1));
        let (sigma, raised) = (pick.sigma(i), all[usize::from(predict.level)]);
        assert!(!noise.evaluate && predict.evaluate && predict.save);
        if (0.1..=3.0).contains(&sigma) {
            assert!(raised >= 1.2 * sigma && raised < 1.2 * 1.2 * sigma, "{sigma} {raised}");
            let d = 1.01 * (raised * raised - sigma * sigma).sqrt();
            assert!((noise.d / d - 1.0).abs() < 1e-5, "{sigma}: {noise:?}");
            risen += 1;
        } else {
            assert_eq!((noise.d, raised), (0.0, sigma));
        }
        assert!((predict.b + raised - pick.sigma(i + 1)).abs() < 1e-6);
    }
    assert_eq!(risen, 5);
}

/// γ is never more than √2 − 1, which doubles the variance of the noise.
#[test]
fn churn_is_cut_off() {
    let mut all = vec![0.0; 4001];
    Spacing::Geometric.fill(4.0, 0.02, &mut all).unwrap();
    let plan = Churn::new(1e6, 0.0, 1e6, 1.0).unwrap().plan(Pick::new(&all[..], 9).unwrap()).unwrap();
    let (sigma, d) = (Pick::new(&all[..], 9).unwrap().sigma(4), plan.step(12).d);
    assert!((d / sigma - 1.0).abs() < 5e-3, "{d} {sigma}");
}

#[test]
fn underdamped_langevin_of_one_friction_is_langevin() {
    let e = 0.08_f32;
    let one = At::new(SIGMAS, 2).unwrap();
    let plan = UnderdampedLangevin::new(e, (2.0 / e).sqrt(), 9).unwrap().plan(one).unwrap();
    let langevin = Langevin::new(e, 9).unwrap().plan(one).unwrap();
    for row in 0..9 {
        close(&plan.step(row), &langevin.step(row));
    }
}

/// Whether it accepts is seen in the state, the count and the answer alike.
#[test]
fn mala_moves_when_it_accepts() {
    let mut density = GaussianMixture::two_modes(&SIGMAS);
    let mut chain = Mala::<_, 2>::new(1.2, &At::new(SIGMAS, 3).unwrap(), &mut density, stream(2, 0)).unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..300 {
        let before = [chain.state()[0], chain.state()[1]];
        if chain.step(&mut density) {
            accepted += 1;
            assert_ne!(chain.state(), before);
        } else {
            refused += 1;
            assert_eq!(chain.state(), before);
        }
    }
    assert!(accepted > 30 && refused > 30, "{accepted} {refused}");
    assert_eq!((chain.accepted(), chain.steps()), (accepted, accepted + refused));
}

/// From y back to x as often as from x to y: over a grid, the chain's own frequencies.
#[test]
fn mala_is_in_detailed_balance() {
    let means = vec![vec![-0.5], vec![0.7]];
    let mut density =
        GaussianMixture { means, weights: vec![0.4, 0.6], variance: 0.05, sigmas: &[0.3], class: None };
    let mut chain = Mala::<_, 1>::new(0.6, &[0.3], &mut density, stream(4, 0)).unwrap();
    let cell = |x: f32| ((x + 1.2) / 0.4) as usize;
    let mut moves = [[0_u32; 8]; 8];
    for _ in 0..400_000 {
        let from = cell(chain.state()[0]).min(7);
        chain.step(&mut density);
        moves[from][cell(chain.state()[0]).min(7)] += 1;
    }
    let mut compared = 0;
    for (i, row) in moves.iter().enumerate() {
        for (j, &there) in row.iter().enumerate().take(i) {
            let (there, back) = (f64::from(there), f64::from(moves[j][i]));
            assert!((there - back).abs() <= 4.5 * (there + back + 1.0).sqrt(), "{i} {j}: {there} {back}");
            compared += usize::from(there > 1000.0);
        }
    }
    assert!(compared >= 8, "{compared}");
}

/// An energy of NaN is never accepted, and a broken score makes no state of infinity.
#[test]
fn mala_survives_a_broken_model() {
    for value in [f32::NAN, f32::INFINITY, -f32::INFINITY, f32::MAX] {
        let mut model = Broken(value);
        let mut chain = Mala::<_, 2>::new(0.5, &[1.0], &mut model, stream(1, 0)).unwrap();
        (0..20).for_each(|_| _ = chain.step(&mut model));
        assert!(chain.state().iter().all(|x| x.abs() <= BOUND), "{value}");
        assert!(value == f32::MAX || chain.accepted() == 0, "{value}");
    }
}

/// E[x₀ | x] of a Gaussian N(0, v) at σ is x·v/(v + σ²).
#[test]
fn tweedie_gives_the_posterior_mean() {
    let mut score = GaussianMixture::single(1, 0.3, &SIGMAS);
    let plan = Tweedie.plan(At::new(SIGMAS, 2).unwrap()).unwrap();
    let mut chain = Chain::<_, 1>::from_state(&plan, &score, stream(0, 0), &[2.0]).unwrap();
    chain.run(&plan, &mut score);
    assert!((chain.state()[0] - 2.0 * 0.3 / 1.3).abs() < 1e-6);
}

/// Annealed Langevin with a small step ends with the data's own spread.
#[test]
fn annealed_langevin_reaches_the_data() {
    let mut sigmas = vec![0.0; 12];
    tinyscore::levels::Spacing::Geometric.fill(3.0, 0.05, &mut sigmas).unwrap();
    let score = GaussianMixture::single(2, 0.25, &sigmas);
    for rule in [StepRule::SongErmon(1e-3), StepRule::Notes(5e-4), StepRule::SignalToNoise(0.3)] {
        let plan = AnnealedLangevin::new(rule, 60, true).unwrap().plan(&sigmas).unwrap();
        assert_eq!(plan.evaluations(), 12 * 60 + 1);
        let samples = draw(&score, &plan, 3000, 3, |_| ()).unwrap();
        let square: f64 = samples.values().iter().map(|x| f64::from(x * x)).sum();
        let sd = (square / samples.values().len() as f64).sqrt();
        assert!((sd / 0.5 - 1.0).abs() < 0.05, "{rule:?}: {sd}");
    }
}

#[test]
fn the_notes_rule_is_song_and_ermon_at_twice_the_step() {
    let notes = AnnealedLangevin::new(StepRule::Notes(1e-4), 3, false).unwrap().plan(SIGMAS).unwrap();
    let ncsn = AnnealedLangevin::new(StepRule::SongErmon(2e-4), 3, false).unwrap().plan(SIGMAS).unwrap();
    for row in 0..18 {
        assert_eq!(notes.step(row), ncsn.step(row));
    }
}

/// One chain alone, a batch, and batches on 1, 2 and 5 threads give the same bits, for every sampler.
#[test]
fn single_batched_and_threaded_samples_have_the_same_bits() {
    let tiny = Tiny::new(&[2, 16, 16, 2], 3);
    let sigmas: Vec<f32> = tiny.levels.iter().map(|l| l.sigma).collect();
    let blob = tiny.encode(&Heun.plan(sigmas).unwrap()).unwrap();
    let network = network(&blob).unwrap();
    for method in Method::ALL {
        let options = Options { per_level: 3, ..Options::default() };
        let plan = method.plan(network.model().levels(), 5, &options).unwrap();
        let batch = draw(&network, &*plan, 300, 11, |_| ()).unwrap();
        for threads in [1, 2, 5] {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let again = pool.install(|| draw(&network, &*plan, 300, 11, |_| ())).unwrap();
            assert_eq!(batch, again, "{method:?} on {threads} threads");
        }
        let last = draw_chains(&network, &*plan, 170..300, 11, |_| ()).unwrap();
        assert!(last.rows().eq((170..300).map(|i| batch.row(i))), "{method:?} from chain 170 on");
        for i in [0, 1, 64, 299] {
            let mut network = network.clone();
            let mut chain = Chain::<_, 2, HISTORY>::new(&&*plan, &network, stream(11, i)).unwrap();
            while chain.step(&&*plan, &mut network) {}
            assert_eq!(chain.state(), batch.row(i as usize), "{method:?} chain {i}");
        }
    }
}

/// The step taken apart is the step.
#[test]
fn evaluation_and_apply_are_step() {
    let mut score = GaussianMixture::two_modes(&SIGMAS);
    let plan = DpmSolver2M.plan(SIGMAS).unwrap();
    let mut whole = Chain::<_, 2>::new(&plan, &score, stream(5, 5)).unwrap();
    let mut parts = whole.clone();
    while whole.step(&plan, &mut score) {
        let step = parts.next(&plan).unwrap();
        let (x, eps) = parts.evaluation();
        score.noise(x, step.level.into(), eps);
        parts.apply(&step);
        assert_eq!(whole.state(), parts.state());
    }
    assert!(parts.next(&plan).is_none());
}

/// A diverging plan stops at the bound; a score of NaN gives no NaN.
#[test]
fn no_plan_and_no_score_make_infinity_or_nan() {
    for value in [f32::NAN, f32::INFINITY, -f32::INFINITY, f32::MAX] {
        let mut score = Broken(value);
        let plan = Langevin::new(1e6, 5).unwrap().plan(SIGMAS).unwrap();
        let mut chain = Chain::<_, 2>::new(&plan, &score, stream(1, 1)).unwrap();
        chain.run(&plan, &mut score);
        assert!(chain.state().iter().all(|x| x.abs() <= BOUND), "{value}: {:?}", chain.state());
    }
}

#[test]
fn wrong_parameters_are_named() {
    let name = |error| match error {
        Error::Parameter { name, .. } => name,
        _ => "",
    };
    assert_eq!(name(Ancestral::new(1.5).unwrap_err()), "eta");
    assert_eq!(name(Ancestral::new(f32::NAN).unwrap_err()), "eta");
    assert_eq!(name(Langevin::new(0.0, 3).unwrap_err()), "rate");
    assert_eq!(name(AnnealedLangevin::new(StepRule::SignalToNoise(-1.0), 3, true).unwrap_err()), "snr");
    assert_eq!(Langevin::new(0.1, 0).unwrap_err(), Error::NoSteps);
    for order in [0, 5] {
        assert_eq!(name(Ipndm::new(order).unwrap_err()), "order");
        assert_eq!(name(Deis::new(order).unwrap_err()), "order");
    }
    assert_eq!(name(Churn::new(-1.0, 0.0, 1.0, 1.0).unwrap_err()), "s_churn");
    assert_eq!(name(Churn::new(1.0, 2.0, 1.0, 1.0).unwrap_err()), "s_tmax");
    assert_eq!(name(Churn::new(1.0, 0.0, 1.0, f32::NAN).unwrap_err()), "s_noise");
    assert_eq!(name(PredictorCorrector::new(Ddim, 0.0, 1).unwrap_err()), "snr");
    assert_eq!(name(PredictorCorrector::new(Ddim, 0.1, 0).unwrap_err()), "corrections");
    assert_eq!(name(UnderdampedLangevin::new(0.1, 0.0, 1).unwrap_err()), "friction");
    let mut density = GaussianMixture::two_modes(&SIGMAS);
    let mut mala = |rate, levels: &[f32]| Mala::<_, 2>::new(rate, &levels, &mut density, stream(0, 0)).err();
    assert_eq!(mala(0.0, &SIGMAS).map(name), Some("rate"));
    assert_eq!(mala(0.1, &[]), Some(Error::NoSteps));
    assert_eq!(mala(0.1, &SIGMAS), None);
    let mut wide = GaussianMixture::single(3, 1.0, &SIGMAS);
    let error = Mala::<_, 2>::new(0.1, &SIGMAS, &mut wide, stream(0, 0)).unwrap_err();
    assert_eq!(error, Error::TooManyDimensions { dim: 3, capacity: 2 });
    let error = Mala::<_, 3>::from_state(0.1, &SIGMAS, &mut wide, stream(0, 0), &[0.0; 2]).unwrap_err();
    assert_eq!(error, Error::Length { dim: 3, have: 2 });
    let none: [f32; 0] = [];
    assert_eq!(Ddim.plan(none).unwrap_err(), Error::NoSteps);
}

/// So many levels of 1, without memory.
#[derive(Clone, Copy)]
struct Many(usize);

impl Levels for Many {
    fn count(&self) -> usize {
        self.0
    }

    fn sigma(&self, _i: usize) -> f32 {
        1.0
    }
}

/// Numbers of steps, and of levels, that have no product or sum are refused, as are those that a chain would never end.
#[test]
fn a_plan_has_a_bounded_number_of_rows() {
    let two = [2.0, 1.0];
    let refused = |plan: Result<usize, Error>| matches!(plan, Err(Error::TooManySteps { asked, most }) if asked > most && most == MAX_ROWS);
    for n in [MAX_ROWS + 1, usize::MAX / 2, usize::MAX / 2 + 1, usize::MAX - 1, usize::MAX] {
        let corrected = PredictorCorrector::new(ReverseSde, 0.16, n).unwrap();
        assert!(refused(corrected.plan(two).map(|plan| plan.rows())), "{n}");
        let annealed = AnnealedLangevin::new(StepRule::SignalToNoise(0.1), n, true).unwrap();
        assert!(refused(annealed.plan(two).map(|plan| plan.rows())), "{n}");
        assert!(refused(Resampled::new(Ddim, n).unwrap().plan(two).map(|plan| plan.rows())), "{n}");
        assert!(refused(Langevin::new(0.1, n).unwrap().plan(two).map(|plan| plan.rows())), "{n}");
        let underdamped = UnderdampedLangevin::new(0.1, 1.0, n).unwrap();
        assert!(refused(underdamped.plan(two).map(|plan| plan.rows())), "{n}");
    }
    let most = Langevin::new(0.1, MAX_ROWS).unwrap().plan(two).unwrap();
    assert_eq!(most.rows(), MAX_ROWS);
    for have in [MAX_LEVELS + 1, usize::MAX] {
        let error = Some(Error::TooManyLevels { have, most: MAX_LEVELS });
        assert_eq!(Tweedie.plan(Many(have)).err(), error);
        assert_eq!(Heun.plan(Many(have)).err(), error);
        assert_eq!(Churn::new(1.0, 0.0, 1.0, 1.0).unwrap().plan(Many(have)).err(), error);
        assert_eq!(Pick::new(Many(have), 3).err(), error);
    }
    assert_eq!(Pick::new(Many(MAX_LEVELS), MAX_LEVELS).unwrap().level(MAX_LEVELS - 1), MAX_LEVELS - 1);
    // A level whose number is too large, alone.
    let far = At::new(Many(usize::MAX), usize::MAX - 1).unwrap();
    assert_eq!(Tweedie.plan(far).err(), Some(Error::TooManyLevels { have: usize::MAX, most: MAX_LEVELS }));
    for n in [5, usize::MAX] {
        let missing = Some(Error::MissingLevels { asked: n.saturating_add(1), have: 2 });
        assert_eq!(At::new(two, n).err(), missing);
        assert_eq!(From::new(two, n).err(), missing);
    }
    assert_eq!(Many(3).pair(usize::MAX), (1.0, 1.0));
}
