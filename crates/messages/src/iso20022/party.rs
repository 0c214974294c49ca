//! Who takes part: parties, institutions, accounts, addresses.

use super::part::{Check, Part, Sink, choices, parts};
use super::source::{Halt, Source, Tag};
use super::value::{Bic, Country, CurrencyCode, Iban, Lei, Text};
use jiff::civil::Date;

choices! {
    /// A code of a published list, or a word of one's own.
    pub enum Choice {
        /// The code.
        Code(Text<35>) = "Cd",
        /// The word.
        Own(Text<35>) = "Prtry",
    }

    /// Whether an organisation or a person.
    pub enum PartyId {
        /// An organisation.
        Organisation(Box<OrganisationId>) = "OrgId",
        /// A person.
        Person(Box<PersonId>) = "PrvtId",
    }

    /// The number of an account.
    pub enum AccountId {
        /// An IBAN.
        Iban(Iban) = "IBAN",
        /// Another number.
        Other(Box<GenericAccountId>) = "Othr",
    }

    /// The kind of an address.
    pub enum AddressKind {
        /// A code: `ADDR`, `PBOX`, `HOME`, `BIZZ`, `MLTO`, `DLVY`.
        Code(Text<4>) = "Cd",
        /// A word of one's own.
        Own(Box<GenericKind>) = "Prtry",
    }
}

impl Choice {
    /// Returns the code or the word.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Choice::Code(text) | Choice::Own(text) => text,
        }
    }

    /// Makes a code.
    #[must_use]
    pub fn code(text: &str) -> Choice {
        Choice::Code(Text::new(text))
    }
}

parts! {
    /// A company or person (`PartyIdentification135`).
    pub struct Party {
        /// Name.
        name: Option<Text<140>> = "Nm",
        /// Postal address.
        address: Option<Box<Address>> = "PstlAdr",
        /// Numbers.
        id: Option<PartyId> = "Id",
        /// Country of residence.
        residence: Option<Country> = "CtryOfRes",
        /// How to reach it.
        contact: Option<Box<Contact>> = "CtctDtls",
    }

    /// The numbers of an organisation (`OrganisationIdentification29`).
    pub struct OrganisationId {
        /// BIC.
        bic: Option<Bic> = "AnyBIC" | "BICOrBEI",
        /// LEI.
        lei: Option<Lei> = "LEI",
        /// Others.
        others: Vec<GenericId> = "Othr",
    }

    /// The numbers of a person (`PersonIdentification13`).
    pub struct PersonId {
        /// Birth.
        birth: Option<Box<Birth>> = "DtAndPlcOfBirth",
        /// Others.
        others: Vec<GenericId> = "Othr",
    }

    /// Date and place of birth.
    pub struct Birth {
        /// The day.
        day: Option<Date> = needed "BirthDt",
        /// The province.
        province: Option<Text<35>> = "PrvcOfBirth",
        /// The city.
        city: Option<Text<35>> = needed "CityOfBirth",
        /// The country.
        country: Option<Country> = needed "CtryOfBirth",
    }

    /// A number, its scheme and who gave it.
    pub struct GenericId {
        /// The number.
        id: Option<Text<35>> = needed "Id",
        /// The scheme.
        scheme: Option<Choice> = "SchmeNm",
        /// The issuer.
        issuer: Option<Text<35>> = "Issr",
    }

    /// The number of an account that has no IBAN.
    pub struct GenericAccountId {
        /// The number.
        id: Option<Text<34>> = needed "Id",
        /// The scheme.
        scheme: Option<Choice> = "SchmeNm",
        /// The issuer.
        issuer: Option<Text<35>> = "Issr",
    }

    /// A kind of one's own.
    pub struct GenericKind {
        /// Four letters or digits.
        id: Option<Text<4>> = needed "Id",
        /// The issuer.
        issuer: Option<Text<35>> = needed "Issr",
        /// The scheme.
        scheme: Option<Text<35>> = "SchmeNm",
    }

    /// A postal address (`PostalAddress24`).
    pub struct Address {
        /// Kind.
        kind: Option<AddressKind> = "AdrTp",
        /// Department.
        department: Option<Text<70>> = "Dept",
        /// Department of it.
        sub_department: Option<Text<70>> = "SubDept",
        /// Street.
        street: Option<Text<70>> = "StrtNm",
        /// Number of the building.
        building_number: Option<Text<16>> = "BldgNb",
        /// Name of the building.
        building_name: Option<Text<35>> = "BldgNm",
        /// Floor.
        floor: Option<Text<70>> = "Flr",
        /// Post box.
        post_box: Option<Text<16>> = "PstBx",
        /// Room.
        room: Option<Text<70>> = "Room",
        /// Post code.
        post_code: Option<Text<16>> = "PstCd",
        /// Town.
        town: Option<Text<35>> = "TwnNm",
        /// Place within the town.
        town_location: Option<Text<35>> = "TwnLctnNm",
        /// District.
        district: Option<Text<35>> = "DstrctNm",
        /// Province, state, canton.
        subdivision: Option<Text<35>> = "CtrySubDvsn",
        /// Country.
        country: Option<Country> = "Ctry",
        /// Lines.
        lines: Vec<Text<70>> = "AdrLine" up_to 7,
    }

    /// How to reach somebody (`Contact4`).
    pub struct Contact {
        /// Form of address.
        prefix: Option<Text<4>> = "NmPrfx",
        /// Name.
        name: Option<Text<140>> = "Nm",
        /// Telephone: `+86-2150000000`.
        phone: Option<Text<35>> = "PhneNb",
        /// Mobile telephone.
        mobile: Option<Text<35>> = "MobNb",
        /// Fax.
        fax: Option<Text<35>> = "FaxNb",
        /// Electronic mail.
        email: Option<Text<2048>> = "EmailAdr",
        /// What the mail is for.
        email_purpose: Option<Text<35>> = "EmailPurp",
        /// Title of the job.
        job: Option<Text<35>> = "JobTitl",
        /// Responsibility.
        responsibility: Option<Text<35>> = "Rspnsblty",
        /// Department.
        department: Option<Text<70>> = "Dept",
        /// Other ways.
        others: Vec<OtherContact> = "Othr",
        /// The way that is preferred.
        preferred: Option<Text<4>> = "PrefrdMtd",
    }

    /// Another way to reach somebody.
    pub struct OtherContact {
        /// The channel.
        channel: Option<Text<4>> = needed "ChanlTp",
        /// The number or name there.
        id: Option<Text<128>> = "Id",
    }

    /// A bank or another institution with its branch (`BranchAndFinancialInstitutionIdentification6`).
    pub struct Agent {
        /// The institution.
        institution: Option<Box<Institution>> = needed "FinInstnId",
        /// The branch.
        branch: Option<Box<Branch>> = "BrnchId",
    }

    /// An institution (`FinancialInstitutionIdentification18`).
    pub struct Institution {
        /// BIC.
        bic: Option<Bic> = "BICFI" | "BIC",
        /// Number in a clearing system.
        member: Option<Box<ClearingMember>> = "ClrSysMmbId",
        /// LEI.
        lei: Option<Lei> = "LEI",
        /// Name.
        name: Option<Text<140>> = "Nm",
        /// Postal address.
        address: Option<Box<Address>> = "PstlAdr",
        /// Another number.
        other: Option<Box<GenericId>> = "Othr",
    }

    /// A number in a clearing system.
    pub struct ClearingMember {
        /// The system: `USABA`, `CNAPS`.
        system: Option<Choice> = "ClrSysId",
        /// The number.
        id: Option<Text<35>> = needed "MmbId",
    }

    /// A branch (`BranchData3`).
    pub struct Branch {
        /// Number.
        id: Option<Text<35>> = "Id",
        /// LEI.
        lei: Option<Lei> = "LEI",
        /// Name.
        name: Option<Text<140>> = "Nm",
        /// Postal address.
        address: Option<Box<Address>> = "PstlAdr",
    }

    /// An account (`CashAccount38`).
    pub struct Account {
        /// Number.
        id: Option<AccountId> = needed "Id",
        /// Kind.
        kind: Option<Choice> = "Tp",
        /// Currency.
        currency: Option<CurrencyCode> = "Ccy",
        /// Name.
        name: Option<Text<70>> = "Nm",
        /// What stands for the number: a telephone number, a mail address.
        proxy: Option<Box<Proxy>> = "Prxy",
    }

    /// What stands for the number of an account.
    pub struct Proxy {
        /// Kind.
        kind: Option<Choice> = "Tp",
        /// What stands for it.
        id: Option<Text<2048>> = needed "Id",
    }
}

impl Party {
    /// Makes a party of its name.
    #[must_use]
    pub fn named(name: &str) -> Party {
        Party { name: Some(Text::new(name)), ..Party::default() }
    }
}

impl Agent {
    /// Makes an institution of its BIC.
    #[must_use]
    pub fn of_bic(bic: &str) -> Agent {
        let institution = Institution { bic: Some(Bic::new(bic)), ..Institution::default() };
        Agent { institution: Some(Box::new(institution)), branch: None }
    }

    /// Makes an institution of its number in a clearing system, such as `USABA`.
    #[must_use]
    pub fn of_member(system: &str, id: &str) -> Agent {
        let member = ClearingMember { system: Some(Choice::code(system)), id: Some(Text::new(id)) };
        let institution = Institution { member: Some(Box::new(member)), ..Institution::default() };
        Agent { institution: Some(Box::new(institution)), branch: None }
    }

    /// Returns its BIC; empty where it has none.
    #[must_use]
    pub fn bic(&self) -> &str {
        self.institution.as_ref().and_then(|own| own.bic.as_deref()).unwrap_or_default()
    }

    /// Returns its number in a clearing system; empty where it has none.
    #[must_use]
    pub fn member(&self) -> &str {
        let member = self.institution.as_ref().and_then(|own| own.member.as_ref());
        member.and_then(|member| member.id.as_deref()).unwrap_or_default()
    }

    /// Returns by what it is best told: BIC, number, LEI or name.
    #[must_use]
    pub fn text(&self) -> &str {
        let Some(own) = &self.institution else { return "" };
        let name = own.name.as_deref().unwrap_or_default();
        let lei = own.lei.as_deref().unwrap_or_default();
        [self.bic(), self.member(), lei, name].into_iter().find(|text| !text.is_empty()).unwrap_or("")
    }
}

impl Account {
    /// Makes an account of its IBAN.
    #[must_use]
    pub fn of_iban(iban: &str) -> Account {
        Account { id: Some(AccountId::Iban(Iban::new(iban))), ..Account::default() }
    }

    /// Makes an account of another number.
    #[must_use]
    pub fn of_number(number: &str) -> Account {
        let id = GenericAccountId { id: Some(Text::new(number)), ..GenericAccountId::default() };
        Account { id: Some(AccountId::Other(Box::new(id))), ..Account::default() }
    }

    /// Returns its number; empty where it has none.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.id {
            Some(AccountId::Iban(iban)) => iban,
            Some(AccountId::Other(other)) => other.id.as_deref().unwrap_or_default(),
            None => "",
        }
    }

    /// Returns its IBAN, where it has one.
    #[must_use]
    pub fn iban(&self) -> Option<&str> {
        match &self.id {
            Some(AccountId::Iban(iban)) => Some(iban),
            _ => None,
        }
    }
}

/// A party that may be an institution (`Party40Choice`). Versions before 2019 have the party's own elements
/// where later ones have `Pty`: they are read as a party.
#[derive(Debug, Clone, PartialEq)]
pub enum PartyOrAgent {
    /// A company or person.
    Party(Box<Party>),
    /// An institution.
    Agent(Box<Agent>),
}

impl PartyOrAgent {
    /// Returns its name, or by what the institution is best told.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            PartyOrAgent::Party(party) => party.name.as_deref().unwrap_or_default(),
            PartyOrAgent::Agent(agent) => agent.text(),
        }
    }
}

impl Part for PartyOrAgent {
    fn read(own: Tag<'_>, source: &mut Source<'_>) -> Result<Self, Halt> {
        let start = source.tag_start();
        let mut choice = None;
        let mut party = Party::default();
        while let Some(tag) = source.child()? {
            match tag.name {
                "Pty" if choice.is_none() => choice = Some(PartyOrAgent::Party(Part::read(tag, source)?)),
                "Agt" if choice.is_none() => choice = Some(PartyOrAgent::Agent(Part::read(tag, source)?)),
                _ => {
                    if !party.take(tag, source)? {
                        source.pass_over()?;
                    }
                }
            }
        }
        let direct = (party != Party::default()).then(|| PartyOrAgent::Party(Box::new(party)));
        choice.or(direct).ok_or_else(|| source.fault(start, own, "has neither a party nor an agent", ""))
    }

    fn write(&self, name: &str, sink: &mut Sink) {
        sink.element(name, |sink| match self {
            PartyOrAgent::Party(party) => party.write("Pty", sink),
            PartyOrAgent::Agent(agent) => agent.write("Agt", sink),
        });
    }

    fn check(&self, check: &mut Check) {
        match self {
            PartyOrAgent::Party(party) => check.within("Pty", None, |check| party.check(check)),
            PartyOrAgent::Agent(agent) => check.within("Agt", None, |check| agent.check(check)),
        }
    }

    #[cfg(test)]
    fn any(random: &mut super::tests::Random) -> Self {
        match random.below(2) {
            0 => PartyOrAgent::Party(Part::any(random)),
            _ => PartyOrAgent::Agent(Part::any(random)),
        }
    }
}
