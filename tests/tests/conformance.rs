//! The firmware example on every machine that can be emulated: the same bits, defined answers to bad
//! input, and nothing in the images that does not belong there.
//!
//! `cargo test -p tests --test conformance` builds the programs of `firmware-example/` for all targets
//! and runs them. Cases whose target or emulator is not installed are skipped, and one summary says what to install; with
//! the variable `CONFORMANCE_REQUIRE_ALL=1` they fail.
//!
//! `conformance/digests.txt` was produced on x86-64 Linux with
//! `UPDATE_CONFORMANCE=1 cargo test -p tests --test conformance`, which rewrites it. A change of the digests
//! of unchanged models is value-breaking: raise `tinyscore::arith::ARITHMETIC` and say so in CHANGELOG.md.
//!
//! `cargo test --release -p tests --test conformance -- --ignored --nocapture size_table` prints the
//! table of sizes, stack and instructions.

#[path = "conformance/digests.rs"]
mod digests;
#[path = "conformance/image.rs"]
mod image;
#[path = "conformance/machines.rs"]
mod machines;
#[path = "conformance/sizes.rs"]
mod sizes;

use digests::{Expected, blobs};
use image::Image;
use machines::{CASES, Case, EMULATED_M4F, Job, Missing, firmware, run};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Write, stderr};
use std::process::Output;
use std::thread;
use std::time::Instant;

/// Prints past the capture of the test harness.
fn say(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}

/// The cases that can run here; `what_is_skipped_here` says which cannot.
fn available<'a>(cases: impl IntoIterator<Item = &'a Case>) -> Vec<&'a Case> {
    let (here, skipped): (Vec<_>, Vec<_>) = cases.into_iter().partition(|case| case.missing().is_empty());
    let required = std::env::var_os("CONFORMANCE_REQUIRE_ALL").is_some_and(|v| v != "0");
    let names: Vec<&str> = skipped.iter().map(|case| case.name).collect();
    assert!(skipped.is_empty() || !required, "skipped: {names:?}");
    here
}

/// One summary of all that is not installed, and how to install it; what can be built and run without is not among it.
#[test]
fn what_is_skipped_here() {
    let missing: BTreeSet<Missing> = CASES.iter().flat_map(Case::missing).collect();
    let skipped = CASES.iter().filter(|case| !case.missing().is_empty()).count();
    if !missing.is_empty() {
        say(&format!("\n{skipped} of {} machines are skipped. To run them all:", CASES.len()));
        say(&machines::installation(&missing));
    }
    let desktop = cfg!(all(target_arch = "x86_64", target_os = "linux"));
    assert!(!desktop || skipped < CASES.len(), "the desktop itself is always there");
}

/// A bare-metal case for each target.
fn bare_metal() -> Vec<&'static Case> {
    let mut seen = BTreeSet::new();
    available(CASES.iter().filter(|case| case.bare_metal() && seen.insert(case.target)))
}

#[test]
fn digests_are_the_same_everywhere() {
    let blobs = blobs();
    let expected = Expected::load(&blobs);
    let mut rows = vec![format!(
        "{:<24} {:<30} {}",
        "case",
        "target",
        digests::NAMES.map(|n| format!("{n:<13}")).join("")
    )];
    let mut different = Vec::new();
    thread::scope(|scope| {
        let mut running = Vec::new();
        for case in available(CASES) {
            let runs: Vec<_> = blobs
                .iter()
                .map(|blob| {
                    let full = case.full && blob.name == digests::NAMES[0];
                    let samples = if full { digests::FULL } else { digests::FEW };
                    let job = Job { model: Some(&blob.path), samples, ..Job::program("digest") };
                    let program = firmware(case, &job).expect("the program builds");
                    let expected = expected.of(blob.name, samples);
                    scope.spawn(move || {
                        let start = Instant::now();
                        let verdict = expected.compare(&run(case, &program, b""));
                        (verdict, start.elapsed().as_secs_f32())
                    })
                })
                .collect();
            running.push((case, runs));
        }
        for (case, runs) in running {
            let mut row = format!("{:<24} {:<30}", case.name, case.target);
            for run in runs {
                let (verdict, seconds) = run.join().expect("the run ends");
                if verdict.is_err() {
                    different.push(case.name);
                }
                let _ = write!(row, " {} {seconds:.1} s  ", verdict.unwrap_or_else(|wrong| wrong));
            }
            rows.push(row);
        }
    });
    say(&rows.join("\n"));
    different.dedup();
    assert!(different.is_empty(), "other digests: {different:?}");
}

/// Those of boards are compared where their instructions are counted.
#[test]
fn kernels_of_operating_systems_equal_the_portable_one() {
    for case in available(CASES.iter().filter(|case| !case.bare_metal())) {
        let job = Job { features: &["count"], ..Job::program("count") };
        let output = run(case, &firmware(case, &job).expect("the program builds"), b"");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "kernel 0\n", "{}", case.name);
    }
}

#[test]
fn comparing_finds_a_wrong_and_a_missing_digest() {
    let expected = Expected::parse("digest mixture ddim 00000000000000aa 00000000000000bb\n");
    let expected = expected.of("mixture", digests::FEW);
    let output = |text: &str| Output { stdout: text.into(), ..machines::nothing() };
    assert_eq!(expected.compare(&output("digest ddim 00000000000000bb\n")), Ok("same".into()));
    for text in ["digest ddim 00000000000000aa\n", "", "digest ddim\n", "digest heun 00000000000000bb\n"] {
        assert!(expected.compare(&output(text)).is_err(), "{text:?}");
    }
}

#[test]
fn damaged_blob_is_named_and_the_program_halts() {
    let Some(case) = available([&EMULATED_M4F]).pop() else { return };
    let program = firmware(case, &Job::program("mixture")).expect("the program builds");
    let blob = std::fs::read(digests::mixture()).expect("the model");
    let damages =
        [(blob.len() / 2, "error: the blob is damaged: checksum"), (0, "error: not a tinyscore blob")];
    for (at, message) in damages {
        let mut image = std::fs::read(&program).expect("the image");
        let start = image.windows(blob.len()).position(|window| window == blob).expect("the blob in it");
        image[start + at] ^= 1;
        let damaged = program.with_extension("damaged");
        std::fs::write(&damaged, image).expect("written");
        let output = run(case, &damaged, b"");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.starts_with(message) && text.lines().count() == 1, "{text}");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn garbage_lines_get_an_answer_and_a_new_prompt() {
    let Some(case) = available([&EMULATED_M4F]).pop() else { return };
    let program = firmware(case, &Job::program("mixture")).expect("the program builds");
    let long = "9".repeat(500);
    let lines: [(&[u8], &str); 8] = [
        (b"sede 7", "what is `sede`?"),
        (b"seed", "`seed` needs a value"),
        (b"seed -1", "`-1` is not a whole number"),
        (b"sampler euler levels 8", "no sampler is called `euler`"),
        (b"sampler heun levels 4000", "the plan asks for 4000 noise levels"),
        (b"sampler heun levels 0", "a plan of zero steps"),
        (b"\xff\xfe\x00", "a line has at most"),
        (long.as_bytes(), "a line has at most"),
    ];
    let mut input = lines.map(|(line, _)| line).join(&b'\n');
    input.extend(b"\nseed 5 samples 3 sampler heun levels 2\n");
    let output = run(case, &program, &input);
    let text = String::from_utf8_lossy(&output.stdout);
    let answers: Vec<&str> = text.split("\n> ").collect();
    for ((line, answer), given) in lines.iter().zip(&answers[1..]) {
        assert!(given.starts_with(answer), "{}: {given}", line.escape_ascii());
    }
    assert!(answers[9].contains("3 samples of seed 5, 3 evaluations each"), "{}", answers[9]);
    assert_eq!((answers.len(), output.status.code()), (11, Some(0)), "ends with its input");
}

/// What a program prints for these lines, but for costs, which are the machine's own: on the desktop, the smallest
/// machine and the default one, where it must be the same. With it come the costs of the default one, which counts
/// instructions, if it can run here.
fn the_same_everywhere(program: &str, input: &[u8]) -> (Vec<String>, Option<String>) {
    let [desktop, m0] = ["x86-64 release", "Cortex-M0"]
        .map(|name| CASES.iter().find(|case| case.name == name).expect("such a case"));
    let (mut expected, mut cost): (Option<Vec<String>>, _) = (None, None);
    for case in available([desktop, m0, &EMULATED_M4F]) {
        let program = firmware(case, &Job::program(program)).expect("the program builds");
        let output = run(case, &program, input);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{}: {text}", case.name);
        let (costs, lines): (Vec<String>, Vec<String>) =
            text.lines().map(String::from).partition(|line| line.contains("cost "));
        assert_eq!(&lines, expected.get_or_insert_with(|| lines.clone()), "{}", case.name);
        if case.name == EMULATED_M4F.name {
            cost = costs.into_iter().next();
            assert!(cost.is_some(), "{text}");
        }
    }
    (expected.unwrap_or_default(), cost)
}

/// A digit of 784 pixels by a Cortex-M4F: at most 3 M instructions, 8 KB of RAM, and 256 KB of flash with all code.
#[test]
fn a_digit_is_drawn_the_same_everywhere() {
    let (lines, cost) = the_same_everywhere("digits", b"40\nguidance 50\n3\nten\nseed\n");
    assert_eq!(lines.iter().filter(|line| line.starts_with("digest digit ")).count(), 4, "{lines:?}");
    assert!(lines.iter().any(|line| line == "3, 20 evaluations"), "{lines:?}");
    for answer in ["what is `ten`?", "`seed` needs a value"] {
        assert!(lines.iter().any(|line| line.contains(answer)), "{answer}: {lines:?}");
    }
    let Some(first) = cost else { return };
    say(&format!("Cortex-M4F: {first}"));
    let numbers: Vec<u64> = first.split(' ').filter_map(|word| word.parse().ok()).collect();
    assert!(numbers[0] <= 3_000_000 && numbers[1] <= 8192, "{first}");
    let image = Image::read(&firmware(&EMULATED_M4F, &Job::program("digits")).expect("the program builds"));
    let flash: u64 =
        [".vector_table", ".text", ".rodata", ".data"].map(|section| image.size(section)).iter().sum();
    say(&format!("flash: {flash} bytes"));
    assert!(flash <= 262_144, "{flash}");
}

/// What the program `sensor` finds, and what the window's own numbers say.
#[test]
fn a_sensor_s_window_gives_the_same_everywhere() {
    let (expected, _) = the_same_everywhere("sensor", b"gap 40 44\nseed 2\nfill\ngap 1\n");
    assert!(expected.iter().any(|line| line.contains("`gap` needs a value")), "{expected:?}");
    let digests = expected.iter().filter(|line| line.starts_with("digest ")).count();
    assert_eq!(digests, 5, "denoised, filled in twice, two scores: {expected:?}");
    for verdict in ["the window: score", "spoilt: score"] {
        let line = expected.iter().find(|line| line.starts_with(verdict)).expect("a score");
        assert_eq!(line.contains("an anomaly"), verdict.starts_with("spoilt"), "{line}");
    }
}

/// Dreams, and the lower halves filled in.
#[test]
fn digits_are_dreamt_the_same_everywhere() {
    let (lines, cost) = the_same_everywhere("rbm", b"");
    assert_eq!(lines.iter().filter(|line| line.starts_with("digest ")).count(), 2, "{lines:?}");
    cost.iter().for_each(|cost| say(&format!("RBM on a Cortex-M4F: {cost}")));
}

/// Chains that accept by the integer energy; a moon is deeper than the place between both.
#[test]
fn moons_are_drawn_the_same_everywhere() {
    let (lines, cost) = the_same_everywhere("energy", b"");
    let energy = |place: &str| -> f32 {
        let line = lines.iter().find_map(|line| line.strip_prefix(&format!("energy {place}: ")));
        line.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{lines:?}"))
    };
    assert!(energy("on the upper moon") + 2.0 < energy("between the moons"), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("digest ")), "{lines:?}");
    cost.iter().for_each(|cost| say(&format!("MALA on a Cortex-M4F: {cost}")));
}

#[test]
fn no_panic_path_is_left_in_the_core() {
    for case in bare_metal() {
        let linked = firmware(case, &Job { features: &["no-panic"], ..Job::program("no_panic") });
        assert!(linked.is_ok(), "{}: {}", case.name, linked.unwrap_err());
        let control = firmware(case, &Job { features: &["panic-on-purpose"], ..Job::program("no_panic") });
        let error = control.expect_err("a panic path must not link");
        assert!(error.contains("undefined symbol: a_panic_path_is_left"), "{error}");
    }
}

#[test]
fn images_have_no_allocator_and_no_double_arithmetic() {
    for case in bare_metal() {
        for name in ["digest", "digits", "mixture", "bench", "sensor"] {
            let image = Image::read(&firmware(case, &Job::program(name)).expect("the program builds"));
            let found = image.find(|symbol| image::allocates(symbol) || image::double_routine(symbol));
            assert!(found.is_empty(), "{} {name}: {found:?}", case.name);
        }
    }
}

/// A desktop program has an allocator, and the double routines are known by their names.
#[test]
fn allocators_and_doubles_would_be_found() {
    let image = Image::read(&std::env::current_exe().expect("this test"));
    assert!(!image.find(image::allocates).is_empty());
    for name in ["__aeabi_dadd", "__aeabi_f2d", "__muldf3", "__extendsfdf2", "__floatsidf", "__ltdf2"] {
        assert!(image::double_routine(name), "{name}");
    }
    for name in ["__aeabi_fadd", "__mulsf3", "__aeabi_idiv", "__aeabi_lmul", "__muldi3"] {
        assert!(!image::double_routine(name), "{name}");
    }
}

/// On machines without floating point every float operation is a call, so the calls that can be reached from
/// a hidden layer tell whether there are any; those from a function that does compute in floats are
/// the control.
#[test]
fn hidden_layers_call_no_float_routine() {
    for case in bare_metal().into_iter().filter(|case| !case.target.ends_with("hf")) {
        let object = machines::core_object(case.target);
        let outside = object.calls_out_of("hidden_layer");
        let floats: Vec<&String> = outside.iter().filter(|name| !image::integer_routine(name)).collect();
        assert!(floats.is_empty(), "{}: {floats:?}", case.target);
        let control = object.calls_out_of("to_data");
        assert!(control.iter().any(|name| !image::integer_routine(name)), "{}: {control:?}", case.target);
    }
}

/// Not a test: prints the table for the README.
#[test]
#[ignore = "a report that checks nothing: prints the size table"]
fn size_table() {
    say(&sizes::table(&bare_metal()));
}
