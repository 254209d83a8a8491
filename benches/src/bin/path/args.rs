//! The command line.
use crate::part::Part;
use clap::{Parser, ValueEnum};
use std::{num::NonZeroU32, path::PathBuf};

const ABOUT: &str = "\
Runs whole paths of the worker in release, and their bare parts, on the workload `orders`.

For each path the program `rocketmq-connect run` is started with configuration files written for
it, and rows are counted where they arrive: messages of the topic by its offsets, rows of the table
by COUNT(*). Rows a second are those of the whole time from the start of the program to the last
row; CPU time and peak memory are those of the program alone.

A name stands for every path or part that begins with it. Without names all are run; --list shows
them. The servers are those of `scripts/services`.";

/// Arguments.
#[derive(Debug, Parser)]
#[command(name = "path", about = "Runs whole paths and their bare parts", long_about = ABOUT)]
pub(crate) struct Args {
    /// Names of paths and parts, or how they begin
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<String>,
    /// Rows of each run
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(i64).range(1..=100_000_000))]
    pub(crate) rows: i64,
    /// Runs of each; the fastest is printed
    #[arg(long, default_value = "1", value_name = "N")]
    pub(crate) repeat: NonZeroU32,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
    /// The worker; `rocketmq-connect` beside this program where it is left out
    #[arg(long, value_name = "FILE")]
    pub(crate) worker: Option<PathBuf>,
    /// One more setting of the source connectors
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    pub(crate) source: Vec<(String, String)>,
    /// One more setting of the sink connectors
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    pub(crate) sink: Vec<(String, String)>,
    /// A program and arguments to run the worker under, e.g. `perf record -o FILE --`
    #[arg(long, value_name = "COMMAND")]
    pub(crate) under: Option<String>,
    /// Show names and end
    #[arg(long)]
    pub(crate) list: bool,
    /// Measure a part in this very process
    #[arg(long, hide = true)]
    pub(crate) part: Option<Part>,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// A table
    Text,
    /// One JSON document
    Json,
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}
