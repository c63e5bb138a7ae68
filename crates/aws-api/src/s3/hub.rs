//! The hub's bucket, `jumpstart-cache-prod-REGION`: one in every region, that everyone who is known may read and nobody
//! changes. Its files are made from the catalogue and lie nowhere.

use bytes::Bytes;
use futures::StreamExt as _;
use http::HeaderValue;
use identity::{Access, Ask, Ctx};
use s3s::S3Response;
use s3s::dto::*;

use super::Craton;
use super::body::from_store;
use super::convert::{condition, count, etag, length, moment};
use super::encoding::Encoding;
use super::errors::{self, Told};
use super::table::{Asked, Done, done};
use super::visit::Visit;
use crate::jumpstart::{self, File};

/// What is answered of the bucket.
const READS: [&str; 5] = ["GetObject", "HeadObject", "ListObjects", "ListObjectsV2", "HeadBucket"];
/// The most keys of a list.
const MOST_KEYS: i32 = 1000;

/// Refuses what would change the hub's bucket, as AWS does where somebody else's is concerned.
pub(super) fn check(visit: &Visit, operation: &str) -> Result<(), Told> {
    let resource = visit.arrived().resource.trim_start_matches('/');
    let bucket = resource.split('/').next().unwrap_or_default();
    if models::bucket_region(bucket).is_none() || READS.contains(&operation) {
        return Ok(());
    }
    Err(match operation {
        "CreateBucket" => Told::new(
            409,
            "BucketAlreadyExists",
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system. \
             Please select a different name and try again.",
        )
        .about("BucketName", bucket),
        _ => Told::new(403, "AccessDenied", "Access Denied"),
    })
}

/// Whether the bucket is the hub's.
pub(super) fn is_hub(bucket: &str) -> bool {
    models::bucket_region(bucket).is_some()
}

pub(super) async fn get(s3: &Craton, asked: Asked<GetObjectInput>) -> Done<GetObjectOutput> {
    let Asked { ctx, input, .. } = asked;
    let file = find(s3, &ctx, &input.bucket, &input.key).await?;
    check_conditions(&file, condition(input.if_match), condition(input.if_none_match))?;
    let (tag, bytes): (String, Bytes) = (file.etag(), file.bytes.clone());
    let size = bytes.len() as u64;
    done(GetObjectOutput {
        body: Some(from_store(futures::stream::once(async move { Ok(bytes) }).boxed())),
        content_length: Some(length(size)),
        content_type: Some(file.content_type.to_owned()),
        e_tag: Some(etag(tag)),
        last_modified: Some(moment(models::CATALOGUED)),
        ..GetObjectOutput::default()
    })
}

pub(super) async fn head(s3: &Craton, asked: Asked<HeadObjectInput>) -> Done<HeadObjectOutput> {
    let Asked { ctx, input, .. } = asked;
    let file = find(s3, &ctx, &input.bucket, &input.key).await?;
    check_conditions(&file, condition(input.if_match), condition(input.if_none_match))?;
    done(HeadObjectOutput {
        content_length: Some(length(file.bytes.len() as u64)),
        content_type: Some(file.content_type.to_owned()),
        e_tag: Some(etag(file.etag())),
        last_modified: Some(moment(models::CATALOGUED)),
        ..HeadObjectOutput::default()
    })
}

pub(super) async fn head_bucket(s3: &Craton, asked: Asked<HeadBucketInput>) -> Done<HeadBucketOutput> {
    let Asked { ctx, input, .. } = asked;
    permit(s3, &ctx, "s3:ListBucket", &input.bucket).await?;
    let bucket_region = models::bucket_region(&input.bucket).map(str::to_owned);
    let output = HeadBucketOutput { access_point_alias: Some(false), bucket_region, ..HeadBucketOutput::default() };
    let mut response = S3Response::new(output);
    response.headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    Ok(response)
}

pub(super) async fn version_1(s3: &Craton, asked: Asked<ListObjectsInput>) -> Done<ListObjectsOutput> {
    let Asked { ctx, input, .. } = asked;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let listing = Listing {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone().filter(|delimiter| !delimiter.is_empty()),
        after: input.marker.clone().unwrap_or_default(),
        most: input.max_keys.unwrap_or(MOST_KEYS),
    };
    let found = listing.of(files(s3, &ctx, &input.bucket).await?);
    done(ListObjectsOutput {
        name: Some(input.bucket),
        prefix: Some(encoding.write(&listing.prefix)),
        marker: Some(encoding.write(&listing.after)),
        max_keys: Some(listing.most.min(MOST_KEYS)),
        is_truncated: Some(found.next.is_some()),
        next_marker: found.next.filter(|_| listing.delimiter.is_some()).map(|marker| encoding.write(&marker)),
        delimiter: listing.delimiter.as_ref().map(|delimiter| encoding.write(delimiter)),
        contents: Some(contents(&found.files, encoding)),
        common_prefixes: Some(encoding.prefixes(&found.prefixes)),
        encoding_type: encoding.name(),
        request_charged: None,
    })
}

pub(super) async fn version_2(s3: &Craton, asked: Asked<ListObjectsV2Input>) -> Done<ListObjectsV2Output> {
    let Asked { ctx, input, .. } = asked;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let token = input.continuation_token.clone().filter(|token| !token.is_empty());
    let listing = Listing {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone().filter(|delimiter| !delimiter.is_empty()),
        after: token.clone().or_else(|| input.start_after.clone()).unwrap_or_default(),
        most: input.max_keys.unwrap_or(MOST_KEYS),
    };
    let found = listing.of(files(s3, &ctx, &input.bucket).await?);
    done(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(encoding.write(&listing.prefix)),
        max_keys: Some(listing.most.min(MOST_KEYS)),
        key_count: Some(count(found.files.len() + found.prefixes.len())),
        is_truncated: Some(found.next.is_some()),
        next_continuation_token: found.next,
        delimiter: listing.delimiter.as_ref().map(|delimiter| encoding.write(delimiter)),
        contents: Some(contents(&found.files, encoding)),
        common_prefixes: Some(encoding.prefixes(&found.prefixes)),
        start_after: input.start_after.filter(|_| token.is_none()).map(|after| encoding.write(&after)),
        continuation_token: token,
        encoding_type: encoding.name(),
        request_charged: None,
    })
}

/// The bucket is nobody's account's: what the caller's own policies say decides.
async fn permit(s3: &Craton, ctx: &Ctx, action: &str, resource: &str) -> Result<(), Told> {
    let ask = Ask::new(action, format!("arn:aws:s3:::{resource}"));
    s3.callers.identity.permit(ctx, &ask, Access::Read).await.map_err(errors::of_domain)
}

async fn find(s3: &Craton, ctx: &Ctx, bucket: &str, key: &str) -> Result<File, Told> {
    permit(s3, ctx, "s3:GetObject", &format!("{bucket}/{key}")).await?;
    let region = models::bucket_region(bucket).unwrap_or_default();
    jumpstart::file(&s3.models, region, key)
        .ok_or_else(|| Told::new(404, "NoSuchKey", "The specified key does not exist.").about("Key", key))
}

async fn files(s3: &Craton, ctx: &Ctx, bucket: &str) -> Result<Vec<File>, Told> {
    permit(s3, ctx, "s3:ListBucket", bucket).await?;
    Ok(jumpstart::files(&s3.models, models::bucket_region(bucket).unwrap_or_default()))
}

fn check_conditions(file: &File, matching: Option<String>, other: Option<String>) -> Result<(), Told> {
    let own = file.etag();
    let names =
        |tags: &str| tags.split(',').map(|tag| tag.trim().trim_matches('"')).any(|tag| tag == "*" || tag == own);
    if matching.is_some_and(|tags| !names(&tags)) {
        let message = "At least one of the pre-conditions you specified did not hold";
        return Err(Told::new(412, "PreconditionFailed", message).about("Condition", "If-Match"));
    }
    match other.is_some_and(|tags| names(&tags)) {
        true => Err(Told::new(304, "NotModified", "Not Modified")),
        false => Ok(()),
    }
}

fn contents(files: &[File], encoding: Encoding) -> ObjectList {
    let object = |file: &File| Object {
        e_tag: Some(etag(file.etag())),
        key: Some(encoding.write(&file.key)),
        last_modified: Some(moment(models::CATALOGUED)),
        size: Some(length(file.bytes.len() as u64)),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
        ..Object::default()
    };
    files.iter().map(object).collect()
}

/// Which part of the bucket is listed.
struct Listing {
    prefix: String,
    delimiter: Option<String>,
    after: String,
    most: i32,
}

#[derive(Debug, Default)]
struct Listed {
    files: Vec<File>,
    prefixes: Vec<String>,
    /// What the next list comes after.
    next: Option<String>,
}

impl Listing {
    fn of(&self, files: Vec<File>) -> Listed {
        let most = usize::try_from(self.most.clamp(0, MOST_KEYS)).unwrap_or_default();
        let mut listed = Listed::default();
        let mut last: Option<String> = None;
        for file in files.into_iter().filter(|file| file.key.starts_with(&self.prefix)) {
            let folder = self.folder(&file.key);
            // A folder is one entry, however many files it holds, and comes after what it comes after.
            let entry = folder.clone().unwrap_or_else(|| file.key.clone());
            if entry <= self.after || last.as_ref() == Some(&entry) {
                continue;
            }
            if listed.files.len() + listed.prefixes.len() == most {
                listed.next = last.filter(|_| most > 0);
                return listed;
            }
            last = Some(entry);
            match folder {
                Some(folder) => listed.prefixes.push(folder),
                None => listed.files.push(file),
            }
        }
        listed
    }

    /// The common prefix that a key falls under.
    fn folder(&self, key: &str) -> Option<String> {
        let delimiter = self.delimiter.as_deref()?;
        let rest = key.get(self.prefix.len()..)?;
        let end = rest.find(delimiter)? + delimiter.len();
        Some(format!("{}{}", self.prefix, &rest[..end]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(key: &str) -> File {
        File { key: key.to_owned(), content_type: "text/plain", bytes: Bytes::from_static(b"x") }
    }

    fn list(listing: &Listing) -> (Vec<String>, Vec<String>, Option<String>) {
        let files = ["a.json", "d/1", "d/2", "e/f/3", "z.json"].map(file).to_vec();
        let listed = listing.of(files);
        (listed.files.into_iter().map(|file| file.key).collect(), listed.prefixes, listed.next)
    }

    fn listing(prefix: &str, delimiter: Option<&str>, after: &str, most: i32) -> Listing {
        let delimiter = delimiter.map(str::to_owned);
        Listing { prefix: prefix.to_owned(), delimiter, after: after.to_owned(), most }
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_repeat() {
        let (files, prefixes, next) = list(&listing("", Some("/"), "", 2));
        assert_eq!((files, prefixes, next.as_deref()), (vec!["a.json".into()], vec!["d/".into()], Some("d/")));
        let (files, prefixes, next) = list(&listing("", Some("/"), "d/", 2));
        assert_eq!((files, prefixes, next), (vec!["z.json".into()], vec!["e/".into()], None));
    }

    #[test]
    fn a_prefix_without_delimiter_lists_its_keys() {
        assert_eq!(list(&listing("d/", None, "", 1000)).0, ["d/1", "d/2"]);
        assert_eq!(list(&listing("d/", None, "d/1", 1000)).0, ["d/2"]);
        assert_eq!(list(&listing("", None, "", 0)), (vec![], vec![], None));
    }

    #[test]
    fn conditions_are_kept_to() {
        let file = file("k");
        let own = format!("\"{}\"", file.etag());
        assert!(check_conditions(&file, Some(own.clone()), None).is_ok());
        assert_eq!(check_conditions(&file, Some("\"x\"".into()), None).unwrap_err().code, "PreconditionFailed");
        assert_eq!(check_conditions(&file, None, Some(own)).unwrap_err().status.as_u16(), 304);
        assert!(check_conditions(&file, None, Some("\"x\"".into())).is_ok());
    }
}
