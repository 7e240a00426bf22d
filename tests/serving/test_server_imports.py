"""A server process holds nothing that builds or trains."""

import subprocess
import sys
from pathlib import Path

SERVING = """
import re, sys
from fastapi.testclient import TestClient
from pathlib import Path
from whybuy.discovery import Discovery
from whybuy.journal import Journal
from whybuy.serving.app import create_app

store = Path(sys.argv[1])
with Journal(Path(sys.argv[2])) as journal, TestClient(create_app(Discovery.open(store), journal)) as client:
    assert client.get("/v1/search", params={"q": "shoes for pregnant women", "explain": True}).json()["total"]
    assert client.get("/v1/complete", params={"prefix": "sh", "previous": "tent"}).status_code == 200
    assert client.get("/v1/intents", params={"q": "shoes"}).status_code == 200
print(*sorted(sys.modules))
"""
OURS = ("build", "generate", "knowledge", "behavior", "evaluation", "demo")
THEIRS = {"sklearn", "lightgbm", "duckdb", "ibis", "torch", "transformers"}


def test_a_server_that_has_answered_holds_no_trainer(small_store: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SERVING, str(small_store), str(tmp_path / "journal.db")]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    modules = set(run.stdout.split())
    assert "whybuy.retrieval.tree" in modules
    assert [name for name in modules if name.startswith(tuple(f"whybuy.{part}" for part in OURS))] == []
    assert [name for name in modules if name.startswith("whybuy.") and "training" in name.rsplit(".", 1)[-1]] == []
    assert [name for name in modules if name.startswith("whybuy.xmr.training")] == []
    assert THEIRS & modules == set()
