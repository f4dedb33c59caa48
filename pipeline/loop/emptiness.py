"""The one rule that every manifesto has without saying so: an answer holds something to read."""

from __future__ import annotations

from critics import Finding, Manifesto, Rule, Verdict, normalise, weigh

EMPTY = Rule(id="not-empty", statement="The answer is not empty.", advice="Write an answer.")


def verdict_on_empty(manifesto: Manifesto, text: str) -> Verdict | None:
    """The verdict on a text of blanks and invisible characters, or `None` for a text that holds something."""
    if normalise(text).text.strip():
        return None
    return weigh(manifesto, [EMPTY], [Finding(EMPTY.id, "loop", 1.0, "there is nothing to read in it")])
