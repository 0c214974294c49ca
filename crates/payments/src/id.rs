//! Ids: a prefix that says the kind, then a sortable text; all made of random material that is given.

use suanpan_ledger::entry::EntryId;
use suanpan_money::Timestamp;

// Crockford's alphabet in small letters: no letter that is taken for a digit, sorts as its values do, and is
// allowed in account paths of the ledger.
pub(crate) const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 26;

/// Gives ids one after the other. The same material gives the same ids in the same order, so that a rule
/// that is run again decides the same.
#[derive(Debug)]
pub struct IdSource {
    random: [u8; 32],
    millis: u64,
    given: u64,
}

impl IdSource {
    /// Makes a source of 32 random bytes that serve one decision only, and the time of that decision.
    #[must_use]
    pub fn new(random: [u8; 32], now: Timestamp) -> IdSource {
        let millis = u64::try_from(now.micros().div_euclid(1_000)).unwrap_or(0);
        IdSource { random, millis, given: 0 }
    }

    /// Returns the next id with a prefix, such as `pi_`: 48 bits of milliseconds, then 80 random bits.
    pub fn next(&mut self, prefix: &str) -> String {
        let value = self.next_value();
        text_of(prefix, value)
    }

    /// Returns the id of a journal entry.
    pub fn next_entry(&mut self) -> EntryId {
        EntryId(self.next_value())
    }

    /// Returns a secret of 160 bits behind a prefix. It tells nothing about ids of the same source.
    pub fn next_secret(&mut self, prefix: &str) -> String {
        let bytes = self.draw(b's');
        let mut text = String::with_capacity(prefix.len() + 32);
        text.push_str(prefix);
        for group in bytes[..20].chunks_exact(5) {
            let value = group.iter().fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte));
            for place in (0..8).rev() {
                text.push(char::from(LETTERS[(value >> (place * 5) & 31) as usize]));
            }
        }
        text
    }

    fn next_value(&mut self) -> u128 {
        let bytes = self.draw(b'i');
        let random = bytes[..10].iter().fold(0_u128, |sum, &byte| sum << 8 | u128::from(byte));
        u128::from(self.millis & 0xffff_ffff_ffff) << 80 | random
    }

    fn draw(&mut self, purpose: u8) -> [u8; 32] {
        let mut input = [0_u8; 9];
        input[0] = purpose;
        input[1..].copy_from_slice(&self.given.to_le_bytes());
        self.given += 1;
        *blake3::keyed_hash(&self.random, &input).as_bytes()
    }
}

/// Writes the id of a journal entry as `je_…`.
#[must_use]
pub fn entry_text(id: EntryId) -> String {
    text_of("je_", id.0)
}

/// Reads `je_…` back.
#[must_use]
pub fn parse_entry(text: &str) -> Option<EntryId> {
    let letters = text.strip_prefix("je_")?;
    if letters.len() != LENGTH {
        return None;
    }
    let mut value = 0_u128;
    for byte in letters.bytes() {
        let digit = LETTERS.iter().position(|&letter| letter == byte)?;
        value = value.checked_mul(32)?.checked_add(digit as u128)?;
    }
    Some(EntryId(value))
}

fn text_of(prefix: &str, value: u128) -> String {
    let mut text = String::with_capacity(prefix.len() + LENGTH);
    text.push_str(prefix);
    for place in (0..LENGTH).rev() {
        text.push(char::from(LETTERS[(value >> (place * 5) & 31) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_sort_by_time_and_come_again() {
        let mut early = IdSource::new([7; 32], Timestamp::from_seconds(1_000));
        let mut late = IdSource::new([1; 32], Timestamp::from_seconds(2_000));
        let first = early.next("pi_");
        assert_ne!(first, early.next("pi_"));
        assert!(first < late.next("pi_"), "later ids sort behind");
        assert_eq!(first, IdSource::new([7; 32], Timestamp::from_seconds(1_000)).next("pi_"));
        assert_eq!(first.len(), 3 + LENGTH);
        assert_eq!(early.next_secret("whsec_").len(), 6 + 32);
    }

    #[test]
    fn entries_are_written_and_read() {
        for id in [EntryId(0), EntryId(u128::MAX), EntryId(1 << 80)] {
            assert_eq!(parse_entry(&entry_text(id)), Some(id));
        }
        for wrong in ["", "je_", "je_z", "pi_00000000000000000000000000", "je_0000000000000000000000000u"] {
            assert_eq!(parse_entry(wrong), None, "{wrong}");
        }
        assert_eq!(parse_entry("je_zzzzzzzzzzzzzzzzzzzzzzzzzz"), None, "more than 128 bits");
    }
}
