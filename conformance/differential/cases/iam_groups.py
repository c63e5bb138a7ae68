"""IAM groups: members, policies, lists."""

from case import Case, call, pages
from cases.documents import READ, WRITE

POWER = "arn:aws:iam::aws:policy/PowerUserAccess"

CASES = [
    Case("iam.groups.create", [
        call("iam.create_group", GroupName="<name>", Path="/teams/", keep={"id": "Group.GroupId"}),
        call("iam.get_group", GroupName="<name>"),
        call("iam.create_group", GroupName="<name>", fails="EntityAlreadyExists", status=409),
        call("iam.list_groups", PathPrefix="/teams/", where=("Groups", "GroupName", "<fresh>")),
        call("iam.delete_group", GroupName="<name>"),
        call("iam.get_group", GroupName="<name>", fails="NoSuchEntity", status=404),
        call("iam.delete_group", GroupName="<name>", fails="NoSuchEntity"),
    ]),
    Case("iam.groups.bad_input", [
        call("iam.create_group", GroupName="a b", fails="ValidationError"),
        call("iam.create_group", GroupName="x" * 129, fails="ValidationError"),
        call("iam.create_group", GroupName="<name>", Path="p", fails="ValidationError"),
    ]),
    Case("iam.groups.in_use_are_kept.member", [
        call("iam.create_group", GroupName="<name>"),
        call("iam.create_user", UserName="<name>"),
        call("iam.add_user_to_group", GroupName="<name>", UserName="<name>"),
        call("iam.delete_user", UserName="<name>", fails="DeleteConflict", status=409),
        call("iam.delete_group", GroupName="<name>", fails="DeleteConflict", status=409),
    ]),
    Case("iam.groups.in_use_are_kept.inline_policy", [
        call("iam.create_group", GroupName="<name>"),
        call("iam.put_group_policy", GroupName="<name>", PolicyName="read", PolicyDocument=READ),
        call("iam.delete_group", GroupName="<name>", fails="DeleteConflict", status=409),
    ]),
    Case("iam.groups.in_use_are_kept.attached_policy", [
        call("iam.create_group", GroupName="<name>"),
        call("iam.attach_group_policy", GroupName="<name>", PolicyArn=POWER),
        call("iam.delete_group", GroupName="<name>", fails="DeleteConflict", status=409),
    ]),
    Case("iam.groups.update", [
        call("iam.create_group", GroupName="<name>"),
        call("iam.update_group", GroupName="<name>", NewGroupName="<name>-new", NewPath="/moved/"),
        call("iam.get_group", GroupName="<name>-new"),
        call("iam.get_group", GroupName="<name>", fails="NoSuchEntity"),
        call("iam.update_group", GroupName="<name>", NewGroupName="x", fails="NoSuchEntity"),
    ]),
    Case("iam.groups.members", [
        call("iam.create_group", GroupName="<name>"),
        call("iam.create_user", UserName="<name>-a"),
        call("iam.create_user", UserName="<name>-b"),
        call("iam.add_user_to_group", GroupName="<name>", UserName="<name>-a"),
        call("iam.add_user_to_group", GroupName="<name>", UserName="<name>-a"),
        call("iam.add_user_to_group", GroupName="<name>", UserName="<name>-b"),
        call("iam.get_group", GroupName="<name>"),
        pages("iam.get_group", 1, GroupName="<name>"),
        call("iam.list_groups_for_user", UserName="<name>-a"),
        call("iam.remove_user_from_group", GroupName="<name>", UserName="<name>-a"),
        call("iam.remove_user_from_group", GroupName="<name>", UserName="<name>-a", fails="NoSuchEntity"),
        call("iam.list_groups_for_user", UserName="<name>-a"),
        call("iam.remove_user_from_group", GroupName="<name>", UserName="<name>-b"),
        call("iam.delete_group", GroupName="<name>"),
    ]),
    Case("iam.groups.absent_members", [
        call("iam.create_group", GroupName="<name>"),
        call("iam.create_user", UserName="<name>"),
        call("iam.add_user_to_group", GroupName="<name>", UserName="<name>-no", fails="NoSuchEntity"),
        call("iam.add_user_to_group", GroupName="<name>-no", UserName="<name>", fails="NoSuchEntity"),
        call("iam.remove_user_from_group", GroupName="<name>-no", UserName="<name>", fails="NoSuchEntity"),
        call("iam.list_groups_for_user", UserName="<name>-no", fails="NoSuchEntity"),
        call("iam.list_groups_for_user", UserName="<name>"),
    ]),
    Case("iam.groups.inline_policies", [
        call("iam.create_group", GroupName="<name>"),
        call("iam.put_group_policy", GroupName="<name>", PolicyName="read", PolicyDocument=READ),
        call("iam.put_group_policy", GroupName="<name>", PolicyName="write", PolicyDocument=WRITE),
        call("iam.get_group_policy", GroupName="<name>", PolicyName="read"),
        call("iam.list_group_policies", GroupName="<name>"),
        pages("iam.list_group_policies", 1, GroupName="<name>"),
        call("iam.delete_group_policy", GroupName="<name>", PolicyName="read"),
        call("iam.get_group_policy", GroupName="<name>", PolicyName="read", fails="NoSuchEntity"),
        call("iam.delete_group_policy", GroupName="<name>", PolicyName="read", fails="NoSuchEntity"),
        call("iam.put_group_policy", GroupName="<name>-no", PolicyName="read", PolicyDocument=READ, fails="NoSuchEntity"),
        call("iam.put_group_policy", GroupName="<name>", PolicyName="read", PolicyDocument="nonsense", fails="MalformedPolicyDocument"),
        call("iam.list_group_policies", GroupName="<name>"),
    ]),
    Case("iam.groups.attached_policies", [
        call("iam.create_group", GroupName="<name>"),
        call("iam.attach_group_policy", GroupName="<name>", PolicyArn=POWER),
        call("iam.list_attached_group_policies", GroupName="<name>"),
        call("iam.detach_group_policy", GroupName="<name>", PolicyArn=POWER),
        call("iam.detach_group_policy", GroupName="<name>", PolicyArn=POWER, fails="NoSuchEntity"),
        call("iam.list_attached_group_policies", GroupName="<name>"),
        call("iam.attach_group_policy", GroupName="<name>-no", PolicyArn=POWER, fails="NoSuchEntity"),
        call("iam.attach_group_policy", GroupName="<name>", PolicyArn="arn:aws:iam::123456789012:policy/absent-<fresh>", fails="NoSuchEntity"),
        call("iam.list_attached_group_policies", GroupName="<name>-no", fails="NoSuchEntity"),
    ]),
    Case("iam.groups.list_in_pages", [
        *[call("iam.create_group", GroupName=f"<name>-{letter}", Path="/pages/<fresh>/") for letter in "abc"],
        pages("iam.list_groups", 2, PathPrefix="/pages/<fresh>/"),
        call("iam.create_user", UserName="<name>"),
        *[call("iam.add_user_to_group", GroupName=f"<name>-{letter}", UserName="<name>") for letter in "abc"],
        pages("iam.list_groups_for_user", 2, UserName="<name>"),
    ]),
]
