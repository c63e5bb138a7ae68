//! Routes of the APIs that are not AWS's: OpenAI's and Craton's own.

use crate::call::{Labels, Row};

/// A method and a path, and the operation behind them.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// Segments between slashes; `{…}` stands for any one segment.
    pub(crate) pattern: &'static str,
    pub(crate) row: Row<Labels>,
}

/// The route of a request, and the labels of its path.
pub(crate) fn find(routes: &'static [Route], method: &str, path: &str) -> Option<(&'static Route, Labels)> {
    routes.iter().filter(|route| route.method == method).find_map(|route| Some((route, labels(route.pattern, path)?)))
}

/// Whether another method has a route at this path.
pub(crate) fn path_exists(routes: &'static [Route], path: &str) -> bool {
    routes.iter().any(|route| labels(route.pattern, path).is_some())
}

fn labels(pattern: &str, path: &str) -> Option<Labels> {
    let mut found = Vec::new();
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(Labels(found)),
            (Some(label), Some(segment)) if label.starts_with('{') && !segment.is_empty() => {
                found.push(percent_encoding::percent_decode_str(segment).decode_utf8().ok()?.into_owned());
            }
            (Some(literal), Some(segment)) if literal == segment => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::labels;

    #[test]
    fn labels_are_one_unescaped_segment_each() {
        assert_eq!(labels("/a/{x}/b/{y}", "/a/1%3A0/b/c").unwrap().0, ["1:0", "c"]);
        assert_eq!(labels("/a/{x}", "/a/x%2Fy").unwrap().0, ["x/y"]);
        for other in ["/a", "/a/", "/a/b/c", "/b/x", "/a/%ff"] {
            assert!(labels("/a/{x}", other).is_none(), "{other}");
        }
    }
}
