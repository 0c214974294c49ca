//! Data object lists: what a card wants to be told, and the values in that order (EMV 4.3, book 3, 5.4).
//!
//! A card has four: the PDOL (9F38), CDOL1 (8C), CDOL2 (8D) and DDOL (9F49). Values stand side by side without
//! tags and lengths, so that both sides must count alike.

use crate::emv::tags::{self, Format};
use crate::tlv::{Object, Tag, TlvError, read_tag};

/// A command carries no more, so neither does a list.
const VALUES_MAX: usize = 252;

/// A list of tags and lengths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dol(Vec<(Tag, u8)>);

/// Why bytes are not a list, or do not follow one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DolError {
    /// A tag cannot be read.
    #[error("in the list: {0}")]
    Tag(#[from] TlvError),
    /// A tag without length.
    #[error("the list ends at offset {0}, where a length should stand")]
    Length(usize),
    /// More values than a command can carry.
    #[error("the list asks for {0} bytes, and a command carries {VALUES_MAX}")]
    Long(usize),
    /// Values that are not as many bytes as the list says.
    #[error("the list asks for {asked} bytes, and there are {found}")]
    Values {
        /// What the list asks for.
        asked: usize,
        /// How many there are.
        found: usize,
    },
}

/// The list that a terminal uses where the card has no DDOL: the unpredictable number alone (book 2, 6.5.1).
#[must_use]
pub fn default_ddol() -> Dol {
    Dol(vec![(Tag(0x9F37), 4)])
}

impl Dol {
    /// Reads a list.
    ///
    /// # Errors
    /// [`DolError`], with the place.
    pub fn decode(bytes: &[u8]) -> Result<Dol, DolError> {
        let mut entries = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let (tag, after) = read_tag(bytes, at)?;
            entries.push((tag, *bytes.get(after).ok_or(DolError::Length(after))?));
            at = after + 1;
        }
        let dol = Dol(entries);
        match dol.asked() {
            asked if asked > VALUES_MAX => Err(DolError::Long(asked)),
            _ => Ok(dol),
        }
    }

    /// Writes the list.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(tag, length)| tag.bytes().chain([*length])).collect()
    }

    /// Iterates over tags and lengths.
    pub fn entries(&self) -> impl Iterator<Item = (Tag, usize)> {
        self.0.iter().map(|(tag, length)| (*tag, usize::from(*length)))
    }

    /// Returns how many bytes the values have together.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.entries().map(|(_, length)| length).sum()
    }

    /// Joins the values that a source gives, each cut or filled up to its length.
    ///
    /// What the source does not know, and what holds other objects, becomes zeros: the card sees nothing else.
    #[must_use]
    pub fn values(&self, source: impl Fn(Tag) -> Option<Vec<u8>>) -> Vec<u8> {
        let value = |(tag, length): (Tag, usize)| {
            let known = if tag.is_constructed() { None } else { source(tag) };
            let format = tags::known(tag).map_or(Format::Binary, |known| known.format);
            fitted(known.unwrap_or_default(), length, format)
        };
        self.entries().flat_map(value).collect()
    }

    /// Takes joined values apart again.
    ///
    /// # Errors
    /// When there are more or fewer bytes than the list says.
    pub fn objects(&self, values: &[u8]) -> Result<Vec<Object>, DolError> {
        let (asked, found) = (self.asked(), values.len());
        let mut rest = values;
        let mut objects = Vec::new();
        for (tag, length) in self.entries() {
            let (value, after) = rest.split_at_checked(length).ok_or(DolError::Values { asked, found })?;
            objects.push(Object { tag, value: value.to_vec() });
            rest = after;
        }
        if rest.is_empty() { Ok(objects) } else { Err(DolError::Values { asked, found }) }
    }
}

/// Cuts or fills up a value: numbers keep their right end and get zeros at the left, compressed numbers get F
/// at the right, all others zeros at the right.
fn fitted(mut value: Vec<u8>, length: usize, format: Format) -> Vec<u8> {
    let over = value.len().saturating_sub(length);
    let missing = length.saturating_sub(value.len());
    match format {
        _ if value.is_empty() => vec![0; length],
        Format::Numeric => std::iter::repeat_n(0, missing).chain(value.drain(over..)).collect(),
        Format::CompressedNumeric => {
            value.resize(length, 0xFF);
            value
        }
        Format::Letters | Format::Text | Format::Binary | Format::Track => {
            value.resize(length, 0);
            value
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_cut_and_filled_up_by_their_format() {
        for (list, own, expected) in [
            // Numbers.
            ("9F0206", "000000012345", "000000012345"),
            ("9F0204", "000000012345", "00012345"),
            ("9F0208", "000000012345", "0000000000012345"),
            // Compressed numbers.
            ("5A08", "6217000000000004305F", "6217000000000004"),
            ("5A0C", "6217000000000004305F", "6217000000000004305FFFFF"),
            // Letters and bytes.
            ("9F1E0A", "3132333435363738", "31323334353637380000"),
            ("9F1E02", "3132333435363738", "3132"),
            ("9503", "8000048000", "800004"),
            ("9506", "8000048000", "800004800000"),
            // Not known to anybody, but told: bytes.
            ("DF7F03", "01", "010000"),
            // Not told, and templates.
            ("9505", "", "0000000000"),
            ("5A02", "", "0000"),
            ("7002", "5A0162", "0000"),
            ("9F0200", "000000012345", ""),
        ] {
            let dol = Dol::decode(&hex::decode(list).unwrap()).unwrap();
            let value = hex::decode(own).unwrap();
            let made = dol.values(|_| (!value.is_empty()).then(|| value.clone()));
            assert_eq!(hex::encode_upper(made), expected, "{list}");
        }
    }

    #[test]
    fn what_is_cut_or_too_long_is_refused() {
        for (list, error) in [
            ("9F", DolError::Tag(TlvError::Short { offset: 1, part: "a tag" })),
            ("9F02", DolError::Length(2)),
            ("95FF", DolError::Long(255)),
            ("95F09F0220", DolError::Long(272)),
        ] {
            assert_eq!(Dol::decode(&hex::decode(list).unwrap()), Err(error), "{list}");
        }
        let dol = default_ddol();
        assert_eq!(dol.objects(&[1, 2, 3]), Err(DolError::Values { asked: 4, found: 3 }));
        assert_eq!(dol.objects(&[1, 2, 3, 4, 5]), Err(DolError::Values { asked: 4, found: 5 }));
    }

    proptest! {
        #[test]
        fn values_are_as_long_as_asked_and_come_apart_again(
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            own in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            if let Ok(dol) = Dol::decode(&bytes) {
                prop_assert_eq!(dol.encode(), bytes);
                let values = dol.values(|_| Some(own.clone()));
                prop_assert_eq!(values.len(), dol.asked());
                let objects = dol.objects(&values).unwrap();
                let again: Vec<u8> = objects.into_iter().flat_map(|object| object.value).collect();
                prop_assert_eq!(again, values);
            }
        }
    }
}
