use super::kinds::kind;
use super::values::{decimals, major, minor, moment};
use crate::record::Kind;
use suanpan_money::Currency;

#[test]
fn amounts_are_read_in_both_styles() {
    for (text, value) in [
        ("12.50", "12.50"),
        ("-1000", "-1000"),
        ("12,50", "12.50"),
        ("-0,5", "-0.5"),
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1,234", "1234"),
    ] {
        assert_eq!(major(text), Ok(value.parse().unwrap()), "{text}");
    }
    for wrong in ["", "1,23,4", "x", "1,2x"] {
        assert!(major(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_api_counts_in_units_of_its_own() {
    for (code, text, value) in [
        ("usd", "1050", "10.50"),
        ("jpy", "1050", "1050"),
        ("kwd", "1050", "1.050"),
        ("isk", "500", "5.00"),
        ("ugx", "500", "5.00"),
        ("mga", "500", "500"),
        ("usd", "-18759", "-187.59"),
    ] {
        let currency = Currency::parse(code).unwrap();
        assert_eq!(minor(text, currency).map(|v| v.to_string()), Ok(value.to_owned()), "{code}");
    }
    // The list of currencies without decimals that Stripe's documentation gives.
    for code in "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(' ') {
        assert_eq!(decimals(Currency::parse(code).unwrap()), 0, "{code}");
    }
    for code in "BHD JOD KWD OMR TND".split(' ') {
        assert_eq!(decimals(Currency::parse(code).unwrap()), 3, "{code}");
    }
}

#[test]
fn times_are_of_utc_however_they_are_written() {
    for text in [
        "2021-03-15 01:04:36",
        "2021-03-15T01:04:36Z",
        "2021-03-15 01:04:36.000000 UTC",
        "2021-03-15T01:04:36+00:00",
        "1615770276",
    ] {
        assert_eq!(moment(text).unwrap().unwrap().to_string(), "2021-03-15T01:04:36Z", "{text}");
    }
    assert_eq!(moment("").unwrap(), None);
    assert!(moment("2021-03-15 01:04:36 -0700").is_err());
    assert!(moment("yesterday").is_err());
}

#[test]
fn an_adjustment_of_a_dispute_is_told_by_its_source_and_sign() {
    assert_eq!(kind("adjustment", "du_1", "", true), Kind::Chargeback);
    assert_eq!(kind("adjustment", "dp_1", "", false), Kind::ChargebackReversal);
    assert_eq!(kind("adjustment", "", "Chargeback withdrawal for ch_1", true), Kind::Chargeback);
    assert_eq!(kind("adjustment", "adj_1", "Correction", true), Kind::Adjustment);
    assert_eq!(kind("other_adjustment", "adj_1", "", true), Kind::Adjustment);
    assert_eq!(kind("something_new", "", "", true), Kind::Other);
}
