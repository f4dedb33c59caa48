"""A chat in the terminal: `python examples/chat.py [MANIFESTO]`. Ctrl-C stops an answer, Ctrl-D ends it."""

import sys
from collections.abc import Iterator

import pipeline
from critics import Message
from pipeline import Outcome, Pipeline


def lines() -> Iterator[str]:
    """What is asked, until there is no more."""
    while True:
        try:
            line = input("> " if sys.stdin.isatty() else "")
        except EOFError:
            return
        if line.strip():
            yield line


def answered(ego: Pipeline, conversation: list[Message]) -> Outcome | None:
    """Show the answer as the manifesto lets it be shown, and what came of it; nothing of one that was stopped."""
    with ego.stream(conversation) as answer:
        try:
            for part in answer:
                print(part, end="", flush=True)
        except KeyboardInterrupt:
            print("(stopped)", file=sys.stderr)
            return None
    outcome = answer.outcome
    print("" if outcome.status == "released" else outcome.answer or outcome.fault)
    print(f"({outcome.status}, attempts: {len(outcome.attempts)})", file=sys.stderr)
    return outcome


def main() -> None:
    conversation: list[Message] = []
    with pipeline.load(sys.argv[1] if len(sys.argv) > 1 else "house-style") as ego:
        for line in lines():
            outcome = answered(ego, [*conversation, Message("user", line)])
            if outcome and outcome.answer:
                conversation += [Message("user", line), Message("assistant", outcome.answer)]


if __name__ == "__main__":
    main()
