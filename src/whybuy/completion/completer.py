"""A prefix → completions: what begins with it, then what has its words, is nearly it, or begins as it does."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whybuy.artifacts import ArrayFolder, write_json
from whybuy.completion.folding import fold, fold_prefix, spans_of
from whybuy.completion.fresh import Thresholds
from whybuy.completion.prefix_index import PrefixIndex
from whybuy.completion.session_ranker import LOWEST, SessionRanker
from whybuy.errors import ArtifactError
from whybuy.records import Completion, Fit, Intent, Suggested
from whybuy.relations import Relation

FORMAT_VERSION = 2
SHORTEST_WITH_TYPOS = 4  # letters of a prefix that may hold a mistake: three, and the last, which is not judged yet
LOOKED_AT = 60  # rows with the last word of a prefix, of which those with all its words are taken
LONGEST_PREFIX = 200  # letters that are looked at
_TEXTS_FILE = "texts.parquet"
_SESSION_FOLDER = "session"
_THRESHOLDS_FILE = "thresholds.json"
_SHOWN = ["key", "text", "source", "meaning", "relation", "tail", "words", "confidence", "category"]
_SAVED = ArrayFolder("completions", 1, "completions.json")


@dataclass(frozen=True, slots=True)
class CompletionConfig:
    """How a shop completes."""

    blocked: tuple[str, ...] = ()  # words and phrases that no completion has
    depth: int = 100  # of what begins with a prefix: so many of the most asked and of the likeliest are weighed
    beam: int = 10  # nodes on each level of the tree that says what is likely in a session


_USUAL = CompletionConfig()
_THRESHOLDS = Thresholds()


class Completer:
    """Everything that may be suggested: arrays memory-mapped, texts in memory; safe for many threads."""

    def __init__(
        self,
        whole: PrefixIndex,
        inner: PrefixIndex,
        texts: pa.Table,
        *,
        ranker: SessionRanker | None = None,
        thresholds: Thresholds = _THRESHOLDS,
        config: CompletionConfig = _USUAL,
    ) -> None:
        """whole, inner: the keys, and what follows their first words. texts: `_SHOWN` of the vocabulary.

        thresholds: that a query has to meet.
        """
        self._whole, self._inner, self._ranker, self._config = whole, inner, ranker, config
        self.thresholds = thresholds
        self._fresh: Completer | None = None
        self._texts, self._columns = texts, {name: texts[name].combine_chunks() for name in _SHOWN}
        self._meaning: NDArray[np.int32] = texts["meaning"].to_numpy()
        self._needy: NDArray[np.bool_] = pc.is_valid(texts["tail"]).to_numpy()  # a look into Arrow costs a microsecond
        category, source = (texts[name].combine_chunks().dictionary_encode() for name in ("category", "source"))
        self._categories = [*category.dictionary.to_pylist(), ""]  # the last one, -1, where none is known
        self._category: NDArray[np.int32] = pc.fill_null(category.indices, -1).to_numpy()
        self._sources = [Suggested(name) for name in source.dictionary.to_pylist()]
        self._source: NDArray[np.int32] = source.indices.to_numpy()
        self.block(config.blocked)

    @classmethod
    def build(
        cls,
        vocabulary: pa.Table,
        ranker: SessionRanker | None = None,
        *,
        thresholds: Thresholds = _THRESHOLDS,
        config: CompletionConfig = _USUAL,
    ) -> Self:
        """Index a vocabulary (VOCABULARY_SCHEMA). ranker: of its rows."""
        keys, weights = vocabulary["key"].to_pylist(), vocabulary["weight"].to_numpy()
        inside = sorted((key[at:], row) for row, key in enumerate(keys) for at in _later_words(key))
        return cls(
            PrefixIndex.build(keys, range(len(keys)), weights),
            PrefixIndex.build([text for text, _ in inside], [row for _, row in inside], weights),
            vocabulary.select(_SHOWN),
            ranker=ranker,
            thresholds=thresholds,
            config=config,
        )

    def __len__(self) -> int:
        return len(self._texts)

    def weight(self, key: str) -> float:
        """How often a folded text is asked; 0 of one that is no suggestion."""
        row, end = self._whole.span(key)
        known = row < end and self._columns["key"][row].as_py() == key
        return self._whole.weight(row) if known else 0.0

    def refresh(self, vocabulary: pa.Table) -> None:
        """Suggest these queries too (VOCABULARY_SCHEMA), those that are known already by their new weights."""
        self._fresh = Completer.build(vocabulary, config=self._config) if vocabulary.num_rows else None

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
        found = dict[int, Fit]()
        seen = set[int]()  # rows, or their meanings where these are to be distinct
        for fit, stage in stages:
            rows = stage(prefix, (4 if distinct else 2) * limit) if len(found) < limit else ()  # some are seen already
            for row in rows:
                sign = int(self._meaning[row]) if distinct else row
                if sign not in seen:
                    seen.add(sign)
                    found[row] = fit
                    if len(found) == limit:
                        break
        if not found and (known := self._whole.known(prefix)):
            found = dict.fromkeys(self._whole.beginning(known, limit), Fit.SHORTER)
        told = [self._completion(row, fit, prefix, likely.get(row)) for row, fit in found.items()]
        fresh = self._fresh  # may be replaced meanwhile
        heard = fresh.complete(typed, limit=limit, distinct=distinct) if fresh else ()
        return _merged(told, heard, by_weight=not likely)[:limit] if heard else told

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
        there = set(likely.tolist())
        others = [row for row in self._whole.beginning(prefix, depth) if row not in there]
        rows = np.append(likely, np.array(others, np.int32))
        scores = np.append(scores, np.full(len(others), LOWEST, np.float32))
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
        text = self._columns["text"][row].as_py()
        return Completion(
            text=text,
            score=self._whole.weight(row),
            fit=fit,
            source=self._sources[self._source[row]],
            typed=spans_of(prefix, self._columns["key"][row].as_py(), text, fit),
            likely=likely,
            need=self._need(row) if self._needy[row] else None,
            category=self._categories[self._category[row]],
        )

    def _need(self, row: int) -> Intent:
        relation, tail, words, confidence = (
            self._columns[name][row].as_py() for name in ("relation", "tail", "words", "confidence")
        )
        return Intent(Relation(relation), tail, confidence, words)

    def save(self, folder: Path) -> None:
        """Write the folder that `open` maps; it is made when missing."""
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(self._texts, folder / _TEXTS_FILE, compression="zstd")
        _SAVED.save(folder, self._whole.arrays("whole") | self._inner.arrays("inner"))
        write_json(folder / _THRESHOLDS_FILE, asdict(self.thresholds))
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
            thresholds = Thresholds(**json.loads((folder / _THRESHOLDS_FILE).read_text()))
        except (OSError, ValueError, TypeError, pa.ArrowInvalid) as error:
            raise ArtifactError(f"{folder} holds no readable completions ({error}). Run `whybuy build`.") from error
        ranker = SessionRanker.open(folder / _SESSION_FOLDER)
        indexes = PrefixIndex.of(arrays, "whole"), PrefixIndex.of(arrays, "inner")
        return cls(*indexes, texts, ranker=ranker, thresholds=thresholds, config=config)


def _merged(known: Sequence[Completion], fresh: Sequence[Completion], *, by_weight: bool) -> list[Completion]:
    """What fits better first; of one fit by weight, or what was known already first. Each text once, where it is fresh.

    What fits in no way but by its first letters is left out where something fits.
    """
    entries = {fold(one.text): one for one in known}
    for one in fresh:
        before = entries.get(fold(one.text), one)
        entries[fold(one.text)] = replace(before, score=one.score)
    fits = list(Fit)
    every = sorted(entries.values(), key=lambda one: (fits.index(one.fit), -one.score if by_weight else 0.0))
    fitting = [one for one in every if one.fit is not Fit.SHORTER]
    return fitting or every


def _later_words(key: str) -> list[int]:
    """Where the words of a key begin, but for the first."""
    return [at + 1 for at, letter in enumerate(key) if letter == " "]
