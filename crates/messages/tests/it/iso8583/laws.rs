//! Laws of the codec: what is written is read, what is read is written to the same bytes, nothing panics.

use super::generic::{ALL, dialect_of};
use super::unionpay::dialect;
use super::{dumps, samples};
use proptest::prelude::*;
use std::sync::LazyLock;
use suanpan_messages::iso8583::{
    Content, DecodeError, Dialect, EncodeError, FieldSpec, ISO_1987, ISO_1987_BINARY_BITMAP, ISO_1987_EBCDIC,
    ISO_1987_PACKED, Kind, Length, Message, MessageType, UNIONPAY_DOWNSTREAM, UNIONPAY_HOST,
    UNIONPAY_TERMINAL,
};

static DIALECTS: LazyLock<Vec<&'static Dialect>> =
    LazyLock::new(|| [&ALL[..], &[&UNIONPAY_HOST, &UNIONPAY_DOWNSTREAM, &UNIONPAY_TERMINAL]].concat());

/// All real messages, each with its dialect.
static REAL: LazyLock<Vec<(Dialect, Vec<u8>)>> = LazyLock::new(|| {
    let unionpay = dumps().into_iter().map(|(name, bytes)| (*dialect(&name), bytes));
    let others = samples("dat").into_iter().map(|(name, bytes)| (dialect_of(&name), bytes));
    unionpay.chain(others).collect()
});

fn message_type(text: &str) -> MessageType {
    MessageType::new(text.as_bytes().try_into().expect("four")).expect("digits")
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
    assert!(!format!("{:?}", UNIONPAY_TERMINAL.decode(&good)).contains("6224242300000069"));
    assert!(!format!("{:?}", UNIONPAY_TERMINAL.view(&good)).contains("622424"));
    assert_eq!(decode(&[0; 65_536]), DecodeError::Long { len: 65_536 });
}

#[test]
fn bytes_that_could_not_be_written_again_are_refused() {
    let field = |number, at, what| DecodeError::Field { number, at, what };
    for (dialect, bytes, error) in [
        (&ISO_1987, &b"0800820000000000000a"[..], field(1, 4, "the bitmap is not upper-case hexadecimal")),
        (&ISO_1987, b"08x0", field(0, 0, "the message type is not four digits")),
        (&ISO_1987, b"02000000000000001000c1c2c3c4c5c6c7c8", field(52, 20, "is not upper-case hexadecimal")),
        (&ISO_1987, b"020040000000000000001 6", field(2, 20, "its length is not a number")),
        (&ISO_1987, b"0200400000000000000020", field(2, 20, "is longer than it may be")),
        (
            &ISO_1987_PACKED,
            b"\x02\x00\0\0\0\0\0\x01\0\0\x10\x08",
            field(48, 10, "its length is not a number"),
        ),
        (&UNIONPAY_HOST, b"0200\x40\0\0\0\0\0\0\0", field(1, 4, "the first bit of the bitmap is not set")),
    ] {
        assert_eq!(dialect.decode(bytes), Err(error));
    }
}

/// Half bytes that fill up an odd number of digits are zeros by custom, and kept where they are not.
#[test]
fn filling_is_kept() {
    for (dialect, written) in [
        (&UNIONPAY_TERMINAL, "0200 0000060000000000 071F F001"),
        (&ISO_1987_PACKED, "0200 4000060000000000 03123E F071 F001"),
    ] {
        let bytes = hex::decode(written.replace(' ', "")).expect("hexadecimal");
        let message = dialect.decode(&bytes).expect("a message");
        assert_eq!((message.get(22), message.get(23)), (Some(&b"071"[..]), Some(&b"001"[..])));
        assert_eq!(dialect.encode(&message), Ok(bytes), "{}", dialect.name);
    }
}

#[test]
fn what_does_not_fit_is_not_written() {
    let refused = |dialect: &Dialect, number: u8, value: &[u8]| {
        let mut message = Message::new(message_type("0200"));
        message.set(number, value);
        let mut bytes = b"before".to_vec();
        let error = dialect.encode_onto(&message, &mut bytes).expect_err("too much");
        assert_eq!(bytes, b"before");
        error
    };
    let field = |number, what| EncodeError::Field { number, what };
    let terminal = &UNIONPAY_TERMINAL;
    assert_eq!(refused(terminal, 4, b"1"), field(4, "does not have its fixed length"));
    assert_eq!(refused(terminal, 2, &[b'1'; 20]), field(2, "is longer than it may be"));
    assert_eq!(refused(terminal, 3, b"00000A"), field(3, "holds characters that are not packed digits"));
    assert_eq!(refused(terminal, 23, b"A00"), field(23, "holds characters that are not packed digits"));
    assert_eq!(refused(terminal, 5, b"1"), EncodeError::Unknown { number: 5, dialect: "UnionPay terminal" });
    let mut message = Message::new(message_type("0200"));
    message.header = vec![0x60; 10];
    let error = terminal.encode(&message).expect_err("a short header");
    assert_eq!(error, EncodeError::Header { len: 10, dialect: "UnionPay terminal" });
    message.header.clear();
    for number in (2..=128).filter(|number| *number != 64) {
        if ISO_1987.fields.get(number).is_some_and(|spec| matches!(spec.length, Length::Three(999))) {
            message.set(number, [b' '; 999]);
        }
    }
    assert_eq!(ISO_1987.encode(&message).map(|bytes| bytes.len()), Ok(35 * 1002 + 4 + 32));
}

/// The same message in each way of writing; bytes written by hand.
#[test]
fn ways_of_writing_are_the_standard_s() {
    let mut message = Message::new(message_type("0200"));
    message.set(2, "61234567890123456");
    message.set(22, "051");
    message.set(28, "C00000150");
    message.set(39, "00");
    message.set(52, *b"\x01\x23\x45\x67\x89\xAB\xCD\xEF");
    for (dialect, written) in [
        (&ISO_1987, hex::encode("0200400004100200100017612345678901234560 51C00000150000123456789ABCDEF".replace(' ', ""))),
        (
            &ISO_1987_BINARY_BITMAP,
            format!("{}4000041002001000{}0123456789abcdef", hex::encode("0200"), hex::encode("1761234567890123456051C0000015000")),
        ),
        (
            &ISO_1987_PACKED,
            "02004000041002001000 17 612345678901234560 0051 4300000150 3030 0123456789abcdef".replace(' ', ""),
        ),
        (
            &ISO_1987_EBCDIC,
            "f0f2f0f0 4000041002001000 f1f7 f6f1f2f3f4f5f6f7f8f9f0f1f2f3f4f5f6 f0f5f1 c3f0f0f0f0f0f1f5f0 f0f0 0123456789abcdef"
                .replace(' ', ""),
        ),
    ] {
        let bytes = dialect.encode(&message).expect("a message");
        assert_eq!(hex::encode(&bytes), written, "{}", dialect.name);
        assert_eq!(dialect.decode(&bytes), Ok(message.clone()), "{}", dialect.name);
    }
}

#[test]
fn fields_are_set_again_and_taken_out() {
    let mut message = Message::new(message_type("0200"));
    for (number, value) in
        [(39, "00"), (4, "000000000100"), (128, "12345678"), (39, "511"), (39, "5"), (2, "6")]
    {
        message.set(number, value);
    }
    assert!(message.remove(4) && !message.remove(4));
    let told: Vec<(u8, &[u8])> = message.fields().map(|(number, field)| (number, field.value)).collect();
    assert_eq!(told, [(2, &b"6"[..]), (39, b"5"), (128, b"12345678")]);
    assert_eq!(
        (message.get(39), message.get(4), message.get(0), message.get(129)),
        (Some(&b"5"[..]), None, None, None)
    );
}

#[test]
fn an_answer_takes_what_is_named() {
    let (_, bytes) = dumps().into_iter().find(|(name, _)| name.ends_with("pay_request")).expect("a message");
    let view = UNIONPAY_TERMINAL.view(&bytes).expect("a message");
    let mut answer = Message::answer(&view, &[2, 3, 4, 11, 41, 42, 102]).expect("a request");
    answer.set(39, "00");
    assert_eq!(answer.message_type, Some(message_type("0210")));
    assert_eq!(answer.fields().map(|(number, _)| number).collect::<Vec<u8>>(), [2, 3, 4, 11, 39, 41, 42]);
    let written = UNIONPAY_TERMINAL.encode(&answer).expect("an answer");
    assert_eq!(written[..11], bytes[..11]);
    assert!(Message::answer(&UNIONPAY_TERMINAL.view(&written).expect("an answer"), &[2]).is_none());
}

/// Any value that fits a field of a dialect.
fn value(spec: &FieldSpec) -> BoxedStrategy<Vec<u8>> {
    let len = match spec.length {
        Length::Fixed(len) => usize::from(len)..usize::from(len) + 1,
        Length::Two(max) | Length::Three(max) => 0..usize::from(max).min(60) + 1,
    };
    let packed = matches!(spec.content, Content::Digits | Content::DigitsRight);
    let character = match spec.kind {
        Kind::Track | Kind::Text | Kind::Letters if packed => (b'0'..=b'?').boxed(),
        Kind::Digits => (b'0'..=b'9').boxed(),
        Kind::Track => (b'0'..=b'?').boxed(),
        Kind::Letters => prop::sample::select(b"ABCXYZabcxyz0123456789 ".to_vec()).boxed(),
        Kind::SignedAmount => (b'0'..=b'9').boxed(),
        Kind::Text | Kind::Binary if packed => (b'0'..=b'9').boxed(),
        Kind::Text | Kind::Binary => any::<u8>().boxed(),
    };
    let signed = spec.kind == Kind::SignedAmount;
    prop::collection::vec(character, len)
        .prop_map(move |mut value| {
            if signed {
                value[0] = b'C' + value[0] % 2;
            }
            value
        })
        .boxed()
}

/// Any message that a dialect accepts.
fn any_message() -> impl Strategy<Value = (&'static Dialect, Message)> {
    (0..DIALECTS.len(), prop::collection::vec(any::<prop::sample::Index>(), 0..20), "[0-9]{4}").prop_flat_map(
        |(which, chosen, digits)| {
            let dialect = DIALECTS[which];
            let all: Vec<&FieldSpec> = dialect.fields.iter().collect();
            let values: Vec<_> = chosen
                .iter()
                .map(|index| {
                    let spec = *index.get(&all);
                    value(spec).prop_map(move |value| (spec.number, value))
                })
                .collect();
            values.prop_map(move |values| {
                // A packed message type of 60.. would be taken for the address of a terminal.
                let mut message = Message::new(message_type(&digits.replace('6', "5")));
                for (number, value) in values {
                    message.set(number, value);
                }
                (dialect, message)
            })
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read((dialect, message) in any_message()) {
        let bytes = dialect.encode(&message).expect("a message");
        let view = dialect.view(&bytes).expect("a message");
        prop_assert_eq!(view.to_message(), message.clone(), "{}", dialect.name);
        prop_assert_eq!(view.strange().count(), 0);
        for (number, field) in message.fields() {
            let value = view.get(number).expect("the field");
            let characters = value.characters();
            prop_assert_eq!(&characters[..], field.value);
            prop_assert_eq!(value.len(), field.value.len());
            prop_assert_eq!(&bytes[value.at()..value.at() + value.raw().len()], value.raw());
        }
    }

    #[test]
    fn what_is_read_is_written_to_the_same_bytes(which in 0_usize..27, changes in prop::collection::vec((0_usize..600, any::<u8>()), 0..3), cut in 0_usize..600, other in any::<prop::sample::Index>()) {
        let (own, bytes) = &REAL[which];
        let mut bytes = bytes.clone();
        for (at, byte) in changes {
            let len = bytes.len();
            bytes[at % len] = byte;
        }
        if cut < 100 {
            bytes.truncate(cut + 1);
        }
        for dialect in [own, *other.get(&DIALECTS)] {
            if let Ok(message) = dialect.decode(&bytes) {
                let written = dialect.encode(&message);
 prop_assert_eq!(written.as_ref(), Ok(&bytes), "{}", dialect.name);
            }
        }
    }

    #[test]
    fn changed_messages_are_written_to_the_same_bytes((dialect, message) in any_message(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), other in any::<prop::sample::Index>()) {
        let mut bytes = dialect.encode(&message).expect("a message");
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        for dialect in [dialect, *other.get(&DIALECTS)] {
            if let Ok(message) = dialect.decode(&bytes) {
                let written = dialect.encode(&message);
                prop_assert_eq!(written.as_ref(), Ok(&bytes), "{}", dialect.name);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for dialect in DIALECTS.iter() {
            if let Ok(view) = dialect.view(&bytes) {
                prop_assert!(!view.describe().to_string().is_empty());
            }
        }
    }
}
