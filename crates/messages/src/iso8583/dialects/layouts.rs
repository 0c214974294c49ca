//! How fields are divided: the standard's additional amounts, original data and chip data, and UnionPay's own
//! fields as public lists (Q/CUP 006 and 009) have them. Names, numbers of papers, keys and accounts are hidden.

use crate::iso8583::Shown::{self, Bytes, Hidden, Masked, Plain};
use crate::iso8583::subfields::{Layout, Part, REST};

const fn part(id: &'static str, name: &'static str, len: u16, shown: Shown) -> Part {
    Part { id, name, len, shown, layout: Layout::Whole }
}

const fn divided(id: &'static str, name: &'static str, len: u16, layout: Layout) -> Part {
    Part { id, name, len, shown: Hidden, layout }
}

/// In front of the host's messages.
pub(super) const HOST_HEADER: Layout = Layout::Parts(&[
    part("1", "length of the header", 1, Bytes),
    part("2", "flag and version", 1, Bytes),
    part("3", "length of the message", 4, Plain),
    part("4", "destination", 11, Plain),
    part("5", "source", 11, Plain),
    part("6", "reserved", 3, Plain),
    part("7", "batch", 1, Bytes),
    part("8", "transaction information", 8, Plain),
    part("9", "user information", 1, Bytes),
    part("10", "reject code", 5, Plain),
]);

/// In front of the downstream's messages.
pub(super) const DOWNSTREAM_HEADER: Layout = Layout::Parts(&[
    part("1", "length of the header", 1, Bytes),
    part("2", "flag and version", 1, Bytes),
    part("3", "length of the message", 4, Plain),
    part("4", "destination", 11, Plain),
    part("5", "source", 11, Plain),
    part("6", "message status", 3, Plain),
    part("7", "batch", 1, Bytes),
    part("8", "reserved", 8, Plain),
    part("9", "user information", 1, Bytes),
]);

/// In front of a terminal's messages.
pub(super) const TERMINAL_HEADER: Layout = Layout::Parts(&[
    part("1", "kind of address", 1, Bytes),
    part("2", "destination", 2, Bytes),
    part("3", "source", 2, Bytes),
    part("4", "application class", 1, Bytes),
    part("5", "software version", 1, Bytes),
    part("6", "terminal state and processing", 1, Bytes),
    part("7", "reserved", 3, Bytes),
]);

/// Field 54: balances and other amounts, twenty characters each.
pub(super) const AMOUNTS: Layout = Layout::Groups(&[
    part("1", "account type", 2, Plain),
    part("2", "amount type", 2, Plain),
    part("3", "currency", 3, Plain),
    part("4", "sign", 1, Plain),
    part("5", "amount", 12, Plain),
]);

/// Field 90 of 1987.
pub(super) const ORIGINAL_1987: Layout = Layout::Parts(&[
    part("1", "original message type", 4, Plain),
    part("2", "original system trace audit number", 6, Plain),
    part("3", "original transmission date and time", 10, Plain),
    part("4", "original acquiring institution", 11, Plain),
    part("5", "original forwarding institution", 11, Plain),
]);

/// Field 56 of 1993.
pub(super) const ORIGINAL_1993: Layout = Layout::Parts(&[
    part("1", "original message type", 4, Plain),
    part("2", "original system trace audit number", 6, Plain),
    part("3", "original date and time, local transaction", 12, Plain),
    part("4", "original acquiring institution, with its length", REST, Plain),
]);

/// Field 55: the data objects that travel with a payment. Others are hidden, with the card's number and tracks.
pub(super) const CHIP: Layout = Layout::Objects(&[
    part("9F26", "application cryptogram", 0, Bytes),
    part("9F27", "cryptogram information data", 0, Bytes),
    part("9F10", "issuer application data", 0, Bytes),
    part("9F37", "unpredictable number", 0, Bytes),
    part("9F36", "application transaction counter", 0, Bytes),
    part("95", "terminal verification results", 0, Bytes),
    part("9A", "transaction date", 0, Bytes),
    part("9C", "transaction type", 0, Bytes),
    part("9F02", "amount, authorised", 0, Bytes),
    part("9F03", "amount, other", 0, Bytes),
    part("5F2A", "transaction currency", 0, Bytes),
    part("82", "application interchange profile", 0, Bytes),
    part("9F1A", "terminal country", 0, Bytes),
    part("9F33", "terminal capabilities", 0, Bytes),
    part("9F34", "cardholder verification results", 0, Bytes),
    part("9F35", "terminal type", 0, Bytes),
    part("9F1E", "interface device serial number", 0, Plain),
    part("84", "dedicated file name", 0, Bytes),
    part("9F09", "application version", 0, Bytes),
    part("9F41", "transaction sequence counter", 0, Bytes),
    part("91", "issuer authentication data", 0, Bytes),
    part("8A", "authorisation response code", 0, Plain),
    part("71", "issuer script 1", 0, Hidden),
    part("72", "issuer script 2", 0, Hidden),
    part("DF31", "issuer script results", 0, Bytes),
    part("9F74", "electronic cash authorisation code", 0, Bytes),
    part("9F63", "card product identification", 0, Hidden),
    part("5A", "primary account number", 0, Hidden),
    part("57", "track 2 equivalent data", 0, Hidden),
    part("5F34", "card sequence number", 0, Bytes),
]);

/// Field 53.
pub(super) const SECURITY: Layout = Layout::Parts(&[
    part("1", "key to reset, or PIN format", 1, Plain),
    part("2", "encryption method", 1, Plain),
    part("3", "reserved", 14, Plain),
]);

/// Field 48 of the host: one usage, or several behind `AS`.
pub(super) const HOST_PRIVATE: Layout = Layout::Usage(&PRIVATE_WITH_SEVERAL);

static PRIVATE_WITH_SEVERAL: [Part; 12] = {
    let mut parts = [divided("AS", "several usages", REST, Layout::Usages(&PRIVATE)); 12];
    let mut at = 0;
    while at < PRIVATE.len() {
        parts[at + 1] = PRIVATE[at];
        at += 1;
    }
    parts
};

const PRIVATE: [Part; 11] = [
    part("AA", "acquirer's additional information", REST, Hidden),
    part("AO", "related business type", REST, Plain),
    divided("BC", "risk", REST, Layout::Parts(&RISK)),
    part("NK", "new key", REST, Hidden),
    part("IN", "authentication data", REST, Hidden),
    divided("PB", "fallback", REST, Layout::Parts(&FALLBACK)),
    divided("IP", "instalments", REST, Layout::Parts(&INSTALMENTS)),
    part("RA", "price before discount", REST, Plain),
    part("RP", "product code", REST, Plain),
    part("PZ", "bill payment", REST, Hidden),
    part("ON", "order number", REST, Plain),
];

static RISK: [Part; 4] = [
    part("1", "risk reason", 3, Plain),
    part("2", "risk level", 1, Plain),
    part("3", "risk score", 3, Plain),
    part("4", "reserved", 12, Plain),
];

static FALLBACK: [Part; 2] =
    [part("1", "point of service entry mode", 3, Plain), part("2", "chip condition", 1, Plain)];

static INSTALMENTS: [Part; 7] = [
    part("1", "instalments", 2, Plain),
    part("2", "reserved", 30, Hidden),
    part("3", "reserved", 1, Plain),
    part("4", "reserved", 1, Plain),
    part("5", "fee rate of instalments", 6, Plain),
    part("6", "fee rate borne by the merchant", 6, Plain),
    part("7", "reserved", 16, Hidden),
];

/// Field 57 of the host.
pub(super) const HOST_TRANSACTION: Layout = Layout::Usage(&[
    divided("AS", "several usages", REST, Layout::Usages(&[])),
    part("AR", "additional response", REST, Plain),
    part("AB", "additional transaction data", REST, Hidden),
]);

/// Field 59 of the host.
pub(super) const HOST_DETAILS: Layout = Layout::Usage(&[
    part("QL", "last detail number", REST, Plain),
    divided("QD", "details asked for", REST, Layout::Parts(&DETAILS_ASKED)),
    part("QR", "details found", REST, Hidden),
]);

static DETAILS_ASKED: [Part; 3] =
    [part("1", "detail number", 3, Plain), part("2", "first day", 8, Plain), part("3", "last day", 8, Plain)];

/// Field 60 of the host and the downstream.
pub(super) const HOST_REASON: Layout = Layout::Parts(&[
    part("1", "reason code", 4, Plain),
    divided("2", "point of service", 11, Layout::Parts(&POINT_OF_SERVICE)),
    divided("3", "circumstances of the transaction", 15, Layout::Parts(&CIRCUMSTANCES)),
]);

static POINT_OF_SERVICE: [Part; 9] = [
    part("1", "kind of account owner", 1, Plain),
    part("2", "terminal reading ability", 1, Plain),
    part("3", "chip condition", 1, Plain),
    part("4", "reserved", 1, Plain),
    part("5", "terminal type", 2, Plain),
    part("6", "accepts without PIN", 1, Plain),
    part("7", "reliability of chip data", 1, Plain),
    part("8", "electronic commerce", 2, Plain),
    part("9", "way of interaction", 1, Plain),
];

static CIRCUMSTANCES: [Part; 10] = [
    part("1", "special fee type", 2, Plain),
    part("2", "special fee level", 1, Plain),
    part("3", "reserved; the last for the MAC algorithm", 3, Plain),
    part("4", "partial approval and balance", 1, Plain),
    part("5", "how it was initiated", 1, Plain),
    part("6", "medium", 1, Plain),
    part("7", "chip application", 1, Plain),
    part("8", "account settlement type", 2, Plain),
    part("9", "card account level", 1, Plain),
    part("10", "card product", 2, Plain),
];

/// Field 61 of the host and the downstream.
pub(super) const HOST_CARDHOLDER: Layout = Layout::Parts(&[
    part("1", "kind of identity paper", 2, Plain),
    part("2", "number of identity paper", 20, Hidden),
    part("3", "result of card verification value", 1, Plain),
    part("4", "result of PIN verification value", 1, Plain),
    part("5", "centre", 3, Plain),
    part("6", "card verification value without card", 3, Hidden),
    part("7", "its result", 1, Plain),
    part("8", "result of cryptogram", 1, Plain),
    part("9", "centre of security data", 3, Plain),
    divided("10", "security data", REST, Layout::Usage(&SECURITY_DATA)),
]);

static SECURITY_DATA: [Part; 3] = [
    divided("AM", "ways of verification", REST, Layout::Parts(&VERIFICATION)),
    part("AR", "result of verification service", REST, Plain),
    part("CR", "result of authentication value", REST, Plain),
];

static VERIFICATION: [Part; 2] =
    [part("1", "ways", 16, Plain), part("2", "name, telephone and others", REST, Hidden)];

/// Field 62 of the host.
pub(super) const HOST_SWITCHING: Layout =
    Layout::Usage(&[part("IO", "original of an international network", REST, Hidden)]);

/// Field 62 of the downstream.
pub(super) const DOWNSTREAM_SWITCHING: Layout =
    Layout::Usage(&[divided("DA", "data of the channel", REST, Layout::Tagged(&CHANNEL))]);

static CHANNEL: [Part; 5] = [
    part("T00", "channel", 0, Plain),
    part("T01", "accounting code", 0, Plain),
    part("T02", "trace number of the channel", 0, Plain),
    part("T94", "original transaction", 0, Plain),
    part("T98", "trace number of the alliance", 0, Plain),
];

/// Field 63 of the host and the downstream.
pub(super) const HOST_NETWORK: Layout = Layout::Usages(&[
    part("SM", "PIN block of SM4", 0, Hidden),
    divided("TK", "token", 0, Layout::Objects(&[])),
]);

/// Field 104 of the downstream, and fields of the host that are lists of usages.
pub(super) const USAGES: Layout = Layout::Usages(&[
    divided("SI", "sender", 0, Layout::Objects(&SENDER)),
    divided("EM", "merchant behind the merchant", 0, Layout::Objects(&[])),
    divided("CD", "device of the cardholder", 0, Layout::Objects(&[])),
    divided("PI", "place and terminal", 0, Layout::Objects(&[])),
    divided("TR", "result of a transfer", 0, Layout::Objects(&[])),
    divided("PR", "payment account reference", 0, Layout::Objects(&[])),
]);

static SENDER: [Part; 2] =
    [part("01", "account of the sender", 0, Masked), part("02", "name of the sender", 0, Hidden)];

/// Field 108 of the downstream.
pub(super) const OPTIONS: Layout = Layout::Parts(&[
    part("1", "verification of the PIN", 1, Plain),
    part("2", "refund without its original", 1, Plain),
    part("3", "verification of the name", 1, Plain),
    part("4", "reserved", 1, Plain),
    part("5", "channel", 1, Plain),
    part("6", "usage of the exchange platform", 2, Plain),
    part("7", "channel of the exchange platform", 1, Plain),
    part("8", "rule of the PIN", 1, Plain),
    part("9", "description on the bill replaced", 1, Plain),
    part("10", "index of the key", 2, Plain),
    part("11", "forced approval", 1, Plain),
    part("12", "transaction type without card", 4, Plain),
]);

/// Field 121 of the host.
pub(super) const CENTRE: Layout = Layout::Parts(&[
    part("1", "reason of the answer", 1, Plain),
    part("2", "single or double message", 1, Plain),
    part("3", "kind of card", 1, Plain),
    part("4", "reserved", 40, Plain),
    divided("5", "parties of a transfer, or fees", 38, Layout::Usage(&PARTIES)),
]);

static PARTIES: [Part; 2] =
    [part("FD", "fees", REST, Plain), part("ID", "parties of the transfer", REST, Hidden)];

/// Field 122 of the host.
pub(super) const HOST_ACQUIRER: Layout = Layout::Parts(&[
    part("1", "rate of the merchant", 6, Plain),
    part("2", "data of the acquirer", REST, Hidden),
]);

/// Field 122 of the downstream.
pub(super) const DOWNSTREAM_ACQUIRER: Layout = Layout::Parts(&[
    part("1", "branch", 6, Plain),
    part("2", "operator", 6, Plain),
    part("3", "name of the cardholder", 30, Hidden),
]);

/// Field 60 of a terminal.
pub(super) const TERMINAL_TYPE: Layout = Layout::Parts(&[
    part("1", "transaction type", 2, Plain),
    part("2", "batch", 6, Plain),
    part("3", "network management information code", 3, Plain),
    part("4", "terminal reading ability", 1, Plain),
    part("5", "chip condition", 1, Plain),
    part("6", "partial approval and balance", 1, Plain),
    part("7", "account type", 3, Plain),
]);

/// Field 61 of a terminal. Its parts are known from the specification alone: no real message was seen.
pub(super) const TERMINAL_ORIGINAL: Layout = Layout::Parts(&[
    part("1", "original batch", 6, Plain),
    part("2", "original system trace audit number", 6, Plain),
    part("3", "original date", 4, Plain),
    part("4", "original way of authorisation", 2, Plain),
    part("5", "original authorising institution", 11, Plain),
]);
