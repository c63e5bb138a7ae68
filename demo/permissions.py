"""Two accounts share a bucket as in "cross-account model deployment": denied, explained, repaired, allowed, backed up and restored."""

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

CRATON = os.environ["CRATON_BIN"]
ONCE = Config(retries={"total_max_attempts": 1})


def title(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}")


def craton(*arguments, account=None):
    """What a command of ours prints as JSON."""
    command = [CRATON, *arguments, "--output", "json", *(["--account", account] if account else [])]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def client(service, key):
    return boto3.client(service, aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"],
                        aws_session_token=key.get("SessionToken"), config=ONCE)


def account():
    made = craton("accounts", "create")
    return made["accountId"], {"AccessKeyId": made["accessKeyId"], "SecretAccessKey": made["secretAccessKey"]}


def denied(call):
    """The request id of a call that must be refused."""
    try:
        call()
    except ClientError as error:
        print(f"   {error.response['Error']['Code']}: {error.response['Error']['Message']}")
        return error.response["ResponseMetadata"]["RequestId"]
    raise SystemExit("the request was not denied")


def apply(changes, holders):
    """Makes the changes of an explanation with boto3, each on its side; tells how many there were."""
    for change in changes:
        print(f"   {change['summary']}")
        for line in json.dumps(change["statement"], indent=2).splitlines():
            print(f"     {line}")
        document = json.dumps(change["document"])
        if change["side"] == "caller":
            holders["iam"].put_role_policy(RoleName=holders["role"], PolicyName="reads", PolicyDocument=document)
        else:
            holders["s3"].put_bucket_policy(Bucket=holders["bucket"], Policy=document)
    return len(changes)


def repair(request, account_id, holders):
    """Explains a denial as an administrator of the account and applies what is proven to help."""
    explanation = craton("iam", "explain", request, account=account_id)
    shown = request if len(request) < 40 else f"{request[:16]}…"
    print(f"   $ craton iam explain {shown} --account {account_id}")
    for finding in explanation["findings"]:
        print(f"   {finding['text']}")
    made = apply(explanation["changes"], holders)
    print(f"   decided again with all changes: {'allowed' if explanation['proven'] else 'not yet allowed'}; "
          f"this one allows {explanation['alsoAllows']['count']} other things that were tried")
    for side in explanation["otherSides"]:
        print(f"\n   also {side['text']} {side['accountId']}, whose administrators open a token for their side:")
        made += repair(side["token"], side["accountId"], holders) if side["token"] else 0
    return made


def main():
    title("1. Two accounts: one develops models, one hosts them (craton accounts create)")
    dev, dev_key = account()
    host, host_key = account()
    print(f"   development {dev}, hosting {host}")

    title("2. The weights lie in the development account (s3.put_object)")
    s3, bucket = client("s3", dev_key), f"model-artifacts-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="mistral/config.json", Body=b'{"model_type": "mistral"}')
    print(f"   s3://{bucket}/mistral/config.json")

    title("3. The hosting account's role wants to read them (sts.assume_role, s3.get_object)")
    iam = client("iam", host_key)
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{host}:root"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="importer", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    session = client("sts", host_key).assume_role(RoleArn=role, RoleSessionName="demo")["Credentials"]
    reader = client("s3", session)
    read = lambda: reader.get_object(Bucket=bucket, Key="mistral/config.json")  # noqa: E731
    request = first = denied(read)

    title("4. Why? (craton iam explain, from the caller's side and then from the bucket's)")
    holders = {"iam": iam, "role": "importer", "s3": s3, "bucket": bucket}
    for attempt in range(4):
        if repair(request, host, holders) == 0:
            raise SystemExit("the explanation proposes nothing")
        try:
            body = read()["Body"].read()
            break
        except ClientError as error:
            print(f"   still denied: {error.response['Error']['Message']}")
            request = error.response["ResponseMetadata"]["RequestId"]
    else:
        raise SystemExit("the repairs did not help")

    title("5. The same request again (s3.get_object)")
    print(f"   {body.decode()}")

    title(f"6. Who else may read it? (craton iam who-can s3:GetObject arn:aws:s3:::{bucket}/mistral/config.json)")
    for who in craton("iam", "who-can", "s3:GetObject", f"arn:aws:s3:::{bucket}/mistral/config.json", account=dev)["items"]:
        print(f"   {who['principal']}")

    title("7. A backup while the server serves, restored into an empty folder (craton backup create, verify, restore)")
    with tempfile.TemporaryDirectory() as folder:
        backup, data = os.path.join(folder, "backup"), os.path.join(folder, "data")
        craton("backup", "create", backup)
        s3.delete_object(Bucket=bucket, Key="mistral/config.json")
        print(f"   backed up; then deleted s3://{bucket}/mistral/config.json")
        print(f"   verified: {craton('backup', 'verify', backup)['files']} files are whole")
        craton("backup", "restore", backup, "--data-dir", data)
        with subprocess.Popen([CRATON, "up", "--data-dir", data, "--listen", "127.0.0.1:0"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                endpoint = wait_for(os.path.join(data, "endpoint.json"), server)
                restored = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id=dev_key["AccessKeyId"],
                                        aws_secret_access_key=dev_key["SecretAccessKey"])
                print(f"   restored: {restored.get_object(Bucket=bucket, Key='mistral/config.json')['Body'].read().decode()}")
            finally:
                server.terminate()


    title("Look at it yourself")
    print(f"   the denial:  {os.environ['AWS_ENDPOINT_URL']}/console/why-denied?request={first}")
    print(f"                signed in with the key of the hosting account: craton env --account {host}")
    print("   every decision: Audit log there, or aws cloudtrail lookup-events")


def wait_for(path, server):
    """The address of a server that is starting."""
    for _ in range(300):
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                return json.load(file)["url"]
        if server.poll() is not None:
            raise SystemExit("the restored server ended at once")
        time.sleep(0.1)
    raise SystemExit("the restored server did not start")


main()
