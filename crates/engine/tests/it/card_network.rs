//! Payments over a card network: a simulated one, over a real socket, with the protocol of a real one.

use crate::outside::{Outside, PATIENCE};
use crate::world::{cancel, capture, id, pay, refund};
use serde_json::{Value, json};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use suanpan_channels::card_network::{CardNetwork, LineSettings, Settings as NetworkSettings, VaultKey};
use suanpan_channels::faults::Faults;
use suanpan_channels::{Call as ChannelCall, CardInput, CardNumber, Channel, Lost, Request, Trace};
use suanpan_engine::{CardLine, Clock, Way};
use suanpan_messages::keys::DoubleKey;
use suanpan_money::Currency;
use suanpan_payments::command::Command;
use suanpan_payments::routing::ChannelTerms;
use suanpan_simulators::card_network::{Audit, Host, HostSettings, Issuer, card_number, serve};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub(crate) const ISSUER_KEY: [u8; 16] = [0x1D; 16];
pub(crate) const TERMINAL_PIN_KEY: [u8; 16] = [0x2E; 16];

fn settings() -> NetworkSettings {
    NetworkSettings {
        name: "unionpay".to_owned(),
        acquirer: "48020000".to_owned(),
        forwarder: "48020001".to_owned(),
        network: "00010000".to_owned(),
        merchant: "898310048120001".to_owned(),
        terminal: "00000001".to_owned(),
        category: "5411".to_owned(),
        merchant_name: "SUANPAN TEST SHOP".to_owned(),
    }
}

pub(crate) struct World {
    outside: Outside,
    pub(crate) host: Arc<Host>,
    line: CardLine,
}

impl Deref for World {
    type Target = Outside;

    fn deref(&self) -> &Outside {
        &self.outside
    }
}

impl World {
    fn new(faults: Faults, keys: [[u8; 16]; 2]) -> World {
        let [theirs, ours] = keys.map(DoubleKey::new);
        let network = "00010000".to_owned();
        let issuer = Issuer::new(DoubleKey::new(ISSUER_KEY));
        let host = Arc::new(Host::new(HostSettings { network, transport_key: theirs, faults, issuer }));
        let mut made = None;
        let way = |runtime: &Runtime, clock: &Clock| {
            let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
            let address = listener.local_addr().unwrap().to_string();
            runtime.spawn(serve(listener, host.clone()));
            let line_settings = LineSettings {
                network: settings(),
                transport_key: ours,
                terminal_pin_key: Some(DoubleKey::new(TERMINAL_PIN_KEY)),
                echo_seconds: 60,
                patience_seconds: 10,
            };
            let line = CardLine::start(address, line_settings, PATIENCE, clock.clone());
            made = Some(line.clone());
            Way::Line(Arc::new(channel()), line)
        };
        let outside = Outside::new(way, |settings| {
            settings.routing.channels = vec![ChannelTerms::of("unionpay", &["card"])];
        });
        World { outside, host, line: made.unwrap() }
    }

    pub(crate) fn ready(faults: Faults) -> World {
        let world = World::new(faults, [[3; 16]; 2]);
        world.until("the line is ready", || world.line.is_ready());
        world
    }

    #[track_caller]
    pub(crate) fn expect_agreement(&self) -> Audit {
        let audit = self.host.audit();
        let theirs =
            i128::try_from(audit.taken_minor).unwrap() - i128::try_from(audit.refunded_minor).unwrap();
        assert_eq!(self.owed("unionpay"), theirs, "{audit:?}");
        audit
    }
}

/// A purchase as the channel makes it, of a card that is approved.
fn purchase(world: &World) -> Vec<u8> {
    let number = CardNumber(card_number(1, "00"));
    let input = CardInput::Number { number, exp_month: 12, exp_year: 2034, cvc: None };
    let channel = channel();
    let request = Request {
        call: ChannelCall::Authorize,
        about: ChannelCall::Authorize,
        trace: Trace(world.clock.now().micros()),
        now: world.clock.now(),
        reference: "att_1".to_owned(),
        original: None,
        original_id: None,
        authorization_code: None,
        token: Some(channel.tokenize(&input, &[1; 32], world.clock.now()).unwrap().token),
        amount_minor: 10_000,
        currency: Currency::parse("CNY").unwrap(),
        capture: true,
        authenticated: false,
        off_session: false,
        awaiting_until: None,
    };
    channel.build(&request).unwrap()
}

fn channel() -> CardNetwork {
    CardNetwork::new(settings(), VaultKey::new([9; 32])).unwrap()
}

fn card(account: u32, code: &str, more: Value) -> Command {
    let mut value = json!({
        "payment_method": null,
        "payment_method_data": {
            "type": "card",
            "card": {"number": card_number(account, code), "exp_month": 12, "exp_year": 2034, "cvc": "123"},
        },
    });
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    pay("", value)
}

#[test]
fn a_card_is_charged_over_the_network() {
    let world = World::ready(Faults::default());
    let intent = world.done(card(1, "00", json!({})));
    assert_eq!(intent["status"], "succeeded", "{intent}");
    let audit = world.expect_agreement();
    assert_eq!((audit.taken_minor, audit.standing), (10_000, 1));
    let (name, truth) = world.host.truths().remove(0);
    assert_eq!((truth.message_type.as_str(), truth.card.as_str()), ("0200", "************1004"));
    assert!(name.ends_with(".00048020000.00048020001"), "{name}");
    // A decline says why, in the words of cards.
    let (status, problem) = world.answer(card(2, "51", json!({})));
    assert_eq!((status, &problem["error"]["decline_code"]), (402, &json!("insufficient_funds")), "{problem}");
    world.expect_agreement();
}

#[test]
fn money_is_set_aside_captured_in_part_and_given_back() {
    let world = World::ready(Faults::default());
    let intent = world.done(card(1, "00", json!({"capture_method": "manual"})));
    assert_eq!(intent["status"], "requires_capture", "{intent}");
    assert_eq!(world.host.audit().held_minor, 10_000);
    let captured = world.done(capture(&id(&intent), json!({"amount_to_capture": 6_000})));
    assert_eq!((&captured["status"], &captured["amount_received"]), (&json!("succeeded"), &json!(6_000)));
    assert_eq!(world.expect_agreement().taken_minor, 6_000);
    let given = world.done(refund(&id(&intent), 2_500));
    assert_eq!(given["status"], "succeeded", "{given}");
    assert_eq!(world.expect_agreement().refunded_minor, 2_500);
    let released = world.done(card(3, "00", json!({"capture_method": "manual"})));
    assert_eq!(world.done(cancel(&id(&released)))["status"], "canceled");
    let audit = world.expect_agreement();
    assert_eq!((audit.taken_minor, audit.refunded_minor, audit.held_minor), (6_000, 2_500, 0));
}

#[test]
fn a_payment_whose_answer_is_lost_stays_open() {
    let world = World::ready(Faults { lost_after: 1_000_000, ..Faults::default() });
    let begun = world.done(card(1, "00", json!({})));
    assert_eq!(begun["status"], "processing", "{begun}");
    assert_eq!(world.host.audit().taken_minor, 10_000, "the network has done it");
    assert_eq!(world.owed("unionpay"), 0, "and that is not known here");
    let intents = world.intents();
    assert_eq!((intents.len(), &intents[0]["status"]), (1, &json!("processing")));
}

/// Another process may have taken over meanwhile, and have undone it.
#[test]
fn what_was_decided_long_ago_is_not_sent_any_more() {
    let world = World::ready(Faults::default());
    let decided = |seconds_ago: i64| Some(Trace(world.clock.now().plus_seconds(-seconds_ago).micros()));
    let message = purchase(&world);
    let send = |born| world.runtime.block_on(world.line.exchange(message.clone(), born));
    assert_eq!(send(decided(11)), Err(Lost::Untried));
    assert_eq!(world.host.audit(), Audit::default());
    assert!(send(decided(9)).is_ok());
    assert_eq!(world.host.audit().taken_minor, 10_000);
}

#[test]
fn only_a_process_that_writes_has_a_line() {
    let world = World::ready(Faults::default());
    world.engine.stop();
    world.until("the line is given up", || !world.line.is_ready());
    let message = purchase(&world);
    assert_eq!(world.runtime.block_on(world.line.exchange(message, None)), Err(Lost::NotSent));
}

#[test]
fn whoever_has_another_key_is_never_ready_and_sends_nothing() {
    let world = World::new(Faults::default(), [[3; 16], [4; 16]]);
    std::thread::sleep(Duration::from_millis(500));
    assert!(!world.line.is_ready());
    let (status, problem) = world.answer(card(1, "00", json!({})));
    assert_eq!((status, &problem["error"]["decline_code"]), (402, &json!("processing_error")), "{problem}");
    assert_eq!(world.host.audit(), Audit::default());
}

/// Every fault at once: in the end nothing is open, and both sides say the same to the cent.
#[test]
fn whatever_the_network_does_nothing_is_lost_or_taken_twice() {
    for seed in [1, 2] {
        let faults = Faults {
            seed,
            lost_before: 40_000,
            lost_after: 60_000,
            garbled: 40_000,
            twice: 60_000,
            late: 40_000,
            hang_up: 10_000,
            latency_micros: 1_000,
        };
        let world = World::ready(faults);
        let payments = (0..300).map(|number| {
            let code = ["00", "00", "00", "51", "98"][number as usize % 5];
            card(number, code, json!({}))
        });
        world.all(payments.collect(), 50);
        world.settle(300, 120);
        let audit = world.expect_agreement();
        let intents = world.intents();
        let succeeded = intents.iter().filter(|it| it["status"] == "succeeded").count();
        assert_eq!((audit.taken_minor, audit.standing), (succeeded as u128 * 10_000, succeeded as u64));
        assert!(audit.reversed > 5 && succeeded > 20, "seed {seed}: {audit:?}, {succeeded}");
        for (name, truth) in world.host.truths() {
            assert!(truth.arrivals <= 1, "{name} came {} times", truth.arrivals);
        }
    }
}
