//! What the platform reads: parameters of requests, queries, addresses of receivers, records and blocks of the store.

use crate::engine::digest;
use crate::targets::Target;
use std::mem::discriminant;
use suanpan_ledger::record::Record;
use suanpan_ledger::snapshot::{decode_hold, decode_page};
use suanpan_payments::search::{Query, Searched};
use suanpan_server::checkout;
use suanpan_server::checkout::language::Language;
use suanpan_server::parameters::{Node, form, json};
use suanpan_store::events::EventLines;
use suanpan_webhooks::target::{Policy, Target as Receiver};

pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "form",
        words: &["&", "=", "[", "]", "[]", "[0]", "%00", "%", "+", "a[b][c]", "expand[]=", "metadata[k]="],
        run: read_form,
    },
    Target {
        name: "json_parameters",
        words: &[
            "{", "}", "[", "]", ":", ",", "\"", "\\u0000", "\\ud83d", "null", "true", "1e9", "-0", "\"a\":",
        ],
        run: read_json,
    },
    Target {
        name: "query",
        words: &[
            " AND ",
            " OR ",
            "-",
            ":",
            "~",
            ">",
            "<=",
            "'",
            "\"",
            "\\'",
            "metadata['",
            "']",
            "status",
            "null",
        ],
        run: read_query,
    },
    Target {
        name: "webhook_url",
        words: &[
            "https://",
            "http://",
            "@",
            ":",
            "/",
            "?",
            "#",
            "[::1]",
            "127.1",
            "0x7f.1",
            "localhost",
            "%2e",
            "。",
        ],
        run: read_url,
    },
    Target {
        name: "checkout_form",
        words: &[
            "method=",
            "card",
            "alipay",
            "&number=",
            "&expiry=",
            "12/34",
            "/",
            "&cvc=",
            "4242",
            "&seen=",
            "&token=",
            "&test=",
            "pm_card_visa",
            "%2F",
            "+",
            "％",
        ],
        run: read_checkout_form,
    },
    Target {
        name: "accept_language",
        words: &["zh", "en", "-CN", "_", ",", ";q=", "0.", "1.000", ";", "q=", " ", "*"],
        run: read_languages,
    },
    Target { name: "record", words: &["\0\0\0\0", "\u{1}", "\u{7f}"], run: read_record },
    Target {
        name: "event_block",
        words: &["\t", "\n", "live", "test", "(\u{b5}/", "\0", "-1", "9223372036854775807"],
        run: read_block,
    },
];

fn size(node: &Node<'_>) -> usize {
    match node {
        Node::Map(members) => 1 + members.iter().map(|(_, node)| size(node)).sum::<usize>(),
        Node::List(elements) => 1 + elements.iter().map(size).sum::<usize>(),
        _ => 1,
    }
}

fn read_form(input: &[u8]) -> u64 {
    let told = form::parse(input).map(|node| size(&node).ilog2()).map_err(|error| error.code());
    digest(format!("{told:?}").as_bytes())
}

fn read_json(input: &[u8]) -> u64 {
    let told = json::parse(input, 1_000).map(|node| {
        assert!(size(&node) <= 1_001, "more values than were allowed");
        size(&node).ilog2()
    });
    digest(format!("{:?}", told.map_err(|error| error.code())).as_bytes())
}

fn read_query(input: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(input) else { return 0 };
    let object =
        serde_json::json!({"status": "succeeded", "amount": 5, "metadata": {"order": "1"}, "created": 7});
    let told = [Searched::PaymentIntents, Searched::Events].map(|searched| {
        Query::parse(text, searched).map(|query| query.matches(&object)).map_err(|error| discriminant(&error))
    });
    digest(format!("{told:?}").as_bytes())
}

fn read_url(input: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(input) else { return 0 };
    let told = [Policy::of_endpoints(true, false), Policy::development()]
        .map(|policy| Receiver::parse(text, &policy).map(|_| ()).map_err(|error| discriminant(&error)));
    digest(format!("{told:?}").as_bytes())
}

fn read_record(input: &[u8]) -> u64 {
    let told = Record::parse(input).map(|record| {
        let entries = record.entries().filter(Result::is_ok).count();
        let events = record.events().filter(Result::is_ok).count();
        (record.leaves().len().checked_ilog2(), entries.checked_ilog2(), events.checked_ilog2())
    });
    let rows = decode_page(input).map(|rows| rows.len().checked_ilog2());
    let told = (
        told.map_err(|error| discriminant(&error)),
        rows.map_err(|error| discriminant(&error)),
        decode_hold(input).is_ok(),
    );
    digest(format!("{told:?}").as_bytes())
}

fn read_block(input: &[u8]) -> u64 {
    let told = EventLines::unpack("fuzzed", input).map(|lines| {
        (lines.iter().count().checked_ilog2(), lines.iter().rev().filter(Result::is_ok).count().min(3))
    });
    digest(format!("{:?}", told.map_err(|error| discriminant(&error))).as_bytes())
}

/// A form of a checkout page is read or refused, with all its faults.
fn read_checkout_form(input: &[u8]) -> u64 {
    let read = checkout::reads(input, 1_795_824_000);
    assert!(read.is_none_or(|faults| faults <= 3), "one fault for each field of a card");
    digest(format!("{read:?}").as_bytes())
}

/// Whatever a browser says, there is a language, and asking for it by its tag gives it again.
fn read_languages(input: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(input);
    let (asked, accepted) = text.split_once('\n').unwrap_or(("", &text));
    let chosen = Language::choose(Some(asked), Some(accepted), None);
    assert_eq!(Language::choose(Some(chosen.tag()), Some(accepted), None), chosen);
    digest(format!("{chosen:?} {:?}", Language::of_tag(asked)).as_bytes())
}
