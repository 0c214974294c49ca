//! pacs.004: payments that come back.

use super::detail::{Charge, OriginalGroup, OriginalTransaction, Reason, Settlement, SettlementTimes};
use super::part::parts;
use super::party::{Account, Agent, PartyOrAgent};
use super::value::{Amount, ChargeBearer, Moment, Priority, Text, Uetr};
use jiff::civil::Date;
use rust_decimal::Decimal;

parts! {
    /// A message of returns (`PaymentReturnV09`).
    pub struct Return {
        /// What is said of all.
        group: Option<Box<ReturnGroup>> = needed "GrpHdr",
        /// The message whose payments come back, where it is one.
        original: Option<Box<ReturnedGroup>> = "OrgnlGrpInf",
        /// The returns.
        transactions: Vec<Returned> = some "TxInf",
    }

    /// What is said of all returns of a message (`GroupHeader90`).
    pub struct ReturnGroup {
        /// The message.
        message: Option<Text<35>> = needed "MsgId",
        /// When it was made.
        created: Option<Moment> = needed "CreDtTm",
        /// Whether it is to be booked as one.
        booked_as_one: Option<bool> = "BtchBookg",
        /// How many.
        count: Option<u64> = needed "NbOfTxs",
        /// The sum of all amounts, whatever their currency.
        control_sum: Option<Decimal> = "CtrlSum",
        /// Whether the whole group comes back.
        whole: Option<bool> = "GrpRtr",
        /// The sum of all amounts of settlement.
        total: Option<Amount> = "TtlRtrdIntrBkSttlmAmt",
        /// Day of settlement.
        settled_on: Option<Date> = "IntrBkSttlmDt",
        /// How it is settled.
        settlement: Option<Box<Settlement>> = needed "SttlmInf",
        /// Who sends.
        sender: Option<Box<Agent>> = "InstgAgt",
        /// Who receives.
        receiver: Option<Box<Agent>> = "InstdAgt",
    }

    /// The message whose payments come back (`OriginalGroupHeader18`).
    pub struct ReturnedGroup {
        /// The message.
        message: Option<Text<35>> = needed "OrgnlMsgId",
        /// Its definition: `pacs.008.001.08`.
        definition: Option<Text<35>> = needed "OrgnlMsgNmId",
        /// When it was made.
        created: Option<Moment> = "OrgnlCreDtTm",
        /// Why.
        reasons: Vec<Reason> = "RtrRsnInf",
    }

    /// A payment that comes back (`PaymentTransaction112`).
    pub struct Returned {
        /// The number of the return.
        id: Option<Text<35>> = "RtrId",
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
        original_clearing: Option<Text<35>> = "OrgnlClrSysRef",
        /// The amount that was settled.
        original_amount: Option<Amount> = "OrgnlIntrBkSttlmAmt",
        /// The day on which it was.
        original_day: Option<Date> = "OrgnlIntrBkSttlmDt",
        /// The amount that comes back.
        settled: Option<Amount> = needed "RtrdIntrBkSttlmAmt",
        /// The day on which it does.
        settled_on: Option<Date> = "IntrBkSttlmDt",
        /// How urgent settlement is.
        priority: Option<Priority> = "SttlmPrty",
        /// When it was debited and credited.
        times: Option<Box<SettlementTimes>> = "SttlmTmIndctn",
        /// The amount that comes back before charges, in the currency of the order.
        instructed: Option<Amount> = "RtrdInstdAmt",
        /// Rate of exchange from it.
        rate: Option<Decimal> = "XchgRate",
        /// What is paid for the delay.
        compensation: Option<Amount> = "CompstnAmt",
        /// Who bears the charges.
        charge_bearer: Option<ChargeBearer> = "ChrgBr",
        /// Charges that were taken.
        charges: Vec<Charge> = "ChrgsInf",
        /// The clearing system's number of the return.
        clearing: Option<Text<35>> = "ClrSysRef",
        /// Who sends.
        sender: Option<Box<Agent>> = "InstgAgt",
        /// Who receives.
        receiver: Option<Box<Agent>> = "InstdAgt",
        /// Who takes part in the return.
        chain: Option<Box<ReturnChain>> = "RtrChain",
        /// Why.
        reasons: Vec<Reason> = "RtrRsnInf",
        /// What it was.
        original: Option<Box<OriginalTransaction>> = "OrgnlTxRef",
    }

    /// Who takes part in a return (`TransactionParties7`). The debtor is who was paid at first.
    pub struct ReturnChain {
        /// For whom the debtor pays.
        ultimate_debtor: Option<PartyOrAgent> = "UltmtDbtr",
        /// Who gives back.
        debtor: Option<PartyOrAgent> = needed "Dbtr",
        /// From which account.
        debtor_account: Option<Box<Account>> = "DbtrAcct",
        /// Who began it.
        initiator: Option<PartyOrAgent> = "InitgPty",
        /// The institution of the debtor.
        debtor_agent: Option<Box<Agent>> = "DbtrAgt",
        /// The account of that.
        debtor_agent_account: Option<Box<Account>> = "DbtrAgtAcct",
        /// An institution on the way.
        intermediary_1: Option<Box<Agent>> = "IntrmyAgt1",
        /// Another.
        intermediary_2: Option<Box<Agent>> = "IntrmyAgt2",
        /// Another.
        intermediary_3: Option<Box<Agent>> = "IntrmyAgt3",
        /// The institution of whoever gets it back.
        creditor_agent: Option<Box<Agent>> = "CdtrAgt",
        /// The account of that.
        creditor_agent_account: Option<Box<Account>> = "CdtrAgtAcct",
        /// Who gets it back.
        creditor: Option<PartyOrAgent> = needed "Cdtr",
        /// On which account.
        creditor_account: Option<Box<Account>> = "CdtrAcct",
        /// For whom.
        ultimate_creditor: Option<PartyOrAgent> = "UltmtCdtr",
    }
}
