//! `/v1/events`: what happened.

use crate::api::Api;
use crate::auth::Permission;
use crate::inbound::{Id, Inbound};
use crate::page::PageParameters;
use crate::problem::Problem;
use crate::read::{Retrieve, Under, Wanted, answer_json};
use crate::schema::{EventSchema, ListOf, SearchOf, WebhookDelivery};
use crate::search::{Index, SearchParameters};
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use std::collections::BTreeSet;
use suanpan_payments::decision::ObjectKind;
use suanpan_payments::search::Searched;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const READ: Permission = Permission::server("events:read");
const WRITE: Permission = Permission::server("webhooks:write");
/// Attempts that are shown at once: more than one event makes at an endpoint.
const DELIVERIES_SHOWN: u32 = 100;
/// Types of events in one list: each is read by itself.
const TYPES_MAX: usize = 20;

/// Returns the routes of this resource.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(search))
        .routes(routes!(retrieve))
        .routes(routes!(resend))
        .routes(routes!(deliveries))
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

/// Where to send an event again.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResendEvent {
    /// The endpoint, `we_…`; all that are enabled when it is left out.
    #[schema(max_length = 64)]
    webhook_endpoint: Option<String>,
}

/// Sends an event again, to one endpoint or to all.
///
/// Asking again while it waits changes nothing, later it is sent once more: receivers tell repeats by the id of the
/// event. Idempotency-Key has no effect here.
#[utoipa::path(
    post,
    path = "/v1/events/{id}/resend",
    tag = "Events",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((ResendEvent = "application/x-www-form-urlencoded"), (ResendEvent = "application/json"))),
    responses((status = 200, description = "Done", body = EventSchema))
)]
pub async fn resend(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let ResendEvent { webhook_endpoint } = inbound.parameters(WRITE).await?;
    let caller =
        suanpan_engine::Caller { merchant: inbound.caller.merchant.clone(), live: inbound.caller.live };
    api.engine().resend(&caller, &id, webhook_endpoint.as_deref()).await?;
    Ok(answer_json(api.object(&inbound.caller, ObjectKind::Event, &id).await?))
}

/// Lists the attempts to deliver an event, newest first.
#[utoipa::path(
    get,
    path = "/v1/events/{id}/deliveries",
    tag = "Events",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    responses((status = 200, description = "Done", body = ListOf<WebhookDelivery>))
)]
pub async fn deliveries(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    inbound.no_parameters(READ).await?;
    api.object(&inbound.caller, ObjectKind::Event, &id).await?;
    let event = id.clone();
    let found = api
        .read(move |reader| {
            let ids = reader.linked(suanpan_engine::LOG_OF_EVENT, &event, DELIVERIES_SHOWN)?;
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            reader.objects(&ids)
        })
        .await?;
    let bodies: Vec<String> = found.into_iter().flatten().map(|object| object.body).collect();
    let (data, more) = (bodies.join(","), bodies.len() >= DELIVERIES_SHOWN as usize);
    let body = format!(
        r#"{{"object":"list","data":[{data}],"has_more":{more},"url":"/v1/events/{id}/deliveries"}}"#
    );
    Ok(answer_json(body))
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
    let index: Index = |query, _| query.required("type").map(|kind| Under::EventType(kind.to_owned()));
    api.search(&inbound, READ, ObjectKind::Event, Searched::Events, index).await
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
    let (page, filter): (_, Filter) = inbound.page(READ).await?;
    if filter.types.len() > TYPES_MAX {
        return Err(Problem::invalid("types", format!("at most {TYPES_MAX} types may be given")));
    }
    let types: BTreeSet<String> = filter.types.into_iter().chain(filter.kind).collect();
    let types = types.into_iter().map(Under::EventType).collect();
    api.list(&inbound, page, ObjectKind::Event, Wanted::under(types)).await
}
