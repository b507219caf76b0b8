//! The counters of every hop under their Prometheus names.

use crate::pipeline::Pipeline;
use crate::stored::Stored;
use schema::category::{CATEGORIES, TRAFFIC_CLASSES};
use service::{Metrics, ServiceError};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Registers what the pipeline and the store count. Each is read at the scrape.
pub(crate) fn register(metrics: &Metrics, pipeline: &Pipeline, stored: &Stored) -> Result<(), ServiceError> {
    hops(metrics, pipeline)?;
    depths(metrics, pipeline)?;
    verdicts(metrics, pipeline)?;
    threats(metrics, pipeline)?;
    sinks(metrics, stored)
}

/// One received and one forwarded counter a hop, so that a gap shows the guilty hop.
fn hops(metrics: &Metrics, pipeline: &Pipeline) -> Result<(), ServiceError> {
    for (stage, counters) in &pipeline.hops {
        for (at, (what, _)) in counters.values().into_iter().enumerate() {
            let counters = Arc::clone(counters);
            metrics.counter_of(
                &format!("flowcatcher_stage_{what}_messages_total"),
                &format!("Messages {what} by a stage."),
                &[("stage", stage)],
                move || counters.values()[at].1,
            )?;
        }
    }
    let letters = pipeline.dead_letters.clone();
    metrics.counter_of(
        "flowcatcher_dead_letters_total",
        "Messages that no stage could use.",
        &[],
        move || letters.buried(),
    )
}

fn depths(metrics: &Metrics, pipeline: &Pipeline) -> Result<(), ServiceError> {
    let name = "flowcatcher_bus_waiting_messages";
    let help = "Messages sent and not yet committed by every group.";
    let (flows, predictions, threats) =
        (pipeline.flows.clone(), pipeline.predictions.clone(), pipeline.threats.clone());
    metrics.gauge_of(name, help, &[("topic", "flows")], move || flows.depth() as f64)?;
    metrics.gauge_of(name, help, &[("topic", "predictions")], move || predictions.depth() as f64)?;
    metrics.gauge_of(name, help, &[("topic", "threats")], move || threats.depth() as f64)
}

fn verdicts(metrics: &Metrics, pipeline: &Pipeline) -> Result<(), ServiceError> {
    let Some(judged) = &pipeline.judged else { return Ok(()) };
    for class in TRAFFIC_CLASSES {
        let judged = Arc::clone(judged);
        metrics.counter_of(
            "flowcatcher_predictions_total",
            "Predictions by traffic class.",
            &[("class", class.name())],
            move || judged.traffic[class as usize].load(Ordering::Relaxed),
        )?;
    }
    for category in CATEGORIES {
        let judged = Arc::clone(judged);
        metrics.counter_of(
            "flowcatcher_threat_predictions_total",
            "Predictions by threat category.",
            &[("category", category.name())],
            move || judged.threat[category as usize].load(Ordering::Relaxed),
        )?;
    }
    let judged = Arc::clone(judged);
    metrics.counter_of("flowcatcher_judge_busy_milliseconds_total", "Time spent judging.", &[], move || {
        judged.busy_ns.load(Ordering::Relaxed) / 1_000_000
    })
}

fn threats(metrics: &Metrics, pipeline: &Pipeline) -> Result<(), ServiceError> {
    let Some(correlated) = &pipeline.correlated else { return Ok(()) };
    let open = Arc::clone(correlated);
    metrics.gauge_of(
        "flowcatcher_threat_runs_open",
        "Runs of evidence that may still grow.",
        &[],
        move || open.open_runs.load(Ordering::Relaxed) as f64,
    )?;
    let evicted = Arc::clone(correlated);
    metrics.counter_of(
        "flowcatcher_threat_runs_evicted_total",
        "Runs forgotten because too many were open.",
        &[],
        move || evicted.runs_evicted.load(Ordering::Relaxed),
    )
}

fn sinks(metrics: &Metrics, stored: &Stored) -> Result<(), ServiceError> {
    for (sink, counters) in &stored.sinks {
        for (at, (result, _)) in counters.values().into_iter().enumerate() {
            let counters = Arc::clone(counters);
            metrics.counter_of(
                "flowcatcher_sink_documents_total",
                "Documents by what the store said of them.",
                &[("sink", sink), ("result", result)],
                move || counters.values()[at].1,
            )?;
        }
    }
    Ok(())
}
