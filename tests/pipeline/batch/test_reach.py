"""A prompt at which its model fails is one faulted record; a model that is gone ends the run."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline import DraftRequest, ModelFault, ModelRefused, ModelUnavailable, Piece, Pieces
from pipeline.batch import Event, Recorded
from pipeline.batch.working.gate import Gate
from pipeline.batch.working.reach import QUESTION
from pipeline.errors import ModelBusy, ModelMissing, Stopped
from pipeline.langchain_door import ChatGenerator, load_chat_model
from tests.pipeline.batch.running import batch, go, lines, pipeline, prompts, read

ASKED = QUESTION[0].content


class Server:
    """A generator that fails as `fails` says by the prompt and by how often it was asked that, and notes what it was
    asked."""

    name = "server"
    can_continue = False

    def __init__(self, fails: Callable[[str, int], Exception | None], seconds: float = 0.0) -> None:
        self.asked: list[str] = []
        self.seeds: list[int] = []
        """The questions' own."""
        self.most = 0
        """Prompts that were ever under way beside the question, or beside one that was asked again."""
        self._fails = fails
        self._seconds = seconds
        self._under_way = 0
        self._lock = threading.Lock()

    def __call__(self, request: DraftRequest) -> Pieces:
        prompt = request.messages[-1].content
        with self._lock:
            self._under_way += 1
            if prompt == ASKED or prompt in self.asked:
                self.most = max(self.most, self._under_way - 1)
            self.asked.append(prompt)
            self.seeds += [request.seed] if prompt == ASKED else []
            fault = self._fails(prompt, self.asked.count(prompt))
        time.sleep(self._seconds)
        with self._lock:
            self._under_way -= 1
        if fault:
            raise fault
        yield Piece("fine")


def at(bad: str, fault: Exception) -> Callable[[str, int], Exception | None]:
    return lambda prompt, _: fault if prompt == bad else None


@pytest.mark.parametrize("workers", [1, 4])
def test_a_prompt_at_which_the_model_fails_each_time_is_a_faulted_record(tmp_path: Path, workers: int) -> None:
    """The run goes on; the record says what happened, and that the model answered something else meanwhile."""
    server = Server(at("prompt 5", ModelUnavailable("it failed (HTTP 500)")), seconds=0.002)
    go(batch(tmp_path, prompts(20)), pipeline(server), workers=workers)
    records = read(tmp_path / "out.jsonl")
    assert [r["id"] for r in records if r["status"] != "released"] == ["p5"]
    assert records[5]["fault"] == (
        "line 6: it failed (HTTP 500); it failed so twice, and answered other questions meanwhile"
    )
    assert (server.asked.count(ASKED), server.asked.count("prompt 5"), server.most) == (2, 2, 0)
    assert len(set(server.seeds)) == 2  # or a cache might answer


def test_who_wants_to_be_alone_comes_before_who_comes_later() -> None:
    """Else there might be somebody within for as long as there are prompts."""
    gate, came = Gate(), list[str]()

    def come(way: Callable[[], AbstractContextManager[None]], name: str) -> None:
        with way():
            came.append(name)

    alone, later = (threading.Thread(target=come, args=(getattr(gate, way), way)) for way in ("alone", "together"))
    with gate.together():
        alone.start()
        while not gate._wanting:
            time.sleep(0.001)
        later.start()
        later.join(0.1)
        assert came == []
    alone.join(20)
    later.join(20)
    assert came == ["alone", "together"]


def test_a_model_that_is_gone_ends_the_run_and_is_asked_once(tmp_path: Path) -> None:
    """It would fault every record after it. What is done is kept, and the same command goes on at the line."""
    gone = ModelUnavailable("it cannot be reached")
    server = Server(lambda prompt, _: gone if server.asked.count("prompt 7") else None, seconds=0.01)
    job = batch(tmp_path, prompts(40))
    with pytest.raises(ModelUnavailable, match=r"line \d+: it cannot be reached; a short question was not answered"):
        go(job, pipeline(server), workers=4)
    assert server.asked.count(ASKED) == 1
    resumed = go(job, pipeline(Server(lambda *_: None)))
    assert resumed.statuses == {"released": 40}
    assert resumed.resumed > 0


def test_what_failed_while_the_model_was_away_is_asked_again(tmp_path: Path) -> None:
    """All that were under way have failed; it is back when it is asked, and each is done, one at a time."""
    all_of_them = threading.Barrier(4)

    class Away(Server):
        def __call__(self, request: DraftRequest) -> Pieces:
            if not self.asked:
                all_of_them.wait(20)
            yield from super().__call__(request)

    server = Away(lambda prompt, _: ModelUnavailable("away") if len(server.asked) <= 4 else None)
    assert go(batch(tmp_path, prompts(12)), pipeline(server), workers=4).statuses == {"released": 12}
    assert (server.asked.count(ASKED), server.most) == (4, 0)


@pytest.mark.parametrize(("busy", "questions"), [(("prompt 3", 1), 0), (("prompt 3", 2), 1), ((ASKED, 1), 1)])
def test_a_model_that_has_too_much_to_do_faults_no_record(
    tmp_path: Path, busy: tuple[str, int], questions: int
) -> None:
    """Whether it says so at the prompt, when that is asked again or at the question: it is asked no more, the run ends,
    and all is done by the next."""
    faults = {("prompt 3", 1): ModelUnavailable("no"), busy: ModelBusy("it is busy (HTTP 429)")}
    server = Server(lambda *asked: faults.get(asked))
    job = batch(tmp_path, prompts(6))
    with pytest.raises(ModelUnavailable, match="line 4: "):
        go(job, pipeline(server))
    assert server.asked.count(ASKED) == questions
    assert go(job, pipeline(Server(lambda *_: None))).statuses == {"released": 6}


@pytest.mark.parametrize("fault", [ModelRefused("it does not accept the key"), ModelMissing("it is not there")])
def test_a_model_that_refuses_everything_ends_the_run(tmp_path: Path, fault: ModelFault) -> None:
    """A key that ran out in the night is no reason to fault the rest of the records."""
    server = Server(lambda *_: fault if len(server.asked) > 3 else None)
    job = batch(tmp_path, prompts(6))
    with pytest.raises(ModelFault, match=f"line 4: {fault}; a short question was not answered either"):
        go(job, pipeline(server))
    assert go(job, pipeline(Server(lambda *_: None))).resumed == 3


@pytest.mark.parametrize("broken", [ZeroDivisionError(), ModelRefused("it is too short a question")])
def test_a_question_at_which_something_else_breaks_ends_no_run(tmp_path: Path, broken: Exception) -> None:
    """It says nothing of whether the model is there."""
    server = Server(lambda prompt, _: {"prompt 1": ModelUnavailable("no"), ASKED: broken}.get(prompt))
    assert go(batch(tmp_path, prompts(4)), pipeline(server)).statuses == {"released": 3, "faulted": 1}


def test_a_prompt_that_the_model_refuses_is_a_fault_of_its_own(tmp_path: Path) -> None:
    """It is not asked again: a refusal stays one."""
    server = Server(at("prompt 1", ModelRefused("not that")))
    assert go(batch(tmp_path, prompts(4)), pipeline(server)).statuses == {"released": 3, "faulted": 1}
    assert server.asked.count("prompt 1") == 1


def test_a_prompt_that_is_refused_when_it_is_asked_again_has_not_failed_twice(tmp_path: Path) -> None:
    """What is on record is the refusal."""
    faults = {("prompt 1", 1): ModelUnavailable("no"), ("prompt 1", 2): ModelRefused("not that")}
    server = Server(lambda *asked: faults.get(asked))
    go(batch(tmp_path, prompts(3)), pipeline(server))
    assert [r["fault"] for r in read(tmp_path / "out.jsonl")] == ["", "line 2: not that", ""]
    assert server.asked.count(ASKED) == 1


def test_a_refusal_keeps_nobody_waiting(tmp_path: Path) -> None:
    """The question after it is asked while others are under way."""
    asking = threading.Event()

    class Slow(Server):
        def __call__(self, request: DraftRequest) -> Pieces:
            if request.messages == QUESTION:
                asking.set()
            if request.messages[-1].content == "prompt 0":
                assert asking.wait(20)
            yield from super().__call__(request)

    server = Slow(at("prompt 1", ModelRefused("not that")))
    assert go(batch(tmp_path, prompts(4)), pipeline(server), workers=2).statuses == {"released": 3, "faulted": 1}


def test_asked_to_stop_it_asks_nothing_more_about_what_failed(tmp_path: Path) -> None:
    """What failed is left for the next run, and the run has been stopped and is not at fault."""
    stop = threading.Event()

    def fails(prompt: str, _: int) -> Exception | None:
        if prompt == "prompt 2":
            stop.set()
            return ModelUnavailable("no")
        return None

    server, job = Server(fails), batch(tmp_path, prompts(6))
    with pytest.raises(Stopped, match="with 2 records done"):
        go(job, pipeline(server), stop=stop)
    assert ASKED not in server.asked


def test_what_stands_in_the_input_is_asked_of_nobody(tmp_path: Path) -> None:
    """A record without a prompt is no reason to doubt the model."""
    server = Server(lambda *_: None)
    go(batch(tmp_path, lines({"id": 1}, {"prompt": "a"})), pipeline(server))
    assert server.asked == ["a"]


def test_interrupted_while_it_is_asked_it_ends_at_once(tmp_path: Path) -> None:
    """Though the model says nothing."""
    silent, asking = threading.Event(), threading.Event()

    class Silent(Server):
        def __call__(self, request: DraftRequest) -> Pieces:
            if request.messages == QUESTION:
                asking.set()
                silent.wait(60)
            yield from super().__call__(request)

    def observe(event: Event) -> None:
        if isinstance(event, Recorded) and event.record["id"] == "p0":
            assert asking.wait(20)
            raise KeyboardInterrupt

    server = Silent(at("prompt 1", ModelUnavailable("no")))
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            go(batch(tmp_path, prompts(3)), pipeline(server), workers=2, observe=observe)
        assert time.monotonic() - began < 20
    finally:
        silent.set()


def _streamed(said: str) -> bytes:
    delta = {"choices": [{"index": 0, "delta": {"content": said}, "finish_reason": "stop"}]}
    return f"data: {json.dumps(delta)}\n\ndata: [DONE]\n\n".encode()


class _Handler(BaseHTTPRequestHandler):
    """Fails at one prompt with HTTP 500, each time."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        bad = body["messages"][-1]["content"] == "prompt 2"
        answer = b"{}" if bad else _streamed("fine")
        self.send_response(500 if bad else 200)
        self.send_header("Content-Type", "application/json" if bad else "text/event-stream")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_a_real_server_that_fails_at_one_prompt(tmp_path: Path) -> None:
    """Is told from one that is gone, over the wire; and one that is gone ends the run."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    model = load_chat_model("openai:m", base_url=url, api_key=None, temperature=0.0, top_p=None, timeout=9, context=0)
    own = pipeline(ChatGenerator(model, name="openai:m", tries=2))
    try:
        go(batch(tmp_path, prompts(5)), own, workers=3)
    finally:
        server.shutdown()
        server.server_close()
    records = read(tmp_path / "out.jsonl")
    assert [r["status"] for r in records] == ["released", "released", "faulted", "released", "released"]
    assert records[2]["fault"].startswith(f"line 3: openai:m at {url} has failed (HTTP 500)")
    with pytest.raises(ModelUnavailable, match=r"cannot be reached.* a short question was not answered"):
        go(batch(tmp_path, prompts(5), "again.jsonl"), own, workers=3)
