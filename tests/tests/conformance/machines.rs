//! Building the firmware example's programs for a target, and running them.

use crate::image::{Image, Object};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What is not installed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// A target of the compiler.
    Target(&'static str),
    /// A program.
    Tool(String),
}

/// The commands that install it.
pub fn installation(missing: &BTreeSet<Missing>) -> String {
    let targets: Vec<&str> = missing
        .iter()
        .filter_map(|what| if let Missing::Target(name) = what { Some(*name) } else { None })
        .collect();
    let packages: BTreeSet<&str> = missing
        .iter()
        .filter_map(|what| match what {
            Missing::Target(_) => None,
            Missing::Tool(tool) => Some(match tool.as_str() {
                "qemu-system-arm" => "qemu-system-arm",
                "qemu-system-riscv32" => "qemu-system-misc",
                "qemu-aarch64" | "qemu-s390x" => "qemu-user",
                "node" => "nodejs",
                "i686-linux-gnu-gcc" => "gcc-i686-linux-gnu libc6-dev-i386-cross",
                "aarch64-linux-gnu-gcc" => "gcc-aarch64-linux-gnu",
                "s390x-linux-gnu-gcc" => "gcc-s390x-linux-gnu",
                other => other,
            }),
        })
        .collect();
    let line = |command: &str, words: Vec<&str>| {
        if words.is_empty() { String::new() } else { format!("  {command} {}\n", words.join(" ")) }
    };
    line("rustup target add", targets) + &line("apt-get install", packages.into_iter().collect())
}

/// How a program is started.
pub enum Run {
    /// By itself.
    Native,
    /// By this program.
    With(&'static [&'static str]),
    /// By the command of its board.
    Board,
    /// By that command on another machine that has the same memory map.
    Machine(&'static str),
}

/// One way to build and run.
pub struct Case {
    pub name: &'static str,
    pub target: &'static str,
    pub release: bool,
    pub flags: &'static str,
    pub feature: Option<&'static str>,
    pub run: Run,
    /// Draw the full number of samples.
    pub full: bool,
}

const DESKTOP: Case = Case {
    name: "x86-64 debug",
    target: "x86_64-unknown-linux-gnu",
    release: false,
    flags: "",
    feature: None,
    run: Run::Native,
    full: true,
};

const STATIC: &str = "-Ctarget-feature=+crt-static";

const WASM: Case = Case {
    name: "wasm32 in node",
    target: "wasm32-unknown-unknown",
    release: true,
    run: Run::With(&["node", "run.mjs"]),
    ..DESKTOP
};

/// An emulated board that the target chooses.
pub const fn board(name: &'static str, target: &'static str) -> Case {
    Case { name, target, release: true, run: Run::Board, full: false, ..DESKTOP }
}

/// The machine that the firmware example runs on by default.
pub const EMULATED_M4F: Case = board("Cortex-M4F", "thumbv7em-none-eabihf");

/// All cases.
pub const CASES: &[Case] = &[
    DESKTOP,
    Case { name: "x86-64 release", release: true, ..DESKTOP },
    Case { name: "x86-64 native", release: true, flags: "-Ctarget-cpu=native", ..DESKTOP },
    Case { name: "i686", target: "i686-unknown-linux-gnu", release: true, flags: STATIC, ..DESKTOP },
    Case {
        name: "aarch64",
        target: "aarch64-unknown-linux-gnu",
        release: true,
        flags: STATIC,
        run: Run::With(&["qemu-aarch64"]),
        ..DESKTOP
    },
    Case {
        name: "s390x, big-endian",
        target: "s390x-unknown-linux-gnu",
        release: true,
        flags: STATIC,
        run: Run::With(&["qemu-s390x"]),
        full: false,
        ..DESKTOP
    },
    WASM,
    Case { name: "wasm32 simd128 in node", flags: "-Ctarget-feature=+simd128", ..WASM },
    board("Cortex-M0", "thumbv6m-none-eabi"),
    board("Cortex-M3", "thumbv7m-none-eabi"),
    board("Cortex-M4 without FPU", "thumbv7em-none-eabi"),
    EMULATED_M4F,
    Case { run: Run::Machine("mps2-an500"), ..board("Cortex-M7", "thumbv7em-none-eabihf") },
    board("Cortex-M33 without FPU", "thumbv8m.main-none-eabi"),
    board("Cortex-M33", "thumbv8m.main-none-eabihf"),
    Case { feature: Some("dsp"), ..board("Cortex-M33 with DSP", "thumbv8m.main-none-eabihf") },
    Case { feature: Some("mve,board-qemu-mps3-an547"), ..board("Cortex-M55", "thumbv8m.main-none-eabihf") },
    board("RISC-V rv32imc", "riscv32imc-unknown-none-elf"),
    board("RISC-V rv32imac", "riscv32imac-unknown-none-elf"),
];

impl Case {
    /// Whether it runs without an operating system.
    pub fn bare_metal(&self) -> bool {
        matches!(self.run, Run::Board | Run::Machine(_))
    }

    /// What is not installed here.
    pub fn missing(&self) -> Vec<Missing> {
        let mut tools = vec![];
        match self.run {
            Run::Native => {}
            Run::With(command) => tools.push(command[0].to_string()),
            Run::Board | Run::Machine(_) if self.target.starts_with("riscv") => {
                tools.push("qemu-system-riscv32".into());
            }
            Run::Board | Run::Machine(_) => tools.push("qemu-system-arm".into()),
        }
        tools.extend(self.linker());
        let target = (!installed(self.target)).then_some(Missing::Target(self.target));
        target.into_iter().chain(tools.into_iter().filter(|tool| !runs(tool)).map(Missing::Tool)).collect()
    }

    /// The C compiler that links for another Linux.
    fn linker(&self) -> Option<String> {
        let (arch, _) = self.target.split_once("-unknown-linux-gnu")?;
        (arch != "x86_64").then(|| format!("{arch}-linux-gnu-gcc"))
    }
}

fn installed(target: &str) -> bool {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

fn runs(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// What to build.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    pub program: &'a str,
    /// The blob, if not the firmware example's own.
    pub model: Option<&'a Path>,
    pub samples: u64,
    pub features: &'a [&'a str],
    /// What the program `no_panic` does.
    pub footprint: Option<&'a str>,
    /// Where the program `count` finds its model.
    pub memory: Option<&'a str>,
}

impl<'a> Job<'a> {
    /// This program, with nothing special.
    pub fn program(program: &'a str) -> Self {
        Self {
            program,
            model: None,
            samples: crate::digests::FEW,
            features: &[],
            footprint: None,
            memory: None,
        }
    }
}

/// The firmware example's folder.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware-example")
}

/// A cargo that does not inherit what the one above this test was told.
fn cargo(folder: &Path, target: &str) -> Command {
    let mut cargo = Command::new("cargo");
    for variable in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET", "CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"] {
        cargo.env_remove(variable);
    }
    for variable in ["MODEL", "DIGEST_SAMPLES", "FOOTPRINT", "MODEL_AT"] {
        cargo.env_remove(variable);
    }
    cargo.current_dir(folder).args(["--quiet", "--locked"]).env("CARGO_TERM_COLOR", "never");
    cargo.args(["--config", &format!("build.target={target:?}")]);
    cargo
}

/// One build at a time: they share a folder.
static BUILDING: Mutex<u32> = Mutex::new(0);

/// Builds a program of the firmware example; the path of a copy that stays, or what the compiler says.
pub fn firmware(case: &Case, job: &Job) -> Result<PathBuf, String> {
    let mut count = BUILDING.lock().unwrap_or_else(|e| e.into_inner());
    let folder = folder();
    let mut build = cargo(&folder, case.target);
    build.args(["build", "--target-dir", "target", "--bin", job.program]);
    if case.release {
        build.arg("--release");
    }
    let features: Vec<&str> = job.features.iter().copied().chain(case.feature).collect();
    build.arg(format!("--features={}", features.join(",")));
    if !case.flags.is_empty() {
        build.env("RUSTFLAGS", case.flags);
    }
    if let Some(linker) = case.linker() {
        let name = case.target.to_uppercase().replace(['-', '.'], "_");
        build.env(format!("CARGO_TARGET_{name}_LINKER"), linker);
    }
    build.env("DIGEST_SAMPLES", job.samples.to_string());
    build.envs(job.model.map(|path| ("MODEL", path))).envs(job.footprint.map(|what| ("FOOTPRINT", what)));
    build.envs(job.memory.map(|address| ("MODEL_AT", address)));
    let output = build.output().map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let profile = if case.release { "release" } else { "debug" };
    let extension = if case.target.starts_with("wasm") { ".wasm" } else { "" };
    let built =
        folder.join("target").join(case.target).join(profile).join(format!("{}{extension}", job.program));
    *count += 1;
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{}", job.program, *count));
    std::fs::copy(&built, &copy).map_err(|e| format!("{}: {e}", built.display()))?;
    Ok(copy)
}

/// The core alone, as one object file.
pub fn core_object(target: &str) -> Object {
    let _building = BUILDING.lock();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("core-{target}.o"));
    let mut build = cargo(&root, target);
    build.args(["rustc", "--release", "--package", "tinyscore", "--target-dir"]);
    build.arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("core"));
    build
        .args(["--", "-Ccodegen-units=1", "-Copt-level=0"]) // without inlining
        .arg(format!("--emit=obj={}", out.display()));
    let output = build.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Object::read(&out)
}

/// Runs a program with this input.
pub fn run(case: &Case, program: &Path, input: &[u8]) -> Output {
    run_with(case, program, input, &[])
}

/// Runs a program with this input and more words of its command.
pub fn run_with(case: &Case, program: &Path, input: &[u8], more: &[&str]) -> Output {
    let mut words: Vec<String> = match case.run {
        Run::Native => vec![],
        Run::With(command) => command.iter().map(ToString::to_string).collect(),
        Run::Board | Run::Machine(_) => Image::read(program).command(),
    };
    if let Run::Machine(machine) = case.run {
        let at = words.iter().position(|word| word == "-M").expect("a machine");
        words[at + 1] = machine.into();
    }
    words.push(program.to_str().expect("a plain path").into());
    words.extend(more.iter().map(ToString::to_string));
    let file = |extension| program.with_extension(extension);
    std::fs::write(file("in"), input).expect("written");
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).current_dir(folder());
    command.stdin(Stdio::from(File::open(file("in")).expect("the input")));
    command.stdout(Stdio::from(File::create(file("out")).expect("a file")));
    command.stderr(Stdio::from(File::create(file("err")).expect("a file")));
    let status = wait(command);
    let read = |extension| std::fs::read(file(extension)).expect("the output");
    Output { status, stdout: read("out"), stderr: read("err") }
}

/// Waits for the end, but not for ever.
fn wait(mut command: Command) -> ExitStatus {
    let mut child = command.spawn().expect("it starts");
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(300) {
        if let Some(status) = child.try_wait().expect("a status") {
            return status;
        }
        sleep(Duration::from_millis(20));
    }
    child.kill().expect("it can be stopped");
    child.wait().expect("a status")
}

/// The output of nothing.
pub fn nothing() -> Output {
    Output { status: ExitStatus::default(), stdout: vec![], stderr: vec![] }
}
