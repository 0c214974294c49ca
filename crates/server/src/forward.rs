//! Requests that come to a process which stands by are handed to the one that writes, and its answers back.
//!
//! Reads go there as well: what a standby has read may be older than what a client was just told.

use crate::api::Api;
use crate::problem::Problem;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING};
use axum::http::uri::{PathAndQuery, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use suanpan_engine::Role;

/// Says that a request was handed on once, so that it is not handed around.
const FORWARDED: HeaderName = HeaderName::from_static("suanpan-forwarded");
/// How long the address of the writer is believed.
const BELIEVED: Duration = Duration::from_millis(250);
/// How long the writer may take to answer: longer than it waits for a channel.
const ANSWER_TIME: Duration = Duration::from_secs(35);

/// What hands requests on.
#[derive(Clone)]
pub struct Forwarder {
    client: Client<HttpConnector, Body>,
    writer: Arc<Mutex<Option<(Instant, String)>>>,
}

impl Default for Forwarder {
    fn default() -> Forwarder {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(Duration::from_secs(1)));
        connector.set_nodelay(true);
        Forwarder { client: Client::builder(TokioExecutor::new()).build(connector), writer: Arc::default() }
    }
}

impl Forwarder {
    /// Returns the address of the process that writes, as it gave it with its lease.
    async fn writer(&self, api: &Api) -> Result<String, Problem> {
        let known = self.writer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, address)) = known
            && at.elapsed() < BELIEVED
        {
            return Ok(address);
        }
        let standing = api.read(|reader| reader.standing()).await?;
        let holder = standing.map(|standing| standing.holder).filter(|holder| !holder.is_empty());
        let address = holder.ok_or_else(|| nobody("No process writes now; one will soon."))?;
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), address.clone()));
        Ok(address)
    }

    async fn forward(&self, api: &Api, mut request: Request) -> Result<Response, Problem> {
        if request.headers().contains_key(FORWARDED) {
            return Err(nobody("The process that wrote does not write any more; another will soon."));
        }
        let address = self.writer(api).await?;
        let reads = request.method().is_safe();
        let everything = PathAndQuery::from_static("/");
        let path = request.uri().path_and_query().unwrap_or(&everything);
        let unusable = || nobody("The process that writes has no address that can be reached.");
        let uri: Uri = format!("{}{path}", address.trim_end_matches('/')).parse().map_err(|_| unusable())?;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        for name in [HOST, CONNECTION, TRANSFER_ENCODING] {
            headers.remove(name);
        }
        headers.insert(FORWARDED, HeaderValue::from_static("1"));
        let answer = tokio::time::timeout(ANSWER_TIME, self.client.request(request)).await;
        match answer {
            Ok(Ok(answer)) => Ok(answer.map(Body::new)),
            Ok(Err(error)) if error.is_connect() => {
                tracing::warn!(%error, address, "the process that writes cannot be reached");
                Err(nobody("The process that writes cannot be reached; another will take over."))
            }
            // The request may have got there: only repeating it under its key tells.
            Ok(Err(error)) => {
                tracing::warn!(%error, address, "the process that writes did not answer");
                Err(unanswered(reads))
            }
            Err(_) => Err(unanswered(reads)),
        }
    }
}

fn nobody(message: &str) -> Problem {
    Problem::unavailable(message, 1)
}

/// A read changes nothing; of all else the writer may have done it.
fn unanswered(reads: bool) -> Problem {
    if reads { nobody("The process that writes did not answer.") } else { Problem::outcome_unknown() }
}

/// Hands a request on when this process stands by; everything else goes its usual way.
pub async fn surround(
    State((api, forwarder)): State<(Api, Forwarder)>,
    request: Request,
    next: Next,
) -> Response {
    if api.engine().role() != Role::Standby {
        return next.run(request).await;
    }
    match forwarder.forward(&api, request).await {
        Ok(answer) => answer,
        Err(problem) => problem.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_without_an_answer_may_have_been_done() {
        let write = unanswered(false);
        assert_eq!((write.status().as_u16(), write.code()), (500, "outcome_unknown"));
        assert_eq!(unanswered(true).status().as_u16(), 503);
    }
}
