//! `suanpan listen`: events of a server as they happen, forwarded to a program under development.

use crate::api::{self, Api, Event, Events, random, with_scheme};
use crate::cli::ListenArgs;
use crate::error::{Trouble, status};
use crate::terminal::{Paint, Terminal, harmless};
use std::time::Duration;
use suanpan_money::Timestamp;
use suanpan_webhooks::SigningSecret;
use suanpan_webhooks::deliver::{Attempt, BOUNDS, Message, attempt};
use suanpan_webhooks::target::Target;
use suanpan_webhooks::wire::{Bytes, Wire};

/// The longest wait between two tries to reach a server that is gone.
const GONE_MAX: Duration = Duration::from_secs(15);

pub(crate) fn run(args: &ListenArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let api = Api::new(&args.api)?;
    let forward =
        args.forward_to.as_deref().map(|url| Forward::new(url, args.secret.as_deref())).transpose()?;
    api::run(listen(args, &Events(&api), forward.as_ref(), terminal))
}

/// Where events are sent on, and by which secret they are signed.
struct Forward {
    url: String,
    secret: SigningSecret,
    text: String,
    wire: Wire,
}

impl Forward {
    fn new(url: &str, secret: Option<&str>) -> Result<Forward, Trouble> {
        let (wire, url) = (api::wire(), with_scheme(url));
        let usable = Target::parse(&url, wire.policy());
        usable.map_err(|error| {
            Trouble::from(error).at("--forward-to").next("give localhost:3000/webhook or the like")
        })?;
        let text = match secret {
            Some(text) => text.to_owned(),
            None => SigningSecret::text_of(&random()?).to_string(),
        };
        let secret = SigningSecret::parse(&text).map_err(|error| {
            Trouble::from(error)
                .at("--secret")
                .next("give whsec_ and Base64 of 24 to 64 bytes, or leave it out")
        })?;
        Ok(Forward { url, secret, text, wire })
    }

    async fn send(&self, event: &Event) -> Attempt {
        let now = Timestamp::from_micros(jiff::Timestamp::now().as_microsecond());
        let message = Message {
            event: &event.id,
            body: Bytes::copy_from_slice(event.json.get().as_bytes()),
            url: &self.url,
            secrets: std::slice::from_ref(&self.secret),
            // Where to is named on this machine, for this machine.
            live: false,
        };
        attempt(&self.wire, &message, BOUNDS, now).await
    }
}

async fn listen(
    args: &ListenArgs,
    events: &Events<'_>,
    forward: Option<&Forward>,
    terminal: Terminal,
) -> Result<u8, Trouble> {
    let mut cursor = match &args.since {
        Some(id) => Some(events.one(id).await?.id),
        None => events.newest().await?.map(|event| event.id),
    };
    match forward {
        Some(forward) => {
            terminal.hint(&format!(
                "Ready: events are sent to {}, signed by\n{}",
                harmless(&forward.url),
                forward.text
            ));
        }
        None => terminal.hint("Ready"),
    }
    let every = Duration::from_millis(args.every);
    let (mut seen, mut failed, mut gone) = (0_u64, 0_u64, Duration::ZERO);
    loop {
        let page = match events.after(cursor.as_deref()).await {
            Ok(page) => page,
            // A server under development comes and goes; a key that is refused stays refused.
            Err(trouble) if trouble.faults[0].code == "api_refused" => return Err(trouble),
            Err(trouble) => {
                if gone.is_zero() {
                    terminal.hint(&format!("the server is gone, waiting for it: {}", trouble.faults[0].what));
                }
                gone = (gone * 2).clamp(every, GONE_MAX);
                tokio::time::sleep(gone).await;
                continue;
            }
        };
        if !gone.is_zero() {
            terminal.hint("the server is back");
            gone = Duration::ZERO;
        }
        let more = !page.is_empty();
        for event in page {
            cursor = Some(event.id.clone());
            if !wanted(&args.events, &event.kind) {
                continue;
            }
            let sent = match forward {
                Some(forward) => Some(forward.send(&event).await),
                None => None,
            };
            failed += u64::from(sent.as_ref().is_some_and(|sent| !took(sent)));
            show(args.json, &event, sent.as_ref(), terminal)?;
            seen += 1;
            if args.count.is_some_and(|count| seen >= count) {
                return Ok(if failed == 0 { status::FINE } else { status::DIFFERENCES });
            }
        }
        if !more {
            tokio::time::sleep(every).await;
        }
    }
}

fn took(sent: &Attempt) -> bool {
    sent.result.as_ref().is_ok_and(|answer| (200..300).contains(&answer.status))
}

/// Says whether a type of event is one of those asked for.
fn wanted(types: &[String], kind: &str) -> bool {
    let fits = |wanted: &String| match wanted.trim().strip_suffix('*') {
        Some(start) => kind.starts_with(start),
        None => wanted.trim() == kind,
    };
    types.is_empty() || types.iter().any(fits)
}

fn show(json: bool, event: &Event, sent: Option<&Attempt>, terminal: Terminal) -> Result<(), Trouble> {
    let paint = Paint(if json { terminal.color_err } else { terminal.color });
    let answer = sent.map(|sent| {
        let text = match &sent.result {
            Ok(answer) if took(sent) => paint.green(&answer.status.to_string()),
            Ok(answer) => paint.red(&answer.status.to_string()),
            Err(failure) => paint.red(&format!("{}: {}", failure.code, harmless(&failure.text))),
        };
        format!("  -> {text}  {} ms", sent.duration_ms)
    });
    let line = format!("{}{}", line_of(event), answer.unwrap_or_default());
    if json {
        terminal.hint(&line);
        terminal.result(&format!("{}\n", event.json.get().replace(['\n', '\r'], " ")))
    } else {
        terminal.result(&format!("{line}\n"))
    }
}

/// Returns an event in a line for people.
pub(super) fn line_of(event: &Event) -> String {
    let time = jiff::Timestamp::from_second(event.created).map(|time| time.to_string()).unwrap_or_default();
    let [kind, id, object] = [&event.kind, &event.id, &event.object].map(|text| harmless(text));
    format!("{time:<20}  {kind:<40}  {id}  {object}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::wanted;

    #[test]
    fn types_are_wanted_by_name_or_by_their_beginning() {
        let types = ["charge.*".to_owned(), " payment_intent.succeeded".to_owned()];
        for kind in ["charge.refunded", "payment_intent.succeeded"] {
            assert!(wanted(&types, kind), "{kind}");
        }
        for kind in ["charge", "payment_intent.succeeded2", "refund.created"] {
            assert!(!wanted(&types, kind), "{kind}");
        }
        assert!(wanted(&[], "anything") && wanted(&["*".to_owned()], "anything"));
    }
}
