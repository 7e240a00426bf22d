import importlib
import subprocess
import sys
from pathlib import Path

import pytest

COMPUTING = """
import numpy as np
from whybuy.kernels import fast_kernel
from {home} import Pair, SCALE, Place, plus

@fast_kernel
def total(pair: Pair) -> float:
    return SCALE * plus(pair.left[Place.FIRST], pair.right[0])

pair = Pair(left=np.arange(1.0, 4.0), right=np.full(3, 3.0))
print(total(pair), sum(total.stats.cache_hits.values()))
"""
PARTS = """
from enum import IntEnum
from typing import NamedTuple
from whybuy.kernels import kernel

SCALE = 1.0

class Place(IntEnum):
    FIRST = 0

class Pair(NamedTuple):
    left: object
    right: object

@kernel
def plus(left: float, right: float) -> float:
    return left + right
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # of sources that change within a second
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def write(folder: Path, parts: str, home: str = "whybuy_parts") -> None:
    for name in ("whybuy_parts", "whybuy_moved", "whybuy_computing"):
        (folder / f"{name}.py").unlink(missing_ok=True)
        sys.modules.pop(name, None)
    (folder / f"{home}.py").write_text(parts)
    (folder / "whybuy_computing.py").write_text(COMPUTING.format(home=home))
    importlib.invalidate_caches()


def run(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The total, and how often its machine code was kept."""
    importlib.import_module("whybuy_computing")
    return capsys.readouterr().out.split()


def run_elsewhere(folder: Path) -> list[str]:
    """As `run`, in a process of its own."""
    command = [sys.executable, "-c", "import whybuy_computing"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.split()


def test_machine_code_is_kept_for_other_processes_while_its_sources_are_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, PARTS)
    assert run(capsys) == ["4.0", "0"]
    assert run_elsewhere(folder) == ["4.0", "1"]
    write(folder, PARTS.replace("    left: object\n    right: object", "    right: object\n    left: object"))
    assert run_elsewhere(folder) == ["4.0", "0"]


def test_machine_code_for_a_type_that_has_moved_is_made_anew(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, PARTS)
    assert run(capsys) == ["4.0", "0"]
    write(folder, PARTS, "whybuy_moved")
    assert run(capsys) == ["4.0", "0"]


def test_machine_code_is_made_anew_when_another_module_changes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for old, new, total in (
        ("left + right", "left - right", "-2.0"),
        ("SCALE = 1.0", "SCALE = 2.0", "8.0"),
        ("FIRST = 0", "FIRST = 1", "5.0"),
    ):
        write(folder, PARTS)
        assert run(capsys) == ["4.0", "0"]
        write(folder, PARTS.replace(old, new))
        assert run(capsys) == [total, "0"]
