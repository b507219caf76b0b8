//! What a flow's first payloads say about its protocol, told by content; a port only settles what content leaves open.
//!
//! Each direction's first payload is looked at once. A protocol is confirmed when the other end answers in kind.

mod ike;
mod openvpn;
mod plain;
mod tls;
mod wireguard;

use crate::key::{Direction, protocol};
use schema::{Application, TlsClientHello};

/// The protocols that are recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    Dns,
    Ftp,
    Http,
    Ike,
    Mqtt,
    Ntp,
    OpenVpn,
    Quic,
    Sip,
    Smb,
    Smtp,
    Ssh,
    Stun,
    Tls,
    WireGuard,
}

impl Name {
    fn text(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Ftp => "ftp",
            Self::Http => "http",
            Self::Ike => "ike",
            Self::Mqtt => "mqtt",
            Self::Ntp => "ntp",
            Self::OpenVpn => "openvpn",
            Self::Quic => "quic",
            Self::Sip => "sip",
            Self::Smb => "smb",
            Self::Smtp => "smtp",
            Self::Ssh => "ssh",
            Self::Stun => "stun",
            Self::Tls => "tls",
            Self::WireGuard => "wireguard",
        }
    }
}

/// One payload, and what is known about where it came from.
pub(crate) struct Payload<'a> {
    pub(crate) bytes: &'a [u8],
    /// On the wire; more than `bytes` when the capture cut it.
    pub(crate) len: u32,
    pub(crate) protocol: u8,
    pub(crate) ports: [u16; 2],
}

impl Payload<'_> {
    fn has_port(&self, port: u16) -> bool {
        self.ports.contains(&port)
    }
}

/// What one payload was recognised as.
struct Found {
    name: Name,
    /// The other direction has to say the same name for the protocol to be confirmed.
    evidence: String,
    tls: Option<Box<TlsClientHello>>,
    /// Bytes that the answer is expected to repeat (a session id).
    token: Option<[u8; 8]>,
}

impl Found {
    fn plain(name: Name) -> Self {
        Self { name, evidence: String::new(), tls: None, token: None }
    }

    fn with(name: Name, evidence: String) -> Self {
        Self { evidence, ..Self::plain(name) }
    }
}

/// What is known of a flow's protocol so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recogniser {
    looked: [bool; 2],
    found: Option<Box<Recognised>>,
}

#[derive(Debug, Clone)]
struct Recognised {
    name: Name,
    evidence: String,
    confirmed: bool,
    tls: Option<Box<TlsClientHello>>,
    token: Option<[u8; 8]>,
}

impl Recogniser {
    /// Whether later payload of this direction changes nothing.
    #[inline]
    pub(crate) fn looked(&self, direction: Direction) -> bool {
        self.looked[direction as usize]
    }

    /// Looks at the first payload of each direction.
    #[inline]
    pub(crate) fn update(&mut self, direction: Direction, payload: &Payload<'_>) {
        if payload.bytes.is_empty() || self.looked[direction as usize] {
            return;
        }
        self.looked[direction as usize] = true;
        self.look(payload);
    }

    fn look(&mut self, payload: &Payload<'_>) {
        match &mut self.found {
            Some(known) => {
                if let Some(answer) = recognise(payload, known.token)
                    && answer.name == known.name
                {
                    known.confirmed = true;
                    if !answer.evidence.is_empty() {
                        known.evidence = format!("{}; {}", known.evidence, answer.evidence);
                    }
                    if known.tls.is_none() {
                        known.tls = answer.tls;
                    }
                }
            }
            None => {
                if let Some(Found { name, evidence, tls, token }) = recognise(payload, None) {
                    self.found = Some(Box::new(Recognised { name, evidence, confirmed: false, tls, token }));
                }
            }
        }
    }

    pub(crate) fn application(&self) -> Option<Application> {
        self.found.as_ref().map(|found| Application {
            protocol: found.name.text().to_owned(),
            evidence: found.evidence.clone(),
            confirmed: found.confirmed,
            tls: found.tls.as_deref().cloned(),
        })
    }
}

/// The most telling first: a fixed handshake before a mere opcode, content before port.
fn recognise(payload: &Payload<'_>, token: Option<[u8; 8]>) -> Option<Found> {
    match payload.protocol {
        protocol::TCP => tls::recognise(payload)
            .or_else(|| plain::over_tcp(payload))
            .or_else(|| openvpn::over_tcp(payload, token)),
        protocol::UDP => wireguard::recognise(payload)
            .or_else(|| ike::recognise(payload))
            .or_else(|| plain::over_udp(payload))
            .or_else(|| openvpn::over_udp(payload, token)),
        _ => None,
    }
}
