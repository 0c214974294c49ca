//! What stands behind the numbers in rows: files, passes, types and statuses, reasons, currencies.

use crate::record::{KEYS_MAX, Side, Word, Words};
use crate::rule::{Rules, SideRules};
use std::sync::{Arc, Mutex, PoisonError};
use suanpan_money::Currency;

/// What the rules and inputs of a run say of the form of its tables. Made once a run; clones share
/// their numbering of reasons and so belong together.
#[derive(Debug, Clone)]
pub struct Shape(Arc<ShapeParts>);

#[derive(Debug)]
struct ShapeParts {
    keys: usize,
    compared: u32,
    files: [Vec<String>; 2],
    passes: Vec<String>,
    whys: Mutex<Vec<&'static str>>,
}

/// Fields that may differ between the two records of a pair, by bit.
pub(super) const FIELD_NAMES: [&str; 9 + KEYS_MAX] = [
    "amount", "currency", "fee", "type", "status", "date", "batch", "original", "account", "k1", "k2", "k3",
    "k4", "k5", "k6", "k7", "k8",
];

impl Shape {
    /// Reads off the rules what the tables must hold. `files` are each side's inputs in order, as
    /// people know them; open items come last.
    #[must_use]
    pub fn new(rules: &Rules, files: [Vec<String>; 2]) -> Shape {
        let [left, right] = &rules.sides;
        let both = |declared: fn(&SideRules) -> bool| declared(left) && declared(right);
        let declared = [
            true,
            true,
            both(|side| side.fee.is_some()),
            both(|side| side.kind.is_some()),
            both(|side| side.status.is_some()),
            both(|side| side.date.is_some()),
            both(|side| side.batch.is_some()),
            both(|side| side.original.is_some()),
            both(|side| side.account.is_some()),
        ];
        let mut compared = 0;
        for (bit, _) in declared.iter().enumerate().filter(|(_, declared)| **declared) {
            compared |= 1 << bit;
        }
        for key in 0..left.keys.len().min(right.keys.len()) {
            compared |= 1 << (9 + key);
        }
        let keys = left.keys.len().max(right.keys.len()).clamp(1, KEYS_MAX);
        let passes = rules.passes.iter().map(|pass| pass.name.clone()).collect();
        Shape(Arc::new(ShapeParts { keys, compared, files, passes, whys: Mutex::default() }))
    }

    /// Match keys of the side that declares more, at least 1.
    pub(super) fn keys(&self) -> usize {
        self.0.keys
    }

    /// Bits, by [`FIELD_NAMES`], of the fields that both sides declare and in which they can so differ.
    pub(super) fn compared(&self) -> u32 {
        self.0.compared
    }

    pub(super) fn file(&self, side: Side, file: u16) -> &str {
        &self.0.files[side.index()][usize::from(file)]
    }

    /// Numbers a fixed sentence, the same for all clones of this shape.
    pub(super) fn why(&self, why: &'static str) -> u16 {
        let mut whys = self.whys();
        let at = whys.iter().position(|known| *known == why).unwrap_or_else(|| {
            whys.push(why);
            whys.len() - 1
        });
        u16::try_from(at).expect("fewer than 65,536 fixed sentences in a program")
    }

    fn whys(&self) -> std::sync::MutexGuard<'_, Vec<&'static str>> {
        self.0.whys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All names, ready for look-up by the writers.
pub(super) struct NameTable {
    pub(super) files: [Vec<String>; 2],
    pub(super) passes: Vec<String>,
    pub(super) words: Vec<String>,
    pub(super) whys: Vec<&'static str>,
    // By numeric code.
    pub(super) currencies: Vec<&'static str>,
}

impl NameTable {
    pub(super) fn new(shape: &Shape, words: &Words) -> NameTable {
        let code = |numeric| Currency::from_numeric(numeric).map_or("", Currency::code);
        NameTable {
            files: shape.0.files.clone(),
            passes: shape.0.passes.clone(),
            words: words.iter().map(str::to_owned).collect(),
            whys: shape.whys().clone(),
            currencies: (0..1000).map(code).collect(),
        }
    }

    // A number without a name is a fault of the engine: the look-ups below panic rather than write
    // evidence with holes.

    pub(super) fn currency(&self, numeric: u16) -> &str {
        self.currencies[usize::from(numeric)]
    }

    pub(super) fn word(&self, word: Word) -> &str {
        &self.words[usize::from(word.0)]
    }

    pub(super) fn file(&self, side: Side, file: u16) -> &str {
        &self.files[side.index()][usize::from(file)]
    }

    /// The name of a pass; what no pass decided was decided by the close.
    pub(super) fn pass(&self, pass: Option<u16>) -> &str {
        pass.map_or("close", |pass| &self.passes[usize::from(pass)])
    }

    pub(super) fn why(&self, why: u16) -> &str {
        self.whys[usize::from(why)]
    }
}

/// Names the fields of a mask.
pub(super) fn field_names(mask: u32) -> impl Iterator<Item = &'static str> {
    FIELD_NAMES.iter().enumerate().filter(move |(bit, _)| mask & (1 << bit) != 0).map(|(_, name)| *name)
}
