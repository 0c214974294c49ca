//! `/v1/payment_intents`: what merchants want to be paid.

use crate::api::Api;
use crate::auth::Permission;
use crate::inbound::{Id, Inbound};
use crate::page::PageParameters;
use crate::problem::Problem;
use crate::read::{Under, Wanted, answer_json};
use crate::routes::for_browsers;
use crate::schema::{ListOf, SearchOf};
use crate::search::{Index, SearchParameters};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use suanpan_payments::command::Command;
use suanpan_payments::decision::ObjectKind;
use suanpan_payments::link;
use suanpan_payments::object::payment_intent::PaymentIntent;
use suanpan_payments::request::card::CUSTOMER_BALANCE;
use suanpan_payments::request::payment_intent::{
    CancelPaymentIntent, CapturePaymentIntent, ConfirmPaymentIntent, CreatePaymentIntent, UpdatePaymentIntent,
};
use suanpan_payments::search::Searched;
use subtle::ConstantTimeEq;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const READ: Permission = Permission::server("payments:read");
const WRITE: Permission = Permission::server("payments:write");
const LOOK: Permission = Permission::browser("payments:read");
const CONFIRM: Permission = Permission::browser("payments:write");

/// Returns the routes of this resource.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(search))
        .merge(for_browsers(
            OpenApiRouter::new().routes(routes!(retrieve, update)).routes(routes!(confirm)),
            &["/v1/payment_intents/{id}", "/v1/payment_intents/{id}/confirm"],
        ))
        .routes(routes!(capture))
        .routes(routes!(cancel))
}

/// Filters of the list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only intents of this customer.
    customer: Option<String>,
}

/// Parameters of the retrieval.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct RetrieveIntent {
    /// What a browser shows instead of a secret key.
    client_secret: Option<String>,
    /// Members to show in full.
    #[param(rename = "expand[]", max_items = 10)]
    expand: Vec<String>,
}

/// Makes a payment intent, and confirms it when confirm is true.
#[utoipa::path(
    post,
    path = "/v1/payment_intents",
    tag = "Payment intents",
    request_body(content((CreatePaymentIntent = "application/x-www-form-urlencoded"), (CreatePaymentIntent = "application/json"))),
    responses((status = 200, description = "Done", body = PaymentIntent))
)]
pub async fn create(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let command = Command::CreatePaymentIntent { request: Box::new(inbound.parameters(WRITE).await?) };
    api.write(&inbound, command).await
}

/// Shows a payment intent. Publishable keys may do it with its client_secret.
#[utoipa::path(
    get,
    path = "/v1/payment_intents/{id}",
    tag = "Payment intents",
    params(("id" = String, Path, description = "The id", max_length = 64), RetrieveIntent),
    responses((status = 200, description = "Done", body = PaymentIntent))
)]
pub async fn retrieve(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let RetrieveIntent { client_secret, expand } = inbound.parameters(LOOK).await?;
    let body = api.object(&inbound.caller, ObjectKind::PaymentIntent, &id).await?;
    check_secret(&inbound, &body, client_secret.as_deref(), &id)?;
    Ok(answer_json(crate::expand::expand(&api, &inbound.caller, body.into_bytes(), &expand).await?))
}

/// A browser must show the secret of the intent: publishable keys are known to everybody.
fn check_secret(inbound: &Inbound, body: &str, secret: Option<&str>, id: &str) -> Result<(), Problem> {
    #[derive(Deserialize)]
    struct Secret<'a> {
        client_secret: &'a str,
    }
    if secret.is_none() && !inbound.caller.is_browser() {
        return Ok(());
    }
    let own: Secret<'_> = serde_json::from_str(body).map_err(|error| Problem::fault(&error))?;
    let given = secret.unwrap_or_default();
    if bool::from(own.client_secret.as_bytes().ct_eq(given.as_bytes())) {
        Ok(())
    } else {
        Err(Problem::missing("payment_intent", id))
    }
}

/// Changes a payment intent.
#[utoipa::path(
    post,
    path = "/v1/payment_intents/{id}",
    tag = "Payment intents",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((UpdatePaymentIntent = "application/x-www-form-urlencoded"), (UpdatePaymentIntent = "application/json"))),
    responses((status = 200, description = "Done", body = PaymentIntent))
)]
pub async fn update(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let command = Command::UpdatePaymentIntent { id, request: Box::new(inbound.parameters(WRITE).await?) };
    api.write(&inbound, command).await
}

/// Confirms a payment intent. Publishable keys may do it with its client_secret.
#[utoipa::path(
    post,
    path = "/v1/payment_intents/{id}/confirm",
    tag = "Payment intents",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((ConfirmPaymentIntent = "application/x-www-form-urlencoded"), (ConfirmPaymentIntent = "application/json"))),
    responses((status = 200, description = "Done", body = PaymentIntent))
)]
pub async fn confirm(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let request: ConfirmPaymentIntent = inbound.parameters(CONFIRM).await?;
    // The rules compare a secret that was given; a browser must give one.
    if inbound.caller.is_browser() {
        if request.client_secret.is_none() {
            return Err(Problem::missing("payment_intent", &id));
        }
        check_browser(&request)?;
        if let Some(method) = request.payment_method.as_deref().filter(|id| !id.starts_with("pm_card_")) {
            refuse_balance(&api.object(&inbound.caller, ObjectKind::PaymentMethod, method).await?)?;
        }
    }
    api.write(&inbound, Command::ConfirmPaymentIntent { id, request: Box::new(request) }).await
}

/// What decides about the merchant's money or risk is said by the merchant's server, not by whoever holds the card.
fn check_browser(request: &ConfirmPaymentIntent) -> Result<(), Problem> {
    for (name, given) in [
        ("capture_method", request.capture_method.is_some()),
        ("error_on_requires_action", request.error_on_requires_action.is_some()),
        ("off_session", request.off_session.is_some()),
    ] {
        if given {
            let message = format!("A publishable key may not give {name}: confirm from your server.");
            return Err(Problem::new(StatusCode::FORBIDDEN, "secret_key_needed", message).at(name));
        }
    }
    let data = request.payment_method_data.as_ref();
    if data.and_then(|data| data.kind.as_deref()) == Some(CUSTOMER_BALANCE) {
        return Err(balance_refused("payment_method_data[type]"));
    }
    Ok(())
}

/// Whoever holds the secret of an intent has not proven to be the customer whose money it would be.
fn balance_refused(param: &'static str) -> Problem {
    let message = "A publishable key may not pay out of a customer's balance: confirm from your server.";
    Problem::new(StatusCode::FORBIDDEN, "secret_key_needed", message).at(param)
}

fn refuse_balance(method: &str) -> Result<(), Problem> {
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: String,
    }
    let method: Kind = serde_json::from_str(method).map_err(|error| Problem::fault(&error))?;
    if method.kind == CUSTOMER_BALANCE { Err(balance_refused("payment_method")) } else { Ok(()) }
}

/// Takes money that was set aside, all of it or a part.
#[utoipa::path(
    post,
    path = "/v1/payment_intents/{id}/capture",
    tag = "Payment intents",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((CapturePaymentIntent = "application/x-www-form-urlencoded"), (CapturePaymentIntent = "application/json"))),
    responses((status = 200, description = "Done", body = PaymentIntent))
)]
pub async fn capture(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let command = Command::CapturePaymentIntent { id, request: inbound.parameters(WRITE).await? };
    api.write(&inbound, command).await
}

/// Cancels a payment intent.
#[utoipa::path(
    post,
    path = "/v1/payment_intents/{id}/cancel",
    tag = "Payment intents",
    params(("id" = String, Path, description = "The id", max_length = 64)),
    request_body(content((CancelPaymentIntent = "application/x-www-form-urlencoded"), (CancelPaymentIntent = "application/json"))),
    responses((status = 200, description = "Done", body = PaymentIntent))
)]
pub async fn cancel(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    let command = Command::CancelPaymentIntent { id, request: inbound.parameters(WRITE).await? };
    api.write(&inbound, command).await
}

/// Searches payment intents, such as metadata['order']:'6735'.
#[utoipa::path(
    get,
    path = "/v1/payment_intents/search",
    tag = "Payment intents",
    params(SearchParameters),
    responses((status = 200, description = "Done", body = SearchOf<PaymentIntent>))
)]
pub async fn search(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let index: Index = |query, _| {
        // Texts of a query are in small letters, as all our ids are.
        query.required("customer").map(|customer| Under::Link(link::INTENT_CUSTOMER, customer.to_owned()))
    };
    api.search(&inbound, READ, ObjectKind::PaymentIntent, Searched::PaymentIntents, index).await
}

/// Lists payment intents, newest first.
#[utoipa::path(
    get,
    path = "/v1/payment_intents",
    tag = "Payment intents",
    params(PageParameters, Filter),
    responses((status = 200, description = "Done", body = ListOf<PaymentIntent>))
)]
pub async fn list(State(api): State<Api>, inbound: Inbound) -> Result<Response, Problem> {
    let (page, filter): (_, Filter) = inbound.page(READ).await?;
    let link = filter.customer.clone().map(|customer| (link::INTENT_CUSTOMER, customer));
    let wanted = Wanted::new(link).member("customer", filter.customer);
    api.list(&inbound, page, ObjectKind::PaymentIntent, wanted).await
}
