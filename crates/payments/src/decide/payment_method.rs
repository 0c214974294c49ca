//! Payment methods: made of cards, attached to customers, changed.

use super::card_present::card_present;
use super::{Draft, Stored, load};
use crate::decision::{Context, Decision, Gathered, ObjectKind};
use crate::link;
use crate::object::Metadata;
use crate::object::customer::Customer;
use crate::object::payment_method::{
    BillingDetails, Card, CardSource, Checks, CustomerBalance, Internal, Networks, PaymentCode,
    PaymentMethod, ThreeDSecureUsage, VaultedCard, Wallet,
};
use crate::rejection::{Rejection, shorten};
use crate::request::card::{
    ALIPAY, BANK_AGREEMENT, CARD, CARD_PRESENT, CUSTOMER_BALANCE, PAYMENT_CODE, PaymentMethodData, WECHAT_PAY,
};
use crate::request::patch_metadata;
use crate::request::payment_method::{AttachPaymentMethod, CreatePaymentMethod, UpdatePaymentMethod};
use suanpan_messages::payment_code::wallet;

const KIND: ObjectKind = ObjectKind::PaymentMethod;

/// Says what the vault must take in for a method that a request names or brings.
pub(crate) fn card_of(id: Option<&str>, data: Option<&PaymentMethodData>) -> Option<CardSource> {
    if let Some(id) = id.filter(|id| is_test_id(id)) {
        return Some(CardSource::TestId(id.to_owned()));
    }
    let data = data?;
    if let Some(present) = &data.card_present {
        return Some(CardSource::Chip(Box::new(present.source("card_present").ok()?)));
    }
    data.card.as_ref().and_then(|card| card.source("card").ok())
}

/// Test ids, such as `pm_card_visa`, stand for a new method each time.
pub(crate) fn is_test_id(id: &str) -> bool {
    id.starts_with("pm_card_")
}

/// Finds the method that a request names, or makes the one it brings. It is not written yet.
pub(crate) fn resolve(
    draft: &mut Draft<'_>,
    gathered: &dyn Gathered,
    id: Option<&str>,
    data: Option<&PaymentMethodData>,
) -> Result<Option<Stored<PaymentMethod>>, Rejection> {
    let id = id.filter(|id| !id.is_empty());
    match (id, data) {
        (Some(id), _) if is_test_id(id) => {
            if draft.ctx.live {
                return Err(missing(id));
            }
            make(draft, gathered, &PaymentMethodData::default()).map(Some)
        }
        (Some(id), _) => load(gathered, draft.ctx, KIND, id, "payment_method").map(Some),
        (None, Some(data)) => {
            let token = data.card.as_ref().is_some_and(|card| card.token.is_some());
            if draft.ctx.live && token {
                return Err(missing("card token"));
            }
            make(draft, gathered, data).map(Some)
        }
        (None, None) => Ok(None),
    }
}

fn missing(id: &str) -> Rejection {
    Rejection::ResourceMissing { kind: KIND.name(), id: shorten(id), param: "payment_method" }
}

fn make(
    draft: &mut Draft<'_>,
    gathered: &dyn Gathered,
    data: &PaymentMethodData,
) -> Result<Stored<PaymentMethod>, Rejection> {
    // Test ids stand for cards without saying so.
    let kind = data.kind.as_deref().unwrap_or(CARD);
    let vaulted = match gathered.card() {
        _ if ![CARD, CARD_PRESENT].contains(&kind) => None,
        Some(Ok(card)) => Some(card),
        Some(Err(rejection)) => return Err(rejection.clone()),
        None => {
            let why = "no vault takes cards in this mode".to_owned();
            return Err(Rejection::ChannelMissing { why });
        }
    };
    let code = if kind == PAYMENT_CODE { Some(scanned(draft.ctx, data)?) } else { None };
    let (channel, token) = match (vaulted, &code) {
        (Some(card), _) => (card.channel.clone(), card.token.clone()),
        (None, Some((code, _))) => (String::new(), (*code).to_owned()),
        (None, None) => Default::default(),
    };
    let present = match (vaulted, &data.card_present) {
        (Some(vaulted), Some(present)) if kind == CARD_PRESENT => {
            Some(card_present(vaulted, &present.source("payment_method_data[card_present]")?)?)
        }
        _ => None,
    };
    let vault = draft.ctx.settings.routing.vault_of(&channel).unwrap_or_default();
    let mut billing_details = BillingDetails::default();
    if let Some(billing) = &data.billing_details {
        billing.apply(&mut billing_details);
    }
    let mut metadata = Metadata::new();
    patch_metadata(&mut metadata, data.metadata.as_ref())?;
    let method = PaymentMethod {
        id: draft.new_id(KIND),
        object: KIND.name().into(),
        allow_redisplay: data.allow_redisplay.clone().unwrap_or_else(|| "unspecified".to_owned()),
        bank_agreement: None,
        billing_details,
        card: vaulted.filter(|_| kind == CARD).map(card),
        card_present: present,
        alipay: (kind == ALIPAY).then(Wallet::default),
        created: draft.ctx.now.seconds(),
        customer: None,
        customer_balance: (kind == CUSTOMER_BALANCE).then(CustomerBalance::default),
        livemode: draft.ctx.live,
        metadata,
        payment_code: code.map(|(_, wallet)| PaymentCode { wallet: wallet.to_owned() }),
        wechat_pay: (kind == WECHAT_PAY).then(Wallet::default),
        kind: kind.to_owned(),
        internal: Internal {
            token_after: vaulted.and_then(|card| card.token_after.clone()),
            vault: vault.to_owned(),
            channel,
            token,
        },
    };
    Ok(Stored::new(method, draft.ctx))
}

/// Tells whose a code is that was scanned: the code, and the wallet.
fn scanned<'a>(ctx: &Context<'a>, data: &'a PaymentMethodData) -> Result<(&'a str, &'a str), Rejection> {
    let param = || "payment_method_data[payment_code][code]".to_owned();
    let code = data.payment_code.as_ref().and_then(|data| data.code.as_ref());
    let code = code.ok_or_else(|| Rejection::ParameterMissing { param: param() })?;
    // The error does not tell the code.
    let wallet = wallet(&ctx.settings.code_rules, &code.0)
        .map_err(|error| Rejection::ParameterInvalid { param: param(), why: error.to_string() })?;
    if !ctx.settings.routing.takes(ctx.live, wallet) {
        let why = format!("no channel takes codes of {wallet} in this mode");
        return Err(Rejection::ChannelMissing { why });
    }
    Ok((&code.0, wallet))
}

fn card(vaulted: &VaultedCard) -> Card {
    Card {
        brand: vaulted.brand.clone(),
        // Until an issuer has said more.
        checks: Checks { cvc_check: vaulted.cvc_given.then(|| "unchecked".to_owned()), ..Checks::default() },
        country: vaulted.country.clone(),
        display_brand: vaulted.brand.clone(),
        exp_month: vaulted.exp_month.into(),
        exp_year: vaulted.exp_year.into(),
        fingerprint: vaulted.fingerprint.clone(),
        funding: vaulted.funding.clone(),
        last4: vaulted.last4.clone(),
        networks: Networks { available: vec![vaulted.brand.clone()], preferred: None },
        three_d_secure_usage: ThreeDSecureUsage { supported: true },
    }
}

/// Refuses to keep what a chip gave, with its PIN block, where no payment begins with it: it would stand there without end.
pub(super) fn refuse_unpaid(method: &PaymentMethod, param: &str) -> Result<(), Rejection> {
    if method.kind != CARD_PRESENT {
        return Ok(());
    }
    let why = "a card that is held to a terminal pays at once: give it with the confirmation".to_owned();
    Err(Rejection::ParameterInvalid { param: param.to_owned(), why })
}

/// Makes a payment method.
///
/// # Errors
/// [`Rejection`].
pub fn decide_create_payment_method(
    request: &CreatePaymentMethod,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    request.check()?;
    let mut draft = Draft::new(ctx);
    let data = request.data();
    let method = resolve(&mut draft, gathered, None, Some(&data))?
        .ok_or_else(|| Rejection::ParameterMissing { param: "card".to_owned() })?;
    refuse_unpaid(&method.value, "type")?;
    let body = draft.write(KIND, &method.value.id, &method);
    Ok(draft.answer(KIND, &body))
}

/// Changes a payment method of a customer.
///
/// # Errors
/// [`Rejection`].
pub fn decide_update_payment_method(
    id: &str,
    request: &UpdatePaymentMethod,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    request.check()?;
    let mut method: Stored<PaymentMethod> = load(gathered, ctx, KIND, id, "payment_method")?;
    let before = crate::object::json(&method.value);
    if method.value.customer.is_none() {
        let why = "it must be attached to a customer before it can be updated";
        return Err(Rejection::PaymentMethodState { id: id.to_owned(), why });
    }
    if let Some(allow) = request.allow_redisplay.as_ref().filter(|word| !word.is_empty()) {
        method.value.allow_redisplay.clone_from(allow);
    }
    if let Some(billing) = &request.billing_details {
        billing.apply(&mut method.value.billing_details);
    }
    if let Some(date) = &request.card {
        let unknown = || Rejection::ParameterUnknown { param: "card".to_owned() };
        let card = method.value.card.as_mut().ok_or_else(unknown)?;
        card.exp_month = date.exp_month.unwrap_or(card.exp_month);
        card.exp_year = date.exp_year.unwrap_or(card.exp_year);
    }
    patch_metadata(&mut method.value.metadata, request.metadata.as_ref())?;
    let mut draft = Draft::new(ctx);
    let body = draft.write(KIND, id, &method);
    draft.updated("payment_method.updated", KIND, id, &before, &body);
    Ok(draft.answer(KIND, &body))
}

/// Attaches a payment method to a customer.
///
/// # Errors
/// [`Rejection`].
pub fn decide_attach_payment_method(
    id: &str,
    request: &AttachPaymentMethod,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    request.check()?;
    let mut draft = Draft::new(ctx);
    let mut method = resolve(&mut draft, gathered, Some(id), None)?.ok_or_else(|| missing(id))?;
    let customer = request.customer.as_deref().unwrap_or_default();
    let customer = existing_customer(gathered, ctx, customer)?;
    attach(&mut draft, &mut method, &customer.value.id)?;
    let body = draft.write(KIND, &method.value.id, &method);
    draft.event("payment_method.attached", KIND, &method.value.id, &body);
    Ok(draft.answer(KIND, &body))
}

/// Makes a method a customer's; the caller writes it.
pub(crate) fn attach(
    draft: &mut Draft<'_>,
    method: &mut Stored<PaymentMethod>,
    customer: &str,
) -> Result<(), Rejection> {
    match method.value.customer.as_deref() {
        _ if method.value.kind == CUSTOMER_BALANCE => {
            let why = "a balance is its customer's already; name the customer with the PaymentIntent";
            Err(Rejection::PaymentMethodState { id: method.value.id.clone(), why })
        }
        // It was made for one customer, and stays that one's.
        Some(owner) if method.value.kind == BANK_AGREEMENT && owner == customer => Ok(()),
        _ if method.value.kind != CARD => {
            let why = "only cards are kept for later payments";
            Err(Rejection::PaymentMethodState { id: method.value.id.clone(), why })
        }
        Some(owner) if owner != customer => {
            let why = "it is attached to another customer; detach it first";
            Err(Rejection::PaymentMethodState { id: method.value.id.clone(), why })
        }
        Some(_) => Ok(()),
        None => {
            method.value.customer = Some(customer.to_owned());
            draft.link(link::METHOD_CUSTOMER, customer, &method.value.id);
            Ok(())
        }
    }
}

/// Reads a customer that is not deleted.
pub(crate) fn existing_customer(
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
    id: &str,
) -> Result<Stored<Customer>, Rejection> {
    let customer: Stored<Customer> = load(gathered, ctx, ObjectKind::Customer, id, "customer")?;
    if customer.value.deleted {
        let kind = ObjectKind::Customer.name();
        return Err(Rejection::ResourceMissing { kind, id: id.to_owned(), param: "customer" });
    }
    Ok(customer)
}

/// Takes a payment method from its customer.
///
/// # Errors
/// [`Rejection`].
pub fn decide_detach_payment_method(
    id: &str,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    let mut method: Stored<PaymentMethod> = load(gathered, ctx, KIND, id, "payment_method")?;
    let before = crate::object::json(&method.value);
    if method.value.customer.take().is_none() {
        let why = "it is not attached to a customer";
        return Err(Rejection::PaymentMethodState { id: id.to_owned(), why });
    }
    let mut draft = Draft::new(ctx);
    let body = draft.write(KIND, id, &method);
    draft.updated("payment_method.detached", KIND, id, &before, &body);
    Ok(draft.answer(KIND, &body))
}
