"""What the critic does to the process that it runs in: nothing that is not asked for."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from critics.exchange import Exchange
from critics.finding import Finding
from critics.manifesto.schema import PersonalData, Rule
from critics.personal_data import PersonalDataCritic
from critics.personal_data.recognisers import recognisers

JUDGE = """
from critics.exchange import Exchange
from critics.manifesto.schema import PersonalData, Rule
from critics.personal_data import PersonalDataCritic
rule = Rule(id="r", statement="s", personal_data=PersonalData(entities=("email", "phone", "url")))
[finding] = PersonalDataCritic()(Exchange((), "jane@example.com, www.example.org, +49 30 901820"), [rule])
print(finding.mend)
"""
FOUND = "('[email]', '[url]', '[phone]')\n"


def python(code: str, home: Path) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter with warnings as errors, `home` as home folder, and nothing cached."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "SYSTEMROOT", "PYTHONPATH")}
    env = kept | {"HOME": str(home), "USERPROFILE": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=env, capture_output=True, text=True, check=False
    )


def test_nothing_is_fetched_written_or_logged(tmp_path: Path) -> None:
    """The first e-mail address opens no socket, the home folder stays empty, and standard error stays silent."""
    blocked = (
        "import logging, socket\n"
        "def refuse(*_): raise SystemExit('the network was asked for')\n"
        "socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse\n"
        "logging.basicConfig(level=logging.INFO)\n"
    )
    done = python(blocked + JUDGE, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, FOUND, "")
    assert list(tmp_path.iterdir()) == []


def test_a_log_level_of_the_hosts_own_is_kept(tmp_path: Path) -> None:
    """Who asked Presidio for its log gets it."""
    asked = "import logging\nlog = logging.getLogger('presidio-analyzer')\nlog.setLevel(logging.INFO)\n"
    done = python(f"{asked}{JUDGE}print(log.level)", tmp_path)
    assert done.stdout == f"{FOUND}20\n"


def test_importing_the_room_does_not_import_presidio(tmp_path: Path) -> None:
    """The vendor is loaded by the first judgement, not by the import."""
    code = "import sys, critics\nprint({'presidio_analyzer', 'spacy', 'tldextract'} & set(sys.modules))"
    assert python(code, tmp_path).stdout == "set()\n"


def test_without_presidio_the_error_says_what_to_install(tmp_path: Path) -> None:
    """The extra is named in the words that pip takes."""
    done = python(f"import sys\nsys.modules['presidio_analyzer'] = None\n{JUDGE}", tmp_path)
    assert "ExtraMissing" in done.stderr
    assert "pip install 'superego[personal-data]'" in done.stderr


def test_many_threads_share_one_critic() -> None:
    """Threads that start at once, before anything is built, all get the same finding."""
    critic, start = PersonalDataCritic(), threading.Barrier(12)
    rule = Rule(id="r", statement="s", personal_data=PersonalData(regions=("NZ", "US")))
    exchange = Exchange((), "jane@example.com, +49 30 901820 and 4111 1111 1111 1111 " * 20)

    def judge(_: int) -> Finding:
        start.wait(timeout=60)
        return critic(exchange, [rule])[0]

    with ThreadPoolExecutor(12) as pool:
        findings = list(pool.map(judge, range(12)))
    assert len(findings[0].spans) == 60
    assert findings == findings[:1] * 12


def test_recognisers_are_made_once() -> None:
    """The order in which kinds and regions are named makes no difference to the ones that are kept."""
    assert recognisers(("ip", "mac"), ("US", "GB")) is recognisers(("mac", "ip"), ("GB", "US"))


@pytest.mark.parametrize("unit", ["_", "-", "a_", "_a", "a@", "a.", "a-", "1 ", "1.", "::"])
def test_long_texts_are_quick(unit: str) -> None:
    """The time grows with the length of a text and no faster, also of one that was made for the patterns."""
    critic, rule = PersonalDataCritic(), Rule(id="r", statement="s")
    critic(Exchange((), "once, to load"), [rule])
    began = time.perf_counter()
    critic(Exchange((), f"a{unit * (40_000 // len(unit))}a"), [rule])
    assert time.perf_counter() - began < 10
