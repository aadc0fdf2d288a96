//! Samplers against exact scores, against each other, and against the way they are run.

use rayon::ThreadPoolBuilder;
use tests::Tiny;
use tinyscore::arith::BOUND;
use tinyscore::levels::At;
use tinyscore::rng::stream;
use tinyscore::sampler::{
    Ancestral, AnnealedLangevin, Ddim, Ddpm, DpmSolver2M, Heun, Langevin, Sampler, StepRule, Tweedie,
};
use tinyscore::{Chain, Error, Plan, Score};
use trainer::closed_form;
use trainer::exact::GaussianMixture;
use trainer::sample::{Method, Options, draw, network};

const SIGMAS: [f32; 6] = [6.0, 2.5, 1.0, 0.4, 0.1, 0.02];

#[test]
fn samplers_follow_theory_on_exact_scores() {
    for check in closed_form::checks().unwrap() {
        assert!(check.passed(), "{check}");
    }
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
    let tweedie = Tweedie.plan(one).unwrap();
    for (name, step, evaluations) in [
        ("ddim", Ddim.plan(one).unwrap().step(0), 1),
        ("ancestral", Ancestral::new(1.0).unwrap().plan(one).unwrap().step(0), 1),
        ("ddpm", Ddpm::Beta.plan(one).unwrap().step(0), 1),
        ("heun", Heun.plan(one).unwrap().step(0), 1),
        ("dpmpp-2m", DpmSolver2M.plan(one).unwrap().step(0), 1),
    ] {
        let expected = tweedie.step(0);
        assert_eq!((step.a, step.b, step.d), (expected.a, expected.b, 0.0), "{name}");
        assert_eq!(evaluations, Heun.plan(one).unwrap().rows());
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
        for i in [0, 1, 64, 299] {
            let mut network = network.clone();
            let mut chain = Chain::<_, 2>::new(&&*plan, &network, stream(11, i)).unwrap();
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
    struct Broken(f32);
    impl Score for Broken {
        fn dim(&self) -> usize {
            2
        }
        fn levels(&self) -> usize {
            6
        }
        fn noise(&mut self, _x: &[f32], _level: usize, eps: &mut [f32]) {
            eps.fill(self.0);
        }
    }
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
    let none: [f32; 0] = [];
    assert_eq!(Ddim.plan(none).unwrap_err(), Error::NoSteps);
}
