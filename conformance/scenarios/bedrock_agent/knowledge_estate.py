"""A knowledge base with all that it needs: bucket, role, data source; and calls that scenarios repeat."""

import json
import time
import uuid

import pytest
from conftest import REGION, TITAN_V2, client, empty_bucket

OPENSEARCH = {"type": "OPENSEARCH_SERVERLESS", "opensearchServerlessConfiguration": {
    "collectionArn": f"arn:aws:aoss:{REGION}:123456789012:collection/abcdefghij0123456789", "vectorIndexName": "index",
    "fieldMapping": {"vectorField": "vector", "textField": "text", "metadataField": "metadata"}}}


def model_arn(model=TITAN_V2):
    return f"arn:aws:bedrock:{REGION}::foundation-model/{model}"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def fixed(tokens, overlap=20):
    """Chunks of at most so many tokens."""
    return {"chunkingConfiguration": {"chunkingStrategy": "FIXED_SIZE", "fixedSizeChunkingConfiguration": {
        "maxTokens": tokens, "overlapPercentage": overlap}}}


def sidecar(readers=(), **attributes):
    """The metadata file of a document; `readers` are (access, kind, name) each."""
    body = {"metadataAttributes": attributes}
    if readers:
        body["accessControlList"] = [{"name": name, "type": kind, "access": access} for access, kind, name in readers]
    return json.dumps(body).encode()


class Estate:
    """A bucket, a role that may read it and embed, and what is made with them; all gone after `close`."""

    def __init__(self):
        self.tag = uuid.uuid4().hex[:8]
        self.agent, self.runtime, self.s3, self.iam = (
            client(service) for service in ("bedrock-agent", "bedrock-agent-runtime", "s3", "iam"))
        self.account = client("sts").get_caller_identity()["Account"]
        self.bucket, self.role = f"knowledge-{self.tag}", f"Knowledge-{self.tag}"
        self.role_arn = f"arn:aws:iam::{self.account}:role/{self.role}"
        self.s3.create_bucket(Bucket=self.bucket)
        trust = {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole",
                 "Condition": {"StringEquals": {"aws:SourceAccount": self.account},
                               "ArnLike": {"aws:SourceArn": f"arn:aws:bedrock:{REGION}:{self.account}:knowledge-base/*"}}}
        self.iam.create_role(RoleName=self.role, AssumeRolePolicyDocument=policy(trust))
        self.let_role(self.reads_bucket(), self.embeds())
        self.bases, self.users, self.roles = [], [], []

    def reads_bucket(self):
        return {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"],
                "Resource": [f"arn:aws:s3:::{self.bucket}", f"arn:aws:s3:::{self.bucket}/*"]}

    @staticmethod
    def embeds():
        return {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": model_arn()}

    def let_role(self, *statements):
        if statements:
            self.iam.put_role_policy(RoleName=self.role, PolicyName="knowledge", PolicyDocument=policy(*statements))
        else:
            self.iam.delete_role_policy(RoleName=self.role, PolicyName="knowledge")

    def put(self, key, body, **metadata):
        """Puts a document; with `metadata`, its sidecar too (see `sidecar`)."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body.encode() if isinstance(body, str) else body)
        if metadata:
            self.s3.put_object(Bucket=self.bucket, Key=f"{key}.metadata.json", Body=sidecar(**metadata))
        return self

    def remove(self, *keys):
        for key in keys:
            self.s3.delete_object(Bucket=self.bucket, Key=key)

    def uri(self, key):
        return f"s3://{self.bucket}/{key}"

    def base(self, **more):
        """A new knowledge base's id, once it is active."""
        request = {"name": f"kb-{uuid.uuid4().hex[:8]}", "roleArn": self.role_arn, "storageConfiguration": OPENSEARCH,
                   "knowledgeBaseConfiguration": {"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {
                       "embeddingModelArn": model_arn()}}} | more
        made = self.agent.create_knowledge_base(**request)["knowledgeBase"]
        self.bases.append(made["knowledgeBaseId"])
        while self.agent.get_knowledge_base(knowledgeBaseId=made["knowledgeBaseId"])["knowledgeBase"]["status"] == "CREATING":
            time.sleep(0.05)
        return made["knowledgeBaseId"]

    def source(self, base, prefix=None, **more):
        """A data source over the bucket, or over the keys that begin with `prefix`."""
        where = {"bucketArn": f"arn:aws:s3:::{self.bucket}"} | ({"inclusionPrefixes": [prefix]} if prefix else {})
        request = {"name": f"source-{uuid.uuid4().hex[:8]}", "dataSourceConfiguration": {"type": "S3", "s3Configuration": where}} | more
        return self.agent.create_data_source(knowledgeBaseId=base, **request)["dataSource"]["dataSourceId"]

    def custom(self, base):
        return self.agent.create_data_source(knowledgeBaseId=base, name=f"direct-{uuid.uuid4().hex[:8]}",
                                             dataSourceConfiguration={"type": "CUSTOM"})["dataSource"]["dataSourceId"]

    def start(self, base, source, **more):
        return self.agent.start_ingestion_job(knowledgeBaseId=base, dataSourceId=source, **more)["ingestionJob"]["ingestionJobId"]

    def job(self, base, source, job):
        return self.agent.get_ingestion_job(knowledgeBaseId=base, dataSourceId=source, ingestionJobId=job)["ingestionJob"]

    def ended(self, base, source, job):
        while (found := self.job(base, source, job))["status"] in ("STARTING", "IN_PROGRESS", "STOPPING"):
            time.sleep(0.05)
        return found

    def sync(self, base, source):
        """Runs an ingestion job, which must complete; gives its statistics without the zeros."""
        done = self.ended(base, source, self.start(base, source))
        assert done["status"] == "COMPLETE", done
        return {name: count for name, count in done["statistics"].items() if count}

    def filled(self, **more):
        """A knowledge base over what is in the bucket: (its id, its data source's id)."""
        base = self.base()
        source = self.source(base, **more)
        self.sync(base, source)
        return base, source

    def retrieve(self, base, text, results=5, reader=None, user=None, **search):
        asked = {"knowledgeBaseId": base, "retrievalQuery": {"text": text},
                 "retrievalConfiguration": {"vectorSearchConfiguration": {"numberOfResults": results} | search}}
        if user:
            asked["userContext"] = {"userId": user}
        return (reader or self.runtime).retrieve(**asked)["retrievalResults"]

    def found(self, *arguments, **more):
        """The keys (or ids) of the documents that are retrieved, best first, each once."""
        places = [one["location"] for one in self.retrieve(*arguments, **more)]
        names = [place["s3Location"]["uri"].removeprefix(f"s3://{self.bucket}/") if place["type"] == "S3"
                 else place["customDocumentLocation"]["id"] for place in places]
        return list(dict.fromkeys(names))

    def document(self, base, source, key):
        """What GetKnowledgeBaseDocuments says of an object."""
        found = self.agent.get_knowledge_base_documents(knowledgeBaseId=base, dataSourceId=source, documentIdentifiers=[
            {"dataSourceType": "S3", "s3": {"uri": self.uri(key)}}])
        return found["documentDetails"][0]

    def reader(self, base, *groups, actions=("bedrock:Retrieve",)):
        """A user of these groups who may retrieve: (name, client of the runtime)."""
        name = f"reader-{uuid.uuid4().hex[:8]}"
        self.iam.create_user(UserName=name)
        self.users.append(name)
        self.iam.put_user_policy(UserName=name, PolicyName="reads", PolicyDocument=policy(
            {"Effect": "Allow", "Action": list(actions), "Resource": f"arn:aws:bedrock:{REGION}:{self.account}:knowledge-base/{base}"},
            {"Effect": "Allow", "Action": ["bedrock:InvokeModel"], "Resource": "*"}))
        for group in groups:
            self.iam.add_user_to_group(GroupName=group, UserName=name)
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return name, client("bedrock-agent-runtime", key["AccessKeyId"], key["SecretAccessKey"])

    def session(self, base, **tags):
        """A session of a role of its own, with these tags, that may retrieve: a client of the runtime."""
        name = f"session-{uuid.uuid4().hex[:8]}"
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{self.account}:root"}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
        self.roles.append(name)
        self.iam.put_role_policy(RoleName=name, PolicyName="reads", PolicyDocument=policy(
            {"Effect": "Allow", "Action": "bedrock:Retrieve", "Resource": f"arn:aws:bedrock:{REGION}:{self.account}:knowledge-base/{base}"}))
        keys = client("sts").assume_role(RoleArn=arn, RoleSessionName="reader", Tags=[
            {"Key": key, "Value": value} for key, value in tags.items()])["Credentials"]
        return client("bedrock-agent-runtime", keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def group(self):
        name = f"group-{uuid.uuid4().hex[:8]}"
        self.iam.create_group(GroupName=name)
        return name

    def drop_user(self, name):
        for group in self.iam.list_groups_for_user(UserName=name)["Groups"]:
            self.iam.remove_user_from_group(GroupName=group["GroupName"], UserName=name)
        for key in self.iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            self.iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        for held in self.iam.list_user_policies(UserName=name)["PolicyNames"]:
            self.iam.delete_user_policy(UserName=name, PolicyName=held)
        self.iam.delete_user(UserName=name)

    def close(self):
        for base in self.bases:
            if base in [one["knowledgeBaseId"] for page in self.agent.get_paginator("list_knowledge_bases").paginate()
                        for one in page["knowledgeBaseSummaries"]]:
                self.agent.delete_knowledge_base(knowledgeBaseId=base)
        for name in self.users:
            self.drop_user(name)
        for role in [*self.roles, self.role]:
            for held in self.iam.list_role_policies(RoleName=role)["PolicyNames"]:
                self.iam.delete_role_policy(RoleName=role, PolicyName=held)
            self.iam.delete_role(RoleName=role)
        empty_bucket(self.s3, self.bucket)


@pytest.fixture
def estate():
    made = Estate()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared():
    """An estate that the scenarios of a file share."""
    made = Estate()
    yield made
    made.close()
