//! The vault: a card number is sealed in its token, and nothing else is kept.

use crate::vault;
use crate::{CardInput, CardNumber, TokenizedCard, VaultError};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use suanpan_money::Timestamp;
use zeroize::Zeroizing;

const PREFIX: &str = "pan1.";
const NONCE_BYTES: usize = 12;

/// The key under which card numbers, or numbers of accounts, are sealed. Never shown.
#[derive(Clone)]
pub struct VaultKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VaultKey(…)")
    }
}

impl VaultKey {
    /// Takes a key.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> VaultKey {
        VaultKey(Zeroizing::new(bytes))
    }

    fn cipher(&self) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &*self.0).expect("a key of 32 bytes"))
    }

    /// Seals a text; the token begins with the prefix, and is opened with it only. A key is for texts of one prefix.
    pub(crate) fn seal(&self, prefix: &str, mut text: Zeroizing<Vec<u8>>) -> String {
        let nonce = self.nonce(&text);
        let tag = self
            .cipher()
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(prefix), &mut text)
            .expect("what is sealed is far shorter than what the cipher takes");
        format!("{prefix}{}", hex::encode([&nonce[..], &text, tag.as_ref()].concat()))
    }

    /// Opens a token; none when it was not sealed under this key.
    pub(crate) fn open(&self, prefix: &str, token: &str) -> Option<Zeroizing<String>> {
        let sealed = hex::decode(token.strip_prefix(prefix)?).ok()?;
        let (nonce, text) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.cipher().open_in_place(nonce, Aad::from(prefix), &mut text).ok()?;
        std::str::from_utf8(opened).ok().map(|text| Zeroizing::new(text.to_owned()))
    }

    /// The same number gets the same nonce, which is then used for this one text only.
    fn nonce(&self, text: &[u8]) -> [u8; NONCE_BYTES] {
        let key = blake3::derive_key("suanpan 2026-11 nonces of card numbers", &*self.0);
        *blake3::keyed_hash(&key, text).as_bytes().first_chunk().expect("a hash has 32 bytes")
    }
}

/// A card number with its date. Never shown.
pub(super) struct Pan(Zeroizing<String>);

impl Pan {
    /// The digits.
    pub(super) fn number(&self) -> &str {
        &self.0[EXPIRY_DIGITS..]
    }

    /// Year and month, two digits each.
    pub(super) fn expiry(&self) -> &str {
        &self.0[..EXPIRY_DIGITS]
    }
}

const EXPIRY_DIGITS: usize = 4;

/// Returns the number in a token; for whoever must show it to another network. None when it is not sealed under this
/// key.
#[must_use]
pub fn pan_of(key: &VaultKey, token: &str) -> Option<CardNumber> {
    Some(CardNumber(open(key, token)?.number().to_owned()))
}

pub(super) fn open(key: &VaultKey, token: &str) -> Option<Pan> {
    let text = key.open(PREFIX, token)?;
    let whole = text.len() >= EXPIRY_DIGITS + 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    whole.then(|| Pan(text))
}

/// Takes a card in. Ids for tests are those of a simulator, and no card of a network.
pub(super) fn tokenize(
    sealing: &VaultKey,
    card: &CardInput,
    key: &[u8; 32],
    now: Timestamp,
) -> Result<TokenizedCard, VaultError> {
    let card = vault::check(card, now).ok_or(VaultError::NoSuchTestCard)??;
    // The network has two digits for the year.
    if !(2000..2100).contains(&card.exp_year) {
        return Err(VaultError::Expired);
    }
    let text = format!("{:02}{:02}{}", card.exp_year % 100, card.exp_month, card.number);
    let token = sealing.seal(PREFIX, Zeroizing::new(text.into_bytes()));
    Ok(TokenizedCard {
        token,
        brand: vault::brand(card.number),
        country: None,
        exp_month: card.exp_month,
        exp_year: card.exp_year,
        fingerprint: vault::fingerprint(card.number, key),
        funding: "unknown",
        last4: vault::last4(card.number),
        cvc_given: card.cvc_given,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(number: &str, exp_month: u8, exp_year: u16) -> CardInput {
        CardInput::Number { number: CardNumber(number.to_owned()), exp_month, exp_year, cvc: None }
    }

    #[test]
    fn a_number_is_sealed_and_opened_under_its_key_only() {
        let (vault, other) = (VaultKey::new([1; 32]), VaultKey::new([2; 32]));
        let now = Timestamp::from_seconds(1_795_000_000);
        let token = tokenize(&vault, &card("6225000000000006", 9, 2030), &[3; 32], now).unwrap();
        assert!(!token.token.contains("6225") && !format!("{vault:?}").contains('1'));
        assert_eq!((token.brand, token.last4.as_str()), ("unionpay", "0006"));
        let pan = open(&vault, &token.token).unwrap();
        assert_eq!((pan.number(), pan.expiry()), ("6225000000000006", "3009"));
        assert!(open(&other, &token.token).is_none());
        for at in PREFIX.len()..token.token.len() {
            let mut changed = token.token.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(changed == token.token || open(&vault, &changed).is_none(), "{at}");
        }
        let again = tokenize(&vault, &card("6225000000000006", 9, 2030), &[3; 32], now).unwrap();
        assert_eq!(again, token);
    }

    #[test]
    fn cards_that_are_none_are_refused() {
        let (vault, now) = (VaultKey::new([1; 32]), Timestamp::from_seconds(1_795_000_000));
        let refused = |input: &CardInput| tokenize(&vault, input, &[3; 32], now).unwrap_err();
        assert_eq!(refused(&card("6225000000000007", 9, 2030)), VaultError::Number);
        assert_eq!(refused(&card("", 9, 2030)), VaultError::Number);
        assert_eq!(refused(&card("6225000000000006", 10, 2026)), VaultError::Expired);
        assert_eq!(refused(&card("6225000000000006", 13, 2030)), VaultError::Expired);
        assert_eq!(refused(&card("6225000000000006", 0, 2030)), VaultError::Expired);
        assert_eq!(refused(&CardInput::TestId("pm_card_visa".to_owned())), VaultError::NoSuchTestCard);
    }
}
