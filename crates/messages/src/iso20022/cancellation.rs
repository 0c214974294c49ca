//! camt.056 and camt.029: a wish to cancel payments, and its answer.

use super::detail::{OriginalGroup, OriginalTransaction, Reason};
use super::part::{choices, parts};
use super::party::{Agent, PartyOrAgent};
use super::value::{Amount, Moment, Text, Uetr};
use jiff::civil::Date;
use rust_decimal::Decimal;

parts! {
    /// A wish to cancel (`FIToFIPaymentCancellationRequestV08`).
    pub struct CancellationRequest {
        /// From whom to whom.
        assignment: Option<Box<Assignment>> = needed "Assgnmt",
        /// The case.
        case: Option<Box<Case>> = "Case",
        /// How many payments, with their sum.
        control: Option<Box<Control>> = "CtrlData",
        /// The payments.
        underlying: Vec<Underlying> = needed "Undrlyg",
    }

    /// From whom to whom a case goes (`CaseAssignment5`).
    pub struct Assignment {
        /// The message.
        id: Option<Text<35>> = needed "Id",
        /// From whom.
        from: Option<PartyOrAgent> = needed "Assgnr",
        /// To whom.
        to: Option<PartyOrAgent> = needed "Assgne",
        /// When it was made.
        created: Option<Moment> = needed "CreDtTm",
    }

    /// A case (`Case5`).
    pub struct Case {
        /// Its number.
        id: Option<Text<35>> = needed "Id",
        /// Who opened it.
        creator: Option<PartyOrAgent> = needed "Cretr",
        /// Whether it is opened again.
        reopened: Option<bool> = "ReopCaseIndctn",
    }

    /// How many payments a message is about (`ControlData1`).
    pub struct Control {
        /// How many.
        count: Option<u64> = needed "NbOfTxs",
        /// The sum of their amounts.
        control_sum: Option<Decimal> = "CtrlSum",
    }

    /// Payments to be cancelled (`UnderlyingTransaction23`).
    pub struct Underlying {
        /// A group of them.
        group: Option<Box<CancelledGroup>> = "OrgnlGrpInfAndCxl",
        /// Single ones.
        transactions: Vec<Cancelled> = some "TxInf",
    }

    /// A group to be cancelled (`OriginalGroupHeader15`).
    pub struct CancelledGroup {
        /// The number of the wish.
        id: Option<Text<35>> = "GrpCxlId",
        /// The case.
        case: Option<Box<Case>> = "Case",
        /// The group's message.
        message: Option<Text<35>> = needed "OrgnlMsgId",
        /// The definition of that.
        definition: Option<Text<35>> = needed "OrgnlMsgNmId",
        /// When it was made.
        created: Option<Moment> = "OrgnlCreDtTm",
        /// How many to cancel.
        count: Option<u64> = "NbOfTxs",
        /// The sum of their amounts.
        control_sum: Option<Decimal> = "CtrlSum",
        /// Whether the whole group is to be cancelled.
        whole: Option<bool> = "GrpCxl",
        /// Why.
        reasons: Vec<Reason> = "CxlRsnInf",
    }

    /// A payment to be cancelled (`PaymentTransaction106`).
    pub struct Cancelled {
        /// The number of the wish.
        id: Option<Text<35>> = "CxlId",
        /// The case.
        case: Option<Box<Case>> = "Case",
        /// The group it was in.
        group: Option<Box<OriginalGroup>> = "OrgnlGrpInf",
        /// The sender's number.
        instruction: Option<Text<35>> = "OrgnlInstrId",
        /// The debtor's number.
        end_to_end: Option<Text<35>> = "OrgnlEndToEndId",
        /// The first institution's number.
        transaction: Option<Text<35>> = "OrgnlTxId",
        /// The UETR.
        uetr: Option<Uetr> = "OrgnlUETR",
        /// The clearing system's number.
        clearing: Option<Text<35>> = "OrgnlClrSysRef",
        /// The amount that was settled.
        settled: Option<Amount> = "OrgnlIntrBkSttlmAmt",
        /// The day on which it was.
        settled_on: Option<Date> = "OrgnlIntrBkSttlmDt",
        /// From whom.
        from: Option<Box<Agent>> = "Assgnr",
        /// To whom.
        to: Option<Box<Agent>> = "Assgne",
        /// Why.
        reasons: Vec<Reason> = "CxlRsnInf",
        /// What it was.
        original: Option<Box<OriginalTransaction>> = "OrgnlTxRef",
    }

    /// The answer (`ResolutionOfInvestigationV09`).
    pub struct Resolution {
        /// From whom to whom.
        assignment: Option<Box<Assignment>> = needed "Assgnmt",
        /// The case.
        case: Option<Box<Case>> = "RslvdCase",
        /// What became of it.
        status: Option<ResolutionStatus> = needed "Sts",
        /// What became of the payments.
        details: Vec<ResolutionDetail> = "CxlDtls",
    }

    /// What became of payments (`UnderlyingTransaction22`).
    pub struct ResolutionDetail {
        /// Single ones.
        transactions: Vec<Resolved> = some "TxInfAndSts",
    }

    /// What became of a payment that was to be cancelled (`PaymentTransaction102`).
    pub struct Resolved {
        /// The number of this status.
        id: Option<Text<35>> = "CxlStsId",
        /// The case.
        case: Option<Box<Case>> = "RslvdCase",
        /// The group it was in.
        group: Option<Box<OriginalGroup>> = "OrgnlGrpInf",
        /// The sender's number.
        instruction: Option<Text<35>> = "OrgnlInstrId",
        /// The debtor's number.
        end_to_end: Option<Text<35>> = "OrgnlEndToEndId",
        /// The first institution's number.
        transaction: Option<Text<35>> = "OrgnlTxId",
        /// The clearing system's number.
        clearing: Option<Text<35>> = "OrgnlClrSysRef",
        /// The UETR.
        uetr: Option<Uetr> = "OrgnlUETR",
        /// What became of it: `ACCR`, `RJCR`, `PDCR`.
        status: Option<Text<4>> = "TxCxlSts",
        /// Why.
        reasons: Vec<Reason> = "CxlStsRsnInf",
        /// The amount that was settled.
        settled: Option<Amount> = "OrgnlIntrBkSttlmAmt",
        /// The day on which it was.
        settled_on: Option<Date> = "OrgnlIntrBkSttlmDt",
        /// From whom.
        from: Option<Box<Agent>> = "Assgnr",
        /// To whom.
        to: Option<Box<Agent>> = "Assgne",
        /// What it was.
        original: Option<Box<OriginalTransaction>> = "OrgnlTxRef",
    }
}

choices! {
    /// What became of a case.
    pub enum ResolutionStatus {
        /// A status: `CNCL` cancelled, `RJCR` rejected, `PDCR` pending, `PECR` in part.
        Confirmation(Text<4>) = "Conf",
        /// Whether the case is cancelled.
        CaseCancelled(bool) = "AssgnmtCxlConf",
    }
}
