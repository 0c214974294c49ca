//! Keys as texts: PEM with its armour (RFC 7468), or bare Base64 as the consoles of Alipay hand them out.

use zeroize::Zeroizing;

/// The longest text that is read: an RSA key of 8,192 bits has about 6,400 characters.
const TEXT_MAX: usize = 16 * 1024;

/// What the armour says a text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// `PRIVATE KEY`: PKCS#8.
    Pkcs8,
    /// `RSA PRIVATE KEY`: PKCS#1.
    RsaPrivate,
    /// `EC PRIVATE KEY`, or `SM2 PRIVATE KEY` as OpenSSL writes it: SEC1.
    EcPrivate,
    /// `PUBLIC KEY`: SubjectPublicKeyInfo.
    Public,
    /// `RSA PUBLIC KEY`: PKCS#1.
    RsaPublic,
    /// No armour: the bytes have to tell.
    None,
}

/// Why a text is not a key. Says nothing of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyTextError {
    /// Too long for a key.
    #[error("a key has at most {TEXT_MAX} characters, not {0}")]
    Long(usize),
    /// The armour has no end, another end than beginning, or something around it.
    #[error("the armour of the key is not whole: BEGIN and END must name the same, with nothing around them")]
    Armour,
    /// A certificate, an encrypted key, a key of another kind.
    #[error("the armour names something else than an open key of this kind; a certificate is not a key")]
    Label,
    /// Not Base64.
    #[error("the key is not Base64")]
    Base64,
    /// Bytes that are no key of this kind, or of a length that is not allowed.
    #[error("the bytes are no key of this kind: {0}")]
    Key(&'static str),
}

/// Takes the bytes out of a text; they are overwritten when dropped.
///
/// # Errors
/// [`KeyTextError`].
pub fn decode(text: &str) -> Result<(Label, Zeroizing<Vec<u8>>), KeyTextError> {
    const BEGIN: &str = "-----BEGIN ";
    if text.len() > TEXT_MAX {
        return Err(KeyTextError::Long(text.len()));
    }
    let text = text.trim();
    let (label, body) = match text.strip_prefix(BEGIN) {
        None => (Label::None, text),
        Some(rest) => {
            let (name, rest) = rest.split_once("-----").ok_or(KeyTextError::Armour)?;
            let end = rest.strip_suffix("-----").and_then(|rest| rest.strip_suffix(name));
            let body = end.and_then(|rest| rest.strip_suffix("-----END ")).ok_or(KeyTextError::Armour)?;
            let label = match name {
                "PRIVATE KEY" => Label::Pkcs8,
                "RSA PRIVATE KEY" => Label::RsaPrivate,
                "EC PRIVATE KEY" | "SM2 PRIVATE KEY" => Label::EcPrivate,
                "PUBLIC KEY" => Label::Public,
                "RSA PUBLIC KEY" => Label::RsaPublic,
                _ => return Err(KeyTextError::Label),
            };
            (label, body)
        }
    };
    // With the whole capacity from the start: a string that grows leaves copies behind.
    let mut joined = Zeroizing::new(String::with_capacity(body.len()));
    joined.extend(body.chars().filter(|character| !character.is_ascii_whitespace()));
    let bytes = Zeroizing::new(super::base64(&joined).ok_or(KeyTextError::Base64)?);
    if bytes.is_empty() { Err(KeyTextError::Base64) } else { Ok((label, bytes)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn armour_is_taken_off() {
        for (text, label) in [
            ("AQID", Label::None),
            (" AQ\r\nID \n", Label::None),
            ("-----BEGIN PRIVATE KEY-----\nAQID\n-----END PRIVATE KEY-----\n", Label::Pkcs8),
            ("-----BEGIN RSA PUBLIC KEY-----AQID-----END RSA PUBLIC KEY-----", Label::RsaPublic),
        ] {
            let (found, bytes) = decode(text).unwrap();
            assert_eq!((found, &bytes[..]), (label, &[1, 2, 3][..]), "{text}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for (text, error) in [
            ("", KeyTextError::Base64),
            ("AQI", KeyTextError::Base64),
            ("-----BEGIN PRIVATE KEY-----\nAQID", KeyTextError::Armour),
            ("-----BEGIN PRIVATE KEY-----\nAQID\n-----END PUBLIC KEY-----", KeyTextError::Armour),
            ("-----BEGIN PRIVATE KEY", KeyTextError::Armour),
            ("-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----", KeyTextError::Label),
            (
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAQID\n-----END ENCRYPTED PRIVATE KEY-----",
                KeyTextError::Label,
            ),
            ("-----BEGIN PUBLIC KEY-----\nAQID\n-----END PUBLIC KEY-----\nAQID", KeyTextError::Armour),
        ] {
            assert_eq!(decode(text).unwrap_err(), error, "{text}");
        }
        assert_eq!(decode(&"A".repeat(20_000)).unwrap_err(), KeyTextError::Long(20_000));
    }
}
