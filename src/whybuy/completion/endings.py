"""What a query may go on with that too few asked as a whole: endings that shoppers gave to other beginnings.

Rare prefixes are completed by usual endings (Mitra and Craswell, CIKM 2015); which of these go with a beginning is told
by naive Bayes over its words (our design). Beginnings, endings and links between a word and an ending were asked by as
many shoppers as a suggestion has to be, so a completion says nothing of a rare query, even where it equals one.
"""

from collections.abc import Callable, Iterator, Sequence
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
from whybuy.completion.folding import fold, join_spellings
from whybuy.completion.intent_columns import INTENT_COLUMNS, intent_at, intent_columns
from whybuy.completion.prefix_index import PrefixIndex
from whybuy.completion.sorted_texts import Alphabet
from whybuy.completion.text_column import TextColumn
from whybuy.errors import ArtifactError
from whybuy.kernels import kernel
from whybuy.records import Intent
from whybuy.text import FUNCTION_WORDS, lemma, lemmas, tokenize
from whybuy.xmr.heap import key_of, number_of, offer, sort

FORMAT_VERSION = 2
LINKED = 4000  # endings of a word, the most usual with it, that are kept
LEAST_OF_BEST = 0.05  # share of an ending in that of the likeliest one
MOST_REMEMBERED = 10_000  # beginnings: each letter of an ending comes after the same one
DOUBT = 5.0  # shoppers of an ending who might have begun it with any word
_SAVED = ArrayFolder("endings", FORMAT_VERSION, "endings.json")
_TEXTS_FILES = {name: f"{name}.parquet" for name in ("beginnings", "endings", "words", "lemmas")}


@dataclass(frozen=True, slots=True)
class Composed:
    """A beginning with an ending."""

    key: str  # folded
    text: str
    lemmas: tuple[str, ...]
    share: float  # of those that ask one of the endings weighed, estimated; in (0, 1]
    intent: Intent | None  # that the ending names

    @property
    def meant(self) -> str:
        """See `folding.word_key`."""
        return " ".join(sorted(self.lemmas))


class Endings:
    """Beginnings, endings and what links them; immutable, safe for many threads."""

    def __init__(
        self,
        beginnings: PrefixIndex,
        endings: PrefixIndex,
        links: dict[str, NDArray[Any]],
        texts: dict[str, pa.Table],
        language: str,
    ) -> None:
        """beginnings, endings: of one alphabet.

        links: of word w, rows[starts[w]] up to rows[starts[w + 1]] of endings, rising, and the gains of each.
        texts: "beginnings", "endings" with their intents, "words", and "lemmas" of known words.
        """
        self._beginnings, self._endings, self._links, self._language = beginnings, endings, links, language
        self._texts = texts
        self._intents = {name: texts["endings"][name].combine_chunks() for name in INTENT_COLUMNS}
        self._shown = [TextColumn(texts["endings"][name]) for name in ("key", "text", "lemmas")]
        self._has_intent: NDArray[np.bool_] = pc.is_valid(self._intents["tail"]).to_numpy(zero_copy_only=False)
        counts = endings.weights.weights
        self._priors = np.log(counts), np.log(counts / np.float32(DOUBT) + 1)
        self._spelled = TextColumn(texts["beginnings"]["text"])
        self._lemmas = dict(zip(*(column.to_pylist() for column in texts["lemmas"].columns), strict=True))
        self._begun = lru_cache(MOST_REMEMBERED)(self._read_beginning)
        self._words = {word: place for place, word in enumerate(texts["words"]["text"].to_pylist())}

    @classmethod
    def build(
        cls,
        beginnings: pa.Table,
        endings: pa.Table,
        links: pa.Table,
        *,
        language: str,
        intent: Callable[[str], Intent | None] = lambda text: None,
        right: Callable[[str], bool] = lambda word: True,
    ) -> Self:
        """beginnings, endings: PART_SCHEMA. links: LINK_SCHEMA. intent: that a text names. right: whether a word is."""
        begun, ended = _joined(beginnings, right), _joined(endings, right)
        row_of = {key: row for row, key in enumerate(ended)}
        shoppers = np.array([count for _, count in ended.values()], np.float32)
        links_of, words = _links(links, row_of, shoppers, language)
        written = [text for text, _ in ended.values()]
        texts = {
            "beginnings": pa.table({"text": pa.array([text for text, _ in begun.values()], pa.string())}),
            "endings": pa.table(
                {
                    "key": pa.array(list(ended), pa.string()),
                    "text": pa.array(written, pa.string()),
                    "lemmas": pa.array([" ".join(lemmas(key, language)) for key in ended], pa.string()),
                    **intent_columns(written, intent),
                }
            ),
            "words": pa.table({"text": pa.array(words, pa.string())}),
            "lemmas": _lemmas(links, language),
        }
        counts = np.array([count for _, count in begun.values()], np.float32)
        alphabet = Alphabet.of([*begun, *ended])
        return cls(
            PrefixIndex.build(list(begun), np.arange(len(begun)), counts, alphabet),
            PrefixIndex.build(list(ended), np.arange(len(ended)), shoppers, alphabet),
            links_of,
            texts,
            language,
        )

    def __len__(self) -> int:
        return len(self._texts["endings"])

    def complete(self, prefix: str, limit: int, *, spelled: Callable[[str], str | None]) -> Iterator[Composed]:
        """The likeliest endings of the longest whole beginning of a prefix that has some, best first.

        A beginning is known by its last words, whatever was typed before these; no ending begins with a word of it.

        prefix: folded. spelled: a folded query → how it is written, None where nobody asks it.
        """
        codes, gap, composed = self._endings.encode(prefix), prefix.rfind(" "), False
        while gap > 0 and not composed:
            span, beginning = self._endings.span(codes[gap + 1 :]), prefix[:gap]
            text, words = self._begun(beginning, spelled) if span[0] < span[1] else ("", ())
            for row, share in self._weigh(words, span, limit) if words else ():
                key, ending, meant = (column[row] for column in self._shown)
                further = tuple(meant.split())  # none of "&"
                if not further or further[0] not in words:
                    composed, intent = True, intent_at(self._intents, row) if self._has_intent[row] else None
                    yield Composed(f"{beginning} {key}", f"{text} {ending}", words + further, share, intent)
            gap = prefix.rfind(" ", 0, gap)

    def _read_beginning(self, beginning: str, spelled: Callable[[str], str | None]) -> tuple[str, tuple[str, ...]]:
        """How a beginning is written, as far as its last words are known, and its lemmas; none if nothing is known."""
        codes, at = self._beginnings.encode(beginning), 0
        while at >= 0:
            row = self._beginnings.row(codes[at:])
            text = spelled(beginning[at:]) if row is None else self._spelled[row]
            if text is not None:
                forms = (self._lemmas.get(word) or lemma(word, self._language) for word in tokenize(beginning))
                return beginning[:at] + text, tuple(forms)
            at = beginning.find(" ", at) + 1 or -1
        return "", ()

    def _weigh(self, words: Sequence[str], span: tuple[int, int], limit: int) -> list[tuple[int, float]]:
        """The likeliest endings of a span after some words, best first, each with its share.

        An ending goes with some word of the beginning, and has followed the last one where that joins ("for").
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

    def save(self, folder: Path) -> None:
        """Write the folder that `open` maps; it is made when missing."""
        arrays = self._beginnings.arrays("beginnings") | self._endings.arrays("endings")
        _SAVED.save(folder, arrays | {f"links_{name}": array for name, array in self._links.items()},
                    language=self._language)  # fmt: skip
        for name, table in self._texts.items():
            pq.write_table(table, folder / _TEXTS_FILES[name], compression="zstd")

    @classmethod
    def open(cls, folder: Path) -> Self:
        """What was saved in a folder.

        Raises:
            ArtifactError: it holds no endings, those of another format version, or damaged ones.
        """
        arrays, facts = _SAVED.load(folder)
        try:
            texts = {name: pq.read_table(folder / file) for name, file in _TEXTS_FILES.items()}
        except (OSError, pa.ArrowInvalid) as error:
            raise ArtifactError(f"{folder} holds no readable endings ({error}). Run `whybuy build`.") from error
        links = {name: arrays[f"links_{name}"] for name in ("starts", "rows", "gains")}
        beginnings, endings = PrefixIndex.of(arrays, "beginnings"), PrefixIndex.of(arrays, "endings")
        return cls(beginnings, endings, links, texts, facts["language"])


@kernel
def _weighed(  # noqa: PLR0913, PLR0917 - see `prefix_index`
    starts: NDArray[np.int64],
    rows: NDArray[np.int32],
    gains: NDArray[np.float32],
    usual: NDArray[np.float32],
    doubted: NDArray[np.float32],
    places: NDArray[np.int64],
    required: int,
    low: int,
    high: int,
    limit: int,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The likeliest endings from low up to high, best first, and their shares.

    usual: logarithms of the shoppers of each ending. doubted: of these over DOUBT, one more. places: of words, those
    required last.
    """
    lists = np.empty((len(places), 2), np.int64)
    for at in range(len(places)):
        lists[at, 0], lists[at, 1] = starts[places[at]], starts[places[at] + 1]
    found, totals = gather(rows, gains, lists, required, (low, high))
    for at in range(len(found)):
        totals[at] += usual[found[at]] - len(lists) * doubted[found[at]]
    best, shares = likeliest(totals, limit)
    kept = (shares >= LEAST_OF_BEST * shares[:1]).sum()
    return found[best[:kept]], shares[:kept]


@kernel
def gather(
    rows: NDArray[np.int32],
    gains: NDArray[np.float32],
    lists: NDArray[np.int64],
    required: int,
    span: tuple[int, int],
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The rows of a span that stand in some of the lists, and in each of the last ones, with the sums of their gains.

    lists: shape (lists, 2), where each begins and ends in `rows`, which rise within it. required: how many of the last
    ones. Returns: rows, rising.
    """
    at, room = lists.copy(), 0
    for place in range(len(at)):
        at[place, 0] += np.searchsorted(rows[at[place, 0] : at[place, 1]], span[0])
        room += at[place, 1] - at[place, 0]
    found, sums, count = np.empty(room, np.int32), np.empty(room, np.float32), 0
    while True:
        least = span[1]
        for place in range(len(at)):
            if at[place, 0] < at[place, 1]:
                least = min(least, rows[at[place, 0]])
        if least >= span[1]:
            return found[:count], sums[:count]
        found[count], sums[count], having = least, 0, 0
        for place in range(len(at)):
            if at[place, 0] < at[place, 1] and rows[at[place, 0]] == least:
                sums[count] += gains[at[place, 0]]
                having += place >= len(at) - required
                at[place, 0] += 1
        count += having == required


@kernel
def likeliest(totals: NDArray[np.float32], limit: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The places of the likeliest, best first, and their shares of all. totals: logarithms, up to a summand."""
    kept, size = np.empty(max(limit, 1), np.uint64), 0
    for place in range(len(totals) if limit else 0):
        size = offer(kept, size, limit, key_of(totals[place], place))
    sort(kept, size)
    best = np.array([number_of(key) for key in kept[:size]], np.int64)
    if size == 0:
        return best, np.empty(0, np.float32)
    chances = np.exp(totals - totals[best[0]])
    return best, chances[best] / chances.sum()


def _joined(parts: pa.Table, right: Callable[[str], bool]) -> dict[str, tuple[str, float]]:
    """Text and shoppers by folded text, sorted, those without a misspelled word. parts: PART_SCHEMA."""
    joined = join_spellings(zip(parts["text"].to_pylist(), parts["shoppers"].to_pylist(), strict=True))
    return {key: joined[key] for key in sorted(joined) if all(map(right, key.split()))}


def _lemmas(links: pa.Table, language: str) -> pa.Table:
    """The lemmas of the words of LINK_SCHEMA."""
    words = sorted({fold(word) for word in pc.unique(links["word"]).to_pylist()})
    forms = [lemma(word, language) for word in words]
    return pa.table({"word": pa.array(words, pa.string()), "lemma": pa.array(forms, pa.string())})


def _named(word: str, language: str) -> str:
    """The name of a word of LINK_SCHEMA: its lemma, the space behind it kept."""
    return lemma(fold(word), language) + word[len(word.rstrip()) :]


def _links(
    links: pa.Table, row_of: dict[str, int], shoppers: NDArray[np.float32], language: str
) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """The arrays of `Endings`, and the words.

    The gain of a word is the logarithm of how much likelier those who ask the ending begin it with this word than
    anybody, `DOUBT` of them being anybody; relative to an ending that nobody linked with it.
    """
    words = [_named(word, language) for word in links["word"].to_pylist()]
    rows = np.array([row_of.get(fold(ending), -1) for ending in links["ending"].to_pylist()], np.int64)
    names = sorted(set(words))
    word_of = {word: place for place, word in enumerate(names)}
    places = np.array([word_of[word] for word in words], np.int64)
    known = rows >= 0
    pairs, inverse = np.unique(places[known] * len(row_of) + rows[known], return_inverse=True)
    counts = np.bincount(inverse, weights=links["shoppers"].to_numpy()[known], minlength=len(pairs))
    word, row = pairs // max(1, len(row_of)), pairs % max(1, len(row_of))
    usual = np.bincount(word, weights=counts, minlength=len(names)) / max(1.0, float(shoppers.sum()))
    gains = np.log1p(counts / (DOUBT * usual[word]))
    order = np.lexsort([-counts, word])
    rank = np.empty(len(order), np.int64)
    begins = np.searchsorted(word, np.arange(len(names) + 1))
    rank[order] = np.arange(len(order)) - begins[word[order]]
    kept = rank < LINKED
    starts = np.searchsorted(word[kept], np.arange(len(names) + 1))
    return {
        "starts": starts.astype(np.int64),
        "rows": row[kept].astype(np.int32),
        "gains": gains[kept].astype(np.float32),
    }, names
