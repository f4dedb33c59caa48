"""Which models `--base-url` is the server of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.errors import BadInput
from pipeline.settings import Settings


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
    return settings.model_copy(
        update={role: getattr(settings, role).model_copy(update={"base_url": url}) for role in asked}
    )


def _served(names: Mapping[str, str | None]) -> list[str]:
    """Those whose names say that the address is for them; where none does, those that are not in this process."""
    remote = {role: name for role, name in names.items() if name and name != "embedded" and not name.endswith(".gguf")}
    return [role for role, name in remote.items() if name.startswith("openai:")] or list(remote)
