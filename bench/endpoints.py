"""The life of an endpoint under load: from deploy to the first token, cold and warm, and 1 -> 3 -> 0 -> 1 replicas under clients.

Usage: endpoints.py [--model smollm2-135m-instruct] [--clients 32] [--hold 5] [--tokens 16] [--checkpoint FOLDER] [--rounds 5]

Works with the server that AWS_ENDPOINT_URL, CRATON_DATA_DIR and the keys in the environment name (scripts/with-server.sh sets them).
"From disk" is a deployment after every file of the server was dropped from the page cache, with no other endpoint of the model; "warm" one
whose weights are mapped already; "from zero" is the first request to an endpoint that was scaled to none. With --checkpoint the same is
measured of that checkpoint, imported into a model encrypted under a key of the account, which is decrypted into memory each time. A
request that is neither answered nor told when to come again is lost.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import threading
import time
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

BODY = {"messages": [{"role": "user", "content": "Count from one to ten."}], "temperature": 0}


def client(service):
    return boto3.client(service, config=Config(retries={"total_max_attempts": 1}, read_timeout=300, max_pool_connections=64))


def settled(sm, name):
    while True:
        told = sm.describe_endpoint(EndpointName=name)
        if told["EndpointStatus"] not in ("Creating", "Updating"):
            assert told["EndpointStatus"] == "InService", told.get("FailureReason")
            return told
        time.sleep(0.02)


def first_token(rt, name, tokens):
    """Seconds to the first piece of text of a streamed answer."""
    began = time.perf_counter()
    body = json.dumps(BODY | {"max_tokens": tokens, "stream": True})
    for event in rt.invoke_endpoint_with_response_stream(EndpointName=name, Body=body)["Body"]:
        line = event["PayloadPart"]["Bytes"].decode()
        if line.startswith("data: {") and json.loads(line[6:])["choices"][0]["delta"].get("content"):
            return time.perf_counter() - began
    raise AssertionError("no token came")


def deploy(sm, rt, model, tokens):
    """A new endpoint, and the seconds from deploying it to its first token."""
    name = f"bench-{uuid.uuid4().hex[:8]}"
    sm.create_model(ModelName=name, PrimaryContainer={"Environment": {"CRATON_MODEL_ID": model}})
    sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[{
        "VariantName": "All", "ModelName": name, "InstanceType": "ml.g6.12xlarge", "InitialInstanceCount": 1}])
    began = time.perf_counter()
    sm.create_endpoint(EndpointName=name, EndpointConfigName=name)
    settled(sm, name)
    first_token(rt, name, tokens)
    return name, time.perf_counter() - began


def remove(sm, name):
    sm.delete_endpoint(EndpointName=name)
    sm.delete_endpoint_config(EndpointConfigName=name)
    sm.delete_model(ModelName=name)


def scale(sm, name, count):
    """Seconds until the endpoint has so many replicas."""
    began = time.perf_counter()
    wish = {"VariantName": "All", "DesiredInstanceCount": count}
    sm.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=[wish])
    told = settled(sm, name)
    assert "FailureReason" not in told, told["FailureReason"]
    return time.perf_counter() - began


class Load:
    """Clients that ask one request after another, until told to stop."""

    def __init__(self, name, clients, tokens):
        self.counts, self.slowest, self.lock = {"answered": 0, "throttled": 0, "lost": 0}, 0.0, threading.Lock()
        self.stop, self.body, self.name = threading.Event(), json.dumps(BODY | {"max_tokens": tokens}), name
        self.threads = [threading.Thread(target=self.ask) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def ask(self):
        rt = client("sagemaker-runtime")
        while not self.stop.is_set():
            began, wait = time.perf_counter(), 0
            try:
                rt.invoke_endpoint(EndpointName=self.name, Body=self.body)["Body"].read()
                outcome = "answered"
            except ClientError as error:
                wait = int(error.response["ResponseMetadata"]["HTTPHeaders"].get("retry-after", 0))
                outcome = "throttled" if wait and error.response["ResponseMetadata"]["HTTPStatusCode"] == 429 else "lost"
            with self.lock:
                self.counts[outcome] += 1
                self.slowest = max(self.slowest, time.perf_counter() - began)
            self.stop.wait(wait)

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def dropped(folder):
    """Nothing of the files in a folder is in the page cache."""
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size > 1 << 20:
            with open(path, "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def imported(folder):
    """The name of a model that a checkpoint in an encrypted bucket was imported as, encrypted under a key of the account."""
    kms, s3, iam, bedrock = client("kms"), client("s3"), client("iam"), client("bedrock")
    name = f"bench-{uuid.uuid4().hex[:8]}"
    key = kms.create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket=name)
    for path in folder.iterdir():
        if path.suffix in (".json", ".safetensors"):
            with open(path, "rb") as body:
                s3.put_object(Bucket=name, Key=f"model/{path.name}", Body=body, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "bedrock.amazonaws.com"}}
    rights = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket", "kms:*"], "Resource": "*"}
    document = lambda statement: json.dumps({"Version": "2012-10-17", "Statement": [statement]})  # noqa: E731
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="import", PolicyDocument=document(rights))
    job = bedrock.create_model_import_job(jobName=name, importedModelName=name, roleArn=role, importedModelKmsKeyId=key,
                                          modelDataSource={"s3DataSource": {"s3Uri": f"s3://{name}/model/"}})["jobArn"]
    while (told := bedrock.get_model_import_job(jobIdentifier=job))["status"] == "InProgress":
        time.sleep(0.2)
    assert told["status"] == "Completed", told
    return name


def starts(sm, rt, model, tokens, rounds):
    """Prints how long a model takes to its first token from disk, warm and from zero: medians and ranges."""
    disk, warm, zero = [], [], []
    for _ in range(rounds):
        dropped(pathlib.Path(os.environ["CRATON_DATA_DIR"]))
        name, seconds = deploy(sm, rt, model, tokens)
        disk.append(seconds)
        other, seconds = deploy(sm, rt, model, tokens)
        warm.append(seconds)
        remove(sm, other)
        scale(sm, name, 0)
        zero.append(first_token(rt, name, tokens))
        remove(sm, name)
    told = (f"{what} {statistics.median(taken):.2f} s ({min(taken):.2f} to {max(taken):.2f})"
            for what, taken in (("from disk", disk), ("warm", warm), ("from zero", zero)))
    print(f"{model}, {rounds} rounds, deploy to first token: {', '.join(told)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--hold", type=float, default=5, help="seconds between two changes")
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--checkpoint", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    sm, rt = client("sagemaker"), client("sagemaker-runtime")
    print(f"{platform.platform()}, {os.cpu_count()} cores")
    starts(sm, rt, options.model, options.tokens, options.rounds)
    if options.checkpoint:
        starts(sm, rt, imported(options.checkpoint), options.tokens, options.rounds)
    name, _ = deploy(sm, rt, options.model, options.tokens)
    load = Load(name, options.clients, options.tokens)
    try:
        for count in (3, 0, 1):
            time.sleep(options.hold)
            print(f"to {count} replicas under {options.clients} clients: {scale(sm, name, count):.2f} s")
        time.sleep(options.hold)
    finally:
        load.end()
    print(f"requests: {load.counts}, slowest {load.slowest:.2f} s")
    remove(sm, name)
    raise SystemExit(1 if load.counts["lost"] else 0)


if __name__ == "__main__":
    main()
