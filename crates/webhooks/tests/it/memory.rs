//! Deliveries in memory, with a clock that stands until it is set.

use bytes::Bytes;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use suanpan_money::Timestamp;
use suanpan_webhooks::order::{Ask, Waiting, ready};
use suanpan_webhooks::schedule::Next;
use suanpan_webhooks::worker::{Deliveries, Delivery, Outcome};
use suanpan_webhooks::{Error, SigningSecret};

/// Where the clock stands first, in microseconds.
const BEGIN: i64 = 1_700_000_000_000_000;

#[derive(Default)]
pub(crate) struct Memory {
    waiting: Mutex<Vec<(Waiting, String)>>,
    /// What came of attempts, in the order in which it was told.
    pub(crate) log: Mutex<Vec<(String, Outcome)>>,
    /// How many times `finished` fails before it works.
    pub(crate) faults: AtomicUsize,
    clock: AtomicI64,
    pushed: AtomicUsize,
}

impl Memory {
    pub(crate) fn new() -> Arc<Memory> {
        let memory = Memory::default();
        memory.clock.store(BEGIN, Ordering::SeqCst);
        Arc::new(memory)
    }

    pub(crate) fn push(&self, endpoint: &str, url: &str) -> String {
        let mut waiting = self.waiting.lock().unwrap();
        let sequence = self.pushed.fetch_add(1, Ordering::SeqCst);
        let id = format!("{endpoint}-{sequence}");
        let delivery = Waiting {
            id: id.clone(),
            endpoint: endpoint.to_owned(),
            sequence: sequence as u64,
            attempts: 0,
            due: self.now(),
        };
        waiting.push((delivery, url.to_owned()));
        id
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.clock.load(Ordering::SeqCst))
    }

    /// Sets the clock to when the next delivery becomes due; `None` when none does.
    pub(crate) fn skip(&self) -> Option<()> {
        let waiting = self.waiting.lock().unwrap();
        let later = waiting.iter().map(|(delivery, _)| delivery.due).filter(|due| *due > self.now());
        let due = later.min()?;
        self.clock.fetch_max(due.micros(), Ordering::SeqCst);
        Some(())
    }

    /// The ids with what followed, in order.
    pub(crate) fn told(&self) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.iter().map(|(id, outcome)| format!("{id} {} {}", outcome.number, outcome.next.code())).collect()
    }
}

impl Deliveries for Memory {
    async fn next(&self, ask: &Ask<'_>) -> Result<Vec<Delivery>, Error> {
        let waiting = self.waiting.lock().unwrap();
        let chosen = ready(waiting.iter().map(|(delivery, _)| delivery), ask);
        let secret = SigningSecret::parse(&SigningSecret::text_of(&[1; 24]))?;
        let with_url = chosen.into_iter().map(|chosen| {
            let (_, url) = waiting.iter().find(|(delivery, _)| delivery.id == chosen.id).unwrap();
            Delivery {
                id: chosen.id.clone(),
                event: format!("evt_{}", chosen.id),
                body: Bytes::from(format!("{{\"id\":\"evt_{}\"}}", chosen.id)),
                endpoint: chosen.endpoint.clone(),
                url: url.clone(),
                live: false,
                since: Timestamp::from_micros(BEGIN),
                secrets: vec![secret.clone()],
                attempt: chosen.attempts + 1,
            }
        });
        Ok(with_url.collect())
    }

    async fn finished(&self, id: &str, outcome: &Outcome) -> Result<(), Error> {
        let fails = |left: usize| left.checked_sub(1);
        if self.faults.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails).is_ok() {
            return Err(Error::Store { reason: "as the test wants it".to_owned() });
        }
        let mut waiting = self.waiting.lock().unwrap();
        let place = waiting.iter().position(|(delivery, _)| delivery.id == id).unwrap();
        let endpoint = waiting[place].0.endpoint.clone();
        match outcome.next {
            Next::Retry { at } => {
                waiting[place].0.attempts = outcome.number;
                waiting[place].0.due = at;
            }
            Next::Disable => waiting.retain(|(delivery, _)| delivery.endpoint != endpoint),
            Next::Delivered | Next::Exhausted => drop(waiting.remove(place)),
        }
        self.log.lock().unwrap().push((id.to_owned(), outcome.clone()));
        Ok(())
    }
}
