import datetime

from conftest import client, refused


def test_reads_are_conditional(bucket):
    s3 = client("s3")
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"v")["ETag"]
    past = datetime.datetime(2001, 1, 1, tzinfo=datetime.timezone.utc)
    future = s3.head_object(Bucket=bucket, Key="k")["LastModified"] + datetime.timedelta(seconds=5)
    for call in (s3.get_object, s3.head_object):
        name = "304" if call == s3.head_object else "304"
        failed = "412" if call == s3.head_object else "PreconditionFailed"
        assert call(Bucket=bucket, Key="k", IfMatch=etag)["ETag"] == etag
        assert call(Bucket=bucket, Key="k", IfMatch=etag.strip('"'))["ETag"] == etag
        refused(lambda: call(Bucket=bucket, Key="k", IfMatch='"other"'), failed, 412)
        error = refused(lambda: call(Bucket=bucket, Key="k", IfNoneMatch=etag), name, 304)
        assert error["ResponseMetadata"]["HTTPHeaders"]["etag"] == etag
        assert call(Bucket=bucket, Key="k", IfNoneMatch='"other"')
        assert call(Bucket=bucket, Key="k", IfModifiedSince=past)
        modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
        refused(lambda: call(Bucket=bucket, Key="k", IfModifiedSince=modified), name, 304)
        refused(lambda: call(Bucket=bucket, Key="k", IfUnmodifiedSince=past), failed, 412)
        assert call(Bucket=bucket, Key="k", IfUnmodifiedSince=future)


def test_writes_are_conditional(bucket):
    s3 = client("s3")
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    error = refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*"), "PreconditionFailed", 412)
    assert error["Error"]["Condition"] == "If-None-Match"
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=first)["ETag"]
    refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=first), "PreconditionFailed", 412)
    refused(lambda: s3.put_object(Bucket=bucket, Key="absent", Body=b"3", IfMatch=first), "NoSuchKey", 404)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"
    refused(lambda: s3.delete_object(Bucket=bucket, Key="k", IfMatch=first), "PreconditionFailed", 412)
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=second)


def test_copies_are_conditional(bucket):
    s3 = client("s3")
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"v")["ETag"]
    source = {"Bucket": bucket, "Key": "k"}
    s3.copy_object(Bucket=bucket, Key="c", CopySource=source, CopySourceIfMatch=etag)
    refused(lambda: s3.copy_object(Bucket=bucket, Key="c", CopySource=source, CopySourceIfMatch='"x"'), "PreconditionFailed", 412)
    refused(lambda: s3.copy_object(Bucket=bucket, Key="c", CopySource=source, CopySourceIfNoneMatch=etag), "PreconditionFailed", 412)
