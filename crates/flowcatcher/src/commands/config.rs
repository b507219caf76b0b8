//! `flowcatcher config`: every setting, its value, and where that was set.

use crate::cli::{Cli, Config, ConfigCommand};
use crate::exit::Done;
use crate::{output, setup};
use std::io::Write as _;

pub(super) fn run(cli: &Cli, config: &Config) -> anyhow::Result<Done> {
    let loaded = setup::load(cli, Vec::new())?;
    setup::protocol_names(&loaded.settings)?;
    let mut out = output::open(None)?;
    for warning in &loaded.warnings {
        eprintln!("flowcatcher: warning: {warning}");
    }
    match config.what.unwrap_or(ConfigCommand::Print) {
        ConfigCommand::Check => writeln!(out, "The settings are right.")?,
        ConfigCommand::Print => {
            for shown in loaded.listing() {
                let value = if shown.value.is_empty() { "(empty)" } else { &shown.value };
                let origin = shown.origin.as_deref().unwrap_or("default");
                writeln!(out, "{:<32} {:<40} {origin}", shown.key.name, value)?;
            }
        }
    }
    out.flush()?;
    Ok(Done::Complete)
}
