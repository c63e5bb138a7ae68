//! The fields of a form before its file, where s3s falls short: they may contain the file's name as `${filename}`, which
//! the form's policy sees replaced, and one of them, `tagging`, is a document.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::{Body, Frame};

use super::visit::Visit;

/// How the head of the file's part begins.
const FILE: &[u8] = b"name=\"file\"";
/// What is before the file's name in it, if it has one.
const NAME: &[u8] = b"; filename=\"";
/// What stands for the name.
const VARIABLE: &[u8] = b"${filename}";
/// The fields of a form have fewer bytes (S3 User Guide, "POST object": 20 KB), with their heads.
const LONGEST: usize = 64 << 10;

/// A form's body, in whose fields the file's name is put where it is asked for. They are held back until it is known.
pub(crate) struct Named<B> {
    body: B,
    /// The fields; `None` once they have passed.
    fields: Option<Vec<u8>>,
    /// What is between them.
    boundary: Option<String>,
    visit: Visit,
}

impl<B> Named<B> {
    /// A form with these headers.
    pub(crate) fn new(body: B, headers: &HeaderMap, visit: &Visit) -> Self {
        let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = media.split(';').find_map(|parameter| parameter.trim().strip_prefix("boundary="));
        let boundary = boundary.map(|boundary| boundary.trim_matches('"').to_owned());
        Self { body, fields: Some(Vec::new()), boundary, visit: visit.clone() }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Named<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        loop {
            let frame = std::task::ready!(Pin::new(&mut this.body).poll_frame(context));
            let Some(fields) = &mut this.fields else { return Poll::Ready(frame) };
            match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => fields.extend_from_slice(&data),
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None if fields.is_empty() => return Poll::Ready(None),
                // What was held back is all there is.
                None => {
                    let rest = this.fields.take().unwrap_or_default();
                    return Poll::Ready(Some(Ok(Frame::data(rest.into()))));
                }
            }
            let replaced = replace(fields);
            if let (Some(whole), Some(boundary)) = (&replaced, &this.boundary)
                && let Some(tagging) = field(whole, boundary, "tagging")
            {
                this.visit.form_tagged(tagging);
            }
            if replaced.is_some() || fields.len() > LONGEST {
                let held = this.fields.take().unwrap_or_default();
                return Poll::Ready(Some(Ok(Frame::data(replaced.unwrap_or(held).into()))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.fields.as_ref().is_none_or(Vec::is_empty) && self.body.is_end_stream()
    }
}

/// The fields with the file's name in them; `None` where that is not there yet.
fn replace(text: &[u8]) -> Option<Vec<u8>> {
    let at = find(text, FILE)?;
    let head = &text[at + FILE.len()..];
    let head = &head[..find(head, b"\r\n")?];
    let Some(rest) = head.strip_prefix(NAME) else { return Some(text.to_vec()) };
    let end = rest.iter().position(|byte| *byte == b'"')?;
    // Some browsers put folders before it.
    let name = rest[..end].rsplit(|byte| matches!(byte, b'/' | b'\\')).next().unwrap_or_default();
    let mut all = Vec::with_capacity(text.len());
    let mut fields = &text[..at];
    while let Some(variable) = find(fields, VARIABLE) {
        all.extend_from_slice(&fields[..variable]);
        all.extend_from_slice(name);
        fields = &fields[variable + VARIABLE.len()..];
    }
    all.extend_from_slice(fields);
    all.extend_from_slice(&text[at..]);
    Some(all)
}

/// The value of the field `name`, which stands before the file.
fn field(form: &[u8], boundary: &str, name: &str) -> Option<String> {
    let between = format!("--{boundary}");
    let mut rest = form;
    while let Some(at) = find(rest, between.as_bytes()) {
        rest = &rest[at + between.len()..];
        let part = &rest[..find(rest, between.as_bytes())?];
        let head = find(part, b"\r\n\r\n")?;
        let is_it = String::from_utf8_lossy(&part[..head]).to_ascii_lowercase().contains(&format!("name=\"{name}\""));
        if is_it {
            let value = &part[head + 4..];
            return String::from_utf8(value.strip_suffix(b"\r\n").unwrap_or(value).to_vec()).ok();
        }
    }
    None
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    fn form(key: &str, file: &str) -> String {
        format!(
            "--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n{key}\r\n--x\r\nContent-Disposition: form-data; \
             name=\"file\"{file}\r\n\r\nhas ${{filename}} itself\r\n--x--"
        )
    }

    fn visit() -> Visit {
        Visit::new(crate::s3::visit::Arrived {
            request_id: "7a9d1c2e-0000-4000-8000-000000000001".parse().unwrap(),
            source: std::net::IpAddr::from([127, 0, 0, 1]),
            tls: false,
            method: http::Method::POST,
            deadline: None,
            signed: None,
            token: None,
            known: None,
            operation: None,
            resource: String::new(),
            range: None,
            version: None,
            upload: None,
        })
    }

    async fn passed_to(visit: &Visit, text: &str, piece: usize) -> String {
        let pieces: Vec<_> = text.as_bytes().chunks(piece).map(Bytes::copy_from_slice).collect();
        let frames = pieces.into_iter().map(|piece| Ok::<_, std::convert::Infallible>(Frame::data(piece)));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "multipart/form-data; boundary=x".parse().unwrap());
        let body = Named::new(StreamBody::new(futures::stream::iter(frames)), &headers, visit);
        String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    async fn passed(text: &str, piece: usize) -> String {
        passed_to(&visit(), text, piece).await
    }

    #[tokio::test]
    async fn the_tags_of_a_form_are_kept_and_are_not_taken_from_another_field() {
        let part = |name: &str, value: &str| {
            format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let told = async |fields: String| {
            let visit = visit();
            passed_to(&visit, &format!("{fields}{}", form("k", "; filename=\"a\"")), 11).await;
            visit.form_tagging().map(str::to_owned)
        };
        assert_eq!(told(part("Tagging", "<a>1</a>")).await.as_deref(), Some("<a>1</a>"));
        assert_eq!(told(part("other", "name=\"tagging\"\r\n\r\n<a/>")).await, None);
        assert_eq!(told(String::new()).await, None);
    }

    #[tokio::test]
    async fn the_files_name_is_put_into_the_fields_and_not_into_the_file() {
        let asked = form("in/${filename}/${filename}", "; filename=\"a b.txt\"");
        let expected = form("in/a b.txt/a b.txt", "; filename=\"a b.txt\"");
        for piece in [1, 7, 10_000] {
            assert_eq!(passed(&asked, piece).await, expected, "pieces of {piece}");
        }
        let folder = form("${filename}", "; filename=\"C:\\fakepath\\a.txt\"");
        assert!(passed(&folder, 9).await.contains("\r\n\r\na.txt\r\n"));
    }

    #[tokio::test]
    async fn what_has_no_name_passes_as_it_is() {
        for text in [form("${filename}", ""), "x".repeat(3 * LONGEST), String::new()] {
            assert_eq!(passed(&text, 1000).await, text);
        }
    }
}
