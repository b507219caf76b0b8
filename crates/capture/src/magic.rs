//! What some content is, told by its first bytes.

use crate::{pcap, pcapng};

/// What [`crate::open`] reads, as said in errors.
pub(crate) const SUPPORTED: &str =
    "pcap and pcapng, each also in gzip or zstd, and zip archives of them (told by content, not by name)";

/// Bytes that are enough to tell the supported formats.
pub(crate) const MAGIC_BYTES: usize = 4;

/// A format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Pcap,
    Pcapng,
    Gzip,
    Zstd,
    Zip,
    /// None of them; [`describe`] may know it.
    Other,
}

impl Content {
    /// Tells by the first [`MAGIC_BYTES`].
    pub(crate) fn of(head: &[u8]) -> Self {
        let Some(&magic) = head.first_chunk::<MAGIC_BYTES>() else {
            return Self::Other;
        };
        match magic {
            _ if pcap::is_magic(magic) => Self::Pcap,
            _ if pcapng::is_magic(magic) => Self::Pcapng,
            [0x1f, 0x8b, _, _] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Self::Zstd,
            [b'P', b'K', 3, 4] | [b'P', b'K', 5, 6] | [b'P', b'K', 7, 8] => Self::Zip,
            _ => Self::Other,
        }
    }
}

/// Names content that is no capture, for a person who gave it as one.
pub(crate) fn describe(head: &[u8]) -> String {
    match Content::of(head) {
        Content::Pcap | Content::Pcapng => return "a capture".to_owned(),
        Content::Gzip => return "gzip inside a packed file; unpack the outer layer first".to_owned(),
        Content::Zstd => return "zstd inside a packed file; unpack the outer layer first".to_owned(),
        Content::Zip => return "a zip archive inside a packed file; unpack the outer layer first".to_owned(),
        Content::Other => {}
    }
    if head.is_empty() {
        return "empty".to_owned();
    }
    if let Some((_, name)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return (*name).to_owned();
    }
    if head.get(257..262) == Some(b"ustar") {
        return "a tar archive; give the captures in it".to_owned();
    }
    if let Some(text) = as_text(head) {
        return describe_text(text);
    }
    let shown: Vec<String> = head.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("content of an unknown kind that begins with the bytes {}", shown.join(" "))
}

/// Formats that people give by mistake.
const FOREIGN: &[(&[u8], &str)] = &[
    (b"snoop\0\0\0", "a snoop capture; convert it with: editcap -F pcapng IN OUT"),
    (b"GMBU", "a Microsoft Network Monitor capture; convert it with: editcap -F pcapng IN OUT"),
    (b"RTSS", "a Microsoft Network Monitor capture; convert it with: editcap -F pcapng IN OUT"),
    (b"\x7fELF", "a program"),
    (b"%PDF", "a PDF document"),
    (b"BZh", "a bzip2 file; unpack it first"),
    (b"\xfd7zXZ\0", "an xz file; unpack it first"),
    (b"\x04\x22\x4d\x18", "an lz4 file; unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
    (b"Rar!", "a rar archive; unpack it first"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"PAR1", "a Parquet table"),
    (b"version https://git-lfs", "a Git LFS pointer; fetch the file itself with: git lfs pull"),
];

/// The head as text, when it is text. A character cut at the end of the head does not count.
fn as_text(head: &[u8]) -> Option<&str> {
    let head = &head[..head.len().min(4096)];
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{feff}');
    (!text.is_empty() && !text.contains(is_control)).then_some(text)
}

fn describe_text(text: &str) -> String {
    let first = text.trim_start().lines().next().unwrap_or_default();
    let commas = first.matches(',').count();
    match first.chars().next() {
        Some('{' | '[') => "JSON text".to_owned(),
        Some('<') => "HTML or XML text".to_owned(),
        _ if commas >= 2 => format!("CSV text of {} columns", commas + 1),
        _ => "text".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        let check = |head: &[u8], content: Content| assert_eq!(Content::of(head), content, "{head:x?}");
        check(&[0xd4, 0xc3, 0xb2, 0xa1], Content::Pcap);
        check(&[0xa1, 0xb2, 0xc3, 0xd4], Content::Pcap);
        check(&[0x4d, 0x3c, 0xb2, 0xa1], Content::Pcap);
        check(&[0xa1, 0xb2, 0x3c, 0x4d], Content::Pcap);
        check(&[0x34, 0xcd, 0xb2, 0xa1], Content::Pcap);
        check(&[0x0a, 0x0d, 0x0d, 0x0a], Content::Pcapng);
        check(&[0x1f, 0x8b, 8, 0], Content::Gzip);
        check(&[0x28, 0xb5, 0x2f, 0xfd], Content::Zstd);
        check(b"PK\x03\x04", Content::Zip);
        check(b"PK\x05\x06", Content::Zip);
        check(b"PK", Content::Other);
        check(b"", Content::Other);
    }

    #[test]
    fn what_is_no_capture_is_named() {
        let check = |head: &[u8], part: &str| {
            let found = describe(head);
            assert!(found.contains(part), "{found:?} should say {part:?}");
        };
        check(b"", "empty");
        check(b"Flow ID,Src IP,Src Port\n1,2,3\n", "CSV text of 3 columns");
        check(b"\xef\xbb\xbf{\"a\": 1}", "text");
        check(b" {\"a\": 1}", "JSON");
        check(b"<!doctype html>", "HTML");
        check("gr\u{fc}n".as_bytes(), "text");
        check(&"gr\u{fc}".as_bytes()[..3], "text");
        check(b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer");
        check(b"\x7fELF\x02", "a program");
        check(&[0xff, 0xfe, 0, 1], "ff fe 00 01");
        check(&[0x1f, 0x8b, 8, 0], "gzip inside");
    }
}
