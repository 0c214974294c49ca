//! From the cells of a row to a record: names of a layout found in a header once, then read row by row.

use super::cell::{day_of, moment, number, sign_fits, signed};
use super::definition::{Definition, Derive, FeeSign, Implied, Minus, Names};
use super::words::{Pattern, Words};
use crate::checks::negated;
use crate::columns::Columns;
use crate::delimited::{Row, bare_name};
use crate::event::Fault;
use crate::record::{Direction, Kind, Moment, Record, Status};
use crate::value;
use jiff::civil::{Date, DateTime};
use rust_decimal::Decimal;
use suanpan_money::Currency;

/// What is wrong with a minus in a column of one side.
const MINUS: &str = "is negative in a column of one side: `minus` in [record] says what that means";

/// The longest text of a derived column: as long as a line.
const DERIVED_BYTES_MAX: usize = crate::limits::LINE_BYTES_MAX;

/// What is wrong with such a text.
const TOO_LONG: &str = "would be longer than a line may be";

/// Columns by their place: those of the file first, then the derived ones.
pub(super) type Slots = Vec<usize>;

/// A layout whose names were found in the header of a file.
pub(super) struct Plan<'l> {
    definition: &'l Definition,
    columns: Columns,
    derived: Vec<Derived<'l>>,
    /// Whether the layout has a column of fees.
    fee_there: bool,
    loose: Option<usize>,
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

/// Finds columns by the names that a layout uses.
struct Finder<'f> {
    definition: &'f Definition,
    columns: &'f Columns,
}

impl Finder<'_> {
    /// Finds a column of the file or a derived one; a mark that it may lack is no part of its name.
    fn slot(&self, name: &str) -> Option<usize> {
        let name = name.strip_suffix('?').unwrap_or(name);
        let derived = self.definition.derive.iter().position(|own| bare_name(&own.name) == bare_name(name));
        derived.map(|at| self.columns.len() + at).or(self.columns.look(&[name]).0)
    }

    /// Finds all of some columns that are there. One must be, unless all may lack.
    fn slots(&self, names: &Names) -> Result<Slots, String> {
        let found: Slots = names.0.iter().filter_map(|name| self.slot(name)).collect();
        if found.is_empty() && !names.0.iter().all(|name| name.ends_with('?')) {
            let wanted = names.0.join(" or ").replace('?', "");
            let there = self.columns.names().join(", ");
            return Err(format!("there is no column {wanted}; the header has {there}"));
        }
        Ok(found)
    }
}

impl<'l> Plan<'l> {
    /// Finds the names of a layout in a header, whose line has `tail` empty cells at its end. `currency` is
    /// that of rows which name none, and `month` that of the statement, for dates without a year.
    ///
    /// # Errors
    /// When a column that the layout names is not there, unless its name says that it may lack.
    pub(super) fn new(
        definition: &'l Definition,
        columns: Columns,
        tail: usize,
        currency: Option<Currency>,
        month: Option<Date>,
    ) -> Result<Plan<'l>, String> {
        if let Some(derive) = definition.derive.iter().find(|derive| columns.has(&derive.name)) {
            return Err(format!("the header has a column {}, as a [[derive]] of the layout", derive.name));
        }
        let finder = Finder { definition, columns: &columns };
        let slots = |names: Option<&Names>| names.map_or(Ok(Slots::new()), |names| finder.slots(names));
        let field = |names: &Option<Names>| slots(names.as_ref());
        for derive in &definition.derive {
            for name in derive.names() {
                let found = finder.slots(&Names(vec![name.to_owned()]));
                found.map_err(|error| format!("[[derive]] {}: {error}", derive.name))?;
            }
        }
        let loose = definition.file.loose.iter().map(|name| finder.slots(&Names(vec![name.clone()])));
        let loose = loose.collect::<Result<Vec<Slots>, String>>()?.concat().first().copied();
        let kind = definition.kind.as_ref().map(|words| &words.column);
        let status = definition.status.as_ref().map(|words| &words.column);
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
        let plan = Plan {
            definition,
            derived: definition.derive.iter().map(|derive| derived(derive, &finder)).collect(),
            fee_there: record.fee.is_some(),
            loose,
            tail,
            currency,
            month,
            amount: field(&record.amount)?,
            credit: field(&record.credit)?,
            debit: field(&record.debit)?,
            currency_column: field(&record.currency)?,
            fee: field(&record.fee)?,
            net: field(&record.net)?,
            balance: field(&record.balance)?,
            texts: texts
                .into_iter()
                .map(|(text, names)| field(names).map(|slots| (text, slots)))
                .collect::<Result<_, _>>()?,
            time: field(&record.time)?,
            booked_on: field(&record.booked_on)?,
            value_on: field(&record.value_on)?,
            kind: slots(kind)?,
            kind_text: slots(record.kind_text.as_ref().or(kind))?,
            status: slots(status)?,
            status_text: slots(record.status_text.as_ref().or(status))?,
            direction: slots(definition.direction.as_ref().map(|words| &words.column))?,
            exponents: slots(definition.exponents.as_ref().map(|words| &words.column))?,
            columns,
        };
        Ok(plan)
    }

    /// Finds the columns of a set.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub(super) fn slots(&self, names: &Names) -> Result<Slots, String> {
        Finder { definition: self.definition, columns: &self.columns }.slots(names)
    }

    /// Brings a row to the width of the header, or says that it does not fit.
    pub(super) fn fit(&self, row: &mut Row, of_sheet: bool) -> Result<(), Fault> {
        let width = self.columns.len();
        // Where a text may have delimiters, only as many empty cells are dropped as the header has.
        let mut droppable = if self.loose.is_some() { self.tail } else { usize::MAX };
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
        if let Some(loose) = self.loose.filter(|_| row.cells.len() > width) {
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
        let currency = self.row_currency(&cells);
        for (derived, derive) in self.derived.iter().zip(&self.definition.derive) {
            let text = match derived {
                Derived::Text { parts, pattern, give, otherwise } => {
                    self.text_of(&cells, parts, *pattern, give, otherwise)
                }
                Derived::Sum(terms) => self.sum_of(&cells, terms, currency),
            };
            let fault =
                |(message, found): (&str, String)| Fault::new(row.place, &derive.name, message, &found);
            cells.derived.push(text.map_err(fault)?);
        }
        Ok(cells)
    }

    /// The currency of a row as far as its own columns tell it, before any is derived.
    fn row_currency(&self, cells: &Cells<'_>) -> Option<Currency> {
        let own = self.currency_column.iter().filter(|at| **at < cells.width).map(|at| cells.text(*at));
        own.filter(|text| !self.is_blank(text)).find_map(|text| value::currency(text).ok()).or(self.currency)
    }

    fn text_of(
        &self,
        cells: &Cells<'_>,
        parts: &[Part],
        pattern: Option<&Pattern>,
        give: &str,
        otherwise: &str,
    ) -> Result<String, (&'static str, String)> {
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Column(Some(at)) if !self.is_blank(cells.text(*at)) => text.push_str(cells.text(*at)),
                Part::Column(_) => {}
            }
            if text.len() > DERIVED_BYTES_MAX {
                return Err((TOO_LONG, text));
            }
        }
        let Some(pattern) = pattern else { return Ok(text) };
        let Some(found) = pattern.captures(&text) else { return Ok(otherwise.to_owned()) };
        // Each use of a group gives at most the text.
        if give.matches('$').count().saturating_mul(text.len()) > DERIVED_BYTES_MAX {
            return Err((TOO_LONG, text));
        }
        let mut given = String::new();
        found.expand(give, &mut given);
        Ok(given)
    }

    fn sum_of(
        &self,
        cells: &Cells<'_>,
        terms: &[(bool, Option<usize>)],
        currency: Option<Currency>,
    ) -> Result<String, (&'static str, String)> {
        let mut sum = Decimal::ZERO;
        for (minus, at) in terms {
            let Some(at) = *at else { continue };
            let text = cells.text(at);
            let number = self.number(cells, text, at, currency).map_err(|why| (why, text.to_owned()))?;
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
        if let Some(currency) = currency
            && !sign_fits(text, currency)
        {
            return Err("has the sign of another currency");
        }
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
        let told = self.definition.numbers.implied.is_some();
        if !told && written.normalize().scale() > u32::from(currency.exponent()) {
            let message = format!("has more decimals than {currency}: is the decimal mark right?");
            return Err(self.fault(cells, at, &message));
        }
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
        let fee = fee
            .or(self.fee_there.then_some(Decimal::ZERO).filter(|_| !self.text(cells, &self.net).is_empty()));
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
        let written = match (credit, debit) {
            (None, None) => Err("has neither an incoming nor an outgoing amount"),
            (credit, debit) if !zero(credit) && !zero(debit) => {
                Err("has both an incoming and an outgoing amount")
            }
            (credit, debit) if zero(debit) => {
                let credit = credit.or(debit).unwrap_or_default();
                match (credit.is_sign_negative() && !credit.is_zero(), self.definition.record.minus) {
                    (true, Some(Minus::Out) | None) => Err(MINUS),
                    _ => Ok(credit),
                }
            }
            (_, debit) => {
                let debit = debit.unwrap_or_default();
                match (debit.is_sign_negative(), self.definition.record.minus) {
                    (true, None) => Err(MINUS),
                    (true, Some(Minus::Cancelled)) | (false, _) => Ok(negated(debit)),
                    (true, Some(Minus::Out)) => Ok(debit),
                }
            }
        };
        written.map(|amount| (amount, at)).map_err(|why| self.fault(cells, at, why))
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
        let day = self.month.and_then(|month| day_of(text, month));
        let time = day.map_or_else(|| moment(text, &self.definition.dates), Ok);
        time.map(Some).map_err(|why| self.fault(cells, at, why))
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

fn derived<'l>(derive: &'l Derive, finder: &Finder<'_>) -> Derived<'l> {
    let Some(from) = &derive.from else {
        let term = |term: &String| match term.strip_prefix('-') {
            Some(name) => (true, finder.slot(name)),
            None => (false, finder.slot(term)),
        };
        return Derived::Sum(derive.sum.iter().map(term).collect());
    };
    let whole = derive.pattern.as_ref().is_some_and(|pattern| !pattern.has_group());
    let give = derive.give.clone().unwrap_or_else(|| if whole { "$0" } else { "$1" }.to_owned());
    Derived::Text {
        parts: parts(from, finder),
        pattern: derive.pattern.as_ref(),
        give,
        otherwise: &derive.otherwise,
    }
}

/// Cuts a text with columns in braces into its parts.
fn parts(template: &str, finder: &Finder<'_>) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((before, inside)) = rest.split_once('{') {
        let Some((name, after)) = inside.split_once('}') else { break };
        parts.push(Part::Literal(before.to_owned()));
        parts.push(Part::Column(finder.slot(name)));
        rest = after;
    }
    parts.push(Part::Literal(rest.to_owned()));
    parts
}
