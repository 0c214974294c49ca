//! What comes of presenting a card.

use std::fmt;
use suanpan_messages::emv::answer::{AnswerError, ResponseError, Status};
use suanpan_messages::emv::data::{ChipData, ChipDataError};
use suanpan_messages::emv::dol::DolError;
use suanpan_messages::emv::track::Track2;
use suanpan_messages::tlv::{Tag, TlvError};

/// What comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The issuer is to decide.
    Online(OnlineRequest),
    /// No. Nobody was asked for money.
    Refused(Refusal),
}

/// What goes to the issuer. The card number shows itself masked.
#[derive(Clone, PartialEq, Eq)]
pub struct OnlineRequest {
    /// The application, to be selected by again.
    pub application: Vec<u8>,
    /// What the card calls it, in letters that can be shown.
    pub label: Option<String>,
    /// Track 2.
    pub track_2: Track2,
    /// The card among those of its number (5F34); 0 where the card does not say.
    pub sequence: u8,
    /// The counter of the card's payments.
    pub counter: u16,
    /// What ISO 8583 carries in field 55.
    pub chip_data: ChipData,
    /// How the holder is verified.
    pub verification: Verification,
    /// Whether the card wants to have the issuer's answer.
    pub wants_answer: bool,
}

impl fmt::Debug for OnlineRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnlineRequest")
            .field("label", &self.label)
            .field("track_2", &self.track_2)
            .field("counter", &self.counter)
            .field("verification", &self.verification)
            .finish_non_exhaustive()
    }
}

/// How the holder of the card is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// Not at all: the amount is small.
    None,
    /// By a PIN that goes to the issuer.
    OnlinePin,
    /// By the telephone that is the card.
    OnDevice,
}

impl Verification {
    /// The cardholder verification method results (9F34): the method, its condition, its result (EMV 4.3, book 4, A4).
    pub(crate) const fn results(self) -> [u8; 3] {
        match self {
            Verification::None => [0x1F, 0x00, 0x02],
            // Whether it is right, the issuer says.
            Verification::OnlinePin => [0x02, 0x00, 0x00],
            Verification::OnDevice => [0x01, 0x00, 0x02],
        }
    }
}

/// Why a card is refused before anybody is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no card for contactless payments.
    #[error("the card offers no contactless payment: {0}")]
    NoDirectory(Status),
    /// It has no application that is taken here.
    #[error("the card has no application that is taken here")]
    NoApplication,
    /// All that are taken refuse to be used.
    #[error("the card refuses to pay: {0}")]
    CardRefuses(Status),
    /// An answer is none.
    #[error(transparent)]
    Response(#[from] ResponseError),
    /// An answer does not say what it should.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// What the card wants to be told cannot be read.
    #[error("what the card asks for: {0}")]
    Asked(#[from] DolError),
    /// Its data cannot be read.
    #[error("the data of the card: {0}")]
    Data(#[from] ChipDataError),
    /// Something that is needed is not there.
    #[error("the card does not give {0}")]
    Missing(Tag),
    /// Two of its data say different things.
    #[error("the card says two different things: {0}")]
    Contradiction(&'static str),
    /// It has expired.
    #[error("the card has expired")]
    Expired,
    /// It may not be used yet.
    #[error("the card may not be used yet")]
    NotYet,
    /// It may not be used here, or for purchases.
    #[error("the card may not be used here for purchases")]
    NotHere,
    /// The card itself declines.
    #[error("the card declines")]
    CardDeclines,
    /// The card approves without its issuer, which was not asked for and is not taken.
    #[error("the card approves without asking its issuer, which is not taken here")]
    Offline,
    /// The card does not say which cryptogram it gave.
    #[error("the card does not say what its cryptogram stands for")]
    Unsaid,
    /// There is no way to verify the holder that both sides know.
    #[error("the card asks for a signature, which is not taken here")]
    Signature,
    /// It never comes to an end.
    #[error("the card keeps the terminal busy without an end")]
    Endless,
}

impl From<TlvError> for Refusal {
    fn from(error: TlvError) -> Refusal {
        Refusal::Answer(AnswerError::Tlv(error))
    }
}
