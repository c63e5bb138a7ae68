import json

import pytest
from conftest import client, refused
from iam_documents import ADMINISTRATOR, allow, pages, unique


@pytest.fixture
def group():
    iam, name = client("iam"), unique("group")
    iam.create_group(GroupName=name, Path="/team/")
    yield name
    for user in iam.get_group(GroupName=name)["Users"]:
        iam.remove_user_from_group(GroupName=name, UserName=user["UserName"])
    for policy in iam.list_group_policies(GroupName=name)["PolicyNames"]:
        iam.delete_group_policy(GroupName=name, PolicyName=policy)
    for policy in iam.list_attached_group_policies(GroupName=name)["AttachedPolicies"]:
        iam.detach_group_policy(GroupName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_group(GroupName=name)


def test_a_group_has_members(group, iam_user):
    iam, user = client("iam"), iam_user[0]
    assert iam.get_group(GroupName=group)["Group"]["Arn"].endswith(f":group/team/{group}")
    iam.add_user_to_group(GroupName=group, UserName=user)
    iam.add_user_to_group(GroupName=group, UserName=user)
    assert [u["UserName"] for u in iam.get_group(GroupName=group)["Users"]] == [user]
    assert [g["GroupName"] for g in iam.list_groups_for_user(UserName=user)["Groups"]] == [group]
    assert group in {g["GroupName"] for g in pages(iam, "list_groups", "Groups", PathPrefix="/team/")}
    refused(lambda: iam.create_group(GroupName=group.upper()), "EntityAlreadyExists", 409, f"Group with name {group.upper()} already exists.")
    refused(lambda: iam.delete_group(GroupName=group), "DeleteConflict", 409, "must remove users from group first")
    refused(lambda: iam.delete_user(UserName=user), "DeleteConflict", 409)
    iam.remove_user_from_group(GroupName=group, UserName=user)
    refused(lambda: iam.remove_user_from_group(GroupName=group, UserName=user), "NoSuchEntity", 404, f"User {user} not in group {group}.")
    refused(lambda: iam.add_user_to_group(GroupName=unique("none"), UserName=user), "NoSuchEntity", 404, "The group with name")


def test_a_group_has_policies(group):
    iam = client("iam")
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=allow("s3:*"))
    assert iam.get_group_policy(GroupName=group, PolicyName="p")["PolicyDocument"] == json.loads(allow("s3:*"))
    assert iam.list_group_policies(GroupName=group)["PolicyNames"] == ["p"]
    iam.attach_group_policy(GroupName=group, PolicyArn=ADMINISTRATOR)
    assert [p["PolicyArn"] for p in iam.list_attached_group_policies(GroupName=group)["AttachedPolicies"]] == [ADMINISTRATOR]
    refused(lambda: iam.get_group_policy(GroupName=group, PolicyName="q"), "NoSuchEntity", 404, "The group policy with name q cannot be found.")
    refused(lambda: iam.delete_group(GroupName=group), "DeleteConflict", 409, "must detach all policies first")


def test_a_group_is_renamed(iam_user):
    iam, old, new = client("iam"), unique("group"), unique("renamed")
    iam.create_group(GroupName=old)
    iam.update_group(GroupName=old, NewGroupName=new, NewPath="/x/")
    assert iam.get_group(GroupName=new)["Group"]["Path"] == "/x/"
    refused(lambda: iam.get_group(GroupName=old), "NoSuchEntity", 404, f"The group with name {old} cannot be found.")
    iam.delete_group(GroupName=new)
