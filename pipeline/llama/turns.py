"""The turns of a conversation as a chat template is given them, so that it leaves out nothing that must be read.

Templates are programs, and some pass over in silence what they have no place for. Whether one does is told by whether
anything changes with a turn: so each has a placeholder for its content here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pipeline.errors import BadInput

UNSHOWN = "the model's chat template does not show all that is said"


class Turn(NamedTuple):
    """A message as the template is given it: its content as a text, or `listed` as a text in a list."""

    role: str
    content: str
    listed: bool = False


Turns = tuple[Turn, ...]
Show = Callable[[Turns], str]
"""What the template makes of turns. Raises `BadInput`."""


def listed_where_needed(held: Turns, show: Show) -> Turns:
    """The turns, and those that the template passes over as a text in a list, if it shows them so: templates of models
    that see pictures too look for texts in a list, and some find none in a text."""
    missed = _missed(held, show)
    if not missed:
        return held
    listed = tuple(turn._replace(listed=index in missed) for index, turn in enumerate(held))
    try:
        still = _passed_over(missed, listed, (), show)
    except BadInput:
        return held
    return tuple(turn._replace(listed=turn.listed and index not in still) for index, turn in enumerate(listed))


def _missed(held: Turns, show: Show) -> Sequence[int]:
    """The turns that the template passes over: all, where it takes none of them so."""
    try:
        return _passed_over(range(len(held)), held, (), show)
    except BadInput:
        return range(len(held))


def left_out(held: Turns, show: Show, *, answered: bool) -> Sequence[int]:
    """The system messages that the template passes over in silence, as those do that have no system role (Phi-3's).
    Raises `BadInput` for one that is passed over in the user's turn as well, and for a user's turn or the last one, if
    it is to be `answered`."""
    lost = _passed_over(systems(held), held, (), show)
    last = len(held) - 1 if answered else None
    needed = [index for index, turn in enumerate(held) if turn.role == "user" or index in (last, *lost)]
    if _passed_over(needed, held, lost, show):
        raise BadInput(UNSHOWN)
    return lost


def _passed_over(which: Sequence[int], held: Turns, lost: Sequence[int], show: Show) -> Sequence[int]:
    """Those of which neither the text is shown, nor anything that changes with it."""
    shown = show(folded(held, lost))
    unseen = [index for index in which if held[index].content not in shown]
    return [index for index in unseen if shown == show(folded(_without(index, held), lost))]


def _without(index: int, held: Turns) -> Turns:
    return (*held[:index], held[index]._replace(content="\ue000\ue001"), *held[index + 1 :])


def systems(turns: Turns) -> Sequence[int]:
    return [index for index, turn in enumerate(turns) if turn.role == "system"]


def folded(turns: Sequence[Turn], which: Sequence[int]) -> Turns:
    """These system messages at the head of the next user turn, or as one where none comes, for templates (Gemma's) that
    have no system role."""
    made, waiting = list[Turn](), list[str]()
    for index, turn in enumerate(turns):
        if index in which and any(later.role == "user" for later in turns[index:]):
            waiting.append(turn.content)
        elif index in which or (waiting and turn.role == "user"):
            made.append(Turn("user", "\n\n".join([*waiting, turn.content]), turn.listed))
            waiting = []
        else:
            made.append(turn)
    return tuple(made)
