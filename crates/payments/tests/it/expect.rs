//! Taking values that a test knows to be there.

use std::fmt::Debug;

pub(crate) trait Expect<T> {
    /// Returns the value, or fails the test.
    fn must(self, what: &str) -> T;
}

impl<T> Expect<T> for Option<T> {
    fn must(self, what: &str) -> T {
        match self {
            Some(value) => value,
            None => panic!("{what}"),
        }
    }
}

impl<T, E: Debug> Expect<T> for Result<T, E> {
    fn must(self, what: &str) -> T {
        match self {
            Ok(value) => value,
            Err(error) => panic!("{what}: {error:?}"),
        }
    }
}
