//! Holds whose time has passed.

use super::{Book, Draft};
use crate::entry::EntryId;
use crate::record::{Done, LeafHead};
use suanpan_money::Timestamp;

impl Book {
    /// Releases holds whose time has passed by the time of the record, the oldest first, each by an entry of
    /// the book itself: at most `limit`, and as many as the record has room for. Returns how many. Until a
    /// hold is released its money stays set aside, but it can no longer be captured or voided.
    pub fn expire(&mut self, draft: &mut Draft, limit: usize) -> usize {
        let mut count = 0;
        while count < limit
            && let Some(hold) = self.holds.first_due(draft.at)
        {
            self.lines.clear();
            self.release_lines(hold);
            if !draft.has_room(self.lines.len()) {
                break;
            }
            let done = Done::Expiry { hold };
            let head = LeafHead { id: EntryId(0), done, code: 0, linked: false, booked_at: None };
            let accepted = self.accept(&mut draft.undo, &head, draft.at);
            accepted.expect("releasing what is held breaks no rule");
            draft.add_entry(&head, &self.lines);
            count += 1;
        }
        count
    }

    /// Returns when the next hold ends by itself: when [`Book::expire`] has work to do.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.holds.next_due()
    }
}
