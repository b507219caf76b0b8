//! Protocol marks: what a flow's own bytes say of its traffic class, before any statistics.

use schema::{Application, FlowRecord, TlsClientHello, TrafficClass};

/// How sure a protocol is that both ends speak.
const CONFIRMED: f32 = 1.0;
/// How sure a strict form is that one end sent and nobody answered.
const ONE_SIDED: f32 = 0.9;
/// How sure Tor's ClientHello is.
const TOR_HELLO: f32 = 0.98;

const ESP: u32 = 50;
const AH: u32 = 51;
/// The group that Tor offers and hardly anyone else: secp224r1.
const SECP224R1: u32 = 21;
/// Tor offers two or three groups; old OpenSSL clients offer secp224r1 among some twenty.
const TOR_GROUPS_MAX: usize = 5;
const EMPTY_RENEGOTIATION_INFO: u32 = 0x00ff;
const ALPN_EXTENSION: u32 = 16;

/// What the protocol says of a flow's class.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mark {
    /// No model is asked.
    Decides { class: TrafficClass, certainty: f32, reason: String },
    /// Too weak to decide; where the model says otherwise, the class is uncertain.
    Hints { class: TrafficClass, reason: String },
}

/// The mark of a flow of so many packets, if it has one.
pub(crate) fn mark(record: &FlowRecord, packets: u64) -> Option<Mark> {
    if let Some(name) = ipsec(record.protocol) {
        let reason = format!("protocol mark: IP protocol {} is {name}", record.protocol);
        return Some(Mark::Decides { class: TrafficClass::Vpn, certainty: CONFIRMED, reason });
    }
    let application = record.application.as_ref()?;
    vpn(application, packets).or_else(|| application.tls.as_ref().and_then(tor))
}

fn ipsec(protocol: u32) -> Option<&'static str> {
    match protocol {
        ESP => Some("ESP (IPsec)"),
        AH => Some("AH (IPsec)"),
        _ => None,
    }
}

fn vpn(application: &Application, packets: u64) -> Option<Mark> {
    let class = TrafficClass::Vpn;
    let (name, strict) = match application.protocol.as_str() {
        "wireguard" => ("WireGuard", true),
        "ike" => ("IKE (IPsec)", true),
        // A first byte and a session id: too little to decide by while nobody answers.
        "openvpn" => ("OpenVPN", false),
        "esp" => ("ESP in UDP (IPsec)", false),
        _ => return None,
    };
    let evidence = shown(&application.evidence);
    if application.confirmed {
        let reason = format!("protocol mark: {name} on both sides{evidence}");
        return Some(Mark::Decides { class, certainty: CONFIRMED, reason });
    }
    // A lone packet is a try, not a tunnel.
    if strict && packets > 1 {
        let reason = format!("protocol mark: {name} on one side{evidence}");
        return Some(Mark::Decides { class, certainty: ONE_SIDED, reason });
    }
    Some(Mark::Hints { class, reason: format!("looks like {name}, unconfirmed{evidence}") })
}

fn shown(evidence: &str) -> String {
    if evidence.is_empty() { String::new() } else { format!(": {evidence}") }
}

/// Tor's ClientHello: a random server name, and an offer that no browser makes.
fn tor(hello: &TlsClientHello) -> Option<Mark> {
    let offer = hello.groups.contains(&SECP224R1)
        && hello.groups.len() <= TOR_GROUPS_MAX
        && hello.cipher_suites.contains(&EMPTY_RENEGOTIATION_INFO)
        && hello.alpn.is_empty()
        && !hello.extensions.contains(&ALPN_EXTENSION);
    if !offer || !is_tor_name(&hello.server_name) {
        return None;
    }
    let reason = format!(
        "protocol mark: Tor's ClientHello: random server name {:?}, no ALPN, group secp224r1 among {}",
        hello.server_name,
        hello.groups.len()
    );
    Some(Mark::Decides { class: TrafficClass::Tor, certainty: TOR_HELLO, reason })
}

/// `www.`, then 4 to 25 characters of base32 in lower case, then `.com`: as Tor makes its server names up.
fn is_tor_name(name: &str) -> bool {
    let label = name.strip_prefix("www.").and_then(|rest| rest.strip_suffix(".com"));
    label.is_some_and(|label| {
        (4..=25).contains(&label.len()) && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use TrafficClass::{Tor, Vpn};
    use schema::Traffic;

    fn spoken(protocol: &str, confirmed: bool, packets: u64) -> FlowRecord {
        let application = Application { protocol: protocol.into(), confirmed, ..Application::default() };
        let forward = Some(Traffic { packets, ..Traffic::default() });
        FlowRecord { protocol: 17, application: Some(application), forward, ..FlowRecord::default() }
    }

    fn hello(server_name: &str, change: impl Fn(&mut TlsClientHello)) -> FlowRecord {
        let mut tls = TlsClientHello {
            server_name: server_name.into(),
            version: 0x0303,
            alpn: vec![],
            cipher_suites: vec![0x1301, 0x1303, 0x1302, 0xc02b, 0x00ff],
            extensions: vec![0, 11, 10, 35, 22, 23, 13, 43, 45, 51, 21],
            groups: vec![0x17, 0x1d, 0x15],
        };
        change(&mut tls);
        let application = Application { protocol: "tls".into(), tls: Some(tls), ..Application::default() };
        FlowRecord { protocol: 6, application: Some(application), ..FlowRecord::default() }
    }

    fn check(record: &FlowRecord, wanted: Option<(TrafficClass, bool)>) {
        let packets = record.forward.as_ref().map_or(2, |traffic| traffic.packets);
        let found = mark(record, packets).map(|mark| match mark {
            Mark::Decides { class, certainty, .. } => {
                assert!((0.0..=1.0).contains(&certainty));
                (class, true)
            }
            Mark::Hints { class, .. } => (class, false),
        });
        assert_eq!(found, wanted, "{record:?}");
    }

    #[test]
    fn vpn_protocols_decide_where_their_form_is_strict_or_answered() {
        check(&FlowRecord { protocol: 50, ..FlowRecord::default() }, Some((Vpn, true)));
        check(&FlowRecord { protocol: 51, ..FlowRecord::default() }, Some((Vpn, true)));
        check(&FlowRecord { protocol: 47, ..FlowRecord::default() }, None);
        for (protocol, confirmed, wanted) in [
            ("wireguard", true, Some((Vpn, true))),
            ("wireguard", false, Some((Vpn, true))),
            ("ike", false, Some((Vpn, true))),
            ("openvpn", true, Some((Vpn, true))),
            ("openvpn", false, Some((Vpn, false))),
            ("esp", false, Some((Vpn, false))),
            ("dns", true, None),
            ("", false, None),
        ] {
            check(&spoken(protocol, confirmed, 2), wanted);
        }
        check(&spoken("ike", false, 1), Some((Vpn, false)));
    }

    #[test]
    fn tor_is_told_by_name_and_offer_together() {
        check(&hello("www.awkw6in.com", |_| ()), Some((Tor, true)));
        check(&hello("www.syko.com", |_| ()), Some((Tor, true)));
        check(&hello("www.google.com", |tls| tls.groups = vec![0x1d, 0x17]), None);
        check(&hello("www.awkw6in.com", |tls| tls.alpn = vec!["h2".into()]), None);
        check(&hello("www.awkw6in.com", |tls| tls.extensions.push(16)), None);
        check(&hello("www.awkw6in.com", |tls| tls.groups.extend(1..20)), None);
        check(&hello("www.awkw6in.com", |tls| tls.cipher_suites.clear()), None);
        for name in ["", "awkw6in.com", "www.awkw6in.org", "www.abc.com", "www.awkw-6in.com", "www.a89b.com"]
        {
            check(&hello(name, |_| ()), None);
        }
        check(&hello(&format!("www.{}.com", "a".repeat(26)), |_| ()), None);
    }
}
