//! What a terminal asks of the server, and what it reads in the answers.

use super::journal::Open;
use crate::api::{Api, Reply};
use crate::cli::ApiArgs;
use crate::error::Trouble;
use serde::Deserialize;
use std::time::{Duration, Instant};
use suanpan_terminal::OnlineRequest;

/// How often a payment is looked at that the server is still working on.
const EVERY: Duration = Duration::from_millis(500);

/// The server of a merchant.
pub(super) struct Server {
    api: Api,
}

/// What a server said of a payment.
pub(super) enum Said {
    /// How it stands.
    Intent(Intent),
    /// The card was declined, and why.
    Declined(String),
    /// The call was refused: nothing was done.
    Refused(Trouble),
}

/// A payment intent, as far as a terminal reads it.
pub(super) struct Intent {
    pub(super) id: String,
    pub(super) status: String,
    /// What the issuer says to the chip, in hexadecimal.
    pub(super) emv_response: Option<String>,
    /// Why the last attempt failed.
    pub(super) error: Option<String>,
}

#[derive(Deserialize)]
struct IntentBody {
    id: String,
    status: String,
    last_payment_error: Option<ErrorBody>,
    latest_charge: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct RefusalBody {
    error: ErrorBody,
}

#[derive(Deserialize)]
struct ErrorBody {
    message: Option<String>,
    code: Option<String>,
    decline_code: Option<String>,
}

impl ErrorBody {
    fn text(&self) -> String {
        let code = self.decline_code.as_ref().or(self.code.as_ref());
        let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
        format!("{}{code}", self.message.as_deref().unwrap_or("the server gives no reason"))
    }
}

impl Server {
    pub(super) fn new(args: &ApiArgs) -> Result<Server, Trouble> {
        Ok(Server { api: Api::new(args)? })
    }

    /// Makes the intent of a payment, or finds the one that was made for it.
    pub(super) async fn create(&self, open: &Open) -> Result<Said, Trouble> {
        let amount = open.amount_minor.to_string();
        let fields = [
            ("amount", amount.as_str()),
            ("currency", open.currency.as_str()),
            ("payment_method_types[]", "card_present"),
        ];
        let path = "/v1/payment_intents";
        read(self.api.post_under(&open.key("create"), path, &fields).await?, path)
    }

    /// Has a payment made with what the card gave.
    pub(super) async fn confirm(
        &self,
        open: &Open,
        intent: &str,
        request: &OnlineRequest,
        pin_block: Option<[u8; 8]>,
    ) -> Result<Said, Trouble> {
        let data = hex::encode_upper(request.chip_data.encode());
        let track = zeroize::Zeroizing::new(hex::encode_upper(request.track_2.encode()));
        let (sequence, pin_block) = (request.sequence.to_string(), pin_block.map(hex::encode_upper));
        let mut fields = vec![
            ("payment_method_data[type]", "card_present"),
            ("payment_method_data[card_present][entry]", "contactless"),
            ("payment_method_data[card_present][emv_data]", data.as_str()),
            ("payment_method_data[card_present][track2]", track.as_str()),
            ("payment_method_data[card_present][card_sequence]", sequence.as_str()),
            ("expand[]", "latest_charge"),
        ];
        if let Some(block) = &pin_block {
            fields.push(("payment_method_data[card_present][pin_block]", block));
        }
        let path = format!("/v1/payment_intents/{intent}/confirm");
        read(self.api.post_under(&open.key("confirm"), &path, &fields).await?, &path)
    }

    pub(super) async fn intent(&self, id: &str) -> Result<Said, Trouble> {
        let path = format!("/v1/payment_intents/{id}");
        read(self.api.get(&path, &[("expand[]", "latest_charge")]).await?, &path)
    }

    /// Waits until a payment is not worked on any more, for so many seconds.
    pub(super) async fn settled(&self, intent: Intent, seconds: u64) -> Result<Said, Trouble> {
        let until = Instant::now() + Duration::from_secs(seconds);
        let mut intent = intent;
        while intent.status == "processing" && Instant::now() < until {
            tokio::time::sleep(EVERY).await;
            match self.intent(&intent.id).await? {
                Said::Intent(now) => intent = now,
                other => return Ok(other),
            }
        }
        Ok(Said::Intent(intent))
    }

    pub(super) async fn cancel(&self, open: &Open, intent: &str) -> Result<Said, Trouble> {
        let path = format!("/v1/payment_intents/{intent}/cancel");
        // Under a new key each time: what was refused before may be done now, and it is done once at most.
        let key = format!("{}-{}", open.key("cancel"), crate::api::random_hex()?);
        read(self.api.post_under(&key, &path, &[]).await?, &path)
    }

    /// Gives back all of a payment. The key is the same each time, so that it is given back once; after a refund that
    /// failed, the next one has a key of its own.
    pub(super) async fn refund(&self, open: &Open, intent: &str, failed: bool) -> Result<Reply, Trouble> {
        let fields = [("payment_intent", intent)];
        let key = open.key("refund");
        let key = if failed { format!("{key}-{}", crate::api::random_hex()?) } else { key };
        self.api.post_under(&key, "/v1/refunds", &fields).await
    }

    /// Reads how a refund stands now: a repeat of the call that made it is answered as it was then.
    pub(super) async fn refund_status(&self, refund: &str) -> Result<String, Trouble> {
        let path = format!("/v1/refunds/{refund}");
        let reply = self.api.get(&path, &[]).await?;
        let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        match (reply.status, body["status"].as_str()) {
            (200..=299, Some(status)) => Ok(status.to_owned()),
            (200..=299, None) => Err(strange(&path)),
            _ => Err(reply.refusal(&path)),
        }
    }
}

/// Reads an answer about an intent.
fn read(reply: Reply, place: &str) -> Result<Said, Trouble> {
    match reply.status {
        200..=299 => {
            let body: IntentBody = serde_json::from_slice(&reply.body).map_err(|_| strange(place))?;
            let details = |value: &serde_json::Value| {
                let data = &value["payment_method_details"]["card_present"]["emv_response"];
                data.as_str().map(str::to_owned)
            };
            Ok(Said::Intent(Intent {
                id: body.id,
                status: body.status,
                emv_response: body.latest_charge.as_ref().and_then(details),
                error: body.last_payment_error.map(|error| error.text()),
            }))
        }
        402 => {
            let body: RefusalBody = serde_json::from_slice(&reply.body).map_err(|_| strange(place))?;
            Ok(Said::Declined(body.error.text()))
        }
        // Busy, or in trouble: nothing is known.
        408 | 409 | 429 | 500.. => Err(reply.refusal(place)),
        _ => Ok(Said::Refused(reply.refusal(place))),
    }
}

fn strange(place: &str) -> Trouble {
    Trouble::new("api_strange", "the answer is not that of a payment")
        .at(place)
        .next("check --api: is this a server of suanpan?")
}
