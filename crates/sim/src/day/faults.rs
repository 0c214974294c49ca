//! Which faults a generated day holds: the faults file, and the counts it comes to.

use super::error::SimError;
use std::path::Path;
use suanpan_money::Currency;

/// A fault that can be seeded: every outcome of the vocabulary but `MATCHED`, which is the rest.
///
/// `A` is the left side (the ledger), `B` the right (the channel). The declared order is the order
/// of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Fault {
    /// The amounts differ by one minor unit, which the rules allow.
    MatchedTolerance,
    /// Two to four records of one side add up to one record of the other.
    MatchedAggregate,
    /// An open item of yesterday finds its counterpart today.
    MatchedLate,
    /// An authorisation and its reversal on one side.
    NettedWithinSide,
    /// One side only, on the last business date.
    PendingTiming,
    /// Only the ledger has it.
    MissingInB,
    /// Only the channel has it.
    MissingInA,
    /// The amounts differ by more than the rules allow.
    AmountMismatch,
    /// The fees differ.
    FeeMismatch,
    /// The statuses differ.
    StatusMismatch,
    /// The currencies differ.
    CurrencyMismatch,
    /// A payment on one side, a refund on the other.
    TypeMismatch,
    /// The ledger has a matched record once more.
    DuplicateInA,
    /// The channel has a matched record once more.
    DuplicateInB,
    /// The lines of a payout do not add up to the bank's line.
    BatchTotalMismatch,
    /// Two records without key fit one record equally well.
    Ambiguous,
    /// A record without key for which nothing fits.
    Unkeyed,
    /// A row that cannot be read.
    Rejected,
}

impl Fault {
    /// The number of faults.
    pub const COUNT: usize = 18;

    /// Every fault, in report order.
    pub const ALL: [Fault; Fault::COUNT] = [
        Fault::MatchedTolerance,
        Fault::MatchedAggregate,
        Fault::MatchedLate,
        Fault::NettedWithinSide,
        Fault::PendingTiming,
        Fault::MissingInB,
        Fault::MissingInA,
        Fault::AmountMismatch,
        Fault::FeeMismatch,
        Fault::StatusMismatch,
        Fault::CurrencyMismatch,
        Fault::TypeMismatch,
        Fault::DuplicateInA,
        Fault::DuplicateInB,
        Fault::BatchTotalMismatch,
        Fault::Ambiguous,
        Fault::Unkeyed,
        Fault::Rejected,
    ];

    /// The six classes of the default faults. They need no column beyond the basic ones.
    pub const BASIC: [Fault; 6] = [
        Fault::MissingInB,
        Fault::MissingInA,
        Fault::AmountMismatch,
        Fault::StatusMismatch,
        Fault::DuplicateInA,
        Fault::DuplicateInB,
    ];

    /// Returns the outcome code as written in files: `MISSING_IN_B`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Fault::MatchedTolerance => "MATCHED_TOLERANCE",
            Fault::MatchedAggregate => "MATCHED_AGGREGATE",
            Fault::MatchedLate => "MATCHED_LATE",
            Fault::NettedWithinSide => "NETTED_WITHIN_SIDE",
            Fault::PendingTiming => "PENDING_TIMING",
            Fault::MissingInB => "MISSING_IN_B",
            Fault::MissingInA => "MISSING_IN_A",
            Fault::AmountMismatch => "AMOUNT_MISMATCH",
            Fault::FeeMismatch => "FEE_MISMATCH",
            Fault::StatusMismatch => "STATUS_MISMATCH",
            Fault::CurrencyMismatch => "CURRENCY_MISMATCH",
            Fault::TypeMismatch => "TYPE_MISMATCH",
            Fault::DuplicateInA => "DUPLICATE_IN_A",
            Fault::DuplicateInB => "DUPLICATE_IN_B",
            Fault::BatchTotalMismatch => "BATCH_TOTAL_MISMATCH",
            Fault::Ambiguous => "AMBIGUOUS",
            Fault::Unkeyed => "UNKEYED",
            Fault::Rejected => "REJECTED",
        }
    }

    /// Reads an outcome code as written in files.
    #[must_use]
    pub fn parse(name: &str) -> Option<Fault> {
        Fault::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// Returns the fault's place in [`Fault::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// The faults to seed, before it is known how many records the day has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// Where they were read, for messages.
    origin: String,
    basic: Basic,
    listed: Vec<(Fault, Quantity)>,
    currencies: Vec<Currency>,
}

/// How the six basic classes are set, where they are not listed one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Basic {
    /// Only as listed.
    Listed,
    /// The default rates, this many times.
    Scaled(u64),
    /// This part of all records is shared among them.
    Shared(Quantity),
}

/// A number of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantity {
    /// So many.
    Count(u64),
    /// So many millionths of the records (`0.3%` is 3,000), rounded down.
    Millionths(u64),
}

impl Quantity {
    fn of(self, records: u64) -> u64 {
        match self {
            Quantity::Count(count) => count,
            Quantity::Millionths(part) => scaled(records, part, 1_000_000),
        }
    }
}

/// How many groups of records of each fault a day holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts([u64; Fault::COUNT]);

impl Counts {
    /// Returns the number of groups of one fault.
    #[must_use]
    pub const fn of(&self, fault: Fault) -> u64 {
        self.0[fault.index()]
    }

    /// Returns the number of groups of all faults.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Says whether any of these faults is seeded.
    #[must_use]
    pub fn any(&self, faults: &[Fault]) -> bool {
        faults.iter().any(|fault| self.of(*fault) > 0)
    }
}

/// A faults file larger than this is something else.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// More currencies than this in one day are a mistake.
const CURRENCIES_MAX: usize = 16;

impl Default for Faults {
    /// The six basic classes: one in 10,000 payments missing on either side, one in 20,000 with
    /// another amount and as many with another status, 17 duplicates in A and 23 in B (fewer when
    /// there are fewer than 230,000 payments).
    fn default() -> Self {
        Faults {
            origin: "default".to_owned(),
            basic: Basic::Scaled(1),
            listed: Vec::new(),
            currencies: Vec::new(),
        }
    }
}

impl Faults {
    /// Makes faults of none: both sides agree.
    #[must_use]
    pub fn none() -> Self {
        Faults { origin: "none".to_owned(), basic: Basic::Listed, ..Faults::default() }
    }

    /// Reads what a command line says: `default`, `none` or the path of a faults file.
    ///
    /// # Errors
    /// Those of [`Faults::parse`], and [`SimError::Io`] when the file cannot be read.
    pub fn from_argument(argument: &str) -> Result<Self, SimError> {
        match argument {
            "default" => Ok(Faults::default()),
            "none" => Ok(Faults::none()),
            path => Self::read(Path::new(path)),
        }
    }

    /// Reads a faults file.
    ///
    /// # Errors
    /// Those of [`Faults::parse`], and [`SimError::Io`] when the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, SimError> {
        let trouble = |source| SimError::Io { doing: "read", path: path.to_owned(), source };
        let bytes = std::fs::metadata(path).map_err(trouble)?.len();
        if bytes > FILE_BYTES_MAX {
            return Err(SimError::FaultsTooLarge { path: path.to_owned(), bytes, bytes_max: FILE_BYTES_MAX });
        }
        let text = std::fs::read_to_string(path).map_err(trouble)?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads the text of a faults file; `origin` names it in messages.
    ///
    /// ```
    /// # use suanpan_sim::day::{Fault, Faults};
    /// let faults = Faults::parse(r#"
    ///     currencies = ["JPY", "KWD"]
    ///     [faults]
    ///     differences = "3%"      # shared among the six basic classes
    ///     FEE_MISMATCH = 12
    ///     UNKEYED = "0.1%"
    /// "#, "day.toml").unwrap();
    /// let counts = faults.counts(10_000).unwrap();
    /// assert_eq!((counts.of(Fault::FeeMismatch), counts.of(Fault::Unkeyed)), (12, 10));
    /// assert_eq!(counts.total(), 300 + 12 + 10);
    /// ```
    ///
    /// # Errors
    /// When the text is not TOML, names an unknown setting, code or currency, or sets a class twice.
    pub fn parse(text: &str, origin: &str) -> Result<Self, SimError> {
        let table: toml::Table = text.parse().map_err(|source| SimError::FaultsSyntax {
            origin: origin.to_owned(),
            source: Box::new(source),
        })?;
        let mut faults = Faults { origin: origin.to_owned(), ..Faults::none() };
        for (setting, value) in &table {
            match setting.as_str() {
                "scale" => faults.basic = Basic::Scaled(faults.scale(value)?),
                "currencies" => faults.currencies = faults.currency_list(value)?,
                "faults" => {} // After `scale`, with which it may clash.
                _ => {
                    return Err(SimError::SettingUnknown {
                        origin: origin.to_owned(),
                        setting: setting.clone(),
                        hint: did_you_mean(setting, ["scale", "currencies", "faults"]),
                    });
                }
            }
        }
        match table.get("faults") {
            None => {}
            Some(toml::Value::Table(list)) => faults.add_list(list)?,
            Some(value) => return Err(faults.wrong("faults", value, "a table of codes and counts")),
        }
        Ok(faults)
    }

    /// Returns the currencies of the day besides CNY.
    #[must_use]
    pub fn currencies(&self) -> &[Currency] {
        &self.currencies
    }

    /// Returns the number of groups of each fault in a day of `records` payments.
    ///
    /// # Errors
    /// [`SimError::FaultsExceedRecords`] when there are more faults than payments.
    pub fn counts(&self, records: u64) -> Result<Counts, SimError> {
        let mut counts = match self.basic {
            Basic::Listed => Counts::default(),
            Basic::Scaled(scale) => default_counts(records, scale),
            Basic::Shared(part) => shared_counts(records, part.of(records)),
        };
        for (fault, quantity) in &self.listed {
            counts.0[fault.index()] = quantity.of(records);
        }
        let faults = counts.0.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
        if faults > records {
            return Err(SimError::FaultsExceedRecords { origin: self.origin.clone(), faults, records });
        }
        Ok(counts)
    }

    fn add_list(&mut self, list: &toml::Table) -> Result<(), SimError> {
        for (name, value) in list {
            let quantity = self.quantity(name, value)?;
            if name == "differences" {
                if let Basic::Scaled(_) = self.basic {
                    return Err(self.clash("differences", "scale"));
                }
                self.basic = Basic::Shared(quantity);
                continue;
            }
            let fault = Fault::parse(name).ok_or_else(|| SimError::FaultUnknown {
                origin: self.origin.clone(),
                code: name.clone(),
                hint: if name == "MATCHED" {
                    "; MATCHED is what remains, leave it out".to_owned()
                } else {
                    did_you_mean(name, Fault::ALL.map(Fault::name).into_iter().chain(["differences"]))
                },
            })?;
            self.listed.push((fault, quantity));
        }
        let setter = match self.basic {
            Basic::Listed => return Ok(()),
            Basic::Scaled(_) => "scale",
            Basic::Shared(_) => "differences",
        };
        match self.listed.iter().find(|(fault, _)| Fault::BASIC.contains(fault)) {
            Some((fault, _)) => Err(self.clash(fault.name(), setter)),
            None => Ok(()),
        }
    }

    fn clash(&self, setting: &'static str, other: &'static str) -> SimError {
        SimError::SetTwice { origin: self.origin.clone(), setting, other }
    }

    fn scale(&self, value: &toml::Value) -> Result<u64, SimError> {
        value
            .as_integer()
            .and_then(|scale| u64::try_from(scale).ok())
            .ok_or_else(|| self.wrong("scale", value, "a whole number, 0 or more"))
    }

    fn currency_list(&self, value: &toml::Value) -> Result<Vec<Currency>, SimError> {
        const WANTED: &str = "a list of currencies, such as [\"USD\", \"JPY\"]";
        let list = value.as_array().ok_or_else(|| self.wrong("currencies", value, WANTED))?;
        let mut currencies = Vec::new();
        for item in list {
            let code = item.as_str().ok_or_else(|| self.wrong("currencies", item, WANTED))?;
            let currency = Currency::parse(code).ok_or_else(|| SimError::CurrencyUnknown {
                origin: self.origin.clone(),
                code: code.to_owned(),
                hint: did_you_mean(code, Currency::all().map(Currency::code)),
            })?;
            if currency.code() != "CNY" && !currencies.contains(&currency) {
                currencies.push(currency);
            }
        }
        if currencies.len() > CURRENCIES_MAX {
            return Err(self.wrong("currencies", value, "at most 16 currencies besides CNY"));
        }
        Ok(currencies)
    }

    fn quantity(&self, name: &str, value: &toml::Value) -> Result<Quantity, SimError> {
        const WANTED: &str =
            "a count, or a part of the records from \"0%\" to \"100%\" with at most four decimals";
        let quantity = match value {
            toml::Value::Integer(count) => u64::try_from(*count).ok().map(Quantity::Count),
            toml::Value::String(text) => parse_percentage(text).map(Quantity::Millionths),
            _ => None,
        };
        quantity.ok_or_else(|| self.wrong(name, value, WANTED))
    }

    fn wrong(&self, setting: &str, value: &toml::Value, wanted: &'static str) -> SimError {
        SimError::SettingWrong {
            origin: self.origin.clone(),
            setting: setting.to_owned(),
            value: value.to_string(),
            wanted,
        }
    }
}

/// Reads `0.3%` as 3,000 millionths.
fn parse_percentage(text: &str) -> Option<u64> {
    let number = text.trim().strip_suffix('%')?.trim_end();
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || whole.len() > 3 || decimals.len() > 4 {
        return None;
    }
    let millionths = whole.parse::<u64>().ok()? * 10_000 + format!("{decimals:0<4}").parse::<u64>().ok()?;
    (millionths <= 1_000_000).then_some(millionths)
}

fn default_counts(records: u64, scale: u64) -> Counts {
    let mut counts = Counts::default();
    counts.0[Fault::MissingInB.index()] = scaled(records, scale, 10_000);
    counts.0[Fault::MissingInA.index()] = scaled(records, scale, 10_000);
    counts.0[Fault::AmountMismatch.index()] = scaled(records, scale, 20_000);
    counts.0[Fault::StatusMismatch.index()] = scaled(records, scale, 20_000);
    if scale > 0 {
        counts.0[Fault::DuplicateInA.index()] = (records / 10_000).min(17);
        counts.0[Fault::DuplicateInB.index()] = (records / 10_000).min(23);
    }
    counts
}

/// Shares `total` among the basic classes in the default proportions.
fn shared_counts(records: u64, total: u64) -> Counts {
    let mut counts = default_counts(records, 1);
    let duplicates = counts.of(Fault::DuplicateInA) + counts.of(Fault::DuplicateInB);
    let rest = match total.checked_sub(duplicates) {
        Some(rest) => rest,
        None => {
            counts.0[Fault::DuplicateInA.index()] = 0;
            counts.0[Fault::DuplicateInB.index()] = 0;
            total
        }
    };
    let third = rest / 3;
    counts.0[Fault::MissingInB.index()] = third;
    counts.0[Fault::MissingInA.index()] = third;
    counts.0[Fault::AmountMismatch.index()] = rest / 6;
    counts.0[Fault::StatusMismatch.index()] = rest - 2 * third - rest / 6;
    counts
}

/// Returns `number * by / of`, rounded down; the largest number on overflow.
fn scaled(number: u64, by: u64, of: u64) -> u64 {
    u64::try_from(u128::from(number) * u128::from(by) / u128::from(of)).unwrap_or(u64::MAX)
}

/// Returns `; did you mean X?` when one of the words is near, else nothing.
fn did_you_mean<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> String {
    let lower = word.to_ascii_lowercase();
    words
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(&lower, &known.to_ascii_lowercase()), known))
        .min()
        .filter(|(distance, known)| *distance <= (known.len() / 3).max(1))
        .map_or(String::new(), |(_, known)| format!("; did you mean {known}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str, records: u64) -> Vec<(&'static str, u64)> {
        let counts = Faults::parse(text, "f.toml").unwrap().counts(records).unwrap();
        Fault::ALL.into_iter().filter(|f| counts.of(*f) > 0).map(|f| (f.name(), counts.of(f))).collect()
    }

    #[test]
    fn the_default_has_the_six_basic_classes() {
        let at = |records| Faults::default().counts(records).unwrap();
        assert_eq!(Fault::BASIC.map(|fault| at(50_000_000).of(fault)), [5000, 5000, 2500, 2500, 17, 23]);
        assert_eq!(at(50_000_000).total(), 15_040);
        assert_eq!(Fault::BASIC.map(|fault| at(100_000).of(fault)), [10, 10, 5, 5, 10, 10]);
        assert_eq!(at(9_999).total(), 0);
        assert_eq!(at(0).total(), 0);
    }

    #[test]
    fn counts_percentages_scale_and_shares() {
        assert_eq!(
            counts("[faults]\nUNKEYED = 3\nREJECTED = \"0.25%\"", 1000),
            [("UNKEYED", 3), ("REJECTED", 2)]
        );
        assert_eq!(counts("", 1_000_000), []);
        let scaled = counts("scale = 300", 100_000);
        assert!(scaled.contains(&("MISSING_IN_A", 3000)) && scaled.contains(&("STATUS_MISMATCH", 1500)));
        for (records, percentage, total) in
            [(100_000, "3%", 3000), (100_000, "30%", 30_000), (7, "100%", 7), (1000, "0.5 %", 5)]
        {
            let list = counts(&format!("[faults]\ndifferences = \"{percentage}\""), records);
            assert_eq!(list.iter().map(|(_, count)| count).sum::<u64>(), total, "{percentage} of {records}");
        }
    }

    #[test]
    fn a_wrong_file_is_an_error_that_names_what_and_where() {
        for (text, message) in [
            ("[faults]\nMISING_IN_A = 3", "f.toml: unknown code MISING_IN_A; did you mean MISSING_IN_A?"),
            ("[faults]\nunkeyed = 3", "f.toml: unknown code unkeyed; did you mean UNKEYED?"),
            ("[faults]\nMATCHED = 3", "MATCHED is what remains"),
            ("fault = 3", "f.toml: unknown setting fault; did you mean faults?"),
            ("faults = 3", "faults = 3"),
            ("scale = -1", "scale = -1"),
            ("scale = \"x\"", "scale = \"x\""),
            ("currencies = \"USD\"", "currencies"),
            ("currencies = [\"UDS\"]", "f.toml: unknown currency UDS; did you mean"),
            ("[faults]\nUNKEYED = -3", "UNKEYED = -3"),
            ("[faults]\nUNKEYED = 0.3", "UNKEYED = 0.3"),
            ("[faults]\nUNKEYED = \"3\"", "UNKEYED = \"3\""),
            ("[faults]\nUNKEYED = \"-3%\"", "UNKEYED"),
            ("[faults]\nUNKEYED = \"100.1%\"", "UNKEYED"),
            ("[faults]\nUNKEYED = \".5%\"", "UNKEYED"),
            ("[faults]\nUNKEYED = \"1.00001%\"", "UNKEYED"),
            ("[faults]\nUNKEYED = \"%\"", "UNKEYED"),
            ("scale = 2\n[faults]\nMISSING_IN_A = 1", "MISSING_IN_A is already set by scale"),
            ("scale = 2\n[faults]\ndifferences = \"3%\"", "differences is already set by scale"),
            (
                "[faults]\nMISSING_IN_A = 1\ndifferences = \"3%\"",
                "MISSING_IN_A is already set by differences",
            ),
            ("[faults\n", "f.toml: not TOML"),
            ("[faults]\nUNKEYED = 1\nUNKEYED = 2", "f.toml: not TOML"),
        ] {
            let error = Faults::parse(text, "f.toml").expect_err(text).to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn more_faults_than_records_are_refused() {
        let faults = Faults::parse("[faults]\nUNKEYED = 6\nREJECTED = 5", "f.toml").unwrap();
        assert_eq!(faults.counts(11).unwrap().total(), 11);
        let error = faults.counts(10).unwrap_err().to_string();
        assert!(error.contains("f.toml: 11 faults") && error.contains("10 records"), "{error}");
        let huge = format!("[faults]\nUNKEYED = {m}\nREJECTED = {m}\nAMBIGUOUS = {m}", m = i64::MAX);
        assert!(Faults::parse(&huge, "f.toml").unwrap().counts(1 << 40).is_err());
        assert!(Faults::parse("scale = 9223372036854775807", "f.toml").unwrap().counts(1 << 30).is_err());
    }

    #[test]
    fn percentages_are_exact() {
        for (text, millionths) in [
            ("0%", Some(0)),
            ("3%", Some(30_000)),
            ("0.0001%", Some(1)),
            ("100%", Some(1_000_000)),
            ("3 %", Some(30_000)),
        ] {
            assert_eq!(parse_percentage(text), millionths, "{text}");
        }
        for wrong in ["", "3", "3%%", "1e2%", "+3%", "3.%", "1000%", "٣%"] {
            assert_eq!(parse_percentage(wrong), None, "{wrong}");
        }
    }
}
