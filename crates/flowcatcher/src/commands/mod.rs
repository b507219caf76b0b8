//! One file a command.

mod analyze;
mod cic;
mod config;
mod flows;
mod packets;
mod train;
mod up;

use crate::cli::{Cli, Command};
use crate::exit::Done;

/// Runs the command of the command line.
pub(crate) fn run(cli: Cli) -> anyhow::Result<Done> {
    match &cli.command {
        Command::Up(up) => up::run(&cli, up),
        Command::Analyze(analyze) => analyze::run(&cli, analyze),
        Command::Flows(flows) => flows::run(&cli, flows),
        Command::Packets(packets) => packets::run(&cli, packets),
        Command::Train(train) => train::run(&cli, train),
        Command::Config(config) => config::run(&cli, config),
    }
}
