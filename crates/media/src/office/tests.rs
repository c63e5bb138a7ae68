use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::limits::Budget;
use crate::{Extracted, Limits};

fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A DOCX of nothing but its main part.
fn docx(body: &str) -> Result<Extracted> {
    let text = format!("<w:document xmlns:w='w'><w:body>{body}</w:body></w:document>");
    docx::extract(&archive(&[("word/document.xml", &text)]), &Budget::new(&Limits::default()))
}

#[test]
fn changes_that_are_tracked_count_as_made() {
    let text = docx(
        "<w:p><w:r><w:t>It is </w:t></w:r><w:del><w:r><w:delText>not </w:delText></w:r></w:del>\
         <w:ins><w:r><w:t>very </w:t></w:r></w:ins><w:r><w:t>good &lt;&#33;</w:t></w:r></w:p>",
    );
    assert_eq!(text.unwrap().text, "It is very good <!");
}

#[test]
fn a_box_of_text_follows_its_paragraph_once() {
    let text = docx(
        "<w:p><w:r><w:t>Before</w:t></w:r><w:r><mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>In the box\
         </w:t></w:r></w:p></w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent><w:p><w:r><w:t>In the box</w:t></w:r>\
         </w:p></w:txbxContent></mc:Fallback></mc:AlternateContent></w:r><w:r><w:t> and after.</w:t></w:r></w:p>",
    );
    assert_eq!(text.unwrap().text, "Before and after.\n\nIn the box");
}

#[test]
fn notes_stand_at_the_end_and_are_referred_to() {
    let rels = "<Relationships><Relationship Id='1' Type='x/footnotes' Target='footnotes.xml'/></Relationships>";
    let notes = "<w:footnotes><w:footnote w:id='0'><w:p/></w:footnote><w:footnote w:id='2'><w:p><w:r><w:t>Since May.</w:t>\
                 </w:r></w:p></w:footnote></w:footnotes>";
    let main = "<w:document><w:body><w:p><w:r><w:t>Open</w:t></w:r><w:r><w:footnoteReference w:id='2'/></w:r></w:p>\
                </w:body></w:document>";
    let bytes =
        archive(&[("word/document.xml", main), ("word/_rels/document.xml.rels", rels), ("word/footnotes.xml", notes)]);
    let text = docx::extract(&bytes, &Budget::new(&Limits::default())).unwrap().text;
    assert_eq!(text, "Open[^1]\n\n[^1]: Since May.");
}

#[test]
fn a_table_in_a_table_and_a_box_are_read() {
    let cell = |inner: &str| format!("<w:tc>{inner}</w:tc>");
    let p = |text: &str| format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>");
    let inner = format!("<w:tbl><w:tr>{}</w:tr></w:tbl>", cell(&p("inner")));
    let table = format!("<w:tbl><w:tr>{}{}</w:tr></w:tbl>", cell(&p("a")), cell(&format!("{}{inner}", p("b"))));
    assert_eq!(docx(&table).unwrap().text, "| a | b inner |\n| --- | --- |");
    assert_eq!(docx(&inner).unwrap().text, "inner");
}

#[test]
fn what_expands_too_far_is_refused_whatever_the_archive_declares() {
    let limits = Limits { expanded_bytes: 1 << 20, ..Limits::default() };
    let text = format!("<w:document><w:body>{}</w:body></w:document>", " ".repeat(2 << 20));
    let bytes = archive(&[("word/document.xml", &text), ("xl/workbook.xml", &text), ("ppt/presentation.xml", &text)]);
    assert!(bytes.len() < 20_000);
    for extract in [docx::extract, xlsx::extract, pptx::extract] {
        assert_eq!(extract(&bytes, &Budget::new(&limits)), Err(Error::ExpandsTooMuch { limit: 1 << 20 }));
    }
}

#[test]
fn parts_may_be_missing_or_broken() {
    let budget_limits = Limits::default();
    let budget = Budget::new(&budget_limits);
    let outcome = docx::extract(&archive(&[("word/other.xml", "<a/>")]), &budget);
    assert!(outcome.unwrap_err().to_string().contains("`word/document.xml`"));
    let outcome = docx("<w:p><w:r><w:t>cut");
    assert!(matches!(outcome, Err(Error::Corrupt { .. })), "{outcome:?}");
    let deep = "<w:tbl><w:tr><w:tc>".repeat(2000);
    assert!(docx(&deep).unwrap_err().to_string().contains("nested deeper"));
    assert!(matches!(format(b"PK\x03\x04 and nothing"), Err(Error::Corrupt { .. })));
    assert_eq!(format(&archive(&[("notes.txt", "a")])), Ok(None));
}

#[test]
fn an_entity_that_a_document_declares_is_nothing() {
    let text = "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><w:document><w:body><w:p><w:r><w:t>x&b;y\
                </w:t></w:r></w:p></w:body></w:document>";
    let bytes = archive(&[("word/document.xml", text)]);
    assert_eq!(docx::extract(&bytes, &Budget::new(&Limits::default())).unwrap().text, "xy");
}
