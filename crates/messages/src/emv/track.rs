//! Track 2 of a card, as a chip gives it (57) and as DE35 carries it: number, expiry, service code, the rest.

use std::fmt;
use zeroize::Zeroize;

/// Track 2. Shown masked: the first six and last four digits of the number, and no more of the rest.
#[derive(Clone)]
pub struct Track2 {
    /// All digits, without separator and filling.
    digits: String,
    /// How many of them are the card number.
    number: usize,
}

/// The fewest and most digits of a card number.
const NUMBER: std::ops::RangeInclusive<usize> = 8..=19;
/// Four digits of the expiry and three of the service code.
const FIXED: usize = 7;
/// A track 2 of ISO/IEC 7813 has 37 characters between its sentinels.
const CHARACTERS_MAX: usize = 37;

impl Drop for Track2 {
    fn drop(&mut self) {
        self.digits.zeroize();
    }
}

impl PartialEq for Track2 {
    fn eq(&self, other: &Track2) -> bool {
        self.number == other.number && crate::keys::agrees(self.digits.as_bytes(), other.digits.as_bytes())
    }
}

impl Eq for Track2 {}

impl Track2 {
    /// Reads the value of tag 57: two digits a byte, D between number and expiry, F at the end where needed.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Track2> {
        let mut text = String::with_capacity(2 * bytes.len());
        for nibble in bytes.iter().take(CHARACTERS_MAX).flat_map(|byte| [byte >> 4, byte & 15]) {
            text.push(char::from_digit(u32::from(nibble), 16)?);
        }
        let track = Track2::parse(text.strip_suffix('f').unwrap_or(&text));
        text.zeroize();
        track
    }

    /// Reads digits with `D`, `d` or `=` between number and expiry, as DE35 carries them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Track2> {
        let (number, rest) = text.split_once(['D', 'd', '='])?;
        let sound = NUMBER.contains(&number.len())
            && rest.len() >= FIXED
            && text.len() <= CHARACTERS_MAX
            && number.bytes().chain(rest.bytes()).all(|byte| byte.is_ascii_digit());
        sound.then(|| {
            // Filled in one go: a string that grows leaves copies behind.
            let mut digits = String::with_capacity(number.len() + rest.len());
            digits.push_str(number);
            digits.push_str(rest);
            Track2 { digits, number: number.len() }
        })
    }

    /// Writes the value of tag 57.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (number, rest) = self.digits.as_bytes().split_at(self.number);
        let digit = |byte: &u8| byte.wrapping_sub(b'0') & 15;
        let mut nibbles: Vec<u8> =
            number.iter().map(digit).chain([13]).chain(rest.iter().map(digit)).collect();
        if !nibbles.len().is_multiple_of(2) {
            nibbles.push(15);
        }
        let bytes = nibbles.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        nibbles.zeroize();
        bytes
    }

    /// Returns the card number, for who must send it on.
    #[must_use]
    pub fn expose_number(&self) -> &str {
        &self.digits[..self.number]
    }

    /// Returns the expiry, year before month.
    #[must_use]
    pub fn expiry(&self) -> &str {
        &self.digits[self.number..self.number + 4]
    }

    /// Returns the service code.
    #[must_use]
    pub fn service_code(&self) -> &str {
        &self.digits[self.number + 4..self.number + FIXED]
    }
}

impl fmt::Display for Track2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}D{}", masked(self.expose_number()), "*".repeat(self.digits.len() - self.number))
    }
}

impl fmt::Debug for Track2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Track2({self})")
    }
}

/// Masks a card number: the first six and last four digits stay where at least four are hidden between them
/// (PCI DSS 3.4.1), the last four where the number is shorter, none where it is no card number.
#[must_use]
pub fn masked(number: &str) -> String {
    let shown = match number.len() {
        14.. => (6, 4),
        8..=13 => (0, 4),
        _ => (0, 0),
    };
    let last = number.chars().count().saturating_sub(shown.1);
    let character = |(at, character)| if at < shown.0 || at >= last { character } else { '*' };
    number.chars().enumerate().map(character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_track_is_read_and_shown_masked() {
        let bytes = hex::decode("6214680000006288D24122200000000000000F").unwrap();
        let track = Track2::decode(&bytes).unwrap();
        assert_eq!(
            (track.expose_number(), track.expiry(), track.service_code()),
            ("6214680000006288", "2412", "220")
        );
        assert_eq!(track.encode(), bytes);
        let shown = "621468******6288D********************";
        assert_eq!((track.to_string(), format!("{track:?}")), (shown.to_owned(), format!("Track2({shown})")));
        assert_eq!(Track2::parse("6214680000006288=24122200000000000000"), Some(track));
    }

    #[test]
    fn what_is_no_track_is_refused() {
        for text in
            ["6214680000006288", "6214680000006288D241222", "62146D2412220", "621468000000628A=2412220", "D"]
        {
            assert_eq!(Track2::parse(text), None, "{text}");
        }
        assert_eq!(Track2::decode(&[0x62; 40]), None);
        assert_eq!(Track2::decode(&[]), None);
    }

    #[test]
    fn numbers_are_masked_by_their_length() {
        for (number, shown) in [
            ("6214680000006288", "621468******6288"),
            ("36000000000008", "360000****0008"),
            ("1234567890123", "*********0123"),
            ("1234567", "*******"),
            ("", ""),
        ] {
            assert_eq!(masked(number), shown);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(number in "[0-9]{8,19}", rest in "[0-9]{7,17}") {
            let track = Track2::parse(&format!("{number}={rest}")).unwrap();
            prop_assert_eq!(Track2::decode(&track.encode()), Some(track.clone()));
            let shown = track.to_string();
            prop_assert!(shown.chars().filter(char::is_ascii_digit).count() <= 10);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40), text in ".{0,40}") {
            if let Some(track) = Track2::decode(&bytes) {
                prop_assert_eq!(track.encode(), bytes);
            }
            let _ = (Track2::parse(&text), masked(&text));
        }
    }
}
