//! Keys of the client's own in requests and answers.

use objects::CustomerKey;

use super::errors::Told;
use super::visit::Visit;

/// The three headers of a key, as the fields of any of s3s's structures have them.
pub(crate) struct Given<'a> {
    pub(crate) algorithm: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
    pub(crate) md5: Option<&'a str>,
}

/// The headers of a key, from the fields of that name of any of s3s's structures.
macro_rules! customer_key {
    ($input:expr, $visit:expr) => {
        $crate::s3::customer_keys::read(
            &$crate::s3::customer_keys::Given {
                algorithm: $input.sse_customer_algorithm.as_deref(),
                key: $input.sse_customer_key.as_deref(),
                md5: $input.sse_customer_key_md5.as_deref(),
            },
            $visit,
        )
    };
}
pub(crate) use customer_key;

/// The headers of the key that the source of a copy was written with.
macro_rules! source_key {
    ($input:expr, $visit:expr) => {
        $crate::s3::customer_keys::read(
            &$crate::s3::customer_keys::Given {
                algorithm: $input.copy_source_sse_customer_algorithm.as_deref(),
                key: $input.copy_source_sse_customer_key.as_deref(),
                md5: $input.copy_source_sse_customer_key_md5.as_deref(),
            },
            $visit,
        )
    };
}
pub(crate) use source_key;

/// The key that a request brings. It must not have come in the clear over a network.
pub(crate) fn read(given: &Given<'_>, visit: &Visit) -> Result<Option<CustomerKey>, Told> {
    let key = CustomerKey::parse(given.algorithm, given.key, given.md5)?;
    if key.is_some() && !visit.arrived().tls && !visit.arrived().source.is_loopback() {
        let message = "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure \
                       connection.";
        return Err(Told::new(400, "InvalidRequest", message));
    }
    Ok(key)
}

/// What an answer says of the key: algorithm and MD5.
pub(crate) fn told(key: Option<&CustomerKey>) -> (Option<String>, Option<String>) {
    key.map(|key| ("AES256".to_owned(), key.md5().to_owned())).unzip()
}
