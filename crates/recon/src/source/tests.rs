use super::*;
use proptest::prelude::*;
use std::io::Write;
use tempfile::TempDir;

struct Dir {
    dir: TempDir,
    spool: TempDir,
}

impl Dir {
    fn new() -> Dir {
        Dir { dir: TempDir::new().unwrap(), spool: TempDir::new().unwrap() }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn expand(&self, specs: &[&str]) -> Result<Vec<SourceFile>, SourceError> {
        self.expand_stdin(specs, b"")
    }

    fn expand_stdin(&self, specs: &[&str], mut stdin: &[u8]) -> Result<Vec<SourceFile>, SourceError> {
        let specs: Vec<String> = specs.iter().map(ToString::to_string).collect();
        expand_with(&specs, &self.spool.path().join("made/when/needed"), &mut stdin)
    }

    /// The names of the files, without the directory.
    fn names(&self, specs: &[&str]) -> Vec<String> {
        let prefix = format!("{}/", self.dir.path().display());
        let files = self.expand(specs).unwrap();
        files.iter().map(|file| file.name().trim_start_matches(&prefix).to_owned()).collect()
    }

    fn one(&self, name: &str, bytes: &[u8]) -> SourceFile {
        let path = self.write(name, bytes);
        let mut files = self.expand(&[&path]).unwrap();
        assert_eq!(files.len(), 1);
        files.remove(0)
    }
}

fn text_of(opened: Opened, name: &str) -> Result<Vec<u8>, (Vec<u8>, SourceError)> {
    let mut text = Vec::new();
    match opened.body {
        Body::Plain { file, start, len } => {
            text.resize(usize::try_from(len).unwrap(), 0);
            file.read_exact_at(&mut text, start).unwrap();
        }
        Body::Stream(mut stream) => {
            // An odd buffer, so that boundaries fall anywhere.
            let mut buffer = [0; 1_237];
            loop {
                match stream.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(len) => text.extend_from_slice(&buffer[..len]),
                    Err(error) => {
                        assert!(stream.read(&mut buffer).is_err(), "a failure stays a failure");
                        return Err((text, SourceError::from_read(name, error)));
                    }
                }
            }
        }
    }
    Ok(text)
}

fn read(file: &SourceFile, encoding: Encoding) -> Result<Vec<u8>, SourceError> {
    text_of(file.open(encoding)?, file.name()).map_err(|(_, error)| error)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd_frame(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// Writes a zip archive by hand, since archives with names in GBK are what libraries refuse to write.
fn zip(members: &[(&[u8], &[u8])]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        deflated.write_all(content).unwrap();
        let deflated = deflated.finish().unwrap();
        let mut checksum = flate2::Crc::new();
        checksum.update(content);
        let offset = u32::try_from(archive.len()).unwrap();
        let mut common = Vec::new();
        for number in [20_u16, 0, 8, 0, 0x21] {
            common.extend_from_slice(&number.to_le_bytes());
        }
        for number in [checksum.sum(), deflated.len() as u32, content.len() as u32] {
            common.extend_from_slice(&number.to_le_bytes());
        }
        common.extend_from_slice(&(name.len() as u16).to_le_bytes());
        common.extend_from_slice(&0_u16.to_le_bytes());
        archive.extend_from_slice(b"PK\x03\x04");
        archive.extend_from_slice(&common);
        archive.extend_from_slice(name);
        archive.extend_from_slice(&deflated);
        directory.extend_from_slice(b"PK\x01\x02\x14\x00");
        directory.extend_from_slice(&common);
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(name);
    }
    let at = u32::try_from(archive.len()).unwrap();
    archive.extend_from_slice(&directory);
    archive.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    archive.extend_from_slice(&(members.len() as u16).to_le_bytes());
    archive.extend_from_slice(&(members.len() as u16).to_le_bytes());
    archive.extend_from_slice(&(directory.len() as u32).to_le_bytes());
    archive.extend_from_slice(&at.to_le_bytes());
    archive.extend_from_slice(&[0, 0]);
    archive
}

/// Text longer than all buffers, with Chinese in it and no two lines alike.
fn long_text(lines: usize) -> String {
    (0..lines).map(|line| format!("订单{line},商户{},{}.30\r\n", line * 7, line % 1_000)).collect()
}

fn gb18030(text: &str) -> Vec<u8> {
    encoding_rs::GB18030.encode(text).0.into_owned()
}

fn from_gb18030(bytes: &[u8]) -> String {
    encoding_rs::GB18030.decode_without_bom_handling(bytes).0.into_owned()
}

#[test]
fn bytes_of_gb18030_that_changed_hands_are_read_as_the_standard_of_2022_says() {
    let dir = Dir::new();
    let file = dir.one("f", &[gb18030("付"), vec![0xA6, 0xD9], gb18030("\u{e78d}\n")].concat());
    assert_eq!(read(&file, Encoding::Gb18030).unwrap(), "付\u{fe10}\u{fe10}\n".as_bytes());
}

#[test]
fn arguments_expand_in_a_stable_order() {
    let dir = Dir::new();
    for name in ["b/2.csv", "b/10.csv", "b/.hidden", "b/_SUCCESS", "b/sub/x.csv", "a.csv", "c[1].csv"] {
        dir.write(name, b"x\n");
    }
    assert_eq!(dir.names(&[&dir.path("b"), &dir.path("a.csv")]), ["b/10.csv", "b/2.csv", "a.csv"]);
    assert_eq!(dir.names(&[&dir.path("b/*.csv")]), ["b/10.csv", "b/2.csv"]);
    assert_eq!(
        dir.names(&[&dir.path("**/*.csv")]),
        ["a.csv", "b/10.csv", "b/2.csv", "b/sub/x.csv", "c[1].csv"]
    );
    assert_eq!(dir.names(&[&dir.path("c[1].csv")]), ["c[1].csv"], "a file's name before a pattern");
    assert_eq!(dir.names(&[&dir.path("[ab]*")]), ["a.csv"], "patterns give files only");
}

#[test]
fn arguments_that_name_nothing_are_named_errors() {
    let dir = Dir::new();
    dir.write("day/bills-2026-11-11.csv", b"x\n");
    dir.write("hidden/.a", b"x\n");
    dir.write("hidden/sub/b", b"x\n");
    let fail = |spec: &str| dir.expand(&[&dir.path(spec)]).unwrap_err();

    let error = fail("day/bill-2026-11-11.csv");
    assert_eq!(error.code(), "source_missing");
    assert_eq!(error.hint().unwrap(), format!("did you mean `{}`?", dir.path("day/bills-2026-11-11.csv")));
    assert!(fail("day/bills-2026-11-11.csv.gz").hint().unwrap().contains("11.csv`?"));
    assert!(fail("day/BILLS-2026-11-11.CSV").hint().unwrap().contains("bills"));
    assert!(!fail("day/wallet.csv").hint().unwrap().contains("did you mean"));
    assert_eq!(
        fail("no/such/x.csv").hint().unwrap(),
        format!("the directory `{}` does not exist", dir.path("no"))
    );
    assert_eq!(fail("day/*.tsv").code(), "source_no_match");
    assert_eq!(fail("day/[.csv").code(), "source_bad_pattern");
    let error = fail("hidden");
    assert!(matches!(error, SourceError::NoFiles { hidden: 1, directories: 1, .. }), "{error}");
    assert_eq!(dir.expand(&["/dev/null"]).unwrap_err().code(), "source_not_a_file");
}

#[test]
fn a_file_named_twice_is_refused_however_it_is_named() {
    let dir = Dir::new();
    let path = dir.write("a.csv", b"x\n");
    std::os::unix::fs::symlink(&path, dir.path("link.csv")).unwrap();
    for second in [path.clone(), dir.path("./a.csv"), dir.path("*.csv"), dir.path("link.csv")] {
        match dir.expand(&[&path, &second]).unwrap_err() {
            SourceError::NamedTwice { first, second: named, .. } => {
                assert_eq!((first, named), (path.clone(), second))
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(dir.expand(&["-", "-"]).unwrap_err().code(), "source_named_twice");
    // Equal content under two names is no mistake; digests tell.
    let copy = dir.write("copy", b"x\n");
    let files = dir.expand(&[&path, &copy]).unwrap();
    assert_eq!(files[0].digest().unwrap(), files[1].digest().unwrap());
    assert_eq!(files[0].digest().unwrap(), blake3::hash(b"x\n"));
}

#[test]
fn standard_input_is_spooled_and_read_twice() {
    let dir = Dir::new();
    let text = long_text(9_000);
    for stored in [text.clone().into_bytes(), gzip(text.as_bytes()), gb18030(&text)] {
        let files = dir.expand_stdin(&["-"], &stored).unwrap();
        assert_eq!(files[0].name(), "-");
        for _ in 0..2 {
            assert_eq!(read(&files[0], Encoding::Auto).unwrap(), text.as_bytes());
        }
    }
    let files = dir.expand_stdin(&["-"], &zip(&[(b"m.csv", b"x,y\n")])).unwrap();
    assert_eq!(files[0].name(), "-:m.csv");
    let error = dir.expand_stdin(&["-"], b"").unwrap()[0].open(Encoding::Auto).unwrap_err();
    assert_eq!(error.code(), "source_empty");
}

#[test]
fn named_pipes_are_spooled() {
    let dir = Dir::new();
    let path = dir.path("pipe");
    let status = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(status.success());
    let writer = {
        let path = path.clone();
        std::thread::spawn(move || std::fs::write(path, b"k,v\n1,2\n").unwrap())
    };
    let files = dir.expand(&[&path]).unwrap();
    writer.join().unwrap();
    assert_eq!(files[0].name(), path);
    assert_eq!(read(&files[0], Encoding::Auto).unwrap(), b"k,v\n1,2\n");
}

#[test]
fn every_container_and_encoding_gives_the_same_text() {
    let dir = Dir::new();
    let text = long_text(9_000);
    let utf8 = text.clone().into_bytes();
    let mark = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to_bytes).collect::<Vec<u8>>();
    let halves = {
        let (a, b) = utf8.split_at(utf8.len() / 2);
        (a.to_vec(), b.to_vec())
    };
    use TextEncoding::{Gb18030, Utf8, Utf16Be, Utf16Le};
    let cases: Vec<(&str, Vec<u8>, TextEncoding, bool)> = vec![
        ("plain", utf8.clone(), Utf8, true),
        ("utf-8 mark", mark(b"\xEF\xBB\xBF", &utf8), Utf8, true),
        ("gzip", gzip(&utf8), Utf8, false),
        ("gzip, utf-8 mark", gzip(&mark(b"\xEF\xBB\xBF", &utf8)), Utf8, false),
        ("gzip, two members", [gzip(&halves.0), gzip(&halves.1)].concat(), Utf8, false),
        ("zstd", zstd_frame(&utf8), Utf8, false),
        ("zstd, two frames", [zstd_frame(&halves.0), zstd_frame(&halves.1)].concat(), Utf8, false),
        (
            "zstd, skippable first",
            [b"\x50\x2A\x4D\x18\x03\0\0\0abc", &*zstd_frame(&utf8)].concat(),
            Utf8,
            false,
        ),
        ("zstd in gzip", gzip(&zstd_frame(&utf8)), Utf8, false),
        ("gb18030", gb18030(&text), Gb18030, false),
        ("gb18030 mark", mark(b"\x84\x31\x95\x33", &gb18030(&text)), Gb18030, false),
        ("gb18030 in gzip", gzip(&gb18030(&text)), Gb18030, false),
        ("utf-16le", mark(b"\xFF\xFE", &utf16(u16::to_le_bytes)), Utf16Le, false),
        ("utf-16be", mark(b"\xFE\xFF", &utf16(u16::to_be_bytes)), Utf16Be, false),
    ];
    for (what, stored, encoding, plain) in &cases {
        let file = dir.one("file", stored);
        for time in ["once", "again"] {
            let opened = file.open(Encoding::Auto).unwrap();
            assert_eq!(opened.encoding, *encoding, "{what}");
            assert_eq!(matches!(opened.body, Body::Plain { .. }), *plain, "{what}");
            assert!(utf8.starts_with(&opened.head) && opened.head.len() > HEAD_BYTES - 4, "{what}");
            assert!(!opened.head_is_all);
            assert_eq!(text_of(opened, file.name()).unwrap(), utf8, "{what} {time}");
        }
        // The same as a member of an archive.
        let path = dir.write("file.zip", &zip(&[(b"m", stored)]));
        let member = dir.expand(&[&path]).unwrap().remove(0);
        assert_eq!(read(&member, Encoding::Auto).unwrap(), utf8, "{what} in zip");
    }
}

#[test]
fn a_declared_encoding_is_believed_unless_the_mark_contradicts() {
    let dir = Dir::new();
    let ascii = dir.one("ascii", b"a,b\r\n1,2\r\n");
    let opened = ascii.open(Encoding::Gb18030).unwrap();
    assert_eq!(opened.encoding, TextEncoding::Gb18030);
    assert!(opened.head_is_all);
    assert_eq!(text_of(opened, "ascii").unwrap(), b"a,b\r\n1,2\r\n", "line ends are left alone");
    let gbk = dir.one("gbk", &gb18030("商户\n"));
    assert_eq!(read(&gbk, Encoding::Utf8).unwrap(), gb18030("商户\n"), "UTF-8 is not checked here");
    let marked = dir.one("marked", b"\xEF\xBB\xBFa\n");
    assert_eq!(marked.open(Encoding::Gb18030).unwrap_err().code(), "source_encoding_conflict");
    let wide = dir.one("wide", b"\xFF\xFEa\0\n\0");
    assert_eq!(wide.open(Encoding::Utf8).unwrap_err().code(), "source_encoding_conflict");
    let unmarked = dir.one("unmarked", b"a\0,\0b\0\n\0");
    assert_eq!(unmarked.open(Encoding::Auto).unwrap_err().code(), "source_unsupported");
}

#[test]
fn the_beginning_decides_even_when_it_cuts_a_character() {
    let dir = Dir::new();
    for shift in 0..3 {
        let text = format!("{}{}", "x".repeat(shift), "付".repeat(HEAD_BYTES / 3 + 10));
        let file = dir.one("cut", text.as_bytes());
        assert_eq!(file.open(Encoding::Auto).unwrap().encoding, TextEncoding::Utf8, "{shift}");
    }
    // At the end of a whole file the same bytes are not UTF-8.
    let file = dir.one("whole", &"付款".as_bytes()[..5]);
    assert_eq!(file.open(Encoding::Auto).unwrap().encoding, TextEncoding::Gb18030);
}

#[test]
fn malformed_text_is_an_error_with_its_place() {
    let dir = Dir::new();
    let good = gb18030(&long_text(20_000));
    // A trail byte that no lead byte allows, far behind the first buffers.
    let bad_at = good.len();
    let stored = [&good[..], b"\x81\x20,tail\n", &good[..]].concat();
    for stored in [stored.clone(), gzip(&stored)] {
        let file = dir.one("bad.csv", &stored);
        let (text, error) = text_of(file.open(Encoding::Auto).unwrap(), file.name()).unwrap_err();
        match &error {
            SourceError::Malformed { offset, line, encoding: "GB18030", .. } => {
                assert_eq!((*offset, *line), (bad_at as u64, 20_001));
            }
            other => panic!("{other}"),
        }
        assert!(error.to_string().contains("because the beginning is not UTF-8"), "{error}");
        assert_eq!(text, long_text(20_000).as_bytes(), "what is before it is given");
    }
    let marked = [b"\x84\x31\x95\x33".as_slice(), &gb18030("付\n"), b"\xFF"].concat();
    let file = dir.one("marked.csv", &marked);
    match read(&file, Encoding::Gb18030).unwrap_err() {
        SourceError::Malformed { offset: 7, line: 2, .. } => {}
        other => panic!("{other}"),
    }
    // Cut inside a character.
    let cut = read(&dir.one("cut.csv", &[&good[..], b"\x81"].concat()), Encoding::Auto).unwrap_err();
    assert!(matches!(cut, SourceError::Malformed { .. }), "{cut}");
}

#[test]
fn cut_off_and_damaged_containers_are_named_with_their_offset() {
    let dir = Dir::new();
    let text = long_text(30_000);
    for (container, stored) in [("gzip", gzip(text.as_bytes())), ("zstd", zstd_frame(text.as_bytes()))] {
        for cut in [stored.len() / 2, stored.len() - 1, 20] {
            let file = dir.one("cut.csv", &stored[..cut]);
            let (text_before, error) = match file.open(Encoding::Auto) {
                Ok(opened) => text_of(opened, file.name()).unwrap_err(),
                Err(error) => (Vec::new(), error),
            };
            match &error {
                SourceError::Truncated { name, container: found, offset } => {
                    assert_eq!((name.as_str(), *found), (file.name(), container));
                    assert_eq!(*offset, text_before.len() as u64);
                }
                other => panic!("{container} cut at {cut}: {other}"),
            }
            assert!(text.as_bytes().starts_with(&text_before));
        }
        let mut damaged = stored.clone();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 40].fill(0x55);
        let error = read(&dir.one("damaged.csv", &damaged), Encoding::Auto).unwrap_err();
        assert_eq!(error.code(), "source_damaged", "{container}: {error}");
    }
    // Cut inside a character, which must not make the beginning look like another encoding.
    let mut stored = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    stored.write_all("付".repeat(1_000).as_bytes()).unwrap();
    let stored = stored.finish().unwrap();
    for cut in 900..903 {
        let file = dir.one("cut.csv", &stored[..cut]);
        let opened = file.open(Encoding::Auto).unwrap();
        assert_eq!(opened.encoding, TextEncoding::Utf8);
        let (before, error) = text_of(opened, file.name()).unwrap_err();
        assert!(
            matches!(error, SourceError::Truncated { offset, .. } if offset == before.len() as u64),
            "{error}"
        );
    }
    let archive = zip(&[(b"m.csv", text.as_bytes())]);
    let path = dir.write("cut.zip", &archive[..archive.len() - 30]);
    let error = dir.expand(&[&path]).unwrap_err();
    assert!(error.to_string().contains("cut off"), "{error}");
    let mut damaged = archive.clone();
    let late = damaged.len() / 4 * 3;
    damaged[late..late + 40].fill(0x55);
    let path = dir.write("damaged.zip", &damaged);
    let member = dir.expand(&[&path]).unwrap().remove(0);
    let error = read(&member, Encoding::Auto).unwrap_err();
    assert!(
        matches!(
            &error,
            SourceError::Damaged { container: "zip", .. } | SourceError::Truncated { container: "zip", .. }
        ),
        "{error}"
    );
}

#[test]
fn a_zip_member_must_have_the_declared_length_and_checksum() {
    let dir = Dir::new();
    let archive = zip(&[(b"m.csv", b"k,v\n1,2\n")]);
    let directory = archive.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    for (at, what) in [(directory + 16, "checksum"), (directory + 24, "content")] {
        for change in [1_u8, 0xFF] {
            let mut wrong = archive.clone();
            wrong[at] = wrong[at].wrapping_add(change);
            let path = dir.write("wrong.zip", &wrong);
            let error = dir.expand(&[&path]).unwrap().remove(0).open(Encoding::Auto);
            let error =
                error.map_err(|e| (Vec::new(), e)).and_then(|o| text_of(o, "wrong.zip")).unwrap_err().1;
            assert!(
                matches!(error, SourceError::Damaged { .. } | SourceError::Truncated { .. }),
                "{what}: {error}"
            );
        }
    }
}

#[test]
fn archives_expand_to_their_members() {
    let dir = Dir::new();
    let gbk = gb18030("账单/2026-11-11 明细.csv");
    let path = dir.write(
        "bills.zip",
        &zip(&[
            (&gbk, b"gbk\n"),
            ("微信.csv".as_bytes(), b"utf8\n"),
            (b"b.csv", b"b\n"),
            (b"a.csv", b"a\n"),
            (b"sub/", b""),
            (b"sub/.hidden", b"x"),
            (b"__MACOSX/b.csv", b"x"),
        ]),
    );
    assert_eq!(
        dir.names(&[&path]),
        ["bills.zip:a.csv", "bills.zip:b.csv", "bills.zip:微信.csv", "bills.zip:账单/2026-11-11 明细.csv",]
    );
    let files = dir.expand(&[&path]).unwrap();
    let texts: Vec<_> = files.iter().map(|file| read(file, Encoding::Auto).unwrap()).collect();
    assert_eq!(texts, [b"a\n".as_slice(), b"b\n", b"utf8\n", b"gbk\n"]);
    assert_ne!(files[0].digest().unwrap(), files[1].digest().unwrap());

    let fail = |bytes: &[u8]| dir.expand(&[&dir.write("x.zip", bytes)]).unwrap_err();
    assert_eq!(fail(&zip(&[])).code(), "source_no_files");
    assert_eq!(fail(&zip(&[(b".a", b"x")])).code(), "source_no_files");
    // A workbook is one file, which who knows its layout can read.
    let workbook = zip(&[(b"[Content_Types].xml", b"<x/>"), (b"xl/workbook.xml", b"")]);
    let files = dir.expand(&[&dir.write("x.xlsx", &workbook)]).unwrap();
    assert_eq!(files.len(), 1);
    assert!(files[0].open(Encoding::Auto).unwrap_err().to_string().contains("Excel"));
    let mut bytes = Vec::new();
    files[0].open_bytes().unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, workbook);
    assert_eq!(fail(&zip(&[(b"a", b"1"), (b"a", b"2")])).code(), "source_damaged");
    let mut encrypted = zip(&[(b"a", b"1")]);
    let directory = encrypted.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    encrypted[directory + 8] |= 1;
    encrypted[6] |= 1;
    assert!(fail(&encrypted).to_string().contains("encrypted"));
    let mut link = zip(&[(b"a", b"target")]);
    let directory = link.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    link[directory + 5] = 3;
    link[directory + 38..directory + 42].copy_from_slice(&(0o120_777_u32 << 16).to_le_bytes());
    assert!(fail(&link).to_string().contains("symbolic link"));
    let nested = dir.write("nested.zip", &zip(&[(b"inner.zip", &zip(&[(b"a", b"1")]))]));
    let error = dir.expand(&[&nested]).unwrap()[0].open(Encoding::Auto).unwrap_err();
    assert!(error.to_string().contains("zip archive inside"), "{error}");
    let empty = dir.write("empty.zip", &zip(&[(b"a", b"")]));
    assert_eq!(dir.expand(&[&empty]).unwrap()[0].open(Encoding::Auto).unwrap_err().code(), "source_empty");
}

#[test]
fn bombs_are_refused() {
    let dir = Dir::new();
    // A zip that declares far more than its bytes can hold.
    let mut archive = zip(&[(b"m", b"1")]);
    let directory = archive.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    archive[directory + 24..directory + 28].copy_from_slice(&0xF000_0000_u32.to_le_bytes());
    let path = dir.write("bomb.zip", &archive);
    assert_eq!(dir.expand(&[&path]).unwrap_err().code(), "source_bomb");
    // A zstd file of zeros, told while it is read.
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    let block = [b"1,2,3\n".repeat(1_000)].concat();
    for _ in 0..EXPANSION_FREE_BYTES as usize / block.len() + 1_000 {
        encoder.write_all(&block).unwrap();
    }
    let file = dir.one("bomb.csv.zst", &encoder.finish().unwrap());
    match file.open(Encoding::Auto).unwrap().body {
        Body::Stream(mut stream) => {
            let error = io::copy(&mut stream, &mut io::sink()).unwrap_err();
            let error = SourceError::from_read(file.name(), error);
            assert!(
                matches!(error, SourceError::Bomb { bytes, .. } if bytes > EXPANSION_FREE_BYTES),
                "{error}"
            );
        }
        Body::Plain { .. } => panic!("compressed"),
    }
}

#[test]
fn empty_files_are_named_whatever_they_are_wrapped_in() {
    let dir = Dir::new();
    for stored in [
        b"".to_vec(),
        b"\xEF\xBB\xBF".to_vec(),
        gzip(b""),
        zstd_frame(b""),
        gzip(b"\xEF\xBB\xBF"),
        b"\xFF\xFE".to_vec(),
    ] {
        let error = dir.one("empty.csv", &stored).open(Encoding::Auto).unwrap_err();
        assert_eq!(error.code(), "source_empty", "{stored:?}: {error}");
    }
}

#[test]
fn kinds_that_are_not_read_are_named() {
    let dir = Dir::new();
    let tar = [&[b'x'; 257][..], b"ustar\0"].concat();
    let cases: [(&[u8], &str); 6] = [
        (b"BZh91AY&SY....", "bzip2"),
        (b"\xFD7zXZ\0\0\x04", "xz"),
        (b"7z\xBC\xAF\x27\x1C\0\x04", "7z"),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "Excel"),
        (b"%PDF-1.7\n", "PDF"),
        (&tar, "tar"),
    ];
    for (bytes, what) in cases {
        for stored in [bytes.to_vec(), gzip(bytes)] {
            let error = dir.one("file", &stored).open(Encoding::Auto).unwrap_err();
            assert!(error.code() == "source_unsupported" && error.to_string().contains(what), "{error}");
        }
    }
}

#[test]
fn a_file_that_changed_is_refused() {
    let dir = Dir::new();
    let file = dir.one("a.csv", b"k,v\n1,2\n");
    read(&file, Encoding::Auto).unwrap();
    dir.write("a.csv", b"k,v\n1,2\n3,4\n");
    assert_eq!(file.open(Encoding::Auto).unwrap_err().code(), "source_changed");
    assert_eq!(file.digest().unwrap_err().code(), "source_changed");
    std::fs::remove_file(dir.path("a.csv")).unwrap();
    assert_eq!(file.open(Encoding::Auto).unwrap_err().code(), "source_io");
}

#[test]
fn progress_counts_stored_bytes() {
    let dir = Dir::new();
    let stored = gzip(long_text(9_000).as_bytes());
    let file = dir.one("a.csv.gz", &stored);
    assert_eq!(file.stored_len(), stored.len() as u64);
    let opened = file.open(Encoding::Auto).unwrap();
    let read = Arc::clone(&opened.stored_read);
    text_of(opened, file.name()).unwrap();
    assert_eq!(read.load(std::sync::atomic::Ordering::Relaxed), stored.len() as u64);
}

#[test]
fn the_kind_of_file_is_told_from_its_text() {
    use Format::{Csv, Ndjson, Tsv};
    let cases: &[(&str, &str, Format, u8)] = &[
        ("id,amount,note\n1,2.00,x\n", "a", Csv, b','),
        ("id\tamount\tnote\n1\t2,00\ta,b,c\n2\t3,00\td\n", "a", Tsv, b'\t'),
        ("id;amount;note\n1;2,00;x\n2;3,00;x\n", "a", Csv, b';'),
        ("id|amount|note\n1|2.00|x,y\n", "a", Csv, b'|'),
        ("id,note\n1,\"a;b;c;d\"\n2,\"x\ny;z\"\n", "a", Csv, b','),
        ("#支付宝账务明细\n#账号:[1]\n\nid,amount,date,time\n1,2,3,4\n1,2,3,4\n", "a", Csv, b','),
        ("id\n1\n2\n", "a.csv", Csv, b','),
        ("id\n1\n2\n", "A.TSV.gz", Tsv, b'\t'),
        ("id\tamount", "a", Tsv, b'\t'),
        ("{\"id\":1}\n{\"id\":2}\n", "a", Ndjson, b','),
        ("\n  {\"id\":1}\r\n", "a.csv", Ndjson, b','),
        ("{\"id\":\"cut off by the head", "a", Ndjson, b','),
        ("{a},b\n{c},d\n", "a", Csv, b','),
        ("[a],b\n[c],d\n", "a", Csv, b','),
        ("", "a", Csv, b','),
        ("PAR1,PAR2\n1,2\n", "a", Csv, b','),
        ("a\"b,c\n1,2\n1,2\n", "a", Csv, b','),
    ];
    for (head, name, format, delimiter) in cases {
        let detected = detect_format(head.as_bytes(), name).unwrap();
        assert_eq!(detected, Detected { format: *format, delimiter: *delimiter }, "{head:?}");
    }
    for document in ["[\n {\"id\":1},\n {\"id\":2}\n]\n", "{\n  \"id\": 1\n}\n"] {
        let error = detect_format(document.as_bytes(), "a.json").unwrap_err();
        assert_eq!(error.code(), "source_unsupported", "{document}");
    }
    let dir = Dir::new();
    let file = dir.one("a.csv", &gzip(&gb18030("编号|金额\n1|2\n")));
    assert_eq!(file.detect(Encoding::Auto).unwrap(), Detected { format: Csv, delimiter: b'|' });
}

/// Reads to the end or to the error, in pieces of `piece` bytes.
fn read_in_pieces(file: &SourceFile, piece: usize) -> (Vec<u8>, Option<SourceError>) {
    let opened = match file.open(Encoding::Auto) {
        Ok(opened) => opened,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let Body::Stream(mut stream) = opened.body else {
        return text_of(opened, "").map(|t| (t, None)).unwrap();
    };
    let (mut text, mut buffer) = (Vec::new(), vec![0; piece]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (text, None),
            Ok(len) => text.extend_from_slice(&buffer[..len]),
            Err(error) => return (text, Some(SourceError::from_read("", error))),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_comes_back_through_any_container(
        // A first letter that is neither UTF-8 by chance nor one of the known file kinds.
        text in "账[^\\u{0}]{0,300}",
        repeat in 1..400_usize,
        encoding in 0..4,
        container in 0..4,
        piece in 1..5_000_usize,
    ) {
        // Two dozen private characters (U+E78D and its like) have the bytes that GB18030-2022 gave to
        // others, and U+E5E5 has none: written and read once, a text is what the encoding can carry.
        let text = if encoding == 1 { from_gb18030(&gb18030(&text)) } else { text };
        let text = text.repeat(repeat);
        let wide = |to_bytes: fn(u16) -> [u8; 2], mark: u16| -> Vec<u8> {
            std::iter::once(mark).chain(text.encode_utf16()).flat_map(to_bytes).collect()
        };
        let stored = match encoding {
            0 => text.clone().into_bytes(),
            1 => [b"\x84\x31\x95\x33", &*gb18030(&text)].concat(),
            2 => wide(u16::to_le_bytes, 0xFEFF),
            _ => wide(u16::to_be_bytes, 0xFEFF),
        };
        let stored = match container {
            0 => stored,
            1 => gzip(&stored),
            2 => zstd_frame(&stored),
            _ => zip(&[(b"m", &stored)]),
        };
        let dir = Dir::new();
        let (found, error) = read_in_pieces(&dir.one("file", &stored), piece);
        prop_assert!(error.is_none(), "{:?}", error);
        prop_assert_eq!(found, text.into_bytes());
    }

    #[test]
    fn a_container_cut_anywhere_never_ends_cleanly(
        lines in 1..4_000_usize,
        cut in any::<prop::sample::Index>(),
        zstandard in any::<bool>(),
        piece in 1..70_000_usize,
    ) {
        // Mostly Chinese, so that most cuts fall inside a character.
        let text = long_text(lines).replace(',', "，");
        let stored = if zstandard { zstd_frame(text.as_bytes()) } else { gzip(text.as_bytes()) };
        // The first four bytes tell what it is.
        let stored = &stored[..4 + cut.index(stored.len() - 4)];
        let dir = Dir::new();
        let (found, error) = read_in_pieces(&dir.one("file", stored), piece);
        prop_assert!(text.as_bytes().starts_with(&found));
        match error {
            Some(SourceError::Truncated { offset, .. }) => prop_assert_eq!(offset, found.len() as u64),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn no_bytes_make_it_panic(
        magic in prop::sample::select(vec![&b""[..], b"\x1F\x8B\x08\x00", b"\x28\xB5\x2F\xFD", b"PK\x03\x04", b"PAR1\0", b"\xFF\xFE", b"{"]),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let dir = Dir::new();
        let path = dir.write("file", &[magic, &bytes].concat());
        if let Ok(files) = dir.expand(&[&path]) {
            let _ = files[0].detect(Encoding::Auto);
            let _ = read_in_pieces(&files[0], 100);
            let _ = parquet::ParquetSource::open(&files[0]);
        }
    }

    #[test]
    fn damaged_archives_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5)) {
        let dir = Dir::new();
        let mut archive = zip(&[(b"a.csv", b"k,v\n1,2\n"), ("付.csv".as_bytes(), &long_text(50).into_bytes())]);
        for (at, byte) in changes {
            let at = at.index(archive.len());
            archive[at] = byte;
        }
        let path = dir.write("file", &archive);
        for file in dir.expand(&[&path]).unwrap_or_default() {
            let _ = read_in_pieces(&file, 1_000);
        }
    }
}
