//! Pages of lists: `limit`, `starting_after`, `ending_before`, `created[gte]`, `expand[]`.

use crate::limits::{ID_BYTES_MAX, PAGE_DEFAULT, PAGE_MAX};
use crate::parameters::{Node, typed};
use crate::problem::Problem;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Where a page begins or ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Behind an object: older ones.
    After(String),
    /// Before an object: newer ones.
    Before(String),
}

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How many objects at most.
    pub limit: u32,
    /// Where it begins or ends; none for the newest objects.
    pub place: Option<Place>,
    /// The earliest creation, microseconds since the epoch.
    pub created_min: Option<i64>,
    /// The latest creation, microseconds since the epoch.
    pub created_max: Option<i64>,
    /// Members to show in full.
    pub expand: Vec<String>,
}

/// Parameters of every list, for the documentation.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "only its documentation is used; Page::take reads the parameters")]
pub struct PageParameters {
    /// How many objects at most.
    #[param(minimum = 1, maximum = 100, default = 10)]
    limit: Option<u32>,
    /// An id: the page begins behind this object.
    starting_after: Option<String>,
    /// An id: the page ends before this object.
    ending_before: Option<String>,
    /// Only objects made then or later, seconds since the epoch.
    #[param(rename = "created[gte]")]
    created_gte: Option<i64>,
    /// Only objects made later, seconds since the epoch.
    #[param(rename = "created[gt]")]
    created_gt: Option<i64>,
    /// Only objects made then or before, seconds since the epoch.
    #[param(rename = "created[lte]")]
    created_lte: Option<i64>,
    /// Only objects made before, seconds since the epoch.
    #[param(rename = "created[lt]")]
    created_lt: Option<i64>,
    /// Members to show in full, such as `data.customer`.
    #[param(rename = "expand[]", max_items = 10)]
    expand: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Created {
    gt: Option<i64>,
    gte: Option<i64>,
    lt: Option<i64>,
    lte: Option<i64>,
}

impl Page {
    /// Takes what every list has out of the parameters, and leaves its own filters.
    ///
    /// # Errors
    /// 400, naming the parameter.
    pub fn take(tree: &mut Node<'_>) -> Result<Page, Problem> {
        let limit = take(tree, "limit")?.unwrap_or(PAGE_DEFAULT);
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(Problem::invalid("limit", format!("it must be from 1 to {PAGE_MAX}")));
        }
        let place = match (take(tree, "starting_after")?, take(tree, "ending_before")?) {
            (Some(_), Some(_)) => {
                return Err(Problem::invalid("ending_before", "it cannot be given beside starting_after"));
            }
            (Some(id), None) => Some(Place::After(id)),
            (None, Some(id)) => Some(Place::Before(id)),
            (None, None) => None,
        };
        if let Some(Place::After(id) | Place::Before(id)) = &place
            && (id.len() > ID_BYTES_MAX || id.is_empty())
        {
            let name =
                if matches!(place, Some(Place::After(_))) { "starting_after" } else { "ending_before" };
            return Err(Problem::invalid(name, "it is no id"));
        }
        let created = match tree.take("created") {
            None => Created::default(),
            Some(node @ Node::Map(_)) => typed::from_node(node).map_err(|error| error.under("created"))?,
            Some(node) => {
                let at: i64 = typed::from_node(node).map_err(|error| error.under("created"))?;
                Created { gte: Some(at), lte: Some(at), ..Created::default() }
            }
        };
        let expand = take(tree, "expand")?.unwrap_or_default();
        let later = |a: Option<i64>, b: Option<i64>| a.into_iter().chain(b).max();
        let earlier = |a: Option<i64>, b: Option<i64>| a.into_iter().chain(b).min();
        let next = |second: i64| micros(second.saturating_add(1));
        let last = |second: i64| micros(second.saturating_add(1)).saturating_sub(1);
        Ok(Page {
            limit,
            place,
            created_min: later(created.gte.map(micros), created.gt.map(next)),
            created_max: earlier(
                created.lte.map(last),
                created.lt.map(|second| micros(second).saturating_sub(1)),
            ),
            expand,
        })
    }
}

fn micros(seconds: i64) -> i64 {
    seconds.saturating_mul(1_000_000)
}

/// Takes one parameter out of a tree, as a typed value.
///
/// # Errors
/// 400, naming the parameter.
pub fn take<T: DeserializeOwned>(tree: &mut Node<'_>, name: &str) -> Result<Option<T>, Problem> {
    match tree.take(name) {
        None => Ok(None),
        Some(node) => Ok(Some(typed::from_node(node).map_err(|error| error.under(name))?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::form;

    fn page(query: &str) -> Result<Page, Problem> {
        let mut tree = form::parse(query.as_bytes()).unwrap();
        let page = Page::take(&mut tree);
        assert!(tree.is_empty(), "{query}");
        page
    }

    #[test]
    fn pages_are_read() {
        let plain = page("").unwrap();
        assert_eq!((plain.limit, plain.place, plain.created_min, plain.created_max), (10, None, None, None));
        let full = page("limit=100&starting_after=pi_1&created[gte]=5&created[lt]=9&expand[]=data.customer")
            .unwrap();
        assert_eq!(full.place, Some(Place::After("pi_1".into())));
        assert_eq!((full.created_min, full.created_max), (Some(5_000_000), Some(8_999_999)));
        assert_eq!(full.expand, ["data.customer"]);
        let between = page("created[gt]=5&created[lte]=9&ending_before=pi_1").unwrap();
        assert_eq!((between.created_min, between.created_max), (Some(6_000_000), Some(9_999_999)));
        let exact = page("created=5").unwrap();
        assert_eq!((exact.created_min, exact.created_max), (Some(5_000_000), Some(5_999_999)));
        assert_eq!(page(&format!("created[lte]={}", i64::MAX)).unwrap().created_max, Some(i64::MAX - 1));
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for query in
            ["limit=0", "limit=101", "limit=x", "limit=-1", "starting_after=", "created[foo]=1", "created=x"]
        {
            let mut tree = form::parse(query.as_bytes()).unwrap();
            let problem = Page::take(&mut tree).unwrap_err();
            assert_eq!(problem.status(), 400, "{query}");
        }
        let both = Page::take(&mut form::parse(b"starting_after=a&ending_before=b").unwrap()).unwrap_err();
        assert_eq!(both.code(), "parameter_invalid");
    }
}
