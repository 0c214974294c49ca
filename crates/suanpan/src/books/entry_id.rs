//! Ids of entries as people write them.

use suanpan_ledger::entry::EntryId;
use suanpan_payments::id::{entry_text, parse_entry};

/// Separates ids made from references from all other uses of the hash.
const CONTEXT: &str = "suanpan 2026 entry id from reference";

/// How an entry is named.
pub(crate) struct EntryName;

impl EntryName {
    /// Reads an id: a number, `je_…`, or a UUID.
    pub(crate) fn parse(text: &str) -> Option<EntryId> {
        if let Some(id) = parse_entry(text) {
            return Some(id);
        }
        if text.len() == 36 {
            return uuid(text);
        }
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse().ok().map(EntryId))?
    }

    /// Writes an id.
    pub(crate) fn write(id: EntryId) -> String {
        entry_text(id)
    }
}

fn uuid(text: &str) -> Option<EntryId> {
    let mut value = 0_u128;
    for (at, byte) in text.bytes().enumerate() {
        match (at, byte) {
            (8 | 13 | 18 | 23, b'-') => {}
            (8 | 13 | 18 | 23, _) => return None,
            _ => value = value << 4 | u128::from(char::from(byte).to_digit(16)?),
        }
    }
    Some(EntryId(value))
}

/// Makes the id of an entry from a text: the same text gives the same id, everywhere and for ever.
pub(crate) fn from_reference(reference: &str) -> EntryId {
    let hash = blake3::derive_key(CONTEXT, reference.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    EntryId(u128::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_in_their_three_writings() {
        let uuid = "00112233-4455-6677-8899-aabbccddeeff";
        let value = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff;
        assert_eq!(EntryName::parse(uuid), Some(EntryId(value)));
        assert_eq!(EntryName::parse(&value.to_string()), Some(EntryId(value)));
        assert_eq!(EntryName::parse(&EntryName::write(EntryId(value))), Some(EntryId(value)));
        for wrong in [
            "",
            "x",
            "-1",
            "+1",
            "1.0",
            "340282366920938463463374607431768211456",
            "00112233-4455-6677-8899-aabbccddeef",
            "00112233x4455-6677-8899-aabbccddeeff",
            "00112233-4455-6677-8899-aabbccddeefg",
        ] {
            assert_eq!(EntryName::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn references_give_the_same_ids_for_ever() {
        assert_eq!(EntryName::write(from_reference("INV-1")), EntryName::write(from_reference("INV-1")));
        assert_ne!(from_reference("INV-1"), from_reference("INV-2"));
        // Whoever sent a file before must be able to send it again: this must not change.
        assert_eq!(from_reference("INV-1").0, GOLDEN);
    }

    const GOLDEN: u128 = 0;
}
