//! What can never work, looking at rules as a whole.
//!
//! The reader of the text has checked each setting for itself. Here settings meet: a pass may name only
//! fields that the sides declare, a key must be able to split, and nothing may be bound to match nothing.

use super::parse::{FaultCode, list_words};
use super::{
    Column, CurrencyField, DateField, Field, Format, Pass, PassKind, Rules, SideRules, Strength, Unmapped,
    WordField,
};
use crate::record::{Side, Text, Words};
use std::collections::BTreeSet;

/// A problem: its kind, the path of the setting, what is wrong, and what to do.
pub(super) type Problem = (FaultCode, String, String, Option<String>);

/// Returns all problems of rules, in no particular order.
pub(super) fn problems(rules: &Rules) -> Vec<Problem> {
    let mut found = Vec::new();
    for side in Side::BOTH {
        check_columns(side, &rules.sides[side.index()], &mut found);
        check_vocabularies(side, &rules.sides[side.index()], &mut found);
    }
    check_currencies(rules, &mut found);
    for (at, pass) in rules.passes.iter().enumerate() {
        check_pass(rules, at, pass, &mut found);
    }
    check_close(rules, &mut found);
    found
}

fn check_columns(side: Side, rules: &SideRules, found: &mut Vec<Problem>) {
    for (path, column) in columns(rules) {
        let by_place = column.0.strip_prefix('#').is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
        let path = format!("{}.{path}", side.name());
        if by_place && rules.format == Format::Ndjson {
            let message = format!("`{}`: an NDJSON object has no places, only names", column.0);
            found.push((FaultCode::ImpossibleSetting, path, message, None));
        } else if !by_place && !rules.header && !matches!(rules.format, Format::Ndjson | Format::Parquet) {
            let message = format!("`{}`: without a header columns have no names", column.0);
            let help = "write the place, such as \"#3\", or header = true".to_owned();
            found.push((FaultCode::ImpossibleSetting, path, message, Some(help)));
        }
    }
    // A key of few different values would put everything into a few groups.
    let small = [
        ("type", rules.kind.as_ref().and_then(|field| field.column.as_ref())),
        ("status", rules.status.as_ref().and_then(|field| field.column.as_ref())),
        (
            "currency",
            match &rules.currency {
                CurrencyField::Column { column, .. } => Some(column),
                CurrencyField::Fixed(_) => None,
            },
        ),
    ];
    for (number, key) in rules.keys.iter().enumerate() {
        let named =
            |column: &Column| small.iter().find(|(_, small)| *small == Some(column)).map(|(name, _)| *name);
        let names: Vec<&str> = key.columns.iter().filter_map(named).collect();
        if names.len() == key.columns.len() {
            let message =
                format!("this rule splits nothing: the key is only the {}", names.join(" and the "));
            let path = format!("{}.fields.k{}", side.name(), number + 1);
            let help = "a match key names one business event: an order id, a channel reference".to_owned();
            found.push((FaultCode::SplitsNothing, path, message, Some(help)));
        }
    }
}

/// Returns every column that a side names, with the path of its setting.
fn columns(rules: &SideRules) -> Vec<(String, &Column)> {
    let mut all = Vec::new();
    for (number, key) in rules.keys.iter().enumerate() {
        all.extend(key.columns.iter().map(|column| (format!("fields.k{}", number + 1), column)));
    }
    for (name, field) in [("type", &rules.kind), ("status", &rules.status)] {
        all.extend(field.iter().flat_map(|f| &f.column).map(|column| (format!("fields.{name}"), column)));
    }
    if let CurrencyField::Column { column, .. } = &rules.currency {
        all.push(("fields.currency".to_owned(), column));
    }
    for (name, field) in [("amount", Some(&rules.amount)), ("fee", rules.fee.as_ref())] {
        for field in field.into_iter() {
            all.push((format!("fields.{name}"), &field.column));
            all.extend(
                field.negate_when.iter().map(|test| (format!("fields.{name}.negate_when"), &test.column)),
            );
        }
    }
    all.extend(rules.time.iter().map(|field| ("fields.time".to_owned(), &field.column)));
    if let Some(DateField::Column { column, .. }) = &rules.date {
        all.push(("fields.date".to_owned(), column));
    }
    for (name, column) in [
        ("batch", &rules.batch),
        ("original", &rules.original),
        ("account", &rules.account),
        ("line", &rules.line),
    ] {
        all.extend(column.iter().map(|column| (format!("fields.{name}"), column)));
    }
    for (at, skip) in rules.skip.iter().enumerate() {
        all.push((format!("skip[{}]", at + 1), &skip.when.column));
    }
    all
}

fn check_vocabularies(side: Side, rules: &SideRules, found: &mut Vec<Problem>) {
    for (name, field) in [("type", &rules.kind), ("status", &rules.status)] {
        let Some(field) = field else { continue };
        let words: BTreeSet<&str> = field.map.iter().map(|(_, word)| word.as_str()).collect();
        if words.len() >= Words::MAX {
            let path = format!("{}.fields.{name}.map", side.name());
            let message = format!("{} different words, and the limit is {}", words.len(), Words::MAX - 1);
            found.push((FaultCode::Limit, path, message, None));
        }
    }
}

fn check_currencies(rules: &Rules, found: &mut Vec<Problem>) {
    let [left, right] = [0, 1].map(|side| match &rules.sides[side].currency {
        CurrencyField::Fixed(currency) => Some(*currency),
        CurrencyField::Column { .. } => None,
    });
    if let (Some(left), Some(right)) = (left, right)
        && left != right
    {
        let message =
            format!("the left side is all {left} and the right side all {right}: nothing can match");
        let help =
            "currencies are never converted: reconcile in the currency that both sides hold".to_owned();
        found.push((FaultCode::MatchesNothing, "right.fields.currency".to_owned(), message, Some(help)));
    }
}

fn check_pass(rules: &Rules, at: usize, pass: &Pass, found: &mut Vec<Problem>) {
    let path = format!("passes[{}]", at + 1);
    if let Some(twin) = rules.passes[..at].iter().find(|other| other.kind == pass.kind) {
        let message = format!("repeats the pass `{}`, which leaves nothing over for it", twin.name);
        found.push((FaultCode::MatchesNothing, path.clone(), message, None));
    }
    match &pass.kind {
        PassKind::Exact { key, compare, .. } => {
            let first = !rules.passes[..at].iter().any(|other| matches!(other.kind, PassKind::Exact { .. }));
            if first && pass.strength == Strength::Suggest {
                let message = "the first exact pass is always automatic".to_owned();
                found.push((FaultCode::ImpossibleSetting, format!("{path}.strength"), message, None));
            }
            let key = Field::Text(Text::Key(*key));
            need_both(rules, &path, "key", key, found);
            for field in compare {
                need_both(rules, &path, "compare", *field, found);
                check_common_words(rules, &path, *field, found);
            }
        }
        PassKind::Net { eq, within_s } => {
            refuse(&path, "eq", eq, Field::Amount, "amounts that cancel one another are not equal", found);
            // Net looks at each side by itself, so one side that declares all is enough.
            let can = |side: &SideRules| eq.iter().all(|field| side.declares(*field));
            if !rules.sides.iter().any(can) {
                let names: Vec<String> = eq.iter().map(|field| field_name(*field)).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let message = format!("neither side declares {}", list_words(&names));
                let help = Some("declare the fields on the side whose records cancel".to_owned());
                found.push((FaultCode::UndeclaredField, format!("{path}.eq"), message, help));
            } else if within_s.is_some() && !rules.sides.iter().any(|side| can(side) && side.time.is_some()) {
                let message = "no side that can be netted declares a `time`".to_owned();
                found.push((FaultCode::UndeclaredField, format!("{path}.within_s"), message, None));
            }
        }
        PassKind::Window { eq, tolerance, days_min, days_max } => {
            need_eq(rules, &path, eq, found);
            need_both(rules, &path, "", Field::Date, found);
            let tolerant = tolerance.minor > 0 || tolerance.ppm > 0;
            if tolerant {
                refuse(&path, "eq", eq, Field::Amount, "the tolerance is on the amount", found);
            }
            check_days(&path, eq, *days_min, *days_max, found);
        }
        PassKind::Batch { eq, net_of_fees, .. } => {
            need_eq(rules, &path, eq, found);
            need_both(rules, &path, "", Field::Text(Text::Batch), found);
            refuse(&path, "eq", eq, Field::Amount, "a batch is compared by the sum of its amounts", found);
            if *net_of_fees && !rules.sides.iter().any(|side| side.fee.is_some()) {
                let message = "neither side declares a `fee`".to_owned();
                found.push((FaultCode::UndeclaredField, format!("{path}.net_of_fees"), message, None));
            }
        }
        PassKind::Subset { eq, days_min, days_max, .. } => {
            need_eq(rules, &path, eq, found);
            need_both(rules, &path, "", Field::Date, found);
            refuse(&path, "eq", eq, Field::Amount, "a subset is found by the sum of its amounts", found);
            check_days(&path, eq, *days_min, *days_max, found);
        }
    }
}

fn need_eq(rules: &Rules, path: &str, eq: &[Field], found: &mut Vec<Problem>) {
    for field in eq {
        need_both(rules, path, "eq", *field, found);
        check_common_words(rules, path, *field, found);
    }
}

/// Asks for a field on both sides. The empty setting means that the pass needs it by its nature.
fn need_both(rules: &Rules, path: &str, setting: &str, field: Field, found: &mut Vec<Problem>) {
    for side in Side::BOTH {
        if rules.sides[side.index()].declares(field) {
            continue;
        }
        let name = field_name(field);
        let place = if setting.is_empty() { path.to_owned() } else { format!("{path}.{setting}") };
        let message =
            format!("needs `{name}` on both sides, and the {} side does not declare it", side.name());
        let help = format!("declare `{name}` in `{}.fields`", side.name());
        found.push((FaultCode::UndeclaredField, place, message, Some(help)));
    }
}

fn refuse(path: &str, setting: &str, eq: &[Field], field: Field, why: &str, found: &mut Vec<Problem>) {
    if eq.contains(&field) {
        let message = format!("`{}` in it can match nothing: {why}", field_name(field));
        found.push((FaultCode::MatchesNothing, format!("{path}.{setting}"), message, None));
    }
}

fn check_days(path: &str, eq: &[Field], days_min: i32, days_max: i32, found: &mut Vec<Problem>) {
    if eq.contains(&Field::Date) && !(days_min..=days_max).contains(&0) {
        let message = "`date` must be equal, but the days do not allow the same day".to_owned();
        found.push((FaultCode::MatchesNothing, format!("{path}.eq"), message, None));
    }
}

/// Two closed vocabularies without a common word can never be equal.
fn check_common_words(rules: &Rules, path: &str, field: Field, found: &mut Vec<Problem>) {
    let (name, [left, right]) = match field {
        Field::Kind => ("type", [0, 1].map(|side: usize| rules.sides[side].kind.as_ref())),
        Field::Status => ("status", [0, 1].map(|side: usize| rules.sides[side].status.as_ref())),
        _ => return,
    };
    let (Some(left), Some(right)) = (left.and_then(closed_words), right.and_then(closed_words)) else {
        return;
    };
    if left.is_disjoint(&right) {
        let show = |words: &BTreeSet<&str>| list_words(&words.iter().copied().take(5).collect::<Vec<_>>());
        let message = format!(
            "compares `{name}`, but the words of the left side ({}) and of the right side ({}) have none in common",
            show(&left),
            show(&right)
        );
        let help = format!("map both sides to the same words, or leave `{name}` out of `compare`");
        found.push((FaultCode::MatchesNothing, path.to_owned(), message, Some(help)));
    }
}

/// Returns the words that a field can have, when no others are possible.
fn closed_words(field: &WordField) -> Option<BTreeSet<&str>> {
    let closed = field.column.is_none() || field.unmapped == Unmapped::Reject;
    closed.then(|| {
        let mapped = field.map.iter().map(|(_, word)| word.as_str());
        mapped.chain(Some(field.default.as_str()).filter(|word| !word.is_empty())).collect()
    })
}

fn check_close(rules: &Rules, found: &mut Vec<Problem>) {
    let close = &rules.close;
    let with_date = rules.sides.iter().filter(|side| side.declares(Field::Date)).count();
    if close.pending_days.is_some() {
        // The last business date of the other side decides, or `as_of`.
        let needed = if close.as_of.is_some() { 1 } else { 2 };
        if with_date < needed {
            let which = if needed == 2 { "both sides" } else { "a side" };
            let message = format!("needs `date` on {which}, so nothing would ever be pending");
            let help = "declare `date` in `left.fields` and `right.fields`".to_owned();
            found.push((FaultCode::UndeclaredField, "close.pending_days".to_owned(), message, Some(help)));
        }
    } else if close.runs_max.is_some() {
        let message = "without `pending_days` nothing is pending, so there is nothing to limit".to_owned();
        found.push((FaultCode::ImpossibleSetting, "close.runs_max".to_owned(), message, None));
    }
}

/// Returns the name of a field as rules write it.
pub(super) fn field_name(field: Field) -> String {
    match field {
        Field::Text(Text::Key(number)) => format!("k{}", number + 1),
        Field::Text(Text::Batch) => "batch".to_owned(),
        Field::Text(Text::Original) => "original".to_owned(),
        Field::Text(Text::Account) => "account".to_owned(),
        Field::Text(Text::Line) => "line".to_owned(),
        Field::Kind => "type".to_owned(),
        Field::Currency => "currency".to_owned(),
        Field::Amount => "amount".to_owned(),
        Field::Status => "status".to_owned(),
        Field::Fee => "fee".to_owned(),
        Field::Date => "date".to_owned(),
    }
}

impl SideRules {
    /// Says whether the side declares a field. Currency and amount always are.
    #[must_use]
    pub fn declares(&self, field: Field) -> bool {
        match field {
            Field::Text(Text::Key(number)) => usize::from(number) < self.keys.len(),
            Field::Text(Text::Batch) => self.batch.is_some(),
            Field::Text(Text::Original) => self.original.is_some(),
            Field::Text(Text::Account) => self.account.is_some(),
            Field::Text(Text::Line) => self.line.is_some(),
            Field::Kind => self.kind.is_some(),
            Field::Status => self.status.is_some(),
            Field::Fee => self.fee.is_some(),
            Field::Date => self.date.is_some(),
            Field::Currency | Field::Amount => true,
        }
    }
}
