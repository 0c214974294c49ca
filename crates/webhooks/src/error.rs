//! What can go wrong with one delivery. [`Error::code`] is what logs and the API show.

use std::io;
use std::net::IpAddr;
use suanpan_messages::signing::webhook::WebhookError;

/// Why a message cannot be sent, or was not answered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A secret is no secret; it is not repeated here.
    #[error("the secret cannot be read: {source}")]
    Secret {
        /// What is wrong with it.
        source: WebhookError,
    },
    /// An endpoint has no secret to sign with.
    #[error("the endpoint has no secret to sign with")]
    NoSecret,
    /// More secrets than an exchange of them needs.
    #[error("the endpoint has {count} live secrets; at most {} sign", crate::limits::SECRETS)]
    TooManySecrets {
        /// How many.
        count: usize,
    },
    /// The id of an event cannot be part of a signed text.
    #[error("the event cannot be signed: {source}")]
    Unsignable {
        /// Why.
        source: WebhookError,
    },
    /// An event is larger than any that the API makes.
    #[error("the event has {bytes} bytes; at most {} are sent", crate::limits::EVENT_BYTES)]
    EventTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// A text is no URL that a message can be sent to.
    #[error("`{url}` is not a URL to send to: {reason}")]
    Url {
        /// The text, without what may be a password.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// Plain HTTP, where it is not permitted.
    #[error("`{url}` is not https")]
    NotHttps {
        /// The URL.
        url: String,
    },
    /// A URL with a user or a password.
    #[error("the URL of host {host} has a user or a password")]
    UserInfo {
        /// The host.
        host: String,
    },
    /// A port that belongs to another protocol, whose servers could take the message for their own.
    #[error("port {port} of {host} belongs to another protocol than HTTP")]
    Port {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
    /// An address that may not be reached.
    #[error("{host} is {address}, which is {kind}: not permitted")]
    Address {
        /// The host.
        host: String,
        /// The address.
        address: IpAddr,
        /// What kind of address it is.
        kind: &'static str,
    },
    /// An entry of the list of permitted networks.
    #[error("`{text}` is not a network such as 10.1.0.0/16 or fd00::/8")]
    Network {
        /// The entry.
        text: String,
    },
    /// More entries than the list may have.
    #[error("more than {} networks", crate::limits::NETWORKS)]
    TooManyNetworks,
    /// The name of a host has no address.
    #[error("{host} has no address: {source}")]
    Resolve {
        /// The host.
        host: String,
        /// What the resolver says.
        source: io::Error,
    },
    /// Nobody answers at the addresses of a host.
    #[error("cannot connect to {host}: {source}")]
    Connect {
        /// The host.
        host: String,
        /// The last failure.
        source: io::Error,
    },
    /// No agreement on keys, or a certificate that is not that of the host.
    #[error("no secure connection to {host}: {source}")]
    Tls {
        /// The host.
        host: String,
        /// What is wrong.
        source: io::Error,
    },
    /// The machine has no certificates of authorities to check others by.
    #[error("no certificates of authorities on this machine: {reason}")]
    Roots {
        /// What was found.
        reason: String,
    },
    /// It took too long.
    #[error("{host}: {step} took longer than {seconds} s")]
    Timeout {
        /// The host.
        host: String,
        /// What took too long.
        step: &'static str,
        /// The limit.
        seconds: u64,
    },
    /// What came is no answer of HTTP.
    #[error("{host} gave no answer of HTTP: {reason}")]
    Answer {
        /// The host.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// A request that cannot be written.
    #[error("the request cannot be written: {reason}")]
    Request {
        /// Why.
        reason: String,
    },
    /// An event that waited too long behind others of its endpoint.
    #[error("the event has waited for {hours} hours behind others, and was not sent")]
    Expired {
        /// How long it may wait.
        hours: u64,
    },
    /// What keeps the deliveries cannot be asked or told.
    #[error("the deliveries cannot be reached: {reason}")]
    Store {
        /// Why.
        reason: String,
    },
}

impl Error {
    /// Returns the stable name of the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::Secret { .. } => "secret",
            Error::NoSecret => "no_secret",
            Error::TooManySecrets { .. } => "too_many_secrets",
            Error::Unsignable { .. } => "unsignable",
            Error::EventTooLarge { .. } => "event_too_large",
            Error::Url { .. } => "url",
            Error::NotHttps { .. } => "not_https",
            Error::UserInfo { .. } => "user_info",
            Error::Port { .. } => "port",
            Error::Address { .. } => "address_not_permitted",
            Error::Network { .. } => "network",
            Error::TooManyNetworks => "too_many_networks",
            Error::Resolve { .. } => "resolve",
            Error::Connect { .. } => "connect",
            Error::Tls { .. } => "tls",
            Error::Roots { .. } => "roots",
            Error::Timeout { .. } => "timeout",
            Error::Answer { .. } => "answer",
            Error::Request { .. } => "request",
            Error::Expired { .. } => "expired",
            Error::Store { .. } => "store",
        }
    }
}
