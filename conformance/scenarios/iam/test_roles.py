import json

from conftest import client, refused
from iam_documents import ADMINISTRATOR, BEDROCK, allow, pages, trust, unique


def make(name=None, text=BEDROCK, **more):
    return client("iam").create_role(RoleName=name or unique("role"), AssumeRolePolicyDocument=text, **more)["Role"]


def test_a_role_is_made_read_changed_and_deleted():
    iam, name = client("iam"), unique("role")
    made = make(name, Path="/jobs/", Description="imports models,", MaxSessionDuration=7200, Tags=[{"Key": "a", "Value": "1"}])
    assert made["Arn"].endswith(f":role/jobs/{name}") and made["RoleId"].startswith("AROA")
    assert made["AssumeRolePolicyDocument"] == json.loads(BEDROCK)
    got = iam.get_role(RoleName=name)["Role"]
    assert got["Description"] == "imports models," and got["MaxSessionDuration"] == 7200 and got["Tags"] == [{"Key": "a", "Value": "1"}]
    assert got["RoleLastUsed"] == {} and got["AssumeRolePolicyDocument"] == json.loads(BEDROCK)
    assert [r["RoleName"] for r in iam.list_roles(PathPrefix="/jobs/")["Roles"] if r["RoleName"] == name] == [name]
    iam.update_role(RoleName=name, Description="", MaxSessionDuration=3600)
    assert iam.get_role(RoleName=name)["Role"]["MaxSessionDuration"] == 3600
    assert iam.update_role_description(RoleName=name, Description="new")["Role"]["Description"] == "new"
    refused(lambda: make(name.upper()), "EntityAlreadyExists", 409, f"Role with name {name.upper()} already exists.")
    iam.delete_role(RoleName=name)
    refused(lambda: iam.get_role(RoleName=name), "NoSuchEntity", 404, f"The role with name {name} cannot be found.")


def test_roles_are_listed_page_by_page():
    iam, path = client("iam"), f"/{unique('path')}/"
    names = sorted(make(Path=path)["RoleName"] for _ in range(3))
    assert [r["RoleName"] for r in pages(iam, "list_roles", "Roles", PathPrefix=path)] == names
    for name in names:
        iam.delete_role(RoleName=name)


def test_trust_policies_are_checked():
    account = client("sts").get_caller_identity()["Account"]
    for bad in [f"arn:aws:iam::{account}:role/{unique('none')}", f"arn:aws:sts::{account}:role/Admin", "arn:aws:iam::776941257690:user/x", "nonsense"]:
        refused(lambda bad=bad: make(text=trust({"AWS": bad})), "MalformedPolicyDocument", 400, f'Invalid principal in policy: "AWS":"{bad}"')
    refused(lambda: make(text=trust({"AWS": "*"}, "s3:GetObject")), "MalformedPolicyDocument", 400, "AssumeRole")
    refused(lambda: make(text=allow("sts:AssumeRole")), "MalformedPolicyDocument", 400)
    refused(lambda: make(MaxSessionDuration=60), "ValidationError", 400, "maxSessionDuration")
    refused(lambda: make("a b"), "ValidationError", 400, "roleName")


def test_a_deleted_roles_name_does_not_carry_trust_over():
    iam = client("iam")
    old = make()
    trusting = make(text=trust({"AWS": old["Arn"]}))["RoleName"]
    principal = lambda: iam.get_role(RoleName=trusting)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"]
    assert principal() == old["Arn"]
    iam.delete_role(RoleName=old["RoleName"])
    make(old["RoleName"])
    assert principal() == old["RoleId"]
    iam.update_assume_role_policy(RoleName=trusting, PolicyDocument=trust({"AWS": old["Arn"]}))
    assert principal() == old["Arn"]
    for name in [trusting, old["RoleName"]]:
        iam.delete_role(RoleName=name)


def test_embedded_and_attached_policies_of_a_role():
    iam, name = client("iam"), make()["RoleName"]
    iam.put_role_policy(RoleName=name, PolicyName="b", PolicyDocument=allow("s3:*"))
    iam.put_role_policy(RoleName=name, PolicyName="a", PolicyDocument=allow("kms:*"))
    assert iam.get_role_policy(RoleName=name, PolicyName="a")["PolicyDocument"] == json.loads(allow("kms:*"))
    assert pages(iam, "list_role_policies", "PolicyNames", RoleName=name) == ["a", "b"]
    refused(lambda: iam.get_role_policy(RoleName=name, PolicyName="c"), "NoSuchEntity", 404, "The role policy with name c cannot be found.")
    refused(lambda: iam.put_role_policy(RoleName=name, PolicyName="c", PolicyDocument=allow("s3:" + "x" * 10_100)), "LimitExceeded", 409,
            "Maximum policy size of 10240 bytes exceeded for the role")
    iam.attach_role_policy(RoleName=name, PolicyArn=ADMINISTRATOR)
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == [{"PolicyName": "AdministratorAccess", "PolicyArn": ADMINISTRATOR}]
    refused(lambda: iam.delete_role(RoleName=name), "DeleteConflict", 409, "Cannot delete entity, must detach all policies first.")
    iam.detach_role_policy(RoleName=name, PolicyArn=ADMINISTRATOR)
    refused(lambda: iam.delete_role(RoleName=name), "DeleteConflict", 409, "Cannot delete entity, must delete policies first.")
    for policy in ["a", "b"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    refused(lambda: iam.delete_role_policy(RoleName=name, PolicyName="a"), "NoSuchEntity", 404)
    iam.delete_role(RoleName=name)


def test_a_role_has_a_boundary_and_tags():
    iam = client("iam")
    name = make(PermissionsBoundary=ADMINISTRATOR)["RoleName"]
    boundary = lambda: iam.get_role(RoleName=name)["Role"].get("PermissionsBoundary")
    assert boundary() == {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": ADMINISTRATOR} or \
        boundary()["PermissionsBoundaryArn"] == ADMINISTRATOR
    iam.delete_role_permissions_boundary(RoleName=name)
    assert boundary() is None
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=ADMINISTRATOR)
    assert boundary()["PermissionsBoundaryArn"] == ADMINISTRATOR
    iam.tag_role(RoleName=name, Tags=[{"Key": k, "Value": k * 2} for k in "abc"])
    assert pages(iam, "list_role_tags", "Tags", size=2, RoleName=name) == [{"Key": k, "Value": k * 2} for k in "abc"]
    iam.untag_role(RoleName=name, TagKeys=["a", "c"])
    assert iam.list_role_tags(RoleName=name)["Tags"] == [{"Key": "b", "Value": "bb"}]
    refused(lambda: iam.tag_role(RoleName=name, Tags=[{"Key": "x", "Value": ""}, {"Key": "X", "Value": ""}]), "InvalidInput", 400, "Duplicate tag keys found")
    refused(lambda: iam.tag_role(RoleName=name, Tags=[{"Key": str(i), "Value": ""} for i in range(50)]), "LimitExceeded", 409)
    iam.delete_role(RoleName=name)


def test_a_service_linked_role_belongs_to_its_service():
    iam = client("iam")
    role = iam.create_service_linked_role(AWSServiceName="sagemaker.amazonaws.com", Description="notebooks")["Role"]
    assert role["Path"] == "/aws-service-role/sagemaker.amazonaws.com/"
    refused(lambda: iam.create_service_linked_role(AWSServiceName="sagemaker.amazonaws.com"), "InvalidInput", 400, "has been taken in this account")
    refused(lambda: iam.delete_role(RoleName=role["RoleName"]), "UnmodifiableEntity", 400, "protected role")
    refused(lambda: iam.attach_role_policy(RoleName=role["RoleName"], PolicyArn=ADMINISTRATOR), "UnmodifiableEntity", 400)
    task = iam.delete_service_linked_role(RoleName=role["RoleName"])["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    refused(lambda: iam.get_service_linked_role_deletion_status(DeletionTaskId="task/none"), "NoSuchEntity", 404)


def test_an_instance_profile_gives_a_role_to_machines():
    iam, name, role = client("iam"), unique("profile"), make()["RoleName"]
    made = iam.create_instance_profile(InstanceProfileName=name, Path="/m/")["InstanceProfile"]
    assert made["InstanceProfileId"].startswith("AIPA") and made["Roles"] == []
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
    assert [r["RoleName"] for r in iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]] == [role]
    assert [p["InstanceProfileName"] for p in iam.list_instance_profiles_for_role(RoleName=role)["InstanceProfiles"]] == [name]
    assert name in {p["InstanceProfileName"] for p in pages(iam, "list_instance_profiles", "InstanceProfiles")}
    refused(lambda: iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role), "LimitExceeded", 409)
    refused(lambda: iam.delete_role(RoleName=role), "DeleteConflict", 409, "must remove roles from instance profile first")
    refused(lambda: iam.delete_instance_profile(InstanceProfileName=name), "DeleteConflict", 409)
    refused(lambda: iam.create_instance_profile(InstanceProfileName=name), "EntityAlreadyExists", 409)
    iam.tag_instance_profile(InstanceProfileName=name, Tags=[{"Key": "a", "Value": "1"}])
    assert iam.list_instance_profile_tags(InstanceProfileName=name)["Tags"] == [{"Key": "a", "Value": "1"}]
    iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role)
    iam.delete_instance_profile(InstanceProfileName=name)
    refused(lambda: iam.get_instance_profile(InstanceProfileName=name), "NoSuchEntity", 404, f"Instance Profile {name} cannot be found.")
    iam.delete_role(RoleName=role)
