//! Version 1 of the API: one file for each resource, handlers that only parse, ask and answer.

pub mod accounts;
pub mod attempts;
pub mod balance;
pub mod bank_agreements;
pub mod charges;
pub mod checkout_sessions;
pub mod customers;
pub mod events;
pub mod ledger;
pub mod payment_intents;
pub mod payment_methods;
pub mod refunds;
pub mod routing;
pub mod webhook_endpoints;

use crate::api::Api;
use utoipa_axum::router::OpenApiRouter;

/// Returns the routes under `/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(accounts::routes())
        .merge(attempts::routes())
        .merge(balance::routes())
        .merge(bank_agreements::routes())
        .merge(charges::routes())
        .merge(checkout_sessions::routes())
        .merge(customers::routes())
        .merge(events::routes())
        .merge(ledger::routes())
        .merge(payment_intents::routes())
        .merge(payment_methods::routes())
        .merge(refunds::routes())
        .merge(routing::routes())
        .merge(webhook_endpoints::routes())
}
