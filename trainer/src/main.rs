//! The command line: train, quantize, sample, eval, verify, plot, likelihood, interpolate, inspect, list,
//! devices, digest.

/// As the standard library's, but for [`trainer::output`].
macro_rules! println {
    () => { trainer::stdio::write(format_args!("\n")) };
    ($($text:tt)*) => { trainer::stdio::write(format_args!("{}\n", format_args!($($text)*))) };
}

/// As the standard library's, but for [`trainer::output`].
macro_rules! print {
    ($($text:tt)*) => { trainer::stdio::write(format_args!($($text)*)) };
}

mod cli;

use clap::{CommandFactory, FromArgMatches};
use std::process::ExitCode;
use trainer::config::UsageError;
use trainer::stdio;

fn main() -> ExitCode {
    // `--seed -1` is a wrong number, not an unknown option.
    let command = cli::Cli::command().mut_subcommands(|command| command.allow_negative_numbers(true));
    let matches = command.get_matches();
    let arguments = cli::Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let result = cli::run(arguments, &matches);
    match (result, stdio::failure()) {
        (Ok(()), None) => ExitCode::SUCCESS,
        (Ok(()), Some(failure)) => {
            stdio::error(format_args!("error: {failure}"));
            ExitCode::FAILURE
        }
        (Err(error), _) => {
            stdio::error(format_args!("error: {error:#}"));
            let usage = error.downcast_ref::<UsageError>().is_some();
            ExitCode::from(if usage { 2 } else { 1 })
        }
    }
}
