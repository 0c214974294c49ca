//! Rules from TOML text.
//!
//! Reading goes in two beats: `read` turns the text into [`Rules`] and finds what is misspelt, of
//! the wrong type or missing; `check` then looks at the rules as a whole and finds what can
//! never work. All faults are gathered, each with its path, line and column.

mod fault;
mod pass;
mod side;
mod table;

use fault::Faults;
pub use fault::{Fault, FaultCode, RuleErrors};
use table::Reader;
pub(super) use table::{list_words, nearest};

use super::{Close, Expect, Rules};
use crate::limits::{DAYS_MAX, RULES_BYTES_MAX};
use crate::record::Side;
use toml::de::DeTable;

/// Every table of a rules file with its settings: what the reader knows, and what the reference must
/// name. `[n]` stands for any number, `side` for `left` and `right`.
pub const SETTINGS: &[(&str, &[&str])] = &[
    ("", TOP),
    ("keys", KEYS),
    ("side", side::SIDE),
    ("side.fields", side::FIELDS),
    ("side.fields.type", side::WORD),
    ("side.fields.currency", side::CURRENCY),
    ("side.fields.amount", side::AMOUNT),
    ("side.fields.amount.negate_when", side::TEST),
    ("side.fields.time", side::TIME),
    ("side.fields.date", side::DATE),
    ("side.skip[n]", side::SKIP),
    ("passes[n]", pass::PASS),
    ("passes[n].tolerance", pass::TOLERANCE),
    ("close", CLOSE),
    ("expect", EXPECT),
];

const TOP: &[&str] = &[
    "version",
    "name",
    "flag_duplicates_on_both_sides",
    "keys",
    "left",
    "right",
    "passes",
    "close",
    "expect",
];
const KEYS: &[&str] = &["null", "fold_case"];
const CLOSE: &[&str] = &["pending_days", "as_of", "runs_max"];
const EXPECT: &[&str] = &["left", "right", "left_files_min", "right_files_min"];

impl Rules {
    /// Reads rules from TOML text.
    ///
    /// # Errors
    /// All faults that were found, in order of their place.
    pub fn from_toml(text: &str) -> Result<Rules, RuleErrors> {
        let mut faults = Faults::new(text);
        if text.len() > RULES_BYTES_MAX {
            faults.add(FaultCode::Limit, "", 0, format!("the rules have more than {RULES_BYTES_MAX} bytes"));
            return Err(faults.into_errors());
        }
        let rules = read(text, &mut faults);
        // What does not read is not judged: faults would only follow from faults.
        if faults.is_empty()
            && let Some(rules) = &rules
        {
            for (code, path, message, help) in super::check::problems(rules) {
                faults.add_at_path(code, &path, message, help);
            }
        }
        match rules {
            Some(rules) if faults.is_empty() => Ok(rules),
            _ => Err(faults.into_errors()),
        }
    }
}

/// Reads as much as can be read. `None` when something that has no default is missing or faulty.
fn read(text: &str, faults: &mut Faults) -> Option<Rules> {
    let (table, syntax) = DeTable::parse_recoverable(text);
    for error in &syntax {
        let at = error.span().map_or(0, |span| span.start);
        faults.add(FaultCode::Syntax, "", at, format!("not TOML: {}", error.message().trim()));
    }
    if !syntax.is_empty() {
        return None;
    }
    let mut top = Reader::top(table.get_ref(), TOP, faults);

    match top.integer("version", 1, i64::MAX) {
        Some(1) => {}
        Some(other) => top
            .fault("version", FaultCode::BadValue, format!("version {other} is not known here"))
            .help("this program reads version 1"),
        None if top.has("version") => {}
        None => top.missing("version", "write `version = 1`"),
    }
    let name = top.text("name").unwrap_or_default();
    let flag_duplicates_on_both_sides = top.boolean("flag_duplicates_on_both_sides").unwrap_or(false);
    let (mut null_keys, mut fold_key_case) = (Vec::new(), false);
    if let Some(mut keys) = top.table("keys", KEYS) {
        null_keys = keys.texts("null").unwrap_or_default();
        fold_key_case = keys.boolean("fold_case").unwrap_or(false);
    }
    let sides = Side::BOTH.map(|side| match top.table(side.name(), side::SIDE) {
        Some(mut table) => side::read(&mut table),
        None => {
            top.missing_unless_there(side.name(), &format!("describe the file in `[{}]`", side.name()));
            None
        }
    });
    let close = top.table("close", CLOSE).map(|mut table| read_close(&mut table)).unwrap_or_default();
    let expect = top.table("expect", EXPECT).map(|mut table| read_expect(&mut table)).unwrap_or_default();
    let sides = match sides {
        [Some(left), Some(right)] => Some([left, right]),
        _ => None,
    };
    let passes = pass::read_all(&mut top, sides.as_ref());
    let (sides, passes) = (sides?, passes?);
    Some(Rules {
        name,
        sides,
        null_keys,
        fold_key_case,
        passes,
        close,
        expect,
        flag_duplicates_on_both_sides,
    })
}

fn read_close(table: &mut Reader<'_, '_, '_>) -> Close {
    let as_of = table.date("as_of");
    Close {
        pending_days: table.integer("pending_days", 0, DAYS_MAX).and_then(|n| u32::try_from(n).ok()),
        as_of,
        runs_max: table.integer("runs_max", 1, i64::from(u16::MAX)).and_then(|n| u16::try_from(n).ok()),
    }
}

fn read_expect(table: &mut Reader<'_, '_, '_>) -> Expect {
    let mut expect = Expect::default();
    for side in Side::BOTH {
        let name = side.name();
        let globs = table.texts(name).unwrap_or_default();
        for (at, glob) in globs.iter().enumerate() {
            if let Err(error) = glob::Pattern::new(glob) {
                let message = format!("`{glob}` is not a pattern of file names: {}", error.msg);
                table.fault(&format!("{name}[{}]", at + 1), FaultCode::BadValue, message);
            }
        }
        expect.names[side.index()] = globs;
        let files_min = table.integer(&format!("{name}_files_min"), 0, i64::from(u16::MAX));
        expect.files_min[side.index()] = files_min.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    }
    expect
}

#[cfg(test)]
mod tests;
