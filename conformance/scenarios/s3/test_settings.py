import json
import os

import pytest
import requests
from botocore import UNSIGNED
from conftest import URL, client, refused


def other_account():
    return client("s3", os.environ["CONF_DEV_ACCESS_KEY_ID"], os.environ["CONF_DEV_SECRET_ACCESS_KEY"])


def allow(bucket, principal, *actions, **condition):
    statement = {"Effect": "Allow", "Principal": principal, "Action": list(actions),
                 "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}
    if condition:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_a_policy_is_given_back_as_it_was_put(bucket):
    s3 = client("s3")
    refused(lambda: s3.get_bucket_policy(Bucket=bucket), "NoSuchBucketPolicy", 404)
    text = json.dumps(allow(bucket, {"AWS": "111122223333"}, "s3:GetObject"), indent=1)
    s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == text
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is False
    s3.delete_bucket_policy(Bucket=bucket)
    refused(lambda: s3.get_bucket_policy(Bucket=bucket), "NoSuchBucketPolicy", 404)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"Version": "2012-10-17"}', '{"Statement": [{"Effect": "Maybe"}]}'])
def test_what_is_no_policy_is_refused(bucket, text):
    refused(lambda: client("s3").put_bucket_policy(Bucket=bucket, Policy=text), "MalformedPolicy", 400)


def test_a_policy_lets_another_account_in_and_no_further(bucket):
    s3, other = client("s3"), other_account()
    s3.put_object(Bucket=bucket, Key="k", Body=b"shared")
    refused(lambda: other.get_object(Bucket=bucket, Key="k"), "AccessDenied", 403, "s3:GetObject")
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(allow(bucket, {"AWS": "111122223333"}, "s3:GetObject")))
    assert other.get_object(Bucket=bucket, Key="k")["Body"].read() == b"shared"
    refused(lambda: other.list_objects_v2(Bucket=bucket), "AccessDenied", 403, "s3:ListBucket")
    refused(lambda: other.put_object(Bucket=bucket, Key="k", Body=b""), "AccessDenied", 403, "s3:PutObject")
    refused(lambda: other.get_object(Bucket=bucket, Key="absent"), "AccessDenied", 403)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(allow(bucket, {"AWS": "111122223333"}, "s3:GetObject", "s3:ListBucket")))
    refused(lambda: other.get_object(Bucket=bucket, Key="absent"), "NoSuchKey", 404)


def test_a_prefix_limits_what_is_listed(bucket):
    s3, other = client("s3"), other_account()
    s3.put_object(Bucket=bucket, Key="open/k", Body=b"")
    policy = allow(bucket, {"AWS": "111122223333"}, "s3:ListBucket", StringLike={"s3:prefix": "open/*"})
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert other.list_objects_v2(Bucket=bucket, Prefix="open/")["KeyCount"] == 1
    refused(lambda: other.list_objects_v2(Bucket=bucket), "AccessDenied", 403)


def test_a_public_bucket_is_read_by_everyone(bucket):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"public", ContentType="text/plain")
    stranger = client("s3", signature_version=UNSIGNED)
    assert requests.get(f"{URL}/{bucket}/k", timeout=30).status_code == 403
    public = json.dumps(allow(bucket, "*", "s3:GetObject"))
    refused(lambda: s3.put_bucket_policy(Bucket=bucket, Policy=public), "AccessDenied", 403)
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=public)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    assert requests.get(f"{URL}/{bucket}/k", timeout=30).content == b"public"
    assert stranger.get_object(Bucket=bucket, Key="k")["Body"].read() == b"public"
    refused(lambda: stranger.put_object(Bucket=bucket, Key="k", Body=b""), "AccessDenied", 403)
    refused(lambda: stranger.list_objects_v2(Bucket=bucket), "AccessDenied", 403)
    refused(lambda: stranger.list_buckets(), "AccessDenied", 403)


def test_public_access_is_blocked_by_default(bucket):
    s3 = client("s3")
    whole = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == whole
    some = {**whole, "BlockPublicPolicy": False}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=some)
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == some
    s3.delete_public_access_block(Bucket=bucket)
    refused(lambda: s3.get_public_access_block(Bucket=bucket), "NoSuchPublicAccessBlockConfiguration", 404)


def test_tags_of_buckets(bucket):
    s3 = client("s3")
    refused(lambda: s3.get_bucket_tagging(Bucket=bucket), "NoSuchTagSet", 404)
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    s3.delete_bucket_tagging(Bucket=bucket)
    refused(lambda: s3.get_bucket_tagging(Bucket=bucket), "NoSuchTagSet", 404)


def test_encryption_by_default(bucket):
    s3 = client("s3")

    def rule():
        return s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]

    assert rule()["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    wanted = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=wanted)
    s3.delete_bucket_encryption(Bucket=bucket)
    assert rule()["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    refused(lambda: s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": []}), "MalformedXML", 400)


def test_ownership(bucket):
    s3 = client("s3")

    def rules(ownership):
        return {"Rules": [{"ObjectOwnership": ownership}]}

    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == rules("BucketOwnerEnforced")
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=rules("BucketOwnerEnforced"))
    with pytest.raises(Exception):
        s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=rules("ObjectWriter"))


CORS = {"CORSRules": [{"ID": "one", "AllowedOrigins": ["https://*.example.com"], "AllowedMethods": ["GET", "PUT"],
                       "AllowedHeaders": ["x-amz-*"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 60}]}


def test_rules_for_pages_of_other_sites(bucket):
    s3 = client("s3")
    refused(lambda: s3.get_bucket_cors(Bucket=bucket), "NoSuchCORSConfiguration", 404)
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=CORS)
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == CORS["CORSRules"]

    def preflight(origin, method, headers=""):
        asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
        return requests.options(f"{URL}/{bucket}/k", headers=asked, timeout=30)

    granted = preflight("https://a.example.com", "PUT", "x-amz-date, x-amz-acl")
    assert granted.status_code == 200
    assert granted.headers["Access-Control-Allow-Origin"] == "https://a.example.com"
    assert granted.headers["Access-Control-Allow-Methods"] == "GET, PUT"
    assert granted.headers["Access-Control-Allow-Headers"] == "x-amz-date, x-amz-acl"
    assert granted.headers["Access-Control-Max-Age"] == "60"
    assert granted.headers["Access-Control-Expose-Headers"] == "ETag"
    assert granted.headers["Access-Control-Allow-Credentials"] == "true"
    for denied in (preflight("https://a.example.org", "PUT"), preflight("https://a.example.com", "DELETE"),
                   preflight("https://a.example.com", "PUT", "authorization")):
        assert denied.status_code == 403 and "<Code>AccessForbidden</Code>" in denied.text
        assert "Access-Control-Allow-Origin" not in denied.headers
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    page = requests.put(url, data=b"from a page", headers={"Origin": "https://a.example.com"}, timeout=30)
    assert page.status_code == 200 and page.headers["Access-Control-Allow-Origin"] == "https://a.example.com"
    s3.delete_bucket_cors(Bucket=bucket)
    assert preflight("https://a.example.com", "PUT").status_code == 403
    bad = {"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["FLY"]}]}
    refused(lambda: s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=bad), "InvalidRequest", 400)


def test_policies_ask_how_a_request_is_signed_and_what_its_headers_say(bucket):
    s3 = client("s3", signature_version="s3v4")
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")

    def deny(action, condition):
        statement = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": f"arn:aws:s3:::{bucket}/*", "Condition": condition}
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))

    address = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    for condition in ({"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}, {"NumericLessThan": {"s3:signatureAge": "600000"}}):
        deny("s3:GetObject", condition)
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
        assert requests.get(address, timeout=30).status_code == 403
    deny("s3:GetObject", {"StringEquals": {"s3:signatureversion": "AWS"}})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    refused(lambda: client("s3", signature_version="s3").get_object(Bucket=bucket, Key="k"), "AccessDenied", 403)
    deny("s3:PutObject", {"StringLike": {"s3:x-amz-acl": "public*"}})
    refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"", ACL="public-read"), "AccessDenied", 403)
    s3.put_object(Bucket=bucket, Key="k", Body=b"", ACL="bucket-owner-full-control")
    deny("s3:PutObject", {"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "true"}})
    refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b""), "AccessDenied", 403)
    s3.put_object(Bucket=bucket, Key="k", Body=b"", SSECustomerAlgorithm="AES256", SSECustomerKey="k" * 32)
    deny("s3:PutObject", {"Null": {"s3:x-amz-metadata-directive": "true"}})
    refused(lambda: s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/k"), "AccessDenied", 403)


def test_rights_are_given_in_one_way_alone(bucket):
    both = {"ACL": "bucket-owner-full-control", "GrantFullControl": "id=1"}
    refused(lambda: client("s3").put_object(Bucket=bucket, Key="k", Body=b"", **both), "InvalidRequest", 400, "Header Grants")
