//! The command line: train, quantize, sample, eval, verify, plot, likelihood, interpolate, inspect, list,
//! devices, digest.

mod cli;

use clap::{CommandFactory, FromArgMatches};
use std::process::ExitCode;
use trainer::config::UsageError;

fn main() -> ExitCode {
    let matches = cli::Cli::command().get_matches();
    let arguments = cli::Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match cli::run(arguments, &matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            let usage = error.downcast_ref::<UsageError>().is_some();
            ExitCode::from(if usage { 2 } else { 1 })
        }
    }
}
