"""What can be done with `llama_cpp.Llama` alone: the floor for drafting, and two usual ways to judge."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from bench.material import BELIEFS
from bench.ours import CONTEXT
from critics import Message
from pipeline.llama import LlamaModel
from pipeline.llama.model import quiet_api
from pipeline.machine.cores import available_cores

VERDICT_TOKENS = 60


class Raw:
    """A `Llama` of its own, with all cores and a full batch, its tokens taken straight from `Llama.generate`; all else
    is as it comes, without flash attention. It keeps the longest prefix that a prompt shares with the one before."""

    def __init__(self, path: Path, model: LlamaModel, *, threads: int | None = None) -> None:
        cores = threads or available_cores()
        quiet_api()
        import llama_cpp  # see pipeline/llama/model.py

        self._llama: Any = llama_cpp.Llama(
            str(path), n_ctx=CONTEXT, n_batch=512, n_threads=cores, n_threads_batch=cores, verbose=False
        )
        self._model = model

    def write(self, messages: Sequence[Message], tokens: int, *, temperature: float = 0.0, seed: int = 0) -> str:
        """Exactly so many tokens: one that ends the turn ends nothing here."""
        self._llama.set_seed(seed)
        pieces = self._llama.generate(self._model.prompt(messages), top_p=0.9, min_p=0.05, temp=temperature)
        return bytes(self._llama.detokenize(list(islice(pieces, tokens)))).decode("utf-8", "replace")

    def forget(self) -> None:
        self._llama.reset()


def critic_prompt(rules: Sequence[str], prompt: str, draft: str) -> list[Message]:
    """One call for all rules, or for one: what is the same for every exchange stands first."""
    listed = "\n".join(f"{number}. {rule}" for number, rule in enumerate(rules, start=1))
    return [
        Message("system", f"You check drafts against rules.\n\n{BELIEFS}\nRules:\n{listed}"),
        Message("user", f"User: {prompt}\n\nDraft: {draft}\n\nDoes the draft break a rule? Answer yes or no, and why."),
    ]


def written_verdict(critic: Raw, rules: Sequence[str], prompt: str, draft: str) -> str:
    """The two-model design: a critic reads all rules and writes its verdict."""
    return critic.write(critic_prompt(rules, prompt, draft), VERDICT_TOKENS)


def verdict_per_rule(critic: Raw, rules: Sequence[str], prompt: str, draft: str) -> None:
    """A prompt a rule, none of them sharing anything with another; one token is read of each."""
    for rule in rules:
        critic.forget()
        critic.write(critic_prompt([rule], prompt, draft), 1)
