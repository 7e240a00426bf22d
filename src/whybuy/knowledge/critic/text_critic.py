"""The interface of text critics, which score the plausibility and typicality of reasons as texts, and their folders."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from whybuy.artifacts import ArrayFolder
from whybuy.errors import ArtifactError
from whybuy.knowledge.critic.text_judgments import Statements

SAVED = ArrayFolder("critic", 3, "critic.json", made_by="whybuy critic train")


class Kind(StrEnum):
    """How a critic was trained; written in its folder."""

    FITTED = "fitted"  # `FittedCritic`
    FINE_TUNED = "fine-tuned"  # `FineTunedCritic`


@dataclass(frozen=True, slots=True)
class TextFitReport:
    """How many judgments trained a critic, and its quality on judgments of heads that it was not trained on."""

    judgments: int
    out_of_fold: dict[str, dict[str, float]] = field(default_factory=dict)  # by question: figures of `logistic.quality`


class TextCritic(Protocol):
    """Predicts how likely annotators are to call reasons plausible and typical."""

    @property
    def fit_report(self) -> TextFitReport:
        """What it was trained on, and its quality."""
        ...

    @property
    def questions(self) -> tuple[str, ...]:
        """Those of "plausible" and "typical" that had enough answers to train on."""
        ...

    def score(self, statements: Statements) -> dict[str, NDArray[np.float64]]:
        """Probabilities by question, each of shape (statements,): that an annotator would say yes."""
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
    try:
        return Kind(facts["kind"])
    except ValueError:
        raise ArtifactError(
            f"{folder} holds a critic that is {facts['kind']!r}; this whybuy opens those that are {' or '.join(Kind)}. "
            "Run `whybuy critic train` to make it anew."
        ) from None


def read_saved(folder: Path, kind: Kind) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays and facts of a saved critic of this kind.

    Raises:
        ArtifactError: as of `saved_kind`, or the critic is of another kind.
    """
    saved = saved_kind(folder)
    if saved is not kind:
        raise ArtifactError(
            f"{folder} holds a critic that is {saved}, not {kind}. Open it with `open_text_critic`, which takes any."
        )
    return SAVED.load(folder)
