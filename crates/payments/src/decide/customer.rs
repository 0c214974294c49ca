//! Customers.

use super::confirm::positive;
use super::payment_method::{attach, existing_customer, resolve};
use super::{Draft, Stored};
use crate::books::funding_entry;
use crate::decision::{Answer, Context, Decision, Gathered, ObjectKind};
use crate::id::entry_text;
use crate::link;
use crate::object::cash_balance::CashBalanceTransaction;
use crate::object::customer::{Address, Customer, DeletedObject, InvoiceSettings};
use crate::object::{Metadata, json};
use crate::rejection::Rejection;
use crate::request::customer::{FundCashBalance, WriteCustomer};
use crate::request::{amount, currency, given, patch_metadata, set};

const KIND: ObjectKind = ObjectKind::Customer;

/// Makes a customer.
///
/// # Errors
/// [`Rejection`].
pub fn decide_create_customer(
    request: &WriteCustomer,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    request.check()?;
    let mut draft = Draft::new(ctx);
    let customer = Customer {
        id: draft.new_id(KIND),
        object: KIND.name().into(),
        address: None,
        balance: 0,
        created: ctx.now.seconds(),
        currency: None,
        default_source: None,
        delinquent: false,
        description: None,
        email: None,
        invoice_settings: InvoiceSettings::default(),
        livemode: ctx.live,
        metadata: Metadata::new(),
        name: None,
        phone: None,
        preferred_locales: Vec::new(),
        shipping: None,
        deleted: false,
    };
    let id = customer.id.clone();
    let mut stored = Stored::new(customer, ctx);
    let mut attached = None;
    if let Some(mut method) = resolve(&mut draft, gathered, request.payment_method.as_deref(), None)? {
        attach(&mut draft, &mut method, &id)?;
        let body = draft.write(ObjectKind::PaymentMethod, &method.value.id, &method);
        draft.event("payment_method.attached", ObjectKind::PaymentMethod, &method.value.id, &body);
        attached = Some(method.value.id);
    }
    apply(&mut draft, &mut stored.value, request, attached.as_deref(), gathered)?;
    let body = draft.write(KIND, &id, &stored);
    draft.event("customer.created", KIND, &id, &body);
    Ok(draft.answer(KIND, &body))
}

/// Changes a customer.
///
/// # Errors
/// [`Rejection`].
pub fn decide_update_customer(
    id: &str,
    request: &WriteCustomer,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    request.check()?;
    if request.payment_method.is_some() {
        // Only taken when a customer is made; Stripe attaches by its own call too.
        return Err(Rejection::ParameterUnknown { param: "payment_method".to_owned() });
    }
    let mut stored = existing_customer(gathered, ctx, id)?;
    let before = json(&stored.value);
    let mut draft = Draft::new(ctx);
    apply(&mut draft, &mut stored.value, request, None, gathered)?;
    let body = draft.write(KIND, id, &stored);
    draft.updated("customer.updated", KIND, id, &before, &body);
    Ok(draft.answer(KIND, &body))
}

/// Writes what is asked for into a customer. `attached` is the method that `payment_method` of the same request named,
/// which what was gathered does not know as the customer's yet.
fn apply(
    draft: &mut Draft<'_>,
    customer: &mut Customer,
    request: &WriteCustomer,
    attached: Option<&str>,
    gathered: &dyn Gathered,
) -> Result<(), Rejection> {
    if let Some(address) = &request.address {
        address.apply(customer.address.get_or_insert_with(Address::default));
    }
    let email = customer.email.clone();
    set(&mut customer.description, request.description.as_ref());
    set(&mut customer.email, request.email.as_ref());
    set(&mut customer.name, request.name.as_ref());
    set(&mut customer.phone, request.phone.as_ref());
    patch_metadata(&mut customer.metadata, request.metadata.as_ref())?;
    if let Some(locales) = &request.preferred_locales {
        customer.preferred_locales.clone_from(locales);
    }
    if let Some(invoice) = &request.invoice_settings {
        let named = invoice.default_payment_method.as_ref();
        // A test id stands for a new method each time it is resolved: the same one is meant here.
        let same = named.is_some() && named == request.payment_method.as_ref();
        let attached = attached.filter(|_| same).map(str::to_owned);
        let named = attached.as_ref().or(named);
        if let Some(method) = named.filter(|id| !id.is_empty() && attached.is_none()) {
            let method = resolve(draft, gathered, Some(method), None)?;
            let owned = method.as_ref().is_some_and(|m| m.value.customer.as_deref() == Some(&customer.id));
            if !owned {
                let why = "the customer does not have it; attach it first";
                let id = named.cloned().unwrap_or_default();
                return Err(Rejection::PaymentMethodState { id, why });
            }
        }
        set(&mut customer.invoice_settings.default_payment_method, named);
    }
    if let Some(now) = customer.email.as_deref().filter(|_| customer.email != email) {
        draft.link(
            link::CUSTOMER_EMAIL,
            &link::scoped(draft.ctx.merchant, draft.ctx.live, now),
            &customer.id,
        );
    }
    Ok(())
}

/// Deletes a customer: what was known about the person goes, the id stays so that payments can be told apart.
///
/// # Errors
/// [`Rejection`].
pub fn decide_delete_customer(
    id: &str,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    let mut stored = existing_customer(gathered, ctx, id)?;
    let customer = &mut stored.value;
    customer.deleted = true;
    customer.address = None;
    customer.description = None;
    customer.email = None;
    customer.invoice_settings = InvoiceSettings::default();
    customer.metadata.clear();
    customer.name = None;
    customer.phone = None;
    customer.preferred_locales.clear();
    let mut draft = Draft::new(ctx);
    let body = draft.write(KIND, id, &stored);
    draft.event("customer.deleted", KIND, id, &body);
    let body = json(&DeletedObject { id, object: KIND.name(), deleted: true });
    Ok(draft.finish(Answer { status: 200, body }))
}

/// Adds to what a customer keeps with us, as if a bank transfer had come: test mode only.
///
/// # Errors
/// [`Rejection`].
pub fn decide_fund_cash_balance(
    id: &str,
    request: &FundCashBalance,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    request.check()?;
    if ctx.live {
        let why = "in live mode a balance is added to by a journal entry, for money that has come".to_owned();
        return Err(Rejection::ChannelMissing { why });
    }
    let customer = existing_customer(gathered, ctx, id)?;
    let amount_minor = amount("amount", request.amount)?;
    let currency = currency("currency", request.currency.as_deref())?;
    let mut draft = Draft::new(ctx);
    let entry = draft.ids.next_entry();
    draft.entry(funding_entry(entry, ctx.live, &customer.value.id, currency, positive(amount_minor)));
    let transaction = CashBalanceTransaction {
        id: draft.ids.next("ccsbtxn_"),
        object: "customer_cash_balance_transaction".into(),
        created: ctx.now.seconds(),
        currency,
        customer: customer.value.id,
        entry: entry_text(entry),
        livemode: ctx.live,
        net_amount: amount_minor,
        reference: given(request.reference.as_ref()),
        kind: "funded".to_owned(),
    };
    let body = json(&transaction);
    // Nothing of it is kept but in the books and in the event.
    draft.event("customer_cash_balance_transaction.created", KIND, &transaction.id, &body);
    Ok(draft.finish(Answer { status: 200, body }))
}
