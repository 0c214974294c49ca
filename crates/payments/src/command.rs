//! Every write in one place: what it needs to know, and what it decides.

use crate::decide::{
    account, bank_agreement, cancel, capture, checkout, confirm, customer, intent, outcome, payment_method,
    refund, webhook_endpoint,
};
use crate::decision::{ChannelAsk, ChannelOutcome, Context, Decision, Gathered, Needs, ObjectKind};
use crate::link;
use crate::object::payment_method::CardSource;
use crate::object::webhook_endpoint::EndpointHealth;
use crate::rejection::Rejection;
use crate::request::account::{CreateApiKey, WriteAccount};
use crate::request::bank_agreement::{ConfirmBankAgreement, CreateBankAgreement};
use crate::request::card::PaymentMethodData;
use crate::request::checkout_session::{
    CreateCheckoutSession, ExpireCheckoutSession, Expiry, PayCheckoutSession,
};
use crate::request::customer::{FundCashBalance, WriteCustomer};
use crate::request::payment_intent::{
    CancelPaymentIntent, CapturePaymentIntent, ConfirmPaymentIntent, CreatePaymentIntent, UpdatePaymentIntent,
};
use crate::request::payment_method::{
    AttachPaymentMethod, CreatePaymentMethod, DetachPaymentMethod, UpdatePaymentMethod,
};
use crate::request::refund::{CreateRefund, UpdateRefund};
use crate::request::webhook_endpoint::{RollSecret, WriteWebhookEndpoint};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A write. `id` names the object of the path.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each variant is named like its call, its fields like the call's parts")]
pub enum Command {
    CreatePaymentIntent {
        request: Box<CreatePaymentIntent>,
    },
    UpdatePaymentIntent {
        id: String,
        request: Box<UpdatePaymentIntent>,
    },
    ConfirmPaymentIntent {
        id: String,
        request: Box<ConfirmPaymentIntent>,
    },
    CapturePaymentIntent {
        id: String,
        request: CapturePaymentIntent,
    },
    CancelPaymentIntent {
        id: String,
        request: CancelPaymentIntent,
    },
    CreateRefund {
        request: CreateRefund,
    },
    UpdateRefund {
        id: String,
        request: UpdateRefund,
    },
    CreateCustomer {
        request: Box<WriteCustomer>,
    },
    UpdateCustomer {
        id: String,
        request: Box<WriteCustomer>,
    },
    DeleteCustomer {
        id: String,
    },
    /// Test mode only.
    FundCashBalance {
        id: String,
        request: FundCashBalance,
    },
    CreatePaymentMethod {
        request: Box<CreatePaymentMethod>,
    },
    UpdatePaymentMethod {
        id: String,
        request: Box<UpdatePaymentMethod>,
    },
    AttachPaymentMethod {
        id: String,
        request: AttachPaymentMethod,
    },
    DetachPaymentMethod {
        id: String,
        request: DetachPaymentMethod,
    },
    CreateBankAgreement {
        request: Box<CreateBankAgreement>,
    },
    ConfirmBankAgreement {
        id: String,
        request: ConfirmBankAgreement,
    },
    CreateWebhookEndpoint {
        request: WriteWebhookEndpoint,
    },
    UpdateWebhookEndpoint {
        id: String,
        request: WriteWebhookEndpoint,
    },
    RollWebhookSecret {
        id: String,
        request: RollSecret,
    },
    DeleteWebhookEndpoint {
        id: String,
    },
    /// Attempts to deliver told something about an endpoint.
    NoteEndpointHealth {
        id: String,
        health: EndpointHealth,
    },
    CreateAccount {
        request: Box<WriteAccount>,
    },
    UpdateAccount {
        id: String,
        request: Box<WriteAccount>,
    },
    CreateApiKey {
        request: CreateApiKey,
    },
    ExpireApiKey {
        id: String,
        at_seconds: Option<i64>,
    },
    CreateCheckoutSession {
        request: Box<CreateCheckoutSession>,
    },
    /// A customer chose how to pay, on the page.
    PayCheckoutSession {
        id: String,
        request: Box<PayCheckoutSession>,
    },
    ExpireCheckoutSession {
        id: String,
        request: ExpireCheckoutSession,
        expiry: Expiry,
    },
    /// A channel told of money for an attempt that is over or called off; `returned` when it has given it back.
    LatePayment {
        attempt: String,
        returned: bool,
    },
    /// The customer did what was asked, or failed to.
    Action {
        attempt: String,
        proven: bool,
    },
    /// A channel answered. Decided with the merchant and mode of the request that was asked.
    Outcome {
        ask: ChannelAsk,
        outcome: ChannelOutcome,
    },
    /// Nobody captured in time.
    Expire {
        payment_intent: String,
        attempt: String,
    },
}

impl Command {
    /// Says what must be looked up before [`Command::decide`]. What objects name is only known once they are
    /// there: so this is asked again with what was gathered, until it names nothing that was not looked up
    /// (four rounds at most). It never names less with more gathered.
    #[must_use]
    pub fn needs(&self, gathered: &dyn Gathered, ctx: &Context<'_>) -> Needs {
        let mut needs = Needs::default();
        match self {
            Command::CreatePaymentIntent { request } => {
                let order = request.merchant_order_id.as_deref().filter(|order| !order.is_empty());
                if let Some(order) = order {
                    needs.links.push((link::MERCHANT_ORDER, link::scoped(ctx.merchant, ctx.live, order)));
                }
                needs.id(request.customer.as_deref());
                needs.method(request.payment_method.as_deref(), request.payment_method_data.as_ref());
                if request.confirm == Some(true) {
                    needs.id(Some(ctx.merchant));
                }
            }
            Command::UpdatePaymentIntent { id, request } => {
                needs.id(Some(id));
                needs.members(gathered, id, &["latest_attempt", "customer"]);
                needs.id(request.customer.as_deref());
                needs.method(request.payment_method.as_deref(), request.payment_method_data.as_ref());
            }
            Command::ConfirmPaymentIntent { id, request } => {
                needs.id(Some(id));
                needs.id(Some(ctx.merchant));
                needs.method(request.payment_method.as_deref(), request.payment_method_data.as_ref());
                needs.members(gathered, id, &["payment_method", "latest_attempt", "customer"]);
            }
            Command::CapturePaymentIntent { id, .. } | Command::CancelPaymentIntent { id, .. } => {
                needs.id(Some(id));
                needs.latest(gathered, id);
            }
            Command::CreateCheckoutSession { request } => {
                let data = request.payment_intent_data.as_ref();
                let order = data.and_then(|data| data.merchant_order_id.as_deref());
                if let Some(order) = order.filter(|order| !order.is_empty()) {
                    needs.links.push((link::MERCHANT_ORDER, link::scoped(ctx.merchant, ctx.live, order)));
                }
                needs.id(request.customer.as_deref());
                needs.id(Some(ctx.merchant));
            }
            Command::PayCheckoutSession { id, request } => {
                needs.id(Some(id));
                needs.id(Some(ctx.merchant));
                needs.method(request.test_card.as_deref(), request.method.as_ref());
                for intent in needs.members(gathered, id, &["payment_intent"]) {
                    needs.members(gathered, &intent, &["latest_attempt", "customer"]);
                }
            }
            Command::ExpireCheckoutSession { id, .. } => {
                needs.id(Some(id));
                for intent in needs.members(gathered, id, &["payment_intent"]) {
                    needs.members(gathered, &intent, &["latest_attempt"]);
                }
            }
            Command::LatePayment { attempt, .. } => {
                needs.id(Some(attempt));
                needs.members(gathered, attempt, &["payment_intent"]);
            }
            Command::Expire { payment_intent, attempt } => {
                needs.id(Some(payment_intent));
                needs.members(gathered, attempt, &["payment_method"]);
                needs.id(Some(attempt));
                needs.latest(gathered, payment_intent);
            }
            Command::CreateRefund { request } => {
                needs.id(request.charge.as_deref());
                let mut charge = request.charge.clone();
                if let Some(intent) = request.payment_intent.as_deref() {
                    needs.id(Some(intent));
                    charge = needs.members(gathered, intent, &["latest_charge"]).pop().or(charge);
                }
                if let Some(charge) = charge {
                    needs.members(gathered, &charge, &["attempt", "customer"]);
                }
            }
            Command::Action { attempt, .. } => {
                needs.id(Some(attempt));
                needs.members(gathered, attempt, &["payment_intent", "payment_method"]);
            }
            Command::Outcome { ask, .. } => {
                needs.id(Some(&ask.object));
                let members = ["payment_intent", "payment_method", "charge"];
                needs.members(gathered, &ask.object, &members);
            }
            Command::CreateCustomer { request } => {
                needs.method(request.payment_method.as_deref(), None);
                let invoice = request.invoice_settings.as_ref();
                needs.id(invoice.and_then(|invoice| invoice.default_payment_method.as_deref()));
            }
            Command::UpdateCustomer { id, request } => {
                needs.id(Some(id));
                let invoice = request.invoice_settings.as_ref();
                needs.id(invoice.and_then(|invoice| invoice.default_payment_method.as_deref()));
            }
            Command::CreatePaymentMethod { request } => needs.method(None, Some(&request.data())),
            Command::AttachPaymentMethod { id, request } => {
                needs.method(Some(id), None);
                needs.id(request.customer.as_deref());
            }
            Command::CreateBankAgreement { request } => {
                needs.id(Some(ctx.merchant));
                needs.id(request.customer.as_deref());
                needs.account = request.source().ok();
            }
            Command::ConfirmBankAgreement { id, .. } => {
                needs.id(Some(ctx.merchant));
                needs.id(Some(id));
                needs.members(gathered, id, &["customer"]);
            }
            Command::UpdateRefund { id, .. }
            | Command::DeleteCustomer { id }
            | Command::FundCashBalance { id, .. }
            | Command::UpdatePaymentMethod { id, .. }
            | Command::DetachPaymentMethod { id, .. }
            | Command::UpdateWebhookEndpoint { id, .. }
            | Command::RollWebhookSecret { id, .. }
            | Command::DeleteWebhookEndpoint { id }
            | Command::NoteEndpointHealth { id, .. }
            | Command::UpdateAccount { id, .. }
            | Command::ExpireApiKey { id, .. } => needs.id(Some(id)),
            Command::CreateWebhookEndpoint { .. }
            | Command::CreateAccount { .. }
            | Command::CreateApiKey { .. } => {}
        }
        needs.sessions(gathered);
        needs
    }

    /// Decides. A checkout session moves with its payment, whatever moves that.
    ///
    /// # Errors
    /// [`Rejection`]; nothing is to be written then.
    pub fn decide(&self, gathered: &dyn Gathered, ctx: &Context<'_>) -> Result<Decision, Rejection> {
        let decision = self.decide_alone(gathered, ctx)?;
        match self {
            Command::ConfirmPaymentIntent { id, .. } | Command::CancelPaymentIntent { id, .. } => {
                checkout::refuse_own(id, gathered)?;
            }
            Command::UpdatePaymentIntent { id, request } if request.changes_payment() => {
                checkout::refuse_own(id, gathered)?;
            }
            _ => {}
        }
        checkout::follow(decision, gathered, ctx)
    }

    fn decide_alone(&self, gathered: &dyn Gathered, ctx: &Context<'_>) -> Result<Decision, Rejection> {
        match self {
            Command::CreatePaymentIntent { request } => {
                intent::decide_create_payment_intent(request, gathered, ctx)
            }
            Command::UpdatePaymentIntent { id, request } => {
                intent::decide_update_payment_intent(id, request, gathered, ctx)
            }
            Command::ConfirmPaymentIntent { id, request } => {
                confirm::decide_confirm_begin(id, request, gathered, ctx)
            }
            Command::CapturePaymentIntent { id, request } => {
                capture::decide_capture_begin(id, request, gathered, ctx)
            }
            Command::CancelPaymentIntent { id, request } => cancel::decide_cancel(id, request, gathered, ctx),
            Command::CreateRefund { request } => refund::decide_create_refund(request, gathered, ctx),
            Command::UpdateRefund { id, request } => refund::decide_update_refund(id, request, gathered, ctx),
            Command::CreateCustomer { request } => customer::decide_create_customer(request, gathered, ctx),
            Command::UpdateCustomer { id, request } => {
                customer::decide_update_customer(id, request, gathered, ctx)
            }
            Command::DeleteCustomer { id } => customer::decide_delete_customer(id, gathered, ctx),
            Command::FundCashBalance { id, request } => {
                customer::decide_fund_cash_balance(id, request, gathered, ctx)
            }
            Command::CreatePaymentMethod { request } => {
                payment_method::decide_create_payment_method(request, gathered, ctx)
            }
            Command::UpdatePaymentMethod { id, request } => {
                payment_method::decide_update_payment_method(id, request, gathered, ctx)
            }
            Command::AttachPaymentMethod { id, request } => {
                payment_method::decide_attach_payment_method(id, request, gathered, ctx)
            }
            Command::DetachPaymentMethod { id, .. } => {
                payment_method::decide_detach_payment_method(id, gathered, ctx)
            }
            Command::CreateBankAgreement { request } => {
                bank_agreement::decide_create_bank_agreement(request, gathered, ctx)
            }
            Command::ConfirmBankAgreement { id, request } => {
                bank_agreement::decide_confirm_bank_agreement(id, request, gathered, ctx)
            }
            Command::CreateWebhookEndpoint { request } => {
                webhook_endpoint::decide_create_webhook_endpoint(request, ctx)
            }
            Command::UpdateWebhookEndpoint { id, request } => {
                webhook_endpoint::decide_update_webhook_endpoint(id, request, gathered, ctx)
            }
            Command::RollWebhookSecret { id, request } => {
                webhook_endpoint::decide_roll_webhook_secret(id, request, gathered, ctx)
            }
            Command::DeleteWebhookEndpoint { id } => {
                webhook_endpoint::decide_delete_webhook_endpoint(id, gathered, ctx)
            }
            Command::NoteEndpointHealth { id, health } => {
                webhook_endpoint::decide_note_endpoint_health(id, *health, gathered, ctx)
            }
            Command::CreateAccount { request } => account::decide_create_account(request, ctx),
            Command::UpdateAccount { id, request } => {
                account::decide_update_account(id, request, gathered, ctx)
            }
            Command::CreateApiKey { request } => account::decide_create_api_key(request, ctx),
            Command::ExpireApiKey { id, at_seconds } => {
                account::decide_expire_api_key(id, *at_seconds, gathered, ctx)
            }
            Command::CreateCheckoutSession { request } => {
                checkout::decide_create_checkout_session(request, gathered, ctx)
            }
            Command::PayCheckoutSession { id, request } => {
                checkout::decide_pay_checkout_session(id, request, gathered, ctx)
            }
            Command::ExpireCheckoutSession { id, expiry, .. } => {
                checkout::decide_expire_checkout_session(id, *expiry, gathered, ctx)
            }
            Command::LatePayment { attempt, returned } => {
                checkout::decide_late_payment(attempt, *returned, gathered, ctx)
            }
            Command::Action { attempt, proven } => confirm::decide_action(attempt, *proven, gathered, ctx),
            Command::Outcome { ask, outcome } => outcome::decide_outcome(ask, outcome, gathered, ctx),
            Command::Expire { payment_intent, attempt } => {
                cancel::decide_expire(payment_intent, attempt, gathered, ctx)
            }
        }
    }

    /// Says whether the answer shows a secret, which must not be kept as it is.
    #[must_use]
    pub const fn answers_secret(&self) -> bool {
        matches!(
            self,
            Command::CreateApiKey { .. }
                | Command::CreateWebhookEndpoint { .. }
                | Command::RollWebhookSecret { .. }
        )
    }

    /// Returns the scope that a key needs for this; none for what only the platform itself may do.
    #[must_use]
    pub const fn scope(&self) -> Option<&'static str> {
        match self {
            Command::CreatePaymentIntent { .. }
            | Command::UpdatePaymentIntent { .. }
            | Command::ConfirmPaymentIntent { .. }
            | Command::CapturePaymentIntent { .. }
            | Command::CancelPaymentIntent { .. }
            | Command::CreateCheckoutSession { .. }
            | Command::ExpireCheckoutSession { expiry: Expiry::Merchant, .. } => Some("payments:write"),
            Command::CreateRefund { .. } | Command::UpdateRefund { .. } => Some("refunds:write"),
            Command::CreateCustomer { .. }
            | Command::UpdateCustomer { .. }
            | Command::DeleteCustomer { .. }
            | Command::FundCashBalance { .. } => Some("customers:write"),
            Command::CreatePaymentMethod { .. }
            | Command::UpdatePaymentMethod { .. }
            | Command::AttachPaymentMethod { .. }
            | Command::CreateBankAgreement { .. }
            | Command::ConfirmBankAgreement { .. }
            | Command::DetachPaymentMethod { .. } => Some("payment_methods:write"),
            Command::CreateWebhookEndpoint { .. }
            | Command::UpdateWebhookEndpoint { .. }
            | Command::RollWebhookSecret { .. }
            | Command::DeleteWebhookEndpoint { .. } => Some("webhooks:write"),
            Command::CreateAccount { .. }
            | Command::UpdateAccount { .. }
            | Command::CreateApiKey { .. }
            | Command::ExpireApiKey { .. } => Some("accounts:write"),
            Command::NoteEndpointHealth { .. }
            | Command::PayCheckoutSession { .. }
            | Command::ExpireCheckoutSession { expiry: Expiry::Time, .. }
            | Command::LatePayment { .. }
            | Command::Action { .. }
            | Command::Outcome { .. }
            | Command::Expire { .. } => None,
        }
    }
}

impl Needs {
    fn id(&mut self, id: Option<&str>) {
        // Texts that cannot be ids need not be looked up to be known as missing.
        let known = |id: &&str| ObjectKind::ALL.iter().any(|kind| id.starts_with(kind.prefix()));
        if let Some(id) = id.filter(known)
            && !self.ids.iter().any(|other| other == id)
        {
            self.ids.push(id.to_owned());
        }
    }

    fn method(&mut self, id: Option<&str>, data: Option<&PaymentMethodData>) {
        self.card = payment_method::card_of(id, data);
        if !matches!(&self.card, Some(CardSource::TestId(test)) if Some(test.as_str()) == id) {
            self.id(id);
        }
    }

    /// Names the newest attempt of an intent, and its charge: where the books alone decide, the outcome follows in the
    /// same commit.
    fn latest(&mut self, gathered: &dyn Gathered, intent: &str) {
        for attempt in self.members(gathered, intent, &["latest_attempt"]) {
            self.members(gathered, &attempt, &["charge"]);
        }
    }

    /// Names the checkout sessions of all intents that are named: they move together.
    fn sessions(&mut self, gathered: &dyn Gathered) {
        let intents = self.ids.iter().filter(|id| id.starts_with(ObjectKind::PaymentIntent.prefix()));
        let of = |id: &String| checkout::session_of(gathered.object(id)?.body);
        let sessions: Vec<String> = intents.filter_map(of).collect();
        sessions.iter().for_each(|session| self.id(Some(session)));
    }

    /// Names what some members of a gathered object name, and returns those ids.
    fn members(&mut self, gathered: &dyn Gathered, id: &str, names: &[&str]) -> Vec<String> {
        let Some(found) = gathered.object(id) else { return Vec::new() };
        // Only what is asked for is read: the rest is passed over, not built.
        let members: BTreeMap<&str, &RawValue> = serde_json::from_str(found.body).unwrap_or_default();
        let ids = names.iter().filter_map(|name| serde_json::from_str(members.get(name)?.get()).ok());
        let ids: Vec<String> = ids.collect();
        ids.iter().for_each(|id| self.id(Some(id)));
        ids
    }
}
