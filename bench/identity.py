"""How much of a manifesto each form of identity carries, and what it costs: python -m bench.identity MANIFESTO SEED.

A run takes some minutes and is kept in bench/identity.json; three manifestos of different kinds, each with three seeds,
make the table of docs/identity.md, which `python -m bench.identity` prints from what has been kept. What a run
leaves out is kept from an earlier one. The machine should do nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.resident import ROOT
from critics import load
from pipeline.assembly.embedded import weights
from pipeline.cli.identity.compare import Built, compared, measured_with
from pipeline.cli.identity.lessons import Wanted
from pipeline.cli.identity.lora import build_lora
from pipeline.identity import preprompt
from pipeline.identity.choosing import longest, share_right
from pipeline.identity.questions import Question, ordinary_questions, read_questions
from pipeline.llama import Adapter, LlamaModel, LlamaReader
from pipeline.machine.cores import available_cores
from pipeline.settings import Settings, load_settings

MANIFESTOS = {
    "house-style": "house-style",
    "helpful-harmless-honest": "helpful-harmless-honest",
    "letter-form": str(Path(__file__).with_name("letter-form.yaml")),
}
"""Manner, safety, form."""
SEEDS = (1, 2, 3)
LORA = "lora.gguf"
KEPT = Path(ROOT) / "bench" / "identity.json"

_FIGURES = {
    "recovered": ("recovered", "{:.2f}", 1),
    "context": ("context", "{:.0f}", 1),
    "build, s": ("build_seconds", "{:.0f}", 1),
    "load, ms": ("load_seconds", "{:.1f}", 1000),
    "perplexity of a neutral text, over none's": ("perplexity", "{:.3f}", 1),
    "questions right": ("right", "{:.2f}", 1),
    "public questions right": ("right_public", "{:.2f}", 1),
    "first drafts passed": ("first_passed", "{:.2f}", 1),
    "from torch, over without it": ("apart", "{:.2f}", 1),
}
"""By its title: the key of a figure, how it is written, and what it is multiplied by."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifesto", nargs="?", choices=MANIFESTOS)
    parser.add_argument("seed", nargs="?", type=int, default=1)
    parser.add_argument("--prompts", type=int, default=24)
    parser.add_argument("--no-ask", dest="ask", action="store_false", help="leave out what the loop makes of it")
    lora = parser.add_mutually_exclusive_group()
    lora.add_argument("--train-lora", action="store_true", help="a quarter of an hour more")
    lora.add_argument("--lora", type=Path, help="one of this manifesto and seed, to be measured")
    parser.add_argument("--public", type=Path, help="what `python -m bench.public` printed, to be asked as well")
    parser.add_argument("--without", action="append", default=[], type=Built, help="a form to leave out")
    given = parser.parse_args()
    if given.manifesto:
        public = read_questions(given.public) if given.public else []
        measure(
            given.manifesto, given.seed, given.prompts,
            without=given.without, asks=given.ask, trains=given.train_lora, lora=given.lora, public=public,
        )  # fmt: skip
    print(table(_kept()))


def measure(
    manifesto: str,
    seed: int,
    prompts: int,
    *,
    without: Collection[Built],
    asks: bool,
    trains: bool,
    lora: Path | None,
    public: Sequence[Question],
) -> None:
    settings = load_settings(flags={"generator": {"max_tokens": 128}})
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        training = _trained(manifesto, settings, folder, seed) if trains else {}
        lora = folder / LORA if trains else lora
        rows = compared(
            load(MANIFESTOS[manifesto]), settings, folder, measured_with(None, prompts),
            lora=lora, questions=ordinary_questions(), without=without, seed=seed, asks=asks,
        )  # fmt: skip
        if lora:
            rows["lora"] = {key: value for key, value in rows["lora"].items() if value is not None} | training
        if public:
            files = {"steer": folder / f"{Built.STEER}.gguf", "lora": lora}
            adapters = {form: (Adapter(file),) for form, file in files.items() if file and form in rows}
            for form, share in _right(manifesto, public, rows, adapters).items():
                rows[form]["right_public"] = share
    kept, name = _kept(), f"{manifesto} {seed}"
    earlier = kept.get(name, {}).get("identities", {})
    built = {Built.STEER, "lora" if trains else None}
    rows = earlier | {form: row if form in built else earlier.get(form, {}) | row for form, row in rows.items()}
    kept[name] = {"cores": available_cores(), "prompts": prompts, "identities": rows}
    KEPT.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n")
    print(f"{manifesto}, seed {seed}: {time.monotonic() - began:.0f} s", file=sys.stderr)


def _right(
    manifesto: str, questions: Sequence[Question], forms: Iterable[str], adapters: Mapping[str, tuple[Adapter, ...]]
) -> dict[str, float]:
    """The share that each form gets right, but for a state, which is the told model."""
    model, told = LlamaModel(weights()), preprompt(load(MANIFESTOS[manifesto]))
    found = {}
    with LlamaReader(model, context=longest(questions, model, told)) as reader:
        for form in forms:
            if form != "state":
                reader.wear(*adapters.get(form, ()))
                found[form] = share_right(questions, reader, model, told if form == "preprompt" else None)
    return found


def _trained(manifesto: str, settings: Settings, folder: Path, seed: int) -> dict[str, float]:
    """What building it took, and what llama.cpp makes of it beside torch."""
    from bench.parity import parity

    began = time.perf_counter()
    wanted = Wanted(folder / LORA, seed=seed, peft=folder / "peft")
    figures, _ = build_lora(load(MANIFESTOS[manifesto]), settings, wanted)
    took = time.perf_counter() - began
    Path(str(figures["file"])).replace(folder / LORA)  # one that was rejected is measured as well
    apart = parity(weights(), folder / LORA, Path(str(figures["peft"])))
    return {"build_seconds": took, "apart": apart.worn / apart.without}


def table(kept: Mapping[str, Any]) -> str:
    """In Markdown, a row a manifesto and form: the mean over seeds, with the lowest and the highest."""
    lines = [("manifesto", "form", "seeds", *_FIGURES), ("---",) * (3 + len(_FIGURES))]
    for manifesto in MANIFESTOS:
        runs = [run["identities"] for name, run in kept.items() if name.rpartition(" ")[0] == manifesto]
        for form in dict.fromkeys(form for run in runs for form in run):
            of_form = [run[form] for run in runs if form in run]
            cells = (_spread((row.get(key) for row in of_form), how, by) for key, how, by in _FIGURES.values())
            lines.append((manifesto, f"`{form}`", str(len(of_form)), *cells))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _spread(values: Iterable[float | None], how: str, by: float) -> str:
    there = [by * value for value in values if value is not None]
    if not there:
        return ""
    mean, least, most = (how.format(value) for value in (statistics.fmean(there), min(there), max(there)))
    return mean if least == most else f"{mean} ({least} to {most})"


def _kept() -> dict[str, Any]:
    return json.loads(KEPT.read_text()) if KEPT.is_file() else {}


if __name__ == "__main__":
    main()
