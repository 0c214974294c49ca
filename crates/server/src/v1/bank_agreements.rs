//! `/v1/bank_agreements`: agreements by which money may be taken from accounts at banks.

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
use suanpan_payments::object::bank_agreement::BankAgreement;
use suanpan_payments::request::bank_agreement::{ConfirmBankAgreement, CreateBankAgreement};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const READ: Permission = Permission::server("payment_methods:read");
const WRITE: Permission = Permission::server("payment_methods:write");
const KIND: ObjectKind = ObjectKind::BankAgreement;

/// Returns the routes of this resource.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(retrieve)).routes(routes!(confirm))
}

/// Filters of the list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only agreements of this customer.
    customer: Option<String>,
    /// Only agreements that are `processing`, `requires_confirmation`, `active` or `failed`.
    status: Option<String>,
}

/// Asks a bank for an agreement about an account of a customer. The bank sends a code to the holder.
#[utoipa::path(
    post,
    path = "/v1/bank_agreements",
    tag = "Bank agreements",
    request_body(content((CreateBankAgreement = "application/x-www-form-urlencoded"), (CreateBankAgreement = "application/json"))),
    responses((status = 200, description = "Done", body = BankAgreement))
)]
pub async fn create(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let command = Command::CreateBankAgreement { request: Box::new(inbound.parameters(WRITE).await?) };
    api.write(&inbound, command).await
}

/// Shows an agreement.
#[utoipa::path(
    get,
    path = "/v1/bank_agreements/{id}",
    tag = "Bank agreements",
    params(("id" = String, Path, description = "The id", max_length = 64), Retrieve),
    responses((status = 200, description = "Done", body = BankAgreement))
)]
pub async fn retrieve(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    api.retrieve(&inbound, READ, KIND, &id).await
}

/// Confirms an agreement with the code that the bank sent to the holder.
#[utoipa::path(
    post,
    path = "/v1/bank_agreements/{id}/confirm",
    tag = "Bank agreements",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((ConfirmBankAgreement = "application/x-www-form-urlencoded"), (ConfirmBankAgreement = "application/json"))),
    responses((status = 200, description = "Done", body = BankAgreement))
)]
pub async fn confirm(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let command = Command::ConfirmBankAgreement { id, request: inbound.parameters(WRITE).await? };
    api.write(&inbound, command).await
}

/// Lists agreements, newest first.
#[utoipa::path(
    get,
    path = "/v1/bank_agreements",
    tag = "Bank agreements",
    params(PageParameters, Filter),
    responses((status = 200, description = "Done", body = ListOf<BankAgreement>))
)]
pub async fn list(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let (page, filter): (_, Filter) = inbound.page(READ).await?;
    let link = filter.customer.clone().map(|customer| (link::AGREEMENT_CUSTOMER, customer));
    let wanted = Wanted::new(link).member("customer", filter.customer).member("status", filter.status);
    api.list(&inbound, page, KIND, wanted).await
}
