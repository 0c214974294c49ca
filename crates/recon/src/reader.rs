//! Rows to digests and records: the only place where field texts become values.
//!
//! The scan asks for a [`Digest`] of each row, which touches only what decides; the fetch asks for
//! the whole record. Both go through the same functions, so they cannot disagree.

use crate::digest::{KeyHash, combine, keep_first, words_of};
use crate::layout::{AmountOp, Col, CurrencyOp, DateOp, Layout, WordOp};
use crate::record::{KEYS_MAX, Loc, NewRecord, Side, Text, Word, Words};
use crate::sizes::Sizes;
use crate::time::{TimeError, business_date};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Mutex;
use suanpan_money::{Currency, DecimalError, parse_decimal, parse_minor};

mod amount;

use amount::{fast_amount, with_point, without_groups};

/// The fields of one row.
pub(crate) trait Fields {
    /// Returns a field's text, without quotes.
    fn field(&self, col: Col) -> &[u8];

    /// Returns the text's first 32 bytes or more readable bytes behind it, and its length. `None`
    /// where the field lies too near the end of its buffer.
    #[inline(always)]
    fn head32(&self, col: Col) -> Option<([u64; 4], usize)> {
        let _ = col;
        None
    }

    /// Returns the 16 bytes that end with the text, and its length.
    #[inline(always)]
    fn tail16(&self, col: Col) -> Option<([u8; 16], usize)> {
        let _ = col;
        None
    }

    /// Returns a number and its decimals, where the field is held as one.
    #[inline(always)]
    fn number(&self, col: Col) -> Option<(i64, u8)> {
        let _ = col;
        None
    }

    /// Returns the number of a dictionary and the text's place in it, where the text stands in one.
    #[inline(always)]
    fn entry(&self, col: Col) -> Option<(u64, u32)> {
        let _ = col;
        None
    }
}

/// What the scan needs of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Digest {
    /// A row with a key.
    Keyed { key: KeyHash, value: u64 },
    /// A row whose first key is null, or that no fast path applies to.
    Unkeyed,
    /// Left out by this skip rule.
    Skipped(usize),
}

/// Why a row is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The row has another number of fields than the header.
    #[error("row has {found} fields, the header has {wanted}")]
    FieldCount {
        /// Fields found.
        found: usize,
        /// Fields of the header.
        wanted: usize,
    },
    /// An amount cannot be read.
    #[error("{reason}: `{text}`{}", separators_hint(.text, *.reason))]
    Amount {
        /// The column.
        column: String,
        /// What is wrong.
        reason: DecimalError,
        /// The text.
        text: String,
    },
    /// A currency is not known.
    #[error("unknown currency `{text}`; give ISO 4217 letters or digits, or add it to the map")]
    Currency {
        /// The column.
        column: String,
        /// The text.
        text: String,
    },
    /// A word is not in the rule's map.
    #[error("`{text}` is not in the map; add it, or set unmapped = \"keep\"")]
    Unmapped {
        /// The column.
        column: String,
        /// The text.
        text: String,
    },
    /// A column has too many distinct words to be a type or status.
    #[error("more than {} distinct words: this column is not a type or status", Words::MAX)]
    TooManyWords {
        /// The column.
        column: String,
    },
    /// A time or date cannot be read.
    #[error("{reason}: `{text}`")]
    Time {
        /// The column.
        column: String,
        /// What is wrong.
        reason: TimeError,
        /// The text.
        text: String,
    },
    /// A needed field is not valid UTF-8.
    #[error("not valid UTF-8; if the file is GB18030, set encoding = \"gb18030\"")]
    Utf8 {
        /// The column.
        column: String,
    },
    /// The file ends inside quotes.
    #[error("a quote is opened here and never closed")]
    OpenQuote,
    /// A row is longer than the limit.
    #[error("row is longer than {limit} bytes; is a quote left open?")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// A line of NDJSON is not an object.
    #[error("not a JSON object at byte {column}: {message}")]
    Json {
        /// Byte column within the line, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
}

/// What to set where a text is an amount in another way of writing.
fn separators_hint(text: &str, reason: DecimalError) -> &'static str {
    if !matches!(reason, DecimalError::Character(_) | DecimalError::TooManyDecimals) {
        return "";
    }
    match (text.rfind(','), text.rfind('.')) {
        (None, Some(first)) if text[..first].contains('.') => {
            "; for these set group_separator = \".\" and decimal_mark = \",\""
        }
        (None, _) => "",
        (Some(comma), Some(point)) if comma > point => {
            "; for these set group_separator = \".\" and decimal_mark = \",\""
        }
        // Three digits behind the only comma may be either.
        (Some(comma), None) if text.len() - comma != 4 => {
            "; for a comma before decimals set decimal_mark = \",\""
        }
        (Some(_), _) => "; for group separators set group_separator = \",\"",
    }
}

impl RowError {
    /// Returns a stable word for the kind of error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            RowError::FieldCount { .. } => "field_count",
            RowError::Amount { .. } => "amount",
            RowError::Currency { .. } => "currency",
            RowError::Unmapped { .. } => "unmapped_word",
            RowError::TooManyWords { .. } => "too_many_words",
            RowError::Time { .. } => "time",
            RowError::Utf8 { .. } => "utf8",
            RowError::OpenQuote => "open_quote",
            RowError::TooLong { .. } => "row_too_long",
            RowError::Json { .. } => "json",
        }
    }

    /// Returns the column at fault, where one is.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        match self {
            RowError::Amount { column, .. }
            | RowError::Currency { column, .. }
            | RowError::Unmapped { column, .. }
            | RowError::TooManyWords { column }
            | RowError::Time { column, .. }
            | RowError::Utf8 { column } => Some(column),
            RowError::FieldCount { .. }
            | RowError::OpenQuote
            | RowError::TooLong { .. }
            | RowError::Json { .. } => None,
        }
    }
}

/// Count and sum of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CurrencyTotal {
    /// The currency.
    pub currency: Currency,
    /// Records.
    pub count: u64,
    /// Sum of amounts in minor units.
    pub sum: i128,
}

/// Totals of several currencies, in order of numeric code when [`Totals::sorted`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    list: Vec<CurrencyTotal>,
}

impl Totals {
    /// Adds one amount.
    #[inline(always)]
    pub(crate) fn add(&mut self, currency: Currency, amount: i64) {
        self.add_many(currency, 1, i128::from(amount));
    }

    /// Adds a count and sum.
    #[inline(always)]
    pub(crate) fn add_many(&mut self, currency: Currency, count: u64, sum: i128) {
        match self.list.iter_mut().find(|t| t.currency == currency) {
            Some(total) => {
                total.count += count;
                total.sum += sum;
            }
            None => self.list.push(CurrencyTotal { currency, count, sum }),
        }
    }

    /// Adds other totals.
    pub(crate) fn merge(&mut self, other: &Totals) {
        for t in &other.list {
            self.add_many(t.currency, t.count, t.sum);
        }
    }

    /// Returns the totals in order of currency code, without empty ones.
    #[must_use]
    pub(crate) fn sorted(&self) -> Vec<CurrencyTotal> {
        let mut list: Vec<_> = self.list.iter().copied().filter(|t| t.count != 0 || t.sum != 0).collect();
        list.sort_by_key(|t| t.currency.code());
        list
    }

    /// Returns count and sum of one currency.
    #[must_use]
    pub(crate) fn of(&self, currency: Currency) -> (u64, i128) {
        self.list.iter().find(|t| t.currency == currency).map_or((0, 0), |t| (t.count, t.sum))
    }
}

/// A word as both its number and its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct KnownWord {
    word: Word,
    hash: u64,
}

/// Words by their text in the file: short ones in a list, the rest in a map.
#[derive(Debug, Default)]
struct WordCache {
    short: Vec<(u64, usize, Result<KnownWord, RowError>)>,
    long: HashMap<Vec<u8>, Result<KnownWord, RowError>>,
    entries: Entries<KnownWord>,
}

/// What the texts of the current dictionary of a column mean.
#[derive(Debug)]
struct Entries<T> {
    dictionary: u64,
    known: Vec<Option<T>>,
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Entries { dictionary: 0, known: Vec::new() }
    }
}

impl<T: Copy> Entries<T> {
    #[inline(always)]
    fn get(&self, (dictionary, index): (u64, u32)) -> Option<T> {
        let known = *self.known.get(index as usize)?;
        known.filter(|_| dictionary == self.dictionary)
    }

    #[inline(never)]
    fn keep(&mut self, (dictionary, index): (u64, u32), value: T) {
        if dictionary != self.dictionary {
            self.known.clear();
            self.dictionary = dictionary;
        }
        let index = index as usize;
        if self.known.len() <= index {
            self.known.resize(index + 1, None);
        }
        self.known[index] = Some(value);
    }
}

/// Reads the rows of one file for one thread.
pub(crate) struct Reader<'a> {
    pub(crate) layout: &'a Layout,
    words: &'a Mutex<Words>,
    kinds: WordCache,
    statuses: WordCache,
    /// Currency texts seen, as packed bytes with length.
    currencies: Vec<(u64, usize, Currency, u8)>,
    currency_entries: Entries<(Currency, u8)>,
    null_lengths: u64,
    scratch: Vec<u8>,
    pub(crate) totals: Totals,
    /// How large the amounts of the left side are; both sides of a match in bulk have the same.
    pub(crate) sizes: Sizes,
    /// Largest business date seen, where dates are used.
    pub(crate) last_date: Option<i32>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(layout: &'a Layout, words: &'a Mutex<Words>) -> Self {
        let null_lengths = layout.null_keys.iter().fold(1_u64, |bits, key| bits | 1 << key.len().min(63));
        Reader {
            layout,
            words,
            kinds: WordCache::default(),
            statuses: WordCache::default(),
            currencies: Vec::new(),
            currency_entries: Entries::default(),
            null_lengths,
            scratch: Vec::new(),
            totals: Totals::default(),
            sizes: Sizes::default(),
            last_date: None,
        }
    }

    /// Digests a row and adds it to the totals unless it is skipped or rejected.
    #[inline(always)]
    pub(crate) fn digest<F: Fields>(&mut self, row: &F) -> Result<Digest, RowError> {
        let layout = self.layout;
        if !layout.skip.is_empty()
            && let Some(rule) = layout.skip.iter().position(|t| t.holds(row.field(t.col)))
        {
            return Ok(Digest::Skipped(rule));
        }
        let (currency, exponent) = self.currency(row)?;
        let amount = self.amount(row, &layout.amount, exponent)?;
        let kind = self.kind(row)?;
        let status = self.status(row)?;
        let used = layout.used;
        let mut words = u64::from(currency.numeric());
        if used.kind_compared {
            words = words.wrapping_add(kind.hash);
        }
        if used.status_compared {
            words = words.wrapping_add(status.hash.rotate_left(17));
        }
        let mut more = 0;
        if used.fee
            && let Some(op) = &layout.fee
        {
            let fee = self.optional_amount(row, op, exponent)?;
            if used.fee_compared {
                more = fee.map_or(1, |f| combine(f as u64, 2));
            }
        }
        if used.time || used.date {
            let time = self.time(row)?;
            let date = self.date(row, time)?;
            self.last_date = self.last_date.max(date);
            if used.date_compared {
                more = combine(more, date.map_or(u64::MAX, |d| u64::from(d as u32)));
            }
        }
        for col in &layout.checked {
            self.check_utf8(row.field(*col), *col)?;
        }
        let key = match layout.first_key {
            None => None,
            Some(n) => self.key_hash(row, n)?,
        };
        self.totals.add(currency, amount);
        if layout.side == Side::Left {
            self.sizes.add(exponent, amount);
        }
        Ok(match key {
            None => Digest::Unkeyed,
            Some(key) => Digest::Keyed { key, value: layout.secret.value(key, amount, words, more) },
        })
    }

    /// Reads a whole record and gives it to `take`. Does not add to the totals.
    pub(crate) fn record<F: Fields, T>(
        &mut self,
        row: &F,
        loc: Loc,
        take: impl FnOnce(&NewRecord<'_>) -> T,
    ) -> Result<T, RowError> {
        let layout = self.layout;
        let (currency, exponent) = self.currency(row)?;
        let amount = self.amount(row, &layout.amount, exponent)?;
        let fee = match &layout.fee {
            None => None,
            Some(op) => match self.optional_amount(row, op, exponent) {
                Ok(fee) => fee,
                Err(error) if layout.used.fee => return Err(error),
                Err(_) => None,
            },
        };
        let kind = self.kind(row)?.word;
        let status = self.status(row)?.word;
        let checked = layout.used.time || layout.used.date;
        let time = match self.time(row) {
            Err(error) if checked => return Err(error),
            other => other.ok().flatten(),
        };
        let date = match self.date(row, time) {
            Err(error) if checked => return Err(error),
            other => other.ok().flatten(),
        };
        // All texts go through one buffer, since keys may have to be joined or folded.
        let mut buffer = std::mem::take(&mut self.scratch);
        buffer.clear();
        let mut spans: [Option<Range<usize>>; Text::SLOTS] = Default::default();
        for (n, span) in spans.iter_mut().enumerate().take(layout.keys.len().min(KEYS_MAX)) {
            let start = buffer.len();
            if self.key_bytes(row, n, &mut buffer)? {
                *span = Some(start..buffer.len());
            } else {
                buffer.truncate(start);
            }
        }
        for (text, col) in layout.text_cols() {
            let bytes = row.field(col).trim_ascii();
            self.check_utf8(bytes, col)?;
            if !bytes.is_empty() {
                let start = buffer.len();
                buffer.extend_from_slice(bytes);
                spans[text.slot()] = Some(start..buffer.len());
            }
        }
        let mut texts = [None; Text::SLOTS];
        for (text, span) in texts.iter_mut().zip(spans) {
            *text = span.map(|s| &buffer[s]);
        }
        let side = layout.side;
        let taken =
            take(&NewRecord { side, loc, amount, fee, currency, kind, status, time, date, age: 0, texts });
        self.scratch = buffer;
        Ok(taken)
    }

    /// Returns the hash of key `n`, or `None` where it is null.
    #[inline(always)]
    pub(crate) fn key_hash<F: Fields>(&mut self, row: &F, n: usize) -> Result<Option<KeyHash>, RowError> {
        if let [col] = self.layout.keys[n][..]
            && !self.layout.fold_key_case
            && !self.layout.secret.is_strong()
            && let Some((head, len)) = row.head32(col)
            && len <= 32
            && len > 0
        {
            let words = keep_first(head, len);
            let high = (words[0] | words[1] | words[2] | words[3]) & 0x8080_8080_8080_8080;
            let last = len - 1;
            let last = (words[last / 8] >> (last % 8 * 8)) as u8;
            let maybe_null = self.null_lengths >> len.min(63) & 1 == 1;
            // Plain ASCII without blanks at its ends, and not one of the null words: the usual case.
            if high == 0 && (words[0] as u8) > b' ' && last > b' ' && !maybe_null {
                return Ok(Some(self.layout.secret.key32(words, len)));
            }
        }
        self.key_hash_slow(row, n)
    }

    #[cold]
    fn key_hash_slow<F: Fields>(&mut self, row: &F, n: usize) -> Result<Option<KeyHash>, RowError> {
        let mut buffer = std::mem::take(&mut self.scratch);
        buffer.clear();
        let present = self.key_bytes(row, n, &mut buffer)?;
        let hash = present.then(|| self.layout.secret.key(&buffer));
        self.scratch = buffer;
        Ok(hash)
    }

    /// Appends the canonical bytes of key `n` and says whether it is present. Null when every
    /// component is empty or a null word.
    fn key_bytes<F: Fields>(&self, row: &F, n: usize, out: &mut Vec<u8>) -> Result<bool, RowError> {
        let mut present = false;
        for (i, col) in self.layout.keys[n].iter().enumerate() {
            if i > 0 {
                out.push(0x1F);
            }
            let text = row.field(*col).trim_ascii();
            self.check_utf8(text, *col)?;
            if text.is_empty() || self.layout.null_keys.iter().any(|null| null == text) {
                continue;
            }
            present = true;
            let start = out.len();
            out.extend_from_slice(text);
            if self.layout.fold_key_case {
                out[start..].make_ascii_lowercase();
            }
        }
        Ok(present)
    }

    #[inline(always)]
    fn check_utf8(&self, text: &[u8], col: Col) -> Result<(), RowError> {
        if text.is_ascii() || std::str::from_utf8(text).is_ok() {
            return Ok(());
        }
        Err(RowError::Utf8 { column: self.layout.name(col).to_owned() })
    }

    #[inline(always)]
    fn currency<F: Fields>(&mut self, row: &F) -> Result<(Currency, u8), RowError> {
        let col = match &self.layout.currency {
            CurrencyOp::Fixed(currency) => match self.currencies.first() {
                Some((_, _, currency, exponent)) => return Ok((*currency, *exponent)),
                None => {
                    self.currencies.push((0, 0, *currency, currency.exponent()));
                    return Ok((*currency, currency.exponent()));
                }
            },
            CurrencyOp::Column(col, _) => *col,
        };
        let Some(entry) = row.entry(col) else { return self.currency_text(row, col) };
        if let Some(known) = self.currency_entries.get(entry) {
            return Ok(known);
        }
        let read = self.currency_text(row, col)?;
        self.currency_entries.keep(entry, read);
        Ok(read)
    }

    #[inline(always)]
    fn currency_text<F: Fields>(&mut self, row: &F, col: Col) -> Result<(Currency, u8), RowError> {
        if let Some((packed, len)) = short_text(row, col)
            && let Some((_, _, currency, exponent)) =
                self.currencies.iter().find(|c| c.0 == packed && c.1 == len)
        {
            return Ok((*currency, *exponent));
        }
        self.new_currency(row, col)
    }

    #[cold]
    fn new_currency<F: Fields>(&mut self, row: &F, col: Col) -> Result<(Currency, u8), RowError> {
        let text = String::from_utf8_lossy(row.field(col).trim_ascii()).into_owned();
        let mapped = match &self.layout.currency {
            CurrencyOp::Column(_, map) => map.iter().find(|(word, _)| *word == text).map(|(_, c)| *c),
            CurrencyOp::Fixed(currency) => Some(*currency),
        };
        let currency = mapped.or_else(|| Currency::parse(&text));
        let Some(currency) = currency else {
            return Err(RowError::Currency {
                column: self.layout.name(col).to_owned(),
                text: shortened(&text),
            });
        };
        if let Some((packed, len)) = short_text(row, col) {
            self.currencies.push((packed, len, currency, currency.exponent()));
        }
        Ok((currency, currency.exponent()))
    }

    #[inline(always)]
    fn amount<F: Fields>(&self, row: &F, op: &AmountOp, exponent: u8) -> Result<i64, RowError> {
        let value = match fast_amount(row, op, exponent) {
            Some(value) => value,
            None => self.amount_slow(row, op, exponent)?,
        };
        if !op.negate && op.negate_when.is_none() {
            return Ok(value);
        }
        let negate = op.negate ^ op.negate_when.as_ref().is_some_and(|t| t.holds(row.field(t.col)));
        if !negate {
            return Ok(value);
        }
        value.checked_neg().ok_or_else(|| self.amount_error(row, op, DecimalError::TooLarge))
    }

    #[cold]
    fn amount_slow<F: Fields>(&self, row: &F, op: &AmountOp, exponent: u8) -> Result<i64, RowError> {
        let text = row.field(op.col).trim_ascii();
        let parse = |text: &[u8]| if op.decimal { parse_decimal(text, exponent) } else { parse_minor(text) };
        let value = match op.group_separator {
            Some(separator) if text.contains(&separator) => {
                without_groups(text, separator, op.decimal_mark).and_then(|t| parse(&with_point(&t, op)?))
            }
            _ => with_point(text, op).and_then(|t| parse(&t)),
        };
        value.map_err(|reason| self.amount_error(row, op, reason))
    }

    #[cold]
    fn amount_error<F: Fields>(&self, row: &F, op: &AmountOp, reason: DecimalError) -> RowError {
        let text = shortened(&String::from_utf8_lossy(row.field(op.col)));
        RowError::Amount { column: self.layout.name(op.col).to_owned(), reason, text }
    }

    fn optional_amount<F: Fields>(
        &self,
        row: &F,
        op: &AmountOp,
        exponent: u8,
    ) -> Result<Option<i64>, RowError> {
        if row.field(op.col).trim_ascii().is_empty() {
            return Ok(None);
        }
        self.amount(row, op, exponent).map(Some)
    }

    #[inline(always)]
    fn kind<F: Fields>(&mut self, row: &F) -> Result<KnownWord, RowError> {
        read_word(self.layout, &self.layout.kind, &mut self.kinds, self.words, row)
    }

    #[inline(always)]
    fn status<F: Fields>(&mut self, row: &F) -> Result<KnownWord, RowError> {
        read_word(self.layout, &self.layout.status, &mut self.statuses, self.words, row)
    }

    fn time<F: Fields>(&self, row: &F) -> Result<Option<i64>, RowError> {
        let Some((col, reader)) = &self.layout.time else { return Ok(None) };
        let text = row.field(*col).trim_ascii();
        if text.is_empty() {
            return Ok(None);
        }
        reader.read(text).map(Some).map_err(|reason| self.time_error(*col, text, reason))
    }

    fn date<F: Fields>(&self, row: &F, time: Option<i64>) -> Result<Option<i32>, RowError> {
        match &self.layout.date {
            None => Ok(None),
            Some(DateOp::Column(col, reader)) => {
                let text = row.field(*col).trim_ascii();
                if text.is_empty() {
                    return Ok(None);
                }
                reader.read(text).map(Some).map_err(|reason| self.time_error(*col, text, reason))
            }
            Some(DateOp::FromTime { zone, cut_off_s }) => {
                Ok(time.map(|time| business_date(time, zone, *cut_off_s)))
            }
        }
    }

    #[cold]
    fn time_error(&self, col: Col, text: &[u8], reason: TimeError) -> RowError {
        let text = shortened(&String::from_utf8_lossy(text));
        RowError::Time { column: self.layout.name(col).to_owned(), reason, text }
    }
}

#[inline(always)]
fn short_text<F: Fields>(row: &F, col: Col) -> Option<(u64, usize)> {
    if let Some((head, len)) = row.head32(col) {
        return (len <= 8).then(|| (keep_first(head, len)[0], len));
    }
    let text = row.field(col);
    if text.len() > 8 {
        return None;
    }
    let mut all = [0; 32];
    all[..text.len()].copy_from_slice(text);
    Some((words_of(&all)[0], text.len()))
}

#[inline(always)]
fn read_word<F: Fields>(
    layout: &Layout,
    op: &WordOp,
    cache: &mut WordCache,
    words: &Mutex<Words>,
    row: &F,
) -> Result<KnownWord, RowError> {
    let Some(col) = op.col else {
        if op.default.is_empty() {
            return Ok(KnownWord { word: Word::default(), hash: 0 });
        }
        return new_word(layout, op, cache, words, None, b"");
    };
    let Some(entry) = row.entry(col) else { return read_text(layout, op, cache, words, row, col) };
    if let Some(known) = cache.entries.get(entry) {
        return Ok(known);
    }
    let known = read_text(layout, op, cache, words, row, col)?;
    cache.entries.keep(entry, known);
    Ok(known)
}

#[inline(always)]
fn read_text<F: Fields>(
    layout: &Layout,
    op: &WordOp,
    cache: &mut WordCache,
    words: &Mutex<Words>,
    row: &F,
    col: Col,
) -> Result<KnownWord, RowError> {
    if let Some((packed, len)) = short_text(row, col) {
        if let Some((_, _, known)) = cache.short.iter().find(|w| w.0 == packed && w.1 == len) {
            return known.clone();
        }
    } else if let Some(known) = cache.long.get(row.field(col)) {
        return known.clone();
    }
    new_word(layout, op, cache, words, Some(col), row.field(col))
}

#[cold]
fn new_word(
    layout: &Layout,
    op: &WordOp,
    cache: &mut WordCache,
    words: &Mutex<Words>,
    col: Option<Col>,
    raw: &[u8],
) -> Result<KnownWord, RowError> {
    if col.is_none()
        && let Some((_, _, known)) = cache.short.first()
    {
        return known.clone();
    }
    let column = || col.map_or_else(String::new, |c| layout.name(c).to_owned());
    let found = (|| {
        let text = std::str::from_utf8(raw.trim_ascii()).map_err(|_| RowError::Utf8 { column: column() })?;
        let mapped = op.map.iter().find(|(from, _)| from == text).map(|(_, to)| to.as_str());
        let word = match mapped {
            Some(word) => word,
            None if text.is_empty() => &op.default,
            None if op.reject_unmapped => {
                return Err(RowError::Unmapped { column: column(), text: shortened(text) });
            }
            None => text,
        };
        let number = words.lock().expect("no thread panicked").intern(word);
        let number = number.ok_or_else(|| RowError::TooManyWords { column: column() })?;
        Ok(KnownWord { word: number, hash: layout.secret.word(word) })
    })();
    // Rejected words are not cached without bound: their number is not limited by the vocabulary.
    let keep = found.is_ok() || cache.short.len() + cache.long.len() < 2 * Words::MAX;
    if keep && raw.len() <= 8 {
        let mut all = [0; 32];
        all[..raw.len()].copy_from_slice(raw);
        cache.short.push((words_of(&all)[0], raw.len(), found.clone()));
    } else if keep {
        cache.long.insert(raw.to_vec(), found.clone());
    }
    found
}

/// Cuts a text for a message.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}
