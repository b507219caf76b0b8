//! The stages as threads of this process on the memory bus. No stage knows that it is here.

use anyhow::{Context as _, anyhow, bail};
use bus::memory::{MemoryProducer, Topic, TopicLimits};
use bus::{
    BusError, Consumer, DeadLetterList, Ended, HopCounters, Message, Ports, Producer, Stage, StageLimits,
    Stop, run_stage,
};
use predictor::{CorrelateGauges, CorrelateStage, JudgeCounters, JudgeStage};
use schema::{FlowRecord, Prediction, Threat};
use service::Settings;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Dead letters kept for a look at them.
const DEAD_LETTERS_KEPT: usize = 1000;
/// How long a full bus is waited for before looking whether a stage has failed.
const FULL_WAIT: Duration = Duration::from_millis(200);

/// Three topics and the threads between them.
pub(crate) struct Pipeline {
    pub(crate) flows: Topic<FlowRecord>,
    pub(crate) predictions: Topic<Prediction>,
    pub(crate) threats: Topic<Threat>,
    pub(crate) stop: Stop,
    pub(crate) dead_letters: DeadLetterList,
    pub(crate) hops: Vec<(&'static str, Arc<HopCounters>)>,
    pub(crate) judged: Option<Arc<JudgeCounters>>,
    pub(crate) correlated: Option<Arc<CorrelateGauges>>,
    threads: Vec<(&'static str, JoinHandle<Result<Ended, BusError>>)>,
    limits: StageLimits,
}

impl Pipeline {
    /// Topics without readers.
    pub(crate) fn new(settings: &Settings) -> Self {
        let limits = TopicLimits { messages_max: settings.bus.capacity, ..TopicLimits::default() };
        Self {
            flows: Topic::new(limits),
            predictions: Topic::new(limits),
            threats: Topic::new(limits),
            stop: Stop::new(),
            dead_letters: DeadLetterList::new(DEAD_LETTERS_KEPT),
            hops: Vec::new(),
            judged: None,
            correlated: None,
            threads: Vec::new(),
            limits: StageLimits {
                batch_messages_max: settings.predictor.batch_max,
                ..StageLimits::default()
            },
        }
    }

    /// Adds the judge and the correlator, with the models and policy of the settings.
    pub(crate) fn judge(&mut self, settings: &Settings, bundles: &detect::Bundles) -> anyhow::Result<()> {
        let config = predictor::judge_config(settings);
        let judge = JudgeStage::new(bundles, &config, predictor::threads(settings))?;
        self.judged = Some(judge.counters());
        let correlate = CorrelateStage::new(detect::CorrelateConfig::default());
        self.correlated = Some(correlate.gauges());
        // Every group joins before the first message, so that none misses any.
        let (evidence, flows) = (self.predictions.consumer("correlate"), self.flows.consumer("judge"));
        let (threats, predictions) = (self.threats.producer(), self.predictions.producer());
        self.spawn(correlate, evidence, threats)?;
        self.spawn(judge, flows, predictions)
    }

    /// Runs one stage on a thread of its own. One that fails stops them all.
    pub(crate) fn spawn<S: Stage + 'static>(
        &mut self,
        mut stage: S,
        mut input: impl Consumer<S::In> + 'static,
        mut output: impl Producer<S::Out> + 'static,
    ) -> anyhow::Result<()>
    where
        S::Out: Message,
    {
        let counters = Arc::new(HopCounters::default());
        self.hops.push((S::NAME, Arc::clone(&counters)));
        let (limits, stop, mut letters) = (self.limits.clone(), self.stop.clone(), self.dead_letters.clone());
        let work = move || {
            let ports = Ports { input: &mut input, output: &mut output, dead_letters: &mut letters };
            let ended = run_stage(&mut stage, ports, &limits, &counters, &stop);
            if let Err(error) = &ended {
                tracing::error!(stage = S::NAME, %error, "stage failed");
                stop.request();
            }
            ended
        };
        let thread =
            thread::Builder::new().name(S::NAME.to_owned()).spawn(work).context("starting a thread")?;
        self.threads.push((S::NAME, thread));
        Ok(())
    }

    /// Waits until every stage has read its topic to the end, or was stopped.
    pub(crate) fn join(&mut self) -> anyhow::Result<()> {
        for (name, thread) in self.threads.drain(..) {
            match thread.join() {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(anyhow!(error).context(format!("the stage {name} failed"))),
                Err(_) => bail!("the stage {name} panicked; please report this with the input that did it"),
            }
        }
        let buried = self.dead_letters.buried();
        if buried > 0 {
            let reason = self.dead_letters.newest().pop().map_or_else(String::new, |letter| letter.reason);
            tracing::warn!(buried, reason, "records that no stage could use");
        }
        Ok(())
    }
}

/// Sends every record, waiting while the bus is full, for a file can wait.
pub(crate) fn send_all(
    producer: &mut MemoryProducer<FlowRecord>,
    records: &mut Vec<FlowRecord>,
    stop: &Stop,
) -> anyhow::Result<()> {
    while !records.is_empty() {
        producer.send_all(records, FULL_WAIT)?;
        if stop.is_requested() {
            bail!("a later stage has failed or was stopped");
        }
    }
    Ok(())
}
