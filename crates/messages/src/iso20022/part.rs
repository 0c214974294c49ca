//! One definition of each element, from which reading, writing and checking follow.
//!
//! Reading asks for nothing: what is missing is told by the check, so that a message with a gap can be
//! looked at. Writing follows the order of the definition, which is that of the message's schema.

use super::limits;
use super::source::{Halt, Source, Tag};
use quick_xml::escape::partial_escape;

/// A rule that a message breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {what} ({rule})")]
pub struct Violation {
    /// The name of the rule: `schema.value`, `cbpr.uetr`.
    pub rule: &'static str,
    /// The element, by the names on the way to it; one of several has its number: `CdtTrfTxInf[2]/PmtId/UETR`.
    pub path: String,
    /// What is wrong.
    pub what: String,
}

/// The rule that a value of the right shape is one that can be right.
pub const DOUBTFUL: &str = "schema.doubtful";

/// The rule that a value is one that the schema allows, and that the check digits of accounts follow.
pub const VALUE: &str = "schema.value";

/// The rule that an element that the schema wants is there.
pub const MISSING: &str = "schema.missing";

/// The content of an element.
pub(crate) trait Part: Sized {
    /// Reads the current element to its end.
    fn read(tag: Tag<'_>, source: &mut Source<'_>) -> Result<Self, Halt>;

    /// Writes an element of this name.
    fn write(&self, name: &str, sink: &mut Sink);

    /// Tells what the schema does not allow.
    fn check(&self, check: &mut Check);

    /// Makes one of a text that stands where other versions have an element around it, if that can be.
    fn of_text(_: &str) -> Option<Self> {
        None
    }

    /// Makes one at random that the schema allows.
    #[cfg(test)]
    fn any(random: &mut super::tests::Random) -> Self;
}

impl<T: Part> Part for Box<T> {
    fn read(tag: Tag<'_>, source: &mut Source<'_>) -> Result<Self, Halt> {
        T::read(tag, source).map(Box::new)
    }

    fn write(&self, name: &str, sink: &mut Sink) {
        (**self).write(name, sink);
    }

    fn check(&self, check: &mut Check) {
        (**self).check(check);
    }

    #[cfg(test)]
    fn any(random: &mut super::tests::Random) -> Self {
        Box::new(T::any(random))
    }
}

/// How often an element may be there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// At least once.
    pub(crate) needed: bool,
    /// At most so many times, where there is a limit.
    pub(crate) most: Option<usize>,
}

/// An element that may be there or not, or many times.
pub(crate) trait Field {
    /// Takes the current element. A single one is a transaction.
    fn take(&mut self, single: bool, tag: Tag<'_>, source: &mut Source<'_>) -> Result<(), Halt>;

    fn write(&self, name: &str, sink: &mut Sink);

    fn check(&self, name: &'static str, bounds: Bounds, check: &mut Check);

    /// Makes one at random, within the bounds.
    #[cfg(test)]
    fn any(bounds: Bounds, random: &mut super::tests::Random) -> Self;
}

impl<T: Part> Field for Option<T> {
    fn take(&mut self, _: bool, tag: Tag<'_>, source: &mut Source<'_>) -> Result<(), Halt> {
        if self.is_some() {
            // A second one is not what the schema allows: it is told and the first counts.
            return source.pass_over();
        }
        *self = source.part(|source| T::read(tag, source))?;
        Ok(())
    }

    fn write(&self, name: &str, sink: &mut Sink) {
        if let Some(value) = self {
            value.write(name, sink);
        }
    }

    fn check(&self, name: &'static str, bounds: Bounds, check: &mut Check) {
        match self {
            Some(value) => check.within(name, None, |check| value.check(check)),
            None if bounds.needed => check.within(name, None, |check| check.missing()),
            None => {}
        }
    }

    #[cfg(test)]
    fn any(bounds: Bounds, random: &mut super::tests::Random) -> Self {
        (bounds.needed || random.below(3) == 0).then(|| T::any(random))
    }
}

impl<T: Part> Field for Vec<T> {
    fn take(&mut self, single: bool, tag: Tag<'_>, source: &mut Source<'_>) -> Result<(), Halt> {
        if single {
            self.extend(source.transaction(|source| T::read(tag, source))?);
        } else {
            self.extend(source.part(|source| T::read(tag, source))?);
        }
        Ok(())
    }

    fn write(&self, name: &str, sink: &mut Sink) {
        for value in self {
            value.write(name, sink);
        }
    }

    fn check(&self, name: &'static str, bounds: Bounds, check: &mut Check) {
        if bounds.needed && self.is_empty() {
            check.within(name, None, |check| check.missing());
        }
        if bounds.most.is_some_and(|most| self.len() > most) {
            let most = bounds.most.unwrap_or_default();
            check.within(name, None, |check| {
                check.tell(format!("is there {} times, of at most {most}", self.len()));
            });
        }
        for (at, value) in self.iter().enumerate() {
            let number = (self.len() > 1).then_some(at + 1);
            check.within(name, number, |check| value.check(check));
        }
    }

    #[cfg(test)]
    fn any(bounds: Bounds, random: &mut super::tests::Random) -> Self {
        let count = random.below(4).saturating_sub(1).max(usize::from(bounds.needed));
        (0..count).map(|_| T::any(random)).collect()
    }
}

/// What a scheme asks of texts: the names on the way to one, and the text. Gives what is wrong.
pub(crate) type TextRule = fn(&[&'static str], &str) -> Option<String>;

/// Gathers what a check finds, with the way to it.
#[derive(Debug, Default)]
pub(crate) struct Check {
    names: Vec<&'static str>,
    numbers: Vec<Option<usize>>,
    texts: Option<(&'static str, TextRule)>,
    pub(crate) found: Vec<Violation>,
}

impl Check {
    /// Makes a check that also asks a rule of each text.
    pub(crate) fn of_texts(rule: &'static str, test: TextRule) -> Check {
        Check { texts: Some((rule, test)), ..Check::default() }
    }

    /// Checks what is in an element.
    pub(crate) fn within(&mut self, name: &'static str, number: Option<usize>, run: impl FnOnce(&mut Check)) {
        self.names.push(name);
        self.numbers.push(number);
        run(self);
        self.names.pop();
        self.numbers.pop();
    }

    /// Checks a text by the rule of the scheme.
    pub(crate) fn text(&mut self, text: &str) {
        if let Some((rule, test)) = self.texts
            && let Some(what) = test(&self.names, text)
        {
            self.tell_of(rule, what);
        }
    }

    /// Tells what the schema does not allow at the current element.
    pub(crate) fn tell(&mut self, what: impl Into<String>) {
        self.tell_of(VALUE, what);
    }

    /// Tells that the current element has the right shape and is all the same hardly right.
    pub(crate) fn doubt(&mut self, what: impl Into<String>) {
        self.tell_of(DOUBTFUL, what);
    }

    /// Tells that the current element is not there.
    pub(crate) fn missing(&mut self) {
        self.tell_of(MISSING, "is not there");
    }

    fn tell_of(&mut self, rule: &'static str, what: impl Into<String>) {
        if self.found.len() < limits::VIOLATIONS_MAX {
            let path = self.names.iter().zip(&self.numbers).map(|(name, number)| match number {
                Some(number) => format!("{name}[{number}]"),
                None => (*name).to_owned(),
            });
            let path = path.collect::<Vec<_>>().join("/");
            self.found.push(Violation { rule, path, what: what.into() });
        }
    }
}

/// Where elements are written.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    text: String,
}

impl Sink {
    pub(crate) fn new() -> Sink {
        Sink { text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned() }
    }

    /// Writes an element with what `content` writes in it.
    pub(crate) fn element(&mut self, name: &str, content: impl FnOnce(&mut Sink)) {
        self.element_with(name, &[], content);
    }

    /// Writes an element with attributes.
    pub(crate) fn element_with(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        content: impl FnOnce(&mut Sink),
    ) {
        self.text.push('<');
        self.text.push_str(name);
        for (name, value) in attributes {
            self.text.push(' ');
            self.text.push_str(name);
            self.text.push_str("=\"");
            self.text.push_str(&quick_xml::escape::escape(*value));
            self.text.push('"');
        }
        self.text.push('>');
        content(self);
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
    }

    /// Writes text.
    pub(crate) fn text(&mut self, text: &str) {
        self.text.push_str(&partial_escape(text));
    }

    /// Returns what was written.
    pub(crate) fn done(mut self) -> String {
        self.text.push('\n');
        self.text
    }
}

/// Defines elements that hold other elements, in the order of the schema.
///
/// `name: Option<T> = "Nm",` may be there; `= needed "Nm"` must be there in what is written; `= each "Nm"`
/// is a transaction, and `= some "TxInf"` one that need not be there; `up_to 7` is how many there may be. Names behind `|` are those of other versions: they are read and never written.
macro_rules! parts {
    ($(
        $(#[$meta:meta])*
        pub struct $part:ident {$(
            $(#[$field_meta:meta])*
            $field:ident: $type:ty = $($need:ident)? $element:literal $(| $other:literal)* $(up_to $most:literal)?,
        )*}
    )*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $part {$(
            $(#[$field_meta])*
            #[doc = concat!("\n\nThe element `", $element, "`.")]
            pub $field: $type,
        )*}

        impl $part {
            /// Takes the current element, and says whether it is one of this.
            pub(crate) fn take(
                &mut self,
                tag: $crate::iso20022::source::Tag<'_>,
                source: &mut $crate::iso20022::source::Source<'_>,
            ) -> Result<bool, $crate::iso20022::source::Halt> {
                match tag.name {
                    $($element $(| $other)* => {
                        let single = $crate::iso20022::part::single!($($need)?);
                        $crate::iso20022::part::Field::take(&mut self.$field, single, tag, source)?;
                    })*
                    _ => return Ok(false),
                }
                Ok(true)
            }

            /// Writes what is in it.
            pub(crate) fn write_parts(&self, sink: &mut $crate::iso20022::part::Sink) {
                use $crate::iso20022::part::Field as _;
                $(self.$field.write($element, sink);)*
            }
        }

        impl $crate::iso20022::part::Part for $part {
            fn read(
                _: $crate::iso20022::source::Tag<'_>,
                source: &mut $crate::iso20022::source::Source<'_>,
            ) -> Result<Self, $crate::iso20022::source::Halt> {
                let mut part = Self::default();
                while let Some(tag) = source.child()? {
                    if !part.take(tag, source)? {
                        source.pass_over()?;
                    }
                }
                Ok(part)
            }

            fn write(&self, name: &str, sink: &mut $crate::iso20022::part::Sink) {
                sink.element(name, |sink| self.write_parts(sink));
            }

            fn check(&self, check: &mut $crate::iso20022::part::Check) {
                use $crate::iso20022::part::Field as _;
                $(
                    let bounds = $crate::iso20022::part::bounds!([$($need)?] [$($most)?]);
                    self.$field.check($element, bounds, check);
                )*
            }

            #[cfg(test)]
            fn any(random: &mut $crate::iso20022::tests::Random) -> Self {
                Self {$(
                    $field: $crate::iso20022::part::Field::any(
                        $crate::iso20022::part::bounds!([$($need)?] [$($most)?]),
                        random,
                    ),
                )*}
            }
        }
    )*};
}

/// How often an element may be there in what is written.
macro_rules! bounds {
    ([$($need:ident)?] [$most:literal]) => {
        $crate::iso20022::part::Bounds {
            most: Some($most),
            ..$crate::iso20022::part::bounds!([$($need)?] [])
        }
    };
    ([needed] []) => {
        $crate::iso20022::part::Bounds { needed: true, most: None }
    };
    ([each] []) => {
        $crate::iso20022::part::Bounds { needed: true, most: None }
    };
    ([$($need:ident)?] []) => {
        $crate::iso20022::part::Bounds { needed: false, most: None }
    };
}

/// Whether an element is a transaction.
macro_rules! single {
    (each) => {
        true
    };
    (some) => {
        true
    };
    ($($need:ident)?) => {
        false
    };
}

/// Defines elements that hold one of several others.
macro_rules! choices {
    ($(
        $(#[$meta:meta])*
        pub enum $choice:ident {$(
            $(#[$case_meta:meta])*
            $case:ident($type:ty) = $element:literal $(| $other:literal)*,
        )*}
    )*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $choice {$(
            $(#[$case_meta])*
            #[doc = concat!("\n\nThe element `", $element, "`.")]
            $case($type),
        )*}

        impl $crate::iso20022::part::Part for $choice {
            fn read(
                own: $crate::iso20022::source::Tag<'_>,
                source: &mut $crate::iso20022::source::Source<'_>,
            ) -> Result<Self, $crate::iso20022::source::Halt> {
                use $crate::iso20022::part::Part;
                let expected = concat!("has none of", $(" ", $element,)*);
                if source.begins_with_text() {
                    return source.value(own, |text| {
                        None$(.or_else(|| Part::of_text(text).map($choice::$case)))*.ok_or(expected)
                    });
                }
                let start = source.tag_start();
                let mut choice = None;
                while let Some(tag) = source.child()? {
                    match tag.name {
                        $($element $(| $other)* if choice.is_none() => {
                            choice = Some($choice::$case(Part::read(tag, source)?));
                        })*
                        _ => source.pass_over()?,
                    }
                }
                choice.ok_or_else(|| source.fault(start, own, expected, ""))
            }

            fn write(&self, name: &str, sink: &mut $crate::iso20022::part::Sink) {
                sink.element(name, |sink| match self {
                    $($choice::$case(value) => $crate::iso20022::part::Part::write(value, $element, sink),)*
                });
            }

            fn check(&self, check: &mut $crate::iso20022::part::Check) {
                match self {
                    $($choice::$case(value) => check.within($element, None, |check| {
                        $crate::iso20022::part::Part::check(value, check);
                    }),)*
                }
            }

            #[cfg(test)]
            fn any(random: &mut $crate::iso20022::tests::Random) -> Self {
                let mut cases = [$(stringify!($case)),*].iter();
                let count = cases.len();
                let chosen = cases.nth(random.below(count)).copied();
                match chosen {
                    $(Some(stringify!($case)) => {
                        $choice::$case($crate::iso20022::part::Part::any(random))
                    })*
                    _ => unreachable!("below the number of cases"),
                }
            }
        }
    )*};
}

pub(crate) use {bounds, choices, parts, single};
