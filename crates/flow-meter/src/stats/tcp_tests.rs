//! Connections made by hand: what a reader of Zeek's documentation would write down for each.

use super::*;
use crate::decode::{Fragment, Span};
use crate::stats::sequence::before;
use proptest::prelude::*;

const BOTH: [Direction; 2] = [Direction::Forward, Direction::Backward];

/// `S>` is a SYN from the initiator, `SA<` the answer, `A`, `F`, `R` as they are. `@seq` sets the sequence number,
/// `+n` the payload, `^ack` the acknowledgement, `w0` a window of zero. Without `@` and `^`, numbers follow from what was
/// sent before. The initiator begins at 1000, the responder at 5000. `^` alone in front: the direction was flipped.
fn run(packets: &str) -> Connection {
    let mut connection = Connection::default();
    let (mut next, mut ts_ns) = ([1000u32, 5000], 0);
    for text in packets.split_whitespace() {
        if text == "^" {
            connection.note_flip();
            continue;
        }
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
            'R' => flag::RST,
            _ => 0,
        };
        let flags = letters.chars().map(bit).fold(0, |all, one| all | one);
        let syn = flags & flag::SYN != 0;
        let (at, other) = (direction as usize, 1 - direction as usize);
        let seq = number('@').unwrap_or(next[at]);
        let payload_len = number('+').unwrap_or(0);
        let tcp = Tcp {
            seq,
            ack: number('^').unwrap_or(next[other]),
            window: if text.contains("w0") { 0 } else { 500 },
            flags,
            mss: syn.then_some(1460),
            window_scale: None,
        };
        let end = seq.wrapping_add(payload_len + u32::from(syn) + u32::from(flags & flag::FIN != 0));
        if syn || before(next[at], end) {
            next[at] = end;
        }
        ts_ns += 1_000_000;
        let payload = Span { at: 54, len: payload_len };
        let packet = Packet { ts_ns, payload_len, payload, tcp: Some(tcp), ..Packet::EMPTY };
        connection.update(&packet, &tcp, direction);
    }
    connection
}

/// Segments sent again, late ones and windows of zero: of the initiator, then of the responder.
const NONE: [u32; 6] = [0; 6];

fn check(packets: &str, state: &str, history: &str, troubles: [u32; 6]) {
    let connection = run(packets);
    let found = BOTH.map(|side| connection.troubles(side));
    assert_eq!(
        (connection.state(), connection.history().text().as_str(), found.as_flattened()),
        (state, history, &troubles[..]),
        "{packets}"
    );
}

fn state_and_history(cases: &[(&str, &str, &str)]) {
    for (packets, state, history) in cases {
        check(packets, state, history, NONE);
    }
}

/// After a whole handshake.
fn opened(cases: &[(&str, &str, &str, [u32; 6])]) {
    for (packets, state, history, troubles) in cases {
        check(&format!("S> SA< A> {packets}"), state, &format!("ShA{history}"), *troubles);
    }
}

#[test]
fn how_far_it_came() {
    state_and_history(&[
        ("S>", "S0", "S"),
        ("S> RA<", "REJ", "Sr"),
        ("S> R>", "RSTOS0", "SR"),
        ("S> A+5> R>", "RSTOS0", "SDR"),
        ("S> A> R>", "OTH", "SAR"),
        ("S> SA<", "S1", "Sh"),
        ("S> SA< A>", "S1", "ShA"),
        ("S> SA< A> A+5> A+7<", "S1", "ShADd"),
        ("S> SA< A> A+5> A< A+7< A> FA> FA< A>", "SF", "ShADadFf"),
        ("S> SA< A> FA> A<", "S2", "ShAFa"),
        ("S> SA< A> FA<", "S3", "ShAf"),
        ("S> SA< R>", "RSTO", "ShR"),
        ("S> SA< A> R<", "RSTR", "ShAr"),
        ("S> SA< A> A+5> RA>", "RSTO", "ShADR"),
        ("S> SA< A> A+5> FA> R<", "RSTR", "ShADFr"),
        // The initiator closes, the responder then only resets.
        ("S> SA< A> FA> FA< A> R>", "SF", "ShAFfR"),
        ("S> F>", "SH", "SF"),
        ("S> FA<", "S3", "Sf"),
        // FIN then RST from one end and FIN from the other is a good end, whichever of them comes last.
        ("S> SA< A> FA> R> FA<", "SF", "ShAFRf"),
        ("S> SA< A> A+5> FA< R< FA>", "SF", "ShADfrF"),
        ("S> SA< A> R> FA<", "RSTO", "ShARf"),
        ("S> SA< A> R> R<", "REJ", "ShARr"),
        ("S> SA< A> A+5> R> R<", "RSTR", "ShADRr"),
        // Some acknowledge a SYN before they answer it.
        ("S> A<", "S0", "Sa"),
        ("S> A< SA< A>", "S1", "SahA"),
        ("S> A+5<", "OTH", "Sd"),
    ]);
}

#[test]
fn flags_that_do_not_go_together() {
    state_and_history(&[
        ("SF>", "SH", "Q"),
        ("SF> RA<", "RSTR", "Qr"),
        ("SR>", "OTH", "Q"),
        ("FR>", "OTH", "I"),
        ("SFR>", "OTH", "I"),
        ("S> SA< A> FR> FR>", "RSTO", "ShAI"),
        ("N>", "OTH", ""),
    ]);
}

#[test]
fn the_start_was_not_seen() {
    state_and_history(&[
        ("A+5> A+5<", "OTH", "Dd"),
        ("A> A<", "OTH", "Aa"),
        ("A+5> FA> FA<", "SF", "DFf"),
        ("A+5> FA>", "SH", "DF"),
        ("A+5> FA<", "SHR", "Df"),
        ("A+5> R>", "OTH", "DR"),
        ("A+5> R<", "RSTRH", "Dr"),
        ("R>", "OTH", "R"),
        ("F>", "SH", "F"),
        // A SYN after all.
        ("A> S@9000> SA<", "S1", "ASh"),
        ("A+5> A< S@9000>", "OTH", "DaS"),
    ]);
}

#[test]
fn an_answer_seen_first_is_flipped() {
    state_and_history(&[
        ("^ SA<", "OTH", "^h"),
        ("^ SA< A>", "S1", "^hA"),
        ("^ SA< A> A+5> A+9< FA> FA< A>", "SF", "^hADdFf"),
        ("^ SA< FA<", "SHR", "^hf"),
        ("^ SA< R<", "RSTRH", "^hr"),
        ("^ SA< R>", "RSTO", "^hR"),
        // The answer was captured before the SYN.
        ("^ SA< S> A>", "S1", "^hSA"),
    ]);
}

#[test]
fn both_begin_at_once() {
    // A SYN is a letter once, even when it comes again as a SYN-ACK; it counts as sent again.
    check("S> S<", "S1", "Ss", NONE);
    check("S> S< SA@1000> SA@5000<", "S1", "Ss", [1, 0, 0, 1, 0, 0]);
    check("S> S< SA@1000> SA@5000< A+5> A+5< FA> FA<", "SF", "SsDdFf", [1, 0, 0, 1, 0, 0]);
}

#[test]
fn the_handshake_is_sent_again() {
    check("S> S@1000> SA<", "S1", "Sh", [1, 0, 0, 0, 0, 0]);
    check("S> S@1000> S@1000>", "S0", "S", [2, 0, 0, 0, 0, 0]);
    check("S> SA< SA@5000< A>", "S1", "ShA", [0, 0, 0, 1, 0, 0]);
    // Another attempt from the same port begins anew.
    check("S> S@900000>", "S0", "S", NONE);
    check("S> S@90> SA< A> A+5>", "S1", "ShAD", NONE);
    // After the end a SYN of another number is worth a letter.
    check("S> SA< A> FA> FA< S@900000>", "SF", "ShAFfS", NONE);
}

#[test]
fn the_end_is_sent_again() {
    opened(&[
        ("FA> FA@1001>", "S2", "F", [1, 0, 0, 0, 0, 0]),
        ("FA> FA@1001> FA@1001> FA< A>", "SF", "Ff", [2, 0, 0, 0, 0, 0]),
        // With another number it is another.
        ("FA> FA@1009>", "S2", "FF", NONE),
        ("R> R@1001> R@1050>", "RSTO", "RR", NONE),
        // Data with FIN gives no letter of its own, sent again neither.
        ("FA+5>", "S2", "F", NONE),
        ("FA+5> FA@1001+5>", "S2", "FT", [1, 0, 0, 0, 0, 0]),
        ("FA> A+5>", "S2", "FD", NONE),
        ("FA> A+5> A@1002+5>", "S2", "FDT", [1, 0, 0, 0, 0, 0]),
        // What is sent after a reset is not trusted, but counted.
        ("A+5> R> A@1001+5>", "RSTO", "DR", [1, 0, 0, 0, 0, 0]),
    ]);
}

#[test]
fn resets_with_and_without_data() {
    opened(&[
        ("A+5> R>", "RSTO", "DR", NONE),
        ("R+9>", "RSTO", "RT", NONE),
        ("R@4000000000+9>", "RSTO", "R", NONE),
        ("A+5> R@4000000000+9<", "RSTR", "Dr", NONE),
        ("A+5> R+9<", "RSTR", "Drt", NONE),
        // The payload of a reset is no data.
        ("R+9> R+9<", "REJ", "RTrt", NONE),
    ]);
}

#[test]
fn what_was_sent_again_or_came_late() {
    opened(&[
        ("A+10> A+10>", "S1", "D", NONE),
        ("A+10> A@1001+10>", "S1", "DT", [1, 0, 0, 0, 0, 0]),
        ("A+10> A@1006+5>", "S1", "DT", [1, 0, 0, 0, 0, 0]),
        ("A+10< A@5001+10<", "S1", "dt", [0, 0, 0, 1, 0, 0]),
        // Acknowledged already: needlessly.
        ("A+10> A< A@1001+10>", "S1", "DaT", [1, 0, 0, 0, 0, 0]),
        // Half of it is new.
        ("A+10> A@1006+10>", "S1", "D", NONE),
        // 1011 to 1020 is missing, then comes. For Zeek's letter it is the same thing.
        ("A+10> A@1021+10> A@1011+10>", "S1", "DT", [0, 1, 0, 0, 0, 0]),
        ("A+10> A@1021+10> A@1011+10> A@1011+10>", "S1", "DT", [1, 1, 0, 0, 0, 0]),
        // From the end to the beginning, the other way round, and from the middle.
        ("A+10> A@1031+10> A@1021+10> A@1011+10>", "S1", "DT", [0, 2, 0, 0, 0, 0]),
        ("A+10> A@1031+10> A@1011+10> A@1021+10>", "S1", "DT", [0, 2, 0, 0, 0, 0]),
        ("A+10> A@1041+10> A@1021+10> A@1011+10> A@1031+10>", "S1", "DT", [0, 3, 0, 0, 0, 0]),
        // Two holes, and a third that takes the place of the first.
        ("A@1011+10> A@1031+10> A@1001+10> A@1021+10>", "S1", "DT", [0, 2, 0, 0, 0, 0]),
        ("A@1011+10> A@1031+10> A@1051+10> A@1001+10> A@1041+10>", "S1", "DT", [1, 1, 0, 0, 0, 0]),
        // A segment over a hole, what follows it and more.
        ("A+10> A@1021+10> A@1011+30>", "S1", "D", [0, 1, 0, 0, 0, 0]),
        // An acknowledgement tells that something went before it.
        ("A+10> A@1021> A@1011+10>", "S1", "DT", [0, 1, 0, 0, 0, 0]),
        ("A+10> FA@1021> A@1011+10>", "S2", "DFT", [0, 1, 0, 0, 0, 0]),
    ]);
    let ten_times = format!("A+10> {}", "A@1001+10> ".repeat(12));
    opened(&[(&ten_times, "S1", "DTT", [12, 0, 0, 0, 0, 0])]);
}

#[test]
fn keep_alives_and_probes() {
    opened(&[
        ("A+10> A< A@1010+1> A< A@1010+1> A<", "S1", "DaT", NONE),
        ("A@1000> A< A@1000> A<", "S1", "a", NONE),
        // The window closes, is probed with the byte that comes next, and opens again.
        (
            "A+10> A^1011w0< A+1> A^1011w0< A@1011+1> A^1011w0< A< A@1011+10>",
            "S1",
            "DawT",
            [0, 0, 0, 0, 0, 3],
        ),
        // The last two bytes are no probe.
        ("A+10> A@1009+2>", "S1", "DT", [1, 0, 0, 0, 0, 0]),
    ]);
}

#[test]
fn windows_of_zero() {
    opened(&[
        ("A+10> Aw0< Aw0< A<", "S1", "Daw", [0, 0, 0, 0, 0, 2]),
        ("RAw0<", "RSTR", "r", NONE),
        ("FAw0<", "S3", "fw", NONE),
        // Who was told that nothing more comes needs no window.
        ("FA> Aw0<", "S2", "Fa", [0, 0, 0, 0, 0, 1]),
        ("FA< Aw0<", "S3", "faw", [0, 0, 0, 0, 0, 1]),
    ]);
    check("Sw0> SA<", "S1", "SWh", NONE);
}

#[test]
fn what_was_never_seen() {
    opened(&[
        ("A+10> A@1021+10> A^1031<", "S1", "DaG", NONE),
        ("A+10> A@1021+10> A^1031< A@1011+10>", "S1", "DaGT", [1, 0, 0, 0, 0, 0]),
        ("A+10> A^1041<", "S1", "DaG", NONE),
        // Only what was acknowledged is missing; the rest may still come.
        ("A+10> A@1031+10> A^1021< A@1021+10>", "S1", "DaGT", [0, 1, 0, 0, 0, 0]),
        ("FA> A^1002< FA< A>", "SF", "Faf", NONE),
        ("A+10> FA@1021> FA^1022<", "SF", "DFfG", NONE),
        // A reset is not to be trusted.
        ("A+10> R> A^1041<", "RSTO", "DRa", NONE),
        ("A+10> RA^1041<", "RSTR", "Dr", NONE),
    ]);
    let ten_times: Vec<String> = (1..=10).map(|stretch| format!("A^{}<", stretch * 2000)).collect();
    opened(&[(&ten_times.join(" "), "S1", "aGG", NONE)]);
    // Half a connection tells nothing.
    check("A+10> A+10< A@1031+10> A^1041<", "OTH", "Dda", NONE);
}

#[test]
fn sequence_numbers_wrap() {
    let packets = "S@4294967290> SA^4294967291< A@4294967291> A@4294967291+10> A+10> A@4294967291+10>";
    check(packets, "S1", "ShADT", [1, 0, 0, 0, 0, 0]);
    let packets = "S@4294967290> SA< A@4294967291+3> A@10+10> A@4294967294+12>";
    check(packets, "S1", "ShDT", [0, 1, 0, 0, 0, 0]);
    check("S@4294967295> SA< A> A+5> FA> FA< A>", "SF", "ShADFf", NONE);
    check("S> SA@4294967294< A> A+5< A+5< A@4294967295+5<", "S1", "ShAdt", [0, 0, 0, 1, 0, 0]);
}

#[test]
fn a_fragment_has_no_numbers() {
    let mut connection = run("S> SA< A> A+10>");
    let tcp = Tcp { seq: 1001, ack: 9999, window: 1, flags: flag::ACK, mss: None, window_scale: None };
    let fragment = Some(Fragment { id: 1, offset: 0 });
    let packet = Packet { payload_len: 10, fragment, ..Packet::EMPTY };
    connection.update(&packet, &tcp, Direction::Forward);
    assert_eq!(connection.troubles(Direction::Forward), [0; 3]);
    assert_eq!(connection.history().text(), "ShAD");
}

#[test]
fn the_handshake_is_timed_from_the_first_syn() {
    for (packets, handshake_ns) in [
        ("S> S@1000> SA< A>", Some(3_000_000)),
        ("S> SA< SA@5000< A+5> A>", Some(3_000_000)),
        ("S> SA<", None),
        ("S> SA< R>", None),
        ("A> A<", None),
        ("^ SA< A>", None),
    ] {
        assert_eq!(run(packets).handshake_ns(), handshake_ns, "{packets}");
    }
    assert_eq!(run("S> SA<").offers(Direction::Backward), (Some(500), Some(1460), None));
    assert_eq!(run("S> Aw0>").offers(Direction::Forward), (Some(500), Some(1460), None));
    assert_eq!(run("A>").offers(Direction::Backward), (None, None, None));
}

#[test]
fn datagrams() {
    assert_eq!([(1, 0), (0, 1), (1, 1)].map(|(f, b)| datagram_state(f, b)), ["S0", "SHR", "SF"]);
}

#[test]
fn what_every_packet_touches_stays_small() {
    assert!(size_of::<[Sequence; 2]>() + size_of::<Stages>() <= 64);
}

proptest! {
    #[test]
    fn counts_never_exceed_packets(
        packets in prop::collection::vec(
            (any::<u8>(), any::<u32>(), any::<u32>(), 0u32..3000, any::<bool>(), any::<u16>()), 0..200),
        near in any::<bool>(),
    ) {
        let mut connection = Connection::default();
        let mut sent = [0u32; 2];
        for (flags, seq, ack, payload_len, backward, window) in &packets {
            // Numbers close together meet more often than random ones do.
            let close = |number: u32| if near { number % 8192 } else { number };
            let (seq, ack) = (close(*seq), close(*ack));
            let tcp = Tcp { seq, ack, window: *window, flags: *flags, mss: None, window_scale: None };
            let direction = if *backward { Direction::Backward } else { Direction::Forward };
            sent[direction as usize] += 1;
            connection.update(&Packet { payload_len: *payload_len, ..Packet::EMPTY }, &tcp, direction);
        }
        for direction in BOTH {
            let [again, late, zero] = connection.troubles(direction);
            prop_assert!(again + late <= sent[direction as usize]);
            prop_assert!(zero <= sent[direction as usize]);
        }
        prop_assert!(connection.history().text().len() <= 32);
        prop_assert!(!connection.state().is_empty());
    }
}
