//! `/v1/ledger/entries/{id}`: one entry as it stands in the journal, and the proof that it does.

use super::{READ, account_id, is_visible, shown_path, visible_prefix};
use crate::api::Api;
use crate::inbound::{Id, Inbound};
use crate::problem::Problem;
use crate::read::answer_json;
use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use std::collections::BTreeMap;
use std::convert::Infallible;
use suanpan_ledger::account::AccountNo;
use suanpan_ledger::entry::EntryId;
use suanpan_ledger::error::Error;
use suanpan_ledger::merkle::{Hash, inclusion_path, leaf_hash, subtree};
use suanpan_ledger::record::{Done, Record, RecordedEntry};
use suanpan_payments::id::entry_text;
use suanpan_store::{Mark, Read, StoreError};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Returns the routes of this resource.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(retrieve)).routes(routes!(prove))
}

/// An entry of the journal.
#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerEntry {
    /// `je_…`
    id: String,
    /// Always `ledger_entry`.
    object: &'static str,
    /// Its place in the journal, from 0.
    entry: u64,
    /// The record that holds it.
    seq: u64,
    /// `post`, `hold`, `capture`, `void` or `reversal`.
    action: &'static str,
    /// The hold or the entry that it is about.
    of: Option<String>,
    /// When a hold ends by itself, seconds.
    expires_at: Option<i64>,
    /// What it is for.
    code: u16,
    /// Whether it was accepted together with the next entry.
    linked: bool,
    /// When it was booked elsewhere, seconds; entries that were imported only.
    booked_at: Option<i64>,
    /// When it was accepted, seconds.
    created: i64,
    /// Its lines.
    lines: Vec<EntryLine>,
}

/// A line of an entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryLine {
    /// The account debited, `lac_…`.
    debit: String,
    /// Its path, where the caller may see it.
    debit_path: Option<String>,
    /// The account credited, `lac_…`.
    credit: String,
    /// Its path, where the caller may see it.
    credit_path: Option<String>,
    /// The currency.
    currency: String,
    /// What was posted, minor units.
    posted: u64,
    /// What was set aside, or is not any more, minor units.
    held: u64,
}

/// That an entry stands in a record of the journal. Bytes and hashes are in base64.
///
/// From `entry` and `entry_path` follows the root of the record (RFC 9162, BLAKE3), and from it with `previous`,
/// `header` and `events_digest` the chain hash `hash`: the one in `Suanpan-Receipt` of whatever was answered on the
/// strength of that record. `suanpan ledger proof` makes proofs that are signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerEntryProof {
    /// Always `ledger_entry_proof`.
    object: &'static str,
    /// The entry as it stands in its record.
    entry: String,
    /// Its place in the record, from 0.
    index: u64,
    /// How many entries the record has.
    entries: u64,
    /// From the entry to the root of the record, lowest first.
    entry_path: Vec<String>,
    /// The number of the record.
    seq: u64,
    /// The header of the record.
    header: String,
    /// The BLAKE3 of the account events of the record.
    events_digest: String,
    /// The chain hash of the record before; zeros for the first.
    previous: String,
    /// The chain hash of the record, in hexadecimal digits as in receipts.
    hash: String,
}

/// Shows an entry.
///
/// Merchants see the entries that touch one of their accounts.
#[utoipa::path(
    get,
    path = "/v1/ledger/entries/{id}",
    tag = "Ledger",
    params(("id" = String, Path, description = "je_… or a UUID without hyphens", max_length = 64)),
    responses((status = 200, description = "The entry", body = LedgerEntry))
)]
pub async fn retrieve(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    inbound.no_parameters(READ).await?;
    let (entry, _) = find(&api, &inbound, &id).await?;
    Ok(answer_json(serde_json::to_vec(&entry).map_err(|error| Problem::fault(&error))?))
}

/// Proves that an entry stands in the journal, up to the hash of a receipt.
#[utoipa::path(
    get,
    path = "/v1/ledger/entries/{id}/proof",
    tag = "Ledger",
    params(("id" = String, Path, description = "je_… or a UUID without hyphens", max_length = 64)),
    responses((status = 200, description = "The proof", body = LedgerEntryProof))
)]
pub async fn prove(State(api): State<Api>, Id(id): Id, inbound: Inbound) -> Result<Response, Problem> {
    inbound.no_parameters(READ).await?;
    let (_, ordinal) = find(&api, &inbound, &id).await?;
    let proof = api.read(move |reader| proof(reader, ordinal)).await?;
    let proof = proof.map_err(|error| Problem::fault(&error))?;
    let proof = proof.ok_or_else(|| Problem::fault(&"an entry that was found is not in the journal"))?;
    Ok(answer_json(serde_json::to_vec(&proof).map_err(|error| Problem::fault(&error))?))
}

async fn find(api: &Api, inbound: &Inbound, id: &str) -> Result<(LedgerEntry, u64), Problem> {
    let missing = || Problem::missing("ledger_entry", id);
    // Entries without an id have all the same: none.
    let wanted = super::entries::read_id(id).filter(|id| *id != EntryId(0)).ok_or_else(missing)?;
    let ordinal = api.engine().entry_by_id(wanted).await??.ok_or_else(missing)?;
    let found = api.read(move |reader| read_entries(reader, &[ordinal])).await?;
    let mut found = found.map_err(|error| Problem::fault(&error))?;
    let (entry, mark) = found.remove(&ordinal).ok_or_else(missing)?;
    let (prefix, live) = (visible_prefix(api, &inbound.caller), inbound.caller.live);
    let ask = move |book: &suanpan_ledger::book::Book| {
        let path = |number: AccountNo| {
            let path = &book.account(number)?.spec.path;
            is_visible(&prefix, live, path).then(|| shown_path(path).to_owned())
        };
        let lines = entry.lines.iter().map(|line| EntryLine {
            debit: account_id(line.debit),
            debit_path: path(line.debit),
            credit: account_id(line.credit),
            credit_path: path(line.credit),
            currency: book
                .account(line.debit)
                .map_or_else(String::new, |account| account.spec.currency.code().to_ascii_lowercase()),
            posted: line.posted_minor,
            held: line.held_minor,
        });
        let lines: Vec<EntryLine> = lines.collect();
        let visible = lines.iter().any(|line| line.debit_path.is_some() || line.credit_path.is_some());
        visible.then(|| shown(ordinal, &entry, &mark, lines))
    };
    let (shown, _) = api.engine().query(ask).await?;
    Ok((shown.ok_or_else(missing)?, ordinal))
}

fn shown(ordinal: u64, entry: &RecordedEntry, mark: &Mark, lines: Vec<EntryLine>) -> LedgerEntry {
    let expires_at = match entry.done {
        Done::Hold { expires_at } => expires_at.map(|at| at.seconds()),
        _ => None,
    };
    LedgerEntry {
        id: entry_text(entry.id),
        object: "ledger_entry",
        entry: ordinal,
        seq: mark.seq,
        action: entry.done.name(),
        of: entry.done.target().map(entry_text),
        expires_at,
        code: entry.code,
        linked: entry.linked,
        booked_at: entry.booked_at.map(|at| at.seconds()),
        created: mark.at.div_euclid(1_000_000),
        lines,
    }
}

/// Entries by their numbers, each with what stands beside its record.
pub(super) type Entries = BTreeMap<u64, (RecordedEntry, Mark)>;

/// Reads entries of the journal by their numbers. Each record is read once.
pub(super) fn read_entries(
    reader: &dyn Read,
    ordinals: &[u64],
) -> Result<Result<Entries, Error>, StoreError> {
    let mut wanted: Vec<u64> = ordinals.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let mut found = Entries::new();
    let mut rest = wanted.as_slice();
    while let Some((&first, _)) = rest.split_first() {
        let Some(stored) = reader.record_of(first)? else { break };
        let end = stored.mark.first + stored.mark.entries;
        let within = rest.partition_point(|ordinal| *ordinal < end).max(1);
        let (here, later) = rest.split_at(within);
        rest = later;
        let read = Record::parse(&stored.body).and_then(|record| {
            for (ordinal, leaf) in (record.header().first_entry..).zip(record.leaves()) {
                if here.binary_search(&ordinal).is_ok() {
                    found.insert(ordinal, (RecordedEntry::decode(leaf)?, stored.mark));
                }
            }
            Ok(())
        });
        if let Err(error) = read {
            return Ok(Err(error));
        }
    }
    Ok(Ok(found))
}

fn proof(reader: &dyn Read, ordinal: u64) -> Result<Result<Option<LedgerEntryProof>, Error>, StoreError> {
    let Some(stored) = reader.record_of(ordinal)? else { return Ok(Ok(None)) };
    let seq = stored.mark.seq;
    let before = if seq > 1 { reader.marks(seq - 1..seq)?.first().copied() } else { None };
    let record = match Record::parse(&stored.body) {
        Ok(record) => record,
        Err(error) => return Ok(Err(error)),
    };
    let leaves: Vec<&[u8]> = record.leaves().collect();
    let index = ordinal.saturating_sub(record.header().first_entry);
    let Some(entry) = usize::try_from(index).ok().and_then(|at| leaves.get(at)) else { return Ok(Ok(None)) };
    let leaf = |at: u64| Ok::<Hash, Infallible>(leaf_hash(leaves[usize::try_from(at).unwrap_or(usize::MAX)]));
    let Ok(path) = inclusion_path(index, leaves.len() as u64, |level, at| subtree(level, at, leaf));
    Ok(Ok(Some(LedgerEntryProof {
        object: "ledger_entry_proof",
        entry: STANDARD.encode(entry),
        index,
        entries: leaves.len() as u64,
        entry_path: path.iter().map(|hash| STANDARD.encode(hash)).collect(),
        seq,
        header: STANDARD.encode(record.header_bytes()),
        events_digest: STANDARD.encode(record.events_digest()),
        previous: STANDARD.encode(before.map_or([0; 32], |mark| mark.hash)),
        hash: stored.mark.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
    })))
}
