"""A prefix → completions: what begins with it, then what has its words, is nearly it, or begins as it does."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whybuy.artifacts import ArrayFolder
from whybuy.completion.best_first import Weights, best_first, index_weights
from whybuy.completion.folding import fold, fold_prefix, spans_of
from whybuy.completion.sorted_texts import SortedTexts, have_words, narrow, nearly, shared, sort_texts
from whybuy.errors import ArtifactError
from whybuy.records import Completion, Fit, Suggested

FORMAT_VERSION = 1
SHORTEST_WITH_TYPOS = 4  # letters of a prefix that may hold a mistake: three, and the last, which is not judged yet
FIRM = 1  # letters at the start that are never mistyped
LOOKED_AT = 100  # rows with the last word of a prefix, of which those with all its words are taken
LONGEST_PREFIX = 200  # letters that are looked at
_TEXTS_FILE = "texts.parquet"
_SAVED = ArrayFolder("completions", 1, "completions.json")


@dataclass(frozen=True, slots=True)
class CompletionConfig:
    """How a shop completes."""

    blocked: tuple[str, ...] = ()  # words and phrases that no completion has, from the next opening on


class Completer:
    """Everything that may be suggested: arrays memory-mapped, texts in memory; safe for many threads."""

    def __init__(self, whole: "_Index", inner: "_Index", texts: pa.Table) -> None:
        """whole, inner: the keys, and what follows their first words. texts: columns key, text, asked."""
        self._whole, self._inner, self._texts = whole, inner, texts
        self._keys, self._shown, self._asked = (texts[name].combine_chunks() for name in ("key", "text", "asked"))

    @classmethod
    def build(cls, vocabulary: pa.Table) -> Self:
        """Index a vocabulary (VOCABULARY_SCHEMA)."""
        keys, weights = vocabulary["key"].to_pylist(), vocabulary["weight"].to_numpy()
        inside = sorted((key[at:], row) for row, key in enumerate(keys) for at in _later_words(key))
        asked = pa.array([source == Suggested.ASKED for source in vocabulary["source"].to_pylist()], pa.bool_())
        return cls(
            _Index.build(keys, range(len(keys)), weights),
            _Index.build([text for text, _ in inside], [row for _, row in inside], weights),
            pa.table({"key": vocabulary["key"], "text": vocabulary["text"], "asked": asked}),
        )

    def __len__(self) -> int:
        return len(self._keys)

    def block(self, phrases: Iterable[str]) -> None:
        """Never suggest what has one of these words or phrases. Not safe while others ask."""
        folded = [f" {key} " for phrase in phrases if (key := fold(phrase))]
        if not folded:
            return
        blocked = [any(phrase in f" {key} " for phrase in folded) for key in self._keys.to_pylist()]
        self._whole.leave_out(np.array(blocked, bool))
        self._inner.leave_out(np.array(blocked, bool))

    def complete(self, typed: str, *, limit: int = 10) -> list[Completion]:
        """At most `limit` completions: what fits better comes first, of one fit what is asked most.

        Where nothing is typed, what is asked most of all. What only begins with the first letters is offered where
        nothing fits.
        """
        prefix = fold_prefix(typed[:LONGEST_PREFIX])
        stages = {Fit.PREFIX: self._whole.beginning, Fit.WORDS: self._with_words, Fit.TYPO: self._nearly}
        found: dict[int, Fit] = {}
        for fit, stage in stages.items():
            for row in stage(prefix, 2 * limit) if len(found) < limit else ():  # half may be found already
                found.setdefault(row, fit)
        if not found and (known := self._whole.known(prefix)):
            found = dict.fromkeys(self._whole.beginning(known, limit), Fit.SHORTER)
        return [self._completion(row, fit, prefix) for row, fit in list(found.items())[:limit]]

    def _nearly(self, prefix: str, limit: int) -> Iterator[int]:
        if len(prefix) >= SHORTEST_WITH_TYPOS:
            yield from self._whole.nearly_beginning(prefix, limit)

    def _with_words(self, prefix: str, limit: int) -> Iterator[int]:
        """Rows with all words of a prefix, of which the last may be unfinished."""
        *others, last = prefix.split() or [""]
        if not last:
            return
        last += prefix[len(prefix.rstrip()) :]
        if not others:
            yield from self._inner.beginning(last, limit)
            return
        for index in (self._inner, self._whole):
            yield from self._whole.having(others, index.beginning(last, LOOKED_AT))

    def _completion(self, row: int, fit: Fit, prefix: str) -> Completion:
        text = self._shown[row].as_py()
        source = Suggested.ASKED if self._asked[row].as_py() else Suggested.CATALOG
        return Completion(
            text, self._whole.weight(row), fit, source, spans_of(prefix, self._keys[row].as_py(), text, fit)
        )

    def save(self, folder: Path) -> None:
        """Write the folder that `open` maps; it is made when missing."""
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(self._texts, folder / _TEXTS_FILE, compression="zstd")
        _SAVED.save(folder, self._whole.arrays("whole") | self._inner.arrays("inner"))

    @classmethod
    def open(cls, folder: Path) -> Self:
        """What was saved in a folder.

        Raises:
            ArtifactError: it holds no completions, those of another format version, or damaged ones.
        """
        arrays, _ = _SAVED.load(folder)
        try:
            texts = pq.read_table(folder / _TEXTS_FILE)
        except (OSError, pa.ArrowInvalid) as error:
            raise ArtifactError(f"{folder} holds no readable completions ({error}). Run `whybuy build`.") from error
        return cls(_Index.of(arrays, "whole"), _Index.of(arrays, "inner"), texts)


class _Index:
    """Sorted texts, each a way to a row; several may lead to one."""

    def __init__(self, texts: SortedTexts, rows: NDArray[np.int32], weights: Weights) -> None:
        """rows: shape (texts,). weights: of the texts."""
        self._texts, self._rows, self._weights = texts, rows, weights
        self._encode = texts.encoder()

    @classmethod
    def build(cls, texts: Sequence[str], rows: Sequence[int], weights: NDArray[np.float32]) -> Self:
        """texts: sorted. rows: where each leads. weights: by row."""
        ends = np.array(rows, np.int32)
        return cls(sort_texts(texts), ends, index_weights(weights[ends]))

    def beginning(self, prefix: str, limit: int) -> list[int]:
        """The heaviest rows of texts that begin with a prefix, heaviest first."""
        span = narrow(self._texts, 0, len(self._rows), 0, self._encode(prefix), 0)
        return self._best(np.array([span], np.int64), limit)

    def nearly_beginning(self, prefix: str, limit: int) -> list[int]:
        """The same where one letter of the prefix is wrong."""
        return self._best(nearly(self._texts, self._encode(prefix), FIRM), limit)

    def having(self, words: Sequence[str], rows: Sequence[int]) -> Iterator[int]:
        """Those of some rows that have all of some words, where text t leads to row t."""
        space = int(self._encode(" ")[0])
        among = np.array(rows, np.int32)
        return compress(rows, have_words(self._texts, among, self._encode(" ".join(words)), space).tolist())

    def known(self, prefix: str) -> str:
        """As much of a prefix as some text begins with."""
        return prefix[: shared(self._texts, self._encode(prefix))]

    def leave_out(self, blocked: NDArray[np.bool_]) -> None:
        """Find some rows no more. blocked: by row."""
        self._weights = index_weights(np.where(blocked[self._rows], -np.inf, self._weights.weights))

    def weight(self, row: int) -> float:
        """The weight of a row, where text t leads to row t."""
        return float(self._weights.weights[row])

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """What `of` needs, each array named for this index."""
        parts = {**self._texts._asdict(), "rows": self._rows, **self._weights._asdict()}
        return {f"{name}_{part}": array for part, array in parts.items()}

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], name: str) -> Self:
        """The index that `arrays` took apart."""
        texts, weights = (tuple(arrays[f"{name}_{part}"] for part in kind._fields) for kind in (SortedTexts, Weights))
        return cls(SortedTexts(*texts), arrays[f"{name}_rows"], Weights(*weights))

    def _best(self, spans: NDArray[np.int64], limit: int) -> list[int]:
        found: list[int] = self._rows[best_first(self._weights, spans, limit)].tolist()
        return found


def _later_words(key: str) -> list[int]:
    """Where the words of a key begin, but for the first."""
    return [at + 1 for at, letter in enumerate(key) if letter == " "]
