//! A clearing network between payment companies and banks, EPCC-style, after public traces: money is taken from accounts
//! by agreement, given back, and paid out. It is **not the network's own schema**, which only its members have: see
//! [`suanpan_messages::clearing`], which tells what follows traces and what is ours.
//!
//! | asked | message | category |
//! |---|---|---|
//! | ask for an agreement | `epcc.101.001.01` | `0201`: the bank sends a code to the holder |
//! | sign it | `epcc.101.001.01`, under the same `TrxId` | `0202`, with the code |
//! | take money | `epcc.201.001.01` | `0110` |
//! | give it back | `epcc.213.001.01` | `0112` |
//! | pay out | `epcc.211.001.01` | `0111` |
//! | what became of any of these | `epcc.301.001.01` | that of what is asked about |
//!
//! An answer says how far something is: accepted, succeeded or failed. What is accepted is asked about, or told of by a
//! notification, until it is one of the others. A debit that was asked for is not taken back: calling it off
//! ([`Call::Void`]) is to look first, and to give back as a refund what was taken. It is never done to find out.
//!
//! The network refuses a message that was sent more than a minute ago, so what it does not know two minutes after it was
//! sent was not done. An answer is believed when the network has signed it within a minute of now and it is about what was
//! asked; so the clock must be right.

mod answer;
mod call;
mod notification;

use crate::card_network::VaultKey;
use crate::wallet::{is_on_its_way, unknown};
use crate::{
    AccountInput, Call, HttpChannel, Lost, Notification, NotificationError, Request, Step, Trace, unanswered,
};
use call::Ask;
use http::HeaderMap;
use suanpan_messages::clearing::BatchId;
use suanpan_messages::clearing::key::{Signer, Verifiers, is_serial};
use suanpan_messages::clearing::record::TotalsAnswer;
use suanpan_money::{Currency, Timestamp};
use zeroize::Zeroizing;

/// Where all messages go at the network's host, as in public traces.
pub const PATH: &str = "/preSvr";
/// The longest code that a bank sends to a holder.
const CODE_CHARS_MAX: usize = 12;
/// What the token of an account begins with.
const ACCOUNT: &str = "acct1.";

/// Who we are at the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The channel's name, which stands in account paths.
    pub name: String,
    /// We, as the network numbers us: `Z2004344000017`.
    pub institution: String,
    /// The network: `G4000311000018`.
    pub network: String,
    /// The account that debits go to, with us.
    pub payee: String,
    /// Its name, which the holder of an account sees.
    pub payee_name: String,
    /// The reserve account in which the money is held.
    pub reserve: String,
    /// Its name.
    pub reserve_name: String,
    /// Its bank.
    pub reserve_bank: String,
    /// How many batches of clearing a day has.
    pub batches_per_day: u16,
    /// For how long a code of a bank is good.
    pub code_seconds: i64,
    /// Where notifications go; none are sent without it.
    pub notify_url: Option<String>,
}

/// What is wrong with settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} of a clearing network must be {must}, and is `{value}`")]
pub struct SettingsError {
    /// Which.
    pub field: &'static str,
    /// What it must be.
    pub must: &'static str,
    /// What it is.
    pub value: String,
}

impl Settings {
    fn check(&self) -> Result<(), SettingsError> {
        let fault =
            |field, must, value: &dyn ToString| Err(SettingsError { field, must, value: value.to_string() });
        let word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !(1..=40).contains(&self.name.len()) || !word(&self.name) {
            return fault("name", "1 to 40 letters, digits and underscores", &self.name);
        }
        for (field, value) in [
            ("institution", &self.institution),
            ("network", &self.network),
            ("reserve_bank", &self.reserve_bank),
        ] {
            if !is_institution(value) {
                return fault(field, "a capital letter and 13 digits", value);
            }
        }
        for (field, value) in [("payee", &self.payee), ("reserve", &self.reserve)] {
            if !(1..=34).contains(&value.len()) || !word(value) {
                return fault(field, "1 to 34 letters and digits", value);
            }
        }
        for (field, value) in [("payee_name", &self.payee_name), ("reserve_name", &self.reserve_name)] {
            if !(1..=60).contains(&value.chars().count()) || value.chars().any(char::is_control) {
                return fault(field, "1 to 60 characters", value);
            }
        }
        if !(1..=96).contains(&self.batches_per_day) {
            return fault("batches_per_day", "1 to 96", &self.batches_per_day);
        }
        if !(60..=1_800).contains(&self.code_seconds) {
            return fault("code_seconds", "60 to 1800", &self.code_seconds);
        }
        match self.notify_url.as_ref().filter(|url| !url.starts_with("http") || url.len() > 200) {
            Some(url) => fault("notify_url", "an address of up to 200 characters", url),
            None => Ok(()),
        }
    }
}

/// Whether a text is the number of an institution at the network.
fn is_institution(text: &str) -> bool {
    let (letter, digits) = text.split_at_checked(1).unwrap_or_default();
    let capital = letter.bytes().all(|byte| byte.is_ascii_uppercase());
    text.len() == 14 && capital && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A clearing network.
pub struct Clearing {
    settings: Settings,
    /// Signs what is sent.
    own: Signer,
    /// Verify what comes, by the serial numbers of the network's certificates.
    theirs: Verifiers,
    /// Accounts are sealed under it, and nothing else.
    vault: VaultKey,
    currency: Currency,
}

impl Clearing {
    /// Makes a channel. `vault` must be a key for this purpose alone.
    ///
    /// # Errors
    /// [`SettingsError`] names what cannot be.
    pub fn new(
        settings: Settings,
        own: Signer,
        theirs: Verifiers,
        vault: VaultKey,
    ) -> Result<Clearing, SettingsError> {
        settings.check()?;
        if let Some(serial) = theirs.0.keys().chain([&own.serial]).find(|serial| !is_serial(serial)) {
            let must = "1 to 40 letters and digits";
            return Err(SettingsError { field: "serial", must, value: serial.clone() });
        }
        if theirs.0.is_empty() {
            let (field, must) = ("network_public_key_files", "one key at least");
            return Err(SettingsError { field, must, value: "none".to_owned() });
        }
        let currency = Currency::parse("CNY").expect("ISO 4217 has it");
        Ok(Clearing { settings, own, theirs, vault, currency })
    }

    fn send(&self, ask: &Ask, request: &Request) -> Step {
        match call::signed(self, ask, request) {
            Some(call) => Step::Send(call),
            None => Step::Is(unanswered(request, Lost::Untried)),
        }
    }

    /// Looks at a debit, then gives back what was taken by it.
    fn call_off(&self, request: &Request, heard: &[http::Response<Vec<u8>>]) -> Step {
        let [found, rest @ ..] = heard else { return self.send(&Ask::inquiry(request), request) };
        match (answer::to_call_off(self, request, found), rest) {
            (Err(answer), _) => Step::Is(answer),
            (Ok(()), []) => self.send(&Ask::refund_all(request), request),
            (Ok(()), [done, ..]) => Step::Is(answer::called_off(self, request, done)),
        }
    }

    /// A refund that is not found may not have arrived: it is sent again as it was, which does it once at most.
    fn inquire_refund(&self, request: &Request, heard: &[http::Response<Vec<u8>>]) -> Step {
        match heard {
            [] => self.send(&Ask::inquiry(request), request),
            [found] if answer::is_lost(self, request, found) => self.send(&Ask::refund(request), request),
            [found] => Step::Is(answer::read(self, &Ask::inquiry(request), request, found)),
            [_, again, ..] => Step::Is(answer::read(self, &Ask::refund(request), request, again)),
        }
    }

    /// Makes the call that asks for the totals of a batch of clearing; none when it cannot be signed.
    #[must_use]
    pub fn ask_totals(&self, batch: BatchId, now: Timestamp) -> Option<http::Request<Vec<u8>>> {
        call::totals(self, batch, now)
    }

    /// Reads the totals of a batch.
    ///
    /// # Errors
    /// Why the answer tells nothing.
    pub fn read_totals(
        &self,
        batch: BatchId,
        now: Timestamp,
        answer: &http::Response<Vec<u8>>,
    ) -> Result<TotalsAnswer, String> {
        answer::totals(self, batch, now, answer)
    }

    /// Returns the batch of clearing into which a request falls: that of its first call, where that is known.
    fn batch(&self, request: &Request) -> Option<BatchId> {
        let known = request.trace > Trace::default();
        let at = if known { crate::wallet::born(request) } else { request.now };
        BatchId::of(at, self.settings.batches_per_day)
    }
}

impl HttpChannel for Clearing {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn next(&self, request: &Request, heard: &[http::Response<Vec<u8>>]) -> Step {
        let Some(ask) = Ask::of(self, request) else {
            return Step::Is(unanswered(request, Lost::Untried));
        };
        match (request.call, request.about, heard) {
            (Call::Void, _, _) | (Call::Inquire, Call::Void, _) => self.call_off(request, heard),
            (Call::Inquire, Call::Refund, _) => self.inquire_refund(request, heard),
            (_, _, []) => self.send(&ask, request),
            (_, _, [said, ..]) => Step::Is(answer::read(self, &ask, request, said)),
        }
    }

    fn seal_account(&self, account: &AccountInput) -> Option<String> {
        Some(seal(&self.vault, account))
    }

    fn notification(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Notification, NotificationError> {
        notification::read(self, headers, body, now)
    }
}

/// Seals an account into a token.
fn seal(vault: &VaultKey, account: &AccountInput) -> String {
    let AccountInput { bank, number, holder, id_number, phone } = account;
    let text = [bank, number, holder, id_number, phone].map(String::as_str).join("\n");
    vault.seal(ACCOUNT, Zeroizing::new(text.into_bytes()))
}

/// Opens the token of an account.
fn open(vault: &VaultKey, token: &str) -> Option<AccountInput> {
    let text = vault.open(ACCOUNT, token)?;
    let parts: Vec<&str> = text.split('\n').collect();
    let [bank, number, holder, id_number, phone] = parts.as_slice() else { return None };
    Some(AccountInput {
        bank: (*bank).to_owned(),
        number: (*number).to_owned(),
        holder: (*holder).to_owned(),
        id_number: (*id_number).to_owned(),
        phone: (*phone).to_owned(),
    })
}

/// What the token of an agreement is: its bank and its number.
#[must_use]
pub fn agreement_token(bank: &str, sign_no: &str) -> String {
    format!("{bank}:{sign_no}")
}

/// Reads the token of an agreement: its bank and its number.
fn agreement(token: &str) -> Option<(&str, &str)> {
    let (bank, sign_no) = token.split_once(':')?;
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let good = (1..=64).contains(&sign_no.len()) && sign_no.bytes().all(word);
    (is_institution(bank) && good).then_some((bank, sign_no))
}

/// Says why a request is not decided yet, when the network knows nothing of it.
fn not_yet(request: &Request) -> Option<crate::ChannelAnswer> {
    is_on_its_way(request).then(|| unknown("the network knows of no such transaction yet"))
}
