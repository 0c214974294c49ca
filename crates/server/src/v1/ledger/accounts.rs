//! `/v1/ledger/accounts`: accounts of the books, their standing and their statements.

use super::entry::read_entries;
use super::visible_prefix as prefix_of;
use super::{READ, WRITE, account_id, check_operator, is_visible, mode_prefix, parse_account_id, shown_path};
use crate::api::{Api, receipt_header};
use crate::auth::Caller;
use crate::inbound::{Id, Inbound};
use crate::problem::Problem;
use crate::read::answer_json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use suanpan_engine::{BooksAnswer, BooksCommand, Receipt};
use suanpan_ledger::account::{
    Account, AccountChange, AccountKind, AccountNo, AccountSpec, Balance, Limits, Side, Standing,
};
use suanpan_ledger::entry::EntryId;
use suanpan_ledger::history::{Cursor, Order, Range, Statement, StatementQuery};
use suanpan_ledger::rejection::Rejection;
use suanpan_money::{Currency, Timestamp};
use suanpan_payments::id::entry_text;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const PAGE_MAX: usize = 1_000;

/// Returns the routes of this resource.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(open, list))
        .routes(routes!(retrieve, change))
        .routes(routes!(freeze))
        .routes(routes!(unfreeze))
        .routes(routes!(close))
        .routes(routes!(statement))
}

/// What an account stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What we have or are owed.
    Asset,
    /// What we owe.
    Liability,
    /// What we earn.
    Income,
    /// What we spend.
    Expense,
    /// What belongs to the owners.
    Equity,
}

impl From<Kind> for AccountKind {
    fn from(kind: Kind) -> AccountKind {
        match kind {
            Kind::Asset => AccountKind::Asset,
            Kind::Liability => AccountKind::Liability,
            Kind::Income => AccountKind::Income,
            Kind::Expense => AccountKind::Expense,
            Kind::Equity => AccountKind::Equity,
        }
    }
}

impl From<AccountKind> for Kind {
    fn from(kind: AccountKind) -> Kind {
        match kind {
            AccountKind::Asset => Kind::Asset,
            AccountKind::Liability => Kind::Liability,
            AccountKind::Income => Kind::Income,
            AccountKind::Expense => Kind::Expense,
            AccountKind::Equity => Kind::Equity,
        }
    }
}

/// An account of the books.
#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerAccount {
    /// `lac_…`
    id: String,
    /// Always `ledger_account`.
    object: &'static str,
    /// Its name, such as `merchant/acct_1/pending`.
    path: String,
    /// The currency of all its postings.
    currency: String,
    /// What it stands for.
    kind: Kind,
    /// The balance on the normal side of its kind, minor units.
    balance: i64,
    /// What may be taken: the balance less what is held, minor units.
    available: i64,
    /// The running sums.
    sums: Sums,
    /// The lowest balance allowed, minor units.
    floor: Option<i64>,
    /// The highest balance allowed, minor units.
    ceiling: Option<i64>,
    /// `open`, `frozen` or `closed`.
    standing: &'static str,
    /// Whether new debits are refused.
    debits_refused: bool,
    /// Whether new credits are refused.
    credits_refused: bool,
    /// When it was opened, seconds.
    created: i64,
}

/// The running sums of an account, minor units.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sums {
    /// All debits posted.
    debits_posted: u64,
    /// All credits posted.
    credits_posted: u64,
    /// Debits held now.
    debits_held: u64,
    /// Credits held now.
    credits_held: u64,
}

impl From<Balance> for Sums {
    fn from(balance: Balance) -> Sums {
        let Balance { debits_posted, credits_posted, debits_held, credits_held } = balance;
        Sums { debits_posted, credits_posted, debits_held, credits_held }
    }
}

/// Sums beyond 64 bits are shown as the largest number there is.
fn bounded(amount: i128) -> i64 {
    i64::try_from(amount).unwrap_or(if amount < 0 { i64::MIN } else { i64::MAX })
}

impl LedgerAccount {
    /// The account with the balance of another moment.
    fn at(self, balance: Balance) -> LedgerAccount {
        let kind = AccountKind::from(self.kind);
        LedgerAccount {
            balance: bounded(balance.posted(kind)),
            available: bounded(balance.available(kind)),
            sums: balance.into(),
            ..self
        }
    }

    fn new(account: &Account, balance: Balance) -> LedgerAccount {
        let kind = account.spec.kind;
        let (standing, debits_refused, credits_refused) = match account.standing {
            Standing::Open => ("open", false, false),
            Standing::Frozen { debits, credits } => ("frozen", debits, credits),
            Standing::Closed => ("closed", true, true),
        };
        LedgerAccount {
            id: account_id(account.number),
            object: "ledger_account",
            path: shown_path(&account.spec.path).to_owned(),
            currency: account.spec.currency.code().to_ascii_lowercase(),
            kind: kind.into(),
            balance: bounded(balance.posted(kind)),
            available: bounded(balance.available(kind)),
            sums: balance.into(),
            floor: account.spec.limits.floor,
            ceiling: account.spec.limits.ceiling,
            standing,
            debits_refused,
            credits_refused,
            created: account.opened_at.seconds(),
        }
    }
}

/// A page of accounts.
#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerAccounts {
    /// Always `list`.
    object: &'static str,
    /// The accounts, in order of path and currency.
    data: Vec<LedgerAccount>,
    /// Whether there are more.
    has_more: bool,
    /// The path that was asked.
    url: String,
}

/// What an account is opened with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenLedgerAccount {
    /// Words of a-z, 0-9, `_`, `-`, `.` joined by `/`.
    #[schema(max_length = 250)]
    path: String,
    /// Three letters of ISO 4217.
    currency: String,
    /// What it stands for.
    kind: Kind,
    /// The lowest balance allowed, minor units.
    floor: Option<i64>,
    /// The highest balance allowed, minor units.
    ceiling: Option<i64>,
}

/// Opens an account.
///
/// Opening it again with the same particulars finds the one that is there, with others is refused.
/// Idempotency-Key has no effect here.
#[utoipa::path(
    post,
    path = "/v1/ledger/accounts",
    tag = "Ledger",
    request_body(content((OpenLedgerAccount = "application/x-www-form-urlencoded"), (OpenLedgerAccount = "application/json"))),
    responses((status = 200, description = "The account", body = LedgerAccount))
)]
pub async fn open(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let request: OpenLedgerAccount = inbound.parameters(WRITE).await?;
    check_operator(&api, &inbound.caller.merchant)?;
    let spec = AccountSpec {
        path: format!("{}{}", mode_prefix(&inbound.caller), request.path),
        currency: currency(&request.currency)?,
        kind: request.kind.into(),
        limits: Limits { floor: request.floor, ceiling: request.ceiling },
    };
    // A live path must not look like one of test mode.
    if inbound.caller.live && spec.path.starts_with(suanpan_payments::books::TEST_PREFIX) {
        return Err(Problem::invalid("path", "the first word test is kept for test mode"));
    }
    let (answer, receipt) = api.engine().books(BooksCommand::Open(vec![spec])).await?;
    let number = match answer {
        BooksAnswer::Opened(mut opened) => match opened.pop() {
            Some(Ok(number)) => number,
            Some(Err(reason)) => return Err(refused(reason, "path")),
            None => return Err(Problem::fault(&"an account was asked for and none was answered")),
        },
        _ => return Err(Problem::fault(&"accounts were asked for and something else was answered")),
    };
    answer_account(&api, &inbound.caller, number, &receipt).await
}

pub(super) fn currency(text: &str) -> Result<Currency, Problem> {
    let letters = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let found = if letters { Currency::parse(text) } else { None };
    found.ok_or_else(|| Problem::invalid("currency", "currencies are three letters of ISO 4217"))
}

fn refused(reason: Rejection, param: &str) -> Problem {
    let status = match reason {
        Rejection::PathInvalid | Rejection::LimitsCrossed => StatusCode::BAD_REQUEST,
        _ => StatusCode::CONFLICT,
    };
    let problem = Problem::new(status, reason.code(), format!("The books refuse this: {reason}"));
    let problem = if status == StatusCode::BAD_REQUEST { problem.at(param) } else { problem };
    if reason.retryable() { problem.retryable() } else { problem }
}

async fn answer_account(
    api: &Api,
    caller: &Caller,
    number: AccountNo,
    receipt: &Receipt,
) -> Result<Response, Problem> {
    let account = find(api, caller, number, "").await?;
    let body = serde_json::to_vec(&account).map_err(|error| Problem::fault(&error))?;
    let mut response = answer_json(body);
    response.headers_mut().insert("suanpan-receipt", receipt_header(receipt));
    Ok(response)
}

/// Finds an account that the caller may see.
async fn find(api: &Api, caller: &Caller, number: AccountNo, id: &str) -> Result<LedgerAccount, Problem> {
    let (prefix, live) = (prefix_of(api, caller), caller.live);
    let ask = move |book: &suanpan_ledger::book::Book| {
        let account = book.account(number).filter(|account| is_visible(&prefix, live, &account.spec.path))?;
        Some(LedgerAccount::new(account, book.balance(number)?))
    };
    let (found, _) = api.engine().query(ask).await?;
    found.ok_or_else(|| Problem::missing("ledger_account", id))
}

/// At which moment.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Moment {
    /// The balance as it was then, with all that was accepted in that second; seconds since the epoch. Limits and
    /// standing are those of now.
    at: Option<i64>,
}

/// Shows an account, with its balance now or at a moment that is past.
#[utoipa::path(
    get,
    path = "/v1/ledger/accounts/{id}",
    tag = "Ledger",
    params(("id" = String, Path, description = "The id", max_length = 64), Moment),
    responses((status = 200, description = "The account", body = LedgerAccount))
)]
pub async fn retrieve(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let Moment { at } = inbound.parameters(READ).await?;
    let number = parse_account_id(&id).ok_or_else(|| Problem::missing("ledger_account", &id))?;
    let mut account = find(&api, &inbound.caller, number, &id).await?;
    if let Some(at) = at {
        // The last microsecond of the second: times are shown in seconds.
        let end = Timestamp::from_micros(at.saturating_mul(1_000_000).saturating_add(999_999));
        let history = api.engine().history().clone();
        let asked = tokio::task::spawn_blocking(move || history.balance_at(number.0, end)).await;
        account = account.at(asked.map_err(|error| Problem::fault(&error))??);
    }
    Ok(answer_json(serde_json::to_vec(&account).map_err(|error| Problem::fault(&error))?))
}

/// Which accounts to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only accounts whose paths begin like this.
    prefix: String,
    /// An id: the page begins behind this account.
    starting_after: Option<String>,
    /// How many accounts at most.
    #[param(minimum = 1, maximum = 1000, default = 10)]
    limit: Option<usize>,
}

/// Lists accounts in order of path and currency.
#[utoipa::path(
    get,
    path = "/v1/ledger/accounts",
    tag = "Ledger",
    params(Filter),
    responses((status = 200, description = "A page of accounts", body = LedgerAccounts))
)]
pub async fn list(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let filter: Filter = inbound.parameters(READ).await?;
    let limit = check_limit(filter.limit)?;
    let after = match filter.starting_after.as_deref() {
        None => None,
        Some(id) => {
            let missing = || Problem::invalid("starting_after", "no such ledger_account");
            Some(parse_account_id(id).ok_or_else(missing)?)
        }
    };
    let (visible, live) = (prefix_of(&api, &inbound.caller), inbound.caller.live);
    let asked = format!("{}{}", mode_prefix(&inbound.caller), filter.prefix);
    // Of two prefixes the longer one counts, if it begins with the other.
    let prefix = match (asked.starts_with(&visible), visible.starts_with(&asked)) {
        (true, _) => asked,
        (false, true) => visible.clone(),
        (false, false) => {
            return answer_accounts(&inbound, Vec::new(), false);
        }
    };
    let ask = move |book: &suanpan_ledger::book::Book| {
        let after = match after {
            None => None,
            Some(number) => {
                let account =
                    book.account(number).filter(|account| is_visible(&visible, live, &account.spec.path))?;
                Some((account.spec.path.as_str(), account.spec.currency))
            }
        };
        let seen = book
            .accounts_with_prefix(&prefix, after)
            .filter(|account| is_visible(&visible, live, &account.spec.path));
        let found = seen
            .take(limit + 1)
            .filter_map(|account| Some(LedgerAccount::new(account, book.balance(account.number)?)));
        Some(found.collect::<Vec<_>>())
    };
    let (found, _) = api.engine().query(ask).await?;
    let mut found = found.ok_or_else(|| Problem::invalid("starting_after", "no such ledger_account"))?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    answer_accounts(&inbound, found, has_more)
}

fn answer_accounts(inbound: &Inbound, data: Vec<LedgerAccount>, has_more: bool) -> Result<Response, Problem> {
    let page = LedgerAccounts { object: "list", data, has_more, url: inbound.path().to_owned() };
    Ok(answer_json(serde_json::to_vec(&page).map_err(|error| Problem::fault(&error))?))
}

fn check_limit(limit: Option<usize>) -> Result<usize, Problem> {
    let limit = limit.unwrap_or(10);
    if (1..=PAGE_MAX).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::invalid("limit", format!("it must be from 1 to {PAGE_MAX}")))
}

/// New limits of an account: both are set, and one that is absent is taken away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SetLimits {
    /// The lowest balance allowed, minor units.
    floor: Option<i64>,
    /// The highest balance allowed, minor units.
    ceiling: Option<i64>,
}

/// Which sides of an account.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sides {
    /// Debits; both sides when neither is given.
    debits: Option<bool>,
    /// Credits; both sides when neither is given.
    credits: Option<bool>,
}

impl Sides {
    fn pair(&self) -> (bool, bool) {
        match (self.debits, self.credits) {
            (None, None) => (true, true),
            (debits, credits) => (debits == Some(true), credits == Some(true)),
        }
    }
}

/// Sets the limits of an account.
///
/// Asking again changes nothing. Idempotency-Key has no effect here.
#[utoipa::path(
    post,
    path = "/v1/ledger/accounts/{id}",
    tag = "Ledger",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((SetLimits = "application/x-www-form-urlencoded"), (SetLimits = "application/json"))),
    responses((status = 200, description = "The account", body = LedgerAccount))
)]
pub async fn change(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let SetLimits { floor, ceiling } = inbound.parameters(WRITE).await?;
    apply(&api, &inbound, &id, AccountChange::Limits(Limits { floor, ceiling })).await
}

/// Refuses new postings on an account.
///
/// Asking again changes nothing. Idempotency-Key has no effect here.
#[utoipa::path(
    post,
    path = "/v1/ledger/accounts/{id}/freeze",
    tag = "Ledger",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((Sides = "application/x-www-form-urlencoded"), (Sides = "application/json"))),
    responses((status = 200, description = "The account", body = LedgerAccount))
)]
pub async fn freeze(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let (debits, credits) = inbound.parameters::<Sides>(WRITE).await?.pair();
    apply(&api, &inbound, &id, AccountChange::Freeze { debits, credits }).await
}

/// Takes new postings on an account again.
///
/// Asking again changes nothing. Idempotency-Key has no effect here.
#[utoipa::path(
    post,
    path = "/v1/ledger/accounts/{id}/unfreeze",
    tag = "Ledger",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((Sides = "application/x-www-form-urlencoded"), (Sides = "application/json"))),
    responses((status = 200, description = "The account", body = LedgerAccount))
)]
pub async fn unfreeze(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let (debits, credits) = inbound.parameters::<Sides>(WRITE).await?.pair();
    apply(&api, &inbound, &id, AccountChange::Unfreeze { debits, credits }).await
}

/// Closes an account for ever. Its balance must be zero, and nothing held.
///
/// Asking again changes nothing. Idempotency-Key has no effect here.
#[utoipa::path(
    post,
    path = "/v1/ledger/accounts/{id}/close",
    tag = "Ledger",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    responses((status = 200, description = "The account", body = LedgerAccount))
)]
pub async fn close(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    inbound.no_parameters(WRITE).await?;
    apply(&api, &inbound, &id, AccountChange::Close).await
}

async fn apply(api: &Api, inbound: &Inbound, id: &str, change: AccountChange) -> Result<Response, Problem> {
    let number = parse_account_id(id).ok_or_else(|| Problem::missing("ledger_account", id))?;
    find(api, &inbound.caller, number, id).await?;
    check_operator(api, &inbound.caller.merchant)?;
    let (answer, receipt) = api.engine().books(BooksCommand::Change(vec![(number, change)])).await?;
    match answer {
        BooksAnswer::Changed(mut changed) => match changed.pop() {
            Some(Ok(())) => answer_account(api, &inbound.caller, number, &receipt).await,
            Some(Err(reason)) => Err(refused(reason, "floor")),
            None => Err(Problem::fault(&"a change was asked for and none was answered")),
        },
        _ => Err(Problem::fault(&"a change was asked for and something else was answered")),
    }
}

/// Which rows of a statement.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct StatementParameters {
    /// The first moment, seconds since the epoch.
    from: Option<i64>,
    /// The first moment that is not meant, seconds since the epoch.
    to: Option<i64>,
    /// `newest_first` (as without it) or `oldest_first`.
    #[param(inline)]
    order: Option<RowOrder>,
    /// How many rows at most.
    #[param(minimum = 1, maximum = 1000, default = 10)]
    limit: Option<usize>,
    /// `next` of the page before.
    after: Option<String>,
}

/// Which rows come first.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowOrder {
    /// The newest.
    NewestFirst,
    /// The oldest.
    OldestFirst,
}

/// A page of a statement.
#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerStatement {
    /// Always `ledger_statement`.
    object: &'static str,
    /// The account, `lac_…`.
    account: String,
    /// The rows.
    data: Vec<StatementRow>,
    /// Whether there are more.
    has_more: bool,
    /// What to give as `after` for the next page.
    next: Option<String>,
}

/// A row of a statement.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementRow {
    /// The place of its entry in the journal, from 0.
    entry: u64,
    /// The id of its entry, `je_…`; none of a hold that ended by itself.
    id: Option<String>,
    /// What its entry is for.
    code: u16,
    /// When its entry was booked elsewhere, seconds; entries that were imported only.
    booked_at: Option<i64>,
    /// `post`, `reversal`, `hold`, `capture`, `release`, `void` or `expiry`.
    kind: &'static str,
    /// `debit` or `credit`.
    side: &'static str,
    /// Minor units.
    amount: u64,
    /// The account on the other side, `lac_…`.
    counterparty: String,
    /// The running sums behind the row.
    after: Sums,
    /// When the entry was accepted, seconds.
    created: i64,
}

/// Shows what happened on an account, with running sums.
#[utoipa::path(
    get,
    path = "/v1/ledger/accounts/{id}/statement",
    tag = "Ledger",
    params(("id" = String, Path, description = "The id", max_length = 64), StatementParameters),
    responses((status = 200, description = "A page of the statement", body = LedgerStatement))
)]
pub async fn statement(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let parameters: StatementParameters = inbound.parameters(READ).await?;
    let limit = check_limit(parameters.limit)?;
    let number = parse_account_id(&id).ok_or_else(|| Problem::missing("ledger_account", &id))?;
    find(&api, &inbound.caller, number, &id).await?;
    let after: Option<Cursor> = match parameters.after.as_deref() {
        None => None,
        Some(text) => Some(text.parse().map_err(|()| Problem::invalid("after", "it is none of ours"))?),
    };
    let moment = |seconds: i64| Timestamp::from_micros(seconds.saturating_mul(1_000_000));
    let range = match (parameters.from, parameters.to) {
        (None, None) => Range::All,
        (from, to) => {
            let (from, to) = (moment(from.unwrap_or(0)), moment(to.unwrap_or(i64::MAX)));
            Range::Times { from, to }
        }
    };
    let order = match parameters.order {
        None | Some(RowOrder::NewestFirst) => Order::NewestFirst,
        Some(RowOrder::OldestFirst) => Order::OldestFirst,
    };
    let query = StatementQuery { account: number.0, range, order, limit, after };
    let history = api.engine().history().clone();
    let asked = tokio::task::spawn_blocking(move || history.statement(&query)).await;
    let Statement { rows, next } = asked.map_err(|error| Problem::fault(&error))??;
    let ordinals: Vec<u64> = rows.iter().map(|dated| dated.row.ordinal).collect();
    let entries = api.read(move |reader| read_entries(reader, &ordinals)).await?;
    let entries = entries.map_err(|error| Problem::fault(&error))?;
    let entry_of = |ordinal: u64| entries.get(&ordinal).map(|(entry, _)| entry);
    let rows = rows.into_iter().map(|dated| StatementRow {
        entry: dated.row.ordinal,
        id: entry_of(dated.row.ordinal)
            .filter(|entry| entry.id != EntryId(0))
            .map(|entry| entry_text(entry.id)),
        code: entry_of(dated.row.ordinal).map_or(0, |entry| entry.code),
        booked_at: entry_of(dated.row.ordinal).and_then(|entry| entry.booked_at).map(|at| at.seconds()),
        kind: dated.row.kind.name(),
        side: match dated.row.side {
            Side::Debit => "debit",
            Side::Credit => "credit",
        },
        amount: dated.row.amount_minor,
        counterparty: account_id(AccountNo(dated.row.counterparty)),
        after: dated.row.after.into(),
        created: dated.at.seconds(),
    });
    let page = LedgerStatement {
        object: "ledger_statement",
        account: id,
        data: rows.collect(),
        has_more: next.is_some(),
        next: next.map(|cursor| cursor.to_string()),
    };
    Ok(answer_json(serde_json::to_vec(&page).map_err(|error| Problem::fault(&error))?))
}
