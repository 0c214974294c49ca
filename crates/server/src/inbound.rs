//! A request as handlers get it: who asks, what for, and its parameters.

use crate::api::{Api, Peer};
use crate::auth::{Caller, Permission, authenticate};
use crate::body::Reading;
use crate::expand;
use crate::limits::{
    BATCH_BYTES_MAX, BATCH_VALUES_MAX, BODY_BYTES_MAX, ID_BYTES_MAX, IDEMPOTENCY_KEY_BYTES_MAX,
    PARAMETERS_MAX, QUERY_BYTES_MAX,
};
use crate::page::Page;
use crate::parameters::{Node, form, json, typed};
use crate::problem::Problem;
use crate::request_id::RequestId;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::{Mutex, OnceLock, PoisonError};
use suanpan_engine::{Asker, IdempotencyKey};
use tokio::sync::{OnceCell, OwnedSemaphorePermit};

/// How the parameters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writing {
    Form,
    Json,
}

/// A request of a known caller. Its body is read when its parameters are asked for, so that nothing is read of a
/// request that its key may not make.
#[derive(Debug)]
pub struct Inbound {
    /// Who asks.
    pub caller: Caller,
    /// Names the request.
    pub request_id: RequestId,
    idempotency_key: Option<String>,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Mutex<Option<Body>>,
    received: OnceCell<Received>,
    reading: Reading,
    values_max: usize,
    expand: OnceLock<Vec<String>>,
}

/// The bytes of the parameters.
#[derive(Debug)]
struct Received {
    bytes: Bytes,
    writing: Writing,
    /// Their place among all bodies in memory.
    _room: Option<OwnedSemaphorePermit>,
}

/// A request with a batch of the ledger, which may be larger.
#[derive(Debug)]
pub struct InboundBatch(pub Inbound);

impl FromRequest<Api> for Inbound {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Inbound, Problem> {
        receive(request, api, BODY_BYTES_MAX, PARAMETERS_MAX).await
    }
}

impl FromRequest<Api> for InboundBatch {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<InboundBatch, Problem> {
        receive(request, api, BATCH_BYTES_MAX, BATCH_VALUES_MAX).await.map(InboundBatch)
    }
}

async fn receive(
    request: Request,
    api: &Api,
    bytes_max: usize,
    values_max: usize,
) -> Result<Inbound, Problem> {
    let (parts, body) = request.into_parts();
    let peer = parts.extensions.get::<Peer>().copied().unwrap_or_default();
    let caller = authenticate(api, &parts.headers, peer.0).await?;
    let query = parts.uri.query().unwrap_or_default();
    if query.len() > QUERY_BYTES_MAX {
        let message = format!("The query of an address may have {QUERY_BYTES_MAX} bytes.");
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "query_too_long", message));
    }
    let received = if parts.method == Method::POST {
        if !query.is_empty() {
            let message = "Parameters of a POST stand in its body, not in the address.";
            return Err(Problem::new(StatusCode::BAD_REQUEST, "query_not_taken", message));
        }
        OnceCell::new()
    } else {
        let bytes = Bytes::copy_from_slice(query.as_bytes());
        OnceCell::new_with(Some(Received { bytes, writing: Writing::Form, _room: None }))
    };
    Ok(Inbound {
        caller,
        request_id: parts.extensions.get::<RequestId>().copied().unwrap_or_else(RequestId::next),
        idempotency_key: idempotency_key(&parts)?,
        path: parts.uri.path().to_owned(),
        method: parts.method,
        headers: parts.headers,
        body: Mutex::new(Some(body)),
        received,
        reading: api.reading(bytes_max),
        values_max,
        expand: OnceLock::new(),
    })
}

impl Inbound {
    /// Reads the body, once.
    async fn received(&self) -> Result<&Received, Problem> {
        let read = async {
            let body = self.body.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
            let (bytes, room) = self.reading.read(&self.headers, body).await?;
            let writing = writing(&self.headers, bytes.is_empty())?;
            Ok(Received { bytes, writing, _room: room })
        };
        self.received.get_or_try_init(|| read).await
    }

    /// Checks that the caller may do this, reads the body, and returns the parameters as a tree.
    async fn tree(&self, permission: Permission) -> Result<Node<'_>, Problem> {
        self.caller.check(permission)?;
        let Received { bytes, writing, .. } = self.received().await?;
        let tree = match writing {
            Writing::Form => form::parse(bytes)?,
            Writing::Json => json::parse(bytes, self.values_max)?,
        };
        Ok(tree)
    }

    /// Checks that the caller may do this, and returns its parameters as a typed request.
    ///
    /// # Errors
    /// 403 when the caller may not, 400 naming the parameter at fault, and what may be wrong with a body.
    pub async fn parameters<T: DeserializeOwned>(&self, permission: Permission) -> Result<T, Problem> {
        let tree = self.tree(permission).await?;
        // Requests know the parameter `expand` but do nothing with it: that is for whoever answers.
        if let Node::Map(entries) = &tree
            && let Some((_, paths)) = entries.iter().find(|(name, _)| name == "expand")
        {
            let paths: Vec<String> =
                typed::from_node(paths.clone()).map_err(|error| error.under("expand"))?;
            // Before anything is done: what was done cannot be answered with a refusal.
            expand::check(&self.caller, &paths)?;
            let _ = self.expand.set(paths);
        }
        Ok(typed::from_node(tree)?)
    }

    /// Returns the members to be shown in full, once the parameters were read.
    #[must_use]
    pub fn expand(&self) -> &[String] {
        self.expand.get().map(Vec::as_slice).unwrap_or_default()
    }

    /// Checks that the caller may do this, and returns which page of a list it wants, with the list's filters.
    ///
    /// # Errors
    /// 403 when the caller may not, 400 naming the parameter at fault.
    pub async fn page<T: DeserializeOwned>(&self, permission: Permission) -> Result<(Page, T), Problem> {
        let mut tree = self.tree(permission).await?;
        let page = Page::take(&mut tree)?;
        expand::check(&self.caller, &page.expand)?;
        Ok((page, typed::from_node(tree)?))
    }

    /// Makes this a request for an account: the caller's own, or one connected to it. For any other the caller
    /// stays who it is, and will not find the account.
    ///
    /// # Errors
    /// 503 when the store cannot be read.
    pub async fn act_for(&mut self, api: &Api, account: &str) -> Result<(), Problem> {
        if account != self.caller.merchant && api.is_connected(&self.caller.merchant, account).await? {
            self.caller.merchant = account.to_owned();
        }
        Ok(())
    }

    /// Checks that the caller may do this and sent no parameters.
    ///
    /// # Errors
    /// 403 when the caller may not, 400 naming the first parameter.
    pub async fn no_parameters(&self, permission: Permission) -> Result<(), Problem> {
        self.parameters::<NoFilter>(permission).await.map(|NoFilter {}| ())
    }

    /// Returns the key of idempotency with the digest of the request, once the parameters were read; none when no
    /// key was sent. The digest is kept for as long as the answer, and the body may be the number of a card, of
    /// which there are few: without `digest_key` it must not be possible to try them all.
    #[must_use]
    pub fn idempotency(&self, digest_key: &[u8; 32]) -> Option<IdempotencyKey> {
        let key = self.idempotency_key.clone()?;
        let bytes = self.received.get().map(|received| &received.bytes[..]).unwrap_or_default();
        let mut hasher = blake3::Hasher::new_keyed(digest_key);
        hasher.update(self.method.as_str().as_bytes()).update(b" ");
        hasher.update(self.path.as_bytes()).update(b"\0").update(bytes);
        let asker = if self.caller.is_browser() { Asker::Browser } else { Asker::Server };
        Some(IdempotencyKey { key, asker, digest: *hasher.finalize().as_bytes() })
    }

    /// Returns the path without the query, for the member `url` of lists.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// The filters of a list that has none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFilter {}

fn writing(headers: &HeaderMap, empty: bool) -> Result<Writing, Problem> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return if empty { Ok(Writing::Form) } else { Err(unsupported("no type")) };
    };
    let text = value.to_str().unwrap_or_default();
    let (kind, rest) = text.split_once(';').unwrap_or((text, ""));
    let charset = rest.split(';').find_map(|part| part.trim().split_once('='));
    if let Some((name, value)) = charset {
        let utf8 = value.trim_matches('"').eq_ignore_ascii_case("utf-8");
        if name.eq_ignore_ascii_case("charset") && !utf8 {
            return Err(unsupported(text));
        }
    }
    match kind.trim() {
        kind if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") => Ok(Writing::Form),
        kind if kind.eq_ignore_ascii_case("application/json") => Ok(Writing::Json),
        _ if empty => Ok(Writing::Form),
        _ => Err(unsupported(text)),
    }
}

fn unsupported(given: &str) -> Problem {
    let given: String = given.chars().take(60).collect();
    let message = format!(
        "The body must be application/x-www-form-urlencoded or application/json, in UTF-8; it has {given}."
    );
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_type_not_taken", message)
}

fn idempotency_key(parts: &Parts) -> Result<Option<String>, Problem> {
    if parts.method != Method::POST {
        return Ok(None);
    }
    let Some(value) = parts.headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= IDEMPOTENCY_KEY_BYTES_MAX);
    match key {
        Some(key) => Ok(Some(key.to_owned())),
        None => {
            let message = format!(
                "Idempotency-Key must have 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible characters of ASCII."
            );
            let problem = Problem::new(StatusCode::BAD_REQUEST, "idempotency_key_invalid", message);
            Err(problem.kind(crate::problem::kind::IDEMPOTENCY))
        }
    }
}

/// The id in the path of a request. One that no object can have is kept out of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id(pub String);

impl FromRequestParts<Api> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Id, Problem> {
        let path: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, api).await;
        // Whoever is not known gets to know that first, and not what ids look like.
        let id = path.map(|Path(id)| id).unwrap_or_default();
        let fits =
            id.len() <= ID_BYTES_MAX && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        Ok(Id(if fits { id } else { String::new() }))
    }
}
