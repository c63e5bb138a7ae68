"""Every permission that an import needs, missing in turn, and the article's own mistakes."""

import pytest
from checkpoints import checkpoint, large
from conftest import REGION, client, refused
from import_estate import DEV, HOST, document, estate

SAYS = {"prompt": "Hi", "max_gen_len": 2}
NO_KEY = "Amazon Bedrock could not use the KMS key"


def test_both_sides_must_let_the_role_read(estate):
    estate.upload(checkpoint())
    estate.s3.delete_bucket_policy(Bucket=estate.bucket)
    message = estate.failed(estate.no_access())
    assert message.startswith(estate.no_access()) and "s3:ListBucket" in message
    estate.open_bucket()
    estate.let_role({"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"})
    assert "no identity-based policy allows the s3:ListBucket action" in estate.failed(estate.no_access())
    estate.let_role(estate.reads(f"arn:aws:s3:::{estate.bucket}"))
    assert "s3:GetObject" in estate.failed(estate.no_access()), "it may list and not read"
    estate.let_role(estate.reads(owner=HOST))
    estate.failed(estate.no_access()), "aws:ResourceAccount is the bucket's owner"
    estate.let_role(estate.reads())
    estate.completed()


def test_a_prefix_is_a_folder(estate):
    estate.upload(checkpoint(), prefix="weights-2/")
    estate.failed("config.json", modelDataSource={"s3DataSource": {"s3Uri": estate.uri("weights")}})
    estate.completed(modelDataSource={"s3DataSource": {"s3Uri": estate.uri("weights-2")}})
    ours = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{estate.bucket}",
            "Condition": {"StringLike": {"s3:prefix": "weights/*"}}}
    read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{estate.bucket}/weights/*"}
    estate.let_role(ours, read)
    estate.failed(estate.no_access("weights-2"), modelDataSource={"s3DataSource": {"s3Uri": estate.uri("weights-2")}})
    estate.upload(checkpoint())
    estate.completed(modelDataSource={"s3DataSource": {"s3Uri": estate.uri("weights")}})


def test_the_role_trusts_the_service_for_this_account_and_job_alone(estate):
    estate.upload(checkpoint())
    for wrong in (estate.trust(source_account=DEV), estate.trust(source_arn=f"arn:aws:bedrock:eu-west-1:{HOST}:model-import-job/*"),
                  estate.trust(source_arn=f"arn:aws:bedrock:{REGION}:{DEV}:model-import-job/*"), estate.trust() | {"Principal": {"Service": "sagemaker.amazonaws.com"}}):
        estate.trusts(wrong)
        estate.failed(f"Amazon Bedrock could not assume the role {estate.role_arn}", "sts:AssumeRole")
    refused(lambda: estate.sts.assume_role(RoleArn=estate.role_arn, RoleSessionName="me"), "AccessDenied", 403)
    estate.trusts(estate.trust())
    estate.completed()


def test_the_articles_principal_is_refused_with_the_arn_it_means(estate):
    wrong = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:sts::{HOST}:role/current-user-role"}, "Action": "sts:AssumeRole"}
    refused(lambda: estate.trusts(estate.trust(), wrong), "MalformedPolicyDocument", 400, f"arn:aws:iam::{HOST}:role/current-user-role")
    refused(lambda: estate.sts.assume_role(RoleArn=f"arn:aws:iam::776941257690:role/{estate.role}", RoleSessionName="me"), "AccessDenied", 403)


def test_a_role_is_passed_by_those_who_may(estate):
    estate.upload(checkpoint())
    user = f"importer-{estate.tag}"
    estate.iam.create_user(UserName=user)
    key = estate.iam.create_access_key(UserName=user)["AccessKey"]
    bedrock = client("bedrock", key["AccessKeyId"], key["SecretAccessKey"])
    start = {"Effect": "Allow", "Action": "bedrock:CreateModelImportJob", "Resource": "*"}

    def may(*statements):
        estate.iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=document(*statements))

    def hand(service):
        return {"Effect": "Allow", "Action": "iam:PassRole", "Resource": estate.role_arn, "Condition": {"StringEquals": {"iam:PassedToService": service}}}

    refused(lambda: estate.ask(bedrock), "AccessDeniedException", 403, "bedrock:CreateModelImportJob")
    may(start)
    refused(lambda: estate.ask(bedrock), "AccessDeniedException", 403, "iam:PassRole")
    may(start, hand("lambda.amazonaws.com"))
    refused(lambda: estate.ask(bedrock), "AccessDeniedException", 403, "iam:PassRole")
    may(start, hand("bedrock.amazonaws.com"))
    assert estate.ended(estate.ask(bedrock)[0])["status"] == "Completed"
    estate.iam.delete_user_policy(UserName=user, PolicyName="p")
    estate.iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
    estate.iam.delete_user(UserName=user)


def test_the_sources_key_is_used_by_those_who_may(estate):
    key = estate.source_key(granted=False)
    estate.upload(checkpoint(), ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    assert "kms:Decrypt" in estate.failed(estate.no_access())
    estate.let_role(estate.reads(), estate.uses(key))
    assert "no resource-based policy allows the kms:Decrypt action" in estate.failed(estate.no_access())
    estate.open_key(estate.dev_kms, key, DEV, ["kms:Decrypt", "kms:DescribeKey"])
    estate.dev_kms.disable_key(KeyId=key)
    estate.failed(estate.no_access(), "disabled")
    estate.dev_kms.enable_key(KeyId=key)
    model = estate.completed()["importedModelArn"]
    estate.dev_kms.disable_key(KeyId=key)
    assert estate.invoke(model, SAYS), "the model is its own once it is imported"


def test_the_models_key_is_used_by_those_who_may(estate):
    estate.upload(checkpoint())
    key = estate.model_key(granted=False)
    assert key in estate.failed(NO_KEY, "kms:GenerateDataKey", importedModelKmsKeyId=key)
    estate.let_role(estate.reads(), {"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:DescribeKey"], "Resource": key})
    estate.open_key(estate.kms, key, None, ["kms:GenerateDataKey*", "kms:DescribeKey"])
    estate.failed("kms:Decrypt", importedModelKmsKeyId=key), "one who may encrypt and not decrypt"
    estate.open_key(estate.kms, key, None, ["kms:GenerateDataKey*", "kms:Decrypt", "kms:DescribeKey"])
    estate.kms.disable_key(KeyId=key)
    estate.failed(NO_KEY, "disabled", importedModelKmsKeyId=key)
    estate.kms.enable_key(KeyId=key)
    estate.completed(importedModelKmsKeyId=key)
    absent = key[:-12] + "000000000000"
    estate.failed(NO_KEY, importedModelKmsKeyId=absent)


def locked(estate, model):
    """The model answers in no way."""
    for call in (lambda: estate.invoke(model, SAYS), lambda: estate.runtime.converse(modelId=model, messages=[{"role": "user", "content": [{"text": "Hi"}]}]),
                 lambda: estate.runtime.invoke_model_with_response_stream(modelId=model, body='{"prompt": "Hi"}')):
        refused(call, "AccessDeniedException", 403, "cannot be decrypted")


@pytest.fixture
def encrypted(estate):
    """An encrypted model, in memory, and its key."""
    key = estate.model_key()
    estate.let_role(estate.reads(), estate.uses(key))
    model = estate.upload(checkpoint()).completed(importedModelKmsKeyId=key)["importedModelArn"]
    assert estate.invoke(model, SAYS)["generation_token_count"] == 2
    return estate, model, key


def test_a_disabled_key_locks_a_model_in_memory_at_once(encrypted):
    estate, model, key = encrypted
    for _ in range(2):
        estate.kms.disable_key(KeyId=key)
        locked(estate, model)
        assert estate.craton("GET", f"/imported-models/{model.split('/')[1]}").json()["loaded"] is False
        estate.kms.enable_key(KeyId=key)
        assert estate.invoke(model, SAYS)["generation_token_count"] == 2
    estate.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    locked(estate, model)
    estate.kms.cancel_key_deletion(KeyId=key)
    estate.kms.enable_key(KeyId=key)
    assert estate.invoke(model, SAYS)


def test_a_revoked_permission_locks_a_model_at_once(encrypted):
    estate, model, key = encrypted
    estate.open_key(estate.kms, key, None, [])
    # Within an account the key's policy need not name the role, where the role's own does and the key delegates; this one does not.
    locked(estate, model)
    estate.open_key(estate.kms, key, None, ["kms:Decrypt"])
    assert estate.invoke(model, SAYS)
    estate.let_role(estate.reads(), {"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"})
    locked(estate, model)
    estate.let_role(estate.reads(), estate.uses(key))
    assert estate.invoke(model, SAYS)
    estate.trusts(estate.trust(source_account=DEV))
    locked(estate, model)
    estate.trusts(estate.trust())
    assert estate.invoke(model, SAYS)


def test_a_revoked_grant_locks_a_model_at_once(estate):
    key = estate.model_key(granted=False)
    grant = {"KeyId": key, "GranteePrincipal": estate.role_arn, "Operations": ["Encrypt", "Decrypt", "GenerateDataKey", "DescribeKey"]}
    granted = estate.kms.create_grant(**grant)["GrantId"]
    model = estate.upload(checkpoint()).completed(importedModelKmsKeyId=key)["importedModelArn"]
    assert estate.invoke(model, SAYS)
    estate.kms.revoke_grant(KeyId=key, GrantId=granted)
    locked(estate, model)
    estate.failed(NO_KEY, importedModelKmsKeyId=key)
    estate.kms.create_grant(**grant)
    assert estate.invoke(model, SAYS)


def test_a_key_that_is_disabled_during_an_import_ends_it(estate):
    key = estate.model_key()
    estate.let_role(estate.reads(), estate.uses(key))
    job = estate.upload(large()).ask(importedModelKmsKeyId=key)[0]
    assert estate.working(job)
    estate.kms.disable_key(KeyId=key)
    ended = estate.ended(job)
    assert ended["status"] == "Failed" and "disabled" in ended["failureMessage"], ended
    estate.kms.enable_key(KeyId=key)
    estate.completed(importedModelKmsKeyId=key)


@pytest.mark.parametrize("revoke", ["bucket", "role"])
def test_a_permission_that_is_taken_during_an_import_ends_it(estate, revoke):
    job = estate.upload(large()).ask()[0]
    assert estate.working(job)
    if revoke == "bucket":
        estate.s3.delete_bucket_policy(Bucket=estate.bucket)
    else:
        estate.let_role({"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"})
    ended = estate.ended(job)
    assert ended["status"] == "Failed" and ended["failureMessage"].startswith(estate.no_access()), ended
    assert "s3:GetObject" in ended["failureMessage"]
