//! The vault: cards to tokens that say how a card behaves.

use super::cards::{self, Behaviour, TestCard};
use crate::vault::{self, CheckedCard};
use crate::{CardInput, TokenizedCard, VaultError};
use suanpan_money::Timestamp;

const PREFIX: &str = "sim1.";

pub(super) fn tokenize(
    card: &CardInput,
    key: &[u8; 32],
    now: Timestamp,
) -> Result<TokenizedCard, VaultError> {
    match (card, vault::check(card, now)) {
        (CardInput::Number { .. } | CardInput::TestId(_), Some(checked)) => {
            checked.map(|card| token(&card, cards::by_number(card.number), key))
        }
        (CardInput::TestId(id), None) => {
            let test = cards::by_id(id).ok_or(VaultError::NoSuchTestCard)?;
            // Cards for tests never expire: they say so some years from now.
            let exp_year = vault::year_and_month(now).0.saturating_add(4);
            let card = CheckedCard { number: test.number, exp_month: 12, exp_year, cvc_given: true };
            Ok(token(&card, Some(test), key))
        }
        // Its cards have no chips.
        (CardInput::Chip(_), _) => Err(VaultError::NoChips),
        (CardInput::Number { .. }, None) => Err(VaultError::Number),
    }
}

fn token(card: &CheckedCard<'_>, test: Option<&TestCard>, key: &[u8; 32]) -> TokenizedCard {
    let (brand, last4) = (vault::brand(card.number), vault::last4(card.number));
    let word = test.map_or("ok", |test| test.word);
    TokenizedCard {
        token: format!("{PREFIX}{word}.{brand}.{last4}"),
        brand,
        country: Some(cards::country(card.number)),
        exp_month: card.exp_month,
        exp_year: card.exp_year,
        fingerprint: vault::fingerprint(card.number, key),
        funding: test.map_or("unknown", |test| test.funding),
        last4,
        cvc_given: card.cvc_given,
        token_after: None,
    }
}

/// Reads how the card of a token behaves; none when it is no token of this vault.
pub(super) fn behaviour(token: &str) -> Option<Behaviour> {
    cards::behaviour(token.strip_prefix(PREFIX)?.split('.').next()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CardNumber;
    use suanpan_messages::identifier::luhn_is_valid;

    fn input(number: &str, exp_month: u8, exp_year: u16, cvc: &str) -> CardInput {
        let secret = |text: &str| CardNumber(text.to_owned());
        let cvc = (!cvc.is_empty()).then(|| secret(cvc));
        CardInput::Number { number: secret(number), exp_month, exp_year, cvc }
    }

    #[test]
    fn every_card_for_tests_is_taken_and_keeps_its_behaviour() {
        let now = Timestamp::from_seconds(1_735_689_600);
        for card in &cards::CARDS {
            assert!(luhn_is_valid(card.number), "{}", card.number);
            let taken = tokenize(&input(card.number, 1, 2025, ""), &[1; 32], now).unwrap();
            assert_eq!(behaviour(&taken.token), Some(card.behaviour), "{}", card.number);
            assert!(!taken.token.contains(&card.number[..12]), "a token must not tell the number");
            assert_eq!(taken.fingerprint.len(), 24);
            assert_ne!(taken.brand, "unknown", "{}", card.number);
            if !card.id.is_empty() {
                let by_id = CardInput::TestId(format!("pm_card_{}", card.id));
                let by_id = tokenize(&by_id, &[1; 32], now).unwrap();
                assert_eq!((by_id.token, by_id.fingerprint), (taken.token, taken.fingerprint));
            }
        }
    }

    #[test]
    fn fingerprints_depend_on_number_and_key_only() {
        let now = Timestamp::from_seconds(0);
        let print = |number, key| tokenize(&input(number, 1, 2030, "123"), key, now).unwrap().fingerprint;
        assert_eq!(print("4242424242424242", &[1; 32]), print("4242424242424242", &[1; 32]));
        assert_ne!(print("4242424242424242", &[1; 32]), print("4242424242424242", &[2; 32]));
        assert_ne!(print("4242424242424242", &[1; 32]), print("5555555555554444", &[1; 32]));
    }

    #[test]
    fn what_is_no_card_is_refused() {
        let now = Timestamp::from_seconds(1_735_689_600);
        let refuse = |number, month, year, cvc| {
            tokenize(&input(number, month, year, cvc), &[0; 32], now).map(|card| card.token)
        };
        assert_eq!(refuse("4242424242424241", 1, 2030, ""), Err(VaultError::Number));
        assert_eq!(refuse("42", 1, 2030, ""), Err(VaultError::Number));
        assert_eq!(refuse("", 1, 2030, ""), Err(VaultError::Number));
        assert_eq!(refuse("4242424242424242", 12, 2024, ""), Err(VaultError::Expired));
        assert_eq!(refuse("4242424242424242", 13, 2030, ""), Err(VaultError::Expired));
        assert_eq!(refuse("4242424242424242", 1, 2030, "1234"), Err(VaultError::Cvc));
        assert!(refuse("378282246310005", 1, 2030, "1234").is_ok());
        let unknown = CardInput::TestId("pm_card_nobody".to_owned());
        assert_eq!(tokenize(&unknown, &[0; 32], now), Err(VaultError::NoSuchTestCard));
        assert_eq!(behaviour("sim1.nothing.visa.4242"), None);
        assert_eq!(behaviour("tok_other"), None);
    }
}
