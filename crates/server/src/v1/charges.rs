//! `/v1/charges`: what channels answered to attempts.

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
use suanpan_payments::decision::ObjectKind;
use suanpan_payments::link;
use suanpan_payments::object::charge::Charge;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const READ: Permission = Permission::server("payments:read");

/// Returns the routes of this resource.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(retrieve))
}

/// Filters of the list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only charges of this customer.
    customer: Option<String>,
    /// Only charges of this payment intent.
    payment_intent: Option<String>,
}

/// Shows a charge.
#[utoipa::path(
    get,
    path = "/v1/charges/{id}",
    tag = "Charges",
    params(("id" = String, Path, description = "The id", max_length = 64), Retrieve),
    responses((status = 200, description = "Done", body = Charge))
)]
pub async fn retrieve(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    api.retrieve(&inbound, READ, ObjectKind::Charge, &id).await
}

/// Lists charges, newest first.
#[utoipa::path(
    get,
    path = "/v1/charges",
    tag = "Charges",
    params(PageParameters, Filter),
    responses((status = 200, description = "Done", body = ListOf<Charge>))
)]
pub async fn list(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let (page, filter): (_, Filter) = inbound.page(READ).await?;
    let link = match (&filter.payment_intent, &filter.customer) {
        (Some(intent), _) => Some((link::CHARGE_INTENT, intent.clone())),
        (None, Some(customer)) => Some((link::CHARGE_CUSTOMER, customer.clone())),
        (None, None) => None,
    };
    let wanted = Wanted::new(link).member("payment_intent", filter.payment_intent);
    let wanted = wanted.member("customer", filter.customer);
    api.list(&inbound, page, ObjectKind::Charge, wanted).await
}
