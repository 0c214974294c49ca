//! Events of a server, in pages.

use super::Api;
use crate::error::Trouble;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Events of one page: the most that the API gives.
const PAGE: &str = "100";
/// Events of one call of a command: more are a slip of the finger, and would fill the memory.
const EVENTS_MAX: usize = 100_000;

/// An event, with its JSON byte for byte.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) created: i64,
    /// The id of the object that it tells about.
    pub(crate) object: String,
    pub(crate) json: Box<RawValue>,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Box<RawValue>>,
    has_more: bool,
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    created: i64,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    id: Option<String>,
}

/// Which events.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventFilter {
    pub(crate) kind: Option<String>,
    /// Seconds since the epoch.
    pub(crate) from: Option<i64>,
    /// Seconds since the epoch, not included.
    pub(crate) before: Option<i64>,
}

/// The events of a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Events<'a>(pub(crate) &'a Api);

impl Events<'_> {
    /// Returns one event.
    pub(crate) async fn one(self, id: &str) -> Result<Event, Trouble> {
        let place = format!("event {id}");
        let body = self.0.get(&format!("/v1/events/{}", segment(id)), &[]).await?.fine(&place)?;
        let json: Box<RawValue> = serde_json::from_slice(&body).map_err(|error| strange(&place, error))?;
        event(json, &place)
    }

    /// Returns the newest event, if there is any.
    pub(crate) async fn newest(self) -> Result<Option<Event>, Trouble> {
        Ok(self.page(&[("limit", "1")]).await?.0.pop())
    }

    /// Returns what happened after an event, or ever, the oldest first. A page at a time: an empty one says that
    /// there is nothing more for now.
    pub(crate) async fn after(self, cursor: Option<&str>) -> Result<Vec<Event>, Trouble> {
        let mut events = match cursor {
            Some(id) => self.page(&[("limit", PAGE), ("ending_before", id)]).await?.0,
            None => self.list(&EventFilter::default(), EVENTS_MAX).await?,
        };
        events.reverse();
        Ok(events)
    }

    /// Returns events, the newest first, as many at most.
    pub(crate) async fn list(self, filter: &EventFilter, most: usize) -> Result<Vec<Event>, Trouble> {
        let (from, before) = (filter.from.map(|s| s.to_string()), filter.before.map(|s| s.to_string()));
        let mut fixed = vec![("limit", PAGE)];
        fixed.extend(filter.kind.as_deref().map(|kind| ("type", kind)));
        fixed.extend(from.as_deref().map(|from| ("created[gte]", from)));
        fixed.extend(before.as_deref().map(|before| ("created[lt]", before)));
        let mut events: Vec<Event> = Vec::new();
        while events.len() < most {
            let last = events.last().map(|last| last.id.clone());
            let mut query = fixed.clone();
            query.extend(last.as_deref().map(|last| ("starting_after", last)));
            let (page, more) = self.page(&query).await?;
            if page.is_empty() && more {
                // Going on is impossible, and stopping would pass off a part as the whole.
                let why = "a page without events says that there are more";
                return Err(Trouble::new("api_strange", why)
                    .at("/v1/events")
                    .next("check --api: is this a server of suanpan?"));
            }
            events.extend(page);
            if !more {
                break;
            }
        }
        events.truncate(most);
        Ok(events)
    }

    /// Returns all events, the oldest first; refuses when they are more than fit.
    pub(crate) async fn all(self, filter: &EventFilter) -> Result<Vec<Event>, Trouble> {
        let mut events = self.list(filter, EVENTS_MAX + 1).await?;
        if events.len() > EVENTS_MAX {
            return Err(Trouble::new("too_many_events", format!("more than {EVENTS_MAX} events"))
                .at("--from, --to")
                .next("take a shorter time, or give --type"));
        }
        events.reverse();
        Ok(events)
    }

    /// Asks for an event to be sent again, to all its endpoints or to one.
    pub(crate) async fn resend(self, id: &str, endpoint: Option<&str>) -> Result<(), Trouble> {
        let fields: Vec<(&str, &str)> = endpoint.map(|id| ("webhook_endpoint", id)).into_iter().collect();
        let reply = self.0.post(&format!("/v1/events/{}/resend", segment(id)), &fields).await?;
        reply.fine(&format!("event {id}")).map(drop)
    }

    async fn page(self, query: &[(&str, &str)]) -> Result<(Vec<Event>, bool), Trouble> {
        let place = "/v1/events";
        let body = self.0.get(place, query).await?.fine(place)?;
        let page: Page = serde_json::from_slice(&body).map_err(|error| strange(place, error))?;
        let events: Result<Vec<Event>, Trouble> =
            page.data.into_iter().map(|json| event(json, place)).collect();
        Ok((events?, page.has_more))
    }
}

fn event(json: Box<RawValue>, place: &str) -> Result<Event, Trouble> {
    let frame: Frame<'_> = serde_json::from_str(json.get()).map_err(|error| strange(place, error))?;
    Ok(Event {
        id: frame.id.into_owned(),
        kind: frame.kind.into_owned(),
        created: frame.created,
        object: frame.data.object.id.unwrap_or_default(),
        json,
    })
}

fn strange(place: &str, error: serde_json::Error) -> Trouble {
    Trouble::new("api_strange", format!("the answer is not what the API gives: {error}"))
        .at(place)
        .next("check --api: is this a server of suanpan?")
        .because(error)
}

/// An id as a part of a path: whatever it holds, it stays one part.
fn segment(id: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    id.chars().map(|c| if plain(c) { c } else { '_' }).collect()
}
