"""Models, health and metrics: what whoever runs the server looks at."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from critics import Exchange, Finding, Judgement, Rule, Verdict
from pipeline import ModelRefused, Pipeline, ScriptedGenerator, assemble
from pipeline.server import Key, new_key
from pipeline.server.telling.metrics import Metrics
from pipeline.server.work import Work
from pipeline.settings import Settings
from pipeline.settings.settings import GeneratorSettings
from tests.pipeline.server.serving import NO_BOMBS, POLITE, TestClient, app_of, chat, manifesto, running, scripted

URL = "/v1/chat/completions"


def test_models_are_manifestos() -> None:
    """Listed, and one by one, by a name with a slash in it."""
    client = TestClient(app_of(scripted("a"), scripted("b", name="other")))
    assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["superego/other", "superego/polite"]
    model = client.get("/v1/models/superego/polite").json()
    assert (model["id"], model["object"], model["owned_by"]) == ("superego/polite", "model", "superego")
    assert client.get("/v1/models/none").json()["error"]["code"] == "model_not_found"


def test_health_and_readiness() -> None:
    """A server without a manifesto is alive and not ready."""
    client = TestClient(app_of(scripted("a")))
    assert client.get("/healthz").json() == {"status": "alive"}
    ready = client.get("/readyz").json()
    assert (ready["status"], [m["name"] for m in ready["manifestos"]], ready["broken"]) == ("ready", ["polite"], [])
    assert TestClient(app_of()).get("/readyz").status_code == 503


def test_a_bug_is_answered_with_its_number_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    """Not as a client that has left. The log has its kind and its place, and none of its words."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("nobody thought of " + "this")

    pipeline = Pipeline(manifesto(), broken)  # type: ignore[arg-type]  # a bug
    client = TestClient(app_of(pipeline))
    answer = client.post("/v1/moderations", json={"input": "hi"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
    assert answer.headers["x-request-id"].startswith("req-")
    assert 'status="500"} 1.0' in client.get("/metrics").text
    assert ("builtins.RuntimeError" in caplog.text, "in broken" in caplog.text) == (True, True)
    assert "nobody thought of this" not in caplog.text


def test_the_interface_says_how_a_bug_is_answered() -> None:
    """By every operation, with OpenAI's body."""
    described = TestClient(app_of(scripted("a"))).get("/openapi.json").json()["paths"]
    answers = [operation["responses"]["500"] for path in described.values() for operation in path.values()]
    shapes = [answer["content"]["application/json"]["schema"]["$ref"] for answer in answers]
    assert shapes == ["#/components/schemas/ErrorBody"] * 8


def test_half_an_emoji_is_no_bug() -> None:
    """JavaScript cuts texts so: in a message it is replaced, and a fault may quote it."""
    pipeline = scripted("a")
    client = TestClient(app_of(pipeline), raise_server_exceptions=False)
    body = json.dumps(chat("hi \ud83d"))
    assert client.post(URL, content=body, headers={"content-type": "application/json"}).status_code == 200
    assert isinstance(pipeline.generator, ScriptedGenerator)
    assert pipeline.generator.requests[0].messages[-1].content == "hi ?"
    schema = {
        "type": "json_schema",
        "json_schema": {"name": "x", "schema": {"properties": {"\ud800": {"type": "\ud801"}}}},
    }
    body = json.dumps(chat(response_format=schema))
    assert client.post(URL, content=body, headers={"content-type": "application/json"}).status_code == 400


def test_addresses_and_methods_that_are_not_there() -> None:
    """OpenAI's body here too."""
    client = TestClient(app_of(scripted("a")))
    assert (client.get("/v1/nothing").status_code, "error" in client.get("/v1/nothing").json()) == (404, True)
    answer = client.get(URL)
    assert (answer.status_code, "error" in answer.json(), answer.headers["allow"]) == (405, True, "POST")


def test_metrics_tell_what_happened() -> None:
    """Attempts, outcomes, breaches by rule, undecided, tokens by role, queue, seconds to the first released part."""
    client = TestClient(app_of(scripted("rude", "Good day.")))
    client.post(URL, json=chat())
    client.post(URL, json=chat("A bomb"))
    client.post(URL, json=chat("A riddle"))
    page = client.get("/metrics").text.splitlines()
    expected = [
        'superego_outcomes_total{manifesto="polite",status="released",stop_reason="passed"} 1.0',
        'superego_outcomes_total{manifesto="polite",status="withheld",stop_reason="input"} 1.0',
        'superego_attempts_bucket{le="2.0",manifesto="polite"} 3.0',
        'superego_attempts_bucket{le="1.0",manifesto="polite"} 2.0',
        'superego_breaches_total{manifesto="polite",rule="polite"} 1.0',
        'superego_breaches_total{manifesto="polite",rule="no-bombs"} 1.0',
        'superego_undecided_total{manifesto="polite",rule="no-bombs"} 1.0',
        'superego_tokens_total{kind="completion",role="generator"} 3.0',
        "superego_queue_depth 0.0",
        'superego_first_released_seconds_count{manifesto="polite"} 1.0',
        'superego_requests_total{path="/v1/chat/completions",status="200"} 3.0',
    ]
    assert [line for line in expected if line not in page] == []


def test_a_flag_on_what_came_before_the_last_turn_is_on_record() -> None:
    """Once, as all of that is judged once."""
    client = TestClient(app_of(scripted("Good day.", rules=[POLITE, {**NO_BOMBS, "action": "flag"}])))
    told = {"role": "system", "content": "A bomb."}
    body = {**chat(), "messages": [told, *chat()["messages"]]}
    answers = [client.post(URL, json=body).json()["superego"] for _ in range(2)]
    assert [answer["input"] for answer in answers] == [["no-bombs"], []]
    assert 'superego_breaches_total{manifesto="polite",rule="no-bombs"} 1.0' in client.get("/metrics").text


def test_of_what_was_cancelled_the_last_verdict_alone_is_unfinished() -> None:
    """What no critic could judge before that is counted as ever."""
    rule = Rule(id="calm", statement="Calm.")
    verdict = Verdict("undecided", None, None, (Judgement(rule, (Finding("calm", "judge", None),)),))
    metrics = Metrics(Work(threads=1, waiting=0, deadline=1.0))
    metrics.verdicts("polite", [verdict, verdict], cancelled=True)
    assert b'superego_undecided_total{manifesto="polite",rule="calm"} 1.0' in metrics.page()


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [json.loads(record.message) for record in caplog.records if record.name == "superego.server"]


def test_the_log_has_a_line_a_request_and_no_word_of_it(caplog: pytest.LogCaptureFixture) -> None:
    """What came of it, not what was said."""
    caplog.set_level(logging.INFO, "superego.server")
    answer = TestClient(app_of(scripted("rude word", "Good day."))).post(URL, json=chat("My secret"))
    (line,) = lines(caplog)
    assert (line["id"], line["status"], line["model"]) == (answer.headers["x-request-id"], 200, "polite")
    assert not [said for said in ("secret", "rude word", "Good day") if said in str(line)]


@pytest.mark.parametrize(("asked", "told"), [(False, "ModelRefused"), (True, "no: My secret")])
def test_the_log_quotes_no_upstream_that_quotes_a_request(
    asked: bool, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Unless words are asked for: a server that refuses likes to say what it refuses."""
    caplog.set_level(logging.INFO, "superego.server")
    refusing = scripted(ModelRefused("no: My secret"))
    TestClient(app_of(refusing, log_content=asked)).post(URL, json=chat("My secret"))
    (line,) = lines(caplog)
    assert line["answers"][0]["fault"] == told  # type: ignore[index]


@contextmanager
def repeating() -> Iterator[str]:
    """The address of an upstream that fails, and repeats what it was asked."""

    class Repeating(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            body = json.dumps({"error": {"message": f"cannot parse: {asked['messages'][-1]['content']}"}}).encode()
            self.send_response(500)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Repeating) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_the_log_quotes_no_upstream_that_failed(caplog: pytest.LogCaptureFixture) -> None:
    """Its kind and its status are told instead."""
    caplog.set_level(logging.INFO, "superego.server")
    with repeating() as url:
        drafts = GeneratorSettings(model="openai:q", base_url=url, tries=1)
        only_input = manifesto(rules=[NO_BOMBS | {"critics": ["patterns"], "patterns": {"forbid_words": ["bomb"]}}])
        pipeline = assemble(only_input, Settings(generator=drafts))
        answer = TestClient(app_of(pipeline)).post(URL, json=chat("My secret"))
    (line,) = lines(caplog)
    assert answer.status_code == 503
    fault = line["answers"][0]["fault"]  # type: ignore[index]
    assert (fault.startswith("ModelUnavailable ("), fault.endswith("Error, HTTP 500)")) == (True, True)
    assert "secret" not in caplog.text


def test_the_log_has_the_words_where_that_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    """The conversation, the drafts and the answer."""
    caplog.set_level(logging.INFO, "superego.server")
    TestClient(app_of(scripted("rude word", "Good day."), log_content=True)).post(URL, json=chat("My secret"))
    (line,) = lines(caplog)
    assert [said for said in ("secret", "rude word", "Good day") if said in str(line)] == [
        "secret",
        "rude word",
        "Good day",
    ]


@pytest.mark.parametrize("content", [True, False])
def test_the_log_says_why_a_rule_could_not_be_judged(content: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Where words are asked for: a judge behind may quote what it was asked."""
    caplog.set_level(logging.INFO, "superego.server")

    def broken(exchange: Exchange, rules: Sequence[Rule]) -> list[Finding]:
        raise ModelRefused("the judge takes no key")

    TestClient(app_of(replace(scripted("Good day."), critic=broken), log_content=content)).post(URL, json=chat())
    (line,) = lines(caplog)
    assert ("nobody could judge no-bombs (ModelRefused: the judge takes no key)" in str(line)) is content


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/v1/models", "/docs", "/"])
def test_head_is_answered_as_get_is_without_the_body(path: str) -> None:
    """Load balancers and monitors ask so. It counts under its address."""
    with running(app_of(scripted("a"))) as base, httpx.Client(base_url=base) as client:
        whole, head = client.get(path), client.head(path)
        again = client.get(path)  # over the same connection, so that nothing is left in it
        counted = client.get("/metrics").text
    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]
    assert again.status_code == 200
    assert f'superego_requests_total{{path="{path}",status="200"}}' in counted
    assert 'path="other"' not in counted


def test_head_opens_no_more_than_get_does() -> None:
    """A key is wanted as ever, and what is no address or takes POST is so for HEAD too."""
    key, digest = new_key()
    client = TestClient(app_of(scripted("a"), keys=(Key("me", digest),)))
    assert client.head("/metrics").status_code == 401
    known = {"authorization": f"Bearer {key}"}
    assert client.head("/metrics", headers=known).status_code == 200
    assert client.head("/nothing", headers=known).status_code == 404
    refused = client.head(URL, headers=known)
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert client.post("/healthz").headers["allow"] == "GET, HEAD"
