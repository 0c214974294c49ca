//! What is known of data objects: names, formats, lengths, where they come from (EMV 4.3, book 3, annex A;
//! EMV contactless, book C-7 and UnionPay for what they add).

use crate::tlv::Tag;
use Format::{Binary, CompressedNumeric, Letters, Numeric, Text, Track};
use Privacy::{Personal, Plain};
use Source::{Card, Issuer, Terminal};

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `n`: two digits a byte, filled up with zeros at the left.
    Numeric,
    /// `cn`: two digits a byte, filled up with F at the right.
    CompressedNumeric,
    /// `a` and `an`: letters and digits.
    Letters,
    /// `ans`: letters, digits and signs.
    Text,
    /// `b`: bytes, bits, or other objects.
    Binary,
    /// Track 2: digits, a D in between, an F at the right where they are odd in number.
    Track,
}

/// Who gives a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The card.
    Card,
    /// The terminal.
    Terminal,
    /// The issuer, in its answer.
    Issuer,
}

/// Whether a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Privacy {
    /// It may.
    Plain,
    /// It tells who holds the card, or its number, or the PIN.
    Personal,
}

/// What is known of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The tag.
    pub tag: Tag,
    /// Its name in plain words.
    pub name: &'static str,
    /// How its value is written.
    pub format: Format,
    /// Who gives it.
    pub source: Source,
    /// The least and the most bytes.
    pub lengths: (usize, usize),
    /// Whether it may be shown.
    pub privacy: Privacy,
}

impl Known {
    /// Says whether a value has the length, and the digits that its format asks for.
    #[must_use]
    pub fn fits(&self, value: &[u8]) -> bool {
        let (least, most) = self.lengths;
        let mut nibbles = value.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let written = match self.format {
            Numeric => nibbles.all(|nibble| nibble <= 9),
            CompressedNumeric => {
                nibbles.by_ref().find(|nibble| *nibble > 9).is_none_or(|nibble| nibble == 15)
                    && nibbles.all(|nibble| nibble == 15)
            }
            Letters => value.iter().all(u8::is_ascii_alphanumeric),
            // Names and labels come in any character set: 9F11 says which.
            Text | Binary | Track => true,
        };
        (least..=most).contains(&value.len()) && written
    }
}

/// Returns what is known of a tag.
#[must_use]
pub fn known(tag: Tag) -> Option<&'static Known> {
    KNOWN.binary_search_by_key(&tag, |known| known.tag).ok().map(|at| &KNOWN[at])
}

const fn entry(
    tag: u32,
    name: &'static str,
    format: Format,
    source: Source,
    lengths: (usize, usize),
    privacy: Privacy,
) -> Known {
    Known { tag: Tag(tag), name, format, source, lengths, privacy }
}

/// All known tags in order.
#[rustfmt::skip]
pub const KNOWN: &[Known] = &[
    entry(0x42, "issuer identification number", Numeric, Card, (3, 3), Plain),
    entry(0x4F, "application identifier", Binary, Card, (5, 16), Plain),
    entry(0x50, "application label", Text, Card, (1, 16), Plain),
    entry(0x56, "track 1 data", Text, Card, (0, 76), Personal),
    entry(0x57, "track 2 equivalent data", Track, Card, (0, 19), Personal),
    entry(0x5A, "card number", CompressedNumeric, Card, (0, 10), Personal),
    entry(0x61, "application template", Binary, Card, (0, 252), Plain),
    entry(0x62, "common data template", Binary, Card, (0, 252), Plain),
    entry(0x6F, "file control information template", Binary, Card, (0, 252), Plain),
    entry(0x70, "record template", Binary, Card, (0, 252), Plain),
    entry(0x71, "issuer script template 1", Binary, Issuer, (0, 128), Plain),
    entry(0x72, "issuer script template 2", Binary, Issuer, (0, 128), Plain),
    entry(0x73, "directory discretionary template", Binary, Card, (0, 252), Plain),
    entry(0x77, "response message template format 2", Binary, Card, (0, 253), Plain),
    entry(0x80, "response message template format 1", Binary, Card, (0, 253), Plain),
    entry(0x81, "amount authorised, binary", Binary, Terminal, (4, 4), Plain),
    entry(0x82, "application interchange profile", Binary, Card, (2, 2), Plain),
    entry(0x83, "command template", Binary, Terminal, (0, 252), Plain),
    entry(0x84, "dedicated file name", Binary, Card, (5, 16), Plain),
    entry(0x86, "issuer script command", Binary, Issuer, (0, 261), Plain),
    entry(0x87, "application priority indicator", Binary, Card, (1, 1), Plain),
    entry(0x88, "short file identifier", Binary, Card, (1, 1), Plain),
    entry(0x89, "authorisation code", Letters, Issuer, (6, 6), Plain),
    entry(0x8A, "authorisation response code", Letters, Issuer, (2, 2), Plain),
    entry(0x8C, "card risk management data object list 1", Binary, Card, (0, 252), Plain),
    entry(0x8D, "card risk management data object list 2", Binary, Card, (0, 252), Plain),
    entry(0x8E, "cardholder verification method list", Binary, Card, (10, 252), Plain),
    entry(0x8F, "certification authority public key index", Binary, Card, (1, 1), Plain),
    entry(0x90, "issuer public key certificate", Binary, Card, (0, 248), Plain),
    entry(0x91, "issuer authentication data", Binary, Issuer, (8, 16), Plain),
    entry(0x92, "issuer public key remainder", Binary, Card, (0, 255), Plain),
    entry(0x93, "signed static application data", Binary, Card, (0, 248), Plain),
    entry(0x94, "application file locator", Binary, Card, (0, 252), Plain),
    entry(0x95, "terminal verification results", Binary, Terminal, (5, 5), Plain),
    entry(0x97, "transaction certificate data object list", Binary, Card, (0, 252), Plain),
    entry(0x98, "transaction certificate hash value", Binary, Terminal, (20, 20), Plain),
    entry(0x99, "transaction PIN data", Binary, Terminal, (0, 16), Personal),
    entry(0x9A, "transaction date", Numeric, Terminal, (3, 3), Plain),
    entry(0x9B, "transaction status information", Binary, Terminal, (2, 2), Plain),
    entry(0x9C, "transaction type", Numeric, Terminal, (1, 1), Plain),
    entry(0x9D, "directory definition file name", Binary, Card, (5, 16), Plain),
    entry(0xA5, "file control information proprietary template", Binary, Card, (0, 252), Plain),
    entry(0x5F20, "cardholder name", Text, Card, (2, 26), Personal),
    entry(0x5F24, "expiry date", Numeric, Card, (3, 3), Plain),
    entry(0x5F25, "effective date", Numeric, Card, (3, 3), Plain),
    entry(0x5F28, "issuer country code", Numeric, Card, (2, 2), Plain),
    entry(0x5F2A, "transaction currency code", Numeric, Terminal, (2, 2), Plain),
    entry(0x5F2D, "language preference", Letters, Card, (2, 8), Plain),
    entry(0x5F30, "service code", Numeric, Card, (2, 2), Plain),
    entry(0x5F34, "card sequence number", Numeric, Card, (1, 1), Plain),
    entry(0x5F36, "transaction currency exponent", Numeric, Terminal, (1, 1), Plain),
    entry(0x5F50, "issuer URL", Text, Card, (0, 255), Plain),
    entry(0x5F53, "international bank account number", Binary, Card, (0, 34), Personal),
    entry(0x5F54, "bank identifier code", Binary, Card, (8, 11), Plain),
    entry(0x5F55, "issuer country code, two letters", Letters, Card, (2, 2), Plain),
    entry(0x5F56, "issuer country code, three letters", Letters, Card, (3, 3), Plain),
    entry(0x5F57, "account type", Numeric, Terminal, (1, 1), Plain),
    entry(0x9F01, "acquirer identifier", Numeric, Terminal, (6, 6), Plain),
    entry(0x9F02, "amount authorised", Numeric, Terminal, (6, 6), Plain),
    entry(0x9F03, "amount other", Numeric, Terminal, (6, 6), Plain),
    entry(0x9F04, "amount other, binary", Binary, Terminal, (4, 4), Plain),
    entry(0x9F05, "application discretionary data", Binary, Card, (1, 32), Plain),
    entry(0x9F06, "application identifier of the terminal", Binary, Terminal, (5, 16), Plain),
    entry(0x9F07, "application usage control", Binary, Card, (2, 2), Plain),
    entry(0x9F08, "application version number of the card", Binary, Card, (2, 2), Plain),
    entry(0x9F09, "application version number of the terminal", Binary, Terminal, (2, 2), Plain),
    entry(0x9F0B, "cardholder name, extended", Text, Card, (27, 45), Personal),
    entry(0x9F0D, "issuer action code: default", Binary, Card, (5, 5), Plain),
    entry(0x9F0E, "issuer action code: denial", Binary, Card, (5, 5), Plain),
    entry(0x9F0F, "issuer action code: online", Binary, Card, (5, 5), Plain),
    entry(0x9F10, "issuer application data", Binary, Card, (0, 32), Plain),
    entry(0x9F11, "issuer code table index", Numeric, Card, (1, 1), Plain),
    entry(0x9F12, "application preferred name", Text, Card, (1, 16), Plain),
    entry(0x9F13, "counter at the last online payment", Binary, Card, (2, 2), Plain),
    entry(0x9F14, "lower consecutive offline limit", Binary, Card, (1, 1), Plain),
    entry(0x9F15, "merchant category code", Numeric, Terminal, (2, 2), Plain),
    entry(0x9F16, "merchant identifier", Text, Terminal, (15, 15), Plain),
    entry(0x9F17, "PIN try counter", Binary, Card, (1, 1), Plain),
    entry(0x9F18, "issuer script identifier", Binary, Issuer, (4, 4), Plain),
    entry(0x9F19, "token requestor identifier", Numeric, Card, (6, 6), Plain),
    entry(0x9F1A, "terminal country code", Numeric, Terminal, (2, 2), Plain),
    entry(0x9F1B, "terminal floor limit", Binary, Terminal, (4, 4), Plain),
    entry(0x9F1C, "terminal identification", Letters, Terminal, (8, 8), Plain),
    entry(0x9F1D, "terminal risk management data", Binary, Terminal, (1, 8), Plain),
    entry(0x9F1E, "interface device serial number", Letters, Terminal, (8, 8), Plain),
    entry(0x9F1F, "track 1 discretionary data", Text, Card, (0, 54), Personal),
    entry(0x9F20, "track 2 discretionary data", CompressedNumeric, Card, (0, 16), Personal),
    entry(0x9F21, "transaction time", Numeric, Terminal, (3, 3), Plain),
    entry(0x9F22, "certification authority public key index of the terminal", Binary, Terminal, (1, 1), Plain),
    entry(0x9F23, "upper consecutive offline limit", Binary, Card, (1, 1), Plain),
    entry(0x9F24, "payment account reference", Letters, Card, (29, 29), Plain),
    entry(0x9F25, "last four digits of the card number", Numeric, Card, (2, 2), Plain),
    entry(0x9F26, "application cryptogram", Binary, Card, (8, 8), Plain),
    entry(0x9F27, "cryptogram information data", Binary, Card, (1, 1), Plain),
    entry(0x9F2D, "PIN encipherment public key certificate", Binary, Card, (0, 248), Plain),
    entry(0x9F2E, "PIN encipherment public key exponent", Binary, Card, (1, 3), Plain),
    entry(0x9F2F, "PIN encipherment public key remainder", Binary, Card, (0, 255), Plain),
    entry(0x9F32, "issuer public key exponent", Binary, Card, (1, 3), Plain),
    entry(0x9F33, "terminal capabilities", Binary, Terminal, (3, 3), Plain),
    entry(0x9F34, "cardholder verification method results", Binary, Terminal, (3, 3), Plain),
    entry(0x9F35, "terminal type", Numeric, Terminal, (1, 1), Plain),
    entry(0x9F36, "application transaction counter", Binary, Card, (2, 2), Plain),
    entry(0x9F37, "unpredictable number", Binary, Terminal, (4, 4), Plain),
    entry(0x9F38, "processing options data object list", Binary, Card, (0, 252), Plain),
    entry(0x9F39, "point of service entry mode", Numeric, Terminal, (1, 1), Plain),
    entry(0x9F3A, "amount, reference currency", Binary, Terminal, (4, 4), Plain),
    entry(0x9F3B, "application reference currency", Numeric, Card, (2, 8), Plain),
    entry(0x9F3C, "transaction reference currency code", Numeric, Terminal, (2, 2), Plain),
    entry(0x9F3D, "transaction reference currency exponent", Numeric, Terminal, (1, 1), Plain),
    entry(0x9F40, "additional terminal capabilities", Binary, Terminal, (5, 5), Plain),
    entry(0x9F41, "transaction sequence counter", Numeric, Terminal, (2, 4), Plain),
    entry(0x9F42, "application currency code", Numeric, Card, (2, 2), Plain),
    entry(0x9F43, "application reference currency exponent", Numeric, Card, (1, 4), Plain),
    entry(0x9F44, "application currency exponent", Numeric, Card, (1, 1), Plain),
    entry(0x9F45, "data authentication code", Binary, Card, (2, 2), Plain),
    entry(0x9F46, "card public key certificate", Binary, Card, (0, 248), Plain),
    entry(0x9F47, "card public key exponent", Binary, Card, (1, 3), Plain),
    entry(0x9F48, "card public key remainder", Binary, Card, (0, 255), Plain),
    entry(0x9F49, "dynamic data authentication data object list", Binary, Card, (0, 252), Plain),
    entry(0x9F4A, "static data authentication tag list", Binary, Card, (0, 252), Plain),
    entry(0x9F4B, "signed dynamic application data", Binary, Card, (0, 248), Plain),
    entry(0x9F4C, "card dynamic number", Binary, Card, (2, 8), Plain),
    entry(0x9F4D, "log entry", Binary, Card, (2, 2), Plain),
    entry(0x9F4E, "merchant name and location", Text, Terminal, (0, 255), Plain),
    entry(0x9F4F, "log format", Binary, Card, (0, 252), Plain),
    entry(0x9F51, "application currency code of the scheme", Numeric, Card, (2, 2), Plain),
    entry(0x9F5B, "issuer script results", Binary, Terminal, (0, 255), Plain),
    entry(0x9F5D, "available offline spending amount", Numeric, Card, (6, 6), Plain),
    entry(0x9F63, "card product identification", Binary, Card, (16, 16), Plain),
    entry(0x9F66, "terminal transaction qualifiers", Binary, Terminal, (4, 4), Plain),
    entry(0x9F69, "card authentication related data", Binary, Card, (5, 16), Plain),
    entry(0x9F6C, "card transaction qualifiers", Binary, Card, (2, 2), Plain),
    entry(0x9F6E, "form factor or third party data", Binary, Card, (4, 32), Plain),
    entry(0x9F74, "electronic cash issuer authorisation code", Letters, Card, (6, 6), Plain),
    entry(0x9F77, "electronic cash balance limit", Numeric, Card, (6, 6), Plain),
    entry(0x9F78, "electronic cash single payment limit", Numeric, Card, (6, 6), Plain),
    entry(0x9F79, "electronic cash balance", Numeric, Card, (6, 6), Plain),
    entry(0x9F7A, "electronic cash terminal support indicator", Numeric, Terminal, (1, 1), Plain),
    entry(0x9F7C, "merchant or customer exclusive data", Binary, Card, (0, 32), Plain),
    entry(0xBF0C, "file control information issuer data", Binary, Card, (0, 222), Plain),
    entry(0xDF31, "issuer script results of UnionPay", Binary, Terminal, (0, 255), Plain),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_its_lengths_fit() {
        assert!(KNOWN.is_sorted_by(|a, b| a.tag < b.tag));
        assert!(KNOWN.iter().all(|known| known.lengths.0 <= known.lengths.1));
        for known in KNOWN {
            assert_eq!(super::known(known.tag), Some(known), "{}", known.tag);
        }
        assert_eq!(known(Tag(0x9F99)), None);
    }

    #[test]
    fn values_fit_their_formats() {
        for (tag, value, fits) in [
            (0x9F02, "000000000100", true),
            (0x9F02, "0000000001", false),
            (0x9F02, "00000000010A", false),
            (0x5A, "6217000000000004305F", true),
            (0x5A, "62170000F00000043050", false),
            (0x5A, "6217000000000004305D", false),
            (0x8A, "3030", true),
            (0x8A, "3020", false),
            (0x9F26, "BC6FB0784084E8D0", true),
            (0x9F26, "BC6FB0784084E8", false),
        ] {
            let value = hex::decode(value).unwrap();
            assert_eq!(known(Tag(tag)).unwrap().fits(&value), fits, "{tag:X} {value:?}");
        }
    }
}
