"""A prefix → completions: what begins with it, then what has its words, is nearly it, or begins as it does."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whybuy.artifacts import ArrayFolder
from whybuy.completion.folding import fold, fold_prefix, spans_of
from whybuy.completion.prefix_index import PrefixIndex
from whybuy.completion.session_ranker import LOWEST, SessionRanker
from whybuy.errors import ArtifactError
from whybuy.records import Completion, Fit, Intent, Suggested
from whybuy.relations import Relation

FORMAT_VERSION = 2
SHORTEST_WITH_TYPOS = 4  # letters of a prefix that may hold a mistake: three, and the last, which is not judged yet
LOOKED_AT = 100  # rows with the last word of a prefix, of which those with all its words are taken
LONGEST_PREFIX = 200  # letters that are looked at
_TEXTS_FILE = "texts.parquet"
_SESSION_FOLDER = "session"
_SHOWN = ["key", "text", "source", "meaning", "relation", "tail", "words", "confidence", "category"]
_SAVED = ArrayFolder("completions", 1, "completions.json")


@dataclass(frozen=True, slots=True)
class CompletionConfig:
    """How a shop completes."""

    blocked: tuple[str, ...] = ()  # words and phrases that no completion has, from the next opening on
    depth: int = 100  # of what begins with a prefix: so many of the most asked and of the likeliest are weighed
    beam: int = 10  # nodes on each level of the tree that says what is likely in a session


_USUAL = CompletionConfig()


class Completer:
    """Everything that may be suggested: arrays memory-mapped, texts in memory; safe for many threads."""

    def __init__(
        self,
        whole: PrefixIndex,
        inner: PrefixIndex,
        texts: pa.Table,
        *,
        ranker: SessionRanker | None = None,
        config: CompletionConfig = _USUAL,
    ) -> None:
        """whole, inner: the keys, and what follows their first words. texts: `_SHOWN` of the vocabulary."""
        self._whole, self._inner, self._ranker, self._config = whole, inner, ranker, config
        self._texts, self._columns = texts, {name: texts[name].combine_chunks() for name in _SHOWN}
        self._meaning: NDArray[np.int32] = texts["meaning"].to_numpy()
        self.block(config.blocked)

    @classmethod
    def build(
        cls, vocabulary: pa.Table, ranker: SessionRanker | None = None, *, config: CompletionConfig = _USUAL
    ) -> Self:
        """Index a vocabulary (VOCABULARY_SCHEMA). ranker: of its rows."""
        keys, weights = vocabulary["key"].to_pylist(), vocabulary["weight"].to_numpy()
        inside = sorted((key[at:], row) for row, key in enumerate(keys) for at in _later_words(key))
        return cls(
            PrefixIndex.build(keys, range(len(keys)), weights),
            PrefixIndex.build([text for text, _ in inside], [row for _, row in inside], weights),
            vocabulary.select(_SHOWN),
            ranker=ranker,
            config=config,
        )

    def __len__(self) -> int:
        return len(self._texts)

    def block(self, phrases: Iterable[str]) -> None:
        """Never suggest what has one of these words or phrases. Not safe while others ask."""
        folded = [f" {key} " for phrase in phrases if (key := fold(phrase))]
        if not folded:
            return
        blocked = [any(phrase in f" {key} " for phrase in folded) for key in self._columns["key"].to_pylist()]
        self._whole.leave_out(np.array(blocked, bool))
        self._inner.leave_out(np.array(blocked, bool))

    def complete(
        self, typed: str, *, previous: Sequence[str] = (), limit: int = 10, distinct: bool = False
    ) -> list[Completion]:
        """At most `limit` completions: what fits better comes first, of one fit what is asked most.

        After other queries, what begins with the prefix comes in the order of log(times asked) + weight * log(score of
        the session ranker). Where nothing is typed, all begins with it. What only begins with the first letters is
        offered where nothing fits.

        previous: queries of the session, the one just before first. distinct: of the same words in other orders and
        inflections the best alone.
        """
        prefix = fold_prefix(typed[:LONGEST_PREFIX])
        likely = self._in_session(prefix, previous)
        stages: tuple[tuple[Fit, Callable[[str, int], Iterable[int]]], ...] = (
            (Fit.PREFIX, lambda _, __: likely),
            (Fit.PREFIX, self._whole.beginning),
            (Fit.WORDS, self._with_words),
            (Fit.TYPO, self._nearly),
        )
        found, meant = dict[int, Fit](), set[int]()
        for fit, stage in stages:
            if len(found) < limit:  # half of what a stage finds may be there already
                self._take(stage(prefix, (4 if distinct else 2) * limit), fit, found, meant if distinct else None)
        if not found and (known := self._whole.known(prefix)):
            self._take(self._whole.beginning(known, limit), Fit.SHORTER, found, None)
        return [self._completion(row, fit, prefix, likely.get(row)) for row, fit in list(found.items())[:limit]]

    def _take(self, rows: Iterable[int], fit: Fit, found: dict[int, Fit], meant: set[int] | None) -> None:
        """Add rows to those found. meant: meanings of these, of which none is added twice."""
        for row in rows:
            if meant is None:
                found.setdefault(row, fit)
            elif (meaning := int(self._meaning[row])) not in meant:
                meant.add(meaning)
                found.setdefault(row, fit)

    def _in_session(self, prefix: str, previous: Sequence[str]) -> dict[int, float]:
        """Rows that begin with a prefix, best first, each with its score; none where the session says nothing.

        What the tree did not come to counts as least likely of all.
        """
        ranker = self._ranker
        context = ranker.context(previous) if ranker and ranker.weight and previous else None
        if not ranker or not context:
            return {}
        depth, span = self._config.depth, self._whole.span(prefix)
        likely, scores = ranker.find(context, span, beam=self._config.beam, limit=depth)
        asked = np.array(self._whole.beginning(prefix, depth), np.int32)
        others = asked[~np.isin(asked, likely)]
        rows, scores = np.append(likely, others), np.append(scores, np.full(len(others), LOWEST, np.float32))
        weights = self._whole.weights(rows)
        totals = np.log(np.maximum(weights, 1e-30)) + ranker.weight * scores
        order = np.lexsort([rows, -totals])
        order = order[weights[order] > -np.inf]
        return dict(zip(rows[order].tolist(), np.exp(scores[order]).tolist(), strict=True))

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

    def _completion(self, row: int, fit: Fit, prefix: str, likely: float | None) -> Completion:
        told = {name: column[row].as_py() for name, column in self._columns.items()}
        need = None
        if told["tail"] is not None:
            need = Intent(Relation(told["relation"]), told["tail"], told["confidence"], told["words"])
        return Completion(
            text=told["text"],
            score=self._whole.weight(row),
            fit=fit,
            source=Suggested(told["source"]),
            typed=spans_of(prefix, told["key"], told["text"], fit),
            likely=likely,
            need=need,
            category=told["category"] or "",
        )

    def save(self, folder: Path) -> None:
        """Write the folder that `open` maps; it is made when missing."""
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(self._texts, folder / _TEXTS_FILE, compression="zstd")
        _SAVED.save(folder, self._whole.arrays("whole") | self._inner.arrays("inner"))
        if self._ranker:
            self._ranker.save(folder / _SESSION_FOLDER)

    @classmethod
    def open(cls, folder: Path, config: CompletionConfig = _USUAL) -> Self:
        """What was saved in a folder.

        Raises:
            ArtifactError: it holds no completions, those of another format version, or damaged ones.
        """
        arrays, _ = _SAVED.load(folder)
        try:
            texts = pq.read_table(folder / _TEXTS_FILE)
        except (OSError, pa.ArrowInvalid) as error:
            raise ArtifactError(f"{folder} holds no readable completions ({error}). Run `whybuy build`.") from error
        ranker = SessionRanker.open(folder / _SESSION_FOLDER)
        return cls(
            PrefixIndex.of(arrays, "whole"), PrefixIndex.of(arrays, "inner"), texts, ranker=ranker, config=config
        )


def _later_words(key: str) -> list[int]:
    """Where the words of a key begin, but for the first."""
    return [at + 1 for at, letter in enumerate(key) if letter == " "]
