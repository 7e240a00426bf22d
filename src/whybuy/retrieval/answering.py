"""Which products answer a query, and which are only near: the total, the facets and an order by price are of the first.

A product answers when it is of the kind that the query names, and each word of the query is met: the product says it,
itself or in another word for it, its type implies it, or a reason joins the product to what the word is about. What
only a description says counts where otherwise nothing answers, beside a word that names the product, and so do products
of another kind that say all words (our design).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whybuy.records import Intent
from whybuy.relations import Relation
from whybuy.retrieval.lexical import LexicalIndex
from whybuy.retrieval.query import AnalyzedQuery
from whybuy.retrieval.ranked import Ranked
from whybuy.retrieval.terms import is_function_word, stem
from whybuy.retrieval.type_names import TypeKinds
from whybuy.text import is_dictionary_word, tokenize

STRONG = 0.67  # of the best weight that a reason has in a type: the others lack the trait that it asks for
LEAST_IMPLIED = 0.5  # weight of a word that a type implies
TRUSTED = 0.75  # of the answering products, before which a trained ranking is believed

ASKING = frozenset(
    "use used using something anything someone somebody thing things stuff item items product products buy get getting "
    "make made help like love fan gift gifts idea ideas non".split()
)
"""English words of asking, and "non", that say nothing of a product by themselves."""

Rows = NDArray[np.bool_]


class Answering:
    """Tells which products answer; safe for many threads."""

    def __init__(self, lexical: LexicalIndex, types: Sequence[str], type_of: NDArray[np.int32]) -> None:
        """types: names of all product types. type_of: of each product its place among them, -1 for none."""
        self._lexical, self._type_of = lexical, type_of
        self._kinds = TypeKinds(types)
        self._place = {name: at for at, name in enumerate(types)}

    def answers(self, query: AnalyzedQuery, intents: Ranked, trained: Ranked | None = None) -> Rows:
        """Which products answer, shape (products,); none where no product meets all words.

        A word of the dictionary that the shop does not have is no misspelled one: nothing answers it.

        intents: the products that reasons join to the query, with their weights. trained: the first products of a
        ranking that was trained: what it puts among those that answer by name answers as well, as it has learned what
        no rule of words knows.
        """
        nothing = np.zeros(len(self._type_of), np.bool_)
        if any(map(is_dictionary_word, set(query.words.needed).difference(query.words.needed_corrected))):
            return nothing
        reasons = {stem(word) for intent in query.intents for word in tokenize(intent.words) if _is_reason(intent)}
        needed = set(query.words.needed_corrected)
        asked = [word for word in query.words.terms if word.word in needed and not _says_nothing(word.word)]
        named, kinds = self._kinds.named([word.term for word in asked if word.term not in reasons])
        words = [word for word in asked if word.term != named]
        if not asked:
            return nothing
        allowed, joined = ~self._lexical.having_excluded(query.words), self._joined(intents)
        of_kind = allowed & np.isin(self._type_of, [self._place[kind] for kind in kinds])
        unsaid = {
            word: joined if word.term in reasons else self._lexical.implying(word.term, LEAST_IMPLIED) for word in asked
        }
        named_by = {word: self._lexical.naming(word) | unsaid[word] for word in asked}
        of_a_word = allowed & np.logical_or.reduce([*named_by.values()])
        for some, needed_words in ((of_kind, words), (of_a_word, asked)):
            met: Rows = np.logical_and.reduce([some, *(named_by[word] for word in needed_words)])
            if met.any():
                return met | _among(met, trained) if trained else met
            said_by = (self._lexical.saying(word) | unsaid[word] for word in needed_words)
            met = np.logical_and.reduce([some, *said_by])
            if met.any():
                return met
        return nothing

    def _joined(self, intents: Ranked) -> Rows:
        """Products with a reason about as strong as the best of their type."""
        weights, types = np.zeros(len(self._type_of), np.float32), self._type_of[intents.rows]
        best = np.zeros(len(self._place) + 1, np.float32)
        np.maximum.at(best, types, intents.scores)
        weights[intents.rows] = intents.scores / best[types]
        return weights >= STRONG


def _among(answering: Rows, trained: Ranked) -> Rows:
    """The products that stand before three quarters of those that answer, at most as many as answer."""
    among = np.zeros(len(answering), np.bool_)
    places = np.flatnonzero(answering[trained.rows])
    if len(places):
        before = trained.rows[: int(np.quantile(places, TRUSTED)) + 1]
        among[before[~answering[before]][: len(places)]] = True
    return among


def _says_nothing(word: str) -> bool:
    return word in ASKING or is_function_word(word)


def _is_reason(intent: Intent) -> bool:
    """Whether an intent is more than another name for the thing."""
    return intent.relation is not Relation.IS_A
