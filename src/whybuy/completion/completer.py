"""A prefix → completions: what begins with it, then what has its words, is nearly it, or begins as it does."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whybuy.artifacts import ArrayFolder, write_json
from whybuy.completion.folding import fold, fold_prefix, spans_of, word_key, word_key_hash
from whybuy.completion.intent_columns import INTENT_COLUMNS, intent_at
from whybuy.completion.limits import Thresholds
from whybuy.completion.prefix_index import PrefixIndex
from whybuy.completion.session_ranker import MIN_LOG_SCORE, Context, SessionRanker
from whybuy.completion.suffixes import Suffixes
from whybuy.completion.text_column import TextColumn
from whybuy.completion.word_index import WordIndex
from whybuy.config import ConfigTable
from whybuy.errors import ArtifactError, InputError
from whybuy.kernels import kernel
from whybuy.records import Completion, Fit, Suggested

FORMAT_VERSION = 6
SHORTEST_WITH_TYPOS = 4  # letters of a prefix that may hold a mistake: three, and the last, which is not judged yet
ENOUGH = 5  # completions of the fits so far, beside which none of the next is looked for
LEAST_TIMES = 1e-30  # of which a logarithm is taken
LONGEST_PREFIX = 200  # letters that are looked at
_TEXTS_FILE = "texts.parquet"
_SESSION_FOLDER, _SUFFIXES_FOLDER = "session", "suffixes"
_THRESHOLDS_FILE = "thresholds.json"
_SHOWN = ["key", "text", "source", "word_key", "relation", "tail", "words", "confidence", "category"]
_SAVED = ArrayFolder("completions", 2, "completions.json")


@dataclass(frozen=True, slots=True)
class CompletionConfig:
    """How a shop completes."""

    blocked: tuple[str, ...] = ()  # words and phrases that no completion has
    depth: int = 40  # of what begins with a prefix: so many of the most asked and of the likeliest are weighed
    beam: int = 10  # nodes on each level of the tree that says what is likely in a session


COMPLETION_CONFIG = ConfigTable("completion", CompletionConfig)


_Weighed = tuple[
    NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]
]  # rows, and logarithms of times and scores
_Scored = Mapping[int, float | None]  # rows, best first, with their scores in the session
_USUAL = CompletionConfig()
_THRESHOLDS = Thresholds()


class Completer:
    """Everything that may be suggested: arrays memory-mapped, texts in memory; safe for many threads."""

    def __init__(
        self,
        indexes: tuple[PrefixIndex, WordIndex],
        texts: pa.Table,
        *,
        ranker: SessionRanker | None = None,
        suffixes: Suffixes | None = None,
        thresholds: Thresholds = _THRESHOLDS,
        config: CompletionConfig = _USUAL,
    ) -> None:
        """indexes: of the keys. texts: `_SHOWN` of the vocabulary.

        suffixes: of longer queries. thresholds: that a query has to meet.
        """
        self._whole, self._words = indexes
        self._ranker, self._suffixes, self._config, self.thresholds = ranker, suffixes, config, thresholds
        self._live: Completer | None = None
        self._texts, self._intents = texts, {name: texts[name].combine_chunks() for name in INTENT_COLUMNS}
        self._keys, self._spellings = TextColumn(texts["key"]), TextColumn(texts["text"])
        self._word_keys: NDArray[np.int64] = texts["word_key"].to_numpy()
        # a look into Arrow for each completion would cost a microsecond
        self._has_intent: NDArray[np.bool_] = pc.is_valid(texts["tail"]).to_numpy()
        category, source = (texts[name].combine_chunks().dictionary_encode() for name in ("category", "source"))
        self._categories = [*category.dictionary.to_pylist(), ""]  # the last one, -1, where none is known
        self._category: NDArray[np.int32] = pc.fill_null(category.indices, -1).to_numpy()
        self._sources = [Suggested(name) for name in source.dictionary.to_pylist()]
        self._source: NDArray[np.int32] = source.indices.to_numpy()
        self._blocked = _Blocked(config.blocked)
        if self._blocked:
            blocked = np.array([key in self._blocked for key in texts["key"].to_pylist()], np.bool_)
            self._whole.leave_out(blocked)
            self._words.leave_out(blocked)
        self._weights = self._whole.weights.weights  # -inf of what is blocked

    @classmethod
    def build(
        cls,
        vocabulary: pa.Table,
        ranker: SessionRanker | None = None,
        *,
        suffixes: Suffixes | None = None,
        thresholds: Thresholds = _THRESHOLDS,
        config: CompletionConfig = _USUAL,
    ) -> Self:
        """Index a vocabulary (VOCABULARY_SCHEMA). ranker: of its rows."""
        keys, weights = vocabulary["key"].to_pylist(), vocabulary["weight"].to_numpy()
        whole = PrefixIndex.build(keys, np.arange(len(keys)), weights)
        return cls(
            (whole, WordIndex.build(whole)),
            vocabulary.select(_SHOWN),
            ranker=ranker,
            suffixes=suffixes,
            thresholds=thresholds,
            config=config,
        )

    def __len__(self) -> int:
        return len(self._texts)

    def weight(self, key: str) -> float:
        """How often a folded text is asked; 0 of one that is no suggestion."""
        row = self._whole.row(self._whole.encode(key))
        return 0.0 if row is None else float(self._weights[row])

    def refresh(self, vocabulary: pa.Table) -> None:
        """Suggest these queries too (VOCABULARY_SCHEMA), those that are known already by their new weights."""
        self._live = Completer.build(vocabulary, config=self._config) if vocabulary.num_rows else None

    def complete(
        self, typed: str, *, previous: Sequence[str] = (), limit: int = 10, distinct: bool = False
    ) -> list[Completion]:
        """At most `limit` completions: what fits better comes first, of one fit what is asked most.

        After other queries, those of one fit come in the order of log(times asked) + weight * log(score of the session
        ranker). What is composed of a head and a suffix follows what was asked. Where nothing is typed, all
        begins with it. What only begins with the first letters is offered where nothing fits.

        previous: queries of the session, the one just before first. distinct: of the same words in other orders and
        inflections the best alone.
        """
        prefix = fold_prefix(typed[:LONGEST_PREFIX])
        codes, ranker = self._whole.encode(prefix), self._ranker
        span = self._whole.span(codes)
        context = ranker.context(previous) if ranker and previous and ranker.weight(prefix) else None
        more = (4 if distinct else 2) * limit  # some are shown already
        likely = self._in_session(span, prefix, context, more)
        page = _Page(prefix, limit, distinct)
        self._show(page, likely, Fit.PREFIX)
        if not page.full and span[0] < span[1]:
            self._show(page, _unscored(self._whole.heaviest(span, more)), Fit.PREFIX)
        enough = min(ENOUGH, limit)
        if len(page.shown) < enough:
            self._compose(page, more)
        if len(page.shown) < enough:
            self._show(page, self._ranked(self._with_words(prefix, codes, more), prefix, context), Fit.WORDS)
        if len(page.shown) < enough and len(prefix) >= SHORTEST_WITH_TYPOS:
            near = self._whole.nearly_beginning(codes, more)
            self._show(page, self._ranked(near, prefix, context), Fit.TYPO)
        if not page.shown and len(known := self._whole.known(codes)):
            self._show(page, _unscored(self._whole.beginning(known, more)), Fit.SHORTER)
        live = self._live  # may be replaced meanwhile
        since = live.complete(typed, limit=limit, distinct=distinct) if live else ()
        if not since:
            return list(page.shown.values())
        return page.with_live({self._sign(one.text, distinct): one for one in since}, by_weight=not likely)

    def span(self, prefix: str) -> tuple[int, int]:
        """The rows that begin with a folded prefix: from which up to which."""
        return self._whole.span(self._whole.encode(prefix))

    def weigh(self, span: tuple[int, int], context: Context) -> _Weighed:
        """Rows of a span, all of few, else the likeliest after other queries and the most asked.

        What the tree did not come to has the lowest score of all; what is blocked is left out. Returns: rows, and for
        each the logarithms of the times that it was asked and of its score.

        Raises:
            InputError: there is no session ranker.
        """
        if self._ranker is None:
            raise InputError("There is no session ranker to weigh by. Build the completer with one.")
        if span[1] - span[0] <= self._config.depth:
            return self._scores(self._ranker, np.arange(*span, dtype=np.int32), context)
        likely, scores = self._ranker.find(context, span, beam=self._config.beam, limit=self._config.depth)
        asked = self._whole.heaviest(span, self._config.depth)
        return joined(likely, scores, asked, self._weights)

    def _scores(self, ranker: SessionRanker, rows: NDArray[np.int32], context: Context) -> _Weighed:
        """Of some rows; see `weigh`."""
        return joined(rows, ranker.score(context, rows), rows[:0], self._weights)

    def _in_session(self, span: tuple[int, int], prefix: str, context: Context | None, limit: int) -> _Scored:
        """The best rows of a span, best first, each with its score; none where the session says nothing."""
        if self._ranker is None or not context or span[1] - span[0] < 2:  # one needs no order
            return {}
        return _scored(*ranked(*self.weigh(span, context), self._ranker.weight(prefix), limit))

    def _ranked(self, rows: NDArray[np.int32], prefix: str, context: Context | None) -> _Scored:
        """Rows with their scores, best first; as they were, without any, where the session says nothing."""
        if self._ranker is None or not context or len(rows) < 2:
            return _unscored(rows)
        weighed = self._scores(self._ranker, rows, context)
        return _scored(*ranked(*weighed, self._ranker.weight(prefix), len(rows)))

    def _with_words(self, prefix: str, codes: NDArray[np.uint16], limit: int) -> NDArray[np.int32]:
        """Rows with all words of a prefix, of which the last may be unfinished: the most asked that have the rarest."""
        whole = len(prefix.rstrip())
        if " " not in prefix[:whole]:
            return self._words.beginning(codes, limit if whole else 0)
        return self._words.having(codes[:whole], limit, begun=whole == len(prefix))

    def _show(self, page: "_Page", rows: _Scored, fit: Fit) -> None:
        """Add rows with their scores in the session to a page, as many as go."""
        for row, likely in rows.items():
            if page.full:
                return
            key = self._keys[row]
            sign = int(self._word_keys[row]) if page.distinct else key
            if sign not in page.shown:
                page.shown[sign] = self._completion(row, key, fit, page.prefix, likely)

    def _compose(self, page: "_Page", limit: int) -> None:
        """Add what is composed of a head and a suffix."""
        for one in self._suffixes.complete(page.prefix, limit, spelled=self._spelled) if self._suffixes else ():
            sign = word_key_hash(one.word_key) if page.distinct else one.key
            if sign not in page.shown and one.key not in self._blocked:
                typed = spans_of(page.prefix, one.key, one.text, Fit.PREFIX)
                page.shown[sign] = Completion(
                    one.text, one.share, Fit.PREFIX, Suggested.COMPOSED, typed=typed, intent=one.intent
                )
                if page.full:
                    return

    def _spelled(self, key: str) -> str | None:
        row = self._whole.row(self._whole.encode(key))
        return None if row is None else self._spellings[row]

    def _sign(self, text: str, distinct: bool) -> int | str:
        """What is the same for texts of which a page shows one: the hash of their word key, or the folded text."""
        key = fold(text)
        return word_key_hash(word_key(key, self.thresholds.language)) if distinct else key

    def _completion(self, row: int, key: str, fit: Fit, prefix: str, likely: float | None) -> Completion:
        text = self._spellings[row]
        return Completion(
            text=text,
            score=float(self._weights[row]),
            fit=fit,
            source=self._sources[self._source[row]],
            typed=spans_of(prefix, key, text, fit),
            session_score=likely,
            intent=intent_at(self._intents, row) if self._has_intent[row] else None,
            category=self._categories[self._category[row]],
        )

    def save(self, folder: Path) -> None:
        """Write the folder that `open` maps; it is made when missing."""
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(self._texts, folder / _TEXTS_FILE, compression="zstd")
        _SAVED.save(folder, self._whole.arrays("whole") | self._words.arrays("words"))
        write_json(folder / _THRESHOLDS_FILE, asdict(self.thresholds))
        if self._ranker:
            self._ranker.save(folder / _SESSION_FOLDER)
        if self._suffixes:
            self._suffixes.save(folder / _SUFFIXES_FOLDER)

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
        suffixes = Suffixes.open(folder / _SUFFIXES_FOLDER) if (folder / _SUFFIXES_FOLDER).is_dir() else None
        whole = PrefixIndex.of(arrays, "whole")
        indexes = whole, WordIndex.of(arrays, "words", whole)
        return cls(indexes, texts, ranker=ranker, suffixes=suffixes, thresholds=thresholds, config=config)


def _scored(rows: NDArray[np.int32], scores: NDArray[np.float32]) -> _Scored:
    return dict(zip(rows.tolist(), scores.tolist(), strict=True))


def _unscored(rows: NDArray[np.int32]) -> _Scored:
    return dict.fromkeys(rows.tolist())


@kernel
def joined(
    found: NDArray[np.int32], scores: NDArray[np.float32], others: NDArray[np.int32], weights: NDArray[np.float32]
) -> _Weighed:
    """Rows, logarithms of their weights, and scores, `MIN_LOG_SCORE` of the others that are not among those found.

    Rows of weight -inf are left out.
    """
    most, size = len(found) + len(others), 0
    rows, times, every = np.empty(most, np.int32), np.empty(most, np.float32), np.empty(most, np.float32)
    for place in range(most):
        row = found[place] if place < len(found) else others[place - len(found)]
        if weights[row] > -np.inf and not (place >= len(found) and (found == row).any()):
            rows[size], times[size] = row, np.log(max(weights[row], np.float32(LEAST_TIMES)))
            every[size] = scores[place] if place < len(found) else np.float32(MIN_LOG_SCORE)
            size += 1
    return rows[:size], times[:size], every[:size]


@kernel
def ranked(
    rows: NDArray[np.int32], times: NDArray[np.float32], scores: NDArray[np.float32], trust: float, limit: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The best rows by time and score, best first, equal ones by row, and their scores, no longer as logarithms.

    trust: weight of a score.
    """
    order = np.argsort(rows)
    order = order[np.argsort(-(times[order] + np.float32(trust) * scores[order]), kind="mergesort")][:limit]
    return rows[order], np.exp(scores[order])


@dataclass(slots=True)
class _Page:
    """What is shown for a prefix, by what tells completions apart."""

    prefix: str
    limit: int
    distinct: bool
    shown: dict[int | str, Completion] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        return len(self.shown) >= self.limit

    def with_live(self, live: Mapping[int | str, Completion], *, by_weight: bool) -> list[Completion]:
        """The same among what was asked since: what fits better first; of one fit by weight, or the known first.

        What is composed comes behind what was asked; what fits by its first letters alone only where nothing else does.
        """
        every = dict(self.shown)
        for sign, one in live.items():
            known = every.get(sign, one)
            before = one if known.source is Suggested.COMPOSED else known
            every[sign] = replace(before, score=max(before.score, one.score))
        fits = list(Fit)
        ranked = sorted(
            every.values(),
            key=lambda one: (
                fits.index(one.fit),
                one.source is Suggested.COMPOSED,
                -one.score if by_weight else 0.0,
            ),
        )
        fitting = [one for one in ranked if one.fit is not Fit.SHORTER]
        return (fitting or ranked)[: self.limit]


class _Blocked:
    """Words and phrases that no completion has."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._folded = [f" {key} " for phrase in phrases if (key := fold(phrase))]

    def __bool__(self) -> bool:
        return bool(self._folded)

    def __contains__(self, key: str) -> bool:
        return any(phrase in f" {key} " for phrase in self._folded)
