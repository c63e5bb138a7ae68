"""Policy documents that several cases use."""

import json

CASES = []


def policy(*actions, resource="*", effect="Allow", version="2012-10-17", **more):
    """One statement as a document."""
    return json.dumps({"Version": version, "Statement": [
        {"Effect": effect, "Action": list(actions) if len(actions) > 1 else actions[0], "Resource": resource, **more}]})


def trust(principal=None, action="sts:AssumeRole", **more):
    """A role's trust policy; of the account itself, unless another principal is given."""
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": principal or {"AWS": "arn:aws:iam::123456789012:root"}, "Action": action, **more}]})


READ = policy("s3:GetObject", "s3:ListBucket")
WRITE = policy("s3:PutObject", resource="arn:aws:s3:::data/*")
TRUST = trust()
BEDROCK_TRUST = trust({"Service": "bedrock.amazonaws.com"})
TAGS = [{"Key": "team", "Value": "red"}, {"Key": "stage", "Value": ""}]
