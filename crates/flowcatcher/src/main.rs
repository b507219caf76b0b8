//! The all-in-one binary: `up`, `analyze`, `flows`, `packets`, `train`, `config`.

mod cli;
mod commands;
mod exit;
mod input;
mod metrics;
mod output;
mod pipeline;
mod progress;
mod report;
mod setup;
mod stored;

use clap::Parser as _;
use std::process::ExitCode;

/// Records are made on one thread and freed on another: this allocator does that in less time than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(cli) {
        Ok(done) => done.code(),
        Err(failure) => exit::failed(&failure),
    }
}
