//! Books over HTTP: entries, balances of the past, proofs, and what the check of the journal finds.

use crate::client::Server;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use suanpan_ledger::merkle::{chain_hash, leaf_hash, node_hash};

/// Books an entry between two accounts of the operator, and returns the receipt.
fn post(server: &Server, id: &str, amount: u64) -> String {
    let line = json!({"debit": "own/1", "credit": "own/2", "amount": amount, "currency": "cny"});
    let body = json!({"entries": [{"id": id, "code": 7, "postings": [line]}]}).to_string();
    let bearer = format!("Bearer {}", server.key);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let reply = server.send("POST", "/v1/ledger/entries", &headers, body.as_bytes());
    assert_eq!(reply.json()["accepted"], 1, "{reply:?}");
    reply.header("suanpan-receipt").unwrap().to_owned()
}

fn accounts(server: &Server) -> [String; 2] {
    ["own/1", "own/2"].map(|path| {
        server.post(&server.key, "/v1/ledger/accounts", &format!("path={path}&currency=cny&kind=asset")).id()
    })
}

const FIRST: &str = "00000000000000000000000000000001";
const SECOND: &str = "00000000000000000000000000000002";

#[test]
fn entries_are_found_by_id_and_from_the_rows_of_a_statement() {
    let server = Server::start();
    let [debit, credit] = accounts(&server);
    post(&server, FIRST, 100);
    let shown = server.get(&server.key, &format!("/v1/ledger/entries/{FIRST}")).json();
    assert_eq!(
        (&shown["object"], &shown["action"], &shown["code"]),
        (&json!("ledger_entry"), &json!("post"), &json!(7))
    );
    let line = &shown["lines"][0];
    assert_eq!((&line["debit"], &line["debit_path"]), (&json!(debit), &json!("own/1")));
    assert_eq!(
        (&line["credit"], &line["posted"], &line["currency"]),
        (&json!(credit), &json!(100), &json!("cny"))
    );
    let statement = server.get(&server.key, &format!("/v1/ledger/accounts/{debit}/statement")).json();
    let row = &statement["data"][0];
    assert_eq!((&row["id"], &row["code"], &row["booked_at"]), (&shown["id"], &json!(7), &Value::Null));
    let by_own_id = format!("/v1/ledger/entries/{}", row["id"].as_str().unwrap());
    assert_eq!(server.get(&server.key, &by_own_id).json(), shown);
    for path in [by_own_id.as_str(), &format!("{by_own_id}/proof")] {
        assert_eq!(server.get(&server.other, path).status, 404, "{path}");
    }
    for wrong in [SECOND, "00000000000000000000000000000000", "je_1", "x"] {
        assert_eq!(server.get(&server.key, &format!("/v1/ledger/entries/{wrong}")).status, 404, "{wrong}");
    }
    // A merchant sees an entry of its own accounts, and not the names of those on the other side.
    let pay = "amount=1000&currency=cny&payment_method=pm_card_visa&confirm=true";
    server.post(&server.other, "/v1/payment_intents", pay).id();
    let own = server.get(&server.other, "/v1/ledger/accounts").json()["data"][0]["id"].clone();
    let rows = server.get(&server.other, &format!("/v1/ledger/accounts/{}/statement", own.as_str().unwrap()));
    let id = rows.json()["data"][0]["id"].as_str().unwrap().to_owned();
    let shown = server.get(&server.other, &format!("/v1/ledger/entries/{id}")).json();
    let paths: Vec<bool> = shown["lines"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|line| [line["debit_path"].is_null(), line["credit_path"].is_null()])
        .collect();
    assert!(paths.contains(&true) && paths.contains(&false), "{shown}");
}

#[test]
fn balances_of_the_past_are_what_they_were() {
    let server = Server::start();
    let [debit, _] = accounts(&server);
    post(&server, FIRST, 100);
    let statement = server.get(&server.key, &format!("/v1/ledger/accounts/{debit}/statement")).json();
    let at = statement["data"][0]["created"].as_i64().unwrap();
    let balance = |query: &str| {
        let account = server.get(&server.key, &format!("/v1/ledger/accounts/{debit}{query}")).json();
        (account["balance"].clone(), account["sums"]["debits_posted"].clone())
    };
    assert_eq!(balance(""), (json!(100), json!(100)));
    assert_eq!(balance(&format!("?at={at}")), (json!(100), json!(100)));
    assert_eq!(balance(&format!("?at={}", at - 1)), (json!(0), json!(0)));
    let wrong = server.get(&server.key, &format!("/v1/ledger/accounts/{debit}?at=noon"));
    assert_eq!(wrong.status, 400, "{wrong:?}");
}

#[test]
fn a_proof_leads_from_an_entry_to_the_hash_of_its_receipt() {
    let server = Server::start();
    accounts(&server);
    let receipt = post(&server, FIRST, 100);
    let proof = server.get(&server.key, &format!("/v1/ledger/entries/{FIRST}/proof")).json();
    let bytes = |name: &str| STANDARD.decode(proof[name].as_str().unwrap()).unwrap();
    let hash = |name: &str| <[u8; 32]>::try_from(bytes(name)).unwrap();
    // The path of RFC 9162, 2.1.3.2.
    let (mut at, mut last) = (proof["index"].as_u64().unwrap(), proof["entries"].as_u64().unwrap() - 1);
    let mut root = leaf_hash(&bytes("entry"));
    for side in proof["entry_path"].as_array().unwrap() {
        let side = <[u8; 32]>::try_from(STANDARD.decode(side.as_str().unwrap()).unwrap()).unwrap();
        if at % 2 == 1 || at == last {
            root = node_hash(&side, &root);
            while at % 2 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            root = node_hash(&root, &side);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    let chain = chain_hash(&hash("previous"), &bytes("header"), &root, &hash("events_digest"));
    let chain: String = chain.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(proof["hash"], chain);
    let said = receipt.split("; ").find_map(|part| part.strip_prefix("hash=")).unwrap();
    assert_eq!(chain, said, "{receipt}");
    assert!(receipt.contains(&format!("seq={};", proof["seq"])), "{receipt} {proof}");
}

/// Changes the store behind the back of the server, and returns what the check finds.
fn verify_after(change: &str) -> Value {
    let server = Server::start();
    accounts(&server);
    post(&server, FIRST, 100);
    post(&server, SECOND, 50);
    let verify = || server.get(&server.key, "/v1/ledger/verify").json();
    let whole = verify();
    assert_eq!(
        (&whole["verified"], &whole["entries"], &whole["next"]),
        (&json!(true), &json!(2), &Value::Null),
        "{whole}"
    );
    let part = server.get(&server.key, "/v1/ledger/verify?limit=2").json();
    assert_eq!((&part["verified"], &part["next"]), (&json!(true), &json!(3)), "{part}");
    let rest = server.get(&server.key, "/v1/ledger/verify?from=3").json();
    assert_eq!((&rest["verified"], &rest["hash"]), (&json!(true), &whole["hash"]));
    let beyond = server.get(&server.key, "/v1/ledger/verify?from=1000");
    assert_eq!((beyond.status, &beyond.json()["error"]["param"]), (400, &json!("from")));
    let connection = server.tamper();
    assert!(connection.execute(change, []).unwrap() > 0, "{change}");
    verify()
}

#[test]
fn the_check_finds_what_was_cut_off_or_changed() {
    let last = "(SELECT max(seq) FROM record)";
    for (change, why) in [
        (format!("DELETE FROM record WHERE seq = {last}"), "are missing: the cell stands at record"),
        (format!("DELETE FROM record WHERE seq = {last} - 1"), "is missing"),
        (format!("UPDATE record SET first = first + 1 WHERE seq = {last}"), "first entry"),
        (format!("UPDATE record SET entries = entries + 1 WHERE seq = {last}"), "number of entries"),
        (format!("UPDATE record SET at = at - 1 WHERE seq = {last}"), "time"),
        (format!("UPDATE record SET hash = zeroblob(32) WHERE seq = {last}"), "hash"),
    ] {
        let found = verify_after(&change);
        assert_eq!(found["verified"], false, "{change}: {found}");
        let fault = found["fault"].as_str().unwrap();
        assert!(fault.contains(why), "{change}: {fault}");
    }
}
