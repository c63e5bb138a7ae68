"""Compares what two servers answered to the same case, and both with what AWS documents."""

from dataclasses import dataclass

import shape


@dataclass
class Difference:
    """One place at which moto and Craton, or one of them and AWS's documentation, do not agree."""

    case: str
    field: str
    """The call's label and the member: `get_user.User.Tags`; `.code`, `.status` or `.moto` for the outcome.

    It begins with `+` where only Craton answers the member, with `-` where only moto does.
    """
    text: str
    reason: str | None = None
    """Why it is allowed, where it is."""


def outcome(one, label, call, **seen):
    """The difference between the outcomes of the servers in `seen` and AWS's, or None.

    Where moto alone is wrong the field ends in `.moto`: allowing that does not hide an error of Craton.
    """
    documented = (call.fails or "success", call.status)
    wrong = [name for name, server in seen.items() if _differs(server, documented)]
    if not wrong and len({server.status for server in seen.values()}) == 1:
        return None
    kind = "moto" if wrong == ["moto"] else "code" if wrong else "status"
    told = ", ".join(f"{name}: {server.outcome} {server.status or ''}{_said(server)}" for name, server in seen.items())
    return Difference(one.id, f"{label}.{kind}", f"AWS: {documented[0]} {documented[1] or ''}, {told}")


def _differs(server, documented):
    return server.outcome != documented[0] or documented[1] not in (None, server.status)


def _said(server):
    return f" ({' '.join(server.message.split())[:140]})" if server.message else ""


def case(one, moto, craton):
    """For each call of a case its list of differences."""
    return [_call(one, label, call, *left, *right) for label, call, left, right in zip(one.labels(), one.calls, moto, craton)]


def _call(one, label, call, moto, moto_variables, craton, craton_variables):
    different = outcome(one, label, call, moto=moto, craton=craton)
    if different:
        return [different]
    left = shape.comparable(moto.body, moto_variables, call.service, call.volatile)
    right = shape.comparable(craton.body, craton_variables, call.service, call.volatile)
    return [Difference(one.id, f"{_only(was, is_)}{label}.{path}", f"moto: {was!r}, craton: {is_!r}") for path, was, is_ in shape.differences(left, right)]


def _only(moto, craton):
    return "+" if moto is shape.ABSENT else "-" if craton is shape.ABSENT else ""


def alone(one, moto):
    """For each call of a case, whether moto's outcome is the one that AWS documents."""
    found = []
    for label, call, (seen, _) in zip(one.labels(), one.calls, moto):
        different = outcome(one, label, call, moto=seen)
        found.append([different] if different else [])
    return found
