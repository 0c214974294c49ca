//! Signatures of the older interface of WeChat Pay (version 2): sorted parameters and the merchant's key, hashed.
//!
//! MD5 is broken as a hash for documents; here it signs because the interface asks for it. Prefer HMAC-SHA256,
//! and version 3 to both.

use super::SignatureError;
use super::parameters::{ParameterError, joined, value};
use md5::{Digest, Md5};
use ring::hmac;
use std::fmt;
use zeroize::Zeroizing;

/// How parameters are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// `MD5`, also where `sign_type` is not told.
    Md5,
    /// `HMAC-SHA256`.
    HmacSha256,
}

/// The merchant's key of version 2. Never shown, overwritten when dropped.
#[derive(Clone)]
pub struct MerchantKey(Zeroizing<String>);

impl fmt::Debug for MerchantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MerchantKey(..)")
    }
}

/// Why parameters are not WeChat Pay's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionTwoError {
    /// The parameters cannot be joined.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// No signature, or another one.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

impl MerchantKey {
    /// Takes the key.
    #[must_use]
    pub fn new(text: &str) -> MerchantKey {
        MerchantKey(Zeroizing::new(text.to_owned()))
    }

    /// Signs parameters: capital hexadecimal digits, the value of `sign`.
    ///
    /// # Errors
    /// When the parameters cannot be joined.
    pub fn sign(&self, algorithm: Algorithm, parameters: &[(&str, &str)]) -> Result<String, ParameterError> {
        let joined = joined(parameters, &["sign"])?;
        let text = Zeroizing::new([joined.as_str(), "&key=", self.0.as_str()].concat());
        let hash = match algorithm {
            Algorithm::Md5 => Md5::digest(text.as_bytes()).to_vec(),
            Algorithm::HmacSha256 => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
                hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
            }
        };
        Ok(hash.iter().map(|byte| format!("{byte:02X}")).collect())
    }

    /// Verifies parameters that hold their `sign`, by the algorithm that was agreed on: what the message says of
    /// it is not asked, so that nobody can choose the weaker one.
    ///
    /// # Errors
    /// [`VersionTwoError`].
    pub fn verify(&self, algorithm: Algorithm, parameters: &[(&str, &str)]) -> Result<(), VersionTwoError> {
        let own = self.sign(algorithm, parameters)?;
        let theirs = value(parameters, "sign").unwrap_or_default();
        if crate::keys::agrees(own.as_bytes(), theirs.as_bytes()) {
            Ok(())
        } else {
            Err(SignatureError.into())
        }
    }
}
