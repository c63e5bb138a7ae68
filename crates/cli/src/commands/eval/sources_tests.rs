use std::io::Write as _;
use std::sync::Arc;

use parquet::basic::{Compression, GzipLevel};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::*;

const NAMES: (&str, &str) = ("prompt", "completion");

#[test]
fn tables_are_read_with_quotes_and_breaks() {
    let text = "id,prompt,completion\r\n1,\"a, \"\"b\"\"\nc\",d\n\n2,e,f";
    let pairs = of_csv(text, NAMES).unwrap();
    assert_eq!(pairs, [("a, \"b\"\nc".to_owned(), "d".to_owned()), ("e".to_owned(), "f".to_owned())]);
    let error = of_csv("prompt,completion\na,b\nc", NAMES).unwrap_err();
    assert!(error.to_string().contains("line 3"), "{error}");
    assert!(of_csv("prompt\na", NAMES).unwrap_err().to_string().contains("no column `completion`"));
    assert!(rows("a\n\"b").unwrap_err().to_string().contains("line 2"));
}

#[test]
fn a_line_that_is_wrong_is_named() {
    let text = "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": 1}";
    let error = of_json_lines(text, NAMES).unwrap_err();
    assert!(error.to_string().contains("line 2 of the input has no text `prompt`"), "{error}");
    assert!(of_json_lines("{", NAMES).unwrap_err().to_string().contains("line 1"));
}

/// A table of Parquet with these columns, in two row groups.
fn table(compression: Compression, rows: &[[Option<&str>; 2]]) -> tempfile::NamedTempFile {
    let schema = "message table { optional binary other (STRING); optional binary prompt (STRING); optional binary completion; }";
    let file = tempfile::Builder::new().suffix(".parquet").tempfile().unwrap();
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(file.reopen().unwrap(), schema, properties).unwrap();
    for rows in rows.chunks(rows.len().div_ceil(2)) {
        let mut group = writer.next_row_group().unwrap();
        let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<_>>();
        for cells in [column(0), column(0), column(1)] {
            let mut column = group.next_column().unwrap().unwrap();
            let values: Vec<ByteArray> = cells.iter().flatten().map(|cell| ByteArray::from(*cell)).collect();
            let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
    file
}

#[test]
fn tables_of_parquet_are_read_compressed_or_not() {
    let rows = [[Some("a"), Some("b")], [Some("é, \"q\"\n"), Some("d")], [Some("a"), Some("f")]];
    let gzip = Compression::GZIP(GzipLevel::default());
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, gzip] {
        let file = table(compression, &rows);
        let read = pairs(file.path(), NAMES).unwrap();
        let wanted = rows.map(|[prompt, completion]| (prompt.unwrap().to_owned(), completion.unwrap().to_owned()));
        assert_eq!(read, wanted, "{compression:?}");
    }
}

#[test]
fn what_is_wrong_in_a_table_of_parquet_is_told() {
    let file = table(Compression::SNAPPY, &[[Some("a"), Some("b")], [None, Some("d")], [Some("e"), Some("f")]]);
    let told = |names| format!("{:#}", pairs(file.path(), names).unwrap_err());
    assert!(told(NAMES).contains("row 2 of the input has no text `prompt`"), "{}", told(NAMES));
    let error = told(("prompt", "answer"));
    assert!(error.contains("no column `answer`, but other, prompt, completion"), "{error}");
    let mut broken = tempfile::Builder::new().suffix(".parquet").tempfile().unwrap();
    broken.write_all(b"PAR1 nothing").unwrap();
    assert!(format!("{:#}", pairs(broken.path(), NAMES).unwrap_err()).contains("it is no Parquet"));
}
