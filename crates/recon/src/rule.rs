//! The rules of a reconciliation, as values. `rule::parse` reads them from TOML.

mod canonical;
mod check;
pub mod guess;
pub mod parse;

use crate::record::{Side, Text};
pub use parse::{Fault, FaultCode, RuleErrors};
use suanpan_money::Currency;

/// The rules of one reconciliation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// A name for reports.
    pub name: String,
    /// How to read each side: left, right.
    pub sides: [SideRules; 2],
    /// Key values (after trimming) that mean "no key", such as `0` or `N/A`. The empty text always does.
    pub null_keys: Vec<String>,
    /// Whether keys are compared without regard to ASCII case.
    pub fold_key_case: bool,
    /// The passes in order. The first is usually [`PassKind::Exact`].
    pub passes: Vec<Pass>,
    /// When a one-sided record is still pending rather than missing.
    pub close: Close,
    /// Inputs that must be there for the verdict to count.
    pub expect: Expect,
    /// Whether equal numbers (more than one) of identical copies on both sides are marked. Turning
    /// this on turns the sketch and fingerprint shortcuts off, since copies cancel in them.
    pub flag_duplicates_on_both_sides: bool,
}

/// How the records of one side are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideRules {
    /// What kind of file it is.
    pub format: Format,
    /// Text encoding.
    pub encoding: Encoding,
    /// Column separator of delimited text.
    pub delimiter: u8,
    /// Quote character of delimited text, or `None` where quotes are plain characters.
    pub quote: Option<u8>,
    /// Whether the first line names the columns. Without it columns are named `#1`, `#2` …
    pub header: bool,
    /// Lines before the header to pass over.
    pub skip_lines: u32,
    /// Match keys k1…kn: each made of one or more columns (joined by the unit separator 0x1F).
    pub keys: Vec<KeyField>,
    /// Record type.
    pub kind: Option<WordField>,
    /// Currency.
    pub currency: CurrencyField,
    /// Amount.
    pub amount: AmountField,
    /// Fee.
    pub fee: Option<AmountField>,
    /// Status.
    pub status: Option<WordField>,
    /// Event time.
    pub time: Option<TimeField>,
    /// Business date.
    pub date: Option<DateField>,
    /// Batch id.
    pub batch: Option<Column>,
    /// Original id.
    pub original: Option<Column>,
    /// Account.
    pub account: Option<Column>,
    /// Line of the original document, which reports show as the row.
    pub line: Option<Column>,
    /// Rows to leave out, each counted under its name. Checked in order; the first that holds counts.
    pub skip: Vec<SkipRule>,
}

impl SideRules {
    /// Returns every column that the rules of this side name.
    #[must_use]
    pub fn columns(&self) -> Vec<&Column> {
        let mut all: Vec<&Column> = self.keys.iter().flat_map(|k| &k.columns).collect();
        all.extend(self.kind.iter().chain(&self.status).filter_map(|w| w.column.as_ref()));
        if let CurrencyField::Column { column, .. } = &self.currency {
            all.push(column);
        }
        for amount in std::iter::once(&self.amount).chain(&self.fee) {
            all.push(&amount.column);
            all.extend(amount.negate_when.iter().map(|t| &t.column));
        }
        all.extend(self.time.iter().map(|t| &t.column));
        if let Some(DateField::Column { column, .. }) = &self.date {
            all.push(column);
        }
        all.extend([&self.batch, &self.original, &self.account, &self.line].into_iter().flatten());
        all.extend(self.skip.iter().map(|s| &s.when.column));
        all
    }
}

/// A column by name, or by position as `#3` (counted from 1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Column(pub String);

/// A match key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyField {
    /// Its columns in order. A key is null when all of them are.
    pub columns: Vec<Column>,
}

/// A field of a small vocabulary with a map to common words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordField {
    /// The column, or `None` where every record has the `default`.
    pub column: Option<Column>,
    /// From the file's words to common words, in file order.
    pub map: Vec<(String, String)>,
    /// What to do with a word that the map does not name.
    pub unmapped: Unmapped,
    /// The word for an empty value (and for every record where no column is declared).
    pub default: String,
}

/// What to do with a word that is not in a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmapped {
    /// Use it as it is.
    Keep,
    /// Reject the row.
    Reject,
}

/// The currency of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CurrencyField {
    /// The same for all.
    Fixed(Currency),
    /// By a column, holding an ISO 4217 letter code, numeric code, or a word of the map.
    Column {
        /// The column.
        column: Column,
        /// From the file's words to currencies.
        map: Vec<(String, Currency)>,
    },
}

/// A money field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmountField {
    /// The column.
    pub column: Column,
    /// How the number is written.
    pub unit: AmountUnit,
    /// Turns the sign of every value.
    pub negate: bool,
    /// Turns the sign where another column holds one of these words (refunds written as positive).
    pub negate_when: Option<WordTest>,
    /// Group separator to drop, such as `,` in `1,234.50`. `None` refuses such values.
    pub group_separator: Option<u8>,
    /// What stands before the decimals: `.`, or `,` as in `12,50`. The other one is refused.
    pub decimal_mark: u8,
}

/// How an amount is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmountUnit {
    /// A whole number of minor units: `1050`.
    Minor,
    /// A decimal number of major units: `10.50`. More decimals than the currency has are refused
    /// unless they are zeros.
    Decimal,
}

/// An event time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeField {
    /// The column.
    pub column: Column,
    /// Its format, in strftime words (`%Y-%m-%d %H:%M:%S`), or one of `rfc3339`, `unix`, `unix_ms`.
    pub format: String,
    /// IANA zone for times without an offset.
    pub zone: String,
}

/// A business date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DateField {
    /// By a column with a strftime format.
    Column {
        /// The column.
        column: Column,
        /// Its format.
        format: String,
    },
    /// From the event time: the local date, or the next when at or after the cut-off.
    FromTime {
        /// IANA zone of the business day.
        zone: String,
        /// Seconds after midnight at which the next business day starts; `None` for midnight.
        cut_off_s: Option<u32>,
    },
}

/// A test on one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordTest {
    /// The column.
    pub column: Column,
    /// How to compare.
    pub test: Test,
}

/// How a column is tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// One of these texts.
    In(Vec<String>),
    /// None of these texts.
    NotIn(Vec<String>),
    /// Starts with one of these texts.
    Prefix(Vec<String>),
    /// Has no text.
    Empty,
    /// Has text.
    NotEmpty,
}

/// Rows to leave out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkipRule {
    /// Name under which they are counted.
    pub name: String,
    /// Which rows.
    pub when: WordTest,
}

/// A field that a pass may require to be equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// A text field.
    Text(Text),
    /// The type.
    Kind,
    /// The currency.
    Currency,
    /// The amount.
    Amount,
    /// The status.
    Status,
    /// The fee.
    Fee,
    /// The business date.
    Date,
}

/// How sure a pass is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// What it finds is matched.
    Automatic,
    /// What it finds is only suggested: the records end as [`Code::Ambiguous`](crate::outcome::Code::Ambiguous)
    /// with the found counterparts as candidates.
    Suggest,
}

/// One pass of the cascade. It sees only what earlier passes left over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// Name for reports.
    pub name: String,
    /// Strength.
    pub strength: Strength,
    /// What it does.
    pub kind: PassKind,
}

/// A difference in amount that still counts as equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tolerance {
    /// At most this many minor units.
    pub minor: i64,
    /// Or at most this many millionths of the left amount, rounded down (10,000 is 1 %). The larger
    /// of the two bounds holds.
    pub ppm: u32,
}

/// What a pass does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassKind {
    /// Groups by a match key on both sides and compares by tiers. As the first pass this is the one
    /// that runs at tens of millions of records a second; further ones are "alternate keys".
    Exact {
        /// The match key (0 for `k1`).
        key: u8,
        /// Fields that must agree for `MATCHED`, of Kind, Currency, Amount, Status, Fee, Date.
        /// Currency and Amount are always in it.
        compare: Vec<Field>,
        /// Tolerance on amount; zero for none.
        tolerance: Tolerance,
        /// Whether differing records of one key, type and currency whose sums agree are
        /// `MATCHED_AGGREGATE` (part refunds, part captures).
        aggregate: bool,
    },
    /// Cancels records of one side among themselves: same `eq` fields and currency, sum zero.
    Net {
        /// Fields that must be equal, at least one.
        eq: Vec<Field>,
        /// Only within this many seconds between first and last, when times are declared.
        within_s: Option<u64>,
    },
    /// One to one by amount and date.
    Window {
        /// Fields that must be equal besides currency.
        eq: Vec<Field>,
        /// Tolerance on amount.
        tolerance: Tolerance,
        /// Right date minus left date, at least (negative: before).
        days_min: i32,
        /// Right date minus left date, at most.
        days_max: i32,
    },
    /// All left and right records of one batch id and currency, compared by sum.
    Batch {
        /// Fields that must be equal besides batch and currency.
        eq: Vec<Field>,
        /// Whether declared fees of the *many* side are taken off its sum (net settlement).
        net_of_fees: bool,
        /// Tolerance on the sum.
        tolerance: Tolerance,
    },
    /// One record of one side against a subset of the other, found by sum.
    Subset {
        /// Fields that must be equal besides currency.
        eq: Vec<Field>,
        /// Which side has the single record.
        one: Side,
        /// Most candidates to look at for one record.
        candidates_max: u32,
        /// Most steps for one record.
        steps_max: u64,
        /// Tolerance on the sum.
        tolerance: Tolerance,
        /// Right date minus left date, at least.
        days_min: i32,
        /// Right date minus left date, at most.
        days_max: i32,
    },
}

/// When a one-sided record is pending.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Close {
    /// One-sided records whose business date is within this many days before the last business date
    /// seen on the other side (or `as_of`) or later are pending. `None`: nothing is pending.
    pub pending_days: Option<u32>,
    /// The business date of the run, in days since 1970-01-01. `None`: the largest seen.
    pub as_of: Option<i32>,
    /// Open items older than this many runs are missing, not pending. `None`: no limit.
    pub runs_max: Option<u16>,
}

/// Inputs that must be there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expect {
    /// For each side: the least number of files.
    pub files_min: [u32; 2],
    /// For each side: globs over file names, each of which at least one input must match.
    pub names: [Vec<String>; 2],
}

/// Kinds of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// By content and extension.
    Auto,
    /// Delimited text (comma unless `delimiter` says otherwise).
    Csv,
    /// Tab-separated text.
    Tsv,
    /// One JSON object a line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
    /// A statement of a known format, which the caller has turned into comma-separated rows with the
    /// columns of the normalised record before the engine sees it.
    Statement,
}

/// Text encodings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, or GB18030 when the beginning is not valid UTF-8. A byte order mark decides.
    Auto,
    /// UTF-8.
    Utf8,
    /// GB18030 (and so GBK and GB2312).
    Gb18030,
}
