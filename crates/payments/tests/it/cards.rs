//! A vault for tests: cards by id, tokens that say what their issuer answers.

use suanpan_payments::decline::DeclineCode;
use suanpan_payments::object::payment_method::{CardSource, VaultedCard};
use suanpan_payments::rejection::Rejection;

pub(crate) fn vault(source: &CardSource) -> Result<VaultedCard, Rejection> {
    let token_after = matches!(source, CardSource::Chip(_)).then(|| "number".to_owned());
    let (token, last4) = match source {
        CardSource::TestId(id) if id == "pm_card_visa" || id == "tok_visa" => ("approve", "4242"),
        CardSource::TestId(id) => {
            let id = id.clone();
            return Err(Rejection::ResourceMissing { kind: "payment_method", id, param: "payment_method" });
        }
        CardSource::Number { number, .. } if number.0.ends_with('1') => {
            return Err(Rejection::Card { code: DeclineCode::IncorrectNumber, charge: None });
        }
        CardSource::Chip(chip) => {
            let number = chip.track_2.expose_number();
            ("chip", &number[number.len() - 4..])
        }
        CardSource::Number { number, .. } => ("approve", &number.0[number.0.len() - 4..]),
    };
    Ok(VaultedCard {
        channel: "card_sim".to_owned(),
        token: token.to_owned(),
        brand: "visa".to_owned(),
        country: Some("US".to_owned()),
        exp_month: 12,
        exp_year: 2034,
        fingerprint: format!("print-{last4}"),
        funding: "credit".to_owned(),
        last4: last4.to_owned(),
        cvc_given: true,
        token_after,
    })
}
