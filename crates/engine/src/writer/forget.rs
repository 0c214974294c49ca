//! Upkeep between batches: answers that no repeat asks for any more, and events that are too old.

use super::Ended;
use super::committer::Committer;
use crate::limits::{FORGET_BLOCKS_MAX, FORGET_MAX};
use suanpan_money::Timestamp;
use suanpan_store::StoreError;

/// The wait before the next portion while there is more: at most 10,000 answers or 640 blocks of events are forgotten in
/// a second, more than are made; fewer by an idle writer, which looks four times a second.
const PAUSE_MICROS: i64 = 50_000;
/// The wait before the next look when there was no more.
const EVERY_MICROS: i64 = 60_000_000;

/// When to look next for what is too old.
pub(super) struct Forget {
    answers_at: Timestamp,
    events_at: Timestamp,
    /// All answers are gone that were too old when somebody last looked: none stands within an old event.
    answers_done: bool,
}

impl Forget {
    pub(super) fn new(now: Timestamp) -> Forget {
        Forget { answers_at: now, events_at: now, answers_done: false }
    }
}

impl Committer {
    /// Forgets a portion of what is older than what was promised, when it is time.
    pub(super) fn forget(&mut self) -> Result<(), Ended> {
        let now = self.shared.clock.now();
        let settings = &self.shared.settings;
        let before = |seconds: i64| now.micros().saturating_sub(seconds.saturating_mul(1_000_000));
        if now >= self.forget.answers_at {
            let before = before(settings.keep_answers_seconds);
            let forgotten = self.store.forget_answers(&self.lease, before, FORGET_MAX);
            self.forget.answers_done = forgotten.as_ref().is_ok_and(|count| *count < u64::from(FORGET_MAX));
            self.forget.answers_at = next(now, forgotten, FORGET_MAX)?;
        }
        if let Some(seconds) = settings.keep_events_seconds
            && now >= self.forget.events_at
            && self.forget.answers_done
        {
            let forgotten = self.store.forget_events(&self.lease, before(seconds), FORGET_BLOCKS_MAX);
            self.forget.events_at = next(now, forgotten, FORGET_BLOCKS_MAX)?;
        }
        Ok(())
    }
}

/// When to look again.
fn next(now: Timestamp, forgotten: Result<u64, StoreError>, max: u32) -> Result<Timestamp, Ended> {
    let wait = match forgotten {
        Ok(forgotten) if forgotten >= u64::from(max) => PAUSE_MICROS,
        Ok(_) => EVERY_MICROS,
        Err(StoreError::Fenced { .. }) => return Err(Ended::fenced()),
        Err(error) => {
            tracing::warn!(%error, "what is old could not be forgotten; trying again in a minute");
            EVERY_MICROS
        }
    };
    Ok(Timestamp::from_micros(now.micros().saturating_add(wait)))
}
