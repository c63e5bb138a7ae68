"""What no well-behaved client sends."""

import datetime
import json
import socket
import time
import urllib.parse

import boto3
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from conftest import CLAUDE, REGION, URL, client, refused, signed, user

CONVERSE = f"/model/{urllib.parse.quote(CLAUDE, safe='')}/converse"
BODY = json.dumps({"messages": [user("Hi")], "inferenceConfig": {"maxTokens": 2}}).encode()


def header_of(answer):
    return answer.headers.get("x-amzn-errortype", "").split(":")[0]


def prepared(body=BODY, service="bedrock", path=CONVERSE, at=None):
    """Headers of a signed request, optionally signed at another time."""
    request = AWSRequest("POST", URL + path, data=body, headers={"Content-Type": "application/json"})
    signer = SigV4Auth(boto3.Session().get_credentials(), service, REGION)
    if at:
        import botocore.auth
        import botocore.compat
        original = botocore.auth.get_current_datetime
        botocore.auth.get_current_datetime = lambda *a, **k: at
        try:
            signer.add_auth(request)
        finally:
            botocore.auth.get_current_datetime = original
    else:
        signer.add_auth(request)
    return dict(request.prepare().headers)


def post(headers, body=BODY, path=CONVERSE):
    return requests.post(URL + path, data=body, headers=headers, timeout=60)


def test_a_good_request_passes():
    assert post(prepared()).status_code == 200


def test_a_tampered_body_is_refused():
    answer = post(prepared(), BODY.replace(b"Hi", b"Ha"))
    assert answer.status_code == 403 and header_of(answer) == "InvalidSignatureException"


def test_expired_and_future_dates_are_refused():
    now = datetime.datetime.now(datetime.timezone.utc)
    for shift, word in ((-16, "expired"), (16, "not yet")):
        answer = post(prepared(at=now + datetime.timedelta(minutes=shift)))
        assert answer.status_code == 403 and word in answer.text.lower(), answer.text
    assert post(prepared(at=now - datetime.timedelta(minutes=10))).status_code == 200


def test_missing_and_broken_authorization_are_refused():
    answer = post({"Content-Type": "application/json"})
    assert answer.status_code == 403 and header_of(answer) == "MissingAuthenticationTokenException"
    good = prepared()
    for broken in (good["Authorization"].replace("Signature=", "Sig="), "AWS4-HMAC-SHA256", good["Authorization"][:40]):
        answer = post({**good, "Authorization": broken})
        assert answer.status_code in (400, 403) and header_of(answer), answer.text
    without_date = {k: v for k, v in good.items() if k.lower() != "x-amz-date"}
    assert post(without_date).status_code in (400, 403)


def test_wrong_types_and_missing_members_name_their_place():
    for body, text in ((b'{"messages": 5}', "messages"), (b'{"messages":[{"role":"user"}]}', "content"),
                       (b'{"messages":[{"role":"king","content":[{"text":"x"}]}]}', "role"), (b"{", ""), (b"\xff", ""),
                       (b'{"a":' * 1000, "")):
        answer = signed("POST", CONVERSE, "bedrock", body, {"Content-Type": "application/json"})
        assert answer.status_code == 400, (body[:40], answer.status_code, answer.text)
        assert header_of(answer) in ("ValidationException", "SerializationException") and text in answer.text


def test_a_wrong_content_type_is_refused():
    answer = signed("POST", CONVERSE, "bedrock", BODY, {"Content-Type": "text/xml"})
    assert answer.status_code in (400, 415) and header_of(answer)
    assert signed("POST", CONVERSE, "bedrock", BODY, {"Content-Type": "text/plain"}).status_code == 400
    form = b"Action=GetCallerIdentity&Version=2011-06-15"
    answer = signed("POST", "/", "sts", form, {"Content-Type": "application/json"})
    assert answer.status_code == 400 and "<Code>MalformedInput</Code>" in answer.text


def test_an_untyped_body_of_other_sdks_is_taken():
    body = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 2, "messages": [{"role": "user", "content": "Hi"}]})
    path = CONVERSE.replace("/converse", "/invoke")
    answer = signed("POST", path, "bedrock", body.encode(), {"Content-Type": "application/octet-stream"})
    assert answer.status_code == 200, answer.text


def test_a_200_megabyte_body_is_refused_without_being_read():
    host, port = urllib.parse.urlparse(URL).netloc.split(":")
    head = (f"POST {CONVERSE} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {200 * 2**20}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in prepared().items()
                                                           if k.lower() in ("authorization", "x-amz-date")) + "\r\n")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(65536)
    assert b" 413 " in answer.split(b"\r\n")[0], answer[:300]


def test_headers_have_a_limit():
    answer = requests.get(URL + "/foundation-models", headers={"x-long": "a" * 200_000}, timeout=30)
    assert answer.status_code == 431


def test_unknown_paths_and_services_are_refused_in_shape():
    answer = signed("GET", "/no/such/path", "bedrock")
    assert answer.status_code in (400, 403, 404) and header_of(answer)
    assert signed("GET", "/", "no-such-service").status_code in (400, 403, 404)
    answer = signed("GET", "/some-bucket", "s3", headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    assert answer.status_code == 404 and "<Error>" in answer.text and "<Code>NoSuchBucket</Code>" in answer.text
    refused(lambda: client("lambda").list_functions(), "NotImplementedException", 501, "ListFunctions")


def test_a_client_that_leaves_frees_its_place():
    runtime = client("bedrock-runtime")
    answer = runtime.converse_stream(modelId=CLAUDE, messages=[user("Write a very long story.")], inferenceConfig={"maxTokens": 2000})
    next(iter(answer["stream"]))
    answer["stream"].close()

    def active():
        status = signed("GET", "/craton/v1/status", "craton").json()
        return sum(model["activeSequences"] for model in status["loaded"])

    end = time.monotonic() + 10
    while active() and time.monotonic() < end:
        time.sleep(0.05)
    assert active() == 0


def test_health_and_metrics_need_no_key():
    assert requests.get(URL + "/healthz", timeout=10).status_code == 200
    assert requests.get(URL + "/readyz", timeout=10).status_code == 200
    metrics = requests.get(URL + "/metrics", timeout=10).text
    assert "craton_requests_total" in metrics and "process_resident_memory_bytes" in metrics
