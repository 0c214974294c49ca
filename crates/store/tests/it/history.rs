//! Runs of the history.

use crate::on_all;
use crate::world::{CELL, World, hash_of};
use std::ops::Range;
use std::sync::Arc;
use suanpan_store::commit::Lease;
use suanpan_store::{History, NewRun, RunKind, StoreError};

on_all!(
    runs_lie_side_by_side,
    a_merged_run_takes_the_place_of_others,
    a_run_that_does_not_fit_changes_nothing,
    all_can_be_dropped,
    a_large_run_comes_page_by_page,
    only_who_claimed_it_last_writes,
);

const LEASE: Lease = Lease { cell: CELL, epoch: 3 };

/// Opens the history and takes the right to write.
fn claimed(world: &World) -> Arc<dyn History> {
    let history = world.database.history().unwrap();
    history.claim(&LEASE).unwrap();
    history
}

fn run<'a>(kind: RunKind, entries: &'a Range<u64>, pages: &'a [Vec<u8>]) -> NewRun<'a> {
    NewRun {
        kind,
        level: 1,
        entries,
        seq: entries.end,
        hash: hash_of(entries.end, 0),
        directory: b"directory",
        pages,
    }
}

fn spans(world: &World, kind: RunKind) -> Vec<Range<u64>> {
    world.database.history().unwrap().runs(kind).unwrap().into_iter().map(|run| run.entries).collect()
}

fn runs_lie_side_by_side(world: World) {
    let history = claimed(&world);
    assert_eq!(history.sealed(RunKind::History).unwrap(), 0);
    let pages = vec![vec![1; 70_000], vec![], vec![3]];
    let first = history.put(&LEASE, &run(RunKind::History, &(0..10), &pages), &[]).unwrap();
    history.put(&LEASE, &run(RunKind::History, &(10..11), &[]), &[]).unwrap();
    let ids = history.put(&LEASE, &run(RunKind::Ids, &(0..7), &pages[2..]), &[]).unwrap();
    assert_eq!(history.sealed(RunKind::History).unwrap(), 11);
    assert_eq!(history.sealed(RunKind::Ids).unwrap(), 7);

    let runs = history.runs(RunKind::History).unwrap();
    assert_eq!(runs.len(), 2);
    let newest = &runs[0];
    assert_eq!((newest.id, newest.kind, newest.level, newest.pages), (first, RunKind::History, 1, 3));
    assert_eq!((&newest.entries, newest.seq, newest.hash), (&(0..10), 10, hash_of(10, 0)));
    assert_eq!(newest.directory, b"directory");
    let found = history.pages(first, &[2, 0, 1]).unwrap().unwrap();
    assert_eq!(found, [vec![3], vec![1; 70_000], vec![]]);
    assert_eq!(history.pages(ids, &[0]).unwrap(), Some(vec![vec![3]]));
    assert_eq!(history.pages(ids, &[]).unwrap(), Some(vec![]));
    assert_eq!(history.pages(99, &[0]).unwrap(), None);
    assert!(matches!(history.pages(ids, &[1]), Err(StoreError::Damaged { .. })));
}

fn a_merged_run_takes_the_place_of_others(world: World) {
    let history = claimed(&world);
    let pages = vec![vec![7; 10]];
    let ids: Vec<u64> = (0..4)
        .map(|number| {
            history.put(&LEASE, &run(RunKind::Ids, &(number * 10..number * 10 + 10), &pages), &[]).unwrap()
        })
        .collect();
    let merged = history.put(&LEASE, &run(RunKind::Ids, &(0..30), &[]), &[ids[2], ids[0], ids[1]]).unwrap();
    assert_eq!(history.pages(ids[0], &[0]).unwrap(), None);
    assert_eq!(history.sealed(RunKind::Ids).unwrap(), 40);
    // All of them, with what came since.
    history.put(&LEASE, &run(RunKind::Ids, &(0..55), &[]), &[merged, ids[3]]).unwrap();
    assert_eq!(history.sealed(RunKind::Ids).unwrap(), 55);
    assert_eq!(history.runs(RunKind::Ids).unwrap().len(), 1);
}

fn a_run_that_does_not_fit_changes_nothing(world: World) {
    let history = claimed(&world);
    let put = |entries: Range<u64>, replaced: &[u64]| {
        history.put(&LEASE, &run(RunKind::History, &entries, &[vec![1]]), replaced)
    };
    let first = put(0..10, &[]).unwrap();
    let second = put(10..20, &[]).unwrap();
    let third = put(20..30, &[]).unwrap();
    for (entries, replaced) in [
        (31..40, vec![]),
        (29..40, vec![]),
        (30..30, vec![]),
        (0..30, vec![first, third]),
        (0..19, vec![first, second]),
        (0..21, vec![first, second]),
        (1..20, vec![first, second]),
        (0..10, vec![99]),
    ] {
        let error = put(entries.clone(), &replaced).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{entries:?} {replaced:?}: {error}");
    }
    let other_kind = history.put(&LEASE, &run(RunKind::Ids, &(0..10), &[]), &[first]);
    assert!(other_kind.is_err());
    let found: Vec<Range<u64>> =
        history.runs(RunKind::History).unwrap().into_iter().map(|run| run.entries).collect();
    assert_eq!(found, [0..10, 10..20, 20..30]);
    assert_eq!(history.pages(first, &[0]).unwrap(), Some(vec![vec![1]]));
}

fn all_can_be_dropped(world: World) {
    let history = claimed(&world);
    history.put(&LEASE, &run(RunKind::History, &(0..10), &[vec![1]]), &[]).unwrap();
    history.clear(&LEASE).unwrap();
    assert_eq!(history.sealed(RunKind::History).unwrap(), 0);
    history.put(&LEASE, &run(RunKind::History, &(0..3), &[]), &[]).unwrap();
    if world.address != "sqlite::memory:" {
        assert_eq!(spans(&world, RunKind::History), vec![0..3]);
    }
}

fn a_large_run_comes_page_by_page(world: World) {
    let history = claimed(&world);
    let small: Vec<u64> = (0..3)
        .map(|at| history.put(&LEASE, &run(RunKind::Ids, &(at * 10..at * 10 + 10), &[vec![7]]), &[]).unwrap())
        .collect();
    let large = history.begin_run(&LEASE, RunKind::Ids).unwrap();
    let pages: Vec<Vec<u8>> = (0..200).map(|page| vec![page; 10]).collect();
    history.add_pages(&LEASE, large, 0, &pages[..100]).unwrap();
    history.add_pages(&LEASE, large, 100, &pages[100..150]).unwrap();
    assert_eq!(history.runs(RunKind::Ids).unwrap().len(), 3, "nobody sees what is not finished");
    assert_eq!(history.pages(large, &[0]).unwrap(), None);
    // Meanwhile another is sealed.
    let fourth = history.put(&LEASE, &run(RunKind::Ids, &(30..40), &[vec![8]]), &[]).unwrap();
    let merged = run(RunKind::Ids, &(0..30), &pages[150..]);
    assert!(
        history.finish_run(&LEASE, large, &merged, &[fourth]).is_err(),
        "what does not fit changes nothing"
    );
    history.finish_run(&LEASE, large, &merged, &small).unwrap();
    assert!(history.finish_run(&LEASE, large, &merged, &[]).is_err(), "only once");
    let runs = history.runs(RunKind::Ids).unwrap();
    let found: Vec<(u64, u32)> = runs.iter().map(|run| (run.id, run.pages)).collect();
    assert_eq!(found, [(large, 200), (fourth, 1)]);
    assert_eq!(
        history.pages(large, &[0, 100, 199]).unwrap().unwrap(),
        [vec![0; 10], vec![100; 10], vec![199; 10]]
    );
    assert_eq!(history.pages(small[0], &[0]).unwrap(), None);

    // What is begun and never finished goes with the next claim, and all that counts stays.
    let given_up = history.begin_run(&LEASE, RunKind::History).unwrap();
    history.add_pages(&LEASE, given_up, 0, &pages).unwrap();
    history.claim(&LEASE).unwrap();
    let mut steps = 0;
    while history.sweep(&LEASE).unwrap() {
        steps += 1;
    }
    assert!((3 + 4..20).contains(&steps), "{steps} small transactions");
    let late = history.finish_run(&LEASE, given_up, &run(RunKind::History, &(0..10), &[]), &[]);
    assert!(matches!(late, Err(StoreError::Damaged { .. })), "{late:?}");
    assert_eq!(history.pages(fourth, &[0]).unwrap(), Some(vec![vec![8]]));
    assert_eq!(history.pages(large, &[199]).unwrap(), Some(vec![vec![199; 10]]));
}

fn only_who_claimed_it_last_writes(world: World) {
    let history = claimed(&world);
    let first = history.put(&LEASE, &run(RunKind::Ids, &(0..10), &[vec![7]]), &[]).unwrap();
    let begun = history.begin_run(&LEASE, RunKind::Ids).unwrap();
    let next = Lease { epoch: LEASE.epoch + 1, ..LEASE };
    history.claim(&next).unwrap();
    let refused = [
        history.put(&LEASE, &run(RunKind::Ids, &(10..20), &[]), &[]).map(drop),
        history.begin_run(&LEASE, RunKind::Ids).map(drop),
        history.add_pages(&LEASE, begun, 0, &[vec![1]]),
        history.finish_run(&LEASE, begun, &run(RunKind::Ids, &(0..10), &[]), &[first]),
        history.sweep(&LEASE).map(drop),
        history.clear(&LEASE),
    ];
    for (at, refused) in refused.into_iter().enumerate() {
        let fenced = StoreError::Fenced { cell: CELL, held: LEASE.epoch, stored: next.epoch };
        assert_eq!(refused, Err(fenced), "{at}");
    }
    assert_eq!(history.pages(first, &[0]).unwrap(), Some(vec![vec![7]]));
    history.put(&next, &run(RunKind::Ids, &(10..20), &[]), &[]).unwrap();
    // A cell that was restored counts from where its backup stood.
    history.claim(&LEASE).unwrap();
    history.put(&LEASE, &run(RunKind::Ids, &(20..30), &[]), &[]).unwrap();
}
