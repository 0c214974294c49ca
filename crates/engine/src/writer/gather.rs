//! Reading what a batch needs, a set at a time.

use super::decider::Decider;
use crate::command::{Envelope, PreparedCall};
use crate::limits::GATHER_ROUNDS;
use crate::world::View;
use std::collections::BTreeSet;
use suanpan_payments::command::Command;
use suanpan_payments::decision::{Gathered, Needs};
use suanpan_store::StoreError;

/// The reference of a request to a channel to `scope\nkey`, unique: the call that waits for its outcome, found again
/// after a restart. Not the object it is about, of which a second call may be waiting later.
pub(super) const WAITS_FOR: &str = "answer.waits_for";

/// Scope and key of an answer, as one text: neither may contain a line break.
pub(super) fn place_text(scope: &str, key: &str) -> String {
    format!("{scope}\n{key}")
}

impl Decider {
    /// Reads all that the commands say they need, in rounds, because what is found may lead on.
    pub(super) fn gather(&mut self, commands: &[Envelope]) -> Result<(), StoreError> {
        for _ in 0..GATHER_ROUNDS {
            let mut missing = Missing::default();
            let known = self.world.objects_known();
            for command in commands {
                if let Envelope::Call { call, .. } = command {
                    self.want(call, &mut missing);
                }
            }
            // What was still in memory leads on as well as what is read.
            if missing.is_empty() && self.world.objects_known() == known {
                break;
            }
            self.read(missing)?;
        }
        Ok(())
    }

    fn want(&mut self, prepared: &PreparedCall, missing: &mut Missing) {
        let call = &prepared.call;
        let view = View {
            world: &self.world,
            card: prepared.card.as_ref(),
            account: prepared.account.as_ref(),
            book: &self.book,
        };
        let mut needs: Needs = call.command.needs(&view, &self.context(prepared));
        if let Command::Outcome { ask, .. } = &call.command
            && !self.parked.contains_key(&ask.reference)
        {
            needs.links.push((WAITS_FOR, ask.reference.clone()));
            if let Some((scope, key)) =
                view.link(WAITS_FOR, &ask.reference).and_then(|place| place.split_once('\n'))
            {
                missing.answer(&self.world, scope, key);
            }
        }
        if let Some(key) = &call.idempotency {
            missing.answer(&self.world, &call.caller.scope(key.asker), &key.key);
        }
        self.world.missing(&needs, &mut missing.ids, &mut missing.links);
        if !self.endpoints.knows(&call.caller) {
            missing.endpoints.insert(call.caller.clone());
        }
    }

    fn read(&mut self, missing: Missing) -> Result<(), StoreError> {
        let reader = &self.shared.reader;
        let Missing { mut ids, mut links, mut answers, endpoints } = missing;
        ids.sort_unstable();
        ids.dedup();
        if !ids.is_empty() {
            let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
            let found = reader.objects(&asked)?;
            for (id, object) in ids.into_iter().zip(found) {
                self.world.read_object(id, object);
            }
        }
        links.sort_unstable();
        links.dedup();
        if !links.is_empty() {
            let asked: Vec<(&str, &str)> = links.iter().map(|(name, key)| (*name, key.as_str())).collect();
            let found = reader.unique(&asked)?;
            for ((name, key), id) in links.into_iter().zip(found) {
                self.world.read_link(name, key, id);
            }
        }
        answers.sort_unstable();
        answers.dedup();
        if !answers.is_empty() {
            let asked: Vec<(&str, &str)> =
                answers.iter().map(|(scope, key)| (scope.as_str(), key.as_str())).collect();
            let found = reader.answers(&asked)?;
            for ((scope, key), answer) in answers.into_iter().zip(found) {
                self.world.read_answer(scope, key, answer);
            }
        }
        for caller in endpoints {
            self.endpoints.load(&caller, reader.as_ref())?;
        }
        Ok(())
    }
}

#[derive(Default)]
struct Missing {
    ids: Vec<String>,
    links: Vec<(&'static str, String)>,
    answers: Vec<(String, String)>,
    endpoints: BTreeSet<crate::command::Caller>,
}

impl Missing {
    fn answer(&mut self, world: &crate::world::World, scope: &str, key: &str) {
        if !world.knows_answer(scope, key) {
            self.answers.push((scope.to_owned(), key.to_owned()));
        }
    }

    fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.links.is_empty() && self.answers.is_empty() && self.endpoints.is_empty()
    }
}
