//! The loop against a scripted input, for what no healthy bus shows.

use super::*;
use crate::{DeadLetterList, DecodeError, NoMessage, NoOutput, Origin, Poison, Position};
use std::collections::VecDeque;

struct Number([u8; 1]);

impl Message for Number {
    const TOPIC: &'static str = "numbers.v1";

    fn key(&self) -> &[u8] {
        &self.0
    }

    fn encode_to(&self, out: &mut Vec<u8>) {
        out.push(self.0[0]);
    }

    fn decode_from(bytes: &[u8]) -> Result<Self, DecodeError> {
        bytes.try_into().map(Self).map_err(|_| DecodeError("one byte".into()))
    }
}

/// Gives its polls one after the other, then closes; notes commits.
#[derive(Default)]
struct Script {
    polls: VecDeque<Polled>,
    committed: Vec<u64>,
}

impl Consumer<Number> for Script {
    fn poll(&mut self, _messages_max: usize, _wait: Duration) -> Result<Batch<Number>, BusError> {
        self.polls.pop_front().unwrap_or(Err(BusError::Closed))
    }

    fn commit(&mut self, position: &Position) -> Result<(), BusError> {
        self.committed.push(position.0[0].1);
        Ok(())
    }
}

type Polled = Result<Batch<Number>, BusError>;

#[allow(clippy::unnecessary_wraps, reason = "scripts mix it with errors")]
fn batch(offset: u64, good: &[u8], bad: usize) -> Polled {
    let origin = Origin { partition: 3, offset };
    let poison = Poison { key: vec![1], value: vec![1, 2], reason: "one byte".into(), origin };
    Ok(Batch {
        messages: good.iter().map(|number| Arc::new(Number([*number]))).collect(),
        poison: vec![poison; bad],
        position: Position(vec![(3, offset)]),
    })
}

/// Gives up odd numbers; says `Retry` as often as told.
#[derive(Default)]
struct Even {
    retries_left: u32,
    seen: Vec<u8>,
}

impl Stage for Even {
    type In = Number;
    type Out = NoMessage;
    const NAME: &'static str = "even";

    fn process(&mut self, batch: &[Arc<Number>], out: &mut Outlet<NoMessage>) -> Result<(), BusError> {
        for (index, number) in batch.iter().enumerate() {
            if number.0[0] % 2 == 1 {
                out.reject(index, "odd");
            }
        }
        if self.retries_left > 0 {
            self.retries_left -= 1;
            return Err(BusError::Retry("busy".into()));
        }
        self.seen.extend(batch.iter().map(|number| number.0[0]));
        Ok(())
    }
}

struct Run {
    result: Result<Ended, BusError>,
    input: Script,
    stage: Even,
    letters: DeadLetterList,
    counters: HopCounters,
}

fn run(retries_left: u32, dead_max: u64, polls: Vec<Polled>) -> Run {
    let mut input = Script { polls: polls.into(), committed: Vec::new() };
    let mut stage = Even { retries_left, seen: Vec::new() };
    let mut letters = DeadLetterList::new(100);
    let counters = HopCounters::default();
    let limits = StageLimits {
        retry_wait_first: Duration::from_micros(10),
        dead_letters_in_a_row_max: dead_max,
        ..StageLimits::default()
    };
    let ports = Ports { input: &mut input, output: &mut NoOutput, dead_letters: &mut letters };
    let result = run_stage(&mut stage, ports, &limits, &counters, &Stop::new());
    Run { result, input, stage, letters, counters }
}

#[test]
fn retries_repeat_a_step_and_process_each_batch_once() {
    let polls = vec![batch(1, &[2, 4], 0), Err(BusError::Retry("away".into())), batch(2, &[6], 0)];
    let run = run(3, 10, polls);
    assert!(matches!(run.result, Ok(Ended::Closed)));
    assert_eq!((run.stage.seen, run.input.committed), (vec![2, 4, 6], vec![1, 2]));
    assert_eq!(run.counters.retries.load(Ordering::Relaxed), 4);
    assert_eq!(run.letters.buried(), 0);
}

#[test]
fn poison_and_rejects_go_to_the_dead_letters_with_their_origin() {
    let run = run(1, 10, vec![batch(1, &[2, 3], 1), batch(2, &[], 1)]);
    assert!(matches!(run.result, Ok(Ended::Closed)));
    let letters = run.letters.newest();
    let shown: Vec<_> = letters.iter().map(|l| (l.reason.as_str(), &l.value[..], l.origin)).collect();
    let at = |offset| Some(Origin { partition: 3, offset });
    assert_eq!(
        shown,
        [("one byte", &[1, 2][..], at(1)), ("odd", &[3][..], None), ("one byte", &[1, 2][..], at(2))]
    );
    assert_eq!(run.input.committed, [1, 2]);
    let values = run.counters.values().map(|(_, value)| value);
    assert_eq!(values, [4, 0, 4, 1, 2, 1]);
}

#[test]
fn nothing_but_dead_letters_stops_the_stage_before_the_commit() {
    let good_between = vec![batch(1, &[], 2), batch(2, &[2], 2), batch(3, &[], 2)];
    assert!(matches!(run(0, 3, good_between).result, Ok(Ended::Closed)));

    let run = run(0, 3, vec![batch(1, &[], 2), batch(2, &[1, 3], 0), batch(3, &[2], 0)]);
    let Err(BusError::Fatal(text)) = run.result else { panic!("no brake") };
    assert!(
        text.contains("4 messages of numbers.v1 in a row could not be used, the last because: odd"),
        "{text}"
    );
    assert_eq!((run.input.committed, run.letters.buried()), (vec![1], 2));
}

#[test]
fn a_fatal_error_and_a_stop_leave_the_batch_uncommitted() {
    let fatal = run(0, 3, vec![batch(1, &[2], 0), Err(BusError::Fatal("gone".into()))]);
    assert!(matches!(fatal.result, Err(BusError::Fatal(text)) if text == "gone"));

    let mut input = Script { polls: vec![batch(1, &[2], 0)].into(), committed: Vec::new() };
    let (mut stage, mut letters) =
        (Even { retries_left: u32::MAX, seen: Vec::new() }, DeadLetterList::new(1));
    let (counters, stop) = (HopCounters::default(), Stop::new());
    let ended = std::thread::scope(|scope| {
        let runs = scope.spawn(|| {
            let ports = Ports { input: &mut input, output: &mut NoOutput, dead_letters: &mut letters };
            run_stage(&mut stage, ports, &StageLimits::default(), &counters, &stop)
        });
        while counters.retries.load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
        stop.request();
        runs.join().expect("joined")
    });
    assert!(matches!(ended, Ok(Ended::Stopped)));
    assert!(input.committed.is_empty());
}
