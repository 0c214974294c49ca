//! What a batch within an entry declares of its payments (`NtryDtls/Btch`).

use super::entry::detail_amount;
use super::statement::{indicator, money};
use super::summary::count;
use crate::checks::{add, negated};
use crate::event::{Check, Fault, Stop};
use crate::output::Output;
use crate::record::{Direction, Record};
use crate::xml::{Element, name, way};
use rust_decimal::Decimal;

/// Compares the number and the sum that each batch declares with its payments, where those are there.
pub(super) fn check(entry: Element<'_>, whole: &Record, output: &mut Output<'_>) -> Result<(), Stop> {
    let batches =
        || entry.all(name!("NtryDtls")).filter_map(|details| Some((details, details.find(way!("Btch"))?)));
    // The payments of an only batch may stand beside it.
    let only = batches().nth(1).is_none();
    for (own, batch) in batches() {
        let holders: Vec<Element<'_>> = if only { entry.all(name!("NtryDtls")).collect() } else { vec![own] };
        let payments = || holders.iter().flat_map(|details| details.all(name!("TxDtls")));
        let declared = match Declared::read(batch, whole) {
            Ok(declared) => declared,
            Err(fault) => {
                output.fault(fault)?;
                continue;
            }
        };
        let found = payments().count() as u64;
        // One detail may stand for all of them.
        if found == 0 || (found == 1 && declared.count != Some(1)) {
            continue;
        }
        if let Some(declared) = declared.count {
            output.check(Check::count("payments of the batch", declared, found, whole.place))?;
        }
        let mut sum = Some(Decimal::ZERO);
        for payment in payments() {
            sum = match (sum, detail_amount(payment, whole)) {
                (Some(sum), Some(amount)) => Some(add(sum, amount, whole.place)?),
                _ => None,
            };
        }
        if let (Some(declared), Some(sum)) = (declared.sum, sum) {
            output.check(Check::amount("sum of the batch", declared, sum, whole.place))?;
        }
    }
    Ok(())
}

/// What one batch declares.
struct Declared {
    count: Option<u64>,
    /// Signed, where it is in the currency of the entry.
    sum: Option<Decimal>,
}

impl Declared {
    fn read(batch: Element<'_>, entry: &Record) -> Result<Declared, Fault> {
        let place = entry.place;
        let count = count(batch.text_of(way!("NbOfTxs")), place, "NtryDtls/Btch/NbOfTxs")?;
        let Some(total) = batch.find(way!("TtlAmt")) else { return Ok(Declared { count, sum: None }) };
        let (value, currency) = money(total, place.page, Some(entry.currency))
            .map_err(|fault| Fault { field: "NtryDtls/Btch/TtlAmt".to_owned(), ..fault })?;
        let out = match batch.text_of(way!("CdtDbtInd")) {
            "" => entry.direction == Direction::Out,
            text => indicator(text, place, "NtryDtls/Btch/CdtDbtInd")?,
        };
        let signed = if out { negated(value) } else { value };
        Ok(Declared { count, sum: (currency == entry.currency).then_some(signed) })
    }
}
