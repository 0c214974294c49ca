//! Calls of payment intents.

use super::card::{PaymentMethodData, TYPES};
use super::{
    amount, check_chars, check_email, check_expand, check_id, check_metadata, check_url, check_word,
};
use crate::limits;
use crate::object::source::SourceType;
use crate::rejection::Rejection;
use crate::wire::{self, MetadataPatch};
use serde::Deserialize;

const CAPTURE_METHODS: [&str; 3] = ["automatic", "automatic_async", "manual"];
const FUTURE_USAGES: [&str; 2] = ["on_session", "off_session"];
/// Reasons that a merchant may give for a cancellation.
const CANCEL_REASONS: [&str; 4] = ["abandoned", "duplicate", "fraudulent", "requested_by_customer"];

/// `POST /v1/payment_intents`
#[derive(Debug, Clone, Default, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreatePaymentIntent {
    /// Minor units, at least 1.
    #[serde(default, deserialize_with = "wire::integer")]
    pub amount: Option<i64>,
    /// Three letters.
    #[serde(default, deserialize_with = "wire::text")]
    pub currency: Option<String>,
    /// Lets the platform choose the methods.
    pub automatic_payment_methods: Option<AutomaticMethods>,
    /// `automatic`, `automatic_async` or `manual`.
    #[serde(default, deserialize_with = "wire::text")]
    pub capture_method: Option<String>,
    /// Confirms in the same call.
    #[serde(default, deserialize_with = "wire::boolean")]
    pub confirm: Option<bool>,
    /// `automatic` or `manual`.
    #[serde(default, deserialize_with = "wire::text")]
    pub confirmation_method: Option<String>,
    /// `cus_…`
    #[serde(default, deserialize_with = "wire::text")]
    pub customer: Option<String>,
    /// What it is for.
    #[serde(default, deserialize_with = "wire::text")]
    pub description: Option<String>,
    /// Declines instead of asking for an action of the customer.
    #[serde(default, deserialize_with = "wire::boolean")]
    pub error_on_requires_action: Option<bool>,
    /// Fields to show in full.
    #[serde(default, deserialize_with = "wire::list")]
    pub expand: Option<Vec<String>>,
    /// The merchant's own number of the order; unique for ever.
    #[serde(default, deserialize_with = "wire::text")]
    pub merchant_order_id: Option<String>,
    /// The merchant's own particulars.
    #[serde(default, deserialize_with = "wire::metadata")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub metadata: Option<MetadataPatch>,
    /// The customer is not there; with `confirm`.
    #[serde(default, deserialize_with = "wire::boolean")]
    pub off_session: Option<bool>,
    /// `pm_…`
    #[serde(default, deserialize_with = "wire::text")]
    pub payment_method: Option<String>,
    /// Makes a payment method in the same call.
    pub payment_method_data: Option<PaymentMethodData>,
    /// Kinds of methods.
    #[serde(default, deserialize_with = "wire::list")]
    pub payment_method_types: Option<Vec<String>>,
    /// What of it the customer pays with what is kept here; the payment method takes the rest. An empty list: nothing.
    pub payment_sources: Option<Vec<SourceData>>,
    /// Where to send a receipt.
    #[serde(default, deserialize_with = "wire::text")]
    pub receipt_email: Option<String>,
    /// Where the customer comes back to; with `confirm`.
    #[serde(default, deserialize_with = "wire::text")]
    pub return_url: Option<String>,
    /// `on_session` or `off_session`: keep the method for later.
    #[serde(default, deserialize_with = "wire::text")]
    pub setup_future_usage: Option<String>,
    /// What stands on the customer's statement.
    #[serde(default, deserialize_with = "wire::text")]
    pub statement_descriptor: Option<String>,
    /// What is appended to it.
    #[serde(default, deserialize_with = "wire::text")]
    pub statement_descriptor_suffix: Option<String>,
    /// Taken and without effect: browsers' libraries send it.
    #[serde(default, deserialize_with = "wire::boolean")]
    pub use_stripe_sdk: Option<bool>,
}

/// Lets the platform choose the methods.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AutomaticMethods {
    /// Whether it does.
    #[serde(default, deserialize_with = "wire::boolean")]
    pub enabled: Option<bool>,
    /// `always` or `never`.
    #[serde(default, deserialize_with = "wire::text")]
    pub allow_redirects: Option<String>,
}

/// A source of a payment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceData {
    /// `balance`, or last of all `payment_method`.
    #[serde(default, rename = "type", deserialize_with = "wire::text")]
    pub kind: Option<String>,
    /// Minor units, at least 1. When it is left out: all that is there, which must leave something to the payment method;
    /// for that the rest.
    #[serde(default, deserialize_with = "wire::integer")]
    pub amount: Option<i64>,
}

impl SourceData {
    /// Returns its kind; `at` is its place among the sources.
    pub(crate) fn kind(&self, at: usize) -> Result<SourceType, Rejection> {
        let param = || format!("payment_sources[{at}][type]");
        let word = self.kind.as_deref().filter(|word| !word.is_empty());
        let word = word.ok_or_else(|| Rejection::ParameterMissing { param: param() })?;
        let words: Vec<&str> = SourceType::ALL.iter().map(|kind| kind.word()).collect();
        check_word(&param(), Some(word), &words)?;
        SourceType::parse(word).ok_or_else(|| Rejection::ParameterMissing { param: param() })
    }
}

impl CreatePaymentIntent {
    /// Checks what can be told from the request alone.
    ///
    /// # Errors
    /// The first [`Rejection`].
    pub fn check(&self) -> Result<(), Rejection> {
        amount("amount", self.amount)?;
        super::currency("currency", self.currency.as_deref())?;
        if let Some(automatic) = &self.automatic_payment_methods {
            let words = ["always", "never"];
            let param = "automatic_payment_methods[allow_redirects]";
            check_word(param, automatic.allow_redirects.as_deref(), &words)?;
            if automatic.enabled.is_none() {
                let param = "automatic_payment_methods[enabled]".to_owned();
                return Err(Rejection::ParameterMissing { param });
            }
            if automatic.enabled == Some(true) && self.payment_method_types.is_some() {
                return Err(exclusive("automatic_payment_methods", "payment_method_types"));
            }
        }
        check_word("capture_method", self.capture_method.as_deref(), &CAPTURE_METHODS)?;
        check_word("confirmation_method", self.confirmation_method.as_deref(), &["automatic", "manual"])?;
        check_id("customer", self.customer.as_deref())?;
        check_chars("description", self.description.as_deref(), limits::DESCRIPTION_CHARS)?;
        check_expand(self.expand.as_ref())?;
        let order = self.merchant_order_id.as_deref();
        check_chars("merchant_order_id", order, limits::MERCHANT_ORDER_ID_CHARS)?;
        check_metadata(self.metadata.as_ref())?;
        check_method(self.payment_method.as_deref(), self.payment_method_data.as_ref())?;
        check_types(self.payment_method_types.as_ref())?;
        check_sources(self.payment_sources.as_ref())?;
        check_email("receipt_email", self.receipt_email.as_deref())?;
        check_url("return_url", self.return_url.as_deref())?;
        check_word("setup_future_usage", self.setup_future_usage.as_deref(), &FUTURE_USAGES)?;
        check_descriptors(self.statement_descriptor.as_deref(), self.statement_descriptor_suffix.as_deref())?;
        if self.confirm != Some(true) {
            // Stripe refuses both as well: they say something of a confirmation that does not happen.
            for (param, there) in
                [("off_session", self.off_session == Some(true)), ("return_url", self.return_url.is_some())]
            {
                if there {
                    let why = "it may only be given with confirm=true".to_owned();
                    return Err(Rejection::ParameterInvalid { param: param.to_owned(), why });
                }
            }
        }
        Ok(())
    }
}

/// `POST /v1/payment_intents/:id`
#[derive(Debug, Clone, Default, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdatePaymentIntent {
    /// Minor units, at least 1.
    #[serde(default, deserialize_with = "wire::integer")]
    pub amount: Option<i64>,
    /// Three letters.
    #[serde(default, deserialize_with = "wire::text")]
    pub currency: Option<String>,
    /// `automatic`, `automatic_async` or `manual`.
    #[serde(default, deserialize_with = "wire::text")]
    pub capture_method: Option<String>,
    /// `cus_…`
    #[serde(default, deserialize_with = "wire::text")]
    pub customer: Option<String>,
    /// What it is for.
    #[serde(default, deserialize_with = "wire::text")]
    pub description: Option<String>,
    /// Fields to show in full.
    #[serde(default, deserialize_with = "wire::list")]
    pub expand: Option<Vec<String>>,
    /// The merchant's own particulars.
    #[serde(default, deserialize_with = "wire::metadata")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub metadata: Option<MetadataPatch>,
    /// `pm_…`
    #[serde(default, deserialize_with = "wire::text")]
    pub payment_method: Option<String>,
    /// Makes a payment method in the same call.
    pub payment_method_data: Option<PaymentMethodData>,
    /// Kinds of methods.
    #[serde(default, deserialize_with = "wire::list")]
    pub payment_method_types: Option<Vec<String>>,
    /// What of it the customer pays with what is kept here; the payment method takes the rest. An empty list: nothing.
    pub payment_sources: Option<Vec<SourceData>>,
    /// Where to send a receipt.
    #[serde(default, deserialize_with = "wire::text")]
    pub receipt_email: Option<String>,
    /// `on_session` or `off_session`.
    #[serde(default, deserialize_with = "wire::text")]
    pub setup_future_usage: Option<String>,
    /// What stands on the customer's statement.
    #[serde(default, deserialize_with = "wire::text")]
    pub statement_descriptor: Option<String>,
    /// What is appended to it.
    #[serde(default, deserialize_with = "wire::text")]
    pub statement_descriptor_suffix: Option<String>,
}

impl UpdatePaymentIntent {
    /// Checks what can be told from the request alone.
    ///
    /// # Errors
    /// The first [`Rejection`].
    pub fn check(&self) -> Result<(), Rejection> {
        if self.amount.is_some() {
            amount("amount", self.amount)?;
        }
        if self.currency.is_some() {
            super::currency("currency", self.currency.as_deref())?;
        }
        check_word("capture_method", self.capture_method.as_deref(), &CAPTURE_METHODS)?;
        check_chars("customer", self.customer.as_deref(), limits::ID_CHARS)?;
        check_chars("description", self.description.as_deref(), limits::DESCRIPTION_CHARS)?;
        check_expand(self.expand.as_ref())?;
        check_metadata(self.metadata.as_ref())?;
        check_method(self.payment_method.as_deref(), self.payment_method_data.as_ref())?;
        check_types(self.payment_method_types.as_ref())?;
        check_sources(self.payment_sources.as_ref())?;
        check_email("receipt_email", self.receipt_email.as_deref())?;
        check_word("setup_future_usage", self.setup_future_usage.as_deref(), &FUTURE_USAGES)?;
        check_descriptors(self.statement_descriptor.as_deref(), self.statement_descriptor_suffix.as_deref())
    }

    /// Says whether it changes how the payment is made, and not only what stands beside it.
    #[must_use]
    pub const fn changes_payment(&self) -> bool {
        self.amount.is_some()
            || self.currency.is_some()
            || self.capture_method.is_some()
            || self.customer.is_some()
            || self.payment_method.is_some()
            || self.payment_method_data.is_some()
            || self.payment_method_types.is_some()
            || self.payment_sources.is_some()
            || self.setup_future_usage.is_some()
    }
}

/// `POST /v1/payment_intents/:id/confirm`
#[derive(Debug, Clone, Default, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmPaymentIntent {
    /// `automatic`, `automatic_async` or `manual`.
    #[serde(default, deserialize_with = "wire::text")]
    pub capture_method: Option<String>,
    /// What a browser shows instead of a secret key.
    #[serde(default, deserialize_with = "wire::text")]
    pub client_secret: Option<String>,
    /// Declines instead of asking for an action of the customer.
    #[serde(default, deserialize_with = "wire::boolean")]
    pub error_on_requires_action: Option<bool>,
    /// Fields to show in full.
    #[serde(default, deserialize_with = "wire::list")]
    pub expand: Option<Vec<String>>,
    /// The customer is not there.
    #[serde(default, deserialize_with = "wire::boolean")]
    pub off_session: Option<bool>,
    /// `pm_…`
    #[serde(default, deserialize_with = "wire::text")]
    pub payment_method: Option<String>,
    /// Makes a payment method in the same call.
    pub payment_method_data: Option<PaymentMethodData>,
    /// Where to send a receipt.
    #[serde(default, deserialize_with = "wire::text")]
    pub receipt_email: Option<String>,
    /// Where the customer comes back to.
    #[serde(default, deserialize_with = "wire::text")]
    pub return_url: Option<String>,
    /// `on_session` or `off_session`.
    #[serde(default, deserialize_with = "wire::text")]
    pub setup_future_usage: Option<String>,
    /// Taken and without effect: browsers' libraries send it.
    #[serde(default, deserialize_with = "wire::boolean")]
    pub use_stripe_sdk: Option<bool>,
}

impl UpdatePaymentIntent {
    /// Says whether it changes what the sources of a payment were agreed for.
    #[must_use]
    pub const fn changes_sources(&self) -> bool {
        self.amount.is_some() || self.currency.is_some() || self.customer.is_some()
    }
}

impl ConfirmPaymentIntent {
    /// Checks what can be told from the request alone.
    ///
    /// # Errors
    /// The first [`Rejection`].
    pub fn check(&self) -> Result<(), Rejection> {
        check_word("capture_method", self.capture_method.as_deref(), &CAPTURE_METHODS)?;
        check_chars("client_secret", self.client_secret.as_deref(), limits::ID_CHARS)?;
        check_expand(self.expand.as_ref())?;
        check_method(self.payment_method.as_deref(), self.payment_method_data.as_ref())?;
        check_email("receipt_email", self.receipt_email.as_deref())?;
        check_url("return_url", self.return_url.as_deref())?;
        check_word("setup_future_usage", self.setup_future_usage.as_deref(), &FUTURE_USAGES)
    }
}

/// `POST /v1/payment_intents/:id/capture`
#[derive(Debug, Clone, Default, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CapturePaymentIntent {
    /// Minor units; all when absent. The rest is released.
    #[serde(default, deserialize_with = "wire::integer")]
    pub amount_to_capture: Option<i64>,
    /// Fields to show in full.
    #[serde(default, deserialize_with = "wire::list")]
    pub expand: Option<Vec<String>>,
    /// The merchant's own particulars.
    #[serde(default, deserialize_with = "wire::metadata")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub metadata: Option<MetadataPatch>,
    /// What stands on the customer's statement.
    #[serde(default, deserialize_with = "wire::text")]
    pub statement_descriptor: Option<String>,
    /// What is appended to it.
    #[serde(default, deserialize_with = "wire::text")]
    pub statement_descriptor_suffix: Option<String>,
}

impl CapturePaymentIntent {
    /// Checks what can be told from the request alone.
    ///
    /// # Errors
    /// The first [`Rejection`].
    pub fn check(&self) -> Result<(), Rejection> {
        if self.amount_to_capture.is_some() {
            amount("amount_to_capture", self.amount_to_capture)?;
        }
        check_expand(self.expand.as_ref())?;
        check_metadata(self.metadata.as_ref())?;
        check_descriptors(self.statement_descriptor.as_deref(), self.statement_descriptor_suffix.as_deref())
    }
}

/// `POST /v1/payment_intents/:id/cancel`
#[derive(Debug, Clone, Default, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelPaymentIntent {
    /// `abandoned`, `duplicate`, `fraudulent` or `requested_by_customer`.
    #[serde(default, deserialize_with = "wire::text")]
    pub cancellation_reason: Option<String>,
    /// Fields to show in full.
    #[serde(default, deserialize_with = "wire::list")]
    pub expand: Option<Vec<String>>,
}

impl CancelPaymentIntent {
    /// Checks what can be told from the request alone.
    ///
    /// # Errors
    /// The first [`Rejection`].
    pub fn check(&self) -> Result<(), Rejection> {
        check_word("cancellation_reason", self.cancellation_reason.as_deref(), &CANCEL_REASONS)?;
        check_expand(self.expand.as_ref())
    }
}

fn exclusive(param: &str, other: &str) -> Rejection {
    Rejection::ParametersExclude { param: param.to_owned(), other: other.to_owned() }
}

fn check_method(id: Option<&str>, data: Option<&PaymentMethodData>) -> Result<(), Rejection> {
    check_chars("payment_method", id, limits::ID_CHARS)?;
    match data {
        Some(_) if id.is_some_and(|id| !id.is_empty()) => {
            Err(exclusive("payment_method", "payment_method_data"))
        }
        Some(data) => data.check("payment_method_data"),
        None => Ok(()),
    }
}

fn check_types(types: Option<&Vec<String>>) -> Result<(), Rejection> {
    let Some(types) = types else { return Ok(()) };
    if types.is_empty() {
        return Err(Rejection::ParameterEmpty { param: "payment_method_types".to_owned() });
    }
    types.iter().enumerate().try_for_each(|(at, kind)| {
        if kind.is_empty() {
            return Err(Rejection::ParameterEmpty { param: format!("payment_method_types[{at}]") });
        }
        check_word(&format!("payment_method_types[{at}]"), Some(kind), &TYPES)
    })
}

fn check_sources(sources: Option<&Vec<SourceData>>) -> Result<(), Rejection> {
    let sources = sources.map(Vec::as_slice).unwrap_or_default();
    if sources.len() > limits::PAYMENT_SOURCES {
        let (param, limit) = ("payment_sources".to_owned(), limits::PAYMENT_SOURCES);
        return Err(Rejection::ParameterTooLong { param, limit, unit: "sources" });
    }
    for (at, source) in sources.iter().enumerate() {
        source.kind(at)?;
        if source.amount.is_some() {
            amount(&format!("payment_sources[{at}][amount]"), source.amount)?;
        }
    }
    Ok(())
}

fn check_descriptors(whole: Option<&str>, suffix: Option<&str>) -> Result<(), Rejection> {
    for (param, text) in [("statement_descriptor", whole), ("statement_descriptor_suffix", suffix)] {
        check_chars(param, text, limits::STATEMENT_DESCRIPTOR_CHARS)?;
        // The networks print none of these; Stripe refuses them too.
        if text.is_some_and(|text| text.contains(['<', '>', '\\', '\'', '"', '*'])) {
            let why = "it must not hold any of < > \\ ' \" *".to_owned();
            return Err(Rejection::ParameterInvalid { param: param.to_owned(), why });
        }
    }
    Ok(())
}
