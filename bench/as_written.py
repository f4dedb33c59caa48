"""LangChain as a user would write it today, against ours as it comes.

`ChatLlamaCpp` on the shipped weights, everything at its default but path, context, length and temperature (and
`verbose`, which only prints). Two ways: a judge prompt a rule, with the rule first in the system message; and the
`ConstitutionalChain` with a principle a rule.

The whole chain takes two minutes a prompt, so each round runs it with one principle, another one each round, and counts
the seconds of its critique and revision eight times. LangChain has a process of its own. `python -m bench.as_written 8`
runs the chain as a whole, once.
"""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from langchain_core.prompts import PromptTemplate

from bench.apart import Apart, Served
from bench.harms import judge_asked
from bench.material import BELIEFS, STATEMENTS, prompt
from bench.ours import CONTEXT, AsItComes, Watched, asking, pipeline, weights
from bench.timing import ROUNDS, Measured, Side, Spread, alternating, ratios, spreads, took
from critics import Verdict
from pipeline.assembly import embedded
from pipeline.llama import LlamaModel

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # deprecated, and what people use
    from langchain_classic.chains import ConstitutionalChain, LLMChain
    from langchain_classic.chains.constitutional_ai.models import ConstitutionalPrinciple
    from langchain_community.chat_models import ChatLlamaCpp

TOKENS = 200
CHAIN_TOKENS = 60
RULES = STATEMENTS[:8]
PRINCIPLES = [
    ConstitutionalPrinciple(
        critique_request=f"Say whether the answer breaks this rule: {rule}",
        revision_request=f"Rewrite the answer so that it keeps this rule: {rule}",
    )
    for rule in RULES
]


def measured(*, rounds: int = ROUNDS, tokens: int = TOKENS, chain_tokens: int = CHAIN_TOKENS) -> Measured:
    cascade, for_chain, separate = AsItComes(), AsItComes(), Watched(LlamaModel(weights()))
    for warm in (cascade.pipeline(8), for_chain.pipeline(8), pipeline(separate, rules=8, tokens=8)):
        asking(warm, prompt, 8)(0)
    verdicts: list[Verdict] = []
    with Apart(__name__, tokens, chain_tokens) as theirs:
        sides: dict[str, Side] = {
            "ours": asking(cascade.pipeline(tokens), prompt, tokens, verdicts),
            "ours, separate": asking(pipeline(separate, rules=8, tokens=tokens), prompt, tokens),
            "prompt per rule": theirs.sides["prompt per rule"],
            "ours, short": asking(for_chain.pipeline(chain_tokens), prompt, chain_tokens),
            "chain": theirs.sides["chain"],
        }
        seconds = alternating(sides, rounds, first=1)
        details = theirs.details()
    drafts = Spread.of(details.pop("seconds of each draft by ChatLlamaCpp"))
    return Measured(
        {
            "prompt_per_rule_as_written_ratio": Spread.of(ratios(seconds["prompt per rule"], seconds["ours"])),
            # Prompts a minute, ours over theirs, are seconds a prompt, theirs over ours.
            "constitutional_chain_ratio": Spread.of(ratios(seconds["chain"], seconds["ours, short"])),
        },
        {
            "weights": {"ours": weights().name, "theirs": embedded.weights().name},
            "draft tokens": {"prompt per rule": tokens, "chain": chain_tokens},
            "seconds": spreads(seconds),
            "drafts of the cascade that the judge was asked about": sum(map(judge_asked, verdicts)),
            "over ours, by the sums": sum(seconds["prompt per rule"]) / sum(seconds["ours"]),
            "over ours, separate": Spread.of(ratios(seconds["prompt per rule"], seconds["ours, separate"])),
            "seconds of a draft by ChatLlamaCpp": drafts,
            **details,
        },
    )


def served(tokens: str, chain_tokens: str) -> Served:
    model = _model()
    model.invoke(prompt(0), max_tokens=8)
    per_rule, chain = _PromptPerRule(model, int(tokens)), _Chain(model, int(chain_tokens))
    return Served(
        {"prompt per rule": per_rule, "chain": chain},
        lambda: {
            "ChatLlamaCpp's defaults": _defaults(model),
            "seconds of each draft by ChatLlamaCpp": per_rule.drafts,
            "drafts that ended early and were written again, not counted": per_rule.again,
            "calls of the model in the chain, one principle": chain.calls,
        },
    )


def _model() -> Any:
    return ChatLlamaCpp(
        model_path=str(embedded.weights()), n_ctx=CONTEXT, max_tokens=TOKENS, temperature=0.7, verbose=False
    )


def _defaults(model: Any) -> dict[str, object]:
    """As they come out on this machine."""
    llama = model.client
    threads = {"n_threads": llama.n_threads, "n_threads_batch": llama.context_params.n_threads_batch}
    names = ("n_batch", "streaming", "top_k", "top_p", "repeat_penalty")
    return {name: getattr(model, name) for name in names} | threads


class _PromptPerRule:
    """A draft, then a judge prompt for each rule, of whose answer one token is read."""

    def __init__(self, model: Any, tokens: int) -> None:
        self._model = model
        self._tokens = tokens
        self.drafts: list[float] = []
        self.again = 0

    def __call__(self, number: int) -> float:
        draft, seconds = self._draft(number)
        self.drafts.append(seconds)
        return seconds + took(lambda: self._verdicts(prompt(number), draft))

    def _draft(self, number: int) -> tuple[str, float]:
        for attempt in range(20):
            self._model.client.reset()  # else the prompt would be known from the draft that ended early
            began = time.perf_counter()
            said = self._model.invoke(prompt(number), max_tokens=self._tokens, seed=100 * number + attempt)
            if said.response_metadata["finish_reason"] == "length":
                return str(said.content), time.perf_counter() - began
            self.again += 1
        raise RuntimeError(f"no draft of {self._tokens} tokens came of {prompt(number)!r}")

    def _verdicts(self, asked: str, draft: str) -> None:
        for rule in RULES:
            messages: list[BaseMessage] = [
                SystemMessage(f"You check drafts against this rule: {rule}\n\n{BELIEFS}"),
                HumanMessage(f"User: {asked}\n\nDraft: {draft}\n\nDoes the draft break the rule? Answer yes or no."),
            ]
            self._model.invoke(messages, max_tokens=1, temperature=0.0)


class _Calls(BaseCallbackHandler):
    """How long each call of the model took."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._began = 0.0

    def on_chat_model_start(self, *_: Any, **__: Any) -> None:
        self._began = time.perf_counter()

    def on_llm_end(self, *_: Any, **__: Any) -> None:
        self.seconds.append(time.perf_counter() - self._began)


class _Chain:
    """The chain with `principles` of the eight, as long as it would take with all of them."""

    def __init__(self, model: Any, tokens: int, principles: int = 1) -> None:
        self._model = model.model_copy(update={"max_tokens": tokens})
        self._principles = principles
        self.calls: list[int] = []

    def __call__(self, number: int) -> float:
        calls = _Calls()
        first = number % len(PRINCIPLES)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            chain = ConstitutionalChain.from_llm(
                llm=self._model,
                chain=LLMChain(llm=self._model, prompt=PromptTemplate.from_template("{question}")),
                constitutional_principles=(PRINCIPLES[first:] + PRINCIPLES[:first])[: self._principles],
            )
            self._model.client.set_seed(number)
            whole = took(lambda: chain.invoke({"question": prompt(number)}, config={"callbacks": [calls]}))
        self.calls.append(len(calls.seconds))
        draft = calls.seconds[0]
        return draft + (whole - draft) * len(PRINCIPLES) / self._principles


def main(principles: int) -> None:
    chain = _Chain(_model(), CHAIN_TOKENS, principles)
    print(f"{principles} of 8 principles: {chain(1):.1f} s for all of them, {chain.calls[0]} calls of the model")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8)
