"""What a shop's own texts show of words, in place of lists of brands, models and goods."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from whybuy.text import FUNCTION_WORDS, canonical, lemma, tokenize

MAX_TEXTS = 20_000  # read for the case and the neighbors of words; an even choice of more
_LEAST = 3  # occurrences from which on a word shows something
_LEAST_BEFORE = 8  # occurrences from which on a word that others follow is known to end nothing
_MOST_SMALL = 0.1  # share of a name's occurrences without a capital letter
_MOST_ENDS = 0.1  # share of occurrences at the end of a phrase, of a word that ends none
_SELDOM_ENDS = 0.35  # the same of a word that mostly describes the next
_MAKER_STARTS = 0.8  # share of a maker's occurrences in titles that open them
_MAKER_KINDS = 3  # kinds of goods from which on a brand is a maker, not a line of goods
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_CLOSING = (FUNCTION_WORDS - frozenset("not no best good cheap need needs looking want".split())) | {""}
"""What stands behind a whole phrase."""
_SENTENCE = re.compile(r"[.!?;:•|()\[\]\n\"]+")
_CONNECTING = re.compile(r"\b(?:for|with|in|by|on|to|from|as|of)\b|[,(]")


@dataclass(frozen=True, slots=True)
class ShopWords:
    """What words are in one shop's texts (our design)."""

    makers: frozenset[str] = frozenset()  # canonical brands of several kinds of goods
    names: frozenset[str] = frozenset()  # proper names: capitalized wherever they stand
    sold: frozenset[str] = frozenset()  # canonical words and pairs of words that titles name goods with
    goods: frozenset[str] = frozenset()  # canonical pairs of words in which what titles name ends
    unfinished: frozenset[str] = frozenset()  # words that end no phrase: "select", "custom"
    modifiers: frozenset[str] = frozenset()  # words that mostly describe what follows: "crisp"
    title_words: frozenset[str] = frozenset()  # words of titles as they are written

    def is_name(self, word: str) -> bool:
        """Whether a normalized word is a proper name, or the number of a model."""
        return word in self.names or is_number(word)

    def maker_of(self, brand: str, title: str, language: str) -> str:
        """Who makes a product: its brand, else the maker that its title opens with, else nobody but its own title."""
        name = canonical(brand or title, language)
        opening = name.split()[0] if name else ""
        return opening if not brand and opening in self.makers else name


NO_WORDS = ShopWords()


def is_number(word: str) -> bool:
    """Whether a word has digits: "4s", "9700"; not "2-way"."""
    return "-" not in word and any(letter.isdigit() for letter in word)


def read_shop_words(
    titles: Sequence[str], brands: Sequence[str], kinds: Sequence[str], descriptions: Sequence[str], language: str
) -> ShopWords:
    """Read the titles, and descriptions where there are some, of a shop."""
    written = frozenset(word for title in titles for word in _WORD.findall(title))
    phrases = [phrase for text in _some(descriptions) for phrase in _SENTENCE.split(text)]
    sold, goods = _sold(titles, language)
    unfinished, modifiers = _unfinished(phrases)
    makers = _makers(titles, brands, kinds, language)
    return ShopWords(makers, _names(phrases), sold, goods, unfinished, modifiers, written)


def _some(texts: Sequence[str]) -> Iterable[str]:
    distinct = [text for text in dict.fromkeys(texts) if text]
    return distinct[:: -(-len(distinct) // MAX_TEXTS) or 1]


def _makers(titles: Sequence[str], brands: Sequence[str], kinds: Sequence[str], language: str) -> frozenset[str]:
    """Brands of several kinds of goods; where no brands are told, words that open titles and do not name the kind."""
    kinds_of: defaultdict[str, set[str]] = defaultdict(set)
    opening, anywhere = Counter[str](), Counter[str]()
    for title, brand, kind in zip(titles, brands, kinds, strict=True):
        if brand:
            kinds_of[canonical(brand, language)].add(kind)
        elif words := tokenize(title):
            opening[words[0]] += words[0] not in tokenize(kind)
            anywhere.update(set(words))
    told = {brand for brand, sold in kinds_of.items() if len(sold) >= _MAKER_KINDS}
    open_titles = {
        lemma(word, language)
        for word, count in opening.items()
        if count >= _LEAST and count >= _MAKER_STARTS * anywhere[word]
    }
    return frozenset(told | open_titles)


def _names(phrases: Iterable[str]) -> frozenset[str]:
    """Words with a capital letter nearly everywhere but at the start of a phrase, or within ("iPhone")."""
    capital, small, inner = Counter[str](), Counter[str](), Counter[str]()
    for phrase in phrases:
        for word in _WORD.findall(phrase)[1:]:
            if word.islower():
                small[word] += 1
            elif not word.isupper():
                (capital if word[0].isupper() else inner)[word.casefold()] += 1
    return frozenset(
        word
        for word in capital.keys() | inner.keys()
        if (told := capital[word] + inner[word]) >= _LEAST and small[word] <= _MOST_SMALL * (told + small[word])
    )


def _sold(titles: Sequence[str], language: str) -> tuple[frozenset[str], frozenset[str]]:
    """Words and pairs that several titles have before a connecting word, and the pairs that stand last there."""
    counts, ends = Counter[str](), Counter[str]()
    for title in dict.fromkeys(titles):
        for part in title.casefold().split(" - "):
            words = [lemma(word, language) for word in tokenize(_CONNECTING.split(part)[0])]
            counts.update({*words, *(f"{one} {other}" for one, other in pairwise(words))})
            ends[" ".join(words[-2:])] += 1
    often = (frozenset(word for word, count in table.items() if count >= _LEAST) for table in (counts, ends))
    return next(often), next(often)


def _unfinished(phrases: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Words that something nearly always follows within the phrase, and words that something mostly follows."""
    followed, ends = Counter[str](), Counter[str]()
    for phrase in phrases:
        for word, next_word in _neighbors(phrase.casefold()):
            (ends if next_word in _CLOSING else followed)[word] += 1
    seen = {word: count + ends[word] for word, count in followed.items()}
    share = {word: ends[word] / count for word, count in seen.items() if count >= _LEAST_BEFORE}
    unfinished, modifiers = ({word for word in share if share[word] <= most} for most in (_MOST_ENDS, _SELDOM_ENDS))
    return frozenset(unfinished), frozenset(modifiers)


def _neighbors(phrase: str) -> Iterator[tuple[str, str]]:
    """Each word with the next one of the phrase; "" where none follows. Words joined by "and" tell nothing."""
    for part in phrase.split(","):
        words = _WORD.findall(part)
        for word, next_word in pairwise([*words, ""]):
            if next_word not in ("and", "or"):
                yield word, next_word
