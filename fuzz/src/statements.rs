//! Targets for the readers of statements: each is given mutated files of its own format.

use crate::engine::digest;
use crate::targets::Target;
use std::mem::discriminant;
use std::ops::ControlFlow;
use suanpan_formats::{Catalogue, Event, Input, Layout, Options, read};

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
    "payments", "iso20022.pain.001", XML;
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
    "layout_table", "icbc.user-statement", TABLE;
    "layout_fixed", "unionpay.zm", &["S22", "S30", "000000010050", "D000000000060", "C", " ", "\n", "20261231235959"];
}

/// A layout of unknown origin: it is read or refused, and its tests run.
pub(crate) const LAYOUT: Target = Target {
    name: "layout",
    words: &[
        "[record]",
        "[[derive]]",
        "[sets.x]",
        "[[test]]",
        "match = '(.*)'",
        "give = \"$1\"",
        "from = \"{a}\"",
        "sum = [\"a\", \"-b\"]",
        "words = { in = [\"*\"] }",
        "(?<in_count>\\d+)",
        "implied = 2",
        "sign = \"direction\"",
        "encoding = \"gbk\"",
        "width = 0",
    ],
    run: |input| {
        let outcome = match Layout::parse(&String::from_utf8_lossy(input)) {
            Err(error) => format!("refused {}", error.line.min(1)),
            Ok(layout) => {
                let outcomes = layout.test(&|_| Err(std::io::Error::other("there is none")));
                format!("{:?}", outcomes.iter().map(|o| o.problems.len()).collect::<Vec<_>>())
            }
        };
        digest(outcome.as_bytes())
    },
};

/// A workbook of unknown origin.
pub(crate) const SHEET: Target = Target {
    name: "sheet",
    words: &["PK\x03\x04", "xl/workbook.xml", "\u{0}\u{0}", "<c r=\"XFD1048576\">", "<v>1e300</v>"],
    run: |input| {
        let told = match suanpan_formats::sheet::sheets(input) {
            Err(error) => format!("{:?}", discriminant(&error)),
            Ok(sheets) => format!("{:?}", sheets.iter().map(|s| s.rows.len()).collect::<Vec<_>>()),
        };
        digest(told.as_bytes())
    },
};

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
