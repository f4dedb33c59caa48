"""The forms of a manifesto's identity beside one another, and beside none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from critics import Message
from pipeline.errors import ModelFault, ModelUnusable
from pipeline.identity.choosing import longest, share_right
from pipeline.identity.questions import Question
from pipeline.identity.state_file import State
from pipeline.identity.steer.probes import Probe
from pipeline.llama import PASSAGE, Adapter, LlamaModel, LlamaReader
from pipeline.pipeline import Pipeline

CALLERS = 8
"""Prompts that are asked at a time."""

MOST = 1 << 29
"""Bytes of what the told model finds probable that are kept at a time. What is told is read anew for each such part, so
that it should hold a run of the usual size."""


@dataclass(frozen=True)
class Form:
    """One form, ready to be measured: what is told, worn or put back, and what that took."""

    name: str
    system: Message | None = None
    adapters: tuple[Adapter, ...] = ()
    state: State | None = None
    build_seconds: float | None = None
    load_seconds: float | None = None

    @property
    def alike(self) -> object:
        """The same of forms that predict the same."""
        return self.system, self.adapters, id(self.state)


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
    """Of each form, by its name; `told` is the system message of the pre-prompt, which answered the probes. Raises
    `ModelUnusable` where that changes nothing, so that there is nothing to recover."""
    if not probes:
        raise ModelFault("the model that is told the manifesto answered no prompt, so that there is nothing to measure")
    passage = model.tokenise(PASSAGE, False)
    cells = max([len(passage), *(max(len(p.told), len(p.plain)) + len(p.answer) for p in probes)])
    if questions:
        cells = max(cells, longest(questions, model, told))
    with LlamaReader(model, context=cells, threads=threads) as reader:
        plain, *divergences = _divergences(reader, [Form("none"), *forms], told, probes, model)
        if not plain > 0:
            raise ModelUnusable(
                f"{model.name} answers alike whether it is told the manifesto or not: nothing to measure"
            )
        surprises = _surprises(reader, forms, passage)
        found = {}
        for form, divergence in zip(forms, divergences, strict=True):
            right = None
            if questions:
                _put_on(reader, form)
                right = share_right(questions, reader, model, form.system)
            perplexity = float(np.exp(surprises[form.adapters] - surprises[()]))
            found[form.name] = Effect(
                1 - divergence / plain, divergence, perplexity, _context(form, told, model), right
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


Rows = list[npt.NDArray[np.float32]]
"""An array for each answer."""


def _surprises(
    reader: LlamaReader, forms: Sequence[Form], passage: Sequence[int]
) -> Mapping[tuple[Adapter, ...], float]:
    """Of the text, under the adapters of each form and under none: whatever else a form has is not before the text."""
    found = {}
    for adapters in {(), *(form.adapters for form in forms)}:
        reader.wear(*adapters)
        found[adapters] = reader.surprise(passage)
    return found


def _divergences(
    reader: LlamaReader, forms: Sequence[Form], told: Message, probes: Sequence[Probe], model: LlamaModel
) -> list[float]:
    """Of each form, KL from the told model, the mean over all tokens of all answers."""
    found: list[Rows] = [[] for _ in forms]
    for part in _parts(probes, 4 * model.vocabulary_size):
        for rows, more in zip(found, _rows(reader, forms, told, part), strict=True):
            rows += more
    return [float(np.concatenate(rows).mean()) for rows in found]


def _rows(reader: LlamaReader, forms: Sequence[Form], told: Message, probes: Sequence[Probe]) -> list[Rows]:
    """The same of each token."""
    truth = list(_answers(reader, Form("told", told), probes))
    found: dict[object, Rows] = {}
    for form in forms:
        if form.alike not in found:
            answers = zip(truth, _answers(reader, form, probes), strict=True)
            found[form.alike] = [(np.exp(p) * (p - q)).sum(axis=1) for p, q in answers]
    return [found[form.alike] for form in forms]


def _parts(probes: Sequence[Probe], each: int) -> Iterator[Sequence[Probe]]:
    """As many at a time as may be kept, where a token takes `each` bytes."""
    begin, kept = 0, 0
    for place, probe in enumerate(probes):
        size = each * len(probe.answer)
        if kept and kept + size > MOST:
            yield probes[begin:place]
            begin, kept = place, 0
        kept += size
    yield probes[begin:]


def _answers(reader: LlamaReader, form: Form, probes: Sequence[Probe]) -> Iterator[npt.NDArray[np.float32]]:
    """What the form finds probable in the place of each token, an answer after the other."""
    _put_on(reader, form)
    for probe in probes:
        asked = probe.told if form.system else probe.plain
        yield reader.log_probabilities((*asked, *probe.answer), len(asked))


def _put_on(reader: LlamaReader, form: Form) -> None:
    reader.wear(*form.adapters)
    if form.state is not None and not reader.restore(form.state.tokens, form.state.cells):
        raise ModelFault("the state could not be put back, so that there is nothing to measure")


def _context(form: Form, told: Message, model: LlamaModel) -> int:
    asked = Message("user", "?")
    return len(model.prompt([told, asked])) - len(model.prompt([asked])) if form.system else 0
