//! The network's host: signed messages in and out, and notifications.

use super::host::{Host, Said};
use crate::wallet::Wallet;
use crate::wallet::http::{CALL_BYTES, Dialect, Gateway, to_shop};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http_body_util::Full;
use std::io;
use std::sync::Arc;
use suanpan_channels::clearing::PATH;
use suanpan_messages::clearing::record::Status;
use suanpan_messages::clearing::{Direction, FINE, Fields, Header, Message, MessageType};
use tokio::net::TcpListener;

/// Serves until it is dropped. `POST /preSvr` takes messages; `GET /codes/{phone}` shows the code that a bank sent there
/// last; `POST /agreements/end` with the number of an agreement is its holder, who ends it at the bank.
///
/// # Errors
/// When the system gives no more connections.
pub async fn serve(listener: TcpListener, host: Arc<Host>) -> io::Result<()> {
    let router = Router::new()
        .route(PATH, post(call))
        .route("/codes/{phone}", get(code))
        .route("/agreements/end", post(end))
        .layer(DefaultBodyLimit::max(CALL_BYTES))
        .with_state(Gateway::new(host));
    axum::serve(listener, router).await
}

impl Dialect for Host {
    fn wallet(&self) -> &Wallet {
        &self.wallet
    }

    /// There is nothing to scan.
    fn scan(&self, _code: &str) -> Option<String> {
        None
    }

    fn decide(&self, order: &str) -> bool {
        self.decided(order)
    }

    fn notice(&self, order: &str, garbled: bool) -> Option<Request<Full<Bytes>>> {
        let url = self.wallet.lock().get(order)?.notify_url.clone()?;
        to_shop(url, self.notification(order, garbled)?)
    }

    fn is_taken(&self, status: StatusCode, body: &[u8]) -> bool {
        status.is_success() && body == FINE.as_bytes()
    }
}

impl Host {
    /// Makes the notification of a debit that is decided: its headers and its body, with one that was changed on its way
    /// where that is wanted. None when it is not decided.
    #[must_use]
    pub fn notification(&self, order: &str, garbled: bool) -> Option<Request<Vec<u8>>> {
        let said = self.debited(&self.banks(), order);
        said.status.filter(|status| *status != Status::Accepted)?;
        self.message(MessageType::Notification, said.fields(), garbled)
    }

    fn message(&self, kind: MessageType, body: Fields, garbled: bool) -> Option<Request<Vec<u8>>> {
        let header = Header {
            sent: self.now(),
            kind,
            institution: self.settings.network.clone(),
            direction: Direction::FromNetwork,
        };
        let mut bytes = Message { header, body }.sign(&self.settings.own).ok()?;
        if garbled {
            bytes = garble(bytes);
        }
        Request::builder()
            .header(CONTENT_TYPE, "application/xml;charset=utf-8")
            .header("MsgTp", kind.word())
            .header("OriIssrId", &self.settings.network)
            .body(bytes)
            .ok()
    }
}

/// Whole XML still, and something else than what was signed.
fn garble(bytes: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8(bytes).unwrap_or_default();
    let changed = text.replacen(">CNY", ">CNY9", 1);
    if changed == text { text.replacen("</MsgBody>", " </MsgBody>", 1) } else { changed }.into_bytes()
}

async fn code(State(gateway): State<Gateway<Host>>, Path(phone): Path<String>) -> (StatusCode, String) {
    match gateway.host.code_of(&phone) {
        Some(code) => (StatusCode::OK, format!("{code}\n")),
        None => (StatusCode::NOT_FOUND, "no code was sent there\n".to_owned()),
    }
}

async fn end(State(gateway): State<Gateway<Host>>, sign_no: String) -> (StatusCode, &'static str) {
    if gateway.host.end_agreement(sign_no.trim()) {
        (StatusCode::OK, "ended\n")
    } else {
        (StatusCode::CONFLICT, "no such agreement stands\n")
    }
}

async fn call(State(gateway): State<Gateway<Host>>, headers: HeaderMap, body: Bytes) -> Response {
    let host = &gateway.host;
    let Ok(message) = Message::open(&body, &host.settings.institution_keys) else {
        return (StatusCode::FORBIDDEN, "no message of an institution that is known\n").into_response();
    };
    let header = &message.header;
    let beside =
        |name: &str, signed: &str| headers.get(name).is_some_and(|it| it.as_bytes() == signed.as_bytes());
    let ours = header.institution == host.settings.institution && header.direction == Direction::ToNetwork;
    if !ours || !beside("MsgTp", header.kind.word()) || !beside("OriIssrId", &header.institution) {
        return (StatusCode::FORBIDDEN, "the message says something else than what is beside it\n")
            .into_response();
    }
    let apply = || host.apply(&message);
    gateway.call(name_of(&message), apply, |said, garbled| answer(host, said, garbled)).await
}

/// The name of a message is what it says, whenever it is said.
fn name_of(message: &Message) -> Vec<u8> {
    let of = |path| message.body.get(path).unwrap_or_default();
    let parts = [
        message.header.kind.word(),
        of("TrxInf/TrxId"),
        of("TrxInf/TrxCtgy"),
        of("TrxInf/AuthMsg"),
        of("OriTrxInf/OriTrxId"),
        of("OriTrxInf/OriTrxCtgy"),
        of("BatchId"),
    ];
    parts.join("\n").into_bytes()
}

fn answer(host: &Host, (kind, body): Said, garbled: bool) -> Response {
    match host.message(kind, body, garbled) {
        Some(message) => {
            let (head, body) = message.into_parts();
            (StatusCode::OK, head.headers, body).into_response()
        }
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
