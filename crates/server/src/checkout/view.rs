//! What a page shows, read from the store at once.

use super::form::Bill;
use crate::api::Api;
use crate::problem::Problem;
use crate::v1::customers;
use serde::de::DeserializeOwned;
use suanpan_payments::books::Source;
use suanpan_payments::checkout::{Shown, shown};
use suanpan_payments::decide::checkout::payable_types;
use suanpan_payments::decision::ObjectKind;
use suanpan_payments::object::account::Account;
use suanpan_payments::object::attempt::Attempt;
use suanpan_payments::object::charge::Charge;
use suanpan_payments::object::checkout_session::CheckoutSession;
use suanpan_payments::object::payment_intent::PaymentIntent;
use suanpan_payments::object::payment_method::PaymentMethod;
use suanpan_payments::object::source::SourceType;
use suanpan_payments::state::checkout_session::SessionStatus;
use suanpan_payments::state::intent::IntentStatus;
use suanpan_store::commit::Object;
use suanpan_store::{Read, StoreError};

/// The channel that takes cards without taking money.
const CARD_SIMULATOR: &str = "card_sim";

/// A session with all that its page shows.
pub(super) struct View {
    pub(super) session: CheckoutSession,
    pub(super) intent: PaymentIntent,
    /// Whose it is, `acct_…`.
    pub(super) merchant: String,
    /// What customers call the merchant.
    pub(super) shop: String,
    /// What the customer has and the page offers, in minor units; none where it offers no balance.
    pub(super) balance: Option<i64>,
    /// The method of the newest attempt.
    pub(super) method: Option<PaymentMethod>,
    /// When it was paid, seconds.
    pub(super) paid_at: Option<i64>,
    pub(super) now: i64,
    pub(super) state: Shown,
    /// Names how things stand: another one says that something changed.
    pub(super) version: String,
}

/// How a session stands, without what surrounds it.
pub(super) struct Standing {
    session: CheckoutSession,
    intent: PaymentIntent,
    merchant: String,
    /// When it was read, seconds.
    now: i64,
    pub(super) state: Shown,
    pub(super) version: String,
}

impl Standing {
    /// Whether the page has nothing more to wait for.
    pub(super) fn is_end(&self) -> bool {
        is_end(self.state, &self.intent)
    }
}

/// Whether nothing comes any more. Of what was called off after its time the end is still told.
const fn is_end(state: Shown, intent: &PaymentIntent) -> bool {
    match state {
        Shown::Paid => true,
        Shown::Closed | Shown::Expired | Shown::Late => !matches!(intent.status, IntentStatus::Processing),
        Shown::Choose
        | Shown::Failed
        | Shown::Scan
        | Shown::ScanOver
        | Shown::Wallet
        | Shown::Prove
        | Shown::Confirming => false,
    }
}

impl View {
    /// Whether the page has nothing more to wait for.
    pub(super) fn is_end(&self) -> bool {
        is_end(self.state, &self.intent)
    }

    /// What is to be paid.
    pub(super) fn bill(&self) -> Bill {
        let CheckoutSession { amount_total: total, currency, .. } = self.session;
        Bill { total, currency, balance: self.balance }
    }

    /// Returns the kinds of methods that can be paid with now.
    pub(super) fn methods(&self, api: &Api) -> Vec<&'static str> {
        let CheckoutSession { livemode, currency, payment_method_types, .. } = &self.session;
        let mut kinds = payable_types(api.engine().settings(), *livemode, *currency);
        kinds.retain(|kind| payment_method_types.iter().any(|other| other == kind));
        kinds
    }

    /// Whether cards that are paid with on the page go to the simulator, so that cards for tests can be offered.
    pub(super) fn simulates_cards(&self, api: &Api) -> bool {
        !self.session.livemode
            && api.engine().settings().routing.card_keeper(false) == Some(CARD_SIMULATOR)
            && self.methods(api).contains(&"card")
    }
}

/// Reads a page; none when there is no such session.
pub(super) async fn load(api: &Api, id: &str) -> Result<Option<View>, Problem> {
    let (id, now) = (id.to_owned(), api.now_seconds());
    let found = api
        .read(move |reader| {
            let Some(standing) = stand(reader, &id, now)? else { return Ok(None) };
            let PaymentIntent { payment_method, latest_charge, latest_attempt, .. } = &standing.intent;
            let names = [
                Some(&standing.merchant),
                payment_method.as_ref(),
                latest_charge.as_ref(),
                latest_attempt.as_ref(),
            ];
            // An empty name finds nothing, in its place.
            let names = names.map(|name| name.map_or("", String::as_str));
            let others = reader.objects(&names)?;
            Ok(Some((standing, others)))
        })
        .await?;
    let Some((standing, others)) = found else { return Ok(None) };
    let [account, method, charge, attempt] = [0, 1, 2, 3].map(|at| others.get(at).and_then(Option::as_ref));
    let Standing { session, intent, merchant, now, state, version } = standing;
    let account: Option<Account> = account.and_then(read);
    let name = account.and_then(|account| account.business_profile.name.or(account.email));
    let shop = name.unwrap_or_else(|| merchant.clone());
    let method = method.and_then(read);
    let charge: Option<Charge> = charge.filter(|_| state == Shown::Paid).and_then(read);
    let paid_at = charge.map(|charge| charge.created);
    let attempt: Option<Attempt> = attempt.and_then(read);
    let balance = balance(api, &session, attempt.as_ref()).await;
    Ok(Some(View { session, intent, merchant, shop, balance, method, paid_at, now, state, version }))
}

/// Reads what the customer of a session has, where the merchant lets the page offer it; with what an attempt has set aside
/// that goes free when the customer chooses anew. A page that cannot know it offers
/// nothing.
async fn balance(api: &Api, session: &CheckoutSession, attempt: Option<&Attempt>) -> Option<i64> {
    let customer = session.customer.clone()?;
    if session.status != SessionStatus::Open || !session.payment_sources.contains(&SourceType::Balance) {
        return None;
    }
    let (live, currency) = (session.livemode, session.currency);
    let again = attempt.map_or(0, |attempt| attempt.held_of(&Source::CustomerBalance(&customer).name()));
    let asked = api.engine().query(move |book| customers::available(book, live, &customer, currency));
    let (available, _) = asked.await.ok()?;
    available.map(|available| available.saturating_add(again)).filter(|available| *available > 0)
}

/// Reads how a session stands; none when there is no such session.
pub(super) async fn standing(api: &Api, id: &str) -> Result<Option<Standing>, Problem> {
    let (id, now) = (id.to_owned(), api.now_seconds());
    api.read(move |reader| stand(reader, &id, now)).await
}

fn stand(reader: &dyn Read, id: &str, now: i64) -> Result<Option<Standing>, StoreError> {
    if !id.starts_with(ObjectKind::CheckoutSession.prefix()) {
        return Ok(None);
    }
    let first = |id: &str| Ok::<_, StoreError>(reader.objects(&[id])?.pop().flatten());
    let Some(found) = first(id)?.filter(|found| found.kind == ObjectKind::CheckoutSession.name()) else {
        return Ok(None);
    };
    let damaged = |id: &str| StoreError::Damaged {
        at: id.to_owned(),
        reason: "a payment of a page cannot be read".to_owned(),
    };
    let session: CheckoutSession = read(&found).ok_or_else(|| damaged("a checkout session"))?;
    let intent = first(&session.payment_intent)?.ok_or_else(|| damaged(&session.payment_intent))?;
    let versions = (found.version, intent.version);
    let intent: PaymentIntent = read(&intent).ok_or_else(|| damaged(&session.payment_intent))?;
    let state = shown(&session, &intent, now);
    let version = format!("{}.{}.{}", versions.0, versions.1, state.word());
    Ok(Some(Standing { session, intent, merchant: found.merchant, now, state, version }))
}

fn read<T: DeserializeOwned>(object: &Object) -> Option<T> {
    serde_json::from_str(&object.body).ok()
}
