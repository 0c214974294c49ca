//! Requests to channels and their answers, as values.

use std::fmt;
use suanpan_money::{Currency, Timestamp};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Set money aside, or take it at once.
    Authorize,
    /// Take what was set aside.
    Capture,
    /// Release what was set aside.
    Void,
    /// Give back what was taken.
    Refund,
    /// Pay money to an account.
    Payout,
    /// Ask for an agreement about an account: its bank sends a code to the holder.
    SignUp,
    /// Sign the agreement with that code.
    ConfirmSignUp,
    /// What became of the request with this reference? One that has not arrived is refused from then on, so
    /// that the answer stays true.
    Inquire,
}

/// The moment that names a request in protocols without long references: microseconds since the epoch. A cell gives each
/// moment to one request only, and no request the moment after it, so that its reversal can have that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trace(pub i64);

/// A request.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub call: Call,
    /// What an inquiry is about; otherwise the same as `call`.
    pub about: Call,
    /// Names the request for ever, for channels that take no long references.
    pub trace: Trace,
    /// When this is asked.
    pub now: Timestamp,
    /// Names the request for ever. The same reference is never done twice; it is answered as before. For
    /// [`Call::Inquire`] the request asked about.
    pub reference: String,
    /// The authorization that is captured, voided or refunded; or the sign-up that is confirmed.
    pub original: Option<String>,
    /// The channel's own name for that authorization.
    pub original_id: Option<String>,
    /// The code that the issuer gave to that authorization; or the one that the bank sent to the holder of an account.
    pub authorization_code: Option<String>,
    /// The card, or the account, as the vault calls it; the agreement that is paid by; or the code that the customer showed.
    pub token: Option<String>,
    /// How much, in minor units.
    pub amount_minor: u64,
    /// The currency.
    pub currency: Currency,
    /// Takes the money at once; authorizations only.
    pub capture: bool,
    /// The customer has proven to be the holder.
    pub authenticated: bool,
    /// The customer is not there.
    pub off_session: bool,
    /// Until when the channel waits for the customer, seconds; none where it has not said that it does.
    pub awaiting_until: Option<i64>,
}

/// A code that the customer showed is as good as money, so it is not shown.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Request { call, about, trace, now, reference, original, original_id, .. } = self;
        let mut shown = f.debug_struct("Request");
        shown.field("call", call).field("about", about).field("trace", trace).field("now", now);
        shown.field("reference", reference).field("original", original).field("original_id", original_id);
        shown.field("has_token", &self.token.is_some());
        shown.field("amount_minor", &self.amount_minor).field("currency", &self.currency);
        shown.field("awaiting_until", &self.awaiting_until).finish_non_exhaustive()
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelAnswer {
    /// It was done, and will not be undone by itself.
    Approved {
        /// The channel's own name for it.
        channel_id: String,
        /// The code that the issuer gave.
        authorization_code: Option<String>,
        /// What the issuer says to the card's chip, in hexadecimal; none of payments without one.
        issuer_data: Option<String>,
    },
    /// It was not done and will not be.
    Declined {
        /// Why, in the words of card declines.
        code: String,
        /// Whether it may succeed later or elsewhere.
        retryable: bool,
    },
    /// It was not done; the customer must prove to be the holder first.
    ActionRequired,
    /// It is done as soon as the customer agrees over there, at any time until it is called off.
    Awaiting {
        /// The text of a QR code that the customer scans; none when the customer is asked without one.
        show: Option<String>,
        /// Until when the customer is waited for, seconds.
        expires_at: i64,
    },
    /// Whether it was done is not known.
    Unknown {
        /// What happened.
        why: String,
    },
}
