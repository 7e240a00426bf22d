"""Texts that matter are reviewed files under `tests/snapshots`."""

import os
from pathlib import Path

_FOLDER = Path(__file__).parent / "snapshots"


def assert_snapshot(name: str, text: str) -> None:
    """Compare with the reviewed file; write it instead when WHYBUY_SNAPSHOTS=write, for a person to review."""
    path = _FOLDER / name
    if os.environ.get("WHYBUY_SNAPSHOTS") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path} is not there: run once with WHYBUY_SNAPSHOTS=write, then read it."
    assert text == path.read_text(encoding="utf-8")
