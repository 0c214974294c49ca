//! The dialects of UnionPay: facts of the interchange (Q/CUP 006) and terminal (Q/CUP 009) specifications, as
//! public field lists and real messages show them. Real messages go beyond the listed lengths of fields with
//! three digits of length, so those digits alone bound them.

use super::layouts;
use crate::iso8583::Content::{Binary, Digits, DigitsRight, Text};
use crate::iso8583::Length::{Fixed, Three, Two};
use crate::iso8583::Shown::{Bytes, Hidden, Masked, Plain};
use crate::iso8583::{
    Alphabet, Bitmap, Content, Dialect, FieldSpec, Fields, Header, Kind, Layout, Length, LengthDigits, Shown,
};

const fn field(
    number: u8,
    name: &'static str,
    length: Length,
    content: Content,
    kind: Kind,
    shown: Shown,
) -> FieldSpec {
    FieldSpec { number, name, length, content, kind, shown, layout: Layout::Whole }
}

const fn host(name: &'static str, header: u8, header_layout: Layout, fields: Fields) -> Dialect {
    Dialect {
        name,
        message_type: Alphabet::Ascii,
        bitmap: Bitmap::Binary,
        wide: true,
        lengths: LengthDigits::Ascii,
        header: Header::OwnLength(header),
        header_layout,
        fields,
    }
}

/// Between institutions and UnionPay (CUPS): header of 46 bytes, characters, sixteen bytes of bitmap.
pub static UNIONPAY_HOST: Dialect = host(
    "UnionPay host",
    46,
    layouts::HOST_HEADER,
    Fields::new(&HOST)
        .divided(48, layouts::HOST_PRIVATE)
        .divided(53, layouts::SECURITY)
        .divided(54, layouts::AMOUNTS)
        .divided(55, layouts::CHIP)
        .divided(56, layouts::USAGES)
        .divided(57, layouts::HOST_TRANSACTION)
        .divided(59, layouts::HOST_DETAILS)
        .divided(60, layouts::HOST_REASON)
        .divided(61, layouts::HOST_CARDHOLDER)
        .divided(62, layouts::HOST_SWITCHING)
        .divided(63, layouts::HOST_NETWORK)
        .divided(90, layouts::ORIGINAL_1987)
        .divided(104, layouts::USAGES)
        .divided(113, layouts::USAGES)
        .divided(116, layouts::USAGES)
        .divided(117, layouts::USAGES)
        .divided(121, layouts::CENTRE)
        .divided(122, layouts::HOST_ACQUIRER)
        .divided(125, layouts::USAGES)
        .divided(126, layouts::USAGES),
);

/// Between UnionPay's acquiring platform and its partners (CUPD): as the host, with a header of 41 bytes.
pub static UNIONPAY_DOWNSTREAM: Dialect = host(
    "UnionPay downstream",
    41,
    layouts::DOWNSTREAM_HEADER,
    Fields::new(&DOWNSTREAM)
        .divided(47, Layout::Usage(&[]))
        .divided(48, Layout::Usage(&[]))
        .divided(53, layouts::SECURITY)
        .divided(54, layouts::AMOUNTS)
        .divided(55, layouts::CHIP)
        .divided(57, Layout::Usage(&[]))
        .divided(60, layouts::HOST_REASON)
        .divided(61, layouts::HOST_CARDHOLDER)
        .divided(62, layouts::DOWNSTREAM_SWITCHING)
        .divided(63, layouts::HOST_NETWORK)
        .divided(90, layouts::ORIGINAL_1987)
        .divided(104, layouts::USAGES)
        .divided(108, layouts::OPTIONS)
        .divided(117, layouts::USAGES)
        .divided(122, layouts::DOWNSTREAM_ACQUIRER)
        .divided(127, layouts::USAGES),
);

/// Between a terminal and its acquirer: address and header of eleven bytes, packed digits.
pub static UNIONPAY_TERMINAL: Dialect = Dialect {
    name: "UnionPay terminal",
    message_type: Alphabet::Packed,
    bitmap: Bitmap::Binary,
    wide: false,
    lengths: LengthDigits::Packed,
    header: Header::Terminal,
    header_layout: layouts::TERMINAL_HEADER,
    fields: Fields::new(&TERMINAL)
        .divided(53, layouts::SECURITY)
        .divided(54, layouts::AMOUNTS)
        .divided(55, layouts::CHIP)
        .divided(60, layouts::TERMINAL_TYPE)
        .divided(61, layouts::TERMINAL_ORIGINAL),
};

/// Fields of the host. Those of reconciliation (66, 74 to 89, 97, 99) have the standard's lengths,
/// but one public list gives 82 and 84 sixteen digits: no real message was seen.
const HOST: [FieldSpec; 83] = [
    field(2, "primary account number", Two(19), Text, Kind::Digits, Masked),
    field(3, "processing code", Fixed(6), Text, Kind::Digits, Plain),
    field(4, "amount, transaction", Fixed(12), Text, Kind::Digits, Plain),
    field(5, "amount, settlement", Fixed(12), Text, Kind::Digits, Plain),
    field(6, "amount, cardholder billing", Fixed(12), Text, Kind::Digits, Plain),
    field(7, "transmission date and time", Fixed(10), Text, Kind::Digits, Plain),
    field(9, "conversion rate, settlement", Fixed(8), Text, Kind::Digits, Plain),
    field(10, "conversion rate, cardholder billing", Fixed(8), Text, Kind::Digits, Plain),
    field(11, "system trace audit number", Fixed(6), Text, Kind::Digits, Plain),
    field(12, "time, local transaction", Fixed(6), Text, Kind::Digits, Plain),
    field(13, "date, local transaction", Fixed(4), Text, Kind::Digits, Plain),
    field(14, "date, expiration", Fixed(4), Text, Kind::Digits, Hidden),
    field(15, "date, settlement", Fixed(4), Text, Kind::Digits, Plain),
    field(16, "date, conversion", Fixed(4), Text, Kind::Digits, Plain),
    field(18, "merchant type", Fixed(4), Text, Kind::Digits, Plain),
    field(19, "country code, acquiring institution", Fixed(3), Text, Kind::Digits, Plain),
    field(22, "point of service entry mode", Fixed(3), Text, Kind::Digits, Plain),
    field(23, "card sequence number", Fixed(3), Text, Kind::Digits, Plain),
    field(25, "point of service condition code", Fixed(2), Text, Kind::Digits, Plain),
    field(26, "point of service PIN capture code", Fixed(2), Text, Kind::Digits, Plain),
    field(28, "amount, transaction fee", Fixed(9), Text, Kind::SignedAmount, Plain),
    field(32, "acquiring institution identification", Two(11), Text, Kind::Digits, Plain),
    field(33, "forwarding institution identification", Two(11), Text, Kind::Digits, Plain),
    field(35, "track 2 data", Two(37), Text, Kind::Track, Hidden),
    field(36, "track 3 data", Three(104), Text, Kind::Track, Hidden),
    field(37, "retrieval reference number", Fixed(12), Text, Kind::Letters, Plain),
    field(38, "authorisation identification response", Fixed(6), Text, Kind::Letters, Plain),
    field(39, "response code", Fixed(2), Text, Kind::Letters, Plain),
    field(41, "card acceptor terminal identification", Fixed(8), Text, Kind::Text, Plain),
    field(42, "card acceptor identification", Fixed(15), Text, Kind::Text, Plain),
    field(43, "card acceptor name and location", Fixed(40), Text, Kind::Text, Plain),
    field(44, "additional response data", Two(25), Text, Kind::Text, Plain),
    field(45, "track 1 data", Two(76), Text, Kind::Text, Hidden),
    field(48, "additional data, private", Three(999), Text, Kind::Text, Hidden),
    field(49, "currency code, transaction", Fixed(3), Text, Kind::Letters, Plain),
    field(50, "currency code, settlement", Fixed(3), Text, Kind::Letters, Plain),
    field(51, "currency code, cardholder billing", Fixed(3), Text, Kind::Letters, Plain),
    field(52, "personal identification number data", Fixed(8), Binary, Kind::Binary, Hidden),
    field(53, "security related control information", Fixed(16), Text, Kind::Digits, Plain),
    field(54, "additional amounts", Three(999), Text, Kind::Text, Plain),
    field(55, "chip data", Three(999), Binary, Kind::Binary, Hidden),
    field(56, "additional data", Three(999), Text, Kind::Text, Hidden),
    field(57, "additional transaction data", Three(999), Text, Kind::Text, Hidden),
    field(58, "wallet transaction data", Three(999), Text, Kind::Text, Hidden),
    field(59, "detail inquiry", Three(999), Text, Kind::Text, Hidden),
    field(60, "reason code and point of service", Three(999), Text, Kind::Text, Hidden),
    field(61, "cardholder authentication", Three(999), Text, Kind::Text, Hidden),
    field(62, "switching data", Three(999), Text, Kind::Text, Hidden),
    field(63, "financial network data", Three(999), Text, Kind::Text, Hidden),
    field(66, "settlement code", Fixed(1), Text, Kind::Digits, Plain),
    field(70, "network management information code", Fixed(3), Text, Kind::Digits, Plain),
    field(74, "credits, number", Fixed(10), Text, Kind::Digits, Plain),
    field(75, "credits, reversal number", Fixed(10), Text, Kind::Digits, Plain),
    field(76, "debits, number", Fixed(10), Text, Kind::Digits, Plain),
    field(77, "debits, reversal number", Fixed(10), Text, Kind::Digits, Plain),
    field(78, "transfers, number", Fixed(10), Text, Kind::Digits, Plain),
    field(79, "transfers, reversal number", Fixed(10), Text, Kind::Digits, Plain),
    field(80, "inquiries, number", Fixed(10), Text, Kind::Digits, Plain),
    field(81, "authorisations, number", Fixed(10), Text, Kind::Digits, Plain),
    field(82, "credits, processing fee amount", Fixed(12), Text, Kind::Digits, Plain),
    field(84, "debits, processing fee amount", Fixed(12), Text, Kind::Digits, Plain),
    field(86, "credits, amount", Fixed(16), Text, Kind::Digits, Plain),
    field(87, "credits, reversal amount", Fixed(16), Text, Kind::Digits, Plain),
    field(88, "debits, amount", Fixed(16), Text, Kind::Digits, Plain),
    field(89, "debits, reversal amount", Fixed(16), Text, Kind::Digits, Plain),
    field(90, "original data elements", Fixed(42), Text, Kind::Digits, Plain),
    field(95, "replacement amounts", Fixed(42), Text, Kind::Letters, Plain),
    field(96, "message security code", Fixed(8), Binary, Kind::Binary, Hidden),
    field(97, "amount, net settlement", Fixed(17), Text, Kind::SignedAmount, Plain),
    field(99, "settlement institution identification", Two(11), Text, Kind::Digits, Plain),
    field(100, "receiving institution identification", Two(11), Text, Kind::Digits, Plain),
    field(102, "account identification 1", Two(28), Text, Kind::Text, Masked),
    field(103, "account identification 2", Two(28), Text, Kind::Text, Masked),
    field(104, "additional data", Three(999), Text, Kind::Text, Hidden),
    field(113, "additional data", Three(999), Text, Kind::Text, Hidden),
    field(116, "additional data", Three(999), Text, Kind::Text, Hidden),
    field(117, "additional data", Three(999), Text, Kind::Text, Hidden),
    field(121, "reserved for the switching centre", Three(999), Text, Kind::Text, Hidden),
    field(122, "reserved for the acquirer", Three(999), Text, Kind::Text, Hidden),
    field(123, "reserved for the issuer", Three(999), Text, Kind::Text, Hidden),
    field(125, "additional data", Three(999), Text, Kind::Text, Hidden),
    field(126, "additional data", Three(999), Text, Kind::Text, Hidden),
    field(128, "message authentication code", Fixed(8), Text, Kind::Letters, Plain),
];

/// Fields of the downstream.
const DOWNSTREAM: [FieldSpec; 57] = [
    field(2, "primary account number", Two(19), Text, Kind::Digits, Masked),
    field(3, "processing code", Fixed(6), Text, Kind::Digits, Plain),
    field(4, "amount, transaction", Fixed(12), Text, Kind::Digits, Plain),
    field(6, "amount, cardholder billing", Fixed(12), Text, Kind::Digits, Plain),
    field(7, "transmission date and time", Fixed(10), Text, Kind::Digits, Plain),
    field(10, "conversion rate, cardholder billing", Fixed(8), Text, Kind::Digits, Plain),
    field(11, "system trace audit number", Fixed(6), Text, Kind::Digits, Plain),
    field(12, "time, local transaction", Fixed(6), Text, Kind::Digits, Plain),
    field(13, "date, local transaction", Fixed(4), Text, Kind::Digits, Plain),
    field(14, "date, expiration", Fixed(4), Text, Kind::Digits, Hidden),
    field(15, "date, settlement", Fixed(4), Text, Kind::Digits, Plain),
    field(18, "merchant type", Fixed(4), Text, Kind::Digits, Plain),
    field(19, "country code, acquiring institution", Fixed(3), Text, Kind::Digits, Plain),
    field(22, "point of service entry mode", Fixed(3), Text, Kind::Digits, Plain),
    field(23, "card sequence number", Fixed(3), Text, Kind::Digits, Plain),
    field(25, "point of service condition code", Fixed(2), Text, Kind::Digits, Plain),
    field(26, "point of service PIN capture code", Fixed(2), Text, Kind::Digits, Plain),
    field(28, "amount, transaction fee", Fixed(9), Text, Kind::SignedAmount, Plain),
    field(32, "acquiring institution identification", Two(11), Text, Kind::Digits, Plain),
    field(33, "forwarding institution identification", Two(11), Text, Kind::Digits, Plain),
    field(35, "track 2 data", Two(37), Text, Kind::Track, Hidden),
    field(36, "track 3 data", Three(104), Text, Kind::Track, Hidden),
    field(37, "retrieval reference number", Fixed(12), Text, Kind::Letters, Plain),
    field(38, "authorisation identification response", Fixed(6), Text, Kind::Letters, Plain),
    field(39, "response code", Fixed(2), Text, Kind::Letters, Plain),
    field(41, "card acceptor terminal identification", Fixed(8), Text, Kind::Text, Plain),
    field(42, "card acceptor identification", Fixed(15), Text, Kind::Text, Plain),
    field(43, "card acceptor name and location", Fixed(40), Text, Kind::Text, Plain),
    field(44, "additional response data", Two(25), Text, Kind::Text, Plain),
    field(47, "channel data", Three(999), Text, Kind::Text, Hidden),
    field(48, "additional data, private", Three(999), Text, Kind::Text, Hidden),
    field(49, "currency code, transaction", Fixed(3), Text, Kind::Letters, Plain),
    field(51, "currency code, cardholder billing", Fixed(3), Text, Kind::Letters, Plain),
    field(52, "personal identification number data", Fixed(8), Binary, Kind::Binary, Hidden),
    field(53, "security related control information", Fixed(16), Text, Kind::Digits, Plain),
    field(54, "additional amounts", Three(999), Text, Kind::Text, Plain),
    field(55, "chip data", Three(999), Binary, Kind::Binary, Hidden),
    field(57, "additional transaction data", Three(999), Text, Kind::Text, Hidden),
    field(60, "reason code and point of service", Three(999), Text, Kind::Text, Hidden),
    field(61, "cardholder authentication", Three(999), Text, Kind::Text, Hidden),
    field(62, "switching data", Three(999), Text, Kind::Text, Hidden),
    field(63, "financial network data", Three(999), Text, Kind::Text, Hidden),
    field(70, "network management information code", Fixed(3), Text, Kind::Digits, Plain),
    field(90, "original data elements", Fixed(42), Text, Kind::Digits, Plain),
    field(91, "overdraft flag", Fixed(1), Text, Kind::Text, Plain),
    field(96, "message security code", Fixed(8), Binary, Kind::Binary, Hidden),
    field(100, "receiving institution identification", Two(11), Text, Kind::Digits, Plain),
    field(102, "account identification 1", Two(32), Text, Kind::Text, Masked),
    field(103, "account identification 2", Two(32), Text, Kind::Text, Masked),
    field(104, "additional data", Three(999), Text, Kind::Text, Hidden),
    field(108, "request options", Three(999), Text, Kind::Text, Hidden),
    field(117, "additional data", Three(999), Text, Kind::Text, Hidden),
    field(121, "reserved for the switching centre", Three(999), Text, Kind::Text, Hidden),
    field(122, "reserved for the acquirer", Three(999), Text, Kind::Text, Hidden),
    field(123, "reserved for the issuer", Three(999), Text, Kind::Text, Hidden),
    field(127, "additional data", Three(999), Text, Kind::Text, Hidden),
    field(128, "message authentication code", Fixed(8), Text, Kind::Letters, Plain),
];

/// Fields of a terminal.
const TERMINAL: [FieldSpec; 39] = [
    field(2, "primary account number", Two(19), Digits, Kind::Digits, Masked),
    field(3, "processing code", Fixed(6), Digits, Kind::Digits, Plain),
    field(4, "amount, transaction", Fixed(12), Digits, Kind::Digits, Plain),
    field(11, "system trace audit number", Fixed(6), Digits, Kind::Digits, Plain),
    field(12, "time, local transaction", Fixed(6), Digits, Kind::Digits, Plain),
    field(13, "date, local transaction", Fixed(4), Digits, Kind::Digits, Plain),
    field(14, "date, expiration", Fixed(4), Digits, Kind::Digits, Hidden),
    field(15, "date, settlement", Fixed(4), Digits, Kind::Digits, Plain),
    field(22, "point of service entry mode", Fixed(3), Digits, Kind::Digits, Plain),
    field(23, "card sequence number", Fixed(3), DigitsRight, Kind::Digits, Plain),
    field(25, "point of service condition code", Fixed(2), Digits, Kind::Digits, Plain),
    field(26, "point of service PIN capture code", Fixed(2), Digits, Kind::Digits, Plain),
    field(32, "acquiring institution identification", Two(11), Digits, Kind::Digits, Plain),
    field(35, "track 2 data", Two(37), Digits, Kind::Track, Hidden),
    field(36, "track 3 data", Three(104), Digits, Kind::Track, Hidden),
    field(37, "retrieval reference number", Fixed(12), Text, Kind::Letters, Plain),
    field(38, "authorisation identification response", Fixed(6), Text, Kind::Letters, Plain),
    field(39, "response code", Fixed(2), Text, Kind::Letters, Plain),
    field(41, "card acceptor terminal identification", Fixed(8), Text, Kind::Text, Plain),
    field(42, "card acceptor identification", Fixed(15), Text, Kind::Text, Plain),
    field(43, "card acceptor name and location", Fixed(40), Text, Kind::Text, Plain),
    field(44, "additional response data", Two(25), Text, Kind::Text, Plain),
    field(46, "additional data", Three(999), Text, Kind::Text, Hidden),
    field(47, "channel data", Three(999), Binary, Kind::Binary, Hidden),
    field(48, "additional data, private", Three(999), Digits, Kind::Digits, Hidden),
    field(49, "currency code, transaction", Fixed(3), Text, Kind::Letters, Plain),
    field(52, "personal identification number data", Fixed(8), Binary, Kind::Binary, Hidden),
    field(53, "security related control information", Fixed(16), Digits, Kind::Digits, Plain),
    field(54, "additional amounts", Three(999), Text, Kind::Text, Plain),
    field(55, "chip data", Three(999), Binary, Kind::Binary, Hidden),
    field(56, "text of the response", Three(999), Text, Kind::Text, Hidden),
    field(57, "additional transaction data", Three(999), Text, Kind::Text, Hidden),
    field(58, "wallet transaction data", Three(999), Text, Kind::Text, Hidden),
    field(59, "encrypted data", Three(999), Binary, Kind::Binary, Hidden),
    field(60, "transaction type and batch", Three(999), Digits, Kind::Digits, Hidden),
    field(61, "original transaction", Three(999), Digits, Kind::Digits, Hidden),
    field(62, "keys, parameters, texts", Three(999), Binary, Kind::Binary, Hidden),
    field(63, "operator and network data", Three(999), Binary, Kind::Binary, Hidden),
    field(64, "message authentication code", Fixed(8), Binary, Kind::Binary, Bytes),
];
