//! SM2 signatures (GB/T 32918.2, GM/T 0003.2) and the SM3 hash (GB/T 32905).
//!
//! The crates below are kept and tested, and no product of the State Cryptography Administration: where the
//! law asks for a certified one, sign in a device that is.

use super::SignatureError;
use super::key_text::{KeyTextError, Label, decode};
use ::sm2::dsa::signature::{Signer, Verifier};
use ::sm2::dsa::{Signature, SigningKey, VerifyingKey};
use ::sm2::{PublicKey, SecretKey};
use ::sm3::{Digest, Sm3};
use pkcs8::DecodePublicKey;
use std::fmt;

/// The user id that GM/T 0009 names for who has none; UnionPay and most banks use it.
pub const USER_ID: &str = "1234567812345678";

/// The longest user id: its length in bits stands in two bytes.
const USER_ID_MAX: usize = 8191;

/// Computes the SM3 hash of a text.
#[must_use]
pub fn sm3(text: &[u8]) -> [u8; 32] {
    Sm3::digest(text).into()
}

/// A key to sign with. Never shown, overwritten when dropped.
#[derive(Clone)]
pub struct Sm2PrivateKey(SecretKey);

impl fmt::Debug for Sm2PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sm2PrivateKey(..)")
    }
}

impl Sm2PrivateKey {
    /// Takes the number d.
    ///
    /// # Errors
    /// When it is 0 or not below the order of the curve.
    pub fn from_bytes(number: &[u8; 32]) -> Result<Sm2PrivateKey, KeyTextError> {
        let refused = |_| KeyTextError::Key("not a number of the curve");
        SecretKey::from_slice(number).map(Sm2PrivateKey).map_err(refused)
    }

    /// Reads a key: PKCS#8 or SEC1, as PEM or as bare Base64.
    ///
    /// # Errors
    /// [`KeyTextError`].
    pub fn parse(text: &str) -> Result<Sm2PrivateKey, KeyTextError> {
        let (label, bytes) = decode(text)?;
        match label {
            Label::Pkcs8 | Label::EcPrivate | Label::None => SecretKey::from_der(&bytes)
                .map(Sm2PrivateKey)
                .map_err(|_| KeyTextError::Key("not a private key of SM2")),
            _ => Err(KeyTextError::Label),
        }
    }

    /// Returns the key to verify with.
    #[must_use]
    pub fn public_key(&self) -> Sm2PublicKey {
        Sm2PublicKey(self.0.public_key())
    }

    /// Signs a text for a user id. The random number of the standard comes from key and text (RFC 6979), so the
    /// same text always gets the same signature and a weak source of random numbers cannot give the key away.
    ///
    /// # Errors
    /// When the user id is longer than 8,191 bytes.
    pub fn sign(&self, user_id: &str, text: &[u8]) -> Result<Sm2Signature, SignatureError> {
        if user_id.len() > USER_ID_MAX {
            return Err(SignatureError);
        }
        let key = SigningKey::new(user_id, &self.0).map_err(|_| SignatureError)?;
        key.try_sign(text).map(Sm2Signature).map_err(|_| SignatureError)
    }
}

/// A key to verify with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sm2PublicKey(PublicKey);

impl Sm2PublicKey {
    /// Takes a point as bytes: 04 and both coordinates, 02 or 03 and one, or both without a mark.
    ///
    /// # Errors
    /// When it is no point of the curve.
    pub fn from_bytes(point: &[u8]) -> Result<Sm2PublicKey, KeyTextError> {
        let refused = |_| KeyTextError::Key("not a point of the curve");
        let key = match point.len() {
            64 => PublicKey::from_sec1_bytes(&[&[4], point].concat()),
            _ => PublicKey::from_sec1_bytes(point),
        };
        key.map(Sm2PublicKey).map_err(refused)
    }

    /// Reads a key: SubjectPublicKeyInfo, as PEM or as bare Base64.
    ///
    /// # Errors
    /// [`KeyTextError`].
    pub fn parse(text: &str) -> Result<Sm2PublicKey, KeyTextError> {
        match decode(text)? {
            (Label::Public | Label::None, bytes) => PublicKey::from_public_key_der(&bytes)
                .map(Sm2PublicKey)
                .map_err(|_| KeyTextError::Key("not a public key of SM2")),
            _ => Err(KeyTextError::Label),
        }
    }

    /// Verifies a signature for a user id.
    ///
    /// # Errors
    /// When it does not belong to the text, the user id and the key.
    pub fn verify(&self, user_id: &str, text: &[u8], signature: &Sm2Signature) -> Result<(), SignatureError> {
        if user_id.len() > USER_ID_MAX {
            return Err(SignatureError);
        }
        let key = VerifyingKey::new(user_id, self.0).map_err(|_| SignatureError)?;
        key.verify(text, &signature.0).map_err(|_| SignatureError)
    }
}

/// A signature: the numbers r and s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sm2Signature(Signature);

impl Sm2Signature {
    /// Takes r and s side by side.
    ///
    /// # Errors
    /// When there are not 64 bytes, or a number is 0 or not below the order of the curve.
    pub fn from_raw(bytes: &[u8]) -> Result<Sm2Signature, SignatureError> {
        Signature::from_slice(bytes).map(Sm2Signature).map_err(|_| SignatureError)
    }

    /// Reads r and s from DER (GM/T 0009, 7.3).
    ///
    /// # Errors
    /// When the bytes are not DER, or a number is 0 or not below the order of the curve.
    pub fn from_der(bytes: &[u8]) -> Result<Sm2Signature, SignatureError> {
        Signature::from_der(bytes).map(Sm2Signature).map_err(|_| SignatureError)
    }

    /// Writes r and s side by side.
    #[must_use]
    pub fn to_raw(&self) -> [u8; 64] {
        self.0.to_bytes().into()
    }

    /// Writes r and s as DER.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        self.0.to_der().as_ref().to_vec()
    }
}
