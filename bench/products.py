"""What our products of matrices gain over llama.cpp's own: batches of several sizes by both, alternating, on the
weights that are in use, and a text's perplexity. `python -m bench.products`
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice

from bench.ours import weights
from bench.timing import Side, Spread, alternating, ratios, took
from pipeline.llama import LlamaModel
from pipeline.llama.engine import LlamaDevice
from pipeline.llama.engine.device import Row
from pipeline.llama.engine.llama_device import LONG_BATCH
from pipeline.llama.optimise.measure import perplexity
from pipeline.llama.optimise.passage import PASSAGE
from pipeline.llama.products import attached, use

SIZES = (1, 2, 4, 8, 16, 64, 128, 216)
BEFORE = 60
ROUNDS = 7


def main() -> None:
    model = LlamaModel(weights())
    assert attached(), "this machine multiplies by llama.cpp's own means"
    ids = model.tokenise(PASSAGE, False)
    for threads in (2, 1):
        for flash in (True, False):
            device = LlamaDevice(model, cells=1024, threads=threads, batch=LONG_BATCH, flash=flash)
            print(f"{threads} threads, {'with' if flash else 'without'} flash attention; milliseconds a batch")
            for size in SIZES:
                _compare(device, ids, size)
            if threads == 2:
                for ours in (True, False):
                    use(ours)
                    print(f"  perplexity by {'ours' if ours else 'its own'}: {perplexity(device, ids):.3f}")
            device.close()


def _compare(device: LlamaDevice, ids: Sequence[int], size: int) -> None:
    device.clear()
    _read(device, list(islice(cycle(ids), BEFORE)), 0)
    batch = list(islice(cycle(ids), BEFORE, BEFORE + size))

    def by(ours: bool) -> Side:
        def side(_: int) -> float:
            use(ours)
            seconds = []
            for _again in range(2):  # the first one finds other weights in the caches than it left
                seconds.append(1000 * took(lambda: _read(device, batch, BEFORE)))
                device.remove(0, BEFORE)
            return seconds[-1]

        return side

    found = alternating({"ours": by(True), "its own": by(False)}, ROUNDS)
    times = Spread.of(ratios(found["its own"], found["ours"]))
    ours, own = (Spread.of(found[name]) for name in ("ours", "its own"))
    print(f"  {size:4} rows: {_told(ours)} by ours, {_told(own)} by its own, {_told(times)} times", flush=True)


def _told(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.min:.2f} to {spread.max:.2f})"


def _read(device: LlamaDevice, ids: Sequence[int], at: int) -> None:
    """The last one is wanted, as where something is written after it."""
    device.decode([Row(token, at + index, 0, index == len(ids) - 1) for index, token in enumerate(ids)])


if __name__ == "__main__":
    main()
