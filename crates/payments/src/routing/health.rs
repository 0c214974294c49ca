//! How channels do: whether they answer, and how many authorizations succeed.
//!
//! A channel that mostly does not answer gets no new payments for a while (its circuit is open), then one, and more only
//! when that is answered. A decline is an answer. What is at the channel already is asked about in any case.

use std::collections::{BTreeMap, VecDeque};
use suanpan_money::{Currency, Timestamp};

/// Requests of which it is remembered whether they were answered.
const HEARD_MAX: usize = 20;
/// Fewer say nothing.
const HEARD_LEAST: usize = 10;
/// Seconds after which a request says nothing of now.
const HEARD_SECONDS: i64 = 60;
/// Seconds that a channel rests at first, and at most. It doubles each time that nothing comes after it.
const REST_SECONDS: i64 = 15;
const REST_SECONDS_MAX: i64 = 300;
/// Seconds after which a trial that was never sent is forgotten: longer than any answer is waited for.
const TRIAL_SECONDS: i64 = 60;
/// Authorizations of which the success is remembered.
const OUTCOMES_MAX: usize = 200;
/// Successes that are supposed before there are any, so that one decline does not rule a channel out.
const SUPPOSED: usize = 10;

/// Whether a channel gets new payments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Circuit {
    /// Yes.
    #[default]
    Closed,
    /// One, to see whether it answers again.
    Trial,
    /// No.
    Open,
}

impl Circuit {
    /// Returns the word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Circuit::Closed => "closed",
            Circuit::Trial => "trial",
            Circuit::Open => "open",
        }
    }
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Nothing that can be used: no line, no answer in time, garbage.
    Silence,
    /// An answer to something else than an authorization: somebody is there, and whether payments are answered again, the
    /// next one shows.
    Answer,
    /// An authorization was done.
    Success,
    /// An authorization was declined.
    Decline,
    /// An authorization waits for the customer.
    Waiting,
}

/// How a channel does.
#[derive(Debug, Clone, Default)]
pub struct Health {
    heard: VecDeque<(Timestamp, bool)>,
    outcomes: VecDeque<bool>,
    rest: Option<Rest>,
}

/// A channel that gets no payments.
#[derive(Debug, Clone, Copy)]
struct Rest {
    until: Timestamp,
    seconds: i64,
    /// Since when a payment is under way that shows whether it answers again.
    trial: Option<Timestamp>,
}

impl Health {
    /// Takes in what came of a request. Returns whether the circuit opened or closed by that.
    pub fn note(&mut self, heard: Heard, now: Timestamp) -> bool {
        if let Heard::Success | Heard::Decline = heard {
            self.outcomes.push_back(heard == Heard::Success);
            if self.outcomes.len() > OUTCOMES_MAX {
                self.outcomes.pop_front();
            }
        }
        let answered = matches!(heard, Heard::Success | Heard::Decline | Heard::Waiting);
        if answered && self.rest.take().is_some() {
            self.heard.clear();
            return true;
        }
        if let Some(rest) = &mut self.rest {
            match heard {
                Heard::Answer => rest.until = rest.until.min(now),
                // What was sent before is still coming back; only a trial says more.
                _ if rest.trial.take().is_some() => {
                    rest.seconds = (rest.seconds * 2).min(REST_SECONDS_MAX);
                    rest.until = now.plus_seconds(rest.seconds);
                }
                _ => {}
            }
            return false;
        }
        self.heard.push_back((now, heard != Heard::Silence));
        while self.heard.len() > HEARD_MAX
            || self.heard.front().is_some_and(|(at, _)| at.plus_seconds(HEARD_SECONDS) < now)
        {
            self.heard.pop_front();
        }
        let silent = self.heard.iter().filter(|(_, answered)| !answered).count();
        if self.heard.len() < HEARD_LEAST || silent * 2 < self.heard.len() {
            return false;
        }
        self.rest = Some(Rest { until: now.plus_seconds(REST_SECONDS), seconds: REST_SECONDS, trial: None });
        true
    }

    /// Notes that a payment was sent as a trial.
    pub fn tried(&mut self, now: Timestamp) {
        if let Some(rest) = &mut self.rest {
            rest.trial = Some(now);
        }
    }

    /// Says whether it gets payments now.
    #[must_use]
    pub fn circuit(&self, now: Timestamp) -> Circuit {
        let Some(rest) = &self.rest else { return Circuit::Closed };
        let under_way = rest.trial.is_some_and(|since| now < since.plus_seconds(TRIAL_SECONDS));
        if now < rest.until || under_way { Circuit::Open } else { Circuit::Trial }
    }

    /// Returns how many of a million authorizations succeeded lately, rounded down.
    #[must_use]
    pub fn success_ppm(&self) -> u32 {
        let good = self.outcomes.iter().filter(|good| **good).count() + SUPPOSED;
        let all = self.outcomes.len() + SUPPOSED;
        u32::try_from(good * 1_000_000 / all).expect("a share of a million")
    }
}

/// How a channel stands when a payment is routed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whether it gets payments.
    pub circuit: Circuit,
    /// How many of a million authorizations succeeded lately.
    pub success_ppm: u32,
    /// What it has taken on this day in a mode (live or not), in minor units; only where a limit asks for it. None where
    /// it is not known.
    pub taken: BTreeMap<(bool, Currency), Option<u64>>,
}

impl Standing {
    /// Returns what it has taken on this day, in minor units; none where it is not known.
    #[must_use]
    pub fn taken_today(&self, live: bool, currency: Currency) -> Option<u64> {
        self.taken.get(&(live, currency)).copied().unwrap_or(Some(0))
    }
}

impl Default for Standing {
    fn default() -> Standing {
        Standing { circuit: Circuit::Closed, success_ppm: 1_000_000, taken: BTreeMap::new() }
    }
}

/// How all channels stand, by name. One that nothing is known of does well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standings(pub BTreeMap<String, Standing>);

static WELL: Standing = Standing { circuit: Circuit::Closed, success_ppm: 1_000_000, taken: BTreeMap::new() };

/// Nothing is known of any channel.
pub static ALL_WELL: Standings = Standings(BTreeMap::new());

impl Standings {
    /// Makes standings in which none of some channels gets a payment.
    #[must_use]
    pub fn resting<'a>(channels: impl Iterator<Item = &'a str>) -> Standings {
        let standing = Standing { circuit: Circuit::Open, ..Standing::default() };
        Standings(channels.map(|name| (name.to_owned(), standing.clone())).collect())
    }

    /// Returns how a channel stands.
    #[must_use]
    pub fn of(&self, channel: &str) -> &Standing {
        self.0.get(channel).unwrap_or(&WELL)
    }
}
