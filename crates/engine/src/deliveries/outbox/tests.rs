use super::*;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use suanpan_webhooks::limits::ORDERED_ATTEMPTS;

const NOW: Timestamp = Timestamp::from_seconds(1_000);

/// The jobs of a store, with an outbox before it, both changed as the writer does.
struct Store {
    outbox: Outbox,
    jobs: RefCell<BTreeMap<String, Job>>,
    readings: Cell<usize>,
}

fn job(endpoint: &str, event: usize, attempts: u32, due: i64) -> Job {
    let body = serde_json::to_string(&Particulars { attempts, since: i64::try_from(event).unwrap() });
    let due = Timestamp::from_seconds(due).micros();
    Job { id: format!("{endpoint}/evt_{event:06}"), kind: "webhook", due, body: body.unwrap() }
}

impl Store {
    fn new() -> Store {
        Store { outbox: Outbox::new(), jobs: RefCell::default(), readings: Cell::new(0) }
    }

    fn put(&self, job: Job) {
        self.jobs.borrow_mut().insert(job.id.clone(), job.clone());
        self.outbox.add(&job);
    }

    fn done(&self, id: &str) {
        self.jobs.borrow_mut().remove(id);
        self.outbox.remove(id);
    }

    fn between(&self, after: &str, before: &str, limit: u32) -> Vec<Job> {
        self.readings.set(self.readings.get() + 1);
        let jobs = self.jobs.borrow();
        let inside = jobs.iter().filter(|(id, _)| id.as_str() > after && id.as_str() < before);
        inside.take(limit as usize).map(|(_, job)| job.clone()).collect()
    }

    fn fill(&self) {
        self.outbox.fill(&|after, before, limit| Ok(self.between(after, before, limit)), NOW).unwrap();
    }

    /// Fills and chooses, up to three of each endpoint.
    fn next(&self) -> Vec<String> {
        self.fill();
        let busy = BTreeSet::new();
        let ask = Ask { now: NOW, lanes: 100, retry_lanes: 50, of_endpoint: 3, busy: &busy };
        self.outbox.choose(&ask).into_iter().map(|waiting| waiting.id).collect()
    }

    fn kept(&self) -> usize {
        let lanes = self.outbox.lock();
        assert_eq!(lanes.total, lanes.lanes.values().map(Lane::len).sum::<usize>());
        lanes.total
    }
}

#[test]
fn an_endpoint_that_is_down_takes_no_room_from_others_and_loses_nothing() {
    let store = Store::new();
    store.fill();
    for event in 0..60_000 {
        store.put(job("we_dead", event, 0, 2_000));
    }
    assert_eq!(store.kept(), OF_ENDPOINT);
    store.put(job("we_good", 60_000, 0, 900));
    assert_eq!(store.next(), ["we_good/evt_060000"]);
    // After a restart too.
    store.outbox.reset();
    assert_eq!(store.next(), ["we_good/evt_060000"]);
    assert_eq!(store.kept(), OF_ENDPOINT + 1);
}

#[test]
fn a_backlog_is_read_on_in_the_order_of_the_events_and_to_its_end() {
    let store = Store::new();
    for event in 0..1_000 {
        store.put(job("we_a", event, 0, 900));
    }
    let mut order = Vec::new();
    for round in 0.. {
        let chosen = store.next();
        if chosen.is_empty() {
            break;
        }
        for id in chosen {
            store.done(&id);
            order.push(id);
        }
        // New ones come behind all that wait.
        if round < 50 {
            store.put(job("we_a", 1_000 + round, 0, 900));
        }
        assert!(store.kept() <= OF_ENDPOINT);
    }
    let expected: Vec<String> = (0..1_050).map(|event| format!("we_a/evt_{event:06}")).collect();
    assert_eq!(order, expected);
    assert!(store.readings.get() < 20, "{}", store.readings.get());
    assert_eq!(store.kept(), 0);
}

#[test]
fn those_that_stepped_aside_come_when_they_are_due_however_many_there_are() {
    let store = Store::new();
    for event in 0..500_usize {
        let due = 400 + i64::try_from(event).unwrap();
        store.put(job("we_a", event, ORDERED_ATTEMPTS, due));
    }
    store.put(job("we_a", 600, ORDERED_ATTEMPTS, 5_000));
    let mut seen = BTreeSet::new();
    loop {
        let chosen = store.next();
        if chosen.is_empty() {
            break;
        }
        for id in chosen {
            store.done(&id);
            assert!(seen.insert(id));
        }
    }
    assert_eq!(seen.len(), 500);
    assert_eq!(store.jobs.borrow().len(), 1);
}

#[test]
fn what_is_written_while_the_store_is_read_stands() {
    let store = Store::new();
    for event in 0..3 {
        store.put(job("we_a", event, 0, 900));
    }
    let read = |after: &str, before: &str, limit| {
        let found = store.between(after, before, limit);
        // Meanwhile the first is delivered, the second fails, and a fourth is made.
        store.done("we_a/evt_000000");
        store.put(job("we_a", 1, 1, 2_000));
        store.put(job("we_a", 3, 0, 900));
        Ok(found)
    };
    store.outbox.fill(&read, NOW).unwrap();
    assert_eq!(store.kept(), 3);
    assert_eq!(store.next(), [""; 0], "the second holds up the others");
}

#[test]
fn a_job_that_is_gone_or_changed_is_not_sent_for_ever() {
    let store = Store::new();
    store.put(job("we_a", 1, 0, 900));
    store.put(job("we_a", 2, 0, 900));
    store.fill();
    // Gone from the store without a word.
    store.jobs.borrow_mut().clear();
    store.outbox.correct("we_a/evt_000001", (1, 0), None);
    assert_eq!(store.next(), ["we_a/evt_000002"]);
    // Sent again meanwhile, which is another delivery under the same job.
    let mut again = job("we_a", 2, 0, 900);
    again.body = serde_json::to_string(&Particulars { attempts: 0, since: 77 }).unwrap();
    store.put(again);
    store.outbox.correct("we_a/evt_000002", (2, 0), None);
    assert_eq!(store.next(), ["we_a/evt_000002"]);
    store.outbox.correct("we_a/evt_000002", (77, 0), Some(&job("we_a", 2, 1, 2_000)));
    assert_eq!(store.next(), [""; 0]);
    store.done("we_a/evt_000002");
    assert_eq!(store.kept(), 0);
}

#[test]
fn a_failed_reading_is_tried_again() {
    let store = Store::new();
    store.put(job("we_a", 1, 0, 900));
    let fail = |_: &str, _: &str, _| {
        let (at, reason) = ("here".to_owned(), "as the test wants it".to_owned());
        Err(StoreError::Unavailable { at, reason })
    };
    store.outbox.fill(&fail, NOW).unwrap_err();
    assert_eq!(store.next(), ["we_a/evt_000001"]);
}
