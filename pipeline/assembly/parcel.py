"""What a pipeline is made of, as it travels to another machine: settings, the manifesto and small files, and no path
that means something here alone. Weights are found there, by the same path or as `embedded`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

from platformdirs import user_cache_path

from critics import Manifesto
from pipeline.assembly.assembly import Parts, asks_model, store_of
from pipeline.assembly.conditions import environment_addresses
from pipeline.assembly.facts import run_facts
from pipeline.assembly.weights import weights_of
from pipeline.errors import SettingsError
from pipeline.identity import NONE, PREPROMPT
from pipeline.pipeline import Pipeline
from pipeline.settings import NO_ADAPTER, Settings

_FILES = (("judge", "adapter"), ("probe", "file"), ("guard", "template"))
"""Settings that name files of a few MB, besides `identity.use`: they are taken along."""
_MODELS = ("generator", "judge", "guard")


@dataclass(frozen=True)
class Parcel:
    """Calling it makes the pipelines, wherever that is. `there` are the settings as they are to be used there; `files`
    come along, by the path that they have in them, and `addresses` that are in this environment: in that one they are
    set where it has none of its own."""

    settings: Settings
    there: Settings
    manifesto: Manifesto
    cached: bool
    files: Mapping[Path, bytes] = field(repr=False)
    addresses: Mapping[str, str] = field(default_factory=environment_addresses, repr=False)  # with passwords, maybe

    def __call__(self) -> Unpacked:
        return Unpacked(self)


def packed(settings: Settings, manifesto: Manifesto, *, threads: int | None = None, cached: bool = True) -> Parcel:
    """A parcel of these, in which an in-process model has so many threads if the settings do not say.

    Raises `SettingsError` where a file cannot be read that the settings name.
    """
    there = settings.model_copy(update={"threads": settings.threads or threads})
    for part in _MODELS:
        name = getattr(settings, part).model
        if name != "embedded" and (path := weights_of(name or "")):
            there = _with(there, part, "model", str(path.absolute()))
    if settings.cache.file:
        there = _with(there, "cache", "file", settings.cache.file.absolute())
    files = {}

    def taken(name: str, path: Path) -> Path:
        files[path] = _read(path, name)
        return path

    return Parcel(settings, _with_files(there, taken), manifesto, cached, files)


class Unpacked:
    """The pipelines of a parcel, over the same parts, from any thread. `facts` are as they are for a local run."""

    def __init__(self, parcel: Parcel) -> None:
        os.environ.update({**parcel.addresses, **environment_addresses()})
        settings = _with_files(parcel.there, lambda _, path: _kept(path.name, parcel.files[path]))
        store = store_of(settings) if parcel.cached else None
        self._parts = Parts(settings, judged=asks_model(parcel.manifesto), store=store)
        self._own = self._parts.pipeline(parcel.manifesto)
        self._made: dict[str, Pipeline] = {}
        self._lock = threading.Lock()
        self.facts = run_facts(self._own, parcel.settings, there=settings)

    def pipeline(self, manifesto: Manifesto | None = None) -> Pipeline:
        """The parcel's own, or one for another manifesto. Raises as `Parts.pipeline`."""
        if manifesto is None:
            return self._own
        with self._lock:
            if manifesto.hash not in self._made:
                self._made[manifesto.hash] = self._parts.pipeline(manifesto)
            return self._made[manifesto.hash]


def _with_files(settings: Settings, placed: Callable[[str, Path], Path]) -> Settings:
    """The settings with every small file that they name where `placed` has it, which is told which setting it is."""
    for part, key in _FILES:
        path = getattr(getattr(settings, part), key)
        if path and path != NO_ADAPTER:
            settings = _with(settings, part, key, placed(f"{part}.{key}", path))
    worn = (
        name if name in (NONE, PREPROMPT) else str(placed("identity.use", Path(name))) for name in settings.identity.use
    )
    return _with(settings, "identity", "use", tuple(worn))


def _with(settings: Settings, part: str, key: str, value: object) -> Settings:
    return settings.model_copy(update={part: getattr(settings, part).model_copy(update={key: value})})


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise SettingsError(f"`{name}`: {path} cannot be read: {exc.strerror}") from exc


def _kept(name: str, content: bytes) -> Path:
    """The file by its content, so that it has the same path for every worker and the next run."""
    path = user_cache_path("superego") / "sent" / sha256(content).hexdigest()[:32] / name
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(content)
        Path(file.name).replace(path)
    return path
