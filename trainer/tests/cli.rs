//! The command line as a user meets it: what works, and what each mistake is answered with.

#[allow(dead_code)]
mod common;

use common::{command, fails, signal, text, wait_for, works};
use std::fs;
use std::path::Path;
use trainer::data;

/// A training of a second.
const SHORT: [&str; 10] =
    ["--training-steps", "60", "--batch", "64", "--hidden", "16", "--samples", "200", "--levels", "35"];
/// And of a named set.
const POINTS: [&str; 2] = ["--points", "500"];

fn train_into(dir: &Path, out: &str) -> String {
    let mut args = vec!["train", "--data", "mixture", "--seed", "1", "--out", out];
    args.extend(SHORT);
    args.extend(POINTS);
    works(dir, &args)
}

#[test]
fn every_command_works_on_a_fresh_run() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let said = train_into(dir, "run");
    assert!(said.contains("Next: cargo run -p trainer -- inspect run/model.postcard"), "{said}");
    let model = "run/model.postcard";
    let inspected = works(dir, &["inspect", model]);
    assert!(inspected.contains("2-16-2") && inspected.contains("35, σ from 6 to 0.01"), "{inspected}");
    works(
        dir,
        &[
            "sample",
            model,
            "--n",
            "6050",
            "--seed",
            "7",
            "--sampler",
            "heun",
            "--steps",
            "18",
            "--out",
            "a.npy",
        ],
    );
    works(
        dir,
        &[
            "sample",
            model,
            "--n",
            "20",
            "--seed",
            "7",
            "--sampler",
            "heun",
            "--steps",
            "18",
            "--out",
            "b.npy",
        ],
    );
    let (a, b) = (fs::read(dir.join("a.npy")).unwrap(), fs::read(dir.join("b.npy")).unwrap());
    assert_eq!(a.len() - b.len(), 6030 * 2 * 4);
    assert_eq!(a[a.len() - 6050 * 8..][..160], b[b.len() - 160..], "the first chains depend on their number");
    let first = works(dir, &["digest", model]);
    assert_eq!(first, works(dir, &["digest", model]));
    assert!(first.lines().all(|line| line.starts_with("digest ") && line.split(' ').count() == 3), "{first}");
    let named: std::collections::BTreeSet<_> = first.lines().map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(named.len(), first.lines().count(), "each line has a name of its own: {first}");
    assert!(["ancestral", "dpmpp-2m", "rbm"].iter().all(|&name| named.contains(&Some(name))), "{first}");
    works(dir, &["eval", "run"]);
    works(dir, &["plot", "run"]);
    works(dir, &["quantize", "run", "--levels", "11", "--steps", "11", "--out", "small.postcard"]);
    works(dir, &["sample", "small.postcard", "-n", "5", "--out", "c.npy"]);
    let list = works(dir, &["list"]);
    for name in ["mixture", "pinwheel", "dsm", "ancestral", "dpmpp-2m", "mala"] {
        assert!(list.contains(name), "{name}");
    }
}

/// Weights of 4 bits, quantized after training and fine-tuned on their grid; exported again with other levels from the
/// same grid, or with other bits from the floats.
#[test]
fn quantization_aware_training_is_compared_and_exported() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut args = vec!["train", "--data", "moons", "--out", "run"];
    args.extend(SHORT);
    args.extend(POINTS);
    args.extend(["--weight-bits", "4", "--qat", "60"]);
    let hidden = args.iter().position(|&a| a == "16").unwrap();
    args[hidden] = "16,16,16";
    let said = works(dir, &args);
    assert!(said.contains("int4 post    int4 aware"), "{said}");
    let report = fs::read_to_string(dir.join("run/report.md")).unwrap();
    assert!(report.contains("| float | int4 post | int4 aware |") && report.contains("60 more"), "{report}");
    assert!(fs::read_to_string(dir.join("run/metrics.json")).unwrap().contains("\"post\""));
    let model = |out: &str, more: &[&str]| {
        works(dir, &[&["quantize", "run", "--out", out], more].concat());
        fs::read(dir.join(out)).unwrap()
    };
    let trained = fs::read(dir.join("run/model.postcard")).unwrap();
    assert_eq!(model("same", &[]), trained);
    let (fewer, eight) = (model("fewer", &["--levels", "20"]), model("eight", &["--weight-bits", "8"]));
    assert!(trained.len() - fewer.len() >= 15 * (28 + 4 * 16), "bytes of 15 levels");
    // Half of a byte for every weight between the hidden layers.
    assert_eq!(eight.len() - trained.len(), 2 * 16 * 16 / 2);
}

#[test]
fn a_run_has_a_likelihood_a_sweep_and_paths_between_its_samples() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    train_into(dir, "run");
    let nats = |args: &[&str]| {
        let said = works(dir, args);
        let line = said.lines().find(|line| line.starts_with("negative")).unwrap().to_owned();
        line.split_whitespace().nth(2).unwrap().parse::<f64>().unwrap()
    };
    let near = nats(&["likelihood", "run", "-n", "50"]);
    fs::write(dir.join("far.csv"), "x,y\n9,-9\n8,-8\n").unwrap();
    let far = nats(&["likelihood", "run/checkpoint.safetensors", "--data", "far.csv", "--out", "far.npy"]);
    let rows = data::read(&dir.join("far.npy")).unwrap();
    let mean = f64::from(rows.row(0)[0] + rows.row(1)[0]) / 2.0;
    assert!(rows.len() == 2 && (mean - far).abs() < 1e-3 * far, "{rows:?} {far}");
    assert!(near.abs() < 6.0 && far > near + 5.0, "{near} {far}");
    let blob = "run/model.postcard";
    fails(dir, &["likelihood", blob], 2, &["int8", "run folder", "checkpoint.safetensors"]);
    fails(dir, &["likelihood", "run", "--data", "moon"], 2, &["\"moon\"", "moons", ".csv"]);
    fails(dir, &["likelihood", "run", "--tolerance", "0"], 2, &["tolerance is 0", "1e-7"]);
    fs::write(dir.join("wide.csv"), "1,2,3\n2,3,4\n").unwrap();
    fails(dir, &["likelihood", "run", "--data", "wide.csv"], 2, &["3 dimensions", "2 columns"]);

    works(dir, &["interpolate", blob, "--from", "3", "--to", "4", "-n", "5", "--out", "path.npy"]);
    works(dir, &["interpolate", blob, "--from", "4", "--to", "4", "-n", "2", "--out", "still.npy"]);
    let floats = |file: &str, from_end: usize| {
        let bytes = fs::read(dir.join(file)).unwrap();
        bytes[bytes.len() - from_end..][..8].to_vec()
    };
    assert_eq!(floats("path.npy", 8), floats("still.npy", 16));
    assert_ne!(floats("path.npy", 8), floats("path.npy", 16));
    fails(dir, &["interpolate", blob, "--from", "3", "--to", "4", "--out", "path.npy"], 1, &["exists"]);
    fails(
        dir,
        &["interpolate", blob, "--from", "3", "--to", "4", "-n", "1", "--out", "x.npy"],
        2,
        &["n is 1"],
    );

    let table = works(dir, &["eval", ".", "--sweep", "--out", "swept"]);
    assert!(table.contains("dpmpp-2m-sde") && table.contains("real vs real"), "{table}");
    for file in ["sweep.json", "sweep-ode.png", "sweep-sde.png", "sweep-langevin.png"] {
        assert!(dir.join("swept").join(file).is_file(), "{file}");
    }
    fails(dir, &["eval", "swept", "--sweep"], 1, &["no run in swept", "eval --suite 2d"]);
    fails(dir, &["eval", "--exact"], 2, &["--sweep"]);
}

#[test]
fn wrong_options_of_samplers_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    train_into(dir, "run");
    for (args, parts) in [
        (&["--sampler", "deis", "--order", "7"][..], &["order is 7", "1, 2, 3 or 4"][..]),
        (&["--sampler", "churn", "--s-tmin", "3", "--s-tmax", "1"], &["s_tmax is 1", "at least s_tmin"]),
        (&["--sampler", "predictor-corrector", "--corrections", "0"], &["corrections is 0", "at least 1"]),
        (&["--sampler", "underdamped-langevin", "--friction", "0"], &["friction is 0", "positive"]),
    ] {
        let mut all = vec!["sample", "run/model.postcard", "--out", "x.npy"];
        all.extend(args);
        fails(dir, &all, 2, parts);
    }
}

#[test]
fn the_same_seed_gives_the_same_model() {
    let dir = tempfile::tempdir().unwrap();
    train_into(dir.path(), "a");
    train_into(dir.path(), "b");
    let model = |run: &str| fs::read(dir.path().join(run).join("model.postcard")).unwrap();
    assert_eq!(model("a"), model("b"));
}

#[test]
fn a_config_file_is_taken_and_flags_override_it() {
    let dir = tempfile::tempdir().unwrap();
    train_into(dir.path(), "a");
    works(dir.path(), &["train", "--config", "a/config.toml", "--seed", "2", "--out", "b"]);
    let config = |run: &str| fs::read_to_string(dir.path().join(run).join("config.toml")).unwrap();
    assert_eq!(config("a").replace("seed = 1", "seed = 2"), config("b"));
}

#[test]
fn wrong_settings_are_usage_errors() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (args, parts) in [
        (&["--sigma-min", "7"][..], &["sigma_min is 7", "sigma_max is 6", "lower sigma_min"][..]),
        (&["--sigma-min", "0"], &["sigma_min is 0"]),
        (&["--training-steps", "0"], &["steps of training is 0", "1…1000000000"]),
        (&["--steps", "0"], &["steps of sampling is 0"]),
        (&["--steps", "99"], &["99 noise levels", "has 20"]),
        (&["--hidden", "0"], &["hidden is [0]", "1…2048"]),
        (&["--sampler", "ancestral", "--eta", "1.5"], &["eta is 1.5", "in 0…1"]),
        (&["--activation-bits", "7"], &["activation_bits is 7", "8 or 16"]),
        (&["--weight-bits", "7"], &["weight_bits is 7", "8 or 4"]),
        (&["--weight-bits", "4", "--hidden", "16"], &["weight_bits is 4", "hidden [16]", "set it to 8"]),
        (&["--qat", "1000001"], &["qat_steps is 1000001", "0…1000000"]),
        (&["--qat", "9", "--objective", "ssm"], &["qat_steps is 9", "ssm has no target", "--objective dsm"]),
        (&["--learning-rate", "NaN"], &["learning_rate is NaN"]),
        (&["--data", "ecg", "--without", "4"], &["ecg", "class 4", "{0, 1, 2}"]),
        (&["--data", "ecg", "--without", "0,1,2"], &["ecg", "leaves nothing"]),
        (&["--data", "moon"], &["data is \"moon\"", "moons", ".csv or .npy"]),
        (&["--sampler", "euler"], &["euler", "possible values"]),
        (&["--objective", "flow"], &["flow", "possible values", "v-prediction"]),
        (&["--objective", "esm", "--data", "moons"], &["density", "--data mixture", "--objective dsm"]),
        (&["--objective", "ism", "--activation", "relu"], &["relu", "silu, tanh or elu"]),
        (&["--objective", "ssm", "--activation", "relu"], &["relu", "silu, tanh or elu"]),
        (&["--objective", "ssm", "--probes", "0"], &["probes", "is 0", "1…64"]),
        (
            &["--objective", "ncsn", "--objective-sigma", "0.1"],
            &["--objective-sigma is given", "ncsn", "leave it out"],
        ),
        (&["--objective-sigma", "0"], &["sigma is 0", "0.01…6", "--train-sigma-min"]),
        (&["--objective", "ism", "--objective-sigma", "7"], &["sigma is 7", "0 for clean points"]),
        (
            &["--objective", "ddpm", "--sigma-max", "0.0101", "--sigma-min", "0.01005"],
            &["1000 steps", "widen"],
        ),
    ] {
        let mut all = vec!["train", "--out", "never"];
        all.extend(args);
        fails(dir, &all, 2, parts);
    }
    fs::write(dir.join("bad.toml"), "data = \"mixture\"\ncolour = 3\n").unwrap();
    fails(dir, &["train", "--config", "bad.toml", "--out", "never"], 2, &["bad.toml", "colour"]);
    assert!(!dir.join("never").exists());
}

#[test]
fn many_dimensions_are_left_to_sliced_score_matching() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let cell = |i: usize, j: usize| ((i * (j + 3) + j) % 13).to_string();
    let row = |i: usize| (0..9).map(|j| cell(i, j)).collect::<Vec<_>>().join(",");
    fs::write(dir.join("wide.csv"), (0..60).map(row).collect::<Vec<_>>().join("\n")).unwrap();
    let train = |objective: &'static str| {
        let mut args = vec!["train", "--data", "wide.csv", "--objective", objective, "--out", objective];
        args.extend(SHORT);
        args
    };
    fails(dir, &train("ism"), 2, &["9 dimensions", "at most 8", "--objective ssm"]);
    works(dir, &train("ssm"));
}

/// Each trains to a whole run folder with its own way to read the network, and the folder says which.
/// By score matching at all levels, and by its own samples at one; MALA and the notes' sampler take the blob, and no other.
#[test]
fn energy_networks_train_and_sample() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (objective, more) in [
        ("dsm", &["--levels", "35"][..]),
        ("cd", &["-k", "3"]),
        ("pcd", &["-k", "3", "--chains", "256", "--objective-sigma", "0.2", "--penalty", "0.05"]),
    ] {
        let mut args =
            vec!["train", "--model", "ebm", "--data", "moons", "--objective", objective, "--out", objective];
        args.extend(&SHORT[..8]);
        args.extend(POINTS);
        args.extend(more);
        let said = works(dir, &args);
        assert!(said.contains("KL of the int8 energy, nats"), "{said}");
        assert_eq!(said.contains("energy gap at the end"), objective != "dsm", "{said}");
        let model = format!("{objective}/model.postcard");
        let inspected = works(dir, &["inspect", &model]);
        assert!(inspected.contains("energy network") && inspected.contains("2-16-1"), "{inspected}");
        for sampler in ["mala", "clamped-langevin", "langevin"] {
            let out = format!("{objective}-{sampler}.npy");
            let sample = ["sample", &model, "-n", "20", "--sampler", sampler, "--steps", "1", "--out", &out];
            assert!(works(dir, &sample).contains("20 samples of 2 dimensions"));
        }
        let mala = ["sample", &model, "--sampler", "mala", "--compensate", "--out", "x.npy"];
        fails(dir, &mala, 2, &["neither --guidance nor --compensate"]);
        let digest = works(dir, &["digest", &model]);
        assert!(
            digest.contains("digest mala-energy ") && digest.contains("digest clamped-langevin "),
            "{digest}"
        );
        works(dir, &["eval", objective]);
        works(dir, &["plot", objective]);
        fails(dir, &["likelihood", objective], 2, &["trained an energy network"]);
        assert!(dir.join(objective).join("energy.png").exists());
        assert_eq!(dir.join(objective).join("chains.png").exists(), objective != "dsm");
    }
    for (args, says) in [
        (&["--objective", "pcd"][..], "take --model ebm"),
        (&["--model", "ebm", "--objective", "ssm"], "take --objective dsm"),
        (&["--model", "ebm", "--activation-bits", "8"], "an energy network needs 16"),
        (&["--model", "ebm", "--activation", "relu"], "whose slope jumps"),
        (&["--model", "ebm", "--hidden", "600"], "must be in 1…512"),
        (&["--model", "ebm", "--qat", "5"], "set it to 0"),
        (&["--model", "ebm", "--binarize", "8"], "--binarize belongs to other models"),
        (&["--model", "ebm", "--objective", "cd", "--langevin-rate", "3"], "chains diverge from 2 on"),
        (&["--model", "ebm", "--objective", "cd", "--levels", "9"], "has one noise level"),
        (&["-k", "5"], "-k belongs to other models"),
    ] {
        let mut args = args.to_vec();
        args.splice(0..0, ["train", "--out", "refused"]);
        fails(dir, &args, 2, &[says]);
        assert!(!dir.join("refused").exists());
    }
}

#[test]
fn every_objective_trains() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let list = works(dir, &["list"]);
    for (objective, precondition, more) in [
        ("esm", "edm", &["--objective-sigma", "0.5"][..]),
        ("ism", "edm", &["--objective-sigma", "0"]),
        ("ssm", "edm", &["--probes", "2", "--activation", "elu"]),
        ("dsm", "notes", &["--precondition", "notes"]),
        ("ncsn", "edm", &[]),
        ("ddpm", "epsilon", &["--schedule", "cosine"]),
        ("v-prediction", "v", &["--schedule", "linear"]),
        ("x0-prediction", "x0", &[]),
        ("edm", "edm", &[]),
    ] {
        assert!(list.contains(&format!("  {objective} ")), "{objective} is not in: {list}");
        let mut args = vec!["train", "--objective", objective, "--out", objective];
        args.extend(SHORT);
        args.extend(more);
        works(dir, &args);
        let read = |file: &str| fs::read_to_string(dir.join(objective).join(file)).unwrap();
        let config = read("config.toml");
        for part in [format!("name = \"{objective}\""), format!("precondition = \"{precondition}\"")] {
            assert!(config.contains(&part), "{part} is not in: {config}");
        }
        assert!(read("metrics.json").contains(&format!("\"objective\": \"{objective}\"")));
    }
}

/// A config file from before there were objectives is one of denoising score matching.
#[test]
fn a_config_without_an_objective_is_dsm() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    train_into(dir, "a");
    let config = fs::read_to_string(dir.join("a/config.toml")).unwrap();
    let (head, rest) = config.split_once("[objective]").unwrap();
    let (objective, rest) = rest.split_once("[net]").unwrap();
    assert!(objective.contains("name = \"dsm\""), "{objective}");
    fs::write(dir.join("old.toml"), format!("{head}[net]{rest}")).unwrap();
    works(dir, &["train", "--config", "old.toml", "--out", "b"]);
    let model = |run: &str| fs::read(dir.join(run).join("model.postcard")).unwrap();
    assert_eq!(model("a"), model("b"));
    works(dir, &["train", "--config", "old.toml", "--objective", "edm", "--out", "c"]);
    assert_ne!(model("a"), model("c"));
}

#[test]
fn bad_data_files_are_named_with_the_place() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (name, content, parts) in [
        ("nan.csv", "1,2\n3,NaN\n4,5\n", &["nan.csv", "row 2", "column 2"][..]),
        ("word.csv", "x,y\n1,2\n3,four\n", &["word.csv", "four"]),
        ("ragged.csv", "1,2\n3\n", &["ragged.csv", "row 2"]),
        ("constant.csv", "1,5\n1,5\n1,5\n", &["constant.csv", "every row is the same"]),
        ("empty.csv", "", &["empty.csv"]),
        ("broken.npy", "\u{93}NUMPY", &["broken.npy"]),
    ] {
        fs::write(dir.join(name), content).unwrap();
        fails(dir, &["train", "--data", name, "--out", "never"], 1, parts);
    }
    fs::write(dir.join("labels.csv"), "label,x\n1,2\n1.5,3\n").unwrap();
    fs::write(dir.join("short.csv"), "1,2\n2,1\n3,2\n4,1\n").unwrap();
    fs::write(dir.join("cut-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0]).unwrap();
    fs::create_dir(dir.join("empty")).unwrap();
    for (args, code, parts) in [
        (&["--data", "labels.csv"][..], 1, &["row 3", "label `1.5`", "whole number or a word"][..]),
        (&["--data", "word.csv", "--label-column", "z"], 1, &["no label column `z`", "0…1"]),
        (&["--data", "short.csv", "--window", "5"], 1, &["short.csv", "no window of 5"]),
        (&["--data", "short.csv", "--window", "1"], 2, &["window is 1", "2…1024"]),
        (&["--data", "short.csv", "--window", "2", "--stride", "0"], 2, &["stride is 0"]),
        (&["--data", "ecg", "--window", "32"], 2, &["window is 32", "64…256"]),
        (&["--data", "short.csv", "--hold-out", "1"], 2, &["hold_out is 1"]),
        (&["--data", "short.csv", "--kind", "images"], 1, &["short.csv", "no square"]),
        (&["--data", "cut-images-idx3-ubyte"], 1, &["cut-images-idx3-ubyte", "too early"]),
        (&["--data", "empty"], 1, &["a folder without", "train.csv"]),
        (&["--data", "mixture", "--kind", "images"], 2, &["kind", "mixture"]),
    ] {
        let mut all = vec!["train", "--out", "never"];
        all.extend(args);
        fails(dir, &all, code, parts);
    }
    fails(dir, &["train", "--data", "no/such.csv", "--out", "never"], 1, &["no/such.csv", "no such file"]);
    assert!(!dir.join("never").exists());
}

#[test]
fn nothing_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    train_into(dir, "run");
    let before = fs::read(dir.join("run/model.postcard")).unwrap();
    fails(dir, &["train", "--out", "run"], 1, &["run is not empty", "--out", "--resume run"]);
    fails(dir, &["quantize", "run", "--out", "run/model.postcard"], 1, &["run/model.postcard exists"]);
    fs::write(dir.join("taken.npy"), "mine").unwrap();
    fails(dir, &["sample", "run/model.postcard", "--out", "taken.npy"], 1, &["taken.npy exists"]);
    assert_eq!(fs::read(dir.join("run/model.postcard")).unwrap(), before);
    assert_eq!(fs::read(dir.join("taken.npy")).unwrap(), b"mine");
    fails(dir, &["train", "--out", "taken.npy/run"], 1, &["taken.npy/run", "writable"]);
    fails(dir, &["sample", "run/model.postcard", "--out", "nowhere/a.npy"], 1, &["nowhere/a.npy"]);
}

#[test]
fn bad_models_and_plans_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    train_into(dir, "run");
    let model = "run/model.postcard";
    let blob = fs::read(dir.join(model)).unwrap();
    let mut damaged = blob.clone();
    damaged[200] ^= 1;
    fs::write(dir.join("short.postcard"), &blob[..1000]).unwrap();
    fs::write(dir.join("damaged.postcard"), damaged).unwrap();
    fs::write(dir.join("other.postcard"), "something else altogether").unwrap();
    for (file, part) in [
        ("short.postcard", "1000 bytes of"),
        ("damaged.postcard", "damaged: checksum"),
        ("other.postcard", "not a tinyscore blob"),
        ("missing.postcard", "cannot read the model missing.postcard"),
    ] {
        for command in [&["inspect", file][..], &["digest", file], &["sample", file, "--out", "x.npy"]] {
            fails(dir, command, 1, &[file, part]);
        }
    }
    fails(dir, &["sample", model, "--sampler", "ddim", "--steps", "36", "--out", "x.npy"], 2, &["36", "35"]);
    fails(dir, &["sample", model, "--sampler", "ddim", "--steps", "0", "--out", "x.npy"], 2, &["zero steps"]);
    fails(
        dir,
        &["sample", model, "--sampler", "mala", "--out", "x.npy"],
        2,
        &["mala", "score network", "langevin"],
    );
    fails(dir, &["sample", model, "-n", "0", "--out", "x.npy"], 2, &["n is 0"]);
    fails(dir, &["verify", "nowhere"], 1, &["nowhere is not a run folder"]);
    assert!(!dir.join("x.npy").exists());
}

/// Constant pixels come out as they are; the classes of a label column can be asked for.
#[test]
fn labelled_images_train_and_constant_pixels_stay() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::create_dir(dir.join("set")).unwrap();
    let image = |i: usize| [7, 0, (i * 37 % 17) as u8, (i * 11 % 13) as u8];
    let pixels = |n: usize| (0..n).flat_map(image).collect::<Vec<u8>>();
    let idx = |sizes: &[u32], values: Vec<u8>| {
        let sizes: Vec<u8> = sizes.iter().flat_map(|size| size.to_be_bytes()).collect();
        [vec![0, 0, 8, (sizes.len() / 4) as u8], sizes, values].concat()
    };
    fs::write(dir.join("set/train-images-idx3-ubyte"), idx(&[60, 2, 2], pixels(60))).unwrap();
    let labels = (0..60).map(|i| i % 3).collect();
    fs::write(dir.join("set/train-labels-idx1-ubyte"), idx(&[60], labels)).unwrap();
    let mut args = vec!["train", "--data", "set", "--conditional", "--out", "run", "--sigma-min", "0.1"];
    args.extend(SHORT);
    works(dir, &args);
    works(dir, &["sample", "run/model.postcard", "--class", "2", "-n", "20", "--out", "a.npy"]);
    fails(dir, &["sample", "run/model.postcard", "--class", "3", "--out", "b.npy"], 2, &["class 3"]);
    let ddim = ["sample", "run/model.postcard", "--sampler", "ddim", "--steps", "2", "--class", "2", "--out"];
    for (file, guidance, evaluations) in [("c.npy", "0", "2 evaluations"), ("d.npy", "1", "4 evaluations")] {
        let said = works(dir, &[&ddim[..], &[file, "--guidance", guidance]].concat());
        assert!(said.contains(evaluations), "{said}");
    }
    let samples = trainer::data::read(&dir.join("a.npy")).unwrap();
    assert!(samples.rows().all(|row| row[0] == 7.0 && row[1].abs() < 1e-7));
    assert!(samples.rows().any(|row| row[2] != samples.row(0)[2]));
}

/// Windows without a class: the report says how well that is found and how gaps are filled in, and a gap of one's own
/// gets its intervals in three files or none.
#[test]
fn windows_without_a_class_are_filled_in_with_intervals() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut args = vec!["train", "--data", "ecg", "--without", "1", "--out", "run"];
    args.extend(SHORT);
    args.extend(POINTS);
    let printed = works(dir, &args);
    let report = text(&fs::read(dir.join("run/report.md")).unwrap());
    for text in [printed, works(dir, &["eval", "run"]), report] {
        assert!(
            text.contains("90 % intervals cover") && text.contains("windows of unseen classes"),
            "{text}"
        );
    }
    assert!(text(&fs::read(dir.join("run/config.toml")).unwrap()).contains("without = [1]"));
    let impute = |more: &[&'static str]| {
        let data =
            ["impute", "run/model.postcard", "run/samples-int8.npy", "--unknown", "3,4", "--times", "1"];
        [&data[..], &["--out", "full.npy"], more].concat()
    };
    fails(dir, &impute(&["--interval", "0.9", "--draws", "18"]), 2, &["draws is 18", "0.9", "at least 19"]);
    fails(dir, &impute(&["--interval", "1"]), 2, &["interval is 1", "0.999"]);
    fs::write(dir.join("full-lower.npy"), "").unwrap();
    fails(dir, &impute(&["--interval", "0.9"]), 1, &["full-lower.npy exists"]);
    assert!(!dir.join("full.npy").exists() && !dir.join("full-upper.npy").exists());
    fs::remove_file(dir.join("full-lower.npy")).unwrap();
    works(dir, &impute(&["--interval", "0.9"]));
    let [data, mean, lower, upper] = ["run/samples-int8.npy", "full.npy", "full-lower.npy", "full-upper.npy"]
        .map(|file| data::read(&dir.join(file)).unwrap());
    for i in 0..data.len() {
        for j in 0..64 {
            let [x, low, middle, high] = [&data, &lower, &mean, &upper].map(|points| points.row(i)[j]);
            let known = (low, high) == (middle, middle) && (x - middle).abs() < 1e-5;
            assert!(if j == 3 || j == 4 { low < middle && middle < high } else { known }, "{i} {j}");
        }
    }
}

/// Ctrl-C leaves a checkpoint and no half-written file; resuming ends as if nothing had happened.
#[cfg(unix)]
#[test]
fn an_interrupt_leaves_a_checkpoint_to_resume_from() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let args = [
        "train",
        "--training-steps",
        "12000",
        "--batch",
        "64",
        "--hidden",
        "16",
        "--points",
        "500",
        "--samples",
        "50",
        "--checkpoint-every",
        "0.02",
    ];
    let start = |out: &str| command(dir, &args).args(["--out", out]).spawn().unwrap();
    let mut child = start("a");
    wait_for(&dir.join("a/checkpoint.safetensors"), &mut child);
    signal(&child, "INT");
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(1), "the training ended before it was interrupted");
    let left = fs::read_dir(dir.join("a")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut left: Vec<String> = left.collect();
    left.sort();
    assert_eq!(left, ["checkpoint.safetensors", "config.toml"]);
    works(dir, &["train", "--resume", "a"]);
    assert!(start("b").wait().unwrap().success());
    for file in ["model.postcard", "samples-int8.npy"] {
        assert_eq!(fs::read(dir.join("a").join(file)).unwrap(), fs::read(dir.join("b").join(file)).unwrap());
    }
}

#[test]
fn devices_are_listed_and_a_missing_one_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let list = works(dir, &["devices"]);
    assert!(list.contains("cpu") && list.contains("threads") && list.contains("cuda"), "{list}");
    if cfg!(feature = "cuda") {
        return; // tests/no-gpu.sh
    }
    assert!(list.contains("--features cuda"), "{list}");
    let remedy = ["without CUDA", "cargo build --release -p trainer --features cuda", "--device cpu"];
    fails(dir, &["train", "--device", "cuda", "--out", "run"], 1, &remedy);
    fails(dir, &["eval", "--suite", "mixture", "--device", "cuda", "--out", "run"], 1, &remedy);
    fails(dir, &["train", "--device", "gpu"], 2, &["cpu, cuda"]);
    assert_eq!(fs::read_dir(dir).unwrap().count(), 0);
    train_into(dir, "run");
    fails(dir, &["distill", "run", "--device", "cuda"], 1, &remedy);
    let before = fs::read(dir.join("run/checkpoint.safetensors")).unwrap();
    fails(dir, &["train", "--resume", "run", "--device", "cuda"], 1, &remedy);
    assert_eq!(fs::read(dir.join("run/checkpoint.safetensors")).unwrap(), before);
    assert_eq!(fs::read_dir(dir).unwrap().count(), 1);
}
