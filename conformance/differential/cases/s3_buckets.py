"""S3 buckets: creation, names, lists, deletion, and the settings of a bucket."""

import json

from case import Case, call, pages

ABSENT = "absent-<fresh>"


def bucket_policy(effect="Allow", principal="arn:aws:iam::123456789012:root", action="s3:GetObject", resource="arn:aws:s3:::<bucket>/*", **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Sid": "One", "Effect": effect, "Principal": "*" if principal == "*" else {"AWS": principal}, "Action": action, "Resource": resource, **more}]})


RULES = [{"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://example.com"], "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 300}]
BLOCK_ALL = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
TAGS = {"TagSet": [{"Key": "team", "Value": "red"}, {"Key": "stage", "Value": ""}]}


def encryption(algorithm, key=None, bucket_key=None):
    default = {"SSEAlgorithm": algorithm, **({"KMSMasterKeyID": key} if key else {})}
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": default, **({"BucketKeyEnabled": bucket_key} if bucket_key is not None else {})}]}


CASES = [
    Case("s3.buckets.life", [
        call("s3.create_bucket", Bucket="<bucket>", status=200),
        call("s3.head_bucket", Bucket="<bucket>"),
        call("s3.get_bucket_location", Bucket="<bucket>"),
        call("s3.list_buckets", where=("Buckets", "Name", "<bucket>")),
        call("s3.list_buckets", Prefix="<bucket>"),
        call("s3.list_objects_v2", Bucket="<bucket>"),
        call("s3.delete_bucket", Bucket="<bucket>", status=204),
        call("s3.head_bucket", Bucket="<bucket>", fails="404", status=404),
        call("s3.delete_bucket", Bucket="<bucket>", fails="NoSuchBucket", status=404),
    ]),
    Case("s3.buckets.nowhere", [
        call("s3.create_bucket", Bucket="<bucket>", CreateBucketConfiguration={"LocationConstraint": "nowhere-1"}, fails="InvalidLocationConstraint", status=400),
    ]),
    Case("s3.buckets.twice_in_us_east_1", [
        call("s3.create_bucket", Bucket="<bucket>"),
        call("s3.create_bucket", Bucket="<bucket>", status=200),
    ]),
    Case("s3.buckets.names", [
        call("s3.create_bucket", Bucket="a.b-<fresh>.c"),
        call("s3.create_bucket", Bucket="ab", fails="InvalidBucketName", status=400),
        call("s3.create_bucket", Bucket="Upper-<fresh>", fails="InvalidBucketName"),
        call("s3.create_bucket", Bucket="under_score-<fresh>", fails="InvalidBucketName"),
        call("s3.create_bucket", Bucket="x" * 64, fails="InvalidBucketName"),
        call("s3.create_bucket", Bucket="-dash-<fresh>", fails="InvalidBucketName"),
        call("s3.create_bucket", Bucket="dash-<fresh>-", fails="InvalidBucketName"),
        call("s3.create_bucket", Bucket="dot..dot-<fresh>", fails="InvalidBucketName"),
        call("s3.create_bucket", Bucket="192.168.5.4", fails="InvalidBucketName"),
    ]),
    Case("s3.buckets.not_empty", [
        call("s3.create_bucket", Bucket="<bucket>"),
        call("s3.put_object", Bucket="<bucket>", Key="a", Body=b"x"),
        call("s3.delete_bucket", Bucket="<bucket>", fails="BucketNotEmpty", status=409),
        call("s3.delete_object", Bucket="<bucket>", Key="a"),
        call("s3.delete_bucket", Bucket="<bucket>"),
    ]),
    Case("s3.buckets.absent", [
        call("s3.list_objects_v2", Bucket=ABSENT, fails="NoSuchBucket", status=404),
        call("s3.list_objects", Bucket=ABSENT, fails="NoSuchBucket"),
        call("s3.list_object_versions", Bucket=ABSENT, fails="NoSuchBucket"),
        call("s3.list_multipart_uploads", Bucket=ABSENT, fails="NoSuchBucket"),
        call("s3.get_object", Bucket=ABSENT, Key="a", fails="NoSuchBucket"),
        call("s3.head_object", Bucket=ABSENT, Key="a", fails="404", status=404),
        call("s3.put_object", Bucket=ABSENT, Key="a", Body=b"x", fails="NoSuchBucket"),
        call("s3.delete_object", Bucket=ABSENT, Key="a", fails="NoSuchBucket"),
        call("s3.delete_objects", Bucket=ABSENT, Delete={"Objects": [{"Key": "a"}]}, fails="NoSuchBucket"),
        call("s3.create_multipart_upload", Bucket=ABSENT, Key="a", fails="NoSuchBucket"),
        call("s3.get_bucket_location", Bucket=ABSENT, fails="NoSuchBucket"),
        call("s3.get_bucket_versioning", Bucket=ABSENT, fails="NoSuchBucket"),
        call("s3.put_bucket_versioning", Bucket=ABSENT, VersioningConfiguration={"Status": "Enabled"}, fails="NoSuchBucket"),
        call("s3.get_bucket_policy", Bucket=ABSENT, fails="NoSuchBucket"),
        call("s3.put_bucket_policy", Bucket=ABSENT, Policy=bucket_policy(), fails="NoSuchBucket"),
        call("s3.delete_bucket_policy", Bucket=ABSENT, fails="NoSuchBucket"),
        call("s3.get_bucket_cors", Bucket=ABSENT, fails="NoSuchBucket"),
        call("s3.get_bucket_encryption", Bucket=ABSENT, fails="NoSuchBucket"),
        call("s3.get_public_access_block", Bucket=ABSENT, fails="NoSuchBucket"),
        call("s3.get_bucket_tagging", Bucket=ABSENT, fails="NoSuchBucket"),
        call("s3.get_object_tagging", Bucket=ABSENT, Key="a", fails="NoSuchBucket"),
    ]),
    Case("s3.buckets.other_owner_expected", [
        call("s3.create_bucket", Bucket="<bucket>"),
        call("s3.put_object", Bucket="<bucket>", Key="a", Body=b"x", ExpectedBucketOwner="123456789012"),
        call("s3.get_object", Bucket="<bucket>", Key="a", ExpectedBucketOwner="999999999999", fails="AccessDenied", status=403),
        call("s3.list_objects_v2", Bucket="<bucket>", ExpectedBucketOwner="999999999999", fails="AccessDenied", status=403),
    ]),
    Case("s3.policy.life", [
        call("s3.create_bucket", Bucket="<bucket>"),
        call("s3.get_bucket_policy", Bucket="<bucket>", fails="NoSuchBucketPolicy", status=404),
        call("s3.put_bucket_policy", Bucket="<bucket>", Policy=bucket_policy(), status=204),
        call("s3.get_bucket_policy", Bucket="<bucket>"),
        call("s3.get_bucket_policy_status", Bucket="<bucket>"),
        call("s3.put_bucket_policy", Bucket="<bucket>", Policy=bucket_policy("Deny", action=["s3:PutObject"]), status=204),
        call("s3.get_bucket_policy", Bucket="<bucket>"),
        call("s3.delete_bucket_policy", Bucket="<bucket>", status=204),
        call("s3.get_bucket_policy", Bucket="<bucket>", fails="NoSuchBucketPolicy"),
        call("s3.delete_bucket_policy", Bucket="<bucket>", status=204),
        call("s3.get_bucket_policy_status", Bucket="<bucket>", fails="NoSuchBucketPolicy"),
    ]),
    *[Case(f"s3.policy.malformed.{name}", [
        call("s3.create_bucket", Bucket="<bucket>"),
        call("s3.put_bucket_policy", Bucket="<bucket>", Policy=document, fails="MalformedPolicy", status=400),
        call("s3.get_bucket_policy", Bucket="<bucket>", fails="NoSuchBucketPolicy"),
    ]) for name, document in {
        "text": "nonsense", "empty": "{}", "no_principal": '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::<bucket>"}]}',
        "other_bucket": bucket_policy(resource="arn:aws:s3:::somewhere-else/*"), "absent_principal": bucket_policy(principal="arn:aws:iam::123456789012:user/absent-<fresh>"),
        "wrong_service": bucket_policy(action="iam:GetUser"), "object_action_on_bucket": bucket_policy(resource="arn:aws:s3:::<bucket>"),
    }.items()],
    Case("s3.policy.public", [
        call("s3.create_bucket", Bucket="<bucket>"),
        call("s3.delete_public_access_block", Bucket="<bucket>"),
        call("s3.put_bucket_policy", Bucket="<bucket>", Policy=bucket_policy(principal="*"), status=204),
        call("s3.get_bucket_policy_status", Bucket="<bucket>"),
        call("s3.put_public_access_block", Bucket="<bucket>", PublicAccessBlockConfiguration=BLOCK_ALL),
        call("s3.put_bucket_policy", Bucket="<bucket>", Policy=bucket_policy(principal="*"), fails="AccessDenied", status=403),
    ]),
    Case("s3.public_access_block.life", [
        call("s3.create_bucket", Bucket="<bucket>"),
        call("s3.get_public_access_block", Bucket="<bucket>"),
        call("s3.put_public_access_block", Bucket="<bucket>", PublicAccessBlockConfiguration={"BlockPublicAcls": True, "BlockPublicPolicy": True}),
        call("s3.get_public_access_block", Bucket="<bucket>"),
        call("s3.put_public_access_block", Bucket="<bucket>", PublicAccessBlockConfiguration=BLOCK_ALL),
        call("s3.get_public_access_block", Bucket="<bucket>"),
        call("s3.delete_public_access_block", Bucket="<bucket>", status=204),
        call("s3.get_public_access_block", Bucket="<bucket>", fails="NoSuchPublicAccessBlockConfiguration", status=404),
    ]),
    Case("s3.versioning.life", [
        call("s3.create_bucket", Bucket="<bucket>"),
        call("s3.get_bucket_versioning", Bucket="<bucket>"),
        call("s3.put_bucket_versioning", Bucket="<bucket>", VersioningConfiguration={"Status": "Enabled"}, status=200),
        call("s3.get_bucket_versioning", Bucket="<bucket>"),
        call("s3.put_bucket_versioning", Bucket="<bucket>", VersioningConfiguration={"Status": "Suspended"}),
        call("s3.get_bucket_versioning", Bucket="<bucket>"),
        call("s3.put_bucket_versioning", Bucket="<bucket>", VersioningConfiguration={"Status": "Sometimes"}, fails="MalformedXML", status=400),
        call("s3.put_bucket_versioning", Bucket="<bucket>", VersioningConfiguration={}, fails="IllegalVersioningConfigurationException", status=400),
    ]),
    Case("s3.encryption.life", [
        call("s3.create_bucket", Bucket="<bucket>"),
        call("s3.get_bucket_encryption", Bucket="<bucket>"),
        call("s3.put_bucket_encryption", Bucket="<bucket>", ServerSideEncryptionConfiguration=encryption("AES256")),
        call("s3.get_bucket_encryption", Bucket="<bucket>"),
        call("kms.create_key", keep={"key": "KeyMetadata.Arn"}),
        call("s3.put_bucket_encryption", Bucket="<bucket>", ServerSideEncryptionConfiguration=encryption("aws:kms", "<key>", True)),
        call("s3.get_bucket_encryption", Bucket="<bucket>"),
        call("s3.delete_bucket_encryption", Bucket="<bucket>", status=204),
        call("s3.get_bucket_encryption", Bucket="<bucket>"),
        call("s3.put_bucket_encryption", Bucket="<bucket>", ServerSideEncryptionConfiguration=encryption("ROT13"), fails="MalformedXML", status=400),
        call("s3.put_bucket_encryption", Bucket="<bucket>", ServerSideEncryptionConfiguration=encryption("AES256", "<key>"), fails="InvalidArgument", status=400),
    ]),
    Case("s3.cors.life", [
        call("s3.create_bucket", Bucket="<bucket>"),
        call("s3.get_bucket_cors", Bucket="<bucket>", fails="NoSuchCORSConfiguration", status=404),
        call("s3.put_bucket_cors", Bucket="<bucket>", CORSConfiguration={"CORSRules": RULES}, status=200),
        call("s3.get_bucket_cors", Bucket="<bucket>"),
        call("s3.put_bucket_cors", Bucket="<bucket>", CORSConfiguration={"CORSRules": [{"ID": "one", "AllowedMethods": ["HEAD"], "AllowedOrigins": ["*"]}]}),
        call("s3.get_bucket_cors", Bucket="<bucket>"),
        call("s3.delete_bucket_cors", Bucket="<bucket>", status=204),
        call("s3.get_bucket_cors", Bucket="<bucket>", fails="NoSuchCORSConfiguration"),
        call("s3.put_bucket_cors", Bucket="<bucket>", CORSConfiguration={"CORSRules": [{"AllowedMethods": ["FETCH"], "AllowedOrigins": ["*"]}]}, fails="InvalidRequest", status=400),
        call("s3.put_bucket_cors", Bucket="<bucket>", CORSConfiguration={"CORSRules": []}, fails="MalformedXML", status=400),
    ]),
    Case("s3.bucket_tags.life", [
        call("s3.create_bucket", Bucket="<bucket>"),
        call("s3.get_bucket_tagging", Bucket="<bucket>", fails="NoSuchTagSet", status=404),
        call("s3.put_bucket_tagging", Bucket="<bucket>", Tagging=TAGS, status=204),
        call("s3.get_bucket_tagging", Bucket="<bucket>"),
        call("s3.put_bucket_tagging", Bucket="<bucket>", Tagging={"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}, fails="InvalidTag", status=400),
        call("s3.put_bucket_tagging", Bucket="<bucket>", Tagging={"TagSet": [{"Key": "aws:x", "Value": "1"}]}, fails="InvalidTag", status=400),
        call("s3.delete_bucket_tagging", Bucket="<bucket>", status=204),
        call("s3.get_bucket_tagging", Bucket="<bucket>", fails="NoSuchTagSet"),
    ]),
    Case("s3.ownership.life", [
        call("s3.create_bucket", Bucket="<bucket>"),
        call("s3.get_bucket_ownership_controls", Bucket="<bucket>"),
        call("s3.put_bucket_ownership_controls", Bucket="<bucket>", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}),
        call("s3.get_bucket_ownership_controls", Bucket="<bucket>"),
        call("s3.delete_bucket_ownership_controls", Bucket="<bucket>", status=204),
        call("s3.get_bucket_ownership_controls", Bucket="<bucket>", fails="OwnershipControlsNotFoundError", status=404),
    ]),
    Case("s3.acl.owner_is_enforced", [
        call("s3.create_bucket", Bucket="<bucket>"),
        call("s3.get_bucket_acl", Bucket="<bucket>"),
        call("s3.put_bucket_acl", Bucket="<bucket>", ACL="public-read", fails="AccessControlListNotSupported", status=400),
        call("s3.put_object", Bucket="<bucket>", Key="a", Body=b"x"),
        call("s3.get_object_acl", Bucket="<bucket>", Key="a"),
        call("s3.put_object_acl", Bucket="<bucket>", Key="a", ACL="public-read", fails="AccessControlListNotSupported", status=400),
        call("s3.put_object", Bucket="<bucket>", Key="b", Body=b"x", ACL="public-read", fails="AccessControlListNotSupported", status=400),
        call("s3.put_object", Bucket="<bucket>", Key="c", Body=b"x", ACL="bucket-owner-full-control"),
    ]),
    Case("s3.buckets.settings_that_are_unset", [
        call("s3.create_bucket", Bucket="<bucket>"),
        call("s3.get_bucket_lifecycle_configuration", Bucket="<bucket>", fails="NoSuchLifecycleConfiguration", status=404),
        call("s3.get_bucket_website", Bucket="<bucket>", fails="NoSuchWebsiteConfiguration", status=404),
        call("s3.get_bucket_replication", Bucket="<bucket>", fails="ReplicationConfigurationNotFoundError", status=404),
        call("s3.get_object_lock_configuration", Bucket="<bucket>", fails="ObjectLockConfigurationNotFoundError", status=404),
        call("s3.get_bucket_logging", Bucket="<bucket>"),
        call("s3.get_bucket_notification_configuration", Bucket="<bucket>"),
        call("s3.get_bucket_accelerate_configuration", Bucket="<bucket>"),
        call("s3.get_bucket_request_payment", Bucket="<bucket>"),
        call("s3.list_bucket_analytics_configurations", Bucket="<bucket>"),
        call("s3.list_bucket_intelligent_tiering_configurations", Bucket="<bucket>"),
        call("s3.list_bucket_inventory_configurations", Bucket="<bucket>"),
        call("s3.list_bucket_metrics_configurations", Bucket="<bucket>"),
        call("s3.put_object", Bucket="<bucket>", Key="a", Body=b"x"),
        call("s3.get_object_legal_hold", Bucket="<bucket>", Key="a", fails="InvalidRequest", status=400),
        call("s3.get_object_retention", Bucket="<bucket>", Key="a", fails="InvalidRequest", status=400),
        call("s3.put_object_legal_hold", Bucket="<bucket>", Key="a", LegalHold={"Status": "ON"}, fails="InvalidRequest", status=400),
        call("s3.put_object_retention", Bucket="<bucket>", Key="a", Retention={"Mode": "GOVERNANCE", "RetainUntilDate": "2099-01-01T00:00:00Z"},
             fails="InvalidRequest", status=400),
        call("s3.put_object_lock_configuration", Bucket="<bucket>", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"},
             fails="InvalidBucketState", status=409),
        call("s3.delete_bucket_lifecycle", Bucket="<bucket>"),
        call("s3.delete_bucket_website", Bucket="<bucket>"),
        call("s3.delete_bucket_replication", Bucket="<bucket>"),
    ]),
    Case("s3.buckets.list_in_pages", [
        *[call("s3.create_bucket", Bucket=f"<bucket>-{letter}") for letter in "abc"],
        call("s3.list_buckets", Prefix="<bucket>", MaxBuckets=2, keep={"token": "ContinuationToken"}),
        call("s3.list_buckets", Prefix="<bucket>", MaxBuckets=2, ContinuationToken="<token>"),
        pages("s3.list_buckets", 1, Prefix="<bucket>"),
    ]),
]
