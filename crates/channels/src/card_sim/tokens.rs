//! The vault: cards to tokens that say how a card behaves.

use super::cards::{self, Behaviour, TestCard};
use crate::{CardInput, TokenizedCard, VaultError};
use suanpan_messages::identifier::luhn_is_valid;
use suanpan_money::Timestamp;

const PREFIX: &str = "sim1.";

pub(super) fn tokenize(
    card: &CardInput,
    key: &[u8; 32],
    now: Timestamp,
) -> Result<TokenizedCard, VaultError> {
    let (year_now, month_now) = year_and_month(now);
    match card {
        CardInput::TestId(id) => {
            let test = cards::by_id(id).ok_or(VaultError::NoSuchTestCard)?;
            // Cards for tests never expire: they say so some years from now.
            Ok(token(test.number, Some(test), key, 12, year_now.saturating_add(4), true))
        }
        CardInput::Number { number, exp_month, exp_year, cvc } => {
            let number = number.0.as_str();
            if !(12..=19).contains(&number.len()) || !luhn_is_valid(number) {
                return Err(VaultError::Number);
            }
            if (*exp_year, *exp_month) < (year_now, month_now) || !(1..=12).contains(exp_month) {
                return Err(VaultError::Expired);
            }
            let digits = if cards::brand(number) == "amex" { 3..=4 } else { 3..=3 };
            if cvc.as_ref().is_some_and(|cvc| !digits.contains(&cvc.0.len())) {
                return Err(VaultError::Cvc);
            }
            Ok(token(number, cards::by_number(number), key, *exp_month, *exp_year, cvc.is_some()))
        }
    }
}

fn token(
    number: &str,
    test: Option<&TestCard>,
    key: &[u8; 32],
    exp_month: u8,
    exp_year: u16,
    cvc_given: bool,
) -> TokenizedCard {
    let brand = cards::brand(number);
    let last4 = number[number.len() - 4..].to_owned();
    let word = test.map_or("ok", |test| test.word);
    let hash = blake3::keyed_hash(key, number.as_bytes());
    TokenizedCard {
        token: format!("{PREFIX}{word}.{brand}.{last4}"),
        brand,
        country: Some(cards::country(number)),
        exp_month,
        exp_year,
        fingerprint: hash.to_hex().as_str()[..24].to_owned(),
        funding: test.map_or("unknown", |test| test.funding),
        last4,
        cvc_given,
    }
}

/// Reads how the card of a token behaves; none when it is no token of this vault.
pub(super) fn behaviour(token: &str) -> Option<Behaviour> {
    cards::behaviour(token.strip_prefix(PREFIX)?.split('.').next()?)
}

/// Returns year and month of an instant (Howard Hinnant's algorithm for the proleptic Gregorian calendar,
/// "days_from_civil" turned round).
fn year_and_month(now: Timestamp) -> (u16, u8) {
    let days = now.seconds().div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (u16::try_from(year).unwrap_or(u16::MAX), u8::try_from(month).unwrap_or(12))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CardNumber;

    fn input(number: &str, exp_month: u8, exp_year: u16, cvc: &str) -> CardInput {
        let secret = |text: &str| CardNumber(text.to_owned());
        let cvc = (!cvc.is_empty()).then(|| secret(cvc));
        CardInput::Number { number: secret(number), exp_month, exp_year, cvc }
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, (1970, 1)),
            (951_782_399, (2000, 2)),
            (951_868_800, (2000, 3)),
            (1_735_689_599, (2024, 12)),
            (1_735_689_600, (2025, 1)),
            (4_107_542_400, (2100, 3)),
            (4_107_542_399, (2100, 2)),
        ] {
            assert_eq!(year_and_month(Timestamp::from_seconds(seconds)), expected, "{seconds}");
        }
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
