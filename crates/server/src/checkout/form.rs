//! What a customer sends: a method, and a card. A card goes the same way as in the API, and stands in no log, no error
//! and no page.

use super::text::Text;
use crate::parameters::{Node, typed};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use suanpan_payments::object::payment_method::CardNumber;
use suanpan_payments::request::card::{CARD, CardData, PaymentMethodData};
use suanpan_payments::request::checkout_session::PAGE_TYPES;

/// Digits of card numbers (ISO/IEC 7812-1).
const NUMBER_DIGITS: std::ops::RangeInclusive<usize> = 12..=19;
/// The cards of the buttons of test mode.
pub(super) const TEST_CARDS: [(&str, Text); 3] = [
    ("pm_card_visa", Text::TestGood),
    ("pm_card_chargeDeclinedInsufficientFunds", Text::TestBad),
    ("pm_card_threeDSecure2Required", Text::TestProof),
];

/// What stands in a form. It has no `Debug`, because of the card.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Choice {
    /// Shows that it comes from the page.
    pub(super) token: String,
    /// How many attempts the page knew of.
    pub(super) seen: u32,
    method: String,
    number: String,
    expiry: String,
    cvc: String,
    /// One of the cards of test mode instead.
    test: String,
}

/// What is wrong with a form, or cannot be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Number,
    Expiry,
    ExpiryPast,
    Cvc,
    Method,
    MethodGone,
    Busy,
}

impl Fault {
    /// Returns the field at fault, by its id on the page; none when it is none of the card's.
    pub(super) const fn field(self) -> Option<&'static str> {
        match self {
            Fault::Number => Some("number"),
            Fault::Expiry | Fault::ExpiryPast => Some("expiry"),
            Fault::Cvc => Some("cvc"),
            Fault::Method | Fault::MethodGone | Fault::Busy => None,
        }
    }

    /// Returns what to say.
    pub(super) const fn text(self) -> Text {
        match self {
            Fault::Number => Text::NumberWrong,
            Fault::Expiry => Text::ExpiryWrong,
            Fault::ExpiryPast => Text::ExpiryPast,
            Fault::Cvc => Text::CvcWrong,
            Fault::Method => Text::MethodWrong,
            Fault::MethodGone => Text::MethodGone,
            Fault::Busy => Text::Busy,
        }
    }

    /// Returns the fault that the rules found in a parameter, in the writing of the API.
    pub(super) fn of_param(param: &str) -> Fault {
        if param.contains("number") {
            Fault::Number
        } else if param.contains("exp_") {
            Fault::Expiry
        } else if param.contains("cvc") {
            Fault::Cvc
        } else {
            Fault::MethodGone
        }
    }
}

/// A method, or the id of a card for tests.
type Read = (Option<PaymentMethodData>, Option<String>);

impl Choice {
    /// Reads a form; none when it is not one of the page's.
    pub(super) fn of(tree: Node<'_>) -> Option<Choice> {
        typed::from_node(tree).ok()
    }

    /// Reads the method, at a moment in seconds.
    pub(super) fn read(&self, now: i64, simulates_cards: bool) -> Result<Read, Vec<Fault>> {
        if simulates_cards && let Some((id, _)) = TEST_CARDS.iter().find(|(id, _)| *id == self.test) {
            return Ok((None, Some((*id).to_owned())));
        }
        let kind =
            PAGE_TYPES.into_iter().find(|kind| *kind == self.method).ok_or_else(|| vec![Fault::Method])?;
        let card = if kind == CARD { Some(self.card(now)?) } else { None };
        Ok((
            Some(PaymentMethodData { kind: Some(kind.to_owned()), card, ..PaymentMethodData::default() }),
            None,
        ))
    }

    fn card(&self, now: i64) -> Result<CardData, Vec<Fault>> {
        let digits = |text: &str| text.chars().filter(|char| !matches!(char, ' ' | '-')).collect::<String>();
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits(&self.number);
        let mut faults = Vec::new();
        if !NUMBER_DIGITS.contains(&number.len()) || !all_digits(&number) {
            faults.push(Fault::Number);
        }
        let date = expiry(&self.expiry);
        match date {
            None => faults.push(Fault::Expiry),
            // A card is good to the end of its month, wherever its holder is.
            Some((month, year)) if is_past(month, year, now) => faults.push(Fault::ExpiryPast),
            Some(_) => {}
        }
        let cvc = digits(&self.cvc);
        if !(3..=4).contains(&cvc.len()) || !all_digits(&cvc) {
            faults.push(Fault::Cvc);
        }
        match date {
            Some((month, year)) if faults.is_empty() => Ok(CardData {
                cvc: Some(CardNumber(cvc)),
                exp_month: Some(month),
                exp_year: Some(year),
                number: Some(CardNumber(number)),
                token: None,
            }),
            _ => Err(faults),
        }
    }

    /// Returns the method that was chosen, for the page that is shown again.
    pub(super) fn method(&self) -> &str {
        &self.method
    }
}

/// Says what becomes of the form of a page, at a moment in seconds: how many faults it has, none when it is no form of
/// ours. For whoever tries to break the readers of forms.
#[must_use]
pub fn reads(form: &[u8], now: i64) -> Option<usize> {
    let choice = Choice::of(crate::parameters::form::parse(form).ok()?)?;
    Some(choice.read(now, true).err().map_or(0, |faults| faults.len()))
}

/// Reads `08/29`, `8 / 2029` or `0829` as month and year.
fn expiry(text: &str) -> Option<(i64, i64)> {
    let text: String = text.chars().filter(|char| !char.is_whitespace()).collect();
    let (month, year) = match text.split_once(['/', '-', '.']) {
        Some(parts) => parts,
        None => text.split_at_checked(2)?,
    };
    let number = |text: &str| {
        let short = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|_| short)
    };
    let year = match (year.len(), number(year)?) {
        (2, year) => 2_000 + year,
        (4, year) => year,
        _ => return None,
    };
    number(month)
        .filter(|month| (1..=12).contains(month) && (1970..=2199).contains(&year))
        .map(|month| (month, year))
}

fn is_past(month: i64, year: i64, now: i64) -> bool {
    // A day later than here: somewhere the month is not over yet.
    let Ok(moment) = Timestamp::from_second(now.saturating_sub(86_400)) else { return false };
    let date = moment.to_zoned(TimeZone::UTC).date();
    (year, month) < (i64::from(date.year()), i64::from(date.month()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::form;

    /// 2026-11-28
    const NOW: i64 = 1_795_824_000;

    fn choice(text: &str) -> Option<Choice> {
        form::parse(text.as_bytes()).ok().and_then(Choice::of)
    }

    fn faults(form: &str) -> Vec<Fault> {
        choice(form).unwrap().read(NOW, false).err().unwrap_or_default()
    }

    #[test]
    fn a_card_is_read_as_people_write_it() {
        let form = "method=card&number=4242+4242-4242+4242&expiry=8+%2F+29&cvc=123&seen=3&token=t";
        let choice = choice(form).unwrap();
        let (method, test) = choice.read(NOW, true).unwrap();
        let card = method.unwrap().card.unwrap();
        assert_eq!(
            (card.number.unwrap().0.as_str(), card.cvc.unwrap().0.as_str()),
            ("4242424242424242", "123")
        );
        assert_eq!((card.exp_month, card.exp_year, test, choice.seen), (Some(8), Some(2029), None, 3));
    }

    #[test]
    fn every_fault_is_told_at_once_with_its_field() {
        use Fault::{Cvc, Expiry, ExpiryPast, Method, Number};
        let card = "method=card&number=4242424242424242&expiry=12/30&cvc=123";
        for (form, want) in [
            (card.to_owned(), vec![]),
            ("method=card".to_owned(), vec![Number, Expiry, Cvc]),
            (card.replace("4242424242424242", "4242"), vec![Number]),
            (card.replace("4242424242424242", "４２４２４２４２４２４２"), vec![Number]),
            (card.replace("12/30", "13/30"), vec![Expiry]),
            (card.replace("12/30", "1230"), vec![]),
            (card.replace("12/30", "12/030"), vec![Expiry]),
            (card.replace("12/30", "年/月"), vec![Expiry]),
            (card.replace("12/30", "11/26"), vec![]),
            (card.replace("12/30", "10/2026"), vec![ExpiryPast]),
            (card.replace("123", "12"), vec![Cvc]),
            ("method=alipay".to_owned(), vec![]),
            ("method=customer_balance".to_owned(), vec![Method]),
            (String::new(), vec![Method]),
        ] {
            assert_eq!(faults(&form), want, "{form}");
        }
        assert!(choice("method=card&amount=1").is_none(), "no form of ours has that");
        assert!(choice("method=card&method=alipay").is_none());
    }

    #[test]
    fn cards_for_tests_are_taken_where_they_are_simulated_only() {
        let test = choice("test=pm_card_visa").unwrap();
        assert_eq!(test.read(NOW, true).unwrap().1.as_deref(), Some("pm_card_visa"));
        assert!(test.read(NOW, false).is_err());
        assert!(choice("test=pm_1").unwrap().read(NOW, true).is_err(), "no other method can be named");
    }
}
