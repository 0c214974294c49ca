//! Why a request is refused: one list, in order of precedence.

use crate::decline::DeclineCode;

/// A refusal. Where several apply, the one that stands first here is given. Codes and types are those of
/// Stripe where it has one, so that its clients raise the exceptions that their users expect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The body is not what this call takes.
    #[error("The body of the request cannot be read: {why}")]
    BodyUnreadable {
        /// Why.
        why: String,
    },
    /// There is no such parameter.
    #[error("Received unknown parameter: {param}")]
    ParameterUnknown {
        /// The parameter.
        param: String,
    },
    /// A parameter must be given.
    #[error("Missing required param: {param}.")]
    ParameterMissing {
        /// The parameter.
        param: String,
    },
    /// A parameter must not be empty.
    #[error("{param} must not be empty.")]
    ParameterEmpty {
        /// The parameter.
        param: String,
    },
    /// A parameter is not a whole number, or not one that fits.
    #[error("Invalid integer: {value}")]
    IntegerInvalid {
        /// The parameter.
        param: String,
        /// What was given, shortened.
        value: String,
    },
    /// A parameter is neither true nor false.
    #[error("Invalid boolean: {value}")]
    BooleanInvalid {
        /// The parameter.
        param: String,
        /// What was given, shortened.
        value: String,
    },
    /// A parameter is not one of the words allowed, or has another fault.
    #[error("Invalid {param}: {why}")]
    ParameterInvalid {
        /// The parameter.
        param: String,
        /// Why.
        why: String,
    },
    /// A parameter is longer than allowed, or has too many parts.
    #[error("{param} is too long: at most {limit} {unit} are allowed.")]
    ParameterTooLong {
        /// The parameter.
        param: String,
        /// The most that is allowed.
        limit: usize,
        /// Of what.
        unit: &'static str,
    },
    /// Two parameters say the same thing in two ways.
    #[error("You may only specify one of these parameters: {param}, {other}.")]
    ParametersExclude {
        /// The one.
        param: String,
        /// The other.
        other: String,
    },
    /// An address of electronic mail is none.
    #[error("Invalid email address: {value}")]
    EmailInvalid {
        /// The parameter.
        param: String,
        /// What was given, shortened.
        value: String,
    },
    /// A URL is none that may be used here.
    #[error("Not a valid URL: {why}")]
    UrlInvalid {
        /// The parameter.
        param: String,
        /// Why.
        why: String,
    },
    /// A merchant has as many endpoints as one may have.
    #[error("There are {limit} webhook endpoints {of}; no more can be made.")]
    TooManyEndpoints {
        /// The most that is allowed.
        limit: usize,
        /// Of what.
        of: &'static str,
    },
    /// A currency is none of ISO 4217.
    #[error("Invalid currency: {value}. Currencies are three letters of ISO 4217.")]
    CurrencyInvalid {
        /// What was given, shortened.
        value: String,
    },
    /// An amount is below the least.
    #[error("{param} must be at least {least} minor units.")]
    AmountTooSmall {
        /// The parameter.
        param: String,
        /// The least.
        least: i64,
    },
    /// An amount is above the most.
    #[error("{param} must be no more than {most} minor units.")]
    AmountTooLarge {
        /// The parameter.
        param: String,
        /// The most.
        most: i64,
    },
    /// A query of a search cannot be read.
    #[error("The search query cannot be read at character {at}: {why}")]
    QueryInvalid {
        /// Where, counted from 1.
        at: usize,
        /// Why.
        why: String,
    },
    /// There is no such object, or it is somebody else's, or of the other mode.
    #[error("No such {kind}: '{id}'")]
    ResourceMissing {
        /// What kind of object.
        kind: &'static str,
        /// The id asked for, shortened.
        id: String,
        /// The parameter that named it.
        param: &'static str,
    },
    /// The key may not do this.
    #[error("The API key may not do this: it needs the scope {scope}.")]
    ScopeMissing {
        /// What it would need.
        scope: &'static str,
    },
    /// The merchant may not take payments.
    #[error("The account {account} may not do this: {why}")]
    AccountRestricted {
        /// The account.
        account: String,
        /// Why.
        why: &'static str,
    },
    /// The merchant's order number has a payment already.
    #[error("The merchant order id {order} is taken by {payment_intent}.")]
    MerchantOrderTaken {
        /// The order number.
        order: String,
        /// Whose it is.
        payment_intent: String,
    },
    /// A request about this object is at a channel and its end is not known yet.
    #[error("{id} is being worked on: {operation} was sent to the channel and is not answered yet.")]
    InProgress {
        /// The object.
        id: String,
        /// What was asked.
        operation: &'static str,
    },
    /// The intent is in a state that does not allow this.
    #[error("This PaymentIntent could not be {verb} because it has a status of {status}.")]
    IntentState {
        /// The intent.
        id: String,
        /// What was asked for: confirmed, captured, canceled, updated.
        verb: &'static str,
        /// Its state.
        status: &'static str,
    },
    /// The session is in a state that does not allow this.
    #[error("This Checkout Session could not be {verb} because it has a status of {status}.")]
    SessionState {
        /// What was asked for: paid, expired.
        verb: &'static str,
        /// Its state.
        status: &'static str,
    },
    /// The page was sent from a window that does not show how things stand.
    #[error("The payment went on meanwhile, perhaps in another window. Look at the page again.")]
    SessionChanged,
    /// The intent is paid on the page of its session.
    #[error(
        "{id} was made by a Checkout Session: it is paid on the page of that, and canceled by expiring the session."
    )]
    IntentOfSession {
        /// The intent.
        id: String,
    },
    /// The attempt is in a state in which this cannot happen.
    #[error("Attempt {id} has a status of {status}; it cannot take {event}.")]
    AttemptState {
        /// The attempt.
        id: String,
        /// Its state.
        status: &'static str,
        /// What came.
        event: &'static str,
    },
    /// Too many attempts were made.
    #[error("{id} has had {limit} attempts, which is the most. Create another PaymentIntent.")]
    TooManyAttempts {
        /// The intent.
        id: String,
        /// The most.
        limit: u32,
    },
    /// The charge was not taken, so it cannot be refunded.
    #[error("Charge {id} cannot be refunded: {why}")]
    ChargeNotRefundable {
        /// The charge.
        id: String,
        /// Why.
        why: &'static str,
    },
    /// All of it was refunded before.
    #[error("Charge {id} has already been refunded.")]
    ChargeRefunded {
        /// The charge.
        id: String,
    },
    /// More than what is left.
    #[error("Refund amount ({asked}) is greater than unrefunded amount on charge ({left})")]
    RefundTooLarge {
        /// What was asked for, minor units.
        asked: i64,
        /// What is left, minor units.
        left: i64,
    },
    /// The refund is in a state in which this cannot happen.
    #[error("Refund {id} has a status of {status}; it cannot take {event}.")]
    RefundState {
        /// The refund.
        id: String,
        /// Its state.
        status: &'static str,
        /// What came.
        event: &'static str,
    },
    /// The agreement is in a state in which this cannot happen.
    #[error("Bank agreement {id} has a status of {status}; it cannot take {event}.")]
    BankAgreementState {
        /// The agreement.
        id: String,
        /// Its state.
        status: &'static str,
        /// What came.
        event: &'static str,
    },
    /// The payment method cannot be used like this.
    #[error("Payment method {id} cannot be used: {why}")]
    PaymentMethodState {
        /// The payment method.
        id: String,
        /// Why.
        why: &'static str,
    },
    /// What a customer has with us does not cover what was agreed. Nothing was asked for.
    #[error(
        "The customer's {kind} does not cover its part of the payment; nothing was taken. Change payment_sources, or pay in first."
    )]
    SourceShort {
        /// What kind of source.
        kind: &'static str,
    },
    /// A customer has money with us.
    #[error(
        "Customer {id} still has money with you, or money set aside. Pay it out before the customer is deleted."
    )]
    CustomerBalance {
        /// The customer.
        id: String,
    },
    /// No channel takes this payment.
    #[error("No channel takes this payment: {why}")]
    ChannelMissing {
        /// Why, channel by channel.
        why: String,
    },
    /// No channel takes this payment now. Nothing was sent.
    #[error("No channel takes this payment now: {why}. Try again in a little while.")]
    ChannelsResting {
        /// Why, channel by channel.
        why: String,
    },
    /// The card cannot be used, or the issuer said no.
    #[error("{}", code.message())]
    Card {
        /// Why.
        code: DeclineCode,
        /// The charge that failed, where one was made.
        charge: Option<String>,
    },
    /// What is stored cannot be read: our fault.
    #[error("{id} cannot be read from the store.")]
    Unreadable {
        /// The object.
        id: String,
    },
}

/// The type of an error, in Stripe's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorType {
    /// The request is at fault.
    InvalidRequest,
    /// The card is at fault.
    Card,
    /// The request contradicts another one; Stripe knows this type for keys of idempotency.
    Idempotency,
    /// We are at fault.
    Api,
}

impl ErrorType {
    /// Returns the word that stands as `type`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            ErrorType::InvalidRequest => "invalid_request_error",
            ErrorType::Card => "card_error",
            ErrorType::Idempotency => "idempotency_error",
            ErrorType::Api => "api_error",
        }
    }
}

impl Rejection {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Rejection::BodyUnreadable { .. } => "body_unreadable",
            Rejection::ParameterUnknown { .. } => "parameter_unknown",
            Rejection::ParameterMissing { .. } => "parameter_missing",
            Rejection::ParameterEmpty { .. } => "parameter_invalid_empty",
            Rejection::IntegerInvalid { .. } => "parameter_invalid_integer",
            Rejection::BooleanInvalid { .. } => "parameter_invalid_boolean",
            Rejection::ParameterInvalid { .. } => "parameter_invalid",
            Rejection::ParameterTooLong { .. } => "parameter_too_long",
            Rejection::ParametersExclude { .. } => "parameters_exclusive",
            Rejection::EmailInvalid { .. } => "email_invalid",
            Rejection::UrlInvalid { .. } => "url_invalid",
            Rejection::TooManyEndpoints { .. } => "too_many_webhook_endpoints",
            Rejection::CurrencyInvalid { .. } => "currency_invalid",
            Rejection::AmountTooSmall { .. } => "amount_too_small",
            Rejection::AmountTooLarge { .. } => "amount_too_large",
            Rejection::QueryInvalid { .. } => "query_invalid",
            Rejection::ResourceMissing { .. } => "resource_missing",
            Rejection::ScopeMissing { .. } => "scope_missing",
            Rejection::AccountRestricted { .. } => "account_restricted",
            Rejection::MerchantOrderTaken { .. } => "merchant_order_id_taken",
            Rejection::InProgress { .. } => "lock_timeout",
            Rejection::IntentState { .. } => "payment_intent_unexpected_state",
            Rejection::SessionState { .. } => "checkout_session_unexpected_state",
            Rejection::SessionChanged => "checkout_session_changed",
            Rejection::IntentOfSession { .. } => "payment_intent_of_checkout_session",
            Rejection::AttemptState { .. } => "attempt_unexpected_state",
            Rejection::TooManyAttempts { .. } => "too_many_attempts",
            Rejection::ChargeNotRefundable { .. } => "charge_not_refundable",
            Rejection::ChargeRefunded { .. } => "charge_already_refunded",
            Rejection::RefundTooLarge { .. } => "refund_amount_too_large",
            Rejection::RefundState { .. } => "refund_unexpected_state",
            Rejection::BankAgreementState { .. } => "bank_agreement_unexpected_state",
            Rejection::PaymentMethodState { .. } => "payment_method_unexpected_state",
            Rejection::SourceShort { .. } => "balance_insufficient",
            Rejection::CustomerBalance { .. } => "customer_balance_not_zero",
            Rejection::ChannelMissing { .. } => "channel_missing",
            Rejection::ChannelsResting { .. } => "channels_resting",
            Rejection::Card { code, .. } => code.error_code(),
            Rejection::Unreadable { .. } => "object_unreadable",
        }
    }

    /// Returns the type.
    #[must_use]
    pub const fn error_type(&self) -> ErrorType {
        match self {
            Rejection::Card { .. } => ErrorType::Card,
            Rejection::Unreadable { .. } | Rejection::ChannelsResting { .. } => ErrorType::Api,
            _ => ErrorType::InvalidRequest,
        }
    }

    /// Returns the HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Rejection::Card { .. } => 402,
            Rejection::ScopeMissing { .. } | Rejection::AccountRestricted { .. } => 403,
            Rejection::ResourceMissing { .. } => 404,
            Rejection::MerchantOrderTaken { .. }
            | Rejection::InProgress { .. }
            | Rejection::SessionChanged
            | Rejection::AttemptState { .. }
            | Rejection::BankAgreementState { .. }
            | Rejection::RefundState { .. } => 409,
            Rejection::Unreadable { .. } => 500,
            Rejection::ChannelsResting { .. } => 503,
            _ => 400,
        }
    }

    /// Returns the parameter at fault, in the writing of forms (`card[number]`).
    #[must_use]
    pub fn param(&self) -> Option<&str> {
        match self {
            Rejection::ParameterUnknown { param }
            | Rejection::ParameterMissing { param }
            | Rejection::ParameterEmpty { param }
            | Rejection::IntegerInvalid { param, .. }
            | Rejection::BooleanInvalid { param, .. }
            | Rejection::ParameterInvalid { param, .. }
            | Rejection::ParameterTooLong { param, .. }
            | Rejection::ParametersExclude { param, .. }
            | Rejection::EmailInvalid { param, .. }
            | Rejection::UrlInvalid { param, .. }
            | Rejection::AmountTooSmall { param, .. }
            | Rejection::AmountTooLarge { param, .. } => Some(param),
            Rejection::CurrencyInvalid { .. } => Some("currency"),
            Rejection::QueryInvalid { .. } => Some("query"),
            Rejection::ResourceMissing { param, .. } => Some(param),
            Rejection::MerchantOrderTaken { .. } => Some("merchant_order_id"),
            Rejection::RefundTooLarge { .. } => Some("amount"),
            Rejection::SourceShort { .. } => Some("payment_sources"),
            Rejection::PaymentMethodState { .. } => Some("payment_method"),
            Rejection::Card { code, .. } => code.param(),
            Rejection::BodyUnreadable { .. }
            | Rejection::ScopeMissing { .. }
            | Rejection::AccountRestricted { .. }
            | Rejection::InProgress { .. }
            | Rejection::IntentState { .. }
            | Rejection::SessionState { .. }
            | Rejection::SessionChanged
            | Rejection::IntentOfSession { .. }
            | Rejection::AttemptState { .. }
            | Rejection::TooManyAttempts { .. }
            | Rejection::TooManyEndpoints { .. }
            | Rejection::ChargeNotRefundable { .. }
            | Rejection::ChargeRefunded { .. }
            | Rejection::RefundState { .. }
            | Rejection::BankAgreementState { .. }
            | Rejection::CustomerBalance { .. }
            | Rejection::ChannelMissing { .. }
            | Rejection::ChannelsResting { .. }
            | Rejection::Unreadable { .. } => None,
        }
    }

    /// Returns the reason of a decline.
    #[must_use]
    pub const fn decline_code(&self) -> Option<&'static str> {
        match self {
            Rejection::Card { code, .. } => Some(code.word()),
            _ => None,
        }
    }

    /// Says whether the same request may succeed later.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        match self {
            Rejection::InProgress { .. } | Rejection::ChannelsResting { .. } => true,
            Rejection::Card { code, .. } => code.retryable(),
            _ => false,
        }
    }
}

/// Shortens what came from outside, for messages.
#[must_use]
pub fn shorten(text: &str) -> String {
    const CHARS: usize = 60;
    match text.char_indices().nth(CHARS) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}
