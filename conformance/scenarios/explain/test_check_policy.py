"""Policies are checked before they are set, as they are when they are set."""

import json
import os
import subprocess

import pytest

from conftest import client, refused, signed

GOOD = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}]}


def validate(document, **more):
    body = json.dumps({"policyDocument": document if isinstance(document, str) else json.dumps(document)} | more)
    answer = signed("POST", "/craton/v1/policies/validate", "craton", body.encode(), {"content-type": "application/json"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def with_statement(**changes):
    return GOOD | {"Statement": [{name: value for name, value in (GOOD["Statement"][0] | changes).items() if value is not None}]}


def test_a_good_policy_has_no_findings():
    assert validate(GOOD) == {"valid": True, "findings": []}


@pytest.mark.parametrize("changes", [
    {"Effect": "Maybe"}, {"Action": "GetObject"}, {"Action": None}, {"Resource": "b/*"}, {"Principal": "*"}, {"Colour": "red"},
    {"Condition": {"StringEqual": {"aws:username": "ada"}}}, {"Condition": {"DateLessThan": {"aws:CurrentTime": "soon"}}},
])
def test_it_says_what_setting_the_policy_would_say(changes):
    document = with_statement(**changes)
    answer = validate(document)
    [finding] = answer["findings"]
    assert not answer["valid"] and finding["severity"] == "error" and finding["line"] == 1, finding
    refused(lambda: client("iam").create_policy(PolicyName="never-made", PolicyDocument=json.dumps(document)), finding["code"], 400,
            finding["message"])


def test_the_place_is_that_of_the_text():
    text = '{\n  "Version": "2012-10-17",\n  "Statement": {\n    "Effect": "Allow",\n    "Action": "GetObject",\n    "Resource": "*"\n  }\n}'
    [finding] = validate(text)["findings"]
    assert (finding["line"], finding["column"]) == (5, 15)
    [finding] = validate(text.replace(',\n    "Resource"', '\n    "Resource"'))["findings"]
    assert finding["line"] == 6 and "not a JSON object" in finding["hint"]


def test_each_type_has_its_rules():
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "bedrock.amazonaws.com"}}]}
    assert validate(trust, type="trust")["valid"]
    assert not validate(trust, type="identity")["valid"] and not validate(GOOD, type="trust")["valid"]
    nobody = trust | {"Statement": [trust["Statement"][0] | {"Principal": {"AWS": "arn:aws:iam::111122223333:user/nobody"}}]}
    [finding] = validate(nobody, type="trust")["findings"]
    assert finding["message"].startswith("Invalid principal in policy") and "no such user or role" in finding["hint"]
    body = json.dumps({"policyDocument": "{}", "type": "cake"}).encode()
    answer = signed("POST", "/craton/v1/policies/validate", "craton", body, {"content-type": "application/json"})
    assert answer.status_code == 400 and "identity, inline-user" in answer.json()["error"]["hint"]


def test_what_was_hardly_meant_is_warned_of():
    [finding] = validate(with_statement(Action="s3:GetObjects"))["findings"]
    assert (finding["severity"], finding["hint"]) == ("warning", "Did you mean `s3:GetObject`?")
    answer = validate(with_statement(Resource="arn:aws:s3:::b"))
    assert answer["valid"] and "add `arn:aws:s3:::b/*`" in answer["findings"][0]["hint"]


def test_the_command_fails_where_the_policy_would_be_refused(tmp_path):
    def check(text, *arguments):
        (tmp_path / "policy.json").write_text(text)
        return subprocess.run([os.environ["CRATON_BIN"], "iam", "check-policy", "policy.json", *arguments], capture_output=True, text=True, cwd=tmp_path)

    done = check(json.dumps(GOOD))
    assert (done.returncode, done.stdout) == (0, "policy.json: nothing is wrong\n"), done
    done = check(json.dumps(with_statement(Action="GetObject"), indent=1))
    assert done.returncode == 1 and done.stdout.startswith("policy.json:6:") and "error: MalformedPolicyDocument: " in done.stdout
    assert "hint: `GetObject` has no colon" in done.stdout and done.stderr == "error: `policy.json` would be refused\n"
    done = check("{}", "--type", "bucket", "--output", "json")
    assert done.returncode == 1 and not json.loads(done.stdout)["valid"]
    done = subprocess.run([os.environ["CRATON_BIN"], "iam", "check-policy", "-"], input=json.dumps(GOOD), capture_output=True, text=True)
    assert done.stdout == "standard input: nothing is wrong\n"
