import os
import uuid

import boto3
import pytest
from conftest import URL, client, refused


def name(prefix="bucket"):
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def other_account():
    return client("s3", os.environ["CONF_DEV_ACCESS_KEY_ID"], os.environ["CONF_DEV_SECRET_ACCESS_KEY"])


def test_a_bucket_is_made_found_and_deleted():
    s3, bucket = client("s3"), name()
    made = s3.create_bucket(Bucket=bucket)
    assert made["Location"] == f"/{bucket}"
    assert bucket in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    head = s3.head_bucket(Bucket=bucket)
    assert head["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    s3.delete_bucket(Bucket=bucket)
    refused(lambda: s3.head_bucket(Bucket=bucket), "404", 404)
    refused(lambda: s3.list_objects_v2(Bucket=bucket), "NoSuchBucket", 404)
    refused(lambda: s3.delete_bucket(Bucket=bucket), "NoSuchBucket", 404)


def test_a_buckets_region_is_that_of_the_client_that_made_it():
    bucket = name()
    west = boto3.client("s3", region_name="eu-west-1", endpoint_url=URL)
    west.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    try:
        assert west.get_bucket_location(Bucket=bucket)["LocationConstraint"] == "eu-west-1"
        assert west.head_bucket(Bucket=bucket)["BucketRegion"] == "eu-west-1"
    finally:
        west.delete_bucket(Bucket=bucket)


def test_names_are_unique_among_accounts():
    s3, bucket = client("s3"), name()
    s3.create_bucket(Bucket=bucket)
    try:
        refused(lambda: other_account().create_bucket(Bucket=bucket), "BucketAlreadyExists", 409)
        refused(lambda: other_account().list_objects_v2(Bucket=bucket), "AccessDenied", 403)
        refused(lambda: other_account().head_bucket(Bucket=bucket), "403", 403)
    finally:
        s3.delete_bucket(Bucket=bucket)


@pytest.mark.parametrize("bad", ["ab", "Upper", "under_score", "192.168.1.1", "a..b", "-start", "x" * 64])
def test_names_that_break_the_rules_are_refused(bad):
    refused(lambda: client("s3").create_bucket(Bucket=bad), "InvalidBucketName", 400)


def test_a_bucket_with_objects_is_not_deleted(bucket):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    refused(lambda: s3.delete_bucket(Bucket=bucket), "BucketNotEmpty", 409)


def test_buckets_are_listed_in_pages():
    s3 = client("s3")
    prefix = f"page-{uuid.uuid4().hex[:8]}-"
    names = sorted(prefix + str(n) for n in range(5))
    for bucket in names:
        s3.create_bucket(Bucket=bucket)
    try:
        pages = list(s3.get_paginator("list_buckets").paginate(Prefix=prefix, PaginationConfig={"PageSize": 2}))
        assert [b["Name"] for page in pages for b in page["Buckets"]] == names
        assert len(pages) == 3
        refused(lambda: s3.list_buckets(MaxBuckets=0), "InvalidArgument", 400)
    finally:
        for bucket in names:
            s3.delete_bucket(Bucket=bucket)


def test_the_owner_that_a_request_expects_must_be_the_buckets(bucket):
    s3 = client("s3")
    account = client("sts").get_caller_identity()["Account"]
    s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    refused(lambda: s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner="999999999999"), "AccessDenied", 403)
    refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"", ExpectedBucketOwner="999999999999"), "AccessDenied", 403)


def test_lists_of_rights_are_read_and_not_written(bucket):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    for answer in (s3.get_bucket_acl(Bucket=bucket), s3.get_object_acl(Bucket=bucket, Key="k")):
        assert [g["Permission"] for g in answer["Grants"]] == ["FULL_CONTROL"]
        assert answer["Grants"][0]["Grantee"]["ID"] == answer["Owner"]["ID"]
    refused(lambda: s3.put_bucket_acl(Bucket=bucket, ACL="public-read"), "AccessControlListNotSupported", 400)
    refused(lambda: s3.put_object_acl(Bucket=bucket, Key="k", ACL="public-read"), "AccessControlListNotSupported", 400)
    refused(lambda: s3.put_object(Bucket=bucket, Key="k2", Body=b"", ACL="public-read"), "AccessControlListNotSupported", 400)
    s3.put_object(Bucket=bucket, Key="k2", Body=b"", ACL="bucket-owner-full-control")
    refused(lambda: s3.create_bucket(Bucket=name(), ACL="public-read"), "InvalidBucketAclWithObjectOwnership", 400)
    refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"", ACL="everybody"), "InvalidArgument", 400)


def test_settings_that_are_not_built_are_answered_as_absent(bucket):
    s3 = client("s3")
    refused(lambda: s3.get_bucket_lifecycle_configuration(Bucket=bucket), "NoSuchLifecycleConfiguration", 404)
    refused(lambda: s3.get_bucket_website(Bucket=bucket), "NoSuchWebsiteConfiguration", 404)
    refused(lambda: s3.get_bucket_replication(Bucket=bucket), "ReplicationConfigurationNotFoundError", 404)
    refused(lambda: s3.get_object_lock_configuration(Bucket=bucket), "ObjectLockConfigurationNotFoundError", 404)
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    assert s3.list_bucket_metrics_configurations(Bucket=bucket)["IsTruncated"] is False
    assert s3.list_bucket_analytics_configurations(Bucket=bucket)["IsTruncated"] is False
    assert s3.list_bucket_inventory_configurations(Bucket=bucket)["IsTruncated"] is False
    assert s3.list_bucket_intelligent_tiering_configurations(Bucket=bucket)["IsTruncated"] is False
    refused(lambda: s3.get_bucket_lifecycle_configuration(Bucket=name("absent")), "NoSuchBucket", 404)
    for remove in (s3.delete_bucket_lifecycle, s3.delete_bucket_replication, s3.delete_bucket_website):
        remove(Bucket=bucket)
        refused(lambda: remove(Bucket=name("absent")), "NoSuchBucket", 404)


def test_operations_that_are_not_built_say_so_by_name(bucket):
    s3 = client("s3")
    rules = {"Rules": [{"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]}
    refused(lambda: s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=rules),
            "NotImplemented", 501, "PutBucketLifecycle")
    refused(lambda: s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"}),
            "NotImplemented", 501, "PutBucketRequestPayment")
    refused(lambda: s3.get_bucket_abac(Bucket=bucket), "NotImplemented", 501, "GetBucketAbac")
    refused(lambda: s3.create_session(Bucket=bucket), "NotImplemented", 501, "CreateSession")
    refused(lambda: s3.restore_object(Bucket=bucket, Key="k", RestoreRequest={"Days": 1}), "NotImplemented", 501, "RestoreObject")
