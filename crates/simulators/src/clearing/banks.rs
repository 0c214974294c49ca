//! What the banks behind the network hold true: sign-ups, agreements, and what was paid out.

use std::collections::{BTreeMap, HashMap};
use suanpan_messages::clearing::BatchId;
use suanpan_messages::clearing::record::SignUp;

/// Wrong codes that end a sign-up.
const WRONG_CODES_MAX: u32 = 3;
/// For how long a code is good.
pub(super) const CODE_SECONDS: i64 = 300;
/// Sign-ups, and payouts, that are remembered.
const REMEMBERED: usize = 1_000_000;

/// What an account does, by its last two digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behaviour {
    Pays,
    PaysLater,
    RefusesLater,
    IsPoor,
    Refuses,
    IsAnothers,
}

impl Behaviour {
    pub(super) fn of(account: &str) -> Behaviour {
        match account.get(account.len().saturating_sub(2)..).unwrap_or_default() {
            "01" => Behaviour::PaysLater,
            "02" => Behaviour::RefusesLater,
            "04" => Behaviour::IsAnothers,
            "07" => Behaviour::Refuses,
            "51" => Behaviour::IsPoor,
            _ => Behaviour::Pays,
        }
    }
}

/// Codes of answers. They are ours.
pub(super) mod code {
    pub(in crate::clearing) const POOR: &str = "PB510001";
    pub(in crate::clearing) const LIMIT: &str = "PB510002";
    pub(in crate::clearing) const NO_AGREEMENT: &str = "PB510003";
    pub(in crate::clearing) const ANOTHERS: &str = "PB510004";
    pub(in crate::clearing) const WRONG_CODE: &str = "PB510005";
    pub(in crate::clearing) const NO_CODE: &str = "PB510006";
    pub(in crate::clearing) const REFUSED: &str = "PB510007";
    pub(in crate::clearing) const NOT_FOUND: &str = "PB520001";
    pub(in crate::clearing) const OTHER_CONTENT: &str = "PB520002";
    pub(in crate::clearing) const TOO_MUCH: &str = "PB520003";
    pub(in crate::clearing) const UNREADABLE: &str = "PS500001";
    pub(in crate::clearing) const STALE: &str = "PS500003";
    pub(in crate::clearing) const FULL: &str = "PS500004";
}

/// How far a sign-up is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// The code was sent.
    Asked,
    /// It is signed: the agreement.
    Signed(String),
    /// It came to nothing.
    Failed(&'static str),
}

#[derive(Debug)]
struct SignedUp {
    bank: String,
    account: String,
    code: String,
    until: i64,
    wrong: u32,
    progress: Progress,
}

/// An agreement about an account.
#[derive(Debug)]
pub(super) struct Agreement {
    pub(super) bank: String,
    pub(super) account: String,
    pub(super) stands: bool,
    /// What was taken on the last day that anything was, in fen.
    pub(super) taken: (i64, u64),
}

/// A payout, as the network holds it true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    /// How much, in fen.
    pub amount_minor: u64,
    /// Whether it is decided: whether the bank has taken it.
    pub paid: Option<bool>,
    /// The batch of clearing.
    pub batch: BatchId,
    pub(super) account: String,
    pub(super) number: String,
}

/// A debit, beside what the trade of the same name says.
#[derive(Debug)]
pub(super) struct Debited {
    pub(super) sign_no: String,
    pub(super) batch: BatchId,
    /// Why it failed.
    pub(super) reason: &'static str,
    pub(super) refuses: bool,
}

/// All banks.
#[derive(Debug, Default)]
pub(super) struct Banks {
    sign_ups: HashMap<String, SignedUp>,
    agreements: HashMap<String, Agreement>,
    /// The code that was sent last, by telephone.
    codes: HashMap<String, String>,
    pub(super) debits: HashMap<String, Debited>,
    /// The batches of refunds that were done, by their names.
    pub(super) refunds: HashMap<String, BatchId>,
    pub(super) payouts: BTreeMap<String, Payout>,
}

impl Banks {
    /// Takes a request for an agreement in, once. The code goes to the telephone. None when it says something else than
    /// before, or there is no more room.
    pub(super) fn ask(&mut self, asked: &SignUp, now: i64) -> Option<Progress> {
        let trade = &asked.trade;
        if let Some(before) = self.sign_ups.get(trade) {
            let same = before.bank == asked.bank && before.account == asked.account.0;
            return same.then(|| self.progress(trade, now)).flatten();
        }
        if self.sign_ups.len() >= REMEMBERED {
            return None;
        }
        let good = asked.phone.0.len() == 11 && asked.account.0.len() >= 8 && !asked.holder.0.is_empty();
        let progress = match Behaviour::of(&asked.account.0) {
            Behaviour::IsAnothers => Progress::Failed(code::ANOTHERS),
            _ if !good => Progress::Failed(code::ANOTHERS),
            _ => Progress::Asked,
        };
        let hash = blake3::keyed_hash(b"codes that simulated banks send.", trade.as_bytes());
        let drawn = u32::from_le_bytes(hash.as_bytes()[..4].try_into().unwrap_or_default());
        let code = format!("{:06}", drawn % 1_000_000);
        if progress == Progress::Asked {
            self.codes.insert(asked.phone.0.clone(), code.clone());
        }
        let (bank, account) = (asked.bank.clone(), asked.account.0.clone());
        let until = now + CODE_SECONDS;
        let signed_up = SignedUp { bank, account, code, until, wrong: 0, progress: progress.clone() };
        self.sign_ups.insert(trade.clone(), signed_up);
        Some(progress)
    }

    /// Signs an agreement with a code. None when nothing was asked for under that name. The second is true when the code
    /// is wrong.
    pub(super) fn sign(&mut self, trade: &str, code: &str, now: i64) -> Option<(Progress, bool)> {
        self.progress(trade, now)?;
        let number = self.agreements.len() + 1;
        let signed_up = self.sign_ups.get_mut(trade)?;
        if signed_up.progress != Progress::Asked {
            return Some((signed_up.progress.clone(), false));
        }
        if signed_up.code != code {
            signed_up.wrong += 1;
            if signed_up.wrong >= WRONG_CODES_MAX {
                signed_up.progress = Progress::Failed(code::NO_CODE);
            }
            return Some((signed_up.progress.clone(), true));
        }
        let sign_no = format!("EPSIM{number:019}");
        signed_up.progress = Progress::Signed(sign_no.clone());
        let (bank, account) = (signed_up.bank.clone(), signed_up.account.clone());
        self.agreements.insert(sign_no.clone(), Agreement { bank, account, stands: true, taken: (0, 0) });
        Some((Progress::Signed(sign_no), false))
    }

    /// Says how far a sign-up is; none when there is none.
    pub(super) fn progress(&mut self, trade: &str, now: i64) -> Option<Progress> {
        let signed_up = self.sign_ups.get_mut(trade)?;
        if signed_up.progress == Progress::Asked && now >= signed_up.until {
            signed_up.progress = Progress::Failed(code::NO_CODE);
        }
        Some(signed_up.progress.clone())
    }

    /// The code that was sent to a telephone last.
    pub(super) fn code_of(&self, phone: &str) -> Option<String> {
        self.codes.get(phone).cloned()
    }

    pub(super) fn agreement(&mut self, sign_no: &str) -> Option<&mut Agreement> {
        self.agreements.get_mut(sign_no)
    }

    /// Takes a payout in, once.
    pub(super) fn pay_out(&mut self, trade: &str, payout: Payout) -> bool {
        if self.payouts.len() >= REMEMBERED {
            return false;
        }
        self.payouts.insert(trade.to_owned(), payout);
        true
    }
}
