"""Builds the heads, suffixes and links of `Suffixes` from the counts of a query log."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from whybuy.completion.best_first import index_weights
from whybuy.completion.folding import fold, join_spellings
from whybuy.completion.intent_columns import intent_columns
from whybuy.completion.prefix_index import PrefixIndex
from whybuy.completion.query_log import QueryLog
from whybuy.completion.sorted_texts import Alphabet
from whybuy.completion.suffixes import MIN_WORDS_BEFORE, SMOOTHING, Suffixes
from whybuy.records import Intent
from whybuy.text import lemma, lemmas

MAX_LINKED = 4000  # suffixes of a word that are kept, those of most shoppers

_Parts = dict[str, tuple[str, float]]  # text and shoppers by folded text, sorted


def build_suffixes(
    log: QueryLog,
    *,
    language: str,
    intent: Callable[[str], Intent | None] = lambda text: None,
    is_right: Callable[[str], bool] = lambda word: True,
) -> Suffixes:
    """Index the heads, suffixes and links of a log.

    intent: that a text names. is_right: whether a folded word is spelled right; heads and suffixes with others are left
    out.
    """
    heads, suffixes = _correct(log.heads, is_right), _correct(log.suffixes, is_right)
    row_of = {key: row for row, key in enumerate(suffixes)}
    shoppers = np.array([count for _, count in suffixes.values()], np.float32)
    links, words, general = _links(log.links, row_of, shoppers, language)
    texts = {
        "heads": pa.table({"text": pa.array([text for text, _ in heads.values()], pa.string())}),
        "suffixes": _suffix_table(suffixes, language, intent),
        "words": pa.table({"text": pa.array(words, pa.string())}),
        "lemmas": _lemmas(log.links, language),
    }
    alphabet, counts = Alphabet.of([*heads, *suffixes]), np.array([count for _, count in heads.values()], np.float32)
    return Suffixes(
        PrefixIndex.build(list(heads), np.arange(len(heads)), counts, alphabet),
        PrefixIndex.build(list(suffixes), np.arange(len(suffixes)), shoppers, alphabet),
        index_weights(general),
        links,
        texts,
        language,
    )


def _correct(parts: pa.Table, is_right: Callable[[str], bool]) -> _Parts:
    """The parts (PART_SCHEMA) whose words are all spelled right, spellings that fold to one joined."""
    joined = join_spellings(zip(parts["text"].to_pylist(), parts["shoppers"].to_pylist(), strict=True))
    return {key: joined[key] for key in sorted(joined) if all(map(is_right, key.split()))}


def _suffix_table(suffixes: _Parts, language: str, intent: Callable[[str], Intent | None]) -> pa.Table:
    texts = [text for text, _ in suffixes.values()]
    return pa.table(
        {
            "key": pa.array(list(suffixes), pa.string()),
            "text": pa.array(texts, pa.string()),
            "lemmas": pa.array([" ".join(lemmas(key, language)) for key in suffixes], pa.string()),
            **intent_columns(texts, intent),
        }
    )


def _lemmas(links: pa.Table, language: str) -> pa.Table:
    """The lemmas of the words of LINK_SCHEMA."""
    words = sorted({fold(word) for word in pc.unique(links["word"]).to_pylist()})
    forms = [lemma(word, language) for word in words]
    return pa.table({"word": pa.array(words, pa.string()), "lemma": pa.array(forms, pa.string())})


def _linked_word(word: str, language: str) -> str:
    """A word of LINK_SCHEMA by its lemma, the space behind it kept."""
    return lemma(fold(word), language) + word[len(word.rstrip()) :]


def _links(
    links: pa.Table, row_of: dict[str, int], shoppers: NDArray[np.float32], language: str
) -> tuple[dict[str, NDArray[Any]], list[str], NDArray[np.float32]]:
    """The links of `Suffixes`, their words, sorted, and the words before each suffix, as `Suffixes` counts them.

    With additive smoothing, a word is (1 + count / (SMOOTHING x P(word))) / (1 + shoppers / SMOOTHING) times likelier
    before a suffix than before any: count is of the shoppers who searched for both, shoppers of those of the suffix.
    The gain is the logarithm of the first factor; the second, which does not depend on the word, is applied at look-up.
    """
    words = [_linked_word(word, language) for word in links["word"].to_pylist()]
    rows = np.array([row_of.get(fold(suffix), -1) for suffix in links["suffix"].to_pylist()], np.int64)
    names = sorted(set(words))
    word_of = {word: place for place, word in enumerate(names)}
    places = np.array([word_of[word] for word in words], np.int64)
    known = rows >= 0
    pairs, inverse = np.unique(places[known] * len(row_of) + rows[known], return_inverse=True)
    counts = np.bincount(inverse, weights=links["shoppers"].to_numpy()[known], minlength=len(pairs))
    word, row = pairs // max(1, len(row_of)), pairs % max(1, len(row_of))
    joint = np.array([name.endswith(" ") for name in names], np.bool_)
    before = np.bincount(row[joint[word]], minlength=len(row_of))
    general = np.where(before >= MIN_WORDS_BEFORE, before, -np.inf).astype(np.float32)
    shares = np.bincount(word, weights=counts, minlength=len(names)) / max(1.0, float(shoppers.sum()))
    gains = np.log1p(counts / (SMOOTHING * shares[word]))
    kept = _ranks(word, counts, len(names)) < MAX_LINKED
    starts = np.searchsorted(word[kept], np.arange(len(names) + 1))
    return (
        {
            "starts": starts.astype(np.int64),
            "rows": row[kept].astype(np.int32),
            "gains": gains[kept].astype(np.float32),
        },
        names,
        general,
    )


def _ranks(word: NDArray[np.int64], counts: NDArray[np.number], words: int) -> NDArray[np.int64]:
    """The rank of each link among those of its word, from 0, by falling count. word: rising."""
    order = np.lexsort([-counts, word])
    ranks = np.empty(len(order), np.int64)
    begins = np.searchsorted(word, np.arange(words + 1))
    ranks[order] = np.arange(len(order)) - begins[word[order]]
    return ranks
