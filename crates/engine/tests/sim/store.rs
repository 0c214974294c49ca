//! A store in memory that keeps the contract of the real ones and breaks whatever the contract lets it break.

use super::numbers::Numbers;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use suanpan_store::commit::{AccountRow, Answer, Commit, CommitError, Head, Job, Lease, Object};
use suanpan_store::events::{EventBlock, EventLine, EventLines};
use suanpan_store::{
    Cursor, EventListing, History, Kept, Listing, Mark, NewRun, Objects, Read, Record, Run, RunKind, Sizes,
    Standing, Store, StoreError,
};

/// How often what goes wrong, of a thousand calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    /// A commit is done and its end not known.
    pub(crate) unknown_done: u64,
    /// A commit is not done and its end not known.
    pub(crate) unknown_lost: u64,
    /// A commit is refused before anything was written.
    pub(crate) unavailable: u64,
    /// The process ends in the middle of a commit.
    pub(crate) crash: u64,
    /// A read fails, or the head cannot be told.
    pub(crate) read: u64,
}

pub(crate) const NO_FAULTS: Faults =
    Faults { unknown_done: 0, unknown_lost: 0, unavailable: 0, crash: 0, read: 0 };

/// Stores that break the contract: the auditor must find each of them out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Commits of any epoch are taken.
    NoFence,
    /// A commit is said to be done and is not, now and then.
    NotDone,
    /// Answers that are kept are not found.
    NoAnswers,
    /// The row of an account is lost now and then.
    LosesAccounts,
}

/// All that is stored.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) lease: Option<(Lease, String)>,
    pub(crate) head: Option<Head>,
    pub(crate) checkpoint: u64,
    pub(crate) records: Vec<Arc<Record>>,
    pub(crate) accounts: BTreeMap<u32, AccountRow>,
    pages: BTreeMap<u32, Vec<u8>>,
    holds: BTreeMap<u128, Vec<u8>>,
    pub(crate) objects: BTreeMap<String, Arc<Object>>,
    /// By their places.
    pub(crate) events: BTreeMap<i64, Arc<Object>>,
    links: BTreeSet<(&'static str, String, String)>,
    unique: BTreeMap<(String, String), String>,
    pub(crate) answers: BTreeMap<(String, String), Answer>,
    pub(crate) jobs: BTreeMap<String, Job>,
}

/// The disk of the database, with the chance of faults.
pub(crate) struct Disk {
    pub(crate) state: State,
    /// What is there if the last commit, whose end nobody was told, turns out not to be.
    unsettled: Option<State>,
    pub(crate) faults: Faults,
    pub(crate) lie: Option<Lie>,
    numbers: Numbers,
    /// The process that was at work has ended: all its calls fail.
    pub(crate) crashed: bool,
    pub(crate) log: Vec<String>,
}

impl Disk {
    pub(crate) fn new(numbers: Numbers, faults: Faults, lie: Option<Lie>) -> Arc<Mutex<Disk>> {
        let state = State::default();
        let disk = Disk { state, unsettled: None, faults, lie, numbers, crashed: false, log: Vec::new() };
        Arc::new(Mutex::new(disk))
    }

    /// The database itself goes down and comes back: a commit whose end nobody was told may be gone.
    pub(crate) fn power_cut(&mut self) {
        if let Some(before) = self.unsettled.take()
            && self.numbers.chance(500)
        {
            self.log.push("power cut: the commit in flight is gone".to_owned());
            self.state = before;
        }
    }

    /// Whether everything that is seen will stay.
    pub(crate) fn is_settled(&self) -> bool {
        self.unsettled.is_none()
    }

    /// From here on the last commit is either there or not, for ever.
    fn settle(&mut self) {
        self.unsettled = None;
    }

    fn read_fault(&mut self, what: &str) -> Result<(), StoreError> {
        let fails = self.crashed || self.numbers.chance(self.faults.read);
        if fails {
            self.log.push(format!("{what} fails"));
            return Err(down());
        }
        Ok(())
    }
}

fn down() -> StoreError {
    StoreError::Unavailable { at: "simulated".to_owned(), reason: "down".to_owned() }
}

/// One process' way to the disk, to write and to read.
#[derive(Clone)]
pub(crate) struct SimStore {
    pub(crate) disk: Arc<Mutex<Disk>>,
}

impl SimStore {
    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().expect("one thread")
    }
}

impl Store for SimStore {
    fn acquire(&mut self, cell: u32, node: &str, ttl: Duration) -> Result<(Lease, Head), StoreError> {
        // Time is not simulated for leases: safety must not rest on it.
        self.seize(cell, node, ttl)
    }

    fn seize(&mut self, cell: u32, node: &str, _: Duration) -> Result<(Lease, Head), StoreError> {
        let mut disk = self.lock();
        disk.read_fault("taking the lease")?;
        disk.settle();
        let state = &mut disk.state;
        let epoch = state.lease.as_ref().map_or(0, |(lease, _)| lease.epoch) + 1;
        let lease = Lease { cell, epoch };
        state.lease = Some((lease, node.to_owned()));
        let head = *state.head.get_or_insert(Head { seq: 0, hash: [0; 32], entries: 0, at: 0 });
        Ok((lease, head))
    }

    fn renew(&mut self, lease: &Lease, _: Duration) -> Result<(), StoreError> {
        let stored = self.lock().state.lease.as_ref().map_or(0, |(lease, _)| lease.epoch);
        if stored == lease.epoch {
            return Ok(());
        }
        Err(StoreError::Fenced { cell: lease.cell, held: lease.epoch, stored })
    }

    fn release(&mut self, lease: &Lease) -> Result<(), StoreError> {
        self.renew(lease, Duration::ZERO)
    }

    fn head(&mut self) -> Result<Head, StoreError> {
        let mut disk = self.lock();
        disk.read_fault("asking for the head")?;
        disk.settle();
        disk.state.head.ok_or_else(down)
    }

    fn commit(&mut self, commit: &Commit) -> Result<(), CommitError> {
        let mut disk = self.lock();
        let disk = &mut *disk;
        if disk.crashed {
            return Err(CommitError::Unavailable("ended".to_owned()));
        }
        // One transaction after another: this one begins when the last has ended either way.
        disk.settle();
        let (seq, faults) = (commit.after.seq, disk.faults);
        let dice = disk.numbers.below(1_000);
        let mut limit = faults.unavailable;
        if dice < limit {
            disk.log.push(format!("commit {seq}: unavailable"));
            return Err(CommitError::Unavailable("busy".to_owned()));
        }
        limit += faults.unknown_lost;
        if dice < limit {
            disk.log.push(format!("commit {seq}: end unknown, not done"));
            return Err(CommitError::Unknown("the connection ended".to_owned()));
        }
        limit += faults.crash / 2;
        if dice < limit {
            disk.log.push(format!("commit {seq}: crash before it is done"));
            disk.crashed = true;
            return Err(CommitError::Unknown("the process ended".to_owned()));
        }
        let fenced = disk.lie != Some(Lie::NoFence);
        if disk.lie == Some(Lie::NotDone) && disk.numbers.chance(20) {
            disk.log.push(format!("commit {seq}: said to be done, and is not"));
            return Ok(());
        }
        let told = dice >= limit + faults.unknown_done + faults.crash / 2;
        let before = (!told).then(|| disk.state.clone());
        apply(&mut disk.state, commit, fenced)?;
        if disk.lie == Some(Lie::LosesAccounts) && disk.numbers.chance(100) {
            disk.state.accounts.pop_last();
        }
        if told {
            return Ok(());
        }
        // Nobody is told that it is done, so until somebody asks, it may yet be lost.
        disk.unsettled = before;
        disk.crashed = dice >= limit + faults.unknown_done;
        let end = if disk.crashed { "crash after it is done" } else { "end unknown, done" };
        disk.log.push(format!("commit {seq}: {end}"));
        Err(CommitError::Unknown("the connection ended".to_owned()))
    }

    fn load(&mut self) -> Result<Kept, StoreError> {
        let mut disk = self.lock();
        disk.read_fault("loading")?;
        let state = &disk.state;
        Ok(Kept {
            head: state.head,
            newest_event: state.events.last_key_value().map(|(place, _)| *place),
            accounts: state.accounts.values().cloned().collect(),
            checkpoint: state.checkpoint,
            pages: state.pages.iter().map(|(number, body)| (*number, body.clone())).collect(),
            holds: state.holds.iter().map(|(id, body)| (*id, body.clone())).collect(),
        })
    }

    fn records(
        &mut self,
        from: u64,
        each: &mut dyn FnMut(Record) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        Read::records(self, from, each)
    }

    fn forget_answers(&mut self, _: &Lease, _: i64, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn forget_events(&mut self, _: &Lease, _: i64, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }
}

/// Writes a commit, in whole or not at all, with the checks of the real stores.
fn apply(state: &mut State, commit: &Commit, fenced: bool) -> Result<(), CommitError> {
    let disagree = |why: &str| Err(CommitError::Disagrees(why.to_owned()));
    let stored = state.lease.as_ref().map_or(0, |(lease, _)| lease.epoch);
    if fenced && stored != commit.lease.epoch {
        let Lease { cell, epoch: held } = commit.lease;
        return Err(CommitError::Fenced { cell, held, stored });
    }
    if fenced && state.head != Some(commit.before) {
        return disagree("the head is another");
    }
    let mut versions: BTreeMap<&str, u32> = BTreeMap::new();
    for object in &commit.objects {
        let stored = || state.objects.get(&object.id).map_or(0, |object| object.version);
        let before = versions.get(object.id.as_str()).copied().unwrap_or_else(stored);
        if object.version != before + 1 {
            return disagree(&format!("{} is of version {before}, not before {}", object.id, object.version));
        }
        versions.insert(&object.id, object.version);
    }
    for link in commit.links.iter().filter(|link| link.unique) {
        let key = (link.name.to_owned(), link.key.clone());
        if state.unique.get(&key).is_some_and(|id| *id != link.id) {
            return Err(CommitError::Taken { name: key.0, key: key.1 });
        }
    }
    let newest = state.events.last_key_value().map_or(i64::MIN, |(place, _)| *place);
    if fenced && commit.events.iter().any(|block| block.first <= newest) {
        return disagree("an event goes back");
    }
    write(state, commit);
    Ok(())
}

/// An answer with the body that stands within an event, where it does: so it comes back from the real stores.
fn cut(events: &BTreeMap<i64, Arc<Object>>, mut answer: Answer) -> Answer {
    if let (Some((_, body)), Some(within)) = (&mut answer.answered, answer.within.take()) {
        let event = &events[&within.place].body;
        *body = event.as_bytes()[within.from as usize..within.to as usize].to_vec();
    }
    answer
}

/// The events of a block as objects, by their places.
fn unpack(block: &EventBlock) -> Vec<(i64, Arc<Object>)> {
    let lines = EventLines::unpack("simulated", &block.body).expect("a block");
    let event = |line: EventLine<'_>| {
        let (id, merchant, body) = (line.id.to_owned(), line.merchant.to_owned(), line.body.to_owned());
        let (live, created) = (line.live, line.place);
        Arc::new(Object { id, kind: "event", merchant, live, created, version: 1, body })
    };
    lines.iter().map(|line| line.expect("a line")).map(|line| (line.place, event(line))).collect()
}

fn write(state: &mut State, commit: &Commit) {
    let Commit { before, after, .. } = commit;
    let mark = Mark {
        seq: after.seq,
        first: before.entries,
        entries: after.entries - before.entries,
        at: after.at,
        epoch: commit.lease.epoch,
        hash: after.hash,
        root: commit.root,
    };
    let place = usize::try_from(after.seq).expect("small") - 1;
    state.records.truncate(place);
    state.records.push(Arc::new(Record { mark, body: commit.record.clone() }));
    state.head = Some(*after);
    state.accounts.extend(commit.accounts.iter().map(|row| (row.number, row.clone())));
    state.objects.extend(commit.objects.iter().map(|o| (o.id.clone(), Arc::new(o.clone()))));
    state.events.extend(commit.events.iter().flat_map(unpack));
    for link in &commit.links {
        if link.unique {
            state.unique.insert((link.name.to_owned(), link.key.clone()), link.id.clone());
        } else {
            state.links.insert((link.name, link.key.clone(), link.id.clone()));
        }
    }
    for answer in &commit.answers {
        let kept = cut(&state.events, answer.clone());
        state.answers.insert((answer.scope.clone(), answer.key.clone()), kept);
    }
    for id in &commit.jobs_done {
        state.jobs.remove(id);
    }
    state.jobs.extend(commit.jobs.iter().map(|job| (job.id.clone(), job.clone())));
    if let Some(checkpoint) = &commit.checkpoint {
        state.checkpoint = checkpoint.seq;
        state.pages.extend(checkpoint.pages.iter().cloned());
        state.holds.extend(checkpoint.holds_open.iter().cloned());
        for id in &checkpoint.holds_closed {
            state.holds.remove(id);
        }
    }
}

impl Read for SimStore {
    fn objects(&self, ids: &[&str]) -> Result<Vec<Option<Object>>, StoreError> {
        let mut disk = self.lock();
        disk.read_fault("reading objects")?;
        Ok(ids.iter().map(|id| disk.state.objects.get(*id).map(|object| Object::clone(object))).collect())
    }

    fn list(&self, listing: &Listing<'_>) -> Result<Objects, StoreError> {
        let mut disk = self.lock();
        disk.read_fault("listing objects")?;
        let fits = |object: &&Arc<Object>| {
            object.kind == listing.kind && object.merchant == listing.merchant && object.live == listing.live
        };
        let objects = disk.state.objects.values().filter(fits).map(|object| Object::clone(object)).collect();
        Ok(Objects { objects, more: false })
    }

    fn events(&self, places: &[Cursor<'_>]) -> Result<Vec<Option<Object>>, StoreError> {
        let mut disk = self.lock();
        disk.read_fault("reading events")?;
        let event = |place: &Cursor<'_>| {
            let found = disk.state.events.get(&place.created).filter(|object| object.id == place.id);
            found.map(|object| Object::clone(object))
        };
        Ok(places.iter().map(event).collect())
    }

    fn list_events(&self, listing: &EventListing<'_>) -> Result<Objects, StoreError> {
        let mut disk = self.lock();
        disk.read_fault("listing events")?;
        let fits = |object: &&Arc<Object>| object.merchant == listing.merchant && object.live == listing.live;
        let events = disk.state.events.values().rev().filter(fits);
        Ok(Objects { objects: events.map(|object| Object::clone(object)).collect(), more: false })
    }

    fn unique(&self, names: &[(&str, &str)]) -> Result<Vec<Option<String>>, StoreError> {
        let mut disk = self.lock();
        disk.read_fault("reading names")?;
        let find =
            |(name, key): &(&str, &str)| disk.state.unique.get(&((*name).to_owned(), (*key).to_owned()));
        Ok(names.iter().map(|name| find(name).cloned()).collect())
    }

    fn linked(&self, name: &str, key: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        let disk = self.lock();
        let fits = disk.state.links.iter().filter(|link| link.0 == name && link.1 == key);
        Ok(fits.map(|link| link.2.clone()).take(limit as usize).collect())
    }

    fn answers(&self, keys: &[(&str, &str)]) -> Result<Vec<Option<Answer>>, StoreError> {
        let mut disk = self.lock();
        disk.read_fault("reading answers")?;
        if disk.lie == Some(Lie::NoAnswers) {
            return Ok(vec![None; keys.len()]);
        }
        let find = |(scope, key): &(&str, &str)| {
            disk.state.answers.get(&((*scope).to_owned(), (*key).to_owned())).cloned()
        };
        Ok(keys.iter().map(find).collect())
    }

    fn jobs_due(&self, kind: &str, at: i64, limit: u32) -> Result<Vec<Job>, StoreError> {
        let mut disk = self.lock();
        disk.read_fault("reading jobs")?;
        let due = disk.state.jobs.values().filter(|job| job.kind == kind && job.due <= at);
        Ok(due.take(limit as usize).cloned().collect())
    }

    fn jobs_between(&self, after: &str, before: &str, limit: u32) -> Result<Vec<Job>, StoreError> {
        let mut disk = self.lock();
        disk.read_fault("reading jobs")?;
        let between = |job: &&Job| job.id.as_str() > after && job.id.as_str() < before;
        let mut found: Vec<Job> = disk.state.jobs.values().filter(between).cloned().collect();
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found.truncate(limit as usize);
        Ok(found)
    }

    fn jobs(&self, ids: &[&str]) -> Result<Vec<Option<Job>>, StoreError> {
        let disk = self.lock();
        Ok(ids.iter().map(|id| disk.state.jobs.get(*id).cloned()).collect())
    }

    fn record(&self, seq: u64) -> Result<Option<Record>, StoreError> {
        let disk = self.lock();
        let found = disk.state.records.iter().find(|record| record.mark.seq == seq);
        Ok(found.map(|record| Record::clone(record)))
    }

    fn record_of(&self, entry: u64) -> Result<Option<Record>, StoreError> {
        let disk = self.lock();
        let holds = |record: &&Arc<Record>| {
            (record.mark.first..record.mark.first + record.mark.entries).contains(&entry)
        };
        Ok(disk.state.records.iter().find(holds).map(|record| Record::clone(record)))
    }

    fn records(&self, from: u64, each: &mut dyn FnMut(Record) -> ControlFlow<()>) -> Result<(), StoreError> {
        let mut disk = self.lock();
        disk.read_fault("reading records")?;
        let records = disk.state.records.clone();
        drop(disk);
        for record in records.iter().filter(|record| record.mark.seq >= from) {
            if each(Record::clone(record)).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn marks(&self, records: Range<u64>) -> Result<Vec<Mark>, StoreError> {
        let mut disk = self.lock();
        disk.read_fault("reading marks")?;
        let fits = disk.state.records.iter().filter(|record| records.contains(&record.mark.seq));
        Ok(fits.map(|record| record.mark).collect())
    }

    fn standing(&self) -> Result<Option<Standing>, StoreError> {
        let disk = self.lock();
        let (Some((lease, holder)), Some(head)) = (&disk.state.lease, disk.state.head) else {
            return Ok(None);
        };
        let checkpoint = disk.state.checkpoint;
        Ok(Some(Standing { lease: *lease, holder: holder.clone(), expires: 0, head, checkpoint }))
    }

    fn sizes(&self) -> Result<Sizes, StoreError> {
        Ok(Sizes::default())
    }
}

/// A history that is empty: all ids stay in the memory of the book.
pub(crate) struct NoHistory;

impl History for NoHistory {
    fn claim(&self, _: &Lease) -> Result<(), StoreError> {
        Err(down())
    }

    fn put(&self, _: &Lease, _: &NewRun<'_>, _: &[u64]) -> Result<u64, StoreError> {
        Err(down())
    }

    fn begin_run(&self, _: &Lease, _: RunKind) -> Result<u64, StoreError> {
        Err(down())
    }

    fn add_pages(&self, _: &Lease, _: u64, _: u32, _: &[Vec<u8>]) -> Result<(), StoreError> {
        Err(down())
    }

    fn finish_run(&self, _: &Lease, _: u64, _: &NewRun<'_>, _: &[u64]) -> Result<(), StoreError> {
        Err(down())
    }

    fn sweep(&self, _: &Lease) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn runs(&self, _: RunKind) -> Result<Vec<Run>, StoreError> {
        Ok(Vec::new())
    }

    fn pages(&self, _: u64, _: &[u32]) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
        Ok(None)
    }

    fn sealed(&self, _: RunKind) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn clear(&self, _: &Lease) -> Result<(), StoreError> {
        Ok(())
    }
}
