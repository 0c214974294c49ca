//! Bills of WeChat Pay.

use crate::golden::{bytes, check_folder, events};
use proptest::prelude::*;
use suanpan_formats::{Check, Event, Record};

#[test]
fn samples_are_as_in_their_golden_files() {
    check_folder("wechat", |name| name.starts_with("tradebill"));
}

fn records(events: &[Event]) -> Vec<Record> {
    let record = |event: &Event| match event {
        Event::Record(record) => Some((**record).clone()),
        _ => None,
    };
    events.iter().filter_map(record).collect()
}

fn checks(events: &[Event]) -> Vec<Check> {
    let check = |event: &Event| match event {
        Event::Check(check) => Some(check.clone()),
        _ => None,
    };
    events.iter().filter_map(check).collect()
}

fn failing(events: &[Event]) -> Vec<String> {
    checks(events).into_iter().filter(|check| !check.agrees).map(|check| check.what).collect()
}

const BILL: &str = "\
\u{feff}`交易时间,`公众账号ID,`商户号,`特约商户号,`设备号,`微信订单号,`商户订单号,`用户标识,`交易类型,`交易状态,`付款银行,`货币种类,`应结订单金额,`代金券金额,`微信退款单号,`商户退款单号,`退款金额,`充值券退款金额,`退款类型,`退款状态,`商品名称,`商户数据包,`手续费,`费率,`订单金额,`申请退款金额,`费率备注
`2026-11-25 10:00:00,`wx1,`1900000109,`0,`,`4200001,`A1,`o1,`JSAPI,`SUCCESS,`CMB_DEBIT,`CNY,`100.00,`0.00,`0,`0,`0.00,`0.00,`,`,`tea, \"green\", 2 boxes,`,`0.60000,`0.60%,`100.00,`0.00,`
`2026-11-25 11:00:00,`wx1,`1900000109,`0,`,`4200002,`A2,`o2,`NATIVE,`SUCCESS,`OTHERS,`CNY,`50.50,`0.00,`0,`0,`0.00,`0.00,`,`,`cup,`,`0.30000,`0.60%,`50.50,`0.00,`
`2026-11-25 12:00:00,`wx1,`1900000109,`0,`,`4200001,`A1,`o1,`JSAPI,`REFUND,`CMB_DEBIT,`CNY,`0.00,`0.00,`5030001,`R1,`40.00,`0.00,`ORIGINAL,`SUCCESS,`tea,`,`-0.24000,`0.60%,`0.00,`40.00,`
`总交易单数,`应结订单总金额,`退款总金额,`充值券退款总金额,`手续费总金额,`订单总金额,`申请退款总金额
`3,`150.50,`40.00,`0.00,`0.66000,`150.50,`40.00
";

#[test]
fn a_whole_bill_ties_and_goods_may_hold_commas() {
    let (format, events) = events(BILL.as_bytes()).unwrap();
    assert_eq!(format, "wechat.trade-bill");
    assert_eq!((checks(&events).len(), failing(&events)), (7, Vec::<String>::new()));
    let records = records(&events);
    assert_eq!(records[0].description, "tea, \"green\", 2 boxes");
    assert_eq!(records[0].net.unwrap().to_string(), "99.40000");
    let refund = &records[2];
    let ids = [&refund.own_id, &refund.order_id, &refund.id, &refund.original_id];
    assert_eq!(ids, ["R1", "A1", "5030001", "4200001"]);
    assert_eq!(
        (refund.amount.to_string().as_str(), refund.net.unwrap().to_string().as_str()),
        ("-40.00", "-39.76000")
    );
    assert_eq!(refund.time.unwrap().to_string(), "2026-11-25T12:00:00+08:00");
}

#[test]
fn a_changed_amount_and_a_lost_row_are_seen() {
    let changed = BILL.replace("`50.50,`0.00,`0,", "`50.51,`0.00,`0,");
    assert_eq!(failing(&events(changed.as_bytes()).unwrap().1), ["应结订单总金额"]);
    let lost: String =
        BILL.lines().filter(|line| !line.contains("A2")).map(|line| format!("{line}\n")).collect();
    assert_eq!(failing(&events(lost.as_bytes()).unwrap().1).len(), 4);
    let cut: String = BILL.lines().take(4).map(|line| format!("{line}\n")).collect();
    let events = events(cut.as_bytes()).unwrap().1;
    assert!(
        events.iter().any(|event| matches!(event, Event::Fault(fault) if fault.message.contains("cut off")))
    );
}

#[test]
fn a_bad_row_is_pointed_at_and_the_others_are_read() {
    for (from, to, message) in [
        ("`100.00,`0.00,`0,", "`1O0.00,`0.00,`0,", "is not an amount"),
        ("2026-11-25 10:00:00", "yesterday", "is not a date and time"),
        ("`CNY,`100.00", "`ABC,`100.00", "is not a currency"),
        ("`0.60000,`0.60%,`100.00,`0.00,`", "`0.60000", "values where the header has 27"),
    ] {
        let (_, events) = events(BILL.replacen(from, to, 1).as_bytes()).unwrap();
        assert_eq!(records(&events).len(), 2, "{to}");
        let fault = events.iter().find_map(|event| match event {
            Event::Fault(fault) => Some(fault),
            _ => None,
        });
        let fault = fault.unwrap_or_else(|| panic!("no fault: {to}"));
        assert!(fault.message.contains(message) && fault.place.line == 2, "{fault}");
    }
}

#[test]
fn the_fund_bill_follows_its_balance() {
    let bill = "\
记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额（元）,账户结余（元）,资金变更提交申请人,备注,业务凭证号
`2026-11-25 10:00:00,`4200001,`F1,`交易,`交易,`收入,`100.00,`300.00,`system,`fee, 0.60,`A1
`2026-11-25 10:00:00,`4200001,`F2,`扣除交易手续费,`扣除交易手续费,`支出,`0.60,`299.40,`system,`,`A1
`2026-11-25 12:00:00,`5030001,`F3,`退款,`退款,`支出,`40.00,`259.40,`system,`,`R1
资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额
`3,`1,`100.00,`2,`40.60
";
    let (format, good) = events(bill.as_bytes()).unwrap();
    assert_eq!((format.as_str(), checks(&good).len(), failing(&good).len()), ("wechat.fund-bill", 6, 0));
    assert_eq!(
        records(&good).iter().map(|r| r.kind.name()).collect::<Vec<_>>(),
        ["payment", "fee", "refund"]
    );
    let torn = bill.replace("`299.40", "`299.41");
    assert_eq!(failing(&events(torn.as_bytes()).unwrap().1).len(), 3);
}

proptest! {
    #[test]
    fn damaged_bills_never_panic(at in 0_usize..2_000, byte in any::<u8>(), cut in 0_usize..2_500) {
        let mut bytes = if at % 2 == 0 { BILL.as_bytes().to_vec() } else { bytes("wechat/tradebill_all_2019.csv") };
        let len = bytes.len();
        bytes[at % len] = byte;
        bytes.truncate(cut.max(10));
        let _ = events(&bytes);
    }
}

#[test]
fn a_day_without_trades_ties() {
    let mut lines = BILL.lines().map(str::to_owned).collect::<Vec<_>>();
    lines.drain(1..4);
    lines[2] = "`0,`0.00,`0.00,`0.00,`0.00000,`0.00,`0.00".to_owned();
    let (_, events) = events(lines.join("\n").as_bytes()).expect("a file that can be read");
    assert_eq!((records(&events).len(), checks(&events).len()), (0, 7));
    assert_eq!(failing(&events), Vec::<String>::new());
}

/// As the sandbox of WeChat Pay writes its summary.
#[test]
fn totals_may_have_blanks_before_their_back_ticks() {
    let text = BILL.replace(
        "`3,`150.50,`40.00,`0.00,`0.66000,`150.50,`40.00",
        "3, `150.50, `40.00, `0.00, `0.66, `150.5, `40.0",
    );
    let (_, events) = events(text.as_bytes()).expect("a file that can be read");
    let faults = events.iter().filter(|event| matches!(event, Event::Fault(_))).count();
    assert_eq!((faults, checks(&events).len(), failing(&events).len()), (0, 7, 0));
}
