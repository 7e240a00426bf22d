"""Finds other words for a word without searches: in the catalog's own words, and in a WordNet database.

A catalog writes "nightlight" and "night light", and tells what "GFCI" stands for in parentheses. WordNet knows that a
sofa is a couch, and that a can is a toilet: the catalog chooses among its senses. Where it has both words, they must
stand among the same words (Harris 1954; the cosine of positive mutual information, Bullinaria & Levy 2007); where it
has one of them, both must be known by the one sense above all. What is asked of each is our design.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_matrix

from whybuy.retrieval.catalog_words import SHORTEST, CatalogWords, abbreviated, few_letters_differ, is_content_word
from whybuy.retrieval.synonyms import Synonym, SynonymSource, to_table
from whybuy.retrieval.terms import is_function_word, stem, words
from whybuy.retrieval.wordnet import WordNet
from whybuy.text import FUNCTION_WORDS, is_dictionary_word, lemma

WEIGHT = 0.6  # of other words, against that of the word itself
_LEAST_JOINED = 2  # titles that write a compound as two words
_LEAST_LETTERS = 5  # of a compound
_LEAST_TITLES = 3  # that have the other word
_KNOWN = 3  # titles from which on it shows what a word means here
_ALIKE = 0.1  # least cosine of two words that the catalog knows
_SAME = 0.03  # the same where they are spelled alike
_MOST_SENSES = 6  # of a word; it is not meant in one further down its list
_IN_PARENTHESES = re.compile(r"((?:[^\W\d_]+[\s-]+){2,6})\(([^\W\d_]{2,6})\)")


def catalog_synonyms(products: pa.Table, wordnet: WordNet | None = None) -> pa.Table:
    """Other words that a catalog and, where there is one, a WordNet database show, by source and word.

    products: `records.PRODUCT_SCHEMA`. Returns: `SYNONYM_SCHEMA`.
    """
    catalog = CatalogWords(products)
    found = [*_compounds(catalog, products), *_abbreviations(products)]
    if wordnet:
        found += _of_wordnet(catalog, wordnet)
    by_terms = {(stem(one.word), *map(stem, words(one.other))): one for one in reversed(found)}
    return to_table(sorted(by_terms.values(), key=lambda one: (one.source, one.word, one.other)))


def _compounds(catalog: CatalogWords, products: pa.Table) -> Iterator[Synonym]:
    """Words that other titles write as two: "nightlight" and "night light". Search joins two words by itself."""
    written = [words(title) for title in products["title"].to_pylist()]
    known = {word for title in written for word in title} - {*FUNCTION_WORDS}
    parts = Counter(pair for title in written for pair in {*pairwise(title)} if "".join(pair) in known)
    for (left, right), count in sorted(parts.items()):
        whole = left + right
        if (
            count >= _LEAST_JOINED
            and whole.isalpha()
            and len(whole) >= _LEAST_LETTERS
            and len(right) >= SHORTEST
            and not is_function_word(left)
            and (stem(whole) not in catalog.brands or catalog.counts[stem(whole)] < count)
        ):
            yield Synonym(whole, f"{left} {right}", SynonymSource.COMPOUNDS, WEIGHT)


def _abbreviations(products: pa.Table) -> Iterator[Synonym]:
    """First letters in parentheses behind the words that they stand for: "ground fault circuit interrupter (GFCI)"."""
    texts = (text for name in ("title", "description") for text in products[name].to_pylist())
    told: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for before, letters in _IN_PARENTHESES.findall("\n".join(text for text in texts if "(" in text)):
        short, spelled = letters.casefold(), words(before)[-len(letters) :]
        if is_content_word(short) and abbreviated(short, spelled):
            told[short][" ".join(spelled)] += 1
    for short, long_forms in sorted(told.items()):
        (most, count), *_ = long_forms.most_common(1)
        if count > 1:
            yield Synonym(short, most, SynonymSource.ABBREVIATIONS, WEIGHT)


def _of_wordnet(catalog: CatalogWords, wordnet: WordNet) -> Iterator[Synonym]:
    """Nouns for the same thing, in a sense in which the catalog has them."""
    pairs = {
        (noun, other): sense
        for noun, other, sense in wordnet.synonyms()
        if stem(noun) != stem(other)
        and is_content_word(noun)
        and is_content_word(other)
        and catalog.counts[stem(other)] >= _LEAST_TITLES
        and all(_is_noun_there(catalog, one) for one in (noun, other))
    }
    known = {term for pair in pairs for term in map(stem, pair) if catalog.counts[term] >= _KNOWN}
    contexts = _Contexts(catalog, sorted(known))
    for (noun, other), sense in pairs.items():
        term, instead = stem(noun), stem(other)
        near, far = sorted((wordnet.rank(term, sense), wordnet.rank(instead, sense)))
        alike = noun[0] == other[0] and few_letters_differ(noun, other)
        if instead in catalog.brands and not alike:
            continue
        if term in known:
            cosine = contexts.cosine(term, instead)
            right = (near == 0 or alike) and far < _MOST_SENSES and cosine >= (_SAME if alike else _ALIKE)
        else:
            named = is_dictionary_word(noun) and catalog.names_products(instead)
            right = far == 0 and (named or alike)
        if right:
            word = catalog.wording(term) if catalog.counts[term] else noun
            yield Synonym(word, catalog.wording(instead), SynonymSource.WORDNET, WEIGHT)


def _is_noun_there(catalog: CatalogWords, noun: str) -> bool:
    """Whether a catalog has a noun, and not only a word of the same stem: "store" is not "storing"; or no such word."""
    if not catalog.counts[stem(noun)]:
        return True
    written = catalog.wording(stem(noun))
    return written == noun or (written.endswith("s") and lemma(written) == noun)


class _Contexts:
    """What stands in titles with each of some terms: positive pointwise mutual information."""

    def __init__(self, catalog: CatalogWords, terms: list[str]) -> None:
        self._place = {term: place for place, term in enumerate(terms)}
        columns = np.array([catalog.number[term] for term in terms], np.int64)
        together = (catalog.titles_with[:, columns].T @ catalog.titles_with).tocoo()
        counts = np.asarray(catalog.titles_with.sum(axis=0)).ravel()
        expected = counts[columns[together.row]] * counts[together.col] / max(1, len(catalog))
        information = np.log(together.data / expected)
        kept = (information > 0) & (columns[together.row] != together.col) & (counts[together.col] > 1)
        weights = csr_matrix((information[kept], (together.row[kept], together.col[kept])), shape=together.shape)
        self._weights = weights
        self._lengths = np.sqrt(np.asarray(weights.multiply(weights).sum(axis=1)).ravel())

    def cosine(self, left: str, right: str) -> float:
        """How alike the contexts of two terms are, in [0, 1]."""
        one, other = self._place[left], self._place[right]
        lengths = self._lengths[one] * self._lengths[other]
        return float(self._weights[one].multiply(self._weights[other]).sum() / lengths) if lengths else 0.0
