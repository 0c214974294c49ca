//! `/v1/attempts`: tries to take the money of a payment intent, each over one channel.

use crate::api::Api;
use crate::auth::Permission;
use crate::inbound::{Id, Inbound};
use crate::problem::Problem;
use crate::read::{Retrieve, answer_json};
use crate::v1::routing::check_operators_key;
use axum::extract::State;
use axum::response::Response;
use suanpan_payments::decision::ObjectKind;
use suanpan_payments::object::attempt::Attempt;
use suanpan_payments::routing::{Basis, Route};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const READ: Permission = Permission::server("payments:read");

/// Returns the routes of this resource.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(retrieve)).routes(routes!(route))
}

/// Shows an attempt. The one before it of the same intent stands in `previous`.
#[utoipa::path(
    get,
    path = "/v1/attempts/{id}",
    tag = "Attempts",
    params(("id" = String, Path, description = "The id", max_length = 64), Retrieve),
    responses((status = 200, description = "Done", body = Attempt))
)]
pub async fn retrieve(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    api.retrieve(&inbound, READ, ObjectKind::Attempt, &id).await
}

/// Shows how the channel of an attempt was chosen among all, for the operator.
#[utoipa::path(
    get,
    path = "/v1/attempts/{id}/route",
    tag = "Attempts",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    responses((status = 200, description = "Done", body = Route))
)]
pub async fn route(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    inbound.no_parameters(READ).await?;
    check_operators_key(&api, &inbound.caller)?;
    let attempt: Attempt = api.whole(&inbound.caller, ObjectKind::Attempt, &id).await?;
    // Where there was nothing to choose, nothing is kept.
    let only = Route {
        channel: Some(attempt.channel),
        basis: Some(Basis::Only),
        rule: None,
        candidates: Vec::new(),
    };
    let route = attempt.internal.route.unwrap_or(only);
    Ok(answer_json(serde_json::to_vec(&route).map_err(|error| Problem::fault(&error))?))
}
