//! The small language of the tables: one command a line, `expect` with the reason behind what is refused.
//! `tests/cases/README.md` describes it.

use crate::stored::Stored;
use std::collections::BTreeMap;
use suanpan_ledger::account::{AccountChange, AccountKind, AccountNo, AccountSpec, Balance, Limits};
use suanpan_ledger::book::{Book, Draft, Mark, Verdict};
use suanpan_ledger::entry::{Action, Entry, EntryBatch, EntryId, Posting};
use suanpan_ledger::rejection::Rejection;
use suanpan_ledger::trial::Recount;
use suanpan_money::{Currency, Timestamp, parse_decimal};

pub(crate) struct Script {
    book: Book,
    draft: Draft,
    stored: Stored,
    names: BTreeMap<String, AccountNo>,
    currencies: BTreeMap<AccountNo, Currency>,
    now: i64,
    batch: EntryBatch,
    /// What is expected of each entry of the batch.
    expected: Vec<String>,
    imported_at: Option<i64>,
    gathering: bool,
    mark: Option<(Mark, [u8; 32])>,
    /// Reasons that were seen.
    pub(crate) seen: Vec<Rejection>,
}

type Words<'a> = Vec<&'a str>;

impl Script {
    pub(crate) fn new() -> Script {
        let mut script = Script {
            book: Book::new(7, 1),
            draft: Draft::default(),
            stored: Stored::default(),
            names: BTreeMap::new(),
            currencies: BTreeMap::new(),
            now: 100,
            batch: EntryBatch::default(),
            expected: Vec::new(),
            imported_at: None,
            gathering: false,
            mark: None,
            seen: Vec::new(),
        };
        script.book.begin(&mut script.draft, Timestamp::from_seconds(100));
        script
    }

    /// Runs a line; says what is wrong with it.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), String> {
        let line = line.split('#').next().unwrap().trim();
        let (line, expected) = match line.split_once(" expect ") {
            Some((line, expected)) => (line, expected.trim()),
            None => (line, "accepted"),
        };
        let mut words: Words<'_> = line.split_whitespace().collect();
        let command = words.remove(0);
        match command {
            "account" => self.account(&words, expected),
            "limits" | "freeze" | "unfreeze" | "close" => self.change(command, &words, expected),
            "post" | "hold" | "capture" | "void" | "reverse" => self.entry(command, words, expected),
            "import" => {
                self.imported_at = Some(words.remove(0).parse().map_err(|_| "no time")?);
                let command = words.remove(0);
                self.entry(command, words, expected)
            }
            "batch" => {
                self.gathering = true;
                Ok(())
            }
            "end" => {
                self.gathering = false;
                self.apply()
            }
            "at" => self.at(words[0].parse().map_err(|_| "no time")?),
            "expire" => {
                let count = self.book.expire(&mut self.draft, usize::MAX);
                same("released", count.to_string().as_str(), words[0])
            }
            "commit" => self.commit(),
            "forget" => {
                self.commit()?;
                self.book.forget_before(u64::MAX);
                Ok(())
            }
            "checkpoint" => {
                self.commit()?;
                self.stored.checkpoint(&mut self.book);
                Ok(())
            }
            "restart" => self.restart(),
            "mark" => {
                self.mark = Some((self.draft.mark(), self.book.digest()));
                Ok(())
            }
            "rollback" => {
                let (mark, digest) = self.mark.take().ok_or("no mark")?;
                self.book.rollback(&mut self.draft, mark);
                if digest == self.book.digest() { Ok(()) } else { Err("the state is another".to_owned()) }
            }
            "balance" => self.balance(&words),
            "trial" => {
                let trial = self.book.trial_balance();
                let total =
                    trial.iter().find(|total| total.currency.code() == words[0]).ok_or("no such currency")?;
                same("debits", &decimal(total.debits_posted as i128, total.currency), words[1])
            }
            _ => Err("unknown command".to_owned()),
        }
    }

    /// Commits, and proves the whole case in three ways.
    pub(crate) fn end(&mut self) -> Result<(), String> {
        self.commit()?;
        let again = self.stored.replay_all(99);
        if again.digest() != self.book.digest() {
            return Err("replaying gives another state".to_owned());
        }
        let mut recount = Recount::default();
        for record in &self.stored.records {
            recount.add(&suanpan_ledger::record::Record::parse(record).unwrap()).unwrap();
        }
        let differences = recount.compare(&self.book);
        if differences.is_empty() { Ok(()) } else { Err(format!("{differences:?}")) }
    }

    fn account(&mut self, words: &[&str], expected: &str) -> Result<(), String> {
        let kind = match words[1] {
            "asset" => AccountKind::Asset,
            "liability" => AccountKind::Liability,
            "income" => AccountKind::Income,
            "expense" => AccountKind::Expense,
            "equity" => AccountKind::Equity,
            _ => return Err("unknown kind".to_owned()),
        };
        let currency = Currency::parse(words[2]).ok_or("unknown currency")?;
        let limits = limits(&words[3..], currency)?;
        let path = if words[0] == "empty" { String::new() } else { words[0].replace('~', "") };
        let opened = self.book.open(&mut self.draft, AccountSpec { path, currency, kind, limits });
        self.note(opened.err());
        if let Ok(number) = opened {
            self.names.insert(words[0].to_owned(), number);
            self.currencies.insert(number, currency);
        }
        same("opening", opened.map_or_else(Rejection::code, |_| "accepted"), expected)
    }

    fn change(&mut self, command: &str, words: &[&str], expected: &str) -> Result<(), String> {
        let number = self.number(words[0])?;
        let (debits, credits) = (words.contains(&"debits"), words.contains(&"credits"));
        let change = match command {
            "limits" => AccountChange::Limits(limits(&words[1..], self.currency(number))?),
            "freeze" => AccountChange::Freeze { debits, credits },
            "unfreeze" => AccountChange::Unfreeze { debits, credits },
            _ => AccountChange::Close,
        };
        let changed = self.book.change(&mut self.draft, number, change);
        self.note(changed.err());
        same("change", changed.map_or_else(Rejection::code, |()| "accepted"), expected)
    }

    fn entry(&mut self, command: &str, mut words: Words<'_>, expected: &str) -> Result<(), String> {
        let id = EntryId(number(words.remove(0))?);
        let action = match command {
            "post" => Action::Post,
            "hold" => Action::Hold { expires_at: take_after(&mut words, "until").map(time).transpose()? },
            "capture" => Action::Capture { hold: EntryId(number(words.remove(0))?) },
            "void" => Action::Void { hold: EntryId(number(words.remove(0))?) },
            _ => Action::Reversal { of: EntryId(number(words.remove(0))?) },
        };
        let code = match take_after(&mut words, "code") {
            Some(code) => code.parse().map_err(|_| "no code")?,
            None => 0,
        };
        let linked = words.contains(&"linked");
        words.retain(|word| *word != "linked");
        let mut postings = Vec::new();
        for line in words.chunks(3) {
            let [debit, credit, amount] = line else { return Err("a posting has three words".to_owned()) };
            let (debit, credit) = (self.number(debit)?, self.number(credit)?);
            let amount_minor = match *amount {
                "most" => u64::MAX,
                amount => u64::try_from(minor(amount, self.currency(debit))?).map_err(|_| "no amount")?,
            };
            postings.push(Posting { debit, credit, amount_minor });
        }
        let entry = Entry { id, action, code, linked, postings: &postings };
        self.batch.push(entry).map_err(|error| error.to_string())?;
        self.expected.push(expected.to_owned());
        if self.gathering { Ok(()) } else { self.apply() }
    }

    fn apply(&mut self) -> Result<(), String> {
        let batch = std::mem::take(&mut self.batch);
        let expected = std::mem::take(&mut self.expected);
        let known = self.stored.look_up(&self.book, &batch);
        let digest = self.book.digest();
        let verdicts = match self.imported_at.take() {
            None => self.book.apply(&mut self.draft, &batch, &known),
            Some(at) => self.book.import(&mut self.draft, &batch, &known, Timestamp::from_seconds(at)),
        };
        let verdicts = verdicts.map_err(|error| error.to_string())?;
        for (head, (verdict, expected)) in batch.heads.iter().zip(verdicts.iter().zip(&expected)) {
            let found = match verdict {
                Verdict::Accepted { .. } => "accepted",
                Verdict::Exists { .. } => "exists",
                Verdict::Rejected { reason, .. } => {
                    self.note(Some(*reason));
                    reason.code()
                }
            };
            same(&format!("entry {}", head.id.0), found, expected)?;
        }
        let untouched = verdicts.iter().all(|verdict| !matches!(verdict, Verdict::Accepted { .. }));
        if untouched && digest != self.book.digest() {
            return Err("nothing was accepted, and the state is another".to_owned());
        }
        Ok(())
    }

    fn at(&mut self, seconds: i64) -> Result<(), String> {
        self.commit()?;
        self.now = seconds;
        // `commit` has begun a draft at the old time; nothing is in it.
        self.book.begin(&mut self.draft, Timestamp::from_seconds(seconds));
        Ok(())
    }

    fn commit(&mut self) -> Result<(), String> {
        self.mark = None;
        if let Some(finished) = self.book.finish(&mut self.draft, 1) {
            self.stored.commit(&finished, &self.book);
        }
        self.book.begin(&mut self.draft, Timestamp::from_seconds(self.now));
        Ok(())
    }

    fn restart(&mut self) -> Result<(), String> {
        self.commit()?;
        let again = self.stored.restart(42, self.book.remembered_from());
        if again.digest() != self.book.digest() {
            return Err("restarting gives another state".to_owned());
        }
        self.book = again;
        self.book.begin(&mut self.draft, Timestamp::from_seconds(self.now));
        Ok(())
    }

    fn balance(&self, words: &[&str]) -> Result<(), String> {
        let number = self.number(words[0])?;
        let (account, balance) = (self.book.account(number).unwrap(), self.book.balance(number).unwrap());
        let (kind, currency) = (account.spec.kind, account.spec.currency);
        let Balance { debits_held, credits_held, .. } = balance;
        same("balance", &decimal(balance.posted(kind), currency), words[1])?;
        for pair in words[2..].chunks(2) {
            let found = match pair[0] {
                "held" => i128::from(debits_held) + i128::from(credits_held),
                "available" => balance.available(kind),
                "expected" => balance.expected(kind),
                _ => return Err("unknown word".to_owned()),
            };
            same(pair[0], &decimal(found, currency), pair[1])?;
        }
        Ok(())
    }

    fn note(&mut self, reason: Option<Rejection>) {
        self.seen.extend(reason);
    }

    fn number(&self, name: &str) -> Result<AccountNo, String> {
        match name {
            "nobody" => Ok(AccountNo(u32::MAX)),
            name => self.names.get(name).copied().ok_or_else(|| format!("no account {name}")),
        }
    }

    fn currency(&self, number: AccountNo) -> Currency {
        self.currencies.get(&number).copied().unwrap_or(Currency::parse("CNY").unwrap())
    }
}

fn same(what: &str, found: &str, expected: &str) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found}, expected {expected}")) }
}

fn limits(words: &[&str], currency: Currency) -> Result<Limits, String> {
    let mut limits = Limits::default();
    for pair in words.chunks(2) {
        let limit = Some(minor(pair.get(1).ok_or("no limit")?, currency)?);
        match pair[0] {
            "floor" => limits.floor = limit,
            "ceiling" => limits.ceiling = limit,
            _ => return Err("unknown limit".to_owned()),
        }
    }
    Ok(limits)
}

fn take_after<'a>(words: &mut Words<'a>, word: &str) -> Option<&'a str> {
    let at = words.iter().position(|found| *found == word)?;
    words.remove(at);
    Some(words.remove(at))
}

fn number(word: &str) -> Result<u128, String> {
    if word == "max" { Ok(u128::MAX) } else { word.parse().map_err(|_| format!("no id: {word}")) }
}

fn time(word: &str) -> Result<Timestamp, String> {
    word.parse().map(Timestamp::from_seconds).map_err(|_| format!("no time: {word}"))
}

fn minor(word: &str, currency: Currency) -> Result<i64, String> {
    parse_decimal(word.as_bytes(), currency.exponent()).map_err(|error| format!("{word}: {error:?}"))
}

fn decimal(minor: i128, currency: Currency) -> String {
    suanpan_money::format_sum(minor, currency.exponent())
}
