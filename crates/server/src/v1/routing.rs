//! `/v1/routing` and `/v1/channels`: which channel a payment would go over, and how channels do.

use crate::api::Api;
use crate::auth::{Caller, Permission};
use crate::inbound::Inbound;
use crate::problem::Problem;
use crate::read::answer_json;
use crate::v1::ledger::check_operator;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use suanpan_payments::decide::routing::{RoutingSimulation, simulate as simulate_route};
use suanpan_payments::decision::{Context, ObjectKind};
use suanpan_payments::object::payment_method::PaymentMethod;
use suanpan_payments::request::routing::SimulateRouting;
use suanpan_payments::routing::ChannelTerms;
use suanpan_payments::routing::health::Standing;
use suanpan_payments::wire::lower;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const READ: Permission = Permission::server("payments:read");

/// Returns the routes of this resource.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(simulate)).routes(routes!(channels))
}

/// Checks that the key is one of the operator, whoever it acts for: costs of channels and what they have taken are told
/// by routes.
///
/// # Errors
/// 403 for all others.
pub(crate) fn check_operators_key(api: &Api, caller: &Caller) -> Result<(), Problem> {
    check_operator(api, &caller.key.record.merchant)
}

/// Says which channel a payment would go over now, and why, without making it; for the operator.
#[utoipa::path(
    post,
    path = "/v1/routing/simulate",
    tag = "Routing",
    request_body(content((SimulateRouting = "application/x-www-form-urlencoded"), (SimulateRouting = "application/json"))),
    responses((status = 200, description = "Done", body = RoutingSimulation))
)]
pub async fn simulate(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let request: SimulateRouting = inbound.parameters(READ).await?;
    check_operators_key(&api, &inbound.caller)?;
    let method = match &request.payment_method {
        Some(id) => Some(api.whole::<PaymentMethod>(&inbound.caller, ObjectKind::PaymentMethod, id).await?),
        None => None,
    };
    let standings = api.engine().standings().await?;
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| Problem::fault(&error))?;
    let context = Context {
        now: api.engine().clock().now(),
        merchant: &inbound.caller.merchant,
        live: inbound.caller.live,
        random,
        settings: api.engine().settings(),
        standings: &standings,
    };
    let simulation =
        simulate_route(&request, method.as_ref(), &context).map_err(suanpan_engine::Refused::Rule)?;
    Ok(answer_json(serde_json::to_vec(&simulation).map_err(|error| Problem::fault(&error))?))
}

/// A channel, and how it does.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Channel {
    /// `channel`
    object: &'static str,
    /// Its name, as in attempts and account paths.
    name: String,
    /// What it takes in the mode of the key: `card`, or wallets.
    takes: BTreeSet<String>,
    /// Whether it is to get no new payments.
    drained: bool,
    /// `closed` when it gets payments, `open` when it rests because it mostly did not answer, `trial` when the next
    /// payment shows whether it answers again.
    circuit: &'static str,
    /// How many of a million authorizations succeeded lately.
    success_ppm: u32,
    /// What it has taken on this day in the mode of the key, in minor units; only in currencies with a limit for each day.
    /// Null while it is not known; the channel gets no payments then.
    taken_today: BTreeMap<String, Option<u64>>,
}

/// The channels.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Channels {
    /// `list`
    object: &'static str,
    /// All of them, in the order of the configuration.
    data: Vec<Channel>,
}

/// Lists the channels of the mode of the key, for the operator.
#[utoipa::path(
    get,
    path = "/v1/channels",
    tag = "Routing",
    responses((status = 200, description = "Done", body = Channels))
)]
pub async fn channels(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    inbound.no_parameters(READ).await?;
    check_operators_key(&api, &inbound.caller)?;
    let standings = api.engine().standings().await?;
    let live = inbound.caller.live;
    let routing = &api.engine().settings().routing;
    let taking = routing.channels.iter().filter(|terms| !terms.takes(live).is_empty());
    let data = taking.map(|terms| shown(terms, live, standings.of(&terms.name))).collect();
    let channels = Channels { object: "list", data };
    Ok(answer_json(serde_json::to_vec(&channels).map_err(|error| Problem::fault(&error))?))
}

fn shown(terms: &ChannelTerms, live: bool, standing: &Standing) -> Channel {
    Channel {
        object: "channel",
        name: terms.name.clone(),
        takes: terms.takes(live).clone(),
        drained: terms.drained,
        circuit: standing.circuit.word(),
        success_ppm: standing.success_ppm,
        taken_today: standing
            .taken
            .iter()
            .filter(|((mode, _), _)| *mode == live)
            .map(|((_, currency), minor)| (lower(*currency).as_str().to_owned(), *minor))
            .collect(),
    }
}
