//! How many endpoints are still to be told of an event: as many as jobs are left, which is known only when it is read.

use crate::command::Caller;
use crate::endpoints::{Endpoints, job_id};
use serde_json::Value;
use suanpan_store::{Read, StoreError};

/// Ids of jobs that are looked up at once.
const AT_ONCE: usize = 5_000;

/// Sets `pending_webhooks` of events, as JSON, to the number of endpoints that are still to be told. All are of one
/// merchant and mode.
///
/// # Errors
/// When the store cannot be read.
pub fn count_pending(reader: &dyn Read, caller: &Caller, events: &mut [String]) -> Result<(), StoreError> {
    let mut values = Vec::new();
    for (place, text) in events.iter().enumerate() {
        let Ok(value) = serde_json::from_str::<Value>(text) else { continue };
        if let Some(id) = value["id"].as_str().map(str::to_owned) {
            values.push((place, id, value));
        }
    }
    let mut endpoints = Endpoints::default();
    endpoints.load(caller, reader)?;
    let enabled = endpoints.all(caller).iter().filter(|endpoint| endpoint.is_enabled());
    let enabled: Vec<&str> = enabled.map(|endpoint| endpoint.id.as_str()).collect();
    for part in values.chunks_mut((AT_ONCE / enabled.len().max(1)).max(1)) {
        let ids: Vec<String> = part
            .iter()
            .flat_map(|(_, event, _)| enabled.iter().map(move |endpoint| job_id(endpoint, event)))
            .collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let jobs = if ids.is_empty() { Vec::new() } else { reader.jobs(&ids)? };
        for (at, (place, _, value)) in part.iter_mut().enumerate() {
            let own = jobs.iter().skip(at * enabled.len()).take(enabled.len());
            value["pending_webhooks"] = own.flatten().count().into();
            events[*place] = value.to_string();
        }
    }
    Ok(())
}
