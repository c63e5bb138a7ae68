//! Files that were made to do harm, read apart as the server reads them.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used)]

use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use media::apart::{Program, isolate};
use media::{Error, Extracted, Limits, Result, extract};
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Examples are built beside the tests: `target/debug/examples/` next to `target/debug/deps/`.
fn apart() {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().unwrap().parent().unwrap().join("examples/extract_worker");
    assert!(path.exists(), "`{}` is missing: `cargo build -p media --examples`", path.display());
    isolate(Program { path, arguments: Vec::new() });
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/samples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn limits(seconds: u64) -> Limits {
    Limits { time: Duration::from_secs(seconds), ..Limits::default() }
}

/// What a caller may rely on, whatever the file.
fn check(outcome: &Result<Extracted>, what: &str) {
    match outcome {
        Ok(extracted) => {
            let mut at = 0;
            for block in &extracted.blocks {
                assert!(block.span.start >= at && block.span.end > block.span.start, "{what}: {:?}", block.span);
                assert!(extracted.text.get(block.span.clone()).is_some(), "{what}: {:?}", block.span);
                at = block.span.end;
            }
            assert!(!extracted.text.contains(['\0', '\r']), "{what}");
        }
        Err(error) => assert!(!matches!(error, Error::Unavailable { .. }), "{what}: {error}"),
    }
}

/// A file with some of its bytes changed, cut out, repeated or swapped.
fn mutated(original: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..random.random_range(1..12) {
        let at = random.random_range(0..bytes.len());
        let length = random.random_range(1..=(bytes.len() - at).min(64));
        match random.random_range(0..6) {
            0 => bytes[at] ^= 1 << random.random_range(0..8),
            1 => random.fill_bytes(&mut bytes[at..at + length]),
            2 if bytes.len() > 128 => drop(bytes.drain(at..at + length)),
            3 => {
                let piece = bytes[at..at + length].to_vec();
                bytes.splice(at..at, piece);
            }
            // Numbers are lengths and places.
            4 => {
                if let Some(digit) = bytes[at..].iter_mut().find(|byte| byte.is_ascii_digit()) {
                    *digit = b'0' + random.random_range(0..10);
                }
            }
            _ => {
                let other = random.random_range(0..bytes.len());
                bytes.swap(at, other);
            }
        }
    }
    bytes
}

fn mutate(name: &str, original: &[u8], mutations: u64) {
    apart();
    for seed in 0..mutations {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let bytes = mutated(original, &mut random);
        check(&extract(name, None, &bytes, &limits(20)), &format!("{name}, seed {seed}"));
    }
}

/// The parts of an archive, for mutations that a checksum would hide.
fn mutate_parts(name: &str, mutations: u64) {
    apart();
    let original = sample(name);
    let mut archive = zip::ZipArchive::new(Cursor::new(&original)).unwrap();
    let parts: Vec<(String, Vec<u8>)> = (0..archive.len())
        .map(|at| {
            let mut part = archive.by_index(at).unwrap();
            let mut bytes = Vec::new();
            std::io::copy(&mut part, &mut bytes).unwrap();
            (part.name().unwrap().into_owned(), bytes)
        })
        .collect();
    for seed in 0..mutations {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let chosen = random.random_range(0..parts.len());
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (at, (part, bytes)) in parts.iter().enumerate() {
            zip.start_file(part.as_str(), SimpleFileOptions::default().compression_method(CompressionMethod::Stored))
                .unwrap();
            let bytes = if at == chosen && !bytes.is_empty() { mutated(bytes, &mut random) } else { bytes.clone() };
            zip.write_all(&bytes).unwrap();
        }
        let bytes = zip.finish().unwrap().into_inner();
        check(&extract(name, None, &bytes, &limits(20)), &format!("{name}, part {}, seed {seed}", parts[chosen].0));
    }
}

macro_rules! mutations {
    ($($test:ident: $run:expr;)*) => {
        $(#[test]
        fn $test() {
            $run;
        })*
    };
}

// 2,000 files of each format.
mutations! {
    mutations_of_columns_end: mutate("two-columns.pdf", &sample("two-columns.pdf"), 400);
    mutations_of_a_table_end: mutate("plain-table.pdf", &sample("plain-table.pdf"), 400);
    mutations_of_fonts_end: mutate("scripts.pdf", &sample("scripts.pdf"), 400);
    mutations_of_pages_end: mutate("many-pages.pdf", &sample("many-pages.pdf"), 400);
    mutations_of_encryption_end: mutate("owner.pdf", &sample("owner.pdf"), 400);
    mutations_of_a_document_end: mutate("damage.docx", &sample("damage.docx"), 1800);
    mutations_of_a_workbook_end: mutate("fleet.xlsx", &sample("fleet.xlsx"), 1000);
    mutations_of_a_presentation_end: mutate("training.pptx", &sample("training.pptx"), 1000);
    mutations_of_a_documents_parts_end: mutate_parts("damage.docx", 200);
    mutations_of_a_workbooks_parts_end: mutate_parts("fleet.xlsx", 1000);
    mutations_of_a_presentations_parts_end: mutate_parts("training.pptx", 1000);
    mutations_of_a_web_page_end: mutate("page.html", PAGE.as_bytes(), 2000);
    mutations_of_markdown_end: mutate("page.md", MARKDOWN.as_bytes(), 2000);
    mutations_of_csv_end: mutate("rows.csv", b"name;city;\"a \"\"b\"\"\"\nAna;Rome;1\nBo;\"Oslo;\n\";2\n".repeat(8).as_slice(), 2000);
    mutations_of_json_end: mutate("value.json", br#"{"a": [1, 2.5e3, {"b": "\u00e4\n"}], "c": null, "d": [[["e"]]]}"#, 2000);
}

const PAGE: &str = "<!doctype html><html><head><title>T</title></head><body><table><tr><td>a<td><b>b<i>c</b>d</i><tr><th \
                    colspan=2>e</table><ul><li>f<ol><li>g</ol></ul><pre> h\n i</pre><p>j&amp;k<div><svg><a>l</svg>m</body>";
const MARKDOWN: &str =
    "---\ntitle: a\n---\n# b\n\n- c\n  - d\n\n> e\n\n| f | g |\n| - | - |\n| h | i |\n\n```\nj\n```\n[^1]\n\n[^1]: k\n";

/// A PDF of the objects, with a table of objects that is found by searching for them.
fn pdf(objects: &[String]) -> Vec<u8> {
    let mut file = String::from("%PDF-1.7\n");
    for (number, object) in objects.iter().enumerate() {
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", number + 1));
    }
    file.push_str("trailer << /Root 1 0 R >>\n%%EOF\n");
    file.into_bytes()
}

fn stream(dictionary: &str, content: &str) -> String {
    format!("<< {dictionary} /Length {} >>\nstream\n{content}\nendstream", content.len())
}

#[test]
fn forms_in_forms_in_forms_end_in_time() {
    apart();
    // Each form draws the next one ten times: 10^15 drawings.
    let depth = 15;
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /XObject << /F 5 0 R >> >> >>"
            .to_owned(),
        stream("", "/F Do"),
    ];
    for level in 0..depth {
        let next = format!("/XObject << /F {} 0 R >>", 6 + level);
        let form = format!("/Type /XObject /Subtype /Form /BBox [0 0 600 800] /Resources << {next} >>");
        objects.push(stream(&form, &"/F Do ".repeat(10)));
    }
    objects.push(stream("/Type /XObject /Subtype /Form /BBox [0 0 600 800]", "0 0 1 1 re f"));
    let started = Instant::now();
    assert_eq!(extract("forms.pdf", None, &pdf(&objects), &limits(1)), Err(Error::TooSlow { seconds: 1 }));
    assert!(started.elapsed() < Duration::from_secs(60));
    // The next file is read.
    assert!(extract("a.txt", None, b"fine", &limits(20)).is_ok());
}

#[test]
fn an_archive_that_expands_without_end_is_refused() {
    apart();
    for (part, name) in
        [("word/document.xml", "a.docx"), ("xl/workbook.xml", "a.xlsx"), ("ppt/presentation.xml", "a.pptx")]
    {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file(part, SimpleFileOptions::default()).unwrap();
        for _ in 0..20 {
            zip.write_all(&vec![b' '; 1 << 20]).unwrap();
        }
        let bytes = zip.finish().unwrap().into_inner();
        assert!(bytes.len() < 1 << 20);
        let limits = Limits { expanded_bytes: 10 << 20, ..limits(60) };
        assert_eq!(extract(name, None, &bytes, &limits), Err(Error::ExpandsTooMuch { limit: 10 << 20 }));
    }
}

#[test]
fn a_sheet_of_two_cells_far_apart_is_two_cells() {
    apart();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let parts = [
        (
            "_rels/.rels",
            "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'><Relationship Id='r1' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument' Target='xl/workbook.xml'/></Relationships>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'><Relationship Id='r1' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet' Target='worksheets/sheet1.xml'/></Relationships>",
        ),
        (
            "xl/workbook.xml",
            "<workbook xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main' xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'><sheets><sheet name='S' sheetId='1' r:id='r1'/></sheets></workbook>",
        ),
        (
            "xl/worksheets/sheet1.xml",
            "<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'><sheetData><row r='1'><c r='A1'><v>1</v></c></row><row r='1048576'><c r='XFD1048576'><v>2</v></c></row></sheetData></worksheet>",
        ),
    ];
    for (name, text) in parts {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    assert_eq!(extract("far.xlsx", None, &bytes, &limits(20)).unwrap().text, "1\n2");
}

#[test]
fn a_text_as_large_as_a_file_may_be_is_read_or_refused() {
    apart();
    let text = "x".repeat(50 << 20);
    assert_eq!(extract("a.txt", None, text.as_bytes(), &limits(60)), Err(Error::TooMuchText { limit: 32 << 20 }));
    let gigabyte = Error::TooLarge { bytes: 1 << 30, limit: 50 << 20 };
    assert_eq!(Limits::default().admit(1 << 30), Err(gigabyte));
}
