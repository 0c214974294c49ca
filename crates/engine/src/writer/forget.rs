//! Upkeep between batches: answers that no repeat asks for any more.

use super::Ended;
use super::committer::Committer;
use crate::limits::{ANSWERS_KEPT_SECONDS, FORGET_MAX};
use suanpan_money::Timestamp;
use suanpan_store::StoreError;

/// The wait before the next portion while there is more: at most 10,000 answers are forgotten in a second, more than
/// are made; 2,000 by an idle writer, which looks four times a second.
const PAUSE_MICROS: i64 = 50_000;
/// The wait before the next look when there was no more.
const EVERY_MICROS: i64 = 60_000_000;

impl Committer {
    /// Forgets a portion of the answers that are older than what the API promises, when it is time.
    pub(super) fn forget_answers(&mut self) -> Result<(), Ended> {
        let now = self.shared.clock.now();
        if now < self.forget_at {
            return Ok(());
        }
        let before = now.micros().saturating_sub(ANSWERS_KEPT_SECONDS * 1_000_000);
        let wait = match self.store.forget_answers(&self.lease, before, FORGET_MAX) {
            Ok(forgotten) if forgotten >= u64::from(FORGET_MAX) => PAUSE_MICROS,
            Ok(_) => EVERY_MICROS,
            Err(StoreError::Fenced { .. }) => return Err(Ended::fenced()),
            Err(error) => {
                tracing::warn!(%error, "old answers could not be forgotten; trying again in a minute");
                EVERY_MICROS
            }
        };
        self.forget_at = Timestamp::from_micros(now.micros().saturating_add(wait));
        Ok(())
    }
}
