//! Who wants to be told of events.

use crate::command::Caller;
use crate::limits::ENDPOINTS_MAX;
use std::collections::HashMap;
use suanpan_money::Timestamp;
use suanpan_payments::decision::ObjectKind;
use suanpan_payments::object::webhook_endpoint::WebhookEndpoint;
use suanpan_store::commit::{Job, Object};
use suanpan_store::{Listing, Read, StoreError};

/// The kind of jobs that deliver an event.
pub(crate) const DELIVERY: &str = "webhook";

/// The endpoints of the merchants who made something happen lately.
#[derive(Default)]
pub(crate) struct Endpoints {
    known: HashMap<Caller, Vec<WebhookEndpoint>>,
}

/// How many merchants are remembered before all are forgotten, which costs one read for each that comes again.
const MERCHANTS_KEPT: usize = 10_000;

impl Endpoints {
    pub(crate) fn knows(&self, caller: &Caller) -> bool {
        self.known.contains_key(caller)
    }

    /// Reads the endpoints of a merchant.
    pub(crate) fn load(&mut self, caller: &Caller, reader: &dyn Read) -> Result<(), StoreError> {
        if self.known.len() >= MERCHANTS_KEPT {
            self.known.clear();
        }
        let found = reader.list(&Listing {
            kind: ObjectKind::WebhookEndpoint.name(),
            merchant: &caller.merchant,
            live: caller.live,
            link: None,
            created_min: None,
            created_max: None,
            after: None,
            before: None,
            limit: ENDPOINTS_MAX,
        })?;
        let endpoints = found.objects.iter().filter_map(|object| serde_json::from_str(&object.body).ok());
        self.known.insert(caller.clone(), endpoints.collect());
        Ok(())
    }

    /// Takes in what a commit changed.
    pub(crate) fn learn(&mut self, objects: &[Object]) {
        for object in objects.iter().filter(|object| object.kind == ObjectKind::WebhookEndpoint.name()) {
            let caller = Caller { merchant: object.merchant.clone(), live: object.live };
            self.known.remove(&caller);
        }
    }

    /// Returns all endpoints of a merchant, those disabled as well.
    pub(crate) fn all(&self, caller: &Caller) -> &[WebhookEndpoint] {
        self.known.get(caller).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the endpoints of a merchant that want events of a type.
    pub(crate) fn wanting<'a>(&'a self, caller: &Caller, event_type: &str) -> Vec<&'a str> {
        let known = self.known.get(caller).map(Vec::as_slice).unwrap_or_default();
        known
            .iter()
            .filter(|endpoint| endpoint.wants(event_type))
            .map(|endpoint| endpoint.id.as_str())
            .collect()
    }
}

/// What a job of delivery is about.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Delivery {
    /// The event, `evt_…`.
    pub event: String,
    /// The endpoint, `we_…`.
    pub endpoint: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When the event was made, microseconds since the epoch.
    pub since: i64,
}

/// Makes the job that delivers an event to an endpoint.
pub(crate) fn delivery(event: &str, endpoint: &str, now: Timestamp) -> Job {
    let body =
        Delivery { event: event.to_owned(), endpoint: endpoint.to_owned(), attempts: 0, since: now.micros() };
    Job {
        id: format!("{event}/{endpoint}"),
        kind: DELIVERY,
        due: now.micros(),
        body: serde_json::to_string(&body).expect("plain texts and numbers"),
    }
}
