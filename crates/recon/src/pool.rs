//! Records on their way from pass to pass: in memory up to a budget, then on disk.
//!
//! A pass asks for its records in parts that are safe for it, each small enough for memory. The
//! parts of a spilled pool are made by writing each record to the file of its part.

use crate::error::ReconError;
use crate::reader::Totals;
use crate::record::{Loc, NewRecord, RecordId, Records, Side, Text, Word};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use suanpan_money::Currency;

/// Records of both sides that no pass has decided on yet.
#[derive(Debug)]
pub(crate) struct Pool {
    memory: Records,
    spilled: Vec<Spilled>,
    budget_bytes: usize,
    dir: PathBuf,
    /// Everything ever put in, by side.
    totals: [Totals; 2],
}

#[derive(Debug)]
struct Spilled {
    file: File,
    records: u64,
    bytes: u64,
}

/// The most files that one spilled pool is split into at a time.
const PARTS_MAX: u64 = 256;

impl Pool {
    pub(crate) fn new(budget_bytes: usize, dir: &Path) -> Pool {
        Pool {
            memory: Records::new(),
            spilled: Vec::new(),
            budget_bytes,
            dir: dir.to_owned(),
            totals: Default::default(),
        }
    }

    /// Returns counts and sums of everything that was ever put in on a side.
    pub(crate) fn totals(&self, side: Side) -> &Totals {
        &self.totals[side.index()]
    }

    pub(crate) fn budget_bytes(&self) -> usize {
        self.budget_bytes
    }

    pub(crate) fn push(&mut self, record: &NewRecord<'_>) -> Result<(), ReconError> {
        self.totals[record.side.index()].add(record.currency, record.amount);
        self.memory.push(record);
        if self.memory.bytes() > self.budget_bytes { self.spill() } else { Ok(()) }
    }

    pub(crate) fn append(&mut self, records: Records) -> Result<(), ReconError> {
        for id in records.ids() {
            let row = records.row(id);
            self.totals[row.side.index()].add(row.currency, row.amount);
        }
        self.take(records)
    }

    fn take(&mut self, records: Records) -> Result<(), ReconError> {
        if self.memory.is_empty() {
            self.memory = records;
        } else {
            self.memory.append(records);
        }
        if self.memory.bytes() > self.budget_bytes { self.spill() } else { Ok(()) }
    }

    /// Takes over all of another pool.
    pub(crate) fn absorb(&mut self, other: Pool) -> Result<(), ReconError> {
        for (own, more) in self.totals.iter_mut().zip(&other.totals) {
            own.merge(more);
        }
        self.spilled.extend(other.spilled);
        self.take(other.memory)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> u64 {
        self.memory.len() as u64 + self.spilled.iter().map(|s| s.records).sum::<u64>()
    }

    /// Takes all records out, when all of them are in memory.
    pub(crate) fn take_memory(&mut self) -> Option<Records> {
        self.spilled.is_empty().then(|| std::mem::take(&mut self.memory))
    }

    fn spill(&mut self) -> Result<(), ReconError> {
        let mut out = PartFile::create(&self.dir)?;
        for id in self.memory.ids() {
            out.put(&self.memory.get(id))?;
        }
        self.spilled.push(out.finish()?);
        self.memory = Records::new();
        Ok(())
    }

    /// Gives all records in parts, each within the budget as far as `split` allows. Records with
    /// one hash are in one part. Records without a hash come in parts of their own (`None`).
    pub(crate) fn parts(
        mut self,
        split: &dyn Fn(&Records, RecordId) -> Option<u64>,
        each: &mut dyn FnMut(Records, bool) -> Result<(), ReconError>,
    ) -> Result<(), ReconError> {
        if self.spilled.is_empty() {
            return each(std::mem::take(&mut self.memory), true);
        }
        if !self.memory.is_empty() {
            self.spill()?;
        }
        let spilled = std::mem::take(&mut self.spilled);
        self.split_files(spilled, split, each, 0)
    }

    fn split_files(
        &self,
        files: Vec<Spilled>,
        split: &dyn Fn(&Records, RecordId) -> Option<u64>,
        each: &mut dyn FnMut(Records, bool) -> Result<(), ReconError>,
        depth: u32,
    ) -> Result<(), ReconError> {
        let bytes: u64 = files.iter().map(|f| f.bytes).sum();
        // A record takes about twice its bytes on disk in memory, with its table's slack.
        let parts = (bytes * 3 / self.budget_bytes.max(1) as u64 + 1).clamp(2, PARTS_MAX);
        let mut outs: Vec<PartFile> =
            (0..parts).map(|_| PartFile::create(&self.dir)).collect::<Result<_, _>>()?;
        let mut loners = Records::new();
        let mut one = Records::new();
        for file in files {
            file.read(&self.dir, &mut |record| {
                one.clear();
                let id = one.push(record);
                match split(&one, id) {
                    Some(hash) => {
                        // Each level of splitting uses other bits of the hash.
                        let mixed = (hash ^ u64::from(depth))
                            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                            .rotate_left(32 + depth * 7);
                        outs[(((mixed & 0xFFFF_FFFF) * parts) >> 32) as usize].put(record)
                    }
                    None => {
                        loners.push(record);
                        if loners.bytes() > self.budget_bytes {
                            each(std::mem::take(&mut loners), false)?;
                        }
                        Ok(())
                    }
                }
            })?;
        }
        if !loners.is_empty() {
            each(loners, false)?;
        }
        for out in outs {
            let file = out.finish()?;
            if file.records == 0 {
                continue;
            }
            let too_large = file.bytes * 2 > self.budget_bytes as u64;
            if too_large && file.bytes * 10 < bytes * 8 && depth < 4 {
                self.split_files(vec![file], split, each, depth + 1)?;
                continue;
            }
            // A part that does not shrink is one group: it must be decided on as a whole.
            let mut records = Records::new();
            file.read(&self.dir, &mut |record| {
                records.push(record);
                Ok(())
            })?;
            each(records, true)?;
        }
        Ok(())
    }
}

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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn whatever_the_budget_groups_stay_whole_and_nothing_is_lost(
            rows in proptest::collection::vec((0_u8..40, any::<i64>(), any::<Option<i64>>(), any::<Option<i32>>(), 0_usize..60), 0..300),
            budget in 1_usize..60_000,
        ) {
            let dir = tempfile::tempdir().unwrap();
            let mut pool = Pool::new(budget, dir.path());
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
            let split = |records: &Records, id: RecordId| records.text(id, Text::Key(0)).map(|k| u64::from(k[0]));
            pool.parts(&split, &mut |records, _| {
                part += 1;
                for id in records.ids() {
                    if let Some(key) = records.text(id, Text::Key(0)) {
                        assert_eq!(*seen_keys.entry(key[0]).or_insert(part), part, "a group in two parts");
                    }
                    let record = records.get(id);
                    assert_eq!(want.remove(&record.loc.row), Some(encode(&record)));
                }
                Ok(())
            }).unwrap();
            prop_assert!(want.is_empty());
        }
    }
}
