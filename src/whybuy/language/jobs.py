"""Keeps the answers of language models in one SQLite file, by hash of model and prompt, so that none is paid twice."""

import json
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from whybuy.errors import WhybuyError
from whybuy.language.generator import Answer, Finish, Generator, Prompt

JOBS_FILE = "generations.sqlite"
_FORMAT_VERSION = 1
_TABLE = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, text TEXT NOT NULL, finish TEXT NOT NULL, prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL, problem TEXT NOT NULL, attempts INTEGER NOT NULL
) WITHOUT ROWID
"""
_KEEP = """
INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, 1) ON CONFLICT (key) DO UPDATE SET
    text = excluded.text, finish = excluded.finish, prompt_tokens = excluded.prompt_tokens,
    completion_tokens = excluded.completion_tokens, problem = excluded.problem, attempts = attempts + 1
"""
_MANY = 500  # keys in one question to SQLite


class JobsError(WhybuyError):
    """The file of answers cannot be used."""


def key_of(model: str, prompt: Prompt) -> str:
    """Hash of the model, the messages and the sampling settings, 32 hexadecimal digits."""
    identity = json.dumps([model, asdict(prompt)], sort_keys=True, ensure_ascii=False)
    return sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Jobs:
    """An open file of answers; safe to share between threads, and its file between processes."""

    def __init__(
        self,
        path: Path,
        *,
        fault_of: Callable[[Answer], str] = lambda answer: "",
        attempts: int = 3,
        patience: float = 10.0,
    ) -> None:
        """Open the file, or make an empty one.

        Args:
            path: The file; its folder must exist.
            fault_of: Why an answer is useless, "" when it is not; a useless one is stored as failed.
            attempts: How often a prompt whose answers fail is sent, over all runs.
            patience: Seconds to wait while another process writes.

        Raises:
            JobsError: the file is locked, damaged, or of another format version.
        """
        self.path = path
        self._fault_of, self._attempts = fault_of, attempts
        self._turn = threading.Lock()
        with self._explained():
            self._connection = sqlite3.connect(path, timeout=patience, check_same_thread=False, isolation_level=None)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def known(self, keys: Iterable[str]) -> dict[str, Answer]:
        """The stored answers by key: good ones, and failed ones after the last attempt."""
        wanted = list(dict.fromkeys(keys))
        answers: dict[str, Answer] = {}
        for start in range(0, len(wanted), _MANY):
            some = wanted[start : start + _MANY]
            query = (
                "SELECT key, text, finish, prompt_tokens, completion_tokens, problem FROM answers "
                f"WHERE key IN ({', '.join('?' * len(some))}) AND (finish != ? OR attempts >= ?)"
            )
            with self._turn, self._explained():
                rows = self._connection.execute(query, (*some, Finish.FAILED, self._attempts)).fetchall()
            for key, text, finish, *rest in rows:
                answers[key] = Answer(text, Finish(finish), *rest)
        return answers

    def keep(self, answers: Iterable[tuple[str, Answer]]) -> list[Answer]:
        """Write answers by key, all or none; they are on disk when this returns. Unreached ones are not kept.

        Returns: the answers as they were stored, useless ones as failed.
        """
        checked = [(key, self._checked(answer)) for key, answer in answers]
        rows = [(key, *asdict(one).values()) for key, one in checked if one.finish is not Finish.UNREACHED]
        with self._turn, self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(_KEEP, rows)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        return [answer for _, answer in checked]

    def _checked(self, answer: Answer) -> Answer:
        fault = self._fault_of(answer) if answer.good else ""
        return replace(answer, finish=Finish.FAILED, problem=fault) if fault else answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._turn:
            self._connection.close()

    def _prepare(self) -> None:
        with self._explained():
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version not in (0, _FORMAT_VERSION):
                raise JobsError(
                    f"{self.path} is of format {version}; this whybuy reads {_FORMAT_VERSION}. Move it away."
                )
            for statement in ("PRAGMA journal_mode = WAL", _TABLE, f"PRAGMA user_version = {_FORMAT_VERSION}"):
                self._connection.execute(statement)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise JobsError(
                f"The answers in {self.path} cannot be read or written ({error}). End other programs that hold the "
                "file, make room, or move it away; answers in it are lost only with the file."
            ) from error


class CachingGenerator:
    """A generator that sends only prompts without a stored answer, and stores the new answers."""

    def __init__(self, generator: Generator, jobs: Jobs) -> None:
        self._generator, self._jobs = generator, jobs

    @property
    def model(self) -> str:
        """Name of the wrapped generator's model."""
        return self._generator.model

    def __call__(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Answer]]:
        """See `Generator`; stored answers come first, and a new one is on disk before it is yielded."""
        keys = [key_of(self.model, prompt) for prompt in prompts]
        known = self._jobs.known(keys)
        places: defaultdict[str, list[int]] = defaultdict(list)
        for place, key in enumerate(keys):
            if key in known:
                yield place, known[key]
            else:
                places[key].append(place)
        new = list(places)
        for number, answer in self._generator([prompts[places[key][0]] for key in new]):
            (kept,) = self._jobs.keep([(new[number], answer)])
            for place in places[new[number]]:
                yield place, kept
