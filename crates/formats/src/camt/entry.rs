//! An entry of a statement as records.

use super::batch;
use super::statement::{Context, day, indicator, money};
use crate::checks::add;
use crate::event::{Check, Fault, Stop};
use crate::output::Output;
use crate::record::{Direction, Kind, Moment, Place, Record, Status};
use crate::value;
use crate::xml::Element;
use jiff::tz::Offset;
use rust_decimal::Decimal;
use suanpan_money::Currency;

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
    let details = || entry.all("NtryDtls").flat_map(|details| details.all("TxDtls"));
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
            whole.detail("EndToEndId", detail.text_of(&["Refs", "EndToEndId"]));
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
    let Some(amount) = entry.find(&["Amt"]) else {
        return Err(Fault::new(place, "Ntry/Amt", "is not there", ""));
    };
    let (value, currency) = money(amount, context.page)?;
    let out = indicator(entry.text_of(&["CdtDbtInd"]), place, "Ntry/CdtDbtInd")?;
    let signed = if out { crate::checks::negated(value) } else { value };
    let mut record = Record::new(kind(entry), signed, currency, place);
    record.direction = if out { Direction::Out } else { Direction::In };
    record.kind_text = transaction_code(entry);
    let status = entry.first_text(&[&["Sts", "Cd"], &["Sts", "Prtry"], &["Sts"]]);
    record.status_text = status.to_owned();
    record.status = match status {
        "BOOK" | "" => Status::Booked,
        "PDNG" | "FUTR" => Status::Pending,
        _ => Status::Information,
    };
    record.booked_on = entry_day(entry, "BookgDt", place)?;
    record.value_on = entry_day(entry, "ValDt", place)?;
    record.time = match entry.text_of(&["BookgDt", "DtTm"]) {
        "" => None,
        text => Some(
            moment(text).ok_or_else(|| Fault::new(place, "Ntry/BookgDt", "is not a date and time", text))?,
        ),
    };
    record.account = context.account().to_owned();
    record.id = entry.first_text(&[&["AcctSvcrRef"], &["NtryRef"]]).to_owned();
    record.description = entry.text_of(&["AddtlNtryInf"]).to_owned();
    record.detail("NtryRef", entry.text_of(&["NtryRef"]));
    if is_reversal(entry) {
        record.detail("RvslInd", "true");
    }
    charges(entry, &mut record);
    limit_details(&mut record);
    record.set_raw(raw);
    Ok(record)
}

fn entry_day(
    entry: Element<'_>,
    name: &'static str,
    place: Place,
) -> Result<Option<jiff::civil::Date>, Fault> {
    match entry.first_text(&[&[name, "Dt"], &[name, "DtTm"]]) {
        "" => Ok(None),
        text => day(text)
            .map(Some)
            .ok_or_else(|| Fault::new(place, &format!("Ntry/{name}"), "is not a date", text)),
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
            let seconds = hours.parse::<i32>().ok()? * 3_600 + minutes.parse::<i32>().ok()? * 60;
            Offset::from_seconds(if other.starts_with('-') { -seconds } else { seconds }).ok()
        }
    };
    Some(Moment { local, offset })
}

/// `PMNT-RCDT-ESCT` of the standard's codes, or the bank's own.
fn transaction_code(element: Element<'_>) -> String {
    let code = |path: &[&str]| element.text_of(path);
    let domain = code(&["BkTxCd", "Domn", "Cd"]);
    if domain.is_empty() {
        return code(&["BkTxCd", "Prtry", "Cd"]).to_owned();
    }
    let family = code(&["BkTxCd", "Domn", "Fmly", "Cd"]);
    let sub = code(&["BkTxCd", "Domn", "Fmly", "SubFmlyCd"]);
    [domain, family, sub].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// Says whether the entry takes another one back; a boolean of XML Schema is also written as 1.
fn is_reversal(entry: Element<'_>) -> bool {
    matches!(entry.text_of(&["RvslInd"]), "true" | "1")
}

/// Tells the kind by the sub-family of the external bank transaction code set.
fn kind(entry: Element<'_>) -> Kind {
    let sub = entry.first_text(&[
        &["BkTxCd", "Domn", "Fmly", "SubFmlyCd"],
        &["NtryDtls", "TxDtls", "BkTxCd", "Domn", "Fmly", "SubFmlyCd"],
    ]);
    let returned = is_reversal(entry)
        || entry.find(&["NtryDtls", "TxDtls", "RtrInf"]).is_some()
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
    record.detail("Chrgs/TtlChrgsAndTaxAmt", element.text_of(&["Chrgs", "TtlChrgsAndTaxAmt"]));
    for charge in element.all("Chrgs").flat_map(|charges| charges.children().filter(|c| c.name() == "Rcrd")) {
        if let Some(amount) = charge.find(&["Amt"]) {
            let currency = amount.attribute("Ccy").unwrap_or_default();
            record
                .detail("Chrgs", &format!("{} {currency} {}", amount.text(), charge.text_of(&["CdtDbtInd"])));
        }
    }
}

/// Reads the amount of a detail, signed, where it has one in the entry's currency.
pub(super) fn detail_amount(detail: Element<'_>, entry: &Record) -> Option<Decimal> {
    let amount = detail
        .find(&["Amt"])
        .or_else(|| detail.find(&["AmtDtls", "TxAmt", "Amt"]))
        .or_else(|| detail.find(&["AmtDtls", "InstdAmt", "Amt"]))?;
    if Currency::parse(amount.attribute("Ccy")?)? != entry.currency {
        return None;
    }
    let value = value::amount(amount.text()).ok()?;
    let out = match detail.text_of(&["CdtDbtInd"]) {
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
    let batch = entry.first_text(&[&["NtryDtls", "Btch", "PmtInfId"], &["NtryDtls", "Btch", "MsgId"]]);
    if batch.is_empty() { whole.id.clone() } else { batch.to_owned() }
}

/// Adds what a detail says of one payment.
fn describe(detail: Element<'_>, record: &mut Record) {
    let refs = |name: &'static str| {
        let text = detail.text_of(&["Refs", name]);
        if NO_REFERENCE.contains(&text) { "" } else { text }
    };
    let structured = detail
        .all("RmtInf")
        .flat_map(|information| information.all("Strd"))
        .map(creditor_reference)
        .find(|reference| !reference.is_empty())
        .unwrap_or_default();
    let own = [refs("EndToEndId"), structured, refs("InstrId"), refs("TxId")];
    record.own_id = own.into_iter().find(|text| !text.is_empty()).unwrap_or_default().to_owned();
    record.order_id = structured.to_owned();
    let servicer = refs("AcctSvcrRef");
    if !servicer.is_empty() {
        record.id = servicer.to_owned();
    }
    if record.batch_id.is_empty() {
        record.batch_id = refs("PmtInfId").to_owned();
    }
    for name in ["MsgId", "InstrId", "TxId", "UETR", "MndtId", "ChqNb", "ClrSysRef"] {
        record.detail(name, refs(name));
    }
    other_party(detail, record);
    remittance(detail, record);
    amounts(detail, record);
    charges(detail, record);
    record.detail("Purp", detail.first_text(&[&["Purp", "Cd"], &["Purp", "Prtry"]]));
    let reason = detail.first_text(&[&["RtrInf", "Rsn", "Cd"], &["RtrInf", "Rsn", "Prtry"]]);
    record.detail("RtrInf", reason);
    record.detail("RtrInf/AddtlInf", detail.text_of(&["RtrInf", "AddtlInf"]));
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

/// Takes the party on the other end: who pays what comes in, who is paid what goes out.
fn other_party(detail: Element<'_>, record: &mut Record) {
    let sides: [(&str, &str, &str, &str); 2] =
        [("Dbtr", "DbtrAcct", "DbtrAgt", "UltmtDbtr"), ("Cdtr", "CdtrAcct", "CdtrAgt", "UltmtCdtr")];
    let preferred = usize::from(record.direction == Direction::Out);
    // A file that names only one side means that one.
    for (party, account, agent, ultimate) in [sides[preferred], sides[1 - preferred]] {
        let name = detail.first_text(&[
            &["RltdPties", party, "Nm"],
            &["RltdPties", party, "Pty", "Nm"],
            &["RltdPties", party, "Agt", "FinInstnId", "Nm"],
        ]);
        let number = detail.first_text(&[
            &["RltdPties", account, "Id", "IBAN"],
            &["RltdPties", account, "Id", "Othr", "Id"],
            &["RltdPties", account, "Id", "PrtryAcct", "Id"],
        ]);
        if name.is_empty() && number.is_empty() {
            continue;
        }
        record.counterparty = name.to_owned();
        record.counterparty_account = number.to_owned();
        let bank = detail.first_text(&[
            &["RltdAgts", agent, "FinInstnId", "BICFI"],
            &["RltdAgts", agent, "FinInstnId", "BIC"],
            &["RltdAgts", agent, "FinInstnId", "Nm"],
        ]);
        record.detail(agent, bank);
        let last =
            detail.first_text(&[&["RltdPties", ultimate, "Nm"], &["RltdPties", ultimate, "Pty", "Nm"]]);
        record.detail(ultimate, last);
        break;
    }
}

fn remittance(detail: Element<'_>, record: &mut Record) {
    let all = || detail.all("RmtInf");
    let lines: Vec<&str> = all()
        .flat_map(|information| information.all("Ustrd"))
        .map(Element::text)
        .filter(|text| !text.is_empty())
        .collect();
    let text = if lines.is_empty() { detail.text_of(&["AddtlTxInf"]).to_owned() } else { lines.join(" ") };
    if !text.is_empty() {
        let entry = std::mem::replace(&mut record.description, text);
        record.detail("AddtlNtryInf", &entry);
    }
    if !lines.is_empty() {
        record.detail("AddtlTxInf", detail.text_of(&["AddtlTxInf"]));
    }
    for structured in all().flat_map(|information| information.all("Strd")) {
        for document in structured.all("RfrdDocInf") {
            record.detail("RfrdDocInf", document.text_of(&["Nb"]));
        }
        let reference = creditor_reference(structured);
        if reference != record.order_id {
            record.detail("CdtrRefInf", reference);
        }
        for more in structured.all("AddtlRmtInf") {
            record.detail("AddtlRmtInf", more.text());
        }
    }
}

/// The reference that the creditor gave, in a part of the remittance information.
fn creditor_reference(structured: Element<'_>) -> &str {
    structured.first_text(&[&["CdtrRefInf", "Ref"], &["CdtrRefInf", "CdtrRef"]])
}

fn amounts(detail: Element<'_>, record: &mut Record) {
    for name in ["InstdAmt", "TxAmt", "CntrValAmt"] {
        let Some(part) = detail.find(&["AmtDtls", name]) else { continue };
        let Some(amount) = part.find(&["Amt"]) else { continue };
        let currency = amount.attribute("Ccy").unwrap_or_default();
        record.detail(name, &format!("{} {currency}", amount.text()));
        record.detail("XchgRate", part.text_of(&["CcyXchg", "XchgRate"]));
    }
}
