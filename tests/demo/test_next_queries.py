"""What the simulator says of the next query."""

from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from whybuy.demo.shop import MEANT, NEXT, QUERIES, write_shop
from whybuy.text import normalize

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("next")
    write_shop(folder, sessions=6000)
    return folder


def added(rows: list[dict[str, float]], name: str) -> dict[float, float]:
    total: defaultdict[float, float] = defaultdict(float)
    for row in rows:
        total[row[name]] += row["probability"]
    return total


def test_both_distributions_add_up_to_one(shop: Path) -> None:
    meant, following = (pq.read_table(shop / name).to_pylist() for name in (MEANT, NEXT))
    for total in (added(meant, "query"), added(following, "need")):
        assert list(total.values()) == pytest.approx([1.0] * len(total))
    assert {row["need"] for row in meant} <= {row["need"] for row in following}


def test_what_follows_in_the_logs_is_what_it_says(shop: Path) -> None:
    """Of the second queries of clients, nearly all are possible after the first, and not after any other."""
    meant, following = (pq.read_table(shop / name).to_pylist() for name in (MEANT, NEXT))
    needs, asked_for = defaultdict(set), defaultdict(set)
    for row in meant:
        needs[row["query"]].add(row["need"])
    for row in following:
        asked_for[row["need"]].add(row["query"])
    log = (
        pq.read_table(shop / QUERIES, columns=["client_id", "timestamp", "user_query"]).sort_by("timestamp").to_pylist()
    )
    last: dict[str, dict[str, object]] = {}
    possible = []
    for row in log:
        before = last.get(row["client_id"])
        if before and (row["timestamp"] - before["timestamp"]).total_seconds() < 300 and before["user_query"] in needs:
            texts = set().union(*(asked_for[need] for need in needs[str(before["user_query"])]))
            possible.append(normalize(row["user_query"]) in texts)
        last[row["client_id"]] = row
    assert len(possible) > 200
    assert sum(possible) / len(possible) > 0.85  # the others are mistyped
