//! From the cells of a row to a record: names of a layout found in a header once, then read row by row.

use super::definition::{Definition, Derive, FeeSign, Implied, Mark, Names, Numbers, Sign};
use super::words::{Pattern, Words};
use crate::checks::negated;
use crate::columns::{Column, Columns};
use crate::delimited::{Row, bare_name};
use crate::event::Fault;
use crate::record::{Direction, Kind, Moment, Record, Status};
use crate::value;
use jiff::civil::{Date, DateTime};
use rust_decimal::Decimal;
use suanpan_money::Currency;

/// Columns by their place: those of the file first, then the derived ones.
pub(super) type Slots = Vec<usize>;

/// A layout whose names were found in the header of a file.
pub(super) struct Plan<'l> {
    definition: &'l Definition,
    columns: Columns,
    derived: Vec<Derived<'l>>,
    loose: Column,
    tail: usize,
    currency: Option<Currency>,
    month: Option<Date>,
    amount: Slots,
    credit: Slots,
    debit: Slots,
    currency_column: Slots,
    fee: Slots,
    net: Slots,
    balance: Slots,
    texts: Vec<(TextField, Slots)>,
    time: Slots,
    booked_on: Slots,
    value_on: Slots,
    kind: Slots,
    kind_text: Slots,
    status: Slots,
    status_text: Slots,
    direction: Slots,
    exponents: Slots,
}

/// A column made of others.
enum Derived<'l> {
    Text { parts: Vec<Part>, pattern: Option<&'l Pattern>, give: String, otherwise: &'l str },
    Sum(Vec<(bool, Option<usize>)>),
}

enum Part {
    Literal(String),
    Column(Option<usize>),
}

/// A field that takes a text as it is.
type TextField = fn(&mut Record) -> &mut String;

/// The cells of one row, with the derived ones, and which of them a field took.
pub(super) struct Cells<'r> {
    row: &'r Row,
    derived: Vec<String>,
    width: usize,
    taken: Vec<bool>,
}

impl Cells<'_> {
    fn text(&self, at: usize) -> &str {
        if at < self.width {
            self.row.cell(at)
        } else {
            self.derived.get(at - self.width).map_or("", |text| text.trim())
        }
    }
}

impl<'l> Plan<'l> {
    /// Finds the names of a layout in a header, whose line has `tail` empty cells at its end. `currency` is
    /// that of rows which name none, and `month` that of the statement, for dates without a year.
    ///
    /// # Errors
    /// When the columns of the amount are not there; says which, and what is there.
    pub(super) fn new(
        definition: &'l Definition,
        columns: Columns,
        tail: usize,
        currency: Option<Currency>,
        month: Option<Date>,
    ) -> Result<Plan<'l>, String> {
        let derived_names: Vec<String> = definition.derive.iter().map(|d| bare_name(&d.name)).collect();
        let slot = |name: &str| -> Option<usize> {
            let bare = bare_name(name);
            let derived = derived_names.iter().position(|own| *own == bare);
            derived.map(|at| columns.len() + at).or(columns.look(&[name]).0)
        };
        let slots =
            |names: &Option<Names>| names.iter().flat_map(|n| &n.0).filter_map(|name| slot(name)).collect();
        let needed = |names: &Option<Names>| -> Result<Slots, String> {
            let found: Slots = slots(names);
            match names {
                Some(names) if found.is_empty() => Err(format!(
                    "there is no column {}; the header has {}",
                    names.0.join(" or "),
                    columns.names().join(", ")
                )),
                _ => Ok(found),
            }
        };
        let of_words = |column: Option<&Names>| -> Slots { slots(&column.cloned()) };
        let record = &definition.record;
        let texts: [(TextField, &Option<Names>); 9] = [
            (|r| &mut r.id, &record.id),
            (|r| &mut r.own_id, &record.own_id),
            (|r| &mut r.order_id, &record.order_id),
            (|r| &mut r.original_id, &record.original_id),
            (|r| &mut r.batch_id, &record.batch_id),
            (|r| &mut r.account, &record.account),
            (|r| &mut r.counterparty, &record.counterparty),
            (|r| &mut r.counterparty_account, &record.counterparty_account),
            (|r| &mut r.description, &record.description),
        ];
        let derived = definition.derive.iter().map(|derive| derived(derive, &slot)).collect();
        let plan = Plan {
            definition,
            derived,
            loose: definition.file.loose.as_ref().map_or_else(Column::default, |name| columns.look(&[name])),
            tail,
            currency,
            month,
            amount: needed(&record.amount)?,
            credit: needed(&record.credit)?,
            debit: needed(&record.debit)?,
            currency_column: slots(&record.currency),
            fee: slots(&record.fee),
            net: slots(&record.net),
            balance: slots(&record.balance),
            texts: texts.into_iter().map(|(field, names)| (field, slots(names))).collect(),
            time: slots(&record.time),
            booked_on: slots(&record.booked_on),
            value_on: slots(&record.value_on),
            kind: of_words(definition.kind.as_ref().map(|w| &w.column)),
            kind_text: of_words(record.kind_text.as_ref().or(definition.kind.as_ref().map(|w| &w.column))),
            status_text: of_words(
                record.status_text.as_ref().or(definition.status.as_ref().map(|w| &w.column)),
            ),
            status: of_words(definition.status.as_ref().map(|w| &w.column)),
            direction: of_words(definition.direction.as_ref().map(|w| &w.column)),
            exponents: of_words(definition.exponents.as_ref().map(|w| &w.column)),
            columns,
        };
        Ok(plan)
    }

    /// Finds a name among the columns, also of what totals add up.
    pub(super) fn slots(&self, names: &Names) -> Slots {
        let find = |name: &String| {
            let bare = bare_name(name);
            let derived = self.definition.derive.iter().position(|derive| bare_name(&derive.name) == bare);
            derived.map(|at| self.columns.len() + at).or(self.columns.look(&[name]).0)
        };
        names.0.iter().filter_map(find).collect()
    }

    /// Brings a row to the width of the header, or says that it does not fit.
    pub(super) fn fit(&self, row: &mut Row, of_sheet: bool) -> Result<(), Fault> {
        let width = self.columns.len();
        // Where a text may have delimiters, only as many empty cells are dropped as the header has.
        let mut droppable = if self.loose.is_there() { self.tail } else { usize::MAX };
        while row.cells.len() > width
            && droppable > 0
            && row.cells.last().is_some_and(|cell| cell.trim().is_empty())
        {
            row.cells.pop();
            droppable -= 1;
        }
        if of_sheet {
            row.cells.resize(row.cells.len().max(width), String::new());
        }
        if let Some(loose) = self.loose.0.filter(|_| row.cells.len() > width) {
            let surplus = row.cells.len() - width;
            let between = char::from(self.definition.file.delimiter.byte()).to_string();
            let merged = row.cells[loose..=loose + surplus].join(&between);
            row.cells.splice(loose..=loose + surplus, [merged]);
        }
        if row.cells.len() == width {
            return Ok(());
        }
        let message = format!("has {} cells where the header has {width}", row.cells.len());
        Err(Fault::new(row.place, "", message, &row.raw))
    }

    /// Makes the derived columns of a row.
    pub(super) fn cells<'r>(&self, row: &'r Row) -> Result<Cells<'r>, Fault> {
        let width = self.columns.len();
        let mut cells =
            Cells { row, derived: Vec::with_capacity(self.derived.len()), width, taken: vec![false; width] };
        for (derived, derive) in self.derived.iter().zip(&self.definition.derive) {
            let text = match derived {
                Derived::Text { parts, pattern, give, otherwise } => {
                    self.text_of(&cells, parts, *pattern, give, otherwise)
                }
                Derived::Sum(terms) => self
                    .sum_of(&cells, terms)
                    .map_err(|(message, found)| Fault::new(row.place, &derive.name, message, &found))?,
            };
            cells.derived.push(text);
        }
        Ok(cells)
    }

    fn text_of(
        &self,
        cells: &Cells<'_>,
        parts: &[Part],
        pattern: Option<&Pattern>,
        give: &str,
        otherwise: &str,
    ) -> String {
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Column(Some(at)) if !self.is_blank(cells.text(*at)) => text.push_str(cells.text(*at)),
                Part::Column(_) => {}
            }
        }
        let Some(pattern) = pattern else { return text };
        pattern.captures(&text).map_or_else(
            || otherwise.to_owned(),
            |found| {
                let mut given = String::new();
                found.expand(give, &mut given);
                given
            },
        )
    }

    fn sum_of(
        &self,
        cells: &Cells<'_>,
        terms: &[(bool, Option<usize>)],
    ) -> Result<String, (&'static str, String)> {
        let mut sum = Decimal::ZERO;
        for (minus, at) in terms {
            let Some(at) = *at else { continue };
            let text = cells.text(at);
            let number = self.number(cells, text, at, self.currency).map_err(|why| (why, text.to_owned()))?;
            let number = number.unwrap_or_default();
            let number = if *minus { negated(number) } else { number };
            sum = sum.checked_add(number).ok_or(("is too large", text.to_owned()))?;
        }
        Ok(sum.to_string())
    }

    /// Reads an amount of some columns, the first with a text.
    pub(super) fn amount(
        &self,
        cells: &mut Cells<'_>,
        slots: &Slots,
        currency: Option<Currency>,
    ) -> Result<Option<Decimal>, Fault> {
        let Some(at) = self.take(cells, slots) else { return Ok(None) };
        let text = cells.text(at);
        self.number(cells, text, at, currency).map_err(|why| self.fault(cells, at, why))
    }

    /// Returns the text of some columns, the first with one.
    pub(super) fn text<'c>(&self, cells: &'c Cells<'_>, slots: &Slots) -> &'c str {
        slots.iter().map(|at| cells.text(*at)).find(|text| !self.is_blank(text)).unwrap_or_default()
    }

    fn number(
        &self,
        cells: &Cells<'_>,
        text: &str,
        at: usize,
        currency: Option<Currency>,
    ) -> Result<Option<Decimal>, &'static str> {
        if self.is_blank(text) {
            return Ok(None);
        }
        // A sum is a plain decimal already, however numbers are written in the file.
        let derived = at.checked_sub(cells.width).and_then(|at| self.derived.get(at));
        if matches!(derived, Some(Derived::Sum(_))) {
            return value::amount_or_none(text);
        }
        let numbers = &self.definition.numbers;
        let decimals = match numbers.implied {
            None => None,
            Some(Implied::Decimals(decimals)) => Some(u32::from(decimals)),
            Some(Implied::Currency) => {
                let currency = currency.ok_or("has the decimals of its currency, which is not known")?;
                Some(u32::from(currency.exponent()))
            }
            Some(Implied::Exponents) => {
                let words = self.definition.exponents.as_ref();
                let decimals = words.and_then(|words| words.meaning(self.text(cells, &self.exponents)));
                Some(u32::from(decimals.ok_or("has a number of decimals that [exponents] does not tell")?))
            }
        };
        number(text, numbers, decimals)
    }

    /// Reads a row as a record.
    pub(super) fn record(&self, cells: &mut Cells<'_>) -> Result<Record, Fault> {
        let currency = match self.take(cells, &self.currency_column) {
            Some(at) => value::currency(cells.text(at)).map_err(|why| self.fault(cells, at, why))?,
            None => self.currency.ok_or_else(|| {
                let message = "says no currency, and the layout has none: name one with --currency";
                Fault::new(cells.row.place, "", message, &cells.row.raw)
            })?,
        };
        let (written, at) = self.written_amount(cells, currency)?;
        let direction = self.direction(cells)?;
        let (amount, direction) = signed(written, self.definition.record.sign, direction)
            .map_err(|why| self.fault(cells, at, why))?;
        let kind = self.meaning(cells, self.definition.kind.as_ref(), &self.kind, "kind")?;
        let status = self.meaning(cells, self.definition.status.as_ref(), &self.status, "status")?;
        let mut record = Record::new(kind.unwrap_or(Kind::Other), amount, currency, cells.row.place);
        record.direction = direction;
        record.status = status.unwrap_or(Status::Booked);
        for (slots, field) in
            [(&self.kind_text, &mut record.kind_text), (&self.status_text, &mut record.status_text)]
        {
            if let Some(at) = self.take(cells, slots) {
                cells.text(at).clone_into(field);
            }
        }
        let fee = self.amount(cells, &self.fee, Some(currency))?;
        record.fee = match self.definition.record.fee_sign {
            FeeSign::Cost => fee,
            FeeSign::Movement => fee.map(negated),
        };
        record.net = self.amount(cells, &self.net, Some(currency))?;
        match self.amount(cells, &self.balance, Some(currency)) {
            Ok(balance) => record.balance = balance,
            // A movement is not lost for a balance that somebody blacked out.
            Err(fault) => record.notes.push(format!("{} {}: {}", fault.field, fault.message, fault.found)),
        }
        for (field, slots) in &self.texts {
            if let Some(at) = self.take(cells, slots) {
                cells.text(at).clone_into(field(&mut record));
            }
        }
        if let Some(time) = self.moment(cells, &self.time)? {
            record.time = Some(Moment { local: time, offset: self.definition.zone });
        }
        record.booked_on = self.moment(cells, &self.booked_on)?.map(DateTime::date);
        record.value_on = self.moment(cells, &self.value_on)?.map(DateTime::date);
        for (at, taken) in cells.taken.iter().enumerate() {
            let text = cells.text(at);
            if *taken || self.is_blank(text) {
                continue;
            }
            match self.columns.name(at) {
                "" => record.detail(&format!("column {}", at + 1), text),
                name => record.detail(name, text),
            }
        }
        record.set_raw(&cells.row.raw);
        Ok(record)
    }

    /// The amount as it is written, and the column that it stands in.
    fn written_amount(&self, cells: &mut Cells<'_>, currency: Currency) -> Result<(Decimal, usize), Fault> {
        if self.definition.record.amount.is_some() {
            let at = self.amount.first().copied().unwrap_or_default();
            let amount = self.amount(cells, &self.amount, Some(currency))?;
            return amount
                .map(|amount| (amount, at))
                .ok_or_else(|| self.fault(cells, at, "is not an amount"));
        }
        let at = self.credit.first().copied().unwrap_or_default();
        let credit = self.amount(cells, &self.credit, Some(currency))?;
        let debit = self.amount(cells, &self.debit, Some(currency))?;
        let zero = |amount: Option<Decimal>| amount.is_none_or(|amount| amount.is_zero());
        match (credit, debit) {
            (None, None) => Err(self.fault(cells, at, "has neither an incoming nor an outgoing amount")),
            (credit, debit) if !zero(credit) && !zero(debit) => {
                Err(self.fault(cells, at, "has both an incoming and an outgoing amount"))
            }
            (credit, debit) if zero(debit) => Ok((credit.or(debit).unwrap_or_default(), at)),
            // A debit that is written with a minus already is one all the same.
            (_, debit) => Ok((negated(debit.unwrap_or_default().abs()), at)),
        }
    }

    fn direction(&self, cells: &mut Cells<'_>) -> Result<Option<Direction>, Fault> {
        self.meaning(cells, self.definition.direction.as_ref(), &self.direction, "direction")
    }

    fn meaning<M: super::words::Meaning>(
        &self,
        cells: &mut Cells<'_>,
        words: Option<&Words<M>>,
        slots: &Slots,
        table: &str,
    ) -> Result<Option<M>, Fault> {
        let Some(words) = words else { return Ok(None) };
        // A layout may tell what an empty cell, or one with a dash, means.
        let at = self.take(cells, slots).or(slots.first().copied());
        let text = at.map_or("", |at| cells.text(at));
        match (words.meaning(text), at) {
            (Some(meaning), _) => Ok(Some(meaning)),
            (None, Some(at)) => Err(self.fault(cells, at, &format!("is none of the words of [{table}]"))),
            (None, None) => Ok(None),
        }
    }

    fn moment(&self, cells: &mut Cells<'_>, slots: &Slots) -> Result<Option<DateTime>, Fault> {
        let Some(at) = self.take(cells, slots) else { return Ok(None) };
        let text = cells.text(at);
        let own = self.definition.dates.iter().find_map(|format| parse_moment(format, text));
        let own = own.or_else(|| self.month.and_then(|month| day_of(text, month)));
        match own {
            Some(time) => Ok(Some(time)),
            None => value::date_time(text).map(Some).map_err(|why| self.fault(cells, at, why)),
        }
    }

    /// Finds the first of some columns that has a text, and keeps it out of the details.
    fn take(&self, cells: &mut Cells<'_>, slots: &Slots) -> Option<usize> {
        let found = slots.iter().copied().find(|at| !self.is_blank(cells.text(*at)))?;
        if let Some(taken) = cells.taken.get_mut(found) {
            *taken = true;
        }
        Some(found)
    }

    fn is_blank(&self, text: &str) -> bool {
        let dashes = text.len() > 2 && text.bytes().all(|byte| byte == b'-');
        text.is_empty() || dashes || self.definition.blank.iter().any(|blank| blank == text)
    }

    fn fault(&self, cells: &Cells<'_>, at: usize, message: &str) -> Fault {
        match at.checked_sub(cells.width) {
            None => {
                let place = cells.row.place.at_column(u32::try_from(at + 1).unwrap_or(u32::MAX));
                Fault::new(place, self.columns.name(at), message, cells.text(at))
            }
            Some(derived) => {
                let name = self.definition.derive.get(derived).map_or("", |derive| derive.name.as_str());
                Fault::new(cells.row.place, name, message, cells.text(at))
            }
        }
    }
}

fn derived<'l>(derive: &'l Derive, slot: &dyn Fn(&str) -> Option<usize>) -> Derived<'l> {
    let Some(from) = &derive.from else {
        let term = |term: &String| match term.strip_prefix('-') {
            Some(name) => (true, slot(name)),
            None => (false, slot(term)),
        };
        return Derived::Sum(derive.sum.iter().map(term).collect());
    };
    let whole = derive.pattern.as_ref().is_some_and(|pattern| !pattern.has_group());
    let give = derive.give.clone().unwrap_or_else(|| if whole { "$0" } else { "$1" }.to_owned());
    Derived::Text {
        parts: parts(from, slot),
        pattern: derive.pattern.as_ref(),
        give,
        otherwise: &derive.otherwise,
    }
}

/// Cuts a text with columns in braces into its parts.
fn parts(template: &str, slot: &dyn Fn(&str) -> Option<usize>) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((before, inside)) = rest.split_once('{') {
        let Some((name, after)) = inside.split_once('}') else { break };
        parts.push(Part::Literal(before.to_owned()));
        parts.push(Part::Column(slot(name)));
        rest = after;
    }
    parts.push(Part::Literal(rest.to_owned()));
    parts
}

/// Gives an amount its sign and direction.
fn signed(
    written: Decimal,
    sign: Sign,
    direction: Option<Direction>,
) -> Result<(Decimal, Direction), &'static str> {
    let by_sign = |amount: Decimal| if amount.is_sign_negative() { Direction::Out } else { Direction::In };
    let amount = if sign == Sign::Reversed { negated(written) } else { written };
    match (sign, direction) {
        (_, Some(Direction::Neutral)) => Ok((amount.abs(), Direction::Neutral)),
        (Sign::Direction, Some(Direction::Out)) => Ok((negated(amount.abs()), Direction::Out)),
        (Sign::Direction, Some(Direction::In)) if amount.is_sign_negative() && !amount.is_zero() => {
            Err("is negative though the row says that it comes in")
        }
        (Sign::Direction, Some(Direction::In)) => Ok((amount.abs(), Direction::In)),
        (Sign::Direction, None) => Err("has no direction"),
        (_, Some(direction)) if !amount.is_zero() && by_sign(amount) != direction => {
            Err("has another sign than the row's direction")
        }
        (_, Some(direction)) => Ok((amount, direction)),
        (_, None) => Ok((if amount.is_zero() { amount.abs() } else { amount }, by_sign(amount))),
    }
}

/// Reads an amount outside of the rows, where no currency and no counterparty tells the decimals.
pub(super) fn amount_outside(text: &str, numbers: &Numbers) -> Result<Decimal, &'static str> {
    let decimals = match numbers.implied {
        Some(Implied::Decimals(decimals)) => Some(u32::from(decimals)),
        _ => None,
    };
    number(text, numbers, decimals)?.ok_or("is not an amount")
}

/// Reads a number as the layout writes them. `decimals` is where the point of a whole number is.
fn number(text: &str, numbers: &Numbers, decimals: Option<u32>) -> Result<Option<Decimal>, &'static str> {
    let mut rest = text.trim();
    let words = numbers.plus.iter().map(|word| (word, false));
    let words = words.chain(numbers.minus.iter().map(|word| (word, true)));
    let strip = |word: &str| rest.strip_prefix(word).or(rest.strip_suffix(word)).map(str::trim);
    // Of `D` and `DR` the longer one is meant where both are there.
    let found = words.filter(|(word, _)| !word.is_empty() && strip(word).is_some());
    let found = found.max_by_key(|(word, _)| word.len());
    let sign = found.map(|(_, minus)| minus);
    if let Some(inner) = found.and_then(|(word, _)| strip(word)) {
        rest = inner;
    }
    let swapped;
    if numbers.decimal_mark == Mark::Comma {
        let swap = |c: char| match c {
            ',' => '.',
            '.' | '\'' | '\u{a0}' | ' ' => ',',
            other => other,
        };
        swapped = rest.chars().map(swap).collect::<String>();
        rest = &swapped;
    }
    let value = match decimals {
        None => value::amount_or_none(rest)?,
        Some(_) if rest.is_empty() => None,
        Some(decimals) => Some(value::implied(rest, decimals)?),
    };
    Ok(match (value, sign) {
        (Some(value), Some(true)) => Some(negated(value)),
        (value, _) => value,
    })
}

/// Reads a month and a day, `12/29`, as the last such day up to the month of the statement.
fn day_of(text: &str, month: Date) -> Option<DateTime> {
    let (own, day) = text.split_once(['/', '-'])?;
    let short = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    if !short(own) || !short(day) {
        return None;
    }
    let (own, day): (i8, i8) = (own.parse().ok()?, day.parse().ok()?);
    let year = if own > month.month() { month.year() - 1 } else { month.year() };
    Date::new(year, own, day).ok().map(|date| date.at(0, 0, 0, 0))
}

/// Reads a date, or a date and time, in a given way.
fn parse_moment(format: &str, text: &str) -> Option<DateTime> {
    let broken = jiff::fmt::strtime::parse(format, text).ok()?;
    broken.to_datetime().ok().or_else(|| broken.to_date().ok().map(|date: Date| date.at(0, 0, 0, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_layout_writes_them() {
        let numbers = |text: &str| -> Numbers { toml::from_str(text).unwrap() };
        let read = |numbers: &Numbers, text: &str, decimals| {
            number(text, numbers, decimals).unwrap().map(|value| value.to_string())
        };
        let comma = numbers("decimal-mark = \"comma\"".replace("decimal-mark", "decimal_mark").as_str());
        assert_eq!(read(&comma, "1.234,50", None).as_deref(), Some("1234.50"));
        assert_eq!(read(&comma, "1 234,50", None).as_deref(), Some("1234.50"));
        let words = numbers("plus = [\"C\", \"CR\"]\nminus = [\"D\", \"DR\"]");
        assert_eq!(read(&words, "D000000000060", Some(2)).as_deref(), Some("-0.60"));
        assert_eq!(read(&words, "12.00 D", None).as_deref(), Some("-12.00"));
        assert_eq!(read(&words, "C000000000000", Some(2)).as_deref(), Some("0.00"));
        assert_eq!(read(&words, "-", None), None);
        assert!(number("1.5", &words, Some(2)).is_err());
    }

    #[test]
    fn a_day_without_a_year_is_the_last_up_to_the_statement() {
        let month = jiff::civil::date(2026, 1, 1);
        let read = |text| day_of(text, month).map(|time| time.date().to_string());
        assert_eq!(read("12/29").as_deref(), Some("2025-12-29"));
        assert_eq!(read("01/02").as_deref(), Some("2026-01-02"));
        assert_eq!(read("1-2").as_deref(), Some("2026-01-02"));
        for wrong in ["13/01", "02/30", "1/2/3", "2026/01", ""] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_sign_is_that_of_the_layout() {
        let ten = Decimal::TEN;
        for (written, sign, direction, given) in [
            (ten, Sign::Written, None, Ok((ten, Direction::In))),
            (-ten, Sign::Written, None, Ok((-ten, Direction::Out))),
            (ten, Sign::Reversed, None, Ok((-ten, Direction::Out))),
            (ten, Sign::Direction, Some(Direction::Out), Ok((-ten, Direction::Out))),
            (-ten, Sign::Direction, Some(Direction::Out), Ok((-ten, Direction::Out))),
            (ten, Sign::Direction, Some(Direction::Neutral), Ok((ten, Direction::Neutral))),
            (-ten, Sign::Direction, Some(Direction::In), Err(())),
            (ten, Sign::Written, Some(Direction::Out), Err(())),
        ] {
            assert_eq!(signed(written, sign, direction).map_err(|_| ()), given, "{written} {sign:?}");
        }
    }
}
