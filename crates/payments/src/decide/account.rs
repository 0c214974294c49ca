//! Merchants and their keys.

use super::{Draft, Stored, load};
use crate::decision::{Answer, Context, Decision, Gathered, ObjectKind};
use crate::link;
use crate::object::account::{Account, BusinessProfile};
use crate::object::api_key::{ApiKey, KeyInternal, KeyKind, digest};
use crate::object::{Metadata, json};
use crate::rejection::Rejection;
use crate::request::account::{CreateApiKey, WriteAccount};
use crate::request::{currency, given, patch_metadata, set};
use serde_json::Value;
use suanpan_money::Currency;

const KIND: ObjectKind = ObjectKind::Account;

/// Makes a merchant. Merchants stand in live mode and are their own owner, whoever made them and by whatever
/// key: an account serves both modes.
///
/// # Errors
/// [`Rejection`].
pub fn decide_create_account(request: &WriteAccount, ctx: &Context<'_>) -> Result<Decision, Rejection> {
    request.check()?;
    let id = ctx.ids().next(KIND.prefix());
    // The account owns itself.
    let own = Context { merchant: &id, live: true, ..*ctx };
    let mut draft = Draft::new(&own);
    // The draft's own source begins anew, with the id that was drawn above.
    draft.new_id(KIND);
    let currency = match request.default_currency.as_deref() {
        Some(code) => currency("default_currency", Some(code))?,
        None => Currency::parse("CNY").expect("the table of currencies has CNY"),
    };
    let mut account = Account {
        id: id.clone(),
        object: KIND.name().into(),
        business_type: None,
        business_profile: BusinessProfile::default(),
        charges_enabled: true,
        country: given(request.country.as_ref()).unwrap_or_else(|| "CN".to_owned()).to_ascii_uppercase(),
        created: ctx.now.seconds(),
        default_currency: currency,
        details_submitted: true,
        email: None,
        metadata: Metadata::new(),
        payouts_enabled: true,
        kind: "standard".to_owned(),
    };
    apply(&mut account, request)?;
    draft.link(link::ACCOUNT_PLATFORM, ctx.merchant, &id);
    draft.unique_link(link::ACCOUNT_CONNECTION, format!("{}/{id}", ctx.merchant), &id);
    let body = draft.write(KIND, &id, &Stored::new(account, &own));
    Ok(draft.answer(KIND, &body))
}

/// Changes a merchant.
///
/// # Errors
/// [`Rejection`].
pub fn decide_update_account(
    id: &str,
    request: &WriteAccount,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    request.check()?;
    for (param, there) in [("country", request.country.is_some()), ("type", request.kind.is_some())] {
        if there {
            return Err(Rejection::ParameterUnknown { param: param.to_owned() });
        }
    }
    let own = Context { live: true, ..*ctx };
    let mut stored: Stored<Account> = load(gathered, &own, KIND, id, "account")?;
    let before = json(&stored.value);
    apply(&mut stored.value, request)?;
    if let Some(code) = request.default_currency.as_deref() {
        stored.value.default_currency = currency("default_currency", Some(code))?;
    }
    let mut draft = Draft::new(&own);
    let body = draft.write(KIND, id, &stored);
    draft.updated("account.updated", KIND, id, &before, &body);
    Ok(draft.answer(KIND, &body))
}

fn apply(account: &mut Account, request: &WriteAccount) -> Result<(), Rejection> {
    set(&mut account.business_type, request.business_type.as_ref());
    set(&mut account.email, request.email.as_ref());
    if let Some(profile) = &request.business_profile {
        set(&mut account.business_profile.mcc, profile.mcc.as_ref());
        set(&mut account.business_profile.name, profile.name.as_ref());
        set(&mut account.business_profile.url, profile.url.as_ref());
    }
    patch_metadata(&mut account.metadata, request.metadata.as_ref())
}

/// Makes a key of the caller's merchant and mode. The answer, and no later one, holds the key itself.
///
/// # Errors
/// [`Rejection`].
pub fn decide_create_api_key(request: &CreateApiKey, ctx: &Context<'_>) -> Result<Decision, Rejection> {
    request.check()?;
    let mut draft = Draft::new(ctx);
    let kind = request.kind.as_deref().and_then(KeyKind::parse).unwrap_or(KeyKind::Secret);
    let letters = match kind {
        KeyKind::Secret => "sk",
        KeyKind::Restricted => "rk",
        KeyKind::Publishable => "pk",
    };
    let mode = if ctx.live { "live" } else { "test" };
    let id = draft.new_id(ObjectKind::ApiKey);
    let key = draft.ids.next_secret(&format!("{letters}_{mode}_"));
    let digest = digest(&ctx.settings.master_key, &key);
    let api_key = ApiKey {
        id: id.clone(),
        object: ObjectKind::ApiKey.name().into(),
        created: ctx.now.seconds(),
        expires_at: request.expires_at,
        hint: format!("{letters}_{mode}_…{}", &key[key.len() - 4..]),
        kind,
        livemode: ctx.live,
        name: given(request.name.as_ref()),
        scopes: request.scopes.clone().unwrap_or_default(),
        internal: KeyInternal { digest: digest.clone() },
    };
    draft.unique_link(link::API_KEY, digest, &id);
    draft.write(ObjectKind::ApiKey, &id, &Stored::new(&api_key, ctx));
    let mut value: Value = serde_json::to_value(&api_key).unwrap_or_default();
    if let Value::Object(members) = &mut value {
        members.shift_remove("internal");
        members.insert("secret".to_owned(), key.into());
    }
    let body = json(&value);
    Ok(draft.finish(Answer { status: 200, body }))
}

/// Ends a key, at once or at a later time, but never later than it ends already: what was ended stays ended.
///
/// # Errors
/// [`Rejection`].
pub fn decide_expire_api_key(
    id: &str,
    at_seconds: Option<i64>,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    let mut stored: Stored<ApiKey> = load(gathered, ctx, ObjectKind::ApiKey, id, "api_key")?;
    let end = at_seconds.unwrap_or_else(|| ctx.now.seconds());
    stored.value.expires_at = Some(stored.value.expires_at.map_or(end, |present| present.min(end)));
    let mut draft = Draft::new(ctx);
    let body = draft.write(ObjectKind::ApiKey, id, &stored);
    Ok(draft.answer(ObjectKind::ApiKey, &body))
}
