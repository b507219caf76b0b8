//! What a topic holds and how far each group is. No lock, no wait: the topic has both.

use crate::{Message, Position};
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

/// A member of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MemberId {
    group: usize,
    member: u64,
}

#[derive(Debug)]
pub(super) struct Log<M> {
    partitions: Vec<Partition<M>>,
    groups: Vec<Group>,
    members_ever: u64,
}

/// Messages of one partition that some group has not committed yet.
#[derive(Debug)]
struct Partition<M> {
    first: u64,
    messages: VecDeque<Arc<M>>,
}

#[derive(Debug)]
struct Group {
    name: String,
    /// In the order of joining; partition `p` is for member `p % members.len()`.
    members: Vec<u64>,
    cursors: Vec<Cursor>,
    /// Partition to read first, so that a busy one does not starve the others.
    turn: usize,
}

/// How far a group is in one partition.
#[derive(Debug, Clone)]
struct Cursor {
    committed: u64,
    next: u64,
    /// Who has read and not committed. Nobody else reads here meanwhile, or a key could be worked on twice at once.
    holder: Option<u64>,
}

impl<M> Partition<M> {
    fn end(&self) -> u64 {
        self.first + self.messages.len() as u64
    }
}

impl<M> Log<M> {
    pub(super) fn new(partitions: u32) -> Self {
        let partition = || Partition { first: 0, messages: VecDeque::new() };
        let partitions = (0..partitions).map(|_| partition()).collect();
        Self { partitions, groups: Vec::new(), members_ever: 0 }
    }

    pub(super) fn join(&mut self, name: &str) -> MemberId {
        let known = self.groups.iter().position(|group| group.name == name);
        let group = known.unwrap_or_else(|| {
            let cursor = |p: &Partition<M>| Cursor { committed: p.first, next: p.first, holder: None };
            let cursors = self.partitions.iter().map(cursor).collect();
            self.groups.push(Group { name: name.to_owned(), members: Vec::new(), cursors, turn: 0 });
            self.groups.len() - 1
        });
        self.members_ever += 1;
        self.groups[group].members.push(self.members_ever);
        MemberId { group, member: self.members_ever }
    }

    /// Takes the member off, and puts its group back to where the member has committed.
    pub(super) fn leave(&mut self, id: MemberId) {
        let group = &mut self.groups[id.group];
        group.members.retain(|member| *member != id.member);
        for cursor in &mut group.cursors {
            if cursor.holder == Some(id.member) {
                cursor.next = cursor.committed;
                cursor.holder = None;
            }
        }
    }

    /// The next messages for a member, from all partitions that are its own now.
    pub(super) fn read(&mut self, id: MemberId, messages_max: usize) -> (Vec<Arc<M>>, Position) {
        let group = &mut self.groups[id.group];
        let (count, members) = (self.partitions.len(), group.members.len());
        let Some(place) = group.members.iter().position(|member| *member == id.member) else {
            return (Vec::new(), Position::default());
        };
        group.turn = (group.turn + 1) % count;
        let (mut messages, mut position) = (Vec::new(), Position::default());
        for at in (0..count).map(|step| (group.turn + step) % count).filter(|at| at % members == place) {
            let (cursor, partition) = (&mut group.cursors[at], &self.partitions[at]);
            let free = cursor.holder.is_none_or(|holder| holder == id.member);
            let take = (messages_max - messages.len()).min((partition.end() - cursor.next) as usize);
            if !free || take == 0 {
                continue;
            }
            let from = (cursor.next - partition.first) as usize;
            messages.extend(partition.messages.range(from..from + take).cloned());
            cursor.next += take as u64;
            cursor.holder = Some(id.member);
            position.0.push((at as u32, cursor.next));
        }
        (messages, position)
    }

    /// Notes what a member has done and gives back the messages that every group has done.
    pub(super) fn commit(&mut self, id: MemberId, position: &Position) -> Vec<Arc<M>> {
        let mut done = Vec::new();
        for (at, offset) in &position.0 {
            let at = *at as usize;
            let Some(cursor) = self.groups[id.group].cursors.get_mut(at) else { continue };
            if cursor.holder != Some(id.member) {
                continue;
            }
            cursor.committed = cursor.committed.max(*offset).min(cursor.next);
            if cursor.committed == cursor.next {
                cursor.holder = None;
            }
            let everywhere = self.groups.iter().map(|group| group.cursors[at].committed).min();
            let partition = &mut self.partitions[at];
            let gone = everywhere.map_or(0, |committed| committed.saturating_sub(partition.first));
            done.extend(partition.messages.drain(..gone as usize));
            partition.first += gone;
        }
        done
    }

    /// Whether nothing is left for this member: all is read, and nobody else could still give something back.
    pub(super) fn is_done(&self, id: MemberId) -> bool {
        let ends = self.partitions.iter().map(Partition::end);
        self.groups[id.group].cursors.iter().zip(ends).all(|(cursor, end)| {
            let mine = cursor.holder.is_none_or(|holder| holder == id.member);
            cursor.next == end && mine
        })
    }
}

impl<M: Message> Log<M> {
    pub(super) fn push(&mut self, message: Arc<M>) {
        let count = self.partitions.len();
        let at = if count == 1 {
            0
        } else {
            // With fixed keys, so that a message finds the same partition in every run.
            let mut hash = DefaultHasher::new();
            hash.write(message.key());
            (hash.finish() % count as u64) as usize
        };
        self.partitions[at].messages.push_back(message);
    }
}
