//! Bills of sums by store or by kind. They repeat what the bill of single movements says, so their rows are
//! information and never count twice.

use super::frame::{Frame, Line};
use crate::delimited::{Header, Row};
use crate::event::{Fault, Stop};
use crate::input::{Input, Options};
use crate::output::Output;
use crate::record::{Direction, Kind, Record, Status};
use suanpan_money::Currency;

pub(super) fn read(input: Input<'_>, _: &Options, output: &mut Output<'_>) -> Result<(), Stop> {
    let stores = input.head.text.contains("交易订单总笔数");
    let mut frame = Frame::open(input, if stores { "交易订单总笔数" } else { "收入笔数" })?;
    output.statement(frame.statement.clone())?;
    while let Some(line) = frame.next()? {
        let Line::Row(row) = line else { continue };
        output.record_or_fault(record(&frame.header, &row, &frame.statement.account))?;
    }
    Ok(())
}

fn record(header: &Header, row: &Row, account: &str) -> Result<Record, Fault> {
    let net = ["实收净额(元)", "净额(元)", "总金额(元)"];
    let amount = match header.find(&net) {
        Some(_) => header.amount_or_none(row, &net)?.unwrap_or_default(),
        None => header.amount_or_none(row, &["订单金额(元)", "收入金额(+元)"])?.unwrap_or_default(),
    };
    let currency = Currency::parse("CNY").expect("CNY is in ISO 4217");
    let mut record = Record::new(Kind::Other, amount, currency, row.place);
    record.status = Status::Information;
    record.direction = Direction::Neutral;
    account.clone_into(&mut record.account);
    for (at, name) in header.names().iter().enumerate() {
        record.detail(name, row.cell(at));
    }
    record.set_raw(&row.raw);
    Ok(record)
}
