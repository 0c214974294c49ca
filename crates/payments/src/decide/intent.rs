//! Intents: made and changed.

use super::combined::split;
use super::confirm::{ConfirmOptions, begin_attempt, give_up_latest};
use super::payment_method::{existing_customer, refuse_unpaid, resolve};
use super::{Draft, Stored, load};
use crate::decision::{Context, Decision, Gathered, ObjectKind};
use crate::link;
use crate::object::payment_intent::{AutomaticPaymentMethods, CaptureMethod, PaymentIntent};
use crate::object::{Metadata, json};
use crate::rejection::Rejection;
use crate::request::payment_intent::{CreatePaymentIntent, UpdatePaymentIntent};
use crate::request::{amount, currency, given, patch_metadata, set};
use crate::state::intent::{IntentEvent, IntentStatus, next};

const KIND: ObjectKind = ObjectKind::PaymentIntent;

/// Makes an intent, and confirms it when that is asked for too.
///
/// # Errors
/// [`Rejection`].
pub fn decide_create_payment_intent(
    request: &CreatePaymentIntent,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    request.check()?;
    let mut draft = Draft::new(ctx);
    let customer = given(request.customer.as_ref());
    if let Some(customer) = &customer {
        existing_customer(gathered, ctx, customer)?;
    }
    let method = resolve(
        &mut draft,
        gathered,
        request.payment_method.as_deref(),
        request.payment_method_data.as_ref(),
    )?;
    let mut intent = Stored::new(new_intent(&mut draft, gathered, request)?, ctx);
    let id = intent.value.id.clone();
    if let Some(method) = &method {
        check_owner(method.value.customer.as_deref(), customer.as_deref(), &method.value.id)?;
        intent.value.payment_method = Some(method.value.id.clone());
        intent.value.status = next(&id, intent.value.status, IntentEvent::MethodGiven)?;
    }
    if let Some(sources) = &request.payment_sources {
        intent.value.payment_sources = split(gathered, ctx, &intent.value, sources)?;
    }
    let created = json(&intent.value);
    draft.event("payment_intent.created", KIND, &id, &created);
    if request.confirm == Some(true) {
        let options = ConfirmOptions {
            off_session: request.off_session == Some(true),
            refuse_action: request.error_on_requires_action == Some(true),
            return_url: given(request.return_url.as_ref()),
        };
        let method =
            method.ok_or_else(|| Rejection::ParameterMissing { param: "payment_method".to_owned() })?;
        begin_attempt(&mut draft, gathered, &mut intent, method, options)?;
    } else if let Some(method) = method.filter(|method| method.version == 0) {
        refuse_unpaid(&method.value, "payment_method_data[type]")?;
        draft.write(ObjectKind::PaymentMethod, &method.value.id, &method);
    }
    let body = draft.write(KIND, &id, &intent);
    Ok(draft.answer(KIND, &body))
}

/// Makes an intent, with the names under which it is found: of its customer, and of the merchant's order. The caller
/// writes it.
pub(crate) fn new_intent(
    draft: &mut Draft<'_>,
    gathered: &dyn Gathered,
    request: &CreatePaymentIntent,
) -> Result<PaymentIntent, Rejection> {
    let order = given(request.merchant_order_id.as_ref());
    let key = order.as_ref().map(|order| link::scoped(draft.ctx.merchant, draft.ctx.live, order));
    if let Some((order, key)) = order.as_ref().zip(key.as_ref())
        && let Some(other) = gathered.link(link::MERCHANT_ORDER, key)
    {
        return Err(Rejection::MerchantOrderTaken { order: order.clone(), payment_intent: other.to_owned() });
    }
    let id = draft.new_id(KIND);
    let customer = given(request.customer.as_ref());
    if let Some(customer) = &customer {
        draft.link(link::INTENT_CUSTOMER, customer, &id);
    }
    if let Some(key) = key {
        draft.unique_link(link::MERCHANT_ORDER, key, &id);
    }
    let client_secret = draft.ids.next_secret(&format!("{id}_secret_"));
    let mut metadata = Metadata::new();
    patch_metadata(&mut metadata, request.metadata.as_ref())?;
    let automatic = request.automatic_payment_methods.as_ref().map(|automatic| AutomaticPaymentMethods {
        enabled: automatic.enabled == Some(true),
        allow_redirects: automatic.allow_redirects.clone().unwrap_or_else(|| "always".to_owned()),
    });
    Ok(PaymentIntent {
        id,
        object: KIND.name().into(),
        amount: amount("amount", request.amount)?,
        amount_capturable: 0,
        amount_received: 0,
        automatic_payment_methods: automatic,
        canceled_at: None,
        cancellation_reason: None,
        capture_method: capture_method(request.capture_method.as_deref()).unwrap_or(CaptureMethod::Automatic),
        checkout_session: None,
        client_secret,
        confirmation_method: given(request.confirmation_method.as_ref())
            .unwrap_or_else(|| "automatic".to_owned()),
        created: draft.ctx.now.seconds(),
        currency: currency("currency", request.currency.as_deref())?,
        customer,
        description: given(request.description.as_ref()),
        last_payment_error: None,
        latest_attempt: None,
        latest_charge: None,
        livemode: draft.ctx.live,
        merchant_order_id: order,
        metadata,
        next_action: None,
        payment_method: None,
        payment_sources: Vec::new(),
        payment_method_types: request.payment_method_types.clone().unwrap_or_else(|| vec!["card".to_owned()]),
        receipt_email: given(request.receipt_email.as_ref()),
        setup_future_usage: given(request.setup_future_usage.as_ref()),
        statement_descriptor: given(request.statement_descriptor.as_ref()),
        statement_descriptor_suffix: given(request.statement_descriptor_suffix.as_ref()),
        status: IntentStatus::RequiresPaymentMethod,
        attempts_made: 0,
    })
}

pub(crate) fn capture_method(word: Option<&str>) -> Option<CaptureMethod> {
    word.and_then(CaptureMethod::parse)
}

/// A method that is a customer's may only be used for that customer.
pub(crate) fn check_owner(
    owner: Option<&str>,
    customer: Option<&str>,
    method: &str,
) -> Result<(), Rejection> {
    match owner {
        Some(owner) if customer != Some(owner) => {
            let why = "it belongs to a customer; name that customer with the PaymentIntent";
            Err(Rejection::PaymentMethodState { id: method.to_owned(), why })
        }
        _ => Ok(()),
    }
}

/// Changes an intent. What stands beside the payment may be changed at any time; the payment itself only
/// while nothing is at a channel.
///
/// # Errors
/// [`Rejection`].
pub fn decide_update_payment_intent(
    id: &str,
    request: &UpdatePaymentIntent,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    request.check()?;
    let mut draft = Draft::new(ctx);
    let mut stored: Stored<PaymentIntent> = load(gathered, ctx, KIND, id, "intent")?;
    let customer = given(request.customer.as_ref());
    if let Some(customer) = &customer {
        existing_customer(gathered, ctx, customer)?;
    }
    let method = resolve(
        &mut draft,
        gathered,
        request.payment_method.as_deref(),
        request.payment_method_data.as_ref(),
    )?;
    let intent = &mut stored.value;
    if request.changes_payment() {
        if intent.status == IntentStatus::RequiresAction {
            give_up_latest(&mut draft, gathered, intent)?;
        }
        intent.status = next(id, intent.status, IntentEvent::Changed)?;
        // What a customer was asked to do was for the payment as it was.
        intent.next_action = None;
        change_payment(intent, request)?;
        if customer.is_some() && customer != intent.customer {
            draft.link(link::INTENT_CUSTOMER, customer.as_deref().unwrap_or_default(), id);
        }
        set(&mut intent.customer, request.customer.as_ref());
        match &request.payment_sources {
            Some(sources) => intent.payment_sources = split(gathered, ctx, intent, sources)?,
            // What was agreed was for that payment.
            None if !intent.payment_sources.is_empty() && request.changes_sources() => {
                return Err(Rejection::ParameterMissing { param: "payment_sources".to_owned() });
            }
            None => {}
        }
        match &method {
            Some(method) => {
                check_owner(method.value.customer.as_deref(), intent.customer.as_deref(), &method.value.id)?;
                intent.payment_method = Some(method.value.id.clone());
                intent.status = next(id, intent.status, IntentEvent::MethodGiven)?;
            }
            None if request.payment_method.is_some() => {
                intent.payment_method = None;
                intent.status = IntentStatus::RequiresPaymentMethod;
            }
            None => {}
        }
    }
    set(&mut intent.description, request.description.as_ref());
    set(&mut intent.receipt_email, request.receipt_email.as_ref());
    set(&mut intent.statement_descriptor, request.statement_descriptor.as_ref());
    set(&mut intent.statement_descriptor_suffix, request.statement_descriptor_suffix.as_ref());
    patch_metadata(&mut intent.metadata, request.metadata.as_ref())?;
    if let Some(method) = method.filter(|method| method.version == 0) {
        refuse_unpaid(&method.value, "payment_method_data[type]")?;
        draft.write(ObjectKind::PaymentMethod, &method.value.id, &method);
    }
    let body = draft.write(KIND, id, &stored);
    Ok(draft.answer(KIND, &body))
}

fn change_payment(intent: &mut PaymentIntent, request: &UpdatePaymentIntent) -> Result<(), Rejection> {
    if request.amount.is_some() {
        intent.amount = amount("amount", request.amount)?;
    }
    if request.currency.is_some() {
        intent.currency = currency("currency", request.currency.as_deref())?;
    }
    if let Some(method) = capture_method(request.capture_method.as_deref()) {
        intent.capture_method = method;
    }
    if let Some(types) = &request.payment_method_types {
        intent.payment_method_types.clone_from(types);
    }
    set(&mut intent.setup_future_usage, request.setup_future_usage.as_ref());
    Ok(())
}
