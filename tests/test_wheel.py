from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import manifestos


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(root)]
    subprocess.run(command, capture_output=True, timeout=120, check=True)
    (file,) = out.glob("*.whl")
    return file


def test_the_wheel_holds_the_three_rooms_and_their_data(wheel: Path) -> None:
    """Manifestos, schema, type markers and what was trained, and nothing of tests or benchmarks."""
    names = zipfile.ZipFile(wheel).namelist()
    data = ("manifestos/house-style.yaml", "manifestos/schema.json", "critics/py.typed", "pipeline/loop/loop.py")
    trained = ("pipeline/trained/embedded-judge.gguf", "pipeline/trained/embedded-probe.safetensors")
    assert {*data, *trained} <= set(names)
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"pipeline", "critics", "manifestos"}


@pytest.mark.skipif(sys.platform != "linux" or platform.machine() != "x86_64", reason="nothing is compiled elsewhere")
def test_without_a_compiler_the_wheel_is_for_every_machine(root: Path, wheel: Path, tmp_path: Path) -> None:
    """With one it holds what was compiled, and says for which."""
    tree = tmp_path / "tree"
    shutil.copytree(root, tree, ignore=shutil.ignore_patterns(".*", "tests", "bench", "docs"))
    (tree / "pipeline/llama/products/libproducts.so").write_text("an old one, of other sources")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(tree)]
    built = subprocess.run(command, env=os.environ | {"CC": "missing"}, capture_output=True, text=True, timeout=120)
    assert "llama.cpp will multiply by its own means" in built.stdout + built.stderr
    (plain,) = tmp_path.glob("*.whl")
    library = "pipeline/llama/products/libproducts.so"
    assert plain.name.endswith("-py3-none-any.whl")
    assert library not in zipfile.ZipFile(plain).namelist()
    assert wheel.name.endswith("-py3-none-linux_x86_64.whl")
    assert library in zipfile.ZipFile(wheel).namelist()


def test_an_installed_wheel_works_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    """In a clean environment that has the dependencies and not this tree, the command lists and checks manifestos."""
    home = tmp_path / "clean"
    subprocess.run([sys.executable, "-m", "venv", str(home)], timeout=120, check=True)
    python = home / "bin" / "python"
    # The dependencies are those of this environment, without the editable install of this tree: compiling llama.cpp
    # once more would prove nothing about the wheel.
    here = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    there = next((home / "lib").glob("python*/site-packages"))
    (there / "dependencies.pth").write_text(f"{here}\n")
    install = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--force-reinstall",
        str(wheel),
    ]
    subprocess.run(install, capture_output=True, timeout=120, check=True)
    where = subprocess.run(
        [str(python), "-c", "import manifestos; print(manifestos.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert where.stdout.startswith(str(there))
    listed = subprocess.run(
        [str(home / "bin" / "superego"), "manifestos"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert all(name in listed.stdout for name in manifestos.names())
