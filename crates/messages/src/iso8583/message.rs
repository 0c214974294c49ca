//! A message that can be made, changed and written.

use super::present::Present;
use super::{MessageType, View};

/// A message.
#[derive(Clone)]
pub struct Message {
    /// What stands in front of it, or nothing.
    pub header: Vec<u8>,
    /// Its type. A header may come alone, to ask whether the line is there: then nothing.
    pub message_type: Option<MessageType>,
    /// Whether the second half of the bitmap is written although no field is in it, as some systems do.
    pub second_bitmap_empty: bool,
    present: Present,
    /// One for each field, ascending.
    slots: Vec<Slot>,
    /// The characters of all fields, in any order.
    values: Vec<u8>,
}

/// Where a field's characters stand among the values.
#[derive(Debug, Clone, Copy)]
struct Slot {
    at: usize,
    len: usize,
    filling: u8,
}

/// A field of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'m> {
    /// Its characters: bytes, or ASCII digits where they are packed.
    pub value: &'m [u8],
    /// The half byte that fills up an odd number of packed digits; 0 by custom.
    pub filling: u8,
}

impl std::fmt::Debug for Field<'_> {
    /// Shows the length only: fields hold card numbers, tracks and PIN blocks.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Field({} bytes)", self.value.len())
    }
}

impl std::fmt::Debug for Message {
    /// Shows how long each field is, not what it holds.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("message_type", &self.message_type)
            .field("fields", &self.fields().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Message) -> bool {
        self.header == other.header
            && self.message_type == other.message_type
            && self.second_bitmap_empty == other.second_bitmap_empty
            && self.present == other.present
            && self.fields().eq(other.fields())
    }
}

impl Eq for Message {}

impl Message {
    /// Makes a message without header and fields.
    #[must_use]
    pub const fn new(message_type: MessageType) -> Message {
        Message {
            header: Vec::new(),
            message_type: Some(message_type),
            second_bitmap_empty: false,
            present: Present(0),
            slots: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Makes the answer to a message: of the type that answers it, with its header and those of its fields that
    /// are named. None where no answer is due.
    #[must_use]
    pub fn answer(view: &View<'_>, fields: &[u8]) -> Option<Message> {
        let mut answer = Message::new(view.message_type()?.response()?);
        answer.header = view.header().to_vec();
        for value in fields.iter().filter_map(|number| view.get(*number)) {
            answer.set(value.spec().number, value.characters());
        }
        Some(answer)
    }

    pub(super) fn with_capacity(
        message_type: Option<MessageType>,
        present: Present,
        bytes_len: usize,
    ) -> Message {
        Message {
            header: Vec::new(),
            message_type,
            second_bitmap_empty: false,
            present: Present(0),
            slots: Vec::with_capacity(present.0.count_ones() as usize),
            values: Vec::with_capacity(2 * bytes_len),
        }
    }

    /// Appends a field of a greater number than all others; `append` appends its characters and returns its
    /// filling.
    #[inline]
    pub(super) fn push(&mut self, number: u8, append: impl FnOnce(&mut Vec<u8>) -> u8) {
        let at = self.values.len();
        let filling = append(&mut self.values);
        self.present.set(number);
        self.slots.push(Slot { at, len: self.values.len() - at, filling });
    }

    /// Returns the characters of a field.
    #[must_use]
    pub fn get(&self, number: u8) -> Option<&[u8]> {
        self.field(number).map(|field| field.value)
    }

    fn field(&self, number: u8) -> Option<Field<'_>> {
        let slot = self.present.has(number).then(|| self.slots.get(self.present.before(number)))??;
        Some(Field { value: self.values.get(slot.at..slot.at + slot.len)?, filling: slot.filling })
    }

    /// Sets a field. A number that is no field's is refused when the message is written.
    ///
    /// # Panics
    /// For numbers below 2 and above 128, which no message can have.
    pub fn set(&mut self, number: u8, value: impl AsRef<[u8]>) {
        assert!((2..=128).contains(&number), "field {number} is not between 2 and 128");
        let value = value.as_ref();
        if self.slots.capacity() == 0 {
            // As much as most messages need, so that it is asked for once.
            self.slots.reserve(32);
            self.values.reserve(512);
        }
        let place = self.present.before(number);
        let slot = Slot { at: self.values.len(), len: value.len(), filling: 0 };
        if !self.present.has(number) {
            self.present.set(number);
            self.slots.insert(place, slot);
            self.values.extend_from_slice(value);
        } else if value.len() <= self.slots[place].len {
            let at = self.slots[place].at;
            self.slots[place] = Slot { at, ..slot };
            self.values[at..at + value.len()].copy_from_slice(value);
        } else {
            self.slots[place] = slot;
            self.values.extend_from_slice(value);
        }
    }

    /// Takes a field out, and says whether it was there.
    pub fn remove(&mut self, number: u8) -> bool {
        let there = self.present.has(number);
        if there {
            self.slots.remove(self.present.before(number));
            self.present.clear(number);
        }
        there
    }

    /// Iterates over the fields, ascending.
    pub fn fields(&self) -> impl Iterator<Item = (u8, Field<'_>)> {
        self.present.filter_map(|number| Some((number, self.field(number)?)))
    }

    /// Iterates over the fields, ascending, without looking each up.
    pub(super) fn fields_in_order(&self) -> impl Iterator<Item = (u8, Field<'_>)> {
        self.present.zip(&self.slots).filter_map(|(number, slot)| {
            let value = self.values.get(slot.at..slot.at + slot.len)?;
            Some((number, Field { value, filling: slot.filling }))
        })
    }

    /// About how many bytes it takes: enough for most dialects.
    pub(super) const fn written_len(&self) -> usize {
        const TYPE_AND_BITMAP: usize = 36;
        const LENGTH: usize = 3;
        self.header.len() + TYPE_AND_BITMAP + self.slots.len() * LENGTH + self.values.len()
    }

    pub(super) const fn present(&self) -> Present {
        self.present
    }
}
