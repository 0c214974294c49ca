//! Agreements with bank accounts: asked for, confirmed with the code that the bank sent to the holder, and then a method by
//! which their customer pays. What is not known is asked about, as with payments.

use super::confirm::{channel_job, check_merchant, plan};
use super::outcome::inquiry_due;
use super::payment_method::existing_customer;
use super::{Draft, Stored, load};
use crate::decision::{
    ChannelAsk, ChannelOutcome, Context, Decision, Gathered, JobBody, ObjectKind, Operation,
};
use crate::decline::DeclineCode;
use crate::limits;
use crate::link;
use crate::object::Metadata;
use crate::object::bank_agreement::{BankAgreement, BankAgreementError, Internal, PendingSignUp};
use crate::object::payment_method::{self, BankAccount, BillingDetails, PaymentMethod};
use crate::rejection::Rejection;
use crate::request::bank_agreement::{ConfirmBankAgreement, CreateBankAgreement};
use crate::request::card::BANK_AGREEMENT;
use crate::request::patch_metadata;
use crate::state::bank_agreement::{BankAgreementEvent, BankAgreementStatus, next};
use suanpan_money::{Currency, Timestamp};

const KIND: ObjectKind = ObjectKind::BankAgreement;

/// Asks the bank for an agreement.
///
/// # Errors
/// [`Rejection`].
pub fn decide_create_bank_agreement(
    request: &CreateBankAgreement,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    request.check()?;
    check_merchant(gathered, ctx)?;
    let customer = existing_customer(gathered, ctx, request.customer.as_deref().unwrap_or_default())?;
    let source = request.source()?;
    let Some(account) = gathered.account() else {
        let why = "no channel makes agreements with banks in this mode".to_owned();
        return Err(Rejection::ChannelMissing { why });
    };
    let mut metadata = Metadata::new();
    patch_metadata(&mut metadata, request.metadata.as_ref())?;
    let mut draft = Draft::new(ctx);
    let id = draft.new_id(KIND);
    let last4 = source.number.0.get(source.number.0.len() - 4..).unwrap_or_default().to_owned();
    let pending = PendingSignUp { operation: Operation::SignUp, reference: id.clone() };
    let agreement = BankAgreement {
        id: id.clone(),
        object: KIND.name().into(),
        bank: source.bank,
        created: ctx.now.seconds(),
        customer: customer.value.id.clone(),
        expires_at: None,
        last_error: None,
        last4,
        livemode: ctx.live,
        metadata,
        payment_method: None,
        status: BankAgreementStatus::Processing,
        internal: Internal {
            channel: account.channel.clone(),
            token: account.token.clone(),
            pending: Some(pending),
            operations: 1,
            inquiries: 0,
            unknown_reason: None,
        },
    };
    plan(&mut draft, ask_of(ctx, &agreement, None));
    draft.link(link::AGREEMENT_CUSTOMER, &agreement.customer, &id);
    let body = draft.write(KIND, &id, &Stored::new(agreement, ctx));
    Ok(draft.answer(KIND, &body))
}

/// Sends the code that the holder was sent.
///
/// # Errors
/// [`Rejection`].
pub fn decide_confirm_bank_agreement(
    id: &str,
    request: &ConfirmBankAgreement,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    let code = request.check()?;
    check_merchant(gathered, ctx)?;
    let mut stored: Stored<BankAgreement> = load(gathered, ctx, KIND, id, "bank_agreement")?;
    let agreement = &mut stored.value;
    // Whoever was deleted meanwhile has nothing to pay with.
    existing_customer(gathered, ctx, &agreement.customer)?;
    agreement.status = next(id, agreement.status, BankAgreementEvent::Confirmed)?;
    agreement.last_error = None;
    let internal = &mut agreement.internal;
    internal.operations += 1;
    internal.inquiries = 0;
    let reference = format!("{id}-{}", internal.operations);
    internal.pending = Some(PendingSignUp { operation: Operation::ConfirmSignUp, reference });
    let mut draft = Draft::new(ctx);
    plan(&mut draft, ask_of(ctx, agreement, Some(code)));
    let body = draft.write(KIND, id, &stored);
    Ok(draft.answer(KIND, &body))
}

/// Makes the request of what an agreement has pending.
///
/// # Panics
/// When nothing is pending.
fn ask_of(ctx: &Context<'_>, agreement: &BankAgreement, code: Option<&str>) -> ChannelAsk {
    let internal = &agreement.internal;
    let pending = internal.pending.as_ref().expect("the caller has just planned an operation");
    ChannelAsk {
        channel: internal.channel.clone(),
        operation: pending.operation,
        merchant: ctx.merchant.to_owned(),
        live: ctx.live,
        object: agreement.id.clone(),
        reference: pending.reference.clone(),
        original: (pending.operation == Operation::ConfirmSignUp).then(|| agreement.id.clone()),
        original_id: None,
        authorization_code: code.map(str::to_owned),
        trace: 0,
        token: Some(internal.token.clone()),
        amount_minor: 0,
        currency: Currency::parse("CNY").expect("ISO 4217 has it"),
        capture: false,
        authenticated: false,
        off_session: false,
        awaiting_until: agreement.expires_at,
    }
}

/// Takes in what the channel answered to either step, or to an inquiry about it.
pub(super) fn agreement_outcome(
    ask: &ChannelAsk,
    outcome: &ChannelOutcome,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    let stored: Stored<BankAgreement> = load(gathered, ctx, KIND, &ask.object, "bank_agreement")?;
    let pending = stored.value.internal.pending.as_ref();
    if pending.is_none_or(|pending| pending.reference != ask.reference) {
        let (status, event) = (stored.value.status.word(), "outcome");
        return Err(Rejection::BankAgreementState { id: ask.object.clone(), status, event });
    }
    let draft = Draft::new(ctx);
    match (ask.operation, outcome) {
        (_, ChannelOutcome::Approved { channel_id, .. }) => signed(draft, stored, channel_id),
        (Operation::SignUp, ChannelOutcome::Awaiting { expires_at, .. }) => {
            code_sent(draft, stored, *expires_at)
        }
        (_, ChannelOutcome::Unknown { why }) => unknown(draft, stored, ask, why),
        (_, ChannelOutcome::ActionRequired | ChannelOutcome::Awaiting { .. }) => {
            // Not an answer to what was asked, so it tells nothing.
            unknown(draft, stored, ask, "the channel waits for something else")
        }
        (operation, ChannelOutcome::Declined { code }) => {
            let code = DeclineCode::parse(code);
            let again = matches!(code, DeclineCode::IncorrectVerificationCode | DeclineCode::ProcessingError);
            if operation == Operation::ConfirmSignUp && again {
                not_confirmed(draft, stored, code)
            } else {
                failed(draft, stored, code)
            }
        }
    }
}

/// The bank waits for its code. When that is not good any more it is asked what became of it.
fn code_sent(
    mut draft: Draft<'_>,
    mut stored: Stored<BankAgreement>,
    expires_at: i64,
) -> Result<Decision, Rejection> {
    let agreement = &mut stored.value;
    let waited = agreement.status == BankAgreementStatus::RequiresConfirmation;
    agreement.status = next(&agreement.id, agreement.status, BankAgreementEvent::CodeSent)?;
    agreement.expires_at = Some(expires_at);
    agreement.internal.unknown_reason = None;
    plan_inquiry(&mut draft, agreement);
    let id = agreement.id.clone();
    let body = draft.write(KIND, &id, &stored);
    if !waited {
        draft.event("bank_agreement.requires_confirmation", KIND, &id, &body);
    }
    Ok(draft.answer(KIND, &body))
}

/// The code was wrong, or did not reach the bank: another may be sent while the bank waits for it.
fn not_confirmed(
    mut draft: Draft<'_>,
    mut stored: Stored<BankAgreement>,
    code: DeclineCode,
) -> Result<Decision, Rejection> {
    let agreement = &mut stored.value;
    agreement.status = next(&agreement.id, agreement.status, BankAgreementEvent::NotConfirmed)?;
    agreement.last_error = Some(error_of(code));
    let internal = &mut agreement.internal;
    internal.inquiries = 0;
    internal.unknown_reason = None;
    internal.pending = Some(PendingSignUp { operation: Operation::SignUp, reference: agreement.id.clone() });
    plan_inquiry(&mut draft, agreement);
    let id = agreement.id.clone();
    let body = draft.write(KIND, &id, &stored);
    draft.event("bank_agreement.requires_confirmation", KIND, &id, &body);
    // Not an error of the request: the agreement says itself what was wrong.
    Ok(draft.answer(KIND, &body))
}

fn unknown(
    mut draft: Draft<'_>,
    mut stored: Stored<BankAgreement>,
    ask: &ChannelAsk,
    why: &str,
) -> Result<Decision, Rejection> {
    let agreement = &mut stored.value;
    agreement.status = next(&agreement.id, agreement.status, BankAgreementEvent::Lost)?;
    let internal = &mut agreement.internal;
    internal.unknown_reason = Some(why.chars().take(limits::METADATA_VALUE_CHARS).collect());
    let due = inquiry_due(draft.ctx.now, internal.inquiries);
    internal.inquiries = internal.inquiries.saturating_add(1);
    // The code has been sent, if it was; nobody needs it to ask.
    let ask = ChannelAsk { authorization_code: None, ..ask.clone() };
    draft.job(channel_job(&agreement.id), due, JobBody::Inquire(ask));
    let id = agreement.id.clone();
    let body = draft.write(KIND, &id, &stored);
    Ok(draft.answer(KIND, &body))
}

/// Plans to ask the bank when the time of its code is over, and again after that.
fn plan_inquiry(draft: &mut Draft<'_>, agreement: &mut BankAgreement) {
    let now = draft.ctx.now;
    let over = Timestamp::from_seconds(agreement.expires_at.unwrap_or_default())
        .plus_seconds(limits::CALL_OFF_AFTER_SECONDS);
    let due = if now < over { over } else { inquiry_due(now, agreement.internal.inquiries) };
    if now >= over {
        agreement.internal.inquiries = agreement.internal.inquiries.saturating_add(1);
    }
    let ask = ask_of(draft.ctx, agreement, None);
    draft.job(channel_job(&agreement.id), due, JobBody::Inquire(ask));
}

/// It is signed: a method of its customer is made of it, and the account is forgotten.
fn signed(
    mut draft: Draft<'_>,
    mut stored: Stored<BankAgreement>,
    channel_id: &str,
) -> Result<Decision, Rejection> {
    let ctx = draft.ctx;
    let agreement = &mut stored.value;
    agreement.status = next(&agreement.id, agreement.status, BankAgreementEvent::Signed)?;
    agreement.expires_at = None;
    agreement.last_error = None;
    forget(&mut agreement.internal);
    let channel = agreement.internal.channel.clone();
    let vault = ctx.settings.routing.vault_of(&channel).unwrap_or_default().to_owned();
    let method = PaymentMethod {
        id: draft.new_id(ObjectKind::PaymentMethod),
        object: ObjectKind::PaymentMethod.name().into(),
        allow_redisplay: "unspecified".to_owned(),
        bank_agreement: Some(BankAccount {
            agreement: agreement.id.clone(),
            bank: agreement.bank.clone(),
            last4: agreement.last4.clone(),
        }),
        billing_details: BillingDetails::default(),
        card: None,
        card_present: None,
        alipay: None,
        created: ctx.now.seconds(),
        customer: Some(agreement.customer.clone()),
        customer_balance: None,
        livemode: ctx.live,
        metadata: Metadata::new(),
        payment_code: None,
        wechat_pay: None,
        kind: BANK_AGREEMENT.to_owned(),
        internal: payment_method::Internal {
            channel,
            token: channel_id.to_owned(),
            token_after: None,
            vault,
        },
    };
    agreement.payment_method = Some(method.id.clone());
    let (id, method_id, customer) = (agreement.id.clone(), method.id.clone(), agreement.customer.clone());
    draft.job_done(channel_job(&id));
    draft.link(link::METHOD_CUSTOMER, &customer, &method_id);
    let body = draft.write(KIND, &id, &stored);
    let made = draft.write(ObjectKind::PaymentMethod, &method_id, &Stored::new(method, ctx));
    draft.event("bank_agreement.active", KIND, &id, &body);
    draft.event("payment_method.attached", ObjectKind::PaymentMethod, &method_id, &made);
    Ok(draft.answer(KIND, &body))
}

fn failed(
    mut draft: Draft<'_>,
    mut stored: Stored<BankAgreement>,
    code: DeclineCode,
) -> Result<Decision, Rejection> {
    let agreement = &mut stored.value;
    agreement.status = next(&agreement.id, agreement.status, BankAgreementEvent::Refused)?;
    agreement.expires_at = None;
    agreement.last_error = Some(error_of(code));
    forget(&mut agreement.internal);
    let id = agreement.id.clone();
    draft.job_done(channel_job(&id));
    let body = draft.write(KIND, &id, &stored);
    draft.event("bank_agreement.failed", KIND, &id, &body);
    // Not an error of the request: the agreement exists, and says itself that it failed.
    Ok(draft.answer(KIND, &body))
}

/// Nothing is asked any more, so nothing needs the account.
fn forget(internal: &mut Internal) {
    internal.token.clear();
    internal.pending = None;
    internal.unknown_reason = None;
}

fn error_of(code: DeclineCode) -> BankAgreementError {
    BankAgreementError { code: code.word().to_owned(), message: code.message().to_owned() }
}
