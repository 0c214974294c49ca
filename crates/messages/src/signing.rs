//! Signatures, codes and sealed texts of the channels: Alipay, WeChat Pay, UnionPay, webhooks.
//!
//! Nothing here reads a clock or draws a number: the caller gives the time, the nonce, the key. Real keys
//! belong into a hardware module or a key service; see [`crate::keys`].
//!
//! - [`rsa`]: SHA-256 with RSA, PKCS#1 v1.5, which Alipay calls RSA2 and WeChat Pay SHA256-RSA2048.
//! - [`sm2`], [`sm4`]: the national algorithms of China.
//! - [`alipay`], [`wechat`], [`wechat_v2`]: which text each channel signs.
//! - [`webhook`]: Standard Webhooks, and the header `Stripe-Signature`.

pub mod alipay;
pub mod key_text;
pub mod parameters;
pub mod rsa;
pub mod sm2;
pub mod sm4;
pub mod webhook;
pub mod wechat;
pub mod wechat_v2;

/// A signature is not that of the text by the key.
///
/// It says no more: who tries signatures shall learn nothing from the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not belong to the text and the key")]
pub struct SignatureError;

/// Decodes Base64 of the standard alphabet with its padding.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    use ::base64::Engine;
    ::base64::engine::general_purpose::STANDARD.decode(text).ok()
}

/// Encodes Base64 of the standard alphabet with its padding.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    use ::base64::Engine;
    ::base64::engine::general_purpose::STANDARD.encode(bytes)
}
