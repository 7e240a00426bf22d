"""The commands of annotation on the small shop: draw, go on, count, out and in."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from whybuy.annotation.drawing import draw
from whybuy.annotation.queue import Queue, read_queue, write_queue
from whybuy.artifacts import ARTIFACTS_FOLDER, ArtifactStore
from whybuy.build import open_critic
from whybuy.cli import app
from whybuy.journal import JOURNAL_FILE, Journal
from whybuy.journal.judgments import JudgmentLog, in_order
from whybuy.journal.judgments import to_table as judgment_table
from whybuy.records import HeadKind, Judgment, Question, Role
from whybuy.shop import Shop

EMPTY = Queue(read_queue(Path("nowhere")).table)


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Path:
    return shutil.copytree(small_store, tmp_path / "shop")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_queue_says_in_words_what_is_asked_and_what_was_seen(store: Path) -> None:
    queue = draw(store, EMPTY, size=40, seed=0)
    assert {task.item[0].kind for task in queue.tasks} >= {HeadKind.QUERY, HeadKind.TYPE}
    assert {task.category for task in queue.tasks} <= {"Shoes", "Outdoors", "Pets", "Home"}
    assert all(task.heads and all(task.heads) for task in queue.tasks)
    assert any(example.startswith("Searched for “") for task in queue.tasks for example in task.examples)
    titles = {product for task in queue.tasks if task.item[0].kind is HeadKind.PAIR for product in task.heads}
    assert all("," in title for title in titles)


def test_without_a_critic_of_texts_that_of_the_shop_says_what_is_unsure(store: Path) -> None:
    critic, _ = open_critic(Shop.open(store))
    asked = draw(store, EMPTY, size=5, seed=0, active=True)
    table = judgment_table(Judgment(*task.item, "ana", Role.JUDGE, ()) for task in asked.tasks)
    doubt = np.abs(critic.edges.plausibility - 0.5)
    assert doubt[critic.edges.find(table)].mean() < doubt.mean()


def test_a_queue_that_is_drawn_on_begins_as_before(store: Path) -> None:
    few = draw(store, EMPTY, size=10, seed=1)
    more = draw(store, few, size=30, seed=1)
    assert (len(few), len(more)) == (10, 30)
    assert more.tasks == draw(store, EMPTY, size=30, seed=1).tasks


def test_what_a_critic_doubts_comes_first(store: Path) -> None:
    folder = ArtifactStore(store / ARTIFACTS_FOLDER).current()["hypotheses"]
    tails = sorted(set(pq.read_table(folder / "hypotheses.parquet")["tail"].to_pylist()))

    def judge(heads: object, relations: object, asked: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        return {"plausible": np.array([0.5 if tail == tails[0] else 0.99 for tail in asked])}

    queue = draw(store, EMPTY, size=3, seed=0, judge=judge, active=True)
    assert queue.tasks[0].tail == tails[0]
    assert queue.tasks[0].plausible == 0.5
    assert queue.tasks[0].typical is None


def test_out_and_in_again(store: Path, tmp_path: Path) -> None:
    write_queue(store, draw(store, EMPTY, size=6, seed=0))
    with Journal(store / JOURNAL_FILE) as journal:
        tasks = read_queue(store).tasks
        yes = in_order(dict.fromkeys(Question, True))
        JudgmentLog(journal).add(
            Judgment(*task.item, name, Role.JUDGE, yes) for task in tasks for name in ("ana", "ben")
        )
    for name, rows in (("all.csv", 12), ("tasks.json", 12)):
        file = tmp_path / name
        assert run("judgments", "export", file, "--store", store).exit_code == 0
        other = tmp_path / f"other {name}"
        other.mkdir()
        counts = json.loads(run("judgments", "import", file, "--store", other, "--json").stdout)
        assert counts == {"read": rows, "new": rows, "set_aside": 0}
        assert json.loads(run("judgments", "import", file, "--store", other, "--json").stdout)["new"] == 0
    settled = tmp_path / "settled.csv"
    assert run("judgments", "export", settled, "--settled", "--store", store).exit_code == 0
    assert len(settled.read_text(encoding="utf-8").splitlines()) == 7
    now = json.loads(run("judgments", "status", "--store", store, "--json").stdout)
    assert (now["tasks"], now["states"]) == (6, {"open": 0, "disputed": 0, "settled": 6})
    assert "6 reasons: 0 open, 0 disputed, 6 settled" in run("judgments", "status", "--store", store).stdout


def test_wrong_use_says_what_to_do(store: Path, tmp_path: Path) -> None:
    assert "Draw some with `whybuy annotate" in " ".join(
        run("annotate", "--store", store, "--sample", "0").stderr.split()
    )
    assert "Nobody may judge yet" in run("annotate", "--store", store, "--sample", "5").stderr
    assert len(read_queue(store)) == 5
    assert run("judgments", "export", tmp_path / "file.txt", "--store", store).exit_code == 2
    assert "has the columns a, b" in run("judgments", "import", _csv(tmp_path), "--store", store).stderr


def _csv(folder: Path) -> Path:
    file = folder / "other.csv"
    file.write_text("a,b\n1,2\n", encoding="utf-8")
    return file
