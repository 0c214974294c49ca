//! Where pages come from.

/// The name that the caller gave to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// Gives pages of runs. Callers implement it over a database, a cache or memory.
pub trait PageSource {
    /// The bytes of a page, owned or borrowed.
    type Page: AsRef<[u8]>;
    /// Why a page cannot be given.
    type Error;

    /// Gives the page of `run` with the number `index`, exactly as it was written.
    ///
    /// # Errors
    /// When the page cannot be read. A page that is not there is an error too.
    fn page(&mut self, run: RunId, index: u32) -> Result<Self::Page, Self::Error>;
}

impl<S: PageSource + ?Sized> PageSource for &mut S {
    type Page = S::Page;
    type Error = S::Error;

    fn page(&mut self, run: RunId, index: u32) -> Result<S::Page, S::Error> {
        (**self).page(run, index)
    }
}
