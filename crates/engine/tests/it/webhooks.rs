//! Events on their whole way: from what happens, over the store and the worker, to a receiver that verifies them.

use crate::world::{World, body, call, caller, id, on_each, pay, request};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use suanpan_engine::{EngineDeliveries, LOG_OF_EVENT, Refused};
use suanpan_messages::signing::webhook::{Message, Secret, TOLERANCE_SECONDS, verify};
use suanpan_payments::command::Command;
use suanpan_payments::rejection::Rejection;
use suanpan_webhooks::target::{Policy, SystemResolver};
use suanpan_webhooks::wire::Wire;
use suanpan_webhooks::worker::{Parts, Settings, Worker, start};

on_each!(
    an_event_goes_all_the_way_is_retried_resent_and_ends_with_its_endpoint,
    an_endpoint_that_fails_for_days_is_disabled_and_says_why,
    events_of_one_commit_arrive_in_the_order_in_which_they_happened,
    endpoints_are_found_however_many_there_were_and_their_number_is_limited,
);

/// What a receiver got.
#[derive(Debug, Clone)]
struct Got {
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// A server that answers everything with one status.
struct Receiver {
    url: String,
    status: Arc<AtomicU16>,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Receiver {
    fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // A name, since addresses of inner networks are refused when an endpoint is made.
        let url = format!("http://localhost:{}/hook", listener.local_addr().unwrap().port());
        let (status, got) = (Arc::new(AtomicU16::new(200)), Arc::new(Mutex::new(Vec::new())));
        let (with, log) = (status.clone(), got.clone());
        // Ends with the process of the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read(&mut stream) else { continue };
                log.lock().unwrap().push(request);
                let status = with.load(Ordering::SeqCst);
                let _ = write!(stream, "HTTP/1.1 {status} So\r\ncontent-length: 2\r\n\r\nok");
            }
        });
        Receiver { url, status, got }
    }

    fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    fn types(&self) -> Vec<String> {
        let kind = |got: &Got| {
            serde_json::from_slice::<Value>(&got.body).unwrap()["type"].as_str().unwrap().to_owned()
        };
        self.got().iter().map(kind).collect()
    }
}

fn read(stream: &mut TcpStream) -> Option<Got> {
    let mut bytes = Vec::new();
    let mut part = [0; 4_096];
    loop {
        let count = stream.read(&mut part).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&part[..count]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let headers: BTreeMap<String, String> = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length: usize = headers["content-length"].parse().unwrap();
        if bytes.len() >= end + 4 + length {
            return Some(Got { headers, body: bytes[end + 4..end + 4 + length].to_vec() });
        }
    }
}

fn deliver(world: &World) -> Worker {
    let clock = world.clock.clone();
    let _within = world.runtime().enter();
    start(Parts {
        deliveries: Arc::new(EngineDeliveries::new(world.engine().clone())),
        wire: Wire::new(Policy::development(), Arc::new(SystemResolver)),
        settings: Settings { poll: Duration::from_millis(10), ..Settings::default() },
        clock: Arc::new(move || clock.now()),
        chance: Arc::new(|| 0),
    })
}

fn endpoint(world: &World, url: &str, events: &[&str]) -> Value {
    let value = json!({"url": url, "enabled_events": events});
    world.done(Command::CreateWebhookEndpoint { request: request(value) })
}

fn resend(world: &World, event: &str, to: Option<&str>) -> Result<usize, Refused> {
    world.runtime().block_on(world.engine().resend(&caller(), event, to))
}

/// The log of an event: attempt and what followed, in the order of time.
fn log(world: &World, event: &str) -> Vec<String> {
    let reader = world.engine().reader();
    let ids = reader.linked(LOG_OF_EVENT, event, 100).unwrap();
    let mut entries: Vec<Value> = ids.iter().map(|id| world.object(id)).collect();
    entries.sort_by_key(|entry| (entry["created"].as_i64(), entry["attempt"].as_i64()));
    entries
        .iter()
        .map(|entry| format!("{} {}", entry["attempt"], entry["result"].as_str().unwrap()))
        .collect()
}

/// How many endpoints are still to be told, as the API shows it.
fn pending(world: &World, event: &str) -> u64 {
    let mut shown = [world.event(event).to_string()];
    suanpan_engine::count_pending(world.engine().reader().as_ref(), &caller(), &mut shown).unwrap();
    serde_json::from_str::<Value>(&shown[0]).unwrap()["pending_webhooks"].as_u64().unwrap()
}

fn an_event_goes_all_the_way_is_retried_resent_and_ends_with_its_endpoint(world: World) {
    let receiver = Receiver::start();
    let made = endpoint(&world, &receiver.url, &["payment_intent.succeeded"]);
    let worker = deliver(&world);
    receiver.answers(500);
    world.done(pay("pm_card_visa", json!({})));
    world.until("the first attempt is written", |world| !world.list("webhook_delivery").is_empty());
    let event = id(&world.told().into_iter().find(|e| e["type"] == "payment_intent.succeeded").unwrap());
    // It is signed so that our own verifier takes it, and holds what the API shows.
    let got = receiver.got().remove(0);
    let secret = Secret::parse(made["secret"].as_str().unwrap()).unwrap();
    let message = Message {
        id: &got.headers["webhook-id"],
        timestamp: &got.headers["webhook-timestamp"],
        signatures: &got.headers["webhook-signature"],
        body: &got.body,
    };
    let now = u64::try_from(world.clock.now().seconds()).unwrap();
    verify(&[secret], &message, now, TOLERANCE_SECONDS).unwrap();
    assert_eq!(message.id, event);
    assert_eq!(serde_json::from_slice::<Value>(&got.body).unwrap(), world.event(&event));
    assert_eq!(pending(&world, &event), 1);
    // It fails once more, and is taken the third time.
    world.clock.advance_seconds(5);
    world.until("the second attempt", |world| log(world, &event).len() == 2);
    receiver.answers(204);
    world.clock.advance_seconds(30);
    world.until("the third attempt", |world| log(world, &event).len() == 3);
    world.until("nothing waits", |world| world.jobs().is_empty());
    assert_eq!(log(&world, &event), ["1 retry", "2 retry", "3 delivered"]);
    assert_eq!(pending(&world, &event), 0);

    // Sent again by hand, three times, the clock standing: the same event, with entries of their own.
    for round in 4..7 {
        assert_eq!(resend(&world, &event, None).unwrap(), 1);
        world.until("it comes again", |world| log(world, &event).len() == round && world.jobs().is_empty());
    }
    assert_eq!(receiver.got().len(), 6);
    assert!(receiver.got().iter().all(|got| got.headers["webhook-id"] == event));
    assert_eq!(world.engine().trouble(), None);

    // What waits for an endpoint that is deleted is given up, and nothing more is sent there.
    receiver.answers(500);
    assert_eq!(resend(&world, &event, Some(&id(&made))).unwrap(), 1);
    world.until("it fails", |world| log(world, &event).len() == 7);
    world.done(Command::DeleteWebhookEndpoint { id: id(&made) });
    world.clock.advance_seconds(60);
    world.until("it is given up", |world| world.jobs().is_empty());
    let refused = resend(&world, &event, Some(&id(&made))).unwrap_err();
    assert!(matches!(refused, Refused::Rule(Rejection::ResourceMissing { .. })), "{refused:?}");
    assert_eq!(resend(&world, &event, None).unwrap(), 0);
    assert_eq!(receiver.got().len(), 7);
    drop(worker);
}

fn an_endpoint_that_fails_for_days_is_disabled_and_says_why(world: World) {
    let receiver = Receiver::start();
    receiver.answers(500);
    let made = endpoint(&world, &receiver.url, &["payment_intent.succeeded"]);
    let worker = deliver(&world);
    for _ in 0..3 {
        world.done(pay("pm_card_visa", json!({})));
    }
    let shown = |world: &World| world.object(&id(&made));
    for _ in 0..200 {
        if shown(&world)["status"] == "disabled" {
            break;
        }
        world.clock.advance_seconds(3_600);
        std::thread::sleep(Duration::from_millis(40));
    }
    world.until("it is disabled", |world| shown(world)["status"] == "disabled");
    assert_eq!(shown(&world)["disabled_reason"], "failing");
    world.until("nothing waits for it", |world| world.jobs().is_empty());
    // Enabled again it starts afresh.
    receiver.answers(200);
    let value = json!({"disabled": false});
    world.done(Command::UpdateWebhookEndpoint { id: id(&made), request: request(value) });
    assert_eq!(shown(&world)["disabled_reason"], json!(null));
    assert_eq!(shown(&world)["internal"]["failing_since"], json!(null));
    let before = receiver.got().len();
    world.done(pay("pm_card_visa", json!({})));
    world.until("it is told again", |_| receiver.got().len() == before + 1);
    // Whoever answers that it is gone is believed at once.
    receiver.answers(410);
    world.done(pay("pm_card_visa", json!({})));
    world.until("it is gone", |world| shown(world)["disabled_reason"] == "gone");
    drop(worker);
}

fn events_of_one_commit_arrive_in_the_order_in_which_they_happened(world: World) {
    let receiver = Receiver::start();
    endpoint(&world, &receiver.url, &["*"]);
    // Each makes three events at one time of the clock, in two commits.
    for _ in 0..4 {
        world.done(pay("pm_card_visa", json!({})));
    }
    let worker = deliver(&world);
    world.until("all of them", |_| receiver.got().len() == 12);
    let one = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"];
    assert_eq!(receiver.types(), one.repeat(4));
    drop(worker);
}

fn endpoints_are_found_however_many_there_were_and_their_number_is_limited(mut world: World) {
    let url = "https://example.org/hook";
    let first = endpoint(&world, url, &["payment_intent.succeeded"]);
    // More newer ones than one page of a list has, nearly all of them deleted.
    for round in 0..250 {
        let made = endpoint(&world, url, &["refund.created"]);
        if round >= 99 {
            world.done(Command::DeleteWebhookEndpoint { id: id(&made) });
        }
        if round == 98 {
            let value = json!({"url": url, "enabled_events": ["*"]});
            let refused =
                world.call(None, Command::CreateWebhookEndpoint { request: request(value) }).unwrap_err();
            let Refused::Rule(rejection) = refused else { panic!("{refused:?}") };
            assert_eq!(rejection.code(), "too_many_webhook_endpoints");
            let last = world.list("webhook_endpoint").remove(0);
            world.done(Command::DeleteWebhookEndpoint { id: id(&last) });
        }
    }
    // After a restart, which reads them.
    world.crash();
    let answered = world.runtime().block_on(world.engine().call(call(None, pay("pm_card_visa", json!({})))));
    assert_eq!(body(&answered.unwrap())["status"], "succeeded");
    let jobs = world.jobs();
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    assert!(jobs[0].id.starts_with(&id(&first)), "{jobs:?}");
}

#[test]
fn urls_are_judged_when_an_endpoint_is_made_or_changed_by_the_mode() {
    let world = World::new(crate::world::Kind::Memory);
    let make = |live: bool, url: &str| {
        let value = json!({"url": url, "enabled_events": ["*"]});
        let mut call = call(None, Command::CreateWebhookEndpoint { request: request(value) });
        call.caller.live = live;
        world.runtime().block_on(world.engine().call(call)).map(|answered| id(&body(&answered)))
    };
    let refused = |result: Result<String, Refused>| match result {
        Err(Refused::Rule(rejection)) => rejection.code(),
        other => panic!("{other:?}"),
    };
    let live = make(true, "https://example.org/hook").unwrap();
    make(false, "http://example.org/hook").unwrap();
    for url in
        ["http://example.org/hook", "https://127.0.0.1/", "https://[fe80::1]/", "https://example.org:22/"]
    {
        assert_eq!(refused(make(true, url)), "url_invalid", "{url}");
    }
    for url in
        ["http://169.254.169.254/latest", "http://0x7f.1/", "http://10.0.0.1/", "https://a:b@example.org/"]
    {
        assert_eq!(refused(make(false, url)), "url_invalid", "{url}");
    }
    let change = request(json!({"url": "http://example.org/hook"}));
    let mut call = call(None, Command::UpdateWebhookEndpoint { id: live, request: change });
    call.caller.live = true;
    let changed = world.runtime().block_on(world.engine().call(call)).map(|answered| id(&body(&answered)));
    assert_eq!(refused(changed), "url_invalid");
}
