"""Deterministic splits: the same key falls into the same part on every machine and in every command."""

import hashlib
from collections.abc import Iterable
from enum import StrEnum

from whybuy.text import normalize


class Part(StrEnum):
    """The two parts of a split."""

    TRAIN = "train"
    VALIDATION = "validation"


def part_of(key: str, *, validation_share: float = 0.2) -> Part:
    """The part that a query (or pair, order, user) falls into, by SHA-256 of its normalized text.

    validation_share: in [0, 1]. Spellings that differ only in case or spacing fall together.
    """
    first_bytes = hashlib.sha256(normalize(key).encode("utf-8", "surrogatepass")).digest()[:8]
    return Part.VALIDATION if int.from_bytes(first_bytes) < validation_share * 2**64 else Part.TRAIN


def keys_of(part: Part, keys: Iterable[str], *, validation_share: float = 0.2) -> list[str]:
    """The keys of one part, in the order in which they come."""
    return [key for key in keys if part_of(key, validation_share=validation_share) is part]
