use super::*;

#[test]
fn fees_are_rounded_as_named() {
    let fee = |rounding, bps, amount| FeePolicy { bps, fixed_minor: 0, rounding }.fee(amount);
    for (rounding, of_125, of_375, of_1) in [
        (Rounding::HalfUp, 1, 2, 0),
        (Rounding::HalfEven, 0, 2, 0),
        (Rounding::Up, 1, 2, 1),
        (Rounding::Down, 0, 1, 0),
    ] {
        // 40 basis points of 125 are 0.5, of 375 are 1.5, of 1 are 0.004.
        assert_eq!(
            (fee(rounding, 40, 125), fee(rounding, 40, 375), fee(rounding, 40, 1)),
            (of_125, of_375, of_1)
        );
    }
    assert_eq!(FeePolicy::default().fee(10_000), 60, "the example of the design: 0.60 of 100.00");
}

#[test]
fn a_fee_is_never_more_than_the_payment() {
    let policy = FeePolicy { bps: 290, fixed_minor: 30, rounding: Rounding::HalfUp };
    assert_eq!(policy.fee(10), 10);
    assert_eq!(policy.fee(0), 0);
    assert_eq!(policy.fee(1_000), 59);
    let all = FeePolicy { bps: u32::MAX, fixed_minor: u32::MAX, rounding: Rounding::Up };
    assert_eq!(all.fee(u64::MAX), u64::MAX);
}

#[test]
fn the_chart_knows_the_accounts_of_payments_and_no_others() {
    let cny = Currency::parse("CNY").unwrap();
    for live in [true, false] {
        let accounts = Accounts::of(live, "acct_1", "card_sim", cny);
        assert_eq!(chart(&accounts.source.path).unwrap().0, AccountKind::Asset);
        assert_eq!(chart(&accounts.merchant.path).unwrap().0, AccountKind::Liability);
        assert_eq!(chart(&accounts.fees.path).unwrap().0, AccountKind::Income);
        assert_eq!(accounts.source.path.starts_with(TEST_PREFIX), !live);
    }
    assert_eq!(chart("customer/c1/balance").unwrap().1.floor, Some(0));
    for wrong in ["", "merchant", "merchant//pending", "merchant/a/b", "test/", "platform/fees/x"] {
        assert!(chart(wrong).is_none(), "{wrong}");
    }
}
