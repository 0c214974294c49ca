//! `suanpan events`: what has happened on a server, and sending it to webhook endpoints again.

use super::listen::line_of;
use crate::api::{self, Api, EventFilter, Events};
use crate::cli::{EventRange, EventsArgs, EventsCommand, EventsListArgs, EventsResendArgs, EventsShowArgs};
use crate::error::{Trouble, status};
use crate::terminal::{Terminal, harmless};

pub(crate) fn run(args: &EventsArgs, terminal: Terminal) -> Result<u8, Trouble> {
    match &args.command {
        EventsCommand::List(args) => list(args, terminal),
        EventsCommand::Show(args) => show(args, terminal),
        EventsCommand::Resend(args) => resend(args, terminal),
    }
}

fn filter(range: &EventRange) -> EventFilter {
    EventFilter { kind: range.event_type.clone(), from: range.from, before: range.to }
}

fn list(args: &EventsListArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let api = Api::new(&args.api)?;
    let most = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let events = api::run(Events(&api).list(&filter(&args.range), most))?;
    let mut text = String::new();
    for event in &events {
        if args.json {
            text.push_str(&event.json.get().replace(['\n', '\r'], " "));
        } else {
            text.push_str(&line_of(event));
        }
        text.push('\n');
    }
    terminal.result(&text)?;
    if events.is_empty() {
        terminal.hint("no events");
    }
    Ok(status::FINE)
}

fn show(args: &EventsShowArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let api = Api::new(&args.api)?;
    let event = api::run(Events(&api).one(&args.id))?;
    // Spread over lines, with the members in their order.
    let value: serde_json::Value = serde_json::from_str(event.json.get()).unwrap_or_default();
    terminal.result(&format!("{value:#}\n"))?;
    Ok(status::FINE)
}

fn resend(args: &EventsResendArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let api = Api::new(&args.api)?;
    api::run(async {
        let events = Events(&api);
        let ids: Vec<String> = match &args.id {
            Some(id) => vec![id.clone()],
            None => events.all(&filter(&args.range)).await?.into_iter().map(|event| event.id).collect(),
        };
        let mut refused = 0_u64;
        for id in &ids {
            if args.dry_run {
                terminal.result(&format!("{}\n", harmless(id)))?;
                continue;
            }
            match events.resend(id, args.endpoint.as_deref()).await {
                Ok(()) => terminal.result(&format!("{}  sent again\n", harmless(id)))?,
                // One that is refused does not hold up the others, unless nothing would be taken.
                Err(trouble) if args.id.is_none() && trouble.faults[0].code == "api_refused" => {
                    refused += 1;
                    terminal.error(&trouble);
                }
                Err(trouble) => return Err(trouble),
            }
        }
        terminal.hint(&format!(
            "{} events{}{}",
            ids.len(),
            if args.dry_run { ", none sent" } else { "" },
            if refused > 0 { format!(", {refused} refused") } else { String::new() }
        ));
        Ok(if refused == 0 { status::FINE } else { status::DIFFERENCES })
    })
}
