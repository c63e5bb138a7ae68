"""Objects that are encrypted with keys of the client's own (SSE-C)."""

import base64
import hashlib

import pytest
from conftest import client, refused

MIB = 1 << 20


def own(byte):
    return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": bytes([byte]) * 32}


def source(byte):
    return {f"CopySource{name}": value for name, value in own(byte).items()}


def md5(byte):
    return base64.b64encode(hashlib.md5(bytes([byte]) * 32).digest()).decode()


@pytest.mark.parametrize("size", [0, 1, 1000, 3 * MIB])
def test_an_object_is_read_with_its_key(bucket, size):
    s3 = client("s3")
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    put = s3.put_object(Bucket=bucket, Key="k", Body=data, **own(1))
    assert put["SSECustomerAlgorithm"] == "AES256" and put["SSECustomerKeyMD5"] == md5(1) and "ServerSideEncryption" not in put
    got = s3.get_object(Bucket=bucket, Key="k", **own(1))
    assert got["Body"].read() == data and got["SSECustomerKeyMD5"] == md5(1)
    head = s3.head_object(Bucket=bucket, Key="k", **own(1))
    assert head["ContentLength"] == size and head["SSECustomerAlgorithm"] == "AES256"


def test_without_its_key_an_object_is_closed(bucket):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"secret", **own(1))
    refused(lambda: s3.get_object(Bucket=bucket, Key="k"), "InvalidRequest", 400, "form of Server Side Encryption")
    refused(lambda: s3.head_object(Bucket=bucket, Key="k"), "400", 400)
    refused(lambda: s3.get_object(Bucket=bucket, Key="k", **own(2)), "AccessDenied", 403)
    refused(lambda: s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/k"), "InvalidRequest", 400)
    s3.put_object(Bucket=bucket, Key="open", Body=b"1")
    refused(lambda: s3.get_object(Bucket=bucket, Key="open", **own(1)), "InvalidRequest", 400, "not applicable")


def test_a_key_that_is_none_is_refused(bucket):
    s3 = client("s3")
    # With an MD5 given, boto3 sends the key as it is.
    wrong = {**own(1), "SSECustomerKey": base64.b64encode(bytes([1]) * 32).decode(), "SSECustomerKeyMD5": md5(2)}
    refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"", **wrong), "InvalidArgument", 400, "MD5")
    short = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "short"}
    refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"", **short), "InvalidArgument", 400)
    other = {**own(1), "SSECustomerAlgorithm": "AES128"}
    refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"", **other), "InvalidEncryptionAlgorithmError", 400)
    refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"", ServerSideEncryption="AES256", **own(1)), "InvalidArgument", 400)


def test_uploads_in_parts_bring_the_key_with_each_part(bucket):
    s3 = client("s3")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", **own(1))
    assert upload["SSECustomerKeyMD5"] == md5(1)
    part = {"Bucket": bucket, "Key": "k", "UploadId": upload["UploadId"]}
    refused(lambda: s3.upload_part(**part, PartNumber=1, Body=b"x"), "InvalidRequest", 400, "initiate requested encryption")
    refused(lambda: s3.upload_part(**part, PartNumber=1, Body=b"x", **own(2)), "InvalidRequest", 400, "did not match")
    one = s3.upload_part(**part, PartNumber=1, Body=b"a" * (5 * MIB), **own(1))
    s3.put_object(Bucket=bucket, Key="from", Body=b"tail", **own(3))
    two = s3.upload_part_copy(**part, PartNumber=2, CopySource=f"{bucket}/from", **source(3), **own(1))["CopyPartResult"]
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in ((1, one["ETag"]), (2, two["ETag"]))]
    s3.complete_multipart_upload(**part, MultipartUpload={"Parts": parts})
    got = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={5 * MIB - 2}-", **own(1))
    assert got["Body"].read() == b"aatail"


def test_copies_change_the_key(bucket):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=b"1", **own(1))
    copied = s3.copy_object(Bucket=bucket, Key="b", CopySource=f"{bucket}/a", **source(1), **own(2))
    assert copied["SSECustomerKeyMD5"] == md5(2)
    assert s3.get_object(Bucket=bucket, Key="b", **own(2))["Body"].read() == b"1"
    plain = s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/a", ServerSideEncryption="AES256", **source(1))
    assert plain["ServerSideEncryption"] == "AES256" and s3.get_object(Bucket=bucket, Key="c")["Body"].read() == b"1"
