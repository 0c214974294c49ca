//! Consumer-presented codes ("EMV QR Code Specification for Payment Systems, Consumer-Presented Mode"):
//! BER-TLV in Base64, a format indicator first, then application templates.

use crate::tlv::{self, Object, Tag, TlvError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Payload Format Indicator.
const FORMAT: Tag = Tag(0x85);
/// Application Template.
pub const APPLICATION: Tag = Tag(0x61);
/// Common Data Template.
pub const COMMON: Tag = Tag(0x62);
/// The most characters: what fits a QR code of 512 bytes.
const CHARACTERS_MAX: usize = 512;

/// Why a text is no consumer-presented code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConsumerError {
    /// Too long for a QR code.
    #[error("has {0} characters; the most are {CHARACTERS_MAX}")]
    Long(usize),
    /// Not Base64 with padding.
    #[error("is not Base64: {0}")]
    Base64(String),
    /// Not BER-TLV.
    #[error(transparent)]
    Tlv(#[from] TlvError),
    /// The first object is not `85 05 CPV01`.
    #[error("does not begin with the format indicator CPV01")]
    Format,
    /// There is no application template.
    #[error("has no application template (61)")]
    NoApplication,
}

/// Reads a code into its objects behind the format indicator.
///
/// # Errors
/// [`ConsumerError`].
pub fn decode(text: &str) -> Result<Vec<Object>, ConsumerError> {
    if text.len() > CHARACTERS_MAX {
        return Err(ConsumerError::Long(text.len()));
    }
    let bytes = STANDARD.decode(text).map_err(|error| ConsumerError::Base64(error.to_string()))?;
    let mut objects = tlv::decode(&bytes)?;
    if objects.first().is_none_or(|first| first.tag != FORMAT || first.value != b"CPV01") {
        return Err(ConsumerError::Format);
    }
    objects.remove(0);
    if !objects.iter().any(|object| object.tag == APPLICATION) {
        return Err(ConsumerError::NoApplication);
    }
    Ok(objects)
}

/// Writes a code of some objects, with the format indicator in front.
#[must_use]
pub fn encode(objects: &[Object]) -> String {
    let format = Object { tag: FORMAT, value: b"CPV01".to_vec() };
    let all: Vec<Object> = [format].into_iter().chain(objects.iter().cloned()).collect();
    STANDARD.encode(tlv::encode(&all))
}
