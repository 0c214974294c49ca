//! What is around the entries of a statement: account, balances, totals.

use crate::checks::add;
use crate::event::{Check, Fault, ReadError, Statement, Stop};
use crate::output::Output;
use crate::record::{Direction, Place, Record, Status};
use crate::value;
use crate::xml::Element;
use jiff::civil::Date;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use suanpan_money::Currency;

/// A balance of a statement, signed from the account holder's view.
#[derive(Debug, Clone)]
struct Balance {
    code: String,
    amount: Decimal,
    currency: Currency,
    place: Place,
}

/// A statement while it is read.
#[derive(Debug, Default)]
pub(super) struct Context {
    pub(super) page: u32,
    statement: Statement,
    announced: bool,
    balances: Vec<Balance>,
    /// Sum of booked entries by currency.
    booked: BTreeMap<Currency, Decimal>,
    entries: Entries,
    declared: Option<Declared>,
}

/// Entries that were read, whether booked or not.
#[derive(Debug, Default, Clone, Copy)]
struct Entries {
    count: u64,
    credits: (u64, Decimal),
    debits: (u64, Decimal),
}

/// The summary of entries that a statement declares (`TxsSummry`).
#[derive(Debug, Clone, Default)]
struct Declared {
    place: Place,
    count: Option<u64>,
    net: Option<Decimal>,
    credits: (Option<u64>, Option<Decimal>),
    debits: (Option<u64>, Option<Decimal>),
}

impl Context {
    pub(super) fn new(page: u32, message: String) -> Context {
        let mut context = Context { page, ..Context::default() };
        if !message.is_empty() {
            context.statement.details.push(("MsgId".to_owned(), message));
        }
        context
    }

    pub(super) fn begins_at(&mut self, place: Place) {
        self.statement.place = place.on_page(self.page);
    }

    /// Returns the account of the statement.
    pub(super) fn account(&self) -> &str {
        &self.statement.account
    }

    /// Takes an element that is no entry.
    pub(super) fn take(&mut self, element: Element<'_>) -> Result<(), Fault> {
        match element.name() {
            "Id" => self.statement.id = element.text().to_owned(),
            "Acct" => self.take_account(element),
            "FrToDt" => {
                let day = |paths: [&[&str]; 2]| day(element.first_text(&paths));
                self.statement.from = day([&["FrDtTm"], &["FrDt"]]);
                self.statement.to = day([&["ToDtTm"], &["ToDt"]]);
            }
            "Bal" => self.take_balance(element)?,
            "TxsSummry" => self.declared = Some(declared(element, self.page)?),
            "ElctrncSeqNb" | "LglSeqNb" | "CreDtTm" | "CpyDplctInd" | "RptgSrc" | "AddtlStmtInf"
            | "AddtlRptInf" | "AddtlNtfctnInf" => {
                self.statement.details.push((element.name().to_owned(), element.text().to_owned()));
            }
            "StmtPgntn" | "RptPgntn" | "NtfctnPgntn" => {
                for child in element.children() {
                    self.statement.details.push((child.name().to_owned(), child.text().to_owned()));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn take_account(&mut self, account: Element<'_>) {
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
        if !servicer.is_empty() {
            self.statement.details.push(("Svcr".to_owned(), servicer.to_owned()));
        }
    }

    fn take_balance(&mut self, balance: Element<'_>) -> Result<(), Fault> {
        let code =
            balance.first_text(&[&["Tp", "CdOrPrtry", "Cd"], &["Tp", "CdOrPrtry", "Prtry"], &["Tp", "Cd"]]);
        let Some(amount) = balance.find(&["Amt"]) else {
            return Err(Fault::new(balance.place().on_page(self.page), "Bal/Amt", "is not there", code));
        };
        let (value, currency) = money(amount, self.page)?;
        let amount_signed = if balance.text_of(&["CdtDbtInd"]) == "DBIT" { -value } else { value };
        if matches!(code, "OPBD" | "PRCD") && self.statement.opening.is_none() {
            self.statement.opening = Some(amount_signed);
            self.statement.currency = self.statement.currency.or(Some(currency));
        }
        let place = amount.place().on_page(self.page);
        self.balances.push(Balance { code: code.to_owned(), amount: amount_signed, currency, place });
        if !matches!(code, "OPBD" | "PRCD" | "CLBD") {
            let detail = (format!("Bal {code}"), format!("{amount_signed} {currency}"));
            self.statement.details.push(detail);
        }
        Ok(())
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
        self.entries.count += 1;
        let out = entry.direction == Direction::Out;
        let side = if out { &mut self.entries.debits } else { &mut self.entries.credits };
        side.0 += 1;
        side.1 = add(side.1, entry.amount.abs(), entry.place)?;
        if entry.status == Status::Booked {
            let sum = self.booked.entry(entry.currency).or_default();
            *sum = add(*sum, entry.amount, entry.place)?;
        }
        Ok(())
    }

    /// Compares what the statement declares with its entries.
    pub(super) fn checks(&self) -> Result<Vec<Check>, ReadError> {
        let mut checks = Vec::new();
        let of = |codes: &[&str]| {
            codes.iter().find_map(|code| self.balances.iter().find(|balance| balance.code == *code))
        };
        // "Opening booked", or the closing balance of the day before; an interim balance closes a report.
        let closing =
            self.balances.iter().rev().find(|balance| balance.code == "CLBD").or_else(|| of(&["ITBD"]));
        if let (Some(opening), Some(closing)) = (of(&["OPBD", "PRCD"]), closing) {
            let booked = self.booked.get(&opening.currency).copied().unwrap_or_default();
            let computed = add(opening.amount, booked, closing.place)?;
            checks.push(if opening.currency == closing.currency {
                Check::amount("closing balance", closing.amount, computed, closing.place)
            } else {
                let declared = format!("{} {}", closing.amount, closing.currency);
                let computed = format!("{computed} {}", opening.currency);
                Check::text("closing balance", &declared, &computed, closing.place)
            });
        }
        if let Some(declared) = &self.declared {
            let place = declared.place;
            let entries = &self.entries;
            let mut count = |what: &str, declared: Option<u64>, computed: u64| {
                checks.extend(declared.map(|declared| Check::count(what, declared, computed, place)));
            };
            count("number of entries", declared.count, entries.count);
            count("number of credits", declared.credits.0, entries.credits.0);
            count("number of debits", declared.debits.0, entries.debits.0);
            let mut amount = |what: &str, declared: Option<Decimal>, computed: Decimal| {
                checks.extend(declared.map(|declared| Check::amount(what, declared, computed, place)));
            };
            amount("sum of credits", declared.credits.1, entries.credits.1);
            amount("sum of debits", declared.debits.1, entries.debits.1);
            let net = add(entries.credits.1, -entries.debits.1, place)?;
            amount("net of entries", declared.net, net);
        }
        Ok(checks)
    }
}

fn declared(summary: Element<'_>, page: u32) -> Result<Declared, Fault> {
    let place = summary.place().on_page(page);
    let count = |path: &[&str]| summary.text_of(path).parse().ok();
    let amount = |path: &[&str]| -> Result<Option<Decimal>, Fault> {
        match summary.text_of(path) {
            "" => Ok(None),
            text => value::amount(text)
                .map(Some)
                .map_err(|message| Fault::new(place, &path.join("/"), message, text)),
        }
    };
    let net = amount(&["TtlNtries", "TtlNetNtryAmt"])?.or(amount(&["TtlNtries", "TtlNetNtry", "Amt"])?);
    let debit = summary.first_text(&[&["TtlNtries", "TtlNetNtry", "CdtDbtInd"], &["TtlNtries", "CdtDbtInd"]])
        == "DBIT";
    Ok(Declared {
        place,
        count: count(&["TtlNtries", "NbOfNtries"]),
        net: net.map(|net| if debit { -net } else { net }),
        credits: (count(&["TtlCdtNtries", "NbOfNtries"]), amount(&["TtlCdtNtries", "Sum"])?),
        debits: (count(&["TtlDbtNtries", "NbOfNtries"]), amount(&["TtlDbtNtries", "Sum"])?),
    })
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
