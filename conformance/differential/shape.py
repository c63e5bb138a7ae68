"""Makes answers comparable: what must differ from server to server is replaced by what it is."""

import datetime
import json
import re

UNIQUE = {
    # Tokens, secrets and random ids: presence and type are comparable, and whether they are a value that was kept.
    "SecretAccessKey", "SessionToken", "Marker", "NextMarker", "NextToken", "NextContinuationToken", "ContinuationToken",
    "NextVersionIdMarker", "VersionIdMarker", "UploadId", "NextUploadIdMarker", "UploadIdMarker", "CiphertextBlob", "CiphertextForRecipient",
    "PrivateKeyPlaintext", "PrivateKeyCiphertextBlob", "PublicKey", "GrantToken", "CurrentKeyMaterialId", "KeyMaterialId",
    "SourceKeyMaterialId", "DestinationKeyMaterialId", "PackedPolicySize", "ID", "UserId", "GroupId", "PolicyId", "RoleId",
    "InstanceProfileId", "DisplayName", "RandomPassword",
}
SORTED = {
    # Lists whose order AWS does not promise.
    "Tags", "TagSet", "Users", "Groups", "Roles", "Policies", "AttachedPolicies", "PolicyNames", "AccessKeyMetadata", "Versions@secretsmanager",
    "PolicyUsers", "PolicyGroups", "PolicyRoles", "Grants@kms", "Keys@kms", "Aliases", "SecretList", "Deleted", "Errors", "Operations",
    "Buckets", "TagKeys", "VersionStages", "SecretVersionStages", "CORSRules", "SecretValues", "MatchedStatements", "InstanceProfiles",
    "AllowedHeaders", "AllowedMethods", "ExposeHeaders", "EncryptionAlgorithms",
}
VERSIONS = ("VersionId", "CopySourceVersionId", "DeleteMarkerVersionId", "x-amz-version-id")
PATTERNS = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "(uuid)"),
    (re.compile(r"\b(AIDA|AROA|AGPA|ANPA|AKIA|ASIA|AIPA)[A-Z0-9]{12,17}\b"), r"(\1 id)"),
    (re.compile(r"(:secret:.*)-[A-Za-z0-9]{6}$"), r"\1-(suffix)"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "(hex)"),
)


def comparable(value, variables, service, volatile=(), name=""):
    """`value` as nested dicts, lists and text.

    A value that an earlier call kept becomes the name under which it was kept, so that the same id must come back in the same places.
    """
    if isinstance(value, dict):
        return {_plain(key, variables): comparable(item, variables, service, volatile, key) for key, item in value.items()}
    if isinstance(value, list):
        items = [comparable(item, variables, service, volatile, name) for item in value]
        return sorted(items, key=json.dumps) if name in SORTED or f"{name}@{service}" in SORTED else items
    if name in UNIQUE or name in volatile:
        known = [variable for variable, kept in variables.items() if kept == value]
        return f"(the {known[0]})" if known else f"({type(value).__name__})"
    if isinstance(value, datetime.datetime):
        return "(date)"
    if isinstance(value, (bytes, bytearray)):
        return _bytes(bytes(value), variables)
    if isinstance(value, str):
        return _text(value, variables, service, name)
    return value


def _bytes(value, variables):
    for name, kept in variables.items():
        if kept == value:
            return f"(the {name}, {len(value)} bytes)"
    return f"bytes {value[:64]!r} ({len(value)})"


def _text(value, variables, service, name):
    document = _document(value)
    if document is not None:
        return {"(document)": comparable(document, variables, service)}
    if service == "s3" and name in VERSIONS and value != "null" and value not in variables.values():
        return "(version)"
    return _plain(value, variables)


def _plain(value, variables):
    """`value` with what was kept, random ids and the like replaced."""
    for known, kept in variables.items():
        if isinstance(kept, str) and len(kept) >= 8:
            value = value.replace(kept, f"(the {known})")
    for pattern, placeholder in PATTERNS:
        value = pattern.sub(placeholder, value)
    return value


def _document(value):
    if not value.lstrip().startswith("{"):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None


def differences(left, right, path=""):
    """The places at which two comparable values differ: (path, left, right) each; an absent member is None."""
    if isinstance(left, dict) and isinstance(right, dict):
        for name in sorted({*left, *right}):
            below = f"{path}.{name}" if path else name
            if name not in left or name not in right:
                yield below, left.get(name, ABSENT), right.get(name, ABSENT)
            else:
                yield from differences(left[name], right[name], below)
    elif isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            yield f"{path}.length", len(left), len(right)
        else:
            for index, (one, other) in enumerate(zip(left, right)):
                yield from differences(one, other, f"{path}.{index}")
    elif type(left) is not type(right) or left != right:
        yield path, left, right


class _Absent:
    def __repr__(self):
        return "absent"


ABSENT = _Absent()
