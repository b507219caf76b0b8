//! `flowcatcher analyze`: captures through the whole path, and a report of what was found.

use crate::cli::{Analyze, Cli, ReportFormat};
use crate::exit::Done;
use crate::pipeline::{self, Pipeline};
use crate::report::{CollectPredictions, CollectThreats, Findings, write_json, write_text};
use crate::{input, output, setup, stored};
use bus::NoOutput;
use detect::Bundles;
use flow_meter::Metered;
use service::Settings;
use sink::WhenFull;
use std::io::Write as _;

pub(super) fn run(cli: &Cli, analyze: &Analyze) -> anyhow::Result<Done> {
    let threshold = analyze.scan_threshold.map(|n| ("detect.scan_threshold".to_owned(), n.to_string()));
    let loaded = setup::load(cli, threshold.into_iter().collect())?;
    setup::start_quiet_log(&loaded)?;
    let settings = &loaded.settings;
    setup::protocol_names(settings)?;
    let bundles = predictor::load_bundles(settings, Bundles::embedded()?)?;
    let findings = Findings::default();
    let mut pipeline = Pipeline::new(settings);
    collect(&mut pipeline, &findings, analyze)?;
    if analyze.store {
        stored::attach(&mut pipeline, settings, WhenFull::Fail)?;
    }
    pipeline.judge(settings, &bundles)?;
    let read = read(&pipeline, settings, analyze);
    if read.is_err() {
        pipeline.stop.request();
    }
    // A stage that failed is the reason why reading failed, and tells more.
    pipeline.join()?;
    let outcome = read?;
    let done = outcome.done()?;
    let mut out = output::open(None)?;
    let found = findings.lock();
    match analyze.format {
        ReportFormat::Text => write_text(&mut *out, &outcome, &found)?,
        ReportFormat::Json => write_json(&mut *out, &outcome, &found)?,
        ReportFormat::Ndjson => {
            for threat in found.threats() {
                writeln!(out, "{}", schema::document::threat_json(&threat))?;
            }
        }
    }
    out.flush()?;
    Ok(done)
}

fn collect(pipeline: &mut Pipeline, findings: &Findings, analyze: &Analyze) -> anyhow::Result<()> {
    let lines = match analyze.format {
        ReportFormat::Ndjson => Some(output::open(None)?),
        ReportFormat::Text | ReportFormat::Json => None,
    };
    let (predictions, threats) =
        (pipeline.predictions.consumer("report"), pipeline.threats.consumer("report"));
    pipeline.spawn(CollectPredictions::new(findings.clone(), lines), predictions, NoOutput)?;
    pipeline.spawn(CollectThreats::new(findings.clone()), threats, NoOutput)
}

fn read(pipeline: &Pipeline, settings: &Settings, analyze: &Analyze) -> anyhow::Result<input::Outcome> {
    let mut producer = pipeline.flows.producer();
    input::each_capture(&analyze.files, |capture, bar| {
        let deliver = |metered: &mut Metered| {
            metered.hosts.clear();
            pipeline::send_all(&mut producer, &mut metered.flows, &pipeline.stop)
        };
        input::meter(settings, capture, bar, deliver).map(Some)
    })
}
