import base64
import datetime
import hashlib
import io

import pytest
from conftest import client, refused

KEYS = ["plain", "folder/out file+x.jsonl", "ünï/çødé.txt", "a//b", "k=v&x=y", "100%.txt", "trailing/", "..", "../../etc/passwd",
        "a/../b", "%2e%2e/x", ".", "/leading", "tab\tnewline\n", "quo'te\"s", "日本語", "emoji-🦀", "x" * 1024, "semi;colon", "~*!()"]


@pytest.mark.parametrize("key", KEYS)
def test_every_key_round_trips(bucket, key):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == len(key.encode())
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.copy_object(Bucket=bucket, Key=key + "2" if len(key) < 1000 else "copy", CopySource={"Bucket": bucket, "Key": key})
    s3.delete_object(Bucket=bucket, Key=key)
    refused(lambda: s3.get_object(Bucket=bucket, Key=key), "NoSuchKey", 404)


def test_a_key_that_is_too_long_is_refused(bucket):
    refused(lambda: client("s3").put_object(Bucket=bucket, Key="x" * 1025, Body=b""), "KeyTooLongError", 400)


def test_what_is_stored_with_an_object_comes_back(bucket):
    s3 = client("s3")
    expires = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    put = s3.put_object(
        Bucket=bucket, Key="k", Body=b"hello", ContentType="text/x-test", CacheControl="max-age=5", ContentLanguage="de",
        ContentDisposition='attachment; filename="x"', ContentEncoding="identity", Expires=expires,
        Metadata={"One": "1", "two-words": "a b", "empty": ""}, Tagging="team=ml&stage=a%20b", WebsiteRedirectLocation="/other",
        StorageClass="STANDARD_IA")
    assert put["ETag"] == '"' + hashlib.md5(b"hello").hexdigest() + '"'
    assert put["ServerSideEncryption"] == "AES256"
    for got in (s3.get_object(Bucket=bucket, Key="k"), s3.head_object(Bucket=bucket, Key="k")):
        assert got["ContentType"] == "text/x-test" and got["CacheControl"] == "max-age=5"
        assert got["ContentLanguage"] == "de" and got["ContentDisposition"] == 'attachment; filename="x"'
        assert got["ContentEncoding"] == "identity" and got["ExpiresString"].startswith("Wed, 02 Jan 2030 03:04:05")
        assert got["Metadata"]["one"] == "1" and got["Metadata"]["two-words"] == "a b"
        assert got["WebsiteRedirectLocation"] == "/other" and got["TagCount"] == 2
        assert got["StorageClass"] == "STANDARD_IA" and got["ETag"] == put["ETag"] and got["ContentLength"] == 5
        assert got["AcceptRanges"] == "bytes" and "VersionId" not in got
    tags = s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert {t["Key"]: t["Value"] for t in tags} == {"team": "ml", "stage": "a b"}


def test_an_object_without_a_type_is_a_stream_of_bytes(bucket):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ContentType"] == "binary/octet-stream" and head["ContentLength"] == 0
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b""


@pytest.mark.parametrize("asked,first,last", [
    ("bytes=0-0", 0, 0), ("bytes=2-4", 2, 4), ("bytes=4-", 4, 9), ("bytes=-3", 7, 9), ("bytes=0-99", 0, 9), ("bytes=-99", 0, 9)])
def test_ranges(bucket, asked, first, last):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    got = s3.get_object(Bucket=bucket, Key="k", Range=asked)
    assert got["Body"].read() == b"0123456789"[first:last + 1]
    assert got["ContentRange"] == f"bytes {first}-{last}/10" and got["ResponseMetadata"]["HTTPStatusCode"] == 206
    head = s3.head_object(Bucket=bucket, Key="k", Range=asked)
    assert head["ContentLength"] == last - first + 1 and head["ResponseMetadata"]["HTTPStatusCode"] == 206


@pytest.mark.parametrize("odd", ["nonsense", "bytes=9-0", "bytes=0-1,5-6", "bytes=-", "lines=1-2"])
def test_a_range_of_no_known_form_is_ignored(bucket, odd):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    got = s3.get_object(Bucket=bucket, Key="k", Range=odd)
    assert got["Body"].read() == b"0123456789" and got["ResponseMetadata"]["HTTPStatusCode"] == 200
    wrong = client("s3", "AKIAQQQQQQQQQQQQQQQQ", "x" * 40)
    refused(lambda: wrong.get_object(Bucket=bucket, Key="k", Range=odd), "InvalidAccessKeyId", 403)


def test_a_connection_is_good_for_the_next_request_after_a_refusal(bucket):
    s3 = client("s3", max_pool_connections=1)
    s3.put_object(Bucket=bucket, Key="k", Body=b"first")
    for _ in range(5):
        refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"x" * 100_000, IfNoneMatch="*"), "PreconditionFailed", 412)
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"first"
        refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="public-read"), "AccessControlListNotSupported", 400)
        assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == 5


def test_a_range_behind_the_end_is_refused(bucket):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    error = refused(lambda: s3.get_object(Bucket=bucket, Key="k", Range="bytes=10-11"), "InvalidRange", 416)
    assert error["ResponseMetadata"]["HTTPHeaders"]["content-range"] == "bytes */10"
    assert error["Error"]["ActualObjectSize"] == "10" and error["Error"]["RangeRequested"] == "bytes=10-11"
    s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    refused(lambda: s3.get_object(Bucket=bucket, Key="empty", Range="bytes=0-1"), "InvalidRange", 416)


def test_headers_of_an_answer_can_be_chosen(bucket):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/plain")
    chosen = {"ResponseContentType": "image/png", "ResponseCacheControl": "no-cache", "ResponseContentDisposition": "inline",
              "ResponseContentEncoding": "gzip", "ResponseContentLanguage": "fr"}
    for got in (s3.get_object(Bucket=bucket, Key="k", **chosen), s3.head_object(Bucket=bucket, Key="k", **chosen)):
        assert got["ContentType"] == "image/png" and got["CacheControl"] == "no-cache"
        assert got["ContentDisposition"] == "inline" and got["ContentEncoding"] == "gzip" and got["ContentLanguage"] == "fr"


def test_objects_are_copied_with_and_without_their_metadata(bucket):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="from", Body=b"copied", Metadata={"a": "1"}, ContentType="text/x", Tagging="t=1")
    copied = s3.copy_object(Bucket=bucket, Key="kept", CopySource=f"{bucket}/from")["CopyObjectResult"]
    assert copied["ETag"] == s3.head_object(Bucket=bucket, Key="from")["ETag"] and copied["LastModified"]
    kept = s3.get_object(Bucket=bucket, Key="kept")
    assert kept["Metadata"] == {"a": "1"} and kept["ContentType"] == "text/x" and kept["Body"].read() == b"copied"
    assert kept["TagCount"] == 1
    s3.copy_object(Bucket=bucket, Key="new", CopySource=f"{bucket}/from", MetadataDirective="REPLACE", Metadata={"b": "2"},
                   TaggingDirective="REPLACE", Tagging="u=2")
    new = s3.head_object(Bucket=bucket, Key="new")
    assert new["Metadata"] == {"b": "2"} and new["ContentType"] == "binary/octet-stream"
    assert s3.get_object_tagging(Bucket=bucket, Key="new")["TagSet"] == [{"Key": "u", "Value": "2"}]
    refused(lambda: s3.copy_object(Bucket=bucket, Key="from", CopySource=f"{bucket}/from"), "InvalidRequest", 400)
    s3.copy_object(Bucket=bucket, Key="from", CopySource=f"{bucket}/from", MetadataDirective="REPLACE", Metadata={"c": "3"})
    assert s3.head_object(Bucket=bucket, Key="from")["Metadata"] == {"c": "3"}
    error = refused(lambda: s3.copy_object(Bucket=bucket, Key="x", CopySource=f"{bucket}/absent"), "NoSuchKey", 404)
    assert error["Error"]["Key"] == "absent"
    error = refused(lambda: s3.copy_object(Bucket=bucket, Key="x", CopySource=f"{bucket}-absent/k"), "NoSuchBucket", 404)
    assert error["Error"]["BucketName"] == f"{bucket}-absent"
    refused(lambda: s3.copy_object(Bucket=bucket, Key="x", CopySource="no-such-bucket-anywhere/k"), "NoSuchBucket", 404)


def test_many_objects_are_deleted_at_once(bucket):
    s3 = client("s3")
    for n in range(3):
        s3.put_object(Bucket=bucket, Key=f"k{n}", Body=b"")
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k0"}, {"Key": "k1"}, {"Key": "absent"}]})
    assert {d["Key"] for d in done["Deleted"]} == {"k0", "k1", "absent"} and "Errors" not in done
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k2"}], "Quiet": True})
    assert "Deleted" not in quiet
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    too_many = {"Objects": [{"Key": str(n)} for n in range(1001)]}
    refused(lambda: s3.delete_objects(Bucket=bucket, Delete=too_many), "MalformedXML", 400)


def test_deleting_what_is_not_there_succeeds(bucket):
    answer = client("s3").delete_object(Bucket=bucket, Key="absent")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_tags_of_objects(bucket):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "1"}]
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    many = {"TagSet": [{"Key": str(n), "Value": ""} for n in range(11)]}
    refused(lambda: s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=many), "BadRequest", 400, "greater than 10")
    twice = {"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}
    refused(lambda: s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=twice), "InvalidTag", 400)
    refused(lambda: s3.get_object_tagging(Bucket=bucket, Key="absent"), "NoSuchKey", 404)


def test_attributes(bucket):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumAlgorithm="SHA256")
    found = s3.get_object_attributes(Bucket=bucket, Key="k",
                                     ObjectAttributes=["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"])
    assert found["ETag"] == hashlib.md5(b"hello").hexdigest() and found["ObjectSize"] == 5
    assert found["StorageClass"] == "STANDARD" and found["LastModified"]
    assert found["Checksum"]["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"hello").digest()).decode()
    assert "ObjectParts" not in found
    only = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectSize"])
    assert "ETag" not in only and only["ObjectSize"] == 5
    refused(lambda: s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Colour"]), "InvalidArgument", 400)


def test_a_stream_of_unknown_content_is_stored(bucket):
    s3 = client("s3")
    data = bytes(range(256)) * 4096
    s3.upload_fileobj(io.BytesIO(data), bucket, "stream")
    assert s3.get_object(Bucket=bucket, Key="stream")["Body"].read() == data


def test_parameters_that_s3_does_not_know_are_refused(bucket):
    s3 = client("s3")
    refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"", ServerSideEncryption="rot13"), "InvalidArgument", 400)
    refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"", StorageClass="PAPER"), "InvalidStorageClass", 400)
