//! Random sequences of calls against a model that knows only sums and states.

use crate::expect::Expect;
use crate::flows::{cancel, capture, confirm, create, refund};
use crate::world::{World, approved, declined, lost};
use proptest::prelude::*;
use serde_json::json;
use suanpan_payments::command::Command;
use suanpan_payments::decision::ChannelOutcome;

#[derive(Debug, Clone)]
enum Step {
    Confirm,
    Capture(i64),
    Cancel,
    Answer(Said),
    Action(bool),
    Refund(i64),
    AnswerRefund(usize, Said),
    Expire,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Said {
    Yes,
    No,
    Action,
    Lost,
}

impl Said {
    fn outcome(self) -> ChannelOutcome {
        match self {
            Said::Yes => approved(),
            Said::No => declined("do_not_honor"),
            Said::Action => ChannelOutcome::ActionRequired,
            Said::Lost => lost(),
        }
    }
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![4 => Just(Said::Yes), 2 => Just(Said::No), 1 => Just(Said::Action), 2 => Just(Said::Lost)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Confirm),
        2 => (1_i64..1_200).prop_map(Step::Capture),
        1 => Just(Step::Cancel),
        6 => said().prop_map(Step::Answer),
        2 => any::<bool>().prop_map(Step::Action),
        3 => (1_i64..700).prop_map(Step::Refund),
        3 => (0_usize..4, said()).prop_map(|(at, said)| Step::AnswerRefund(at, said)),
        1 => Just(Step::Expire),
    ]
}

/// What is at the channel.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Asked {
    Authorize,
    Capture(i64),
    Void,
}

/// The whole model of one intent.
#[derive(Debug, Default)]
struct Model {
    asked: Option<Asked>,
    acting: bool,
    held: i64,
    captured: i64,
    canceled: bool,
    /// Amount, and whether it was done; none while it is at the channel.
    refunds: Vec<(i64, Option<bool>)>,
}

impl Model {
    fn open(&self) -> bool {
        self.asked.is_none() && self.held == 0 && self.captured == 0 && !self.canceled
    }

    fn refunding(&self) -> i64 {
        self.refunds.iter().filter(|(_, done)| *done != Some(false)).map(|(amount, _)| amount).sum()
    }

    /// Says whether the step must be allowed, and makes it.
    fn step(&mut self, step: &Step, amount: i64, manual: bool) -> bool {
        match *step {
            Step::Confirm if self.open() => {
                self.asked = Some(Asked::Authorize);
                self.acting = false;
            }
            Step::Capture(part) if self.held > 0 && self.asked.is_none() && part <= self.held => {
                self.asked = Some(Asked::Capture(part));
            }
            Step::Cancel if self.open() => {
                self.canceled = true;
                self.acting = false;
            }
            Step::Cancel | Step::Expire if self.held > 0 && self.asked.is_none() => {
                self.asked = Some(Asked::Void)
            }
            // Nothing to expire is no error: the job is done with.
            Step::Expire => return self.asked.is_none(),
            Step::Answer(said) => {
                let Some(asked) = self.asked else { return false };
                self.answer(asked, said, amount, manual);
            }
            Step::Action(proven) if self.acting => {
                self.acting = false;
                self.asked = proven.then_some(Asked::Authorize);
            }
            Step::Refund(part) if self.captured > 0 && self.refunding() + part <= self.captured => {
                self.refunds.push((part, None));
            }
            Step::AnswerRefund(at, said) => match self.refunds.get_mut(at) {
                Some((_, done @ None)) => match said {
                    Said::Yes => *done = Some(true),
                    Said::No => *done = Some(false),
                    Said::Action | Said::Lost => {}
                },
                _ => return false,
            },
            _ => return false,
        }
        true
    }

    fn answer(&mut self, asked: Asked, said: Said, amount: i64, manual: bool) {
        match (asked, said) {
            (_, Said::Lost) | (Asked::Capture(_) | Asked::Void, Said::Action) => return,
            (Asked::Authorize, Said::Yes) if manual => self.held = amount,
            (Asked::Authorize, Said::Yes) => self.captured = amount,
            (Asked::Authorize, Said::Action) => self.acting = true,
            (Asked::Capture(part), Said::Yes) => {
                self.captured = part;
                self.held = 0;
            }
            (Asked::Void, Said::Yes) => {
                self.canceled = true;
                self.held = 0;
            }
            (_, Said::No) => {}
        }
        self.asked = None;
    }

    fn status(&self) -> Vec<&'static str> {
        vec![if self.asked.is_some() {
            "processing"
        } else if self.captured > 0 {
            "succeeded"
        } else if self.canceled {
            "canceled"
        } else if self.held > 0 {
            "requires_capture"
        } else if self.acting {
            "requires_action"
        } else {
            return vec!["requires_payment_method", "requires_confirmation"];
        }]
    }
}

fn make(world: &mut World, id: &str, refunds: &mut Vec<String>, step: &Step) -> bool {
    let attempt = world.value(id)["latest_attempt"].as_str().unwrap_or("att_none").to_owned();
    let command = match *step {
        Step::Confirm => confirm(id, json!({"payment_method": "pm_card_visa"})),
        Step::Capture(part) => capture(id, json!({"amount_to_capture": part})),
        Step::Cancel => cancel(id),
        Step::Answer(said) => {
            let Some(ask) = world.ask(&attempt) else { return false };
            Command::Outcome { ask, outcome: said.outcome() }
        }
        Step::Action(proven) => Command::Action { attempt, proven },
        Step::Refund(part) => refund(json!({"payment_intent": id, "amount": part})),
        Step::AnswerRefund(at, said) => {
            let Some(ask) = refunds.get(at).and_then(|refund| world.ask(refund)) else { return false };
            Command::Outcome { ask, outcome: said.outcome() }
        }
        Step::Expire if attempt == "att_none" => return true,
        Step::Expire => Command::Expire { payment_intent: id.to_owned(), attempt },
    };
    match world.run(&command) {
        Err(_) => false,
        Ok(decision) => {
            if matches!(step, Step::Refund(_)) {
                let refund: serde_json::Value = serde_json::from_str(&decision.answer.body).must("a refund");
                refunds.push(refund["id"].as_str().must("an id").to_owned());
            }
            true
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_calls_in_any_order_keep_the_books(
        amount in 1_i64..1_000,
        manual in any::<bool>(),
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let mut world = World::new();
        let method = if manual { "manual" } else { "automatic" };
        let intent = world.done(&create(json!({"amount": amount, "currency": "cny", "capture_method": method})));
        let id = intent["id"].as_str().must("an id").to_owned();
        let (mut model, mut refunds) = (Model::default(), Vec::new());
        for step in &steps {
            let allowed = model.step(step, amount, manual);
            prop_assert_eq!(make(&mut world, &id, &mut refunds, step), allowed, "{:?} in {:?}", step, model);
            let intent = world.value(&id);
            let status = intent["status"].as_str().must("a status");
            prop_assert!(model.status().contains(&status), "{} after {:?} in {:?}", status, step, model);
            prop_assert_eq!(intent["amount_received"].as_i64(), Some(model.captured));
            // The books: what was captured is with the merchant and in the fees, less what was given back.
            let done: i64 = model.refunds.iter().filter(|r| r.1 == Some(true)).map(|r| r.0).sum();
            let waiting: i64 = model.refunds.iter().filter(|r| r.1.is_none()).map(|r| r.0).sum();
            let fees = world.books.owed("test/platform/fees");
            let merchant = world.books.owed("test/merchant/acct_test/pending");
            prop_assert_eq!(merchant + fees, i128::from(model.captured - done));
            prop_assert_eq!(-world.books.owed("test/channel/card_sim/receivable"), i128::from(model.captured - done));
            prop_assert_eq!(world.books.held(), u64::try_from(model.held + waiting).must("not below zero"));
            prop_assert!(done + waiting <= model.captured);
            // Something waits for the channel exactly when something is planned to be sent or asked.
            let channel = world.jobs.values().filter(|job| job.body.kind() != "expire_authorization").count();
            let at_channel = usize::from(model.asked.is_some()) + model.refunds.iter().filter(|r| r.1.is_none()).count();
            prop_assert_eq!(channel, at_channel);
            let expiry = world.jobs.len() - channel;
            prop_assert!(expiry == 1 || model.held == 0 || model.asked == Some(Asked::Void), "{:?}", model);
            prop_assert!(expiry == 0 || model.held > 0, "{:?}", model);
        }
        // Movements shown add up to the books.
        let movements = world.objects.values().filter(|object| object.id.starts_with("txn_"));
        let net: i64 = movements
            .map(|object| world.value(&object.id)["net"].as_i64().must("a sum"))
            .sum();
        prop_assert_eq!(i128::from(net), world.books.owed("test/merchant/acct_test/pending"));
    }
}
