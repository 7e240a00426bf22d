"""A process that only opens and searches a tree loads nothing that trains one."""

import subprocess
import sys

SEARCHING = ("tree", "text_model", "text_files", "explanation", "scoring")


def loaded(*modules: str) -> set[str]:
    """What a process that imports some modules of `xmr` has loaded."""
    script = f"import sys, {', '.join(f'whybuy.xmr.{name}' for name in modules)}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_searching_loads_no_trainer() -> None:
    assert not [name for name in loaded(*SEARCHING) if name.startswith(("whybuy.xmr.training", "sklearn"))]


def test_training_is_seen_by_the_same_look() -> None:
    assert "whybuy.xmr.training.solver" in loaded("training.trainer")
