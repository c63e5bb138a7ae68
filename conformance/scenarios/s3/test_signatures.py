import datetime

import boto3
import pytest
import requests
from botocore.auth import HmacV1Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from conftest import REGION, URL, client, refused


def ambient():
    return boto3.Session().get_credentials()


def test_keys_and_secrets_that_are_wrong():
    good = ambient()
    refused(lambda: client("s3", good.access_key, "wrong").list_buckets(), "SignatureDoesNotMatch", 403)
    refused(lambda: client("s3", "AKIAQQQQQQQQQQQQQQQQ", "x" * 40).list_buckets(), "InvalidAccessKeyId", 403)
    for version in ("s3", "s3v4"):
        refused(lambda: client("s3", good.access_key, "wrong", signature_version=version).list_buckets(), "SignatureDoesNotMatch", 403)


def test_an_inactive_key_opens_nothing(iam_user):
    name, key, secret = iam_user
    client("iam").update_access_key(UserName=name, AccessKeyId=key, Status="Inactive")
    refused(lambda: client("s3", key, secret).list_buckets(), "InvalidAccessKeyId", 403)


def test_a_user_without_rights_is_denied_in_awss_words(bucket, iam_user):
    name, key, secret = iam_user
    mine = client("s3", key, secret)
    refused(lambda: mine.get_object(Bucket=bucket, Key="k"), "AccessDenied", 403,
            f"user/{name} is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::{bucket}/k\"",
            "because no identity-based policy allows the s3:GetObject action")


def test_sessions(bucket):
    session = client("sts").get_session_token()["Credentials"]
    key, secret, token = session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"]
    for version in ("s3", "s3v4"):
        mine = client("s3", key, secret, token, signature_version=version)
        mine.put_object(Bucket=bucket, Key="k", Body=b"x")
        url = mine.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
        assert requests.get(url, timeout=30).content == b"x", url
    refused(lambda: client("s3", key, secret, "wrong").list_buckets(), "InvalidToken", 400)
    refused(lambda: client("s3", key, secret).list_buckets(), "InvalidToken", 400)


def sign(request, at, auth):
    import botocore.auth
    import botocore.compat
    real = botocore.auth.get_current_datetime
    botocore.auth.get_current_datetime = lambda *_a, **_k: at
    try:
        auth.add_auth(request)
    finally:
        botocore.auth.get_current_datetime = real
    return request.prepare()


@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_clock_that_is_wrong(minutes):
    request = AWSRequest("GET", URL + "/", headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    prepared = sign(request, at.replace(tzinfo=None), SigV4Auth(ambient(), "s3", REGION))
    answer = requests.get(prepared.url, headers=dict(prepared.headers), timeout=30)
    assert answer.status_code == 403 and "<Code>RequestTimeTooSkewed</Code>" in answer.text


def test_a_clock_that_is_wrong_in_the_old_way():
    request = AWSRequest("GET", URL + "/", headers={"Date": "Tue, 27 Mar 2007 19:36:42 GMT"})
    HmacV1Auth(ambient()).add_auth(request)
    date = dict(request.headers)["Date"]
    answer = requests.get(URL + "/", headers=dict(request.headers), timeout=30)
    assert answer.status_code == (200 if "2007" not in date else 403)


@pytest.mark.parametrize("version", ["s3", "s3v4"])
@pytest.mark.parametrize("key", ["k", "k k", "ü/+&=?"])
def test_presigned_requests(bucket, version, key):
    s3 = client("s3", signature_version=version)
    params = {"Bucket": bucket, "Key": key}
    put = s3.generate_presigned_url("put_object", Params={**params, "ContentType": "text/plain"})
    assert requests.put(put, data=b"presigned", headers={"Content-Type": "text/plain"}, timeout=30).status_code == 200
    url = s3.generate_presigned_url("get_object", Params={**params, "ResponseContentType": "image/png"})
    got = requests.get(url, timeout=30)
    assert got.content == b"presigned" and got.headers["Content-Type"] == "image/png"
    assert requests.head(s3.generate_presigned_url("head_object", Params=params), timeout=30).status_code == 200
    wrong = url[:-1] + ("A" if url[-1] != "A" else "B")
    refusal = requests.get(wrong, timeout=30)
    # The last parameter of the old way is the end of validity.
    assert refusal.status_code == 403 and (version == "s3" or "<Code>SignatureDoesNotMatch</Code>" in refusal.text)
    assert requests.get(url.replace("image%2Fpng", "text%2Fhtml"), timeout=30).status_code == 403
    assert requests.put(url, data=b"", timeout=30).status_code == 403
    gone = s3.generate_presigned_url("get_object", Params=params, ExpiresIn=-10 if version == "s3" else 1)
    if version == "s3":
        expired = requests.get(gone, timeout=30)
        assert expired.status_code == 403 and "Request has expired" in expired.text
    assert requests.delete(s3.generate_presigned_url("delete_object", Params=params), timeout=30).status_code == 204


def test_a_presigned_request_cannot_be_made_another(bucket):
    s3 = client("s3", signature_version="s3v4")
    s3.put_object(Bucket=bucket, Key="secret", Body=b"secret")
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    answer = requests.put(url, headers={"x-amz-copy-source": f"/{bucket}/secret"}, timeout=30)
    assert answer.status_code == 403 and "not signed" in answer.text
    refused(lambda: s3.head_object(Bucket=bucket, Key="k"), "404", 404)


def test_a_presigned_request_is_valid_for_a_week_at_most(bucket):
    url = client("s3", signature_version="s3v4").generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=604801)
    answer = requests.get(url, timeout=30)
    assert answer.status_code == 400 and "<Code>AuthorizationQueryParametersError</Code>" in answer.text


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_forms_of_browsers(bucket, version):
    s3 = client("s3", signature_version=version)
    fields = {"acl": "private", "Content-Type": "text/plain", "x-amz-meta-a": "1"}
    conditions = [{"acl": "private"}, {"Content-Type": "text/plain"}, {"x-amz-meta-a": "1"}, ["content-length-range", 1, 100]]
    form = s3.generate_presigned_post(bucket, "up/${filename}", Fields=fields, Conditions=conditions)
    sent = requests.post(form["url"], data=form["fields"], files={"file": ("name.txt", b"from a form")}, timeout=30)
    assert sent.status_code == 204, sent.text
    got = s3.get_object(Bucket=bucket, Key="up/name.txt")
    assert got["Body"].read() == b"from a form" and got["ContentType"] == "text/plain" and got["Metadata"] == {"a": "1"}
    long = requests.post(form["url"], data=form["fields"], files={"file": ("x", b"x" * 101)}, timeout=30)
    assert long.status_code == 400 and "<Code>EntityTooLarge</Code>" in long.text
    other = requests.post(form["url"], data={**form["fields"], "key": "elsewhere"}, files={"file": ("x", b"x")}, timeout=30)
    assert other.status_code == 403 and "<Code>AccessDenied</Code>" in other.text
    field = "signature" if version == "s3" else "x-amz-signature"
    forged = {**form["fields"], field: "0" * 64}
    refusal = requests.post(form["url"], data=forged, files={"file": ("x", b"x")}, timeout=30)
    assert refusal.status_code == 403 and "<Code>SignatureDoesNotMatch</Code>" in refusal.text
    created = s3.generate_presigned_post(bucket, "k", Fields={"success_action_status": "201"}, Conditions=[{"success_action_status": "201"}])
    answer = requests.post(created["url"], data=created["fields"], files={"file": ("x", b"x")}, timeout=30)
    assert answer.status_code == 201 and "<Key>k</Key>" in answer.text


def test_answers_cannot_run_as_the_console_does(bucket):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="page.html", Body=b"<script>alert(1)</script>", ContentType="text/html")
    address = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "page.html"})
    for url in (address, f"{URL}/{bucket}/page.html"):
        answer = requests.get(url, timeout=30)
        assert answer.headers["Content-Security-Policy"] == "sandbox" and answer.headers["X-Content-Type-Options"] == "nosniff"


def test_errors_are_xml_with_ids(bucket):
    answer = requests.get(client("s3").generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a/b c"}), timeout=30)
    assert answer.status_code == 404 and answer.headers["Content-Type"] == "application/xml"
    assert answer.text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>')
    assert "<Key>a/b c</Key>" in answer.text
    assert f"<RequestId>{answer.headers['x-amz-request-id']}</RequestId>" in answer.text
    assert f"<HostId>{answer.headers['x-amz-id-2']}</HostId>" in answer.text
    head = requests.head(client("s3").generate_presigned_url("head_object", Params={"Bucket": bucket, "Key": "absent"}), timeout=30)
    assert head.status_code == 404 and head.content == b"" and head.headers["x-amz-request-id"]


def test_a_bucket_in_the_hosts_name(bucket):
    from urllib.parse import urlsplit
    port = urlsplit(URL).port
    s3 = boto3.client("s3", endpoint_url=f"http://localhost:{port}", region_name=REGION)
    s3.put_object(Bucket=bucket, Key="a b/ü", Body=b"hosted")
    request = AWSRequest("GET", f"http://{bucket}.localhost:{port}/a%20b/%C3%BC", headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    from botocore.auth import S3SigV4Auth
    S3SigV4Auth(ambient(), "s3", REGION).add_auth(request)
    headers = {**dict(request.headers), "Host": f"{bucket}.localhost:{port}"}
    answer = requests.get(f"http://127.0.0.1:{port}/a%20b/%C3%BC", headers=headers, timeout=30)
    assert answer.content == b"hosted", answer.text


def test_requests_that_make_no_sense():
    for method, path, code, status in (("PATCH", "/bucket/key", "MethodNotAllowed", 405), ("POST", "/bucket/key", "MethodNotAllowed", 405)):
        request = AWSRequest(method, URL + path, headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
        SigV4Auth(ambient(), "s3", REGION).add_auth(request)
        answer = requests.request(method, URL + path, headers=dict(request.headers), timeout=30)
        assert (answer.status_code, f"<Code>{code}</Code>" in answer.text) == (status, True), answer.text
    answer = requests.get(URL + "/bucket/key", headers={"Authorization": "AWS4-HMAC-SHA256 Credential=a/b/c/s3/d"}, timeout=30)
    assert answer.status_code == 400 and "<Code>AuthorizationHeaderMalformed</Code>" in answer.text
