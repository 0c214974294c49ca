//! Proofs and checkpoints: what was signed passes, everything else is refused.

use proptest::prelude::*;
use serde_json::Value;
use std::convert::Infallible;
use suanpan_ledger::{
    checkpoint::{Checkpoint, public_key, verifier_key},
    merkle::{Frontier, Hash, chain_hash, inclusion_path, leaf_hash, root, subtree},
    proof::{EntryProof, ProofError, verify},
};
use suanpan_money::Timestamp;

const SEED: [u8; 32] = [9; 32];

fn header(seq: u64, first_entry: u64, entries: u32) -> Vec<u8> {
    let mut header = vec![1, 0];
    header.extend_from_slice(&7_u32.to_le_bytes());
    for number in [3, seq, 1_700_000_000_000_000 + seq, first_entry] {
        header.extend_from_slice(&number.to_le_bytes());
    }
    for number in [0, entries, 0, entries * 20] {
        header.extend_from_slice(&number.to_le_bytes());
    }
    header
}

fn entries(seq: u64) -> Vec<Vec<u8>> {
    (0..1 + seq % 7).map(|at| format!("entry {at} of record {seq}").into_bytes()).collect()
}

/// A journal of so many records, and the proof of one entry.
fn proof(records: u64, seq: u64, index: u64) -> EntryProof {
    let none: Hash = *blake3::hash(b"").as_bytes();
    let (mut log, mut chain, mut first, mut leaves) = (Frontier::default(), [0; 32], 0, Vec::new());
    let mut made = None;
    for number in 1..=records {
        let entries = entries(number);
        let header = header(number, first, entries.len() as u32);
        let previous = chain;
        let tree = root(entries.iter().map(Vec::as_slice));
        chain = chain_hash(&previous, &header, &tree, &none);
        leaves.push(leaf_hash(&chain));
        log.push(leaf_hash(&chain));
        first += entries.len() as u64;
        if number == seq {
            let hash = |at: u64| Ok::<_, Infallible>(leaf_hash(&entries[at as usize]));
            let Ok(entry_path) =
                inclusion_path(index, entries.len() as u64, |level, place| subtree(level, place, hash));
            let entry = entries[index as usize].clone();
            made = Some((entry, entry_path, header, previous));
        }
    }
    let (entry, entry_path, header, previous) = made.unwrap();
    let hash = |at: u64| Ok::<_, Infallible>(leaves[at as usize]);
    let Ok(log_path) = inclusion_path(seq - 1, records, |level, place| subtree(level, place, hash));
    let checkpoint = checkpoint(records, log.root(), chain, first).sign(&SEED).unwrap();
    EntryProof { entry, index, entry_path, header, events_digest: none, previous, log_path, checkpoint }
}

fn checkpoint(seq: u64, log_root: Hash, chain: Hash, entries: u64) -> Checkpoint {
    let at = Timestamp::from_micros(1_700_000_000_000_000 + seq as i64);
    Checkpoint { origin: "books.example/cell/7".to_owned(), seq, log_root, epoch: 3, chain, entries, at }
}

#[test]
fn each_entry_of_a_journal_is_proven() {
    let key = public_key(&SEED).unwrap();
    for records in [1, 2, 5, 8, 13] {
        let mut ordinal = 0;
        for seq in 1..=records {
            for (index, entry) in entries(seq).into_iter().enumerate() {
                let json = proof(records, seq, index as u64).to_json();
                let proven = verify(&json, &key).unwrap();
                assert_eq!((proven.entry, proven.ordinal, proven.seq), (entry, ordinal, seq));
                assert_eq!((proven.cell, proven.epoch, proven.checkpoint.seq), (7, 3, records));
                assert_eq!(proven.at.micros(), 1_700_000_000_000_000 + seq as i64);
                ordinal += 1;
            }
        }
    }
}

/// All documents that differ from `value` in one place: another number, another character, one element less or more.
fn changes(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(fields) => {
            let mut all = Vec::new();
            for (name, field) in fields {
                for changed in changes(field).into_iter().chain([Value::Null]) {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), changed);
                    all.push(Value::Object(fields));
                }
                let mut fewer = fields.clone();
                fewer.remove(name);
                all.push(Value::Object(fewer));
            }
            let mut more = fields.clone();
            more.insert("more".to_owned(), Value::Null);
            all.push(Value::Object(more));
            all
        }
        Value::Array(items) => {
            let hash = Value::from("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
            let mut all =
                vec![Value::Array([items.as_slice(), &[items.first().cloned().unwrap_or(hash)]].concat())];
            for at in 0..items.len() {
                for changed in changes(&items[at]) {
                    let mut items = items.clone();
                    items[at] = changed;
                    all.push(Value::Array(items));
                }
                let mut fewer = items.clone();
                fewer.remove(at);
                all.push(Value::Array(fewer));
                let mut turned = items.clone();
                turned.rotate_left(1);
                if turned != *items {
                    all.push(Value::Array(turned));
                }
            }
            all
        }
        Value::String(text) => {
            let mut all = Vec::new();
            for (at, c) in text.char_indices() {
                let (before, after) = (&text[..at], &text[at + c.len_utf8()..]);
                let other = if c == 'A' { 'B' } else { 'A' };
                all.push(Value::String(format!("{before}{other}{after}")));
                all.push(Value::String(format!("{before}{after}")));
                all.push(Value::String(format!("{before}{c}{c}{after}")));
            }
            all
        }
        Value::Number(number) => {
            let number = number.as_u64().unwrap();
            (0..12).chain([u64::MAX]).filter(|other| *other != number).map(Value::from).collect()
        }
        Value::Bool(_) | Value::Null => Vec::new(),
    }
}

#[test]
fn a_proof_with_any_change_is_refused() {
    let key = public_key(&SEED).unwrap();
    let mut tried = 0;
    for (records, seq, index) in [(1, 1, 0), (6, 6, 6), (7, 3, 1), (11, 11, 4)] {
        let json = proof(records, seq, index).to_json();
        verify(&json, &key).unwrap();
        for changed in changes(&serde_json::from_str(&json).unwrap()) {
            let changed = changed.to_string();
            assert!(verify(&changed, &key).is_err(), "{changed} for {json}");
            tried += 1;
        }
        // The header decides over the size of the tree, the number of the record, and so on: every bit of it counts.
        let proof = EntryProof::from_json(&json).unwrap();
        for bit in 0..proof.header.len() * 8 {
            let mut wrong = proof.clone();
            wrong.header[bit / 8] ^= 1 << (bit % 8);
            assert!(wrong.verify(&key).is_err(), "bit {bit} of the header");
        }
        assert_eq!(proof.verify(&[1; 32]), Err(ProofError::NotSigned));
    }
    assert!(tried > 3_000, "{tried} changes");
}

#[test]
fn a_checkpoint_is_a_signed_note() {
    let checkpoint = checkpoint(41, [10; 32], [11; 32], 12_345);
    let key = public_key(&SEED).unwrap();
    let signed = checkpoint.sign(&SEED).unwrap();
    let lines: Vec<&str> = signed.split('\n').collect();
    let root = "CgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgo=";
    let chain = "chain CwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCws=";
    let expected =
        ["books.example/cell/7", "41", root, "epoch 3", chain, "entries 12345", "at 1700000000000041", ""];
    assert_eq!(lines[..8], expected);
    assert!(lines[8].starts_with("— books.example/cell/7 "));
    assert_eq!(lines[9..], [""]);
    assert_eq!(Checkpoint::verify(&signed, &key), Ok(checkpoint.clone()));

    // The id of the key stands in the key's text and before the signature.
    let name = verifier_key(&checkpoint.origin, &key);
    let id = name.split('+').nth(1).unwrap();
    assert_eq!((name.split('+').count(), id.len()), (3, 8));

    // A witness adds its own line.
    let witnessed = format!("{signed}— witness.example AAAAAAAA\n");
    assert_eq!(Checkpoint::verify(&witnessed, &key), Ok(checkpoint.clone()));
    let twice = format!("{signed}{}\n", lines[8]);
    assert!(Checkpoint::verify(&twice, &key).is_err());
    for (wrong, right) in
        [("41", "42"), ("epoch 3", "epoch 03"), ("entries", "entry"), ("\n\n", "\nmore\n\n")]
    {
        assert!(Checkpoint::verify(&signed.replacen(wrong, right, 1), &key).is_err(), "{right}");
    }
    for origin in ["", "a b", "a+b", "a\nb"] {
        let wrong = Checkpoint { origin: origin.to_owned(), ..checkpoint.clone() };
        assert_eq!(wrong.sign(&SEED), Err(ProofError::Malformed { field: "origin" }));
    }
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "\\PC*", at in any::<prop::sample::Index>(), with in "\\PC{0,3}") {
        let key = public_key(&SEED).unwrap();
        prop_assert!(verify(&text, &key).is_err());
        prop_assert!(Checkpoint::verify(&text, &key).is_err());
        let signed = checkpoint(41, [10; 32], [11; 32], 12_345).sign(&SEED).unwrap();
        let characters: Vec<char> = signed.chars().collect();
        let at = at.index(characters.len());
        let changed: String =
            characters[..at].iter().copied().chain(with.chars()).chain(characters[at + 1..].iter().copied()).collect();
        prop_assert_eq!(Checkpoint::verify(&changed, &key).is_ok(), changed == signed);
    }
}
