//! The line to a card network: keeps one connection, sends requests over it, and gives each answer to whoever waits for
//! it. What may be said when is the business of [`Line`]; here is only its IO.
//!
//! Only the process that writes has a line: a network takes an institution's second sign-on for its first one's end.

use crate::clock::Clock;
use crate::limits::STALE_MICROS;
use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;
use suanpan_channels::card_network::{Correlation, Ended, Event, Line, LineSettings};
use suanpan_channels::{Lost, Trace};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout};

/// Requests that wait to be sent; beyond that, whoever asks waits.
const SUBMITTED_MAX: usize = 1_024;
/// Requests that wait for their answers; more are not sent. One line of a network carries some hundred a second.
const WAITING_MAX: usize = 10_000;
/// How often the line is looked after.
const TICK: Duration = Duration::from_millis(500);
/// How long the network may take to take a connection, or bytes.
const IO_PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before a line is made anew, at first and at most: it doubles with each failure.
const PAUSE: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// How long a request waits for a line that is being made. Most are made anew in less.
const HOLD: Duration = Duration::from_secs(2);
/// Bytes that are read at once.
const READ_BYTES: usize = 64 * 1024;

/// The handle of a line. The line ends with its last handle.
#[derive(Clone)]
pub struct CardLine {
    patience: Duration,
    submit: Sender<Submitted>,
    ready: Arc<AtomicBool>,
    wanted: Arc<watch::Sender<bool>>,
}

struct Submitted {
    message: Vec<u8>,
    /// When it was decided, unless it is an inquiry, which may be sent at any time.
    born: Option<Trace>,
    reply: oneshot::Sender<Result<Vec<u8>, Lost>>,
    fate: Arc<Fate>,
}

/// Whether a request was sent, on which the line and whoever asks must agree: only one of them settles it.
#[derive(Default)]
struct Fate(AtomicU8);

impl Fate {
    const WAITS: u8 = 0;
    const SENT: u8 = 1;
    const GIVEN_UP: u8 = 2;

    fn settle(&self, fate: u8) -> bool {
        self.0.compare_exchange(Fate::WAITS, fate, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

impl CardLine {
    /// Keeps a line to an address (`host:port`) whenever one is wanted; an answer is waited for so long. Must be called
    /// within a runtime.
    #[must_use]
    pub fn start(address: String, settings: LineSettings, patience: Duration, clock: Clock) -> CardLine {
        let (submit, submitted) = channel(SUBMITTED_MAX);
        let ready = Arc::new(AtomicBool::new(false));
        let (wanted, want) = watch::channel(false);
        let keeper = Keeper { address, settings, clock, submitted, want, ready: ready.clone(), next: 0 };
        tokio::spawn(keeper.run());
        CardLine { patience, submit, ready, wanted: Arc::new(wanted) }
    }

    /// Says whether there is to be a line.
    pub(crate) fn want(&self, wanted: bool) {
        self.wanted.send_if_modified(|now| std::mem::replace(now, wanted) != wanted);
    }

    /// Whether requests can be sent now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Sends a message and waits for its answer. One that was decided at a moment is not sent long after it.
    ///
    /// # Errors
    /// [`Lost`]; only [`Lost::NotSent`] and [`Lost::Untried`] say that nothing has happened.
    pub async fn exchange(&self, message: Vec<u8>, born: Option<Trace>) -> Result<Vec<u8>, Lost> {
        let (reply, mut answer) = oneshot::channel();
        let now = Instant::now();
        let (hold, until) = (now + HOLD.min(self.patience), now + self.patience);
        let fate = Arc::new(Fate::default());
        let request = Submitted { message, born, reply, fate: fate.clone() };
        match tokio::time::timeout_at(hold, self.submit.send(request)).await {
            Ok(Ok(())) => {}
            // It is still with us.
            Ok(Err(_)) | Err(_) => return Err(Lost::NotSent),
        }
        let mut came = tokio::time::timeout_at(hold, &mut answer).await;
        if came.is_err() {
            if fate.settle(Fate::GIVEN_UP) {
                return Err(Lost::NotSent);
            }
            came = tokio::time::timeout_at(until, answer).await;
        }
        match came {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Lost::Connection),
            Err(_) => Err(Lost::TimeOut),
        }
    }
}

struct Keeper {
    address: String,
    settings: LineSettings,
    clock: Clock,
    submitted: Receiver<Submitted>,
    want: watch::Receiver<bool>,
    ready: Arc<AtomicBool>,
    next: u64,
}

/// Why a connection is no more.
enum Closed {
    /// It is not wanted any more.
    Unwanted,
    Broken(String),
}

/// Who waits for which answer.
type Waiting = HashMap<Correlation, oneshot::Sender<Result<Vec<u8>, Lost>>>;

impl From<Ended> for Closed {
    fn from(ended: Ended) -> Closed {
        Closed::Broken(ended.to_string())
    }
}

impl From<io::Error> for Closed {
    fn from(error: io::Error) -> Closed {
        Closed::Broken(error.to_string())
    }
}

impl Keeper {
    /// Notes whether requests can be sent, and says whether they could until now.
    fn is_ready(&self, ready: bool) -> bool {
        let name = self.settings.network.name.clone();
        metrics::gauge!("suanpan_channel_line_ready", "channel" => name).set(if ready { 1.0 } else { 0.0 });
        self.ready.swap(ready, Ordering::Relaxed)
    }

    async fn run(mut self) {
        let name = self.settings.network.name.clone();
        self.is_ready(false);
        let mut pause = PAUSE;
        loop {
            // An error says that nobody has the handle any more.
            if self.want.has_changed().is_err() || self.want.wait_for(|wanted| *wanted).await.is_err() {
                return;
            }
            let why = match timeout(IO_PATIENCE, TcpStream::connect(&self.address)).await {
                Ok(Ok(stream)) => match self.keep(stream).await {
                    Closed::Unwanted => {
                        self.is_ready(false);
                        pause = PAUSE;
                        continue;
                    }
                    Closed::Broken(why) => why,
                },
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer to the connection".to_owned(),
            };
            if self.is_ready(false) {
                pause = PAUSE;
            }
            tracing::warn!(channel = name, address = self.address, why, "there is no line to the network");
            metrics::counter!("suanpan_channel_lines_lost_total", "channel" => name.clone()).increment(1);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Uses a connection until it ends. Whoever waits then is told that nothing is known.
    async fn keep(&mut self, stream: TcpStream) -> Closed {
        let mut waiting = Waiting::new();
        let closed = match self.talk(stream, &mut waiting).await {
            Err(closed) => closed,
            Ok(never) => match never {},
        };
        for (_, reply) in waiting.drain() {
            let _ = reply.send(Err(Lost::Connection));
        }
        closed
    }

    async fn talk(&mut self, mut stream: TcpStream, waiting: &mut Waiting) -> Result<Infallible, Closed> {
        stream.set_nodelay(true)?;
        let mut line = Line::open(self.settings.clone(), self.clock.now());
        let mut buffer = vec![0; READ_BYTES];
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let out = line.take_out();
            if !out.is_empty() {
                let written = timeout(IO_PATIENCE, stream.write_all(&out)).await;
                written.map_err(|_| Closed::Broken("the network takes no bytes".to_owned()))??;
            }
            tokio::select! {
                count = stream.read(&mut buffer) => {
                    let count = count?;
                    if count == 0 {
                        return Err(Closed::Broken("the network closed the connection".to_owned()));
                    }
                    let events = line.take(&buffer[..count], self.clock.now())?;
                    events.into_iter().for_each(|event| self.take(event, waiting));
                }
                Some(submitted) = self.submitted.recv(), if line.is_ready() => {
                    self.send(submitted, &mut line, waiting);
                }
                _ = tick.tick() => {
                    line.tick(self.clock.now())?;
                    waiting.retain(|_, reply| !reply.is_closed());
                    line.keep_waiting(|correlation| waiting.contains_key(&correlation));
                }
                () = unwanted(&mut self.want) => {
                    line.sign_off(self.clock.now());
                    let _ = timeout(TICK, stream.write_all(&line.take_out())).await;
                    return Err(Closed::Unwanted);
                }
            }
        }
    }

    fn take(&self, event: Event, waiting: &mut Waiting) {
        let name = &self.settings.network.name;
        match event {
            Event::Ready => {
                self.is_ready(true);
                tracing::info!(channel = name, "signed on to the network");
            }
            Event::Answer(correlation, message) => {
                if let Some(reply) = waiting.remove(&correlation) {
                    let _ = reply.send(Ok(message));
                }
            }
            Event::Late => {
                metrics::counter!("suanpan_channel_late_answers_total", "channel" => name.clone())
                    .increment(1);
            }
            Event::Ignored(why) => tracing::warn!(channel = name, why, "a message is left alone"),
        }
    }

    fn send(&mut self, submitted: Submitted, line: &mut Line, waiting: &mut Waiting) {
        let Submitted { message, born, reply, fate } = submitted;
        // Whoever has given up is told that it was not sent, and it must not be.
        if !fate.settle(Fate::SENT) {
            return;
        }
        let now = self.clock.now().micros();
        let stale = born.is_some_and(|born| now - born.0 > STALE_MICROS);
        let correlation = Correlation(self.next);
        self.next += 1;
        if stale {
            let _ = reply.send(Err(Lost::Untried));
        } else if waiting.len() < WAITING_MAX && line.send(correlation, &message) {
            waiting.insert(correlation, reply);
        } else {
            let _ = reply.send(Err(Lost::NotSent));
        }
    }
}

/// Waits until no line is wanted, or nobody is left to want one.
async fn unwanted(want: &mut watch::Receiver<bool>) {
    let _ = want.wait_for(|wanted| !*wanted).await;
}
