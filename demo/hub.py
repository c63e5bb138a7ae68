"""From a model of the catalogue to an endpoint and back: deployed, asked, compared with another model, measured, removed."""

import json
import os
import subprocess
import sys
import textwrap
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

CRATON = os.environ["CRATON_BIN"]
# The one that is deployed, and the one that it is compared with.
MODEL, OTHER = (os.environ.get("CRATON_DEMO_MODELS", "smollm2-135m-instruct").split(",") + [""])[:2]
NAME = f"demo-{uuid.uuid4().hex[:8]}"
RETAIL = ("A store is having a 20% off sale, and you have an additional 10% off coupon. "
          "If you buy a shirt that originally costs $50, how much will you pay?")

patient = Config(retries={"max_attempts": 8, "mode": "adaptive"}, read_timeout=300)
runtime = boto3.client("bedrock-runtime", config=patient)
endpoints = boto3.client("sagemaker-runtime", config=patient)
sagemaker = boto3.client("sagemaker")


def title(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}")


def craton(*arguments):
    """Runs one of our own commands, which shows its progress itself; returns what it says as JSON."""
    done = subprocess.run([CRATON, *arguments, "--output", "json"], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def size(count):
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def indented(text, width=96):
    lines = [line for part in text.strip().splitlines() for line in (textwrap.wrap(part, width) or [""])]
    return "\n".join(f"   | {line}" for line in lines)


def predict():
    title(f"1. Does it fit, and how fast will it be? (craton models fit {MODEL})")
    fit = craton("models", "fit", MODEL)
    verdict = "it fits" if fit["fits"] else f"{size(fit['missingBytes'])} are missing"
    print(f"   {size(fit['memoryBytes'])} of {size(fit['availableBytes'])}: {verdict}")
    if fit.get("prefillTokensPerSecond"):
        print(f"   expected: reads {fit['prefillTokensPerSecond']:.0f} and writes {fit['decodeTokensPerSecond']:.0f} tokens a second")


def deploy():
    title(f"2. Deploy it (craton deploy {MODEL} --name {NAME} --accept-eula --wait)")
    started = time.perf_counter()
    found = craton("deploy", MODEL, "--name", NAME, "--accept-eula", "--wait")
    print(f"   {found['EndpointStatus']} after {time.perf_counter() - started:.1f} s: {found['EndpointArn']}")
    return found["EndpointArn"]


def invoke(prompt, max_tokens):
    """The article's request, as `predictor.predict(payload)` of the SageMaker SDK sends it."""
    payload = {"messages": [{"role": "user", "content": prompt}], "max_tokens": max_tokens, "temperature": 0.1, "top_p": 0.9}
    started = time.perf_counter()
    answer = endpoints.invoke_endpoint(EndpointName=NAME, ContentType="application/json", Body=json.dumps(payload))
    body = json.loads(answer["Body"].read())
    seconds = time.perf_counter() - started
    served = answer["ResponseMetadata"]["HTTPHeaders"].get("x-craton-served-by", MODEL).split(";")[0]
    print(f"   {prompt}")
    print(indented(body["choices"][0]["message"]["content"]))
    print(f"   [{served}, {body['usage']['completion_tokens']} tokens in {seconds:.1f} s]")
    return body["choices"][0]["message"]["content"]


def chat():
    title("3. Say hello (sagemaker-runtime invoke_endpoint)")
    invoke("Hello!", 60)


def retail():
    title("4. The article's shop: 20 % off, then 10 % off $50 is $36")
    answer = invoke(RETAIL, 200)
    print(f"   $36 {'is' if '36' in answer else 'is not'} in the answer: {'right' if '36' in answer else 'this model cannot do it'}")


def second_model():
    """The model to compare with: the one that was named, else another one that is here, else the same."""
    if OTHER:
        return OTHER
    cards = craton("models", "list")["items"]
    others = [card["name"] for card in cards if card["state"] == "ready" and card.get("chats") and card["name"] != MODEL]
    if others:
        return others[0]
    print(f"\n   {MODEL} is the only chat model here, so it is asked twice: no comparison of models. Pull another one, and name")
    print("   both: craton demo hub --models A,B")
    return MODEL


def streamed(model_id):
    """A question's answer, the milliseconds to its first words, and its tokens a second from there on."""
    started = time.perf_counter()
    answer = runtime.converse_stream(
        modelId=model_id,
        messages=[{"role": "user", "content": [{"text": "Name three uses of granite, in one sentence."}]}],
        inferenceConfig={"maxTokens": 48, "temperature": 0},
    )
    text, first, usage = "", None, {}
    for event in answer["stream"]:
        if "contentBlockDelta" in event:
            first = first or time.perf_counter()
            text += event["contentBlockDelta"]["delta"]["text"]
        usage = event.get("metadata", {}).get("usage", usage)
    speed = (usage["outputTokens"] - 1) / max(time.perf_counter() - (first or started), 1e-6)
    return text, 1000 * ((first or started) - started), speed


def compare(arn):
    other = second_model()
    title(f"5. The same question to two at once (converse_stream: the endpoint's ARN, and {other})")
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(streamed, (arn, other)))
    width = 46
    columns = [textwrap.wrap(" ".join(text.split()), width) for text, _, _ in answers]
    print(f"   {NAME:<{width}}   {other}")
    for at in range(max(map(len, columns))):
        left, right = (column[at] if at < len(column) else "" for column in columns)
        print(f"   {left:<{width}}   {right}".rstrip())
    figures = [f"first words after {first:.0f} ms, {speed:.0f} tokens/s" for _, first, speed in answers]
    print(f"   {figures[0]:<{width}}   {figures[1]}")


def measure():
    title(f"6. What it did (craton endpoints metrics {NAME}; the console draws it, /metrics has it for Prometheus)")
    subprocess.run([CRATON, "endpoints", "metrics", NAME], check=True)
    print(f"   {os.environ['AWS_ENDPOINT_URL']}/console/endpoints?endpoint={NAME}")


def remove():
    title(f"7. Remove it (craton endpoints delete {NAME} --yes)")
    subprocess.run([CRATON, "endpoints", "delete", NAME, "--yes"], check=True)
    deadline = time.monotonic() + 60
    while any(one["EndpointName"] == NAME for one in sagemaker.list_endpoints(NameContains=NAME)["Endpoints"]):
        if time.monotonic() > deadline:
            raise SystemExit(f"{NAME} is still there")
        time.sleep(0.2)
    print("   it is gone; the model's files stay")


predict()
arn = deploy()
chat()
retail()
compare(arn)
measure()
remove()
