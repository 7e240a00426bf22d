"""The journal keeps what it acknowledged, in order, whatever else happens to the process."""

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whybuy.journal import Journal, JournalError, Kind


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def bodies(journal: Journal) -> list[str]:
    return [entry.body for entry in journal.read()]


def test_entries_come_back_in_order_with_the_time_they_came_in(path: Path) -> None:
    before = datetime.now(UTC)
    with Journal(path) as journal:
        assert journal.append(['{"a": 1}', '{"b": "ü"}']) == 2
        first, second = journal.read()
    assert (first.cursor, first.body, second.cursor, second.body) == (1, '{"a": 1}', 2, '{"b": "ü"}')
    assert abs((first.received - before).total_seconds()) < 60


def test_each_kind_has_its_own_table_and_cursor(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(["1", "2"])
        assert journal.append(["yes"], kind=Kind.JUDGMENT) == 1
        assert [entry.body for entry in journal.read(kind=Kind.JUDGMENT)] == ["yes"]
        assert (journal.last(), journal.last(kind=Kind.JUDGMENT)) == (2, 1)


def test_an_empty_append_adds_nothing(path: Path) -> None:
    with Journal(path) as journal:
        assert journal.append([]) == 0
        assert journal.read() == ()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=4), max_size=6), st.integers(1, 5))
def test_reading_page_by_page_gives_all_that_was_appended(batches: Sequence[Sequence[str]], page: int) -> None:
    with TemporaryDirectory() as folder, Journal(Path(folder) / "journal.sqlite") as journal:
        for batch in batches:
            journal.append(batch)
        cursor, seen = 0, list[str]()
        while entries := journal.read(after=cursor, limit=page):
            cursor = entries[-1].cursor
            seen += [entry.body for entry in entries]
        assert seen == [body for batch in batches for body in batch]


def test_threads_that_share_a_journal_lose_nothing(path: Path) -> None:
    with Journal(path) as journal:

        def write(name: int) -> None:
            for number in range(25):
                journal.append([f"{name}.{number}"])

        threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        written = bodies(journal)
    assert sorted(written) == sorted(f"{name}.{number}" for name in range(4) for number in range(25))
    for name in range(4):
        mine = [body for body in written if body.startswith(f"{name}.")]
        assert mine == [f"{name}.{number}" for number in range(25)]


def write_many(path: Path, name: str, batches: int) -> None:
    with Journal(path) as journal:
        for number in range(batches):
            journal.append([f"{name}.{number}.a", f"{name}.{number}.b"])


def test_processes_that_share_a_file_lose_nothing_and_keep_batches_together(path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=write_many, args=(path, name, 20)) for name in "xyz"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with Journal(path) as journal:
        written = bodies(journal)
    assert len(written) == 3 * 20 * 2
    assert all(left[:-1] == right[:-1] for left, right in zip(written[::2], written[1::2], strict=True))


WRITER = """
import sys
from pathlib import Path
from whybuy.journal import Journal

journal = Journal(Path(sys.argv[1]))
number = 0
while True:
    journal.append([str(number), str(number)])
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
    number += 1
"""


def test_a_killed_writer_loses_nothing_that_it_acknowledged(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(30)]
        os.kill(writer.pid, signal.SIGKILL)
        acknowledged += [int(line) for line in writer.stdout.read().split()]
    with Journal(path) as journal:
        written = [int(body) for body in bodies(journal)]
    assert written[: 2 * len(acknowledged)] == [number for number in acknowledged for _ in range(2)]
    assert len(written) % 2 == 0


def test_a_batch_with_a_bad_row_adds_nothing(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(["kept"])
        with pytest.raises(JournalError, match="cannot be used"):
            journal.append(["good", None])  # type: ignore[list-item]
        assert bodies(journal) == ["kept"]
        assert journal.append(["next"]) == 2


def test_a_file_that_is_no_journal_is_refused(path: Path) -> None:
    path.write_bytes(b"not a database, surely" * 100)
    with pytest.raises(JournalError, match=r"journal\.sqlite is damaged, or no journal .*Move it away"):
        Journal(path)


def test_a_damaged_page_is_reported_when_it_is_read(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(["x" * 2000] * 50)
    content = bytearray(path.read_bytes())
    content[4096 * 3 :] = b"\xff" * (len(content) - 4096 * 3)
    path.write_bytes(content)
    with Journal(path) as journal, pytest.raises(JournalError, match="is damaged"):
        journal.read()


def test_a_journal_of_another_format_is_refused(path: Path) -> None:
    Journal(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(JournalError, match="of format 9; this whybuy reads format 1"):
        Journal(path)


def test_a_locked_file_says_so_and_works_again_later(path: Path) -> None:
    with Journal(path, patience=0.05) as journal:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match=r"locked by another program for more than 0\.05 s"):
            journal.append(["late"])
        other.execute("ROLLBACK")
        other.close()
        assert journal.append(["on time"]) == 1


def test_a_full_disk_adds_nothing(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(["kept"])
        journal._connection.execute("PRAGMA max_page_count = 8")
        with pytest.raises(JournalError, match="the disk is full"):
            journal.append(["x" * 100_000])
        assert bodies(journal) == ["kept"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"absent/journal\.sqlite cannot be used .*folder exists"):
        Journal(tmp_path / "absent" / "journal.sqlite")
