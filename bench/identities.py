"""The empty server: time to ready, resident memory, and signed GetCallerIdentity requests per second with the load beside it.

Usage: identities.py [--seconds 5]
"""

import argparse
import os
import statistics
import subprocess
import tempfile

import botocore.auth
import botocore.awsrequest
import botocore.credentials

import servers

STARTS = 9


def resident_megabytes(process):
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS:"))


def signed_request(craton):
    """A signed GetCallerIdentity as a wrk script: one signature serves for its five minutes of validity and more."""
    url = craton.url + "/"
    body = "Action=GetCallerIdentity&Version=2011-06-15"
    request = botocore.awsrequest.AWSRequest("POST", url, data=body, headers={
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
    credentials = botocore.credentials.Credentials(craton.env["AWS_ACCESS_KEY_ID"], craton.env["AWS_SECRET_ACCESS_KEY"])
    botocore.auth.SigV4Auth(credentials, "sts", craton.env["AWS_DEFAULT_REGION"]).add_auth(request)
    headers = "\n".join(f'wrk.headers["{name}"] = [[{value}]]' for name, value in request.headers.items())
    return f'wrk.method = "POST"\nwrk.body = [[{body}]]\n{headers}\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    options = parser.parse_args()
    ready, resident = [], []
    for _ in range(STARTS):
        with servers.Craton() as craton:
            ready.append(craton.ready_seconds)
            resident.append(resident_megabytes(craton.process))
    print(f"ready after {statistics.median(ready):.3f} s (worst {max(ready):.3f} s), "
          f"{statistics.median(resident):.1f} MB resident before a model is loaded, {STARTS} starts")
    with servers.Craton() as craton, tempfile.TemporaryDirectory() as folder:
        script = os.path.join(folder, "identity.lua")
        with open(script, "w") as file:
            file.write(signed_request(craton))
        for connections in (1, 16, 64):
            command = ["wrk", "-t1", f"-c{connections}", f"-d{options.seconds}s", "--latency", "-s", script, craton.url + "/"]
            print(f"\n$ {' '.join(command[:5])} -s identity.lua {craton.url}/")
            print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
        print(f"\n{resident_megabytes(craton.process):.1f} MB resident after the load")


if __name__ == "__main__":
    main()
