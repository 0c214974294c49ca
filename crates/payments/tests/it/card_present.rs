//! Cards that are held to a terminal: what requests must bring, and that it is good once.

use crate::expect::Expect;
use crate::flows::create;
use crate::world::{World, approved, request};
use proptest::prelude::*;
use serde_json::{Value, json};
use suanpan_messages::emv::data::ChipData;
use suanpan_messages::tlv::{Object, Tag};
use suanpan_payments::command::Command;
use suanpan_payments::decision::ChannelOutcome;
use suanpan_payments::rejection::Rejection;
use suanpan_payments::request::payment_method::CreatePaymentMethod;
use suanpan_payments::wire::read_request;

/// 5.00 CNY.
const DATA: &str = "9F260846FD62985CAAE7589F2701809F100807010103A00000019F37049536C9B89F36020C66950500000000009A03\
                    2611289C01009F02060000000005005F2A02015682027C009F1A0201569F03060000000000009F34031F00028408A0\
                    00000333010101";
const TRACK: &str = "6225000000001004D34122200000";

fn data() -> Value {
    json!({
        "type": "card_present",
        "card_present": {"entry": "contactless", "emv_data": DATA, "track2": TRACK, "card_sequence": 1},
    })
}

fn check(value: Value) -> Result<(), Rejection> {
    read_request::<CreatePaymentMethod>(value).and_then(|request| request.check())
}

/// The data with an object changed, added, or left out where there is no value.
fn with(tag: u32, value: Option<&str>) -> String {
    let data = ChipData::decode(&hex::decode(DATA).must("hexadecimal")).must("data");
    let mut objects: Vec<Object> =
        data.objects().map(|(it, _)| it.clone()).filter(|it| it.tag != Tag(tag)).collect();
    objects
        .extend(value.map(|value| Object { tag: Tag(tag), value: hex::decode(value).must("hexadecimal") }));
    hex::encode(ChipData::new(objects).must("each once").encode())
}

#[test]
fn what_is_wrong_is_named_and_nothing_of_the_card_is_told() {
    assert_eq!(check(data()), Ok(()));
    let long = "9F".repeat(256);
    for (member, value, param, words) in [
        ("entry", json!(null), "card_present[entry]", "Missing"),
        ("entry", json!("swipe"), "card_present[entry]", "it is contactless"),
        ("track2", json!(null), "card_present[track2]", "Missing"),
        ("track2", json!("zz"), "card_present[track2]", "hexadecimal"),
        ("track2", json!("6225000000001004"), "card_present[track2]", "not track 2"),
        ("emv_data", json!(null), "card_present[emv_data]", "Missing"),
        ("emv_data", json!(long), "card_present[emv_data]", "too long"),
        ("emv_data", json!("9F2608"), "card_present[emv_data]", "end at offset 3"),
        (
            "emv_data",
            json!(format!("{DATA}950500000000 00").replace(' ', "")),
            "card_present[emv_data]",
            "more than once",
        ),
        ("emv_data", json!(with(0x9F26, Some("01"))), "card_present[emv_data]", "9F26"),
        ("emv_data", json!(with(0x9F37, None)), "card_present[emv_data]", "9F37 is missing"),
        ("emv_data", json!(with(0x57, Some(TRACK))), "card_present[emv_data]", "57 does not belong here"),
        (
            "emv_data",
            json!(with(0x5A, Some("6225000000001004"))),
            "card_present[emv_data]",
            "5A does not belong",
        ),
        ("emv_data", json!(with(0x9F27, Some("40"))), "card_present[emv_data]", "9F27"),
        ("emv_data", json!(with(0x9C, Some("20"))), "card_present[emv_data]", "9C"),
        ("emv_data", json!(with(0x5F2A, Some("0001"))), "card_present[emv_data]", "no amount"),
        ("emv_data", json!(with(0x9F02, Some("000000000000"))), "card_present[emv_data]", "no amount"),
        ("pin_block", json!("0123456789abcd"), "card_present[pin_block]", "eight bytes"),
        ("card_sequence", json!(100), "card_present[card_sequence]", "0 to 99"),
        ("card_sequence", json!(-1), "card_present[card_sequence]", "0 to 99"),
    ] {
        let mut wrong = data();
        wrong["card_present"][member] = value.clone();
        let rejection = check(wrong).err().must("it is wrong");
        assert_eq!(rejection.param(), Some(param), "{member} {value}: {rejection}");
        assert!(rejection.to_string().contains(words), "{member} {value}: {rejection}");
        assert!(!rejection.to_string().contains("6225"), "{rejection}");
    }
    for (value, param) in [
        (json!({"type": "card_present"}), "card_present"),
        (json!({"type": "card", "card_present": data()["card_present"]}), "card_present"),
        (json!({"type": "card_present", "card_present": {"number": "1"}}), "card_present[number]"),
    ] {
        assert_eq!(check(value).err().must("it is wrong").param(), Some(param));
    }
    let shown = format!("{:?}", request::<CreatePaymentMethod>(data()));
    assert!(!shown.contains("6225") && !shown.contains("46FD62"), "{shown}");
}

fn pay(more: Value) -> Command {
    let mut value = json!({
        "amount": 500, "currency": "cny", "confirm": true,
        "payment_method_types": ["card_present"], "payment_method_data": data(),
    });
    value.as_object_mut().must("members").extend(more.as_object().must("members").clone());
    create(value)
}

#[test]
fn the_commit_that_begins_the_attempt_uses_the_method_up() {
    let mut world = World::new();
    // What it is not good for leaves nothing behind.
    for more in [
        json!({"amount": 501}),
        json!({"currency": "eur"}),
        json!({"off_session": true}),
        json!({"setup_future_usage": "off_session"}),
        json!({"payment_method_types": ["card"]}),
    ] {
        let refused = world.refused(&pay(more.clone()));
        assert!(matches!(refused, Rejection::PaymentMethodState { .. }), "{more}: {refused}");
    }
    assert!(world.objects.is_empty());
    let intent = world.done(&pay(json!({})));
    let method = world.value(intent["payment_method"].as_str().must("a method"));
    assert_eq!((&method["type"], method.get("card")), (&json!("card_present"), None));
    assert_eq!(
        (&method["card_present"]["last4"], &method["internal"]["token"]),
        (&json!("1004"), &json!(""))
    );
    let attempt = intent["latest_attempt"].as_str().must("an attempt").to_owned();
    let ask = world.ask(&attempt).must("a request");
    assert_eq!(ask.token.as_deref(), Some("chip"));
    let again = json!({"payment_method_data": null, "payment_method": method["id"]});
    let refused = world.refused(&pay(again));
    assert!(refused.to_string().contains("its cryptogram was used"), "{refused}");
    let data = Some("910A0011223344556677 3030".replace(' ', ""));
    let ChannelOutcome::Approved { channel_id, authorization_code, .. } = approved() else {
        panic!("approved")
    };
    let outcome = ChannelOutcome::Approved { channel_id, authorization_code, issuer_data: data.clone() };
    let (_, intent) = world.outcome(intent["id"].as_str().must("an id"), outcome);
    let charge = world.value(intent["latest_charge"].as_str().must("a charge"));
    let details = &charge["payment_method_details"]["card_present"];
    assert_eq!(
        (details["emv_response"].as_str(), &details["authorization_code"]),
        (data.as_deref(), &json!("123456"))
    );
    assert_eq!(details["receipt"]["application_transaction_counter"], 0x0C66);
    // What follows has the number alone.
    let kept: Value = serde_json::from_str(&world.objects[&attempt].body).must("JSON");
    assert_eq!(kept["internal"]["token"], "number");
    assert!(world.objects.values().all(|object| !object.body.contains("\"chip\"")));
}

/// What a chip gave would stand in the store without end, with the PIN block.
#[test]
fn it_is_not_kept_where_no_payment_begins() {
    let mut world = World::new();
    let made = Command::CreatePaymentMethod { request: Box::new(request(data())) };
    assert_eq!(world.refused(&made).param(), Some("type"));
    assert_eq!(world.refused(&pay(json!({"confirm": false}))).param(), Some("payment_method_data[type]"));
    let plain = json!({"amount": 500, "currency": "cny", "payment_method_types": ["card_present"]});
    let id = world.done(&create(plain))["id"].as_str().must("an id").to_owned();
    let update = json!({"payment_method_data": data()});
    let update = Command::UpdatePaymentIntent { id, request: Box::new(request(update)) };
    assert_eq!(world.refused(&update).param(), Some("payment_method_data[type]"));
    assert!(world.objects.values().all(|object| !object.body.contains("chip")));
}

#[test]
fn it_is_not_kept_for_a_customer() {
    let mut world = World::new();
    let intent = world.done(&pay(json!({})));
    let method = intent["payment_method"].as_str().must("a method").to_owned();
    let customer = world.done(&Command::CreateCustomer { request: Box::new(request(json!({}))) });
    let attach =
        Command::AttachPaymentMethod { id: method, request: request(json!({"customer": customer["id"]})) };
    let refused = world.refused(&attach);
    assert!(refused.to_string().contains("only cards are kept"), "{refused}");
}

/// An outcome that was stored before there was anything for chips reads as it was.
#[test]
fn outcomes_of_before_are_read() {
    let old = r#"{"outcome":"approved","channel_id":"x","authorization_code":null}"#;
    let read: ChannelOutcome = serde_json::from_str(old).must("as it was");
    let expected =
        ChannelOutcome::Approved { channel_id: "x".to_owned(), authorization_code: None, issuer_data: None };
    assert_eq!(read, expected);
    assert_eq!(serde_json::to_string(&read).must("JSON"), old);
}

proptest! {
    #[test]
    fn changed_data_are_read_or_refused(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in 0_usize..200, text in "[0-9A-Fa-f]{0,60}",
    ) {
        let mut bytes = hex::decode(DATA).must("hexadecimal");
        let place = at.index(bytes.len());
        bytes[place] = byte;
        bytes.truncate(cut);
        for (emv_data, track2) in [(hex::encode(&bytes), TRACK.to_owned()), (DATA.to_owned(), text)] {
            let mut changed = data();
            changed["card_present"]["emv_data"] = json!(emv_data);
            changed["card_present"]["track2"] = json!(track2);
            if let Err(rejection) = check(changed) {
                prop_assert!(rejection.param().is_some_and(|param| param.starts_with("card_present[")), "{}", rejection);
            }
        }
    }
}
