"""A cluster, for as long as a run takes: one that is there, or one of this machine alone. Ray itself is kept quiet."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from critics import ExtraMissing
from pipeline.errors import BadInput, ModelUnavailable

STORE_BYTES = 100_000_000
"""Of Ray's object store where the cluster is ours: what workers are made from and big records go through it."""
_CALL_SECONDS = 5.0
"""For a cluster to let itself be called."""
_ANSWER_SECONDS = 30.0
"""And to answer. Ray's own patience is more than three minutes, and it then ends the process."""

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_USAGE_STATS_PROMPT_ENABLED": "0",
    # What raylets tell of workers that died goes to standard output, where the data belongs.
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
}
_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""So that no process of a cluster of ours can be called from elsewhere, under every system: who can call one of Ray's
can run on it what he likes. Ray takes 127.0.0.1 for no address of a node without it."""


@dataclass(frozen=True)
class Needs:
    """What a worker holds of its node for itself."""

    cpus: float = 1.0
    gpus: float = 0.0
    resources: Mapping[str, float] = field(default_factory=dict)

    @property
    def named(self) -> dict[str, float]:
        """As Ray calls them."""
        return {name: much for name, much in {"CPU": self.cpus, "GPU": self.gpus, **self.resources}.items() if much}

    def __str__(self) -> str:
        return ", ".join(f"{much:g} {name}" for name, much in self.named.items()) or "nothing"


class Cluster:
    """A cluster that this process is connected to. `own` says that it was started for this run, and never grows."""

    def __init__(self, ray: Any, *, own: bool = False) -> None:
        self.ray = ray
        self.own = own

    def room(self, needs: Needs) -> int:
        """How many workers would fit, if nobody else were there."""
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        wanted = needs.named.items()
        return sum(int(min((node.get(name, 0.0) / much for name, much in wanted), default=1)) for node in nodes)

    def __str__(self) -> str:
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        return "; ".join(sorted(_told(node) for node in nodes)) or "none"


@contextmanager
def connected(address: str | None = None) -> Iterator[Cluster]:
    """The cluster at `HOST:PORT`, `auto` for the one that this machine is a node of, or without an address one that is
    started on this machine, and ends with the run.

    Raises `ExtraMissing` without Ray, `BadInput` for an address that cannot be one, and `ModelUnavailable` where there
    is no cluster, or this machine is no node of it.
    """
    ray = _loaded(_QUIET if address else _QUIET | _LOOPBACK)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if address:
        _refuse_absent(address)
    else:
        quiet |= {"include_dashboard": False, "object_store_memory": STORE_BYTES}
    try:
        ray.init(address=address or "local", **quiet)
    except (ConnectionError, RuntimeError, ValueError, OSError) as exc:
        ray.shutdown()
        raise ModelUnavailable(f"no Ray cluster at {address or 'this machine'} can be used from here: {exc}") from exc
    try:
        yield Cluster(ray, own=not address)
    finally:
        ray.shutdown()


def _loaded(variables: Mapping[str, str]) -> Any:
    """Ray, which takes half a second and looks at these as it is imported."""
    for name, value in variables.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as exc:
        raise ExtraMissing("ray", "ray", kind="engine") from exc
    return ray


def _refuse_absent(address: str) -> None:
    if address != "auto":
        host, _, port = address.rpartition(":")
        if not host or "/" in address or not port.isdecimal():
            raise BadInput(
                f"--ray-address is HOST:PORT of the head of a cluster, or auto, and not {address!r}; start the command "
                "on a node of the cluster"
            )
        try:
            socket.create_connection((host.strip("[]"), int(port)), _CALL_SECONDS).close()
        except (OSError, OverflowError) as exc:
            raise _absent(address, str(exc)) from exc
    if why := _unhealthy(address):
        raise _absent(address, why)


def _unhealthy(address: str) -> str:
    """What is wrong with a cluster, as Ray's own command sees it: a process of its own can be given up."""
    asked = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        if address == "auto":
            return f"the last one here has not answered in {_ANSWER_SECONDS:g} seconds (`ray stop` makes Ray forget it)"
        return f"whatever is there has not answered as one in {_ANSWER_SECONDS:g} seconds"
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["it is not healthy"])[-1]


def _absent(address: str, why: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"there is no Ray cluster at {address}: {why}; `ray start --head` begins one, and says its address"
    )


def _told(node: Mapping[str, float]) -> str:
    shown = {name: much for name, much in node.items() if ":" not in name and "memory" not in name}
    return ", ".join(f"{much:g} {name}" for name, much in sorted(shown.items())) or "nothing"
