//! PayPal: reports written after its specifications.

use crate::kit::{checks, failing, faults, never_panics, read, records};
use proptest::prelude::*;
use suanpan_formats::{Direction, Event, Kind, Status};

/// Two currencies, so that the yen show that they have two decimals as all others.
const SETTLEMENT: &str = "\
\"RH\",2024/08/21 02:44:19 -0700,\"A\",\"ACCOUNT123456\",009,
\"FH\",01
\"SH\",2024/08/20 00:00:00 -0700,2024/08/20 23:59:59 -0700,\"ACCOUNT123456\",\"\"
\"CH\",\"Transaction ID\",\"Invoice ID\",\"PayPal Reference ID\",\"PayPal Reference ID Type\",\"Transaction Event Code\",\"Transaction Initiation Date\",\"Transaction Completion Date\",\"Transaction Debit or Credit\",\"Gross Transaction Amount\",\"Gross Transaction Currency\",\"Fee Debit or Credit\",\"Fee Amount\",\"Fee Currency\",\"Custom Field\",\"Consumer ID\",\"Payment Tracking ID\",\"Store ID\",\"Bank Reference ID\",\"Credit Transactional Fee\",\"Credit Promotional Fee\",\"Credit Term\"
\"SB\",\"1AB\",\"INV-1\",\"B-9\",\"PAP\",\"T0003\",2024/08/20 00:01:17 -0700,2024/08/20 00:01:17 -0700,\"CR\",10000,\"USD\",\"DR\",320,\"USD\",\"c, one\",\"PAYER1\",\"\",\"\",\"\",,,
\"SB\",\"2AB\",\"INV-1\",\"1AB\",\"TXN\",\"T1107\",2024/08/20 01:00:00 -0700,2024/08/20 01:00:00 -0700,\"DR\",2500,\"USD\",\"CR\",80,\"USD\",\"\",\"PAYER1\",\"\",\"\",\"\",,,
\"SB\",\"3AB\",\"\",\"1AB\",\"TXN\",\"T1201\",2024/08/20 02:00:00 -0700,2024/08/20 02:00:00 -0700,\"DR\",7500,\"USD\",\"\",,\"\",\"own-3\",\"\",\"\",\"\",\"\",,,
\"SB\",\"4AB\",\"INV-4\",\"\",\"\",\"T0006\",2024/08/20 03:00:00 -0700,2024/08/20 03:00:00 -0700,\"CR\",15000,\"JPY\",\"DR\",600,\"JPY\",\"\",\"\",\"\",\"\",\"\",,,
\"SB\",\"5AB\",\"\",\"\",\"\",\"T0400\",2024/08/20 04:00:00 -0700,2024/08/20 04:00:00 -0700,\"DR\",5000,\"USD\",\"\",,\"\",\"\",\"\",\"\",\"\",\"BANK77\",,,
\"SF\",\"USD\",10000,15000,80,320,\"CR\",20000,\"CR\",14760,\"CR\",21000,\"CR\",15760,\"CR\",0,\"CR\",0,4
\"SF\",\"JPY\",15000,0,0,600,\"DR\",400,\"CR\",14000,\"CR\",0,\"CR\",14400,\"CR\",0,\"CR\",0,1
\"SC\",5
\"RF\",\"USD\",10000,15000,80,320,\"CR\",20000,\"CR\",14760,\"CR\",21000,\"CR\",15760,\"CR\",0,\"CR\",0,4
\"RF\",\"JPY\",15000,0,0,600,\"DR\",400,\"CR\",14000,\"CR\",0,\"CR\",14400,\"CR\",0,\"CR\",0,1
\"RC\",5
\"FF\",5
";

#[test]
fn a_settlement_report_ties() {
    let (format, events) = read(SETTLEMENT);
    assert_eq!(format, "paypal.settlement");
    assert_eq!(faults(&events), Vec::<String>::new());
    let told: Vec<_> = records(&events)
        .iter()
        .map(|r| {
            let fee = r.fee.map_or("none".to_owned(), |fee| fee.to_string());
            format!(
                "{} {} {} fee {fee} {} {} of {}",
                r.kind.name(),
                r.amount,
                r.currency,
                r.id,
                r.own_id,
                r.original_id
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "payment 100.00 USD fee 3.20 1AB INV-1 of ",
            "refund -25.00 USD fee -0.80 2AB INV-1 of 1AB",
            "chargeback -75.00 USD fee none 3AB own-3 of 1AB",
            "payment 150.00 JPY fee 6.00 4AB INV-4 of ",
            "withdrawal -50.00 USD fee none 5AB  of ",
        ]
    );
    let records = records(&events);
    assert_eq!(records[0].net.unwrap().to_string(), "96.80");
    assert_eq!(records[1].net.unwrap().to_string(), "-24.20");
    assert_eq!(records[0].time.unwrap().to_string(), "2024-08-20T00:01:17-07:00");
    assert_eq!(records[0].account, "ACCOUNT123456");
    assert_eq!((records[0].place.page, records[0].place.line), (1, 5));
    assert!(records[4].details.contains(&("Bank Reference ID".to_owned(), "BANK77".to_owned())));
    assert!(!records[0].details.iter().any(|(name, _)| name == "CH"));
    let Event::Statement(statement) = &events[0] else { panic!("{events:?}") };
    assert_eq!(statement.from.unwrap().to_string(), "2024-08-20");
    assert_eq!(failing(&events), Vec::<String>::new());
    let checks = checks(&events);
    assert_eq!(checks.len(), 6 * 4 + 3);
    assert_eq!(checks[4], "ending available balance of the section in USD: 147.60 of 147.60");
    assert_eq!(checks[10], "ending available balance of the section in JPY: 140.00 of 140.00");
    assert_eq!(checks[12], "rows of the section: 5 of 5");
}

#[test]
fn a_changed_amount_and_a_missing_row_show() {
    let (_, events) = read(&SETTLEMENT.replace("\"CR\",10000,\"USD\"", "\"CR\",10001,\"USD\""));
    assert_eq!(
        failing(&events),
        [
            "line 10: gross credits of the section in USD: declared 100.00, computed 100.01",
            "line 10: ending available balance of the section in USD: declared 147.60, computed 147.61",
            "line 13: gross credits of the report in USD: declared 100.00, computed 100.01",
            "line 13: ending available balance of the report in USD: declared 147.60, computed 147.61",
        ]
    );
    let line = SETTLEMENT.lines().find(|line| line.contains("\"2AB\"")).unwrap();
    let (_, events) = read(&SETTLEMENT.replace(&format!("{line}\n"), ""));
    assert!(failing(&events).contains(&"line 11: rows of the section: declared 5, computed 4".to_owned()));
    let cut = &SETTLEMENT[..SETTLEMENT.find("\"SF\"").unwrap()];
    let (_, events) = read(cut);
    assert_eq!(failing(&events), ["line 9: end of the section: declared a row SC, computed none"]);
}

#[test]
fn tabs_and_cells_without_quotes_give_the_same() {
    let plain = SETTLEMENT.replace("\"c, one\"", "\"c one\"");
    let (_, expected) = read(&plain);
    let bare = plain.replace('"', "");
    let tabs = plain.replace(',', "\t");
    let crlf = format!("\u{feff}{}", plain.replace('\n', "\r\n"));
    for text in [bare, tabs, crlf] {
        let (format, events) = read(&text);
        assert_eq!(format, "paypal.settlement");
        assert_eq!(records(&events).len(), 5);
        for (one, other) in records(&events).into_iter().zip(records(&expected)) {
            let mut one = one.clone();
            one.raw.clone_from(&other.raw);
            assert_eq!(&one, other);
        }
        assert_eq!(checks(&events), checks(&expected));
    }
}

/// Two accounts, a pending payment, an authorisation and one that was denied.
const DETAIL: &str = "\
\"RH\",2016/09/22 07:37:08 -0700,\"A\",\"MAIN\",011,
\"FH\",01
\"SH\",2016/09/21 00:00:00 -0700,2016/09/21 23:59:59 -0700,\"FIRST\",\"\"
\"CH\",\"Transaction ID\",\"Invoice ID\",\"PayPal Reference ID\",\"PayPal Reference ID Type\",\"Transaction Event Code\",\"Transaction Initiation Date\",\"Transaction Completion Date\",\"Transaction  Debit or Credit\",\"Gross Transaction Amount\",\"Gross Transaction Currency\",\"Fee Debit or Credit\",\"Fee Amount\",\"Fee Currency\",\"Transactional Status\",\"Insurance Amount\",\"Transaction Subject\",\"Transaction Note\",\"Payer's Account ID\",\"Item Name\"
\"SB\",\"A1\",\"1.0\",\"\",\"\",\"T0006\",\"2016/09/21 10:00:00 -0700\",\"2016/09/21 10:00:00 -0700\",\"CR\",\"100\",\"USD\",\"DR\",\"34\",\"USD\",\"S\",\"0\",\"Gift\",\"\",\"a@example.org\",\"\"
\"SB\",\"A2\",\"2.0\",\"\",\"\",\"T1300\",\"2016/09/21 10:00:00 -0700\",\"2016/09/21 10:00:00 -0700\",\"DR\",\"500\",\"USD\",\"\",\"0\",\"USD\",\"S\",\"0\",\"\",\"\",\"\",\"\"
\"SB\",\"A3\",\"3.0\",\"\",\"\",\"T0006\",\"2016/09/21 10:00:00 -0700\",\"2016/09/21 10:00:00 -0700\",\"CR\",\"200\",\"USD\",\"\",\"\",\"\",\"P\",\"0\",\"\",\"\",\"\",\"\"
\"SF\",\"USD\",\"300\",\"500\",\"0\",\"34\",\"3\"
\"SC\",\"3\"
\"SH\",2016/09/21 00:00:00 -0700,2016/09/21 23:59:59 -0700,\"SECOND\",\"\"
\"CH\",\"Transaction ID\",\"Transaction Event Code\",\"Transaction Initiation Date\",\"Transaction Debit or Credit\",\"Gross Transaction Amount\",\"Gross Transaction Currency\",\"Transactional Status\"
\"SB\",\"B1\",\"T0000\",\"2016/09/21 10:00:00 -0700\",\"CR\",\"700\",\"EUR\",\"D\"
\"SF\",\"EUR\",\"700\",\"0\",\"0\",\"0\",\"1\"
\"SC\",\"1\"
\"RF\",\"USD\",\"300\",\"500\",\"0\",\"34\",\"3\"
\"RF\",\"EUR\",\"700\",\"0\",\"0\",\"0\",\"1\"
\"RC\",\"4\"
\"FF\",\"18\"
";

#[test]
fn a_detail_report_has_sections_of_their_own_columns_and_states() {
    let (format, events) = read(DETAIL);
    assert_eq!(format, "paypal.transaction-detail");
    assert_eq!(faults(&events), Vec::<String>::new());
    let told: Vec<_> = records(&events)
        .iter()
        .map(|r| {
            format!("{} {} {} {} {}", r.account, r.kind.name(), r.status.name(), r.amount, r.description)
        })
        .collect();
    assert_eq!(
        told,
        [
            "FIRST payment booked 1.00 Gift",
            "FIRST notice information 5.00 ",
            "FIRST payment pending 2.00 ",
            "SECOND payment failed 7.00 ",
        ]
    );
    assert_eq!(records(&events)[1].direction, Direction::Neutral);
    assert_eq!(records(&events)[3].place.page, 2);
    assert_eq!(failing(&events), Vec::<String>::new());
}

#[test]
fn footers_of_a_report_of_several_files_are_left_alone() {
    let text = SETTLEMENT.replace("\"FH\",01", "\"FH\",02").replace("\"RC\",5", "\"RC\",2000005");
    let start = text.find("\"FH\"").unwrap();
    let (_, events) = read(&text[start..]);
    assert_eq!(failing(&events), Vec::<String>::new());
    assert_eq!(checks(&events).len(), 6 * 2 + 2);
}

#[test]
fn a_day_without_movements_still_compares_its_balances() {
    let text = "\
\"RH\",2024/08/21 17:41:54 +0400,\"R\",\"ACCOUNT\",009,
\"FH\",01
\"SH\",2024/08/20 00:00:00 +0400,2024/08/20 23:59:59 +0400,\"ACCOUNT\",\"\"
\"SF\",\"USD\",0,0,0,0,\"CR\",500,\"CR\",600,\"CR\",0,\"CR\",0,\"CR\",0,\"CR\",0,8
\"SC\",0
";
    let (format, events) = read(text);
    assert_eq!(format, "paypal.settlement");
    assert_eq!(
        failing(&events),
        [
            "line 4: ending available balance of the section in USD: declared 6.00, computed 5.00",
            "line 4: rows of the section in USD: declared 8, computed 0",
        ]
    );
}

#[test]
fn a_bad_row_is_a_fault_and_the_others_stay() {
    for (from, to, expected) in [
        (
            "\"CR\",10000,\"USD\"",
            "\"CR\",100.00,\"USD\"",
            "line 5, column 10: Gross Transaction Amount is not a whole number: `100.00`",
        ),
        (
            "\"CR\",10000,\"USD\"",
            "\"CR\",-10000,\"USD\"",
            "line 5, column 10: Gross Transaction Amount has a sign, though its direction stands beside it: `-10000`",
        ),
        (
            "\"CR\",10000,\"USD\"",
            "\"XX\",10000,\"USD\"",
            "line 5, column 9: Transaction Debit or Credit is neither DR for debit nor CR for credit: `XX`",
        ),
        (
            "2024/08/20 00:01:17 -0700,2024",
            "2024/08/20 00:01:17 -07x0,2024",
            "line 5, column 7: Transaction Initiation Date has no distance from UTC such as -0700: `2024/08/20 00:01:17 -07x0`",
        ),
    ] {
        let (_, events) = read(&SETTLEMENT.replace(from, to));
        assert_eq!(faults(&events), [expected]);
        assert_eq!(records(&events).len(), 4, "{to}");
    }
    let (_, events) = read(&SETTLEMENT.replace("\"SC\",5", "\"XX\",5"));
    assert_eq!(faults(&events).len(), 1);
    let (_, events) = read(&SETTLEMENT.replace("\"SC\",5", "\"SC\",five"));
    assert_eq!(faults(&events), ["line 12, column 2: SC is not a count: `five`"]);
}

#[test]
fn other_reports_of_the_same_shape_are_refused() {
    let text = SETTLEMENT.replace("\"Gross Transaction Amount\"", "\"Case Amount\"");
    assert!(crate::golden::events(text.as_bytes()).unwrap_err().starts_with("no known format"));
    let status = records(&read(DETAIL).1)[0].status;
    assert_eq!((status, records(&read(DETAIL).1)[0].kind), (Status::Booked, Kind::Payment));
}

proptest! {
    #[test]
    fn mutated_reports_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        never_panics("paypal.settlement", SETTLEMENT, at, byte, cut);
        never_panics("paypal.transaction-detail", DETAIL, at, byte, cut);
    }
}

#[test]
fn bodies_alone_are_read_too() {
    let start = SETTLEMENT.find("\"CH\"").unwrap();
    let end = SETTLEMENT.find("\"SF\"").unwrap();
    let (format, events) = read(&SETTLEMENT[start..end]);
    assert_eq!((format.as_str(), records(&events).len()), ("paypal.settlement", 5));
    assert_eq!(checks(&events), Vec::<String>::new());
}

#[test]
fn a_fee_of_another_currency_stays_out_of_the_net() {
    let text = SETTLEMENT.replace("\"USD\",\"DR\",320,\"USD\"", "\"USD\",\"DR\",320,\"EUR\"");
    let (_, events) = read(&text);
    let records = records(&events);
    assert_eq!((records[0].fee, records[0].net), (None, None));
    assert_eq!(records[0].notes, ["the fee is of another currency than the amount: EUR"]);
    assert!(records[0].details.contains(&("Fee Amount".to_owned(), "320".to_owned())));
    assert_eq!(failing(&events)[0], "line 10: fee debits of the section in USD: declared 3.20, computed 0");
}
