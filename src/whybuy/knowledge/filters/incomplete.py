"""The filter of tails that are no whole phrase."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whybuy.knowledge.numbering import distinct
from whybuy.text import DETERMINERS, FUNCTION_WORDS, tokenize

_DANGLING_ENDS = DETERMINERS | frozenset(
    "and or but nor if then than because so that which who what while when where as "
    "of for with in on at to from by into onto about during without within under near between among through against "
    "per via upon toward towards beside behind below above like unlike until since except including "
    "is are am was were will would can could should must may might do does did has had not no "
    "i we he she they very too such each every other another both either neither".split()
)
"""English words that promise a further one; particles ("dry out", "power up") and objects ("carry it") do not."""

_COMPARATIVES = frozenset("more less most least".split())
"""Whole after a word of their own ("sit less"), dangling after a connecting one ("hiking and more")."""

_DANGLING_STARTS = frozenset("and or but nor than because that which who while of".split())
_UNITS = frozenset(
    "mm cm km inch inches ft yd ml cl liter liters oz ounce ounces lb lbs kg grams mg gal gallon gallons qt pt "
    "watt watts volt volts amp amps mah hz khz mhz ghz kb mb gb tb hp psi rpm lumens lm db pcs pc pk ct xs "
    "xl xxl".split()
)
_COUNTED = frozenset("in foot feet yard yards pound pounds gram pack packs count piece pieces set sets".split())
"""Words that are units beside a number and have a meaning of their own without one."""


@dataclass(frozen=True, slots=True)
class Incomplete:
    """Rejects tails that break off, have no content word, or are too long to be one reason."""

    name: ClassVar[str] = "incomplete"
    limit: ClassVar[float] = 0.5
    most_words: int = 8

    def __call__(self, hypotheses: pa.Table) -> NDArray[np.float64]:
        """See `HypothesisFilter`; 1 where the tail is no whole phrase, else 0."""
        tails, tail = distinct(hypotheses["tail"])
        broken = np.array([not self.is_whole(text) for text in tails], dtype=float)
        return broken[tail]

    def is_whole(self, text: str) -> bool:
        """Whether a text is a phrase that stands on its own."""
        words = tokenize(text)
        return (
            0 < len(words) <= self.most_words
            and words[-1] not in _DANGLING_ENDS
            and not (words[-1] in _COMPARATIVES and (len(words) == 1 or words[-2] in FUNCTION_WORDS))
            and words[0] not in _DANGLING_STARTS
            and not _names_nothing(words)
        )


def _names_nothing(words: list[str]) -> bool:
    """Whether all words are function words, units, numbers ("12v" too) or single letters."""
    letters = [word.strip("0123456789.,") for word in words]
    counted = _COUNTED if letters != words else frozenset()
    return all(
        len(rest) < 2 or rest in _UNITS or rest in counted or word in FUNCTION_WORDS
        for rest, word in zip(letters, words, strict=True)
    )
