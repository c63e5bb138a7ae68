"""Policy documents and names for the scenarios of IAM."""

import json
import uuid

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def unique(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def statement(effect, action, resource="*", condition=None):
    made = {"Effect": effect, "Action": action, "Resource": resource}
    return made | ({"Condition": condition} if condition else {})


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", condition=None):
    return document(statement("Allow", action, resource, condition))


def deny(action, resource="*"):
    return document(statement("Deny", action, resource))


def trust(principal, action="sts:AssumeRole"):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": action}]})


BEDROCK = trust({"Service": "bedrock.amazonaws.com"})


def pages(client, operation, key, size=1, **arguments):
    """All items of a listing, read `size` at a time."""
    found = client.get_paginator(operation).paginate(PaginationConfig={"PageSize": size}, **arguments)
    return [item for page in found for item in page[key]]
