"""Files that browsers send in forms, beyond what test_signatures.py proves."""

import json

import requests
from conftest import URL, client

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


def test_a_field_that_is_there_twice_is_refused(bucket):
    asked = form(bucket, "k", {"tagging": TAGS}, [{"tagging": TAGS}])
    other = TAGS.replace("1", "2")
    fields = [("tagging", other), *asked["fields"].items()]
    twice = requests.post(asked["url"], data=fields, files={"file": ("a", b"x")}, timeout=60)
    assert twice.status_code == 400 and "<Code>MalformedPOSTRequest</Code>" in twice.text
    # Named in another part's head, it is no field.
    head = {"x-ignore-a": (None, other, 'a"; name="tagging'), "file": ("a", b"x")}
    inside = requests.post(asked["url"], data=asked["fields"], files=head, timeout=60)
    assert inside.status_code in (204, 400), inside.text
    if inside.status_code == 204:
        assert client("s3").get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "1"}]


def test_the_fields_before_the_file_are_bounded(bucket):
    long = send({"url": f"{URL}/{bucket}", "fields": {"key": "${filename}"}}, name="n" * 2000)
    assert long.status_code == 400 and "<Code>MaxPostPreDataLengthExceeded</Code>" in long.text
    many = send({"url": f"{URL}/{bucket}", "fields": {"key": "k", "x-ignore-a": "${filename}" * 100}}, name="n" * 1000)
    assert many.status_code == 400 and "<Code>MaxPostPreDataLengthExceeded</Code>" in many.text
    much = send({"url": f"{URL}/{bucket}", "fields": {"key": "k", "x-ignore-a": "a" * (65 << 10)}})
    assert much.status_code == 400 and "<Code>MaxPostPreDataLengthExceeded</Code>" in much.text


def test_a_policy_covers_how_a_form_encrypts(bucket):
    encryption = {"x-amz-server-side-encryption": "AES256"}
    refused = send(form(bucket, "k", {}, []), **encryption)
    assert refused.status_code == 403 and "<Code>AccessDenied</Code>" in refused.text
    assert send(form(bucket, "k", encryption, [encryption])).status_code == 204


def test_the_conditions_of_a_form_are_its_fields_and_not_its_headers(bucket):
    s3 = client("s3")
    s3.delete_public_access_block(Bucket=bucket)
    redirect = "x-amz-website-redirect-location"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*",
                 "Condition": {"StringEquals": {f"s3:{redirect}": "/good"}}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*",
            "Condition": {"StringEquals": {f"s3:{redirect}": "/bad"}}}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement, deny]}))

    def unsigned(field, header):
        return requests.post(f"{URL}/{bucket}", data={"key": "k", redirect: field}, files={"file": ("a", b"x")},
                             headers={redirect: header}, timeout=60).status_code
    assert unsigned("/bad", "/good") == 403
    assert unsigned("/good", "/bad") == 204
    asked = {place: form(bucket, "k", {redirect: place}, [{redirect: place}]) for place in ("/good", "/bad")}
    assert send(asked["/good"]).status_code == 204
    assert send(asked["/bad"]).status_code == 403
