//! `suanpan ledger proof`: that an entry is in the books, for somebody who has nothing but a public key.

use super::journal::entry_json;
use crate::books::{Books, EntryName, Sealed, from_reference};
use crate::cli::{ProofArgs, ProofCommand, ProofVerifyArgs, moment};
use crate::error::{Trouble, status};
use crate::secrets::signing_key;
use crate::store::{at_store, damaged, open_existing};
use crate::terminal::{Paint, Terminal};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::convert::Infallible;
use std::ops::ControlFlow;
use std::path::Path;
use suanpan_ledger::checkpoint::{Checkpoint, public_key, verifier_key};
use suanpan_ledger::entry::EntryId;
use suanpan_ledger::ids::find;
use suanpan_ledger::merkle::{Frontier, Hash, inclusion_path, leaf_hash, subtree};
use suanpan_ledger::proof::{EntryProof, ProofError, verify};
use suanpan_ledger::record::{Record, RecordedEntry};
use suanpan_money::Timestamp;
use suanpan_store::{Database, StoreError};

/// Marks of records that are read at once.
const MARKS_AT_ONCE: u64 = 65_536;
/// A public key in its longest writing.
const KEY_BYTES_MAX: u64 = 4096;

pub(super) fn run(args: &ProofArgs, terminal: Terminal) -> Result<u8, Trouble> {
    match (&args.command, &args.entry) {
        (Some(ProofCommand::Verify(args)), _) => check(args, terminal),
        (None, Some(entry)) => make(args, entry, terminal),
        (None, None) => {
            Err(Trouble::new("usage", "no entry is named").at("suanpan ledger proof").next("name one"))
        }
    }
}

fn make(args: &ProofArgs, entry: &str, terminal: Terminal) -> Result<u8, Trouble> {
    let id = match EntryName::parse(entry) {
        Some(id) if !args.reference => id,
        _ => from_reference(entry),
    };
    let database = open_existing(&args.store)?;
    let books = Books::read(&database)?;
    let ordinal = ordinal_of(&database, id, books.head.entries)?.ok_or_else(|| {
        Trouble::new("entry_unknown", format!("there is no entry {entry} ({})", EntryName::write(id)))
            .at(database.place())
            .next("suanpan ledger journal lists the entries; --reference takes the text for a reference")
    })?;
    let (found, key_path) = signing_key(args.signing_key_file.as_deref(), &args.store)?;
    let origin = args.origin.clone().unwrap_or_else(|| format!("suanpan/cell/{}", books.book.cell()));
    let public = public_key(&found.key).map_err(refused)?;
    let verifier = verifier_key(&origin, &public);
    if let Some(path) = &found.made {
        let public_path = with_pub(path);
        std::fs::write(&public_path, format!("{verifier}\n"))
            .map_err(|error| Trouble::io("write", &public_path, error))?;
        terminal.hint(&format!(
            "made the signing key {}; give its public key {} to whoever checks proofs",
            path.display(),
            public_path.display()
        ));
    }
    let proof = prove(&database, &books, ordinal, &origin, &found.key)?;
    let mut text = proof.to_json();
    text.push('\n');
    if args.output == Path::new("-") {
        terminal.result(&text)?;
    } else {
        std::fs::write(&args.output, &text).map_err(|error| Trouble::io("write", &args.output, error))?;
        terminal.result(&format!("{}\n", args.output.display()))?;
    }
    terminal.hint(&format!("signed by {} as of record {}", key_path.display(), books.head.seq));
    terminal.hint(&format!("public key {verifier}"));
    Ok(status::FINE)
}

fn with_pub(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

/// Finds an entry by its id: in the sealed index, and in the journal behind it.
fn ordinal_of(database: &Database, id: EntryId, entries: u64) -> Result<Option<u64>, Trouble> {
    let mut from = 0;
    if let Ok(sealed) = Sealed::read(database).map_err(at_store)? {
        from = sealed.id_runs.last().map_or(0, |run| run.end);
        let found = find(&[id.0], sealed.id_runs.iter().rev(), &mut sealed.pages());
        let found = found.map_err(|error| damaged("the index of ids", format!("{error:?}")))?;
        if let Some(ordinal) = found.into_iter().next().flatten().and_then(|found| found.entry) {
            return Ok(Some(ordinal).filter(|ordinal| *ordinal < entries));
        }
    }
    let reader = database.reader();
    let Some(first) = reader.record_of(from).map_err(at_store)? else { return Ok(None) };
    let (mut ordinal, mut failed) = (None, None);
    let read = reader.records(first.mark.seq, &mut |stored| {
        let searched = Record::parse(&stored.body).and_then(|record| {
            for entry in record.entries() {
                let (at, entry) = entry?;
                if entry.id == id {
                    ordinal = Some(at);
                }
            }
            Ok(())
        });
        match searched {
            Ok(()) if ordinal.is_none() => ControlFlow::Continue(()),
            Ok(()) => ControlFlow::Break(()),
            Err(error) => {
                failed = Some(format!("record {}: {error}", stored.mark.seq));
                ControlFlow::Break(())
            }
        }
    });
    read.map_err(at_store)?;
    match failed {
        Some(why) => Err(damaged(database.place(), why)),
        None => Ok(ordinal.filter(|ordinal| *ordinal < entries)),
    }
}

fn prove(
    database: &Database,
    books: &Books,
    ordinal: u64,
    origin: &str,
    seed: &[u8; 32],
) -> Result<EntryProof, Trouble> {
    let (reader, place) = (database.reader(), database.place());
    let stored = reader.record_of(ordinal).map_err(at_store)?;
    let stored = stored.ok_or_else(|| damaged(place, format!("entry {ordinal} is in no record")))?;
    let record = Record::parse(&stored.body).map_err(|error| damaged(place, error))?;
    let header = record.header();
    let leaves: Vec<&[u8]> = record.leaves().collect();
    let index = ordinal - header.first_entry;
    let leaf = |at: u64| Ok::<Hash, Infallible>(leaf_hash(leaves[usize::try_from(at).unwrap_or(usize::MAX)]));
    let entry_path = inclusion_path(index, leaves.len() as u64, |level, at| subtree(level, at, leaf));
    let Ok(entry_path) = entry_path;
    let (log, chain) = log_leaves(database, books.head.seq).map_err(at_store)?;
    if log.len() as u64 != books.head.seq || chain != books.head.hash {
        return Err(damaged(place, "the journal does not end where the cell stands"));
    }
    let mut frontier = Frontier::default();
    log.iter().for_each(|leaf| frontier.push(*leaf));
    let leaf = |at: u64| Ok::<Hash, Infallible>(log[usize::try_from(at).unwrap_or(usize::MAX)]);
    let Ok(log_path) = inclusion_path(header.seq - 1, books.head.seq, |level, at| subtree(level, at, leaf));
    let previous = match header.seq {
        0 | 1 => [0; 32],
        seq => reader
            .marks(seq - 1..seq)
            .map_err(at_store)?
            .first()
            .map(|mark| mark.hash)
            .ok_or_else(|| damaged(place, format!("record {} is missing", seq - 1)))?,
    };
    let checkpoint = Checkpoint {
        origin: origin.to_owned(),
        seq: books.head.seq,
        log_root: frontier.root(),
        epoch: books.book.head().epoch,
        chain: books.head.hash,
        entries: books.head.entries,
        at: Timestamp::from_micros(books.head.at),
    };
    let proof = EntryProof {
        entry: leaves[usize::try_from(index).unwrap_or(usize::MAX)].to_vec(),
        index,
        entry_path,
        header: record.header_bytes().to_vec(),
        events_digest: record.events_digest(),
        previous,
        log_path,
        checkpoint: checkpoint.sign(seed).map_err(refused)?,
    };
    // A store that was changed must not come out as a proof that nobody can check.
    let public = public_key(seed).map_err(refused)?;
    proof.verify(&public).map_err(|error| damaged(place, format!("the proof does not hold: {error}")))?;
    Ok(proof)
}

/// Returns the leaves of the log, one for each record, and the chain hash of the last.
fn log_leaves(database: &Database, records: u64) -> Result<(Vec<Hash>, Hash), StoreError> {
    let reader = database.reader();
    let (mut leaves, mut chain, mut from) = (Vec::new(), [0; 32], 1);
    while from <= records {
        let until = (from + MARKS_AT_ONCE).min(records + 1);
        for mark in reader.marks(from..until)? {
            chain = mark.hash;
            leaves.push(leaf_hash(&mark.hash));
        }
        from = until;
    }
    Ok((leaves, chain))
}

fn check(args: &ProofVerifyArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let (key, origin) = key_of(&args.key)?;
    let text = std::fs::read_to_string(&args.file).map_err(|error| Trouble::io("read", &args.file, error))?;
    let proven = match verify(&text, &key) {
        Ok(proven) if origin.as_ref().is_none_or(|origin| *origin == proven.checkpoint.origin) => proven,
        Ok(proven) => {
            let why =
                format!("it is signed as {}, which is not the name of the key", proven.checkpoint.origin);
            return tell_failure(args, "proof_origin", &why, terminal);
        }
        Err(error) => return tell_failure(args, error.code(), &error.to_string(), terminal),
    };
    let entry = RecordedEntry::decode(&proven.entry).map_err(|error| {
        Trouble::new("proof_entry", format!("what is proven is no entry that this program knows: {error}"))
            .at(args.file.display().to_string())
            .next("use a newer program")
    })?;
    if args.json {
        let value = json!({
            "holds": true,
            "entry": entry_bare(proven.ordinal, &entry),
            "record": proven.seq,
            "cell": proven.cell,
            "epoch": proven.epoch,
            "at": moment(proven.at),
            "origin": proven.checkpoint.origin,
            "checkpoint_record": proven.checkpoint.seq,
        });
        terminal.result(&(value.to_string() + "\n"))?;
    } else {
        let mut text = format!(
            "{}  entry {} is number {} of the journal, in record {} of {}\n",
            Paint(terminal.color).green("holds"),
            EntryName::write(entry.id),
            proven.ordinal,
            proven.seq,
            moment(proven.at)
        );
        for line in &entry.lines {
            let minor = line.posted_minor.max(line.held_minor);
            text.push_str(&format!(
                "       debit account {}, credit account {}, {minor} minor units\n",
                line.debit.0, line.credit.0
            ));
        }
        let Checkpoint { origin, seq, .. } = &proven.checkpoint;
        text.push_str(&format!("       signed as {origin} at record {seq}\n"));
        terminal.result(&text)?;
    }
    Ok(status::FINE)
}

/// An entry as the proof shows it: it knows accounts by their numbers only.
fn entry_bare(ordinal: u64, entry: &RecordedEntry) -> serde_json::Value {
    let mut value = entry_json(ordinal, entry, &suanpan_ledger::book::Book::new(0, 0));
    let lines: Vec<_> = entry
        .lines
        .iter()
        .map(|line| {
            json!({
                "debit": line.debit.0,
                "credit": line.credit.0,
                "posted_minor": line.posted_minor,
                "held_minor": line.held_minor,
            })
        })
        .collect();
    value["lines"] = lines.into();
    value
}

fn tell_failure(args: &ProofVerifyArgs, code: &str, why: &str, terminal: Terminal) -> Result<u8, Trouble> {
    if args.json {
        let value = json!({ "holds": false, "code": code, "because": why });
        terminal.result(&(value.to_string() + "\n"))?;
    } else {
        let verdict = Paint(terminal.color).red("does not hold");
        terminal.result(&format!("{verdict}  {why} [{code}]\n"))?;
    }
    Ok(status::DIFFERENCES)
}

/// Reads a public key in one of its writings, and the name under which it signs where that is said.
fn key_of(text: &str) -> Result<([u8; 32], Option<String>), Trouble> {
    let path = Path::new(text);
    let content = match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() <= KEY_BYTES_MAX => {
            std::fs::read_to_string(path).map_err(|error| Trouble::io("read", path, error))?
        }
        _ => text.to_owned(),
    };
    let content = content.trim();
    let parsed = match content.split('+').collect::<Vec<_>>().as_slice() {
        // Base64 has plus signs of its own: name and id end at the first two.
        [origin, id, _, ..] if id.len() == 8 => {
            let bytes = STANDARD.decode(&content[origin.len() + id.len() + 2..]).ok();
            let key = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes.get(1..)?).ok());
            key.filter(|key| verifier_key(origin, key) == content)
                .map(|key| (key, Some((*origin).to_owned())))
        }
        _ => STANDARD.decode(content).ok().and_then(|bytes| bytes.try_into().ok()).map(|key| (key, None)),
    };
    parsed.ok_or_else(|| {
        Trouble::new("key_wrong", "this is no public key")
            .at("--key")
            .next("give the content of the file that ends in .pub, or its name")
    })
}

fn refused(error: ProofError) -> Trouble {
    Trouble::new(error.code(), error.to_string())
        .at("--origin")
        .next("a name has no spaces and no +")
        .because(error)
}
