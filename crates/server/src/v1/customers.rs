//! `/v1/customers`: who pays.

use crate::api::Api;
use crate::auth::Permission;
use crate::inbound::{Id, Inbound};
use crate::page::PageParameters;
use crate::problem::Problem;
use crate::read::{Retrieve, Wanted, answer_json};
use crate::schema::{Deleted, ListOf};
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use std::collections::BTreeMap;
use suanpan_ledger::book::Book;
use suanpan_money::Currency;
use suanpan_payments::books::customer_balance;
use suanpan_payments::command::Command;
use suanpan_payments::decision::ObjectKind;
use suanpan_payments::link;
use suanpan_payments::object::cash_balance::{CashBalance, CashBalanceTransaction};
use suanpan_payments::object::customer::Customer;
use suanpan_payments::object::payment_method::PaymentMethod;
use suanpan_payments::request::customer::{FundCashBalance, WriteCustomer};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const READ: Permission = Permission::server("customers:read");
const WRITE: Permission = Permission::server("customers:write");

/// Returns the routes of this resource.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(retrieve, update, delete))
        .routes(routes!(payment_methods))
        .routes(routes!(cash_balance))
        .routes(routes!(fund_cash_balance))
}

/// Filters of the list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only customers with this address of electronic mail.
    email: Option<String>,
}

/// Makes a customer.
#[utoipa::path(
    post,
    path = "/v1/customers",
    tag = "Customers",
    request_body(content((WriteCustomer = "application/x-www-form-urlencoded"), (WriteCustomer = "application/json"))),
    responses((status = 200, description = "Done", body = Customer))
)]
pub async fn create(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let command = Command::CreateCustomer { request: Box::new(inbound.parameters(WRITE).await?) };
    api.write(&inbound, command).await
}

/// Shows a customer. Of one that was deleted only that remains.
#[utoipa::path(
    get,
    path = "/v1/customers/{id}",
    tag = "Customers",
    params(("id" = String, Path, description = "The id", max_length = 64), Retrieve),
    responses((status = 200, description = "Done", body = CustomerOrDeleted))
)]
pub async fn retrieve(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    api.retrieve(&inbound, READ, ObjectKind::Customer, &id).await
}

/// Changes a customer.
#[utoipa::path(
    post,
    path = "/v1/customers/{id}",
    tag = "Customers",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((WriteCustomer = "application/x-www-form-urlencoded"), (WriteCustomer = "application/json"))),
    responses((status = 200, description = "Done", body = Customer))
)]
pub async fn update(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let command = Command::UpdateCustomer { id, request: Box::new(inbound.parameters(WRITE).await?) };
    api.write(&inbound, command).await
}

/// Deletes a customer.
#[utoipa::path(
    delete,
    path = "/v1/customers/{id}",
    tag = "Customers",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    responses((status = 200, description = "Done", body = Deleted))
)]
pub async fn delete(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    inbound.no_parameters(WRITE).await?;
    api.write(&inbound, Command::DeleteCustomer { id }).await
}

/// Lists customers, newest first.
#[utoipa::path(
    get,
    path = "/v1/customers",
    tag = "Customers",
    params(PageParameters, Filter),
    responses((status = 200, description = "Done", body = ListOf<Customer>))
)]
pub async fn list(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let (page, filter): (_, Filter) = inbound.page(READ).await?;
    let caller = &inbound.caller;
    let link = filter
        .email
        .as_deref()
        .map(|email| (link::CUSTOMER_EMAIL, link::scoped(&caller.merchant, caller.live, email)));
    // Deleted customers are left out, so every object is looked at.
    let wanted = Wanted::new(link).present().member("email", filter.email);
    api.list(&inbound, page, ObjectKind::Customer, wanted).await
}

/// Shows what a customer keeps with us and can pay with, from the books.
#[utoipa::path(
    get,
    path = "/v1/customers/{id}/cash_balance",
    tag = "Customers",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    responses((status = 200, description = "Done", body = CashBalance))
)]
pub async fn cash_balance(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    inbound.no_parameters(READ).await?;
    api.object(&inbound.caller, ObjectKind::Customer, &id).await?;
    let (live, customer) = (inbound.caller.live, id.clone());
    let (available, _) = api.engine().query(move |book| all_available(book, live, &customer)).await?;
    let shown = CashBalance {
        object: "cash_balance".into(),
        available: (!available.is_empty()).then_some(available),
        customer: id,
        livemode: live,
    };
    Ok(answer_json(serde_json::to_vec(&shown).map_err(|error| Problem::fault(&error))?))
}

/// Reads the account of a customer in each currency that has one.
fn all_available(book: &Book, live: bool, customer: &str) -> BTreeMap<String, i64> {
    let named = |currency: Currency| {
        Some((currency.code().to_ascii_lowercase(), available(book, live, customer, currency)?))
    };
    Currency::all().filter_map(named).collect()
}

/// Reads the account of a customer in a currency, in minor units; none where there is none. Sums beyond 64 bits are shown as
/// the largest number there is.
pub(crate) fn available(book: &Book, live: bool, customer: &str, currency: Currency) -> Option<i64> {
    let account = customer_balance(live, customer, currency);
    let available = book.available(&account.path, currency)?;
    Some(i64::try_from(available).unwrap_or(i64::MAX))
}

/// Adds to what a customer keeps with us, as if a bank transfer had come. Test mode only.
#[utoipa::path(
    post,
    path = "/v1/test_helpers/customers/{id}/fund_cash_balance",
    tag = "Customers",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((FundCashBalance = "application/x-www-form-urlencoded"), (FundCashBalance = "application/json"))),
    responses((status = 200, description = "Done", body = CashBalanceTransaction))
)]
pub async fn fund_cash_balance(
    State(api): State<Api>,
    Id(id): Id,
    inbound: Inbound,
) -> Result<Response, Problem> {
    let command = Command::FundCashBalance { id, request: inbound.parameters(WRITE).await? };
    api.write(&inbound, command).await
}

/// Lists the payment methods of a customer, newest first.
#[utoipa::path(
    get,
    path = "/v1/customers/{id}/payment_methods",
    tag = "Customers",
    params(("id" = String, Path, description = "The id", max_length = 64), PageParameters, TypeFilter),
    responses((status = 200, description = "Done", body = ListOf<PaymentMethod>))
)]
pub async fn payment_methods(
    State(api): State<Api>,
    Id(id): Id,
    inbound: Inbound,
) -> Result<Response, Problem> {
    let (page, filter): (_, TypeFilter) = inbound.page(Permission::server("payment_methods:read")).await?;
    api.object(&inbound.caller, ObjectKind::Customer, &id).await?;
    let wanted = Wanted::new(Some((link::METHOD_CUSTOMER, id.clone())));
    let wanted = wanted.member("customer", Some(id)).member("type", filter.kind);
    api.list(&inbound, page, ObjectKind::PaymentMethod, wanted).await
}

/// Filters of the list of payment methods.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct TypeFilter {
    /// Only methods of this type.
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// A customer, or what remains of one.
#[derive(utoipa::ToSchema, serde::Serialize)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its documentation is used")]
#[expect(clippy::large_enum_variant, reason = "no value of it is ever made")]
pub enum CustomerOrDeleted {
    /// A customer.
    Customer(Customer),
    /// What remains of a customer that was deleted.
    Deleted(Deleted),
}
