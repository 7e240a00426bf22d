import subprocess
import sys
from pathlib import Path

KERNEL = """
import numpy as np
from whybuy.kernels import kernel
from {home} import Pair

@kernel
def total(pair: Pair) -> float:
    return pair.left[0] + pair.right[0]

print(total(Pair(np.ones(1), np.ones(1))), sum(total.stats.cache_hits.values()))
"""
PAIR = "from typing import NamedTuple\nclass Pair(NamedTuple):\n    left: object\n    right: object\n"


def run(folder: Path, home: str) -> list[str]:
    (folder / f"{home}.py").write_text(PAIR)
    if not (folder / "computing.py").exists() or home not in (folder / "computing.py").read_text():
        (folder / "computing.py").write_text(KERNEL.format(home=home))
    command = [sys.executable, "-m", "computing"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.split()


def test_machine_code_is_kept_and_that_for_a_type_that_has_moved_is_made_anew(tmp_path: Path) -> None:
    assert run(tmp_path, "before") == ["2.0", "0"]
    assert run(tmp_path, "before") == ["2.0", "1"]
    (tmp_path / "before.py").unlink()
    assert run(tmp_path, "after") == ["2.0", "0"]
