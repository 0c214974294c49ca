//! Answers that nobody has thought of.

use super::*;

/// Answers with members as the wallet has them, in any company.
fn any_answer() -> impl Strategy<Value = (u16, Value)> {
    let word = |words: &'static [&'static str]| proptest::option::of(proptest::sample::select(words));
    let members = (
        proptest::sample::select(&[200_u16, 204, 400, 401, 403, 404, 429, 500][..]),
        word(&[
            "ORDER_NOT_EXIST",
            "RESOURCE_NOT_EXISTS",
            "SYSTEM_ERROR",
            "ORDERPAID",
            "NOT_ENOUGH",
            "SIGN_ERROR",
        ]),
        word(&[ATTEMPT, OTHER]),
        word(&["SUCCESS", "REFUND", "NOTPAY", "CLOSED", "REVOKED", "USERPAYING", "PAYERROR", "?"]),
        proptest::sample::select(&[8_888_u64, 8_889, 0, u64::MAX][..]),
        word(&[REFUND, "att_06f1x5v8k4d2m0000000000001-off", "re_2"]),
        word(&["SUCCESS", "PROCESSING", "CLOSED", "ABNORMAL"]),
        word(&["NATIVE", "MICROPAY"]),
        word(&["weixin://wxpay/1", "", "with blank"]),
    );
    members.prop_map(|(status, code, order, state, amount, refund, refunded, kind, shown)| {
        let mut answer = json!({
            "mchid": "1900000109", "transaction_id": "42", "refund_id": "50",
            "amount": {"total": amount, "refund": amount},
        });
        let all = [
            ("code", code),
            ("out_trade_no", order),
            ("trade_state", state),
            ("out_refund_no", refund),
            ("status", refunded),
            ("trade_type", kind),
            ("code_url", shown),
        ];
        for (name, value) in all.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            answer[name] = json!(value);
        }
        (status, answer)
    })
}

proptest! {
    /// Whatever the wallet signs: money is taken or given back only when it says so of this order.
    #[test]
    fn a_yes_is_about_this_order_and_a_no_never_about_what_may_have_been_paid(
        answers in proptest::collection::vec(any_answer(), 1..=4),
        which in 0_usize..8,
        seconds in 0_i64..3_000,
    ) {
        let request = match which {
            0 => asked(Call::Authorize, Call::Authorize),
            1 => scanned(),
            2 => inquiry(seconds, true, None),
            3 => inquiry(seconds, false, None),
            4 => inquiry(seconds, seconds % 2 == 0, Some(CODE)),
            5 => asked(Call::Refund, Call::Refund),
            6 => after(seconds, asked(Call::Inquire, Call::Refund)),
            _ => call_off(seconds, (seconds % 2 == 0).then_some(CODE)),
        };
        // As far as it goes: what is heard is what was asked for.
        let mut heard = 0;
        let answer = loop {
            match step(&request, &answers[..heard]) {
                Step::Is(answer) => break Some(answer),
                Step::Send(_) if heard == answers.len() => break None,
                Step::Send(call) => {
                    // A code that was scanned is paid by the first call alone.
                    let pays = call.uri().path().ends_with("codepay") || call.uri().path().ends_with("native");
                    prop_assert!(!pays || (heard == 0 && which < 2), "{:?}", call.uri());
                    let undoes = ["close", "reverse"].iter().any(|word| call.uri().path().ends_with(word));
                    prop_assert!(!undoes || which == 7, "{:?}", call.uri());
                    heard += 1;
                }
            }
        };
        prop_assert!(heard <= 3, "{} calls", heard);
        let last = heard.checked_sub(1).map(|at| &answers[at]);
        let paid = |(status, body): &(u16, Value)| {
            (200..300).contains(status) && body["trade_state"] == "SUCCESS" && body["out_trade_no"] == ATTEMPT
        };
        match answer {
            Some(ChannelAnswer::Approved { .. }) if which < 5 => {
                let last = last.unwrap();
                prop_assert!(paid(last) && last.1["amount"]["total"] == 8_888, "{:?}", last);
            }
            Some(ChannelAnswer::Approved { .. }) if which < 7 => {
                let (status, body) = last.unwrap();
                prop_assert!(
                    *status < 300 && body["out_refund_no"] == REFUND && body["status"] == "SUCCESS",
                    "{}", body
                );
            }
            Some(ChannelAnswer::Declined { .. }) => {
                prop_assert!(which != 7, "what is called off is not refused for good");
                prop_assert!(!(which < 5 && last.is_some_and(paid)), "{:?}", last);
                // What is asked about was certainly not done only where the wallet says so of this refund.
                let closed = |(status, body): &(u16, Value)| {
                    *status < 300 && body["out_refund_no"] == REFUND && body["status"] == "CLOSED"
                };
                prop_assert!(which != 6 || last.is_some_and(closed), "{:?}", last);
            }
            Some(ChannelAnswer::Awaiting { .. }) => prop_assert!(request.about == Call::Authorize),
            Some(ChannelAnswer::ActionRequired) => prop_assert!(false, "a wallet has no holder to prove"),
            Some(ChannelAnswer::Approved { .. } | ChannelAnswer::Unknown { .. }) | None => {}
        }
    }

    #[test]
    fn whatever_comes_is_never_more_than_unknown(
        bytes: Vec<u8>,
        status in 200_u16..600,
        header in "[ -~]{0,40}",
        seconds in 0_i64..2_000,
        awaiting: bool,
    ) {
        let request = inquiry(seconds, awaiting, None);
        let mut answer = Response::new(bytes.clone());
        *answer.status_mut() = status.try_into().unwrap();
        for name in ["wechatpay-timestamp", "wechatpay-nonce", "wechatpay-signature"] {
            answer.headers_mut().insert(name, header.parse().unwrap());
        }
        answer.headers_mut().insert("wechatpay-serial", WALLET_SERIAL.parse().unwrap());
        let headers = answer.headers().clone();
        let said = wallet().next(&request, &[answer]);
        prop_assert!(matches!(said, Step::Is(ChannelAnswer::Unknown { .. })), "{:?}", said);
        prop_assert!(wallet().notification(&headers, &bytes, Timestamp::from_seconds(NOW)).is_err());
    }
}
