//! `flowcatcher train`: labelled captures in, model bundles with their honest scores out.

use crate::cli::{Cli, Train};
use crate::exit::{BadInput, Done};
use crate::{output, setup};
use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};
use trainer::{Recipe, RowSource, ToolTest, TrainError, TrainOptions};

pub(super) fn run(cli: &Cli, train: &Train) -> anyhow::Result<Done> {
    let loaded = setup::load(cli, Vec::new())?;
    setup::start_quiet_log(&loaded)?;
    // What was fitted is loaded before it is written, by the same code that will judge with it.
    predictor::start_runtime(&loaded.settings)?;
    let options = TrainOptions {
        rows: rows(train)?,
        models: train.output.clone(),
        created_ns: i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos())?,
        recipe: Recipe::default(),
        tools: if train.leave_tools_out { ToolTest::Run } else { ToolTest::Skip },
    };
    let report = trainer::train(&options).map_err(|error| match error {
        TrainError::Input { .. } | TrainError::TooFew(_) => BadInput(error.to_string()).into(),
        _ => anyhow::Error::new(error),
    })?;
    let mut out = output::open(None)?;
    writeln!(out, "{}", report.evaluation)?;
    for bundle in &report.bundles {
        writeln!(
            out,
            "{}: {} columns, {} bytes",
            bundle.folder.display(),
            bundle.columns,
            bundle.onnx_bytes
        )?;
    }
    out.flush()?;
    Ok(Done::Complete)
}

fn rows(train: &Train) -> anyhow::Result<RowSource> {
    match (&train.captures, &train.labels, &train.tables) {
        (Some(folder), Some(labels), None) => {
            Ok(RowSource::Captures { folder: folder.clone(), labels: labels.clone() })
        }
        (None, _, Some(tables)) => Ok(RowSource::Tables(tables.clone())),
        _ => Err(BadInput("give a folder of captures with --labels, or --tables".to_owned()).into()),
    }
}
