//! The envelope: a header, a body, a signature over both.

use super::fields::{BYTES_MAX, Fields, XmlError};
use super::key::{Signer, Verifiers};
use super::value::{ChinaTime, Value, ValueError};
use crate::signing::SignatureError;

/// What may stand before the signed text, and is not signed.
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
const BEFORE_SIGNATURE: &str = "\r\n{S:";
const AFTER_SIGNATURE: &str = "}";

/// Declares enums of words that stand in messages.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// Returns the word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
        }

        impl $crate::clearing::value::Value for $name {
            fn text(&self) -> Option<String> {
                Some(self.word().to_owned())
            }

            fn parse(text: Option<&str>) -> Result<$name, &'static str> {
                match text.ok_or("is missing")? {
                    $($word => Ok($name::$variant),)+
                    _ => Err("is none of the words that are known"),
                }
            }
        }
    };
}
pub(super) use words;

words! {
    /// What a message is.
    MessageType {
        /// An agreement is asked for, or signed (traces).
        SignUp = "epcc.101.001.01",
        /// What became of that (traces).
        SignUpAnswer = "epcc.102.001.01",
        /// Money is taken by an agreement (traces).
        Debit = "epcc.201.001.01",
        /// What became of that.
        DebitAnswer = "epcc.202.001.01",
        /// Money goes to an account (the number is from traces).
        Payout = "epcc.211.001.01",
        /// What became of that.
        PayoutAnswer = "epcc.212.001.01",
        /// A part of a debit goes back, or all of it (the number is ours).
        Refund = "epcc.213.001.01",
        /// What became of that.
        RefundAnswer = "epcc.214.001.01",
        /// What became of something? (The number is from traces.)
        Inquiry = "epcc.301.001.01",
        /// The answer.
        InquiryAnswer = "epcc.302.001.01",
        /// What became of a debit, told by the network itself (the number is ours).
        Notification = "epcc.303.001.01",
        /// The totals of a batch are asked for (the number is ours).
        Totals = "epcc.501.001.01",
        /// The totals.
        TotalsAnswer = "epcc.502.001.01",
    }
}

impl MessageType {
    /// Returns the type of the answer; none where nothing answers it in a message.
    #[must_use]
    pub const fn answer(self) -> Option<MessageType> {
        match self {
            MessageType::SignUp => Some(MessageType::SignUpAnswer),
            MessageType::Debit => Some(MessageType::DebitAnswer),
            MessageType::Payout => Some(MessageType::PayoutAnswer),
            MessageType::Refund => Some(MessageType::RefundAnswer),
            MessageType::Inquiry => Some(MessageType::InquiryAnswer),
            MessageType::Totals => Some(MessageType::TotalsAnswer),
            MessageType::SignUpAnswer
            | MessageType::DebitAnswer
            | MessageType::PayoutAnswer
            | MessageType::RefundAnswer
            | MessageType::InquiryAnswer
            | MessageType::Notification
            | MessageType::TotalsAnswer => None,
        }
    }
}

words! {
    /// Where a message goes.
    Direction {
        /// From an institution to the network.
        ToNetwork = "11",
        /// From the network to an institution.
        FromNetwork = "22",
    }
}

/// What stands before the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// When it was sent.
    pub sent: ChinaTime,
    /// What it is.
    pub kind: MessageType,
    /// Who sends it.
    pub institution: String,
    /// Where it goes.
    pub direction: Direction,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The header.
    pub header: Header,
    /// The body.
    pub body: Fields,
}

/// Why bytes are no message, or no message of who they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Not the shape of a message with its signature.
    #[error("it is no text with a signature behind")]
    Shape,
    /// Not readable.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// The header says something else than headers do.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// Signed by nobody who is known, or changed.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

const SENT: &str = "MsgHeader/SndDt";
const KIND: &str = "MsgHeader/MsgTp";
const INSTITUTION: &str = "MsgHeader/IssrId";
const DIRECTION: &str = "MsgHeader/Drctn";
const SERIAL: &str = "MsgHeader/SignSN";

impl Message {
    /// Writes and signs it.
    ///
    /// # Errors
    /// [`MessageError`] where a value cannot stand in XML, or the key cannot sign.
    pub fn sign(&self, signer: &Signer) -> Result<Vec<u8>, MessageError> {
        let Header { sent, kind, institution, direction } = &self.header;
        let mut fields = Fields::default();
        for (path, text) in [
            (SENT, sent.text()),
            (KIND, kind.text()),
            (INSTITUTION, institution.text()),
            (DIRECTION, direction.text()),
            (SERIAL, signer.serial.text()),
        ] {
            fields.push(path, text.unwrap_or_default());
        }
        fields.push_below("MsgBody", &self.body);
        let text = fields.write()?;
        let signature = signer.sign(text.as_bytes())?;
        Ok(format!("{DECLARATION}{text}{BEFORE_SIGNATURE}{signature}{AFTER_SIGNATURE}").into_bytes())
    }

    /// Reads a message that one of the keys has signed.
    ///
    /// # Errors
    /// [`MessageError`]; nothing of it is to be believed then.
    pub fn open(bytes: &[u8], keys: &Verifiers) -> Result<Message, MessageError> {
        if bytes.len() > BYTES_MAX {
            return Err(XmlError::Large("32 KiB").into());
        }
        let text = std::str::from_utf8(bytes).map_err(|_| MessageError::Shape)?;
        let text = text.strip_prefix(DECLARATION).unwrap_or(text);
        let (text, rest) = text.rsplit_once(BEFORE_SIGNATURE).ok_or(MessageError::Shape)?;
        let signature = rest.strip_suffix(AFTER_SIGNATURE).ok_or(MessageError::Shape)?;
        // The signed text is all there is: nothing around the element.
        if !text.starts_with('<') || !text.ends_with('>') {
            return Err(MessageError::Shape);
        }
        let fields = Fields::read(text)?;
        let serial: String = value(&fields, SERIAL)?;
        keys.verify(&serial, text.as_bytes(), signature)?;
        let header = Header {
            sent: value(&fields, SENT)?,
            kind: value(&fields, KIND)?,
            institution: value(&fields, INSTITUTION)?,
            direction: value(&fields, DIRECTION)?,
        };
        Ok(Message { header, body: fields.below("MsgBody") })
    }
}

fn value<T: Value>(fields: &Fields, path: &'static str) -> Result<T, ValueError> {
    T::parse(fields.get(path)).map_err(|what| ValueError { path, what })
}
