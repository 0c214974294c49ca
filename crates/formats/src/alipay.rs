//! Alipay: the bills of merchants, as `alipay.data.dataservice.bill.downloadurl.query` gives them.
//!
//! The archive holds two bills, of single movements and of sums, for each kind: trades (业务明细, bill type
//! `trade`) and funds (账务明细, `signcustomer`). Lines with `#` frame the table and declare totals.

mod frame;
mod fund;
mod totals;
mod trade;

use crate::catalogue::{BuiltIn, Verdict};
use crate::delimited::bare_name;
use crate::head::Head;

pub(crate) const TRADE_BILL: BuiltIn = BuiltIn {
    id: "alipay.trade-bill",
    title: "Alipay trade bill (业务明细)",
    recognise: |head| recognise(head, &["支付宝交易号", "商户订单号", "业务类型", "商家实收(元)"]),
    read: trade::read,
};

pub(crate) const FUND_BILL: BuiltIn = BuiltIn {
    id: "alipay.fund-bill",
    title: "Alipay fund bill (账务明细)",
    recognise: |head| {
        recognise(head, &["账务流水号", "业务流水号", "收入金额(+元)", "支出金额(-元)", "账户余额(元)"])
    },
    read: fund::read,
};

pub(crate) const TRADE_TOTALS: BuiltIn = BuiltIn {
    id: "alipay.trade-totals",
    title: "Alipay trade bill by store (业务明细汇总)",
    recognise: |head| recognise(head, &["门店编号", "门店名称", "交易订单总笔数", "退款订单总笔数"]),
    read: totals::read,
};

pub(crate) const FUND_TOTALS: BuiltIn = BuiltIn {
    id: "alipay.fund-totals",
    title: "Alipay fund bill by kind (账务汇总)",
    recognise: |head| recognise(head, &["收入笔数", "收入金额(+元)", "支出笔数", "支出金额(-元)"]),
    read: totals::read,
};

/// Lines in front of the header: a handful.
const LINES_BEFORE_HEADER: usize = 60;

fn is_header(line: &str, names: &[&str]) -> bool {
    let cells: Vec<String> = line.split(',').map(bare_name).collect();
    names.iter().all(|name| cells.iter().any(|cell| cell == name))
}

fn recognise(head: &Head, names: &[&str]) -> Verdict {
    let found = head.find_line(LINES_BEFORE_HEADER, |line| is_header(line, names));
    Verdict::from_evidence(
        found.map(|(line, _)| format!("line {line} is the header: it holds {}", names.join(", "))),
        &format!("no line holds {}", names.join(", ")),
    )
}
