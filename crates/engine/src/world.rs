//! What the sequencer knows of objects: those it has read or written lately, and everything that the commands of
//! this batch have written but nobody has committed yet.

use foldhash::fast::RandomState;
use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::Arc;
use suanpan_ledger::book::Book;
use suanpan_money::Timestamp;
use suanpan_payments::decision::{AccountRef, Found, Gathered, Link, Needs, ObjectKind, ObjectWrite};
use suanpan_payments::object::bank_agreement::VaultedAccount;
use suanpan_payments::object::payment_method::VaultedCard;
use suanpan_payments::rejection::Rejection;
use suanpan_store::commit::{self, Answer, Object};
use suanpan_store::events::{Event, EventPacker};

/// How many objects are kept of those read or written lately: an intent is asked for again within seconds, by
/// its confirmation, its outcome, its capture. At some 1.5 KiB each they take up to 50 MiB.
const OBJECTS_KEPT: NonZeroUsize = NonZeroUsize::new(32 * 1024).expect("not zero");

type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;

/// See the head of this file.
pub(crate) struct World {
    kept: LruCache<String, Arc<Object>, RandomState>,
    /// What the batch knows that is being decided.
    now: Batch,
    /// What the batch before knew, which may not be committed yet: the store is behind it.
    before: Batch,
    /// What this batch has written, in order; an object may be written more than once.
    written: Vec<Arc<Object>>,
    new_links: Vec<commit::Link>,
    new_answers: Vec<(String, String)>,
    /// What this batch tells, in order.
    events: Vec<Event>,
    packer: EventPacker,
}

/// What was read for one batch, and what it wrote.
#[derive(Default)]
struct Batch {
    objects: HashMap<String, Option<Arc<Object>>>,
    /// By key, then by name: a key has few names.
    links: HashMap<String, Vec<(&'static str, Option<String>)>>,
    answers: HashMap<(String, String), Option<Answer>>,
}

impl Batch {
    /// None when nobody looked; none within when there is no such name.
    fn link(&self, name: &str, key: &str) -> Option<Option<&str>> {
        let found = self.links.get(key)?.iter().find(|(known, _)| *known == name)?;
        Some(found.1.as_deref())
    }
}

impl World {
    pub(crate) fn new() -> World {
        World {
            kept: LruCache::with_hasher(OBJECTS_KEPT, RandomState::default()),
            now: Batch::default(),
            before: Batch::default(),
            written: Vec::new(),
            new_links: Vec::new(),
            new_answers: Vec::new(),
            events: Vec::new(),
            packer: EventPacker::new().expect("memory for a packer of events"),
        }
    }

    /// Adds what is not known yet of `needs` to the lists of what must be read.
    pub(crate) fn missing(
        &mut self,
        needs: &Needs,
        ids: &mut Vec<String>,
        links: &mut Vec<(&'static str, String)>,
    ) {
        for id in &needs.ids {
            if self.now.objects.contains_key(id) {
                continue;
            }
            let known = match self.before.objects.get(id) {
                Some(Some(object)) => Some(object),
                Some(None) | None => self.kept.get(id),
            };
            match known {
                Some(object) => {
                    self.now.objects.insert(id.clone(), Some(object.clone()));
                }
                None => ids.push(id.clone()),
            }
        }
        links.extend(needs.links.iter().filter(|(name, key)| self.found_link(name, key).is_none()).cloned());
    }

    /// Returns how many objects this batch knows of, or knows not to exist.
    pub(crate) fn objects_known(&self) -> usize {
        self.now.objects.len()
    }

    /// Whether it is known what answer, if any, is kept under a key.
    pub(crate) fn knows_answer(&self, scope: &str, key: &str) -> bool {
        let place = (scope.to_owned(), key.to_owned());
        self.now.answers.contains_key(&place) || self.before.answers.contains_key(&place)
    }

    pub(crate) fn answer(&self, scope: &str, key: &str) -> Option<&Answer> {
        let place = (scope.to_owned(), key.to_owned());
        self.now.answers.get(&place).or_else(|| self.before.answers.get(&place))?.as_ref()
    }

    /// Notes what the store has under an id.
    pub(crate) fn read_object(&mut self, id: String, found: Option<Object>) {
        self.now.objects.entry(id).or_insert(found.map(Arc::new));
    }

    /// Notes what the store has under a name.
    pub(crate) fn read_link(&mut self, name: &'static str, key: String, id: Option<String>) {
        if self.found_link(name, &key).is_none() {
            self.now.links.entry(key).or_default().push((name, id));
        }
    }

    /// Notes what answer the store keeps.
    pub(crate) fn read_answer(&mut self, scope: String, key: String, answer: Option<Answer>) {
        self.now.answers.entry((scope, key)).or_insert(answer);
    }

    /// Takes in an object that a command wrote.
    pub(crate) fn write(&mut self, write: ObjectWrite) {
        let object = Arc::new(Object {
            id: write.id.clone(),
            kind: write.kind.name(),
            merchant: write.merchant,
            live: write.live,
            created: write.created.micros(),
            version: write.version,
            body: write.body,
        });
        self.now.objects.insert(write.id, Some(object.clone()));
        self.written.push(object);
    }

    /// Takes in a name that a command gave. False when it is taken, and then nothing was done.
    pub(crate) fn link(&mut self, link: Link) -> bool {
        if link.unique {
            if matches!(self.found_link(link.name, &link.key), Some(Some(_))) {
                return false;
            }
            let names = self.now.links.entry(link.key.clone()).or_default();
            names.retain(|(name, _)| *name != link.name);
            names.push((link.name, Some(link.id.clone())));
        }
        self.new_links.push(commit::Link {
            name: link.name,
            key: link.key,
            id: link.id,
            unique: link.unique,
        });
        true
    }

    /// Takes in something that happened. No rule looks at it.
    pub(crate) fn tell(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Takes in an answer that is to be kept.
    pub(crate) fn keep_answer(&mut self, answer: Answer) {
        let place = (answer.scope.clone(), answer.key.clone());
        if !self.new_answers.contains(&place) {
            self.new_answers.push(place.clone());
        }
        self.now.answers.insert(place, Some(answer));
    }

    /// Returns whether this batch has written anything.
    pub(crate) fn is_changed(&self) -> bool {
        !self.written.is_empty()
            || !self.new_links.is_empty()
            || !self.new_answers.is_empty()
            || !self.events.is_empty()
    }

    /// Returns how many objects, names and events this batch has written.
    pub(crate) fn rows_written(&self) -> (usize, usize, usize) {
        (self.written.len(), self.new_links.len(), self.events.len())
    }

    /// Copies out what this batch has written, for the commit.
    pub(crate) fn changes(&mut self, commit: &mut commit::Commit) {
        commit.events = self.packer.pack(&self.events);
        commit.objects.extend(self.written.iter().map(|object| Object::clone(object)));
        commit.links.extend(self.new_links.iter().cloned());
        for place in &self.new_answers {
            commit.answers.extend(self.now.answers.get(place).cloned().flatten());
        }
    }

    /// Ends a batch that was given away to be committed: the one before it is committed by now, and what that one knew
    /// is what the store has.
    pub(crate) fn given(&mut self) {
        std::mem::swap(&mut self.before, &mut self.now);
        for (id, object) in self.now.objects.drain() {
            if let Some(object) = object {
                self.kept.put(id, object);
            }
        }
        self.now.links.clear();
        self.now.answers.clear();
        self.written.clear();
        self.new_links.clear();
        self.new_answers.clear();
        self.events.clear();
    }

    /// None when nobody looked; none within when there is no such name.
    fn found_link(&self, name: &str, key: &str) -> Option<Option<&str>> {
        self.now.link(name, key).or_else(|| self.before.link(name, key))
    }
}

/// The world as one command sees it.
pub(crate) struct View<'a> {
    pub(crate) world: &'a World,
    pub(crate) card: Option<&'a Result<VaultedCard, Rejection>>,
    pub(crate) account: Option<&'a VaultedAccount>,
    pub(crate) book: &'a Book,
}

impl Gathered for View<'_> {
    fn object(&self, id: &str) -> Option<Found<'_>> {
        let object = self.world.now.objects.get(id)?.as_ref()?;
        Some(Found {
            kind: ObjectKind::parse(object.kind)?,
            merchant: &object.merchant,
            live: object.live,
            created: Timestamp::from_micros(object.created),
            version: object.version,
            body: &object.body,
        })
    }

    fn link(&self, name: &str, key: &str) -> Option<&str> {
        self.world.found_link(name, key)?
    }

    fn card(&self) -> Option<&Result<VaultedCard, Rejection>> {
        self.card
    }

    fn available(&self, account: &AccountRef) -> Option<u64> {
        let available = self.book.available(&account.path, account.currency)?;
        // No account has more than fits.
        Some(u64::try_from(available.max(0)).unwrap_or(u64::MAX))
    }

    fn account(&self) -> Option<&VaultedAccount> {
        self.account
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_away_is_known_until_the_store_has_it() {
        let mut world = World::new();
        let needs = Needs {
            ids: vec!["pi_1".to_owned()],
            links: vec![("order", "1".to_owned())],
            ..Needs::default()
        };
        let missing = |world: &mut World| {
            let (mut ids, mut links) = (Vec::new(), Vec::new());
            world.missing(&needs, &mut ids, &mut links);
            (ids.len(), links.len(), !world.knows_answer("scope", "key"))
        };
        assert_eq!(missing(&mut world), (1, 1, true));
        world.write(ObjectWrite {
            id: "pi_1".to_owned(),
            kind: ObjectKind::PaymentIntent,
            merchant: "acct_1".to_owned(),
            live: false,
            created: Timestamp::from_seconds(1),
            version: 1,
            body: "{}".to_owned(),
        });
        let link = Link { name: "order", key: "1".to_owned(), id: "pi_1".to_owned(), unique: true };
        assert!(world.link(link.clone()));
        let (scope, key) = ("scope".to_owned(), "key".to_owned());
        world.keep_answer(Answer { scope, key, digest: [1; 32], answered: None, within: None, created: 1 });
        world.given();
        // It may not be committed yet.
        assert_eq!(missing(&mut world), (0, 0, false));
        assert!(world.answer("scope", "key").is_some());
        assert!(!world.is_changed() && !world.link(link));
        let book = Book::new(1, 1);
        let view = View { world: &world, card: None, account: None, book: &book };
        assert_eq!(view.object("pi_1").unwrap().version, 1);
        world.given();
        world.given();
        // It is: names and answers are read again, objects stay for a while.
        assert_eq!(missing(&mut world), (0, 1, true));
    }
}
