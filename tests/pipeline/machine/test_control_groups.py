from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.machine import control_groups, cores, memory

GIB = 1 << 30


@pytest.fixture
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(control_groups, "_MOUNTED", tmp_path)
    return tmp_path


@pytest.fixture
def belongs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def told(lines: str) -> None:
        (tmp_path / "self").write_text(lines)
        monkeypatch.setattr(control_groups, "_MEMBERSHIPS", tmp_path / "self")

    return told


def group(folder: Path, **files: str) -> None:
    """A control group with these files, dots spelled as underscores after the first word."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".", 1)).write_text(f"{text}\n")


def cached(inactive: int, active: int, prefix: str = "") -> str:
    return f"anon 5\n{prefix}inactive_file {inactive}\n{prefix}active_file {active}\nfile 99"


def test_a_container_sees_its_limit_at_the_root(mounted: Path, belongs: Callable[[str], None]) -> None:
    belongs("0::/\n")
    group(mounted, memory_max=str(4 * GIB), memory_current=str(GIB), memory_stat=cached(0, 0), cpu_max="150000 100000")
    assert control_groups.memory_left() == 3 * GIB
    assert control_groups.cores() == 1.5


def test_what_caches_files_counts_as_left(mounted: Path, belongs: Callable[[str], None]) -> None:
    """Else a container that has read its weights once could not load them again."""
    belongs("0::/\n")
    group(mounted, memory_max=str(4 * GIB), memory_current=str(4 * GIB), memory_stat=cached(2 * GIB, GIB))
    assert control_groups.memory_left() == 3 * GIB


def test_the_narrowest_limit_holds_of_all_groups_above(mounted: Path, belongs: Callable[[str], None]) -> None:
    belongs("0::/system.slice/superego.service\n")
    slice_, service = mounted / "system.slice", mounted / "system.slice/superego.service"
    group(slice_, memory_max=str(2 * GIB), memory_current=str(GIB), memory_stat=cached(0, 0), cpu_max="100000 100000")
    group(service, memory_max="max", memory_current="7", memory_stat=cached(0, 0), cpu_max="max 100000")
    assert (control_groups.memory_left(), control_groups.cores()) == (GIB, 1.0)
    group(service, memory_max=str(GIB), memory_current=str(GIB // 2), cpu_max="50000 100000")
    assert (control_groups.memory_left(), control_groups.cores()) == (GIB // 2, 0.5)


def test_the_first_version_has_a_folder_for_each_controller(mounted: Path, belongs: Callable[[str], None]) -> None:
    belongs("5:memory:/job\n4:cpu,cpuacct:/job\n1:name=systemd:/job\n0::/\n")
    used = {"memory_usage_in_bytes": str(2 * GIB), "memory_stat": cached(GIB // 2, GIB // 2, "total_")}
    group(mounted / "memory/job", memory_limit_in_bytes=str(3 * GIB), **used)
    group(mounted / "memory", memory_limit_in_bytes="9223372036854771712", **used)
    group(mounted / "cpu/job", cpu_cfs_quota_us="300000", cpu_cfs_period_us="100000")
    group(mounted / "cpu", cpu_cfs_quota_us="-1", cpu_cfs_period_us="100000")
    assert (control_groups.memory_left(), control_groups.cores()) == (2 * GIB, 3.0)


def test_a_path_of_the_hosts_leads_to_the_containers_root(mounted: Path, belongs: Callable[[str], None]) -> None:
    belongs("5:memory:/docker/0815\n4:cpu,cpuacct:/docker/0815\n")
    group(
        mounted / "memory",
        memory_limit_in_bytes=str(GIB), memory_usage_in_bytes="0", memory_stat=cached(0, 0, "total_"),
    )  # fmt: skip
    group(mounted / "cpu", cpu_cfs_quota_us="200000", cpu_cfs_period_us="100000")
    assert (control_groups.memory_left(), control_groups.cores()) == (GIB, 2.0)


@pytest.mark.parametrize("lines", ["0::/\n", "0::/../elsewhere\n", ""])
def test_without_limits_nothing_is_told(mounted: Path, belongs: Callable[[str], None], lines: str) -> None:
    belongs(lines)
    group(mounted, memory_max="max", memory_current="7", memory_stat=cached(0, 0), cpu_max="max 100000")
    assert (control_groups.memory_left(), control_groups.cores()) == (None, None)


def test_nor_is_it_elsewhere_than_on_linux(mounted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_groups, "_MEMBERSHIPS", mounted / "nowhere")
    assert (control_groups.memory_left(), control_groups.cores()) == (None, None)


@pytest.mark.parametrize(("limit", "found"), [(None, 4), (8.0, 4), (2.0, 2), (1.9, 1), (0.25, 1)])
def test_whole_cores_are_used_and_one_at_least(
    monkeypatch: pytest.MonkeyPatch, limit: float | None, found: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr(control_groups, "cores", lambda: limit)
    assert cores.available_cores() == found


def test_free_memory_is_what_both_the_machine_and_the_groups_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_groups, "memory_left", lambda: None)
    free = memory.free_bytes() or 0
    assert free > 0
    monkeypatch.setattr(control_groups, "memory_left", lambda: 5)
    assert memory.free_bytes() == 5
    monkeypatch.setattr(control_groups, "memory_left", lambda: 100 * free)
    assert free / 2 < (memory.free_bytes() or 0) < 2 * free
