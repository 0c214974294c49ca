//! A card network: ISO 8583 over TCP, as UnionPay's host (CUPS) speaks it with institutions.
//!
//! [`CardNetwork`] makes messages out of requests and reads answers. [`Line`] is one connection: it signs on, gets the
//! keys, seals what goes out, checks what comes in, and says which answer belongs to which request. Neither does any
//! IO.
//!
//! | asked | message | processing code | condition | answered by |
//! |---|---|---|---|---|
//! | authorize, and take at once | `0200` | `000000` | `00` | `0210` |
//! | authorize | `0100` | `030000` | `06` | `0110` |
//! | capture | `0200` | `000000` | `06` | `0210` |
//! | void | `0100` | `200000` | `06` | `0110` |
//! | refund | `0220` | `200000` | `00` | `0230` |
//! | what became of any of these but a refund | `0420`, which undoes it | as there | as there | `0430` |
//! | what became of a refund | `0220` again, with the same trace number | | | `0230` |
//!
//! A payment by chip has its entry mode (22), the card's sequence number (23), track 2 (35), a PIN block where there is one
//! (52, 53) and field 55; its answer brings what the issuer says to the chip in field 55. The PIN block comes under the
//! key of the terminals, and goes out under the network's key of the day: [`Line`] seals it anew.
//!
//! The network has no inquiry: who does not know takes it back, again and again until that is answered (a reversal
//! advice). So an inquiry here ends in a decline, and the payer has paid nothing.
//!
//! Message usage and codes are those of the public field lists and messages in `shared/standards` (§5); what the
//! network's own manual says beyond that was not at hand.

mod answer;
mod line;
mod message;
mod vault;

pub use line::{Correlation, Ended, Event, Line, LineSettings, Management, PIN_KEY, sealed, wrapped};
pub use message::{Stamp, header_between, original_of};
pub use vault::{VaultKey, pan_of};

use crate::{Call, CardInput, Channel, ChannelAnswer, Request, TokenizedCard, Trace, VaultError};
use suanpan_messages::iso8583::UNIONPAY_HOST;
use suanpan_money::Timestamp;

/// Who we are at the network, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The name of the channel.
    pub name: String,
    /// The acquiring institution, 8 to 11 digits (field 32).
    pub acquirer: String,
    /// The institution that is connected (field 33).
    pub forwarder: String,
    /// The network, as the header names it.
    pub network: String,
    /// The merchant, 15 characters (field 42).
    pub merchant: String,
    /// The terminal, 8 characters (field 41).
    pub terminal: String,
    /// What the merchant sells, four digits (field 18).
    pub category: String,
    /// Name and place of the merchant, up to 40 characters of ASCII (field 43).
    pub merchant_name: String,
}

/// What is wrong with settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} of a card network must be {must}, and is `{value}`")]
pub struct SettingsError {
    /// Which.
    pub field: &'static str,
    /// What it must be.
    pub must: &'static str,
    /// What it is.
    pub value: String,
}

impl Settings {
    /// Checks lengths and characters.
    ///
    /// # Errors
    /// [`SettingsError`] names the first field that is wrong.
    pub fn check(&self) -> Result<(), SettingsError> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        let word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let institution = |text: &str| digits(text) && (8..=11).contains(&text.len());
        let fault = |field, must, value: &String| Err(SettingsError { field, must, value: value.clone() });
        if !word(&self.name.replace(['_', '-'], "")) || self.name.len() > 40 {
            return fault("name", "1 to 40 letters, digits, - or _", &self.name);
        }
        for (field, value) in
            [("acquirer", &self.acquirer), ("forwarder", &self.forwarder), ("network", &self.network)]
        {
            if !institution(value) {
                return fault(field, "8 to 11 digits", value);
            }
        }
        if self.merchant.len() != 15 || !word(&self.merchant) {
            return fault("merchant", "15 letters or digits", &self.merchant);
        }
        if self.terminal.len() != 8 || !word(&self.terminal) {
            return fault("terminal", "8 letters or digits", &self.terminal);
        }
        if self.category.len() != 4 || !digits(&self.category) {
            return fault("category", "4 digits", &self.category);
        }
        if self.merchant_name.len() > 40 || !plain(&self.merchant_name) {
            return fault("merchant_name", "up to 40 characters of ASCII", &self.merchant_name);
        }
        Ok(())
    }
}

/// The channel.
#[derive(Debug, Clone)]
pub struct CardNetwork {
    settings: Settings,
    vault: VaultKey,
}

impl CardNetwork {
    /// Makes the channel. Card numbers are sealed in their tokens under a key.
    ///
    /// # Errors
    /// [`SettingsError`] names the first field that is wrong.
    pub fn new(settings: Settings, vault: VaultKey) -> Result<CardNetwork, SettingsError> {
        settings.check()?;
        Ok(CardNetwork { settings, vault })
    }
}

impl Channel for CardNetwork {
    fn name(&self) -> &str {
        &self.settings.name
    }

    /// Without authentication code: the line has the key of the day. None without a card that can be opened, or without
    /// a moment: the network would look for what it cannot know, and say that there is nothing.
    fn build(&self, request: &Request) -> Option<Vec<u8>> {
        let card = vault::open(&self.vault, request.token.as_deref()?)?;
        let of_accounts = matches!(request.about, Call::Payout | Call::SignUp | Call::ConfirmSignUp);
        if request.trace <= Trace::default() || of_accounts {
            return None;
        }
        UNIONPAY_HOST.encode(&message::of(&self.settings, request, &card)).ok()
    }

    fn read(&self, request: &Request, bytes: &[u8]) -> ChannelAnswer {
        match UNIONPAY_HOST.view(bytes) {
            Ok(view) => answer::read(&self.settings, request, &view),
            Err(error) => ChannelAnswer::Unknown { why: format!("the answer cannot be read: {error}") },
        }
    }

    fn tokenize(
        &self,
        card: &CardInput,
        key: &[u8; 32],
        now: Timestamp,
    ) -> Result<TokenizedCard, VaultError> {
        vault::tokenize(&self.vault, card, key, now)
    }
}
