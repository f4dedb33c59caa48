"""A model's state once it has read a manifesto: read once, kept in a file, and put back without reading."""

from __future__ import annotations

import logging
from pathlib import Path

from critics import Manifesto, Message
from pipeline.errors import OutputFault, SettingsError
from pipeline.identity.heard import refuse_unheard
from pipeline.identity.made import Made
from pipeline.identity.preprompt import preprompt
from pipeline.identity.state_file import State, read_state, write_state
from pipeline.llama import Engine, Planting, Saving, fingerprint

_log = logging.getLogger("superego")


def build_state(manifesto: Manifesto, engine: Engine, weights: Path) -> State:
    """Read the manifesto as the generator will: its pre-prompt, up to where a conversation begins to differ. Raises
    `ModelUnusable` for a model that would read nothing of it."""
    refuse_unheard(engine.model, preprompt(manifesto))
    tokens = _tokens(manifesto, engine)
    cells = engine.save(Saving(tokens)).result()
    return State(Made.of("state", manifesto), fingerprint(weights), _layout(engine), tokens, cells)


def kept_state(path: Path, manifesto: Manifesto, engine: Engine, weights: Path) -> State:
    """Put the state of a file back, so that nothing of the manifesto is read.

    One that is stale, since the manifesto's words, llama.cpp or the form of the weights have changed, is made and
    written anew. Raises `SettingsError` for one of other weights: it is somebody else's.
    """
    state = read_state(path)
    if state.weights != fingerprint(weights):
        raise SettingsError(
            f"the identity {path} was made for other weights than {weights}: make one with `identity build state`"
        )
    if reason := _stale(state, manifesto, engine):
        _log.info("the identity %s is stale, since %s: it is made again", path, reason)
        state = build_state(manifesto, engine, weights)
        try:
            write_state(path, state)
        except OutputFault as exc:
            _log.warning("%s; the state is used all the same", exc)
    engine.plant(Planting(state.tokens, state.cells))
    return state


def _stale(state: State, manifesto: Manifesto, engine: Engine) -> str:
    """Why it is, or nothing. The tokens are compared too: they hold the chat template and the vocabulary."""
    if state.made.stale(manifesto):
        return f"{manifesto.name} tells a generator other words by now"
    if state.layout != _layout(engine):
        return f"it was read by another llama.cpp, in another form of the weights or of attention ({state.layout})"
    if state.tokens != _tokens(manifesto, engine):
        return "the model's chat template has changed"
    return ""


def _tokens(manifesto: Manifesto, engine: Engine) -> tuple[int, ...]:
    system = preprompt(manifesto)
    ids = engine.model.prompt([system, Message("user", "?")])
    return tuple(ids[: engine.model.preamble(system)])


def _layout(engine: Engine) -> str:
    """The form of the weights has a say as well: cells that one wrote are not quite what another would."""
    return f"{engine.layout}, {fingerprint(engine.model.path)[:16]}"
