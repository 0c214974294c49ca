//! `/v1/ledger/entries`: batches of journal entries.

use super::accounts::currency;
use super::{WRITE, account_id, check_operator, mode_prefix};
use crate::api::{Api, receipt_header};
use crate::inbound::InboundBatch;
use crate::problem::Problem;
use crate::read::answer_json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use suanpan_engine::{BooksAnswer, BooksCommand, NamedEntry};
use suanpan_ledger::book::Verdict;
use suanpan_ledger::entry::{Action, EntryId};
use suanpan_ledger::limits::BATCH_ENTRIES_MAX;
use suanpan_money::Timestamp;
use suanpan_payments::books::TEST_PREFIX;
use suanpan_payments::decision::{AccountRef, EntryDraft, Line};
use suanpan_payments::id::{entry_text, parse_entry};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Returns the routes of this resource.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(post))
}

/// Entries, decided in their order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PostEntries {
    /// The entries.
    #[schema(min_items = 1, max_items = 8192)]
    entries: Vec<NewEntry>,
}

/// An entry.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEntry {
    /// `je_…` or a UUID, chosen by the client and used once for ever: repeating an entry under its id finds the
    /// one that is there.
    id: String,
    /// What it does; `post` when absent.
    action: Option<EntryAction>,
    /// The hold that is captured or voided.
    hold: Option<String>,
    /// The entry that is reversed.
    of: Option<String>,
    /// When a hold ends by itself, seconds since the epoch.
    expires_at: Option<i64>,
    /// What it is for, as a number of the client's.
    #[serde(default)]
    code: u16,
    /// Succeeds or fails together with the next entry.
    #[serde(default)]
    linked: bool,
    /// Its lines.
    #[serde(default)]
    postings: Vec<NewPosting>,
}

/// What an entry does.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryAction {
    /// Moves money.
    Post,
    /// Sets money aside.
    Hold,
    /// Posts a hold, all of it or less.
    Capture,
    /// Releases a hold.
    Void,
    /// Books a posted entry the other way round.
    Reversal,
}

/// A line of an entry.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPosting {
    /// The path of the account that is debited.
    debit: String,
    /// The path of the account that is credited.
    credit: String,
    /// Minor units.
    amount: u64,
    /// Three letters of ISO 4217.
    currency: String,
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerBatch {
    /// Always `ledger_batch`.
    object: &'static str,
    /// How many entries were booked.
    accepted: usize,
    /// How many were there already, with the same content.
    existing: usize,
    /// Those that were refused.
    rejected: Vec<RejectedEntry>,
}

/// An entry that was refused, and left no trace.
#[derive(Debug, Serialize, ToSchema)]
pub struct RejectedEntry {
    /// Its place in the batch, from 0.
    index: usize,
    /// Its id, `je_…`.
    id: String,
    /// Why, as a stable word.
    code: &'static str,
    /// Whether the same may be accepted later.
    retryable: bool,
    /// The account that is the cause, `lac_…`, where there is one.
    account: Option<String>,
}

/// Books entries. Each succeeds or fails by itself, or together with those it is linked to.
///
/// A repeat is recognised by the ids of the entries, for ever: what is there already is counted as existing, and an id
/// that comes with another content is refused. Idempotency-Key has no effect here.
#[utoipa::path(
    post,
    path = "/v1/ledger/entries",
    tag = "Ledger",
    request_body(content((PostEntries = "application/json"), (PostEntries = "application/x-www-form-urlencoded"))),
    responses((status = 200, description = "What became of them", body = LedgerBatch))
)]
pub async fn post(State(api): State<Api>, InboundBatch(inbound): InboundBatch) -> Result<Response, Problem> {
    let PostEntries { entries } = inbound.parameters(WRITE).await?;
    check_operator(&api, &inbound.caller.merchant)?;
    if entries.is_empty() || entries.len() > BATCH_ENTRIES_MAX {
        return Err(Problem::invalid("entries", format!("a batch has 1 to {BATCH_ENTRIES_MAX} entries")));
    }
    let mode = mode_prefix(&inbound.caller);
    let named = entries.into_iter().enumerate().map(|(at, entry)| named_entry(at, entry, mode));
    let named: Vec<NamedEntry> = named.collect::<Result<_, _>>()?;
    let ids: Vec<EntryId> = named.iter().map(|entry| entry.draft.id).collect();
    let (answer, receipt) = api.engine().books(BooksCommand::PostNamed(named)).await?;
    let BooksAnswer::Posted(verdicts) = answer else {
        return Err(Problem::fault(&"entries were asked for and something else was answered"));
    };
    let mut batch = LedgerBatch { object: "ledger_batch", accepted: 0, existing: 0, rejected: Vec::new() };
    for (index, (verdict, id)) in verdicts.iter().zip(&ids).enumerate() {
        match verdict {
            Verdict::Accepted { .. } => batch.accepted += 1,
            Verdict::Exists { .. } => batch.existing += 1,
            Verdict::Rejected { reason, account } => batch.rejected.push(RejectedEntry {
                index,
                id: entry_text(*id),
                code: reason.code(),
                retryable: reason.retryable(),
                account: account.map(account_id),
            }),
        }
    }
    let mut response = answer_json(serde_json::to_vec(&batch).map_err(|error| Problem::fault(&error))?);
    response.headers_mut().insert("suanpan-receipt", receipt_header(&receipt));
    Ok(response)
}

fn named_entry(at: usize, entry: NewEntry, mode: &str) -> Result<NamedEntry, Problem> {
    let param = |name: &str| format!("entries[{at}][{name}]");
    let id = |text: &str, name: &str| {
        read_id(text).ok_or_else(|| Problem::invalid(&param(name), "it is neither je_… nor a UUID"))
    };
    let needed = |text: &Option<String>, name: &'static str| match text {
        Some(text) => id(text, name),
        None => Err(Problem::missing_parameter(&param(name))),
    };
    let action = match entry.action.unwrap_or(EntryAction::Post) {
        EntryAction::Post => Action::Post,
        EntryAction::Hold => Action::Hold {
            expires_at: entry
                .expires_at
                .map(|seconds| Timestamp::from_micros(seconds.saturating_mul(1_000_000))),
        },
        EntryAction::Capture => Action::Capture { hold: needed(&entry.hold, "hold")? },
        EntryAction::Void => Action::Void { hold: needed(&entry.hold, "hold")? },
        EntryAction::Reversal => Action::Reversal { of: needed(&entry.of, "of")? },
    };
    // What an action does not take is an error rather than ignored: it may be another action that is meant.
    let takes_hold = matches!(action, Action::Capture { .. } | Action::Void { .. });
    for (name, given, taken) in [
        ("hold", entry.hold.is_some(), takes_hold),
        ("of", entry.of.is_some(), matches!(action, Action::Reversal { .. })),
        ("expires_at", entry.expires_at.is_some(), matches!(action, Action::Hold { .. })),
    ] {
        if given && !taken {
            return Err(Problem::invalid(&param(name), "this action does not take it"));
        }
    }
    let mut lines = Vec::with_capacity(entry.postings.len());
    for (line, posting) in entry.postings.iter().enumerate() {
        let place = |name: &str| format!("entries[{at}][postings][{line}][{name}]");
        let currency = currency(&posting.currency)
            .map_err(|_| Problem::invalid(&place("currency"), "currencies are three letters of ISO 4217"))?;
        let account = |path: &str, name: &str| {
            // Live entries must not reach into test mode.
            if mode.is_empty() && path.starts_with(TEST_PREFIX) {
                return Err(Problem::invalid(&place(name), "the first word test is kept for test mode"));
            }
            Ok(AccountRef { path: format!("{mode}{path}"), currency })
        };
        let (debit, credit) = (account(&posting.debit, "debit")?, account(&posting.credit, "credit")?);
        lines.push(Line { debit, credit, amount_minor: posting.amount });
    }
    let draft = EntryDraft { id: id(&entry.id, "id")?, action, code: entry.code, lines };
    Ok(NamedEntry { draft, linked: entry.linked })
}

/// Reads the id of an entry: `je_…`, or a UUID with or without hyphens.
pub(super) fn read_id(text: &str) -> Option<EntryId> {
    if text.starts_with("je_") {
        return parse_entry(text);
    }
    let hyphens = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let plain = match text.len() {
        32 => text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        36 => text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if hyphens(at) { byte == b'-' } else { byte.is_ascii_hexdigit() }),
        _ => false,
    };
    if !plain {
        return None;
    }
    let digits: String = text.chars().filter(|letter| *letter != '-').collect();
    u128::from_str_radix(&digits, 16).ok().map(EntryId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_in_three_writings() {
        let id = EntryId(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(read_id("01234567-89ab-cdef-0123-456789abcdef"), Some(id));
        assert_eq!(read_id("0123456789abcdef0123456789ABCDEF"), Some(id));
        assert_eq!(read_id(&entry_text(id)), Some(id));
        for wrong in
            ["", "1", "je_1", "0123456789abcdef0123456789abcde+", "0123456-789ab-cdef-0123-456789abcdef0"]
        {
            assert_eq!(read_id(wrong), None, "{wrong}");
        }
    }
}
