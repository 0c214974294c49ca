//! Agreements with banks over HTTP.

use crate::client::{LOGGED, Server};

const ACCOUNT: &str = "bank=C1081421000051&account_number=6217000000000000987&account_holder_name=Li+Si\
     &id_number=11010519491231002X&phone=13912345678";

#[test]
fn an_agreement_is_asked_for_confirmed_and_paid_by() {
    let server = Server::start();
    let key = &server.key;
    let customer = server.post(key, "/v1/customers", "").id();
    let form = format!("customer={customer}&{ACCOUNT}&metadata[a]=b");
    let headers = |name: &str| {
        [
            ("authorization", format!("Bearer {key}")),
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ("idempotency-key", name.to_owned()),
        ]
    };
    let send = |path: &str, name: &str, form: &str| {
        let headers = headers(name);
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        server.send("POST", path, &headers, form.as_bytes())
    };
    let asked = send("/v1/bank_agreements", "one", &form);
    let shown = asked.json();
    assert_eq!((asked.status, &shown["status"]), (200, &"requires_confirmation".into()), "{asked:?}");
    assert_eq!((&shown["last4"], &shown["metadata"]["a"]), (&"0987".into(), &"b".into()));
    assert!(
        shown.get("internal").is_none() && !asked.body.contains("62170000") && !asked.body.contains("Li")
    );
    // Under the same key it is the same one, and under the same key nothing else is done.
    let again = send("/v1/bank_agreements", "one", &form);
    assert_eq!(
        (again.body.as_str(), again.header("idempotent-replayed")),
        (asked.body.as_str(), Some("true"))
    );
    assert_eq!(send("/v1/bank_agreements", "one", &form.replace("0987", "0988")).status, 422);
    let path = format!("/v1/bank_agreements/{}", asked.id());
    let wrong = server.post(key, &format!("{path}/confirm"), "code=654321").json();
    assert_eq!(wrong["last_error"]["code"], "incorrect_verification_code", "{wrong}");
    let active = send(&format!("{path}/confirm"), "two", "code=123456");
    assert_eq!(active.json()["status"], "active", "{active:?}");
    let again = send(&format!("{path}/confirm"), "two", "code=123456");
    assert_eq!(again.body, active.body);
    let twice = server.post(key, &format!("{path}/confirm"), "code=123456");
    assert_eq!((twice.status, &twice.json()["code"]), (409, &"bank_agreement_unexpected_state".into()));
    assert_eq!(server.get(key, &path).body, active.body);
    let list = |query: &str| server.get(key, &format!("/v1/bank_agreements?{query}")).json()["data"].clone();
    assert_eq!(list(&format!("customer={customer}")).as_array().map(Vec::len), Some(1));
    assert_eq!(list("status=failed").as_array().map(Vec::len), Some(0));
    let expanded = server.get(key, &format!("{path}?expand[]=payment_method")).json();
    assert_eq!(expanded["payment_method"]["bank_agreement"]["last4"], "0987", "{expanded}");
    let method = active.json()["payment_method"].as_str().unwrap().to_owned();
    let methods =
        server.get(key, &format!("/v1/customers/{customer}/payment_methods?type=bank_agreement")).json();
    assert_eq!(methods["data"][0]["id"], method.as_str(), "{methods}");
    let pay = format!(
        "amount=500&currency=cny&confirm=true&off_session=true&customer={customer}&payment_method={method}\
         &payment_method_types[]=bank_agreement"
    );
    let paid = server.post(key, "/v1/payment_intents", &pay).json();
    assert_eq!(paid["status"], "succeeded", "{paid}");
    let logged = String::from_utf8_lossy(&LOGGED.lock().unwrap()).into_owned();
    for secret in ["6217000000000000987", "13912345678", "Li Si", "654321"] {
        assert!(!logged.contains(secret), "{secret} is logged");
    }
}

#[test]
fn what_is_wrong_with_an_account_is_named_and_not_repeated() {
    let server = Server::start();
    let key = &server.key;
    let customer = server.post(key, "/v1/customers", "").id();
    let good = format!("customer={customer}&{ACCOUNT}");
    for (from, to, param) in [
        ("6217000000000000987", "62170000x0000000987", "account_number"),
        ("11010519491231002X", "110105194912310029", "id_number"),
        ("13912345678", "23912345678", "phone"),
        ("C1081421000051", "ICBC", "bank"),
        ("&account_holder_name=Li+Si", "", "account_holder_name"),
        ("bank=", "banks=", "banks"),
    ] {
        let reply = server.post(key, "/v1/bank_agreements", &good.replace(from, to));
        assert_eq!((reply.status, &reply.json()["error"]["param"]), (400, &param.into()), "{reply:?}");
        assert!(to.is_empty() || to == "banks=" || !reply.body.contains(to), "{reply:?}");
    }
    let none = server.post(key, "/v1/bank_agreements", &format!("customer=cus_none&{ACCOUNT}"));
    assert_eq!(none.status, 404, "{none:?}");
    let direct = server.post(key, "/v1/payment_methods", "type=bank_agreement");
    assert_eq!((direct.status, &direct.json()["error"]["param"]), (400, &"type".into()), "{direct:?}");
}
