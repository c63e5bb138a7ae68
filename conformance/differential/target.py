"""One of the two servers: runs cases against it and notes what it answers."""

import zlib
from dataclasses import dataclass

import boto3
import jmespath
import urllib3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, PaginationError
from botocore.parsers import ResponseParserError
from botocore.response import StreamingBody

import case

REGION = "us-east-1"
POOL = urllib3.PoolManager(retries=False, timeout=60)
ERROR_MEMBERS = ("Code", "Message", "message", "RequestId", "HostId", "Resource")
RESPONSE_HEADERS = ("content-type", "content-length", "content-range", "etag", "cache-control", "content-disposition",
                    "content-encoding", "accept-ranges", "x-amz-version-id", "x-amz-meta-colour")


@dataclass
class Seen:
    """What one call came to."""

    status: int | None
    """The HTTP status; None where no answer came."""
    code: str | None
    """The error code; None on success."""
    message: str = ""
    body: object = None
    """The parsed answer without its metadata; of an error what it says besides code and message."""
    unreached: str | None = None
    """The missing variable because of which the call was not made."""

    @property
    def outcome(self):
        return f"not made (`{self.unreached}` is missing)" if self.unreached else self.code or "success"


class Target:
    """A server at `url`, spoken to with `credentials` (access key id, secret key)."""

    def __init__(self, name, url, credentials):
        self.name, self.url, self.credentials = name, url, credentials
        self.clients = {}

    def run(self, one, run_id):
        """Makes the calls of one case: a list of (what was seen, variables at that time)."""
        fresh = f"{run_id}{zlib.crc32(one.id.encode()):08x}"
        variables = {"fresh": fresh, "name": f"name-{fresh}", "bucket": f"bucket-{fresh}", "account": "123456789012",
                     "access_key": self.credentials[0]}
        kept, seen = {}, []
        for step in one.calls:
            try:
                filled = self._fill(step, variables)
            except case.Missing as missing:
                seen.append((Seen(None, None, unreached=str(missing)), dict(kept)))
                continue
            answer = self._make(step, *filled)
            for name, path in step.keep.items():
                kept[name] = variables[name] = jmespath.search(path, answer.body) if answer.code is None else None
            seen.append((answer, dict(kept)))
        return seen

    def _fill(self, step, variables):
        caller = case.fill(step.caller, variables) if step.caller else self.credentials
        return case.fill(step.parameters, variables), caller, case.fill(step.where, variables)

    def _make(self, step, parameters, caller, where):
        client = self._client(step.service, caller, step.signature)
        try:
            if step.how == "presigned":
                return _fetch(client, step, parameters)
            answer = _pages(client, step, parameters) if step.how == "pages" else getattr(client, step.method)(**parameters)
        except ClientError as error:
            said = error.response
            more = {name: value for name, value in said["Error"].items() if name not in ERROR_MEMBERS}
            return Seen(said["ResponseMetadata"]["HTTPStatusCode"], said["Error"].get("Code"), said["Error"].get("Message", ""), {"Error": more})
        except PaginationError as error:
            return Seen(None, "PaginationError", str(error))
        except (BotoCoreError, ResponseParserError, ValueError, KeyError, TypeError) as error:
            return Seen(None, type(error).__name__, str(error).replace("\n", " "))
        status = answer.pop("ResponseMetadata", {}).get("HTTPStatusCode")
        if where:
            _narrow(answer, *where)
        return Seen(status, None, body=_read(answer))

    def _client(self, service, caller, signature):
        key = (service, caller, signature)
        if key not in self.clients:
            config = Config(retries={"total_max_attempts": 1}, read_timeout=60, parameter_validation=False, signature_version=signature)
            self.clients[key] = boto3.client(
                service, endpoint_url=self.url, region_name=REGION, config=config, aws_access_key_id=caller[0],
                aws_secret_access_key=caller[1], aws_session_token=caller[2] if len(caller) > 2 else None)
        return self.clients[key]


def _pages(client, step, parameters):
    paginator = client.get_paginator(step.method)
    found = list(paginator.paginate(**parameters, PaginationConfig={"PageSize": step.page_size}))
    status = found[0]["ResponseMetadata"]["HTTPStatusCode"]
    for page in found:
        page.pop("ResponseMetadata")
    return {"Pages": found, "ResponseMetadata": {"HTTPStatusCode": status}}


def _fetch(client, step, parameters):
    body = parameters.pop("Body", None)
    url = client.generate_presigned_url(step.method, Params=parameters, ExpiresIn=300)
    verb = {"put": "PUT", "delete": "DELETE", "head": "HEAD"}.get(step.method.partition("_")[0], "GET")
    answer = POOL.request(verb, url, body=body, headers=step.headers)
    if answer.status < 400:
        headers = {name: answer.headers[name] for name in RESPONSE_HEADERS if name in answer.headers}
        return Seen(answer.status, None, body={"Body": answer.data, "Headers": headers})
    text = answer.data.decode(errors="replace")
    code = text.partition("<Code>")[2].partition("</Code>")[0]
    return Seen(answer.status, code or str(answer.status), text, {"Error": {}})


def _narrow(answer, path, member, text):
    *parents, name = path.split(".")
    for parent in parents:
        answer = answer.get(parent, {})
    if name in answer:
        answer[name] = [item for item in answer[name] if text in (item if member == "" else str(item.get(member)))]


def _read(value):
    """`value` with streams read to their end."""
    if isinstance(value, StreamingBody):
        return value.read()
    if isinstance(value, dict):
        return {name: _read(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_read(item) for item in value]
    return value
