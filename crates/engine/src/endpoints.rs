//! Who wants to be told of events.

use crate::command::Caller;
use crate::limits::{ENDPOINTS_EVER, ENDPOINTS_MAX};
use std::collections::HashMap;
use suanpan_money::Timestamp;
use suanpan_payments::command::Command;
use suanpan_payments::decision::{ObjectKind, ObjectWrite};
use suanpan_payments::object::webhook_endpoint::WebhookEndpoint;
use suanpan_payments::rejection::Rejection;
use suanpan_store::commit::Job;
use suanpan_store::{Cursor, Listing, Read, StoreError};
use suanpan_webhooks::target::{Policy, Target};

/// The kind of jobs that deliver an event.
pub(crate) const DELIVERY: &str = "webhook";

/// The endpoints of the merchants who made something happen lately.
#[derive(Default)]
pub(crate) struct Endpoints {
    known: HashMap<Caller, Known>,
    /// Batches that were given away since an endpoint was last written. Until the second of them the store may lack it.
    batches_since_write: u32,
}

/// The endpoints of one merchant and mode.
#[derive(Default)]
struct Known {
    /// Those that are not deleted.
    endpoints: Vec<WebhookEndpoint>,
    /// How many there ever were.
    ever: usize,
}

/// How many merchants are remembered before all are forgotten, which costs one read for each that comes again.
const MERCHANTS_KEPT: usize = 10_000;
/// Endpoints that are read at once: nearly all merchants have fewer.
const PAGE: u32 = 200;

impl Endpoints {
    pub(crate) fn knows(&self, caller: &Caller) -> bool {
        self.known.contains_key(caller)
    }

    /// Notes that a batch was given away to be committed.
    pub(crate) fn given(&mut self) {
        self.batches_since_write = self.batches_since_write.saturating_add(1);
    }

    /// Reads all endpoints of a merchant.
    pub(crate) fn load(&mut self, caller: &Caller, reader: &dyn Read) -> Result<(), StoreError> {
        if self.known.len() >= MERCHANTS_KEPT && self.batches_since_write >= 2 {
            self.known.clear();
        }
        let mut known = Known::default();
        let mut after: Option<(i64, String)> = None;
        loop {
            let found = reader.list(&Listing {
                kind: ObjectKind::WebhookEndpoint.name(),
                merchant: &caller.merchant,
                live: caller.live,
                link: None,
                created_min: None,
                created_max: None,
                after: after.as_ref().map(|(created, id)| Cursor { created: *created, id }),
                before: None,
                limit: PAGE,
            })?;
            for object in &found.objects {
                known.take(&object.body);
                known.ever += 1;
            }
            match found.objects.last() {
                Some(last) if found.more => after = Some((last.created, last.id.clone())),
                _ => break,
            }
        }
        self.known.insert(caller.clone(), known);
        Ok(())
    }

    /// Takes in an endpoint as a call of this batch writes it, so that the next one counts it and tells it.
    pub(crate) fn learn(&mut self, write: &ObjectWrite) {
        if write.kind != ObjectKind::WebhookEndpoint {
            return;
        }
        self.batches_since_write = 0;
        let caller = Caller { merchant: write.merchant.clone(), live: write.live };
        if let Some(known) = self.known.get_mut(&caller) {
            known.endpoints.retain(|endpoint| endpoint.id != write.id);
            known.take(&write.body);
            known.ever += usize::from(write.version == 1);
        }
    }

    /// Says whether a merchant may have one more.
    ///
    /// # Errors
    /// [`Rejection::TooManyEndpoints`].
    pub(crate) fn check_room(&self, caller: &Caller) -> Result<(), Rejection> {
        let Some(known) = self.known.get(caller) else { return Ok(()) };
        if known.endpoints.len() >= ENDPOINTS_MAX {
            return Err(Rejection::TooManyEndpoints { limit: ENDPOINTS_MAX, of: "at a time" });
        }
        if known.ever >= ENDPOINTS_EVER {
            return Err(Rejection::TooManyEndpoints {
                limit: ENDPOINTS_EVER,
                of: "in all, with those deleted",
            });
        }
        Ok(())
    }

    /// Returns the endpoints of a merchant that are not deleted, those disabled as well.
    pub(crate) fn all(&self, caller: &Caller) -> &[WebhookEndpoint] {
        self.known.get(caller).map(|known| known.endpoints.as_slice()).unwrap_or_default()
    }

    /// Returns the endpoints of a merchant that want events of a type.
    pub(crate) fn wanting<'a>(&'a self, caller: &Caller, event_type: &str) -> Vec<&'a str> {
        self.all(caller)
            .iter()
            .filter(|endpoint| endpoint.wants(event_type))
            .map(|endpoint| endpoint.id.as_str())
            .collect()
    }
}

impl Known {
    fn take(&mut self, body: &str) {
        let endpoint = serde_json::from_str::<WebhookEndpoint>(body).ok();
        self.endpoints.extend(endpoint.filter(|endpoint| !endpoint.internal.deleted));
    }
}

/// Judges the URL that a command gives an endpoint, as far as a URL tells it: the mode, the port, an address in place
/// of a name. It is judged again, with the addresses of its name, at each attempt.
///
/// # Errors
/// [`Rejection::UrlInvalid`].
pub(crate) fn check_url(command: &Command, live: bool, private: bool) -> Result<(), Rejection> {
    let (Command::CreateWebhookEndpoint { request } | Command::UpdateWebhookEndpoint { request, .. }) =
        command
    else {
        return Ok(());
    };
    request.check()?;
    let Some(url) = &request.url else { return Ok(()) };
    let refused = |error: suanpan_webhooks::Error| Rejection::UrlInvalid {
        param: "url".to_owned(),
        why: error.to_string(),
    };
    Target::parse(url, &Policy::of_endpoints(live, private)).map(drop).map_err(refused)
}

/// What a job of delivery is about, beside the endpoint and the event that its id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Delivery {
    /// How often it was tried.
    pub attempts: u32,
    /// When the event was made or sent again, microseconds since the epoch; no other delivery has the same.
    pub since: i64,
}

/// The id of the job that delivers an event to an endpoint.
pub(crate) fn job_id(endpoint: &str, event: &str) -> String {
    format!("{endpoint}/{event}")
}

/// Makes the job that delivers an event to an endpoint, at its place among all deliveries.
pub(crate) fn delivery(event: &str, endpoint: &str, now: Timestamp, place_micros: i64) -> Job {
    Job {
        id: job_id(endpoint, event),
        kind: DELIVERY,
        due: now.micros(),
        body: serde_json::to_string(&Delivery { attempts: 0, since: place_micros }).expect("plain numbers"),
    }
}
