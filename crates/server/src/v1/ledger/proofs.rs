//! `/v1/ledger/trial_balance` and `/v1/ledger/verify`: that the books are right.

mod chain;

use super::accounts::Kind;
use super::{READ, check_operator};
use crate::api::{Api, receipt_header};
use crate::inbound::Inbound;
use crate::problem::Problem;
use crate::read::answer_json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Records checked by one request.
const RECORDS_MAX: u64 = 10_000;

/// Returns the routes of this resource.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(trial_balance)).routes(routes!(verify))
}

/// The trial balance of the cell. Test and live mode stand in one set of books.
#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerTrialBalance {
    /// Always `ledger_trial_balance`.
    object: &'static str,
    /// The record up to which it holds.
    seq: u64,
    /// Each currency by itself.
    currencies: Vec<TrialCurrency>,
}

/// The sums of all accounts of one currency, minor units.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialCurrency {
    /// The currency.
    currency: String,
    /// How many accounts there are.
    accounts: usize,
    /// All debits posted.
    #[schema(value_type = u64)]
    debits_posted: u128,
    /// All credits posted; as much as the debits.
    #[schema(value_type = u64)]
    credits_posted: u128,
    /// All debits held.
    #[schema(value_type = u64)]
    debits_held: u128,
    /// All credits held; as much as the debits.
    #[schema(value_type = u64)]
    credits_held: u128,
    /// Whether debits are credits, posted and held.
    balanced: bool,
    /// The balances of each kind of account, on its normal side.
    kinds: Vec<TrialKind>,
}

/// The balances of all accounts of a kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialKind {
    /// The kind.
    kind: Kind,
    /// The sum, minor units.
    #[schema(value_type = i64)]
    balance: i128,
}

/// Adds up all accounts.
#[utoipa::path(
    get,
    path = "/v1/ledger/trial_balance",
    tag = "Ledger",
    responses((status = 200, description = "The trial balance", body = LedgerTrialBalance))
)]
pub async fn trial_balance(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    inbound.no_parameters(READ).await?;
    check_operator(&api, &inbound.caller.merchant)?;
    let (totals, receipt) = api.engine().query(|book| book.trial_balance()).await?;
    let currencies = totals.into_iter().map(|total| TrialCurrency {
        currency: total.currency.code().to_ascii_lowercase(),
        accounts: total.accounts,
        debits_posted: total.debits_posted,
        credits_posted: total.credits_posted,
        debits_held: total.debits_held,
        credits_held: total.credits_held,
        balanced: total.is_balanced(),
        kinds: total
            .by_kind
            .iter()
            .map(|&(kind, balance)| TrialKind { kind: kind.into(), balance })
            .collect(),
    });
    let trial = LedgerTrialBalance {
        object: "ledger_trial_balance",
        seq: receipt.seq,
        currencies: currencies.collect(),
    };
    let mut response = answer_json(serde_json::to_vec(&trial).map_err(|error| Problem::fault(&error))?);
    response.headers_mut().insert("suanpan-receipt", receipt_header(&receipt));
    Ok(response)
}

/// Which records to check.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct VerifyParameters {
    /// The first record, from 1.
    #[param(minimum = 1, default = 1)]
    from: Option<u64>,
    /// How many records at most.
    #[param(minimum = 1, maximum = 10000, default = 10000)]
    limit: Option<u64>,
}

/// What the check of the chain found.
#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerVerification {
    /// Always `ledger_verification`.
    object: &'static str,
    /// Whether every record checked is what its hash says.
    verified: bool,
    /// How many records were checked.
    records: u64,
    /// How many entries they hold.
    entries: u64,
    /// The last record checked, and its chain hash in hexadecimal digits.
    seq: u64,
    /// The chain hash of that record.
    hash: String,
    /// The first record that is not what it should be, and why.
    fault: Option<String>,
    /// Where the next request goes on; none at the end of the journal.
    next: Option<u64>,
}

/// Checks the hash chain over the journal, a stretch of it at a time, and its end against where the cell stands.
#[utoipa::path(
    get,
    path = "/v1/ledger/verify",
    tag = "Ledger",
    params(VerifyParameters),
    responses((status = 200, description = "What was found", body = LedgerVerification))
)]
pub async fn verify(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let parameters: VerifyParameters = inbound.parameters(READ).await?;
    check_operator(&api, &inbound.caller.merchant)?;
    let (from, limit) = (parameters.from.unwrap_or(1), parameters.limit.unwrap_or(RECORDS_MAX));
    if from == 0 || from > i64::MAX as u64 {
        return Err(Problem::invalid("from", "records are numbered from 1"));
    }
    if !(1..=RECORDS_MAX).contains(&limit) {
        return Err(Problem::invalid("limit", format!("it must be from 1 to {RECORDS_MAX}")));
    }
    let found = api.read(move |reader| chain::check(reader, from, limit)).await?;
    let found = found.ok_or_else(|| Problem::invalid("from", "the journal does not have so many records"))?;
    Ok(answer_json(serde_json::to_vec(&found).map_err(|error| Problem::fault(&error))?))
}
