//! The table of sizes, stack and instructions.

use crate::image::Image;
use crate::machines::{Case, Job, firmware, run};
use std::collections::BTreeMap;

/// Markdown, one row per target; the numbers are of the firmware example's model.
pub fn table(cases: &[&Case]) -> String {
    let head = "| core | target | reader | network, noise, stored plan | network, noise, all samplers | constants | \
                static RAM | stack to draw | instructions: Gaussian | evaluation | step | \
                of it noise | sample |\n\
                |---|---|---|---|---|---|---|---|---|---|---|---|---|";
    let rows = cases.iter().map(|case| row(case));
    std::iter::once(head.to_string()).chain(rows).collect::<Vec<_>>().join("\n")
}

fn row(case: &Case) -> String {
    let [empty, reader, stored, all] = ["empty", "reader", "stored", "all"].map(|what| {
        let job = Job { features: &["no-panic"], footprint: Some(what), ..Job::program("no_panic") };
        Image::read(&firmware(case, &job).expect("the program builds"))
    });
    let code = |image: &Image| image.size(".text");
    let blob = std::fs::metadata(crate::digests::mixture()).expect("the model").len();
    let program = firmware(case, &Job::program("bench")).expect("the program builds");
    let output = run(case, &program, b"");
    let text = String::from_utf8_lossy(&output.stdout);
    let bench: BTreeMap<&str, Vec<&str>> = text
        .lines()
        .filter_map(|line| line.strip_prefix("bench "))
        .filter_map(|line| line.split_once(' '))
        .map(|(part, numbers)| (part, numbers.split(' ').collect()))
        .collect();
    let count = |part: &str| bench[part][0].parse::<f64>().expect("a count");
    // One Gaussian for each of the model's two dimensions.
    let noise = 100.0 * 2.0 * count("gaussian") / count("step");
    let cells = [
        case.name.into(),
        case.target.into(),
        (code(&reader) - code(&empty)).to_string(),
        (code(&stored) - code(&reader)).to_string(),
        (code(&all) - code(&reader)).to_string(),
        (all.size(".rodata") - blob).to_string(),
        (all.size(".data") + all.size(".bss")).to_string(),
        bench["all"][2].into(),
        bench["gaussian"][0].into(),
        bench["evaluation"][0].into(),
        bench["step"][0].into(),
        format!("{noise:.1} %"),
        bench["sample"][0].into(),
    ];
    format!("| {} |", cells.join(" | "))
}
