//! What every bus promises, as one suite over a bus under test. A new back end implements [`BusUnderTest`] and runs it.

use bus::{
    Batch, BusError, Consumer, DeadLetterList, DecodeError, Ended, HopCounters, Message, Outlet, Ports,
    Producer, SendError, Stage, StageLimits, Stop, run_stage,
};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A number under one of eight keys.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Note {
    key: [u8; 1],
    number: u64,
}

impl Note {
    pub(crate) fn new(number: u64) -> Self {
        Self { key: [(number % 8) as u8], number }
    }
}

impl Message for Note {
    const TOPIC: &'static str = "notes.v1";

    fn key(&self) -> &[u8] {
        &self.key
    }

    fn encode_to(&self, out: &mut Vec<u8>) {
        out.extend(self.number.to_le_bytes());
    }

    fn decode_from(bytes: &[u8]) -> Result<Self, DecodeError> {
        let bytes = bytes.try_into().map_err(|_| DecodeError("a note has 8 bytes".into()))?;
        Ok(Self::new(u64::from_le_bytes(bytes)))
    }
}

/// One topic of notes, fresh for each case.
pub(crate) trait BusUnderTest: Sync {
    /// `Full` comes after exactly `capacity` messages that a group has not committed.
    const BOUNDED_BY_COMMIT: bool;
    /// Consumers are told when the last producer is gone.
    const CLOSES: bool;

    /// Its writing end.
    type Writer: Producer<Note> + 'static;
    /// Its reading end.
    type Reader: Consumer<Note> + 'static;

    fn new(capacity: usize, partitions: u32) -> Self;
    fn producer(&self) -> Self::Writer;
    fn consumer(&self, group: &str) -> Self::Reader;
    /// Puts bytes on the topic that are no note; false when this bus carries nothing but notes.
    fn send_foreign(&self, bytes: &[u8]) -> bool;
}

const PATIENCE: Duration = Duration::from_secs(30);

/// Runs every case.
pub(crate) fn every_promise_holds<B: BusUnderTest>() {
    each_group_sees_everything_in_order::<B>();
    members_share_and_a_key_stays_in_order::<B>();
    uncommitted_messages_come_again_and_committed_ones_do_not::<B>();
    a_quiet_topic_gives_an_empty_batch::<B>();
    a_stage_carries_everything_despite_retries::<B>();
    a_stage_stops_when_asked::<B>();
    foreign_bytes_become_dead_letters::<B>();
    if B::BOUNDED_BY_COMMIT {
        a_full_topic_gives_back_until_every_group_commits::<B>();
    }
    if B::CLOSES {
        it_closes_after_the_last_producer_and_the_last_message::<B>();
    }
}

fn send(producer: &mut impl Producer<Note>, numbers: std::ops::Range<u64>) {
    let mut notes: Vec<Note> = numbers.map(Note::new).collect();
    producer.send_all(&mut notes, PATIENCE).expect("sent");
    assert!(notes.is_empty(), "{} left", notes.len());
    producer.flush(PATIENCE).expect("flushed");
}

fn poll(consumer: &mut impl Consumer<Note>, messages_max: usize) -> Batch<Note> {
    let end = Instant::now() + PATIENCE;
    loop {
        let batch = consumer.poll(messages_max, Duration::from_millis(50)).expect("polled");
        if !batch.messages.is_empty() || Instant::now() > end {
            return batch;
        }
    }
}

fn numbers(batch: &Batch<Note>) -> Vec<u64> {
    batch.messages.iter().map(|note| note.number).collect()
}

/// Reads `count` notes, committing each batch.
fn read(consumer: &mut impl Consumer<Note>, count: usize) -> Vec<u64> {
    let mut seen = Vec::new();
    while seen.len() < count {
        let batch = poll(consumer, count - seen.len());
        assert!(!batch.messages.is_empty(), "{} of {count} came", seen.len());
        seen.extend(numbers(&batch));
        consumer.commit(&batch.position).expect("committed");
    }
    seen
}

fn assert_ordered_by_key(seen: &[u64]) {
    let mut last: HashMap<u64, u64> = HashMap::new();
    for number in seen {
        let before = last.insert(number % 8, *number);
        assert!(before.is_none_or(|before| before < *number), "{number} after {before:?}");
    }
}

fn each_group_sees_everything_in_order<B: BusUnderTest>() {
    let bus = B::new(1_000, 4);
    let (mut a, mut b) = (bus.consumer("a"), bus.consumer("b"));
    send(&mut bus.producer(), 0..500);
    for seen in [read(&mut a, 500), read(&mut b, 500)] {
        assert_ordered_by_key(&seen);
        assert_eq!(seen.into_iter().collect::<HashSet<_>>(), (0..500).collect());
    }
}

fn members_share_and_a_key_stays_in_order<B: BusUnderTest>() {
    const COUNT: u64 = 20_000;
    let bus = B::new(256, 4);
    let left = std::sync::atomic::AtomicI64::new(COUNT as i64);
    let log = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let mut member = bus.consumer("g");
            let (left, log) = (&left, &log);
            scope.spawn(move || {
                while left.load(Ordering::Acquire) > 0 {
                    match member.poll(50, Duration::from_millis(20)) {
                        Ok(batch) => {
                            // Before the commit: what one member has not committed, no other may have.
                            log.lock().expect("log").extend(numbers(&batch));
                            member.commit(&batch.position).expect("committed");
                            left.fetch_sub(batch.messages.len() as i64, Ordering::AcqRel);
                        }
                        Err(BusError::Closed) => break,
                        Err(BusError::Retry(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
        // Both are there from the start, or the topic would close between them.
        let (mut one, mut two) = (bus.producer(), bus.producer());
        send(&mut one, 0..COUNT / 2);
        send(&mut two, COUNT / 2..COUNT);
    });
    let seen = log.into_inner().expect("log");
    assert_eq!(seen.len() as u64, COUNT);
    assert_ordered_by_key(&seen);
}

fn uncommitted_messages_come_again_and_committed_ones_do_not<B: BusUnderTest>() {
    let bus = B::new(100, 1);
    send(&mut bus.producer(), 0..30);
    let producer = bus.producer();
    let mut first = bus.consumer("g");
    let done = poll(&mut first, 10);
    assert_eq!(numbers(&done), (0..10).collect::<Vec<_>>());
    assert_eq!(numbers(&poll(&mut first, 10)), (10..20).collect::<Vec<_>>());
    first.commit(&done.position).expect("committed");
    drop(first);
    assert_eq!(read(&mut bus.consumer("g"), 20), (10..30).collect::<Vec<_>>());
    drop(producer);
}

fn a_quiet_topic_gives_an_empty_batch<B: BusUnderTest>() {
    let bus = B::new(10, 1);
    let producer = bus.producer();
    let batch = bus.consumer("g").poll(10, Duration::from_millis(5)).expect("polled");
    assert!(batch.messages.is_empty() && batch.poison.is_empty());
    drop(producer);
}

fn a_full_topic_gives_back_until_every_group_commits<B: BusUnderTest>() {
    let bus = B::new(4, 1);
    let (mut a, mut b) = (bus.consumer("a"), bus.consumer("b"));
    let mut producer = bus.producer();
    send(&mut producer, 0..4);
    let full = |producer: &mut dyn Producer<Note>| match producer.try_send(Note::new(9)) {
        Ok(()) => false,
        Err(SendError::Full(note)) => note == Note::new(9),
        Err(SendError::Bus(error)) => panic!("{error}"),
    };
    let of_a = poll(&mut a, 10);
    a.commit(&of_a.position).expect("committed");
    assert!(full(&mut producer), "b has not committed");
    let of_b = poll(&mut b, 3);
    assert!(full(&mut producer), "read is not committed");
    b.commit(&of_b.position).expect("committed");
    assert!(!full(&mut producer));

    let mut notes: Vec<Note> = (10..15).map(Note::new).collect();
    producer.send_all(&mut notes, Duration::from_millis(5)).expect("sent");
    assert_eq!(notes, (12..15).map(Note::new).collect::<Vec<_>>(), "two had room, the rest stays");
}

fn it_closes_after_the_last_producer_and_the_last_message<B: BusUnderTest>() {
    let bus = B::new(100, 1);
    let mut consumer = bus.consumer("g");
    assert!(consumer.poll(1, Duration::ZERO).is_ok(), "not open yet is not closed");
    let (mut one, two) = (bus.producer(), bus.producer());
    send(&mut one, 0..5);
    drop(one);
    assert_eq!(read(&mut consumer, 5).len(), 5);
    assert!(consumer.poll(1, Duration::ZERO).is_ok());
    drop(two);
    assert!(matches!(consumer.poll(1, PATIENCE), Err(BusError::Closed)));
}

/// Passes notes on, says `Retry` at every third call, and gives up those that `unwanted` says.
struct Passes {
    calls: u64,
    unwanted: fn(u64) -> bool,
}

impl Stage for Passes {
    type In = Note;
    type Out = Note;
    const NAME: &'static str = "passes";

    fn process(&mut self, batch: &[Arc<Note>], out: &mut Outlet<Note>) -> Result<(), BusError> {
        self.calls += 1;
        for (index, note) in batch.iter().enumerate() {
            if (self.unwanted)(note.number) {
                out.reject(index, format!("{} is unwanted", note.number));
            } else {
                out.send(Note::clone(note));
            }
        }
        if self.calls.is_multiple_of(3) { Err(BusError::Retry("try me again".into())) } else { Ok(()) }
    }
}

fn quick() -> StageLimits {
    StageLimits {
        batch_messages_max: 64,
        retry_wait_first: Duration::from_millis(1),
        ..StageLimits::default()
    }
}

fn a_stage_carries_everything_despite_retries<B: BusUnderTest>() {
    const COUNT: u64 = 2_000;
    let (from, to) = (B::new(128, 4), B::new(128, 4));
    let (mut letters, counters, stop) = (DeadLetterList::new(10), HopCounters::default(), Stop::new());
    let (mut input, mut output) = (from.consumer("stage"), to.producer());
    let mut end = to.consumer("end");
    let seen = std::thread::scope(|scope| {
        let stage = scope.spawn(|| {
            let ports = Ports { input: &mut input, output: &mut output, dead_letters: &mut letters };
            run_stage(&mut Passes { calls: 0, unwanted: |n| n % 100 == 7 }, ports, &quick(), &counters, &stop)
        });
        let mut producer = from.producer();
        scope.spawn(move || send(&mut producer, 0..COUNT));
        let seen = read(&mut end, (COUNT - COUNT / 100) as usize);
        if !B::CLOSES {
            stop.request();
        }
        stage.join().expect("joined").expect("ended");
        seen
    });
    assert_ordered_by_key(&seen);
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), seen.len());
    assert_eq!(letters.buried(), COUNT / 100);
    let letter = &letters.newest()[0];
    assert!(letter.reason.ends_with("is unwanted") && letter.topic == Note::TOPIC && letter.value.len() == 8);
    assert!(counters.retries.load(Ordering::Relaxed) > 0);
    assert_eq!(counters.received.load(Ordering::Relaxed), COUNT);
    assert_eq!(counters.forwarded.load(Ordering::Relaxed), seen.len() as u64);
}

fn a_stage_stops_when_asked<B: BusUnderTest>() {
    let (from, to) = (B::new(10, 1), B::new(10, 1));
    let (producer, end) = (from.producer(), to.consumer("end"));
    let (mut input, mut output) = (from.consumer("stage"), to.producer());
    let (mut letters, counters, stop) = (DeadLetterList::new(10), HopCounters::default(), Stop::new());
    let started = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stage = scope.spawn(|| {
            started.store(true, Ordering::Release);
            let ports = Ports { input: &mut input, output: &mut output, dead_letters: &mut letters };
            run_stage(&mut Passes { calls: 0, unwanted: |_| false }, ports, &quick(), &counters, &stop)
        });
        while !started.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        stop.request();
        assert_eq!(stage.join().expect("joined").expect("ended"), Ended::Stopped);
    });
    drop((producer, end));
}

fn foreign_bytes_become_dead_letters<B: BusUnderTest>() {
    let bus = B::new(100, 1);
    if !bus.send_foreign(b"no note") {
        return;
    }
    send(&mut bus.producer(), 0..3);
    let mut consumer = bus.consumer("g");
    let (mut notes, mut poison) = (0, Vec::new());
    while notes < 3 {
        let batch = consumer.poll(10, PATIENCE).expect("polled");
        notes += batch.messages.len();
        poison.extend(batch.poison);
    }
    assert_eq!(poison.len(), 1);
    assert_eq!((&poison[0].value[..], &poison[0].reason[..]), (&b"no note"[..], "a note has 8 bytes"));
}
