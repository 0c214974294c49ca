//! Reads of objects: by id, and as pages of lists. Nobody sees what is another merchant's or of the other mode.

use crate::api::Api;
use crate::auth::{Caller, Permission};
use crate::expand::expand;
use crate::inbound::Inbound;
use crate::page::{Page, Place};
use crate::problem::Problem;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use suanpan_payments::decision::ObjectKind;
use suanpan_payments::link;
use suanpan_payments::object::{api_view, list};
use suanpan_store::commit::Object;
use suanpan_store::{Cursor, EventListing, Listing, Objects, Read, StoreError};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Answers with JSON that is written already.
pub fn answer_json(body: impl Into<axum::body::Body>) -> Response {
    ([(CONTENT_TYPE, JSON)], body.into()).into_response()
}

/// Returns an object as the API shows it to a caller; none when it is somebody else's, or gone.
#[must_use]
pub fn show(caller: &Caller, object: &Object) -> Option<String> {
    let kind = ObjectKind::parse(object.kind)?;
    // Accounts serve both modes and own themselves.
    let own =
        object.merchant == caller.merchant && (object.live == caller.live || kind == ObjectKind::Account);
    if !own {
        return None;
    }
    if matches!(kind, ObjectKind::Customer | ObjectKind::WebhookEndpoint) && is_deleted(kind, &object.body) {
        if kind == ObjectKind::WebhookEndpoint {
            return None;
        }
        return Some(format!(r#"{{"id":"{}","object":"{}","deleted":true}}"#, object.id, kind.name()));
    }
    Some(api_view(kind, &object.body).into_owned())
}

/// Finds an object of a kind by its id, whosever it is.
fn find(reader: &dyn Read, kind: ObjectKind, id: &str) -> Result<Option<Object>, StoreError> {
    if kind == ObjectKind::Event {
        return suanpan_engine::find_event(reader, id);
    }
    let object = reader.objects(&[id])?.pop().flatten();
    Ok(object.filter(|object| object.kind == kind.name()))
}

/// Reads a page of a list. Events lie apart from all other objects, by merchant and type.
pub(crate) fn read_page(
    reader: &dyn Read,
    listing: &Listing<'_>,
    under: Option<&Under>,
) -> Result<Objects, StoreError> {
    let kind = match under {
        Some(Under::Link(name, key)) => {
            return reader.list(&Listing { link: Some((*name, key)), ..*listing });
        }
        Some(Under::EventType(kind)) => Some(kind.as_str()),
        None if listing.kind == ObjectKind::Event.name() => None,
        None => return reader.list(listing),
    };
    reader.list_events(&EventListing {
        merchant: listing.merchant,
        live: listing.live,
        kind,
        created_min: listing.created_min,
        created_max: listing.created_max,
        // Events were made at their places.
        after: listing.after.map(|cursor| cursor.created),
        before: listing.before.map(|cursor| cursor.created),
        limit: listing.limit,
    })
}

/// Fills in what is not stored with objects of a kind.
///
/// # Errors
/// When the store cannot be read.
pub fn finish(
    reader: &dyn Read,
    caller: &Caller,
    kind: ObjectKind,
    shown: &mut [String],
) -> Result<(), StoreError> {
    if kind != ObjectKind::Event || shown.is_empty() {
        return Ok(());
    }
    let owner = suanpan_engine::Caller { merchant: caller.merchant.clone(), live: caller.live };
    suanpan_engine::count_pending(reader, &owner, shown)
}

fn is_deleted(kind: ObjectKind, body: &str) -> bool {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Mark {
        deleted: bool,
        internal: Internal,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Internal {
        deleted: bool,
    }
    let mark: Mark = serde_json::from_str(body).unwrap_or_default();
    if kind == ObjectKind::Customer { mark.deleted } else { mark.internal.deleted }
}

/// Parameters of every retrieval.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
#[derive(Default)]
pub struct Retrieve {
    /// Members to show in full.
    #[param(rename = "expand[]", max_items = 10)]
    pub expand: Vec<String>,
}

impl Api {
    /// Asks the store something, on a thread that may block.
    ///
    /// # Errors
    /// 503 when the store cannot be read.
    pub async fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Read) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let reader = self.engine().reader().clone();
        let asked = tokio::task::spawn_blocking(move || ask(reader.as_ref())).await;
        Ok(asked.map_err(|error| Problem::fault(&error))??)
    }

    /// Finds an object of the caller by id and kind, as the API shows it.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn object(&self, caller: &Caller, kind: ObjectKind, id: &str) -> Result<String, Problem> {
        let missing = || Problem::missing(kind.name(), id);
        if !id.starts_with(kind.prefix()) {
            return Err(missing());
        }
        let (wanted, caller) = (id.to_owned(), caller.clone());
        let found = self.read(move |reader| {
            let object = find(reader, kind, &wanted)?;
            let mut shown: Vec<String> =
                object.and_then(|object| show(&caller, &object)).into_iter().collect();
            finish(reader, &caller, kind, &mut shown)?;
            Ok(shown.pop())
        });
        found.await?.ok_or_else(missing)
    }

    /// Reads an object of the caller as it is stored, with what the API does not show.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn whole<T: DeserializeOwned>(
        &self,
        caller: &Caller,
        kind: ObjectKind,
        id: &str,
    ) -> Result<T, Problem> {
        let wanted = id.to_owned();
        let found = self.read(move |reader| find(reader, kind, &wanted)).await?;
        let own = |object: &Object| object.merchant == caller.merchant && object.live == caller.live;
        let object = found.filter(own).ok_or_else(|| Problem::missing(kind.name(), id))?;
        serde_json::from_str(&object.body).map_err(|error| Problem::fault(&error))
    }

    /// Answers with one object.
    ///
    /// # Errors
    /// 403, 404, and 400 for parameters that are not taken.
    pub async fn retrieve(
        &self,
        inbound: &Inbound,
        permission: Permission,
        kind: ObjectKind,
        id: &str,
    ) -> Result<Response, Problem> {
        let Retrieve { expand: paths } = inbound.parameters(permission).await?;
        let body = self.object(&inbound.caller, kind, id).await?;
        Ok(answer_json(expand(self, &inbound.caller, body.into_bytes(), &paths).await?))
    }

    /// Answers with a page of the accounts connected to the caller, newest first.
    ///
    /// # Errors
    /// 400 for a cursor that is none, 503 when the store cannot be read.
    pub async fn list_connected(&self, inbound: &Inbound, page: &Page) -> Result<Response, Problem> {
        let merchant = inbound.caller.merchant.clone();
        let accounts = self
            .read(move |reader| {
                let ids = reader.linked(link::ACCOUNT_PLATFORM, &merchant, CONNECTED_MAX)?;
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                reader.objects(&ids)
            })
            .await?;
        let within = |object: &Object| {
            page.created_min.is_none_or(|min| object.created >= min)
                && page.created_max.is_none_or(|max| object.created <= max)
        };
        let mut objects: Vec<Object> = accounts.into_iter().flatten().filter(within).collect();
        objects.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
        let at = |id: &String, name: &str| {
            let place = objects.iter().position(|object| object.id == *id);
            place.ok_or_else(|| Problem::invalid(name, "no such account"))
        };
        let limit = page.limit as usize;
        let range = match &page.place {
            None => 0..limit,
            Some(Place::After(id)) => {
                let first = at(id, "starting_after")? + 1;
                first..first + limit
            }
            Some(Place::Before(id)) => {
                let end = at(id, "ending_before")?;
                end.saturating_sub(limit)..end
            }
        };
        let more = match &page.place {
            Some(Place::Before(_)) => range.start > 0,
            _ => range.end < objects.len(),
        };
        let range = range.start.min(objects.len())..range.end.min(objects.len());
        let texts: Vec<&str> = objects[range].iter().map(|object| object.body.as_str()).collect();
        let body = list::list(inbound.path(), &texts, more).map_err(|error| Problem::fault(&error))?;
        Ok(answer_json(expand(self, &inbound.caller, body.into_bytes(), &page.expand).await?))
    }

    /// Answers with a page of a list.
    ///
    /// # Errors
    /// 400 for a cursor that is none, 503 when the store cannot be read.
    pub async fn list(
        &self,
        inbound: &Inbound,
        page: Page,
        kind: ObjectKind,
        wanted: Wanted,
    ) -> Result<Response, Problem> {
        let caller = inbound.caller.clone();
        let expand_paths = page.expand.clone();
        let found = self.read(move |reader| gather(reader, &caller, &page, kind, &wanted)).await?;
        let (objects, more) = found?;
        let texts: Vec<&str> = objects.iter().map(String::as_str).collect();
        let body = list::list(inbound.path(), &texts, more).map_err(|error| Problem::fault(&error))?;
        Ok(answer_json(expand(self, &inbound.caller, body.into_bytes(), &expand_paths).await?))
    }
}

/// Accounts of one platform that a list shows. More of them are found by their ids.
const CONNECTED_MAX: u32 = 10_000;

/// How many objects one request looks through for those that a filter keeps, once it has found any.
pub(crate) const SCANNED_MAX: usize = 10_000;

/// How many it looks through for the first one. Clients take an empty page for the end, so that none may be answered
/// while there is more: whoever asks for something rarer must say when it was.
pub(crate) const SCANNED_FOR_FIRST_MAX: usize = 200_000;

/// Returns whether a request that has found `found` objects among `scanned` has looked through enough.
///
/// # Errors
/// 400 when it has found nothing and may not look any further.
pub(crate) fn looked_enough(found: usize, scanned: usize) -> Result<bool, Problem> {
    if found == 0 && scanned >= SCANNED_FOR_FIRST_MAX {
        let message = format!(
            "None of {scanned} objects is what was asked for, and there are more. Narrow the time: created[gte] and \
             created[lte] in lists, created>… in searches."
        );
        return Err(Problem::new(StatusCode::BAD_REQUEST, "search_too_wide", message));
    }
    Ok(found > 0 && scanned >= SCANNED_MAX)
}

/// The objects of a page as they are shown, and whether there are more.
type Shown = (Vec<String>, bool);

fn gather(
    reader: &dyn Read,
    caller: &Caller,
    page: &Page,
    kind: ObjectKind,
    wanted: &Wanted,
) -> Result<Result<Shown, Problem>, StoreError> {
    let mut place = match &page.place {
        None => None,
        Some(Place::After(id) | Place::Before(id)) => {
            let found = find(reader, kind, id)?;
            match found.filter(|object| show(caller, object).is_some()) {
                Some(object) => Some((object.created, object.id)),
                None => {
                    let name = if matches!(page.place, Some(Place::After(_))) {
                        "starting_after"
                    } else {
                        "ending_before"
                    };
                    return Ok(Err(Problem::invalid(name, format!("no such {}", kind.name()))));
                }
            }
        }
    };
    let backwards = matches!(page.place, Some(Place::Before(_)));
    let limit = page.limit as usize;
    let filtered = wanted.filters();
    let (mut shown, mut scanned) = (Vec::new(), 0);
    loop {
        let cursor = place.as_ref().map(|(created, id)| Cursor { created: *created, id });
        let listing = Listing {
            kind: kind.name(),
            merchant: &caller.merchant,
            live: caller.live,
            link: None,
            created_min: page.created_min,
            created_max: page.created_max,
            after: if backwards { None } else { cursor },
            before: if backwards { cursor } else { None },
            limit: if filtered { 100 } else { page.limit },
        };
        let found = under_any(reader, &listing, &wanted.under, backwards)?;
        scanned += found.objects.len();
        let next = if backwards { found.objects.first() } else { found.objects.last() };
        place = next.map(|object| (object.created, object.id.clone()));
        let mut kept: Vec<String> = found
            .objects
            .iter()
            .filter_map(|object| {
                let text = show(caller, object)?;
                if !filtered {
                    return Some(text);
                }
                let value = serde_json::from_str(&text).ok()?;
                wanted.keeps(&value).then_some(text)
            })
            .collect();
        if backwards {
            kept.append(&mut shown);
        }
        if backwards {
            shown = kept
        } else {
            shown.append(&mut kept)
        }
        let enough = match looked_enough(shown.len(), scanned) {
            Err(problem) if filtered && found.more => return Ok(Err(problem)),
            enough => enough.unwrap_or(true),
        };
        if !filtered || shown.len() > limit || !found.more || enough {
            let more = found.more || shown.len() > limit;
            if backwards {
                shown.drain(..shown.len().saturating_sub(limit));
            } else {
                shown.truncate(limit);
            }
            finish(reader, caller, kind, &mut shown)?;
            return Ok(Ok((shown, more)));
        }
    }
}

/// Reads a page of the objects under any of some names, or of all when there are none.
fn under_any(
    reader: &dyn Read,
    listing: &Listing<'_>,
    names: &[Under],
    backwards: bool,
) -> Result<Objects, StoreError> {
    let mut merged = match names {
        [] => return read_page(reader, listing, None),
        [name] => return read_page(reader, listing, Some(name)),
        _ => Objects::default(),
    };
    for name in names {
        let page = read_page(reader, listing, Some(name))?;
        merged.more |= page.more;
        merged.objects.extend(page.objects);
    }
    merged.objects.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
    let limit = listing.limit as usize;
    merged.more |= merged.objects.len() > limit;
    if backwards {
        merged.objects.drain(..merged.objects.len().saturating_sub(limit));
    } else {
        merged.objects.truncate(limit);
    }
    Ok(merged)
}

/// What objects are found under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Under {
    /// The name and key of a link.
    Link(&'static str, String),
    /// The type of events.
    EventType(String),
}

/// Which objects of a kind a list is about.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Under any of these; all when there are none.
    under: Vec<Under>,
    /// Members with the texts that they must have.
    members: Vec<(&'static str, String)>,
    present: bool,
}

impl Wanted {
    /// Returns all objects, or those under a name and key.
    #[must_use]
    pub fn new(link: Option<(&'static str, String)>) -> Wanted {
        Wanted::under(link.into_iter().map(|(name, key)| Under::Link(name, key)).collect())
    }

    /// Returns the objects under any of some names; no object may be under two of them. All when there are none.
    #[must_use]
    pub fn under(under: Vec<Under>) -> Wanted {
        Wanted { under, members: Vec::new(), present: false }
    }

    /// Leaves out what was deleted.
    #[must_use]
    pub fn present(mut self) -> Wanted {
        self.present = true;
        self
    }

    /// Keeps only objects with a member of this text, if one is given. Links may tell what was once so, so that
    /// the member that a link is about must be compared as well.
    #[must_use]
    pub fn member(mut self, name: &'static str, text: Option<String>) -> Wanted {
        self.members.extend(text.map(|text| (name, text)));
        self
    }

    fn filters(&self) -> bool {
        self.present || !self.members.is_empty()
    }

    fn keeps(&self, object: &serde_json::Value) -> bool {
        let has = |name: &str, text: &str| object.get(name).and_then(serde_json::Value::as_str) == Some(text);
        object.get("deleted") != Some(&serde_json::Value::Bool(true))
            && self.members.iter().all(|(name, text)| has(name, text))
    }
}
