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
    let (row, cells) = &sheets[0].rows[0];
    assert_eq!((*row, cells.len(), cells[1].text.as_str()), (1_048_576, 2, "far"));
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

/// A file is told from all formats, not only by its own layout: the texts of the built-in tests are each
/// claimed by one format.
#[test]
fn no_two_formats_claim_what_a_built_in_test_holds() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/layout/built_in");
    let mut told = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let layout: toml::Table = text.parse().unwrap();
        for test in layout["test"].as_array().unwrap() {
            let text = test["text"].as_str().unwrap();
            let bytes = match test.get("encoding") {
                Some(_) => encoding_rs::GB18030.encode(text).0.into_owned(),
                None => text.as_bytes().to_vec(),
            };
            let format = Catalogue::built_in().identify(&Input::of_bytes(&bytes).head).unwrap().format;
            assert_eq!(format.id(), layout["id"].as_str().unwrap());
            told += 1;
        }
    }
    assert_eq!(told, 18);
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
    catalogue.add(Arc::new(Layout::parse(LAYOUT).unwrap())).unwrap();
    assert!(catalogue.add(Arc::new(Layout::parse(LAYOUT).unwrap())).is_err());
    assert_eq!(catalogue.formats().count(), before + 1);
    let input = Input::of_bytes(b"Datum;Zweck;Betrag\n01.02.2026;a;1,00\n");
    assert_eq!(catalogue.identify(&input.head).unwrap().format.id(), "my-bank");
    let own = Layout::parse(&LAYOUT.replace("my-bank", "jd.user-statement")).unwrap();
    catalogue.add(Arc::new(own)).unwrap();
    assert_eq!(catalogue.formats().count(), before + 1);
    assert_eq!(catalogue.find("jd.user-statement").unwrap().title(), "My bank");
    let added: Vec<&str> = catalogue.added().map(Format::id).collect();
    assert_eq!(added, ["my-bank", "jd.user-statement"]);
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

/// A layout with few fields, to which a test adds what it is about.
fn plain(more: &str) -> String {
    format!(
        "id = \"x\"\ntitle = \"x\"\ncurrency = \"EUR\"\n{more}\n[recognise]\ncolumns = [\"day\", \"sum\"]\n"
    )
}

#[test]
fn a_column_that_is_not_there_is_named_unless_it_may_lack() {
    let text = b"day,sum\n2026-01-01,5\n";
    for (more, name) in [
        ("[record]\namount = \"sum\"\ncurrency = \"cur\"\n", "cur"),
        ("[record]\namount = \"sum\"\n[status]\ncolumn = \"state\"\notherwise = \"booked\"\n", "state"),
        ("[record]\namount = \"net\"\n[[derive]]\nname = \"net\"\nsum = [\"sum\", \"-costs\"]\n", "costs"),
        ("[record]\namount = \"sum\"\n[sets.a]\ncolumn = \"who\"\nwords = [\"x\"]\n", "who"),
        ("[record]\namount = \"sum\"\n[file]\nloose = \"text\"\n", "text"),
    ] {
        let error = with(&(plain("") + more), text).unwrap_err();
        assert!(error.contains(&format!("there is no column {name}")), "{error}");
        let lenient = more.replace(&format!("\"{name}\""), &format!("\"{name}?\""));
        let lenient = lenient.replace("-costs", "-costs?");
        assert_eq!(records(&with(&(plain("") + &lenient), text).unwrap()).len(), 1, "{lenient}");
    }
}

#[test]
fn derived_columns_use_only_those_before_them_and_hide_none() {
    let of = |derive: &str| {
        Layout::parse(&(plain("") + "[record]\namount = \"sum\"\n" + derive)).map_err(|e| e.to_string())
    };
    let itself = "[[derive]]\nname = \"a\"\nsum = [\"a\"]\n";
    assert!(of(itself).unwrap_err().contains("not made before it"));
    let later = "[[derive]]\nname = \"a\"\nfrom = \"{b}\"\n[[derive]]\nname = \"b\"\nfrom = \"{sum}\"\n";
    assert!(of(later).unwrap_err().contains("not made before it"));
    let hides = plain("") + "[record]\namount = \"sum\"\n[[derive]]\nname = \"day\"\nfrom = \"x\"\n";
    assert!(with(&hides, b"day,sum\n1,2\n").unwrap_err().contains("as a [[derive]]"));
}

/// A layout may come from others: doubling a text forty times must not take the memory.
#[test]
fn derived_texts_do_not_grow_without_bounds() {
    let mut layout = plain("") + "[record]\namount = \"sum\"\n";
    for at in 0..41 {
        let from = if at == 0 { "day".to_owned() } else { format!("d{}", at - 1) };
        layout += &format!("[[derive]]\nname = \"d{at}\"\nfrom = \"{{{from}}}{{{from}}}\"\n");
    }
    let events = with(&layout, b"day,sum\n2026-01-01,5\n").unwrap();
    assert!(faults(&events)[0].contains("would be longer than"), "{:?}", faults(&events));
    let wide = plain("")
        + "[record]\namount = \"sum\"\n[[derive]]\nname = \"w\"\nfrom = \"{day}\"\nmatch = '(.*)'\ngive = \""
        + &"$1".repeat(30_000)
        + "\"\n";
    let text = format!("day,sum\n{},5\n", "x".repeat(100_000));
    assert!(faults(&with(&wide, text.as_bytes()).unwrap())[0].contains("would be longer"));
}

/// Each key of the reference that no other test needs: what it adds to a layout, a file, and what comes out.
#[test]
fn the_keys_of_the_reference_do_what_it_says() {
    let cases: [(&str, &[u8], &str); 13] = [
        ("[lines]\nskip = ['^--']\n", b"day,sum\n--,9\n1,5\n", "5"),
        ("[file]\nmultiline = true\n", b"day,sum\n\"1\n2\",5\n", "5"),
        ("", b"day,sum\n\"1\n2\",5\n", "! line 2; 5"),
        ("[file]\nquote = \"none\"\n", b"day,sum\n\"1,5\n", "5"),
        ("[file]\nquote = \"single\"\n", b"day,sum\n'1,2',5\n", "5"),
        ("[file]\ndelimiter = \"tab\"\n", b"day\tsum\n1,2\t5\n", "5"),
        ("[file]\ndelimiter = \"bar\"\n", b"day|sum\n1|5\n", "5"),
        (
            "[file]\nencoding = \"windows-1252\"\n[direction]\ncolumn = \"day\"\nwords = { neutral = [\"caf\u{e9}\"] }\n",
            b"day,sum\ncaf\xE9,-5\n",
            "5 neutral",
        ),
        (
            "[kind]\ncolumn = \"day\"\nwords = { refund = [\"r*\"] }\notherwise = \"fee\"\n",
            b"day,sum\nrx,5\nx,6\n",
            "5 refund; 6 fee",
        ),
        (
            "[status]\ncolumn = \"day\"\nwords = { failed = [\"no\"] }\n",
            b"day,sum\nno,5\nyes,6\n",
            "5 failed; ! line 3",
        ),
        ("blank = [\"n/a\"]\n", b"day,sum\n1,n/a\n2,---\n3,5\n", "! line 2; ! line 3; 5"),
        ("[record]\nsign = \"reversed\"\n", b"day,sum\n1,5\n", "-5"),
        ("[record]\nfee = \"day\"\nfee_sign = \"movement\"\n", b"day,sum\n-0.5,5\n", "5 fee 0.5"),
    ];
    for (more, text, expected) in cases {
        // A key without a table stands in front, one of [record] beside the amount.
        let (front, more) = if more.starts_with("blank") { (more, "") } else { ("", more) };
        let layout = match more.strip_prefix("[record]\n") {
            Some(keys) => format!("{}[record]\namount = \"sum\"\n{keys}", plain(front)),
            None => format!("{}{more}[record]\namount = \"sum\"\n", plain(front)),
        };
        let mut told = Vec::new();
        for event in with(&layout, text).unwrap() {
            match event {
                Event::Record(r) => {
                    let mut one = r.amount.to_string();
                    for word in [r.kind.name(), r.status.name(), r.direction.name()] {
                        if !["other", "booked", "in", "out"].contains(&word) {
                            one = format!("{one} {word}");
                        }
                    }
                    told.push(r.fee.map_or(one.clone(), |fee| format!("{one} fee {fee}")));
                }
                Event::Fault(fault) => told.push(format!("! line {}", fault.place.line)),
                Event::Check(_) | Event::Statement(_) => {}
            }
        }
        assert_eq!(told.join("; "), expected, "{layout}");
    }
    let without = plain("") + "without = [\"extra\"]\n[record]\namount = \"sum\"\n";
    assert!(with(&without, b"day,sum,extra\n1,5,x\n").unwrap_err().contains("no header"));
    let times = plain("zone = \"-05:30\"\n") + "[record]\namount = \"sum\"\ntime = \"day\"\n";
    let events = with(&times, b"day,sum\n2026-01-02 03:04:05,5\n").unwrap();
    assert_eq!(records(&events)[0].time.unwrap().to_string(), "2026-01-02T03:04:05-05:30");
}

#[test]
fn contradictions_are_faults() {
    let sides = plain("") + "[record]\ncredit = \"sum\"\ndebit = \"day\"\n";
    let read = |layout: &str, text: &str| {
        let events = with(layout, text.as_bytes()).unwrap();
        let amounts: Vec<String> = records(&events).iter().map(|r| r.amount.to_string()).collect();
        (amounts, faults(&events).len())
    };
    assert_eq!(read(&sides, "day,sum\n-5,\n,-5\n5,\n"), (vec!["-5".to_owned()], 2));
    let out = sides.clone() + "minus = \"out\"\n";
    assert_eq!(read(&out, "day,sum\n-5,\n,-5\n"), (vec!["-5".to_owned()], 1));
    let cancelled = sides + "minus = \"cancelled\"\n";
    assert_eq!(read(&cancelled, "day,sum\n-5,\n,-5\n").0, ["5", "-5"]);
    let one = plain("") + "[record]\namount = \"sum\"\n";
    assert_eq!(read(&one, "day,sum\n1,$5\n1,€5\n1,1.234\n1,5.100\n"), (vec!["5".into(), "5.100".into()], 2));
}

#[test]
fn what_surrounds_the_rows_is_read_as_the_rows_are() {
    let layout = "id = \"x\"\ntitle = \"x\"\ncurrency = \"EUR\"\ndates = [\"%d.%m.%Y\"]\n[recognise]\n\
        columns = [\"day\", \"sum\"]\n[file]\ndelimiter = \"semicolon\"\n[numbers]\ndecimal_mark = \"comma\"\n\
        [lines]\nread = ['^from;(?<from>\\S+)', '^count;(?<all_count>\\S+)', '^out;(?<out_amount>\\S+)', \
        '^open;(?<opening>\\S+)', '^close;(?<closing>\\S+)']\nfooter = ['^count', '^open', '^end']\n\
        [record]\namount = \"sum\"\nbalance = \"left?\"\n";
    let text = "from;01.02.2026\nday;sum;left\n1;-1.000,50;99,50\n1;5,00;104,50\ncount;2\nout;-1.000,50\nopen;1.100,00\n\
        close;104,50\n";
    let events = with(layout, text.as_bytes()).unwrap();
    assert_eq!(faults(&events), Vec::<String>::new());
    assert_eq!(
        checks(&events),
        [
            "number of records: 2 of 2",
            "sum of out records: 1000.50 of 1000.50",
            "closing balance: 104.50 of 104.50",
            "opening balance of the oldest row: 1100.00 of 1100.00",
            "closing balance of the newest row: 104.50 of 104.50",
            "rows whose balance follows, oldest first: 1 of 1",
        ]
    );
    // A wrong opening balance is seen though no row says it.
    let events = with(layout, text.replace("1.100,00", "1.101,00").as_bytes()).unwrap();
    assert_eq!(crate::kit::failing(&events).len(), 2);
    // A second table after the end is not lost in silence.
    let events = with(layout, (text.to_owned() + "day;sum;left\n1;7,00;111,50\n").as_bytes()).unwrap();
    assert!(faults(&events)[0].contains("the header once more"), "{:?}", faults(&events));
}

#[test]
fn sums_are_in_the_currency_of_their_row() {
    let layout = plain("[numbers]\nimplied = \"currency\"\n")
        + "[[derive]]\nname = \"twice\"\nsum = [\"sum\", \"sum\"]\n[record]\namount = \"twice\"\n\
           currency = \"day\"\n";
    let events = with(&layout, b"day,sum\nJPY,1050\nEUR,1050\n").unwrap();
    let amounts: Vec<String> = records(&events).iter().map(|r| r.amount.to_string()).collect();
    assert_eq!(amounts, ["2100", "21.00"]);
}

#[test]
fn a_net_is_compared_where_the_fee_is_blank_too() {
    let layout = plain("") + "[record]\namount = \"sum\"\nfee = \"fee\"\nnet = \"net\"\n";
    let events = with(&layout, b"day,sum,fee,net\n1,100,,95\n1,100,5,95\n1,100,,\n").unwrap();
    assert_eq!(checks(&events), ["net: 100 of 95", "rows whose amount less fee is their net: 1 of 2"]);
}

/// Balances are of one currency: that of the statement, or of all its rows.
#[test]
fn a_closing_balance_is_of_one_currency() {
    let lines = "[lines]\nread = ['^open (?<opening>\\S+)', '^close (?<closing>\\S+)']\n";
    let named = plain(lines) + "[record]\namount = \"sum\"\ncurrency = \"day\"\n";
    let unnamed = named.replace("currency = \"EUR\"\n", "");
    let mixed = b"open 100\nclose 105\nday,sum\nUSD,7\nEUR,5\n";
    assert_eq!(checks(&with(&named, mixed).unwrap()), ["closing balance: 105 of 105"]);
    assert_eq!(checks(&with(&unnamed, mixed).unwrap()), Vec::<String>::new());
    let one = b"open 100\nclose 107\nday,sum\nUSD,7\n";
    assert_eq!(checks(&with(&unnamed, one).unwrap()), ["closing balance: 107 of 107"]);
}

#[test]
fn carriage_returns_lose_no_row() {
    let layout = plain("") + "[record]\namount = \"sum\"\n";
    let events = with(&layout, b"day,sum\n2026-01-01,5\r2026-01-02,6\n").unwrap();
    assert_eq!((records(&events).len(), faults(&events).len()), (0, 1));
    let events = with(&layout, b"day,sum\r2026-01-01,5\r2026-01-02,6\r").unwrap();
    assert_eq!(records(&events).len(), 2);
}

#[test]
fn an_amount_of_fixed_width_that_was_cut_is_a_fault() {
    let layout = "id = \"x\"\ntitle = \"x\"\ncurrency = \"CNY\"\n[file]\nshape = \"fixed-width\"\n\
        columns = [{ name = \"code\", width = 3 }, { name = \"sum\", width = 10 }]\n\
        [recognise]\nrows = '^S'\n[numbers]\nimplied = 2\n[record]\namount = \"sum\"\n";
    let events = with(layout, b"S220000012345\nS220000\n").unwrap();
    assert_eq!(records(&events).len(), 1);
    assert_eq!(faults(&events).len(), 1);
}

/// Written by openpyxl: a sheet that is hidden and holds a copy, numbers and text side by side, an error, and
/// a second sheet whose header differs.
#[test]
fn sheets_are_left_out_only_when_nobody_sees_them() {
    let layout = plain("[numbers]\ndecimal_mark = \"comma\"\n") + "[record]\namount = \"sum\"\n";
    let events = with(&layout, &fixture("sheets.xlsx")).unwrap();
    let amounts: Vec<String> = records(&events).iter().map(|r| r.amount.to_string()).collect();
    assert_eq!(amounts, ["12.34", "1234.50", "-0.05"]);
    assert_eq!(
        faults(&events),
        [
            "page 1, line 5, column 2: sum is not an amount: `#DIV/0!`",
            "page 2, line 1: sheet June has rows, but not the header of the others"
        ]
    );
}

#[test]
fn tests_that_compare_nothing_fail() {
    let text = plain("")
        + "[record]\namount = \"sum\"\n[[test]]\nname = \"a\"\nties = true\nencoding = \"utf-16le\"\n\
           text = \"day,sum\\n1,2\\n\"\n[[test]]\nname = \"b\"\nencoding = \"windows-1252\"\ntext = \"张\"\n";
    let outcomes = Layout::parse(&text).unwrap().test(&|_| Err(std::io::Error::other("none")));
    assert_eq!(outcomes[0].problems, ["the test says that it ties, but nothing is declared that could"]);
    assert_eq!(outcomes[1].problems, ["the text has characters that windows-1252 lacks"]);
}

proptest! {
    /// Whatever a table holds, each row becomes a record or a fault, and nothing panics.
    #[test]
    fn every_row_becomes_a_record_or_a_fault(rows in prop::collection::vec("[^\\r\\n]{0,40}", 0..20)) {
        let text = format!("Datum;Zweck;Betrag;Nummer\n{}\n", rows.join("\n"));
        let events = with(LAYOUT, text.as_bytes()).unwrap();
        let given = records(&events).len() + faults(&events).len();
        let before_end: Vec<&String> = rows.iter().take_while(|row| !row.starts_with("Ende;")).collect();
        let certain = before_end.iter().filter(|row| row.chars().any(char::is_alphanumeric)).count();
        prop_assert!(given >= certain, "a row is lost: {given} of {certain}");
        // Rows of cells without text are passed over.
        prop_assert!(given <= before_end.len());
    }
}
