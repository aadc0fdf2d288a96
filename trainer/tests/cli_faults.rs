//! What a user's options, signals, files and folders can do to the command line: every mistake has an answer before work
//! begins, and no work is lost.

#[allow(dead_code)]
mod common;

use common::{command, fails, signal, text, wait_for, works};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A training of a second.
const SHORT: [&str; 8] = ["--training-steps", "60", "--batch", "64", "--hidden", "16", "--samples", "100"];
/// A training that does not end by itself while a test runs.
const LONG: [&str; 10] = [
    "--training-steps",
    "100000000",
    "--batch",
    "64",
    "--hidden",
    "16",
    "--samples",
    "100",
    "--points",
    "500",
];

/// A training of the mixture into `out`.
fn train(dir: &Path, out: &str, more: &[&str]) -> String {
    works(dir, &[&["train", "--data", "mixture", "--points", "500", "--out", out], &SHORT[..], more].concat())
}

/// Temporary files in a folder, and the lock.
fn left_behind(dir: &Path) -> Vec<String> {
    let names =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(".tmp") || name == ".lock").collect()
}

/// Whatever ends it, a training goes on from its checkpoint to the model of one that was not interrupted.
#[cfg(unix)]
#[test]
fn a_training_that_is_ended_goes_on_to_the_same_model() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let args = |out: &'static str| {
        let steps = ["--training-steps", "3000", "--checkpoint-every", "0.05"];
        [&["train", "--data", "moons", "--points", "500", "--out", out], &SHORT[2..], &steps[..]].concat()
    };
    works(dir, &args("whole"));
    let model = |run: &str| fs::read(dir.join(run).join("model.postcard")).unwrap();
    for name in ["INT", "TERM", "HUP", "KILL"] {
        let mut child =
            command(dir, &args(name)).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        wait_for(&dir.join(name).join("checkpoint.safetensors"), &mut child);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        let message = text(&output.stderr);
        assert!(!output.status.success(), "{name} came too late");
        if name != "KILL" {
            assert!(
                message.contains("writing a checkpoint") && message.contains("--resume"),
                "{name}: {message}"
            );
            assert_eq!(left_behind(&dir.join(name)), [""; 0], "{name}");
        }
        let said = works(dir, &["train", "--resume", name]);
        assert!(said.contains(&format!("{name}: resuming at step ")) && said.contains(" of 3000"), "{said}");
        assert_eq!(model(name), model("whole"), "{name}");
        assert_eq!(left_behind(&dir.join(name)), [""; 0], "{name}");
    }
    let said = works(dir, &["train", "--resume", "INT"]);
    assert!(said.contains("INT is finished") && said.contains("SW2"), "{said}");
}

/// The first signal while samples are drawn ends the program, without a temporary file.
#[cfg(unix)]
#[test]
fn drawing_that_is_interrupted_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    train(dir, "run", &[]);
    let args = ["sample", "run/model.postcard", "-n", "100000000", "--out", "big.npy"];
    for name in ["INT", "TERM"] {
        let mut child = command(dir, &args).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while left_behind(dir).is_empty() && start.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(child.try_wait().unwrap().is_none());
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{name}");
        assert!(text(&output.stderr).contains("interrupted"), "{}", text(&output.stderr));
        assert_eq!(left_behind(dir), [""; 0], "{name}");
    }
}

/// Weights mean nothing with other settings or other data.
#[test]
fn a_checkpoint_goes_with_its_settings_and_its_data() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let row = |i: u32, scale: f64| format!("{},{}\n", f64::from(i % 13) * scale, f64::from(i % 7) * scale);
    let table = |scale: f64| (0..200).map(|i| row(i, scale)).collect::<String>();
    fs::write(dir.join("t.csv"), format!("a,b\n{}", table(1.0))).unwrap();
    works(dir, &[&["train", "--data", "t.csv", "--out", "run"], &SHORT[..]].concat());
    fails(
        dir,
        &["train", "--resume", "run", "--training-steps", "99"],
        2,
        &["--training-steps is given", "--resume"],
    );
    fails(dir, &["train", "--resume", "run", "--seed", "1"], 2, &["--seed is given"]);

    // From another folder.
    fs::create_dir(dir.join("elsewhere")).unwrap();
    works(&dir.join("elsewhere"), &["eval", "../run"]);

    fs::write(dir.join("t.csv"), format!("a,b\n{}", table(10.0))).unwrap();
    for command in
        [&["quantize", "run"][..], &["verify", "run"], &["likelihood", "run"], &["train", "--resume", "run"]]
    {
        fails(dir, command, 1, &["data are no longer those", "checkpoint.safetensors"]);
    }
    fs::write(dir.join("t.csv"), format!("a,b\n{}", table(1.0))).unwrap();
    works(dir, &["quantize", "run"]);
    let config = fs::read_to_string(dir.join("run/config.toml")).unwrap();
    for (from, to) in
        [("batch = 64", "batch = 32"), ("seed = 1", "seed = 2"), ("clip_norm = 1.0", "clip_norm = 2.0")]
    {
        assert!(config.contains(from), "{config}");
        fs::write(dir.join("run/config.toml"), config.replacen(from, to, 1)).unwrap();
        fails(
            dir,
            &["train", "--resume", "run"],
            1,
            &[&format!("trained with `{from}`"), &format!("says `{to}`")],
        );
    }
    fs::write(dir.join("run/config.toml"), &config).unwrap();
    fs::remove_file(dir.join("t.csv")).unwrap();
    fails(dir, &["eval", "run"], 1, &["data of run/config.toml", "t.csv"]);
}

/// One that is not finished is not taken for one that is.
#[test]
fn unfinished_runs_are_told_from_finished_ones() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    train(dir, "run", &[]);
    fs::remove_file(dir.join("run/checkpoint.safetensors")).unwrap();
    for command in ["eval", "verify", "plot", "quantize", "likelihood", "distill"] {
        fails(dir, &[command, "run"], 1, &["run is at step 0 of 60", "trainer train --resume run"]);
    }
    let said = works(dir, &["train", "--resume", "run"]);
    assert!(said.contains("no checkpoint yet, starting over"), "{said}");
    works(dir, &["eval", "run"]);
}

#[test]
fn two_trainings_do_not_share_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let args =
        [&["train", "--data", "mixture", "--checkpoint-every", "0", "--out", "run"], &LONG[..]].concat();
    let mut first = command(dir, &args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for(&dir.join("run/checkpoint.safetensors"), &mut first);
    fails(dir, &["train", "--resume", "run"], 1, &["another training works in run", "--out"]);
    fails(dir, &args, 1, &["run is not empty"]);
    first.kill().unwrap();
    first.wait().unwrap();
    // A killed training's lock holds no longer.
    let mut second = command(dir, &["train", "--resume", "run"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(2));
    assert!(second.try_wait().unwrap().is_none(), "it works");
    second.kill().unwrap();
    second.wait().unwrap();
}

/// Nobody listens: commands end quietly, and a training is not lost.
#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_panic() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let deaf = |args: &[&str]| {
        let mut child = command(dir, args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let message = text(&output.stderr);
        assert!(output.status.success() && !message.contains("panicked"), "{args:?}: {message}");
    };
    deaf(&[&["train", "--data", "mixture", "--points", "500", "--out", "run"], &SHORT[..]].concat());
    assert!(dir.join("run/report.md").is_file());
    for args in [
        &["list"][..],
        &["devices"],
        &["digest", "run/model.postcard"],
        &["inspect", "run/model.postcard"],
        &["eval", "run"],
    ] {
        deaf(args);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_output_is_an_error_and_no_panic() {
    let dir = tempfile::tempdir().unwrap();
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command(dir.path(), &["list"]).stdout(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot write to standard output"), "{}", text(&output.stderr));
    let output = command(dir.path(), &["inspect", "nothing"]).stderr(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

/// An option that nothing reads is refused, whether it is as it comes or not; and before work begins.
#[test]
fn options_that_nothing_reads_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let refused: [(&[&str], &[&str]); 17] = [
        (&["--eta", "0.3"], &["--eta", "dpmpp-2m-sde", "--sampler ancestral"]),
        (&["--eta", "1"], &["--eta", "dpmpp-2m-sde"]),
        (&["--sampler", "ddim", "--order", "2"], &["--order", "ddim", "ipndm or deis"]),
        (&["--sampler", "heun", "--s-churn", "3"], &["--s-churn", "heun", "churn"]),
        (&["--sampler", "langevin", "--friction", "3"], &["--friction", "underdamped-langevin"]),
        (&["--probes", "4"], &["--probes", "dsm", "--objective ssm"]),
        (&["--penalty", "0.2"], &["--penalty", "dsm", "cd or pcd"]),
        (&["--langevin-rate", "0.2"], &["--langevin-rate", "dsm"]),
        (&["--schedule", "cosine"], &["--schedule", "dsm", "ddpm"]),
        (&["--objective", "edm", "--objective-sigma", "0.2"], &["--objective-sigma", "edm"]),
        (&["--spacing", "geometric", "--rho", "3"], &["--rho", "--spacing karras"]),
        (&["--guidance", "2"], &["guidance is 2", "no classes", "--conditional"]),
        (&["--model", "ebm", "--objective", "pcd", "--levels", "9"], &["--levels", "one noise level"]),
        (
            &["--model", "ebm", "--objective", "cd", "--sigma-min", "0.1"],
            &["--sigma-min", "--objective-sigma"],
        ),
        (&["--model", "rbm", "--eta", "0.3"], &["--eta"]),
        (&["--stride", "3"], &["--window"]),
        (&["--k", "3"], &["k"]),
    ];
    for (args, parts) in refused {
        fails(dir, &[&["train", "--data", "mixture", "--out", "never"], args].concat(), 2, parts);
    }
    fs::write(dir.join("t.csv"), "1,2\n3,4\n5,7\n").unwrap();
    fails(
        dir,
        &["train", "--data", "t.csv", "--points", "5", "--out", "never"],
        2,
        &["--points", "every row is read"],
    );
    assert!(!dir.join("never").exists());

    train(dir, "run", &["--sampler", "dpmpp-2m"]);
    let model = "run/model.postcard";
    for (args, parts) in [
        (&["--eta", "0.3"][..], &["--eta", "stored plan|plan stored", "--sampler"][..]),
        (&["--steps", "5"], &["--steps", "plan stored in the model"]),
        (&["--sampler", "ddim", "--eta", "0.3"], &["--eta", "ddim"]),
        (&["--sampler", "mala"], &["mala", "energy"]),
    ] {
        let parts: Vec<&str> = parts.iter().map(|part| part.rsplit('|').next().unwrap()).collect();
        fails(dir, &[&["sample", model, "--out", "x.npy"], args].concat(), 2, &parts);
    }
    for args in [&["--seeds", "7"][..], &["--device", "cpu"], &["--qat", "9"], &["--out", "x"]] {
        fails(dir, &[&["eval", "run"], args].concat(), 2, &[args[0]]);
    }
    fails(dir, &["eval", "--suite", "rbm", "--seeds", "7"], 2, &["--seeds", "suite rbm"]);
    fails(dir, &["quantize", "run", "--guidance", "2"], 2, &["--guidance"]);
    for variable in ["sse9", ""] {
        let output = command(dir, &["list"]).env("TRAINER_INSTRUCTIONS", variable).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("portable"), "{}", text(&output.stderr));
    }
}

/// A file may state some of the settings; flags override it; what it states of training stays.
#[test]
fn settings_files_may_be_partial() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let short =
        "points = 500\n[training]\nsteps = 60\nbatch = 64\n[net]\nhidden = [16]\n[sampling]\nsamples = 100\n";
    let run = |file: &str, out: &str, more: &[&str]| {
        works(dir, &[&["train", "--config", file, "--out", out], more].concat());
        fs::read_to_string(dir.join(out).join("config.toml")).unwrap()
    };
    fs::write(dir.join("few.toml"), format!("data = \"moons\"\nseed = 3\n{short}")).unwrap();
    let few = run("few.toml", "few", &["--seed", "4"]);
    for line in ["data = \"moons\"", "seed = 4", "batch = 64", "sampler = \"dpmpp-2m\"", "levels = 39"] {
        assert!(few.contains(line), "{line}: {few}");
    }
    let ebm = run("few/config.toml", "ebm", &["--model", "ebm"]);
    assert!(ebm.contains("energy = true") && ebm.contains("batch = 64"), "{ebm}");
    let other = run("few/config.toml", "other", &["--objective", "ddpm"]);
    assert!(
        other.contains("name = \"ddpm\"") && other.contains("steps = 60\n") && other.contains("batch = 64"),
        "{other}"
    );
    fs::write(dir.join("typo.toml"), "data = \"moons\"\n[training]\nstepps = 60\n").unwrap();
    fails(dir, &["train", "--config", "typo.toml", "--out", "never"], 2, &["typo.toml", "stepps"]);
    fs::write(dir.join("unread.toml"), "data = \"moons\"\n[sampling.options]\neta = 0.3\n").unwrap();
    fails(
        dir,
        &["train", "--config", "unread.toml", "--out", "never"],
        2,
        &["eta is 0.3", "dpmpp-2m", "ancestral"],
    );
    let plain = ["--data", "ecg", "--points", "400", "--conditional=false"];
    let said = works(dir, &[&["train", "--out", "plain"], &plain[..], &SHORT[..]].concat());
    assert!(!said.contains("guided"), "{said}");
    assert!(fs::read_to_string(dir.join("plain/config.toml")).unwrap().contains("conditional = false"));
}

/// A student knows its teacher, goes on after an interruption, and its report says how it learnt.
#[cfg(unix)]
#[test]
fn distillation_has_a_provenance_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // With an option that the student's sampler does not read.
    train(dir, "teacher", &["--sampler", "ancestral", "--eta", "0.5"]);
    let args = |out: &'static str| {
        ["distill", "teacher", "-e", "3", "--ways", "500", "--training-steps", "2000", "--out", out]
    };
    works(dir, &args("whole"));
    let report = fs::read_to_string(dir.join("whole/report.md")).unwrap();
    assert!(report.contains("trajectory distillation of") && report.contains("teacher"), "{report}");
    let mut child =
        command(dir, &args("student")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for(&dir.join("student/config.toml"), &mut child);
    std::thread::sleep(Duration::from_millis(700));
    signal(&child, "INT");
    child.wait().unwrap();
    works(dir, &["train", "--resume", "student"]);
    let model = |run: &str| fs::read(dir.join(run).join("model.postcard")).unwrap();
    assert_eq!(model("student"), model("whole"));
    fails(dir, &["distill", "teacher", "--ways", "1000000000000"], 2, &["ways is 1000000000000"]);
}

/// From two rows or samples on there is a report; what too few points cannot tell is a dash with a reason.
#[test]
fn few_rows_and_samples_have_a_report() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let rows = |n: u32| (0..n).map(|i| format!("{},{}\n", i * 7 % 11, i)).collect::<String>();
    for n in [2, 5, 10, 25, 49] {
        let (file, out) = (format!("{n}.csv"), format!("run{n}"));
        fs::write(dir.join(&file), format!("a,b\n{}", rows(n))).unwrap();
        let said = works(dir, &[&["train", "--data", &file, "--out", &out], &SHORT[..]].concat());
        assert!(said.contains("SW2"), "{said}");
        assert!(
            n > 25 || said.contains("– C2ST: needs at least") && said.contains("  C2ST accuracy"),
            "{n}: {said}"
        );
        works(dir, &["eval", &out]);
    }
    for samples in ["1", "2", "4", "9"] {
        for data in ["mixture", "digits", "ecg"] {
            let out = format!("{data}{samples}");
            let short = ["--points", "300", "--training-steps", "30", "--hidden", "8", "--samples", samples];
            let said = works(dir, &[&["train", "--data", data, "--out", &out], &short[..]].concat());
            assert!(
                said.contains("– C2ST: needs") == (samples < "9" || data != "digits"),
                "{data} {samples}: {said}"
            );
        }
    }
}

/// Every picture and file that is named is there, whatever the number of columns.
#[test]
fn every_picture_that_is_named_exists() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let check = |out: &str, said: &str, least: &[&str]| {
        let report = fs::read_to_string(dir.join(out).join("report.md")).unwrap();
        let made = said.split("Made in").nth(1).unwrap();
        let named = |text: &str| -> Vec<String> {
            let words = text.split([' ', ',', '(', ')', '\n']).map(|word| word.trim_end_matches('.'));
            words
                .filter(|word| {
                    [".png", ".npy", ".md", ".toml", ".json"].iter().any(|end| word.ends_with(end))
                })
                .map(str::to_owned)
                .collect()
        };
        for file in named(made).iter().chain(&named(&report)) {
            assert!(dir.join(out).join(file).is_file(), "{out}: {file}");
        }
        least
            .iter()
            .for_each(|file| assert!(report.contains(&format!("]({file})")), "{out}: {file} in {report}"));
    };
    for (dim, least) in [(1, &["samples.png"][..]), (2, &["samples.png", "chain.png"]), (3, &["samples.png"])]
    {
        let row = |i: u32| (0..dim).map(|j| (i * (j + 3) % 13).to_string()).collect::<Vec<_>>().join(",");
        let (file, out) = (format!("{dim}.csv"), format!("run {dim}"));
        fs::write(dir.join(&file), (0..90).map(row).collect::<Vec<_>>().join("\n")).unwrap();
        let said = works(dir, &[&["train", "--data", &file, "--out", &out], &SHORT[..]].concat());
        check(&out, &said, least);
        // The line can be pasted.
        assert!(said.contains(&format!("inspect 'run {dim}/model.postcard'")), "{said}");
    }
    for data in ["mixture", "digits", "ecg"] {
        let said =
            works(dir, &[&["train", "--data", data, "--points", "300", "--out", data], &SHORT[..]].concat());
        check(data, &said, &["samples.png", "training.png", "fidelity.png"]);
    }
}

/// Sizes that no machine holds are refused by name and range, before anything is made.
#[test]
fn sizes_have_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let huge = "1000000000000";
    for (flag, name) in [
        ("--samples", "samples"),
        ("--points", "points"),
        ("--batch", "batch"),
        ("--training-steps", "steps of training"),
        ("--steps", "steps of sampling"),
    ] {
        let args = ["train", "--data", "mixture", "--out", "never", flag, huge];
        fails(dir, &args, 2, &[&format!("{name} is {huge}, but must be in")]);
    }
    let wide = ["--hidden", "2048,2048,2048,2048,2048", "--batch", "1000000"];
    fails(
        dir,
        &[&["train", "--out", "never"], &wide[..]].concat(),
        2,
        &["batch is 1000000", "GiB of memory"],
    );
    fails(
        dir,
        &["train", "--data", "digits-28", "--samples", "50000000", "--out", "never"],
        2,
        &["samples is 50000000", "GiB"],
    );
    fails(
        dir,
        &["train", "--out", "never", "--learning-rate", "10"],
        2,
        &["learning_rate is 10", "between 0 and 10"],
    );
    assert!(!dir.join("never").exists());
    train(dir, "run", &[]);
    let model = "run/model.postcard";
    fails(dir, &["sample", model, "-n", huge, "--out", "x.npy"], 2, &["n is 1000000000000"]);
    for (sampler, flag) in [("predictor-corrector", "--corrections"), ("annealed-langevin", "--per-level")] {
        for count in ["9223372036854775808", "18446744073709551615"] {
            fails(
                dir,
                &["sample", model, "--sampler", sampler, flag, count, "--out", "x.npy"],
                2,
                &["sampler"],
            );
        }
    }
    assert!(!dir.join("x.npy").exists());
}

/// A training whose weights grow without bound says so, and what to do.
#[test]
fn a_training_that_diverges_is_named() {
    let dir = tempfile::tempdir().unwrap();
    for rate in ["5", "9.9"] {
        let args = [
            "train",
            "--data",
            "moons",
            "--points",
            "500",
            "--batch",
            "64",
            "--samples",
            "100",
            "--out",
            rate,
        ];
        let wild = [
            "--learning-rate",
            rate,
            "--clip-norm",
            "1e30",
            "--training-steps",
            "500",
            "--ema",
            "0",
            "--hidden",
            "64,64",
        ];
        fails(dir.path(), &[&args[..], &wild].concat(), 1, &["training diverged", "--learning-rate"]);
    }
}

/// The same checkpoint gives the same model file by every instruction set that the machine has.
#[test]
fn every_instruction_set_gives_the_same_model() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    works(
        dir,
        &[&["train", "--data", "digits", "--points", "400", "--latent", "12", "--out", "run"], &SHORT[..]]
            .concat(),
    );
    let model = |name: &str| {
        let output = command(dir, &["quantize", "run", "--out", name])
            .env("TRAINER_INSTRUCTIONS", name)
            .output()
            .unwrap();
        output.status.success().then(|| fs::read(dir.join(name)).unwrap()).ok_or_else(|| text(&output.stderr))
    };
    let portable = model("portable").unwrap();
    assert_eq!(fs::read(dir.join("run/model.postcard")).unwrap(), portable);
    for name in ["avx2", "avx512", "neon"] {
        match model(name) {
            Ok(bytes) => assert_eq!(bytes, portable, "{name}"),
            Err(message) => assert!(message.contains("this machine has"), "{message}"),
        }
    }
}

/// Hints that cost a user hours without them.
#[test]
fn what_may_be_meant_otherwise_is_noted() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let row =
        |i: u32| format!("{},{}\n", i * 7 % 13, if i.is_multiple_of(20) { -9999 } else { (i % 11) as i32 });
    fs::write(dir.join("t.csv"), format!("a,rain\n{}", (0..200).map(row).collect::<String>())).unwrap();
    let args = [&["train", "--data", "t.csv", "--out", "run", "--sigma-max", "0.3"], &SHORT[..]].concat();
    let said = works(dir, &args);
    assert!(said.contains("note: sigma_max is 0.3, but points are up to"), "{said}");
    assert!(
        said.contains("rain") && said.contains("is -9999 in") && said.contains("stands for a gap"),
        "{said}"
    );
    fails(
        dir,
        &["sample", "run/model.postcard", "--seed", "-1", "--out", "x.npy"],
        2,
        &["invalid value '-1'", "--seed"],
    );
    fails(
        dir,
        &["denoise", "run/model.postcard", "t.csv", "--sigma", "-1", "--out", "x.npy"],
        2,
        &["sigma is -1"],
    );
}
