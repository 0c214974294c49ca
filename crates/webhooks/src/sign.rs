//! The headers of a delivery, for receivers of either school.
//!
//! One secret serves both: receivers by Standard Webhooks take the Base64 behind `whsec_` as key, those by
//! the libraries of Stripe the whole text.

use crate::Error;
use crate::limits::{EVENT_BYTES, SECRETS};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use suanpan_messages::signing::webhook::{self, stripe};
use suanpan_money::Timestamp;
use zeroize::Zeroizing;

/// The header with the id of the event: the same in all attempts, so that receivers can tell repeats.
pub const ID: &str = "webhook-id";
/// The header with the time of the attempt in seconds since the epoch.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures by Standard Webhooks.
pub const SIGNATURE: &str = "webhook-signature";
/// The header with the time and the signatures as Stripe has them.
pub const STRIPE_SIGNATURE: &str = stripe::HEADER;

/// The secret of an endpoint, read for both schemes. Never shown, overwritten when dropped.
#[derive(Clone)]
pub struct SigningSecret {
    standard: webhook::Secret,
    stripe: stripe::Secret,
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(..)")
    }
}

impl SigningSecret {
    /// Reads a secret: `whsec_` and Base64 of 24 to 64 bytes.
    ///
    /// # Errors
    /// [`Error::Secret`] when it is none; the error does not repeat it.
    pub fn parse(text: &str) -> Result<SigningSecret, Error> {
        let standard = webhook::Secret::parse(text).map_err(|source| Error::Secret { source })?;
        let stripe = stripe::Secret::new(text).map_err(|source| Error::Secret { source })?;
        Ok(SigningSecret { standard, stripe })
    }

    /// Returns the text of a new secret of 24 random bytes, which the caller has drawn.
    #[must_use]
    pub fn text_of(random: &[u8; 24]) -> Zeroizing<String> {
        Zeroizing::new(format!("whsec_{}", STANDARD.encode(random)))
    }
}

/// Returns the headers that sign an event for all live secrets of its endpoint.
///
/// # Errors
/// [`Error::NoSecret`], [`Error::TooManySecrets`], [`Error::EventTooLarge`], and [`Error::Unsignable`] when the
/// id is empty or has a full stop.
pub fn headers(
    secrets: &[SigningSecret],
    event: &str,
    now: Timestamp,
    body: &[u8],
) -> Result<[(&'static str, String); 4], Error> {
    match secrets.len() {
        0 => return Err(Error::NoSecret),
        1..=SECRETS => {}
        count => return Err(Error::TooManySecrets { count }),
    }
    if body.len() > EVENT_BYTES {
        return Err(Error::EventTooLarge { bytes: body.len() });
    }
    // Before the epoch nobody has a clock.
    let seconds = u64::try_from(now.seconds()).unwrap_or(0);
    let tags: Result<Vec<String>, _> =
        secrets.iter().map(|secret| secret.standard.sign(event, seconds, body)).collect();
    let tags = tags.map_err(|source| Error::Unsignable { source })?;
    let stripes: Vec<stripe::Secret> = secrets.iter().map(|secret| secret.stripe.clone()).collect();
    Ok([
        (ID, event.to_owned()),
        (TIMESTAMP, seconds.to_string()),
        (SIGNATURE, tags.join(" ")),
        (STRIPE_SIGNATURE, stripe::header(&stripes, seconds, body)),
    ])
}

/// Returns the value of a header as it may stand in a log: of signatures only the beginnings, since who reads
/// logs shall not be able to send the message again within the tolerance.
#[must_use]
pub fn for_log(name: &str, value: &str) -> String {
    let cut = |tag: &str, after: char| match tag.split_once(after) {
        Some((version, code)) if version != "t" => {
            format!("{version}{after}{}…", code.chars().take(6).collect::<String>())
        }
        _ => tag.to_owned(),
    };
    if name.eq_ignore_ascii_case(SIGNATURE) {
        value.split(' ').map(|tag| cut(tag, ',')).collect::<Vec<_>>().join(" ")
    } else if name.eq_ignore_ascii_case(STRIPE_SIGNATURE) {
        value.split(',').map(|tag| cut(tag, '=')).collect::<Vec<_>>().join(",")
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const BODY: &str = r#"{"id":"evt_1","object":"event","type":"payment_intent.succeeded","note":"算盘"}"#;
    /// By version 16.1.0 of Stripe's Python library.
    const BY_STRIPE: &str = "bf92a3aa5a8c8248de97dfb266987e5e5b6ad78997b226af0195f024d6acc51a";
    /// By version 1.1.0 of the Python library of Standard Webhooks.
    const BY_STANDARD: &str = "v1,VhcSfYvpM8QXpwDDE3K6mqhMviOJAErCxtYEWZQV8E4=";

    fn signed(secrets: &[&str]) -> [(&'static str, String); 4] {
        let secrets: Vec<_> = secrets.iter().map(|text| SigningSecret::parse(text).unwrap()).collect();
        headers(&secrets, "evt_1", Timestamp::from_seconds(1_700_000_000), BODY.as_bytes()).unwrap()
    }

    #[test]
    fn one_secret_signs_as_the_libraries_of_both_schools_do() {
        let [id, time, standard, stripe] = signed(&[SECRET]);
        assert_eq!(id, (ID, "evt_1".to_owned()));
        assert_eq!(time, (TIMESTAMP, "1700000000".to_owned()));
        assert_eq!(standard, (SIGNATURE, BY_STANDARD.to_owned()));
        assert_eq!(stripe, (STRIPE_SIGNATURE, format!("t=1700000000,v1={BY_STRIPE}")));
    }

    #[test]
    fn secrets_of_thirty_two_letters_as_the_platform_issues_them_serve_both_schools() {
        SigningSecret::parse("whsec_0123456789abcdefghjkmnpqrstvwxyz").unwrap();
        assert!(SigningSecret::parse("whsec_0123456789abcdefghjkmnpqrstvwxy").is_err());
    }

    #[test]
    fn every_live_secret_signs_while_they_are_exchanged() {
        let other = SigningSecret::text_of(&[7; 24]);
        let [.., standard, stripe] = signed(&[&other, SECRET]);
        assert_eq!(standard.1.split(' ').count(), 2);
        assert!(standard.1.ends_with(BY_STANDARD), "{standard:?}");
        assert_eq!(stripe.1.matches(",v1=").count(), 2);
        assert!(stripe.1.ends_with(BY_STRIPE), "{stripe:?}");
    }

    #[test]
    fn what_cannot_be_signed_is_refused_and_secrets_are_never_shown() {
        let secret = SigningSecret::parse(SECRET).unwrap();
        assert_eq!(format!("{secret:?}"), "SigningSecret(..)");
        let now = Timestamp::from_seconds(0);
        let code = |secrets: &[SigningSecret], id: &str, body: &[u8]| {
            headers(secrets, id, now, body).unwrap_err().code()
        };
        let one = std::slice::from_ref(&secret);
        assert_eq!(code(&[], "evt_1", b"{}"), "no_secret");
        assert_eq!(code(&vec![secret.clone(); 9], "evt_1", b"{}"), "too_many_secrets");
        assert_eq!(code(one, "evt.1", b"{}"), "unsignable");
        assert_eq!(code(one, "evt_1", &vec![b' '; EVENT_BYTES + 1]), "event_too_large");
        let wrong = SigningSecret::parse("whsec_hunter2").unwrap_err();
        assert!(!wrong.to_string().contains("hunter2"), "{wrong}");
    }

    #[test]
    fn a_log_has_only_the_beginnings_of_signatures() {
        let [_, time, standard, stripe] = signed(&[SECRET, SECRET]);
        assert_eq!(for_log(TIMESTAMP, &time.1), "1700000000");
        assert_eq!(for_log(SIGNATURE, &standard.1), "v1,VhcSfY… v1,VhcSfY…");
        assert_eq!(for_log("stripe-signature", &stripe.1), "t=1700000000,v1=bf92a3…,v1=bf92a3…");
    }
}
