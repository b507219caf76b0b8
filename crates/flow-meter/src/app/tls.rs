//! TLS records, and the `ClientHello` as far as the first segment holds it.

use super::{Found, Name, Payload};
use schema::TlsClientHello;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;
/// Entries kept of each list; longer ones are cut.
const LIST_MAX: usize = 256;
/// A host name's longest form (RFC 1035).
const NAME_MAX: usize = 255;

pub(super) fn recognise(payload: &Payload<'_>) -> Option<Found> {
    let head = payload.bytes.first_chunk::<6>()?;
    if head[0] != HANDSHAKE || head[1] != 3 || head[2] > 4 {
        return None;
    }
    let tls = match head[5] {
        CLIENT_HELLO => client_hello(&payload.bytes[5..]).map(Box::new),
        SERVER_HELLO => None,
        _ => return None,
    };
    Some(Found { tls, ..Found::plain(Name::Tls) })
}

/// Reads forward and stops where the bytes stop.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|one| one[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|two| u16::from_be_bytes([two[0], two[1]]))
    }

    /// What a length of two bytes announces, or as much of it as there is.
    fn block(&mut self) -> Option<Self> {
        let length = usize::from(self.u16()?);
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        Some(Self(taken))
    }

    fn list(&mut self) -> Vec<u32> {
        let mut values = Vec::new();
        while let Some(value) = self.u16() {
            if values.len() < LIST_MAX && !is_grease(value) {
                values.push(u32::from(value));
            }
        }
        values
    }
}

/// Values that say nothing (RFC 8701): 0x0a0a, 0x1a1a, ...
fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

fn client_hello(handshake: &[u8]) -> Option<TlsClientHello> {
    let mut reader = Reader(handshake);
    reader.take(4)?;
    let mut hello = TlsClientHello { version: u32::from(reader.u16()?), ..Default::default() };
    reader.take(32)?;
    let session = usize::from(reader.u8()?);
    reader.take(session)?;
    hello.cipher_suites = reader.block()?.list();
    let compressions = usize::from(reader.u8()?);
    reader.take(compressions)?;
    let mut extensions = reader.block().unwrap_or(Reader(&[]));
    while let (Some(kind), Some(content)) = (extensions.u16(), extensions.block()) {
        if !is_grease(kind) && hello.extensions.len() < LIST_MAX {
            hello.extensions.push(u32::from(kind));
            extension(&mut hello, kind, content);
        }
    }
    Some(hello)
}

fn extension(hello: &mut TlsClientHello, kind: u16, mut content: Reader<'_>) {
    match kind {
        SERVER_NAME => {
            if let Some(name) = server_name(&mut content) {
                hello.server_name = name;
            }
        }
        SUPPORTED_GROUPS => {
            hello.groups = content.block().map(|mut groups| groups.list()).unwrap_or_default();
        }
        ALPN => {
            let mut names = content.block().unwrap_or(Reader(&[]));
            while let Some(length) = names.u8()
                && let Some(name) = names.take(usize::from(length))
                && hello.alpn.len() < LIST_MAX
            {
                hello.alpn.push(String::from_utf8_lossy(name).into_owned());
            }
        }
        SUPPORTED_VERSIONS => {
            let length = usize::from(content.u8().unwrap_or(0));
            let versions = Reader(content.0.get(..length).unwrap_or(content.0)).list();
            hello.version = versions.into_iter().max().unwrap_or(hello.version);
        }
        _ => {}
    }
}

fn server_name(content: &mut Reader<'_>) -> Option<String> {
    let mut list = content.block()?;
    let kind = list.u8()?;
    let name = list.block()?.0;
    (kind == 0 && name.len() <= NAME_MAX).then(|| String::from_utf8_lossy(name).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small hello with GREASE in every list.
    fn hello() -> Vec<u8> {
        let block = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
        let extension = |kind: u16, bytes: &[u8]| [&kind.to_be_bytes()[..], &block(bytes)].concat();
        let name = [&[0u8][..], &block(b"www.example.org")].concat();
        let extensions = [
            extension(0x1a1a, &[]),
            extension(SERVER_NAME, &block(&name)),
            extension(SUPPORTED_GROUPS, &block(&[0x0a, 0x0a, 0, 29, 0, 23])),
            extension(ALPN, &block(b"\x02h2\x08http/1.1")),
            extension(SUPPORTED_VERSIONS, &[6, 0x7a, 0x7a, 3, 4, 3, 3]),
        ]
        .concat();
        let body =
            [&[3u8, 3][..], &[7; 32], &[0], &block(&[0x2a, 0x2a, 0x13, 1]), &[1, 0], &block(&extensions)];
        let body = body.concat();
        let handshake = [&[CLIENT_HELLO, 0][..], &block(&body)].concat();
        [&[HANDSHAKE, 3, 1][..], &block(&handshake)].concat()
    }

    #[test]
    fn reads_a_hello_and_survives_every_cut() {
        let bytes = hello();
        let found = client_hello(&bytes[5..]).expect("hello");
        assert_eq!(found.server_name, "www.example.org");
        assert_eq!((found.version, &found.cipher_suites[..]), (0x0304, &[0x1301][..]));
        assert_eq!(found.groups, [29, 23]);
        assert_eq!(found.alpn, ["h2", "http/1.1"]);
        assert_eq!(found.extensions, [0, 10, 16, 43]);
        for cut in 0..bytes.len() {
            let payload =
                Payload { bytes: &bytes[..cut], len: bytes.len() as u32, protocol: 6, ports: [1, 443] };
            assert_eq!(recognise(&payload).is_some(), cut >= 6);
        }
    }
}
