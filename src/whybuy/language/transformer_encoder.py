"""A pretrained encoder from a folder or a hub: the mean of a transformer's token vectors (Reimers & Gurevych 2019)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from whybuy.language.pretrained import Pretrained, batches_by_length, open_pretrained, sides_of

if TYPE_CHECKING:
    from torch import Tensor

LONGEST = 256  # tokens; of longer texts, the first
BATCH = 64


class TransformerEncoder:
    """Any model that transformers' `AutoModel` opens."""

    def __init__(self, model: str) -> None:
        """model: a folder, or a name on the hub that transformers is set up for.

        Raises:
            MissingExtraError: torch or transformers is missing.
            InputError: there is no such model.
        """
        self.model = model
        self._tokenizer, self._transformer = open_pretrained(
            Pretrained.ENCODER, model, instead="leave --encoder out to have one fitted on your own texts"
        )

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder`."""
        import torch  # noqa: PLC0415 - seconds to load, and an extra

        vectors = np.zeros((len(texts), self._transformer.config.hidden_size), np.float32)
        with torch.inference_mode():
            for rows in batches_by_length(texts, BATCH):
                tokens = self._tokenizer(
                    [texts[row] for row in rows], padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"
                )
                vectors[rows] = _mean(self._transformer(**tokens).last_hidden_state, tokens["attention_mask"]).numpy()
        return vectors

    def together(self, first: Sequence[str], second: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `PairEncoder`."""
        import torch  # noqa: PLC0415 - seconds to load, and an extra

        vectors = np.zeros((2, len(first), self._transformer.config.hidden_size), np.float32)
        whole = [" ".join(both) for both in zip(first, second, strict=True)]
        with torch.inference_mode():
            for rows in batches_by_length(whole, BATCH):
                texts, others = [first[row] for row in rows], [second[row] for row in rows]
                tokens = self._tokenizer(
                    texts, others, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"
                )
                side = torch.from_numpy(sides_of([tokens.sequence_ids(place) for place in range(len(rows))]))
                states = self._transformer(**tokens).last_hidden_state
                for place in (0, 1):
                    vectors[place, rows] = _mean(states, side == place).numpy()
        return vectors[0], vectors[1]


def _mean(states: "Tensor", mask: "Tensor") -> "Tensor":
    from torch.nn.functional import normalize  # noqa: PLC0415

    weights = mask.unsqueeze(-1).to(states.dtype)
    return normalize((states * weights).sum(1) / weights.sum(1).clamp(min=1), dim=1)
