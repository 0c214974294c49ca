//! ISO 8583 messages: a table-driven codec, with dialects as data.
//!
//! A [`Dialect`] says how the message type and the bitmap are written and what each field is. [`Dialect::view`]
//! reads a message in place: it finds where each field stands and copies nothing. [`Dialect::decode`] makes a
//! [`Message`] of it, which can be changed and written.
//!
//! Values are characters: texts as bytes in the network's encoding (EBCDIC as ISO 8859-1), packed digits as
//! ASCII digits, binary as bytes. What was decoded is encoded to the same bytes.
//!
//! ```
//! use suanpan_messages::iso8583::{ISO_1987, Message, MessageType};
//!
//! let mut request = Message::new(MessageType::new(*b"0200").expect("four digits"));
//! request.set(2, "6200000000000005");
//! request.set(11, "000001");
//! let bytes = ISO_1987.encode(&request)?;
//!
//! let view = ISO_1987.view(&bytes)?;
//! assert_eq!(view.get(11).expect("field 11").characters()[..], *b"000001");
//! assert!(view.describe().to_string().contains("620000******0005"));
//! let mut answer = Message::answer(&view, &[2, 11]).expect("a request");
//! answer.set(39, "00");
//! assert!(ISO_1987.encode(&answer)?.starts_with(b"0210"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod authentication;
mod coding;
mod describe;
mod dialects;
mod error;
mod frame;
mod kind;
mod message;
mod present;
mod spec;
mod subfields;
mod typed;
mod value;
mod view;
mod write;

pub use describe::{Description, Row};
pub use dialects::{
    ISO_1987, ISO_1987_BINARY_BITMAP, ISO_1987_EBCDIC, ISO_1987_PACKED, ISO_1993, ISO_1993_BINARY_BITMAP,
    ISO_1993_EBCDIC, ISO_1993_PACKED, UNIONPAY_DOWNSTREAM, UNIONPAY_HOST, UNIONPAY_TERMINAL,
};
pub use error::{DecodeError, EncodeError};
pub use frame::{FrameError, Framing, Prefix, Split};
pub use kind::{Class, Function, MessageType, Origin, Version};
pub use message::{Field, Message};
pub use spec::{
    Alphabet, Bitmap, Content, Dialect, FieldSpec, Fields, Header, Kind, Length, LengthDigits, Shown,
};
pub use subfields::{Layout, Part, REST, Subfield, SubfieldError};
pub use typed::{AdditionalAmount, OriginalData, TypedError, WorkingKey};
pub use value::Value;
pub use view::View;

/// The longest message: as much as the two bytes in front of it on a line can say.
pub const MESSAGE_BYTES_MAX: usize = 65_535;
