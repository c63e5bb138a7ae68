"""What is sent: a case is a named list of calls, written as data. See README.md for how to write one."""

import re
from dataclasses import dataclass, field

VARIABLE = re.compile(r"<([a-z][a-z0-9_]*)>")


class Missing(Exception):
    """A call needs a variable that no earlier call has kept."""


@dataclass
class Call:
    """One call of one operation, what AWS documents for it, and what is kept of its answer."""

    operation: str
    """`service.method` as boto3 spells it."""
    parameters: dict
    fails: str | None = None
    """The error code that AWS answers, or None where the call succeeds."""
    status: int | None = None
    """The HTTP status that AWS answers, where it is worth stating."""
    keep: dict = field(default_factory=dict)
    """Variable name to JMESPath in the answer."""
    caller: tuple | None = None
    """Access key id, secret key and session token to sign with; the run's own, unless given."""
    where: tuple | None = None
    """(list, member, text): of this list only the items whose member contains the text are looked at."""
    volatile: tuple = ()
    """Members of this call's answer whose values differ from run to run: only their type is compared."""
    how: str = "call"
    """`call`, `pages` (all pages of a paginator) or `presigned` (a URL, fetched without the SDK)."""
    page_size: int | None = None
    signature: str | None = None
    """The signature version of a presigned URL."""
    headers: dict = field(default_factory=dict)
    """More headers sent with a presigned URL."""

    @property
    def service(self):
        return self.operation.partition(".")[0]

    @property
    def method(self):
        return self.operation.partition(".")[2]


@dataclass
class Case:
    """Calls in order that share variables. `<fresh>`, `<name>` and `<bucket>` are new in each case and run."""

    id: str
    calls: list

    @property
    def service(self):
        return self.id.partition(".")[0]

    def labels(self):
        """A name for each call: its method, and from the second use of one on, its count (`get_user#2`)."""
        seen, labels = {}, []
        for call in self.calls:
            seen[call.method] = seen.get(call.method, 0) + 1
            labels.append(call.method if seen[call.method] == 1 else f"{call.method}#{seen[call.method]}")
        return labels


OPTIONS = ("fails", "status", "keep", "caller", "where", "volatile")


def _split(arguments):
    options = {name: arguments.pop(name) for name in OPTIONS if name in arguments}
    return options, arguments


def call(operation, **arguments):
    """A call: options in lower case (see `Call`), the operation's own parameters as AWS spells them."""
    options, parameters = _split(arguments)
    return Call(operation, parameters, **options)


def pages(operation, size, **arguments):
    """All pages of a list, `size` items each; the answer is `{"Pages": [...]}`."""
    options, parameters = _split(arguments)
    return Call(operation, parameters, how="pages", page_size=size, **options)


def presigned(operation, signature="s3v4", headers=None, **arguments):
    """A presigned URL, fetched by a plain HTTP client; a `Body` among the parameters is sent beside the URL."""
    options, parameters = _split(arguments)
    return Call(operation, parameters, how="presigned", signature=signature, headers=headers or {}, **options)


def fill(value, variables):
    """`value` with each `<variable>` replaced; a string that is one variable alone keeps that variable's type."""
    if isinstance(value, dict):
        return {fill(name, variables): fill(item, variables) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(fill(item, variables) for item in value)
    if not isinstance(value, str):
        return value
    whole = VARIABLE.fullmatch(value)
    if whole:
        return _variable(whole[1], variables)
    return VARIABLE.sub(lambda found: str(_variable(found[1], variables)), value)


def _variable(name, variables):
    if variables.get(name) is None:
        raise Missing(name)
    return variables[name]
