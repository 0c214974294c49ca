//! Random runs of both, side by side.

use super::*;
use crate::stored::Stored;
use proptest::prelude::*;
use std::collections::BTreeMap;
use suanpan_ledger::account::{AccountChange, AccountKind, AccountNo, AccountSpec, Limits};
use suanpan_ledger::book::{Book, Draft, Verdict};
use suanpan_ledger::entry::{Action, EntryBatch, EntryHead, EntryId, Posting};
use suanpan_ledger::record::Record;
use suanpan_ledger::trial::Recount;
use suanpan_money::{Currency, Timestamp};

/// One step of a run.
#[derive(Debug, Clone)]
enum Step {
    Open {
        kind: usize,
        dollars: bool,
        floor: Option<i64>,
        ceiling: Option<i64>,
    },
    Change {
        number: u32,
        change: AccountChange,
    },
    Batch(Vec<AskedEntry>),
    Import {
        back: i64,
        entries: Vec<AskedEntry>,
    },
    /// Commits; then time goes on by so many seconds.
    Commit(i64),
    Expire,
    /// Does these, then goes back.
    Undone(Vec<Step>),
    Forget,
    Checkpoint,
    Restart,
}

#[derive(Debug, Clone)]
struct AskedEntry {
    /// Below 30 an entry that is there is asked for again, more or less; else a new id is taken. Zero stands for
    /// itself.
    id: u128,
    /// 0 to 4: post, hold, capture, void, reversal.
    action: u8,
    /// Chooses among what is there; often what the action is meant for.
    target: u128,
    /// Seconds from now.
    expires: Option<i64>,
    code: u16,
    linked: bool,
    lines: Vec<ModelLine>,
}

const KINDS: [AccountKind; 5] = [
    AccountKind::Asset,
    AccountKind::Liability,
    AccountKind::Income,
    AccountKind::Expense,
    AccountKind::Equity,
];

fn entry() -> impl Strategy<Value = AskedEntry> {
    let amount = prop_oneof![60 => 1_u64..30, 3 => Just(0_u64), 1 => Just(u64::MAX), 1 => Just(u64::MAX / 2)];
    // Most accounts of the first four have one currency.
    let account = prop_oneof![30 => 0_u32..4, 10 => 0_u32..6, 1 => 0_u32..9];
    // Seldom to itself.
    let line = (account.clone(), account, amount, 0_u32..20).prop_map(
        |(debit, credit, amount, same): (u32, u32, u64, u32)| {
            let other = if debit == credit && same > 0 { (debit + 1) % 4 } else { credit };
            (debit, other, amount)
        },
    );
    let lines = prop_oneof![
        8 => prop::collection::vec(line.clone(), 1),
        3 => prop::collection::vec(line, 2..5),
        2 => Just(Vec::new()),
    ];
    let action = prop_oneof![4 => Just(0_u8), 3 => Just(1), 3 => Just(2), 1 => Just(3), 2 => Just(4)];
    let expires = prop_oneof![3 => Just(None), 2 => (-1_i64..20).prop_map(Some)];
    (0_u128..300, action, 0_u128..3_000, expires, 0_u16..2, prop::bool::weighted(0.15), lines, any::<bool>())
        .prop_map(|(id, action, target, expires, code, linked, lines, bare)| {
            // Most captures, voids and reversals have no lines of their own.
            let lines = match action {
                0 | 1 if lines.is_empty() && id % 8 != 0 => vec![(0, 1, 5)],
                0 | 1 => lines,
                _ if bare || id % 3 != 0 => Vec::new(),
                _ => lines,
            };
            AskedEntry { id, action, target, expires, code: code * 7, linked, lines }
        })
}

fn step() -> impl Strategy<Value = Step> {
    let limit =
        |sign: i64| prop_oneof![2 => Just(None), 1 => (0_i64..40).prop_map(move |at| Some(sign * at))];
    let change = prop_oneof![
        2 => (limit(-1), limit(1)).prop_map(|(floor, ceiling)| AccountChange::Limits(Limits { floor, ceiling })),
        1 => (limit(1), limit(1)).prop_map(|(floor, ceiling)| AccountChange::Limits(Limits { floor, ceiling })),
        2 => any::<(bool, bool)>().prop_map(|(debits, credits)| AccountChange::Freeze { debits, credits }),
        3 => any::<(bool, bool)>().prop_map(|(debits, credits)| AccountChange::Unfreeze { debits, credits }),
        1 => Just(AccountChange::Close),
    ];
    let simple = prop_oneof![
        2 => (0_usize..5, prop::bool::weighted(0.2), limit(-1), limit(1))
            .prop_map(|(kind, dollars, floor, ceiling)| Step::Open { kind, dollars, floor, ceiling }),
        2 => (0_u32..7, change).prop_map(|(number, change)| Step::Change { number, change }),
        12 => prop::collection::vec(entry(), 1..8).prop_map(Step::Batch),
        1 => (-1_i64..20, prop::collection::vec(entry(), 1..3))
            .prop_map(|(back, entries)| Step::Import { back, entries }),
        2 => Just(Step::Expire),
    ];
    prop_oneof![
        16 => simple.clone(),
        2 => prop::collection::vec(simple, 1..5).prop_map(Step::Undone),
        4 => (0_i64..6).prop_map(Step::Commit),
        1 => Just(Step::Forget),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Restart),
    ]
}

/// Asks for an entry that is there again, in every third case with a difference.
fn again(id: u128, there: &ModelEntry, asked: &AskedEntry) -> (EntryHead, Vec<Posting>) {
    let mut lines = match there.action {
        Action::Post | Action::Hold { .. } => there.lines.clone(),
        Action::Capture { .. } if there.whole && asked.code == 0 => Vec::new(),
        Action::Capture { .. } => there.lines.clone(),
        Action::Void { .. } | Action::Reversal { .. } => Vec::new(),
    };
    let (mut action, mut code) = (there.action, there.code);
    match asked.id {
        1 => code ^= 1,
        2 => lines.extend(asked.lines.iter().take(1)),
        3 => lines.iter_mut().for_each(|line| line.2 ^= 1),
        4 => action = Action::Post,
        5 | 6 => match &mut action {
            Action::Post => {}
            Action::Hold { expires_at } => *expires_at = Some(Timestamp::from_micros(5)),
            Action::Capture { hold: target }
            | Action::Void { hold: target }
            | Action::Reversal { of: target } => {
                target.0 += 1;
            }
        },
        _ => {}
    }
    let head =
        EntryHead { id: EntryId(id), action, code, linked: asked.linked, postings: lines.len() as u16 };
    (head, lines.iter().map(posting).collect())
}

fn posting(&(debit, credit, amount_minor): &ModelLine) -> Posting {
    Posting { debit: AccountNo(debit), credit: AccountNo(credit), amount_minor }
}

struct Run {
    book: Book,
    draft: Draft,
    model: Model,
    stored: Stored,
    now: i64,
    /// The newest id that was made.
    fresh: u128,
    /// What was answered, and how often.
    answers: BTreeMap<&'static str, usize>,
}

const SECOND: i64 = 1_000_000;

impl Run {
    fn new() -> Run {
        let mut run = Run {
            book: Book::new(7, 5),
            draft: Draft::default(),
            model: Model::default(),
            stored: Stored::default(),
            now: 1_000 * SECOND,
            fresh: 1_000,
            answers: BTreeMap::new(),
        };
        run.book.begin(&mut run.draft, Timestamp::from_micros(run.now));
        for (kind, floor) in [(0, None), (1, None), (3, Some(-50)), (1, Some(0)), (4, Some(0)), (2, None)] {
            run.step(&Step::Open { kind, dollars: false, floor, ceiling: None });
        }
        run
    }

    /// Chooses an entry that is there, mostly one of those that the action can succeed on.
    fn target(&self, asked: &AskedEntry, own: u128) -> EntryId {
        let fits = |entry: &ModelEntry| match asked.action {
            4 => entry.fate == Fate::Settled && matches!(entry.action, Action::Post | Action::Capture { .. }),
            _ => entry.fate == Fate::Open,
        };
        let all = self.model.entries.iter();
        let ids: Vec<_> = match asked.target % 8 {
            0 => return EntryId(own - 1),
            1 => return EntryId(asked.target),
            2 => all.map(|(id, _)| *id).collect(),
            _ => all.filter(|(_, entry)| fits(entry)).map(|(id, _)| *id).collect(),
        };
        let chosen = ids.get((asked.target / 8) as usize % ids.len().max(1));
        EntryId(chosen.copied().unwrap_or(asked.target))
    }

    fn batch(&mut self, entries: &[AskedEntry]) -> EntryBatch {
        let mut batch = EntryBatch::default();
        for asked in entries {
            self.fresh += 1;
            let there =
                self.model.entries.iter().nth(asked.target as usize % self.model.entries.len().max(1));
            if let Some((id, entry)) = there
                && (1..30).contains(&asked.id)
            {
                let (head, lines) = again(*id, entry, asked);
                batch.heads.push(head);
                batch.postings.extend(lines);
                continue;
            }
            let id = if asked.id == 0 { 0 } else { self.fresh };
            let target = self.target(asked, self.fresh);
            let expires_at = asked.expires.map(|seconds| Timestamp::from_micros(self.now + seconds * SECOND));
            let action = match asked.action {
                0 => Action::Post,
                1 => Action::Hold { expires_at },
                2 => Action::Capture { hold: target },
                3 => Action::Void { hold: target },
                _ => Action::Reversal { of: target },
            };
            let AskedEntry { code, linked, .. } = *asked;
            let lines = self.lines(asked, target);
            let postings = lines.len() as u16;
            batch.heads.push(EntryHead { id: EntryId(id), action, code, linked, postings });
            batch.postings.extend(lines.iter().map(posting));
        }
        batch
    }

    /// Lines of a capture are mostly those of its hold, with other amounts.
    fn lines(&self, asked: &AskedEntry, target: EntryId) -> Vec<ModelLine> {
        match self.model.entries.get(&target.0) {
            Some(hold) if asked.action == 2 && !asked.lines.is_empty() && asked.code == 0 => {
                let amounts = asked.lines.iter().map(|line| line.2).cycle();
                hold.lines
                    .iter()
                    .zip(amounts)
                    .map(|(line, amount)| (line.0, line.1, amount % line.2.saturating_add(2)))
                    .collect()
            }
            _ => asked.lines.clone(),
        }
    }

    fn apply(&mut self, entries: &[AskedEntry], booked: Option<i64>) {
        let batch = self.batch(entries);
        let known = self.stored.look_up(&self.book, &batch);
        let verdicts = match booked {
            None => self.book.apply(&mut self.draft, &batch, &known),
            Some(at) => self.book.import(&mut self.draft, &batch, &known, Timestamp::from_micros(at)),
        };
        let expected = self.model.batch(&batch, booked, self.now);
        let found: Vec<_> = verdicts
            .unwrap()
            .into_iter()
            .map(|verdict| match verdict {
                Verdict::Accepted { ordinal } => Answer::Accepted(ordinal),
                Verdict::Exists { ordinal } => Answer::Exists(ordinal),
                Verdict::Rejected { reason, .. } => Answer::No(reason.code()),
            })
            .collect();
        for answer in &found {
            let name = match answer {
                Answer::Accepted(_) => "accepted",
                Answer::Exists(_) => "exists",
                Answer::No(reason) => reason,
            };
            *self.answers.entry(name).or_default() += 1;
        }
        assert_eq!(found, expected, "{entries:#?}");
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Open { kind, dollars, floor, ceiling } => {
                let currency = if *dollars { "USD" } else { "CNY" };
                let path = format!("account/{}", self.model.accounts.len());
                let limits = Limits { floor: *floor, ceiling: *ceiling };
                let (kind, parsed) = (KINDS[*kind], Currency::parse(currency).unwrap());
                let spec = AccountSpec { path, currency: parsed, kind, limits };
                let number = self.book.open(&mut self.draft, spec).unwrap();
                assert_eq!(number.0 as usize, self.model.accounts.len());
                self.model.accounts.push(ModelAccount {
                    debit_normal: matches!(kind, AccountKind::Asset | AccountKind::Expense),
                    currency,
                    floor: *floor,
                    ceiling: *ceiling,
                    no_debits: false,
                    no_credits: false,
                    closed: false,
                    debits: 0,
                    credits: 0,
                    debits_held: 0,
                    credits_held: 0,
                    last: None,
                });
            }
            Step::Change { number, change } => {
                let found = self.book.change(&mut self.draft, AccountNo(*number), *change);
                let expected = self.model.change(*number, *change);
                assert_eq!(found.err().map(|reason| reason.code()), expected, "{step:?}");
            }
            Step::Batch(entries) => self.apply(entries, None),
            Step::Import { back, entries } => self.apply(entries, Some(self.now - back * SECOND)),
            Step::Commit(seconds) => {
                self.commit();
                self.now += seconds * SECOND;
                self.book.begin(&mut self.draft, Timestamp::from_micros(self.now));
            }
            Step::Expire => {
                let released = self.book.expire(&mut self.draft, usize::MAX);
                assert_eq!(released, self.model.expire(self.now));
            }
            Step::Undone(steps) => {
                let (mark, digest) = (self.draft.mark(), self.book.digest());
                let (entries, events, bytes) =
                    (self.draft.entries(), self.draft.events(), self.draft.bytes());
                let model = self.model.clone();
                for step in steps {
                    self.step(step);
                }
                self.book.rollback(&mut self.draft, mark);
                self.model = model;
                assert_eq!(self.book.digest(), digest, "going back leaves a trace");
                let after = (self.draft.entries(), self.draft.events(), self.draft.bytes());
                assert_eq!((entries, events, bytes), after);
            }
            Step::Forget => {
                self.commit();
                self.book.forget_before(self.book.head().entries.saturating_sub(3));
                self.book.begin(&mut self.draft, Timestamp::from_micros(self.now));
            }
            Step::Checkpoint => {
                self.commit();
                self.stored.checkpoint(&mut self.book);
                self.book.begin(&mut self.draft, Timestamp::from_micros(self.now));
            }
            Step::Restart => {
                self.commit();
                let again = self.stored.restart(77, self.book.remembered_from());
                assert_eq!(again.digest(), self.book.digest(), "a restart gives another state");
                for ordinal in self.book.remembered_from()..self.book.head().entries {
                    assert_eq!(again.remembered(ordinal), self.book.remembered(ordinal));
                }
                self.book = again;
                self.book.begin(&mut self.draft, Timestamp::from_micros(self.now));
            }
        }
    }

    fn commit(&mut self) {
        if let Some(finished) = self.book.finish(&mut self.draft, 1) {
            self.stored.commit(&finished, &self.book);
        }
    }

    fn compare(&self) {
        for (number, account) in self.model.accounts.iter().enumerate() {
            let balance = self.book.balance(AccountNo(number as u32)).unwrap();
            let found =
                [balance.debits_posted, balance.credits_posted, balance.debits_held, balance.credits_held];
            let expected = [account.debits, account.credits, account.debits_held, account.credits_held];
            assert_eq!(found.map(i128::from), expected, "account {number}");
            let last = self.book.last_posted_at(AccountNo(number as u32));
            assert_eq!(last.map(Timestamp::micros), account.last, "account {number}");
        }
        let open = self.model.entries.values().filter(|entry| entry.fate == Fate::Open).count();
        assert_eq!(self.book.holds_len(), open);
        let trial = self.book.trial_balance();
        assert!(trial.iter().all(|total| total.is_balanced()));
    }
}

fn run(steps: &[Step]) -> BTreeMap<&'static str, usize> {
    let mut run = Run::new();
    for step in steps {
        run.step(step);
        run.compare();
    }
    run.commit();
    let again = run.stored.replay_all(3);
    assert_eq!(again.digest(), run.book.digest(), "replaying gives another state");
    let mut recount = Recount::default();
    for record in &run.stored.records {
        recount.add(&Record::parse(record).unwrap()).unwrap();
    }
    assert_eq!(recount.compare(&run.book), []);
    run.answers
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_book_answers_as_the_model_does(steps in prop::collection::vec(step(), 1..60)) {
        run(&steps);
    }
}

/// Runs in which all is refused, or nothing is, would show little.
#[test]
fn random_runs_meet_every_answer() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let steps = prop::collection::vec(step(), 80);
    let mut answers = BTreeMap::<_, usize>::new();
    for _ in 0..100 {
        for (answer, count) in run(&steps.new_tree(&mut runner).unwrap().current()) {
            *answers.entry(answer).or_default() += count;
        }
    }
    assert!(answers["accepted"] > 3_000, "{answers:#?}");
    // No strategy makes the highest id.
    let missing: Vec<_> = ORDER.iter().filter(|reason| !answers.contains_key(*reason)).collect();
    assert_eq!(missing, [&"id_max"], "{answers:#?}");
}
