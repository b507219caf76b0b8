//! Writes docs/features.md to standard output: `cargo run -p schema --example features > docs/features.md`.

use schema::{FEATURES, FeatureGroup, FeatureSchemaId};
use std::fmt::Write as _;
use std::io::Write as _;

const INTRODUCTION: &str = "# Features

Every number that a model may see, in wire order. Generated from `schema::FEATURES`, with

    cargo run -p schema --example features > docs/features.md

A test fails when this page is not up to date. An absent value is NaN, never 0. Addresses, ports, TTL, absolute time and
identifiers are never features. *Initiator* is who sent the first packet, *responder* the other end; `fwd` is from the
initiator, `bwd` from the responder. A model bundle names the columns that it uses.

The last column names the CICFlowMeter column with the same meaning, and the factor from its unit to ours.
";

/// The whole page.
fn page() -> Result<String, std::fmt::Error> {
    let id = FeatureSchemaId::current().0;
    let mut page = format!("{INTRODUCTION}\nTable `{id:016x}`, {} features.\n", FEATURES.len());
    for (group, title) in [
        (FeatureGroup::Flow, "The flow itself"),
        (FeatureGroup::Context, "Context: what both ends did around the flow's start, as one sensor saw it"),
    ] {
        write!(page, "\n## {title}\n\n| name | unit | meaning | CICFlowMeter |\n|---|---|---|---|\n")?;
        for feature in FEATURES.iter().filter(|feature| feature.group == group) {
            let cic = match feature.cic {
                None => String::new(),
                Some((column, 1.0)) => column.to_owned(),
                Some((column, factor)) => format!("{column} × {factor:e}"),
            };
            writeln!(page, "| `{}` | {} | {} | {cic} |", feature.name, feature.unit, feature.meaning)?;
        }
    }
    Ok(page)
}

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(page().map_err(std::io::Error::other)?.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_up_to_date() {
        let written = include_str!("../../../docs/features.md");
        assert!(
            Ok(written) == page().as_deref(),
            "docs/features.md is old: cargo run -p schema --example features > docs/features.md"
        );
    }
}
