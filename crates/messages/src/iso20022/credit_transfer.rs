//! pacs.008: a customer's credit transfer, between institutions.

use super::detail::{Charge, Instruction, PaymentKind, Remittance, Reporting, Settlement, SettlementTimes};
use super::part::parts;
use super::party::{Account, Agent, Choice, Party};
use super::value::{Amount, ChargeBearer, Moment, Priority, Text, Uetr};
use jiff::civil::Date;
use rust_decimal::Decimal;

parts! {
    /// A message of credit transfers (`FIToFICustomerCreditTransferV08`).
    pub struct CreditTransfer {
        /// What is said of all.
        group: Option<Box<TransferGroup>> = needed "GrpHdr",
        /// The transfers.
        transactions: Vec<Transfer> = each "CdtTrfTxInf",
    }

    /// What is said of all transfers of a message (`GroupHeader93`).
    pub struct TransferGroup {
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
        /// The sum of all amounts of settlement.
        total: Option<Amount> = "TtlIntrBkSttlmAmt",
        /// Day of settlement.
        settled_on: Option<Date> = "IntrBkSttlmDt",
        /// How it is settled.
        settlement: Option<Box<Settlement>> = needed "SttlmInf",
        /// Kind of all.
        kind: Option<Box<PaymentKind>> = "PmtTpInf",
        /// Who sends.
        sender: Option<Box<Agent>> = "InstgAgt",
        /// Who receives.
        receiver: Option<Box<Agent>> = "InstdAgt",
    }

    /// The numbers of a payment (`PaymentIdentification7`).
    pub struct PaymentId {
        /// The sender's for this step.
        instruction: Option<Text<35>> = "InstrId",
        /// The debtor's, to the end.
        end_to_end: Option<Text<35>> = needed "EndToEndId",
        /// The first institution's, to the end.
        transaction: Option<Text<35>> = "TxId",
        /// The UETR.
        uetr: Option<Uetr> = "UETR",
        /// The clearing system's.
        clearing: Option<Text<35>> = "ClrSysRef",
    }

    /// A credit transfer (`CreditTransferTransaction39`).
    pub struct Transfer {
        /// Its numbers.
        id: Option<Box<PaymentId>> = needed "PmtId",
        /// Kind.
        kind: Option<Box<PaymentKind>> = "PmtTpInf",
        /// Amount between the institutions.
        settled: Option<Amount> = needed "IntrBkSttlmAmt",
        /// Day of settlement.
        settled_on: Option<Date> = "IntrBkSttlmDt",
        /// How urgent settlement is.
        priority: Option<Priority> = "SttlmPrty",
        /// When it was debited and credited.
        times: Option<Box<SettlementTimes>> = "SttlmTmIndctn",
        /// When it was accepted.
        accepted: Option<Moment> = "AccptncDtTm",
        /// The day from which interest counts.
        pooled_on: Option<Date> = "PoolgAdjstmntDt",
        /// Amount that was ordered.
        instructed: Option<Amount> = "InstdAmt",
        /// Rate of exchange from it.
        rate: Option<Decimal> = "XchgRate",
        /// Who bears the charges.
        charge_bearer: Option<ChargeBearer> = needed "ChrgBr",
        /// Charges that were taken.
        charges: Vec<Charge> = "ChrgsInf",
        /// The institution before the sender.
        previous_1: Option<Box<Agent>> = "PrvsInstgAgt1" | "PrvsInstgAgt",
        /// Its account.
        previous_1_account: Option<Box<Account>> = "PrvsInstgAgt1Acct" | "PrvsInstgAgtAcct",
        /// The institution before that.
        previous_2: Option<Box<Agent>> = "PrvsInstgAgt2",
        /// Its account.
        previous_2_account: Option<Box<Account>> = "PrvsInstgAgt2Acct",
        /// The institution before that.
        previous_3: Option<Box<Agent>> = "PrvsInstgAgt3",
        /// Its account.
        previous_3_account: Option<Box<Account>> = "PrvsInstgAgt3Acct",
        /// Who sends.
        sender: Option<Box<Agent>> = "InstgAgt",
        /// Who receives.
        receiver: Option<Box<Agent>> = "InstdAgt",
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
        /// For whom the debtor pays.
        ultimate_debtor: Option<Box<Party>> = "UltmtDbtr",
        /// Who began it.
        initiator: Option<Box<Party>> = "InitgPty",
        /// Who pays.
        debtor: Option<Box<Party>> = needed "Dbtr",
        /// From which account.
        debtor_account: Option<Box<Account>> = "DbtrAcct",
        /// At which institution.
        debtor_agent: Option<Box<Agent>> = needed "DbtrAgt",
        /// The account of that.
        debtor_agent_account: Option<Box<Account>> = "DbtrAgtAcct",
        /// The institution of whoever is paid.
        creditor_agent: Option<Box<Agent>> = needed "CdtrAgt",
        /// The account of that.
        creditor_agent_account: Option<Box<Account>> = "CdtrAgtAcct",
        /// Who is paid.
        creditor: Option<Box<Party>> = needed "Cdtr",
        /// On which account.
        creditor_account: Option<Box<Account>> = "CdtrAcct",
        /// For whom the creditor is paid.
        ultimate_creditor: Option<Box<Party>> = "UltmtCdtr",
        /// Instructions for the creditor's institution.
        creditor_instructions: Vec<Instruction> = "InstrForCdtrAgt",
        /// Instructions for the next institution.
        next_instructions: Vec<Instruction> = "InstrForNxtAgt",
        /// Purpose.
        purpose: Option<Choice> = "Purp",
        /// What authorities want to know.
        reporting: Vec<Reporting> = "RgltryRptg" up_to 10,
        /// What it is for.
        remittance: Option<Box<Remittance>> = "RmtInf",
    }
}
