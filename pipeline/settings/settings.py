"""Which models are used and how: `superego.yaml`, then `SUPEREGO_*` variables, then flags, later ones winning."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypedDict

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as SourceError

from critics import ManifestoError, Node, locate, read_yaml
from manifestos import DEFAULT
from pipeline.addresses import masked
from pipeline.errors import SettingsError
from pipeline.settings.at_home import File, Name
from pipeline.settings.beside import beside
from pipeline.settings.misset import NESTED, PREFIX, misset, misspelt, renamed

FILE_NAME = "superego.yaml"

NO_ADAPTER = Path("none")
"""Says that the judge is used as it is."""


GuardFamilyName = Literal[
    "auto", "llama-guard", "shieldgemma", "granite-guardian", "granite-guardian-3.2", "granite-guardian-4.1",
    "qwen3guard", "gpt-oss-safeguard", "wildguard", "nemoguard",
]  # fmt: skip


_MAYBE = BeforeValidator(lambda value: None if value == "" else value)
"""Of what need not be given: what is empty, as a variable may be, is not."""
_Named = Annotated[Name | None, _MAYBE]
"""A model's name."""
_Filed = Annotated[File | None, _MAYBE]

_BORROWED = PydanticCustomError(
    "borrowed",
    "without a `judge.model`, the judge is the generator's model at its server: name one, or leave this out",
)


class _Model(BaseModel):
    # What was given may be a key, wherever it stands; pydantic's own text would go into every traceback.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Reached(TypedDict):
    """How a server is reached."""

    base_url: str | None
    api_key: str | None
    timeout: float


class ServedSettings(_Model):
    """A server: used by models that are not GGUF files."""

    base_url: Annotated[str | None, _MAYBE] = Field(None, description="Address of an OpenAI-compatible server.")
    api_key: Annotated[SecretStr | None, _MAYBE] = Field(
        None, description="Its key; the provider's own variable works too."
    )
    timeout: float = Field(60.0, gt=0, le=86_400, description="Seconds for one request.")
    tries: int = Field(3, ge=1, description="How often a call that failed is made in all.")

    @property
    def reached(self) -> Reached:
        """With the key itself, for the client alone."""
        key = self.api_key.get_secret_value() if self.api_key else None
        return {"base_url": self.base_url, "api_key": key, "timeout": self.timeout}

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Without what may be secret in an address."""
        for name, value in super().__repr_args__():
            yield name, masked(value) if name == "base_url" and value else value


class GeneratorSettings(ServedSettings):
    """What drafts."""

    model: Name = Field("embedded", description="`embedded`, a path to a GGUF file, or a LangChain name.")
    context: int = Field(4096, ge=0, description="Tokens of context; 0 for what the model was trained with.")
    max_tokens: int = Field(512, ge=1, description="Tokens of one draft at most.")
    temperature: float = Field(0.7, ge=0)
    top_p: float = Field(0.9, gt=0, le=1)
    min_p: float = Field(0.05, ge=0, le=1, description="GGUF models only.")


class JudgeSettings(ServedSettings):
    """What judges, where a rule asks for the critic `judge`."""

    model: _Named = Field(None, description="As for the generator, whose model and server it is when not given.")
    adapter: _Filed = Field(
        None,
        description="A GGUF adapter, made by `superego critic train`; the embedded model has one. `none` for none.",
    )
    context: int = Field(4096, ge=0, description="Tokens of context; 0 for what the model was trained with.")
    critiques: bool = Field(True, description="Whether a broken rule is explained in prose.")
    in_place: bool = Field(False, description="Whether a draft is judged where it was written: cheaper, less guarded.")
    while_writing: bool = Field(False, description="Whether the model judges veto rules at every finished sentence.")

    @model_validator(mode="after")
    def _at_its_own_server(self) -> Self:
        """An address, or a key, is that of a model."""
        if self.model is None and (idle := [key for key in ("base_url", "api_key") if getattr(self, key)]):
            faults = [InitErrorDetails(type=_BORROWED, loc=(key,), input=None) for key in idle]
            raise ValidationError.from_exception_data("judge", faults, hide_input=True)
        return self


class EmbeddingsSettings(ServedSettings):
    """What turns texts into vectors, where a rule asks for the critic `semantic` or `grounded`."""

    model: str = Field("embedded", description="`embedded`, or a name that LangChain's `init_embeddings` takes.")


class ProbeSettings(_Model):
    """The probe, where a rule asks for the critic `probe`: it looks into the judge's model."""

    file: _Filed = Field(None, description="Made by `superego critic train --kind probe`; else the shipped one.")


class ModerationSettings(ServedSettings):
    """The moderation service, where a rule asks for the critic `remote`."""

    model: str = Field("omni-moderation-latest", description="As the service names it.")


class GuardSettings(ServedSettings):
    """The guard model, where a rule asks for the critic `guard`."""

    model: _Named = Field(None, description="A path to a GGUF file, or a LangChain name.")
    family: GuardFamilyName = Field("auto", description="How it is asked; told by its name or its file by itself.")
    context: int = Field(4096, ge=0, description="Tokens of context; 0 for what the model was trained with.")
    think: bool = Field(False, description="Whether it reasons before its verdict, where its family can.")
    max_tokens: int = Field(1024, ge=1, description="Tokens of one answer with its reasoning at most.")
    template: _Filed = Field(None, description="A file with a chat template, for a GGUF that carries another.")
    categories: dict[str, str] = Field({}, description="Llama Guard: codes of your own and what they mean.")


class IdentitySettings(_Model):
    """What the manifesto is put into the generator as, so that fewer drafts fail."""

    use: tuple[Name, ...] = Field(
        (), description="`preprompt`, and files made by `superego identity build`; `none` or nothing for none."
    )
    scale: float = Field(1.0, ge=-4, le=4, description="How strongly an adapter is applied.")

    @field_validator("use", mode="before")
    @classmethod
    def _one_or_more(cls, value: object) -> object:
        """A name by itself is a list of one, and none a list of none."""
        return () if value == "" else (value,) if isinstance(value, str | PathLike) else value


class CacheSettings(_Model):
    """Drafts and verdicts that `superego batch` and `superego tune` keep for runs to come."""

    file: _Filed = Field(None, description="Where they are; else in the user's cache folder.")
    megabytes: int = Field(1024, ge=1, description="How much they may take; then the oldest go.")


class KeySettings(_Model):
    """A key to the server, by its hash; `superego key new` makes one."""

    name: str = Field(description="Whose it is, for the log.")
    sha256: str = Field(pattern="^[0-9a-fA-F]{64}$", description="In hex.")
    manifestos: tuple[str, ...] = Field((), description="Which it is for, by name; all when none is given.")


class ServerSettings(_Model):
    """`superego serve`. Times are in seconds."""

    manifestos: tuple[Name, ...] = Field((), description="Names, files and folders; else `manifesto`.")
    host: str = Field("127.0.0.1", description="Any other than this machine's own needs a key.")
    port: int = Field(8000, ge=0, le=65_535, description="0 for any that is free.")
    keys: tuple[KeySettings, ...] = Field((), description="Without one, everybody on this machine may ask.")
    tell: Literal["off", "reduced", "full"] | None = Field(
        None, description="How much a response says of attempts and scores; in full only on this machine by itself."
    )
    threads: int = Field(16, ge=1, le=1024, description="Answers under way at a time.")
    waiting: int = Field(64, ge=0, le=100_000, description="Answers that may wait; more are refused.")
    deadline: float = Field(300.0, gt=0, le=86_400, description="For a request.")
    body_seconds: float = Field(30.0, gt=0, le=3600, description="For a body to come in, and a part to go out.")
    body_bytes: int = Field(2 * 1024 * 1024, ge=1024, description="Of a request's body at most.")
    keep_alive: float = Field(10.0, gt=0, le=3600, description="Between signs of life on a held stream.")
    grace: float = Field(20.0, ge=0, le=3600, description="For requests in flight when the server ends.")
    poll: float = Field(1.0, gt=0, le=3600, description="Between looks at the manifestos' files.")
    choices: int = Field(8, ge=1, le=128, description="Answers to one request (`n`) at most.")
    inputs: int = Field(128, ge=1, le=10_000, description="Texts of one moderation at most.")
    log_content: bool = Field(False, description="Whether conversations, drafts and answers are logged.")


class Settings(BaseSettings):
    """Everything that can be configured."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=NESTED, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    manifesto: Name = Field(DEFAULT, description="A shipped name or a path.")
    generator: GeneratorSettings = GeneratorSettings()
    judge: JudgeSettings = JudgeSettings()
    embeddings: EmbeddingsSettings = EmbeddingsSettings()
    remote: ModerationSettings = ModerationSettings()
    guard: GuardSettings = GuardSettings()
    probe: ProbeSettings = ProbeSettings()
    identity: IdentitySettings = IdentitySettings()
    server: ServerSettings = ServerSettings()
    cache: CacheSettings = CacheSettings()
    threads: Annotated[int, Field(ge=1)] | None = Field(None, description="CPU threads; all cores when not given.")
    parallel: int = Field(16, ge=1, le=30, description="Requests that an in-process model works on at a time.")
    deterministic: bool = Field(
        False, description="Whether in-process models work on one request at a time, so that a seed repeats exactly."
    )
    optimise: Literal[True, False, "iq4_nl"] = Field(
        True,
        description="Whether what is fast here is measured and done; by `iq4_nl` the embedded model may write faster.",
    )
    critic_seconds: float = Field(
        60.0, gt=0, le=86_400, description="How long a critic may take before it is undecided."
    )
    trusted: tuple[str, ...] = Field((), description="`module:factory` names of critics that manifestos may run.")

    @field_validator("manifesto")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            locate(value)
        except ManifestoError as exc:
            raise ValueError(exc.faults[0].what) from exc
        return value

    @field_validator("optimise", mode="before")
    @classmethod
    def _words_for_truth(cls, value: object) -> object:
        """A variable's text, "true" or "0", is what it says."""
        try:
            return TypeAdapter(bool).validate_python(value)
        except ValidationError:
            return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then variables, then the file, which the flags carry with them under `_file`."""
        assert isinstance(init_settings, InitSettingsSource)
        given = dict(init_settings.init_kwargs)
        file = given.pop("_file", {})
        return InitSettingsSource(settings_cls, given), env_settings, InitSettingsSource(settings_cls, file)


def load_settings(config: str | PathLike[str] | None = None, flags: Mapping[str, Any] | None = None) -> Settings:
    """Settings from a file (found upward from the working folder when `config` is not given), variables and flags.

    Paths in the file are meant from its folder, those of variables and flags from the working folder.
    Raises `SettingsError` with one line a fault, each naming the file's line, the variable or the flag.
    """
    path = Path(os.path.expanduser(config)) if config else find_upward(_here())
    tree = _read(path) if path else None
    if lost := renamed(Settings):
        raise SettingsError("\n".join(lost))
    flags = dict(flags or {})
    # In full: read from another folder, the same file is no other settings.
    file = beside(path.parent.resolve(), tree.plain()) if path and tree else {}
    try:
        return Settings(**flags, _file=file)  # type: ignore[call-arg]  # see above
    except SourceError as exc:
        raise SettingsError(misspelt(Settings, exc)) from exc
    except ValidationError as exc:
        # pydantic's own text names keys as they were given, and one without its space has a value in it.
        raise SettingsError(misset(Settings, exc.errors(), tree=tree, flags=flags)) from None


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError as exc:
        raise SettingsError(f"the working folder is not there any more ({exc.strerror}): change to another") from exc


def find_upward(folder: Path) -> Path | None:
    """The nearest `superego.yaml` in `folder` or above."""
    return next((file for up in (folder, *folder.parents) if (file := up / FILE_NAME).is_file()), None)


def _read(path: Path) -> Node:
    try:
        tree = read_yaml(path)
    except ManifestoError as exc:
        raise SettingsError(str(exc)) from exc
    if not isinstance(tree.value, dict):
        raise SettingsError(str(tree.mark.fault("settings are a mapping, `key: value`")))
    return tree
