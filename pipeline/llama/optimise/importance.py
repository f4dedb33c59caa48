"""How much each input of the feed-forward matrices counts, so that they may be quantised with care where it does.

It is the mean square of what comes in there while a text is read, as llama.cpp's own `imatrix` has it
(https://github.com/ggml-org/llama.cpp/tree/master/tools/imatrix).
"""

from __future__ import annotations

import ctypes
from collections import Counter
from contextlib import closing

import numpy as np
import numpy.typing as npt

import manifestos
from pipeline.llama.engine import LlamaDevice
from pipeline.llama.engine.device import Row
from pipeline.llama.engine.llama_device import OUTPUTS
from pipeline.llama.model import LlamaModel, quiet_api

Importance = dict[str, npt.NDArray[np.float32]]
"""By the matrix's name in the file: a number for each of its inputs."""

_TOKENS = 1024
"""Six times as many made the embedded model predict no better: docs/performance.md."""

_READ_BY = {"ffn_norm": ("ffn_gate", "ffn_up")} | dict.fromkeys(
    ("ffn_swiglu", "ffn_geglu", "ffn_reglu", "ffn_gate_par"), ("ffn_down",)
)
"""The matrices that read what llama.cpp calls so in a layer. One that reads something else, as in a mixture of experts,
goes without."""


def importance(model: LlamaModel, *, threads: int | None = None) -> Importance:
    """Found by reading the shipped manifestos in a context of its own."""
    text = "\n\n".join(manifestos.path(name).read_text("utf-8") for name in manifestos.names())
    ids = model.tokenise(text, False)[:_TOKENS]
    squares = _Squares()
    with closing(LlamaDevice(model, cells=_TOKENS, threads=threads, watch=squares.watch)) as device:
        for start in range(0, len(ids), OUTPUTS):  # all are wanted, or the last layer would leave them out
            device.decode([Row(token, at, 0, True) for at, token in enumerate(ids[start : start + OUTPUTS], start)])
            if squares.error:
                raise squares.error
    return {
        f"blk.{layer}.{matrix}.weight": (total / squares.counts[what, layer]).astype(np.float32)
        for (what, layer), total in squares.sums.items()
        for matrix in _READ_BY[what]
    }


class _Squares:
    """Adds up the squares of what comes in, by its name and layer. `watch` is what llama.cpp calls."""

    def __init__(self) -> None:
        api = quiet_api()
        # llama-cpp-python declares none of ggml's functions, and where a tensor's fields lie is ggml's own affair.
        ggml = api.llama_cpp._lib
        tensor = ctypes.c_void_p
        self._name = ctypes.CFUNCTYPE(ctypes.c_char_p, tensor)(("ggml_get_name", ggml))
        self._size = ctypes.CFUNCTYPE(ctypes.c_int64, tensor)(("ggml_nelements", ggml))
        self._rows = ctypes.CFUNCTYPE(ctypes.c_int64, tensor)(("ggml_nrows", ggml))
        self._get = ctypes.CFUNCTYPE(None, tensor, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t)(
            ("ggml_backend_tensor_get", ggml)  # wherever it lies, on a GPU too
        )
        self.sums: dict[tuple[str, str], npt.NDArray[np.float64]] = {}
        self.counts: Counter[tuple[str, str]] = Counter()
        self.error: BaseException | None = None
        self.watch = api.ggml_backend_sched_eval_callback(self._called)

    def _called(self, tensor: int, ask: bool, _: object) -> bool:
        try:
            return self._watch(tensor, ask)
        except BaseException as exc:  # noqa: BLE001  # from C it would lead nowhere, an interrupt either
            self.error = exc
            return False

    def _watch(self, tensor: int, ask: bool) -> bool:
        """Asked first whether it matters, called again when it is worked out. Such values are 32-bit floats."""
        what, _dash, layer = self._name(tensor).decode().rpartition("-")
        if ask or what not in _READ_BY:
            return what in _READ_BY
        rows = self._rows(tensor)
        values = np.empty((rows, self._size(tensor) // rows), np.float32)
        self._get(tensor, values.ctypes.data, 0, values.nbytes)
        total = self.sums.setdefault((what, layer), np.zeros(values.shape[1]))
        total += np.square(values, dtype=np.float64).sum(axis=0)
        self.counts[what, layer] += rows
        return True
