//! ISO 8583 against real messages of UnionPay.

use crate::samples::path;
use proptest::prelude::*;
use suanpan_messages::iso8583::{
    DecodeError, Dialect, EncodeError, Message, UNIONPAY_DOWNSTREAM, UNIONPAY_HOST, UNIONPAY_TERMINAL,
};

fn dialect(name: &str) -> &'static Dialect {
    match name {
        _ if name.contains("cups") => &UNIONPAY_HOST,
        _ if name.contains("cupd") => &UNIONPAY_DOWNSTREAM,
        _ => &UNIONPAY_TERMINAL,
    }
}

fn dumps() -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path("iso8583")).expect("samples") {
        let file = entry.expect("a sample").path();
        if file.extension().is_some_and(|extension| extension == "hex") {
            let text = std::fs::read_to_string(&file).expect("a text");
            let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
            found.push((name, hex::decode(text.trim()).expect("hexadecimal")));
        }
    }
    found.sort();
    found
}

/// Every message is read to its last byte, says what the published decode says, and is written to the same bytes.
#[test]
fn real_messages_are_read_and_written() {
    let dumps = dumps();
    assert!(dumps.len() >= 18, "{}", dumps.len());
    for (name, bytes) in dumps {
        let dialect = dialect(&name);
        let message = dialect.decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(dialect.encode(&message).expect("what was read"), bytes, "{name}");
        let expected = std::fs::read(path(&format!("iso8583/{name}.expected.json"))).expect("a decode");
        let expected: serde_json::Value = serde_json::from_slice(&expected).expect("JSON");
        let message_type =
            message.message_type.map(|digits| String::from_utf8(digits.to_vec()).expect("digits"));
        assert_eq!(message_type.as_deref(), expected["mti"].as_str(), "{name}");
        let fields = expected["fields"].as_object();
        assert_eq!(message.fields().count(), fields.map_or(0, |fields| fields.len()), "{name}");
        for (number, text) in fields.into_iter().flatten() {
            let value = message.get(number.parse().expect("a number")).expect("the field");
            let text = text.as_str().expect("a text");
            // Their texts are decoded; where bytes were no text, only what comes before that can be compared.
            let plain = text
                .split(|c: char| c == '\u{fffd}' || c.is_control() || c >= '\u{e000}')
                .next()
                .unwrap_or("");
            let decoded = encoding_rs::GB18030.decode_without_bom_handling(value).0;
            let same = hex::encode_upper(value) == text
                || decoded == text
                || (plain.len() < text.len() && decoded.starts_with(plain.get(..5).unwrap_or(plain)))
                || decoded.replace('=', "D") == text;
            assert!(same, "{name} field {number}: {decoded} is not {text}");
        }
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let (_, good) =
        dumps().into_iter().find(|(name, _)| name == "unionpay_pos__pay_request").expect("the message");
    let decode = |bytes: &[u8]| UNIONPAY_TERMINAL.decode(bytes).expect_err("a wrong message");
    assert!(matches!(decode(&good[..good.len() - 1]), DecodeError::Short { .. }));
    let trailing = [&good[..], &[0]].concat();
    assert_eq!(decode(&trailing), DecodeError::Trailing { at: good.len(), count: 1 });
    let mut unknown = good.clone();
    unknown[13] |= 0x08;
    assert_eq!(decode(&unknown), DecodeError::Unknown { number: 5, dialect: "UnionPay terminal" });
    let mut long = good.clone();
    long[21] = 0x99;
    assert!(matches!(decode(&long), DecodeError::Field { number: 2, at: 21, .. }));
    let mut message = Message::new(*b"0200");
    message.set(4, *b"1");
    let error = UNIONPAY_TERMINAL.encode(&message).expect_err("too short");
    assert_eq!(error, EncodeError::Field { number: 4, what: "does not have its fixed length" });
    assert!(!format!("{:?}", UNIONPAY_TERMINAL.decode(&good)).contains("6224242300000069"));
}

proptest! {
    #[test]
    fn what_is_written_is_read(card in "[0-9]{12,19}", amount in "[0-9]{12}", sequence in "[0-9]{3}", text in "[ -~]{0,25}", binary in prop::collection::vec(any::<u8>(), 0..200), wide in any::<bool>()) {
        let dialect = if wide { &UNIONPAY_HOST } else { &UNIONPAY_TERMINAL };
        let mut message = Message::new(*b"0200");
        message.set(2, card);
        message.set(4, amount);
        message.set(23, sequence);
        message.set(44, text);
        message.set(55, binary);
        let bytes = dialect.encode(&message).expect("a message");
        prop_assert_eq!(dialect.decode(&bytes), Ok(message));
    }

    #[test]
    fn any_bytes_are_read_to_the_same_or_refused(which in 0_usize..18, at in 0_usize..500, byte in any::<u8>(), cut in 0_usize..500) {
        let (name, mut bytes) = dumps().swap_remove(which);
        let len = bytes.len();
        bytes[at % len] = byte;
        bytes.truncate(cut.max(1));
        for dialect in [dialect(&name), &UNIONPAY_HOST, &UNIONPAY_TERMINAL] {
            if let Ok(message) = dialect.decode(&bytes) {
                prop_assert!(dialect.encode(&message).is_ok());
            }
        }
    }
}
