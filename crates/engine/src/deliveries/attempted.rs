//! What an attempt leaves behind: an entry of the delivery log, and the job as it goes on.

use super::{DELIVERY, DELIVERY_LOG, LOG_OF_ENDPOINT, LOG_OF_EVENT, Particulars, place_of};
use suanpan_store::commit::{Job, Link, Object};
use suanpan_webhooks::schedule::Next;
use suanpan_webhooks::worker::Outcome;

/// What an attempt leaves behind.
pub(crate) struct Attempted {
    pub(crate) log: Object,
    pub(crate) links: Vec<Link>,
    /// The job as it goes on; none when it is done or given up.
    pub(crate) job: Option<Job>,
    pub(crate) id: String,
}

/// Makes what an attempt leaves behind.
pub(super) fn attempt_of(
    job: &Job,
    particulars: Particulars,
    endpoint: &Object,
    outcome: &Outcome,
) -> Result<Attempted, serde_json::Error> {
    let (_, event) = place_of(&job.id);
    let attempt = &outcome.attempt;
    // An event that is sent again counts its attempts anew, so the number alone names none of them.
    let id = format!(
        "wd_{}_{}_{:x}_{}",
        event.trim_start_matches("evt_"),
        endpoint.id.trim_start_matches("we_"),
        particulars.since,
        outcome.number
    );
    let log = Object {
        id: id.clone(),
        kind: DELIVERY_LOG,
        merchant: endpoint.merchant.clone(),
        live: endpoint.live,
        created: attempt.at.micros(),
        version: 1,
        body: body(&id, event, endpoint, outcome).to_string(),
    };
    let link = |name, key: &str| Link { name, key: key.to_owned(), id: id.clone(), unique: false };
    let links = vec![link(LOG_OF_EVENT, event), link(LOG_OF_ENDPOINT, &endpoint.id)];
    let next = match outcome.next {
        Next::Retry { at } => {
            let particulars = Particulars { attempts: outcome.number, ..particulars };
            let body = serde_json::to_string(&particulars)?;
            Some(Job { id: job.id.clone(), kind: DELIVERY, due: at.micros(), body })
        }
        Next::Delivered | Next::Exhausted | Next::Disable => None,
    };
    Ok(Attempted { log, links, job: next, id: job.id.clone() })
}

/// The entry of the log as the API shows it.
fn body(id: &str, event: &str, endpoint: &Object, outcome: &Outcome) -> serde_json::Value {
    let attempt = &outcome.attempt;
    let (status, error, answer) = match &attempt.result {
        Ok(answer) => (Some(answer.status), None, Some(answer.excerpt.as_str())),
        Err(failure) => {
            (None, Some(serde_json::json!({"code": failure.code, "message": failure.text})), None)
        }
    };
    let next_attempt = match outcome.next {
        Next::Retry { at } => Some(at.seconds()),
        Next::Delivered | Next::Exhausted | Next::Disable => None,
    };
    let headers: serde_json::Map<String, serde_json::Value> =
        attempt.request_headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    serde_json::json!({
        "id": id,
        "object": DELIVERY_LOG,
        "attempt": outcome.number,
        "created": attempt.at.seconds(),
        "duration_ms": attempt.duration_ms,
        "endpoint": endpoint.id,
        "error": error,
        "event": event,
        "livemode": endpoint.live,
        "next_attempt": next_attempt,
        "request_headers": headers,
        "response": answer,
        "response_status": status,
        "result": outcome.next.code(),
    })
}
