//! An entry and its addenda, whose columns differ by standard entry class.

use super::{ADVICE, Batch, column};
use crate::checks::negated;
use crate::event::Fault;
use crate::record::{Direction, Kind, Place, Record};
use crate::value;
use std::ops::Range;
use suanpan_money::Currency;

/// Entries across borders, whose parties stand in addenda.
const INTERNATIONAL: &str = "IAT";

/// Where an entry has what differs by class; an empty range where it does not have it.
struct Columns {
    account: Range<usize>,
    amount: Range<usize>,
    own_id: Range<usize>,
    name: Range<usize>,
}

/// The columns of a class ("ACH File Details" of the Nacha Operating Rules, entry detail records).
fn columns(class: &str, text: &str) -> Columns {
    let common = Columns { account: 12..29, amount: 29..39, own_id: 39..54, name: 54..76 };
    match class {
        ADVICE => Columns { account: 12..27, amount: 27..39, own_id: 0..0, ..common },
        INTERNATIONAL => Columns { account: 39..74, own_id: 0..0, name: 0..0, ..common },
        // The number of addenda stands before the name; some programs leave it out of ENR.
        "ATX" | "CTX" | "ENR" | "TRX" if text[54..58].bytes().all(|b| b.is_ascii_digit()) => {
            Columns { name: 58..74, ..common }
        }
        // City and state of the terminal stand behind the number of the check.
        "POP" => Columns { own_id: 39..48, ..common },
        // The date at which the card expires stands before the reference, and the card behind it.
        "SHR" => Columns { own_id: 43..54, name: 0..0, ..common },
        // Process control and research numbers in place of a name.
        "TRC" | "XCK" => Columns { name: 0..0, ..common },
        _ => common,
    }
}

/// Reads an entry.
pub(super) fn read(text: &str, place: Place, batch: &Batch) -> Result<Record, Fault> {
    let code = &text[1..3];
    let fault = |offset: usize, field: &str, message: &str, found: &str| {
        Fault::new(place.at_column(column(offset)), field, message, found)
    };
    // The second digit tells: 1 to 4 credits an account, 6 to 9 debits it (Nacha rules, transaction codes).
    let (debit, step) = match (&code[..1], &code[1..]) {
        ("2" | "3" | "4" | "5", "1" | "2" | "3" | "4") => (false, &code[1..]),
        ("2" | "3" | "4" | "5", "5" | "6" | "7" | "8" | "9") => (true, &code[1..]),
        ("8", _) => (code == "82" || code == "84" || code == "86" || code == "88", ""),
        _ => return Err(fault(1, "transaction code", "is not one that the rules know", code)),
    };
    let columns = columns(&batch.class, text);
    let (start, written) = (columns.amount.start, &text[columns.amount]);
    let amount = value::implied(written, 2).map_err(|message| fault(start, "amount", message, written))?;
    if amount.is_sign_negative() {
        return Err(fault(start, "amount", "is negative", written));
    }
    let kind = match step {
        "1" | "6" => Kind::Return,
        "3" | "8" => Kind::Notice,
        "4" | "9" if amount.is_zero() => Kind::Notice,
        _ => Kind::Transfer,
    };
    let signed = if debit { amount } else { negated(amount) };
    let currency = Currency::parse("USD").expect("USD is in ISO 4217");
    let mut record = Record::new(kind, signed, currency, place);
    record.direction = if debit { Direction::In } else { Direction::Out };
    code.clone_into(&mut record.kind_text);
    record.id = text[79..94].trim().to_owned();
    record.own_id = text[columns.own_id].trim().to_owned();
    record.counterparty = text[columns.name].trim().to_owned();
    record.counterparty_account = text[columns.account].trim().to_owned();
    record.detail("routing number", text[3..12].trim());
    record.detail("discretionary data", text[76..78].trim());
    record.account.clone_from(&batch.company_id);
    record.batch_id.clone_from(&batch.number);
    record.booked_on = batch.effective;
    record.detail("standard entry class", &batch.class);
    record.detail("entry description", &batch.description);
    record.set_raw(text.trim_end());
    Ok(record)
}

/// Adds what an addendum says; returns the text that it has for the receiver.
pub(super) fn take_addendum<'t>(text: &'t str, class: &str, record: &mut Record) -> Option<&'t str> {
    match &text[1..3] {
        "99" => take_return(text, class, record),
        "98" => {
            record.kind = Kind::Notice;
            text[3..6].trim().clone_into(&mut record.kind_text);
            record.detail("change code", text[3..6].trim());
            text[6..21].trim().clone_into(&mut record.original_id);
            record.detail("corrected data", text[35..64].trim());
        }
        "05" => return Some(text[3..83].trim()),
        number if class == INTERNATIONAL => return take_international(number, text, record),
        other => record.detail(&format!("addenda {other}"), text[3..].trim()),
    }
    None
}

/// A return, one that the bank of the originator dishonors (R61 to R70), or that dishonor contested.
fn take_return(text: &str, class: &str, record: &mut Record) {
    let reason = text[3..6].trim();
    record.kind = Kind::Return;
    reason.clone_into(&mut record.kind_text);
    record.detail("return reason", reason);
    text[6..21].trim().clone_into(&mut record.original_id);
    record.detail("original receiving institution", text[27..35].trim());
    let number = reason.strip_prefix('R').and_then(|number| number.parse::<u8>().ok()).unwrap_or_default();
    match number {
        61..=77 => {
            record.detail("trace number of the return", text[38..53].trim());
            record.detail("reason of the return", text[56..58].trim());
            if number <= 70 {
                record.detail("addenda information", text[58..79].trim());
            } else {
                record.detail("trace number of the dishonored return", text[58..73].trim());
                record.detail("reason of the dishonored return", text[76..78].trim());
            }
        }
        // The amount of the payment that is returned stands first.
        _ if class == INTERNATIONAL => record.detail("addenda information", text[45..79].trim()),
        _ => record.detail("addenda information", text[35..79].trim()),
    }
}

/// The addenda 10 to 18 of an entry across borders: who is paid, by whom, and for what.
fn take_international<'t>(number: &str, text: &'t str, record: &mut Record) -> Option<&'t str> {
    match number {
        "10" => {
            text[46..81].trim().clone_into(&mut record.counterparty);
            record.detail("transaction type", text[3..6].trim());
            record.detail("foreign payment amount", text[6..24].trim());
            record.detail("foreign trace number", text[24..46].trim());
        }
        "11" => {
            record.detail("originator", text[3..38].trim());
            record.detail("originator's street", text[38..73].trim());
        }
        "12" => record.detail("originator's place", text[3..73].trim()),
        "13" => {
            record.detail("originator's bank", text[3..38].trim());
            record.detail("originator's bank number", text[40..74].trim());
        }
        "14" => {
            record.detail("receiver's bank", text[3..38].trim());
            record.detail("receiver's bank number", text[40..74].trim());
        }
        "15" => {
            text[3..18].trim().clone_into(&mut record.own_id);
            record.detail("receiver's street", text[18..53].trim());
        }
        "16" => record.detail("receiver's place", text[3..73].trim()),
        "17" => return Some(text[3..83].trim()),
        other => record.detail(&format!("addenda {other}"), text[3..83].trim()),
    }
    None
}
