//! pain.001: a customer's order to pay.

use super::credit_transfer::PaymentId;
use super::detail::{Day, ExchangeRate, Instruction, OrderedAmount, PaymentKind, Remittance, Reporting};
use super::part::parts;
use super::party::{Account, Agent, Choice, Party};
use super::value::{ChargeBearer, Moment, PaymentMethod, Text};
use jiff::civil::Date;
use rust_decimal::Decimal;

parts! {
    /// A message of orders (`CustomerCreditTransferInitiationV09`).
    pub struct Initiation {
        /// What is said of all.
        group: Option<Box<OrderGroup>> = needed "GrpHdr",
        /// The orders, by account and day.
        payments: Vec<OrderBatch> = needed "PmtInf",
    }

    /// What is said of all orders of a message (`GroupHeader85`).
    pub struct OrderGroup {
        /// The message.
        message: Option<Text<35>> = needed "MsgId",
        /// When it was made.
        created: Option<Moment> = needed "CreDtTm",
        /// How many orders.
        count: Option<u64> = needed "NbOfTxs",
        /// The sum of all amounts, whatever their currency.
        control_sum: Option<Decimal> = "CtrlSum",
        /// Who sends.
        initiator: Option<Box<Party>> = needed "InitgPty",
        /// The institution by which it goes.
        forwarder: Option<Box<Agent>> = "FwdgAgt",
    }

    /// Orders from one account for one day (`PaymentInstruction30`).
    pub struct OrderBatch {
        /// Its number.
        id: Option<Text<35>> = needed "PmtInfId",
        /// How to pay.
        method: Option<PaymentMethod> = needed "PmtMtd",
        /// Whether it is to be booked as one.
        booked_as_one: Option<bool> = "BtchBookg",
        /// How many orders.
        count: Option<u64> = "NbOfTxs",
        /// The sum of their amounts.
        control_sum: Option<Decimal> = "CtrlSum",
        /// Kind.
        kind: Option<Box<PaymentKind>> = "PmtTpInf",
        /// The day on which to pay.
        execute_on: Option<Day> = needed "ReqdExctnDt",
        /// The day from which interest counts.
        pooled_on: Option<Date> = "PoolgAdjstmntDt",
        /// Who pays.
        debtor: Option<Box<Party>> = needed "Dbtr",
        /// From which account.
        debtor_account: Option<Box<Account>> = needed "DbtrAcct",
        /// At which institution.
        debtor_agent: Option<Box<Agent>> = needed "DbtrAgt",
        /// The account of that.
        debtor_agent_account: Option<Box<Account>> = "DbtrAgtAcct",
        /// An instruction for it.
        debtor_instruction: Option<Text<140>> = "InstrForDbtrAgt",
        /// For whom the debtor pays.
        ultimate_debtor: Option<Box<Party>> = "UltmtDbtr",
        /// Who bears the charges.
        charge_bearer: Option<ChargeBearer> = "ChrgBr",
        /// The account that is charged.
        charges_account: Option<Box<Account>> = "ChrgsAcct",
        /// The institution of that.
        charges_agent: Option<Box<Agent>> = "ChrgsAcctAgt",
        /// The orders.
        transactions: Vec<Order> = each "CdtTrfTxInf",
    }

    /// An order (`CreditTransferTransaction34`).
    pub struct Order {
        /// Its numbers.
        id: Option<Box<PaymentId>> = needed "PmtId",
        /// Kind.
        kind: Option<Box<PaymentKind>> = "PmtTpInf",
        /// Amount.
        amount: Option<OrderedAmount> = needed "Amt",
        /// Rate of exchange.
        rate: Option<Box<ExchangeRate>> = "XchgRateInf",
        /// Who bears the charges.
        charge_bearer: Option<ChargeBearer> = "ChrgBr",
        /// For whom the debtor pays.
        ultimate_debtor: Option<Box<Party>> = "UltmtDbtr",
        /// An institution on the way.
        intermediary_1: Option<Box<Agent>> = "IntrmyAgt1",
        /// Its account.
        intermediary_1_account: Option<Box<Account>> = "IntrmyAgt1Acct",
        /// Another.
        intermediary_2: Option<Box<Agent>> = "IntrmyAgt2",
        /// Its account.
        intermediary_2_account: Option<Box<Account>> = "IntrmyAgt2Acct",
        /// Another.
        intermediary_3: Option<Box<Agent>> = "IntrmyAgt3",
        /// Its account.
        intermediary_3_account: Option<Box<Account>> = "IntrmyAgt3Acct",
        /// The institution of whoever is paid.
        creditor_agent: Option<Box<Agent>> = "CdtrAgt",
        /// The account of that.
        creditor_agent_account: Option<Box<Account>> = "CdtrAgtAcct",
        /// Who is paid.
        creditor: Option<Box<Party>> = "Cdtr",
        /// On which account.
        creditor_account: Option<Box<Account>> = "CdtrAcct",
        /// For whom the creditor is paid.
        ultimate_creditor: Option<Box<Party>> = "UltmtCdtr",
        /// Instructions for the creditor's institution.
        creditor_instructions: Vec<Instruction> = "InstrForCdtrAgt",
        /// An instruction for the debtor's institution.
        debtor_instruction: Option<Text<140>> = "InstrForDbtrAgt",
        /// Purpose.
        purpose: Option<Choice> = "Purp",
        /// What authorities want to know.
        reporting: Vec<Reporting> = "RgltryRptg" up_to 10,
        /// What it is for.
        remittance: Option<Box<Remittance>> = "RmtInf",
    }
}
