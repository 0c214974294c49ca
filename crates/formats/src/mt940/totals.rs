//! Counts and sums that a message declares of its entries: `:90C:`, `:90D:`, and ING's last `:86:`.

use super::amount;
use crate::event::Check;
use crate::record::Place;
use rust_decimal::Decimal;

/// How many entries of one side there are, and their sum.
pub(super) type Side = (u64, Decimal);

/// Reads `13EUR1234,50` of `:90C:` and `:90D:`.
pub(super) fn of_side(text: &str) -> Option<Side> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    Some((text[..digits].parse().ok()?, amount(text.get(digits + 3..)?).ok()?))
}

/// What the information behind the closing balance is.
pub(super) enum Behind {
    /// Debits and credits.
    Totals(Side, Side),
    /// It begins as totals, and cannot be read as such.
    Unreadable,
    /// Something else.
    Text,
}

/// Reads `/SUM/4/2/134,46/36,58/` or, older, `D000004C000002D25,24C28,71`: number of debits, number of
/// credits, sum of debits, sum of credits (ING, format description of MT940).
pub(super) fn behind_closing(text: &str) -> Behind {
    let parts: Vec<&str> = if let Some(sums) = text.strip_prefix("/SUM/") {
        sums.trim_end().trim_end_matches('/').split('/').collect()
    } else if let Some(parts) = lettered(text.trim_end()) {
        parts.to_vec()
    } else {
        return Behind::Text;
    };
    let [debits, credits, debited, credited] = parts[..] else { return Behind::Unreadable };
    match (debits.parse(), credits.parse(), amount(debited), amount(credited)) {
        (Ok(debits), Ok(credits), Ok(debited), Ok(credited)) => {
            Behind::Totals((debits, debited), (credits, credited))
        }
        _ => Behind::Unreadable,
    }
}

/// Splits `D…C…D…C…` where only digits and decimal commas stand between.
fn lettered(text: &str) -> Option<[&str; 4]> {
    let (debits, rest) = text.strip_prefix('D')?.split_once('C')?;
    let (credits, rest) = rest.split_once('D')?;
    let (debited, credited) = rest.split_once('C')?;
    let parts = [debits, credits, debited, credited];
    let numeric = |part: &&str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit() || matches!(b, b',' | b'.'))
    };
    parts.iter().all(numeric).then_some(parts)
}

/// Compares what is declared of one side with its entries.
pub(super) fn checks(what: &str, declared: Side, own: Side, place: Place) -> [Check; 2] {
    [
        Check::count(&format!("number of {what}"), declared.0, own.0, place),
        Check::amount(&format!("sum of {what}"), declared.1, own.1, place),
    ]
}
