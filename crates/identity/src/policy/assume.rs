//! Documents under the assumption that what depends on a request alone is as it must be.

use std::sync::Arc;

use super::condition::Condition;
use super::context::Context;
use super::document::Document;
use super::statement::{Effect, Statement};

/// A document without the conditions that nobody can judge before there is a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Assumed {
    /// The document: statements that allow have lost those conditions, statements that deny because of them are gone.
    pub document: Document,
    /// For each statement of `document`: its place in the original, and the conditions that it lost.
    pub statements: Vec<(usize, Vec<Condition>)>,
    /// The denying statements that are gone: their place, and those conditions.
    pub denies: Vec<(usize, Vec<Condition>)>,
}

impl Document {
    /// The document, if every condition is met whose key `is_open`: whose value only a request tells.
    #[must_use]
    pub fn assuming(&self, is_open: impl Fn(&str) -> bool) -> Assumed {
        let mut assumed = Assumed {
            document: Self { statements: Vec::new(), ..self.clone() },
            statements: Vec::new(),
            denies: Vec::new(),
        };
        for (index, statement) in self.statements.iter().enumerate() {
            let open: Vec<Condition> =
                statement.conditions.iter().filter(|condition| is_open(condition.key())).cloned().collect();
            if statement.effect == Effect::Deny && !open.is_empty() {
                assumed.denies.push((index, open));
                continue;
            }
            let conditions = statement.conditions.iter().filter(|condition| !is_open(condition.key())).cloned();
            assumed.document.statements.push(Statement { conditions: conditions.collect(), ..statement.clone() });
            assumed.statements.push((index, open));
        }
        assumed
    }
}

impl Condition {
    /// The condition in words: `aws:SourceArn ArnLike arn:… or arn:…`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let values: Vec<&str> = self.values().iter().map(Arc::as_ref).collect();
        format!("{} {} {}", self.key(), self.operator(), values.join(" or "))
    }

    /// Whether the condition holds for these keys.
    #[must_use]
    pub fn is_met(&self, context: &Context) -> bool {
        self.missing_variable(context).is_none() && self.holds(context)
    }
}
