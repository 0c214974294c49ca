//! An entry of a statement as records.

use super::batch;
use super::statement::{Context, currency, day, indicator, money};
use crate::checks::add;
use crate::event::{Check, Fault, Stop};
use crate::output::Output;
use crate::record::{Direction, Kind, Moment, Place, Record, Status};
use crate::value;
use crate::xml::{Element, Name, name, way};
use jiff::tz::Offset;
use rust_decimal::Decimal;

/// References that say that there is none.
const NO_REFERENCE: [&str; 4] = ["NOTPROVIDED", "NOT PROVIDED", "NONREF", "NOTAVAILABLE"];

/// Gives an entry as records: one for each of its details where those have amounts that add up to the
/// entry, else one for the entry. Each is given as soon as it is made, since a batch may have tens of thousands.
pub(super) fn give(
    entry: Element<'_>,
    raw: &str,
    context: &mut Context,
    output: &mut Output<'_>,
) -> Result<(), Stop> {
    let place = entry.place().on_page(context.page);
    let mut whole = match whole(entry, raw, place, context) {
        Ok(record) => record,
        Err(fault) => return output.fault(fault),
    };
    context.count(&whole)?;
    let details = || entry.all(name!("NtryDtls")).flat_map(|details| details.all(name!("TxDtls")));
    let count = details().count();
    batch::check(entry, &whole, output)?;
    if count <= 1 {
        if let Some(one) = details().next() {
            describe(one, &mut whole);
        }
        return output.record(whole);
    }
    whole.batch_id = batch_reference(entry, &whole);
    let mut sum = Some(Decimal::ZERO);
    for detail in details() {
        sum = match (sum, detail_amount(detail, &whole)) {
            (Some(sum), Some(amount)) => Some(add(sum, amount, place)?),
            _ => None,
        };
    }
    if sum != Some(whole.amount) {
        for detail in details().take(DETAILS_NAMED_MAX) {
            whole.detail("EndToEndId", detail.text_of(way!("Refs" / "EndToEndId")));
        }
        whole.notes.push(format!("{count} details without amounts that add up to the entry: kept as one"));
        return output.record(whole);
    }
    output.check(Check::amount("details of the entry", whole.amount, whole.amount, place))?;
    for detail in details() {
        let mut record = whole.clone();
        record.amount = detail_amount(detail, &whole).unwrap_or_default();
        record.direction = direction(record.amount);
        describe(detail, &mut record);
        output.record(record)?;
    }
    Ok(())
}

/// The most references of a batch that is kept as one record.
const DETAILS_NAMED_MAX: usize = 100;

/// Reads what the entry says of itself.
fn whole(entry: Element<'_>, raw: &str, place: Place, context: &Context) -> Result<Record, Fault> {
    let Some(amount) = entry.find(way!("Amt")) else {
        return Err(Fault::new(place, "Ntry/Amt", "is not there", ""));
    };
    let (value, currency) = money(amount, context.page, context.likely())?;
    let out = indicator(entry.text_of(way!("CdtDbtInd")), place, "Ntry/CdtDbtInd")?;
    let signed = if out { crate::checks::negated(value) } else { value };
    let mut record = Record::new(kind(entry), signed, currency, place);
    record.direction = if out { Direction::Out } else { Direction::In };
    record.kind_text = transaction_code(entry);
    let status = entry.first_text(&[way!("Sts" / "Cd"), way!("Sts" / "Prtry"), way!("Sts")]);
    record.status_text = status.to_owned();
    record.status = match status {
        "BOOK" | "" => Status::Booked,
        "PDNG" | "FUTR" => Status::Pending,
        _ => Status::Information,
    };
    record.booked_on = entry_day(entry, name!("BookgDt"), place)?;
    record.value_on = entry_day(entry, name!("ValDt"), place)?;
    record.time = match entry.text_of(way!("BookgDt" / "DtTm")) {
        "" => None,
        text => Some(
            moment(text).ok_or_else(|| Fault::new(place, "Ntry/BookgDt", "is not a date and time", text))?,
        ),
    };
    record.account = context.account().to_owned();
    record.id = entry.first_text(&[way!("AcctSvcrRef"), way!("NtryRef")]).to_owned();
    record.description = entry.text_of(way!("AddtlNtryInf")).to_owned();
    record.detail("NtryRef", entry.text_of(way!("NtryRef")));
    if is_reversal(entry) {
        record.detail("RvslInd", "true");
    }
    charges(entry, &mut record);
    limit_details(&mut record);
    record.set_raw(raw);
    Ok(record)
}

fn entry_day(entry: Element<'_>, name: Name, place: Place) -> Result<Option<jiff::civil::Date>, Fault> {
    let Some(element) = entry.find(&[name]) else { return Ok(None) };
    match element.first_text(&[way!("Dt"), way!("DtTm")]) {
        "" => Ok(None),
        text => day(text)
            .map(Some)
            .ok_or_else(|| Fault::new(place, &format!("Ntry/{}", name.text()), "is not a date", text)),
    }
}

/// Reads `2015-03-10T18:43:50+01:00` or the same without an offset.
fn moment(text: &str) -> Option<Moment> {
    let (clock, offset) = match text.len() {
        ..19 => return None,
        _ => {
            let at = text.get(19..)?.find(['Z', '+', '-']).map_or(text.len(), |at| at + 19);
            text.split_at(at)
        }
    };
    let local = value::date_time(clock).ok()?;
    let offset = match offset {
        "" => None,
        "Z" => Some(Offset::UTC),
        other => {
            let (hours, minutes) = other.get(1..)?.split_once(':')?;
            let number = |text: &str| {
                let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
                digits.then(|| text.parse::<i32>().ok()).flatten()
            };
            let seconds = number(hours)? * 3_600 + number(minutes)? * 60;
            Some(Offset::from_seconds(if other.starts_with('-') { -seconds } else { seconds }).ok()?)
        }
    };
    Some(Moment { local, offset })
}

/// `PMNT-RCDT-ESCT` of the standard's codes, or the bank's own.
fn transaction_code(element: Element<'_>) -> String {
    let Some(codes) = element.find(way!("BkTxCd")) else { return String::new() };
    let Some(domain) = codes.find(way!("Domn")).filter(|domain| !domain.text_of(way!("Cd")).is_empty())
    else {
        return codes.text_of(way!("Prtry" / "Cd")).to_owned();
    };
    let family = domain.find(way!("Fmly"));
    let of_family = |way: &[Name]| family.map_or("", |family| family.text_of(way));
    let mut text = String::with_capacity(16);
    for part in [domain.text_of(way!("Cd")), of_family(way!("Cd")), of_family(way!("SubFmlyCd"))] {
        if !part.is_empty() {
            text.push_str(if text.is_empty() { "" } else { "-" });
            text.push_str(part);
        }
    }
    text
}

/// Says whether the entry takes another one back; a boolean of XML Schema is also written as 1.
fn is_reversal(entry: Element<'_>) -> bool {
    matches!(entry.text_of(way!("RvslInd")), "true" | "1")
}

/// Tells the kind by the sub-family of the external bank transaction code set.
fn kind(entry: Element<'_>) -> Kind {
    let sub = entry.first_text(&[
        way!("BkTxCd" / "Domn" / "Fmly" / "SubFmlyCd"),
        way!("NtryDtls" / "TxDtls" / "BkTxCd" / "Domn" / "Fmly" / "SubFmlyCd"),
    ]);
    let returned = is_reversal(entry)
        || entry.find(way!("NtryDtls" / "TxDtls" / "RtrInf")).is_some()
        || matches!(sub, "RRTN" | "RPCR" | "PRDD" | "UPDD" | "UPCT" | "RCDD" | "ARET" | "PADD");
    match sub {
        _ if returned => Kind::Return,
        "CHRG" | "COMM" | "FEES" | "CCHG" | "TAXE" => Kind::Fee,
        "INTR" => Kind::Interest,
        _ => Kind::Transfer,
    }
}

/// The most details of one record.
const DETAILS_MAX: usize = 1_000;

/// Leaves out what is over the limit, and says so.
fn limit_details(record: &mut Record) {
    let over = record.details.len().saturating_sub(DETAILS_MAX);
    if over > 0 {
        record.details.truncate(DETAILS_MAX);
        record.notes.push(format!("{over} more details are left out"));
    }
}

fn charges(element: Element<'_>, record: &mut Record) {
    record.detail("Chrgs/TtlChrgsAndTaxAmt", element.text_of(way!("Chrgs" / "TtlChrgsAndTaxAmt")));
    for charge in
        element.all(name!("Chrgs")).flat_map(|charges| charges.children().filter(|c| c.name() == "Rcrd"))
    {
        if let Some(amount) = charge.find(way!("Amt")) {
            let currency = amount.attribute("Ccy").unwrap_or_default();
            record.detail(
                "Chrgs",
                &format!("{} {currency} {}", amount.text(), charge.text_of(way!("CdtDbtInd"))),
            );
        }
    }
}

/// Reads the amount of a detail, signed, where it has one in the entry's currency.
pub(super) fn detail_amount(detail: Element<'_>, entry: &Record) -> Option<Decimal> {
    const PLACES: [&[Name]; 4] = [
        way!("Amt"),
        way!("AmtDtls" / "TxAmt" / "Amt"),
        way!("AmtDtls" / "InstdAmt" / "Amt"),
        way!("AmtDtls" / "CntrValAmt" / "Amt"),
    ];
    // The amount may stand in the payment's own currency, with the entry's among the others.
    let amount = PLACES.iter().filter_map(|place| detail.find(place)).find(|amount| {
        let code = amount.attribute("Ccy").and_then(|code| currency(code, Some(entry.currency)));
        code == Some(entry.currency)
    })?;
    let value = super::statement::amount(amount.text()).ok()?;
    let out = match detail.text_of(way!("CdtDbtInd")) {
        "DBIT" => true,
        "CRDT" => false,
        _ => entry.direction == Direction::Out,
    };
    Some(if out { crate::checks::negated(value) } else { value })
}

fn direction(amount: Decimal) -> Direction {
    if amount.is_sign_negative() { Direction::Out } else { Direction::In }
}

fn batch_reference(entry: Element<'_>, whole: &Record) -> String {
    let batch =
        entry.first_text(&[way!("NtryDtls" / "Btch" / "PmtInfId"), way!("NtryDtls" / "Btch" / "MsgId")]);
    if batch.is_empty() { whole.id.clone() } else { batch.to_owned() }
}

/// Adds what a detail says of one payment.
fn describe(detail: Element<'_>, record: &mut Record) {
    let all_refs = detail.find(way!("Refs"));
    let refs = |name: Name| {
        let text = all_refs.map_or("", |refs| refs.text_of(&[name]));
        if NO_REFERENCE.contains(&text) { "" } else { text }
    };
    let structured = detail
        .all(name!("RmtInf"))
        .flat_map(|information| information.all(name!("Strd")))
        .map(creditor_reference)
        .find(|reference| !reference.is_empty())
        .unwrap_or_default();
    let own = [refs(name!("EndToEndId")), structured, refs(name!("InstrId")), refs(name!("TxId"))];
    record.own_id = own.into_iter().find(|text| !text.is_empty()).unwrap_or_default().to_owned();
    record.order_id = structured.to_owned();
    let servicer = refs(name!("AcctSvcrRef"));
    if !servicer.is_empty() {
        record.id = servicer.to_owned();
    }
    if record.batch_id.is_empty() {
        record.batch_id = refs(name!("PmtInfId")).to_owned();
    }
    const MORE: &[Name] = way!("MsgId" / "InstrId" / "TxId" / "UETR" / "MndtId" / "ChqNb" / "ClrSysRef");
    for name in MORE {
        record.detail(name.text(), refs(*name));
    }
    other_party(detail, record);
    remittance(detail, record);
    amounts(detail, record);
    charges(detail, record);
    record.detail("Purp", detail.first_text(&[way!("Purp" / "Cd"), way!("Purp" / "Prtry")]));
    let reason = detail.first_text(&[way!("RtrInf" / "Rsn" / "Cd"), way!("RtrInf" / "Rsn" / "Prtry")]);
    record.detail("RtrInf", reason);
    record.detail("RtrInf/AddtlInf", detail.text_of(way!("RtrInf" / "AddtlInf")));
    let own_code = transaction_code(detail);
    if own_code != record.kind_text {
        if record.kind_text.is_empty() {
            record.kind_text = own_code;
        } else {
            record.detail("BkTxCd", &own_code);
        }
    }
    limit_details(record);
}

/// What a side of a payment is called: its party, account, bank, and who is behind the party.
struct SideNames {
    party: Name,
    account: Name,
    agent: Name,
    ultimate: Name,
}

const PAYER: SideNames = SideNames {
    party: name!("Dbtr"),
    account: name!("DbtrAcct"),
    agent: name!("DbtrAgt"),
    ultimate: name!("UltmtDbtr"),
};

const PAYEE: SideNames = SideNames {
    party: name!("Cdtr"),
    account: name!("CdtrAcct"),
    agent: name!("CdtrAgt"),
    ultimate: name!("UltmtCdtr"),
};

/// Takes the party on the other end: who pays what comes in, who is paid what goes out.
fn other_party(detail: Element<'_>, record: &mut Record) {
    let Some(parties) = detail.find(way!("RltdPties")) else { return };
    let text = |element: Option<Element<'_>>, paths: &[&[Name]]| -> String {
        element.map_or("", |element| element.first_text(paths)).to_owned()
    };
    // A file that names only one side means that one.
    let sides = if record.direction == Direction::Out { [PAYEE, PAYER] } else { [PAYER, PAYEE] };
    for names in sides {
        let name = text(
            parties.find(&[names.party]),
            &[way!("Nm"), way!("Pty" / "Nm"), way!("Agt" / "FinInstnId" / "Nm")],
        );
        let number = text(
            parties.find(&[names.account]),
            &[way!("Id" / "IBAN"), way!("Id" / "Othr" / "Id"), way!("Id" / "PrtryAcct" / "Id")],
        );
        let last = text(parties.find(&[names.ultimate]), &[way!("Nm"), way!("Pty" / "Nm")]);
        if name.is_empty() && number.is_empty() && last.is_empty() {
            continue;
        }
        // Who is behind the party stands for it where it has no name.
        record.counterparty = if name.is_empty() { last.clone() } else { name };
        record.counterparty_account = number;
        let bank = text(
            detail.find(way!("RltdAgts")).and_then(|agents| agents.find(&[names.agent])),
            &[way!("FinInstnId" / "BICFI"), way!("FinInstnId" / "BIC"), way!("FinInstnId" / "Nm")],
        );
        record.detail(names.agent.text(), &bank);
        record.detail(names.ultimate.text(), &last);
        break;
    }
}

fn remittance(detail: Element<'_>, record: &mut Record) {
    let all = || detail.all(name!("RmtInf"));
    let mut text = String::new();
    for line in all().flat_map(|information| information.all(name!("Ustrd"))).map(Element::text) {
        if !text.is_empty() && !line.is_empty() {
            text.push(' ');
        }
        text.push_str(line);
    }
    let more = detail.text_of(way!("AddtlTxInf"));
    let unstructured = !text.is_empty();
    if !unstructured {
        text.push_str(more);
    }
    if !text.is_empty() {
        let entry = std::mem::replace(&mut record.description, text);
        record.detail("AddtlNtryInf", &entry);
    }
    if unstructured {
        record.detail("AddtlTxInf", more);
    }
    for structured in all().flat_map(|information| information.all(name!("Strd"))) {
        for document in structured.all(name!("RfrdDocInf")) {
            record.detail("RfrdDocInf", document.text_of(way!("Nb")));
        }
        let reference = creditor_reference(structured);
        if reference != record.order_id {
            record.detail("CdtrRefInf", reference);
        }
        for more in structured.all(name!("AddtlRmtInf")) {
            record.detail("AddtlRmtInf", more.text());
        }
    }
}

/// The reference that the creditor gave, in a part of the remittance information.
fn creditor_reference(structured: Element<'_>) -> &str {
    structured.first_text(&[way!("CdtrRefInf" / "Ref"), way!("CdtrRefInf" / "CdtrRef")])
}

fn amounts(detail: Element<'_>, record: &mut Record) {
    let Some(all) = detail.find(way!("AmtDtls")) else { return };
    for name in way!("InstdAmt" / "TxAmt" / "CntrValAmt") {
        let Some(part) = all.find(&[*name]) else { continue };
        let Some(amount) = part.find(way!("Amt")) else { continue };
        let currency = amount.attribute("Ccy").unwrap_or_default();
        record.detail(name.text(), &format!("{} {currency}", amount.text()));
        record.detail("XchgRate", part.text_of(way!("CcyXchg" / "XchgRate")));
    }
}
