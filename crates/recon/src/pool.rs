//! Records on their way from pass to pass: in memory up to a budget, then on disk.
//!
//! A pool knows for which pass it gathers. It puts each record into one of [`PARTS`] parts by what that
//! pass may split on, so every part is whole groups, is decided on by one thread, and mostly fits into
//! the processor's cache. Above the budget the parts go to one file, which is split again when
//! the pass begins.

use crate::cascade::Keys;
use crate::error::ReconError;
use crate::reader::Totals;
use crate::record::{Loc, NewRecord, Records, Side, Text, Word};
use crate::rule::Rules;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use suanpan_money::Currency;

/// Records of both sides that no pass has decided on yet.
#[derive(Debug)]
pub(crate) struct Pool<'r> {
    split: Split<'r>,
    memory: Vec<Part>,
    memory_bytes: usize,
    /// What did not fit, in one file.
    spilled: Option<PartFile>,
    budget_bytes: usize,
    dir: PathBuf,
    /// Everything ever put in, by side.
    totals: [Totals; 2],
}

/// Whole groups of a pass, in the tables of the threads that gathered them.
#[derive(Debug, Default)]
pub(crate) struct Part(Vec<Records>);

impl Part {
    /// Returns all records in one table.
    pub(crate) fn into_table(self) -> Records {
        let mut tables = self.0.into_iter();
        let mut all = tables.next().unwrap_or_default();
        tables.for_each(|more| all.append(more));
        all
    }

    /// Returns the number of records.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(Records::len).sum()
    }
}

/// What a pool's records may be split on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Split<'r> {
    keys: Option<Keys<'r>>,
    /// Drawn anew for each pool, so that nobody can choose keys that all fall into one part.
    salt: u64,
}

impl<'r> Split<'r> {
    /// By the fields that records must share to meet in a pass.
    pub(crate) fn of(rules: &'r Rules, pass: usize) -> Self {
        let keys = (pass < rules.passes.len()).then(|| Keys::of(rules, pass));
        Split { keys, salt: RandomState::new().hash_one(pass) | 1 }
    }

    /// By nothing: records meet no others.
    pub(crate) const fn anyhow() -> Self {
        Split { keys: None, salt: 1 }
    }

    /// Returns the hash of what must stay together. A record that takes no part in the pass may go anywhere.
    fn hash(&self, record: &NewRecord<'_>) -> u64 {
        let hash = self.keys.as_ref().and_then(|keys| keys.hash(record));
        hash.unwrap_or_else(|| record.loc.row << 1 | record.side.index() as u64).wrapping_mul(self.salt)
    }
}

/// Parts in memory. At millions of records one part is some ten thousand.
const PARTS: usize = 256;

/// The most files that one spilled pool is split into at a time.
const FILES_MAX: u64 = 256;

impl<'r> Pool<'r> {
    pub(crate) fn new(split: Split<'r>, budget_bytes: usize, dir: &Path) -> Self {
        Pool {
            split,
            memory: empty_parts(),
            memory_bytes: 0,
            spilled: None,
            budget_bytes,
            dir: dir.to_owned(),
            totals: Default::default(),
        }
    }

    /// Makes an empty pool of the same kind for one of `sharers` threads.
    pub(crate) fn share(&self, sharers: usize) -> Self {
        Pool::new(self.split, self.budget_bytes / sharers.max(1), &self.dir)
    }

    /// Returns counts and sums of everything that was ever put in on a side.
    pub(crate) fn totals(&self, side: Side) -> &Totals {
        &self.totals[side.index()]
    }

    pub(crate) fn push(&mut self, record: &NewRecord<'_>) -> Result<(), ReconError> {
        self.totals[record.side.index()].add(record.currency, record.amount);
        self.memory_bytes += push_to(&mut self.memory, self.split.hash(record), record);
        if self.memory_bytes > self.budget_bytes { self.spill() } else { Ok(()) }
    }

    /// Takes over all of another pool, which is a [`Pool::share`] of this one or of its like.
    pub(crate) fn absorb(&mut self, other: Pool<'_>) -> Result<(), ReconError> {
        assert_eq!(self.split.salt, other.split.salt, "pools of one kind part records alike");
        for (own, more) in self.totals.iter_mut().zip(&other.totals) {
            own.merge(more);
        }
        if let Some(more) = other.spilled {
            match &mut self.spilled {
                None => self.spilled = Some(more),
                Some(own) => own.append(more)?,
            }
        }
        for (own, more) in self.memory.iter_mut().zip(other.memory) {
            own.0.extend(more.0);
        }
        self.memory_bytes += other.memory_bytes;
        if self.memory_bytes > self.budget_bytes { self.spill() } else { Ok(()) }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> u64 {
        let memory: usize = self.memory.iter().map(Part::len).sum();
        memory as u64 + self.spilled.as_ref().map_or(0, |s| s.records)
    }

    fn spill(&mut self) -> Result<(), ReconError> {
        let out = match &mut self.spilled {
            Some(out) => out,
            None => self.spilled.insert(PartFile::create(&self.dir)?),
        };
        for table in std::mem::replace(&mut self.memory, empty_parts()).into_iter().flat_map(|part| part.0) {
            for id in table.ids() {
                out.put(&table.get(id))?;
            }
        }
        self.memory_bytes = 0;
        Ok(())
    }

    /// Gives all records, in one wave when they are in memory, else in several, each within the budget as far
    /// as the pass may be split.
    pub(crate) fn waves(
        mut self,
        each: &mut dyn FnMut(Vec<Part>) -> Result<(), ReconError>,
    ) -> Result<(), ReconError> {
        if self.spilled.is_some() && self.memory_bytes > 0 {
            self.spill()?;
        }
        match self.spilled.take() {
            None => each(self.memory),
            Some(file) => self.split_file(file.finish()?, each, 0),
        }
    }

    fn split_file(
        &self,
        file: Spilled,
        each: &mut dyn FnMut(Vec<Part>) -> Result<(), ReconError>,
        depth: u32,
    ) -> Result<(), ReconError> {
        let bytes = file.bytes;
        // A record takes about twice its bytes on disk in memory, with its table's slack.
        let parts = (bytes * 3 / self.budget_bytes.max(1) as u64 + 1).clamp(2, FILES_MAX);
        let mut outs: Vec<PartFile> =
            (0..parts).map(|_| PartFile::create(&self.dir)).collect::<Result<_, _>>()?;
        file.read(&self.dir, &mut |record| {
            // Each level of splitting uses other bits of the hash.
            let mixed = (self.split.hash(record) ^ u64::from(depth))
                .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .rotate_left(32 + depth * 7);
            outs[(((mixed & 0xFFFF_FFFF) * parts) >> 32) as usize].put(record)
        })?;
        for out in outs {
            let file = out.finish()?;
            if file.records == 0 {
                continue;
            }
            let too_large = file.bytes * 2 > self.budget_bytes as u64;
            if too_large && file.bytes * 10 < bytes * 8 && depth < 4 {
                self.split_file(file, each, depth + 1)?;
                continue;
            }
            // A file that does not shrink is one group: it must be decided on as a whole.
            let mut memory = empty_parts();
            file.read(&self.dir, &mut |record| {
                push_to(&mut memory, self.split.hash(record), record);
                Ok(())
            })?;
            each(memory)?;
        }
        Ok(())
    }
}

fn empty_parts() -> Vec<Part> {
    std::iter::repeat_with(Part::default).take(PARTS).collect()
}

/// Adds a record to its part and returns by how much the part's memory grew.
fn push_to(parts: &mut [Part], hash: u64, record: &NewRecord<'_>) -> usize {
    let at = hash.wrapping_mul(0xD6E8_FEB8_6659_FD93) >> (64 - PARTS.ilog2());
    let tables = &mut parts[at as usize].0;
    if tables.is_empty() {
        tables.push(Records::new());
    }
    let table = tables.last_mut().expect("a table was just made");
    let before = table.bytes();
    table.push(record);
    table.bytes() - before
}

/// Records on disk.
#[derive(Debug)]
struct Spilled {
    file: File,
    records: u64,
    bytes: u64,
}

#[derive(Debug)]
struct PartFile {
    out: BufWriter<File>,
    records: u64,
    bytes: u64,
    dir: PathBuf,
}

impl PartFile {
    fn create(dir: &Path) -> Result<PartFile, ReconError> {
        let file = tempfile::tempfile_in(dir).map_err(ReconError::io("create a temporary file in", dir))?;
        Ok(PartFile {
            out: BufWriter::with_capacity(16 << 10, file),
            records: 0,
            bytes: 0,
            dir: dir.to_owned(),
        })
    }

    fn put(&mut self, record: &NewRecord<'_>) -> Result<(), ReconError> {
        let bytes = encode(record);
        self.records += 1;
        self.bytes += bytes.len() as u64 + 4;
        let len = u32::try_from(bytes.len()).expect("a record below 4 GiB");
        self.out
            .write_all(&len.to_le_bytes())
            .and_then(|()| self.out.write_all(&bytes))
            .map_err(ReconError::io("write a temporary file in", &self.dir))
    }

    /// Takes over all of another file.
    fn append(&mut self, other: PartFile) -> Result<(), ReconError> {
        let mut more = other.finish()?;
        std::io::copy(&mut more.file, &mut self.out)
            .map_err(ReconError::io("write a temporary file in", &self.dir))?;
        self.records += more.records;
        self.bytes += more.bytes;
        Ok(())
    }

    fn finish(self) -> Result<Spilled, ReconError> {
        let fail = ReconError::io("write a temporary file in", &self.dir);
        let mut file = match self.out.into_inner() {
            Ok(file) => file,
            Err(error) => return Err(fail(error.into_error())),
        };
        file.seek(SeekFrom::Start(0)).map_err(fail)?;
        Ok(Spilled { file, records: self.records, bytes: self.bytes })
    }
}

impl Spilled {
    fn read(
        self,
        dir: &Path,
        each: &mut dyn FnMut(&NewRecord<'_>) -> Result<(), ReconError>,
    ) -> Result<(), ReconError> {
        let mut input = BufReader::with_capacity(64 << 10, self.file);
        let mut bytes = Vec::new();
        for _ in 0..self.records {
            let mut len = [0; 4];
            input.read_exact(&mut len).map_err(ReconError::io("read a temporary file in", dir))?;
            bytes.resize(u32::from_le_bytes(len) as usize, 0);
            input.read_exact(&mut bytes).map_err(ReconError::io("read a temporary file in", dir))?;
            each(&decode(&bytes))?;
        }
        Ok(())
    }
}

const NONE: u32 = u32::MAX;

fn encode(record: &NewRecord<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(160);
    out.push(record.side.index() as u8);
    out.push(
        u8::from(record.fee.is_some())
            | u8::from(record.time.is_some()) << 1
            | u8::from(record.date.is_some()) << 2,
    );
    out.extend_from_slice(&record.loc.file.to_le_bytes());
    out.extend_from_slice(&record.loc.row.to_le_bytes());
    out.extend_from_slice(&record.loc.offset.to_le_bytes());
    out.extend_from_slice(&record.amount.to_le_bytes());
    out.extend_from_slice(&record.fee.unwrap_or_default().to_le_bytes());
    out.extend_from_slice(&record.time.unwrap_or_default().to_le_bytes());
    out.extend_from_slice(&record.date.unwrap_or_default().to_le_bytes());
    out.extend_from_slice(&record.currency.numeric().to_le_bytes());
    out.extend_from_slice(&record.kind.0.to_le_bytes());
    out.extend_from_slice(&record.status.0.to_le_bytes());
    out.extend_from_slice(&record.age.to_le_bytes());
    for text in &record.texts {
        let len = text.map_or(NONE, |t| u32::try_from(t.len()).expect("a text below 4 GiB"));
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(text.unwrap_or_default());
    }
    out
}

/// Reads what [`encode`] wrote. The bytes come from a file that only this process can reach.
fn decode(bytes: &[u8]) -> NewRecord<'_> {
    let mut at = 0;
    let mut take = |len: usize| {
        at += len;
        &bytes[at - len..at]
    };
    let head = take(2);
    let (side, flags) = (if head[0] == 0 { Side::Left } else { Side::Right }, head[1]);
    let two = |b: &[u8]| u16::from_le_bytes(b.try_into().expect("two bytes"));
    let eight = |b: &[u8]| u64::from_le_bytes(b.try_into().expect("eight bytes"));
    let file = two(take(2));
    let (row, offset) = (eight(take(8)), eight(take(8)));
    let (amount, fee, time) =
        (eight(take(8)).cast_signed(), eight(take(8)).cast_signed(), eight(take(8)).cast_signed());
    let date = i32::from_le_bytes(take(4).try_into().expect("four bytes"));
    let currency = Currency::from_numeric(two(take(2))).expect("written from a currency");
    let (kind, status, age) = (Word(two(take(2))), Word(two(take(2))), two(take(2)));
    let mut texts = [None; Text::SLOTS];
    for text in &mut texts {
        let len = u32::from_le_bytes(take(4).try_into().expect("four bytes"));
        if len != NONE {
            *text = Some(take(len as usize));
        }
    }
    NewRecord {
        side,
        loc: Loc { file, row, offset },
        amount,
        fee: (flags & 1 != 0).then_some(fee),
        currency,
        kind,
        status,
        time: (flags & 2 != 0).then_some(time),
        date: (flags & 4 != 0).then_some(date),
        age,
        texts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Rules whose first pass groups by `k1`.
    fn by_first_key() -> Rules {
        let side =
            "k1 = \"id\"\namount = { column = \"amount\", unit = \"minor\" }\ncurrency = { value = \"CNY\" }";
        let pass = "kind = \"exact\"\nkey = \"k1\"\ncompare = [\"currency\", \"amount\"]";
        let text =
            format!("version = 1\n[left.fields]\n{side}\n[right.fields]\n{side}\n[[passes]]\n{pass}\n");
        Rules::from_toml(&text).unwrap_or_else(|errors| panic!("{errors}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn whatever_the_budget_groups_stay_whole_and_nothing_is_lost(
            rows in proptest::collection::vec((0_u8..40, any::<i64>(), any::<Option<i64>>(), any::<Option<i32>>(), 0_usize..60), 0..300),
            budget in 1_usize..60_000,
        ) {
            let dir = tempfile::tempdir().unwrap();
            let rules = by_first_key();
            let mut pool = Pool::new(Split::of(&rules, 0), budget, dir.path());
            let mut want = BTreeMap::new();
            for (at, (key, amount, fee, date, len)) in rows.iter().enumerate() {
                let key_text = [*key];
                let long = vec![b'x'; *len];
                let mut texts = [None; Text::SLOTS];
                texts[0] = (*key > 0).then_some(&key_text[..]);
                texts[9] = (*len > 0).then_some(&long[..]);
                let record = NewRecord {
                    side: Side::BOTH[at % 2], loc: Loc { file: 1, row: at as u64, offset: 7 }, amount: *amount, fee: *fee,
                    currency: Currency::parse("CNY").unwrap(), kind: Word(3), status: Word(4), time: None, date: *date, age: 2, texts,
                };
                want.insert(at as u64, encode(&record));
                pool.push(&record).unwrap();
            }
            prop_assert_eq!(pool.len(), rows.len() as u64);
            let mut seen_keys: BTreeMap<u8, usize> = BTreeMap::new();
            let mut part = 0;
            pool.waves(&mut |parts| {
                for records in parts.into_iter().map(Part::into_table) {
                    part += 1;
                    for id in records.ids() {
                        if let Some(key) = records.text(id, Text::Key(0)) {
                            assert_eq!(*seen_keys.entry(key[0]).or_insert(part), part, "a group in two parts");
                        }
                        let record = records.get(id);
                        assert_eq!(want.remove(&record.loc.row), Some(encode(&record)));
                    }
                }
                Ok(())
            }).unwrap();
            prop_assert!(want.is_empty());
        }
    }
}
