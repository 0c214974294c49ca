//! `suanpan keys`: who may use the API.

use crate::cli::{
    KeyKindChoice, KeysArgs, KeysCommand, KeysCreateArgs, KeysListArgs, KeysRevokeArgs, moment,
};
use crate::error::{Trouble, status};
use crate::secrets::master_key;
use crate::store::{Embedded, at_store, damaged, open_existing};
use crate::terminal::Terminal;
use serde_json::{Value, json};
use suanpan_engine::{Call, Caller};
use suanpan_money::Timestamp;
use suanpan_payments::command::Command;
use suanpan_payments::object::api_key::{ApiKey, KeyKind};
use suanpan_payments::request::account::CreateApiKey;
use suanpan_payments::settings::Settings;
use suanpan_store::{Cursor, Database, Listing};

/// Keys that are read at once.
const PAGE: u32 = 500;
/// The kind under which keys are stored.
const KIND: &str = "api_key";

pub(crate) fn run(args: &KeysArgs, terminal: Terminal) -> Result<u8, Trouble> {
    match &args.command {
        KeysCommand::Create(args) => create(args, terminal),
        KeysCommand::List(args) => list(args, terminal),
        KeysCommand::Revoke(args) => revoke(args, terminal),
    }
}

fn create(args: &KeysCreateArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let database = open_existing(&args.store)?;
    let merchant = merchant_of(&database, args.merchant.merchant.as_deref())?;
    let found = master_key(&args.master_key, &args.store, false)?;
    let engine = Embedded::start(&database, None, Some(Settings::with_simulator(found.key, "")))?;
    let caller = Caller { merchant, live: args.merchant.live };
    let kind = match args.kind {
        KeyKindChoice::Secret => KeyKind::Secret,
        KeyKindChoice::Restricted => KeyKind::Restricted,
        KeyKindChoice::Publishable => KeyKind::Publishable,
    };
    let made = make_key(&caller, kind, &args.scopes, args.name.as_deref(), |call| engine.call(call))?;
    if args.json {
        return terminal.result(&(made.to_string() + "\n")).map(|()| status::FINE);
    }
    let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
    terminal.result(&format!("{}\n", text("secret")))?;
    terminal.hint(&format!("{} of {}; it is shown this once and not kept", text("id"), caller.merchant));
    Ok(status::FINE)
}

/// Makes a key by a call of the engine; the answer holds the key itself.
pub(crate) fn make_key(
    caller: &Caller,
    kind: KeyKind,
    scopes: &[String],
    name: Option<&str>,
    call: impl FnOnce(Call) -> Result<Vec<u8>, Trouble>,
) -> Result<Value, Trouble> {
    let request = CreateApiKey {
        kind: Some(kind.word().to_owned()),
        name: name.map(str::to_owned),
        scopes: (!scopes.is_empty()).then(|| scopes.to_vec()),
        ..CreateApiKey::default()
    };
    let command = Command::CreateApiKey { request };
    let body = call(Call { caller: caller.clone(), idempotency: None, request_id: None, command })?;
    serde_json::from_slice(&body).map_err(|error| damaged("the answer of the engine", error))
}

fn list(args: &KeysListArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let database = open_existing(&args.store)?;
    let merchant = merchant_of(&database, args.merchant.merchant.as_deref())?;
    let reader = database.reader();
    let mut text = String::new();
    let mut last: Option<(i64, String)> = None;
    loop {
        let page = reader
            .list(&Listing {
                kind: KIND,
                merchant: &merchant,
                live: args.merchant.live,
                link: None,
                created_min: None,
                created_max: None,
                after: last.as_ref().map(|(created, id)| Cursor { created: *created, id }),
                before: None,
                limit: PAGE,
            })
            .map_err(at_store)?;
        for object in &page.objects {
            let key: ApiKey =
                serde_json::from_str(&object.body).map_err(|error| damaged(&object.id, error))?;
            text.push_str(&if args.json { as_json(&key) } else { as_line(&key) });
        }
        last = page.objects.last().map(|object| (object.created, object.id.clone()));
        if !page.more {
            break;
        }
    }
    terminal.result(&text)?;
    if text.is_empty() {
        let mode = if args.merchant.live { "live" } else { "test" };
        terminal.hint(&format!("{merchant} has no keys in {mode} mode"));
    }
    Ok(status::FINE)
}

fn as_line(key: &ApiKey) -> String {
    let time = |seconds: i64| moment(Timestamp::from_seconds(seconds));
    let end = key.expires_at.map_or(String::new(), |end| format!("  ends {}", time(end)));
    let name =
        key.name.as_deref().map_or(String::new(), |name| format!("  {}", crate::terminal::harmless(name)));
    let scopes = if key.scopes.is_empty() { String::new() } else { format!("  {}", key.scopes.join(",")) };
    format!("{}  {}  {}  made {}{end}{name}{scopes}\n", key.id, key.kind.word(), key.hint, time(key.created))
}

fn as_json(key: &ApiKey) -> String {
    let value = json!({
        "id": key.id,
        "type": key.kind.word(),
        "hint": key.hint,
        "livemode": key.livemode,
        "name": key.name,
        "scopes": key.scopes,
        "created": key.created,
        "expires_at": key.expires_at,
    });
    value.to_string() + "\n"
}

fn revoke(args: &KeysRevokeArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let database = open_existing(&args.store)?;
    let found = database.reader().objects(&[args.id.as_str()]).map_err(at_store)?;
    let object =
        found.into_iter().next().flatten().filter(|object| object.kind == KIND).ok_or_else(|| {
            Trouble::new("key_unknown", format!("there is no key `{}`", args.id))
                .at(args.id.clone())
                .next("suanpan keys list shows those that there are")
        })?;
    let master = master_key(&args.master_key, &args.store, false)?;
    let engine = Embedded::start(&database, None, Some(Settings::with_simulator(master.key, "")))?;
    let caller = Caller { merchant: object.merchant, live: object.live };
    let command = Command::ExpireApiKey { id: args.id.clone(), at_seconds: None };
    engine.call(Call { caller, idempotency: None, request_id: None, command })?;
    terminal.result(&format!("{}  revoked\n", args.id))?;
    Ok(status::FINE)
}

/// Returns the merchant that is meant.
fn merchant_of(database: &Database, named: Option<&str>) -> Result<String, Trouble> {
    if let Some(merchant) = named {
        return Ok(merchant.to_owned());
    }
    crate::operator::find(database)?.ok_or_else(|| {
        Trouble::new("operator_missing", "the store has no operator yet")
            .at(database.place())
            .next("start suanpan serve once, or give --merchant acct_…")
    })
}
