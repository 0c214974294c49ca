//! SHA-256 with RSA, padded by PKCS#1 v1.5 (RFC 8017, 8.2): RSA2 of Alipay, SHA256-RSA2048 of WeChat Pay.
//!
//! The arithmetic is that of `ring`, whose private operations take the same time whatever the key. Keys have
//! 2,048 to 4,096 bits to sign with, up to 8,192 to verify with; shorter ones are refused.

use super::SignatureError;
use super::key_text::{KeyTextError, Label, decode};
use pkcs8::der::Decode;
use pkcs8::{ObjectIdentifier, SubjectPublicKeyInfoRef};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use std::fmt;

/// rsaEncryption (RFC 8017, appendix C).
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// A key to sign with. Never shown.
pub struct RsaPrivateKey(KeyPair);

impl fmt::Debug for RsaPrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RsaPrivateKey(..)")
    }
}

impl RsaPrivateKey {
    /// Reads a key: PKCS#8 or PKCS#1, as PEM or as bare Base64.
    ///
    /// # Errors
    /// [`KeyTextError`].
    pub fn parse(text: &str) -> Result<RsaPrivateKey, KeyTextError> {
        let refused = |_| KeyTextError::Key("not an RSA key of 2,048 to 4,096 bits");
        let (label, bytes) = decode(text)?;
        let pair = match label {
            Label::Pkcs8 => KeyPair::from_pkcs8(&bytes).map_err(refused),
            Label::RsaPrivate => KeyPair::from_der(&bytes).map_err(refused),
            Label::None => {
                KeyPair::from_pkcs8(&bytes).or_else(|_| KeyPair::from_der(&bytes)).map_err(refused)
            }
            _ => Err(KeyTextError::Label),
        }?;
        // Numbers that do not belong together are found out by signing, better now than at the first payment.
        let key = RsaPrivateKey(pair);
        key.sign(b"trial").map_err(|_| KeyTextError::Key("its numbers do not belong together"))?;
        Ok(key)
    }

    /// Returns the key to verify with.
    #[must_use]
    pub fn public_key(&self) -> RsaPublicKey {
        RsaPublicKey(self.0.public().as_ref().to_vec())
    }

    /// Signs a text. The same text always gets the same signature.
    ///
    /// # Errors
    /// When the signature does not verify: the numbers of the key do not belong together, or the machine
    /// miscounted. Such a signature could give the key away, so it is not handed out.
    pub fn sign(&self, text: &[u8]) -> Result<Vec<u8>, SignatureError> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        // This padding has nothing random, so the source of random numbers is asked for none.
        let signed = self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature);
        signed.map(|()| signature).map_err(|_| SignatureError)
    }

    /// Signs a text and writes the signature in Base64, as both channels send it.
    ///
    /// # Errors
    /// As [`RsaPrivateKey::sign`].
    pub fn sign_base64(&self, text: &[u8]) -> Result<String, SignatureError> {
        Ok(super::to_base64(&self.sign(text)?))
    }
}

/// A key to verify with.
#[derive(Clone, PartialEq, Eq)]
pub struct RsaPublicKey(Vec<u8>);

impl fmt::Debug for RsaPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaPublicKey({} bytes)", self.0.len())
    }
}

impl RsaPublicKey {
    /// Reads a key: SubjectPublicKeyInfo or PKCS#1, as PEM or as bare Base64.
    ///
    /// # Errors
    /// [`KeyTextError`].
    pub fn parse(text: &str) -> Result<RsaPublicKey, KeyTextError> {
        let (label, bytes) = decode(text)?;
        match label {
            Label::Public => Self::from_info(&bytes),
            Label::RsaPublic => Self::from_pkcs1(&bytes),
            Label::None => Self::from_info(&bytes).or_else(|_| Self::from_pkcs1(&bytes)),
            _ => Err(KeyTextError::Label),
        }
    }

    fn from_info(bytes: &[u8]) -> Result<RsaPublicKey, KeyTextError> {
        let info = SubjectPublicKeyInfoRef::from_der(bytes)
            .map_err(|_| KeyTextError::Key("not a SubjectPublicKeyInfo"))?;
        if info.algorithm.oid != RSA_ENCRYPTION {
            return Err(KeyTextError::Key("a public key of another algorithm"));
        }
        let key = info.subject_public_key.as_bytes();
        Self::from_pkcs1(key.ok_or(KeyTextError::Key("not whole bytes"))?)
    }

    fn from_pkcs1(bytes: &[u8]) -> Result<RsaPublicKey, KeyTextError> {
        let key = pkcs1::RsaPublicKeyRef::from_der(bytes)
            .map_err(|_| KeyTextError::Key("not an RSA public key"))?;
        let bytes_of_modulus = key.modulus.as_bytes().len();
        if (256..=1024).contains(&bytes_of_modulus) {
            Ok(RsaPublicKey(bytes.to_vec()))
        } else {
            Err(KeyTextError::Key("not 2,048 to 8,192 bits"))
        }
    }

    /// Verifies a signature.
    ///
    /// # Errors
    /// When it does not belong to the text and the key.
    pub fn verify(&self, text: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.0);
        key.verify(text, signature).map_err(|_| SignatureError)
    }

    /// Verifies a signature written in Base64.
    ///
    /// # Errors
    /// When it is not Base64, or does not belong to the text and the key.
    pub fn verify_base64(&self, text: &[u8], signature: &str) -> Result<(), SignatureError> {
        self.verify(text, &super::base64(signature).ok_or(SignatureError)?)
    }
}
