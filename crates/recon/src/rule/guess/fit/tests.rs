use super::*;
use crate::rule::PassKind;

const DESCRIBED: Described = Described {
    side: Side::Right,
    keys: Vec::new(),
    amount: "amount",
    currency: "currency",
    day: "day",
    more: "line = \"line\"\n\n[[SIDE.skip]]\nname = \"not booked\"\ncolumn = \"status\"\nnot_in = [\"booked\"]\n",
};

fn sample(text: &str, format: Format) -> Sample {
    let mut rows = text.trim().lines().map(|line| line.trim().split(',').map(str::to_owned).collect());
    let header = rows.next().unwrap();
    let mut sample = Sample::new("file", format, header, rows.collect());
    sample.whole = true;
    sample
}

fn fitted(statement: &str, books: &str) -> Fit {
    let described = Described { keys: vec!["own_id", "order_id", "id"], ..DESCRIBED };
    fit(&described, &sample(statement, Format::Statement), &sample(books, Format::Csv))
}

const STATEMENT: &str = "
    line,status,own_id,order_id,id,amount,currency,day
    2,booked,A1,A1,W1,10.00,CNY,2026-11-01
    3,booked,A2,A2,W2,5.50,CNY,2026-11-01
    4,booked,R1,A1,W3,-10.00,CNY,2026-11-02";

#[test]
fn a_few_rows_are_enough_when_one_side_is_known() {
    let fit = fitted(STATEMENT, "no,total\nA1,10.00\nA2,5.50\nR1,-10.00");
    assert_eq!(fit.sureness, Sureness::Sure, "{fit:?}");
    let rules = fit.rules().unwrap_or_else(|errors| panic!("{errors:?}\n{}", fit.text));
    let [left, right] = &rules.sides;
    assert_eq!(left.keys[0].columns[0].0, "no");
    assert_eq!(right.keys[0].columns[0].0, "own_id");
    assert_eq!((left.amount.unit, left.amount.negate), (AmountUnit::Decimal, false));
    assert_eq!(right.format, Format::Statement);
    assert_eq!(right.line.as_ref().unwrap().0, "line");
    assert_eq!(right.skip.len(), 1);
}

#[test]
fn cents_and_positive_refunds_are_seen_by_what_agrees() {
    let fit = fitted(STATEMENT, "order_no,type,amount,shop\nA1,pay,1000,7\nA2,pay,550,7\nA1,refund,1000,7");
    assert_eq!(fit.sureness, Sureness::Sure, "{fit:?}");
    let rules = fit.rules().unwrap();
    let left = &rules.sides[0];
    assert_eq!(rules.sides[1].keys[0].columns[0].0, "order_id", "{}", fit.text);
    assert_eq!(left.amount.unit, AmountUnit::Minor);
    assert!(left.amount.negate_when.is_some(), "{}", fit.text);
}

#[test]
fn what_the_first_key_leaves_is_tried_by_a_second() {
    let books = "order,channel_no,amount\nA1,,10.00\nA2,,5.50\n,W3,-10.00";
    let rules = fitted(STATEMENT, books).rules().unwrap();
    assert_eq!(
        rules.sides[1].keys.iter().map(|key| key.columns[0].0.as_str()).collect::<Vec<_>>(),
        ["own_id", "id"]
    );
    assert_eq!(rules.passes.len(), 2);
}

#[test]
fn without_keys_amount_and_day_are_left() {
    let statement = "
        line,status,own_id,order_id,id,amount,currency,day
        2,booked,,,B1,100.00,EUR,2026-11-01
        3,booked,,,B2,-20.00,EUR,2026-11-03";
    let fit = fitted(statement, "booked,text,eur\n31/10/2026,Smith,100.00\n02/11/2026,Rent,-20.00");
    assert_eq!(fit.sureness, Sureness::Sure, "{fit:?}");
    let rules = fit.rules().unwrap_or_else(|errors| panic!("{errors:?}\n{}", fit.text));
    assert!(matches!(rules.passes[0].kind, PassKind::Window { days_min: -3, days_max: 3, .. }));
}

#[test]
fn what_does_not_fit_is_not_sure() {
    for books in ["a,b\nx,1.00\ny,2.00", "no,total\nA1,1.00\nA2,2.00\nR1,3.00", "only\nx"] {
        assert_eq!(fitted(STATEMENT, books).sureness, Sureness::Unsure, "{books}");
    }
}
