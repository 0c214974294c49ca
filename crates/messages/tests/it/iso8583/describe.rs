//! Messages for people: what is shown, where it stands, and that nothing secret is.

use super::generic::dialect_of;
use super::unionpay::dialect;
use super::{dumps, samples};
use suanpan_messages::iso8583::{
    Content, FieldSpec, ISO_1987_PACKED, Layout, Message, MessageType, Part, Shown, UNIONPAY_HOST,
    UNIONPAY_TERMINAL,
};

/// Compares with a file that somebody has read. `UPDATE_GOLDEN=1` writes it anew.
fn compare(name: &str, told: &str) {
    let file = format!("{}/tests/golden/iso8583/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, told).expect("a file");
    }
    assert_eq!(std::fs::read_to_string(&file).expect("the golden file"), told, "{name}");
}

#[test]
fn dumps_are_described() {
    for (name, bytes) in dumps() {
        let golden = [
            "unionpay_pos__pay_request",
            "unionpay_cups__test08",
            "unionpay_cupd__test08",
            "unionpay_cups__test09",
        ];
        if golden.contains(&&*name) {
            compare(&name, &dialect(&name).view(&bytes).expect("a message").describe().to_string());
        }
    }
}

/// Every row stands where it says, rows of one level cover a message without gap, and parts lie in their field.
#[test]
fn places_are_right() {
    for (name, bytes) in dumps() {
        let dialect = dialect(&name);
        let view = dialect.view(&bytes).expect("a message");
        let described = view.describe();
        let mut end = 0;
        for row in &described.rows {
            assert!(row.at + row.len <= bytes.len(), "{name} {}", row.field);
            if row.field.contains('.') {
                assert!(row.at + row.len <= end, "{name} {} lies outside its field", row.field);
                continue;
            }
            // Lengths in front of a content take three bytes at most.
            assert!(row.at >= end && row.at - end <= 3, "{name} {}: {} after {end}", row.field, row.at);
            end = row.at + row.len;
            if let Ok(number) = row.field.parse() {
                let value = view.get(number).expect("the field");
                assert_eq!(&bytes[row.at..row.at + row.len], value.raw(), "{name} {number}");
            }
        }
        assert_eq!(end, bytes.len(), "{name}");
        assert!(described.rows.iter().all(|row| !row.value.contains("not ")), "{name}: {described}");
    }
}

#[test]
fn what_is_secret_is_not_shown() {
    let unionpay = dumps().into_iter().map(|(name, bytes)| (*dialect(&name), name, bytes));
    let others = samples("dat").into_iter().map(|(name, bytes)| (dialect_of(&name), name, bytes));
    let mut secrets = 0;
    for (dialect, name, bytes) in unionpay.chain(others) {
        let view = dialect.view(&bytes).expect("a message");
        let told = view.describe().to_string();
        for value in view.fields() {
            let spec = value.spec();
            let characters = value.characters();
            let text = encoding_rs::GB18030.decode_without_bom_handling(&characters).0.into_owned();
            let sensitive = match spec.shown {
                Shown::Masked => true,
                Shown::Hidden => [2, 14, 34, 35, 36, 45, 52, 96].contains(&spec.number),
                Shown::Plain | Shown::Bytes => false,
            };
            if sensitive && characters.len() > 4 && characters.iter().any(|byte| *byte != b'0' && *byte != 0)
            {
                secrets += 1;
                assert!(!told.contains(&text), "{name} {}", spec.number);
                assert!(!told.contains(&hex::encode_upper(&characters)), "{name} {}", spec.number);
            }
        }
    }
    assert!(secrets > 20, "{secrets}");
    let (_, response) = dumps().into_iter().find(|(name, _)| name.ends_with("test08")).expect("a message");
    for secret in ["01118703130967", "钱文安"] {
        let told =
            dialect("cups").view(&response).map(|view| view.describe().to_string()).unwrap_or_default();
        assert!(!told.contains(secret), "{secret}");
    }
}

/// A chip sends the card's number and track among its data; tags that nothing is known of are hidden too.
#[test]
fn chip_data_hides_the_card() {
    let (_, bytes) = dumps().into_iter().find(|(name, _)| name.ends_with("pay_request")).expect("a message");
    let mut message = UNIONPAY_TERMINAL.decode(&bytes).expect("a message");
    message
        .set(55, hex::decode("5A086224242300000069570A6224242300000069D290DF7F0155").expect("hexadecimal"));
    message.set(54, "0201156C00000000010");
    message.set(3, "00000=");
    let written = UNIONPAY_TERMINAL.encode(&message).expect("a message");
    let view = UNIONPAY_TERMINAL.view(&written).expect("a message");
    assert_eq!(view.strange().map(|value| value.spec().number).collect::<Vec<u8>>(), [3]);
    let rows = view.describe().rows;
    let told = |field: &str| rows.iter().find(|row| row.field == field).map(|row| row.value.as_str());
    assert_eq!(told("55.5A"), Some("(8 hidden)"));
    assert_eq!(told("55.57"), Some("(10 hidden)"));
    assert_eq!(told("55.DF7F"), Some("(1 hidden)"));
    assert_eq!(told("54"), Some("0201156C00000000010 (not divided as it should be)"));
    assert_eq!(told("3"), Some("00000= (not what it may hold)"));
}

/// Nothing from outside reaches a terminal but what can be seen.
#[test]
fn what_cannot_be_seen_is_escaped() {
    let mut message = Message::new(MessageType::new(*b"0200").expect("digits"));
    message.set(41, b"\x1b[2JABCD");
    // A mark that turns the direction of what follows, as GB18030 has it.
    message.set(44, b"AB\x81\x36\xa7\x31");
    message.set(63, b"\x1b[003abc");
    let bytes = UNIONPAY_HOST.encode(&message).expect("a message");
    let rows = UNIONPAY_HOST.view(&bytes).expect("a message").describe().rows;
    let told: Vec<(&str, &str)> =
        rows[2..].iter().map(|row| (row.field.as_str(), row.value.as_str())).collect();
    assert_eq!(
        told,
        [
            ("41", "1B5B324A41424344"),
            ("44", "41428136A731"),
            ("63", "(below)"),
            ("63.\\u{1b}[", "(3 hidden)"),
        ]
    );
}

/// Parts of packed digits stand in half bytes: rows say which bytes they touch.
#[test]
fn parts_of_packed_digits_have_their_bytes() {
    static PARTS: [Part; 2] = [
        Part { id: "1", name: "a", len: 2, shown: Shown::Plain, layout: Layout::Whole },
        Part { id: "2", name: "b", len: 1, shown: Shown::Plain, layout: Layout::Whole },
    ];
    for (content, places) in [
        (Content::DigitsRight, [(10, 2), (11, 1)]),
        (Content::Digits, [(10, 1), (11, 1)]),
        (Content::Text, [(10, 2), (12, 1)]),
    ] {
        let mut dialect = ISO_1987_PACKED;
        let spec = *dialect.fields.get(22).expect("a field");
        dialect.fields = dialect.fields.with(FieldSpec { content, layout: Layout::Parts(&PARTS), ..spec });
        let mut message = Message::new(MessageType::new(*b"0200").expect("digits"));
        message.set(22, "051");
        let bytes = dialect.encode(&message).expect("a message");
        let rows = dialect.view(&bytes).expect("a message").describe().rows;
        let told: Vec<(usize, usize)> =
            rows.iter().rev().take(2).rev().map(|row| (row.at, row.len)).collect();
        assert_eq!(told, places, "{content:?}");
        assert_eq!(rows[rows.len() - 2].value, "05");
    }
}
