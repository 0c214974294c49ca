//! Events on their way to the servers of merchants: what waits, and what came of each attempt.
//!
//! Each delivery is a job in the store, so none is lost. The newest that wait are kept in memory as well; when there
//! are too many, the rest stays in the store until there is room.

use crate::command::{Call, Caller, Refused};
use crate::endpoints::{DELIVERY, Delivery as Particulars};
use crate::engine::{Engine, Role};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use suanpan_money::Timestamp;
use suanpan_payments::command::Command;
use suanpan_payments::decision::ObjectKind;
use suanpan_payments::object::webhook_endpoint::WebhookEndpoint;
use suanpan_payments::request::webhook_endpoint::WriteWebhookEndpoint;
use suanpan_store::commit::{Job, Link, Object};
use suanpan_webhooks::order::{Ask, Waiting, ready};
use suanpan_webhooks::schedule::Next;
use suanpan_webhooks::worker::{Deliveries, Delivery, Outcome};
use suanpan_webhooks::{Error, SigningSecret};
use tokio::sync::Notify;

/// Deliveries that are kept in memory: some 20 MB.
const WAITING_MAX: usize = 50_000;
/// The kind of objects that the delivery log is made of.
pub const DELIVERY_LOG: &str = "webhook_delivery";
/// Entries of the delivery log of an event.
pub const LOG_OF_EVENT: &str = "webhook_delivery.event";
/// Entries of the delivery log of an endpoint.
pub const LOG_OF_ENDPOINT: &str = "webhook_delivery.endpoint";

/// What waits, by time of the event and id.
pub(crate) struct Outbox {
    waiting: Mutex<Waitings>,
    /// There is more in the store than here.
    more: Mutex<bool>,
    pub(crate) wake: Notify,
}

#[derive(Default)]
struct Waitings {
    by_time: BTreeMap<(i64, String), Waiting>,
    /// Where each stands in `by_time`.
    since: HashMap<String, i64>,
}

impl Outbox {
    pub(crate) fn new() -> Outbox {
        Outbox { waiting: Mutex::default(), more: Mutex::new(true), wake: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Waitings> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_more(&self, more: bool) {
        *self.more.lock().unwrap_or_else(PoisonError::into_inner) = more;
    }

    /// Takes in a job that was committed, new or changed.
    pub(crate) fn add(&self, job: &Job) {
        let Ok(particulars) = serde_json::from_str::<Particulars>(&job.body) else {
            return tracing::error!(job = job.id, "a delivery cannot be read and is left alone");
        };
        let mut waiting = self.lock();
        let key = (particulars.since, job.id.clone());
        if waiting.by_time.len() >= WAITING_MAX && !waiting.by_time.contains_key(&key) {
            return self.set_more(true);
        }
        let delivery = Waiting {
            id: job.id.clone(),
            endpoint: particulars.endpoint,
            sequence: u64::try_from(particulars.since).unwrap_or(0),
            attempts: particulars.attempts,
            due: Timestamp::from_micros(job.due),
        };
        waiting.since.insert(job.id.clone(), particulars.since);
        waiting.by_time.insert(key, delivery);
        drop(waiting);
        self.wake.notify_one();
    }

    /// Takes out a delivery that is done or given up.
    pub(crate) fn remove(&self, id: &str) {
        let mut waiting = self.lock();
        if let Some(since) = waiting.since.remove(id) {
            waiting.by_time.remove(&(since, id.to_owned()));
        }
    }

    /// Forgets everything: a writer begins anew.
    pub(crate) fn reset(&self) {
        *self.lock() = Waitings::default();
        self.set_more(true);
    }
}

/// The deliveries of an engine, for a worker of webhooks.
#[derive(Clone)]
pub struct EngineDeliveries {
    engine: Engine,
}

impl EngineDeliveries {
    /// Makes the deliveries of an engine.
    #[must_use]
    pub fn new(engine: Engine) -> EngineDeliveries {
        EngineDeliveries { engine }
    }

    /// Waits until something new may be due.
    pub async fn changed(&self) {
        self.engine.outbox().wake.notified().await;
    }

    fn store_error(error: impl std::fmt::Display) -> Error {
        Error::Store { reason: error.to_string() }
    }

    /// Reads deliveries that are in the store and not in memory.
    async fn fill(&self) -> Result<(), Error> {
        let outbox = self.engine.outbox();
        if !*outbox.more.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(());
        }
        outbox.set_more(false);
        let reader = self.engine.reader().clone();
        let limit = u32::try_from(WAITING_MAX).unwrap_or(u32::MAX);
        let jobs = tokio::task::spawn_blocking(move || reader.jobs_due(DELIVERY, i64::MAX, limit)).await;
        let jobs = jobs.map_err(Self::store_error)?.map_err(|error| {
            outbox.set_more(true);
            Self::store_error(error)
        })?;
        for job in &jobs {
            outbox.add(job);
        }
        Ok(())
    }

    /// Reads events and endpoints, and puts together what is to be sent.
    ///
    /// Returns those that can never be sent as well: their event or endpoint is gone.
    fn load(&self, chosen: Vec<Waiting>) -> Result<(Vec<Delivery>, Vec<String>), Error> {
        let ids: Vec<&str> = chosen.iter().flat_map(|waiting| halves(&waiting.id)).collect();
        let objects = self.engine.reader().objects(&ids).map_err(Self::store_error)?;
        let now = self.engine.clock().now().seconds();
        let master_key = &self.engine.settings().master_key;
        let (mut deliveries, mut hopeless) = (Vec::new(), Vec::new());
        for (waiting, pair) in chosen.iter().zip(objects.chunks(2)) {
            let [Some(event), Some(endpoint)] = pair else {
                hopeless.push(waiting.id.clone());
                continue;
            };
            let read = serde_json::from_str::<WebhookEndpoint>(&endpoint.body);
            let Ok(to) = read.inspect_err(|error| tracing::error!(%error, id = endpoint.id, "no endpoint"))
            else {
                hopeless.push(waiting.id.clone());
                continue;
            };
            let secrets = to.secrets(master_key, now);
            let secrets: Result<Vec<SigningSecret>, Error> =
                secrets.iter().map(|text| SigningSecret::parse(text)).collect();
            let Ok(secrets) =
                secrets.inspect_err(|error| tracing::error!(%error, id = endpoint.id, "no secret"))
            else {
                hopeless.push(waiting.id.clone());
                continue;
            };
            deliveries.push(Delivery {
                id: waiting.id.clone(),
                event: event.id.clone(),
                body: event.body.clone().into_bytes().into(),
                endpoint: endpoint.id.clone(),
                url: to.url,
                secrets,
                attempt: waiting.attempts + 1,
            });
        }
        Ok((deliveries, hopeless))
    }
}

/// `event/endpoint` to both.
fn halves(id: &str) -> [&str; 2] {
    id.split_once('/').map_or([id, ""], |(event, endpoint)| [event, endpoint])
}

impl Deliveries for EngineDeliveries {
    async fn next(&self, ask: &Ask<'_>) -> Result<Vec<Delivery>, Error> {
        if self.engine.role() != Role::Writer {
            return Ok(Vec::new());
        }
        self.fill().await?;
        let chosen: Vec<Waiting> =
            ready(self.engine.outbox().lock().by_time.values(), ask).into_iter().cloned().collect();
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        let this = self.clone();
        let loaded =
            tokio::task::spawn_blocking(move || this.load(chosen)).await.map_err(Self::store_error)?;
        let (deliveries, hopeless) = loaded?;
        if !hopeless.is_empty() {
            self.engine.drop_jobs(hopeless).await.map_err(Self::store_error)?;
        }
        Ok(deliveries)
    }

    async fn finished(&self, id: &str, outcome: &Outcome) -> Result<(), Error> {
        let [event, endpoint] = halves(id).map(str::to_owned);
        let reader = self.engine.reader().clone();
        let (job, found) = (id.to_owned(), endpoint.clone());
        let read = tokio::task::spawn_blocking(move || {
            Ok::<_, suanpan_store::StoreError>((
                reader.jobs(&[&job])?.pop().flatten(),
                reader.objects(&[&found])?.pop().flatten(),
            ))
        });
        let (job, endpoint) = read.await.map_err(Self::store_error)?.map_err(Self::store_error)?;
        let (Some(job), Some(endpoint)) = (job, endpoint) else { return Ok(()) };
        let caller = Caller { merchant: endpoint.merchant.clone(), live: endpoint.live };
        let written = attempt_of(&job, &event, &endpoint, outcome);
        let Some(written) = written.map_err(Self::store_error)? else { return Ok(()) };
        match self.engine.attempted(written).await {
            Ok(()) => {
                metrics::counter!("suanpan_webhook_attempts_total", "result" => outcome.next.code())
                    .increment(1);
            }
            Err(refused) => return Err(Self::store_error(refused)),
        }
        if outcome.next == Next::Disable {
            let request = WriteWebhookEndpoint { disabled: Some(true), ..WriteWebhookEndpoint::default() };
            let command = Command::UpdateWebhookEndpoint { id: endpoint.id, request };
            let call = Call { caller, idempotency: None, request_id: None, command };
            if let Err(error) = self.engine.call(call).await {
                tracing::warn!(%error, "an endpoint that is gone could not be disabled");
            }
        }
        Ok(())
    }
}

/// What an attempt leaves behind.
pub(crate) struct Attempted {
    pub(crate) log: Object,
    pub(crate) links: Vec<Link>,
    /// The job as it goes on; none when it is done or given up.
    pub(crate) job: Option<Job>,
    pub(crate) id: String,
}

/// Makes what an attempt leaves behind; none when it was written before.
fn attempt_of(
    job: &Job,
    event: &str,
    endpoint: &Object,
    outcome: &Outcome,
) -> Result<Option<Attempted>, serde_json::Error> {
    let mut particulars: Particulars = serde_json::from_str(&job.body)?;
    if particulars.attempts + 1 != outcome.number {
        return Ok(None);
    }
    particulars.attempts = outcome.number;
    let attempt = &outcome.attempt;
    let id = format!(
        "wd_{}_{}_{}",
        event.trim_start_matches("evt_"),
        endpoint.id.trim_start_matches("we_"),
        outcome.number
    );
    let (status, error, answer) = match &attempt.result {
        Ok(answer) => (Some(answer.status), None, Some(answer.excerpt.as_str())),
        Err(failure) => {
            (None, Some(serde_json::json!({"code": failure.code, "message": failure.text})), None)
        }
    };
    let next_attempt = match outcome.next {
        Next::Retry { at } => Some(at.seconds()),
        Next::Delivered | Next::Exhausted | Next::Disable => None,
    };
    let headers: serde_json::Map<String, serde_json::Value> =
        attempt.request_headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let body = serde_json::json!({
        "id": id,
        "object": DELIVERY_LOG,
        "attempt": outcome.number,
        "created": attempt.at.seconds(),
        "duration_ms": attempt.duration_ms,
        "endpoint": endpoint.id,
        "error": error,
        "event": event,
        "livemode": endpoint.live,
        "next_attempt": next_attempt,
        "request_headers": headers,
        "response": answer,
        "response_status": status,
        "result": outcome.next.code(),
    });
    let log = Object {
        id: id.clone(),
        kind: DELIVERY_LOG,
        merchant: endpoint.merchant.clone(),
        live: endpoint.live,
        created: attempt.at.micros(),
        version: 1,
        body: body.to_string(),
    };
    let link = |name, key: &str| Link { name, key: key.to_owned(), id: id.clone(), unique: false };
    let links = vec![link(LOG_OF_EVENT, event), link(LOG_OF_ENDPOINT, &endpoint.id)];
    let job_next = match outcome.next {
        Next::Retry { at } => {
            let body = serde_json::to_string(&particulars)?;
            Some(Job { id: job.id.clone(), kind: DELIVERY, due: at.micros(), body })
        }
        Next::Delivered | Next::Exhausted | Next::Disable => None,
    };
    Ok(Some(Attempted { log, links, job: job_next, id: job.id.clone() }))
}

impl Engine {
    /// Sends an event again: to one endpoint, or to all that are enabled. Returns to how many.
    ///
    /// # Errors
    /// When there is no such event or endpoint, or nothing can be written now.
    pub async fn resend(
        &self,
        caller: &Caller,
        event: &str,
        endpoint: Option<&str>,
    ) -> Result<usize, Refused> {
        use suanpan_payments::rejection::Rejection;
        let reader = self.reader().clone();
        let (of, id) = (caller.clone(), event.to_owned());
        let read = tokio::task::spawn_blocking(move || {
            let event = reader.objects(&[&id])?.pop().flatten();
            let mut endpoints = crate::endpoints::Endpoints::default();
            endpoints.load(&of, reader.as_ref())?;
            Ok::<_, suanpan_store::StoreError>((event, endpoints))
        });
        let unavailable = |error: String| Refused::Unavailable(error);
        let (found, endpoints) =
            read.await.map_err(|e| unavailable(e.to_string()))?.map_err(|e| unavailable(e.to_string()))?;
        let missing = |kind, id: &str, param| {
            Refused::Rule(Rejection::ResourceMissing { kind, id: id.to_owned(), param })
        };
        let theirs = |object: &Object| {
            object.kind == ObjectKind::Event.name()
                && object.merchant == caller.merchant
                && object.live == caller.live
        };
        if !found.as_ref().is_some_and(theirs) {
            return Err(missing("event", event, "id"));
        }
        let all = endpoints.all(caller);
        let chosen: Vec<&str> = match endpoint {
            Some(wanted) => match all.iter().find(|known| known.id == wanted) {
                Some(known) => vec![known.id.as_str()],
                None => return Err(missing("webhook_endpoint", wanted, "webhook_endpoint")),
            },
            None => all.iter().filter(|known| known.is_enabled()).map(|known| known.id.as_str()).collect(),
        };
        let now = self.clock().now();
        let jobs: Vec<Job> =
            chosen.iter().map(|endpoint| crate::endpoints::delivery(event, endpoint, now)).collect();
        let count = jobs.len();
        self.plan(jobs).await?;
        Ok(count)
    }

    /// Returns what waits to be delivered.
    pub(crate) fn outbox(&self) -> &Arc<Outbox> {
        &self.shared().outbox
    }
}
