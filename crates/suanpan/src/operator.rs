//! The operator of a platform: the first merchant, whose keys may use the books of the whole cell.

use crate::error::Trouble;
use crate::store::{at_store, damaged};
use suanpan_engine::{Call, Caller};
use suanpan_payments::command::Command;
use suanpan_payments::link;
use suanpan_payments::request::account::WriteAccount;
use suanpan_store::Database;

/// Who makes the operator: the platform itself, which is no merchant and has no keys.
const PLATFORM: &str = "platform";

/// Finds the operator of a store.
pub(crate) fn find(database: &Database) -> Result<Option<String>, Trouble> {
    let made = database.reader().linked(link::ACCOUNT_PLATFORM, PLATFORM, 1).map_err(at_store)?;
    Ok(made.into_iter().next())
}

/// Makes the operator, and returns its id.
pub(crate) fn make(call: impl FnOnce(Call) -> Result<Vec<u8>, Trouble>) -> Result<String, Trouble> {
    let caller = Caller { merchant: PLATFORM.to_owned(), live: true };
    let command = Command::CreateAccount { request: Box::new(WriteAccount::default()) };
    let body = call(Call { caller, idempotency: None, request_id: None, command })?;
    let made: serde_json::Value =
        serde_json::from_slice(&body).map_err(|error| damaged("the answer of the engine", error))?;
    let id =
        made["id"].as_str().ok_or_else(|| damaged("the answer of the engine", "the account has no id"))?;
    Ok(id.to_owned())
}
