//! The one place where requests leave for channels: values to messages, messages over a wire, answers back to values.

use crate::clock::Clock;
use crate::gateway::Gateway;
use crate::health::Healths;
use crate::line::CardLine;
use http::HeaderMap;
use std::sync::Arc;
use std::time::Duration;
use suanpan_channels::{
    AccountInput, Call, CardInput, CardNumber, Channel, ChannelAnswer, ChipInput, Exchange, HttpChannel,
    Lost, Notification, NotificationError, Request, Step, Trace, VaultError, Wire, judge, limits, too_long,
    unanswered,
};
use suanpan_money::Timestamp;
use suanpan_payments::decision::{ChannelAsk, ChannelOutcome, Operation};
use suanpan_payments::decline::DeclineCode;
use suanpan_payments::object::bank_agreement::{AccountSource, VaultedAccount};
use suanpan_payments::object::payment_method::{CardSource, VaultedCard};
use suanpan_payments::rejection::Rejection;
use suanpan_payments::routing::health::Heard;
use suanpan_payments::settings::Settings;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long an answer of a simulator in this process is waited for. What comes later is found out by an inquiry.
const PATIENCE: Duration = Duration::from_secs(20);

/// Requests that wait for a channel at a time: a channel that takes a second for each does so many of them a second.
const ASKS_AT_ONCE: usize = 512;
/// Inquiries that do.
const INQUIRIES_AT_ONCE: usize = 64;
/// How long a request waits for room. It is too old to be sent soon after.
const ROOM_PATIENCE: Duration = Duration::from_secs(2);

/// A channel with what leads to it.
#[derive(Clone)]
pub enum Way {
    /// A simulator in this process. Its calls block only for as long as it computes.
    Near(Arc<dyn Channel>, Arc<dyn Wire>),
    /// A line to a card network.
    Line(Arc<dyn Channel>, CardLine),
    /// Calls over HTTP.
    Http(Arc<dyn HttpChannel>, Gateway),
}

impl Way {
    fn name(&self) -> &str {
        match self {
            Way::Near(channel, _) | Way::Line(channel, _) => channel.name(),
            Way::Http(channel, _) => channel.name(),
        }
    }
}

/// All channels that this process talks to.
#[derive(Clone, Default)]
pub struct Channels {
    lanes: Vec<Lane>,
    healths: Arc<Healths>,
}

/// A way, and how much of it is in use: a channel that is slow holds up nobody but itself.
#[derive(Clone)]
struct Lane {
    way: Way,
    /// Requests that may wait for an answer at a time.
    asks: Arc<Semaphore>,
    /// Inquiries that may, so that a backlog of them leaves room for payments.
    inquiries: Arc<Semaphore>,
}

impl Channels {
    /// Makes the list.
    ///
    /// # Panics
    /// When the name of a channel has a slash: such names are those of balances.
    #[must_use]
    pub fn new(ways: Vec<Way>) -> Channels {
        assert!(ways.iter().all(|way| !way.name().contains('/')), "names of channels have no slash");
        let lane = |way| Lane {
            way,
            asks: Arc::new(Semaphore::new(ASKS_AT_ONCE)),
            inquiries: Arc::new(Semaphore::new(INQUIRIES_AT_ONCE)),
        };
        Channels { lanes: ways.into_iter().map(lane).collect(), healths: Arc::default() }
    }

    /// How they do.
    pub(crate) fn healths(&self) -> &Healths {
        &self.healths
    }

    /// Says whether there are to be lines to the channels.
    pub(crate) fn want(&self, wanted: bool) {
        for lane in &self.lanes {
            if let Way::Line(_, line) = &lane.way {
                line.want(wanted);
            }
        }
    }

    fn lane(&self, name: &str) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.way.name() == name)
    }

    fn way(&self, name: &str) -> Option<&Way> {
        self.lane(name).map(|lane| &lane.way)
    }

    /// Has a card taken in by the vault of the channel for this mode, so that no number goes any further. None
    /// when cards are not taken in this mode.
    pub(crate) fn vault(
        &self,
        source: &CardSource,
        live: bool,
        settings: &Settings,
        clock: &Clock,
    ) -> Option<Result<VaultedCard, Rejection>> {
        let channel = match self.way(settings.routing.card_keeper(live)?)? {
            Way::Near(channel, _) | Way::Line(channel, _) => channel,
            Way::Http(..) => return None,
        };
        let input = match source {
            CardSource::TestId(id) => CardInput::TestId(id.clone()),
            CardSource::Chip(chip) => CardInput::Chip(Box::new(ChipInput {
                track_2: chip.track_2.clone(),
                sequence: chip.sequence,
                data: chip.data.clone(),
                pin_block: chip.pin_block,
            })),
            CardSource::Number { number, exp_month, exp_year, cvc } => CardInput::Number {
                number: CardNumber(number.0.clone()),
                exp_month: *exp_month,
                exp_year: *exp_year,
                cvc: cvc.as_ref().map(|cvc| CardNumber(cvc.0.clone())),
            },
        };
        let card = channel.tokenize(&input, &settings.master_key, clock.now());
        let refuse =
            |error: VaultError| Rejection::Card { code: DeclineCode::parse(error.code()), charge: None };
        Some(card.map_err(refuse).map(|card| VaultedCard {
            channel: channel.name().to_owned(),
            token: card.token,
            brand: card.brand.to_owned(),
            country: card.country.map(str::to_owned),
            exp_month: card.exp_month,
            exp_year: card.exp_year,
            fingerprint: card.fingerprint,
            funding: card.funding.to_owned(),
            last4: card.last4,
            cvc_given: card.cvc_given,
            token_after: card.token_after,
        }))
    }

    /// Has an account sealed by the vault of the channel over which agreements are made in this mode, so that no number
    /// goes any further. None when there is none.
    pub(crate) fn seal_account(
        &self,
        source: &AccountSource,
        live: bool,
        settings: &Settings,
    ) -> Option<VaultedAccount> {
        let channel = match self.way(settings.routing.agreement_keeper(live)?)? {
            Way::Http(channel, _) => channel,
            Way::Near(..) | Way::Line(..) => return None,
        };
        let account = AccountInput {
            bank: source.bank.clone(),
            number: source.number.0.clone(),
            holder: source.holder.0.clone(),
            id_number: source.id_number.0.clone(),
            phone: source.phone.0.clone(),
        };
        let token = channel.seal_account(&account)?;
        Some(VaultedAccount { channel: channel.name().to_owned(), token })
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn ask(&self, asked: &ChannelAsk, clock: &Clock) -> ChannelOutcome {
        self.exchange(asked, call_of(asked.operation), clock).await
    }

    /// Asks what became of a request.
    pub(crate) async fn inquire(&self, asked: &ChannelAsk, clock: &Clock) -> ChannelOutcome {
        self.exchange(asked, Call::Inquire, clock).await
    }

    async fn exchange(&self, asked: &ChannelAsk, call: Call, clock: &Clock) -> ChannelOutcome {
        let Some(lane) = self.lane(&asked.channel) else {
            // It was there when the request was made, and may have been asked: so nothing is known.
            return ChannelOutcome::Unknown { why: format!("channel {} is not configured", asked.channel) };
        };
        let place = lane.enter(call).await;
        let request = Request {
            call,
            about: call_of(asked.operation),
            trace: Trace(asked.trace),
            // Signatures tell the time at which something is sent, and answers are held against it.
            now: clock.now(),
            reference: asked.reference.clone(),
            original: asked.original.clone(),
            original_id: asked.original_id.clone(),
            authorization_code: asked.authorization_code.clone(),
            token: asked.token.clone(),
            amount_minor: asked.amount_minor,
            currency: asked.currency,
            capture: asked.capture,
            authenticated: asked.authenticated,
            off_session: asked.off_session,
            awaiting_until: asked.awaiting_until,
        };
        // What is new must not go out when somebody else may have undone it meanwhile.
        let born = (call != Call::Inquire).then_some(request.trace);
        if place.is_none() {
            return outcome_of(unanswered(&request, Lost::Untried));
        }
        let said = match &lane.way {
            Way::Near(channel, wire) => near(channel.as_ref(), wire.as_ref(), &request).await,
            Way::Line(channel, line) => {
                let came = match channel.build(&request) {
                    Some(message) => line.exchange(message, born).await,
                    None => Err(Lost::Untried),
                };
                Said::of(channel.as_ref(), &request, came)
            }
            Way::Http(channel, gateway) => over_http(channel.as_ref(), gateway, &request, born).await,
        };
        if let Some(heard) = said.heard(call) {
            self.healths.note(&asked.channel, heard, clock.now());
        }
        outcome_of(said.answer)
    }

    /// Reads what a channel tells by itself.
    ///
    /// # Errors
    /// When it is not to be believed, or there is no such channel.
    pub(crate) fn notification(
        &self,
        channel: &str,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Notification, NotificationError> {
        match self.way(channel) {
            Some(Way::Http(channel, _)) => channel.notification(headers, body, now),
            Some(Way::Near(..) | Way::Line(..)) | None => Err(NotificationError::Untold),
        }
    }
}

impl Lane {
    /// Waits for room; an inquiry until there is some. None when there is none for a request in time: it was not sent then.
    async fn enter(&self, call: Call) -> Option<SemaphorePermit<'_>> {
        if call == Call::Inquire {
            return self.inquiries.acquire().await.ok();
        }
        match self.asks.try_acquire() {
            Ok(place) => Some(place),
            Err(_) => tokio::time::timeout(ROOM_PATIENCE, self.asks.acquire()).await.ok()?.ok(),
        }
    }
}

/// What came of asking.
struct Said {
    answer: ChannelAnswer,
    sign: Sign,
}

/// What asking tells of the channel, beside the answer.
enum Sign {
    /// Nothing: it was not asked.
    Untried,
    /// It did not answer.
    Silence,
    /// It answered.
    Life,
}

impl Said {
    fn of(channel: &dyn Channel, request: &Request, came: Result<Vec<u8>, Lost>) -> Said {
        Said { sign: Sign::of(came.as_ref().err()), answer: judge(channel, request, came) }
    }

    fn nothing(request: &Request, lost: Lost) -> Said {
        Said { sign: Sign::of(Some(&lost)), answer: unanswered(request, lost) }
    }

    /// Says what is to be noted of the channel.
    const fn heard(&self, call: Call) -> Option<Heard> {
        match (&self.sign, call, &self.answer) {
            (Sign::Untried, ..) => None,
            (Sign::Silence, ..) => Some(Heard::Silence),
            // It came, and says neither that all is well nor that nobody is there.
            (Sign::Life, _, ChannelAnswer::Unknown { .. }) => None,
            (Sign::Life, Call::Authorize, ChannelAnswer::Approved { .. }) => Some(Heard::Success),
            (Sign::Life, Call::Authorize, ChannelAnswer::Declined { .. }) => Some(Heard::Decline),
            (Sign::Life, Call::Authorize, ChannelAnswer::ActionRequired | ChannelAnswer::Awaiting { .. }) => {
                Some(Heard::Waiting)
            }
            (
                Sign::Life,
                Call::Capture
                | Call::Void
                | Call::Refund
                | Call::Payout
                | Call::SignUp
                | Call::ConfirmSignUp
                | Call::Inquire,
                ChannelAnswer::Approved { .. }
                | ChannelAnswer::Declined { .. }
                | ChannelAnswer::ActionRequired
                | ChannelAnswer::Awaiting { .. },
            ) => Some(Heard::Answer),
        }
    }
}

impl Sign {
    const fn of(lost: Option<&Lost>) -> Sign {
        match lost {
            None => Sign::Life,
            Some(Lost::Untried) => Sign::Untried,
            Some(Lost::NotSent | Lost::Connection | Lost::TimeOut) => Sign::Silence,
        }
    }
}

/// Asks a simulator in this process.
async fn near(channel: &dyn Channel, wire: &dyn Wire, request: &Request) -> Said {
    let Some(bytes) = channel.build(request) else { return Said::nothing(request, Lost::Untried) };
    let Exchange { answer, latency } = wire.exchange(&bytes);
    if !latency.is_zero() {
        tokio::time::sleep(latency.min(PATIENCE)).await;
    }
    Said::of(channel, request, if latency > PATIENCE { Err(Lost::TimeOut) } else { answer })
}

/// Makes one call after the other until the channel's answer to a request is known. Where a later call is lost, nothing
/// is known: something was sent before.
async fn over_http(
    channel: &dyn HttpChannel,
    gateway: &Gateway,
    request: &Request,
    born: Option<Trace>,
) -> Said {
    let unknown = |why: String| ChannelAnswer::Unknown { why };
    let mut heard = Vec::new();
    loop {
        let call = match channel.next(request, &heard) {
            Step::Is(answer) if heard.is_empty() => return Said { answer, sign: Sign::Untried },
            Step::Is(answer) => return Said { answer, sign: Sign::Life },
            Step::Send(_) if heard.len() >= limits::CALLS_MAX => {
                let answer = unknown("the channel is asked without an end".to_owned());
                return Said { answer, sign: Sign::Life };
            }
            Step::Send(call) => call,
        };
        match gateway.exchange(call, born).await {
            Ok(answer) if answer.body().len() > limits::ANSWER_BYTES => {
                return Said { answer: too_long(), sign: Sign::Life };
            }
            Ok(answer) => heard.push(answer),
            Err(lost) if heard.is_empty() => return Said::nothing(request, lost),
            Err(lost) => return Said { answer: unknown(lost.to_string()), sign: Sign::of(Some(&lost)) },
        }
    }
}

pub(crate) fn outcome_of(answer: ChannelAnswer) -> ChannelOutcome {
    match answer {
        ChannelAnswer::Approved { channel_id, authorization_code, issuer_data } => {
            ChannelOutcome::Approved { channel_id, authorization_code, issuer_data }
        }
        ChannelAnswer::Declined { code, .. } => ChannelOutcome::Declined { code },
        ChannelAnswer::ActionRequired => ChannelOutcome::ActionRequired,
        ChannelAnswer::Awaiting { show, expires_at } => ChannelOutcome::Awaiting { show, expires_at },
        ChannelAnswer::Unknown { why } => ChannelOutcome::Unknown { why },
    }
}

const fn call_of(operation: Operation) -> Call {
    match operation {
        Operation::Authorize => Call::Authorize,
        Operation::Capture => Call::Capture,
        Operation::Void => Call::Void,
        Operation::Refund => Call::Refund,
        Operation::SignUp => Call::SignUp,
        Operation::ConfirmSignUp => Call::ConfirmSignUp,
    }
}
