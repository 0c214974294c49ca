use super::*;
use crate::record::Text;
use crate::rule::*;
use proptest::prelude::*;
use suanpan_money::Currency;

/// A side with everything that passes may ask for.
const FULL: &str = r##"
k1 = "order_id"
k2 = ["shop", "#7"]
type = { column = "type", map = { PAY = "payment", REFUND = "refund" }, unmapped = "reject" }
currency = { column = "ccy", map = { RMB = "CNY" } }
amount = { column = "amount", unit = "decimal", negate_when = { column = "type", in = ["REFUND"] }, group_separator = "," }
fee = { column = "fee", unit = "minor", negate = true }
status = { column = "status", map = { SUCCESS = "succeeded" }, default = "open" }
time = { column = "created_at", format = "%Y-%m-%d %H:%M:%S", zone = "asia/shanghai" }
date = { from = "time", cut_off = "23:00" }
batch = "payout"
original = "orig"
account = "iban"
"##;

const SMALL: &str = r#"
k1 = "id"
currency = { value = "CNY" }
amount = { column = "amount", unit = "minor" }
"#;

/// Rules of two sides with the same fields, and what follows them.
fn rules(fields: &str, rest: &str) -> String {
    format!("version = 1\n{}\n[left.fields]{fields}\n[right.fields]{fields}", rest)
}

fn faults(text: &str) -> Vec<Fault> {
    match Rules::from_toml(text) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.faults,
    }
}

#[test]
fn a_full_side_is_read_field_by_field() {
    let rules =
        Rules::from_toml(&rules(FULL, "name = \"both\"\nkeys = { null = [\"0\"], fold_case = true }"))
            .unwrap();
    let column = |name: &str| Column(name.to_owned());
    let side = &rules.sides[0];
    assert_eq!(rules.name, "both");
    assert_eq!((&rules.null_keys[..], rules.fold_key_case), (&["0".to_owned()][..], true));
    assert_eq!(side.keys[1].columns, [column("shop"), column("#7")]);
    let kind = side.kind.as_ref().unwrap();
    assert_eq!(
        kind.map,
        [("PAY".to_owned(), "payment".to_owned()), ("REFUND".to_owned(), "refund".to_owned())]
    );
    assert_eq!((kind.unmapped, kind.default.as_str()), (Unmapped::Reject, ""));
    let cny = Currency::parse("CNY").unwrap();
    assert_eq!(
        side.currency,
        CurrencyField::Column { column: column("ccy"), map: vec![("RMB".to_owned(), cny)] }
    );
    assert_eq!(
        side.amount,
        AmountField {
            column: column("amount"),
            unit: AmountUnit::Decimal,
            negate: false,
            negate_when: Some(WordTest { column: column("type"), test: Test::In(vec!["REFUND".to_owned()]) }),
            group_separator: Some(b','),
            decimal_mark: b'.',
        }
    );
    let fee = side.fee.as_ref().unwrap();
    assert_eq!((fee.unit, fee.negate), (AmountUnit::Minor, true));
    assert_eq!(side.status.as_ref().unwrap().default, "open");
    assert_eq!(side.time.as_ref().unwrap().zone, "Asia/Shanghai");
    let date = DateField::FromTime { zone: "Asia/Shanghai".to_owned(), cut_off_s: Some(23 * 3_600) };
    assert_eq!(side.date, Some(date));
    assert_eq!(side.account, Some(column("iban")));
    assert_eq!((side.format, side.encoding, side.delimiter), (Format::Auto, Encoding::Auto, b','));
    assert_eq!((side.quote, side.header, side.skip_lines), (Some(b'"'), true, 0));
    // One exact pass on all that both sides declare, but not on the date.
    use Field::{Amount, Currency as Ccy, Fee, Kind, Status};
    let compare = vec![Kind, Ccy, Amount, Status, Fee];
    let kind = PassKind::Exact { key: 0, compare, tolerance: Tolerance::default(), aggregate: false };
    assert_eq!(rules.passes, [Pass { name: "exact k1".to_owned(), strength: Strength::Automatic, kind }]);
}

#[test]
fn passes_are_read_in_order() {
    let text = rules(
        FULL,
        r#"
[[passes]]
kind = "exact"
compare = ["date", "status"]
tolerance = { minor = 1, percent = 0.5 }
aggregate = true
[[passes]]
kind = "exact"
key = "k2"
strength = "suggest"
[[passes]]
kind = "net"
eq = ["original", "currency"]
within_s = 86_400
[[passes]]
kind = "window"
name = "by amount"
eq = ["account", "type"]
tolerance = { percent = "0.0001" }
days_min = -1
days_max = 3
[[passes]]
kind = "batch"
eq = ["batch"]
net_of_fees = true
[[passes]]
kind = "subset"
whole = true
one = "right"
days_max = 2
steps_max = 1000
[close]
pending_days = 1
as_of = 2026-11-11
runs_max = 5
[expect]
left = ["ledger-*.csv"]
right_files_min = 2
"#,
    );
    let rules = Rules::from_toml(&text).unwrap();
    let names: Vec<&str> = rules.passes.iter().map(|pass| pass.name.as_str()).collect();
    assert_eq!(names, ["exact k1", "exact k2", "net", "by amount", "batch", "subset"]);
    let kinds: Vec<PassKind> = rules.passes.iter().map(|pass| pass.kind.clone()).collect();
    let none = Tolerance::default();
    assert_eq!(
        kinds[0],
        PassKind::Exact {
            key: 0,
            compare: vec![Field::Currency, Field::Amount, Field::Status, Field::Date],
            tolerance: Tolerance { minor: 1, ppm: 5_000 },
            aggregate: true,
        }
    );
    assert!(matches!(kinds[1], PassKind::Exact { key: 1, .. }));
    assert_eq!(rules.passes[1].strength, Strength::Suggest);
    assert_eq!(kinds[2], PassKind::Net { eq: vec![Field::Text(Text::Original)], within_s: Some(86_400) });
    assert_eq!(
        kinds[3],
        PassKind::Window {
            eq: vec![Field::Text(Text::Account), Field::Kind],
            tolerance: Tolerance { minor: 0, ppm: 1 },
            days_min: -1,
            days_max: 3,
        }
    );
    assert_eq!(kinds[4], PassKind::Batch { eq: vec![], net_of_fees: true, tolerance: none });
    assert_eq!(
        kinds[5],
        PassKind::Subset {
            eq: vec![],
            one: Side::Right,
            candidates_max: 40,
            steps_max: 1_000,
            tolerance: none,
            days_min: 0,
            days_max: 2,
        }
    );
    assert_eq!(rules.close, Close { pending_days: Some(1), as_of: Some(20_768), runs_max: Some(5) });
    assert_eq!(rules.expect.names[0], ["ledger-*.csv"]);
    assert_eq!(rules.expect.files_min, [0, 2]);
}

/// One fault each: what is written into rules that are otherwise right, and what must be said of it.
#[test]
fn each_fault_is_named() {
    use FaultCode::{
        BadValue, ImpossibleSetting as Impossible, Limit, MatchesNothing, MissingSetting as Missing,
        SplitsNothing, UndeclaredField as Undeclared, UnknownSetting as Unknown, WrongType,
    };
    let whole: &[(&str, FaultCode, &str, &str)] = &[
        ("nmae = \"x\"", Unknown, "nmae", "did you mean `name`?"),
        ("amount = 1", Unknown, "amount", "`amount` belongs in `left.fields`"),
        ("pending_days = 1", Unknown, "pending_days", "`pending_days` belongs in `close`"),
        ("fold_case = true", Unknown, "fold_case", "`fold_case` belongs in `keys`"),
        ("keys = { nul = [] }", Unknown, "keys.nul", "did you mean `null`?"),
        ("keys = 3", WrongType, "keys", "wanted a table, found an integer"),
        ("keys = { null = \"0\" }", WrongType, "keys.null", "wanted a list of texts, found a string"),
        ("keys = { null = [0] }", WrongType, "keys.null[1]", "wanted text in quotes, found an integer"),
        ("keys = { fold_case = 1 }", WrongType, "keys.fold_case", "wanted `true` or `false`"),
        ("left.format = \"cvs\"", BadValue, "left.format", "did you mean `csv`?"),
        ("left.header = \"yes\"", WrongType, "left.header", "wanted `true` or `false`, found a string"),
        ("left.delimiter = \"||\"", BadValue, "left.delimiter", "is not one ASCII character"),
        ("left.delimiter = \"a\"", BadValue, "left.delimiter", "cannot separate columns"),
        ("left.delimiter = '\"'", Impossible, "left.delimiter", "is also the quote"),
        ("left.quote = \",\"", Impossible, "left.quote", "is also the delimiter"),
        ("left.quote = \"«\"", BadValue, "left.quote", "is not one ASCII punctuation character"),
        ("left.format = \"tsv\"\nleft.delimiter = \",\"", Impossible, "left.delimiter", "separated by tabs"),
        (
            "left.format = \"parquet\"\nleft.quote = \"'\"",
            Impossible,
            "left.quote",
            "Parquet file has no `quote`",
        ),
        (
            "left.format = \"ndjson\"\nleft.skip_lines = 1",
            Impossible,
            "left.skip_lines",
            "NDJSON file has no",
        ),
        ("left.skip_lines = -1", BadValue, "left.skip_lines", "-1 is not within 0 to 1000000"),
        ("left.skip_lines = 99999999999999999999", BadValue, "left.skip_lines", "is not within"),
        ("left.encoding = \"utf8\"", BadValue, "left.encoding", "did you mean `utf-8`?"),
        ("close = { pending_days = 1 }", Undeclared, "close.pending_days", "needs `date` on both sides"),
        ("close = { runs_max = 1 }", Impossible, "close.runs_max", "without `pending_days`"),
        ("close = { as_of = \"11.11.2026\" }", BadValue, "close.as_of", "write a date such as"),
        ("close = { as_of = 2026-02-30 }", FaultCode::Syntax, "", "not TOML"),
        ("expect = { left = [\"a[\"] }", BadValue, "expect.left[1]", "is not a pattern of file names"),
        ("passes = []", MatchesNothing, "passes", "the list of passes is empty"),
        ("passes = [1]", WrongType, "passes[1]", "wanted a table"),
        ("[[left.skip]]\nname = \"x\"", Missing, "left.skip[1].column", "`column` is missing"),
        ("[[left.skip]]\nname = \"x\"\ncolumn = \"m\"", Missing, "left.skip[1]", "says no test"),
        (
            "[[left.skip]]\nname = \"x\"\ncolumn = \"m\"\nin = []",
            MatchesNothing,
            "left.skip[1].in",
            "never holds",
        ),
        (
            "[[left.skip]]\nname = \"x\"\ncolumn = \"m\"\nnot_in = []",
            MatchesNothing,
            "left.skip[1].not_in",
            "always holds",
        ),
        (
            "[[left.skip]]\nname = \"x\"\ncolumn = \"m\"\nprefix = [\"\"]",
            MatchesNothing,
            "left.skip[1].prefix",
            "always",
        ),
        (
            "[[left.skip]]\nname = \"x\"\ncolumn = \"m\"\nin = [\"a\"]\nempty = true",
            Impossible,
            "left.skip[1].empty",
            "cannot both",
        ),
        ("[[left.skip]]\ncolumn = \"m\"\nempty = true", Missing, "left.skip[1].name", "counted under it"),
        ("[[passes]]\nname = \"x\"", Missing, "passes[1].kind", "`exact`, `net`, `window`"),
        ("[[passes]]\nkind = \"exakt\"", BadValue, "passes[1].kind", "did you mean `exact`?"),
        (
            "[[passes]]\nkind = \"exact\"\nkey = \"k2\"",
            Undeclared,
            "passes[1].key",
            "needs `k2` on both sides",
        ),
        (
            "[[passes]]\nkind = \"exact\"\nkey = \"k9\"",
            BadValue,
            "passes[1].key",
            "match keys are `k1` to `k8`",
        ),
        ("[[passes]]\nkind = \"exact\"\nkey = \"order_id\"", BadValue, "passes[1].key", "is not a match key"),
        (
            "[[passes]]\nkind = \"exact\"\ncompare = [\"status\"]",
            Undeclared,
            "passes[1].compare",
            "needs `status`",
        ),
        (
            "[[passes]]\nkind = \"exact\"\ncompare = [\"batch\"]",
            BadValue,
            "passes[1].compare[1]",
            "not a field here",
        ),
        (
            "[[passes]]\nkind = \"exact\"\ncompare = [\"amout\"]",
            BadValue,
            "passes[1].compare[1]",
            "did you mean `amount`?",
        ),
        (
            "[[passes]]\nkind = \"exact\"\ndays_min = 1",
            Impossible,
            "passes[1].days_min",
            "no meaning in a pass of kind `exact`",
        ),
        (
            "[[passes]]\nkind = \"exact\"\nstrength = \"suggest\"",
            Impossible,
            "passes[1].strength",
            "always automatic",
        ),
        (
            "[[passes]]\nkind = \"exact\"\ntolerance = { percent = \"0.00001\" }",
            BadValue,
            "passes[1].tolerance.percent",
            "at most four decimals",
        ),
        (
            "[[passes]]\nkind = \"exact\"\ntolerance = { percent = 101 }",
            BadValue,
            "passes[1].tolerance.percent",
            "not a percentage",
        ),
        (
            "[[passes]]\nkind = \"exact\"\ntolerance = { percent = 1e-3 }",
            BadValue,
            "passes[1].tolerance.percent",
            "not a percentage",
        ),
        (
            "[[passes]]\nkind = \"exact\"\ntolerance = { percent = \"-1\" }",
            BadValue,
            "passes[1].tolerance.percent",
            "not a percentage",
        ),
        (
            "[[passes]]\nkind = \"exact\"\ntolerance = { minor = -1 }",
            BadValue,
            "passes[1].tolerance.minor",
            "not within 0",
        ),
        (
            "[[passes]]\nkind = \"exact\"\ntolerance = { major = 1 }",
            Unknown,
            "passes[1].tolerance.major",
            "did you mean `minor`?",
        ),
        (
            "[[passes]]\nkind = \"exact\"\n[[passes]]\nkind = \"exact\"",
            MatchesNothing,
            "passes[2]",
            "repeats the pass `exact k1`",
        ),
        (
            "[[passes]]\nkind = \"exact\"\nname = \"x\"\n[[passes]]\nkind = \"exact\"\nname = \"x\"\naggregate = true",
            BadValue,
            "passes[2].name",
            "names another pass",
        ),
        ("[[passes]]\nkind = \"net\"", Missing, "passes[1]", "this rule splits nothing"),
        ("[[passes]]\nkind = \"net\"\neq = []", SplitsNothing, "passes[1].eq", "this rule splits nothing"),
        (
            "[[passes]]\nkind = \"net\"\neq = [\"original\"]",
            Undeclared,
            "passes[1].eq",
            "neither side declares `original`",
        ),
        (
            "[[passes]]\nkind = \"net\"\neq = [\"amount\"]",
            MatchesNothing,
            "passes[1].eq",
            "`amount` in it can match nothing",
        ),
        (
            "[[passes]]\nkind = \"net\"\neq = [\"k1\"]\nwithin_s = 5",
            Undeclared,
            "passes[1].within_s",
            "declares a `time`",
        ),
        ("[[passes]]\nkind = \"window\"", SplitsNothing, "passes[1]", "this rule splits nothing"),
        (
            "[[passes]]\nkind = \"window\"\neq = [\"currency\"]",
            SplitsNothing,
            "passes[1].eq",
            "this rule splits nothing",
        ),
        (
            "[[passes]]\nkind = \"window\"\neq = [\"k1\"]\nwhole = true",
            Impossible,
            "passes[1].whole",
            "but `eq` splits",
        ),
        (
            "[[passes]]\nkind = \"window\"\neq = [\"k1\"]\ndays_min = 2\ndays_max = 1",
            MatchesNothing,
            "passes[1].days_min",
            "so no date fits",
        ),
        (
            "[[passes]]\nkind = \"window\"\neq = [\"k1\"]\ndays_max = 4000",
            BadValue,
            "passes[1].days_max",
            "not within",
        ),
        (
            "[[passes]]\nkind = \"batch\"\neq = [\"k1\", \"amount\"]",
            MatchesNothing,
            "passes[1].eq",
            "by the sum of its amounts",
        ),
        (
            "[[passes]]\nkind = \"subset\"\neq = [\"k1\"]",
            Missing,
            "passes[1].one",
            "which side has the single record",
        ),
        (
            "[[passes]]\nkind = \"subset\"\neq = [\"k1\"]\none = \"lefty\"",
            BadValue,
            "passes[1].one",
            "did you mean `left`?",
        ),
        (
            "[[passes]]\nkind = \"subset\"\neq = [\"k1\"]\none = \"left\"\ncandidates_max = 0",
            BadValue,
            "passes[1].candidates_max",
            "not within 1",
        ),
    ];
    for (rest, code, path, part) in whole {
        check_fault(&rules(SMALL, rest), *code, path, part);
    }
    let fields: &[(&str, FaultCode, &str, &str)] = &[
        ("amuont = \"x\"", Unknown, "left.fields.amuont", "did you mean `amount`?"),
        ("k3 = \"x\"", Missing, "left.fields.k3", "`k3` is there but `k2` is not"),
        ("k2 = [\"a\", \"a\"]", BadValue, "left.fields.k2[2]", "column `a` is there twice"),
        ("k2 = []", BadValue, "left.fields.k2", "a key needs a column"),
        ("k2 = \"\"", BadValue, "left.fields.k2", "the name of a column is empty"),
        ("k2 = \"#0\"", BadValue, "left.fields.k2", "count from #1"),
        ("k2 = 3", WrongType, "left.fields.k2", "wanted text in quotes, found an integer"),
        ("type = { value = \"payment\", map = {} }", Impossible, "left.fields.type.map", "has no meaning"),
        ("type = { map = {} }", Missing, "left.fields.type.column", "`column` is missing"),
        (
            "type = { column = \"t\", unmapped = \"reject\" }",
            MatchesNothing,
            "left.fields.type.unmapped",
            "rejects every row",
        ),
        (
            "type = { column = \"t\", map = { \"\" = \"x\" } }",
            Impossible,
            "left.fields.type.map",
            "with `default`",
        ),
        (
            "type = { column = \"t\", map = { A = 1 } }",
            WrongType,
            "left.fields.type.map.A",
            "wanted text in quotes",
        ),
        (
            "type = { column = \"t\", unmaped = \"keep\" }",
            Unknown,
            "left.fields.type.unmaped",
            "did you mean `unmapped`?",
        ),
        ("fee = \"fee\"", Missing, "left.fields.fee", "does not say the unit"),
        ("fee = { column = \"fee\" }", Missing, "left.fields.fee.unit", "10.50"),
        (
            "fee = { column = \"fee\", unit = \"cents\" }",
            BadValue,
            "left.fields.fee.unit",
            "`decimal` and `minor`",
        ),
        (
            "fee = { column = \"fee\", unit = \"minor\", group_separator = \".\" }",
            BadValue,
            "left.fields.fee.group_separator",
            "cannot separate groups",
        ),
        (
            "fee = { column = \"fee\", unit = \"decimal\", decimal_mark = \";\" }",
            BadValue,
            "left.fields.fee.decimal_mark",
            "write \".\" or \",\"",
        ),
        (
            "fee = { column = \"fee\", unit = \"decimal\", decimal_mark = \",\", group_separator = \",\" }",
            Impossible,
            "left.fields.fee.group_separator",
            "cannot also be",
        ),
        (
            "fee = { column = \"fee\", unit = \"minor\", decimal_mark = \",\" }",
            Impossible,
            "left.fields.fee.decimal_mark",
            "no decimals",
        ),
        (
            "fee = { column = \"fee\", unit = \"minor\", negate_when = { column = \"t\" } }",
            Missing,
            "left.fields.fee.negate_when",
            "says no test",
        ),
        ("time = \"t\"", Missing, "left.fields.time", "does not say the format"),
        (
            "time = { column = \"t\", format = \"%Y-%m-%d %H:%M\" }",
            Missing,
            "left.fields.time.zone",
            "carry no offset",
        ),
        (
            "time = { column = \"t\", format = \"%Y-%m-%d\", zone = \"UTC\" }",
            BadValue,
            "left.fields.time.format",
            "does not tell the hour",
        ),
        (
            "time = { column = \"t\", format = \"%Y-%m-%d %H:%M\", zone = \"Asia/Shangai\" }",
            BadValue,
            "left.fields.time.zone",
            "did you mean `Asia/Shanghai`?",
        ),
        (
            "date = { column = \"t\", format = \"%Y-%M-%d\" }",
            BadValue,
            "left.fields.date.format",
            "%M are minutes",
        ),
        (
            "date = { column = \"t\", format = \"unix\" }",
            BadValue,
            "left.fields.date.format",
            "from = \"time\"",
        ),
        (
            "date = { column = \"t\", format = \"%Y%m%d\", cut_off = \"23:00\" }",
            Impossible,
            "left.fields.date.cut_off",
            "has no meaning",
        ),
        ("date = { from = \"time\" }", Undeclared, "left.fields.date.from", "declares no `time`"),
        ("date = { from = \"tme\" }", BadValue, "left.fields.date.from", "did you mean `time`?"),
        (
            "time = { column = \"t\", format = \"unix\" }\ndate = { from = \"time\" }",
            Missing,
            "left.fields.date.zone",
            "another moment in each zone",
        ),
        (
            "time = { column = \"t\", format = \"unix\" }\ndate = { from = \"time\", zone = \"UTC\", cut_off = \"24:00\" }",
            BadValue,
            "left.fields.date.cut_off",
            "not a time of day",
        ),
        ("batch = 1", WrongType, "left.fields.batch", "wanted text in quotes"),
    ];
    for (extra, code, path, part) in fields {
        let text = format!("version = 1\n[left.fields]{SMALL}{extra}\n[right.fields]{SMALL}");
        check_fault(&text, *code, path, part);
    }
    let sides: &[(&str, &str, FaultCode, &str, &str)] = &[
        (
            "k1 = \"i\"\ncurrency = \"CNY\"\namount = { column = \"a\", unit = \"minor\" }",
            SMALL,
            BadValue,
            "left.fields.currency",
            "write { value = \"CNY\" }",
        ),
        (
            "k1 = \"i\"\ncurrency = { value = \"CNX\" }\namount = { column = \"a\", unit = \"minor\" }",
            SMALL,
            BadValue,
            "left.fields.currency.value",
            "did you mean `CNY`?",
        ),
        (
            "k1 = \"i\"\ncurrency = { value = \"JPY\" }\namount = { column = \"a\", unit = \"minor\" }",
            SMALL,
            MatchesNothing,
            "right.fields.currency",
            "nothing can match",
        ),
        (
            "k1 = \"i\"\ncurrency = { column = \"c\", map = { R = \"RMB\" } }\namount = { column = \"a\", unit = \"minor\" }",
            SMALL,
            BadValue,
            "left.fields.currency.map.R",
            "not a currency",
        ),
        (
            "k1 = \"c\"\ncurrency = \"c\"\namount = { column = \"a\", unit = \"minor\" }",
            SMALL,
            SplitsNothing,
            "left.fields.k1",
            "the key is only the currency",
        ),
        (
            "currency = \"c\"\namount = { column = \"a\", unit = \"minor\" }",
            SMALL,
            Undeclared,
            "",
            "needs `k1` on both sides",
        ),
        (
            "k1 = \"i\"\namount = { column = \"a\", unit = \"minor\" }",
            SMALL,
            Missing,
            "left.fields.currency",
            "`currency` is missing",
        ),
        ("k1 = \"i\"\ncurrency = \"c\"", SMALL, Missing, "left.fields.amount", "`amount` is missing"),
    ];
    for (left, right, code, path, part) in sides {
        check_fault(
            &format!("version = 1\n[left.fields]\n{left}\n[right.fields]\n{right}"),
            *code,
            path,
            part,
        );
    }
    check_fault(
        &format!("[left.fields]{SMALL}[right.fields]{SMALL}"),
        Missing,
        "version",
        "write `version = 1`",
    );
    check_fault(
        &rules(SMALL, "").replace("= 1\n", "= 2\n"),
        BadValue,
        "version",
        "this program reads version 1",
    );
    check_fault(
        &format!("version = 1\n[left.fields]{SMALL}"),
        Missing,
        "right",
        "describe the file in `[right]`",
    );
    check_fault(
        "version = 1\nleft = {}\n[right.fields]\ncurrency = \"c\"\namount = { column = \"a\", unit = \"minor\" }",
        Missing,
        "left.fields",
        "name at least",
    );
    check_fault(
        &rules(SMALL, "left.header = false"),
        Impossible,
        "left.fields.k1",
        "without a header columns have no names",
    );
    check_fault(
        &rules(&SMALL.replace("\"id\"", "\"#1\""), "left.format = \"ndjson\""),
        Impossible,
        "left.fields.k1",
        "has no places",
    );
    let closed = |word: &str| {
        format!("{SMALL}status = {{ column = \"s\", map = {{ A = \"{word}\" }}, unmapped = \"reject\" }}")
    };
    check_fault(
        &format!("version = 1\n[left.fields]{}\n[right.fields]{}", closed("done"), closed("ok")),
        MatchesNothing,
        "",
        "have none in common",
    );
    let many: String = (0..10_001).map(|n| format!("w{n} = \"x\"\n")).collect();
    check_fault(
        &format!(
            "{}\n[left.fields.status]\ncolumn = \"s\"\n[left.fields.status.map]\n{many}",
            rules(SMALL, "")
        ),
        Limit,
        "left.fields.status.map",
        "the limit is 10000",
    );
    check_fault(
        &rules(SMALL, &"[[passes]]\nkind = \"exact\"\n".repeat(33)),
        Limit,
        "passes",
        "the limit is 32",
    );
    check_fault(&format!("# {}", "x".repeat(RULES_BYTES_MAX)), Limit, "", "more than");
}

#[track_caller]
fn check_fault(text: &str, code: FaultCode, path: &str, part: &str) {
    let faults = faults(text);
    let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let found = faults.iter().zip(&shown).any(|(fault, shown)| {
        fault.code == code
            && fault.path == path
            && shown.contains(part)
            && fault.line >= 1
            && fault.column >= 1
    });
    let text: String = text.chars().take(600).collect();
    assert!(found, "wanted {code:?} at `{path}` with {part:?}, got {shown:#?} of\n{text}");
}

#[test]
fn faults_stand_at_their_line_and_column_and_all_are_told() {
    let text = "version = 1\n[left]\n  formt = \"csv\"\n[left.fields]\nk1 = \"订单号\"\ncurrency = { value = \"CNY\" }\namount = { column = \"金额\", unti = \"decimal\" }\n[right]\nheader = 1\n";
    let got: Vec<(u32, u32, &str, String)> =
        faults(text).into_iter().map(|f| (f.line, f.column, f.code.name(), f.path)).collect();
    let want = [
        (3, 3, "unknown_setting", "left.formt"),
        (7, 1, "missing_setting", "left.fields.amount.unit"),
        (7, 27, "unknown_setting", "left.fields.amount.unti"),
        (8, 2, "missing_setting", "right.fields"),
        (9, 10, "wrong_type", "right.header"),
    ];
    let want: Vec<_> = want.into_iter().map(|(l, c, code, path)| (l, c, code, path.to_owned())).collect();
    assert_eq!(got, want);
    let errors = Rules::from_toml(text).unwrap_err();
    let first = "rules.toml:3:3: `left.formt`: unknown setting `formt` (did you mean `format`?)\n";
    assert!(errors.render("rules.toml").starts_with(first), "{errors}");
}

#[test]
fn many_faults_are_counted() {
    let unknown: String = (0..70).map(|n| format!("xyz{n} = 1\n")).collect();
    let errors = Rules::from_toml(&rules(SMALL, &unknown)).unwrap_err();
    assert_eq!((errors.faults.len(), errors.more), (50, 20));
    assert!(errors.to_string().ends_with("and 20 more"));
}

#[test]
fn syntax_faults_are_told_by_place() {
    let got = faults("version = 1\nname = \"x\nkeys = {\n");
    assert_eq!((got[0].code, got[0].line), (FaultCode::Syntax, 2), "{got:?}");
    let got = faults("version = 1\nversion = 1\n");
    assert_eq!((got[0].code, got[0].line), (FaultCode::Syntax, 2), "{got:?}");
    assert!(
        Rules::from_toml(&format!("\u{feff}{}", rules(SMALL, ""))).is_ok(),
        "a byte order mark is no fault"
    );
}

#[test]
fn canonical_text_reads_back_as_the_same_rules() {
    let passes = "[[passes]]\nkind = \"exact\"\n[[passes]]\nkind = \"window\"\nwhole = true\n[[passes]]\nkind = \"net\"\neq = [\"k2\"]\nwithin_s = 9\n[[passes]]\nkind = \"subset\"\none = \"left\"\neq = [\"account\"]\n[[passes]]\nkind = \"batch\"\n[close]\npending_days = 2\nas_of = \"2026-01-02\"\n[[right.skip]]\nname = \"a \\\"b\\\"\\n\\u0001\"\ncolumn = \"c\\\\\"\nnot_in = [\"\", \"x\"]\n[[right.skip]]\nname = \"e\"\ncolumn = \"c\"\nempty = false";
    for text in [
        rules(FULL, passes),
        rules(SMALL, ""),
        rules(SMALL, "left.format = \"parquet\"\nright.format = \"ndjson\""),
    ] {
        let rules = Rules::from_toml(&text).unwrap();
        let written = rules.to_toml();
        assert_eq!(Rules::from_toml(&written).as_ref(), Ok(&rules), "{written}");
    }
}

#[test]
fn the_digest_follows_the_meaning() {
    let digest = |text: &str| Rules::from_toml(text).unwrap().digest();
    let base = digest(&rules(FULL, "keys.null = [\"0\", \"N/A\"]"));
    assert_eq!(base.len(), 64);
    let same = [
        rules(
            FULL,
            "# a comment\nkeys = { fold_case = false, null = [\"N/A\", \"0\", \"0\"] }\nleft.header = true",
        ),
        rules(
            &FULL.replace("PAY = \"payment\", REFUND = \"refund\"", "REFUND = \"refund\", PAY = \"payment\""),
            "keys.null = [\"0\", \"N/A\"]",
        ),
        rules(
            FULL,
            "keys.null = [\"0\", \"N/A\"]\n[[passes]]\nkind = \"exact\"\ncompare = [\"fee\", \"status\", \"type\"]",
        ),
    ];
    for text in same {
        assert_eq!(digest(&text), base, "{text}");
    }
    let other = [
        rules(FULL, "keys.null = [\"0\"]"),
        rules(&FULL.replace("shop\", \"#7", "#7\", \"shop"), "keys.null = [\"0\", \"N/A\"]"),
        rules(FULL, "name = \"x\"\nkeys.null = [\"0\", \"N/A\"]"),
        rules(&FULL.replace("23:00", "22:00"), "keys.null = [\"0\", \"N/A\"]"),
        rules(
            FULL,
            "keys.null = [\"0\", \"N/A\"]\n[[passes]]\nkind = \"exact\"\ncompare = [\"fee\", \"status\"]",
        ),
    ];
    for text in other {
        assert_ne!(digest(&text), base, "{text}");
    }
}

#[test]
fn the_reference_reads_and_names_everything() {
    let document = include_str!("../../../../../docs/reference/rules.md");
    let blocks: Vec<&str> = document
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(block, _)| block)
        .collect();
    assert!(blocks.len() >= 5, "the reference has examples");
    for block in &blocks {
        // Part examples stand in rules that are otherwise whole.
        let text = match block.contains("version = 1") {
            true => (*block).to_owned(),
            false
                if block.starts_with("[[") || block.starts_with("[close") || block.starts_with("[expect") =>
            {
                rules(FULL, block)
            }
            false => {
                let base = "k1 = \"id\"\ncurrency = { value = \"CNY\" }\namount = { column = \"amount\", unit = \"minor\" }\n";
                let lines = base.lines().filter(|line| {
                    let name = line.split(' ').next().unwrap();
                    !block.lines().any(|given| given.starts_with(&format!("{name} =")))
                });
                let rest: String = lines.map(|line| format!("{line}\n")).collect();
                format!("version = 1\n[left.fields]\n{rest}{block}\n[right.fields]\n{base}")
            }
        };
        if let Err(errors) = Rules::from_toml(&text) {
            panic!("{errors}\nin an example of the reference:\n{text}");
        }
    }
    for (table, names) in SETTINGS {
        let table = if table.is_empty() { "the top".to_owned() } else { (*table).to_owned() };
        for name in *names {
            assert!(
                document.contains(&format!("`{name}`")),
                "the reference does not name `{name}` of {table}"
            );
        }
    }
    for code in [
        FaultCode::Syntax,
        FaultCode::UnknownSetting,
        FaultCode::ImpossibleSetting,
        FaultCode::WrongType,
        FaultCode::BadValue,
        FaultCode::MissingSetting,
        FaultCode::Limit,
        FaultCode::UndeclaredField,
        FaultCode::SplitsNothing,
        FaultCode::MatchesNothing,
    ] {
        assert!(document.contains(&format!("`{}`", code.name())), "the reference does not name {code:?}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}", cut in any::<prop::sample::Index>(), with in "[a-z0-9_\\[\\]{}=\".#\n ]{0,12}") {
        let _ = Rules::from_toml(&text);
        let mut whole = rules(FULL, "[[passes]]\nkind = \"subset\"\nwhole = true\none = \"left\"\ndays_max = 2");
        let at = (0..=cut.index(whole.len())).rev().find(|at| whole.is_char_boundary(*at)).unwrap_or(0);
        whole.insert_str(at, &with);
        if let Err(errors) = Rules::from_toml(&whole) {
            prop_assert!(!errors.faults.is_empty());
            for fault in &errors.faults {
                prop_assert!(fault.line as usize <= whole.lines().count() + 1, "{fault}");
            }
        }
    }

    #[test]
    fn percentages_are_exact(ppm in 0_u32..=1_000_000) {
        let text = suanpan_money::format_minor(i64::from(ppm), 4);
        for written in [format!("\"{text}\""), text] {
            let text = rules(SMALL, &format!("[[passes]]\nkind = \"exact\"\ntolerance = {{ percent = {written} }}"));
            let rules = Rules::from_toml(&text).unwrap();
            let PassKind::Exact { tolerance, .. } = &rules.passes[0].kind else { panic!("an exact pass") };
            prop_assert_eq!(tolerance.ppm, ppm);
        }
    }
}
