"""The critic `remote`, from the manifesto to a service on this machine and back."""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from critics import Exchange, Finding, Manifesto, Message, Panel, RemoteCritic, Rule
from critics.manifesto.schema import Remote
from pipeline import ModelMissing, SettingsError, assemble, load_settings
from pipeline.openai_door import OpenAiModerator
from tests.pipeline.openai_door.moderation_service import Line, Service, scores

KEY = "opaque-Key-0451"
Serve = Callable[..., Service]


def rule(*categories: str, name: str = "a") -> Rule:
    return Rule(id=name, statement="A.", critics=("remote",), remote=Remote(categories=categories))


def found(service: Service, *rules: Rule, text: str = "hello", **options: Any) -> list[Finding]:
    moderator = OpenAiModerator(model="m", base_url=service.base_url, **{"api_key": KEY, "timeout": 5.0, **options})
    return Panel({"remote": RemoteCritic(moderator)})(Exchange((Message("user", "hi"),), text), rules or [rule()])


def test_the_worst_of_the_named_categories_counts(serve: Serve) -> None:
    """Or of all, where a rule names none; one request serves all rules."""
    service = serve(scores(harassment=0.1, hate__threatening=0.7, violence=0.9))
    named, every = found(service, rule("harassment", "hate/threatening"), rule(name="b"))
    assert (named.probability, every.probability) == (0.7, 0.9)
    assert named.critique == "it was found to hold hate/threatening"
    assert every.critique == "it was found to hold violence, hate/threatening"
    assert [(asked["path"], asked["input"], asked["model"]) for asked in service.asked] == [
        ("/v1/moderations", "hello", "m")
    ]
    assert service.asked[0]["key"] == f"Bearer {KEY}"


def test_a_category_that_the_service_does_not_know_is_undecided(serve: Serve) -> None:
    """By its name, and with those that there are; a breach by another stands."""
    service = serve(scores(harassment=0.1, violence=0.9, illicit=None))
    unknown, broken, empty = found(
        service, rule("harrassment"), rule("harrassment", "violence", name="b"), rule("illicit", name="c")
    )
    assert unknown.probability is None
    assert "no probability of harrassment; it knows harassment, violence" in unknown.critique
    assert (broken.probability, broken.in_part) == (0.9, True)
    assert empty.probability is None


def test_no_record_holds_what_is_secret_in_the_address() -> None:
    """Neither a password nor what stands behind `?`: what a critic could not judge is written down, and why."""
    moderator = OpenAiModerator(model="m", base_url="http://bob:hunter2@127.0.0.1:9/v1?code=hunter3", tries=1)
    (finding,) = Panel({"remote": RemoteCritic(moderator)})(Exchange((Message("user", "hi"),), "hello"), [rule()])
    assert finding.probability is None
    assert "the moderation service m at http://127.0.0.1:9/v1 cannot be reached" in finding.critique
    assert "hunter" not in finding.critique


@pytest.mark.parametrize("status", [400, 404, 500])
def test_no_record_holds_what_a_server_repeats_of_the_address(serve: Serve, status: int) -> None:
    """Nor of how its password is sent."""
    sent = b64encode(b"bob:hunter2").decode()
    service = serve(Line(json.dumps({"error": {"message": f"no code=hunter3 for hunter2 ({sent})"}}), status))
    address = service.base_url.replace("http://", "http://bob:hunter2@") + "?code=hunter3"
    moderator = OpenAiModerator(model="m", base_url=address, tries=1)
    (finding,) = Panel({"remote": RemoteCritic(moderator)})(Exchange((Message("user", "hi"),), "hello"), [rule()])
    assert finding.probability is None
    assert "no code=*** for *** (***)" in finding.critique
    assert service.base_url in finding.critique


@pytest.mark.parametrize("score", ["NaN", "Infinity", "-0.1", "1.5"])
def test_a_score_that_is_no_probability_passes_nothing(serve: Serve, score: str) -> None:
    """Neither for the rule that names it nor for one that names none."""
    reply = f'{{"results": [{{"category_scores": {{"hate": {score}, "violence": 0.1}}}}]}}'
    service = serve(Line(reply))
    named, every, other = found(service, rule("hate"), rule(name="b"), rule("violence", name="c"))
    assert (named.probability, every.probability, other.probability) == (None, None, 0.1)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no JSON",
        "[]",
        "{}",
        '{"results": []}',
        '{"results": {}}',
        '{"results": [{"flagged": false}]}',
        '{"results": [{"category_scores": {"hate": "low"}}]}',
        '{"results": [{"category_scores": {"hate": true}}]}',
        '{"results": [{"category_scores": [0.1]}]}',
        '{"results": [{"category_scores": {}}]}',
        '{"results": [{"category_scores": {"hate": 0.1}}, {"category_scores": {"hate": 0.9}}]}',
    ],
)
def test_a_reply_of_another_shape_passes_nothing(serve: Serve, body: str) -> None:
    """Whatever the flags in it say."""
    (finding,) = found(serve(Line(body)))
    assert finding.probability is None
    assert finding.critique


def test_a_reply_of_another_shape_is_told_with_its_place_and_the_cure(serve: Serve) -> None:
    """Also one that no parser can hold."""
    for body in ("<html>", "[" * 100_000):
        service = serve(Line(body))
        (finding,) = found(service)
        assert f"the moderation service m at {service.base_url} answered without" in finding.critique
        assert "see that base_url is that of a moderation service" in finding.critique


@pytest.mark.parametrize(("status", "requests"), [(400, 1), (401, 1), (404, 1), (408, 2), (429, 2), (500, 2), (503, 2)])
def test_a_service_that_fails_passes_nothing(serve: Serve, status: int, requests: int) -> None:
    """It is asked again where that may help, as often as the settings say, and its words hold no key."""
    service = serve(Line(json.dumps({"error": {"message": f"no, {KEY}!"}}), status))
    (finding,) = found(service, tries=2)
    assert finding.probability is None
    assert str(status) in finding.critique
    assert KEY not in finding.critique
    assert len(service.asked) == requests


def test_a_busy_service_is_asked_again_when_it_said(serve: Serve) -> None:
    """After a 429 with Retry-After: 1, a second later, and then it judges."""
    service = serve(Line("{}", 429, {"Retry-After": "1"}), scores(hate=0.2))
    (finding,) = found(service)
    assert finding.probability == 0.2
    assert 1.0 <= service.asked[1]["at"] - service.asked[0]["at"] < 5


def test_a_service_that_is_too_slow_passes_nothing(serve: Serve) -> None:
    """Each request has its time limit."""
    service = serve(Line(scores(hate=0.0).body, delay=1.0))
    (finding,) = found(service, timeout=0.2, tries=1)
    assert finding.probability is None


def test_a_service_that_is_not_there_passes_nothing() -> None:
    """And the finding says what to look at."""
    (finding,) = found(Service([], "http://127.0.0.1:9/v1"), tries=1)
    assert finding.probability is None
    assert "base_url" in finding.critique


def test_disguise_is_taken_off_before_the_service_sees_the_text(serve: Serve) -> None:
    """Invisible characters inside words, lookalikes of other scripts."""
    service = serve(scores(hate=0.2))
    found(service, text="h\u200bat\u0435")
    assert service.asked[0]["input"] == "hate"


def test_settings_lead_to_the_service(serve: Serve) -> None:
    """From the manifesto's rule to the verdict, with nothing loaded that drafts."""
    service = serve(scores(hate=0.8))
    settings = load_settings(flags={"remote": {"base_url": service.base_url, "model": "mine"}})
    ego = assemble(Manifesto(name="m", version="1", rules=(rule("hate"),)), settings, drafts=False)
    assert ego.judge("hi", "hello").outcome == "revise"
    assert service.asked[0]["model"] == "mine"


def test_the_vendors_key_stays_with_the_vendor(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in the environment is not sent to a service of one's own that was given none."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-vendor")
    service = serve(scores(hate=0.2))
    found(service, api_key=None)
    assert service.asked[0]["key"] == "Bearer no-key-needed"


def test_what_is_missing_is_told_before_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key, a web address, the package."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(SettingsError, match="api_key"):
        OpenAiModerator(model="m")
    with pytest.raises(SettingsError, match="base_url"):
        OpenAiModerator(model="m", base_url="localhost:9000")
    monkeypatch.setitem(sys.modules, "openai", None)  # as if it were not installed
    with pytest.raises(ModelMissing, match=r"pip install 'superego\[openai\]'"):
        OpenAiModerator(model="m", api_key="x")
