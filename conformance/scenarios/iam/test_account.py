import json

from conftest import client, refused
from iam_documents import ADMINISTRATOR, BEDROCK, allow, unique


def test_the_account_has_one_alias():
    iam, one, two = client("iam"), unique("alias"), unique("alias")
    iam.create_account_alias(AccountAlias=one)
    iam.create_account_alias(AccountAlias=two)
    assert iam.list_account_aliases()["AccountAliases"] == [two]
    refused(lambda: iam.create_account_alias(AccountAlias=two), "EntityAlreadyExists", 409, f"The account alias {two} already exists.")
    refused(lambda: iam.create_account_alias(AccountAlias="a--b"), "ValidationError", 400, "accountAlias")
    iam.delete_account_alias(AccountAlias=two)
    refused(lambda: iam.delete_account_alias(AccountAlias=two), "NoSuchEntity", 404)
    assert iam.list_account_aliases()["AccountAliases"] == []


def test_the_summary_counts():
    iam = client("iam")
    before = iam.get_account_summary()["SummaryMap"]
    name = unique("role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=BEDROCK)
    after = iam.get_account_summary()["SummaryMap"]
    assert after["Roles"] == before["Roles"] + 1 and after["RolesQuota"] == 1000 and after["PolicySizeQuota"] == 6144
    iam.delete_role(RoleName=name)


def test_the_authorization_details_hold_everything(iam_user):
    iam, user = client("iam"), iam_user[0]
    role, group = unique("role"), unique("group")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=BEDROCK)
    iam.attach_role_policy(RoleName=role, PolicyArn=ADMINISTRATOR)
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=user)
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=allow("s3:*"))
    pages = list(iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 3}))
    users = {u["UserName"]: u for page in pages for u in page["UserDetailList"]}
    roles = {r["RoleName"]: r for page in pages for r in page["RoleDetailList"]}
    assert users[user]["GroupList"] == [group] and users[user]["UserPolicyList"] == [{"PolicyName": "p", "PolicyDocument": json.loads(allow("s3:*"))}]
    assert roles[role]["AttachedManagedPolicies"] == [{"PolicyName": "AdministratorAccess", "PolicyArn": ADMINISTRATOR}]
    assert roles[role]["AssumeRolePolicyDocument"] == json.loads(BEDROCK)
    policies = {p["Arn"]: p for page in pages for p in page["Policies"]}
    assert policies[ADMINISTRATOR]["PolicyVersionList"][0]["IsDefaultVersion"]
    only = iam.get_account_authorization_details(Filter=["Group"])
    assert only["UserDetailList"] == only["RoleDetailList"] == only["Policies"] == [] and group in {g["GroupName"] for g in only["GroupDetailList"]}
    iam.delete_user_policy(UserName=user, PolicyName="p")
    iam.remove_user_from_group(GroupName=group, UserName=user)
    iam.delete_group(GroupName=group)
    iam.detach_role_policy(RoleName=role, PolicyArn=ADMINISTRATOR)
    iam.delete_role(RoleName=role)


def test_rules_for_passwords_are_kept():
    iam = client("iam")
    refused(iam.get_account_password_policy, "NoSuchEntity", 404, "The Password Policy with domain name")
    iam.update_account_password_policy(MinimumPasswordLength=12, RequireSymbols=True, MaxPasswordAge=30)
    policy = iam.get_account_password_policy()["PasswordPolicy"]
    assert policy["MinimumPasswordLength"] == 12 and policy["RequireSymbols"] and not policy["RequireNumbers"] and policy["ExpirePasswords"]
    iam.delete_account_password_policy()
    refused(iam.delete_account_password_policy, "NoSuchEntity", 404)


def test_the_last_use_of_a_key_is_told(iam_user):
    name, key, secret = iam_user
    iam = client("iam")
    unused = iam.get_access_key_last_used(AccessKeyId=key)
    assert unused["UserName"] == name and unused["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
    client("sts", key, secret).get_caller_identity()
    used = iam.get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]
    assert used["ServiceName"] == "sts" and used["LastUsedDate"]
    refused(lambda: iam.get_access_key_last_used(AccessKeyId="AKIAQQQQQQQQQQQQQQQQ"), "NoSuchEntity", 404)


def test_a_user_is_renamed_and_tagged(iam_user):
    iam, name = client("iam"), iam_user[0]
    new = unique("renamed")
    iam.update_user(UserName=name, NewUserName=new, NewPath="/x/")
    assert client("sts", *iam_user[1:]).get_caller_identity()["Arn"].endswith(f":user/x/{new}")
    refused(lambda: iam.get_user(UserName=name), "NoSuchEntity", 404)
    refused(lambda: iam.update_user(UserName=new, NewUserName="ADMIN"), "EntityAlreadyExists", 409, "User with name ADMIN already exists.")
    iam.update_user(UserName=new, NewUserName=name)
    iam.tag_user(UserName=name, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}])
    assert iam.list_user_tags(UserName=name)["Tags"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    iam.untag_user(UserName=name, TagKeys=["b"])
    assert iam.get_user(UserName=name)["User"]["Tags"] == [{"Key": "a", "Value": "1"}]


def test_rules_for_passwords_are_kept_until_they_are_deleted():
    iam = client("iam")
    iam.update_account_password_policy(MinimumPasswordLength=12)
    assert iam.get_account_password_policy()["PasswordPolicy"]["MinimumPasswordLength"] == 12
    iam.delete_account_password_policy()
    refused(iam.get_account_password_policy, "NoSuchEntity", 404, "The Password Policy with domain name")
    refused(iam.delete_account_password_policy, "NoSuchEntity", 404, "The account policy with name PasswordPolicy cannot be found.")


def test_members_that_are_empty_are_there_where_aws_has_them():
    iam, name = client("iam"), unique("members")
    made = iam.create_policy(PolicyName=name, PolicyDocument=allow("s3:*"), Description="d")["Policy"]
    assert "Description" not in made and iam.get_policy(PolicyArn=made["Arn"])["Policy"]["Description"] == "d"
    iam.delete_policy(PolicyArn=made["Arn"])
    iam.create_instance_profile(InstanceProfileName=name)
    assert iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Tags"] == []
    iam.delete_instance_profile(InstanceProfileName=name)
    service = "custom-resource.application-autoscaling.amazonaws.com"
    role = iam.create_service_linked_role(AWSServiceName=service)["Role"]["RoleName"]
    assert role == "AWSServiceRoleForApplicationAutoScaling_CustomResource"
    iam.delete_service_linked_role(RoleName=role)
