//! Stripe: the sample tables, and reports written after Stripe's documentation of their columns.

use crate::golden::{bytes, check_folder};
use crate::kit::{checks, failing, faults, never_panics, read, records};
use proptest::prelude::*;
use suanpan_formats::{Kind, Status};

#[test]
fn samples_are_read_as_reviewed() {
    check_folder("stripe", |_| true);
}

/// Charges, a refund, a dispute that is won, a fee, and the payout of the first payout's rows.
pub(crate) const REPORT: &str = "\
automatic_payout_id,automatic_payout_effective_at,balance_transaction_id,created_utc,created,available_on,currency,gross,fee,net,reporting_category,source_id,description,charge_id,payment_intent_id,customer_facing_amount,customer_facing_currency,trace_id,payment_metadata[order_id],refund_metadata[refund_id]
po_1,2024-05-03 00:00:00,txn_001,2024-05-01 09:00:00,2024-05-01 11:00:00,2024-05-03,eur,100.00,1.75,98.25,charge,ch_1,\"Order, first\",ch_1,pi_1,100.00,eur,,A-1,
po_1,2024-05-03 00:00:00,txn_002,2024-05-01 10:00:00,2024-05-01 12:00:00,2024-05-03,eur,50.00,1.00,49.00,charge,py_2,,py_2,pi_2,,,,,
po_1,2024-05-03 00:00:00,txn_003,2024-05-02 10:00:00,2024-05-02 12:00:00,2024-05-03,eur,-20.00,0.00,-20.00,refund,re_1,,ch_1,pi_1,,,,A-1,R-1
po_1,2024-05-03 00:00:00,txn_004,2024-05-02 11:00:00,2024-05-02 13:00:00,2024-05-03,eur,-50.00,15.00,-65.00,dispute,du_1,,py_2,pi_2,,,,,
po_1,2024-05-03 00:00:00,txn_005,2024-05-03 00:00:00,2024-05-03 02:00:00,2024-05-03,eur,-62.25,0.00,-62.25,payout,po_1,STRIPE PAYOUT,,,,,SEPA123,,
,,txn_006,2024-05-04 00:00:00,2024-05-04 02:00:00,2024-05-04,eur,50.00,-15.00,65.00,dispute_reversal,du_1,,py_2,pi_2,,,,,
,,txn_007,2024-05-04 00:00:00,2024-05-04 02:00:00,2024-05-04,jpy,1500,54,1446,charge,ch_3,,ch_3,,,,,,
,,txn_008,2024-05-04 00:00:00,2024-05-04 02:00:00,2024-05-04,eur,-2.00,0.00,-2.00,fee,,Radar (2024-05-03),,,,,,,
";

#[test]
fn a_report_has_ids_kinds_times_and_laws_that_hold() {
    let (format, events) = read(REPORT);
    assert_eq!(format, "stripe.report");
    assert_eq!(faults(&events), Vec::<String>::new());
    let records = records(&events);
    let told: Vec<_> = records
        .iter()
        .map(|r| (r.kind, r.amount.to_string(), r.own_id.as_str(), r.original_id.as_str()))
        .collect();
    let row = |kind, amount: &str, own, original| (kind, amount.to_owned(), own, original);
    assert_eq!(
        told,
        [
            row(Kind::Payment, "100.00", "A-1", ""),
            row(Kind::Payment, "50.00", "pi_2", ""),
            row(Kind::Refund, "-20.00", "R-1", "ch_1"),
            row(Kind::Chargeback, "-50.00", "pi_2", "py_2"),
            row(Kind::Payout, "-62.25", "", ""),
            row(Kind::ChargebackReversal, "50.00", "pi_2", "py_2"),
            row(Kind::Payment, "1500", "ch_3", ""),
            row(Kind::Fee, "-2.00", "", ""),
        ]
    );
    assert_eq!(records[2].order_id, "A-1");
    assert_eq!(records[0].id, "txn_001");
    assert_eq!(records[0].description, "Order, first");
    assert_eq!(records[0].batch_id, "po_1");
    assert_eq!(records[0].time.unwrap().to_string(), "2024-05-01T09:00:00Z");
    assert_eq!(records[0].value_on.unwrap().to_string(), "2024-05-03");
    assert_eq!(records[5].fee.unwrap().to_string(), "-15.00");
    assert!(records[4].details.contains(&("trace_id".to_owned(), "SEPA123".to_owned())));
    assert_eq!(
        checks(&events),
        ["rows whose net is gross less fee: 8 of 8", "payouts that are the sum of their rows: 1 of 1",]
    );
}

#[test]
fn one_changed_amount_fails_its_row_and_its_payout() {
    let (_, events) = read(&REPORT.replace("49.00,charge", "49.01,charge"));
    assert_eq!(
        failing(&events),
        [
            "line 3: net of the row: declared 49.01, computed 49.00",
            "line 9: rows whose net is gross less fee: declared 8, computed 7",
            "line 6: payout po_1 in EUR: declared 62.25, computed 62.26",
            "line 9: payouts that are the sum of their rows: declared 1, computed 0",
        ]
    );
}

#[test]
fn a_payout_that_came_back_is_not_one_of_its_rows() {
    let back = "po_1,2024-05-03 00:00:00,txn_009,2024-05-06 00:00:00,2024-05-06 00:00:00,2024-05-06,eur,62.25,0.00,62.25,payout_reversal,po_1,STRIPE PAYOUT FAILURE,,,,,,,\n";
    let (_, events) = read(&format!("{REPORT}{back}"));
    assert_eq!(failing(&events), Vec::<String>::new());
    let last = records(&events)[8];
    assert_eq!((last.kind, last.own_id.as_str(), last.batch_id.as_str()), (Kind::Return, "", "po_1"));
}

#[test]
fn columns_come_in_any_number_and_order() {
    let text =
        "net,reporting_category,currency,payment_intent_id,created\n-3.20,refund,gbp,pi_9,2024-01-31 23:59\n";
    let (format, events) = read(text);
    assert_eq!(format, "stripe.report");
    let records = records(&events);
    assert_eq!(records[0].amount.to_string(), "-3.20");
    assert_eq!((records[0].own_id.as_str(), records[0].fee), ("pi_9", None));
    assert_eq!(checks(&events), Vec::<String>::new());
}

#[test]
fn a_bad_row_is_a_fault_and_the_others_stay() {
    for (from, to, expected) in [
        ("eur,50.00,1.00", "eur,50.0o,1.00", "line 3, column 8: gross is not an amount: `50.0o`"),
        (
            "eur,50.00,1.00",
            "euros,50.00,1.00",
            "line 3, column 7: currency is not a currency of ISO 4217: `euros`",
        ),
        (
            "txn_002,2024-05-01",
            "txn_002,2024-05-32",
            "line 3, column 4: created_utc is not a date and time: `2024-05-32 10:00:00`",
        ),
        (
            "eur,50.00,1.00,49.00",
            "eur,,,",
            "line 3, column 8: gross is empty, and no other column gives the amount",
        ),
    ] {
        let (_, events) = read(&REPORT.replace(from, to));
        assert_eq!(faults(&events), [expected]);
        assert_eq!(records(&events).len(), 7, "{to}");
    }
}

#[test]
fn a_balance_history_is_a_ledger_with_a_column_for_payouts() {
    let text = "\
id,Type,Source,Amount,Fee,Net,Currency,Created (UTC),Available On (UTC),Description,Customer Facing Amount,Customer Facing Currency,Transfer,Transfer Date (UTC),Transfer Group,order_id (metadata)
txn_4,payout,po_7,-116.22,0.00,-116.22,usd,2024-09-05 14:03,2024-09-05 00:00,STRIPE PAYOUT,,,po_7,2024-09-06 00:00,,
txn_3,adjustment,du_3,\"-1,000.00\",15.00,\"-1,015.00\",usd,2024-09-04 14:03,2024-09-05 00:00,Chargeback withdrawal for ch_3,,,,,,
txn_1,charge,ch_1,120.00,3.78,116.22,usd,2024-09-01 14:03,2024-09-03 00:00,Course,120.00,usd,po_7,2024-09-06 00:00,,77
";
    let (format, events) = read(text);
    assert_eq!(format, "stripe.balance-history");
    let records = records(&events);
    assert_eq!((records[1].kind, records[1].amount.to_string()), (Kind::Chargeback, "-1000.00".to_owned()));
    assert_eq!((records[2].own_id.as_str(), records[2].batch_id.as_str()), ("77", "po_7"));
    assert_eq!(
        checks(&events),
        ["rows whose net is gross less fee: 3 of 3", "payouts that are the sum of their rows: 1 of 1"]
    );
}

#[test]
fn payments_are_in_the_currency_of_the_balance_where_that_is_told() {
    let text = "\
id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Converted Amount Refunded,Converted Currency,Decline Reason,Description,Fee,Taxes On Fee,Status,Customer Email,PaymentIntent ID,Transfer
ch_1,2024-03-01 10:00:00,\"10,00\",\"0,00\",usd,true,\"9,20\",\"0,00\",eur,,First,\"0,50\",\"0,10\",Paid,a@example.org,pi_1,po_1
ch_2,2024-03-01 11:00:00,5.00,5.00,eur,true,5.00,5.00,eur,,,0.30,0.00,Refunded,,pi_2,
ch_3,2024-03-01 12:00:00,5.00,0.00,eur,false,5.00,0.00,eur,insufficient_funds,,0.00,0.00,Failed,,pi_3,
ch_4,2024-03-01 13:00:00,800,0,jpy,false,800,0,jpy,,,0,0,Paid,,pi_4,
";
    let (format, events) = read(text);
    assert_eq!((format.as_str(), faults(&events).len()), ("stripe.payments", 0));
    let records = records(&events);
    let told: Vec<_> = records
        .iter()
        .map(|r| {
            format!(
                "{} {} fee {} net {} {}",
                r.amount,
                r.currency,
                r.fee.unwrap(),
                r.net.unwrap(),
                r.status.name()
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "9.20 EUR fee 0.60 net 8.60 booked",
            "5.00 EUR fee 0.30 net 4.70 booked",
            "5.00 EUR fee 0.00 net 5.00 failed",
            "800 JPY fee 0 net 800 pending",
        ]
    );
    assert_eq!(records[1].notes, ["5.00 of 5.00 EUR were refunded since"]);
    assert_eq!(records[0].batch_id, "po_1");
}

#[test]
fn tables_of_objects_are_in_minor_units_and_disputes_are_information() {
    let (format, events) = read(&String::from_utf8(bytes("stripe/fivetran__dispute_data.csv")).unwrap());
    assert_eq!(format, "stripe.objects");
    let disputes = records(&events);
    assert!(disputes.iter().all(|r| r.status == Status::Information && r.kind == Kind::Chargeback));
    assert_eq!(disputes[0].amount.to_string(), "-12.34");
    let (_, events) =
        read(&String::from_utf8(bytes("stripe/fivetran__balance_transaction_data.csv")).unwrap());
    assert_eq!(
        checks(&events),
        ["rows whose net is gross less fee: 9 of 9", "payouts that are the sum of their rows: 1 of 1"]
    );
    // The same with the payout's net changed shows the row.
    let text = String::from_utf8(bytes("stripe/fivetran__balance_transaction_data.csv")).unwrap();
    let (_, events) = read(&text.replace(",0,-18759,", ",0,0,"));
    assert_eq!(failing(&events)[0], "line 2: net of the row: declared 0.00, computed -187.59");
}

#[test]
fn tables_that_are_not_whole_units_or_not_stripes_are_refused() {
    for text in [
        "id,amount,currency,fee,net,type,source\ntxn_1,10.00,usd,1,9,charge,ch_1\n",
        "id,amount,currency,fee,net,type,source\nx1,1000,usd,100,900,charge,ch_1\n",
        "date,currency,net,name\n2024-01-01,EUR,1.00,x\n",
        "payout_id,_fivetran_synced,balance_transaction_id\npo_1,2021-01-24 20:21:25,txn_1\n",
    ] {
        let error = crate::golden::events(text.as_bytes()).unwrap_err();
        assert!(error.starts_with("no known format"), "{error}: {text}");
    }
}

proptest! {
    #[test]
    fn mutated_reports_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        never_panics("stripe.report", REPORT, at, byte, cut);
        never_panics("stripe.objects", REPORT, at, byte, cut);
        never_panics("stripe.payments", REPORT, at, byte, cut);
    }
}
