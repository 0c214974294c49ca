//! Sending an event again, by hand.

use crate::command::{Caller, Refused, Upkeep};
use crate::deliveries::find_event;
use crate::endpoints::Endpoints;
use crate::engine::Engine;
use suanpan_payments::rejection::Rejection;
use suanpan_store::StoreError;
use suanpan_store::commit::Object;

impl Engine {
    /// Sends an event again: to one endpoint, or to all that are enabled. Returns to how many.
    ///
    /// # Errors
    /// When there is no such event or endpoint, the endpoint is disabled, or nothing can be written now.
    pub async fn resend(
        &self,
        caller: &Caller,
        event: &str,
        endpoint: Option<&str>,
    ) -> Result<usize, Refused> {
        let reader = self.reader().clone();
        let (of, id) = (caller.clone(), event.to_owned());
        let read = tokio::task::spawn_blocking(move || {
            let event = find_event(reader.as_ref(), &id)?;
            let mut endpoints = Endpoints::default();
            endpoints.load(&of, reader.as_ref())?;
            Ok::<_, StoreError>((event, endpoints))
        });
        let unavailable = |error: String| Refused::Unavailable(error);
        let (found, endpoints) =
            read.await.map_err(|e| unavailable(e.to_string()))?.map_err(|e| unavailable(e.to_string()))?;
        let missing = |kind, id: &str, param| {
            Refused::Rule(Rejection::ResourceMissing { kind, id: id.to_owned(), param })
        };
        let theirs = |object: &Object| object.merchant == caller.merchant && object.live == caller.live;
        if !found.as_ref().is_some_and(theirs) {
            return Err(missing("event", event, "id"));
        }
        let all = endpoints.all(caller);
        let chosen: Vec<String> = match endpoint {
            Some(wanted) => match all.iter().find(|known| known.id == wanted) {
                Some(known) if known.is_enabled() => vec![known.id.clone()],
                Some(_) => {
                    let (param, why) = ("webhook_endpoint".to_owned(), "it is disabled".to_owned());
                    return Err(Refused::Rule(Rejection::ParameterInvalid { param, why }));
                }
                None => return Err(missing("webhook_endpoint", wanted, "webhook_endpoint")),
            },
            None => all.iter().filter(|known| known.is_enabled()).map(|known| known.id.clone()).collect(),
        };
        let count = chosen.len();
        if count > 0 {
            self.upkeep(Upkeep::Send { event: event.to_owned(), endpoints: chosen }).await?;
        }
        Ok(count)
    }
}
