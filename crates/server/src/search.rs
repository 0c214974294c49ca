//! Searches: `?query=status:'succeeded' AND metadata['order']:'6735'`.
//!
//! What is searched is read newest first, a bounded number of objects for each request; a request that ended
//! at that bound says where the next one goes on.

use crate::api::Api;
use crate::auth::{Caller, Permission};
use crate::expand::expand;
use crate::inbound::Inbound;
use crate::limits::{PAGE_DEFAULT, PAGE_MAX};
use crate::problem::Problem;
use crate::read::{Under, answer_json, finish, looked_enough, read_page, show};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use suanpan_payments::decision::ObjectKind;
use suanpan_payments::object::list::search_result;
use suanpan_payments::search::{Query, Searched};
use suanpan_store::{Cursor, Listing};

/// Parameters of every search.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct SearchParameters {
    /// What is searched for: conditions joined by AND or OR.
    #[param(required = true, example = "status:'succeeded'")]
    query: Option<String>,
    /// How many objects at most.
    #[param(minimum = 1, maximum = 100, default = 10)]
    limit: Option<u32>,
    /// `next_page` of the answer before.
    page: Option<String>,
    /// Members to show in full, such as `data.customer`.
    #[param(rename = "expand[]", max_items = 10)]
    expand: Vec<String>,
}

/// What all objects of a query are found under, where an index knows.
pub type Index = fn(&Query, &Caller) -> Option<Under>;

impl Api {
    /// Answers with what a query finds.
    ///
    /// # Errors
    /// 400 for a query that cannot be read, 503 when the store cannot be read.
    pub async fn search(
        &self,
        inbound: &Inbound,
        permission: Permission,
        kind: ObjectKind,
        searched: Searched,
        index: Index,
    ) -> Result<Response, Problem> {
        let parameters: SearchParameters = inbound.parameters(permission).await?;
        let limit = parameters.limit.unwrap_or(PAGE_DEFAULT);
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(Problem::invalid("limit", format!("it must be from 1 to {PAGE_MAX}")));
        }
        let text = parameters.query.filter(|query| !query.is_empty());
        let text = text.ok_or_else(|| Problem::missing_parameter("query"))?;
        let query = Query::parse(&text, searched)?;
        let mut place = match parameters.page.as_deref() {
            None | Some("") => None,
            Some(page) => {
                Some(read_place(page).ok_or_else(|| Problem::invalid("page", "it is none of ours"))?)
            }
        };
        let under = index(&query, &inbound.caller);
        let caller = inbound.caller.clone();
        let (found, next) = self
            .read(move |reader| {
                let (mut found, mut scanned) = (Vec::new(), 0);
                loop {
                    let listing = Listing {
                        kind: kind.name(),
                        merchant: &caller.merchant,
                        live: caller.live,
                        link: None,
                        created_min: None,
                        created_max: None,
                        after: place
                            .as_ref()
                            .map(|(created, id): &(i64, String)| Cursor { created: *created, id }),
                        before: None,
                        limit: 100,
                    };
                    let page = read_page(reader, &listing, under.as_ref())?;
                    let count = page.objects.len();
                    for (at, object) in page.objects.iter().enumerate() {
                        scanned += 1;
                        let Some(text) = show(&caller, object) else { continue };
                        if serde_json::from_str(&text).is_ok_and(|value| query.matches(&value)) {
                            found.push(text);
                        }
                        let more = at + 1 < count || page.more;
                        let enough = match looked_enough(found.len(), scanned) {
                            Err(problem) if more => return Ok(Err(problem)),
                            enough => enough.unwrap_or(true),
                        };
                        if found.len() == limit as usize || enough {
                            finish(reader, &caller, kind, &mut found)?;
                            let next = more.then(|| write_place(object.created, &object.id));
                            return Ok(Ok((found, next)));
                        }
                    }
                    match page.objects.last() {
                        Some(last) if page.more => place = Some((last.created, last.id.clone())),
                        _ => {
                            finish(reader, &caller, kind, &mut found)?;
                            return Ok(Ok((found, None)));
                        }
                    }
                }
            })
            .await??;
        let texts: Vec<&str> = found.iter().map(String::as_str).collect();
        let body = search_result(inbound.path(), &texts, next).map_err(|error| Problem::fault(&error))?;
        Ok(answer_json(expand(self, &inbound.caller, body.into_bytes(), &parameters.expand).await?))
    }
}

fn write_place(created: i64, id: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{created}.{id}"))
}

fn read_place(page: &str) -> Option<(i64, String)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(page).ok()?).ok()?;
    let (created, id) = text.split_once('.')?;
    let plain = id.len() <= crate::limits::ID_BYTES_MAX && id.bytes().all(|byte| byte.is_ascii_graphic());
    Some((created.parse().ok()?, plain.then(|| id.to_owned())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_written_and_read() {
        assert_eq!(
            read_place(&write_place(1_700_000_000_000_000, "evt_1")),
            Some((1_700_000_000_000_000, "evt_1".into()))
        );
        for wrong in ["", "!", "MQ", "eC5ldnQ", &write_place(1, "a b"), &write_place(1, &"x".repeat(99))] {
            assert_eq!(read_place(wrong), None, "{wrong}");
        }
    }
}
