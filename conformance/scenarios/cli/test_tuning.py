"""`craton models tune`: a minute of measuring with a real model, the profile that is used, and the way back."""

import json
import os
import subprocess

import pytest

from conftest import signed

MODEL = "smollm2-135m-instruct"
TUNINGS = f"/craton/v1/models/{MODEL}/tunings"


def craton(*arguments):
    return subprocess.run([os.environ["CRATON_BIN"], *arguments], capture_output=True, text=True, timeout=900)


def loaded():
    """What the status tells of the model, once it has answered."""
    body = json.dumps({"model": MODEL, "prompt": "Once upon a time", "max_tokens": 4, "temperature": 0}).encode()
    answer = signed("POST", "/v1/completions", "craton", body, {"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    status = json.loads(craton("status", "--output", "json").stdout)
    return next(model for model in status["loaded"] if model["name"] == MODEL)


@pytest.fixture
def untuned():
    craton("models", "tuning", "reset", MODEL)
    yield
    craton("models", "tuning", "reset", MODEL)


def test_a_minute_of_tuning_ends_with_a_profile_that_is_used_until_it_is_reset(untuned):
    done = craton("models", "tune", MODEL, "--slo", "p95=60s", "--workload", "moderation", "--minutes", "1", "--clients", "4",
                  "--bounded-answers", "4", "--allow", "kv-q8_0", "--price-per-hour", "0.4", "--output", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    machine = report["machine"]
    assert 0 < machine["coreBandwidthBytesPerSecond"] and 0 < machine["bandwidthBytesPerSecond"] and machine["cores"] >= 1
    assert report["decodeCeilingTokensPerSecond"] == pytest.approx(machine["bandwidthBytesPerSecond"] / report["weightsBytes"])
    assert report["weights"][0]["model"] == MODEL and len(report["weights"][0]["sha256"]) == 64
    points = report["points"]
    # A minute is enough for eight, on a slow machine for fewer.
    assert len(points) in (2, 4, 8) and points[0]["round"] == report["rounds"], "the default is in the last round"
    assert any(point["pareto"] for point in points)
    chosen = points[report["chosen"]]
    # Never a slower one.
    assert report["met"] and (report["chosenIsDefault"] or report["gain"]["low"] > 1)
    assert chosen["secondsPer1000"] == pytest.approx(1000 / chosen["measured"]["throughput"])
    assert chosen["pricePer1000"] == pytest.approx(chosen["secondsPer1000"] * 0.4 / 3600)
    shown = craton("models", "tuning", "show", MODEL)
    assert "tokens/s at most" in shown.stdout and "AT MOST" in shown.stdout and "chosen" in shown.stdout, shown.stdout
    listed = json.loads(craton("models", "tuning", "show", MODEL, "--output", "json").stdout)
    assert listed["items"][0]["jobId"] == report["jobId"] and listed["running"] is None
    if report["chosenIsDefault"]:
        assert listed["profile"] is None and loaded()["profile"] == {"name": "default"}, loaded()
        return
    assert listed["profile"] == {"jobId": report["jobId"], "settings": chosen["settings"]}
    assert loaded()["profile"] == {"name": "tuned", "jobId": report["jobId"]}
    assert craton("models", "tuning", "reset", MODEL).returncode == 0
    assert loaded()["profile"] == {"name": "default"}


def test_an_objective_that_nothing_meets_keeps_the_default_and_a_second_tuning_waits(untuned):
    body = {"slo": "p95=1ms", "workload": "moderation", "minutes": 0.1, "clients": 2}
    started = signed("POST", TUNINGS, "craton", json.dumps(body).encode(), {"Content-Type": "application/json"})
    assert started.status_code == 202, started.text
    job = started.json()["job"]["id"]
    second = craton("models", "tune", "all-minilm-l6-v2", "--slo", "p95=1s", "--workload", "embed", "--no-wait")
    assert second.returncode == 1 and f"`{MODEL}` is being tuned" in second.stderr and job in second.stderr, second.stderr
    with signed("GET", f"/craton/v1/jobs/{job}/events", "craton") as events:
        assert '"state":"succeeded"' in events.text, events.text
    report = signed("GET", f"{TUNINGS}/{job}", "craton").json()
    assert not report["met"] and report["chosenIsDefault"] and report["gain"] is None
    assert "no profile meets the objective" in craton("models", "tuning", "show", MODEL).stdout


def test_what_is_wrong_is_said_by_name(tmp_path):
    lines = tmp_path / "mine.jsonl"
    lines.write_text('{"prompt": "a"}\n\n{"prompt": 7}\n')
    for arguments, says in (([MODEL, "--slo", "p99=1s", "--workload", "chat"], "`p99=1s` is no objective"),
                            ([MODEL, "--slo", "p95=1s", "--workload", "embed"], "not for the workload `embed`"),
                            ([MODEL, "--slo", "p95=1s", "--workload", str(lines)], f"line 3 of `{lines}`"),
                            (["no-such-model", "--slo", "p95=1s", "--workload", "chat"], "no-such-model")):
        failed = craton("models", "tune", *arguments)
        assert failed.returncode == 1 and says in failed.stderr and failed.stderr.startswith("error: "), (arguments, failed.stderr)
    reset = craton("models", "tuning", "reset", "all-minilm-l6-v2")
    assert reset.returncode == 1 and "no profile of its own" in reset.stderr, reset.stderr
