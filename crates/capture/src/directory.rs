//! The directory of a zip archive: what entries there are, and which of them are refused.
//!
//! Written for hostile archives: sizes in it are only used to place reads inside the file, names only to be shown.
//! An archive that lost its directory (it stands at the end) is read by the headers in front of its entries.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

const END_SIGNATURE: u32 = 0x0605_4b50;
const END_BYTES: u64 = 22;
const COMMENT_BYTES_MAX: u64 = 0xffff;
const LOCATOR_SIGNATURE: u32 = 0x0706_4b50;
const LOCATOR_BYTES: u64 = 20;
const LARGE_END_SIGNATURE: u32 = 0x0606_4b50;
const CENTRAL_SIGNATURE: u32 = 0x0201_4b50;
const CENTRAL_BYTES: u64 = 46;
const LOCAL_SIGNATURE: u32 = 0x0403_4b50;
const LOCAL_BYTES: u64 = 30;
/// Extra field with the 64-bit values of those that are all ones.
const LARGE_EXTRA: u16 = 1;
const LARGE: u32 = u32::MAX;

const FLAG_ENCRYPTED: u16 = 1;
const FLAG_SIZES_FOLLOW: u16 = 1 << 3;
/// Not compressed: nothing in the bytes tells where they end.
pub(crate) const STORED: u16 = 0;
const UNIX: u8 = 3;
const UNIX_KIND: u32 = 0o170_000;
const UNIX_SYMLINK: u32 = 0o120_000;

/// One file in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Fit to be shown.
    pub(crate) name: String,
    /// Where its own header stands.
    pub(crate) header_at: u64,
    pub(crate) packed_bytes: u64,
    pub(crate) method: u16,
    pub(crate) check: Option<Check>,
    /// Why it must not be opened, and what to do.
    pub(crate) refusal: Option<&'static str>,
}

/// What an entry should unpack to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) bytes: u64,
    pub(crate) crc32: u32,
}

/// The entries in file order.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(crate) entries: Vec<Entry>,
    /// The directory was read to its end.
    pub(crate) is_whole: bool,
    /// There are more entries than were asked for.
    pub(crate) is_over_limit: bool,
}

/// Reads the directory of `file`, at most `entries_max` entries.
pub(crate) fn read_directory(file: &File, entries_max: u64) -> io::Result<Directory> {
    let file_bytes = file.metadata()?.len();
    let archive = Archive { file, file_bytes };
    let mut listing = Listing::new(entries_max);
    let mut is_whole = false;
    if let Some(place) = archive.find_end()? {
        is_whole = archive.list_central(&place, &mut listing)?;
    }
    if listing.count == 0 && !is_whole {
        archive.list_locals(&mut listing)?;
    }
    let mut directory =
        Directory { is_over_limit: listing.is_over_limit(), entries: listing.entries, is_whole };
    directory.entries.sort_by_key(|entry| entry.header_at);
    refuse_overlaps(&mut directory.entries);
    Ok(directory)
}

/// Where the bytes of `entry` begin, behind its own header; `None` when that header is not there.
pub(crate) fn find_content(file: &File, entry: &Entry) -> io::Result<Option<u64>> {
    let mut header = [0; LOCAL_BYTES as usize];
    match file.read_exact_at(&mut header, entry.header_at) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        done => done?,
    }
    let names = u64::from(half(&header, 26)) + u64::from(half(&header, 28));
    Ok((word(&header, 0) == LOCAL_SIGNATURE).then(|| entry.header_at.saturating_add(LOCAL_BYTES + names)))
}

/// Where the central directory stands.
struct Place {
    at: u64,
    bytes: u64,
    entries: u64,
}

/// Entries as they are found. Folders count, but are not listed.
struct Listing {
    entries: Vec<Entry>,
    names: HashSet<Vec<u8>>,
    count: u64,
    entries_max: u64,
}

impl Listing {
    fn new(entries_max: u64) -> Self {
        Self { entries: Vec::new(), names: HashSet::new(), count: 0, entries_max }
    }

    fn is_over_limit(&self) -> bool {
        self.count > self.entries_max
    }

    fn add(&mut self, header: &Header, name: &[u8]) {
        self.count += 1;
        if name.ends_with(b"/") || self.is_over_limit() {
            return;
        }
        let is_new = self.names.insert(name.to_owned());
        self.entries.push(Entry {
            refusal: header.refusal(name).or((!is_new).then_some("refused: a second entry of this name")),
            name: shown(name),
            header_at: header.at,
            packed_bytes: header.packed_bytes,
            method: header.method,
            check: header.check,
        });
    }
}

/// What either kind of header says of an entry.
struct Header {
    flags: u16,
    method: u16,
    /// Where its own header stands.
    at: u64,
    packed_bytes: u64,
    check: Option<Check>,
    is_symlink: bool,
}

impl Header {
    fn refusal(&self, name: &[u8]) -> Option<&'static str> {
        if self.flags & FLAG_ENCRYPTED != 0 {
            return Some("refused: encrypted; decrypt it first");
        }
        if self.is_symlink {
            return Some("refused: a symbolic link; put the file itself into the archive");
        }
        if self.method == STORED && self.check.is_none() {
            return Some("refused: its size is lost with the archive's directory");
        }
        let is_separator = |byte: &u8| matches!(byte, b'/' | b'\\');
        if name.first().is_some_and(is_separator) || name.get(1) == Some(&b':') {
            return Some("refused: an absolute path; use a relative one");
        }
        if name.split(|byte| is_separator(byte)).any(|part| part == b"..") {
            return Some("refused: a path that climbs out with '..'; use a plain one");
        }
        None
    }
}

/// A name with nothing in it that moves a terminal's cursor or turns the reading direction.
fn shown(name: &[u8]) -> String {
    let is_unfit = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    String::from_utf8_lossy(name).replace(is_unfit, "\u{fffd}")
}

/// An entry that runs over the next one's header is a way to make a bomb: the same bytes are unpacked many times.
fn refuse_overlaps(entries: &mut [Entry]) {
    for at in 1..entries.len() {
        let next_at = entries[at].header_at;
        let before = &mut entries[at - 1];
        let end = before.header_at.saturating_add(LOCAL_BYTES).saturating_add(before.packed_bytes);
        if end > next_at && before.refusal.is_none() {
            before.refusal = Some("refused: it overlaps another entry");
        }
    }
}

struct Archive<'a> {
    file: &'a File,
    file_bytes: u64,
}

impl Archive<'_> {
    /// Looks for the record that ends every archive.
    fn find_end(&self) -> io::Result<Option<Place>> {
        let tail_at = self.file_bytes.saturating_sub(END_BYTES + COMMENT_BYTES_MAX);
        let mut tail = vec![0; (self.file_bytes - tail_at) as usize];
        self.file.read_exact_at(&mut tail, tail_at)?;
        let ends = (0..=tail.len().saturating_sub(END_BYTES as usize)).rev();
        for at in ends {
            let Some(record) = tail.get(at..at + END_BYTES as usize) else { break };
            if word(record, 0) != END_SIGNATURE {
                continue;
            }
            let place = Place {
                at: word(record, 16).into(),
                bytes: word(record, 12).into(),
                entries: half(record, 10).into(),
            };
            let is_large =
                word(record, 16) == LARGE || word(record, 12) == LARGE || half(record, 10) == u16::MAX;
            if is_large && let Some(large) = self.find_large_end(tail_at + at as u64)? {
                return Ok(Some(large));
            }
            return Ok(Some(place));
        }
        Ok(None)
    }

    /// The end record of 64 bits, found by a locator before the one of 32 bits.
    fn find_large_end(&self, end_at: u64) -> io::Result<Option<Place>> {
        let Some(locator_at) = end_at.checked_sub(LOCATOR_BYTES) else { return Ok(None) };
        let Some(locator) = self.bytes_at::<{ LOCATOR_BYTES as usize }>(locator_at)? else { return Ok(None) };
        if word(&locator, 0) != LOCATOR_SIGNATURE {
            return Ok(None);
        }
        let Some(record) = self.bytes_at::<56>(long(&locator, 8))? else { return Ok(None) };
        Ok((word(&record, 0) == LARGE_END_SIGNATURE).then(|| Place {
            at: long(&record, 48),
            bytes: long(&record, 40),
            entries: long(&record, 32),
        }))
    }

    /// Lists what the central directory names; whether it was all there.
    fn list_central(&self, place: &Place, listing: &mut Listing) -> io::Result<bool> {
        let mut at = place.at;
        let end = place.at.saturating_add(place.bytes);
        while at < end && !listing.is_over_limit() {
            let Some(record) = self.bytes_at::<{ CENTRAL_BYTES as usize }>(at)? else { return Ok(false) };
            if word(&record, 0) != CENTRAL_SIGNATURE {
                return Ok(false);
            }
            let (name_bytes, extra_bytes) = (half(&record, 28), half(&record, 30));
            let Some(name) = self.run_at(at + CENTRAL_BYTES, name_bytes)? else { return Ok(false) };
            let extra_at = at + CENTRAL_BYTES + u64::from(name_bytes);
            let Some(extra) = self.run_at(extra_at, extra_bytes)? else { return Ok(false) };
            let large = LargeFields::new(&extra);
            let (bytes, packed_bytes, header_at) =
                large.resolve(word(&record, 24), word(&record, 20), word(&record, 42));
            let is_unix = record[5] == UNIX;
            listing.add(
                &Header {
                    flags: half(&record, 8),
                    method: half(&record, 10),
                    at: header_at,
                    packed_bytes,
                    check: Some(Check { bytes, crc32: word(&record, 16) }),
                    is_symlink: is_unix && (word(&record, 38) >> 16) & UNIX_KIND == UNIX_SYMLINK,
                },
                &name,
            );
            at = extra_at + u64::from(extra_bytes) + u64::from(half(&record, 32));
        }
        Ok(listing.count >= place.entries)
    }

    /// Lists entries by the headers in front of them, from the first on, as far as each tells where the next is.
    fn list_locals(&self, listing: &mut Listing) -> io::Result<()> {
        let mut at = 0;
        while !listing.is_over_limit() {
            let Some(record) = self.bytes_at::<{ LOCAL_BYTES as usize }>(at)? else { break };
            if word(&record, 0) != LOCAL_SIGNATURE {
                break;
            }
            let (name_bytes, extra_bytes) = (half(&record, 26), half(&record, 28));
            let Some(name) = self.run_at(at + LOCAL_BYTES, name_bytes)? else { break };
            let extra_at = at + LOCAL_BYTES + u64::from(name_bytes);
            let Some(extra) = self.run_at(extra_at, extra_bytes)? else { break };
            let content_at = extra_at + u64::from(extra_bytes);
            let (bytes, packed_bytes, _) =
                LargeFields::new(&extra).resolve(word(&record, 22), word(&record, 18), 0);
            let flags = half(&record, 6);
            let is_known = flags & FLAG_SIZES_FOLLOW == 0;
            let left = self.file_bytes - content_at;
            listing.add(
                &Header {
                    flags,
                    method: half(&record, 8),
                    at,
                    packed_bytes: if is_known { packed_bytes.min(left) } else { left },
                    check: is_known.then_some(Check { bytes, crc32: word(&record, 14) }),
                    is_symlink: false,
                },
                &name,
            );
            if !is_known || packed_bytes >= left {
                break;
            }
            at = content_at + packed_bytes;
        }
        Ok(())
    }

    /// `N` bytes at `at`; `None` when the file ends before.
    fn bytes_at<const N: usize>(&self, at: u64) -> io::Result<Option<[u8; N]>> {
        let mut bytes = [0; N];
        if at.checked_add(N as u64).is_none_or(|end| end > self.file_bytes) {
            return Ok(None);
        }
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(Some(bytes))
    }

    /// `count` bytes at `at`; `None` when the file ends before.
    fn run_at(&self, at: u64, count: u16) -> io::Result<Option<Vec<u8>>> {
        if at.checked_add(count.into()).is_none_or(|end| end > self.file_bytes) {
            return Ok(None);
        }
        let mut bytes = vec![0; count.into()];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(Some(bytes))
    }
}

/// The 64-bit values of an entry: only those that do not fit in 32 bits are there, in a fixed order.
struct LargeFields<'a>(&'a [u8]);

impl<'a> LargeFields<'a> {
    fn new(mut extra: &'a [u8]) -> Self {
        while extra.len() >= 4 {
            let field = extra.get(4..4 + usize::from(half(extra, 2))).unwrap_or_default();
            if half(extra, 0) == LARGE_EXTRA {
                return Self(field);
            }
            extra = extra.get(4 + usize::from(half(extra, 2))..).unwrap_or_default();
        }
        Self(&[])
    }

    /// Size, packed size and offset.
    fn resolve(mut self, bytes: u32, packed_bytes: u32, header_at: u32) -> (u64, u64, u64) {
        (self.next(bytes), self.next(packed_bytes), self.next(header_at))
    }

    fn next(&mut self, small: u32) -> u64 {
        if small != LARGE || self.0.len() < 8 {
            return small.into();
        }
        let value = long(self.0, 0);
        self.0 = &self.0[8..];
        value
    }
}

fn half(bytes: &[u8], at: usize) -> u16 {
    crate::walk::half::<false>(bytes, at)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    crate::walk::word::<false>(bytes, at)
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(word(bytes, at)) | u64::from(word(bytes, at + 4)) << 32
}
