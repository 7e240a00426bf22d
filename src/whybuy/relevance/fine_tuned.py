"""Relevance models whose transformer was fine-tuned on judged pairs, together with a linear head."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import ArtifactError, InputError
from whybuy.language.pretrained import Pretrained, batches_by_length, on_device, open_pretrained, sides_of
from whybuy.records import RelevancePair
from whybuy.relevance.frozen import Architecture
from whybuy.relevance.head import Head
from whybuy.relevance.model import MADE_BY, SAVED
from whybuy.relevance.wording import Wording, matches, sides

if TYPE_CHECKING:
    from torch import Tensor

BATCH = 64  # pairs that are read at once
_MODEL = "transformer"  # folder within that of a model


@dataclass(frozen=True, slots=True)
class FineTuning:
    """How a transformer is fine-tuned; our design, as the articles tell no settings."""

    model: str  # a folder, or a name on the hub that transformers is set up for
    epochs: int = 2
    learning_rate: float = 5e-5  # of the transformer, at its highest
    head_rate: float = 1e-3  # of the head
    batch: int = 16  # pairs a step
    warm_up: float = 0.1  # share of the steps in which rates rise; then they fall to 0
    longest: int = 128  # tokens of a text; of a longer one, the first
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class PairNetwork:
    """A transformer with its tokenizer, and a linear head that compares the means of its token vectors by side."""

    tokenizer: Any  # whose types only the extra knows
    transformer: Any
    head: Any
    architecture: Architecture
    wording: Wording
    longest: int  # tokens of a text

    def __call__(self, pairs: Sequence[RelevancePair]) -> "Tensor":
        """Logits. Shape (pairs, classes)."""
        import torch  # noqa: PLC0415 - seconds to load, and an extra

        both = [sides(pair, self.wording) for pair in pairs]
        queries, products = [query for query, _ in both], [product for _, product in both]
        if self.architecture is Architecture.CROSS_ENCODER:
            query, product = self._means(queries, products)
        else:
            (query,), (product,) = self._means(queries), self._means(products)
        return self.head(torch.cat([query, product, (query - product).abs(), query * product], 1))

    def blocks(self, pairs: Sequence[RelevancePair]) -> list[NDArray[np.float32]]:
        """The logits and, with the wording that says so, `matches`. Returns: each of shape (pairs, its features)."""
        import torch  # noqa: PLC0415 - seconds to load, and an extra

        logits = np.zeros((len(pairs), self.head.out_features), np.float32)
        with torch.inference_mode():
            for rows in batches_by_length([f"{pair.query} {pair.product}" for pair in pairs], BATCH):
                logits[rows] = self([pairs[row] for row in rows]).cpu().numpy()
        return [logits, matches(pairs)] if self.wording.matches else [logits]

    def _means(self, *texts: Sequence[str]) -> list["Tensor"]:
        """Of the token vectors of each text, of two beside each other when two are read together."""
        import torch  # noqa: PLC0415 - seconds to load, and an extra

        tokens = self.tokenizer(
            *map(list, texts), padding=True, truncation=True, max_length=self.longest, return_tensors="pt"
        ).to(self.transformer.device)
        states = self.transformer(**tokens).last_hidden_state
        side = torch.from_numpy(sides_of([tokens.sequence_ids(row) for row in range(len(texts[0]))])).to(states.device)
        means = []
        for place in range(len(texts)):
            weights = (side == place).unsqueeze(-1).to(states.dtype)
            means.append((states * weights).sum(1) / weights.sum(1).clamp(min=1))
        return means


class FineTunedModel:
    """Judges pairs by a fine-tuned transformer, and by what reasons match where its wording says so."""

    def __init__(self, network: PairNetwork, head: Head, classes: Sequence[str], recipe: FineTuning) -> None:
        """head: reads the `blocks` of pairs. classes: their names, the best answer first, in the order of outputs."""
        self._network, self._head, self._classes, self.recipe = network, head, tuple(classes), recipe

    @property
    def classes(self) -> tuple[str, ...]:
        """See `RelevanceModel`."""
        return self._classes

    def probabilities(self, pairs: Sequence[RelevancePair]) -> NDArray[np.float64]:
        """See `RelevanceModel`."""
        if not pairs:
            return np.zeros((0, len(self._classes)))
        return self._head(np.hstack(self._network.blocks(pairs)))

    def save(self, folder: Path) -> None:
        """See `RelevanceModel`."""
        self._network.transformer.save_pretrained(folder / _MODEL)
        self._network.tokenizer.save_pretrained(folder / _MODEL)
        top = {f"top_{name}": values.detach().cpu().numpy() for name, values in self._network.head.named_parameters()}
        reading = {"architecture": self._network.architecture, "wording": asdict(self._network.wording)}
        arrays = top | self._head.arrays()
        SAVED.save(
            folder, arrays, kind="fine-tuned", classes=self._classes, reading=reading, recipe=asdict(self.recipe)
        )

    @classmethod
    def of(cls, folder: Path, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> Self:
        """The model of a folder that was read.

        Raises:
            ArtifactError: it is damaged.
            MissingExtraError: torch or transformers is missing.
        """
        try:
            tokenizer, transformer = open_pretrained(Pretrained.ENCODER, str((folder / _MODEL).resolve()))
            recipe, reading = FineTuning(**facts["recipe"]), facts["reading"]
            network = PairNetwork(
                tokenizer,
                on_device(transformer),
                open_head(arrays["top_weight"], arrays["top_bias"], transformer.device),
                Architecture(reading["architecture"]),
                Wording(**reading["wording"]),
                recipe.longest,
            )
            return cls(network, Head.of(arrays), facts["classes"], recipe)
        except (InputError, KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"The relevance model in {folder} is damaged ({error}). Run `{MADE_BY}`.") from error


def open_head(weights: NDArray[np.float32], biases: NDArray[np.float32], device: object) -> Any:  # noqa: ANN401 - see PairNetwork
    """A linear layer. weights: shape (classes, inputs). biases: shape (classes,)."""
    import torch  # noqa: PLC0415 - seconds to load, and an extra

    head = torch.nn.Linear(weights.shape[1], weights.shape[0])
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(np.array(weights)))
        head.bias.copy_(torch.from_numpy(np.array(biases)))
    return head.to(device)
