//! The dialects: the standard's own in four ways of writing, and those of UnionPay.

mod layouts;
mod unionpay;
mod year1987;
mod year1993;

pub use unionpay::{UNIONPAY_DOWNSTREAM, UNIONPAY_HOST, UNIONPAY_TERMINAL};

use super::{
    Alphabet, Bitmap, Content, Dialect, FieldSpec, Fields, Header, Kind, Layout, Length, LengthDigits, Shown,
};

/// A field of characters; bytes for `b`.
const fn spec(number: u8, name: &'static str, length: Length, kind: Kind, shown: Shown) -> FieldSpec {
    let content = if matches!(kind, Kind::Binary) { Content::Binary } else { Content::Text };
    FieldSpec { number, name, length, content, kind, shown, layout: Layout::Whole }
}

/// The standard's ways of writing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writing {
    Ascii,
    BinaryBitmap,
    Packed,
    Ebcdic,
}

/// ISO 8583:1987, all in ASCII: bitmaps and binary fields are hexadecimal.
pub static ISO_1987: Dialect = dialect("ISO 8583:1987", &year1987::FIELDS, Writing::Ascii);
/// ISO 8583:1987 in ASCII, with bitmaps and binary fields as bytes.
pub static ISO_1987_BINARY_BITMAP: Dialect =
    dialect("ISO 8583:1987, binary bitmap", &year1987::FIELDS, Writing::BinaryBitmap);
/// ISO 8583:1987 with packed digits: numbers take half their bytes, filled on the left where their length is
/// fixed and on the right where it is not. Texts are ASCII.
pub static ISO_1987_PACKED: Dialect = dialect("ISO 8583:1987, packed", &year1987::FIELDS, Writing::Packed);
/// ISO 8583:1987 in EBCDIC, with bitmaps and binary fields as bytes.
pub static ISO_1987_EBCDIC: Dialect = dialect("ISO 8583:1987, EBCDIC", &year1987::FIELDS, Writing::Ebcdic);
/// ISO 8583:1993, all in ASCII: bitmaps and binary fields are hexadecimal.
pub static ISO_1993: Dialect = dialect("ISO 8583:1993", &year1993::FIELDS, Writing::Ascii);
/// ISO 8583:1993 in ASCII, with bitmaps and binary fields as bytes.
pub static ISO_1993_BINARY_BITMAP: Dialect =
    dialect("ISO 8583:1993, binary bitmap", &year1993::FIELDS, Writing::BinaryBitmap);
/// ISO 8583:1993 with packed digits, as [`ISO_1987_PACKED`].
pub static ISO_1993_PACKED: Dialect = dialect("ISO 8583:1993, packed", &year1993::FIELDS, Writing::Packed);
/// ISO 8583:1993 in EBCDIC, with bitmaps and binary fields as bytes.
pub static ISO_1993_EBCDIC: Dialect = dialect("ISO 8583:1993, EBCDIC", &year1993::FIELDS, Writing::Ebcdic);

const fn dialect(name: &'static str, list: &[FieldSpec], writing: Writing) -> Dialect {
    let original_in_90 = matches!(list[88].length, Length::Fixed(42));
    let mut fields = Fields::new(list);
    let mut at = 0;
    while at < list.len() {
        let mut spec = list[at];
        spec.content = content(spec, writing);
        fields = fields.with(spec);
        at += 1;
    }
    fields = fields.divided(54, layouts::AMOUNTS);
    fields = if original_in_90 {
        fields.divided(90, layouts::ORIGINAL_1987)
    } else {
        fields.divided(55, layouts::CHIP).divided(56, layouts::ORIGINAL_1993)
    };
    let (message_type, lengths) = match writing {
        Writing::Ascii | Writing::BinaryBitmap => (Alphabet::Ascii, LengthDigits::Ascii),
        Writing::Packed => (Alphabet::Packed, LengthDigits::Packed),
        Writing::Ebcdic => (Alphabet::Ebcdic, LengthDigits::Ebcdic),
    };
    let bitmap = match writing {
        Writing::Ascii => Bitmap::Hexadecimal,
        _ => Bitmap::Binary,
    };
    Dialect {
        name,
        message_type,
        bitmap,
        wide: false,
        lengths,
        header: Header::None,
        header_layout: Layout::Whole,
        fields,
    }
}

const fn content(spec: FieldSpec, writing: Writing) -> Content {
    match (writing, spec.kind, spec.length) {
        (Writing::Ascii, Kind::Binary, _) => Content::Hexadecimal,
        (_, Kind::Binary, _) => Content::Binary,
        (Writing::Ebcdic, _, _) => Content::Ebcdic,
        (Writing::Packed, Kind::Digits, Length::Fixed(_)) => Content::DigitsRight,
        (Writing::Packed, Kind::Digits, _) => Content::Digits,
        (Writing::Packed, Kind::SignedAmount, _) => Content::SignedDigits,
        // Of the tracks only the second is packed: the third may hold more than digits and separators.
        (Writing::Packed, Kind::Track, Length::Two(_)) => Content::Digits,
        _ => Content::Text,
    }
}
