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

    /// Returns a number by which something may be left to chance.
    pub fn next_chance(&mut self) -> u64 {
        u64::from_le_bytes(*self.draw(b'c').first_chunk().expect("a hash has 32 bytes"))
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

/// Returns the id that an event has at its place among all events of a cell: `place_micros` grows from each to the
/// next, and ids sort by it. The id that the rules gave lends its chance.
///
/// Milliseconds stand where all ids have them; the ten bits behind them count microseconds.
#[must_use]
pub fn event_at(drafted: &str, place_micros: i64) -> String {
    let place = u128::try_from(place_micros).unwrap_or(0);
    let (millis, micros) = ((place / 1_000) & 0xffff_ffff_ffff, place % 1_000);
    let chance = drafted.strip_prefix("evt_").and_then(value_of).unwrap_or(0) & ((1 << 70) - 1);
    text_of("evt_", millis << 80 | micros << 70 | chance)
}

/// Returns the place that [`event_at`] gave the event of an id; none when it is no id of an event.
#[must_use]
pub fn event_place(id: &str) -> Option<i64> {
    let place = id.strip_prefix("evt_").and_then(value_of)? >> 70;
    let (millis, micros) = (place >> 10, place & 1023);
    i64::try_from(millis * 1_000 + micros).ok()
}

/// Writes the id of a journal entry as `je_…`.
#[must_use]
pub fn entry_text(id: EntryId) -> String {
    text_of("je_", id.0)
}

/// Reads `je_…` back.
#[must_use]
pub fn parse_entry(text: &str) -> Option<EntryId> {
    text.strip_prefix("je_").and_then(value_of).map(EntryId)
}

fn value_of(letters: &str) -> Option<u128> {
    if letters.len() != LENGTH {
        return None;
    }
    let mut value = 0_u128;
    for byte in letters.bytes() {
        let digit = LETTERS.iter().position(|&letter| letter == byte)?;
        value = value.checked_mul(32)?.checked_add(digit as u128)?;
    }
    Some(value)
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
    fn events_sort_by_their_places_whatever_their_chance() {
        let second = 1_790_000_000_000_000;
        let places = [0, second, second + 1, second + 999, second + 1_000, second + 1_001];
        let high = "evt_7zzzzzzzzzzzzzzzzzzzzzzzzz";
        let low = "evt_00000000000000000000000000";
        for pair in places.windows(2) {
            assert!(event_at(high, pair[0]) < event_at(low, pair[1]), "{pair:?}");
        }
        assert_ne!(event_at(high, second), event_at(low, second));
        for place in places {
            assert_eq!(event_place(&event_at(high, place)), Some(place));
        }
        for wrong in ["", "evt_", "evt_1", "pi_00000000000000000000000000", "evt_u0000000000000000000000000"]
        {
            assert_eq!(event_place(wrong), None, "{wrong}");
        }
        let mut ids = IdSource::new([7; 32], Timestamp::from_micros(second));
        let (id, pi) = (event_at(&ids.next("evt_"), second), ids.next("pi_"));
        assert_eq!(id.len(), 4 + LENGTH);
        assert_eq!(id[4..13], pi[3..12], "the same millisecond");
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
