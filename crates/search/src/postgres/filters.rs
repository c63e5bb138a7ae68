//! Filters as conditions of the database, over the metadata's JSON. None is ever null, so that `not` is the complement.

use std::ops::Bound;

use serde_json::Value as Json;
use sqlx::{Postgres, QueryBuilder};

use super::rows::value;
use crate::document::Value;
use crate::filter::Filter;

/// Appends the condition that the metadata of the documents `d` meets the filter.
pub(super) fn push(query: &mut QueryBuilder<Postgres>, filter: &Filter) {
    match filter {
        Filter::Equals(name, wanted) => equals(query, name, "=", wanted),
        Filter::NotEquals(name, wanted) => equals(query, name, "<>", wanted),
        Filter::In(name, wanted) => any(query, name, wanted, false),
        Filter::NotIn(name, wanted) => any(query, name, wanted, true),
        Filter::GreaterThan(name, wanted) => compare(query, name, ">", wanted),
        Filter::GreaterThanOrEquals(name, wanted) => compare(query, name, ">=", wanted),
        Filter::LessThan(name, wanted) => compare(query, name, "<", wanted),
        Filter::LessThanOrEquals(name, wanted) => compare(query, name, "<=", wanted),
        Filter::Range(name, from, to) => range(query, name, from, to),
        Filter::StartsWith(name, beginning) => {
            query.push("coalesce(starts_with(");
            field(query, name).push(" ->> 's', ").push_bind(beginning.clone()).push("), false)");
        }
        Filter::StringContains(name, part) => contains(query, name, part),
        Filter::ListContains(name, member) => {
            query.push("coalesce(");
            field(query, name)
                .push(" -> 'l' @> ")
                .push_bind(Json::from(vec![member.clone()]).to_string())
                .push("::jsonb, false)");
        }
        Filter::And(filters) => joined(query, filters, " AND ", "true"),
        Filter::Or(filters) => joined(query, filters, " OR ", "false"),
        Filter::Not(filter) => {
            query.push("NOT (");
            push(query, filter);
            query.push(")");
        }
    }
}

fn field<'q>(query: &'q mut QueryBuilder<Postgres>, name: &str) -> &'q mut QueryBuilder<Postgres> {
    query.push("(d.metadata -> ").push_bind(name.to_owned()).push("::text)")
}

fn equals(query: &mut QueryBuilder<Postgres>, name: &str, operator: &str, wanted: &Value) {
    query.push("coalesce(");
    field(query, name).push(" ").push(operator).push(" ").push_bind(value(wanted).to_string()).push("::jsonb, false)");
}

fn any(query: &mut QueryBuilder<Postgres>, name: &str, wanted: &[Value], none: bool) {
    let wanted: Vec<String> = wanted.iter().map(|wanted| value(wanted).to_string()).collect();
    query.push("(");
    field(query, name).push(if none { " IS NOT NULL AND NOT coalesce(" } else { " IS NOT NULL AND coalesce(" });
    field(query, name).push(" = ANY(").push_bind(wanted).push("::text[]::jsonb[]), false))");
}

fn compare(query: &mut QueryBuilder<Postgres>, name: &str, operator: &str, wanted: &Value) {
    query.push("coalesce((");
    match wanted {
        Value::Number(number) => {
            field(query, name).push(" ->> 'n')::float8 ").push(operator).push(" ").push_bind(*number).push(", false)");
        }
        Value::Time(millis) => {
            field(query, name).push(" ->> 't')::int8 ").push(operator).push(" ").push_bind(*millis).push(", false)");
        }
        // Nothing else has an order.
        _ => {
            query.push("false), false)");
        }
    }
}

fn range(query: &mut QueryBuilder<Postgres>, name: &str, from: &Bound<Value>, to: &Bound<Value>) {
    query.push("(coalesce(");
    field(query, name).push(" ?| ARRAY['n', 't'], false)");
    for (bound, with, without) in [(from, ">=", ">"), (to, "<=", "<")] {
        match bound {
            Bound::Included(wanted) => compare(query.push(" AND "), name, with, wanted),
            Bound::Excluded(wanted) => compare(query.push(" AND "), name, without, wanted),
            Bound::Unbounded => {}
        }
    }
    query.push(")");
}

fn contains(query: &mut QueryBuilder<Postgres>, name: &str, part: &str) {
    query.push("coalesce(strpos(");
    field(query, name).push(" ->> 's', ").push_bind(part.to_owned()).push(") > 0, ");
    query.push("EXISTS (");
    query.push(super::store::MEMBERS);
    field(query, name).push(" -> 'l') AS member WHERE strpos(member, ").push_bind(part.to_owned()).push(") > 0))");
}

fn joined(query: &mut QueryBuilder<Postgres>, filters: &[Filter], operator: &str, empty: &str) {
    query.push("(");
    for (at, filter) in filters.iter().enumerate() {
        query.push(if at == 0 { "" } else { operator });
        push(query, filter);
    }
    query.push(if filters.is_empty() { empty } else { "" }).push(")");
}
