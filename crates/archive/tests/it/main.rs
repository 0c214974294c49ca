//! Archives that are written, gone on with, interrupted and tampered with.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use suanpan_archive::{Archive, ArchiveError, Committed, check};
use suanpan_ledger::account::{AccountKind, AccountNo, AccountSpec, Limits};
use suanpan_ledger::book::{Book, Draft, Known, Verdict};
use suanpan_ledger::entry::{Action, Entry, EntryBatch, EntryId, Posting};
use suanpan_ledger::merkle;
use suanpan_money::{Currency, Timestamp};

const CELL: u32 = 7;

/// Books that grow, and the records they gave.
struct Books {
    book: Book,
    draft: Draft,
    next_id: u128,
    records: Vec<([u8; 32], Vec<u8>)>,
}

impl Books {
    fn new() -> Books {
        Books { book: Book::new(CELL, 42), draft: Draft::default(), next_id: 1, records: Vec::new() }
    }

    fn begin(&mut self) {
        let at = Timestamp::from_seconds(1_700_000_000 + self.records.len() as i64);
        self.book.begin(&mut self.draft, at);
    }

    fn end(&mut self) {
        let finished = self.book.finish(&mut self.draft, 1).unwrap();
        let before = self.records.last().map_or([0; 32], |(hash, _)| *hash);
        let record = finished.record();
        let root = merkle::root(record.leaves());
        let hash = merkle::chain_hash(&before, record.header_bytes(), &root, &record.events_digest());
        self.records.push((hash, finished.bytes.clone()));
    }

    /// Opens two accounts in a record of their own.
    fn open(&mut self, names: [&str; 2]) -> [AccountNo; 2] {
        self.begin();
        let numbers = names.map(|name| {
            let spec = AccountSpec {
                path: name.to_owned(),
                currency: Currency::parse("CNY").unwrap(),
                kind: AccountKind::Liability,
                limits: Limits { floor: None, ceiling: None },
            };
            self.book.open(&mut self.draft, spec).unwrap()
        });
        self.end();
        numbers
    }

    /// Posts, holds, captures in part, and lets the rest go, in a record.
    fn work(&mut self, [debit, credit]: [AccountNo; 2]) {
        self.begin();
        let mut batch = EntryBatch::default();
        let (first, hold) = (EntryId(self.next_id), EntryId(self.next_id + 1));
        let capture = EntryId(self.next_id + 2);
        self.next_id += 3;
        let lines = |amount_minor| [Posting { debit, credit, amount_minor }];
        for (id, action, postings) in [
            (first, Action::Post, &lines(100)),
            (hold, Action::Hold { expires_at: None }, &lines(50)),
            (capture, Action::Capture { hold }, &lines(20)),
        ] {
            batch.push(Entry { id, action, code: 3, linked: false, postings }).unwrap();
        }
        let verdicts = self.book.apply(&mut self.draft, &batch, &Known::nothing()).unwrap();
        assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Accepted { .. })), "{verdicts:?}");
        self.end();
    }

    /// Archives the records that the archive lacks, up to a number of them.
    fn archive(&self, folder: &Path, most: usize) -> Result<(), ArchiveError> {
        let mut archive = Archive::open(folder, CELL)?;
        let from = usize::try_from(archive.manifest().end().0).unwrap();
        let name = |number: AccountNo| {
            let account = self.book.account(number)?;
            Some((account.spec.path.clone(), account.spec.currency))
        };
        let mut stretch = archive.stretch(&name)?;
        for (at, (hash, body)) in self.records.iter().enumerate().skip(from).take(most) {
            stretch.push(&Committed { seq: at as u64 + 1, hash: *hash, body })?;
        }
        stretch.finish().map(drop)
    }
}

fn filled() -> (tempfile::TempDir, Books) {
    let folder = tempfile::tempdir().unwrap();
    let mut books = Books::new();
    let first = books.open(["bank/b/safeguarding", "customer/c/balance"]);
    for _ in 0..5 {
        books.work(first);
    }
    books.archive(folder.path(), 3).unwrap();
    let second = books.open(["merchant/m/pending", "customer/third"]);
    for _ in 0..40 {
        books.work(second);
    }
    books.archive(folder.path(), usize::MAX).unwrap();
    (folder, books)
}

#[test]
fn what_was_archived_is_proved_alone() {
    let (folder, books) = filled();
    let mut told = Vec::new();
    let checked = check(folder.path(), &mut |done, all| told.push((done, all))).unwrap();
    assert_eq!((checked.cell, checked.stretches), (CELL, 2));
    assert_eq!(checked.records, books.records.len() as u64);
    assert_eq!((checked.entries, checked.lines), (45 * 3, 45 * 3));
    assert_eq!(checked.hash, books.records.last().unwrap().0);
    assert_eq!(told.last(), Some(&(45 * 3, 45 * 3)));
}

#[test]
fn nothing_new_leaves_the_archive_as_it_is() {
    let (folder, books) = filled();
    let names = || {
        let mut names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    assert_eq!(before.len(), 5, "two files a stretch, and the list: {before:?}");
    books.archive(folder.path(), usize::MAX).unwrap();
    assert_eq!(names(), before);
}

#[test]
fn an_interrupted_run_leaves_the_archive_as_it_was() {
    let (folder, mut books) = filled();
    let checked = check(folder.path(), &mut |_, _| {}).unwrap();
    let accounts = [AccountNo(0), AccountNo(1)];
    books.work(accounts);
    let mut archive = Archive::open(folder.path(), CELL).unwrap();
    let name = |_: AccountNo| Some(("bank/b/safeguarding".to_owned(), Currency::parse("CNY").unwrap()));
    let mut stretch = archive.stretch(&name).unwrap();
    let (hash, body) = books.records.last().unwrap();
    stretch.push(&Committed { seq: books.records.len() as u64, hash: *hash, body }).unwrap();
    drop(stretch);
    assert_eq!(check(folder.path(), &mut |_, _| {}).unwrap(), checked);
    books.archive(folder.path(), usize::MAX).unwrap();
    assert_eq!(check(folder.path(), &mut |_, _| {}).unwrap().records, checked.records + 1);
}

#[test]
fn other_books_are_refused() {
    let (folder, _) = filled();
    let error = Archive::open(folder.path(), CELL + 1).unwrap_err();
    assert!(matches!(error, ArchiveError::OtherCell { found: CELL, .. }), "{error}");
    // The same cell with another past.
    let mut other = Books::new();
    let accounts = other.open(["bank/x/safeguarding", "customer/x/balance"]);
    for _ in 0..60 {
        other.work(accounts);
    }
    let error = other.archive(folder.path(), usize::MAX).unwrap_err();
    assert!(matches!(error, ArchiveError::Fork { .. }), "{error}");
    check(folder.path(), &mut |_, _| {}).unwrap();
}

#[test]
fn a_changed_byte_anywhere_is_found() {
    let (folder, _) = filled();
    let mut files: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for path in files.iter().filter(|path| path.extension().is_some_and(|ext| ext == "parquet")) {
        let whole = std::fs::read(path).unwrap();
        for at in [0, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(path, &bytes).unwrap();
            let error = check(folder.path(), &mut |_, _| {}).unwrap_err();
            assert!(matches!(&error, ArchiveError::Changed { path: found, .. } if found == path), "{error}");
        }
        std::fs::write(path, &whole[..whole.len() - 1]).unwrap();
        assert!(matches!(check(folder.path(), &mut |_, _| {}), Err(ArchiveError::Changed { .. })));
        std::fs::write(path, &whole).unwrap();
    }
    check(folder.path(), &mut |_, _| {}).unwrap();
}

/// Somebody who forges the plain columns can also write their digest into the list: the records tell.
#[test]
fn forged_lines_are_found_although_the_list_was_forged_too() {
    let (folder, _) = filled();
    let other = tempfile::tempdir().unwrap();
    let mut books = Books::new();
    let accounts = books.open(["bank/b/safeguarding", "customer/thief/balance"]);
    for _ in 0..5 {
        books.work(accounts);
    }
    books.archive(other.path(), 3).unwrap();
    let name = "lines-000000000001-000000000003.parquet";
    std::fs::copy(other.path().join(name), folder.path().join(name)).unwrap();
    let list = |folder: &Path| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(folder.join("archive.json")).unwrap()).unwrap()
    };
    let mut forged = list(folder.path());
    forged["stretches"][0]["plain"] = list(other.path())["stretches"][0]["plain"].clone();
    std::fs::write(folder.path().join("archive.json"), forged.to_string()).unwrap();
    let error = check(folder.path(), &mut |_, _| {}).unwrap_err();
    assert!(error.to_string().contains("row 1 is not what record 2 says of entry 0"), "{error}");
}

#[test]
fn a_list_that_cannot_be_is_refused() {
    let (folder, _) = filled();
    let path = folder.path().join("archive.json");
    let text = std::fs::read_to_string(&path).unwrap();
    for (from, to) in [
        ("\"version\": 1", "\"version\": 2"),
        ("\"first_record\": 4", "\"first_record\": 5"),
        ("\"name\": \"records-", "\"name\": \"../records-"),
        ("\"stretches\"", "\"stretch\""),
        ("\"last_record\": 3", "\"last_record\": 18446744073709551615"),
    ] {
        assert!(text.contains(from), "{from}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let error = check(folder.path(), &mut |_, _| {}).unwrap_err();
        assert!(matches!(error, ArchiveError::Manifest { .. }), "{to}: {error}");
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(check(folder.path(), &mut |_, _| {}), Err(ArchiveError::Io { .. })));
}
