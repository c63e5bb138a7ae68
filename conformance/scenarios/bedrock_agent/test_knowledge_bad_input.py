"""Documents and requests that are wrong: each fails alone, with a reason, and leaves the rest in order."""

import io
import json
import uuid
import zipfile

import pytest
from conftest import refused
from knowledge_estate import estate, fixed, shared  # noqa: F401

GOOD = "The gauge card has circles of two and ten centimetres."


def pdf(*, encrypted=False, content=b"BT /F1 12 Tf 50 700 Td (Recovery costs one hundred and sixty-five.) Tj ET"):
    """A PDF of one page."""
    parts = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
             b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>",
             b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
             b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"]
    if encrypted:
        key = b"<" + b"ab" * 32 + b">"
        parts.append(b"<< /Filter /Standard /V 1 /R 2 /O %s /U %s /P -44 >>" % (key, key))
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, part in enumerate(parts, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1) + b"".join(b"%010d 00000 n \n" % at for at in offsets)
    more = b" /Encrypt 6 0 R /ID [<00><00>]" if encrypted else b""
    return bytes(out + b"trailer\n<< /Size %d /Root 1 0 R%s >>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, more, start))


def office(text, *, size=0):
    """A DOCX; with `size`, its text is blanks of that many bytes, which compress to almost nothing."""
    out = io.BytesIO()
    words = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("[Content_Types].xml", '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override '
                         'PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>')
        archive.writestr("_rels/.rels", '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" Type='
                         '"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>')
        with archive.open("word/document.xml", "w") as part:
            part.write(f'<w:document xmlns:w="{words}"><w:body><w:p><w:r><w:t>{text}'.encode())
            for _ in range(size // 2**20):
                part.write(b" " * 2**20)
            part.write(b"</w:t></w:r></w:p></w:body></w:document>")
    return out.getvalue()


def ingest(estate, **source):
    """Syncs what is in the bucket; the job must complete, whatever it held."""
    base = estate.base()
    made = estate.source(base, **source)
    done = estate.ended(base, made, estate.start(base, made))
    assert done["status"] == "COMPLETE", done
    return base, made, done["statistics"]


@pytest.mark.parametrize("name, body, said", [
    ("empty.txt", b"", "empty"),
    ("blank.txt", b" \n\t\n ", ""),
    ("corrupt.pdf", pdf()[:200], ""),
    ("encrypted.pdf", pdf(encrypted=True), "encrypt"),
    ("scan.pdf", pdf(content=b"0 0 595 842 re f"), "text"),
    ("corrupt.docx", office("x")[:-60], ""),
    ("bomb.docx", office("x", size=600 * 2**20), ""),
    ("picture.exe", b"MZ" + bytes(range(256)) * 20, ""),
], ids=lambda one: one if isinstance(one, str) and "." in one else "")
def test_a_bad_file_fails_alone(estate, name, body, said):
    estate.put("good.txt", GOOD).put(name, body)
    base, source, counts = ingest(estate)
    assert counts["numberOfNewDocumentsIndexed"] == 1 and counts["numberOfDocumentsFailed"] == 1
    detail = estate.document(base, source, name)
    assert detail["status"] == "FAILED" and said in detail["statusReason"].lower(), detail
    assert estate.found(base, "circles of the gauge card") == ["good.txt"]


def test_a_wrong_ending_does_not_matter_where_the_content_is_known(estate):
    estate.put("really-a-pdf.txt", pdf()).put("really-word.pdf", office("Chains are lent in a sealed bag."))
    base, _, counts = ingest(estate)
    assert counts["numberOfNewDocumentsIndexed"] == 2
    assert estate.found(base, "what does recovery cost")[0] == "really-a-pdf.txt"
    assert estate.found(base, "sealed bag of chains")[0] == "really-word.pdf"


def test_a_file_beyond_the_limit_is_refused_without_being_read(estate):
    estate.put("good.txt", GOOD)
    block = b"x" * (64 * 2**20)
    upload = estate.s3.create_multipart_upload(Bucket=estate.bucket, Key="huge.txt")["UploadId"]
    parts = [{"PartNumber": at, "ETag": estate.s3.upload_part(Bucket=estate.bucket, Key="huge.txt", UploadId=upload, PartNumber=at,
                                                              Body=block)["ETag"]} for at in range(1, 17)]
    estate.s3.complete_multipart_upload(Bucket=estate.bucket, Key="huge.txt", UploadId=upload, MultipartUpload={"Parts": parts})
    base, source, counts = ingest(estate)
    assert counts["numberOfNewDocumentsIndexed"] == 1 and counts["numberOfDocumentsFailed"] == 1
    assert "1073741824" in (reason := estate.document(base, source, "huge.txt")["statusReason"]).replace(",", "") or "GiB" in reason or "MB" in reason


@pytest.mark.parametrize("text", ["x" * 40_000, "的" * 40_000, "0123456789" * 4_000], ids=["letter", "sign", "digits"])
def test_forty_thousand_characters_without_a_space_are_cut_and_found(estate, text):
    estate.put("wall.txt", text).put("good.txt", GOOD)
    base, _, counts = ingest(estate, vectorIngestionConfiguration=fixed(100))
    assert counts["numberOfNewDocumentsIndexed"] == 2
    assert all(one["content"]["text"] in text + GOOD for one in estate.retrieve(base, "wall", results=100))
    assert estate.found(base, "circles of the gauge card")[0] == "good.txt"


@pytest.mark.parametrize("metadata", [
    {"k": {"value": {"type": "DATE", "stringValue": "2026-01-01"}}},
    {"k": {"value": {"type": "NUMBER", "stringValue": "1"}}},
    {"k": {"nested": {"deep": 1}}}, {"k": [1, "two"]}, {"k": None}, {"x-amz-bedrock-kb-source-uri": "x"},
], ids=str)
def test_metadata_of_an_unknown_type_fails_the_document_and_names_the_key(estate, metadata):
    estate.put("bad.txt", "Umbrellas are kept for sixty days.").put("good.txt", GOOD)
    estate.s3.put_object(Bucket=estate.bucket, Key="bad.txt.metadata.json", Body=json.dumps({"metadataAttributes": metadata}).encode())
    base, source, counts = ingest(estate)
    assert counts["numberOfDocumentsFailed"] == 1 and counts["numberOfNewDocumentsIndexed"] == 1
    assert f"`{next(iter(metadata))}`" in estate.document(base, source, "bad.txt")["statusReason"]


def test_a_sidecar_without_a_document_is_no_document(estate):
    estate.s3.put_object(Bucket=estate.bucket, Key="gone.txt.metadata.json", Body=b'{"metadataAttributes": {"a": "b"}}')
    estate.put("good.txt", GOOD)
    base, _, counts = ingest(estate)
    assert counts["numberOfDocumentsScanned"] == 1 and counts.get("numberOfDocumentsFailed", 0) == 0
    assert estate.found(base, "gauge card") == ["good.txt"]


def test_a_filter_on_a_missing_field_matches_nothing(estate):
    estate.put("good.txt", GOOD)
    base, _, _ = ingest(estate)
    for condition in ({"equals": {"key": "nothing", "value": "x"}}, {"greaterThan": {"key": "nothing", "value": 1}},
                      {"listContains": {"key": "nothing", "value": "x"}}, {"startsWith": {"key": "nothing", "value": "x"}}):
        assert estate.retrieve(base, "gauge card", filter=condition) == []
    # As the reference of RetrievalFilter says.
    absent = {"notEquals": {"key": "nothing", "value": "x"}}
    assert len(estate.retrieve(base, "gauge card", filter=absent)) == 1


@pytest.mark.parametrize("condition", [
    {"equals": {"key": "a"}}, {"equals": {"value": "a"}}, {"andAll": []},
    {"andAll": [{"equals": {"key": "a", "value": "b"}}]}, {"in": {"key": "a", "value": "b"}}, {"greaterThan": {"key": "a", "value": "b"}},
    {"startsWith": {"key": "a", "value": 1}},
], ids=str)
def test_a_filter_that_means_nothing_is_refused(estate, condition):
    base = estate.base()
    refused(lambda: estate.retrieve(base, "x", filter=condition), "ValidationException", 400)


@pytest.mark.parametrize("condition", [
    {}, {"equals": {"key": "a", "value": "b"}, "in": {"key": "a", "value": ["b"]}},
], ids=str)
def test_a_filter_is_exactly_one_condition(estate, condition):
    base = estate.base()
    refused(lambda: estate.retrieve(base, "x", filter=condition), "SerializationException", 400, "exactly one")


@pytest.mark.parametrize("wrong", [
    {"retrievalQuery": {"text": ""}}, {"retrievalQuery": {}}, {"retrievalQuery": {"text": "x" * 20_001}},
    {"retrievalConfiguration": {"vectorSearchConfiguration": {"numberOfResults": 0}}},
    {"retrievalConfiguration": {"vectorSearchConfiguration": {"numberOfResults": 101}}},
    {"retrievalConfiguration": {"vectorSearchConfiguration": {"overrideSearchType": "PSYCHIC"}}},
    {"nextToken": "made-up"},
], ids=lambda wrong: str(wrong)[:60])
def test_a_query_that_is_not_of_the_shape_is_refused(estate, wrong):
    base = estate.base()
    request = {"knowledgeBaseId": base, "retrievalQuery": {"text": "keys"}} | wrong
    refused(lambda: estate.runtime.retrieve(**request), "ValidationException", 400)


def test_strange_queries_are_answered(estate):
    estate.put("good.txt", GOOD)
    base, _, _ = ingest(estate)
    for text in ('"', "AND OR NOT", "gauge AND (", "*", "a:b~2^3", "\u0000gauge", "😀" * 200, "gauge " * 3_000, "' OR 1=1 --"):
        assert isinstance(estate.retrieve(base, text), list), text


def test_names_of_objects_may_be_anything(estate):
    names = ["with space.txt", "ümläut/日本語.txt", "a+b&c=d?e#f.txt", "deep/" * 20 + "end.txt", "%2F.txt", "quote'\".txt"]
    for at, name in enumerate(names):
        estate.put(name, f"Document number {at} is about rule {at}.")
    base, source, counts = ingest(estate)
    assert counts["numberOfNewDocumentsIndexed"] == len(names)
    assert set(estate.found(base, "rule of the document", results=20)) == set(names)
    for name in names:
        assert estate.document(base, source, name)["status"] == "INDEXED", name


def test_the_same_text_under_two_names_is_two_documents_and_one_passage(estate):
    estate.put("one.txt", GOOD).put("two.txt", GOOD)
    base, source, counts = ingest(estate)
    assert counts["numberOfNewDocumentsIndexed"] == 2
    assert len(estate.found(base, "gauge card", results=10)) == 1, "near duplicates are left out"
    estate.remove("one.txt")
    estate.sync(base, source)
    assert estate.found(base, "gauge card", results=10) == ["two.txt"]


def test_a_deleted_bucket_fails_the_job_and_keeps_the_chunks(estate):
    name = f"short-lived-{uuid.uuid4().hex[:8]}"
    estate.s3.create_bucket(Bucket=name)
    estate.s3.put_object(Bucket=name, Key="a.txt", Body=GOOD.encode())
    statement = estate.reads_bucket() | {"Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]}
    estate.let_role(statement, estate.embeds())
    base = estate.base()
    source = estate.source(base, dataSourceConfiguration={"type": "S3", "s3Configuration": {"bucketArn": f"arn:aws:s3:::{name}"}})
    estate.sync(base, source)
    estate.s3.delete_object(Bucket=name, Key="a.txt")
    estate.s3.delete_bucket(Bucket=name)
    done = estate.ended(base, source, estate.start(base, source))
    assert done["status"] == "FAILED" and name in " ".join(done["failureReasons"])
    assert len(estate.retrieve(base, "gauge card")) == 1, "a bucket that is gone is no reason to forget"


def test_many_readers_during_a_sync_see_whole_documents(estate):
    estate.put("a.txt", "The gauge card is version one.")
    base, source = estate.filled()
    for round in range(2, 6):
        estate.put("a.txt", f"The gauge card is version {round}.")
        job = estate.start(base, source)
        while True:
            status = estate.job(base, source, job)["status"]
            texts = [one["content"]["text"] for one in estate.retrieve(base, "version of the gauge card")]
            assert len(texts) == 1 and texts[0].startswith("The gauge card is version"), texts
            if status not in ("STARTING", "IN_PROGRESS"):
                break
        assert estate.retrieve(base, "version of the gauge card")[0]["content"]["text"] == f"The gauge card is version {round}."
