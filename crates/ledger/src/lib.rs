//! Double-entry books as a pure state machine.
//!
//! A [`Book`](book::Book) holds accounts, their sums, the holds that are open and the newest ids. What it
//! accepts grows in a [`Draft`](book::Draft) that becomes one [`Record`](record::Record) of the journal;
//! replaying the records gives the same book. Entries succeed or leave no trace; reasons to refuse them are
//! [`Rejection`](rejection::Rejection)s, in an order of precedence.
//!
//! What it never does: read a clock, a file or chance; change or delete what was posted; let an account go
//! beyond its limits; use an id twice.
//!
//! ```
//! use suanpan_ledger::account::{AccountKind, AccountSpec, Limits};
//! use suanpan_ledger::book::{Book, Draft, Known, Verdict};
//! use suanpan_ledger::entry::{Action, Entry, EntryBatch, EntryId, Posting};
//! use suanpan_ledger::rejection::Rejection;
//! use suanpan_money::{Currency, Timestamp};
//!
//! let (mut book, mut draft) = (Book::new(1, 42), Draft::default());
//! book.begin(&mut draft, Timestamp::from_seconds(1));
//! let spec = |path: &str, kind, floor| AccountSpec {
//!     path: path.to_owned(),
//!     currency: Currency::parse("CNY").unwrap(),
//!     kind,
//!     limits: Limits { floor, ceiling: None },
//! };
//! let bank = book.open(&mut draft, spec("bank/b/safeguarding", AccountKind::Asset, None)).unwrap();
//! let wallet = book.open(&mut draft, spec("customer/c/balance", AccountKind::Liability, Some(0))).unwrap();
//!
//! let mut batch = EntryBatch::default();
//! let top_up = Posting { debit: bank, credit: wallet, amount_minor: 100_00 };
//! let too_much = Posting { debit: wallet, credit: bank, amount_minor: 100_01 };
//! for (id, posting) in [(1, top_up), (2, too_much)] {
//!     let postings = &[posting];
//!     let entry = Entry { id: EntryId(id), action: Action::Post, code: 0, linked: false, postings };
//!     batch.push(entry).unwrap();
//! }
//! let verdicts = book.apply(&mut draft, &batch, &Known::nothing()).unwrap();
//! assert_eq!(verdicts[0], Verdict::Accepted { ordinal: 0 });
//! let refused = Verdict::Rejected { reason: Rejection::ExceedsFloor, account: Some(wallet) };
//! assert_eq!(verdicts[1], refused);
//!
//! let finished = book.finish(&mut draft, 1).unwrap();
//! let mut again = Book::new(1, 43);
//! again.replay(&finished.record()).unwrap();
//! assert_eq!(again.digest(), book.digest());
//! ```

pub mod account;
pub mod book;
pub mod checkpoint;
pub mod entry;
pub mod error;
pub mod history;
pub mod ids;
pub mod limits;
pub mod merkle;
pub mod proof;
pub mod record;
pub mod rejection;
pub mod snapshot;
pub mod trial;
