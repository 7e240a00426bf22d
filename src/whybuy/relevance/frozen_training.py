"""Fits the head of a relevance model whose encoder stays as it is, with settings chosen on held-out queries."""

from collections.abc import Sequence

import numpy as np

from whybuy.language.encoder import Encoder
from whybuy.relevance.frozen import Architecture, FrozenModel, PairReading
from whybuy.relevance.head_fitting import best_temperature, fit_head
from whybuy.relevance.model import JudgedPairs
from whybuy.relevance.wording import Wording

PENALTIES = (0.3, 1.0, 3.0)
PLAIN = (Wording(),)
WITH_REASONS = (
    Wording(matches=True),
    Wording(most=4, shared_only=True, matches=True),
    Wording(most=4, matches=True),
)
"""Ways to give reasons, of which one is chosen."""


def train_frozen(
    judged: JudgedPairs,
    encoder: Encoder,
    architecture: Architecture,
    wordings: Sequence[Wording] = PLAIN,
    *,
    penalties: Sequence[float] = PENALTIES,
    seed: int = 0,
) -> FrozenModel:
    """Choose wording and penalty by the likelihood of a fifth of the queries, then fit on all pairs.

    How sure the model is of what it says is set on that fifth as well. Chosen by macro-F1 there, which a few queries
    decide, models are worse. The same pairs and seed give the same model. seed: of the split.

    Raises:
        InputError: there are fewer than two queries, or a cross-encoder is asked of an encoder of single texts.
    """
    rows, held = judged.split(seed)
    names, classes = len(judged.names), judged.classes[held]
    choices = []
    for wording in wordings:
        blocks = PairReading(architecture, wording).blocks(encoder, judged.pairs)
        for penalty in penalties:
            head = fit_head([block[rows] for block in blocks], judged.classes[rows], names, penalty)
            logits = head.logits(np.hstack([block[held] for block in blocks]))
            temperature, loss = best_temperature(logits, classes)
            choices.append((loss, penalty, wording, temperature))
    _, penalty, wording, temperature = min(choices, key=lambda choice: choice[0])  # of equally good ones, the first
    reading = PairReading(architecture, wording)
    head = fit_head(reading.blocks(encoder, judged.pairs), judged.classes, names, penalty)
    return FrozenModel(encoder, reading, head.cooled(temperature), judged.names)
