use super::*;
use crate::rule::{AmountField, AmountUnit, Column, CurrencyField, DateField, Test, WordField};
use crate::time::format_time;
use proptest::prelude::*;
use suanpan_money::{Currency, format_minor};

/// A small generator of numbers, so that samples are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// A payment from which both sides are written.
#[derive(Clone)]
struct Payment {
    order: String,
    reference: String,
    merchant: String,
    amount_minor: i64,
    fee_minor: i64,
    status: usize,
    /// 2026-11-11 and after, UTC.
    time_s: i64,
}

fn payments(count: u64, seed: u64) -> Vec<Payment> {
    let mut numbers = Numbers(seed);
    (0..count)
        .map(|n| {
            let amount_minor = 100 + i64::try_from(numbers.below(900_000)).unwrap();
            let status = [0, 0, 0, 0, 0, 0, 0, 1, 2, 3][usize::try_from(numbers.below(10)).unwrap()];
            Payment {
                order: format!("OD{:012}", seed * 1_000_000 + n * 7),
                reference: format!("{:016x}", (seed << 32 | n).wrapping_mul(0x9E37_79B9_7F4A_7C15)),
                merchant: format!("M{:04}", numbers.below(50)),
                amount_minor,
                fee_minor: amount_minor * 6 / 1_000,
                status,
                time_s: 1_794_326_400 + i64::try_from(n * 40 + numbers.below(40)).unwrap(),
            }
        })
        .collect()
}

fn local(time_s: i64, hours: i64) -> String {
    format_time((time_s + hours * 3_600) * 1_000_000).replace('T', " ").replace('Z', "")
}

fn shuffled(mut payments: Vec<Payment>, seed: u64) -> Vec<Payment> {
    let mut numbers = Numbers(seed);
    for at in (1..payments.len()).rev() {
        payments.swap(at, usize::try_from(numbers.below(at as u64 + 1)).unwrap());
    }
    payments
}

fn sample(file: &str, header: &[&str], rows: Vec<Vec<String>>) -> Sample {
    Sample::new(file, Format::Csv, header.iter().map(|name| (*name).to_owned()).collect(), rows)
}

const LEDGER: [&str; 8] =
    ["order_id", "merchant_id", "channel_ref", "amount", "currency", "status", "created_at", "fee"];
const CHANNEL: [&str; 7] = ["channel_ref", "order_id", "amount", "currency", "status", "settled_at", "fee"];

fn ledger(payments: &[Payment]) -> Sample {
    let rows = payments.iter().map(|p| {
        vec![
            p.order.clone(),
            p.merchant.clone(),
            p.reference.clone(),
            format_minor(p.amount_minor, 2),
            "CNY".to_owned(),
            ["SUCCESS", "REFUNDED", "CLOSED", "PENDING"][p.status].to_owned(),
            local(p.time_s, 8),
            format_minor(p.fee_minor, 2),
        ]
    });
    sample("ledger.csv", &LEDGER, rows.collect())
}

fn channel(payments: &[Payment]) -> Sample {
    let rows = payments.iter().map(|p| {
        vec![
            p.reference.clone(),
            p.order.clone(),
            p.amount_minor.to_string(),
            "156".to_owned(),
            ["00", "05", "09", "01"][p.status].to_owned(),
            local(p.time_s + 2, 0),
            p.fee_minor.to_string(),
        ]
    });
    sample("channel.csv", &CHANNEL, rows.collect())
}

#[track_caller]
fn read(guess: &Guess) -> Rules {
    match guess.rules() {
        Ok(rules) => rules,
        Err(errors) => panic!("{errors}\n{}", guess.text),
    }
}

fn column(name: &str) -> Column {
    Column(name.to_owned())
}

#[track_caller]
fn sureness(guess: &Guess, setting: &str) -> Sureness {
    match guess.findings.iter().find(|finding| finding.setting == setting) {
        Some(finding) => finding.sureness,
        None => panic!("nothing was found for {setting}:\n{}", guess.text),
    }
}

fn plain_amount(name: &str, unit: AmountUnit) -> AmountField {
    AmountField {
        column: column(name),
        unit,
        negate: false,
        negate_when: None,
        group_separator: None,
        decimal_mark: b'.',
    }
}

fn map_of(field: Option<&WordField>) -> Vec<(&str, &str)> {
    let mut map: Vec<_> =
        field.iter().flat_map(|field| &field.map).map(|(from, to)| (from.as_str(), to.as_str())).collect();
    map.sort_unstable();
    map
}

#[test]
fn a_ledger_and_a_channel_are_understood() {
    let all = payments(3_000, 1);
    // Each side misses some of the other's, and one amount in a hundred differs.
    let left = ledger(&all[..2_980]);
    let mut right = shuffled(all[20..].to_vec(), 5);
    right.iter_mut().step_by(100).for_each(|payment| payment.amount_minor += 1);
    let guess = guess(&left, &channel(&right));
    let rules = read(&guess);
    for side in &rules.sides {
        assert_eq!(side.keys[0].columns, [column("order_id")]);
        assert_eq!(side.keys[1].columns, [column("channel_ref")]);
        assert_eq!(side.keys.len(), 2);
    }
    let [left, right] = &rules.sides;
    assert_eq!(left.amount, plain_amount("amount", AmountUnit::Decimal));
    assert_eq!(right.amount, plain_amount("amount", AmountUnit::Minor));
    assert_eq!(left.fee, Some(plain_amount("fee", AmountUnit::Decimal)));
    assert_eq!(right.fee, Some(plain_amount("fee", AmountUnit::Minor)));
    for side in &rules.sides {
        assert!(
            matches!(&side.currency, CurrencyField::Column { column, map } if column.0 == "currency" && map.is_empty())
        );
        assert!(matches!(&side.date, Some(DateField::FromTime { zone, .. }) if zone == "Asia/Shanghai"));
    }
    let words =
        [("CLOSED", "closed"), ("PENDING", "pending"), ("REFUNDED", "refunded"), ("SUCCESS", "succeeded")];
    assert_eq!(map_of(left.status.as_ref()), words);
    let codes = [("00", "succeeded"), ("01", "pending"), ("05", "refunded"), ("09", "closed")];
    assert_eq!(map_of(right.status.as_ref()), codes);
    // The channel writes UTC, eight hours before the ledger's clock.
    assert_eq!(left.time.as_ref().map(|time| time.zone.as_str()), Some("Asia/Shanghai"));
    assert_eq!(right.time.as_ref().map(|time| time.zone.as_str()), Some("UTC"));
    assert!(left.kind.is_none() && right.kind.is_none());
    assert_eq!(rules.passes.len(), 2);
    for setting in ["k1", "k2", "amount", "fee", "currency", "status"] {
        assert_eq!(sureness(&guess, &format!("right.fields.{setting}")), Sureness::Sure, "{setting}");
    }
    assert_eq!(guess.sureness(), Sureness::Sure);
    assert!(guess.text.contains("# sure (99.32 %): 2,960 of 2,980 sampled keys meet\nk1 = \"order_id\""));
    assert!(guess.text.contains("# not used: merchant_id"));
}

#[test]
fn chinese_names_and_words_are_understood() {
    let all = payments(500, 2);
    let rows = |payments: &[Payment]| {
        payments
            .iter()
            .map(|p| {
                vec![
                    p.order.clone(),
                    format_minor(p.amount_minor, 2),
                    ["支付成功", "已退款", "已关闭", "处理中"][p.status].to_owned(),
                    local(p.time_s, 8).replace('-', "/"),
                    "人民币".to_owned(),
                ]
            })
            .collect::<Vec<_>>()
    };
    let mut left = sample("账务.csv", &["订单号", "金额（元）", "状态", "交易时间", "币种"], rows(&all));
    left.delimiter = b';';
    left.encoding = Encoding::Gb18030;
    let rows = all.iter().map(|p| {
        vec![
            p.time_s.to_string(),
            p.order.clone(),
            p.amount_minor.to_string(),
            ["SUCCESS", "REFUND", "CLOSED", "PROCESSING"][p.status].to_owned(),
        ]
    });
    let right =
        sample("渠道.csv", &["timestamp", "商户订单号", "订单金额（分）", "交易状态"], rows.collect());
    let guess = guess(&left, &right);
    let rules = read(&guess);
    let [left, right] = &rules.sides;
    assert_eq!((left.delimiter, left.encoding), (b';', Encoding::Gb18030));
    assert_eq!(left.keys[0].columns, [column("订单号")]);
    assert_eq!(right.keys[0].columns, [column("商户订单号")]);
    assert_eq!(left.amount.unit, AmountUnit::Decimal);
    assert_eq!(right.amount, plain_amount("订单金额（分）", AmountUnit::Minor));
    let cny = Currency::parse("CNY").unwrap();
    let map = vec![("人民币".to_owned(), cny)];
    assert_eq!(left.currency, CurrencyField::Column { column: column("币种"), map });
    assert_eq!(right.currency, CurrencyField::Fixed(cny));
    let names = |field: &Option<WordField>| {
        map_of(field.as_ref())
            .iter()
            .map(|(_, to)| (*to).to_owned())
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(names(&left.status), names(&right.status));
    assert_eq!(names(&left.status).len(), 4);
    let time = right.time.as_ref().unwrap();
    assert_eq!((time.column.0.as_str(), time.format.as_str()), ("timestamp", "unix"));
    // The right side's instants tell the left side's zone.
    let time = left.time.as_ref().unwrap();
    assert_eq!((time.format.as_str(), time.zone.as_str()), ("%Y/%m/%d %H:%M:%S", "Asia/Shanghai"));
}

#[test]
fn yen_have_no_decimals_and_a_missing_status_is_left_out() {
    let all = payments(400, 3);
    let rows = all
        .iter()
        .map(|p| vec![p.order.clone(), p.amount_minor.to_string(), "JPY".to_owned(), "OK".to_owned()]);
    let left = sample("books.csv", &["orderNo", "totalAmount", "ccy", "state"], rows.collect());
    let rows = shuffled(all, 9)
        .into_iter()
        .map(|p| vec![p.order.to_lowercase(), p.amount_minor.to_string(), p.merchant]);
    let right = sample("bank.csv", &["reference", "amt", "shop"], rows.collect());
    let guess = guess(&left, &right);
    let rules = read(&guess);
    assert!(rules.fold_key_case);
    assert_eq!(rules.sides[1].keys[0].columns, [column("reference")]);
    assert_eq!(rules.sides.each_ref().map(|side| side.amount.unit), [AmountUnit::Decimal; 2]);
    assert_eq!(rules.sides[1].currency, CurrencyField::Fixed(Currency::parse("JPY").unwrap()));
    assert!(rules.sides.iter().all(|side| side.status.is_none() && side.time.is_none()));
    assert!(guess.text.contains("# status = { column = \"state\", map = { OK = \"succeeded\" } }"));
    assert!(guess.text.contains("the currency has no decimals"));
}

#[test]
fn samples_that_do_not_meet_are_judged_by_names_and_said_so() {
    let (left, right) = (ledger(&payments(1_000, 4)), channel(&payments(1_000, 40)));
    let guess = guess(&left, &right);
    let rules = read(&guess);
    for side in &rules.sides {
        assert_eq!(side.keys[0].columns, [column("order_id")]);
        assert_eq!(side.amount.column, column("amount"));
    }
    // The sizes of the numbers still tell the unit.
    assert_eq!(rules.sides.each_ref().map(|side| side.amount.unit), [AmountUnit::Decimal, AmountUnit::Minor]);
    assert_eq!(guess.rows_met, 0);
    for setting in ["k1", "amount", "status"] {
        assert_eq!(sureness(&guess, &format!("left.fields.{setting}")), Sureness::Unsure, "{setting}");
    }
    assert_eq!(guess.sureness(), Sureness::Unsure);
    assert!(guess.text.contains("No sampled keys meet"));
    // Words that have none in common with the other side's would make every record differ.
    assert!(rules.sides.iter().all(|side| side.status.is_none()));
}

#[test]
fn few_meeting_keys_are_likely_when_amounts_agree() {
    let all = payments(4_000, 6);
    let guess = guess(&ledger(&all[..2_000]), &channel(&shuffled(all[1_970..].to_vec(), 1)));
    let rules = read(&guess);
    assert_eq!(rules.sides[1].keys[0].columns, [column("order_id")]);
    assert_eq!(sureness(&guess, "left.fields.k1"), Sureness::Likely);
    assert_eq!(rules.sides.each_ref().map(|side| side.amount.unit), [AmountUnit::Decimal, AmountUnit::Minor]);
}

#[test]
fn running_numbers_are_no_keys() {
    let all = payments(1_000, 7);
    let rows = |payments: &[Payment], unit: u8| {
        let numbered = payments.iter().enumerate();
        numbered
            .map(|(n, p)| {
                vec![
                    (n + 1).to_string(),
                    p.reference.clone(),
                    format_minor(p.amount_minor, unit),
                    "USD".to_owned(),
                ]
            })
            .collect::<Vec<_>>()
    };
    let header = ["id", "text", "amount", "currency"];
    let guess =
        guess(&sample("a", &header, rows(&all, 2)), &sample("b", &header, rows(&shuffled(all, 3), 2)));
    let rules = read(&guess);
    assert!(rules.sides.iter().all(|side| side.keys[0].columns == [column("text")]), "{}", guess.text);
    assert!(rules.sides.iter().all(|side| side.keys.len() == 1), "{}", guess.text);
}

#[test]
fn a_number_that_each_shop_counts_needs_the_shop() {
    let mut numbers = Numbers(11);
    let rows: Vec<(u64, u64, u64)> = (0..20)
        .flat_map(|shop| (0..60).map(move |order| (shop, order)))
        .map(|(s, o)| (s, o, 100 + numbers.below(99_999)))
        .collect();
    let row = |(shop, order, amount): &(u64, u64, u64)| {
        vec![
            format!("S{shop:02}"),
            format!("{}", 70_000 + order),
            format!("{}.{:02}", amount / 100, amount % 100),
            "EUR".to_owned(),
        ]
    };
    let header = ["shop_no", "order_no", "amount", "currency"];
    let left = sample("a", &header, rows.iter().map(row).collect());
    let right = sample("b", &header, rows.iter().rev().map(row).collect());
    // On one alone each order number stands twenty times, which is below the share of a key.
    let guess = guess(&left, &right);
    let rules = read(&guess);
    for side in &rules.sides {
        assert_eq!(side.keys[0].columns, [column("shop_no"), column("order_no")]);
    }
}

#[test]
fn refunds_of_the_other_sign_are_turned_by_their_type() {
    let all = payments(1_000, 12);
    let kind = |p: &Payment| usize::from(p.status == 1);
    let header = ["order_id", "type", "amount", "currency"];
    let rows = all.iter().map(|p| {
        let signed = if kind(p) == 1 { -p.amount_minor } else { p.amount_minor };
        vec![p.order.clone(), ["PAY", "RFD"][kind(p)].to_owned(), format_minor(signed, 2), "CNY".to_owned()]
    });
    let left = sample("a", &header, rows.collect());
    let rows = all.iter().map(|p| {
        vec![
            p.order.clone(),
            ["S", "R"][kind(p)].to_owned(),
            format_minor(p.amount_minor, 2),
            "CNY".to_owned(),
        ]
    });
    let right = sample("b", &["order_id", "trade_type", "amount", "currency"], rows.collect());
    let one = guess(&left, &right);
    let rules = read(&one);
    let turned = rules.sides[1].amount.negate_when.as_ref().unwrap();
    assert_eq!((&turned.column, &turned.test), (&column("trade_type"), &Test::In(vec!["R".to_owned()])));
    assert_eq!(rules.sides[0].amount, plain_amount("amount", AmountUnit::Decimal));
    assert_eq!(map_of(rules.sides[1].kind.as_ref()), [("R", "refund"), ("S", "payment")]);
    // Exchanging the sides exchanges the guess.
    let rules = read(&guess(&right, &left));
    assert!(rules.sides[0].amount.negate_when.is_some() && rules.sides[1].amount.negate_when.is_none());
}

#[test]
fn columns_without_names_are_found_by_their_values() {
    let all = payments(600, 13);
    let (mut left, mut right) = (ledger(&all), channel(&shuffled(all, 2)));
    for side in [&mut left, &mut right] {
        side.has_header = false;
    }
    let guess = guess(&left, &right);
    let rules = read(&guess);
    assert!(!rules.sides[0].header);
    let keys = rules
        .sides
        .each_ref()
        .map(|side| side.keys.iter().map(|key| key.columns[0].0.clone()).collect::<Vec<_>>());
    assert_eq!(keys[0].len(), 2);
    let met: Vec<(&str, &str)> =
        keys[0].iter().map(String::as_str).zip(keys[1].iter().map(String::as_str)).collect();
    assert!(met.contains(&("#1", "#2")) && met.contains(&("#3", "#1")), "{met:?}");
    assert_eq!(rules.sides[0].amount, plain_amount("#4", AmountUnit::Decimal));
    assert_eq!(rules.sides[1].amount, plain_amount("#3", AmountUnit::Minor));
    assert!(matches!(&rules.sides[0].currency, CurrencyField::Column { column, .. } if column.0 == "#5"));
    assert!(matches!(&rules.sides[1].currency, CurrencyField::Column { column, .. } if column.0 == "#4"));
    assert_eq!(rules.sides[0].status.as_ref().and_then(|field| field.column.clone()), Some(column("#6")));
}

#[test]
fn days_that_could_be_months_and_placeholders_are_pointed_out() {
    let all = payments(300, 14);
    let rows = |side: usize| {
        all.iter()
            .enumerate()
            .map(|(n, p)| {
                let day = 1 + (n + side) % 12;
                let order = if n % 10 == 0 { "N/A".to_owned() } else { p.order.clone() };
                vec![order, format_minor(p.amount_minor, 2), format!("{:02}/{day:02}/2026", 1 + n % 12)]
            })
            .collect::<Vec<_>>()
    };
    let guess = guess(
        &sample("a", &["order_id", "amount_usd", "trade_date"], rows(0)),
        &sample("b", &["order_id", "amount_usd", "trade_date"], rows(1)),
    );
    let rules = read(&guess);
    assert_eq!(rules.null_keys, ["N/A"]);
    assert_eq!(rules.sides[0].currency, CurrencyField::Fixed(Currency::parse("USD").unwrap()));
    assert!(guess.text.contains("day and month could be the other way round"), "{}", guess.text);
    assert_eq!(sureness(&guess, "left.fields.date"), Sureness::Unsure);
}

#[test]
fn odd_samples_give_rules_that_read() {
    let empty = sample("empty.csv", &[], vec![]);
    let no_rows = sample("no\nrows", &["a", "a", "", "#0", "x\ty"], vec![]);
    let one = sample("one.csv", &["currency"], vec![vec!["CNY".to_owned()]]);
    let mut lines = sample("lines", &["", "k"], vec![vec![], vec!["1".to_owned()]]);
    lines.format = Format::Ndjson;
    for left in [&empty, &no_rows, &one, &lines] {
        for right in [&empty, &no_rows, &one, &lines] {
            read(&guess(left, right));
        }
    }
    assert_eq!(percent(29_999, 30_000), "99.99 %");
    assert_eq!(percent(3, 3), "100 %");
    assert_eq!(grouped(1_234_567), "1,234,567");
}

fn any_cell() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[0-9]{1,3}",
        "-?[0-9]{1,6}\\.[0-9]{2}",
        "[0-9]{1,3},[0-9]{3}",
        "(CNY|USD|JPY|156|RMB|元)",
        "(SUCCESS|FAIL|00|05|PAY|REFUND)",
        "20(24|26)-(01|11)-(0[1-9]|2[0-8]) 1[0-9]:00:00",
        "(0[1-9]|1[0-2])/(0[1-9]|1[0-2])/2026",
        "\\PC{0,6}",
        "[\"\\\\\u{1}\n#]{1,3}",
    ]
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let name = prop_oneof![
        "(order_id|amount|fee|currency|status|type|created_at|date|batch_id|orig_id|account|金额|订单号|#1|#0)",
        "\\PC{0,5}",
        any_cell(),
    ];
    let format = prop_oneof![
        Just(Format::Csv),
        Just(Format::Tsv),
        Just(Format::Ndjson),
        Just(Format::Parquet),
        Just(Format::Auto)
    ];
    let header = proptest::collection::vec(name, 0..7);
    let rows = proptest::collection::vec(proptest::collection::vec(any_cell(), 0..8), 0..30);
    ("\\PC{0,5}", format, any::<bool>(), any::<u8>(), header, rows).prop_map(
        |(file, format, has_header, delimiter, header, rows)| Sample {
            file,
            format,
            encoding: Encoding::Auto,
            delimiter,
            has_header,
            header,
            rows,
            whole: true,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the files hold, the guess reads as rules, and reads the same twice.
    #[test]
    fn guesses_always_read(left in any_sample(), right in any_sample(), same in any::<bool>()) {
        let right = if same { left.clone() } else { right };
        let first = guess(&left, &right);
        if let Err(errors) = first.rules() {
            prop_assert!(false, "{errors}\n{}", first.text);
        }
        prop_assert_eq!(first, guess(&left, &right));
    }
}
