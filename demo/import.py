"""A model of one account is imported by another: denied, explained, repaired, imported, asked, and shut by revoking its key."""

import json
import os
import pathlib
import re
import shlex
import ssl
import subprocess
import sys
import time
import urllib.request
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

CRATON = os.environ["CRATON_BIN"]
CHECKPOINT = pathlib.Path(os.environ["CRATON_DEMO_CHECKPOINT"])
URL, REGION = os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_DEFAULT_REGION"]
ONCE = Config(retries={"total_max_attempts": 1}, read_timeout=300)
ROLE = "BedrockCMIExecutionRole"
PREFIX = "smollm2/"
MODEL = f"smollm2-{uuid.uuid4().hex[:8]}"
# A checkpoint is these files; whatever else lies in the folder stays there.
WANTED = re.compile(r"config\.json|generation_config\.json|tokenizer.*|chat_template.*|added_tokens\.json|model.*\.safetensors(\.index\.json)?")


def title(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def typed(*arguments):
    """Shows a command as it would be typed."""
    print("   $ craton " + " ".join(shlex.quote(word if len(word) < 60 else f"{word[:24]}…") for word in arguments), flush=True)


def craton(*arguments, account=None, check=True):
    """What a command of ours prints as JSON."""
    command = [CRATON, *arguments, "--output", "json", *(["--account", account] if account else [])]
    done = subprocess.run(command, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def show(*arguments, account):
    """Runs a command of ours that a person reads."""
    typed(*arguments, "--account", account)
    subprocess.run([CRATON, *arguments, "--account", account], check=True)


class Account:
    """An account of its own, and clients for it."""

    def __init__(self):
        made = craton("accounts", "create")
        self.id, self.key, self.secret = made["accountId"], made["accessKeyId"], made["secretAccessKey"]

    def client(self, service):
        return boto3.client(service, aws_access_key_id=self.key, aws_secret_access_key=self.secret, config=ONCE)

    def run(self, command):
        """Does what a command line of the AWS CLI says, with boto3."""
        words = shlex.split(command)
        assert words[0] == "aws", command
        arguments, rest = {}, words[3:]
        while rest:
            name = "".join(part.capitalize() for part in rest.pop(0)[2:].split("-"))
            arguments[name] = rest.pop(0) if rest and not rest[0].startswith("--") else True
        arguments.pop("Region", None)
        client = self.client("s3" if words[1] == "s3api" else words[1])
        getattr(client, words[2].replace("-", "_"))(**arguments)


def lines(text, most=24):
    shown = str(text).splitlines()
    for line in shown[:most]:
        print(f"     {line}")
    if len(shown) > most:
        print(f"     … {len(shown) - most} more lines")


def upload(account, bucket, key):
    """Puts the checkpoint into a bucket, encrypted under a key of the account."""
    s3, total = account.client("s3"), 0
    s3.create_bucket(Bucket=bucket)
    for path in sorted(path for path in CHECKPOINT.iterdir() if WANTED.fullmatch(path.name)):
        s3.upload_file(str(path), bucket, PREFIX + path.name, ExtraArgs={"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key})
        total += path.stat().st_size
    head = s3.head_object(Bucket=bucket, Key=PREFIX + "config.json")
    print(f"   {total / 1e6:.0f} MB in s3://{bucket}/{PREFIX}, encrypted: {head['ServerSideEncryption']} {head['SSEKMSKeyId']}")


def research_side(research, bucket, policies):
    """What the account of the checkpoint does, with two mistakes: it forgets a right of the bucket's policy, and its key."""
    document = next(policy["document"] for policy in policies if policy["kind"] == "bucket-policy")
    document["Statement"][0]["Action"].remove("s3:ListBucket")
    research.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    for policy in policies:
        if policy["side"] == "source":
            mistake = "without s3:ListBucket" if policy["kind"] == "bucket-policy" else "forgotten"
            print(f"   step {policy['step']}, {policy['title']}: {mistake}")


def hosting_side(host, policies):
    """Makes what the account that imports needs: the role with its trust and its rights, and the key's statement."""
    iam, kms = host.client("iam"), host.client("kms")
    mine = [policy for policy in policies if policy["side"] == "host"]
    trust = next(policy["document"] for policy in mine if policy["kind"] == "trust-policy")
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))
    for number, policy in enumerate(mine):
        print(f"   step {policy['step']}, {policy['title']}: done")
        if policy["kind"] == "role-policy":
            iam.put_role_policy(RoleName=ROLE, PolicyName=f"import-{number}", PolicyDocument=json.dumps(policy["document"]))
        if policy["kind"] == "key-policy-statement":
            key = policy["resource"]
            document = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
            document["Statement"].append(policy["document"])
            kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(document))


def job_of_boto3(host, role_arn, uri, key):
    """An import as code for AWS starts it; the failure that it ends with."""
    bedrock = host.client("bedrock")
    arn = bedrock.create_model_import_job(
        jobName=f"{MODEL}-first", importedModelName=MODEL, roleArn=role_arn, importedModelKmsKeyId=key,
        modelDataSource={"s3DataSource": {"s3Uri": uri}})["jobArn"]
    while (job := bedrock.get_model_import_job(jobIdentifier=arn))["status"] == "InProgress":
        time.sleep(0.3)
    print(f"   {job['status']}: {job.get('failureMessage')}")
    if job["status"] != "Failed":
        raise SystemExit("the import was not denied")


def repair(token, account, accounts):
    """Explains a denial to an account and makes the changes that are proven to help; how many there were."""
    typed("iam", "explain", token, "--account", account.id)
    explanation = craton("iam", "explain", token, account=account.id)
    for finding in explanation["findings"]:
        print(f"   {finding['text']}")
    made = 0
    for change in explanation["changes"]:
        print(f"   {change['policyType']}: {change['summary']}")
        lines(json.dumps(change["statement"], indent=2))
        for command in change["commands"]:
            print(f"   $ {' '.join(command.split()[:3])} …   (applied)")
            account.run(command)
            made += 1
    if explanation["changes"]:
        print(f"   decided again with this: {'allowed' if explanation['proven'] else 'not yet allowed'}\n")
    for side in explanation["otherSides"]:
        print(f"   {side['text']} {side['accountId']}, whose administrators open a token for their side\n")
        if side["token"] and side["accountId"] in accounts:
            made += repair(side["token"], accounts[side["accountId"]], accounts)
    return made


def make_it_pass(host, research, role_arn, uri, key):
    """Checks, explains and repairs until nothing is missing."""
    arguments = ("import", "doctor", uri, "--role-arn", role_arn, "--kms-key", key)
    for _ in range(6):
        typed(*arguments, "--account", host.id)
        answer = craton(*arguments, account=host.id, check=False)
        for check in answer["checks"]:
            print(f"   {check['outcome']:8} {check['title']}")
        if answer["passes"]:
            model = answer["model"]
            print(f"   {model['class']}, {model['parameters'] / 1e6:.1f} million parameters, {model['modelBytes'] / 1e6:.0f} MB when imported")
            return
        failed = next(check for check in answer["checks"] if check["outcome"] == "failed")
        print(f"   {failed['message']}\n")
        if not failed["requestId"] or repair(failed["requestId"], host, {host.id: host, research.id: research}) == 0:
            raise SystemExit("nothing is proposed that would help")
    raise SystemExit("the repairs did not help")


def ask(host, arn):
    """The model answers through each API."""
    runtime = host.client("bedrock-runtime")
    question = "What is the capital of France?"
    print(f"   asked each time: {question}")
    prompt = f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
    body = json.dumps({"prompt": prompt, "max_gen_len": 24, "temperature": 0})
    answer = json.loads(runtime.invoke_model(modelId=arn, body=body)["body"].read())
    print(f"   InvokeModel (Meta's body):   {answer['generation'].strip()}")
    messages = [{"role": "user", "content": [{"text": question}]}]
    answer = runtime.converse(modelId=arn, messages=messages, inferenceConfig={"maxTokens": 24, "temperature": 0})
    print(f"   Converse:                    {answer['output']['message']['content'][0]['text'].strip()}")
    made = craton("keys", "create", "demo", "--surface", "openai", account=host.id)
    body = {"model": MODEL, "messages": [{"role": "user", "content": question}], "max_tokens": 24, "temperature": 0}
    headers = {"authorization": f"Bearer {made['key']}", "content-type": "application/json"}
    request = urllib.request.Request(f"{URL}/v1/chat/completions", json.dumps(body).encode(), headers)
    context = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE")) if URL.startswith("https") else None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(request, timeout=300) as response:
        answer = json.load(response)
    print(f"   /v1/chat/completions:        {answer['choices'][0]['message']['content'].strip()}")


def refused(call):
    try:
        call()
    except ClientError as error:
        print(f"   {error.response['Error']['Code']}: {error.response['Error']['Message']}")
        return
    raise SystemExit("the model answered without its key")


def revoke(host, arn, key):
    kms, runtime = host.client("kms"), host.client("bedrock-runtime")
    messages = [{"role": "user", "content": [{"text": "Say hello."}]}]
    converse = lambda: runtime.converse(modelId=arn, messages=messages, inferenceConfig={"maxTokens": 8, "temperature": 0})  # noqa: E731
    print("   kms.disable_key")
    kms.disable_key(KeyId=key)
    refused(converse)
    print("   kms.enable_key")
    kms.enable_key(KeyId=key)
    print(f"   {converse()['output']['message']['content'][0]['text'].strip()}")


def clean_up(host, research, bucket, keys):
    """Leaves nothing that takes room; the accounts stay, with their audit records."""
    try:
        host.client("bedrock").delete_imported_model(modelIdentifier=MODEL)
        print(f"   deleted the model {MODEL} and its bytes")
    except ClientError:
        pass
    s3 = research.client("s3")
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for entry in page.get("Contents", []):
                s3.delete_object(Bucket=bucket, Key=entry["Key"])
        s3.delete_bucket(Bucket=bucket)
        print(f"   deleted s3://{bucket}")
    except ClientError:
        pass
    for account, key in keys:
        account.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    print("   both keys are deleted in seven days")


def main():
    title("1. Two accounts: one does research, one hosts models (craton accounts create)")
    research, host = Account(), Account()
    print(f"   research {research.id}, hosting {host.id}")
    bucket = f"model-artifacts-{uuid.uuid4().hex[:8]}"
    uri, role_arn = f"s3://{bucket}/{PREFIX}", f"arn:aws:iam::{host.id}:role/{ROLE}"
    keys = []
    try:
        title("2. The research account's weights, encrypted under its own KMS key (kms.create_key, s3.upload_file)")
        source_key = research.client("kms").create_key()["KeyMetadata"]["Arn"]
        keys.append((research, source_key))
        upload(research, bucket, source_key)

        title("3. Each side's policies, as craton import policies prints them: the hosting account's, and two mistakes of the other's")
        key = host.client("kms").create_key()["KeyMetadata"]["Arn"]
        keys.append((host, key))
        wish = ("import", "policies", "--from", uri, "--role-arn", role_arn, "--source-account", research.id,
                "--source-kms-key", source_key, "--kms-key", key)
        typed(*wish, "--account", host.id)
        policies = craton(*wish, account=host.id)["policies"]
        hosting_side(host, policies)
        research_side(research, bucket, policies)

        title("4. The import is denied (bedrock.create_model_import_job)")
        job_of_boto3(host, role_arn, uri, key)

        title("5. Which grant is missing? Checked, explained, and the proven patch applied, until nothing is")
        make_it_pass(host, research, role_arn, uri, key)

        title("6. The import, from safetensors to an encrypted model (craton import create)")
        show("import", "create", "--model-name", MODEL, "--from", uri, "--role-arn", role_arn, "--kms-key", key, account=host.id)
        arn = host.client("bedrock").get_imported_model(modelIdentifier=MODEL)["modelArn"]

        title("7. It answers through every API")
        ask(host, arn)

        title("8. Its key is revoked: it refuses at once")
        revoke(host, arn, key)
    finally:
        title("9. Cleaning up")
        clean_up(host, research, bucket, keys)

    title("Look at it yourself")
    print(f"   who was denied what:  {URL}/console/ as the hosting account: craton env --account {host.id}")
    print("   the guide:            docs/model-import.md")


main()
