//! A simulator of the HTTP API: as much of its shapes as the commands that talk to a server use, in memory,
//! over plain sockets. It shares no code with the commands, nor with the server.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) const KEY: &str = "sk_test_51simulator";
/// When the first event happened; each is a minute after the one before.
pub(crate) const FIRST: i64 = 1_785_585_600;

/// A simulated server, ended with the test.
pub(crate) struct Simulator {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    over: Arc<AtomicBool>,
}

#[derive(Default)]
pub(crate) struct State {
    objects: BTreeMap<String, Value>,
    /// The oldest first.
    pub(crate) events: Vec<Value>,
    /// Calls: method, path with query, body, key of idempotency.
    pub(crate) calls: Vec<[String; 4]>,
    /// Events and endpoints that were to be sent again.
    pub(crate) resent: Vec<(String, Option<String>)>,
    /// How many calls are answered with 503 before they are heard.
    pub(crate) busy: usize,
    /// An event happens whenever somebody asks for new ones.
    pub(crate) lively: bool,
    /// Nothing happens.
    pub(crate) dull: bool,
    made: usize,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl Simulator {
    /// Starts with so many events.
    pub(crate) fn start(events: usize) -> Simulator {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (state, over) = (Arc::new(Mutex::new(State::default())), Arc::new(AtomicBool::new(false)));
        for place in 0..events {
            let kind = if place % 2 == 0 { "payment_intent.succeeded" } else { "charge.refunded" };
            state.lock().unwrap().happens(kind, &json!({"id": format!("pi_{place}"), "note": "算盘"}));
        }
        let (inner, end) = (Arc::clone(&state), Arc::clone(&over));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let state = Arc::clone(&inner);
                std::thread::spawn(move || serve(stream.unwrap(), &state));
            }
        });
        Simulator { address, state, over }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn with<T>(&self, does: impl FnOnce(&mut State) -> T) -> T {
        does(&mut self.state.lock().unwrap())
    }
}

impl State {
    pub(crate) fn happens(&mut self, kind: &str, object: &Value) {
        if self.dull {
            return;
        }
        let number = self.events.len() + 1;
        let created = FIRST + 60 * i64::try_from(number - 1).unwrap();
        self.events.push(json!({
            "id": format!("evt_{number}"), "object": "event", "api_version": "2025-03-31.basil",
            "created": created, "data": {"object": object}, "livemode": false, "pending_webhooks": 1,
            "request": {"id": null, "idempotency_key": null}, "type": kind,
        }));
    }

    fn id(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}_{}", self.made)
    }

    fn answer(&mut self, method: &str, path: &str, fields: &BTreeMap<String, String>) -> (u16, Value) {
        let parts: Vec<&str> = path.split('/').skip(2).collect();
        let field = |name: &str| fields.get(name).map(String::as_str);
        match (method, parts.as_slice()) {
            ("GET", ["events"]) => self.list(fields),
            ("GET", ["events", id]) => match self.events.iter().find(|event| event["id"] == *id) {
                Some(event) => (200, event.clone()),
                None => missing("event", id),
            },
            ("POST", ["events", id, "resend"]) => {
                let Some(event) = self.events.iter().find(|event| event["id"] == *id).cloned() else {
                    return missing("event", id);
                };
                if let Some(wrong) = field("webhook_endpoint").filter(|endpoint| *endpoint != "we_1") {
                    return missing("webhook_endpoint", wrong);
                }
                self.resent.push(((*id).to_owned(), field("webhook_endpoint").map(str::to_owned)));
                (200, event)
            }
            ("GET", ["channels"]) => {
                (200, json!({"object": "list", "data": [channel("main"), channel("spare")]}))
            }
            ("POST", ["routing", "simulate"]) => {
                let mut simulation = route();
                for name in ["amount", "currency", "payment_method_type"] {
                    simulation[name] = json!(field(name));
                }
                simulation["refused"] = json!(null);
                (200, simulation)
            }
            ("GET", ["payment_intents", "pi_1"]) => (200, json!({"id": "pi_1", "latest_attempt": "att_1"})),
            ("GET", ["attempts", "att_1"]) => (200, attempt()),
            ("GET", ["attempts", "att_1", "route"]) => (200, route()),
            ("POST", ["customers"]) => self.make("cus", "customer.created", json!({"email": field("email")})),
            ("POST", ["customers", id]) => self.change(id, "customer.updated", &[]),
            ("DELETE", ["customers", id]) => self.change(id, "customer.deleted", &[]),
            ("POST", ["payment_intents"]) => self.intent(fields),
            ("POST", ["payment_intents", id, "cancel"]) => {
                self.change(id, "payment_intent.canceled", &[("status", "canceled")])
            }
            ("POST", ["payment_intents", id, "capture"]) => {
                self.change(id, "charge.captured", &[("status", "succeeded")])
            }
            ("POST", ["refunds"]) => {
                let of = field("payment_intent").unwrap_or_default().to_owned();
                if !self.objects.contains_key(&of) {
                    return missing("payment_intent", &of);
                }
                let refund = self.make("re", "refund.created", json!({"payment_intent": of}));
                self.happens("charge.refunded", &json!({"id": "ch_1", "payment_intent": of}));
                refund
            }
            ("POST", ["payment_methods", _, "attach"]) => {
                self.make("pm", "payment_method.attached", json!({"customer": field("customer")}))
            }
            ("POST", ["payment_methods", id, "detach"]) => self.change(id, "payment_method.detached", &[]),
            _ => refused(404, "url_invalid", &format!("Unrecognized request URL ({method}: {path}).")),
        }
    }

    fn list(&mut self, fields: &BTreeMap<String, String>) -> (u16, Value) {
        if self.lively && fields.contains_key("ending_before") {
            self.happens("charge.refunded", &json!({"id": "ch_9"}));
        }
        let number = |name: &str| fields.get(name).map(|text| text.parse::<i64>().unwrap());
        let limit = usize::try_from(number("limit").unwrap_or(10)).unwrap();
        let newest_first: Vec<&Value> = self.events.iter().rev().collect();
        let place = |id: &str| newest_first.iter().position(|event| event["id"] == id);
        let kept = |event: &&&Value| {
            let created = event["created"].as_i64().unwrap();
            fields.get("type").is_none_or(|kind| event["type"] == kind.as_str())
                && number("created[gte]").is_none_or(|from| created >= from)
                && number("created[lt]").is_none_or(|before| created < before)
        };
        let (from, to) = match (fields.get("starting_after"), fields.get("ending_before")) {
            (Some(id), _) => (place(id).map(|place| place + 1), Some(newest_first.len())),
            (_, Some(id)) => (Some(0), place(id)),
            _ => (Some(0), Some(newest_first.len())),
        };
        let (Some(from), Some(to)) = (from, to) else { return missing("event", "of the cursor") };
        let fitting: Vec<&Value> = newest_first[from..to].iter().filter(kept).copied().collect();
        let has_more = fitting.len() > limit;
        // Before a cursor come those that are next to it, not the newest.
        let skip = if fields.contains_key("ending_before") { fitting.len().saturating_sub(limit) } else { 0 };
        let data: Vec<&Value> = fitting.into_iter().skip(skip).take(limit).collect();
        (200, json!({"object": "list", "url": "/v1/events", "has_more": has_more, "data": data}))
    }

    fn make(&mut self, prefix: &str, kind: &str, mut object: Value) -> (u16, Value) {
        let id = self.id(prefix);
        object["id"] = json!(id);
        self.objects.insert(id, object.clone());
        self.happens(kind, &object);
        (200, object)
    }

    fn change(&mut self, id: &str, kind: &str, values: &[(&str, &str)]) -> (u16, Value) {
        let Some(object) = self.objects.get_mut(id) else { return missing("object", id) };
        for (name, value) in values {
            object[*name] = json!(value);
        }
        let object = object.clone();
        self.happens(kind, &object);
        (200, object)
    }

    fn intent(&mut self, fields: &BTreeMap<String, String>) -> (u16, Value) {
        let field = |name: &str| fields.get(name).map(String::as_str);
        if field("amount").is_none() || field("currency").is_none() {
            return refused(400, "parameter_missing", "Missing required param: amount.");
        }
        let made = self.make("pi", "payment_intent.created", json!({"status": "requires_confirmation"})).1;
        let id = made["id"].as_str().unwrap().to_owned();
        if field("confirm") != Some("true") {
            return (200, made);
        }
        match (field("payment_method"), field("capture_method")) {
            (Some("pm_card_visa"), Some("manual")) => self.change(
                &id,
                "payment_intent.amount_capturable_updated",
                &[("status", "requires_capture")],
            ),
            (Some("pm_card_visa"), _) => {
                self.happens("charge.succeeded", &json!({"id": "ch_1", "payment_intent": id}));
                self.change(&id, "payment_intent.succeeded", &[("status", "succeeded")])
            }
            (Some("pm_card_threeDSecure2Required"), _) => {
                self.change(&id, "payment_intent.requires_action", &[("status", "requires_action")])
            }
            (Some("pm_card_chargeDeclined"), _) => {
                self.happens("charge.failed", &json!({"id": "ch_1", "payment_intent": id}));
                let intent = self.change(&id, "payment_intent.payment_failed", &[]).1;
                let message = "Your card was declined.";
                let error = json!({
                    "type": "card_error", "code": "card_declined", "message": message, "payment_intent": intent
                });
                (402, json!({"error": error}))
            }
            _ => missing("payment_method", field("payment_method").unwrap_or_default()),
        }
    }
}

fn channel(name: &str) -> Value {
    json!({
        "object": "channel", "name": name, "takes": ["card"], "drained": name == "spare", "circuit": "closed",
        "success_ppm": 987_654, "taken_today": {"cny": 1_234_567},
    })
}

fn route() -> Value {
    json!({
        "channel": "main", "basis": "preferred", "rule": "large", "candidates": [
            {"channel": "main", "success_ppm": 1_000_000, "score": -1_500_000},
            {"channel": "spare", "success_ppm": 500_000, "score": 60_000_000, "excluded": "circuit_open"},
        ],
    })
}

fn attempt() -> Value {
    json!({
        "id": "att_1", "object": "attempt", "amount": 1_000, "currency": "cny", "channel": "main", "created": FIRST,
        "decline_code": null, "routing": {"basis": "preferred", "rule": "large"}, "status": "captured",
    })
}

fn missing(what: &str, id: &str) -> (u16, Value) {
    refused(404, "resource_missing", &format!("No such {what}: '{id}'"))
}

fn refused(status: u16, code: &str, message: &str) -> (u16, Value) {
    (status, json!({"error": {"type": "invalid_request_error", "code": code, "message": message}}))
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let header = |name: &str| {
        let find = |line: &String| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then(|| value.to_owned())
        };
        lines.iter().find_map(find)
    };
    let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let [method, target, _] = lines[0].split(' ').collect::<Vec<_>>().try_into().unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let text = if method == "GET" { query } else { &body };
    let fields = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    let (status, value) = {
        let mut state = state.lock().unwrap();
        let key = header("idempotency-key").unwrap_or_default();
        state.calls.push([method.to_owned(), target.to_owned(), body.clone(), key]);
        if header("authorization") != Some(format!("Bearer {KEY}")) {
            refused(401, "api_key_invalid", "Invalid API Key provided")
        } else if state.busy > 0 {
            state.busy -= 1;
            refused(503, "overloaded", "Try again")
        } else {
            state.answer(method, path, &fields)
        }
    };
    // As real servers do: spread over lines, which the receiver of a webhook must get unchanged.
    let text = serde_json::to_string_pretty(&value).unwrap();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        text.len()
    );
    let _ = reader.get_mut().write_all(format!("{head}{text}").as_bytes());
}
