//! What is around the entries of a statement: account, times, what it declares of itself.

use super::balances::{Balance, Balances, Before};
use super::summary::{Entries, Summary};
use crate::event::{Check, Fault, ReadError, Statement, Stop};
use crate::output::Output;
use crate::record::{Place, Record};
use crate::value;
use crate::xml::{Element, Name, way};
use jiff::civil::Date;
use rust_decimal::Decimal;
use suanpan_money::Currency;

/// The most that a statement keeps of what its head says, in bytes.
const DETAILS_BYTES_MAX: usize = 1 << 20;
/// The most details of one statement.
const DETAILS_MAX: usize = 10_000;

/// A statement while it is read.
#[derive(Debug, Default)]
pub(super) struct Context {
    pub(super) page: u32,
    statement: Statement,
    details_bytes: usize,
    announced: bool,
    balances: Balances,
    entries: Entries,
    summary: Option<Summary>,
    /// Electronic or legal sequence number.
    number: Option<u64>,
    /// Page of its pagination.
    page_number: Option<u64>,
    /// Currency of the entry before.
    last: Option<Currency>,
}

/// Why an element cannot be taken: it alone, or all that follows too.
pub(super) enum Refused {
    Fault(Fault),
    Failed(ReadError),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Refused {
        Refused::Fault(fault)
    }
}

impl From<ReadError> for Refused {
    fn from(error: ReadError) -> Refused {
        Refused::Failed(error)
    }
}

impl Context {
    pub(super) fn new(page: u32, message: &str, place: Place) -> Context {
        let mut context = Context { page, ..Context::default() };
        context.statement.place = place.on_page(page);
        if !message.is_empty() {
            context.statement.details.push(("MsgId".to_owned(), message.to_owned()));
        }
        context
    }

    /// Returns the account of the statement.
    pub(super) fn account(&self) -> &str {
        &self.statement.account
    }

    /// Takes an element that is no entry.
    pub(super) fn take(&mut self, element: Element<'_>) -> Result<(), Refused> {
        match element.name() {
            "Id" => self.statement.id = element.text().to_owned(),
            "Acct" => self.take_account(element)?,
            "FrToDt" => {
                self.statement.from = self.take_day(element, [way!("FrDtTm"), way!("FrDt")])?;
                self.statement.to = self.take_day(element, [way!("ToDtTm"), way!("ToDt")])?;
            }
            "Bal" => self.take_balance(element)?,
            "TxsSummry" => self.summary = Some(Summary::read(element, self.page)?),
            "ElctrncSeqNb" | "LglSeqNb" => {
                // The electronic number counts what is sent, so it is the one that has no gaps.
                if element.name() == "ElctrncSeqNb" || self.number.is_none() {
                    self.number = element.text().parse().ok();
                }
                self.detail(element, element.name(), element.text())?;
            }
            "CreDtTm" | "CpyDplctInd" | "RptgSrc" | "AddtlStmtInf" | "AddtlRptInf" | "AddtlNtfctnInf" => {
                self.detail(element, element.name(), element.text())?;
            }
            "StmtPgntn" | "RptPgntn" | "NtfctnPgntn" => {
                self.page_number = element.text_of(way!("PgNb")).parse().ok();
                for child in element.children() {
                    self.detail(element, child.name(), child.text())?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Keeps a detail of the head.
    fn detail(&mut self, element: Element<'_>, name: &str, text: &str) -> Result<(), ReadError> {
        let place = || element.place().on_page(self.page);
        self.details_bytes += name.len() + text.len();
        if self.statement.details.len() >= DETAILS_MAX {
            let what = "the details of one statement";
            return Err(ReadError::Limit { place: place(), what, max: DETAILS_MAX as u64 });
        }
        if self.details_bytes > DETAILS_BYTES_MAX {
            let what = "the size of the details of one statement, in bytes";
            return Err(ReadError::Limit { place: place(), what, max: DETAILS_BYTES_MAX as u64 });
        }
        self.statement.details.push((name.to_owned(), text.to_owned()));
        Ok(())
    }

    fn take_day(&self, element: Element<'_>, paths: [&[Name]; 2]) -> Result<Option<Date>, Fault> {
        match element.first_text(&paths) {
            "" => Ok(None),
            text => day(text).map(Some).ok_or_else(|| {
                Fault::new(element.place().on_page(self.page), "FrToDt", "is not a date", text)
            }),
        }
    }

    fn take_account(&mut self, account: Element<'_>) -> Result<(), ReadError> {
        self.statement.account = account
            .first_text(&[way!("Id" / "IBAN"), way!("Id" / "Othr" / "Id"), way!("Id" / "PrtryAcct" / "Id")])
            .to_owned();
        self.statement.holder = account.first_text(&[way!("Ownr" / "Nm"), way!("Nm")]).to_owned();
        self.statement.currency = Currency::parse(account.text_of(way!("Ccy")));
        let servicer = account.first_text(&[
            way!("Svcr" / "FinInstnId" / "BICFI"),
            way!("Svcr" / "FinInstnId" / "BIC"),
            way!("Svcr" / "FinInstnId" / "Nm"),
        ]);
        if servicer.is_empty() { Ok(()) } else { self.detail(account, "Svcr", servicer) }
    }

    fn take_balance(&mut self, element: Element<'_>) -> Result<(), Refused> {
        let balance = Balance::read(element, self.page)?;
        if balance.opens() && self.statement.opening.is_none() {
            self.statement.opening = Some(balance.amount);
            self.statement.currency = self.statement.currency.or(Some(balance.currency));
        }
        if !balance.opens() && balance.code != "CLBD" {
            let text = format!("{} {}", balance.amount, balance.currency);
            self.detail(element, &format!("Bal {}", balance.code), &text)?;
        }
        Ok(self.balances.keep(balance)?)
    }

    /// Gives the statement once, before its first entry.
    pub(super) fn announce(&mut self, output: &mut Output<'_>) -> Result<(), Stop> {
        if std::mem::replace(&mut self.announced, true) {
            return Ok(());
        }
        output.statement(self.statement.clone())
    }

    /// Returns the currency that amounts are likely to be in.
    pub(super) fn likely(&self) -> Option<Currency> {
        self.last.or(self.statement.currency)
    }

    /// Counts an entry, whatever it is made of.
    pub(super) fn count(&mut self, entry: &Record) -> Result<(), ReadError> {
        self.last = Some(entry.currency);
        self.entries.count(entry)?;
        self.balances.count(entry)
    }

    /// Compares what the statement declares with its entries, and its opening with the statement before.
    pub(super) fn checks(&self, before: Option<&Before>) -> Result<Vec<Check>, ReadError> {
        let chain =
            before.map(|before| before.checks(self.account(), self.number, self.page_number, &self.balances));
        let mut checks = chain.unwrap_or_default();
        checks.extend(self.balances.checks()?);
        if let Some(summary) = &self.summary {
            checks.extend(summary.checks(&self.entries)?);
        }
        Ok(checks)
    }

    /// Notes how the statement ended, for the next one.
    pub(super) fn ended(&self) -> Before {
        Before::of(self.account(), self.number, self.page_number, &self.balances)
    }
}

/// Reads an amount and its currency, which is likely to be a certain one.
pub(super) fn money(
    element: Element<'_>,
    page: u32,
    likely: Option<Currency>,
) -> Result<(Decimal, Currency), Fault> {
    let fault = |field: &str, message: &str, found: &str| {
        Err(Fault::new(element.place().on_page(page), field, message, found))
    };
    let code = element.attribute("Ccy").unwrap_or_default();
    match (amount(element.text()), currency(code, likely)) {
        (Ok(amount), Some(currency)) => Ok((amount, currency)),
        (Err(message), _) => fault("Amt", message, element.text()),
        (_, None) => fault("Amt/@Ccy", "is not a currency of ISO 4217", code),
    }
}

/// Finds a currency, and the likely one without a search.
pub(super) fn currency(code: &str, likely: Option<Currency>) -> Option<Currency> {
    likely.filter(|likely| likely.code() == code).or_else(|| Currency::parse(code))
}

/// Reads an amount; nearly all are some digits with a point, which takes no detour.
pub(super) fn amount(text: &str) -> Result<Decimal, &'static str> {
    let (mut units, mut decimals, mut point) = (0_i64, 0, false);
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => {
                units = units * 10 + i64::from(byte - b'0');
                decimals += u32::from(point);
            }
            b'.' if !point => point = true,
            _ => return value::amount(text),
        }
        // Here, so that the next digit cannot be one too many.
        if units >= i64::MAX / 100 {
            return value::amount(text);
        }
    }
    if text.len() > 20 || text.len() == usize::from(point) {
        value::amount(text)
    } else {
        Ok(Decimal::new(units, decimals))
    }
}

/// Returns the day of a date or of a date and time, which begin as `2026-11-25`.
pub(super) fn day(text: &str) -> Option<Date> {
    let bytes = text.as_bytes().first_chunk::<10>()?;
    let number = |range: std::ops::Range<usize>| {
        bytes[range].iter().try_fold(0_i16, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + i16::from(byte - b'0'))
        })
    };
    if bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let small = |range| i8::try_from(number(range)?).ok();
    Date::new(number(0..4)?, small(5..7)?, small(8..10)?).ok()
}

/// Says whether an indicator is that of a debit.
pub(super) fn indicator(text: &str, place: Place, field: &str) -> Result<bool, Fault> {
    match text {
        "CRDT" => Ok(false),
        "DBIT" => Ok(true),
        other => Err(Fault::new(place, field, "is neither CRDT nor DBIT", other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The way without a detour gives what the long way gives, to the last decimal.
        #[test]
        fn amounts_are_those_of_the_long_way(text in "[0-9]{0,20}\\.?[0-9]{0,20}|[-+0-9.,]{0,6}") {
            let (short, long) = (amount(&text), value::amount(&text));
            prop_assert_eq!(short.map(|amount| amount.to_string()), long.map(|amount| amount.to_string()));
        }

        #[test]
        fn days_are_those_of_the_long_way(text in "[0-9]{4}-[0-1][0-9]-[0-3][0-9](T.*)?|[-0-9]{10}") {
            let long = text.get(..10).and_then(|day| value::date(day).ok());
            let plain = text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
            prop_assert_eq!(day(&text), long.filter(|_| plain));
        }
    }
}
