import os

import pytest
import requests
from botocore.exceptions import ClientError

from conftest import URL, client, refused


def test_caller_identity_names_the_administrator():
    answer = client("sts").get_caller_identity()
    assert answer["Arn"] == f"arn:aws:iam::{answer['Account']}:user/admin"
    assert answer["UserId"].startswith("AIDA")


def test_a_session_acts_as_its_user_and_needs_its_token():
    session = client("sts").get_session_token(DurationSeconds=900)["Credentials"]
    key, secret, token = session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"]
    assert key.startswith("ASIA")
    assert client("sts", key, secret, token).get_caller_identity()["Arn"].endswith(":user/admin")
    assert client("bedrock", key, secret, token).list_foundation_models()["modelSummaries"]
    refused(lambda: client("sts", key, secret).get_caller_identity(), "InvalidClientTokenId", 403)
    other = token[:-8] + ("A" if token[-8] != "A" else "B") + token[-7:]
    refused(lambda: client("sts", key, secret, other).get_caller_identity(), "InvalidClientTokenId", 403)


def test_a_session_has_bounds():
    refused(lambda: client("sts").get_session_token(DurationSeconds=899), "ValidationError", 400, "durationSeconds")
    refused(lambda: client("sts").get_session_token(DurationSeconds=129601), "ValidationError", 400)


def test_a_presigned_caller_identity_answers_without_headers():
    url = client("sts").generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    answer = requests.get(url, timeout=30)
    assert answer.status_code == 200 and "GetCallerIdentityResult" in answer.text
    assert requests.get(url.replace("X-Amz-Expires=60", "X-Amz-Expires=61"), timeout=30).status_code == 403


def test_each_account_has_its_own_administrator():
    key, secret = os.environ["CONF_DEV_ACCESS_KEY_ID"], os.environ["CONF_DEV_SECRET_ACCESS_KEY"]
    assert client("sts", key, secret).get_caller_identity()["Account"] == "111122223333"
    assert client("sts").get_caller_identity()["Account"] != "111122223333"


def test_an_unknown_operation_is_refused_by_name():
    refused(lambda: client("sts").get_federation_token(Name="someone"), "NotImplemented", 501, "GetFederationToken")


@pytest.mark.parametrize("service", ["sts", "iam"])
def test_a_broken_signature_is_told_in_the_services_shape(service):
    def without_date(request, **_):
        del request.headers["X-Amz-Date"]

    def without_signature(request, **_):
        text = request.headers["Authorization"]
        text = text.decode() if isinstance(text, bytes) else text
        del request.headers["Authorization"]
        request.headers["Authorization"] = text.split(", Signature=")[0]

    for destroy in (without_date, without_signature):
        broken = client(service)
        broken.meta.events.register("before-send", destroy)
        call = broken.get_caller_identity if service == "sts" else broken.list_users
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Code"] == "IncompleteSignature", caught.value.response


def test_the_endpoint_is_not_open():
    assert requests.post(URL + "/", data="Action=GetCallerIdentity&Version=2011-06-15", timeout=30).status_code == 403
