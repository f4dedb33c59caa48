"""The command line, to its contract: exit codes, data on standard output, all else on standard error."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import manifestos
from pipeline.caching import Store
from pipeline.cli.main import app
from pipeline.llama import Figures, Spread, compared
from tests.pipeline.cli.interruptible import COMMAND

SHORT = "Write a thank-you note to a customer."


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("SUPEREGO_CACHE__FILE", str(tmp_path / "cache.sqlite"))


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=stdin)


CALM = """\
name: calm
version: "1"
rules:
  - {id: calm, statement: Calm., critics: [patterns], patterns: {forbid: ["!"]}, action: %s}
"""


def manifesto(folder: Path, action: str = "revise", more: str = "") -> str:
    (folder / "calm.yaml").write_text(CALM % action + more)
    return "calm.yaml"


def test_ask_prints_the_answer_and_nothing_else() -> None:
    """Exit code 0, and a pipe gets the answer alone."""
    result = run("ask", SHORT, "-m", "house-style", "--seed", "29", "--max-tokens", "150")
    assert result.exit_code == 0
    assert result.stdout.strip()
    assert "attempt" not in result.stdout


def test_ask_json_is_the_contract() -> None:
    """The documented keys, types and figures."""
    result = run("ask", SHORT, "-m", "house-style", "--seed", "29", "--max-tokens", "150", "--json")
    record = json.loads(result.stdout)
    assert record["status"] == "released"
    assert set(record["manifesto"]) == {"name", "version", "hash"}
    assert set(record["usage"]) == {"generator", "critic", "seconds"}
    assert record["usage"]["generator"]["completion_tokens"] > 0
    finding = record["attempts"][0]["verdict"]["findings"][0]
    assert {"rule", "probability", "outcome", "critique", "span", "critic"} <= set(finding)


def test_trace_shows_every_attempt_on_standard_error() -> None:
    """The answer alone is on standard output, so tracing does not break a pipe."""
    result = run("ask", SHORT, "-m", "house-style", "--seed", "29", "--trace")
    assert "attempt 1 of 4: goes back" in result.stderr
    assert "released: a draft passed" in result.stderr
    assert "attempt" not in result.stdout


def test_a_withheld_answer_is_a_refusal_and_exit_code_3(tmp_path: Path) -> None:
    """The refusal is the manifesto's own words."""
    more = "budget: {attempts: 1}\nrefusal: Not today.\n"
    path = manifesto(tmp_path, "veto", more)
    (tmp_path / path).write_text((tmp_path / path).read_text().replace('"!"', '"."'))
    result = run("ask", SHORT, "-m", path, "--max-tokens", "5")
    assert (result.exit_code, result.stdout) == (3, "Not today.\n")
    assert result.stderr == "withheld, no attempts are left; the draft broke calm\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["ask", "hi", "-m", "nobody"], 2, "no shipped manifesto is called 'nobody'"),
        (["ask", "hi", "-m", "nowhere.yaml"], 2, "nowhere.yaml:1:1: cannot be read"),
        (["ask", "  ", "-m", "house-style"], 2, "the prompt is empty"),
        (["ask", "hi", "-m", "house-style", "--generator", "none.gguf"], 1, "there is no model file none.gguf"),
        (["ask", "hi", "-m", "public-assistant", "--generator", "embeded"], 1, "did you mean `embedded`? (name"),
        (["model", "optimise", "none.gguf"], 1, "there is no model file none.gguf"),
        (["ask", "hi", "--config", "none.yaml"], 2, "none.yaml:1:1: cannot be read"),
        (["ask", "hi", "--context", "none.json"], 2, "none.json cannot be read"),
        (["judge", "none.jsonl", "-m", "house-style"], 2, "none.jsonl cannot be read"),
        (["batch", "none.jsonl", "-o", "out.jsonl", "-m", "house-style"], 2, "none.jsonl cannot be read"),
        (["frobnicate"], 2, "No such command"),
        (["ask"], 2, "Missing argument"),
    ],
)
def test_what_goes_wrong_is_one_clear_text_and_an_exit_code(arguments: list[str], code: int, said: str) -> None:
    """1 for a fault, 2 for bad usage; never a traceback, and nothing on standard output."""
    result = run(*arguments)
    assert result.exit_code == code
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert "note: " not in result.stderr
    assert result.stdout == ""


def test_an_unreachable_server_is_one_line_and_exit_code_1() -> None:
    """Tried as often as the settings say, then told."""
    result = run("ask", "hi", "-m", "house-style", "--generator", "openai:none", "--base-url", "http://127.0.0.1:9/v1")
    assert result.exit_code == 1
    assert "127.0.0.1:9" in result.stderr
    assert "Traceback" not in result.stderr


def test_judge_writes_a_line_a_line_in_order(tmp_path: Path) -> None:
    """Ids are kept, a bad line is told and does not end the run, the exit code says that there was one."""
    given = [
        json.dumps({"id": "a", "text": "Hi", "response": "Fine.", "label": 0}),
        json.dumps({"id": "b", "text": "Hi", "response": "Fine!"}),
        "not json",
        json.dumps({"text": "Hi", "response": "So!", "context": [{"text": "x", "origin": "y"}]}),
        json.dumps({"id": "e", "text": "Hi"}),
        json.dumps({"id": "f", "prompt": "Hi", "answer": "Fine."}),
    ]
    result = run("judge", "-", "-m", manifesto(tmp_path), stdin="\n".join(given))
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(r["id"], r["outcome"]) for r in records] == [
        ("a", "pass"),
        ("b", "revise"),
        (3, "faulted"),
        (4, "revise"),
        ("e", "undecided"),
        ("f", "faulted"),
    ]
    assert records[2]["rules"] == {}
    (finding,) = records[1]["findings"]
    assert (finding["outcome"], finding["probability"], finding["span"]) == ("broken", 1.0, [4, 5])
    assert (records[1]["score"], records[1]["breach"]) == (0.0, 1.0)
    assert (records[4]["score"], records[4]["breach"], records[4]["findings"]) == (None, None, [])
    assert "line 3: not JSON" in records[2]["fault"]
    said = "line 6: it has `id`, `prompt`, `answer`; `text` is what was asked, and `response` what was answered"
    assert records[5]["fault"] == said
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("text", "response", "outcome"),
    [
        ("Hi.", "", "revise"),
        ("Hi.", " \u200b", "revise"),
        ("Hi.", None, "pass"),
        ("Hi.", "Fine.", "pass"),
        ("", "Fine.", "pass"),
        (" ", "", "faulted"),
        ("", None, "faulted"),
    ],
)
def test_judge_passes_nothing_that_holds_nothing(tmp_path: Path, text: str, response: str | None, outcome: str) -> None:
    """An empty answer is one still, and not the prompt in its place; of nothing at all there is no verdict."""
    asked = "  - {id: asked, statement: Asked., critics: [patterns], patterns: {forbid: [x]}, "
    asked += "applies_to: input, action: veto}\n"
    given = json.dumps({"text": text, "response": response})
    result = run("judge", "-", "-m", manifesto(tmp_path, more=asked), stdin=given)
    assert json.loads(result.stdout)["outcome"] == outcome
    assert result.exit_code == (1 if outcome == "faulted" else 0)


def test_the_first_use_says_what_it_waits_for(tmp_path: Path) -> None:
    """The embedded model is measured where it judges, once on a machine; the second time nothing is said."""
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "SUPEREGO_THREADS": "1"}  # two might be busy
    command = [sys.executable, "-m", "pipeline.cli", "ask", "Say hello.", "--max-tokens", "4", "--seed", "1"]
    first, second = (
        subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=env) for _ in range(2)
    )
    assert first.stderr.count("once: measuring") == 2
    assert "once: measuring" not in second.stderr
    assert sorted(file.suffix for file in (tmp_path / "cache" / "superego" / "models").iterdir()) == [
        ".gguf",
        ".json",
        ".json",
    ]


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    """Counting prompts for the progress bar must not swallow them."""
    command = (
        f"{sys.executable} -m pipeline.cli batch <(printf 'Say hi.\\nSay bye.\\n') -o out.jsonl "
        f"-m {manifesto(tmp_path)} --max-tokens 4"
    )
    subprocess.run(["bash", "-c", command], capture_output=True, timeout=120, check=True)
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 2


def test_a_critic_that_is_left_behind_does_not_crash_the_exit(tmp_path: Path) -> None:
    """The model is not torn down under it: the exit code is that of the outcome."""
    env = {**os.environ, "SUPEREGO_CRITIC_SECONDS": "0.05", "SUPEREGO_THREADS": "1"}
    judged = tmp_path / "judged.yaml"  # by the judge alone, since a probe is through in that time
    rules = "rules: [{id: kind, statement: It is kind.}]"
    judged.write_text(f"name: judged\nversion: '1'\nbeliefs: {'Be kind. ' * 60}\n{rules}")
    command = [sys.executable, "-m", "pipeline.cli", "ask", "Say hello.", "--max-tokens", "8", "--seed", "1"]
    command += ["-m", str(judged), "--adapter", "none"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=env)
    assert done.returncode == 3, done.stderr


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["ask", "-", "-m", "house-style"], b"\xff", "not UTF-8"),
        (["ask", "hi", "-m", "house-style", "--context", "deep.json"], None, "not JSON that can be read"),
        (
            ["ask", "hi", "-m", "house-style", "--context", "one.json"],
            None,
            "one.json: context: Input should be a list",
        ),
        (["ask", "hi", "-m", "a\0b.yaml"], None, "a\0b.yaml"),
        (["batch", "-", "-o", "x" * 300, "-m", "calm.yaml"], b"hi", "cannot be written"),
    ],
)
def test_odd_input_is_one_clear_text(tmp_path: Path, arguments: list[str], stdin: bytes | None, said: str) -> None:
    """Not a traceback."""
    manifesto(tmp_path)
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "one.json").write_text('{"text": "A source that is in no list."}')
    result = run(*arguments, stdin=stdin)
    assert result.exit_code in (1, 2)
    assert said in result.stderr


def test_a_file_of_sources_may_begin_with_the_mark_of_some_editors(tmp_path: Path) -> None:
    """As all other files may."""
    (tmp_path / "marked.json").write_text('[{"text": "It is."}]', "utf-8-sig")
    assert run("ask", "hi", "-m", "house-style", "--context", "marked.json", "--max-tokens", "2").exit_code == 0


def test_a_place_is_told_as_it_is(tmp_path: Path) -> None:
    """Some numbers between colons are names of pictures."""
    (tmp_path / "long.yaml").write_text("name: long\n" + "\n" * 98 + "version: 1\n")
    assert "long.yaml:100:1: `version` must be words" in run("ask", "hi", "-m", "long.yaml").stderr


def test_check_reports_on_standard_output_and_exits_with_2(tmp_path: Path) -> None:
    """So that an editor can read it; a sound file is named as such."""
    (tmp_path / "bad.yaml").write_text("name: a\nversion: 1\nrules: []\n")
    result = run("check", "bad.yaml", manifesto(tmp_path))
    assert result.exit_code == 2
    assert result.stdout.splitlines()[0] == "bad.yaml:2:1: `version` must be words: put quotes around 1"
    assert "calm.yaml: nothing wrong" in result.stderr
    assert run("check", "calm.yaml").exit_code == 0
    faults = json.loads(run("check", "bad.yaml", "--json").stdout)
    assert set(faults[0]) == {"path", "line", "column", "what"}


def test_check_knows_the_heads_of_the_configured_probes(tmp_path: Path) -> None:
    """A rule that only the probe judges, and no probe has learnt, is told of before a night of it."""
    rule = "  - {id: %s, statement: Kind., critics: [probe]}\n"
    (tmp_path / "p.yaml").write_text("name: p\nversion: '1'\nrules:\n" + rule % "harmless" + rule % "harmles")
    result = run("check", "p.yaml")
    assert result.stdout.startswith("p.yaml:5:37: no probe has a head `harmles`")
    assert result.stdout.rstrip().endswith("did you mean `harmless`?")
    assert len(result.stdout.splitlines()) == 1


def test_manifestos_lists_what_is_shipped() -> None:
    """With a line about each, and as JSON with paths."""
    assert "chemistry-lab" in run("manifestos").stdout
    rows = json.loads(run("manifestos", "--json").stdout)
    assert {row["name"] for row in rows} == {file.stem for file in Path(manifestos.__file__).parent.glob("*.yaml")}
    assert all(Path(row["path"]).is_file() and row["description"] for row in rows)


def test_config_show_masks_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in force, without the key."""
    (tmp_path / "superego.yaml").write_text("generator: {temperature: 0.25, base_url: 'http://bob:hunter2@host/v1'}\n")
    monkeypatch.setenv("SUPEREGO_GENERATOR__API_KEY", "sk-secret")
    result = run("config", "show")
    assert "temperature: 0.25" in result.stdout
    assert "hunter2" not in result.stdout
    assert "sk-secret" not in result.stdout
    assert json.loads(run("config", "show", "--json").stdout)["generator"]["temperature"] == 0.25


@pytest.mark.parametrize("form", [(), ("--json",)])
@pytest.mark.parametrize("url", ["http://bob:hun@ter2@host/v1", "http://b:hun/ter2@host/v1", "https://host/v1?k=ter2"])
def test_config_show_masks_whatever_an_address_hides(tmp_path: Path, url: str, form: tuple[str, ...]) -> None:
    """Also a password with signs in it that an address should not have."""
    (tmp_path / "superego.yaml").write_text(f"judge: {{model: 'openai:a', base_url: '{url}'}}\n")
    shown = run("config", "show", *form).stdout
    assert "ter2" not in shown
    assert "host/v1" in shown


def test_a_new_keys_settings_can_be_read_whatever_its_name(tmp_path: Path) -> None:
    """They are pasted as they are shown."""
    name = 'Zo\u00eb \U0001f600 "x"'
    shown = run("key", "new", name).stderr
    (tmp_path / "superego.yaml").write_text(shown[shown.index("server:") :])
    assert json.loads(run("config", "show", "--json").stdout)["server"]["keys"][0]["name"] == name


def test_cache_says_where_it_is_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or would be; one that is not there is not said to be empty."""
    monkeypatch.setenv("SUPEREGO_CACHE__FILE", "mine.sqlite")
    assert run("cache", "clear").stderr == f"there is no cache at {tmp_path}/mine.sqlite\n"
    assert json.loads(run("cache", "show", "--json").stdout)["file"] == f"{tmp_path}/mine.sqlite"
    assert not (tmp_path / "mine.sqlite").exists()
    with Store(Path("mine.sqlite")) as store:
        store.put(b"k", b"v")
    assert run("cache", "show").stdout.startswith(f"{tmp_path}/mine.sqlite: 1 entries")
    assert run("cache", "clear").stderr == f"{tmp_path}/mine.sqlite is empty\n"


@pytest.mark.parametrize("command", ["show", "clear"])
def test_what_is_no_cache_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """And not an empty one; a name that no file can have is that of none."""
    (tmp_path / "cache.sqlite").write_text("precious")
    result = run("cache", command)
    assert (result.exit_code, "cache.sqlite is not used: it is something else" in result.stderr) == (1, True)
    monkeypatch.setenv("SUPEREGO_CACHE__FILE", "n" * 300)
    assert run("cache", command).exit_code == 0


def test_config_show_leaves_prose_as_it_is(tmp_path: Path) -> None:
    """A sentence in which an address stands is none."""
    said = "Sharing links such as https://x.org?a=1, or mail to a@b.c"
    (tmp_path / "superego.yaml").write_text(json.dumps({"guard": {"categories": {"S15": said}}}))
    assert json.loads(run("config", "show", "--json").stdout)["guard"]["categories"] == {"S15": said}


@pytest.mark.parametrize("command", [["config", "show"], ["check", "house-style"]])
def test_a_variable_that_sets_nothing_is_told(monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    """Once, beside what the command does."""
    monkeypatch.setenv("SUPEREGO_GENERATOR_MODEL", "small.gguf")
    result = run(*command)
    assert result.exit_code == 0
    assert result.stderr.count("SUPEREGO_GENERATOR_MODEL sets nothing; did you mean SUPEREGO_GENERATOR__MODEL?") == 1


def test_a_critic_of_ones_own_runs_only_when_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module is not even imported before the configuration lists it."""
    (tmp_path / "shouting.py").write_text(
        "from pathlib import Path\n"
        "Path('imported').touch()\n"
        "from critics import Finding\n"
        "def make():\n"
        "    return lambda exchange, rules: [Finding(r.id, 'own', float(exchange.judged.isupper())) for r in rules]\n"
    )
    (tmp_path / "own.yaml").write_text(
        'name: own\nversion: "1"\nrules: [{id: calm, statement: Calm., critics: ["shouting:make"]}]\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    line = json.dumps({"id": 1, "text": "hi", "response": "LOUD"})
    refused = run("judge", "-", "-m", "own.yaml", stdin=line)
    assert refused.exit_code == 2
    assert "is not trusted" in refused.stderr
    assert not (tmp_path / "imported").exists()
    (tmp_path / "superego.yaml").write_text("trusted: ['shouting:make']\n")
    assert json.loads(run("judge", "-", "-m", "own.yaml", stdin=line).stdout)["outcome"] == "revise"


def test_the_embedded_judge_without_its_adapter_is_announced_as_chance() -> None:
    """Nobody should take its word without knowing."""
    assert run("judge", "-", stdin="").stderr == ""
    result = run("judge", "-", "--adapter", "none", stdin="")
    assert "no better than chance" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    "command",
    [
        "ask",
        "judge",
        "batch",
        "check",
        "manifestos",
        "config show",
        "model optimise",
        "eval",
        "calibrate",
        "serve",
        "key new",
        "cache show",
        "cache clear",
    ],
)
def test_every_command_has_help_with_an_example(command: str) -> None:
    """A newcomer copies it."""
    result = run(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Example: " in result.stdout
    assert "superego" in result.stdout


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    """`superego judge … | head -1` ends quietly."""
    lines = "\n".join(json.dumps({"text": "hi", "response": "x" * 1000}) for _ in range(2000))
    (tmp_path / "in.jsonl").write_text(lines)
    command = f"{sys.executable} -m pipeline.cli judge in.jsonl -m {manifesto(tmp_path)} | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60, check=False)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_starting_up_does_not_load_what_is_not_needed(tmp_path: Path) -> None:
    """No model library is imported to check a file: the command must answer at once."""
    code = (
        "import sys; from typer.testing import CliRunner; from pipeline.cli.main import app;"
        f"CliRunner().invoke(app, ['check', {manifesto(tmp_path)!r}]);"
        "print([m for m in ('llama_cpp', 'langchain', 'presidio_analyzer', 'spacy', 'openai') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_ctrl_c_is_exit_code_130(tmp_path: Path) -> None:
    """And the batch finishes what is under way, and says how to go on."""
    (tmp_path / "in.txt").write_text("Tell me a long story.\n" * 50)
    process = subprocess.Popen(
        [*COMMAND, "batch", "in.txt", "-o", "out.jsonl", "-m", manifesto(tmp_path), "--max-tokens", "8"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "SUPEREGO_THREADS": "1"},
    )
    journal = tmp_path / "out.jsonl.journal"
    while process.poll() is None and not (journal.exists() and b'"released"' in journal.read_bytes()):
        time.sleep(0.05)
    process.send_signal(2)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "finishing what is under way" in said
    assert "run the same command to go on" in said
    assert journal.read_bytes().endswith(b"\n")


def test_model_optimise_says_what_it_gains_and_costs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And where the new file lies, for whoever wants to use it."""
    monkeypatch.setattr("pipeline.cli.model.compared", partial(compared, rounds=2))
    result = run("model", "optimise", "embedded", "--to", "q8_0", "--cache", str(tmp_path / "cache"), "--json")
    assert result.exit_code == 0
    figures = json.loads(result.stdout)
    assert figures["optimised"]["path"].endswith("-q8_0.gguf")
    assert Path(figures["optimised"]["path"]).is_file()
    assert figures["optimised"]["perplexity"] > 0
    assert run("model", "optimise", "openai:any").exit_code == 2


@pytest.mark.parametrize(
    ("model", "kind", "use"),
    [
        ("embedded", "q8_0", "--judge /made/it.gguf"),
        ("embedded", "iq4_nl", "optimise: iq4_nl, in the settings"),
        ("./mine.gguf", "bf16", "--judge /made/it.gguf"),
        ("./mine.gguf", "iq4_nl", "--generator /made/it.gguf"),
    ],
)
def test_model_optimise_says_how_to_use_what_it_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, kind: str, use: str
) -> None:
    """To judge, or where it writes faster, to draft."""
    (tmp_path / "mine.gguf").touch()
    speed = Spread(2.0, 1.0, 3.0)
    made = Figures(Path("/made/it.gguf"), 1, speed, speed, 30.0)
    monkeypatch.setattr("pipeline.cli.model.requantised", lambda *_, **__: made.path)
    monkeypatch.setattr("pipeline.cli.model.compared", lambda *_, **__: (made, made))
    assert f"To use it: {use}" in " ".join(run("model", "optimise", model, "--to", kind).stderr.split())


@pytest.mark.parametrize(("kind", "added"), [("steer", " "), ("state", "also: be brief")])
def test_an_addition_that_would_be_lost_is_refused(tmp_path: Path, kind: str, added: str) -> None:
    """Else an adapter would be built anew, or a state be written, over what was to be refined."""
    refused = run("identity", "build", kind, "-m", "house-style", "-o", "it.gguf", "--add", added)
    assert refused.exit_code == 2
    assert "--add is one more rule" in refused.stderr
    assert not (tmp_path / "it.gguf").exists()


def test_batch_says_what_came_of_it(tmp_path: Path) -> None:
    """In words on standard error, or as JSON on standard output; a fault is exit code 1."""
    (tmp_path / "in.csv").write_text("q\nSay hi.\nSay bye.\n")
    own = ["-m", manifesto(tmp_path), "--max-tokens", "4", "--column", "q"]
    told = run("batch", "in.csv", "-o", "1.jsonl", *own)
    assert (told.exit_code, told.stdout) == (0, "")
    assert "1.jsonl: 2 released" in told.stderr
    (tmp_path / "in.csv").write_text('q\nSay hi.\n""\n')
    again = run("batch", "in.csv", "-o", "2.jsonl", "--json", *own)
    summary = json.loads(again.stdout)
    assert (again.exit_code, summary["statuses"]) == (1, {"released": 1, "faulted": 1})
    assert summary["cached"]["drafts"] == 1
    assert run("batch", "in.csv", "-o", "3.jsonl", "--strict", *own).exit_code == 2


@pytest.mark.parametrize(("side", "what"), [("output", "drafts"), ("input", "prompts")])
def test_batch_says_why_nothing_could_be_judged(tmp_path: Path, side: str, what: str) -> None:
    """A manifesto that asks for what is not there withholds everything, all night: the morning must tell why."""
    (tmp_path / "in.txt").write_text("Say hi.\nSay bye.\n")
    file = tmp_path / "m.yaml"
    file.write_text(
        "name: m\nversion: '1'\nbudget: {attempts: 1}\n"
        f"rules: [{{id: mild, statement: It is mild., critics: [probe], action: veto, applies_to: {side}}}]\n"
    )
    told = run("batch", "in.txt", "-o", "1.jsonl", "-m", str(file), "--max-tokens", "4")
    assert "1.jsonl: 2 withheld" in told.stderr
    assert re.search(rf"{what} undecided by mild +2", told.stderr)
    assert "mild was left undecided: no probe has a head 'mild'; there are acceptable-request, harmless" in told.stderr


def test_batch_says_which_rules_the_prompts_broke(tmp_path: Path) -> None:
    """Where all is withheld before a word is drafted, nothing else tells why."""
    (tmp_path / "in.txt").write_text("Say hi.\nSay bye.\n")
    file = tmp_path / "m.yaml"
    file.write_text(
        "name: m\nversion: '1'\nrules:\n"
        "- {id: mute, statement: S., critics: [patterns], patterns: {forbid: [Say]}, applies_to: input, action: veto}\n"
    )
    told = run("batch", "in.txt", "-o", "1.jsonl", "-m", str(file))
    assert "1.jsonl: 2 withheld" in told.stderr
    assert re.search(r"prompts that broke mute +2", told.stderr)


def test_another_batch_is_refused_by_name(tmp_path: Path) -> None:
    """What has changed since it was begun is said, and how to begin anew."""
    (tmp_path / "in.txt").write_text('{"prompt": "Say hi."}\n{\n')
    own = ["batch", "in.txt", "-o", "out.jsonl", "-m", manifesto(tmp_path), "--max-tokens", "4", "--workers", "1"]
    assert run(*own, "--input-format", "jsonl", "--strict").exit_code == 2
    refused = run(*own, "--seed", "5", "--input-format", "jsonl")
    assert refused.exit_code == 2
    assert "another seed" in refused.stderr
    (tmp_path / "calm.yaml").write_text((tmp_path / "calm.yaml").read_text().replace("Calm.", "Very calm."))
    refused = run(*own, "--input-format", "jsonl")
    assert "another manifesto" in refused.stderr
    assert run(*own, "--input-format", "lines", "--restart").exit_code == 0


def test_the_cache_is_shown_and_cleared(tmp_path: Path) -> None:
    """Where it is and how much is in it; without one, a batch keeps nothing."""
    (tmp_path / "in.txt").write_text("Say hi.\n")
    own = ["batch", "in.txt", "-m", manifesto(tmp_path), "--max-tokens", "4"]
    assert run(*own, "-o", "1.jsonl", "--no-cache").exit_code == 0
    assert json.loads(run("cache", "show", "--json").stdout)["entries"] == 0
    assert run(*own, "-o", "2.jsonl").exit_code == 0
    shown = json.loads(run("cache", "show", "--json").stdout)
    assert (shown["entries"], shown["file"]) == (1, str(tmp_path / "cache.sqlite"))
    assert run("cache", "clear").exit_code == 0
    assert "0 entries" in run("cache", "show").stdout


def test_workers_are_a_number_or_auto() -> None:
    """Anything else is bad usage."""
    result = run("batch", "-", "-o", "out.jsonl", "--workers", "many", "-m", "house-style")
    assert result.exit_code == 2
    assert "--workers is a number" in result.stderr
