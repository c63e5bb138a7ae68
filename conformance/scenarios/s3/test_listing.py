import pytest
from conftest import client, refused

KEYS = ["a", "b/1", "b/2", "b/c/3", "d e", "ü"]


@pytest.fixture
def filled(bucket):
    s3 = client("s3")
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    return bucket


def keys(answer):
    return [entry["Key"] for entry in answer.get("Contents", [])]


def prefixes(answer):
    return [entry["Prefix"] for entry in answer.get("CommonPrefixes", [])]


def test_keys_come_in_the_order_of_their_bytes(filled):
    s3 = client("s3")
    for answer in (s3.list_objects(Bucket=filled), s3.list_objects_v2(Bucket=filled)):
        assert keys(answer) == KEYS and answer["IsTruncated"] is False and answer["Name"] == filled
        entry = answer["Contents"][0]
        assert entry["Size"] == 1 and entry["StorageClass"] == "STANDARD" and entry["ETag"].startswith('"')
    assert s3.list_objects_v2(Bucket=filled)["KeyCount"] == len(KEYS)
    assert "Owner" not in s3.list_objects_v2(Bucket=filled)["Contents"][0]
    assert s3.list_objects_v2(Bucket=filled, FetchOwner=True)["Contents"][0]["Owner"]["ID"]
    assert s3.list_objects(Bucket=filled)["Contents"][0]["Owner"]["ID"]


def test_times_in_lists_are_those_of_the_objects(filled):
    s3 = client("s3")
    listed = s3.list_objects_v2(Bucket=filled)["Contents"][0]
    assert listed["LastModified"] == s3.head_object(Bucket=filled, Key=listed["Key"])["LastModified"]


def test_delimiters_fold_keys(filled):
    s3 = client("s3")
    for call in (s3.list_objects, s3.list_objects_v2):
        answer = call(Bucket=filled, Delimiter="/")
        assert keys(answer) == ["a", "d e", "ü"] and prefixes(answer) == ["b/"]
        answer = call(Bucket=filled, Delimiter="/", Prefix="b/")
        assert keys(answer) == ["b/1", "b/2"] and prefixes(answer) == ["b/c/"]
        assert keys(call(Bucket=filled, Prefix="nothing")) == []
        answer = call(Bucket=filled, Delimiter="")
        assert keys(answer) == KEYS and "Delimiter" not in answer


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
def test_pages_miss_nothing_and_repeat_nothing(filled, operation, size):
    s3 = client("s3")
    pages = list(s3.get_paginator(operation).paginate(Bucket=filled, Delimiter="/", PaginationConfig={"PageSize": size}))
    assert [key for page in pages for key in keys(page)] == ["a", "d e", "ü"]
    assert [prefix for page in pages for prefix in prefixes(page)] == ["b/"]
    pages = list(s3.get_paginator(operation).paginate(Bucket=filled, PaginationConfig={"PageSize": size}))
    assert [key for page in pages for key in keys(page)] == KEYS


def test_lists_start_where_they_are_asked_to(filled):
    s3 = client("s3")
    assert keys(s3.list_objects(Bucket=filled, Marker="b/2")) == ["b/c/3", "d e", "ü"]
    assert keys(s3.list_objects_v2(Bucket=filled, StartAfter="b/2")) == ["b/c/3", "d e", "ü"]
    answer = s3.list_objects_v2(Bucket=filled, MaxKeys=2)
    assert answer["IsTruncated"] and answer["KeyCount"] == 2 and answer["MaxKeys"] == 2
    following = s3.list_objects_v2(Bucket=filled, ContinuationToken=answer["NextContinuationToken"])
    assert keys(following) == KEYS[2:] and following["ContinuationToken"] == answer["NextContinuationToken"]
    none = s3.list_objects_v2(Bucket=filled, MaxKeys=0)
    assert none["KeyCount"] == 0 and none["IsTruncated"] is False
    refused(lambda: s3.list_objects_v2(Bucket=filled, MaxKeys=-1), "InvalidArgument", 400)
    refused(lambda: s3.list_objects_v2(Bucket=filled, ContinuationToken="not one"), "InvalidArgument", 400)
    refused(lambda: s3.list_objects_v2(Bucket=filled, EncodingType="base64"), "InvalidArgument", 400)


def test_keys_in_lists_are_escaped_where_asked(filled):
    s3 = client("s3")
    s3.meta.events.unregister("after-call.s3.ListObjectsV2")
    from botocore.handlers import decode_list_object_v2
    s3.meta.events.unregister("after-call.s3.ListObjectsV2", decode_list_object_v2)
    answer = s3.list_objects_v2(Bucket=filled, EncodingType="url", Delimiter="+", Prefix="d ")
    assert answer["EncodingType"] == "url"
    assert keys(answer)[0] in ("d%20e", "d+e")


def test_versions_are_listed(bucket):
    s3 = client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    made = [s3.put_object(Bucket=bucket, Key="k", Body=str(n).encode())["VersionId"] for n in range(3)]
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    s3.put_object(Bucket=bucket, Key="other/1", Body=b"")
    answer = s3.list_object_versions(Bucket=bucket, Prefix="k")
    assert [v["VersionId"] for v in answer["Versions"]] == made[::-1]
    assert [v["IsLatest"] for v in answer["Versions"]] == [False] * 3
    assert [(m["VersionId"], m["IsLatest"]) for m in answer["DeleteMarkers"]] == [(marker, True)]
    assert prefixes(s3.list_object_versions(Bucket=bucket, Delimiter="/")) == ["other/"]
    pages = list(s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2}))
    found = [v["VersionId"] for page in pages for v in page.get("Versions", []) + page.get("DeleteMarkers", [])]
    assert len(found) == 5 and len(set(found)) == 5
