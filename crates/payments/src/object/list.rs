//! The envelope of lists.

use serde::Serialize;
use serde_json::value::RawValue;

/// A page of a list.
#[derive(Debug, Serialize)]
pub struct List<'a> {
    /// `list`, or `search_result`.
    pub object: &'static str,
    /// The objects, as JSON.
    pub data: Vec<&'a RawValue>,
    /// Whether there are more.
    pub has_more: bool,
    /// The path that was asked.
    pub url: &'a str,
    /// Where the next page of a search begins; searches only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page: Option<Option<String>>,
}

/// Writes a page of objects that are JSON already.
///
/// # Errors
/// When one of them is not JSON.
pub fn list(url: &str, objects: &[&str], has_more: bool) -> Result<String, serde_json::Error> {
    let data =
        objects.iter().map(|text| serde_json::from_str::<&RawValue>(text)).collect::<Result<_, _>>()?;
    serde_json::to_string(&List { object: "list", data, has_more, url, next_page: None })
}

/// Writes a page of what a search found.
///
/// # Errors
/// When one of them is not JSON.
pub fn search_result(
    url: &str,
    objects: &[&str],
    next_page: Option<String>,
) -> Result<String, serde_json::Error> {
    let data =
        objects.iter().map(|text| serde_json::from_str::<&RawValue>(text)).collect::<Result<_, _>>()?;
    let has_more = next_page.is_some();
    serde_json::to_string(&List { object: "search_result", data, has_more, url, next_page: Some(next_page) })
}
