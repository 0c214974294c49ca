//! `suanpan terminal`: takes payments with cards that are held to this machine.
//!
//! Before anything is asked of the server it stands in the journal; before anything is said to the customer it is over. So
//! whatever is left in the journal was told to nobody, and is undone.

mod journal;
mod pin;
mod server;
mod undo;

use crate::api::{self, random};
use crate::cli::{TerminalCommand, TerminalCommandArgs, TerminalFinishArgs, TerminalPayArgs};
use crate::error::{Trouble, status};
use crate::terminal::{Terminal, harmless};
use journal::{Journal, Open, Stage};
use server::{Said, Server};
use suanpan_messages::emv::apdu::{Command, Request};
use suanpan_messages::emv::data::{ChipData, ChipDate};
use suanpan_messages::tlv::Tag;
use suanpan_money::{Currency, format_minor, parse_decimal};
use suanpan_terminal::socket::SocketCard;
use suanpan_terminal::{
    Card, CardGone, Completed, OnlineRequest, Outcome, Payment, TerminalSettings, Verification, complete,
    present,
};
use undo::Undone;

/// The serial number of this device, as issuers see it.
const SERIAL: [u8; 8] = *b"SUANPAN1";

pub(crate) fn run(args: &TerminalCommandArgs, terminal: Terminal) -> Result<u8, Trouble> {
    match &args.command {
        TerminalCommand::Pay(args) => pay(args, terminal),
        TerminalCommand::Finish(args) => finish(args, terminal),
    }
}

fn finish(args: &TerminalFinishArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let server = Server::new(&args.api)?;
    let mut journal = Journal::open(&args.journal.file)?;
    if journal.unfinished().is_none() {
        return terminal.result("nothing is open\n").map(|()| status::FINE);
    }
    let done = finish_open(&mut journal, &server, args.journal.wait, terminal)?;
    Ok(if done { status::FINE } else { status::INCOMPLETE })
}

/// Undoes what was left open. Says whether nothing is open any more.
fn finish_open(
    journal: &mut Journal,
    server: &Server,
    wait: u64,
    terminal: Terminal,
) -> Result<bool, Trouble> {
    let Some(open) = journal.unfinished().cloned() else { return Ok(true) };
    say(
        terminal,
        &format!(
            "a payment of {} was not finished; it is undone\n",
            shown(open.amount_minor, open.currency()?)
        ),
    );
    let undone = api::run(undo::undo(journal, server, wait))?;
    say(terminal, &format!("{}\n", undone.text()));
    Ok(undone.is_known())
}

/// What was approved.
struct Approved {
    /// The intent.
    intent: String,
    /// What the issuer says to the chip, in hexadecimal.
    issuer_data: String,
}

/// What a payment has come to.
enum End {
    Approved(Approved),
    /// Nobody has paid, and nothing is to be undone.
    Declined(String),
    /// It must be undone, and why.
    Undo(String),
}

fn pay(args: &TerminalPayArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let amount_minor = minor(&args.amount, args.currency, "--amount")?;
    if amount_minor == 0 {
        return Err(Trouble::new("bad_amount", "there is nothing to pay")
            .at("--amount")
            .next("give an amount above 0"));
    }
    let pin_free_minor = minor(&args.pin_free, args.currency, "--pin-free")?;
    let settings = TerminalSettings { country: args.country, pin_free_minor, serial: SERIAL };
    let server = Server::new(&args.api)?;
    let mut journal = Journal::open(&args.journal.file)?;
    take(args, amount_minor, &settings, &server, &mut journal, terminal).map_err(|trouble| {
        // What stands in the journal is not known to be paid by nobody.
        if journal.unfinished().is_some() { trouble.ends_with(status::INCOMPLETE) } else { trouble }
    })
}

/// Takes a payment, with all that is open before it.
fn take(
    args: &TerminalPayArgs,
    amount_minor: i64,
    settings: &TerminalSettings,
    server: &Server,
    journal: &mut Journal,
    terminal: Terminal,
) -> Result<u8, Trouble> {
    if !finish_open(journal, server, args.journal.wait, terminal)? {
        return Ok(status::INCOMPLETE);
    }
    let payment = Payment {
        amount_minor,
        currency: args.currency,
        date: today()?,
        sequence: journal.count()?,
        unpredictable: random()?,
    };
    let price = shown(amount_minor, args.currency);
    say(terminal, &format!("{price}  hold the card to the reader\n"));
    let mut card = card_at(&args.card)?;
    let presented = present(settings, &payment, card.as_mut(), |command| told(terminal, command));
    let request = match presented {
        Err(gone) => {
            let why = harmless(&gone.to_string());
            say(terminal, &format!("NOT PAID  {why}; nothing was asked for\n"));
            return Ok(status::DIFFERENCES);
        }
        Ok(Outcome::Refused(refusal)) => {
            say(terminal, &format!("DECLINED  {refusal}; nothing was asked for\n"));
            return Ok(status::DIFFERENCES);
        }
        Ok(Outcome::Online(request)) => request,
    };
    let name = request.label.clone().unwrap_or_else(|| "card".to_owned());
    say(
        terminal,
        &format!(
            "{}  {}, payment {} of the card\n",
            harmless(&name),
            suanpan_messages::emv::track::masked(request.track_2.expose_number()),
            request.counter
        ),
    );
    let pin_block = match request.verification {
        Verification::None => None,
        Verification::OnDevice => {
            say(terminal, "verified by the telephone\n");
            None
        }
        Verification::OnlinePin => {
            Some(pin::block(&args.pin_key_file, args.pin_file.as_deref(), &request.track_2, terminal)?)
        }
    };
    say(terminal, "asking the issuer\n");
    let end = api::run(ask(journal, server, &payment, &request, pin_block, args.journal.wait))?;
    let end = match end {
        End::Approved(approved) => given(journal, &request, approved, card.as_mut(), terminal)?,
        other => other,
    };
    match end {
        End::Approved(approved) => {
            journal.close()?;
            say(terminal, &format!("APPROVED  {price}  {}\n", harmless(&approved.intent)));
            Ok(status::FINE)
        }
        End::Declined(why) => {
            // The intent would wait for another card for ever.
            let undone = api::run(undo::undo(journal, server, args.journal.wait))?;
            // A decline is told where it is certain: what is not known yet may still be one that was paid.
            match &undone {
                Undone::NothingTaken => say(terminal, &format!("DECLINED  {}\n", harmless(&why))),
                other => say(terminal, &format!("{}\n", other.text())),
            }
            Ok(if undone.is_known() { status::DIFFERENCES } else { status::INCOMPLETE })
        }
        End::Undo(why) => {
            say(terminal, &format!("NOT FINISHED  {}; it is being undone\n", harmless(&why)));
            let undone = api::run(undo::undo(journal, server, args.journal.wait))?;
            say(terminal, &format!("{}\n", undone.text()));
            Ok(if undone.is_known() { status::DIFFERENCES } else { status::INCOMPLETE })
        }
    }
}

/// Asks the issuer, over the server. Of what is approved it returns the issuer's data for the chip, and the code.
async fn ask(
    journal: &mut Journal,
    server: &Server,
    payment: &Payment,
    request: &OnlineRequest,
    pin_block: Option<[u8; 8]>,
    wait: u64,
) -> Result<End, Trouble> {
    let open = Open::new(payment.amount_minor, payment.currency)?;
    journal.write(Some(open.clone()))?;
    let intent = match server.create(&open).await {
        Ok(Said::Intent(intent)) => intent,
        Ok(Said::Declined(why)) => return Ok(End::Undo(why)),
        Ok(Said::Refused(trouble)) => {
            journal.close()?;
            return Err(trouble);
        }
        // Nobody was asked for money yet; an intent that was made all the same is canceled.
        Err(trouble) => return Ok(End::Undo(trouble.faults[0].what.clone())),
    };
    let open = open.known(&intent.id, Stage::Asked);
    journal.write(Some(open.clone()))?;
    let said = match server.confirm(&open, &intent.id, request, pin_block).await {
        Ok(Said::Intent(intent)) => server.settled(intent, wait).await,
        other => other,
    };
    Ok(match said {
        Ok(Said::Intent(intent)) if intent.status == "succeeded" => {
            let issuer_data = intent.emv_response.unwrap_or_default();
            End::Approved(Approved { intent: intent.id, issuer_data })
        }
        Ok(Said::Intent(intent)) if intent.status == "requires_payment_method" => {
            End::Declined(intent.error.unwrap_or_else(|| "the issuer declines".to_owned()))
        }
        Ok(Said::Intent(intent)) => End::Undo(format!("the payment is {} still", intent.status)),
        Ok(Said::Declined(why)) => End::Declined(why),
        Ok(Said::Refused(trouble)) | Err(trouble) => End::Undo(trouble.faults[0].what.clone()),
    })
}

/// Gives the card its issuer's answer, where it wants it.
fn given(
    journal: &mut Journal,
    request: &OnlineRequest,
    approved: Approved,
    card: &mut dyn Card,
    terminal: Terminal,
) -> Result<End, Trouble> {
    if !request.wants_answer {
        return Ok(End::Approved(approved));
    }
    journal.stage(Stage::Approved)?;
    let data = hex::decode(&approved.issuer_data).ok().and_then(|data| ChipData::decode(&data).ok());
    let Some(data) = data.filter(|data| data.get(Tag(0x91)).is_some()) else {
        return Ok(End::Undo("the issuer's answer for the card is missing".to_owned()));
    };
    say(terminal, "approved; hold the card on for its issuer's answer\n");
    let completed = complete(&request.application, &data, card, |command| told(terminal, command));
    Ok(match completed {
        Ok(Some(Completed::Taken { done, left })) => {
            say(terminal, "the card has its issuer's answer\n");
            if left > 0 {
                terminal.hint(&format!("of the issuer's commands {done} were done, and {left} were not"));
            }
            End::Approved(approved)
        }
        Ok(Some(Completed::Refused(status))) => {
            End::Undo(format!("the card does not take the answer for its issuer's: {status}"))
        }
        Ok(Some(Completed::Garbled) | None) => {
            End::Undo("the card says nothing that is an answer".to_owned())
        }
        Err(gone) => End::Undo(gone.to_string()),
    })
}

/// Shows what is said to the card, to whoever asked for details.
fn told(terminal: Terminal, command: &Command) {
    if !terminal.verbose {
        return;
    }
    let what = match command.request() {
        Some(Request::Select) => "select",
        Some(Request::ProcessingOptions) => "pay",
        Some(Request::ReadRecord { .. }) => "read a record",
        Some(Request::ExternalAuthenticate) => "the issuer's answer",
        Some(Request::GetResponse) => "the rest of the answer",
        _ => "a command of the issuer",
    };
    terminal.hint(&format!("to the card: {what}"));
}

fn card_at(place: &str) -> Result<Box<dyn Card>, Trouble> {
    let trouble = |gone: CardGone| {
        Trouble::new("no_card", format!("there is no card: {}", gone.why))
            .at("--card")
            .next("begin one with suanpan simulate card, or put one on the reader")
    };
    if let Some(reader) = place.strip_prefix("pcsc:") {
        return reader_card(reader);
    }
    let address = place.strip_prefix("tcp://").unwrap_or(place);
    Ok(Box::new(SocketCard::connect(address).map_err(trouble)?))
}

#[cfg(feature = "pcsc")]
fn reader_card(name: &str) -> Result<Box<dyn Card>, Trouble> {
    let patience = std::time::Duration::from_secs(30);
    let card = suanpan_terminal::pcsc::ReaderCard::connect(name, patience).map_err(|gone| {
        Trouble::new("no_card", format!("there is no card: {}", gone.why))
            .at("--card")
            .next("check that the service of readers runs (pcscd), and put a card on the reader")
    })?;
    Ok(Box::new(card))
}

#[cfg(not(feature = "pcsc"))]
fn reader_card(_: &str) -> Result<Box<dyn Card>, Trouble> {
    Err(Trouble::new("no_readers", "this program was built without readers")
        .at("--card")
        .next("build it with --features pcsc, or give tcp://HOST:PORT"))
}

/// The day, where this machine is.
fn today() -> Result<ChipDate, Trouble> {
    let date = jiff::Zoned::now().date();
    let year = u8::try_from(date.year().rem_euclid(100));
    let year = year.map_err(|_| Trouble::new("clock", "the clock shows no year").next("set the clock"))?;
    Ok(ChipDate { year, month: date.month().unsigned_abs(), day: date.day().unsigned_abs() })
}

/// Shows a step. Whoever has closed the display does not stop a payment.
fn say(terminal: Terminal, text: &str) {
    let _ = terminal.result(text);
}

fn shown(amount_minor: i64, currency: Currency) -> String {
    format!("{} {}", format_minor(amount_minor, currency.exponent()), currency.code())
}

/// Reads an amount in major units, and returns it in minor ones.
fn minor(text: &str, currency: Currency, place: &str) -> Result<i64, Trouble> {
    /// Twelve digits go to the card.
    const AMOUNT_MAX: i64 = 999_999_999_999;
    let amount = parse_decimal(text.as_bytes(), currency.exponent()).map_err(|error| {
        Trouble::new("bad_amount", error.to_string()).at(place).next("give major units, such as 12.34")
    })?;
    if (0..=AMOUNT_MAX).contains(&amount) {
        return Ok(amount);
    }
    Err(Trouble::new("bad_amount", "it is below nothing, or has more than twelve digits")
        .at(place)
        .next("give major units, such as 12.34"))
}
