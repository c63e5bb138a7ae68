"""Tags of evaluation jobs: given when a job is made, added, replaced and taken, and what policies say of them."""

import json
import re

import pytest
from conftest import client, refused
from evaluation_estate import RAG, Evaluator, own_rag


@pytest.fixture(scope="module")
def evaluator():
    evaluator = Evaluator()
    yield evaluator
    evaluator.close()


def tags(**pairs):
    return [{"key": key, "value": value} for key, value in pairs.items()]


def created(evaluator, **more):
    request = evaluator.request([own_rag("A moderate hiatal hernia.")], ["Craton.RougeL"], RAG) | more
    arn = evaluator.bedrock.create_evaluation_job(**request)["jobArn"]
    evaluator.ended(arn)
    return arn


def of(evaluator, arn):
    return evaluator.bedrock.list_tags_for_resource(resourceARN=arn)["tags"]


def test_tags_are_given_replaced_and_taken(evaluator):
    arn = created(evaluator, jobTags=tags(team="chest", cost="1"))
    assert of(evaluator, arn) == tags(team="chest", cost="1")
    evaluator.bedrock.tag_resource(resourceARN=arn, tags=tags(team="head", more="v"))
    assert of(evaluator, arn) == tags(cost="1", team="head", more="v")
    evaluator.bedrock.untag_resource(resourceARN=arn, tagKeys=["cost", "more"])
    assert of(evaluator, arn) == tags(team="head")
    assert of(evaluator, created(evaluator)) == []


def test_what_is_wrong_with_tags_is_told(evaluator):
    arn = created(evaluator)
    bedrock = evaluator.bedrock
    twice = [{"key": "k", "value": "1"}, {"key": "k", "value": "2"}]
    refused(lambda: bedrock.tag_resource(resourceARN=arn, tags=twice), "ValidationException", 400, "`k`")
    refused(lambda: created(evaluator, jobTags=twice), "ValidationException", 400, "`k`")
    bedrock.tag_resource(resourceARN=arn, tags=tags(**{f"k{at}": "v" for at in range(200)}))
    refused(lambda: bedrock.tag_resource(resourceARN=arn, tags=tags(more="v")), "TooManyTagsException", 400)
    missing = re.sub(r"[a-z0-9]{12}$", "zzzzzzzzzzzz", arn)
    for call in (lambda: of(evaluator, missing), lambda: bedrock.tag_resource(resourceARN=missing, tags=tags(a="b")),
                 lambda: bedrock.untag_resource(resourceARN=missing, tagKeys=["a"])):
        refused(call, "ResourceNotFoundException", 404, missing)


def test_policies_decide_on_the_job_and_its_tags(evaluator, iam_user):
    name, key, secret = iam_user
    theirs = client("bedrock", key, secret)
    arn = created(evaluator, jobTags=tags(team="chest"))
    may = lambda *statements: evaluator.iam.put_user_policy(
        UserName=name, PolicyName="tags", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    calls = {"ListTagsForResource": lambda: theirs.list_tags_for_resource(resourceARN=arn),
             "TagResource": lambda: theirs.tag_resource(resourceARN=arn, tags=tags(more="v")),
             "UntagResource": lambda: theirs.untag_resource(resourceARN=arn, tagKeys=["more"])}
    try:
        for action, call in calls.items():
            may({"Effect": "Allow", "Action": "bedrock:GetEvaluationJob", "Resource": "*"})
            refused(call, "AccessDeniedException", 403, f"bedrock:{action}", arn)
            may({"Effect": "Allow", "Action": f"bedrock:{action}", "Resource": arn})
            call()
        allowed = {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}
        may(allowed | {"Condition": {"StringEquals": {"aws:ResourceTag/team": "chest"}}})
        assert theirs.list_tags_for_resource(resourceARN=arn)["tags"] == tags(team="chest")
        evaluator.bedrock.tag_resource(resourceARN=arn, tags=tags(team="head"))
        refused(calls["ListTagsForResource"], "AccessDeniedException", 403)
    finally:
        evaluator.iam.delete_user_policy(UserName=name, PolicyName="tags")
