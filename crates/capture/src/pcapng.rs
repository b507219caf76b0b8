//! The block format: sections, each in its own byte order, with interfaces of their own link types and clocks.

use crate::InputLimits;
use crate::ticks::Ticks;
use crate::walk::{BATCH_RECORDS, Next, Record, Walked, half, word};
use flow_meter::LinkType;

/// Reads the same in both byte orders.
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// Type and length in front, length again behind.
const BLOCK_FRAME_BYTES: usize = 12;
/// Room for the options of a packet block beside its packet.
const BLOCK_EXTRA_BYTES: usize = 128 << 10;

const OPTION_END: u16 = 0;
const OPTION_RESOLUTION: u16 = 9;
const OPTION_OFFSET: u16 = 14;
const NS_PER_S: i64 = 1_000_000_000;

/// Whether a file that begins so is of this format.
pub(crate) fn is_magic(head: [u8; 4]) -> bool {
    u32::from_le_bytes(head) == SECTION
}

/// The longest block that must be whole in the buffer to be read.
pub(crate) fn block_bytes_max(packet_bytes_max: u32) -> usize {
    packet_bytes_max as usize + BLOCK_EXTRA_BYTES
}

/// Reads blocks one after another.
#[derive(Debug, Clone)]
pub(crate) struct PcapngWalker {
    packet_bytes_max: u32,
    interfaces_max: u32,
    big_endian: bool,
    interfaces: Vec<Interface>,
    first_link_type: Option<LinkType>,
    /// Time of the latest packet that had one: what a simple packet block, which has none, is given.
    latest_ns: i64,
}

#[derive(Debug, Clone, Copy)]
struct Interface {
    link_type: LinkType,
    snap_bytes: u32,
    ticks: Ticks,
    offset_ns: i64,
}

/// One whole block: its type and what is between its lengths.
struct Block<'a> {
    kind: u32,
    /// Offset of `body` in the bytes walked.
    body_at: usize,
    body: &'a [u8],
}

impl PcapngWalker {
    pub(crate) fn new(limits: &InputLimits) -> Self {
        Self {
            packet_bytes_max: limits.packet_bytes_max,
            interfaces_max: limits.interfaces_max,
            big_endian: false,
            interfaces: Vec::new(),
            first_link_type: None,
            latest_ns: 0,
        }
    }

    pub(crate) fn first_link_type(&self) -> Option<LinkType> {
        self.first_link_type
    }

    /// Lists the packets of the blocks at the front of `bytes`, up to a full batch.
    pub(crate) fn walk(&mut self, bytes: &[u8], records: &mut Vec<Record>) -> Walked {
        let mut consumed = 0;
        while records.len() < BATCH_RECORDS {
            let rest = &bytes[consumed..];
            if rest.len() < BLOCK_FRAME_BYTES {
                return Walked { consumed, next: Next::Need(BLOCK_FRAME_BYTES) };
            }
            if let Err(what) = self.section_order(rest) {
                return Walked { consumed, next: Next::Damaged(what) };
            }
            let step = if self.big_endian {
                self.block::<true>(rest, consumed, records)
            } else {
                self.block::<false>(rest, consumed, records)
            };
            match step {
                Ok(block_bytes) => consumed += block_bytes,
                Err(next) => return Walked { consumed, next },
            }
        }
        Walked { consumed, next: Next::Full }
    }

    /// A section header sets the byte order in which even its own length must be read.
    fn section_order(&mut self, rest: &[u8]) -> Result<(), String> {
        if word::<false>(rest, 0) != SECTION {
            return Ok(());
        }
        self.big_endian = match (word::<false>(rest, 8), word::<true>(rest, 8)) {
            (BYTE_ORDER_MAGIC, _) => false,
            (_, BYTE_ORDER_MAGIC) => true,
            (magic, _) => return Err(format!("a section's byte-order magic cannot be {magic:#010x}")),
        };
        Ok(())
    }

    /// Takes one block, at `at` in the bytes walked; gives its length, or why it cannot be taken.
    fn block<const BIG: bool>(
        &mut self,
        rest: &[u8],
        at: usize,
        records: &mut Vec<Record>,
    ) -> Result<usize, Next> {
        let kind = word::<BIG>(rest, 0);
        let length = word::<BIG>(rest, 4);
        let whole = length as usize;
        if whole < BLOCK_FRAME_BYTES || !whole.is_multiple_of(4) {
            return Err(Next::Damaged(format!("a block of type {kind:#x} cannot be {length} bytes long")));
        }
        if rest.len() < whole {
            return Err(self.wait_for(kind, whole));
        }
        let trailer = word::<BIG>(rest, whole - 4);
        if trailer != length {
            return Err(Next::Damaged(format!(
                "a block of type {kind:#x} is {length} bytes long in front, {trailer} behind"
            )));
        }
        let block = Block { kind, body_at: at + 8, body: &rest[8..whole - 4] };
        match self.read::<BIG>(&block) {
            Ok(None) => {}
            Ok(Some(record)) => records.push(record),
            Err(what) => return Err(Next::Damaged(what)),
        }
        Ok(whole)
    }

    /// A block that is not all here: waited for when it is read, else skipped as it streams by.
    fn wait_for(&self, kind: u32, whole: usize) -> Next {
        let max = block_bytes_max(self.packet_bytes_max);
        if whole <= max {
            return Next::Need(whole);
        }
        match kind {
            SECTION | INTERFACE | OLD_PACKET | SIMPLE_PACKET | ENHANCED_PACKET => {
                Next::Damaged(format!("a block of type {kind:#x} of {whole} bytes, at most {max} are taken"))
            }
            _ => Next::Skip(whole as u64),
        }
    }

    fn read<const BIG: bool>(&mut self, block: &Block<'_>) -> Result<Option<Record>, String> {
        match block.kind {
            ENHANCED_PACKET => self.timed_packet::<BIG>(block, true).map(Some),
            SIMPLE_PACKET => self.simple_packet::<BIG>(block).map(Some),
            OLD_PACKET => self.timed_packet::<BIG>(block, false).map(Some),
            INTERFACE => self.interface::<BIG>(block.body).map(|()| None),
            SECTION => self.section::<BIG>(block.body).map(|()| None),
            _ => Ok(None),
        }
    }

    fn section<const BIG: bool>(&mut self, body: &[u8]) -> Result<(), String> {
        if body.len() < 16 {
            return Err(format!("a section header of {} bytes", body.len()));
        }
        let (major, minor) = (half::<BIG>(body, 4), half::<BIG>(body, 6));
        if major != 1 {
            return Err(format!("pcapng version {major}.{minor}, only 1.x is read"));
        }
        self.interfaces.clear();
        Ok(())
    }

    fn interface<const BIG: bool>(&mut self, body: &[u8]) -> Result<(), String> {
        if body.len() < 8 {
            return Err(format!("an interface description of {} bytes", body.len()));
        }
        if self.interfaces.len() >= self.interfaces_max as usize {
            let max = self.interfaces_max;
            return Err(format!("a section of more than {max} interfaces (interfaces_max)"));
        }
        let mut interface = Interface {
            link_type: LinkType(half::<BIG>(body, 0)),
            snap_bytes: word::<BIG>(body, 4),
            ticks: Ticks::MICROSECONDS,
            offset_ns: 0,
        };
        interface.read_options::<BIG>(&body[8..])?;
        self.first_link_type.get_or_insert(interface.link_type);
        self.interfaces.push(interface);
        Ok(())
    }

    /// An enhanced packet block or its predecessor: they differ in how the interface is given.
    #[inline]
    fn timed_packet<const BIG: bool>(&mut self, block: &Block<'_>, enhanced: bool) -> Result<Record, String> {
        const HEADER_BYTES: usize = 20;
        let body = block.body;
        if body.len() < HEADER_BYTES {
            return Err(format!("a packet block of {} bytes", body.len() + BLOCK_FRAME_BYTES));
        }
        let number = if enhanced { word::<BIG>(body, 0) } else { u32::from(half::<BIG>(body, 0)) };
        let interface = self.interface_at(number)?;
        let captured = word::<BIG>(body, 12);
        self.check_captured(captured, body.len() - HEADER_BYTES)?;
        let count = u64::from(word::<BIG>(body, 4)) << 32 | u64::from(word::<BIG>(body, 8));
        self.latest_ns = interface.ticks.to_ns(count).saturating_add(interface.offset_ns);
        Ok(Record {
            ts_ns: self.latest_ns,
            offset: (block.body_at + HEADER_BYTES) as u32,
            captured,
            wire_len: word::<BIG>(body, 16).max(captured),
            link_type: interface.link_type,
        })
    }

    fn simple_packet<const BIG: bool>(&self, block: &Block<'_>) -> Result<Record, String> {
        const HEADER_BYTES: usize = 4;
        if block.body.len() < HEADER_BYTES {
            return Err("a simple packet block without a length".to_owned());
        }
        let interface = self.interface_at(0)?;
        let wire_len = word::<BIG>(block.body, 0);
        let captured = if interface.snap_bytes == 0 { wire_len } else { wire_len.min(interface.snap_bytes) };
        self.check_captured(captured, block.body.len() - HEADER_BYTES)?;
        Ok(Record {
            ts_ns: self.latest_ns,
            offset: (block.body_at + HEADER_BYTES) as u32,
            captured,
            wire_len,
            link_type: interface.link_type,
        })
    }

    fn interface_at(&self, number: u32) -> Result<Interface, String> {
        self.interfaces.get(number as usize).copied().ok_or_else(|| {
            format!("a packet of interface {number}, the section describes {}", self.interfaces.len())
        })
    }

    fn check_captured(&self, captured: u32, room: usize) -> Result<(), String> {
        if captured as usize > room {
            return Err(format!("a packet of {captured} bytes in a block with room for {room}"));
        }
        if captured > self.packet_bytes_max {
            let max = self.packet_bytes_max;
            return Err(format!("a packet of {captured} bytes, at most {max} are taken (packet_bytes_max)"));
        }
        Ok(())
    }
}

impl Interface {
    fn read_options<const BIG: bool>(&mut self, mut options: &[u8]) -> Result<(), String> {
        while options.len() >= 4 {
            let (code, length) = (half::<BIG>(options, 0), usize::from(half::<BIG>(options, 2)));
            if code == OPTION_END {
                break;
            }
            let Some(value) = options.get(4..4 + length) else {
                return Err(format!("an interface option of {length} bytes, {} left", options.len() - 4));
            };
            match (code, length) {
                (OPTION_RESOLUTION, 1) => self.ticks = Ticks::from_resolution(value[0]),
                (OPTION_OFFSET, 8) => self.offset_ns = offset_ns::<BIG>(value),
                _ => {}
            }
            options = options.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        }
        Ok(())
    }
}

/// Eight bytes of signed seconds, in nanoseconds.
fn offset_ns<const BIG: bool>(value: &[u8]) -> i64 {
    let (first, second) = (u64::from(word::<BIG>(value, 0)), u64::from(word::<BIG>(value, 4)));
    let seconds = if BIG { first << 32 | second } else { second << 32 | first };
    (seconds as i64).saturating_mul(NS_PER_S)
}
