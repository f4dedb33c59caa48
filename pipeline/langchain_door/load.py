"""From a name to a LangChain chat model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from critics import did_you_mean
from pipeline.addresses import is_web_address
from pipeline.errors import ModelFault, ModelMissing, ModelUnusable, SettingsError
from pipeline.given import given
from pipeline.langchain_door.faults import translated
from pipeline.langchain_door.shape import one_line

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

IN_PROCESS = "chat-llama-cpp"
NO_KEY = "no-key-needed"
_HERE = ("embedded",)
"""Names that whoever asks here takes for models of its own."""

_FORM = f"name a model as PATH.gguf, as PROVIDER:MODEL, as in openai:gpt-4o-mini, or as {IN_PROCESS}:PATH.gguf"
_ABOUT_A_KEY = re.compile(r"api[-_ ]?key|credential", re.IGNORECASE)
_PACKAGE = re.compile(r"pip install (?:-U )?([\w.-]+)")


def load_chat_model(
    name: str,
    *,
    base_url: str | None,
    api_key: str | None,
    temperature: float,
    top_p: float | None,
    timeout: float,
    context: int,
    threads: int | None = None,
) -> BaseChatModel:
    """Load `PROVIDER:MODEL` as LangChain knows it, or the GGUF file of `chat-llama-cpp:PATH` in this process.

    `timeout` is in seconds and bounds one request. `context` in tokens (at most, and for 0 exactly,
    what the model was trained with) and `threads` concern in-process models only.
    Raises `ModelMissing` for an unknown name, package or file, `ModelUnusable` for a file that is no model, and
    `SettingsError` for a key that is missing or a `base_url` that is no web address.
    """
    kind, _, rest = name.partition(":")
    if kind == IN_PROCESS:
        return _in_process(rest, temperature, top_p, context, threads)
    if not name.strip() or name.endswith(":"):
        raise ModelMissing(f"{name!r} names no model: {_FORM}")
    options = {"temperature": temperature, "timeout": timeout}
    return _by_provider(name, {**options, **address(name, base_url, api_key), **given(top_p=top_p)})


def address(name: str, base_url: str | None, api_key: str | None) -> dict[str, Any]:
    """Options that say where a model is and with which key. Raises `SettingsError` for what is no web address."""
    if base_url is None:
        return given(api_key=api_key)
    if not is_web_address(base_url):
        raise SettingsError(f"the base_url of {name} is no web address: write it as in http://127.0.0.1:8080/v1")
    # Local servers need no key, but clients insist on one. A placeholder also keeps a client from sending the key
    # that it finds in the environment, and that belongs to its vendor, to some other server.
    return {"base_url": base_url, "api_key": api_key or NO_KEY}


def _by_provider(name: str, options: dict[str, Any]) -> BaseChatModel:
    with explained(name):
        from langchain.chat_models import init_chat_model

        # One place retries, ours: the vendor's own retries would multiply with it and hide what they waited for.
        model: BaseChatModel = init_chat_model(name, max_retries=0, **options)
        return model


def _in_process(path: str, temperature: float, top_p: float | None, context: int, threads: int | None) -> BaseChatModel:
    file = Path(path).expanduser()
    if not path or not file.is_file():
        raise ModelMissing(f"there is no model file {path!r}: {_FORM}")
    with explained(f"{IN_PROCESS}:{path}"):
        from langchain_community.chat_models import ChatLlamaCpp

        # Without a bound of its own (-1) a draft may fill the context; eight tokens a batch, its default, read slowly.
        def loaded(context: int) -> Any:
            return ChatLlamaCpp(
                model_path=str(file),
                n_ctx=context,
                n_batch=min(512, context or 512),
                n_threads=threads,
                model_kwargs=given(n_threads_batch=threads),
                max_tokens=-1,
                temperature=temperature,
                verbose=False,
                **given(top_p=top_p),
            )

        model: BaseChatModel = loaded(context)
        trained = _trained(model)
        if trained and context > trained:  # further positions it has never seen
            model.client.close()  # type: ignore[attr-defined]  # llama-cpp-python's
            model = loaded(trained)
        return model


def _trained(model: Any) -> int:
    """Tokens of the context that an in-process model was trained with, if its file says so, or else 0."""
    told: dict[str, str] = model.client.metadata
    return int(told.get(f"{told.get('general.architecture')}.context_length", 0))


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Tell apart what goes wrong while a model is built, and say what helps."""
    try:
        with translated(name):
            yield
    except ModelFault as fault:
        cause = fault.__cause__
        if isinstance(cause, ImportError):
            raise ModelMissing(f"{name} needs a package that is not installed: {_pip(cause)}") from cause
        if cause is not None and _ABOUT_A_KEY.search(str(cause)):
            raise SettingsError(
                f"{name} needs a key: set its api_key, or the variable that its provider documents"
            ) from cause
        if isinstance(cause, ValueError):
            raise _unusable(name, cause) from cause
        raise


def _unusable(name: str, cause: ValueError) -> ModelFault:
    text = str(cause)
    if "model provider" in text or "Unsupported provider" in text:
        meant = did_you_mean(name, _HERE) if name not in _HERE else ""
        return ModelMissing(f"{name!r} names no provider that is known{meant} ({_FORM})")
    return ModelUnusable(f"{name} cannot be loaded: {one_line(text)}")


def _pip(cause: ImportError) -> str:
    named = _PACKAGE.search(str(cause))
    package = named[1] if named else (cause.name or "langchain").partition(".")[0].replace("_", "-")
    return "pip install 'superego[openai]'" if package == "langchain-openai" else f"pip install {package}"
