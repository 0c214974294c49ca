//! Confirmation: the first of the two commits around a request to a channel, and what the customer does
//! between two of them.

use super::card_present::check_card_present;
use super::intent::{capture_method, check_owner};
use super::payment_method::{existing_customer, resolve};
use super::routing::{find_route, keep, no_channel};
use super::{Draft, Stored, combined, load};
use crate::books::Source;
use crate::decision::{ChannelAsk, Context, Decision, Gathered, JobBody, ObjectKind, Operation};
use crate::decline::DeclineCode;
use crate::limits;
use crate::object::account::Account;
use crate::object::attempt::{Attempt, Internal, Pending};
use crate::object::payment_intent::{CaptureMethod, PaymentIntent};
use crate::object::payment_method::PaymentMethod;
use crate::rejection::Rejection;
use crate::request::card::{
    BANK_AGREEMENT, CARD, CARD_PRESENT, CUSTOMER_BALANCE, PAYMENT_CODE, is_used_once,
};
use crate::request::given;
use crate::request::payment_intent::ConfirmPaymentIntent;
use crate::routing::Route;
use crate::state::attempt::{self, AttemptEvent, AttemptStatus};
use crate::state::intent::{IntentEvent, IntentStatus, next};

/// What a confirmation says beside the method.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConfirmOptions {
    pub(crate) off_session: bool,
    pub(crate) refuse_action: bool,
    pub(crate) return_url: Option<String>,
}

/// Returns the id of the job that sends or asks about what an object has at a channel. There is one at a
/// time, so that an inquiry replaces the request it asks about.
pub(crate) fn channel_job(object: &str) -> String {
    format!("channel/{object}")
}

/// Confirms an intent: makes an attempt and plans the request to the channel.
///
/// # Errors
/// [`Rejection`].
pub fn decide_confirm_begin(
    id: &str,
    request: &ConfirmPaymentIntent,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    request.check()?;
    let mut draft = Draft::new(ctx);
    let mut intent: Stored<PaymentIntent> = load(gathered, ctx, ObjectKind::PaymentIntent, id, "intent")?;
    check_client_secret(&intent.value, request.client_secret.as_deref())?;
    refuse_in_progress(gathered, ctx, &intent.value)?;
    // Told before anything about the method: in the wrong state no method helps.
    next(id, intent.value.status, IntentEvent::Confirmed)?;
    let named = match (given(request.payment_method.as_ref()), &request.payment_method_data) {
        (Some(id), _) => Some(id),
        (None, Some(_)) => None,
        (None, None) => intent.value.payment_method.clone(),
    };
    let method = resolve(&mut draft, gathered, named.as_deref(), request.payment_method_data.as_ref())?
        .ok_or_else(|| Rejection::ParameterMissing { param: "payment_method".to_owned() })?;
    if let Some(method) = capture_method(request.capture_method.as_deref()) {
        intent.value.capture_method = method;
    }
    if let Some(usage) = given(request.setup_future_usage.as_ref()) {
        intent.value.setup_future_usage = Some(usage);
    }
    if let Some(email) = given(request.receipt_email.as_ref()) {
        intent.value.receipt_email = Some(email);
    }
    let options = ConfirmOptions {
        off_session: request.off_session == Some(true),
        refuse_action: request.error_on_requires_action == Some(true),
        return_url: given(request.return_url.as_ref()),
    };
    begin_attempt(&mut draft, gathered, &mut intent, method, options)?;
    let body = draft.write(ObjectKind::PaymentIntent, id, &intent);
    Ok(draft.answer(ObjectKind::PaymentIntent, &body))
}

fn check_client_secret(intent: &PaymentIntent, secret: Option<&str>) -> Result<(), Rejection> {
    match secret {
        Some(secret) if !same(secret, &intent.client_secret) => Err(Rejection::ResourceMissing {
            kind: ObjectKind::PaymentIntent.name(),
            id: intent.id.clone(),
            param: "client_secret",
        }),
        _ => Ok(()),
    }
}

/// Compares two secrets by their hashes, so that the time it takes tells nothing about them.
fn same(left: &str, right: &str) -> bool {
    // Hashes of this crate compare in constant time.
    blake3::hash(left.as_bytes()) == blake3::hash(right.as_bytes())
}

/// Refuses what must wait for the answer of a channel.
pub(crate) fn refuse_in_progress(
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
    intent: &PaymentIntent,
) -> Result<(), Rejection> {
    if intent.status != IntentStatus::Processing {
        return Ok(());
    }
    let Some(latest) = &intent.latest_attempt else { return Ok(()) };
    let attempt: Stored<Attempt> = load(gathered, ctx, ObjectKind::Attempt, latest, "intent")?;
    match attempt.value.pending {
        Some(pending) => {
            Err(Rejection::InProgress { id: intent.id.clone(), operation: operation_word(pending.operation) })
        }
        None => Ok(()),
    }
}

pub(crate) const fn operation_word(operation: Operation) -> &'static str {
    match operation {
        Operation::Authorize => "an authorization",
        Operation::Capture => "a capture",
        Operation::Void => "a cancellation",
        Operation::Refund => "a refund",
        Operation::SignUp | Operation::ConfirmSignUp => "a sign-up",
    }
}

/// Makes an attempt that is sent, and writes the method where it is new. The caller writes the intent.
pub(crate) fn begin_attempt(
    draft: &mut Draft<'_>,
    gathered: &dyn Gathered,
    intent: &mut Stored<PaymentIntent>,
    mut method: Stored<PaymentMethod>,
    options: ConfirmOptions,
) -> Result<(), Rejection> {
    let ctx = draft.ctx;
    let intent = &mut intent.value;
    intent.status = next(&intent.id, intent.status, IntentEvent::Confirmed)?;
    if intent.attempts_made >= limits::ATTEMPTS_OF_INTENT {
        return Err(Rejection::TooManyAttempts { id: intent.id.clone(), limit: limits::ATTEMPTS_OF_INTENT });
    }
    check_merchant(gathered, ctx)?;
    check_owner(method.value.customer.as_deref(), intent.customer.as_deref(), &method.value.id)?;
    let origin = origin_of(draft, gathered, intent, &method.value, &options)?;
    if !intent.payment_method_types.contains(&method.value.kind) {
        let why = "its type is none of those that the PaymentIntent takes";
        return Err(Rejection::PaymentMethodState { id: method.value.id.clone(), why });
    }
    combined::check_method(intent, &method.value)?;
    give_up_latest(draft, gathered, intent)?;
    let id = draft.new_id(ObjectKind::Attempt);
    let mut attempt = new_attempt(ctx, id, intent, &method.value, origin.source);
    if let Some(route) = origin.route {
        keep(&mut attempt, route);
    }
    attempt.off_session = options.off_session;
    attempt.refuse_action = options.refuse_action;
    attempt.return_url = options.return_url;
    // A code or a cryptogram is good once, and from here on only the attempt has it.
    let is_code = is_used_once(&method.value.kind);
    if is_code {
        method.value.internal.token.clear();
    }
    combined::hold(draft, gathered, intent, &mut attempt)?;
    send_authorization(draft, &mut attempt)?;
    intent.latest_attempt = Some(attempt.id.clone());
    intent.attempts_made += 1;
    intent.payment_method = Some(method.value.id.clone());
    intent.next_action = None;
    intent.last_payment_error = None;
    draft.write(ObjectKind::Attempt, &attempt.id.clone(), &Stored::new(attempt, ctx));
    if method.version == 0 || is_code {
        draft.write(ObjectKind::PaymentMethod, &method.value.id, &method);
    }
    Ok(())
}

/// Where the money of an attempt comes from, and why from there.
struct Origin {
    source: String,
    route: Option<Route>,
}

/// Tells where the money of a method comes from.
fn origin_of(
    draft: &mut Draft<'_>,
    gathered: &dyn Gathered,
    intent: &PaymentIntent,
    method: &PaymentMethod,
    options: &ConfirmOptions,
) -> Result<Origin, Rejection> {
    if method.kind == CUSTOMER_BALANCE {
        let missing = || Rejection::ParameterMissing { param: "customer".to_owned() };
        let customer = intent.customer.as_deref().ok_or_else(missing)?;
        // It was there when the intent was made.
        existing_customer(gathered, draft.ctx, customer)?;
        return Ok(Origin { source: Source::CustomerBalance(customer).name(), route: None });
    }
    match method.kind.as_str() {
        CARD => {}
        CARD_PRESENT => check_card_present(intent, method, options)?,
        BANK_AGREEMENT => check_agreement(intent, method)?,
        _ => check_wallet(intent, method, options)?,
    }
    let route = find_route(draft, (intent.method_amount(), intent.currency), method, &[])?;
    let source = route.channel.clone().ok_or_else(|| no_channel(&route, method))?;
    Ok(Origin { source: Source::Channel(&source).name(), route: Some(route) })
}

/// Refuses what a wallet cannot do: it asks its customer, and takes the money at once or not at all.
fn check_wallet(
    intent: &PaymentIntent,
    method: &PaymentMethod,
    options: &ConfirmOptions,
) -> Result<(), Rejection> {
    let refuse = |why| Err(Rejection::PaymentMethodState { id: method.id.clone(), why });
    if options.off_session || options.refuse_action {
        return refuse("a wallet asks its customer, who must be there");
    }
    if intent.capture_method == CaptureMethod::Manual {
        return refuse("a wallet takes the money at once: capture_method must not be manual");
    }
    if intent.setup_future_usage.is_some() {
        return refuse("a wallet agrees to one payment only: setup_future_usage must not be given");
    }
    if method.kind == PAYMENT_CODE && method.internal.token.is_empty() {
        return refuse("its code was used; scan a new one");
    }
    Ok(())
}

/// Refuses what a debit by agreement cannot do: it takes the money at once.
fn check_agreement(intent: &PaymentIntent, method: &PaymentMethod) -> Result<(), Rejection> {
    let refuse = |why| Err(Rejection::PaymentMethodState { id: method.id.clone(), why });
    if intent.capture_method == CaptureMethod::Manual {
        return refuse("a debit takes the money at once: capture_method must not be manual");
    }
    if method.customer.is_none() {
        return refuse("it was taken from its customer");
    }
    Ok(())
}

/// A merchant that may not take payments is refused. Whose account is not kept here is let through: keys
/// belong to accounts, so that only happens where there are none, as in tests of these rules.
pub(crate) fn check_merchant(gathered: &dyn Gathered, ctx: &Context<'_>) -> Result<(), Rejection> {
    let Some(found) = gathered.object(ctx.merchant) else { return Ok(()) };
    let account: Account = serde_json::from_str(found.body)
        .map_err(|_| Rejection::Unreadable { id: ctx.merchant.to_owned() })?;
    if account.charges_enabled {
        return Ok(());
    }
    let why = "charges are not enabled for it";
    Err(Rejection::AccountRestricted { account: ctx.merchant.to_owned(), why })
}

pub(super) fn new_attempt(
    ctx: &Context<'_>,
    id: String,
    intent: &PaymentIntent,
    method: &PaymentMethod,
    channel: String,
) -> Attempt {
    Attempt {
        reference: id.clone(),
        id,
        object: ObjectKind::Attempt.name().into(),
        amount: intent.method_amount(),
        amount_captured: 0,
        authenticated: false,
        authorization_code: None,
        capture: intent.capture_method != CaptureMethod::Manual,
        channel,
        channel_id: None,
        charge: None,
        confirmed_at: None,
        created: ctx.now.seconds(),
        currency: intent.currency,
        decline_code: None,
        expires_at: None,
        hold: None,
        inquiries: 0,
        late_payment: None,
        legs: Vec::new(),
        livemode: ctx.live,
        off_session: false,
        operations: 0,
        payment_intent: intent.id.clone(),
        payment_method: method.id.clone(),
        pending: None,
        previous: intent.latest_attempt.clone(),
        refuse_action: false,
        return_url: None,
        routing: None,
        status: AttemptStatus::Created,
        tried: Vec::new(),
        unknown_reason: None,
        internal: Internal { token: method.internal.token.clone(), route: None },
    }
}

/// Plans the request for an authorization. The first of an attempt goes under the attempt's own name, one
/// after an action of the customer under another, because a channel answers a name it knows as before.
pub(super) fn send_authorization(draft: &mut Draft<'_>, attempt: &mut Attempt) -> Result<(), Rejection> {
    attempt.status = attempt::next(&attempt.id, attempt.status, None, AttemptEvent::Sent)?;
    attempt.reference = next_reference(attempt);
    attempt.pending = Some(Pending {
        operation: Operation::Authorize,
        amount: attempt.amount,
        reference: attempt.reference.clone(),
        reason: None,
    });
    let ask = ask_of(draft.ctx, attempt);
    plan(draft, ask);
    Ok(())
}

/// Names the next request of an attempt at the channel.
pub(crate) fn next_reference(attempt: &mut Attempt) -> String {
    attempt.operations += 1;
    match attempt.operations {
        1 => attempt.id.clone(),
        count => format!("{}-{count}", attempt.id),
    }
}

/// Makes the request of what an attempt has pending.
///
/// # Panics
/// When nothing is pending.
pub(crate) fn ask_of(ctx: &Context<'_>, attempt: &Attempt) -> ChannelAsk {
    pending_ask(attempt, ctx.merchant, ctx.live).expect("the caller has just planned an operation")
}

/// Makes the request of what an attempt has pending; none when nothing is. A channel that tells of an attempt by itself
/// answers this.
#[must_use]
pub fn pending_ask(attempt: &Attempt, merchant: &str, live: bool) -> Option<ChannelAsk> {
    let pending = attempt.pending.as_ref()?;
    let first = pending.operation == Operation::Authorize;
    Some(ChannelAsk {
        channel: attempt.channel.clone(),
        operation: pending.operation,
        merchant: merchant.to_owned(),
        live,
        object: attempt.id.clone(),
        reference: pending.reference.clone(),
        original: (!first).then(|| attempt.reference.clone()),
        original_id: attempt.channel_id.clone().filter(|_| !first),
        authorization_code: attempt.authorization_code.clone().filter(|_| !first),
        trace: 0,
        token: attempt.token(),
        amount_minor: positive(pending.amount),
        currency: attempt.currency,
        capture: first && attempt.capture,
        authenticated: attempt.authenticated,
        off_session: attempt.off_session,
        awaiting_until: attempt.awaiting_until(),
    })
}

/// Amounts of intents, attempts and refunds were checked to be above zero when they were made.
pub(crate) fn positive(amount: i64) -> u64 {
    u64::try_from(amount).expect("amounts of payments are checked to be above zero")
}

/// Plans a request to a channel.
pub(crate) fn plan(draft: &mut Draft<'_>, ask: ChannelAsk) {
    let due = draft.ctx.now.plus_seconds(limits::ASK_SECONDS);
    draft.job(channel_job(&ask.object), due, JobBody::AskChannel(ask));
}

/// Gives up the newest attempt where it waits for the customer. Where the channel waits, it is called off there: what
/// the customer pays until then comes back by that.
pub(crate) fn give_up_latest(
    draft: &mut Draft<'_>,
    gathered: &dyn Gathered,
    intent: &PaymentIntent,
) -> Result<(), Rejection> {
    let Some(latest) = &intent.latest_attempt else { return Ok(()) };
    let mut stored: Stored<Attempt> = load(gathered, draft.ctx, ObjectKind::Attempt, latest, "intent")?;
    if stored.value.status == AttemptStatus::Created {
        stored.value.status = attempt::next(latest, stored.value.status, None, AttemptEvent::Voided)?;
        combined::release(draft, &mut stored.value)?;
        draft.write(ObjectKind::Attempt, latest, &stored);
    }
    if stored.value.status == AttemptStatus::AwaitingCustomer && stored.value.is_wanted() {
        let ask = call_off(draft, &mut stored.value, Some(SUPERSEDED.to_owned()))?;
        // Nobody waits for its answer: whoever asked waits for that of the next attempt.
        draft.job(channel_job(&ask.object), draft.ctx.now, JobBody::Inquire(ask));
        draft.write(ObjectKind::Attempt, latest, &stored);
    }
    Ok(())
}

/// Why an attempt is called off whose intent goes on without it.
pub(crate) const SUPERSEDED: &str = "superseded";
/// Why an attempt is called off whose customer did not agree in time.
pub(crate) const EXPIRED: &str = "expired";

/// Makes the request that ends what a channel awaits of a customer. The caller plans it and writes the attempt. Whatever
/// the customer still pays goes back, so what is set aside beside it is free from now on.
pub(crate) fn call_off(
    draft: &mut Draft<'_>,
    attempt: &mut Attempt,
    reason: Option<String>,
) -> Result<ChannelAsk, Rejection> {
    combined::release(draft, attempt)?;
    let reference = next_reference(attempt);
    attempt.pending = Some(Pending { operation: Operation::Void, amount: attempt.amount, reference, reason });
    attempt.inquiries = 0;
    Ok(ask_of(draft.ctx, attempt))
}

/// Takes in what the customer did when asked to prove to be the holder: sends the attempt again, or declines
/// it.
///
/// # Errors
/// [`Rejection`].
pub fn decide_action(
    attempt: &str,
    proven: bool,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    let mut draft = Draft::new(ctx);
    let mut stored: Stored<Attempt> = load(gathered, ctx, ObjectKind::Attempt, attempt, "attempt")?;
    let id = stored.value.payment_intent.clone();
    let mut intent: Stored<PaymentIntent> = load(gathered, ctx, ObjectKind::PaymentIntent, &id, "intent")?;
    // While a channel waits for the customer it is for the channel to say what the customer did.
    let waits_there = stored.value.status == AttemptStatus::AwaitingCustomer;
    if waits_there || intent.value.latest_attempt.as_deref() != Some(attempt) {
        let (status, event) = (stored.value.status.word(), "action_done");
        return Err(Rejection::AttemptState { id: attempt.to_owned(), status, event });
    }
    let name = stored.value.payment_method.clone();
    let method: Stored<PaymentMethod> =
        load(gathered, ctx, ObjectKind::PaymentMethod, &name, "payment_method")?;
    // Also refuses a decline while something is at the channel: that is for the channel to say.
    let after = next(&id, intent.value.status, IntentEvent::ActionDone)?;
    if !proven {
        let code = DeclineCode::AuthenticationRequired;
        return super::outcome::decline(draft, intent, stored, &method.value, code);
    }
    stored.value.authenticated = true;
    send_authorization(&mut draft, &mut stored.value)?;
    intent.value.status = after;
    intent.value.next_action = None;
    draft.write(ObjectKind::Attempt, attempt, &stored);
    let body = draft.write(ObjectKind::PaymentIntent, &id, &intent);
    Ok(draft.answer(ObjectKind::PaymentIntent, &body))
}
