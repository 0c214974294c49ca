//! `/v1/refunds`: money given back.

use crate::api::Api;
use crate::auth::Permission;
use crate::inbound::{Id, Inbound};
use crate::page::PageParameters;
use crate::problem::Problem;
use crate::read::{Retrieve, Wanted};
use crate::schema::ListOf;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use suanpan_payments::command::Command;
use suanpan_payments::decision::ObjectKind;
use suanpan_payments::link;
use suanpan_payments::object::refund::Refund;
use suanpan_payments::request::refund::{CreateRefund, UpdateRefund};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const READ: Permission = Permission::server("refunds:read");
const WRITE: Permission = Permission::server("refunds:write");

/// Returns the routes of this resource.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(retrieve, update))
}

/// Filters of the list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only refunds of this charge.
    charge: Option<String>,
    /// Only refunds of this payment intent.
    payment_intent: Option<String>,
}

/// Gives money back, all of it or a part.
#[utoipa::path(
    post,
    path = "/v1/refunds",
    tag = "Refunds",
    request_body(content((CreateRefund = "application/x-www-form-urlencoded"), (CreateRefund = "application/json"))),
    responses((status = 200, description = "Done", body = Refund))
)]
pub async fn create(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let command = Command::CreateRefund { request: inbound.parameters(WRITE).await? };
    api.write(&inbound, command).await
}

/// Shows a refund.
#[utoipa::path(
    get,
    path = "/v1/refunds/{id}",
    tag = "Refunds",
    params(("id" = String, Path, description = "The id", max_length = 64), Retrieve),
    responses((status = 200, description = "Done", body = Refund))
)]
pub async fn retrieve(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    api.retrieve(&inbound, READ, ObjectKind::Refund, &id).await
}

/// Changes the metadata of a refund.
#[utoipa::path(
    post,
    path = "/v1/refunds/{id}",
    tag = "Refunds",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((UpdateRefund = "application/x-www-form-urlencoded"), (UpdateRefund = "application/json"))),
    responses((status = 200, description = "Done", body = Refund))
)]
pub async fn update(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let command = Command::UpdateRefund { id, request: inbound.parameters(WRITE).await? };
    api.write(&inbound, command).await
}

/// Lists refunds, newest first.
#[utoipa::path(
    get,
    path = "/v1/refunds",
    tag = "Refunds",
    params(PageParameters, Filter),
    responses((status = 200, description = "Done", body = ListOf<Refund>))
)]
pub async fn list(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let (page, filter): (_, Filter) = inbound.page(READ).await?;
    let link = match (&filter.charge, &filter.payment_intent) {
        (Some(charge), _) => Some((link::REFUND_CHARGE, charge.clone())),
        (None, Some(intent)) => Some((link::REFUND_INTENT, intent.clone())),
        (None, None) => None,
    };
    let wanted =
        Wanted::new(link).member("charge", filter.charge).member("payment_intent", filter.payment_intent);
    api.list(&inbound, page, ObjectKind::Refund, wanted).await
}
