//! Runs of the history.

use crate::on_all;
use crate::world::{World, hash_of};
use std::ops::Range;
use suanpan_store::{NewRun, RunKind, StoreError};

on_all!(
    runs_lie_side_by_side,
    a_merged_run_takes_the_place_of_others,
    a_run_that_does_not_fit_changes_nothing,
    all_can_be_dropped,
);

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
    let history = world.database.history().unwrap();
    assert_eq!(history.sealed(RunKind::History).unwrap(), 0);
    let pages = vec![vec![1; 70_000], vec![], vec![3]];
    let first = history.put(&run(RunKind::History, &(0..10), &pages), &[]).unwrap();
    history.put(&run(RunKind::History, &(10..11), &[]), &[]).unwrap();
    let ids = history.put(&run(RunKind::Ids, &(0..7), &pages[2..]), &[]).unwrap();
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
    let history = world.database.history().unwrap();
    let pages = vec![vec![7; 10]];
    let ids: Vec<u64> = (0..4)
        .map(|number| history.put(&run(RunKind::Ids, &(number * 10..number * 10 + 10), &pages), &[]).unwrap())
        .collect();
    let merged = history.put(&run(RunKind::Ids, &(0..30), &[]), &[ids[2], ids[0], ids[1]]).unwrap();
    assert_eq!(history.pages(ids[0], &[0]).unwrap(), None);
    assert_eq!(history.sealed(RunKind::Ids).unwrap(), 40);
    // All of them, with what came since.
    history.put(&run(RunKind::Ids, &(0..55), &[]), &[merged, ids[3]]).unwrap();
    assert_eq!(history.sealed(RunKind::Ids).unwrap(), 55);
    assert_eq!(history.runs(RunKind::Ids).unwrap().len(), 1);
}

fn a_run_that_does_not_fit_changes_nothing(world: World) {
    let history = world.database.history().unwrap();
    let put = |entries: Range<u64>, replaced: &[u64]| {
        history.put(&run(RunKind::History, &entries, &[vec![1]]), replaced)
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
    let other_kind = history.put(&run(RunKind::Ids, &(0..10), &[]), &[first]);
    assert!(other_kind.is_err());
    let found: Vec<Range<u64>> =
        history.runs(RunKind::History).unwrap().into_iter().map(|run| run.entries).collect();
    assert_eq!(found, [0..10, 10..20, 20..30]);
    assert_eq!(history.pages(first, &[0]).unwrap(), Some(vec![vec![1]]));
}

fn all_can_be_dropped(world: World) {
    let history = world.database.history().unwrap();
    history.put(&run(RunKind::History, &(0..10), &[vec![1]]), &[]).unwrap();
    history.clear().unwrap();
    assert_eq!(history.sealed(RunKind::History).unwrap(), 0);
    history.put(&run(RunKind::History, &(0..3), &[]), &[]).unwrap();
    if world.address != "sqlite::memory:" {
        assert_eq!(spans(&world, RunKind::History), vec![0..3]);
    }
}
