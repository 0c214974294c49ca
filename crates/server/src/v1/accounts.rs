//! `/v1/accounts` and `/v1/api_keys`: merchants and their keys.

use crate::api::Api;
use crate::auth::Permission;
use crate::inbound::{Id, Inbound, NoFilter};
use crate::page::PageParameters;
use crate::problem::Problem;
use crate::read::{Retrieve, Wanted};
use crate::schema::{ListOf, WithSecret};
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use suanpan_payments::command::Command;
use suanpan_payments::decision::ObjectKind;
use suanpan_payments::object::account::Account;
use suanpan_payments::object::api_key::ApiKey;
use suanpan_payments::request::account::{CreateApiKey, WriteAccount};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const READ: Permission = Permission::server("accounts:read");
const WRITE: Permission = Permission::server("accounts:write");

/// Returns the routes of this resource.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(retrieve, update))
        .routes(routes!(own))
        .routes(routes!(create_key, list_keys))
        .routes(routes!(retrieve_key))
        .routes(routes!(expire_key))
}

/// Makes a merchant, connected to the one that asks.
#[utoipa::path(
    post,
    path = "/v1/accounts",
    tag = "Accounts",
    request_body(content((WriteAccount = "application/x-www-form-urlencoded"), (WriteAccount = "application/json"))),
    responses((status = 200, description = "Done", body = Account))
)]
pub async fn create(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let command = Command::CreateAccount { request: Box::new(inbound.parameters(WRITE).await?) };
    api.write(&inbound, command).await
}

/// Shows the merchant that asks.
#[utoipa::path(
    get,
    path = "/v1/account",
    tag = "Accounts",
    params(Retrieve),
    responses((status = 200, description = "Done", body = Account))
)]
pub async fn own(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let id = inbound.caller.merchant.clone();
    api.retrieve(&inbound, READ, ObjectKind::Account, &id).await
}

/// Shows a merchant: the one that asks, or one connected to it.
#[utoipa::path(
    get,
    path = "/v1/accounts/{id}",
    tag = "Accounts",
    params(("id" = String, Path, description = "The id", max_length = 64), Retrieve),
    responses((status = 200, description = "Done", body = Account))
)]
pub async fn retrieve(State(api): State<Api>, Id(id): Id, mut inbound: Inbound) -> Result<Response, Problem> {
    inbound.act_for(&api, &id).await?;
    api.retrieve(&inbound, READ, ObjectKind::Account, &id).await
}

/// Changes a merchant: the one that asks, or one connected to it.
#[utoipa::path(
    post,
    path = "/v1/accounts/{id}",
    tag = "Accounts",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((WriteAccount = "application/x-www-form-urlencoded"), (WriteAccount = "application/json"))),
    responses((status = 200, description = "Done", body = Account))
)]
pub async fn update(State(api): State<Api>, Id(id): Id, mut inbound: Inbound) -> Result<Response, Problem> {
    inbound.act_for(&api, &id).await?;
    let command = Command::UpdateAccount { id, request: Box::new(inbound.parameters(WRITE).await?) };
    api.write(&inbound, command).await
}

/// Lists the merchants connected to the one that asks, newest first.
#[utoipa::path(
    get,
    path = "/v1/accounts",
    tag = "Accounts",
    params(PageParameters),
    responses((status = 200, description = "Done", body = ListOf<Account>))
)]
pub async fn list(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let (page, _): (_, NoFilter) = inbound.page(READ).await?;
    api.list_connected(&inbound, &page).await
}

/// Makes an API key. It is shown here, and not again. Only secret keys may do it.
#[utoipa::path(
    post,
    path = "/v1/api_keys",
    tag = "Accounts",
    request_body(content((CreateApiKey = "application/x-www-form-urlencoded"), (CreateApiKey = "application/json"))),
    responses((status = 200, description = "Done", body = WithSecret<ApiKey>))
)]
pub async fn create_key(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    // A restricted key must not make itself another that may do more.
    inbound.caller.check_secret_key("make keys")?;
    let command = Command::CreateApiKey { request: inbound.parameters(WRITE).await? };
    api.write(&inbound, command).await
}

/// Shows what is known of an API key.
#[utoipa::path(
    get,
    path = "/v1/api_keys/{id}",
    tag = "Accounts",
    params(("id" = String, Path, description = "The id", max_length = 64), Retrieve),
    responses((status = 200, description = "Done", body = ApiKey))
)]
pub async fn retrieve_key(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    api.retrieve(&inbound, READ, ObjectKind::ApiKey, &id).await
}

/// Lists API keys, newest first.
#[utoipa::path(
    get,
    path = "/v1/api_keys",
    tag = "Accounts",
    params(PageParameters),
    responses((status = 200, description = "Done", body = ListOf<ApiKey>))
)]
pub async fn list_keys(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let (page, _): (_, NoFilter) = inbound.page(READ).await?;
    api.list(&inbound, page, ObjectKind::ApiKey, Wanted::new(None)).await
}

/// When a key is to end.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpireApiKey {
    /// Seconds since the epoch; at once when absent.
    at: Option<i64>,
}

/// Ends an API key, at once or at a later time, so that two can overlap. The end is never put off.
#[utoipa::path(
    post,
    path = "/v1/api_keys/{id}/expire",
    tag = "Accounts",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((ExpireApiKey = "application/x-www-form-urlencoded"), (ExpireApiKey = "application/json"))),
    responses((status = 200, description = "Done", body = ApiKey))
)]
pub async fn expire_key(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let request: ExpireApiKey = inbound.parameters(WRITE).await?;
    api.write(&inbound, Command::ExpireApiKey { id, at_seconds: request.at }).await
}
