"""A cluster that cannot be had: it is said at once, and how one is."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest
from ray._private.services import find_node_ids

from critics import ExtraMissing
from pipeline import BadInput, ModelUnavailable
from pipeline.batch.ray_door import cluster, connected


@pytest.mark.parametrize("address", ["ray://head:10001", "head", "head:port", ":6379"])
def test_an_address_that_cannot_be_one(address: str) -> None:
    """It is said what one looks like."""
    with pytest.raises(BadInput, match="HOST:PORT"):
        connected(address).__enter__()


def test_nobody_is_there() -> None:
    """Ray would try for minutes and end the process."""
    with pytest.raises(ModelUnavailable, match=r"no Ray cluster at 127\.0\.0\.1:1: .*ray start --head"):
        connected("127.0.0.1:1").__enter__()


def test_something_else_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes the call and never answers as a cluster is given up in time."""
    monkeypatch.setattr(cluster, "_ANSWER_SECONDS", 4)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ModelUnavailable, match=f"at {address}: whatever is there has not answered .* 4 seconds"):
            connected(address).__enter__()


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where Ray keeps the address of the last cluster, with none in it: a head that was killed leaves its own."""
    if find_node_ids():
        (pytest.fail if "CI" in os.environ else pytest.skip)("this machine is a node of a cluster: `ray stop` ends it")
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    (tmp_path / "ray").mkdir()
    return tmp_path / "ray" / "ray_current_cluster"


def test_a_cluster_that_was_killed(monkeypatch: pytest.MonkeyPatch, nowhere: Path) -> None:
    """Ray goes on calling the address that its head left behind: it is said how that is ended."""
    monkeypatch.setattr(cluster, "_ANSWER_SECONDS", 4)
    nowhere.write_text("127.0.0.1:1", encoding="utf-8")
    with pytest.raises(ModelUnavailable, match=r"at auto: the last one here has not answered in 4 .*`ray stop`"):
        connected("auto").__enter__()


@pytest.mark.usefixtures("nowhere")
def test_this_machine_is_no_node_of_any() -> None:
    """`auto` finds none, and says so in Ray's words."""
    with pytest.raises(ModelUnavailable, match=r"no Ray cluster at auto: .*[Cc]ould not find any running Ray"):
        connected("auto").__enter__()


def test_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ExtraMissing, match=r"the engine 'ray' needs an extra: pip install 'superego\[ray\]'"):
        connected().__enter__()
