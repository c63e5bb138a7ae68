"""STS: who calls, sessions of roles and users."""

from case import Case, call
from cases.documents import READ, TRUST, policy

ROLE = "arn:aws:iam::123456789012:role/<name>"

CASES = [
    Case("sts.identity.root", [
        call("sts.get_caller_identity", status=200),
    ]),
    Case("sts.identity.user", [
        call("iam.create_user", UserName="<name>", keep={"id": "User.UserId"}),
        call("iam.create_access_key", UserName="<name>", keep={"key": "AccessKey.AccessKeyId", "secret": "AccessKey.SecretAccessKey"}),
        call("sts.get_caller_identity", caller=("<key>", "<secret>")),
    ]),
    Case("sts.identity.role_session", [
        call("iam.create_role", RoleName="<name>", AssumeRolePolicyDocument=TRUST, keep={"id": "Role.RoleId"}),
        call("iam.create_user", UserName="<name>"),
        call("iam.put_user_policy", UserName="<name>", PolicyName="assume", PolicyDocument=policy("sts:AssumeRole")),
        call("iam.create_access_key", UserName="<name>", keep={"key": "AccessKey.AccessKeyId", "secret": "AccessKey.SecretAccessKey"}),
        call("sts.assume_role", RoleArn=ROLE, RoleSessionName="work", caller=("<key>", "<secret>"),
             keep={"key2": "Credentials.AccessKeyId", "secret2": "Credentials.SecretAccessKey", "token2": "Credentials.SessionToken"}),
        call("sts.get_caller_identity", caller=("<key2>", "<secret2>", "<token2>")),
    ]),
    Case("sts.assume_role.options", [
        call("iam.create_role", RoleName="<name>", AssumeRolePolicyDocument=TRUST, MaxSessionDuration=7200, keep={"id": "Role.RoleId"}),
        call("iam.create_user", UserName="<name>"),
        call("iam.put_user_policy", UserName="<name>", PolicyName="assume", PolicyDocument=policy("sts:*")),
        call("iam.create_access_key", UserName="<name>", keep={"key": "AccessKey.AccessKeyId", "secret": "AccessKey.SecretAccessKey"}),
        call("sts.assume_role", RoleArn=ROLE, RoleSessionName="a", caller=("<key>", "<secret>"), fails="ValidationError", status=400),
        call("sts.assume_role", RoleArn=ROLE, RoleSessionName="two words", caller=("<key>", "<secret>"), fails="ValidationError", status=400),
        call("sts.assume_role", RoleArn=ROLE, RoleSessionName="x" * 65, caller=("<key>", "<secret>"), fails="ValidationError", status=400),
        call("sts.assume_role", RoleArn=ROLE, RoleSessionName="work", DurationSeconds=900, caller=("<key>", "<secret>")),
        call("sts.assume_role", RoleArn=ROLE, RoleSessionName="work", DurationSeconds=7200, caller=("<key>", "<secret>")),
        call("sts.assume_role", RoleArn=ROLE, RoleSessionName="work", DurationSeconds=899, caller=("<key>", "<secret>"), fails="ValidationError"),
        call("sts.assume_role", RoleArn=ROLE, RoleSessionName="work", DurationSeconds=7201, caller=("<key>", "<secret>"), fails="ValidationError"),
        call("sts.assume_role", RoleArn=ROLE, RoleSessionName="work", DurationSeconds=43201, caller=("<key>", "<secret>"), fails="ValidationError"),
        call("sts.assume_role", RoleArn=ROLE, RoleSessionName="work", Policy=READ, caller=("<key>", "<secret>")),
        call("sts.assume_role", RoleArn=ROLE, RoleSessionName="work", Policy="nonsense", caller=("<key>", "<secret>"), fails="MalformedPolicyDocument", status=400),
        call("sts.assume_role", RoleArn=ROLE, RoleSessionName="work", PolicyArns=[{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}], caller=("<key>", "<secret>")),
        call("sts.assume_role", RoleArn="short", RoleSessionName="work", caller=("<key>", "<secret>"), fails="ValidationError"),
        call("sts.assume_role", RoleArn="arn:aws:iam::123456789012:user/<name>-is-no-role", RoleSessionName="work", caller=("<key>", "<secret>"), fails="ValidationError"),
    ]),
    Case("sts.assume_role.source_identity", [
        call("iam.create_role", RoleName="<name>", AssumeRolePolicyDocument=TRUST.replace('"sts:AssumeRole"', '["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]'), keep={"id": "Role.RoleId"}),
        call("iam.create_user", UserName="<name>"),
        call("iam.put_user_policy", UserName="<name>", PolicyName="assume", PolicyDocument=policy("sts:*")),
        call("iam.create_access_key", UserName="<name>", keep={"key": "AccessKey.AccessKeyId", "secret": "AccessKey.SecretAccessKey"}),
        call("sts.assume_role", RoleArn=ROLE, RoleSessionName="work", SourceIdentity="someone", caller=("<key>", "<secret>")),
        call("sts.assume_role", RoleArn=ROLE, RoleSessionName="work", Tags=[{"Key": "team", "Value": "red"}], TransitiveTagKeys=["team"], caller=("<key>", "<secret>")),
    ]),
    Case("sts.session_token", [
        call("iam.create_user", UserName="<name>", keep={"id": "User.UserId"}),
        call("iam.create_access_key", UserName="<name>", keep={"key": "AccessKey.AccessKeyId", "secret": "AccessKey.SecretAccessKey"}),
        call("sts.get_session_token", caller=("<key>", "<secret>"),
             keep={"key2": "Credentials.AccessKeyId", "secret2": "Credentials.SecretAccessKey", "token2": "Credentials.SessionToken"}),
        call("sts.get_session_token", DurationSeconds=900, caller=("<key>", "<secret>")),
        call("sts.get_session_token", DurationSeconds=899, caller=("<key>", "<secret>"), fails="ValidationError", status=400),
        call("sts.get_session_token", DurationSeconds=129601, caller=("<key>", "<secret>"), fails="ValidationError"),
        call("sts.get_caller_identity", caller=("<key2>", "<secret2>", "<token2>")),
    ]),
    Case("sts.access_key_info", [
        call("sts.get_access_key_info", AccessKeyId="<access_key>"),
        call("iam.create_user", UserName="<name>"),
        call("iam.create_access_key", UserName="<name>", keep={"key": "AccessKey.AccessKeyId"}),
        call("sts.get_access_key_info", AccessKeyId="<key>"),
        call("sts.get_access_key_info", AccessKeyId="short", fails="ValidationError", status=400),
    ]),
    Case("sts.decode_authorization_message", [
        call("sts.decode_authorization_message", EncodedMessage="nonsense", fails="InvalidAuthorizationMessageException", status=400),
    ]),
    Case("sts.web_identity", [
        call("sts.assume_role_with_web_identity", RoleArn=ROLE, RoleSessionName="work", WebIdentityToken="nonsense",
             fails="InvalidIdentityToken", status=400),
    ]),
]
