//! WeChat Pay: the trade bill (ALL, SUCCESS, REFUND) and the fund bill of merchants.
//!
//! Columns and totals as documented for `downloadbill` and `/v3/bill/tradebill`, `fundflowbill`. Values, and
//! in newer files names too, have a back-tick in front and no quotes, so that goods may hold commas.

mod fund;
mod trade;

use crate::catalogue::{BuiltIn, Verdict};
use crate::delimited::{Row, bare_name};
use crate::event::{Fault, ReadError};
use crate::head::Head;
use crate::input::{Line, Lines};

pub(crate) const TRADE_BILL: BuiltIn = BuiltIn {
    id: "wechat.trade-bill",
    title: "WeChat Pay trade bill",
    recognise: |head| recognise(head, &["交易时间", "微信订单号", "商户订单号", "交易状态"]),
    read: trade::read,
};

pub(crate) const FUND_BILL: BuiltIn = BuiltIn {
    id: "wechat.fund-bill",
    title: "WeChat Pay fund bill",
    recognise: |head| recognise(head, &["记账时间", "微信支付业务单号", "资金流水单号", "收支类型"]),
    read: fund::read,
};

/// Lines before the header; there are none, but files that people touched have a few.
const LINES_BEFORE_HEADER: usize = 5;

fn recognise(head: &Head, names: &[&str]) -> Verdict {
    let found = head.find_line(LINES_BEFORE_HEADER, |line| is_header(line, names));
    Verdict::from_evidence(
        found.map(|(line, _)| format!("line {line} is the header: it holds {}", names.join(", "))),
        &format!("none of the first lines holds {}", names.join(", ")),
    )
}

fn is_header(line: &str, names: &[&str]) -> bool {
    let cells: Vec<String> = line.split(',').map(bare_name).collect();
    names.iter().all(|name| cells.iter().any(|cell| cell == name))
}

/// Finds the header and returns its row.
fn find_header(lines: &mut Lines<'_>, names: &[&str]) -> Result<Option<Row>, ReadError> {
    for _ in 0..LINES_BEFORE_HEADER {
        let Some(line) = lines.next_line()? else { return Ok(None) };
        let text = line.text();
        if is_header(&text, names) {
            let cells = text.split(',').map(str::to_owned).collect();
            return Ok(Some(Row { place: line.place(), raw: text.into_owned(), cells }));
        }
    }
    Ok(None)
}

/// Cuts a row into `width` cells. What is too many belongs to the goods, whose commas are not quoted.
fn cells(line: Line<'_>, width: usize, goods: Option<usize>) -> Result<Row, Fault> {
    let text = line.text();
    let trimmed = text.trim();
    let (separator, inner) = match trimmed.strip_prefix('`') {
        Some(inner) => (",`", inner),
        None => (",", trimmed),
    };
    // Where the first value has no back-tick, the others may still have one, behind blanks.
    let bare = |cell: &str| cell.trim_start().strip_prefix('`').unwrap_or(cell).to_owned();
    let mut cells: Vec<String> = match separator {
        "," => inner.split(separator).map(bare).collect(),
        _ => inner.split(separator).map(str::to_owned).collect(),
    };
    if let Some(goods) = goods.filter(|goods| cells.len() > width && *goods < width) {
        let extra = cells.len() - width;
        let merged = cells[goods..=goods + extra].join(separator);
        cells.splice(goods..=goods + extra, [merged]);
    }
    if cells.len() != width {
        let message = format!("has {} values where the header has {width}", cells.len());
        return Err(line.fault("", message));
    }
    Ok(Row { place: line.place(), raw: text.into_owned(), cells })
}
