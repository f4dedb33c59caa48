"""`superego serve`: the parts of a server, put together."""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import TYPE_CHECKING, Annotated, Any

import typer

import critics
from critics import ExtraMissing
from pipeline.assembly import Parts
from pipeline.cli.flags import options
from pipeline.cli.flags.base_url import served
from pipeline.cli.flags.manifesto_files import ManifestoFiles
from pipeline.cli.serve.idle_keys import note_idle_keys
from pipeline.cli.serve.upstream import drafting, judged_here
from pipeline.cli.serve.warming import warm
from pipeline.cli.terminal.reporting import DONE, reported, say
from pipeline.errors import PipelineError, SettingsError
from pipeline.pipeline import Pipeline
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipeline.server import Options


@reported
def serve(
    manifestos: Annotated[
        list[str] | None,
        typer.Option("-m", "--manifesto", help="A shipped name, a file, or a folder of files; several times."),
    ] = None,
    host: Annotated[str | None, typer.Option("--host", help="Where to listen.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65_535, help="0 for any.", show_default="8000")
    ] = None,
    upstream: Annotated[
        str | None, typer.Option("--upstream", help="An OpenAI-compatible server that drafts; judged here.")
    ] = None,
    upstream_model: Annotated[
        str | None, typer.Option("--upstream-model", help="Its model; else the first that it lists.")
    ] = None,
    upstream_key_env: Annotated[
        str | None, typer.Option("--upstream-key-env", help="The variable that holds its key.")
    ] = None,
    generator: options.GeneratorName = None,
    judge: options.JudgeName = None,
    adapter: options.AdapterFile = None,
    identity: options.Identities = None,
    identity_scale: options.IdentityScale = None,
    base_url: options.BaseUrl = None,
    config: options.ConfigFile = None,
) -> int:
    """Serve OpenAI's interface: chat completions, responses, moderations; a model is a manifesto, superego/NAME.

    Example: superego serve -m house-style -m public-assistant --port 8000
    """
    try:
        from pipeline.server import Catalogue, Reloader, Running, create_app  # seconds, and an extra
    except ImportError as exc:
        raise ExtraMissing("serve", "server", kind="command") from exc
    drafts, judges = _given(model=generator), _given(model=judge, adapter=adapter)
    if upstream:
        told = load_settings(config, _given(judge=judges)).generator
        drafts = drafting(upstream, upstream_model, upstream_key_env, told)
    settings = options.loaded(
        config,
        _given(
            generator=drafts,
            judge=judges,
            identity=_given(use=identity, scale=identity_scale),
            server=_given(host=host, port=port, manifestos=manifestos),
        ),
    )
    options.refuse_idle_scale(settings, identity_scale)
    if upstream:  # which has an address already
        settings = judged_here(served(settings, base_url, judge=judge, roles=("judge",)))
    else:
        settings = served(settings, base_url, generator=generator, judge=judge)
    server = settings.server
    chosen = _options(settings)
    files = ManifestoFiles(server.manifestos or [settings.manifesto])
    parts = Parts(settings)

    catalogue = Catalogue({})

    def make(source: str) -> Pipeline:
        made = parts.pipeline(critics.load(source, trusted=settings.trusted))
        if catalogue.served:  # at the start all of them are, once it is plain that they can be served
            warm([made], settings)
        return made

    reloader = Reloader(catalogue, files.stamps, make)
    reloader.load()
    parts.tell_idle("and none that is served wears it")
    note_idle_keys(server.keys, catalogue.served)
    for source in files.stamps():
        options.manifesto_from(settings.model_copy(update={"manifesto": source}))  # says what is worth a note
    with _listening(server.host, server.port) as listener:
        warm([each.pipeline for each in catalogue.served.values()], settings)
        app = create_app(catalogue, chosen, look=reloader.look)
        models = ", ".join(each.id for each in catalogue.served.values())
        say(f"{models} at http://{_shown(listener)}/v1")
        Running(app, grace=server.grace).run([listener])
    parts.close()
    return DONE


def _options(settings: Settings) -> Options:
    """Raises `SettingsError` for a server that would answer the whole network without asking for a key."""
    from pipeline.server import Key, Options

    server = settings.server
    here = _loopback(server.host)
    if not here and not server.keys:
        raise SettingsError(
            f"`server.host`: listening on {server.host} without a key would let anybody in: make one with "
            "`superego key new NAME`, or listen on 127.0.0.1"
        )
    keys = tuple(Key(key.name, key.sha256, frozenset(key.manifestos)) for key in server.keys)
    same = (
        "threads", "waiting", "deadline", "body_seconds", "body_bytes", "keep_alive", "grace", "poll", "choices",
        "inputs", "log_content",
    )  # fmt: skip
    told = {name: getattr(server, name) for name in same}
    return Options(keys=keys, tell=server.tell or ("full" if here else "reduced"), **told)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listening(host: str, port: int) -> socket.socket:
    from pipeline.server import listen

    try:
        return listen(host, port)
    except OSError as exc:
        cure = "; name another with --port, or 0 for any" if exc.errno == errno.EADDRINUSE else ""
        raise PipelineError(f"cannot listen on {host}, port {port}: {exc.strerror}{cure}") from exc


def _shown(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _given(**flags: Any) -> dict[str, Any]:
    return {name: value for name, value in flags.items() if value not in (None, {})}
