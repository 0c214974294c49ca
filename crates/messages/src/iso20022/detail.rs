//! What several messages say of a payment: its kind, settlement, charges, remittance, reasons.

use super::part::{Check, Part, Sink, choices, parts};
use super::party::{Account, Agent, Choice, Party, PartyOrAgent};
use super::source::{Halt, Source, Tag};
use super::value::{
    Amount, Country, CurrencyCode, Moment, PaymentMethod, Priority, SettlementMethod, Side, Text,
};
use jiff::civil::Date;
use rust_decimal::Decimal;

parts! {
    /// The kind of a payment (`PaymentTypeInformation28`).
    pub struct PaymentKind {
        /// How urgent.
        priority: Option<Priority> = "InstrPrty",
        /// The channel of clearing.
        channel: Option<Text<4>> = "ClrChanl",
        /// Levels of service: `SEPA`, `URGP`, `G001`.
        service_levels: Vec<Choice> = "SvcLvl",
        /// The scheme's own kind: `INST`, `CORE`.
        local_instrument: Option<Choice> = "LclInstrm",
        /// The purpose by its category: `SALA`, `SUPP`.
        category: Option<Choice> = "CtgyPurp",
    }

    /// How a group is settled (`SettlementInstruction7`).
    pub struct Settlement {
        /// The method.
        method: Option<SettlementMethod> = needed "SttlmMtd",
        /// The account.
        account: Option<Box<Account>> = "SttlmAcct",
        /// The clearing system.
        system: Option<Choice> = "ClrSys",
        /// Where the sender is reimbursed.
        sender_agent: Option<Box<Agent>> = "InstgRmbrsmntAgt",
        /// Its account.
        sender_account: Option<Box<Account>> = "InstgRmbrsmntAgtAcct",
        /// Where the receiver is reimbursed.
        receiver_agent: Option<Box<Agent>> = "InstdRmbrsmntAgt",
        /// Its account.
        receiver_account: Option<Box<Account>> = "InstdRmbrsmntAgtAcct",
        /// A third institution.
        third_agent: Option<Box<Agent>> = "ThrdRmbrsmntAgt",
        /// Its account.
        third_account: Option<Box<Account>> = "ThrdRmbrsmntAgtAcct",
    }

    /// When a payment was debited and credited (`SettlementDateTimeIndication1`).
    pub struct SettlementTimes {
        /// Debited.
        debited: Option<Moment> = "DbtDtTm",
        /// Credited.
        credited: Option<Moment> = "CdtDtTm",
    }

    /// A charge (`Charges7`).
    pub struct Charge {
        /// How much.
        amount: Option<Amount> = needed "Amt",
        /// To whom.
        agent: Option<Box<Agent>> = needed "Agt" | "Pty",
    }

    /// An instruction for an institution on the way.
    pub struct Instruction {
        /// By its code.
        code: Option<Text<4>> = "Cd",
        /// In words.
        text: Option<Text<140>> = "InstrInf",
    }

    /// What an authority wants to know (`RegulatoryReporting3`).
    pub struct Reporting {
        /// Which side reports: `CRED`, `DEBT`, `BOTH`.
        side: Option<Text<4>> = "DbtCdtRptgInd",
        /// The authority.
        authority: Option<Box<Authority>> = "Authrty",
        /// What is reported.
        details: Vec<ReportingDetail> = "Dtls",
    }

    /// An authority.
    pub struct Authority {
        /// Name.
        name: Option<Text<140>> = "Nm",
        /// Country.
        country: Option<Country> = "Ctry",
    }

    /// What is reported to an authority.
    pub struct ReportingDetail {
        /// Kind.
        kind: Option<Text<35>> = "Tp",
        /// Day.
        day: Option<Date> = "Dt",
        /// Country.
        country: Option<Country> = "Ctry",
        /// Code.
        code: Option<Text<10>> = "Cd",
        /// Amount.
        amount: Option<Amount> = "Amt",
        /// Words.
        text: Vec<Text<35>> = "Inf",
    }

    /// What a payment is for (`RemittanceInformation16`).
    pub struct Remittance {
        /// In words.
        text: Vec<Text<140>> = "Ustrd",
        /// In parts.
        structured: Vec<StructuredRemittance> = "Strd",
    }

    /// What a payment is for, in parts.
    pub struct StructuredRemittance {
        /// Documents.
        documents: Vec<ReferredDocument> = "RfrdDocInf",
        /// Their amounts.
        amounts: Option<Box<ReferredAmount>> = "RfrdDocAmt",
        /// The creditor's reference.
        reference: Option<Box<CreditorReference>> = "CdtrRefInf",
        /// Who wrote the invoice.
        invoicer: Option<Box<Party>> = "Invcr",
        /// Who was invoiced.
        invoicee: Option<Box<Party>> = "Invcee",
        /// More in words.
        text: Vec<Text<140>> = "AddtlRmtInf" up_to 3,
    }

    /// A document.
    pub struct ReferredDocument {
        /// Kind.
        kind: Option<Box<DocumentKind>> = "Tp",
        /// Number.
        number: Option<Text<35>> = "Nb",
        /// Day.
        day: Option<Date> = "RltdDt",
    }

    /// The kind of a document or reference.
    pub struct DocumentKind {
        /// The kind: `CINV`, `SCOR`.
        kind: Option<Choice> = needed "CdOrPrtry",
        /// Who gave it.
        issuer: Option<Text<35>> = "Issr",
    }

    /// The amounts of documents.
    pub struct ReferredAmount {
        /// What was due.
        due: Option<Amount> = "DuePyblAmt",
        /// What was credited.
        credited: Option<Amount> = "CdtNoteAmt",
        /// What was adjusted.
        adjustments: Vec<Adjustment> = "AdjstmntAmtAndRsn",
        /// What is paid.
        paid: Option<Amount> = "RmtdAmt",
    }

    /// An adjustment of a document.
    pub struct Adjustment {
        /// How much.
        amount: Option<Amount> = needed "Amt",
        /// Which way.
        side: Option<Side> = "CdtDbtInd",
        /// Why.
        reason: Option<Text<4>> = "Rsn",
        /// Why, in words.
        text: Option<Text<140>> = "AddtlInf",
    }

    /// The creditor's reference.
    pub struct CreditorReference {
        /// Kind.
        kind: Option<Box<DocumentKind>> = "Tp" | "CdtrRefTp",
        /// The reference.
        reference: Option<Text<35>> = "Ref" | "CdtrRef",
    }

    /// Why something was rejected, returned or is to be cancelled.
    pub struct Reason {
        /// Who gives the reason.
        originator: Option<Box<Party>> = "Orgtr",
        /// The reason.
        reason: Option<Choice> = "Rsn",
        /// More in words.
        text: Vec<Text<105>> = "AddtlInf",
    }

    /// The group that a transaction was in (`OriginalGroupInformation29`).
    pub struct OriginalGroup {
        /// Its message.
        message: Option<Text<35>> = needed "OrgnlMsgId",
        /// The definition of that: `pacs.008.001.08`.
        definition: Option<Text<35>> = needed "OrgnlMsgNmId",
        /// When it was made.
        created: Option<Moment> = "OrgnlCreDtTm",
    }

    /// What is said of a transaction that this message is about (`OriginalTransactionReference28`).
    pub struct OriginalTransaction {
        /// Amount between the institutions.
        settled: Option<Amount> = "IntrBkSttlmAmt",
        /// Amount that was ordered.
        amount: Option<OrderedAmount> = "Amt",
        /// Day of settlement.
        settled_on: Option<Date> = "IntrBkSttlmDt",
        /// Day on which it was to be collected.
        collect_on: Option<Date> = "ReqdColltnDt",
        /// Day on which it was to be done.
        execute_on: Option<Day> = "ReqdExctnDt",
        /// How it was settled.
        settlement: Option<Box<Settlement>> = "SttlmInf",
        /// Kind.
        kind: Option<Box<PaymentKind>> = "PmtTpInf",
        /// How it was paid.
        method: Option<PaymentMethod> = "PmtMtd",
        /// What it is for.
        remittance: Option<Box<Remittance>> = "RmtInf",
        /// For whom the debtor pays.
        ultimate_debtor: Option<PartyOrAgent> = "UltmtDbtr",
        /// Who pays.
        debtor: Option<PartyOrAgent> = "Dbtr",
        /// From which account.
        debtor_account: Option<Box<Account>> = "DbtrAcct",
        /// At which institution.
        debtor_agent: Option<Box<Agent>> = "DbtrAgt",
        /// The account of that.
        debtor_agent_account: Option<Box<Account>> = "DbtrAgtAcct",
        /// The institution of whoever is paid.
        creditor_agent: Option<Box<Agent>> = "CdtrAgt",
        /// The account of that.
        creditor_agent_account: Option<Box<Account>> = "CdtrAgtAcct",
        /// Who is paid.
        creditor: Option<PartyOrAgent> = "Cdtr",
        /// On which account.
        creditor_account: Option<Box<Account>> = "CdtrAcct",
        /// For whom the creditor is paid.
        ultimate_creditor: Option<PartyOrAgent> = "UltmtCdtr",
        /// Purpose.
        purpose: Option<Choice> = "Purp",
    }

    /// An amount to be paid in another currency.
    pub struct EquivalentAmount {
        /// Its worth in the debtor's currency.
        amount: Option<Amount> = needed "Amt",
        /// The currency in which to pay.
        currency: Option<CurrencyCode> = needed "CcyOfTrf",
    }

    /// A rate of exchange that was agreed.
    pub struct ExchangeRate {
        /// The currency of which one is exchanged.
        unit: Option<CurrencyCode> = "UnitCcy",
        /// The rate.
        rate: Option<Decimal> = "XchgRate",
        /// Kind: `SPOT`, `SALE`, `AGRD`.
        kind: Option<Text<4>> = "RateTp",
        /// The contract.
        contract: Option<Text<35>> = "CtrctId",
    }
}

choices! {
    /// The amount of an order.
    pub enum OrderedAmount {
        /// In the currency in which to pay.
        Instructed(Amount) = "InstdAmt",
        /// By its worth in another currency.
        Equivalent(Box<EquivalentAmount>) = "EqvtAmt",
    }
}

impl OrderedAmount {
    /// Returns the amount that is written.
    #[must_use]
    pub fn amount(&self) -> Option<Amount> {
        match self {
            OrderedAmount::Instructed(amount) => Some(*amount),
            OrderedAmount::Equivalent(equivalent) => equivalent.amount,
        }
    }
}

impl Remittance {
    /// Makes it of words.
    #[must_use]
    pub fn of_text(text: &str) -> Remittance {
        Remittance { text: vec![Text::new(text)], structured: Vec::new() }
    }

    /// Returns all words and references in one line.
    #[must_use]
    pub fn line(&self) -> String {
        let mut words: Vec<&str> = self.text.iter().map(|text| &**text).collect();
        for part in &self.structured {
            words.extend(part.reference.iter().filter_map(|own| own.reference.as_deref()));
            words.extend(part.documents.iter().filter_map(|own| own.number.as_deref()));
            words.extend(part.text.iter().map(|text| &**text));
        }
        words.join(" ")
    }
}

impl Reason {
    /// Makes a reason of its code: `AC01`.
    #[must_use]
    pub fn of_code(code: &str) -> Reason {
        Reason { reason: Some(Choice::code(code)), ..Reason::default() }
    }
}

/// A day, with or without a time (`DateAndDateTime2Choice`). Versions before 2019 have the date alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    /// A day.
    Date(Date),
    /// A day with a time.
    Moment(Moment),
}

impl Day {
    /// Returns the day.
    #[must_use]
    pub fn date(self) -> Date {
        match self {
            Day::Date(date) => date,
            Day::Moment(moment) => moment.local.date(),
        }
    }
}

impl Part for Day {
    fn read(own: Tag<'_>, source: &mut Source<'_>) -> Result<Self, Halt> {
        if source.begins_with_text() {
            return Date::read(own, source).map(Day::Date);
        }
        let start = source.tag_start();
        let mut day = None;
        while let Some(tag) = source.child()? {
            match tag.name {
                "Dt" if day.is_none() => day = Some(Day::Date(Part::read(tag, source)?)),
                "DtTm" if day.is_none() => day = Some(Day::Moment(Part::read(tag, source)?)),
                _ => source.pass_over()?,
            }
        }
        day.ok_or_else(|| source.fault(start, own, "has neither a date nor a date with a time", ""))
    }

    fn write(&self, name: &str, sink: &mut Sink) {
        sink.element(name, |sink| match self {
            Day::Date(date) => date.write("Dt", sink),
            Day::Moment(moment) => moment.write("DtTm", sink),
        });
    }

    fn check(&self, check: &mut Check) {
        match self {
            Day::Date(date) => check.within("Dt", None, |check| date.check(check)),
            Day::Moment(moment) => check.within("DtTm", None, |check| moment.check(check)),
        }
    }

    #[cfg(test)]
    fn any(random: &mut super::tests::Random) -> Self {
        match random.below(2) {
            0 => Day::Date(Part::any(random)),
            _ => Day::Moment(Part::any(random)),
        }
    }
}
