//! The one place where requests leave for channels: values to bytes, bytes over a wire, bytes back to values.

use crate::clock::Clock;
use crate::gateway::Gateway;
use crate::line::CardLine;
use std::sync::Arc;
use std::time::Duration;
use suanpan_channels::{
    Call, CardInput, CardNumber, Channel, ChannelAnswer, Lost, Notification, NotificationError, Request,
    Trace, VaultError, Wire, ask, judge,
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
pub struct Way {
    /// Which bytes mean what.
    pub channel: Arc<dyn Channel>,
    /// What carries them.
    pub carrier: Carrier,
}

/// What carries bytes to a channel and back.
#[derive(Clone)]
pub enum Carrier {
    /// A simulator in this process. Its calls block only for as long as it computes.
    Near(Arc<dyn Wire>),
    /// A line to a card network.
    Line(CardLine),
    /// Calls over HTTP.
    Http(Gateway),
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
        assert!(ways.iter().all(|way| !way.channel.name().contains('/')), "names of channels have no slash");
        Channels { ways }
    }

    /// Says whether there are to be lines to the channels.
    pub(crate) fn want(&self, wanted: bool) {
        for way in &self.ways {
            if let Carrier::Line(line) = &way.carrier {
                line.want(wanted);
            }
        }
    }

    fn way(&self, name: &str) -> Option<&Way> {
        self.ways.iter().find(|way| way.channel.name() == name)
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
        let way = self.way(settings.card_channel(live)?)?;
        let input = match source {
            CardSource::TestId(id) => CardInput::TestId(id.clone()),
            CardSource::Number { number, exp_month, exp_year, cvc } => CardInput::Number {
                number: CardNumber(number.0.clone()),
                exp_month: *exp_month,
                exp_year: *exp_year,
                cvc: cvc.as_ref().map(|cvc| CardNumber(cvc.0.clone())),
            },
        };
        let card = way.channel.tokenize(&input, &settings.master_key, clock.now());
        let refuse =
            |error: VaultError| Rejection::Card { code: DeclineCode::parse(error.code()), charge: None };
        Some(card.map_err(refuse).map(|card| VaultedCard {
            channel: way.channel.name().to_owned(),
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
        let channel = way.channel.as_ref();
        let answer = match &way.carrier {
            Carrier::Near(wire) => {
                let (answer, latency) = ask(channel, wire.as_ref(), &request);
                if !latency.is_zero() {
                    tokio::time::sleep(latency.min(PATIENCE)).await;
                }
                if latency > PATIENCE { judge(channel, &request, Err(Lost::TimeOut)) } else { answer }
            }
            Carrier::Line(line) => {
                let came = match channel.build(&request) {
                    Some(message) => line.exchange(message, born).await,
                    None => Err(Lost::NotSent),
                };
                judge(channel, &request, came)
            }
            Carrier::Http(gateway) => {
                let came = match channel.build(&request) {
                    Some(form) => gateway.exchange(form, born).await,
                    None => Err(Lost::NotSent),
                };
                judge(channel, &request, came)
            }
        };
        outcome_of(answer)
    }

    /// Reads what a channel tells by itself.
    ///
    /// # Errors
    /// When it is not to be believed, or there is no such channel.
    pub(crate) fn notification(&self, channel: &str, body: &[u8]) -> Result<Notification, NotificationError> {
        self.way(channel).ok_or(NotificationError::Untold)?.channel.notification(body)
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
