//! The fund bill: every movement of the account, with the balance after it.

use super::frame::{Declared, Frame, Line};
use crate::checks::{Balance, Sums, negated};
use crate::delimited::{Header, Row};
use crate::event::{Fault, Stop};
use crate::input::{Input, Options};
use crate::output::Output;
use crate::record::{Direction, Kind, Moment, Place, Record};
use rust_decimal::Decimal;
use suanpan_money::Currency;

pub(super) fn read(input: Input<'_>, _: &Options, output: &mut Output<'_>) -> Result<(), Stop> {
    let mut frame = Frame::open(input, "账务流水号")?;
    output.statement(frame.statement.clone())?;
    let (mut incoming, mut outgoing) = (Sums::default(), Sums::default());
    let mut follow = Follow::default();
    while let Some(line) = frame.next()? {
        match line {
            Line::Row(row) => match record(&frame.header, &row, &frame.statement.account) {
                Err(fault) => output.fault(fault)?,
                Ok(record) => {
                    let sums = if record.direction == Direction::Out { &mut outgoing } else { &mut incoming };
                    sums.add(record.amount.abs(), row.place)?;
                    if let Some(balance) = record.balance
                        && let Some(check) = follow.row(record.amount, balance, row.place)?
                    {
                        output.check(check)?;
                    }
                    output.record(record)?;
                }
            },
            Line::Note(note, place) => {
                if let Some(declared) = Declared::parse(&note, "支出合计") {
                    declared.compare("支出合计", "", outgoing.count, outgoing.amount, place, output)?;
                } else if let Some(declared) = Declared::parse(&note, "收入合计") {
                    declared.compare("收入合计", "", incoming.count, incoming.amount, place, output)?;
                } else if let Some(declared) = Declared::parse(&note, "合计") {
                    let count = incoming.count + outgoing.count;
                    let sum = crate::checks::add(incoming.amount, -outgoing.amount, place)?;
                    declared.compare("合计", "", count, sum, place, output)?;
                }
            }
        }
    }
    if let Some(check) = follow.finish() {
        output.check(check)?;
    }
    Ok(())
}

/// Follows the balance in the direction in which the rows run: oldest or newest first. The first two rows
/// tell which.
#[derive(Default)]
struct Follow {
    first: Option<(Decimal, Decimal, Place)>,
    descending: Option<bool>,
    balance: Balance,
    /// In descending order: the amount of the row before, by which this row's balance is less.
    above: Decimal,
    last: Place,
}

impl Follow {
    fn row(
        &mut self,
        amount: Decimal,
        after: Decimal,
        place: Place,
    ) -> Result<Option<crate::event::Check>, crate::event::ReadError> {
        self.last = place;
        let Some((first_amount, first_after, first_place)) = self.first else {
            self.first = Some((amount, after, place));
            return Ok(None);
        };
        let descending = *self.descending.get_or_insert_with(|| {
            let fits = |from: Decimal, by: Decimal, to: Decimal| from.checked_add(by) == Some(to);
            !fits(first_after, amount, after) && fits(after, first_amount, first_after)
        });
        if self.balance.now().is_none() {
            self.balance.follow(first_amount, first_after, first_place)?;
            self.above = first_amount;
        }
        let by = if descending { negated(self.above) } else { amount };
        self.above = amount;
        self.balance.follow(by, after, place)
    }

    fn finish(&self) -> Option<crate::event::Check> {
        self.balance.finish(self.last)
    }
}

fn record(header: &Header, row: &Row, account: &str) -> Result<Record, Fault> {
    let incoming = header.amount_or_none(row, &["收入金额(+元)"])?.unwrap_or_default();
    let outgoing = header.amount_or_none(row, &["支出金额(-元)"])?.unwrap_or_default();
    let out = !outgoing.is_zero();
    if out && !incoming.is_zero() {
        return Err(Fault::new(
            row.place,
            "支出金额(-元)",
            "is there beside 收入金额",
            &outgoing.to_string(),
        ));
    }
    let amount = if out { negated(outgoing.abs()) } else { incoming };
    let kind_text = header.text(row, &["业务类型"]);
    let currency = Currency::parse("CNY").expect("CNY is in ISO 4217");
    let mut record = Record::new(kind(kind_text), amount, currency, row.place);
    kind_text.clone_into(&mut record.kind_text);
    let time = header.date_time(row, &["发生时间", "入账时间"])?;
    record.time = Some(Moment::china(time));
    record.booked_on = Some(time.date());
    record.balance = header.amount_or_none(row, &["账户余额(元)"])?;
    header.text(row, &["账务流水号"]).clone_into(&mut record.id);
    header.text(row, &["商户订单号"]).clone_into(&mut record.own_id);
    record.order_id.clone_from(&record.own_id);
    header.text(row, &["业务流水号"]).clone_into(&mut record.original_id);
    header.text(row, &["对方账号", "对方账户"]).clone_into(&mut record.counterparty_account);
    header.text(row, &["商品名称"]).clone_into(&mut record.description);
    account.clone_into(&mut record.account);
    record.detail("交易渠道", header.text(row, &["交易渠道"]));
    record.detail("备注", header.text(row, &["备注"]));
    record.set_raw(&row.raw);
    Ok(record)
}

fn kind(text: &str) -> Kind {
    match text {
        "在线支付" | "交易付款" | "交易" => Kind::Payment,
        _ if text.contains("退款") || text.contains("退费") => Kind::Refund,
        _ if text.contains("收费") || text.contains("服务费") => Kind::Fee,
        _ if text.contains("提现") => Kind::Withdrawal,
        _ if text.contains("充值") => Kind::TopUp,
        _ => Kind::Transfer,
    }
}
