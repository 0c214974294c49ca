//! First rules for two files that nobody has described yet: what `suanpan reconcile init` writes.
//!
//! The guess looks at samples of both sides. Keys are columns whose values meet; everything else is
//! then read off the rows that a key brings together: amounts that agree in some unit, words that stand
//! for one another, times that differ by whole hours. Where the samples do not meet, names and shapes
//! decide, and the text says that it is unsure. Each guess carries its evidence as a comment.

mod column;
mod fit;
mod keys;
mod money;
mod times;
mod words;
mod write;

use super::{Encoding, Format, RuleErrors, Rules};
use column::{Profile, Role};
pub use fit::{Described, Fit, fit};

/// The first rows of one side, cut into columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The name of the file, for comments.
    pub file: String,
    /// What kind of file it is.
    pub format: Format,
    /// Its encoding, when it is not UTF-8.
    pub encoding: Encoding,
    /// The delimiter of delimited text.
    pub delimiter: u8,
    /// Whether the first line names the columns.
    pub has_header: bool,
    /// The names of the columns; without a header any texts, of which only the number counts.
    pub header: Vec<String>,
    /// The rows. Short rows are read as if the rest were empty.
    pub rows: Vec<Vec<String>>,
    /// Whether these are all rows of the file.
    pub whole: bool,
}

impl Sample {
    /// Makes a sample of a UTF-8 file with a header, of which the rows may be only the beginning.
    #[must_use]
    pub fn new(file: &str, format: Format, header: Vec<String>, rows: Vec<Vec<String>>) -> Sample {
        Sample {
            file: file.to_owned(),
            format,
            encoding: Encoding::Auto,
            delimiter: if format == Format::Tsv { b'\t' } else { b',' },
            has_header: true,
            header,
            rows,
            whole: false,
        }
    }
}

/// How sure a guess is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sureness {
    /// Names or shapes only, or evidence against it.
    Unsure,
    /// Most of the evidence speaks for it.
    Likely,
    /// Nearly all of the evidence speaks for it, and there is enough of it.
    Sure,
}

impl Sureness {
    /// Returns the word used in comments.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Sureness::Unsure => "unsure",
            Sureness::Likely => "likely",
            Sureness::Sure => "sure",
        }
    }

    /// Judges a count of cases that speak for a guess among all cases.
    fn of(part: usize, whole: usize) -> Sureness {
        let ppm = ppm(part, whole);
        match whole {
            30.. if ppm >= 980_000 => Sureness::Sure,
            5.. if ppm >= 800_000 => Sureness::Likely,
            _ => Sureness::Unsure,
        }
    }
}

/// One guess and what speaks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The setting: `left.fields.k1`.
    pub setting: String,
    /// How sure it is.
    pub sureness: Sureness,
    /// Cases that speak for it and all cases, where they were counted.
    pub counted: Option<(usize, usize)>,
    /// The evidence in words: `19,998 of 20,000 sampled keys meet`.
    pub evidence: String,
}

impl Finding {
    fn counted(setting: &str, part: usize, whole: usize, what: &str) -> Finding {
        Finding {
            setting: setting.to_owned(),
            sureness: Sureness::of(part, whole),
            counted: Some((part, whole)),
            evidence: format!("{} of {} {what}", grouped(part), grouped(whole)),
        }
    }

    fn unsure(setting: &str, evidence: &str) -> Finding {
        Finding {
            setting: setting.to_owned(),
            sureness: Sureness::Unsure,
            counted: None,
            evidence: evidence.to_owned(),
        }
    }

    /// Returns the finding as it stands in a comment: `sure (99.99 %): 19,998 of 20,000 …`.
    #[must_use]
    pub fn comment(&self) -> String {
        match self.counted {
            Some((part, whole)) if whole > 0 => {
                format!("{} ({}): {}", self.sureness.name(), percent(part, whole), self.evidence)
            }
            _ => format!("{}: {}", self.sureness.name(), self.evidence),
        }
    }
}

/// Guessed rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// The commented text of a rules file.
    pub text: String,
    /// What was guessed and how surely, in the order of the text.
    pub findings: Vec<Finding>,
    /// How many rows of the samples the guessed key brought together.
    pub rows_met: usize,
}

impl Guess {
    /// Reads the text.
    ///
    /// # Errors
    /// None is known; the tests read what is guessed for arbitrary samples.
    pub fn rules(&self) -> Result<Rules, RuleErrors> {
        Rules::from_toml(&self.text)
    }

    /// Returns the least sure of the findings on which matching depends: keys, amount and currency.
    #[must_use]
    pub fn sureness(&self) -> Sureness {
        let needed = |finding: &&Finding| {
            let name = finding.setting.rsplit('.').next().unwrap_or_default();
            matches!(name, "k1" | "amount" | "currency")
        };
        self.findings.iter().filter(needed).map(|finding| finding.sureness).min().unwrap_or(Sureness::Unsure)
    }
}

/// Guesses rules from samples of both sides.
#[must_use]
pub fn guess(left: &Sample, right: &Sample) -> Guess {
    let samples = [left, right];
    let profiles = samples.map(column::profile_all);
    let keys = keys::find(&profiles);
    let pairs = keys.pairs(&profiles);
    let mut taken = keys.taken();

    let currency = money::find_currencies(&profiles, &pairs, &taken);
    for (side, found) in currency.iter().enumerate() {
        taken[side].extend(found.column);
    }
    let amount = money::find_amount(&profiles, &pairs, &taken, &currency, Role::Amount);
    for (side, found) in amount.iter().enumerate() {
        taken[side].extend(found.iter().map(|field| field.column));
    }
    let fee = money::find_amount(&profiles, &pairs, &taken, &currency, Role::Fee);
    for (side, found) in fee.iter().enumerate() {
        taken[side].extend(found.iter().map(|field| field.column));
    }
    let time = times::find_times(&profiles, &pairs, &taken, &currency);
    let date = times::find_dates(&profiles, &taken, &time);
    let status = words::find(&profiles, &pairs, &taken, Role::Status);
    for (side, found) in status.iter().enumerate() {
        taken[side].extend(found.iter().map(|field| field.column));
    }
    let kind = words::find(&profiles, &pairs, &taken, Role::Kind);
    let texts = [Role::Batch, Role::Original, Role::Account].map(|role| {
        [0, 1]
            .map(|side| column::best_by_name(&profiles[side], role, |column| !taken[side].contains(&column)))
    });
    write::write(&write::Found {
        samples,
        profiles: &profiles,
        keys: &keys,
        rows_met: pairs.len(),
        currency,
        amount,
        fee,
        time,
        date,
        status,
        kind,
        texts,
    })
}

/// Columns of both sides that are spoken for.
type Taken = [Vec<usize>; 2];
/// Rows of both sides that a key brings together.
type Pairs = [(usize, usize)];
/// The columns of both sides.
type Profiles<'s> = [Vec<Profile<'s>>; 2];

/// A share in millionths.
fn ppm(part: usize, whole: usize) -> u64 {
    if whole == 0 { 0 } else { part as u64 * 1_000_000 / whole as u64 }
}

/// Writes a share as `99.99 %`, cut off and never rounded up to 100.
fn percent(part: usize, whole: usize) -> String {
    let hundredths = ppm(part, whole) / 100;
    match (hundredths / 100, hundredths % 100) {
        (whole, 0) => format!("{whole} %"),
        (whole, rest) => format!("{whole}.{rest:02} %"),
    }
}

/// Writes a count as `19,998`.
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
