//! What a reader gives: statements, records, checks, faults, and how reading can end early.

use crate::record::{Place, Record};
use jiff::civil::Date;
use rust_decimal::Decimal;
use suanpan_money::Currency;

/// One thing that a reader found, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A statement begins; what follows belongs to it, until the next one.
    Statement(Statement),
    /// A movement. Boxed: it is much larger than the others.
    Record(Box<Record>),
    /// Something that the file declares about itself, compared with its content.
    Check(Check),
    /// A line that could not be read. The lines around it are not lost.
    Fault(Fault),
}

/// A statement within a file: an account over a time, a batch, a page. Texts may be empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Statement {
    /// The writer's name of it: statement number, message id, batch number.
    pub id: String,
    /// The account, wallet or merchant that it is about.
    pub account: String,
    /// Who holds the account.
    pub holder: String,
    /// Its currency, where it has one.
    pub currency: Option<Currency>,
    /// First day, where it is told.
    pub from: Option<Date>,
    /// Last day, where it is told.
    pub to: Option<Date>,
    /// Balance before the first movement.
    pub opening: Option<Decimal>,
    /// Whatever else its head says, by the file's own names.
    pub details: Vec<(String, String)>,
    /// Where it begins.
    pub place: Place,
}

/// Something that a file declares about itself, compared with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is compared: `closing balance`, `number of refunds`.
    pub what: String,
    /// What the file says.
    pub declared: String,
    /// What its content gives.
    pub computed: String,
    /// Declared less computed, for counts and amounts; empty otherwise.
    pub difference: String,
    /// Whether both agree.
    pub agrees: bool,
    /// Where it is declared.
    pub place: Place,
}

impl Check {
    /// Compares amounts. Decimals that are zeros do not matter.
    #[must_use]
    pub fn amount(what: &str, declared: Decimal, computed: Decimal, place: Place) -> Check {
        let difference = declared.checked_sub(computed);
        Check {
            what: what.to_owned(),
            declared: declared.to_string(),
            computed: computed.to_string(),
            difference: difference.map(|d| d.to_string()).unwrap_or_default(),
            agrees: declared == computed,
            place,
        }
    }

    /// Compares counts.
    #[must_use]
    pub fn count(what: &str, declared: u64, computed: u64, place: Place) -> Check {
        Check {
            what: what.to_owned(),
            declared: declared.to_string(),
            computed: computed.to_string(),
            difference: (i128::from(declared) - i128::from(computed)).to_string(),
            agrees: declared == computed,
            place,
        }
    }

    /// Compares texts, such as hashes and digests.
    #[must_use]
    pub fn text(what: &str, declared: &str, computed: &str, place: Place) -> Check {
        Check {
            what: what.to_owned(),
            declared: declared.to_owned(),
            computed: computed.to_owned(),
            difference: String::new(),
            agrees: declared == computed,
            place,
        }
    }
}

/// A line, row or entry that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where: the line, and the column of the field.
    pub place: Place,
    /// The field, by the file's own name; empty where the whole line is meant.
    pub field: String,
    /// What is wrong: `is not an amount`.
    pub message: String,
    /// What stands there, cut off after 200 characters.
    pub found: String,
}

impl Fault {
    /// Makes a fault.
    #[must_use]
    pub fn new(place: Place, field: &str, message: impl Into<String>, found: &str) -> Fault {
        let found = found.chars().take(200).collect();
        Fault { place, field: field.to_owned(), message: message.into(), found }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.field.is_empty() {
            write!(f, "{} ", self.field)?;
        }
        f.write_str(&self.message)?;
        if self.found.is_empty() { Ok(()) } else { write!(f, ": `{}`", self.found.escape_debug()) }
    }
}

/// Why the rest of a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Bytes could not be had.
    #[error("reading failed: {0}")]
    Io(#[from] std::io::Error),
    /// The file breaks the rules of its format so that nothing after this place can be trusted.
    #[error("{place}: {message}")]
    Broken {
        /// Where.
        place: Place,
        /// What is wrong, and what was expected.
        message: String,
    },
    /// A size or count is over its limit.
    #[error("{place}: {what} is over the limit of {max}")]
    Limit {
        /// Where.
        place: Place,
        /// What is too large.
        what: &'static str,
        /// The limit.
        max: u64,
    },
}

impl ReadError {
    /// Makes an error for a file that cannot be read further.
    #[must_use]
    pub fn broken(place: Place, message: impl Into<String>) -> ReadError {
        ReadError::Broken { place, message: message.into() }
    }
}

/// Why a reader ended before the end of its file.
#[derive(Debug)]
pub enum Stop {
    /// Whoever takes the events asked for no more.
    Asked,
    /// The rest cannot be read.
    Failed(ReadError),
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Stop {
        Stop::Failed(error)
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Stop {
        Stop::Failed(error.into())
    }
}
