//! The summary of entries that a statement declares (`TxsSummry`).

use super::statement::indicator;
use crate::checks::{Sums, add};
use crate::event::{Check, Fault, ReadError};
use crate::record::{Direction, Place, Record};
use crate::value;
use crate::xml::{Element, Name, way};
use rust_decimal::Decimal;

/// Entries that were read, whether booked or not.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Entries {
    credits: Sums,
    debits: Sums,
}

impl Entries {
    /// Adds an entry, whatever it is made of.
    pub(super) fn count(&mut self, entry: &Record) -> Result<(), ReadError> {
        let side = if entry.direction == Direction::Out { &mut self.debits } else { &mut self.credits };
        side.add(entry.amount.abs(), entry.place)
    }
}

/// What is declared of the entries.
#[derive(Debug, Clone, Default)]
pub(super) struct Summary {
    place: Place,
    count: Option<u64>,
    net: Option<Decimal>,
    credits: (Option<u64>, Option<Decimal>),
    debits: (Option<u64>, Option<Decimal>),
}

impl Summary {
    /// Reads a `TxsSummry`.
    pub(super) fn read(summary: Element<'_>, page: u32) -> Result<Summary, Fault> {
        let place = summary.place().on_page(page);
        let count = |path: &[Name]| count(summary.text_of(path), place, &joined(path));
        let amount = |path: &[Name]| -> Result<Option<Decimal>, Fault> {
            match summary.text_of(path) {
                "" => Ok(None),
                text => value::amount(text)
                    .map(Some)
                    .map_err(|message| Fault::new(place, &joined(path), message, text)),
            }
        };
        let net = amount(way!("TtlNtries" / "TtlNetNtryAmt"))?
            .or(amount(way!("TtlNtries" / "TtlNetNtry" / "Amt"))?);
        let side = summary
            .first_text(&[way!("TtlNtries" / "TtlNetNtry" / "CdtDbtInd"), way!("TtlNtries" / "CdtDbtInd")]);
        let debit = match (net, side) {
            // Where there is no side, a net of debits may have a minus.
            (None, _) | (_, "") => false,
            (Some(_), text) => indicator(text, place, "TtlNtries/TtlNetNtry/CdtDbtInd")?,
        };
        Ok(Summary {
            place,
            count: count(way!("TtlNtries" / "NbOfNtries"))?,
            net: net.map(|net| if debit { crate::checks::negated(net) } else { net }),
            credits: (count(way!("TtlCdtNtries" / "NbOfNtries"))?, amount(way!("TtlCdtNtries" / "Sum"))?),
            debits: (count(way!("TtlDbtNtries" / "NbOfNtries"))?, amount(way!("TtlDbtNtries" / "Sum"))?),
        })
    }

    /// Compares it with the entries.
    pub(super) fn checks(&self, entries: &Entries) -> Result<Vec<Check>, ReadError> {
        let mut checks = Vec::new();
        let place = self.place;
        let (credits, debits) = (entries.credits, entries.debits);
        let mut count = |what: &str, declared: Option<u64>, computed: u64| {
            checks.extend(declared.map(|declared| Check::count(what, declared, computed, place)));
        };
        count("number of entries", self.count, credits.count + debits.count);
        count("number of credits", self.credits.0, credits.count);
        count("number of debits", self.debits.0, debits.count);
        let mut amount = |what: &str, declared: Option<Decimal>, computed: Decimal| {
            checks.extend(declared.map(|declared| Check::amount(what, declared, computed, place)));
        };
        amount("sum of credits", self.credits.1, credits.amount);
        amount("sum of debits", self.debits.1, debits.amount);
        amount("net of entries", self.net, add(credits.amount, -debits.amount, place)?);
        Ok(checks)
    }
}

fn joined(path: &[Name]) -> String {
    path.iter().map(|name| name.text()).collect::<Vec<_>>().join("/")
}

/// Reads a count; an empty text is none.
pub(super) fn count(text: &str, place: Place, field: &str) -> Result<Option<u64>, Fault> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    match text {
        "" => Ok(None),
        text => text
            .parse()
            .ok()
            .filter(|_| digits)
            .map(Some)
            .ok_or_else(|| Fault::new(place, field, "is not a count", text)),
    }
}
