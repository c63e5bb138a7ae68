"""`craton import`, from a folder to a model of another account that answers."""

import json
import os
import subprocess
import uuid

import pytest

import checkpoint
from conftest import client, empty_bucket, user

RESEARCH, HOST = "111122223333", "777788889999"
PREFIX = "weights/"


def research(service):
    return client(service, os.environ["CONF_DEV_ACCESS_KEY_ID"], os.environ["CONF_DEV_SECRET_ACCESS_KEY"])


def host(service):
    return client(service, os.environ["CONF_HOST_ACCESS_KEY_ID"], os.environ["CONF_HOST_SECRET_ACCESS_KEY"])


def craton(*arguments, check=True, account=HOST):
    command = [os.environ["CRATON_BIN"], "import", *arguments, "--account", account]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert not check or done.returncode == 0, done.stderr
    return done


def craton_json(*arguments, **options):
    return json.loads(craton(*arguments, "--output", "json", **options).stdout)


@pytest.fixture
def source():
    """A bucket of the research account with a checkpoint in it: its name."""
    s3, name = research("s3"), f"import-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    for file, content in checkpoint.files().items():
        s3.put_object(Bucket=name, Key=PREFIX + file, Body=content)
    yield name
    empty_bucket(s3, name)


@pytest.fixture
def role():
    """A role's name in the hosting account, for a role that a scenario makes; gone afterwards."""
    iam, name = host("iam"), f"importer-{uuid.uuid4().hex[:8]}"
    yield name
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)


def put(policies, kind, bucket, role):
    """Sets one of the policies that `craton import policies` printed."""
    document = next(json.dumps(policy["document"]) for policy in policies if policy["kind"] == kind)
    if kind == "bucket-policy":
        research("s3").put_bucket_policy(Bucket=bucket, Policy=document)
    elif kind == "trust-policy":
        host("iam").create_role(RoleName=role, AssumeRolePolicyDocument=document)
    else:
        host("iam").put_role_policy(RoleName=role, PolicyName="reads", PolicyDocument=document)


def test_a_folder_is_examined_without_a_server(tmp_path):
    for name, content in checkpoint.files().items():
        (tmp_path / name).write_bytes(content)
    done = craton("doctor", str(tmp_path))
    assert "nothing stands in the way" in done.stdout and "mistral (MistralForCausalLM)" in done.stdout
    assert all(name in done.stdout for name in ("F16", "Q8_0", "Q4_K_M"))
    (tmp_path / "tokenizer.json").unlink()
    broken = craton("doctor", str(tmp_path), check=False)
    assert broken.returncode == 1 and "tokenizer.json: " in broken.stdout and "fix: " in broken.stdout


def test_from_policies_to_an_answer(source, role):
    arn, uri = f"arn:aws:iam::{HOST}:role/{role}", f"s3://{source}/{PREFIX}"
    model, place = f"cli-{uuid.uuid4().hex[:8]}", ("--from", uri, "--role-arn", arn)
    policies = craton_json("policies", *place, "--source-account", RESEARCH)["policies"]
    assert {(policy["account"], policy["side"]) for policy in policies} == {(RESEARCH, "source"), (HOST, "host")}
    for kind in ("trust-policy", "role-policy"):
        put(policies, kind, source, role)

    # The bucket's side is missing: the checks say so, and nothing is started.
    refused = craton("create", "--model-name", model, *place, check=False)
    assert refused.returncode == 1 and "FAILED" in refused.stderr
    assert f"Amazon Bedrock does not have access to the S3 location (s3://{source}/weights)" in refused.stderr
    assert model not in craton("list").stdout
    # The check that failed is explained, with a token for the other side.
    checks = craton_json("doctor", uri, "--role-arn", arn, check=False)["checks"]
    failed = next(check for check in checks if check["outcome"] == "failed")
    assert failed["name"] == "list"
    explained = subprocess.run([os.environ["CRATON_BIN"], "iam", "explain", failed["requestId"], "--account", HOST, "--output", "json"],
                               capture_output=True, text=True, timeout=60)
    sides = json.loads(explained.stdout)["otherSides"]
    assert [side["accountId"] for side in sides] == [RESEARCH] and sides[0]["token"], sides
    # Unasked, it is started and fails with the same words.
    failed = craton("create", "--model-name", model, *place, "--skip-checks", check=False)
    assert failed.returncode == 1 and "Update the permissions and try again" in failed.stderr

    put(policies, "bucket-policy", source, role)
    examined = craton_json("doctor", uri, "--role-arn", arn)
    assert examined["passes"] and [size["quantization"] for size in examined["sizes"]] == ["F16", "Q8_0", "Q4_K_M"]
    assert all(size["memoryBytes"] > size["bytes"] > 0 for size in examined["sizes"])
    job = f"{model}-job"
    done = craton_json("create", "--model-name", model, *place, "--job-name", job, "--quantization", "Q8_0", "--bound", "none",
                       "--tag", "team=hosting", "--model-tag", "kept=no")
    assert done["status"] == "Completed" and done["quantization"] == "Q8_0"

    assert "Completed" in craton("status", job, "--watch").stdout
    assert job in craton("list", "--status", "Completed").stdout
    card = craton_json("models", model)
    assert card["card"]["quantization"] == "Q8_0" and card["card"]["quality"]["perplexity"] > 1 and card["tags"] == {"kept": "no"}
    assert model in craton("models").stdout and "perplexity" in craton("models", model).stdout
    answer = host("bedrock-runtime").converse(modelId=model, messages=[user("Hi")], inferenceConfig={"maxTokens": 4})
    assert answer["usage"]["outputTokens"] <= 4

    again = craton("create", "--model-name", model, *place, check=False)
    assert again.returncode == 1 and again.stderr.splitlines()[-1].startswith(("error: ", "hint: "))
    unsure = craton("delete", model, check=False)
    assert unsure.returncode == 1 and "--yes" in unsure.stderr
    craton("delete", model, "--yes")
    assert craton("models", model, check=False).returncode == 1


def test_a_job_that_has_ended_is_not_cancelled(source, role):
    arn, uri = f"arn:aws:iam::{HOST}:role/{role}", f"s3://{source}/{PREFIX}"
    policies = craton_json("policies", "--from", uri, "--role-arn", arn, "--source-account", RESEARCH)["policies"]
    put(policies, "trust-policy", source, role)
    job = f"job-{uuid.uuid4().hex[:8]}"
    started = craton("create", "--model-name", job, "--job-name", job, "--from", uri, "--role-arn", arn, "--skip-checks", "--no-wait")
    assert started.stdout.startswith("arn:aws:bedrock:") and job in started.stderr
    watched = craton("status", job, "--watch", check=False)
    assert watched.returncode == 1 and "Failed" in watched.stdout and "Update the permissions" in watched.stderr
    ended = craton("cancel", job, check=False)
    assert ended.returncode == 1 and "Failed" in ended.stderr
