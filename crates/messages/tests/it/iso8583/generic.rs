//! The standard's own dialects: the public samples of another library, and its list of fields.

use super::samples;
use crate::samples::path;
use suanpan_messages::iso8583::{
    Content, Dialect, FieldSpec, ISO_1987, ISO_1987_BINARY_BITMAP, ISO_1987_EBCDIC, ISO_1987_PACKED,
    ISO_1993, ISO_1993_BINARY_BITMAP, ISO_1993_EBCDIC, ISO_1993_PACKED, Kind, Length, LengthDigits,
};

/// All dialects of the standard.
pub(super) static ALL: [&Dialect; 8] = [
    &ISO_1987,
    &ISO_1987_BINARY_BITMAP,
    &ISO_1987_PACKED,
    &ISO_1987_EBCDIC,
    &ISO_1993,
    &ISO_1993_BINARY_BITMAP,
    &ISO_1993_PACKED,
    &ISO_1993_EBCDIC,
];

/// The samples of moov-io/iso8583 are of 1987 in ASCII; three of them have fields written otherwise.
pub(super) fn dialect_of(name: &str) -> Dialect {
    let rewritten = |numbers: &[u8], content| {
        let mut dialect = ISO_1987;
        for number in numbers {
            let spec = *dialect.fields.get(*number).expect("a field");
            dialect.fields = dialect.fields.with(FieldSpec { content, ..spec });
        }
        dialect
    };
    match name {
        "moov__message_with_character_ebcdic_encoding" => rewritten(&[42], Content::Ebcdic),
        "moov__message_with_number_bcd_encoding" => rewritten(&[7, 11, 12], Content::DigitsRight),
        "moov__message_with_hex_bcd" => Dialect { lengths: LengthDigits::PackedLeft, ..ISO_1987 },
        _ => ISO_1987,
    }
}

/// What the samples say, read along the list of fields: number=value, `_` for a space. The answer to the reversal
/// was shifted by its author from field 42 on; its lengths still fit.
const EXPECTED: [(&str, &str); 9] = [
    (
        "moov__financial_transaction_message",
        "0200 3=380000 4=000000000000 7=0420050805 11=011392 12=120805 13=0420 15=0422 18=5132 32=2000001 \
         37=000000115604 42=0800411________ 48=511463331563 49=360 60=99",
    ),
    (
        "moov__financial_transaction_message_response",
        "0210 3=380000 4=000000000000 7=0420050805 11=011392 12=120805 13=0420 15=0422 18=5132 32=2000001 \
         37=000000115604 39=00 42=0800411________ 48=011511463331563GBAAASDD_ERRR*135 49=130 60=1B54391001",
    ),
    (
        "moov__iso_reversal_message",
        "0400 2=1111111110000000000 3=180000 4=000000030000 7=0109080646 11=100331 12=001120 13=0909 15=0809 \
         18=9601 32= 37=600020000000 42=00003430003948_ 48=08110012000004096565733200000003000001 49=360 \
         55=003317000394809080646510000000 63=132 90=020000331609080645190000000020000000000000",
    ),
    (
        "moov__iso_reversal_message_response",
        "0410 2=1111111110000000000 3=180000 4=000000030000 7=0109080646 11=100331 12=001230 13=0909 15=0809 \
         18=8601 32= 37=600020000000 39=00 42=00343000003948_ 48=08110012000006281100120000040965657332 \
         49=360 55=00331700039480908064651000000_ 63= 90=313202000033160908064519000000002000000000",
    ),
    (
        "moov__message_with_character_ebcdic_encoding",
        "0800 7=0420090613 11=900001 12=090613 42=ABCDEFGHIJKLMNO",
    ),
    ("moov__message_with_hex_bcd", "0800 7=0420090613 11=900001 12=090613 13=0420 15=0420 48=00000000"),
    ("moov__message_with_number_bcd_encoding", "0800 7=0420090613 11=900001 12=090613"),
    ("moov__network_management_message", "0800 7=0420090613 11=900001 12=090613 13=0420 15=0420 70=001"),
    (
        "moov__network_management_message_response",
        "0810 7=0420090613 11=900001 12=090613 13=0420 15=0420 39=00 70=001 73=031128",
    ),
];

#[test]
fn samples_are_read_and_written() {
    let samples = samples("dat");
    for (name, expected) in EXPECTED {
        let (_, bytes) = samples.iter().find(|(found, _)| found == name).expect("the sample");
        let dialect = dialect_of(name);
        let message = dialect.decode(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(dialect.encode(&message).as_ref(), Ok(bytes), "{name}");
        let mut told = message.message_type.expect("a type").to_string();
        for (number, field) in message.fields() {
            let text = String::from_utf8(field.value.to_vec()).expect("a text");
            told.push_str(&format!(" {number}={}", text.replace(' ', "_").replace(&"_".repeat(135), "*135")));
        }
        assert_eq!(told, expected, "{name}");
    }
    assert_eq!(samples.len(), EXPECTED.len(), "a sample that nothing is expected of");
}

/// What the other library itself made of the reversal.
#[test]
fn the_reversal_says_what_is_published_of_it() {
    let bytes = std::fs::read(path("iso8583/moov__iso_reversal_message.dat")).expect("the sample");
    let published = std::fs::read(path("iso8583/moov__iso_reversal_message.json")).expect("its decode");
    let published: serde_json::Value = serde_json::from_slice(&published).expect("JSON");
    let view = ISO_1987.view(&bytes).expect("a message");
    assert_eq!(view.message_type().expect("a type").to_string(), published["mti"]);
    let elements = published["elements"].as_object().expect("elements");
    for (number, text) in elements.iter().filter(|(number, _)| *number != "1") {
        let value = view.get(number.parse().expect("a number")).expect("the field").characters();
        assert_eq!(std::str::from_utf8(&value).expect("a text"), text, "{number}");
    }
    assert_eq!(view.fields().count() + 1, elements.len());
}

/// The list of 1987 against that of the other library, field by field.
#[test]
fn fields_of_1987_are_those_of_a_published_list() {
    let list = std::fs::read(path("iso8583/moov__specification_ver_1987.json")).expect("the list");
    let list = encoding_rs::WINDOWS_1252.decode(&list).0.into_owned();
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let mut seen = 0;
    for (number, element) in list["elements"].as_object().expect("elements") {
        let number: u8 = number.parse().expect("a number");
        let describe = element["Describe"].as_str().expect("a description");
        let describe = describe.split(';').next().unwrap_or_default();
        let Some(spec) = ISO_1987.fields.get(number) else {
            assert_eq!((number, describe), (1, "b 64"));
            continue;
        };
        seen += 1;
        let letters: String =
            describe.chars().take_while(|c| !c.is_ascii_digit() && !". ".contains(*c)).collect();
        let count: u16 =
            describe.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().expect("a length");
        let length = match describe.matches('.').count() {
            0 if letters == "b" => Length::Fixed(count.div_ceil(8)),
            0 if letters == "x+n" => Length::Fixed(count + 1),
            0 => Length::Fixed(count),
            2 => Length::Two(count),
            _ => Length::Three(count),
        };
        assert_eq!(spec.length, length, "{number}");
        let kind = match (number, letters.as_str()) {
            // Wider than the list, as other lists have it.
            (36, "n") => Kind::Track,
            (49..=51, "n") => Kind::Letters,
            (44..=48, "an") => Kind::Text,
            (_, "n") => Kind::Digits,
            (_, "an") => Kind::Letters,
            (_, "z") => Kind::Track,
            (_, "b") => Kind::Binary,
            (_, "x+n") => Kind::SignedAmount,
            _ => Kind::Text,
        };
        assert_eq!(spec.kind, kind, "{number} {letters}");
    }
    assert_eq!((seen, ISO_1987.fields.iter().count()), (127, 127));
}
