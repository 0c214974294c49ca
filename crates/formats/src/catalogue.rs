//! All formats, and how the one of a file is told.

use crate::event::Stop;
use crate::head::Head;
use crate::input::{Input, Options};
use crate::layout::Layout;
use crate::output::Output;
use std::sync::Arc;

/// What a format says of the head of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The file is of this format, because of this: `line 1 begins with "#支付宝业务明细查询"`.
    Yes(String),
    /// It is not, because of this: `no line holds the column 微信订单号`.
    No(String),
}

impl Verdict {
    /// Makes a verdict from a finding: `Some` evidence, or else why not.
    #[must_use]
    pub fn from_evidence(evidence: Option<String>, otherwise: &str) -> Verdict {
        evidence.map_or_else(|| Verdict::No(otherwise.to_owned()), Verdict::Yes)
    }
}

/// A format whose reader is code.
pub struct BuiltIn {
    /// Its name in commands and files: `wechat.trade-bill`.
    pub id: &'static str,
    /// Its name for people: `WeChat Pay trade bill`.
    pub title: &'static str,
    /// Tells from the head whether a file is of this format. Must be cheap and must not guess: what two
    /// formats claim is refused.
    pub recognise: fn(&Head) -> Verdict,
    /// Reads a file.
    pub read: fn(Input<'_>, &Options, &mut Output<'_>) -> Result<(), Stop>,
}

/// A format of the catalogue.
#[derive(Clone)]
pub enum Format {
    /// One whose reader is code.
    BuiltIn(&'static BuiltIn),
    /// One that a layout describes.
    Layout(Arc<Layout>),
}

impl Format {
    /// Returns its name in commands and files.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Format::BuiltIn(format) => format.id,
            Format::Layout(layout) => layout.id(),
        }
    }

    /// Returns its name for people.
    #[must_use]
    pub fn title(&self) -> &str {
        match self {
            Format::BuiltIn(format) => format.title,
            Format::Layout(layout) => layout.title(),
        }
    }

    /// Tells from the head whether a file is of this format.
    #[must_use]
    pub fn recognise(&self, head: &Head) -> Verdict {
        match self {
            Format::BuiltIn(format) => (format.recognise)(head),
            Format::Layout(layout) => layout.recognise(head),
        }
    }

    pub(crate) fn read(
        &self,
        input: Input<'_>,
        options: &Options,
        output: &mut Output<'_>,
    ) -> Result<(), Stop> {
        match self {
            Format::BuiltIn(format) => (format.read)(input, options, output),
            Format::Layout(layout) => layout.read(input, options, output),
        }
    }
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Format").field(&self.id()).finish()
    }
}

/// A format that was tried on a file, and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The format's id.
    pub id: String,
    /// The format's title.
    pub title: String,
    /// What it said.
    pub verdict: Verdict,
}

/// The one format of a file.
#[derive(Debug, Clone)]
pub struct Identified {
    /// The format.
    pub format: Format,
    /// Why.
    pub evidence: String,
}

/// Why the format of a file cannot be told. Both list what was tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentifyError {
    /// No format claims it.
    #[error("no known format")]
    None {
        /// All formats and why it is none of them.
        tried: Vec<Candidate>,
    },
    /// More than one format claims it.
    #[error("looks like {}", .claimed.iter().map(|c| c.title.as_str()).collect::<Vec<_>>().join(" and like "))]
    Several {
        /// Those that claim it.
        claimed: Vec<Candidate>,
    },
}

/// A list of formats.
#[derive(Debug, Clone)]
pub struct Catalogue {
    formats: Vec<Format>,
    /// How many of them, at the end, were added.
    added: usize,
}

impl Catalogue {
    /// Returns all formats that come with the program.
    #[must_use]
    pub fn built_in() -> Catalogue {
        let code = BUILT_IN.iter().copied().map(Format::BuiltIn);
        let layouts = crate::layout::BUILT_IN.iter().cloned().map(Format::Layout);
        Catalogue { formats: code.chain(layouts).collect(), added: 0 }
    }

    /// Adds a layout. It takes the place of a format with the same id that came with the program.
    ///
    /// # Errors
    /// Gives the layout back when one with its id was added before.
    pub fn add(&mut self, layout: Arc<Layout>) -> Result<(), Arc<Layout>> {
        if self.added().any(|format| format.id() == layout.id()) {
            return Err(layout);
        }
        self.formats.retain(|format| format.id() != layout.id());
        self.formats.push(Format::Layout(layout));
        self.added += 1;
        Ok(())
    }

    /// Iterates over the formats that were added.
    pub fn added(&self) -> impl Iterator<Item = &Format> {
        self.formats.iter().skip(self.formats.len() - self.added)
    }

    /// Iterates over the formats.
    pub fn formats(&self) -> impl Iterator<Item = &Format> {
        self.formats.iter()
    }

    /// Finds a format by its id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Format> {
        self.formats.iter().find(|format| format.id() == id)
    }

    /// Tells the format of a file by its content.
    ///
    /// # Errors
    /// When none or more than one format claims the file.
    pub fn identify(&self, head: &Head) -> Result<Identified, IdentifyError> {
        let mut tried = Vec::with_capacity(self.formats.len());
        let mut claimed = Vec::new();
        for format in &self.formats {
            let verdict = format.recognise(head);
            if let Verdict::Yes(evidence) = &verdict {
                claimed.push(Identified { format: format.clone(), evidence: evidence.clone() });
            }
            tried.push(Candidate { id: format.id().to_owned(), title: format.title().to_owned(), verdict });
        }
        match claimed.len() {
            0 => Err(IdentifyError::None { tried }),
            1 => Ok(claimed.remove(0)),
            _ => {
                tried.retain(|candidate| matches!(candidate.verdict, Verdict::Yes(_)));
                Err(IdentifyError::Several { claimed: tried })
            }
        }
    }
}

/// The formats whose readers are code, in the order in which they are listed.
const BUILT_IN: &[&BuiltIn] = &[
    &crate::camt::REPORT,
    &crate::camt::STATEMENT,
    &crate::camt::NOTIFICATION,
    &crate::iso20022::INITIATION,
    &crate::iso20022::CUSTOMER_REPORT,
    &crate::iso20022::CREDIT_TRANSFER,
    &crate::iso20022::STATUS_REPORT,
    &crate::iso20022::RETURN,
    &crate::iso20022::CANCELLATION_REQUEST,
    &crate::iso20022::RESOLUTION,
    &crate::wechat::TRADE_BILL,
    &crate::alipay::TRADE_BILL,
    &crate::alipay::FUND_BILL,
    &crate::alipay::TRADE_TOTALS,
    &crate::alipay::FUND_TOTALS,
    &crate::wechat::FUND_BILL,
    &crate::mt940::STATEMENT,
    &crate::mt940::INTERIM,
    &crate::bai2::FILE,
    &crate::nacha::FILE,
    &crate::stripe::REPORT,
    &crate::stripe::BALANCE_HISTORY,
    &crate::stripe::PAYMENTS,
    &crate::stripe::OBJECTS,
    &crate::adyen::SETTLEMENT_DETAILS,
    &crate::adyen::PAYMENT_ACCOUNTING,
    &crate::paypal::SETTLEMENT,
    &crate::paypal::TRANSACTION_DETAIL,
];
