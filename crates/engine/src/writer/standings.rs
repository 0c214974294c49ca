//! How channels stand when a batch is decided: their health, and what they have taken on this day, as the books say.

use super::decider::Decider;
use std::collections::BTreeMap;
use std::time::Duration;
use suanpan_ledger::account::AccountNo;
use suanpan_money::Timestamp;
use suanpan_payments::books::channel_receivable;
use suanpan_payments::decision::{ChannelAsk, Operation};
use suanpan_payments::routing::health::Circuit;

/// How long the history is waited for, and how long it is left alone when it was behind: the writer does nothing else
/// meanwhile.
const HISTORY_PATIENCE: Duration = Duration::from_millis(50);
const HISTORY_REST_SECONDS: i64 = 2;

/// What the accounts of channels with a limit for each day stood at when their day began.
#[derive(Default)]
pub(super) struct DayBegan {
    sums: BTreeMap<AccountNo, (Timestamp, u64)>,
    /// When the history may be asked again.
    again: Option<Timestamp>,
}

impl Decider {
    /// Looks at the channels anew.
    pub(super) fn look_at_channels(&mut self) {
        let now = self.draft.at();
        let mut standings = self.shared.channels.healths().standings(now);
        let shared = self.shared.clone();
        for terms in &shared.settings.routing.channels {
            let began = terms.day_began(now);
            for (currency, _) in terms.limits.iter().filter(|(_, limit)| limit.day_max.is_some()) {
                for live in [false, true].into_iter().filter(|live| !terms.takes(*live).is_empty()) {
                    let account = channel_receivable(live, &terms.name, *currency);
                    let taken = match self.book.find(&account.path, *currency) {
                        Some(number) => self.debited_since(number, began),
                        None => Some(0),
                    };
                    let standing = standings.0.entry(terms.name.clone()).or_default();
                    standing.taken.insert((live, *currency), taken);
                }
            }
        }
        self.standings = standings;
    }

    /// Notes a payment that goes to a channel, so that no other of this batch is sent to see whether the channel is back.
    pub(super) fn note_sent(&mut self, ask: &ChannelAsk) {
        if ask.operation != Operation::Authorize {
            return;
        }
        let Some(standing) = self.standings.0.get_mut(&ask.channel) else { return };
        if standing.circuit == Circuit::Trial {
            standing.circuit = Circuit::Open;
            self.shared.channels.healths().sent(&ask.channel, self.draft.at());
        }
    }

    /// Returns what an account was debited since a moment, and what is held on it, in minor units; none where the history
    /// cannot say it now.
    fn debited_since(&mut self, number: AccountNo, began: Timestamp) -> Option<u64> {
        let sums = self.book.balance(number)?;
        let sum_now = sums.debits_posted.saturating_add(sums.debits_held);
        let known = self.day_began.sums.get(&number).filter(|(day, _)| *day == began);
        if let Some((_, sum_then)) = known {
            return Some(sum_now.saturating_sub(*sum_then));
        }
        let now = self.draft.at();
        if self.day_began.again.is_some_and(|again| now < again) {
            return None;
        }
        match self.shared.history.balance_at_within(number.0, began, HISTORY_PATIENCE) {
            Ok(then) => {
                self.day_began.sums.insert(number, (began, then.debits_posted));
                Some(sum_now.saturating_sub(then.debits_posted))
            }
            Err(error) => {
                tracing::warn!(%error, "what a channel has taken today is not known; it gets nothing");
                self.day_began.again = Some(now.plus_seconds(HISTORY_REST_SECONDS));
                None
            }
        }
    }
}
