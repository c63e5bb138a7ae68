"""Compares what two servers answered to the same case, and both with what AWS documents."""

from dataclasses import dataclass

import shape


@dataclass
class Difference:
    """One place at which moto and Craton, or one of them and AWS's documentation, do not agree."""

    case: str
    field: str
    """The call's label and the member: `get_user.User.Tags`; `.code`, `.status` for the outcome."""
    text: str
    reason: str | None = None
    """Why it is allowed, where it is."""


def outcome(one, label, call, **seen):
    """The difference between the outcomes of the servers in `seen` and AWS's, or None."""
    documented = call.fails or "success"
    told = ", ".join(f"{name}: {server.outcome}{_said(server)}" for name, server in seen.items())
    if {server.outcome for server in seen.values()} != {documented}:
        return Difference(one.id, f"{label}.code", f"AWS: {documented}, {told}")
    statuses = {server.status for server in seen.values()} | ({call.status} if call.status else set())
    if len(statuses) > 1:
        told = ", ".join(f"{name}: {server.status}" for name, server in seen.items())
        return Difference(one.id, f"{label}.status", f"AWS: {call.status or '-'}, {told}")
    return None


def _said(server):
    return f" ({server.message[:160]})" if server.message else ""


def case(one, moto, craton):
    """For each call of a case its list of differences."""
    return [_call(one, label, call, *left, *right) for label, call, left, right in zip(one.labels(), one.calls, moto, craton)]


def _call(one, label, call, moto, moto_variables, craton, craton_variables):
    different = outcome(one, label, call, moto=moto, craton=craton)
    if different:
        return [different]
    if moto.code:
        return []
    left = shape.comparable(moto.body, moto_variables, call.service, call.volatile)
    right = shape.comparable(craton.body, craton_variables, call.service, call.volatile)
    return [Difference(one.id, f"{label}.{path}", f"moto: {was!r}, craton: {is_!r}") for path, was, is_ in shape.differences(left, right)]


def alone(one, moto):
    """For each call of a case, whether moto's outcome is the one that AWS documents."""
    found = []
    for label, call, (seen, _) in zip(one.labels(), one.calls, moto):
        different = outcome(one, label, call, moto=seen)
        found.append([different] if different else [])
    return found
