"""The life of an endpoint under load: from deploy to the first token, cold and warm, and 1 -> 3 -> 0 -> 1 replicas under clients.

Usage: endpoints.py [--model smollm2-135m-instruct] [--clients 32] [--hold 5] [--tokens 16]

Works with the server that AWS_ENDPOINT_URL and the keys in the environment name (scripts/with-server.sh sets them). "Cold" is the first
deployment since the server began, "warm" one whose weights are mapped already; "from zero" is the first request to an endpoint that was
scaled to none. A request that is neither answered nor told when to come again is lost.
"""

import argparse
import json
import platform
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--hold", type=float, default=5, help="seconds between two changes")
    parser.add_argument("--tokens", type=int, default=16)
    options = parser.parse_args()
    sm, rt = client("sagemaker"), client("sagemaker-runtime")
    name, cold = deploy(sm, rt, options.model, options.tokens)
    other, warm = deploy(sm, rt, options.model, options.tokens)
    remove(sm, other)
    print(f"{options.model} on {platform.machine()}: deploy to first token {cold:.2f} s cold, {warm:.2f} s warm")
    load = Load(name, options.clients, options.tokens)
    try:
        for count in (3, 0, 1):
            time.sleep(options.hold)
            print(f"to {count} replicas under {options.clients} clients: {scale(sm, name, count):.2f} s")
        time.sleep(options.hold)
    finally:
        load.end()
    print(f"requests: {load.counts}, slowest {load.slowest:.2f} s")
    scale(sm, name, 0)
    print(f"from zero to first token: {first_token(rt, name, options.tokens):.2f} s")
    remove(sm, name)
    raise SystemExit(1 if load.counts["lost"] else 0)


if __name__ == "__main__":
    main()
