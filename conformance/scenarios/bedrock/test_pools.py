"""What a pool says when it has too much to do, and the state of the targets that an inference profile is sent to."""

import http.server
import json
import threading
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError

from conftest import CLAUDE, client, signed, user
from fakes import Answering

SYSTEM = "eu." + CLAUDE
PROFILE = f"inference-profiles/{quote(SYSTEM, safe='')}"


class Gated(Answering):
    """An OpenAI-compatible server that answers once it is let."""

    arrived, go = threading.Semaphore(0), threading.Event()

    def do_GET(self):
        self.answer("application/json", b'{"data": []}')

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        Gated.arrived.release()
        Gated.go.wait(60)
        chunk = {"choices": [{"delta": {"content": "Late"}, "finish_reason": "stop"}]}
        self.answer("text/event-stream", f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode())


@pytest.fixture
def gated():
    Gated.go.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gated)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    Gated.go.set()
    server.shutdown()


def craton(method, path, body=None):
    headers = {"content-type": "application/json"} if body is not None else {}
    return signed(method, f"/craton/v1/{path}", "craton", json.dumps(body).encode() if body is not None else b"", headers)


def ask():
    return client("bedrock-runtime").converse(modelId="my.gated-model", messages=[user("Hi")])


def test_a_full_pool_says_when_to_come_again(gated):
    member = {"baseUrl": gated, "model": "m", "maxInFlight": 1}
    assert craton("PUT", "pools/gated", {"members": [member], "maxQueue": 0}).status_code == 200
    assert craton("PUT", "aliases/my.gated-model", {"pool": "gated"}).status_code == 200
    answers = []
    first = threading.Thread(target=lambda: answers.append(ask()))
    first.start()
    assert Gated.arrived.acquire(timeout=60)
    with pytest.raises(ClientError) as caught:
        ask()
    refused = caught.value.response
    assert refused["Error"]["Code"] == "ThrottlingException"
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 429
    seconds = int(refused["ResponseMetadata"]["HTTPHeaders"]["retry-after"])
    assert seconds >= 1 and f"Try again in {seconds} s." in refused["Error"]["Message"], refused
    Gated.go.set()
    first.join(60)
    assert answers[0]["output"]["message"]["content"] == [{"text": "Late"}]
    assert craton("DELETE", "aliases/my.gated-model").status_code == 204
    assert craton("DELETE", "pools/gated").status_code == 204


def test_the_state_of_targets_is_told(gated):
    Gated.go.set()
    for name, url in [("dead", "http://127.0.0.1:1/v1"), ("alive", gated)]:
        assert craton("PUT", f"pools/{name}", {"members": [{"baseUrl": url, "model": "m"}]}).status_code == 200
    targets = [{"region": "a", "target": "pool:dead"}, {"region": "b", "target": "pool:alive"},
               {"region": "c", "target": "smollm2-135m-instruct"}]
    routed = craton("PUT", f"{PROFILE}/routing", {"targets": targets})
    assert routed.status_code == 200, routed.text
    client("bedrock-runtime").converse(modelId=SYSTEM, messages=[user("Hi")])

    def states():
        profile = craton("GET", PROFILE).json()
        return [target["state"] for target in profile["routing"]["targets"]]

    # The members' health is looked at beside the request that used them.
    for _ in range(600):
        told = states()
        if told[0]["readiness"] == "down":
            break
        threading.Event().wait(0.1)
    assert [state["readiness"] for state in told] == ["down", "ready", "ready"], told
    assert told[1]["answers"] == "pool:alive" and told[2]["answers"] == "smollm2-135m-instruct" and told[0]["detail"]
    assert craton("DELETE", "pools/dead").status_code == 204
    assert states()[0]["answers"] is None and "`dead`" in states()[0]["detail"]
    assert craton("DELETE", f"{PROFILE}/routing").status_code == 204
    assert craton("GET", PROFILE).json()["routing"] is None
    assert craton("DELETE", "pools/alive").status_code == 204
