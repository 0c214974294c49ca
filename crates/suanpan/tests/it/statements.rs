//! Statements in place of tables: told by content, held against what they declare, and reconciled without
//! rules.

use crate::world::World;
use serde_json::Value;

/// A Stripe report that fits `docs/examples/first/ledger.csv` in two orders and differs in one.
pub(crate) const STRIPE: &str = "\
balance_transaction_id,created,available_on,currency,gross,fee,net,reporting_category,source_id,description,payment_metadata[order_id]
txn_1,2026-11-11 01:02:03,2026-11-13 00:00:00,cny,12.30,0.30,12.00,charge,ch_1,First,A1001
txn_2,2026-11-11 02:02:03,2026-11-13 00:00:00,cny,99.00,0.50,98.50,charge,ch_2,Second,A1002
txn_3,2026-11-11 03:02:03,2026-11-13 00:00:00,cny,7.77,0.07,7.70,charge,ch_3,Third,A1005
txn_4,2026-11-11 04:02:03,2026-11-11 04:02:03,cny,-99.00,0.00,-99.00,refund,re_1,Second,A1002
";

fn world(books: &str) -> World {
    let world = World::empty();
    world.write("books.csv", books);
    world.write("stripe.csv", STRIPE);
    world
}

#[test]
fn books_are_fitted_to_a_statement_without_rules_and_the_report_is_right_to_the_cent() {
    // Cents in the books, refunds written as positive with a word, one amount off by one, one order unknown.
    let books = "order_no,kind,cents\nA1001,payment,1230\nA1002,payment,9900\nA1005,payment,778\nA1002,refund,9900\nA9,payment,100\n";
    let world = world(books);
    let ran = world.line("reconcile books.csv stripe.csv --out out").ends(1);
    assert!(ran.stderr.contains("they are fitted"), "{}", ran.stderr);
    let summary = world.summary("out");
    let count = |code: &str| summary["outcomes"][code]["count"].as_u64().unwrap_or(0);
    assert_eq!((count("MATCHED"), count("AMOUNT_MISMATCH"), count("MISSING_IN_B")), (3, 1, 1), "{summary:#}");
    let breaks = world.text("out/breaks.csv");
    let row = breaks.lines().find(|line| line.contains("AMOUNT_MISMATCH")).unwrap();
    // The row that is shown is the line of the statement.
    assert!(row.contains("7.78") && row.contains("7.77") && row.contains("stripe.csv,4,"), "{row}");
    let delivered: Value = serde_json::from_slice(&world.read("out/statements.json")).unwrap();
    assert_eq!(delivered[0]["format"], "stripe.report");
    assert_eq!((&delivered[0]["records"], &delivered[0]["checks_failed"]), (&4.into(), &0.into()));
    // The fitted rules are kept, and give the same again.
    assert!(world.text("out/rules.toml").contains("format = \"statement\""));
    world.line("reconcile books.csv stripe.csv --rules out/rules.toml --out again").ends(1);
    assert_eq!(world.summary("again")["digest"], summary["digest"]);
}

#[test]
fn a_statement_that_does_not_tie_is_used_only_when_somebody_answers_for_it() {
    let world = world("order_no,amount\nA1001,12.30\nA1002,99.00\nA1005,7.77\nA1002,-99.00\n");
    world.line("reconcile books.csv stripe.csv").ends(0);
    world.write("stripe.csv", STRIPE.replace("12.00,charge", "11.00,charge"));
    let ran = world.line("reconcile books.csv stripe.csv").ends(2);
    assert!(
        ran.stderr.contains("error[statement_untied]") && ran.stderr.contains("--accept-untied"),
        "{ran:?}"
    );
    world.line("reconcile books.csv stripe.csv --accept-untied Li_Lei --out out").ends(0);
    let delivered: Value = serde_json::from_slice(&world.read("out/statements.json")).unwrap();
    assert_eq!(delivered[0]["accepted_by"], "Li_Lei");
    assert!(delivered[0]["findings"][0].as_str().unwrap().contains("11.00"), "{delivered:#}");
}

#[test]
fn a_file_delivered_twice_or_in_part_counts_once() {
    let world = world("order_no,amount\nA1001,12.30\nA1002,99.00\nA1005,7.77\nA1002,-99.00\n");
    let part: String = STRIPE.lines().take(3).map(|line| format!("{line}\n")).collect();
    world.write("part.csv", part);
    // Other bytes, the same records.
    world.write("again.csv", STRIPE.replace('\n', "\r\n"));
    let ran =
        world.line("reconcile books.csv part.csv --right stripe.csv --right again.csv --out out").ends(0);
    assert!(
        ran.stderr.contains("left out: part.csv holds the first 2 of the 4 records of stripe.csv"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("left out: again.csv holds the same records as stripe.csv"), "{ran:?}");
    assert_eq!(world.summary("out")["outcomes"]["MATCHED"]["count"], 4);
}

#[test]
fn what_a_file_is_and_what_is_in_it_can_be_looked_at() {
    let world = world("order_no,amount\nA1001,12.30\n");
    let told = world.line("formats identify stripe.csv").ends(0).stdout;
    assert!(told.contains("stripe.report") && told.contains("because"), "{told}");
    let refused = world.line("formats identify books.csv").ends(2).stdout;
    assert!(refused.contains("no known format") && refused.contains("paypal.settlement"), "{refused}");
    let table = world.line("formats show stripe.csv").ends(0).stdout;
    assert!(table.contains("A1001") && table.contains("ties in all"), "{table}");
    let csv = world.line("formats show stripe.csv --format csv").ends(0).stdout;
    assert_eq!(csv.lines().count(), 5, "{csv}");
    let json = world.line("formats show stripe.csv --format json --limit 1").ends(0).stdout;
    let record: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let record = record.iter().find_map(|event| event.get("record")).unwrap();
    assert_eq!((&record["amount"], &record["place"]["line"]), (&"12.30".into(), &2.into()));
    assert!(record["raw"].as_str().unwrap().starts_with("txn_1,"));
    world.write("bad.csv", STRIPE.replace("12.30", "12,x"));
    let bad = world.line("formats show bad.csv").ends(1).stdout;
    assert!(bad.contains("cannot be read: line 2, column") && bad.contains("A1002"), "{bad}");
    world.line("formats show books.csv").ends(2);
    world.line("formats show stripe.csv --as nothing").ends(2);
    assert!(world.line("formats list").ends(0).stdout.contains("adyen.settlement-details"));
}
