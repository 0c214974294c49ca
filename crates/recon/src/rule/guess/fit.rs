//! Rules for a side whose columns are known, such as a statement, against one that nobody described.
//!
//! A guess from two unknown files needs many rows before it can be sure. Here one side is certain, so a few
//! rows tell: of all ways to read the other side (which column is the key, which the amount, in which unit,
//! with which sign) the one is taken by which most records agree in key *and* amount.

use super::column::{Profile, Role, best_by_name, profile_all};
use super::money::{self, words_by_count};
use super::times::{self, looks_like_time};
use super::{Sample, Sureness, grouped};
use crate::record::Side;
use crate::rule::canonical::{bare, quote};
use crate::rule::{AmountUnit, Format, RuleErrors, Rules};
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use suanpan_money::{Currency, parse_decimal, parse_minor};

/// What is known of the described side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Which side it is.
    pub side: Side,
    /// Columns that name movements, the most telling first.
    pub keys: Vec<&'static str>,
    /// The column of signed decimal amounts.
    pub amount: &'static str,
    /// The column of currencies.
    pub currency: &'static str,
    /// The column of days, written as `2026-11-26`.
    pub day: &'static str,
    /// The rest of its fields and its skip rules, as the text of a rules file, with `SIDE` for its name.
    pub more: &'static str,
}

/// Fitted rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// The commented text of a rules file.
    pub text: String,
    /// How sure it is.
    pub sureness: Sureness,
    /// What speaks for it, or what is missing.
    pub evidence: String,
}

impl Fit {
    /// Reads the text.
    ///
    /// # Errors
    /// None is known.
    pub fn rules(&self) -> Result<Rules, RuleErrors> {
        Rules::from_toml(&self.text)
    }
}

/// The most rows of each side that are looked at.
const ROWS_MAX: usize = 20_000;
/// The most pairs of key columns of which amounts are compared.
const KEY_PAIRS_TRIED_MAX: usize = 12;
/// The most days between both sides where only amounts and days tell.
const WINDOW_DAYS: i64 = 3;

/// Fits the other side to the described one. Rows of the described side should be only those that count.
#[must_use]
pub fn fit(described: &Described, known: &Sample, other: &Sample) -> Fit {
    let known_columns = profile_all(known);
    let columns = profile_all(other);
    let world = World::new(described, known, &known_columns, &columns);
    let readings = world.readings();
    let best = world.best_keyed(&readings);
    match best {
        Some(best) => world.write_keyed(described, other, best),
        None => world.write_by_day(described, other, &readings),
    }
}

/// A movement of the described side.
struct Known<'s> {
    keys: Vec<&'s str>,
    amount: i64,
    currency: Currency,
    day: Option<i64>,
}

/// One way to read the amounts of the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reading {
    column: usize,
    unit: AmountUnit,
    sign: Sign,
    /// How well its names speak for it.
    hint: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Sign {
    AsWritten,
    Turned,
    /// Turned where a column has one of some words.
    TurnedWhen(usize, Vec<String>),
}

/// A key and a reading, and how many records agree by them.
struct Keyed {
    key: usize,
    column: usize,
    reading: Reading,
    agreed: usize,
    met: usize,
}

struct World<'s, 'p> {
    rows: usize,
    known: Vec<Known<'s>>,
    columns: &'p [Profile<'s>],
    /// The currency column of the other side, or the one currency of all.
    currency: Option<usize>,
    fixed: Option<Currency>,
}

impl<'s, 'p> World<'s, 'p> {
    fn new(
        described: &Described,
        sample: &'s Sample,
        known_columns: &[Profile<'s>],
        columns: &'p [Profile<'s>],
    ) -> Self {
        let place = |name: &str| known_columns.iter().position(|column| column.name == name);
        let value = |name: &str, row: usize| place(name).map_or("", |at| known_columns[at].values[row]);
        let day = times::day_reader("%Y-%m-%d");
        let mut known = Vec::new();
        for row in 0..sample.rows.len().min(ROWS_MAX) {
            let Some(currency) = Currency::parse(value(described.currency, row)) else { continue };
            let amount = value(described.amount, row);
            let Ok(amount) = parse_decimal(amount.as_bytes(), currency.exponent()) else { continue };
            let keys = described.keys.iter().map(|name| value(name, row)).collect();
            known.push(Known { keys, amount, currency, day: day(value(described.day, row)) });
        }
        let currency = currency_column(columns);
        let currencies: BTreeSet<Currency> = known.iter().map(|known| known.currency).collect();
        let fixed = (currencies.len() == 1).then(|| currencies.first().copied()).flatten();
        let rows = columns.first().map_or(0, |column| column.values.len()).min(ROWS_MAX);
        World { rows, known, columns, currency, fixed }
    }

    fn currency_of(&self, row: usize) -> Option<Currency> {
        self.currency.map_or(self.fixed, |at| money::currency_of(self.columns[at].values[row]))
    }

    /// All ways to read amounts that are worth a try.
    fn readings(&self) -> Vec<Reading> {
        let mut all = Vec::new();
        for (at, column) in self.columns.iter().enumerate() {
            let amount_name = u64::from(column.hint(Role::Amount));
            // A name such as `total_fee` may be an amount or a fee: what agrees decides.
            let named_otherwise = amount_name == 0
                && column.hint(Role::Fee) < 2
                && column.hint(Role::Key).max(column.hint(Role::Account)) >= 2;
            if !column.numeric || named_otherwise || Some(at) == self.currency {
                continue;
            }
            let minor_name = column.name_has(&["cents", "minor", "fen", "pence"], &["分"]);
            for unit in [AmountUnit::Decimal, AmountUnit::Minor] {
                if unit == AmountUnit::Minor && column.has_point {
                    continue;
                }
                let by_name = 2 * u64::from(minor_name == (unit == AmountUnit::Minor));
                let hint = 4 * amount_name + by_name;
                let mut add = |sign, less| {
                    let hint = (hint + 2_u64).saturating_sub(less);
                    all.push(Reading { column: at, unit, sign, hint });
                };
                add(Sign::AsWritten, 0);
                add(Sign::Turned, 2);
                for (column, words) in self.outgoing_words(at) {
                    add(Sign::TurnedWhen(column, words), 1);
                }
            }
        }
        all
    }

    /// Columns of words that say which way money goes, with the words for what goes out, where the amounts
    /// themselves are never negative.
    fn outgoing_words(&self, amount: usize) -> Vec<(usize, Vec<String>)> {
        if self.columns[amount].values.iter().any(|value| value.starts_with('-')) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (at, column) in self.columns.iter().enumerate().filter(|(at, _)| *at != amount) {
            if column.distinct == 0 || column.distinct > 32 || column.numeric {
                continue;
            }
            let words: Vec<String> = words_by_count(column)
                .into_iter()
                .filter(|(word, _)| goes_out(word))
                .map(|(word, _)| word.to_owned())
                .collect();
            if !words.is_empty() {
                found.push((at, words));
            }
        }
        found
    }

    fn amount(&self, reading: &Reading, row: usize) -> Option<i64> {
        let column = &self.columns[reading.column];
        let plain = column.plain(column.values[row]);
        let exponent = self.currency_of(row)?.exponent();
        let amount = match reading.unit {
            AmountUnit::Decimal => parse_decimal(plain.as_bytes(), exponent).ok()?,
            AmountUnit::Minor => parse_minor(plain.as_bytes()).ok()?,
        };
        let turned = match &reading.sign {
            Sign::AsWritten => false,
            Sign::Turned => true,
            Sign::TurnedWhen(at, words) => words.iter().any(|word| word == self.columns[*at].values[row]),
        };
        if turned { amount.checked_neg() } else { Some(amount) }
    }

    /// Pairs of key columns whose values meet, those that meet most often first.
    fn key_pairs(&self, open: &[bool]) -> Vec<(usize, usize, usize)> {
        let keys = self.known.first().map_or(0, |known| known.keys.len());
        let mut found = Vec::new();
        for key in 0..keys {
            let values: BTreeSet<&str> = self
                .known
                .iter()
                .zip(open)
                .filter(|(known, open)| **open && !known.keys[key].is_empty())
                .map(|(known, _)| known.keys[key])
                .collect();
            for (at, column) in self.columns.iter().enumerate() {
                let money = column.numeric && (column.has_point || column.hint(Role::Amount) >= 2);
                if values.is_empty() || money || looks_like_time(column) && column.hint(Role::Key) < 2 {
                    continue;
                }
                let distinct: BTreeSet<&str> = column.values.iter().copied().collect();
                let meets = distinct.iter().filter(|value| values.contains(*value)).count();
                if meets > 0 {
                    found.push((meets, key, at));
                }
            }
        }
        // The order of keys says which is more telling; that of columns breaks ties.
        found.sort_by_key(|(meets, key, at)| {
            (std::cmp::Reverse(*meets), *key, std::cmp::Reverse(self.columns[*at].hint(Role::Key)), *at)
        });
        found.truncate(KEY_PAIRS_TRIED_MAX);
        found
    }

    /// Counts the records of the described side that have a counterpart of the same key, currency and amount,
    /// and notes which; and those that have one of the same key at all.
    fn agreement(&self, key: usize, at: usize, reading: &Reading, open: &[bool]) -> (Vec<usize>, usize) {
        let mut amounts: HashMap<&str, Vec<(Currency, i64)>> = HashMap::new();
        for row in 0..self.rows {
            let value = self.columns[at].values[row];
            let entry = amounts.entry(value).or_default();
            if let (Some(currency), Some(amount)) = (self.currency_of(row), self.amount(reading, row)) {
                entry.push((currency, amount));
            }
        }
        let (mut agreed, mut met) = (Vec::new(), 0);
        for (number, known) in self.known.iter().enumerate().filter(|(number, _)| open[*number]) {
            let value = known.keys[key];
            if value.is_empty() {
                continue;
            }
            let Some(there) = amounts.get_mut(value) else { continue };
            met += 1;
            if let Some(place) = there.iter().position(|one| *one == (known.currency, known.amount)) {
                there.swap_remove(place);
                agreed.push(number);
            }
        }
        (agreed, met)
    }

    fn best_keyed(&self, readings: &[Reading]) -> Option<Keyed> {
        let open = vec![true; self.known.len()];
        let mut best: Option<(usize, u64, Keyed)> = None;
        for (_, key, column) in self.key_pairs(&open) {
            for reading in readings.iter().filter(|reading| reading.column != column) {
                let (agreed, met) = self.agreement(key, column, reading, &open);
                let agreed = agreed.len();
                let better =
                    best.as_ref().is_none_or(|(most, hint, _)| (agreed, reading.hint) > (*most, *hint));
                if better && met > 0 {
                    let keyed = Keyed { key, column, reading: reading.clone(), agreed, met };
                    best = Some((agreed, reading.hint, keyed));
                }
            }
        }
        best.map(|(_, _, keyed)| keyed)
    }

    /// A second key for the records that the first leaves open.
    fn second_key(&self, first: &Keyed) -> Option<(usize, usize)> {
        let mut open = vec![true; self.known.len()];
        for number in self.agreement(first.key, first.column, &first.reading, &open.clone()).0 {
            open[number] = false;
        }
        let pairs = self.key_pairs(&open);
        let usable = pairs
            .iter()
            .filter(|(_, key, at)| (*key, *at) != (first.key, first.column) && *at != first.reading.column);
        let tried =
            usable.map(|(_, key, at)| (self.agreement(*key, *at, &first.reading, &open).0.len(), *key, *at));
        tried
            .filter(|(agreed, ..)| *agreed > 0)
            .max_by_key(|(agreed, key, _)| (*agreed, std::cmp::Reverse(*key)))
            .map(|(_, key, at)| (key, at))
    }

    fn write_keyed(&self, described: &Described, other: &Sample, best: Keyed) -> Fit {
        let keys = |key: usize, at: usize| (described.keys[key], self.columns[at].name.clone());
        let mut pairs = vec![keys(best.key, best.column)];
        pairs.extend(self.second_key(&best).map(|(key, at)| keys(key, at)));
        let unkeyed = self.known.iter().filter(|known| known.keys[best.key].is_empty()).count();
        let window = unkeyed * 5 > self.known.len();
        let sure = best.agreed > 0
            && (best.agreed * 2 >= best.met || best.agreed >= 20)
            && self.currency.or(self.fixed.map(|_| 0)).is_some();
        let evidence = format!(
            "of {} records whose `{}` is a `{}`, {} agree in amount",
            grouped(best.met),
            described.keys[best.key],
            self.columns[best.column].name,
            grouped(best.agreed)
        );
        let day = window.then(|| self.day_column()).flatten();
        let text = self.text(described, other, &pairs, &best.reading, day, &evidence);
        Fit { text, sureness: if sure { Sureness::Sure } else { Sureness::Unsure }, evidence }
    }

    /// Without a key that meets, amounts and days must do, as they do for people.
    fn write_by_day(&self, described: &Described, other: &Sample, readings: &[Reading]) -> Fit {
        let day = self.day_column();
        let mut best: Option<(usize, u64, &Reading)> = None;
        for reading in readings {
            let agreed = day.map_or(0, |day| self.agreed_by_day(reading, day));
            if best.is_none_or(|(most, hint, _)| (agreed, reading.hint) > (most, hint)) {
                best = Some((agreed, reading.hint, reading));
            }
        }
        let Some((agreed, _, reading)) = best else {
            let evidence = "no column of the other side looks like an amount".to_owned();
            return Fit { text: String::new(), sureness: Sureness::Unsure, evidence };
        };
        let fewer = self.known.len().min(self.rows);
        let evidence = format!(
            "no key meets; of {} records {} agree in amount within {WINDOW_DAYS} days",
            grouped(fewer),
            grouped(agreed)
        );
        let sure = agreed > 0 && agreed * 2 >= fewer && self.currency.or(self.fixed.map(|_| 0)).is_some();
        let text = self.text(described, other, &[], reading, day, &evidence);
        Fit { text, sureness: if sure { Sureness::Sure } else { Sureness::Unsure }, evidence }
    }

    fn agreed_by_day(&self, reading: &Reading, (at, format): (usize, &'static str)) -> usize {
        let mut there: HashMap<(Currency, i64), Vec<i64>> = HashMap::new();
        let read = times::day_reader(format);
        for row in 0..self.rows {
            let day = read(self.columns[at].values[row]);
            if let (Some(day), Some(currency), Some(amount)) =
                (day, self.currency_of(row), self.amount(reading, row))
            {
                there.entry((currency, amount)).or_default().push(day);
            }
        }
        let mut agreed = 0;
        for known in &self.known {
            let (Some(day), Some(days)) = (known.day, there.get_mut(&(known.currency, known.amount))) else {
                continue;
            };
            if let Some(place) = days.iter().position(|other| (other - day).abs() <= WINDOW_DAYS) {
                days.swap_remove(place);
                agreed += 1;
            }
        }
        agreed
    }

    /// The column of days or times of the other side, and its format.
    fn day_column(&self) -> Option<(usize, &'static str)> {
        let candidates = self.columns.iter().enumerate().filter_map(|(at, column)| {
            let format = times::day_or_time_format(column)?;
            let hint = column.hint(Role::Date).max(column.hint(Role::Time));
            Some((hint, std::cmp::Reverse(at), at, format))
        });
        candidates.max().map(|(_, _, at, format)| (at, format))
    }

    fn text(
        &self,
        described: &Described,
        other: &Sample,
        keys: &[(&'static str, String)],
        reading: &Reading,
        day: Option<(usize, &'static str)>,
        evidence: &str,
    ) -> String {
        let mut text = String::new();
        let line = |text: &mut String, line: &str| {
            text.push_str(line);
            text.push('\n');
        };
        line(&mut text, "# The statement's side is known by its format; the other side was fitted to it:");
        line(
            &mut text,
            &format!(
                "# {}.",
                evidence.chars().map(|c| if c.is_control() { '?' } else { c }).collect::<String>()
            ),
        );
        line(&mut text, "version = 1");
        line(&mut text, "name = \"fitted to a statement\"");
        for side in Side::BOTH {
            let name = side.name();
            let known = side == described.side;
            line(&mut text, &format!("\n[{name}]"));
            line(
                &mut text,
                &format!("format = \"{}\"", if known { "statement" } else { format_name(other) }),
            );
            if !known {
                self.write_table_settings(&mut text, other);
            }
            line(&mut text, &format!("\n[{name}.fields]"));
            for (number, (key, column)) in keys.iter().enumerate() {
                let column = if known { quote(key) } else { quote(column) };
                line(&mut text, &format!("k{} = {column}", number + 1));
            }
            if known {
                line(
                    &mut text,
                    &format!("amount = {{ column = {}, unit = \"decimal\" }}", quote(described.amount)),
                );
                line(&mut text, &format!("currency = {{ column = {} }}", quote(described.currency)));
                line(
                    &mut text,
                    &format!("date = {{ column = {}, format = \"%Y-%m-%d\" }}", quote(described.day)),
                );
                text.push_str(&described.more.replace("SIDE", name));
            } else {
                line(&mut text, &self.amount_text(reading));
                line(&mut text, &self.currency_text());
                if let Some((at, format)) = day {
                    let column = quote(&self.columns[at].name);
                    match times::is_day_format(format) {
                        true => line(
                            &mut text,
                            &format!("date = {{ column = {column}, format = {} }}", quote(format)),
                        ),
                        false => {
                            line(
                                &mut text,
                                &format!(
                                    "time = {{ column = {column}, format = {}, zone = \"UTC\" }}",
                                    quote(format)
                                ),
                            );
                            line(&mut text, "date = { from = \"time\", zone = \"UTC\" }");
                        }
                    }
                }
            }
        }
        for number in 1..=keys.len() {
            line(&mut text, "\n[[passes]]\nkind = \"exact\"");
            line(&mut text, &format!("key = \"k{number}\""));
        }
        if day.is_some() {
            line(&mut text, "\n# Records without a common key: by amount and day, where only one fits.");
            line(&mut text, "[[passes]]\nkind = \"window\"\nwhole = true");
            line(&mut text, &format!("days_min = -{WINDOW_DAYS}\ndays_max = {WINDOW_DAYS}"));
        }
        text
    }

    fn write_table_settings(&self, text: &mut String, other: &Sample) {
        if other.encoding == crate::rule::Encoding::Gb18030 && other.format != Format::Parquet {
            text.push_str("encoding = \"gb18030\"\n");
        }
        if matches!(other.format, Format::Csv | Format::Auto) && other.delimiter != b',' {
            let _ = writeln!(text, "delimiter = {}", quote(&char::from(other.delimiter).to_string()));
        }
        if !other.has_header {
            text.push_str("header = false\n");
        }
    }

    fn amount_text(&self, reading: &Reading) -> String {
        let column = &self.columns[reading.column];
        let unit = if reading.unit == AmountUnit::Decimal { "decimal" } else { "minor" };
        let mut text = format!("amount = {{ column = {}, unit = \"{unit}\"", quote(&column.name));
        match &reading.sign {
            Sign::AsWritten => {}
            Sign::Turned => text.push_str(", negate = true"),
            Sign::TurnedWhen(at, words) => {
                let words: Vec<String> = words.iter().map(|word| quote(word)).collect();
                let _ = write!(
                    text,
                    ", negate_when = {{ column = {}, in = [{}] }}",
                    quote(&self.columns[*at].name),
                    words.join(", ")
                );
            }
        }
        if column.has_groups {
            text.push_str(if column.decimal_comma {
                ", group_separator = \".\""
            } else {
                ", group_separator = \",\""
            });
        }
        if column.decimal_comma {
            text.push_str(", decimal_mark = \",\"");
        }
        text.push_str(" }");
        text
    }

    fn currency_text(&self) -> String {
        let Some(at) = self.currency else {
            let code = self.fixed.map_or("CNY", Currency::code);
            return format!("currency = {{ value = {} }}", quote(code));
        };
        let words = words_by_count(&self.columns[at]);
        let map: Vec<String> = words
            .iter()
            .filter(|(word, _)| Currency::parse(word).is_none())
            .filter_map(|(word, _)| {
                Some(format!("{} = {}", bare(word), quote(money::currency_of(word)?.code())))
            })
            .collect();
        let map = if map.is_empty() { String::new() } else { format!(", map = {{ {} }}", map.join(", ")) };
        format!("currency = {{ column = {}{map} }}", quote(&self.columns[at].name))
    }
}

fn format_name(sample: &Sample) -> &'static str {
    match sample.format {
        Format::Auto => "auto",
        Format::Csv => "csv",
        Format::Tsv => "tsv",
        Format::Ndjson => "ndjson",
        Format::Parquet => "parquet",
        Format::Statement => "statement",
    }
}

/// The column of currencies: by name and values, or by values alone where no two do.
fn currency_column(columns: &[Profile<'_>]) -> Option<usize> {
    let readable = |column: &Profile<'_>| {
        column.filled > 0
            && !(column.numeric && column.hint(Role::Currency) < 2)
            && column.values.iter().all(|word| !word.is_empty() && money::currency_of(word).is_some())
    };
    best_by_name(columns, Role::Currency, |at| readable(&columns[at]))
        .or_else(|| columns.iter().position(readable))
}

/// Says whether a word of a type or direction means that money goes out.
fn goes_out(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "refund",
        "refunded",
        "out",
        "outgoing",
        "debit",
        "dbit",
        "dr",
        "d",
        "payout",
        "withdrawal",
        "withdraw",
        "chargeback",
        "dispute",
        "fee",
        "transfer_out",
        "expense",
        "paid_out",
        "rd",
        "return",
        "reversal",
        "-",
    ];
    const PARTS: &[&str] = &[
        "退款",
        "支出",
        "出账",
        "借",
        "提现",
        "付款出",
        "转出",
        "撤销",
        "refund",
        "debit",
        "payout",
        "chargeback",
    ];
    let lower = word.to_lowercase();
    WORDS.contains(&lower.as_str()) || PARTS.iter().any(|part| lower.contains(part))
}

#[cfg(test)]
mod tests;
