//! Targets for the readers of statements: each is given mutated files of its own format.

use crate::engine::digest;
use crate::targets::Target;
use std::mem::discriminant;
use std::ops::ControlFlow;
use suanpan_formats::{Catalogue, Event, Input, Options, read};

macro_rules! readers {
    ($($name:literal, $id:literal, $words:expr;)*) => {
        /// One target for each format whose reader is code.
        pub(crate) const TARGETS: &[Target] = &[$(Target {
            name: $name,
            words: $words,
            run: |input| statement(input, $id),
        }),*];
    };
}

const XML: &[&str] = &[
    "<Ntry>",
    "</Ntry>",
    "<Amt Ccy=\"EUR\">",
    "</Amt>",
    "<CdtDbtInd>DBIT</CdtDbtInd>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "&amp;",
    "&#x41;",
    "<Bal>",
    "</Stmt>",
    "<Stmt>",
    "9999999999999999999",
    "<?xml encoding=\"gbk\"?>",
];
const SWIFT: &[&str] = &[
    "\n:20:",
    "\n:25:",
    "\n:28C:",
    "\n:60F:C261125EUR1,",
    "\n:61:",
    "2611261126",
    "RC",
    "D1,5NTRF",
    "\n:86:",
    "?20",
    "EREF+",
    "/EREF/",
    "\n:62F:C261125EUR1,",
    "\n-\n",
    "\n:34F:EUR0,",
    "\n:90D:1EUR1,",
    "{4:",
    "-}",
];
const TABLE: &[&str] =
    &[",", "\n", "\"", "`", ",`", "0.00", "-1.50", "2026-11-25 10:00:00", "CNY", "USD", "\t", "#", ";"];

readers! {
    "camt", "iso20022.camt.053", XML;
    "mt940", "swift.mt940", SWIFT;
    "mt942", "swift.mt942", SWIFT;
    "bai2", "bai2", &["\n01,", "\n02,", "\n03,", "\n16,", "\n88,", "\n49,", "\n98,", "\n99,", "/", ",", "S,", "V,", "D,3,", "010"];
    "nacha", "nacha.ach", &["\n5", "\n6", "\n7", "\n8", "\n9", "799R01", "0000000100", "          "];
    "wechat_trade", "wechat.trade-bill", TABLE;
    "wechat_fund", "wechat.fund-bill", TABLE;
    "alipay_trade", "alipay.trade-bill", TABLE;
    "alipay_fund", "alipay.fund-bill", TABLE;
    "stripe_report", "stripe.report", TABLE;
    "stripe_payments", "stripe.payments", TABLE;
    "adyen_settlement", "adyen.settlement-details", TABLE;
    "adyen_accounting", "adyen.payment-accounting", TABLE;
    "paypal_settlement", "paypal.settlement", TABLE;
    "paypal_detail", "paypal.transaction-detail", TABLE;
}

/// Whatever the bytes are: the tally counts what was given, places never go back by pages, and the reader
/// gives the same again.
fn statement(input: &[u8], id: &str) -> u64 {
    let catalogue = Catalogue::built_in();
    let format = catalogue.find(id).unwrap_or_else(|| panic!("no format {id}"));
    let run = || {
        let (mut records, mut faults, mut checks) = (0_u64, 0_u64, Vec::new());
        let done = read(format, Input::of_bytes(input), &Options::default(), &mut |event| {
            match event {
                Event::Record(record) => {
                    records += 1;
                    assert!(!record.raw.is_empty(), "a record without raw text");
                }
                Event::Fault(_) => faults += 1,
                Event::Check(check) => checks.push((check.what, check.agrees)),
                Event::Statement(_) => {}
            }
            ControlFlow::Continue(())
        });
        if let Ok(tally) = &done {
            assert_eq!((tally.records, tally.faults), (records, faults));
        }
        checks.truncate(3);
        let end = done.map(|tally| tally.ties()).map_err(|error| discriminant(&error));
        format!("{end:?} {:?} {:?} {checks:?}", records.checked_ilog2(), faults.min(2))
    };
    let told = run();
    assert_eq!(told, run(), "the same bytes give the same");
    let claims = catalogue.identify(&Input::of_bytes(input).head).is_ok();
    digest(format!("{told} {claims}").as_bytes())
}
