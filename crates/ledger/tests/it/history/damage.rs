//! Bytes that are not what was written: an error with its place, never a panic, never a wrong answer.

use super::model::{Memory, NoPage, World, sealed};
use proptest::prelude::*;
use suanpan_ledger::history::{
    HistoryError, Merge, Order, QueryError, Range, Run, RunId, StatementQuery, View, page::Page,
    stamps::parse_stamps,
};
use suanpan_money::Timestamp;

fn books() -> (Memory, Run) {
    let mut world = World::new(5, 4);
    let mut memory = Memory::default();
    let run = sealed(&mut memory, 1, &world.tail(120));
    (memory, run)
}

fn questions(memory: &mut Memory, run: &Run) -> Result<(), QueryError<NoPage>> {
    let view = View::new([run], [])?;
    for order in [Order::NewestFirst, Order::OldestFirst] {
        for account in 0..5 {
            let range =
                Range::Times { from: Timestamp::from_micros(1_001), to: Timestamp::from_micros(1_090) };
            view.statement(&StatementQuery { account, range, order, limit: 10_000, after: None }, memory)?;
            view.balance_at(account, Timestamp::from_micros(1_050), memory)?;
        }
    }
    let mut merge = Merge::new(RunId(2), vec![run.clone()])?;
    while merge.next_page(memory)?.is_some() {}
    Ok(())
}

#[test]
fn a_changed_byte_anywhere_is_found() {
    let (memory, run) = books();
    let pages: Vec<Vec<u8>> = memory.pages_of(&run).into_iter().cloned().collect();
    for (index, page) in pages.iter().enumerate() {
        for at in (0..page.len()).step_by(1 + page.len() / 97) {
            let (mut memory, run) = books();
            let mut changed = page.clone();
            changed[at] ^= 0x10;
            memory.replace(run.id, index as u32, changed);
            let Err(QueryError::History(HistoryError::Damaged { run: RunId(1), page: Some(place), .. })) =
                questions(&mut memory, &run)
            else {
                panic!("byte {at} of page {index}");
            };
            assert_eq!(place, index as u32);
        }
    }
    let directory = run.write();
    for at in 0..directory.len() {
        let mut changed = directory.clone();
        changed[at] ^= 1;
        assert_eq!(Run::parse(RunId(1), &changed).unwrap_err().code(), "history_damaged", "byte {at}");
        assert!(Run::parse(RunId(1), &directory[..at]).is_err(), "{at} bytes");
    }
}

#[test]
fn a_missing_page_is_an_error_of_the_source() {
    let (_, run) = books();
    let Err(QueryError::Source { page: 1, source: NoPage, .. }) = questions(&mut Memory::default(), &run)
    else {
        panic!("a page out of nothing");
    };
}

#[test]
fn a_newer_version_is_not_guessed_at() {
    let (_, run) = books();
    let mut directory = run.write();
    directory.truncate(directory.len() - 32);
    directory[4] = 2;
    let digest = blake3::hash(&directory);
    directory.extend_from_slice(digest.as_bytes());
    let error = Run::parse(RunId(1), &directory).unwrap_err();
    assert_eq!(error, HistoryError::UnknownVersion { run: RunId(1), version: 2 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    // Digests keep such bytes away from the readers; these must be safe without them all the same.
    #[test]
    fn readers_never_panic(edits in prop::collection::vec((any::<u32>(), any::<u8>()), 1..12), cut in any::<u16>()) {
        let (mut memory, mut run) = books();
        let pages: Vec<Vec<u8>> = memory.pages_of(&run).into_iter().cloned().collect();
        for (index, page) in pages.iter().enumerate() {
            let mut bytes = page.clone();
            for (at, value) in &edits {
                let length = bytes.len();
                // Half of the edits go to the table and the heads of blocks.
                let place = if at % 2 == 0 { *at as usize / 2 % length.min(200) } else { *at as usize / 2 % length };
                bytes[place] = *value;
            }
            if cut % 5 == 0 {
                bytes.truncate(usize::from(cut / 5) % bytes.len());
            }
            let digest = {
                let mut digest = [0; 16];
                digest.copy_from_slice(&blake3::hash(&bytes).as_bytes()[..16]);
                digest
            };
            let length = bytes.len() as u32;
            match index.checked_sub(run.pages.len()) {
                None => (run.pages[index].bytes, run.pages[index].digest) = (length, digest),
                Some(at) => (run.stamp_pages[at].bytes, run.stamp_pages[at].digest) = (length, digest),
            }
            if let Ok(page) = Page::parse(&bytes) {
                for at in 0..page.blocks() {
                    let _ = page.block(at).and_then(|block| block.check());
                }
            }
            let _ = parse_stamps(&bytes);
            memory.replace(run.id, index as u32, bytes);
        }
        let _ = questions(&mut memory, &run);
        // Any bytes with a right digest as a directory.
        let mut directory = run.write();
        directory.truncate(directory.len() - 32);
        for (at, value) in &edits {
            let length = directory.len();
            directory[*at as usize % length] = *value;
        }
        let digest = blake3::hash(&directory);
        directory.extend_from_slice(digest.as_bytes());
        if let Ok(run) = Run::parse(RunId(1), &directory) {
            let _ = questions(&mut memory, &run);
        }
    }
}
