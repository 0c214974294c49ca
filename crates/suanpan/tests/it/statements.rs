//! Statements in place of tables: told by content, held against what they declare, and reconciled without
//! rules.

use crate::world::World;
use serde_json::Value;

/// A Stripe report that fits `docs/examples/first/ledger.csv` in two orders and differs in one.
pub(crate) const STRIPE: &str = "\
balance_transaction_id,created,available_on,currency,gross,fee,net,reporting_category,source_id,description,payment_metadata[order_id]
txn_1,2026-11-11 01:02:03,2026-11-13 00:00:00,cny,12.30,0.30,12.00,charge,ch_1,First,A1001
txn_2,2026-11-11 02:02:03,2026-11-13 00:00:00,cny,99.00,0.50,98.50,charge,ch_2,Second,A1002
txn_3,2026-11-11 03:02:03,2026-11-13 00:00:00,cny,7.77,0.07,7.70,charge,ch_3,Third,A1005
txn_4,2026-11-11 04:02:03,2026-11-11 04:02:03,cny,-99.00,0.00,-99.00,refund,re_1,Second,A1002
";

fn world(books: &str) -> World {
    let world = World::empty();
    world.write("books.csv", books);
    world.write("stripe.csv", STRIPE);
    world
}

#[test]
fn books_are_fitted_to_a_statement_without_rules_and_the_report_is_right_to_the_cent() {
    // Cents in the books, refunds written as positive with a word, one amount off by one, one order unknown.
    let books = "order_no,kind,cents\nA1001,payment,1230\nA1002,payment,9900\nA1005,payment,778\nA1002,refund,9900\nA9,payment,100\n";
    let world = world(books);
    let ran = world.line("reconcile books.csv stripe.csv --out out").ends(1);
    assert!(ran.stderr.contains("they are fitted"), "{}", ran.stderr);
    let summary = world.summary("out");
    let count = |code: &str| summary["outcomes"][code]["count"].as_u64().unwrap_or(0);
    assert_eq!((count("MATCHED"), count("AMOUNT_MISMATCH"), count("MISSING_IN_B")), (3, 1, 1), "{summary:#}");
    let breaks = world.text("out/breaks.csv");
    let row = breaks.lines().find(|line| line.contains("AMOUNT_MISMATCH")).unwrap();
    // The row that is shown is the line of the statement.
    assert!(row.contains("7.78") && row.contains("7.77") && row.contains("stripe.csv,4,"), "{row}");
    let delivered: Value = serde_json::from_slice(&world.read("out/statements.json")).unwrap();
    assert_eq!(delivered[0]["format"], "stripe.report");
    assert_eq!((&delivered[0]["records"], &delivered[0]["checks_failed"]), (&4.into(), &0.into()));
    // The fitted rules are kept, and give the same again.
    assert!(world.text("out/rules.toml").contains("format = \"statement\""));
    world.line("reconcile books.csv stripe.csv --rules out/rules.toml --out again").ends(1);
    assert_eq!(world.summary("again")["digest"], summary["digest"]);
}

#[test]
fn a_statement_that_does_not_tie_is_used_only_when_somebody_answers_for_it() {
    let world = world("order_no,amount\nA1001,12.30\nA1002,99.00\nA1005,7.77\nA1002,-99.00\n");
    world.line("reconcile books.csv stripe.csv").ends(0);
    world.write("stripe.csv", STRIPE.replace("12.00,charge", "11.00,charge"));
    let ran = world.line("reconcile books.csv stripe.csv").ends(2);
    assert!(
        ran.stderr.contains("error[statement_untied]") && ran.stderr.contains("--accept-untied"),
        "{ran:?}"
    );
    world.line("reconcile books.csv stripe.csv --accept-untied Li_Lei --out out").ends(0);
    let delivered: Value = serde_json::from_slice(&world.read("out/statements.json")).unwrap();
    assert_eq!(delivered[0]["accepted_by"], "Li_Lei");
    assert!(delivered[0]["findings"][0].as_str().unwrap().contains("11.00"), "{delivered:#}");
}

#[test]
fn a_file_delivered_twice_or_in_part_counts_once() {
    let world = world("order_no,amount\nA1001,12.30\nA1002,99.00\nA1005,7.77\nA1002,-99.00\n");
    let part: String = STRIPE.lines().take(3).map(|line| format!("{line}\n")).collect();
    world.write("part.csv", part);
    // Other bytes, the same records.
    world.write("again.csv", STRIPE.replace('\n', "\r\n"));
    let ran =
        world.line("reconcile books.csv part.csv --right stripe.csv --right again.csv --out out").ends(0);
    assert!(
        ran.stderr.contains("left out: part.csv holds the first 2 of the 4 records of stripe.csv"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("left out: again.csv holds the same records as stripe.csv"), "{ran:?}");
    assert_eq!(world.summary("out")["outcomes"]["MATCHED"]["count"], 4);
}

#[test]
fn what_a_file_is_and_what_is_in_it_can_be_looked_at() {
    let world = world("order_no,amount\nA1001,12.30\n");
    let told = world.line("formats identify stripe.csv").ends(0).stdout;
    assert!(told.contains("stripe.report") && told.contains("because"), "{told}");
    let refused = world.line("formats identify books.csv").ends(2).stdout;
    assert!(refused.contains("no known format") && refused.contains("paypal.settlement"), "{refused}");
    let table = world.line("formats show stripe.csv").ends(0).stdout;
    assert!(table.contains("A1001") && table.contains("ties in all"), "{table}");
    let csv = world.line("formats show stripe.csv --format csv").ends(0).stdout;
    assert_eq!(csv.lines().count(), 5, "{csv}");
    let json = world.line("formats show stripe.csv --format json --limit 1").ends(0).stdout;
    let record: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let record = record.iter().find_map(|event| event.get("record")).unwrap();
    assert_eq!((&record["amount"], &record["place"]["line"]), (&"12.30".into(), &2.into()));
    assert!(record["raw"].as_str().unwrap().starts_with("txn_1,"));
    world.write("bad.csv", STRIPE.replace("12.30", "12,x"));
    let bad = world.line("formats show bad.csv").ends(1).stdout;
    assert!(bad.contains("cannot be read: line 2, column") && bad.contains("A1002"), "{bad}");
    world.line("formats show books.csv").ends(2);
    world.line("formats show stripe.csv --as nothing").ends(2);
    assert!(world.line("formats list").ends(0).stdout.contains("adyen.settlement-details"));
}

/// Reads a real file that lies beside the project.
fn sample(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Counts of outcomes and the sums of differences of a run without rules.
fn reconciled(world: &World, books: &str, statement: &str, status: i32) -> Value {
    world.write("books.csv", books);
    world.line(&format!("reconcile books.csv {statement} --out out")).ends(status);
    let mut summary = world.summary("out");
    summary["outcomes"].take()
}

#[test]
fn a_wechat_bill_against_books_in_cents() {
    let world = World::empty();
    world.write("bill.csv", sample("wechat/tradebill_all_2014_24col.csv"));
    let books = "out_trade_no,total_fee\n1415640626,1\n1415635270,1\n";
    assert_eq!(reconciled(&world, books, "bill.csv", 0)["MATCHED"]["count"], 2);
    let books = "out_trade_no,total_fee\n1415640626,1\n1415635270,2\n1415635271,5\n";
    let outcomes = reconciled(&world, books, "bill.csv", 1);
    assert_eq!(outcomes["AMOUNT_MISMATCH"]["count"], 1);
    assert_eq!(outcomes["MISSING_IN_B"]["amounts"]["CNY"]["left"]["minor"], "5", "{outcomes:#}");
}

#[test]
fn an_alipay_archive_with_names_in_gbk_against_books() {
    use std::io::Write;
    let gbk = |text: &str| encoding_rs::GB18030.encode(text).0.into_owned();
    let bill = "#支付宝业务明细查询\n#账号：[20881234567890120156]\n#起始日期：[2026年11月25日 00:00:00]   终止日期：[2026年11月26日 00:00:00]\n#---业务明细列表---\n支付宝交易号,商户订单号,业务类型,商品名称,完成时间,订单金额（元）,商家实收（元）,商家优惠（元）,退款批次号/请求号,服务费（元）,备注\n2026001\t,A1\t,交易,茶,2026-11-25 10:00:05,100.00,100.00,0.00,,-0.60,\n2026001\t,A1\t,退款,茶,2026-11-25 12:00:05,-40.00,-40.00,0.00,R1\t,0.24,\n#---业务明细列表结束---\n#交易合计：1笔，商家实收共100.00元，商家优惠共0.00元\n#退款合计：1笔，商家实收退款共-40.00元，商家优惠退款共0.00元\n";
    let sums = "#支付宝业务汇总查询\n#账号：[20881234567890120156]\n门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,实收净额（元）\n合计,,1,1,60.00,60.00,60.00\n";
    // Written by hand, since names that are not UTF-8 are what these archives have and no writer gives.
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for (name, text) in [("业务明细.csv", bill), ("业务明细(汇总).csv", sums)] {
        let (name, data) = (gbk(name), gbk(text));
        let offset = u32::try_from(archive.len()).unwrap();
        let len = u32::try_from(data.len()).unwrap().to_le_bytes();
        let name_len = u16::try_from(name.len()).unwrap().to_le_bytes();
        let mut crc = flate2::Crc::new();
        crc.update(&data);
        let common = [
            &[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0][..],
            &crc.sum().to_le_bytes(),
            &len,
            &len,
            &name_len,
            &[0, 0],
        ]
        .concat();
        directory
            .extend([&b"PK\x01\x02\x14\0"[..], &common, &[0; 10], &offset.to_le_bytes(), &name].concat());
        archive.write_all(&[&b"PK\x03\x04"[..], &common, &name, &data].concat()).unwrap();
    }
    let start = u32::try_from(archive.len()).unwrap().to_le_bytes();
    let len = u32::try_from(directory.len()).unwrap().to_le_bytes();
    archive.extend([&directory[..], b"PK\x05\x06\0\0\0\0\x02\0\x02\0", &len, &start, &[0, 0]].concat());
    let world = World::empty();
    world.write("alipay.zip", archive);
    let outcomes = reconciled(&world, "no,amount\nA1,100.00\nR1,-40.00\n", "alipay.zip", 0);
    assert_eq!(outcomes["MATCHED"]["count"], 2, "{outcomes:#}");
    let outcomes = reconciled(&world, "no,amount\nA1,100.00\nR1,-40.01\n", "alipay.zip", 1);
    assert_eq!(outcomes["AMOUNT_MISMATCH"]["amounts"]["CNY"]["delta"]["minor"], "-1", "{outcomes:#}");
}

#[test]
fn a_camt_053_against_books_by_end_to_end_id() {
    let world = World::empty();
    world.write("camt.xml", sample("camt/genkgo__camt053.v2.multi.statement.xml"));
    let books = "reference;amount;currency\n000000001;8,85;EUR\n000000002;-7,00;EUR\n";
    assert_eq!(reconciled(&world, books, "camt.xml", 0)["MATCHED"]["count"], 2);
    // A file whose totals do not tie is not used without a word.
    world.write("camt.xml", sample("camt/genkgo__camt053.v2.five.decimals.xml"));
    let ran = world.line("reconcile books.csv camt.xml").ends(2);
    assert!(ran.stderr.contains("difference 0.050"), "{ran:?}");
}

#[test]
fn an_mt940_against_books_by_bank_reference_or_by_amount_and_day() {
    let world = World::empty();
    world.write("bank.sta", sample("mt940/cmxl__mt940_2.sta"));
    let books =
        "bank_ref,amount\n8327000090031789,20000.00\n8327000090031790,-10000.00\n8327000090031791,40.00\n";
    let outcomes = reconciled(&world, books, "bank.sta", 0);
    assert_eq!(outcomes["MATCHED"]["count"], 3, "{outcomes:#}");
    // Without a reference in common.
    let books = "day,text,amount\n2003-10-20,card,20000.00\n2003-10-21,transfer,-10000.00\n2003-10-19,interest,40.00\n";
    let outcomes = reconciled(&world, books, "bank.sta", 0);
    assert_eq!(outcomes["MATCHED"]["count"], 3, "{outcomes:#}");
}

fn example(name: &str) -> Vec<u8> {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/layout").join(name);
    std::fs::read(path).unwrap()
}

#[test]
fn a_layout_of_ones_own_is_tested_and_makes_a_file_a_statement() {
    let world = world("order_no,amount\nA1001,12.30\nA1002,99.00\nA1005,7.77\nA1002,-99.00\n");
    world.write("my-bank.toml", example("my-bank.toml"));
    world.write("may.csv", example("may.csv"));
    world.line("formats identify may.csv").ends(2);
    let ran = world.line("formats list --layout my-bank.toml --layout my-bank.toml").ends(2);
    assert!(ran.stderr.contains("error[layout_twice]"), "{ran:?}");
    // Who names a layout is told why it does not claim a file.
    world.write("june.csv", "Datum,Betrag\n");
    let ran = world.line("reconcile books.csv june.csv --layout my-bank.toml");
    assert!(
        ran.stderr.contains("june.csv: not of the layout my-bank.statement: none of the first"),
        "{ran:?}"
    );
    let ran = world.line("formats test my-bank.toml").ends(0);
    assert!(ran.stdout.ends_with("2 passed, 0 failed\n"), "{ran:?}");
    let told = world.line("formats identify may.csv --layout my-bank.toml --json").ends(0);
    assert!(told.stdout.contains("\"format\":\"my-bank.statement\""), "{told:?}");
    world.line("reconcile books.csv may.csv --layout my-bank.toml --out out").ends(0);
    assert_eq!(world.summary("out")["outcomes"]["MATCHED"]["count"], 4);
    // A changed cent is seen by the layout's sums, and by its test.
    world.write("may.csv", String::from_utf8(example("may.csv")).unwrap().replace("7,77;", "7,78;"));
    let ran = world.line("reconcile books.csv may.csv --layout my-bank.toml").ends(2);
    assert!(ran.stderr.contains("error[statement_untied]"), "{ran:?}");
    let ran = world.line("formats test my-bank.toml").ends(1);
    assert!(ran.stdout.contains("sum of in records: the file says 119.07, its rows give 119.08"), "{ran:?}");
}

#[test]
fn a_wrong_layout_is_refused_at_its_line() {
    let world = world("x\n");
    let text = String::from_utf8(example("my-bank.toml")).unwrap();
    world.write("odd.toml", text.replace("refund = [", "refnd = ["));
    let ran = world.line("formats test odd.toml").ends(2);
    assert!(ran.stderr.contains("error[layout_wrong]: `refnd` is none of payment"), "{ran:?}");
    assert!(ran.stderr.contains("odd.toml:44:"), "{ran:?}");
    world.write("bare.toml", text.split("[[test]]").next().unwrap());
    assert!(world.line("formats test bare.toml").ends(2).stderr.contains("layout_untested"));
    world.write("away.toml", text.replace("\"may.csv\"", "\"../may.csv\""));
    assert!(world.line("formats test away.toml").ends(1).stdout.contains("without .. or /"));
}

#[test]
fn a_workbook_is_a_statement_or_a_table() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../formats/tests/fixtures");
    let world = world("order,amount\nA1,12.50\nA2,7\n");
    for name in ["books.xlsx", "cmb.xlsx", "cmb.xls"] {
        world.write(name, std::fs::read(fixtures.join(name)).unwrap());
    }
    world.line("reconcile init books.csv books.xlsx -o rules.toml").ends(0);
    let ran = world.line("reconcile books.csv books.xlsx --rules rules.toml --out out").ends(0);
    assert!(ran.stderr.contains("is read as a table with 2 rows"), "{ran:?}");
    assert_eq!(world.summary("out")["outcomes"]["MATCHED"]["count"], 2);
    // A row whose last cells are empty is as wide as the others: a remark is lost, not the row.
    world.write("remarks.csv", "order,amount,remark\nA1,12.50,x\nA2,7,\n");
    world.write("remarks.xlsx", std::fs::read(fixtures.join("remarks.xlsx")).unwrap());
    world.line("reconcile init remarks.csv remarks.xlsx -o remarks.toml").ends(0);
    world.line("reconcile remarks.csv remarks.xlsx --rules remarks.toml --out out").ends(0);
    assert_eq!(world.summary("out")["outcomes"]["MATCHED"]["count"], 2);
    world.write("cmb.csv", "day,amount\n2026-01-01,1234\n2026-01-02,-1000.10\n2026-01-03,0.30\n");
    for name in ["cmb.xlsx", "cmb.xls"] {
        world.line(&format!("reconcile cmb.csv {name} --out {name}.out")).ends(0);
    }
}

#[test]
fn payment_messages_are_held_against_a_scheme() {
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples/iso20022");
    let world = World::empty();
    for name in ["cbpr__valid_pacs008", "cbpr__invalid_missing_uetr", "fednow__invalid_eur"] {
        world.write(
            &format!("{name}.xml"),
            std::fs::read(samples.join(format!("mx20022__{name}.xml"))).unwrap(),
        );
    }
    let ran = world.line("formats show cbpr__valid_pacs008.xml --scheme cbpr").ends(0);
    assert!(ran.stdout.contains("keeps the rules of cbpr"), "{ran:?}");
    let ran = world.line("formats show cbpr__invalid_missing_uetr.xml --scheme cbpr").ends(1);
    assert!(ran.stdout.contains("BREAKS cbpr: message 1, ") && ran.stdout.contains("UETR"), "{ran:?}");
    let ran = world.line("formats show fednow__invalid_eur.xml --scheme fednow --format json").ends(1);
    assert!(ran.stdout.contains("{\"violation\":{\"message\":1"), "{ran:?}");
    world.write("stripe.csv", STRIPE);
    assert!(world.line("formats show stripe.csv --scheme sepa").ends(2).stderr.contains("scheme_unfit"));
    world.line("formats show stripe.csv --scheme sepe").ends(2);
}

/// Books made from a real export by other means than its reader: an id and cents a row, in another order.
#[test]
fn a_real_export_of_meituan_against_books_to_the_cent() {
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples/cn_wallets");
    let export = std::fs::read_to_string(samples.join("meituan_user_statement.csv")).unwrap();
    let world = World::empty();
    world.write("meituan.csv", &export);
    let mut books = vec![];
    for line in export.lines().skip_while(|line| !line.starts_with("交易创建时间")).skip(1) {
        let cells: Vec<&str> =
            line.split(',').map(|cell| cell.trim_matches(['"', '\t', ' ', '\r'])).collect();
        let [.., way, _, _, paid, _, order, _] = cells[..] else { panic!("{line}") };
        let cents: i64 = paid.trim_start_matches('¥').replace('.', "").parse().unwrap();
        books.push(format!("{order},{}", if way == "支出" { -cents } else { cents }));
    }
    assert_eq!(books.len(), 29);
    books.reverse();
    world.write("books.csv", format!("order_no,cents\n{}\n", books.join("\n")));
    world.line("reconcile books.csv meituan.csv --out out").ends(0);
    assert_eq!(world.summary("out")["outcomes"]["MATCHED"]["count"], 29);
    // A cent in the books is a difference of a cent, at the line of the export.
    let (id, cents) = books[0].split_once(',').unwrap();
    books[0] = format!("{id},{}", cents.parse::<i64>().unwrap() + 1);
    world.write("books.csv", format!("order_no,cents\n{}\n", books.join("\n")));
    world.line("reconcile books.csv meituan.csv --out out").ends(1);
    let summary = world.summary("out");
    assert_eq!(summary["outcomes"]["AMOUNT_MISMATCH"]["count"], 1, "{summary:#}");
    assert!(world.text("out/breaks.csv").contains("meituan.csv,49,"), "{}", world.text("out/breaks.csv"));
}
