from __future__ import annotations

import sys
from pathlib import Path

import pytest

import manifestos
from critics import ManifestoError, check, load

HEAD = 'name: m\nversion: "1"\nrules:\n'
SOUND = "  - {id: sound, statement: Sound., critics: [patterns], patterns: {forbid: [x]}}\n"


def faults(folder: Path, text: str, trusted: tuple[str, ...] = ()) -> list[str]:
    file = folder / "m.yaml"
    file.write_text(text)
    return [str(fault).removeprefix(f"{folder}/") for fault in check(str(file), trusted=trusted)]


@pytest.mark.parametrize(
    ("guard", "rule", "said"),
    [
        ("", "critics: [guard]", "m.yaml:4:28: a rule asks for the critic `guard`, but no guard model is configured"),
        ("qwen3guard", "critics: [guard], guard: {codes: [PII, Violant]}", "did you mean `Violent`?"),
        ("llama-guard", "critics: [guard], guard: {codes: [S15]}", "llama-guard does not know the code `S15`"),
        ("llama-guard", "critics: [guard], guard: {criterion: Cats.}", "llama-guard takes no criterion"),
        (None, "critics: [guard], guard: {codes: [S15]}", ""),
        (None, "critics: [patterns], patterns: {forbid: [x]}, guard: {}", "`guard` is not among the rule's critics"),
    ],
)
def test_a_guards_rules_are_held_against_the_configured_family(
    tmp_path: Path, guard: str | None, rule: str, said: str
) -> None:
    """Where that is known; without it, only options that nobody reads are faults."""
    file = tmp_path / "m.yaml"
    file.write_text(HEAD + f"  - {{id: a, statement: A., {rule}}}\n")
    found = [str(fault) for fault in check(str(file), guard=guard)]
    assert len(found) == bool(said)
    assert said in "".join(found)


@pytest.mark.parametrize(
    ("heads", "rule", "said"),
    [
        (
            ("kind",),
            "critics: [probe]",
            "m.yaml:4:33: no probe has a head `calm`, so the rule is always undecided; train",
        ),
        (("kind",), "critics: [probe], probe: {head: kin}", "m.yaml:4:59: no probe has a head `kin`, so the rule is"),
        (("kind",), "critics: [probe], probe: {head: kind}", ""),
        (("calm",), "critics: [probe]", ""),
        (("kind",), "critics: [probe, judge]", ""),
        (None, "critics: [probe]", ""),
    ],
)
def test_a_rule_that_only_a_missing_head_could_judge_is_found(
    tmp_path: Path, heads: tuple[str, ...] | None, rule: str, said: str
) -> None:
    """Every answer would be undecided by it; where others judge as well, or heads are not known, it may work."""
    file = tmp_path / "m.yaml"
    file.write_text(HEAD + f"  - {{id: calm, statement: Calm, {rule}}}\n")
    found = [str(fault).removeprefix(f"{tmp_path}/") for fault in check(str(file), heads=heads)]
    assert len(found) == bool(said)
    assert all(fault.startswith(said) for fault in found)


@pytest.mark.parametrize("name", manifestos.names())
def test_shipped_manifestos_have_no_fault(name: str) -> None:
    """Examples included."""
    assert check(name) == []


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("critics: [paterns]", "m.yaml:4:38: unknown critic `paterns`; did you mean `patterns`?"),
        ("critics: [own.module:make]", "m.yaml:4:38: the critic `own.module:make` is not trusted"),
        ("critics: [patterns]", "nothing to look for"),
        ("critics: [patterns], patterns: {}", "nothing to look for"),
        ("patterns: {forbid: [x]}", "`patterns` is not among the rule's critics"),
        ("critics: [semantic]", "goes by examples of both kinds"),
        ("critics: [semantic], examples: [{text: x, breaks: true}]", "m.yaml:4:49: the critic `semantic` goes by"),
        ("remote: {categories: [hate]}", "`remote` is not among the rule's critics"),
        ("grounded: {}", "`grounded` is not among the rule's critics"),
        ("critics: [grounded], applies_to: input, action: veto", "checks a draft against its sources"),
        ("critics: [grounded], grounded: {kinds: []}", "grounded.kinds` must have at least 1 in it"),
        ("critics: [grounded], grounded: {half_live: 3}", "did you mean `half_life`?"),
        ("semantic: {}", "`semantic` is not among the rule's critics"),
        ("personal-data: {}", "`personal-data` is not among the rule's critics"),
        ("critics: [patterns], patterns: {forbid: ['(']}", "close what is opened"),
        ("critics: [patterns], patterns: {forbid: ['(?=a)b']}", "look"),
        ("critics: [patterns], patterns: {require: ['(a+)+$']}", "exponentially many ways"),
        ("critics: [patterns], patterns: {forbid: ['x*']}", "matches the empty text"),
        ("critics: [patterns], patterns: {forbid: ['costs $5']}", r"never matches; write `\$` for the sign"),
        ("critics: [patterns], patterns: {require: ['a|(b|x^2)']}", r"never matches; write `\^` for the sign"),
        (
            r'critics: [patterns], patterns: {forbid: ["\bfoo"]}',
            r"`\x08foo` asks for the control character '\x08'; put single",
        ),
        (
            r'critics: [patterns], patterns: {forbid: ["\dfoo"]}',
            "unknown escape character; put single quotes around it",
        ),
        ("critics: [patterns], patterns: {forbid_words: [x, ' ']}", "m.yaml:4:78: there is nothing in it to look for"),
        ("critics: [patterns], patterns: {require_words: [Good day], forbid_words: [good]}", "no draft can say it"),
        ("critics: [patterns], patterns: {require: [x], forbid: [x]}", "no draft can have it"),
        (
            r"critics: [patterns], action: redact, patterns: {forbid: ['\[.*?\]']}",
            "what is put in, '[removed]', is forbidden",
        ),
        (
            "critics: [patterns], action: redact, patterns: {forbid_words: [x], replace_with: an X}",
            "m.yaml:4:95: what is put in, 'an X', is forbidden itself",
        ),
        (r"critics: [patterns], patterns: {forbid: ['\p{Lu}{5}']}", r"`\p{Lu}` does not tell capitals"),
        ("critics: [patterns], patterns: {forbid: ['[[:upper:]]{5}']}", "give `case_sensitive: true`"),
        (
            "critics: [patterns], patterns: {words: {at_least: 9}, characters: {at_most: 8}}",
            "m.yaml:4:60: no draft has 9 words in at most 8 characters",
        ),
        (
            "critics: [patterns], patterns: {sentences: {at_least: 9}, words: {at_most: 8}}",
            "no draft has 9 sentences in at most 8 words",
        ),
        ("critics: [judge, judge]", "m.yaml:4:45: `judge` is named twice, and asked once"),
        (
            "examples: [{text: a b, breaks: true}, {text: a b, breaks: false}]",
            "m.yaml:4:66: the same text is labelled otherwise in example 1",
        ),
        ("critics: [patterns], patterns: {words: {at_least: 9, at_most: 3}}", "no draft can have at least 9"),
        ("critics: [patterns], patterns: {words: {at_most: 0}}", "empty draft is never released"),
        ("critics: [patterns], patterns: {words: {}}", "says neither"),
        ("critics: [patterns], patterns: {languages: [en, jp]}", "m.yaml:4:76: the language detector does not"),
        ("critics: [patterns], patterns: {languages: [jp]}", "did you mean `ja`?"),
        ("critics: [patterns], patterns: {languages: [ti]}", "write an ISO 639-1 code of one that it knows"),
        ("critics: [personal-data], personal-data: {regions: [US, UK]}", "m.yaml:4:84: no phone number has the"),
        ("critics: [personal-data], personal-data: {regions: [UK]}", "did you mean `GB`?"),
        ("critics: [personal-data], personal-data: {regions: [QQ]}", "write an ISO 3166 code"),
        (
            "critics: [personal-data], personal-data: {entities: [email], regions: [GB]}",
            "m.yaml:4:89: regions are never used: `phone` is not among the rule's `entities`",
        ),
        ("action: redact", "only patterns and personal-data know"),
        ("applies_to: input, action: revise", "use veto or flag"),
    ],
)
def test_what_parses_but_cannot_work_is_found(tmp_path: Path, rule: str, said: str) -> None:
    """Each with its place and its cure; the sound rule beside it is not complained about."""
    found = faults(tmp_path, f"{HEAD}  - {{id: a, statement: A., {rule}}}\n{SOUND}")
    assert len(found) == 1
    assert said in found[0]


@pytest.mark.parametrize(
    "options",
    [
        "patterns: {require_words: [goodness], forbid_words: [good]}",
        "patterns: {require_words: [Good], forbid_words: [good], case_sensitive: true}",
        r"patterns: {forbid: ['\p{Lu}{5}'], case_sensitive: true}",
        r"patterns: {forbid: ['(?-i)\p{Lu}{5}', '\p{L}']}",
        "patterns: {words: {at_least: 9}, characters: {at_most: 9}, sentences: {at_least: 9}}",
        "patterns: {forbid: [x]}, examples: [{text: x, breaks: true}, {text: x, breaks: true}]",
        "patterns: {forbid: ['  ']}, examples: [{text: a  b, breaks: true}, {text: a b, breaks: false}]",
    ],
)
def test_what_can_be_met_is_no_fault(tmp_path: Path, options: str) -> None:
    """However near it comes to what cannot."""
    assert faults(tmp_path, f"{HEAD}  - {{id: a, statement: A., critics: [patterns], {options}}}\n") == []


@pytest.mark.parametrize("written", ["007", "1.50", "1e5", "true", "null", "0x1F"])
def test_a_word_that_yaml_reads_as_something_else_is_told_as_it_is_written(tmp_path: Path, written: str) -> None:
    """Quotes around 7 would make another word of 007."""
    rule = f"  - {{id: a, statement: A., critics: [patterns], patterns: {{forbid_words: [{written}]}}}}\n"
    (found,) = faults(tmp_path, HEAD + rule)
    assert found.endswith(f"must be words: put quotes around {written}")


def test_words_with_a_colon_in_them_are_to_be_quoted(tmp_path: Path) -> None:
    (found,) = faults(tmp_path, f"{HEAD}  - id: a\n    statement: Never: say this.\n")
    assert found.endswith("put quotes around words with a colon and a space in them")


def test_languages_and_regions_that_are_known_are_no_fault(tmp_path: Path) -> None:
    """Nor is a language that the detector knows by another code."""
    rules = """\
  - {id: a, statement: A., critics: [patterns], patterns: {languages: [uk, nb, se]}}
  - {id: b, statement: B., critics: [personal-data], personal-data: {regions: [GB, UA, SE]}}
  - {id: c, statement: C., critics: [personal-data], personal-data: {entities: [email]}}
"""
    assert faults(tmp_path, HEAD + rules) == []


def test_regions_are_not_told_of_where_nothing_can_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra it is the critic that complains, of that."""
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    rule = "  - {id: b, statement: B., critics: [personal-data], personal-data: {regions: [UK]}}\n"
    assert faults(tmp_path, HEAD + rule) == []


def test_a_trusted_critic_of_ones_own_is_no_fault(tmp_path: Path) -> None:
    """It is not imported to be checked."""
    text = f"{HEAD}  - {{id: a, statement: A., critics: ['own.module:make']}}\n"
    assert faults(tmp_path, text, trusted=("own.module:make",)) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  - {id: a, statement: A.}\nrelease: 1\n", "m.yaml:5:1: no draft can reach a score of 1"),
        ("  - {id: a, statement: A., weight: 0}\n", "every draft reaches it"),
        ("  - {id: a, statement: A., action: flag}\n", "every draft is released"),
    ],
)
def test_a_pass_score_that_no_draft_or_every_draft_reaches_is_found(tmp_path: Path, text: str, said: str) -> None:
    """Such a manifesto would withhold everything, or nothing."""
    assert any(said in fault for fault in faults(tmp_path, HEAD + text))


def test_a_pass_score_of_one_is_fine_where_rules_are_certain(tmp_path: Path) -> None:
    """Deterministic rules either hold or do not."""
    assert faults(tmp_path, f"{HEAD}{SOUND}release: 1\n") == []


def test_examples_that_are_judged_wrongly_are_found(tmp_path: Path) -> None:
    """Both ways, each at its own line."""
    text = f"""{HEAD}  - id: a
    statement: A.
    critics: [patterns]
    patterns: {{forbid_words: [rude]}}
    examples:
      - {{text: rude, breaks: true}}
      - {{text: crude, breaks: true}}
      - {{text: so rude, breaks: false}}
"""
    found = faults(tmp_path, text)
    assert [fault.split(": ")[0] for fault in found] == ["m.yaml:10:9", "m.yaml:11:9"]
    assert "said to break `a`" in found[0]
    assert "said to keep `a`" in found[1]
    assert "rude" in found[1]


def test_a_fault_of_one_kind_hides_none_of_another(tmp_path: Path) -> None:
    """A repeated id, an unknown key, an unknown critic, a pattern and a misjudged example, all in one answer."""
    text = f"""{HEAD}  - {{id: a, statement: A., critics: [paterns], threshhold: 2}}
  - {{id: b, critics: [patterns], patterns: {{forbid: ['(']}}}}
  - {{id: b, statement: B., critics: [patterns], patterns: {{forbid: [x]}}, examples: [{{text: y, breaks: true}}]}}
"""
    told = (
        "unknown critic `paterns`", "key `rules[0].threshhold`", "`rules[1].statement` is missing",
        "close what is opened", "a second rule with the id `b`", "said to break `b`",
    )  # fmt: skip
    found = faults(tmp_path, text)
    assert len(found) == len(told)
    for fault, what in zip(found, told, strict=True):
        assert what in fault


def test_what_the_unread_parent_may_say_is_no_fault(tmp_path: Path) -> None:
    """Options, statements and rules to disable may be there."""
    text = """\
name: m
extends: nowhere.yaml
rules:
  - {id: a, critics: [patterns], action: redact}
  - {id: b, disabled: true}
"""
    (found,) = faults(tmp_path, text)
    assert "nowhere.yaml, which is not a file" in found


def test_a_pass_score_that_is_inherited_is_told_at_the_writers_own_rule(tmp_path: Path) -> None:
    """With what to write: the parent's file is not theirs."""
    text = 'name: m\nversion: "1"\nextends: house-style\nrules:\n  - {id: kind, statement: The answer is kind.}\n'
    (found,) = faults(tmp_path, text)
    assert found.startswith("m.yaml:5:5: no draft can reach the inherited `release: 1`: `kind` is judged by prob")
    assert "write `release: 0.9`" in found
    assert faults(tmp_path, f"{text}release: 0.9\n") == []


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        ("{id: calm, critics: [personal-data]}", "patterns"),
        ("{id: brief, critics: [judge], patterns: null}", "action"),
        ("{id: plain-words, patterns: {forbid_words: [certainly]}}", "examples"),
    ],
)
def test_what_is_inherited_and_no_longer_fits_is_told_at_the_writers_own_rule(
    tmp_path: Path, rule: str, key: str
) -> None:
    """And where it comes from: the parent's file is not theirs."""
    text = f'name: m\nversion: "1"\nextends: house-style\nrelease: 0.9\nrules:\n  - {rule}\n'
    found = [
        fault
        for fault in faults(tmp_path, text)
        if f"`{key}` is inherited from {manifestos.path('house-style')}:" in fault
    ]
    assert found
    assert all(fault.startswith("m.yaml:6:5: ") for fault in found)


def test_what_is_inherited_for_rules_that_are_no_more_is_no_fault(tmp_path: Path) -> None:
    """It could not be taken away."""
    several = "critics: [patterns, judge], patterns: {forbid: [x]}"
    (tmp_path / "parent.yaml").write_text(
        HEAD.replace("rules:", "combine: mean\nrules:") + f"  - {{id: a, statement: A., {several}}}\n"
    )
    text = "name: m\nextends: parent.yaml\nrelease: 0.9\nrules: [{id: a, critics: [judge], patterns: null}]\n"
    assert faults(tmp_path, text) == []


def test_what_is_put_in_may_be_forbidden_where_it_never_stands(tmp_path: Path) -> None:
    """At the beginning of a text, or where blanks stand round it."""
    for options in (r"{forbid: ['https?://\S+', '^\W']}", r"{forbid: ['\s{2,}'], replace_with: ' '}"):
        rule = f"{{id: a, statement: A., critics: [patterns], action: redact, patterns: {options}}}"
        assert faults(tmp_path, f"{HEAD}  - {rule}\n") == []


def test_what_a_parent_says_wrong_by_itself_is_told_there(tmp_path: Path) -> None:
    """Its rule is not one of the child's."""
    (tmp_path / "parent.yaml").write_text(
        HEAD + "  - {id: a, statement: A., critics: [patterns], patterns: {forbid: ['[']}}\n"
    )
    (found,) = faults(tmp_path, "name: m\nextends: parent.yaml\nrules: [{id: b, statement: B.}]\n")
    assert found.startswith("parent.yaml:4:69: ")


def test_check_reports_in_the_order_of_the_file(tmp_path: Path) -> None:
    """So that a person can work down the list."""
    rules = "".join(f"  - {{id: r{i}, statement: A., critics: [nobody]}}\n" for i in range(12))
    lines = [int(fault.split(":")[1]) for fault in faults(tmp_path, HEAD + rules)]
    assert lines == sorted(lines)
    assert len(lines) == 12


def test_a_manifesto_that_cannot_work_is_not_loaded_either(tmp_path: Path) -> None:
    """What `check` finds without running a critic, `load` refuses."""
    file = tmp_path / "m.yaml"
    file.write_text(f"{HEAD}  - {{id: a, statement: A., critics: [paterns]}}\n")
    with pytest.raises(ManifestoError, match="did you mean `patterns`"):
        load(str(file))
