//! A simulator of a clearing network and of the banks behind it: it takes what [`suanpan_channels::clearing`] sends, over
//! HTTP, EPCC-style after public traces. It is not the network's own system, nor its schema.
//!
//! An account says by its last two digits how it behaves: `00` pays at once, `01` is accepted and pays after a while, `02`
//! is accepted and refused after a while, `51` has too little money, `07` is refused by its bank, and of `04` the bank
//! knows another holder, so that there is no agreement about it. Any other pays at once.
//!
//! Its rules: one transaction under one name, however often it comes; a debit needs an agreement that was signed with the
//! code which the bank sent, and that stands; three wrong codes end a sign-up; a debit, and all of one agreement on one
//! day, have a limit; what goes back is never more than was taken. A message that was sent more than a minute ago is
//! refused.

mod banks;
mod host;
mod http;
mod money;

pub use banks::Payout;
pub use host::{Host, HostSettings};
pub use http::serve;

/// Who institution and network are when nothing else is said. The numbers are of public traces.
pub mod parties {
    /// The payment company.
    pub const INSTITUTION: &str = "Z2004344000017";
    /// The network.
    pub const NETWORK: &str = "G4000311000018";
    /// A bank.
    pub const BANK: &str = "C1081421000051";
}

/// The keys with which institution and simulator begin when they are given no others. They stand in the source, so they
/// protect nothing. There is a pair of each kind.
pub mod keys {
    /// The institution signs with it: SM2.
    pub const INSTITUTION_SM2_PRIVATE: &str = include_str!("clearing/institution-sm2-private.pem");
    /// The simulator verifies with it.
    pub const INSTITUTION_SM2_PUBLIC: &str = include_str!("clearing/institution-sm2-public.pem");
    /// The serial number of a certificate for it, which nobody has made.
    pub const INSTITUTION_SM2_SERIAL: &str = "4002567531";
    /// The institution signs with it: RSA.
    pub const INSTITUTION_RSA_PRIVATE: &str = include_str!("clearing/institution-rsa-private.pem");
    /// The simulator verifies with it.
    pub const INSTITUTION_RSA_PUBLIC: &str = include_str!("clearing/institution-rsa-public.pem");
    /// The serial number of a certificate for it, which nobody has made.
    pub const INSTITUTION_RSA_SERIAL: &str = "4002567532";
    /// The simulator signs with it: SM2.
    pub const NETWORK_SM2_PRIVATE: &str = include_str!("clearing/network-sm2-private.pem");
    /// The institution verifies with it.
    pub const NETWORK_SM2_PUBLIC: &str = include_str!("clearing/network-sm2-public.pem");
    /// The serial number of a certificate for it, which nobody has made.
    pub const NETWORK_SM2_SERIAL: &str = "4000227191";
    /// The simulator signs with it: RSA.
    pub const NETWORK_RSA_PRIVATE: &str = include_str!("clearing/network-rsa-private.pem");
    /// The institution verifies with it.
    pub const NETWORK_RSA_PUBLIC: &str = include_str!("clearing/network-rsa-public.pem");
    /// The serial number of a certificate for it, which nobody has made.
    pub const NETWORK_RSA_SERIAL: &str = "4000227192";
}
