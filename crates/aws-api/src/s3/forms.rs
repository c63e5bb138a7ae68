//! Files that browsers send in forms.

use base::Error;
use identity::Ctx;
use objects::{Body, PutObject};
use s3s::S3Response;
use s3s::dto::*;
use s3s::post_policy::{PostPolicy, PostPolicyCondition};

use super::Craton;
use super::body::to_store;
use super::caller::FormKey;
use super::conditions;
use super::convert::{
    EncryptionAsk, algorithm, bucket, checksums_in, condition, etag, headers_in, malformed_xml, metadata, tags_in,
};
use super::customer_keys::customer_key;
use super::errors::{self, Told};
use super::file_name::malformed;
use super::form_fields::Fields;
use super::locks::lock_in;
use super::table::{Done, Form};
use super::visit::Visit;
use super::writes::{acl, checked_length, tags};

pub(crate) async fn post_object(s3: &Craton, form: Form, visit: &Visit) -> Done<PostObjectOutput> {
    let Form { request, region } = form;
    let mut input = request.input;
    let fields = visit.form().ok_or_else(malformed)?;
    // s3s, which has checked it, does not hand it on.
    let policy = fields.get("policy").map(PostPolicy::from_base64).transpose().map_err(|_| malformed())?;
    if let Some(policy) = &policy {
        check_encryption(policy, fields)?;
    }
    let ctx = match (request.extensions.get::<FormKey>(), request.extensions.get::<Ctx>()) {
        (Some(key), _) => {
            let token = policy.as_ref().and_then(|policy| equal(policy, "x-amz-security-token"));
            let region = region.as_ref().map(s3s::region::Region::as_str);
            s3.callers.of_form(visit, key, region, token, fields).await?
        }
        (None, Some(ctx)) => ctx.with_conditions(conditions::of_form(None, fields)),
        (None, None) => return Err(errors::of_domain(Error::internal("a form without a caller"))),
    };
    let lock = lock_in!(input)?;
    let customer_key = customer_key!(input, visit)?;
    let length = checked_length(Some(input.content_length.unwrap_or(0)))?;
    let body = match input.body.take() {
        Some(blob) => Body { stream: to_store(blob, visit), length: Some(length), trailers: None },
        None => Body::empty(),
    };
    let ask = PutObject {
        bucket: bucket(input.bucket.clone(), input.expected_bucket_owner.take()),
        key: input.key.clone(),
        headers: headers_in!(input),
        metadata: metadata(input.metadata.take()),
        tags: match fields.get("tagging") {
            Some(document) => tagging(document)?,
            None => tags(input.tagging.as_deref())?,
        },
        storage_class: input.storage_class.take().map(|class| class.as_str().to_owned()),
        encryption: EncryptionAsk {
            kind: input.server_side_encryption.take(),
            key: input.ssekms_key_id.take(),
            bucket_key: input.bucket_key_enabled,
            context: input.ssekms_encryption_context.take(),
        }
        .read()?,
        customer_key,
        lock,
        content_md5: input.content_md5.take(),
        checksums: checksums_in!(input),
        algorithm: algorithm(input.checksum_algorithm.as_ref())?,
        if_match: condition(input.if_match.take()),
        if_none_match: condition(input.if_none_match.take()),
        acl: acl(
            input.acl.as_ref().map(ObjectCannedACL::as_str),
            &[&input.grant_full_control, &input.grant_read, &input.grant_read_acp, &input.grant_write_acp],
        )?,
    };
    let stored = s3.objects.put_object(&ctx, ask, body).await?;
    let mut response = S3Response::new(PostObjectOutput {
        e_tag: Some(etag(stored.etag.clone())),
        version_id: stored.version_id.clone(),
        ..PostObjectOutput::default()
    });
    if let Ok(value) = http::HeaderValue::from_str(&format!("\"{}\"", stored.etag)) {
        response.headers.insert(http::header::ETAG, value);
    }
    if let Some(value) = stored.version_id.and_then(|version| http::HeaderValue::from_str(&version).ok()) {
        response.headers.insert("x-amz-version-id", value);
    }
    Ok(response)
}

/// The tags of a form's `tagging`, which is a document and not a header.
fn tagging(document: &str) -> Result<objects::Pairs, Told> {
    let mut reader = s3s::xml::Deserializer::new(document.as_bytes());
    let read = <Tagging as s3s::xml::Deserialize>::deserialize(&mut reader).map_err(|_| malformed_xml())?;
    tags_in(read.tag_set)
}

/// s3s lets a form encrypt as its policy does not say; S3 does not.
///
/// # Errors
/// AccessDenied, where the policy says nothing of a field about encryption.
fn check_encryption(policy: &PostPolicy, fields: &Fields) -> Result<(), Told> {
    let covers = |name: &str| {
        policy.conditions.iter().any(|condition| match condition {
            PostPolicyCondition::Eq { field, .. } | PostPolicyCondition::StartsWith { field, .. } => field == name,
            PostPolicyCondition::ContentLengthRange { .. } => false,
        })
    };
    let mut names = fields.names().filter(|name| name.starts_with("x-amz-server-side-encryption"));
    match names.find(|name| !covers(name)) {
        None => Ok(()),
        Some(name) => {
            Err(Told::new(403, "AccessDenied", format!("Invalid according to Policy: Extra input fields: {name}")))
        }
    }
}

/// The value that a policy demands of a field.
fn equal<'a>(policy: &'a PostPolicy, name: &str) -> Option<&'a str> {
    policy.conditions.iter().find_map(|condition| match condition {
        PostPolicyCondition::Eq { field, value } if field == name => Some(value.as_str()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_has_to_cover_how_a_form_encrypts() {
        let policy = |conditions: &str| {
            let text = format!(r#"{{"expiration": "2100-01-01T00:00:00Z", "conditions": [{conditions}]}}"#);
            PostPolicy::from_json(&text).unwrap()
        };
        let name = "x-amz-server-side-encryption";
        let fields = Fields::from([("key", "k"), (name, "AES256")]);
        let refused = check_encryption(&policy(r#"{"key": "k"}"#), &fields).unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.code.as_str()), (403, "AccessDenied"));
        assert!(check_encryption(&policy(&format!(r#"["starts-with", "${name}", ""]"#)), &fields).is_ok());
        assert!(check_encryption(&policy(r#"{"key": "k"}"#), &Fields::from([("key", "k")])).is_ok());
    }
}
