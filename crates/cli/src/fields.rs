//! Members of the server's JSON answers.

use serde_json::Value;

/// A member's text; a dash where there is none.
pub(crate) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or("-").to_owned()
}

/// The `items` of a listing.
pub(crate) fn items(listing: &Value) -> &[Value] {
    listing["items"].as_array().map_or(&[], Vec::as_slice)
}
