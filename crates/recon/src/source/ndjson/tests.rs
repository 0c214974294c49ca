use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

type Rows = Vec<Vec<Option<String>>>;

fn read(chunk: &[u8], columns: &[&str]) -> (Rows, Vec<RowPlace>, Vec<LineError>, u32) {
    let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
    let (mut batch, mut errors) = (TextBatch::new(columns.len()), Vec::new());
    let lines = LineReader::new(&columns).read_lines(chunk, 1_000, &mut batch, &mut errors);
    let text = |row, column| batch.get(column, row).map(|text| String::from_utf8(text.to_vec()).unwrap());
    let rows =
        (0..batch.rows()).map(|row| (0..columns.len()).map(|column| text(row, column)).collect()).collect();
    (rows, batch.places().to_vec(), errors, lines)
}

fn one(line: &str, column: &str) -> Result<Option<String>, LineError> {
    let (mut rows, _, mut errors, _) = read(line.as_bytes(), &[column]);
    match errors.pop() {
        Some(error) => Err(error),
        None => Ok(rows.remove(0).remove(0)),
    }
}

#[test]
fn values_come_out_exactly_as_written() {
    let cases = [
        (r#"{"a":12.30}"#, Some("12.30")),
        (r#"{"a":0.1000000000000000055511151231257827}"#, Some("0.1000000000000000055511151231257827")),
        (r#"{"a":-9223372036854775809}"#, Some("-9223372036854775809")),
        (r#"{"a":1E400}"#, Some("1E400")),
        (r#"{"a":"12.30"}"#, Some("12.30")),
        (r#"{"a":""}"#, Some("")),
        (r#"{"a":"null"}"#, Some("null")),
        (r#"{"a":null}"#, None),
        (r#"{"b":1}"#, None),
        (r#"{}"#, None),
        (r#"{"a":true}"#, Some("true")),
        (r#"{"a":"支付\u5b9d \"x\"\\ \ud83d\ude00\n"}"#, Some("支付宝 \"x\"\\ 😀\n")),
        (r#" { "b" : [1,{"a":2}] , "a" : 3 } "#, Some("3")),
        (r#"{"\u0061":4}"#, Some("4")),
    ];
    for (line, expected) in cases {
        assert_eq!(one(line, "a").unwrap().as_deref(), expected, "{line}");
    }
}

#[test]
fn dotted_paths_reach_nested_fields_and_dotted_keys() {
    let line = r#"{"payer":{"id":7,"bank":{"code":"ICBC"}},"x.y":"plain"}"#;
    let (rows, ..) = read(line.as_bytes(), &["payer.bank.code", "payer.id", "x.y", "payer.no", "no.way"]);
    let texts: Vec<_> = rows[0].iter().map(Option::as_deref).collect();
    assert_eq!(texts, [Some("ICBC"), Some("7"), Some("plain"), None, None]);
    // A scalar where an object is expected has no such field.
    assert_eq!(one(r#"{"payer":5}"#, "payer.id").unwrap(), None);
}

#[test]
fn one_field_may_serve_several_columns() {
    let (rows, ..) = read(br#"{"a":1}"#, &["a", "a"]);
    assert_eq!(rows, [[Some("1".to_owned()), Some("1".to_owned())]]);
}

#[test]
fn wrong_lines_are_named_and_the_others_go_on() {
    let chunk = b"{\"a\":1}\n{\"a\":}\r\n\n  \n{\"a\":2}\r\n[1]\n{\"a\":1,\"a\":1}\n{\"a\":{\"b\":1}}\n\xFF\n{\"a\":\"\\ud800\"}\n{\"a\":3} x\n{\"a\":4}";
    let (rows, places, errors, lines) = read(chunk, &["a"]);
    let texts: Vec<_> = rows.iter().map(|row| row[0].as_deref().unwrap()).collect();
    assert_eq!(texts, ["1", "2", "4"]);
    assert_eq!(lines, 12);
    assert_eq!(places.iter().map(|place| place.line).collect::<Vec<_>>(), [0, 4, 11]);
    for place in &places {
        let start = usize::try_from(place.offset - 1_000).unwrap();
        let line = &chunk[start..start + place.len as usize];
        assert!(line.starts_with(b"{\"a\":") && line.ends_with(b"}"), "{place:?}");
    }
    let found: Vec<_> = errors.iter().map(|e| (e.line, e.column, e.message.as_str())).collect();
    assert_eq!(
        found,
        [
            (1, 6, "expected value"),
            (5, 1, "invalid type: sequence, expected a JSON object"),
            (6, 13, "the key `a` comes twice"),
            (7, 13, "`a` is an object, where a text or number is needed"),
            (8, 1, "these bytes are not valid UTF-8"),
            (9, 13, "unexpected end of hex escape"),
            (10, 9, "trailing characters"),
        ]
    );
    for error in &errors {
        let start = usize::try_from(error.offset - 1_000).unwrap();
        assert!(start == 0 || chunk[start - 1] == b'\n', "{error:?}");
    }
}

#[test]
fn a_key_both_dotted_and_nested_is_refused() {
    let error = one(r#"{"a.b":1,"a":{"b":2}}"#, "a.b").unwrap_err();
    assert_eq!(error.message, "`b` stands both as a dotted key and as a nested field");
}

#[test]
fn deep_nesting_is_an_error_not_a_crash() {
    let line = format!("{{\"b\":{}1{},\"a\":1}}", "[".repeat(100_000), "]".repeat(100_000));
    // What is passed over may be deep or not: only a crash would be wrong.
    let _ = one(&line, "a");
    let line = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    assert!(one(&line, "a.a").is_err());
}

#[test]
fn keys_that_move_between_lines_are_still_found() {
    let long = "k".repeat(200);
    let chunk = format!(
        "{{\"a\":1,\"b\":2}}\n{{\"b\":3,\"a\":4}}\n{{\"{long}\":9,\"\":8,\"a\":5}}\n{{\"\":8,\"a\":6,\"b\":7}}\n{{\"a\":8}}\n"
    );
    let (rows, _, errors, _) = read(chunk.as_bytes(), &["a", "b", ""]);
    assert!(errors.is_empty(), "{errors:?}");
    let texts: Vec<Vec<&str>> =
        rows.iter().map(|row| row.iter().map(|text| text.as_deref().unwrap_or("-")).collect()).collect();
    assert_eq!(texts, [["1", "2", "-"], ["4", "3", "-"], ["5", "-", "8"], ["6", "7", "8"], ["8", "-", "-"]]);
}

#[test]
fn columns_of_the_first_lines_are_listed_in_order() {
    let head = b"{\"id\":1,\"payer\":{\"bank\":\"x\",\"id\":2}}\nbroken\n{\"id\":1,\"fee\":0}\n{\"cut";
    assert_eq!(columns(head), ["id", "payer.bank", "payer.id", "fee"]);
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c]{1,2}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// What a column of an object should be: `Err` where it is an object or a list.
fn expected(object: &Value, path: &str) -> Result<Option<String>, ()> {
    let mut at = object;
    for key in path.split('.') {
        at = match at.get(key) {
            Some(inner) => inner,
            None => return Ok(None),
        };
    }
    match at {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Object(_) | Value::Array(_) => Err(()),
        other => Ok(Some(other.to_string())),
    }
}

proptest! {
    #[test]
    fn any_object_gives_back_its_fields(
        objects in prop::collection::vec(prop::collection::btree_map("[a-c]{1,2}|\\PC{0,3}", value(), 0..6), 1..6),
        columns in prop::collection::btree_set("[a-c]{1,2}(\\.[a-c]{1,2}){0,2}", 1..4),
    ) {
        let objects: Vec<Value> = objects.into_iter().map(|map| json!(map)).collect();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let chunk: String = objects.iter().map(|object| format!("{object}\n")).collect();
        let (rows, places, errors, lines) = read(chunk.as_bytes(), &columns);
        prop_assert_eq!(lines as usize, objects.len());
        prop_assert_eq!(rows.len() + errors.len(), objects.len());
        for (line, object) in objects.iter().enumerate() {
            let wanted: Result<Vec<_>, ()> = columns.iter().map(|column| expected(object, column)).collect();
            let row = places.iter().position(|place| place.line as usize == line);
            prop_assert_eq!(row.map(|row| rows[row].clone()).ok_or(()), wanted);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(
        chunk in prop::collection::vec(prop_oneof![
            Just(b'{'), Just(b'}'), Just(b'"'), Just(b':'), Just(b','), Just(b'a'), Just(b'\\'), Just(b'\n'), Just(b'1'), any::<u8>()
        ], 0..64),
    ) {
        let (rows, _, errors, lines) = read(&chunk, &["a", "a.a"]);
        prop_assert!(rows.len() + errors.len() <= lines as usize);
    }
}
