//! The fields of a form before its file, read as s3s reads them. Whatever s3s might read in another way is refused: what
//! a form's policy was checked against is what is done.

use std::ops::Range;

/// The fields of a form, whose names are in lower case and each there once.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The value of a field.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    fn add(&mut self, name: &str, value: &str) -> Result<(), Refused> {
        if self.get(name).is_some() {
            return Err(Refused::Malformed);
        }
        self.0.push((name.to_owned(), value.to_owned()));
        Ok(())
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Fields {
    fn from(fields: [(&str, &str); N]) -> Self {
        Self(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec())
    }
}

/// Why a form is not read further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is not of the form of a form, or has a field twice.
    Malformed,
    /// What is before its file is too long.
    TooLong,
}

/// The fields have fewer bytes (S3 User Guide, "POST object": 20 KB), with their heads.
pub(crate) const LONGEST: usize = 64 << 10;
/// The longest name of a file that is put into fields: no key is longer.
const LONGEST_NAME: usize = 1024;
/// What stands for the name.
const VARIABLE: &str = "${filename}";
/// What ends a part's head.
const END: &[u8] = b"\r\n\r\n";

/// The beginning of a form, which arrives in pieces.
pub(crate) struct Reader {
    text: Vec<u8>,
    /// `--` and the boundary.
    dashes: Vec<u8>,
    place: Place,
    /// How much was searched in vain for what is searched for.
    searched: usize,
    /// The names of the fields, and where their values are.
    found: Vec<(String, Range<usize>)>,
}

/// Where the reader is.
enum Place {
    /// Before the first part.
    Start,
    /// In the head of a part, which begins there.
    Head(usize),
    /// In the value of a field, which begins there.
    Value(String, usize),
}

/// A form up to its file.
#[derive(Debug)]
pub(crate) struct Beginning {
    /// Its bytes, with the file's name in the fields, and what came of the file.
    pub(crate) text: Vec<u8>,
    /// Its fields.
    pub(crate) fields: Fields,
}

/// What a part's head says.
struct Head<'a> {
    name: &'a str,
    file_name: Option<&'a str>,
}

impl Reader {
    /// A form with that boundary.
    pub(crate) fn new(boundary: &str) -> Self {
        let dashes = format!("--{boundary}").into_bytes();
        Self { text: Vec::new(), dashes, place: Place::Start, searched: 0, found: Vec::new() }
    }

    /// Takes the next piece in; gives the beginning once it is whole.
    ///
    /// # Errors
    /// What is refused.
    pub(crate) fn take(&mut self, piece: &[u8]) -> Result<Option<Beginning>, Refused> {
        self.text.extend_from_slice(piece);
        let Some((file, name)) = self.read()? else {
            return if self.text.len() > LONGEST { Err(Refused::TooLong) } else { Ok(None) };
        };
        if file > LONGEST {
            return Err(Refused::TooLong);
        }
        self.beginning(file, name.as_deref()).map(Some)
    }

    /// What was taken in and is no whole beginning.
    pub(crate) fn rest(self) -> Vec<u8> {
        self.text
    }

    /// Reads on; gives where the file's part begins, and the file's name.
    fn read(&mut self) -> Result<Option<(usize, Option<String>)>, Refused> {
        loop {
            match &self.place {
                Place::Start => {
                    let Some(begins) = self.first_head()? else { return Ok(None) };
                    self.place = Place::Head(begins);
                }
                &Place::Head(from) => {
                    let Some(ends) = self.find(END, from) else { return Ok(None) };
                    let text = std::str::from_utf8(&self.text[from..ends]).map_err(|_| Refused::Malformed)?;
                    let head = read_head(text).ok_or(Refused::Malformed)?;
                    let name = head.name.to_ascii_lowercase();
                    if name == "file" {
                        return Ok(Some((from, head.file_name.map(base_name).map(str::to_owned))));
                    }
                    self.place = Place::Value(name, ends + END.len());
                }
                Place::Value(name, from) => {
                    let (name, from) = (name.clone(), *from);
                    let between = [b"\r\n", self.dashes.as_slice(), b"\r\n"].concat();
                    // What ends the head may be what is before the next part: the value is empty then.
                    let Some(at) = self.find(&between, from - 2) else { return Ok(None) };
                    self.found.push((name, from..at.max(from)));
                    self.place = Place::Head(at + between.len());
                }
            }
        }
    }

    /// Where the first part's head begins.
    fn first_head(&self) -> Result<Option<usize>, Refused> {
        let first = [self.dashes.as_slice(), b"\r\n"].concat();
        for before in ["", "\r\n"] {
            let expected = [before.as_bytes(), &first].concat();
            if self.text.starts_with(&expected) {
                return Ok(Some(expected.len()));
            }
            if expected.starts_with(&self.text) {
                return Ok(None);
            }
        }
        Err(Refused::Malformed)
    }

    /// Where `what` is from `from` on. What was searched before is not searched again.
    fn find(&mut self, what: &[u8], from: usize) -> Option<usize> {
        let from = from.max((self.searched + 1).saturating_sub(what.len()));
        let found = self.text.get(from..)?.windows(what.len()).position(|window| window == what);
        self.searched = if found.is_some() { 0 } else { self.text.len() };
        found.map(|at| from + at)
    }

    /// The fields, in which the file's name is where it is asked for.
    fn beginning(&mut self, file: usize, name: Option<&str>) -> Result<Beginning, Refused> {
        let dashes = String::from_utf8_lossy(&self.dashes);
        let mut fields = Fields::default();
        let mut text = Vec::with_capacity(self.text.len());
        let mut copied = 0;
        for (field, place) in &self.found {
            let value = std::str::from_utf8(&self.text[place.clone()]).map_err(|_| Refused::Malformed)?;
            let Some(name) = name.filter(|_| value.contains(VARIABLE)) else {
                fields.add(field, value)?;
                continue;
            };
            let grown = text.len() + value.matches(VARIABLE).count() * name.len();
            if name.len() > LONGEST_NAME || grown > LONGEST {
                return Err(Refused::TooLong);
            }
            let value = value.replace(VARIABLE, name);
            if value.contains(dashes.as_ref()) {
                return Err(Refused::Malformed);
            }
            text.extend_from_slice(&self.text[copied..place.start]);
            text.extend_from_slice(value.as_bytes());
            copied = place.end;
            fields.add(field, &value)?;
        }
        text.extend_from_slice(&self.text[copied..file]);
        if text.len() > LONGEST {
            return Err(Refused::TooLong);
        }
        text.extend_from_slice(&self.text[file..]);
        Ok(Beginning { text, fields })
    }
}

/// A part's head, which has a `Content-Disposition` and at most one line more.
fn read_head(text: &str) -> Option<Head<'_>> {
    let mut disposition = None;
    for (index, line) in text.split("\r\n").enumerate() {
        let (name, value) = line.split_once(':')?;
        if index > 1 || line.contains(['\r', '\n']) {
            return None;
        }
        if name.eq_ignore_ascii_case("content-disposition") && disposition.replace(value).is_some() {
            return None;
        }
    }
    let rest = disposition?.trim_matches([' ', '\t']).strip_prefix("form-data; name=\"")?;
    let (name, rest) = rest.split_once('"').filter(|(name, _)| !name.is_empty())?;
    let file_name = match rest {
        "" => None,
        rest => {
            let file_name = rest.strip_prefix("; filename=\"")?.strip_suffix('"')?;
            Some(file_name).filter(|file_name| !file_name.is_empty() && !file_name.contains('"')).map(Some)?
        }
    };
    Some(Head { name, file_name })
}

/// A file's name without the folders that some browsers put before it.
fn base_name(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(disposition: &str, value: &str) -> String {
        format!("--x\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{value}\r\n")
    }

    fn field(name: &str, value: &str) -> String {
        part(&format!("name=\"{name}\""), value)
    }

    fn file(name: &str) -> String {
        part(&format!("name=\"file\"; filename=\"{name}\""), "bytes") + "--x--\r\n"
    }

    fn read(text: &str) -> Result<Option<Beginning>, Refused> {
        Reader::new("x").take(text.as_bytes())
    }

    #[test]
    fn a_field_is_what_its_head_names_and_not_what_another_says() {
        let text = field("other", "name=\"tagging\"\r\n\r\nmine") + &field("Tagging", "yours") + &field("empty", "");
        let found = read(&(text + &file("a"))).unwrap().unwrap().fields;
        assert_eq!(
            found,
            Fields::from([("other", "name=\"tagging\"\r\n\r\nmine"), ("tagging", "yours"), ("empty", "")])
        );
        let elsewhere = field("k", "name=\"file\"; filename=\"b\"\r\n") + &field("key", "${filename}") + &file("a");
        assert_eq!(read(&elsewhere).unwrap().unwrap().fields.get("key"), Some("a"));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let tagging = field("tagging", "1");
        for fields in [
            tagging.clone() + &field("Tagging", "2"),
            part("name=\"x-ignore-a\"; title=\"name=\"tagging\"\"", "1"),
            part("name=\"a\"\r\nContent-Disposition: form-data; name=\"tagging\"", "1"),
            part("name=\"a\"\r\nA: b\r\nC: d", "1"),
            part("name=\"a\"\n\nname=\"tagging\"", "1"),
            part("name=\"\"", "1"),
            part("filename=\"a\"; name=\"tagging\"", "1"),
            format!("before\r\n{tagging}"),
        ] {
            assert_eq!(read(&(fields.clone() + &file("a"))).unwrap_err(), Refused::Malformed, "{fields}");
        }
        // A file's name must not end a field.
        let asked = field("key", "\r\n${filename}\r\nContent-Disposition: form-data; name=\"tagging\"\r\n\r\n1");
        assert_eq!(read(&(asked + &file("--x"))).unwrap_err(), Refused::Malformed);
    }

    #[test]
    fn no_name_makes_the_fields_longer_than_they_may_be() {
        let long = "n".repeat(LONGEST_NAME);
        let fits = read(&(field("key", "${filename}") + &file(&long))).unwrap().unwrap();
        assert_eq!(fits.fields.get("key"), Some(long.as_str()));
        let longer = read(&(field("key", "${filename}") + &file(&format!("{long}n"))));
        assert_eq!(longer.unwrap_err(), Refused::TooLong);
        let often = field("key", &VARIABLE.repeat(LONGEST / LONGEST_NAME + 1));
        assert_eq!(read(&(often + &file(&long))).unwrap_err(), Refused::TooLong);
        let many: String = (0..80).map(|index| field(&format!("k{index}"), VARIABLE)).collect();
        assert_eq!(read(&(many + &file(&long))).unwrap_err(), Refused::TooLong);
        let full = field("key", &"v".repeat(LONGEST));
        assert_eq!(read(&(full.clone() + &file("a"))).unwrap_err(), Refused::TooLong);
        assert_eq!(read(&full).unwrap_err(), Refused::TooLong);
        // The file is not counted.
        assert!(read(&(field("key", "k") + &file("a") + &"b".repeat(LONGEST))).unwrap().is_some());
    }

    #[test]
    fn what_was_searched_is_not_searched_again() {
        let mut reader = Reader::new("x");
        let begun = field("key", "0123456789");
        let begun = begun.trim_end();
        assert!(reader.take(begun.as_bytes()).unwrap().is_none());
        // The search that goes on would find this if it began anew.
        let value = begun.len() - 10;
        reader.text[value..value + 7].copy_from_slice(b"\r\n--x\r\n");
        assert!(reader.take(b"more").unwrap().is_none());
        assert!(reader.found.is_empty());
        assert!(reader.take(b"\r\n--").unwrap().is_none());
        assert!(reader.take(&file("a").as_bytes()[2..]).unwrap().is_some(), "a boundary in two pieces is found");
        assert_eq!(reader.found.len(), 1);
    }
}
