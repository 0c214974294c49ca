//! Events on their way to the servers of merchants: what waits, and what came of each attempt.
//!
//! Each delivery is a job in the store, so none is lost; its id is `endpoint/event`. The first of each endpoint are
//! kept in memory as well ([`Outbox`]).

mod attempted;
mod outbox;
mod pending;
mod resend;

pub(crate) use attempted::Attempted;
pub(crate) use outbox::Outbox;
pub use pending::count_pending;

use crate::command::{Call, Caller};
use crate::endpoints::{DELIVERY, Delivery as Particulars};
use crate::engine::{Engine, Role};
use attempted::attempt_of;
use std::sync::Arc;
use suanpan_money::Timestamp;
use suanpan_payments::command::Command;
use suanpan_payments::id::event_place;
use suanpan_payments::object::webhook_endpoint::{EndpointHealth, WebhookEndpoint};
use suanpan_store::commit::Object;
use suanpan_store::{Cursor, Read, StoreError};
use suanpan_webhooks::deliver::Attempt;
use suanpan_webhooks::limits::{FAILING_SECONDS_MAX, ORDERED_ATTEMPTS, UNTRIED_SECONDS_MAX};
use suanpan_webhooks::order::{Ask, Waiting};
use suanpan_webhooks::schedule::Next;
use suanpan_webhooks::worker::{Deliveries, Delivery, Outcome};
use suanpan_webhooks::{Error, SigningSecret};

/// The kind of objects that the delivery log is made of.
pub const DELIVERY_LOG: &str = "webhook_delivery";
/// Entries of the delivery log of an event.
pub const LOG_OF_EVENT: &str = "webhook_delivery.event";
/// Entries of the delivery log of an endpoint.
pub const LOG_OF_ENDPOINT: &str = "webhook_delivery.endpoint";
/// Jobs of an endpoint that sends nothing any more which are taken away by one commit.
const PURGED_AT_ONCE: u32 = 2_048;

/// The deliveries of an engine, for a worker of webhooks.
#[derive(Clone)]
pub struct EngineDeliveries {
    engine: Engine,
}

/// What was read about deliveries that are to be attempted.
#[derive(Default)]
struct Loaded {
    deliveries: Vec<Delivery>,
    /// Those whose endpoint is gone, by the id of the job.
    hopeless: Vec<String>,
    /// Those that have waited too long.
    expired: Vec<Waiting>,
    /// Endpoints that send nothing any more.
    closed: Vec<String>,
}

/// Splits the id of a job into endpoint and event.
pub(crate) fn place_of(id: &str) -> (&str, &str) {
    id.split_once('/').unwrap_or((id, ""))
}

/// Finds events by their ids, in the order asked.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn find_events(reader: &dyn Read, ids: &[&str]) -> Result<Vec<Option<Object>>, StoreError> {
    // Nothing has a place before all times.
    let place = |id| Cursor { created: event_place(id).unwrap_or(i64::MIN), id };
    let places: Vec<Cursor<'_>> = ids.iter().map(|id| place(id)).collect();
    reader.events(&places)
}

/// Finds an event by its id.
///
/// # Errors
/// When the store cannot be read.
pub fn find_event(reader: &dyn Read, id: &str) -> Result<Option<Object>, StoreError> {
    Ok(find_events(reader, &[id])?.pop().flatten())
}

/// The id under which a worker knows a delivery: the job, and since when it is there. An event that is sent again
/// is another delivery under the same job.
fn named(waiting: &Waiting) -> String {
    format!("{}@{}", waiting.id, waiting.sequence)
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

    /// Reads what there is room for, chooses, and reads what is to be sent.
    fn load(&self, now: Timestamp, chosen: &[Waiting]) -> Result<Loaded, StoreError> {
        let (endpoints, events): (Vec<&str>, Vec<&str>) =
            chosen.iter().map(|waiting| place_of(&waiting.id)).unzip();
        let reader = self.engine.reader();
        let endpoints = reader.objects(&endpoints)?;
        let events = find_events(reader.as_ref(), &events)?;
        let mut loaded = Loaded::default();
        for (waiting, pair) in chosen.iter().zip(endpoints.iter().zip(&events)) {
            let (endpoint, event) = match pair {
                (Some(endpoint), Some(event)) => (endpoint, event),
                // It waited for so long that the event was forgotten.
                (Some(_), None) => {
                    loaded.expired.push(waiting.clone());
                    continue;
                }
                (None, _) => {
                    loaded.hopeless.push(waiting.id.clone());
                    continue;
                }
            };
            let age = now.micros().saturating_sub(i64::try_from(waiting.sequence).unwrap_or(i64::MAX));
            let Some((to, secrets)) = self.receiver(endpoint, now) else {
                loaded.hopeless.push(waiting.id.clone());
                continue;
            };
            if !to.is_enabled() {
                if loaded.closed.last() != Some(&endpoint.id) {
                    loaded.closed.push(endpoint.id.clone());
                }
                continue;
            }
            if waiting.attempts == 0 && age > UNTRIED_SECONDS_MAX.saturating_mul(1_000_000) {
                loaded.expired.push(waiting.clone());
                continue;
            }
            loaded.deliveries.push(Delivery {
                id: named(waiting),
                event: event.id.clone(),
                body: event.body.clone().into_bytes().into(),
                endpoint: endpoint.id.clone(),
                url: to.url,
                live: endpoint.live,
                secrets,
                attempt: waiting.attempts + 1,
                since: Timestamp::from_micros(i64::try_from(waiting.sequence).unwrap_or(i64::MAX)),
            });
        }
        Ok(loaded)
    }

    /// Reads an endpoint and what signs for it; none when it cannot be read.
    fn receiver(&self, endpoint: &Object, now: Timestamp) -> Option<(WebhookEndpoint, Vec<SigningSecret>)> {
        let to: WebhookEndpoint = serde_json::from_str(&endpoint.body)
            .inspect_err(|error| tracing::error!(%error, id = endpoint.id, "no endpoint"))
            .ok()?;
        let secrets = to.secrets(&self.engine.settings().master_key, now.seconds());
        let secrets: Result<Vec<SigningSecret>, Error> =
            secrets.iter().map(|text| SigningSecret::parse(text)).collect();
        let secrets =
            secrets.inspect_err(|error| tracing::error!(%error, id = endpoint.id, "no secret")).ok()?;
        Some((to, secrets))
    }

    /// Takes away all that waits for an endpoint which sends nothing any more.
    async fn purge(&self, endpoint: String) -> Result<(), Error> {
        loop {
            let (this, wanted) = (self.clone(), endpoint.clone());
            let read = tokio::task::spawn_blocking(move || {
                let (after, before) = outbox::bounds(&wanted);
                let reader = this.engine.reader();
                let jobs = reader.jobs_between(&after, &before, PURGED_AT_ONCE)?;
                // Read after the jobs: what waits since it was enabled again is not among them.
                let endpoint = reader.objects(&[&wanted])?.pop().flatten();
                let enabled = endpoint
                    .and_then(|object| serde_json::from_str::<WebhookEndpoint>(&object.body).ok())
                    .is_some_and(|endpoint| endpoint.is_enabled());
                Ok::<_, StoreError>(if enabled { Vec::new() } else { jobs })
            });
            let jobs = read.await.map_err(Self::store_error)?.map_err(Self::store_error)?;
            if jobs.is_empty() {
                return Ok(());
            }
            tracing::info!(
                endpoint,
                count = jobs.len(),
                "deliveries to an endpoint that is disabled are given up"
            );
            let ids = jobs.into_iter().map(|job| job.id).collect();
            self.engine.drop_jobs(ids).await.map_err(Self::store_error)?;
        }
    }

    /// Gives up a delivery that was never attempted, and says so in the log.
    async fn expire(&self, waiting: &Waiting) -> Result<(), Error> {
        let now = self.engine.clock().now();
        let hours = u64::try_from(UNTRIED_SECONDS_MAX / 3_600).unwrap_or(0);
        let attempt = Attempt::failed(now, Error::Expired { hours });
        let outcome = Outcome { attempt, number: waiting.attempts + 1, next: Next::Exhausted };
        self.finished(&named(waiting), &outcome).await
    }

    /// Notes of an endpoint what an attempt tells about it.
    async fn note_health(&self, endpoint: &Object, outcome: &Outcome) {
        let Ok(known) = serde_json::from_str::<WebhookEndpoint>(&endpoint.body) else { return };
        let failing_since = known.internal.failing_since;
        let health = match outcome.next {
            Next::Disable => EndpointHealth::Gone,
            Next::Delivered if failing_since.is_some() => EndpointHealth::Works,
            Next::Delivered => return,
            Next::Retry { .. } | Next::Exhausted => match failing_since {
                Some(since) if outcome.attempt.at.seconds() - since >= FAILING_SECONDS_MAX => {
                    EndpointHealth::FailedForDays
                }
                None if outcome.number >= ORDERED_ATTEMPTS => EndpointHealth::Fails,
                Some(_) | None => return,
            },
        };
        if !known.is_enabled() {
            return;
        }
        let command = Command::NoteEndpointHealth { id: endpoint.id.clone(), health };
        let caller = Caller { merchant: endpoint.merchant.clone(), live: endpoint.live };
        let call = Call { caller, idempotency: None, request_id: None, command };
        match self.engine.call(call).await {
            Ok(_) => {
                if matches!(health, EndpointHealth::Gone | EndpointHealth::FailedForDays) {
                    tracing::warn!(endpoint = endpoint.id, ?health, "an endpoint was disabled");
                    metrics::counter!("suanpan_webhook_endpoints_disabled_total").increment(1);
                    if let Err(error) = self.purge(endpoint.id.clone()).await {
                        // What is left is given up when it is due.
                        tracing::warn!(%error, endpoint = endpoint.id, "what waits for it was not given up");
                    }
                }
            }
            // The next attempt tells again.
            Err(error) => {
                tracing::warn!(%error, endpoint = endpoint.id, "the state of an endpoint was not noted")
            }
        }
    }
}

impl Deliveries for EngineDeliveries {
    async fn next(&self, ask: &Ask<'_>) -> Result<Vec<Delivery>, Error> {
        if self.engine.role() != Role::Writer {
            return Ok(Vec::new());
        }
        let (this, now) = (self.clone(), ask.now);
        let filled = tokio::task::spawn_blocking(move || {
            let reader = this.engine.reader();
            let jobs = |after: &str, before: &str, limit| reader.jobs_between(after, before, limit);
            this.engine.outbox().fill(&jobs, now)
        });
        filled.await.map_err(Self::store_error)?.map_err(Self::store_error)?;
        let chosen = self.engine.outbox().choose(ask);
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        let this = self.clone();
        let loaded = tokio::task::spawn_blocking(move || this.load(now, &chosen)).await;
        let loaded = loaded.map_err(Self::store_error)?.map_err(Self::store_error)?;
        let Loaded { deliveries, hopeless, expired, closed } = loaded;
        if !(hopeless.is_empty() && expired.is_empty() && closed.is_empty()) {
            // There may be as many more behind them.
            self.engine.outbox().wake.notify_one();
        }
        if !hopeless.is_empty() {
            self.engine.drop_jobs(hopeless).await.map_err(Self::store_error)?;
        }
        for waiting in &expired {
            self.expire(waiting).await?;
        }
        for endpoint in closed {
            self.purge(endpoint).await?;
        }
        Ok(deliveries)
    }

    async fn finished(&self, id: &str, outcome: &Outcome) -> Result<(), Error> {
        let (job_id, since) = id.rsplit_once('@').unwrap_or((id, ""));
        let since: i64 = since.parse().map_err(|_| Self::store_error(format!("{id} is no delivery")))?;
        let sent = (u64::try_from(since).unwrap_or(0), outcome.number.saturating_sub(1));
        let reader = self.engine.reader().clone();
        let (wanted, found) = (job_id.to_owned(), place_of(job_id).0.to_owned());
        let read = tokio::task::spawn_blocking(move || {
            Ok::<_, StoreError>((
                reader.jobs(&[&wanted])?.pop().flatten(),
                reader.objects(&[&found])?.pop().flatten(),
            ))
        });
        let (job, endpoint) = read.await.map_err(Self::store_error)?.map_err(Self::store_error)?;
        let Some(endpoint) = endpoint else {
            return self.engine.drop_jobs(vec![job_id.to_owned()]).await.map_err(Self::store_error);
        };
        let current = job.as_ref().and_then(|job| serde_json::from_str::<Particulars>(&job.body).ok());
        let current = current.filter(|it| it.since == since && it.attempts == sent.1);
        match (&job, current) {
            (Some(job), Some(particulars)) => {
                let written = attempt_of(job, particulars, &endpoint, outcome).map_err(Self::store_error)?;
                self.engine.attempted(written).await.map_err(Self::store_error)?;
                metrics::counter!("suanpan_webhook_attempts_total", "result" => outcome.next.code())
                    .increment(1);
            }
            // It was written before, or the event was sent again meanwhile, or it was given up.
            _ => self.engine.outbox().correct(job_id, sent, job.as_ref()),
        }
        self.note_health(&endpoint, outcome).await;
        Ok(())
    }
}

impl Engine {
    /// Returns what waits to be delivered.
    pub(crate) fn outbox(&self) -> &Arc<Outbox> {
        &self.shared().outbox
    }
}
