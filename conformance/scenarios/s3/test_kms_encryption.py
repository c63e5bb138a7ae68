import json
import os

import pytest
from conftest import client, refused


@pytest.fixture
def key():
    kms = client("kms")
    arn = kms.create_key(Description="objects")["KeyMetadata"]["Arn"]
    yield arn
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)


def test_objects_are_encrypted_with_a_key_of_choice(bucket, key):
    s3 = client("s3")
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"sealed", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    assert put["ServerSideEncryption"] == "aws:kms" and put["SSEKMSKeyId"] == key
    for got in (s3.head_object(Bucket=bucket, Key="k"), s3.get_object(Bucket=bucket, Key="k")):
        assert got["ServerSideEncryption"] == "aws:kms" and got["SSEKMSKeyId"] == key
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"sealed"
    assert s3.get_object(Bucket=bucket, Key="k", Range="bytes=1-2")["Body"].read() == b"ea"
    by_id = key.rsplit("/", 1)[1]
    assert s3.put_object(Bucket=bucket, Key="k2", Body=b"", ServerSideEncryption="aws:kms", SSEKMSKeyId=by_id)["SSEKMSKeyId"] == key


def test_a_key_that_is_disabled_opens_nothing(bucket, key):
    s3, kms = client("s3"), client("kms")
    s3.put_object(Bucket=bucket, Key="k", Body=b"sealed", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    kms.disable_key(KeyId=key)
    with pytest.raises(Exception) as caught:
        s3.get_object(Bucket=bucket, Key="k")
    assert "KMS.Disabled" in str(caught.value)
    kms.enable_key(KeyId=key)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"sealed"


def test_a_bucket_encrypts_with_its_key_by_default(bucket, key):
    s3 = client("s3")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"] == [rule]
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert put["SSEKMSKeyId"] == key and put["BucketKeyEnabled"] is True
    assert s3.put_object(Bucket=bucket, Key="plain", Body=b"x", ServerSideEncryption="AES256")["ServerSideEncryption"] == "AES256"
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m")
    assert upload["SSEKMSKeyId"] == key
    part = s3.upload_part(Bucket=bucket, Key="m", UploadId=upload["UploadId"], PartNumber=1, Body=b"part")
    s3.complete_multipart_upload(Bucket=bucket, Key="m", UploadId=upload["UploadId"],
                                 MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert s3.get_object(Bucket=bucket, Key="m")["Body"].read() == b"part"
    s3.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "plain"})
    assert s3.head_object(Bucket=bucket, Key="c")["SSEKMSKeyId"] == key


def test_reading_needs_the_right_to_decrypt(bucket, key, iam_user):
    name, access, secret = iam_user
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": client("iam").get_user(UserName=name)["User"]["Arn"]}, "Action": "s3:GetObject",
         "Resource": f"arn:aws:s3:::{bucket}/*"}]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    mine = client("s3", access, secret)
    refused(lambda: mine.get_object(Bucket=bucket, Key="k"), "AccessDenied", 403, "kms:Decrypt", key)
    s3.put_object(Bucket=bucket, Key="plain", Body=b"y")
    assert mine.get_object(Bucket=bucket, Key="plain")["Body"].read() == b"y"


def test_a_key_of_another_account_must_be_opened_by_it(bucket):
    theirs = client("kms", os.environ["CONF_DEV_ACCESS_KEY_ID"], os.environ["CONF_DEV_SECRET_ACCESS_KEY"])
    key = theirs.create_key()["KeyMetadata"]["Arn"]
    s3 = client("s3")
    sealed = {"Bucket": bucket, "Key": "k", "Body": b"x", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    refused(lambda: s3.put_object(**sealed), "AccessDenied", 403, "kms:GenerateDataKey")
    account = client("sts").get_caller_identity()["Account"]
    policy = json.loads(theirs.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    policy["Statement"].append({"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                                "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": "*"})
    theirs.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))
    s3.put_object(**sealed)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    theirs.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
