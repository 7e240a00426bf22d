"""A critic that reads head and reason together: a transformer fine-tuned on judgments (COSMO, SIGMOD 2024, §3.4)."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import ArtifactError, InputError
from whybuy.knowledge.critic.logistic import Line
from whybuy.knowledge.critic.text_critic import SAVED, Kind, Lesson, read_saved
from whybuy.knowledge.critic.text_judgments import Statements
from whybuy.language.pretrained import Pretrained, batches_by_length, on_device, open_pretrained

if TYPE_CHECKING:
    from torch import Tensor

BATCH = 64  # statements that are scored at once
_MODEL = "transformer"  # folder within that of the critic; transformers opens it by itself, too


@dataclass(frozen=True, slots=True)
class FineTuning:
    """How a critic is fine-tuned: as FolkScope fine-tunes DeBERTa-v3-large (ACL Findings 2023, its code).

    Ours are the warm-up and what the optimizer has besides; and the last epoch stays, not the best one on what is held
    out, by which quality is told.
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
class Reader:
    """A sequence classifier with its tokenizer, which reads statements as pairs of texts."""

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
        """The same of any number of statements, without gradients; those of like length are read together."""
        import torch  # noqa: PLC0415 - seconds to load, and an extra

        found = np.zeros((len(statements), self.transformer.config.num_labels), np.float32)
        whole = [" ".join((*head, reason)) for head, reason in zip(statements.heads, statements.reasons, strict=True)]
        with torch.inference_mode():
            for rows in batches_by_length(whole, BATCH):
                found[rows] = self(statements.only(np.array(rows))).cpu().numpy()
        return found


class FineTunedCritic:
    """Answers "plausible" and "typical", as far as judgments taught them."""

    def __init__(self, reader: Reader, lines: dict[str, Line], lesson: Lesson, recipe: FineTuning) -> None:
        """lines: by question, in the order of the reader's logits, what makes a probability of each."""
        self._reader, self._lines = reader, lines
        self.lesson, self.recipe = lesson, recipe

    @property
    def questions(self) -> tuple[str, ...]:
        """See `TextCritic`."""
        return tuple(self._lines)

    def score(self, statements: Statements) -> dict[str, NDArray[np.float64]]:
        """See `TextCritic`."""
        logits = self._reader.logits(statements)
        return {
            question: line.probabilities(logits[:, [column]])
            for column, (question, line) in enumerate(self._lines.items())
        }

    def save(self, folder: Path) -> None:
        """Write the folder that `load` opens; it is made when missing."""
        self._reader.transformer.save_pretrained(folder / _MODEL)
        self._reader.tokenizer.save_pretrained(folder / _MODEL)
        lines = [[question, float(line.weights[0]), line.bias] for question, line in self._lines.items()]
        facts = {"lines": lines, "lesson": asdict(self.lesson), "recipe": asdict(self.recipe)}
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
        lines = {question: Line(np.array([weight]), bias) for question, weight, bias in facts["lines"]}
        reader = Reader(tokenizer, on_device(transformer), recipe.longest)
        return cls(reader, lines, Lesson(**facts["lesson"]), recipe)
