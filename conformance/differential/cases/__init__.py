"""The cases, one module a service and area; each has a list named `CASES`."""

import importlib
import pkgutil


def load():
    """All cases, in the order of their modules' names. Two cases of one id are a mistake."""
    found = []
    for module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        found += importlib.import_module(f"{__name__}.{module}").CASES
    ids = [case.id for case in found]
    twice = {name for name in ids if ids.count(name) > 1}
    if twice:
        raise SystemExit(f"error: two cases have the id {sorted(twice)[0]}")
    return found
