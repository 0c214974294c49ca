//! Commands for the books, and payments that the books refuse.

use crate::world::{World, id, on_each, pay, refund};
use serde_json::json;
use suanpan_engine::{BooksAnswer, BooksCommand, NamedEntry, Refused};
use suanpan_ledger::account::{AccountChange, AccountKind, AccountNo, AccountSpec, Limits};
use suanpan_ledger::book::Verdict;
use suanpan_ledger::entry::{Action, Entry, EntryBatch, EntryId, Posting};
use suanpan_ledger::history::{Order, Range, StatementQuery};
use suanpan_ledger::rejection::Rejection;
use suanpan_money::Currency;
use suanpan_payments::decision::{AccountRef, EntryDraft, Line};

on_each!(
    entries_are_booked_once_and_survive_a_restart,
    what_the_books_refuse_leaves_no_trace_of_the_payment,
    holds_expire_by_themselves,
    history_is_there_at_once_and_after_a_restart,
    a_repeat_of_an_entry_rests_on_a_commit,
);

fn cny() -> Currency {
    Currency::parse("CNY").unwrap()
}

fn spec(path: &str, floor: Option<i64>) -> AccountSpec {
    let limits = Limits { floor, ceiling: None };
    AccountSpec { path: path.to_owned(), currency: cny(), kind: AccountKind::Liability, limits }
}

fn books(world: &World, command: BooksCommand) -> Result<BooksAnswer, Refused> {
    world.engine().books_blocking(command).map(|(answer, _)| answer)
}

fn open(world: &World) -> (AccountNo, AccountNo) {
    let specs = vec![spec("bench/a", None), spec("bench/b", Some(0))];
    let BooksAnswer::Opened(opened) = books(world, BooksCommand::Open(specs)).unwrap() else { panic!() };
    (opened[0].unwrap(), opened[1].unwrap())
}

fn one(id: u128, action: Action, debit: AccountNo, credit: AccountNo, amount_minor: u64) -> BooksCommand {
    let mut entries = EntryBatch::default();
    let postings = [Posting { debit, credit, amount_minor }];
    let postings: &[Posting] = if amount_minor == 0 { &[] } else { &postings };
    entries.push(Entry { id: EntryId(id), action, code: 9, linked: false, postings }).unwrap();
    BooksCommand::Post(entries)
}

fn verdict(world: &World, command: BooksCommand) -> Verdict {
    let BooksAnswer::Posted(verdicts) = books(world, command).unwrap() else { panic!() };
    verdicts[0]
}

fn entries_are_booked_once_and_survive_a_restart(mut world: World) {
    let (a, b) = open(&world);
    assert_eq!(verdict(&world, one(1, Action::Post, a, b, 500)), Verdict::Accepted { ordinal: 0 });
    assert_eq!(verdict(&world, one(1, Action::Post, a, b, 500)), Verdict::Exists { ordinal: 0 });
    world.crash();
    assert_eq!(open(&world), (a, b), "opening again is a repeat");
    assert_eq!(verdict(&world, one(1, Action::Post, a, b, 500)), Verdict::Exists { ordinal: 0 });
    let changed = verdict(&world, one(1, Action::Post, a, b, 501));
    assert!(matches!(changed, Verdict::Rejected { reason: Rejection::ExistsWithDifferentPostings, .. }));
    let floor = verdict(&world, one(2, Action::Post, b, a, 501));
    assert!(matches!(floor, Verdict::Rejected { reason: Rejection::ExceedsFloor, .. }), "{floor:?}");
    let balances = world.balances();
    assert_eq!((balances["bench/a"], balances["bench/b"]), ((-500, 0), (500, 0)));
    let unknown = NamedEntry {
        draft: EntryDraft {
            id: EntryId(3),
            action: Action::Post,
            code: 0,
            lines: vec![Line {
                debit: AccountRef { path: "bench/a".to_owned(), currency: cny() },
                credit: AccountRef { path: "bench/none".to_owned(), currency: cny() },
                amount_minor: 1,
            }],
        },
        linked: false,
    };
    let refused = verdict(&world, BooksCommand::PostNamed(vec![unknown]));
    assert!(matches!(refused, Verdict::Rejected { reason: Rejection::AccountNotFound, .. }));
}

fn what_the_books_refuse_leaves_no_trace_of_the_payment(world: World) {
    let intent = world.done(pay("pm_card_visa", json!({})));
    let before = (world.events(), world.list("charge"));
    let ask = world.engine().query(|book| book.find("test/merchant/acct_m/pending", cny()));
    let merchant = world.runtime().block_on(ask).unwrap().0.unwrap();
    let freeze = AccountChange::Freeze { debits: true, credits: false };
    books(&world, BooksCommand::Change(vec![(merchant, freeze)])).unwrap();
    let refused = world.call(Some("k1"), refund(&id(&intent), 1_000));
    assert_eq!(refused, Err(Refused::Books(Rejection::DebitsFrozen)));
    assert_eq!((world.events(), world.list("charge")), before, "not even counted as given back");
    assert_eq!(world.list("refund").len(), 0);
    world.expect_books((10_000, 0), (9_940, 0), 60);
    let thaw = AccountChange::Unfreeze { debits: true, credits: false };
    books(&world, BooksCommand::Change(vec![(merchant, thaw)])).unwrap();
    // The key was not used up by the refusal.
    let done = world.call(Some("k1"), refund(&id(&intent), 1_000)).unwrap();
    assert!(!done.replayed);
    world.expect_books((9_000, 0), (8_940, 0), 60);
}

fn holds_expire_by_themselves(mut world: World) {
    let (a, b) = open(&world);
    let expires_at = Some(world.clock.now().plus_seconds(30));
    let hold = Action::Hold { expires_at };
    assert!(matches!(verdict(&world, one(1, hold, a, b, 70)), Verdict::Accepted { .. }));
    assert_eq!(world.balances()["bench/b"], (0, 70));
    world.crash();
    assert_eq!(world.balances()["bench/b"], (0, 70));
    world.clock.advance_seconds(31);
    let late = verdict(&world, one(2, Action::Capture { hold: EntryId(1) }, a, b, 0));
    assert!(matches!(late, Verdict::Rejected { reason: Rejection::HoldExpired, .. }), "{late:?}");
    assert!(world.balances().is_empty());
}

fn history_is_there_at_once_and_after_a_restart(mut world: World) {
    let (a, b) = open(&world);
    let query =
        StatementQuery { account: b.0, range: Range::All, order: Order::NewestFirst, limit: 10, after: None };
    for amount in 1..=5 {
        verdict(&world, one(amount, Action::Post, a, b, u64::try_from(amount).unwrap()));
        let rows = world.engine().history().statement(&query).unwrap().rows;
        assert_eq!(rows.len(), usize::try_from(amount).unwrap());
    }
    let before = world.engine().history().statement(&query).unwrap();
    world.crash();
    let after = world.engine().history().statement(&query).unwrap();
    assert_eq!(after.rows, before.rows);
    assert_eq!(after.rows[0].row.after.credits_posted, 15);
}

fn a_repeat_of_an_entry_rests_on_a_commit(world: World) {
    let (a, b) = open(&world);
    let (_, first) = world.engine().books_blocking(one(1, Action::Post, a, b, 5)).unwrap();
    let (_, repeat) = world.engine().books_blocking(one(1, Action::Post, a, b, 5)).unwrap();
    assert_eq!(repeat.seq, first.seq + 1);
    assert_ne!(repeat.hash, first.hash);
}
