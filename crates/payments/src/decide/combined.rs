//! Payments of several sources: what the customer has with us pays a part, and the payment method the rest.
//!
//! What is with us is set aside by the commit that begins the attempt, before the channel is asked. All of it is taken by
//! the commit that books what the channel took, or given free by the commit that ends the attempt: so whoever is killed
//! in between finds either all of it set aside, with the job that asks the channel, or all of it done. While it is not
//! known what the channel did, it stays set aside.
//!
//! Another source of what a customer has with us is another [`Source`] and [`SourceType`]; nothing here knows more of them.

use super::confirm::positive;
use super::payment_method::existing_customer;
use super::{Draft, Stored, load};
use crate::books::{Accounts, Code, Source, payment_entry, void_entry};
use crate::decision::{Context, Gathered, ObjectKind};
use crate::id::{entry_text, parse_entry};
use crate::object::attempt::Attempt;
use crate::object::charge::Charge;
use crate::object::payment_intent::PaymentIntent;
use crate::object::payment_method::PaymentMethod;
use crate::object::source::{ChargeSource, Leg, LegState, PaymentSource, RefundPolicy, SourceType};
use crate::rejection::Rejection;
use crate::request::card::CUSTOMER_BALANCE;
use crate::request::payment_intent::SourceData;
use suanpan_ledger::entry::Action;

/// Divides a payment among the sources that a request names, in their order; the payment method takes the rest. No
/// sources make a payment of one.
///
/// A source without an amount gives what it has now, as far as the payment needs it.
pub(super) fn split(
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
    intent: &PaymentIntent,
    asked: &[SourceData],
) -> Result<Vec<PaymentSource>, Rejection> {
    let Some(first) = asked.first() else { return Ok(Vec::new()) };
    let mut rest = intent.amount;
    let mut sources: Vec<PaymentSource> = Vec::new();
    for (at, data) in asked.iter().enumerate() {
        let param = |name: &str| format!("payment_sources[{at}][{name}]");
        let kind = data.kind(at)?;
        if sources.iter().any(|earlier| earlier.kind == kind) {
            let why = "a source can be named once".to_owned();
            return Err(Rejection::ParameterInvalid { param: param("type"), why });
        }
        if kind == SourceType::PaymentMethod {
            if at + 1 != asked.len() {
                let why = "the payment method takes the rest, so it stands last".to_owned();
                return Err(Rejection::ParameterInvalid { param: param("type"), why });
            }
            if data.amount.is_some_and(|amount| amount != rest) {
                let why =
                    format!("the sources must sum to the amount of the payment, which leaves {rest} here");
                return Err(Rejection::ParameterInvalid { param: param("amount"), why });
            }
            break;
        }
        let source = own_source(gathered, ctx, intent, kind)?;
        let amount = match data.amount {
            Some(amount) => amount,
            None => {
                let account = Source::of(&source).account(ctx.live, intent.currency);
                let available = i64::try_from(gathered.available(&account).unwrap_or(0)).unwrap_or(i64::MAX);
                // What the attempt before keeps goes free with it.
                let again = held_before(gathered, ctx, intent, &source)?;
                available.saturating_add(again).min(rest)
            }
        };
        if amount >= rest {
            let why = format!(
                "it pays all of it; leave at least 1 to the payment method, or confirm with one of the type {CUSTOMER_BALANCE} instead"
            );
            return Err(Rejection::ParameterInvalid { param: param("amount"), why });
        }
        if amount > 0 {
            sources.push(PaymentSource { kind, amount });
            rest -= amount;
        }
    }
    if first.kind(0)? == SourceType::PaymentMethod {
        let why = "name what the customer has with you before the payment method".to_owned();
        return Err(Rejection::ParameterInvalid { param: "payment_sources[0][type]".to_owned(), why });
    }
    // A source that has nothing is no source.
    if !sources.is_empty() {
        sources.push(PaymentSource { kind: SourceType::PaymentMethod, amount: rest });
    }
    Ok(sources)
}

/// Returns what the attempt of an intent that the next one takes the place of has set aside of a source, in minor units.
fn held_before(
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
    intent: &PaymentIntent,
    source: &str,
) -> Result<i64, Rejection> {
    let Some(latest) = &intent.latest_attempt else { return Ok(0) };
    let attempt: Stored<Attempt> = load(gathered, ctx, ObjectKind::Attempt, latest, "intent")?;
    // Of another currency it would be of no use.
    Ok(if attempt.value.currency == intent.currency { attempt.value.held_of(source) } else { 0 })
}

/// Names a source of what the customer of an intent has with us.
fn own_source(
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
    intent: &PaymentIntent,
    kind: SourceType,
) -> Result<String, Rejection> {
    let missing = || Rejection::ParameterMissing { param: "customer".to_owned() };
    let customer = intent.customer.as_deref().ok_or_else(missing)?;
    existing_customer(gathered, ctx, customer)?;
    Ok(match kind {
        SourceType::Balance | SourceType::PaymentMethod => Source::CustomerBalance(customer).name(),
    })
}

/// Refuses a payment method that cannot pay the rest.
pub(super) fn check_method(intent: &PaymentIntent, method: &PaymentMethod) -> Result<(), Rejection> {
    if !intent.payment_sources.is_empty() && method.kind == CUSTOMER_BALANCE {
        let why =
            "the PaymentIntent names the balance among its payment_sources; the rest needs another method";
        return Err(Rejection::PaymentMethodState { id: method.id.clone(), why });
    }
    Ok(())
}

/// Sets aside what the customer has with us, for an attempt that asks a channel for the rest. Where it is not there any
/// more the books refuse all of it.
pub(super) fn hold(
    draft: &mut Draft<'_>,
    gathered: &dyn Gathered,
    intent: &PaymentIntent,
    attempt: &mut Attempt,
) -> Result<(), Rejection> {
    let ctx = draft.ctx;
    for part in intent.payment_sources.iter().filter(|part| part.kind != SourceType::PaymentMethod) {
        let source = own_source(gathered, ctx, intent, part.kind)?;
        let accounts = Accounts::of(ctx.live, ctx.merchant, &source, attempt.currency);
        let entry = draft.ids.next_entry();
        draft.entry(payment_entry(
            entry,
            // It ends with what the channel says, never by itself.
            Action::Hold { expires_at: None },
            &accounts,
            positive(part.amount),
        ));
        let hold = entry_text(entry);
        attempt.legs.push(Leg { kind: part.kind, source, amount: part.amount, hold, state: LegState::Held });
    }
    Ok(())
}

/// Takes what was set aside, and returns how much that is: the channel has taken the rest.
pub(super) fn take(draft: &mut Draft<'_>, attempt: &mut Attempt) -> Result<i64, Rejection> {
    let ctx = draft.ctx;
    let mut sum = 0;
    for leg in attempt.legs.iter_mut().filter(|leg| leg.state == LegState::Held) {
        let accounts = Accounts::of(ctx.live, ctx.merchant, &leg.source, attempt.currency);
        let unreadable = || Rejection::Unreadable { id: attempt.id.clone() };
        let hold = parse_entry(&leg.hold).ok_or_else(unreadable)?;
        let entry = draft.ids.next_entry();
        draft.entry(payment_entry(entry, Action::Capture { hold }, &accounts, positive(leg.amount)));
        leg.state = LegState::Taken;
        sum += leg.amount;
    }
    Ok(sum)
}

/// Gives free what was set aside: the channel certainly takes nothing, or gives back whatever it still takes.
pub(super) fn release(draft: &mut Draft<'_>, attempt: &mut Attempt) -> Result<(), Rejection> {
    for leg in attempt.legs.iter_mut().filter(|leg| leg.state == LegState::Held) {
        let unreadable = || Rejection::Unreadable { id: attempt.id.clone() };
        let hold = parse_entry(&leg.hold).ok_or_else(unreadable)?;
        let entry = draft.ids.next_entry();
        draft.entry(void_entry(entry, hold, Code::Payment));
        leg.state = LegState::Released;
    }
    Ok(())
}

/// Says what a charge has from where; nothing where there is only one source.
pub(super) fn charge_sources(attempt: &Attempt) -> Vec<ChargeSource> {
    if attempt.legs.is_empty() {
        return Vec::new();
    }
    let of = |kind, source: &str, amount| ChargeSource {
        kind,
        source: source.to_owned(),
        amount,
        amount_refunded: 0,
    };
    let legs = attempt.legs.iter().map(|leg| of(leg.kind, &leg.source, leg.amount));
    legs.chain([of(SourceType::PaymentMethod, &attempt.channel, attempt.amount)]).collect()
}

/// Divides a refund among the sources of its charge, and counts each part as given back there from now on. The caller has
/// checked that all of them can give that much.
pub(super) fn divide_refund(charge: &mut Charge, policy: RefundPolicy, amount: i64) -> Vec<ChargeSource> {
    let left: Vec<i64> = charge.sources.iter().map(|source| source.amount - source.amount_refunded).collect();
    let shares = shares(policy, &left, amount);
    let mut parts = Vec::new();
    for (source, share) in charge.sources.iter_mut().zip(shares) {
        source.amount_refunded += share;
        if share > 0 {
            parts.push(ChargeSource { amount: share, amount_refunded: 0, ..source.clone() });
        }
    }
    parts
}

/// Divides an amount among parts that can give `left` each, in the order in which they paid. Every share is at most what
/// is left, and they sum to the amount, which is at most the sum of what is left.
#[must_use]
pub fn shares(policy: RefundPolicy, left: &[i64], amount: i64) -> Vec<i64> {
    match policy {
        RefundPolicy::Reverse => {
            let mut rest = amount;
            let mut shares: Vec<i64> = left
                .iter()
                .rev()
                .map(|left| {
                    let share = rest.min(*left);
                    rest -= share;
                    share
                })
                .collect();
            shares.reverse();
            shares
        }
        RefundPolicy::Proportional => {
            let sum: i128 = left.iter().map(|left| i128::from(*left)).sum();
            if sum == 0 {
                return vec![0; left.len()];
            }
            let exact = |left: &i64| i128::from(*left) * i128::from(amount);
            // Rounded down first: each is below what is left, unless nothing remains to be rounded.
            let mut shares: Vec<i64> =
                left.iter().map(|left| i64::try_from(exact(left) / sum).unwrap_or(*left)).collect();
            let mut by_remainder: Vec<usize> = (0..left.len()).collect();
            by_remainder.sort_by_key(|at| std::cmp::Reverse(exact(&left[*at]) % sum));
            let missing = amount - shares.iter().sum::<i64>();
            for at in by_remainder.into_iter().take(usize::try_from(missing).unwrap_or(0)) {
                shares[at] += 1;
            }
            shares
        }
    }
}

/// Refuses a capture of a part: which source would give the rest back is for nobody to guess.
pub(super) fn check_capture(attempt: &Attempt, amount: i64) -> Result<(), Rejection> {
    if !attempt.legs.is_empty() && amount != attempt.total() {
        let why = format!("a payment of several sources is captured as a whole: {}", attempt.total());
        return Err(Rejection::ParameterInvalid { param: "amount_to_capture".to_owned(), why });
    }
    Ok(())
}
