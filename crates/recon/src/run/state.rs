//! What a run has read so far, kept on disk: for going on after a stop, and for reading only what
//! changed when a file comes late.
//!
//! The folder holds `job.json` (what the run is about, with its sealed secret) and segments. A
//! segment is what one thread read between two commits: files with its compact rows or sketch, and
//! a `.seg` file that names them and says which units of which inputs they cover. A segment counts
//! only from the moment its `.seg` file has its final name, which it gets last. So a run that is
//! killed at any moment leaves a state that is true.

use super::read::Take;
use super::{Options, Plan, SideCounts, Strategy};
use crate::digest::Secret;
use crate::error::ReconError;
use crate::input::{Input, Job};
use crate::record::Side;
use crate::sizes::Sizes;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;
use suanpan_money::Currency;

/// Where the state of a run is kept.
#[derive(Debug, Clone)]
pub struct StateOptions {
    /// The folder.
    pub dir: PathBuf,
    /// Go on from what is there.
    pub resume: bool,
    /// Commit while reading, and keep the state when the run is done. Otherwise a state is written
    /// only when the run is stopped.
    pub checkpoint: bool,
    /// For fault tests: stop dead, as if killed, right after so many commits.
    pub kill_after_commits: Option<u64>,
}

const VERSION: u32 = 3;
const SEGMENTS_MAX: usize = 100_000;

/// `job.json`.
#[derive(Debug, Serialize, Deserialize)]
struct JobFile {
    version: u32,
    engine: String,
    rules: String,
    strategy: Strategy,
    partition_bits: u32,
    sketch_cells: usize,
    unit_bytes: usize,
    secret: String,
    inputs: Vec<InputId>,
}

/// What tells one input from another without reading it: a file that was replaced has another time
/// or size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct InputId {
    side: String,
    name: String,
    bytes: u64,
    modified_ns: u128,
    base: u64,
    locations: u64,
}

impl InputId {
    fn of(input: &Input) -> InputId {
        let modified = std::fs::metadata(input.source.path()).and_then(|m| m.modified());
        let since = modified.ok().and_then(|m| m.duration_since(UNIX_EPOCH).ok());
        InputId {
            side: input.side.name().to_owned(),
            name: input.name().to_owned(),
            bytes: input.bytes,
            modified_ns: since.map_or(0, |s| s.as_nanos()),
            base: input.base,
            locations: input.locations(),
        }
    }

    fn is(&self, other: &InputId) -> bool {
        (&self.side, &self.name, self.bytes, self.modified_ns)
            == (&other.side, &other.name, other.bytes, other.modified_ns)
    }
}

/// The head of a segment file; rows and marks of its units follow as numbers of 32 bits.
#[derive(Debug, Serialize, Deserialize)]
struct SegmentHead {
    files: Vec<String>,
    /// Input, unit, rows, number of marks, whether its number of quotes is odd.
    jobs: Vec<(u32, u32, u32, u32, bool)>,
    sides: [SegmentSide; 2],
    /// Inputs of these that have quotes.
    quoted: Vec<u32>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct SegmentSide {
    rejected: u64,
    unkeyed: u64,
    skipped: Vec<u64>,
    last_date: Option<i32>,
    totals: Vec<(u16, u64, String)>,
    /// Exponent, digits, count of amounts.
    sizes: Vec<(u8, usize, u64)>,
}

/// Counts of a side with skipped rows by rule.
#[derive(Debug, Default, Clone)]
pub(super) struct Counted {
    pub(super) counts: [SideCounts; 2],
    pub(super) skipped: [Vec<u64>; 2],
}

impl Counted {
    pub(super) fn merge(&mut self, other: &Counted) {
        for side in 0..2 {
            let (all, own) = (&mut self.counts[side], &other.counts[side]);
            all.rejected += own.rejected;
            all.unkeyed += own.unkeyed;
            all.last_date = all.last_date.max(own.last_date);
            all.totals.merge(&own.totals);
            all.sizes.merge(&own.sizes);
            let skipped = &mut self.skipped[side];
            skipped.resize(skipped.len().max(other.skipped[side].len()), 0);
            for (sum, count) in skipped.iter_mut().zip(&other.skipped[side]) {
                *sum += count;
            }
        }
    }
}

/// The state that a run found, loaded.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// What the loaded segments counted.
    pub(super) counted: Counted,
    /// Units that need not be read again.
    pub(super) jobs: HashSet<(u32, u32)>,
    /// Files of compact rows or sketches.
    pub(super) files: Vec<PathBuf>,
    /// All files of the state.
    kept: HashSet<PathBuf>,
}

/// The state folder of a run.
#[derive(Debug)]
pub(super) struct State {
    options: StateOptions,
    commits: AtomicU64,
    /// For each input of this run its number in the state, which it keeps for good.
    numbers: OnceLock<Vec<u32>>,
}

impl State {
    pub(super) fn open(options: &StateOptions) -> Result<State, ReconError> {
        std::fs::create_dir_all(&options.dir).map_err(ReconError::io("create", &options.dir))?;
        Ok(State { options: options.clone(), commits: AtomicU64::new(0), numbers: OnceLock::new() })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.options.dir
    }

    pub(super) fn checkpoint(&self) -> bool {
        self.options.checkpoint
    }

    fn resume_error(&self, message: impl Into<String>) -> ReconError {
        ReconError::Resume { path: self.options.dir.clone(), message: message.into() }
    }

    /// Reads the secret of the run to go on from, `None` when this is a new run.
    pub(super) fn secret(&self) -> Result<Option<Secret>, ReconError> {
        if !self.options.resume {
            return Ok(None);
        }
        let job = self.read_job()?;
        let bytes: Option<Vec<u8>> = (0..job.secret.len() / 2)
            .map(|n| job.secret.get(n * 2..n * 2 + 2).and_then(|b| u8::from_str_radix(b, 16).ok()))
            .collect();
        let bytes: Option<[u8; 96]> = bytes.and_then(|b| b.try_into().ok());
        Ok(Some(Secret::from_bytes(
            &bytes.ok_or_else(|| self.resume_error("job.json has no usable secret"))?,
        )))
    }

    fn read_job(&self) -> Result<JobFile, ReconError> {
        let path = self.options.dir.join("job.json");
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(self.resume_error("there is no state of an earlier run; run without --resume"));
            }
            Err(error) => return Err(ReconError::io("read", path)(error)),
        };
        serde_json::from_slice(&text).map_err(|e| self.resume_error(format!("job.json is damaged: {e}")))
    }

    /// Begins a new state, or loads what fits of the one that is there. The plan takes over what the
    /// state was made with; inputs get their places in it.
    pub(super) fn begin(
        &self,
        options: &Options,
        plan: &mut Plan,
        inputs: &mut [Input],
        secret: &Secret,
    ) -> Result<Loaded, ReconError> {
        let mut known = Vec::new();
        let loaded = if self.options.resume {
            self.load(options, plan, inputs, &mut known)?
        } else {
            Loaded::default()
        };
        // Inputs that are gone keep their numbers, and new ones come behind.
        let mut number = |input: &Input| {
            let own = InputId::of(input);
            known.iter().position(|id| own.is(id)).unwrap_or_else(|| {
                known.push(own);
                known.len() - 1
            }) as u32
        };
        let numbers: Vec<u32> = inputs.iter().map(&mut number).collect();
        self.numbers.set(numbers).expect("a state begins once");
        if !self.options.resume {
            for entry in
                std::fs::read_dir(&self.options.dir).map_err(ReconError::io("read", &self.options.dir))?
            {
                let path = entry.map_err(ReconError::io("read", &self.options.dir))?.path();
                if is_ours(&path) {
                    std::fs::remove_file(&path).map_err(ReconError::io("remove", path))?;
                }
            }
        }
        let job = JobFile {
            version: VERSION,
            engine: env!("CARGO_PKG_VERSION").to_owned(),
            rules: options.rules.digest(),
            strategy: plan.strategy,
            partition_bits: plan.partition_bits,
            sketch_cells: plan.sketch_cells,
            unit_bytes: options.unit_bytes,
            secret: secret.to_bytes().iter().map(|b| format!("{b:02x}")).collect(),
            inputs: known,
        };
        let json = serde_json::to_vec_pretty(&job).expect("plain values have a JSON form");
        self.write_whole("job.json", &[&json])?;
        Ok(loaded)
    }

    fn load(
        &self,
        options: &Options,
        plan: &mut Plan,
        inputs: &mut [Input],
        known: &mut Vec<InputId>,
    ) -> Result<Loaded, ReconError> {
        let job = self.read_job()?;
        let differs = [
            (
                job.version != VERSION || job.engine != env!("CARGO_PKG_VERSION"),
                "it was made by another version",
            ),
            (job.rules != options.rules.digest(), "the rules have changed"),
            (job.unit_bytes != options.unit_bytes, "the unit size has changed"),
            (
                plan.strategy == Strategy::Full && job.strategy != Strategy::Full,
                "it was made without --matched",
            ),
        ];
        if let Some((_, why)) = differs.iter().find(|(differs, _)| *differs) {
            return Err(self.resume_error(format!("{why}; run without --resume")));
        }
        plan.strategy = job.strategy;
        plan.partition_bits = job.partition_bits;
        plan.sketch_cells = job.sketch_cells;
        // Known inputs keep their places; new ones come behind.
        let mut next = [0_u64; 2];
        for id in &job.inputs {
            let side = usize::from(id.side == "right");
            next[side] = next[side].max(id.base + id.locations);
        }
        let mut now: Vec<Option<u32>> = vec![None; job.inputs.len()];
        for (at, input) in inputs.iter_mut().enumerate() {
            let own = InputId::of(input);
            match job.inputs.iter().position(|id| id.is(&own)) {
                Some(was) => {
                    input.base = job.inputs[was].base;
                    now[was] = u32::try_from(at).ok();
                }
                None => {
                    let next = &mut next[input.side.index()];
                    input.base = *next;
                    *next += input.locations();
                }
            }
        }
        *known = job.inputs;
        let mut loaded = Loaded::default();
        let mut names: Vec<PathBuf> = std::fs::read_dir(&self.options.dir)
            .map_err(ReconError::io("read", &self.options.dir))?
            .filter_map(|entry| entry.ok().map(|e| e.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "seg"))
            .collect();
        names.sort();
        if names.len() > SEGMENTS_MAX {
            return Err(self.resume_error("it has too many segments"));
        }
        for path in names {
            let bytes = std::fs::read(&path).map_err(ReconError::io("read", &path))?;
            let (head, numbers) = self.parse_segment(&path, &bytes)?;
            let whole =
                head.jobs.iter().all(|(input, ..)| now.get(*input as usize).is_some_and(Option::is_some));
            if !whole {
                // It covers an input that is gone or changed: its other units are read again.
                std::fs::remove_file(&path).map_err(ReconError::io("remove", &path))?;
                continue;
            }
            self.take_segment(&head, &numbers, &now, inputs, &mut loaded)?;
            loaded.kept.insert(path);
            loaded.kept.extend(head.files.iter().map(|f| self.options.dir.join(f)));
        }
        // Whatever no segment names was being written when the run was stopped.
        self.forget_all_but(&loaded)?;
        Ok(loaded)
    }

    /// Drops all segments that were not there in the beginning: the units they cover are cut otherwise.
    pub(super) fn forget_all_but(&self, loaded: &Loaded) -> Result<(), ReconError> {
        for entry in
            std::fs::read_dir(&self.options.dir).map_err(ReconError::io("read", &self.options.dir))?
        {
            let path = entry.map_err(ReconError::io("read", &self.options.dir))?.path();
            if is_ours(&path) && !loaded.kept.contains(&path) && path.extension().is_some_and(|e| e != "json")
            {
                std::fs::remove_file(&path).map_err(ReconError::io("remove", path))?;
            }
        }
        Ok(())
    }

    fn parse_segment(&self, path: &Path, bytes: &[u8]) -> Result<(SegmentHead, Vec<u32>), ReconError> {
        let damaged = || self.resume_error(format!("{} is damaged; run without --resume", path.display()));
        let (body, digest) = bytes.split_last_chunk::<32>().ok_or_else(damaged)?;
        if blake3::hash(body).as_bytes() != digest {
            return Err(damaged());
        }
        let (len, rest) = body.split_first_chunk::<8>().ok_or_else(damaged)?;
        let len = usize::try_from(u64::from_le_bytes(*len))
            .ok()
            .filter(|l| *l <= rest.len())
            .ok_or_else(damaged)?;
        let head = serde_json::from_slice(&rest[..len]).map_err(|_| damaged())?;
        let numbers =
            rest[len..].chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().expect("four bytes")));
        Ok((head, numbers.collect()))
    }

    fn take_segment(
        &self,
        head: &SegmentHead,
        numbers: &[u32],
        now: &[Option<u32>],
        inputs: &[Input],
        loaded: &mut Loaded,
    ) -> Result<(), ReconError> {
        let damaged = || self.resume_error("a segment does not fit its input; run without --resume");
        for was in &head.quoted {
            if let Some(Some(at)) = now.get(*was as usize) {
                inputs[*at as usize].heed_quotes();
            }
        }
        let mut rest = numbers;
        for (was, unit, rows, marks, odd_quotes) in &head.jobs {
            let at = now[*was as usize].ok_or_else(damaged)?;
            let input = &inputs[at as usize];
            if let Some(quotes) = input.quotes() {
                quotes.note(*unit, *odd_quotes);
            }
            input.rows.get(*unit as usize).ok_or_else(damaged)?.store(*rows, Ordering::Relaxed);
            let (own, more) = rest.split_at_checked(*marks as usize).ok_or_else(damaged)?;
            rest = more;
            for (mark, value) in input.marks_of(*unit).iter().zip(own) {
                mark.store(*value, Ordering::Relaxed);
            }
            if !loaded.jobs.insert((at, *unit)) {
                return Err(self.resume_error("two segments cover one unit; run without --resume"));
            }
        }
        let mut counted = Counted::default();
        for (side, from) in head.sides.iter().enumerate() {
            let counts = &mut counted.counts[side];
            counts.rejected = from.rejected;
            counts.unkeyed = from.unkeyed;
            counts.last_date = from.last_date;
            for (currency, count, sum) in &from.totals {
                let currency = Currency::from_numeric(*currency).ok_or_else(damaged)?;
                counts.totals.add_many(currency, *count, sum.parse().map_err(|_| damaged())?);
            }
            counts.sizes = Sizes::from_list(&from.sizes).ok_or_else(damaged)?;
            counted.skipped[side].clone_from(&from.skipped);
        }
        loaded.counted.merge(&counted);
        loaded.files.extend(head.files.iter().map(|f| self.options.dir.join(f)));
        Ok(())
    }

    /// Writes a file that is whole or not there.
    fn write_whole(&self, name: &str, parts: &[&[u8]]) -> Result<(), ReconError> {
        let path = self.options.dir.join(name);
        let part = self.options.dir.join(format!("{name}.part"));
        let write = || -> std::io::Result<()> {
            let mut options = File::options();
            options.write(true).create(true).truncate(true);
            // The job's file holds its secret.
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&part)?;
            for bytes in parts {
                file.write_all(bytes)?;
            }
            file.sync_all()?;
            std::fs::rename(&part, &path)?;
            File::open(&self.options.dir)?.sync_all()
        };
        write().map_err(ReconError::io("write", &path))
    }

    /// Takes the whole state away.
    pub(super) fn remove(&self) -> Result<(), ReconError> {
        for entry in
            std::fs::read_dir(&self.options.dir).map_err(ReconError::io("read", &self.options.dir))?
        {
            let path = entry.map_err(ReconError::io("read", &self.options.dir))?.path();
            if is_ours(&path) {
                std::fs::remove_file(&path).map_err(ReconError::io("remove", path))?;
            }
        }
        // The folder stays when something else is in it.
        let _ = std::fs::remove_dir(&self.options.dir);
        Ok(())
    }
}

fn is_ours(path: &Path) -> bool {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
    name == "job.json" || [".seg", ".run", ".cells", ".part"].iter().any(|end| name.ends_with(end))
}

/// What one thread has read and not yet committed.
#[derive(Debug)]
pub(super) struct Committer<'a> {
    state: Option<&'a State>,
    name: String,
    segments: u64,
    jobs: Vec<Job>,
    /// A job was begun and is not done.
    in_job: bool,
    /// Since the last commit.
    pub(super) counted: Counted,
    /// Before it.
    committed: Counted,
}

impl<'a> Committer<'a> {
    pub(super) fn new(state: Option<&'a State>, thread: usize) -> Self {
        // Segments of an earlier run are there too, so names must be new.
        let run = std::time::SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
        Committer {
            state,
            name: format!("{run:x}-{thread}"),
            segments: 0,
            jobs: Vec::new(),
            in_job: false,
            counted: Counted::default(),
            committed: Counted::default(),
        }
    }

    /// Returns everything counted.
    pub(super) fn all(&self) -> Counted {
        let mut all = self.committed.clone();
        all.merge(&self.counted);
        all
    }

    /// Notes a job that is about to be read. What was read before is made lasting first, when the job
    /// may be given up in its middle, and in a run with checkpoints when it is of another input, so
    /// that a changed input costs no other.
    pub(super) fn job_starts(
        &mut self,
        job: Job,
        take: &mut impl Take,
        inputs: &[Input],
    ) -> Result<(), ReconError> {
        let Some(state) = self.state else { return Ok(()) };
        let other = self.jobs.last().is_some_and(|last| last.input != job.input);
        if !inputs[job.input as usize].in_units() || (other && state.checkpoint()) {
            self.commit(take, inputs)?;
        }
        self.in_job = true;
        Ok(())
    }

    /// Notes a job that was read whole.
    pub(super) fn job_done(
        &mut self,
        job: Job,
        take: &mut impl Take,
        inputs: &[Input],
    ) -> Result<(), ReconError> {
        self.in_job = false;
        if self.state.is_none() {
            return Ok(());
        }
        self.jobs.push(job);
        if self.state.is_some_and(State::checkpoint) && take.wants_commit(self.jobs.len()) {
            return self.commit(take, inputs);
        }
        Ok(())
    }

    /// Makes everything lasting for a stop, but for a job that was given up in its middle.
    pub(super) fn stop(&mut self, take: &mut impl Take, inputs: &[Input]) -> Result<(), ReconError> {
        if self.in_job { Ok(()) } else { self.commit(take, inputs) }
    }

    /// Makes everything read so far lasting.
    pub(super) fn commit(&mut self, take: &mut impl Take, inputs: &[Input]) -> Result<(), ReconError> {
        let Some(state) = self.state else { return Ok(()) };
        if self.jobs.is_empty() {
            return Ok(());
        }
        let name = format!("{}-{}", self.name, self.segments);
        self.segments += 1;
        let files = take.save(state.dir(), &name)?;
        let mut numbers: Vec<u8> = Vec::new();
        let mut jobs = Vec::new();
        let mut quoted = Vec::new();
        for job in self.jobs.drain(..) {
            let input = &inputs[job.input as usize];
            let number = state.numbers.get().map_or(job.input, |n| n[job.input as usize]);
            let quotes = input.quotes();
            if quotes.is_some() {
                quoted.push(number);
            }
            let odd_quotes = quotes.is_some_and(|q| q.odd(job.unit) == Some(true));
            let marks = input.marks_of(job.unit);
            numbers.extend(marks.iter().flat_map(|m| m.load(Ordering::Relaxed).to_le_bytes()));
            let rows = input.rows[job.unit as usize].load(Ordering::Relaxed);
            jobs.push((number, job.unit, rows, marks.len() as u32, odd_quotes));
        }
        let counted = std::mem::take(&mut self.counted);
        let sides = Side::BOTH.map(|side| {
            let counts = &counted.counts[side.index()];
            let totals = counts.totals.sorted();
            SegmentSide {
                rejected: counts.rejected,
                unkeyed: counts.unkeyed,
                skipped: counted.skipped[side.index()].clone(),
                last_date: counts.last_date,
                totals: totals.iter().map(|t| (t.currency.numeric(), t.count, t.sum.to_string())).collect(),
                sizes: counts.sizes.list(),
            }
        });
        let head = serde_json::to_vec(&SegmentHead { files, jobs, sides, quoted })
            .expect("plain values have a JSON form");
        let len = (head.len() as u64).to_le_bytes();
        let mut hasher = blake3::Hasher::new();
        for part in [&len[..], &head, &numbers] {
            hasher.update(part);
        }
        state.write_whole(&format!("{name}.seg"), &[&len, &head, &numbers, hasher.finalize().as_bytes()])?;
        self.committed.merge(&counted);
        let commits = state.commits.fetch_add(1, Ordering::Relaxed) + 1;
        if state.options.kill_after_commits.is_some_and(|most| commits >= most) {
            return Err(ReconError::Killed);
        }
        Ok(())
    }
}
