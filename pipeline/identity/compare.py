"""The forms of a manifesto's identity beside one another, and beside none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from critics import Message
from pipeline.errors import ModelFault
from pipeline.identity.choosing import longest, share_right
from pipeline.identity.questions import Question
from pipeline.identity.state_file import State
from pipeline.identity.steer.probes import Probe
from pipeline.llama import PASSAGE, Adapter, LlamaModel, LlamaReader
from pipeline.pipeline import Pipeline

CALLERS = 8
"""Prompts that are asked at a time."""


@dataclass(frozen=True)
class Form:
    """One form, ready to be measured: what is told, worn or put back, and what that took."""

    name: str
    system: Message | None = None
    adapters: tuple[Adapter, ...] = ()
    state: State | None = None
    build_seconds: float | None = None
    load_seconds: float | None = None


@dataclass(frozen=True)
class Effect:
    """`recovered` is the share of the told model's difference from the untold one that is there: 1 - KL(told || form)
    / KL(told || none), over the tokens of answers by the told one. `perplexity` is a neutral text's, over none's;
    `right` the share of questions that were answered right, where there were any."""

    recovered: float
    divergence: float
    perplexity: float
    context: int
    """Tokens that each prompt is longer by."""
    right: float | None = None


@dataclass(frozen=True)
class Drafts:
    """`passed` is the share of first drafts that passed, `per_release` how many drafts a released answer took."""

    passed: float
    per_release: float | None
    released: int
    asked: int


def effects(
    forms: Sequence[Form],
    told: Message,
    probes: Sequence[Probe],
    model: LlamaModel,
    *,
    questions: Sequence[Question] = (),
    threads: int | None = None,
) -> Mapping[str, Effect]:
    """Of each form, by its name; `told` is the system message of the pre-prompt, which answered the probes."""
    passage = model.tokenise(PASSAGE, False)
    cells = max([len(passage), *(max(len(p.told), len(p.plain)) + len(p.answer) for p in probes)])
    if questions:
        cells = max(cells, longest(questions, model, told))
    with LlamaReader(model, context=cells, threads=threads) as reader:
        truth = _answers(reader, Form("told", told), probes)
        plain = _divergence(truth, _answers(reader, Form("none"), probes))
        before = reader.surprise(passage)
        found = {}
        for form in forms:
            divergence = _divergence(truth, _answers(reader, form, probes))
            right = share_right(questions, reader, model, form.system) if questions else None
            reader.wear(*form.adapters)
            rise = reader.surprise(passage) - before
            found[form.name] = Effect(
                1 - divergence / plain, divergence, float(np.exp(rise)), _context(form, told, model), right
            )
    return found


def drafts(pipeline: Pipeline, prompts: Sequence[str], *, seed: int) -> Drafts:
    """Ask all prompts, some at a time, each with a seed of its own."""
    with ThreadPoolExecutor(CALLERS) as pool:
        outcomes = list(pool.map(lambda one: pipeline.ask(one[1], seed=1000 * seed + one[0]), enumerate(prompts)))
    passed = sum(bool(o.attempts) and o.attempts[0].verdict.outcome == "pass" for o in outcomes)
    released = sum(o.status == "released" for o in outcomes)
    written = sum(len(o.attempts) for o in outcomes)
    return Drafts(passed / len(outcomes), written / released if released else None, released, len(outcomes))


Logs = list[npt.NDArray[np.float32]]


def _answers(reader: LlamaReader, form: Form, probes: Sequence[Probe]) -> Logs:
    """What the form finds probable in the place of each token of each answer."""
    reader.wear(*form.adapters)
    if form.state is not None and not reader.restore(form.state.tokens, form.state.cells):
        raise ModelFault("the state could not be put back, so that there is nothing to measure")
    found = []
    for probe in probes:
        asked = probe.told if form.system else probe.plain
        found.append(reader.log_probabilities((*asked, *probe.answer), len(asked)))
    return found


def _divergence(truth: Logs, other: Logs) -> float:
    """KL from the first, the mean over all tokens of all answers."""
    rows = [(np.exp(p) * (p - q)).sum(axis=1) for p, q in zip(truth, other, strict=True)]
    return float(np.concatenate(rows).mean())


def _context(form: Form, told: Message, model: LlamaModel) -> int:
    asked = Message("user", "?")
    return len(model.prompt([told, asked])) - len(model.prompt([asked])) if form.system else 0
