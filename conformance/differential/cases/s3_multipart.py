"""S3 multipart uploads and copies."""

from case import Case, call, pages

MADE = call("s3.create_bucket", Bucket="<bucket>")
PART = b"p" * (5 << 20)
UPLOAD = {"upload": "UploadId"}
ABSENT = "absent-upload-id-absent-upload-id"


def part(number, body, **more):
    return call("s3.upload_part", Bucket="<bucket>", Key="a", UploadId="<upload>", PartNumber=number, Body=body, keep={f"etag{number}": "ETag"}, **more)


def complete(*numbers, **more):
    return call("s3.complete_multipart_upload", Bucket="<bucket>", Key="a", UploadId="<upload>",
                MultipartUpload={"Parts": [{"PartNumber": number, "ETag": f"<etag{number}>"} for number in numbers]}, **more)


BEGUN = [MADE, call("s3.create_multipart_upload", Bucket="<bucket>", Key="a", keep=UPLOAD)]

CASES = [
    Case("s3.multipart.life", [
        MADE,
        call("s3.create_multipart_upload", Bucket="<bucket>", Key="a", ContentType="text/x", Metadata={"colour": "red"}, Tagging="k=v", keep=UPLOAD, status=200),
        part(1, PART, status=200),
        part(2, b"end"),
        call("s3.list_parts", Bucket="<bucket>", Key="a", UploadId="<upload>"),
        call("s3.list_multipart_uploads", Bucket="<bucket>"),
        call("s3.head_object", Bucket="<bucket>", Key="a", fails="404"),
        complete(1, 2, volatile=("Location",)),
        call("s3.head_object", Bucket="<bucket>", Key="a"),
        call("s3.head_object", Bucket="<bucket>", Key="a", PartNumber=2),
        call("s3.get_object", Bucket="<bucket>", Key="a", PartNumber=2),
        call("s3.get_object", Bucket="<bucket>", Key="a", Range="bytes=5242878-"),
        call("s3.get_object_tagging", Bucket="<bucket>", Key="a"),
        call("s3.list_multipart_uploads", Bucket="<bucket>"),
        call("s3.list_parts", Bucket="<bucket>", Key="a", UploadId="<upload>", fails="NoSuchUpload", status=404),
        call("s3.get_object_attributes", Bucket="<bucket>", Key="a", ObjectAttributes=["ETag", "ObjectParts", "ObjectSize"]),
        call("s3.list_objects_v2", Bucket="<bucket>"),
    ]),
    Case("s3.multipart.one_small_part", [
        *BEGUN,
        part(1, b"all"),
        complete(1, volatile=("Location",)),
        call("s3.get_object", Bucket="<bucket>", Key="a"),
    ]),
    Case("s3.multipart.part_replaced", [
        *BEGUN,
        part(1, b"first"),
        part(1, b"second"),
        call("s3.list_parts", Bucket="<bucket>", Key="a", UploadId="<upload>"),
        complete(1, volatile=("Location",)),
        call("s3.get_object", Bucket="<bucket>", Key="a"),
    ]),
    Case("s3.multipart.gaps_in_numbers", [
        *BEGUN,
        part(3, PART),
        part(10000, b"end"),
        complete(3, 10000, volatile=("Location",)),
        call("s3.head_object", Bucket="<bucket>", Key="a"),
    ]),
    Case("s3.multipart.part_too_small", [
        *BEGUN,
        part(1, b"small"),
        part(2, b"end"),
        complete(1, 2, fails="EntityTooSmall", status=400),
        call("s3.list_parts", Bucket="<bucket>", Key="a", UploadId="<upload>"),
    ]),
    Case("s3.multipart.wrong_order", [
        *BEGUN,
        part(1, PART),
        part(2, b"end"),
        complete(2, 1, fails="InvalidPartOrder", status=400),
    ]),
    Case("s3.multipart.wrong_parts", [
        *BEGUN,
        part(1, b"one"),
        call("s3.complete_multipart_upload", Bucket="<bucket>", Key="a", UploadId="<upload>", MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": '"' + "0" * 32 + '"'}]}, fails="InvalidPart", status=400),
        call("s3.complete_multipart_upload", Bucket="<bucket>", Key="a", UploadId="<upload>", MultipartUpload={"Parts": [{"PartNumber": 7, "ETag": "<etag1>"}]}, fails="InvalidPart", status=400),
        call("s3.complete_multipart_upload", Bucket="<bucket>", Key="a", UploadId="<upload>", MultipartUpload={"Parts": []}, fails="MalformedXML", status=400),
    ]),
    Case("s3.multipart.bad_part_numbers", [
        *BEGUN,
        call("s3.upload_part", Bucket="<bucket>", Key="a", UploadId="<upload>", PartNumber=0, Body=b"x", fails="InvalidArgument", status=400),
        call("s3.upload_part", Bucket="<bucket>", Key="a", UploadId="<upload>", PartNumber=10001, Body=b"x", fails="InvalidArgument", status=400),
    ]),
    Case("s3.multipart.absent", [
        MADE,
        call("s3.upload_part", Bucket="<bucket>", Key="a", UploadId=ABSENT, PartNumber=1, Body=b"x", fails="NoSuchUpload", status=404),
        call("s3.list_parts", Bucket="<bucket>", Key="a", UploadId=ABSENT, fails="NoSuchUpload"),
        call("s3.abort_multipart_upload", Bucket="<bucket>", Key="a", UploadId=ABSENT, fails="NoSuchUpload"),
        call("s3.complete_multipart_upload", Bucket="<bucket>", Key="a", UploadId=ABSENT, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": "x"}]}, fails="NoSuchUpload"),
    ]),
    Case("s3.multipart.abort", [
        *BEGUN,
        part(1, b"x"),
        call("s3.abort_multipart_upload", Bucket="<bucket>", Key="a", UploadId="<upload>", status=204),
        call("s3.list_multipart_uploads", Bucket="<bucket>"),
        call("s3.list_parts", Bucket="<bucket>", Key="a", UploadId="<upload>", fails="NoSuchUpload"),
        call("s3.abort_multipart_upload", Bucket="<bucket>", Key="a", UploadId="<upload>", fails="NoSuchUpload"),
        call("s3.delete_bucket", Bucket="<bucket>"),
    ]),
    Case("s3.multipart.list_parts_in_pages", [
        *BEGUN,
        *[part(number, b"x") for number in (1, 2, 3, 5)],
        call("s3.list_parts", Bucket="<bucket>", Key="a", UploadId="<upload>", MaxParts=2),
        call("s3.list_parts", Bucket="<bucket>", Key="a", UploadId="<upload>", PartNumberMarker=2),
        pages("s3.list_parts", 3, Bucket="<bucket>", Key="a", UploadId="<upload>"),
    ]),
    Case("s3.multipart.list_uploads", [
        MADE,
        *[call("s3.create_multipart_upload", Bucket="<bucket>", Key=key) for key in ("a", "b/1", "b/2", "c")],
        call("s3.list_multipart_uploads", Bucket="<bucket>"),
        call("s3.list_multipart_uploads", Bucket="<bucket>", Prefix="b/"),
        call("s3.list_multipart_uploads", Bucket="<bucket>", Delimiter="/"),
        call("s3.list_multipart_uploads", Bucket="<bucket>", MaxUploads=2),
        call("s3.list_multipart_uploads", Bucket="<bucket>", KeyMarker="b/1"),
        pages("s3.list_multipart_uploads", 3, Bucket="<bucket>"),
    ]),
    Case("s3.multipart.checksums", [
        MADE,
        call("s3.create_multipart_upload", Bucket="<bucket>", Key="a", ChecksumAlgorithm="SHA256", keep=UPLOAD),
        call("s3.upload_part", Bucket="<bucket>", Key="a", UploadId="<upload>", PartNumber=1, Body=b"one", ChecksumAlgorithm="SHA256", keep={"etag": "ETag", "sum": "ChecksumSHA256"}),
        call("s3.list_parts", Bucket="<bucket>", Key="a", UploadId="<upload>"),
        call("s3.complete_multipart_upload", Bucket="<bucket>", Key="a", UploadId="<upload>", volatile=("Location",),
             MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": "<etag>", "ChecksumSHA256": "<sum>"}]}),
        call("s3.head_object", Bucket="<bucket>", Key="a", ChecksumMode="ENABLED"),
    ]),
    Case("s3.multipart.versioned", [
        MADE,
        call("s3.put_bucket_versioning", Bucket="<bucket>", VersioningConfiguration={"Status": "Enabled"}),
        call("s3.create_multipart_upload", Bucket="<bucket>", Key="a", keep=UPLOAD),
        part(1, b"x"),
        complete(1, volatile=("Location",)),
        call("s3.list_object_versions", Bucket="<bucket>"),
    ]),
    Case("s3.multipart.write_once", [
        MADE,
        call("s3.put_object", Bucket="<bucket>", Key="a", Body=b"there"),
        call("s3.create_multipart_upload", Bucket="<bucket>", Key="a", keep=UPLOAD),
        part(1, b"x"),
        complete(1, IfNoneMatch="*", fails="PreconditionFailed", status=412),
        call("s3.get_object", Bucket="<bucket>", Key="a"),
    ]),
    Case("s3.copy.life", [
        MADE,
        call("s3.put_object", Bucket="<bucket>", Key="a b/ä", Body=b"copied", ContentType="text/x", Metadata={"colour": "red"}, Tagging="k=v"),
        call("s3.copy_object", Bucket="<bucket>", Key="copy", CopySource={"Bucket": "<bucket>", "Key": "a b/ä"}, status=200),
        call("s3.get_object", Bucket="<bucket>", Key="copy"),
        call("s3.get_object_tagging", Bucket="<bucket>", Key="copy"),
        call("s3.copy_object", Bucket="<bucket>", Key="new", CopySource={"Bucket": "<bucket>", "Key": "a b/ä"}, MetadataDirective="REPLACE", ContentType="text/y", Metadata={"other": "1"}),
        call("s3.head_object", Bucket="<bucket>", Key="new"),
        call("s3.copy_object", Bucket="<bucket>", Key="tagged", CopySource={"Bucket": "<bucket>", "Key": "a b/ä"}, TaggingDirective="REPLACE", Tagging="n=w"),
        call("s3.get_object_tagging", Bucket="<bucket>", Key="tagged"),
    ]),
    Case("s3.copy.between_buckets", [
        MADE,
        call("s3.create_bucket", Bucket="<bucket>-2"),
        call("s3.put_object", Bucket="<bucket>", Key="a", Body=b"copied"),
        call("s3.copy_object", Bucket="<bucket>-2", Key="a", CopySource="/<bucket>/a"),
        call("s3.get_object", Bucket="<bucket>-2", Key="a"),
    ]),
    Case("s3.copy.onto_itself", [
        MADE,
        call("s3.put_object", Bucket="<bucket>", Key="a", Body=b"x"),
        call("s3.copy_object", Bucket="<bucket>", Key="a", CopySource="<bucket>/a", fails="InvalidRequest", status=400),
        call("s3.copy_object", Bucket="<bucket>", Key="a", CopySource="<bucket>/a", MetadataDirective="REPLACE", Metadata={"new": "1"}),
        call("s3.head_object", Bucket="<bucket>", Key="a"),
    ]),
    Case("s3.copy.conditions", [
        MADE,
        call("s3.put_object", Bucket="<bucket>", Key="a", Body=b"x", keep={"etag": "ETag"}),
        call("s3.copy_object", Bucket="<bucket>", Key="b", CopySource="<bucket>/a", CopySourceIfMatch="<etag>"),
        call("s3.copy_object", Bucket="<bucket>", Key="b", CopySource="<bucket>/a", CopySourceIfMatch='"nonsense"', fails="PreconditionFailed", status=412),
        call("s3.copy_object", Bucket="<bucket>", Key="b", CopySource="<bucket>/a", CopySourceIfNoneMatch="<etag>", fails="PreconditionFailed", status=412),
    ]),
    Case("s3.copy.absent", [
        MADE,
        call("s3.copy_object", Bucket="<bucket>", Key="b", CopySource="<bucket>/absent", fails="NoSuchKey", status=404),
        call("s3.copy_object", Bucket="<bucket>", Key="b", CopySource="absent-<fresh>/a", fails="NoSuchBucket", status=404),
        call("s3.copy_object", Bucket="<bucket>", Key="b", CopySource="nonsense", fails="InvalidArgument", status=400),
    ]),
    Case("s3.copy.parts", [
        *BEGUN,
        call("s3.put_object", Bucket="<bucket>", Key="source", Body=b"0123456789"),
        call("s3.upload_part_copy", Bucket="<bucket>", Key="a", UploadId="<upload>", PartNumber=1, CopySource="<bucket>/source", keep={"etag1": "CopyPartResult.ETag"}),
        complete(1, volatile=("Location",)),
        call("s3.get_object", Bucket="<bucket>", Key="a"),
    ]),
    Case("s3.copy.part_ranges", [
        *BEGUN,
        call("s3.put_object", Bucket="<bucket>", Key="source", Body=b"0123456789"),
        call("s3.upload_part_copy", Bucket="<bucket>", Key="a", UploadId="<upload>", PartNumber=1, CopySource="<bucket>/source", CopySourceRange="bytes=2-4", keep={"etag1": "CopyPartResult.ETag"}),
        call("s3.upload_part_copy", Bucket="<bucket>", Key="a", UploadId="<upload>", PartNumber=2, CopySource="<bucket>/source", CopySourceRange="bytes=5-100", fails="InvalidRange"),
        call("s3.upload_part_copy", Bucket="<bucket>", Key="a", UploadId="<upload>", PartNumber=2, CopySource="<bucket>/source", CopySourceRange="nonsense", fails="InvalidArgument", status=400),
        call("s3.upload_part_copy", Bucket="<bucket>", Key="a", UploadId="<upload>", PartNumber=2, CopySource="<bucket>/absent", fails="NoSuchKey", status=404),
        complete(1, volatile=("Location",)),
        call("s3.get_object", Bucket="<bucket>", Key="a"),
    ]),
]
