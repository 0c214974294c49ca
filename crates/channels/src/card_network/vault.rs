//! The vault: a card number is sealed in its token, and nothing else is kept. What a chip gave for one payment is sealed
//! in another, with the PIN block; whoever keeps tokens drops that one when the payment is answered.

use crate::vault;
use crate::{CardInput, CardNumber, ChipInput, TokenizedCard, VaultError};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use suanpan_messages::emv::data::ChipData;
use suanpan_messages::emv::track::Track2;
use suanpan_messages::pin::PinBlock;
use suanpan_messages::tlv::{self, Object, Tag};
use suanpan_money::Timestamp;
use zeroize::{Zeroize, Zeroizing};

/// A number with its date.
const PREFIX: &str = "pan1.";
/// What a chip gave.
const CHIP_PREFIX: &str = "chip1.";
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

    /// Seals a text; the token begins with the prefix, and is opened with it only. No text is sealed under two prefixes: its
    /// nonce follows from the text.
    pub(crate) fn seal(&self, prefix: &str, mut text: Zeroizing<Vec<u8>>) -> String {
        let nonce = self.nonce(&text);
        let tag = self
            .cipher()
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(prefix), &mut text)
            .expect("what is sealed is far shorter than what the cipher takes");
        format!("{prefix}{}", hex::encode([&nonce[..], &text, tag.as_ref()].concat()))
    }

    /// Opens the token of a text; none when it was not sealed under this key.
    pub(crate) fn open(&self, prefix: &str, token: &str) -> Option<Zeroizing<String>> {
        let text = self.open_bytes(prefix, token)?;
        std::str::from_utf8(&text).ok().map(|text| Zeroizing::new(text.to_owned()))
    }

    fn open_bytes(&self, prefix: &str, token: &str) -> Option<Zeroizing<Vec<u8>>> {
        let sealed = hex::decode(token.strip_prefix(prefix)?).ok()?;
        let (nonce, text) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self.cipher().open_in_place(nonce, Aad::from(prefix), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
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

/// What a token holds.
pub(super) struct Opened {
    pub(super) pan: Pan,
    /// What the chip gave; none of a number that was typed, and of what follows a payment.
    pub(super) chip: Option<Chip>,
}

/// What a chip gave for one payment. Never shown.
pub(super) struct Chip {
    track_2: Zeroizing<Vec<u8>>,
    /// The card among those of its number.
    pub(super) sequence: u8,
    /// Field 55.
    pub(super) data: ChipData,
    pub(super) pin_block: Option<PinBlock>,
}

impl Chip {
    /// Track 2 as field 35 has it: digits, a D between number and expiry.
    pub(super) fn track_2(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(hex::encode_upper(&*self.track_2));
        while text.ends_with('F') {
            text.pop();
        }
        text
    }
}

/// The objects of a chip's token: track 2, sequence number, field 55, PIN block.
const TRACK_2: Tag = Tag(0x57);
const SEQUENCE: Tag = Tag(0x5F34);
const FIELD_55: Tag = Tag(0x70);
const PIN_BLOCK: Tag = Tag(0x99);

/// Returns the number in a token; for whoever must show it to another network. None when it is not sealed under this
/// key.
#[must_use]
pub fn pan_of(key: &VaultKey, token: &str) -> Option<CardNumber> {
    Some(CardNumber(open(key, token)?.pan.number().to_owned()))
}

pub(super) fn open(key: &VaultKey, token: &str) -> Option<Opened> {
    if token.starts_with(CHIP_PREFIX) {
        return open_chip(&key.open_bytes(CHIP_PREFIX, token)?);
    }
    let text = key.open(PREFIX, token)?;
    let whole = text.len() >= EXPIRY_DIGITS + 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    whole.then(|| Opened { pan: Pan(text), chip: None })
}

fn open_chip(text: &[u8]) -> Option<Opened> {
    let mut objects = tlv::decode(text).ok()?;
    let value = |tag: Tag| objects.iter().find(|object| object.tag == tag).map(|object| &object.value[..]);
    let track = Track2::decode(value(TRACK_2)?)?;
    let opened = Opened {
        pan: Pan(Zeroizing::new(format!("{}{}", track.expiry(), track.expose_number()))),
        chip: Some(Chip {
            track_2: Zeroizing::new(track.encode()),
            sequence: *value(SEQUENCE)?.first()?,
            data: ChipData::decode(value(FIELD_55)?).ok()?,
            pin_block: value(PIN_BLOCK).and_then(|block| block.try_into().ok()).map(PinBlock),
        }),
    };
    objects.iter_mut().for_each(|object| object.value.zeroize());
    Some(opened)
}

/// Takes a card in. Ids for tests are those of a simulator, and no card of a network.
pub(super) fn tokenize(
    sealing: &VaultKey,
    input: &CardInput,
    key: &[u8; 32],
    now: Timestamp,
) -> Result<TokenizedCard, VaultError> {
    let card = vault::check(input, now).ok_or(VaultError::NoSuchTestCard)??;
    // The network has two digits for the year.
    if !(2000..2100).contains(&card.exp_year) {
        return Err(VaultError::Expired);
    }
    let text = format!("{:02}{:02}{}", card.exp_year % 100, card.exp_month, card.number);
    let number = sealing.seal(PREFIX, Zeroizing::new(text.into_bytes()));
    let (token, token_after) = match input {
        CardInput::Chip(chip) => (seal_chip(sealing, chip), Some(number)),
        CardInput::Number { .. } | CardInput::TestId(_) => (number, None),
    };
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
        token_after,
    })
}

fn seal_chip(sealing: &VaultKey, chip: &ChipInput) -> String {
    let object = |tag, value: Vec<u8>| Object { tag, value };
    let mut objects = vec![
        object(TRACK_2, chip.track_2.encode()),
        object(SEQUENCE, vec![chip.sequence]),
        object(FIELD_55, chip.data.encode()),
    ];
    objects.extend(chip.pin_block.map(|block| object(PIN_BLOCK, block.0.to_vec())));
    let token = sealing.seal(CHIP_PREFIX, Zeroizing::new(tlv::encode(&objects)));
    objects.iter_mut().for_each(|object| object.value.zeroize());
    token
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
        let pan = open(&vault, &token.token).unwrap().pan;
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
    fn a_chip_is_sealed_whole_and_its_number_for_what_follows() {
        let (vault, now) = (VaultKey::new([1; 32]), Timestamp::from_seconds(1_795_000_000));
        let track_2 = Track2::parse("6225000000000006D30092200000").unwrap();
        let data = ChipData::decode(&hex::decode("9F36020001").unwrap()).unwrap();
        let pin_block = Some(PinBlock([7; 8]));
        let chip = ChipInput { track_2, sequence: 1, data: data.clone(), pin_block };
        let token = tokenize(&vault, &CardInput::Chip(Box::new(chip)), &[3; 32], now).unwrap();
        let opened = open(&vault, &token.token).unwrap();
        assert_eq!((opened.pan.number(), opened.pan.expiry()), ("6225000000000006", "3009"));
        let kept = opened.chip.unwrap();
        assert_eq!(kept.track_2().as_str(), "6225000000000006D30092200000");
        assert_eq!((kept.sequence, kept.data, kept.pin_block), (1, data, pin_block));
        // What follows has the number alone, and is the token of the same number that was typed.
        let after = token.token_after.unwrap();
        assert!(open(&vault, &after).unwrap().chip.is_none());
        let typed = tokenize(&vault, &card("6225000000000006", 9, 2030), &[3; 32], now).unwrap();
        assert_eq!((typed.token, typed.fingerprint), (after, token.fingerprint));
        // Neither passes for the other.
        let disguised = token.token.replacen(CHIP_PREFIX, PREFIX, 1);
        assert!(open(&vault, &disguised).is_none());
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
