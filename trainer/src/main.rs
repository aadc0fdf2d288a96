//! The command line: train, quantize, sample, eval, verify, plot, likelihood, interpolate, inspect, list,
//! devices, digest.

mod cli;

use clap::Parser;
use std::process::ExitCode;
use trainer::config::UsageError;

fn main() -> ExitCode {
    let arguments = cli::Cli::parse();
    match cli::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            let usage = error.downcast_ref::<UsageError>().is_some();
            ExitCode::from(if usage { 2 } else { 1 })
        }
    }
}
