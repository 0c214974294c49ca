//! Finds the keys whose rows do not agree on both sides, partition by partition.
//!
//! First by fingerprints: per bucket of keys, the sum over the left rows minus the sum over the right
//! rows of a 128-bit mix of key and value. A zero closes the bucket. The rows of the others are
//! counted per (key, value) class in a table; classes out of balance make their key dirty, and all
//! rows of dirty keys become candidates. A very hot dirty key is not taken whole: its balanced
//! classes are closed here, and only what is out of balance goes on.

use crate::arena::Entry;
use crate::error::ReconError;
use crate::record::Side;
use crate::store::{LOC_BITS, TAG_BITS, Window, class_of, loc_of};
use crate::tags::{TagMap, TagSet};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A row that must be looked at in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    /// Which side.
    pub(crate) side: Side,
    /// Location within the side.
    pub(crate) loc: u64,
    /// Bits of the key hash.
    pub(crate) tag: u64,
    /// What it is to the cascade.
    pub(crate) part: Part,
}

/// What a candidate is to the cascade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// A row to decide on.
    Open,
    /// A row to decide on, of a class whose other rows were matched here.
    OpenOfMatched,
    /// Not to be decided on: only a witness that rows of its key and type were matched here.
    Witness,
}

/// How a partition is sifted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SiftOptions {
    /// Whether fingerprints may close buckets.
    pub(crate) fingerprints: bool,
    /// Whether keys with several equal copies on both sides are dirty too.
    pub(crate) copies: bool,
    /// Suspect rows of a partition above which fingerprints are summed by class too.
    pub(crate) class_prints_min: u64,
    /// Most rows of a table at a time.
    pub(crate) table_rows_max: usize,
    /// Rows of a dirty key above which it is hot.
    pub(crate) hot_rows: u64,
    /// Two random words.
    pub(crate) salt: [u64; 2],
}

/// Candidates by side and stretch of locations, in no order within, so that threads can sort and fetch a
/// stretch each.
#[derive(Debug)]
pub(crate) struct Candidates {
    /// What turns a location into the number of its stretch.
    shift: u32,
    len: usize,
    stretches: [Vec<Vec<Candidate>>; 2],
}

/// Stretches of a side: enough for any number of threads to share them evenly.
const STRETCHES_BITS: u32 = 6;

impl Candidates {
    /// Makes an empty set for locations below `end`.
    pub(crate) fn new(end: u64) -> Self {
        let bits = u64::BITS - end.min(1 << LOC_BITS).saturating_sub(1).leading_zeros();
        Candidates {
            shift: bits.saturating_sub(STRETCHES_BITS),
            len: 0,
            stretches: [(); 2].map(|()| vec![Vec::new(); 1 << STRETCHES_BITS]),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, candidate: Candidate) {
        let stretch = (candidate.loc >> self.shift) as usize;
        self.stretches[candidate.side.index()][stretch].push(candidate);
        self.len += 1;
    }

    /// Takes over another set for the same locations.
    fn append(&mut self, other: Candidates) {
        self.len += other.len;
        let other = other.stretches.into_iter().flatten();
        for (own, more) in self.stretches.iter_mut().flatten().zip(other) {
            if own.is_empty() { *own = more } else { own.extend(more) }
        }
    }

    /// Returns the candidates of a side.
    pub(crate) fn of(&self, side: Side) -> impl Iterator<Item = &Candidate> {
        self.stretches[side.index()].iter().flatten()
    }

    /// Takes the candidates of a side out, by stretch.
    pub(crate) fn take(&mut self, side: Side) -> Vec<Vec<Candidate>> {
        let mut stretches = std::mem::take(&mut self.stretches[side.index()]);
        stretches.retain(|stretch| !stretch.is_empty());
        self.len -= stretches.iter().map(Vec::len).sum::<usize>();
        stretches
    }
}

/// What was found so far.
#[derive(Debug)]
pub(crate) struct Sifted {
    pub(crate) candidates: Candidates,
    pub(crate) dirty_keys: u64,
    pub(crate) hot_keys: u64,
    pub(crate) buckets: u64,
    pub(crate) dirty_buckets: u64,
    /// Partitions that needed more than one round of tables.
    pub(crate) extra_rounds: u64,
}

impl Sifted {
    /// Begins, for locations below `end`.
    pub(crate) fn new(end: u64) -> Self {
        Sifted {
            candidates: Candidates::new(end),
            dirty_keys: 0,
            hot_keys: 0,
            buckets: 0,
            dirty_buckets: 0,
            extra_rounds: 0,
        }
    }

    /// Adds what another thread found.
    pub(crate) fn append(&mut self, other: Sifted) {
        self.candidates.append(other.candidates);
        self.dirty_keys += other.dirty_keys;
        self.hot_keys += other.hot_keys;
        self.buckets += other.buckets;
        self.dirty_buckets += other.dirty_buckets;
        self.extra_rounds += other.extra_rounds;
    }
}

/// A thread's reused memory.
#[derive(Default)]
pub(crate) struct Sifter {
    prints: Vec<u128>,
    /// Sums by class of the suspect rows, where there are very many; else empty. A zero closes a bucket of
    /// classes, whatever else there is of their keys.
    class_prints: Vec<u128>,
    table: Vec<Entry>,
    dirty: DirtyKeys,
    /// Share of dirty buckets in the partition before, in percent: above half, fingerprints are a
    /// waste of time for the next.
    dirty_percent: u64,
}

/// The dirty keys of a partition, each with its rows.
#[derive(Default)]
struct DirtyKeys {
    rows_of: TagMap<u64>,
    /// A bit for each value of a tag's last bits: it tells most rows of clean keys from the first-level cache.
    filter: Vec<u64>,
}

const FILTER_BITS: u32 = 16;

impl DirtyKeys {
    fn clear(&mut self) {
        self.rows_of.clear();
        self.filter.clear();
        self.filter.resize(1 << (FILTER_BITS - 6), 0);
    }

    fn insert(&mut self, tag: u64) {
        self.rows_of.insert(tag, 0);
        let bit = tag & ((1 << FILTER_BITS) - 1);
        self.filter[(bit >> 6) as usize] |= 1 << (bit & 63);
    }

    #[inline(always)]
    fn may_hold(&self, tag: u64) -> bool {
        let bit = tag & ((1 << FILTER_BITS) - 1);
        self.filter[(bit >> 6) as usize] >> (bit & 63) & 1 == 1
    }

    /// Returns how many rows a dirty key has.
    #[inline(always)]
    fn rows_of(&self, entry: &Entry) -> Option<u64> {
        let tag = entry[0] >> 24;
        if self.may_hold(tag) { self.rows_of.get(&tag).copied() } else { None }
    }

    #[inline(always)]
    fn count(&mut self, entry: &Entry) {
        let tag = entry[0] >> 24;
        if self.may_hold(tag)
            && let Some(rows) = self.rows_of.get_mut(&tag)
        {
            *rows += 1;
        }
    }
}

/// Rows of one key and value, of a hot key.
#[derive(Default)]
struct HotClass {
    rows: [u64; 2],
    /// Whether one of its rows was made a witness.
    witnessed: bool,
}

const COUNT_ZERO: u64 = 1 << 35;
const COUNT_MASK: u64 = (1 << 36) - 1;

impl Sifter {
    pub(crate) fn sift(
        &mut self,
        entries: &Window<'_, '_>,
        partition: usize,
        options: &SiftOptions,
        forced: &[u64],
        out: &mut Sifted,
    ) -> Result<(), ReconError> {
        let rows = Side::BOTH.map(|side| entries.count(side, partition));
        let all = rows[0] + rows[1];
        if all == 0 {
            return Ok(());
        }
        let bits = (all / 96).checked_ilog2().unwrap_or(0).min(14);
        let first = forced.partition_point(|tag| ((tag >> TAG_BITS) as usize) < partition);
        let own = forced[first..].iter().take_while(|tag| (**tag >> TAG_BITS) as usize == partition);
        let forced: Vec<u64> = own.map(|tag| tag & ((1 << TAG_BITS) - 1)).collect();
        let suspects = self.fingerprint(entries, partition, bits, options, &forced, out)?;
        if suspects == 0 {
            return Ok(());
        }
        let suspects = self.fingerprint_classes(entries, partition, bits, options, suspects)?;
        self.dirty.clear();
        forced.iter().for_each(|tag| self.dirty.insert(*tag));
        let rounds = suspects.div_ceil(options.table_rows_max as u64);
        out.extra_rounds += u64::from(rounds > 1);
        for round in 0..rounds {
            self.find_dirty(entries, partition, bits, options, suspects.div_ceil(rounds), rounds, round)?;
        }
        if self.dirty.rows_of.is_empty() {
            return Ok(());
        }
        out.dirty_keys += self.dirty.rows_of.len() as u64;
        let shape = entries.shape;
        let shift = 64 - bits.max(1);
        let suspect = |prints: &[u128], e: &Entry| bits == 0 || prints[(e[0] >> shift) as usize] != 0;
        // How many rows each dirty key has, to tell the hot ones, where there can be any.
        for side in Side::BOTH.into_iter().filter(|_| all > options.hot_rows) {
            let (dirty, prints) = (&mut self.dirty, &self.prints);
            entries.slices(side, partition, |slice| {
                slice.iter().filter(|e| suspect(prints, e)).for_each(|entry| dirty.count(entry));
            })?;
        }
        let hot = self.dirty.rows_of.values().filter(|count| **count > options.hot_rows).count();
        out.hot_keys += hot as u64;
        for side in Side::BOTH {
            let (dirty, prints) = (&self.dirty, &self.prints);
            entries.slices(side, partition, |slice| {
                for entry in slice.iter().filter(|e| suspect(prints, e)) {
                    if dirty.rows_of(entry).is_some_and(|rows| rows <= options.hot_rows) {
                        let tag = shape.tag_of(partition, entry);
                        out.candidates.push(Candidate { side, loc: loc_of(entry), tag, part: Part::Open });
                    }
                }
            })?;
        }
        if hot > 0 {
            self.hot_keys(entries, partition, options, out)?;
        }
        Ok(())
    }

    /// Sums fingerprints per bucket and returns how many rows are in buckets that do not agree.
    fn fingerprint(
        &mut self,
        entries: &Window<'_, '_>,
        partition: usize,
        bits: u32,
        options: &SiftOptions,
        forced: &[u64],
        out: &mut Sifted,
    ) -> Result<u64, ReconError> {
        let buckets = 1_usize << bits;
        self.prints.clear();
        out.buckets += buckets as u64;
        let skip = !options.fingerprints || (self.dirty_percent > 50 && !partition.is_multiple_of(8));
        if skip {
            // Every bucket is suspect.
            self.prints.resize(buckets, 1);
            out.dirty_buckets += buckets as u64;
            return Ok(Side::BOTH.iter().map(|side| entries.count(*side, partition)).sum());
        }
        self.prints.resize(buckets, 0);
        let shift = 64 - bits.max(1);
        let mask = buckets - 1;
        for side in Side::BOTH {
            let prints = &mut self.prints;
            let salt = options.salt;
            entries.slices(side, partition, |slice| {
                for entry in slice {
                    add_print(&mut prints[(entry[0] >> shift) as usize & mask], entry, side, salt);
                }
            })?;
        }
        for tag in forced {
            let print = &mut self.prints[((tag << 24) >> shift) as usize & mask];
            *print = (*print).max(1);
        }
        let dirty = self.prints.iter().filter(|p| **p != 0).count();
        out.dirty_buckets += dirty as u64;
        self.dirty_percent = dirty as u64 * 100 / buckets as u64;
        if dirty == 0 {
            return Ok(0);
        }
        let mut suspects = 0_u64;
        for side in Side::BOTH {
            let prints = &self.prints;
            entries.slices(side, partition, |slice| {
                suspects +=
                    slice.iter().filter(|e| prints[(e[0] >> shift) as usize & mask] != 0).count() as u64;
            })?;
        }
        Ok(suspects)
    }

    /// Sums fingerprints of suspect rows per bucket of classes, where there are so many that tables of them
    /// would lie outside the caches: the rows of a hot key. Returns how many rows are still suspect.
    fn fingerprint_classes(
        &mut self,
        entries: &Window<'_, '_>,
        partition: usize,
        bits: u32,
        options: &SiftOptions,
        suspects: u64,
    ) -> Result<u64, ReconError> {
        self.class_prints.clear();
        if !options.fingerprints || suspects < options.class_prints_min {
            return Ok(suspects);
        }
        self.class_prints.resize(1 << CLASS_BITS, 0);
        let shift = 64 - bits.max(1);
        let Sifter { prints, class_prints, .. } = self;
        let suspect = |e: &&Entry| bits == 0 || prints[(e[0] >> shift) as usize] != 0;
        for side in Side::BOTH {
            entries.slices(side, partition, |slice| {
                for entry in slice.iter().filter(suspect) {
                    add_print(&mut class_prints[class_bucket(entry)], entry, side, options.salt);
                }
            })?;
        }
        let mut open = 0;
        for side in Side::BOTH {
            entries.slices(side, partition, |slice| {
                let rows = slice.iter().filter(suspect);
                open += rows.filter(|entry| class_prints[class_bucket(entry)] != 0).count() as u64;
            })?;
        }
        Ok(open)
    }

    /// Counts the classes of suspect rows and notes the keys of those out of balance.
    #[expect(clippy::too_many_arguments, reason = "one round of one partition")]
    fn find_dirty(
        &mut self,
        entries: &Window<'_, '_>,
        partition: usize,
        bits: u32,
        options: &SiftOptions,
        rows: u64,
        rounds: u64,
        round: u64,
    ) -> Result<(), ReconError> {
        // Rounds split by class, and not quite evenly.
        let room = if rounds > 1 { rows + rows / 4 + 1024 } else { rows };
        let mut slots =
            usize::try_from((room + room / 4).max(15) + 1).expect("a table in memory").next_power_of_two();
        loop {
            self.table.clear();
            self.table.resize(slots, [0, 0]);
            let mut used = 0_usize;
            for side in Side::BOTH {
                let (table, prints, dirty) = (&mut self.table, &self.prints, &mut self.dirty);
                let class_prints = &self.class_prints;
                let mask = slots - 1;
                let shift = 64 - bits.max(1);
                let step = if side == Side::Left { 1 } else { u64::MAX };
                entries.slices(side, partition, |slice| {
                    for entry in slice {
                        if bits > 0 && prints[(entry[0] >> shift) as usize] == 0 {
                            continue;
                        }
                        if !class_prints.is_empty() && class_prints[class_bucket(entry)] == 0 {
                            continue;
                        }
                        let (key, value) = class_of(entry);
                        let mixed = mixed_class(entry);
                        if rounds > 1 && ((mixed & 0xFFFF_FFFF) * rounds) >> 32 != round {
                            continue;
                        }
                        let mut at = (mixed >> 28) as usize & mask;
                        loop {
                            let slot = &mut table[at];
                            if slot[1] == 0 {
                                if used + 1 >= slots {
                                    used = slots;
                                    return;
                                }
                                used += 1;
                                *slot = [key, value << 36 | (COUNT_ZERO.wrapping_add(step) & COUNT_MASK)];
                                break;
                            }
                            if slot[0] == key && slot[1] >> 36 == value {
                                let count = (slot[1].wrapping_add(step)) & COUNT_MASK;
                                slot[1] = value << 36 | count;
                                if options.copies && side == Side::Left {
                                    dirty.insert(key >> 24);
                                }
                                break;
                            }
                            at = (at + 1) & mask;
                        }
                    }
                })?;
            }
            if used < slots {
                break;
            }
            slots *= 2;
        }
        for slot in &self.table {
            if slot[1] != 0 && slot[1] & COUNT_MASK != COUNT_ZERO {
                self.dirty.insert(slot[0] >> 24);
            }
        }
        Ok(())
    }

    /// Says whether a row is of a class that its fingerprint has closed.
    fn is_balanced(&self, entry: &Entry) -> bool {
        !self.class_prints.is_empty() && self.class_prints[class_bucket(entry)] == 0
    }

    /// Closes the balanced classes of hot keys; of the others only the surplus rows, last by location,
    /// go on. A witness tells the cascade which key and type were matched.
    fn hot_keys(
        &mut self,
        entries: &Window<'_, '_>,
        partition: usize,
        options: &SiftOptions,
        out: &mut Sifted,
    ) -> Result<(), ReconError> {
        let mut classes: TagMap<HotClass, (u64, u64)> = TagMap::default();
        let is_hot =
            |dirty: &DirtyKeys, e: &Entry| dirty.rows_of(e).is_some_and(|rows| rows > options.hot_rows);
        for side in Side::BOTH {
            entries.slices(side, partition, |slice| {
                for entry in slice.iter().filter(|e| is_hot(&self.dirty, e) && !self.is_balanced(e)) {
                    classes.entry(class_of(entry)).or_default().rows[side.index()] += 1;
                }
            })?;
        }
        let mut witnessed: TagSet<(u64, u64)> = TagSet::default();
        let mut surplus: TagMap<BinaryHeap<Reverse<u64>>, (u64, u64)> = TagMap::default();
        let shape = entries.shape;
        for side in Side::BOTH {
            surplus.clear();
            entries.slices(side, partition, |slice| {
                for entry in slice.iter().filter(|e| is_hot(&self.dirty, e)) {
                    if self.is_balanced(entry) {
                        let tag = shape.tag_of(partition, entry);
                        if side == Side::Left && witnessed.insert(class_of(entry)) {
                            out.candidates.push(Candidate {
                                side,
                                loc: loc_of(entry),
                                tag,
                                part: Part::Witness,
                            });
                        }
                        continue;
                    }
                    let hot = classes.get_mut(&class_of(entry)).expect("every class was counted");
                    let over = hot.rows[side.index()].saturating_sub(hot.rows[side.other().index()]);
                    let tag = shape.tag_of(partition, entry);
                    if over > 0 {
                        let last = surplus.entry(class_of(entry)).or_default();
                        last.push(Reverse(loc_of(entry)));
                        if last.len() as u64 > over {
                            last.pop();
                        }
                    } else if hot.rows[0] == hot.rows[1] && !std::mem::replace(&mut hot.witnessed, true) {
                        out.candidates.push(Candidate { side, loc: loc_of(entry), tag, part: Part::Witness });
                    }
                }
            })?;
            for (class, rows) in surplus.drain() {
                let [left, right] = classes[&class].rows;
                let part = if left.min(right) > 0 { Part::OpenOfMatched } else { Part::Open };
                let tag = shape.tag_of(partition, &[class.0, 0]);
                for Reverse(loc) in rows {
                    out.candidates.push(Candidate { side, loc, tag, part });
                }
            }
        }
        Ok(())
    }
}

/// Adds a row's mix of key and value to a sum, or takes it away.
#[inline(always)]
fn add_print(print: &mut u128, entry: &Entry, side: Side, salt: [u64; 2]) {
    let (key, value) = class_of(entry);
    let mixed = u128::from(key ^ salt[0]) * u128::from((value << 32 | value) ^ key.rotate_left(32) ^ salt[1]);
    *print = if side == Side::Left { print.wrapping_add(mixed) } else { print.wrapping_sub(mixed) };
}

/// Buckets of classes: their sums fit into the second-level cache.
const CLASS_BITS: u32 = 14;

#[inline(always)]
fn class_bucket(entry: &Entry) -> usize {
    (mixed_class(entry) >> (64 - CLASS_BITS)) as usize
}

#[inline(always)]
fn mixed_class(entry: &Entry) -> u64 {
    let (key, value) = class_of(entry);
    (key ^ value.rotate_left(40)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Budget;
    use crate::digest::KeyHash;
    use crate::store::{Entries, Shape, Store};
    use proptest::prelude::*;
    use std::collections::{BTreeMap, HashSet};

    /// A row of the test: side, key, value; its number is its location.
    type TestRow = (bool, u8, u8);

    fn key(n: u8) -> KeyHash {
        crate::digest::Secret::from_bytes(&[9; 96]).key(&[n])
    }

    fn value(n: u8) -> u64 {
        u64::from(n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn sift(rows: &[TestRow], bits: u32, options: &SiftOptions, forced: &[u64]) -> Vec<Candidate> {
        let shape = Shape { bits };
        let budget = Budget::new(8 << 20);
        let dir = tempfile::tempdir().unwrap();
        let mut stores: Vec<Store<'_>> = (0..2)
            .map(|n| Store::new(shape, 1 << 20, 1 << 14, &budget, dir.path(), format!("t{n}")).unwrap())
            .collect();
        for (loc, (right, k, v)) in rows.iter().enumerate() {
            let side = if *right { Side::Right } else { Side::Left };
            let (partition, entry) = shape.pack(key(*k), value(*v), loc as u64);
            stores[loc % 2].push(side, partition, entry).unwrap();
            if loc % 97 == 96 {
                stores[loc % 2].spill().unwrap();
            }
        }
        stores.iter_mut().for_each(Store::publish);
        let entries = Entries::new(shape, stores);
        let mut out = Sifted::new(rows.len() as u64);
        let mut sifter = Sifter::default();
        let mut window = Window::new(&entries);
        for partition in 0..shape.keyed() {
            // Held and not held give the same.
            if partition % 3 != 2 {
                window.hold(partition..partition + 1).unwrap();
            }
            sifter.sift(&window, partition, options, forced, &mut out).unwrap();
        }
        let mut found: Vec<Candidate> =
            Side::BOTH.into_iter().flat_map(|side| out.candidates.of(side)).copied().collect();
        assert_eq!(found.len(), out.candidates.len());
        found.sort_unstable();
        found
    }

    /// The same by maps of plain rows.
    fn model(rows: &[TestRow], bits: u32, options: &SiftOptions, forced: &HashSet<u64>) -> Vec<Candidate> {
        let shape = Shape { bits };
        let mut keys: BTreeMap<u8, BTreeMap<u8, [Vec<u64>; 2]>> = BTreeMap::new();
        for (loc, (right, k, v)) in rows.iter().enumerate() {
            keys.entry(*k).or_default().entry(*v).or_default()[usize::from(*right)].push(loc as u64);
        }
        let mut out = Vec::new();
        for (k, classes) in keys {
            let tag = shape.tag(key(k).lo);
            let rows: usize = classes.values().flatten().map(Vec::len).sum();
            let balanced = classes.values().all(|[a, b]| a.len() == b.len());
            let copies = options.copies && classes.values().any(|[a, _]| a.len() > 1);
            if balanced && !copies && !forced.contains(&tag) {
                continue;
            }
            for sides in classes.values() {
                let least = sides[0].len().min(sides[1].len());
                for side in Side::BOTH {
                    let own = &sides[side.index()];
                    let put = |loc: &u64, part| Candidate { side, loc: *loc, tag, part };
                    if rows as u64 <= options.hot_rows {
                        out.extend(own.iter().map(|loc| put(loc, Part::Open)));
                        continue;
                    }
                    let part = if least > 0 { Part::OpenOfMatched } else { Part::Open };
                    out.extend(own[least..].iter().map(|loc| put(loc, part)));
                    if side == Side::Left && sides[0].len() == sides[1].len() {
                        out.push(put(&own[0], Part::Witness));
                    }
                }
            }
        }
        out.sort_unstable();
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn candidates_are_those_of_the_model(
            rows in proptest::collection::vec((any::<bool>(), 0_u8..24, 0_u8..4), 0..500),
            doubles in proptest::collection::vec((any::<bool>(), 24_u8..40, 0_u8..4), 0..20),
            pairs in proptest::collection::vec((40_u8..120, 0_u8..4), 0..300),
            bits in 0_u32..4,
            fingerprints in any::<bool>(),
            copies in any::<bool>(),
            class_prints_min in prop_oneof![Just(u64::MAX), 0_u64..100],
            table_rows_max in 4_usize..2000,
            hot_rows in prop_oneof![Just(u64::MAX), 1_u64..40],
            forced in proptest::collection::hash_set(0_u8..120, 0..4),
        ) {
            // Most keys agree: they come in pairs. Some come twice on one side, which must not cancel.
            let mut all = rows;
            for (right, k, v) in doubles {
                all.push((right, k, v));
                all.push((right, k, v));
            }
            for (k, v) in pairs {
                all.insert(all.len() / 2, (false, k, v));
                all.push((true, k, v));
            }
            let copies = copies && hot_rows == u64::MAX;
            let options = SiftOptions { fingerprints: fingerprints && !copies, copies, class_prints_min, table_rows_max, hot_rows, salt: [11, 13] };
            let forced: HashSet<u64> = forced.iter().map(|k| Shape { bits }.tag(key(*k).lo)).collect();
            let mut sorted: Vec<u64> = forced.iter().copied().collect();
            sorted.sort_unstable();
            let mut got = sift(&all, bits, &options, &sorted);
            let mut want = model(&all, bits, &options, &forced);
            // Any row of a balanced class may be its witness.
            for c in got.iter_mut().chain(&mut want).filter(|c| c.part == Part::Witness) {
                c.loc = 0;
            }
            got.sort_unstable();
            want.sort_unstable();
            prop_assert_eq!(got, want);
        }
    }
}
