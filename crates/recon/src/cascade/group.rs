//! Grouping by the fields that must be equal: hash, sort, then compare true values.
//!
//! One sorted list of (hash, record) for a pass, and no table or allocation for a group. Equal
//! hashes are confirmed by comparing the fields themselves.

use crate::record::{NewRecord, RecordId, Records, Side, Text};
use crate::rule::{Field, PassKind, Rules};
use siphasher::sip::SipHasher13;
use std::cmp::Ordering;
use std::hash::Hasher;

/// The fields by which a pass groups, and how it reads them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys<'a> {
    /// Fields that passes of this kind always group by.
    fixed: [Option<Field>; 3],
    /// Fields that the rules name.
    eq: &'a [Field],
    /// Keys are compared without regard to ASCII case.
    fold: bool,
    /// A record without an original stands for itself: its first key is used. So a reversal, which
    /// names its original, meets the record that it reverses, which names none.
    original_or_key: bool,
    /// Records without a business date take no part.
    dated: bool,
}

/// Groups the records of a table.
#[derive(Clone, Copy)]
pub(super) struct Grouping<'a> {
    records: &'a Records,
    keys: Keys<'a>,
}

/// How many entries are read ahead: their rows and texts fit into the second-level cache.
const WARM_ENTRIES: usize = 512;

/// A record with the hash of its group.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    hash: u64,
    pub(super) id: RecordId,
}

impl<'a> Keys<'a> {
    /// Returns what a pass groups by.
    ///
    /// # Panics
    /// When the rules have no such pass.
    pub(crate) fn of(rules: &'a Rules, pass: usize) -> Self {
        let kind = &rules.passes[pass].kind;
        let currency = Some(Field::Currency);
        let (fixed, eq): ([Option<Field>; 3], &[Field]) = match kind {
            PassKind::Exact { key, .. } => ([Some(Field::Text(Text::Key(*key))), None, None], &[]),
            PassKind::Batch { eq, .. } => ([Some(Field::Text(Text::Batch)), currency, None], eq),
            PassKind::Window { eq, tolerance, .. } => {
                // Without tolerance amounts must be equal, so they part as safely as any `eq` field.
                ([None, currency, tolerance.is_zero().then_some(Field::Amount)], eq)
            }
            PassKind::Net { eq, .. } | PassKind::Subset { eq, .. } => ([None, currency, None], eq),
        };
        Keys {
            fixed,
            eq,
            fold: rules.fold_key_case,
            original_or_key: matches!(kind, PassKind::Net { .. }),
            dated: matches!(kind, PassKind::Window { .. } | PassKind::Subset { .. }),
        }
    }

    fn fields(&self) -> impl Iterator<Item = &Field> {
        self.fixed.iter().flatten().chain(self.eq)
    }

    /// Returns the hash of a record's group, or `None` when it takes no part.
    pub(crate) fn hash(&self, record: &NewRecord<'_>) -> Option<u64> {
        // The keys of the hash are fixed: collisions made on purpose cost only comparisons.
        let mut hasher = SipHasher13::new_with_keys(0x7375_616e_7061_6e00, 0x6361_7363_6164_6500);
        if self.dated && record.date.is_none() {
            return None;
        }
        for field in self.fields() {
            match field {
                Field::Text(text) => {
                    let bytes = self.text(record, *text)?;
                    if self.folds(*text) {
                        for byte in bytes {
                            hasher.write_u8(byte.to_ascii_lowercase());
                        }
                    } else {
                        hasher.write(bytes);
                    }
                    hasher.write_usize(bytes.len());
                }
                Field::Kind => hasher.write_u16(record.kind.0),
                Field::Currency => hasher.write_u16(record.currency.numeric()),
                Field::Amount => hasher.write_i64(record.amount),
                Field::Status => hasher.write_u16(record.status.0),
                Field::Fee => hasher.write_i64(record.fee?),
                Field::Date => hasher.write_i32(record.date?),
            }
        }
        Some(hasher.finish())
    }

    fn text<'r>(&self, record: &NewRecord<'r>, text: Text) -> Option<&'r [u8]> {
        let found = record.texts[text.slot()];
        if text == Text::Original && self.original_or_key { found.or(record.texts[0]) } else { found }
    }

    fn folds(&self, text: Text) -> bool {
        self.fold && matches!(text, Text::Key(_) | Text::Original)
    }
}

impl<'a> Grouping<'a> {
    pub(super) fn of(rules: &'a Rules, pass: usize, records: &'a Records) -> Self {
        Grouping { records, keys: Keys::of(rules, pass) }
    }

    /// Returns the hash of a record's group, or `None` when it takes no part.
    pub(super) fn hash(&self, id: RecordId) -> Option<u64> {
        self.keys.hash(&self.records.get(id))
    }

    /// Calls `decide` once for each group, and returns the records that take no part.
    pub(super) fn for_each(&self, ids: &[RecordId], mut decide: impl FnMut(&mut [Entry])) -> Vec<RecordId> {
        let mut apart = Vec::new();
        let mut entries = Vec::with_capacity(ids.len());
        for &id in ids {
            match self.hash(id) {
                Some(hash) => entries.push(Entry { hash, id }),
                None => apart.push(id),
            }
        }
        entries.sort_unstable_by_key(|entry| entry.hash);
        let mut at = 0;
        let mut warm_to = 0;
        while at < entries.len() {
            let hash = entries[at].hash;
            let end = at + entries[at..].iter().take_while(|entry| entry.hash == hash).count();
            if end > warm_to {
                warm_to = entries.len().min(end + WARM_ENTRIES);
                self.warm(&entries[at..warm_to]);
            }
            self.for_each_true_group(&mut entries[at..end], &mut decide);
            at = end;
        }
        apart
    }

    /// Reads ahead what the next groups need. Records of a group lie anywhere in the table, and the
    /// processor can wait for many such reads at once, but only if nothing else depends on them.
    fn warm(&self, entries: &[Entry]) {
        let lengths = entries.iter().map(|entry| {
            let row = self.records.row(entry.id);
            let text = match self.keys.fields().next() {
                Some(Field::Text(text)) => self.text(entry.id, *text).map_or(0, <[u8]>::len),
                _ => 0,
            };
            text ^ usize::from(row.age)
        });
        std::hint::black_box(lengths.fold(0, |all, length| all ^ length));
    }

    /// Calls `decide` for each group among entries of one hash.
    fn for_each_true_group(&self, same_hash: &mut [Entry], decide: &mut impl FnMut(&mut [Entry])) {
        let first = same_hash[0].id;
        if same_hash[1..].iter().all(|entry| self.order(first, entry.id).is_eq()) {
            return decide(same_hash);
        }
        same_hash.sort_unstable_by(|a, b| self.order(a.id, b.id));
        same_hash.chunk_by_mut(|a, b| self.order(a.id, b.id).is_eq()).for_each(decide);
    }

    /// Returns the canonical bytes of a record's text: folded where the rules say so.
    pub(super) fn canonical(&self, id: RecordId, text: Text) -> Option<Vec<u8>> {
        let bytes = self.text(id, text)?;
        Some(if self.keys.folds(text) { bytes.to_ascii_lowercase() } else { bytes.to_vec() })
    }

    fn order(&self, a: RecordId, b: RecordId) -> Ordering {
        let (row_a, row_b) = (self.records.row(a), self.records.row(b));
        let by_field = |field: &Field| match field {
            Field::Text(text) => self.order_texts(a, b, *text),
            Field::Kind => row_a.kind.cmp(&row_b.kind),
            Field::Currency => row_a.currency.cmp(&row_b.currency),
            Field::Amount => row_a.amount.cmp(&row_b.amount),
            Field::Status => row_a.status.cmp(&row_b.status),
            Field::Fee => row_a.fee.cmp(&row_b.fee),
            Field::Date => row_a.date.cmp(&row_b.date),
        };
        self.keys.fields().map(by_field).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }

    fn order_texts(&self, a: RecordId, b: RecordId, text: Text) -> Ordering {
        let (a, b) = (self.text(a, text), self.text(b, text));
        if self.keys.folds(text) {
            let fold = |bytes: Option<&'a [u8]>| bytes.unwrap_or(&[]).iter().map(u8::to_ascii_lowercase);
            fold(a).cmp(fold(b))
        } else {
            a.cmp(&b)
        }
    }

    fn text(&self, id: RecordId, text: Text) -> Option<&'a [u8]> {
        let found = self.records.text(id, text);
        if found.is_none() && text == Text::Original && self.keys.original_or_key {
            return self.records.text(id, Text::Key(0));
        }
        found
    }
}

/// Parts the records of a group by side, each in order of location.
pub(super) fn by_side(records: &Records, group: &[Entry]) -> [Vec<RecordId>; 2] {
    let mut sides = [Vec::new(), Vec::new()];
    for entry in group {
        sides[records.row(entry.id).side.index()].push(entry.id);
    }
    for side in &mut sides {
        side.sort_unstable_by_key(|id| records.row(*id).loc);
    }
    sides
}

/// Puts a left and a right list in order, given the list of `side` and that of the other.
pub(super) fn as_left_right<T>(side: Side, own: T, other: T) -> (T, T) {
    match side {
        Side::Left => (own, other),
        Side::Right => (other, own),
    }
}

/// Says whether two records are equal in everything but their location, so that exchanging them
/// changes nothing of substance.
pub(super) fn interchangeable(records: &Records, a: RecordId, b: RecordId) -> bool {
    let (mut new_a, mut new_b) = (records.get(a), records.get(b));
    let nowhere = crate::record::Loc { file: 0, row: 0, offset: 0 };
    (new_a.loc, new_b.loc) = (nowhere, nowhere);
    new_a == new_b
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Loc, NewRecord, Word};

    fn table(keys: &[&str]) -> Records {
        let mut records = Records::new();
        for (row, key) in (1..).zip(keys) {
            let mut texts = [None; Text::SLOTS];
            texts[0] = Some(key.as_bytes());
            records.push(&NewRecord {
                side: Side::Left,
                loc: Loc { file: 0, row, offset: 0 },
                amount: 1,
                fee: None,
                currency: suanpan_money::Currency::parse("CNY").unwrap(),
                kind: Word(0),
                status: Word(0),
                time: None,
                date: None,
                age: 0,
                texts,
            });
        }
        records
    }

    fn by_key(records: &Records, fold: bool) -> Grouping<'_> {
        let fixed = [Some(Field::Text(Text::Key(0))), None, None];
        Grouping { records, keys: Keys { fixed, eq: &[], fold, original_or_key: false, dated: false } }
    }

    fn groups(grouping: &Grouping<'_>, hash: impl Fn(RecordId) -> u64) -> Vec<Vec<u32>> {
        let ids = grouping.records.ids();
        let mut entries: Vec<Entry> = ids.map(|id| Entry { hash: hash(id), id }).collect();
        let mut groups = Vec::new();
        grouping.for_each_true_group(&mut entries, &mut |group| {
            let mut ids: Vec<u32> = group.iter().map(|entry| entry.id.0).collect();
            ids.sort_unstable();
            groups.push(ids);
        });
        groups
    }

    #[test]
    fn equal_hashes_do_not_make_a_group() {
        let records = table(&["b", "a", "b", "", "ab", "a"]);
        let found = groups(&by_key(&records, false), |_| 7);
        assert_eq!(found, [vec![3], vec![1, 5], vec![4], vec![0, 2]]);
    }

    #[test]
    fn folded_keys_are_one_group_with_one_hash() {
        let records = table(&["Ab1", "aB1", "ab1", "ab2"]);
        let grouping = by_key(&records, true);
        let hash = |at| grouping.hash(RecordId(at));
        assert!(hash(0) == hash(1) && hash(1) == hash(2) && hash(2) != hash(3));
        assert_eq!(groups(&grouping, |_| 7), [vec![0, 1, 2], vec![3]]);
        assert_eq!(grouping.canonical(RecordId(0), Text::Key(0)), Some(b"ab1".to_vec()));
        let plain = by_key(&records, false);
        assert_ne!(plain.hash(RecordId(0)), plain.hash(RecordId(1)));
    }
}
