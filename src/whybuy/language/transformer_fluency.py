"""Scores texts by their perplexity under a pretrained causal language model from a folder or a hub."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from whybuy.language.pretrained import Pretrained, batches_by_length, open_pretrained

if TYPE_CHECKING:
    from torch import Tensor

LONGEST = 64  # tokens; of longer texts, the first
BATCH = 64


class TransformerFluency:
    """Any model that transformers' `AutoModelForCausalLM` opens; texts are closed with a full stop."""

    limit: ClassVar[float] = 5000.0  # perplexity; a guess, so let judgments tune it

    def __init__(self, model: str) -> None:
        """model: a folder, or a name on the hub that transformers is set up for.

        Raises:
            MissingExtraError: torch or transformers is missing.
            InputError: there is no such model.
        """
        self.model = model
        self._tokenizer, self._transformer = open_pretrained(
            Pretrained.LANGUAGE_MODEL,
            model,
            instead="leave fluency_model out of [filters] to have one fitted on your texts",
        )
        self._tokenizer.padding_side = "right"

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Perplexity ``exp(-mean log P)`` of the tokens after the first; see `Fluency`."""
        import torch  # noqa: PLC0415 - seconds to load, and an extra

        perplexity = np.full(len(texts), np.nan)
        scored = np.array([row for row, text in enumerate(texts) if len(text.split()) > 1], np.int64)
        closed = [f"{texts[row]}." for row in scored]
        with torch.inference_mode():
            for places in batches_by_length(closed, BATCH):
                tokens = self._tokenizer(
                    [closed[place] for place in places],
                    padding=True,
                    truncation=True,
                    max_length=LONGEST,
                    return_tensors="pt",
                )
                logits = self._transformer(tokens["input_ids"], attention_mask=tokens["attention_mask"]).logits
                perplexity[scored[places]] = _perplexity(logits, tokens["input_ids"], tokens["attention_mask"]).numpy()
        return perplexity


def _perplexity(logits: "Tensor", tokens: "Tensor", mask: "Tensor") -> "Tensor":
    """Perplexity of each row's tokens after the first. logits: shape (rows, tokens, vocabulary)."""
    from torch.nn.functional import cross_entropy  # noqa: PLC0415

    counted = mask[:, 1:] * mask[:, :-1]
    surprise = cross_entropy(logits[:, :-1].transpose(1, 2).float(), tokens[:, 1:], reduction="none")
    return ((surprise * counted).sum(1) / counted.sum(1)).exp()
