//! What clients ask for: one struct a call. Each reads from JSON and from forms by
//! [`crate::wire::read_request`], and says by `check` whether it keeps the limits.

pub mod account;
pub mod bank_agreement;
pub mod card;
pub mod card_present;
pub mod checkout_session;
pub mod customer;
pub mod payment_intent;
pub mod payment_method;
pub mod refund;
pub mod routing;
pub mod webhook_endpoint;

use crate::limits;
use crate::object::Metadata;
use crate::rejection::{Rejection, shorten};
use crate::wire::MetadataPatch;
use suanpan_money::Currency;

/// Checks the length of a text, in characters.
pub(crate) fn check_chars(param: &str, text: Option<&str>, limit: usize) -> Result<(), Rejection> {
    match text {
        Some(text) if text.len() > limit && text.chars().count() > limit => {
            Err(Rejection::ParameterTooLong { param: param.to_owned(), limit, unit: "characters" })
        }
        Some(text) if text.contains('\0') => Err(Rejection::ParameterInvalid {
            param: param.to_owned(),
            why: "it holds a character with value zero".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Checks an id: its length, and that it is not empty.
pub(crate) fn check_id(param: &str, text: Option<&str>) -> Result<(), Rejection> {
    match text {
        Some("") => Err(Rejection::ParameterEmpty { param: param.to_owned() }),
        _ => check_chars(param, text, limits::ID_CHARS),
    }
}

/// Checks that a text is one of some words; an empty one is left to whoever reads it.
pub(crate) fn check_word(param: &str, text: Option<&str>, words: &[&str]) -> Result<(), Rejection> {
    match text {
        Some(text) if !text.is_empty() && !words.contains(&text) => Err(Rejection::ParameterInvalid {
            param: param.to_owned(),
            why: format!("{} is none of {}", shorten(text), words.join(", ")),
        }),
        _ => Ok(()),
    }
}

/// Checks that an address of electronic mail has the shape of one.
pub(crate) fn check_email(param: &str, text: Option<&str>) -> Result<(), Rejection> {
    check_chars(param, text, limits::EMAIL_CHARS)?;
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(()) };
    let parts = text.rsplit_once('@');
    let good = parts.is_some_and(|(user, host)| {
        !user.is_empty() && !host.is_empty() && !host.starts_with('.') && !host.ends_with('.')
    });
    if good && !text.chars().any(|char| char.is_whitespace() || char.is_control()) {
        return Ok(());
    }
    Err(Rejection::EmailInvalid { param: param.to_owned(), value: shorten(text) })
}

/// Checks that a URL is one of HTTP, with a host. Where it leads to is checked when it is used.
pub(crate) fn check_url(param: &str, text: Option<&str>) -> Result<(), Rejection> {
    check_chars(param, text, limits::URL_CHARS)?;
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(()) };
    let no = |why: &str| Err(Rejection::UrlInvalid { param: param.to_owned(), why: why.to_owned() });
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return no("it must begin with https:// or http://");
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || host.starts_with(':') || host.contains('@') {
        return no("it needs a host, without a user");
    }
    if text.chars().any(|char| char.is_whitespace() || char.is_control()) {
        return no("it must not hold blanks");
    }
    Ok(())
}

/// Checks metadata that is to be set.
pub(crate) fn check_metadata(patch: Option<&MetadataPatch>) -> Result<(), Rejection> {
    let Some(MetadataPatch::Set(map)) = patch else { return Ok(()) };
    let too_long = |param: String, limit, unit| Err(Rejection::ParameterTooLong { param, limit, unit });
    if map.len() > limits::METADATA_KEYS {
        return too_long("metadata".to_owned(), limits::METADATA_KEYS, "keys");
    }
    for (key, value) in map {
        let param = || format!("metadata[{}]", shorten(key));
        if key.is_empty() || key.contains(['[', ']']) {
            let why = "a key must not be empty and must not hold square brackets".to_owned();
            return Err(Rejection::ParameterInvalid { param: param(), why });
        }
        if key.chars().count() > limits::METADATA_KEY_CHARS {
            return too_long(param(), limits::METADATA_KEY_CHARS, "characters");
        }
        check_chars(&param(), Some(value), limits::METADATA_VALUE_CHARS)?;
    }
    Ok(())
}

/// Applies a change to metadata.
///
/// # Errors
/// [`Rejection::ParameterTooLong`] when there would be too many keys.
pub(crate) fn patch_metadata(
    metadata: &mut Metadata,
    patch: Option<&MetadataPatch>,
) -> Result<(), Rejection> {
    match patch {
        None => {}
        Some(MetadataPatch::Clear) => metadata.clear(),
        Some(MetadataPatch::Set(map)) => {
            for (key, value) in map {
                if value.is_empty() {
                    metadata.remove(key);
                } else {
                    metadata.insert(key.clone(), value.clone());
                }
            }
        }
    }
    if metadata.len() > limits::METADATA_KEYS {
        let limit = limits::METADATA_KEYS;
        return Err(Rejection::ParameterTooLong { param: "metadata".to_owned(), limit, unit: "keys" });
    }
    Ok(())
}

/// Checks what is to be shown in full.
pub(crate) fn check_expand(expand: Option<&Vec<String>>) -> Result<(), Rejection> {
    let Some(fields) = expand else { return Ok(()) };
    if fields.len() > limits::EXPAND_ENTRIES {
        let limit = limits::EXPAND_ENTRIES;
        return Err(Rejection::ParameterTooLong { param: "expand".to_owned(), limit, unit: "fields" });
    }
    fields.iter().try_for_each(|field| check_chars("expand", Some(field), limits::ID_CHARS))
}

/// Reads an amount of a payment, which must be at least 1.
pub(crate) fn amount(param: &str, value: Option<i64>) -> Result<i64, Rejection> {
    let value = value.ok_or_else(|| Rejection::ParameterMissing { param: param.to_owned() })?;
    if value < 1 {
        return Err(Rejection::AmountTooSmall { param: param.to_owned(), least: 1 });
    }
    if value > limits::AMOUNT_MINOR_MAX {
        return Err(Rejection::AmountTooLarge { param: param.to_owned(), most: limits::AMOUNT_MINOR_MAX });
    }
    Ok(value)
}

/// Reads a currency.
pub(crate) fn currency(param: &str, value: Option<&str>) -> Result<Currency, Rejection> {
    let value = value.ok_or_else(|| Rejection::ParameterMissing { param: param.to_owned() })?;
    let letters = value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_alphabetic());
    let found = if letters { Currency::parse(value) } else { None };
    found.ok_or_else(|| Rejection::CurrencyInvalid { value: shorten(value) })
}

/// Returns a text that was given, and none for an empty one.
pub(crate) fn given(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).cloned()
}

/// Sets a field that a request may change: absent leaves it, empty takes it away.
pub(crate) fn set(field: &mut Option<String>, text: Option<&String>) {
    if let Some(text) = text {
        *field = (!text.is_empty()).then(|| text.clone());
    }
}
