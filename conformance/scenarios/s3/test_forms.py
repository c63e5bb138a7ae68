"""Files that browsers send in forms, beyond what test_signatures.py proves."""

import requests
from conftest import client

TAGS = "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>"


def form(bucket, key, fields, conditions):
    return client("s3", signature_version="s3v4").generate_presigned_post(bucket, key, Fields=fields, Conditions=conditions)


def send(form, name="name.txt", data=b"x", **more):
    return requests.post(form["url"], data={**form["fields"], **more}, files={"file": (name, data)}, timeout=60, allow_redirects=False)


def test_a_policy_is_about_the_key_with_the_files_name_in_it(bucket):
    asked = form(bucket, "na${filename}", {}, [["starts-with", "$key", "name.txt"]])
    assert send(asked, name="me.txt").status_code == 204
    assert client("s3").head_object(Bucket=bucket, Key="name.txt")["ContentLength"] == 1
    refused = send(asked, name="other.txt")
    assert refused.status_code == 403 and "<Code>AccessDenied</Code>" in refused.text


def test_the_tags_of_a_form_are_a_document(bucket):
    asked = form(bucket, "k", {"tagging": TAGS}, [["starts-with", "$tagging", ""]])
    assert send(asked).status_code == 204
    assert client("s3").get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "1"}]
    refused = send(asked, tagging="<Tagging>")
    assert refused.status_code == 400 and "<Code>MalformedXML</Code>" in refused.text


def test_a_form_goes_on_to_where_it_says(bucket):
    address = "http://127.0.0.1:1/done"
    asked = form(bucket, "k", {"success_action_redirect": address}, [{"success_action_redirect": address}])
    answer = send(asked, data=b"bar")
    etag = client("s3").head_object(Bucket=bucket, Key="k")["ETag"].strip('"')
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{address}?bucket={bucket}&key=k&etag=%22{etag}%22"


def test_a_file_larger_than_16_mib_is_refused(bucket):
    asked = form(bucket, "k", {}, [])
    assert send(asked, data=b"x" * (16 << 20)).status_code == 204
    refused = send(asked, data=b"x" * ((16 << 20) + 1))
    assert refused.status_code == 400 and "<Code>EntityTooLarge</Code>" in refused.text
