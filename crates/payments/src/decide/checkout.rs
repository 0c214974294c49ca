//! Checkout sessions: made together with their payment, and moved by whatever moves that, in the same commit.

mod follow;
mod late;

pub use follow::session_of;
pub(crate) use follow::{follow, refuse_own};
pub use late::decide_late_payment;

use super::cancel::end_unpaid;
use super::combined::split;
use super::confirm::{ConfirmOptions, begin_attempt, channel_job, check_merchant, refuse_in_progress};
use super::intent::new_intent;
use super::payment_method::{existing_customer, is_test_id, resolve};
use super::{Draft, Stored, load};
use crate::decision::{Context, Decision, Gathered, JobBody, ObjectKind};
use crate::link;
use crate::object::checkout_session::{CheckoutSession, LineItem, LineItems, Price};
use crate::object::payment_intent::PaymentIntent;
use crate::object::source::SourceType;
use crate::object::{Metadata, json};
use crate::rejection::Rejection;
use crate::request::card::{CUSTOMER_BALANCE, PaymentMethodData};
use crate::request::checkout_session::{CreateCheckoutSession, Expiry, PAGE_TYPES, PayCheckoutSession};
use crate::request::payment_intent::{CreatePaymentIntent, SourceData};
use crate::request::{amount, currency, given, patch_metadata};
use crate::settings::Settings;
use crate::state::checkout_session::{SessionEvent, SessionPaymentStatus, SessionStatus, next};
use crate::state::intent::IntentStatus;
use crate::{limits, wire};
use suanpan_money::{Currency, Timestamp};

const KIND: ObjectKind = ObjectKind::CheckoutSession;
/// Why an intent was canceled whose session's time was over, in Stripe's word.
const TIME_OVER: &str = "expired";
/// Why an intent was canceled whose session the merchant closed.
const CLOSED: &str = "abandoned";

/// Returns the kinds of methods with which a payment can be made on a page, those of wallets first where they take
/// its currency.
#[must_use]
pub fn payable_types(settings: &Settings, live: bool, currency: Currency) -> Vec<&'static str> {
    PAGE_TYPES.into_iter().filter(|kind| settings.routing.takes_in(live, kind, currency)).collect()
}

/// Returns the id of the job that ends a session when its time is over. It names the intent: ids of sessions are
/// secrets, and ids of jobs are logged.
fn expiry_job(intent: &str) -> String {
    format!("expire_checkout/{intent}")
}

fn plan_expiry(draft: &mut Draft<'_>, session: &CheckoutSession, due: Timestamp) {
    let (merchant, live) = (draft.ctx.merchant.to_owned(), draft.ctx.live);
    let body = JobBody::ExpireCheckoutSession { merchant, live, session: session.id.clone() };
    draft.job(expiry_job(&session.payment_intent), due, body);
}

/// Makes a session and its payment.
///
/// # Errors
/// [`Rejection`].
pub fn decide_create_checkout_session(
    request: &CreateCheckoutSession,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    request.check()?;
    let mut draft = Draft::new(ctx);
    let customer = given(request.customer.as_ref());
    if let Some(customer) = &customer {
        existing_customer(gathered, ctx, customer)?;
    }
    check_merchant(gathered, ctx)?;
    let (amount_total, currency) = total(request)?;
    let types = types(request, ctx, currency)?;
    let sources: Vec<SourceType> =
        request.payment_sources.iter().flatten().filter_map(|word| SourceType::parse(word)).collect();
    let expires_at = expires_at(request, ctx.now)?;
    // With more chance than other ids have: whoever knows it may open the page.
    let id = draft.new_id(KIND);
    let id = draft.ids.next_secret(&id);
    let mut intent =
        Stored::new(intent_of(&mut draft, gathered, request, (amount_total, currency), &types)?, ctx);
    if !sources.is_empty() {
        // It may pay all of it.
        intent.value.payment_method_types.push(CUSTOMER_BALANCE.to_owned());
    }
    intent.value.checkout_session = Some(id.clone());
    let intent_id = intent.value.id.clone();
    let mut metadata = Metadata::new();
    patch_metadata(&mut metadata, request.metadata.as_ref())?;
    let session = CheckoutSession {
        object: KIND.name().into(),
        amount_subtotal: amount_total,
        amount_total,
        cancel_url: given(request.cancel_url.as_ref()),
        client_reference_id: given(request.client_reference_id.as_ref()),
        created: ctx.now.seconds(),
        currency,
        customer: customer.clone(),
        customer_email: given(request.customer_email.as_ref()),
        expires_at,
        late_payment: None,
        line_items: items(&mut draft, request, &id)?,
        livemode: ctx.live,
        locale: given(request.locale.as_ref()),
        metadata,
        mode: "payment".to_owned(),
        payment_intent: intent_id.clone(),
        payment_method_types: types,
        payment_sources: sources,
        payment_status: SessionPaymentStatus::Unpaid,
        status: SessionStatus::Open,
        success_url: given(request.success_url.as_ref()).unwrap_or_default(),
        url: Some(format!("{}/c/{id}", ctx.settings.public_url)),
        id,
    };
    draft.link(link::SESSION_INTENT, &intent_id, &session.id);
    if let Some(customer) = &customer {
        draft.link(link::SESSION_CUSTOMER, customer, &session.id);
    }
    plan_expiry(&mut draft, &session, Timestamp::from_seconds(expires_at));
    let made = draft.write(ObjectKind::PaymentIntent, &intent_id, &intent);
    draft.event("payment_intent.created", ObjectKind::PaymentIntent, &intent_id, &made);
    let body = draft.write(KIND, &session.id.clone(), &Stored::new(session, ctx));
    Ok(draft.answer(KIND, &body))
}

/// Adds the items up, and compares the sum with what was said.
fn total(request: &CreateCheckoutSession) -> Result<(i64, Currency), Rejection> {
    let items = request.line_items.as_deref().unwrap_or_default();
    let given_currency = given(request.currency.as_ref());
    if items.is_empty() {
        if request.amount.is_none() {
            return Err(Rejection::ParameterMissing { param: "line_items".to_owned() });
        }
        return Ok((amount("amount", request.amount)?, currency("currency", given_currency.as_deref())?));
    }
    let mut sum: i64 = 0;
    let mut common = None;
    for (at, item) in items.iter().enumerate() {
        let item = item.read(at)?;
        if *common.get_or_insert(item.currency) != item.currency {
            let why = "all items must have the same currency".to_owned();
            let param = format!("line_items[{at}][price_data][currency]");
            return Err(Rejection::ParameterInvalid { param, why });
        }
        sum = sum.checked_add(item.sum).filter(|sum| *sum <= limits::AMOUNT_MINOR_MAX).ok_or_else(|| {
            Rejection::AmountTooLarge { param: "line_items".to_owned(), most: limits::AMOUNT_MINOR_MAX }
        })?;
    }
    let common = common.expect("there are items");
    if request.amount.is_some_and(|amount| amount != sum) {
        let why = format!("the items sum to {sum}");
        return Err(Rejection::ParameterInvalid { param: "amount".to_owned(), why });
    }
    match given_currency {
        Some(text) if currency("currency", Some(&text))? != common => {
            let why = format!("the items are in {}", wire::lower(common));
            Err(Rejection::ParameterInvalid { param: "currency".to_owned(), why })
        }
        _ => Ok((sum, common)),
    }
}

/// The methods that the merchant names, or all that can be paid with. One at least must be payable now.
fn types(
    request: &CreateCheckoutSession,
    ctx: &Context<'_>,
    currency: Currency,
) -> Result<Vec<String>, Rejection> {
    let payable = payable_types(ctx.settings, ctx.live, currency);
    let types = match &request.payment_method_types {
        Some(types) => types.clone(),
        None => payable.iter().map(|kind| (*kind).to_owned()).collect(),
    };
    if types.iter().any(|kind| payable.contains(&kind.as_str())) {
        return Ok(types);
    }
    let why = "none of its methods has a channel in this mode and currency".to_owned();
    Err(Rejection::ChannelMissing { why })
}

fn expires_at(request: &CreateCheckoutSession, now: Timestamp) -> Result<i64, Rejection> {
    let seconds = limits::SESSION_SECONDS;
    let Some(at) = request.expires_at else { return Ok(now.seconds().saturating_add(*seconds.end())) };
    if seconds.contains(&at.saturating_sub(now.seconds())) {
        return Ok(at);
    }
    let why = "it must be 30 minutes to 24 hours from now, in seconds since the epoch".to_owned();
    Err(Rejection::ParameterInvalid { param: "expires_at".to_owned(), why })
}

fn intent_of(
    draft: &mut Draft<'_>,
    gathered: &dyn Gathered,
    request: &CreateCheckoutSession,
    (amount, currency): (i64, Currency),
    types: &[String],
) -> Result<PaymentIntent, Rejection> {
    let data = request.payment_intent_data.clone().unwrap_or_default();
    let create = CreatePaymentIntent {
        amount: Some(amount),
        currency: Some(wire::lower(currency)),
        customer: request.customer.clone(),
        description: data.description,
        merchant_order_id: data.merchant_order_id,
        metadata: data.metadata,
        payment_method_types: Some(types.to_vec()),
        receipt_email: request.customer_email.clone(),
        ..CreatePaymentIntent::default()
    };
    new_intent(draft, gathered, &create)
}

fn items(
    draft: &mut Draft<'_>,
    request: &CreateCheckoutSession,
    session: &str,
) -> Result<LineItems, Rejection> {
    let asked = request.line_items.as_deref().unwrap_or_default();
    let mut data = Vec::with_capacity(asked.len());
    for (at, item) in asked.iter().enumerate() {
        let item = item.read(at)?;
        data.push(LineItem {
            id: draft.ids.next("li_"),
            object: "item".into(),
            amount_subtotal: item.sum,
            amount_total: item.sum,
            currency: item.currency,
            description: item.name.to_owned(),
            price: Price {
                object: "price".into(),
                currency: item.currency,
                kind: "one_time".to_owned(),
                unit_amount: item.unit_amount,
            },
            quantity: item.quantity,
        });
    }
    let url = format!("/v1/checkout/sessions/{session}/line_items");
    Ok(LineItems { object: "list".into(), data, has_more: false, url })
}

/// Takes in what a customer chose on the page: begins an attempt.
///
/// # Errors
/// [`Rejection`]; [`Rejection::SessionChanged`] when the page did not show how things stand, so that one that is sent
/// twice begins one attempt.
pub fn decide_pay_checkout_session(
    id: &str,
    request: &PayCheckoutSession,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    let session: Stored<CheckoutSession> = load(gathered, ctx, KIND, id, "session")?;
    next(session.value.status, SessionEvent::MethodChosen)?;
    if ctx.now.seconds() >= session.value.expires_at {
        // The job that ends it is on its way.
        let status = SessionStatus::Expired.word();
        return Err(Rejection::SessionState { verb: "paid", status });
    }
    let intent = &session.value.payment_intent;
    let mut intent: Stored<PaymentIntent> = load(gathered, ctx, ObjectKind::PaymentIntent, intent, "intent")?;
    if intent.value.attempts_made != request.attempts_seen {
        return Err(Rejection::SessionChanged);
    }
    refuse_in_progress(gathered, ctx, &intent.value)?;
    let test_card = request.test_card.as_deref().filter(|id| is_test_id(id));
    if let Some(data) = &request.method {
        data.check("")?;
    }
    let mut draft = Draft::new(ctx);
    let from_balance = request.balance != 0;
    if from_balance && !session.value.payment_sources.contains(&SourceType::Balance) {
        let why = "this page does not offer the balance".to_owned();
        return Err(Rejection::ParameterInvalid { param: "balance".to_owned(), why });
    }
    let balance_alone = from_balance && request.balance == intent.value.amount;
    let mut sources = Vec::new();
    if from_balance && !balance_alone {
        let kind = Some(SourceType::Balance.word().to_owned());
        sources.push(SourceData { kind, amount: Some(amount("balance", Some(request.balance))?) });
    }
    intent.value.payment_sources = split(gathered, ctx, &intent.value, &sources)?;
    let balance =
        PaymentMethodData { kind: Some(CUSTOMER_BALANCE.to_owned()), ..PaymentMethodData::default() };
    let (test_card, method) =
        if balance_alone { (None, Some(&balance)) } else { (test_card, request.method.as_ref()) };
    let method = resolve(&mut draft, gathered, test_card, method)?
        .ok_or_else(|| Rejection::ParameterMissing { param: "method".to_owned() })?;
    let return_url = Some(request.return_url.clone());
    let options = ConfirmOptions { return_url, ..ConfirmOptions::default() };
    begin_attempt(&mut draft, gathered, &mut intent, method, options)?;
    let body = draft.write(ObjectKind::PaymentIntent, &intent.value.id.clone(), &intent);
    Ok(draft.answer(ObjectKind::PaymentIntent, &body))
}

/// Ends a session unpaid, and its payment with it: what a channel awaits of the customer is called off.
///
/// While something is at a channel that may still take the money, time does not end a session, and the merchant is told
/// to wait: whatever ends that ends the session too.
///
/// # Errors
/// [`Rejection`].
pub fn decide_expire_checkout_session(
    id: &str,
    expiry: Expiry,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    let mut session: Stored<CheckoutSession> = load(gathered, ctx, KIND, id, "session")?;
    let intent = session.value.payment_intent.clone();
    let mut intent: Stored<PaymentIntent> =
        load(gathered, ctx, ObjectKind::PaymentIntent, &intent, "intent")?;
    let mut draft = Draft::new(ctx);
    let job = expiry_job(&intent.value.id);
    let (event, reason) = match expiry {
        Expiry::Merchant => (SessionEvent::Closed, CLOSED),
        Expiry::Time => (SessionEvent::TimeOver, TIME_OVER),
    };
    if expiry == Expiry::Time {
        let over = ctx.now.seconds() >= session.value.expires_at;
        let busy = intent.value.status == IntentStatus::Processing;
        if session.value.status != SessionStatus::Open || busy {
            draft.job_done(job);
            return Ok(draft.answer(KIND, &json(&session.value)));
        }
        if !over {
            plan_expiry(&mut draft, &session.value, Timestamp::from_seconds(session.value.expires_at));
            return Ok(draft.answer(KIND, &json(&session.value)));
        }
    }
    session.value.status = next(session.value.status, event)?;
    refuse_in_progress(gathered, ctx, &intent.value)?;
    session.value.url = None;
    draft.job_done(job);
    // Nobody waits for the channel: the session is over whatever it says.
    let later = |draft: &mut Draft<'_>, ask: crate::decision::ChannelAsk| {
        draft.job(channel_job(&ask.object), draft.ctx.now, JobBody::Inquire(ask));
    };
    end_unpaid(&mut draft, gathered, &mut intent, Some(reason.to_owned()), later)?;
    let body = draft.write(KIND, id, &session);
    draft.event("checkout.session.expired", KIND, id, &body);
    Ok(draft.answer(KIND, &body))
}
