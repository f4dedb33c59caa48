"""A llama.cpp context. Nothing else in the project touches one."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import ModelFault, ModelUnusable
from pipeline.llama.engine.device import Row, Saved
from pipeline.llama.engine.load import Share
from pipeline.llama.engine.requests import Adapters, Sampling
from pipeline.llama.model import LlamaModel, quiet_api
from pipeline.machine.cores import available_cores

BATCH = 128
"""Rows in a batch: nearly as fast a row as a longer one, and whoever comes has not long to wait for the next."""

LONG_BATCH = 256
"""For who reads while nobody else has anything to do: a tenth faster a row by llama.cpp's products, and longer ones are
no faster."""

OUTPUTS = 64
"""Wanted rows in a batch: llama.cpp keeps a vocabulary of floats for each."""

_FAINT = 1e-5
"""Candidates that top-p does not look at, as a share of the likeliest one's probability: the thousands below it seldom
add up to a hundredth, and sorting them would take three times as long."""

_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class LlamaDevice:
    """A context of `cells` tokens over a model, which `sequences` have in common, or each its part of, where they are
    not `shared`. With `flash` attention, where the model can have it. Raises `ModelUnusable` where it does not fit.

    It serves one thread at a time, and must be closed. `watch` is llama.cpp's `cb_eval`, which sees what is worked out.
    """

    outputs = OUTPUTS
    lane = 0  # see engine/lanes.py

    def __init__(
        self,
        model: LlamaModel,
        *,
        cells: int,
        sequences: int = 1,
        threads: int | None = None,
        batch: int = BATCH,
        shared: bool = True,
        flash: bool = True,
        watch: Any = None,
    ) -> None:
        self._api = api = quiet_api()
        self._model = model
        self._watch = watch  # kept as long as llama.cpp may call it
        options = api.llama_context_default_params()
        options.n_ctx = cells
        self.batch = options.n_batch = options.n_ubatch = batch
        options.n_seq_max = sequences
        options.n_outputs_max = max(OUTPUTS, sequences)
        self.threads = self._computing = threads or available_cores()
        options.n_threads = options.n_threads_batch = self.threads
        options.kv_unified = shared
        # It skips the cells of other sequences: docs/performance.md.
        options.flash_attn_type = api.LLAMA_FLASH_ATTN_TYPE_AUTO if flash else api.LLAMA_FLASH_ATTN_TYPE_DISABLED
        options.no_perf = True
        if watch is not None:
            options.cb_eval = watch
        self._context = api.llama_init_from_model(model.handle, options)
        if not self._context:
            raise ModelUnusable(f"{model.path} does not fit into the memory with a context of {cells} tokens")
        self.cells = int(api.llama_n_ctx(self._context))
        self._memory = api.llama_get_memory(self._context)
        self.cuttable = cuttable(model)
        self.recurs = model.recurs
        self._rows = _Rows(api, batch, sequences)
        self._adapters: Adapters = ()

    @staticmethod
    def layout(model: LlamaModel, *, flash: bool = True) -> str:
        """What saved cells depend on, beside weights and adapters: llama.cpp's version, and how its cache is kept."""
        api = quiet_api()
        options = api.llama_context_default_params()
        sizes = [getattr(api, f"llama_model_{name}")(model.handle) for name in ("n_layer", "n_embd", "n_head_kv")]
        kinds = f"k{options.type_k} v{options.type_v}"
        attention = "flash attention" if flash else "plain attention"
        return f"llama-cpp-python {api.__version__} {kinds} layers {sizes} unified, {attention}"

    def compute_with(self, share: Share) -> None:
        if (threads := share.of(self.threads)) != self._computing:
            self._api.llama_set_n_threads(self._context, threads, threads)
            self._computing = threads

    def decode(self, rows: Sequence[Row]) -> None:
        code = self._api.llama_decode(self._context, self._rows.fill(rows))
        if code:
            raise ModelFault(f"{self._model.name} failed to read {len(rows)} tokens: llama.cpp says {code}")

    def answer(self, index: int) -> tuple[Any, int]:
        """llama.cpp's context that has read the row with this index in the last batch, and its index there."""
        return self._context, index

    def logits(self, index: int) -> npt.NDArray[np.float32]:
        """After the row with this index in the last batch; valid until the next one."""
        found = self._api.llama_get_logits_ith(*self.answer(index))
        if not found:
            raise ModelFault(f"{self._model.name} has no answer for row {index}")
        return np.ctypeslib.as_array(found, shape=(self._model.vocabulary_size,))

    def probabilities(self, index: int) -> npt.NDArray[np.float64]:
        scores = self.logits(index).astype(np.float64)
        weights = np.exp(scores - scores.max())
        return np.asarray(weights / weights.sum())

    def sampler(self, sampling: Sampling) -> LlamaSampler:
        return LlamaSampler(self, self._model, sampling)

    def use(self, adapters: Adapters) -> None:
        if adapters == self._adapters:
            return
        handles = [self._model.adapter(adapter.path) for adapter in adapters]
        pointers = (self._api.llama_adapter_lora_p_ctypes * len(handles))(*handles)
        scales = (ctypes.c_float * len(handles))(*(adapter.scale for adapter in adapters))
        if self._api.llama_set_adapters_lora(self._context, pointers, len(handles), scales):
            raise ModelFault(f"{self._model.name} does not take these adapters")
        self._adapters = adapters

    def copy(self, source: int, target: int, start: int, end: int) -> None:
        self._api.llama_memory_seq_cp(self._memory, source, target, start, end)

    def remove(self, sequence: int, start: int = 0, end: int = -1) -> bool:
        return bool(self._api.llama_memory_seq_rm(self._memory, sequence, start, end))

    def save(self, sequence: int) -> Saved:
        # Not NumPy's own memory: it asks for huge pages, which take longer to get than all this takes to be saved.
        size = self.saved_size(sequence)
        try:
            data = np.frombuffer(bytearray(size), dtype=np.uint8)
        except MemoryError as exc:
            raise ModelFault(f"no {size / 1e6:.0f} MB of memory are left for what {self._model.name} has read") from exc
        self.save_into(sequence, data)
        return data

    def saved_size(self, sequence: int) -> int:
        """Bytes that the sequence's cells take when they are saved."""
        return int(self._api.llama_state_seq_get_size(self._context, sequence))

    def save_into(self, sequence: int, data: Saved) -> None:
        """Fill `data`, which is as long as the sequence's cells take."""
        if self._api.llama_state_seq_get_data(self._context, _bytes_of(data), len(data), sequence) != len(data):
            raise ModelFault(f"{self._model.name} cannot save what it has read")

    def restore(self, sequence: int, saved: Saved) -> bool:
        return bool(self._api.llama_state_seq_set_data(self._context, _bytes_of(saved), len(saved), sequence))

    def part(self, sequence: int, tokens: int) -> bool:  # noqa: ARG002
        return False

    def rejoin(self, sequence: int) -> bool:
        raise ValueError(f"sequence {sequence} has never parted")

    def size(self) -> int:
        """Bytes that the state of all cells in use would take, by llama.cpp's own count."""
        return int(self._api.llama_state_get_size(self._context))

    def clear(self) -> None:
        self._api.llama_memory_clear(self._memory, False)

    def close(self) -> None:
        if self._context:
            self._api.llama_free(self._context)
            self._rows.close()
            self._context = None


def cuttable(model: LlamaModel) -> bool:
    """Whether what a sequence of the model holds can be cut: see `Device`."""
    return not model.recurs and not quiet_api().llama_model_n_swa(model.handle)


def _bytes_of(data: Saved) -> Any:
    return ctypes.cast(data.ctypes.data, ctypes.POINTER(ctypes.c_uint8))


class LlamaSampler:
    """A chain of llama.cpp's samplers. Raises `ModelFault` for a grammar that does not compile."""

    def __init__(self, device: LlamaDevice, model: LlamaModel, sampling: Sampling) -> None:
        self._api = api = quiet_api()
        self._device = device
        self._name = model.name
        self._grammar = None
        if sampling.grammar:
            grammar = sampling.grammar.encode("utf-8", "replace")
            self._grammar = api.llama_sampler_init_grammar(model.vocabulary, grammar, b"root")
            if not self._grammar:
                raise ModelFault("this grammar does not compile")
        self._chain = api.llama_sampler_chain_init(api.llama_sampler_chain_default_params())
        for part in self._parts(model, sampling):
            api.llama_sampler_chain_add(self._chain, part)

    def _parts(self, model: LlamaModel, sampling: Sampling) -> list[Any]:
        api = self._api
        parts = []
        if sampling.bias:
            biases = (api.llama_logit_bias * len(sampling.bias))(*sampling.bias.items())
            parts.append(api.llama_sampler_init_logit_bias(model.vocabulary_size, len(biases), biases))
        if sampling.temperature <= 0:
            return [*parts, api.llama_sampler_init_greedy()]
        if sampling.top_p < 1:
            parts.append(api.llama_sampler_init_min_p(_FAINT, 1))
            parts.append(api.llama_sampler_init_top_p(sampling.top_p, 1))
        if sampling.min_p > 0:
            parts.append(api.llama_sampler_init_min_p(sampling.min_p, 1))
        parts.append(api.llama_sampler_init_temp(sampling.temperature))
        seed = (sampling.seed & 0xFFFFFFFF) % api.LLAMA_DEFAULT_SEED  # which would mean one of llama.cpp's own choosing
        return [*parts, api.llama_sampler_init_dist(seed)]

    def pick(self, index: int) -> int:
        if self._grammar is None:
            return int(self._api.llama_sampler_sample(self._chain, *self._device.answer(index)))
        # Checking one token is quick, checking all of them is not: so the model's own choice is tried first.
        logits = self._device.logits(index)
        token = self._chosen(logits, None)
        if not np.isfinite(self._allowed(np.array([token]), logits)).all():
            token = self._chosen(logits, self._grammar)
        self._api.llama_sampler_accept(self._grammar, token)
        self._api.llama_sampler_accept(self._chain, token)
        return token

    def _chosen(self, logits: npt.NDArray[np.float32], grammar: Any) -> int:
        ids = np.arange(len(logits), dtype=np.int32)
        if grammar is not None:
            logits = self._allowed(ids, logits)
            if not np.isfinite(logits).any():
                raise ModelFault(f"{self._name} has no token that the grammar allows")
        array, _kept = self._candidates(ids, logits)
        self._api.llama_sampler_apply(self._chain, ctypes.byref(array))
        return int(array.data[array.selected].id)

    def _allowed(self, ids: npt.NDArray[np.integer], logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The logits of `ids`, minus infinity where the grammar forbids."""
        array, kept = self._candidates(ids, logits[ids])
        self._api.llama_sampler_apply(self._grammar, ctypes.byref(array))
        return np.asarray(kept["logit"])

    def _candidates(
        self, ids: npt.NDArray[np.integer], logits: npt.NDArray[np.float32]
    ) -> tuple[Any, npt.NDArray[Any]]:
        """llama.cpp's array of candidates, and the memory behind it, which must be kept as long."""
        data = np.zeros(len(ids), dtype=_CANDIDATE)
        data["id"], data["logit"] = ids, logits
        api = self._api
        pointer = ctypes.cast(data.ctypes.data, ctypes.POINTER(api.llama_token_data))
        return api.llama_token_data_array(pointer, len(ids), -1, False), data

    def close(self) -> None:
        self._api.llama_sampler_free(self._chain)
        if self._grammar is not None:
            self._api.llama_sampler_free(self._grammar)


class _Rows:
    """A `llama_batch` of up to `most` rows, each in up to `sequences` sequences."""

    def __init__(self, api: Any, most: int, sequences: int) -> None:
        self._free = api.llama_batch_free
        self._batch = batch = api.llama_batch_init(most, 0, sequences)
        self._columns = batch.token, batch.pos, batch.n_seq_id, batch.seq_id, batch.logits

    def fill(self, rows: Sequence[Row]) -> Any:
        # Item by item: slices of NumPy's cost four times as much for the one row of who writes alone.
        tokens, positions, counts, sequences, outputs = self._columns
        for index, (token, position, sequence, wanted, also) in enumerate(rows):
            tokens[index], positions[index], outputs[index] = token, position, wanted
            counts[index] = 1 + len(also)
            sequences[index][0] = sequence
            for place, other in enumerate(also, 1):
                sequences[index][place] = other
        self._batch.n_tokens = len(rows)
        return self._batch

    def close(self) -> None:
        self._free(self._batch)
