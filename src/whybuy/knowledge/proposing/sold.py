"""Whether a shop sells what a phrase names."""

from collections import defaultdict
from collections.abc import Collection, Iterable

from whybuy.catalog.titles import own_words
from whybuy.text import lemmas


class SoldProducts:
    """The products of a shop by the words of their titles and brands, without what they are for."""

    def __init__(self, titles: Iterable[str], brands: Iterable[str], language: str) -> None:
        self._language = language
        self._rows: defaultdict[str, set[int]] = defaultdict(set)
        for row, (title, brand) in enumerate(zip(titles, brands, strict=True)):
            for word in own_words(title, brand, language):
                self._rows[word].add(row)

    def has(self, phrase: str, besides: Collection[int]) -> bool:
        """Whether a product besides these rows has all words of a phrase, in any inflection: "Pear X phones"."""
        rows = [self._rows.get(word, set()) for word in lemmas(phrase, self._language)]
        return bool(rows) and not set.intersection(*rows).issubset(besides)
