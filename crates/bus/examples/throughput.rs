//! How many messages a second one hop carries: a producer, a stage and a reader on three threads.

use bus::memory::{Topic, TopicLimits};
use bus::{
    BusError, Consumer, DeadLetterList, HopCounters, Message, NoMessage, NoOutput, Outlet, Ports, Producer,
    Stage, StageLimits, Stop, run_stage,
};
use schema::FlowRecord;
use std::sync::Arc;
use std::time::{Duration, Instant};

struct Counts(u64);

impl Stage for Counts {
    type In = FlowRecord;
    type Out = NoMessage;
    const NAME: &'static str = "counts";

    fn process(&mut self, batch: &[Arc<FlowRecord>], _out: &mut Outlet<NoMessage>) -> Result<(), BusError> {
        self.0 += batch.iter().map(|record| record.key().len() as u64).sum::<u64>();
        Ok(())
    }
}

fn main() {
    const COUNT: u32 = 10_000_000;
    let topic = Topic::<FlowRecord>::new(TopicLimits::default());
    let mut input: Box<dyn Consumer<FlowRecord>> = Box::new(topic.consumer("counts"));
    let mut producer = topic.producer();
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut batch = Vec::new();
            for number in 0..COUNT {
                batch.push(FlowRecord { source_port: number, ..FlowRecord::default() });
                if batch.len() == 4096 || number + 1 == COUNT {
                    producer.send_all(&mut batch, Duration::from_mins(1)).expect("sent");
                }
            }
        });
        let (counters, mut letters) = (HopCounters::default(), DeadLetterList::new(1));
        let ports = Ports { input: &mut *input, output: &mut NoOutput, dead_letters: &mut letters };
        run_stage(&mut Counts(0), ports, &StageLimits::default(), &counters, &Stop::new()).expect("ended");
        let rate = f64::from(COUNT) / start.elapsed().as_secs_f64();
        eprintln!("{:.2} million messages/s; {:?}", rate / 1e6, counters.values());
    });
}
