//! The trade bill: a row for each payment and refund, and totals.

use super::{cells, find_header};
use crate::checks::{Sums, negated};
use crate::delimited::{Header, Row, bare_name};
use crate::event::{Check, Fault, ReadError, Statement, Stop};
use crate::input::{Input, Lines, Options};
use crate::output::Output;
use crate::record::{Kind, Moment, Place, Record, Status};
use crate::value;
use rust_decimal::Decimal;
use suanpan_money::Currency;

/// Columns that become fields of the record; all others are kept as details.
const FIELDS: [&str; 14] = [
    "交易时间",
    "微信订单号",
    "商户订单号",
    "交易状态",
    "货币种类",
    "微信退款单号",
    "商户退款单号",
    "退款状态",
    "商品名称",
    "手续费",
    "商户号",
    "退款成功时间",
    "总金额",
    "应结订单金额",
];

/// What the settlement of an order is called, newest first.
const ORDER: [&str; 2] = ["应结订单金额", "总金额"];

pub(super) fn read(input: Input<'_>, _: &Options, output: &mut Output<'_>) -> Result<(), Stop> {
    let mut lines = input.lines(None);
    let Some(header_row) = find_header(&mut lines, &["交易时间", "微信订单号"])? else {
        return Err(ReadError::broken(Place::line(1), "no header with 交易时间 and 微信订单号").into());
    };
    let header = Header::new(&header_row.cells);
    let goods = header.find(&["商品名称"]);
    let mut totals = Totals::default();
    let mut announced = false;
    while let Some(line) = lines.next_line()? {
        let text = line.text();
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        if bare_name(text.split(',').next().unwrap_or_default()) == "总交易单数" {
            let names: Vec<String> = text.split(',').map(bare_name).collect();
            return summary(&names, &mut lines, &totals, output);
        }
        let row = match cells(line, header.names().len(), goods) {
            Ok(row) => row,
            Err(fault) => {
                output.fault(fault)?;
                continue;
            }
        };
        match record(&header, &row) {
            Err(fault) => output.fault(fault)?,
            Ok(record) => {
                if !std::mem::replace(&mut announced, true) {
                    output.statement(Statement {
                        account: record.account.clone(),
                        currency: Some(record.currency),
                        place: header_row.place,
                        ..Statement::default()
                    })?;
                }
                totals.add(&header, &row, &record)?;
                output.record(record)?;
            }
        }
    }
    let message = "the bill ends without its summary: it was cut off";
    output.fault(Fault::new(Place::line(totals.orders.count + 1), "总交易单数", message, ""))
}

/// Sums of the columns that the summary declares.
#[derive(Default)]
struct Totals {
    orders: Sums,
    refunds: Sums,
    coupon_refunds: Sums,
    fees: Sums,
    gross: Sums,
    asked: Sums,
}

impl Totals {
    fn add(&mut self, header: &Header, row: &Row, record: &Record) -> Result<(), ReadError> {
        let amount =
            |names: &[&str]| header.amount_or_none(row, names).ok().flatten().unwrap_or(Decimal::ZERO);
        // In old bills a refund repeats the amount of its order, which the total does not count again.
        let old = header.find(&["应结订单金额"]).is_none();
        let order = if old && record.kind == Kind::Refund { Decimal::ZERO } else { amount(&ORDER) };
        self.orders.add(order, row.place)?;
        self.refunds.add(amount(&["退款金额"]), row.place)?;
        let coupon = ["充值券退款金额", "代金券退款金额", "代金券或立减优惠退款金额", "企业红包退款金额"];
        self.coupon_refunds.add(amount(&coupon), row.place)?;
        self.fees.add(amount(&["手续费"]), row.place)?;
        self.gross.add(amount(&["订单金额"]), row.place)?;
        self.asked.add(amount(&["申请退款金额"]), row.place)
    }

    /// Returns what the rows give for a total of the summary.
    fn of(&self, name: &str) -> Option<Decimal> {
        Some(match name {
            "应结订单总金额" | "总交易额" => self.orders.amount,
            "退款总金额" | "总退款金额" => self.refunds.amount,
            "充值券退款总金额" | "总代金券或立减优惠退款金额" | "代金券退款总金额" | "总企业红包退款金额" => {
                self.coupon_refunds.amount
            }
            "手续费总金额" => self.fees.amount,
            "订单总金额" => self.gross.amount,
            "申请退款总金额" => self.asked.amount,
            _ => return None,
        })
    }
}

fn summary(
    names: &[String],
    lines: &mut Lines<'_>,
    totals: &Totals,
    output: &mut Output<'_>,
) -> Result<(), Stop> {
    let Some(line) = lines.next_line()? else {
        return output.fault(Fault::new(Place::default(), "总交易单数", "has no values below it", ""));
    };
    let row = match cells(line, names.len(), None) {
        Ok(row) => row,
        Err(fault) => return output.fault(fault),
    };
    for (at, name) in names.iter().enumerate() {
        let place = row.place.at_column(u32::try_from(at + 1).unwrap_or(u32::MAX));
        let text = row.cell(at);
        if name == "总交易单数" {
            match text.parse() {
                Ok(count) => output.check(Check::count(name, count, totals.orders.count, place))?,
                Err(_) => output.fault(Fault::new(place, name, "is not a count", text))?,
            }
        } else if let Some(computed) = totals.of(name) {
            match value::amount(text) {
                Ok(declared) => output.check(Check::amount(name, declared, computed, place))?,
                Err(message) => output.fault(Fault::new(place, name, message, text))?,
            }
        }
    }
    Ok(())
}

fn record(header: &Header, row: &Row) -> Result<Record, Fault> {
    let currency = match header.text(row, &["货币种类"]) {
        "" => Currency::parse("CNY").expect("CNY is in ISO 4217"),
        _ => header.currency(row, &["货币种类"])?,
    };
    let state = header.text(row, &["交易状态"]);
    let is_refund = matches!(state, "REFUND" | "REVOKED") || header.find(&ORDER).is_none();
    let refund_id = header.text(row, &["商户退款单号"]);
    let amount = if is_refund {
        negated(header.amount(row, &["退款金额"])?)
    } else {
        header.amount(row, &ORDER)?
    };
    let mut record =
        Record::new(if is_refund { Kind::Refund } else { Kind::Payment }, amount, currency, row.place);
    state.clone_into(&mut record.kind_text);
    let time = header.value(row, &["交易时间"], |text| value::date_time(&text.replace('：', ":")))?;
    record.time = Some(Moment::china(time));
    record.fee = header.amount_or_none(row, &["手续费"])?;
    record.net = record.fee.and_then(|fee| amount.checked_sub(fee));
    header.text(row, &["商户号"]).clone_into(&mut record.account);
    header.text(row, &["商户订单号"]).clone_into(&mut record.order_id);
    header.text(row, &["商品名称"]).clone_into(&mut record.description);
    let order = header.text(row, &["微信订单号"]);
    if is_refund {
        let refund_status = header.text(row, &["退款状态"]);
        refund_status.clone_into(&mut record.status_text);
        record.status = match refund_status {
            "PROCESSING" | "CHANGE" => Status::Pending,
            "FAIL" | "CLOSED" => Status::Failed,
            _ => Status::Booked,
        };
        // What a bill writes where there is no refund number.
        let known = |id: &str| !matches!(id, "" | "0");
        let own = if known(refund_id) { refund_id } else { &record.order_id };
        record.own_id = own.to_owned();
        let theirs = header.text(row, &["微信退款单号"]);
        record.id = if known(theirs) { theirs } else { order }.to_owned();
        order.clone_into(&mut record.original_id);
        if let Ok(done) = value::date_time(header.text(row, &["退款成功时间"])) {
            record.booked_on = Some(done.date());
        }
    } else {
        record.own_id.clone_from(&record.order_id);
        order.clone_into(&mut record.id);
    }
    for (at, name) in header.names().iter().enumerate() {
        let text = row.cell(at);
        if !FIELDS.contains(&name.as_str()) && text != "0" {
            record.detail(name, text);
        }
    }
    record.set_raw(&row.raw);
    Ok(record)
}
