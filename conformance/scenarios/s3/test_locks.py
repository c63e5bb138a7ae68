"""Object lock: retention, legal holds, and who may bypass governance."""

import datetime
import json
import uuid

import pytest
from conftest import client, refused


def days(count):
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=count)


def retention(mode, count):
    return {"Mode": mode, "RetainUntilDate": days(count)}


def rule(**default):
    return {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": default}}


@pytest.fixture
def locked():
    """A bucket with object lock; what is protected in it goes with the server."""
    name = f"scenario-{uuid.uuid4().hex[:12]}"
    client("s3").create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


def test_a_bucket_with_object_lock_keeps_its_versions(locked):
    s3 = client("s3")
    assert s3.get_bucket_versioning(Bucket=locked)["Status"] == "Enabled"
    assert s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"] == {"ObjectLockEnabled": "Enabled"}
    suspended = {"Status": "Suspended"}
    refused(lambda: s3.put_bucket_versioning(Bucket=locked, VersioningConfiguration=suspended), "InvalidBucketState", 409)


def test_default_retention(locked):
    s3 = client("s3")
    for good in (rule(Mode="COMPLIANCE", Years=1), rule(Mode="GOVERNANCE", Days=1)):
        s3.put_object_lock_configuration(Bucket=locked, ObjectLockConfiguration=good)
        assert s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"] == good
    s3.put_object(Bucket=locked, Key="k", Body=b"1")
    head = s3.head_object(Bucket=locked, Key="k")
    assert head["ObjectLockMode"] == "GOVERNANCE" and abs(head["ObjectLockRetainUntilDate"] - days(1)) < datetime.timedelta(minutes=5)
    table = [(rule(Mode="GOVERNANCE", Days=1, Years=1), "MalformedXML"), (rule(Mode="governance", Days=1), "MalformedXML"),
             (rule(Mode="GOVERNANCE", Days=0), "InvalidRetentionPeriod"), (rule(Mode="GOVERNANCE", Years=-1), "InvalidRetentionPeriod"),
             ({"ObjectLockEnabled": "Disabled"}, "MalformedXML")]
    for bad, code in table:
        refused(lambda: s3.put_object_lock_configuration(Bucket=locked, ObjectLockConfiguration=bad), code, 400)


def test_a_retained_version_cannot_be_removed(locked):
    s3 = client("s3")
    put = s3.put_object(Bucket=locked, Key="k", Body=b"1", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=days(1))
    version = {"Bucket": locked, "Key": "k", "VersionId": put["VersionId"]}
    refused(lambda: s3.delete_object(**version), "AccessDenied", 403, "object lock")
    one = {"Objects": [{"Key": "k", "VersionId": put["VersionId"]}]}
    assert s3.delete_objects(Bucket=locked, Delete=one)["Errors"][0]["Code"] == "AccessDenied"
    shorter = retention("GOVERNANCE", 0.5)
    refused(lambda: s3.put_object_retention(**version, Retention=shorter), "AccessDenied", 403)
    s3.put_object_retention(**version, Retention=shorter, BypassGovernanceRetention=True)
    assert s3.get_object_retention(**version)["Retention"] == shorter
    assert "Errors" not in s3.delete_objects(Bucket=locked, Delete=one, BypassGovernanceRetention=True)


def test_compliance_is_bypassed_by_nobody(locked):
    s3 = client("s3")
    version = {"Bucket": locked, "Key": "k", "VersionId": s3.put_object(Bucket=locked, Key="k", Body=b"1")["VersionId"]}
    refused(lambda: s3.get_object_retention(**version), "NoSuchObjectLockConfiguration", 404)
    refused(lambda: s3.put_object_retention(**version, Retention=retention("COMPLIANCE", -1)), "InvalidArgument", 400, "future")
    s3.put_object_retention(**version, Retention=retention("COMPLIANCE", 1))
    s3.put_object_retention(**version, Retention=retention("COMPLIANCE", 2))
    refused(lambda: s3.delete_object(**version, BypassGovernanceRetention=True), "AccessDenied", 403)
    weaker = retention("GOVERNANCE", 3)
    refused(lambda: s3.put_object_retention(**version, Retention=weaker, BypassGovernanceRetention=True), "AccessDenied", 403)


def test_legal_holds(locked):
    s3 = client("s3")
    put = s3.put_object(Bucket=locked, Key="k", Body=b"1", ObjectLockLegalHoldStatus="ON")
    assert s3.get_object(Bucket=locked, Key="k")["ObjectLockLegalHoldStatus"] == "ON"
    version = {"Bucket": locked, "Key": "k", "VersionId": put["VersionId"]}
    refused(lambda: s3.delete_object(**version, BypassGovernanceRetention=True), "AccessDenied", 403)
    refused(lambda: s3.put_object_legal_hold(Bucket=locked, Key="k", LegalHold={"Status": "on"}), "MalformedXML", 400)
    s3.put_object_legal_hold(Bucket=locked, Key="k", LegalHold={"Status": "OFF"})
    assert s3.get_object_legal_hold(Bucket=locked, Key="k")["LegalHold"] == {"Status": "OFF"}
    s3.delete_object(**version)


def test_a_bucket_without_object_lock_takes_none(bucket):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    refused(lambda: s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=rule(Mode="GOVERNANCE", Days=1)),
            "InvalidBucketState", 409)
    missing = "Object Lock Configuration"
    refused(lambda: s3.put_object_retention(Bucket=bucket, Key="k", Retention=retention("GOVERNANCE", 1)), "InvalidRequest", 400, missing)
    refused(lambda: s3.put_object_legal_hold(Bucket=bucket, Key="k", LegalHold={"Status": "ON"}), "InvalidRequest", 400, missing)
    refused(lambda: s3.get_object_legal_hold(Bucket=bucket, Key="k"), "InvalidRequest", 400, missing)
    refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"", ObjectLockLegalHoldStatus="ON"), "InvalidRequest", 400, missing)


def test_policies_say_who_may_protect_and_for_how_long(locked, iam_user):
    name, key, secret = iam_user
    user = client("s3", key, secret)
    arn = client("iam").get_user(UserName=name)["User"]["Arn"]
    who = {"Principal": {"AWS": arn}, "Resource": f"arn:aws:s3:::{locked}/*"}
    longest = {"NumericGreaterThan": {"s3:object-lock-remaining-retention-days": "10"}}
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["s3:PutObject", "s3:PutObjectRetention", "s3:DeleteObjectVersion"], **who},
        {"Effect": "Deny", "Action": "s3:PutObjectRetention", "Condition": longest, **who}]}
    client("s3").put_bucket_policy(Bucket=locked, Policy=json.dumps(policy))
    put = user.put_object(Bucket=locked, Key="k", Body=b"1")
    user.put_object_retention(Bucket=locked, Key="k", Retention=retention("GOVERNANCE", 5))
    refused(lambda: user.put_object_retention(Bucket=locked, Key="k", Retention=retention("GOVERNANCE", 20)), "AccessDenied", 403,
            "explicit deny")
    refused(lambda: user.put_object(Bucket=locked, Key="k", Body=b"", ObjectLockLegalHoldStatus="ON"), "AccessDenied", 403,
            "s3:PutObjectLegalHold")
    refused(lambda: user.delete_object(Bucket=locked, Key="k", VersionId=put["VersionId"], BypassGovernanceRetention=True),
            "AccessDenied", 403, "s3:BypassGovernanceRetention")
