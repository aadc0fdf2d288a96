//! From data to blob in seconds: the whole path with a small network.

use std::sync::atomic::{AtomicBool, Ordering};
use tinyscore::{Model, Plan, Score};
use trainer::config::{Config, Preset};
use trainer::data;
use trainer::objective::ObjectiveName;
use trainer::run::{Run, digest, whole};
use trainer::sample::network;

static GO_ON: AtomicBool = AtomicBool::new(false);

fn small() -> Config {
    let mut config = Config::new("mixture", Preset::Default);
    config.points = 5000;
    config.net.hidden = vec![32, 32];
    config.training.steps = 400;
    config.training.batch = 128;
    config.sampling.samples = 500;
    config.export.levels = 9;
    config.sampling.steps = 9;
    config
}

#[test]
fn a_short_training_leaves_a_whole_run_folder() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::create(&folder.path().join("run"), small()).unwrap();
    assert!(run.finished().unwrap().is_none());
    let report = whole(&run, &GO_ON).unwrap().unwrap();
    for name in [
        "model.postcard",
        "samples-int8.npy",
        "samples-float.npy",
        "metrics.json",
        "config.toml",
        "checkpoint.safetensors",
        "samples.png",
        "chain.png",
        "training.png",
        "fidelity.png",
        "report.md",
    ] {
        assert!(run.file(name).metadata().unwrap().len() > 100, "{name}");
    }
    assert_eq!((report.evaluations, report.samples), (9, 500));
    assert!(report.worst_cosine > 0.99, "{}", report.worst_cosine);
    let samples = data::read(&run.file("samples-int8.npy")).unwrap();
    assert_eq!((samples.len(), samples.dim()), (500, 2));
    assert_eq!(format!("{:016x}", digest(&samples)), report.sample_digest);
    let files = std::fs::read_dir(&run.dir).unwrap().map(|entry| entry.unwrap().file_name());
    let others = files.filter(|name| name != ".lock").count();
    assert_eq!(others, 11, "something else was left");

    let again = Run::open(&run.dir).unwrap();
    assert_eq!(again.config, run.config);
    let read = again.finished().unwrap().unwrap();
    assert_eq!((read.sample_digest, read.int8.modes), (report.sample_digest, report.int8.modes));
    let blob = std::fs::read(run.file("model.postcard")).unwrap();
    assert_eq!(again.draw_int8(&blob, run.config.seed).unwrap(), samples);
    assert_eq!(again.export(&again.trained().unwrap(), None).unwrap(), blob);
    assert_eq!(Model::from_bytes(&blob).unwrap().plan().evaluations(), 9);
}

/// Samples of the integer network stay with the float network's on the same noise.
#[test]
fn int8_chains_follow_float_chains() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::create(&folder.path().join("run"), small()).unwrap();
    let trained = run.train(&GO_ON).unwrap();
    let denoiser = run.averaged(&trained.checkpoint);
    let blob = run.export(&denoiser, None).unwrap();
    let mut network = network(&blob).unwrap();
    let sigmas = run.config.sigmas().unwrap();
    let mut float = denoiser.at_levels(&sigmas);
    let (mut a, mut b) = ([0.0; 2], [0.0; 2]);
    let mut worst = 0.0_f32;
    for level in 0..sigmas.len() {
        for x in [[0.9, 1.1], [-1.0, -0.95], [0.3, -0.2], [2.0, 1.5]] {
            network.noise(&x, level, &mut a);
            float.noise(&x, level, &mut b);
            worst = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(worst, f32::max);
        }
    }
    assert!(worst < 0.05, "{worst}");
    assert!(worst > 0.0, "the float network answered for the integer one");
}

/// Interrupted in its quantization-aware steps and resumed, a training ends with the same blob.
#[test]
fn a_resumed_fine_tuning_ends_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = small();
    (config.export.weight_bits, config.training.qat_steps) = (4, 4000);
    let straight = Run::create(&folder.path().join("a"), config.clone()).unwrap();
    let report = whole(&straight, &GO_ON).unwrap().unwrap();
    assert!(report.post.is_some());
    let broken = Run::create(&folder.path().join("b"), config).unwrap();
    let stop = AtomicBool::new(false);
    let outcome = std::thread::scope(|scope| {
        let training = scope.spawn(|| whole(&broken, &stop));
        while !broken.file("checkpoint.safetensors").exists() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        // Steps begin after calibration; in any case before the last of them is taken.
        std::thread::sleep(std::time::Duration::from_millis(900));
        stop.store(true, Ordering::Relaxed);
        training.join().unwrap().unwrap()
    });
    assert!(outcome.is_none(), "the training ended before it was stopped");
    let float = broken.checkpoint().unwrap().float.unwrap();
    assert_eq!(float, straight.checkpoint().unwrap().float.unwrap());
    assert!(broken.trained().unwrap_err().to_string().contains("of its training: finish it"));
    let resumed = Run::open(&broken.dir).unwrap();
    whole(&resumed, &GO_ON).unwrap().unwrap();
    let [a, b] = [&straight, &resumed].map(|run| std::fs::read(run.file("model.postcard")).unwrap());
    assert_eq!(a, b);
}

/// Interrupted and resumed, a training ends with the same blob, whether its objective is a regression or
/// takes tangents along random directions.
#[test]
fn a_resumed_training_ends_the_same() {
    for objective in [ObjectiveName::Dsm, ObjectiveName::Ssm] {
        let folder = tempfile::tempdir().unwrap();
        let mut config = small().with_objective(objective);
        // Long enough to be interrupted, but not before the first step.
        let (steps, pause) = if objective == ObjectiveName::Dsm { (20_000, 60) } else { (4000, 150) };
        config.training.steps = steps;
        let straight = Run::create(&folder.path().join("a"), config.clone()).unwrap();
        whole(&straight, &GO_ON).unwrap().unwrap();
        let broken = Run::create(&folder.path().join("b"), config).unwrap();
        let stop = AtomicBool::new(false);
        let outcome = std::thread::scope(|scope| {
            let training = scope.spawn(|| whole(&broken, &stop));
            std::thread::sleep(std::time::Duration::from_millis(pause));
            stop.store(true, Ordering::Relaxed);
            training.join().unwrap().unwrap()
        });
        assert!(outcome.is_none(), "the training ended before it was stopped");
        assert!(broken.file("checkpoint.safetensors").exists());
        assert!(!broken.file("model.postcard").exists());
        let resumed = Run::open(&broken.dir).unwrap();
        assert!(resumed.checkpoint().unwrap().snapshot.steps > 0, "stopped before the first step");
        whole(&resumed, &GO_ON).unwrap().unwrap();
        for name in ["model.postcard", "checkpoint.safetensors", "samples-int8.npy"] {
            assert_eq!(
                std::fs::read(straight.file(name)).unwrap(),
                std::fs::read(broken.file(name)).unwrap(),
                "{objective:?}: {name}"
            );
        }
    }
}

#[test]
fn a_taken_folder_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.txt"), "do not lose").unwrap();
    let error = Run::create(folder.path(), small()).unwrap_err().to_string();
    assert!(error.contains("is not empty; give another folder with --out"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn own_points_are_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("points.csv");
    let rows: Vec<String> =
        (0..200).map(|i| format!("{},{},{}", i % 7, 100 + i % 5, -0.01 * f64::from(i))).collect();
    std::fs::write(&file, rows.join("\n")).unwrap();
    let mut config = small();
    config.data = file.to_string_lossy().into_owned();
    let run = Run::create(&folder.path().join("run"), config).unwrap();
    let report = whole(&run, &GO_ON).unwrap().unwrap();
    let samples = data::read(&run.file("samples-int8.npy")).unwrap();
    assert_eq!(samples.dim(), 3);
    let mean = samples.rows().map(|row| row[1]).sum::<f32>() / samples.len() as f32;
    assert!((mean - 102.0).abs() < 0.5, "{mean}");
    assert!(report.score_error.is_none());
    assert!(run.file("samples.png").exists() && !run.file("chain.png").exists(), "three columns");
}
