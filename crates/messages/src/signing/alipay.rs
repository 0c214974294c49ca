//! Which text Alipay signs (docs of the open platform: requests, notifications, synchronous answers), with RSA2.
//!
//! The charset is UTF-8: with GBK Alipay signs the bytes of GBK, which are not made here.

use super::SignatureError;
use super::parameters::{ParameterError, joined, value};
use super::rsa::{RsaPrivateKey, RsaPublicKey};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Why something is not Alipay's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AlipayError {
    /// The parameters cannot be joined.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// Another algorithm than RSA2: the older RSA hashes with SHA-1.
    #[error("sign_type is not RSA2")]
    Algorithm,
    /// No signature.
    #[error("there is no sign")]
    Unsigned,
    /// The answer is not a JSON object with the answer to this method.
    #[error("the answer is not a JSON object with an answer to this method, or with an error")]
    Answer,
    /// The signature is another's.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// Returns the text of a request that is to be signed: all parameters but `sign`.
///
/// # Errors
/// When the parameters cannot be joined.
pub fn request_text(parameters: &[(&str, &str)]) -> Result<String, ParameterError> {
    joined(parameters, &["sign"])
}

/// Signs a request; the signature is the value of `sign`.
///
/// # Errors
/// When the parameters cannot be joined, or the key cannot sign.
pub fn sign_request(key: &RsaPrivateKey, parameters: &[(&str, &str)]) -> Result<String, AlipayError> {
    Ok(key.sign_base64(request_text(parameters)?.as_bytes())?)
}

/// Verifies a notification from its parameters, with values as they are after the form was decoded: `sign` and
/// `sign_type` are not signed.
///
/// That a notification is Alipay's does not say that it is for this shop, or new: compare `app_id`,
/// `out_trade_no` and `total_amount`, and keep `notify_id`.
///
/// # Errors
/// [`AlipayError`].
pub fn verify_notification(key: &RsaPublicKey, parameters: &[(&str, &str)]) -> Result<(), AlipayError> {
    let text = joined(parameters, &["sign", "sign_type"])?;
    if value(parameters, "sign_type").is_some_and(|kind| kind != "RSA2") {
        return Err(AlipayError::Algorithm);
    }
    let signature = value(parameters, "sign").ok_or(AlipayError::Unsigned)?;
    Ok(key.verify_base64(text.as_bytes(), signature)?)
}

/// Verifies the answer to a call such as `alipay.trade.query` and returns the part that is signed, as it stands:
/// read the answer from it and from nothing else. The body is UTF-8.
///
/// # Errors
/// [`AlipayError`].
pub fn verify_answer<'a>(key: &RsaPublicKey, method: &str, body: &'a str) -> Result<&'a str, AlipayError> {
    let parts: BTreeMap<String, &RawValue> = serde_json::from_str(body).map_err(|_| AlipayError::Answer)?;
    let name = format!("{}_response", method.replace('.', "_"));
    let part = parts.get(&name).or_else(|| parts.get("error_response")).ok_or(AlipayError::Answer)?;
    let signature = parts.get("sign").ok_or(AlipayError::Unsigned)?;
    let signature: String = serde_json::from_str(signature.get()).map_err(|_| AlipayError::Unsigned)?;
    key.verify_base64(part.get().as_bytes(), &signature)?;
    Ok(part.get())
}
