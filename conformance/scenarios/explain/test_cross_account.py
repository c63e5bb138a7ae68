"""Two accounts share a model's files, with the AWS CLI: docs/cross-account.md, without and with KMS, and what goes wrong there."""

import json
import os
import subprocess
import sys
import uuid

import pytest

from conftest import client, empty_bucket

AWS = os.path.join(os.path.dirname(sys.executable), "aws")
DEV, HOST = "111122223333", "777788889999"


def credentials(side):
    return {"AWS_ACCESS_KEY_ID": os.environ[f"CONF_{side}_ACCESS_KEY_ID"], "AWS_SECRET_ACCESS_KEY": os.environ[f"CONF_{side}_SECRET_ACCESS_KEY"]}


def run(command, who, check=True):
    """A command as somebody: its output as JSON, if it is that; the error's text, if it fails and may."""
    environment = {name: value for name, value in os.environ.items() if name not in ("AWS_SESSION_TOKEN", "CRATON_DATA_DIR")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment | {"AWS_PAGER": ""} | who)
    assert not check or done.returncode == 0, done.stderr
    if not check:
        assert done.returncode != 0, done.stdout
        return done.stderr
    try:
        return json.loads(done.stdout)
    except ValueError:
        return done.stdout


class World:
    def __init__(self, folder):
        name = uuid.uuid4().hex[:8]
        self.dev, self.host = credentials("DEV"), credentials("HOST")
        self.bucket, self.role = f"model-artifacts-{name}", f"BedrockCMIExecutionRole-{name}"
        self.role_arn, self.folder = f"arn:aws:iam::{HOST}:role/{self.role}", folder
        (folder / "weights").mkdir()
        (folder / "weights" / "config.json").write_text('{"model_type": "mistral"}')
        self.prefix = f"s3://{self.bucket}/mistral-model-weights/"
        self.keys = {}

    def aws(self, who, *arguments, check=True, **documents):
        """`document` stands for the file of a document in the arguments."""
        for option, document in documents.items():
            path = self.folder / f"{option}.json"
            path.write_text(document if isinstance(document, str) else json.dumps(document))
            arguments = [*arguments, "--" + option.replace("_", "-"), f"file://{path}"]
        return run([AWS, *arguments], who, check)

    def bucket_policy(self):
        return {"Version": "2012-10-17", "Statement": [{
            "Sid": "cross-account-list-get", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HOST}:root"},
            "Action": ["s3:ListBucket", "s3:GetObject"],
            "Resource": [f"arn:aws:s3:::{self.bucket}", f"arn:aws:s3:::{self.bucket}/*"],
            "Condition": {"ArnLike": {"aws:PrincipalArn": f"{self.role_arn}*"}}}]}

    def identity_policy(self):
        statements = [{"Sid": "1", "Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"],
                       "Resource": [f"arn:aws:s3:::{self.bucket}", f"arn:aws:s3:::{self.bucket}/*"],
                       "Condition": {"StringEquals": {"aws:ResourceAccount": DEV}}}]
        if self.keys:
            statements += [{"Effect": "Allow", "Action": ["kms:Decrypt", "kms:DescribeKey"], "Resource": self.keys["dev"]},
                           {"Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
                            "Resource": self.keys["host"]}]
        return {"Version": "2012-10-17", "Statement": statements}

    def trust(self, *more):
        return {"Version": "2012-10-17", "Statement": [{
            "Sid": "1", "Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": HOST},
                          "ArnEquals": {"aws:SourceArn": f"arn:aws:bedrock:us-east-1:{HOST}:model-import-job/*"}}}, *more]}

    def set_up(self):
        self.aws(self.dev, "s3", "mb", f"s3://{self.bucket}")
        self.aws(self.dev, "s3api", "put-bucket-policy", "--bucket", self.bucket, policy=self.bucket_policy())
        self.aws(self.host, "iam", "create-role", "--role-name", self.role, assume_role_policy_document=self.trust())
        self.give(self.identity_policy())

    def give(self, document):
        self.aws(self.host, "iam", "put-role-policy", "--role-name", self.role, "--policy-name", "import", policy_document=document)

    def upload(self, *options):
        self.aws(self.dev, "s3", "cp", "--recursive", str(self.folder / "weights"), self.prefix, *options)

    def let_me_in(self):
        me = self.aws(self.host, "sts", "get-caller-identity")["Arn"]
        mine = {"Effect": "Allow", "Principal": {"AWS": me}, "Action": "sts:AssumeRole"}
        self.aws(self.host, "iam", "update-assume-role-policy", "--role-name", self.role, policy_document=self.trust(mine))

    def session(self):
        made = self.aws(self.host, "sts", "assume-role", "--role-arn", self.role_arn, "--role-session-name", "BedrockCMISession")["Credentials"]
        return {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"], "AWS_SESSION_TOKEN": made["SessionToken"]}

    def read(self, check=True):
        return self.aws(self.session(), "s3", "cp", f"{self.prefix}config.json", str(self.folder / "config.json"), check=check)

    def key_policy(self, account, *actions):
        own = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*", "Resource": "*"}
        role = {"Sid": "role", "Effect": "Allow", "Principal": {"AWS": self.role_arn}, "Action": list(actions), "Resource": "*"}
        return {"Version": "2012-10-17", "Statement": [own, role]}

    def clean(self):
        dev, host = (client("s3", *credentials("DEV").values()), client("iam", *credentials("HOST").values()))
        empty_bucket(dev, self.bucket)
        host.delete_role_policy(RoleName=self.role, PolicyName="import")
        host.delete_role(RoleName=self.role)


def craton(who, *arguments, check=True):
    return run([os.environ["CRATON_BIN"], *arguments, "--output", "json"], who, check)


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    made.set_up()
    yield made
    made.clean()


def test_without_encryption(world):
    world.upload()
    refusal = world.aws(world.host, "sts", "assume-role", "--role-arn", world.role_arn, "--role-session-name", "me", check=False)
    assert "because no role trust policy allows the sts:AssumeRole action" in refusal
    wrong = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:sts::{HOST}:role/current-user-role"}, "Action": "sts:AssumeRole"}
    refusal = world.aws(world.host, "iam", "update-assume-role-policy", "--role-name", world.role, policy_document=world.trust(wrong), check=False)
    assert "MalformedPolicyDocument" in refusal and f"`arn:aws:iam::{HOST}:role/current-user-role`" in refusal
    elsewhere = world.role_arn.replace(HOST, "776941257690")
    assert "AccessDenied" in world.aws(world.host, "sts", "assume-role", "--role-arn", elsewhere, "--role-session-name", "me", check=False)
    world.let_me_in()
    assert "config.json" in world.aws(world.session(), "s3", "ls", world.prefix)
    world.read()
    assert "AccessDenied" in world.aws(world.session(), "s3", "cp", str(world.folder / "config.json"), f"s3://{world.bucket}/x", check=False)
    assert "AccessDenied" in world.aws(world.host, "s3", "ls", world.prefix, check=False)


def test_with_keys_of_both_accounts(world):
    world.let_me_in()
    world.keys = {side: world.aws(who, "kms", "create-key")["KeyMetadata"]["Arn"] for side, who in (("dev", world.dev), ("host", world.host))}
    world.upload("--sse", "aws:kms", "--sse-kms-key-id", world.keys["dev"])
    assert "kms:Decrypt" in world.read(check=False)
    world.give(world.identity_policy())
    assert "because no resource-based policy allows the kms:Decrypt action" in world.read(check=False)
    actions = ["kms:Decrypt", "kms:DescribeKey"]
    world.aws(world.dev, "kms", "put-key-policy", "--key-id", world.keys["dev"], "--policy-name", "default", policy=world.key_policy(DEV, *actions))
    actions = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
    world.aws(world.host, "kms", "put-key-policy", "--key-id", world.keys["host"], "--policy-name", "default", policy=world.key_policy(HOST, *actions))
    world.read()
    assert world.aws(world.session(), "kms", "generate-data-key", "--key-id", world.keys["host"], "--key-spec", "AES_256")["KeyId"] == world.keys["host"]


def test_the_latest_denial_is_explained_without_its_id(world):
    world.upload()
    world.let_me_in()
    narrow = world.identity_policy()
    narrow["Statement"][0]["Resource"].pop()
    world.give(narrow)
    # The answer to HEAD has no body, so the AWS CLI can say no more.
    assert "Forbidden" in world.read(check=False)
    explanation = craton(world.host, "iam", "explain")
    assert [one["mistake"] for one in explanation["findings"]] == ["missing-object-wildcard"], explanation
    assert explanation["proven"] and explanation["changes"][0]["policy"] == f"role/{world.role}/import"
    # An object that is not there, for one who may read it and not list the bucket.
    narrow = world.identity_policy()
    narrow["Statement"][0]["Action"] = "s3:GetObject"
    world.give(narrow)
    world.aws(world.session(), "s3", "cp", f"{world.prefix}absent.json", str(world.folder / "absent"), check=False)
    explanation = craton(world.host, "iam", "explain")
    assert "no such object" in explanation["advice"][0] and explanation["changes"][0]["statement"]["Action"] == "s3:ListBucket"


def test_the_other_side_is_told_with_a_token(world):
    world.upload()
    world.let_me_in()
    world.aws(world.dev, "s3api", "delete-bucket-policy", "--bucket", world.bucket)
    assert "Forbidden" in world.read(check=False)
    explanation = craton(world.host, "iam", "explain")
    [other] = explanation["otherSides"]
    assert not explanation["changes"] and other["accountId"] == DEV
    told = craton(world.dev, "iam", "explain", other["token"])
    assert told["findings"][0]["mistake"] == "no-resource-policy" and told["proven"]
    document = told["changes"][0]["document"]
    world.aws(world.dev, "s3api", "put-bucket-policy", "--bucket", world.bucket, policy=document)
    world.read()


def test_a_boundary_of_awss_own_is_replaced(world):
    world.let_me_in()
    world.upload()
    of_aws = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
    world.aws(world.host, "iam", "put-role-permissions-boundary", "--role-name", world.role, "--permissions-boundary", of_aws)
    assert "because no permissions boundary allows the s3:ListBucket action" in world.aws(world.session(), "s3", "ls", world.prefix, check=False)
    explanation = craton(world.host, "iam", "explain")
    assert [one["mistake"] for one in explanation["findings"]] == ["permissions-boundary"] and explanation["proven"]
    for command in explanation["changes"][0]["commands"]:
        run(["sh", "-c", command.replace("aws ", f"{AWS} ", 1)], world.host)
    world.aws(world.session(), "s3", "ls", world.prefix)
    world.aws(world.host, "iam", "delete-role-permissions-boundary", "--role-name", world.role)
    world.aws(world.host, "iam", "delete-policy", "--policy-arn", explanation["changes"][0]["policy"])


def test_who_may_names_the_account_that_a_condition_narrows(world):
    answer = craton(world.dev, "iam", "who-can", "s3:GetObject", f"arn:aws:s3:::{world.bucket}/mistral-model-weights/config.json")
    [host] = [who for who in answer["items"] if who["principal"] == f"arn:aws:iam::{HOST}:root"]
    assert host["kind"] == "account" and f"aws:PrincipalArn ArnLike {world.role_arn}*" in host["through"][0]["if"]
    for action in ("GetObject", "s3:Get*"):
        assert "hint: " in craton(world.dev, "iam", "who-can", action, "*", check=False)


def test_a_principal_that_does_not_exist_is_told_in_the_message(world):
    policy = world.bucket_policy()
    policy["Statement"][0]["Principal"]["AWS"] = f"arn:aws:iam::{HOST}:role/nobody"
    refusal = world.aws(world.dev, "s3api", "put-bucket-policy", "--bucket", world.bucket, policy=policy, check=False)
    assert "MalformedPolicy" in refusal and f"The account `{HOST}` has no such user or role" in refusal
