"""Sends the same calls to moto's server and to Craton and compares the answers. See README.md."""

import argparse
import importlib.metadata
import os
import pathlib
import secrets
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor

import boto3

import cases
import compare
import report
from allowed import Allowed
from peer import moto
from target import Target

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
SERVED = ROOT / "crates/aws-wire/served.toml"
COMPATIBILITY = ROOT / "docs/compatibility.md"
SERVICES = ("s3", "iam", "sts", "kms", "secretsmanager")
MOTO_KEYS = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def main():
    arguments = _arguments()
    chosen = [one for one in cases.load() if one.id.startswith(tuple(arguments.cases or [""]))]
    allowed = Allowed(HERE / "allowed.toml")
    with tempfile.TemporaryDirectory() as folder, moto(os.path.join(folder, "moto.log")) as url:
        peer = Target("moto", url, MOTO_KEYS)
        if arguments.only == "moto":
            judged = [compare.alone(one, seen) for one, seen in zip(chosen, _run(peer, chosen, "m"))]
        else:
            craton = Target("craton", os.environ["AWS_ENDPOINT_URL"], (os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]))
            run_id = secrets.token_hex(3)
            with ThreadPoolExecutor(2) as pool:
                left, right = pool.map(lambda target: _run(target, chosen, run_id), (peer, craton))
            judged = [compare.case(*row) for row in zip(chosen, left, right)]
    for difference in report.flat(judged):
        allowed.judge(difference)
    return _tell(arguments, chosen, judged, allowed)


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help="only the cases whose id starts with one of these")
    parser.add_argument("--only", choices=["moto"], help="check the cases against moto alone")
    parser.add_argument("--show-allowed", action="store_true", help="print the allowed differences too")
    parser.add_argument("--write", action="store_true", help="write docs/compatibility.md")
    parser.add_argument("--check", action="store_true", help="fail where docs/compatibility.md is not fresh")
    return parser.parse_args()


def _run(target, chosen, run_id):
    return [target.run(one, run_id) for one in chosen]


def _tell(arguments, chosen, judged, allowed):
    """Prints what was found; gives the exit status."""
    whole = not arguments.cases and not arguments.only
    different = [difference for difference in report.flat(judged) if not difference.reason]
    for difference in report.flat(judged):
        if not difference.reason or arguments.show_allowed:
            mark = f"\n    allowed: {difference.reason}" if difference.reason else ""
            print(f"{difference.case}  {difference.field}\n    {difference.text}{mark}")
    table = report.table(chosen, judged, SERVICES)
    print(report.text(table))
    failed = bool(different)
    if whole:
        for pattern, reason in allowed.unused():
            print(f"error: allowed.toml: `{pattern}` allows nothing: remove it (reason: {reason})")
            failed = True
        for operation in sorted(_served() - report.operations(chosen)):
            print(f"error: Craton serves `{operation}` but no case calls it")
            failed = True
    if arguments.write and not failed:
        report.write(COMPATIBILITY, _versions(), table, judged)
    if arguments.check and not report.fresh(COMPATIBILITY, _versions(), table, judged):
        print("error: docs/compatibility.md is not fresh: run scripts/differential.sh --write")
        failed = True
    return int(failed)


def _versions():
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("moto", "boto3", "botocore"))


def _served():
    """The operations of the compared services that Craton serves, as `service.method`."""
    table = tomllib.loads(SERVED.read_text())
    found = set()
    for service in table["service"]:
        if service["id"] in SERVICES:
            client = boto3.client(service["id"], region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
            methods = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}
            found |= {f"{service['id']}.{methods[operation]}" for operation in service.get("operations", {})}
    return found


if __name__ == "__main__":
    sys.exit(main())
