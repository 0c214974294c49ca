//! The layouts that come with the program.

use super::Layout;
use std::sync::{Arc, LazyLock};

/// All layouts that come with the program, read once.
pub(crate) static BUILT_IN: LazyLock<Vec<Arc<Layout>>> = LazyLock::new(|| {
    let read = |(file, text): &(&str, &str)| {
        let layout = Layout::parse(text);
        Arc::new(layout.unwrap_or_else(|error| panic!("the built-in layout {file}: {error}")))
    };
    TEXTS.iter().map(read).collect()
});

macro_rules! texts {
    ($($name:literal),* $(,)?) => {
        /// File names and texts.
        const TEXTS: &[(&str, &str)] = &[$(($name, include_str!(concat!("built_in/", $name, ".toml")))),*];
    };
}

texts![
    "wechat-user",
    "alipay-user",
    "alipay-web",
    "jd-user",
    "meituan-user",
    "icbc-debit",
    "boc-debit",
    "boc-web",
    "boc-credit",
    "cmb-debit",
    "cmb-web",
    "cmb-credit",
    "bocom-debit",
    "unionpay-zm",
    "unionpay-zme",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_layout_passes_its_own_tests() {
        for layout in BUILT_IN.iter() {
            let none = |name: &str| Err(std::io::Error::other(format!("there is no file {name}")));
            let outcomes = layout.test(&none);
            assert!(!outcomes.is_empty(), "{} has no test", layout.id());
            for outcome in outcomes {
                assert_eq!(outcome.problems, Vec::<String>::new(), "{}: {}", layout.id(), outcome.name);
            }
        }
    }

    #[test]
    fn ids_are_unique() {
        let mut ids: Vec<&str> = BUILT_IN.iter().map(|layout| layout.id()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}
