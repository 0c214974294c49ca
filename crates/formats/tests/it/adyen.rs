//! Adyen: reports written after its documentation of their columns.

use crate::kit::{checks, failing, faults, never_panics, read, records};
use proptest::prelude::*;
use suanpan_formats::{Direction, Kind, Status};

const HEADER: &str = "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,Net Debit (NC),Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Payment Method Variant,Modification Merchant Reference,Batch Number,Reserved4,Reserved5\n";

/// A batch with each kind of entry, that comes to nothing. The first entry has the numbers of a real one:
/// 1.00 less 0.02 less 0.22 is 0.76.
const ROWS: &str = "\
Co,Shop,8815000000000001,ORDER-1,visa,2023-03-09 10:01:02,PST,Settled,8825000000000001,USD,,1.00,1,USD,,0.76,,,0.02,0.22,visacredit,,47,,
Co,Shop,8815000000000002,ORDER-2,mc,2023-03-13 10:01:02,PDT,Settled,8825000000000002,EUR,,10.00,1.1,USD,,10.70,0.10,0.10,0.05,0.05,mc,,47,,
Co,Shop,8815000000000003,ORDER-3,ideal,2023-03-09 11:00:00,CET,Settled,8815000000000003,USD,,20.00,1,USD,,19.90,0.10,,,,ideal,,47,x,
Co,Shop,8815000000000003,ORDER-3,ideal,2023-03-10 11:00:00,CET,Refunded,8825000000000003,USD,5.00,,1,USD,5.10,,0.10,,,,ideal,RETURN-3,47,,
Co,Shop,8815000000000001,ORDER-1,visa,2023-03-11 00:00:00,PST,Chargeback,8825000000000004,USD,1.00,,1,USD,11.00,,,10.00,,,visacredit,,47,,
Co,Shop,8815000000000001,ORDER-1,visa,2023-03-12 12:00:00,UTC,ChargebackReversed,8825000000000005,USD,,1.00,1,USD,,1.00,,,,,visacredit,,47,,
Co,Shop,,,,2023-03-12 12:00:00,AEST,Fee,Transaction Fees March 2023,,,,,USD,0.26,,,,,,,,47,,
Co,Shop,,,,2023-03-13 12:00:00,CEST,MerchantPayout,\"TX9K, batch 47\",,,,,USD,16.00,,,,,,,,47,,
";

fn report() -> String {
    format!("{HEADER}{ROWS}")
}

#[test]
fn a_batch_has_ids_kinds_zones_and_comes_to_nothing() {
    let (format, events) = read(&report());
    assert_eq!(format, "adyen.settlement-details");
    assert_eq!(faults(&events), Vec::<String>::new());
    let records = records(&events);
    let told: Vec<_> = records
        .iter()
        .map(|r| {
            let fee = r.fee.map_or("none".to_owned(), |fee| fee.to_string());
            format!(
                "{} {} fee {fee} net {} id {} own {} of {}",
                r.kind.name(),
                r.amount,
                r.net.unwrap(),
                r.id,
                r.own_id,
                r.original_id
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "payment 1.00 fee 0.24 net 0.76 id 8815000000000001 own ORDER-1 of ",
            "payment 11.00 fee 0.30 net 10.70 id 8815000000000002 own ORDER-2 of ",
            "payment 20.00 fee 0.10 net 19.90 id 8815000000000003 own ORDER-3 of ",
            "refund -5.00 fee 0.10 net -5.10 id 8825000000000003 own RETURN-3 of 8815000000000003",
            "chargeback -1.00 fee 10.00 net -11.00 id 8825000000000004 own ORDER-1 of 8815000000000001",
            "chargeback_reversal 1.00 fee 0 net 1.00 id 8825000000000005 own ORDER-1 of 8815000000000001",
            "fee -0.26 fee none net -0.26 id  own  of ",
            "payout -16.00 fee none net -16.00 id TX9K, batch 47 own  of ",
        ]
    );
    assert_eq!(records[3].order_id, "ORDER-3");
    let times: Vec<_> = records.iter().map(|r| r.time.unwrap().to_string()).collect();
    assert_eq!(times[0], "2023-03-09T10:01:02-08:00");
    assert_eq!(times[1], "2023-03-13T10:01:02-07:00");
    assert_eq!(times[2], "2023-03-09T11:00:00+01:00");
    assert_eq!(times[6], "2023-03-12T12:00:00+10:00");
    assert_eq!(records[6].description, "Transaction Fees March 2023");
    assert_eq!((records[0].batch_id.as_str(), records[0].account.as_str()), ("47", "Shop"));
    assert_eq!(records[1].notes.len(), 1);
    assert!(records[1].details.contains(&("Gross Credit (GC)".to_owned(), "10.00".to_owned())));
    assert!(records[2].details.contains(&("Reserved4".to_owned(), "x".to_owned())));
    assert_eq!(
        checks(&events),
        [
            "entries whose net is gross less costs: 5 of 5",
            "sum of the nets of batch 47 in USD, payout included: 0.00 of 0",
        ]
    );
}

#[test]
fn a_changed_amount_and_a_missing_payout_show() {
    let (_, events) = read(&report().replace(",19.90,", ",19.80,"));
    assert_eq!(
        failing(&events),
        [
            "line 4: net of the entry: declared 19.80, computed 19.90",
            "line 9: entries whose net is gross less costs: declared 5, computed 4",
            "line 9: sum of the nets of batch 47 in USD, payout included: declared 0, computed -0.10",
        ]
    );
    let text = report();
    let cut = &text[..text.find("Co,Shop,,,,2023-03-13").unwrap()];
    let (_, events) = read(cut);
    assert_eq!(
        failing(&events),
        ["line 8: sum of the nets of batch 47 in USD, payout included: declared 0, computed 16.00"]
    );
}

#[test]
fn words_of_entries_have_kinds() {
    for (word, kind, status) in [
        ("SettledBulk", Kind::Payment, Status::Booked),
        ("SettledInInstallments", Kind::Payment, Status::Booked),
        ("RefundedBulk", Kind::Refund, Status::Booked),
        ("SettledExternallyWithInfo", Kind::Payment, Status::Information),
        ("RefundedExternally", Kind::Refund, Status::Information),
        ("SecondChargeback", Kind::Chargeback, Status::Booked),
        ("RefundedReversed", Kind::Return, Status::Booked),
        ("InvoiceDeduction", Kind::Fee, Status::Booked),
        ("DepositCorrection", Kind::Reserve, Status::Booked),
        ("Balancetransfer", Kind::Transfer, Status::Booked),
        ("SomethingNew", Kind::Other, Status::Booked),
    ] {
        let row =
            format!("Co,Shop,1,O,visa,2023-03-09 10:00:00,UTC,{word},2,USD,,1.00,1,USD,,1.00,,,,,,,47,,\n");
        let (_, events) = read(&format!("{HEADER}{row}"));
        let records = records(&events);
        assert_eq!((records[0].kind, records[0].status), (kind, status), "{word}");
    }
}

#[test]
fn a_bad_row_is_a_fault_and_the_others_stay() {
    for (from, to, expected) in [
        (",20.00,1,", ",20.0.0,1,", "line 4, column 12: Gross Credit (GC) is not an amount: `20.0.0`"),
        (
            ",,20.00,1,USD,,19.90,",
            ",,,1,USD,,,",
            "line 4, column 16: Net Credit (NC) is empty, and so is the debit",
        ),
        (
            "2023-03-09 11:00:00",
            "09/03/2023",
            "line 4, column 6: Creation Date is not a date and time: `09/03/2023`",
        ),
    ] {
        let (_, events) = read(&report().replace(from, to));
        assert_eq!(faults(&events), [expected]);
        assert_eq!(records(&events).len(), 7, "{to}");
    }
}

#[test]
fn what_others_paid_only_tells_and_is_in_no_batch() {
    let row = "Co,Shop,8815000000000009,ORDER-9,giro,2023-03-09 10:00:00,UTC,SettledExternallyWithInfo,,EUR,,9.00,,,,,,,,,giro,,47,,\n";
    let (_, events) = read(&format!("{}{row}", report()));
    assert_eq!((faults(&events).len(), failing(&events).len()), (0, 0));
    let records = records(&events);
    let last = records[8];
    assert_eq!(
        (last.status, last.amount.to_string(), last.currency.code(), last.net),
        (Status::Information, "9.00".to_owned(), "EUR", None)
    );
}

/// A payment on its way to settlement, its refund, and one that was refused.
const ACCOUNTING: &str = "\
Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Booking Date,TimeZone,Main Currency,Main Amount,Record Type,Payment Currency,Received (PC),Authorized (PC),Captured (PC),Settlement Currency,Payable (SC),Commission (SC),Markup (SC),Scheme Fees (SC),Interchange (SC),Processing Fee Currency,Processing Fee (FC),User Name,Payment Method Variant,Modification Merchant Reference,Modification Psp Reference
Co,Shop,881A,ORDER-1,visa,2023-07-09 10:00:00,CEST,EUR,40.00,Received,EUR,40.00,,,,,,,,,EUR,0.10,ws,visacredit,,
Co,Shop,881A,ORDER-1,visa,2023-07-09 10:00:01,CEST,EUR,40.00,Authorised,EUR,-40.00,40.00,,,,,,,,,,ws,visacredit,,
Co,Shop,881A,ORDER-1,visa,2023-07-09 11:00:00,CEST,EUR,40.00,SentForSettle,EUR,,-40.00,40.00,,,,,,,,,ws,visacredit,,882A
Co,Shop,881A,ORDER-1,visa,2023-07-11 11:00:00,CEST,EUR,40.00,Settled,EUR,,,-40.00,EUR,39.20,,0.50,0.10,0.20,,,system,visacredit,,882A
Co,Shop,881A,ORDER-1,visa,2023-07-12 09:00:00,CEST,EUR,10.00,SentForRefund,EUR,,,-10.00,,,,,,,,,ws,visacredit,BACK-1,883A
Co,Shop,881A,ORDER-1,visa,2023-07-13 09:00:00,CEST,EUR,10.00,Refunded,EUR,,,10.00,EUR,-10.00,,,,,,,system,visacredit,BACK-1,883A
Co,Shop,881B,ORDER-2,mc,2023-07-13 10:00:00,CEST,EUR,7.00,Refused,EUR,-7.00,,,,,,,,,,,ws,mc,,
";

#[test]
fn only_steps_into_payable_are_booked() {
    let (format, events) = read(ACCOUNTING);
    assert_eq!(format, "adyen.payment-accounting");
    let told: Vec<_> = records(&events)
        .iter()
        .map(|r| format!("{} {} {} {} {}", r.status.name(), r.kind.name(), r.amount, r.id, r.own_id))
        .collect();
    assert_eq!(
        told,
        [
            "information payment 40.00 881A ORDER-1",
            "information payment 40.00 881A ORDER-1",
            "information payment 40.00 881A ORDER-1",
            "booked payment 40.00 881A ORDER-1",
            "information refund -10.00 883A BACK-1",
            "booked refund -10.00 883A BACK-1",
            "failed payment 7.00 881B ORDER-2",
        ]
    );
    assert_eq!(records(&events)[4].direction, Direction::Out);
    assert_eq!(checks(&events), ["booked steps whose payable is captured less costs: 2 of 2"]);
    let (_, events) = read(&ACCOUNTING.replace(",39.20,", ",39.10,"));
    assert_eq!(failing(&events).len(), 2);
    // What puts nothing into Payable moves nothing.
    let (_, events) = read(&ACCOUNTING.replace("EUR,39.20,,0.50,0.10,0.20", ",,,,,"));
    assert_eq!((records(&events)[3].status, records(&events)[3].fee), (Status::Information, None));
}

proptest! {
    #[test]
    fn mutated_reports_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        never_panics("adyen.settlement-details", &report(), at, byte, cut);
        never_panics("adyen.payment-accounting", ACCOUNTING, at, byte, cut);
    }
}
