//! Conditions: one operator, one key, the policy's values, and whether a request satisfies them.

mod address;
mod date;
mod operator;

use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::arn::{self, ArnPattern, Missing};
use super::context::Context;
use super::pattern::{Pattern, Syntax, Variable};
use address::Network;
use date::Date;
pub use operator::{Comparison, Operator, Qualifier};

/// One condition of a statement. A statement's conditions must all hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    operator: Operator,
    key: Arc<str>,
    key_in_lower_case: Arc<str>,
    values: Vec<Arc<str>>,
    test: Test,
}

/// The policy's values, ready to be compared. What could not be read as the operator's type matches nothing.
#[derive(Debug, Clone, PartialEq)]
enum Test {
    Text(Vec<Pattern>),
    TextIgnoringCase(Vec<Pattern>),
    Numbers(Relation, Vec<Number>),
    Dates(Relation, Vec<Date>),
    Bools(Vec<bool>),
    Binary(Vec<Vec<u8>>),
    Networks(Vec<Network>),
    Arns(Vec<ArnPattern>),
    Null(Vec<bool>),
}

/// How the request's value must stand to the policy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// A number: exact where it is an integer.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Number {
    integer: Option<i128>,
    float: f64,
}

impl Condition {
    /// Compiles a condition. `variables` tells whether the document's version knows policy variables.
    pub(super) fn compile(operator: Operator, key: &str, values: Vec<Arc<str>>, variables: bool) -> Self {
        let test = Test::compile(operator.comparison, &values, variables);
        Self { operator, key: key.into(), key_in_lower_case: key.to_lowercase().into(), values, test }
    }

    /// The operator.
    #[must_use]
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// The key, as the policy writes it.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The policy's values.
    #[must_use]
    pub fn values(&self) -> &[Arc<str>] {
        &self.values
    }

    /// The first variable that the comparison needs and this request has no value for. Behind `IfExists` a missing key
    /// needs none.
    pub(super) fn missing_variable(&self, context: &Context) -> Option<&Variable> {
        if self.operator.if_exists && self.request_values(context).is_empty() {
            return None;
        }
        self.variables().into_iter().find(|variable| variable.value(context).is_none())
    }

    /// All variables in the policy's values.
    pub(super) fn variables(&self) -> Vec<&Variable> {
        match &self.test {
            Test::Text(patterns) | Test::TextIgnoringCase(patterns) => {
                patterns.iter().flat_map(Pattern::variables).collect()
            }
            Test::Arns(patterns) => patterns.iter().flat_map(ArnPattern::variables).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the request satisfies the condition (IAM User Guide, "Condition operators", "Single-valued vs.
    /// multivalued context keys" and "Evaluation logic for multiple context keys or values").
    ///
    /// A key with several values and no set operator satisfies a positive operator if one of them does, and a negated
    /// one if none matches.
    pub(super) fn holds(&self, context: &Context) -> bool {
        let values = self.request_values(context);
        if let Test::Null(expected) = &self.test {
            return expected.contains(&values.is_empty());
        }
        if values.is_empty() && self.operator.if_exists {
            return true;
        }
        let negated = self.operator.comparison.is_negated();
        let satisfies = |value: &String| self.test.matches(value, context) != negated;
        match self.operator.qualifier {
            None => values.iter().any(|value| self.test.matches(value, context)) != negated,
            // "If the key values resolve to an empty data set (for example, an empty string) …"
            Some(qualifier) if values.iter().all(String::is_empty) => qualifier == Qualifier::ForAllValues,
            Some(Qualifier::ForAllValues) => values.iter().all(satisfies),
            Some(Qualifier::ForAnyValue) => values.iter().any(satisfies),
        }
    }

    /// The request's values of the key; a key without values counts as missing.
    pub(super) fn request_values<'a>(&self, context: &'a Context) -> &'a [String] {
        context.get(&self.key_in_lower_case).unwrap_or_default()
    }
}

impl Test {
    fn compile(comparison: Comparison, values: &[Arc<str>], variables: bool) -> Self {
        use Comparison as C;
        let text = |wildcards: bool| {
            let syntax = Syntax { wildcards, variables };
            values.iter().map(|value| Pattern::compile(value, syntax)).collect()
        };
        let numbers = |r| Self::Numbers(r, values.iter().filter_map(|value| Number::parse(value)).collect());
        let dates = |r| Self::Dates(r, values.iter().filter_map(|value| Date::parse(value)).collect());
        let bools = || values.iter().filter_map(|value| boolean(value)).collect();
        match comparison {
            C::StringEquals | C::StringNotEquals => Self::Text(text(false)),
            C::StringLike | C::StringNotLike => Self::Text(text(true)),
            C::StringEqualsIgnoreCase | C::StringNotEqualsIgnoreCase => Self::TextIgnoringCase(text(false)),
            C::NumericEquals | C::NumericNotEquals => numbers(Relation::Equal),
            C::NumericLessThan => numbers(Relation::Less),
            C::NumericLessThanEquals => numbers(Relation::AtMost),
            C::NumericGreaterThan => numbers(Relation::Greater),
            C::NumericGreaterThanEquals => numbers(Relation::AtLeast),
            C::DateEquals | C::DateNotEquals => dates(Relation::Equal),
            C::DateLessThan => dates(Relation::Less),
            C::DateLessThanEquals => dates(Relation::AtMost),
            C::DateGreaterThan => dates(Relation::Greater),
            C::DateGreaterThanEquals => dates(Relation::AtLeast),
            C::Bool => Self::Bools(bools()),
            C::BinaryEquals => Self::Binary(values.iter().filter_map(|value| binary(value)).collect()),
            C::IpAddress | C::NotIpAddress => {
                Self::Networks(values.iter().filter_map(|value| Network::parse(value)).collect())
            }
            C::ArnEquals | C::ArnNotEquals | C::ArnLike | C::ArnNotLike => {
                let syntax = Syntax { wildcards: true, variables };
                Self::Arns(values.iter().map(|value| ArnPattern::compile(value, syntax, Missing::Refused)).collect())
            }
            C::Null => Self::Null(bools()),
        }
    }

    /// Whether one of the policy's values matches this one of the request, negation aside.
    fn matches(&self, value: &str, context: &Context) -> bool {
        match self {
            Self::Text(patterns) => patterns.iter().any(|pattern| pattern.matches(value, context)),
            Self::TextIgnoringCase(patterns) => {
                patterns.iter().any(|pattern| pattern.equals_ignoring_case(value, context))
            }
            Self::Numbers(relation, numbers) => Number::parse(value)
                .is_some_and(|value| numbers.iter().any(|number| relation.accepts(value.compare(*number)))),
            Self::Dates(relation, dates) => {
                Date::parse(value).is_some_and(|value| dates.iter().any(|date| relation.accepts(Some(value.cmp(date)))))
            }
            Self::Bools(bools) => boolean(value).is_some_and(|value| bools.contains(&value)),
            Self::Binary(expected) => binary(value).is_some_and(|value| expected.contains(&value)),
            Self::Networks(networks) => {
                value.parse::<IpAddr>().is_ok_and(|address| networks.iter().any(|network| network.holds(address)))
            }
            Self::Arns(patterns) => {
                let fields = arn::split(value);
                patterns.iter().any(|pattern| pattern.matches(fields, context))
            }
            Self::Null(_) => false,
        }
    }
}

impl Relation {
    fn accepts(self, ordering: Option<Ordering>) -> bool {
        ordering.is_some_and(match self {
            Self::Equal => Ordering::is_eq,
            Self::Less => Ordering::is_lt,
            Self::AtMost => Ordering::is_le,
            Self::Greater => Ordering::is_gt,
            Self::AtLeast => Ordering::is_ge,
        })
    }
}

impl Number {
    fn parse(text: &str) -> Option<Self> {
        let form = |b: u8| b.is_ascii_digit() || b"+-.eE".contains(&b);
        let float: f64 = text.bytes().all(form).then(|| text.parse().ok())??;
        Some(Self { integer: text.parse().ok(), float })
    }

    fn compare(self, other: Self) -> Option<Ordering> {
        match (self.integer, other.integer) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => self.float.partial_cmp(&other.float),
        }
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn binary(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Whether `value` is a date that a condition can compare.
pub(super) fn is_date(value: &str) -> bool {
    Date::parse(value).is_some()
}
