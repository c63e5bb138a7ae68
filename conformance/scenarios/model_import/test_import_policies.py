"""The commands that `craton import policies` prints, run as they are."""

import json
import os
import pathlib
import subprocess
import sys

from checkpoints import checkpoint
from conftest import REGION
from import_estate import DEV, HOST, document, estate, of

PREFIX = "it's*5/"
OTHER = {"Sid": "Other", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HOST}:root"}}


def shell(policy):
    """Runs a policy's command in its account, with the AWS CLI."""
    key, secret = of("DEV" if policy["account"] == DEV else "HOST")
    path = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": REGION}
    environment.pop("AWS_SESSION_TOKEN", None)
    done = subprocess.run(["bash", "-euc", policy["command"]], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, (policy["command"], done.stderr)


def test_the_commands_let_an_import_in_and_keep_what_was_allowed(estate):
    source, key = estate.source_key(granted=False), estate.kms.create_key()["KeyMetadata"]["Arn"]
    estate.upload(checkpoint(), prefix=PREFIX, ServerSideEncryption="aws:kms", SSEKMSKeyId=source)
    estate.iam.delete_role_policy(RoleName=estate.role, PolicyName="import")
    estate.trusts(OTHER | {"Action": "sts:AssumeRole"})
    tagging = OTHER | {"Action": "s3:GetBucketTagging", "Resource": f"arn:aws:s3:::{estate.bucket}"}
    estate.s3.put_bucket_policy(Bucket=estate.bucket, Policy=document(tagging))
    asked = {"roleArn": estate.role_arn, "s3Uri": estate.uri(PREFIX), "sourceAccount": DEV, "sourceKmsKeyArn": source, "kmsKeyArn": key}
    policies = estate.craton("POST", "/imports/policies", asked).json()["policies"]
    for policy in policies + policies:
        shell(policy)
    bucket = json.loads(estate.s3.get_bucket_policy(Bucket=estate.bucket)["Policy"])["Statement"]
    trust = estate.iam.get_role(RoleName=estate.role)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    keys = [json.loads(kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"])["Statement"]
            for kms, arn in ((estate.dev_kms, source), (estate.kms, key))]
    assert [len(statements) for statements in (bucket, trust, *keys)] == [2, 2, 2, 2]
    assert [statements[0].get("Sid") for statements in (bucket, trust)] == ["Other", "Other"]
    location = {"s3DataSource": {"s3Uri": estate.uri(PREFIX)}}
    assert estate.completed(modelDataSource=location, importedModelKmsKeyId=key)["importedModelKmsKeyArn"] == key
    # What only begins alike is not let in: the prefix's `*` is a star.
    estate.upload(checkpoint(), prefix="it's-5/")
    estate.failed("s3:GetObject", modelDataSource={"s3DataSource": {"s3Uri": estate.uri("it's-5/")}})
    estate.iam.delete_role_policy(RoleName=estate.role, PolicyName="BedrockModelImport")
    estate.let_role(estate.reads())


def test_the_commands_make_what_is_not_there(estate):
    estate.upload(checkpoint())
    estate.s3.delete_bucket_policy(Bucket=estate.bucket)
    role = f"{estate.role}-new"
    arn = f"arn:aws:iam::{HOST}:role/teams/{role}"
    asked = {"roleArn": arn, "s3Uri": estate.uri(), "sourceAccount": DEV}
    for policy in estate.craton("POST", "/imports/policies", asked).json()["policies"]:
        shell(policy)
    estate.completed(roleArn=arn)
    estate.iam.delete_role_policy(RoleName=role, PolicyName="BedrockModelImport")
    estate.iam.delete_role(RoleName=role)
