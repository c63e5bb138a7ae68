"""Denials that explain: each mistake is named, and the change that is proposed is applied as it is printed, and works."""

import json
import os
import subprocess
import sys
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import client, refused, signed

AWS = os.path.dirname(sys.executable)


def unique(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource, **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


class Person:
    """A user with an access key."""

    def __init__(self, iam, name):
        self.iam, self.name = iam, name
        self.arn = iam.create_user(UserName=name)["User"]["Arn"]
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self.key, self.secret = key["AccessKeyId"], key["SecretAccessKey"]

    def client(self, service):
        return client(service, self.key, self.secret)

    def put(self, *statements, name="own"):
        self.iam.put_user_policy(UserName=self.name, PolicyName=name, PolicyDocument=policy(*statements))


class Account:
    """Another account, by its administrator's key."""

    def __init__(self):
        made = signed("POST", "/craton/v1/accounts", "craton", b"{}", {"content-type": "application/json"}).json()
        self.id = made["accountId"]
        self.key, self.secret = made["accessKeyId"], made["secretAccessKey"]

    def client(self, service):
        return client(service, self.key, self.secret)


@pytest.fixture
def alice():
    person = Person(client("iam"), unique("alice"))
    yield person
    for name in person.iam.list_user_policies(UserName=person.name)["PolicyNames"]:
        person.iam.delete_user_policy(UserName=person.name, PolicyName=name)
    try:
        person.iam.delete_user_permissions_boundary(UserName=person.name)
    except ClientError:
        pass
    person.iam.delete_access_key(UserName=person.name, AccessKeyId=person.key)
    person.iam.delete_user(UserName=person.name)


def denied(call, code="AccessDenied", status=403):
    """The id of the request that is denied."""
    return refused(call, code, status)["ResponseMetadata"]["RequestId"]


def environment(key=None, secret=None, token=None):
    """For commands: those of another caller than the administrator find the server through AWS's variables."""
    made = os.environ | {"AWS_PAGER": "", "PATH": f"{AWS}:{os.environ['PATH']}"}
    if key:
        made.pop("CRATON_DATA_DIR", None)
        made |= {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
    return made | ({"AWS_SESSION_TOKEN": token} if token else {})


def craton(*arguments, **who):
    done = subprocess.run([os.environ["CRATON_BIN"], *arguments], capture_output=True, text=True, timeout=120, env=environment(**who))
    assert done.returncode == 0, done.stderr
    return done.stdout


def explain(id, **who):
    return json.loads(craton("iam", "explain", id, "--output", "json", **who))


def apply(explanation, **who):
    """Runs the commands that the explanation prints."""
    assert explanation["proven"], explanation
    for change in explanation["changes"]:
        run("\n".join(change["commands"]), **who)


def run(commands, **who):
    done = subprocess.run(["sh", "-euc", commands], capture_output=True, text=True, timeout=120, env=environment(**who))
    assert done.returncode == 0, done.stderr + commands


def mistakes(explanation):
    return [finding["mistake"] for finding in explanation["findings"]]


def test_the_bucket_is_named_without_its_objects(alice, bucket):
    client("s3").put_object(Bucket=bucket, Key="m/config.json", Body=b"{}")
    alice.put(allow("s3:GetObject", f"arn:aws:s3:::{bucket}"))
    get = lambda: alice.client("s3").get_object(Bucket=bucket, Key="m/config.json")
    explanation = explain(denied(get))
    assert mistakes(explanation) == ["missing-object-wildcard"]
    assert explanation["principal"] == alice.arn and explanation["action"] == "s3:GetObject"
    assert explanation["message"].endswith("because no identity-based policy allows the s3:GetObject action")
    assert explanation["alsoAllows"]["count"] > 0
    apply(explanation)
    assert get()["Body"].read() == b"{}"


def test_an_object_that_is_not_there_asks_for_list_bucket(alice, bucket):
    alice.put(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    get = lambda: alice.client("s3").get_object(Bucket=bucket, Key="gone")
    explanation = explain(denied(get))
    assert mistakes(explanation) == ["missing-list-bucket"]
    apply(explanation)
    refused(get, "NoSuchKey", 404)


def test_a_boundary_is_widened(alice, bucket):
    alice.put(allow("s3:*", "*"))
    iam = client("iam")
    arn = iam.create_policy(PolicyName=unique("edge"), PolicyDocument=policy(allow("s3:Get*", "*")))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName=alice.name, PermissionsBoundary=arn)
    put = lambda: alice.client("s3").put_object(Bucket=bucket, Key="k", Body=b"x")
    explanation = explain(denied(put))
    assert mistakes(explanation) == ["permissions-boundary"]
    assert explanation["deniedBy"]["policyType"] == "permissions boundary"
    apply(explanation)
    put()


def test_a_key_policy_lacks_describe_key(alice):
    kms = client("kms")
    account = client("sts").get_caller_identity()["Account"]
    administrators = allow("kms:*", "*", Principal={"AWS": client("sts").get_caller_identity()["Arn"]})
    share = allow(["kms:Decrypt", "kms:GenerateDataKey"], "*", Principal={"AWS": alice.arn}, Sid="Share")
    key = kms.create_key(Policy=policy(administrators, share), BypassPolicyLockoutSafetyCheck=True)["KeyMetadata"]["Arn"]
    assert f":{account}:" in key
    describe = lambda: alice.client("kms").describe_key(KeyId=key)
    explanation = explain(denied(describe, "AccessDeniedException", 400))
    assert mistakes(explanation) == ["missing-action"]
    assert explanation["changes"][0]["statement"]["Action"] == ["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"]
    apply(explanation)
    assert describe()["KeyMetadata"]["Arn"] == key


def test_a_bucket_of_another_account_needs_both_sides(alice):
    other = Account()
    name = unique("theirs")
    theirs = other.client("s3")
    theirs.create_bucket(Bucket=name)
    theirs.put_object(Bucket=name, Key="k", Body=b"x")
    get = lambda: alice.client("s3").get_object(Bucket=name, Key="k")
    explanation = explain(denied(get))
    assert explanation["deniedBy"]["side"] == "caller"
    [side] = explanation["otherSides"]
    assert (side["side"], side["accountId"], side["text"]) == ("resource", other.id, "denied by the resource's account")
    apply(explanation)
    explanation = explain(denied(get))
    assert explanation["changes"] == [] and explanation["deniedBy"]["text"] == "Denied by the resource's account."
    [side] = explanation["otherSides"]
    refusal = signed("GET", f"/craton/v1/requests/{side['token']}/explanation", "craton")
    assert refusal.status_code == 404, "the token is for the other account alone"
    who = {"key": other.key, "secret": other.secret}
    opened = explain(side["token"], **who)
    assert mistakes(opened) == ["no-resource-policy"]
    assert opened["changes"][0]["statement"]["Principal"] == {"AWS": alice.arn}
    assert all(policy["side"] == "resource" for policy in opened["policies"])
    apply(opened, **who)
    assert get()["Body"].read() == b"x"
    found = other.client("cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": f"{name}/k"}])
    assert alice.arn in {json.loads(event["CloudTrailEvent"])["userIdentity"]["arn"] for event in found["Events"]}


def test_a_bucket_policy_names_the_wrong_account(alice):
    other, third = Account(), Account()
    name = unique("theirs")
    theirs = other.client("s3")
    theirs.create_bucket(Bucket=name)
    theirs.put_object(Bucket=name, Key="k", Body=b"x")
    shared = allow("s3:GetObject", f"arn:aws:s3:::{name}/*", Principal={"AWS": f"arn:aws:iam::{third.id}:root"}, Sid="Share")
    theirs.put_bucket_policy(Bucket=name, Policy=policy(shared))
    alice.put(allow("s3:GetObject", f"arn:aws:s3:::{name}/*"))
    get = lambda: alice.client("s3").get_object(Bucket=name, Key="k")
    id = denied(get)
    who = {"key": other.key, "secret": other.secret}
    explanation = explain(id, **who)
    assert mistakes(explanation) == ["wrong-account"] and third.id in explanation["findings"][0]["text"]
    apply(explanation, **who)
    assert get()["Body"].read() == b"x"


def test_a_trust_policy_names_someone_who_was_deleted(alice):
    iam = client("iam")
    bob = Person(iam, unique("bob"))
    trust = policy({"Effect": "Allow", "Principal": {"AWS": bob.arn}, "Action": "sts:AssumeRole"})
    role = iam.create_role(RoleName=unique("role"), AssumeRolePolicyDocument=trust)["Role"]
    iam.delete_access_key(UserName=bob.name, AccessKeyId=bob.key)
    iam.delete_user(UserName=bob.name)
    again = Person(iam, bob.name)
    again.put(allow("sts:AssumeRole", role["Arn"]))
    assume = lambda: again.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="session")
    explanation = explain(denied(assume))
    assert mistakes(explanation) == ["unknown-principal"]
    apply(explanation)
    assert assume()["Credentials"]


def test_a_service_control_policy_denies():
    org = client("organizations")
    try:
        org.create_organization(FeatureSet="ALL")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AlreadyInOrganizationException"
    made = org.create_account(Email=f"{unique('m')}@example.com", AccountName="m")["CreateAccountStatus"]
    member = org.describe_create_account_status(CreateAccountRequestId=made["Id"])["CreateAccountStatus"]["AccountId"]
    keys = client("sts").assume_role(RoleArn=f"arn:aws:iam::{member}:role/OrganizationAccountAccessRole", RoleSessionName="admin")["Credentials"]
    iam = client("iam", keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    content = policy({"Sid": "NoUsers", "Effect": "Deny", "Action": ["iam:ListUsers", "iam:CreateUser"], "Resource": "*"})
    scp = org.create_policy(Content=content, Description="d", Name=unique("p"), Type="SERVICE_CONTROL_POLICY")["Policy"]["PolicySummary"]["Id"]
    org.attach_policy(PolicyId=scp, TargetId=member)
    id = denied(iam.list_users)
    theirs = explain(id, key=keys["AccessKeyId"], secret=keys["SecretAccessKey"], token=keys["SessionToken"])
    assert theirs["message"].endswith("with an explicit deny in a service control policy")
    [side] = theirs["otherSides"]
    assert side["side"] == "organization" and "NoUsers" not in json.dumps(theirs)
    opened = explain(side["token"])
    assert mistakes(opened) == ["service-control-policy"] and "NoUsers" in opened["findings"][0]["text"]
    apply(opened)
    iam.list_users()
    org.detach_policy(PolicyId=scp, TargetId=member)
    org.delete_policy(PolicyId=scp)


def test_an_explanation_reads_well(alice, bucket):
    alice.put(allow("s3:GetObject", f"arn:aws:s3:::{bucket}"))
    text = craton("iam", "explain", denied(lambda: alice.client("s3").get_object(Bucket=bucket, Key="k")))
    for part in [alice.arn, "s3:GetObject", "What is wrong:", "The smallest change that allows it:", "$ aws iam put-user-policy", "allowed."]:
        assert part in text, text


def test_who_may_is_listed_with_statements(alice, bucket):
    alice.put(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Sid="Read", Condition={"Bool": {"aws:SecureTransport": "true"}}))
    answer = json.loads(craton("iam", "who-can", "s3:GetObject", f"arn:aws:s3:::{bucket}/k", "--output", "json"))
    assert answer["resourceFound"]
    hers = next(who for who in answer["items"] if who["principal"] == alice.arn)
    assert hers["through"][0]["sid"] == "Read" and hers["through"][0]["if"] == ["aws:SecureTransport Bool true"]
    assert any(who["kind"] == "root" for who in answer["items"])
    assert "if aws:SecureTransport" in craton("iam", "who-can", "s3:GetObject", f"arn:aws:s3:::{bucket}/k")


def test_who_may_explain_must_be_allowed(alice):
    id = denied(alice.client("iam").list_users)
    key = {"key": alice.key, "secret": alice.secret}
    done = subprocess.run([os.environ["CRATON_BIN"], "iam", "explain", id], capture_output=True, text=True, timeout=120, env=environment(**key))
    assert done.returncode != 0 and "craton:ExplainRequest" in done.stderr
    alice.put(allow("craton:ExplainRequest", "*"))
    hers = explain(id, **key)
    assert all(not policy["readable"] and not policy["statements"] for policy in hers["policies"])


def test_simulations_agree_with_what_happens(alice, bucket):
    alice.put(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/a/*"))
    iam = client("iam")
    resources = [f"arn:aws:s3:::{bucket}/a/k", f"arn:aws:s3:::{bucket}/b/k"]
    results = iam.simulate_principal_policy(PolicySourceArn=alice.arn, ActionNames=["s3:GetObject", "s3:PutObject"], ResourceArns=resources)
    decisions = {(one["EvalActionName"], one["EvalResourceName"]): one["EvalDecision"] for one in results["EvaluationResults"]}
    assert decisions == {("s3:GetObject", resources[0]): "allowed", ("s3:GetObject", resources[1]): "implicitDeny",
                         ("s3:PutObject", resources[0]): "implicitDeny", ("s3:PutObject", resources[1]): "implicitDeny"}
    first = results["EvaluationResults"][0]
    assert first["MatchedStatements"][0]["SourcePolicyType"] == "user" and first["MatchedStatements"][0]["StartPosition"]["Line"] == 1
    assert first["ResourceSpecificResults"][0]["EvalResourceDecision"] == "allowed"
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=alice.arn, ActionNames=["s3:GetObject", "s3:PutObject"], ResourceArns=resources, PaginationConfig={"PageSize": 1})
    assert sum(len(page["EvaluationResults"]) for page in pages) == 4
    refused(lambda: iam.simulate_principal_policy(PolicySourceArn=alice.arn + "x", ActionNames=["s3:GetObject"]), "NoSuchEntity", 404)


def test_given_policies_are_simulated():
    iam = client("iam")
    text = policy(allow("s3:*", "arn:aws:s3:::homes/${aws:username}/*", Condition={"Bool": {"aws:SecureTransport": "true"}}))
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[text])["ContextKeyNames"] == ["aws:SecureTransport", "aws:username"]
    ask = lambda **more: iam.simulate_custom_policy(
        PolicyInputList=[text], ActionNames=["s3:GetObject"], ResourceArns=["arn:aws:s3:::homes/ann/x"], **more)["EvaluationResults"][0]
    bare = ask()
    assert bare["EvalDecision"] == "implicitDeny" and bare["ResourceSpecificResults"][0]["MissingContextValues"] == ["aws:username"]
    entries = [{"ContextKeyName": "aws:username", "ContextKeyValues": ["ann"], "ContextKeyType": "string"},
               {"ContextKeyName": "aws:SecureTransport", "ContextKeyValues": ["true"], "ContextKeyType": "boolean"}]
    assert ask(ContextEntries=entries)["EvalDecision"] == "allowed"
    edge = ask(ContextEntries=entries, PermissionsBoundaryPolicyInputList=[policy(allow("ec2:*", "*"))])
    assert edge["EvalDecision"] == "implicitDeny" and not edge["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"]
    refused(lambda: iam.simulate_custom_policy(PolicyInputList=["{"], ActionNames=["s3:GetObject"]), "InvalidInput", 400)
    refused(lambda: iam.simulate_custom_policy(PolicyInputList=[text], ActionNames=["s3:*"]), "InvalidInput", 400)


def test_the_event_history_has_denials_changes_and_reads(alice):
    trail = client("cloudtrail")
    id = denied(alice.client("iam").list_users)
    look = lambda key, value, **more: trail.lookup_events(LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}], **more)["Events"]
    [event] = look("AccessKeyId", alice.key)
    assert (event["EventName"], event["EventSource"], event["Username"], event["ReadOnly"]) == ("ListUsers", "iam.amazonaws.com", alice.name, "true")
    record = json.loads(event["CloudTrailEvent"])
    assert record["requestID"] == id and record["errorCode"] == "AccessDenied" and record["userIdentity"]["type"] == "IAMUser"
    assert "Boto3" in record["userAgent"] and record["eventID"] == event["EventId"] and alice.secret not in event["CloudTrailEvent"]
    assert look("EventId", event["EventId"]) == [event]
    assert look("EventName", "CreateUser")[0]["Resources"][0]["ResourceType"] == "AWS::IAM::User"
    alice.put(allow("iam:ListUsers", "*"))
    alice.client("iam").list_users()
    assert [one for one in look("AccessKeyId", alice.key) if "errorCode" not in json.loads(one["CloudTrailEvent"])]
    assert len(trail.lookup_events(MaxResults=1)["Events"]) == 1
    pages = trail.get_paginator("lookup_events").paginate(
        LookupAttributes=[{"AttributeKey": "AccessKeyId", "AttributeValue": alice.key}], PaginationConfig={"PageSize": 1})
    assert sum(len(page["Events"]) for page in pages) == 2
    refused(lambda: trail.lookup_events(StartTime=time.time(), EndTime=time.time() - 60), "InvalidTimeRangeException", 400)
    refused(lambda: trail.lookup_events(NextToken="x"), "InvalidNextTokenException", 400)
    refused(trail.list_trails, "NotImplementedException", 501, "ListTrails")
