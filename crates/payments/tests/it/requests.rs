//! Requests as forms and JSON write them, and their limits.

use crate::expect::Expect;
use crate::world::request;
use proptest::prelude::*;
use serde_json::{Value, json};
use suanpan_payments::object::payment_method::CardSource;
use suanpan_payments::rejection::Rejection;
use suanpan_payments::request::customer::WriteCustomer;
use suanpan_payments::request::payment_intent::CreatePaymentIntent;
use suanpan_payments::request::payment_method::CreatePaymentMethod;
use suanpan_payments::request::webhook_endpoint::WriteWebhookEndpoint;
use suanpan_payments::wire::read_request;

fn read(body: Value) -> Result<CreatePaymentIntent, Rejection> {
    let request: CreatePaymentIntent = read_request(body)?;
    request.check()?;
    Ok(request)
}

#[test]
fn forms_and_json_read_the_same() {
    let form = json!({
        "amount": "100", "currency": "cny", "confirm": "true", "payment_method": "pm_card_visa",
        "metadata": {"order": "6735"}, "expand": {"0": "customer", "1": "latest_charge"},
        "automatic_payment_methods": {"enabled": "false"}, "payment_method_types": ["card"],
    });
    let json = json!({
        "amount": 100, "currency": "cny", "confirm": true, "payment_method": "pm_card_visa",
        "metadata": {"order": 6735}, "expand": ["customer", "latest_charge"],
        "automatic_payment_methods": {"enabled": false}, "payment_method_types": ["card"],
    });
    assert_eq!(read(form), read(json.clone()));
    assert_eq!(read(json).must("good").amount, Some(100));
}

#[test]
fn faults_name_their_parameter() {
    let long = "x".repeat(600);
    let many: serde_json::Map<String, Value> = (0..51).map(|at| (format!("k{at}"), json!("v"))).collect();
    for (extra, code, param) in [
        (json!({"colour": "red"}), "parameter_unknown", "colour"),
        (json!({"amount": "ten"}), "parameter_invalid_integer", "amount"),
        (json!({"amount": 1.5}), "parameter_invalid_integer", "amount"),
        (json!({"amount": [1]}), "parameter_invalid_integer", "amount"),
        (json!({"amount": ""}), "parameter_missing", "amount"),
        (json!({"amount": 0}), "amount_too_small", "amount"),
        (json!({"amount": -5}), "amount_too_small", "amount"),
        (json!({"amount": 1_000_000_000_000_i64}), "amount_too_large", "amount"),
        (json!({"amount": "99999999999999999999"}), "parameter_invalid_integer", "amount"),
        (json!({"currency": "xyz"}), "currency_invalid", "currency"),
        (json!({"currency": "156"}), "currency_invalid", "currency"),
        (json!({"confirm": "yes"}), "parameter_invalid_boolean", "confirm"),
        (json!({"description": {"a": "b"}}), "parameter_invalid", "description"),
        (json!({"metadata": {"a": {"b": "c"}}}), "parameter_invalid", "metadata"),
        (json!({"metadata": "x"}), "parameter_invalid", "metadata"),
        (json!({"metadata": {"k": long}}), "parameter_too_long", "metadata[k]"),
        (
            json!({"metadata": {"0123456789012345678901234567890123456789x": "v"}}),
            "parameter_too_long",
            "metadata[0123456789012345678901234567890123456789x]",
        ),
        (json!({"metadata": many}), "parameter_too_long", "metadata"),
        (json!({"capture_method": "later"}), "parameter_invalid", "capture_method"),
        (json!({"payment_method_types": ["cash"]}), "parameter_invalid", "payment_method_types[0]"),
        (json!({"payment_method_types": [1]}), "parameter_invalid", "payment_method_types"),
        (
            json!({"payment_method_data": {"type": "card", "card": {"colour": 1}}}),
            "parameter_unknown",
            "payment_method_data[card][colour]",
        ),
        (json!({"payment_method_data": {"type": "card"}}), "parameter_missing", "payment_method_data[card]"),
        (
            json!({"payment_method_data": {"type": "card", "card": {"number": "4242"}}}),
            "parameter_missing",
            "payment_method_data[card][exp_month]",
        ),
        (
            json!({"payment_method": "pm_1", "payment_method_data": {"type": "card"}}),
            "parameters_exclusive",
            "payment_method",
        ),
        (json!({"receipt_email": "nobody"}), "email_invalid", "receipt_email"),
        (json!({"confirm": true, "return_url": "javascript:x"}), "url_invalid", "return_url"),
        (json!({"confirm": true, "return_url": "https://a@b/"}), "url_invalid", "return_url"),
        (json!({"return_url": "https://a/"}), "parameter_invalid", "return_url"),
        (json!({"off_session": true}), "parameter_invalid", "off_session"),
        (json!({"statement_descriptor": "a<b"}), "parameter_invalid", "statement_descriptor"),
        (
            json!({"statement_descriptor": "12345678901234567890123"}),
            "parameter_too_long",
            "statement_descriptor",
        ),
        (json!({"customer": ""}), "parameter_invalid_empty", "customer"),
        (json!({"description": "a\u{0}b"}), "parameter_invalid", "description"),
    ] {
        let mut body = json!({"amount": 100, "currency": "cny"});
        if let (Value::Object(body), Value::Object(extra)) = (&mut body, extra.clone()) {
            body.extend(extra);
        }
        match read(body) {
            Err(rejection) => {
                assert_eq!(
                    (rejection.code(), rejection.param()),
                    (code, Some(param)),
                    "{extra}: {rejection}"
                );
            }
            Ok(_) => panic!("{extra} was taken"),
        }
    }
    assert_eq!(read(json!([])).map_err(|rejection| rejection.code()).map(drop), Err("body_unreadable"));
}

#[test]
fn card_numbers_stand_in_no_error_and_no_debug_text() {
    let number = "4242424242424242";
    let card = json!({"number": number, "exp_month": 1, "exp_year": 2030, "cvc": "987"});
    let good: CreatePaymentMethod = request(json!({"type": "card", "card": card}));
    let text = format!("{good:?} {:?}", good.data().card.must("a card").source("card"));
    assert!(!text.contains(number) && !text.contains("987"), "{text}");
    for wrong in [
        json!({"number": format!("{number}{number}"), "exp_month": 1, "exp_year": 30}),
        json!({"number": [number], "exp_month": 1, "exp_year": 30}),
        json!({"number": number, "exp_month": 13, "exp_year": 30}),
        json!({"number": number, "exp_month": 1, "exp_year": 30, "cvc": "9876543"}),
        json!({"number": number, "exp_month": 1, "exp_year": 30, "token": "tok_visa"}),
    ] {
        let result = read_request::<CreatePaymentMethod>(json!({"type": "card", "card": wrong}))
            .and_then(|request| request.check());
        let rejection = result.err().must("it is wrong");
        assert!(!rejection.to_string().contains(&number[..12]), "{rejection}");
    }
}

#[test]
fn dates_on_cards_have_two_or_four_digits() {
    for (year, full) in [(json!("34"), 2034), (json!(2034), 2034), (json!("2034"), 2034)] {
        let card = json!({"number": "4242 4242-4242 4242", "exp_month": "7", "exp_year": year});
        let method: CreatePaymentMethod = request(json!({"type": "card", "card": card}));
        let source = method.card.must("a card").source("card").must("good");
        let CardSource::Number { number, exp_month, exp_year, .. } = source else { panic!("a number") };
        assert_eq!((number.0.as_str(), exp_month, exp_year), ("4242424242424242", 7, full));
    }
}

#[test]
fn endpoints_need_known_types_and_a_url() {
    let check = |body: Value| {
        read_request::<WriteWebhookEndpoint>(body)
            .and_then(|request| request.check())
            .map_err(|rejection| (rejection.code(), rejection.param().map(str::to_owned)))
    };
    assert_eq!(check(json!({"url": "https://a/b", "enabled_events": ["payment_intent.succeeded"]})), Ok(()));
    let at = |param: &str| Some(param.to_owned());
    let wrong = json!({"url": "https://a/b", "enabled_events": ["x"]});
    assert_eq!(check(wrong), Err(("parameter_invalid", at("enabled_events[0]"))));
    assert_eq!(check(json!({"url": "ftp://a/b"})), Err(("url_invalid", at("url"))));
    assert_eq!(check(json!({"url": ""})), Err(("parameter_invalid_empty", at("url"))));
}

proptest! {
    /// Whatever JSON comes in, it is read or refused with a code and never a panic.
    #[test]
    fn no_body_makes_it_panic(keys in proptest::collection::vec("[a-z_]{0,12}", 0..4), text in ".{0,20}", number in any::<i64>()) {
        let fields = ["amount", "currency", "metadata", "expand", "payment_method_data", "confirm", "email", "address"];
        for field in fields {
            for value in [json!(text), json!(number), json!([text]), json!({text.clone(): text}), json!(null), json!(0.5)] {
                let mut body = serde_json::Map::new();
                body.insert(field.to_owned(), value);
                for key in &keys {
                    body.insert(key.clone(), json!(text));
                }
                let _ = read(body.clone().into());
                if let Ok(customer) = read_request::<WriteCustomer>(body.into()) {
                    let _ = customer.check();
                }
            }
        }
    }
}
