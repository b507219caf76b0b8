//! The classic capture format: one header, then records of a fixed header and the packet.

use crate::walk::{BATCH_RECORDS, Next, Record, Walked, half, word};
use flow_meter::LinkType;

const FILE_HEADER_BYTES: usize = 24;
const NS_PER_S: i64 = 1_000_000_000;

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;
/// Alexey Kuznetsov's patched libpcap: eight more bytes a record.
const MODIFIED: u32 = 0xa1b2_cd34;

/// Whether a file that begins so is of this format.
pub(crate) fn is_magic(head: [u8; 4]) -> bool {
    let known = |magic| matches!(magic, MICROSECONDS | NANOSECONDS | MODIFIED);
    known(u32::from_le_bytes(head)) || known(u32::from_be_bytes(head))
}

/// Reads records one after another.
#[derive(Debug, Clone)]
pub(crate) struct PcapWalker {
    packet_bytes_max: u32,
    header: Option<Header>,
    first_link_type: Option<LinkType>,
}

/// What the file header says.
#[derive(Debug, Clone, Copy)]
struct Header {
    /// Magic and version as they stand in the file. A record cannot begin so (it would be of the year 2055 and of a
    /// time of day that no writer of this kind gives), so one that does is the header of a file appended to this.
    opening: [u8; 8],
    big_endian: bool,
    ns_per_tick: i64,
    record_header_bytes: usize,
    link_type: LinkType,
}

impl PcapWalker {
    pub(crate) fn new(packet_bytes_max: u32) -> Self {
        Self { packet_bytes_max, header: None, first_link_type: None }
    }

    pub(crate) fn first_link_type(&self) -> Option<LinkType> {
        self.first_link_type
    }

    /// Lists the records at the front of `bytes`, up to a full batch.
    pub(crate) fn walk(&mut self, bytes: &[u8], records: &mut Vec<Record>) -> Walked {
        let mut consumed = 0;
        loop {
            let Some(header) = self.header else {
                if bytes.len() - consumed < FILE_HEADER_BYTES {
                    return Walked { consumed, next: Next::Need(FILE_HEADER_BYTES) };
                }
                match Header::read(&bytes[consumed..]) {
                    Ok(header) => {
                        self.first_link_type.get_or_insert(header.link_type);
                        self.header = Some(header);
                        consumed += FILE_HEADER_BYTES;
                    }
                    Err(what) => return Walked { consumed, next: Next::Damaged(what) },
                }
                continue;
            };
            let next = if header.big_endian {
                self.records::<true>(&header, bytes, &mut consumed, records)
            } else {
                self.records::<false>(&header, bytes, &mut consumed, records)
            };
            match next {
                Some(next) => return Walked { consumed, next },
                None => self.header = None,
            }
        }
    }

    /// Lists records until something else must happen; `None` when another file's header follows.
    fn records<const BIG: bool>(
        &self,
        header: &Header,
        bytes: &[u8],
        consumed: &mut usize,
        records: &mut Vec<Record>,
    ) -> Option<Next> {
        let mut at = *consumed;
        let next = loop {
            if records.len() >= BATCH_RECORDS {
                break Some(Next::Full);
            }
            let rest = &bytes[at..];
            if rest.len() < header.record_header_bytes {
                break Some(Next::Need(header.record_header_bytes));
            }
            let (mut captured, mut wire_len) = (word::<BIG>(rest, 8), word::<BIG>(rest, 12));
            if rest[..8] == header.opening {
                break None;
            }
            if captured > wire_len {
                // Writers before version 2.4 had the two lengths in the other order; in later files the wire length
                // is wrong, and the captured bytes are the only ones known.
                if header.lengths_may_be_swapped::<BIG>() {
                    (captured, wire_len) = (wire_len, captured);
                } else {
                    wire_len = captured;
                }
            }
            if captured > self.packet_bytes_max {
                let max = self.packet_bytes_max;
                break Some(Next::Damaged(format!(
                    "a packet of {captured} bytes, at most {max} are taken (packet_bytes_max)"
                )));
            }
            let whole = header.record_header_bytes + captured as usize;
            if rest.len() < whole {
                break Some(Next::Need(whole));
            }
            let seconds = i64::from(word::<BIG>(rest, 0));
            let ticks = i64::from(word::<BIG>(rest, 4));
            records.push(Record {
                ts_ns: seconds * NS_PER_S + ticks * header.ns_per_tick,
                offset: (at + header.record_header_bytes) as u32,
                captured,
                wire_len,
                link_type: header.link_type,
            });
            at += whole;
        };
        *consumed = at;
        next
    }
}

impl Header {
    /// Reads the first 24 of `bytes`, which are there.
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let big_endian = bytes[0] == 0xa1;
        if big_endian { Self::read_as::<true>(bytes) } else { Self::read_as::<false>(bytes) }
    }

    fn read_as<const BIG: bool>(bytes: &[u8]) -> Result<Self, String> {
        let (ns_per_tick, record_header_bytes) = match word::<BIG>(bytes, 0) {
            MICROSECONDS => (1000, 16),
            NANOSECONDS => (1, 16),
            MODIFIED => (1000, 24),
            magic => return Err(format!("a pcap header cannot begin with {magic:#010x}")),
        };
        let (major, minor) = (half::<BIG>(bytes, 4), half::<BIG>(bytes, 6));
        // Later ones have never come; files that claim one have a damaged header before sound records.
        if major < 2 {
            return Err(format!("pcap version {major}.{minor}, only 2.0 and later are read"));
        }
        let mut opening = [0; 8];
        opening.copy_from_slice(&bytes[..8]);
        // The upper bits tell whether and how long a frame check sequence is kept; the lower sixteen are the type.
        let link_type = LinkType(word::<BIG>(bytes, 20) as u16);
        Ok(Self { opening, big_endian: BIG, ns_per_tick, record_header_bytes, link_type })
    }

    fn lengths_may_be_swapped<const BIG: bool>(&self) -> bool {
        half::<BIG>(&self.opening, 6) < 4
    }
}
