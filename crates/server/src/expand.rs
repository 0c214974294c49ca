//! `expand[]`: ids in an answer replaced by the objects that they name.

use crate::api::Api;
use crate::auth::{Caller, Permission};
use crate::limits::{EXPAND_DEPTH_MAX, EXPAND_MAX};
use crate::problem::Problem;
use crate::read::show;
use axum::http::StatusCode;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Members that may be expanded: those that name one object, with what must be allowed to read it.
const MEMBERS: [(&str, &[&str]); 12] = [
    ("balance_transaction", &["balance:read"]),
    ("charge", &["payments:read"]),
    ("customer", &["customers:read"]),
    ("data", &[]),
    ("default_payment_method", &["payment_methods:read"]),
    ("invoice_settings", &[]),
    ("latest_attempt", &["payments:read"]),
    ("latest_charge", &["payments:read"]),
    // Shown in full already; Stripe's clients ask for it all the same.
    ("line_items", &[]),
    ("payment_intent", &["payments:read"]),
    ("payment_method", &["payment_methods:read"]),
    // Of a movement of the balance: a charge or a refund.
    ("source", &["payments:read", "refunds:read"]),
];

/// Checks that paths can be expanded, and that the caller may read what they lead to.
///
/// # Errors
/// 400 for a path that cannot be expanded, 403 for one that the caller may not.
pub fn check(caller: &Caller, paths: &[String]) -> Result<(), Problem> {
    if paths.is_empty() {
        return Ok(());
    }
    if caller.is_browser() {
        let message = "A publishable key may not expand: use a secret key on your server.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "scope_missing", message).at("expand"));
    }
    if paths.len() > EXPAND_MAX {
        return Err(Problem::invalid("expand", format!("at most {EXPAND_MAX} paths may be expanded")));
    }
    for path in paths {
        for (depth, word) in path.split('.').enumerate() {
            let known = MEMBERS.iter().find(|(name, _)| *name == word);
            let (_, scopes) = known.filter(|_| depth < EXPAND_DEPTH_MAX).ok_or_else(|| cannot(path))?;
            for scope in *scopes {
                caller.check(Permission::server(scope)).map_err(|problem| problem.at("expand"))?;
            }
        }
    }
    Ok(())
}

/// Replaces ids by objects along paths such as `latest_charge.balance_transaction` or `data.customer`.
///
/// # Errors
/// As [`check`], 400 for a path that this answer does not have, 503 when the store cannot be read.
pub async fn expand(api: &Api, caller: &Caller, body: Vec<u8>, paths: &[String]) -> Result<Vec<u8>, Problem> {
    if paths.is_empty() {
        return Ok(body);
    }
    check(caller, paths)?;
    let mut answer: Value = serde_json::from_slice(&body).map_err(|error| Problem::fault(&error))?;
    for path in paths {
        let words: Vec<&str> = path.split('.').collect();
        // One read for each step, however many objects a list has.
        for depth in 1..=words.len() {
            let mut ids = Vec::new();
            if !collect(&mut answer, &words[..depth], &mut |place| {
                if let Value::String(id) = place {
                    ids.push(id.clone());
                }
            }) {
                return Err(cannot(path));
            }
            if ids.is_empty() {
                continue;
            }
            let objects = load(api, caller, ids).await?;
            collect(&mut answer, &words[..depth], &mut |place| {
                if let Value::String(id) = &*place
                    && let Some(object) = objects.get(id)
                {
                    *place = object.clone();
                }
            });
        }
    }
    serde_json::to_vec(&answer).map_err(|error| Problem::fault(&error))
}

fn cannot(path: &str) -> Problem {
    let shown: String = path.chars().take(60).collect();
    Problem::invalid("expand", format!("this property cannot be expanded ({shown})"))
}

/// Shows each value at the end of a path. False when an object on the way does not have the member.
fn collect(value: &mut Value, path: &[&str], each: &mut dyn FnMut(&mut Value)) -> bool {
    match (value, path) {
        (Value::Array(elements), _) => elements.iter_mut().all(|element| collect(element, path, each)),
        (value, []) => {
            each(value);
            true
        }
        (Value::Object(members), [first, rest @ ..]) => match members.get_mut(*first) {
            Some(member) => collect(member, rest, each),
            None => false,
        },
        // Nothing there to go on from: an absent customer has no default payment method either.
        (Value::Null, _) => true,
        _ => false,
    }
}

async fn load(api: &Api, caller: &Caller, ids: Vec<String>) -> Result<BTreeMap<String, Value>, Problem> {
    let caller = caller.clone();
    api.read(move |reader| {
        let names: Vec<&str> = ids.iter().map(String::as_str).collect();
        let found = reader.objects(&names)?;
        let shown = found.into_iter().flatten().filter_map(|object| {
            let body = show(&caller, &object)?;
            Some((object.id, serde_json::from_str(&body).ok()?))
        });
        Ok(shown.collect())
    })
    .await
}

/// Keeps what a handler wrote as JSON, without reading it again.
///
/// # Errors
/// When it is not JSON.
pub fn raw(text: &str) -> Result<&RawValue, Problem> {
    serde_json::from_str(text).map_err(|error| Problem::fault(&error))
}
