//! head.001: the header of a business message.

use super::part::{choices, parts};
use super::party::{Agent, Party};
use super::value::{Moment, Text};

parts! {
    /// The header of a business message (`BusinessApplicationHeaderV02`). Signatures are not read.
    pub struct Header {
        /// The set of characters.
        characters: Option<Text<35>> = "CharSet",
        /// From whom.
        from: Option<HeaderParty> = needed "Fr",
        /// To whom.
        to: Option<HeaderParty> = needed "To",
        /// The message.
        message: Option<Text<35>> = needed "BizMsgIdr",
        /// Its definition: `pacs.008.001.08`.
        definition: Option<Text<35>> = needed "MsgDefIdr",
        /// The service: `swift.cbprplus.02`.
        service: Option<Text<35>> = "BizSvc",
        /// The practice of the market.
        practice: Option<Box<Practice>> = "MktPrctc",
        /// When it was made.
        created: Option<Moment> = needed "CreDt",
        /// When it is to be processed.
        process: Option<Moment> = "BizPrcgDt",
        /// Whether a copy or a duplicate: `CODU`, `COPY`, `DUPL`.
        copy: Option<Text<4>> = "CpyDplct",
        /// Whether it may have been sent before.
        possible_duplicate: Option<bool> = "PssblDplct",
        /// How urgent.
        priority: Option<Text<4>> = "Prty",
    }

    /// The practice of a market.
    pub struct Practice {
        /// Who keeps it.
        registry: Option<Text<350>> = needed "Regy",
        /// Its name.
        id: Option<Text<2048>> = needed "Id",
    }
}

choices! {
    /// A side of a business message.
    pub enum HeaderParty {
        /// An organisation.
        Organisation(Box<Party>) = "OrgId",
        /// An institution.
        Institution(Box<Agent>) = "FIId",
    }
}

impl HeaderParty {
    /// Makes an institution of its BIC.
    #[must_use]
    pub fn of_bic(bic: &str) -> HeaderParty {
        HeaderParty::Institution(Box::new(Agent::of_bic(bic)))
    }

    /// Returns its name, or by what the institution is best told.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            HeaderParty::Organisation(party) => party.name.as_deref().unwrap_or_default(),
            HeaderParty::Institution(agent) => agent.text(),
        }
    }
}
