"""Bearer keys of Bedrock: those that Craton makes and those that clients sign for themselves.

botocore sends bearer tokens over TLS only, so these requests are made without it.
"""

import json
import os
import subprocess
import urllib.parse

import boto3
import pytest
import requests
from aws_bedrock_token_generator import BedrockTokenGenerator
from botocore.credentials import Credentials

from conftest import CLAUDE, REGION, URL, client, user


def converse(token):
    return requests.post(f"{URL}/model/{urllib.parse.quote(CLAUDE, safe='')}/converse", timeout=120,
                         json={"messages": [user("Say hello.")], "inferenceConfig": {"maxTokens": 4}},
                         headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def made_key():
    craton = os.environ["CRATON_BIN"]
    made = json.loads(subprocess.run([craton, "keys", "create", "scenario", "--surface", "bedrock", "--output", "json"],
                                     check=True, capture_output=True, text=True).stdout)
    yield made["key"]
    subprocess.run([craton, "keys", "delete", made["id"]], check=True, capture_output=True)


def test_a_key_that_craton_made_answers(made_key):
    assert made_key.startswith("ABSK")
    assert converse(made_key).json()["usage"]["outputTokens"] > 0


def test_a_short_term_key_of_awss_generator_answers():
    token = BedrockTokenGenerator().get_token(boto3.Session().get_credentials(), REGION)
    assert converse(token).json()["usage"]["outputTokens"] > 0


def test_a_short_term_key_of_a_session_answers():
    session = client("sts").get_session_token(DurationSeconds=900)["Credentials"]
    credentials = Credentials(session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    assert converse(BedrockTokenGenerator().get_token(credentials, REGION)).status_code == 200


def test_a_short_term_key_with_a_wrong_secret_is_refused():
    credentials = Credentials(boto3.Session().get_credentials().access_key, "w" * 40)
    answer = converse(BedrockTokenGenerator().get_token(credentials, REGION))
    assert answer.status_code == 403
    assert answer.headers["x-amzn-errortype"].startswith("InvalidSignatureException")
