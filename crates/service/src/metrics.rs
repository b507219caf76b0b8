//! The counters of a process, as Prometheus reads them.
//!
//! Names are `flowcatcher_<part>_<what>_<unit>`, counters end in `_total`, units are seconds and bytes, and no label
//! holds an address or anything else that traffic can make up.

use crate::ServiceError;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{
    Counter, Gauge, Histogram, HistogramOpts, IntCounter, IntGauge, Opts, Registry, TextEncoder,
};

/// Labels that are fixed for one time series.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

/// All metrics of a process. Clones are the same registry.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Registry);

impl Metrics {
    /// With `flowcatcher_build_info` and nothing else.
    ///
    /// # Errors
    /// Never in practice; see [`ServiceError::Metric`].
    pub fn new(version: &str, commit: &str) -> Result<Self, ServiceError> {
        let metrics = Self::default();
        let labels = [("version", version), ("commit", commit)];
        metrics.gauge("flowcatcher_build_info", "What runs here.", &labels)?.set(1);
        Ok(metrics)
    }

    /// A counter that the caller counts up.
    ///
    /// # Errors
    /// When the name is taken with these labels, or with another help text.
    pub fn counter(&self, name: &str, help: &str, labels: Labels<'_>) -> Result<IntCounter, ServiceError> {
        let counter = IntCounter::with_opts(opts(name, help, labels))?;
        self.0.register(Box::new(counter.clone()))?;
        Ok(counter)
    }

    /// A value that goes up and down.
    ///
    /// # Errors
    /// As [`Self::counter`].
    pub fn gauge(&self, name: &str, help: &str, labels: Labels<'_>) -> Result<IntGauge, ServiceError> {
        let gauge = IntGauge::with_opts(opts(name, help, labels))?;
        self.0.register(Box::new(gauge.clone()))?;
        Ok(gauge)
    }

    /// A distribution, for latencies and sizes; `bounds` are the upper ends of its buckets.
    ///
    /// # Errors
    /// As [`Self::counter`], and when `bounds` do not ascend.
    pub fn histogram(
        &self,
        name: &str,
        help: &str,
        labels: Labels<'_>,
        bounds: &[f64],
    ) -> Result<Histogram, ServiceError> {
        let options = HistogramOpts { common_opts: opts(name, help, labels), buckets: bounds.to_vec() };
        let histogram = Histogram::with_opts(options)?;
        self.0.register(Box::new(histogram.clone()))?;
        Ok(histogram)
    }

    /// A counter that someone else keeps: `read` is asked at each scrape.
    ///
    /// # Errors
    /// As [`Self::counter`].
    pub fn counter_of(
        &self,
        name: &str,
        help: &str,
        labels: Labels<'_>,
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Result<(), ServiceError> {
        let options = opts(name, help, labels);
        let make = move |options| {
            let counter = Counter::with_opts(options)?;
            counter.inc_by(read() as f64);
            Ok(counter.collect())
        };
        Ok(self.0.register(Box::new(Kept::new(options, make)?))?)
    }

    /// A value that someone else keeps: `read` is asked at each scrape.
    ///
    /// # Errors
    /// As [`Self::counter`].
    pub fn gauge_of(
        &self,
        name: &str,
        help: &str,
        labels: Labels<'_>,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Result<(), ServiceError> {
        let options = opts(name, help, labels);
        let make = move |options| {
            let gauge = Gauge::with_opts(options)?;
            gauge.set(read());
            Ok(gauge.collect())
        };
        Ok(self.0.register(Box::new(Kept::new(options, make)?))?)
    }

    /// All metrics in Prometheus' text format.
    ///
    /// # Errors
    /// When a metric cannot be written; see [`ServiceError::Metric`].
    pub fn render(&self) -> Result<String, ServiceError> {
        Ok(TextEncoder::new().encode_to_string(&self.0.gather())?)
    }
}

fn opts(name: &str, help: &str, labels: Labels<'_>) -> Opts {
    labels.iter().fold(Opts::new(name, help), |opts, (name, value)| opts.const_label(*name, *value))
}

type Make = Box<dyn Fn(Opts) -> prometheus::Result<Vec<MetricFamily>> + Send + Sync>;

/// A metric whose value is made anew at each scrape.
struct Kept {
    options: Opts,
    desc: Desc,
    make: Make,
}

impl Kept {
    fn new(
        options: Opts,
        make: impl Fn(Opts) -> prometheus::Result<Vec<MetricFamily>> + Send + Sync + 'static,
    ) -> prometheus::Result<Self> {
        let desc =
            Desc::new(options.name.clone(), options.help.clone(), Vec::new(), options.const_labels.clone())?;
        Ok(Self { options, desc, make: Box::new(make) })
    }
}

impl Collector for Kept {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // The description was made from the same options, so they can only be good.
        (self.make)(self.options.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn own_and_kept_metrics_are_rendered_together() {
        let metrics = Metrics::new("0.1.0", "abc").expect("metrics");
        let kept = Arc::new(AtomicU64::new(5));
        for topic in ["flows.v1", "threats.v1"] {
            let read = Arc::clone(&kept);
            let name = "flowcatcher_bus_published_messages_total";
            metrics
                .counter_of(name, "Sent.", &[("topic", topic)], move || read.load(Ordering::Relaxed))
                .expect("registered");
        }
        metrics.gauge_of("flowcatcher_flow_active", "Flows now.", &[], || 2.5).expect("registered");
        metrics.counter("flowcatcher_sink_documents_total", "Stored.", &[]).expect("registered").inc_by(3);
        let bounds = [0.1, 1.0];
        let latency = metrics.histogram("flowcatcher_model_latency_seconds", "Latency.", &[], &bounds);
        latency.expect("registered").observe(0.5);
        kept.store(7, Ordering::Relaxed);
        let text = metrics.render().expect("rendered");
        for line in [
            "flowcatcher_build_info{commit=\"abc\",version=\"0.1.0\"} 1",
            "# TYPE flowcatcher_bus_published_messages_total counter",
            "flowcatcher_bus_published_messages_total{topic=\"flows.v1\"} 7",
            "flowcatcher_bus_published_messages_total{topic=\"threats.v1\"} 7",
            "flowcatcher_flow_active 2.5",
            "flowcatcher_sink_documents_total 3",
            "flowcatcher_model_latency_seconds_bucket{le=\"1\"} 1",
        ] {
            assert!(text.lines().any(|there| there == line), "{line} is not in\n{text}");
        }
        assert_eq!(text.matches("# HELP flowcatcher_bus_published").count(), 1);
    }

    #[test]
    fn a_name_is_taken_once() {
        let metrics = Metrics::default();
        metrics.counter("flowcatcher_x_total", "X.", &[]).expect("registered");
        assert!(matches!(metrics.counter("flowcatcher_x_total", "X.", &[]), Err(ServiceError::Metric(_))));
    }
}
