"""Which models `--base-url` is the server of, and which key goes to a server or a vendor that was typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from pydantic import SecretStr

from pipeline.addresses import bare
from pipeline.cli.terminal.reporting import note
from pipeline.errors import BadInput
from pipeline.settings import ServedSettings, Settings

_PORTS = {"http": 80, "https": 443}


def served(
    settings: Settings,
    url: str | None,
    *,
    generator: str | None = None,
    judge: str | None = None,
    roles: Sequence[str] = ("generator", "judge"),
) -> Settings:
    """The settings with `url` as the server of the models that were typed, else of those that are set.

    Others than these `roles` are left as they are. It must reach the judge as well: a judge that is named and has no
    address asks its vendor, with everything that is said. One without a name has the generator's server anyway.
    A key that was set for another server is left out.
    Raises `BadInput` where it would be the server of none.
    """
    if url is None:
        return settings
    typed = {"generator": generator, "judge": judge}
    known = {"generator": settings.generator.model, "judge": settings.judge.model}
    asked = _served({role: typed[role] for role in roles}) or _served({role: known[role] for role in roles})
    if not asked:
        flags = " or ".join(f"--{role} openai:NAME" for role in roles)
        raise BadInput(f"--base-url: no model is in use that is behind a server: name one with {flags}")
    changed = {}
    for role in asked:
        told: ServedSettings = getattr(settings, role)
        cure = f"where it is meant for that one, set `{role}.base_url` in the place of --base-url"
        key = key_for(url, role, told, cure=cure)
        changed[role] = told.model_copy(update={"base_url": url, "api_key": key})
    return settings.model_copy(update=changed)


def key_for(url: str, role: str, told: ServedSettings, *, cure: str) -> SecretStr | None:
    """The key of these settings, where it was set for the server at `url`: one that was set for another, or for the
    model's vendor, is nobody else's affair. That it stays here is told, with the `cure`."""
    if told.api_key is None or (told.base_url and _origin(told.base_url) == _origin(url)):
        return told.api_key
    theirs = bare(told.base_url) if told.base_url else "its vendor"
    note(f"note: `{role}.api_key` is set for {theirs}, and is not sent to {bare(url)}; {cure}")
    return None


def vendor_keys(settings: Settings, before: Settings) -> Settings:
    """The settings without keys that came from `before`, where other models were set: of another vendor, who has no
    business with them. That is told."""
    changed = {}
    for role in ("generator", "judge"):
        told, known = getattr(settings, role), getattr(before, role)
        theirs, ours = _vendor(known.model), _vendor(told.model)
        if told.api_key and told.base_url is None and theirs and ours and theirs != ours:
            note(
                f"note: `{role}.api_key` is set for {theirs}, and is not sent to {ours}, whose own variable for its "
                "key is asked"
            )
            changed[role] = told.model_copy(update={"api_key": None})
    return settings.model_copy(update=changed)


def _vendor(name: str | None) -> str:
    """Who is asked for a model, none for one in this process; of a name without a vendor nobody knows whose it is."""
    return "" if name is None or name == "embedded" or name.endswith(".gguf") else name.partition(":")[0]


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # it is no address, and whoever asks there says so
        return url, None, None
    return parts.scheme, parts.hostname, port or _PORTS.get(parts.scheme)


def _served(names: Mapping[str, str | None]) -> list[str]:
    """Those whose names say that the address is for them; where none does, those that are not in this process."""
    remote = {role: name for role, name in names.items() if name and name != "embedded" and not name.endswith(".gguf")}
    return [role for role, name in remote.items() if name.startswith("openai:")] or list(remote)
