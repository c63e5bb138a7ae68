import hashlib
import io

from boto3.s3.transfer import TransferConfig
from conftest import client, refused

PART = 5 * 2**20


def begun(s3, bucket, key="k", **more):
    return s3.create_multipart_upload(Bucket=bucket, Key=key, **more)["UploadId"]


def sent(s3, bucket, upload, bodies, key="k", **more):
    parts = []
    for number, body in enumerate(bodies, 1):
        part = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=body, **more)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    return parts


def test_parts_become_one_object(bucket):
    s3 = client("s3")
    upload = begun(s3, bucket, ContentType="text/x", Metadata={"a": "1"}, Tagging="t=1")
    first, second = b"a" * PART, b"b" * 10
    parts = sent(s3, bucket, upload, [first, second])
    assert [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [upload]
    listed = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)
    assert [(p["PartNumber"], p["Size"], p["ETag"]) for p in listed["Parts"]] == [
        (1, PART, parts[0]["ETag"]), (2, 10, parts[1]["ETag"])]
    done = s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    digests = b"".join(hashlib.md5(body).digest() for body in (first, second))
    assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-2"' and done["Location"].endswith(f"/{bucket}/k")
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == first + second and got["ContentType"] == "text/x" and got["Metadata"] == {"a": "1"}
    second_part = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert second_part["Body"].read() == second and second_part["PartsCount"] == 2
    assert s3.head_object(Bucket=bucket, Key="k", PartNumber=1)["ContentLength"] == PART
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    refused(lambda: s3.list_parts(Bucket=bucket, Key="k", UploadId=upload), "NoSuchUpload", 404)


def test_what_is_wrong_with_a_completion_is_told(bucket):
    s3 = client("s3")
    upload = begun(s3, bucket)
    parts = sent(s3, bucket, upload, [b"small", b"small too"])

    def complete(listed):
        return s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": listed})

    refused(lambda: complete(parts), "EntityTooSmall", 400)
    refused(lambda: complete(parts[::-1]), "InvalidPartOrder", 400)
    refused(lambda: complete([{"PartNumber": 1, "ETag": '"' + "0" * 32 + '"'}]), "InvalidPart", 400)
    refused(lambda: complete([{"PartNumber": 7, "ETag": parts[0]["ETag"]}]), "InvalidPart", 400)
    refused(lambda: complete([]), "MalformedXML", 400)
    refused(lambda: s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=10001, Body=b""), "InvalidArgument", 400)
    refused(lambda: s3.upload_part(Bucket=bucket, Key="k", UploadId="absent", PartNumber=1, Body=b""), "NoSuchUpload", 404)
    complete(parts[:1])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"small"


def test_an_aborted_upload_is_gone(bucket):
    s3 = client("s3")
    upload = begun(s3, bucket)
    parts = sent(s3, bucket, upload, [b"x"])
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    refused(lambda: s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload), "NoSuchUpload", 404)
    refused(lambda: s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts}),
            "NoSuchUpload", 404)
    refused(lambda: s3.head_object(Bucket=bucket, Key="k"), "404", 404)


def test_a_part_that_is_sent_again_replaces_the_first(bucket):
    s3 = client("s3")
    upload = begun(s3, bucket)
    s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"old")
    etag = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"new")["ETag"]
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"new"


def test_parts_are_copied_from_objects(bucket):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="from", Body=b"0123456789")
    upload = begun(s3, bucket)
    source = {"Bucket": bucket, "Key": "from"}
    part = s3.upload_part_copy(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, CopySource=source, CopySourceRange="bytes=2-5")
    etag = part["CopyPartResult"]["ETag"]
    bad = {"Bucket": bucket, "Key": "k", "UploadId": upload, "PartNumber": 2, "CopySource": source}
    refused(lambda: s3.upload_part_copy(**bad, CopySourceRange="bytes=5-99"), "InvalidRange", 416)
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2345"


def test_uploads_and_parts_are_listed_in_pages(bucket):
    s3 = client("s3")
    uploads = {begun(s3, bucket, key) for key in ("a", "a", "b/1", "c")}
    pages = list(s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1}))
    assert {u["UploadId"] for page in pages for u in page.get("Uploads", [])} == uploads
    folded = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [p["Prefix"] for p in folded["CommonPrefixes"]] == ["b/"] and len(folded["Uploads"]) == 3
    upload = begun(s3, bucket, "parts")
    sent(s3, bucket, upload, [b"1", b"2", b"3"], key="parts")
    pages = list(s3.get_paginator("list_parts").paginate(Bucket=bucket, Key="parts", UploadId=upload, PaginationConfig={"PageSize": 2}))
    assert [p["PartNumber"] for page in pages for p in page["Parts"]] == [1, 2, 3]


def test_s3transfer_uploads_and_downloads_in_parts(bucket, tmp_path):
    s3 = client("s3")
    data = bytes(range(256)) * (13 * 4096)
    config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=8)
    s3.upload_fileobj(io.BytesIO(data), bucket, "big", Config=config, ExtraArgs={"Metadata": {"a": "1"}})
    assert s3.head_object(Bucket=bucket, Key="big")["ETag"].strip('"').endswith("-3")
    out = tmp_path / "big"
    s3.download_file(bucket, "big", str(out), Config=config)
    assert out.read_bytes() == data
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "copy", Config=config)
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == data


def test_checksums_of_parts(bucket):
    s3 = client("s3")
    made = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")
    assert made["ChecksumAlgorithm"] == "SHA256" and made["ChecksumType"] == "COMPOSITE"
    parts = []
    for number, body in ((1, b"a" * PART), (2, b"b")):
        part = s3.upload_part(Bucket=bucket, Key="k", UploadId=made["UploadId"], PartNumber=number, Body=body, ChecksumAlgorithm="SHA256")
        parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]})
    done = s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=made["UploadId"], MultipartUpload={"Parts": parts})
    assert done["ChecksumSHA256"].endswith("-2") and done["ChecksumType"] == "COMPOSITE"
    found = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Checksum", "ObjectParts"])
    assert found["ObjectParts"]["TotalPartsCount"] == 2
    assert [p["ChecksumSHA256"] for p in found["ObjectParts"]["Parts"]] == [p["ChecksumSHA256"] for p in parts]
    whole = s3.create_multipart_upload(Bucket=bucket, Key="w", ChecksumAlgorithm="CRC64NVME", ChecksumType="FULL_OBJECT")
    plain = client("s3", request_checksum_calculation="when_required")
    part = plain.upload_part(Bucket=bucket, Key="w", UploadId=whole["UploadId"], PartNumber=1, Body=b"x")
    done = s3.complete_multipart_upload(Bucket=bucket, Key="w", UploadId=whole["UploadId"],
                                        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert done["ChecksumType"] == "FULL_OBJECT" and "-" not in done["ChecksumCRC64NVME"]


def test_a_completion_can_be_asked_for_again(bucket):
    s3 = client("s3")
    upload = {"Bucket": bucket, "Key": "k", "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]}
    part = {"PartNumber": 1, "ETag": s3.upload_part(**upload, PartNumber=1, Body=b"1")["ETag"]}
    first = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [part]})
    again = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [part]}, IfNoneMatch="*")
    assert first["ETag"] == again["ETag"]
    other = {"PartNumber": 1, "ETag": '"0"'}
    refused(lambda: s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [other]}), "NoSuchUpload", 404)


def test_numbers_of_a_list_of_parts_are_numbers(bucket):
    s3 = client("s3")
    upload = {"Bucket": bucket, "Key": "k", "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]}
    for name, header in (("MaxParts", "max-parts"), ("PartNumberMarker", "part-number-marker")):
        refused(lambda: s3.list_parts(**upload, **{name: -42}), "InvalidArgument", 400, f"Argument {header} must be")
        refused(lambda: s3.list_parts(**upload, **{name: 1 << 40}), "InvalidArgument", 400, f"Provided {header} not an integer")
