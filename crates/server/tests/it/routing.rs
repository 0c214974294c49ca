//! Which channel a payment goes over: told before, and shown after.

use crate::client::Server;
use serde_json::json;

#[test]
fn a_route_is_told_before_a_payment_is_made() {
    let server = Server::start();
    let simulate = |form: &str| server.post(&server.key, "/v1/routing/simulate", form);
    let card = simulate("amount=10000&currency=cny&payment_method_type=card&card[brand]=visa").json();
    let candidate = json!({"channel": "card_sim", "success_ppm": 1_000_000, "score": 60_000_000});
    assert_eq!(
        card,
        json!({
            "object": "routing_simulation", "amount": 10_000, "currency": "cny", "livemode": false,
            "payment_method_type": "card", "channel": "card_sim", "basis": "only", "refused": null,
            "candidates": [candidate],
        })
    );
    let method = "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2040";
    let method = server.post(&server.key, "/v1/payment_methods", method).id();
    let named = simulate(&format!("amount=10000&currency=cny&payment_method={method}")).json();
    assert_eq!(named["channel"], "card_sim");
    let none = simulate("amount=10000&currency=cny&payment_method_type=alipay").json();
    assert_eq!((&none["channel"], &none["candidates"]), (&json!(null), &json!([])));
    assert_eq!(none["refused"], "no channel takes alipay in this mode");
    for (form, status, code, param) in [
        ("currency=cny&payment_method_type=card", 400, "parameter_missing", "amount"),
        ("amount=0&currency=cny&payment_method_type=card", 400, "amount_too_small", "amount"),
        ("amount=1&currency=cnx&payment_method_type=card", 400, "currency_invalid", "currency"),
        ("amount=1&currency=cny", 400, "parameter_missing", "payment_method_type"),
        ("amount=1&currency=cny&payment_method=pm_1", 404, "resource_missing", "id"),
        ("amount=1&currency=cny&payment_method_type=card&x=1", 400, "parameter_unknown", "x"),
    ] {
        let reply = simulate(form);
        assert_eq!((reply.status, &reply.json()["code"]), (status, &json!(code)), "{form}");
        if status == 400 {
            assert_eq!(reply.json()["error"]["param"], param, "{form}");
        }
    }
    let reply =
        server.post(&server.other, "/v1/routing/simulate", "amount=1&currency=cny&payment_method_type=card");
    assert_eq!((reply.status, &reply.json()["code"]), (403, &json!("operator_only")));
    assert_eq!(server.get(&server.key, "/v1/payment_intents").json()["data"], json!([]), "nothing was made");
}

#[test]
fn the_operator_sees_how_channels_do() {
    let server = Server::start();
    let channel = |name: &str, takes: &str| {
        json!({
            "object": "channel", "name": name, "takes": [takes], "drained": false, "circuit": "closed",
            "success_ppm": 1_000_000, "taken_today": {},
        })
    };
    let list = server.get(&server.key, "/v1/channels").json();
    let channels = [channel("card_sim", "card"), channel("bank", "bank_agreement")];
    assert_eq!(list, json!({"object": "list", "data": channels}));
    let decline = "amount=100&currency=cny&payment_method=pm_card_chargeDeclined&confirm=true";
    assert_eq!(server.post(&server.key, "/v1/payment_intents", decline).status, 402);
    let list = server.get(&server.key, "/v1/channels").json();
    assert_eq!(list["data"][0]["success_ppm"], 909_090);
    let reply = server.get(&server.other, "/v1/channels");
    assert_eq!((reply.status, &reply.json()["code"]), (403, &json!("operator_only")));
}

#[test]
fn an_attempt_is_shown_without_what_is_secret() {
    let server = Server::start();
    let pay = "amount=10000&currency=cny&payment_method=pm_card_visa&confirm=true";
    let intent = server.post(&server.key, "/v1/payment_intents", pay).json();
    let path = format!("/v1/attempts/{}", intent["latest_attempt"].as_str().unwrap());
    let attempt = server.get(&server.key, &path).json();
    assert_eq!((&attempt["channel"], &attempt["status"]), (&json!("card_sim"), &json!("captured")));
    assert!(attempt.get("internal").is_none() && attempt.get("routing").is_none(), "{attempt}");
    assert_eq!(server.get(&server.key, "/v1/attempts/att_none").status, 404);
    let route = server.get(&server.key, &format!("{path}/route")).json();
    assert_eq!(route, json!({"channel": "card_sim", "basis": "only", "candidates": []}));
    // A merchant sees its own attempts, and not what the operator's channels are like.
    let intent = server.post(&server.other, "/v1/payment_intents", pay).json();
    let path = format!("/v1/attempts/{}", intent["latest_attempt"].as_str().unwrap());
    assert_eq!(server.get(&server.other, &path).status, 200);
    let reply = server.get(&server.other, &format!("{path}/route"));
    assert_eq!((reply.status, &reply.json()["code"]), (403, &json!("operator_only")));
}
