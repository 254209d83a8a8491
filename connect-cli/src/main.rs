//! The program `rocketmq-connect`: runs connectors between databases and Apache RocketMQ.
#[cfg(feature = "admin")]
mod admin;
mod args;
mod check;
mod compose;
mod ddl;
mod exit;
mod keys;
mod notify;
mod output;
mod quickstart;
mod run;

use args::{Args, Command};
use clap::Parser as _;
use exit::Exit;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    output::start_log(args.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("error: cannot start: {e}");
            return Exit::Failed.into();
        }
    };
    let ended = runtime.block_on(async {
        match args.command {
            Command::Quickstart(args) => quickstart::quickstart(args).await,
            Command::Run(args) => run::run(args).await,
            Command::Check(args) => check::check(args).await,
            Command::Ddl(args) => ddl::ddl(args).await,
            Command::Keys(args) => keys::keys(&args),
            #[cfg(feature = "admin")]
            Command::Brokers(args) => admin::administer(admin::Command::Brokers(args)).await,
            #[cfg(feature = "admin")]
            Command::Topics(args) => admin::administer(admin::Command::Topics(args)).await,
            #[cfg(feature = "admin")]
            Command::Groups(args) => admin::administer(admin::Command::Groups(args)).await,
            #[cfg(feature = "admin")]
            Command::Messages(args) => admin::administer(admin::Command::Messages(args)).await,
            #[cfg(feature = "admin")]
            Command::Acl(args) => admin::administer(admin::Command::Acl(args)).await,
        }
    });
    // Blocking work that hangs, a name look-up say, must not hold the program up.
    runtime.shutdown_background();
    let exit = ended.unwrap_or_else(|error| {
        eprintln!("error: {}", error.report());
        error.kind().into()
    });
    exit.into()
}
