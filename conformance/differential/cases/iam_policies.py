"""IAM managed policies: documents, versions, tags, who has them, lists, and AWS's own."""

import json

from case import Case, call, pages
from cases.documents import READ, TAGS, TRUST, WRITE, policy

POWER = "arn:aws:iam::aws:policy/PowerUserAccess"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
ABSENT = "arn:aws:iam::123456789012:policy/absent-<fresh>"

MALFORMED = {
    "text": "nonsense",
    "empty": "{}",
    "list": "[]",
    "no_statement": '{"Version": "2012-10-17"}',
    "old_version": json.dumps({"Version": "2013-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}),
    "no_effect": '{"Version": "2012-10-17", "Statement": [{"Action": "s3:*", "Resource": "*"}]}',
    "bad_effect": policy("s3:*", effect="Perhaps"),
    "no_action": '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*"}]}',
    "no_resource": '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*"}]}',
    "action_without_vendor": policy("GetObject"),
    "action_and_not_action": policy("s3:*", NotAction="s3:GetObject"),
    "resource_and_not_resource": policy("s3:*", NotResource="*"),
    "resource_not_an_arn": policy("s3:*", resource="bucket"),
    "principal": policy("s3:*", Principal={"AWS": "*"}),
    "unknown_member": policy("s3:*", Colour="red"),
    "unknown_operator": policy("s3:*", Condition={"StringSounds": {"aws:username": "x"}}),
    "duplicate_sid": json.dumps({"Version": "2012-10-17", "Statement": [
        {"Sid": "A", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}, {"Sid": "A", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}),
    "bad_sid": policy("s3:*", Sid="not good"),
    "trust": TRUST,
}

WELL_FORMED = {
    "old_language": policy("s3:*", version="2008-10-17"),
    "one_statement": '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}',
    "not_action": '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}]}',
    "not_resource": '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::a/*"}]}',
    "conditions": policy("s3:*", Sid="Mine1", Condition={
        "StringEquals": {"aws:PrincipalTag/team": ["red", "blue"]}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "Bool": {"aws:SecureTransport": "true"},
        "DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}, "NumericLessThanEquals": {"s3:max-keys": "10"}, "Null": {"aws:TokenIssueTime": "false"},
        "ForAllValues:StringLike": {"aws:TagKeys": ["a*"]}, "StringEqualsIfExists": {"s3:prefix": "home/${aws:username}"}}),
    "unicode": policy("s3:GetObject", resource="arn:aws:s3:::daten/ä/*"),
}

CASES = [
    Case("iam.policies.create", [
        call("iam.create_policy", PolicyName="<name>", PolicyDocument=READ, keep={"arn": "Policy.Arn", "id": "Policy.PolicyId"}),
        call("iam.get_policy", PolicyArn="<arn>"),
        call("iam.get_policy_version", PolicyArn="<arn>", VersionId="v1"),
        call("iam.create_policy", PolicyName="<name>", PolicyDocument=READ, fails="EntityAlreadyExists", status=409),
        call("iam.delete_policy", PolicyArn="<arn>", status=200),
        call("iam.get_policy", PolicyArn="<arn>", fails="NoSuchEntity", status=404),
        call("iam.delete_policy", PolicyArn="<arn>", fails="NoSuchEntity"),
    ]),
    Case("iam.policies.create_with_everything", [
        call("iam.create_policy", PolicyName="<name>", Path="/models/", PolicyDocument=READ, Description="Reads", Tags=TAGS, keep={"arn": "Policy.Arn"}),
        call("iam.get_policy", PolicyArn="<arn>"),
        call("iam.list_policy_tags", PolicyArn="<arn>"),
        call("iam.list_policies", Scope="Local", PathPrefix="/models/", where=("Policies", "PolicyName", "<fresh>")),
    ]),
    Case("iam.policies.bad_input", [
        call("iam.create_policy", PolicyName="a b", PolicyDocument=READ, fails="ValidationError"),
        call("iam.create_policy", PolicyName="x" * 129, PolicyDocument=READ, fails="ValidationError"),
        call("iam.create_policy", PolicyName="<name>", PolicyDocument="", fails="ValidationError"),
        call("iam.create_policy", PolicyName="<name>", Path="models", PolicyDocument=READ, fails="ValidationError"),
        call("iam.create_policy", PolicyName="<name>-big", PolicyDocument=policy("s3:*", resource=["arn:aws:s3:::" + "x" * 7000]), fails="LimitExceeded"),
    ]),
    *[Case(f"iam.policies.malformed.{name}", [
        call("iam.create_policy", PolicyName="<name>", PolicyDocument=document, fails="MalformedPolicyDocument", status=400),
        call("iam.get_policy", PolicyArn="arn:aws:iam::123456789012:policy/<name>", fails="NoSuchEntity"),
    ]) for name, document in MALFORMED.items()],
    *[Case(f"iam.policies.well_formed.{name}", [
        call("iam.create_policy", PolicyName="<name>", PolicyDocument=document, keep={"arn": "Policy.Arn"}),
        call("iam.get_policy_version", PolicyArn="<arn>", VersionId="v1"),
    ]) for name, document in WELL_FORMED.items()],
    Case("iam.policies.versions", [
        call("iam.create_policy", PolicyName="<name>", PolicyDocument=READ, keep={"arn": "Policy.Arn"}),
        call("iam.create_policy_version", PolicyArn="<arn>", PolicyDocument=WRITE),
        call("iam.get_policy", PolicyArn="<arn>"),
        call("iam.create_policy_version", PolicyArn="<arn>", PolicyDocument=WRITE, SetAsDefault=True),
        call("iam.get_policy", PolicyArn="<arn>"),
        call("iam.list_policy_versions", PolicyArn="<arn>"),
        pages("iam.list_policy_versions", 2, PolicyArn="<arn>"),
        call("iam.get_policy_version", PolicyArn="<arn>", VersionId="v2"),
        call("iam.set_default_policy_version", PolicyArn="<arn>", VersionId="v1"),
        call("iam.list_policy_versions", PolicyArn="<arn>"),
        call("iam.delete_policy_version", PolicyArn="<arn>", VersionId="v1", fails="DeleteConflict", status=409),
        call("iam.delete_policy_version", PolicyArn="<arn>", VersionId="v2"),
        call("iam.get_policy_version", PolicyArn="<arn>", VersionId="v2", fails="NoSuchEntity"),
        call("iam.delete_policy_version", PolicyArn="<arn>", VersionId="v2", fails="NoSuchEntity"),
        call("iam.create_policy_version", PolicyArn="<arn>", PolicyDocument=WRITE),
        call("iam.delete_policy", PolicyArn="<arn>", fails="DeleteConflict", status=409),
    ]),
    Case("iam.policies.five_versions_at_most", [
        call("iam.create_policy", PolicyName="<name>", PolicyDocument=READ, keep={"arn": "Policy.Arn"}),
        *[call("iam.create_policy_version", PolicyArn="<arn>", PolicyDocument=WRITE) for _ in range(4)],
        call("iam.create_policy_version", PolicyArn="<arn>", PolicyDocument=WRITE, fails="LimitExceeded", status=409),
        call("iam.delete_policy_version", PolicyArn="<arn>", VersionId="v3"),
        call("iam.create_policy_version", PolicyArn="<arn>", PolicyDocument=READ),
        call("iam.list_policy_versions", PolicyArn="<arn>"),
    ]),
    Case("iam.policies.version_errors", [
        call("iam.create_policy", PolicyName="<name>", PolicyDocument=READ, keep={"arn": "Policy.Arn"}),
        call("iam.create_policy_version", PolicyArn="<arn>", PolicyDocument="nonsense", fails="MalformedPolicyDocument"),
        call("iam.create_policy_version", PolicyArn=ABSENT, PolicyDocument=READ, fails="NoSuchEntity"),
        call("iam.set_default_policy_version", PolicyArn="<arn>", VersionId="v9", fails="NoSuchEntity"),
        call("iam.set_default_policy_version", PolicyArn="<arn>", VersionId="nine", fails="ValidationError"),
        call("iam.set_default_policy_version", PolicyArn=ABSENT, VersionId="v1", fails="NoSuchEntity"),
        call("iam.get_policy_version", PolicyArn="<arn>", VersionId="v9", fails="NoSuchEntity"),
        call("iam.get_policy_version", PolicyArn=ABSENT, VersionId="v1", fails="NoSuchEntity"),
        call("iam.list_policy_versions", PolicyArn=ABSENT, fails="NoSuchEntity"),
        call("iam.delete_policy_version", PolicyArn=ABSENT, VersionId="v1", fails="NoSuchEntity"),
    ]),
    Case("iam.policies.list_in_pages", [
        *[call("iam.create_policy", PolicyName=f"<name>-{letter}", Path="/pages/<fresh>/", PolicyDocument=READ, keep={letter: "Policy.Arn"}) for letter in "abcde"],
        pages("iam.list_policies", 2, PathPrefix="/pages/<fresh>/"),
        call("iam.list_policies", PathPrefix="/pages/<fresh>/", Scope="Local"),
        call("iam.list_policies", PathPrefix="/pages/<fresh>/", Scope="AWS"),
        call("iam.list_policies", PathPrefix="/pages/<fresh>/", OnlyAttached=True),
        call("iam.create_user", UserName="<name>"),
        call("iam.attach_user_policy", UserName="<name>", PolicyArn="<a>"),
        call("iam.list_policies", PathPrefix="/pages/<fresh>/", OnlyAttached=True),
        call("iam.list_policies", PathPrefix="/pages/<fresh>/", Scope="Nowhere", fails="ValidationError"),
    ]),
    Case("iam.policies.tags", [
        call("iam.create_policy", PolicyName="<name>", PolicyDocument=READ, keep={"arn": "Policy.Arn"}),
        call("iam.tag_policy", PolicyArn="<arn>", Tags=TAGS),
        call("iam.list_policy_tags", PolicyArn="<arn>"),
        call("iam.untag_policy", PolicyArn="<arn>", TagKeys=["team"]),
        call("iam.list_policy_tags", PolicyArn="<arn>"),
        call("iam.tag_policy", PolicyArn=ABSENT, Tags=TAGS, fails="NoSuchEntity"),
        call("iam.untag_policy", PolicyArn=ABSENT, TagKeys=["team"], fails="NoSuchEntity"),
        call("iam.list_policy_tags", PolicyArn=ABSENT, fails="NoSuchEntity"),
    ]),
    Case("iam.policies.entities", [
        call("iam.create_policy", PolicyName="<name>", PolicyDocument=READ, keep={"arn": "Policy.Arn"}),
        call("iam.list_entities_for_policy", PolicyArn="<arn>"),
        call("iam.create_user", UserName="<name>"),
        call("iam.create_group", GroupName="<name>"),
        call("iam.create_role", RoleName="<name>", AssumeRolePolicyDocument=TRUST),
        call("iam.attach_user_policy", UserName="<name>", PolicyArn="<arn>"),
        call("iam.attach_group_policy", GroupName="<name>", PolicyArn="<arn>"),
        call("iam.attach_role_policy", RoleName="<name>", PolicyArn="<arn>"),
        call("iam.list_entities_for_policy", PolicyArn="<arn>"),
        call("iam.list_entities_for_policy", PolicyArn="<arn>", EntityFilter="Role"),
        call("iam.get_policy", PolicyArn="<arn>"),
        call("iam.list_entities_for_policy", PolicyArn=ABSENT, fails="NoSuchEntity"),
    ]),
    Case("iam.policies.in_use_are_kept.attached", [
        call("iam.create_policy", PolicyName="<name>", PolicyDocument=READ, keep={"arn": "Policy.Arn"}),
        call("iam.create_role", RoleName="<name>", AssumeRolePolicyDocument=TRUST),
        call("iam.attach_role_policy", RoleName="<name>", PolicyArn="<arn>"),
        call("iam.delete_policy", PolicyArn="<arn>", fails="DeleteConflict", status=409),
    ]),
    Case("iam.policies.in_use_are_kept.boundary", [
        call("iam.create_policy", PolicyName="<name>", PolicyDocument=READ, keep={"arn": "Policy.Arn"}),
        call("iam.create_role", RoleName="<name>", AssumeRolePolicyDocument=TRUST, PermissionsBoundary="<arn>"),
        call("iam.delete_policy", PolicyArn="<arn>", fails="DeleteConflict", status=409),
    ]),
    Case("iam.policies.of_aws", [
        call("iam.get_policy", PolicyArn=ADMIN, volatile=("AttachmentCount",)),
        call("iam.get_policy_version", PolicyArn=ADMIN, VersionId="v1"),
        call("iam.get_policy", PolicyArn="arn:aws:iam::aws:policy/NotAPolicyOfAws", fails="NoSuchEntity"),
        call("iam.delete_policy", PolicyArn=ADMIN, fails="AccessDenied", status=403),
        call("iam.create_policy_version", PolicyArn=POWER, PolicyDocument=READ, fails="AccessDenied", status=403),
    ]),
    Case("iam.simulate.principal", [
        call("iam.create_user", UserName="<name>", keep={"arn": "User.Arn"}),
        call("iam.put_user_policy", UserName="<name>", PolicyName="read", PolicyDocument=READ),
        call("iam.simulate_principal_policy", PolicySourceArn="<arn>", ActionNames=["s3:GetObject", "s3:PutObject"], ResourceArns=["arn:aws:s3:::data/a"]),
        call("iam.simulate_principal_policy", PolicySourceArn="<arn>", ActionNames=["s3:GetObject"]),
        call("iam.simulate_principal_policy", PolicySourceArn="arn:aws:iam::123456789012:user/absent-<fresh>", ActionNames=["s3:GetObject"], fails="NoSuchEntity"),
    ]),
    Case("iam.simulate.custom", [
        call("iam.simulate_custom_policy", PolicyInputList=[READ], ActionNames=["s3:GetObject", "s3:PutObject"], ResourceArns=["arn:aws:s3:::data/a"]),
        call("iam.simulate_custom_policy", PolicyInputList=["nonsense"], ActionNames=["s3:GetObject"], fails="InvalidInput"),
    ]),
    Case("iam.account.aliases", [
        call("iam.create_account_alias", AccountAlias="alias-<fresh>"),
        call("iam.list_account_aliases"),
        call("iam.delete_account_alias", AccountAlias="alias-<fresh>"),
        call("iam.list_account_aliases"),
    ]),
    Case("iam.account.summary", [
        call("iam.get_account_summary", volatile=("Users", "Groups", "Roles", "Policies", "UsersQuota")),
    ]),
]
