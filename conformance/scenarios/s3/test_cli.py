import json
import os
import subprocess
import sys

from conftest import client

AWS = os.path.join(os.path.dirname(sys.executable), "aws")


def aws(*arguments, check=True, stdin=None):
    done = subprocess.run([AWS, *arguments], capture_output=True, text=True, timeout=300, input=stdin, env={**os.environ, "AWS_PAGER": ""})
    assert not check or done.returncode == 0, done.stderr
    return done


def test_files_and_folders_go_up_and_come_back(bucket, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "deep").mkdir(parents=True)
    (source / "a b.txt").write_text("one")
    (source / "deep" / "ü.bin").write_bytes(b"\0" * (9 * 2**20))
    # S3 tells times in whole seconds: what was written a moment ago would seem newer than its upload.
    for file in (source / "a b.txt", source / "deep" / "ü.bin"):
        os.utime(file, (1_700_000_000, 1_700_000_000))
    url = f"s3://{bucket}"
    aws("s3", "sync", str(source), f"{url}/tree")
    assert aws("s3", "sync", str(source), f"{url}/tree").stdout == ""
    listed = aws("s3", "ls", "--recursive", url).stdout
    assert "tree/a b.txt" in listed and "tree/deep/ü.bin" in listed
    assert "PRE tree/" in aws("s3", "ls", url).stdout
    aws("s3", "cp", "--recursive", f"{url}/tree", str(target))
    assert (target / "deep" / "ü.bin").read_bytes() == (source / "deep" / "ü.bin").read_bytes()
    aws("s3", "cp", f"{url}/tree/a b.txt", f"{url}/copy.txt")
    assert aws("s3", "cp", f"{url}/copy.txt", "-").stdout == "one"
    aws("s3", "cp", "-", f"{url}/stdin.txt", stdin="typed")
    assert aws("s3", "cp", f"{url}/stdin.txt", "-").stdout == "typed"
    aws("s3", "mv", f"{url}/copy.txt", f"{url}/moved.txt")
    assert "copy.txt" not in aws("s3", "ls", url).stdout
    aws("s3", "rm", "--recursive", f"{url}/tree")
    assert "tree/" not in aws("s3", "ls", url).stdout


def test_buckets_are_made_and_removed():
    name = f"s3://cli-{os.getpid()}-{os.urandom(4).hex()}"
    assert f"make_bucket: {name[5:]}" in aws("s3", "mb", name).stdout
    assert name[5:] in aws("s3", "ls").stdout
    assert f"remove_bucket: {name[5:]}" in aws("s3", "rb", name).stdout
    assert aws("s3", "rb", name, check=False).returncode != 0


def test_presigned_addresses(bucket):
    import requests
    client("s3").put_object(Bucket=bucket, Key="k", Body=b"presigned")
    url = aws("s3", "presign", f"s3://{bucket}/k").stdout.strip()
    assert requests.get(url, timeout=30).content == b"presigned"


def test_the_low_level_commands(bucket, tmp_path):
    file = tmp_path / "body"
    file.write_text("api")
    put = json.loads(aws("s3api", "put-object", "--bucket", bucket, "--key", "k", "--body", str(file)).stdout)
    assert put["ETag"] and put["ServerSideEncryption"] == "AES256"
    assert json.loads(aws("s3api", "head-object", "--bucket", bucket, "--key", "k").stdout)["ContentLength"] == 3
    failed = aws("s3api", "get-object", "--bucket", bucket, "--key", "absent", str(tmp_path / "x"), check=False)
    assert failed.returncode != 0 and "NoSuchKey" in failed.stderr
