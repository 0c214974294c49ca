//! What must fit together in a layout, beyond each value by itself.

use super::definition::{Definition, Implied, OWN_SETS, Shape, Sign, Unit};
use crate::delimited::bare_name;
use crate::head::TextEncoding;

impl Definition {
    /// Checks what must fit together, and says what does not.
    pub(super) fn check(&self) -> Result<(), String> {
        let fields = &self.record;
        let split = fields.credit.is_some() && fields.debit.is_some();
        if fields.amount.is_some() == (fields.credit.is_some() || fields.debit.is_some()) || {
            fields.amount.is_none() && !split
        } {
            return Err("[record] needs either `amount`, or both `credit` and `debit`".to_owned());
        }
        if fields.sign == Sign::Direction && self.direction.is_none() {
            return Err("[record] sign = \"direction\" needs a table [direction]".to_owned());
        }
        if self.numbers.implied == Some(Implied::Exponents) && self.exponents.is_none() {
            return Err("[numbers] implied = \"exponents\" needs a table [exponents]".to_owned());
        }
        let file = &self.file;
        let fixed = file.shape == Shape::FixedWidth;
        if fixed && (file.columns.is_empty() || file.columns.iter().any(|column| column.width == 0)) {
            return Err("[file] shape = \"fixed-width\" needs `columns`, each with a `width`".to_owned());
        }
        if file.columns.iter().map(|c| c.width.saturating_add(file.gap)).fold(0, usize::saturating_add)
            > crate::limits::LINE_BYTES_MAX
        {
            return Err("[file] columns are wider than a line may be".to_owned());
        }
        match (file.columns.is_empty(), self.recognise.columns.is_empty(), &self.recognise.rows) {
            (true, true, _) => {
                return Err("[recognise] needs `columns`: the names that tell the header".to_owned());
            }
            (false, false, _) => {
                return Err("[recognise] `columns` are for files with a header, `file.columns` for those \
                    without"
                    .to_owned());
            }
            (false, true, None) => {
                return Err("[recognise] needs `rows`: a pattern that the first lines match".to_owned());
            }
            (true, false, Some(_)) => {
                return Err("[recognise] `rows` is for files without a header".to_owned());
            }
            _ => {}
        }
        if !self.file.columns.is_empty() && !self.recognise.lines.is_empty() {
            return Err(
                "[recognise] `lines` are before a header, and `rows` is for files without one".to_owned()
            );
        }
        let wide = matches!(file.encoding, Some(TextEncoding::Utf16Le | TextEncoding::Utf16Be));
        if fixed && wide && file.unit == Unit::Bytes {
            return Err("[file] UTF-16 of fixed width needs unit = \"characters\"".to_owned());
        }
        self.check_names()?;
        self.check_groups()
    }

    /// Without a header all names are known, and each that is used must be one of them.
    fn check_names(&self) -> Result<(), String> {
        let mut known: Vec<String> = self.file.columns.iter().map(|c| bare_name(&c.name)).collect();
        let mut derived: Vec<String> = Vec::new();
        for derive in &self.derive {
            match (&derive.from, derive.sum.is_empty()) {
                (Some(_), true) if derive.give.is_none() || derive.pattern.is_some() => {}
                (Some(_), true) => {
                    return Err(format!("[[derive]] {}: `give` needs `match`", derive.name));
                }
                (None, false) => {}
                _ => {
                    return Err(format!("[[derive]] {} needs either `from` or `sum`", derive.name));
                }
            }
            for used in derive.names() {
                let used = bare_name(used.strip_suffix('?').unwrap_or(used));
                let later = self.derive.iter().any(|other| bare_name(&other.name) == used);
                if later && !derived.contains(&used) {
                    return Err(format!(
                        "[[derive]] {} uses {used}, which is not made before it",
                        derive.name
                    ));
                }
            }
            let name = bare_name(&derive.name);
            derived.push(name.clone());
            if known.contains(&name) {
                return Err(format!("[[derive]] there is already a column {}", derive.name));
            }
            known.push(name);
        }
        if self.file.columns.is_empty() {
            return Ok(());
        }
        for name in self.names_used() {
            let name = name.strip_suffix('?').unwrap_or(name);
            if !known.contains(&bare_name(name)) {
                return Err(format!("there is no column {name} in file.columns, nor a [[derive]] of it"));
            }
        }
        Ok(())
    }

    /// Says whether a column is one of the record's amounts.
    pub(super) fn is_amount(&self, name: &str) -> bool {
        let f = &self.record;
        let amounts = [&f.amount, &f.credit, &f.debit, &f.fee, &f.net, &f.balance];
        amounts.into_iter().flatten().flat_map(|names| &names.0).any(|own| bare_name(own) == bare_name(name))
    }

    /// Iterates over the names of columns that fields use.
    fn names_used(&self) -> impl Iterator<Item = &str> {
        let f = &self.record;
        let fields = [
            &f.amount,
            &f.credit,
            &f.debit,
            &f.currency,
            &f.fee,
            &f.net,
            &f.balance,
            &f.id,
            &f.own_id,
            &f.order_id,
            &f.original_id,
            &f.batch_id,
            &f.time,
            &f.booked_on,
            &f.value_on,
            &f.account,
            &f.counterparty,
            &f.counterparty_account,
            &f.description,
            &f.kind_text,
            &f.status_text,
        ];
        let words = [
            self.kind.as_ref().map(|words| &words.column),
            self.status.as_ref().map(|words| &words.column),
            self.direction.as_ref().map(|words| &words.column),
            self.exponents.as_ref().map(|words| &words.column),
        ];
        let sets = self.sets.values().flat_map(|set| [&set.column, &set.add]).flatten();
        let all = fields.into_iter().flatten().chain(words.into_iter().flatten()).chain(sets);
        all.flat_map(|names| names.0.iter().map(String::as_str))
    }

    /// Groups that count or sum must name a set.
    fn check_groups(&self) -> Result<(), String> {
        for (name, set) in &self.sets {
            let own = OWN_SETS.contains(&name.as_str());
            if own && set.column.is_some() {
                return Err(format!("[sets.{name}] is chosen by direction and takes only `add`"));
            }
            if !own && (set.column.is_none() || set.words.is_empty()) {
                return Err(format!("[sets.{name}] needs `column` and `words`"));
            }
        }
        for pattern in &self.lines.read {
            let mut named = pattern.groups().peekable();
            if named.peek().is_none() {
                return Err(format!(
                    "[lines] read: `{pattern}` has no named group, such as (?<account>\\S+)"
                ));
            }
            for group in named {
                let Some((set, _)) =
                    group.rsplit_once('_').filter(|(_, what)| matches!(*what, "count" | "amount"))
                else {
                    continue;
                };
                if !OWN_SETS.contains(&set) && !self.sets.contains_key(set) {
                    return Err(format!("[lines] read: the group {group} needs a table [sets.{set}]"));
                }
            }
        }
        Ok(())
    }
}
