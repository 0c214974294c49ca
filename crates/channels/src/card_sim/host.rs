//! What the channel talks to: it keeps what was done, and may be told to lose answers.

use super::cards::Behaviour;
use super::message::{ACTION, APPROVED, AnswerMessage, DECLINED, RequestMessage};
use super::tokens;
use crate::faults::{Fault, Faults};
use crate::{Call, Exchange, Lost, Wire, limits};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use suanpan_money::Currency;

/// How a host behaves towards all cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostSettings {
    /// How long an answer takes.
    pub latency: Duration,
    /// How long an answer takes for the slow card.
    pub slow: Duration,
    /// Faults by chance.
    pub faults: Faults,
    /// Requests that are remembered.
    pub remembered: usize,
}

impl Default for HostSettings {
    fn default() -> HostSettings {
        HostSettings {
            latency: Duration::ZERO,
            slow: Duration::from_secs(3),
            faults: Faults::default(),
            remembered: limits::REMEMBERED_REQUESTS,
        }
    }
}

/// What a host holds true about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// What was asked.
    pub call: Call,
    /// How much, in minor units.
    pub amount_minor: u64,
    /// The currency.
    pub currency: Currency,
    /// Whether it was done.
    pub done: bool,
    /// How often it arrived; it was done once at most.
    pub arrivals: u32,
    /// What was taken of an authorization, in minor units.
    pub captured_minor: u64,
    /// What was given back of it, in minor units.
    pub refunded_minor: u64,
    /// Whether it was released.
    pub voided: bool,
    answer: Said,
    behaviour: Behaviour,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Approved,
    Declined(&'static str),
    Action,
}

/// Sums over all that a host remembers, in minor units of one currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Taken.
    pub captured_minor: u128,
    /// Given back.
    pub refunded_minor: u128,
    /// Set aside and neither taken nor released.
    pub open_minor: u128,
}

#[derive(Debug, Default)]
struct State {
    truths: HashMap<String, Truth>,
    order: VecDeque<String>,
}

/// The host of the simulator.
#[derive(Debug)]
pub struct Host {
    settings: HostSettings,
    state: Mutex<State>,
}

impl Host {
    /// Makes a host that knows nothing yet.
    #[must_use]
    pub fn new(settings: HostSettings) -> Host {
        Host { settings, state: Mutex::new(State::default()) }
    }

    /// Returns what is true about a request; none when it never arrived.
    #[must_use]
    pub fn truth(&self, reference: &str) -> Option<Truth> {
        self.lock().truths.get(reference).cloned()
    }

    /// Returns the sums of each currency.
    #[must_use]
    pub fn totals(&self) -> BTreeMap<Currency, Totals> {
        let mut sums: BTreeMap<Currency, Totals> = BTreeMap::new();
        for truth in self.lock().truths.values().filter(|truth| truth.call == Call::Authorize && truth.done) {
            let sum = sums.entry(truth.currency).or_default();
            sum.captured_minor += u128::from(truth.captured_minor);
            sum.refunded_minor += u128::from(truth.refunded_minor);
            if !truth.voided && truth.captured_minor == 0 {
                sum.open_minor += u128::from(truth.amount_minor);
            }
        }
        sums
    }

    // A panic elsewhere while the lock was held cannot leave half a change: each is made in one step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, message: &RequestMessage<'_>) -> Exchange {
        let mut state = self.lock();
        let behaviour = state.behaviour(message);
        let reference = message.reference.as_ref();
        let arrived = state.truths.get(reference).map_or(0, |truth| truth.arrivals);
        let inquiry = message.call == Call::Inquire;
        let (fault, delay) =
            if inquiry { (Fault::None, Duration::ZERO) } else { self.fault(reference, arrived, behaviour) };
        let slow = behaviour == Behaviour::Slow && message.call == Call::Authorize;
        let latency = delay + if slow { self.settings.slow } else { self.settings.latency };
        if matches!(fault, Fault::LostBefore | Fault::HangUp { done: false }) {
            return Exchange { answer: Err(Lost::Connection), latency };
        }
        let said = if inquiry { state.inquire(message) } else { state.apply(message, behaviour) };
        state.forget(self.settings.remembered);
        let bytes = answer(message, &said);
        match fault {
            Fault::LostAfter => Exchange { answer: Err(Lost::TimeOut), latency },
            // Half of an answer: what a proxy leaves of it when it breaks.
            Fault::Garbled => Exchange { answer: Ok(bytes[..bytes.len() / 2].to_vec()), latency },
            Fault::HangUp { .. } => Exchange { answer: Err(Lost::Connection), latency },
            // One call has one answer: a second one would have nowhere to go.
            Fault::None | Fault::Twice | Fault::Late | Fault::LostBefore => {
                Exchange { answer: Ok(bytes), latency }
            }
        }
    }

    /// What goes wrong with a request, and how much longer its answer takes for that.
    fn fault(&self, reference: &str, arrived: u32, behaviour: Behaviour) -> (Fault, Duration) {
        match behaviour {
            Behaviour::LostBefore => (Fault::LostBefore, Duration::ZERO),
            Behaviour::LostAfter => (Fault::LostAfter, Duration::ZERO),
            Behaviour::Garbled => (Fault::Garbled, Duration::ZERO),
            _ if self.settings.faults == Faults::default() => (Fault::None, Duration::ZERO),
            _ => self.settings.faults.draw(reference.as_bytes(), arrived),
        }
    }
}

impl Wire for Host {
    fn exchange(&self, request: &[u8]) -> Exchange {
        match serde_json::from_slice::<RequestMessage<'_>>(request) {
            Ok(message) if Currency::from_numeric(message.currency).is_some() => self.handle(&message),
            // A host that cannot read a request hangs up.
            _ => Exchange { answer: Err(Lost::Connection), latency: self.settings.latency },
        }
    }
}

impl State {
    /// Says how the card of a request behaves, by its token or by the authorization it is about.
    fn behaviour(&self, message: &RequestMessage<'_>) -> Behaviour {
        if let Some(token) = &message.token {
            return tokens::behaviour(token).unwrap_or(Behaviour::Decline("incorrect_number"));
        }
        let original = message.original.as_deref().and_then(|original| self.truths.get(original));
        match original.map(|truth| truth.behaviour) {
            // Losing answers is for authorizations; what follows them works.
            Some(
                refusing @ (Behaviour::CaptureRefused | Behaviour::VoidRefused | Behaviour::RefundRefused),
            ) => refusing,
            _ => Behaviour::Approve,
        }
    }

    /// Does a request once; one that is known is answered as before.
    fn apply(&mut self, message: &RequestMessage<'_>, behaviour: Behaviour) -> Said {
        let reference = message.reference.as_ref();
        if let Some(truth) = self.truths.get_mut(reference) {
            truth.arrivals = truth.arrivals.saturating_add(1);
            // Another request under a used name is a fault of the sender; it is never done.
            let same = truth.call == message.call && truth.amount_minor == message.amount_minor;
            return if same { truth.answer.clone() } else { Said::Declined("processing_error") };
        }
        let said = match message.call {
            Call::Authorize => authorize(message, behaviour),
            Call::Capture | Call::Void | Call::Refund => self.follow_up(message, behaviour),
            Call::Inquire | Call::Payout | Call::SignUp | Call::ConfirmSignUp => {
                Said::Declined("processing_error")
            }
        };
        self.remember(message, said.clone(), behaviour, 1);
        said
    }

    fn remember(&mut self, message: &RequestMessage<'_>, said: Said, behaviour: Behaviour, arrivals: u32) {
        let done = said == Said::Approved;
        let at_once = done && message.call == Call::Authorize && message.capture;
        let truth = Truth {
            call: message.call,
            amount_minor: message.amount_minor,
            currency: Currency::from_numeric(message.currency).expect("it was checked on arrival"),
            done,
            arrivals,
            captured_minor: if at_once { message.amount_minor } else { 0 },
            refunded_minor: 0,
            voided: false,
            answer: said,
            behaviour,
        };
        self.truths.insert(message.reference.to_string(), truth);
        self.order.push_back(message.reference.to_string());
    }

    /// Does what follows an authorization. One that this host does not know (it was started anew, or has
    /// forgotten it) is believed to be what the request says.
    fn follow_up(&mut self, message: &RequestMessage<'_>, behaviour: Behaviour) -> Said {
        let refuses = matches!(
            (message.call, behaviour),
            (Call::Capture, Behaviour::CaptureRefused)
                | (Call::Void, Behaviour::VoidRefused)
                | (Call::Refund, Behaviour::RefundRefused)
        );
        if refuses {
            return Said::Declined("do_not_honor");
        }
        let original = message.original.as_deref().and_then(|original| self.truths.get_mut(original));
        let Some(original) = original else { return Said::Approved };
        let amount = message.amount_minor;
        let fits = original.done && !original.voided;
        match message.call {
            Call::Capture if fits && original.captured_minor == 0 && amount <= original.amount_minor => {
                original.captured_minor = amount;
                Said::Approved
            }
            Call::Void if fits && original.captured_minor == 0 => {
                original.voided = true;
                Said::Approved
            }
            Call::Refund if fits && amount <= original.captured_minor - original.refunded_minor => {
                original.refunded_minor += amount;
                Said::Approved
            }
            _ => Said::Declined("do_not_honor"),
        }
    }

    /// Answers what became of a request. One that never arrived is refused from now on.
    fn inquire(&mut self, message: &RequestMessage<'_>) -> Said {
        if let Some(truth) = self.truths.get(message.reference.as_ref()) {
            return truth.answer.clone();
        }
        let said = Said::Declined("processing_error");
        self.remember(message, said.clone(), Behaviour::Approve, 0);
        said
    }

    fn forget(&mut self, remembered: usize) {
        while self.order.len() > remembered {
            if let Some(oldest) = self.order.pop_front() {
                self.truths.remove(&oldest);
            }
        }
    }
}

fn authorize(message: &RequestMessage<'_>, behaviour: Behaviour) -> Said {
    match behaviour {
        Behaviour::Decline(code) => Said::Declined(code),
        Behaviour::Authenticate | Behaviour::AuthenticateThenDecline(_) if message.off_session => {
            Said::Declined("authentication_required")
        }
        Behaviour::Authenticate | Behaviour::AuthenticateThenDecline(_) if !message.authenticated => {
            Said::Action
        }
        Behaviour::AuthenticateThenDecline(code) => Said::Declined(code),
        Behaviour::Approve
        | Behaviour::Authenticate
        | Behaviour::LostAfter
        | Behaviour::LostBefore
        | Behaviour::Slow
        | Behaviour::Garbled
        | Behaviour::CaptureRefused
        | Behaviour::VoidRefused
        | Behaviour::RefundRefused => Said::Approved,
    }
}

fn answer(message: &RequestMessage<'_>, said: &Said) -> Vec<u8> {
    let channel_id = format!("sim_{}", message.reference);
    let (result, detail) = match said {
        Said::Approved => (APPROVED, channel_id.as_str()),
        Said::Declined(code) => (DECLINED, *code),
        Said::Action => (ACTION, ""),
    };
    let answer = AnswerMessage {
        reference: message.reference.as_ref().into(),
        result: result.into(),
        detail: detail.into(),
        amount_minor: message.amount_minor,
        currency: message.currency,
    };
    serde_json::to_vec(&answer).expect("a message has text keys and no floats")
}
