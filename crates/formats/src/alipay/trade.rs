//! The trade bill: payments and refunds.

use super::frame::{Declared, Frame, Line};
use crate::checks::{Sums, negated};
use crate::delimited::{Header, Row};
use crate::event::{Fault, Stop};
use crate::input::{Input, Options};
use crate::output::Output;
use crate::record::{Kind, Moment, Record};
use suanpan_money::Currency;

/// Columns that become fields of the record.
const FIELDS: [&str; 10] = [
    "支付宝交易号",
    "商户订单号",
    "业务类型",
    "商品名称",
    "完成时间",
    "对方账户",
    "商家实收(元)",
    "退款批次号/请求号",
    "服务费(元)",
    "备注",
];

pub(super) fn read(input: Input<'_>, _: &Options, output: &mut Output<'_>) -> Result<(), Stop> {
    let mut frame = Frame::open(input, "支付宝交易号")?;
    output.statement(frame.statement.clone())?;
    let (mut payments, mut refunds) = (Sums::default(), Sums::default());
    let (mut discounts, mut refunded_discounts) = (Sums::default(), Sums::default());
    while let Some(line) = frame.next()? {
        match line {
            Line::Row(row) => match record(&frame.header, &row, &frame.statement.account) {
                Err(fault) => output.fault(fault)?,
                Ok(record) => {
                    let discount = frame.header.amount_or_none(&row, &["商家优惠(元)"]).ok().flatten();
                    let discount = discount.unwrap_or_default().abs();
                    if record.kind == Kind::Refund {
                        refunds.add(record.amount, row.place)?;
                        refunded_discounts.add(discount, row.place)?;
                    } else {
                        payments.add(record.amount, row.place)?;
                        discounts.add(discount, row.place)?;
                    }
                    output.record(record)?;
                }
            },
            Line::Note(note, place) => {
                if let Some(declared) = Declared::parse(&note, "交易合计") {
                    declared.compare("交易合计", "实收", payments.count, payments.amount, place, output)?;
                    declared_discount(&declared, "交易合计", discounts, place, output)?;
                } else if let Some(declared) = Declared::parse(&note, "退款合计") {
                    declared.compare("退款合计", "实收", refunds.count, refunds.amount, place, output)?;
                    declared_discount(&declared, "退款合计", refunded_discounts, place, output)?;
                }
            }
        }
    }
    Ok(())
}

fn declared_discount(
    declared: &Declared,
    name: &str,
    sums: Sums,
    place: crate::record::Place,
    output: &mut Output<'_>,
) -> Result<(), Stop> {
    match declared.amount("优惠") {
        Some(amount) => {
            let what = format!("{name}商家优惠");
            output.check(crate::event::Check::amount(&what, amount.abs(), sums.amount, place))
        }
        None => Ok(()),
    }
}

fn record(header: &Header, row: &Row, account: &str) -> Result<Record, Fault> {
    let kind_text = header.text(row, &["业务类型"]);
    let is_refund = kind_text.contains("退款");
    if !is_refund && !kind_text.contains("交易") {
        return Err(Fault::new(row.place, "业务类型", "is neither 交易 nor 退款", kind_text));
    }
    // Refunds are negative in older bills and positive in newer ones: the kind tells.
    let received = header.amount(row, &["商家实收(元)"])?;
    let amount = if is_refund { negated(received.abs()) } else { received };
    let currency = Currency::parse("CNY").expect("CNY is in ISO 4217");
    let mut record =
        Record::new(if is_refund { Kind::Refund } else { Kind::Payment }, amount, currency, row.place);
    kind_text.clone_into(&mut record.kind_text);
    record.time = Some(Moment::china(header.date_time(row, &["完成时间", "创建时间"])?));
    // A fee is written as what it does to the account: negative when it is taken, positive when given back.
    let fee = header.amount_or_none(row, &["服务费(元)"])?;
    record.fee = fee.map(|fee| if is_refund { negated(fee.abs()) } else { fee.abs() });
    record.net = record.fee.and_then(|fee| amount.checked_sub(fee));
    header.text(row, &["商户订单号"]).clone_into(&mut record.order_id);
    header.text(row, &["商品名称"]).clone_into(&mut record.description);
    header.text(row, &["对方账户"]).clone_into(&mut record.counterparty);
    header.text(row, &["支付宝交易号"]).clone_into(&mut record.id);
    if is_refund {
        record.original_id.clone_from(&record.id);
        let request = header.text(row, &["退款批次号/请求号", "退款批次号", "退款请求号"]);
        record.own_id = if request.is_empty() { record.order_id.clone() } else { request.to_owned() };
    } else {
        record.own_id.clone_from(&record.order_id);
    }
    account.clone_into(&mut record.account);
    for (at, name) in header.names().iter().enumerate() {
        if !FIELDS.contains(&name.as_str()) {
            record.detail(name, row.cell(at));
        }
    }
    record.detail("备注", header.text(row, &["备注"]));
    record.set_raw(&row.raw);
    Ok(record)
}
