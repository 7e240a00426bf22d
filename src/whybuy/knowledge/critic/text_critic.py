"""What every critic of texts is: it answers questions about statements, and is kept in a folder that says its kind."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from whybuy.artifacts import ArrayFolder
from whybuy.errors import ArtifactError
from whybuy.knowledge.critic.text_judgments import Statements

SAVED = ArrayFolder("critic", 2, "critic.json", made_by="whybuy critic train")


class Kind(StrEnum):
    """How a critic learned; its folder says so."""

    FITTED = "fitted"  # `Critic`
    FINE_TUNED = "fine-tuned"  # `FineTunedCritic`


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a critic learned from, and how well it did on judgments of heads that it had not seen."""

    judgments: int
    out_of_fold: dict[str, dict[str, float]] = field(default_factory=dict)  # by question: what `quality` says


class TextCritic(Protocol):
    """Says how likely people are to call reasons plausible and typical."""

    @property
    def lesson(self) -> Lesson:
        """What it learned from, and what it is worth."""
        ...

    @property
    def questions(self) -> tuple[str, ...]:
        """Of "plausible" and "typical", those that there were enough answers to."""
        ...

    def score(self, statements: Statements) -> dict[str, NDArray[np.float64]]:
        """Probabilities by question, each of shape (statements,): that people would say yes."""
        ...

    def save(self, folder: Path) -> None:
        """Write the folder that `open_text_critic` opens; it is made when missing."""
        ...


def saved_kind(folder: Path) -> Kind:
    """The kind of critic that a folder holds.

    Raises:
        ArtifactError: the folder holds no critic, one of another format version or unknown kind, or a damaged one.
    """
    _, facts = SAVED.load(folder)
    kind = facts.get("kind", Kind.FITTED)  # which the first folders did not say: there was no other
    try:
        return Kind(kind)
    except ValueError:
        raise ArtifactError(
            f"{folder} holds a critic that is {kind!r}; this whybuy opens those that are {' or '.join(Kind)}. "
            "Run `whybuy critic train` to make it anew."
        ) from None


def read_saved(folder: Path, kind: Kind) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays and the facts of a saved critic of this kind.

    Raises:
        ArtifactError: as of `saved_kind`, or the critic is of another kind.
    """
    found = saved_kind(folder)
    if found is not kind:
        raise ArtifactError(
            f"{folder} holds a critic that is {found}, not {kind}. Open it with `open_text_critic`, which takes any."
        )
    return SAVED.load(folder)
