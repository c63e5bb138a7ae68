"""A company's handbook becomes a knowledge base: passages found, cited answers, readers that see what they may, and the same script against moto."""

import contextlib
import importlib.util
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import uuid

import boto3
from botocore.config import Config

CRATON = os.environ["CRATON_BIN"]
URL = os.environ["AWS_ENDPOINT_URL"].rstrip("/")
REGION = os.environ["AWS_DEFAULT_REGION"]
SAMPLES = pathlib.Path(os.environ["CRATON_DEMO_SAMPLES"])
SCRIPT = pathlib.Path(__file__).with_name("knowledge_script.py")
CHAT_MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
QUESTION = "What does it cost to cancel a booking less than six hours before pickup?"
SECRET = "How much does a mechanic of level 2 earn at the middle of the pay band?"
once = Config(retries={"total_max_attempts": 1}, read_timeout=300)


def title(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}")


def indented(text, width=104, mark="   | "):
    lines = [line for part in text.strip().splitlines() for line in textwrap.wrap(part, width)]
    return "\n".join(mark + line for line in lines)


def name_of(uri):
    return uri.split("/", 3)[-1]


def run_script(**environment):
    """Runs the script on the sample documents; gives the ids and passages that it printed last."""
    with subprocess.Popen([sys.executable, str(SCRIPT), str(SAMPLES), QUESTION], stdout=subprocess.PIPE, text=True,
                          env={**os.environ, **environment}) as running:
        last = ""
        for line in running.stdout:
            if last:
                print(last, end="", flush=True)
            last = line
    if running.returncode:
        raise SystemExit(f"{SCRIPT.name} failed")
    return json.loads(last)


def craton(*arguments):
    """Runs one of our own commands, which prints what it finds."""
    done = subprocess.run([CRATON, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    print(textwrap.indent(done.stdout.strip(), "   "))


def ask_model(runtime, base, text):
    """RetrieveAndGenerate: the chat model reads the passages and answers."""
    found = runtime.retrieve_and_generate(
        input={"text": text},
        retrieveAndGenerateConfiguration={"type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": {
            "knowledgeBaseId": base, "modelArn": f"arn:aws:bedrock:{REGION}::foundation-model/{CHAT_MODEL}",
            "retrievalConfiguration": {"vectorSearchConfiguration": {"numberOfResults": 3}},
            "generationConfiguration": {"inferenceConfig": {"textInferenceConfig": {"temperature": 0, "maxTokens": 160}}}}})
    citations = [(one["generatedResponsePart"]["textResponsePart"]["span"],
                  [(ref["location"], ref["content"]["text"]) for ref in one["retrievedReferences"]]) for one in found["citations"]]
    return found["output"]["text"], citations


def uri_of(location):
    return location["s3Location"]["uri"]


def show_answer(text, citations):
    """The answer with [1] behind each cited part, and the sources under it."""
    sources, marked, at = [], "", 0
    for span, references in citations:
        numbers = []
        for location, passage in references:
            key = (uri_of(location), passage)
            if key not in sources:
                sources.append(key)
            numbers.append(sources.index(key) + 1)
        if numbers:
            # The end of a span is the last character of it.
            marked += text[at:span["end"] + 1] + "".join(f" [{number}]" for number in sorted(set(numbers)))
            at = span["end"] + 1
    print(indented(marked + text[at:]))
    for number, (uri, passage) in enumerate(sources, 1):
        print(f"     [{number}] {name_of(uri)}: “{textwrap.shorten(passage, 90, placeholder='…')}”")
    if not sources:
        print("     no citations")


def retrieve(runtime, base, text):
    return runtime.retrieve(knowledgeBaseId=base, retrievalQuery={"text": text}, retrievalConfiguration={
        "vectorSearchConfiguration": {"numberOfResults": 5}})["retrievalResults"]


def may_read(runtime, base):
    """Whether the pay bands are among the passages, and how long the question took."""
    started = time.perf_counter()
    found = {name_of(one["location"]["s3Location"]["uri"]) for one in retrieve(runtime, base, SECRET)}
    return "people-finance/pay-bands-2026.csv" in found, 1000 * (time.perf_counter() - started)


def reader(iam, base, name):
    """A user who may ask this knowledge base and nothing else, and a client with the user's key."""
    account = boto3.client("sts").get_caller_identity()["Account"]
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": "bedrock:Retrieve", "Resource": f"arn:aws:bedrock:{REGION}:{account}:knowledge-base/{base}"}
    iam.put_user_policy(UserName=name, PolicyName="asks", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.client("bedrock-agent-runtime", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"],
                        config=once)


def revoke(base):
    iam, tag = boto3.client("iam"), uuid.uuid4().hex[:6]
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_group(GroupName="rental-people")
    inside, outside = (reader(iam, base, f"{name}-{tag}") for name in ("mara", "jonas"))
    iam.add_user_to_group(GroupName="rental-people", UserName=f"mara-{tag}")
    print(f"   {SECRET}")
    for name, client in (("mara, of the group rental-people", inside), ("jonas, of no group", outside)):
        seen, _ = may_read(client, base)
        print(f"   {name:<34} {'finds the pay bands' if seen else 'finds nothing of the pay bands'}")
        if seen != (client is inside):
            raise SystemExit("that is not what the access list says")
    iam.remove_user_from_group(GroupName="rental-people", UserName=f"mara-{tag}")
    seen, took = may_read(inside, base)
    print(f"   {'mara, taken out of the group':<34} {'still finds them' if seen else f'finds nothing, in the next query ({took:.0f} ms)'}")
    if seen:
        raise SystemExit("a revoked reader still finds the passage")


@contextlib.contextmanager
def moto():
    """moto's server on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile() as log, subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log) as server:
        try:
            end = time.monotonic() + 60
            while time.monotonic() < end and server.poll() is None:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            else:
                raise SystemExit("moto's server did not start")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def compare():
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask_cors") is None:
        print("   left out: this Python has no moto (pip install 'moto[server]')")
        return
    with moto() as url:
        found = run_script(AWS_ENDPOINT_URL=url, AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing")
    print(f"   passages retrieved from moto: {len(found['passages'])}")


def change_one_page(made):
    """Corrects one document in the bucket and syncs: only that one is read again."""
    key, s3, agent = "customer-service/lost-property.txt", boto3.client("s3"), boto3.client("bedrock-agent")
    text = (SAMPLES / key).read_text(encoding="utf-8").replace("Ordinary things: 60 days", "Ordinary things: 90 days")
    s3.put_object(Bucket=made["bucket"], Key=key, Body=text.encode())
    started = time.perf_counter()
    job = agent.start_ingestion_job(knowledgeBaseId=made["knowledgeBase"], dataSourceId=made["dataSource"])["ingestionJob"]
    while job["status"] in ("STARTING", "IN_PROGRESS"):
        time.sleep(0.05)
        job = agent.get_ingestion_job(knowledgeBaseId=made["knowledgeBase"], dataSourceId=made["dataSource"],
                                      ingestionJobId=job["ingestionJobId"])["ingestionJob"]
    counts = job["statistics"]
    print(f"   {job['status']} after {time.perf_counter() - started:.1f} s: {counts['numberOfDocumentsScanned']} documents looked at, "
          f"{counts['numberOfModifiedDocumentsIndexed']} read again")


def main():
    title("1. A handbook of 49 documents becomes a knowledge base (plain boto3: knowledge_script.py)")
    made = run_script()
    if not made["passages"]:
        raise SystemExit("nothing was retrieved")
    base, runtime = made["knowledgeBase"], boto3.client("bedrock-agent-runtime", config=once)

    title(f"2. What was retrieved: {QUESTION}")
    for one in made["passages"]:
        print(f"   {one['score']:.3f}  {name_of(one['uri'])}")
        print(indented(textwrap.shorten(one["text"], 200, placeholder="…")))

    title(f"3. A cited answer in the documents' own words, without a chat model (craton kb ask {made['name']} '…')")
    craton("kb", "ask", base, QUESTION)

    title("4. The chat model reads the passages and answers (retrieve_and_generate)")
    show_answer(*ask_model(runtime, base, QUESTION))

    title("5. Who may read it? The sidecar of the pay bands names the group rental-people")
    revoke(base)

    title("6. One page changes; the next sync reads that page alone")
    change_one_page(made)

    title("7. The same script against moto's server")
    compare()

    title("Look at it yourself")
    print(f"   {URL}/console/knowledge-bases: the base {made['name']}, its sync history, the chunks of a document,")
    print("   and the test pane with the retrieved passages beside the cited answer")


main()
