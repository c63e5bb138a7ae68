use super::*;
use crate::{Block, Error, Limits};

fn read(html: &str) -> Extracted {
    extract(html.as_bytes(), None, &Budget::new(&Limits::default())).unwrap()
}

fn kinds(extracted: &Extracted) -> Vec<(BlockKind, &str)> {
    let piece = |block: &Block| (block.kind, extracted.text[block.span.clone()].to_owned());
    extracted.blocks.iter().map(piece).map(|(kind, text)| (kind, &*text.leak())).collect()
}

#[test]
fn what_is_read_stays_and_the_rest_goes() {
    let page = read(
        "<!doctype html><title>A &amp; B</title><style>p{}</style><script>x()</script><nav><a>Home</a></nav>\
         <div hidden>no</div><p style='display: none'>no</p><h2>Fees</h2><p>One\n  <b>two</b>\tthree&nbsp;four &eacute;\
         <br>five</p>six<div>seven<p>eight</div><noscript>no</noscript>",
    );
    assert_eq!(page.title.as_deref(), Some("A & B"));
    assert_eq!(page.text, "Fees\n\nOne two three four é\nfive\n\nsix\n\nseven\n\neight");
    assert_eq!(kinds(&page)[0], (BlockKind::Heading(2), "Fees"));
}

#[test]
fn lists_have_their_bullets_and_numbers() {
    let page = read("<ul><li>a<li><p>b</p><ol start=3><li>c</li><li>d</li></ol></ul><p>e");
    assert_eq!(page.text, "- a\n- b\n3. c\n4. d\n\ne");
    assert!(kinds(&page)[..4].iter().all(|(kind, _)| *kind == BlockKind::ListItem));
}

#[test]
fn tables_are_tables_and_layouts_are_not() {
    let page = read(
        "<table><caption>Prices</caption><thead><tr><th colspan=2>Class</th><th>Day</th></tr></thead>\
         <tr><td>Small<td><div>x</div>y<td>29 <b>a</b>\n day</table><ul><li></ul>",
    );
    assert_eq!(page.text, "Prices\n\n| Class |  | Day |\n| --- | --- | --- |\n| Small | x y | 29 a day |");
    let page = read("<table><tr><td><h1>Left</h1><p>one</td><td><ul><li>two</ul></td></tr></table>");
    assert_eq!(page.text, "Left\n\none\n\n- two");
}

#[test]
fn preformatted_text_keeps_its_spaces() {
    let page = read("<pre>\n  a\n    b &lt; c</pre><p>d");
    assert_eq!(kinds(&page), [(BlockKind::Code, "  a\n    b < c"), (BlockKind::Paragraph, "d")]);
}

#[test]
fn encodings_are_as_declared_or_marked() {
    let limits = Limits::default();
    let latin = b"<meta charset=iso-8859-1><p>gr\xfcn";
    assert_eq!(extract(latin, None, &Budget::new(&limits)).unwrap().text, "grün");
    assert_eq!(extract(b"<p>gr\xfcn", Some("windows-1252"), &Budget::new(&limits)).unwrap().text, "grün");
    let wide: Vec<u8> = "\u{feff}<html><p>grün".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(extract(&wide, None, &Budget::new(&limits)).unwrap().text, "grün");
}

#[test]
fn pages_nest_as_deep_as_they_like() {
    for tag in ["div", "b", "table", "ul", "svg", "template"] {
        let page = format!("<p>begin</p>{}text", format!("<{tag}>").repeat(1_500));
        assert!(read(&page).text.starts_with("begin"), "{tag}");
    }
}

#[test]
fn a_page_of_programs_has_no_text() {
    let outcome = extract(b"<script>1</script>", None, &Budget::new(&Limits::default()));
    assert!(matches!(outcome, Err(Error::NoText { .. })));
}
