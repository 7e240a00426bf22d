"""The default text critic: logistic regression over similarity of head and reason, and the wording of the reason."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from whybuy.knowledge.critic.logistic import LogisticModel
from whybuy.knowledge.critic.text_affinity import Affinity
from whybuy.knowledge.critic.text_critic import SAVED, Kind, TextFitReport, read_saved
from whybuy.knowledge.critic.text_features import FIT_FEATURES, HeadReasonFit, shared_words, vectors_of
from whybuy.knowledge.critic.text_judgments import Statements
from whybuy.language.encoder import Encoder, open_encoder, save_encoder
from whybuy.vectors.ngrams import NgramVectorizer

FEATURES = (*FIT_FEATURES, "shared_words", "wording")
"""Columns of the final regression; "wording" is the margin of another one over the reason's words and word pairs."""


@dataclass(frozen=True, slots=True, eq=False)
class QuestionModel:
    """The fitted parts of one question."""

    fit: HeadReasonFit  # on statements that were answered with yes
    wording: LogisticModel  # over words and word pairs of the reason
    final: LogisticModel  # over `FEATURES`


class FittedCritic:
    """Scores "plausible" and "typical"; immutable, safe for many threads."""

    def __init__(
        self, encoder: Encoder, vectorizer: NgramVectorizer, models: dict[str, QuestionModel], fit_report: TextFitReport
    ) -> None:
        """vectorizer: of wordings. models: by question."""
        self._encoder, self._vectorizer, self._models = encoder, vectorizer, models
        self.fit_report = fit_report

    @property
    def questions(self) -> tuple[str, ...]:
        """See `TextCritic`."""
        return tuple(self._models)

    def score(self, statements: Statements) -> dict[str, NDArray[np.float64]]:
        """See `TextCritic`."""
        if not len(statements):
            return {question: np.empty(0) for question in self._models}
        vectors, shared = vectors_of(statements, self._encoder), shared_words(statements)
        wordings = self._vectorizer.transform(list(statements.reasons))
        return {
            question: model.final.probabilities(
                np.column_stack([model.fit.features(vectors), shared, model.wording.margins(wordings)])
            )
            for question, model in self._models.items()
        }

    def save(self, folder: Path) -> None:
        """Write the folder that `load` opens; it is made when missing."""
        save_encoder(self._encoder, folder / "encoder")
        self._vectorizer.save(folder / "wordings")
        arrays: dict[str, NDArray[np.generic]] = {}
        for question, model in self._models.items():
            own = {**asdict(model.fit.affinity), "reference": model.fit.reference}
            own |= {"wording": model.wording.weights, "final": model.final.weights}
            arrays |= {f"{question}_{name}": array for name, array in own.items()}
        biases = {question: [model.wording.bias, model.final.bias] for question, model in self._models.items()}
        SAVED.save(
            folder, arrays, kind=Kind.FITTED, features=FEATURES, biases=biases, fit_report=asdict(self.fit_report)
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a saved folder.

        Raises:
            ArtifactError: the folder holds no critic of this kind, one of another format version, or a damaged one.
            MissingExtraError: its encoder is a transformer, and torch is missing.
        """
        arrays, facts = read_saved(folder, Kind.FITTED)
        models = {}
        for question, (wording_bias, final_bias) in facts["biases"].items():
            own = {name.removeprefix(f"{question}_"): array for name, array in arrays.items()}
            maps = Affinity(*(own[name] for name in ("head_mean", "head_map", "reason_mean", "reason_map")))
            wording = LogisticModel(own["wording"], wording_bias)
            final = LogisticModel(own["final"], final_bias)
            models[question] = QuestionModel(HeadReasonFit(maps, own["reference"]), wording, final)
        encoder, vectorizer = open_encoder(folder / "encoder"), NgramVectorizer.load(folder / "wordings")
        return cls(encoder, vectorizer, models, TextFitReport(**facts["fit_report"]))
