//! Webhook endpoints.

use super::{Draft, Stored, load};
use crate::decision::{Answer, Context, Decision, Gathered, ObjectKind};
use crate::object::customer::DeletedObject;
use crate::object::webhook_endpoint::{
    DisabledReason, EndpointHealth, EndpointStatus, Secrets, WebhookEndpoint, secret,
};
use crate::object::{Metadata, json};
use crate::rejection::Rejection;
use crate::request::webhook_endpoint::{RollSecret, WriteWebhookEndpoint};
use crate::request::{given, patch_metadata, set};
use serde_json::Value;

const KIND: ObjectKind = ObjectKind::WebhookEndpoint;

/// Makes an endpoint. The answer, and no later one, holds its secret.
///
/// # Errors
/// [`Rejection`].
pub fn decide_create_webhook_endpoint(
    request: &WriteWebhookEndpoint,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    request.check()?;
    let missing = |param: &str| Rejection::ParameterMissing { param: param.to_owned() };
    let mut draft = Draft::new(ctx);
    let mut metadata = Metadata::new();
    patch_metadata(&mut metadata, request.metadata.as_ref())?;
    let endpoint = WebhookEndpoint {
        id: draft.new_id(KIND),
        object: KIND.name().into(),
        api_version: given(request.api_version.as_ref()),
        application: None,
        created: ctx.now.seconds(),
        description: given(request.description.as_ref()),
        disabled_reason: None,
        enabled_events: request.enabled_events.clone().ok_or_else(|| missing("enabled_events"))?,
        livemode: ctx.live,
        metadata,
        status: EndpointStatus::Enabled,
        url: request.url.clone().ok_or_else(|| missing("url"))?,
        internal: Secrets { generation: 1, previous_until: None, deleted: false, failing_since: None },
    };
    let id = endpoint.id.clone();
    let stored = Stored::new(endpoint, ctx);
    draft.write(KIND, &id, &stored);
    let body = with_secret(ctx, &stored.value);
    Ok(draft.finish(Answer { status: 200, body }))
}

fn with_secret(ctx: &Context<'_>, endpoint: &WebhookEndpoint) -> String {
    let mut value: Value = serde_json::to_value(endpoint).unwrap_or_default();
    if let Value::Object(members) = &mut value {
        members.shift_remove("internal");
        let secret = secret(&ctx.settings.master_key, &endpoint.id, endpoint.internal.generation);
        members.insert("secret".to_owned(), secret.into());
    }
    json(&value)
}

fn existing(
    id: &str,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Stored<WebhookEndpoint>, Rejection> {
    let stored: Stored<WebhookEndpoint> = load(gathered, ctx, KIND, id, "webhook_endpoint")?;
    if stored.value.internal.deleted {
        let kind = KIND.name();
        return Err(Rejection::ResourceMissing { kind, id: id.to_owned(), param: "webhook_endpoint" });
    }
    Ok(stored)
}

/// Changes an endpoint.
///
/// # Errors
/// [`Rejection`].
pub fn decide_update_webhook_endpoint(
    id: &str,
    request: &WriteWebhookEndpoint,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    request.check()?;
    if request.api_version.is_some() {
        return Err(Rejection::ParameterUnknown { param: "api_version".to_owned() });
    }
    let mut stored = existing(id, gathered, ctx)?;
    let endpoint = &mut stored.value;
    set(&mut endpoint.description, request.description.as_ref());
    if let Some(types) = &request.enabled_events {
        endpoint.enabled_events.clone_from(types);
    }
    if let Some(disabled) = request.disabled {
        endpoint.status = if disabled { EndpointStatus::Disabled } else { EndpointStatus::Enabled };
        endpoint.disabled_reason = None;
        endpoint.internal.failing_since = None;
    }
    if let Some(url) = &request.url {
        endpoint.url.clone_from(url);
    }
    patch_metadata(&mut endpoint.metadata, request.metadata.as_ref())?;
    let mut draft = Draft::new(ctx);
    let body = draft.write(KIND, id, &stored);
    Ok(draft.answer(KIND, &body))
}

/// Notes what attempts tell about an endpoint, and disables one that takes nothing any more.
///
/// # Errors
/// [`Rejection`].
pub fn decide_note_endpoint_health(
    id: &str,
    health: EndpointHealth,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    let mut stored = existing(id, gathered, ctx)?;
    let endpoint = &mut stored.value;
    let since = &mut endpoint.internal.failing_since;
    match health {
        EndpointHealth::Works => *since = None,
        EndpointHealth::Fails => *since = since.or(Some(ctx.now.seconds())),
        EndpointHealth::FailedForDays => endpoint.disabled_reason = Some(DisabledReason::Failing),
        EndpointHealth::Gone => endpoint.disabled_reason = Some(DisabledReason::Gone),
    }
    if endpoint.disabled_reason.is_some() {
        endpoint.status = EndpointStatus::Disabled;
    }
    let mut draft = Draft::new(ctx);
    let body = draft.write(KIND, id, &stored);
    Ok(draft.answer(KIND, &body))
}

/// Gives an endpoint a new secret, which stands in the answer; the old one signs too for a while.
///
/// # Errors
/// [`Rejection`].
pub fn decide_roll_webhook_secret(
    id: &str,
    request: &RollSecret,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    request.check()?;
    let mut stored = existing(id, gathered, ctx)?;
    let overlap = request.overlap_seconds.unwrap_or(86_400);
    stored.value.internal.generation += 1;
    stored.value.internal.previous_until = Some(ctx.now.plus_seconds(overlap).seconds());
    let mut draft = Draft::new(ctx);
    draft.write(KIND, id, &stored);
    let body = with_secret(ctx, &stored.value);
    Ok(draft.finish(Answer { status: 200, body }))
}

/// Deletes an endpoint.
///
/// # Errors
/// [`Rejection`].
pub fn decide_delete_webhook_endpoint(
    id: &str,
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
) -> Result<Decision, Rejection> {
    let mut stored = existing(id, gathered, ctx)?;
    stored.value.internal.deleted = true;
    stored.value.status = EndpointStatus::Disabled;
    let mut draft = Draft::new(ctx);
    draft.write(KIND, id, &stored);
    let body = json(&DeletedObject { id, object: KIND.name(), deleted: true });
    Ok(draft.finish(Answer { status: 200, body }))
}
