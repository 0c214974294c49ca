//! The balances of a statement: held against its booked entries, and against the statement before.

use super::statement::{indicator, money};
use crate::checks::{Sums, add};
use crate::event::{Check, Fault, ReadError};
use crate::record::{Place, Record, Status};
use crate::xml::{Element, way};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use suanpan_money::Currency;

/// The most balances of one statement: a dozen types for each of some currencies, with their availability.
const BALANCES_MAX: usize = 10_000;

/// A balance of a statement, signed from the account holder's view.
#[derive(Debug, Clone)]
pub(super) struct Balance {
    pub(super) code: String,
    pub(super) amount: Decimal,
    pub(super) currency: Currency,
    /// It is that of a page, not of the whole statement (`SubTp/Cd` is INTM).
    intermediate: bool,
    place: Place,
}

impl Balance {
    /// Reads a `Bal`.
    pub(super) fn read(element: Element<'_>, page: u32) -> Result<Balance, Fault> {
        let code = element.first_text(&[
            way!("Tp" / "CdOrPrtry" / "Cd"),
            way!("Tp" / "CdOrPrtry" / "Prtry"),
            way!("Tp" / "Cd"),
        ]);
        let place = element.place().on_page(page);
        let Some(amount) = element.find(way!("Amt")) else {
            return Err(Fault::new(place, "Bal/Amt", "is not there", code));
        };
        let (value, currency) = money(amount, page, None)?;
        // A balance of nothing is the same on either side, and some banks leave the side out.
        let debit = match element.text_of(way!("CdtDbtInd")) {
            "" if value.is_zero() => false,
            text => indicator(text, place, "Bal/CdtDbtInd")?,
        };
        Ok(Balance {
            code: code.to_owned(),
            amount: if debit { crate::checks::negated(value) } else { value },
            currency,
            intermediate: element.first_text(&[way!("Tp" / "SubTp" / "Cd"), way!("Tp" / "SubTp" / "Prtry")])
                == "INTM",
            place: amount.place().on_page(page),
        })
    }

    /// Says whether it is the booked balance from which entries count: that of the opening, or the closing
    /// one of the day before.
    pub(super) fn opens(&self) -> bool {
        matches!(self.code.as_str(), "OPBD" | "PRCD")
    }
}

/// The balances of one statement and the sums of its booked entries.
#[derive(Debug, Default)]
pub(super) struct Balances {
    all: Vec<Balance>,
    booked: BTreeMap<Currency, Sums>,
}

impl Balances {
    /// Keeps a balance.
    pub(super) fn keep(&mut self, balance: Balance) -> Result<(), ReadError> {
        if self.all.len() >= BALANCES_MAX {
            let what = "the number of balances of one statement";
            return Err(ReadError::Limit { place: balance.place, what, max: BALANCES_MAX as u64 });
        }
        self.all.push(balance);
        Ok(())
    }

    /// Adds an entry where it is booked.
    pub(super) fn count(&mut self, entry: &Record) -> Result<(), ReadError> {
        if entry.status == Status::Booked {
            self.booked.entry(entry.currency).or_default().add(entry.amount, entry.place)?;
        }
        Ok(())
    }

    /// Finds the balance of a page where it has one of its own, else that of the statement.
    fn find(&self, currency: Currency, codes: &[&str], last: bool) -> Option<&Balance> {
        let fitting = |code: &str, intermediate: bool| {
            let mut all = self.all.iter().filter(move |balance| {
                balance.code == code && balance.currency == currency && balance.intermediate == intermediate
            });
            if last { all.next_back() } else { all.next() }
        };
        codes.iter().find_map(|code| fitting(code, true).or_else(|| fitting(code, false)))
    }

    fn opening(&self, currency: Currency) -> Option<&Balance> {
        self.find(currency, &["OPBD", "PRCD"], false)
    }

    /// An interim balance closes a report.
    fn closing(&self, currency: Currency) -> Option<&Balance> {
        self.find(currency, &["CLBD"], true).or_else(|| self.find(currency, &["ITBD"], false))
    }

    /// Returns the currencies of the balances, in the order of the file.
    fn currencies(&self) -> Vec<Currency> {
        let mut found: Vec<Currency> = Vec::new();
        for balance in &self.all {
            if !found.contains(&balance.currency) {
                found.push(balance.currency);
            }
        }
        found
    }

    /// Compares opening and booked entries with the closing balance, in each currency.
    pub(super) fn checks(&self) -> Result<Vec<Check>, ReadError> {
        let currencies = self.currencies();
        let openings = currencies.iter().filter_map(|currency| self.opening(*currency));
        let closings = currencies.iter().filter_map(|currency| self.closing(*currency));
        let (openings, closings): (Vec<_>, Vec<_>) = (openings.collect(), closings.collect());
        let (Some(first_opening), Some(first_closing)) = (openings.first(), closings.first()) else {
            return Ok(Vec::new());
        };
        let one = currencies.len() == 1;
        let mut checks = Vec::new();
        for closing in &closings {
            let Some(opening) = openings.iter().find(|opening| opening.currency == closing.currency) else {
                continue;
            };
            let booked = self.booked.get(&closing.currency).copied().unwrap_or_default();
            let computed = add(opening.amount, booked.amount, closing.place)?;
            let what = if one {
                "closing balance".to_owned()
            } else {
                format!("closing balance in {}", closing.currency)
            };
            checks.push(Check::amount(&what, closing.amount, computed, closing.place));
        }
        if checks.is_empty() {
            let declared = format!("{} {}", first_closing.amount, first_closing.currency);
            let booked = self.booked.get(&first_opening.currency).copied().unwrap_or_default();
            let computed = add(first_opening.amount, booked.amount, first_closing.place)?;
            let computed = format!("{computed} {}", first_opening.currency);
            checks.push(Check::text("closing balance", &declared, &computed, first_closing.place));
        }
        for (currency, booked) in self.booked.iter().filter(|(currency, _)| !currencies.contains(currency)) {
            let what = format!("booked entries in {currency}, which has no balance");
            checks.push(Check::count(&what, 0, booked.count, first_closing.place));
        }
        Ok(checks)
    }
}

/// How a statement ended, for the next one of the same account.
#[derive(Debug, Default)]
pub(super) struct Before {
    account: String,
    number: Option<u64>,
    page: Option<u64>,
    closings: Vec<Balance>,
}

impl Before {
    /// Notes how a statement ends.
    pub(super) fn of(account: &str, number: Option<u64>, page: Option<u64>, balances: &Balances) -> Before {
        let closings = balances.currencies().into_iter().filter_map(|currency| balances.closing(currency));
        Before { account: account.to_owned(), number, page, closings: closings.cloned().collect() }
    }

    /// Compares the opening balances of a statement with what this one closed with, where it is the next
    /// page or the next number of the same account.
    pub(super) fn checks(
        &self,
        account: &str,
        number: Option<u64>,
        page: Option<u64>,
        next: &Balances,
    ) -> Vec<Check> {
        if account.is_empty() || account != self.account {
            return Vec::new();
        }
        let follows = |a: Option<u64>, b: Option<u64>| {
            a.zip(b).is_some_and(|(before, own)| before.checked_add(1) == Some(own))
        };
        let next_page = self.number == number && follows(self.page, page);
        let next_number = follows(self.number, number);
        let mut checks = Vec::new();
        for closing in self.closings.iter().filter(|closing| closing.code == "CLBD") {
            let Some(opening) = next.opening(closing.currency) else { continue };
            let linked = match (closing.intermediate, opening.intermediate) {
                (true, true) => next_page || page.is_none(),
                (true, false) => next_page,
                (false, true) => false,
                (false, false) => next_number,
            };
            if linked {
                let what = if self.closings.len() == 1 {
                    "opening balance".to_owned()
                } else {
                    format!("opening balance in {}", opening.currency)
                };
                checks.push(Check::amount(&what, opening.amount, closing.amount, opening.place));
            }
        }
        checks
    }
}
