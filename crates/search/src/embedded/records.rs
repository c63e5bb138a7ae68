//! Changes and documents as bytes.

use std::collections::BTreeMap;

use crate::analysis::Language;
use crate::codec::{Decoded, Malformed, Reader, Writer};
use crate::document::{Acl, Change, Document, Value};

const UNKNOWN_TYPE: Malformed = Malformed("a metadata value of an unknown type");

/// A batch as the payload of a log's record.
pub(crate) fn write_batch(changes: &[Change]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.list(changes.iter(), |writer, change| match change {
        Change::Put(document) => {
            writer.u8(1);
            write_document(writer, document);
        }
        Change::Delete { key } => {
            writer.u8(2);
            writer.text(key);
        }
        Change::DeletePrefix { prefix } => {
            writer.u8(3);
            writer.text(prefix);
        }
        Change::SetAcl { key, acl } => {
            writer.u8(4);
            writer.text(key);
            write_acl(writer, acl);
        }
    });
    writer.0
}

/// The batch of a payload.
pub(crate) fn read_batch(payload: &[u8]) -> Decoded<Vec<Change>> {
    let mut reader = Reader(payload);
    let changes = reader.list(|reader| match reader.u8()? {
        1 => read_document(reader).map(Change::Put),
        2 => Ok(Change::Delete { key: reader.text()? }),
        3 => Ok(Change::DeletePrefix { prefix: reader.text()? }),
        4 => Ok(Change::SetAcl { key: reader.text()?, acl: read_acl(reader)? }),
        _ => Err(Malformed("a change of an unknown kind")),
    })?;
    reader.end()?;
    Ok(changes)
}

fn write_document(writer: &mut Writer, document: &Document) {
    writer.text(&document.key);
    write_language(writer, document.language);
    writer.list(document.fields.iter(), |writer, (name, text)| {
        writer.text(name);
        writer.text(text);
    });
    write_metadata(writer, document.metadata.iter().map(|(name, value)| (name.as_str(), value)));
    write_acl(writer, &document.acl);
    match &document.vector {
        Some(vector) => {
            writer.u8(1);
            writer.list(vector.iter(), |writer, x| writer.u32(x.to_bits()));
        }
        None => writer.u8(0),
    }
}

fn read_document(reader: &mut Reader<'_>) -> Decoded<Document> {
    Ok(Document {
        key: reader.text()?,
        language: read_language(reader)?,
        fields: reader.list(|reader| Ok((reader.text()?, reader.text()?)))?,
        metadata: read_metadata(reader)?,
        acl: read_acl(reader)?,
        vector: match reader.u8()? {
            0 => None,
            _ => Some(reader.list(|reader| reader.u32().map(f32::from_bits))?),
        },
    })
}

/// A language or none as one byte: none is 255.
pub(crate) fn write_language(writer: &mut Writer, language: Option<Language>) {
    writer.u8(language.map_or(u8::MAX, Language::number));
}

pub(crate) fn read_language(reader: &mut Reader<'_>) -> Decoded<Option<Language>> {
    match reader.u8()? {
        u8::MAX => Ok(None),
        number => Language::from_number(number).map(Some).ok_or(Malformed("a language of an unknown number")),
    }
}

pub(crate) fn write_metadata<'a>(writer: &mut Writer, metadata: impl ExactSizeIterator<Item = (&'a str, &'a Value)>) {
    writer.list(metadata, |writer, (name, value)| {
        writer.text(name);
        match value {
            Value::Text(text) => {
                writer.u8(1);
                writer.text(text);
            }
            Value::Number(number) => {
                writer.u8(2);
                writer.u64(number.to_bits());
            }
            Value::Boolean(boolean) => {
                writer.u8(3);
                writer.u8(u8::from(*boolean));
            }
            Value::TextList(texts) => {
                writer.u8(4);
                writer.list(texts.iter(), |writer, text| writer.text(text));
            }
            Value::Time(millis) => {
                writer.u8(5);
                writer.u64(millis.cast_unsigned());
            }
        }
    });
}

pub(crate) fn read_metadata(reader: &mut Reader<'_>) -> Decoded<BTreeMap<String, Value>> {
    reader.list(|reader| Ok((reader.text()?, read_value(reader)?)))
}

/// The value of a name out of metadata, of which no other is read.
pub(crate) fn find_value(reader: &mut Reader<'_>, name: &str) -> Decoded<Option<Value>> {
    for _ in 0..reader.u32()? {
        if reader.piece()? == name.as_bytes() {
            return read_value(reader).map(Some);
        }
        skip_value(reader)?;
    }
    Ok(None)
}

fn read_value(reader: &mut Reader<'_>) -> Decoded<Value> {
    Ok(match reader.u8()? {
        1 => Value::Text(reader.text()?),
        2 => Value::Number(f64::from_bits(reader.u64()?)),
        3 => Value::Boolean(reader.u8()? != 0),
        4 => Value::TextList(reader.list(Reader::text)?),
        5 => Value::Time(reader.u64()?.cast_signed()),
        _ => return Err(UNKNOWN_TYPE),
    })
}

fn skip_value(reader: &mut Reader<'_>) -> Decoded<()> {
    match reader.u8()? {
        1 => reader.piece().map(drop),
        2 | 5 => reader.u64().map(drop),
        3 => reader.u8().map(drop),
        4 => (0..reader.u32()?).try_for_each(|_| reader.piece().map(drop)),
        _ => Err(UNKNOWN_TYPE),
    }
}

pub(crate) fn write_acl(writer: &mut Writer, acl: &Acl) {
    writer.u8(u8::from(acl.public));
    for names in [&acl.allowed_users, &acl.allowed_groups, &acl.denied_users, &acl.denied_groups] {
        writer.list(names.iter(), |writer, name| writer.text(name));
    }
}

pub(crate) fn read_acl(reader: &mut Reader<'_>) -> Decoded<Acl> {
    Ok(Acl {
        public: reader.u8()? != 0,
        allowed_users: reader.list(Reader::text)?,
        allowed_groups: reader.list(Reader::text)?,
        denied_users: reader.list(Reader::text)?,
        denied_groups: reader.list(Reader::text)?,
    })
}
