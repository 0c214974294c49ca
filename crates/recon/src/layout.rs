//! Rules against a header: which columns of a file are needed, and what each is for.

use crate::digest::Secret;
use crate::record::{KEYS_MAX, Side, Text};
use crate::rule::{
    AmountField, AmountUnit, Column, CurrencyField, DateField, Field, PassKind, Rules, SideRules, Test,
    Unmapped, WordField, WordTest,
};
use crate::time::{DateReader, TimeReader, Zone};
use suanpan_money::Currency;

/// Where a needed column is found: its place in the file, and its place among the needed columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Col {
    /// Column of the file, from 0.
    pub(crate) physical: u32,
    /// Index into [`Layout::needed`].
    pub(crate) slot: u32,
}

/// Why rules do not fit a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// A column that the rules name is not in the file.
    #[error("{file}: no column `{column}` for {side}.{used_for}{}; the file has: {}", hint(.similar), .header.join(", "))]
    MissingColumn {
        /// The file.
        file: String,
        /// `left` or `right`.
        side: &'static str,
        /// The column that the rules name.
        column: String,
        /// The field it is for.
        used_for: String,
        /// The most similar column of the file.
        similar: Option<String>,
        /// The columns of the file.
        header: Vec<String>,
    },
    /// Two columns have the name that the rules use.
    #[error("{file}: column `{column}` stands twice in the header; name it by position, such as `#{first}`")]
    AmbiguousColumn {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// Its first position, from 1.
        first: usize,
    },
    /// A time format or zone of the rules is not usable.
    #[error("{side}.{field}: {message}")]
    Time {
        /// `left` or `right`.
        side: &'static str,
        /// The field.
        field: &'static str,
        /// What is wrong.
        message: String,
    },
}

fn hint(similar: &Option<String>) -> String {
    similar.as_ref().map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

/// How to read the rows of one file.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) side: Side,
    /// Needed columns of the file, ascending.
    pub(crate) needed: Vec<usize>,
    /// Slots of the columns that decide anything: all that the scan looks at.
    pub(crate) deciding: Vec<u32>,
    /// Columns of which only this is asked in each row: that they are valid UTF-8.
    pub(crate) checked: Vec<Col>,
    /// Names of all columns.
    pub(crate) header: Vec<String>,
    pub(crate) keys: Vec<Vec<Col>>,
    /// The key that the fast path groups by; `None` when the first pass is of another kind.
    pub(crate) first_key: Option<usize>,
    pub(crate) kind: WordOp,
    pub(crate) status: WordOp,
    pub(crate) currency: CurrencyOp,
    pub(crate) amount: AmountOp,
    pub(crate) fee: Option<AmountOp>,
    pub(crate) time: Option<(Col, TimeReader)>,
    pub(crate) date: Option<DateOp>,
    pub(crate) texts: [Option<Col>; 4],
    pub(crate) skip: Vec<TestOp>,
    pub(crate) null_keys: Vec<Vec<u8>>,
    pub(crate) fold_key_case: bool,
    pub(crate) used: Used,
    pub(crate) secret: Secret,
}

/// Which optional fields decide anything: those are checked in every row, and compared where the
/// first pass says so. The others are only shown, and are empty where they cannot be read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    pub(crate) kind_compared: bool,
    pub(crate) status_compared: bool,
    pub(crate) fee_compared: bool,
    pub(crate) date_compared: bool,
    pub(crate) fee: bool,
    pub(crate) time: bool,
    pub(crate) date: bool,
}

impl Used {
    pub(crate) fn of(rules: &Rules) -> Used {
        let mut used = Used::default();
        for (at, pass) in rules.passes.iter().enumerate() {
            let eq: &[Field] = match &pass.kind {
                PassKind::Exact { compare, .. } => {
                    if at == 0 {
                        used.kind_compared = compare.contains(&Field::Kind);
                        used.status_compared = compare.contains(&Field::Status);
                        used.fee_compared = compare.contains(&Field::Fee);
                        used.date_compared = compare.contains(&Field::Date);
                    }
                    compare
                }
                PassKind::Net { eq, within_s } => {
                    used.time |= within_s.is_some();
                    eq
                }
                PassKind::Window { eq, .. } | PassKind::Subset { eq, .. } => {
                    used.date = true;
                    eq
                }
                PassKind::Batch { eq, net_of_fees, .. } => {
                    used.fee |= net_of_fees;
                    eq
                }
            };
            used.fee |= eq.contains(&Field::Fee);
            used.date |= eq.contains(&Field::Date);
        }
        used.date |= rules.close.pending_days.is_some();
        used
    }
}

#[derive(Debug)]
pub(crate) struct WordOp {
    pub(crate) col: Option<Col>,
    pub(crate) map: Vec<(String, String)>,
    pub(crate) reject_unmapped: bool,
    pub(crate) default: String,
}

#[derive(Debug)]
pub(crate) enum CurrencyOp {
    Fixed(Currency),
    Column(Col, Vec<(String, Currency)>),
}

#[derive(Debug)]
pub(crate) struct AmountOp {
    pub(crate) col: Col,
    pub(crate) decimal: bool,
    pub(crate) negate: bool,
    pub(crate) negate_when: Option<TestOp>,
    pub(crate) group_separator: Option<u8>,
    pub(crate) decimal_mark: u8,
}

#[derive(Debug)]
pub(crate) enum DateOp {
    Column(Col, DateReader),
    FromTime { zone: Zone, cut_off_s: Option<u32> },
}

#[derive(Debug)]
pub(crate) struct TestOp {
    pub(crate) col: Col,
    pub(crate) test: Test,
}

impl TestOp {
    pub(crate) fn holds(&self, text: &[u8]) -> bool {
        let text = text.trim_ascii();
        match &self.test {
            Test::In(words) => words.iter().any(|w| w.as_bytes() == text),
            Test::NotIn(words) => words.iter().all(|w| w.as_bytes() != text),
            Test::Prefix(words) => words.iter().any(|w| text.starts_with(w.as_bytes())),
            Test::Empty => text.is_empty(),
            Test::NotEmpty => !text.is_empty(),
        }
    }
}

struct Resolver<'a> {
    file: &'a str,
    side: Side,
    header: &'a [String],
    needed: Vec<usize>,
}

impl Resolver<'_> {
    /// Finds a column; its slot is filled in when all needed columns are known.
    fn col(&mut self, column: &Column, used_for: &str) -> Result<Col, LayoutError> {
        let position = column.0.strip_prefix('#').and_then(|n| n.parse::<usize>().ok());
        let mut named =
            self.header.iter().enumerate().filter(|(_, name)| **name == column.0).map(|(at, _)| at);
        let found = match (named.next(), position) {
            (Some(at), _) => {
                if named.next().is_some() {
                    return Err(LayoutError::AmbiguousColumn {
                        file: self.file.to_owned(),
                        column: column.0.clone(),
                        first: at + 1,
                    });
                }
                Some(at)
            }
            (None, Some(n)) if n >= 1 && n <= self.header.len() => Some(n - 1),
            _ => None,
        };
        let Some(at) = found else {
            return Err(LayoutError::MissingColumn {
                file: self.file.to_owned(),
                side: self.side.name(),
                column: column.0.clone(),
                used_for: used_for.to_owned(),
                similar: similar(&column.0, self.header),
                header: self.header.iter().take(50).cloned().collect(),
            });
        };
        if !self.needed.contains(&at) {
            self.needed.push(at);
        }
        Ok(Col { physical: u32::try_from(at).expect("few columns"), slot: 0 })
    }

    fn test(&mut self, test: &WordTest, used_for: &str) -> Result<TestOp, LayoutError> {
        Ok(TestOp { col: self.col(&test.column, used_for)?, test: test.test.clone() })
    }

    fn amount(&mut self, field: &AmountField, used_for: &str) -> Result<AmountOp, LayoutError> {
        let negate_when = field.negate_when.as_ref().map(|t| self.test(t, used_for)).transpose()?;
        Ok(AmountOp {
            col: self.col(&field.column, used_for)?,
            decimal: field.unit == AmountUnit::Decimal,
            negate: field.negate,
            negate_when,
            group_separator: field.group_separator,
            decimal_mark: field.decimal_mark,
        })
    }

    fn word(&mut self, field: Option<&WordField>, used_for: &str) -> Result<WordOp, LayoutError> {
        let Some(field) = field else {
            return Ok(WordOp { col: None, map: Vec::new(), reject_unmapped: false, default: String::new() });
        };
        Ok(WordOp {
            col: field.column.as_ref().map(|c| self.col(c, used_for)).transpose()?,
            map: field.map.clone(),
            reject_unmapped: field.unmapped == Unmapped::Reject,
            default: field.default.clone(),
        })
    }
}

fn similar(wanted: &str, header: &[String]) -> Option<String> {
    let folded = wanted.to_lowercase();
    header
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&folded, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 2.max(name.chars().count() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name.clone())
}

impl Layout {
    /// Fits the rules of a side to the header of one of its files.
    ///
    /// # Errors
    /// [`LayoutError`] when a named column is missing or a time format is not usable.
    pub(crate) fn new(
        rules: &Rules,
        side: Side,
        file: &str,
        header: &[String],
        secret: &Secret,
    ) -> Result<Layout, LayoutError> {
        let own: &SideRules = &rules.sides[side.index()];
        let mut find = Resolver { file, side, header, needed: Vec::new() };
        let mut keys = Vec::new();
        for (n, key) in own.keys.iter().enumerate().take(KEYS_MAX) {
            let name = format!("fields.k{}", n + 1);
            keys.push(key.columns.iter().map(|c| find.col(c, &name)).collect::<Result<Vec<_>, _>>()?);
        }
        let bad_time = |field, message| LayoutError::Time { side: side.name(), field, message };
        let time = match &own.time {
            None => None,
            Some(field) => {
                let reader = TimeReader::compile(&field.format, &field.zone)
                    .map_err(|e| bad_time("fields.time", e.to_string()))?;
                Some((find.col(&field.column, "fields.time")?, reader))
            }
        };
        let date = match &own.date {
            None => None,
            Some(DateField::Column { column, format }) => {
                let reader =
                    DateReader::compile(format).map_err(|e| bad_time("fields.date", e.to_string()))?;
                Some(DateOp::Column(find.col(column, "fields.date")?, reader))
            }
            Some(DateField::FromTime { zone, cut_off_s }) => {
                let zone = Zone::find(zone).map_err(|e| bad_time("fields.date", e.to_string()))?;
                Some(DateOp::FromTime { zone, cut_off_s: *cut_off_s })
            }
        };
        let mut text =
            |column: &Option<Column>, name: &str| column.as_ref().map(|c| find.col(c, name)).transpose();
        let texts = [
            text(&own.batch, "fields.batch")?,
            text(&own.original, "fields.original")?,
            text(&own.account, "fields.account")?,
            text(&own.line, "fields.line")?,
        ];
        let currency = match &own.currency {
            CurrencyField::Fixed(currency) => CurrencyOp::Fixed(*currency),
            CurrencyField::Column { column, map } => {
                CurrencyOp::Column(find.col(column, "fields.currency")?, map.clone())
            }
        };
        let mut layout = Layout {
            side,
            keys,
            first_key: match rules.passes.first().map(|p| &p.kind) {
                Some(PassKind::Exact { key, .. }) => Some(usize::from(*key)),
                _ => None,
            },
            kind: find.word(own.kind.as_ref(), "fields.type")?,
            status: find.word(own.status.as_ref(), "fields.status")?,
            currency,
            amount: find.amount(&own.amount, "fields.amount")?,
            fee: own.fee.as_ref().map(|f| find.amount(f, "fields.fee")).transpose()?,
            time,
            date,
            texts,
            skip: own
                .skip
                .iter()
                .map(|s| find.test(&s.when, &format!("skip \"{}\"", s.name)))
                .collect::<Result<_, _>>()?,
            null_keys: rules.null_keys.iter().map(|k| k.as_bytes().to_vec()).collect(),
            fold_key_case: rules.fold_key_case,
            used: Used::of(rules),
            secret: secret.clone(),
            needed: find.needed,
            deciding: Vec::new(),
            checked: Vec::new(),
            header: header.to_vec(),
        };
        layout.needed.sort_unstable();
        layout.fill_slots();
        layout.deciding = layout.deciding_slots();
        let other_keys = layout.keys.iter().enumerate().filter(|(n, _)| Some(*n) != layout.first_key);
        let texts = layout.text_cols().map(|(_, col)| col);
        layout.checked = texts.chain(other_keys.flat_map(|(_, key)| key.iter().copied())).collect();
        Ok(layout)
    }

    /// Needed columns are known only at the end, so their slots are filled in then.
    fn fill_slots(&mut self) {
        let needed = self.needed.clone();
        let fill = |col: &mut Col| {
            let at = needed.binary_search(&(col.physical as usize)).expect("a needed column");
            col.slot = u32::try_from(at).expect("few columns");
        };
        self.keys.iter_mut().flatten().for_each(fill);
        for op in [&mut self.kind, &mut self.status] {
            op.col.iter_mut().for_each(fill);
        }
        if let CurrencyOp::Column(col, _) = &mut self.currency {
            fill(col);
        }
        for amount in std::iter::once(&mut self.amount).chain(&mut self.fee) {
            fill(&mut amount.col);
            amount.negate_when.iter_mut().for_each(|t| fill(&mut t.col));
        }
        self.time.iter_mut().for_each(|(col, _)| fill(col));
        if let Some(DateOp::Column(col, _)) = &mut self.date {
            fill(col);
        }
        self.texts.iter_mut().flatten().for_each(fill);
        self.skip.iter_mut().for_each(|t| fill(&mut t.col));
    }

    fn deciding_slots(&self) -> Vec<u32> {
        let mut cols: Vec<Col> = self.keys.iter().flatten().copied().collect();
        cols.extend([&self.kind, &self.status].into_iter().filter_map(|op| op.col));
        if let CurrencyOp::Column(col, _) = &self.currency {
            cols.push(*col);
        }
        for amount in std::iter::once(&self.amount).chain(self.fee.iter().filter(|_| self.used.fee)) {
            cols.push(amount.col);
            cols.extend(amount.negate_when.iter().map(|t| t.col));
        }
        if self.used.time || self.used.date {
            cols.extend(self.time.iter().map(|(col, _)| *col));
            if let Some(DateOp::Column(col, _)) = &self.date {
                cols.push(*col);
            }
        }
        cols.extend(self.texts.iter().flatten());
        cols.extend(self.skip.iter().map(|t| t.col));
        let mut slots: Vec<u32> = cols.into_iter().map(|col| col.slot).collect();
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    /// Returns the name of a column.
    pub(crate) fn name(&self, col: Col) -> &str {
        &self.header[col.physical as usize]
    }

    pub(crate) fn text_cols(&self) -> impl Iterator<Item = (Text, Col)> + '_ {
        [Text::Batch, Text::Original, Text::Account, Text::Line]
            .into_iter()
            .zip(self.texts)
            .filter_map(|(t, c)| c.map(|c| (t, c)))
    }
}
