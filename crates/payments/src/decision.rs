//! What rules read and what they want written: plain values between the rules and the engine.

use crate::books::Source;
use crate::id::IdSource;
use crate::object::bank_agreement::{AccountSource, VaultedAccount};
use crate::object::payment_method::{CardSource, VaultedCard};
use crate::rejection::Rejection;
use crate::routing::health::Standings;
use crate::settings::Settings;
use serde::{Deserialize, Serialize};
use std::fmt;
use suanpan_ledger::entry::{Action, EntryId};
use suanpan_money::{Currency, Timestamp};

/// The kinds of stored objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// `pi_…`
    PaymentIntent,
    /// `att_…`
    Attempt,
    /// `ch_…`
    Charge,
    /// `re_…`
    Refund,
    /// `cus_…`
    Customer,
    /// `pm_…`
    PaymentMethod,
    /// `txn_…`
    BalanceTransaction,
    /// `evt_…`
    Event,
    /// `we_…`
    WebhookEndpoint,
    /// `acct_…`
    Account,
    /// `key_…`
    ApiKey,
    /// `cs_…`
    CheckoutSession,
    /// `bagr_…`
    BankAgreement,
}

impl ObjectKind {
    /// All kinds.
    pub const ALL: [ObjectKind; 13] = [
        ObjectKind::PaymentIntent,
        ObjectKind::Attempt,
        ObjectKind::Charge,
        ObjectKind::Refund,
        ObjectKind::Customer,
        ObjectKind::PaymentMethod,
        ObjectKind::BalanceTransaction,
        ObjectKind::Event,
        ObjectKind::WebhookEndpoint,
        ObjectKind::Account,
        ObjectKind::ApiKey,
        ObjectKind::CheckoutSession,
        ObjectKind::BankAgreement,
    ];

    /// Returns the name that stands in the member `object`, and as kind in the store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ObjectKind::PaymentIntent => "payment_intent",
            ObjectKind::Attempt => "attempt",
            ObjectKind::Charge => "charge",
            ObjectKind::Refund => "refund",
            ObjectKind::Customer => "customer",
            ObjectKind::PaymentMethod => "payment_method",
            ObjectKind::BalanceTransaction => "balance_transaction",
            ObjectKind::Event => "event",
            ObjectKind::WebhookEndpoint => "webhook_endpoint",
            ObjectKind::Account => "account",
            ObjectKind::ApiKey => "api_key",
            ObjectKind::CheckoutSession => "checkout.session",
            ObjectKind::BankAgreement => "bank_agreement",
        }
    }

    /// Returns what ids of this kind begin with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            ObjectKind::PaymentIntent => "pi_",
            ObjectKind::Attempt => "att_",
            ObjectKind::Charge => "ch_",
            ObjectKind::Refund => "re_",
            ObjectKind::Customer => "cus_",
            ObjectKind::PaymentMethod => "pm_",
            ObjectKind::BalanceTransaction => "txn_",
            ObjectKind::Event => "evt_",
            ObjectKind::WebhookEndpoint => "we_",
            ObjectKind::Account => "acct_",
            ObjectKind::ApiKey => "key_",
            ObjectKind::CheckoutSession => "cs_",
            ObjectKind::BankAgreement => "bagr_",
        }
    }

    /// Finds a kind by its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<ObjectKind> {
        ObjectKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// An object to be written, as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectWrite {
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: ObjectKind,
    /// Whose it is, `acct_…`.
    pub merchant: String,
    /// Whether it stands in live mode.
    pub live: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Counts its writes from 1.
    pub version: u32,
    /// The object as JSON, with its member `internal` where the kind has one; see
    /// [`crate::object::api_view`].
    pub body: String,
}

/// A name under which an object is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What the name stands for; one of [`crate::link`].
    pub name: &'static str,
    /// The value.
    pub key: String,
    /// The object found.
    pub id: String,
    /// At most one object may have this name and key, for ever.
    pub unique: bool,
}

/// A ledger account by path, before anybody looked up its number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountRef {
    /// The path.
    pub path: String,
    /// The currency.
    pub currency: Currency,
}

/// One line of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The account that is debited.
    pub debit: AccountRef,
    /// The account that is credited.
    pub credit: AccountRef,
    /// How much, in minor units.
    pub amount_minor: u64,
}

/// A journal entry to be booked. All entries of one decision succeed or fail together, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryDraft {
    /// Its id.
    pub id: EntryId,
    /// What it does.
    pub action: Action,
    /// What it is for; see [`crate::books::Code`].
    pub code: u16,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// Something that happened, to be told to whoever listens. [`crate::object::event::event_body`] makes the
/// stored object of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventDraft {
    /// Its id, `evt_…`.
    pub id: String,
    /// Its type, such as `payment_intent.succeeded`.
    pub kind: &'static str,
    /// The object it is about.
    pub object_id: String,
    /// That object as it is now, as the API shows it.
    pub snapshot: String,
    /// The former values of the members that changed, as a JSON object; updates only.
    pub previous: Option<String>,
}

/// What is to be done after the commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum JobBody {
    /// Send a request to a channel, and bring its answer back as [`crate::command::Command::Outcome`]. The
    /// engine sends it at once after the commit, without waiting for the time of the job. A job that is still
    /// there when it is due (after a crash) may have been sent: it is handled as [`JobBody::Inquire`].
    AskChannel(ChannelAsk),
    /// Ask a channel what became of a request, and bring the answer back the same way.
    Inquire(ChannelAsk),
    /// Give an authorization back that nobody captured: [`crate::command::Command::Expire`].
    ExpireAuthorization {
        /// Whose payment it is.
        merchant: String,
        /// Whether in live mode.
        live: bool,
        /// The intent.
        payment_intent: String,
        /// The attempt that was authorized.
        attempt: String,
    },
    /// End a checkout session whose time is over: [`crate::command::Command::ExpireCheckoutSession`].
    ExpireCheckoutSession {
        /// Whose it is.
        merchant: String,
        /// Whether in live mode.
        live: bool,
        /// The session.
        session: String,
    },
}

impl JobBody {
    /// The names of all kinds of jobs.
    pub const KINDS: [&'static str; 4] =
        ["ask_channel", "inquire", "expire_authorization", "expire_checkout_session"];

    /// Returns the name of the kind of job.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            JobBody::AskChannel(_) => "ask_channel",
            JobBody::Inquire(_) => "inquire",
            JobBody::ExpireAuthorization { .. } => "expire_authorization",
            JobBody::ExpireCheckoutSession { .. } => "expire_checkout_session",
        }
    }
}

/// A job to be kept until it is done. Writing one under the same id replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobDraft {
    /// Its id.
    pub id: String,
    /// Not before.
    pub due: Timestamp,
    /// The particulars.
    pub body: JobBody,
}

/// What a channel can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Set money aside on a card, or take it at once.
    Authorize,
    /// Take money that was set aside.
    Capture,
    /// Give back money that was set aside.
    Void,
    /// Give back money that was taken.
    Refund,
    /// Ask a bank for an agreement about an account.
    SignUp,
    /// Sign it with the code that the bank sent to the holder.
    ConfirmSignUp,
}

/// A request to a channel, as values.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelAsk {
    /// The channel.
    pub channel: String,
    /// What to do.
    pub operation: Operation,
    /// Whose payment it is.
    pub merchant: String,
    /// Whether in live mode.
    pub live: bool,
    /// The object whose outcome this decides: `att_…`, `re_…` for a refund, or `bagr_…` for an agreement.
    pub object: String,
    /// Names this request at the channel for ever: the same reference is never done twice.
    pub reference: String,
    /// The reference of the authorization that is captured, voided or refunded, or of the sign-up that is confirmed.
    pub original: Option<String>,
    /// The channel's own name for that authorization.
    #[serde(default)]
    pub original_id: Option<String>,
    /// The code that the issuer gave to that authorization, or that the bank sent to the holder of an account.
    #[serde(default)]
    pub authorization_code: Option<String>,
    /// The moment that names this request for channels that take no long references, microseconds since the epoch. The
    /// sequencer gives each moment away once, when it takes the decision in; 0 until then.
    #[serde(default)]
    pub trace: i64,
    /// The card, the account or the agreement, as the channel names it.
    pub token: Option<String>,
    /// How much, in minor units.
    pub amount_minor: u64,
    /// The currency.
    #[serde(with = "crate::wire::currency")]
    pub currency: Currency,
    /// Take the money at once; authorizations only.
    pub capture: bool,
    /// The customer has proven to be the holder of the card.
    pub authenticated: bool,
    /// The customer is not there to prove anything.
    pub off_session: bool,
    /// Until when the channel waits for the customer, seconds; none where it has not said that it does.
    #[serde(default)]
    pub awaiting_until: Option<i64>,
}

/// A code that the customer showed is as good as money, so it is not shown.
impl fmt::Debug for ChannelAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ChannelAsk { channel, operation, merchant, live, object, reference, original, .. } = self;
        let mut shown = f.debug_struct("ChannelAsk");
        shown.field("channel", channel).field("operation", operation).field("merchant", merchant);
        shown.field("live", live).field("object", object).field("reference", reference);
        shown.field("original", original).field("has_token", &self.token.is_some());
        shown.field("amount_minor", &self.amount_minor).field("currency", &self.currency);
        shown.field("trace", &self.trace).field("awaiting_until", &self.awaiting_until);
        shown.finish_non_exhaustive()
    }
}

/// What a channel answered, as values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ChannelOutcome {
    /// It was done, and will not be undone by itself.
    Approved {
        /// The channel's own name for it.
        channel_id: String,
        /// The code that the issuer gave, where there is one.
        authorization_code: Option<String>,
        /// What the issuer says to the card's chip, in hexadecimal; none of payments without one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        issuer_data: Option<String>,
    },
    /// It was not done and will not be.
    Declined {
        /// Why, in words of [`crate::decline::DeclineCode`]; an unknown word is a generic decline.
        code: String,
    },
    /// It was not done; the customer must prove to be the holder of the card first.
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

/// The answer to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body as JSON.
    pub body: String,
}

/// What a rule wants written, all of it or nothing, and answered after that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Objects made or changed; at most one write for each id.
    pub objects: Vec<ObjectWrite>,
    /// Names of objects.
    pub links: Vec<Link>,
    /// Entries in the books.
    pub entries: Vec<EntryDraft>,
    /// What to tell.
    pub events: Vec<EventDraft>,
    /// What to do afterwards.
    pub jobs: Vec<JobDraft>,
    /// Jobs that are done by this, by id.
    pub jobs_done: Vec<String>,
    /// What to answer. After a decision with an [`JobBody::AskChannel`] whoever asked would rather wait for
    /// the answer of the outcome.
    pub answer: Answer,
}

impl Decision {
    /// Takes out the request to a source that needs no asking, because the books alone decide, with the id of its job;
    /// none when there is none.
    pub fn take_own(&mut self) -> Option<(String, ChannelAsk)> {
        let own = |job: &JobDraft| match &job.body {
            JobBody::AskChannel(ask) => matches!(Source::of(&ask.channel), Source::CustomerBalance(_)),
            JobBody::Inquire(_)
            | JobBody::ExpireAuthorization { .. }
            | JobBody::ExpireCheckoutSession { .. } => false,
        };
        let at = self.jobs.iter().position(own)?;
        let JobDraft { id, body, .. } = self.jobs.remove(at);
        match body {
            JobBody::AskChannel(ask) => Some((id, ask)),
            JobBody::Inquire(_)
            | JobBody::ExpireAuthorization { .. }
            | JobBody::ExpireCheckoutSession { .. } => None,
        }
    }

    /// Puts a decision behind this one that was made on what this one writes, so that both are written as one. The
    /// entries of both are booked already.
    #[must_use]
    pub fn then(mut self, next: Decision) -> Decision {
        for mut write in next.objects {
            match self.objects.iter_mut().find(|earlier| earlier.id == write.id) {
                Some(earlier) => {
                    write.version = earlier.version;
                    *earlier = write;
                }
                None => self.objects.push(write),
            }
        }
        self.links.extend(next.links);
        self.entries.extend(next.entries);
        self.events.extend(next.events);
        self.jobs.retain(|job| !next.jobs_done.contains(&job.id));
        self.jobs.extend(next.jobs);
        self.jobs_done.extend(next.jobs_done);
        self.answer = next.answer;
        self
    }
}

/// What is known with a decision that nobody has written yet.
#[derive(Clone, Copy)]
pub struct Ahead<'a> {
    /// What was gathered for it.
    pub gathered: &'a dyn Gathered,
    /// The decision.
    pub decision: &'a Decision,
}

impl Gathered for Ahead<'_> {
    fn object(&self, id: &str) -> Option<Found<'_>> {
        let write = self.decision.objects.iter().find(|write| write.id == id);
        let found = write.map(|write| Found {
            kind: write.kind,
            merchant: &write.merchant,
            live: write.live,
            created: write.created,
            version: write.version,
            body: &write.body,
        });
        found.or_else(|| self.gathered.object(id))
    }

    fn link(&self, name: &str, key: &str) -> Option<&str> {
        let named = |link: &&Link| link.unique && link.name == name && link.key == key;
        let link = self.decision.links.iter().find(named);
        link.map(|link| link.id.as_str()).or_else(|| self.gathered.link(name, key))
    }

    fn card(&self) -> Option<&Result<VaultedCard, Rejection>> {
        self.gathered.card()
    }

    fn available(&self, account: &AccountRef) -> Option<u64> {
        self.gathered.available(account)
    }

    fn account(&self) -> Option<&VaultedAccount> {
        self.gathered.account()
    }
}

/// What surrounds a decision.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The time.
    pub now: Timestamp,
    /// Whose request it is, `acct_…`.
    pub merchant: &'a str,
    /// Whether it was made with a key of live mode.
    pub live: bool,
    /// Random bytes for ids and secrets, used for this decision only.
    pub random: [u8; 32],
    /// What is configured.
    pub settings: &'a Settings,
    /// How channels stand.
    pub standings: &'a Standings,
}

impl Context<'_> {
    /// Makes the source of ids of this decision.
    #[must_use]
    pub fn ids(&self) -> IdSource {
        IdSource::new(self.random, self.now)
    }
}

/// An object as it is stored.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// Its kind.
    pub kind: ObjectKind,
    /// Whose it is.
    pub merchant: &'a str,
    /// Whether it stands in live mode.
    pub live: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Its version.
    pub version: u32,
    /// The stored JSON.
    pub body: &'a str,
}

/// What was gathered for a decision. What is not there reads as if it did not exist; so all that
/// [`crate::command::Command::needs`] names must have been looked up.
pub trait Gathered {
    /// Returns an object by id.
    fn object(&self, id: &str) -> Option<Found<'_>>;
    /// Returns the object that has a unique name.
    fn link(&self, name: &str, key: &str) -> Option<&str>;
    /// Returns what the vault of the channel made of [`Needs::card`].
    fn card(&self) -> Option<&Result<VaultedCard, Rejection>>;
    /// Returns what an account has and is not set aside, in minor units, below zero as zero; none where it was never opened.
    fn available(&self, account: &AccountRef) -> Option<u64>;
    /// Returns what the vault of a channel made of [`Needs::account`]; none when no channel makes agreements in this mode.
    fn account(&self) -> Option<&VaultedAccount> {
        None
    }
}

/// What a rule must know before it can decide.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Needs {
    /// Objects by id. Some may not exist.
    pub ids: Vec<String>,
    /// Unique names.
    pub links: Vec<(&'static str, String)>,
    /// A card that the channel's vault must take in. What the vault refuses comes back through
    /// [`Gathered::card`] as [`Rejection::Card`], or as [`Rejection::ResourceMissing`] for a test id that it does
    /// not know.
    pub card: Option<CardSource>,
    /// An account that the vault of a channel must seal.
    pub account: Option<AccountSource>,
}
