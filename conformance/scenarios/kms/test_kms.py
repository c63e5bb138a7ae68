"""Keys over boto3: the happy paths, what is refused, and keys of another account."""

import json
import os
import uuid

import pytest

from conftest import client, refused

MISSING = "0f1e2d3c-4b5a-4968-8776-655443322110"


@pytest.fixture
def key():
    kms = client("kms")
    made = kms.create_key(Description="scenario")["KeyMetadata"]
    yield made
    state = kms.describe_key(KeyId=made["KeyId"])["KeyMetadata"]["KeyState"]
    if state != "PendingDeletion":
        kms.schedule_key_deletion(KeyId=made["KeyId"], PendingWindowInDays=7)


@pytest.fixture
def stranger(iam_user):
    """A user without rights: its ARN, and a function that makes its clients."""
    _, access_key, secret = iam_user
    arn = client("sts", access_key, secret).get_caller_identity()["Arn"]
    return arn, lambda service: client(service, access_key, secret)


def dev(service="kms"):
    return client(service, os.environ["CONF_DEV_ACCESS_KEY_ID"], os.environ["CONF_DEV_SECRET_ACCESS_KEY"])


def host(service="kms"):
    return client(service, os.environ["CONF_HOST_ACCESS_KEY_ID"], os.environ["CONF_HOST_SECRET_ACCESS_KEY"])


def account(sts):
    return sts.get_caller_identity()["Account"]


def policy(owner, *statements):
    root = {"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{owner}:root"},
            "Action": "kms:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Id": "key", "Statement": [root, *statements]})


def allow(principal, *actions, **condition):
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": list(actions), "Resource": "*"}
    return statement | ({"Condition": condition} if condition else {})


def test_a_key_is_described_as_aws_describes_it(key):
    kms = client("kms")
    assert kms.describe_key(KeyId=key["Arn"])["KeyMetadata"] == key
    assert key["Arn"].endswith(f":key/{key['KeyId']}")
    for name, value in {"Enabled": True, "KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT", "Origin": "AWS_KMS",
                        "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT", "MultiRegion": False,
                        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT", "Description": "scenario",
                        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"]}.items():
        assert key[name] == value, name
    listed = [k for page in kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 1}) for k in page["Keys"]]
    assert {"KeyId": key["KeyId"], "KeyArn": key["Arn"]} in listed
    kms.update_key_description(KeyId=key["KeyId"], Description="other")
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["Description"] == "other"


def test_plaintext_comes_back_with_the_same_context_alone(key):
    kms = client("kms")
    made = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"text", EncryptionContext={"a": "1", "b": "2"})
    assert made["KeyId"] == key["Arn"] and made["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
    back = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"b": "2", "a": "1"})
    assert (back["Plaintext"], back["KeyId"]) == (b"text", key["Arn"])
    refused(lambda: kms.decrypt(CiphertextBlob=made["CiphertextBlob"]), "InvalidCiphertextException", 400)
    refused(lambda: kms.decrypt(CiphertextBlob=made["CiphertextBlob"][:-1]), "InvalidCiphertextException", 400)
    refused(lambda: kms.decrypt(CiphertextBlob=b"x" * 200), "InvalidCiphertextException", 400)
    refused(lambda: kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x" * 4097), "ValidationException", 400)
    refused(lambda: kms.encrypt(KeyId=key["KeyId"], Plaintext=b""), "ValidationException", 400)
    refused(lambda: kms.decrypt(), "ValidationException", 400, "ciphertextBlob")
    refused(lambda: kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_256"),
            "InvalidKeyUsageException", 400)
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    refused(lambda: kms.decrypt(KeyId=other, CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"a": "1", "b": "2"}),
            "IncorrectKeyException", 400, "does not identify a CMK")
    moved = kms.re_encrypt(CiphertextBlob=made["CiphertextBlob"], SourceEncryptionContext={"a": "1", "b": "2"},
                           DestinationKeyId=other)
    assert moved["SourceKeyId"] == key["Arn"] and moved["KeyId"].endswith(other)
    assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == b"text"
    kms.schedule_key_deletion(KeyId=other, PendingWindowInDays=7)


def test_data_keys_for_envelope_encryption(key):
    kms = client("kms")
    for spec, length in ({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 64}, 64):
        made = kms.generate_data_key(KeyId=key["Arn"], EncryptionContext={"file": "1"}, **spec)
        assert len(made["Plaintext"]) == length
        back = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"file": "1"})
        assert back["Plaintext"] == made["Plaintext"]
    blind = kms.generate_data_key_without_plaintext(KeyId=key["Arn"], KeySpec="AES_256")
    assert "Plaintext" not in blind
    assert len(kms.decrypt(CiphertextBlob=blind["CiphertextBlob"])["Plaintext"]) == 32
    for wrong in {}, {"KeySpec": "AES_256", "NumberOfBytes": 32}, {"NumberOfBytes": 1025}, {"KeySpec": "AES_512"}:
        refused(lambda: kms.generate_data_key(KeyId=key["Arn"], **wrong), "ValidationException", 400)
    assert len(kms.generate_random(NumberOfBytes=24)["Plaintext"]) == 24


def test_keys_that_are_not_there_are_named_as_aws_names_them(key):
    kms = client("kms")
    arn = key["Arn"].replace(key["KeyId"], MISSING)
    for name in MISSING, arn:
        refused(lambda: kms.describe_key(KeyId=name), "NotFoundException", 400, f"Key '{arn}' does not exist")
    refused(lambda: kms.describe_key(KeyId="nonsense"), "NotFoundException", 400, "Invalid keyId")
    refused(lambda: kms.describe_key(KeyId="alias/none"), "NotFoundException", 400, ":alias/none is not found")
    refused(lambda: kms.describe_key(KeyId="arn:aws:s3:::x"), "InvalidArnException", 400)
    refused(lambda: kms.list_keys(Marker="x"), "InvalidMarkerException", 400)
    refused(lambda: kms.get_key_policy(KeyId=key["KeyId"], PolicyName="mine"), "NotFoundException", 400, "No such policy exists")


def test_disabled_and_doomed_keys_do_nothing(key):
    kms = client("kms")
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"text")["CiphertextBlob"]
    kms.disable_key(KeyId=key["KeyId"])
    refused(lambda: kms.decrypt(CiphertextBlob=blob), "DisabledException", 400, f"{key['Arn']} is disabled.")
    kms.enable_key(KeyId=key["KeyId"])
    refused(lambda: kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=6), "ValidationException", 400)
    doomed = kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    assert doomed["KeyState"] == "PendingDeletion" and doomed["PendingWindowInDays"] == 7 and doomed["KeyId"] == key["Arn"]
    refused(lambda: kms.decrypt(CiphertextBlob=blob), "KMSInvalidStateException", 400, f"{key['Arn']} is pending deletion.")
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["DeletionDate"] == doomed["DeletionDate"]
    assert kms.cancel_key_deletion(KeyId=key["KeyId"])["KeyId"] == key["Arn"]
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "Disabled"
    refused(lambda: kms.cancel_key_deletion(KeyId=key["KeyId"]), "KMSInvalidStateException", 400, "is not pending deletion")
    kms.enable_key(KeyId=key["KeyId"])
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"text"


def test_rotated_keys_open_what_they_closed_before(key):
    kms = client("kms")
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"old")["CiphertextBlob"]
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"] is False
    kms.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=180)
    status = kms.get_key_rotation_status(KeyId=key["KeyId"])
    assert status["KeyRotationEnabled"] and status["RotationPeriodInDays"] == 180 and status["NextRotationDate"]
    refused(lambda: kms.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=89), "ValidationException", 400)
    assert kms.rotate_key_on_demand(KeyId=key["KeyId"])["KeyId"] == key["Arn"]
    rotations = kms.list_key_rotations(KeyId=key["KeyId"])["Rotations"]
    assert [r["RotationType"] for r in rotations] == ["ON_DEMAND"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"old"
    kms.disable_key_rotation(KeyId=key["KeyId"])
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"] is False


def test_aliases_name_keys(key):
    kms = client("kms")
    alias = f"alias/app/{uuid.uuid4().hex[:8]}"
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    arn = key["Arn"].split(":key/")[0] + ":" + alias
    assert kms.encrypt(KeyId=alias, Plaintext=b"x")["KeyId"] == kms.encrypt(KeyId=arn, Plaintext=b"x")["KeyId"] == key["Arn"]
    refused(lambda: kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"]), "AlreadyExistsException", 400,
            f"An alias with the name {arn} already exists")
    refused(lambda: kms.create_alias(AliasName="alias/aws/mine", TargetKeyId=key["KeyId"]), "NotAuthorizedException", 400)
    error = refused(lambda: kms.create_alias(AliasName="mine", TargetKeyId=key["KeyId"]), "ValidationException", 400)
    assert error["Error"]["Message"] == "Invalid identifier" and "alias/" in error["ResponseMetadata"]["HTTPHeaders"]["x-craton-hint"]
    for change in (kms.enable_key_rotation, kms.disable_key, kms.get_key_policy, kms.list_grants):
        error = refused(lambda: change(KeyId=alias), "NotFoundException", 400)
        assert error["Error"]["Message"] == f"Invalid keyId {alias}"
    assert kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"] == key["KeyId"]
    refused(lambda: kms.create_alias(AliasName="alias/b", TargetKeyId=alias), "ValidationException", 400, "Not aliases")
    other = kms.create_key()["KeyMetadata"]
    kms.update_alias(AliasName=alias, TargetKeyId=other["KeyId"])
    entry = kms.list_aliases(KeyId=other["KeyId"])["Aliases"][0]
    assert (entry["AliasName"], entry["AliasArn"], entry["TargetKeyId"]) == (alias, arn, other["KeyId"])
    assert kms.list_aliases(KeyId=key["KeyId"])["Aliases"] == []
    kms.delete_alias(AliasName=alias)
    refused(lambda: kms.delete_alias(AliasName=alias), "NotFoundException", 400, alias)
    kms.schedule_key_deletion(KeyId=other["KeyId"], PendingWindowInDays=7)


def test_tags(key):
    kms = client("kms")
    kms.tag_resource(KeyId=key["KeyId"], Tags=[{"TagKey": "a", "TagValue": "1"}, {"TagKey": "b", "TagValue": "2"}])
    assert kms.list_resource_tags(KeyId=key["KeyId"])["Tags"] == [{"TagKey": "a", "TagValue": "1"}, {"TagKey": "b", "TagValue": "2"}]
    kms.untag_resource(KeyId=key["KeyId"], TagKeys=["a"])
    assert kms.list_resource_tags(KeyId=key["KeyId"])["Tags"] == [{"TagKey": "b", "TagValue": "2"}]
    refused(lambda: kms.tag_resource(KeyId=key["KeyId"], Tags=[{"TagKey": "aws:x", "TagValue": ""}]), "TagException", 400)


def test_a_key_policy_decides_who_has_access(key, stranger):
    kms, (arn, theirs) = client("kms"), stranger
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"text")["CiphertextBlob"]
    refused(lambda: theirs("kms").decrypt(CiphertextBlob=blob), "AccessDeniedException", 400, arn,
            f"is not authorized to perform: kms:Decrypt on resource: {key['Arn']} because")
    owner = account(client("sts"))
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default",
                       Policy=policy(owner, allow(arn, "kms:Decrypt", StringEquals={"kms:EncryptionContext:tenant": "a"})))
    refused(lambda: theirs("kms").decrypt(CiphertextBlob=blob), "AccessDeniedException", 400)
    scoped = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"text", EncryptionContext={"tenant": "a"})["CiphertextBlob"]
    assert theirs("kms").decrypt(CiphertextBlob=scoped, EncryptionContext={"tenant": "a"})["Plaintext"] == b"text"
    kms.put_key_policy(KeyId=key["KeyId"], Policy=policy(owner))
    refused(lambda: theirs("kms").decrypt(CiphertextBlob=scoped, EncryptionContext={"tenant": "a"}), "AccessDeniedException", 400)
    assert json.loads(kms.get_key_policy(KeyId=key["KeyId"])["Policy"]) == json.loads(policy(owner))
    assert kms.list_key_policies(KeyId=key["KeyId"])["PolicyNames"] == ["default"]
    for bad in "{}", "nonsense", "[" * 1000:
        refused(lambda: kms.put_key_policy(KeyId=key["KeyId"], Policy=bad), "MalformedPolicyDocumentException", 400)


def test_nobody_locks_the_account_out_by_mistake(key, stranger):
    kms, (arn, theirs) = client("kms"), stranger
    locked = json.dumps({"Version": "2012-10-17", "Statement": [allow(arn, "kms:*")]})
    words = "The new key policy will not allow you to update the key policy in the future."
    refused(lambda: kms.put_key_policy(KeyId=key["KeyId"], Policy=locked), "MalformedPolicyDocumentException", 400, words)
    refused(lambda: kms.create_key(Policy=locked), "MalformedPolicyDocumentException", 400, words)
    made = kms.create_key(Policy=locked, BypassPolicyLockoutSafetyCheck=True)["KeyMetadata"]["KeyId"]
    refused(lambda: kms.describe_key(KeyId=made), "AccessDeniedException", 400,
            "because no resource-based policy allows the kms:DescribeKey action")
    theirs("kms").schedule_key_deletion(KeyId=made, PendingWindowInDays=7)


def test_grants_give_and_take_rights_at_once(key, stranger):
    kms, (arn, theirs) = client("kms"), stranger
    grant = kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=arn, RetiringPrincipal=arn, Name="app",
                             Operations=["Encrypt", "DescribeKey"], Constraints={"EncryptionContextSubset": {"tenant": "a"}})
    same = kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=arn, RetiringPrincipal=arn, Name="app",
                            Operations=["Encrypt", "DescribeKey"], Constraints={"EncryptionContextSubset": {"tenant": "a"}})
    assert grant["GrantId"] == same["GrantId"]
    theirs("kms").encrypt(KeyId=key["Arn"], Plaintext=b"x", EncryptionContext={"tenant": "a"}, GrantTokens=[grant["GrantToken"]])
    refused(lambda: theirs("kms").encrypt(KeyId=key["Arn"], Plaintext=b"x", EncryptionContext={"tenant": "b"}),
            "AccessDeniedException", 400)
    refused(lambda: theirs("kms").encrypt(KeyId=key["Arn"], Plaintext=b"x", GrantTokens=["forged"]),
            "InvalidGrantTokenException", 400)
    listed = kms.list_grants(KeyId=key["KeyId"])["Grants"][0]
    assert listed["GranteePrincipal"] == arn and sorted(listed["Operations"]) == ["DescribeKey", "Encrypt"]
    assert listed["Constraints"] == {"EncryptionContextSubset": {"tenant": "a"}} and listed["KeyId"] == key["Arn"]
    assert kms.list_retirable_grants(RetiringPrincipal=arn)["Grants"][0]["GrantId"] == grant["GrantId"]
    theirs("kms").retire_grant(KeyId=key["Arn"], GrantId=grant["GrantId"])
    refused(lambda: theirs("kms").describe_key(KeyId=key["Arn"]), "AccessDeniedException", 400)
    second = kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=arn, Operations=["DescribeKey"])["GrantId"]
    assert theirs("kms").describe_key(KeyId=key["Arn"])
    kms.revoke_grant(KeyId=key["KeyId"], GrantId=second)
    refused(lambda: theirs("kms").describe_key(KeyId=key["Arn"]), "AccessDeniedException", 400)
    refused(lambda: kms.revoke_grant(KeyId=key["KeyId"], GrantId=second), "NotFoundException", 400, second)
    refused(lambda: kms.create_grant(KeyId=key["KeyId"], GranteePrincipal="nobody", Operations=["Decrypt"]),
            "InvalidArnException", 400)
    refused(lambda: kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=arn, Operations=["Sign"]), "ValidationException", 400)


def test_a_dry_run_says_what_would_be(key, stranger):
    kms, (arn, theirs) = client("kms"), stranger
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    for call in (lambda c: c.encrypt(KeyId=key["Arn"], Plaintext=b"x", DryRun=True),
                 lambda c: c.decrypt(CiphertextBlob=blob, DryRun=True),
                 lambda c: c.generate_data_key(KeyId=key["Arn"], KeySpec="AES_256", DryRun=True),
                 lambda c: c.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key["Arn"], DryRun=True),
                 lambda c: c.create_grant(KeyId=key["Arn"], GranteePrincipal=arn, Operations=["Decrypt"], DryRun=True)):
        refused(lambda: call(kms), "DryRunOperationException", 412, "would have succeeded")
        refused(lambda: call(theirs("kms")), "AccessDeniedException", 400)
    assert kms.list_grants(KeyId=key["KeyId"])["Grants"] == []


def test_another_accounts_key_by_its_arn_and_with_both_sides_rights():
    owner, other = dev(), host()
    made = owner.create_key(Description="shared")["KeyMetadata"]
    blob = owner.encrypt(KeyId=made["KeyId"], Plaintext=b"text")["CiphertextBlob"]
    hidden = "The ciphertext refers to a customer master key that does not exist"
    refused(lambda: other.decrypt(CiphertextBlob=blob), "AccessDeniedException", 400, hidden)
    refused(lambda: other.decrypt(KeyId=made["Arn"], CiphertextBlob=blob), "AccessDeniedException", 400,
            "because no resource-based policy allows the kms:Decrypt action")
    refused(lambda: other.describe_key(KeyId=made["Arn"].replace(made["KeyId"], MISSING)), "AccessDeniedException", 400,
            "because no resource-based policy allows the kms:DescribeKey action")
    root = f"arn:aws:iam::{account(host('sts'))}:root"
    owner.put_key_policy(KeyId=made["KeyId"], PolicyName="default",
                         Policy=policy(account(dev("sts")), allow(root, "kms:Decrypt", "kms:DescribeKey")))
    assert other.decrypt(CiphertextBlob=blob)["Plaintext"] == b"text"
    assert other.describe_key(KeyId=made["Arn"])["KeyMetadata"]["AWSAccountId"] == account(dev("sts"))
    refused(lambda: other.describe_key(KeyId=made["KeyId"]), "NotFoundException", 400)
    refused(lambda: other.encrypt(KeyId=made["Arn"], Plaintext=b"x"), "AccessDeniedException", 400)
    refused(lambda: other.get_key_policy(KeyId=made["Arn"]), "AccessDeniedException", 400)
    refused(lambda: other.disable_key(KeyId=made["Arn"]), "AccessDeniedException", 400)
    owner.schedule_key_deletion(KeyId=made["KeyId"], PendingWindowInDays=7)
    refused(lambda: other.decrypt(CiphertextBlob=blob), "KMSInvalidStateException", 400)


def test_rights_on_a_key_come_from_the_callers_policies_where_its_policy_lets_them(key, iam_user):
    name, access_key, secret = iam_user
    iam, theirs = client("iam"), client("kms", access_key, secret)
    blob = client("kms").encrypt(KeyId=key["KeyId"], Plaintext=b"text", EncryptionContext={"tenant": "a"})["CiphertextBlob"]
    call = lambda: theirs.decrypt(CiphertextBlob=blob, EncryptionContext={"tenant": "a"})
    refused(call, "AccessDeniedException", 400, "because no identity-based policy allows the kms:Decrypt action")
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key["Arn"]},
        {"Effect": "Deny", "Action": "kms:*", "Resource": "*", "Condition": {"StringEquals": {"kms:EncryptionContext:tenant": "b"}}}]}))
    assert call()["Plaintext"] == b"text"
    refused(lambda: theirs.decrypt(CiphertextBlob=blob, EncryptionContext={"tenant": "b"}), "AccessDeniedException", 400,
            "with an explicit deny in an identity-based policy")
    iam.delete_user_policy(UserName=name, PolicyName="p")
    refused(call, "AccessDeniedException", 400)


def test_a_policy_names_only_who_exists(key):
    nobody = f"arn:aws:iam::{account(client('sts'))}:user/nobody-{uuid.uuid4().hex[:8]}"
    kms = client("kms")
    refused(lambda: kms.put_key_policy(KeyId=key["KeyId"], Policy=policy(account(client("sts")), allow(nobody, "kms:*"))),
            "MalformedPolicyDocumentException", 400, "invalid principals", nobody)
    refused(lambda: kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=nobody, Operations=["Decrypt"]),
            "InvalidArnException", 400, nobody)


def test_what_is_not_built_says_so_by_name(key):
    kms = client("kms")
    for spec in "RSA_2048", "ECC_NIST_P256", "HMAC_256":
        usage = "GENERATE_VERIFY_MAC" if spec.startswith("HMAC") else "SIGN_VERIFY"
        refused(lambda: kms.create_key(KeySpec=spec, KeyUsage=usage), "NotImplementedException", 501, spec)
    refused(lambda: kms.create_key(MultiRegion=True), "NotImplementedException", 501, "MultiRegion")
    refused(lambda: kms.create_key(Origin="EXTERNAL"), "NotImplementedException", 501, "Origin")
    refused(lambda: kms.create_key(KeyUsage="SIGN_VERIFY"), "ValidationException", 400)
    for name, call in {
        "GenerateDataKeyPair": lambda: kms.generate_data_key_pair(KeyId=key["KeyId"], KeyPairSpec="RSA_2048"),
        "Sign": lambda: kms.sign(KeyId=key["KeyId"], Message=b"x", SigningAlgorithm="RSASSA_PSS_SHA_256"),
        "GenerateMac": lambda: kms.generate_mac(KeyId=key["KeyId"], Message=b"x", MacAlgorithm="HMAC_SHA_256"),
        "GetPublicKey": lambda: kms.get_public_key(KeyId=key["KeyId"]),
        "ReplicateKey": lambda: kms.replicate_key(KeyId=key["KeyId"], ReplicaRegion="us-west-2"),
        "ImportKeyMaterial": lambda: kms.import_key_material(KeyId=key["KeyId"], ImportToken=b"x", EncryptedKeyMaterial=b"x"),
    }.items():
        refused(call, "NotImplementedException", 501, name)
