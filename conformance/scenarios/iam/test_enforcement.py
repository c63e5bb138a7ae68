"""What policies allow and deny: exactly that, and at once."""

import pytest
from conftest import client, refused
from iam_documents import ADMINISTRATOR, BEDROCK, allow, deny, document, statement, unique


@pytest.fixture
def alice(iam_user):
    """The administrator's client, the user's name and her client."""
    name, key, secret = iam_user
    iam = client("iam")
    yield iam, name, client("iam", key, secret)
    for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=policy)
    for policy in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])
    for group in iam.list_groups_for_user(UserName=name)["Groups"]:
        iam.remove_user_from_group(UserName=name, GroupName=group["GroupName"])


def put(alice, text, name="p"):
    alice[0].put_user_policy(UserName=alice[1], PolicyName=name, PolicyDocument=text)


def test_an_embedded_policy_allows_exactly_what_it_says(alice):
    iam, name, own = alice
    refused(own.list_users, "AccessDenied", 403, "because no identity-based policy allows the iam:ListUsers action")
    put(alice, allow("iam:ListUsers"))
    assert own.list_users()["Users"]
    refused(own.list_groups, "AccessDenied", 403, "iam:ListGroups")
    assert iam.get_user_policy(UserName=name, PolicyName="p")["PolicyName"] == "p"
    iam.delete_user_policy(UserName=name, PolicyName="p")
    refused(own.list_users, "AccessDenied", 403)


def test_a_deny_wins(alice):
    put(alice, document(statement("Allow", "iam:*"), statement("Deny", "iam:ListUsers")))
    assert alice[2].list_groups() and refused(alice[2].list_users, "AccessDenied", 403, "with an explicit deny in an identity-based policy")


def test_an_attached_policys_default_version_decides_at_once(alice):
    iam, name, own = alice
    arn = iam.create_policy(PolicyName=unique("p"), PolicyDocument=allow("iam:ListUsers"))["Policy"]["Arn"]
    iam.attach_user_policy(UserName=name, PolicyArn=arn)
    assert own.list_users()
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow("iam:ListGroups"), SetAsDefault=True)
    assert own.list_groups() and refused(own.list_users, "AccessDenied", 403)
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    assert own.list_users() and refused(own.list_groups, "AccessDenied", 403)
    iam.detach_user_policy(UserName=name, PolicyArn=arn)
    refused(own.list_users, "AccessDenied", 403)
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    iam.delete_policy(PolicyArn=arn)


def test_a_member_has_its_groups_policies(alice):
    iam, name, own = alice
    group = unique("group")
    iam.create_group(GroupName=group)
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=allow("iam:ListUsers"))
    iam.add_user_to_group(GroupName=group, UserName=name)
    assert own.list_users()
    iam.remove_user_from_group(GroupName=group, UserName=name)
    refused(own.list_users, "AccessDenied", 403)
    iam.delete_group_policy(GroupName=group, PolicyName="p")
    iam.delete_group(GroupName=group)


def test_a_boundary_limits_even_an_administrator(alice):
    iam, name, own = alice
    arn = iam.create_policy(PolicyName=unique("boundary"), PolicyDocument=allow("iam:List*"))["Policy"]["Arn"]
    iam.attach_user_policy(UserName=name, PolicyArn=ADMINISTRATOR)
    assert own.get_user()
    iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=arn)
    assert own.list_users()
    refused(own.get_user, "AccessDenied", 403, "because no permissions boundary allows the iam:GetUser action")
    iam.delete_user_permissions_boundary(UserName=name)
    assert own.get_user()
    iam.delete_policy(PolicyArn=arn)


def test_a_user_manages_its_own_keys_and_nobody_elses(alice):
    iam, name, own = alice
    put(alice, allow("iam:*AccessKey*", "arn:aws:iam::*:user/${aws:username}"))
    key = own.create_access_key()["AccessKey"]["AccessKeyId"]
    assert key in {k["AccessKeyId"] for k in own.list_access_keys(UserName=name)["AccessKeyMetadata"]}
    refused(lambda: own.list_access_keys(UserName="admin"), "AccessDenied", 403, "user/admin")
    own.delete_access_key(AccessKeyId=key)


def test_who_may_make_users_may_be_held_to_a_boundary(alice):
    iam, _, own = alice
    condition = {"StringEquals": {"iam:PermissionsBoundary": ADMINISTRATOR}}
    put(alice, document(statement("Allow", ["iam:CreateUser", "iam:AttachUserPolicy"], condition=condition), statement("Allow", "iam:DeleteUser")))
    name = unique("made")
    refused(lambda: own.create_user(UserName=name), "AccessDenied", 403)
    own.create_user(UserName=name, PermissionsBoundary=ADMINISTRATOR)
    own.attach_user_policy(UserName=name, PolicyArn=ADMINISTRATOR)
    iam.detach_user_policy(UserName=name, PolicyArn=ADMINISTRATOR)
    iam.delete_user_permissions_boundary(UserName=name)
    refused(lambda: own.attach_user_policy(UserName=name, PolicyArn=ADMINISTRATOR), "AccessDenied", 403)
    own.delete_user(UserName=name)


def test_which_policies_may_be_attached_can_be_limited(alice):
    iam, name, own = alice
    read_only = "arn:aws:iam::aws:policy/AmazonBedrockReadOnly"
    put(alice, allow(["iam:AttachUserPolicy", "iam:DetachUserPolicy"], condition={"ArnEquals": {"iam:PolicyARN": read_only}}))
    own.attach_user_policy(UserName=name, PolicyArn=read_only)
    own.detach_user_policy(UserName=name, PolicyArn=read_only)
    refused(lambda: own.attach_user_policy(UserName=name, PolicyArn=ADMINISTRATOR), "AccessDenied", 403)


def test_tags_of_request_and_resource_decide(alice):
    iam, _, own = alice
    put(alice, document(
        statement("Allow", ["iam:CreateRole", "iam:TagRole"], condition={"StringEquals": {"aws:RequestTag/team": "red"}}),
        statement("Allow", "iam:GetRole", condition={"StringEquals": {"aws:ResourceTag/team": "red"}}),
        statement("Allow", "iam:DeleteRole", condition={"StringEquals": {"iam:ResourceTag/team": "red"}}),
        statement("Allow", "iam:UntagRole", condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["free"]}})))
    name = unique("role")
    make = lambda **more: own.create_role(RoleName=name, AssumeRolePolicyDocument=BEDROCK, **more)
    refused(make, "AccessDenied", 403)
    refused(lambda: make(Tags=[{"Key": "team", "Value": "blue"}]), "AccessDenied", 403)
    make(Tags=[{"Key": "team", "Value": "red"}, {"Key": "free", "Value": ""}])
    assert own.get_role(RoleName=name)
    refused(lambda: own.untag_role(RoleName=name, TagKeys=["team"]), "AccessDenied", 403)
    own.untag_role(RoleName=name, TagKeys=["free"])
    iam.tag_role(RoleName=name, Tags=[{"Key": "team", "Value": "blue"}])
    refused(lambda: own.get_role(RoleName=name), "AccessDenied", 403)
    refused(lambda: own.delete_role(RoleName=name), "AccessDenied", 403)
    iam.tag_role(RoleName=name, Tags=[{"Key": "team", "Value": "red"}])
    own.delete_role(RoleName=name)


def test_paths_are_part_of_what_is_allowed(alice):
    iam, _, own = alice
    name = unique("role")
    iam.create_role(RoleName=name, Path="/apps/", AssumeRolePolicyDocument=BEDROCK)
    put(alice, allow("iam:GetRole", "arn:aws:iam::*:role/other/*"))
    refused(lambda: own.get_role(RoleName=name), "AccessDenied", 403, f"role/apps/{name}")
    put(alice, allow("iam:GetRole", "arn:aws:iam::*:role/apps/*"))
    assert own.get_role(RoleName=name)
    iam.delete_role(RoleName=name)


def test_a_role_is_passed_to_machines_only_by_who_may(alice):
    iam, _, own = alice
    role, profile = unique("role"), unique("profile")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=BEDROCK)
    iam.create_instance_profile(InstanceProfileName=profile)
    put(alice, allow("iam:AddRoleToInstanceProfile"))
    add = lambda: own.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)
    refused(add, "AccessDenied", 403, "iam:PassRole", role)
    put(alice, allow("iam:PassRole", condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}), "pass")
    add()
    iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=role)
    iam.delete_instance_profile(InstanceProfileName=profile)
    iam.delete_role(RoleName=role)


def test_linked_roles_are_made_only_for_the_services_allowed(alice):
    iam, _, own = alice
    put(alice, allow("iam:CreateServiceLinkedRole", condition={"StringLike": {"iam:AWSServiceName": "autoscaling.*"}}))
    refused(lambda: own.create_service_linked_role(AWSServiceName="ecs.amazonaws.com"), "AccessDenied", 403)
    role = own.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com", CustomSuffix="x")["Role"]["RoleName"]
    iam.delete_service_linked_role(RoleName=role)


def test_who_takes_its_own_rights_away_has_none(alice):
    _, name, own = alice
    put(alice, allow("iam:*"))
    own.put_user_policy(UserName=name, PolicyName="none", PolicyDocument=deny("iam:*"))
    refused(lambda: own.delete_user_policy(UserName=name, PolicyName="none"), "AccessDenied", 403, "explicit deny")
