//! The description of the API is committed, and what is committed is what the code says.

use suanpan_server::openapi;

#[test]
fn the_committed_description_is_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, openapi::text()).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == openapi::text(), "run the tests with UPDATE_GOLDEN=1 and look at what changed");
}

#[test]
fn every_operation_declares_what_goes_wrong() {
    let document: serde_json::Value = serde_json::from_str(openapi::text()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 30, "{}", paths.len());
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            for status in ["400", "401", "403", "404", "429", "500", "503"] {
                assert!(operation["responses"][status].is_object(), "{method} {path} {status}");
            }
            assert!(operation["summary"].is_string(), "{method} {path}");
            // Either the header has an effect, or the description says that it has none.
            if method == "post" {
                let declared = operation["parameters"].to_string().contains("Idempotency-Key");
                let words = operation["description"].as_str().unwrap_or_default();
                assert_ne!(declared, words.contains("Idempotency-Key has no effect"), "{path}");
                assert_eq!(declared, operation["responses"]["422"].is_object(), "{path}");
            }
        }
    }
}

#[test]
fn the_guide_names_every_call_and_every_card_for_tests() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/api.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let document: serde_json::Value = serde_json::from_str(openapi::text()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let call = format!("| `{} {path}` |", method.to_uppercase());
            assert!(guide.contains(&call), "{call}");
        }
    }
    for card in suanpan_channels::card_sim::cards::CARDS.iter().filter(|card| !card.id.is_empty()) {
        assert!(guide.contains(&format!("`{}`", card.id)), "{}", card.id);
    }
    // What is measured is explained.
    let observe = include_str!("../../src/observe.rs");
    for name in observe.split('"').filter(|text| text.starts_with("suanpan_")) {
        assert!(guide.contains(name), "{name}");
    }
}
