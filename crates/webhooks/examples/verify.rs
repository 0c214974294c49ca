//! A receiver of events that refuses what is forged, changed, too old or too early, and handles nothing twice.
//!
//! `cargo run -p suanpan-webhooks --example verify` shows it at work. Copy [`Inbox`] into a server: give it the
//! headers and the body **as they came**, before anything has parsed the body.
#![expect(clippy::print_stdout, reason = "an example is there to be watched")]

use std::collections::BTreeMap;
use suanpan_messages::signing::webhook::{self, Message, Secret, TOLERANCE_SECONDS, WebhookError, stripe};
use suanpan_money::Timestamp;
use suanpan_webhooks::{SigningSecret, sign};

/// What to do with a message that is genuine.
#[derive(Debug, PartialEq, Eq)]
enum Taken {
    /// Handle it, then answer 200.
    New,
    /// It was handled before: answer 200 and do nothing.
    Repeat,
}

/// Knows the secrets, and which events have come.
struct Inbox {
    standard: Vec<Secret>,
    stripe: Vec<stripe::Secret>,
    /// Ids with the time at which they came. A real receiver keeps them where it keeps what it does with events,
    /// written in the same transaction. Repeats come for 90 hours, and by hand later still.
    seen: BTreeMap<String, u64>,
}

/// The headers of a message.
struct Headers<'a> {
    id: Option<&'a str>,
    timestamp: Option<&'a str>,
    signature: Option<&'a str>,
    stripe_signature: Option<&'a str>,
}

impl Inbox {
    /// Makes one of all secrets that are live: two while they are exchanged.
    fn new(secrets: &[&str]) -> Result<Inbox, WebhookError> {
        Ok(Inbox {
            standard: secrets.iter().map(|text| Secret::parse(text)).collect::<Result<_, _>>()?,
            stripe: secrets.iter().map(|text| stripe::Secret::new(text)).collect::<Result<_, _>>()?,
            seen: BTreeMap::new(),
        })
    }

    /// Judges a message. `id` of the event in the body is what a receiver by Stripe's header goes by, since that
    /// header signs no id.
    fn take(&mut self, headers: &Headers<'_>, body: &[u8], now: u64) -> Result<Taken, WebhookError> {
        let id = match (headers.id, headers.timestamp, headers.signature, headers.stripe_signature) {
            (Some(id), Some(timestamp), Some(signatures), _) => {
                let message = Message { id, timestamp, signatures, body };
                webhook::verify(&self.standard, &message, now, TOLERANCE_SECONDS)?;
                id.to_owned()
            }
            (_, _, _, Some(header)) => {
                stripe::verify(&self.stripe, header, body, now, TOLERANCE_SECONDS)?;
                let event: serde_json::Value = serde_json::from_slice(body).map_err(|_| WebhookError::Id)?;
                event["id"].as_str().ok_or(WebhookError::Id)?.to_owned()
            }
            _ => return Err(WebhookError::Unsigned),
        };
        Ok(if self.seen.insert(id, now).is_none() { Taken::New } else { Taken::Repeat })
    }
}

const NOW: u64 = 1_700_000_000;
const BODY: &[u8] = br#"{"id":"evt_1","type":"payment_intent.succeeded","data":{"object":{"amount":2000}}}"#;

type Case = (&'static str, Result<Taken, WebhookError>);

/// What a receiver makes of a message and of everything that an attacker may do with it.
fn cases() -> Result<Vec<Case>, suanpan_webhooks::Error> {
    let secret = SigningSecret::text_of(&[7; 24]);
    let signing = [SigningSecret::parse(&secret)?];
    let seconds = i64::try_from(NOW).unwrap_or(i64::MAX);
    let headers = sign::headers(&signing, "evt_1", Timestamp::from_seconds(seconds), BODY)?;
    let [(_, id), (_, timestamp), (_, signature), (_, stripe_signature)] = &headers;
    let both = Headers {
        id: Some(id),
        timestamp: Some(timestamp),
        signature: Some(signature),
        stripe_signature: Some(stripe_signature),
    };
    let only_stripe = Headers { id: None, timestamp: None, signature: None, ..both };
    let renewed = Headers { timestamp: Some("1700009999"), ..both };
    let renamed = Headers { id: Some("evt_2"), ..both };
    let unsigned = Headers { signature: None, stripe_signature: None, ..both };
    let tampered = String::from_utf8_lossy(BODY).replace("2000", "2");
    let error = |source| suanpan_webhooks::Error::Secret { source };
    let mut inbox = Inbox::new(&[&secret]).map_err(error)?;
    let other = SigningSecret::text_of(&[8; 24]);
    let mut stranger = Inbox::new(&[&other]).map_err(error)?;
    Ok(vec![
        ("as it was sent", inbox.take(&both, BODY, NOW + 3)),
        ("sent again by us", inbox.take(&both, BODY, NOW + 60)),
        ("sent again, verified by Stripe-Signature", inbox.take(&only_stripe, BODY, NOW + 60)),
        ("with another amount", inbox.take(&both, tampered.as_bytes(), NOW + 3)),
        ("with another amount, by Stripe-Signature", inbox.take(&only_stripe, tampered.as_bytes(), NOW + 3)),
        ("replayed an hour later", inbox.take(&both, BODY, NOW + 3_600)),
        ("replayed an hour later, by Stripe-Signature", inbox.take(&only_stripe, BODY, NOW + 3_600)),
        ("replayed with a newer time", inbox.take(&renewed, BODY, NOW + 9_999)),
        ("under another id", inbox.take(&renamed, BODY, NOW + 3)),
        ("without a signature", inbox.take(&unsigned, BODY, NOW + 3)),
        ("of somebody else", stranger.take(&both, BODY, NOW + 3)),
    ])
}

fn main() -> Result<(), suanpan_webhooks::Error> {
    for (what, result) in cases()? {
        match result {
            Ok(Taken::New) => println!("{what}: taken"),
            Ok(Taken::Repeat) => println!("{what}: genuine, but handled before"),
            Err(error) => println!("{what}: refused, {error}"),
        }
    }
    Ok(())
}

#[test]
fn what_is_genuine_is_taken_once_and_all_else_is_refused() {
    use WebhookError::{Old, Signature, Unsigned};
    let results: Vec<_> = cases().unwrap().into_iter().map(|(_, result)| result).collect();
    assert_eq!(
        results,
        [
            Ok(Taken::New),
            Ok(Taken::Repeat),
            Ok(Taken::Repeat),
            Err(Signature),
            Err(Signature),
            Err(Old(3_600)),
            Err(Old(3_600)),
            Err(Signature),
            Err(Signature),
            Err(Unsigned),
            Err(Signature),
        ]
    );
}
