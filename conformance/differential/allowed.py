"""The list of differences that are allowed, each with its reason."""

import re
import tomllib
from dataclasses import dataclass


@dataclass
class Entry:
    """Allows the fields of the cases that match; `*` stands for any text in both."""

    case: str
    field: str
    reason: str
    used: bool = False

    def matches(self, difference):
        return _glob(self.case, difference.case) and _glob(self.field, difference.field)


class Allowed:
    """The entries of a file: `[[allowed]]` with `case`, `field` (each a text or a list of them) and `reason`."""

    def __init__(self, path):
        self.entries = []
        for row in tomllib.loads(path.read_text())["allowed"]:
            if set(row) != {"case", "field", "reason"} or not row["reason"].strip():
                raise SystemExit(f"error: an entry of {path} needs exactly `case`, `field` and `reason`: {row}")
            for one in _list(row["case"]):
                self.entries += [Entry(one, field, row["reason"]) for field in _list(row["field"])]

    def judge(self, difference):
        """Gives the difference the reason of the first entry that allows it, if one does."""
        for entry in self.entries:
            if entry.matches(difference):
                entry.used = True
                difference.reason = entry.reason
                return

    def unused(self):
        """Entries that allowed nothing."""
        return [entry for entry in self.entries if not entry.used]


def _list(value):
    return value if isinstance(value, list) else [value]


def _glob(pattern, text):
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text) is not None
