"""Weights in memory and their vocabulary, through llama.cpp's C interface. No context: that is the engine's.

What is here only reads, and llama.cpp lets any number of threads do that at once.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from critics import Message
from pipeline.errors import BadInput, ContextOverflow, ModelFault, ModelMissing, ModelUnusable
from pipeline.llama.chat import ChatTemplate
from pipeline.llama.huge_pages import loaded
from pipeline.llama.products import attach
from pipeline.llama.shared import common
from pipeline.machine.memory import free_bytes

_ASKED = (Message("system", "a"), Message("user", "b"), Message("assistant", "c"), Message("user", "d"))
"""What each model is asked, once, before anything depends on it."""

_DRAFTS = 256
"""Texts of which it is remembered how they were written."""


class LlamaModel:
    """A GGUF file, loaded. Raises `ModelMissing`, or `ModelUnusable` for one that is no model, damaged, or too big."""

    def __init__(self, path: Path) -> None:
        _refuse_unreadable(path)
        self.path = path
        self._api = api = quiet_api()
        self.handle = loaded(api, path)
        if not self.handle:
            raise ModelUnusable(
                f"{path} cannot be loaded: the file is damaged, of a kind that this llama.cpp does not know, or too "
                "big for the memory"
            )
        weakref.finalize(self, api.llama_model_free, self.handle).atexit = False  # an engine may still be at work then
        self.vocabulary = api.llama_model_get_vocab(self.handle)
        self.vocabulary_size = int(api.llama_vocab_n_tokens(self.vocabulary))
        self.trained_context = int(api.llama_model_n_ctx_train(self.handle))
        self._lock = threading.Lock()
        self._adapters: dict[Path, Any] = {}
        self._written: OrderedDict[str, tuple[int, ...]] = OrderedDict()

    @property
    def name(self) -> str:
        return self.path.stem

    @cached_property
    def recurs(self) -> bool:
        """Whether it remembers in a state what it has read, and not in cells alone."""
        return bool(self._api.llama_model_is_recurrent(self.handle) or self._api.llama_model_is_hybrid(self.handle))

    def context(self, wanted: int) -> int:
        """Tokens that it is given to read at a time where so many are wanted, 0 for all: at most what it was trained
        with, if its file says so. Further positions it has never seen."""
        return min(wanted or self.trained_context, self.trained_context or wanted)

    def tokenise(self, text: str, special: bool, *, as_written: bool = True) -> list[int]:
        """Token ids; `special` says whether control tokens in the text are taken for what they name.

        A text that was written here gets the tokens that it was written with, so that it is found in the cache, unless
        `as_written` is false.
        """
        if as_written and not special and (written := self._written.get(text)):
            return list(written)
        return self._tokenised(text, special)

    def _tokenised(self, text: str, special: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        room = len(data) + 8  # a token has at least one byte, but for a few that some vocabularies add
        ids = (ctypes.c_int32 * room)()
        count = self._api.llama_tokenize(self.vocabulary, data, len(data), ids, room, False, special)
        if count < 0:
            raise ModelFault(f"{self.name} cannot tokenise a text of {len(data)} bytes")
        return list(ids[:count])

    def remember(self, text: str, ids: Sequence[int]) -> None:
        """That `text` was written as these tokens."""
        with self._lock:
            self._written[text] = tuple(ids)
            while len(self._written) > _DRAFTS:
                self._written.popitem(last=False)

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The token's bytes; none for a control token, unless it is `special`."""
        room = 64
        while True:
            data = ctypes.create_string_buffer(room)
            size = self._api.llama_token_to_piece(self.vocabulary, token, data, room, 0, special)
            if size >= 0:
                return data.raw[:size]
            room = -size

    @cached_property
    def spellings(self) -> dict[str, tuple[int, ...]]:
        """For each word that is one token: every token that spells it, in any case and with or without space."""
        found: dict[str, list[int]] = {}
        for token in range(self.vocabulary_size):
            word = self.piece(token).decode("utf-8", "ignore").strip().lower()
            if word.isalpha():
                found.setdefault(word, []).append(token)
        return {word: tuple(tokens) for word, tokens in found.items()}

    def ends(self, token: int) -> bool:
        """Whether the token ends a turn."""
        return bool(self._api.llama_vocab_is_eog(self.vocabulary, token))

    def control(self, token: int) -> bool:
        """Whether the token stands for structure and not for text."""
        return bool(self._api.llama_vocab_is_control(self.vocabulary, token))

    def compiles(self, grammar: str) -> bool:
        """Whether llama.cpp takes a grammar."""
        made = self._api.llama_sampler_init_grammar(self.vocabulary, grammar.encode("utf-8", "replace"), b"root")
        if made:
            self._api.llama_sampler_free(made)
        return bool(made)

    def prompt(
        self,
        messages: Sequence[Message],
        *,
        continues: str = "",
        variables: Mapping[str, Any] | None = None,
        template: ChatTemplate | None = None,
        as_written: bool = True,
    ) -> list[int]:
        """The conversation as tokens, up to where the assistant's turn begins, or goes on after `continues`.

        `variables` are what else the template takes (see `ChatTemplate.tokens`), `template` one in the place of the
        model's own. What was written here gets the tokens that it was written with, unless `as_written` is false.
        Raises `ModelUnusable` for a model without a chat template, `BadInput` for what it refuses.
        """
        chat = template or (self._template if as_written else self._plain_template)
        return chat.tokens(messages, continues=continues, add_bos=self._adds_bos, variables=variables)

    def refuse_unasked(self) -> None:
        """Raises `ModelUnusable` for a model that cannot be asked: without a chat template, or with one that does not
        show what it is told."""
        try:
            self.prompt(_ASKED)
        except BadInput as exc:
            raise ModelUnusable(f"{self.path} cannot be asked: {exc}. Use a file with another chat template") from exc

    def before_last(self, messages: Sequence[Message]) -> int:
        """Tokens of the prompt that come before its last message's turn."""
        said = self._template.tokens(messages[:-1], add_bos=self._adds_bos, answered=False)
        return common(said, self.prompt(messages))

    def preamble(self, system: Message | None) -> int:
        """Tokens at the start of every prompt with this system message, or with none, whatever follows: the template
        may put one of its own there."""
        told = [system] if system else []
        return common(*(self.prompt([*told, Message("user", text)]) for text in ("a", "7")))

    def adapter(self, path: Path) -> Any:
        """A LoRA adapter for these weights, loaded once. Raises `ModelMissing`, `ModelUnusable`."""
        with self._lock:
            if path not in self._adapters:
                if not path.is_file():
                    raise ModelMissing(f"there is no adapter file {path}")
                handle = self._api.llama_adapter_lora_init(self.handle, os.fsencode(path))
                if not handle:  # a null pointer, not None
                    raise ModelUnusable(f"{path} is not an adapter for {self.name}: damaged, or made for another model")
                self._adapters[path] = handle
            return self._adapters[path]

    def template(self, source: str) -> ChatTemplate:
        """A chat template for this vocabulary. Raises `ModelUnusable` for one that is broken."""
        return ChatTemplate(source, bos=self._special("bos"), eos=self._special("eos"), tokenise=self.tokenise)

    def metadata(self, key: str) -> str:
        """What the file says under a key such as `general.name`; empty where it says nothing."""
        return _told(self._api.llama_model_meta_val_str, self.handle, key)

    def adapter_metadata(self, path: Path, key: str) -> str:
        """What an adapter's file says under a key. Raises as `adapter` does."""
        return _told(self._api.llama_adapter_meta_val_str, self.adapter(path), key)

    @cached_property
    def _template(self) -> ChatTemplate:
        source = self.metadata("tokenizer.chat_template")
        if not source:
            raise ModelUnusable(
                f"{self.path} carries no chat template, so it cannot be asked: use an instruction-tuned model"
            )
        return self.template(source)

    @cached_property
    def _plain_template(self) -> ChatTemplate:
        """The same, for which it does not matter what was written here."""
        # A judge is asked about one exchange by many rules.
        return self._template.tokenising(lru_cache(maxsize=8)(self._tokenised))

    @cached_property
    def _adds_bos(self) -> bool:
        return bool(self._api.llama_vocab_get_add_bos(self.vocabulary))

    def _special(self, which: str) -> str:
        token = getattr(self._api, f"llama_vocab_{which}")(self.vocabulary)
        return "" if token < 0 else self.piece(token, special=True).decode("utf-8", "replace")


def _told(ask: Callable[..., int], handle: Any, key: str) -> str:
    size = ask(handle, key.encode(), None, 0)
    if size < 0:
        return ""
    data = ctypes.create_string_buffer(size + 1)
    ask(handle, key.encode(), data, size + 1)
    return data.value.decode("utf-8", "replace")


def refuse_overflow(name: str, tokens: int, room: int, context: int) -> None:
    """Raises `ContextOverflow` where a prompt of so many tokens leaves less than `room` for an answer."""
    if tokens + room > context:
        raise ContextOverflow(
            f"the prompt has {tokens} tokens and {name}'s context is {context}, of which {room} are kept for the "
            "answer: shorten it, or raise `context` where the model was trained with more"
        )


def quiet_api() -> Any:
    """llama-cpp-python's bindings of the C interface, with llama.cpp's own messages switched off, and with faster
    products of matrices where there are some."""
    global _silence
    with _first:
        alone = "llama_cpp" not in sys.modules or threading.active_count() == 1
        import llama_cpp  # takes a third of a second, and commands that need no model should not wait for it

        if _silence is None:
            attach(llama_cpp, alone=alone)
            _silence = llama_cpp.llama_log_callback(lambda level, text, data: None)  # noqa: ARG005
            llama_cpp.llama_log_set(_silence, None)
            llama_cpp.llama_backend_init()
    return llama_cpp


_first = threading.Lock()
"""Two threads that come first at the same time would each take the other for somebody who may be at work."""
_silence: Any = None
"""Kept here, because llama.cpp holds only its address."""


def _refuse_unreadable(path: Path) -> None:
    if not path.is_file():
        raise ModelMissing(f"there is no model file {path}")
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as exc:
        raise ModelMissing(f"{path} cannot be read: {exc.strerror}") from exc
    if magic != b"GGUF":
        raise ModelUnusable(f"{path} is not a GGUF file: convert the model with llama.cpp first")
    size, free = path.stat().st_size, free_bytes()
    if free is not None and size > free and not quiet_api().llama_supports_gpu_offload():  # it may fit in there
        raise ModelUnusable(
            f"{path} is {size / 1e9:.1f} GB and {free / 1e9:.1f} GB of memory are free: use a smaller quantisation"
        )
