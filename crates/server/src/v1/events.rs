//! `/v1/events`: what happened.

use crate::api::Api;
use crate::auth::Permission;
use crate::inbound::{Id, Inbound};
use crate::page::PageParameters;
use crate::problem::Problem;
use crate::read::{Retrieve, Wanted};
use crate::schema::{EventSchema, ListOf, SearchOf};
use crate::search::SearchParameters;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use suanpan_payments::decision::ObjectKind;
use suanpan_payments::search::Searched;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const READ: Permission = Permission::server("events:read");

/// Returns the routes of this resource.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(search)).routes(routes!(retrieve))
}

/// Filters of the list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only events of this type.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Only events of these types.
    #[param(rename = "types[]", max_items = 20)]
    types: Vec<String>,
}

/// Shows an event.
#[utoipa::path(
    get,
    path = "/v1/events/{id}",
    tag = "Events",
    params(("id" = String, Path, description = "The id", max_length = 64), Retrieve),
    responses((status = 200, description = "Done", body = EventSchema))
)]
pub async fn retrieve(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    api.retrieve(&inbound, READ, ObjectKind::Event, &id).await
}

/// Searches events, such as type:'refund.created' AND created>1700000000.
#[utoipa::path(
    get,
    path = "/v1/events/search",
    tag = "Events",
    params(SearchParameters),
    responses((status = 200, description = "Done", body = SearchOf<EventSchema>))
)]
pub async fn search(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    api.search(&inbound, READ, ObjectKind::Event, Searched::Events, |_| None).await
}

/// Lists events, newest first.
#[utoipa::path(
    get,
    path = "/v1/events",
    tag = "Events",
    params(PageParameters, Filter),
    responses((status = 200, description = "Done", body = ListOf<EventSchema>))
)]
pub async fn list(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let (page, filter): (_, Filter) = inbound.page(READ)?;
    let types: Vec<String> = filter.types.into_iter().chain(filter.kind).collect();
    api.list(&inbound, page, ObjectKind::Event, Wanted::new(None).one_of("type", types)).await
}
