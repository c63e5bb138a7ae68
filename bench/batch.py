#!/usr/bin/env python3
"""Batch inference against one client: the same number of like records as one batch job, and sent one by one over HTTP.

Usage: batch.py [--records 120] [--groups 10] [--pairs 3] [--answer 16] [--threads 2] [--model FILE.gguf]

Each record is a user's turn that begins with one of a few passages, which the records have in random order, and goes on with
a question of its own. Every measurement has records of its own, of the same lengths, so that nothing is cached from the one
before. A batch is timed from CreateModelInvocationJob to the end of the job: reading, validating, answering and writing the
results. One client sends a signed InvokeModel with the same body for each record and waits for its answer before the next.
Both sides must write the same number of tokens, but for answers that end early.
"""

import argparse
import json
import os
import pathlib
import platform
import random
import time

import botocore.config
import botocore.credentials
import botocore.session

import pairs
import servers

BUCKET, ROLE = "batches", "BenchBatcher"
WORDS = ("river stone cloud garden winter summer letter engine bridge mountain silver copper window market teacher doctor "
         "ocean forest island village morning evening history science music color number machine travel answer").split()
PASSAGE, QUESTION = 300, 12
ENDED = {"Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired"}


class Bench:
    """A server with a model, a bucket and a role that may use it."""

    def __init__(self, craton, model, options):
        self.model, self.options, self.number = model, options, 0
        self.random = random.Random(11)
        env = craton.env
        session = botocore.session.get_session()
        credentials = botocore.credentials.Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
        session._credentials = credentials  # noqa: SLF001 - the environment's own are another server's
        config = botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=600)
        client = lambda service: session.create_client(service, env["AWS_DEFAULT_REGION"], endpoint_url=craton.url, config=config)  # noqa: E731
        self.bedrock, self.runtime, self.s3 = client("bedrock"), client("bedrock-runtime"), client("s3")
        self.s3.create_bucket(Bucket=BUCKET)
        document = lambda statement: json.dumps({"Version": "2012-10-17", "Statement": [statement]})  # noqa: E731
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "bedrock.amazonaws.com"}}
        rights = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"], "Resource": "*"}
        iam = client("iam")
        self.role = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName=ROLE, PolicyName="batch", PolicyDocument=document(rights))

    def words(self, count):
        return " ".join(self.random.choices(WORDS, k=count))

    def bodies(self):
        passages = [self.words(PASSAGE) for _ in range(self.options.groups)]
        texts = [f"{passages[at % len(passages)]}\n\n{self.words(QUESTION)}?" for at in range(self.options.records)]
        self.random.shuffle(texts)
        return [{"messages": [{"role": "user", "content": text}], "max_tokens": self.options.answer, "temperature": 0} for text in texts]

    def batch(self):
        """Records in a second by one job."""
        self.number += 1
        name, bodies = f"bench-{self.number}", self.bodies()
        lines = [json.dumps({"recordId": f"R{at:010}", "modelInput": body}) for at, body in enumerate(bodies)]
        self.s3.put_object(Bucket=BUCKET, Key=f"in/{name}.jsonl", Body="\n".join(lines).encode())
        started = time.perf_counter()
        job = self.bedrock.create_model_invocation_job(
            jobName=name, modelId=self.model, roleArn=self.role,
            inputDataConfig={"s3InputDataConfig": {"s3Uri": f"s3://{BUCKET}/in/{name}.jsonl"}},
            outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{BUCKET}/out/"}})["jobArn"]
        while (found := self.bedrock.get_model_invocation_job(jobIdentifier=job))["status"] not in ENDED:
            time.sleep(0.05)
        seconds = time.perf_counter() - started
        if found["status"] != "Completed" or found["successRecordCount"] != len(bodies):
            raise RuntimeError(f"{found}")
        return len(bodies) / seconds

    def one_by_one(self):
        """Records in a second by one client."""
        bodies = [json.dumps(body) for body in self.bodies()]
        started = time.perf_counter()
        for body in bodies:
            self.runtime.invoke_model(modelId=self.model, body=body)["body"].read()
        return len(bodies) / (time.perf_counter() - started)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=120)
    parser.add_argument("--groups", type=int, default=10)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--answer", type=int, default=16)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--model", type=pathlib.Path, default=pathlib.Path(servers.test_model()))
    parser.add_argument("--craton", default="", help="more arguments for craton up")
    options = parser.parse_args()
    threads = ["--prefill-threads", str(options.threads), "--decode-threads", str(options.threads)]
    with servers.Craton(*threads, *options.craton.split()) as craton:
        craton.cli("models", "pull", f"file:{options.model}")
        model = next(card["name"] for card in json.loads(craton.cli("models", "list", "--output", "json"))["items"]
                     if card["state"] == "ready" and card["kind"] == "text")
        bench = Bench(craton, model, options)
        print(f"{options.model.name}, {platform.machine()}, {os.cpu_count()} cores, {options.threads} threads; {options.records} records over "
              f"{options.groups} passages of {PASSAGE} words, answers of at most {options.answer} tokens\n")
        bench.batch(), bench.one_by_one()
        figures = pairs.alternate(bench.batch, bench.one_by_one, options.pairs)
        print(pairs.HEAD.replace("Craton", "batch").replace("peer", "one by one"))
        print(pairs.row(f"{options.records} records", "records/s", *figures))


if __name__ == "__main__":
    main()
