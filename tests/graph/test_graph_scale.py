"""The benchmark of scale runs, small."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "graph_scale.py"


@pytest.mark.slow
def test_the_benchmark_makes_about_the_edges_and_nodes_asked_for(tmp_path: Path) -> None:
    command: list[str | Path] = [sys.executable, BENCHMARK, "--edges", "60000", "--nodes", "13000", "--changed", "600"]
    run = subprocess.run([*command, "--folder", tmp_path], check=True, capture_output=True, text=True)
    figures = json.loads(run.stdout)
    assert figures["build"]["edges"] == pytest.approx(60_000, rel=0.1)
    assert figures["build"]["nodes"] == pytest.approx(13_000, rel=0.1)
    assert figures["build"]["edges"] < figures["update"]["edges"] < figures["build"]["edges"] + 700
    assert not list(tmp_path.iterdir())
