//! The fund bill: every movement of a merchant's account with the balance after it, and totals.

use super::{cells, find_header};
use crate::checks::{Balance, Sums, negated};
use crate::delimited::{Header, Row, bare_name};
use crate::event::{Check, Fault, ReadError, Statement, Stop};
use crate::input::{Input, Options};
use crate::output::Output;
use crate::record::{Direction, Kind, Moment, Place, Record};
use crate::value;
use suanpan_money::Currency;

pub(super) fn read(input: Input<'_>, options: &Options, output: &mut Output<'_>) -> Result<(), Stop> {
    let mut lines = input.lines(None);
    let Some(header_row) = find_header(&mut lines, &["记账时间", "资金流水单号"])? else {
        return Err(ReadError::broken(Place::line(1), "no header with 记账时间 and 资金流水单号").into());
    };
    let header = Header::new(&header_row.cells);
    let remark = header.find(&["备注"]);
    let currency = options.currency.or(Currency::parse("CNY")).expect("CNY is in ISO 4217");
    output.statement(Statement {
        currency: Some(currency),
        place: header_row.place,
        ..Statement::default()
    })?;
    let (mut incoming, mut outgoing) = (Sums::default(), Sums::default());
    let mut balance = Balance::default();
    let mut last = header_row.place;
    while let Some(line) = lines.next_line()? {
        let text = line.text();
        if text.trim().is_empty() {
            continue;
        }
        last = line.place();
        if bare_name(text.split(',').next().unwrap_or_default()) == "资金流水总笔数" {
            let names: Vec<String> = text.split(',').map(bare_name).collect();
            output_balance(&balance, last, output)?;
            let Some(values) = lines.next_line()? else {
                return output.fault(Fault::new(last, "资金流水总笔数", "has no values below it", ""));
            };
            return match cells(values, names.len(), None) {
                Ok(row) => summary(&names, &row, incoming, outgoing, output),
                Err(fault) => output.fault(fault),
            };
        }
        let record =
            cells(line, header.names().len(), remark).and_then(|row| record(&header, &row, currency));
        match record {
            Err(fault) => output.fault(fault)?,
            Ok(record) => {
                let sums = if record.direction == Direction::Out { &mut outgoing } else { &mut incoming };
                sums.add(record.amount.abs(), record.place)?;
                if let Some(after) = record.balance
                    && let Some(check) = balance.follow(record.amount, after, record.place)?
                {
                    output.check(check)?;
                }
                output.record(record)?;
            }
        }
    }
    output_balance(&balance, last, output)?;
    let message = "the bill ends without its summary: it was cut off";
    output.fault(Fault::new(last, "资金流水总笔数", message, ""))
}

fn output_balance(balance: &Balance, place: Place, output: &mut Output<'_>) -> Result<(), Stop> {
    balance.finish(place).map_or(Ok(()), |check| output.check(check))
}

fn summary(
    names: &[String],
    row: &Row,
    incoming: Sums,
    outgoing: Sums,
    output: &mut Output<'_>,
) -> Result<(), Stop> {
    for (at, name) in names.iter().enumerate() {
        let place = row.place.at_column(u32::try_from(at + 1).unwrap_or(u32::MAX));
        let text = row.cell(at);
        let count = match name.as_str() {
            "资金流水总笔数" => Some(incoming.count + outgoing.count),
            "收入笔数" => Some(incoming.count),
            "支出笔数" => Some(outgoing.count),
            _ => None,
        };
        let amount = match name.as_str() {
            "收入金额" => Some(incoming.amount),
            "支出金额" => Some(outgoing.amount),
            _ => None,
        };
        match (count, amount) {
            (Some(count), _) => match text.parse() {
                Ok(declared) => output.check(Check::count(name, declared, count, place))?,
                Err(_) => output.fault(Fault::new(place, name, "is not a count", text))?,
            },
            (None, Some(amount)) => match value::amount(text) {
                Ok(declared) => output.check(Check::amount(name, declared, amount, place))?,
                Err(message) => output.fault(Fault::new(place, name, message, text))?,
            },
            (None, None) => {}
        }
    }
    Ok(())
}

fn record(header: &Header, row: &Row, currency: Currency) -> Result<Record, Fault> {
    let amount = header.amount(row, &["收支金额(元)", "收支金额"])?;
    let out = match header.text(row, &["收支类型"]) {
        "收入" => false,
        "支出" => true,
        other => return Err(Fault::new(row.place, "收支类型", "is neither 收入 nor 支出", other)),
    };
    let kind_text = header.text(row, &["业务类型"]);
    let signed = if out { negated(amount.abs()) } else { amount.abs() };
    let mut record = Record::new(kind(kind_text), signed, currency, row.place);
    record.direction = if out { Direction::Out } else { Direction::In };
    kind_text.clone_into(&mut record.kind_text);
    let time = header.date_time(row, &["记账时间"])?;
    record.time = Some(Moment::china(time));
    record.booked_on = Some(time.date());
    record.balance = header.amount_or_none(row, &["账户结余(元)", "账户结余"])?;
    header.text(row, &["资金流水单号"]).clone_into(&mut record.id);
    header.text(row, &["业务凭证号"]).clone_into(&mut record.own_id);
    header.text(row, &["微信支付业务单号"]).clone_into(&mut record.original_id);
    header.text(row, &["备注"]).clone_into(&mut record.description);
    record.detail("业务名称", header.text(row, &["业务名称"]));
    record.detail("资金变更提交申请人", header.text(row, &["资金变更提交申请人"]));
    record.set_raw(&row.raw);
    Ok(record)
}

fn kind(text: &str) -> Kind {
    match text {
        "交易" => Kind::Payment,
        "退款" => Kind::Refund,
        _ if text.contains("手续费") => Kind::Fee,
        _ if text.contains("充值") => Kind::TopUp,
        _ if text.contains("提现") => Kind::Withdrawal,
        _ => Kind::Transfer,
    }
}
