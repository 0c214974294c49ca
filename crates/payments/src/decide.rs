//! The decisions: one function a call. See [`crate::command`] for all of them in one place.

pub mod account;
pub mod bank_agreement;
pub mod cancel;
pub mod capture;
mod card_present;
pub mod checkout;
pub mod combined;
pub mod confirm;
pub mod customer;
pub mod intent;
pub mod outcome;
pub mod payment_method;
pub mod refund;
pub mod routing;
pub mod webhook_endpoint;

use crate::decision::{
    Answer, Context, Decision, EntryDraft, EventDraft, Gathered, JobBody, JobDraft, Link, ObjectKind,
    ObjectWrite,
};
use crate::id::IdSource;
use crate::object::{api_view, changed_members, json};
use crate::problem::error_body;
use crate::rejection::{Rejection, shorten};
use serde::Serialize;
use serde::de::DeserializeOwned;
use suanpan_money::Timestamp;

/// An object that was read, and goes back in its next version.
#[derive(Debug, Clone)]
pub(crate) struct Stored<T> {
    pub(crate) value: T,
    /// The version that is stored; 0 when it is new.
    pub(crate) version: u32,
    pub(crate) created: Timestamp,
}

impl<T> Stored<T> {
    pub(crate) fn new(value: T, ctx: &Context<'_>) -> Stored<T> {
        Stored { value, version: 0, created: ctx.now }
    }
}

/// Reads an object of the caller. What is somebody else's, of the other mode or of another kind does not
/// exist for the caller.
pub(crate) fn load<T: DeserializeOwned>(
    gathered: &dyn Gathered,
    ctx: &Context<'_>,
    kind: ObjectKind,
    id: &str,
    param: &'static str,
) -> Result<Stored<T>, Rejection> {
    let found = gathered
        .object(id)
        .filter(|found| found.kind == kind && found.merchant == ctx.merchant && found.live == ctx.live)
        .ok_or_else(|| Rejection::ResourceMissing { kind: kind.name(), id: shorten(id), param })?;
    let value = serde_json::from_str(found.body).map_err(|_| Rejection::Unreadable { id: id.to_owned() })?;
    Ok(Stored { value, version: found.version, created: found.created })
}

/// A decision that grows.
pub(crate) struct Draft<'a> {
    pub(crate) ctx: &'a Context<'a>,
    pub(crate) ids: IdSource,
    objects: Vec<ObjectWrite>,
    links: Vec<Link>,
    entries: Vec<EntryDraft>,
    events: Vec<EventDraft>,
    jobs: Vec<JobDraft>,
    jobs_done: Vec<String>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(ctx: &'a Context<'a>) -> Draft<'a> {
        Draft {
            ctx,
            ids: ctx.ids(),
            objects: Vec::new(),
            links: Vec::new(),
            entries: Vec::new(),
            events: Vec::new(),
            jobs: Vec::new(),
            jobs_done: Vec::new(),
        }
    }

    pub(crate) fn new_id(&mut self, kind: ObjectKind) -> String {
        self.ids.next(kind.prefix())
    }

    /// Writes an object in its next version, and returns its stored JSON.
    pub(crate) fn write<T: Serialize>(&mut self, kind: ObjectKind, id: &str, stored: &Stored<T>) -> String {
        assert!(self.objects.iter().all(|write| write.id != id), "{id} is written twice in one decision");
        let body = json(&stored.value);
        self.objects.push(ObjectWrite {
            id: id.to_owned(),
            kind,
            merchant: self.ctx.merchant.to_owned(),
            live: self.ctx.live,
            created: stored.created,
            version: stored.version + 1,
            body: body.clone(),
        });
        body
    }

    pub(crate) fn link(&mut self, name: &'static str, key: &str, id: &str) {
        self.links.push(Link { name, key: key.to_owned(), id: id.to_owned(), unique: false });
    }

    pub(crate) fn unique_link(&mut self, name: &'static str, key: String, id: &str) {
        self.links.push(Link { name, key, id: id.to_owned(), unique: true });
    }

    pub(crate) fn entry(&mut self, entry: EntryDraft) {
        self.entries.push(entry);
    }

    /// Tells what happened to an object that was written, by its stored JSON.
    pub(crate) fn event(&mut self, kind: &'static str, of: ObjectKind, id: &str, stored: &str) {
        let event = self.new_id(ObjectKind::Event);
        let snapshot = api_view(of, stored).into_owned();
        self.events.push(EventDraft { id: event, kind, object_id: id.to_owned(), snapshot, previous: None });
    }

    /// Tells that an object was changed; says nothing when it was not.
    pub(crate) fn updated(
        &mut self,
        kind: &'static str,
        of: ObjectKind,
        id: &str,
        before: &str,
        after: &str,
    ) {
        let value = |text: &str| serde_json::from_str(&api_view(of, text)).unwrap_or_default();
        let previous = changed_members(&value(before), &value(after));
        if previous.is_empty() {
            return;
        }
        self.event(kind, of, id, after);
        if let Some(event) = self.events.last_mut() {
            event.previous = Some(json(&previous));
        }
    }

    pub(crate) fn job(&mut self, id: String, due: Timestamp, body: JobBody) {
        self.jobs.push(JobDraft { id, due, body });
    }

    pub(crate) fn job_done(&mut self, id: String) {
        self.jobs_done.push(id);
    }

    /// Ends with an object as the answer.
    pub(crate) fn answer(self, of: ObjectKind, stored: &str) -> Decision {
        let body = api_view(of, stored).into_owned();
        self.finish(Answer { status: 200, body })
    }

    /// Ends with an error as the answer although all is written: a decline.
    pub(crate) fn refuse(self, rejection: &Rejection, payment_intent: Option<&str>) -> Decision {
        let intent = payment_intent.and_then(|text| serde_json::from_str(text).ok());
        let body = json(&error_body(rejection, intent, None));
        self.finish(Answer { status: rejection.status(), body })
    }

    pub(crate) fn finish(self, answer: Answer) -> Decision {
        Decision {
            objects: self.objects,
            links: self.links,
            entries: self.entries,
            events: self.events,
            jobs: self.jobs,
            jobs_done: self.jobs_done,
            answer,
        }
    }
}
