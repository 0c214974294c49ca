//! Bits that terminal, card and issuer set, by name (EMV 4.3, book 3, annex C; the card's own results as Visa
//! and PBOC lay them out).

use crate::emv::apdu::CryptogramKind;

/// A bit with its name: byte and bit count from 1, the highest bit is 8, as the books do.
type Bit = (u8, u8, &'static str);

/// Bits of the terminal verification results (95).
pub const TERMINAL_RESULTS: &[Bit] = &[
    (1, 8, "offline data authentication was not performed"),
    (1, 7, "static data authentication failed"),
    (1, 6, "card data missing"),
    (1, 5, "card is on the exception file"),
    (1, 4, "dynamic data authentication failed"),
    (1, 3, "combined data authentication failed"),
    (1, 2, "static data authentication selected"),
    (2, 8, "card and terminal have different application versions"),
    (2, 7, "expired application"),
    (2, 6, "application not yet effective"),
    (2, 5, "service not allowed for the card"),
    (2, 4, "new card"),
    (3, 8, "cardholder verification was not successful"),
    (3, 7, "unrecognised cardholder verification method"),
    (3, 6, "PIN try limit exceeded"),
    (3, 5, "PIN required, and the pad is missing or does not work"),
    (3, 4, "PIN required, pad present, PIN not entered"),
    (3, 3, "online PIN entered"),
    (4, 8, "floor limit exceeded"),
    (4, 7, "lower consecutive offline limit exceeded"),
    (4, 6, "upper consecutive offline limit exceeded"),
    (4, 5, "selected at random for online processing"),
    (4, 4, "merchant forced online"),
    (5, 8, "default TDOL used"),
    (5, 7, "issuer authentication failed"),
    (5, 6, "script failed before the final cryptogram"),
    (5, 5, "script failed after the final cryptogram"),
];

/// Bits of the transaction status information (9B).
pub const STATUS_INFORMATION: &[Bit] = &[
    (1, 8, "offline data authentication was performed"),
    (1, 7, "cardholder verification was performed"),
    (1, 6, "card risk management was performed"),
    (1, 5, "issuer authentication was performed"),
    (1, 4, "terminal risk management was performed"),
    (1, 3, "script processing was performed"),
];

/// Bits of the application interchange profile (82).
pub const INTERCHANGE_PROFILE: &[Bit] = &[
    (1, 7, "static data authentication supported"),
    (1, 6, "dynamic data authentication supported"),
    (1, 5, "cardholder verification supported"),
    (1, 4, "terminal risk management is to be performed"),
    (1, 3, "issuer authentication supported"),
    (1, 1, "combined data authentication supported"),
];

/// Bits of the card verification results of Visa and PBOC cards, whose first byte tells their length.
pub const CARD_RESULTS: &[Bit] = &[
    (2, 4, "issuer authentication failed"),
    (2, 3, "offline PIN verification performed"),
    (2, 2, "offline PIN verification failed"),
    (2, 1, "unable to go online"),
    (3, 8, "last online payment not completed"),
    (3, 7, "PIN try limit exceeded"),
    (3, 6, "velocity counters exceeded"),
    (3, 5, "new card"),
    (3, 4, "issuer authentication failed at the last online payment"),
    (3, 3, "issuer authentication not performed after online authorisation"),
    (3, 2, "application blocked because of the PIN try limit"),
    (3, 1, "static data authentication failed at the last payment, declined offline"),
    (4, 4, "script failed at the last payment"),
    (4, 3, "dynamic data authentication failed at the last payment, declined offline"),
    (4, 2, "dynamic data authentication performed"),
];

/// Returns the names of the bits that are set. Bits without name are passed over.
pub fn set(bytes: &[u8], bits: &'static [Bit]) -> impl Iterator<Item = &'static str> {
    bits.iter().filter(|(byte, bit, _)| is_set(bytes, *byte, *bit)).map(|(_, _, name)| *name)
}

/// Says whether a bit is set, counted as the books do. A bit beyond the bytes is not.
#[must_use]
pub fn is_set(bytes: &[u8], byte: u8, bit: u8) -> bool {
    let mask = 1_u8.checked_shl(u32::from(bit.wrapping_sub(1))).unwrap_or_default();
    usize::from(byte).checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(|byte| byte & mask != 0)
}

/// What a card says of its cryptogram (9F27).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Information {
    /// Which cryptogram it is.
    pub kind: CryptogramKind,
    /// Whether an advice is to be sent.
    pub advice: bool,
    /// Why, where it is told: 0 nothing, 1 service not allowed, 2 PIN try limit, 3 issuer authentication failed.
    pub reason: u8,
}

impl Information {
    /// Reads the byte; nothing where its first two bits are the reserved ones.
    #[must_use]
    pub fn decode(byte: u8) -> Option<Information> {
        let kind = CryptogramKind::from_bits(byte)?;
        Some(Information { kind, advice: byte & 8 != 0, reason: byte & 7 })
    }
}

/// The issuer application data (9F10) of Visa, PBOC and UICS cards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerData {
    /// Which of the issuer's keys made the cryptogram.
    pub key_index: u8,
    /// Which version of the cryptogram it is, as the byte stands: 01 and 17 of PBOC, 0A (10) and 12 (18) of Visa.
    pub version: u8,
    /// The card verification results: a length byte and that many bytes.
    pub card_results: [u8; 4],
    /// The algorithm, where the card tells it: 01 triple DES, 04 SM4.
    pub algorithm: Option<u8>,
    /// What the issuer adds for itself, which most begin with its length.
    pub own: Vec<u8>,
}

impl IssuerData {
    /// Reads the data; nothing where they are laid out in another way, as those of M/Chip are.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<IssuerData> {
        let (&[length, key_index, version, results, a, b, c], rest) = bytes.split_first_chunk::<7>()?;
        if results != 3 {
            return None;
        }
        let (algorithm, rest) = match (length, rest) {
            (6, rest) => (None, rest),
            (7, [algorithm, rest @ ..]) => (Some(*algorithm), rest),
            _ => return None,
        };
        Some(IssuerData {
            key_index,
            version,
            card_results: [results, a, b, c],
            algorithm,
            own: rest.to_vec(),
        })
    }

    /// Writes the data.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![if self.algorithm.is_some() { 7 } else { 6 }, self.key_index, self.version];
        bytes.extend(self.card_results);
        bytes.extend(self.algorithm);
        bytes.extend(&self.own);
        bytes
    }

    /// Returns which cryptogram the card gave to the first and to the second GENERATE AC; nothing where the
    /// bits say that it was not asked.
    #[must_use]
    pub const fn decisions(&self) -> (Option<CryptogramKind>, Option<CryptogramKind>) {
        let second = self.card_results[1] & 0xC0;
        // Of the second, 10 says that it was not requested.
        let second = if second == 0x80 { None } else { CryptogramKind::from_bits(second) };
        (CryptogramKind::from_bits(self.card_results[1] << 2), second)
    }

    /// Returns how many commands of a script the card carried out after the second GENERATE AC.
    #[must_use]
    pub const fn script_commands(&self) -> u8 {
        self.card_results[3] >> 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_as_the_books_do() {
        assert_eq!(
            set(&[0x80, 0, 0x04, 0x80, 0], TERMINAL_RESULTS).collect::<Vec<_>>(),
            ["offline data authentication was not performed", "online PIN entered", "floor limit exceeded"]
        );
        assert_eq!(set(&[0xE8], STATUS_INFORMATION).count(), 4);
        assert!(!is_set(&[0xFF], 0, 1) && !is_set(&[0xFF], 1, 0) && !is_set(&[0xFF], 1, 9));
        assert!(!is_set(&[0xFF], 2, 1) && is_set(&[0x01], 1, 1));
        for table in [TERMINAL_RESULTS, STATUS_INFORMATION, INTERCHANGE_PROFILE, CARD_RESULTS] {
            assert!(table.is_sorted_by_key(|(byte, bit, _)| (*byte, 8 - *bit)));
        }
    }

    #[test]
    fn issuer_data_of_both_layouts() {
        let uics = "07010103A02000010A01000000000000C2040E";
        for (text, version, own) in [("06010A03A06010", 10, 0), ("06011203A0B800", 18, 0), (uics, 1, 11)] {
            let bytes = hex::decode(text).unwrap();
            let data = IssuerData::decode(&bytes).unwrap();
            assert_eq!((data.version, data.own.len()), (version, own), "{text}");
            assert_eq!(data.decisions(), (Some(CryptogramKind::Online), None), "{text}");
            assert_eq!(data.encode(), bytes, "{text}");
        }
        let new = IssuerData::decode(&hex::decode("06011203A01800").unwrap()).unwrap();
        assert_eq!(
            set(&new.card_results, CARD_RESULTS).collect::<Vec<_>>(),
            ["new card", "issuer authentication failed at the last online payment"]
        );
        // M/Chip, and what is cut.
        for text in ["0110A00003220000000000000000000000FF", "0601", "07010103A02000", "08010103A02000"] {
            assert_eq!(IssuerData::decode(&hex::decode(text).unwrap()), None, "{text}");
        }
    }

    #[test]
    fn information_on_cryptograms() {
        let online = Information::decode(0x80).unwrap();
        assert_eq!((online.kind, online.advice, online.reason), (CryptogramKind::Online, false, 0));
        let declined = Information::decode(0x09).unwrap();
        assert_eq!((declined.kind, declined.advice, declined.reason), (CryptogramKind::Declined, true, 1));
        assert_eq!(Information::decode(0xC0), None);
    }
}
