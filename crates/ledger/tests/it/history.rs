//! Runs, merges and questions against a plain list of rows.

mod damage;
mod golden;
mod model;

use model::{Memory, World, sealed};
use proptest::prelude::*;
use suanpan_ledger::{
    account::Balance,
    history::{
        Cursor, HistoryError, Merge, Order, QueryError, Range, Row, Run, RunId, StatementQuery, Tail, View,
        seal,
    },
};
use suanpan_money::Timestamp;

#[derive(Debug, Clone)]
struct Plan {
    seed: u64,
    accounts: u32,
    // Records of each tail; after how many tails the first runs are merged.
    tails: Vec<usize>,
    open: usize,
    merges: Vec<(usize, usize)>,
}

fn plans() -> impl Strategy<Value = Plan> {
    let merges = prop::collection::vec((0..6_usize, 2..4_usize), 0..3);
    (any::<u64>(), 1..12_u32, prop::collection::vec(1..60_usize, 1..7), 0..3_usize, merges)
        .prop_map(|(seed, accounts, tails, open, merges)| Plan { seed, accounts, tails, open, merges })
}

struct Built {
    world: World,
    memory: Memory,
    runs: Vec<Run>,
    tails: Vec<Tail>,
}

fn build(plan: &Plan) -> Built {
    let mut world = World::new(plan.seed, plan.accounts);
    let mut tails: Vec<Tail> = plan.tails.iter().map(|records| world.tail(*records)).collect();
    let kept = tails.split_off(tails.len().saturating_sub(plan.open));
    let mut memory = Memory::default();
    let mut runs: Vec<Run> =
        tails.iter().enumerate().map(|(id, tail)| sealed(&mut memory, id as u64, tail)).collect();
    for (number, (from, count)) in plan.merges.iter().enumerate() {
        let from = from % runs.len().max(1);
        let to = (from + count).min(runs.len());
        if to - from >= 2 {
            let merged = memory.merge(100 + number as u64, runs[from..to].to_vec());
            runs.splice(from..to, [merged]);
        }
    }
    Built { world, memory, runs, tails: kept }
}

fn ask(built: &mut Built, query: StatementQuery) -> (Vec<(Row, Timestamp)>, usize) {
    let view = View::new(&built.runs, &built.tails).unwrap();
    let (mut rows, mut query, mut pages) = (Vec::new(), query, 0);
    loop {
        let statement = view.statement(&query, &mut built.memory).unwrap();
        assert!(statement.rows.len() <= query.limit);
        rows.extend(statement.rows.iter().map(|dated| (dated.row, dated.at)));
        pages += 1;
        let Some(next) = statement.next else { return (rows, pages) };
        assert_eq!(statement.rows.len(), query.limit, "only full pages have a next one");
        query.after = Some(next.to_string().parse::<Cursor>().unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_question_is_answered_as_by_a_plain_list(
        plan in plans(), limit in 1..40_usize, a in 0..4_000_u64, b in 0..4_000_u64,
    ) {
        let mut built = build(&plan);
        let end = built.world.entries();
        let (a, b) = (a % (end + 3), b % (end + 3));
        let (early, late) = (built.world.time_of(a), built.world.time_of(b));
        for account in 0..=plan.accounts {
            for order in [Order::NewestFirst, Order::OldestFirst] {
                for range in [
                    Range::All,
                    Range::Ordinals { from: a, to: b },
                    Range::Times { from: early, to: late },
                    Range::Times { from: Timestamp::from_micros(i64::MIN), to: Timestamp::from_micros(i64::MAX) },
                ] {
                    let query = StatementQuery { account, range, order, limit, after: None };
                    let expected = built.world.statement(&query);
                    let (rows, pages) = ask(&mut built, query);
                    prop_assert_eq!(pages, expected.len().div_ceil(limit).max(1));
                    prop_assert_eq!(rows, expected);
                }
            }
            let view = View::new(&built.runs, &built.tails).unwrap();
            prop_assert_eq!((view.start(), view.end()), (0, end));
            prop_assert_eq!(
                view.balance_before(account, a, &mut built.memory).unwrap(),
                built.world.balance_before(account, a)
            );
            prop_assert_eq!(
                view.balance_at(account, early, &mut built.memory).unwrap(),
                built.world.balance_at(account, early)
            );
        }
        let view = View::new(&built.runs, &built.tails).unwrap();
        for moment in [early, late, Timestamp::from_micros(0), Timestamp::from_micros(i64::MAX)] {
            prop_assert_eq!(
                view.entries_before(moment, &mut built.memory).unwrap(),
                built.world.entries_before(moment)
            );
        }
    }

    #[test]
    fn runs_merged_at_once_or_by_steps_have_the_same_rows(seed in any::<u64>(), accounts in 1..9_u32) {
        let mut world = World::new(seed, accounts);
        let mut memory = Memory::default();
        let runs: Vec<Run> =
            (0..4).map(|id| { let tail = world.tail(25); sealed(&mut memory, id, &tail) }).collect();
        let once = memory.merge(10, runs.clone());
        let left = memory.merge(11, runs[..2].to_vec());
        let right = memory.merge(12, runs[2..].to_vec());
        let steps = memory.merge(13, vec![left, right]);
        prop_assert_eq!(memory.all_rows(&once), memory.all_rows(&steps));
        prop_assert_eq!(once.rows, steps.rows);
        // The same rows give the same bytes, however often one merges.
        let again = memory.merge(14, runs);
        prop_assert_eq!(memory.pages_of(&once), memory.pages_of(&again));
    }
}

#[test]
fn a_busy_account_fills_blocks_and_pages() {
    let mut world = World::new(7, 3);
    let mut memory = Memory::default();
    let tails: Vec<Tail> = (0..8).map(|_| world.tail(3_000)).collect();
    let runs: Vec<Run> =
        tails.iter().enumerate().map(|(id, tail)| sealed(&mut memory, id as u64, tail)).collect();
    let merged = memory.merge(50, runs.clone());
    assert!(merged.pages.len() > 8, "{} pages", merged.pages.len());
    assert!(merged.stamp_pages.len() > 2, "{} pages of stamps", merged.stamp_pages.len());
    assert_eq!(merged.rows, world.rows().len() as u64);
    let mut built = Built { world, memory, runs: vec![merged], tails: Vec::new() };
    for (account, order) in [(0, Order::NewestFirst), (1, Order::OldestFirst), (2, Order::NewestFirst)] {
        let query = StatementQuery { account, range: Range::All, order, limit: 777, after: None };
        let expected = built.world.statement(&query);
        assert_eq!(ask(&mut built, query).0, expected);
    }
    // A page of a statement reads few pages, wherever it stands.
    let end = built.world.entries();
    for to in [end, end / 2, end / 7] {
        built.memory.reads = 0;
        let range = Range::Ordinals { from: 0, to };
        let query = StatementQuery { account: 1, range, order: Order::NewestFirst, limit: 100, after: None };
        let view = View::new(&built.runs, &built.tails).unwrap();
        assert_eq!(view.statement(&query, &mut built.memory).unwrap().rows.len(), 100);
        assert!(built.memory.reads <= 4, "{} pages read", built.memory.reads);
    }
}

#[test]
fn what_cannot_be_sealed_or_merged_is_named() {
    let mut memory = Memory::default();
    assert_eq!(seal(RunId(1), &Tail::new(3), |_| {}).unwrap_err().code(), "history_empty");
    let mut world = World::new(1, 2);
    let tail = world.tail(5);
    let mut broken = Tail::new(0);
    broken.begin_record(Timestamp::from_micros(1), tail.entries() as u32).unwrap();
    for (at, row) in tail.rows().iter().enumerate() {
        let wrong = Balance { debits_posted: row.after.debits_posted + u64::from(at == 9), ..row.after };
        broken.push(Row { after: wrong, ..*row }).unwrap();
    }
    assert_eq!(seal(RunId(1), &broken, |_| {}).unwrap_err().code(), "history_sums_broken");

    let first = sealed(&mut memory, 1, &tail);
    let second = sealed(&mut memory, 2, &world.tail(5));
    let third = sealed(&mut memory, 3, &world.tail(5));
    let gap = Merge::<Vec<u8>>::new(RunId(9), vec![first.clone(), third.clone()]).unwrap_err();
    assert_eq!(gap, HistoryError::Gap { end: first.end, next: third.first });
    assert_eq!(View::new([&first, &third], []).unwrap_err(), gap);
    assert_eq!(Merge::<Vec<u8>>::new(RunId(9), Vec::new()).unwrap_err().code(), "history_empty");
    assert_eq!(
        Merge::<Vec<u8>>::new(RunId(9), vec![first.clone(); 9]).unwrap_err().code(),
        "history_too_many"
    );

    // A run of other books between two of ours adjoins, but its sums do not follow.
    let mut stranger = World::new(99, 2);
    stranger.tail(50);
    let mut foreign = Tail::new(first.end);
    foreign.begin_record(Timestamp::from_micros(i64::MAX / 2), 10).unwrap();
    let source = stranger.tail(50);
    for (row, ordinal) in source.rows().iter().zip(first.end..first.end + 10) {
        if foreign.push(Row { ordinal, ..*row }).is_err() {
            break;
        }
    }
    let foreign = seal(RunId(4), &foreign, |page| memory.keep(RunId(4), page)).unwrap();
    let mut merge = Merge::new(RunId(9), vec![first, foreign]).unwrap();
    let error = loop {
        match merge.next_page(&mut memory) {
            Ok(Some(_)) => {}
            Ok(None) => panic!("sums that do not follow were merged"),
            Err(QueryError::History(error)) => break error,
            Err(QueryError::Source { .. }) => panic!("pages are there"),
        }
    };
    assert_eq!(error.code(), "history_sums_broken");
    assert!(merge.finish().is_none(), "an unfinished merge gives no run");

    let view = View::new([&second], []).unwrap();
    for limit in [0, 10_001] {
        let query =
            StatementQuery { account: 0, range: Range::All, order: Order::NewestFirst, limit, after: None };
        let Err(QueryError::History(error)) = view.statement(&query, &mut memory) else { panic!() };
        assert_eq!(error.code(), "history_too_many");
    }
}

#[test]
fn cursors_are_read_as_they_are_written() {
    for text in ["0.0", "18446744073709551615.4294967295", "12.3"] {
        assert_eq!(text.parse::<Cursor>().unwrap().to_string(), text);
    }
    for wrong in ["", ".", "1", "1.", ".1", "+1.1", "1.-1", "1.2.3", "18446744073709551616.0"] {
        assert!(wrong.parse::<Cursor>().is_err(), "{wrong}");
    }
}
