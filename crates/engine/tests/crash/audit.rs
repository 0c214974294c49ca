//! Decides from what was acknowledged and what is stored.

use crate::child::{ACCOUNTS, BATCH, BOOKERS, CELL, MERCHANT, entry, key};
use crate::parent::Acks;
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};
use suanpan_engine::{Channels, Clock, Config, Engine, Role};
use suanpan_ledger::account::AccountNo;
use suanpan_ledger::merkle;
use suanpan_ledger::record::Record;
use suanpan_payments::settings::Settings;
use suanpan_store::{Cursor, Database, Listing};

/// Checks everything; returns how many acknowledgements there were.
pub(crate) fn audit(address: &str, acks: &Acks) -> usize {
    let database = suanpan_store::open(address).unwrap();
    let reader = database.reader();
    let (mut hashes, mut hash) = (Vec::new(), [0; 32]);
    let mut ids: HashMap<u128, (u64, (u32, u32, u64))> = HashMap::new();
    let mut sums: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    let mut each = |stored: suanpan_store::Record| {
        let record = Record::parse(&stored.body).unwrap();
        let seq = record.header().seq;
        assert_eq!(seq, hashes.len() as u64 + 1);
        let root = merkle::root(record.leaves());
        hash = merkle::chain_hash(&hash, record.header_bytes(), &root, &record.events_digest());
        assert_eq!(stored.mark.hash, hash, "the chain, at record {seq}");
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        hashes.push((hex, record.header().epoch));
        for entry in record.entries() {
            let (_, entry) = entry.unwrap();
            let line = entry.lines[0];
            for line in &entry.lines {
                sums.entry(line.debit.0).or_default().0 += line.posted_minor;
                sums.entry(line.credit.0).or_default().1 += line.posted_minor;
            }
            let content = (line.debit.0, line.credit.0, line.posted_minor);
            let before = ids.insert(entry.id.0, (seq, content));
            assert!(entry.id.0 == 0 || before.is_none(), "entry {} is there twice", entry.id.0);
        }
        ControlFlow::Continue(())
    };
    reader.records(1, &mut each).unwrap();
    for ((worker, n), said) in &acks.all {
        for ack in said {
            let place = usize::try_from(ack.seq - 1).unwrap();
            let (hash, epoch) = hashes.get(place).unwrap_or_else(|| panic!("record {} is gone", ack.seq));
            assert_eq!(hash, &ack.hash, "record {} is another", ack.seq);
            assert!(*epoch <= ack.epoch);
        }
        let first = said.iter().map(|ack| ack.seq).min().unwrap();
        for at in (0..BATCH).take_while(|_| *worker < BOOKERS) {
            let (id, posting) = entry(*worker, *n, at);
            let (seq, content) = ids.get(&id.0).unwrap_or_else(|| panic!("entry {} is lost", id.0));
            assert!(*seq <= first);
            assert_eq!(content.2, posting.amount_minor, "entry {}", id.0);
            assert_eq!((content.0, content.1), (posting.debit.0, posting.credit.0), "entry {}", id.0);
        }
    }
    payments(&database, acks);
    balances(&database, &sums);
    acks.all.values().map(Vec::len).sum()
}

/// Each key made one payment, and its answer is kept as it was given.
fn payments(database: &Database, acks: &Acks) {
    let reader = database.reader();
    let mut made: HashMap<String, u32> = HashMap::new();
    let mut last: Option<(i64, String)> = None;
    loop {
        let page = reader
            .list(&Listing {
                kind: "payment_intent",
                merchant: MERCHANT,
                live: false,
                link: None,
                created_min: None,
                created_max: None,
                after: last.as_ref().map(|(created, id)| Cursor { created: *created, id }),
                before: None,
                limit: 1_000,
            })
            .unwrap();
        for object in &page.objects {
            let value: serde_json::Value = serde_json::from_str(&object.body).unwrap();
            *made.entry(value["metadata"]["key"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        match page.objects.last() {
            Some(object) if page.more => last = Some((object.created, object.id.clone())),
            _ => break,
        }
    }
    assert!(made.values().all(|times| *times == 1), "a payment was made twice");
    let scope = format!("{MERCHANT}/test");
    for ((worker, n), said) in acks.all.iter().filter(|((worker, _), _)| *worker >= BOOKERS) {
        let key = key(*worker, *n);
        assert_eq!(made.get(&key), Some(&1), "{key} was acknowledged and is not there");
        let kept = reader.answers(&[(&scope, &key)]).unwrap().remove(0).unwrap();
        let (_, body) = kept.answered.unwrap();
        let digest = blake3::hash(&body).to_hex();
        assert!(said.iter().all(|ack| ack.body == digest.as_str()), "{key} was answered otherwise");
    }
}

/// An engine that starts over the store comes to the same sums as the journal.
fn balances(database: &Database, sums: &BTreeMap<u32, (u64, u64)>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let config = Config {
        cell: CELL,
        node: "auditor".to_owned(),
        lease: Duration::from_secs(2),
        settings: Settings::with_simulator([7; 32], "http://127.0.0.1"),
        clock: Clock::system(),
    };
    let engine = {
        let _within = runtime.enter();
        Engine::start(database, Channels::default(), config).unwrap()
    };
    let began = Instant::now();
    while engine.role() != Role::Writer {
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", engine.trouble());
        std::thread::sleep(Duration::from_millis(5));
    }
    let ask = engine.query(|book| {
        let balance = |at| book.balance(AccountNo(at)).unwrap_or_default();
        let all = (0..u32::try_from(book.accounts_len()).unwrap()).map(balance);
        all.map(|balance| (balance.debits_posted, balance.credits_posted)).collect::<Vec<_>>()
    });
    let (found, _) = runtime.block_on(ask).unwrap();
    assert!(found.len() >= ACCOUNTS as usize);
    for (at, found) in (0_u32..).zip(found) {
        assert_eq!(found, sums.get(&at).copied().unwrap_or_default(), "account {at}");
    }
    engine.stop();
}
