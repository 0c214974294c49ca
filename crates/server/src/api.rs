//! What all handlers share.

use crate::inbound::Inbound;
use crate::key::{KeyRecord, Keys};
use crate::limits::{REFUSED_KEYS_PER_MINUTE, REQUESTS_PER_SECOND};
use crate::problem::{PROBLEM_JSON, Problem};
use crate::read::answer_json;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use suanpan_engine::{Call, Caller, Engine, IdempotencyKey, Receipt, Role};
use suanpan_payments::command::Command;
use suanpan_payments::link;
use suanpan_payments::object::api_key::{ApiKey, digest};

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
}

impl Config {
    /// Returns the usual settings for an operator, `acct_…`.
    #[must_use]
    pub fn new(operator: &str) -> Config {
        let requests_per_second = NonZeroU32::new(REQUESTS_PER_SECOND).expect("a positive limit");
        Config { operator: operator.to_owned(), requests_per_second }
    }
}

/// What all handlers share. Cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    engine: Engine,
    config: Config,
    keys: Keys,
    refusals: DefaultKeyedRateLimiter<IpAddr>,
}

impl Api {
    /// Makes the state of a server over an engine.
    #[must_use]
    pub fn new(engine: Engine, config: Config) -> Api {
        let per_minute = NonZeroU32::new(REFUSED_KEYS_PER_MINUTE).expect("a positive limit");
        let refusals = RateLimiter::keyed(Quota::per_minute(per_minute));
        Api(Arc::new(Inner { engine, config, keys: Keys::default(), refusals }))
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
        let idempotency = inbound.idempotency().map(|(key, digest)| IdempotencyKey { key, digest });
        let request_id = Some(inbound.request_id.as_str().to_owned());
        let answered = self.0.engine.call(Call { caller, idempotency, request_id, command }).await?;
        let status = StatusCode::from_u16(answered.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = if status.is_success() && !inbound.expand().is_empty() {
            crate::expand::expand(self, &inbound.caller, answered.body, inbound.expand()).await?
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

    /// Counts a refused key against an address. An IPv6 network of 64 bits counts as one address, because
    /// whoever has one address of it has all.
    ///
    /// # Errors
    /// When there were too many: how many seconds to wait.
    pub fn count_refusal(&self, peer: IpAddr) -> Result<(), u64> {
        let network = match peer {
            IpAddr::V4(_) => peer,
            IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        };
        // Addresses that were quiet for a minute are forgotten, so that the table stays small.
        if self.0.refusals.len() > 10_000 {
            self.0.refusals.retain_recent();
        }
        let checked = self.0.refusals.check_key(&network);
        checked.map_err(|until| until.wait_time_from(DefaultClock::default().now()).as_secs() + 1)
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
