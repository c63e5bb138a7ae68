"""Roles for programs that an OpenID Connect provider vouches for: here the scenario is the provider, so the server must allow private
issuers."""

import base64
import hashlib
import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from conftest import client, refused

# An RSA key that signs nothing but these scenarios' tokens.
N = int(
    "bb8c72efdf877625ef3e7cb1933a93a384b136f56d6a34818d598aa11c61929b825ca8e0709405941e0abc487910dc0e0653ab02f5399f3a7f0b6523"
    "7d46412aaeaea01cf63572855effb6a1f70958ad57c8f8e57292cf4c6801309c6fbdb7b49077eb5ea81f6c5b14e63820eed454ddbfc82b0d37b8bc66"
    "4d7d4773ac7b188449f27fbcdbc98a1d95f1430c99798015fe87f8f279675aede1f396a438125ff99525337d4c996e0ca907f055901994b0697f6416"
    "6a78b06d58965b24dc97f038033982e876c556d76b8823fe4b3ce0e0e37b418b2b9a49efaef6466fac24688ce0474a669a99bc17590aeba480295233"
    "4fb6fe1559984d2e355530bca1722855", 16)
D = int(
    "3bc68ffb942b00a52693abfa8d0a6673ff9edbfd6d5a245206533bb40defab629532234125a08806a56c968622d014d303813748421093877966905d"
    "b757e4fd4d9faab890608897a9a7a6f6085e9a3ce575d09e90dde9e45861c8b49388cc3c68af4ffd63686088c728794b45d3b718d63f5e396041290b"
    "123793c6727ae95cf4d60acd6ababdbf25fdc2de1d8a9f2d323ece7d0f3db6089fc41cbaa5a2b7c9d69e4a2aa9f5beccd69085f6490828751f05d856"
    "e555ad18c2070614642f3b5acc22e038029279cffb7e83094b8ec40af83fb678daf0d214dc1ecea20507a8a92cf90956c99e8d694a3eff998a1a0775"
    "5bb7ac6b15ff14f1a892c55202d28d3", 16)
SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")


def unique(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(claims, kid="scenario", n=N, d=D):
    """A JSON Web Token signed with RS256 (RFC 7518, section 3.3)."""
    parts = [encoded(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": kid}, claims)]
    digest = SHA256 + hashlib.sha256(".".join(parts).encode()).digest()
    padded = b"\x00\x01" + b"\xff" * (256 - 3 - len(digest)) + b"\x00" + digest
    return ".".join([*parts, encoded(pow(int.from_bytes(padded, "big"), d, n).to_bytes(256, "big"))])


@pytest.fixture(scope="module")
def issuer():
    class Provider(BaseHTTPRequestHandler):
        def do_GET(self):
            url = f"http://127.0.0.1:{self.server.server_port}"
            answers = {
                "/.well-known/openid-configuration": {"issuer": url, "jwks_uri": url + "/keys"},
                "/keys": {"keys": [{"kty": "RSA", "kid": "scenario", "alg": "RS256", "n": encoded(N.to_bytes(256, "big")), "e": "AQAB"}]},
            }
            body = json.dumps(answers.get(self.path, {})).encode()
            self.send_response(200 if self.path in answers else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def role(issuer):
    """A role for the builds of one repository."""
    iam, name = client("iam"), unique("web")
    provider = iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["craton"], ThumbprintList=[])["OpenIDConnectProviderArn"]
    host = issuer.removeprefix("http://")
    statement = {
        "Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{host}:aud": "craton"}, "StringLike": {f"{host}:sub": "repo:acme/*"}},
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    yield arn
    iam.detach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    iam.delete_role(RoleName=name)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)


def claims(issuer, **other):
    return {"iss": issuer, "aud": "craton", "sub": "repo:acme/site", "exp": int(time.time()) + 600} | other


def assume(role, token, **more):
    return client("sts").assume_role_with_web_identity(RoleArn=role, RoleSessionName="build", WebIdentityToken=token, **more)


def test_who_has_a_token_of_the_issuer_acts_as_the_role(issuer, role):
    answer = assume(role, sign(claims(issuer)))
    assert (answer["SubjectFromWebIdentityToken"], answer["Audience"]) == ("repo:acme/site", "craton")
    assert answer["Provider"].endswith(":oidc-provider/" + issuer.removeprefix("http://"))
    keys = answer["Credentials"]
    session = lambda service: client(service, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    assert session("sts").get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert session("iam").list_roles()["Roles"]
    refused(lambda: session("iam").create_user(UserName=unique("no")), "AccessDenied", 403)


def test_a_trust_policy_decides_about_the_claims(issuer, role):
    message = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
    refused(lambda: assume(role, sign(claims(issuer, sub="repo:other/site"))), "AccessDenied", 403, message)
    refused(lambda: assume(role + "-absent", sign(claims(issuer))), "AccessDenied", 403, message)


def test_a_token_that_proves_nothing_is_refused(issuer, role):
    forged = sign(claims(issuer), d=D - 2)
    for token in (forged, sign(claims(issuer), kid="unknown"), sign(claims(issuer, aud="other")), sign(claims("https://other.example")), "token"):
        refused(lambda: assume(role, token), "InvalidIdentityToken", 400)
    refused(lambda: assume(role, sign(claims(issuer, exp=int(time.time()) - 1))), "ExpiredTokenException", 400, "Token expired")


def test_an_issuer_that_does_not_answer_is_told_apart(role):
    iam, absent = client("iam"), "http://127.0.0.1:9"
    provider = iam.create_open_id_connect_provider(Url=absent, ClientIDList=["craton"], ThumbprintList=[])["OpenIDConnectProviderArn"]
    refused(lambda: assume(role, sign(claims(absent))), "IDPCommunicationError", 400)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)


def test_a_session_has_the_bounds_of_its_role(issuer, role):
    refused(lambda: assume(role, sign(claims(issuer)), DurationSeconds=7200), "ValidationError", 400, "MaxSessionDuration")
    limit = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}]})
    keys = assume(role, sign(claims(issuer)), Policy=limit)["Credentials"]
    iam = client("iam", keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    assert iam.list_users()["Users"]
    refused(iam.list_roles, "AccessDenied", 403, "session policy")
