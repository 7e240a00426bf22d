"""Says how plausible and how typical reasons are: by how they fit what they are said of, and by their wording."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from whybuy.knowledge.critic.logistic import Line
from whybuy.knowledge.critic.text_affinity import Affinity
from whybuy.knowledge.critic.text_critic import SAVED, Kind, Lesson, read_saved
from whybuy.knowledge.critic.text_features import FIT, Fit, shared_words, vectors_of
from whybuy.knowledge.critic.text_judgments import Statements
from whybuy.language.encoder import Encoder, open_encoder, save_encoder
from whybuy.vectors.ngrams import NgramVectorizer

SIGNS = (*FIT, "shared_words", "wording")
"""What a judge weighs; the wording is the margin of a regression over the reason's words and word pairs."""


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """One question."""

    fit: Fit  # learned from those that were answered with yes
    wording: Line  # over words and word pairs of the reason
    line: Line  # over `SIGNS`


class Critic:
    """Answers "plausible" and "typical", as far as judgments taught them; immutable, safe for many threads."""

    def __init__(self, encoder: Encoder, vectorizer: NgramVectorizer, judges: dict[str, Judge], lesson: Lesson) -> None:
        """vectorizer: of wordings. judges: by question."""
        self._encoder, self._vectorizer, self._judges = encoder, vectorizer, judges
        self.lesson = lesson

    @property
    def questions(self) -> tuple[str, ...]:
        """See `TextCritic`."""
        return tuple(self._judges)

    def score(self, statements: Statements) -> dict[str, NDArray[np.float64]]:
        """See `TextCritic`."""
        if not len(statements):
            return {question: np.empty(0) for question in self._judges}
        vectors, shared = vectors_of(statements, self._encoder), shared_words(statements)
        wordings = self._vectorizer.transform(list(statements.reasons))
        return {
            question: judge.line.probabilities(
                np.column_stack([judge.fit.features(vectors), shared, judge.wording.margins(wordings)])
            )
            for question, judge in self._judges.items()
        }

    def save(self, folder: Path) -> None:
        """Write the folder that `load` opens; it is made when missing."""
        save_encoder(self._encoder, folder / "encoder")
        self._vectorizer.save(folder / "wordings")
        arrays: dict[str, NDArray[np.generic]] = {}
        for question, judge in self._judges.items():
            own = {**asdict(judge.fit.affinity), "known": judge.fit.known}
            own |= {"wording": judge.wording.weights, "line": judge.line.weights}
            arrays |= {f"{question}_{name}": array for name, array in own.items()}
        biases = {question: [judge.wording.bias, judge.line.bias] for question, judge in self._judges.items()}
        SAVED.save(folder, arrays, kind=Kind.FITTED, signs=SIGNS, biases=biases, lesson=asdict(self.lesson))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a saved folder.

        Raises:
            ArtifactError: the folder holds no critic of this kind, one of another format version, or a damaged one.
            MissingExtraError: its encoder is a transformer, and torch is missing.
        """
        arrays, facts = read_saved(folder, Kind.FITTED)
        judges = {}
        for question, (wording_bias, line_bias) in facts["biases"].items():
            own = {name.removeprefix(f"{question}_"): array for name, array in arrays.items()}
            maps = Affinity(*(own[name] for name in ("head_mean", "head_map", "reason_mean", "reason_map")))
            judges[question] = Judge(
                Fit(maps, own["known"]), Line(own["wording"], wording_bias), Line(own["line"], line_bias)
            )
        encoder, vectorizer = open_encoder(folder / "encoder"), NgramVectorizer.load(folder / "wordings")
        return cls(encoder, vectorizer, judges, Lesson(**facts["lesson"]))
