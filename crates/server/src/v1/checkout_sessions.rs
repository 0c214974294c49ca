//! `/v1/checkout/sessions`: pages on which customers pay.

use crate::api::Api;
use crate::auth::Permission;
use crate::expand::raw;
use crate::inbound::{Id, Inbound};
use crate::page::PageParameters;
use crate::problem::Problem;
use crate::read::{Retrieve, Wanted, answer_json};
use crate::schema::ListOf;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::value::RawValue;
use suanpan_payments::command::Command;
use suanpan_payments::decision::ObjectKind;
use suanpan_payments::link;
use suanpan_payments::object::checkout_session::{CheckoutSession, LineItem};
use suanpan_payments::request::checkout_session::{CreateCheckoutSession, ExpireCheckoutSession, Expiry};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const READ: Permission = Permission::server("payments:read");
const WRITE: Permission = Permission::server("payments:write");
const KIND: ObjectKind = ObjectKind::CheckoutSession;

/// Returns the routes of this resource.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(retrieve))
        .routes(routes!(expire))
        .routes(routes!(line_items))
}

/// Filters of the list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only sessions of this customer.
    customer: Option<String>,
    /// Only the session of this payment intent.
    payment_intent: Option<String>,
    /// Only sessions that are `open`, `complete` or `expired`.
    status: Option<String>,
}

/// Makes a page on which a customer pays, and its payment intent.
#[utoipa::path(
    post,
    path = "/v1/checkout/sessions",
    tag = "Checkout sessions",
    request_body(content((CreateCheckoutSession = "application/x-www-form-urlencoded"), (CreateCheckoutSession = "application/json"))),
    responses((status = 200, description = "Done", body = CheckoutSession))
)]
pub async fn create(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let command = Command::CreateCheckoutSession { request: Box::new(inbound.parameters(WRITE).await?) };
    api.write(&inbound, command).await
}

/// Shows a checkout session.
#[utoipa::path(
    get,
    path = "/v1/checkout/sessions/{id}",
    tag = "Checkout sessions",
    params(("id" = String, Path, description = "The id", max_length = 64), Retrieve),
    responses((status = 200, description = "Done", body = CheckoutSession))
)]
pub async fn retrieve(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    api.retrieve(&inbound, READ, KIND, &id).await
}

/// Ends a checkout session that is open, and cancels its payment intent.
#[utoipa::path(
    post,
    path = "/v1/checkout/sessions/{id}/expire",
    tag = "Checkout sessions",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((ExpireCheckoutSession = "application/x-www-form-urlencoded"), (ExpireCheckoutSession = "application/json"))),
    responses((status = 200, description = "Done", body = CheckoutSession))
)]
pub async fn expire(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let request = inbound.parameters(WRITE).await?;
    api.write(&inbound, Command::ExpireCheckoutSession { id, request, expiry: Expiry::Merchant }).await
}

/// Lists what is bought by a checkout session, all of it.
#[utoipa::path(
    get,
    path = "/v1/checkout/sessions/{id}/line_items",
    tag = "Checkout sessions",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    responses((status = 200, description = "Done", body = ListOf<LineItem>))
)]
pub async fn line_items(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    struct Items<'a> {
        #[serde(borrow)]
        line_items: &'a RawValue,
    }
    inbound.no_parameters(READ).await?;
    let body = api.object(&inbound.caller, KIND, &id).await?;
    let items: Items<'_> = serde_json::from_str(raw(&body)?.get()).map_err(|error| Problem::fault(&error))?;
    Ok(answer_json(items.line_items.get().to_owned()))
}

/// Lists checkout sessions, newest first.
#[utoipa::path(
    get,
    path = "/v1/checkout/sessions",
    tag = "Checkout sessions",
    params(PageParameters, Filter),
    responses((status = 200, description = "Done", body = ListOf<CheckoutSession>))
)]
pub async fn list(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let (page, filter): (_, Filter) = inbound.page(READ).await?;
    let link = match (&filter.payment_intent, &filter.customer) {
        (Some(intent), _) => Some((link::SESSION_INTENT, intent.clone())),
        (None, Some(customer)) => Some((link::SESSION_CUSTOMER, customer.clone())),
        (None, None) => None,
    };
    let wanted = Wanted::new(link)
        .member("customer", filter.customer)
        .member("payment_intent", filter.payment_intent)
        .member("status", filter.status);
    api.list(&inbound, page, KIND, wanted).await
}
