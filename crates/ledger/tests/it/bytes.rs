//! Bytes from outside: every form is read back as it was written, and nothing that is changed, cut off or made
//! up is taken for something else or ends the program.

use proptest::prelude::*;
use suanpan_ledger::account::{AccountChange, AccountKind, AccountNo, AccountSpec, Limits};
use suanpan_ledger::book::{Book, Draft, Hold, Known};
use suanpan_ledger::entry::{Action, Entry, EntryBatch, EntryId, Posting};
use suanpan_ledger::record::{Done, Line, Record, RecordedEntry};
use suanpan_ledger::snapshot::{decode_account, decode_hold, decode_page, encode_account, encode_hold};
use suanpan_money::{Currency, Timestamp};

fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0_u32..64).prop_map(|(number, shift)| number >> shift)
}

fn recorded() -> impl Strategy<Value = RecordedEntry> {
    let time = prop::option::of(any::<i64>().prop_map(Timestamp::from_micros));
    let line = (any::<u32>(), any::<u32>(), number(), number());
    (
        any::<u128>(),
        0_u8..6,
        any::<u128>(),
        time,
        any::<u16>(),
        any::<bool>(),
        prop::collection::vec(line, 1..5),
    )
        .prop_map(|(id, kind, target, time, code, linked, lines)| {
            let target = EntryId(target);
            let whole = lines.iter().all(|line| line.2 == line.3);
            let done = match kind {
                0 => Done::Post,
                1 => Done::Hold { expires_at: time },
                2 => Done::Capture { hold: target, whole },
                3 => Done::Void { hold: target },
                4 => Done::Expiry { hold: target },
                _ => Done::Reversal { of: target },
            };
            let lines = lines.into_iter().map(|(debit, credit, posted, held)| Line {
                debit: AccountNo(debit),
                credit: AccountNo(credit),
                posted_minor: if matches!(kind, 0 | 2 | 5) { posted } else { 0 },
                held_minor: if matches!(kind, 0 | 5) { 0 } else { held },
            });
            RecordedEntry {
                id: EntryId(if kind == 4 { 0 } else { id }),
                done,
                code,
                linked,
                booked_at: time.filter(|_| kind == 0),
                lines: lines.collect(),
            }
        })
}

/// A record with a bit of everything.
fn record() -> Vec<u8> {
    let cny = Currency::parse("CNY").unwrap();
    let (mut book, mut draft) = (Book::new(1, 1), Draft::default());
    book.begin(&mut draft, Timestamp::from_seconds(5));
    for path in ["a", "b/c"] {
        let limits = Limits { floor: Some(-500), ceiling: None };
        let spec = AccountSpec { path: path.to_owned(), currency: cny, kind: AccountKind::Asset, limits };
        book.open(&mut draft, spec).unwrap();
    }
    let (debit, credit) = (AccountNo(0), AccountNo(1));
    let mut batch = EntryBatch::default();
    let actions = [
        Action::Post,
        Action::Hold { expires_at: Some(Timestamp::from_seconds(9)) },
        Action::Capture { hold: EntryId(2) },
        Action::Reversal { of: EntryId(1) },
    ];
    for (id, action) in (1..).zip(actions) {
        let postings = [Posting { debit, credit, amount_minor: 250 - 50 * id as u64 }];
        let count = usize::from(!matches!(action, Action::Reversal { .. }));
        let entry = Entry { id: EntryId(id), action, code: 3, linked: false, postings: &postings[..count] };
        batch.push(entry).unwrap();
    }
    book.apply(&mut draft, &batch, &Known::nothing()).unwrap();
    book.change(&mut draft, debit, AccountChange::Freeze { debits: true, credits: false }).unwrap();
    let finished = book.finish(&mut draft, 1).unwrap();
    assert_eq!(finished.record().header().entries, 4);
    finished.bytes
}

#[test]
fn a_changed_record_is_refused_or_says_something_else() {
    let whole = record();
    let digest = |bytes: &[u8]| {
        let record = Record::parse(bytes).ok()?;
        let mut book = Book::new(1, 1);
        let before = book.digest();
        match book.replay(&record) {
            Ok(()) => Some(book.digest()),
            Err(_) => {
                assert_eq!(book.digest(), before, "a refused record leaves a trace");
                None
            }
        }
    };
    let right = digest(&whole).unwrap();
    for end in 0..whole.len() {
        assert_eq!(digest(&whole[..end]), None, "cut off at {end}");
    }
    let mut accepted = 0;
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            if let Some(other) = digest(&changed) {
                accepted += 1;
                // Ids and codes of posts are not in the state, but in the chain.
                let same_leaves =
                    Record::parse(&changed).unwrap().leaves().eq(Record::parse(&whole).unwrap().leaves());
                assert!(other != right || !same_leaves, "byte {at}, bit {bit} says nothing");
            }
        }
    }
    assert!(accepted > 0, "most changes of ids are changes that can be");
}

#[test]
fn a_record_says_what_was_done() {
    let bytes = record();
    let record = Record::parse(&bytes).unwrap();
    let entries: Vec<_> = record.entries().map(|entry| entry.unwrap()).collect();
    assert_eq!(entries.iter().map(|entry| entry.0).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(record.leaves().len(), 4);
    for ((_, entry), leaf) in entries.iter().zip(record.leaves()) {
        assert_eq!(entry.encode(), leaf);
    }
    assert_eq!(entries[2].1.done, Done::Capture { hold: EntryId(2), whole: false });
    let places: Vec<_> = record.events().map(|event| event.unwrap().0).collect();
    assert_eq!(places, [0, 0, 4]);
}

proptest! {
    #[test]
    fn entries_are_read_back(entry in recorded()) {
        let leaf = entry.encode();
        prop_assert_eq!(RecordedEntry::decode(&leaf), Ok(entry.clone()));
        for end in 0..leaf.len() {
            prop_assert!(RecordedEntry::decode(&leaf[..end]).is_err());
        }
    }

    /// What can be read has one form.
    #[test]
    fn entries_have_one_form(entry in recorded(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut leaf = entry.encode();
        let at = at.index(leaf.len());
        leaf[at] = byte;
        if let Ok(read) = RecordedEntry::decode(&leaf) {
            prop_assert_eq!(read.encode(), leaf);
        }
    }

    #[test]
    fn noise_is_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let cny = Currency::parse("CNY").unwrap();
        let _ = RecordedEntry::decode(&bytes);
        let _ = decode_page(&bytes);
        let _ = decode_account("a", cny, &bytes);
        if let Ok(hold) = decode_hold(&bytes) {
            prop_assert_eq!(encode_hold(&hold), bytes.clone());
        }
        if let Ok(record) = Record::parse(&bytes) {
            let _ = Book::new(0, 1).replay(&record);
        }
    }

    /// Headers that are right, with noise behind.
    #[test]
    fn noise_behind_a_header_is_refused(
        entries in 0_u32..4,
        noise in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        let mut bytes = vec![1, 0];
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend([1_u64, 1].map(u64::to_le_bytes).concat());
        bytes.extend([0_u64, 0].map(u64::to_le_bytes).concat());
        bytes.extend([0, entries, 0, noise.len() as u32].map(u32::to_le_bytes).concat());
        bytes.extend(noise);
        if let Ok(record) = Record::parse(&bytes) {
            prop_assert!(Book::new(1, 1).replay(&record).is_err() || entries == 0);
        }
    }

    #[test]
    fn holds_are_read_back(
        ordinal in any::<u64>(),
        code in any::<u16>(),
        expires_at in prop::option::of(any::<i64>().prop_map(Timestamp::from_micros)),
        lines in prop::collection::vec((any::<u32>(), any::<u32>(), 1..=u64::MAX), 1..4),
    ) {
        let lines = lines.into_iter().filter(|line| line.0 != line.1);
        let postings: Vec<_> = lines.map(|(debit, credit, amount_minor)| Posting {
            debit: AccountNo(debit), credit: AccountNo(credit), amount_minor,
        }).collect();
        prop_assume!(!postings.is_empty());
        let hold = Hold { ordinal, code, expires_at, postings };
        prop_assert_eq!(decode_hold(&encode_hold(&hold)), Ok(hold));
    }
}

#[test]
fn accounts_are_read_back() {
    let cny = Currency::parse("CNY").unwrap();
    let bytes = record();
    let mut book = Book::new(1, 1);
    book.replay(&Record::parse(&bytes).unwrap()).unwrap();
    for (account, _) in book.accounts_and_balances() {
        let body = encode_account(account);
        assert_eq!(decode_account(&account.spec.path, cny, &body).as_ref(), Ok(account));
        for end in 0..body.len() {
            assert!(decode_account(&account.spec.path, cny, &body[..end]).is_err());
        }
        assert!(decode_account("A", cny, &body).is_err());
    }
}
