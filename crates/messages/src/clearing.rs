//! Messages of a clearing network between payment companies and banks: signed XML over HTTPS, EPCC-style, after public
//! traces.
//!
//! **This is not the network's own schema**, which only its members have. What follows public traces, and what is ours,
//! is told apart at each thing:
//!
//! - From traces: the envelope (`root` of `namespace_string`, `MsgHeader` with `SndDt`, `MsgTp`, `IssrId`, `Drctn`,
//!   `SignSN`, then `MsgBody`; after it an end of line and `{S:…}` with a signature in Base64), the headers of HTTP, the
//!   directions 11 and 22, the elements of a sign-up (`epcc.101.001.01`, in two steps 0201 and 0202 under one `TrxId`) and
//!   of a payment by agreement (`epcc.201.001.01`), the members of answers (`SysRtnInf`, `BizInf`), amounts as `CNY1.00`,
//!   batches as `B` with a date and four digits, the numbers 102, 211 and 301 and that 301 names an `OriTrxId`.
//! - Ours: everything else, among them which number a payout, a refund, a notification and the totals of a batch have,
//!   what stands in them, the codes of answers, and the element `TrxSts`.
//!
//! [`Message::sign`] and [`Message::open`] are the way out and in; [`record`] has the bodies. The signature is over the
//! very bytes from `<root` to `</root>`. Whether it is one of SM2 (over SM3, with the user id of GM/T 0009, as DER) or of
//! RSA (PKCS#1 v1.5 over SHA-256), the certificate says that `SignSN` names ([`key`]). In the traces the values of a
//! sign-up that are personal stand encrypted under a digital envelope; here they are protected by TLS alone.

mod envelope;
mod fields;
pub mod key;
pub mod record;
mod value;

pub use envelope::{Direction, Header, Message, MessageError, MessageType};
pub use fields::{Fields, XmlError};
pub use value::{BatchId, ChinaTime, Money, Secret, ValueError};

/// The answer of a system, or the code of a business, that says that all is well.
pub const FINE: &str = "00000000";
