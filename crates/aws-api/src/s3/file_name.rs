//! The name of the file in a form: keys may contain it as `${filename}`, and s3s does not tell it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::visit::Visit;

/// How the head of the file's part begins.
const BEFORE: &[u8] = b"name=\"file\"; filename=\"";
/// The longest name that is looked for.
const LONGEST: usize = 1024;

/// A form's body, in which the file's name is looked for as it passes.
pub(crate) struct Watched<B> {
    body: B,
    visit: Visit,
    /// The end of what has passed, which may be the beginning of what is looked for.
    tail: Vec<u8>,
}

impl<B> Watched<B> {
    pub(crate) fn new(body: B, visit: &Visit) -> Self {
        Self { body, visit: visit.clone(), tail: Vec::new() }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Watched<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let frame = Pin::new(&mut this.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
            && this.visit.file_name().is_none()
        {
            this.tail.extend_from_slice(data);
            match find(&this.tail) {
                Some(name) => this.visit.file_named(name),
                None => {
                    let passed = this.tail.len().saturating_sub(BEFORE.len() + LONGEST);
                    this.tail.drain(..passed);
                }
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The file's name, without the folders that some browsers put before it.
fn find(text: &[u8]) -> Option<String> {
    let at = text.windows(BEFORE.len()).position(|window| window == BEFORE)?;
    let rest = &text[at + BEFORE.len()..];
    let end = rest.iter().take(LONGEST).position(|byte| *byte == b'"')?;
    let name = String::from_utf8_lossy(&rest[..end]).into_owned();
    Some(name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn the_name_stands_in_the_head_of_the_files_part() {
        let head =
            |name: &str| format!("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        assert_eq!(find(head("a b.txt").as_bytes()), Some("a b.txt".to_owned()));
        assert_eq!(find(head("C:\\\\fakepath\\\\a.txt").as_bytes()), Some("a.txt".to_owned()));
        assert_eq!(find(b"form-data; name=\"key\"\r\n\r\nname"), None);
        assert_eq!(find(b"name=\"file\"; filename=\"unfinished"), None);
    }
}
