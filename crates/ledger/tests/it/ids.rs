//! The index of ids against a plain map.

use proptest::prelude::*;
use std::collections::BTreeMap;
use suanpan_ledger::{
    history::{HistoryError, PageSource, QueryError, RunId},
    ids::{Found, IdMerge, IdRow, IdRun, What, find, seal_ids},
};

#[derive(Debug, Default, Clone)]
struct Memory {
    pages: BTreeMap<(RunId, u32), Vec<u8>>,
    reads: usize,
}

#[derive(Debug)]
struct NoPage;

impl PageSource for Memory {
    type Page = Vec<u8>;
    type Error = NoPage;

    fn page(&mut self, run: RunId, index: u32) -> Result<Vec<u8>, NoPage> {
        self.reads += 1;
        self.pages.get(&(run, index)).cloned().ok_or(NoPage)
    }
}

impl Memory {
    fn keep(&mut self, run: RunId, page: Vec<u8>) {
        let index = self.pages.range((run, 0)..=(run, u32::MAX)).count() as u32;
        self.pages.insert((run, index), page);
    }

    fn seal(&mut self, id: u64, ordinals: (u64, u64), rows: Vec<IdRow>) -> IdRun {
        let run = seal_ids(RunId(id), ordinals, rows, |page| self.keep(RunId(id), page)).unwrap();
        IdRun::parse(RunId(id), &run.write()).unwrap()
    }

    fn merge(&mut self, id: u64, runs: Vec<IdRun>) -> IdRun {
        let mut merge = IdMerge::new(RunId(id), runs).unwrap();
        while let Some(page) = merge.next_page(self).unwrap() {
            self.keep(RunId(id), page);
        }
        let run = merge.finish().unwrap();
        let stored = self.pages.range((run.id, 0)..=(run.id, u32::MAX)).count();
        assert_eq!(run.page_count() as usize, stored);
        IdRun::parse(RunId(id), &run.write()).unwrap()
    }
}

/// Ids as clients make them: counting, by time with chance behind, all chance.
fn id(style: u64, number: u64) -> u128 {
    let chance = |seed: u64| {
        let value = (seed ^ (seed >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (value ^ (value >> 29)).wrapping_mul(0x94D0_49BB_1331_11EB)
    };
    match style {
        0 => u128::from(number),
        1 => u128::from(1_700_000_000_000 + number / 20) << 80 | u128::from(chance(number)),
        _ => u128::from(chance(number)) << 64 | u128::from(chance(number + 77)),
    }
}

struct Books {
    memory: Memory,
    runs: Vec<IdRun>,
    known: BTreeMap<u128, Found>,
    next: u64,
}

/// Seals `runs` runs of `entries` entries; some entries resolve or undo an earlier one.
fn books(style: u64, runs: u64, entries: u64) -> Books {
    let mut books = Books { memory: Memory::default(), runs: Vec::new(), known: BTreeMap::new(), next: 0 };
    for run in 0..runs {
        let mut rows = Vec::new();
        let first = books.next;
        for ordinal in first..first + entries {
            let here = id(style, ordinal);
            books.known.insert(here, Found { entry: Some(ordinal), ..Found::default() });
            rows.push(IdRow { id: here, ordinal, what: What::Entry });
            let of = id(style, ordinal / 2);
            let known = books.known.get_mut(&of).unwrap();
            let what = What::ALL[ordinal as usize % 5];
            if of != here && what == What::Reversed && known.reversed.is_none() {
                known.reversed = Some(ordinal);
                rows.push(IdRow { id: of, ordinal, what });
            } else if of != here && what != What::Entry && what != What::Reversed && known.resolved.is_none()
            {
                known.resolved = Some((what, ordinal));
                rows.push(IdRow { id: of, ordinal, what });
            }
        }
        books.next += entries;
        let sealed = books.memory.seal(run, (first, books.next), rows);
        books.runs.push(sealed);
    }
    books
}

fn check(books: &mut Books, style: u64) {
    let asked: Vec<u128> = (0..books.next + 50)
        .rev()
        .map(|number| id(style, number))
        .chain([0, u128::MAX, id(style, 1)])
        .collect();
    for asked in asked.chunks(50_000) {
        let found = find(asked, books.runs.iter().rev(), &mut books.memory).unwrap();
        for (id, found) in asked.iter().zip(found) {
            assert_eq!(found, books.known.get(id).copied(), "{id:x}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn ids_are_found_as_in_a_plain_map(
        style in 0..3_u64, runs in 1..7_u64, entries in 1..900_u64, merges in prop::collection::vec((0..6_usize, 2..5_usize), 0..3),
    ) {
        let mut books = books(style, runs, entries);
        for (number, (from, count)) in merges.into_iter().enumerate() {
            let from = from % books.runs.len();
            let to = (from + count).min(books.runs.len());
            let merged = books.memory.merge(100 + number as u64, books.runs[from..to].to_vec());
            prop_assert_eq!(merged.rows, books.runs[from..to].iter().map(|run| run.rows).sum::<u64>());
            books.runs.splice(from..to, [merged]);
        }
        check(&mut books, style);
        for run in &mut books.runs {
            run.load_filters(&mut books.memory).unwrap();
        }
        check(&mut books, style);
    }

    #[test]
    fn changed_bytes_are_errors_and_never_panic(at in any::<prop::sample::Index>(), page in 0..4_u32, value in 1..=255_u8) {
        let books = books(1, 1, 3_000);
        let mut memory = books.memory.clone();
        let bytes = memory.pages.get_mut(&(RunId(0), page)).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= value;
        let ids: Vec<u128> = (0..3_000).map(|number| id(1, number)).collect();
        let mut run = books.runs[0].clone();
        let filters = page + 1 == run.page_count();
        let error = match filters {
            true => run.load_filters(&mut memory).unwrap_err(),
            false => find(&ids, [&run], &mut memory).unwrap_err(),
        };
        let QueryError::History(HistoryError::Damaged { page: place, .. }) = error else { panic!("{error}") };
        prop_assert_eq!(place, Some(page));
        let mut directory = run.write();
        let at = at % directory.len();
        directory[at] ^= value;
        prop_assert!(IdRun::parse(RunId(0), &directory).is_err());
        // With a right digest the bounds are still checked.
        let end = directory.len() - 32;
        directory.truncate(end);
        let digest = blake3::hash(&directory);
        directory.extend_from_slice(digest.as_bytes());
        if let Ok(mut run) = IdRun::parse(RunId(0), &directory) {
            let _ = run.load_filters(&mut memory);
            let _ = find(&ids, [&run], &mut memory);
        }
    }
}

#[test]
fn many_ids_take_few_pages() {
    for style in 0..3 {
        let mut books = books(style, 8, 12_000);
        let merged = books.memory.merge(50, books.runs.clone());
        assert!(merged.page_count() > 40 && merged.level == 1);
        books.runs = vec![merged];
        check(&mut books, style);
        books.runs[0].load_filters(&mut books.memory).unwrap();
        check(&mut books, style);
        let absent: Vec<u128> = (1_000_000..1_008_190).map(|number| id(style, number)).collect();
        books.memory.reads = 0;
        let found = find(&absent, &books.runs, &mut books.memory).unwrap();
        assert!(found.iter().all(Option::is_none));
        let limit = if style == 2 { 30 } else { 0 };
        assert!(books.memory.reads <= limit, "style {style}: {} pages", books.memory.reads);
        books.runs[0].drop_filters();
        books.memory.reads = 0;
        find(&absent, &books.runs, &mut books.memory).unwrap();
        assert!(style != 2 || books.memory.reads > 40, "without filters each page is read");
    }
}

#[test]
fn what_cannot_be_is_named() {
    let mut memory = Memory::default();
    let empty = memory.seal(1, (0, 5), Vec::new());
    assert_eq!(find(&[1, 2], [&empty], &mut memory).unwrap(), [None, None]);
    let merged = memory.merge(2, vec![empty.clone()]);
    assert_eq!((merged.rows, merged.page_count()), (0, 0));
    let later = memory.seal(3, (6, 7), vec![IdRow { id: 1, ordinal: 6, what: What::Entry }]);
    let gap = IdMerge::<Vec<u8>>::new(RunId(9), vec![empty, later]).unwrap_err();
    assert_eq!(gap, HistoryError::Gap { end: 5, next: 6 });
    let one = |ordinal| IdRow { id: 7, ordinal, what: What::Entry };
    let error = seal_ids(RunId(4), (0, 9_999), (0..9_999).map(one).collect(), |_| {}).unwrap_err();
    assert_eq!(error.code(), "history_too_many");
    let ids = vec![0; 70_000];
    let Err(QueryError::History(error)) = find(&ids, [], &mut memory) else { panic!() };
    assert_eq!(error.code(), "history_too_many");
}
