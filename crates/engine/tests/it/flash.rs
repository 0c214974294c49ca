//! Flash payments: a simulated card behind a socket, the terminal's kernel, the platform, a simulated network and its
//! issuer. What the issuer holds true and what the books say is compared after each.

use crate::card_network::{ISSUER_KEY, TERMINAL_PIN_KEY, World};
use crate::world::{cancel, capture, id, pay, refund};
use serde_json::{Value, json};
use suanpan_channels::faults::Faults;
use suanpan_messages::emv::data::{ChipData, ChipDate};
use suanpan_messages::keys::DoubleKey;
use suanpan_messages::pin::{Pin, format_0};
use suanpan_messages::tlv::{Object, Tag};
use suanpan_money::Currency;
use suanpan_payments::command::Command;
use suanpan_simulators::card::{CardSettings, Kept, SoftwareCard, serve};
use suanpan_simulators::card_network::{ChipTruth, Issuer, Refused, card_number};
use suanpan_terminal::socket::SocketCard;
use suanpan_terminal::{
    Completed, OnlineRequest, Outcome, Payment, TerminalSettings, Verification, complete, present,
};
use tokio::net::TcpListener;

const fn day(year: u8, month: u8, day: u8) -> ChipDate {
    ChipDate { year, month, day }
}

/// A card that lies behind a socket, and the terminal's place in its payments.
struct Till {
    number: String,
    address: String,
    payments: u32,
    today: ChipDate,
}

impl Till {
    fn with(world: &World, change: impl FnOnce(&mut CardSettings)) -> Till {
        Till::at(world, 0, change)
    }

    /// A card that has made so many payments.
    fn at(world: &World, counter: u16, change: impl FnOnce(&mut CardSettings)) -> Till {
        let issuer = Issuer::new(DoubleKey::new(ISSUER_KEY));
        let number = card_number(1, "00");
        let mut settings = CardSettings {
            key: issuer.card_key(&number, 1).unwrap(),
            number,
            sequence: 1,
            expires: day(34, 12, 31),
            verifies_holder: false,
            wants_answer: false,
            removed_after: None,
        };
        change(&mut settings);
        let number = settings.number.clone();
        let listener = world.runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let card = Kept::new(SoftwareCard::new(settings, counter), |_| Ok(()));
        world.runtime.spawn(serve(listener, card));
        // The day of the engine's clock.
        Till { number, address, payments: 0, today: day(26, 9, 21) }
    }

    fn tap(&mut self, amount_minor: i64) -> OnlineRequest {
        self.payments += 1;
        let settings = TerminalSettings { country: 156, pin_free_minor: 100_000, serial: *b"SUANPAN1" };
        let payment = Payment {
            amount_minor,
            currency: Currency::parse("CNY").unwrap(),
            date: self.today,
            sequence: self.payments,
            unpredictable: self.payments.to_be_bytes(),
        };
        let mut card = SocketCard::connect(&self.address).unwrap();
        match present(&settings, &payment, &mut card, |_| ()).unwrap() {
            Outcome::Online(request) => request,
            Outcome::Refused(refusal) => panic!("{refusal}"),
        }
    }

    fn pin_block(&self, pin: &str) -> String {
        let clear = format_0(&Pin::new(pin).unwrap(), &self.number).unwrap();
        hex::encode(DoubleKey::new(TERMINAL_PIN_KEY).encrypt(clear))
    }

    fn pin(&self) -> String {
        Issuer::new(DoubleKey::new(ISSUER_KEY)).pin(&self.number)
    }

    /// Another PIN than the right one.
    fn wrong_pin(&self) -> &'static str {
        if self.pin() == "0000" { "1111" } else { "0000" }
    }
}

/// What a request brings of a card.
fn method(request: &OnlineRequest, pin_block: Option<String>) -> Value {
    json!({
        "type": "card_present",
        "card_present": {
            "entry": "contactless",
            "emv_data": hex::encode(request.chip_data.encode()),
            "track2": hex::encode(request.track_2.encode()),
            "card_sequence": request.sequence,
            "pin_block": pin_block,
        },
    })
}

fn paid_with(method: Value, amount: i64, more: Value) -> Command {
    let mut value = json!({
        "amount": amount,
        "payment_method": null,
        "payment_method_types": ["card_present"],
        "payment_method_data": method,
    });
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    pay("", value)
}

fn taken(till: &mut Till, amount: i64, pin: Option<&str>) -> Command {
    let request = till.tap(amount);
    paid_with(method(&request, pin.map(|pin| till.pin_block(pin))), amount, json!({}))
}

/// What the issuer says of the newest payment by chip.
fn last(world: &World) -> (ChipTruth, bool) {
    let mut truths: Vec<_> =
        world.host.truths().into_iter().filter(|(_, truth)| truth.chip.is_some()).collect();
    // Names begin with the time; the clock of the test stands, and traces go up within it.
    truths.sort_by(|a, b| a.0.cmp(&b.0));
    let (_, truth) = truths.pop().expect("a payment by chip");
    (truth.chip.unwrap(), truth.done && !truth.reversed)
}

#[track_caller]
fn declined(world: &World, command: Command, code: &str, refused: Option<Refused>) {
    let (status, problem) = world.answer(command);
    assert_eq!((status, &problem["error"]["decline_code"]), (402, &json!(code)), "{problem}");
    let (chip, done) = last(world);
    assert_eq!((chip.refused, done), (refused, false));
    world.expect_agreement();
}

#[test]
fn a_card_pays_and_its_issuer_answers_to_it() {
    let world = World::ready(Faults::default());
    let mut till = Till::with(&world, |card| card.wants_answer = true);
    let request = till.tap(1_234);
    assert_eq!((request.verification, request.wants_answer), (Verification::None, true));
    let intent = world.done(paid_with(method(&request, None), 1_234, json!({})));
    assert_eq!(intent["status"], "succeeded", "{intent}");
    let audit = world.expect_agreement();
    assert_eq!((audit.taken_minor, audit.standing), (1_234, 1));
    assert_eq!(last(&world), (ChipTruth { counter: 1, pin: false, refused: None }, true));

    let charge = world.object(intent["latest_charge"].as_str().unwrap());
    let card = &charge["payment_method_details"]["card_present"];
    assert_eq!((&card["brand"], &card["last4"]), (&json!("unionpay"), &json!("1004")), "{card}");
    let receipt = &card["receipt"];
    assert_eq!(receipt["application_cryptogram_type"], "arqc");
    assert_eq!(receipt["dedicated_file_name"], "A000000333010101");
    assert_eq!(receipt["cardholder_verification_method"], "none");
    // The chip takes its issuer's answer for true.
    let data = hex::decode(card["emv_response"].as_str().unwrap()).unwrap();
    let data = ChipData::decode(&data).unwrap();
    assert_eq!(data.issuer_answer().unwrap().unwrap().response, *b"00");
    let mut field = SocketCard::connect(&till.address).unwrap();
    let given = complete(&request.application, &data, &mut field, |_| ()).unwrap();
    assert_eq!(given, Some(Completed::Taken { done: 0, left: 0 }));
}

#[test]
fn what_a_chip_gave_is_good_once_and_kept_by_nobody() {
    let world = World::ready(Faults::default());
    let mut till = Till::with(&world, |_| ());
    let request = till.tap(500);
    let intent = world.done(paid_with(method(&request, None), 500, json!({})));
    let name = intent["payment_method"].as_str().unwrap().to_owned();

    // Nothing is kept but the number, sealed as if it had been typed.
    let (kept, attempt) = (world.object(&name), world.list("attempt").remove(0));
    assert_eq!(kept["internal"]["token"], "");
    let after = attempt["internal"]["token"].as_str().unwrap();
    assert!(after.starts_with("pan1.") && kept["internal"]["token_after"] == after, "{attempt}");
    let stored = format!("{kept}{attempt}{intent}");
    let track = hex::encode(request.track_2.encode());
    assert!(!stored.contains(&till.number) && !stored.contains(&track) && !stored.contains("chip1."));

    // The same method again.
    let again = pay(&name, json!({"amount": 500, "payment_method_types": ["card_present"]}));
    let (_, refused) = world.answer(again);
    assert!(refused.to_string().contains("its cryptogram was used; hold the card to the terminal again"));
    // The same data in another method: the issuer has counted.
    declined(&world, paid_with(method(&request, None), 500, json!({})), "fraudulent", Some(Refused::Counter));
    assert_eq!(world.host.audit().taken_minor, 500);
    // The card itself goes on.
    assert_eq!(world.done(taken(&mut till, 700, None))["status"], "succeeded");
    assert_eq!(world.expect_agreement().taken_minor, 1_200);
}

#[test]
fn an_issuer_refuses_what_is_not_its_cards_payment() {
    let world = World::ready(Faults::default());
    // A card under another issuer's key.
    let foreign = |card: &mut CardSettings| card.key = DoubleKey::new([9; 16]);
    let mut till = Till::with(&world, foreign);
    declined(&world, taken(&mut till, 500, None), "fraudulent", Some(Refused::Cryptogram));
    // Data that were changed on the way.
    let mut till = Till::with(&world, |_| ());
    for tag in [0x9F37, 0x9A, 0x9F36, 0x9F26] {
        let mut request = till.tap(500);
        let mut objects: Vec<Object> = request.chip_data.objects().map(|(it, _)| it.clone()).collect();
        let object = objects.iter_mut().find(|object| object.tag == Tag(tag)).unwrap();
        *object.value.last_mut().unwrap() ^= 1;
        request.chip_data = ChipData::new(objects).unwrap();
        let changed = paid_with(method(&request, None), 500, json!({}));
        declined(&world, changed, "fraudulent", Some(Refused::Cryptogram));
    }
    // One that has expired by the terminal's day, which the platform's clock does not know yet.
    let mut till = Till::with(&world, |card| card.expires = day(26, 12, 31));
    let request = till.tap(500);
    let mut objects: Vec<Object> = request.chip_data.objects().map(|(it, _)| it.clone()).collect();
    objects.iter_mut().find(|object| object.tag == Tag(0x9A)).unwrap().value = vec![0x27, 0x01, 0x01];
    let late = OnlineRequest { chip_data: ChipData::new(objects).unwrap(), ..request };
    let command = paid_with(method(&late, None), 500, json!({}));
    declined(&world, command, "expired_card", Some(Refused::Expired));
    // One with too little money is proven all the same.
    let mut till = Till::with(&world, |card| {
        card.number = card_number(3, "51");
        card.key = Issuer::new(DoubleKey::new(ISSUER_KEY)).card_key(&card.number, 1).unwrap();
    });
    declined(&world, taken(&mut till, 500, None), "insufficient_funds", None);
    assert_eq!(world.host.audit().taken_minor, 0);
}

/// A copy of a card counts for itself, and is found out as soon as the real one has been used.
#[test]
fn a_copied_card_is_found_out_by_its_counter() {
    let world = World::ready(Faults::default());
    let (mut real, mut copy) = (Till::at(&world, 5, |_| ()), Till::at(&world, 5, |_| ()));
    assert_eq!(world.done(taken(&mut real, 500, None))["status"], "succeeded");
    declined(&world, taken(&mut copy, 500, None), "fraudulent", Some(Refused::Counter));
    assert_eq!(world.done(taken(&mut real, 500, None))["status"], "succeeded");
    declined(&world, taken(&mut copy, 500, None), "fraudulent", Some(Refused::Counter));
    assert_eq!(world.expect_agreement().taken_minor, 1_000);
}

#[test]
fn above_the_limit_a_pin_is_wanted_and_three_wrong_ones_are_too_many() {
    let world = World::ready(Faults::default());
    let mut till = Till::with(&world, |_| ());
    let (right, wrong) = (till.pin(), till.wrong_pin());
    assert_eq!(world.done(taken(&mut till, 100_000, None))["status"], "succeeded", "up to the limit none");
    declined(&world, taken(&mut till, 100_001, None), "incorrect_pin", Some(Refused::PinMissing));
    declined(&world, taken(&mut till, 100_001, Some(wrong)), "incorrect_pin", Some(Refused::PinWrong));
    assert_eq!(world.done(taken(&mut till, 100_001, Some(&right)))["status"], "succeeded");
    let chip = ChipTruth { counter: 4, pin: true, refused: None };
    assert_eq!(last(&world), (chip, true));
    // The right one made good for the wrong one before.
    for refused in [Refused::PinWrong, Refused::PinWrong, Refused::PinBlocked] {
        let code = if refused == Refused::PinBlocked { "pin_try_exceeded" } else { "incorrect_pin" };
        declined(&world, taken(&mut till, 5, Some(wrong)), code, Some(refused));
    }
    declined(&world, taken(&mut till, 5, Some(&right)), "pin_try_exceeded", Some(Refused::PinBlocked));
    // A block under another key than the terminals' is no PIN.
    let mut other = Till::with(&world, |card| {
        card.number = card_number(4, "00");
        card.key = Issuer::new(DoubleKey::new(ISSUER_KEY)).card_key(&card.number, 1).unwrap();
    });
    let request = other.tap(200_000);
    let foreign = method(&request, Some("0123456789abcdef".to_owned()));
    let command = paid_with(foreign, 200_000, json!({}));
    declined(&world, command, "incorrect_pin", Some(Refused::PinWrong));
    assert_eq!(world.expect_agreement().taken_minor, 200_001);
}

#[test]
fn a_telephone_verifies_its_holder() {
    let world = World::ready(Faults::default());
    let mut till = Till::with(&world, |card| card.verifies_holder = true);
    let request = till.tap(500_000);
    assert_eq!(request.verification, Verification::OnDevice);
    let intent = world.done(paid_with(method(&request, None), 500_000, json!({})));
    let charge = world.object(intent["latest_charge"].as_str().unwrap());
    let card = &charge["payment_method_details"]["card_present"];
    assert_eq!(card["receipt"]["cardholder_verification_method"], "on_device", "{charge}");
    assert_eq!(world.expect_agreement().taken_minor, 500_000);
}

#[test]
fn a_cryptogram_is_good_for_its_amount_and_a_holder_who_is_there() {
    let world = World::ready(Faults::default());
    let mut till = Till::with(&world, |_| ());
    for (amount, more, why) in [
        (501, json!({}), "its cryptogram stands for another amount or currency"),
        (500, json!({"currency": "usd"}), "its cryptogram stands for another amount or currency"),
        (500, json!({"off_session": true}), "is there, and so is its holder"),
        (500, json!({"setup_future_usage": "off_session"}), "is good for one payment"),
    ] {
        let request = till.tap(500);
        let (_, refused) = world.answer(paid_with(method(&request, None), amount, more));
        assert!(refused.to_string().contains(why), "{why}: {refused}");
    }
    assert!(world.host.truths().is_empty(), "nobody was asked");
}

#[test]
fn what_is_set_aside_by_chip_is_captured_and_given_back_by_its_number() {
    let world = World::ready(Faults::default());
    let mut till = Till::with(&world, |_| ());
    let manual = json!({"capture_method": "manual"});
    let request = till.tap(10_000);
    let intent = world.done(paid_with(method(&request, None), 10_000, manual.clone()));
    assert_eq!((&intent["status"], world.host.audit().held_minor), (&json!("requires_capture"), 10_000));
    world.done(capture(&id(&intent), json!({"amount_to_capture": 6_000})));
    world.done(refund(&id(&intent), 2_500));
    let audit = world.expect_agreement();
    assert_eq!((audit.taken_minor, audit.refunded_minor), (6_000, 2_500));
    let request = till.tap(10_000);
    let intent = world.done(paid_with(method(&request, None), 10_000, manual));
    assert_eq!(world.done(cancel(&id(&intent)))["status"], "canceled");
    assert_eq!(world.expect_agreement().held_minor, 0);
}

/// The answer is lost: what was taken goes back by a reversal that names the card's data, and the card pays anew.
#[test]
fn a_payment_whose_answer_is_lost_is_reversed_and_its_cryptogram_stays_used() {
    let world = World::ready(Faults { lost_after: 1_000_000, ..Faults::default() });
    let mut till = Till::with(&world, |_| ());
    let request = till.tap(500);
    let begun = world.done(paid_with(method(&request, None), 500, json!({})));
    assert_eq!((&begun["status"], world.host.audit().taken_minor), (&json!("processing"), 500));
    // While nobody knows, the attempt has what the reversal needs; the method has nothing.
    let attempt = world.list("attempt").remove(0);
    assert!(attempt["internal"]["token"].as_str().unwrap().starts_with("chip1."));
    world.host.be_well();
    world.settle(1, 120);
    assert_eq!(world.intents()[0]["status"], "requires_payment_method");
    let audit = world.expect_agreement();
    assert_eq!((audit.taken_minor, audit.reversed), (0, 1));
    let attempt = world.list("attempt").remove(0);
    assert!(attempt["internal"]["token"].as_str().unwrap().starts_with("pan1."), "{attempt}");
    declined(&world, paid_with(method(&request, None), 500, json!({})), "fraudulent", Some(Refused::Counter));
    assert_eq!(world.done(taken(&mut till, 500, None))["status"], "succeeded");
    assert_eq!(world.expect_agreement().taken_minor, 500);
}

/// Every fault of the network at once, with one card after the other: both sides say the same to the cent.
#[test]
fn whatever_the_network_does_to_chips_nothing_is_lost_or_taken_twice() {
    let faults = Faults {
        seed: 3,
        lost_before: 40_000,
        lost_after: 80_000,
        garbled: 40_000,
        twice: 60_000,
        late: 40_000,
        hang_up: 10_000,
        latency_micros: 1_000,
    };
    let world = World::ready(faults);
    let mut payments = Vec::new();
    for account in 10..14 {
        let mut till = Till::with(&world, |card| {
            card.number = card_number(account, "00");
            card.key = Issuer::new(DoubleKey::new(ISSUER_KEY)).card_key(&card.number, 1).unwrap();
        });
        payments.extend((0..15).map(|_| taken(&mut till, 1_000, None)));
    }
    // One at a time: a card's payments come in their order.
    world.all(payments, 1);
    world.settle(60, 120);
    let audit = world.expect_agreement();
    let succeeded = world.intents().iter().filter(|it| it["status"] == "succeeded").count();
    assert_eq!((audit.taken_minor, audit.standing), (succeeded as u128 * 1_000, succeeded as u64));
    assert!(succeeded > 20 && audit.reversed > 2, "{succeeded} {audit:?}");
}
