from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

import pipeline
from critics import GUARD_FAMILIES, check, load
from pipeline import SettingsError, load_settings
from pipeline.assembly.parcel import packed
from pipeline.settings import Settings, unused
from pipeline.settings.settings import GuardFamilyName, JudgeSettings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_later_ones_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag beats a variable, a variable beats the file, the file beats the default."""
    (tmp_path / "superego.yaml").write_text("generator: {temperature: 0.1, top_p: 0.2, min_p: 0.3}\n")
    monkeypatch.setenv("SUPEREGO_GENERATOR__TOP_P", "0.5")
    monkeypatch.setenv("SUPEREGO_GENERATOR__MIN_P", "0.6")
    generator = load_settings(flags={"generator": {"min_p": 0.7}}).generator
    assert (generator.temperature, generator.top_p, generator.min_p, generator.max_tokens) == (0.1, 0.5, 0.7, 512)


def test_the_file_is_found_upward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a folder below, the nearest one above counts."""
    (tmp_path / "superego.yaml").write_text("manifesto: house-style\n")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert load_settings().manifesto == "house-style"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("generatr: {}", "superego.yaml:1:1: unknown key `generatr`; did you mean `generator`?"),
        (
            "generator:\n  temprature: 1",
            "superego.yaml:2:3: unknown key `generator.temprature`; did you mean `temperature`?",
        ),
        ("generator:\n  temperature: hot", "superego.yaml:2:3: `generator.temperature`"),
        ("manifesto: house-stile", "superego.yaml:1:1: `manifesto`: no shipped manifesto is called 'house-stile'"),
        ("judge: embedded", "superego.yaml:1:1: `judge` is a group of settings: write `judge: {model: embedded}`"),
        ("trusted: mine:make", "superego.yaml:1:1: `trusted` must be a list: write [mine:make]"),
        ("server: {keys: [{name: a}]}", "superego.yaml:1:17: `server.keys.0.sha256` is missing"),
        ("probe: {fil: a}", "superego.yaml:1:9: unknown key `probe.fil`; did you mean `file`?"),
        ("generator: [", "not YAML"),
        ("- a", "settings are a mapping"),
    ],
)
def test_a_fault_in_the_file_names_its_place(tmp_path: Path, text: str, said: str) -> None:
    """Line, column, and what was probably meant."""
    (tmp_path / "superego.yaml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert said in str(caught.value)


def test_a_fault_in_a_variable_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the file, which is innocent."""
    monkeypatch.setenv("SUPEREGO_GENERATOR__CONTEXT", "-4")
    with pytest.raises(SettingsError, match=r"^SUPEREGO_GENERATOR__CONTEXT: `generator.context`"):
        load_settings()


def test_a_judges_server_without_a_judge_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would be asked there: the judge were the generator's model, at the generator's server."""
    (tmp_path / "superego.yaml").write_text("judge:\n  base_url: http://a/v1\n  api_key: sk-a\n")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    first, second = str(caught.value).splitlines()
    assert "superego.yaml:2:3: `judge.base_url`: without a `judge.model`" in first
    assert "superego.yaml:3:3: `judge.api_key`: without a `judge.model`" in second
    assert "sk-a" not in second
    monkeypatch.setenv("SUPEREGO_JUDGE__API_KEY", "sk-b")
    with pytest.raises(SettingsError, match=r"^SUPEREGO_JUDGE__API_KEY: `judge.api_key`: without"):
        load_settings()
    assert load_settings(flags={"judge": {"model": "openai:b"}}).judge.base_url == "http://a/v1"


@pytest.mark.parametrize(
    ("part", "key"),
    [
        ("generator", "base_url"),
        ("generator", "api_key"),
        ("judge", "adapter"),
        ("guard", "template"),
        ("probe", "file"),
        ("cache", "file"),
    ],
)
def test_an_empty_file_address_or_key_is_none(monkeypatch: pytest.MonkeyPatch, part: str, key: str) -> None:
    """And not the working folder."""
    monkeypatch.setenv(f"SUPEREGO_{part}__{key}".upper(), "")
    assert getattr(getattr(load_settings(), part), key) is None


def test_an_empty_variable_names_no_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor the working folder as one."""
    monkeypatch.setenv("SUPEREGO_IDENTITY__USE", "")
    assert load_settings().identity.use == ()


@pytest.mark.parametrize("role", ["judge", "guard"])
def test_an_empty_name_of_a_model_is_none(monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    """A variable cannot be given back in another way."""
    monkeypatch.setenv(f"SUPEREGO_{role.upper()}__MODEL", "")
    assert getattr(load_settings(), role).model is None


def test_a_variable_below_what_is_no_group_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the file, where the key is as it should be."""
    (tmp_path / "superego.yaml").write_text("generator: {api_key: sk-right}\n")
    monkeypatch.setenv("SUPEREGO_GENERATOR__API_KEY__X", "sk-wrong")
    with pytest.raises(SettingsError, match=r"^SUPEREGO_GENERATOR__API_KEY__X: `generator.api_key` must") as caught:
        load_settings()
    assert "sk-" not in str(caught.value)


def test_a_key_of_a_mapping_is_no_part_of_a_variables_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would lose its capital letters, and a code that is not the guard's would stand in its place."""
    monkeypatch.setenv("superego_guard__categories__S15", "own")
    with pytest.raises(SettingsError, match=r'={"S15": "own"}$'):
        load_settings()
    monkeypatch.delenv("superego_guard__categories__S15")
    monkeypatch.setenv("SUPEREGO_GUARD__CATEGORIES__S15", "own")
    with pytest.raises(SettingsError, match=r'^SUPEREGO_GUARD__CATEGORIES__S15: .* set SUPEREGO.*={"S15": "own"}$'):
        load_settings()
    monkeypatch.delenv("SUPEREGO_GUARD__CATEGORIES__S15")
    monkeypatch.setenv("SUPEREGO_GUARD__CATEGORIES", '{"S15": "own"}')
    assert load_settings().guard.categories == {"S15": "own"}


def test_faults_come_in_the_order_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind those of variables, so that a person can work down the list."""
    monkeypatch.setenv("SUPEREGO_PARALLEL", "many")
    (tmp_path / "superego.yaml").write_text("threads: many\nbogus: 1\ngenerator: {top_p: 7}\ncache: x\n")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    places = [line.split(": ")[0].removeprefix(f"{tmp_path}/superego.yaml:") for line in str(caught.value).splitlines()]
    assert places == ["SUPEREGO_PARALLEL", "1:1", "2:1", "3:13", "4:1"]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        (
            "SUPEREGO_TRUSTED",
            "mine:make",
            'SUPEREGO_TRUSTED: lists and mappings are given as JSON there, ["mine:make"]',
        ),
        ("SUPEREGO_IDENTITY__USE", "preprompt", '["preprompt"]'),
        ("SUPEREGO_GENERATOR", "embedded", "set SUPEREGO_GENERATOR__MODEL=embedded"),
    ],
)
def test_a_variable_that_is_no_json_is_told(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    """Where a list or a mapping is wanted, with what to write; the others are innocent."""
    monkeypatch.setenv("SUPEREGO_GENERATOR__TOP_P", "0.5")
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value).startswith(f"{variable}: ")
    assert str(caught.value).endswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("generator: {api_key: 123454321}", "`generator.api_key` must be words: put quotes around it"),
        ("server: {keys: [{name: a, sha256: '123454321'}]}", "`server.keys.0.sha256` does not fit ^[0-9a-fA-F]{64}$"),
        ("server: {keys: ['123454321']}", "`server.keys.0` must be a mapping"),
        ("server: {keys: '123454321'}", "`server.keys` must be a list"),
        ("server: {keys: [{k123454321}]}", "unknown key `server.keys.0.…`"),
        ("generator: {apikey: k123454321}", "unknown key `generator.apikey`; did you mean `api_key`?"),
        ("generator: {api_key:k123454321}", "`generator.api_key`: put a space behind its colon"),
        ("generator:\n  api_key:k123454321", "`generator`: put a space behind the colon of `api_key:`"),
        ("generator: k123454321", "write `generator: {model: …}`"),
        ("generator: 'http://bob:k123454321@host/v1'", "write `generator: {model: …}`"),
        ("generator: {base_url: ['http://bob:k123454321@host/v1']}", "`generator.base_url` must be words"),
        ("generator:\n  api_key: !k123454321\n", "the tag `!…` is not allowed"),
        ("generator: {api_key: 123454321e123454321}", "not a finite number; if it is a word, put quotes around it"),
    ],
)
def test_a_fault_of_a_secret_does_not_repeat_it(tmp_path: Path, text: str, said: str) -> None:
    """Terminals and logs are read by others, and what is printed of an error is all of it."""
    (tmp_path / "superego.yaml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert said in str(caught.value)
    assert "123454321" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('{"api_key": "k123454321",}', "SUPEREGO_GENERATOR: not JSON: Expecting property name"),
        ("{api_key: k123454321}", "SUPEREGO_GENERATOR: not JSON: Expecting property name"),
        ("http://bob:k123454321@host/v1", "set SUPEREGO_GENERATOR__MODEL=…"),
        ("api_key:k123454321", "set SUPEREGO_GENERATOR__MODEL=…"),
        ("k123454321", "set SUPEREGO_GENERATOR__MODEL=…"),
        ('"k123454321"', "write `generator: {model: …}`"),
        ('{"api_key": ["k123454321"]}', "`generator.api_key` must be words"),
    ],
)
def test_a_fault_of_a_variable_does_not_repeat_a_secret(monkeypatch: pytest.MonkeyPatch, given: str, said: str) -> None:
    """Also where it was to be JSON, and is none."""
    monkeypatch.setenv("SUPEREGO_GENERATOR", given)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert said in str(caught.value)
    assert "123454321" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("given", [{"api_key": ["k123454321"]}, {"apikey": "k123454321"}, "k123454321"])
def test_settings_made_in_python_do_not_repeat_a_secret(given: object) -> None:
    """Nor do the parts of them."""
    with pytest.raises(ValueError, match="generator") as caught:
        Settings.model_validate({"generator": given})
    assert "123454321" not in str(caught.value)
    with pytest.raises(ValueError, match="JudgeSettings") as of_part:
        JudgeSettings.model_validate(given)
    assert "123454321" not in str(of_part.value)


def test_a_secret_that_is_no_json_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a list is wanted."""
    monkeypatch.setenv("SUPEREGO_SERVER__KEYS", "sk-mine")
    with pytest.raises(SettingsError, match=r"^SUPEREGO_SERVER__KEYS: .* \[\"…\"\]$") as caught:
        load_settings()
    assert "sk-mine" not in str(caught.value)


def test_a_file_of_comments_is_no_settings(tmp_path: Path) -> None:
    """Everything commented out is the defaults."""
    (tmp_path / "superego.yaml").write_text("# generator: {}\n")
    assert load_settings() == load_settings(flags={})


def test_a_fault_in_a_flag_names_the_flag() -> None:
    """As it was given."""
    with pytest.raises(SettingsError, match=r"^flag `generator.top_p`"):
        load_settings(flags={"generator": {"top_p": 7}})


def test_a_named_file_that_is_missing_is_a_fault(tmp_path: Path) -> None:
    """`--config` never falls back to something else."""
    with pytest.raises(SettingsError, match="No such file"):
        load_settings(tmp_path / "nowhere.yaml")


def test_secrets_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither printing nor dumping settings shows a key."""
    monkeypatch.setenv("SUPEREGO_GENERATOR__API_KEY", "sk-very-secret")
    settings = load_settings()
    assert settings.generator.api_key is not None
    assert settings.generator.api_key.get_secret_value() == "sk-very-secret"
    assert "very-secret" not in settings.model_dump_json() + repr(settings) + str(settings)


def test_what_an_address_hides_is_not_shown_either() -> None:
    """Where settings are printed, as in a traceback or a log, also those that travel to other machines."""
    own = {"model": "openai:a", "base_url": "http://bob:hunter2@host/v1"}
    settings = Settings.model_validate({"generator": own})
    assert settings.generator.reached["base_url"] == "http://bob:hunter2@host/v1"
    assert "base_url='http://***@host/v1'" in repr(settings)
    assert "hunter2" not in repr(settings) + str(settings.generator) + repr(packed(settings, load("house-style")))


def test_one_identity_is_a_list_of_one() -> None:
    """A name by itself; how strongly it acts has bounds."""
    assert load_settings(flags={"identity": {"use": "preprompt"}}).identity.use == ("preprompt",)
    with pytest.raises(SettingsError, match=r"^flag `identity.scale`"):
        load_settings(flags={"identity": {"scale": 70}})


@pytest.mark.parametrize(
    ("text", "means"), [("true", True), ("1", True), ("FALSE", False), ("no", False), ("iq4_nl", "iq4_nl")]
)
def test_a_variable_names_a_form_or_says_whether(monkeypatch: pytest.MonkeyPatch, text: str, means: object) -> None:
    """In any of the words for true and false."""
    monkeypatch.setenv("SUPEREGO_OPTIMISE", text)
    optimise = load_settings().optimise
    assert (type(optimise), optimise) == (type(means), means)


def test_a_form_that_there_is_not_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what there is."""
    monkeypatch.setenv("SUPEREGO_OPTIMISE", "q4_0")
    with pytest.raises(SettingsError, match=r"^SUPEREGO_OPTIMISE: `optimise`: .* True, False or 'iq4_nl'$"):
        load_settings()


def test_every_family_of_guards_can_be_named() -> None:
    """Settings and critics know the same ones."""
    assert set(get_args(GuardFamilyName)) == {"auto", *GUARD_FAMILIES}


def test_a_fault_inside_a_variable_with_json_is_the_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "superego.yaml").write_text("threads: 2\n")
    monkeypatch.setenv("SUPEREGO_JUDGE", '{"context": -1}')
    with pytest.raises(SettingsError, match=r"^SUPEREGO_JUDGE: `judge\.context`"):
        load_settings(tmp_path / "superego.yaml")


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("SUPEREGO_GENERATOR_MODEL", "did you mean SUPEREGO_GENERATOR__MODEL?"),
        ("superego_generater__model", "did you mean SUPEREGO_GENERATOR__MODEL?"),
        ("SUPEREGO_MANIFSTO", "did you mean SUPEREGO_MANIFESTO?"),
        ("SUPEREGO_QUIXOTIC", "superego config show has all settings"),
    ],
)
def test_a_variable_that_sets_nothing_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, said: str) -> None:
    """With what was meant; those that set something, groups and what is inside of them, are not."""
    monkeypatch.setenv("SUPEREGO_GENERATOR__TOP_P", "0.5")
    monkeypatch.setenv("SUPEREGO_JUDGE", "{}")
    monkeypatch.setenv("SUPEREGO_THREADS", "2")
    monkeypatch.setenv("NOT_SUPEREGO_AT_ALL", "1")
    monkeypatch.setenv("SUPEREGO_EVAL", "where benches find their data")
    assert unused(Settings) == []
    monkeypatch.setenv(variable, "x")
    assert unused(Settings) == [f"{variable} sets nothing; {said}"]


def test_a_path_in_the_file_is_meant_from_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the command is run below it; names, and what is no file, stay what they are."""
    above, below = tmp_path / "above", tmp_path / "above" / "below"
    (above / "mine").mkdir(parents=True)
    below.mkdir()
    (above / "superego.yaml").write_text(
        "manifesto: ours.yaml\n"
        "generator: {model: chat-llama-cpp:w/a.gguf}\n"
        "judge: {model: w/b.gguf, adapter: none}\n"
        "guard: {model: 'openai:g.gguf', template: t.jinja}\n"
        "probe: {file: /elsewhere/p.safetensors}\n"
        "identity: {use: [preprompt, i.gguf]}\n"
        "cache: {file: c.sqlite}\n"
        "server: {manifestos: [house-style, mine, other.yaml]}\n"
    )
    monkeypatch.chdir(below)
    told = load_settings()
    assert told.manifesto == f"{above}/ours.yaml"
    assert told.generator.model == f"chat-llama-cpp:{above}/w/a.gguf"
    assert (told.judge.model, told.judge.adapter) == (f"{above}/w/b.gguf", Path("none"))
    assert (told.guard.model, told.guard.template) == ("openai:g.gguf", above / "t.jinja")
    assert told.probe.file == Path("/elsewhere/p.safetensors")
    assert told.identity.use == ("preprompt", f"{above}/i.gguf")
    assert told.cache.file == above / "c.sqlite"
    assert told.server.manifestos == ("house-style", f"{above}/mine", f"{above}/other.yaml")
    assert load_settings(Path("..") / "superego.yaml") == told
    monkeypatch.chdir(above)
    assert load_settings() == told


def test_a_path_in_a_variable_or_a_flag_is_meant_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is typed."""
    (tmp_path / "superego.yaml").write_text("judge: {adapter: a.gguf}\ncache: {file: c.sqlite}\n")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    monkeypatch.setenv("SUPEREGO_CACHE__FILE", "mine.sqlite")
    told = load_settings(flags={"judge": {"adapter": Path("b.gguf")}})
    assert (told.judge.adapter, told.cache.file) == (Path("b.gguf"), Path("mine.sqlite"))


def test_a_fault_below_the_file_names_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was made of its paths."""
    (tmp_path / "superego.yaml").write_text("identity:\n  use: 7\nmanifesto: hous-style\njudge: embedded\n")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    places = [line.removeprefix(f"{tmp_path}/superego.yaml:")[:3] for line in str(caught.value).splitlines()]
    assert places == ["2:3", "3:1", "4:1"]
    assert "write `judge: {model: embedded}`" in str(caught.value)


@pytest.mark.parametrize("told", ["file", "variable"])
def test_a_cache_at_home_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    """Not in a folder called `~`; a home that nobody has is a fault."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    if told == "file":
        (tmp_path / "superego.yaml").write_text("cache: {file: ~/mine/c.sqlite}\n")
        (tmp_path / "below").mkdir()
        monkeypatch.chdir(tmp_path / "below")
    else:
        monkeypatch.setenv("SUPEREGO_CACHE__FILE", "~/mine/c.sqlite")
    assert load_settings().cache.file == tmp_path / "home" / "mine" / "c.sqlite"
    with pytest.raises(SettingsError, match=r"flag `cache\.file`: ~nobody-at-all/c: there is no such home folder"):
        load_settings(flags={"cache": {"file": "~nobody-at-all/c"}})


_FILES: dict[str, object] = {
    "manifesto": "~/m.yaml",
    "generator": {"model": "~/g.gguf"},
    "judge": {"model": "~/j.gguf", "adapter": "~/a.gguf"},
    "guard": {"model": "~/w.gguf", "template": "~/t.jinja"},
    "probe": {"file": "~/p.safetensors"},
    "identity": {"use": ["~/i.gguf", "preprompt"]},
    "cache": {"file": "~/c.sqlite"},
    "server": {"manifestos": ["~/ms", "house-style"]},
}


@pytest.mark.parametrize("told", ["file", "variables", "flags", "paths"])
def test_whatever_may_be_a_path_may_be_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    """In the file, in variables, which no shell may have seen, and in Python, where a `Path` does as well."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    flags = _FILES if told == "flags" else {}
    if told == "file":
        (tmp_path / "superego.yaml").write_text(json.dumps(_FILES))
    elif told == "variables":
        for name, value in _FILES.items():
            monkeypatch.setenv(f"SUPEREGO_{name.upper()}", value if isinstance(value, str) else json.dumps(value))
    elif told == "paths":
        flags = _paths(_FILES)
    found = load_settings(flags=flags).model_dump(mode="json")
    for name, value in _FILES.items():
        expected = json.loads(json.dumps(value).replace("~", str(tmp_path / "home")))
        assert {name: expected} == {name: _kept(found[name], expected)}


def _paths(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _paths(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_paths(inner) for inner in value]
    return Path(value) if value.startswith("~") else value


def _kept(found: Any, keys: Any) -> Any:
    return {key: found[key] for key in keys} if isinstance(keys, dict) else found


def test_one_identity_may_be_a_path_by_itself() -> None:
    """As a name may."""
    assert load_settings(flags={"identity": {"use": Path("i.gguf")}}).identity.use == ("i.gguf",)


@pytest.mark.parametrize("as_given", [str, Path])
def test_a_file_of_settings_and_a_manifesto_may_be_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_given: Callable[[str], str | Path]
) -> None:
    """From Python, where no shell has seen them; so may be what a manifesto extends."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "s.yaml").write_text("threads: 3\n")
    (tmp_path / "m.yaml").write_text("name: m\nversion: '1'\nextends: ~/n.yaml\n")
    (tmp_path / "n.yaml").write_text("name: n\nversion: '1'\nrules: [{id: a, statement: A., critics: [judge]}]\n")
    assert load_settings(as_given("~/s.yaml")).threads == 3
    assert load(as_given("~/m.yaml")).rules[0].id == "a"
    assert check(as_given("~/m.yaml")) == []
    assert pipeline.load(as_given("house-style"), drafts=False).manifesto.name == "house-style"


def test_a_working_folder_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are looked for from there upward."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(SettingsError, match=r"the working folder is not there any more .*: change to another"):
        load_settings()
