"""What boto3 code sees when AWS_ENDPOINT_URL points at Craton. Every answer below comes from a model that runs here."""

import json
import math
import time

import boto3
from botocore.exceptions import ClientError

CHAT = "anthropic.claude-3-haiku-20240307-v1:0"
NOVA = "amazon.nova-micro-v1:0"
TITAN = "amazon.titan-embed-text-v2:0"
COHERE = "cohere.embed-multilingual-v3"

runtime = boto3.client("bedrock-runtime")


def title(text):
    print(f"\n\033[1m{text}\033[0m" if __import__("sys").stdout.isatty() else f"\n{text}")


def who_am_i():
    title("1. Who am I? (sts.get_caller_identity, signed with SigV4)")
    identity = boto3.client("sts").get_caller_identity()
    print(f"   {identity['Arn']} in account {identity['Account']}")


def list_models():
    title("2. Which models answer? (bedrock.list_foundation_models)")
    models = boto3.client("bedrock").list_foundation_models()["modelSummaries"]
    providers = sorted({model["providerName"] for model in models})
    print(f"   {len(models)} model ids of {', '.join(providers)}")


def stream_an_answer():
    title(f"3. A streamed answer (converse_stream, {CHAT})")
    started = time.perf_counter()
    first = None
    answer = runtime.converse_stream(
        modelId=CHAT,
        system=[{"text": "You answer in two short sentences."}],
        messages=[{"role": "user", "content": [{"text": "Why do leaves change their colour in autumn?"}]}],
        inferenceConfig={"maxTokens": 120, "temperature": 0},
    )
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    print("   ", end="")
    for event in answer["stream"]:
        if "contentBlockDelta" in event:
            first = first or time.perf_counter() - started
            print(event["contentBlockDelta"]["delta"]["text"].replace("\n", "\n   "), end="", flush=True)
        if "metadata" in event:
            usage = event["metadata"]["usage"]
            seconds = time.perf_counter() - started
            speed = usage["outputTokens"] / max(seconds - (first or 0), 1e-9)
            print(f"\n   [{usage['inputTokens']} tokens in, {usage['outputTokens']} out; first after {first:.2f} s, "
                  f"{speed:.0f} tokens/s; answered by {headers.get('x-craton-served-by', '?')}]")


def invoke_with_an_anthropic_body():
    title("4. The provider's own body (invoke_model, Anthropic Messages)")
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 60,
        "temperature": 0,
        "messages": [{"role": "user", "content": "Name three uses of a paper clip."}],
    }
    answer = json.loads(runtime.invoke_model(modelId=CHAT, body=json.dumps(body))["body"].read())
    print("   " + answer["content"][0]["text"].strip().replace("\n", "\n   "))
    print(f"   [stop_reason {answer['stop_reason']}, {answer['usage']['output_tokens']} tokens]")


def call_a_tool():
    title(f"5. A forced tool: its arguments always fit the schema (converse, {NOVA})")
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
        "required": ["city", "unit"],
        # Without this the arguments may have any members beside these, and small models go on making them up.
        "additionalProperties": False,
    }
    answer = runtime.converse(
        modelId=NOVA,
        messages=[{"role": "user", "content": [{"text": "What is the weather in Paris, in celsius?"}]}],
        toolConfig={
            "tools": [{"toolSpec": {"name": "get_weather", "description": "The weather now", "inputSchema": {"json": schema}}}],
            "toolChoice": {"tool": {"name": "get_weather"}},
        },
        inferenceConfig={"maxTokens": 100, "temperature": 0},
    )
    call = next(block["toolUse"] for block in answer["output"]["message"]["content"] if "toolUse" in block)
    print(f"   {call['name']}({json.dumps(call['input'])})   [stopReason {answer['stopReason']}]")


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def embed():
    title(f"6. Meaning as vectors (invoke_model, {TITAN} and {COHERE})")
    texts = ["A cat sleeps on the sofa.", "A kitten is dozing on the couch.", "The stock market fell by two percent."]

    def titan(text):
        answer = runtime.invoke_model(modelId=TITAN, body=json.dumps({"inputText": text}))
        return json.loads(answer["body"].read())["embedding"]

    vectors = [titan(text) for text in texts]
    answer = runtime.invoke_model(modelId=COHERE, body=json.dumps({"texts": texts, "input_type": "search_document"}))
    cohere = json.loads(answer["body"].read())["embeddings"]
    for name, found in (("Titan", vectors), ("Cohere", cohere)):
        near, far = cosine(found[0], found[1]), cosine(found[0], found[2])
        print(f"   {name}: {len(found[0])} numbers each; cat~kitten {near:.2f}, cat~stock market {far:.2f}")


def see_an_error():
    title("7. An error that says what to do")
    try:
        runtime.converse(modelId="acme.no-such-model-v1:0", messages=[{"role": "user", "content": [{"text": "Hi"}]}])
    except ClientError as error:
        print(f"   {error.response['Error']['Code']}: {error.response['Error']['Message']}")


for step in (who_am_i, list_models, stream_an_answer, invoke_with_an_anthropic_body, call_a_tool, embed, see_an_error):
    step()
