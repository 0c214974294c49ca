//! The host of a wallet: what goes wrong between call and answer, customers who take their time, and notifications that
//! are repeated until the shop has taken them.

use super::{Then, Wallet};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use suanpan_channels::faults::Fault;

/// Bytes of a call; they have some thousand.
pub(crate) const CALL_BYTES: usize = 64 * 1024;
/// How long nothing is said where an answer is lost; nobody waits for so long.
const SILENCE: Duration = Duration::from_secs(60);
/// How long a shop may take to answer a notification.
const SHOP_PATIENCE: Duration = Duration::from_secs(5);
/// How often a notification is tried, and how long after the one before.
const TRIES: u32 = 8;
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What a wallet speaks.
pub(crate) trait Dialect: Send + Sync + 'static {
    /// How it behaves, and what it holds true.
    fn wallet(&self) -> &Wallet;

    /// A customer scans a code and pays. Returns the order when that was possible.
    fn scan(&self, code: &str) -> Option<String>;

    /// Whoever was asked has made up their mind. Returns whether the shop is to be told.
    fn decide(&self, order: &str) -> bool {
        self.wallet().agree(order)
    }

    /// Makes the call that tells the shop that an order was paid; one that was changed on its way where that is wanted.
    fn notice(&self, order: &str, garbled: bool) -> Option<Request<Full<Bytes>>>;

    /// Whether the shop's answer says that it has taken a notification.
    fn is_taken(&self, status: StatusCode, body: &[u8]) -> bool;
}

/// Addresses a notification; none where that is no address.
pub(crate) fn to_shop(url: String, notification: Request<Vec<u8>>) -> Option<Request<Full<Bytes>>> {
    let (head, body) = notification.into_parts();
    let mut request = Request::post(url).body(Full::new(Bytes::from(body))).ok()?;
    *request.headers_mut() = head.headers;
    Some(request)
}

/// The host of a wallet.
pub(crate) struct Gateway<D> {
    pub(crate) host: Arc<D>,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl<D> Clone for Gateway<D> {
    fn clone(&self) -> Gateway<D> {
        Gateway { host: self.host.clone(), client: self.client.clone() }
    }
}

/// `POST /scan` with the text of a code: a customer who scans it and pays.
pub(crate) async fn scan<D: Dialect>(
    State(gateway): State<Gateway<D>>,
    code: String,
) -> (StatusCode, String) {
    match gateway.host.scan(code.trim()) {
        Some(order) => {
            gateway.notify(order.clone());
            (StatusCode::OK, format!("paid {order}\n"))
        }
        None => (StatusCode::CONFLICT, "that code cannot be paid (any more)\n".to_owned()),
    }
}

impl<D: Dialect> Gateway<D> {
    pub(crate) fn new(host: Arc<D>) -> Gateway<D> {
        Gateway { host, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Does a call, with what goes wrong on the way. `name` is what it says, whenever it is said; `answer` writes what
    /// the wallet says, garbled where that is wanted.
    pub(crate) async fn call<A>(
        &self,
        name: Vec<u8>,
        apply: impl Fn() -> (A, Then),
        answer: impl FnOnce(A, bool) -> Response,
    ) -> Response {
        let wallet = self.host.wallet();
        let came_before = wallet.lock().came(name.clone());
        let (fault, latency) = wallet.settings.faults.draw(&name, came_before);
        if matches!(fault, Fault::LostBefore | Fault::HangUp { done: false }) {
            return nothing(fault).await;
        }
        let (mut said, then) = apply();
        self.then(then);
        if fault == Fault::Twice {
            // The call came twice on its way, and the answer to the second is the one that arrives.
            let (second, then) = apply();
            said = second;
            self.then(then);
        }
        match fault {
            Fault::LostAfter | Fault::HangUp { .. } => return nothing(fault).await,
            Fault::None | Fault::LostBefore | Fault::Garbled | Fault::Twice | Fault::Late => {
                tokio::time::sleep(latency).await;
            }
        }
        answer(said, fault == Fault::Garbled)
    }

    fn then(&self, then: Then) {
        let (gateway, settings) = (self.clone(), &self.host.wallet().settings);
        match then {
            Then::Nothing => {}
            Then::Notify(order) => self.notify(order),
            Then::Hesitate(order) => {
                let pause = settings.hesitation;
                tokio::spawn(async move {
                    tokio::time::sleep(pause).await;
                    if gateway.host.decide(&order) {
                        gateway.notify(order);
                    }
                });
            }
            Then::Scan(code) => {
                let pause = settings.customers.map(|customers| customers.after).unwrap_or_default();
                tokio::spawn(async move {
                    tokio::time::sleep(pause).await;
                    if let Some(order) = gateway.host.scan(&code) {
                        gateway.notify(order);
                    }
                });
            }
        }
    }

    /// Tells the shop that an order was paid, until it says that it knows, some times at most.
    fn notify(&self, order: String) {
        let gateway = self.clone();
        tokio::spawn(async move {
            // Where the shop named no address there is nobody to tell.
            if gateway.host.notice(&order, false).is_none() {
                return;
            }
            let faults = gateway.host.wallet().settings.faults;
            for attempt in 0..TRIES {
                tokio::time::sleep(AGAIN_AFTER * attempt).await;
                let (fault, latency) = faults.draw(&[b"notify", order.as_bytes()].concat(), attempt);
                if matches!(fault, Fault::LostBefore) {
                    continue;
                }
                tokio::time::sleep(latency.min(SILENCE / 20)).await;
                let mut taken = gateway.tell(&order, fault == Fault::Garbled).await;
                if fault == Fault::Twice {
                    taken = gateway.tell(&order, false).await;
                }
                if taken {
                    return;
                }
            }
            tracing::warn!(order, "the shop does not take a notification");
        });
    }

    async fn tell(&self, order: &str, garbled: bool) -> bool {
        let Some(request) = self.host.notice(order, garbled) else { return false };
        let told = async {
            let answer = self.client.request(request).await.ok()?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), CALL_BYTES).collect().await.ok()?.to_bytes();
            Some(self.host.is_taken(status, &body))
        };
        tokio::time::timeout(SHOP_PATIENCE, told).await.is_ok_and(|taken| taken == Some(true))
    }
}

/// Says nothing for long, or ends the connection in the middle of an answer.
async fn nothing(fault: Fault) -> Response {
    if !matches!(fault, Fault::HangUp { .. }) {
        tokio::time::sleep(SILENCE).await;
    }
    // Of unknown length, and with an error at its end: the connection is cut.
    let begun = Full::new(Bytes::from("{")).map_err(|never| match never {}).map_frame(|frame| frame);
    let cut = begun.with_trailers(async { Some(Err(io::Error::other("the wallet hangs up"))) });
    Body::new(cut).into_response()
}
