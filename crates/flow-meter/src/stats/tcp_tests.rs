//! Connections made by hand: what a reader of Zeek's documentation would write down for each.

use super::*;
use crate::decode::Span;
use proptest::prelude::*;

/// `S>` is a SYN from the initiator, `SA<` the answer, `A`, `F`, `R` as they are. `@seq` sets the sequence number,
/// `+n` the payload, `^ack` the acknowledgement, `w0` a window of zero. Without `@` and `^`, numbers follow from what was
/// sent before.
fn run(packets: &str) -> Connection {
    let mut connection = Connection::default();
    let (mut next, mut ts_ns) = ([1000u32, 5000], 0);
    for text in packets.split_whitespace() {
        let direction = if text.contains('<') { Direction::Backward } else { Direction::Forward };
        let number = |mark: char| -> Option<u32> {
            let from = text.find(mark)? + 1;
            let digits: String = text[from..].chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        };
        let letters: String = text.chars().take_while(char::is_ascii_uppercase).collect();
        let bit = |letter| match letter {
            'S' => flag::SYN,
            'A' => flag::ACK,
            'F' => flag::FIN,
            _ => flag::RST,
        };
        let flags = letters.chars().map(bit).fold(0, |all, one| all | one);
        let (at, other) = (direction as usize, 1 - direction as usize);
        let seq = number('@').unwrap_or(next[at]);
        let payload_len = number('+').unwrap_or(0);
        let tcp = Tcp {
            seq,
            ack: number('^').unwrap_or(next[other]),
            window: if text.contains("w0") { 0 } else { 500 },
            flags,
            mss: (flags & flag::SYN != 0).then_some(1460),
            window_scale: None,
        };
        let length = payload_len + u32::from(flags & flag::SYN != 0) + u32::from(flags & flag::FIN != 0);
        next[at] = seq.wrapping_add(length);
        ts_ns += 1_000_000;
        let payload = Span { at: 54, len: payload_len };
        let packet = Packet { ts_ns, payload_len, payload, tcp: Some(tcp), ..Packet::EMPTY };
        connection.update(&packet, &tcp, direction);
    }
    connection
}

fn check(packets: &str, state: &str, history: &str) {
    let connection = run(packets);
    assert_eq!((connection.state(), connection.history().text().as_str()), (state, history), "{packets}");
}

#[test]
fn states_and_histories() {
    check("S>", "S0", "S");
    check("S> S>", "S0", "S");
    check("S> RA<", "REJ", "Sr");
    check("S> R>", "RSTOS0", "SR");
    check("S> SA<", "S1", "Sh");
    check("S> SA< A>", "S1", "ShA");
    check("S> SA< A> A+5> A+7<", "S1", "ShADd");
    check("S> SA< A> A+5> A< A+7< A> FA> FA< A>", "SF", "ShADadFf");
    check("S> SA< A> FA> A<", "S2", "ShAFa");
    check("S> SA< A> FA<", "S3", "ShAf");
    check("S> SA< R>", "RSTO", "ShR");
    check("S> SA< A> R<", "RSTR", "ShAr");
    check("S> SA< A> A+5> RA>", "RSTO", "ShADR");
    check("S> SA< A> A+5> FA> R<", "RSTR", "ShADFr");
    check("S> SA< A> FA> FA< A> R>", "SF", "ShAFfR");
    check("S> F>", "SH", "SF");
    check("S> SA< A> FA> FA> FA< A>", "SF", "ShAFf");
    check("SF>", "SH", "QF");
    check("SR>", "RSTOS0", "QR");
    check("FR>", "RSTOS0", "IR");
    // The start was not seen.
    check("A+5> A+5<", "OTH", "Dd");
    check("A> A<", "OTH", "Aa");
    check("A+5> FA> FA<", "SF", "DFf");
    check("A+5> FA>", "SH", "DF");
    check("A+5> FA<", "SHR", "Df");
    check("A+5> R>", "RSTOS0", "DR");
    check("A+5> R<", "RSTRH", "Dr");
    check("R>", "RSTOS0", "R");
    // Both begin at once.
    check("S> S< SA> SA<", "S1", "SsHh");
    check("S> S<", "OTH", "Ss");
}

#[test]
fn an_answer_seen_first_is_flipped() {
    let mut connection = Connection::default();
    connection.note_flip();
    let tcp = Tcp { seq: 1, ack: 2, window: 1, flags: flag::SYN | flag::ACK, mss: None, window_scale: None };
    connection.update(&Packet::EMPTY, &tcp, Direction::Backward);
    assert_eq!((connection.state(), connection.history().text().as_str()), ("OTH", "^h"));
    let fin = Tcp { flags: flag::FIN | flag::ACK, seq: 2, ..tcp };
    connection.update(&Packet::EMPTY, &fin, Direction::Backward);
    assert_eq!(connection.state(), "SHR");
    let reset = Tcp { flags: flag::RST, ..fin };
    connection.update(&Packet::EMPTY, &reset, Direction::Backward);
    assert_eq!(connection.state(), "RSTRH");
}

/// Retransmissions, late segments and zero windows of initiator and responder.
fn troubles(packets: &str, forward: [u32; 3], backward: [u32; 3], history: &str) {
    let connection = run(packets);
    let found = [Direction::Forward, Direction::Backward].map(|side| connection.troubles(side));
    assert_eq!((found, connection.history().text().as_str()), ([forward, backward], history), "{packets}");
}

#[test]
fn what_was_sent_again_or_came_late() {
    const NONE: [u32; 3] = [0; 3];
    let open = "S> SA< A> ";
    let after = |packets: &str| format!("{open}{packets}");
    troubles(&after("A+10> A+10>"), NONE, NONE, "ShAD");
    troubles(&after("A+10> A@1001+10>"), [1, 0, 0], NONE, "ShADT");
    troubles(&after("A+10> A@1006+5>"), [1, 0, 0], NONE, "ShADT");
    // Half of it is new.
    troubles(&after("A+10> A@1006+10>"), NONE, NONE, "ShAD");
    troubles("S> S@1000> SA<", [1, 0, 0], NONE, "Sh");
    troubles("S> SA< SA@5000< A>", NONE, [1, 0, 0], "ShA");
    troubles(&after("FA> FA@1001>"), [1, 0, 0], NONE, "ShAF");
    // 1011 to 1020 is missing, then comes.
    troubles(&after("A+10> A@1021+10> A@1011+10>"), [0, 1, 0], NONE, "ShAD");
    troubles(&after("A+10> A@1021+10> A@1011+10> A@1011+10>"), [1, 1, 0], NONE, "ShADT");
    troubles(&after("A+10> A@1031+10> A@1021+10> A@1011+10>"), [0, 2, 0], NONE, "ShAD");
    // The other end has what was never seen.
    troubles(&after("A+10> A@1021+10> A^1031<"), NONE, NONE, "ShADaG");
    troubles(&after("A+10> A@1021+10> A^1031< A@1011+10>"), [1, 0, 0], NONE, "ShADaGT");
    troubles(&after("A+10> A^1041<"), NONE, NONE, "ShADaG");
    troubles(&after("A+10> A^1011< A@1010+1> A@1010+1>"), NONE, NONE, "ShADa");
    troubles(&after("A@1000+0> A@1000+0>"), NONE, NONE, "ShA");
    troubles(&after("A+10> Aw0< Aw0< A<"), NONE, [0, 0, 2], "ShADwa".replace("wa", "aw").as_str());
    troubles(&after("RAw0<"), NONE, NONE, "ShAr");
    // Ten times is worth a second letter.
    troubles(&after(&format!("A+10> {}", "A@1001+10> ".repeat(12))), [12, 0, 0], NONE, "ShADTT");
}

#[test]
fn sequence_numbers_wrap() {
    let packets = "S@4294967290> SA^4294967291< A@4294967291> A@4294967291+10> A+10> A@4294967291+10>";
    troubles(packets, [1, 0, 0], [0; 3], "ShADT");
    troubles("S@4294967290> SA< A@4294967291+3> A@10+10> A@4294967294+12>", [0, 1, 0], [0; 3], "ShD");
}

#[test]
fn the_handshake_is_timed_from_the_first_syn() {
    assert_eq!(run("S> S@1000> SA< A>").handshake_ns(), Some(3_000_000));
    assert_eq!(run("S> SA<").handshake_ns(), None);
    assert_eq!(run("A> A<").handshake_ns(), None);
    assert_eq!(run("S> SA<").offers(Direction::Backward), (Some(500), Some(1460), None));
}

#[test]
fn datagrams() {
    assert_eq!([(1, 0), (0, 1), (1, 1)].map(|(f, b)| datagram_state(f, b)), ["S0", "SHR", "SF"]);
}

proptest! {
    #[test]
    fn counts_never_exceed_packets(
        packets in prop::collection::vec(
            (any::<u8>(), any::<u32>(), any::<u32>(), 0u32..3000, any::<bool>(), any::<u16>()), 0..200)
    ) {
        let mut connection = Connection::default();
        for (flags, seq, ack, payload_len, backward, window) in &packets {
            let tcp = Tcp { seq: *seq, ack: *ack, window: *window, flags: *flags, mss: None, window_scale: None };
            let direction = if *backward { Direction::Backward } else { Direction::Forward };
            connection.update(&Packet { payload_len: *payload_len, ..Packet::EMPTY }, &tcp, direction);
        }
        for direction in [Direction::Forward, Direction::Backward] {
            let total: u32 = connection.troubles(direction)[..2].iter().sum();
            prop_assert!(total as usize <= packets.len());
        }
        prop_assert!(connection.history().text().len() <= 32);
        prop_assert!(!connection.state().is_empty());
    }
}
