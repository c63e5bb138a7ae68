//! Files as office programs and printers write them (`samples/make.py`).

use media::{Block, BlockKind, Error, Extracted, Format, Limits, extract};

fn bytes(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/samples/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn read(name: &str) -> Extracted {
    extract(name, None, &bytes(name), &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn pieces(extracted: &Extracted) -> Vec<(BlockKind, &str)> {
    extracted.blocks.iter().map(|block: &Block| (block.kind, &extracted.text[block.span.clone()])).collect()
}

#[test]
fn columns_are_read_one_after_the_other() {
    let extracted = read("two-columns.pdf");
    let pieces = pieces(&extracted);
    assert_eq!(extracted.title.as_deref(), Some("Inspection and fuel"));
    assert_eq!(pieces[0], (BlockKind::Heading(1), "Inspection and fuel"));
    assert_eq!(pieces.len(), 5, "{:#?}", pieces);
    assert!(pieces[1].1.starts_with("These rules") && pieces[4].1.starts_with("Questions"));
    assert!(pieces[2].1.starts_with("Every car") && pieces[2].1.ends_with("correct a mistake."));
    assert!(pieces[3].1.starts_with("Fuel is charged") && pieces[3].1.ends_with("in every case."));
    assert!(extracted.blocks.iter().all(|block| block.page == Some(1)));
    assert_eq!(extracted.language.map(|language| language.code).as_deref(), Some("en"));
}

#[test]
fn a_table_with_lines_keeps_its_merged_cells() {
    let extracted = read("ruled-table.pdf");
    let table = "| Class | Season |  | Deposit |\n| --- | --- | --- | --- |\n|  | Low | High |  |\n| Small | 29 | 45 | 200 |\n\
                 | Family | 48 | 70 | 300 |\n| Van with lift | 90 | 130 | 500 |";
    assert_eq!(
        pieces(&extracted),
        [
            (BlockKind::Paragraph, "Prices by class and season:"),
            (BlockKind::Table, table),
            (BlockKind::Paragraph, "All prices are for one day and include taxes."),
        ]
    );
}

#[test]
fn a_table_without_lines_is_one() {
    let extracted = read("plain-table.pdf");
    let table = "| Branch | Weekdays | Sunday |\n| --- | --- | --- |\n| Harbour | 7 to 20 | 9 to 17 |\n\
                 | Airport | 5 to 24 | 5 to 24 |\n| Old town | 8 to 19 | closed |";
    assert_eq!(pieces(&extracted)[1], (BlockKind::Table, table));
    assert_eq!(extracted.blocks.len(), 3);
}

#[test]
fn divided_words_are_put_together() {
    let text = "The well-known insurance covers damage to the windscreen, to the transmission and to the tyres. A well-known \
                exception is damage by water.";
    assert_eq!(read("hyphens.pdf").text, text);
}

#[test]
fn headers_and_footers_stand_once_and_pages_are_counted() {
    let extracted = read("many-pages.pdf");
    assert_eq!(extracted.text.matches("Rental handbook, internal").count(), 1);
    assert_eq!(extracted.text.matches("Page ").count(), 1);
    assert_eq!(extracted.text.matches("It begins here.").count(), 5);
    let headings = extracted.blocks.iter().filter(|block| matches!(block.kind, BlockKind::Heading(_)));
    assert_eq!(headings.map(|block| block.page.unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let items = extracted.blocks.iter().filter(|block| block.kind == BlockKind::ListItem).count();
    assert_eq!(items, 10);
}

#[test]
fn other_scripts_are_read() {
    let extracted = read("scripts.pdf");
    for text in [
        "Возврат автомобиля производится в течение часа после окончания срока аренды.",
        "Η επιστροφή του αυτοκινήτου γίνεται μέσα σε μία ώρα από τη λήξη της μίσθωσης.",
        "Die Rückgabe erfolgt binnen einer Stunde; größere Schäden müssen gemeldet werden.",
    ] {
        assert!(extracted.text.contains(text), "{}", extracted.text);
    }
}

#[test]
fn a_turned_page_is_read_in_its_direction() {
    let text = "This page is read with its left edge below. Its second line follows the first one.";
    assert_eq!(read("landscape.pdf").text, text);
}

#[test]
fn a_password_to_open_is_needed_and_one_to_change_is_not() {
    let outcome = extract("encrypted.pdf", None, &bytes("encrypted.pdf"), &Limits::default());
    assert_eq!(outcome, Err(Error::Encrypted));
    assert!(read("owner.pdf").text.contains("well-known insurance"));
}

#[test]
fn pages_of_pictures_and_of_nothing_are_said() {
    let outcome = extract("scan.pdf", None, &bytes("scan.pdf"), &Limits::default()).unwrap_err();
    assert!(matches!(&outcome, Error::NoText { reason } if reason.contains("OCR")), "{outcome}");
    let outcome = extract("blank.pdf", None, &bytes("blank.pdf"), &Limits::default()).unwrap_err();
    assert!(matches!(&outcome, Error::NoText { reason } if reason.contains("nothing is written")), "{outcome}");
}

#[test]
fn a_damaged_pdf_is_said() {
    let whole = bytes("two-columns.pdf");
    let outcome = extract("a.pdf", None, b"%PDF-1.7 and nothing else", &Limits::default());
    assert!(matches!(outcome, Err(Error::Corrupt { .. })), "{outcome:?}");
    // The table of objects stands at the end; without it the file is searched for objects.
    let cut = &whole[..whole.len() - 200];
    match extract("a.pdf", None, cut, &Limits::default()) {
        Ok(extracted) => assert!(extracted.text.contains("Every car")),
        Err(error) => assert!(matches!(error, Error::Corrupt { .. } | Error::NoText { .. }), "{error}"),
    }
}

#[test]
fn too_many_pages_are_refused() {
    let limits = Limits { pages: 4, ..Limits::default() };
    let outcome = extract("many-pages.pdf", None, &bytes("many-pages.pdf"), &limits);
    assert_eq!(outcome, Err(Error::TooManyPages { pages: 5, limit: 4 }));
}

#[test]
fn a_document_has_headings_lists_and_tables() {
    let extracted = read("damage.docx");
    assert_eq!((extracted.format, extracted.title.as_deref()), (Format::Docx, Some("Damage policy")));
    let table = "| Part | Cost |  |\n| --- | --- | --- |\n| Door | 300 | 450 |\n|  | Roof \\| top | 900 |";
    let pieces = pieces(&extracted);
    assert_eq!(
        pieces[..7],
        [
            (BlockKind::Heading(1), "Damage"),
            (BlockKind::Paragraph, "Damage is reported at once & in writing."),
            (BlockKind::Heading(2), "What to bring"),
            (BlockKind::ListItem, "- the agreement"),
            (BlockKind::ListItem, "- the police report"),
            (BlockKind::ListItem, "1. call the branch"),
            (BlockKind::ListItem, "2. fill in the form"),
        ]
    );
    assert_eq!(pieces[7], (BlockKind::Table, table));
    assert_eq!(pieces[8], (BlockKind::Paragraph, "It ends here."));
}

#[test]
fn a_workbook_has_rows_that_say_what_their_values_are() {
    let extracted = read("fleet.xlsx");
    assert_eq!(extracted.title.as_deref(), Some("Fleet"));
    assert_eq!(
        extracted.text,
        "Cars\n\nFleet in spring\nBranch | Plate | Since | Price\n\
         Branch: Harbour; Plate: AB 12; Since: 2024-03-01; Price: 0.3\n\
         Branch: Harbour; Plate: AB 13; Since: 2024-03-02 08:30:00; Price: 29\n\n\
         Keys\n\nonly | values | 3\n1 | 2 | 3"
    );
    assert_eq!(extracted.warnings, ["1 hidden sheets were left out"]);
}

#[test]
fn a_presentation_has_its_slides_tables_and_notes() {
    let extracted = read("training.pptx");
    assert_eq!(
        extracted.text,
        "Welcome\n\nGreet the customer\n\nOffer a seat\n\nSmile.\n\nPrices\n\n| Class | Price |\n| --- | --- |\n| Small | 29 |"
    );
    let pages: Vec<u32> = extracted.blocks.iter().filter_map(|block| block.page).collect();
    assert_eq!(pages, [1, 1, 1, 1, 2, 2]);
    assert_eq!(extracted.title.as_deref(), Some("Training"));
}

#[test]
fn any_name_will_do_for_a_known_format() {
    let extracted = extract("damage.txt", Some("text/plain"), &bytes("damage.docx"), &Limits::default()).unwrap();
    assert_eq!(extracted.format, Format::Docx);
    assert_eq!(extracted.warnings, ["it is named as text but is DOCX"]);
}
