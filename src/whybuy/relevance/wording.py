"""How reasons are given to a relevance model: in the texts that it reads, and as numbers about what they match."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from whybuy.records import Intent, RelevancePair
from whybuy.relations import Relation
from whybuy.text import lemmas

_KINDS = (
    frozenset(Relation) - {Relation.IS_A, Relation.USED_WITH},
    frozenset({Relation.IS_A}),
    frozenset({Relation.USED_WITH}),
)
MATCHES = 3 * len(_KINDS)


@dataclass(frozen=True, slots=True)
class Wording:
    """How reasons are given; the default gives none. Our design: COSMO says only that triples are appended."""

    most: int = 0  # reasons of each side in its text
    shared_only: bool = False  # in the texts, only what query and product have in common
    matches: bool = False  # beside the texts, `matches` as numbers


def words_of(reason: Intent) -> str:
    """A reason in words: "made for pregnant women"."""
    return f"{reason.relation.words} {reason.tail}"


def sides(pair: RelevancePair, wording: Wording) -> tuple[str, str]:
    """The texts of query and product, each with its reasons; what is said first is cut last."""
    ours, theirs = list(pair.query_reasons), list(pair.product_reasons)
    if wording.shared_only:
        ours, theirs = _shared(ours, theirs), _shared(theirs, ours)
    query = ", ".join([pair.query, *map(words_of, ours[: wording.most])])
    said = ", ".join(map(words_of, theirs[: wording.most]))
    return query, f"{said}: {pair.product}" if said else pair.product


def _shared(reasons: Iterable[Intent], others: Iterable[Intent]) -> list[Intent]:
    tails = {other.tail for other in others}
    return [reason for reason in reasons if reason.tail in tails]


# ---------------------------------------------------------------- as numbers
def matches(pairs: Sequence[RelevancePair]) -> NDArray[np.float32]:
    """The highest confidence of what matches: "used with tumblers" of a brush, for the query "tumbler with lid".

    Returns: shape (pairs, 9), in [0, 1]: of reasons, of other names (is_a) and of complements (used_with), each: of the
    product whose tail the query names; of the query whose tail the product's text names; of both sides (the product of
    the confidences). 0 where nothing matches.
    """
    table = np.zeros((len(pairs), MATCHES), np.float32)
    for row, pair in enumerate(pairs):
        asked, told = _words(pair.query), _words(pair.product)
        known = {reason.tail: reason.confidence for reason in pair.product_reasons}
        for place, relations in enumerate(_KINDS):
            ours = [reason for reason in pair.query_reasons if reason.relation in relations]
            theirs = [reason for reason in pair.product_reasons if reason.relation in relations]
            table[row, 3 * place : 3 * place + 3] = (
                max((one.confidence for one in theirs if _words(one.tail) <= asked), default=0.0),
                max((one.confidence for one in ours if _words(one.tail) <= told), default=0.0),
                max((one.confidence * known[one.tail] for one in ours if one.tail in known), default=0.0),
            )
    return table


@lru_cache(maxsize=50_000)
def _words(text: str) -> frozenset[str]:
    """In their dictionary form."""
    return frozenset(lemmas(text))
