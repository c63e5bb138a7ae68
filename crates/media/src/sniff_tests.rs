use super::*;

#[test]
fn bytes_decide_before_names_and_types() {
    for (name, declared, head, format) in [
        ("a.pdf", None, &b"%PDF-1.7\n"[..], Some(Format::Pdf)),
        ("a.txt", Some("text/plain"), b"junk before\n%PDF-1.4", Some(Format::Pdf)),
        ("a.txt", None, b"<!DOCTYPE html><p>Hi", Some(Format::Html)),
        ("a.md", None, b"<!-- note -->\n# Title", Some(Format::Markdown)),
        ("a.pdf", None, b"no PDF at all", Some(Format::Text)),
        ("a.docx", None, b"PK\x03\x04....word/document.xml", Some(Format::Docx)),
        ("a.docx", None, b"PK\x03\x04....xl/workbook.xml", Some(Format::Xlsx)),
        ("a.pptx", None, b"PK\x03\x04", Some(Format::Pptx)),
        ("a.zip", None, b"PK\x03\x04", None),
        ("a", Some("text/csv; charset=utf-8"), b"a,b", Some(Format::Csv)),
        ("a", None, b"{\"a\": 1}", Some(Format::Text)),
        ("a.JSON", None, b"{\"a\": 1}", Some(Format::Json)),
        ("a.md", Some("text/plain"), b"# A", Some(Format::Markdown)),
        ("a.txt", None, b"\x89PNG\r\n\x1a\n", None),
        ("a.py", None, b"print('text')", Some(Format::Text)),
        ("a.doc", None, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", None),
    ] {
        assert_eq!(sniff(name, declared, head), format, "{name} {declared:?} {head:?}");
    }
}

#[test]
fn xhtml_is_html_and_other_xml_is_text() {
    assert_eq!(sniff("a.xml", None, b"<?xml version='1.0'?><html xmlns='x'>"), Some(Format::Html));
    assert_eq!(sniff("a.xml", None, b"<?xml version='1.0'?><rows>"), Some(Format::Text));
}
