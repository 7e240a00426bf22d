"""Splits queries, products and types into a training and a held-out part, so that evaluation is on unseen ones."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from whybuy.artifacts import digest
from whybuy.knowledge.tuning.instructions import Part
from whybuy.records import Head, HeadKind


@dataclass(frozen=True, slots=True)
class Split:
    """Parts queries, products and types by the hash of their names, the same on every machine."""

    share: float  # of each that is held out, in [0, 1]

    def part_of(self, heads: Iterable[Head]) -> Part | None:
        """The part of an instruction about these heads.

        Returns: None when some of what they name is held out and some is not; it then belongs to neither part.
        """
        held_out = {_place(named) < self.share for head in heads for named in _named(head)}
        return None if len(held_out) != 1 else Part.HELD_OUT if held_out.pop() else Part.TRAIN


def _named(head: Head) -> Iterator[tuple[str, str]]:
    """The query, type or products of a head."""
    match head.kind:
        case HeadKind.PAIR:
            yield from ((HeadKind.PRODUCT, product_id) for product_id in head.key)
        case HeadKind.TYPE_ATTRIBUTE:
            yield HeadKind.TYPE, head.key[0]
        case _:
            yield head.kind, head.key[0]


def _place(named: tuple[str, str]) -> float:
    """A hashed number in [0, 1)."""
    return int(digest(*named), 16) / 16**16
