//! A request as handlers get it: who asks, what for, and the bytes of its parameters.

use crate::api::{Api, Peer};
use crate::auth::{Caller, Permission, authenticate};
use crate::limits::{
    BATCH_BYTES_MAX, BATCH_VALUES_MAX, BODY_BYTES_MAX, BODY_TIME_MAX, ID_BYTES_MAX,
    IDEMPOTENCY_KEY_BYTES_MAX, PARAMETERS_MAX, QUERY_BYTES_MAX,
};
use crate::page::Page;
use crate::parameters::{Node, form, json, typed};
use crate::problem::Problem;
use crate::request_id::RequestId;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::OnceLock;

/// How the parameters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writing {
    Form,
    Json,
}

/// A request of a known caller, with its parameters as they came.
#[derive(Debug)]
pub struct Inbound {
    /// Who asks.
    pub caller: Caller,
    /// Names the request.
    pub request_id: RequestId,
    idempotency_key: Option<String>,
    method: Method,
    path: String,
    bytes: Bytes,
    writing: Writing,
    values_max: usize,
    expand: OnceLock<Vec<String>>,
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
    let (bytes, writing) = if parts.method == Method::POST {
        if !query.is_empty() {
            let message = "Parameters of a POST stand in its body, not in the address.";
            return Err(Problem::new(StatusCode::BAD_REQUEST, "query_not_taken", message));
        }
        let bytes = read_body(&parts.headers, body, bytes_max).await?;
        let writing = writing(&parts.headers, bytes.is_empty())?;
        (bytes, writing)
    } else {
        (Bytes::copy_from_slice(query.as_bytes()), Writing::Form)
    };
    Ok(Inbound {
        caller,
        request_id: parts.extensions.get::<RequestId>().copied().unwrap_or_else(RequestId::next),
        idempotency_key: idempotency_key(&parts)?,
        path: parts.uri.path().to_owned(),
        method: parts.method,
        bytes,
        writing,
        values_max,
        expand: OnceLock::new(),
    })
}

impl Inbound {
    /// Returns the parameters as a tree.
    ///
    /// # Errors
    /// 400 for what cannot be read.
    pub fn tree(&self) -> Result<Node<'_>, Problem> {
        let tree = match self.writing {
            Writing::Form => form::parse(&self.bytes)?,
            Writing::Json => json::parse(&self.bytes, self.values_max)?,
        };
        Ok(tree)
    }

    /// Checks that the caller may do this, and returns its parameters as a typed request.
    ///
    /// # Errors
    /// 403 when the caller may not, 400 naming the parameter at fault.
    pub fn parameters<T: DeserializeOwned>(&self, permission: Permission) -> Result<T, Problem> {
        self.caller.check(permission)?;
        let tree = self.tree()?;
        // Requests know the parameter `expand` but do nothing with it: that is for whoever answers.
        if let Node::Map(entries) = &tree
            && let Some((_, paths)) = entries.iter().find(|(name, _)| name == "expand")
        {
            let paths = typed::from_node(paths.clone()).map_err(|error| error.under("expand"))?;
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
    pub fn page<T: DeserializeOwned>(&self, permission: Permission) -> Result<(Page, T), Problem> {
        self.caller.check(permission)?;
        let mut tree = self.tree()?;
        let page = Page::take(&mut tree)?;
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
    pub fn no_parameters(&self, permission: Permission) -> Result<(), Problem> {
        self.parameters::<NoFilter>(permission).map(|NoFilter {}| ())
    }

    /// Returns the key of idempotency with the digest of the request; none when no key was sent.
    #[must_use]
    pub fn idempotency(&self) -> Option<(String, [u8; 32])> {
        let key = self.idempotency_key.clone()?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.method.as_str().as_bytes()).update(b" ");
        hasher.update(self.path.as_bytes()).update(b"\0").update(&self.bytes);
        Some((key, *hasher.finalize().as_bytes()))
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

async fn read_body(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        let message = "Compressed bodies are not taken.";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_encoding_not_taken", message));
    }
    let read = tokio::time::timeout(BODY_TIME_MAX, Limited::new(body, bytes_max).collect());
    match read.await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let message = format!("The body of this request may have {bytes_max} bytes.");
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message))
        }
        Ok(Err(_)) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "body_unreadable",
            "The body of the request broke off.",
        )),
        Err(_) => {
            let message = "The body of the request came too slowly.";
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", message))
        }
    }
}

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
