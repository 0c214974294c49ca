//! The description of the API, OpenAPI 3.1, generated from the handlers.

use crate::problem::{ErrorBody, PROBLEM_JSON};
use crate::v1;
use serde_json::{Map, Value, json};
use std::sync::OnceLock;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

/// Returns the description as JSON, with line breaks.
#[must_use]
pub fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let mut text = serde_json::to_string_pretty(&document()).expect("the description is JSON");
        text.push('\n');
        text
    })
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Suanpan",
        description = "Payments, settlement and books. Resources that Stripe also has take the same requests and \
            answer with the same members.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ErrorBody<'static>)),
    security(("bearer" = []), ("basic" = []))
)]
struct Head;

fn document() -> Value {
    let mut head = Head::openapi();
    head.info.version = env!("CARGO_PKG_VERSION").to_owned();
    let components = head.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("The API key.")).build();
    let basic =
        HttpBuilder::new().scheme(HttpAuthScheme::Basic).description(Some("The API key as user.")).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components.add_security_scheme("basic", SecurityScheme::Http(basic));
    let (_, api) = v1::routes().split_for_parts();
    head.merge(api);
    let mut document = serde_json::to_value(head).expect("the description is JSON");
    if let Some(Value::Object(paths)) = document.get_mut("paths") {
        for (path, item) in paths {
            let Value::Object(operations) = item else { continue };
            for (method, operation) in operations {
                if let Value::Object(operation) = operation {
                    complete(path, method, operation);
                }
            }
        }
    }
    document
}

/// POSTs whose repeats do no harm by their own nature, so that they keep no answers: the header has no effect there.
fn takes_idempotency_key(path: &str) -> bool {
    !(path.starts_with("/v1/ledger/") || path.ends_with("/resend"))
}

/// Adds to an operation what all have: the answers to what goes wrong, and the headers.
fn complete(path: &str, method: &str, operation: &mut Map<String, Value>) {
    let is_api = path.starts_with("/v1/");
    let mut statuses = vec![(503, "Not available now; nothing was done")];
    if is_api {
        statuses.extend([
            (400, "The request is invalid"),
            (401, "The API key is missing or not valid"),
            (403, "The API key may not do this"),
            (404, "There is no such object"),
            (429, "Too many requests; see Retry-After"),
            (500, "Our fault"),
        ]);
        if method == "post" || method == "delete" {
            statuses.push((409, "It contradicts what is there, or is being done"));
        }
        if method == "post" {
            statuses.extend([
                (402, "The payment was declined"),
                (408, "The body came too slowly"),
                (413, "The body is too large"),
                (415, "The body has a type that is not taken"),
            ]);
        }
        if method == "post" && takes_idempotency_key(path) {
            statuses.push((422, "The idempotency key was used for another request"));
            let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
            if let Value::Array(parameters) = parameters {
                parameters.push(json!({
                    "name": "Idempotency-Key", "in": "header", "required": false,
                    "description": "Names the request, so that it can be repeated without being done twice.",
                    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
                }));
            }
        }
        if method != "post" {
            statuses.push((414, "The query is too long"));
        }
    }
    let Some(Value::Object(responses)) = operation.get_mut("responses") else { return };
    for (status, description) in statuses {
        responses.entry(status.to_string()).or_insert_with(|| {
            json!({
                "description": description,
                "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
            })
        });
    }
    for (_, response) in responses {
        if let Value::Object(response) = response {
            let headers = response.entry("headers").or_insert_with(|| json!({}));
            headers["Request-Id"] =
                json!({"description": "Names the request.", "schema": {"type": "string"}});
        }
    }
}
