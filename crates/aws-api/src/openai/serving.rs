//! Members of Craton's own that say how a request is served beside others: `priority` and `deterministic`.

use base::Result;
use models::{Determinism, Priority, Serving};

use crate::json_fields::Fields;

/// How the request is served.
pub(crate) fn serving(root: &Fields<'_>) -> Result<Serving> {
    let priority = match root.optional("priority") {
        None => Priority::default(),
        Some(node) => match node.one_of(&["high", "normal", "low"])? {
            "high" => Priority::High,
            "low" => Priority::Low,
            _ => Priority::Normal,
        },
    };
    let deterministic = match root.boolean("deterministic")? {
        Some(true) => Determinism::Required,
        _ => Determinism::Off,
    };
    Ok(Serving { priority, deterministic })
}
