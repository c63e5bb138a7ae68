"""What the differential run calls equal, different and allowed."""

import datetime
import re

import pytest

import cases
import compare
import report
import shape
from allowed import Allowed
from case import Case, Missing, call, fill
from target import Seen

ONE = Case("iam.users.create", [call("iam.create_user", UserName="<name>"), call("iam.create_user", UserName="<name>", fails="EntityAlreadyExists", status=409)])
TWICE = Seen(409, "EntityAlreadyExists")


def made(body, status=200):
    return Seen(status, None, body=body), {}


def judged(moto, craton, second=((TWICE, {}), (TWICE, {}))):
    return report.flat([compare.case(ONE, [moto, second[0]], [craton, second[1]])])


def test_equal_answers_have_no_difference():
    assert judged(made({"User": {"UserName": "a"}}), made({"User": {"UserName": "a"}})) == []


def test_a_missing_member_another_value_and_another_length_are_differences():
    found = judged(made({"User": {"Path": "/", "Tags": [1]}}), made({"User": {"UserName": "a", "Path": "/x/", "Tags": []}}))
    assert {each.field for each in found} == {"+create_user.User.UserName", "create_user.User.Path", "create_user.User.Tags.length"}


def test_a_number_is_not_the_same_as_its_text_or_a_truth_value():
    assert list(shape.differences({"a": 1}, {"a": "1"}))
    assert list(shape.differences({"a": 1}, {"a": True}))


def test_dates_ids_and_secrets_are_compared_by_kind():
    def user(year, number):
        return {"CreateDate": datetime.datetime(year, 1, 1), "UserId": f"AIDA{number * 16}", "SecretAccessKey": number}
    assert judged(made(user(2020, "1")), made(user(2026, "2"))) == []
    assert judged(made({"CreateDate": datetime.datetime(2020, 1, 1)}), made({"CreateDate": "2020"}))


def test_an_id_that_was_kept_must_come_back():
    left = shape.comparable({"KeyId": "key-aaaaaaaa"}, {"id": "key-aaaaaaaa"}, "kms")
    assert left == shape.comparable({"KeyId": "key-bbbbbbbb"}, {"id": "key-bbbbbbbb"}, "kms")
    assert left != shape.comparable({"KeyId": "key-cccccccc"}, {"id": "key-bbbbbbbb"}, "kms")


def test_documents_are_compared_by_meaning_and_tags_in_any_order():
    assert shape.comparable('{"a": 1, "b": 2}', {}, "s3") == shape.comparable('{"b":2,"a":1}', {}, "s3")
    assert shape.comparable({"Tags": [{"Key": "b"}, {"Key": "a"}]}, {}, "iam") == shape.comparable({"Tags": [{"Key": "a"}, {"Key": "b"}]}, {}, "iam")
    assert shape.comparable({"Contents": ["b", "a"]}, {}, "s3") != shape.comparable({"Contents": ["a", "b"]}, {}, "s3")


@pytest.mark.parametrize(("moto", "craton", "field"), [
    (Seen(200, None), TWICE, "create_user#2.moto"),
    (TWICE, Seen(200, None), "create_user#2.code"),
    (Seen(200, None), Seen(200, None), "create_user#2.code"),
    (Seen(400, "EntityAlreadyExists"), TWICE, "create_user#2.moto"),
    (TWICE, Seen(400, "EntityAlreadyExists"), "create_user#2.code"),
])
def test_both_servers_are_held_to_what_aws_documents(moto, craton, field):
    same = made({})
    assert [each.field for each in judged(same, same, ((moto, {}), (craton, {})))] == [field]


def test_statuses_must_agree_where_none_is_documented():
    assert [each.field for each in judged(made({}, 200), made({}, 201))] == ["create_user.status"]


def test_an_entry_allows_what_its_globs_match_and_is_unused_otherwise(tmp_path):
    path = tmp_path / "allowed.toml"
    path.write_text('[[allowed]]\ncase = ["iam.users.*", "iam.roles.*"]\nfield = "*.User.Path"\nreason = "because"\n')
    allowed = Allowed(path)
    difference, other = compare.Difference("iam.users.create", "create_user.User.Path", ""), compare.Difference("iam.users.create", "create_user.User.Paths", "")
    allowed.judge(difference)
    allowed.judge(other)
    assert (difference.reason, other.reason) == ("because", None)
    assert allowed.unused() == [("iam.roles.*", "because")]


def test_an_entry_without_a_reason_is_refused(tmp_path):
    path = tmp_path / "allowed.toml"
    path.write_text('[[allowed]]\ncase = "a"\nfield = "b"\nreason = " "\n')
    with pytest.raises(SystemExit, match="reason"):
        Allowed(path)


def test_variables_are_filled_in_and_keep_their_type_alone():
    assert fill({"a": ["<x>", "<x>-y"], "b": b"<x>"}, {"x": b"1"}) == {"a": [b"1", "b'1'-y"], "b": b"<x>"}
    with pytest.raises(Missing):
        fill("<x>", {})


def test_the_report_is_fresh_until_a_count_changes_and_keeps_its_date(tmp_path):
    path = tmp_path / "compatibility.md"
    path.write_text(f"# Compatibility\n\n{report.BEGIN}\n")
    rows = report.table([ONE], [[[], []]], ("iam",))
    report.write(path, "moto 1", rows, [])
    path.write_text(re.sub(r"Last change: .*\.", "Last change: 2020-01-01.", path.read_text()))
    assert report.fresh(path, "moto 1", rows, [])
    report.write(path, "moto 1", rows, [])
    assert "2020-01-01" in path.read_text() and path.read_text().startswith("# Compatibility")
    rows[0].equal += 1
    assert not report.fresh(path, "moto 1", rows, [])


def test_every_case_is_named_after_its_service():
    assert {one.service for one in cases.load()} == {"s3", "iam", "sts", "kms", "secretsmanager"}
