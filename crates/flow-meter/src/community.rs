//! Community ID v1: one text for one conversation, the same in every tool.

use crate::decode::transport::counterpart;
use crate::key::{Bits, address_bytes, protocol};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// The id of a conversation as seen from one of its packets; seed 0 unless the network agreed on another.
///
/// For ICMP the ports are type and counterpart type, or type and code. Source: the community-id-spec, version 1.
#[must_use]
pub fn community_id(
    seed: u16,
    version: u8,
    number: u8,
    source: (Bits, u16),
    destination: (Bits, u16),
) -> String {
    let mut ends = (source, destination);
    let icmp = matches!(number, protocol::ICMP | protocol::ICMPV6);
    let one_way = icmp && counterpart(number, source.1 as u8).is_none();
    if !one_way && ends.1 < ends.0 {
        ends = (ends.1, ends.0);
    }
    let mut hash = Sha1::new();
    hash.update(seed.to_be_bytes());
    hash.update(address_bytes(ends.0.0, version));
    hash.update(address_bytes(ends.1.0, version));
    hash.update([number, 0]);
    if icmp || matches!(number, protocol::TCP | protocol::UDP | protocol::SCTP) {
        hash.update(ends.0.1.to_be_bytes());
        hash.update(ends.1.1.to_be_bytes());
    }
    format!("1:{}", STANDARD.encode(hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn bits(text: &str) -> (Bits, u8) {
        match text.parse().expect("address") {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)), 4),
            IpAddr::V6(v6) => (u128::from(v6), 6),
        }
    }

    /// Values from the specification's own tables.
    #[test]
    fn reference_values() {
        let cases = "\
6 1.2.3.4 5.6.7.8 1122 3344 1:wCb3OG7yAFWelaUydu0D+125CLM=
17 1.2.3.4 5.6.7.8 1122 3344 1:0Mu9InQx6z4ZiCZM/7HXi2WMhOg=
132 1.2.3.4 5.6.7.8 1122 3344 1:EKt4MsxuyaE6mL+hmrEkQ9csDD8=
1 1.2.3.4 5.6.7.8 8 0 1:crodRHL2FEsHjbv3UkRrfbs4bZ0=
1 1.2.3.4 5.6.7.8 11 0 1:f/YiSyWqczrTgfUCZlBUnvHRcPk=
46 1.2.3.4 5.6.7.8 0 0 1:ikv3kmf89luf73WPz1jOs49S768=
58 fe80::200:86ff:fe05:80da fe80::260:97ff:fe07:69ea 135 136 1:dGHyGvjMfljg6Bppwm3bg0LO8TY=
58 fe80::260:97ff:fe07:69ea fe80::200:86ff:fe05:80da 136 135 1:dGHyGvjMfljg6Bppwm3bg0LO8TY=
58 3ffe:501:1800:2345::2 3ffe:507:0:1:200:86ff:fe05:80da 3 0 1:2ObVBgIn28oZvibYZhZMBgh7WdQ=
58 fe80::260:97ff:fe07:69ea ff02::1 134 133 1:pkvHqCL88/tg1k4cPigmZXUtL00=
1 192.168.0.1 192.168.0.89 0 8 1:X0snYXpgwiv9TZtqg64sgzUn6Dk=
6 2607:f8b0:400c:c03::1a 2001:470:e5bf:dead:4957:2174:e82c:4887 25 63943 1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=
132 192.168.170.56 192.168.170.8 7 7 1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=
46 10.1.12.2 10.1.12.1 0 0 1:KHlLkgoJW7ifUTyTSgyVfkFHzKw=";
        for case in cases.lines() {
            let word: Vec<&str> = case.split(' ').collect();
            let (source, version) = bits(word[1]);
            let (destination, _) = bits(word[2]);
            let port = |at: usize| word[at].parse::<u16>().expect("port");
            let number = word[0].parse().expect("number");
            let id = community_id(0, version, number, (source, port(3)), (destination, port(4)));
            assert_eq!(id, word[5], "{case}");
        }
        let seeded = community_id(1, 4, 6, (0x0102_0304, 1122), (0x0506_0708, 3344));
        assert_eq!(seeded, "1:HhA1B+6CoLbiKPEs5nhNYN4XWfk=");
    }
}
