//! Which channel an attempt goes over; and, when that has said that nothing was done, which one next.

use super::confirm::{new_attempt, positive, send_authorization};
use super::{Draft, Stored};
use crate::decision::{Context, Decision, ObjectKind};
use crate::decline::DeclineCode;
use crate::limits;
use crate::object::attempt::Attempt;
use crate::object::payment_intent::PaymentIntent;
use crate::object::payment_method::PaymentMethod;
use crate::rejection::Rejection;
use crate::request::card::{BANK_AGREEMENT, CARD, CARD_PRESENT, PAYMENT_CODE};
use crate::request::routing::SimulateRouting;
use crate::routing::{Asked, CASCADE_MAX, Route, Routing, route};
use crate::state::attempt::{self, AttemptEvent};
use crate::state::intent::IntentStatus;
use serde::Serialize;
use suanpan_money::{Currency, Timestamp};

/// How a payment would be routed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RoutingSimulation {
    /// `routing_simulation`
    pub object: &'static str,
    /// How much, in minor units.
    pub amount: i64,
    /// The currency.
    #[serde(with = "crate::wire::currency")]
    #[schema(value_type = String)]
    pub currency: Currency,
    /// Whether in live mode.
    pub livemode: bool,
    /// What is paid with.
    pub payment_method_type: String,
    /// The route.
    #[serde(flatten)]
    pub route: Route,
    /// Why there is none; null where there is one.
    pub refused: Option<String>,
}

/// Says how a payment would be routed, without making it. `method` is the one that the request names.
///
/// # Errors
/// [`Rejection`].
pub fn simulate(
    request: &SimulateRouting,
    method: Option<&PaymentMethod>,
    ctx: &Context<'_>,
) -> Result<RoutingSimulation, Rejection> {
    let (amount, currency) = request.check()?;
    let now = request.at.map_or(ctx.now, Timestamp::from_seconds);
    let chance = ctx.ids().next_chance();
    let kind = channels_kind(request.payment_method_type.as_deref().unwrap_or_default());
    let keeper = ctx.settings.routing.card_keeper(ctx.live);
    let asked = match method {
        Some(method) => Asked { now, ..asked(ctx, amount, currency, method, chance)? },
        None => Asked {
            merchant: ctx.merchant,
            live: ctx.live,
            kind,
            brand: request.card.as_ref().and_then(|card| card.brand.as_deref()),
            country: request.card.as_ref().and_then(|card| card.country.as_deref()),
            // A new card would be taken in by the vault of the first channel.
            vault: keeper.filter(|_| kind == CARD).and_then(|keeper| ctx.settings.routing.vault_of(keeper)),
            amount_minor: positive(amount),
            currency,
            now,
            chance,
        },
    };
    let route = route(&ctx.settings.routing, ctx.standings, &ctx.settings.fee, &asked, &[]);
    Ok(RoutingSimulation {
        object: "routing_simulation",
        amount,
        currency,
        livemode: ctx.live,
        payment_method_type: asked.kind.to_owned(),
        refused: route.channel.is_none().then(|| route.why_none(asked.kind)),
        route,
    })
}

/// Finds a channel for a payment, none of those that were tried.
pub(super) fn find_route(
    draft: &mut Draft<'_>,
    (amount, currency): (i64, Currency),
    method: &PaymentMethod,
    tried: &[String],
) -> Result<Route, Rejection> {
    let chance = draft.ids.next_chance();
    let asked = asked(draft.ctx, amount, currency, method, chance)?;
    let Context { settings, standings, .. } = draft.ctx;
    Ok(route(&settings.routing, standings, &settings.fee, &asked, tried))
}

fn asked<'a>(
    ctx: &Context<'a>,
    amount: i64,
    currency: Currency,
    method: &'a PaymentMethod,
    chance: u64,
) -> Result<Asked<'a>, Rejection> {
    let card = method.brand_and_country();
    // An agreement is known to the network over which it was made, as a card is to its vault.
    let kept = card.is_some() || method.kind == BANK_AGREEMENT;
    let vault = kept.then(|| vault_of(&ctx.settings.routing, method)).transpose()?;
    Ok(Asked {
        merchant: ctx.merchant,
        live: ctx.live,
        kind: kind_of(method),
        brand: card.map(|(brand, _)| brand),
        country: card.and_then(|(_, country)| country),
        vault,
        amount_minor: positive(amount),
        currency,
        now: ctx.now,
        chance,
    })
}

/// Returns what channels call the kind of a method: codes are those of wallets.
fn kind_of(method: &PaymentMethod) -> &str {
    match (method.kind.as_str(), &method.payment_code) {
        (PAYMENT_CODE, Some(code)) => &code.wallet,
        (kind, _) => channels_kind(kind),
    }
}

/// Returns what channels call a kind of methods: a card is one however it was read.
fn channels_kind(kind: &str) -> &str {
    if kind == CARD_PRESENT { CARD } else { kind }
}

/// Returns the vault of a card: the one that is noted with it, or that of the channel which took it in.
fn vault_of<'a>(routing: &'a Routing, method: &'a PaymentMethod) -> Result<&'a str, Rejection> {
    if !method.internal.vault.is_empty() {
        return Ok(&method.internal.vault);
    }
    routing.vault_of(&method.internal.channel).ok_or_else(|| Rejection::ChannelMissing {
        why: format!("the card is kept by {}, which is not configured any more", method.internal.channel),
    })
}

/// Keeps a route with its attempt, unless there was nothing to choose.
pub(super) fn keep(attempt: &mut Attempt, route: Route) {
    if route.rule.is_some() || route.candidates.len() > 1 {
        attempt.routing = route.chosen();
        attempt.internal.route = Some(route);
    }
}

/// Refuses a payment that no channel takes.
pub(super) fn no_channel(route: &Route, method: &PaymentMethod) -> Rejection {
    let why = route.why_none(kind_of(method));
    if route.is_for_now() { Rejection::ChannelsResting { why } } else { Rejection::ChannelMissing { why } }
}

/// Tries the next channel after one has said that nothing was done. None when there is none, or when the answer was
/// somebody's decision about the payment; it is declined then.
pub(super) fn next_channel(
    draft: &mut Draft<'_>,
    intent: &PaymentIntent,
    attempt: &Attempt,
    method: &PaymentMethod,
    code: DeclineCode,
) -> Option<Route> {
    let spent = attempt.tried.len() + 1 >= CASCADE_MAX || intent.attempts_made >= limits::ATTEMPTS_OF_INTENT;
    // An intent that waits for its customer, or goes on with another attempt, is not tried elsewhere by itself.
    let going = intent.status == IntentStatus::Processing
        && intent.latest_attempt.as_deref() == Some(attempt.id.as_str());
    // Whoever waited for longer has gone, and should not be surprised.
    let waits = draft.ctx.now.seconds() - confirmed_at(attempt) <= limits::CASCADE_SECONDS;
    if spent || !going || !waits || !code.elsewhere() {
        return None;
    }
    let mut tried = attempt.tried.clone();
    tried.push(attempt.channel.clone());
    let route = find_route(draft, (attempt.amount, attempt.currency), method, &tried).ok()?;
    route.channel.is_some().then_some(route)
}

/// When the customer asked for what an attempt tries, seconds.
fn confirmed_at(attempt: &Attempt) -> i64 {
    attempt.confirmed_at.unwrap_or(attempt.created)
}

/// Ends an attempt over a channel that did nothing, and begins the next one over another, in one commit. The intent is
/// processing as before, and nobody is told of a failure.
pub(super) fn go_on(
    mut draft: Draft<'_>,
    mut intent: Stored<PaymentIntent>,
    mut stored: Stored<Attempt>,
    method: &PaymentMethod,
    code: DeclineCode,
    route: Route,
) -> Result<Decision, Rejection> {
    let id = draft.new_id(ObjectKind::Attempt);
    let channel = route.channel.clone().expect("the caller has looked");
    let mut next = new_attempt(draft.ctx, id, &intent.value, method, channel);
    let before = &mut stored.value;
    next.amount = before.amount;
    next.authenticated = before.authenticated;
    next.off_session = before.off_session;
    next.refuse_action = before.refuse_action;
    next.return_url.clone_from(&before.return_url);
    next.confirmed_at = Some(confirmed_at(before));
    // What is set aside stays so, for the next one.
    next.legs = std::mem::take(&mut before.legs);
    next.internal.token = std::mem::take(&mut before.internal.token);
    next.tried.clone_from(&before.tried);
    next.tried.push(before.channel.clone());
    keep(&mut next, route);
    let operation = before.pending.take().map(|pending| pending.operation);
    before.status = attempt::next(&before.id, before.status, operation, AttemptEvent::Declined)?;
    before.decline_code = Some(code.word().to_owned());
    before.unknown_reason = None;
    send_authorization(&mut draft, &mut next)?;
    intent.value.latest_attempt = Some(next.id.clone());
    intent.value.attempts_made += 1;
    draft.write(ObjectKind::Attempt, &stored.value.id.clone(), &stored);
    let next = Stored::new(next, draft.ctx);
    draft.write(ObjectKind::Attempt, &next.value.id.clone(), &next);
    let id = intent.value.id.clone();
    let body = draft.write(ObjectKind::PaymentIntent, &id, &intent);
    Ok(draft.answer(ObjectKind::PaymentIntent, &body))
}
