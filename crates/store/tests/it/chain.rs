//! The journal, the lease and the fence.

use crate::on_all;
use crate::world::{CELL, Cell, NOON, TTL, World, hash_of};
use std::ops::ControlFlow;
use std::time::Duration;
use suanpan_store::StoreError;
use suanpan_store::commit::{AccountRow, Checkpoint, CommitError, Head};

on_all!(
    what_was_committed_is_loaded_again,
    a_checkpoint_replaces_pages_and_holds,
    a_checkpoint_of_millions_of_accounts_is_taken,
    older_holders_are_fenced,
    a_lease_is_waited_for_unless_it_is_ones_own,
    a_commit_must_follow_what_is_stored,
    a_wrong_cell_is_refused,
    records_are_found_by_number_and_by_entry,
    records_are_streamed_until_told_to_stop,
    an_account_keeps_its_name,
    a_commit_that_cannot_be_is_refused_before,
);

fn account(number: u32, body: &[u8]) -> AccountRow {
    AccountRow { number, path: format!("merchant/{number}/pending"), currency: 156, body: body.to_vec() }
}

fn what_was_committed_is_loaded_again(world: World) {
    let mut cell = world.cell();
    assert_eq!(cell.head, Head { seq: 0, hash: [0; 32], entries: 0, at: 0 });
    cell.with(|commit| commit.accounts = vec![account(1, b"one"), account(0, b"zero")]).unwrap();
    cell.with(|commit| commit.accounts = vec![account(1, b"one, frozen")]).unwrap();
    assert_eq!(cell.store.head().unwrap(), cell.head);

    let kept = world.database.writer().unwrap().load().unwrap();
    assert_eq!(kept.head, Some(cell.head));
    assert_eq!(kept.accounts, vec![account(0, b"zero"), account(1, b"one, frozen")]);
    assert_eq!((kept.checkpoint, kept.pages.len(), kept.holds.len()), (0, 0, 0));

    let standing = world.database.reader().standing().unwrap().unwrap();
    assert_eq!((standing.lease, standing.head), (cell.lease, cell.head));
    assert_eq!(standing.holder, "node-a");
    let sizes = world.database.reader().sizes().unwrap();
    assert_eq!((sizes.records, sizes.entries, sizes.accounts), (2, 2, 2));
    assert!(sizes.bytes > 0);
}

fn a_checkpoint_replaces_pages_and_holds(world: World) {
    let mut cell = world.cell();
    let big = u128::MAX - 1;
    cell.with(|commit| {
        commit.checkpoint = Some(Checkpoint {
            seq: 0,
            pages: vec![(3, vec![3]), (0, vec![])],
            holds_open: vec![(big, vec![1, 2]), (5, vec![5])],
            holds_closed: vec![],
        });
    })
    .unwrap();
    cell.with(|commit| {
        commit.checkpoint = Some(Checkpoint {
            seq: 2,
            pages: vec![(3, vec![30; 10_000]), (4, vec![4])],
            holds_open: vec![(6, vec![6])],
            holds_closed: vec![5],
        });
    })
    .unwrap();
    let kept = cell.store.load().unwrap();
    assert_eq!(kept.checkpoint, 2);
    assert_eq!(kept.pages, vec![(0, vec![]), (3, vec![30; 10_000]), (4, vec![4])]);
    assert_eq!(kept.holds, vec![(6, vec![6]), (big, vec![1, 2])]);

    let mut early = cell.next(1);
    early.checkpoint = Some(Checkpoint { seq: early.after.seq + 1, ..Checkpoint::default() });
    assert!(matches!(cell.put(&early), Err(CommitError::Disagrees(_))));
}

fn a_checkpoint_of_millions_of_accounts_is_taken(world: World) {
    let mut cell = world.cell();
    // More than the rows of any other table that one commit may have, and no round number of parts.
    let pages: Vec<(u32, Vec<u8>)> =
        (0..70_001).map(|page: u32| (page, page.to_le_bytes().to_vec())).collect();
    cell.with(|commit| {
        commit.checkpoint = Some(Checkpoint { seq: 1, pages: pages.clone(), ..Checkpoint::default() });
    })
    .unwrap();
    let kept = cell.store.load().unwrap();
    assert_eq!(kept.checkpoint, 1);
    assert!(kept.pages == pages, "{} pages", kept.pages.len());
}

fn older_holders_are_fenced(world: World) {
    let mut first = world.cell();
    first.with(|_| {}).unwrap();
    let mut second = Cell::take(world.database.writer().unwrap(), "node-a");
    assert_eq!(second.lease.epoch, first.lease.epoch + 1);
    assert_eq!(second.head, first.head);

    let error = first.with(|_| {}).unwrap_err();
    let CommitError::Fenced { cell: CELL, held, stored } = error else { panic!("{error}") };
    assert_eq!((held, stored), (first.lease.epoch, second.lease.epoch));
    let lease = first.lease;
    assert!(matches!(first.store.renew(&lease, TTL), Err(StoreError::Fenced { .. })));
    assert!(matches!(first.store.release(&lease), Err(StoreError::Fenced { .. })));
    assert!(matches!(first.store.forget_answers(&lease, 0, 1), Err(StoreError::Fenced { .. })));

    second.with(|_| {}).unwrap();
    let lease = second.lease;
    second.store.renew(&lease, TTL).unwrap();
    assert_eq!(world.database.reader().standing().unwrap().unwrap().head, second.head);
}

fn a_lease_is_waited_for_unless_it_is_ones_own(world: World) {
    let mut first = world.cell();
    let mut other = world.database.writer().unwrap();
    let error = other.acquire(CELL, "node-b", TTL).unwrap_err();
    let StoreError::Held { holder, left_ms, .. } = error else { panic!("{error}") };
    assert_eq!(holder, "node-a");
    assert!(left_ms > 1_000 && left_ms <= 20_000, "{left_ms}");
    first.with(|_| {}).unwrap();

    let lease = first.lease;
    first.store.release(&lease).unwrap();
    let (lease, head) = other.acquire(CELL, "node-b", Duration::from_millis(1)).unwrap();
    assert_eq!((lease.epoch, head), (2, first.head));
    std::thread::sleep(Duration::from_millis(20));
    let (lease, _) = first.store.acquire(CELL, "node-a", TTL).unwrap();
    assert_eq!(lease.epoch, 3);
    assert!(matches!(other.acquire(CELL, "node-b", TTL), Err(StoreError::Held { .. })));
    let (lease, _) = other.seize(CELL, "node-b", TTL).unwrap();
    assert_eq!(lease.epoch, 4);
}

fn a_commit_must_follow_what_is_stored(world: World) {
    let mut cell = world.cell();
    cell.with(|_| {}).unwrap();
    let right = cell.next(1);
    let mut wrong_hash = right.clone();
    wrong_hash.before.hash[31] ^= 1;
    let mut wrong_entries = right.clone();
    wrong_entries.before.entries -= 1;
    let mut wrong_seq = right.clone();
    (wrong_seq.before.seq, wrong_seq.after.seq) = (7, 8);
    for wrong in [wrong_hash, wrong_entries, wrong_seq] {
        let error = cell.store.commit(&wrong).unwrap_err();
        assert!(matches!(error, CommitError::Disagrees(_)), "{error}");
    }
    assert_eq!(cell.store.head().unwrap(), cell.head);
    cell.put(&right).unwrap();
    // The same once more.
    assert!(matches!(cell.store.commit(&right), Err(CommitError::Disagrees(_))));
    assert_eq!(world.database.reader().record(3).unwrap(), None);
}

fn a_wrong_cell_is_refused(world: World) {
    let mut cell = world.cell();
    let mut other = world.database.writer().unwrap();
    let error = other.acquire(CELL + 1, "node-b", TTL).unwrap_err();
    assert!(matches!(error, StoreError::OtherCell { stored: CELL, asked: 8, .. }), "{error}");
    let mut commit = cell.next(1);
    commit.lease.cell = 8;
    assert!(matches!(cell.store.commit(&commit), Err(CommitError::Disagrees(_))));
}

fn records_are_found_by_number_and_by_entry(world: World) {
    let mut cell = world.cell();
    for entries in [3, 0, 2, 1, 0] {
        let commit = cell.next(entries);
        cell.put(&commit).unwrap();
    }
    let reader = world.database.reader();
    let seqs: Vec<Option<u64>> =
        (0..8).map(|entry| reader.record_of(entry).unwrap().map(|record| record.mark.seq)).collect();
    assert_eq!(seqs, [Some(1), Some(1), Some(1), Some(3), Some(3), Some(4), None, None]);
    assert_eq!(reader.record_of(u64::MAX).unwrap(), None);

    let record = reader.record(3).unwrap().unwrap();
    assert_eq!(record.body, b"record 3 with 2 entries");
    let mark = record.mark;
    assert_eq!((mark.seq, mark.first, mark.entries, mark.at, mark.epoch), (3, 3, 2, NOON + 3, 1));
    assert_eq!((mark.hash, mark.root), (hash_of(3, 1), hash_of(3, 1_000_000)));
    assert_eq!(reader.record(0).unwrap(), None);
    assert_eq!(reader.record(u64::MAX).unwrap(), None);
    let marks = reader.marks(2..4).unwrap();
    assert_eq!(marks.iter().map(|mark| mark.seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(marks[1], mark);
    assert_eq!(reader.marks(6..u64::MAX).unwrap(), []);
}

fn records_are_streamed_until_told_to_stop(world: World) {
    let mut cell = world.cell();
    for _ in 0..150 {
        cell.with(|_| {}).unwrap();
    }
    let mut seen = Vec::new();
    cell.store
        .records(3, &mut |record| {
            seen.push(record.mark.seq);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(seen, (3..=150).collect::<Vec<u64>>());
    seen.clear();
    world
        .database
        .reader()
        .records(0, &mut |record| {
            seen.push(record.mark.seq);
            if record.mark.seq == 70 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!(seen, (1..=70).collect::<Vec<u64>>());
    cell.store.records(151, &mut |_| panic!("there is none")).unwrap();
}

fn an_account_keeps_its_name(world: World) {
    let mut cell = world.cell();
    cell.with(|commit| commit.accounts = vec![account(1, b"")]).unwrap();
    let renamed = AccountRow { path: "merchant/2/pending".to_owned(), ..account(1, b"") };
    let twice = AccountRow { number: 2, ..account(1, b"") };
    for wrong in [renamed, twice] {
        let error = cell.with(|commit| commit.accounts = vec![wrong.clone()]).unwrap_err();
        assert!(matches!(error, CommitError::Disagrees(_)), "{error}");
    }
    assert_eq!(cell.store.load().unwrap().accounts, vec![account(1, b"")]);
    assert_eq!(cell.store.head().unwrap(), cell.head);
}

fn a_commit_that_cannot_be_is_refused_before(world: World) {
    let mut cell = world.cell();
    cell.with(|_| {}).unwrap();
    let right = cell.next(1);
    let mut back_in_time = right.clone();
    back_in_time.after.at = cell.head.at - 1;
    let mut gap = right.clone();
    gap.after.seq += 1;
    let mut huge = right.clone();
    huge.record = vec![0; suanpan_store::BYTES_PER_RECORD + 1];
    let mut epoch = right.clone();
    epoch.lease.epoch = u64::MAX;
    for wrong in [back_in_time, gap, huge, epoch] {
        assert!(matches!(cell.store.commit(&wrong), Err(CommitError::Disagrees(_))));
    }
    cell.put(&right).unwrap();
}
