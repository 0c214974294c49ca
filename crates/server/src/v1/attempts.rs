//! `/v1/attempts`: tries to take the money of a payment intent, each over one channel.

use crate::api::Api;
use crate::auth::Permission;
use crate::inbound::{Id, Inbound};
use crate::problem::Problem;
use crate::read::Retrieve;
use axum::extract::State;
use axum::response::Response;
use suanpan_payments::decision::ObjectKind;
use suanpan_payments::object::attempt::Attempt;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const READ: Permission = Permission::server("payments:read");

/// Returns the routes of this resource.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(retrieve))
}

/// Shows an attempt, with how its channel was chosen. The one before it of the same intent stands in `previous`.
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
