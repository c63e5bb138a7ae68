//! Lists of objects and of their versions.

use base::AccountId;
use objects::{ListObjects, ListObjectsV2, ListVersions, ListedObject};
use s3s::dto::*;

use super::Craton;
use super::convert::{bucket, checksum_type_out, count, etag, length, moment, owner};
use super::encoding::Encoding;
use super::hub;
use super::reads::algorithms;
use super::table::{Asked, Done, done};

pub(crate) async fn version_1(s3: &Craton, asked: Asked<ListObjectsInput>) -> Done<ListObjectsOutput> {
    if hub::is_hub(&asked.input.bucket) {
        return hub::version_1(s3, asked).await;
    }
    let Asked { ctx, input, .. } = asked;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
    let ask = ListObjects {
        bucket: bucket(input.bucket.clone(), input.expected_bucket_owner),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: delimiter.clone(),
        marker: input.marker.clone().filter(|marker| !marker.is_empty()),
        max_keys: input.max_keys.map(i64::from),
    };
    let found = s3.objects.list_objects(&ctx, &ask).await?;
    // AWS names the next marker only where the last key may not be one.
    let next = found.next_marker.filter(|_| delimiter.is_some() && found.truncated);
    done(ListObjectsOutput {
        name: Some(input.bucket),
        prefix: Some(encoding.write(&input.prefix.unwrap_or_default())),
        marker: Some(encoding.write(&input.marker.unwrap_or_default())),
        max_keys: Some(count(found.max_keys)),
        is_truncated: Some(found.truncated),
        contents: Some(contents(found.entries, Some(&found.owner), encoding)),
        common_prefixes: Some(encoding.prefixes(&found.prefixes)),
        delimiter: delimiter.map(|delimiter| encoding.write(&delimiter)),
        next_marker: next.map(|marker| encoding.write(&marker)),
        encoding_type: encoding.name(),
        request_charged: None,
    })
}

pub(crate) async fn version_2(s3: &Craton, asked: Asked<ListObjectsV2Input>) -> Done<ListObjectsV2Output> {
    if hub::is_hub(&asked.input.bucket) {
        return hub::version_2(s3, asked).await;
    }
    let Asked { ctx, input, .. } = asked;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
    let ask = ListObjectsV2 {
        bucket: bucket(input.bucket.clone(), input.expected_bucket_owner),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: delimiter.clone(),
        start_after: input.start_after.clone().filter(|after| !after.is_empty()),
        token: input.continuation_token.clone(),
        max_keys: input.max_keys.map(i64::from),
    };
    let found = s3.objects.list_objects_v2(&ctx, &ask).await?;
    let no_token = input.continuation_token.as_ref().is_none_or(String::is_empty);
    let shown = input.fetch_owner.unwrap_or(false).then_some(&found.owner);
    done(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(encoding.write(&input.prefix.unwrap_or_default())),
        max_keys: Some(count(found.max_keys)),
        key_count: Some(count(found.entries.len() + found.prefixes.len())),
        continuation_token: input.continuation_token,
        is_truncated: Some(found.truncated),
        next_continuation_token: found.next_token,
        contents: Some(contents(found.entries, shown, encoding)),
        common_prefixes: Some(encoding.prefixes(&found.prefixes)),
        delimiter: delimiter.map(|delimiter| encoding.write(&delimiter)),
        encoding_type: encoding.name(),
        // A token takes its place.
        start_after: input.start_after.filter(|_| no_token).map(|after| encoding.write(&after)),
        request_charged: None,
    })
}

fn contents(entries: Vec<ListedObject>, of: Option<&AccountId>, encoding: Encoding) -> ObjectList {
    let list = entries.into_iter().map(|entry| Object {
        checksum_algorithm: algorithms(entry.checksum_algorithm),
        checksum_type: entry.checksum_type.map(checksum_type_out),
        e_tag: Some(etag(entry.etag)),
        key: Some(encoding.write(&entry.key)),
        last_modified: Some(moment(entry.modified)),
        owner: of.map(owner),
        restore_status: None,
        size: Some(length(entry.size)),
        storage_class: Some(ObjectStorageClass::from(entry.storage_class)),
    });
    list.collect()
}

pub(crate) async fn versions(s3: &Craton, asked: Asked<ListObjectVersionsInput>) -> Done<ListObjectVersionsOutput> {
    let Asked { ctx, input, .. } = asked;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
    let ask = ListVersions {
        bucket: bucket(input.bucket.clone(), input.expected_bucket_owner),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: delimiter.clone(),
        key_marker: input.key_marker.clone().filter(|marker| !marker.is_empty()),
        version_marker: input.version_id_marker.clone().filter(|marker| !marker.is_empty()),
        max_keys: input.max_keys.map(i64::from),
    };
    let found = s3.objects.list_object_versions(&ctx, &ask).await?;
    let (mut versions, mut markers) = (ObjectVersionList::new(), DeleteMarkers::new());
    for version in found.versions {
        let key = Some(encoding.write(&version.object.key));
        if version.delete_marker {
            markers.push(DeleteMarkerEntry {
                is_latest: Some(version.latest),
                key,
                last_modified: Some(moment(version.object.modified)),
                owner: Some(owner(&found.owner)),
                version_id: Some(version.version_id),
            });
            continue;
        }
        versions.push(ObjectVersion {
            checksum_algorithm: algorithms(version.object.checksum_algorithm),
            checksum_type: version.object.checksum_type.map(checksum_type_out),
            e_tag: Some(etag(version.object.etag)),
            is_latest: Some(version.latest),
            key,
            last_modified: Some(moment(version.object.modified)),
            owner: Some(owner(&found.owner)),
            restore_status: None,
            size: Some(length(version.object.size)),
            storage_class: Some(ObjectVersionStorageClass::from(version.object.storage_class)),
            version_id: Some(version.version_id),
        });
    }
    done(ListObjectVersionsOutput {
        common_prefixes: Some(encoding.prefixes(&found.prefixes)),
        delete_markers: Some(markers),
        delimiter: delimiter.map(|delimiter| encoding.write(&delimiter)),
        encoding_type: encoding.name(),
        is_truncated: Some(found.truncated),
        key_marker: Some(encoding.write(&input.key_marker.unwrap_or_default())),
        max_keys: Some(count(found.max_keys)),
        name: Some(input.bucket),
        next_key_marker: found.next_key_marker.as_deref().map(|key| encoding.write(key)),
        next_version_id_marker: found.next_version_marker,
        prefix: Some(encoding.write(&input.prefix.unwrap_or_default())),
        request_charged: None,
        version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
        versions: Some(versions),
    })
}
