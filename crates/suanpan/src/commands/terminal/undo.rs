//! Undoing a payment whose end nobody was told: what became of it is asked, and what was taken is given back. It may be
//! done again and again, by whichever process: it comes to the same.

use super::journal::{Journal, Open, Stage};
use super::server::{Said, Server};
use crate::error::Trouble;
use crate::terminal::harmless;
use serde_json::Value;
use std::time::{Duration, Instant};

/// How often it is tried.
const EVERY: Duration = Duration::from_millis(500);

/// What became of undoing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Undone {
    /// Nothing was taken, and nothing will be.
    NothingTaken,
    /// What was taken is given back.
    GivenBack,
    /// It is not known yet; the journal keeps it. Why the server could not be asked the last time; none where its answer
    /// was that it does not know either.
    NotYet(Option<String>),
}

impl Undone {
    pub(super) fn text(&self) -> String {
        match self {
            Undone::NothingTaken => "UNDONE  nothing was taken".to_owned(),
            Undone::GivenBack => "UNDONE  what was taken is given back".to_owned(),
            Undone::NotYet(why) => {
                let why = why.as_deref().unwrap_or("the server does not know its end yet");
                format!("NOT KNOWN  {why}; suanpan terminal finish undoes it")
            }
        }
    }

    /// Whether it is known what became of it.
    pub(super) const fn is_known(&self) -> bool {
        !matches!(self, Undone::NotYet(_))
    }
}

/// Undoes the payment that stands in the journal, for so many seconds at most.
pub(super) async fn undo(journal: &mut Journal, server: &Server, wait: u64) -> Result<Undone, Trouble> {
    if journal.unfinished().is_none() {
        return Ok(Undone::NothingTaken);
    }
    journal.stage(Stage::Undo)?;
    let until = Instant::now() + Duration::from_secs(wait);
    loop {
        // What cannot be asked now is asked at the next start.
        let why = match once(journal, server).await {
            Ok(Some(undone)) => {
                journal.close()?;
                return Ok(undone);
            }
            Ok(None) => None,
            Err(trouble) => trouble.faults.first().map(|fault| harmless(&fault.what)),
        };
        if Instant::now() >= until {
            return Ok(Undone::NotYet(why));
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Asks for what was taken, and returns how that stands now.
async fn given_back(server: &Server, open: &Open, intent: &str, failed: bool) -> Result<String, Trouble> {
    let reply = server.refund(open, intent, failed).await?;
    let refund: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    match (reply.status, refund["id"].as_str(), refund["error"]["code"].as_str()) {
        (200..=299, Some(id), _) => server.refund_status(id).await,
        // By a refund that was asked for before, which is looked at under its own key; or by somebody else.
        (_, _, Some("charge_already_refunded")) if !failed => Ok("succeeded".to_owned()),
        (_, _, Some("charge_already_refunded")) => Ok("pending".to_owned()),
        _ => Err(reply.refusal("/v1/refunds")),
    }
}

/// Tries once. None while its end is not known.
async fn once(journal: &mut Journal, server: &Server) -> Result<Option<Undone>, Trouble> {
    let Some(open) = journal.unfinished().cloned() else { return Ok(Some(Undone::NothingTaken)) };
    let said = match &open.intent {
        Some(id) => server.intent(id).await?,
        // The same call as before: it makes one, or finds the one that was made.
        None => server.create(&open).await?,
    };
    let intent = match said {
        Said::Intent(intent) => intent,
        // The server takes no such payment, and has none.
        Said::Refused(_) if open.intent.is_none() => return Ok(Some(Undone::NothingTaken)),
        Said::Refused(trouble) => return Err(trouble),
        Said::Declined(_) => return Ok(None),
    };
    if open.intent.is_none() {
        journal.write(Some(open.clone().known(&intent.id, Stage::Undo)))?;
    }
    match intent.status.as_str() {
        "canceled" => Ok(Some(Undone::NothingTaken)),
        "processing" => Ok(None),
        "succeeded" => {
            match given_back(server, &open, &intent.id, false).await?.as_str() {
                "succeeded" => Ok(Some(Undone::GivenBack)),
                "failed" => {
                    let again = given_back(server, &open, &intent.id, true).await?;
                    Ok((again == "succeeded").then_some(Undone::GivenBack))
                }
                // What is pending may still be refused.
                _ => Ok(None),
            }
        }
        _ => match server.cancel(&open, &intent.id).await? {
            Said::Intent(intent) if intent.status == "canceled" => Ok(Some(Undone::NothingTaken)),
            _ => Ok(None),
        },
    }
}
