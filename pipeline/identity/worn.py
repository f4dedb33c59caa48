"""Identities in use: what is named in the settings, as what a generator is told, adapted with, and need not read."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from critics import Manifesto, Message
from pipeline.errors import ModelMissing, ModelUnusable, SettingsError
from pipeline.identity.made import Made
from pipeline.identity.preprompt import preprompt
from pipeline.identity.state import kept_state
from pipeline.identity.state_file import read_state
from pipeline.llama import MADE_FOR, Adapter, Engine, fingerprint

NONE, PREPROMPT = "none", "preprompt"

_log = logging.getLogger("superego")


@dataclass(frozen=True)
class Worn:
    """What all forms of an identity come down to: a system message, and adapters."""

    system: Message | None = None
    adapters: tuple[Adapter, ...] = ()


@dataclass(frozen=True)
class Wardrobe:
    """Which identities there are, `none`, `preprompt` or files, and how strongly adapters are applied.

    `strict` refuses a file that was made for another manifesto; else each is for its own, and the others do without.
    """

    names: tuple[str, ...] = ()
    scale: float = 1.0
    strict: bool = True
    _told: set[Path] = field(default_factory=set, compare=False, repr=False)
    """Files of which it was said that they are stale."""
    _put_on: set[Path] = field(default_factory=set, compare=False, repr=False)
    """Files that a manifesto wears."""
    _left: dict[Path, str] = field(default_factory=dict, compare=False, repr=False)
    """Files that a manifesto had to leave, and of which other they were made."""

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(Path(name).expanduser() for name in self.names if name not in (NONE, PREPROMPT))

    @property
    def adapters(self) -> tuple[Path, ...]:
        """The files that change what is drafted, and not only how fast. Raises `ModelMissing`, `ModelUnusable`."""
        return tuple(file for file in self.files if _is_gguf(file))

    def worn(self, manifesto: Manifesto, engine: Engine | None, weights: Path | None) -> Worn:
        """What the generator of this manifesto wears. `engine` is its own, where it has one, made from `weights`.

        Raises `SettingsError` for a file that cannot be used, `ModelMissing` where there is none.
        """
        system = preprompt(manifesto) if PREPROMPT in self.names else None
        adapters: list[Adapter] = []
        for file in self.files:
            if engine is None or weights is None:
                raise SettingsError(f"the identity {file} is for a model in a GGUF file, which the generator is not")
            if _is_gguf(file):
                made = _of_adapter(file, engine, weights)
                if self._fits(file, made, manifesto):
                    self._tell_stale(file, made, manifesto)
                    adapters.append(Adapter(file, self.scale))
            elif self._fits(file, read_state(file).made, manifesto):
                kept_state(file, manifesto, engine, weights)
                system = preprompt(manifesto)
        return Worn(system, tuple(adapters))

    def tell_idle(self, why: str) -> None:
        """Warn of each file that no manifesto wears so far; `why` follows the name of the one that it was made of."""
        for file, name in self._left.items():
            if file not in self._put_on:
                _log.warning("the identity %s was made of the manifesto %s, %s", file, name, why)

    def _fits(self, file: Path, made: Made, manifesto: Manifesto) -> bool:
        if made.manifesto != manifesto.name and self.strict:
            raise SettingsError(f"the identity {file} was made of the manifesto {made.manifesto}, not {manifesto.name}")
        if fits := made.manifesto == manifesto.name:
            self._put_on.add(file)
        else:
            self._left[file] = made.manifesto
        return fits

    def _tell_stale(self, file: Path, made: Made, manifesto: Manifesto) -> None:
        if made.stale(manifesto) and file not in self._told:
            self._told.add(file)
            _log.warning(
                "the identity %s is stale: %s tells a generator other words by now; make it again with "
                "`superego identity build %s`",
                file, manifesto.name, made.kind,
            )  # fmt: skip


def _is_gguf(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(4) == b"GGUF"
    except FileNotFoundError as exc:
        raise ModelMissing(f"there is no identity {file}: make it with `superego identity build`") from exc
    except OSError as exc:
        raise ModelUnusable(f"the identity {file} cannot be read: {exc.strerror}") from exc


def _of_adapter(file: Path, engine: Engine, weights: Path) -> Made:
    made = made_of_adapter(file, engine)
    if made is None:
        raise SettingsError(f"{file} is an adapter, but no identity: make one with `superego identity build`")
    if engine.model.adapter_metadata(file, MADE_FOR) != fingerprint(weights):
        raise SettingsError(f"the identity {file} was made for other weights than {weights}")
    return made


def made_of_adapter(file: Path, engine: Engine) -> Made | None:
    """What an adapter says of itself; `None` for one that is no identity. Raises `ModelMissing`, `ModelUnusable`."""
    return Made.read(lambda key: engine.model.adapter_metadata(file, key))
