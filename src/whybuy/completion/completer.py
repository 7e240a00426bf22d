"""Completes what a shopper types, from the vocabulary of a shop, the queries of the session and live queries.

Suggestions that begin with the prefix come first, then compositions of a head and a suffix, suggestions that have all
words of the prefix, those that begin with it but for one typing error, and those that share its first letters. After
previous queries, the session ranker decides within each (Yadav et al., KDD 2021, arXiv 2012.07654); the fits and their
order are our design. A look-up takes less than a millisecond among a million suggestions.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
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
from whybuy.completion.page import Blocklist, Identity, Page
from whybuy.completion.prefix_index import PrefixIndex
from whybuy.completion.session_ranker import MIN_LOG_SCORE, Context, SessionRanker
from whybuy.completion.suffixes import Composed, Suffixes
from whybuy.completion.text_column import TextColumn
from whybuy.completion.word_index import WordIndex
from whybuy.config import ConfigTable
from whybuy.errors import ArtifactError, InputError
from whybuy.kernels import kernel
from whybuy.records import Completion, CompletionSource, Fit

FORMAT_VERSION = 8
MIN_LETTERS_FOR_TYPOS = 4  # of a prefix; the last one is not taken for an error yet
ENOUGH = 5  # completions; the next fit is tried where there are fewer
MIN_COUNT = 1e-30  # of which a logarithm is taken
MAX_PREFIX = 200  # letters; what is typed beyond is ignored
_TEXTS_FILE = "texts.parquet"
_SESSION_FOLDER, _SUFFIXES_FOLDER = "session", "suffixes"
_THRESHOLDS_FILE = "thresholds.json"
_SHOWN = ["key", "text", "source", "word_key", "relation", "tail", "words", "confidence", "category"]
_SAVED = ArrayFolder("completions", FORMAT_VERSION, "completions.json")


@dataclass(frozen=True, slots=True)
class CompletionConfig:
    """How a shop completes: the table `[completion]`."""

    blocked: tuple[str, ...] = ()  # words and phrases that no completion may contain
    depth: int = 40  # most frequent, and best in session, of the suggestions that begin with a prefix; these compete
    beam: int = 10  # nodes of the session ranker's tree kept on each level


COMPLETION_CONFIG = ConfigTable("completion", CompletionConfig)


_Weighed = tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]  # rows, log counts, log scores
_Scored = Mapping[int, float | None]  # rows, best first, with their session scores
_DEFAULT = CompletionConfig()
_THRESHOLDS = Thresholds()


class Completer:
    """The suggestions of one shop: arrays memory-mapped, texts in memory; safe for many threads."""

    def __init__(
        self,
        indexes: tuple[PrefixIndex, WordIndex],
        texts: pa.Table,
        *,
        ranker: SessionRanker | None = None,
        suffixes: Suffixes | None = None,
        thresholds: Thresholds = _THRESHOLDS,
        config: CompletionConfig = _DEFAULT,
    ) -> None:
        """indexes: of the keys. texts: the columns `_SHOWN` of the vocabulary.

        ranker: of the rows of the vocabulary. thresholds: that live queries have to meet.
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
        self._sources = [CompletionSource(name) for name in source.dictionary.to_pylist()]
        self._source: NDArray[np.int32] = source.indices.to_numpy()
        self._blocked = Blocklist(config.blocked)
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
        config: CompletionConfig = _DEFAULT,
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
        """The weight of a folded text, -inf where it is blocked, 0 where it is no suggestion."""
        row = self._whole.row(self._whole.encode(key))
        return 0.0 if row is None else float(self._weights[row])

    def refresh(self, vocabulary: pa.Table) -> None:
        """Suggest live queries too (VOCABULARY_SCHEMA), instead of those of the last call."""
        self._live = Completer.build(vocabulary, config=self._config) if vocabulary.num_rows else None

    def complete(
        self, typed: str, *, previous: Sequence[str] = (), limit: int = 10, distinct: bool = False
    ) -> list[Completion]:
        """At most `limit` completions, best fit first, of one fit by falling weight.

        After previous queries, those of one fit are ordered by log(weight) + w * log(score of the session ranker), w
        being the ranker's weight for prefixes of this length. An empty prefix is completed by all suggestions.

        previous: queries of the session, the one just before first. distinct: only the best of each word key.
        """
        prefix = fold_prefix(typed[:MAX_PREFIX])
        codes, ranker = self._whole.encode(prefix), self._ranker
        span = self._whole.span(codes)
        context = ranker.context(previous) if ranker and previous and ranker.weight(prefix) else None
        more = (4 if distinct else 2) * limit  # some are on the page already
        in_session = self._in_session(span, prefix, context, more)
        page = Page(prefix, limit, distinct)
        self._show(page, in_session, Fit.PREFIX)
        if not page.full and span[0] < span[1]:
            self._show(page, _unscored(self._whole.heaviest(span, more)), Fit.PREFIX)
        enough = min(ENOUGH, limit)
        if len(page.shown) < enough and self._suffixes:
            self._compose(page, self._suffixes.complete(prefix, more, spelled=self._spelled))
            if len(page.shown) < enough:
                self._compose(page, self._suffixes.general(prefix, spelled=self._spelled))
        if len(page.shown) < enough:
            self._show(page, self._ranked(self._with_words(prefix, codes, more), prefix, context), Fit.WORDS)
        if len(page.shown) < enough and len(prefix) >= MIN_LETTERS_FOR_TYPOS:
            near = self._whole.nearly_beginning(codes, more)
            self._show(page, self._ranked(near, prefix, context), Fit.TYPO)
        if not page.shown and len(known := self._whole.known(codes)):
            self._show(page, _unscored(self._whole.beginning(known, more)), Fit.SHORTER)
        live = self._live  # may be replaced meanwhile
        additions = live.complete(typed, limit=limit, distinct=distinct) if live else ()
        if not additions:
            return list(page.shown.values())
        return page.with_live({self._identity(one.text, distinct): one for one in additions}, by_weight=not in_session)

    def span(self, prefix: str) -> tuple[int, int]:
        """The rows that begin with a folded prefix: from the first up to the second number."""
        return self._whole.span(self._whole.encode(prefix))

    def weigh(self, span: tuple[int, int], context: Context) -> _Weighed:
        """The candidates of a span, and what orders them: all rows of a short span, else the best by score and weight.

        Candidates that the beam search does not reach have score `MIN_LOG_SCORE`; blocked ones are left out.
        Returns: rows, and for each the logarithms of its weight and of its session score.

        Raises:
            InputError: there is no session ranker.
        """
        if self._ranker is None:
            raise InputError("There is no session ranker to weigh by. Build the completer with one.")
        if span[1] - span[0] <= self._config.depth:
            return self._scores(self._ranker, np.arange(*span, dtype=np.int32), context)
        best, scores = self._ranker.find(context, span, beam=self._config.beam, limit=self._config.depth)
        return joined(best, scores, self._whole.heaviest(span, self._config.depth), self._weights)

    def _scores(self, ranker: SessionRanker, rows: NDArray[np.int32], context: Context) -> _Weighed:
        """As `weigh`, of some rows."""
        return joined(rows, ranker.score(context, rows), rows[:0], self._weights)

    def _in_session(self, span: tuple[int, int], prefix: str, context: Context | None, limit: int) -> _Scored:
        """The best rows of a span with their session scores, best first; none where no previous query is known."""
        if self._ranker is None or not context or span[1] - span[0] < 2:  # a single row needs no order
            return {}
        return _scored(*ranked(*self.weigh(span, context), self._ranker.weight(prefix), limit))

    def _ranked(self, rows: NDArray[np.int32], prefix: str, context: Context | None) -> _Scored:
        """Rows with their session scores, best first; in their order and unscored where no previous query is known."""
        if self._ranker is None or not context or len(rows) < 2:
            return _unscored(rows)
        weighed = self._scores(self._ranker, rows, context)
        return _scored(*ranked(*weighed, self._ranker.weight(prefix), len(rows)))

    def _with_words(self, prefix: str, codes: NDArray[np.uint16], limit: int) -> NDArray[np.int32]:
        """The heaviest rows with all words of a prefix, the last one perhaps unfinished; see `WordIndex.having`."""
        whole = len(prefix.rstrip())
        if " " not in prefix[:whole]:
            return self._words.beginning(codes, limit if whole else 0)
        return self._words.having(codes[:whole], limit, begun=whole == len(prefix))

    def _show(self, page: Page, rows: _Scored, fit: Fit) -> None:
        """Add rows with their session scores to a page, until it is full."""
        for row, score in rows.items():
            if page.full:
                return
            key = self._keys[row]
            identity = int(self._word_keys[row]) if page.distinct else key
            if identity not in page.shown:
                page.shown[identity] = self._completion(row, key, fit, page.prefix, score)

    def _compose(self, page: Page, composed: Iterable[Composed]) -> None:
        """Add compositions of a head and a suffix to a page, until it is full."""
        for one in composed:
            identity = word_key_hash(one.word_key) if page.distinct else one.key
            if identity not in page.shown and one.key not in self._blocked:
                typed = spans_of(page.prefix, one.key, one.text, Fit.PREFIX)
                page.shown[identity] = Completion(
                    one.text, one.share, Fit.PREFIX, CompletionSource.COMPOSED, typed=typed, intent=one.intent
                )
                if page.full:
                    return

    def _spelled(self, key: str) -> str | None:
        row = self._whole.row(self._whole.encode(key))
        return None if row is None else self._spellings[row]

    def _identity(self, text: str, distinct: bool) -> Identity:
        """See `page.Identity`. distinct: by word key."""
        key = fold(text)
        return word_key_hash(word_key(key, self.thresholds.language)) if distinct else key

    def _completion(self, row: int, key: str, fit: Fit, prefix: str, score: float | None) -> Completion:
        text = self._spellings[row]
        return Completion(
            text=text,
            score=float(self._weights[row]),
            fit=fit,
            source=self._sources[self._source[row]],
            typed=spans_of(prefix, key, text, fit),
            session_score=score,
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
    def open(cls, folder: Path, config: CompletionConfig = _DEFAULT) -> Self:
        """Open what was saved in a folder.

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
    best: NDArray[np.int32], scores: NDArray[np.float32], others: NDArray[np.int32], weights: NDArray[np.float32]
) -> _Weighed:
    """Scored rows, then those of others that are not among them, with score `MIN_LOG_SCORE`; each with its log weight.

    Rows of weight -inf are left out. scores: of best, logarithms.
    """
    most, size = len(best) + len(others), 0
    rows, log_weights, every = np.empty(most, np.int32), np.empty(most, np.float32), np.empty(most, np.float32)
    for place in range(most):
        row = best[place] if place < len(best) else others[place - len(best)]
        if weights[row] > -np.inf and not (place >= len(best) and (best == row).any()):
            rows[size], log_weights[size] = row, np.log(max(weights[row], np.float32(MIN_COUNT)))
            every[size] = scores[place] if place < len(best) else np.float32(MIN_LOG_SCORE)
            size += 1
    return rows[:size], log_weights[:size], every[:size]


@kernel
def ranked(
    rows: NDArray[np.int32], weights: NDArray[np.float32], scores: NDArray[np.float32], factor: float, limit: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The rows of highest weights + factor * scores, best first, equal ones by row, and their scores as exponentials.

    weights, scores: logarithms, of the rows.
    """
    order = np.argsort(rows)
    order = order[np.argsort(-(weights[order] + np.float32(factor) * scores[order]), kind="mergesort")][:limit]
    return rows[order], np.exp(scores[order])
