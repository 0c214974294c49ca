//! What a customer sends: a method, and a card. A card goes the same way as in the API, and stands in no log, no error
//! and no page.

use super::text::Text;
use crate::parameters::{Node, typed};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use suanpan_money::Currency;
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
    /// What comes out of the customer's balance, as it is written; nothing when it is empty.
    balance: String,
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
    Balance,
    Busy,
}

impl Fault {
    /// Returns the field at fault, by its id on the page; none when it is none of the card's.
    pub(super) const fn field(self) -> Option<&'static str> {
        match self {
            Fault::Number => Some("number"),
            Fault::Expiry | Fault::ExpiryPast => Some("expiry"),
            Fault::Cvc => Some("cvc"),
            Fault::Balance => Some("balance"),
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
            Fault::Balance => Text::BalanceWrong,
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
        } else if param.contains("balance") || param.contains("payment_sources") {
            Fault::Balance
        } else {
            Fault::MethodGone
        }
    }
}

/// What is to be paid, and what of it may come out of a balance, in minor units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bill {
    pub(super) total: i64,
    pub(super) currency: Currency,
    /// What the customer has; none where the page does not offer it.
    pub(super) balance: Option<i64>,
}

/// How somebody wants to pay.
pub(super) struct Paying {
    /// The method; none where a card for tests is named, or the balance pays all of it.
    pub(super) method: Option<PaymentMethodData>,
    /// The id of a card for tests.
    pub(super) test_card: Option<String>,
    /// What comes out of the balance, in minor units.
    pub(super) balance: i64,
}

impl Choice {
    /// Reads a form; none when it is not one of the page's.
    pub(super) fn of(tree: Node<'_>) -> Option<Choice> {
        typed::from_node(tree).ok()
    }

    /// Reads the method, at a moment in seconds.
    pub(super) fn read(&self, now: i64, simulates_cards: bool, bill: &Bill) -> Result<Paying, Vec<Fault>> {
        let balance = self.balance(bill).map_err(|fault| vec![fault])?;
        if balance == bill.total {
            return Ok(Paying { method: None, test_card: None, balance });
        }
        if simulates_cards && let Some((id, _)) = TEST_CARDS.iter().find(|(id, _)| *id == self.test) {
            return Ok(Paying { method: None, test_card: Some((*id).to_owned()), balance });
        }
        let kind =
            PAGE_TYPES.into_iter().find(|kind| *kind == self.method).ok_or_else(|| vec![Fault::Method])?;
        let card = if kind == CARD { Some(self.card(now)?) } else { None };
        let method = PaymentMethodData { kind: Some(kind.to_owned()), card, ..PaymentMethodData::default() };
        Ok(Paying { method: Some(method), test_card: None, balance })
    }

    /// Reads what comes out of the balance: an amount as people write it.
    fn balance(&self, bill: &Bill) -> Result<i64, Fault> {
        let text: String = self.balance.chars().filter(|char| *char != ' ').collect();
        if text.is_empty() {
            return Ok(0);
        }
        let text = ungrouped(&text).ok_or(Fault::Balance)?;
        let most = bill.balance.unwrap_or(0).min(bill.total);
        suanpan_money::parse_decimal(text.as_bytes(), bill.currency.exponent())
            .ok()
            .filter(|amount| (0..=most).contains(amount))
            .ok_or(Fault::Balance)
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

    /// Returns what was written for the balance, for the page that is shown again; none where nothing was.
    pub(super) fn written_balance(&self) -> Option<&str> {
        Some(self.balance.as_str()).filter(|text| !text.is_empty() && text.len() <= 24)
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
    let currency = Currency::parse("CNY")?;
    let bill = Bill { total: 10_000, currency, balance: Some(5_000) };
    Some(choice.read(now, true, &bill).err().map_or(0, |faults| faults.len()))
}

/// Takes the commas out of `1,234.50`; none where they do not part thousands: a comma may stand for the decimal point, and
/// then 0,50 is not 50.
fn ungrouped(text: &str) -> Option<String> {
    let whole = text.split('.').next().unwrap_or_default();
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let grouped = text.contains(',');
    let good = groups.all(|group| group.len() == 3) && (1..=3).contains(&first.len());
    let behind = text[whole.len()..].contains(',');
    (!grouped || good && !behind).then(|| text.replace(',', ""))
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

    fn bill(balance: Option<i64>) -> Bill {
        Bill { total: 10_000, currency: Currency::parse("CNY").unwrap(), balance }
    }

    fn faults(form: &str) -> Vec<Fault> {
        choice(form).unwrap().read(NOW, false, &bill(None)).err().unwrap_or_default()
    }

    #[test]
    fn a_card_is_read_as_people_write_it() {
        let form = "method=card&number=4242+4242-4242+4242&expiry=8+%2F+29&cvc=123&seen=3&token=t";
        let choice = choice(form).unwrap();
        let Paying { method, test_card: test, balance } = choice.read(NOW, true, &bill(None)).unwrap();
        let card = method.unwrap().card.unwrap();
        assert_eq!(balance, 0);
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
        assert_eq!(test.read(NOW, true, &bill(None)).unwrap().test_card.as_deref(), Some("pm_card_visa"));
        assert!(test.read(NOW, false, &bill(None)).is_err());
        let other = choice("test=pm_1").unwrap().read(NOW, true, &bill(None));
        assert!(other.is_err(), "no other method can be named");
    }

    #[test]
    fn a_balance_is_read_as_people_write_it_and_is_never_more_than_there_is() {
        let read = |written: &str, has: Option<i64>| {
            let form = format!("method=alipay&balance={written}");
            let paying = choice(&form).unwrap().read(NOW, false, &bill(has));
            paying.map(|paying| (paying.balance, paying.method.is_some()))
        };
        for (written, has, want) in [
            ("", None, Ok((0, true))),
            ("0", None, Ok((0, true))),
            ("30", Some(5_000), Ok((3_000, true))),
            ("30.5", Some(5_000), Ok((3_050, true))),
            (" 50.00 ", Some(5_000), Ok((5_000, true))),
            ("100.00", Some(20_000), Ok((10_000, false))),
            ("9,6", Some(20_000), Err(vec![Fault::Balance])),
            ("0,50", Some(5_000), Err(vec![Fault::Balance])),
            ("1,00.00", Some(20_000), Err(vec![Fault::Balance])),
            ("1.000,00", Some(20_000), Err(vec![Fault::Balance])),
            ("50.01", Some(5_000), Err(vec![Fault::Balance])),
            ("100.01", Some(20_000), Err(vec![Fault::Balance])),
            ("-1", Some(5_000), Err(vec![Fault::Balance])),
            ("0.001", Some(5_000), Err(vec![Fault::Balance])),
            ("all", Some(5_000), Err(vec![Fault::Balance])),
            ("1", None, Err(vec![Fault::Balance])),
        ] {
            assert_eq!(read(written, has), want, "{written}");
        }
    }
}
