"""Loads a running `whybuy serve` with searches at a fixed rate, and says how long the answers take, as JSON.

Usage: `python benchmarks/http_search.py STORE JUDGMENTS [--rate 200 100] [--workers 2] [--seconds 30] [--gzip]
[--results FILE]`.
Arrivals are those of a Poisson process and wait for nobody (an open loop): a time counts from the moment at which the
request was due, so that a server that falls behind cannot hide it. No server is asked a query twice. The shares come
from an unloaded run of the first 2,000 queries inside this process.
"""

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import numpy as np
import orjson

from whybuy.discovery import Discovery
from whybuy.intents import IntentReader, ReasonReader
from whybuy.qrels import read_qrels
from whybuy.records import Query
from whybuy.retrieval.expansion import ExpansionIndex
from whybuy.retrieval.facets import Facets
from whybuy.retrieval.lexical import LexicalIndex
from whybuy.retrieval.ranking.features import FeatureExtractor
from whybuy.retrieval.ranking.lambdamart import LambdaMART
from whybuy.retrieval.tree import TreeIndex

CONNECTIONS = 64
ALONE = 2_000  # queries of the unloaded run
STEPS = {
    "lexical": (LexicalIndex, ("_analyze", "all_words", "some_words", "typo", "having")),
    "matches": (LexicalIndex, ("matched",)),
    "intents": (IntentReader, ("read",)),
    "expansion": (ExpansionIndex, ("rank",)),
    "tree": (TreeIndex, ("rank",)),
    "similar": (TreeIndex, ("similar",)),
    "features": (FeatureExtractor, ("describe",)),
    "reranker": (LambdaMART, ("rank",)),
    "facets": (Facets, ("count",)),
    "reasons": (ReasonReader, ("joining",)),
}


@dataclass(slots=True)
class Heard:
    """What came back, in the order in which it came."""

    milliseconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    sizes: list[int] = field(default_factory=list)


def main() -> None:
    """Serve, load, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("judgments", type=Path, help="their queries are asked, each once")
    parser.add_argument("--rate", type=float, nargs="+", default=[200.0], help="requests a second; several in turn")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--warmup", type=float, default=5.0, help="seconds that are not counted")
    parser.add_argument("--workers", type=int, default=2, help="processes that answer")
    parser.add_argument("--gzip", action="store_true", help="ask for compressed answers")
    parser.add_argument("--results", type=Path, help="write the JSON here too")
    asked = parser.parse_args()
    texts = queries(asked.judgments, round((asked.seconds + asked.warmup) * max(asked.rate)))
    loads = [under_load(asked, texts, rate) for rate in asked.rate]
    body = json.dumps({"loads": loads, "alone_ms": alone(asked.store, texts[:ALONE])}, indent=1)
    print(body)
    if asked.results:
        asked.results.write_text(body + "\n", encoding="utf-8")


def under_load(asked: argparse.Namespace, texts: Sequence[str], rate: float) -> dict[str, Any]:
    """Figures of one rate, on a server of its own."""
    warmup, last = round(asked.warmup * rate), round((asked.seconds + asked.warmup) * rate)
    paths = [f"/v1/search?q={quote_plus(text)}" for text in texts]
    with serving(asked.store, asked.workers) as (port, server):
        asyncio.run(load(port, paths[:warmup], rate, gzip=asked.gzip))
        began, used = time.perf_counter(), cpu_seconds(server)
        heard = asyncio.run(load(port, paths[warmup:last], rate, gzip=asked.gzip))
        seconds, used = time.perf_counter() - began, cpu_seconds(server) - used
    figures = {"rate": rate, "workers": asked.workers, "gzip": asked.gzip} | report(heard, seconds)
    return figures | {"server_cpu_ms": round(1000 * used / len(heard.milliseconds), 2)}


def queries(judgments: Path, count: int) -> list[str]:
    """As many different queries, in an order by chance.

    Raises:
        SystemExit: there are fewer.
    """
    read = read_qrels(judgments)
    texts = sorted({read.text(topic) for topic in read.grades})
    random.Random(7).shuffle(texts)
    if len(texts) < count:
        sys.exit(
            f"{judgments} has {len(texts):,} queries; {count:,} are needed. Take fewer --seconds or a lower --rate."
        )
    return texts[:count]


@contextmanager
def serving(store: Path, workers: int) -> Iterator[tuple[int, int]]:
    """The port and the process id of a server of its own, warm enough to answer; ended behind the block."""
    command = [sys.executable, "-m", "whybuy.cli", "serve", "--store", str(store), "--port", "0"]
    command += ["--workers", str(workers)]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    try:
        said = ""
        while (found := re.search(r"http://127\.0\.0\.1:(\d+)/", said)) is None:
            line = server.stderr.readline()
            said += line
            if not line:
                sys.exit(f"The server did not start: {said}")
        yield int(found[1]), server.pid
    finally:
        server.terminate()
        server.wait()


def cpu_seconds(process: int) -> float:
    """Processor time of a process and those below it so far; 0 where there is no /proc."""
    about = Path(f"/proc/{process}")
    if not about.exists():
        return 0.0
    fields = (about / "stat").read_text().rpartition(")")[2].split()
    below = (about / "task" / str(process) / "children").read_text().split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + sum(cpu_seconds(int(one)) for one in below)


async def load(port: int, paths: Sequence[str], rate: float, *, gzip: bool) -> Heard:
    """Ask for every path when it is due, over connections that stay open."""
    heard = Heard()
    due: asyncio.Queue[tuple[float, str] | None] = asyncio.Queue()
    clients = [asyncio.create_task(client(port, due, heard, gzip=gzip)) for _ in range(CONNECTIONS)]
    chance, at = random.Random(11), time.perf_counter() + 0.2
    for path in paths:
        at += chance.expovariate(rate)
        if (wait := at - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        due.put_nowait((at, path))
    for _ in clients:
        due.put_nowait(None)
    await asyncio.gather(*clients)
    return heard


async def client(port: int, due: "asyncio.Queue[tuple[float, str] | None]", heard: Heard, *, gzip: bool) -> None:
    """One connection, asking whatever is due next."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    accepted = "Accept-Encoding: gzip\r\n" if gzip else ""
    while (task := await due.get()) is not None:
        at, path = task
        writer.write(f"GET {path} HTTP/1.1\r\nHost: shop\r\n{accepted}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        size = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        await reader.readexactly(size)
        heard.milliseconds.append(1000 * (time.perf_counter() - at))
        heard.statuses[int(head.split()[1])] += 1
        heard.sizes.append(size)
    writer.close()
    await writer.wait_closed()


def report(heard: Heard, seconds: float) -> dict[str, Any]:
    """Figures of a load."""
    p50, p90, p99, slowest = np.percentile(heard.milliseconds, [50, 90, 99, 100]).round(2).tolist()
    return {
        "requests": len(heard.milliseconds),
        "achieved_rate": round(len(heard.milliseconds) / seconds, 1),
        "errors": sum(count for status, count in heard.statuses.items() if status != 200),
        "p50_ms": p50,
        "p90_ms": p90,
        "p99_ms": p99,
        "max_ms": slowest,
        "mean_bytes": round(float(np.mean(heard.sizes))),
    }


def alone(store: Path, texts: Sequence[str]) -> dict[str, float]:
    """Mean milliseconds of one search by part, one after the other in this process."""
    spent: defaultdict[str, float] = defaultdict(float)
    for part, (kind, names) in STEPS.items():
        for name in names:
            setattr(kind, name, clocked(getattr(kind, name), part, spent))
    discovery = Discovery.open(store)
    warmup = len(texts) // 4
    for place, text in enumerate(texts):
        if place == warmup:
            spent.clear()
        answer = clocked(discovery.search, "search", spent)(Query(text))
        clocked(orjson.dumps, "json", spent)(answer)
    others = spent["search"] - sum(spent[part] for part in STEPS)
    parts = {part: spent[part] for part in (*STEPS, "json")} | {"others": others}
    return {part: round(1000 * seconds / (len(texts) - warmup), 3) for part, seconds in parts.items()}


def clocked(function: Callable[..., Any], part: str, spent: dict[str, float]) -> Callable[..., Any]:
    """The same function; its time is added to a part."""

    @wraps(function)
    def timed(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever it takes
        began = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            spent[part] += time.perf_counter() - began

    return timed


if __name__ == "__main__":
    main()
