"""Several server processes behind one port, started as a user starts them."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from whybuy.errors import InputError
from whybuy.serving.run import serve

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at the processes in /proc"),
]


@dataclass(frozen=True, slots=True)
class Server:
    process: subprocess.Popen[str]
    port: int

    def ask(self, path: str) -> tuple[int, str]:
        """Over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def workers(self) -> list[int]:
        """Those of the processes below that serve: they listen, the others of multiprocessing do not."""
        below = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(one) for one in below if "spawn_main" in Path(f"/proc/{one}/cmdline").read_text()]

    def used(self) -> list[int]:
        """Processor time of each worker so far, in ticks."""
        return [sum(map(int, Path(f"/proc/{one}/stat").read_text().split()[13:15])) for one in self.workers()]


@pytest.fixture
def server(small_store: Path) -> Iterator[Server]:
    command = [
        sys.executable,
        "-m",
        "whybuy.cli",
        "serve",
        "--store",
        str(small_store),
        "--port",
        "0",
        "--workers",
        "2",
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    found = re.search(r"http://127\.0\.0\.1:(\d+)/", process.stderr.readline())
    assert found
    yield Server(process, int(found[1]))
    process.kill()
    process.wait()
    process.stderr.close()


def comes_true(condition: Callable[[], bool], *, seconds: float = 30.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def gone(process: int) -> bool:
    with contextlib.suppress(OSError):
        return "\nState:\tZ" in Path(f"/proc/{process}/status").read_text()
    return True


def test_two_processes_answer_and_count_together(server: Server) -> None:
    assert len(server.workers()) == 2
    before = server.used()
    answers = [server.ask("/v1/search?q=lamp") for _ in range(40)]
    assert {status for status, _ in answers} == {200}
    assert len({json.loads(body)["total"] for _, body in answers}) == 1
    assert all(later > sooner for later, sooner in zip(server.used(), before, strict=True))
    counted = re.search(r'whybuy_searches_total\{ranker="fused"\} (\S+)', server.ask("/metrics")[1])
    assert counted
    assert float(counted[1]) == 40


def test_a_process_that_dies_is_replaced(server: Server) -> None:
    first, second = server.workers()
    os.kill(first, signal.SIGKILL)
    replaced = comes_true(lambda: len(server.workers()) == 2 and first not in server.workers())
    assert replaced, f"{first}, {second} -> {server.workers()}; supervisor ended with {server.process.poll()}"
    assert second in server.workers()
    assert all(server.ask("/livez")[0] == 200 for _ in range(8))


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_all_end_when_told_to(server: Server, told: signal.Signals) -> None:
    workers = server.workers()
    server.process.send_signal(told)
    assert server.process.wait(20) == 0
    assert all(map(gone, workers))
    assert server.process.stderr is not None
    assert server.process.stderr.read() == ""


def test_no_process_outlives_a_killed_supervisor(server: Server) -> None:
    workers = server.workers()
    server.process.kill()
    server.process.wait()
    assert comes_true(lambda: all(map(gone, workers)))


def test_no_workers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="0 workers cannot answer; say 1 or more"):
        serve(tmp_path, workers=0)
