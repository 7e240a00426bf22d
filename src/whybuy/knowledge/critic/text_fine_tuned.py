"""A text critic that is a transformer fine-tuned on judgments (COSMO, Yu et al., SIGMOD 2024)."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import ArtifactError, InputError
from whybuy.knowledge.critic.logistic import LogisticModel
from whybuy.knowledge.critic.text_critic import SAVED, Kind, TextFitReport, read_saved
from whybuy.knowledge.critic.text_judgments import Statements
from whybuy.language.pretrained import Pretrained, batches_by_length, on_device, open_pretrained

if TYPE_CHECKING:
    from torch import Tensor

BATCH = 64  # statements that are scored at once
_MODEL = "transformer"  # folder within that of the critic; transformers opens it by itself, too


@dataclass(frozen=True, slots=True)
class FineTuning:
    """How a critic is fine-tuned: as FolkScope (ACL Findings 2023, its code) fine-tunes DeBERTa-v3-large.

    Our own: the warm-up and the other settings of the optimizer; and the last epoch is kept, not the best one on the
    held-out heads, since these measure quality.
    """

    model: str  # a folder, or a name on the hub that transformers is set up for
    epochs: int = 10
    learning_rate: float = 1e-5  # at its highest
    batch: int = 32  # statements a step
    at_once: int = 16  # of them, in memory
    warm_up: float = 0.1  # share of the steps in which the learning rate rises; then it falls to 0
    longest: int = 256  # tokens of head and reason; what is longer is cut, the longer of the two first
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class PairClassifier:
    """A sequence classifier with its tokenizer; head and reason are its two texts."""

    tokenizer: Any  # whose types only the extra knows
    transformer: Any
    longest: int  # tokens of a statement

    def __call__(self, statements: Statements) -> "Tensor":
        """Logits, in single precision (most of the way there is bfloat16 on a GPU). Shape (statements, questions)."""
        import torch  # noqa: PLC0415 - seconds to load, and an extra

        device = self.transformer.device
        heads = [" and ".join(head) for head in statements.heads]
        tokens = self.tokenizer(
            heads,
            list(statements.reasons),
            padding=True,
            truncation=True,
            max_length=self.longest,
            return_tensors="pt",
        ).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            return self.transformer(**tokens).logits.float()

    def logits(self, statements: Statements) -> NDArray[np.float32]:
        """The same for any number of statements, without gradients; statements of similar length form a batch."""
        import torch  # noqa: PLC0415 - seconds to load, and an extra

        logits = np.zeros((len(statements), self.transformer.config.num_labels), np.float32)
        whole = [" ".join((*head, reason)) for head, reason in zip(statements.heads, statements.reasons, strict=True)]
        with torch.inference_mode():
            for rows in batches_by_length(whole, BATCH):
                logits[rows] = self(statements.only(np.array(rows))).cpu().numpy()
        return logits


class FineTunedCritic:
    """Scores "plausible" and "typical" by a fine-tuned transformer."""

    def __init__(
        self,
        classifier: PairClassifier,
        calibration: dict[str, LogisticModel],
        report: TextFitReport,
        recipe: FineTuning,
    ) -> None:
        """calibration: by question, in the order of the logits: from logit to probability."""
        self._classifier, self._calibration = classifier, calibration
        self.fit_report, self.recipe = report, recipe

    @property
    def questions(self) -> tuple[str, ...]:
        """See `TextCritic`."""
        return tuple(self._calibration)

    def score(self, statements: Statements) -> dict[str, NDArray[np.float64]]:
        """See `TextCritic`."""
        logits = self._classifier.logits(statements)
        return {
            question: model.probabilities(logits[:, [column]])
            for column, (question, model) in enumerate(self._calibration.items())
        }

    def save(self, folder: Path) -> None:
        """Write the folder that `load` opens; it is made when missing."""
        self._classifier.transformer.save_pretrained(folder / _MODEL)
        self._classifier.tokenizer.save_pretrained(folder / _MODEL)
        calibration = [[question, float(model.weights[0]), model.bias] for question, model in self._calibration.items()]
        facts = {"calibration": calibration, "fit_report": asdict(self.fit_report), "recipe": asdict(self.recipe)}
        SAVED.save(folder, {}, kind=Kind.FINE_TUNED, **facts)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a saved folder.

        Raises:
            ArtifactError: the folder holds no critic of this kind, one of another format version, or a damaged one.
            MissingExtraError: torch or transformers is missing.
        """
        _, facts = read_saved(folder, Kind.FINE_TUNED)
        recipe = FineTuning(**facts["recipe"])
        try:
            tokenizer, transformer = open_pretrained(Pretrained.CLASSIFIER, str((folder / _MODEL).resolve()))
        except InputError as error:
            raise ArtifactError(f"{folder} holds a damaged critic. {error} Run `whybuy critic train` again.") from error
        calibration = {name: LogisticModel(np.array([weight]), bias) for name, weight, bias in facts["calibration"]}
        classifier = PairClassifier(tokenizer, on_device(transformer), recipe.longest)
        return cls(classifier, calibration, TextFitReport(**facts["fit_report"]), recipe)
