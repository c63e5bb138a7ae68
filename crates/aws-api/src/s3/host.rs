//! Buckets in host names: `photos.localhost:4566` is the bucket `photos`.

use http::HeaderMap;
use http::request::Parts;
use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};

/// The domain whose names resolve to this machine everywhere.
const LOCALHOST: &str = "localhost";

/// The domains under which a name is a bucket's.
#[derive(Debug, Clone)]
pub(crate) struct Domains(Vec<String>);

impl Domains {
    /// `localhost`, and `domain` where one is set.
    pub(crate) fn new(domain: Option<&str>) -> Self {
        let configured = domain.map(|domain| domain.trim_matches('.').to_ascii_lowercase());
        Self(configured.into_iter().chain([LOCALHOST.to_owned()]).collect())
    }

    /// The bucket that a request's host names.
    pub(crate) fn bucket_of<'a>(&self, parts: &'a Parts) -> Option<&'a str> {
        self.bucket(host(&parts.headers).or_else(|| parts.uri.authority().map(|a| a.as_str()))?)
    }

    /// The bucket in `host`, which may have a port: `photos` of `photos.localhost` and of `photos.s3.localhost`.
    fn bucket<'a>(&self, host: &'a str) -> Option<&'a str> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        self.0.iter().find_map(|domain| {
            let label = name.len().checked_sub(domain.len() + 1)?;
            let under = name.get(label..)?.strip_prefix('.')?.eq_ignore_ascii_case(domain);
            let bucket = name.get(..label).filter(|_| under)?;
            let bucket = bucket.strip_suffix(".s3").unwrap_or(bucket);
            (!bucket.is_empty() && bucket != "s3").then_some(bucket)
        })
    }
}

impl S3Host for Domains {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        Ok(match self.bucket(host) {
            Some(bucket) => VirtualHost::new(host).with_bucket(bucket.to_ascii_lowercase()),
            None => VirtualHost::new(host),
        })
    }
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(http::header::HOST)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_under_the_domain_is_a_bucket() {
        let domains = Domains::new(Some("S3.example.com"));
        for (host, bucket) in [
            ("photos.localhost:4566", Some("photos")),
            ("photos.s3.localhost", Some("photos")),
            ("a.b.LocalHost", Some("a.b")),
            ("photos.s3.example.com:80", Some("photos")),
            ("s3.example.com", None),
            ("s3.localhost:4566", None),
            ("localhost:4566", None),
            (".localhost", None),
            ("127.0.0.1:4566", None),
            ("[::1]:4566", None),
            ("craton.example.com", None),
            ("ünï", None),
        ] {
            assert_eq!(domains.bucket(host), bucket, "{host}");
        }
    }
}
