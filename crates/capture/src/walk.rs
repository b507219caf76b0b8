//! The step that every capture format takes: list the whole records at the front of some bytes.
//!
//! Walkers see slices only. They know no file and keep no packet, so one walker serves a buffer that is refilled, a
//! mapped file and a test alike.

use crate::InputLimits;
use crate::magic::Content;
use crate::pcap::PcapWalker;
use crate::pcapng::PcapngWalker;
use flow_meter::{Frame, LinkType};

/// Records in one batch. Enough to spread the cost of a call, few enough that the list stays in the first cache.
pub(crate) const BATCH_RECORDS: usize = 256;

/// Where one frame lies in the bytes that were walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) ts_ns: i64,
    pub(crate) offset: u32,
    pub(crate) captured: u32,
    pub(crate) wire_len: u32,
    pub(crate) link_type: LinkType,
}

impl Record {
    /// As it lies in bytes that begin so much earlier.
    pub(crate) fn moved(self, shift: u32) -> Self {
        Self { offset: self.offset + shift, ..self }
    }

    #[inline]
    pub(crate) fn frame(self, bytes: &[u8]) -> Frame<'_> {
        let from = self.offset as usize;
        Frame {
            ts_ns: self.ts_ns,
            link_type: self.link_type,
            wire_len: self.wire_len,
            bytes: &bytes[from..from + self.captured as usize],
        }
    }
}

/// What came of a walk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Walked {
    /// Bytes that need not be seen again. What follows begins a record.
    pub(crate) consumed: usize,
    pub(crate) next: Next,
}

/// What must happen for the walk to go on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The batch is full: take it.
    Full,
    /// The next record needs this many bytes from `consumed` on, more than there are.
    Need(usize),
    /// A block that nobody reads, of so many bytes, and not all here.
    Skip(u64),
    /// What follows is no record.
    Damaged(String),
}

/// The walker of a format.
#[derive(Debug, Clone)]
pub(crate) enum Walker {
    Pcap(PcapWalker),
    Pcapng(PcapngWalker),
}

impl Walker {
    /// The walker for `content`, when it is a capture format.
    pub(crate) fn of(content: Content, limits: &InputLimits) -> Option<Self> {
        match content {
            Content::Pcap => Some(Self::Pcap(PcapWalker::new(limits.packet_bytes_max))),
            Content::Pcapng => Some(Self::Pcapng(PcapngWalker::new(limits))),
            _ => None,
        }
    }

    /// Lists the records at the front of `bytes`, up to a full batch.
    pub(crate) fn walk(&mut self, bytes: &[u8], records: &mut Vec<Record>) -> Walked {
        match self {
            Self::Pcap(pcap) => pcap.walk(bytes, records),
            Self::Pcapng(pcapng) => pcapng.walk(bytes, records),
        }
    }

    /// The link type of the file's header or its first interface, once seen.
    pub(crate) fn first_link_type(&self) -> Option<LinkType> {
        match self {
            Self::Pcap(pcap) => pcap.first_link_type(),
            Self::Pcapng(pcapng) => pcapng.first_link_type(),
        }
    }
}

/// Four bytes at `at` in the byte order of the file. The caller has checked that they are there.
#[inline]
pub(crate) fn word<const BIG: bool>(bytes: &[u8], at: usize) -> u32 {
    let word = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    if BIG { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
}

/// Two bytes at `at`, as [`word`].
#[inline]
pub(crate) fn half<const BIG: bool>(bytes: &[u8], at: usize) -> u16 {
    let half = [bytes[at], bytes[at + 1]];
    if BIG { u16::from_be_bytes(half) } else { u16::from_le_bytes(half) }
}
