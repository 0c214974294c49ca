//! Calls of the HTTP API of a server, as somebody who integrates with it would make them.

mod events;

pub(crate) use events::{Event, EventFilter, Events};

use crate::cli::ApiArgs;
use crate::error::Trouble;
use crate::terminal::harmless;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use suanpan_webhooks::target::{Policy, SystemResolver, Target};
use suanpan_webhooks::wire::{Answer, Bounds, Bytes, Method, Request, Wire};

/// A list of a hundred large objects is far below this.
const BODY_BYTES_MAX: usize = 64 << 20;
/// How long a call may take; the server has given up before.
const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(5),
    total: Duration::from_secs(60),
    body: Duration::from_secs(60),
    body_bytes: BODY_BYTES_MAX,
};
/// Waits before a call is made again that got no answer, or one that says that it may be.
const WAITS: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1_500)];
/// The longest wait that a server may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(10);

/// A server, and whose key is used.
#[derive(Debug)]
pub(crate) struct Api {
    wire: Wire,
    base: Target,
    path: String,
    authorization: String,
    live: bool,
}

/// An answer of the server.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status of HTTP.
    pub(crate) status: u16,
    /// The body: JSON.
    pub(crate) body: Vec<u8>,
}

#[derive(Deserialize)]
struct Refusal {
    error: RefusalError,
}

#[derive(Deserialize)]
struct RefusalError {
    message: Option<String>,
    code: Option<String>,
    param: Option<String>,
}

impl Api {
    /// Reads where the server is, and the key.
    pub(crate) fn new(args: &ApiArgs) -> Result<Api, Trouble> {
        let key = args.key.as_deref().map(str::trim).filter(|key| !key.is_empty()).ok_or_else(|| {
            Trouble::new("no_key", "no secret key was given")
                .at("--key")
                .next("set SUANPAN_KEY to a key of the server, which begins with sk_test_ in test mode")
        })?;
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Trouble::new("bad_key", "the key has characters that no key has")
                .at("--key")
                .next("give the key alone, without quotes and blanks"));
        }
        let text = with_scheme(&args.api);
        let base = Target::parse(&text, &Policy::anywhere()).map_err(|error| {
            Trouble::from(error).at("--api").next("give http://127.0.0.1:4242 or the like")
        })?;
        let path = base.path().trim_end_matches('/').to_owned();
        Ok(Api {
            wire: wire(),
            base,
            path,
            authorization: format!("Bearer {key}"),
            live: key.contains("_live_"),
        })
    }

    /// Says whether the key is one of live mode.
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// Gets an object or a list.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Reply, Trouble> {
        let query = form(query);
        let path = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        self.call(Method::GET, &path, String::new(), "").await
    }

    /// Posts a form. Made again under the same key of idempotency when there is no answer.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<Reply, Trouble> {
        self.call(Method::POST, path, form(fields), &random_hex()?).await
    }

    /// Posts a form under a key of idempotency that is kept: the same call may be made again at any time.
    pub(crate) async fn post_under(
        &self,
        key: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Reply, Trouble> {
        self.call(Method::POST, path, form(fields), key).await
    }

    /// Deletes an object.
    pub(crate) async fn delete(&self, path: &str) -> Result<Reply, Trouble> {
        self.call(Method::DELETE, path, String::new(), "").await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: String,
        idempotency: &str,
    ) -> Result<Reply, Trouble> {
        let target = self.base.with_path(&format!("{}{path}", self.path));
        let mut headers = vec![
            ("authorization", self.authorization.as_str()),
            ("user-agent", concat!("suanpan/", env!("CARGO_PKG_VERSION"))),
        ];
        if method == Method::POST {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
            headers.push(("idempotency-key", idempotency));
        }
        let body = Bytes::from(body);
        let mut waits = WAITS.iter();
        loop {
            let request = Request { method: method.clone(), headers: &headers, body: body.clone() };
            let answer = self.wire.exchange(&target, request, BOUNDS).await;
            let again = match &answer {
                Ok(answer) => may_repeat(answer),
                Err(_) => Some(Duration::ZERO),
            };
            if let Some((asked, wait)) = again.zip(waits.next()) {
                tokio::time::sleep((*wait).max(asked)).await;
                continue;
            }
            let answer = answer.map_err(|error| {
                let next = "check that the server runs, and --api or SUANPAN_API";
                Trouble::from(error).at(format!("{method} {target}")).next(next)
            })?;
            if answer.cut {
                return Err(Trouble::new("answer_cut", "the answer broke off or is too large")
                    .at(format!("{method} {target}"))
                    .next("ask again; is this a server of suanpan?"));
            }
            return Ok(Reply { status: answer.status.as_u16(), body: answer.body });
        }
    }
}

impl Reply {
    /// Returns the body of an answer that is none of a refusal.
    pub(crate) fn fine(self, place: &str) -> Result<Vec<u8>, Trouble> {
        if (200..300).contains(&self.status) { Ok(self.body) } else { Err(self.refusal(place)) }
    }

    /// Makes the trouble of a refusal.
    pub(crate) fn refusal(&self, place: &str) -> Trouble {
        let refusal = serde_json::from_slice::<Refusal>(&self.body).ok().map(|refusal| refusal.error);
        let what = match &refusal {
            Some(RefusalError { message: Some(message), code, param }) => {
                let code = code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
                let param = param.as_ref().map(|param| format!(", parameter {param}")).unwrap_or_default();
                format!("the server answers {}{code}: {message}{param}", self.status)
            }
            _ => format!("the server answers {}", self.status),
        };
        let next = match self.status {
            401 => "check the key: --key or SUANPAN_KEY",
            403 => "the key may not do that: take one with more scopes",
            404 => "check the id, and whether the key is of the same mode and merchant",
            429 => "the server is busy: wait a little",
            500.. => "look into the log of the server",
            _ => "correct what the message names",
        };
        Trouble::new("api_refused", harmless(&what)).at(place).next(next)
    }
}

/// Says whether a call may be made again after this answer, and how long to wait at least.
fn may_repeat(answer: &Answer) -> Option<Duration> {
    let status = answer.status.as_u16();
    if status != 429 && status < 500 {
        return None;
    }
    let after = answer.headers.get("retry-after").and_then(|value| value.to_str().ok());
    let seconds = after.and_then(suanpan_webhooks::schedule::retry_after).unwrap_or(0);
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// The way out for what the user of this machine names himself.
pub(crate) fn wire() -> Wire {
    Wire::new(Policy::anywhere(), Arc::new(SystemResolver))
}

/// Runs calls to their end.
pub(crate) fn run<T>(calls: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        Trouble::new("runtime", format!("cannot wait for answers: {error}"))
            .next("check the limits of open files and threads")
    })?;
    runtime.block_on(calls)
}

/// People write `localhost:3000/webhook`.
pub(crate) fn with_scheme(text: &str) -> String {
    if text.contains("://") { text.to_owned() } else { format!("http://{text}") }
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], Trouble> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Trouble::new("random", format!("the machine gives no random numbers: {error}"))
            .next("check /dev/urandom")
    })?;
    Ok(bytes)
}

pub(crate) fn random_hex() -> Result<String, Trouble> {
    Ok(random::<16>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

impl From<suanpan_webhooks::Error> for Trouble {
    fn from(error: suanpan_webhooks::Error) -> Trouble {
        Trouble::new(error.code(), harmless(&error.to_string())).because(error)
    }
}
