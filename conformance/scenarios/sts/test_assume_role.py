"""Sessions of roles: who may assume which, and what a session may do."""

import datetime
import json
import os
import subprocess
import sys
import uuid

import pytest

from conftest import REGION, URL, client, refused

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
AWS = os.path.join(os.path.dirname(sys.executable), "aws")
TAGGING = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]


def unique(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def document(action, resource="*", effect="Allow"):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": resource}]})


def trust(principal, action="sts:AssumeRole", **condition):
    statement = {"Effect": "Allow", "Principal": principal, "Action": action}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def account(side):
    key, secret = os.environ[f"CONF_{side}_ACCESS_KEY_ID"], os.environ[f"CONF_{side}_SECRET_ACCESS_KEY"]
    return lambda service: client(service, key, secret)


DEV, HOST = account("DEV"), account("HOST")


def id_of(side):
    return side("sts").get_caller_identity()["Account"]


@pytest.fixture
def roles():
    """Makes roles of the host account that may do everything, and removes them."""
    iam, made = HOST("iam"), []

    def make(document, policy=ADMINISTRATOR, **more):
        name = unique("role")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, **more)["Role"]["Arn"]
        made.append(name)
        iam.attach_role_policy(RoleName=name, PolicyArn=policy)
        return arn

    yield make
    for name in made:
        remove(iam, name)


def remove(iam, name):
    try:
        for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        iam.delete_role(RoleName=name)
    except iam.exceptions.NoSuchEntityException:
        pass


@pytest.fixture
def ada():
    """A user of the development account without rights: (name, clients, policy giver)."""
    iam, name = DEV("iam"), unique("ada")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    given = []

    def give(policy):
        given.append(unique("policy"))
        iam.put_user_policy(UserName=name, PolicyName=given[-1], PolicyDocument=policy)

    yield name, lambda service: client(service, key["AccessKeyId"], key["SecretAccessKey"]), give
    for policy in given:
        iam.delete_user_policy(UserName=name, PolicyName=policy)
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


def assume(caller, arn, **more):
    return caller("sts").assume_role(RoleArn=arn, RoleSessionName=more.pop("RoleSessionName", "work"), **more)


def session(caller, arn, **more):
    keys = assume(caller, arn, **more)["Credentials"]
    return lambda service: client(service, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


def test_a_role_of_ones_own_account_is_assumed(roles):
    host = id_of(HOST)
    arn = roles(trust({"AWS": host}))
    answer = assume(HOST, arn, DurationSeconds=900)
    name = arn.rsplit("/")[-1]
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{host}:assumed-role/{name}/work"
    assert answer["AssumedRoleUser"]["AssumedRoleId"].startswith("AROA") and "PackedPolicySize" not in answer
    keys = answer["Credentials"]
    left = keys["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(seconds=880) < left <= datetime.timedelta(seconds=905)
    me = client("sts", keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]).get_caller_identity()
    assert me == {**me, "UserId": answer["AssumedRoleUser"]["AssumedRoleId"], "Account": host, "Arn": answer["AssumedRoleUser"]["Arn"]}
    refused(client("sts", keys["AccessKeyId"], keys["SecretAccessKey"]).get_caller_identity, "InvalidClientTokenId", 403)
    refused(client("sts", keys["AccessKeyId"], keys["SecretAccessKey"], "nonsense").get_caller_identity, "InvalidClientTokenId", 403)
    assert HOST("sts").get_access_key_info(AccessKeyId=keys["AccessKeyId"])["Account"] == host


def test_two_accounts_must_agree(roles, ada):
    name, clients, give = ada
    arn = roles(trust({"AWS": f"arn:aws:iam::{id_of(DEV)}:root"}))
    me = clients("sts").get_caller_identity()["Arn"]
    start = f"User: {me} is not authorized to perform: sts:AssumeRole on resource: {arn}"
    error = refused(lambda: assume(clients, arn), "AccessDenied", 403)
    assert error["Error"]["Message"] == start + " because no identity-based policy allows the sts:AssumeRole action"
    give(document("sts:AssumeRole", arn))
    assert session(clients, arn)("sts").get_caller_identity()["Account"] == id_of(HOST)
    HOST("iam").update_assume_role_policy(RoleName=arn.rsplit("/")[-1], PolicyDocument=trust({"Service": "bedrock.amazonaws.com"}))
    error = refused(lambda: assume(clients, arn), "AccessDenied", 403)
    assert error["Error"]["Message"] == start, "what the other account's policy says is its own"


def test_a_role_that_is_not_there_is_not_told_from_one_that_says_no():
    me = HOST("sts").get_caller_identity()["Arn"]
    for arn in [f"arn:aws:iam::{id_of(HOST)}:role/absent", f"arn:aws:iam::{id_of(DEV)}:role/absent", "arn:aws:iam::776941257690:role/BedrockCMIExecutionRole-777788889999"]:
        error = refused(lambda: assume(HOST, arn), "AccessDenied", 403)
        assert error["Error"]["Message"] == f"User: {me} is not authorized to perform: sts:AssumeRole on resource: {arn}"


def test_an_external_id_must_fit(roles):
    arn = roles(trust({"AWS": id_of(DEV)}, StringEquals={"sts:ExternalId": "e-1"}))
    refused(lambda: assume(DEV, arn), "AccessDenied", 403)
    refused(lambda: assume(DEV, arn, ExternalId="e-2"), "AccessDenied", 403)
    assert session(DEV, arn, ExternalId="e-1")("iam").list_roles()["Roles"]


def test_a_session_policy_narrows(roles):
    arn = roles(trust({"AWS": id_of(HOST)}))
    answer = assume(HOST, arn, Policy=document("iam:List*"))
    assert 1 <= answer["PackedPolicySize"] <= 100
    iam = session(HOST, arn, Policy=document("iam:List*"))("iam")
    iam.list_users()
    refused(lambda: iam.get_role(RoleName="x"), "AccessDenied", 403, "because no session policy allows the iam:GetRole action")
    session(HOST, arn, PolicyArns=[{"arn": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"}])("iam").list_users()
    wide = session(HOST, roles(trust({"AWS": id_of(HOST)}), policy="arn:aws:iam::aws:policy/IAMReadOnlyAccess"), Policy=document("*"))
    refused(lambda: wide("iam").create_user(UserName="x"), "AccessDenied", 403, "because no identity-based policy allows")
    refused(lambda: assume(HOST, arn, Policy="{"), "MalformedPolicyDocument", 400)
    refused(lambda: assume(HOST, arn, Policy=document("s3:" + "x" * 2100)), "PackedPolicyTooLarge", 400)
    refused(lambda: assume(HOST, arn, PolicyArns=[{"arn": "arn:aws:iam::aws:policy/None"}]), "ValidationError", 400)


def test_tags_reach_conditions_and_need_a_right(roles):
    plain = roles(trust({"AWS": id_of(DEV)}))
    refused(lambda: assume(DEV, plain, Tags=[{"Key": "team", "Value": "a"}]), "AccessDenied", 403, "sts:TagSession")
    arn = roles(trust({"AWS": id_of(DEV)}, TAGGING, StringEquals={"aws:RequestTag/team": ["a", "b"]}))
    refused(lambda: assume(DEV, arn, Tags=[{"Key": "team", "Value": "c"}]), "AccessDenied", 403)
    only = {"Effect": "Deny", "Action": "iam:*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:PrincipalTag/team": "a"}}}
    HOST("iam").put_role_policy(RoleName=arn.rsplit("/")[-1], PolicyName="only", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [only]}))
    session(DEV, arn, Tags=[{"Key": "team", "Value": "a"}])("iam").list_users()
    refused(session(DEV, arn, Tags=[{"Key": "team", "Value": "b"}])("iam").list_users, "AccessDenied", 403, "explicit deny in an identity-based policy")
    refused(lambda: assume(DEV, arn, Tags=[{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}]), "InvalidParameterValue", 400)
    refused(lambda: assume(DEV, arn, TransitiveTagKeys=["team"]), "InvalidParameterValue", 400)


def test_a_chain_carries_transitive_tags_and_lasts_an_hour(roles):
    one = roles(trust({"AWS": id_of(DEV)}, TAGGING), MaxSessionDuration=7200)
    two = roles(trust({"AWS": id_of(HOST)}, TAGGING, StringEquals={"aws:RequestTag/cost": "42"}), MaxSessionDuration=7200)
    first = session(DEV, one, Tags=[{"Key": "cost", "Value": "42"}], TransitiveTagKeys=["cost"], SourceIdentity="ada", DurationSeconds=7200)
    answer = assume(first, two)
    assert answer["SourceIdentity"] == "ada"
    refused(lambda: assume(first, two, DurationSeconds=3601), "ValidationError", 400, "1 hour session limit for roles assumed by role chaining")
    refused(lambda: assume(session(DEV, one), two), "AccessDenied", 403)


def test_durations_have_bounds(roles):
    arn = roles(trust({"AWS": id_of(HOST)}))
    refused(lambda: assume(HOST, arn, DurationSeconds=899), "ValidationError", 400, "durationSeconds", "greater than or equal to 900")
    refused(lambda: assume(HOST, arn, DurationSeconds=43201), "ValidationError", 400, "durationSeconds", "less than or equal to 43200")
    refused(lambda: assume(HOST, arn, DurationSeconds=3601), "ValidationError", 400, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    refused(lambda: assume(HOST, arn, RoleSessionName="a"), "ValidationError", 400, "roleSessionName")
    refused(lambda: assume(HOST, arn, RoleSessionName="a b"), "ValidationError", 400, "roleSessionName")
    refused(lambda: assume(HOST, "arn:aws:iam::123456789012:user/someone"), "ValidationError", 400, "is invalid")


def test_sessions_end_with_their_role(roles):
    arn = roles(trust({"AWS": id_of(HOST)}))
    kept = session(HOST, arn)("iam")
    name = arn.rsplit("/")[-1]
    HOST("iam").update_assume_role_policy(RoleName=name, PolicyDocument=trust({"Service": "bedrock.amazonaws.com"}))
    kept.list_users()
    assert HOST("iam").get_role(RoleName=name)["Role"]
    remove(HOST("iam"), name)
    refused(kept.list_users, "InvalidClientTokenId", 403)


def test_old_sessions_are_revoked_by_a_policy(roles):
    arn = roles(trust({"AWS": id_of(HOST)}))
    iam = session(HOST, arn)("iam")
    iam.list_users()
    later = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"DateLessThan": {"aws:TokenIssueTime": later}}}
    HOST("iam").put_role_policy(RoleName=arn.rsplit("/")[-1], PolicyName="AWSRevokeOlderSessions", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    refused(iam.list_users, "AccessDenied", 403, "with an explicit deny in an identity-based policy")


def test_credentials_of_a_session_open_no_more_than_its_user(ada, roles):
    name, clients, give = ada
    arn = roles(trust({"AWS": id_of(DEV)}, TAGGING))
    give(document(TAGGING, arn))
    keys = clients("sts").get_session_token()["Credentials"]
    chained = lambda service: client(service, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    assert assume(chained, arn, Tags=[{"Key": "a", "Value": "b"}])["Credentials"]["AccessKeyId"].startswith("ASIA")
    refused(lambda: chained("sts").get_session_token(), "AccessDenied", 403)


def test_what_is_not_built_says_so_even_without_a_signature():
    sts = client("sts")
    role = f"arn:aws:iam::{id_of(HOST)}:role/x"
    call = lambda: sts.assume_role_with_saml(RoleArn=role, PrincipalArn=role.replace(":role/", ":saml-provider/"), SAMLAssertion="assertion")
    refused(call, "NotImplemented", 501, "AssumeRoleWithSAML")


def test_a_denial_is_decoded_by_the_id_of_its_request(ada):
    name, clients, give = ada
    error = refused(lambda: clients("iam").list_users(), "AccessDenied", 403)
    id = error["ResponseMetadata"]["RequestId"]
    message = json.loads(DEV("sts").decode_authorization_message(EncodedMessage=id)["DecodedMessage"])
    assert not message["allowed"] and not message["explicitDeny"] and message["context"]["action"] == "iam:ListUsers"
    assert message["context"]["principal"]["arn"].endswith(f":user/{name}")
    refused(lambda: clients("sts").decode_authorization_message(EncodedMessage=id), "AccessDenied", 403, "sts:DecodeAuthorizationMessage")
    refused(lambda: HOST("sts").decode_authorization_message(EncodedMessage=id), "InvalidAuthorizationMessageException", 400)
    refused(lambda: HOST("sts").decode_authorization_message(EncodedMessage="nonsense"), "InvalidAuthorizationMessageException", 400)


def test_the_aws_cli_assumes_a_role_by_its_profile(roles, tmp_path):
    arn = roles(trust({"AWS": id_of(DEV)}))
    (tmp_path / "credentials").write_text(
        f"[base]\naws_access_key_id={os.environ['CONF_DEV_ACCESS_KEY_ID']}\naws_secret_access_key={os.environ['CONF_DEV_SECRET_ACCESS_KEY']}\n")
    (tmp_path / "config").write_text(f"[profile base]\nregion={REGION}\n[profile x]\nrole_arn={arn}\nsource_profile=base\nrole_session_name=cli\nregion={REGION}\n")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    env = {**kept, "AWS_ENDPOINT_URL": URL, "AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
           "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
    run = subprocess.run([AWS, "sts", "get-caller-identity", "--profile", "x"], env=env, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["Arn"] == f"arn:aws:sts::{id_of(HOST)}:assumed-role/{arn.rsplit('/')[-1]}/cli"
