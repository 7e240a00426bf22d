"""Composes completions that too few shoppers searched for as a whole: what was typed, with a suffix of other queries.

A query of several words is cut at each of its gaps: the words before a gap are a head, those behind it a suffix. Rare
prefixes are completed by popular suffixes (Mitra and Craswell, CIKM 2015); naive Bayes over the words of the head tells
which suffixes go with it (our design). Behind these come suffixes that go with many heads ("on sale"), by the number of
different words that they stand behind, as Kneser and Ney back off (ICASSP 1995).

Heads, suffixes and links between a word and a suffix were searched for by as many shoppers as a suggestion has to be,
so that a completion reveals no rare query, even where it equals one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whybuy.artifacts import ArrayFolder
from whybuy.completion.best_first import Weights
from whybuy.completion.intent_columns import INTENT_COLUMNS, intent_at
from whybuy.completion.prefix_index import PrefixIndex
from whybuy.completion.text_column import TextColumn
from whybuy.errors import ArtifactError
from whybuy.kernels import kernel
from whybuy.records import Intent
from whybuy.text import FUNCTION_WORDS, lemma, tokenize
from whybuy.xmr.heap import key_of, number_of, offer, sort

FORMAT_VERSION = 4
MIN_OF_BEST = 0.05  # share of a suffix, relative to that of the likeliest one
CACHED_HEADS = 10_000  # a shopper who types a suffix letter by letter looks up the same head each time
MIN_WORDS_BEFORE = 2  # different ones, of a suffix that goes with any head
MOST_GENERAL = 3  # suffixes that follow any head
GENERAL_SHARE = 1e-6  # of the first of these, which were not seen with the words of the head
SMOOTHING = 5.0  # shoppers added to those of each suffix, with the first words of anybody
_SAVED = ArrayFolder("suffixes", FORMAT_VERSION, "suffixes.json")
_TEXTS_FILES = {name: f"{name}.parquet" for name in ("heads", "suffixes", "words", "lemmas")}


@dataclass(frozen=True, slots=True)
class Composed:
    """A head with a suffix."""

    key: str  # folded
    text: str
    lemmas: tuple[str, ...]
    share: float  # estimated part of the shoppers who go on with one of the suffixes weighed; in (0, 1]
    intent: Intent | None  # that the suffix names

    @property
    def word_key(self) -> str:
        """See `folding.word_key`."""
        return " ".join(sorted(self.lemmas))


class Suffixes:
    """Heads, suffixes and the links between words of heads and suffixes; immutable, safe for many threads."""

    def __init__(
        self,
        heads: PrefixIndex,
        suffixes: PrefixIndex,
        general: Weights,
        links: dict[str, NDArray[Any]],
        texts: dict[str, pa.Table],
        language: str,
    ) -> None:
        """heads, suffixes: of one alphabet; weights: shoppers.

        general: for each suffix, how many different words it stands behind, -inf where these are too few for any head.
        links: of word w, rows[starts[w]] up to rows[starts[w + 1]] of suffixes, rising, and the gains of each: by how
        much the logarithm of the suffix's likelihood is higher after the word.
        texts: tables "heads", "suffixes" with their intents, "words", and "lemmas" of known words.
        """
        self._heads, self._suffixes, self._links, self._language = heads, suffixes, links, language
        self._general = PrefixIndex(suffixes.alphabet, suffixes.texts, suffixes.rows, general)
        self._texts = texts
        self._intents = {name: texts["suffixes"][name].combine_chunks() for name in INTENT_COLUMNS}
        self._shown = [TextColumn(texts["suffixes"][name]) for name in ("key", "text", "lemmas")]
        self._has_intent: NDArray[np.bool_] = pc.is_valid(self._intents["tail"]).to_numpy(zero_copy_only=False)
        counts = suffixes.weights.weights
        self._priors = np.log(counts), np.log(counts / np.float32(SMOOTHING) + 1)
        self._head_texts = TextColumn(texts["heads"]["text"])
        self._lemmas = dict(zip(*(column.to_pylist() for column in texts["lemmas"].columns), strict=True))
        self._head = lru_cache(CACHED_HEADS)(self._read_head)
        self._words = {word: place for place, word in enumerate(texts["words"]["text"].to_pylist())}

    def __len__(self) -> int:
        return len(self._texts["suffixes"])

    def complete(self, prefix: str, limit: int, *, spelled: Callable[[str], str | None]) -> Iterator[Composed]:
        """The likeliest suffixes of the longest whole head of a prefix that has some, best first.

        A head is known by its last words, whatever was typed before these; no suffix begins with a word of the head.

        prefix: folded. spelled: how a folded query is written, None where it is no suggestion.
        """
        return self._compose(prefix, spelled, lambda words, span: self._weigh(words, span, limit))

    def general(self, prefix: str, *, spelled: Callable[[str], str | None]) -> Iterator[Composed]:
        """As `complete`, of the suffixes that go with any head, at most `MOST_GENERAL`."""
        return self._compose(prefix, spelled, self._weigh_general)

    def _compose(
        self,
        prefix: str,
        spelled: Callable[[str], str | None],
        weigh: Callable[[tuple[str, ...], tuple[int, int]], Iterable[tuple[int, float]]],
    ) -> Iterator[Composed]:
        """The longest head of a prefix that has suffixes, by what weighs those of a span for its words, with each."""
        codes, gap, composed = self._suffixes.encode(prefix), prefix.rfind(" "), False
        while gap > 0 and not composed:
            span, head = self._suffixes.span(codes[gap + 1 :]), prefix[:gap]
            text, words = self._head(head, spelled) if span[0] < span[1] else ("", ())
            for row, share in weigh(words, span) if words else ():
                key, suffix, joined = (column[row] for column in self._shown)
                further = tuple(joined.split())  # none of "&"
                if not further or further[0] not in words:
                    composed, intent = True, intent_at(self._intents, row) if self._has_intent[row] else None
                    yield Composed(f"{head} {key}", f"{text} {suffix}", words + further, share, intent)
            gap = prefix.rfind(" ", 0, gap)

    def _read_head(self, head: str, spelled: Callable[[str], str | None]) -> tuple[str, tuple[str, ...]]:
        """How a head is written, as far as its last words are known, and its lemmas; none if no word is known."""
        codes, at = self._heads.encode(head), 0
        while at >= 0:
            row = self._heads.row(codes[at:])
            text = spelled(head[at:]) if row is None else self._head_texts[row]
            if text is not None:
                forms = (self._lemmas.get(word) or lemma(word, self._language) for word in tokenize(head))
                return head[:at] + text, tuple(forms)
            at = head.find(" ", at) + 1 or -1
        return "", ()

    def _weigh(self, words: Sequence[str], span: tuple[int, int], limit: int) -> list[tuple[int, float]]:
        """The likeliest suffixes of a span after some words, best first, each with its share.

        Only suffixes that are linked to one of the words; and to the last word itself where that is a function word
        ("for"), directly before them.
        """
        joint = [f"{word} " for word in words[-1:] if word in FUNCTION_WORDS]
        if any(word not in self._words for word in joint):
            return []
        places = sorted({self._words[word] for word in words if word in self._words})
        places += [self._words[word] for word in joint]
        if not places:
            return []
        lists = np.array(places, np.int64)
        links = self._links["starts"], self._links["rows"], self._links["gains"]
        rows, shares = _weighed(*links, *self._priors, lists, len(joint), *span, limit)
        return list(zip(rows.tolist(), shares.tolist(), strict=True))

    def _weigh_general(self, words: Sequence[str], span: tuple[int, int]) -> Iterable[tuple[int, float]]:
        """The suffixes of a span that stand behind most different words, each with a share; none after "for"."""
        if words[-1] in FUNCTION_WORDS:
            return ()
        return ((row, GENERAL_SHARE / place) for place, row in enumerate(self._general.heaviest(span, MOST_GENERAL), 1))

    def save(self, folder: Path) -> None:
        """Write the folder that `open` maps; it is made when missing."""
        arrays = self._heads.arrays("heads") | self._suffixes.arrays("suffixes")
        arrays |= {f"general_{name}": array for name, array in self._general.weights._asdict().items()}
        links = {f"links_{name}": array for name, array in self._links.items()}
        _SAVED.save(folder, arrays | links, language=self._language)
        for name, table in self._texts.items():
            pq.write_table(table, folder / _TEXTS_FILES[name], compression="zstd")

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open what was saved in a folder.

        Raises:
            ArtifactError: it holds no suffixes, those of another format version, or damaged ones.
        """
        arrays, facts = _SAVED.load(folder)
        try:
            texts = {name: pq.read_table(folder / file) for name, file in _TEXTS_FILES.items()}
        except (OSError, pa.ArrowInvalid) as error:
            raise ArtifactError(f"{folder} holds no readable suffixes ({error}). Run `whybuy build`.") from error
        links = {name: arrays[f"links_{name}"] for name in ("starts", "rows", "gains")}
        heads, suffixes = PrefixIndex.of(arrays, "heads"), PrefixIndex.of(arrays, "suffixes")
        general = Weights(*(arrays[f"general_{name}"] for name in Weights._fields))
        return cls(heads, suffixes, general, links, texts, facts["language"])


@kernel
def _weighed(  # noqa: PLR0913, PLR0917 - see `prefix_index`
    starts: NDArray[np.int64],
    rows: NDArray[np.int32],
    gains: NDArray[np.float32],
    log_counts: NDArray[np.float32],
    log_smoothed: NDArray[np.float32],
    places: NDArray[np.int64],
    required: int,
    low: int,
    high: int,
    limit: int,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The likeliest suffixes from row low up to high, best first, and their shares.

    starts, rows, gains: see `Suffixes`. log_counts: of the shoppers of each suffix. log_smoothed: of 1 + shoppers /
    SMOOTHING. places: of the words of a head; a suffix is linked with each of the last `required`.
    """
    lists = np.empty((len(places), 2), np.int64)
    for at in range(len(places)):
        lists[at, 0], lists[at, 1] = starts[places[at]], starts[places[at] + 1]
    linked, totals = gather(rows, gains, lists, required, (low, high))
    for at in range(len(linked)):
        totals[at] += log_counts[linked[at]] - len(lists) * log_smoothed[linked[at]]
    best, shares = likeliest(totals, limit)
    kept = (shares >= MIN_OF_BEST * shares[:1]).sum()
    return linked[best[:kept]], shares[:kept]


@kernel
def gather(
    rows: NDArray[np.int32],
    gains: NDArray[np.float32],
    lists: NDArray[np.int64],
    required: int,
    span: tuple[int, int],
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The rows of a span that stand in at least one of some lists and in each of the last ones, and the sums of gains.

    rows, gains: of all lists, one after the other; rows rise within each. lists: shape (lists, 2), where each begins
    and ends. required: how many of the last ones. span: low and high. Returns: rows, rising, and a sum for each.
    """
    at, room = lists.copy(), 0
    for place in range(len(at)):
        at[place, 0] += np.searchsorted(rows[at[place, 0] : at[place, 1]], span[0])
        room += at[place, 1] - at[place, 0]
    gathered, sums, count = np.empty(room, np.int32), np.empty(room, np.float32), 0
    while True:
        least = span[1]
        for place in range(len(at)):
            if at[place, 0] < at[place, 1]:
                least = min(least, rows[at[place, 0]])
        if least >= span[1]:
            return gathered[:count], sums[:count]
        gathered[count], sums[count], having = least, 0, 0
        for place in range(len(at)):
            if at[place, 0] < at[place, 1] and rows[at[place, 0]] == least:
                sums[count] += gains[at[place, 0]]
                having += place >= len(at) - required
                at[place, 0] += 1
        count += having == required


@kernel
def likeliest(totals: NDArray[np.float32], limit: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The places of the highest totals, best first, and their shares of the sum of all exponentials (a softmax).

    totals: logarithms of chances, up to a constant.
    """
    kept, size = np.empty(max(limit, 1), np.uint64), 0
    for place in range(len(totals) if limit else 0):
        size = offer(kept, size, limit, key_of(totals[place], place))
    sort(kept, size)
    best = np.array([number_of(key) for key in kept[:size]], np.int64)
    if size == 0:
        return best, np.empty(0, np.float32)
    chances = np.exp(totals - totals[best[0]])
    return best, chances[best] / chances.sum()
