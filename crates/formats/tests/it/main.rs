//! The readers against real files, and against the golden files of this crate.

mod adyen;
mod alipay;
mod bai2;
mod camt;
mod camt_declared;
mod camt_models;
mod golden;
mod iso20022;
mod kit;
mod layouts;
mod mt940;
mod nacha;
mod paypal;
mod stripe;
mod variants;
mod wechat;
