//! Messages a second, ours beside two crates, on the same bytes. `bench/iso8583.py` runs it.
//!
//! Prints the message in hexadecimal in three ways of writing, then `contender TAB step TAB messages a second` for
//! each round.

use iso8583_codec_rs::field_spec::LoadedSpec;
use iso8583_codec_rs::iso8583::{parse_bytes, publish_bytes};
use iso8583_core::ISO8583Message;
use serde_json::json;
use std::hint::black_box;
use std::time::{Duration, Instant};
use suanpan_messages::iso8583::{
    Dialect, ISO_1987, ISO_1987_BINARY_BITMAP, ISO_1987_EBCDIC, ISO_1987_PACKED, Message, MessageType,
};

/// A purchase at a till: number, value, its length where that is fixed. Only fields that both peers write as they
/// read them: `iso8583-core` loses those beyond 54.
const FIELDS: [(u8, &str, Option<usize>); 20] = [
    (2, "6200000000000005", None),
    (3, "000000", Some(6)),
    (4, "000000012345", Some(12)),
    (7, "1126090001", Some(10)),
    (11, "000001", Some(6)),
    (12, "170001", Some(6)),
    (13, "1126", Some(4)),
    (14, "2912", Some(4)),
    (18, "5411", Some(4)),
    (22, "051", Some(3)),
    (25, "00", Some(2)),
    (32, "03050001", None),
    (37, "000000000012", Some(12)),
    (41, "TERM0001", Some(8)),
    (42, "123456789012345", Some(15)),
    (43, "SHOP IN TOWN            SHANGHAI      CN", Some(40)),
    (44, "0309       4843", None),
    (48, "ASON0401222112221122211222112221122211222112221", None),
    (49, "156", Some(3)),
    (54, "3001156C000000000100", None),
];

const ROUND: Duration = Duration::from_millis(400);

/// Repeats a step for a while and prints how many it did a second.
fn measure(contender: &str, step: &str, mut work: impl FnMut()) {
    let started = Instant::now();
    let mut count = 0_u64;
    while started.elapsed() < ROUND {
        for _ in 0..100 {
            work();
        }
        count += 100;
    }
    println!("{contender}\t{step}\t{:.0}", count as f64 / started.elapsed().as_secs_f64());
}

fn built() -> Message {
    let mut message = Message::new(MessageType::new(*b"0200").expect("digits"));
    for (number, value, _) in FIELDS {
        message.set(number, value);
    }
    message
}

/// Looks at every character, as who works with a message does.
fn look(characters: &[u8]) -> u64 {
    characters.iter().map(|byte| u64::from(*byte)).sum()
}

fn ours(name: &str, dialect: &Dialect) {
    let message = built();
    let bytes = dialect.encode(&message).expect("a message");
    assert_eq!(dialect.decode(&bytes).as_ref(), Ok(&message));
    measure(name, "read in place", || {
        black_box(dialect.view(black_box(&bytes)).expect("a message"));
    });
    measure(name, "read in place, look at all", || {
        let view = dialect.view(black_box(&bytes)).expect("a message");
        black_box(view.fields().map(|value| look(&value.characters())).sum::<u64>());
    });
    measure(name, "decode", || {
        black_box(dialect.decode(black_box(&bytes)).expect("a message"));
    });
    measure(name, "encode", || {
        black_box(dialect.encode(black_box(&message)).expect("a message"));
    });
    measure(name, "build, encode", || {
        black_box(dialect.encode(black_box(&built())).expect("a message"));
    });
    measure(name, "decode, encode", || {
        let message = dialect.decode(black_box(&bytes)).expect("a message");
        black_box(dialect.encode(&message).expect("a message"));
    });
}

fn core() {
    let bytes = ISO_1987_BINARY_BITMAP.encode(&built()).expect("a message");
    let message = ISO8583Message::from_bytes(&bytes).expect("a message");
    assert_eq!(message.to_bytes(), bytes, "iso8583-core");
    measure("iso8583-core", "decode", || {
        black_box(ISO8583Message::from_bytes(black_box(&bytes)).expect("a message"));
    });
    measure("iso8583-core", "encode", || {
        black_box(black_box(&message).to_bytes());
    });
    measure("iso8583-core", "decode, encode", || {
        black_box(ISO8583Message::from_bytes(black_box(&bytes)).expect("a message").to_bytes());
    });
}

fn codec() {
    let field = |(number, _, fixed): &(u8, &str, Option<usize>)| {
        let prefix = match (fixed, number) {
            (Some(_), _) => "fixed",
            (None, 48 | 54) => "LLLVAR",
            (None, _) => "LLVAR",
        };
        json!({"de": number, "name": "field", "label": "field", "type": "string", "length": fixed.unwrap_or(99),
            "prefix": prefix, "encoding": "ascii", "padding": {"side": "none"}})
    };
    let spec = json!({"version": "1987", "mti_rules": [],
        "defaults": {"encoding": "ascii", "prefix_encoding": "ascii", "bitmap_encoding": "hex"},
        "fields": FIELDS.iter().map(field).collect::<Vec<_>>()});
    let spec = LoadedSpec::from_json(&spec.to_string()).expect("a specification");
    let bytes = ISO_1987.encode(&built()).expect("a message");
    let message = parse_bytes(&bytes, &spec).expect("a message");
    assert_eq!(publish_bytes(&message, &spec).expect("a message"), bytes, "iso8583-codec-rs");
    measure("iso8583-codec-rs", "decode", || {
        black_box(parse_bytes(black_box(&bytes), &spec).expect("a message"));
    });
    measure("iso8583-codec-rs", "encode", || {
        black_box(publish_bytes(black_box(&message), &spec).expect("a message"));
    });
    measure("iso8583-codec-rs", "decode, encode", || {
        let message = parse_bytes(black_box(&bytes), &spec).expect("a message");
        black_box(publish_bytes(&message, &spec).expect("a message"));
    });
}

fn main() {
    for dialect in [&ISO_1987, &ISO_1987_EBCDIC, &ISO_1987_PACKED] {
        let bytes = dialect.encode(&built()).expect("a message");
        println!("{}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    }
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(5);
    for _ in 0..rounds {
        ours("suanpan, ASCII", &ISO_1987);
        core();
        ours("suanpan, ASCII, binary bitmap", &ISO_1987_BINARY_BITMAP);
        codec();
        ours("suanpan, EBCDIC", &ISO_1987_EBCDIC);
        ours("suanpan, packed digits", &ISO_1987_PACKED);
    }
}
