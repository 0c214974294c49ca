//! Keys of either kind, by the serial numbers of their certificates.

use crate::signing::key_text::KeyTextError;
use crate::signing::rsa::{RsaPrivateKey, RsaPublicKey};
use crate::signing::sm2::{Sm2PrivateKey, Sm2PublicKey, Sm2Signature, USER_ID};
use crate::signing::{SignatureError, base64, to_base64};
use std::collections::BTreeMap;

/// A key to sign with, of either kind.
#[derive(Debug)]
pub enum PrivateKey {
    /// SM2 over SM3.
    Sm2(Sm2PrivateKey),
    /// RSA over SHA-256.
    Rsa(Box<RsaPrivateKey>),
}

impl PrivateKey {
    /// Reads a key as PEM or bare Base64; which kind it is the key itself says.
    ///
    /// # Errors
    /// When it is neither: what is wrong with it as a key of RSA.
    pub fn parse(text: &str) -> Result<PrivateKey, KeyTextError> {
        match Sm2PrivateKey::parse(text) {
            Ok(key) => Ok(PrivateKey::Sm2(key)),
            Err(_) => RsaPrivateKey::parse(text).map(Box::new).map(PrivateKey::Rsa),
        }
    }

    fn sign(&self, text: &[u8]) -> Result<String, SignatureError> {
        let bytes = match self {
            PrivateKey::Sm2(key) => key.sign(USER_ID, text)?.to_der(),
            PrivateKey::Rsa(key) => key.sign(text)?,
        };
        Ok(to_base64(&bytes))
    }
}

/// A key to verify with, of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// SM2 over SM3.
    Sm2(Sm2PublicKey),
    /// RSA over SHA-256.
    Rsa(RsaPublicKey),
}

impl PublicKey {
    /// Reads a key as PEM or bare Base64; which kind it is the key itself says.
    ///
    /// # Errors
    /// When it is neither: what is wrong with it as a key of RSA.
    pub fn parse(text: &str) -> Result<PublicKey, KeyTextError> {
        match Sm2PublicKey::parse(text) {
            Ok(key) => Ok(PublicKey::Sm2(key)),
            Err(_) => RsaPublicKey::parse(text).map(PublicKey::Rsa),
        }
    }

    fn verify(&self, text: &[u8], signature: &str) -> Result<(), SignatureError> {
        let bytes = base64(signature).ok_or(SignatureError)?;
        match self {
            PublicKey::Sm2(key) => key.verify(USER_ID, text, &Sm2Signature::from_der(&bytes)?),
            PublicKey::Rsa(key) => key.verify(text, &bytes),
        }
    }
}

/// A key to sign with, and the serial number of its certificate.
#[derive(Debug)]
pub struct Signer {
    /// The serial number, which stands in messages as `SignSN`.
    pub serial: String,
    /// The key.
    pub key: PrivateKey,
}

impl Signer {
    pub(super) fn sign(&self, text: &[u8]) -> Result<String, SignatureError> {
        self.key.sign(text)
    }
}

/// Keys to verify with by the serial numbers of their certificates: several while certificates change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verifiers(pub BTreeMap<String, PublicKey>);

impl Verifiers {
    pub(super) fn verify(&self, serial: &str, text: &[u8], signature: &str) -> Result<(), SignatureError> {
        self.0.get(serial).ok_or(SignatureError)?.verify(text, signature)
    }
}

/// Whether a text can be the serial number of a certificate: 1 to 40 letters and digits.
#[must_use]
pub fn is_serial(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
