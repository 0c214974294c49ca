//! What keeps others from sending the forms of a page, and anybody from sending them by the hundred.
//!
//! There are no cookies, so that a browser has nothing that another site could make use of: what may be done with a
//! session, whoever knows its id may do. What is guarded here is that a customer's own browser does it from the page.

use crate::api::Api;
use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::num::NonZeroU32;
use subtle::ConstantTimeEq;

/// Forms of one session in a minute: a customer who mistypes a card sends some; a list of cards takes days.
const FORMS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(20).expect("above zero");
/// Sessions whose forms are counted before those that were quiet are forgotten.
const SESSIONS: usize = 10_000;

/// Counts forms by session.
#[derive(Debug)]
pub(crate) struct Posts(DefaultKeyedRateLimiter<[u8; 16]>);

impl Default for Posts {
    fn default() -> Posts {
        Posts(RateLimiter::keyed(Quota::per_minute(FORMS_PER_MINUTE)))
    }
}

impl Posts {
    /// Counts a form, and says whether it may be taken.
    pub(super) fn may(&self, session: &str) -> bool {
        if self.0.len() > SESSIONS {
            self.0.retain_recent();
        }
        let mut key = [0; 16];
        key.copy_from_slice(&blake3::hash(session.as_bytes()).as_bytes()[..16]);
        let may = self.0.check_key(&key).is_ok();
        if !may {
            metrics::counter!("suanpan_rate_limited_total").increment(1);
        }
        may
    }
}

/// Returns what stands in every form of a session's page, and can be known from there only.
pub(super) fn token(api: &Api, session: &str) -> String {
    let key = api.engine().settings().key_for("forms of checkout pages");
    blake3::keyed_hash(&key, session.as_bytes()).to_hex()[..32].to_owned()
}

/// Says whether a form was sent from the page of its session: by its token, and by what the browser says of where it
/// comes from. A browser says nothing to `null` where the page keeps its address to itself, as ours does.
pub(super) fn is_own(api: &Api, session: &str, headers: &HeaderMap, given: &str) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    if site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return false;
    }
    let public = api.engine().settings().public_url.as_str();
    let public = public.strip_suffix(super::prefix(api)).unwrap_or(public);
    let from_here = |origin: &str| {
        let host = origin.split_once("://").map(|(_, host)| host);
        origin == "null" || origin == public || host == text(HOST)
    };
    if !text(ORIGIN).is_none_or(from_here) {
        return false;
    }
    token(api, session).as_bytes().ct_eq(given.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_counted_by_session() {
        let posts = Posts::default();
        assert!((0..FORMS_PER_MINUTE.get()).all(|_| posts.may("cs_1")));
        assert!(!posts.may("cs_1"));
        assert!(posts.may("cs_2"));
    }
}
