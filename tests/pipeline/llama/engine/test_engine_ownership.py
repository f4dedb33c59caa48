"""Only the worker touches a context, or its helper while it is lent to that: there is no thread sanitiser, so this is
shown by construction, and watched."""

from __future__ import annotations

import ast
import ctypes
import inspect
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llama_cpp
import pytest

from pipeline.assembly import embedded
from pipeline.llama.engine import THREAD, Engine, Generation, LlamaDevice, Scoring
from pipeline.llama.engine import engine as engine_module
from pipeline.llama.engine import lanes as lanes_module
from pipeline.llama.engine import mailbox as mailbox_module
from pipeline.llama.engine.lanes import LanedDevice
from pipeline.llama.engine.llama_device import LlamaSampler
from pipeline.llama.engine.parting import TOGETHER
from pipeline.llama.engine.worker import HELPER, worker
from pipeline.llama.model import LlamaModel

OWN = ("device", "scheduler")
"""The worker's own: the context, and what holds it."""


def parsed(root: Path) -> Iterator[tuple[str, ast.Module]]:
    for room in ("pipeline", "critics", "manifestos"):
        for path in (root / room).rglob("*.py"):
            yield str(path.relative_to(root)), ast.parse(path.read_text())


def calls(tree: ast.AST, name: str) -> list[ast.Call]:
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [node for node in nodes if name in (getattr(node.func, "id", ""), getattr(node.func, "attr", ""))]


def test_contexts_are_made_in_the_workers_factory_and_for_measuring(root: Path) -> None:
    """Nowhere else in the project, and through no other door to llama.cpp."""
    made = {path for path, tree in parsed(root) if calls(tree, "LlamaDevice") or calls(tree, "LanedDevice")}
    measuring = ("pipeline/llama/optimise/", "pipeline/llama/reader.py")
    engine, lanes = (f"pipeline/llama/engine/{name}.py" for name in ("engine", "lanes"))
    assert {path for path in made if not path.startswith(measuring)} == {engine, lanes}
    opened = {path for path, tree in parsed(root) if calls(tree, "llama_init_from_model") or calls(tree, "Llama")}
    assert opened == {"pipeline/llama/engine/llama_device.py"}


def test_the_factory_is_called_by_the_worker_and_nobody_else() -> None:
    """It is handed to the worker in a generator, which calls it once the worker advances it."""
    module = ast.parse(inspect.getsource(engine_module))
    (engine,) = (node for node in module.body if isinstance(node, ast.ClassDef) and node.name == "Engine")
    (factory,) = (node for node in ast.walk(engine) if isinstance(node, ast.FunctionDef) and node.name == "device")
    for kind in ("LlamaDevice", "LanedDevice"):
        assert len(calls(module, kind)) == len(calls(factory, kind)) == 1
    assert calls(module, "device") == []
    (employed,) = calls(engine, "employ")
    assert [ast.unparse(call.func) for call in employed.args if isinstance(call, ast.Call)] == ["_serve"]
    assert len(calls(module, "_serve")) == 1
    assert len(calls(module, "make")) == len(calls(work(), "make")) == 1


def work() -> ast.FunctionDef:
    (found,) = (
        node
        for node in ast.parse(inspect.getsource(engine_module)).body
        if isinstance(node, ast.FunctionDef) and node.name == "_serve"
    )
    return found


def test_the_context_never_leaves_the_worker() -> None:
    """`device` and `scheduler` are local names: used for their own methods, or to make the scheduler, and for nothing
    else: not stored, returned, captured or passed on."""
    function = work()
    parents = {child: parent for parent in ast.walk(function) for child in ast.iter_child_nodes(parent)}
    uses = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id in OWN]
    for use in uses:
        around = parents[use]
        if isinstance(use.ctx, ast.Store):
            assert isinstance(around, ast.Assign)
            assert around.targets == [use]
        elif not isinstance(around, ast.Attribute):
            assert isinstance(around, ast.Call)
            assert (use.id, ast.unparse(around.func)) in (("device", "Scheduler"), ("scheduler", "mailbox.tell"))
    inner = (ast.Global, ast.Nonlocal, ast.Lambda, ast.FunctionDef, ast.ClassDef, ast.YieldFrom)
    assert not [node for node in ast.walk(function) if isinstance(node, inner) and node is not function]
    yielded = [ast.unparse(node) for node in ast.walk(function) if isinstance(node, ast.Yield)]
    assert yielded == ["(yield scheduler.load)"]
    assert not [node for node in ast.walk(function) if isinstance(node, ast.Return) and node.value is not None]


def test_what_the_worker_tells_of_the_scheduler_is_no_way_to_the_context() -> None:
    """Counts and a number of cells are copied out; methods stay inside."""
    taken = {name: set[str]() for name in OWN}
    (tell,) = (
        node
        for node in ast.walk(ast.parse(inspect.getsource(mailbox_module)))
        if isinstance(node, ast.FunctionDef) and node.name == "tell"
    )
    for node in (*ast.walk(work()), *ast.walk(tell)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in OWN:
            taken[node.value.id].add(node.attr)
    methods = {"jobs", "add", "step", "fail", "plant", "counts", "held", "load", "drop"}
    assert taken == {"scheduler": methods, "device": {"close"}}
    assert [ast.unparse(node) for node in ast.walk(tell) if isinstance(node, ast.Assign)] == [
        "self.counts, self.held = (scheduler.counts, scheduler.held)",
        "self._inside = scheduler.jobs",
    ]


def test_nobody_keeps_a_device_that_a_caller_holds() -> None:
    """Jobs are handed the device as an argument, call by call: callers hold their futures and their writings."""
    for name in ("jobs", "scoring", "mailbox", "requests"):
        module = ast.parse((Path(engine_module.__file__).parent / f"{name}.py").read_text())
        stored = [
            node
            for node in ast.walk(module)
            if isinstance(node, ast.Assign | ast.AnnAssign)
            and isinstance(node.value, ast.Name)
            and node.value.id == "device"
        ]
        assert stored == []


def test_one_thread_alone_is_seen_at_the_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """From its making to its end, through a run of many callers, and it is the worker."""
    monkeypatch.setattr(lanes_module, "free_bytes", lambda: 1 << 50)
    seen: set[int] = set()
    called: set[str] = set()

    def watched(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            seen.add(threading.get_ident())
            called.add(method.__name__)
            return method(*args, **kwargs)

        return call

    for kind in (LlamaDevice, LanedDevice, LlamaSampler):
        for name, method in list(vars(kind).items()):
            if inspect.isfunction(method):
                monkeypatch.setattr(kind, name, watched(method))
    engine = Engine(LlamaModel(embedded.weights()), context=512, threads=1)
    assert worker._thread is not None
    callers = [threading.Thread(target=mixed, args=(engine, number)) for number in range(TOGETHER + 2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    engine.close()
    assert seen == {worker._thread.ident}
    assert {"__init__", "decode", "probabilities", "sampler", "pick", "copy", "remove", "save", "close"} <= called
    assert {"part", "rejoin", "_close_gaps"} <= called


def test_no_two_threads_are_seen_at_one_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a judge's engine is lent to the helper and taken back: each call finds nobody else inside."""
    locks: dict[int, threading.RLock] = {}
    clashes: list[str] = []
    threads: dict[int, set[str]] = {}

    def watched(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(device: LlamaDevice, *args: Any, **kwargs: Any) -> Any:
            threads.setdefault(id(device), set()).add(threading.current_thread().name)
            lock = locks.setdefault(id(device), threading.RLock())
            if not lock.acquire(blocking=False):
                clashes.append(method.__name__)
                lock.acquire()
            try:
                return method(device, *args, **kwargs)
            finally:
                lock.release()

        return call

    for kind in (LlamaDevice, LanedDevice):
        for name, method in list(vars(kind).items()):
            if inspect.isfunction(method) and name != "__init__":
                monkeypatch.setattr(kind, name, watched(method))
    model = LlamaModel(embedded.weights())
    drafts, judge = Engine(model, context=512, threads=2), Engine(model, context=512, threads=2, fixed=True)
    prompt = tuple(model.tokenise("A tale of two cities, as it was told long ago. " * 12, False))
    for number in range(3):
        writing = drafts.generate(Generation(prompt[:20], 60, followed=True))
        with judge.following() as following:
            for _ in writing:
                following.read((*prompt[: 100 + number], number), pinned=0, adapters=())
        judge.score(Scoring(((*prompt, 5), (*prompt, 6)), ((7,),))).result()
    drafts.close()
    judge.close()
    assert clashes == []
    assert sorted(map(sorted, threads.values())) == [[THREAD], [THREAD, HELPER]]


def mixed(engine: Engine, number: int) -> None:
    """Write, break off, score."""
    prompt = tuple(engine.model.tokenise(f"A tale of {number} cities, as it was told long ago. " * 3, False))
    list(engine.generate(Generation(prompt, 40)))
    writing = engine.generate(Generation(prompt, 50))
    next(iter(writing))
    writing.cancel()
    engine.score(Scoring(((*prompt, 5), (*prompt, 6)), ((7,),))).result()
    list(engine.generate(Generation(prompt[:10], 24)))


def test_a_context_gives_back_the_batch_that_it_made(model: LlamaModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, however often it is closed."""
    made: list[int] = []
    freed: list[int] = []
    make, free = llama_cpp.llama_batch_init, llama_cpp.llama_batch_free

    def place(batch: Any) -> int:
        return ctypes.addressof(batch.token.contents)

    def noted_make(*sizes: int) -> Any:
        batch = make(*sizes)
        made.append(place(batch))
        return batch

    def noted_free(batch: Any) -> None:
        freed.append(place(batch))
        free(batch)

    monkeypatch.setattr(llama_cpp, "llama_batch_init", noted_make)
    monkeypatch.setattr(llama_cpp, "llama_batch_free", noted_free)
    device = LlamaDevice(model, cells=256, threads=1)
    device.close()
    device.close()
    assert freed == made
    assert len(made) == 1
