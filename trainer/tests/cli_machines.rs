//! Boltzmann machines on the command line: trainings that go on, bounds, and what belongs to other models.

#[allow(dead_code)]
mod common;

use common::{command, works};
use std::fs;
use std::path::Path;
use std::process::Stdio;

/// As the command line of the others, and without advice to a programmer.
fn fails(dir: &Path, args: &[&str], code: i32, parts: &[&str]) {
    let message = common::fails(dir, args, code, parts);
    assert!(!message.contains("from_bytes"), "{message}");
}

/// Rows of six binary columns, the last three unlike the first.
fn write_data(dir: &Path) {
    let row = |k: usize| {
        (0..6).map(
            move |i| if (i < 3) == k.is_multiple_of(3) || (k * 7 + i).is_multiple_of(11) { "1" } else { "0" },
        )
    };
    let rows = (0..200).map(|k| row(k).collect::<Vec<_>>().join(","));
    fs::write(dir.join("data.csv"), rows.collect::<Vec<_>>().join("\n")).unwrap();
}

/// A training of a second at most.
const SHORT: [&str; 9] =
    ["train", "--data", "data.csv", "--samples", "50", "--sweeps", "20", "--training-steps", "50"];

fn train(dir: &Path, more: &[&str]) -> String {
    works(dir, &[&SHORT, more].concat())
}

/// Ctrl-C leaves a checkpoint; resuming ends as if nothing had happened, and says so when there is nothing left to do.
#[cfg(unix)]
#[test]
fn an_interrupted_machine_goes_on_to_the_same_result() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_data(dir);
    for (model, hidden, steps) in
        [("rbm", "8", "4000"), ("dbn", "4,8", "2000"), ("bm", "4", "1500"), ("gaussian-rbm", "8", "4000")]
    {
        let start = |out: &str| {
            let mut args = SHORT;
            args[SHORT.len() - 1] = steps;
            let mut command = command(dir, &args);
            command.args(["--model", model, "--hidden", hidden, "--out", out, "--checkpoint-every", "0.02"]);
            command.spawn().unwrap()
        };
        let [a, b] = ["a", "b"].map(|name| format!("{name}-{model}"));
        let mut child = start(&a);
        common::wait_for(&dir.join(&a).join("training.safetensors"), &mut child);
        common::signal(&child, "INT");
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(1), "{model}: the training ended before it was interrupted");
        let names =
            fs::read_dir(dir.join(&a)).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        assert_eq!(names, ["config.toml", "training.safetensors"], "{model}");
        let said = works(dir, &["train", "--resume", &a]);
        let all = if model == "dbn" { 4_000 } else { steps.parse().unwrap() };
        assert!(said.contains("resuming at step ") && said.contains(&format!(" of {all}\n")), "{said}");
        assert!(start(&b).wait().unwrap().success());
        for file in ["model.postcard", "samples-int8.npy", "checkpoint.safetensors", "training.png"] {
            let [a, b] = [&a, &b].map(|run| fs::read(dir.join(run).join(file)).ok());
            assert!(a == b, "{model}: {file}");
        }
        let said = works(dir, &["train", "--resume", &a]);
        assert!(said.contains("is finished") && said.contains("Fréchet"), "{said}");
        assert!(!dir.join(&a).join("training.safetensors").exists());
    }
    // Drawing has no checkpoint: a signal ends it.
    let long = ["sample", "b-rbm/model.postcard", "-n", "2000", "--steps", "10000000", "--out", "never.npy"];
    let child = command(dir, &long).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(1));
    common::signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    let message = common::text(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{message}");
    assert!(message.contains("interrupted") && !message.contains("checkpoint"), "{message}");
    // One that was killed before its first checkpoint.
    fs::create_dir(dir.join("c")).unwrap();
    fs::copy(dir.join("b-bm/config.toml"), dir.join("c/config.toml")).unwrap();
    let said = works(dir, &["train", "--resume", "c"]);
    assert!(said.contains("no checkpoint yet") && said.contains("starting over"), "{said}");
    let [b, c] = ["b-bm", "c"].map(|run| fs::read(dir.join(run).join("model.postcard")).unwrap());
    assert!(b == c);
}

/// What a machine cannot do is said as such, and options that nothing reads are refused.
#[test]
fn what_belongs_to_other_models_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_data(dir);
    train(dir, &["--model", "rbm", "--hidden", "4", "--out", "run"]);
    let model = "run/model.postcard";
    for args in [
        &["quantize", "run"][..],
        &["verify", "run"],
        &["plot", "run"],
        &["likelihood", "run"],
        &["distill", "run"],
        &["digest", model],
        &["detect", model, "data.csv", "--out", "x.csv"],
        &["denoise", model, "data.csv", "--out", "x.npy"],
        &["interpolate", model, "--from", "1", "--to", "2", "--out", "x.npy"],
    ] {
        fails(dir, args, 2, &["holds a Boltzmann machine", "this command is for score networks"]);
    }
    for flags in [
        &["--levels", "3"][..],
        &["--eta", "0.5"],
        &["--preset", "digits"],
        &["--config", "x.toml"],
        &["--conditional"],
        &["--device", "cpu"],
        &["--qat", "5"],
        &["--latent", "2"],
    ] {
        let args = [&SHORT, &["--model", "rbm", "--out", "y"][..], flags].concat();
        fails(dir, &args, 2, &[flags[0], "belongs to score networks"]);
    }
    for flags in [
        &["--binarize", "0.5"][..],
        &["--method", "cd"],
        &["-k", "5"],
        &["--chains", "5"],
        &["--likelihood", "ais"],
        &["--sweeps", "5"],
    ] {
        fails(dir, &[&["train", "--out", "y"], flags].concat(), 2, &[flags[0], "belongs to other models"]);
    }
    let unread = ["read", "leave it out"];
    fails(dir, &["eval", "--suite", "rbm", "--seeds", "2", "--out", "y"], 2, &unread);
    fails(dir, &["eval", "--suite", "rbm", "--device", "cpu", "--out", "y"], 2, &unread);
    fails(dir, &["eval", "--suite", "mixture", "--data", "data.csv", "--out", "y"], 2, &unread);
    assert!(!dir.join("y").exists());
}

/// Numbers that would take for ever, or all of the memory, are refused before any work.
#[test]
fn counts_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_data(dir);
    for (flag, value, message) in [
        ("--chains", "1000000000000", "chains is 1000000000000, but must be in 1…1000000"),
        ("--batch", "1000000000000000000", "batch is 1000000000000000000, but"),
        ("--hidden", "5000", "hidden is [5000], but"),
        ("--points", "1000000000000", "points is 1000000000000, but"),
        ("-k", "100000000", "k is 100000000, but"),
    ] {
        fails(dir, &[&SHORT, &["--model", "rbm", "--out", "y", flag, value][..]].concat(), 2, &[message]);
    }
    let train = ["train", "--model", "rbm", "--data", "data.csv", "--out", "y"];
    for (flag, value, message) in [
        ("--samples", "1000000000000", "samples is 1000000000000, but must be in 2…10000000"),
        ("--training-steps", "18446744073709551615", "training steps is 18446744073709551615, but"),
        ("--sweeps", "0", "sweeps is 0, but"),
    ] {
        fails(dir, &[&train, &[flag, value][..]].concat(), 2, &[message]);
    }
    assert!(!dir.join("y").exists());
    self::train(dir, &["--model", "rbm", "--hidden", "4", "--out", "run"]);
    let sample = ["sample", "run/model.postcard", "--out", "x.npy"];
    let sampled = |more: &[&'static str]| [&sample, more].concat();
    fails(dir, &sampled(&["--steps", "0"]), 2, &["steps is 0, but must be in 1…10000000"]);
    fails(dir, &sampled(&["--steps", "1000000000000000000"]), 2, &["steps is 1000000000000000000, but"]);
    fails(dir, &sampled(&["-n", "1000000000000"]), 2, &["n is 1000000000000, but must be in 1…100000000"]);
    let impute = ["impute", "run/model.postcard", "data.csv", "--unknown", "1", "--out", "x.npy"];
    fails(dir, &[&impute, &["--times", "0"][..]].concat(), 2, &["times is 0, but"]);
    works(dir, &sampled(&["-n", "5", "--steps", "3"]));
}

/// Steps of a score network's sampler whose number wraps, or that no one would wait for.
#[test]
fn steps_of_samplers_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mixture = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/models/mixture.postcard");
    let sample = |sampler, flag, value, part: &str| {
        let args = ["sample", mixture, "-n", "1", "--sampler", sampler, flag, value, "--out", "x.npy"];
        fails(dir, &args, 2, &[part, "at most 16777216 can be taken"]);
    };
    sample("predictor-corrector", "--corrections", "18446744073709551615", "18446744073709551615 steps");
    sample("annealed-langevin", "--per-level", "9223372036854775808", "18446744073709551615 steps");
    sample("langevin", "--steps", "1000000000000000000", "1000000000000000000 steps");
    let rows = ["impute", mixture, "rows.csv", "--unknown", "1", "--out", "x.npy"];
    fs::write(dir.join("rows.csv"), "0,0\n1,1\n").unwrap();
    fails(dir, &[&rows, &["--times", "0"][..]].concat(), 2, &["times is 0, but"]);
    fails(
        dir,
        &["train", "--sigma-min", "1e-20", "--out", "y"],
        2,
        &["a noise level is 1e-20", "raise sigma_min"],
    );
    fails(dir, &["train", "--model", "ebm", "--hidden", "", "--out", "y"], 2, &["hidden"]);
    assert_eq!(fs::read_dir(dir).unwrap().count(), 1);
}
