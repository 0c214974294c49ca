//! Payments for their customers, who show no key but know the secret of the intent.

use crate::api::Api;
use crate::problem::Problem;
use suanpan_payments::decision::ObjectKind;
use suanpan_payments::object::attempt::Attempt;
use suanpan_payments::object::payment_intent::PaymentIntent;
use subtle::ConstantTimeEq;

/// A payment that somebody knew the secret of.
pub struct Found {
    /// Whose it is.
    pub merchant: String,
    /// Whether it stands in live mode.
    live: bool,
    /// The attempt that was named.
    attempt: String,
    /// Its intent.
    pub intent: PaymentIntent,
}

impl Found {
    /// Lets only payments of test mode through.
    ///
    /// # Errors
    /// 404 for others.
    pub fn in_test_mode(self) -> Result<Found, Problem> {
        if self.live { Err(Problem::missing("attempt", &self.attempt)) } else { Ok(self) }
    }
}

/// Finds the payment of an attempt.
///
/// # Errors
/// 404 without the secret of the intent.
pub async fn find(api: &Api, attempt: &str, client_secret: &str) -> Result<Found, Problem> {
    let missing = || Problem::missing("attempt", attempt);
    let id = attempt.to_owned();
    let found = api
        .read(move |reader| {
            let attempt = reader.objects(&[id.as_str()])?.into_iter().next().flatten();
            let Some(object) = attempt.filter(|object| object.kind == ObjectKind::Attempt.name()) else {
                return Ok(None);
            };
            let Ok(attempt) = serde_json::from_str::<Attempt>(&object.body) else { return Ok(None) };
            let intent = reader.objects(&[attempt.payment_intent.as_str()])?.into_iter().next().flatten();
            Ok(intent.map(|intent| (object.merchant, object.live, intent.body)))
        })
        .await?;
    let (merchant, live, body) = found.ok_or_else(missing)?;
    let intent: PaymentIntent = serde_json::from_str(&body).map_err(|error| Problem::fault(&error))?;
    let same = bool::from(intent.client_secret.as_bytes().ct_eq(client_secret.as_bytes()));
    if same { Ok(Found { merchant, live, attempt: attempt.to_owned(), intent }) } else { Err(missing()) }
}
