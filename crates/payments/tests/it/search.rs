use crate::expect::Expect;
use proptest::prelude::*;
use serde_json::{Value, json};
use suanpan_payments::rejection::Rejection;
use suanpan_payments::search::{Query, Searched};

fn intent() -> Value {
    json!({
        "amount": 2_000, "created": 1_800_000_000, "currency": "cny", "customer": null,
        "description": "Two Books", "metadata": {"order": "6735", "it's": "q"}, "status": "succeeded",
    })
}

#[test]
fn queries_find_what_they_say() {
    for (query, found) in [
        ("status:'succeeded'", true),
        ("status:\"SUCCEEDED\"", true),
        ("-status:'succeeded'", false),
        ("status:'canceled'", false),
        ("status:'succeeded' AND metadata['order']:'6735'", true),
        ("status:'succeeded' AND metadata['order']:'1'", false),
        ("status:'canceled' OR metadata[\"order\"]:\"6735\"", true),
        ("amount>1999", true),
        ("amount>2000", false),
        ("amount>=2000 AND amount<=2000 AND amount:2000", true),
        ("amount<2001", true),
        ("created>'1799999999'", true),
        ("description~'two b'", true),
        ("description~'three'", false),
        ("customer:null", true),
        ("-customer:null", false),
        ("metadata['none']:null", true),
        ("metadata['it\\'s']:'q'", true),
        ("  status:'succeeded'  ", true),
    ] {
        let parsed = Query::parse(query, Searched::PaymentIntents).must(query);
        assert_eq!(parsed.matches(&intent()), found, "{query}");
    }
    let event = json!({"type": "charge.failed", "created": 5});
    assert!(Query::parse("type:'charge.failed'", Searched::Events).must("good").matches(&event));
}

#[test]
fn what_cannot_be_read_is_refused_with_the_place() {
    for (query, at) in [
        ("", 1),
        ("status", 7),
        ("status:", 8),
        ("status:succeeded", 8),
        ("status:'succeeded", 8),
        ("status>'a'", 7),
        ("amount~'abc'", 7),
        ("amount>x", 8),
        ("description~'ab'", 13),
        ("colour:'red'", 1),
        ("metadata:'x'", 9),
        ("metadata[order]:'x'", 10),
        ("status:'a' status:'b'", 12),
        ("status:'a'AND status:'b'", 11),
        ("status:'a' AND", 15),
        ("status:'a' AND status:'b' OR status:'c'", 27),
    ] {
        match Query::parse(query, Searched::PaymentIntents) {
            Err(Rejection::QueryInvalid { at: found, .. }) => assert_eq!(found, at, "{query}"),
            other => panic!("{query}: {other:?}"),
        }
    }
    let many = ["amount>1"; 11].join(" AND ");
    assert_eq!(
        Query::parse(&many, Searched::PaymentIntents).map(drop).map_err(|r| r.code()),
        Err("query_invalid")
    );
    let long = "x".repeat(1_001);
    assert_eq!(
        Query::parse(&long, Searched::Events).map(drop).map_err(|r| r.code()),
        Err("parameter_too_long")
    );
}

#[test]
fn an_index_may_only_be_asked_for_what_all_found_have() {
    let required = |text: &str| {
        let query = Query::parse(text, Searched::PaymentIntents).must(text);
        query.required("status").map(str::to_owned)
    };
    assert_eq!(required("status:'succeeded' AND amount>1").as_deref(), Some("succeeded"));
    assert_eq!(required("status:'succeeded' OR amount>1"), None);
    assert_eq!(required("-status:'succeeded'"), None);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-z:'\"\\[\\]~<>= \\\\0-9é-]{0,60}|status:'.*") {
        if let Ok(query) = Query::parse(&text, Searched::PaymentIntents) {
            let _ = query.matches(&intent());
        }
    }
}
