//! Messages between payment systems: bytes to values and back, without IO.
//!
//! What is sent and answered lives here; what is written about the past (statements, bills, reports)
//! lives in `suanpan-formats`. Nothing here opens a socket, reads a clock or draws a random number: a
//! caller gives bytes, keys and nonces, and gets values or named errors that point at the place.
//!
//! - [`clearing`]: signed XML of a clearing network, EPCC-style, after public traces.
//! - [`emv`], [`mac`], [`pin`], [`keys`]: cryptograms, authentication codes and PIN blocks.
//! - [`identifier`]: check digits and shapes of card, account, bank and company numbers.
//! - [`iso20022`]: payments between customers and institutions, their states, returns and cancellations.
//! - [`iso8583`]: card messages; the dialects of the standard and of UnionPay.
//! - [`payment_code`]: whose a scanned code is.
//! - [`qr`]: EMVCo codes, presented by the merchant and by the consumer.
//! - [`signing`]: signatures, codes and sealed texts of the channels.
//! - [`tlv`]: data objects of chip cards.

pub mod clearing;
pub mod emv;
pub mod identifier;
pub mod iso20022;
pub mod iso8583;
pub mod keys;
pub mod mac;
pub mod payment_code;
pub mod pin;
pub mod qr;
pub mod signing;
pub mod tlv;
