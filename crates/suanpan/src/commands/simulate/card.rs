//! `suanpan simulate card`: a card with a chip, in a file.

use super::until_signal;
use crate::cli::SimulateCardArgs;
use crate::commands::serve::{Signals, listen};
use crate::error::{Trouble, status};
use crate::secrets::{issuer_key, replace, write_new};
use crate::terminal::Terminal;
use serde::{Deserialize, Serialize};
use std::path::Path;
use suanpan_messages::emv::data::ChipDate;
use suanpan_messages::emv::track::masked;
use suanpan_messages::identifier::luhn_is_valid;
use suanpan_messages::keys::DoubleKey;
use suanpan_simulators::card::{CardSettings, Kept, SoftwareCard, join, serve};
use suanpan_simulators::card_network::Issuer;

/// A card as its file has it. It holds the card's key, so it is its owner's alone.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CardFile {
    number: String,
    sequence: u8,
    /// Year and month, `YYYY-MM`.
    expires: String,
    /// Its key, 32 hexadecimal digits.
    key: String,
    /// Payments that it has made.
    counter: u16,
}

/// A file of a card has some hundred bytes.
const FILE_BYTES_MAX: u64 = 4_096;

pub(super) async fn run(args: &SimulateCardArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let signals = Signals::install()?;
    let key = issuer_key(&args.issuer_key_file)?;
    if let Some(path) = &key.made {
        terminal.hint(&format!(
            "made the issuer's key {}; give the same to suanpan simulate channel card-network",
            path.display()
        ));
    }
    let issuer = Issuer::new(DoubleKey::new(key.key));
    let file = read_or_make(args, &issuer)?;
    let wrong = |what: &str| wrong_file(&args.card_file, what);
    let key: [u8; 16] = hex::decode(&file.key)
        .ok()
        .and_then(|key| key.try_into().ok())
        .ok_or_else(|| wrong("its key is 32 hexadecimal digits"))?;
    let settings = CardSettings {
        number: file.number.clone(),
        sequence: file.sequence,
        expires: last_day(&file.expires).ok_or_else(|| wrong("expires is a month, YYYY-MM"))?,
        key: DoubleKey::new(key),
        verifies_holder: args.telephone,
        wants_answer: args.wants_answer,
        removed_after: args.taken_after,
    };
    check_number(&file.number).map_err(wrong)?;
    let (path, kept) = (args.card_file.clone(), file.clone());
    let keep = move |counter| write(&path, &CardFile { counter, ..kept.clone() });
    let card = Kept::new(SoftwareCard::new(settings, file.counter), keep);
    let about = format!(
        "{} payments so far, expires {}, PIN {}",
        file.counter,
        file.expires,
        issuer.pin(&file.number)
    );
    if let Some(reader) = &args.reader {
        terminal.result(&format!("simulated card {} on {reader}\n{about}\n", masked(&file.number)))?;
        until_signal(join(reader, card.clone()), signals).await?;
    } else {
        let (listener, address) = listen(&args.listen).await?;
        terminal.result(&format!("simulated card {} on {address}\n{about}\n", masked(&file.number)))?;
        until_signal(serve(listener, card.clone()), signals).await?;
    }
    let made = serde_json::json!({"payments": card.counter()});
    terminal.result(&format!("{made}\n")).map(|()| status::FINE)
}

fn wrong_file(path: &Path, what: &str) -> Trouble {
    Trouble::new("card_wrong", format!("this is no card: {what}"))
        .at(path.display().to_string())
        .next("remove the file to have a new card made")
}

fn check_number(number: &str) -> Result<(), &'static str> {
    let fine = (13..=19).contains(&number.len()) && luhn_is_valid(number);
    if fine { Ok(()) } else { Err("its number has 13 to 19 digits, the last of which checks the others") }
}

fn read_or_make(args: &SimulateCardArgs, issuer: &Issuer) -> Result<CardFile, Trouble> {
    let path = &args.card_file;
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.len() > FILE_BYTES_MAX => Err(wrong_file(path, "it is too long to be one")),
        Ok(_) => {
            let text = std::fs::read_to_string(path).map_err(|error| Trouble::io("read", path, error))?;
            // The error may quote the file, which has a key.
            serde_json::from_str(&text).map_err(|_| wrong_file(path, "it cannot be read"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(args, issuer),
        Err(error) => Err(Trouble::io("read", path, error)),
    }
}

fn make(args: &SimulateCardArgs, issuer: &Issuer) -> Result<CardFile, Trouble> {
    check_number(&args.number).map_err(|what| {
        Trouble::new("argument", what).at("--number").next("leave it out to have 6225000000001004")
    })?;
    if last_day(&args.expires).is_none() {
        return Err(Trouble::new("argument", format!("{} is no month", args.expires))
            .at("--expires")
            .next("give YYYY-MM, from 2000 to 2099"));
    }
    let sequence = 1;
    let key = issuer.card_key(&args.number, sequence).ok_or_else(|| {
        Trouble::new("argument", "no key can be derived for this number")
            .at("--number")
            .next("give 16 digits")
    })?;
    let file = CardFile {
        number: args.number.clone(),
        sequence,
        expires: args.expires.clone(),
        key: hex::encode(key.expose()),
        counter: 0,
    };
    write_new(&args.card_file, &text_of(&file))?;
    Ok(file)
}

fn text_of(file: &CardFile) -> String {
    let text = serde_json::to_string(file).unwrap_or_default();
    format!("{text}\n")
}

fn write(path: &Path, file: &CardFile) -> std::io::Result<()> {
    replace(path, &text_of(file))
}

/// The last day of a month that is written as `YYYY-MM`.
fn last_day(text: &str) -> Option<ChipDate> {
    let first: jiff::civil::Date = format!("{text}-01").parse().ok()?;
    let last = first.last_of_month();
    let year =
        last.year().checked_sub(2_000).and_then(|year| u8::try_from(year).ok()).filter(|it| *it < 100)?;
    Some(ChipDate { year, month: last.month().unsigned_abs(), day: last.day().unsigned_abs() })
}
