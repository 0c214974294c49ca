//! `/v1/balance` and `/v1/balance_transactions`: what a merchant has, and how it came.

use crate::api::Api;
use crate::auth::Permission;
use crate::inbound::{Id, Inbound};
use crate::page::PageParameters;
use crate::problem::Problem;
use crate::read::{Retrieve, Wanted, answer_json};
use crate::schema::ListOf;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use suanpan_ledger::book::Book;
use suanpan_money::Currency;
use suanpan_payments::books::{merchant_available, merchant_pending};
use suanpan_payments::decision::AccountRef;
use suanpan_payments::decision::ObjectKind;
use suanpan_payments::link;
use suanpan_payments::object::balance::{Balance, Standing, balance};
use suanpan_payments::object::balance_transaction::BalanceTransaction;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const READ: Permission = Permission::server("balance:read");

/// Returns the routes of this resource.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(list)).routes(routes!(retrieve))
}

/// Filters of the list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only movements of this charge or refund.
    source: Option<String>,
    /// Only movements of this type, such as `charge`.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Only movements in this currency.
    currency: Option<String>,
}

/// Shows what the merchant has, from the books.
#[utoipa::path(
    get,
    path = "/v1/balance",
    tag = "Balance",
    responses((status = 200, description = "Done", body = Balance))
)]
pub async fn show(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    inbound.no_parameters(READ).await?;
    let (merchant, live) = (inbound.caller.merchant.clone(), inbound.caller.live);
    let (standings, _) = api.engine().query(move |book| standings(book, &merchant, live)).await?;
    let body = serde_json::to_vec(&balance(inbound.caller.live, &standings));
    Ok(answer_json(body.map_err(|error| Problem::fault(&error))?))
}

/// Reads the two accounts of a merchant in each currency that has any.
fn standings(book: &Book, merchant: &str, live: bool) -> Vec<Standing> {
    let posted = |account: &AccountRef| {
        let number = book.find(&account.path, account.currency)?;
        Some(book.balance(number)?.posted(book.account(number)?.spec.kind))
    };
    let standing = |currency: Currency| {
        let pending = posted(&merchant_pending(live, merchant, currency));
        let available = posted(&merchant_available(live, merchant, currency));
        (pending.is_some() || available.is_some()).then(|| Standing {
            currency,
            pending: pending.unwrap_or_default(),
            available: available.unwrap_or_default(),
        })
    };
    Currency::all().filter_map(standing).collect()
}

/// Shows a movement of the balance.
#[utoipa::path(
    get,
    path = "/v1/balance_transactions/{id}",
    tag = "Balance",
    params(("id" = String, Path, description = "The id", max_length = 64), Retrieve),
    responses((status = 200, description = "Done", body = BalanceTransaction))
)]
pub async fn retrieve(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    api.retrieve(&inbound, READ, ObjectKind::BalanceTransaction, &id).await
}

/// Lists movements of the balance, newest first.
#[utoipa::path(
    get,
    path = "/v1/balance_transactions",
    tag = "Balance",
    params(PageParameters, Filter),
    responses((status = 200, description = "Done", body = ListOf<BalanceTransaction>))
)]
pub async fn list(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let (page, filter): (_, Filter) = inbound.page(READ).await?;
    let link = filter.source.clone().map(|source| (link::TRANSACTION_SOURCE, source));
    let wanted = Wanted::new(link).member("source", filter.source).member("type", filter.kind);
    let wanted = wanted.member("currency", filter.currency);
    api.list(&inbound, page, ObjectKind::BalanceTransaction, wanted).await
}
