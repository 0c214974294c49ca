//! `/authenticate/{attempt}`: the page on which a customer of test mode proves to be the holder of a card, or
//! does not. In live mode the issuer has its own page.

use crate::api::Api;
use crate::by_secret::{Found, find};
use crate::inbound::Id;
use crate::limits::FORM_BYTES_MAX;
use crate::parameters::{Node, form, typed};
use crate::problem::Problem;
use crate::request_id::RequestId;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;
use suanpan_engine::{Call, Caller};
use suanpan_payments::command::Command;

/// Nothing is loaded from anywhere, and no other page shows this one inside of itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    client_secret: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decided {
    client_secret: String,
    proven: bool,
}

/// Asks the customer.
///
/// # Errors
/// 404 without the secret of the intent.
pub async fn show(State(api): State<Api>, Id(attempt): Id, uri: Uri) -> Result<Response, Problem> {
    let tree = form::parse(uri.query().unwrap_or_default().as_bytes())?;
    let Shown { client_secret } = read(tree)?;
    let Found { intent, .. } = find(&api, &attempt, &client_secret).await?.in_test_mode()?;
    let amount = suanpan_money::format_minor(intent.amount, intent.currency.exponent());
    let body = html! {
        p { "A payment of " strong { (amount) " " (intent.currency.code()) } " waits. This is test mode: say yourself "
            "whether you are the holder of the card." }
        form method="post" {
            input type="hidden" name="client_secret" value=(client_secret);
            button name="proven" value="true" { "I am the holder" }
            " "
            button name="proven" value="false" { "Fail" }
        }
    };
    Ok(page("Prove to be the holder", &body))
}

/// Takes the decision of the customer, and sends the browser back to the merchant.
///
/// # Errors
/// 404 without the secret of the intent, and whatever the engine refuses.
pub async fn decide(
    State(api): State<Api>,
    Extension(request_id): Extension<RequestId>,
    Id(attempt): Id,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    // Nobody shows a key here, so whoever sends much or slowly must not be let.
    let (body, _room) = api.reading(FORM_BYTES_MAX).read(&headers, body).await?;
    let Decided { client_secret, proven } = read(form::parse(&body)?)?;
    let Found { merchant, intent, .. } = find(&api, &attempt, &client_secret).await?.in_test_mode()?;
    let answered = api
        .engine()
        .call(Call {
            caller: Caller { merchant, live: false },
            idempotency: None,
            request_id: Some(request_id.as_str().to_owned()),
            command: Command::Action { attempt, proven },
        })
        .await?;
    let good = (200..300).contains(&answered.status);
    let back = intent.next_action.and_then(|action| action.redirect_to_url).and_then(|to| to.return_url);
    let Some(back) = back else {
        let text = if good { "The payment goes on. You may close this page." } else { "The payment failed." };
        return Ok(page("Thank you", &html! { p { (text) } }));
    };
    let status = if good { "succeeded" } else { "failed" };
    let joint = if back.contains('?') { '&' } else { '?' };
    let address = format!(
        "{back}{joint}payment_intent={}&payment_intent_client_secret={client_secret}&redirect_status={status}",
        intent.id
    );
    let address = HeaderValue::try_from(address).map_err(|error| Problem::fault(&error))?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, address)]).into_response())
}

fn read<T: serde::de::DeserializeOwned>(tree: Node<'_>) -> Result<T, Problem> {
    Ok(typed::from_node(tree)?)
}

fn page(title: &str, body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { (title) }
                style { "body{font:16px sans-serif;max-width:32em;margin:4em auto;padding:0 1em}" }
            }
            body { h1 { (title) } (body) }
        }
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        // The address holds the secret of the intent.
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (headers, page.into_string()).into_response()
}
