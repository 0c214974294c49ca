//! pacs.002 and pain.002: what became of payments, told to an institution or to a customer.

use super::detail::{Charge, Day, OriginalGroup, OriginalTransaction, Reason};
use super::part::parts;
use super::party::{Agent, Party};
use super::value::{Moment, Text, Uetr};
use rust_decimal::Decimal;

parts! {
    /// A report to an institution (`FIToFIPaymentStatusReportV10`).
    pub struct StatusReport {
        /// What is said of the report.
        group: Option<Box<StatusGroup>> = needed "GrpHdr",
        /// What became of groups.
        groups: Vec<GroupStatus> = "OrgnlGrpInfAndSts",
        /// What became of transactions.
        transactions: Vec<TransactionStatus> = some "TxInfAndSts",
    }

    /// What is said of a report to an institution (`GroupHeader91`).
    pub struct StatusGroup {
        /// The message.
        message: Option<Text<35>> = needed "MsgId",
        /// When it was made.
        created: Option<Moment> = needed "CreDtTm",
        /// Who sends.
        sender: Option<Box<Agent>> = "InstgAgt",
        /// Who receives.
        receiver: Option<Box<Agent>> = "InstdAgt",
    }

    /// What became of a group (`OriginalGroupHeader17`).
    pub struct GroupStatus {
        /// Its message.
        message: Option<Text<35>> = needed "OrgnlMsgId",
        /// The definition of that: `pacs.008.001.08`.
        definition: Option<Text<35>> = needed "OrgnlMsgNmId",
        /// When it was made.
        created: Option<Moment> = "OrgnlCreDtTm",
        /// How many it had.
        count: Option<u64> = "OrgnlNbOfTxs",
        /// The sum of their amounts.
        control_sum: Option<Decimal> = "OrgnlCtrlSum",
        /// What became of it: `ACCP`, `PART`, `RJCT`.
        status: Option<Text<4>> = "GrpSts",
        /// Why.
        reasons: Vec<Reason> = "StsRsnInf",
        /// How many have which status.
        counts: Vec<StatusCount> = "NbOfTxsPerSts",
    }

    /// How many transactions have a status (`NumberOfTransactionsPerStatus5`).
    pub struct StatusCount {
        /// How many.
        count: Option<u64> = needed "DtldNbOfTxs",
        /// The status.
        status: Option<Text<4>> = needed "DtldSts",
        /// The sum of their amounts.
        control_sum: Option<Decimal> = "DtldCtrlSum",
    }

    /// What became of a transaction between institutions (`PaymentTransaction110`).
    pub struct TransactionStatus {
        /// The number of this status.
        id: Option<Text<35>> = "StsId",
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
        /// What became of it: `ACCP`, `ACSC`, `ACSP`, `ACWC`, `RJCT`, `PDNG`.
        status: Option<Text<4>> = "TxSts",
        /// Why.
        reasons: Vec<Reason> = "StsRsnInf",
        /// Charges that were taken.
        charges: Vec<Charge> = "ChrgsInf",
        /// When it was accepted.
        accepted: Option<Moment> = "AccptncDtTm",
        /// When it is settled.
        settled_on: Option<Day> = "FctvIntrBkSttlmDt",
        /// The account servicer's number.
        servicer: Option<Text<35>> = "AcctSvcrRef",
        /// The clearing system's number.
        clearing: Option<Text<35>> = "ClrSysRef",
        /// Who sends.
        sender: Option<Box<Agent>> = "InstgAgt",
        /// Who receives.
        receiver: Option<Box<Agent>> = "InstdAgt",
        /// What it was.
        original: Option<Box<OriginalTransaction>> = "OrgnlTxRef",
    }

    /// A report to a customer (`CustomerPaymentStatusReportV10`).
    pub struct CustomerReport {
        /// What is said of the report.
        group: Option<Box<CustomerGroup>> = needed "GrpHdr",
        /// What became of the message.
        original: Option<Box<GroupStatus>> = needed "OrgnlGrpInfAndSts",
        /// What became of its batches.
        payments: Vec<BatchStatus> = "OrgnlPmtInfAndSts",
    }

    /// What is said of a report to a customer (`GroupHeader86`).
    pub struct CustomerGroup {
        /// The message.
        message: Option<Text<35>> = needed "MsgId",
        /// When it was made.
        created: Option<Moment> = needed "CreDtTm",
        /// Who sent the orders.
        initiator: Option<Box<Party>> = "InitgPty",
        /// The institution by which it goes.
        forwarder: Option<Box<Agent>> = "FwdgAgt",
        /// The debtor's institution.
        debtor_agent: Option<Box<Agent>> = "DbtrAgt",
        /// The creditor's institution.
        creditor_agent: Option<Box<Agent>> = "CdtrAgt",
    }

    /// What became of a batch (`OriginalPaymentInstruction32`).
    pub struct BatchStatus {
        /// Its number.
        id: Option<Text<35>> = needed "OrgnlPmtInfId",
        /// How many it had.
        count: Option<u64> = "OrgnlNbOfTxs",
        /// The sum of their amounts.
        control_sum: Option<Decimal> = "OrgnlCtrlSum",
        /// What became of it.
        status: Option<Text<4>> = "PmtInfSts",
        /// Why.
        reasons: Vec<Reason> = "StsRsnInf",
        /// How many have which status.
        counts: Vec<StatusCount> = "NbOfTxsPerSts",
        /// What became of its orders.
        transactions: Vec<OrderStatus> = some "TxInfAndSts",
    }

    /// What became of an order (`PaymentTransaction105`).
    pub struct OrderStatus {
        /// The number of this status.
        id: Option<Text<35>> = "StsId",
        /// The sender's number.
        instruction: Option<Text<35>> = "OrgnlInstrId",
        /// The debtor's number.
        end_to_end: Option<Text<35>> = "OrgnlEndToEndId",
        /// The UETR.
        uetr: Option<Uetr> = "OrgnlUETR",
        /// What became of it.
        status: Option<Text<4>> = "TxSts",
        /// Why.
        reasons: Vec<Reason> = "StsRsnInf",
        /// Charges that were taken.
        charges: Vec<Charge> = "ChrgsInf",
        /// When it was accepted.
        accepted: Option<Moment> = "AccptncDtTm",
        /// The account servicer's number.
        servicer: Option<Text<35>> = "AcctSvcrRef",
        /// The clearing system's number.
        clearing: Option<Text<35>> = "ClrSysRef",
        /// What it was.
        original: Option<Box<OriginalTransaction>> = "OrgnlTxRef",
    }
}
