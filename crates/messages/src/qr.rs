//! EMVCo QR codes for payment: presented by the merchant ([`merchant`]) and by the consumer ([`consumer`]).

pub mod consumer;
pub mod merchant;
