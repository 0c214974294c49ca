//! What all handlers share.

use crate::body::Reading;
use crate::checkout::Posts;
use crate::guess::Guesses;
use crate::inbound::Inbound;
use crate::key::{KeyRecord, Keys};
use crate::limits::{BODIES_BYTES_MAX, BODY_TIME_MAX, CONNECTIONS_MAX, REQUESTS_PER_SECOND, streams_max};
use crate::problem::{PROBLEM_JSON, Problem};
use crate::read::answer_json;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use suanpan_engine::{Call, Caller, Engine, Receipt, Role};
use suanpan_payments::command::Command;
use suanpan_payments::link;
use suanpan_payments::object::api_key::{ApiKey, digest};
use tokio::sync::{Semaphore, watch};

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const RECEIPT: HeaderName = HeaderName::from_static("suanpan-receipt");

/// The address from which a connection came.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

impl Default for Peer {
    fn default() -> Peer {
        Peer(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Peer {
        Peer(address.ip())
    }
}

/// What a server is started with, beside its engine.
#[derive(Debug, Clone)]
pub struct Config {
    /// The merchant whose keys may use the books of the whole cell.
    pub operator: String,
    /// Requests per second that one key may send.
    pub requests_per_second: NonZeroU32,
    /// How long the body of a request may take.
    pub body_time: Duration,
    /// Bytes of all bodies that may be in memory at once.
    pub bodies_bytes: usize,
    /// Checkout pages that may listen at once.
    pub streams: usize,
}

impl Config {
    /// Returns the usual settings for an operator, `acct_…`.
    #[must_use]
    pub fn new(operator: &str) -> Config {
        let requests_per_second = NonZeroU32::new(REQUESTS_PER_SECOND).expect("a positive limit");
        Config {
            operator: operator.to_owned(),
            requests_per_second,
            body_time: BODY_TIME_MAX,
            bodies_bytes: BODIES_BYTES_MAX,
            streams: streams_max(CONNECTIONS_MAX),
        }
    }
}

/// What all handlers share. Cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    engine: Engine,
    config: Config,
    keys: Keys,
    guesses: Guesses,
    /// Room for bodies in memory, in bytes.
    bodies: Arc<Semaphore>,
    /// Counts forms of checkout pages.
    posts: Posts,
    /// Places for checkout pages that listen.
    streams: Arc<Semaphore>,
    /// Whether what would go on for ever is to end.
    ending: watch::Sender<bool>,
    /// Hashes requests that may be repeated.
    digest_key: [u8; 32],
}

impl Api {
    /// Makes the state of a server over an engine.
    #[must_use]
    pub fn new(engine: Engine, config: Config) -> Api {
        let bodies = Arc::new(Semaphore::new(config.bodies_bytes.min(Semaphore::MAX_PERMITS)));
        let digest_key = engine.settings().key_for("digests of requests");
        let (keys, guesses, posts) = (Keys::default(), Guesses::default(), Posts::default());
        let streams = Arc::new(Semaphore::new(config.streams.min(Semaphore::MAX_PERMITS)));
        let ending = watch::Sender::new(false);
        Api(Arc::new(Inner { engine, config, keys, guesses, bodies, posts, streams, ending, digest_key }))
    }

    /// Returns how the body of a request is read that may have so many bytes.
    #[must_use]
    pub fn reading(&self, bytes_max: usize) -> Reading {
        Reading { bytes_max, time_max: self.0.config.body_time, room: self.0.bodies.clone() }
    }

    /// Returns the counter of keys that are not known.
    #[must_use]
    pub fn guesses(&self) -> &Guesses {
        &self.0.guesses
    }

    /// Returns the counter of forms of checkout pages.
    pub(crate) fn posts(&self) -> &Posts {
        &self.0.posts
    }

    /// Returns the places for checkout pages that listen.
    pub(crate) fn streams(&self) -> &Arc<Semaphore> {
        &self.0.streams
    }

    /// Ends answers that would go on for ever. To be called when the server stops, which waits for the others.
    pub fn end_streams(&self) {
        self.0.ending.send_replace(true);
    }

    /// Waits until the server stops.
    pub(crate) async fn ending(&self) {
        // The sender lives as long as this does.
        let _ = self.0.ending.subscribe().wait_for(|ending| *ending).await;
    }

    /// Returns the engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Returns what the server was started with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Returns the keys known in memory.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// Returns the keyed hash of a key, in hexadecimal digits.
    #[must_use]
    pub fn key_digest(&self, text: &str) -> String {
        digest(&self.0.engine.settings().master_key, text)
    }

    /// Reads a key from the store.
    ///
    /// # Errors
    /// 503 when the store cannot be read.
    pub async fn load_key(&self, digest: &str) -> Result<Option<KeyRecord>, Problem> {
        let wanted = digest.to_owned();
        let found = self
            .read(move |reader| {
                let ids = reader.unique(&[(link::API_KEY, wanted.as_str())])?;
                let Some(id) = ids.into_iter().next().flatten() else { return Ok(None) };
                Ok(reader.objects(&[id.as_str()])?.into_iter().next().flatten())
            })
            .await?;
        let Some(object) = found else { return Ok(None) };
        let key: ApiKey = serde_json::from_str(&object.body).map_err(|error| Problem::fault(&error))?;
        Ok(Some(KeyRecord {
            id: key.id,
            digest: key.internal.digest,
            kind: key.kind,
            live: object.live,
            merchant: object.merchant,
            scopes: key.scopes,
            expires_at: key.expires_at,
            requests_per_second: self.0.config.requests_per_second,
        }))
    }

    /// Tells whether a merchant made an account, and may act for it.
    ///
    /// # Errors
    /// 503 when the store cannot be read.
    pub async fn is_connected(&self, merchant: &str, account: &str) -> Result<bool, Problem> {
        let key = format!("{merchant}/{account}");
        let found =
            self.read(move |reader| reader.unique(&[(link::ACCOUNT_CONNECTION, key.as_str())])).await?;
        Ok(found.into_iter().next().flatten().is_some())
    }

    /// Does what a command says and answers what was committed.
    ///
    /// # Errors
    /// Whatever the engine refuses.
    pub async fn write(&self, inbound: &Inbound, command: Command) -> Result<Response, Problem> {
        let caller = Caller { merchant: inbound.caller.merchant.clone(), live: inbound.caller.live };
        let idempotency = inbound.idempotency(&self.0.digest_key);
        let request_id = Some(inbound.request_id.as_str().to_owned());
        let answered = self.0.engine.call(Call { caller, idempotency, request_id, command }).await?;
        let status = StatusCode::from_u16(answered.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = if status.is_success() && !inbound.expand().is_empty() {
            // It is done: what cannot be shown in full is shown by its id, rather than refused.
            match crate::expand::expand(self, &inbound.caller, answered.body.clone(), inbound.expand()).await
            {
                Ok(expanded) => expanded,
                Err(problem) => {
                    tracing::debug!(code = problem.code(), "what was done is shown without expansion");
                    answered.body
                }
            }
        } else {
            answered.body
        };
        let mut response = answer_json(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if !status.is_success() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        }
        if answered.replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        headers.insert(RECEIPT, receipt_header(&answered.receipt));
        Ok(response)
    }

    /// Returns why requests are not taken now; none when they are.
    #[must_use]
    pub fn why_not_ready(&self) -> Option<String> {
        match self.0.engine.role() {
            Role::Writer => None,
            Role::Standby => Some("this process stands by".to_owned()),
            Role::Loading => Some("the books are being loaded".to_owned()),
            Role::Stopped => Some("this process is ending".to_owned()),
        }
    }

    /// Returns the time.
    #[must_use]
    pub fn now_seconds(&self) -> i64 {
        self.0.engine.clock().now().seconds()
    }
}

/// Writes where an answer rests, so that whoever has it can show later that it was given.
#[must_use]
pub fn receipt_header(receipt: &Receipt) -> HeaderValue {
    let Receipt { cell, epoch, seq, hash } = receipt;
    let mut text = format!("cell={cell}; epoch={epoch}; seq={seq}; hash=");
    for byte in hash {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    HeaderValue::try_from(text).expect("visible letters only")
}
