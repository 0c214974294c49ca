//! Names under which objects are found.

/// `{merchant}/{mode}/{order}`, unique: the intent of a merchant's order.
pub const MERCHANT_ORDER: &str = "payment_intent.merchant_order_id";
/// Sessions of a customer.
pub const SESSION_CUSTOMER: &str = "checkout_session.customer";
/// The session of an intent.
pub const SESSION_INTENT: &str = "checkout_session.payment_intent";
/// Intents of a customer. What a link finds must be compared with the object: links are never taken back.
pub const INTENT_CUSTOMER: &str = "payment_intent.customer";
/// Charges of an intent.
pub const CHARGE_INTENT: &str = "charge.payment_intent";
/// Charges of a customer.
pub const CHARGE_CUSTOMER: &str = "charge.customer";
/// Refunds of an intent.
pub const REFUND_INTENT: &str = "refund.payment_intent";
/// Refunds of a charge.
pub const REFUND_CHARGE: &str = "refund.charge";
/// Agreements of a customer.
pub const AGREEMENT_CUSTOMER: &str = "bank_agreement.customer";
/// Methods of a customer, at one time or another.
pub const METHOD_CUSTOMER: &str = "payment_method.customer";
/// Movements of a charge or refund.
pub const TRANSACTION_SOURCE: &str = "balance_transaction.source";
/// `{merchant}/{mode}/{email}`: customers by electronic mail.
pub const CUSTOMER_EMAIL: &str = "customer.email";
/// `{merchant}/{account}`, unique: an account made by a merchant, which may act for it.
pub const ACCOUNT_CONNECTION: &str = "account.connection";
/// Accounts made by a merchant.
pub const ACCOUNT_PLATFORM: &str = "account.platform";
/// The keyed hash of a key, unique.
pub const API_KEY: &str = "api_key.digest";

/// Makes a key that is one merchant's in one mode.
#[must_use]
pub fn scoped(merchant: &str, live: bool, value: &str) -> String {
    let mode = if live { "live" } else { "test" };
    format!("{merchant}/{mode}/{value}")
}
