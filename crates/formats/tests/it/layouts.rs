//! Layouts: those that come with the program against real exports, and a person's own against their files.

use crate::golden::{check_folder, events, sample};
use crate::kit::{checks, faults, records};
use proptest::prelude::*;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::sync::Arc;
use suanpan_formats::{Catalogue, Event, Format, Input, Layout, Options, read};

#[test]
fn samples_are_as_in_their_golden_files() {
    check_folder("alipay", |name| name.starts_with("user"));
    check_folder("cn_banks", |_| true);
    check_folder("cn_wallets", |_| true);
    check_folder("wechat", |name| name.starts_with("user"));
}

/// The totals of these two exports are whole, so that the rules which count are proved by them.
#[test]
fn wallets_whose_exports_are_whole_tie() {
    for name in ["jd_user_statement.csv", "meituan_user_statement.csv"] {
        let bytes = std::fs::read(sample("cn_wallets").join(name)).unwrap();
        let (_, events) = events(&bytes).unwrap();
        assert_eq!(faults(&events), Vec::<String>::new(), "{name}");
        assert_eq!(checks(&events).len(), 7, "{name}");
        assert_eq!(crate::kit::failing(&events), Vec::<String>::new(), "{name}");
    }
}

fn fixture(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(path).expect("a readable fixture")
}

/// The workbooks were written by two other programs (openpyxl, xlwt) from one table.
#[test]
fn both_kinds_of_workbook_give_the_same_records_to_the_cent() {
    let of = |name: &str| {
        let (format, events) = events(&fixture(name)).unwrap();
        assert_eq!(format, "cmb.user-statement");
        assert_eq!(checks(&events), ["rows whose balance follows, oldest first: 2 of 2"]);
        let rows: Vec<(u64, String, String)> = records(&events)
            .iter()
            .map(|r| (r.place.line, r.amount.to_string(), r.booked_on.unwrap().to_string()))
            .collect();
        rows
    };
    let row = |line, amount: &str, day: &str| (line, amount.to_owned(), day.to_owned());
    let expected = [
        row(5, "1234", "2026-01-01"),
        row(6, "-1000.1", "2026-01-02"),
        // The program that wrote it holds 0.30000000000000004.
        row(7, "0.3", "2026-01-03"),
    ];
    assert_eq!(of("cmb.xlsx"), expected);
    assert_eq!(of("cmb.xls"), expected);
}

#[test]
fn a_workbook_with_one_cell_in_its_last_corner_costs_nothing() {
    let sheet = "<?xml version=\"1.0\"?><worksheet \
        xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData><row r=\"1048576\">\
        <c r=\"XFD1048576\" t=\"inlineStr\"><is><t>far</t></is></c></row></sheetData></worksheet>";
    let error = suanpan_formats::sheet::sheets(&workbook(sheet)).unwrap_err();
    assert!(error.to_string().contains("the number of cells is over the limit"), "{error}");
    let sheet = sheet.replace("XFD1048576", "B1048576");
    let sheets = suanpan_formats::sheet::sheets(&workbook(&sheet)).unwrap();
    assert_eq!(sheets[0].rows, [(1_048_576, vec![String::new(), "far".to_owned()])]);
}

#[test]
fn a_workbook_that_unpacks_to_more_than_the_limit_is_refused() {
    let blanks = " ".repeat(1 << 20);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("[Content_Types].xml", options).unwrap();
    for _ in 0..1025 {
        zip.write_all(blanks.as_bytes()).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    assert!(bytes.len() < 4 << 20);
    let error = suanpan_formats::sheet::sheets(&bytes).unwrap_err();
    assert!(error.to_string().contains("unpacked"), "{error}");
}

fn workbook(sheet: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let parts = [
        (
            "[Content_Types].xml",
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>",
        ),
        (
            "_rels/.rels",
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
             <Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/\
             relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>",
        ),
        (
            "xl/workbook.xml",
            "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
             xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets>\
             <sheet name=\"one\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
             <Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/\
             relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>",
        ),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    for (name, text) in parts {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("a part");
        zip.write_all(text.as_bytes()).expect("memory can be written");
    }
    zip.finish().expect("a container").into_inner()
}

fn with(layout: &str, text: &[u8]) -> Result<Vec<Event>, String> {
    let layout = Layout::parse(layout).map_err(|error| error.to_string())?;
    let mut events = Vec::new();
    read(&Format::Layout(Arc::new(layout)), Input::of_bytes(text), &Options::default(), &mut |event| {
        events.push(event);
        ControlFlow::Continue(())
    })
    .map_err(|error| error.to_string())?;
    Ok(events)
}

const LAYOUT: &str = "\
id = \"my-bank\"
title = \"My bank\"
currency = \"EUR\"
dates = [\"%d.%m.%Y\"]

[recognise]
columns = [\"Datum\", \"Betrag\", \"Zweck\"]

[file]
delimiter = \"semicolon\"
loose = \"Zweck\"

[numbers]
decimal_mark = \"comma\"

[lines]
read = ['^Konto;(?<account>\\S+)', '^Anfang;(?<opening>[\\d.,-]+)', '^Ende;(?<closing>[\\d.,-]+)']
footer = ['^Ende;']

[record]
amount = \"Betrag\"
booked_on = \"Datum\"
description = \"Zweck\"
id = \"Nummer\"
";

#[test]
fn a_layout_of_a_persons_own_reads_its_file() {
    let text = b"Konto;DE02\nAnfang;100,00\nDatum;Zweck;Betrag;Nummer\n01.02.2026;a;b;c;-1.234,50;7\n\
        02.02.2026;\"open quote;1,00;8\n03.02.2026;d;2,00;9\nEnde;-1.132,50\n";
    let events = with(LAYOUT, text).unwrap();
    let found = records(&events);
    let short: Vec<(String, &str, &str)> =
        found.iter().map(|r| (r.amount.to_string(), r.description.as_str(), r.id.as_str())).collect();
    assert_eq!(short, [("-1234.50".to_owned(), "a;b;c", "7"), ("2.00".to_owned(), "d", "9")]);
    assert_eq!(found[0].place.line, 4);
    // The quote that is never closed spoils its own line only.
    assert_eq!(
        faults(&events),
        ["line 5: has 2 cells where the header has 4: `02.02.2026;\\\"open quote;1,00;8`"]
    );
    assert_eq!(checks(&events), ["closing balance: -1132.50 of -1132.50"]);
}

#[test]
fn faults_name_the_line_the_column_and_what_stands_there() {
    let text = b"Datum;Zweck;Betrag;Nummer\n31.02.2026;a;1,00;1\n01.02.2026;b;eins;2\n01.02.2026;c;3,00;4\n";
    let events = with(LAYOUT, text).unwrap();
    assert_eq!(
        faults(&events),
        [
            "line 2, column 1: Datum is not a date and time: `31.02.2026`",
            "line 3, column 3: Betrag is not an amount: `eins`"
        ]
    );
    assert_eq!(records(&events).len(), 1);
    let error = with(LAYOUT, b"Datum;Zweck;Betrage\n").unwrap_err();
    assert_eq!(error, "the file as a whole: no header with the columns Datum, Betrag, Zweck was found");
}

#[test]
fn layouts_that_are_wrong_are_refused_at_their_line() {
    let broken = |from: &str, to: &str| {
        assert!(LAYOUT.contains(from), "{from}");
        Layout::parse(&LAYOUT.replace(from, to)).unwrap_err().to_string()
    };
    for (from, to, expected) in [
        (
            "currency = \"EUR\"",
            "currency = \"EURO\"",
            "line 3, column 12: expected a currency of ISO 4217: CNY",
        ),
        ("id = \"my-bank\"", "id = \"My Bank\"", "line 1, column 6: expected an id of small letters"),
        ("%d.%m.%Y", "%Q", "line 4, column 9: `%Q` is not a way to write dates"),
        ("(?<account>", "(?<account", "is not a pattern"),
        ("'^Ende;']\n\n[record]", "'(']\n\n[record]", "is not a pattern"),
        ("amount = \"Betrag\"\n", "", "[record] needs either `amount`, or both `credit` and `debit`"),
        ("amount = \"Betrag\"\n", "amuont = \"Betrag\"\n", "unknown field `amuont`"),
        ("[numbers]\n", "[numbers]\nimplied = \"exponents\"\n", "needs a table [exponents]"),
        ("[record]\n", "[record]\nsign = \"direction\"\n", "needs a table [direction]"),
        ("(?<account>", "(?<odd_count>", "needs a table [sets.odd]"),
        ("'^Konto;(?<account>\\S+)'", "'^Konto;'", "has no named group"),
        ("columns = [\"Datum\", \"Betrag\", \"Zweck\"]", "columns = []", "[recognise] needs `columns`"),
    ] {
        let error = broken(from, to);
        assert!(error.contains(expected), "{to}: {error}");
    }
    assert!(Layout::parse(&"#".repeat(300 << 10)).unwrap_err().to_string().contains("at most"));
    let many = format!("{LAYOUT}[direction]\ncolumn = \"x\"\n");
    let many = many.replace("footer = [", &format!("skip = [{}]\nfooter = [", "'a', ".repeat(300)));
    assert!(Layout::parse(&many).unwrap_err().to_string().contains("may have 200 patterns"));
}

#[test]
fn the_tests_in_a_layout_say_what_is_not_as_expected() {
    let text = format!(
        "{LAYOUT}\n[[test]]\nname = \"one\"\ntext = \"Datum;Zweck;Betrag;Nummer\\n01.02.2026;a;1,00;7\\n\"\n\
         records = 2\n[[test.record]]\nat = 1\namount = \"1.01\"\nbooked_on = \"2026-02-01\"\nodd = \"\"\n\
         [[test.record]]\nat = 3\n\n[[test]]\nname = \"two\"\nfile = \"x.csv\"\n"
    );
    let layout = Layout::parse(&text).unwrap();
    let outcomes = layout.test(&|name| Err(std::io::Error::other(format!("no {name} here"))));
    let problems: Vec<&str> = outcomes[0].problems.iter().map(String::as_str).collect();
    assert_eq!(problems[0], "2 records are expected, 1 were read");
    assert_eq!(problems[1], "record 1: amount is `1.00`, not `1.01`");
    assert!(problems[2].starts_with("record 1: there is no field odd; fields are line, kind"));
    assert_eq!(problems[3], "there is no record 3: there are 1");
    assert_eq!(problems.len(), 4);
    assert_eq!(outcomes[1].problems, ["x.csv: no x.csv here"]);
}

#[test]
fn exponents_are_those_of_the_counterparty() {
    let layout = "id = \"x\"\ntitle = \"x\"\ncurrency = \"JPY\"\n[recognise]\ncolumns = [\"shop\", \"sum\"]\n\
        [numbers]\nimplied = \"exponents\"\n[exponents]\ncolumn = \"shop\"\notherwise = 2\n\
        words = { 0 = [\"JP*\"], 3 = [\"KW1\"] }\n[record]\namount = \"sum\"\n";
    let events = with(layout, b"shop,sum\nJP7,1050\nKW1,1050\nDE,-1050\n").unwrap();
    let amounts: Vec<String> = records(&events).iter().map(|r| r.amount.to_string()).collect();
    assert_eq!(amounts, ["1050", "1.050", "-10.50"]);
}

#[test]
fn a_layout_takes_the_place_of_a_format_with_its_id() {
    let mut catalogue = Catalogue::built_in();
    let before = catalogue.formats().count();
    catalogue.add(Arc::new(Layout::parse(LAYOUT).unwrap()));
    catalogue.add(Arc::new(Layout::parse(LAYOUT).unwrap()));
    assert_eq!(catalogue.formats().count(), before + 1);
    let input = Input::of_bytes(b"Datum;Zweck;Betrag\n01.02.2026;a;1,00\n");
    assert_eq!(catalogue.identify(&input.head).unwrap().format.id(), "my-bank");
}

#[test]
fn fixed_width_lines_may_have_lost_their_blanks_and_must_not_be_longer() {
    let layout = "id = \"x\"\ntitle = \"x\"\ncurrency = \"CNY\"\n[file]\nshape = \"fixed-width\"\ngap = 1\n\
        columns = [{ name = \"code\", width = 3 }, { name = \"sum\", width = 6 }, { name = \"who\", width = 4 }]\n\
        [recognise]\nrows = '^S'\n[numbers]\nimplied = 2\n[record]\namount = \"sum\"\ncounterparty = \"who\"\n";
    let text = "S22 000150 张三\nS22 000250\nS22 000350 李四 x\nS2\n".as_bytes();
    let gbk = suanpan_formats::TextEncoding::parse("gb18030").unwrap();
    let events = with(&layout.replace("gap = 1", "gap = 1\nunit = \"characters\""), text).unwrap();
    let found: Vec<(String, &str)> =
        records(&events).iter().map(|r| (r.amount.to_string(), r.counterparty.as_str())).collect();
    assert_eq!(found[..2], [("1.50".to_owned(), "张三"), ("2.50".to_owned(), "")]);
    let encoded = encoding_rs::GB18030.encode("S22 000150 张三\nS22 000350 李四 x\nS2\n").0.into_owned();
    assert_eq!(gbk.decode(&encoded).lines().count(), 3);
    let events = with(&layout.replace("gap = 1", "gap = 1\nencoding = \"gbk\""), &encoded).unwrap();
    assert_eq!(records(&events)[0].counterparty, "张三");
    assert_eq!(
        faults(&events),
        [
            "line 2: has 4 cells where the header has 3: `S22 000350 李四 x`",
            "line 3, column 2: sum is not an amount"
        ]
    );
}

proptest! {
    /// Whatever a table holds, each row becomes a record or a fault, and nothing panics.
    #[test]
    fn every_row_becomes_a_record_or_a_fault(rows in prop::collection::vec("[^\\r\\n]{0,40}", 0..20)) {
        let text = format!("Datum;Zweck;Betrag;Nummer\n{}\n", rows.join("\n"));
        let events = with(LAYOUT, text.as_bytes()).unwrap();
        let given = records(&events).len() + faults(&events).len();
        let wanted = rows.iter().take_while(|row| !row.starts_with("Ende;")).filter(|row| {
            !row.bytes().all(|b| b.is_ascii_whitespace())
        });
        // A row of cells without text, and the header once more, are passed over.
        prop_assert!(given <= wanted.count());
    }
}
