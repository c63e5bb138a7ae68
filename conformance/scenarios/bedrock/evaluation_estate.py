"""What the scenarios of evaluation jobs stand on: a bucket, a role, requests, and answers that the dataset brings."""

import json
import time
import uuid

from conftest import CLAUDE, client, empty_bucket

ALL = ("s3:GetObject", "s3:PutObject", "bedrock:InvokeModel")
PASSAGES = ["There is a moderate hiatal hernia.", "The heart is of normal size."]


def document(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


class Evaluator:
    """A bucket and a role that may use it and invoke models."""

    def __init__(self):
        self.tag = uuid.uuid4().hex[:8]
        self.bedrock, self.s3, self.iam = client("bedrock"), client("s3"), client("iam")
        self.bucket, self.role = f"evals-{self.tag}", f"Evaluator-{self.tag}"
        self.s3.create_bucket(Bucket=self.bucket)
        trust = document(Principal={"Service": "bedrock.amazonaws.com"}, Action="sts:AssumeRole")
        self.role_arn = self.iam.create_role(RoleName=self.role, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        self.allow(*ALL)

    def allow(self, *actions):
        """Lets the role do this and nothing else."""
        self.iam.put_role_policy(RoleName=self.role, PolicyName="evals", PolicyDocument=document(Action=actions, Resource="*"))

    def request(self, lines, metrics, inference, application="RagEvaluation", **more):
        """A request over these lines: records, or a text as it is."""
        text = lines if isinstance(lines, str) else "\n".join(map(json.dumps, lines))
        self.s3.put_object(Bucket=self.bucket, Key="in.jsonl", Body=text.encode())
        automated = {"datasetMetricConfigs": [{"taskType": "Custom", "metricNames": metrics, "dataset": {
                         "name": "own", "datasetLocation": {"s3Uri": f"s3://{self.bucket}/in.jsonl"}}}],
                     "evaluatorModelConfig": {"bedrockEvaluatorModels": [{"modelIdentifier": CLAUDE}]}} | more
        return dict(jobName=f"eval-{uuid.uuid4().hex[:8]}", roleArn=self.role_arn, applicationType=application,
                    evaluationConfig={"automated": automated}, inferenceConfig=inference,
                    outputDataConfig={"s3Uri": f"s3://{self.bucket}/out/"})

    def ended(self, arn):
        while (job := self.bedrock.get_evaluation_job(jobIdentifier=arn))["status"] in ("InProgress", "Stopping"):
            time.sleep(0.1)
        return job

    def keys(self, name):
        return [o["Key"] for o in self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"out/{name}/").get("Contents", [])]

    def results(self, name):
        keys = self.keys(name)
        [key] = [key for key in keys if key.endswith("_output.jsonl")]
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read().decode()

    def close(self):
        empty_bucket(self.s3, self.bucket)
        self.iam.delete_role_policy(RoleName=self.role, PolicyName="evals")
        self.iam.delete_role(RoleName=self.role)


def own_rag(answer):
    content = lambda text: {"content": [{"text": text}]}
    passage = lambda text: {"content": {"text": text}}
    return {"conversationTurns": [{
        "prompt": content("What do the findings show?"), "referenceResponses": [content("A hiatal hernia.")],
        "output": {"text": answer, "knowledgeBaseIdentifier": "theirs",
                   "retrievedPassages": {"retrievalResults": [passage(text) for text in PASSAGES]},
                   "citations": [{"generatedResponsePart": {"textResponsePart": {"span": {"start": 0, "end": 5}, "text": answer}},
                                  "retrievedReferences": [passage(PASSAGES[0])]}]}}]}


RAG = {"ragConfigs": [{"precomputedRagSourceConfig": {"retrieveAndGenerateSourceConfig": {"ragSourceIdentifier": "theirs"}}}]}
