import json

from conftest import client, refused
from iam_documents import ADMINISTRATOR, allow, deny, document, pages, statement, unique


def make(name=None, text=None, **more):
    return client("iam").create_policy(PolicyName=name or unique("policy"), PolicyDocument=text or allow("s3:GetObject"), **more)["Policy"]


def test_a_policy_is_made_read_and_deleted():
    iam, name = client("iam"), unique("policy")
    text = '{\n  "Version": "2012-10-17",\n  "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Sid": "A1"}\n}'
    made = make(name, text, Path="/team/", Description="for the team", Tags=[{"Key": "team", "Value": "ü 1"}])
    assert made["Arn"].endswith(f":policy/team/{name}") and made["PolicyId"].startswith("ANPA") and made["DefaultVersionId"] == "v1"
    assert made["AttachmentCount"] == 0 and made["IsAttachable"] and made["PermissionsBoundaryUsageCount"] == 0
    got = iam.get_policy(PolicyArn=made["Arn"])["Policy"]
    assert got["Description"] == "for the team" and got["Tags"] == [{"Key": "team", "Value": "ü 1"}]
    version = iam.get_policy_version(PolicyArn=made["Arn"], VersionId="v1")["PolicyVersion"]
    assert version["Document"] == json.loads(text) and version["IsDefaultVersion"]
    refused(lambda: make(name.upper()), "EntityAlreadyExists", 409, f"A policy called {name.upper()} already exists. Duplicate names are not allowed.")
    iam.delete_policy(PolicyArn=made["Arn"])
    refused(lambda: iam.get_policy(PolicyArn=made["Arn"]), "NoSuchEntity", 404, f"Policy {made['Arn']} was not found.")
    refused(lambda: iam.delete_policy(PolicyArn=made["Arn"]), "NoSuchEntity", 404)


def test_documents_are_checked():
    for bad in ["", "{", "[]", '{"Version":"2012-10-17"}', json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "x", "Resource": "*"}]})]:
        refused(lambda bad=bad: client("iam").create_policy(PolicyName=unique("p"), PolicyDocument=bad),
                "MalformedPolicyDocument" if bad else "ValidationError", 400)
    # AWS's words to the letter, which programs compare; what is wrong in detail stands in a header.
    answer = refused(lambda: make(text=allow("s3")), "MalformedPolicyDocument", 400)
    assert answer["Error"]["Message"] == "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
    assert "`s3` has no colon" in answer["ResponseMetadata"]["HTTPHeaders"]["x-craton-hint"]
    refused(lambda: make(text=allow("s3:" + "x" * 6144)), "LimitExceeded", 409, "Cannot exceed quota for PolicySize: 6144")
    refused(lambda: make("a b"), "ValidationError", 400, "policyName")
    refused(lambda: make(Path="team"), "ValidationError", 400, "path")


def test_a_policy_has_five_versions_at_most():
    iam, arn = client("iam"), make()["Arn"]
    for number in range(2, 6):
        assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow("s3:*"))["PolicyVersion"]["VersionId"] == f"v{number}"
    refused(lambda: iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow("s3:*")), "LimitExceeded", 409,
            "A managed policy can have up to 5 versions.")
    versions = pages(iam, "list_policy_versions", "Versions", size=2, PolicyArn=arn)
    assert [v["VersionId"] for v in versions] == ["v5", "v4", "v3", "v2", "v1"] and [v["IsDefaultVersion"] for v in versions] == [False] * 4 + [True]
    refused(lambda: iam.delete_policy_version(PolicyArn=arn, VersionId="v1"), "DeleteConflict", 409, "Cannot delete the default version of a policy.")
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v3")
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v3"
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    refused(lambda: iam.get_policy_version(PolicyArn=arn, VersionId="v1"), "NoSuchEntity", 404, "v1 does not exist or is not attachable.")
    refused(lambda: iam.set_default_policy_version(PolicyArn=arn, VersionId="v1"), "NoSuchEntity", 404)
    refused(lambda: iam.delete_policy(PolicyArn=arn), "DeleteConflict", 409, "This policy has more than one version.")
    for version in ["v2", "v4", "v5"]:
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    iam.delete_policy(PolicyArn=arn)


def test_policies_are_listed_by_scope_and_path_page_by_page():
    iam, path = client("iam"), f"/{unique('path')}/"
    arns = {make(Path=path)["Arn"] for _ in range(3)}
    assert {p["Arn"] for p in pages(iam, "list_policies", "Policies", Scope="Local", PathPrefix=path)} == arns
    of_aws = pages(iam, "list_policies", "Policies", size=10, Scope="AWS")
    assert ADMINISTRATOR in {p["Arn"] for p in of_aws} and all(p["Arn"].startswith("arn:aws:iam::aws:") for p in of_aws)
    attached = {p["Arn"] for p in pages(iam, "list_policies", "Policies", size=100, OnlyAttached=True)}
    assert ADMINISTRATOR in attached and not attached & arns
    for arn in arns:
        iam.delete_policy(PolicyArn=arn)


def test_policies_of_aws_are_there_and_cannot_be_changed():
    iam = client("iam")
    policy = iam.get_policy(PolicyArn=ADMINISTRATOR)["Policy"]
    assert policy["AttachmentCount"] >= 1
    version = iam.get_policy_version(PolicyArn=ADMINISTRATOR, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    assert version["Document"]["Statement"][0]["Action"] == "*"
    for change in [lambda: iam.delete_policy(PolicyArn=ADMINISTRATOR),
                   lambda: iam.create_policy_version(PolicyArn=ADMINISTRATOR, PolicyDocument=deny("*"), SetAsDefault=True),
                   lambda: iam.tag_policy(PolicyArn=ADMINISTRATOR, Tags=[{"Key": "a", "Value": "b"}])]:
        refused(change, "AccessDenied", 403)


def test_who_has_a_policy_is_listed_and_it_is_not_deleted(iam_user):
    iam, name = client("iam"), iam_user[0]
    arn, boundary = make()["Arn"], make(text=document(statement("Allow", "*")))["Arn"]
    iam.attach_user_policy(UserName=name, PolicyArn=arn)
    iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=boundary)
    found = iam.list_entities_for_policy(PolicyArn=arn)
    assert [u["UserName"] for u in found["PolicyUsers"]] == [name] and found["PolicyRoles"] == found["PolicyGroups"] == []
    assert iam.list_entities_for_policy(PolicyArn=boundary, PolicyUsageFilter="PermissionsPolicy")["PolicyUsers"] == []
    assert len(iam.list_entities_for_policy(PolicyArn=boundary, EntityFilter="User")["PolicyUsers"]) == 1
    for used in [arn, boundary]:
        refused(lambda used=used: iam.delete_policy(PolicyArn=used), "DeleteConflict", 409, "Cannot delete a policy attached to entities.")
    assert iam.get_policy(PolicyArn=boundary)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    iam.detach_user_policy(UserName=name, PolicyArn=arn)
    iam.delete_user_permissions_boundary(UserName=name)
    refused(lambda: iam.detach_user_policy(UserName=name, PolicyArn=arn), "NoSuchEntity", 404, f"Policy {arn} was not found.")
    for unused in [arn, boundary]:
        iam.delete_policy(PolicyArn=unused)


def test_what_is_no_policy_is_refused(iam_user):
    iam, name = client("iam"), iam_user[0]
    unknown = "arn:aws:iam::aws:policy/NoSuchPolicyAnywhere"
    refused(lambda: iam.attach_user_policy(UserName=name, PolicyArn=unknown), "NoSuchEntity", 404, f"Policy {unknown} does not exist or is not attachable.")
    refused(lambda: iam.attach_user_policy(UserName=name, PolicyArn="arn:of:no:policy:at:all"), "InvalidInput", 400, "ARN arn:of:no:policy:at:all is not valid.")
    refused(lambda: iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=unknown), "NoSuchEntity", 404, "Scope ARN")
    refused(lambda: iam.attach_user_policy(UserName=unique("nobody"), PolicyArn=ADMINISTRATOR), "NoSuchEntity", 404, "The user with name")
