"""What the server's guide and examples show is true."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
import typer.main
import yaml

from pipeline.cli.main import app as command_line
from pipeline.server import Catalogue, Key, Options, create_app, hashed, new_key
from pipeline.server.wire.documented import POSTED
from pipeline.settings import load_settings
from tests.pipeline.server.serving import TestClient, app_of, chat, running, scripted

GUIDE = Path("docs") / "server.md"


def loaded(root: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, root / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_chatbot_before_and_after_differs_in_three_lines(root: Path) -> None:
    """An address, a key, a model."""
    before, after = (
        (root / "examples" / f"chatbot_{name}.py").read_text().splitlines() for name in ("before", "after")
    )
    differing = [(one, other) for one, other in zip(before, after, strict=True) if one != other and "run" not in one]
    assert [one.partition(" =")[0] for one, _ in differing] == ["BASE_URL", "API_KEY", "MODEL"]


def test_the_chatbot_before_says_what_the_one_after_does_not(root: Path) -> None:
    """The one asks a model, the other the server in front of it."""
    wild = scripted("rude", "rude one", "rude two", on_exhausted="best", name="wild")
    key, digest = new_key()
    kind = scripted("You rude thing.", "Good day.", name="public-assistant")
    said = {}
    with running(app_of(wild)) as upstream, running(app_of(kind, keys=(Key("bot", digest),))) as server:
        for name, address, model in (("before", upstream, "superego/wild"), ("after", server, None)):
            module = loaded(root, f"chatbot_{name}")
            module.BASE_URL, module.API_KEY = f"{address}/v1", key  # type: ignore[attr-defined]
            module.MODEL = model or module.MODEL  # type: ignore[attr-defined]
            turns = [{"role": "user", "content": "Hello?"}]
            said[name] = TestClient(module.app).post("/chat", json=turns).json()["content"]
    assert "rude" in said["before"]
    assert said["after"] == "Good day."


def test_the_compose_file_starts_what_there_is(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its flags, variables and addresses are ones that the server and the file itself know."""
    services = yaml.safe_load((root / "examples" / "compose.yaml").read_text())["services"]
    program, command, *flags = services["superego"]["command"]
    assert (program, command) == ("superego", "serve")
    given = dict(flag.split("=", 1) for flag in flags)
    group = typer.main.get_command(command_line)
    known = {option for parameter in group.commands["serve"].params for option in parameter.opts}  # type: ignore[attr-defined]
    assert set(given) <= known
    assert re.fullmatch(r"http://(\w+):\d+/v1", given["--upstream"])[1] in services  # type: ignore[index]
    monkeypatch.chdir(tmp_path)
    for name, value in services["superego"]["environment"].items():
        monkeypatch.setenv(name, value.replace("${SUPEREGO_KEY_SHA256:?}", hashed("a key")))
    assert load_settings().server.keys[0].sha256 == hashed("a key")
    assert services["superego"]["ports"] == [f"127.0.0.1:8000:{given['--port']}"]
    health = re.search(r"127\.0\.0\.1:(\d+)(/\w+)", services["superego"]["healthcheck"]["test"][-1])
    assert health is not None
    assert health[1] == given["--port"]
    assert TestClient(app_of(scripted("a"))).get(health[2]).status_code == 200


def test_the_guides_settings_load(root: Path, tmp_path: Path) -> None:
    """And are a judge on a second upstream, and a server that may listen to others."""
    texts = re.findall(r"^```yaml\n(.*?)^```", (root / GUIDE).read_text(), flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "superego.yaml").write_text("".join(texts))
    settings = load_settings(tmp_path / "superego.yaml")
    assert (settings.judge.model, bool(settings.judge.base_url)) == ("openai:qwen3", True)
    server = settings.server
    assert (server.host, len(server.keys), server.tell) == ("0.0.0.0", 1, "reduced")


def test_the_guide_names_every_address_fault_and_figure(root: Path) -> None:
    """That there is, and none that is not."""
    guide = (root / GUIDE).read_text()
    app = create_app(Catalogue.of(scripted("Good day.")), Options())
    paths = set(app.openapi()["paths"])
    assert {path for path in paths if path.replace("{model}", "{id}").rpartition("/models/")[2] not in guide} == set()
    client = TestClient(app)
    client.post("/v1/chat/completions", json=chat())
    exposed = re.findall(r"^# TYPE (superego_\w+) ", client.get("/metrics").text, flags=re.MULTILINE)
    figures = {re.sub("_(total|created)$", "", name) for name in exposed}
    assert figures == {re.sub("_total$", "", name) for name in re.findall(r"`(superego_\w+)", guide)}
    table = guide.partition("## Faults")[2].partition("## Security")[0]
    told = {
        int(status) for row in re.findall(r"^\| ([\d, ]+) \|", table, flags=re.MULTILINE) for status in row.split(",")
    }
    assert told == {405, 500, *(int(status) for status in POSTED)}
    told_codes = "".join(re.findall(r"^\| [\d, ]+ \|([^|]+)\|", table, flags=re.MULTILINE))
    source = "".join(file.read_text() for file in (root / "pipeline" / "server").rglob("*.py"))
    codes = {"".join(found) for found in re.findall(r'code="(\w+)"|"(method_not_allowed|not_found)" if', source)}
    assert codes == set(re.findall(r"`([a-z_]+)`", told_codes))
    assert json.loads(client.get("/openapi.json").text)["info"]["title"] == "superego"
