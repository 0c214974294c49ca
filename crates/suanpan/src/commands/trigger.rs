//! `suanpan trigger`: the calls that a merchant would make, so that an event of a type comes of them.

use super::listen::line_of;
use crate::api::{self, Api, Events};
use crate::cli::TriggerArgs;
use crate::error::{Trouble, status};
use crate::terminal::{Terminal, harmless};
use clap::builder::PossibleValuesParser;

/// A call of a recipe. In paths and values `{1}` stands for the id that the first call gave, and so on.
struct Step {
    method: &'static str,
    path: &'static str,
    fields: &'static [(&'static str, &'static str)],
    /// The status that it has to be answered with.
    status: u16,
}

/// What leads to a type of event.
struct Recipe {
    event_type: &'static str,
    steps: &'static [Step],
}

const fn post(path: &'static str, fields: &'static [(&'static str, &'static str)]) -> Step {
    Step { method: "POST", path, fields, status: 200 }
}

const CUSTOMER: Step = post(
    "/v1/customers",
    &[("name", "Ada Test"), ("email", "ada@example.com"), ("description", "by suanpan trigger")],
);
const INTENT: Step = post("/v1/payment_intents", &[("amount", "2000"), ("currency", "usd"), CARD]);
const CARD: (&str, &str) = ("payment_method_types[]", "card");
const PAID: Step = post(
    "/v1/payment_intents",
    &[("amount", "2000"), ("currency", "usd"), CARD, ("payment_method", "pm_card_visa"), ("confirm", "true")],
);
const DECLINED: Step = Step {
    status: 402,
    ..post(
        "/v1/payment_intents",
        &[
            ("amount", "2000"),
            ("currency", "usd"),
            CARD,
            ("payment_method", "pm_card_chargeDeclined"),
            ("confirm", "true"),
        ],
    )
};
const AUTHENTICATION: Step = post(
    "/v1/payment_intents",
    &[
        ("amount", "2000"),
        ("currency", "usd"),
        CARD,
        ("payment_method", "pm_card_threeDSecure2Required"),
        ("confirm", "true"),
    ],
);
const AUTHORIZED: Step = post(
    "/v1/payment_intents",
    &[
        ("amount", "2000"),
        ("currency", "usd"),
        CARD,
        ("payment_method", "pm_card_visa"),
        ("capture_method", "manual"),
        ("confirm", "true"),
    ],
);
const REFUND: Step = post("/v1/refunds", &[("payment_intent", "{1}")]);
const ATTACH: Step = post("/v1/payment_methods/pm_card_visa/attach", &[("customer", "{1}")]);

const fn recipe(event_type: &'static str, steps: &'static [Step]) -> Recipe {
    Recipe { event_type, steps }
}

const RECIPES: &[Recipe] = &[
    recipe("charge.captured", &[AUTHORIZED, post("/v1/payment_intents/{1}/capture", &[])]),
    recipe("charge.failed", &[DECLINED]),
    recipe("charge.refunded", &[PAID, REFUND]),
    recipe("charge.succeeded", &[PAID]),
    recipe("customer.created", &[CUSTOMER]),
    recipe(
        "customer.deleted",
        &[CUSTOMER, Step { method: "DELETE", path: "/v1/customers/{1}", fields: &[], status: 200 }],
    ),
    recipe("customer.updated", &[CUSTOMER, post("/v1/customers/{1}", &[("description", "updated")])]),
    recipe("payment_intent.amount_capturable_updated", &[AUTHORIZED]),
    recipe("payment_intent.canceled", &[INTENT, post("/v1/payment_intents/{1}/cancel", &[])]),
    recipe("payment_intent.created", &[INTENT]),
    recipe("payment_intent.payment_failed", &[DECLINED]),
    recipe("payment_intent.requires_action", &[AUTHENTICATION]),
    recipe("payment_intent.succeeded", &[PAID]),
    recipe("payment_method.attached", &[CUSTOMER, ATTACH]),
    recipe("payment_method.detached", &[CUSTOMER, ATTACH, post("/v1/payment_methods/{2}/detach", &[])]),
    recipe("refund.created", &[PAID, REFUND]),
];

/// Pages of new events that are looked through: on a server where more happens in that time, ours is lost in it.
const PAGES_MAX: usize = 50;

/// The types that there are recipes for.
pub(crate) fn types() -> PossibleValuesParser {
    RECIPES.iter().map(|recipe| recipe.event_type).collect::<Vec<_>>().into()
}

pub(crate) fn run(args: &TriggerArgs, terminal: Terminal) -> Result<u8, Trouble> {
    let api = Api::new(&args.api)?;
    if api.is_live() {
        return Err(Trouble::new("live_key", "events are triggered in test mode only")
            .at("--key")
            .next("take a key that begins with sk_test_"));
    }
    // The command line takes no other types.
    let Some(recipe) = RECIPES.iter().find(|recipe| recipe.event_type == args.event_type) else {
        return Err(
            Trouble::new("usage", "there is no such type of event").next("see suanpan trigger --help")
        );
    };
    api::run(perform(&api, recipe, terminal))
}

async fn perform(api: &Api, recipe: &Recipe, terminal: Terminal) -> Result<u8, Trouble> {
    let before = Events(api).newest().await?.map(|event| event.id);
    let mut ids = Vec::new();
    for step in recipe.steps {
        let id = make(api, step, &ids).await?;
        terminal.hint(&format!(
            "{} {}  {}  {}",
            step.method,
            filled(step.path, &ids),
            step.status,
            harmless(&id)
        ));
        ids.push(id);
    }
    let mut cursor = before;
    for _ in 0..PAGES_MAX {
        let page = Events(api).after(cursor.as_deref()).await?;
        let Some(last) = page.last() else { break };
        // Others may use the server too: it must be about one of the objects of ours, where we can tell.
        let ours = page.iter().filter(|event| event.kind == recipe.event_type);
        if let Some(event) =
            ours.clone().find(|event| ids.contains(&event.object)).or_else(|| ours.clone().next())
        {
            terminal.result(&format!("{}\n", line_of(event)))?;
            return Ok(status::FINE);
        }
        cursor = Some(last.id.clone());
    }
    terminal.hint(&format!("the calls were made, and no event {} came of them", recipe.event_type));
    Ok(status::DIFFERENCES)
}

/// Makes a call; returns the id of what it made. A decline tells the id of the intent in its error.
async fn make(api: &Api, step: &Step, ids: &[String]) -> Result<String, Trouble> {
    let path = filled(step.path, ids);
    let fields: Vec<(&str, String)> =
        step.fields.iter().map(|(name, value)| (*name, filled(value, ids))).collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let reply = match step.method {
        "DELETE" => api.delete(&path).await?,
        _ => api.post(&path, &fields).await?,
    };
    let place = format!("{} {path}", step.method);
    if reply.status != step.status {
        return Err(reply.refusal(&place));
    }
    let value: serde_json::Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let id = value["id"].as_str().or_else(|| value["error"]["payment_intent"]["id"].as_str());
    id.map(str::to_owned).ok_or_else(|| {
        Trouble::new("api_strange", "the answer has no id")
            .at(place)
            .next("check --api: is this a server of suanpan?")
    })
}

fn filled(text: &str, ids: &[String]) -> String {
    let mut text = text.to_owned();
    for (place, id) in ids.iter().enumerate() {
        text = text.replace(&format!("{{{}}}", place + 1), id);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_refer_only_to_calls_before_them_and_stand_once() {
        let ids: Vec<String> = (1..=9).map(|place| format!("id{place}")).collect();
        let mut types = std::collections::BTreeSet::new();
        for recipe in RECIPES {
            assert!(types.insert(recipe.event_type), "{}", recipe.event_type);
            for (place, step) in recipe.steps.iter().enumerate() {
                for text in step.fields.iter().map(|(_, value)| *value).chain([step.path]) {
                    assert!(!filled(text, &ids[..place]).contains('{'), "{}: {text}", recipe.event_type);
                }
            }
        }
    }
}
