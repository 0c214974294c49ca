//! The one place where requests leave for channels: values to messages, messages over a wire, answers back to values.

use crate::clock::Clock;
use crate::gateway::Gateway;
use crate::line::CardLine;
use http::HeaderMap;
use std::sync::Arc;
use std::time::Duration;
use suanpan_channels::{
    Call, CardInput, CardNumber, Channel, ChannelAnswer, HttpChannel, Lost, Notification, NotificationError,
    Request, Step, Trace, VaultError, Wire, ask, judge, limits, too_long, unanswered,
};
use suanpan_money::Timestamp;
use suanpan_payments::decision::{ChannelAsk, ChannelOutcome, Operation};
use suanpan_payments::decline::DeclineCode;
use suanpan_payments::object::payment_method::{CardSource, VaultedCard};
use suanpan_payments::rejection::Rejection;
use suanpan_payments::settings::Settings;

/// How long an answer of a simulator in this process is waited for. What comes later is found out by an inquiry.
const PATIENCE: Duration = Duration::from_secs(20);

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
    ways: Vec<Way>,
}

impl Channels {
    /// Makes the list.
    ///
    /// # Panics
    /// When the name of a channel has a slash: such names are those of balances.
    #[must_use]
    pub fn new(ways: Vec<Way>) -> Channels {
        assert!(ways.iter().all(|way| !way.name().contains('/')), "names of channels have no slash");
        Channels { ways }
    }

    /// Says whether there are to be lines to the channels.
    pub(crate) fn want(&self, wanted: bool) {
        for way in &self.ways {
            if let Way::Line(_, line) = way {
                line.want(wanted);
            }
        }
    }

    fn way(&self, name: &str) -> Option<&Way> {
        self.ways.iter().find(|way| way.name() == name)
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
        let channel = match self.way(settings.card_channel(live)?)? {
            Way::Near(channel, _) | Way::Line(channel, _) => channel,
            Way::Http(..) => return None,
        };
        let input = match source {
            CardSource::TestId(id) => CardInput::TestId(id.clone()),
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
        }))
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn ask(&self, asked: &ChannelAsk, now: Timestamp) -> ChannelOutcome {
        self.exchange(asked, call_of(asked.operation), now).await
    }

    /// Asks what became of a request.
    pub(crate) async fn inquire(&self, asked: &ChannelAsk, now: Timestamp) -> ChannelOutcome {
        self.exchange(asked, Call::Inquire, now).await
    }

    async fn exchange(&self, asked: &ChannelAsk, call: Call, now: Timestamp) -> ChannelOutcome {
        let Some(way) = self.way(&asked.channel) else {
            // It was there when the request was made, and may have been asked: so nothing is known.
            return ChannelOutcome::Unknown { why: format!("channel {} is not configured", asked.channel) };
        };
        let request = Request {
            call,
            about: call_of(asked.operation),
            trace: Trace(asked.trace),
            now,
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
        let answer = match way {
            Way::Near(channel, wire) => {
                let (answer, latency) = ask(channel.as_ref(), wire.as_ref(), &request);
                if !latency.is_zero() {
                    tokio::time::sleep(latency.min(PATIENCE)).await;
                }
                if latency > PATIENCE { unanswered(&request, Lost::TimeOut) } else { answer }
            }
            Way::Line(channel, line) => {
                let came = match channel.build(&request) {
                    Some(message) => line.exchange(message, born).await,
                    None => Err(Lost::NotSent),
                };
                judge(channel.as_ref(), &request, came)
            }
            Way::Http(channel, gateway) => over_http(channel.as_ref(), gateway, &request, born).await,
        };
        outcome_of(answer)
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

/// Makes one call after the other until the channel's answer to a request is known. Where a later call is lost, nothing
/// is known: something was sent before.
async fn over_http(
    channel: &dyn HttpChannel,
    gateway: &Gateway,
    request: &Request,
    born: Option<Trace>,
) -> ChannelAnswer {
    let mut heard = Vec::new();
    loop {
        let call = match channel.next(request, &heard) {
            Step::Is(answer) => return answer,
            Step::Send(_) if heard.len() >= limits::CALLS_MAX => {
                return ChannelAnswer::Unknown { why: "the channel is asked without an end".to_owned() };
            }
            Step::Send(call) => call,
        };
        match gateway.exchange(call, born).await {
            Ok(answer) if answer.body().len() > limits::ANSWER_BYTES => return too_long(),
            Ok(answer) => heard.push(answer),
            Err(lost) if heard.is_empty() => return unanswered(request, lost),
            Err(lost) => return ChannelAnswer::Unknown { why: lost.to_string() },
        }
    }
}

pub(crate) fn outcome_of(answer: ChannelAnswer) -> ChannelOutcome {
    match answer {
        ChannelAnswer::Approved { channel_id, authorization_code } => {
            ChannelOutcome::Approved { channel_id, authorization_code }
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
    }
}
