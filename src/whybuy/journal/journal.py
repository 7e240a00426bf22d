"""The journal: one SQLite file in write-ahead mode, one table per kind of entry, rows only ever added."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from whybuy.errors import WhybuyError

JOURNAL_FILE = "journal.sqlite"
_FORMAT_VERSION = 1
_MICROSECONDS = 1_000_000


class JournalError(WhybuyError):
    """The journal file cannot be opened, read or written."""


class Kind(StrEnum):
    """The kinds of entries; each has its own table and its own cursor."""

    EVENT = "event"  # a UBI event body
    JUDGMENT = "judgment"  # a person's verdict on a hypothesis


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it was received."""

    cursor: int  # place in its kind, from 1, growing, never used twice
    received: datetime  # UTC
    body: str  # JSON, as it came


class Journal:
    """An open journal; safe to share between threads, and its file between processes."""

    def __init__(self, path: Path, *, patience: float = 5.0) -> None:
        """Open the journal, or make an empty one.

        Args:
            path: The file; its folder must exist.
            patience: Seconds to wait while another process writes.

        Raises:
            JournalError: the file is locked, damaged, no journal, or of another format version.
        """
        self.path = path
        self._patience = patience
        self._turn = threading.Lock()
        with self._explained():
            self._connection = sqlite3.connect(path, timeout=patience, check_same_thread=False, isolation_level=None)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def append(self, bodies: Sequence[str], *, kind: Kind = Kind.EVENT) -> int:
        """Add entries, all or none; they are on disk when this returns.

        Returns: the cursor of the last entry of this kind.

        Raises:
            JournalError: the file is locked or damaged, or the disk is full; nothing was added.
        """
        received = int(datetime.now(UTC).timestamp() * _MICROSECONDS)
        rows = [(received, body) for body in bodies]
        with self._writing() as connection:
            connection.executemany(f"INSERT INTO {kind.value} (received, body) VALUES (?, ?)", rows)
            return _last_cursor(connection, kind)

    def read(self, *, after: int = 0, limit: int = 10_000, kind: Kind = Kind.EVENT) -> tuple[Entry, ...]:
        """Entries after a cursor, oldest first; new entries always get a larger cursor than those that were read.

        Raises:
            JournalError: the file is locked or damaged.
        """
        query = f"SELECT cursor, received, body FROM {kind.value} WHERE cursor > ? ORDER BY cursor LIMIT ?"
        with self._turn, self._explained():
            rows = self._connection.execute(query, (after, limit)).fetchall()
        return tuple(
            Entry(cursor, datetime.fromtimestamp(received / _MICROSECONDS, UTC), body)
            for cursor, received, body in rows
        )

    def last(self, *, kind: Kind = Kind.EVENT) -> int:
        """The cursor of the newest entry; 0 when there is none.

        Raises:
            JournalError: the file is locked or damaged.
        """
        with self._turn, self._explained():
            return _last_cursor(self._connection, kind)

    def close(self) -> None:
        """Close the file."""
        with self._turn:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _prepare(self) -> None:
        with self._explained():
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
        with self._writing() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                _create_tables(connection)
            elif version != _FORMAT_VERSION:
                raise JournalError(
                    f"{self.path} is a journal of format {version}; this whybuy reads format {_FORMAT_VERSION}. "
                    "Use the whybuy that wrote it, or move the file away to start an empty one."
                )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that takes the write lock at once, so that cursors grow in the order of commits."""
        with self._turn, self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise JournalError(f"The journal {self.path} {self._advice(error)}") from error

    def _advice(self, error: sqlite3.Error) -> str:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return (
                f"is locked by another program for more than {self._patience:g} s. Nothing was written; try again, "
                "or end the program that holds it."
            )
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return (
                f"is damaged, or no journal ({error}). Move it away to start an empty one; "
                "`sqlite3 FILE .recover` may save what it held."
            )
        if name.startswith("SQLITE_FULL"):
            return "cannot grow: the disk is full. Nothing was written; free some space, then try again."
        return f"cannot be used ({error}). Check that its folder exists and can be written to."


def _create_tables(connection: sqlite3.Connection) -> None:
    for kind in Kind:
        connection.execute(
            f"CREATE TABLE {kind.value} "
            "(cursor INTEGER PRIMARY KEY AUTOINCREMENT, received INTEGER NOT NULL, body TEXT NOT NULL)"
        )
    connection.execute(f"PRAGMA user_version = {_FORMAT_VERSION}")


def _last_cursor(connection: sqlite3.Connection, kind: Kind) -> int:
    (cursor,) = connection.execute(f"SELECT coalesce(max(cursor), 0) FROM {kind.value}").fetchone()
    return int(cursor)
