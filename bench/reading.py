"""How fast the optimised weights read, over the shipped ones, in a process of its own."""

from __future__ import annotations

from bench.apart import Apart, Served
from bench.ours import weights
from bench.timing import ROUNDS, Measured, Side, Spread, alternating, ratios
from pipeline.assembly import embedded
from pipeline.llama import LlamaModel
from pipeline.llama.engine import LlamaDevice
from pipeline.llama.optimise.measure import reading_speed
from pipeline.llama.optimise.passage import PASSAGE

TOKENS = 512


def measured(*, rounds: int = ROUNDS, tokens: int = TOKENS) -> Measured:
    with Apart(__name__, tokens) as apart:
        alternating(apart.sides, 1)
        seconds = alternating(apart.sides, rounds)
        details = apart.details()
    return Measured(
        {"optimised_read_ratio": Spread.of(ratios(seconds["shipped"], seconds["optimised"]))},
        {
            "weights": details["weights"],
            "tokens a second": {
                name: Spread.of([details["tokens"] / one for one in column]) for name, column in seconds.items()
            },
        },
    )


def served(tokens: str) -> Served:
    paths = {"shipped": embedded.weights(), "optimised": weights()}
    models = {name: LlamaModel(path) for name, path in paths.items()}
    ids = models["shipped"].tokenise(PASSAGE, False)[: int(tokens)]

    def side(device: LlamaDevice) -> Side:
        return lambda _: len(ids) / reading_speed(device, ids)

    return Served(
        {name: side(LlamaDevice(model, cells=1024)) for name, model in models.items()},
        lambda: {"weights": {name: path.name for name, path in paths.items()}, "tokens": len(ids)},
    )
