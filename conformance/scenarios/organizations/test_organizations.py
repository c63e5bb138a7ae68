"""AWS Organizations: the tree of accounts, and what service control policies do to them."""

import json
import os
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import client, refused

FULL = "p-FullAWSAccess"
SCP = "SERVICE_CONTROL_POLICY"


def unique(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def statement(effect, action):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": "*"}]})


def dev(service):
    return client(service, os.environ["CONF_DEV_ACCESS_KEY_ID"], os.environ["CONF_DEV_SECRET_ACCESS_KEY"])


@pytest.fixture(scope="module")
def org():
    """The organization of the administrator's account, which other scenarios may have made."""
    org = client("organizations")
    try:
        org.create_organization(FeatureSet="ALL")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AlreadyInOrganizationException"
    return org


@pytest.fixture(scope="module")
def root(org):
    return org.list_roots()["Roots"][0]["Id"]


class Member:
    """An account that was made in the organization, and a session of its administrator's role."""

    def __init__(self, org):
        name = unique("member")
        status = org.create_account(Email=f"{name}@example.com", AccountName=name)["CreateAccountStatus"]
        status = org.describe_create_account_status(CreateAccountRequestId=status["Id"])["CreateAccountStatus"]
        assert status["State"] == "SUCCEEDED", status
        self.id = status["AccountId"]

    def client(self, service):
        keys = client("sts").assume_role(RoleArn=f"arn:aws:iam::{self.id}:role/OrganizationAccountAccessRole", RoleSessionName="admin")
        keys = keys["Credentials"]
        return client(service, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


@pytest.fixture
def member(org):
    return Member(org)


@pytest.fixture
def policy(org):
    """Makes policies and removes them, with where they are attached."""
    made = []

    def make(content):
        made.append(org.create_policy(Content=content, Description="test", Name=unique("policy"), Type=SCP)["Policy"]["PolicySummary"]["Id"])
        return made[-1]

    yield make
    for id in made:
        for target in org.list_targets_for_policy(PolicyId=id)["Targets"]:
            try:
                org.attach_policy(PolicyId=FULL, TargetId=target["TargetId"])
            except ClientError:
                pass
            org.detach_policy(PolicyId=id, TargetId=target["TargetId"])
        org.delete_policy(PolicyId=id)


def test_an_organization_is_described_and_removed():
    org = dev("organizations")
    refused(org.describe_organization, "AWSOrganizationsNotInUseException", 400)
    made = org.create_organization()["Organization"]
    try:
        account = dev("sts").get_caller_identity()["Account"]
        assert made["FeatureSet"] == "ALL" and made["MasterAccountId"] == account
        assert made["Arn"] == f"arn:aws:organizations::{account}:organization/{made['Id']}"
        assert made["AvailablePolicyTypes"] == [{"Type": SCP, "Status": "ENABLED"}]
        assert org.describe_organization()["Organization"] == made
        refused(org.create_organization, "AlreadyInOrganizationException", 400)
        root = org.list_roots()["Roots"][0]
        assert root["PolicyTypes"] == [{"Type": SCP, "Status": "ENABLED"}]
        refused(lambda: org.enable_policy_type(RootId=root["Id"], PolicyType=SCP), "PolicyTypeAlreadyEnabledException", 400)
        assert org.disable_policy_type(RootId=root["Id"], PolicyType=SCP)["Root"]["PolicyTypes"] == []
        assert org.enable_policy_type(RootId=root["Id"], PolicyType=SCP)["Root"]["PolicyTypes"] != []
        refused(lambda: org.enable_policy_type(RootId=root["Id"], PolicyType="TAG_POLICY"), "NotImplementedException", 501, "TAG_POLICY")
        refused(org.leave_organization, "MasterCannotLeaveOrganizationException", 400)
    finally:
        org.delete_organization()


def test_accounts_are_made_with_a_role_that_the_management_account_may_assume(org, member):
    described = org.describe_account(AccountId=member.id)["Account"]
    assert described["Status"] == "ACTIVE" and described["JoinedMethod"] == "CREATED"
    assert member.id in [account["Id"] for page in org.get_paginator("list_accounts").paginate() for account in page["Accounts"]]
    me = member.client("sts").get_caller_identity()
    assert me["Account"] == member.id
    assert me["Arn"] == f"arn:aws:sts::{member.id}:assumed-role/OrganizationAccountAccessRole/admin"
    assert member.client("iam").list_users()["Users"] == []
    assert "SUCCEEDED" in {status["State"] for status in org.list_create_account_status(States=["SUCCEEDED"])["CreateAccountStatuses"]}
    refused(lambda: org.create_account(Email="no", AccountName="x"), "InvalidInputException", 400)
    refused(lambda: org.describe_create_account_status(CreateAccountRequestId="car-" + "0" * 32), "CreateAccountStatusNotFoundException", 400)


def test_an_account_joins_by_invitation_and_leaves(org):
    guest = dev("organizations")
    account = dev("sts").get_caller_identity()["Account"]
    invited = org.invite_account_to_organization(Target={"Id": account, "Type": "ACCOUNT"}, Notes="welcome")["Handshake"]
    assert invited["State"] == "OPEN" and {"Id": account, "Type": "ACCOUNT"} in invited["Parties"]
    refused(lambda: org.invite_account_to_organization(Target={"Id": account, "Type": "ACCOUNT"}), "DuplicateHandshakeException", 400)
    assert invited["Id"] in [item["Id"] for item in guest.list_handshakes_for_account()["Handshakes"]]
    assert guest.describe_handshake(HandshakeId=invited["Id"])["Handshake"]["Action"] == "INVITE"
    assert guest.accept_handshake(HandshakeId=invited["Id"])["Handshake"]["State"] == "ACCEPTED"
    assert guest.describe_organization()["Organization"]["Id"] == org.describe_organization()["Organization"]["Id"]
    refused(guest.list_accounts, "AccessDeniedException", 400, "You don't have permissions to access this resource.")
    guest.leave_organization()
    refused(guest.describe_organization, "AWSOrganizationsNotInUseException", 400)
    again = org.invite_account_to_organization(Target={"Id": account, "Type": "ACCOUNT"})["Handshake"]
    assert org.cancel_handshake(HandshakeId=again["Id"])["Handshake"]["State"] == "CANCELED"
    refused(lambda: guest.accept_handshake(HandshakeId=again["Id"]), "InvalidHandshakeTransitionException", 400)
    third = org.invite_account_to_organization(Target={"Id": account, "Type": "ACCOUNT"})["Handshake"]
    assert guest.decline_handshake(HandshakeId=third["Id"])["Handshake"]["State"] == "DECLINED"
    assert third["Id"] in [item["Id"] for page in org.get_paginator("list_handshakes_for_organization").paginate() for item in page["Handshakes"]]


def test_a_control_policy_denies_an_administrator(org, member, policy):
    iam = member.client("iam")
    iam.list_users()
    deny = policy(statement("Deny", "iam:*"))
    org.attach_policy(PolicyId=deny, TargetId=member.id)
    error = refused(iam.list_users, "AccessDenied", 403, "is not authorized to perform: iam:ListUsers on resource: ")
    assert error["Error"]["Message"].endswith("with an explicit deny in a service control policy")
    client("iam").list_users()
    refused(lambda: org.attach_policy(PolicyId=deny, TargetId=member.id), "DuplicatePolicyAttachmentException", 400)
    refused(lambda: org.delete_policy(PolicyId=deny), "PolicyInUseException", 400)
    org.detach_policy(PolicyId=deny, TargetId=member.id)
    iam.list_users()


def test_a_control_policy_without_an_allow_denies(org, member, policy):
    only_bedrock = policy(statement("Allow", "bedrock:*"))
    org.attach_policy(PolicyId=only_bedrock, TargetId=member.id)
    iam, bedrock = member.client("iam"), member.client("bedrock")
    org.detach_policy(PolicyId=FULL, TargetId=member.id)
    bedrock.list_foundation_models()
    refused(iam.list_users, "AccessDenied", 403, "with an explicit deny in a service control policy")
    error = refused(lambda: org.detach_policy(PolicyId=only_bedrock, TargetId=member.id), "ConstraintViolationException", 400)
    assert error["Reason"] == "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"


def test_the_management_account_is_not_limited(org, root, policy):
    deny = policy(statement("Deny", "*"))
    own = client("sts").get_caller_identity()["Account"]
    org.attach_policy(PolicyId=deny, TargetId=own)
    client("iam").list_users()


def test_moving_an_account_between_units_takes_effect_at_once(org, root, member, policy):
    closed = org.create_organizational_unit(ParentId=root, Name=unique("closed"))["OrganizationalUnit"]
    inner = org.create_organizational_unit(ParentId=closed["Id"], Name="inner")["OrganizationalUnit"]
    org.attach_policy(PolicyId=policy(statement("Deny", "iam:List*")), TargetId=closed["Id"])
    iam = member.client("iam")
    iam.list_users()
    org.move_account(AccountId=member.id, SourceParentId=root, DestinationParentId=inner["Id"])
    refused(iam.list_users, "AccessDenied", 403, "service control policy")
    assert org.list_parents(ChildId=member.id)["Parents"] == [{"Id": inner["Id"], "Type": "ORGANIZATIONAL_UNIT"}]
    assert org.list_children(ParentId=inner["Id"], ChildType="ACCOUNT")["Children"] == [{"Id": member.id, "Type": "ACCOUNT"}]
    assert [account["Id"] for account in org.list_accounts_for_parent(ParentId=inner["Id"])["Accounts"]] == [member.id]
    refused(lambda: org.delete_organizational_unit(OrganizationalUnitId=inner["Id"]), "OrganizationalUnitNotEmptyException", 400)
    org.move_account(AccountId=member.id, SourceParentId=inner["Id"], DestinationParentId=root)
    iam.list_users()
    org.delete_organizational_unit(OrganizationalUnitId=inner["Id"])
    refused(lambda: org.describe_organizational_unit(OrganizationalUnitId=inner["Id"]), "OrganizationalUnitNotFoundException", 400)


def test_units_are_named_once_under_a_parent(org, root):
    name = unique("unit")
    unit = org.create_organizational_unit(ParentId=root, Name=name, Tags=[{"Key": "a", "Value": "b"}])["OrganizationalUnit"]
    refused(lambda: org.create_organizational_unit(ParentId=root, Name=name), "DuplicateOrganizationalUnitException", 400)
    refused(lambda: org.create_organizational_unit(ParentId="r-zzzz", Name=name), "ParentNotFoundException", 400)
    renamed = org.update_organizational_unit(OrganizationalUnitId=unit["Id"], Name=name + "2")["OrganizationalUnit"]
    assert renamed["Name"] == name + "2" and renamed["Arn"] == unit["Arn"]
    listed = [item["Id"] for page in org.get_paginator("list_organizational_units_for_parent").paginate(ParentId=root, MaxResults=1) for item in page["OrganizationalUnits"]]
    assert unit["Id"] in listed and len(listed) == len(set(listed))
    assert org.list_tags_for_resource(ResourceId=unit["Id"])["Tags"] == [{"Key": "a", "Value": "b"}]
    org.tag_resource(ResourceId=unit["Id"], Tags=[{"Key": "c", "Value": ""}])
    org.untag_resource(ResourceId=unit["Id"], TagKeys=["a"])
    assert org.list_tags_for_resource(ResourceId=unit["Id"])["Tags"] == [{"Key": "c", "Value": ""}]
    org.delete_organizational_unit(OrganizationalUnitId=unit["Id"])


def test_policies_are_validated_kept_and_listed(org, root, policy):
    refused(lambda: org.create_policy(Content="{}", Description="", Name="bad", Type=SCP), "MalformedPolicyDocumentException", 400,
            "The provided policy document does not meet the requirements of the specified policy type.")
    id = policy(statement("Allow", "s3:*"))
    changed = org.update_policy(PolicyId=id, Description="other", Content=statement("Allow", "kms:*"))["Policy"]
    assert org.describe_policy(PolicyId=id)["Policy"] == changed
    assert changed["PolicySummary"]["Description"] == "other" and "kms" in changed["Content"]
    assert {id, FULL} <= {item["Id"] for page in org.get_paginator("list_policies").paginate(Filter=SCP) for item in page["Policies"]}
    assert org.list_policies(Filter="TAG_POLICY")["Policies"] == []
    assert [item["Id"] for item in org.list_policies_for_target(TargetId=root, Filter=SCP)["Policies"]] == [FULL]
    assert org.describe_policy(PolicyId=FULL)["Policy"]["PolicySummary"]["AwsManaged"] is True
    refused(lambda: org.delete_policy(PolicyId=FULL), "InvalidInputException", 400)
    refused(lambda: org.describe_policy(PolicyId="p-00000000"), "PolicyNotFoundException", 400)
    refused(lambda: org.attach_policy(PolicyId=id, TargetId="999999999999"), "TargetNotFoundException", 400)


def test_a_closed_account_can_do_nothing(org, member):
    iam = member.client("iam")
    org.close_account(AccountId=member.id)
    assert org.describe_account(AccountId=member.id)["Account"]["Status"] == "SUSPENDED"
    refused(iam.list_users, "InvalidClientTokenId", 403)
    refused(lambda: org.close_account(AccountId=member.id), "AccountAlreadyClosedException", 400)
    # Outside the organization nothing would tell that it is closed.
    refused(lambda: org.remove_account_from_organization(AccountId=member.id), "AccountAlreadyClosedException", 400)


def test_services_are_enabled_by_name(org):
    service = "config.amazonaws.com"
    names = lambda: [entry["ServicePrincipal"] for entry in org.list_aws_service_access_for_organization()["EnabledServicePrincipals"]]
    org.enable_aws_service_access(ServicePrincipal=service)
    org.enable_aws_service_access(ServicePrincipal=service)
    assert names().count(service) == 1
    org.disable_aws_service_access(ServicePrincipal=service)
    org.disable_aws_service_access(ServicePrincipal=service)
    assert service not in names()
    for call in (org.enable_aws_service_access, org.disable_aws_service_access):
        refused(lambda: call(ServicePrincipal="absent.amazonaws.com"), "InvalidInputException", 400, "unrecognized service principal")


def test_what_cannot_be_is_told_in_few_words_and_at_length_beside_them(org):
    error = refused(lambda: org.list_policies(Filter="ABSENT"), "InvalidInputException", 400)
    assert error["Error"]["Message"] == "You specified an invalid value." and error["Reason"] == "INVALID_ENUM"
    assert "'ABSENT' at 'filter'" in error["ResponseMetadata"]["HTTPHeaders"]["x-craton-hint"]
    error = refused(lambda: org.list_tags_for_resource(ResourceId="absent"), "InvalidInputException", 400)
    assert error["Error"]["Message"] == "You provided a value that does not match the required pattern."
    refused(lambda: org.describe_policy(PolicyId="p-absent00"), "PolicyNotFoundException", 400, "You specified a policy that doesn't exist.")
    refused(lambda: org.delete_policy(PolicyId="p-absent00"), "PolicyNotFoundException", 400, "We can't find a policy with the PolicyId")


def test_lists_are_in_the_order_of_making(org, root):
    parent = org.create_organizational_unit(ParentId=root, Name=unique("ordered"))["OrganizationalUnit"]["Id"]
    made = [org.create_organizational_unit(ParentId=parent, Name=f"unit-{n}")["OrganizationalUnit"]["Id"] for n in range(7)]
    pages = org.get_paginator("list_organizational_units_for_parent").paginate(ParentId=parent, MaxResults=3)
    assert [unit["Id"] for page in pages for unit in page["OrganizationalUnits"]] == made
    for id in [*made, parent]:
        org.delete_organizational_unit(OrganizationalUnitId=id)
