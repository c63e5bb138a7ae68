//! Cross-origin rules (S3 User Guide, "Using cross-origin resource sharing").

use identity::{Access, Ctx};
use serde::{Deserialize, Serialize};

use super::BucketRef;
use super::settings::{malformed_xml, to_json};
use super::store::{self, Setting, json};
use crate::error::{Code, Error, Result};
use crate::open::Objects;

const MOST_RULES: usize = 100;

/// What pages of some origins may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorsRule {
    /// A name.
    pub id: Option<String>,
    /// The request headers that pages may send; one `*` in each stands for anything.
    pub allowed_headers: Vec<String>,
    /// `GET`, `PUT`, `HEAD`, `POST`, `DELETE`.
    pub allowed_methods: Vec<String>,
    /// The origins; one `*` in each stands for anything.
    pub allowed_origins: Vec<String>,
    /// The answer's headers that pages may read.
    pub expose_headers: Vec<String>,
    /// How long browsers may keep the answer to a preflight.
    pub max_age_seconds: Option<i32>,
}

/// What a browser asks for.
#[derive(Debug, Clone, Default)]
pub struct CorsAsk {
    /// `Origin`
    pub origin: String,
    /// `Access-Control-Request-Method`, or the request's own method.
    pub method: String,
    /// `Access-Control-Request-Headers`
    pub headers: Vec<String>,
}

/// What the browser is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsGrant {
    /// `Access-Control-Allow-Origin`: `*`, or the origin.
    pub origin: String,
    /// `Access-Control-Allow-Methods`
    pub methods: Vec<String>,
    /// `Access-Control-Allow-Headers`
    pub headers: Vec<String>,
    /// `Access-Control-Expose-Headers`
    pub expose: Vec<String>,
    /// `Access-Control-Max-Age`
    pub max_age: Option<i32>,
    /// `Access-Control-Allow-Credentials`
    pub credentials: bool,
}

impl Objects {
    /// Sets the rules.
    ///
    /// # Errors
    /// MalformedXML, InvalidRequest for a method or pattern that S3 does not take; NoSuchBucket, AccessDenied.
    pub async fn put_bucket_cors(&self, ctx: &Ctx, bucket: &BucketRef, rules: Vec<CorsRule>) -> Result<()> {
        let row = self.bucket(ctx, bucket, "s3:PutBucketCORS", Access::Write).await?;
        check(&rules)?;
        store::set(self.store(), &row.bucket.name, Setting::Cors, Some(&to_json(&rules)?)).await
    }

    /// The rules.
    ///
    /// # Errors
    /// NoSuchCORSConfiguration, NoSuchBucket, AccessDenied.
    pub async fn bucket_cors(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<Vec<CorsRule>> {
        let row = self.bucket(ctx, bucket, "s3:GetBucketCORS", Access::Read).await?;
        match &row.settings.cors {
            Some(text) => Ok(json("cors", text)?),
            None => Err(Error::new(Code::NoSuchCORSConfiguration, "The CORS configuration does not exist")),
        }
    }

    /// Removes the rules.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied.
    pub async fn delete_bucket_cors(&self, ctx: &Ctx, bucket: &BucketRef) -> Result<()> {
        let row = self.bucket(ctx, bucket, "s3:PutBucketCORS", Access::Write).await?;
        store::set(self.store(), &row.bucket.name, Setting::Cors, None).await
    }

    /// What the bucket's rules tell a browser; `None` where no rule fits, or there is no such bucket. Takes no `Ctx`:
    /// browsers do not sign preflights, and the answer opens nothing by itself.
    ///
    /// # Errors
    /// The store's.
    pub async fn cors_for(&self, bucket: &str, ask: &CorsAsk) -> Result<Option<CorsGrant>> {
        let Some(row) = store::read(self.store(), bucket).await? else { return Ok(None) };
        let Some(text) = &row.settings.cors else { return Ok(None) };
        let rules: Vec<CorsRule> = json("cors", text)?;
        Ok(rules.iter().find_map(|rule| grant(rule, ask)))
    }
}

fn grant(rule: &CorsRule, ask: &CorsAsk) -> Option<CorsGrant> {
    let matched = rule.allowed_origins.iter().find(|pattern| matches(pattern, &ask.origin))?;
    rule.allowed_methods.iter().find(|method| **method == ask.method)?;
    let allows = |header: &String| {
        rule.allowed_headers.iter().any(|pattern| matches(&pattern.to_lowercase(), &header.to_lowercase()))
    };
    if !ask.headers.iter().all(allows) {
        return None;
    }
    let any = matched == "*";
    Some(CorsGrant {
        origin: if any { "*".to_owned() } else { ask.origin.clone() },
        methods: rule.allowed_methods.clone(),
        headers: ask.headers.clone(),
        expose: rule.expose_headers.clone(),
        max_age: rule.max_age_seconds,
        credentials: !any,
    })
}

/// Whether `text` is `pattern`, in which one `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end),
    }
}

fn check(rules: &[CorsRule]) -> Result<()> {
    if rules.is_empty() || rules.len() > MOST_RULES {
        return Err(malformed_xml());
    }
    let invalid = |message: String| Err(Error::new(Code::InvalidRequest, message));
    for rule in rules {
        if rule.allowed_methods.is_empty() || rule.allowed_origins.is_empty() {
            return Err(malformed_xml());
        }
        let known = ["GET", "PUT", "HEAD", "POST", "DELETE"];
        if let Some(method) = rule.allowed_methods.iter().find(|method| !known.contains(&method.as_str())) {
            return invalid(format!("Found unsupported HTTP method in CORS config. Unsupported method is {method}"));
        }
        let several = |pattern: &&String| pattern.matches('*').count() > 1;
        if let Some(origin) = rule.allowed_origins.iter().find(several) {
            return invalid(format!("AllowedOrigin \"{origin}\" can not have more than one wildcard."));
        }
        if let Some(header) = rule.allowed_headers.iter().find(several) {
            return invalid(format!("AllowedHeader \"{header}\" can not have more than one wildcard."));
        }
        if let Some(header) = rule.expose_headers.iter().find(|header| header.contains('*')) {
            return invalid(format!(
                "ExposeHeader \"{header}\" contains wildcard. We currently do not support wildcard for ExposeHeader."
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(origin: &str, methods: &[&str], headers: &[&str]) -> CorsRule {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        CorsRule {
            allowed_origins: vec![origin.to_owned()],
            allowed_methods: texts(methods),
            allowed_headers: texts(headers),
            ..CorsRule::default()
        }
    }

    fn ask(origin: &str, method: &str, headers: &[&str]) -> CorsAsk {
        let headers = headers.iter().map(|text| (*text).to_owned()).collect();
        CorsAsk { origin: origin.to_owned(), method: method.to_owned(), headers }
    }

    #[test]
    fn origins_methods_and_headers_must_all_fit() {
        let rule = rule("https://*.example.com", &["GET", "PUT"], &["x-amz-*", "Content-Type"]);
        let fits = |origin, method, headers: &[&str]| grant(&rule, &ask(origin, method, headers)).is_some();
        assert!(fits("https://a.example.com", "PUT", &["X-Amz-Date", "content-type"]));
        assert!(!fits("https://example.com", "PUT", &[]));
        assert!(!fits("https://a.example.com", "DELETE", &[]));
        assert!(!fits("https://a.example.com", "PUT", &["authorization"]));
    }

    #[test]
    fn everyone_is_named_by_a_star_and_gets_no_credentials() {
        let everyone = grant(&rule("*", &["GET"], &[]), &ask("https://a", "GET", &[])).unwrap();
        assert_eq!((everyone.origin.as_str(), everyone.credentials), ("*", false));
        let one = grant(&rule("https://a", &["GET"], &[]), &ask("https://a", "GET", &[])).unwrap();
        assert_eq!((one.origin.as_str(), one.credentials), ("https://a", true));
    }

    #[test]
    fn rules_with_unknown_methods_or_two_wildcards_are_refused() {
        assert_eq!(check(&[rule("*", &["PATCH"], &[])]).unwrap_err().code, Code::InvalidRequest);
        assert_eq!(check(&[rule("*.*", &["GET"], &[])]).unwrap_err().code, Code::InvalidRequest);
        assert_eq!(check(&[]).unwrap_err().code, Code::MalformedXML);
    }
}
