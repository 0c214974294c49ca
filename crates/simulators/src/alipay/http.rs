//! The wallet's gateway: signed forms in, signed JSON out, with what goes wrong on the way; and its notifications.

use super::host::{Host, Then};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use suanpan_channels::faults::Fault;
use suanpan_messages::signing::alipay::request_text;
use suanpan_messages::signing::parameters::value;
use tokio::net::TcpListener;

/// Bytes of a call; they have some thousand.
const CALL_BYTES: usize = 64 * 1024;
/// How long nothing is said where an answer is lost; nobody waits for so long.
const SILENCE: Duration = Duration::from_secs(60);
/// How long a shop may take to answer a notification.
const SHOP_PATIENCE: Duration = Duration::from_secs(5);
/// How often a notification is tried, and how long after the one before.
const TRIES: u32 = 8;
const AGAIN_AFTER: Duration = Duration::from_millis(500);

#[derive(Clone)]
struct Gateway {
    host: Arc<Host>,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// Serves until it is dropped. `POST /gateway.do` is the gateway; `POST /scan` with the text of a code is a customer who
/// scans it and pays.
///
/// # Errors
/// When the system gives no more connections.
pub async fn serve(listener: TcpListener, host: Arc<Host>) -> io::Result<()> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let gateway = Gateway { host, client };
    let router = Router::new()
        .route("/gateway.do", post(call))
        .route("/scan", post(scan))
        .layer(DefaultBodyLimit::max(CALL_BYTES))
        .with_state(gateway);
    axum::serve(listener, router).await
}

async fn scan(State(gateway): State<Gateway>, code: String) -> (StatusCode, String) {
    match gateway.host.scan(code.trim()) {
        Some(order) => {
            gateway.notify(order.clone());
            (StatusCode::OK, format!("paid {order}\n"))
        }
        None => (StatusCode::CONFLICT, "that code cannot be paid (any more)\n".to_owned()),
    }
}

async fn call(State(gateway): State<Gateway>, body: Bytes) -> Response {
    let owned: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().take(64).collect();
    let parameters: Vec<(&str, &str)> =
        owned.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let method = value(&parameters, "method").unwrap_or_default();
    if !gateway.is_signed(&parameters) {
        let wrong = serde_json::json!({"code": "40002", "msg": "Invalid Arguments", "sub_code": "isv.invalid-signature"});
        return gateway.answer(method, &wrong.to_string(), false);
    }
    let content = value(&parameters, "biz_content").unwrap_or_default();
    // The name of a message is what it says, whenever it is said.
    let name = [method.as_bytes(), content.as_bytes()].concat();
    let came_before = gateway.host.came(name.clone());
    let (fault, latency) = gateway.host.settings.faults.draw(&name, came_before);
    if matches!(fault, Fault::LostBefore | Fault::HangUp { done: false }) {
        return gateway.nothing(fault).await;
    }
    let notify_url = value(&parameters, "notify_url");
    let (mut answer, then) = gateway.host.apply(method, content, notify_url);
    gateway.then(then);
    if fault == Fault::Twice {
        // The call came twice on its way, and the answer to the second is the one that arrives.
        let (second, then) = gateway.host.apply(method, content, notify_url);
        answer = second;
        gateway.then(then);
    }
    match fault {
        Fault::LostAfter | Fault::HangUp { .. } => return gateway.nothing(fault).await,
        Fault::None | Fault::LostBefore | Fault::Garbled | Fault::Twice | Fault::Late => {
            tokio::time::sleep(latency).await;
        }
    }
    gateway.answer(method, &answer.to_string(), fault == Fault::Garbled)
}

impl Gateway {
    fn is_signed(&self, parameters: &[(&str, &str)]) -> bool {
        let settings = &self.host.settings;
        let right = value(parameters, "app_id") == Some(&settings.app_id)
            && value(parameters, "sign_type") == Some("RSA2");
        let signature = value(parameters, "sign").unwrap_or_default();
        right
            && request_text(parameters)
                .is_ok_and(|text| settings.app_key.verify_base64(text.as_bytes(), signature).is_ok())
    }

    fn answer(&self, method: &str, answer: &str, garbled: bool) -> Response {
        let Ok(signature) = self.host.settings.own_key.sign_base64(answer.as_bytes()) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let member = format!("{}_response", method.replace('.', "_"));
        // What is garbled is whole JSON, and something else than what was signed.
        let answer = if garbled { answer.replacen("code", "Code", 1) } else { answer.to_owned() };
        let body = format!("{{\"{member}\":{answer},\"sign\":\"{signature}\"}}");
        ([(CONTENT_TYPE, "text/html;charset=utf-8")], body).into_response()
    }

    /// Says nothing for long, or ends the connection in the middle of an answer.
    async fn nothing(&self, fault: Fault) -> Response {
        if !matches!(fault, Fault::HangUp { .. }) {
            tokio::time::sleep(SILENCE).await;
        }
        // The connection is cut because less comes than was announced.
        ([(CONTENT_LENGTH, "100")], Body::from("{")).into_response()
    }

    fn then(&self, then: Then) {
        let (gateway, settings) = (self.clone(), &self.host.settings);
        match then {
            Then::Nothing => {}
            Then::Notify(order) => self.notify(order),
            Then::Hesitate(order) => {
                let pause = settings.hesitation;
                tokio::spawn(async move {
                    tokio::time::sleep(pause).await;
                    if gateway.host.agree(&order) {
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
            let Some(url) = gateway.host.notify_url(&order) else { return };
            for attempt in 0..TRIES {
                tokio::time::sleep(AGAIN_AFTER * attempt).await;
                let (fault, latency) =
                    gateway.host.settings.faults.draw(&[b"notify", order.as_bytes()].concat(), attempt);
                if matches!(fault, Fault::LostBefore) {
                    continue;
                }
                tokio::time::sleep(latency.min(SILENCE / 20)).await;
                let mut taken = gateway.tell(&url, &order, fault == Fault::Garbled).await;
                if fault == Fault::Twice {
                    taken = gateway.tell(&url, &order, false).await;
                }
                if taken {
                    return;
                }
            }
            tracing::warn!(order, "the shop does not take a notification");
        });
    }

    async fn tell(&self, url: &str, order: &str, garbled: bool) -> bool {
        let Some(form) = self.host.notification(order, garbled) else { return false };
        let request = Request::post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
            .body(Full::new(Bytes::from(form)));
        let Ok(request) = request else { return false };
        let told = async {
            let answer = self.client.request(request).await.ok()?;
            let fine = answer.status().is_success();
            let body = Limited::new(answer.into_body(), CALL_BYTES).collect().await.ok()?.to_bytes();
            Some(fine && body.as_ref() == b"success")
        };
        tokio::time::timeout(SHOP_PATIENCE, told).await.is_ok_and(|taken| taken == Some(true))
    }
}
