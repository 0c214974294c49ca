//! `/c/{session}`: the page on which a customer pays.
//!
//! It is whole without a script: forms, and a redirect after each. The script adds the live status, the countdown and
//! copying. Whoever knows the id of a session may open its page; nothing else is asked of a customer, and nothing is
//! kept in the browser.
//!
//! - `view` reads what a page shows, `page` and its folder write it, `text` has its words in each `language`.
//! - `form` reads what a customer sends, `guard` says whether it may be taken, `live` tells what commits do.

mod assets;
mod form;
mod guard;
pub mod language;
mod live;
mod page;
mod text;
mod view;

pub use form::reads;
pub(crate) use guard::Posts;

use crate::api::{Api, Peer};
use crate::inbound::Id;
use crate::limits::FORM_BYTES_MAX;
use crate::parameters::form as parameters;
use crate::problem::Problem;
use crate::request_id::RequestId;
use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::{ACCEPT_LANGUAGE, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use form::{Choice, Fault, Paying};
use language::Language;
use page::{Page, Wrong};
use suanpan_engine::{Call, Caller, Refused};
use suanpan_payments::command::Command;
use suanpan_payments::rejection::Rejection;
use suanpan_payments::request::checkout_session::PayCheckoutSession;
use suanpan_payments::state::checkout_session::SessionStatus;
use view::View;

/// Returns the routes of the page.
pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/c/{session}", get(show).post(pay))
        .route("/c/{session}/check", post(check))
        .route("/c/{session}/events", get(live::events))
}

/// Returns the route of what all pages load.
pub(crate) fn asset_routes() -> Router<Api> {
    Router::new().route("/assets/{name}", get(assets::show))
}

/// What of a request says how to answer.
struct Asked {
    language: Language,
    /// What the address says of the language, to be kept on the way.
    lang: Option<Language>,
    /// Whether the address says more than that.
    more: bool,
}

impl Asked {
    fn read(uri: &Uri, headers: &HeaderMap, merchant: Option<&str>) -> Asked {
        let query = uri.query().unwrap_or_default();
        let pairs = || form_urlencoded::parse(query.as_bytes()).take(20);
        let asked = pairs().find(|(name, _)| name == "lang").map(|(_, tag)| tag.into_owned());
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Asked {
            language: Language::choose(asked.as_deref(), accepted, merchant),
            lang: asked.as_deref().and_then(Language::of_tag),
            more: pairs().any(|(name, _)| name != "lang"),
        }
    }
}

/// Returns what stands before our paths in a browser: a proxy may keep us below a path of its own.
fn prefix(api: &Api) -> &str {
    let public = &api.engine().settings().public_url;
    let host = public.split_once("://").map_or("", |(_, host)| host);
    host.find('/').map_or("", |at| &host[at..])
}

/// Returns the address of a page, with the language that was asked for.
fn address(api: &Api, session: &str, lang: Option<Language>) -> String {
    let prefix = prefix(api);
    match lang {
        Some(language) => format!("{prefix}/c/{session}?lang={}", language.tag()),
        None => format!("{prefix}/c/{session}"),
    }
}

fn redirect(to: &str) -> Response {
    match HeaderValue::try_from(to) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(error) => Problem::fault(&error).into_response(),
    }
}

/// Finds a session. One that is not there is counted against the address from which it was asked for, as keys are: ids
/// are not to be found by trying.
async fn find(api: &Api, id: &str, peer: Option<&Extension<Peer>>) -> Result<View, Wrong> {
    match view::load(api, id).await {
        Ok(Some(view)) => Ok(view),
        Ok(None) => {
            let peer = peer.map(|Extension(peer)| *peer).unwrap_or_default();
            api.guesses().count(peer.0).map_err(|_| Wrong::TooMany)?;
            Err(Wrong::Missing)
        }
        Err(_) => Err(Wrong::Trouble),
    }
}

/// Shows the page.
async fn show(
    State(api): State<Api>,
    Id(id): Id,
    peer: Option<Extension<Peer>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::read(&uri, &headers, None);
    let view = match find(&api, &id, peer.as_ref()).await {
        Ok(view) => view,
        Err(wrong) => return page::wrong(&api, wrong, asked.language),
    };
    // A page to which the customer was sent adds what we know, a secret among it: it should not stand in the address.
    if asked.more {
        return redirect(&address(&api, &id, asked.lang));
    }
    let asked = Asked::read(&uri, &headers, view.session.locale.as_deref());
    let shown = Page {
        api: &api,
        view: &view,
        language: asked.language,
        lang: asked.lang,
        faults: &[],
        chosen: None,
        balance: None,
    };
    page::answer(StatusCode::OK, shown.write())
}

/// Takes in how the customer wants to pay, and shows the page again.
async fn pay(
    State(api): State<Api>,
    Id(id): Id,
    peer: Option<Extension<Peer>>,
    Extension(request_id): Extension<RequestId>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let (view, asked, choice) = match take(&api, &id, peer.as_ref(), &uri, &headers, body).await {
        Ok(taken) => taken,
        Err(refused) => return refused,
    };
    let page = address(&api, &id, asked.lang);
    if view.session.status != SessionStatus::Open {
        return redirect(&page);
    }
    let again = |status, faults: &[Fault]| {
        let Asked { language, lang, .. } = asked;
        let (chosen, balance) = (Some(choice.method()), choice.written_balance());
        let shown = Page { api: &api, view: &view, language, lang, faults, chosen, balance };
        page::answer(status, shown.write())
    };
    let paying = match choice.read(view.now, view.simulates_cards(&api), &view.bill()) {
        Ok(paying) => paying,
        Err(faults) => return again(StatusCode::UNPROCESSABLE_ENTITY, &faults),
    };
    let public = &api.engine().settings().public_url;
    let return_url = format!("{}{page}", public.strip_suffix(prefix(&api)).unwrap_or(public));
    let Paying { method, test_card, balance } = paying;
    let request = PayCheckoutSession { attempts_seen: choice.seen, method, balance, test_card, return_url };
    let call = Call {
        caller: Caller { merchant: view.merchant.clone(), live: view.session.livemode },
        idempotency: None,
        request_id: Some(request_id.as_str().to_owned()),
        command: Command::PayCheckoutSession { id: id.clone(), request: Box::new(request) },
    };
    match api.engine().call(call).await {
        Ok(_) => redirect(&page),
        Err(Refused::Rule(rejection)) => match Fault::of(&rejection) {
            Some(fault) => again(StatusCode::UNPROCESSABLE_ENTITY, &[fault]),
            // The page shows how things stand.
            None => redirect(&page),
        },
        Err(Refused::Books(_)) => again(StatusCode::UNPROCESSABLE_ENTITY, &[Fault::MethodGone]),
        Err(Refused::NotQueued(_) | Refused::Unavailable(_)) => {
            again(StatusCode::SERVICE_UNAVAILABLE, &[Fault::Busy])
        }
        Err(refused) => {
            tracing::warn!(request_id = request_id.as_str(), %refused, "a page could not be paid");
            page::wrong(&api, Wrong::Trouble, asked.language)
        }
    }
}

/// Asks the channel whether the customer has paid, and shows the page again.
async fn check(
    State(api): State<Api>,
    Id(id): Id,
    peer: Option<Extension<Peer>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let (view, asked, _) = match take(&api, &id, peer.as_ref(), &uri, &headers, body).await {
        Ok(taken) => taken,
        Err(refused) => return refused,
    };
    if let Some(attempt) = &view.intent.latest_attempt
        && let Err(error) = api.engine().ask_now(attempt).await
    {
        // The inquiry that is due finds it out.
        tracing::debug!(%error, "a channel could not be asked now");
    }
    redirect(&address(&api, &id, asked.lang))
}

/// Reads a form of the page, where it is one: bounded, for a session that is there, and sent from its page.
async fn take(
    api: &Api,
    id: &str,
    peer: Option<&Extension<Peer>>,
    uri: &Uri,
    headers: &HeaderMap,
    body: Body,
) -> Result<(View, Asked, Choice), Response> {
    let asked = Asked::read(uri, headers, None);
    let wrong = |wrong| page::wrong(api, wrong, asked.language);
    let view = find(api, id, peer).await.map_err(wrong)?;
    if !api.posts().may(id) {
        return Err(wrong(Wrong::TooMany));
    }
    let read = api.reading(FORM_BYTES_MAX).read(headers, body).await;
    let (body, _room) = read.map_err(|_| wrong(Wrong::Trouble))?;
    let choice = parameters::parse(&body).ok().and_then(Choice::of);
    let asked = Asked::read(uri, headers, view.session.locale.as_deref());
    match choice {
        Some(choice) if guard::is_own(api, id, headers, &choice.token) => Ok((view, asked, choice)),
        // Whatever it was, nothing was done; the page itself is what to go on with.
        _ => Err(page::wrong(api, Wrong::Foreign, asked.language)),
    }
}

/// Why a page of a session whose payment was refused is shown again rather than as it stands.
impl Fault {
    fn of(rejection: &Rejection) -> Option<Fault> {
        match rejection {
            Rejection::SessionChanged
            | Rejection::SessionState { .. }
            | Rejection::InProgress { .. }
            | Rejection::IntentState { .. } => None,
            other => Some(Fault::of_param(other.param().unwrap_or_default())),
        }
    }
}
