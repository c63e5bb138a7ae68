//! The fields of a form before its file, where s3s falls short: they may contain the file's name as `${filename}`, which
//! the form's policy sees replaced; one of them, `tagging`, is a document; and all say what the request is.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::{Body, Frame};

use super::errors::Told;
use super::form_fields::{Reader, Refused};
use super::visit::Visit;

/// A form's body, in whose fields the file's name is put where it is asked for. They are held back until it is known.
/// The body ends where it is refused.
pub(crate) struct Named<B> {
    body: B,
    fields: State,
    visit: Visit,
}

/// How far the fields are read.
enum State {
    Reading(Reader),
    /// They have passed.
    Passed,
    /// They are refused.
    Refused,
}

impl<B> Named<B> {
    /// A form with these headers.
    pub(crate) fn new(body: B, headers: &HeaderMap, visit: &Visit) -> Self {
        let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut parameters = media.split(';').filter_map(|parameter| parameter.trim().split_once('='));
        let boundary = parameters.find(|(name, _)| name.eq_ignore_ascii_case("boundary"));
        let boundary = boundary.map(|(_, value)| value.trim_matches('"')).unwrap_or_default();
        Self { body, fields: State::Reading(Reader::new(boundary)), visit: visit.clone() }
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
            let reader = match &mut this.fields {
                State::Reading(reader) => reader,
                State::Passed => return Pin::new(&mut this.body).poll_frame(context),
                State::Refused => return Poll::Ready(None),
            };
            let data = match std::task::ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    // What was held back is all there is.
                    let State::Reading(reader) = std::mem::replace(&mut this.fields, State::Passed) else {
                        return Poll::Ready(None);
                    };
                    let rest = reader.rest();
                    return Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest.into()))));
                }
            };
            match reader.take(&data) {
                Ok(None) => {}
                Ok(Some(beginning)) => {
                    this.fields = State::Passed;
                    this.visit.form_read(beginning.fields);
                    return Poll::Ready(Some(Ok(Frame::data(beginning.text.into()))));
                }
                Err(refused) => {
                    this.fields = State::Refused;
                    this.visit.tell(told(refused));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self.fields {
            State::Reading(_) => false,
            State::Passed => self.body.is_end_stream(),
            State::Refused => true,
        }
    }
}

/// The error of a form that is refused.
fn told(refused: Refused) -> Told {
    match refused {
        Refused::Malformed => malformed(),
        Refused::TooLong => Told::new(
            400,
            "MaxPostPreDataLengthExceeded",
            "Your POST request fields preceding the upload file were too large.",
        ),
    }
}

/// The error of a form that cannot be read, or can be read in two ways.
pub(crate) fn malformed() -> Told {
    Told::new(400, "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.")
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, StreamBody};

    use super::super::form_fields::LONGEST;
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
    async fn the_fields_of_a_form_are_kept_as_its_policy_sees_them() {
        let visit = visit();
        passed_to(&visit, &form("in/${filename}", "; filename=\"a\""), 11).await;
        assert_eq!(visit.form().and_then(|fields| fields.get("key")), Some("in/a"));
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
    async fn what_has_no_name_or_no_file_passes_as_it_is() {
        for text in [form("${filename}", ""), "--x\r\n".to_owned(), String::new()] {
            assert_eq!(passed(&text, 1000).await, text);
        }
    }

    #[tokio::test]
    async fn what_is_refused_ends_there() {
        let long = form("${filename}", &format!("; filename=\"{}\"", "n".repeat(1025)));
        for (text, code) in [
            ("x".repeat(3 * LONGEST), "MalformedPOSTRequest"),
            (form(&"k".repeat(LONGEST), ""), "MaxPostPreDataLengthExceeded"),
            (long, "MaxPostPreDataLengthExceeded"),
        ] {
            let visit = visit();
            assert_eq!(passed_to(&visit, &text, 1000).await, "");
            assert_eq!(visit.told().map(|told| told.code), Some(code.to_owned()));
            assert!(visit.form().is_none());
        }
    }
}
