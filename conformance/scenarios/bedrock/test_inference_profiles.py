"""Inference profiles: AWS's own and an account's, as models, in policies, with tags, and routed between targets."""

import http.server
import json
import threading
import uuid
from urllib.parse import quote

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from conftest import CLAUDE, REGION, URL, client, invoke, refused, signed, user
from fakes import Answering

SYSTEM = "us." + CLAUDE


def model_arn(model=CLAUDE):
    return f"arn:aws:bedrock:us-east-1::foundation-model/{model}"


@pytest.fixture
def profile():
    """An application profile of a model; its ARN."""
    bedrock = client("bedrock")
    name = f"profile {uuid.uuid4().hex[:8]}"
    made = bedrock.create_inference_profile(inferenceProfileName=name, description="ours", modelSource={"copyFrom": model_arn()},
                                            tags=[{"key": "team", "value": "a"}])
    assert made["status"] == "ACTIVE" and made["ResponseMetadata"]["HTTPStatusCode"] == 201
    yield made["inferenceProfileArn"]
    bedrock.delete_inference_profile(inferenceProfileIdentifier=made["inferenceProfileArn"])


def converse(model, runtime=None):
    runtime = runtime or client("bedrock-runtime")
    return runtime.converse(modelId=model, messages=[user("Say hi")], inferenceConfig={"maxTokens": 3, "temperature": 0})


def served_by(answer):
    return answer["ResponseMetadata"]["HTTPHeaders"]["x-craton-served-by"]


def test_system_defined_profiles_are_listed():
    pages = client("bedrock").get_paginator("list_inference_profiles").paginate(typeEquals="SYSTEM_DEFINED", PaginationConfig={"PageSize": 20})
    found = {p["inferenceProfileId"]: p for page in pages for p in page["inferenceProfileSummaries"]}
    assert {SYSTEM, "eu." + CLAUDE, "apac." + CLAUDE, "global." + CLAUDE} <= set(found)
    assert found[SYSTEM]["type"] == "SYSTEM_DEFINED" and found[SYSTEM]["status"] == "ACTIVE"
    assert model_arn() in [m["modelArn"] for m in found[SYSTEM]["models"]]
    assert found[SYSTEM]["inferenceProfileArn"].endswith(f":inference-profile/{SYSTEM}")


def test_an_application_profile_is_told_listed_and_deleted(profile):
    bedrock = client("bedrock")
    told = bedrock.get_inference_profile(inferenceProfileIdentifier=profile)
    assert (told["type"], told["description"], told["models"]) == ("APPLICATION", "ours", [{"modelArn": model_arn()}])
    assert told["inferenceProfileArn"] == profile and told["createdAt"] and told["updatedAt"]
    by_id = bedrock.get_inference_profile(inferenceProfileIdentifier=told["inferenceProfileId"])
    assert by_id["inferenceProfileName"] == told["inferenceProfileName"]
    listed = bedrock.list_inference_profiles(typeEquals="APPLICATION")["inferenceProfileSummaries"]
    assert profile in [p["inferenceProfileArn"] for p in listed] and all(p["type"] == "APPLICATION" for p in listed)


def test_a_profile_answers_by_arn_and_by_id_in_every_operation(profile):
    runtime = client("bedrock-runtime")
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 3, "messages": [{"role": "user", "content": "Hi"}]}
    for model in [profile, profile.rsplit("/", 1)[1], SYSTEM]:
        assert converse(model)["usage"]["outputTokens"] <= 3
        assert invoke(model, body)["type"] == "message"
        events = runtime.converse_stream(modelId=model, messages=[user("Hi")], inferenceConfig={"maxTokens": 3})["stream"]
        assert any("messageStop" in event for event in events)
        chunks = runtime.invoke_model_with_response_stream(modelId=model, body=json.dumps(body))["body"]
        assert len(list(chunks)) > 1


def test_a_copy_of_a_system_profile_has_its_models():
    bedrock = client("bedrock")
    account = client("sts").get_caller_identity()["Account"]
    source = f"arn:aws:bedrock:us-east-1:{account}:inference-profile/{SYSTEM}"
    arn = bedrock.create_inference_profile(inferenceProfileName="copy", modelSource={"copyFrom": source})["inferenceProfileArn"]
    system = bedrock.get_inference_profile(inferenceProfileIdentifier=SYSTEM)
    assert bedrock.get_inference_profile(inferenceProfileIdentifier=arn)["models"] == system["models"] and len(system["models"]) == 3
    bedrock.delete_inference_profile(inferenceProfileIdentifier=arn)
    refused(lambda: bedrock.get_inference_profile(inferenceProfileIdentifier=arn), "ResourceNotFoundException", 404)
    refused(lambda: converse(arn), "ResourceNotFoundException", 404)


def test_a_request_token_makes_one_profile():
    bedrock, token = client("bedrock"), uuid.uuid4().hex
    asked = {"inferenceProfileName": "once", "modelSource": {"copyFrom": model_arn()}, "clientRequestToken": token}
    arns = {bedrock.create_inference_profile(**asked)["inferenceProfileArn"] for _ in range(2)}
    assert len(arns) == 1
    refused(lambda: bedrock.create_inference_profile(**{**asked, "inferenceProfileName": "other"}), "ConflictException", 400)
    bedrock.delete_inference_profile(inferenceProfileIdentifier=arns.pop())


def test_wrong_requests_are_refused():
    bedrock = client("bedrock")

    def create(name="x", source=model_arn()):
        return lambda: bedrock.create_inference_profile(inferenceProfileName=name, modelSource={"copyFrom": source})

    refused(create(name="a!"), "ValidationException", 400, "inferenceProfileName")
    refused(create(source=model_arn("acme.none-v1")), "ValidationException", 400)
    refused(create(source="nonsense"), "ValidationException", 400)
    refused(lambda: bedrock.delete_inference_profile(inferenceProfileIdentifier=SYSTEM), "ValidationException", 400, "system-defined")
    refused(lambda: bedrock.delete_inference_profile(inferenceProfileIdentifier="abcdefghijk1"), "ResourceNotFoundException", 404)


def test_tags_of_a_profile(profile):
    bedrock = client("bedrock")
    bedrock.tag_resource(resourceARN=profile, tags=[{"key": "cost", "value": "1"}])
    bedrock.untag_resource(resourceARN=profile, tagKeys=["team"])
    assert bedrock.list_tags_for_resource(resourceARN=profile)["tags"] == [{"key": "cost", "value": "1"}]


def allowed(iam_user, *statements):
    """A runtime client of a user who may do this."""
    name, key, secret = iam_user
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement} for statement in statements]}
    client("iam").put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    return client("bedrock-runtime", key, secret)


@pytest.mark.parametrize("kind", ["system", "application"])
def test_a_profile_needs_permission_for_itself_and_for_its_model(iam_user, profile, kind):
    arn = profile
    if kind == "system":
        arn = client("bedrock").get_inference_profile(inferenceProfileIdentifier=SYSTEM)["inferenceProfileArn"]
    the_profile = {"Action": "bedrock:InvokeModel", "Resource": arn}
    the_model = {"Action": "bedrock:InvokeModel", "Resource": "arn:aws:bedrock:*::foundation-model/*"}
    model = arn.rsplit("/", 1)[1]
    for some in ([the_profile], [the_model]):
        runtime = allowed(iam_user, *some)
        refused(lambda: converse(model, runtime), "AccessDeniedException", 403)
    assert converse(model, allowed(iam_user, the_profile, the_model))["output"]
    only_through = {**the_model, "Condition": {"StringEquals": {"bedrock:InferenceProfileArn": arn}}}
    runtime = allowed(iam_user, the_profile, only_through)
    assert converse(arn, runtime)["output"]
    refused(lambda: converse(CLAUDE, runtime), "AccessDeniedException", 403)
    iam = client("iam")
    iam.delete_user_policy(UserName=iam_user[0], PolicyName="p")


def test_a_profiles_tags_decide_who_uses_it(iam_user, profile):
    tagged = {"Action": "bedrock:InvokeModel", "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/team": "a"}}}
    model = {"Action": "bedrock:InvokeModel", "Resource": "arn:aws:bedrock:*::foundation-model/*"}
    runtime = allowed(iam_user, tagged, model)
    assert converse(profile, runtime)["output"]
    client("bedrock").untag_resource(resourceARN=profile, tagKeys=["team"])
    refused(lambda: converse(profile, runtime), "AccessDeniedException", 403)
    client("iam").delete_user_policy(UserName=iam_user[0], PolicyName="p")


class Upstream(Answering):
    """Says one word, like an OpenAI-compatible server."""

    def do_GET(self):
        self.answer("application/json", b'{"data": []}')

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        chunk = {"choices": [{"delta": {"content": "Remote"}, "finish_reason": "stop"}]}
        usage = {"choices": [], "usage": {"prompt_tokens": 2, "completion_tokens": 1}}
        self.answer("text/event-stream", f"data: {json.dumps(chunk)}\n\ndata: {json.dumps(usage)}\n\ndata: [DONE]\n\n".encode())


@pytest.fixture
def upstream():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()


def craton(method, path, body=None):
    headers = {"content-type": "application/json"} if body is not None else {}
    return signed(method, f"/craton/v1/{path}", "craton", json.dumps(body).encode() if body is not None else b"", headers)


def test_a_routed_profile_fails_over_between_regions(profile, upstream):
    quoted = profile.rsplit("/", 1)[1]
    for name, url in [("gone", "http://127.0.0.1:1/v1"), ("there", upstream)]:
        answer = craton("PUT", f"pools/{name}", {"members": [{"baseUrl": url, "model": "m", "apiKey": "sk-hidden"}]})
        assert answer.status_code == 200 and "sk-hidden" not in answer.text and answer.json()["members"][0]["hasApiKey"]
    targets = [{"region": "east", "target": "pool:gone"}, {"region": "west", "target": "pool:there"}]
    assert craton("PUT", f"inference-profiles/{quoted}/routing", {"targets": targets}).status_code == 200
    answer = converse(profile)
    assert answer["output"]["message"]["content"] == [{"text": "Remote"}]
    assert f"upstream={upstream}; pool=there; profile={quoted}; region=west" in served_by(answer)
    events = list(client("bedrock-runtime").converse_stream(modelId=profile, messages=[user("Hi")])["stream"])
    assert any(event.get("contentBlockDelta", {}).get("delta") == {"text": "Remote"} for event in events)
    local = [targets[0], {"region": "here", "target": "smollm2-135m-instruct"}]
    assert craton("PUT", f"inference-profiles/{quoted}/routing", {"targets": local}).status_code == 200
    assert served_by(converse(profile)).startswith("smollm2-135m-instruct") and "region=here" in served_by(converse(profile))
    members = craton("GET", "pools/gone").json()["members"]
    assert members[0]["healthy"] is False and members[0]["failures"] >= 1
    assert craton("DELETE", f"inference-profiles/{quoted}/routing").status_code == 204
    for name in ["gone", "there"]:
        assert craton("DELETE", f"pools/{name}").status_code == 204


def signed_by(key, secret, method, path, body=None):
    """Craton's own API, asked by the administrator of another account."""
    data = json.dumps(body).encode() if body is not None else b""
    request = AWSRequest(method=method, url=f"{URL}/craton/v1/{path}", data=data, headers={"content-type": "application/json"})
    SigV4Auth(Credentials(key, secret), "craton", REGION).add_auth(request)
    return requests.request(method, request.url, data=data, headers=dict(request.prepare().headers), timeout=120)


def test_another_account_routes_its_profiles_to_the_pools_of_the_first_one(upstream):
    made = craton("POST", "accounts", {}).json()
    key, secret = made["accessKeyId"], made["secretAccessKey"]
    pool = {"members": [{"baseUrl": "http://127.0.0.1:1/v1", "model": "m"}, {"baseUrl": upstream, "model": "m"}]}
    assert craton("PUT", "pools/shared", pool).status_code == 200
    assert signed_by(key, secret, "PUT", "pools/shared", pool).status_code == 403
    assert signed_by(key, secret, "DELETE", "pools/shared").status_code == 403
    bedrock, runtime = client("bedrock", key, secret), client("bedrock-runtime", key, secret)
    theirs = bedrock.create_inference_profile(inferenceProfileName="theirs", modelSource={"copyFrom": model_arn()})["inferenceProfileArn"]
    for profile in [SYSTEM, theirs.rsplit("/", 1)[1]]:
        routing = {"targets": [{"region": "hall", "target": "pool:shared"}]}
        assert signed_by(key, secret, "PUT", f"inference-profiles/{quote(profile, safe='')}/routing", routing).status_code == 200
        answer = converse(profile, runtime)
        assert answer["output"]["message"]["content"] == [{"text": "Remote"}] and "pool=shared" in served_by(answer)
    refused(lambda: converse(theirs), "AccessDeniedException", 403)
    assert "pool=" not in served_by(converse(SYSTEM))
    own = client("bedrock").list_inference_profiles(typeEquals="APPLICATION")["inferenceProfileSummaries"]
    assert theirs not in [p["inferenceProfileArn"] for p in own]
    seen = signed_by(key, secret, "GET", "pools/shared").json()
    assert not seen["managed"] and seen["members"][1]["requests"] is None
    assert craton("GET", "pools/shared").json()["members"][1]["requests"] >= 2
    assert craton("DELETE", "pools/shared").status_code == 204


def test_an_alias_of_a_pool_answers(upstream):
    assert craton("PUT", "pools/chat", {"members": [{"baseUrl": "http://127.0.0.1:1/v1", "model": "m"},
                                                    {"baseUrl": upstream, "model": "m"}]}).status_code == 200
    assert craton("PUT", "aliases/my.pooled-model", {"pool": "chat"}).json()["pool"] == "chat"
    for _ in range(5):
        assert converse("my.pooled-model")["output"]["message"]["content"] == [{"text": "Remote"}]
    assert craton("DELETE", "pools/chat").status_code == 409
    assert craton("DELETE", "aliases/my.pooled-model").status_code == 204
    assert craton("DELETE", "pools/chat").status_code == 204
