//! Records out of order, and stores that say what cannot be.

use suanpan_ledger::account::{AccountKind, AccountNo, AccountSpec, Limits};
use suanpan_ledger::book::{Book, Draft, Known, StoredEntry};
use suanpan_ledger::entry::{Action, Entry, EntryBatch, EntryId, Posting};
use suanpan_ledger::error::Error;
use suanpan_ledger::record::Record;
use suanpan_money::{Currency, Timestamp};

fn batch(id: u128, action: Action) -> EntryBatch {
    let postings = [Posting { debit: AccountNo(0), credit: AccountNo(1), amount_minor: 5 }];
    let mut batch = EntryBatch::default();
    batch.push(Entry { id: EntryId(id), action, code: 0, linked: false, postings: &postings }).unwrap();
    batch
}

/// Two accounts and a hold; then a post.
fn two_records(cell: u32, epochs: [u64; 2], times: [i64; 2]) -> (Book, Vec<Vec<u8>>) {
    let (mut book, mut draft, mut records) = (Book::new(cell, 1), Draft::default(), Vec::new());
    book.begin(&mut draft, Timestamp::from_seconds(times[0]));
    for path in ["a", "b"] {
        let (kind, limits) = (AccountKind::Asset, Limits::default());
        let currency = Currency::parse("CNY").unwrap();
        book.open(&mut draft, AccountSpec { path: path.to_owned(), currency, kind, limits }).unwrap();
    }
    let actions = [Action::Hold { expires_at: None }, Action::Post];
    for (place, action) in actions.into_iter().enumerate() {
        book.begin(&mut Draft::default(), Timestamp::from_seconds(0));
        if place == 1 {
            book.begin(&mut draft, Timestamp::from_seconds(times[1]));
        }
        book.apply(&mut draft, &batch(place as u128 + 1, action), &Known::nothing()).unwrap();
        records.push(book.finish(&mut draft, epochs[place]).unwrap().bytes);
    }
    (book, records)
}

fn field(error: Error) -> &'static str {
    let Error::OutOfOrder { field, .. } = error else { panic!("{error}") };
    field
}

#[test]
fn only_the_next_record_is_replayed() {
    let (book, records) = two_records(1, [3, 4], [10, 20]);
    let parsed: Vec<_> = records.iter().map(|record| Record::parse(record).unwrap()).collect();
    let mut again = Book::new(1, 2);
    assert_eq!(field(again.replay(&parsed[1]).unwrap_err()), "seq");
    assert_eq!(field(Book::new(2, 2).replay(&parsed[0]).unwrap_err()), "cell");
    again.replay(&parsed[0]).unwrap();
    assert_eq!(field(again.replay(&parsed[0]).unwrap_err()), "seq");
    let (_, older_epoch) = two_records(1, [2, 2], [10, 20]);
    assert_eq!(field(again.replay(&Record::parse(&older_epoch[1]).unwrap()).unwrap_err()), "epoch");
    let (_, older_time) = two_records(1, [3, 4], [5, 9]);
    assert_eq!(field(again.replay(&Record::parse(&older_time[1]).unwrap()).unwrap_err()), "at");
    again.replay(&parsed[1]).unwrap();
    assert_eq!(again.digest(), book.digest());
}

#[test]
fn time_never_goes_back() {
    let (mut book, _) = two_records(1, [1, 1], [10, 20]);
    assert_eq!(book.begin(&mut Draft::default(), Timestamp::from_seconds(15)), Timestamp::from_seconds(20));
}

#[test]
fn what_the_store_says_is_compared() {
    let (mut book, records) = two_records(1, [1, 1], [10, 20]);
    let mut draft = Draft::default();
    book.begin(&mut draft, Timestamp::from_seconds(30));
    let asked = Known::new(book.remembered_from());
    book.forget_before(1);
    let error = book.apply(&mut draft, &batch(9, Action::Post), &asked).unwrap_err();
    assert_eq!(error.code(), "store_asked_too_early");
    let (_, hold) = Record::parse(&records[0]).unwrap().entries().next().unwrap().unwrap();
    for (id, ordinal) in [(77, 0), (1, 900)] {
        let mut known = Known::new(book.remembered_from());
        let entry = suanpan_ledger::record::RecordedEntry { id: EntryId(id), ..hold.clone() };
        known.insert(StoredEntry { ordinal, entry, resolved: None });
        let error = book.apply(&mut draft, &batch(9, Action::Post), &known).unwrap_err();
        assert_eq!(error.code(), "store_disagrees");
    }
    assert!(draft.is_empty());
}
