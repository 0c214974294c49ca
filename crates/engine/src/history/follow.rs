//! The thread that reads what is committed and puts it into the tail.

use super::lines::{FullTail, Lines, Start, each_record, record_with, sums_before};
use super::{Feed, HistoryIndex, Part};
use crate::history::RETRY;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use suanpan_ledger::account::Balance;
use suanpan_ledger::history::Tail;
use suanpan_store::commit::Head;

pub(super) struct Follower {
    index: Arc<HistoryIndex>,
    records: Receiver<Feed>,
    full: SyncSender<FullTail>,
    /// None before a writer begins.
    lines: Option<Lines>,
}

impl Follower {
    pub(super) fn new(
        index: Arc<HistoryIndex>,
        records: Receiver<Feed>,
        full: SyncSender<FullTail>,
    ) -> Follower {
        Follower { index, records, full, lines: None }
    }

    /// Works until there will be no more. What fails is tried again: meanwhile what is committed waits, and after
    /// that the writer, so that what is not sealed never outgrows the memory meant for it.
    pub(super) fn run(mut self) {
        while let Ok(feed) = self.records.recv() {
            let mut wait = RETRY.start;
            while self.index.lease().epoch == feed.epoch() {
                match self.take(&feed) {
                    Ok(()) => {
                        self.index.well(Part::Follower);
                        break;
                    }
                    Err(_) if self.index.lease().epoch != feed.epoch() => break,
                    Err(why) => self.index.note_trouble(Part::Follower, &why),
                }
                if self.index.pause(wait) {
                    return;
                }
                wait = (wait * 2).min(RETRY.end);
            }
        }
    }

    fn take(&mut self, feed: &Feed) -> Result<(), String> {
        match feed {
            Feed::Begin { epoch, sums, head } => self.begin(*epoch, sums, head),
            Feed::Record { head, bytes, .. } => {
                let Some(lines) = &mut self.lines else { return Ok(()) };
                let full = lines.record(&self.index, head, bytes)?;
                if let Some(full) = full {
                    self.hand_over(full);
                }
                Ok(())
            }
        }
    }

    /// Goes from what is sealed to the head of the journal. The sums at the start of the tail are those of now less
    /// all that the tail will hold.
    fn begin(&mut self, epoch: u64, sums: &[Balance], head: &Head) -> Result<(), String> {
        let (rows_at, ids_at) = {
            let mut state = self.index.state.write().unwrap_or_else(PoisonError::into_inner);
            if self.index.lease().epoch != epoch {
                return Ok(());
            }
            // Full tails are left from a beginning that broke off.
            let waiting = state.full.last().map(|tail| tail.ordinals().1);
            let rows_at = waiting.unwrap_or_else(|| state.runs.last().map_or(0, |run| run.end));
            let ids_at = waiting.unwrap_or_else(|| state.id_runs.last().map_or(0, |run| run.end));
            state.tail = Tail::new(rows_at);
            (rows_at, ids_at)
        };
        self.index.set_seen(rows_at);
        let reader = self.index.reader.as_ref();
        let first = record_with(reader, rows_at, head)?;
        let sums = sums_before(&self.index, sums, (first, head.seq), rows_at)?;
        let first = record_with(reader, rows_at.min(ids_at), head)?;
        let mut lines = Lines::new(epoch, Start { sums, sums_at: rows_at, ids_at });
        each_record(&self.index, first, head.seq, |at, body| {
            if let Some(full) = lines.record(&self.index, at, body)? {
                self.hand_over(full);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        self.lines = Some(lines);
        Ok(())
    }

    /// Waits while the sealer has too much before it.
    fn hand_over(&self, mut full: FullTail) {
        while self.index.lease().epoch == full.epoch {
            match self.full.try_send(full) {
                Err(TrySendError::Full(back)) => full = back,
                Ok(()) | Err(TrySendError::Disconnected(_)) => return,
            }
            if self.index.pause(Duration::from_millis(5)) {
                return;
            }
        }
    }
}
