//! Decides from what was acknowledged, and from what is stored in the end, whether anything was lost, done twice or
//! made up. It counts by itself and trusts no sums of the engine.

use super::clients::{CODE, Clients, Said, What};
use super::store::State;
use serde_json::Value;
use std::collections::BTreeMap;
use suanpan_channels::card_sim::Host;
use suanpan_engine::{BooksAnswer, Receipt};
use suanpan_ledger::account::{AccountKind, Standing};
use suanpan_ledger::book::{Book, Verdict};
use suanpan_ledger::entry::{Action, EntryBatch, EntryId};
use suanpan_ledger::merkle;
use suanpan_ledger::record::{AccountEvent, Done, Line, Record, RecordedEntry};
use suanpan_money::Currency;

/// What was looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Summary {
    pub(crate) acks: u64,
    pub(crate) entries: u64,
    pub(crate) records: u64,
    pub(crate) intents: u64,
    /// Payments of several sources that were taken.
    pub(crate) combined: u64,
}

type Verified<T> = Result<T, String>;

macro_rules! ensure {
    ($so:expr, $($why:tt)+) => {
        if !$so {
            return Err(format!($($why)+));
        }
    };
}

/// Posted debits, posted credits, held debits, held credits.
type Sums = [i128; 4];

/// The journal, counted.
#[derive(Default)]
struct Count {
    /// Record, ordinal and content by id.
    entries: BTreeMap<u128, (u64, u64, RecordedEntry)>,
    sums: BTreeMap<u32, Sums>,
    holds: BTreeMap<u128, Vec<Line>>,
    reversed: Vec<u128>,
    floors: BTreeMap<u32, (AccountKind, Option<i64>)>,
    standing: BTreeMap<u32, Standing>,
    hashes: Vec<([u8; 32], u64)>,
    ordinals: u64,
}

pub(crate) fn audit(state: &State, book: &Book, clients: &Clients, host: &Host) -> Verified<Summary> {
    let count = count(state)?;
    balances(&count, book)?;
    let mut summary =
        Summary { entries: count.ordinals, records: count.hashes.len() as u64, ..Summary::default() };
    let mut bodies: BTreeMap<usize, &Said> = BTreeMap::new();
    for ack in &clients.acks {
        summary.acks += 1;
        if let Some(receipt) = &ack.receipt {
            let own = rests_on_a_commit(&ack.said);
            receipted(&count, receipt, own).map_err(|why| format!("request {}: {why}", ack.request))?;
        }
        let request = &clients.requests[ack.request];
        if matches!(ack.said, Said::Refused(_)) && request.lost_copies == 0 {
            let others = clients.acks.iter().filter(|other| other.request == ack.request).count();
            ensure!(others > 1 || !is_there(&count, state, &request.what), "{ack:?}, and it was done");
        }
        match (&request.what, &ack.said) {
            (What::Entries(batch), Said::Books(BooksAnswer::Posted(verdicts))) => {
                let seq = ack.receipt.map_or(0, |receipt| receipt.seq);
                let lost_copies = clients.requests[ack.request].lost_copies > 0
                    || clients.acks.iter().filter(|other| other.request == ack.request).count() > 1;
                entries(&count, batch, verdicts, seq, lost_copies)?;
            }
            (What::Call { key, .. }, Said::Body { .. }) => {
                let first = bodies.entry(ack.request).or_insert(&ack.said);
                ensure!(*first == &ack.said, "{key} was answered in two ways: {first:?} and {:?}", ack.said);
            }
            _ => {}
        }
    }
    let asked = clients.requests.iter().filter_map(|request| match &request.what {
        What::Entries(batch) => Some(batch.heads.iter().map(|head| head.id.0)),
        _ => None,
    });
    let asked: Vec<u128> = asked.flatten().collect();
    for (id, (.., entry)) in &count.entries {
        ensure!(entry.code != CODE || asked.binary_search(id).is_ok(), "entry {id} was never asked for");
    }
    (summary.intents, summary.combined) = payments(&count, state, clients, &bodies, host)?;
    Ok(summary)
}

/// Says whether anything of a request was done.
fn is_there(count: &Count, state: &State, what: &What) -> bool {
    match what {
        What::Entries(batch) => batch.heads.iter().any(|head| count.entries.contains_key(&head.id.0)),
        What::Call { key, .. } => state
            .answers
            .contains_key(&(super::clients::caller().scope(suanpan_engine::Asker::Server), key.clone())),
        What::Open | What::Change(..) => false,
    }
}

/// Goes through the journal: the chain, the entries, what each does to sums and holds.
fn count(state: &State) -> Verified<Count> {
    let mut count = Count::default();
    let mut hash = [0; 32];
    let (mut epoch, mut at) = (0, i64::MIN);
    for (place, stored) in state.records.iter().enumerate() {
        let record = Record::parse(&stored.body).map_err(|error| format!("record {place}: {error}"))?;
        let header = record.header();
        let seq = place as u64 + 1;
        ensure!(header.seq == seq && stored.mark.seq == seq, "record {seq} has number {}", header.seq);
        ensure!(header.first_entry == count.ordinals, "record {seq} begins with {}", header.first_entry);
        ensure!(header.epoch >= epoch && header.at.micros() >= at, "record {seq} goes back");
        (epoch, at) = (header.epoch, header.at.micros());
        let root = merkle::root(record.leaves());
        hash = merkle::chain_hash(&hash, record.header_bytes(), &root, &record.events_digest());
        ensure!(stored.mark.hash == hash, "record {seq} has another hash than the chain");
        count.hashes.push((hash, header.epoch));
        let events: Result<Vec<_>, _> = record.events().collect();
        let mut events = events.map_err(|error| error.to_string())?.into_iter().peekable();
        for (within, entry) in record.entries().enumerate() {
            while let Some((_, event)) = events.next_if(|(before, _)| *before as usize <= within) {
                happened(&mut count, event)?;
            }
            let (ordinal, entry) = entry.map_err(|error| error.to_string())?;
            booked(&mut count, seq, ordinal, entry).map_err(|why| format!("record {seq}: {why}"))?;
        }
        for (_, event) in events {
            happened(&mut count, event)?;
        }
    }
    let stands = state.head.map_or((0, [0; 32]), |head| (head.seq, head.hash));
    ensure!(stands == (count.hashes.len() as u64, hash), "the head is not the end of the journal");
    Ok(count)
}

fn happened(count: &mut Count, event: AccountEvent) -> Verified<()> {
    match event {
        AccountEvent::Opened { number, spec } => {
            ensure!(number.0 as usize == count.floors.len(), "account {} is opened out of order", number.0);
            count.floors.insert(number.0, (spec.kind, spec.limits.floor));
            count.standing.insert(number.0, Standing::Open);
            count.sums.insert(number.0, [0; 4]);
        }
        AccountEvent::LimitsSet { number, limits } => {
            count.floors.entry(number.0).and_modify(|(_, floor)| *floor = limits.floor);
        }
        AccountEvent::StandingSet { number, standing } => {
            count.standing.insert(number.0, standing);
        }
    }
    Ok(())
}

fn booked(count: &mut Count, seq: u64, ordinal: u64, entry: RecordedEntry) -> Verified<()> {
    let id = entry.id.0;
    ensure!(ordinal == count.ordinals, "entry {id} has ordinal {ordinal}");
    count.ordinals += 1;
    let fresh = matches!(entry.done, Done::Post | Done::Hold { .. });
    match entry.done {
        Done::Post => {}
        Done::Hold { .. } => {
            count.holds.insert(id, entry.lines.clone());
        }
        Done::Capture { hold, .. } | Done::Void { hold } | Done::Expiry { hold } => {
            let held = count.holds.remove(&hold.0);
            let held = held.ok_or_else(|| format!("entry {id} ends hold {}, which is not open", hold.0))?;
            let same = held.len() == entry.lines.len()
                && held.iter().zip(&entry.lines).all(|(held, line)| {
                    (held.debit, held.credit, held.held_minor) == (line.debit, line.credit, line.held_minor)
                        && line.posted_minor <= held.held_minor
                });
            ensure!(same, "entry {id} does not fit hold {}", hold.0);
        }
        Done::Reversal { of } => {
            let reversed = count.entries.get(&of.0).ok_or_else(|| format!("{id} reverses nothing"))?;
            ensure!(!count.reversed.contains(&of.0), "{} is reversed twice", of.0);
            let mirrored = reversed.2.lines.iter().filter(|line| line.posted_minor > 0);
            let same = mirrored
                .map(|line| (line.credit, line.debit, line.posted_minor))
                .eq(entry.lines.iter().map(|line| (line.debit, line.credit, line.posted_minor)));
            ensure!(same, "{id} is not {} the other way round", of.0);
            count.reversed.push(of.0);
        }
    }
    for line in &entry.lines {
        let (posted, held) = (i128::from(line.posted_minor), i128::from(line.held_minor));
        let held = if matches!(entry.done, Done::Hold { .. }) { held } else { -held };
        for (account, side) in [(line.debit.0, 0), (line.credit.0, 1)] {
            let sums = count.sums.get_mut(&account).ok_or_else(|| format!("{id} is on no account"))?;
            sums[side] += posted;
            sums[2 + side] += held;
            ensure!(sums[2 + side] >= 0, "less than nothing is held on {account}");
        }
    }
    for line in entry.lines.iter().filter(|_| fresh) {
        for account in [line.debit.0, line.credit.0] {
            let (kind, floor) = count.floors[&account];
            let [debits, credits, debits_held, credits_held] = count.sums[&account];
            let available = match kind {
                AccountKind::Asset | AccountKind::Expense => debits - credits - credits_held,
                _ => credits - debits - debits_held,
            };
            let within = floor.is_none_or(|floor| available >= i128::from(floor));
            ensure!(within, "entry {id} leaves account {account} below its floor: {available}");
        }
    }
    if id != 0 {
        ensure!(count.entries.insert(id, (seq, ordinal, entry)).is_none(), "entry {id} is there twice");
    }
    Ok(())
}

/// Compares the sums in memory with those counted.
fn balances(count: &Count, book: &Book) -> Verified<()> {
    ensure!(book.accounts_len() == count.sums.len(), "there are {} accounts", book.accounts_len());
    let mut currencies: BTreeMap<Currency, i128> = BTreeMap::new();
    for (account, balance) in book.accounts_and_balances() {
        let sums = [balance.debits_posted, balance.credits_posted, balance.debits_held, balance.credits_held];
        let (number, counted) = (account.number.0, count.sums[&account.number.0]);
        ensure!(sums.map(i128::from) == counted, "account {number}: {sums:?} in memory, {counted:?} counted");
        ensure!(account.standing == count.standing[&number], "account {number} stands otherwise");
        *currencies.entry(account.spec.currency).or_default() += counted[0] - counted[1];
    }
    ensure!(currencies.values().all(|sum| *sum == 0), "debits are not credits: {currencies:?}");
    let holds: Vec<u128> = book.holds().iter().map(|(id, _)| id.0).collect();
    ensure!(holds.len() == count.holds.len(), "{} holds in memory, {} open", holds.len(), count.holds.len());
    ensure!(holds.iter().all(|id| count.holds.contains_key(id)), "another hold is open");
    Ok(())
}

/// Whether an answer may only be given after a commit by the same writer: whatever says that something is there.
fn rests_on_a_commit(said: &Said) -> bool {
    match said {
        Said::Books(BooksAnswer::Posted(verdicts)) => {
            verdicts.iter().any(|verdict| !matches!(verdict, Verdict::Rejected { .. }))
        }
        Said::Books(_) | Said::Body { .. } => true,
        Said::Refused(_) => false,
    }
}

/// Checks that the record that an answer rests on is still there.
fn receipted(count: &Count, receipt: &Receipt, own: bool) -> Verified<()> {
    let Receipt { seq, hash, epoch, .. } = receipt;
    let Some(place) = seq.checked_sub(1) else { return Ok(()) };
    let found = usize::try_from(place).ok().and_then(|place| count.hashes.get(place));
    ensure!(found.is_some_and(|(h, e)| h == hash && e <= epoch), "record {seq} was acknowledged and is gone");
    let by = found.map_or(0, |(_, epoch)| *epoch);
    ensure!(
        !own || by == *epoch,
        "acknowledged under epoch {epoch} without a commit, on record {seq} of {by}"
    );
    Ok(())
}

/// Checks what was said about entries.
fn entries(
    count: &Count,
    batch: &EntryBatch,
    verdicts: &[Verdict],
    seq: u64,
    other_copies: bool,
) -> Verified<()> {
    ensure!(verdicts.len() == batch.heads.len(), "{} verdicts", verdicts.len());
    let mut postings = batch.postings.as_slice();
    for (head, verdict) in batch.heads.iter().zip(verdicts) {
        let own;
        (own, postings) = postings.split_at(usize::from(head.postings));
        let id = head.id.0;
        let found = count.entries.get(&id);
        let said = match verdict {
            Verdict::Accepted { ordinal } | Verdict::Exists { ordinal } => *ordinal,
            Verdict::Rejected { reason, .. } => {
                // Another copy may have been decided otherwise, and its answer was lost.
                let gone = found.is_none() || other_copies;
                ensure!(gone, "entry {id} was refused ({reason:?}) and is there");
                continue;
            }
        };
        let Some((record, ordinal, entry)) = found else {
            return Err(format!("entry {id} was acknowledged and is not there"));
        };
        ensure!(*ordinal == said, "entry {id} is at {ordinal}, and was said to be at {said}");
        ensure!(*record <= seq, "entry {id} stands in record {record}, acknowledged with {seq}");
        let is = |target: EntryId, wanted: EntryId| target == wanted;
        let same = match (head.action, entry.done) {
            (Action::Post, Done::Post) => lines(entry, own, |line| line.posted_minor),
            (Action::Hold { expires_at }, Done::Hold { expires_at: booked }) => {
                expires_at == booked && lines(entry, own, |line| line.held_minor)
            }
            (Action::Capture { hold: a }, Done::Capture { hold: b, .. })
            | (Action::Void { hold: a }, Done::Void { hold: b })
            | (Action::Reversal { of: a }, Done::Reversal { of: b }) => is(a, b),
            _ => false,
        };
        ensure!(same && entry.code == head.code, "entry {id} is not what was asked for: {entry:?}");
    }
    Ok(())
}

fn lines(
    entry: &RecordedEntry,
    asked: &[suanpan_ledger::entry::Posting],
    amount: impl Fn(&Line) -> u64,
) -> bool {
    let booked = entry.lines.iter().map(|line| (line.debit, line.credit, amount(line)));
    booked.eq(asked.iter().map(|posting| (posting.debit, posting.credit, posting.amount_minor)))
}

/// Compares payments with their keys, with the books, and with what the host holds true.
fn payments(
    count: &Count,
    state: &State,
    clients: &Clients,
    bodies: &BTreeMap<usize, &Said>,
    host: &Host,
) -> Verified<(u64, u64)> {
    let objects = |kind: &'static str| {
        let of_kind = state.objects.values().filter(move |object| object.kind == kind);
        of_kind.map(|object| serde_json::from_str::<Value>(&object.body).expect("objects are JSON"))
    };
    let mut made: BTreeMap<String, u32> = BTreeMap::new();
    for object in objects("payment_intent").chain(objects("refund")) {
        let key = object["metadata"]["key"].as_str().unwrap_or_default().to_owned();
        *made.entry(key).or_default() += 1;
    }
    for (at, request) in clients.requests.iter().enumerate() {
        let What::Call { key, command } = &request.what else { continue };
        let times = made.get(key).copied().unwrap_or(0);
        ensure!(times <= 1, "{key} was done {times} times");
        use suanpan_payments::command::Command;
        let makes = matches!(**command, Command::CreatePaymentIntent { .. } | Command::CreateRefund { .. });
        if let Some(Said::Body { status, body }) = bodies.get(&at) {
            ensure!(!makes || times == 1, "{key} was answered {status} and left nothing");
            let place = (super::clients::caller().scope(suanpan_engine::Asker::Server), key.clone());
            let kept = state.answers.get(&place).and_then(|answer| answer.answered.clone());
            ensure!(kept == Some((*status, body.clone())), "{key} is kept otherwise than answered");
        }
    }
    for attempt in objects("attempt") {
        let word = |name: &str| attempt[name].as_str().unwrap_or_default().to_owned();
        let truth = host.truth(&word("reference"));
        let taken = truth.as_ref().map_or(0, |truth| truth.captured_minor);
        let (done, voided) = truth.as_ref().map_or((false, false), |truth| (truth.done, truth.voided));
        let said = u64::try_from(attempt["amount_captured"].as_i64().unwrap_or(-1)).unwrap_or(u64::MAX);
        let fits = match word("status").as_str() {
            "captured" => done && !voided && taken == said && taken > 0,
            "authorized" => done && !voided && taken == 0,
            "voided" | "expired" => done && voided && taken == 0,
            "declined" => !done,
            _ => false,
        };
        ensure!(fits, "attempt {} is {}, the host says {truth:?}", word("id"), word("status"));
        let state = match word("status").as_str() {
            "captured" => "taken",
            "authorized" => "held",
            _ => "released",
        };
        let mut legs = attempt["legs"].as_array().into_iter().flatten();
        ensure!(legs.all(|leg| leg["state"] == state), "a leg of {attempt} is not {state}");
    }
    customers(count, state)?;
    books(count, state, host)?;
    let combined = |attempt: &Value| attempt["status"] == "captured" && attempt.get("legs").is_some();
    Ok((objects("payment_intent").count() as u64, objects("attempt").filter(combined).count() as u64))
}

/// What customers have with us is what they paid in, less the parts of payments that were taken, with what came back.
fn customers(count: &Count, state: &State) -> Verified<()> {
    let objects = |kind: &'static str| {
        let of_kind = state.objects.values().filter(move |object| object.kind == kind);
        of_kind.map(|object| serde_json::from_str::<Value>(&object.body).expect("objects are JSON"))
    };
    let minor = |value: &Value| i128::from(value["amount"].as_i64().unwrap_or(0));
    // Taken, set aside, given back, of each source.
    let mut parts: BTreeMap<String, [i128; 3]> = BTreeMap::new();
    let mut add = |part: &Value, at: usize| {
        let source = part["source"].as_str().unwrap_or_default().to_owned();
        parts.entry(source).or_default()[at] += minor(part);
    };
    for attempt in objects("attempt") {
        let legs = attempt["legs"].as_array().into_iter().flatten();
        for leg in legs {
            match leg["state"].as_str() {
                Some("taken") => add(leg, 0),
                Some("held") => add(leg, 1),
                _ => {}
            }
        }
    }
    for refund in objects("refund").filter(|refund| refund["status"] == "succeeded") {
        let Some(parts) = refund["allocation"]["sources"].as_array() else { continue };
        let sum: i128 = parts.iter().map(minor).sum();
        ensure!(sum == minor(&refund), "the parts of {refund} are not the whole");
        parts.iter().filter(|part| part["type"] == "balance").for_each(|part| add(part, 2));
    }
    for charge in objects("charge").filter(|charge| charge.get("sources").is_some()) {
        let sources = charge["sources"].as_array().into_iter().flatten();
        let of = |source: &Value, name: &str| i128::from(source[name].as_i64().unwrap_or(0));
        let (mut paid, mut back) = (0, 0);
        for source in sources {
            ensure!(of(source, "amount_refunded") <= of(source, "amount"), "too much went back: {charge}");
            paid += of(source, "amount");
            back += of(source, "amount_refunded");
        }
        ensure!(paid == minor(&charge) && back == of(&charge, "amount_refunded"), "{charge} does not sum up");
    }
    for row in state.accounts.values() {
        let words: Vec<&str> = row.path.split('/').collect();
        let ["test", "customer", id, "balance"] = words[..] else { continue };
        let [debits, credits, debits_held, credits_held] = count.sums[&row.number];
        let [taken, held, back] = parts.get(&format!("balance/{id}")).copied().unwrap_or_default();
        ensure!(debits == taken, "{id} paid {debits}, their payments say {taken}");
        ensure!(debits_held == held, "{debits_held} of {id} are set aside, their payments say {held}");
        ensure!(credits_held == 0 && credits >= back, "{back} came back to {id}, and {credits} in all");
    }
    Ok(())
}

/// What the books say the channel owes is what the host says it took, less what it gave back.
fn books(count: &Count, state: &State, host: &Host) -> Verified<()> {
    let cny = Currency::parse("CNY").expect("known");
    let sums = |path: &str| {
        let row = state.accounts.values().find(|row| row.path == path);
        row.map_or([0; 4], |row| count.sums[&row.number])
    };
    let truth = host.totals().get(&cny).copied().unwrap_or_default();
    let minor = |sum: u128| i128::try_from(sum).expect("small");
    let channel = sums("test/channel/card_sim/receivable");
    let (taken, given) = (minor(truth.captured_minor), minor(truth.refunded_minor));
    ensure!(channel[0] == taken, "{} booked as taken, the host took {taken}", channel[0]);
    ensure!(channel[1] == given, "{} booked as given back, the host gave {given}", channel[1]);
    ensure!(channel[2] == minor(truth.open_minor), "{} set aside: {truth:?}", channel[2]);
    ensure!(channel[3] == 0, "a refund is still on its way");
    let (merchant, fees) = (sums("test/merchant/acct_sim/pending"), sums("test/platform/fees"));
    let bank = sums("test/bank/simulated/safeguarding");
    let customers = state.accounts.values().filter(|row| row.path.starts_with("test/customer/"));
    let customers: i128 =
        customers.map(|row| count.sums[&row.number]).map(|[debits, credits, ..]| credits - debits).sum();
    let had = channel[0] - channel[1] + bank[0] - bank[1];
    let left = had - (merchant[1] - merchant[0]) - (fees[1] - fees[0]) - customers;
    ensure!(left == 0, "{left} of the money belongs to nobody");
    let of = |captured: i128| (captured * 60 + 5_000) / 10_000;
    let movements = state.objects.values().filter(|object| object.kind == "balance_transaction");
    let mut expected = 0;
    for movement in movements {
        let value: Value = serde_json::from_str(&movement.body).expect("objects are JSON");
        let amount = i128::from(value["amount"].as_i64().unwrap_or(0));
        expected += if amount > 0 { of(amount) } else { 0 };
    }
    ensure!(fees[1] - fees[0] == expected, "fees are {}, not {expected}", fees[1] - fees[0]);
    Ok(())
}
