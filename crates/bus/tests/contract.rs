//! The bus contract, run on each back end.

mod suite;

use bus::memory::{MemoryConsumer, MemoryProducer, Topic, TopicLimits};
use suite::{BusUnderTest, Note, every_promise_holds};

struct Memory(Topic<Note>);

impl BusUnderTest for Memory {
    const BOUNDED_BY_COMMIT: bool = true;
    const CLOSES: bool = true;
    type Writer = MemoryProducer<Note>;
    type Reader = MemoryConsumer<Note>;

    fn new(capacity: usize, partitions: u32) -> Self {
        Self(Topic::new(TopicLimits { messages_max: capacity, partitions, wire_check: true }))
    }

    fn producer(&self) -> MemoryProducer<Note> {
        self.0.producer()
    }

    fn consumer(&self, group: &str) -> MemoryConsumer<Note> {
        self.0.consumer(group)
    }

    fn send_foreign(&self, _bytes: &[u8]) -> bool {
        false
    }
}

#[test]
fn memory_keeps_every_promise() {
    every_promise_holds::<Memory>();
}
