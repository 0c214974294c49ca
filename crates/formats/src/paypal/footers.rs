//! Footers: what a section or a report says of its rows in one currency, and what the rows give.

use crate::checks::{add, negated};
use crate::delimited::Row;
use crate::event::{Check, Fault, ReadError};
use crate::record::Place;
use crate::value;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use suanpan_money::Currency;

/// Sums of the rows of one currency.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flow {
    rows: u64,
    gross_in: Decimal,
    gross_out: Decimal,
    fee_in: Decimal,
    fee_out: Decimal,
}

impl Flow {
    fn net(&self, place: Place) -> Result<Decimal, ReadError> {
        let gross = add(self.gross_in, -self.gross_out, place)?;
        let fee = add(self.fee_in, -self.fee_out, place)?;
        add(gross, fee, place)
    }
}

/// Sums of rows by currency, and how many rows there were, readable or not.
#[derive(Debug, Clone, Default)]
pub(super) struct Flows {
    pub(super) rows: u64,
    by_currency: BTreeMap<Currency, Flow>,
}

impl Flows {
    /// Adds the gross amount of a row, signed.
    ///
    /// # Errors
    /// When the sum cannot be held.
    pub(super) fn gross(
        &mut self,
        currency: Currency,
        amount: Decimal,
        place: Place,
    ) -> Result<(), ReadError> {
        let flow = self.by_currency.entry(currency).or_default();
        flow.rows += 1;
        let side = if amount.is_sign_negative() { &mut flow.gross_out } else { &mut flow.gross_in };
        *side = add(*side, amount.abs(), place)?;
        Ok(())
    }

    /// Adds the fee of a row, signed from the holder's view: a fee that was kept is negative.
    ///
    /// # Errors
    /// When the sum cannot be held.
    pub(super) fn fee(&mut self, currency: Currency, amount: Decimal, place: Place) -> Result<(), ReadError> {
        let flow = self.by_currency.entry(currency).or_default();
        let side = if amount.is_sign_negative() { &mut flow.fee_out } else { &mut flow.fee_in };
        *side = add(*side, amount.abs(), place)?;
        Ok(())
    }

    /// Compares a footer, `SF` or `RF`, with the rows: four totals, then balances with their directions
    /// (beginning and ending, first of what is available), then the number of rows where the version has
    /// it. Balances other than the available ones also move without rows, and are not compared.
    pub(super) fn compare(&self, row: &Row, of: &str) -> Result<Vec<Check>, Problem> {
        let currency = value::currency(row.cell(1)).map_err(|message| fault(row, 1, message))?;
        let flow = self.by_currency.get(&currency).copied().unwrap_or_default();
        let place = row.place;
        let mut checks = Vec::new();
        let totals = [
            ("gross credits", flow.gross_in),
            ("gross debits", flow.gross_out),
            ("fee credits", flow.fee_in),
            ("fee debits", flow.fee_out),
        ];
        for (at, (what, computed)) in totals.into_iter().enumerate() {
            let at = at + 2;
            if row.cell(at).is_empty() {
                continue;
            }
            let declared = value::implied(row.cell(at), 2).map_err(|message| fault(row, at, message))?;
            let what = format!("{what} of the {of} in {currency}");
            checks.push(Check::amount(&what, declared, computed, place.at_column(column(at))));
        }
        let mut balances = Vec::new();
        let mut at = 6;
        while let Some(direction) = direction(row.cell(at)) {
            let text = row.cell(at + 1);
            let amount = value::implied(text, 2).map_err(|message| fault(row, at + 1, message))?;
            balances.push((if direction == Side::Debit { negated(amount) } else { amount }, at + 1));
            at += 2;
        }
        if let [(opening, _), (closing, closing_at), ..] = balances[..] {
            let computed = add(opening, flow.net(place)?, place)?;
            let what = format!("ending available balance of the {of} in {currency}");
            checks.push(Check::amount(&what, closing, computed, place.at_column(column(closing_at))));
        }
        if !row.cell(at).is_empty() {
            let declared = count(row, at)?;
            let what = format!("rows of the {of} in {currency}");
            checks.push(Check::count(&what, declared, flow.rows, place.at_column(column(at))));
        }
        Ok(checks)
    }
}

/// Why a footer could not be compared.
pub(super) enum Problem {
    /// A cell of it cannot be read.
    Fault(Fault),
    /// The whole file cannot.
    Error(ReadError),
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Problem {
        Problem::Fault(fault)
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Problem {
        Problem::Error(error)
    }
}

/// Which way an amount went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// From the holder.
    Debit,
    /// To the holder.
    Credit,
}

/// Reads `DR` or `CR`.
pub(super) fn direction(text: &str) -> Option<Side> {
    match text.trim() {
        text if text.eq_ignore_ascii_case("DR") => Some(Side::Debit),
        text if text.eq_ignore_ascii_case("CR") => Some(Side::Credit),
        _ => None,
    }
}

/// Reads a count at a cell.
pub(super) fn count(row: &Row, at: usize) -> Result<u64, Fault> {
    row.cell(at).parse().map_err(|_| fault(row, at, "is not a count"))
}

fn fault(row: &Row, at: usize, message: &str) -> Fault {
    Fault::new(row.place.at_column(column(at)), row.cell(0), message, row.cell(at))
}

fn column(at: usize) -> u32 {
    u32::try_from(at + 1).unwrap_or(u32::MAX)
}
