//! What dialects reach of their drivers: `scripts/bench dialects`, `scripts/bench memory`.
mod args;
mod busy;
mod memory;
mod ratios;
mod report;

use args::{Args, Command};
use benches::{Brand, Database};
use clap::Parser as _;
use connect_api::{Error, ErrorKind, Result};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ratios: {}", error.report());
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<()> {
    let no_directory = |e| {
        let text = "cannot make a directory for SQLite";
        Error::new(ErrorKind::Internal, text).with_source(e)
    };
    let files = tempfile::tempdir().map_err(no_directory)?;
    match &args.command {
        Command::Dialects { databases, options } => {
            println!("{}", busy::machine()?);
            let mut outcome = Ok(());
            for brand in chosen(databases) {
                let measured = async {
                    let database = Database::open(brand, files.path())?;
                    ratios::print(&database, options).await
                };
                if let Err(error) = measured.await {
                    // The others are measured all the same.
                    println!("\n{}: {}\n", brand.title(), error.report());
                    outcome = Err(error.context(brand.name()));
                }
            }
            outcome
        }
        Command::Memory { databases, options } => {
            println!("{}", busy::machine()?);
            memory::print(&chosen(databases), options)
        }
        Command::MemoryOf(one) => {
            for brand in one.database.brands() {
                let database = Database::open(*brand, files.path())?;
                let peak = memory::measure(&database, one.rows, one.bytes).await?;
                println!("{peak}");
            }
            Ok(())
        }
    }
}

fn chosen(databases: &[args::Name]) -> Vec<Brand> {
    match databases {
        [] => Brand::ALL.to_vec(),
        some => some
            .iter()
            .flat_map(|name| name.brands())
            .copied()
            .collect(),
    }
}
