"""`transformers serve` in a process of its own: an OpenAI-compatible server that tests did not write."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

PATIENCE = 240.0  # seconds to load torch and a tiny model on a busy machine


@contextmanager
def transformers_serve(model: Path) -> Iterator[str]:
    """Serve a model folder; yields the address with its /v1."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(model)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    offline = os.environ | {"HF_HUB_OFFLINE": "1"}
    with (model.parent / "serve.log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=offline)
        try:
            _await(f"http://127.0.0.1:{port}/health", server)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()
            server.wait(30)


def _await(address: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert server.poll() is None, "transformers serve ended by itself; see serve.log beside the model"
        try:
            if httpx2.get(address, timeout=5).is_success:
                return
        except httpx2.TransportError:
            time.sleep(0.2)
    raise TimeoutError(f"{address} does not answer after {PATIENCE:g} s")
