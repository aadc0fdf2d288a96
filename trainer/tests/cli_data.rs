//! Data files as people have them, through every command that reads or writes rows.

#[allow(dead_code)]
mod common;

use common::{fails, works};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::fs;
use std::path::Path;
use trainer::data;

/// A training of a second.
const SHORT: [&str; 8] = ["--training-steps", "60", "--batch", "64", "--hidden", "16", "--samples", "200"];

fn train(dir: &Path, data: &str, more: &[&str]) -> String {
    works(dir, &[&["train", "--data", data, "--out", "run"], more, &SHORT].concat())
}

fn table(n: usize, header: &str, row: impl Fn(usize) -> String) -> String {
    format!("{header}\n{}\n", (0..n).map(row).collect::<Vec<_>>().join("\n"))
}

/// Numbers that look drawn: row i, column j.
fn cell(i: usize, j: usize) -> f32 {
    ((i * (2 * j + 3) + i * i * (j + 1)) % 97) as f32 / 20.0
}

/// What was read is said, and the names of the columns come back with the samples, the filled gaps and the rest.
#[test]
fn names_go_through_to_what_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let row = |i| format!("{i};{};{};{}", cell(i, 0), cell(i, 1), cell(i, 2)).replace('.', ",");
    fs::write(dir.join("t.csv"), table(200, ";temp;press;flow", row)).unwrap();
    let said = train(dir, "t.csv", &[]);
    for part in [
        "t.csv: 200 points of 3 columns (temp, press, flow), 40 of them held back",
        "note: cells are separated by semicolons, and commas are decimal",
        "note: the first column (``) only numbers the rows and is left out",
    ] {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
    let model = "run/model.postcard";
    let head = |file: &str| fs::read_to_string(dir.join(file)).unwrap().lines().next().unwrap().to_owned();
    works(dir, &["sample", model, "-n", "5", "--out", "s.csv"]);
    works(dir, &["sample", model, "-n", "5", "--out", "s.npy"]);
    assert_eq!(head("s.csv"), "temp,press,flow");
    let [csv, npy] = ["s.csv", "s.npy"].map(|file| data::read(&dir.join(file)).unwrap());
    assert_eq!(csv, npy);
    works(dir, &["denoise", model, "t.csv", "--sigma", "0.5", "--out", "d.csv"]);
    works(dir, &["interpolate", model, "--from", "1", "--to", "2", "--out", "i.csv"]);
    fs::write(dir.join("matrix.csv"), "1,1,1\n").unwrap();
    fs::write(dir.join("sums.csv"), "sum\n7\n8\n").unwrap();
    works(dir, &["solve", model, "sums.csv", "--matrix", "matrix.csv", "--out", "p.csv"]);
    for file in ["d.csv", "i.csv", "p.csv"] {
        assert_eq!(head(file), "temp,press,flow", "{file}");
    }
    works(dir, &["detect", model, "t.csv", "--out", "a.csv"]);
    works(dir, &["detect", model, "t.csv", "--out", "a.npy"]);
    assert_eq!(head("a.csv"), "score,anomaly");
    assert_eq!(data::read(&dir.join("a.csv")).unwrap(), data::read(&dir.join("a.npy")).unwrap());
    works(dir, &["likelihood", "run", "-n", "5", "--out", "l.csv"]);
    assert_eq!(head("l.csv"), "nats");
    // Columns of other files are taken by name.
    fs::write(
        dir.join("turned.csv"),
        table(200, "press,id,flow,temp", |i| {
            format!("{},{},{},{}", cell(i, 1), 7 * i, cell(i, 2), cell(i, 0))
        }),
    )
    .unwrap();
    let said = works(dir, &["detect", model, "turned.csv", "--out", "b.csv"]);
    assert!(said.contains("note: turned.csv: the columns are taken by name: temp, press, flow"), "{said}");
    assert_eq!(data::read(&dir.join("b.csv")).unwrap(), data::read(&dir.join("a.csv")).unwrap());
    let likelihood = |data: &'static str| {
        let out = format!("{data}.npy");
        works(dir, &["likelihood", "run", "--data", data, "-n", "9", "--out", &out]);
        fs::read(dir.join(out)).unwrap()
    };
    assert_eq!(likelihood("t.csv"), likelihood("turned.csv"));
    for command in [
        &["sample", model][..],
        &["denoise", model, "t.csv"],
        &["impute", model, "t.csv", "--unknown", "press"],
        &["solve", model, "sums.csv", "--matrix", "matrix.csv"],
        &["detect", model, "t.csv"],
        &["interpolate", model, "--from", "1", "--to", "2"],
        &["likelihood", "run"],
    ] {
        let out = |file| [command, &["--out", file]].concat();
        fails(dir, &out("x.txt"), 2, &["x.txt", "must be a .csv or .npy file"]);
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", dir.join("link.npy")).unwrap();
        fails(dir, &["sample", model, "--out", "link.npy"], 1, &["link.npy exists"]);
        assert!(dir.join("link.npy").symlink_metadata().unwrap().is_symlink());
    }
}

/// Columns by name or number, of which the cells are not read; or each row's own gaps.
#[test]
fn gaps_are_filled_in_as_loggers_write_them() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let row = |i| format!("{},{},{}", cell(i, 0), cell(i, 1), cell(i, 2));
    fs::write(dir.join("t.csv"), table(200, "temp,press,flow", row)).unwrap();
    train(dir, "t.csv", &[]);
    let impute = |data: &str, more: &[&str]| {
        let _ = fs::remove_file(dir.join("f.csv"));
        let said = works(
            dir,
            &[&["impute", "run/model.postcard", data, "--out", "f.csv", "--times", "1"], more].concat(),
        );
        (said, data::read_table(&dir.join("f.csv")).unwrap())
    };
    let mut filled = Vec::new();
    for gap in ["", "NaN", "NA", "broken", "123"] {
        let row = |i| format!("{},{gap},{}", cell(i, 0), cell(i, 2));
        fs::write(dir.join("gaps.csv"), table(20, "temp,press,flow", row)).unwrap();
        for unknown in ["press", "1", "1,press,1"] {
            let (said, full) = impute("gaps.csv", &["--unknown", unknown]);
            assert!(said.contains("20 rows, 1 of 3 columns filled in"), "{said}");
            assert_eq!(full.names(), ["temp", "press", "flow"]);
            filled.push(full.complete().unwrap());
        }
    }
    assert!(filled.iter().all(|full| *full == filled[0]), "what the column held does not matter");
    for i in 0..20 {
        assert_eq!([filled[0].row(i)[0], filled[0].row(i)[2]], [cell(i, 0), cell(i, 2)]);
    }
    fs::write(dir.join("own.csv"), "temp,press,flow\n1,,2\nNA,3,null\n1.5,2.5,3.5\n").unwrap();
    let (said, full) = impute("own.csv", &[]);
    assert!(said.contains("3 rows, 3 gaps in 2 of them filled in"), "{said}");
    let full = full.complete().unwrap();
    assert_eq!((full.row(0)[0], full.row(0)[2], full.row(1)[1]), (1.0, 2.0, 3.0));
    assert_eq!(full.row(2), [1.5, 2.5, 3.5]);
    impute("own.csv", &["--interval", "0.5"]);
    let [lower, upper] = ["f-lower.csv", "f-upper.csv"].map(|file| data::read(&dir.join(file)).unwrap());
    assert!(lower.row(0)[1] < upper.row(0)[1] && lower.row(2) == upper.row(2));
    let fail = |data: &str, unknown: &[&str], code, parts: &[&str]| {
        fails(
            dir,
            &[&["impute", "run/model.postcard", data, "--out", "x.csv"], unknown].concat(),
            code,
            parts,
        );
    };
    fail("t.csv", &[], 2, &["t.csv has no gaps", "--unknown"]);
    fail("t.csv", &["--unknown", "pres"], 2, &["no column `pres`", "temp, press, flow", "0…2"]);
    fail("t.csv", &["--unknown", "3"], 2, &["no column `3`", "0…2"]);
    fs::write(dir.join("far.csv"), "1,2,\n3e38,1,\n").unwrap();
    fail("far.csv", &[], 1, &["far.csv: row 2", "10⁶ standard deviations"]);
    fails(
        dir,
        &["denoise", "run/model.postcard", "own.csv", "--out", "x.csv"],
        1,
        &["2 of 3 rows have gaps", "`press`"],
    );
}

/// Binary units, too: each row's own gaps, and the names.
#[test]
fn gaps_of_binary_units_are_filled_in() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let row = |i: usize| format!("{0},{1},{0},{1}", i % 2, i / 2 % 2);
    fs::write(dir.join("bits.csv"), table(400, "a,b,c,d", row)).unwrap();
    let args = ["train", "--model", "rbm", "--data", "bits.csv", "--hidden", "4", "--training-steps", "1500"];
    let said = works(dir, &[&args[..], &["--samples", "50", "--out", "run"]].concat());
    assert!(said.contains("bits.csv: 400 points of 4 columns (a, b, c, d), 80 of them held back"), "{said}");
    // The first pair are equal, and so are the others.
    fs::write(dir.join("gaps.csv"), "d,c,b,a\n,1,0,1\n1,,1,0\n0,1,0,1\n").unwrap();
    let said = works(dir, &["impute", "run/model.postcard", "gaps.csv", "--out", "full.csv"]);
    assert!(said.contains("3 rows, 2 gaps in 2 of them filled in"), "{said}");
    assert_eq!(fs::read_to_string(dir.join("full.csv")).unwrap(), "a,b,c,d\n1,0,1,0\n0,1,0,1\n1,0,1,0\n");
    works(dir, &["sample", "run/model.postcard", "-n", "5", "--out", "s.csv"]);
    assert!(fs::read_to_string(dir.join("s.csv")).unwrap().starts_with("a,b,c,d\n"));
    fails(dir, &["sample", "run/model.postcard", "--out", "s.txt"], 2, &["must be a .csv or .npy"]);
}

/// Words, numbers from 1, and a recording whose held back end lacks a class: pictures and all.
#[test]
fn classes_are_those_of_the_data() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let row = |i: usize| format!("{},{},{}", cell(i, 0), cell(i, 1), ["dog", "cat"][i % 2]);
    fs::write(dir.join("words.csv"), table(200, "a,b,label", row)).unwrap();
    let said = train(dir, "words.csv", &["--conditional"]);
    assert!(said.contains("classes: 0 = cat, 1 = dog"), "{said}");
    works(dir, &["sample", "run/model.postcard", "--class", "1", "-n", "5", "--out", "s.csv"]);
    fails(dir, &["sample", "run/model.postcard", "--class", "2", "--out", "x.csv"], 2, &["class 2"]);
    fails(dir, &["train", "--data", "words.csv", "--without", "7"], 2, &["class 7", "0 = cat, 1 = dog"]);

    let row = |i: usize| format!("{},{}", cell(i, 0), 1 + i / 300);
    fs::write(dir.join("rec.csv"), table(600, "x,label", row)).unwrap();
    let args = ["train", "--data", "rec.csv", "--window", "8", "--stride", "4", "--out", "rec"];
    let said = works(dir, &[&args[..], &SHORT].concat());
    assert!(said.contains("classes: 0 = 1, 1 = 2"), "{said}");
    assert!(dir.join("rec/data.png").is_file() && dir.join("rec/samples.png").is_file());
}

/// A recording without labels by the preset for windows, and advice for it.
#[test]
fn recordings_are_trained_on_and_advised() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let row = |i: usize| format!("{},{},{}", i as f32 * 0.5, cell(i, 0), cell(i, 3));
    fs::write(dir.join("rec.csv"), table(600, "time,left,right", row)).unwrap();
    let said = train(dir, "rec.csv", &["--preset", "windows", "--window", "8"]);
    for part in ["2 recordings: left, right; ", " windows of 8, ", "column `time`", "no labels"] {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
    let advice = works(dir, &["advise", "rec.csv", "--window", "8", "--stride", "2"]);
    assert!(advice.contains("of 8 dimensions") && advice.contains("--window 8 --stride 2"), "{advice}");
    let row = |i: usize| format!("{},{}", 20.0 + cell(i, 0), 101_325.0 + 100.0 * cell(i, 1));
    fs::write(dir.join("weather.csv"), table(300, "temp_C,pressure_Pa", row)).unwrap();
    let args = ["train", "--data", "weather.csv", "--window", "8", "--out", "never"];
    fails(dir, &args, 2, &["temp_C 22.", "pressure_Pa 1015", "differ too much", "scale the columns alike"]);
    assert!(!dir.join("never").exists());
}

/// Windows behind components are no gaps to fill in.
#[test]
fn windows_behind_a_codec_train_to_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let said = train(dir, "ecg", &["--points", "500", "--latent", "8"]);
    assert!(!said.contains("gaps of"), "{said}");
    assert!(dir.join("run/report.md").is_file());
}

#[test]
fn a_set_has_one_name_in_any_case() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let train = |name: &str, out: &str| {
        works(dir, &[&["train", "--data", name, "--points", "300", "--out", out], &SHORT[..]].concat());
        let read = |file: &str| fs::read(dir.join(out).join(file)).unwrap();
        [read("config.toml"), read("model.postcard")]
    };
    assert_eq!(train("Mixture", "a"), train("mixture", "b"));
    assert_eq!(train("ECG", "c"), train("ecg", "d"));
}

/// From 10⁻³⁰ to the largest that a model holds, beside each other, and a clear word where that ends.
#[test]
fn columns_of_all_scales_are_drawn_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let row = |i: usize| format!("{:e},{:e},{:e}", 1e-30 * cell(i, 0), 2e-13 * cell(i, 1), 6e24 * cell(i, 2));
    fs::write(dir.join("units.csv"), table(300, "tiny,field,density", row)).unwrap();
    train(dir, "units.csv", &[]);
    let [real, drawn] =
        ["units.csv", "run/samples-int8.npy"].map(|file| data::read(&dir.join(file)).unwrap());
    let [real, drawn] = [real, drawn].map(|points| data::Standardizer::fit(&points));
    for (real, drawn) in real.scale().iter().zip(drawn.scale()) {
        assert!((drawn / real - 1.0).abs() < 0.5, "{drawn} for {real}");
    }
    let row = |i: usize| format!("{},{:e}", cell(i, 0), 1e30 * cell(i, 1));
    fs::write(dir.join("huge.csv"), table(300, "a,density", row)).unwrap();
    let parts =
        ["huge.csv: column `density` has values of 2.", "e30 ±", "at most 7.74e25", "give other units"];
    fails(dir, &["train", "--data", "huge.csv", "--out", "never"], 2, &parts);
    assert!(!dir.join("never").exists());
}

/// Against the exact law of b = .6·a + .5·c + .5·z: the draws of a missing b have its conditional mean and standard
/// deviation, and noise of unknown strength is taken out of rows of three numbers without harm, clean rows too.
#[test]
fn a_gaussian_is_filled_in_and_denoised() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    let mut normal = move || -> f32 { StandardNormal.sample(&mut rng) };
    let (mean, sd) = ([5.0, 1000.0, -2e-6], [2.0, 0.7_f32.hypot(0.6), 1e-7]);
    let mut draw = |n: usize| {
        let row = |_| {
            let (a, c, z) = (normal(), normal(), normal());
            [a, 0.6 * a + 0.5 * c + 0.5 * z, c]
        };
        (0..n).map(row).collect::<Vec<[f32; 3]>>()
    };
    // The middle column has a variance of .86 in its own units.
    let unit = [1.0, 0.86_f32.sqrt(), 1.0];
    let write = |file: &str, rows: &[[f32; 3]]| {
        let cells = |row: &[f32; 3]| {
            (0..3).map(|j| format!("{:e}", mean[j] + sd[j] * row[j] / unit[j])).collect::<Vec<_>>().join(",")
        };
        fs::write(dir.join(file), table(rows.len(), "a,b,c", |i| cells(&rows[i]))).unwrap();
    };
    let read = |file: &str| -> Vec<[f32; 3]> {
        let points = data::read(&dir.join(file)).unwrap();
        let _ = fs::remove_file(dir.join(file));
        let row = |row: &[f32]| std::array::from_fn(|j| (row[j] - mean[j]) / sd[j] * unit[j]);
        points.rows().map(row).collect()
    };
    write("g.csv", &draw(5000));
    let args =
        ["train", "--data", "g.csv", "--training-steps", "4000", "--batch", "256", "--hidden", "48,48"];
    works(dir, &[&args[..], &["--samples", "500", "--out", "run"]].concat());
    let model = "run/model.postcard";

    let rows = draw(1500);
    write("rows.csv", &rows);
    works(dir, &["impute", model, "rows.csv", "--unknown", "b", "--out", "full.csv"]);
    let full = read("full.csv");
    let residuals = full.iter().map(|[a, b, c]| f64::from((b - 0.6 * a - 0.5 * c) / 0.5));
    let n = residuals.clone().count() as f64;
    let (first, second) =
        residuals.fold((0.0, 0.0), |(first, second), r| (first + r / n, second + r * r / n));
    let spread = (second - first * first).sqrt();
    assert!(first.abs() < 0.15 && (spread - 1.0).abs() < 0.15, "{first} {spread}");

    let rmse = |a: &[[f32; 3]], b: &[[f32; 3]]| {
        let squares =
            a.iter().zip(b).flat_map(|(a, b)| (0..3).map(|j| f64::from((a[j] - b[j]) / unit[j]).powi(2)));
        (squares.sum::<f64>() / (3 * a.len()) as f64).sqrt()
    };
    for sigma in [0.0, 0.2, 0.5, 1.0] {
        let noise = draw_noise(rows.len(), sigma);
        let noisy: Vec<[f32; 3]> = rows
            .iter()
            .zip(&noise)
            .map(|(row, noise)| std::array::from_fn(|j| row[j] + unit[j] * noise[j]))
            .collect();
        write("noisy.csv", &noisy);
        let said = works(dir, &["denoise", model, "noisy.csv", "--out", "clean.csv"]);
        assert!(said.contains("estimated of all rows together"), "{said}");
        let (before, after) = (rmse(&noisy, &rows), rmse(&read("clean.csv"), &rows));
        let allowed = if sigma == 0.0 { 0.1 } else { 1.05 * before };
        assert!(after < allowed, "σ {sigma}: {before} before, {after} after; {said}");
    }
}

fn draw_noise(n: usize, sigma: f32) -> Vec<[f32; 3]> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(8);
    let mut normal = || -> f32 { StandardNormal.sample(&mut rng) };
    (0..n).map(|_| std::array::from_fn(|_| sigma * normal())).collect()
}
