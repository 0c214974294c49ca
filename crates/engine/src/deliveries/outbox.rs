//! The deliveries that wait, as far as they are kept in memory: of each endpoint the first ones only.
//!
//! All of them are jobs in the store, under `endpoint/event`, so that those of one endpoint stand together there in
//! the order of their events. An endpoint whose receiver is down fills its own place here and nobody else's; what
//! does not fit is read from the store when there is room again.

use super::place_of;
use crate::endpoints::Delivery as Particulars;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use suanpan_money::Timestamp;
use suanpan_store::StoreError;
use suanpan_store::commit::Job;
use suanpan_webhooks::order::{Ask, Waiting, ready};
use tokio::sync::Notify;

/// Deliveries of one endpoint that are kept: those whose order counts, and as many again that have stepped aside.
/// A lane takes 16 at once, so eight readings of the store are saved by one.
const OF_ENDPOINT: usize = 128;
/// The same when there are many in all: enough to go on with, so that memory grows with the number of endpoints
/// only.
const OF_ENDPOINT_CROWDED: usize = 4;
/// Deliveries in all from which on it is crowded: some 40 MB.
const CROWD: usize = 100_000;
/// Jobs that are read from the store at once.
const PAGE: u32 = 2_048;
/// Endpoints for which the store is read again in one go.
const FILLED_AT_ONCE: usize = 16;
/// Ids of jobs of deliveries lie between these two.
const FIRST: &str = "we_";
const PAST: &str = "we`";

/// Returns the jobs whose ids lie between two others, up to so many.
pub(crate) type JobsBetween<'a> = dyn Fn(&str, &str, u32) -> Result<Vec<Job>, StoreError> + 'a;

/// What waits.
pub(crate) struct Outbox {
    lanes: Mutex<Lanes>,
    pub(crate) wake: Notify,
}

struct Lanes {
    /// By endpoint.
    lanes: BTreeMap<String, Lane>,
    total: usize,
    /// The store was not read since the writer began: it may hold deliveries of endpoints that are not here.
    unread: bool,
    /// Jobs that were written while the store is being read: what memory says of them is newer.
    touched: Option<HashSet<String>>,
    /// Counts the writers, so that what was read for an earlier one is not taken in.
    turn: u64,
}

/// What waits for one endpoint, by the id of the job, which is the order of the events.
#[derive(Default)]
struct Lane {
    /// Those for which later ones wait.
    ordered: BTreeMap<String, Waiting>,
    /// Those that have stepped aside.
    aside: BTreeMap<String, Waiting>,
    /// The store has later ones than `ordered`.
    more: bool,
    /// The store has some that have stepped aside; the first of them is due then.
    more_aside: Option<Timestamp>,
}

/// One reading of the store.
struct Reading {
    turn: u64,
    /// The lane to be filled; none for all.
    endpoint: Option<String>,
}

impl Lane {
    fn len(&self) -> usize {
        self.ordered.len() + self.aside.len()
    }

    fn get(&self, id: &str) -> Option<&Waiting> {
        self.ordered.get(id).or_else(|| self.aside.get(id))
    }

    fn remove(&mut self, id: &str) {
        self.ordered.remove(id);
        self.aside.remove(id);
    }

    fn put(&mut self, delivery: Waiting, room: usize) {
        self.remove(&delivery.id);
        if delivery.holds_others() {
            if self.more && self.ordered.last_key_value().is_none_or(|(last, _)| *last < delivery.id) {
                // Others in the store come before it.
                return;
            }
            self.ordered.insert(delivery.id.clone(), delivery);
            if self.ordered.len() > room {
                self.ordered.pop_last();
                self.more = true;
            }
            return;
        }
        self.aside.insert(delivery.id.clone(), delivery);
        if self.aside.len() > room {
            let latest = self.aside.values().max_by_key(|waiting| waiting.due).map(|last| last.id.clone());
            if let Some(last) = latest.and_then(|id| self.aside.remove(&id)) {
                self.more_aside = Some(self.more_aside.map_or(last.due, |due| due.min(last.due)));
            }
        }
    }

    fn hungry(&self, now: Timestamp, room: usize) -> bool {
        let ordered = self.more && self.ordered.len() < room.div_ceil(4);
        ordered || self.aside.len() < room && self.more_aside.is_some_and(|due| due <= now)
    }
}

impl Lanes {
    fn new(turn: u64) -> Lanes {
        Lanes { lanes: BTreeMap::new(), total: 0, unread: true, touched: None, turn }
    }

    fn room(&self) -> usize {
        if self.total < CROWD { OF_ENDPOINT } else { OF_ENDPOINT_CROWDED }
    }

    fn put(&mut self, delivery: Waiting) {
        let room = self.room();
        let lane = self.lanes.entry(delivery.endpoint.clone()).or_default();
        let before = lane.len();
        lane.put(delivery, room);
        self.total = self.total + lane.len() - before;
    }

    fn remove(&mut self, id: &str) {
        let (endpoint, _) = place_of(id);
        let Some(lane) = self.lanes.get_mut(endpoint) else { return };
        let before = lane.len();
        lane.remove(id);
        self.total = self.total + lane.len() - before;
        if lane.len() == 0 && !lane.more && lane.more_aside.is_none() {
            self.lanes.remove(endpoint);
        }
    }

    fn touch(&mut self, id: &str) {
        if let Some(touched) = &mut self.touched {
            touched.insert(id.to_owned());
        }
    }

    /// Begins to read the store for what is most in need of it; none when nothing is.
    fn begin(&mut self, now: Timestamp) -> Option<Reading> {
        if self.touched.is_some() {
            return None;
        }
        let turn = self.turn;
        if self.unread {
            self.unread = false;
            self.touched = Some(HashSet::new());
            return Some(Reading { turn, endpoint: None });
        }
        let room = self.room();
        let (endpoint, lane) = self.lanes.iter_mut().find(|(_, lane)| lane.hungry(now, room))?;
        (lane.more, lane.more_aside) = (false, None);
        self.touched = Some(HashSet::new());
        Some(Reading { turn, endpoint: Some(endpoint.clone()) })
    }

    /// Takes in a page of what was read, by id. Returns after which id to read on; none at the end.
    fn take(&mut self, jobs: &[Job], scan: &mut Scan) -> Option<String> {
        for job in jobs {
            let (endpoint, _) = place_of(&job.id);
            if scan.endpoint != endpoint {
                *scan = Scan { endpoint: endpoint.to_owned(), ordered: 0, full: false };
            }
            if scan.full {
                continue;
            }
            let Some(delivery) = waiting_of(job) else { continue };
            if delivery.holds_others() {
                if scan.ordered >= self.room() {
                    scan.full = true;
                    self.lanes.entry(endpoint.to_owned()).or_default().more = true;
                    continue;
                }
                scan.ordered += 1;
            }
            if !self.touched.as_ref().is_some_and(|touched| touched.contains(&job.id)) {
                self.put(delivery);
            }
        }
        if jobs.len() < PAGE as usize {
            return None;
        }
        let last = jobs.last()?;
        // The rest of an endpoint with enough in memory is passed over: `0` comes after `/`.
        Some(if scan.full { format!("{}0", scan.endpoint) } else { last.id.clone() })
    }

    fn failed(&mut self, reading: &Reading) {
        self.touched = None;
        match &reading.endpoint {
            None => self.unread = true,
            Some(endpoint) => {
                let lane = self.lanes.entry(endpoint.clone()).or_default();
                (lane.more, lane.more_aside) = (true, Some(Timestamp::from_micros(0)));
            }
        }
    }
}

/// How far the store was read.
#[derive(Default)]
struct Scan {
    endpoint: String,
    /// Deliveries of the endpoint whose order counts.
    ordered: usize,
    /// Enough of the endpoint was read.
    full: bool,
}

impl Outbox {
    pub(crate) fn new() -> Outbox {
        Outbox { lanes: Mutex::new(Lanes::new(0)), wake: Notify::new() }
    }

    // A panic while the lock is held leaves at most a delivery less in memory than in the store.
    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a job that was committed, new or changed.
    pub(crate) fn add(&self, job: &Job) {
        let mut lanes = self.lock();
        lanes.touch(&job.id);
        // Otherwise it will be read with those that come before it.
        if !lanes.unread
            && let Some(delivery) = waiting_of(job)
        {
            lanes.put(delivery);
        }
        drop(lanes);
        self.wake.notify_one();
    }

    /// Takes out a delivery that is done or given up.
    pub(crate) fn remove(&self, id: &str) {
        let mut lanes = self.lock();
        lanes.touch(id);
        lanes.remove(id);
    }

    /// Corrects what is kept of a delivery by what the store has, unless it was changed since it was sent.
    pub(crate) fn correct(&self, id: &str, sent: (u64, u32), stored: Option<&Job>) {
        let mut lanes = self.lock();
        let kept = lanes.lanes.get(place_of(id).0).and_then(|lane| lane.get(id));
        if kept.is_none_or(|kept| (kept.sequence, kept.attempts) != sent) {
            return;
        }
        lanes.touch(id);
        match stored.and_then(waiting_of) {
            Some(delivery) => lanes.put(delivery),
            None => lanes.remove(id),
        }
    }

    /// Forgets everything: a writer begins anew.
    pub(crate) fn reset(&self) {
        let mut lanes = self.lock();
        *lanes = Lanes::new(lanes.turn + 1);
    }

    /// Chooses what may be attempted, among endpoints that are not busy.
    pub(crate) fn choose(&self, ask: &Ask<'_>) -> Vec<Waiting> {
        let lanes = self.lock();
        let free = lanes.lanes.iter().filter(|(endpoint, _)| !ask.busy.contains(*endpoint));
        let waiting = free.flat_map(|(_, lane)| lane.aside.values().chain(lane.ordered.values()));
        ready(waiting, ask).into_iter().cloned().collect()
    }

    /// Reads from the store what there is room for, by [`Read::jobs_between`](suanpan_store::Read::jobs_between).
    /// Blocks.
    pub(crate) fn fill(&self, jobs: &JobsBetween<'_>, now: Timestamp) -> Result<(), StoreError> {
        for _ in 0..FILLED_AT_ONCE {
            let Some(reading) = self.lock().begin(now) else { return Ok(()) };
            if let Err(error) = self.read(jobs, &reading) {
                let mut lanes = self.lock();
                if lanes.turn == reading.turn {
                    lanes.failed(&reading);
                }
                return Err(error);
            }
        }
        self.wake.notify_one();
        Ok(())
    }

    fn read(&self, jobs_between: &JobsBetween<'_>, reading: &Reading) -> Result<(), StoreError> {
        let (mut after, before) = match &reading.endpoint {
            None => (FIRST.to_owned(), PAST.to_owned()),
            Some(endpoint) => bounds(endpoint),
        };
        let mut scan = Scan::default();
        loop {
            let jobs = jobs_between(&after, &before, PAGE)?;
            let mut lanes = self.lock();
            if lanes.turn != reading.turn {
                return Ok(());
            }
            match lanes.take(&jobs, &mut scan) {
                Some(last) if last < before => after = last,
                _ => {
                    lanes.touched = None;
                    return Ok(());
                }
            }
        }
    }
}

/// Between which ids the jobs of an endpoint lie.
pub(super) fn bounds(endpoint: &str) -> (String, String) {
    (format!("{endpoint}/"), format!("{endpoint}0"))
}

fn waiting_of(job: &Job) -> Option<Waiting> {
    let read = serde_json::from_str::<Particulars>(&job.body);
    let particulars = read
        .inspect_err(|error| {
            tracing::error!(%error, job = job.id, "a delivery cannot be read and is left alone");
        })
        .ok()?;
    Some(Waiting {
        id: job.id.clone(),
        endpoint: place_of(&job.id).0.to_owned(),
        sequence: u64::try_from(particulars.since).unwrap_or(0),
        attempts: particulars.attempts,
        due: Timestamp::from_micros(job.due),
    })
}

#[cfg(test)]
mod tests;
