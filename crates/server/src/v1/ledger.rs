//! `/v1/ledger`: the books of the cell.
//!
//! The operator's keys see and write all accounts of their mode; any other merchant sees its own accounts,
//! `merchant/{its id}/…`, and writes none. The paths of test mode begin with `test/` in the books; here the key
//! says the mode, and the prefix does not show.

pub mod accounts;
pub mod entries;
pub mod entry;
pub mod proofs;

use crate::api::Api;
use crate::auth::{Caller, Permission};
use crate::problem::Problem;
use axum::http::StatusCode;
use suanpan_ledger::account::AccountNo;
use suanpan_payments::books::TEST_PREFIX;
use utoipa_axum::router::OpenApiRouter;

pub(crate) const READ: Permission = Permission::server("ledger:read");
pub(crate) const WRITE: Permission = Permission::server("ledger:write");

/// Returns the routes of the books.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(accounts::routes())
        .merge(entries::routes())
        .merge(entry::routes())
        .merge(proofs::routes())
}

fn is_operator(api: &Api, merchant: &str) -> bool {
    merchant == api.config().operator
}

/// Checks that a merchant is the operator, who keeps the books.
///
/// # Errors
/// 403 for everybody else.
pub(crate) fn check_operator(api: &Api, merchant: &str) -> Result<(), Problem> {
    if is_operator(api, merchant) {
        return Ok(());
    }
    let message = "Only keys of the operator of this platform may do this.";
    Err(Problem::new(StatusCode::FORBIDDEN, "operator_only", message))
}

/// Returns what all paths begin with that a caller may see, as they stand in the books.
fn visible_prefix(api: &Api, caller: &Caller) -> String {
    let mode = mode_prefix(caller);
    if is_operator(api, &caller.merchant) {
        mode.to_owned()
    } else {
        format!("{mode}merchant/{}/", caller.merchant)
    }
}

fn mode_prefix(caller: &Caller) -> &'static str {
    if caller.live { "" } else { TEST_PREFIX }
}

/// Tells whether a caller who sees `prefix` sees a path. Live keys do not see test mode.
fn is_visible(prefix: &str, live: bool, path: &str) -> bool {
    path.starts_with(prefix) && !(live && path.starts_with(TEST_PREFIX))
}

/// Returns a path as the caller's mode shows it.
fn shown_path(path: &str) -> &str {
    path.strip_prefix(TEST_PREFIX).unwrap_or(path)
}

fn account_id(number: AccountNo) -> String {
    format!("lac_{}", number.0)
}

fn parse_account_id(id: &str) -> Option<AccountNo> {
    let digits = id.strip_prefix("lac_")?;
    let plain =
        digits == "0" || (!digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()));
    plain.then(|| digits.parse().ok().map(AccountNo))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_accounts_are_read_in_one_writing_only() {
        assert_eq!(parse_account_id(&account_id(AccountNo(7))), Some(AccountNo(7)));
        assert_eq!(parse_account_id("lac_0"), Some(AccountNo(0)));
        for wrong in ["", "lac_", "lac_07", "lac_-1", "lac_+1", "lac_4294967296", "7", "lac_x"] {
            assert_eq!(parse_account_id(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn live_keys_do_not_see_test_mode() {
        assert!(is_visible("", true, "platform/fees"));
        assert!(!is_visible("", true, "test/platform/fees"));
        assert!(is_visible("test/", false, "test/platform/fees"));
        assert!(!is_visible("test/", false, "platform/fees"));
        assert!(!is_visible("test/merchant/acct_1/", false, "test/merchant/acct_12/pending"));
    }
}
