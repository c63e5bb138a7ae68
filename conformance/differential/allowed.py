"""The list of differences that are allowed, each with its reason."""

import re
import tomllib
from dataclasses import dataclass


@dataclass
class Entry:
    """Allows the fields of the cases that match; `*` stands for any text in both."""

    cases: list
    fields: list
    reason: str
    unused: set

    def allows(self, difference):
        """Whether a case and a field of it match; they are in use then."""
        cases = {pattern for pattern in self.cases if _glob(pattern, difference.case)}
        fields = {pattern for pattern in self.fields if _glob(pattern, difference.field)}
        if cases and fields:
            self.unused -= cases | fields
        return bool(cases and fields)


class Allowed:
    """The entries of a file: `[[allowed]]` with `case`, `field` (each a text or a list of them) and `reason`."""

    def __init__(self, path):
        self.entries = []
        for row in tomllib.loads(path.read_text())["allowed"]:
            if set(row) != {"case", "field", "reason"} or not row["reason"].strip():
                raise SystemExit(f"error: an entry of {path} needs exactly `case`, `field` and `reason`: {row}")
            cases, fields = _list(row["case"]), _list(row["field"])
            self.entries.append(Entry(cases, fields, row["reason"], {*cases, *fields}))

    def judge(self, difference):
        """Gives the difference the reason of the first entry that allows it, if one does."""
        difference.reason = next((entry.reason for entry in self.entries if entry.allows(difference)), None)

    def unused(self):
        """The cases and fields that allowed nothing: (pattern, reason of its entry) each."""
        return [(pattern, entry.reason) for entry in self.entries for pattern in sorted(entry.unused)]


def _list(value):
    return value if isinstance(value, list) else [value]


def _glob(pattern, text):
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text) is not None
