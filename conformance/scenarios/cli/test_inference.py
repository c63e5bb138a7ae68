"""What models do, by the command line: generation controls, scores, profiles, batches, unloading."""

import json
import os
import re
import subprocess
import uuid

import pytest
from conftest import CLAUDE, REGION, client, empty_bucket

MODEL = "smollm2-135m-instruct"
SYSTEM = "us." + CLAUDE


def craton(*arguments):
    return subprocess.run([os.environ["CRATON_BIN"], *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600)


def done(*arguments):
    ran = craton(*arguments)
    assert ran.returncode == 0, (arguments, ran.stderr)
    return ran.stdout


def answer(*options):
    return json.loads(done("chat", "--model", MODEL, "--output", "json", "--temperature", "0", "--max-tokens", "24", *options))


def test_an_answer_has_the_form_that_was_asked_for(tmp_path):
    assert answer("--choice", "granite", "--choice", "basalt", "Name a rock.")["text"] in ("granite", "basalt")
    assert re.fullmatch("[0-9]{4}", answer("--regex", "[0-9]{4}", "Name a year.")["text"])
    grammar = tmp_path / "answer.lark"
    grammar.write_text('start: "yes" | "no"')
    assert answer("--grammar", f"@{grammar}", "Is granite a rock?")["text"] in ("yes", "no")
    schema = tmp_path / "n.json"
    schema.write_text(json.dumps({"type": "object", "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 9}},
                                  "required": ["n"], "additionalProperties": False}))
    assert 0 <= json.loads(answer("--schema", f"@{schema}", "How many moons has the Earth?")["text"])["n"] <= 9
    both = craton("chat", "--regex", "a", "--choice", "b", "Hi")
    assert both.returncode == 2 and "cannot be used with" in both.stderr


def test_repetition_priority_and_determinism_are_asked_for():
    controls = ("--no-repeat-ngram", "2", "--no-repeat-ngram-scope", "output", "--priority", "high", "--deterministic")
    told = answer(*controls, "Say one two one two one two one two.")
    words = told["text"].split()
    assert told["text"] and answer(*controls, "Say one two one two one two one two.")["text"] == told["text"], words
    looped = answer("--loop-detection=repeats=2,min_tokens=1", "--regex", "(no ){60}", "Say no.")
    assert looped["stopReason"] == "loop", looped
    refused = craton("chat", "--model", MODEL, "--no-repeat-ngram", "300", "Hi")
    assert refused.returncode == 1 and "no_repeat_ngram_size" in refused.stderr, refused.stderr


def test_a_cache_point_and_the_tokens_of_a_prompt_are_told():
    rules = "Answer as a geologist. " + "Name the rock, its minerals and where it is found. " * 20
    asked = ("--system", rules, "--cache-point", "system")
    answer(*asked, "What is granite?")
    again = answer(*asked, "What is basalt?")
    assert again["usage"]["cacheReadInputTokens"] > 100, again
    counted = json.loads(done("chat", "--model", MODEL, "--output", "json", "--count-tokens", "--system", rules, "What is basalt?"))
    assert counted["inputTokens"] == again["usage"]["totalTokens"] - again["usage"]["outputTokens"]


def test_scores_take_a_priority_and_are_deterministic():
    asked = ("score", MODEL, "--prompt", "The capital of France is", "--priority", "low", "--deterministic", "--output", "json", " Paris", " Rome")
    first = json.loads(done(*asked))
    assert json.loads(done(*asked))["scores"] == first["scores"]


def test_a_model_is_unloaded_and_loads_again():
    answer("Hi")
    assert done("models", "unload", MODEL) == f"unloaded {MODEL}\n"
    status = json.loads(done("status", "--output", "json"))
    assert MODEL not in [model["name"] for model in status["loaded"]]
    again = craton("models", "unload", MODEL)
    assert again.returncode == 1 and MODEL in again.stderr
    answer("Hi")
    status = json.loads(done("status", "--output", "json"))
    assert status["loading"]["batching"] == "continuous"
    assert [model["loadedWith"]["parallel"] for model in status["loaded"] if model["name"] == MODEL] == [status["loading"]["parallel"]]
    assert "requests side by side" in done("status")


def test_an_application_profile_is_made_routed_shown_and_deleted():
    arn = done("models", "profile", "create", "rocks", "--from", SYSTEM, "--description", "of rocks", "--tag", "team=a").strip()
    assert ":application-inference-profile/" in arn
    profile = arn.rsplit("/", 1)[1]
    assert client("bedrock").list_tags_for_resource(resourceARN=arn)["tags"] == [{"key": "team", "value": "a"}]
    done("models", "profile", "route", profile, "--to", f"here={MODEL}", "--to", "nowhere=all-minilm-l6-v2")
    shown = done("models", "profile", "show", profile)
    assert "about" in shown and "of rocks" in shown and "team=a" in shown and "ready" in shown and MODEL in shown
    listed = json.loads(done("models", "profile", "list", "--output", "json"))["items"]
    target = next(one for one in listed if one["id"] == profile)["routing"]["targets"][0]
    assert target["state"] == {"readiness": "ready", "answers": MODEL, "detail": None}
    assert json.loads(done("chat", "--model", profile, "--output", "json", "--max-tokens", "4", "Hi"))["servedBy"].startswith(MODEL)
    done("models", "profile", "delete", profile)
    gone = craton("models", "profile", "show", profile)
    assert gone.returncode == 1 and "could not be found" in gone.stderr
    of_model = done("models", "profile", "create", "plain", "--from", CLAUDE).strip()
    assert client("bedrock").get_inference_profile(inferenceProfileIdentifier=of_model)["models"][0]["modelArn"].endswith(CLAUDE)
    done("models", "profile", "delete", of_model)
    nothing = craton("models", "profile", "create", "none", "--from", "acme.none-v1")
    assert nothing.returncode == 1, nothing.stdout


@pytest.fixture
def batcher():
    """A bucket with records of which one is wrong, and a role that may use it."""
    tag, iam, s3 = uuid.uuid4().hex[:8], client("iam"), client("s3")
    account = client("sts").get_caller_identity()["Account"]
    bucket, role = f"batches-{tag}", f"Batcher-{tag}"
    s3.create_bucket(Bucket=bucket)
    trust = {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}
    rights = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
              "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}
    document = lambda statement: json.dumps({"Version": "2012-10-17", "Statement": [statement]})  # noqa: E731
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=document(trust))
    iam.put_role_policy(RoleName=role, PolicyName="batch", PolicyDocument=document(rights))
    good = {"recordId": "good", "modelInput": {"messages": [{"role": "user", "content": [{"text": "Hi"}]}], "inferenceConfig": {"maxTokens": 4}}}
    bad = {"recordId": "bad", "modelInput": {"messages": []}}
    s3.put_object(Bucket=bucket, Key="in/calls.jsonl", Body="".join(json.dumps(record) + "\n" for record in (good, bad)).encode())
    yield bucket, f"arn:aws:iam::{account}:role/{role}", account
    iam.delete_role_policy(RoleName=role, PolicyName="batch")
    iam.delete_role(RoleName=role)
    empty_bucket(s3, bucket)


def test_a_batch_is_made_with_all_its_options_listed_and_its_errors_had_alone(batcher, tmp_path):
    bucket, role, account = batcher
    name = f"rocks-{uuid.uuid4().hex[:8]}"
    ran = craton("batch", "create", "--model", CLAUDE, "--from", f"s3://{bucket}/in/", "--to", f"s3://{bucket}/out/", "--role-arn", role,
                 "--type", "Converse", "--name", name, "--timeout", "48", "--tag", "team=a", "--from-owner", account, "--to-owner", account,
                 "--request-token", name, "--wait", "--output", "json")
    assert ran.returncode == 0, ran.stderr
    batch = json.loads(ran.stdout)
    assert (batch["status"], batch["successRecordCount"], batch["errorRecordCount"]) == ("Completed", 1, 1)
    job = batch["jobId"]
    assert client("bedrock").get_model_invocation_job(jobIdentifier=batch["jobArn"])["timeoutDurationInHours"] == 48
    assert client("bedrock").list_tags_for_resource(resourceARN=batch["jobArn"])["tags"] == [{"key": "team", "value": "a"}]
    listed = json.loads(done("batch", "list", "--name", name, "--status", "Completed", "--after", "2020-01-01", "--oldest-first", "--output", "json"))
    assert [one["jobName"] for one in listed["items"]] == [name]
    assert not json.loads(done("batch", "list", "--name", name, "--before", "2020-01-01T00:00:00Z", "--output", "json"))["items"]
    errors = [json.loads(line) for line in done("batch", "results", job, "--errors").splitlines()]
    assert [one["recordId"] for one in errors] == ["bad"] and errors[0]["error"]["errorCode"] == 400
    done("batch", "results", job, "--to", str(tmp_path))
    assert len((tmp_path / "calls.jsonl.out").read_text().splitlines()) == 2
    assert "calls.jsonl:2  400" in done("batch", "status", job)
    assert REGION in batch["jobArn"]
