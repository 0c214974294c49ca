//! Texts, headers and sealed resources of WeChat Pay, version 3 (docs of the merchant platform: 签名生成,
//! 签名验证, 证书和回调报文解密).

use super::SignatureError;
use super::rsa::{RsaPrivateKey, RsaPublicKey};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use std::fmt;

/// The name of the signature in the header `Authorization`.
pub const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";

/// The longest header that is read.
const HEADER_MAX: usize = 4096;

/// How far the time of an answer may lie from that of the receiver: WeChat Pay names five minutes.
pub const TOLERANCE_SECONDS: u64 = 300;

/// Why something cannot be signed, or is not WeChat Pay's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WechatError {
    /// A line of the text is empty or holds a line feed, so that it could be read as another text.
    #[error("{0} is empty, or holds a character that it cannot hold")]
    Line(&'static str),
    /// The time is too far away.
    #[error("the time of the message is {0} seconds away")]
    Time(u64),
    /// The signature is another's.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The header is not one of WeChat Pay.
    #[error("the header is not {SCHEME} with quoted values: {0}")]
    Header(&'static str),
    /// A key has 32 bytes.
    #[error("the key of version 3 has 32 bytes, not {0}")]
    Key(usize),
    /// A resource that this key did not seal, or that was changed.
    #[error("the resource cannot be opened: other key, nonce or associated data, or changed")]
    Resource,
}

/// A request as it is signed. Its body is not shown: it tells who pays.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// `GET`, `POST` and so on.
    pub method: &'a str,
    /// Path and query as they are sent, without the host.
    pub target: &'a str,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// A random text that was never used before.
    pub nonce: &'a str,
    /// The body as it is sent; empty where there is none.
    pub body: &'a [u8],
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {}, {} bytes)", self.method, self.target, self.body.len())
    }
}

impl Request<'_> {
    /// Returns the text that is signed: five lines, each with its line feed, the last one too.
    ///
    /// # Errors
    /// When method, target or nonce is empty or holds a line feed.
    pub fn text(&self) -> Result<Vec<u8>, WechatError> {
        let head = [
            line("the method", self.method)?,
            line("the target", self.target)?,
            &self.timestamp.to_string(),
            line("the nonce", self.nonce)?,
        ];
        Ok([head.join("\n").as_bytes(), b"\n", self.body, b"\n"].concat())
    }
}

/// Returns the text by which an app or a page opens a payment: app id, time, nonce, `prepay_id=…`.
///
/// # Errors
/// When one of them is empty or holds a line feed.
pub fn payment_text(
    app_id: &str,
    timestamp: u64,
    nonce: &str,
    package: &str,
) -> Result<Vec<u8>, WechatError> {
    let (app_id, nonce) = (line("the app id", app_id)?, line("the nonce", nonce)?);
    let package = line("the package", package)?;
    Ok(format!("{app_id}\n{timestamp}\n{nonce}\n{package}\n").into_bytes())
}

/// An answer or notification with what its headers tell. Its body is not shown.
#[derive(Clone, Copy)]
pub struct Received<'a> {
    /// Wechatpay-Timestamp, seconds since 1970.
    pub timestamp: u64,
    /// Wechatpay-Nonce.
    pub nonce: &'a str,
    /// Wechatpay-Signature.
    pub signature: &'a str,
    /// The body as it came.
    pub body: &'a [u8],
}

impl fmt::Debug for Received<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Received({} {}, {} bytes)", self.timestamp, self.nonce, self.body.len())
    }
}

impl Received<'_> {
    /// Returns the text that WeChat Pay signed: three lines, each with its line feed.
    ///
    /// # Errors
    /// When the nonce is empty or holds a line feed.
    pub fn text(&self) -> Result<Vec<u8>, WechatError> {
        let head = format!("{}\n{}\n", self.timestamp, line("the nonce", self.nonce)?);
        Ok([head.as_bytes(), self.body, b"\n"].concat())
    }

    /// Verifies the signature by the key that Wechatpay-Serial names, and that the message is new.
    ///
    /// # Errors
    /// [`WechatError`].
    pub fn verify(&self, key: &RsaPublicKey, now: u64) -> Result<(), WechatError> {
        key.verify_base64(&self.text()?, self.signature)?;
        match self.timestamp.abs_diff(now) {
            away if away > TOLERANCE_SECONDS => Err(WechatError::Time(away)),
            _ => Ok(()),
        }
    }
}

fn line<'a>(name: &'static str, text: &'a str) -> Result<&'a str, WechatError> {
    if text.is_empty() || text.contains(['\n', '\r']) { Err(WechatError::Line(name)) } else { Ok(text) }
}

/// The header `Authorization` of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The merchant.
    pub merchant: String,
    /// The serial number of the certificate that the key belongs to.
    pub serial: String,
    /// The nonce of the request.
    pub nonce: String,
    /// The time of the request.
    pub timestamp: u64,
    /// The signature in Base64.
    pub signature: String,
}

impl Authorization {
    /// Signs a request.
    ///
    /// # Errors
    /// When a text is empty or holds a line feed or a quotation mark, or the key cannot sign.
    pub fn sign(
        key: &RsaPrivateKey,
        merchant: &str,
        serial: &str,
        request: &Request<'_>,
    ) -> Result<Authorization, WechatError> {
        let quoted = |name, text| {
            let text = line(name, text)?;
            if plain(text) { Ok(text.to_owned()) } else { Err(WechatError::Line(name)) }
        };
        Ok(Authorization {
            merchant: quoted("the merchant", merchant)?,
            serial: quoted("the serial number", serial)?,
            nonce: quoted("the nonce", request.nonce)?,
            timestamp: request.timestamp,
            signature: key.sign_base64(&request.text()?)?,
        })
    }

    /// Reads a header. The values come in any order; names that are not known are passed over.
    ///
    /// # Errors
    /// When it has another scheme, lacks a value, or has one twice.
    pub fn parse(header: &str) -> Result<Authorization, WechatError> {
        const NAMES: [&str; 5] = ["mchid", "serial_no", "nonce_str", "timestamp", "signature"];
        if header.len() > HEADER_MAX {
            return Err(WechatError::Header("longer than 4096 characters"));
        }
        let mut rest = match header.split_once(' ') {
            Some((SCHEME, rest)) => rest,
            _ => return Err(WechatError::Header("another scheme")),
        };
        let mut values: [Option<&str>; 5] = [None; 5];
        loop {
            let quoted = rest.trim_start().split_once("=\"");
            let (name, after) =
                quoted.ok_or(WechatError::Header("a value without name or quotation mark"))?;
            let (value, after) = after.split_once('"').ok_or(WechatError::Header("a value without end"))?;
            if !plain(value) {
                return Err(WechatError::Header("a value with a control character or backslash"));
            }
            if let Some(place) = NAMES.iter().position(|known| *known == name)
                && values[place].replace(value).is_some()
            {
                return Err(WechatError::Header("a value stands twice"));
            }
            match after.trim_start().strip_prefix(',') {
                Some(next) => rest = next,
                None if after.trim_end().is_empty() => break,
                None => return Err(WechatError::Header("something between two values")),
            }
        }
        let [Some(merchant), Some(serial), Some(nonce), Some(timestamp), Some(signature)] = values else {
            return Err(WechatError::Header("one of the five values is missing"));
        };
        let digits = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let timestamp = timestamp.parse().ok().filter(|_| digits);
        Ok(Authorization {
            merchant: merchant.to_owned(),
            serial: serial.to_owned(),
            nonce: nonce.to_owned(),
            timestamp: timestamp.ok_or(WechatError::Header("the timestamp is not a number"))?,
            signature: signature.to_owned(),
        })
    }
}

/// Says whether a text can stand between quotation marks.
fn plain(text: &str) -> bool {
    text.chars().all(|character| !character.is_control() && !matches!(character, '"' | '\\'))
}

impl fmt::Display for Authorization {
    /// Writes the header.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Authorization { merchant, serial, nonce, timestamp, signature } = self;
        write!(
            f,
            "{SCHEME} mchid=\"{merchant}\",nonce_str=\"{nonce}\",signature=\"{signature}\",\
             timestamp=\"{timestamp}\",serial_no=\"{serial}\""
        )
    }
}

/// The key of version 3, by which WeChat Pay seals notifications and certificates. Never shown.
pub struct ResourceKey(LessSafeKey);

impl fmt::Debug for ResourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResourceKey(..)")
    }
}

impl ResourceKey {
    /// Takes the 32 characters that the merchant set.
    ///
    /// # Errors
    /// When there are not 32 bytes.
    pub fn new(key: &[u8]) -> Result<ResourceKey, WechatError> {
        let length = key.len();
        let key = UnboundKey::new(&AES_256_GCM, key);
        key.map(|key| ResourceKey(LessSafeKey::new(key))).map_err(|_| WechatError::Key(length))
    }

    /// Opens a resource (AEAD_AES_256_GCM): `nonce`, `associated_data` and `ciphertext` as they stand in it.
    ///
    /// # Errors
    /// When it was not sealed so.
    pub fn open(&self, nonce: &[u8], associated: &[u8], ciphertext: &str) -> Result<Vec<u8>, WechatError> {
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| WechatError::Resource)?;
        let mut bytes = super::base64(ciphertext).ok_or(WechatError::Resource)?;
        let opened = self.0.open_in_place(nonce, Aad::from(associated), &mut bytes);
        let length = opened.map_err(|_| WechatError::Resource)?.len();
        bytes.truncate(length);
        Ok(bytes)
    }

    /// Seals a resource as WeChat Pay does, for simulators. A nonce must never seal twice by one key.
    ///
    /// # Errors
    /// When the nonce does not have twelve bytes.
    pub fn seal(&self, nonce: &[u8], associated: &[u8], text: &[u8]) -> Result<String, WechatError> {
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| WechatError::Line("the nonce"))?;
        let mut bytes = text.to_vec();
        let sealed = self.0.seal_in_place_append_tag(nonce, Aad::from(associated), &mut bytes);
        sealed.map_err(|_| WechatError::Resource)?;
        Ok(super::to_base64(&bytes))
    }
}
