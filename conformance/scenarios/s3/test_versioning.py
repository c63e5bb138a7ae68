import pytest
from conftest import client, refused


@pytest.fixture
def versioned(bucket):
    client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def put(bucket, body, key="k"):
    return client("s3").put_object(Bucket=bucket, Key=key, Body=body).get("VersionId")


def test_the_state_of_versioning(bucket):
    s3 = client("s3")
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    for status in ("Enabled", "Suspended"):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == status
    refused(lambda: s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={}),
            "IllegalVersioningConfigurationException", 400)
    refused(lambda: s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "On"}), "MalformedXML", 400)


def test_every_version_can_be_read(versioned):
    s3 = client("s3")
    first, second = put(versioned, b"1"), put(versioned, b"2")
    assert first != second
    assert s3.get_object(Bucket=versioned, Key="k")["VersionId"] == second
    assert s3.get_object(Bucket=versioned, Key="k", VersionId=first)["Body"].read() == b"1"
    refused(lambda: s3.get_object(Bucket=versioned, Key="k", VersionId="nonsense"), "InvalidArgument", 400)


def test_a_delete_marker_hides_the_object(versioned):
    s3 = client("s3")
    version = put(versioned, b"1")
    deleted = s3.delete_object(Bucket=versioned, Key="k")
    assert deleted["DeleteMarker"] is True
    error = refused(lambda: s3.get_object(Bucket=versioned, Key="k"), "NoSuchKey", 404)
    assert error["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    assert error["ResponseMetadata"]["HTTPHeaders"]["x-amz-version-id"] == deleted["VersionId"]
    refused(lambda: s3.get_object(Bucket=versioned, Key="k", VersionId=deleted["VersionId"]), "MethodNotAllowed", 405)
    assert s3.list_objects_v2(Bucket=versioned)["KeyCount"] == 0
    assert s3.get_object(Bucket=versioned, Key="k", VersionId=version)["Body"].read() == b"1"
    gone = s3.delete_object(Bucket=versioned, Key="k", VersionId=deleted["VersionId"])
    assert gone["DeleteMarker"] is True and gone["VersionId"] == deleted["VersionId"]
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"1"


def test_deleting_a_version_is_final(versioned):
    s3 = client("s3")
    first, second = put(versioned, b"1"), put(versioned, b"2")
    s3.delete_object(Bucket=versioned, Key="k", VersionId=second)
    assert s3.get_object(Bucket=versioned, Key="k")["VersionId"] == first
    refused(lambda: s3.get_object(Bucket=versioned, Key="k", VersionId=second), "NoSuchVersion", 404)


def test_what_was_there_before_is_the_null_version(bucket):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert s3.head_object(Bucket=bucket, Key="k")["VersionId"] == "null"
    put(bucket, b"new")
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"old"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket=bucket, Key="k", Body=b"newest")
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"newest"
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 2


def test_a_copy_of_a_version_brings_it_back(versioned):
    s3 = client("s3")
    first = put(versioned, b"1")
    put(versioned, b"2")
    source = {"Bucket": versioned, "Key": "k", "VersionId": first}
    assert s3.copy_object(Bucket=versioned, Key="k", CopySource=source)["CopySourceVersionId"] == first
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"1"


def test_many_versions_are_deleted_at_once(versioned):
    s3 = client("s3")
    version = put(versioned, b"1")
    marker = s3.delete_objects(Bucket=versioned, Delete={"Objects": [{"Key": "k"}]})["Deleted"][0]
    assert marker["DeleteMarker"] is True and marker["DeleteMarkerVersionId"]
    done = s3.delete_objects(Bucket=versioned, Delete={"Objects": [{"Key": "k", "VersionId": version}]})["Deleted"][0]
    assert done["VersionId"] == version and "DeleteMarker" not in done


def test_tags_belong_to_versions(versioned):
    s3 = client("s3")
    first, second = put(versioned, b"1"), put(versioned, b"2")
    s3.put_object_tagging(Bucket=versioned, Key="k", VersionId=first, Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
    assert s3.get_object_tagging(Bucket=versioned, Key="k")["TagSet"] == []
    found = s3.get_object_tagging(Bucket=versioned, Key="k", VersionId=first)
    assert found["TagSet"] == [{"Key": "a", "Value": "1"}] and found["VersionId"] == first and second
