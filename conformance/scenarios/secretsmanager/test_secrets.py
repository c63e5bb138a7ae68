"""Secrets over boto3: the happy paths, what is refused, and secrets of another account."""

import json
import os
import uuid

import pytest

from conftest import client, refused

DELETED = "You can't perform this operation on the secret because it was marked for deletion."
MISSING = "Secrets Manager can't find the specified secret."


@pytest.fixture
def secret():
    sm = client("secretsmanager")
    name = f"app/{uuid.uuid4().hex[:8]}"
    made = sm.create_secret(Name=name, SecretString="one", Description="scenario", Tags=[{"Key": "team", "Value": "search"}])
    yield made
    sm.delete_secret(SecretId=made["ARN"], ForceDeleteWithoutRecovery=True)


def dev(service="secretsmanager"):
    return client(service, os.environ["CONF_DEV_ACCESS_KEY_ID"], os.environ["CONF_DEV_SECRET_ACCESS_KEY"])


def host(service="secretsmanager"):
    return client(service, os.environ["CONF_HOST_ACCESS_KEY_ID"], os.environ["CONF_HOST_SECRET_ACCESS_KEY"])


def open_to(*principals):
    return json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]})


def test_a_secret_is_read_by_name_and_arn(secret):
    sm = client("secretsmanager")
    suffix = secret["ARN"].rsplit(secret["Name"], 1)[1]
    assert len(suffix) == 7 and suffix[0] == "-"
    for name in secret["Name"], secret["ARN"], secret["ARN"][:-7]:
        got = sm.get_secret_value(SecretId=name)
        assert (got["SecretString"], got["VersionStages"], got["VersionId"]) == ("one", ["AWSCURRENT"], secret["VersionId"])
        assert got["ARN"] == secret["ARN"] and got["Name"] == secret["Name"] and "SecretBinary" not in got
    described = sm.describe_secret(SecretId=secret["Name"])
    assert described["Description"] == "scenario" and described["Tags"] == [{"Key": "team", "Value": "search"}]
    assert described["VersionIdsToStages"] == {secret["VersionId"]: ["AWSCURRENT"]} and described["LastAccessedDate"]
    refused(lambda: sm.get_secret_value(SecretId="none"), "ResourceNotFoundException", 400, MISSING)
    refused(lambda: sm.describe_secret(SecretId="none"), "ResourceNotFoundException", 400, MISSING)
    binary = sm.create_secret(Name=f"{secret['Name']}/binary", SecretBinary=b"\x00\xff")
    assert sm.get_secret_value(SecretId=binary["ARN"])["SecretBinary"] == b"\x00\xff"
    sm.delete_secret(SecretId=binary["ARN"], ForceDeleteWithoutRecovery=True)


def test_a_secret_is_made_once(secret):
    sm = client("secretsmanager")
    refused(lambda: sm.create_secret(Name=secret["Name"], SecretString="x"), "ResourceExistsException", 400,
            f"The operation failed because the secret {secret['Name']} already exists.")
    name, token = f"app/{uuid.uuid4().hex[:8]}", str(uuid.uuid4())
    first = sm.create_secret(Name=name, ClientRequestToken=token, SecretString="x")
    assert sm.create_secret(Name=name, ClientRequestToken=token, SecretString="x")["ARN"] == first["ARN"]
    in_use = f"You can't use ClientRequestToken {token} because that value is already in use for a version of secret {first['ARN']}."
    for change in (lambda: sm.create_secret(Name=name, ClientRequestToken=token, SecretString="y"),
                   lambda: sm.put_secret_value(SecretId=name, ClientRequestToken=token, SecretString="y"),
                   lambda: sm.update_secret(SecretId=name, ClientRequestToken=token, SecretString="y")):
        refused(change, "ResourceExistsException", 400, in_use)
    assert "Tags" not in sm.describe_secret(SecretId=name)
    sm.tag_resource(SecretId=name, Tags=[{"Key": "gone", "Value": ""}])
    sm.untag_resource(SecretId=name, TagKeys=["gone"])
    assert sm.describe_secret(SecretId=name)["Tags"] == []
    staged = sm.put_secret_value(SecretId=name, SecretString="z", VersionStages=["SECOND", "FIRST"])
    assert staged["VersionStages"] == ["SECOND", "FIRST"]
    refused(lambda: sm.delete_secret(SecretId=name, RecoveryWindowInDays=31, ForceDeleteWithoutRecovery=True), "InvalidParameterException", 400,
            "RecoveryWindowInDays value must be between 7 and 30 days (inclusive)")
    sm.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    refused(lambda: sm.create_secret(Name="a b", SecretString="x"), "ValidationException", 400, "Invalid name")
    refused(lambda: sm.create_secret(Name="short", SecretString="x", ClientRequestToken="short"), "InvalidParameterException", 400,
            "ClientRequestToken must be 32-64 characters long.")
    refused(lambda: sm.create_secret(Name="both", SecretString="x", SecretBinary=b"x"), "InvalidParameterException", 400)
    refused(lambda: sm.create_secret(Name="long", SecretString="x" * 65537), "ValidationException", 400)


def test_versions_and_stages(secret):
    sm, name = client("secretsmanager"), secret["Name"]
    second = sm.put_secret_value(SecretId=name, SecretString="two")
    assert second["VersionStages"] == ["AWSCURRENT"]
    assert sm.get_secret_value(SecretId=name)["SecretString"] == "two"
    assert sm.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")["SecretString"] == "one"
    assert sm.get_secret_value(SecretId=name, VersionId=secret["VersionId"])["SecretString"] == "one"
    refused(lambda: sm.get_secret_value(SecretId=name, VersionStage="NONE"), "ResourceNotFoundException", 400,
            "can't find the specified secret value for staging label: NONE")
    refused(lambda: sm.get_secret_value(SecretId=name, VersionId=secret["VersionId"], VersionStage="AWSCURRENT"),
            "InvalidRequestException", 400, "VersionStage")
    token = str(uuid.uuid4())
    for _ in range(2):
        third = sm.put_secret_value(SecretId=name, SecretString="three", ClientRequestToken=token, VersionStages=["AWSPENDING"])
        assert third["VersionId"] == token and third["VersionStages"] == ["AWSPENDING"]
    refused(lambda: sm.put_secret_value(SecretId=name, SecretString="four", ClientRequestToken=token),
            "ResourceExistsException", 400)
    refused(lambda: sm.put_secret_value(SecretId=name), "InvalidRequestException", 400)
    sm.update_secret_version_stage(SecretId=name, VersionStage="AWSCURRENT", RemoveFromVersionId=second["VersionId"],
                                   MoveToVersionId=token)
    assert sm.get_secret_value(SecretId=name)["SecretString"] == "three"
    assert sm.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")["SecretString"] == "two"
    refused(lambda: sm.update_secret_version_stage(SecretId=name, VersionStage="AWSCURRENT", RemoveFromVersionId=token),
            "InvalidParameterException", 400, "can't be completely removed")
    used = {v["VersionId"] for v in sm.list_secret_version_ids(SecretId=name)["Versions"]}
    every = {v["VersionId"] for v in sm.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"]}
    assert used == {second["VersionId"], token} and every == used | {secret["VersionId"]}
    updated = sm.update_secret(SecretId=name, SecretString="five", Description="new")
    assert sm.get_secret_value(SecretId=name)["VersionId"] == updated["VersionId"]
    assert sm.describe_secret(SecretId=name)["Description"] == "new"


def test_a_deleted_secret_comes_back_until_it_is_gone(secret):
    sm, name = client("secretsmanager"), secret["Name"]
    refused(lambda: sm.delete_secret(SecretId=name, RecoveryWindowInDays=6), "InvalidParameterException", 400)
    refused(lambda: sm.delete_secret(SecretId=name, RecoveryWindowInDays=7, ForceDeleteWithoutRecovery=True),
            "InvalidParameterException", 400)
    assert sm.delete_secret(SecretId=name, RecoveryWindowInDays=7)["DeletionDate"]
    refused(lambda: sm.get_secret_value(SecretId=name), "InvalidRequestException", 400, DELETED)
    refused(lambda: sm.put_secret_value(SecretId=name, SecretString="x"), "InvalidRequestException", 400, DELETED)
    refused(lambda: sm.create_secret(Name=name, SecretString="x"), "InvalidRequestException", 400, "scheduled for deletion")
    assert sm.describe_secret(SecretId=name)["DeletedDate"]
    listed = lambda **more: {s["Name"] for s in sm.list_secrets(Filters=[{"Key": "name", "Values": [name]}], **more)["SecretList"]}
    assert listed() == set() and listed(IncludePlannedDeletion=True) == {name}
    sm.restore_secret(SecretId=name)
    assert sm.get_secret_value(SecretId=name)["SecretString"] == "one"
    sm.delete_secret(SecretId="never-there", ForceDeleteWithoutRecovery=True)
    refused(lambda: sm.delete_secret(SecretId="never-there"), "ResourceNotFoundException", 400)


def test_listings_filter_sort_and_page():
    sm, prefix = client("secretsmanager"), uuid.uuid4().hex[:8]
    names = [f"{prefix}/{name}" for name in ("alpha", "beta", "gamma")]
    for name in names:
        sm.create_secret(Name=name, SecretString=name, Description=f"The {name[9:]} password")
    sm.tag_resource(SecretId=names[1], Tags=[{"Key": prefix, "Value": "x"}, {"Key": "gone", "Value": ""}])
    sm.untag_resource(SecretId=names[1], TagKeys=["gone"])
    find = lambda *filters, **more: [s["Name"] for page in sm.get_paginator("list_secrets").paginate(
        Filters=[{"Key": key, "Values": values} for key, values in filters], PaginationConfig={"PageSize": 1}, **more)
        for s in page["SecretList"]]
    mine = ("name", [prefix])
    assert find(mine) == names and find(mine, SortOrder="desc") == names[::-1] and find(mine, SortBy="name") == names
    assert find(mine, ("description", ["BETA"])) == [names[1]] == find(("tag-key", [prefix]))
    assert find(mine, ("name", [f"!{names[0]}"])) == names[1:] and find(("all", [prefix])) == names
    batch = sm.batch_get_secret_value(SecretIdList=[names[0], "none"])
    assert [v["SecretString"] for v in batch["SecretValues"]] == [names[0]]
    assert [(e["SecretId"], e["ErrorCode"]) for e in batch["Errors"]] == [("none", "ResourceNotFoundException")]
    filtered = sm.batch_get_secret_value(Filters=[{"Key": "name", "Values": [prefix]}])
    assert {v["SecretString"] for v in filtered["SecretValues"]} == set(names)
    refused(lambda: sm.list_secrets(Filters=[{"Key": "tag-key"}]), "InvalidParameterException", 400, "Invalid filter values for key: tag-key")
    refused(lambda: sm.batch_get_secret_value(), "InvalidParameterException", 400)
    refused(lambda: sm.list_secrets(NextToken="x"), "InvalidNextTokenException", 400)
    for name in names:
        sm.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def test_a_key_of_choice_encrypts_the_secret(secret):
    sm, kms, name = client("secretsmanager"), client("kms"), secret["Name"]
    key = kms.create_key()["KeyMetadata"]
    sm.update_secret(SecretId=name, KmsKeyId=key["Arn"])
    assert sm.describe_secret(SecretId=name)["KmsKeyId"] == key["Arn"]
    assert sm.get_secret_value(SecretId=name)["SecretString"] == "one"
    kms.disable_key(KeyId=key["KeyId"])
    refused(lambda: sm.get_secret_value(SecretId=name), "DecryptionFailure", 400, "provided KMS key")
    refused(lambda: sm.put_secret_value(SecretId=name, SecretString="x"), "EncryptionFailure", 400, "provided KMS key")
    kms.enable_key(KeyId=key["KeyId"])
    assert sm.get_secret_value(SecretId=name)["SecretString"] == "one"
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    managed = kms.describe_key(KeyId="alias/aws/secretsmanager")["KeyMetadata"]
    assert managed["KeyManager"] == "AWS"
    refused(lambda: kms.schedule_key_deletion(KeyId=managed["KeyId"]), "AccessDeniedException", 400)


def test_a_secrets_policy_opens_it_to_whom_it_names(secret, iam_user):
    sm, (_, access_key, key_secret) = client("secretsmanager"), iam_user
    theirs = client("secretsmanager", access_key, key_secret)
    arn = client("sts", access_key, key_secret).get_caller_identity()["Arn"]
    refused(lambda: theirs.get_secret_value(SecretId=secret["ARN"]), "AccessDeniedException", 400, arn,
            "because no identity-based policy allows the secretsmanager:GetSecretValue action")
    sm.put_resource_policy(SecretId=secret["ARN"], ResourcePolicy=open_to(arn), BlockPublicPolicy=True)
    assert theirs.get_secret_value(SecretId=secret["ARN"])["SecretString"] == "one"
    refused(lambda: theirs.put_secret_value(SecretId=secret["ARN"], SecretString="x"), "AccessDeniedException", 400)
    assert json.loads(sm.get_resource_policy(SecretId=secret["ARN"])["ResourcePolicy"]) == json.loads(open_to(arn))
    sm.delete_resource_policy(SecretId=secret["ARN"])
    assert "ResourcePolicy" not in sm.get_resource_policy(SecretId=secret["ARN"])
    refused(lambda: theirs.get_secret_value(SecretId=secret["ARN"]), "AccessDeniedException", 400)
    refused(lambda: sm.put_resource_policy(SecretId=secret["ARN"], ResourcePolicy=open_to("*"), BlockPublicPolicy=True),
            "PublicPolicyException", 400)
    refused(lambda: sm.put_resource_policy(SecretId=secret["ARN"], ResourcePolicy="{}"), "MalformedPolicyDocumentException", 400)
    assert sm.validate_resource_policy(ResourcePolicy=open_to(arn))["PolicyValidationPassed"] is True
    assert sm.validate_resource_policy(ResourcePolicy=open_to("*"))["ValidationErrors"][0]["CheckName"] == "PublicPolicy"


def test_another_account_needs_the_secrets_policy_and_its_keys():
    owner, other = dev(), host()
    owner_id, other_id = (c.get_caller_identity()["Account"] for c in (dev("sts"), host("sts")))
    root = f"arn:aws:iam::{other_id}:root"
    made = owner.create_secret(Name=f"shared/{uuid.uuid4().hex[:8]}", SecretString="text")
    refused(lambda: other.get_secret_value(SecretId=made["ARN"]), "AccessDeniedException", 400,
            "because no resource-based policy allows the secretsmanager:GetSecretValue action")
    owner.put_resource_policy(SecretId=made["ARN"], ResourcePolicy=open_to(root))
    refused(lambda: other.get_secret_value(SecretId=made["ARN"]), "AccessDeniedException", 400, "Access to KMS is not allowed")
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{owner_id}:root"}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:Decrypt", "Resource": "*",
         "Condition": {"StringEquals": {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"}}}]}
    key = dev("kms").create_key(Policy=json.dumps(policy))["KeyMetadata"]
    owner.update_secret(SecretId=made["ARN"], KmsKeyId=key["Arn"])
    assert other.get_secret_value(SecretId=made["ARN"])["SecretString"] == "text"
    refused(lambda: other.get_secret_value(SecretId=made["Name"]), "ResourceNotFoundException", 400)
    owner.delete_secret(SecretId=made["ARN"], ForceDeleteWithoutRecovery=True)
    dev("kms").schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)


def test_random_passwords():
    sm = client("secretsmanager")
    assert len(sm.get_random_password()["RandomPassword"]) == 32
    digits = sm.get_random_password(PasswordLength=50, ExcludeLowercase=True, ExcludeUppercase=True, ExcludePunctuation=True,
                                    ExcludeCharacters="0123")["RandomPassword"]
    assert len(digits) == 50 and set(digits) <= set("456789")
    assert len(sm.get_random_password(PasswordLength=4, IncludeSpace=True)["RandomPassword"]) == 4
    refused(lambda: sm.get_random_password(PasswordLength=0), "InvalidParameterException", 400, "too short")
    refused(lambda: sm.get_random_password(PasswordLength=3), "InvalidParameterException", 400, "too short")
    refused(lambda: sm.get_random_password(PasswordLength=5000), "ValidationException", 400)


def test_what_is_not_built_says_so_by_name(secret):
    sm = client("secretsmanager")
    refused(lambda: sm.rotate_secret(SecretId=secret["ARN"]), "NotImplementedException", 501, "RotateSecret")
    refused(lambda: sm.cancel_rotate_secret(SecretId=secret["ARN"]), "NotImplementedException", 501, "CancelRotateSecret")
    refused(lambda: sm.replicate_secret_to_regions(SecretId=secret["ARN"], AddReplicaRegions=[{"Region": "us-west-2"}]),
            "NotImplementedException", 501, "ReplicateSecretToRegions")
    refused(lambda: sm.create_secret(Name="replica", SecretString="x", AddReplicaRegions=[{"Region": "us-west-2"}]),
            "NotImplementedException", 501, "AddReplicaRegions")
