"""Two accounts and what stands between them in the cross-account import: a bucket and a key here, a role and a key there."""

import json
import os
import uuid
from urllib.parse import quote

import boto3
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from conftest import REGION, URL, client, empty_bucket

DEV, HOST = "111122223333", "777788889999"
READ = ["s3:ListBucket", "s3:GetObject"]
USE_KEY = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def of(side):
    return os.environ[f"CONF_{side}_ACCESS_KEY_ID"], os.environ[f"CONF_{side}_SECRET_ACCESS_KEY"]


class Estate:
    def __init__(self):
        self.tag = uuid.uuid4().hex[:8]
        self.s3, self.dev_kms = client("s3", *of("DEV")), client("kms", *of("DEV"))
        self.iam, self.sts, self.kms = (client(service, *of("HOST")) for service in ("iam", "sts", "kms"))
        self.bedrock, self.runtime = client("bedrock", *of("HOST")), client("bedrock-runtime", *of("HOST"))
        self.bucket, self.role = f"artifacts-{self.tag}", f"BedrockCMIExecutionRole-{self.tag}"
        self.role_arn = f"arn:aws:iam::{HOST}:role/{self.role}"
        self.imports = 0
        self.s3.create_bucket(Bucket=self.bucket)
        self.open_bucket()
        self.iam.create_role(RoleName=self.role, AssumeRolePolicyDocument=document(self.trust()))
        self.let_role(self.reads())

    # The bucket's account.

    def open_bucket(self, **more):
        role = {"ArnLike": {"aws:PrincipalArn": f"{self.role_arn}*"}}
        statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HOST}:root"}, "Action": READ,
                     "Resource": [f"arn:aws:s3:::{self.bucket}", f"arn:aws:s3:::{self.bucket}/*"], "Condition": role}
        self.s3.put_bucket_policy(Bucket=self.bucket, Policy=document(statement | more))

    def upload(self, files, prefix="weights/", **options):
        for name, bytes_of in files.items():
            self.s3.put_object(Bucket=self.bucket, Key=prefix + name, Body=bytes_of, **options)
        return self

    def uri(self, prefix="weights/"):
        return f"s3://{self.bucket}/{prefix}"

    def no_access(self, prefix="weights"):
        return f"Amazon Bedrock does not have access to the S3 location (s3://{self.bucket}/{prefix}). Update the permissions and try again."

    # The role's account.

    def trust(self, source_account=HOST, source_arn=f"arn:aws:bedrock:{REGION}:{HOST}:model-import-job/*"):
        condition = {"StringEquals": {"aws:SourceAccount": source_account}, "ArnEquals": {"aws:SourceArn": source_arn}}
        return {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole", "Condition": condition}

    def reads(self, *resources, owner=DEV):
        resources = list(resources) or [f"arn:aws:s3:::{self.bucket}", f"arn:aws:s3:::{self.bucket}/*"]
        return {"Effect": "Allow", "Action": READ, "Resource": resources, "Condition": {"StringEquals": {"aws:ResourceAccount": owner}}}

    def let_role(self, *statements):
        self.iam.put_role_policy(RoleName=self.role, PolicyName="import", PolicyDocument=document(*statements))

    def trusts(self, *statements):
        self.iam.update_assume_role_policy(RoleName=self.role, PolicyDocument=document(*statements))

    # Keys.

    def source_key(self, granted=True):
        """A key of the bucket's account, that the role may decrypt with."""
        arn = self.dev_kms.create_key()["KeyMetadata"]["Arn"]
        self.open_key(self.dev_kms, arn, DEV, ["kms:Decrypt", "kms:DescribeKey"] if granted else [])
        return arn

    def model_key(self, granted=True):
        """A key of the role's account, that the role may use by its policy alone."""
        arn = self.kms.create_key()["KeyMetadata"]["Arn"]
        self.open_key(self.kms, arn, None, USE_KEY if granted else [])
        return arn

    def open_key(self, kms, arn, delegates_to, actions):
        """Gives a key to its account's administrator, and `actions` to the role; to all that IAM allows, where it delegates."""
        owner = arn.split(":")[4]
        administrator = ["kms:Put*", "kms:Describe*", "kms:Enable*", "kms:Disable*", "kms:Schedule*", "kms:Cancel*", "kms:List*",
                         "kms:CreateGrant", "kms:RevokeGrant"]
        statements = [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{owner}:root"}, "Action": "kms:*" if delegates_to else administrator, "Resource": "*"}]
        if actions:
            statements.append({"Sid": "role", "Effect": "Allow", "Principal": {"AWS": self.role_arn}, "Action": actions, "Resource": "*"})
        kms.put_key_policy(KeyId=arn, PolicyName="default", Policy=document(*statements))

    def uses(self, *keys):
        """The statement that lets the role use keys."""
        return {"Effect": "Allow", "Action": USE_KEY, "Resource": list(keys)}

    # Imports.

    def ask(self, bedrock=None, **more):
        """Starts an import: (job's ARN, job's name, model's name)."""
        self.imports += 1
        name = f"mine-{self.tag}-{self.imports}"
        request = {"jobName": f"job-{name}", "importedModelName": name, "roleArn": self.role_arn,
                   "modelDataSource": {"s3DataSource": {"s3Uri": self.uri()}}} | more
        made = (bedrock or self.bedrock).create_model_import_job(**request)
        return made["jobArn"], request["jobName"], request["importedModelName"]

    def ended(self, job):
        """The job when it has ended."""
        for _ in self.events(job):
            pass
        return self.bedrock.get_model_import_job(jobIdentifier=job)

    def completed(self, **more):
        job = self.ended(self.ask(**more)[0])
        assert job["status"] == "Completed", job
        return job

    def chosen(self, quantization, bound="none"):
        """A completed import whose weights are kept like this, which AWS has no member for. Weights that nobody trained hold
        no bound, so that none is asked of them."""
        return self.asking(self.completed, quantization, bound)

    def asking(self, do, quantization, bound):
        """What `do` does while imports ask for a quantization and a bound; None asks for the type's own."""
        events, name = self.bedrock.meta.events, "before-sign.bedrock.CreateModelImportJob"

        def say(request, **_):
            request.headers["x-craton-quantization"] = quantization
            if bound is not None:
                request.headers["x-craton-quantization-bound"] = bound

        events.register(name, say)
        try:
            return do()
        finally:
            events.unregister(name, say)

    def failed(self, *texts, **more):
        """The message of an import that fails and makes no model, and says all of `texts`."""
        job, _, model = self.ask(**more)
        ended = self.ended(job)
        assert ended["status"] == "Failed" and "importedModelArn" not in ended, ended
        for text in texts:
            assert text in ended["failureMessage"], ended
        assert model not in [known["modelName"] for known in self.bedrock.list_imported_models(nameContains=model)["modelSummaries"]]
        return ended["failureMessage"]

    def craton(self, method, path, body=None, keys=None, **more):
        """A request to Craton's own API, by the host's administrator or whoever has `keys`."""
        data = json.dumps(body) if body is not None else None
        headers = {"Content-Type": "application/json"} if data else {}
        request = AWSRequest(method=method, url=f"{URL}/craton/v1{path}", data=data, headers=headers)
        credentials = boto3.Session(*(keys or of("HOST"))).get_credentials()
        SigV4Auth(credentials, "craton", REGION).add_auth(request)
        return requests.request(method, request.prepare().url, data=data, headers=dict(request.headers), timeout=300, **more)

    def own(self, job):
        """What Craton's own API tells of an import."""
        return self.craton("GET", f"/imports/{quote(job, safe='')}").json()

    def events(self, job):
        """The work's states as it changes, until it has ended."""
        with self.craton("GET", f"/jobs/{self.own(job)['workId']}/events", stream=True) as answer:
            for line in answer.iter_lines():
                if line.startswith(b"data:"):
                    yield json.loads(line[5:])

    def working(self, job):
        """Waits until the job has examined the checkpoint; whether it goes on then."""
        while True:
            told = self.own(job)
            if told["report"] or told["status"] != "InProgress":
                return told["status"] == "InProgress"

    def invoke(self, model, body, runtime=None):
        return json.loads((runtime or self.runtime).invoke_model(modelId=model, body=json.dumps(body))["body"].read())

    def close(self):
        for page in self.bedrock.get_paginator("list_imported_models").paginate(nameContains=self.tag):
            for model in page["modelSummaries"]:
                self.bedrock.delete_imported_model(modelIdentifier=model["modelArn"])
        try:
            self.iam.delete_role_policy(RoleName=self.role, PolicyName="import")
            self.iam.delete_role(RoleName=self.role)
        except ClientError:
            pass
        empty_bucket(self.s3, self.bucket)


class User:
    """A user of the host's account, who may do what `may` says."""

    def __init__(self, iam, name):
        self.iam, self.name = iam, name
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self.keys = key["AccessKeyId"], key["SecretAccessKey"]
        self.bedrock = client("bedrock", *self.keys)

    def may(self, *statements):
        self.iam.put_user_policy(UserName=self.name, PolicyName="p", PolicyDocument=document(*statements))

    def close(self):
        for policy in self.iam.list_user_policies(UserName=self.name)["PolicyNames"]:
            self.iam.delete_user_policy(UserName=self.name, PolicyName=policy)
        self.iam.delete_access_key(UserName=self.name, AccessKeyId=self.keys[0])
        self.iam.delete_user(UserName=self.name)


@pytest.fixture
def member(estate):
    """A user of the host's account, without permissions."""
    made = User(estate.iam, f"member-{estate.tag}")
    yield made
    made.close()


@pytest.fixture
def estate():
    made = Estate()
    yield made
    made.close()
