//! One attempt of a delivery, and what the delivery log keeps of it.

use crate::Error;
use crate::limits::{ANSWER_BYTES, BODY_SECONDS, CONNECT_SECONDS, TOTAL_SECONDS};
use crate::schedule::{self, retry_after};
use crate::sign::{self, SigningSecret, for_log};
use crate::target::Target;
use crate::wire::{Answer, Bounds, Request, Wire};
use bytes::Bytes;
use hyper::Method;
use hyper::header::RETRY_AFTER;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use suanpan_money::Timestamp;

const USER_AGENT: &str = concat!("Suanpan/", env!("CARGO_PKG_VERSION"), " (webhooks)");

/// The usual bounds of an attempt.
pub const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(CONNECT_SECONDS),
    total: Duration::from_secs(TOTAL_SECONDS),
    body: Duration::from_secs(BODY_SECONDS),
    body_bytes: ANSWER_BYTES,
};

/// What is sent, and where to.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    /// The id of the event: `evt_…`.
    pub event: &'a str,
    /// The event as JSON, sent byte for byte.
    pub body: Bytes,
    /// The URL of the endpoint.
    pub url: &'a str,
    /// The live secrets of the endpoint, the newest first.
    pub secrets: &'a [SigningSecret],
    /// Whether the event belongs to live mode, where nothing goes over plain HTTP, whatever the way out permits.
    pub live: bool,
}

/// What came of an attempt: an entry of the delivery log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// What was sent, with signatures cut: the log must not be enough to send it again.
    pub request_headers: Vec<(String, String)>,
    /// The address that was called, when one was.
    pub address: Option<SocketAddr>,
    /// The answer or the failure.
    pub result: Result<Answered, Failure>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// The beginning of its body, with what is no UTF-8 replaced.
    pub excerpt: String,
    /// Whether there was more.
    pub cut: bool,
    /// How many seconds the receiver wants to be left alone.
    pub retry_after: Option<u64>,
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The stable name: [`Error::code`].
    pub code: &'static str,
    /// For people.
    pub text: String,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure { code: error.code(), text: error.to_string() }
    }
}

impl Attempt {
    /// Returns what the schedule decides on.
    #[must_use]
    pub fn for_schedule(&self) -> schedule::Result {
        match &self.result {
            Ok(answer) => schedule::Result::Status { status: answer.status, retry_after: answer.retry_after },
            Err(_) => schedule::Result::Failed,
        }
    }

    /// Makes the entry of an attempt that broke off before anything was sent.
    #[must_use]
    pub fn failed(at: Timestamp, error: Error) -> Attempt {
        Attempt { at, duration_ms: 0, request_headers: Vec::new(), address: None, result: Err(error.into()) }
    }
}

/// Makes one attempt. Whatever goes wrong is in the entry.
pub async fn attempt(wire: &Wire, message: &Message<'_>, bounds: Bounds, now: Timestamp) -> Attempt {
    let start = Instant::now();
    let signed = match sign::headers(message.secrets, message.event, now, &message.body) {
        Ok(signed) => signed,
        Err(error) => return Attempt::failed(now, error),
    };
    let mut headers = vec![
        ("content-type", "application/json; charset=utf-8"),
        ("user-agent", USER_AGENT),
        ("accept", "*/*"),
    ];
    headers.extend(signed.iter().map(|(name, value)| (*name, value.as_str())));
    let request = Request { method: Method::POST, headers: &headers, body: message.body.clone() };
    let answer = match Target::parse(message.url, &wire.policy().of_mode(message.live)) {
        Ok(target) => wire.exchange(&target, request, bounds).await,
        Err(error) => Err(error),
    };
    Attempt {
        at: now,
        duration_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        request_headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), for_log(name, value)))
            .collect(),
        address: answer.as_ref().ok().map(|answer| answer.address),
        result: answer.map(Answered::from).map_err(Failure::from),
    }
}

impl From<Answer> for Answered {
    fn from(answer: Answer) -> Answered {
        let after = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Answered {
            status: answer.status.as_u16(),
            excerpt: text_of(&answer.body),
            cut: answer.cut,
            retry_after: after.and_then(retry_after),
        }
    }
}

/// The log is read by people and kept in JSON and in columns of text: control characters have no place in it.
fn text_of(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}
