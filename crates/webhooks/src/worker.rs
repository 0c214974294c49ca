//! The task that attempts deliveries when they are due.
//!
//! It keeps nothing that matters: what waits is asked of [`Deliveries`], and what came of each attempt is told
//! to it before the next one of the same endpoint begins. A process that dies in between attempts the same
//! delivery again, with the same `webhook-id`: delivery is at least once.

use crate::Error;
use crate::deliver::{self, Attempt, Message};
use crate::order::Ask;
use crate::schedule::{self, Next};
use crate::sign::SigningSecret;
use crate::wire::{Bounds, Wire};
use bytes::Bytes;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use suanpan_money::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// A delivery that is due.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The delivery.
    pub id: String,
    /// The event: `evt_…`.
    pub event: String,
    /// The event as JSON, as it is sent.
    pub body: Bytes,
    /// The endpoint: `we_…`.
    pub endpoint: String,
    /// Its URL as it is now.
    pub url: String,
    /// Whether it belongs to live mode.
    pub live: bool,
    /// Its live secrets, the newest first.
    pub secrets: Vec<SigningSecret>,
    /// Which attempt this will be, from 1.
    pub attempt: u32,
    /// When the event was made, or sent again by hand: from then on the days of trying count.
    pub since: Timestamp,
}

/// What came of one attempt, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The entry of the delivery log.
    pub attempt: Attempt,
    /// Which attempt it was, from 1.
    pub number: u32,
    /// What is to be done with the delivery, or with the endpoint.
    pub next: Next,
}

/// Where deliveries are kept.
pub trait Deliveries: Send + Sync + 'static {
    /// Returns what may be attempted now, chosen as by [`ready`](crate::order::ready).
    fn next(&self, ask: &Ask<'_>) -> impl Future<Output = Result<Vec<Delivery>, Error>> + Send;

    /// Takes down what came of an attempt. It is told again until it succeeds: the second time for the same
    /// delivery and attempt must change nothing.
    fn finished(&self, id: &str, outcome: &Outcome) -> impl Future<Output = Result<(), Error>> + Send;
}

/// How much is done at once.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Endpoints that are served at once.
    pub lanes: usize,
    /// Of these, endpoints whose delivery has failed before: they may take their time without holding up others.
    pub retry_lanes: usize,
    /// Deliveries of one endpoint that are fetched at once.
    pub of_endpoint: usize,
    /// How often to look for what is due when nobody says that something is.
    pub poll: Duration,
    /// How long and how large an attempt may be.
    pub bounds: Bounds,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            lanes: 64,
            retry_lanes: 32,
            of_endpoint: 16,
            poll: Duration::from_secs(1),
            bounds: deliver::BOUNDS,
        }
    }
}

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
/// Gives random numbers for jitter; they need not be unpredictable.
pub type Chance = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What a worker works with.
pub struct Parts<D> {
    /// Where deliveries are kept.
    pub deliveries: Arc<D>,
    /// The way out.
    pub wire: Wire,
    /// How much at once.
    pub settings: Settings,
    /// The time.
    pub clock: Clock,
    /// Jitter.
    pub chance: Chance,
}

impl<D> Clone for Parts<D> {
    fn clone(&self) -> Parts<D> {
        Parts {
            deliveries: Arc::clone(&self.deliveries),
            wire: self.wire.clone(),
            settings: self.settings,
            clock: Arc::clone(&self.clock),
            chance: Arc::clone(&self.chance),
        }
    }
}

impl<D> fmt::Debug for Parts<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// A running worker. Dropping it stops it at once.
#[derive(Debug)]
pub struct Worker {
    wake: Arc<Notify>,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

/// Starts a worker in the current runtime.
#[must_use]
pub fn start<D: Deliveries>(parts: Parts<D>) -> Worker {
    let wake = Arc::new(Notify::new());
    let (stop, stopping) = watch::channel(false);
    let task = tokio::spawn(run(parts, Arc::clone(&wake), stopping));
    Worker { wake, stop, task: Some(task) }
}

impl Worker {
    /// Says that something may be due: after a commit with events, for instance.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Stops: begins nothing more, and waits for attempts that are under way for as long as the grace lasts.
    /// Says whether all of them ended.
    pub async fn stop(mut self, grace: Duration) -> bool {
        self.stop.send_replace(true);
        match self.task.take() {
            Some(mut task) => {
                let ended = timeout(grace, &mut task).await.is_ok();
                task.abort();
                ended
            }
            None => true,
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// The least time between two questions for what is due. With many lanes one ends all the time, and choosing
/// among all that waits is work.
const REST: Duration = Duration::from_millis(5);

/// The endpoints that are being served.
#[derive(Default)]
struct Lanes {
    tasks: JoinSet<()>,
    of_task: HashMap<Id, (String, bool)>,
    busy: BTreeSet<String>,
}

impl Lanes {
    fn begin(&mut self, endpoint: String, retry: bool, work: impl Future<Output = ()> + Send + 'static) {
        self.busy.insert(endpoint.clone());
        let id = self.tasks.spawn(work).id();
        self.of_task.insert(id, (endpoint, retry));
    }

    /// Waits until one ends, for ever when there is none.
    async fn ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(result) => self.end(result),
            None => std::future::pending().await,
        }
    }

    /// Takes note of all that have ended meanwhile.
    fn reap(&mut self) {
        while let Some(result) = self.tasks.try_join_next_with_id() {
            self.end(result);
        }
    }

    fn end(&mut self, result: Result<(Id, ()), JoinError>) {
        let id = match result {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!(%error, "a lane of webhooks broke off");
                error.id()
            }
        };
        if let Some((endpoint, _)) = self.of_task.remove(&id) {
            self.busy.remove(&endpoint);
        }
    }

    fn retries(&self) -> usize {
        self.of_task.values().filter(|(_, retry)| *retry).count()
    }
}

async fn run<D: Deliveries>(parts: Parts<D>, wake: Arc<Notify>, mut stopping: watch::Receiver<bool>) {
    let mut lanes = Lanes::default();
    let settings = parts.settings;
    while !*stopping.borrow() {
        let asked = Instant::now();
        let free = settings.lanes.saturating_sub(lanes.busy.len());
        if free > 0 {
            let ask = Ask {
                now: (parts.clock)(),
                lanes: free,
                retry_lanes: settings.retry_lanes.saturating_sub(lanes.retries()),
                of_endpoint: settings.of_endpoint,
                busy: &lanes.busy,
            };
            match parts.deliveries.next(&ask).await {
                Ok(due) => {
                    for (endpoint, lane) in by_endpoint(due) {
                        if lanes.busy.len() < settings.lanes && !lanes.busy.contains(&endpoint) {
                            let retry = lane.first().is_some_and(|first| first.attempt > 1);
                            lanes.begin(endpoint, retry, serve(parts.clone(), lane, stopping.clone()));
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "webhooks that are due cannot be read"),
            }
        }
        tokio::select! {
            () = lanes.ended() => {}
            () = wake.notified() => {}
            () = sleep(settings.poll) => {}
            changed = stopping.changed() => if changed.is_err() { return },
        }
        sleep_until(asked + REST).await;
        lanes.reap();
    }
    while !lanes.busy.is_empty() {
        lanes.ended().await;
    }
}

/// Deliveries by endpoint, both in the order in which they came.
fn by_endpoint(due: Vec<Delivery>) -> Vec<(String, Vec<Delivery>)> {
    let mut lanes: Vec<(String, Vec<Delivery>)> = Vec::new();
    let mut places = HashMap::new();
    for delivery in due {
        let place = *places.entry(delivery.endpoint.clone()).or_insert_with(|| {
            lanes.push((delivery.endpoint.clone(), Vec::new()));
            lanes.len() - 1
        });
        lanes[place].1.push(delivery);
    }
    lanes
}

/// Attempts deliveries of one endpoint until one fails; the others are still waiting where they are kept.
async fn serve<D: Deliveries>(parts: Parts<D>, lane: Vec<Delivery>, mut stopping: watch::Receiver<bool>) {
    for delivery in lane {
        if *stopping.borrow() {
            return;
        }
        let message = Message {
            event: &delivery.event,
            body: delivery.body.clone(),
            url: &delivery.url,
            secrets: &delivery.secrets,
            live: delivery.live,
        };
        let attempt = deliver::attempt(&parts.wire, &message, parts.settings.bounds, (parts.clock)()).await;
        let number = delivery.attempt;
        let (ended, since) = ((parts.clock)(), delivery.since);
        let next = schedule::after(number, (since, ended), attempt.for_schedule(), (parts.chance)());
        let outcome = Outcome { attempt, number, next };
        log(&delivery, &outcome);
        let told = tell(&parts, &delivery.id, &outcome, &mut stopping).await;
        if !told || outcome.next != Next::Delivered {
            return;
        }
    }
}

/// Tells an outcome until it is taken down, or the worker stops.
async fn tell<D: Deliveries>(
    parts: &Parts<D>,
    id: &str,
    outcome: &Outcome,
    stopping: &mut watch::Receiver<bool>,
) -> bool {
    let mut wait = Duration::from_millis(50);
    loop {
        match parts.deliveries.finished(id, outcome).await {
            Ok(()) => return true,
            Err(error) => tracing::warn!(delivery = id, %error, "an outcome cannot be taken down"),
        }
        let stops = tokio::select! {
            () = sleep(wait) => false,
            _ = stopping.wait_for(|stop| *stop) => true,
        };
        if stops {
            // Once more; then the attempt will be repeated by whoever comes next.
            return parts.deliveries.finished(id, outcome).await.is_ok();
        }
        wait = (wait * 2).min(Duration::from_secs(5));
    }
}

fn log(delivery: &Delivery, outcome: &Outcome) {
    let (id, event, endpoint) = (&delivery.id, &delivery.event, &delivery.endpoint);
    let (number, took_ms) = (outcome.number, outcome.attempt.duration_ms);
    let next = outcome.next.code();
    match &outcome.attempt.result {
        Ok(answer) => {
            tracing::info!(
                id,
                event,
                endpoint,
                number,
                took_ms,
                status = answer.status,
                next,
                "webhook answered"
            );
        }
        Err(failure) => {
            tracing::info!(
                id,
                event,
                endpoint,
                number,
                took_ms,
                failure = failure.code,
                next,
                "webhook failed"
            );
        }
    }
}
