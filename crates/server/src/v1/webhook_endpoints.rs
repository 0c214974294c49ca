//! `/v1/webhook_endpoints`: where events are sent to.

use crate::api::Api;
use crate::auth::Permission;
use crate::inbound::{Id, Inbound, NoFilter};
use crate::page::PageParameters;
use crate::problem::Problem;
use crate::read::{Retrieve, Wanted};
use crate::schema::{Deleted, ListOf, WithSecret};
use axum::extract::State;
use axum::response::Response;
use suanpan_payments::command::Command;
use suanpan_payments::decision::ObjectKind;
use suanpan_payments::object::webhook_endpoint::WebhookEndpoint;
use suanpan_payments::request::webhook_endpoint::{RollSecret, WriteWebhookEndpoint};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const READ: Permission = Permission::server("webhooks:read");
const WRITE: Permission = Permission::server("webhooks:write");

/// Returns the routes of this resource.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(retrieve, update, delete))
        .routes(routes!(roll_secret))
}

/// Makes an endpoint. Its secret is shown here, and not again.
#[utoipa::path(
    post,
    path = "/v1/webhook_endpoints",
    tag = "Webhook endpoints",
    request_body(content((WriteWebhookEndpoint = "application/x-www-form-urlencoded"), (WriteWebhookEndpoint = "application/json"))),
    responses((status = 200, description = "Done", body = WithSecret<WebhookEndpoint>))
)]
pub async fn create(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let command = Command::CreateWebhookEndpoint { request: inbound.parameters(WRITE).await? };
    api.write(&inbound, command).await
}

/// Shows an endpoint.
#[utoipa::path(
    get,
    path = "/v1/webhook_endpoints/{id}",
    tag = "Webhook endpoints",
    params(("id" = String, Path, description = "The id", max_length = 64), Retrieve),
    responses((status = 200, description = "Done", body = WebhookEndpoint))
)]
pub async fn retrieve(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    api.retrieve(&inbound, READ, ObjectKind::WebhookEndpoint, &id).await
}

/// Changes an endpoint.
#[utoipa::path(
    post,
    path = "/v1/webhook_endpoints/{id}",
    tag = "Webhook endpoints",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((WriteWebhookEndpoint = "application/x-www-form-urlencoded"), (WriteWebhookEndpoint = "application/json"))),
    responses((status = 200, description = "Done", body = WebhookEndpoint))
)]
pub async fn update(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let command = Command::UpdateWebhookEndpoint { id, request: inbound.parameters(WRITE).await? };
    api.write(&inbound, command).await
}

/// Gives an endpoint a new secret; the old one stays good for a while.
#[utoipa::path(
    post,
    path = "/v1/webhook_endpoints/{id}/roll_secret",
    tag = "Webhook endpoints",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((RollSecret = "application/x-www-form-urlencoded"), (RollSecret = "application/json"))),
    responses((status = 200, description = "Done", body = WithSecret<WebhookEndpoint>))
)]
pub async fn roll_secret(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let command = Command::RollWebhookSecret { id, request: inbound.parameters(WRITE).await? };
    api.write(&inbound, command).await
}

/// Deletes an endpoint.
#[utoipa::path(
    delete,
    path = "/v1/webhook_endpoints/{id}",
    tag = "Webhook endpoints",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    responses((status = 200, description = "Done", body = Deleted))
)]
pub async fn delete(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    inbound.no_parameters(WRITE).await?;
    api.write(&inbound, Command::DeleteWebhookEndpoint { id }).await
}

/// Lists endpoints, newest first.
#[utoipa::path(
    get,
    path = "/v1/webhook_endpoints",
    tag = "Webhook endpoints",
    params(PageParameters),
    responses((status = 200, description = "Done", body = ListOf<WebhookEndpoint>))
)]
pub async fn list(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let (page, _): (_, NoFilter) = inbound.page(READ).await?;
    api.list(&inbound, page, ObjectKind::WebhookEndpoint, Wanted::new(None).present()).await
}
