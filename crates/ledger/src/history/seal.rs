//! From a tail to a run of level 0.

use super::{
    block::BlockWriter,
    error::HistoryError,
    limits::{BLOCK_ROWS_MAX, PAGE_STAMPS_MAX},
    page::PageWriter,
    row::{Row, unapply},
    run::Run,
    source::RunId,
    stamps::write_stamps,
    tail::{Stamp, Tail},
};

/// Sorts a tail by account and writes it as a run. Pages go to `sink` in the order of their numbers, which
/// are those of the calls, from 0.
///
/// # Errors
/// When the tail has no entries, or the running sums of an account do not follow from row to row.
pub fn seal(id: RunId, tail: &Tail, mut sink: impl FnMut(Vec<u8>)) -> Result<Run, HistoryError> {
    let (first, end) = tail.ordinals();
    let (Some(first_stamp), Some(last_stamp)) = (tail.stamps().first(), tail.stamps().last()) else {
        return Err(HistoryError::Empty { what: "seal" });
    };
    let mut run = Run {
        id,
        level: 0,
        first,
        end,
        rows: tail.rows().len() as u64,
        times: (first_stamp.at, last_stamp.at),
        pages: Vec::new(),
        stamp_pages: Vec::new(),
    };
    let mut page = PageWriter::default();
    let mut emit = |run: &mut Run, finished| {
        if let Some((info, bytes)) = finished {
            run.pages.push(info);
            sink(bytes);
        }
    };
    let order = by_account(tail.rows());
    let mut block = BlockWriter::default();
    for &key in &order {
        let row = &tail.rows()[key as u32 as usize];
        let broken = HistoryError::SumsBroken { account: row.account, ordinal: row.ordinal };
        let other = block.rows() == 0 || block.account() != row.account;
        if other || block.rows() == BLOCK_ROWS_MAX {
            if block.rows() > 0 {
                emit(&mut run, page.push(&block));
            }
            let before = match other {
                true => unapply(row.after, row.kind, row.side, row.amount_minor).ok_or(broken.clone())?,
                false => block.after(),
            };
            block.begin(row.account, row.ordinal, before);
        }
        if !block.push(row) {
            return Err(broken);
        }
    }
    if block.rows() > 0 {
        emit(&mut run, page.push(&block));
    }
    emit(&mut run, page.finish());
    seal_stamps(&mut run, tail.stamps(), &mut sink);
    Ok(run)
}

fn seal_stamps(run: &mut Run, stamps: &[Stamp], sink: &mut impl FnMut(Vec<u8>)) {
    for stamps in stamps.chunks(PAGE_STAMPS_MAX) {
        if let Some((info, bytes)) = write_stamps(stamps) {
            run.stamp_pages.push(info);
            sink(bytes);
        }
    }
}

/// Returns account (high half) and place (low half) of each row, in the order of accounts and then of places.
///
/// A radix sort by 11 bits at a time: each pass keeps the order of the one before, digits in which all accounts
/// agree are skipped, and ten thousand accounts need two passes.
fn by_account(rows: &[Row]) -> Vec<u64> {
    const BITS: u32 = 11;
    const MASK: usize = (1 << BITS) - 1;
    let mut order: Vec<u64> =
        rows.iter().enumerate().map(|(place, row)| u64::from(row.account) << 32 | place as u64).collect();
    let mut other = vec![0_u64; order.len()];
    for shift in [32, 32 + BITS, 32 + 2 * BITS] {
        let digit = |key: u64| (key >> shift) as usize & MASK;
        let mut places = [0_usize; MASK + 1];
        for &key in &order {
            places[digit(key)] += 1;
        }
        if places.contains(&order.len()) {
            continue;
        }
        let mut sum = 0;
        for place in &mut places {
            sum += std::mem::replace(place, sum);
        }
        for &key in &order {
            let place = &mut places[digit(key)];
            other[*place] = key;
            *place += 1;
        }
        std::mem::swap(&mut order, &mut other);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::{Balance, Side},
        history::RowKind,
    };

    #[test]
    fn rows_are_sorted_by_account_and_keep_their_order() {
        let accounts = [7, 3, 4_000_000_000, 3, 2_048, 0, 7, 2_049, u32::MAX, 3];
        let rows: Vec<Row> = (0..)
            .zip(accounts)
            .map(|(ordinal, account)| Row {
                ordinal,
                account,
                counterparty: 0,
                side: Side::Debit,
                kind: RowKind::Post,
                amount_minor: 1,
                after: Balance::default(),
            })
            .collect();
        let mut expected: Vec<(u32, u32)> = accounts.into_iter().zip(0..).collect();
        expected.sort_unstable();
        let sorted: Vec<(u32, u32)> =
            by_account(&rows).into_iter().map(|key| ((key >> 32) as u32, key as u32)).collect();
        assert_eq!(sorted, expected);
        assert!(by_account(&[]).is_empty());
    }
}
