//! The list `[[passes]]`.

use super::fault::FaultCode;
use super::table::{Reader, list_words};
use crate::limits::{DAYS_MAX, PASSES_MAX};
use crate::record::{KEYS_MAX, Side, Text};
use crate::rule::{Field, Pass, PassKind, SideRules, Strength, Tolerance};
use toml::de::DeValue;

pub(super) const PASS: &[&str] = &[
    "kind",
    "name",
    "strength",
    "key",
    "compare",
    "tolerance",
    "aggregate",
    "eq",
    "whole",
    "within_s",
    "days_min",
    "days_max",
    "net_of_fees",
    "one",
    "candidates_max",
    "steps_max",
];
pub(super) const TOLERANCE: &[&str] = &["minor", "percent"];

/// The largest tolerance in minor units: past it, two tolerances cannot overflow an amount.
const TOLERANCE_MINOR_MAX: i64 = 1_000_000_000_000;
/// Candidates of one record in a subset pass when the rule does not say.
const CANDIDATES_DEFAULT: u32 = 40;
const CANDIDATES_MAX: i64 = 4_096;
/// Steps for one record in a subset pass when the rule does not say.
const STEPS_DEFAULT: u64 = 5_000_000;
const STEPS_MAX: i64 = 1_000_000_000;
/// A year.
const WITHIN_S_MAX: i64 = 366 * 86_400;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Exact,
    Net,
    Window,
    Batch,
    Subset,
}

const KINDS: &[(&str, Kind)] = &[
    ("exact", Kind::Exact),
    ("net", Kind::Net),
    ("window", Kind::Window),
    ("batch", Kind::Batch),
    ("subset", Kind::Subset),
];

const STRENGTHS: &[(&str, Strength)] = &[("automatic", Strength::Automatic), ("suggest", Strength::Suggest)];

/// Fields that an exact pass may compare.
const COMPARABLE: &[(&str, Field)] = &[
    ("type", Field::Kind),
    ("currency", Field::Currency),
    ("amount", Field::Amount),
    ("status", Field::Status),
    ("fee", Field::Fee),
    ("date", Field::Date),
];

impl Kind {
    fn name(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// The settings that have a meaning for the kind, besides `kind`, `name` and `strength`.
    fn settings(self) -> &'static [&'static str] {
        match self {
            Kind::Exact => &["key", "compare", "tolerance", "aggregate"],
            Kind::Net => &["eq", "within_s"],
            Kind::Window => &["eq", "whole", "tolerance", "days_min", "days_max"],
            Kind::Batch => &["eq", "net_of_fees", "tolerance"],
            Kind::Subset => {
                &["eq", "whole", "one", "candidates_max", "steps_max", "tolerance", "days_min", "days_max"]
            }
        }
    }
}

/// Reads all passes. Without a list there is one exact pass on `k1`. `None` after a fault.
pub(super) fn read_all(top: &mut Reader<'_, '_, '_>, sides: Option<&[SideRules; 2]>) -> Option<Vec<Pass>> {
    if !top.has("passes") {
        let kind = PassKind::Exact {
            key: 0,
            compare: declared_on_both(sides),
            tolerance: Tolerance::default(),
            aggregate: false,
        };
        return Some(vec![Pass { name: "exact k1".to_owned(), strength: Strength::Automatic, kind }]);
    }
    let count = top.items("passes", PASSES_MAX)?;
    if count == 0 {
        top.fault("passes", FaultCode::MatchesNothing, "the list of passes is empty".to_owned())
            .help("leave `passes` out for one exact pass on `k1`");
        return None;
    }
    let mut passes: Vec<Pass> = Vec::with_capacity(count);
    let mut whole = true;
    for index in 0..count {
        let Some(mut table) = top.item("passes", index, PASS) else {
            whole = false;
            continue;
        };
        match read_one(&mut table, sides, &passes) {
            Some(pass) => passes.push(pass),
            None => whole = false,
        }
    }
    whole.then_some(passes)
}

fn read_one(table: &mut Reader<'_, '_, '_>, sides: Option<&[SideRules; 2]>, before: &[Pass]) -> Option<Pass> {
    let words: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
    table.missing_unless_there("kind", &format!("one of {}", list_words(&words)));
    let kind = table.word("kind", KINDS)?;
    for (name, _) in table.in_order() {
        let common = matches!(name, "kind" | "name" | "strength");
        if PASS.contains(&name) && !common && !kind.settings().contains(&name) {
            let message = format!("`{name}` has no meaning in a pass of kind `{}`", kind.name());
            table
                .fault(name, FaultCode::ImpossibleSetting, message)
                .help(format!("it has {}", list_words(kind.settings())));
        }
    }
    let strength = table.word("strength", STRENGTHS).unwrap_or(Strength::Automatic);
    let name = if table.has("name") { table.nonempty("name") } else { None };
    let pass = match kind {
        Kind::Exact => read_exact(table, sides)?,
        Kind::Net => PassKind::Net {
            eq: read_eq(table, kind)?,
            within_s: table.integer("within_s", 0, WITHIN_S_MAX).and_then(|n| u64::try_from(n).ok()),
        },
        Kind::Window => {
            let (days_min, days_max) = read_days(table);
            PassKind::Window {
                eq: read_eq(table, kind)?,
                tolerance: read_tolerance(table),
                days_min,
                days_max,
            }
        }
        Kind::Batch => PassKind::Batch {
            eq: read_eq(table, kind)?,
            net_of_fees: table.boolean("net_of_fees").unwrap_or(false),
            tolerance: read_tolerance(table),
        },
        Kind::Subset => {
            let (days_min, days_max) = read_days(table);
            let eq = read_eq(table, kind);
            table.missing_unless_there("one", "say which side has the single record: \"left\" or \"right\"");
            let one = table.word("one", &[("left", Side::Left), ("right", Side::Right)]);
            let candidates_max = table.integer("candidates_max", 1, CANDIDATES_MAX);
            let steps_max = table.integer("steps_max", 1, STEPS_MAX);
            PassKind::Subset {
                eq: eq?,
                one: one?,
                candidates_max: candidates_max.and_then(|n| n.try_into().ok()).unwrap_or(CANDIDATES_DEFAULT),
                steps_max: steps_max.and_then(|n| n.try_into().ok()).unwrap_or(STEPS_DEFAULT),
                tolerance: read_tolerance(table),
                days_min,
                days_max,
            }
        }
    };
    let taken = |name: &str| before.iter().any(|other| other.name == name);
    let name = match name {
        Some(name) => {
            if taken(&name) {
                table.fault("name", FaultCode::BadValue, format!("`{name}` names another pass already"));
            }
            name
        }
        None if table.has("name") => return None,
        None => {
            let plain = match &pass {
                PassKind::Exact { key, .. } => format!("exact k{}", key + 1),
                _ => kind.name().to_owned(),
            };
            let numbered = (2..).map(|n| format!("{plain} {n}"));
            std::iter::once(plain.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(plain)
        }
    };
    Some(Pass { name, strength, kind: pass })
}

fn read_exact(table: &mut Reader<'_, '_, '_>, sides: Option<&[SideRules; 2]>) -> Option<PassKind> {
    let key = match table.text("key") {
        Some(text) => match key_number(&text) {
            Some(key) => key,
            None => {
                table
                    .fault("key", FaultCode::BadValue, format!("`{text}` is not a match key"))
                    .help(format!("match keys are `k1` to `k{KEYS_MAX}`"));
                return None;
            }
        },
        None if table.has("key") => return None,
        None => 0,
    };
    let compare = match table.has("compare") {
        false => declared_on_both(sides),
        true => {
            let mut compare = vec![Field::Currency, Field::Amount];
            for (at, word) in table.texts("compare")?.iter().enumerate() {
                let Some((_, field)) = COMPARABLE.iter().find(|(name, _)| name == word) else {
                    field_fault(table, &format!("compare[{}]", at + 1), word, COMPARABLE);
                    continue;
                };
                compare.push(*field);
            }
            compare.sort();
            compare.dedup();
            compare
        }
    };
    let aggregate = table.boolean("aggregate").unwrap_or(false);
    Some(PassKind::Exact { key, compare, tolerance: read_tolerance(table), aggregate })
}

/// The fields that an exact pass compares when the rule does not say: all that both sides declare but
/// the date, which differs whenever one side books a day later.
pub(super) fn declared_on_both(sides: Option<&[SideRules; 2]>) -> Vec<Field> {
    let declared = |field: Field| sides.is_some_and(|sides| sides.iter().all(|side| side.declares(field)));
    COMPARABLE
        .iter()
        .map(|(_, field)| *field)
        .filter(|field| *field != Field::Date && declared(*field))
        .collect()
}

fn read_eq(table: &mut Reader<'_, '_, '_>, kind: Kind) -> Option<Vec<Field>> {
    if !table.has("eq") {
        // A batch is grouped by its id already.
        if kind == Kind::Batch {
            return Some(Vec::new());
        }
        if matches!(kind, Kind::Window | Kind::Subset) && table.boolean("whole") == Some(true) {
            return Some(Vec::new());
        }
        let code = if kind == Kind::Net { FaultCode::MissingSetting } else { FaultCode::SplitsNothing };
        splits_nothing(table, "", kind, code);
        return None;
    }
    let mut eq = Vec::new();
    for (at, word) in table.texts("eq")?.iter().enumerate() {
        let field = match field_named(word) {
            Some(field) => field,
            None => {
                field_fault(table, &format!("eq[{}]", at + 1), word, &all_fields());
                continue;
            }
        };
        // The currency is in every pass, and the batch id in every batch pass.
        let implied = field == Field::Currency || (kind == Kind::Batch && field == Field::Text(Text::Batch));
        if !implied && !eq.contains(&field) {
            eq.push(field);
        }
    }
    eq.sort();
    let whole = matches!(kind, Kind::Window | Kind::Subset) && table.boolean("whole") == Some(true);
    match kind {
        Kind::Net if eq.is_empty() => {
            splits_nothing(table, "eq", kind, FaultCode::SplitsNothing);
            None
        }
        Kind::Window | Kind::Subset if eq.is_empty() && !whole => {
            splits_nothing(table, "eq", kind, FaultCode::SplitsNothing);
            None
        }
        _ if whole && !eq.is_empty() => {
            let message = "`whole` says that nothing is split, but `eq` splits".to_owned();
            table.fault("whole", FaultCode::ImpossibleSetting, message);
            None
        }
        _ => Some(eq),
    }
}

fn splits_nothing(table: &mut Reader<'_, '_, '_>, name: &str, kind: Kind, code: FaultCode) {
    let kind_name = kind.name();
    let message =
        format!("this rule splits nothing: a pass of kind `{kind_name}` needs a field that must be equal");
    let help = match kind {
        Kind::Net => "write eq = [\"original\"] or another field",
        _ => {
            "write eq = [\"account\"] or another field, or whole = true to compare all that is left with all"
        }
    };
    table.fault(name, code, message).help(help);
}

fn field_fault(table: &mut Reader<'_, '_, '_>, at: &str, word: &str, known: &[(&str, Field)]) {
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    table.fault(at, FaultCode::BadValue, format!("`{word}` is not a field here")).did_you_mean(word, &names);
}

fn key_number(text: &str) -> Option<u8> {
    let number: u8 = text.strip_prefix('k')?.parse().ok()?;
    let plain = text.len() == 2 && (1..=KEYS_MAX).contains(&usize::from(number));
    plain.then(|| number - 1)
}

fn field_named(word: &str) -> Option<Field> {
    key_number(word)
        .map(|key| Field::Text(Text::Key(key)))
        .or_else(|| all_fields().iter().find(|(name, _)| *name == word).map(|(_, field)| *field))
}

/// All fields by name; the match keys stand last.
fn all_fields() -> Vec<(&'static str, Field)> {
    let mut all = COMPARABLE.to_vec();
    all.push(("batch", Field::Text(Text::Batch)));
    all.push(("original", Field::Text(Text::Original)));
    all.push(("account", Field::Text(Text::Account)));
    for (number, name) in (0_u8..).zip(&super::side::FIELDS[..KEYS_MAX]) {
        all.push((name, Field::Text(Text::Key(number))));
    }
    all
}

fn read_days(table: &mut Reader<'_, '_, '_>) -> (i32, i32) {
    let mut read = |name: &str| {
        table.integer(name, -DAYS_MAX, DAYS_MAX).and_then(|days| i32::try_from(days).ok()).unwrap_or(0)
    };
    let (min, max) = (read("days_min"), read("days_max"));
    if min > max {
        let message = format!("`days_min` {min} is above `days_max` {max}, so no date fits");
        let name = if table.has("days_min") { "days_min" } else { "days_max" };
        table
            .fault(name, FaultCode::MatchesNothing, message)
            .help("both count from the left date to the right one");
    }
    (min, max)
}

fn read_tolerance(table: &mut Reader<'_, '_, '_>) -> Tolerance {
    let Some(mut tolerance) = table.table("tolerance", TOLERANCE) else { return Tolerance::default() };
    let minor = tolerance.integer("minor", 0, TOLERANCE_MINOR_MAX).unwrap_or(0);
    let ppm = read_percent(&mut tolerance).unwrap_or(0);
    Tolerance { minor, ppm }
}

/// Reads a percentage exactly, as millionths: from text, or from the digits of a TOML number.
fn read_percent(table: &mut Reader<'_, '_, '_>) -> Option<u32> {
    let text = match table.value("percent")?.value {
        DeValue::Float(float) => float.as_str().to_owned(),
        DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().to_owned(),
        _ => table.text("percent")?,
    };
    let ppm = parse_percent(&text);
    if ppm.is_none() {
        table
            .fault("percent", FaultCode::BadValue, format!("`{text}` is not a percentage"))
            .help("write \"0\" to \"100\" with at most four decimals, such as \"0.5\"");
    }
    ppm
}

fn parse_percent(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let ppm = suanpan_money::parse_decimal(text.as_bytes(), 4).ok().filter(|_| plain)?;
    u32::try_from(ppm).ok().filter(|ppm| *ppm <= 1_000_000)
}
