"""Words that searches ask of a product type and that its products need not say: a vanity is for bathrooms.

Our design, after the behavior pairs of COSMO (SIGMOD 2024): where people choose as many products that lack the word as
there are among those of the type, the type itself answers the word.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

LEAST_LIFT = 3.0  # choices of the type among those of the word over its share of all choices: others are chance


@dataclass(frozen=True, slots=True)
class AskedWord:
    """A word that a product type answers."""

    word: str
    product_type: str
    weight: float  # how surely, in (0, 1]: the share of choices that lack the word over that of the type's products
    searches: tuple[int, ...]  # the places of those that show it
    last: float  # share of these that end in the word, in [0, 1]: it names the product, not what it is for
    lift: float  # choices of the type among those of the word over its share of all choices
    alone: int  # of these, where a chosen product says the words beside it, so that it is no part of a longer phrase


def asked_words(
    searches: Sequence[Sequence[str]],
    chosen: csr_matrix,
    types: NDArray[np.object_],
    has: Callable[[str], NDArray[np.bool_]],
    *,
    least_choices: int = 1,
    least_searches: int = 1,
) -> Iterator[AskedWord]:
    """The words that types answer, by word and type; what few choices show weighs little.

    searches: words of each. chosen: searches x products, > 0 for those that answered. types: by product, "" for none.
    has: which products have a word, shape (products,). least_choices: of products of the type that lack the word, by
    different searches or of different products. least_searches: different ones.
    """
    names, kind = np.unique(types, return_inverse=True)
    size = np.bincount(kind, minlength=len(names))
    background = np.bincount(kind[chosen.indices], minlength=len(names)) / max(1, len(chosen.indices))
    places = _Places(searches, chosen)
    for word, asked in places.of_word.items():
        places.lacked[asked] = ~has(word)[places.product[asked]]
    for word, asked in places.of_word.items():
        lacking = asked[places.lacked[asked]]
        lacks = np.bincount(kind[places.product[lacking]], minlength=len(names))
        choices = np.bincount(kind[places.product[asked]], minlength=len(names))
        by_chance = background * len(asked)
        often = np.flatnonzero((lacks >= least_choices) & (choices >= LEAST_LIFT * by_chance))
        if not len(often):
            continue
        unsaid = np.bincount(kind[~has(word)], minlength=len(names))  # products of each type that lack the word
        for one in often.tolist():
            show = lacking[kind[places.product[lacking]] == one]
            shown = np.unique(places.search[show]).tolist()
            if not names[one] or len(shown) < least_searches:
                continue
            share = (len(show) + 0.5) / (choices[one] + 1)  # Jeffreys' prior
            weight = min(1.0, share * size[one] / unsaid[one])
            last = sum(searches[search][-1] == word for search in shown) / len(shown)
            apart = show[~places.lacked[show - 1] & ~places.lacked[show + 1]]
            alone = len(np.unique(places.search[apart]))
            lift = choices[one] / by_chance[one]
            yield AskedWord(word, names[one], float(weight), tuple(shown), last, float(lift), alone)


class _Places:
    """A place for each word of a search and each product that was chosen for it, in reading order.

    One more place, of no word, stands before the first word and behind the last.
    """

    def __init__(self, searches: Sequence[Sequence[str]], chosen: csr_matrix) -> None:
        lengths = np.array([len(dict.fromkeys(words)) + 2 for words in searches], np.int64)
        choices = np.diff(chosen.indptr)
        starts = np.cumsum([0, *(lengths * choices)])
        self.search = np.repeat(np.arange(len(searches)), lengths * choices)
        self.product = np.repeat(chosen.indices, np.repeat(lengths, choices))
        self.lacked = np.zeros(len(self.product), np.bool_)  # whether the product lacks the word
        of_word = defaultdict[str, list[NDArray[np.int64]]](list)
        for search, words in enumerate(searches):
            of_first = np.arange(starts[search], starts[search + 1], lengths[search])
            for place, word in enumerate(dict.fromkeys(words), 1):
                of_word[word].append(of_first + place)
        self.of_word = {word: np.concatenate(of_word[word]) for word in sorted(of_word)}
