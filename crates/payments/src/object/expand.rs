//! What `expand[]` may show in full: members that hold ids.

use crate::decision::ObjectKind;

/// Levels of objects that may be shown inside one another: Stripe's limit.
pub const LEVELS: usize = 4;

/// Returns the members of an object that hold the id of another, with that one's kind.
#[must_use]
pub const fn expandable(kind: ObjectKind) -> &'static [(&'static str, ObjectKind)] {
    use ObjectKind as K;
    match kind {
        K::PaymentIntent => &[
            ("customer", K::Customer),
            ("latest_attempt", K::Attempt),
            ("latest_charge", K::Charge),
            ("payment_method", K::PaymentMethod),
        ],
        K::Attempt => &[
            ("charge", K::Charge),
            ("payment_intent", K::PaymentIntent),
            ("payment_method", K::PaymentMethod),
        ],
        K::Charge => &[
            ("attempt", K::Attempt),
            ("balance_transaction", K::BalanceTransaction),
            ("customer", K::Customer),
            ("payment_intent", K::PaymentIntent),
            ("payment_method", K::PaymentMethod),
        ],
        K::Refund => &[
            ("balance_transaction", K::BalanceTransaction),
            ("charge", K::Charge),
            ("payment_intent", K::PaymentIntent),
        ],
        K::CheckoutSession => &[("customer", K::Customer), ("payment_intent", K::PaymentIntent)],
        K::PaymentMethod => &[("customer", K::Customer)],
        K::BankAgreement => &[("customer", K::Customer), ("payment_method", K::PaymentMethod)],
        K::Customer | K::BalanceTransaction | K::Event | K::WebhookEndpoint | K::Account | K::ApiKey => &[],
    }
}
