"""Judged pairs of a made-up shop: what shares the thing is exact, another thing of the same use a substitute."""

from itertools import product

import numpy as np

from whybuy.records import Intent, RelevanceLabel, RelevancePair
from whybuy.relations import Relation
from whybuy.relevance.model import JudgedPairs

USES = {"camping": ("tent", "tarp"), "cooking": ("pan", "pot"), "reading": ("lamp", "lantern")}
COLORS = ("red", "navy", "sage", "sand", "black", "plum", "teal", "gold")
NAMES = tuple(label.value for label in RelevanceLabel)


def reason(tail: str, relation: Relation = Relation.USED_FOR_EVENT, confidence: float = 0.8) -> Intent:
    """One reason."""
    return Intent(relation, tail, confidence)


def judged_answers(*, known: bool = True) -> JudgedPairs:
    """Each color of each thing asked for, and each thing in another color as an answer. known: whether reasons are."""
    things = [(thing, use) for use, both in USES.items() for thing in both]
    pairs, classes = [], []
    for place, (color, (asked, use)) in enumerate(product(COLORS, things)):
        for thing, other in things:
            said = (reason(use),) if known else (), (reason(other),) if known else ()
            pairs.append(RelevancePair(f"{color} {asked}", f"{COLORS[place % 3]} {thing} with a bag", *said))
            classes.append(0 if thing == asked else 1 if other == use else 3)
    return JudgedPairs(tuple(pairs), np.array(classes), NAMES)


def texts_of(judged: JudgedPairs) -> list[str]:
    """All queries and products, one after the other, and the words of reasons."""
    return [text for pair in judged.pairs for text in (pair.query, pair.product)] + ["used for", "|", ",", ":", *USES]
