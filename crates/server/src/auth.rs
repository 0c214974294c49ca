//! Who asks, and whether they may.

use crate::api::Api;
use crate::key::{Key, claims};
use crate::limits::ID_BYTES_MAX;
use crate::problem::Problem;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::net::IpAddr;
use std::sync::Arc;
use suanpan_payments::object::api_key::KeyKind;

/// Who asks: a key, and the merchant for whom it acts.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The key.
    pub key: Arc<Key>,
    /// The merchant for whom the request is made: the key's own, or a connected one.
    pub merchant: String,
    /// Whether in live mode.
    pub live: bool,
}

/// What a call needs: a scope, and whether browsers may make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// The scope that a restricted key must have.
    pub scope: &'static str,
    /// Whether publishable keys may do it.
    pub browser: bool,
}

impl Permission {
    /// Returns the permission of calls between servers.
    #[must_use]
    pub const fn server(scope: &'static str) -> Permission {
        Permission { scope, browser: false }
    }

    /// Returns the permission of calls that browsers make as well.
    #[must_use]
    pub const fn browser(scope: &'static str) -> Permission {
        Permission { scope, browser: true }
    }
}

impl Caller {
    /// Checks that the key may do what a call needs.
    ///
    /// # Errors
    /// 403, naming the scope.
    pub fn check(&self, permission: Permission) -> Result<(), Problem> {
        let record = &self.key.record;
        let allowed = match record.kind {
            KeyKind::Secret => true,
            KeyKind::Restricted => record.scopes.iter().any(|scope| scope == permission.scope),
            KeyKind::Publishable => permission.browser,
        };
        if allowed {
            return Ok(());
        }
        let message = match record.kind {
            KeyKind::Publishable => {
                "A publishable key may not do this: use a secret key on your server.".to_owned()
            }
            _ => format!("The API key may not do this: it needs the scope {}.", permission.scope),
        };
        Err(Problem::new(StatusCode::FORBIDDEN, "scope_missing", message))
    }

    /// Checks that the key is a secret one, which may do everything.
    ///
    /// # Errors
    /// 403.
    pub fn check_secret_key(&self, what: &str) -> Result<(), Problem> {
        if self.key.record.kind == KeyKind::Secret {
            return Ok(());
        }
        let message = format!("Only a secret key may {what}.");
        Err(Problem::new(StatusCode::FORBIDDEN, "secret_key_needed", message))
    }

    /// Tells whether the caller is a browser, which must show the secret of what it asks for.
    #[must_use]
    pub fn is_browser(&self) -> bool {
        self.key.record.kind == KeyKind::Publishable
    }
}

/// Finds out who asks, and counts the request against the limit of the key.
///
/// # Errors
/// 401 without a good key, 403 for a merchant that is not connected, 429 when there are too many requests.
pub async fn authenticate(api: &Api, headers: &HeaderMap, peer: IpAddr) -> Result<Caller, Problem> {
    let text = credentials(headers)?;
    let Some(key) = find(api, &text, peer).await? else {
        let message = format!("Invalid API Key provided: {}", masked(&text));
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "api_key_invalid", message));
    };
    if let Err(wait) = key.count_request() {
        metrics::counter!("suanpan_rate_limited_total").increment(1);
        let message = "The key sends more requests per second than it may.";
        return Err(Problem::too_many("rate_limit", message, wait.as_secs() + 1));
    }
    let own = &key.record.merchant;
    let merchant = match headers.get("stripe-account") {
        None => own.clone(),
        Some(value) => {
            let id = value.to_str().ok().filter(|id| id.len() <= ID_BYTES_MAX && !id.is_empty());
            let connected = match id {
                Some(id) if id == own => true,
                Some(id) => api.is_connected(own, id).await?,
                None => false,
            };
            match id {
                Some(id) if connected && key.record.kind != KeyKind::Publishable => id.to_owned(),
                _ => {
                    let message = "The API key may not act for the account that Stripe-Account names.";
                    return Err(Problem::new(StatusCode::FORBIDDEN, "account_invalid", message));
                }
            }
        }
    };
    Ok(Caller { live: key.record.live, merchant, key })
}

/// Finds a key that is good now. One that is not is counted against the address from which it came.
async fn find(api: &Api, text: &str, peer: IpAddr) -> Result<Option<Arc<Key>>, Problem> {
    let found = match claims(text) {
        Some(claimed) => look_up(api, text, claimed).await?,
        None => None,
    };
    if found.is_none() {
        api.guesses().count(peer).map_err(|seconds| {
            let message = "Too many requests with keys that are not valid came from this address.";
            Problem::too_many("rate_limit", message, seconds)
        })?;
    }
    Ok(found)
}

async fn look_up(api: &Api, text: &str, (kind, live): (KeyKind, bool)) -> Result<Option<Arc<Key>>, Problem> {
    let digest = api.key_digest(text);
    let key = match api.keys().find(&digest) {
        Some(key) => Some(key),
        None => api.load_key(&digest).await?.map(|record| api.keys().keep(record)),
    };
    Ok(key.filter(|key| {
        key.record.kind == kind
            && key.record.live == live
            && key.record.expires_at.is_none_or(|end| api.now_seconds() < end)
    }))
}

/// Shows the beginning and the end of a key, so that its owner knows which it was and nobody else can use it.
fn masked(text: &str) -> String {
    let mut letters = text.chars();
    if claims(text).is_none() || !text.is_ascii() {
        let shown: String = letters.by_ref().take(3).filter(char::is_ascii_alphanumeric).collect();
        return format!("{shown}***");
    }
    format!("{}***{}", &text[..8], &text[text.len() - 4..])
}

/// Reads the key out of `Authorization`: a bearer token, or the user of basic authentication.
fn credentials(headers: &HeaderMap) -> Result<String, Problem> {
    let unauthorized = |message: &str| Problem::new(StatusCode::UNAUTHORIZED, "api_key_missing", message);
    let Some(value) = headers.get(AUTHORIZATION) else {
        return Err(unauthorized(
            "You did not provide an API key. Send it as Authorization: Bearer YOUR_KEY.",
        ));
    };
    let unreadable =
        || unauthorized("The header Authorization must be Bearer with a key, or Basic with it as user.");
    let (scheme, rest) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(unreadable)?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(rest.to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let bytes = STANDARD.decode(rest).map_err(|_| unreadable())?;
        let text = String::from_utf8(bytes).map_err(|_| unreadable())?;
        let (user, _) = text.split_once(':').unwrap_or((&text, ""));
        return Ok(user.to_owned());
    }
    Err(unreadable())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn read(value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        credentials(&headers).ok()
    }

    #[test]
    fn keys_come_as_bearer_or_basic() {
        assert_eq!(read("Bearer sk_test_1").as_deref(), Some("sk_test_1"));
        assert_eq!(read("bearer  sk_test_1 ").as_deref(), Some("sk_test_1"));
        // printf 'sk_test_1:' | base64
        assert_eq!(read("Basic c2tfdGVzdF8xOg==").as_deref(), Some("sk_test_1"));
        for wrong in ["sk_test_1", "Digest x", "Basic !", "Basic /w=="] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert!(credentials(&HeaderMap::new()).is_err());
    }

    #[test]
    fn a_refused_key_is_not_repeated() {
        assert_eq!(masked("sk_test_0123456789abcdefXYZW"), "sk_test_***XYZW");
        assert_eq!(masked("hunter2-password"), "hun***");
        assert_eq!(masked("秘密"), "***");
    }
}
