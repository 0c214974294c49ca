//! `att_…`: one try of an intent over one channel.

use crate::decision::Operation;
use crate::object::Tag;
use crate::object::payment_method::PaymentMethod;
use crate::object::source::{Leg, LegState};
use crate::request::card::is_used_once;
use crate::routing::{Chosen, Route};
use crate::state::attempt::AttemptStatus;
use serde::{Deserialize, Serialize};
use std::fmt;
use suanpan_money::Currency;

/// An attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Attempt {
    /// `att_…`
    pub id: String,
    /// `attempt`
    #[schema(value_type = String)]
    pub object: Tag,
    /// How much the channel is asked for, in minor units.
    pub amount: i64,
    /// What the channel took, in minor units.
    pub amount_captured: i64,
    /// The customer has proven to be the holder.
    pub authenticated: bool,
    /// The code that the issuer gave.
    pub authorization_code: Option<String>,
    /// Whether the money is taken at once.
    pub capture: bool,
    /// The channel.
    pub channel: String,
    /// The channel's own name for it.
    pub channel_id: Option<String>,
    /// The charge that came of it.
    pub charge: Option<String>,
    /// When the confirmation was made for which other channels were tried before, seconds; none for the first attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<i64>,
    /// When it was made, seconds.
    pub created: i64,
    /// The currency.
    #[serde(with = "crate::wire::currency")]
    #[schema(value_type = String)]
    pub currency: Currency,
    /// Why it was declined.
    pub decline_code: Option<String>,
    /// Until when what is set aside may be taken, or the channel waits for the customer, seconds.
    pub expires_at: Option<i64>,
    /// The entry that set the money aside, `je_…`.
    pub hold: Option<String>,
    /// How often the channel was asked what became of the pending operation.
    pub inquiries: u32,
    /// Money that came when it was not wanted any more; none mostly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_payment: Option<Late>,
    /// What comes from what the customer has with us, besides the amount of the attempt; none mostly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub legs: Vec<Leg>,
    /// Whether in live mode.
    pub livemode: bool,
    /// The customer is not there.
    pub off_session: bool,
    /// Requests of this attempt that were sent, to name the next one.
    pub operations: u32,
    /// The intent.
    pub payment_intent: String,
    /// With what, `pm_…`.
    pub payment_method: String,
    /// What is at the channel now.
    pub pending: Option<Pending>,
    /// The attempt of the intent before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// The name of the authorization at the channel.
    pub reference: String,
    /// Where the customer comes back to.
    pub return_url: Option<String>,
    /// Decline instead of asking for an action of the customer.
    pub refuse_action: bool,
    /// What chose its channel; none where there was nothing to choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<Chosen>,
    /// Where it stands.
    pub status: AttemptStatus,
    /// Channels that were tried before this one for the same confirmation, and did nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<String>,
    /// Why its end is not known.
    pub unknown_reason: Option<String>,
    /// What nobody outside sees.
    #[serde(default)]
    #[schema(ignore)]
    pub internal: Internal,
}

/// A payment that came when the attempt was over or being called off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Late {
    /// When the channel told of it, seconds.
    pub received_at: i64,
    /// When the channel said that it went back, seconds; none until then.
    pub returned_at: Option<i64>,
}

/// What is kept of an attempt for ourselves.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Internal {
    /// The card, as the channel names it; empty for a balance, and in attempts of before.
    pub token: String,
    /// How its channel was chosen among all, for the operator; none where there was nothing to choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Route>,
}

/// A code that the customer showed is as good as money, so it is not shown.
impl fmt::Debug for Internal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Internal")
            .field("has_token", &!self.token.is_empty())
            .field("route", &self.route)
            .finish()
    }
}

impl Attempt {
    /// Returns until when a channel waits for its customer, seconds; none when none does.
    #[must_use]
    pub fn awaiting_until(&self) -> Option<i64> {
        self.expires_at.filter(|_| self.status == AttemptStatus::AwaitingCustomer)
    }

    /// Returns what the payment comes to with all its sources, in minor units.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.amount + self.legs.iter().map(|leg| leg.amount).sum::<i64>()
    }

    /// Returns what is set aside of a source and goes free as soon as another attempt takes the place of this one, in minor
    /// units: while its customer is waited for, and nothing is at a channel that could still take the rest.
    #[must_use]
    pub fn held_of(&self, source: &str) -> i64 {
        let waits = matches!(self.status, AttemptStatus::Created | AttemptStatus::AwaitingCustomer);
        let held = self.legs.iter().filter(|leg| leg.state == LegState::Held && leg.source == source);
        if waits { held.map(|leg| leg.amount).sum() } else { 0 }
    }

    /// Forgets the code that the customer showed, or what the chip of the card gave: what comes now needs it no more, and
    /// of a card its number alone.
    pub(crate) fn forget_code(&mut self, method: &PaymentMethod) {
        if is_used_once(&method.kind) {
            self.internal.token = method.internal.token_after.clone().unwrap_or_default();
        }
    }

    /// Notes that what may have come late went back.
    pub(crate) fn note_returned(&mut self, now: i64) {
        if let Some(late) = &mut self.late_payment {
            late.returned_at.get_or_insert(now);
        }
    }

    /// Whether its money is still wanted: nothing was asked yet to undo it.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.pending.as_ref().is_none_or(|pending| pending.operation != Operation::Void)
    }

    /// Returns the card, as the channel names it.
    #[must_use]
    pub fn token(&self) -> Option<String> {
        Some(self.internal.token.clone()).filter(|token| !token.is_empty())
    }
}

/// An operation that is at a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Pending {
    /// What was asked.
    pub operation: Operation,
    /// How much, in minor units.
    pub amount: i64,
    /// Its name at the channel.
    pub reference: String,
    /// Why a void was asked: a reason of the merchant, or `automatic` when time was over.
    pub reason: Option<String>,
}
