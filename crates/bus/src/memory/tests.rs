//! What is the memory bus's own: shared payloads, and its promises under any order of polls, commits and crashes.

use super::*;
use crate::DecodeError;
use proptest::prelude::*;
use std::collections::BTreeMap;

struct Number([u8; 8]);

impl Number {
    fn new(number: u64) -> Self {
        Self(number.to_le_bytes())
    }

    fn number(&self) -> u64 {
        u64::from_le_bytes(self.0)
    }
}

impl Message for Number {
    const TOPIC: &'static str = "numbers.v1";

    fn key(&self) -> &[u8] {
        &self.0[..1]
    }

    fn encode_to(&self, out: &mut Vec<u8>) {
        out.extend(self.0);
    }

    fn decode_from(bytes: &[u8]) -> Result<Self, DecodeError> {
        bytes.try_into().map(Self).map_err(|_| DecodeError("8 bytes".into()))
    }
}

#[test]
fn groups_share_one_payload_and_a_commit_by_all_frees_it() {
    let topic = Topic::new(TopicLimits::default());
    let (mut a, mut b) = (topic.consumer("a"), topic.consumer("b"));
    let mut producer = topic.producer();
    assert!(producer.try_send(Number::new(1)).is_ok());
    let (of_a, of_b) =
        (a.poll(9, Duration::ZERO).expect("polled"), b.poll(9, Duration::ZERO).expect("polled"));
    assert!(Arc::ptr_eq(&of_a.messages[0], &of_b.messages[0]));
    a.commit(&of_a.position).expect("committed");
    assert_eq!(topic.depth(), 1);
    b.commit(&of_b.position).expect("committed");
    assert_eq!((topic.depth(), Arc::strong_count(&of_a.messages[0])), (0, 2));
}

#[test]
fn a_member_is_not_told_closed_while_another_may_give_back() {
    let topic = Topic::new(TopicLimits { partitions: 2, ..TopicLimits::default() });
    let (mut one, mut two) = (topic.consumer("g"), topic.consumer("g"));
    let mut producer = topic.producer();
    let mut numbers: Vec<Number> = (0..10).map(Number::new).collect();
    producer.send_all(&mut numbers, Duration::ZERO).expect("sent");
    drop(producer);
    let (of_one, of_two) =
        (one.poll(99, Duration::ZERO).expect("polled"), two.poll(99, Duration::ZERO).expect("polled"));
    assert_eq!(of_one.messages.len() + of_two.messages.len(), 10);
    two.commit(&of_two.position).expect("committed");
    assert!(two.poll(9, Duration::ZERO).expect("not closed").messages.is_empty());
    drop(one);
    let again = two.poll(99, Duration::ZERO).expect("polled");
    assert_eq!(again.messages.len(), of_one.messages.len());
    two.commit(&again.position).expect("committed");
    assert!(matches!(two.poll(1, Duration::ZERO), Err(BusError::Closed)));
}

#[derive(Debug, Clone)]
enum Step {
    Send(u8),
    Poll { member: usize, max: usize },
    Commit { member: usize },
    Crash { member: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any::<u8>().prop_map(Step::Send),
        (0..3_usize, 1..20_usize).prop_map(|(member, max)| Step::Poll { member, max }),
        (0..3_usize).prop_map(|member| Step::Commit { member }),
        (0..3_usize).prop_map(|member| Step::Crash { member }),
    ]
}

struct Member {
    consumer: MemoryConsumer<Number>,
    read: Vec<u64>,
    position: BTreeMap<u32, u64>,
}

impl Member {
    fn new(topic: &Topic<Number>) -> Self {
        Self { consumer: topic.consumer("g"), read: Vec::new(), position: BTreeMap::new() }
    }

    fn poll(&mut self, max: usize) -> usize {
        let Ok(batch) = self.consumer.poll(max, Duration::ZERO) else { return 0 };
        self.read.extend(batch.messages.iter().map(|message| message.number()));
        self.position.extend(batch.position.0);
        batch.messages.len()
    }

    fn commit(&mut self, done: &mut Vec<u64>) {
        let position = Position(std::mem::take(&mut self.position).into_iter().collect());
        self.consumer.commit(&position).expect("committed");
        done.append(&mut self.read);
    }
}

proptest! {
    #[test]
    fn each_message_is_done_once_whatever_crashes(
        partitions in 1..5_u32,
        steps in proptest::collection::vec(step(), 1..200),
    ) {
        let limits = TopicLimits { messages_max: 300, partitions, wire_check: false };
        let topic = Topic::new(limits);
        let mut members: Vec<Member> = (0..3).map(|_| Member::new(&topic)).collect();
        let mut producer = topic.producer();
        let (mut sent, mut done) = (0, Vec::new());
        for step in steps {
            match step {
                Step::Send(count) => {
                    let mut numbers: Vec<Number> = (sent..sent + u64::from(count)).map(Number::new).collect();
                    producer.send_all(&mut numbers, Duration::ZERO).expect("sent");
                    sent += u64::from(count) - numbers.len() as u64;
                }
                Step::Poll { member, max } => { members[member].poll(max); }
                Step::Commit { member } => members[member].commit(&mut done),
                Step::Crash { member } => {
                    let fresh = Member::new(&topic);
                    members[member] = fresh;
                }
            }
            prop_assert_eq!(topic.depth() as u64, sent - done.len() as u64);
        }
        for member in &mut members {
            member.commit(&mut done);
        }
        while members.iter_mut().map(|member| member.poll(99)).sum::<usize>() > 0 {
            for member in &mut members {
                member.commit(&mut done);
            }
        }
        done.sort_unstable();
        prop_assert_eq!(done, (0..sent).collect::<Vec<u64>>());
    }
}
