//! A simulator of a wallet: it takes what [`suanpan_channels::alipay`] sends, over HTTP, and tells by notifications what
//! its customers have paid. How they behave stands in [`crate::wallet`].

mod host;
mod http;

pub use host::{Host, HostSettings};
pub use http::serve;

/// The keys with which shop and simulator begin when they are given no others. They stand in the source, so they protect
/// nothing.
pub mod keys {
    /// The shop signs with it.
    pub const APP_PRIVATE: &str = include_str!("alipay/app-private-key.pem");
    /// The simulator verifies with it.
    pub const APP_PUBLIC: &str = include_str!("alipay/app-public-key.pem");
    /// The simulator signs with it.
    pub const WALLET_PRIVATE: &str = include_str!("alipay/wallet-private-key.pem");
    /// The shop verifies with it.
    pub const WALLET_PUBLIC: &str = include_str!("alipay/wallet-public-key.pem");
}
