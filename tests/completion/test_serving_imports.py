"""What serving imports of completion and intents loads nothing that trains, builds or reads logs."""

import subprocess
import sys

import pytest

SERVING = {
    "completion": ("whybuy.completion.completer", "whybuy.completion.live_queries", "whybuy.completion.session_ranker"),
    "intents": ("whybuy.intents",),
}
TRAINING = (
    "whybuy.completion.building",
    "whybuy.completion.catalog_phrases",
    "whybuy.completion.hybrid_index",
    "whybuy.completion.query_log",
    "whybuy.completion.session_training",
    "whybuy.completion.suffix_building",
    "whybuy.completion.vocabulary",
    "whybuy.intents.calibration_fitting",
    "whybuy.intents.student_training",
    "whybuy.intents.training_set",
    "whybuy.behavior",
    "duckdb",
    "ibis",
    "sklearn",
    "whybuy.xmr.training",
)


@pytest.mark.parametrize("room", SERVING)
def test_serving_loads_no_trainer(room: str) -> None:
    script = f"import sys, {', '.join(SERVING[room])}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert set(SERVING[room]) <= set(loaded)
    assert not {name for name in loaded for part in TRAINING if name == part or name.startswith(f"{part}.")}
