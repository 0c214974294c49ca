//! `/v1/payment_methods`: with what customers pay. Browsers may make them, so that card numbers need not pass
//! through the merchant's server.

use crate::api::Api;
use crate::auth::Permission;
use crate::inbound::{Id, Inbound};
use crate::page::PageParameters;
use crate::problem::Problem;
use crate::read::{Retrieve, Wanted};
use crate::routes::for_browsers;
use crate::schema::ListOf;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use suanpan_payments::command::Command;
use suanpan_payments::decision::ObjectKind;
use suanpan_payments::link;
use suanpan_payments::object::payment_method::PaymentMethod;
use suanpan_payments::request::payment_method::{
    AttachPaymentMethod, CreatePaymentMethod, DetachPaymentMethod, UpdatePaymentMethod,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const READ: Permission = Permission::server("payment_methods:read");
const WRITE: Permission = Permission::server("payment_methods:write");
const CREATE: Permission = Permission::browser("payment_methods:write");

/// Returns the routes of this resource.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(for_browsers(OpenApiRouter::new().routes(routes!(create, list)), &["/v1/payment_methods"]))
        .routes(routes!(retrieve, update))
        .routes(routes!(attach))
        .routes(routes!(detach))
}

/// Filters of the list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only methods of this customer.
    customer: Option<String>,
    /// Only methods of this type.
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// Makes a payment method of a card. Publishable keys may do it.
#[utoipa::path(
    post,
    path = "/v1/payment_methods",
    tag = "Payment methods",
    request_body(content((CreatePaymentMethod = "application/x-www-form-urlencoded"), (CreatePaymentMethod = "application/json"))),
    responses((status = 200, description = "Done", body = PaymentMethod))
)]
pub async fn create(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let command = Command::CreatePaymentMethod { request: Box::new(inbound.parameters(CREATE).await?) };
    api.write(&inbound, command).await
}

/// Shows a payment method.
#[utoipa::path(
    get,
    path = "/v1/payment_methods/{id}",
    tag = "Payment methods",
    params(("id" = String, Path, description = "The id", max_length = 64), Retrieve),
    responses((status = 200, description = "Done", body = PaymentMethod))
)]
pub async fn retrieve(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    api.retrieve(&inbound, READ, ObjectKind::PaymentMethod, &id).await
}

/// Changes a payment method.
#[utoipa::path(
    post,
    path = "/v1/payment_methods/{id}",
    tag = "Payment methods",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((UpdatePaymentMethod = "application/x-www-form-urlencoded"), (UpdatePaymentMethod = "application/json"))),
    responses((status = 200, description = "Done", body = PaymentMethod))
)]
pub async fn update(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let command = Command::UpdatePaymentMethod { id, request: Box::new(inbound.parameters(WRITE).await?) };
    api.write(&inbound, command).await
}

/// Gives a payment method to a customer.
#[utoipa::path(
    post,
    path = "/v1/payment_methods/{id}/attach",
    tag = "Payment methods",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((AttachPaymentMethod = "application/x-www-form-urlencoded"), (AttachPaymentMethod = "application/json"))),
    responses((status = 200, description = "Done", body = PaymentMethod))
)]
pub async fn attach(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let command = Command::AttachPaymentMethod { id, request: inbound.parameters(WRITE).await? };
    api.write(&inbound, command).await
}

/// Takes a payment method from its customer, for good.
#[utoipa::path(
    post,
    path = "/v1/payment_methods/{id}/detach",
    tag = "Payment methods",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((DetachPaymentMethod = "application/x-www-form-urlencoded"), (DetachPaymentMethod = "application/json"))),
    responses((status = 200, description = "Done", body = PaymentMethod))
)]
pub async fn detach(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let command = Command::DetachPaymentMethod { id, request: inbound.parameters(WRITE).await? };
    api.write(&inbound, command).await
}

/// Lists payment methods, newest first.
#[utoipa::path(
    get,
    path = "/v1/payment_methods",
    tag = "Payment methods",
    params(PageParameters, Filter),
    responses((status = 200, description = "Done", body = ListOf<PaymentMethod>))
)]
pub async fn list(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let (page, filter): (_, Filter) = inbound.page(READ).await?;
    let link = filter.customer.clone().map(|customer| (link::METHOD_CUSTOMER, customer));
    let wanted = Wanted::new(link).member("customer", filter.customer).member("type", filter.kind);
    api.list(&inbound, page, ObjectKind::PaymentMethod, wanted).await
}
