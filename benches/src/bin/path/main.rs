//! Runs whole paths of the worker, and their bare parts, and prints what they do.
//!
//! `scripts/bench` builds this and the worker in release, starts the servers, and calls it.
mod args;
mod case;
mod follow;
mod outcome;
mod part;
mod path;
mod progress;
mod report;
mod servers;
mod worker;

use args::{Args, Output};
use case::Case;
use clap::Parser as _;
use connect_api::{Error, ErrorKind, Result};
use outcome::Outcome;
use path::Paths;
use report::Report;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    let built = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let ended = built
        .map_err(|e| Error::new(ErrorKind::Internal, "cannot start").with_source(e))
        .and_then(|runtime| runtime.block_on(run(args)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error.report());
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<()> {
    if args.list {
        for case in case::ALL {
            println!("{:32} {}", case.name, case.about);
        }
        return Ok(());
    }
    if let Some(part) = args.part {
        for outcome in part.measure(args.rows).await? {
            println!("{}", outcome::to_json(&outcome)?);
        }
        return Ok(());
    }
    let cases = case::chosen(&args.paths)?;
    let mut paths = Paths::new(&args)?;
    let measured = measure(&args, &cases, &mut paths).await;
    let cleaned = paths.clean().await;
    let report = Report::new(&args, measured?);
    match args.output {
        Output::Json => println!("{}", outcome::to_pretty_json(&report)?),
        Output::Text => println!("{report}"),
    }
    cleaned
}

/// Every case as often as asked; of each figure's runs the fastest.
async fn measure(args: &Args, cases: &[&Case], paths: &mut Paths) -> Result<Vec<Outcome>> {
    let mut best: Vec<Outcome> = Vec::new();
    for case in cases {
        for run in 1..=args.repeat.get() {
            let outcomes = match case.kind {
                case::Kind::Path(kind) => vec![paths.run(case.name, kind).await?],
                case::Kind::Part(part) => part::in_a_child(part, args.rows)?,
                case::Kind::Follow => vec![paths.follow(case.name).await?],
            };
            for outcome in outcomes {
                eprintln!("{outcome} (run {run} of {})", args.repeat);
                match best.iter_mut().find(|known| known.name == outcome.name) {
                    Some(known) if outcome.rows_per_s() > known.rows_per_s() => *known = outcome,
                    Some(_) => {}
                    None => best.push(outcome),
                }
            }
        }
    }
    Ok(best)
}
