//! A simulator of a wallet: it takes what [`suanpan_channels::wechat`] sends, over HTTP, and tells by notifications what
//! was paid to codes that were shown; of codes that were scanned it tells nothing by itself. How its customers behave
//! stands in [`crate::wallet`]. Refunds are `PROCESSING` for a while.

mod host;
mod http;

pub use host::{Host, HostSettings};
pub use http::serve;

/// The keys with which shop and simulator begin when they are given no others. They stand in the source, so they protect
/// nothing.
pub mod keys {
    /// The shop signs with it.
    pub const MERCHANT_PRIVATE: &str = include_str!("wechat/merchant-private-key.pem");
    /// The simulator verifies with it.
    pub const MERCHANT_PUBLIC: &str = include_str!("wechat/merchant-public-key.pem");
    /// The serial number of a certificate for it, which nobody has made.
    pub const MERCHANT_SERIAL: &str = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1";
    /// The simulator signs with it.
    pub const WALLET_PRIVATE: &str = include_str!("wechat/wallet-private-key.pem");
    /// The shop verifies with it.
    pub const WALLET_PUBLIC: &str = include_str!("wechat/wallet-public-key.pem");
    /// What the simulator calls it.
    pub const WALLET_SERIAL: &str = "PUB_KEY_ID_0000000000000024112800000000000001";
    /// Notifications are sealed under it: 32 characters.
    pub const RESOURCE: &str = include_str!("wechat/api-v3-key");
}
