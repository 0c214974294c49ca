//! The bytes of tiny runs: what is stored today must be readable for ever.

use suanpan_ledger::{
    account::{Balance, Side},
    history::{Row, RowKind, Run, RunId, Tail, page::Page, seal},
    ids::{IdRow, IdRun, What, seal_ids},
};
use suanpan_money::Timestamp;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_tiny_run_of_history() {
    let mut tail = Tail::new(1_000);
    tail.begin_record(Timestamp::from_micros(1_700_000_000_000_000), 1).unwrap();
    tail.begin_record(Timestamp::from_micros(1_700_000_000_000_300), 300).unwrap();
    let row = |ordinal, account, side, kind, amount_minor, after| Row {
        ordinal,
        after,
        amount_minor,
        account,
        counterparty: 3 - account,
        side,
        kind,
    };
    let sums = |debits_posted, credits_posted, debits_held| Balance {
        debits_posted,
        credits_posted,
        debits_held,
        credits_held: 0,
    };
    for row in [
        row(1_000, 2, Side::Debit, RowKind::Post, 500, sums(1_500, 7, 0)),
        row(1_000, 1, Side::Credit, RowKind::Post, 500, sums(0, 500, 0)),
        row(1_001, 2, Side::Debit, RowKind::Hold, 70_000, sums(1_500, 7, 70_000)),
        row(1_300, 2, Side::Debit, RowKind::Capture, 70_000, sums(71_500, 7, 0)),
        row(1_300, 1, Side::Credit, RowKind::Reversal, 0, sums(0, 500, 0)),
    ] {
        tail.push(row).unwrap();
    }
    let mut pages = Vec::new();
    let run = seal(RunId(1), &tail, |page| pages.push(page)).unwrap();
    let rows = [
        "0200",                         // two blocks
        "01000000e8030000000000001e00", // account 1 from entry 1000 at byte 30
        "02000000e8030000000000002f00", // account 2 from entry 1000 at byte 47
        "02ac0200000000",               // 2 rows over 300 entries, sums before
        "0112f40102",                   // credit, post, 500, account 2
        "23102c0102",                   // credit, reversal, 300 entries later, 0, account 2
        "03ac02e807070000",             // 3 rows over 300 entries, sums before: 1000, 7, 0, 0
        "0012f40101",                   // debit, post, 500, account 1
        "14130170110101",               // debit, hold, 1 entry later, 70000, account 1
        "26132b0170110101",             // debit, capture, 299 entries later, 70000, account 1
    ];
    // 2 stamps, the first with its entry and time, the second one entry and 300 microseconds later.
    let stamps = ["0200", "e803000000000000", "00401e18240a0600", "01", "ac02"];
    assert_eq!(hex(&pages[0]), rows.concat());
    assert_eq!(hex(&pages[1]), stamps.concat());
    assert_eq!(hex(&run.write()), GOLDEN_DIRECTORY);
    let read = Run::parse(RunId(1), &run.write()).unwrap();
    let page = Page::open(&read.pages[0], &pages[0]).unwrap();
    let all: Vec<Row> =
        (0..page.blocks()).flat_map(|at| page.block(at).unwrap().iter()).map(Result::unwrap).collect();
    let mut expected = tail.rows().to_vec();
    expected.sort_by_key(|row| row.account);
    assert_eq!(all, expected);
}

#[test]
fn a_tiny_run_of_ids() {
    let row = |id, ordinal, what| IdRow { id, ordinal, what };
    let rows = vec![
        row(0x0102_0304, 900, What::Entry),
        row(0x0102_0001, 600, What::Entry),
        row(0x0102_0001, 901, What::Captured),
    ];
    let mut pages = Vec::new();
    let run = seal_ids(RunId(1), (600, 902), rows, |page| pages.push(page)).unwrap();
    // 3 rows, 14 bytes of prefix, ordinals of 2 bytes from 600.
    let expected = [
        "0300",
        "0e",
        "02",
        "5802000000000000",
        "0000000000000000000000000102",
        "0001000000",
        "00012d0101",
        "03042c0100",
    ];
    assert_eq!(hex(&pages[0]), expected.concat());
    let ones: u32 = pages[1].iter().map(|byte| byte.count_ones()).sum();
    assert_eq!((pages[1].len(), ones), (4_096, 16), "two ids, eight bits each");
    assert_eq!(hex(&run.write()), GOLDEN_IDS);
    assert_eq!(IdRun::parse(RunId(1), &run.write()), Ok(run));
}

const GOLDEN_DIRECTORY: &str = "5350485201000000e8030000000000001505000000000000050000000000000000401e18240a06002c411e18240a0600010000000100000001000000e803000000000000020000004b0000006af02d46c9f775367238278aed175eb9e80300000000000000401e18240a060015000000a0a94a60b1473085c23b49a7834423823fcc463c7fc818d7290d03ef6d04cb0fd10f7bab5d8e4592f51394daaed2d9b0";
const GOLDEN_IDS: &str = "53504952010000005802000000000000860300000000000003000000000000000100020100000000000000000000000004030201000000000000000000000000010000000100020100000000000000000000000029000000bd0b8f3e5aa089da0cc536a21ba0b6ba672bd0090fd37e05dc5e6853c65d038046b0e6bd3efda60c1f495bf64004879ec79107c9f952fbc6c86080d5bb359016";
