"""A process that only opens and searches a tree loads nothing that trains one."""

import subprocess
import sys

import pytest

LOADED = "import sys; print(*(name for name in sys.modules if name.startswith(('whybuy.xmr.training', 'sklearn'))))"


@pytest.mark.parametrize("module", ["tree", "text_model", "text_files", "explanation", "scoring"])
def test_searching_loads_no_trainer(module: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", f"import whybuy.xmr.{module}; {LOADED}"], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == []


def test_training_is_seen_by_the_same_look() -> None:
    run = subprocess.run(
        [sys.executable, "-c", f"import whybuy.xmr.training.trainer; {LOADED}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "whybuy.xmr.training.solver" in run.stdout.split()
