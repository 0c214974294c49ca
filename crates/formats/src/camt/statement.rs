//! What is around the entries of a statement: account, times, what it declares of itself.

use super::balances::{Balance, Balances, Before};
use super::summary::{Entries, Summary};
use crate::event::{Check, Fault, ReadError, Statement, Stop};
use crate::output::Output;
use crate::record::{Place, Record};
use crate::value;
use crate::xml::Element;
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
                self.statement.from = self.take_day(element, [&["FrDtTm"], &["FrDt"]])?;
                self.statement.to = self.take_day(element, [&["ToDtTm"], &["ToDt"]])?;
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
                self.page_number = element.text_of(&["PgNb"]).parse().ok();
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

    fn take_day(&self, element: Element<'_>, paths: [&[&str]; 2]) -> Result<Option<Date>, Fault> {
        match element.first_text(&paths) {
            "" => Ok(None),
            text => day(text).map(Some).ok_or_else(|| {
                Fault::new(element.place().on_page(self.page), "FrToDt", "is not a date", text)
            }),
        }
    }

    fn take_account(&mut self, account: Element<'_>) -> Result<(), ReadError> {
        self.statement.account = account
            .first_text(&[&["Id", "IBAN"], &["Id", "Othr", "Id"], &["Id", "PrtryAcct", "Id"]])
            .to_owned();
        self.statement.holder = account.first_text(&[&["Ownr", "Nm"], &["Nm"]]).to_owned();
        self.statement.currency = Currency::parse(account.text_of(&["Ccy"]));
        let servicer = account.first_text(&[
            &["Svcr", "FinInstnId", "BICFI"],
            &["Svcr", "FinInstnId", "BIC"],
            &["Svcr", "FinInstnId", "Nm"],
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

    /// Counts an entry, whatever it is made of.
    pub(super) fn count(&mut self, entry: &Record) -> Result<(), ReadError> {
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

/// Reads an amount and its currency.
pub(super) fn money(element: Element<'_>, page: u32) -> Result<(Decimal, Currency), Fault> {
    let place = element.place().on_page(page);
    let amount =
        value::amount(element.text()).map_err(|message| Fault::new(place, "Amt", message, element.text()))?;
    let code = element.attribute("Ccy").unwrap_or_default();
    let currency = Currency::parse(code)
        .ok_or_else(|| Fault::new(place, "Amt/@Ccy", "is not a currency of ISO 4217", code))?;
    Ok((amount, currency))
}

/// Returns the day of a date or of a date and time.
pub(super) fn day(text: &str) -> Option<Date> {
    value::date(text.get(..10)?).ok()
}

/// Says whether an indicator is that of a debit.
pub(super) fn indicator(text: &str, place: Place, field: &str) -> Result<bool, Fault> {
    match text {
        "CRDT" => Ok(false),
        "DBIT" => Ok(true),
        other => Err(Fault::new(place, field, "is neither CRDT nor DBIT", other)),
    }
}
