import os
import uuid

from conftest import client, refused


def test_users_are_made_listed_and_deleted():
    iam = client("iam")
    name = f"user-{uuid.uuid4().hex[:8]}"
    made = iam.create_user(UserName=name, Path="/team/")["User"]
    assert made["Arn"].endswith(f":user/team/{name}") and made["UserId"].startswith("AIDA")
    refused(lambda: iam.create_user(UserName=name), "EntityAlreadyExists", 409, name)
    assert iam.get_user(UserName=name)["User"]["CreateDate"] == made["CreateDate"]
    assert name in {u["UserName"] for page in iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 1})
                    for u in page["Users"]}
    assert [u["UserName"] for u in iam.list_users(PathPrefix="/team/")["Users"]] == [name]
    iam.delete_user(UserName=name)
    refused(lambda: iam.get_user(UserName=name), "NoSuchEntity", 404, name)
    refused(lambda: iam.delete_user(UserName=name), "NoSuchEntity", 404, name)


def test_names_are_checked():
    refused(lambda: client("iam").create_user(UserName="a b"), "ValidationError", 400, "userName")
    refused(lambda: client("iam").create_user(UserName="x" * 65), "ValidationError", 400)


def test_a_new_key_works_until_it_is_inactive_or_deleted(iam_user):
    name, key, secret = iam_user
    iam, sts = client("iam"), client("sts", key, secret)
    assert sts.get_caller_identity()["Arn"].endswith(f":user/{name}")
    iam.update_access_key(UserName=name, AccessKeyId=key, Status="Inactive")
    refused(sts.get_caller_identity, "InvalidClientTokenId", 403)
    iam.update_access_key(UserName=name, AccessKeyId=key, Status="Active")
    assert sts.get_caller_identity()
    refused(lambda: iam.delete_user(UserName=name), "DeleteConflict", 409)
    second = iam.create_access_key(UserName=name)["AccessKey"]
    refused(lambda: iam.create_access_key(UserName=name), "LimitExceeded", 409, "AccessKeysPerUser")
    iam.delete_access_key(UserName=name, AccessKeyId=second["AccessKeyId"])
    iam.delete_access_key(UserName=name, AccessKeyId=key)
    refused(sts.get_caller_identity, "InvalidClientTokenId", 403)


def test_a_user_without_permissions_is_denied_by_name(iam_user):
    name, key, secret = iam_user
    refused(lambda: client("iam", key, secret).list_users(), "AccessDenied", 403, f"user/{name}", "iam:ListUsers")
    refused(lambda: client("bedrock", key, secret).list_foundation_models(), "AccessDeniedException", 403,
            "is not authorized to perform: bedrock:ListFoundationModels")
    runtime = client("bedrock-runtime", key, secret)
    refused(lambda: runtime.invoke_model(modelId="anthropic.claude-3-haiku-20240307-v1:0", body="{}"),
            "AccessDeniedException", 403, "bedrock:InvokeModel")


def test_another_accounts_users_and_keys_are_as_if_absent(iam_user):
    name, key, _ = iam_user
    other = client("iam", os.environ["CONF_DEV_ACCESS_KEY_ID"], os.environ["CONF_DEV_SECRET_ACCESS_KEY"])
    refused(lambda: other.get_user(UserName=name), "NoSuchEntity", 404)
    refused(lambda: other.delete_access_key(UserName=name, AccessKeyId=key), "NoSuchEntity", 404)
    assert name not in {user["UserName"] for user in other.list_users()["Users"]}


def test_an_operation_that_is_not_built_says_so():
    refused(lambda: client("iam").list_ssh_public_keys(), "NotImplemented", 501, "ListSSHPublicKeys")
