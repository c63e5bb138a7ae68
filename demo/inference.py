"""Where a server's work has structure: prompts that begin alike, answers of a form, a tuned model, records in one batch."""

import json
import os
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

CRATON = os.environ["CRATON_BIN"]
CHAT = "anthropic.claude-3-haiku-20240307-v1:0"
MODEL = "smollm2-135m-instruct"
CLIENTS, QUESTIONS = 4, 24

runtime = boto3.client("bedrock-runtime", config=Config(retries={"max_attempts": 8, "mode": "adaptive"}))


def title(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}")


def craton(*arguments):
    """Runs one of our own commands, which shows its progress itself; returns what it says as JSON."""
    done = subprocess.run([CRATON, *arguments, "--output", "json"], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def rubric(number):
    """Instructions as a judge gets them, of about 1,000 tokens; each number has others from its first word on."""
    rules = "".join(f"Rule {rule}: an answer about topic {(rule * 7 + number) % 90} is good if it names a cause, a number and a source; "
                    f"otherwise it gets the grade {1 + rule % 4}.\n" for rule in range(1, 31))
    return f"{number}: You grade answers.\n{rules}"


def ask(number, system, question):
    answer = runtime.converse(
        modelId=CHAT,
        system=[{"text": system}, {"cachePoint": {"type": "default"}}],
        messages=[{"role": "user", "content": [{"text": question}]}],
        inferenceConfig={"maxTokens": 4, "temperature": 0},
    )
    return answer["usage"]


def play(systems):
    """Asks one question of each system prompt, some at a time; tells the seconds and the tokens that came from the cache."""
    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        usages = list(pool.map(ask, range(len(systems)), systems, [f"Grade answer {n}: trees are tall." for n in range(len(systems))]))
    seconds = time.perf_counter() - started
    read = sum(usage["cacheReadInputTokens"] for usage in usages)
    asked = read + sum(usage["inputTokens"] + usage["cacheWriteInputTokens"] for usage in usages)
    print(f"   {len(systems)} requests of {asked // len(systems)} tokens in {seconds:5.2f} s = {len(systems) / seconds:5.1f} a second; "
          f"{read / asked:4.0%} of their tokens were read from the cache")
    return seconds / len(systems)


def share_a_prefix():
    title(f"1. Prompts that begin alike are read once (converse with cachePoint, {CLIENTS} clients)")
    seed = uuid.uuid4().int % 10**6
    print("   each with a rubric of its own:")
    apart = play([rubric(seed + number) for number in range(1, QUESTIONS // 3 + 1)])
    print("   all with the same rubric:")
    together = play([rubric(seed)] * QUESTIONS)
    print(f"   a request takes {apart / together:.1f} times less")


def choose():
    title("2. To choose among answers, nothing has to be written (craton score)")
    review = "The zip broke on the second day and nobody answers my letters."
    scores = craton("score", MODEL, "--message", f"Review: {review}\nIs this review positive or negative?", "positive", "negative")
    for score in scores["scores"]:
        print(f"   {score['text']}: {score['probability']:.0%}")


def answer_in_a_form():
    title("3. An answer that fits its schema, whatever the model would rather say (converse, outputConfig)")
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 24},
            "category": {"enum": ["garden", "kitchen", "office"]},
            "price": {"type": "integer", "minimum": 1, "maximum": 500},
            "in_stock": {"type": "boolean"},
        },
        "required": ["name", "category", "price", "in_stock"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "structure": {"jsonSchema": {"name": "product", "schema": json.dumps(schema)}}}
    started = time.perf_counter()
    answer = runtime.converse(
        modelId=CHAT,
        messages=[{"role": "user", "content": [{"text": "Describe a red kettle for our shop."}]}],
        inferenceConfig={"maxTokens": 120, "temperature": 0},
        outputConfig={"textFormat": form},
    )
    seconds = time.perf_counter() - started
    text = answer["output"]["message"]["content"][0]["text"]
    product = json.loads(text)
    if list(product) != schema["required"]:
        raise SystemExit(f"not of the schema: {text}")
    print(f"   {text}   [{answer['usage']['outputTokens'] / seconds:.0f} tokens/s]")


def tune():
    title(f"4. How is the model best loaded on this machine? (craton models tune {MODEL} --workload moderation --minutes 1)")
    subprocess.run([CRATON, "models", "tune", MODEL, "--workload", "moderation", "--slo", "p95=5s", "--minutes", "1"], check=True)


def batch():
    title("5. Records of a bucket as one job (bedrock.create_model_invocation_job)")
    tag = uuid.uuid4().hex[:8]
    bedrock, s3, iam = boto3.client("bedrock"), boto3.client("s3"), boto3.client("iam")
    bucket, role = f"records-{tag}", f"Batch-{tag}"
    s3.create_bucket(Bucket=bucket)
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    use = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
         "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}]}
    role_arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=role, PolicyName="records", PolicyDocument=json.dumps(use))
    words = ("rain", "stone", "letter", "engine", "bridge", "window", "market", "doctor")
    records = [{"recordId": f"r{number}", "modelInput": {
        "anthropic_version": "bedrock-2023-05-31", "max_tokens": 24, "temperature": 0,
        "messages": [{"role": "user", "content": f"Write one sentence about {words[number % 8]} number {number}."}]}}
        for number in range(100)]
    s3.put_object(Bucket=bucket, Key="in/records.jsonl", Body="\n".join(map(json.dumps, records)).encode())
    started = time.perf_counter()
    job = bedrock.create_model_invocation_job(
        jobName=f"sentences-{tag}", roleArn=role_arn, modelId=CHAT,
        inputDataConfig={"s3InputDataConfig": {"s3InputFormat": "JSONL", "s3Uri": f"s3://{bucket}/in/records.jsonl"}},
        outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{bucket}/out/"}})["jobArn"]
    while (found := bedrock.get_model_invocation_job(jobIdentifier=job))["status"] not in ("Completed", "PartiallyCompleted", "Failed"):
        time.sleep(0.2)
    seconds = time.perf_counter() - started
    if found["status"] != "Completed":
        raise SystemExit(f"the job is {found['status']}: {found.get('message')}")
    out = s3.get_object(Bucket=bucket, Key=f"out/{job.rsplit('/')[-1]}/records.jsonl.out")["Body"].read().decode().splitlines()
    first = json.loads(out[0])
    print(f"   {len(out)} records in {seconds:.1f} s = {len(out) / seconds:.1f} a second, in the order of the input")
    print(f"   {first['recordId']}: {first['modelOutput']['content'][0]['text'].strip()}")
    started = time.perf_counter()
    for record in records[:10]:
        runtime.invoke_model(modelId=CHAT, body=json.dumps(record["modelInput"]))
    print(f"   one by one: {10 / (time.perf_counter() - started):.1f} a second")
    print(f"   the job: {os.environ['AWS_ENDPOINT_URL']}/console/batches")


for step in (share_a_prefix, choose, answer_in_a_form, tune, batch):
    step()
