//! How channels stand when a batch is decided: their health, and what they have taken on this day, as the books say.

use super::decider::Decider;
use std::collections::BTreeMap;
use suanpan_money::{Currency, Timestamp};
use suanpan_payments::books::channel_receivable;
use suanpan_payments::decision::{ChannelAsk, Operation};
use suanpan_payments::routing::health::Circuit;

/// What the accounts of channels with a limit for each day stood at when their day began.
#[derive(Default)]
pub(super) struct DayBegan {
    sums: BTreeMap<(String, Currency), (Timestamp, u64)>,
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
                let taken = self.taken_since(&terms.name, *currency, began);
                let standing = standings.0.entry(terms.name.clone()).or_default();
                standing.taken.insert(*currency, taken);
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

    /// Returns what a channel has taken since a moment, and set aside, in minor units. Where the books cannot be asked it
    /// is more than any limit: a limit is not passed because it is not known.
    fn taken_since(&mut self, channel: &str, currency: Currency, began: Timestamp) -> u64 {
        let [live, test] = [true, false].map(|live| channel_receivable(live, channel, currency));
        let accounts: Vec<_> =
            [live, test].iter().filter_map(|named| self.book.find(&named.path, currency)).collect();
        let sum_now: u64 = accounts
            .iter()
            .filter_map(|number| self.book.balance(*number))
            .map(|sums| sums.debits_posted.saturating_add(sums.debits_held))
            .fold(0, u64::saturating_add);
        let key = (channel.to_owned(), currency);
        if let Some((day, sum)) = self.day_began.sums.get(&key)
            && *day == began
        {
            return sum_now.saturating_sub(*sum);
        }
        let mut sum_then = 0_u64;
        for number in accounts {
            match self.shared.history.balance_at(number.0, began) {
                Ok(sums) => sum_then = sum_then.saturating_add(sums.debits_posted),
                Err(error) => {
                    tracing::warn!(channel, %error, "what the channel has taken today is not known; it gets nothing");
                    return u64::MAX;
                }
            }
        }
        self.day_began.sums.insert(key, (began, sum_then));
        sum_now.saturating_sub(sum_then)
    }
}
