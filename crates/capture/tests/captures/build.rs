//! Writes captures for the tests, and reads them back.

use capture::{Capture, Captures, Damage, FrameBatch, FrameSource, InputLimits, SourceError, open_stream};
use std::io::{Cursor, Write};

/// A frame that outlives its batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) ts_ns: i64,
    pub(crate) link_type: u16,
    pub(crate) wire_len: u32,
    pub(crate) bytes: Vec<u8>,
}

/// A frame as the tests expect it, of Ethernet and not cut.
pub(crate) fn seen(ts_ns: i64, bytes: &[u8]) -> Seen {
    Seen { ts_ns, link_type: 1, wire_len: bytes.len() as u32, bytes: bytes.to_vec() }
}

pub(crate) fn open_bytes(bytes: &[u8], limits: &InputLimits) -> Result<Captures, SourceError> {
    open_stream("test", Cursor::new(bytes.to_vec()), limits)
}

/// All frames of `capture`, and its damage.
pub(crate) fn drain(capture: &mut Capture) -> Result<(Vec<Seen>, Option<Damage>), SourceError> {
    let mut frames = Vec::new();
    while let Some(batch) = capture.next_batch()? {
        frames.extend(outlive(batch));
    }
    assert!(capture.next_batch()?.is_none(), "the end stays the end");
    Ok((frames, capture.damage().cloned()))
}

/// As [`drain`], by batches that could go to other threads. Some are held, so that their buffers cannot be filled again.
pub(crate) fn drain_shared(capture: &mut Capture) -> Result<(Vec<Seen>, Option<Damage>), SourceError> {
    let mut batches = Vec::new();
    let mut frames = Vec::new();
    while let Some(batch) = capture.next_shared()? {
        batches.push(batch);
        if batches.len() == 3 {
            frames.extend(batches.drain(..).flat_map(|batch| outlive(batch.as_batch())));
        }
    }
    frames.extend(batches.iter().flat_map(|batch| outlive(batch.as_batch())));
    assert!(capture.next_shared()?.is_none(), "the end stays the end");
    Ok((frames, capture.damage().cloned()))
}

/// The frames of a batch, copied.
fn outlive(batch: FrameBatch<'_>) -> Vec<Seen> {
    assert!(!batch.is_empty(), "a batch has frames");
    assert_eq!(batch.iter().len(), batch.len());
    let copied = batch.into_iter().map(|frame| Seen {
        ts_ns: frame.ts_ns,
        link_type: frame.link_type.0,
        wire_len: frame.wire_len,
        bytes: frame.bytes.to_vec(),
    });
    copied.collect()
}

/// Reads the one capture in `bytes`, in both kinds of batches.
pub(crate) fn read(bytes: &[u8]) -> (Vec<Seen>, Option<Damage>) {
    let found = drain(&mut only(bytes)).expect("reads");
    assert_eq!(drain_shared(&mut only(bytes)).expect("reads"), found, "batches to share are the same");
    found
}

/// The one capture in `bytes`.
pub(crate) fn only(bytes: &[u8]) -> Capture {
    let mut captures = open_bytes(bytes, &InputLimits::default()).expect("opens");
    let capture = captures.next().expect("one capture").expect("is read");
    assert!(captures.next().is_none(), "one capture only");
    capture
}

/// Reads the one whole capture in `bytes`.
pub(crate) fn frames(bytes: &[u8]) -> Vec<Seen> {
    let (frames, damage) = read(bytes);
    assert_eq!(damage, None);
    frames
}

/// Byte order of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Big,
    Little,
}

pub(crate) const ORDERS: [Order; 2] = [Order::Big, Order::Little];

/// A file in the making.
#[derive(Debug, Clone)]
pub(crate) struct Build {
    order: Order,
    pub(crate) bytes: Vec<u8>,
}

impl Build {
    pub(crate) fn new(order: Order) -> Self {
        Self { order, bytes: Vec::new() }
    }

    pub(crate) fn half(mut self, value: u16) -> Self {
        self.bytes.extend(match self.order {
            Order::Big => value.to_be_bytes(),
            Order::Little => value.to_le_bytes(),
        });
        self
    }

    pub(crate) fn word(mut self, value: u32) -> Self {
        self.bytes.extend(match self.order {
            Order::Big => value.to_be_bytes(),
            Order::Little => value.to_le_bytes(),
        });
        self
    }

    pub(crate) fn words(self, values: &[u32]) -> Self {
        values.iter().fold(self, |build, value| build.word(*value))
    }

    pub(crate) fn long(self, value: u64) -> Self {
        let (high, low) = ((value >> 32) as u32, value as u32);
        if self.order == Order::Big { self.words(&[high, low]) } else { self.words(&[low, high]) }
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }

    /// Fills with zeros to a multiple of four.
    fn pad(mut self) -> Self {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    /// The header of a pcap file.
    pub(crate) fn pcap(self, magic: u32, link_type: u32) -> Self {
        self.word(magic).half(2).half(4).words(&[0, 0, 262_144, link_type])
    }

    /// A pcap record that was not cut.
    pub(crate) fn record(self, seconds: u32, ticks: u32, packet: &[u8]) -> Self {
        let length = packet.len() as u32;
        self.words(&[seconds, ticks, length, length]).raw(packet)
    }

    /// A pcapng block.
    pub(crate) fn block(self, kind: u32, body: impl FnOnce(Self) -> Self) -> Self {
        let body = body(Self::new(self.order)).pad().bytes;
        let length = body.len() as u32 + 12;
        self.words(&[kind, length]).raw(&body).word(length)
    }

    pub(crate) fn section(self) -> Self {
        self.block(0x0a0d_0d0a, |body| body.word(0x1a2b_3c4d).half(1).half(0).long(u64::MAX))
    }

    /// An interface with options, each of which is a code and a value.
    pub(crate) fn interface(self, link_type: u16, snap_bytes: u32, options: &[(u16, &[u8])]) -> Self {
        self.block(1, |body| {
            let body = body.half(link_type).half(0).word(snap_bytes);
            options
                .iter()
                .fold(body, |body, (code, value)| body.half(*code).half(value.len() as u16).raw(value).pad())
        })
    }

    /// An enhanced packet block.
    pub(crate) fn packet(self, interface: u32, ticks: u64, packet: &[u8]) -> Self {
        let length = packet.len() as u32;
        self.block(6, |body| {
            body.words(&[interface, (ticks >> 32) as u32, ticks as u32, length, length]).raw(packet)
        })
    }
}

/// A pcap of three Ethernet packets of 60, 61 and 0 bytes.
pub(crate) fn small_pcap() -> Vec<u8> {
    Build::new(Order::Little)
        .pcap(0xa1b2_c3d4, 1)
        .record(1, 2, &[7; 60])
        .record(1, 3, &[8; 61])
        .record(2, 0, &[])
        .bytes
}

/// What [`small_pcap`] holds.
pub(crate) fn small_frames() -> Vec<Seen> {
    vec![seen(1_000_002_000, &[7; 60]), seen(1_000_003_000, &[8; 61]), seen(2_000_000_000, &[])]
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).expect("memory");
    writer.finish().expect("memory")
}
