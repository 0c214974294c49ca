//! The first merchant of a platform and its first key: without them nobody could ask for others.

use suanpan_engine::{Call, Caller, Engine, Refused};
use suanpan_payments::command::Command;
use suanpan_payments::request::account::{CreateApiKey, WriteAccount};

/// Who asks for the first merchant: nobody who could have a key.
const PLATFORM: &str = "platform";

/// A key that was just made. It is not shown again, and not written to logs.
pub struct NewKey {
    /// Whose it is, `acct_…`.
    pub account: String,
    /// The key.
    pub secret: String,
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewKey").field("account", &self.account).finish_non_exhaustive()
    }
}

/// Makes a merchant and returns its id.
///
/// # Errors
/// Whatever the engine refuses.
pub async fn merchant(engine: &Engine) -> Result<String, Refused> {
    let command = Command::CreateAccount { request: Box::new(WriteAccount::default()) };
    let caller = Caller { merchant: PLATFORM.to_owned(), live: false };
    let answered = engine.call(Call { caller, idempotency: None, request_id: None, command }).await?;
    Ok(member(&answered.body, "id"))
}

/// Makes a secret key of a merchant in one mode.
///
/// # Errors
/// Whatever the engine refuses.
pub async fn secret_key(engine: &Engine, account: &str, live: bool) -> Result<NewKey, Refused> {
    let command = Command::CreateApiKey { request: CreateApiKey::default() };
    let caller = Caller { merchant: account.to_owned(), live };
    let answered = engine.call(Call { caller, idempotency: None, request_id: None, command }).await?;
    Ok(NewKey { account: account.to_owned(), secret: member(&answered.body, "secret") })
}

/// Reads a text of an answer that has just been made, so that it is there.
fn member(body: &[u8], name: &str) -> String {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    value.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}
