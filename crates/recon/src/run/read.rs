//! The readings of a run: into compact rows, into a sketch, or picking rows in full.

use super::plan::{Plan, Strategy, by_location};
use super::state::{Committer, Counted, Loaded, State};
use super::{Options, SideCounts};
use crate::arena::Budget;
use crate::digest::Secret;
use crate::error::ReconError;
use crate::fetch::{self, Consumed, Fetching, Picker, Wanted};
use crate::input::{Access, Input, Job};
use crate::pool::Pool;
use crate::reader::{Digest, Fields, Reader, RowError};
use crate::record::Side;
use crate::report::OutcomeSink;
use crate::scan::{At, Control, Visitor, scan};
use crate::sift::{Candidate, Part, SiftOptions, Sifted, Sifter};
use crate::sketch::{Difference, Element, Sketch};
use crate::store::{Entries, Shape, Store, Window, loc_of};
use crate::tags::TagSet;
use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What all readings of a run share.
pub(super) struct Reading<'a> {
    pub(super) options: &'a Options,
    pub(super) inputs: &'a [Input],
    pub(super) control: &'a Control<'a>,
    pub(super) plan: &'a Plan,
    pub(super) secret: &'a Secret,
    /// What is kept on disk, and what was found there.
    pub(super) state: Option<(&'a State, &'a Mutex<Loaded>)>,
}

/// What is done with the digest of a row.
pub(super) trait Take: Send {
    fn keyed(
        &mut self,
        side: Side,
        key: crate::digest::KeyHash,
        value: u64,
        loc: u64,
    ) -> Result<(), ReconError>;
    fn aside(&mut self, side: Side, rejected: bool, loc: u64) -> Result<(), ReconError>;

    /// Says whether it is time to commit, `jobs` after the last time.
    fn wants_commit(&self, jobs: usize) -> bool {
        let _ = jobs;
        false
    }

    /// Writes what was taken to files in `dir` and starts anew. Returns the names of the files.
    fn save(&mut self, dir: &Path, name: &str) -> Result<Vec<String>, ReconError>;
}

/// Units between two commits where nothing else asks for one: 256 MiB of text.
const COMMIT_JOBS: usize = 512;

/// A reading that digests every row.
struct Digesting<'a, T> {
    take: T,
    committer: Committer<'a>,
    inputs: &'a [Input],
    locations: [bool; 2],
}

impl<T: Take> Visitor for Digesting<'_, T> {
    const DECIDING_ONLY: bool = true;

    #[inline(always)]
    fn visit<F: Fields>(
        &mut self,
        input: &Input,
        reader: &mut Reader<'_>,
        row: Result<&F, RowError>,
        at: At<'_>,
    ) -> Result<(), ReconError> {
        let side = input.side;
        let loc = if self.locations[side.index()] { input.base + at.offset } else { 0 };
        match row.and_then(|fields| reader.digest(fields)) {
            Ok(Digest::Keyed { key, value }) => self.take.keyed(side, key, value, loc),
            Ok(Digest::Unkeyed) => {
                self.committer.counted.counts[side.index()].unkeyed += 1;
                self.take.aside(side, false, loc)
            }
            Ok(Digest::Skipped(rule)) => {
                let skipped = &mut self.committer.counted.skipped[side.index()];
                if skipped.len() <= rule {
                    skipped.resize(rule + 1, 0);
                }
                skipped[rule] += 1;
                Ok(())
            }
            Err(_) => {
                self.committer.counted.counts[side.index()].rejected += 1;
                self.take.aside(side, true, loc)
            }
        }
    }

    fn job_starts(&mut self, job: Job) -> Result<(), ReconError> {
        self.committer.job_starts(job, &mut self.take, self.inputs)
    }

    fn job_done(&mut self, job: Job, input: &Input, reader: &mut Reader<'_>) -> Result<(), ReconError> {
        let counts = &mut self.committer.counted.counts[input.side.index()];
        counts.totals.merge(&reader.totals);
        counts.sizes.merge(&reader.sizes);
        counts.last_date = counts.last_date.max(reader.last_date);
        self.committer.job_done(job, &mut self.take, self.inputs)
    }

    fn stopped(&mut self) -> Result<(), ReconError> {
        self.committer.stop(&mut self.take, self.inputs)
    }
}

struct ToStore<'b> {
    store: Store<'b>,
    shape: Shape,
    locations: [bool; 2],
}

impl Take for ToStore<'_> {
    #[inline(always)]
    fn keyed(
        &mut self,
        side: Side,
        key: crate::digest::KeyHash,
        value: u64,
        loc: u64,
    ) -> Result<(), ReconError> {
        let (partition, entry) = self.shape.pack(key, value, loc);
        self.store.push(side, partition, entry)
    }

    fn aside(&mut self, side: Side, rejected: bool, loc: u64) -> Result<(), ReconError> {
        // Where rows cannot be read by location, a second reading finds these by itself.
        if !self.locations[side.index()] {
            return Ok(());
        }
        let partition = if rejected { self.shape.rejected() } else { self.shape.unkeyed() };
        self.store.push(side, partition, [0, loc])
    }

    fn wants_commit(&self, jobs: usize) -> bool {
        jobs >= COMMIT_JOBS || self.store.has_unsaved_runs()
    }

    fn save(&mut self, _: &Path, _: &str) -> Result<Vec<String>, ReconError> {
        let names = self.store.save()?;
        Ok(names.iter().filter_map(|p| p.file_name()).map(|n| n.to_string_lossy().into_owned()).collect())
    }
}

struct ToSketch {
    /// What was taken since the last save.
    sketch: Sketch,
    empty: bool,
    /// What was saved before.
    saved: Option<Sketch>,
}

impl ToSketch {
    fn new(cells: usize, salt: u64) -> Self {
        ToSketch { sketch: Sketch::new(cells, salt), empty: true, saved: None }
    }
}

impl Take for ToSketch {
    #[inline(always)]
    fn keyed(
        &mut self,
        side: Side,
        key: crate::digest::KeyHash,
        value: u64,
        _: u64,
    ) -> Result<(), ReconError> {
        let element = Element { key: key.lo, value };
        self.empty = false;
        match side {
            Side::Left => self.sketch.add(element),
            Side::Right => self.sketch.subtract(element),
        }
        Ok(())
    }

    fn aside(&mut self, _: Side, _: bool, _: u64) -> Result<(), ReconError> {
        Ok(())
    }

    fn wants_commit(&self, jobs: usize) -> bool {
        jobs >= COMMIT_JOBS
    }

    fn save(&mut self, dir: &Path, name: &str) -> Result<Vec<String>, ReconError> {
        if self.empty {
            return Ok(Vec::new());
        }
        let name = format!("{name}.cells");
        let path = dir.join(&name);
        let write = || {
            let mut file = File::create(&path)?;
            file.write_all(&self.sketch.to_bytes())?;
            file.sync_all()
        };
        write().map_err(ReconError::io("write", &path))?;
        let fresh = Sketch::new(self.sketch.cells(), self.sketch.salt());
        let taken = std::mem::replace(&mut self.sketch, fresh);
        self.empty = true;
        match &mut self.saved {
            Some(saved) => saved.merge(&taken),
            none => *none = Some(taken),
        }
        Ok(vec![name])
    }
}

struct ToNothing;

impl Take for ToNothing {
    fn keyed(&mut self, _: Side, _: crate::digest::KeyHash, _: u64, _: u64) -> Result<(), ReconError> {
        Ok(())
    }

    fn aside(&mut self, _: Side, _: bool, _: u64) -> Result<(), ReconError> {
        Ok(())
    }

    fn wants_commit(&self, jobs: usize) -> bool {
        jobs >= COMMIT_JOBS
    }

    fn save(&mut self, _: &Path, _: &str) -> Result<Vec<String>, ReconError> {
        Ok(Vec::new())
    }
}

/// What a reading counted, and for each thread what it took and what it has not yet committed.
type Digested<'a, T> = ([SideCounts; 2], Vec<T>, Vec<Committer<'a>>);

/// Everything read into compact rows.
pub(super) struct Stored<'a, 'b> {
    pub(super) counts: [SideCounts; 2],
    pub(super) entries: Entries<'b>,
    committers: Vec<Committer<'a>>,
    pub(super) locations: [bool; 2],
}

impl Stored<'_, '_> {
    /// Keeps what was read, for a run that is stopped after its reading.
    pub(super) fn keep(mut self, inputs: &[Input]) -> Result<(), ReconError> {
        let (shape, locations) = (self.entries.shape, self.locations);
        for (store, committer) in self.entries.take_stores().into_iter().zip(&mut self.committers) {
            committer.commit(&mut ToStore { store, shape, locations }, inputs)?;
        }
        Ok(())
    }
}

/// Where sifting goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    partition: usize,
    /// Within the partitions of rows set aside: the entries that were taken.
    taken: [u64; 2],
}

impl Cursor {
    pub(super) fn at_end(&self, shape: Shape) -> bool {
        self.partition >= shape.partitions()
    }
}

impl Reading<'_> {
    fn jobs(&self) -> Vec<Job> {
        let mut jobs = Vec::new();
        // Inputs that only one worker can read come first, so that they do not hold up the end.
        for in_units in [false, true] {
            for (at, input) in self.inputs.iter().enumerate().filter(|(_, i)| i.in_units() == in_units) {
                input.jobs(at, &mut jobs);
            }
        }
        jobs
    }

    /// Files that the state of an earlier run left.
    fn loaded_files(&self) -> Vec<PathBuf> {
        self.state
            .map_or_else(Vec::new, |(_, loaded)| loaded.lock().expect("no thread panicked").files.clone())
    }

    /// Forgets what an earlier reading noted about rows.
    pub(super) fn reset(&self) {
        for counter in self.inputs.iter().flat_map(|i| i.rows.iter().chain(&i.marks)) {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// Reads everything that is not in the state already, again with heed to quotes when a file taken
    /// for unquoted turns out to have some.
    fn digest<T: Take>(
        &self,
        make: impl Fn(usize, [bool; 2]) -> Result<T, ReconError>,
    ) -> Result<Digested<'_, T>, ReconError> {
        loop {
            let locations = Side::BOTH.map(|side| by_location(self.inputs, side));
            let visitors = (0..self.control.threads.max(1))
                .map(|thread| {
                    let committer = Committer::new(self.state.map(|(state, _)| state), thread);
                    Ok(Digesting {
                        take: make(thread, locations)?,
                        committer,
                        inputs: self.inputs,
                        locations,
                    })
                })
                .collect::<Result<Vec<_>, ReconError>>()?;
            let mut jobs = self.jobs();
            if let Some((_, loaded)) = self.state {
                let loaded = loaded.lock().expect("no thread panicked");
                jobs.retain(|job| !loaded.jobs.contains(&(job.input, job.unit)));
            }
            let done = match scan(self.inputs, &jobs, self.control, visitors) {
                Err(ReconError::QuotesSeen { input }) => {
                    if let Some((state, loaded)) = self.state {
                        let mut loaded = loaded.lock().expect("no thread panicked");
                        // The state may cover units of this very input, which were cut wrongly.
                        if loaded.jobs.iter().any(|(at, _)| *at as usize == input) {
                            *loaded = Loaded::default();
                            self.reset();
                        }
                        state.forget_all_but(&loaded)?;
                    }
                    self.inputs[input].heed_quotes();
                    continue;
                }
                other => other?,
            };
            let mut all = self.state.map_or_else(Counted::default, |(_, loaded)| {
                loaded.lock().expect("no thread panicked").counted.clone()
            });
            let (mut takes, mut committers) = (Vec::new(), Vec::new());
            for visitor in done {
                all.merge(&visitor.committer.all());
                takes.push(visitor.take);
                committers.push(visitor.committer);
            }
            let Counted { mut counts, skipped } = all;
            for side in 0..2 {
                counts[side].records = counts[side].totals.sorted().iter().map(|t| t.count).sum();
                let rules = &self.options.rules.sides[side].skip;
                let of = |at: usize| skipped[side].get(at).copied().unwrap_or(0);
                counts[side].skipped =
                    rules.iter().enumerate().map(|(at, s)| (s.name.clone(), of(at))).collect();
            }
            return Ok((counts, takes, committers));
        }
    }

    /// Reads everything for its counts alone.
    pub(super) fn count(&self) -> Result<[SideCounts; 2], ReconError> {
        Ok(self.digest(|_, _| Ok(ToNothing))?.0)
    }

    /// Reads everything into compact rows.
    pub(super) fn store<'b>(
        &self,
        strategy: Strategy,
        budget: &'b Budget,
    ) -> Result<Stored<'_, 'b>, ReconError> {
        let shape = self.plan.shape();
        let bytes = self.plan.store_bytes(strategy)?;
        let threads = self.control.threads.max(1);
        // Small stores take memory in small steps, so that every thread gets its share.
        let slab = (bytes / threads / 64).next_power_of_two().clamp(crate::arena::BLOCK, 2 << 20);
        // Files that are to outlive the run must not take the names of an earlier run's.
        let run =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
        let dir = self.state.map_or(self.options.work_dir.as_path(), |(state, _)| state.dir());
        let (counts, takes, committers) = self.digest(|thread, locations| {
            let store = Store::new(shape, bytes, slab, budget, dir, format!("rows-{run:x}-{thread}"))?;
            Ok(ToStore { store, shape, locations })
        })?;
        let locations = takes.first().map_or([false; 2], |t| t.locations);
        let mut stores: Vec<Store<'b>> = takes.into_iter().map(|t| t.store).collect();
        stores.iter_mut().for_each(Store::publish);
        for path in self.loaded_files() {
            stores[0].adopt(&path)?;
        }
        Ok(Stored { counts, entries: Entries::new(shape, stores), committers, locations })
    }

    /// Reads everything into a sketch of the difference. `None` when it holds too much to be told.
    pub(super) fn sketch(&self) -> Result<([SideCounts; 2], Option<Difference>), ReconError> {
        let (counts, sketch) = self.make_sketch(self.plan.sketch_cells, self.secret.words[3])?;
        Ok((counts, sketch.peel()))
    }

    /// Reads everything into a sketch: left rows are added, right rows taken away.
    pub(super) fn make_sketch(
        &self,
        cells: usize,
        salt: u64,
    ) -> Result<([SideCounts; 2], Sketch), ReconError> {
        let (counts, takes, mut committers) = self.digest(|_, _| Ok(ToSketch::new(cells, salt)))?;
        let mut all = Sketch::new(cells, salt);
        for (mut take, committer) in takes.into_iter().zip(&mut committers) {
            all.merge(&take.sketch);
            take.saved.iter().for_each(|saved| all.merge(saved));
            // A sketch is small, so the reading that made it is kept for good at once.
            committer.commit(&mut take, self.inputs)?;
        }
        for path in self.loaded_files() {
            let bytes = std::fs::read(&path).map_err(ReconError::io("read", &path))?;
            match Sketch::from_bytes(&bytes, salt).filter(|s| s.cells() == all.cells()) {
                Some(part) => all.merge(&part),
                None => {
                    let message = "the file is damaged; run without --resume".to_owned();
                    return Err(ReconError::Resume { path, message });
                }
            }
        }
        Ok((counts, all))
    }

    /// Reads everything once more and picks the wanted rows.
    pub(super) fn pick(
        &self,
        wanted: &Wanted,
        pool: &mut Pool<'_>,
        sinks: &mut [OutcomeSink],
    ) -> Result<(), ReconError> {
        let rows_before: Vec<Vec<u64>> = self.inputs.iter().map(Input::rows_before).collect();
        let sharers = sinks.len() + 1;
        let visitors = sinks
            .iter_mut()
            .map(|sink| Picker::new(wanted, &rows_before, self.inputs, pool.share(sharers), sink))
            .collect();
        let mut jobs = self.jobs();
        jobs.retain(|job| wanted.side(self.inputs[job.input as usize].side));
        let done = scan(self.inputs, &jobs, self.control, visitors)?;
        for picker in done {
            pool.absorb(picker.pool)?;
        }
        Ok(())
    }

    /// Sifts partitions until there are as many candidates as can be held, and moves the cursor.
    pub(super) fn sift_wave(
        &self,
        entries: &Entries<'_>,
        cursor: &mut Cursor,
        options: &SiftOptions,
        forced: &[u64],
    ) -> Result<Sifted, ReconError> {
        let most = (self.plan.pool_bytes / 64).max(1024);
        let keyed = entries.shape.keyed();
        // A late input stands behind the others, and behind the place of one that it replaced.
        let end = self.inputs.iter().map(|i| i.base + i.locations()).fold(0, u64::max);
        let mut all = Sifted::new(end);
        if cursor.partition < keyed {
            let next = AtomicUsize::new(cursor.partition);
            let found = AtomicUsize::new(0);
            let threads = self.control.threads.max(1).min(keyed - cursor.partition);
            let width = entries.window_width();
            let results: Vec<Result<Sifted, ReconError>> = std::thread::scope(|scope| {
                let workers: Vec<_> = (0..threads)
                    .map(|_| {
                        let (next, found) = (&next, &found);
                        scope.spawn(move || {
                            let mut sifter = Sifter::default();
                            let mut window = Window::new(entries);
                            let mut out = Sifted::new(end);
                            while found.load(Ordering::Relaxed) < most {
                                let first = next.fetch_add(width, Ordering::Relaxed);
                                if first >= keyed {
                                    break;
                                }
                                if self.control.stop.load(Ordering::Relaxed) {
                                    return Err(ReconError::Interrupted);
                                }
                                let partitions = first..(first + width).min(keyed);
                                window.hold(partitions.clone())?;
                                let before = out.candidates.len();
                                for partition in partitions {
                                    sifter.sift(&window, partition, options, forced, &mut out)?;
                                }
                                found.fetch_add(out.candidates.len() - before, Ordering::Relaxed);
                            }
                            Ok(out)
                        })
                    })
                    .collect();
                workers
                    .into_iter()
                    .map(|w| w.join().unwrap_or_else(|p| std::panic::resume_unwind(p)))
                    .collect()
            });
            for result in results {
                all.append(result?);
            }
            cursor.partition = next.load(Ordering::Relaxed).min(keyed);
        }
        while cursor.partition >= keyed && !cursor.at_end(entries.shape) && all.candidates.len() < most {
            let room = most - all.candidates.len();
            let mut open = false;
            for side in Side::BOTH {
                let taken = &mut cursor.taken[side.index()];
                let mut at = 0_u64;
                let mut added = 0;
                entries.slices(side, cursor.partition, |slice| {
                    for entry in slice {
                        if at >= *taken && added < room {
                            all.candidates.push(Candidate {
                                side,
                                loc: loc_of(entry),
                                tag: 0,
                                part: Part::Open,
                            });
                            added += 1;
                        }
                        at += 1;
                    }
                })?;
                *taken += added as u64;
                open |= *taken < entries.count(side, cursor.partition);
            }
            if open {
                break;
            }
            *cursor = Cursor { partition: cursor.partition + 1, taken: [0, 0] };
        }
        Ok(all)
    }

    /// Reads the rows of a wave in full: by location where that can be done, else by a reading of
    /// everything.
    pub(super) fn fetch_wave(
        &self,
        wave: Sifted,
        locations: [bool; 2],
        last_wave: bool,
        pool: &mut Pool<'_>,
        sinks: &mut [OutcomeSink],
        counts: &[SideCounts; 2],
    ) -> Result<HashSet<Consumed>, ReconError> {
        let Sifted { mut candidates, .. } = wave;
        let mut matched = HashSet::new();
        let again: Vec<Side> = Side::BOTH.into_iter().filter(|s| !locations[s.index()]).collect();
        if !again.is_empty() {
            // The rows that have no location are found by their keys, those without keys in the last wave.
            let tags: TagSet = again.iter().flat_map(|side| candidates.of(*side)).map(|c| c.tag).collect();
            let aside = |count: fn(&SideCounts) -> u64| again.iter().any(|s| count(&counts[s.index()]) > 0);
            let unkeyed = last_wave && aside(|c| c.unkeyed);
            let rejected = last_wave && aside(|c| c.rejected);
            if !tags.is_empty() || unkeyed || rejected {
                let wanted = Wanted::new(self.plan.shape(), tags, unkeyed, rejected).only(&again);
                self.pick(&wanted, pool, sinks)?;
            }
        }
        let rows_before: Vec<Vec<u64>> = self.inputs.iter().map(Input::rows_before).collect();
        for side in Side::BOTH.into_iter().filter(|side| !again.contains(side)) {
            // By place in the side's numbering: an input that came late stands behind the others there.
            let mut own: Vec<(&Input, &[u64])> =
                self.inputs.iter().zip(&rows_before).map(|(i, b)| (i, b.as_slice())).collect();
            own.retain(|(input, _)| input.side == side && !matches!(input.access, Access::RowGroups { .. }));
            own.sort_by_key(|(input, _)| input.base);
            let (own, before): (Vec<&Input>, Vec<&[u64]>) = own.into_iter().unzip();
            let mut texts = candidates.take(side);
            let by_row = self.take_parquet(side, &mut texts);
            let groups = self.row_groups(side, &by_row, &rows_before);
            matched.extend(self.fetch_pieces(groups, pool, sinks, |(job, candidates, first), into| {
                let input = &self.inputs[job.input as usize];
                fetch::by_row(input, job.unit as usize, candidates, first, self.control.words, into)
            })?);
            let (words, kernel) = (self.control.words, self.control.kernel);
            matched.extend(self.fetch_pieces(texts, pool, sinks, |mut piece, into| {
                piece.sort_unstable_by_key(|candidate| candidate.loc);
                fetch::by_location(&own, &before, &piece, words, kernel, into)
            })?);
        }
        Ok(matched)
    }

    /// Fetches pieces in parallel, each thread into a pool and a sink of its own. Returns what was matched
    /// without being fetched.
    fn fetch_pieces<'p, P: Send>(
        &self,
        pieces: Vec<P>,
        pool: &mut Pool<'p>,
        sinks: &mut [OutcomeSink],
        fetch: impl Fn(P, &mut Fetching<'p, '_>) -> Result<(), ReconError> + Sync,
    ) -> Result<HashSet<Consumed>, ReconError> {
        let threads = self.control.threads.max(1).min(pieces.len());
        let first_key = self.inputs.first().and_then(|i| i.layout.first_key).unwrap_or(0);
        let pieces = Mutex::new(pieces.into_iter());
        let failed = AtomicBool::new(false);
        let next = || pieces.lock().expect("no thread panicked").next();
        let work = |mut into: Fetching<'p, '_>| {
            // After an error the others need not begin another piece.
            while let Some(piece) = next().filter(|_| !failed.load(Ordering::Relaxed)) {
                if self.control.stop.load(Ordering::Relaxed) {
                    return Err(ReconError::Interrupted);
                }
                fetch(piece, &mut into).inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
            }
            Ok((into.pool, into.matched))
        };
        let done: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> = sinks
                .iter_mut()
                .take(threads)
                .map(|sink| {
                    let own = pool.share(threads + 1);
                    let work = &work;
                    scope
                        .spawn(move || work(Fetching { pool: own, sink, first_key, matched: HashSet::new() }))
                })
                .collect();
            workers
                .into_iter()
                .map(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        let mut all = HashSet::new();
        for worker in done {
            let (own, matched) = worker?;
            pool.absorb(own)?;
            all.extend(matched);
        }
        Ok(all)
    }

    /// Takes the candidates of Parquet files out, in order of location.
    fn take_parquet(&self, side: Side, candidates: &mut [Vec<Candidate>]) -> Vec<Candidate> {
        let is_parquet = |i: &&Input| i.side == side && matches!(i.access, Access::RowGroups { .. });
        let ranges: Vec<(u64, u64)> =
            self.inputs.iter().filter(is_parquet).map(|i| (i.base, i.base + i.locations())).collect();
        if ranges.is_empty() {
            return Vec::new();
        }
        let by_row = |c: &mut Candidate| ranges.iter().any(|(from, to)| (*from..*to).contains(&c.loc));
        let mut taken: Vec<Candidate> =
            candidates.iter_mut().flat_map(|s| s.extract_if(.., by_row)).collect();
        taken.sort_unstable_by_key(|candidate| candidate.loc);
        taken
    }

    /// Returns the row groups that hold wanted rows, each with these and with the location of its first row.
    /// The wanted rows are sorted by location.
    fn row_groups<'w>(
        &self,
        side: Side,
        wanted: &'w [Candidate],
        rows_before: &[Vec<u64>],
    ) -> Vec<(Job, &'w [Candidate], u64)> {
        let mut groups = Vec::new();
        for job in self.jobs() {
            let input = &self.inputs[job.input as usize];
            let Access::RowGroups { rows } = &input.access else { continue };
            let first = input.base + rows_before[job.input as usize][job.unit as usize];
            let start = wanted.partition_point(|c| c.loc < first);
            let end = wanted.partition_point(|c| c.loc < first + rows[job.unit as usize]);
            if input.side == side && start < end {
                groups.push((job, &wanted[start..end], first));
            }
        }
        groups
    }
}
