import base64
import hashlib
import zlib

import pytest
from conftest import client, refused, signed

BODY = b"checksummed"


def base(data):
    return base64.b64encode(data).decode()


VALUES = {
    "CRC32": base(zlib.crc32(BODY).to_bytes(4, "big")),
    "SHA1": base(hashlib.sha1(BODY).digest()),
    "SHA256": base(hashlib.sha256(BODY).digest()),
}


@pytest.mark.parametrize("algorithm", sorted(VALUES))
def test_checksums_are_verified_kept_and_given_back(bucket, algorithm):
    s3 = client("s3")
    field, value = f"Checksum{algorithm}", VALUES[algorithm]
    assert s3.put_object(Bucket=bucket, Key="k", Body=BODY, **{field: value})[field] == value
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[field] == value
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got[field] == value and got["ChecksumType"] == "FULL_OBJECT" and got["Body"].read() == BODY
    quiet = client("s3", response_checksum_validation="when_required")
    assert field not in quiet.head_object(Bucket=bucket, Key="k")
    wrong = base(bytes(len(base64.b64decode(value))))
    refused(lambda: s3.put_object(Bucket=bucket, Key="bad", Body=BODY, **{field: wrong}), "BadDigest", 400)
    refused(lambda: s3.head_object(Bucket=bucket, Key="bad"), "404", 404)
    refused(lambda: s3.put_object(Bucket=bucket, Key="bad", Body=BODY, **{field: "no"}), "InvalidRequest", 400)


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_the_client_computes_what_is_asked(bucket, algorithm):
    answer = client("s3").put_object(Bucket=bucket, Key="k", Body=BODY, ChecksumAlgorithm=algorithm)
    assert answer[f"Checksum{algorithm}"] == VALUES[algorithm]


def test_a_digest_of_the_old_kind_is_verified(bucket):
    s3 = client("s3", request_checksum_calculation="when_required")
    s3.put_object(Bucket=bucket, Key="k", Body=BODY, ContentMD5=base(hashlib.md5(BODY).digest()))
    refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=BODY, ContentMD5=base(bytes(16))), "BadDigest", 400)
    refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=BODY, ContentMD5="short"), "InvalidDigest", 400)


def test_two_checksums_in_one_request_are_refused(bucket):
    headers = {"x-amz-checksum-crc32": VALUES["CRC32"], "x-amz-checksum-sha1": VALUES["SHA1"]}
    answer = s3_request("PUT", f"/{bucket}/k", BODY, headers)
    assert answer.status_code == 400 and "<Code>InvalidRequest</Code>" in answer.text


def s3_request(method, path, body=b"", headers=None, content=None):
    content = content or hashlib.sha256(body).hexdigest()
    return signed(method, path, "s3", body, {"x-amz-content-sha256": content, **(headers or {})})


def chunked(body, trailer=b""):
    return b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(body), body, trailer)


def test_a_chunked_body_with_a_trailer(bucket):
    headers = {"x-amz-decoded-content-length": str(len(BODY)), "x-amz-trailer": "x-amz-checksum-crc32", "content-encoding": "aws-chunked"}

    def put(key, trailer):
        return s3_request("PUT", f"/{bucket}/{key}", chunked(BODY, trailer), headers, "STREAMING-UNSIGNED-PAYLOAD-TRAILER")

    good = put("k", f"x-amz-checksum-crc32:{VALUES['CRC32']}\r\n".encode())
    assert good.status_code == 200, good.text
    assert good.headers["x-amz-checksum-crc32"] == VALUES["CRC32"]
    got = client("s3").get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == BODY and "ContentEncoding" not in got
    wrong = put("bad", b"x-amz-checksum-crc32:AAAAAA==\r\n")
    assert wrong.status_code == 400 and "<Code>BadDigest</Code>" in wrong.text
    missing = put("bad", b"")
    assert missing.status_code == 400, missing.text
    short = {**headers, "x-amz-decoded-content-length": str(len(BODY) + 1)}
    answer = s3_request("PUT", f"/{bucket}/bad", chunked(BODY, f"x-amz-checksum-crc32:{VALUES['CRC32']}\r\n".encode()), short,
                        "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    assert answer.status_code == 400 and "<Code>IncompleteBody</Code>" in answer.text
    refused(lambda: client("s3").head_object(Bucket=bucket, Key="bad"), "404", 404)


def test_a_body_that_is_not_what_was_signed_is_refused(bucket):
    other = hashlib.sha256(b"another").hexdigest()
    answer = s3_request("PUT", f"/{bucket}/k", BODY, content=other)
    assert answer.status_code == 400 and "<Code>XAmzContentSHA256Mismatch</Code>" in answer.text
    refused(lambda: client("s3").head_object(Bucket=bucket, Key="k"), "404", 404)


def test_what_comes_without_a_checksum_gets_one(bucket):
    s3 = client("s3", request_checksum_calculation="when_required")
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"hello world")
    # Of "hello world", by the reference implementation of CRC-64/NVME.
    assert put["ChecksumCRC64NVME"] == "jSnVw/bqjr4=" and put["ChecksumType"] == "FULL_OBJECT"
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumCRC64NVME"] == "jSnVw/bqjr4="


def test_documents_are_verified(bucket):
    def with_header(operation, name, value, **call):
        s3 = client("s3")
        s3.meta.events.register(f"before-call.s3.{operation}", lambda params, **_: params["headers"].update({name: value}))
        return lambda: getattr(s3, call.pop("method"))(Bucket=bucket, **call)

    bad = "AAAAAAAAAAAAAAAAAAAAAA=="
    delete = {"method": "delete_objects", "Delete": {"Objects": [{"Key": "k"}]}}
    refused(with_header("DeleteObjects", "Content-MD5", bad, **delete), "BadDigest", 400)
    refused(with_header("DeleteObjects", "Content-MD5", "no", **delete), "InvalidDigest", 400)
    policy = {"method": "put_bucket_policy", "Policy": "{}"}
    refused(with_header("PutBucketPolicy", "x-amz-checksum-crc32", "AAAAAA==", **policy), "BadDigest", 400)
    tags = {"method": "put_bucket_tagging", "Tagging": {"TagSet": []}}
    refused(with_header("PutBucketTagging", "Content-MD5", bad, **tags), "BadDigest", 400)
    put = {"method": "put_object", "Key": "k", "Body": b"x"}
    refused(with_header("PutObject", "Content-MD5", "", **put), "InvalidDigest", 400)
