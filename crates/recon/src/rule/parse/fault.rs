//! What is wrong with rules, and where.

use super::table::nearest;
use crate::limits::FAULTS_MAX;
use std::collections::BTreeMap;
use std::fmt;

/// Kinds of fault, by a stable name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultCode {
    /// The text is not TOML.
    Syntax,
    /// A setting that does not exist at this place.
    UnknownSetting,
    /// A setting that exists but has no meaning here, or not together with another.
    ImpossibleSetting,
    /// A value of the wrong type.
    WrongType,
    /// A value that is not one of those allowed.
    BadValue,
    /// A setting without a default is not there.
    MissingSetting,
    /// More than the limits allow.
    Limit,
    /// A pass names a field that a side does not declare.
    UndeclaredField,
    /// A pass that would look at everything at once: nothing may be split.
    SplitsNothing,
    /// Something that can never match, or never hold.
    MatchesNothing,
}

impl FaultCode {
    /// Returns the code as written in machine-readable output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FaultCode::Syntax => "syntax",
            FaultCode::UnknownSetting => "unknown_setting",
            FaultCode::ImpossibleSetting => "impossible_setting",
            FaultCode::WrongType => "wrong_type",
            FaultCode::BadValue => "bad_value",
            FaultCode::MissingSetting => "missing_setting",
            FaultCode::Limit => "limit",
            FaultCode::UndeclaredField => "undeclared_field",
            FaultCode::SplitsNothing => "splits_nothing",
            FaultCode::MatchesNothing => "matches_nothing",
        }
    }
}

/// One fault of a rules file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind.
    pub code: FaultCode,
    /// The setting, such as `left.fields.amount.unit` or `passes[2].eq` (counted from 1); empty for the
    /// file as a whole.
    pub path: String,
    /// Line in the text, from 1.
    pub line: u32,
    /// Character in the line, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Everything that was found wrong with rules, in order of place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleErrors {
    /// The faults, at most fifty.
    pub faults: Vec<Fault>,
    /// How many more there were.
    pub more: usize,
}

impl RuleErrors {
    /// Writes one line for each fault, with the name of the file in front as compilers do.
    #[must_use]
    pub fn render(&self, file: &str) -> String {
        let mut text = String::new();
        for fault in &self.faults {
            text.push_str(&format!("{file}:{fault}\n"));
        }
        if self.more > 0 {
            text.push_str(&format!("{file}: and {} more\n", self.more));
        }
        text
    }
}

impl fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render("rules").trim_end())
    }
}

impl std::error::Error for RuleErrors {}

/// Gathers faults while rules are read.
pub(super) struct Faults {
    line_starts: Vec<usize>,
    text: String,
    found: Vec<(usize, Fault)>,
    more: usize,
    /// Where each setting that was read stands, for faults that are found later.
    places: BTreeMap<String, usize>,
}

impl Faults {
    pub(super) fn new(text: &str) -> Faults {
        let mut line_starts = vec![0];
        line_starts.extend(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1));
        Faults { line_starts, text: text.to_owned(), found: Vec::new(), more: 0, places: BTreeMap::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Remembers where a setting stands.
    pub(super) fn place(&mut self, path: &str, at: usize) {
        self.places.insert(path.to_owned(), at);
    }

    /// Returns where a setting stands.
    pub(super) fn place_at(&self, path: &str) -> usize {
        self.place_around(path).1
    }

    /// Returns a setting and where it stands, or else the nearest one around it that is in the text.
    fn place_around<'p>(&self, path: &'p str) -> (&'p str, usize) {
        let mut around = path;
        loop {
            if let Some(at) = self.places.get(around) {
                return (around, *at);
            }
            match around.rfind(['.', '[']) {
                Some(end) => around = &around[..end],
                None => return ("", 0),
            }
        }
    }

    /// Adds a fault at a byte offset.
    pub(super) fn add(&mut self, code: FaultCode, path: &str, at: usize, message: String) -> Added<'_> {
        if self.found.len() >= FAULTS_MAX {
            self.more += 1;
            return Added { fault: None };
        }
        let line = self.line_starts.partition_point(|start| *start <= at).max(1);
        let start = self.line_starts[line - 1];
        let column = self.text.get(start..at).map_or(1, |before| before.chars().count() + 1);
        let fault = Fault {
            code,
            path: path.to_owned(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
            message,
            help: None,
        };
        self.found.push((at, fault));
        Added { fault: self.found.last_mut().map(|(_, fault)| fault) }
    }

    /// Adds a fault at a setting, or at the nearest table around it that stands in the text.
    pub(super) fn add_at_path(&mut self, code: FaultCode, path: &str, message: String, help: Option<String>) {
        let (path, at) = self.place_around(path);
        if let (Some(fault), Some(help)) = (self.add(code, path, at, message).fault, help) {
            fault.help = Some(help);
        }
    }

    pub(super) fn into_errors(mut self) -> RuleErrors {
        self.found.sort_by_key(|(at, _)| *at);
        RuleErrors { faults: self.found.into_iter().map(|(_, fault)| fault).collect(), more: self.more }
    }
}

/// A fault just added, to which help may be given.
pub(super) struct Added<'f> {
    fault: Option<&'f mut Fault>,
}

impl Added<'_> {
    /// Says what to do next.
    pub(super) fn help(self, help: impl Into<String>) {
        if let Some(fault) = self.fault {
            fault.help = Some(help.into());
        }
    }

    /// Asks whether one of the known words was meant, if one is near.
    pub(super) fn did_you_mean(self, written: &str, known: &[&str]) {
        if let Some(word) = nearest(written, known.iter().copied()) {
            self.help(format!("did you mean `{word}`?"));
        } else {
            self.help(format!("known are {}", super::list_words(known)));
        }
    }
}
