//! Bills of Alipay for merchants. No sample of one is at hand: these are written after the documents.

use crate::golden::events;
use proptest::prelude::*;
use suanpan_formats::{Check, Event, Record};

fn records(events: &[Event]) -> Vec<Record> {
    let record = |event: &Event| match event {
        Event::Record(record) => Some((**record).clone()),
        _ => None,
    };
    events.iter().filter_map(record).collect()
}

fn failing(events: &[Event]) -> Vec<Check> {
    let check = |event: &Event| match event {
        Event::Check(check) if !check.agrees => Some(check.clone()),
        _ => None,
    };
    events.iter().filter_map(check).collect()
}

fn checks(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::Check(_))).count()
}

/// Encodes as the bills are.
fn gbk(text: &str) -> Vec<u8> {
    encoding_rs::GB18030.encode(text).0.into_owned()
}

/// A trade bill; `sign` is what refunds are written with.
fn trade(sign: &str) -> String {
    format!(
        "#支付宝业务明细查询\n#账号：[20881234567890120156]\n#起始日期：[2026年11月25日 00:00:00]   终止日期：[2026年11月26日 00:00:00]\n#-----------------------------------------业务明细列表----------------------------------------\n支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注\n2026112522001400001\t,A1\t,交易    ,\"茶叶, 绿\",2026-11-25 10:00:00,2026-11-25 10:00:05,,,,,*明(186****0000),100.00,100.00,0.00,0.00,0.00,0.00,0.00,,0.00,0.00,,-0.60,0.00,\n2026112522001400002\t,A2\t,交易    ,杯子,2026-11-25 11:00:00,2026-11-25 11:00:05,,,,,b@x.cn,50.50,50.00,0.00,0.00,0.00,0.50,0.00,,0.00,0.00,,-0.30,0.00,\n2026112522001400001\t,A1\t,退款    ,茶叶,2026-11-25 12:00:00,2026-11-25 12:00:05,,,,,*明(186****0000),{sign}40.00,{sign}40.00,0.00,0.00,0.00,0.00,0.00,,0.00,0.00,R1\t,0.24,0.00,\n#-----------------------------------------业务明细列表结束------------------------------------\n#交易合计：2笔，商家实收共150.00元，商家优惠共0.50元\n#退款合计：1笔，商家实收退款共{sign}40.00元，商家优惠退款共0.00元\n#导出时间：[2026年11月26日 09:00:00]\n"
    )
}

#[test]
fn a_trade_bill_ties_whatever_sign_its_refunds_have() {
    for sign in ["-", ""] {
        let (format, events) = events(&gbk(&trade(sign))).unwrap();
        assert_eq!(format, "alipay.trade-bill");
        assert_eq!((checks(&events), failing(&events)), (6, Vec::new()));
        let records = records(&events);
        let told: Vec<_> = records
            .iter()
            .map(|r| {
                (r.own_id.as_str(), r.order_id.as_str(), r.amount.to_string(), r.net.unwrap().to_string())
            })
            .collect();
        assert_eq!(
            told,
            [
                ("A1", "A1", "100.00".to_owned(), "99.40".to_owned()),
                ("A2", "A2", "50.00".to_owned(), "49.70".to_owned()),
                ("R1", "A1", "-40.00".to_owned(), "-39.76".to_owned())
            ]
        );
        assert_eq!((records[0].description.as_str(), records[0].place.line), ("茶叶, 绿", 6));
        assert_eq!(records[2].time.unwrap().to_string(), "2026-11-25T12:00:05+08:00");
    }
    let changed = trade("").replace("100.00,100.00", "100.00,100.01");
    let events = events(changed.as_bytes()).unwrap().1;
    assert_eq!(failing(&events)[0].difference, "-0.01");
}

fn fund(rows: &[&str]) -> String {
    format!(
        "#支付宝账务明细查询\n#账号：[20881234567890120156]\n#起始日期：[2026年11月25日 00:00:00]   终止日期：[2026年11月26日 00:00:00]\n#-----账务明细列表-----\n账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,账户余额（元）,交易渠道,业务类型,备注\n{}\n#-----账务明细列表结束-----\n#支出合计：2笔，共-40.60元\n#收入合计：1笔，共100.00元\n#导出时间：[2026年11月26日 09:00:00]\n",
        rows.join("\n")
    )
}

const ROWS: [&str; 3] = [
    "1001\t,2026112522001400001\t,A1\t,茶叶,2026-11-25 10:00:05,*明,100.00,0.00,300.00,支付宝,在线支付,",
    "1002\t,2026112522001400001\t,A1\t,茶叶,2026-11-25 10:00:06,*明,0.00,-0.60,299.40,支付宝,收费,服务费",
    "1003\t,2026112522001400001\t,A1\t,茶叶,2026-11-25 12:00:05,*明,,-40.00,259.40,支付宝,交易退款,",
];

#[test]
fn the_balance_of_a_fund_bill_is_followed_in_either_order() {
    let mut turned = ROWS;
    turned.reverse();
    for rows in [ROWS, turned] {
        let (format, good) = events(&gbk(&fund(&rows))).unwrap();
        assert_eq!((format.as_str(), checks(&good), failing(&good)), ("alipay.fund-bill", 5, Vec::new()));
        let torn = fund(&rows).replace("299.40", "299.41");
        assert!(!failing(&events(&gbk(&torn)).unwrap().1).is_empty());
    }
    let both = fund(&ROWS).replace(",100.00,0.00,300.00", ",100.00,-1.00,300.00");
    let read = events(&gbk(&both)).unwrap().1;
    assert_eq!(records(&read).len(), 2);
    assert!(read.iter().any(|event| matches!(event, Event::Fault(fault) if fault.place.line == 6)));
}

#[test]
fn bills_of_sums_never_count() {
    let text = "#支付宝业务汇总查询\n#账号：[20881234567890120156]\n门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,实收净额（元）\n合计,,2,1,150.50,150.00,110.00\n";
    let (format, events) = events(&gbk(text)).unwrap();
    assert_eq!(format, "alipay.trade-totals");
    assert_eq!(records(&events)[0].status.name(), "information");
}

proptest! {
    #[test]
    fn damaged_bills_never_panic(at in 0_usize..2_000, byte in any::<u8>(), cut in 0_usize..2_000) {
        let mut bytes = if at % 2 == 0 { gbk(&trade("-")) } else { gbk(&fund(&ROWS)) };
        let len = bytes.len();
        bytes[at % len] = byte;
        bytes.truncate(cut.max(10));
        let _ = events(&bytes);
    }
}
