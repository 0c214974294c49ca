//! What a file says of itself outside of its rows, and what the rows give.

use super::cell::{amount_outside, moment};
use super::definition::{Definition, Numbers, OWN_SETS, STATEMENT_GROUPS};
use super::plan::{Cells, Plan, Slots};
use super::words::fits;
use crate::checks::{Sums, add, negated};
use crate::delimited::Row;
use crate::event::{Check, Fault, ReadError, Statement, Stop};
use crate::laws::Law;
use crate::output::Output;
use crate::record::{Direction, Place, Record, Status};
use crate::value;
use jiff::civil::Date;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};
use suanpan_money::Currency;

/// What lines outside of the rows say, by the names of groups, in their order.
#[derive(Debug, Default)]
pub(super) struct Declared {
    found: Vec<(String, String, Place)>,
}

/// The most things that a file may declare: layouts have some tens of groups, and a line may match once.
const DECLARED_MAX: usize = 10_000;

impl Declared {
    /// Looks at a line that is no row.
    pub(super) fn look_at(&mut self, definition: &Definition, row: &Row) {
        for pattern in &definition.lines.read {
            let Some(found) = pattern.captures(&row.raw) else { continue };
            for name in pattern.groups() {
                if let Some(text) = found.name(name).filter(|_| self.found.len() < DECLARED_MAX) {
                    self.found.push((name.to_owned(), text.as_str().trim().to_owned(), row.place));
                }
            }
        }
    }

    fn get(&self, name: &str) -> Option<(&str, Place)> {
        let found = self.found.iter().find(|(own, text, _)| own == name && !text.is_empty());
        found.map(|(_, text, place)| (text.as_str(), *place))
    }

    /// Makes the statement of what was said before the header. What cannot be read is a fault.
    pub(super) fn statement(
        &self,
        definition: &Definition,
        currency: Option<Currency>,
        place: Place,
        output: &mut Output<'_>,
    ) -> Result<Statement, Stop> {
        let mut statement = Statement { currency, place, ..Statement::default() };
        let text = |name: &str| self.get(name).map_or("", |(text, _)| text).to_owned();
        statement.id = text("id");
        statement.account = text("account");
        statement.holder = text("holder");
        let day = |text: &str| moment(text, &definition.dates).map(|time| time.date());
        statement.from = self.read("from", day, output)?;
        statement.to = self.read("to", day, output)?;
        statement.opening =
            self.read("opening", |text| amount_outside(text, &definition.numbers, currency), output)?;
        for (name, text, _) in &self.found {
            let of_set = name.ends_with("_count") || name.ends_with("_amount");
            if !of_set && !STATEMENT_GROUPS.contains(&name.as_str()) && !text.is_empty() {
                statement.details.push((name.clone(), text.clone()));
            }
        }
        Ok(statement)
    }

    /// Returns the currency that the file names for all its rows.
    pub(super) fn currency(&self, output: &mut Output<'_>) -> Result<Option<Currency>, Stop> {
        self.read("currency", value::currency, output)
    }

    /// Returns the first day of the month that the statement is of, for dates without a year.
    pub(super) fn month(&self, output: &mut Output<'_>) -> Result<Option<Date>, Stop> {
        let first = |text: &str| {
            let text = text.strip_suffix('月').unwrap_or(text).replace('年', "-");
            value::date(&format!("{text}-1")).map_err(|_| "is not a month")
        };
        self.read("month", first, output)
    }

    fn read<T>(
        &self,
        name: &str,
        read: impl Fn(&str) -> Result<T, &'static str>,
        output: &mut Output<'_>,
    ) -> Result<Option<T>, Stop> {
        let Some((text, place)) = self.get(name) else { return Ok(None) };
        match read(text) {
            Ok(value) => Ok(Some(value)),
            Err(message) => output.fault(Fault::new(place, name, message, text)).map(|()| None),
        }
    }
}

/// What the rows give.
pub(super) struct Totals {
    sets: BTreeMap<String, Sums>,
    slots: BTreeMap<String, (Slots, Slots)>,
    booked: BTreeMap<Currency, Decimal>,
    net: Law,
    balances: Balances,
    /// Where the rows begin.
    begins: Place,
}

impl Totals {
    /// Begins the sums of a statement.
    ///
    /// # Errors
    /// When a column of a set is not there.
    pub(super) fn new(definition: &Definition, plan: &Plan<'_>, begins: Place) -> Result<Totals, String> {
        let own = OWN_SETS.iter().map(|name| (*name).to_owned());
        let slots = definition.sets.iter().map(|(name, set)| {
            let slots =
                |names: &Option<_>| names.as_ref().map_or(Ok(Slots::new()), |names| plan.slots(names));
            Ok((name.clone(), (slots(&set.column)?, slots(&set.add)?)))
        });
        Ok(Totals {
            sets: own.chain(definition.sets.keys().cloned()).map(|name| (name, Sums::default())).collect(),
            slots: slots.collect::<Result<_, String>>()?,
            booked: BTreeMap::new(),
            net: Law::new("net", "rows whose amount less fee is their net"),
            balances: Balances::default(),
            begins,
        })
    }

    /// Adds a record and gives a check where it breaks a law.
    pub(super) fn add(
        &mut self,
        definition: &Definition,
        plan: &Plan<'_>,
        cells: &mut Cells<'_>,
        record: &Record,
    ) -> Result<(Option<Check>, Vec<Fault>), ReadError> {
        let mut faults = Vec::new();
        for (name, sums) in &mut self.sets {
            let set = definition.sets.get(name);
            let slots = self.slots.get(name);
            let chosen = match (name.as_str(), set) {
                ("all", _) => true,
                ("in", _) => record.direction == Direction::In,
                ("out", _) => record.direction == Direction::Out,
                ("neutral", _) => record.direction == Direction::Neutral,
                (_, Some(set)) => {
                    let text = slots.map_or("", |(column, _)| plan.text(cells, column));
                    set.words.iter().any(|word| fits(word, text))
                }
                (_, None) => false,
            };
            if !chosen {
                continue;
            }
            let amount = match slots.filter(|(_, add)| !add.is_empty()) {
                Some((_, add)) => match plan.amount(cells, add, Some(record.currency)) {
                    Ok(amount) => amount.unwrap_or_default(),
                    Err(fault) => {
                        faults.push(fault);
                        Decimal::ZERO
                    }
                },
                None if name == "all" => record.amount,
                None if record.direction == Direction::Out => negated(record.amount),
                None => record.amount,
            };
            sums.add(amount, record.place)?;
        }
        if record.status == Status::Booked && record.direction != Direction::Neutral {
            let booked = self.booked.entry(record.currency).or_default();
            *booked = add(*booked, record.amount, record.place)?;
        }
        self.balances.follow(record)?;
        let check = match (record.net, record.fee) {
            (Some(net), Some(fee)) => {
                let computed = add(record.amount, negated(fee), record.place)?;
                self.net.follow(net, computed, record.place)
            }
            _ => None,
        };
        Ok((check, faults))
    }

    /// Compares what the file declares with what its rows gave.
    pub(super) fn finish(
        self,
        numbers: &Numbers,
        declared: &Declared,
        currency: Option<Currency>,
        last: Place,
        output: &mut Output<'_>,
    ) -> Result<(), Stop> {
        for (name, text, place) in declared.found.iter().filter(|(_, text, _)| !text.is_empty()) {
            let Some((set, what)) = name.rsplit_once('_') else { continue };
            let Some(sums) = self.sets.get(set) else { continue };
            let records = match set {
                "all" => "records".to_owned(),
                other => format!("{other} records"),
            };
            let compared = if what == "count" {
                let digits = text.replace([',', '.', '\'', ' ', '\u{a0}'], "");
                let count = digits.parse().map_err(|_| "is not a count");
                count.map(|count| Check::count(&format!("number of {records}"), count, sums.count, *place))
            } else {
                // Some write what went out with a minus.
                let plain = |amount: Decimal| if set == "out" { amount.abs() } else { amount };
                let amount = amount_outside(text, numbers, currency).map(plain);
                amount.map(|amount| Check::amount(&format!("sum of {records}"), amount, sums.amount, *place))
            };
            match compared {
                Ok(check) => output.check(check)?,
                Err(message) => output.fault(Fault::new(*place, name, message, text))?,
            }
        }
        let amount = |name: &str, output: &mut Output<'_>| {
            declared.read(name, |text| amount_outside(text, numbers, currency), output)
        };
        // One that stands before the header was read, and told where it is wrong, with the statement.
        let opening = match declared.get("opening") {
            Some((_, place)) if place < self.begins => {
                declared.get("opening").and_then(|(text, _)| amount_outside(text, numbers, currency).ok())
            }
            _ => amount("opening", output)?,
        };
        let closing = amount("closing", output)?;
        let place = declared.get("closing").map_or(last, |(_, place)| place);
        // A statement of several accounts declares the balances of one currency. Without one, only rows of
        // one currency can be compared.
        let booked = match (currency, self.booked.len()) {
            (Some(currency), _) => Some(self.booked.get(&currency).copied().unwrap_or_default()),
            (None, 0 | 1) => Some(self.booked.values().next().copied().unwrap_or_default()),
            (None, _) => None,
        };
        if let (Some(opening), Some(closing), Some(booked)) = (opening, closing, booked) {
            let computed = add(opening, booked, place)?;
            output.check(Check::amount("closing balance", closing, computed, place))?;
        }
        for check in self.balances.against(opening, closing, place)? {
            output.check(check)?;
        }
        if let Some(check) = self.net.finish(last) {
            output.check(check)?;
        }
        self.balances.finish(last).into_iter().try_for_each(|check| output.check(check))
    }
}

/// The most accounts whose balances are followed.
const ACCOUNTS_MAX: usize = 10_000;

/// The most rows that break the chain of balances of which each gets a check of its own.
const DIFFERENCES_SHOWN: usize = 20;

/// Balances after each row, of several accounts. Statements list the newest row first or last, and do not
/// say which; the way in which more rows follow from each other is taken to be theirs.
#[derive(Debug, Default)]
struct Balances {
    accounts: BTreeMap<(String, Currency), Chain>,
    left_out: BTreeSet<Currency>,
    oldest_first: Follow,
    newest_first: Follow,
    /// The first and the last balance of a row, each with the amount of its row.
    ends: Option<[(Decimal, Decimal); 2]>,
    /// Whether some row had no balance.
    gaps: bool,
}

/// What is known of an account at one row.
#[derive(Debug, Clone, Copy)]
struct Chain {
    /// The balance said last.
    said: Decimal,
    /// Amounts of rows after the one that said it.
    since: Decimal,
    /// The amount of the row that said it.
    own: Decimal,
}

/// Comparisons in one order.
#[derive(Debug, Default)]
struct Follow {
    rows: u64,
    agreed: u64,
    differences: Vec<Check>,
}

impl Follow {
    fn compare(&mut self, declared: Decimal, computed: Decimal, place: Place) {
        self.rows += 1;
        if declared == computed {
            self.agreed += 1;
        } else if self.differences.len() < DIFFERENCES_SHOWN {
            self.differences.push(Check::amount("balance after the row", declared, computed, place));
        }
    }
}

impl Balances {
    fn follow(&mut self, record: &Record) -> Result<(), ReadError> {
        if matches!(record.status, Status::Failed | Status::Pending | Status::Information) {
            return Ok(());
        }
        let key = (record.account.clone(), record.currency);
        let place = record.place;
        self.gaps |= record.balance.is_none();
        if let Some(balance) = record.balance {
            let end = (balance, record.amount);
            let first = self.ends.map_or(end, |ends| ends[0]);
            self.ends = Some([first, end]);
        }
        if record.direction == Direction::Neutral && !record.amount.is_zero() {
            // Which way it moved this account is not told, so the chain starts anew.
            self.accounts.remove(&key);
            return Ok(());
        }
        if let Some(chain) = self.accounts.get_mut(&key) {
            let before = *chain;
            chain.since = add(chain.since, record.amount, place)?;
            let Some(said) = record.balance else { return Ok(()) };
            self.oldest_first.compare(said, add(before.said, chain.since, place)?, place);
            // Going back in time, this row's balance is what was before the one that said the last
            // balance and those in between.
            let later = add(before.own, before.since, place)?;
            self.newest_first.compare(said, add(before.said, negated(later), place)?, place);
            *chain = Chain { said, since: Decimal::ZERO, own: record.amount };
        } else if let Some(said) = record.balance {
            if self.accounts.len() >= ACCOUNTS_MAX {
                self.left_out.insert(record.currency);
                return Ok(());
            }
            self.accounts.insert(key, Chain { said, since: Decimal::ZERO, own: record.amount });
        }
        Ok(())
    }

    /// Compares the balances of the first and last row with what the file declares, where it is one account
    /// and each row has a balance.
    fn against(
        &self,
        opening: Option<Decimal>,
        closing: Option<Decimal>,
        place: Place,
    ) -> Result<Vec<Check>, ReadError> {
        let Some([first, last]) = self.ends.filter(|_| self.accounts.len() == 1 && !self.gaps) else {
            return Ok(Vec::new());
        };
        let [oldest, newest] = if self.is_newest_first() { [last, first] } else { [first, last] };
        let mut checks = Vec::new();
        if let Some(opening) = opening {
            let before = add(oldest.0, negated(oldest.1), place)?;
            checks.push(Check::amount("opening balance of the oldest row", opening, before, place));
        }
        if let Some(closing) = closing {
            checks.push(Check::amount("closing balance of the newest row", closing, newest.0, place));
        }
        Ok(checks)
    }

    fn is_newest_first(&self) -> bool {
        self.newest_first.agreed > self.oldest_first.agreed
    }

    fn finish(self, place: Place) -> Vec<Check> {
        let newest = self.is_newest_first();
        let follow = if newest { self.newest_first } else { self.oldest_first };
        let mut checks = follow.differences;
        if follow.rows > 0 {
            let order = if newest { "newest first" } else { "oldest first" };
            let end = if self.left_out.is_empty() { "" } else { ", of those accounts that were followed" };
            let what = format!("rows whose balance follows, {order}{end}");
            checks.push(Check::count(&what, follow.rows, follow.agreed, place));
        }
        checks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Kind;

    fn followed(rows: &[(i64, Option<i64>)]) -> Vec<(String, bool)> {
        let eur = Currency::parse("EUR").unwrap();
        let mut balances = Balances::default();
        for (at, (amount, balance)) in rows.iter().enumerate() {
            let mut record =
                Record::new(Kind::Transfer, Decimal::from(*amount), eur, Place::line(at as u64 + 1));
            record.balance = balance.map(Decimal::from);
            balances.follow(&record).unwrap();
        }
        balances.finish(Place::default()).into_iter().map(|check| (check.what, check.agrees)).collect()
    }

    #[test]
    fn balances_are_followed_in_either_order_and_over_rows_without_one() {
        let oldest = "rows whose balance follows, oldest first".to_owned();
        let newest = "rows whose balance follows, newest first".to_owned();
        assert_eq!(followed(&[(10, Some(110)), (-5, Some(105)), (3, Some(108))]), [(oldest.clone(), true)]);
        assert_eq!(followed(&[(3, Some(108)), (-5, Some(105)), (10, Some(110))]), [(newest.clone(), true)]);
        assert_eq!(followed(&[(10, Some(110)), (-5, None), (3, Some(108))]), [(oldest.clone(), true)]);
        assert_eq!(followed(&[(3, Some(108)), (-5, None), (10, Some(110))]), [(newest, true)]);
        assert_eq!(
            followed(&[(10, Some(110)), (-5, Some(106)), (3, Some(109))]),
            [("balance after the row".to_owned(), false), (oldest, false)]
        );
        assert_eq!(followed(&[(10, None)]), []);
    }
}
