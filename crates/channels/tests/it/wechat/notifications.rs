//! What the wallet tells by itself.

use super::*;

fn sealed(event: &str, text: &str) -> Value {
    let key = ResourceKey::new(RESOURCE_KEY).unwrap();
    let sealed = key.seal(b"fdasflkja484", b"transaction", text.as_bytes()).unwrap();
    json!({
        "id": "EV-1", "create_time": "2026-09-21T12:53:20+08:00", "resource_type": "encrypt-resource",
        "event_type": event, "summary": "支付成功",
        "resource": {
            "original_type": "transaction", "algorithm": "AEAD_AES_256_GCM", "ciphertext": sealed,
            "associated_data": "transaction", "nonce": "fdasflkja484",
        },
    })
}

fn told(seconds: i64, body: &Value) -> Result<Notification, NotificationError> {
    let body = body.to_string().into_bytes();
    wallet().notification(&sign(NOW + seconds, &body), &body, Timestamp::from_seconds(NOW))
}

#[test]
fn notifications_are_read_when_they_are_the_wallets_for_us_and_new() {
    let paid = |change: fn((u16, Value)) -> (u16, Value)| {
        sealed("TRANSACTION.SUCCESS", &change(order("SUCCESS")).1.to_string())
    };
    let good = paid(|it| it);
    // As often as it comes.
    for seconds in [-300, 0, 0, 300] {
        let told = told(seconds, &good).unwrap();
        let is = (told.reference.as_str(), told.amount_minor, told.currency.code(), told.taken);
        assert_eq!(is, (ATTEMPT, 8_888, "CNY", ""));
        assert!(
            matches!(told.answer, Some(ChannelAnswer::Approved { channel_id, .. }) if channel_id == "42")
        );
    }
    // What was given back or closed meanwhile an inquiry tells better.
    for state in ["REFUND", "CLOSED", "NOTPAY"] {
        let later = sealed("TRANSACTION.SUCCESS", &order(state).1.to_string());
        assert_eq!(told(0, &later).unwrap().answer, None, "{state}");
    }
    assert_eq!(told(-301, &good), Err(NotificationError::Stale(301)));
    assert_eq!(told(301, &good), Err(NotificationError::Stale(301)));
    for (what, body, error) in [
        ("mchid", paid(|it| with(it, "/mchid", json!("1"))), NotificationError::NotForUs("mchid")),
        ("appid", paid(|it| with(it, "/appid", json!("wx1"))), NotificationError::NotForUs("appid")),
        ("no appid", paid(|it| with(it, "/appid", Value::Null)), NotificationError::NotForUs("appid")),
    ] {
        assert_eq!(told(0, &body), Err(error), "{what}");
    }
    for (what, body) in [
        ("currency", paid(|it| with(it, "/amount/currency", json!("USD")))),
        ("amount", paid(|it| with(it, "/amount/total", json!(-1)))),
        ("order", paid(|it| with(it, "/out_trade_no", Value::Null))),
        ("refund", sealed("REFUND.SUCCESS", &order("SUCCESS").1.to_string())),
        ("no JSON", sealed("TRANSACTION.SUCCESS", "paid")),
        ("algorithm", with((0, good.clone()), "/resource/algorithm", json!("NONE")).1),
        ("no resource", json!({"event_type": "TRANSACTION.SUCCESS"})),
    ] {
        let told = told(0, &body);
        assert!(matches!(told, Err(NotificationError::Unreadable(_))), "{what}: {told:?}");
    }
    // Sealed under another key, for another purpose, or changed: whoever signed it.
    for pointer in ["/resource/ciphertext", "/resource/associated_data", "/resource/nonce"] {
        let other = with((0, good.clone()), pointer, json!("AAAAAAAAAAAAAAAAAAAAAAAA")).1;
        assert_eq!(told(0, &other), Err(NotificationError::Forged), "{pointer}");
    }
    let body = good.to_string().into_bytes();
    let read =
        |headers: &HeaderMap, body: &[u8]| wallet().notification(headers, body, Timestamp::from_seconds(NOW));
    let changed = good.to_string().replace("EV-1", "EV-2").into_bytes();
    for (headers, body) in [
        (sign(NOW, &body), &changed),
        (HeaderMap::new(), &body),
        (sign_with(OWN_PRIVATE, WALLET_SERIAL, NOW, &body), &body),
        (sign_with(WALLET_PRIVATE, "PUB_KEY_ID_2", NOW, &body), &body),
    ] {
        assert_eq!(read(&headers, body), Err(NotificationError::Forged));
    }
}
