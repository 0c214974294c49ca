//! Deciding calls: each is done as a whole in memory, or leaves no trace.

use super::batch::{After, Batch, Parked, Refusal};
use super::decider::Decider;
use super::gather::{WAITS_FOR, place_text};
use crate::command::{Answered, Call, IdempotencyKey, PreparedCall, Refused, Reply};
use crate::limits::ANSWER_SECONDS;
use crate::seal::{self, Seal};
use crate::world::View;
use suanpan_ledger::account::{AccountNo, AccountSpec, Standing};
use suanpan_ledger::book::{Known, Verdict};
use suanpan_ledger::entry::{Action, Entry, EntryBatch, Posting};
use suanpan_ledger::rejection::Rejection as BooksRejection;
use suanpan_money::{Currency, Timestamp};
use suanpan_payments::books::{Accounts, chart, customer_balance, own_source};
use suanpan_payments::command::Command;
use suanpan_payments::decision::{
    AccountRef, Ahead, ChannelAsk, ChannelOutcome, Context, Decision, EntryDraft, Gathered, JobBody,
    JobDraft, Link, Operation,
};
use suanpan_payments::decline::DeclineCode;
use suanpan_payments::id::event_at;
use suanpan_payments::object::event::{EventFrame, RequestOf, event_body, object_begin};
use suanpan_payments::rejection::Rejection;
use suanpan_payments::routing::health::Standings;
use suanpan_payments::settings::Settings;
use suanpan_store::commit::{Answer, Job, Within};
use suanpan_store::events::Event;

impl Decider {
    pub(super) fn call(&mut self, prepared: PreparedCall, reply: Reply<Answered>, batch: &mut Batch) {
        if let Some(key) = &prepared.call.idempotency
            && let Some(kept) = self.world.answer(&prepared.call.caller.scope(key.asker), &key.key)
        {
            match repeat(kept, key, &self.shared.settings) {
                Ok((status, body)) => {
                    batch.replays = true;
                    batch.after.push(After::Answer { reply, status, body, replayed: true });
                }
                Err(refused) => batch.refuse(Refusal::Call(reply, refused)),
            }
            return;
        }
        let now = self.draft.at();
        let mark = self.draft.mark();
        let decided = self
            .decide(&prepared, &self.standings)
            .and_then(|decision| self.check_accounts(decision))
            .or_else(|refused| self.without_going_on(&prepared, refused))
            .and_then(|decision| self.book_or_name_source(decision))
            .and_then(|decision| self.settle_own(&prepared, decision))
            .inspect_err(|_| self.book.rollback(&mut self.draft, mark));
        match decided {
            Ok(decision) => self.accept(prepared, decision, now, reply, batch),
            Err(refused) => batch.refuse(Refusal::Call(reply, refused)),
        }
    }

    /// An answer of a channel must be taken in, also where the books refuse the next channel that the payment would go on
    /// to: it ends there then.
    fn without_going_on(&self, prepared: &PreparedCall, refused: Refused) -> Result<Decision, Refused> {
        match (&prepared.call.command, &refused) {
            (Command::Outcome { .. }, Refused::Books(_)) => {
                let channels = &self.shared.settings.routing.channels;
                let none = Standings::resting(channels.iter().map(|terms| terms.name.as_str()));
                self.decide(prepared, &none)
            }
            _ => Err(refused),
        }
    }

    fn decide(&self, prepared: &PreparedCall, standings: &Standings) -> Result<Decision, Refused> {
        if let Command::CreateWebhookEndpoint { .. } = &prepared.call.command {
            self.endpoints.check_room(&prepared.call.caller)?;
        }
        let view = View {
            world: &self.world,
            card: prepared.card.as_ref(),
            account: prepared.account.as_ref(),
            book: &self.book,
        };
        let context = Context { standings, ..self.context(prepared) };
        let decision = prepared.call.command.decide(&view, &context)?;
        if let Command::DeleteCustomer { id } = &prepared.call.command {
            self.check_no_balance(prepared.call.caller.live, id)?;
        }
        Ok(decision)
    }

    pub(super) fn context<'a>(&'a self, prepared: &'a PreparedCall) -> Context<'a> {
        Context {
            now: self.draft.at(),
            merchant: &prepared.call.caller.merchant,
            live: prepared.call.caller.live,
            random: prepared.random,
            settings: &self.shared.settings,
            standings: &self.standings,
        }
    }

    /// Refuses what would ask a channel for money that the books would not take: before it is asked, since what it
    /// did cannot be taken back.
    fn check_accounts(&self, decision: Decision) -> Result<Decision, Refused> {
        for job in &decision.jobs {
            let JobBody::AskChannel(ask) = &job.body else { continue };
            let Accounts { source, merchant, .. } =
                Accounts::of(ask.live, &ask.merchant, &ask.channel, ask.currency);
            match ask.operation {
                Operation::Authorize => self.check_open(&source, &merchant)?,
                Operation::Refund => self.check_open(&merchant, &source)?,
                // These end holds, which may be ended whatever was frozen since.
                Operation::Capture | Operation::Void => {}
                // These move no money.
                Operation::SignUp | Operation::ConfirmSignUp => {}
            }
        }
        Ok(decision)
    }

    fn check_open(&self, debit: &AccountRef, credit: &AccountRef) -> Result<(), Refused> {
        let standing = |named: &AccountRef| {
            let number = self.book.find(&named.path, named.currency)?;
            self.book.account(number).map(|account| account.standing)
        };
        let refused = match (standing(debit), standing(credit)) {
            (Some(Standing::Closed), _) | (_, Some(Standing::Closed)) => BooksRejection::AccountClosed,
            (Some(Standing::Frozen { debits: true, .. }), _) => BooksRejection::DebitsFrozen,
            (_, Some(Standing::Frozen { credits: true, .. })) => BooksRejection::CreditsFrozen,
            _ => return Ok(()),
        };
        Err(Refused::Books(refused))
    }

    /// Books the entries of a decision, all or none.
    fn book_entries(&mut self, decision: Decision) -> Result<Decision, Refused> {
        self.try_entries(&decision.entries)?;
        Ok(decision)
    }

    /// The same, and says which source is short where a part of a payment cannot be set aside.
    fn book_or_name_source(&mut self, decision: Decision) -> Result<Decision, Refused> {
        self.try_entries(&decision.entries).map_err(|refused| self.source_short(&decision, refused))?;
        Ok(decision)
    }

    /// Says which source of a payment does not cover what would be set aside there, where that is why the books refuse.
    fn source_short(&self, decision: &Decision, refused: Refused) -> Refused {
        if refused != Refused::Books(BooksRejection::ExceedsFloor) {
            return refused;
        }
        let view = View { world: &self.world, card: None, account: None, book: &self.book };
        let holds = decision.entries.iter().filter(|entry| matches!(entry.action, Action::Hold { .. }));
        let mut lines = holds.flat_map(|entry| &entry.lines);
        let short = lines.find_map(|line| {
            let kind = own_source(&line.debit)?;
            (view.available(&line.debit).unwrap_or(0) < line.amount_minor).then_some(kind)
        });
        short.map_or(refused, |kind| Rejection::SourceShort { kind: kind.word() }.into())
    }

    /// What a customer pays out of a balance with us, or gets back there, needs no channel: the books say at once
    /// whether it is covered, and all of it is in one commit.
    fn settle_own(&mut self, prepared: &PreparedCall, mut decision: Decision) -> Result<Decision, Refused> {
        let Some((job, ask)) = decision.take_own() else { return Ok(decision) };
        let mark = self.draft.mark();
        let approved = ChannelOutcome::Approved {
            channel_id: ask.reference.clone(),
            authorization_code: None,
            issuer_data: None,
        };
        let booked = self.outcome_of(prepared, &decision, &ask, &approved);
        let mut next = match booked.and_then(|next| self.book_entries(next)) {
            Err(Refused::Books(BooksRejection::ExceedsFloor)) => {
                self.book.rollback(&mut self.draft, mark);
                if ask.operation != Operation::Authorize || self.is_covered(&ask) {
                    // It is another account that must not fall any further.
                    return Err(Refused::Books(BooksRejection::ExceedsFloor));
                }
                let code = DeclineCode::InsufficientFunds.word().to_owned();
                self.outcome_of(prepared, &decision, &ask, &ChannelOutcome::Declined { code })
                    .and_then(|next| self.book_entries(next))?
            }
            other => other?,
        };
        // It was never kept.
        next.jobs_done.retain(|done| *done != job);
        Ok(decision.then(next))
    }

    /// Says whether the source of a payment has what is asked for.
    fn is_covered(&self, ask: &ChannelAsk) -> bool {
        let source = Accounts::of(ask.live, &ask.merchant, &ask.channel, ask.currency).source;
        let view = View { world: &self.world, card: None, account: None, book: &self.book };
        view.available(&source).unwrap_or(0) >= ask.amount_minor
    }

    /// Refuses to delete a customer who has money with us: nobody could name it any more.
    fn check_no_balance(&self, live: bool, customer: &str) -> Result<(), Refused> {
        let has_money = |currency| {
            let account = customer_balance(live, customer, currency);
            let balance = self.book.find(&account.path, currency).and_then(|at| self.book.balance(at));
            balance.is_some_and(|sums| {
                // What is set aside on the way here counts too.
                sums.debits_held > 0 || sums.credits_held > 0 || sums.debits_posted != sums.credits_posted
            })
        };
        if Currency::all().any(has_money) {
            return Err(Rejection::CustomerBalance { id: customer.to_owned() }.into());
        }
        Ok(())
    }

    fn outcome_of(
        &self,
        prepared: &PreparedCall,
        decision: &Decision,
        ask: &ChannelAsk,
        outcome: &ChannelOutcome,
    ) -> Result<Decision, Refused> {
        let view = View { world: &self.world, card: None, account: None, book: &self.book };
        // Ids of its own.
        let random = *blake3::keyed_hash(&prepared.random, b"outcome").as_bytes();
        let context = Context { random, ..self.context(prepared) };
        // As a command of its own: what follows for others follows here too.
        let command = Command::Outcome { ask: ask.clone(), outcome: outcome.clone() };
        Ok(command.decide(&Ahead { gathered: &view, decision }, &context)?)
    }

    fn try_entries(&mut self, drafts: &[EntryDraft]) -> Result<(), Refused> {
        if drafts.is_empty() {
            return Ok(());
        }
        let mut entries = EntryBatch::default();
        let mut postings = Vec::new();
        for (at, draft) in drafts.iter().enumerate() {
            postings.clear();
            for line in &draft.lines {
                let (debit, credit) = (self.account(&line.debit)?, self.account(&line.credit)?);
                postings.push(Posting { debit, credit, amount_minor: line.amount_minor });
            }
            let (id, action, code) = (draft.id, draft.action, draft.code);
            let linked = at + 1 < drafts.len();
            entries.push(Entry { id, action, code, linked, postings: &postings })?;
        }
        let known = self.known(&entries)?;
        for verdict in self.book.apply(&mut self.draft, &entries, &known)? {
            match verdict {
                Verdict::Accepted { .. } => {}
                // Ids of entries are made for one decision; a second one under the same id is a fault of ours.
                Verdict::Exists { .. } => {
                    return Err(Refused::Books(BooksRejection::ExistsWithDifferentAction));
                }
                Verdict::Rejected { reason: BooksRejection::LinkedEntryFailed, .. } => {}
                Verdict::Rejected { reason, .. } => return Err(Refused::Books(reason)),
            }
        }
        Ok(())
    }

    /// Finds an account, or opens it as the chart says.
    fn account(&mut self, named: &AccountRef) -> Result<AccountNo, Refused> {
        if let Some(number) = self.book.find(&named.path, named.currency) {
            return Ok(number);
        }
        let (kind, limits) = chart(&named.path).ok_or(Refused::Books(BooksRejection::AccountNotFound))?;
        let spec = AccountSpec { path: named.path.clone(), currency: named.currency, kind, limits };
        self.book.open(&mut self.draft, spec).map_err(Refused::Books)
    }

    /// Looks up in the index what the book has forgotten.
    pub(super) fn known(&self, entries: &EntryBatch) -> Result<Known, Refused> {
        let ids = self.book.unknown_ids(entries);
        let remembered_from = self.book.remembered_from();
        if ids.is_empty() {
            return Ok(Known::new(remembered_from));
        }
        self.shared
            .history
            .known(&ids, remembered_from)
            .map_err(|error| Refused::Unavailable(error.to_string()))
    }

    fn accept(
        &mut self,
        prepared: PreparedCall,
        mut decision: Decision,
        now: Timestamp,
        reply: Reply<Answered>,
        batch: &mut Batch,
    ) {
        let PreparedCall { call, random, .. } = prepared;
        // No writer after this one gives the same moment away: it begins behind all of this one's.
        for job in &mut decision.jobs {
            if let JobBody::AskChannel(ask) = &mut job.body {
                ask.trace = self.places.next(now);
                // For its reversal.
                self.places.next(now);
                self.note_sent(ask);
            }
        }
        for write in decision.objects {
            self.endpoints.learn(&write);
            self.world.write(write);
        }
        for link in decision.links {
            let free = self.world.link(link);
            assert!(free, "the rules look up unique names before they give them");
        }
        let answer = decision.answer;
        let mut within = None;
        for mut event in decision.events {
            let place = self.places.next(now);
            event.id = event_at(&event.id, place);
            let endpoints = self.endpoints.wanting(&call.caller, event.kind);
            let frame = EventFrame {
                now: Timestamp::from_micros(place),
                live: call.caller.live,
                pending_webhooks: u32::try_from(endpoints.len()).unwrap_or(u32::MAX),
                request: RequestOf {
                    id: call.request_id.as_deref(),
                    idempotency_key: call.idempotency.as_ref().map(|key| key.key.as_str()),
                },
            };
            for endpoint in endpoints {
                batch.jobs.push(crate::endpoints::delivery(&event.id, endpoint, now, place));
            }
            let body = event_body(&event, &frame);
            if event.snapshot == answer.body {
                within = part_of(&body, &answer.body, place);
            }
            self.world.tell(Event {
                place,
                id: event.id,
                kind: event.kind,
                merchant: call.caller.merchant.clone(),
                live: call.caller.live,
                body,
            });
        }
        let waits_for = decision.jobs.iter().find_map(|job| match &job.body {
            JobBody::AskChannel(ask) => Some(ask.reference.clone()),
            JobBody::Inquire(_)
            | JobBody::ExpireAuthorization { .. }
            | JobBody::ExpireCheckoutSession { .. } => None,
        });
        decision.jobs_done.into_iter().for_each(|job| batch.done(job));
        batch.jobs.extend(decision.jobs.iter().map(stored_job));
        let (status, body) = (answer.status, answer.body.into_bytes());
        let outcome_of = match &call.command {
            Command::Outcome { ask, .. } => Some(ask.reference.as_str()),
            _ => None,
        };
        let waits_for = match (outcome_of, waits_for) {
            // The payment goes on over another channel: whoever waits for it waits on.
            (Some(before), Some(next)) => {
                self.wait_on(before, next);
                None
            }
            (Some(reference), None) => {
                self.resolve(reference, (status, &body, within), batch);
                None
            }
            (None, waits_for) => waits_for,
        };
        let pending = |answered| call.idempotency.as_ref().map(|key| kept(&call, key, now, answered));
        match waits_for {
            Some(reference) => {
                let key = pending(None);
                if let Some(answer) = &key {
                    let id = place_text(&answer.scope, &answer.key);
                    let free =
                        self.world.link(Link { name: WAITS_FOR, key: reference.clone(), id, unique: true });
                    assert!(free, "a reference names one request for ever");
                    self.world.keep_answer(answer.clone());
                }
                let until = now.plus_seconds(ANSWER_SECONDS);
                let parked = Parked { reply, key, until, meanwhile: (status, body) };
                self.parked_order.push_back((until, reference.clone()));
                self.parked.insert(reference.clone(), parked);
                batch.after.push(After::Park { reference });
            }
            None => {
                if let Some(mut answer) = pending(Some((status, body.clone()))) {
                    if call.command.answers_secret() {
                        let place = place_text(&answer.scope, &answer.key);
                        let sealed = Seal::new(&self.shared.settings).seal(&place, &random, &body);
                        answer.answered = Some((status, sealed));
                    } else {
                        answer.within = within;
                    }
                    self.world.keep_answer(answer);
                }
                batch.after.push(After::Answer { reply, status, body, replayed: false });
            }
        }
    }

    /// Has whoever waits for the outcome of a request wait for that of another, no longer than for the first.
    fn wait_on(&mut self, before: &str, next: String) {
        let view = View { world: &self.world, card: None, account: None, book: &self.book };
        // While somebody waits here the name is not read from the store again: whoever waits knows the place.
        let waiting = self.parked.get(before).and_then(|parked| parked.key.as_ref());
        let place = waiting.map(|answer| place_text(&answer.scope, &answer.key));
        if let Some(place) = place.or_else(|| view.link(WAITS_FOR, before).map(str::to_owned)) {
            let free = self.world.link(Link { name: WAITS_FOR, key: next.clone(), id: place, unique: true });
            assert!(free, "a reference names one request for ever");
        }
        if let Some(parked) = self.parked.remove(before) {
            let place = self.parked_order.partition_point(|(until, _)| *until <= parked.until);
            self.parked_order.insert(place, (parked.until, next.clone()));
            self.parked.insert(next, parked);
        }
    }

    /// Answers whoever waits for the outcome of a request to a channel, and keeps the answer for repeats.
    fn resolve(
        &mut self,
        reference: &str,
        (status, body, within): (u16, &[u8], Option<Within>),
        batch: &mut Batch,
    ) {
        let key = match self.parked.remove(reference) {
            Some(Parked { reply, key, .. }) => {
                batch.after.push(After::Outcome { reply, status, body: body.to_vec() });
                key
            }
            None => {
                let view = View { world: &self.world, card: None, account: None, book: &self.book };
                let place = view.link(WAITS_FOR, reference).and_then(|place| place.split_once('\n'));
                place.and_then(|(scope, key)| self.world.answer(scope, key)).cloned()
            }
        };
        // An answer that was given is never changed, even if the same outcome comes twice.
        if let Some(answer) = key.filter(|answer| answer.answered.is_none()) {
            self.world.keep_answer(Answer { answered: Some((status, body.to_vec())), within, ..answer });
        }
    }
}

/// What a repeat of a request is answered with.
fn repeat(kept: &Answer, key: &IdempotencyKey, settings: &Settings) -> Result<(u16, Vec<u8>), Refused> {
    if kept.digest != key.digest {
        return Err(Refused::KeyReused);
    }
    let (status, body) = kept.answered.as_ref().ok_or(Refused::KeyInUse)?;
    if body.is_empty() && kept.within.is_some() {
        return Err(Refused::Unavailable("the event that holds a kept answer cannot be read".to_owned()));
    }
    let opened = seal::open(settings, &place_text(&kept.scope, &kept.key), body);
    let unreadable = || Refused::Unavailable("a kept answer was sealed under another master key".to_owned());
    Ok((*status, opened.ok_or_else(unreadable)?))
}

fn kept(call: &Call, key: &IdempotencyKey, now: Timestamp, answered: Option<(u16, Vec<u8>)>) -> Answer {
    Answer {
        scope: call.caller.scope(key.asker),
        key: key.key.clone(),
        digest: key.digest,
        answered,
        within: None,
        created: now.micros(),
    }
}

/// Where an object stands within the event that tells of it.
fn part_of(event: &str, object: &str, place: i64) -> Option<Within> {
    let from = object_begin(event).filter(|from| event[*from..].starts_with(object))?;
    let to = from + object.len();
    Some(Within { place, from: u32::try_from(from).ok()?, to: u32::try_from(to).ok()? })
}

fn stored_job(draft: &JobDraft) -> Job {
    let body = serde_json::to_string(&draft.body).expect("jobs are plain values");
    Job { id: draft.id.clone(), kind: draft.body.kind(), due: draft.due.micros(), body }
}
