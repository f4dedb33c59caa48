"""Where the parts are put together: settings in, a ready pipeline out."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from os import PathLike
from pathlib import Path

import critics
from critics import (
    DETERMINISTIC,
    Critic,
    Embedder,
    GroundedCritic,
    GuardCritic,
    Judge,
    JudgeModel,
    Manifesto,
    Moderator,
    Panel,
    PatternsCritic,
    PersonalDataCritic,
    ProbeCritic,
    RemoteCritic,
    SemanticCritic,
    read_probe,
)
from pipeline.assembly.conditions import drafting, judging, known_conditions, listed
from pipeline.assembly.engines import Engines
from pipeline.assembly.fitted import fitted
from pipeline.assembly.guards import guard_critic
from pipeline.assembly.weights import judge_adapter, judge_borrowed, judge_name, probe_files, weights_of
from pipeline.caching import CachingCritic, CachingGenerator, Store, UnaskedGenerator, unasked_critic
from pipeline.drafting import Generator
from pipeline.embeddings import PackagedEmbedder
from pipeline.errors import SettingsError
from pipeline.identity import PromptedGenerator, Wardrobe, Worn, made_of_adapter
from pipeline.langchain_door import ChatGenerator, ChatJudgeModel, load_chat_model, load_embedder
from pipeline.llama import (
    MADE_FOR,
    Adapter,
    Engine,
    LlamaGenerator,
    LlamaJudgeModel,
    LlamaStates,
    compile_grammar,
    fingerprint,
    made_for_others,
)
from pipeline.openai_door import OpenAiModerator
from pipeline.pipeline import Pipeline
from pipeline.settings import Settings, load_settings


def load(
    manifesto: str | PathLike[str] | None = None,
    *,
    settings: Settings | None = None,
    generator: Generator | None = None,
    drafts: bool = True,
) -> Pipeline:
    """A pipeline by a manifesto's shipped name or path, with the models of `settings`, else of the configuration.

    `generator` drafts instead of the settings' one. With `drafts` false the pipeline only judges.
    Raises `critics.ManifestoError`, `SettingsError`, `critics.ExtraMissing` for a critic whose package is missing, or
    `ModelFault` where a model cannot be loaded.
    """
    settings = settings or load_settings()
    loaded = critics.load(settings.manifesto if manifesto is None else manifesto, trusted=settings.trusted)
    return assemble(loaded, settings, generator=generator, drafts=drafts)


def assemble(
    manifesto: Manifesto, settings: Settings, *, generator: Generator | None = None, drafts: bool = True
) -> Pipeline:
    """A pipeline for a loaded manifesto. With `drafts` false it only judges, and no generator is loaded.

    Calibrations that were fitted to other models than those of `settings` are left out.
    """
    parts = Parts(settings, judged=asks_model(manifesto), strict=True)
    return parts.pipeline(manifesto, generator=generator, drafts=drafts)


class Parts:
    """What the settings name, made when it is asked for. Weights that both draft and judge are loaded once.

    `judged` says whether a model will judge: then the embedded one is used in a form that reads faster here. With a
    `store`, what models have drafted and found is looked up there first, and kept. `strict` says that there is one
    manifesto, for which all identities must have been made.
    """

    def __init__(
        self, settings: Settings, *, judged: bool = True, store: Store | None = None, strict: bool = False
    ) -> None:
        self._settings = settings
        self._wardrobe = Wardrobe(settings.identity.use, settings.identity.scale, strict)
        self._store = store
        self._engines = Engines(settings, judged=judged)
        self._embedder: Embedder | None = None

    def pipeline(self, manifesto: Manifesto, *, generator: Generator | None = None, drafts: bool = True) -> Pipeline:
        """A pipeline of these parts. Several may be made; to close one of them frees the engines of all."""
        manifesto, theirs = fitted(manifesto, self._settings), generator is not None
        if generator is None and drafts:
            generator = self.generator(manifesto)
        return Pipeline(
            manifesto,
            self.critic(manifesto),
            generator,
            known=None if theirs else known_conditions(self._settings, manifesto),
            watch_model=self._settings.judge.while_writing,
            timed=not self._settings.deterministic,
            free=self.close,
        )

    def kept(self, manifesto: Manifesto) -> Pipeline:
        """As `pipeline`, of what the store holds alone: only deterministic critics work. What is not there is
        undecided, and for a draft that is not there `NotKept` is raised."""
        manifesto = fitted(manifesto, self._settings)
        return Pipeline(manifesto, self.critic(manifesto, ask=False), self.generator(manifesto, ask=False))

    def close(self) -> None:
        """Free the engines, for all that was made of them; a second time does nothing."""
        self._engines.close()

    def critic(self, manifesto: Manifesto, *, ask: bool = True) -> Panel:
        """The panel of the critics that the manifesto names; no model is loaded that no rule asks for. Where `ask` is
        false, none is loaded at all: then all but the deterministic ones say what the store holds."""
        makers: dict[str, Callable[[], Critic]] = {
            "patterns": PatternsCritic,
            "personal-data": PersonalDataCritic.installed,
            "semantic": lambda: SemanticCritic(self.embedder()),
            "grounded": lambda: GroundedCritic(self.embedder()),
            "remote": lambda: RemoteCritic(self._moderator()),
            "probe": self._probe,
            "judge": lambda: self._judge(manifesto),
            "guard": lambda: self._guard(manifesto),
        }
        names = dict.fromkeys(name for rule in manifesto.rules for name in rule.critics)
        if not ask:
            makers |= dict.fromkeys(set(names) - set(DETERMINISTIC), lambda: unasked_critic)
        named = {name: makers[name]() if name in makers else _own(name, self._settings) for name in names}
        if self._store:
            named |= {
                name: CachingCritic(
                    critic,
                    self._store,
                    identity=f"{name} {known}",
                    listed=listed(name, self._settings, manifesto),
                )
                for name, critic in named.items()
                if (known := judging(name, self._settings, manifesto)) is not None
            }
        return Panel(named, seconds=None if self._settings.deterministic else self._settings.critic_seconds)

    def drafting(self) -> tuple[Engine, Path]:
        """The generator's engine, and the file that its weights come from. Raises `SettingsError` for a model behind a
        server."""
        name = self._settings.generator.model
        path = self._weights(name)
        if path is None:
            raise SettingsError(f"an identity is built for a model in a GGUF file, and {name!r} is not one")
        return self._engines.of(path), path

    def generator(self, manifesto: Manifesto, worn: Worn | None = None, *, ask: bool = True) -> Generator:
        """What drafts, wearing the identities of the settings that are this manifesto's, or in their place `worn`.
        Where `ask` is false, it drafts only what the store holds."""
        path = self._weights(self._settings.generator.model)
        if worn is None:
            worn = self._wardrobe.worn(manifesto, self._engines.of(path) if path else None, path)
        drafts = self._plain_generator(path, worn.adapters)
        if not ask:
            drafts = UnaskedGenerator(drafts)
        if self._store:  # behind what it is told, so that other words are another question
            drafts = CachingGenerator(drafts, self._store, identity=drafting(self._settings, worn.adapters))
        return PromptedGenerator(drafts, worn.system) if worn.system else drafts

    def tell_idle(self, why: str) -> None:
        """Warn of identities that none of the manifestos for which there is a generator by now wears."""
        self._wardrobe.tell_idle(why)

    def _plain_generator(self, path: Path | None, adapters: tuple[Adapter, ...]) -> Generator:
        wanted = self._settings.generator
        if path is not None:
            return LlamaGenerator(
                self._engines.of(path),
                adapters=adapters,
                temperature=wanted.temperature,
                top_p=wanted.top_p,
                min_p=wanted.min_p,
                max_tokens=wanted.max_tokens,
            )
        model = load_chat_model(
            wanted.model,
            **wanted.reached,
            temperature=wanted.temperature,
            top_p=wanted.top_p,
            context=wanted.context,
            threads=self._settings.threads,
        )
        return ChatGenerator(model, name=wanted.model, max_tokens=wanted.max_tokens, tries=wanted.tries)

    def judge_model(self) -> JudgeModel:
        """The judge's model: its own, or the generator's weights or server."""
        wanted = self._settings.judge
        if judge_borrowed(self._settings):
            inherited = ("model", "base_url", "api_key")
            wanted = wanted.model_copy(update={key: getattr(self._settings.generator, key) for key in inherited})
        name = judge_name(self._settings)
        path = self._weights(name)
        if path is not None:
            adapter, engine = judge_adapter(self._settings), self._engines.judging(path)
            if adapter and made_for_others(engine.model.adapter_metadata(adapter, MADE_FOR), path):
                raise SettingsError(f"the adapter {adapter} was trained on other weights than {path}")
            if adapter and made_of_adapter(adapter, engine):
                raise SettingsError(f"{adapter} is an identity: it is for the generator, and judges nothing")
            adapters = (Adapter(adapter),) if adapter else ()
            return LlamaJudgeModel(engine, adapters=adapters, ahead=self._engines.reads_ahead(path))
        model = load_chat_model(
            name,
            **wanted.reached,
            temperature=0.0,
            top_p=None,
            context=wanted.context,
            threads=self._settings.threads,
        )
        return ChatJudgeModel(
            model, name=name, context=wanted.context or None, tries=wanted.tries, grammar=compile_grammar
        )

    def embedder(self) -> Embedder:
        """What turns texts into vectors: the packaged model, or a server. One for all critics that ask for it."""
        if self._embedder is None:
            self._embedder = self._new_embedder()
        return self._embedder

    def _new_embedder(self) -> Embedder:
        wanted = self._settings.embeddings
        if wanted.model == "embedded":
            return PackagedEmbedder(threads=self._settings.threads)
        self._weights(wanted.model)
        return load_embedder(wanted.model, **wanted.reached, tries=wanted.tries)

    def _moderator(self) -> Moderator:
        wanted = self._settings.remote
        self._weights(wanted.model)
        return OpenAiModerator(model=wanted.model, **wanted.reached, tries=wanted.tries)

    def _judge(self, manifesto: Manifesto) -> Judge:
        wanted = self._settings.judge
        return Judge(
            self.judge_model(),
            beliefs=manifesto.beliefs,
            provenance=manifesto.provenance,
            rules=[rule for rule in manifesto.rules if "judge" in rule.critics],
            critiques=wanted.critiques,
            in_place=wanted.in_place,
            trained=judge_adapter(self._settings) is not None,
        )

    def _probe(self) -> ProbeCritic:
        """Over the judge's model."""
        name = judge_name(self._settings)
        path, files = weights_of(name), probe_files(self._settings)
        if path is None:
            raise SettingsError(f"the critic `probe` looks into a model in a GGUF file, and {name!r} is not one")
        if not files:
            raise SettingsError(f"no probe is shipped for {name!r}: train one, and name it under `probe.file`")
        probes = [read_probe(file) for file in files]
        for file, probe in zip(files, probes, strict=True):
            if probe.fingerprint != fingerprint(path):
                raise SettingsError(f"the probe {file} was trained on other weights than {path}")
        return ProbeCritic(LlamaStates(self._engines.of(path)), *probes)

    def _guard(self, manifesto: Manifesto) -> GuardCritic:
        weights = self._weights(self._settings.guard.model) if self._settings.guard.model else None
        return guard_critic(manifesto, self._settings, weights=weights, engine=self._engines.of)

    def _weights(self, name: str) -> Path | None:
        """The file that a model's name means. Raises `SettingsError` where there is none and runs must repeat."""
        path = weights_of(name)
        if path is None and self._settings.deterministic:
            raise SettingsError(f"`deterministic` is for models in this process: nobody knows how {name!r} is computed")
        return path


def asks_model(manifesto: Manifesto) -> bool:
    """Whether a rule asks for the critic `judge`."""
    return any("judge" in rule.critics for rule in manifesto.rules)


def store_of(settings: Settings) -> Store:
    """The cache that the settings name."""
    return Store(settings.cache.file, most=settings.cache.megabytes * 1_000_000)


def _own(name: str, settings: Settings) -> Critic:
    """A critic of the user's own, imported because the configuration trusts it."""
    if name not in settings.trusted:
        raise SettingsError(f"the critic {name!r} is not trusted: add it to `trusted` in superego.yaml")
    module, _, factory = name.partition(":")
    try:
        critic: Critic = getattr(importlib.import_module(module), factory)()
    except Exception as exc:  # somebody's module may raise anything, and the user must be told which
        lost = isinstance(exc, ModuleNotFoundError) and exc.name in (module, module.partition(".")[0])
        cure = "; install it, or name its folder in PYTHONPATH" if lost else ""
        raise SettingsError(f"the critic {name!r} cannot be made: {type(exc).__name__}: {exc}{cure}") from exc
    if not callable(critic):
        raise SettingsError(f"{name!r} gave {type(critic).__name__}, which cannot be called: a critic is one call")
    return critic
