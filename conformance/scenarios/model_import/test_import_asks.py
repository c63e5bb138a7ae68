"""What operations on imports ask of their caller's policies: on one name of each thing, on every tag, and before anything else."""

from urllib.parse import quote

from checkpoints import checkpoint
from conftest import REGION, refused
from import_estate import HOST, estate, member

ALLOW = {"Effect": "Allow", "Action": ["bedrock:*", "craton:*"], "Resource": "*"}


def tags(**pairs):
    return [{"key": key, "value": value} for key, value in pairs.items()]


def deny(action, resource):
    return {"Effect": "Deny", "Action": action, "Resource": resource}


def hands(estate):
    return {"Effect": "Allow", "Action": "iam:PassRole", "Resource": estate.role_arn}


def test_tags_are_asked_on_the_arn_that_policies_name(estate, member):
    job = estate.upload(checkpoint()).completed()
    member.may(ALLOW, deny("bedrock:*Tag*", ["arn:aws:bedrock:*:*:imported-model/*", "arn:aws:bedrock:*:*:model-import-job/*"]))
    for own in (job["importedModelArn"], job["jobArn"]):
        for sent in (own, own.replace("arn:aws:", "arn:aws-x:")):
            refused(lambda: member.bedrock.tag_resource(resourceARN=sent, tags=tags(team="mine")), "AccessDeniedException", 403, own)
            refused(lambda: member.bedrock.untag_resource(resourceARN=sent, tagKeys=["team"]), "AccessDeniedException", 403, own)
            refused(lambda: member.bedrock.list_tags_for_resource(resourceARN=sent), "AccessDeniedException", 403, own)
        other = own.replace("arn:aws:", "arn:aws-x:")
        refused(lambda: estate.bedrock.tag_resource(resourceARN=other, tags=tags(team="mine")), "ResourceNotFoundException", 404)
        assert estate.bedrock.list_tags_for_resource(resourceARN=own)["tags"] == []


def test_each_list_of_tags_of_a_new_import_is_asked_about(estate, member):
    estate.upload(checkpoint())
    wanted = {"StringEquals": {"aws:RequestTag/team": "a"}}
    member.may(ALLOW | {"Condition": wanted}, hands(estate))
    for job, model in (("b", "a"), ("a", "b")):
        refused(lambda: estate.ask(member.bedrock, jobTags=tags(team=job), importedModelTags=tags(team=model)), "AccessDeniedException", 403)
    refused(lambda: estate.ask(member.bedrock), "AccessDeniedException", 403)
    estate.ended(estate.ask(member.bedrock, jobTags=tags(team="a"), importedModelTags=tags(team="a"))[0])
    for kind, argument in (("imported-model", "importedModelTags"), ("model-import-job", "jobTags")):
        member.may(ALLOW, hands(estate), deny("bedrock:TagResource", f"arn:aws:bedrock:*:*:{kind}/*"))
        error = refused(lambda: estate.ask(member.bedrock, **{argument: tags(team="a")}), "AccessDeniedException", 403, "bedrock:TagResource")
        assert f"arn:aws:bedrock:{REGION}:{HOST}:{kind}/*" in error["Error"]["Message"]


def test_more_tags_than_a_resource_has_are_an_exception_of_their_own(estate):
    model = estate.upload(checkpoint()).completed()["importedModelArn"]
    estate.bedrock.tag_resource(resourceARN=model, tags=tags(**{f"k{at}": "v" for at in range(200)}))
    refused(lambda: estate.bedrock.tag_resource(resourceARN=model, tags=tags(more="v")), "TooManyTagsException", 400)
    estate.bedrock.tag_resource(resourceARN=model, tags=tags(k0="w"))


def test_whatever_a_job_or_a_model_is_named_by_it_is_one_resource(estate, member):
    job = estate.upload(checkpoint()).completed()
    for path, kind, arn, name in (("imports", "import", job["jobArn"], job["jobName"]),
                                  ("imported-models", "imported-model", job["importedModelArn"], job["importedModelName"])):
        own = arn.split("/")[1]
        paths = [f"/{path}/{quote(named, safe='')}" for named in (own, name, arn)]
        member.may(ALLOW)
        assert {estate.craton("GET", place, keys=member.keys).status_code for place in paths} == {200}
        member.may(ALLOW, deny("craton:*", f"arn:aws:craton:{REGION}:{HOST}:{kind}/{own}"))
        assert {estate.craton("GET", place, keys=member.keys).status_code for place in paths} == {403}, paths


def test_a_check_by_one_who_may_not_pass_the_role_ends_there(estate, member):
    estate.upload(checkpoint())
    key = estate.model_key()
    estate.let_role(estate.reads(), estate.uses(key))
    asked = {"roleArn": estate.role_arn, "s3Uri": estate.uri(), "kmsKeyId": key}
    assert estate.craton("POST", "/imports/check", asked).json()["passes"] is True
    for statements in ([ALLOW], [ALLOW, hands(estate) | {"Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}}]):
        member.may(*statements)
        told = estate.craton("POST", "/imports/check", asked, keys=member.keys).json()
        assert [step["outcome"] for step in told["checks"]] == ["failed"] + ["skipped"] * 5, told
        assert "iam:PassRole" in told["checks"][0]["message"] and told["checks"][0]["requestId"]
        assert (told["passes"], told["report"], told["model"]) == (False, None, None)
    member.may(ALLOW, hands(estate))
    assert estate.craton("POST", "/imports/check", asked, keys=member.keys).json()["passes"] is True
