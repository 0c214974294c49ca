//! Answers that show a secret, as they are kept: sealed, so that neither the store nor its backups tell it.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use suanpan_payments::settings::Settings;

/// What a sealed body begins with. No JSON does, so that the two cannot be taken for one another.
const SEALED: u8 = 1;
const NONCE_BYTES: usize = 12;

/// Seals and opens answers under a key that follows from the master key.
pub(crate) struct Seal(LessSafeKey);

impl Seal {
    pub(crate) fn new(settings: &Settings) -> Seal {
        let key = settings.key_for("kept answers");
        Seal(LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).expect("a key of 32 bytes")))
    }

    /// Seals a body for the one place where it is kept. `random` is of this call alone.
    pub(crate) fn seal(&self, place: &str, random: &[u8; 32], body: &[u8]) -> Vec<u8> {
        let nonce = Self::nonce(random);
        let mut text = body.to_vec();
        let tag = self
            .0
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut text)
            .expect("answers are far shorter than what the cipher takes");
        let mut sealed = Vec::with_capacity(1 + NONCE_BYTES + text.len() + tag.as_ref().len());
        sealed.push(SEALED);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&text);
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    fn open(&self, place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let mut text = text.to_vec();
        let opened =
            self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place), &mut text).ok()?;
        Some(opened.to_vec())
    }

    /// Ids and secrets are drawn from the same bytes by a keyed hash: what stands here tells nothing of them.
    fn nonce(random: &[u8; 32]) -> [u8; NONCE_BYTES] {
        let hash = blake3::keyed_hash(random, b"nonce of a kept answer");
        *hash.as_bytes().first_chunk().expect("a hash has 32 bytes")
    }
}

/// Returns a kept body as it was answered. None when it was sealed under another key, for another place, or changed.
pub(crate) fn open(settings: &Settings, place: &str, kept: &[u8]) -> Option<Vec<u8>> {
    match kept.split_first() {
        Some((&SEALED, sealed)) => Seal::new(settings).open(place, sealed),
        _ => Some(kept.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_at_its_place_only() {
        let settings = |byte| Settings::with_simulator([byte; 32], "http://x");
        let own = settings(7);
        let sealed = Seal::new(&own).seal("a\nk", &[1; 32], br#"{"secret":"sk_live_1"}"#);
        assert!(!sealed.windows(7).any(|part| part == b"sk_live"));
        assert_eq!(open(&own, "a\nk", &sealed).unwrap(), br#"{"secret":"sk_live_1"}"#);
        assert_eq!(open(&own, "a\nother", &sealed), None);
        assert_eq!(open(&settings(8), "a\nk", &sealed), None);
        for at in 1..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(open(&own, "a\nk", &changed), None, "{at}");
            assert_eq!(open(&own, "a\nk", &sealed[..at]), None, "{at}");
        }
        assert_eq!(open(&own, "a\nk", b"{}").unwrap(), b"{}", "others are kept as they are");
    }
}
