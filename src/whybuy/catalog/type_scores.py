"""How well inferred product types agree with the types of a feed, measured by hiding those."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from whybuy.errors import InputError


@dataclass(frozen=True, slots=True)
class TypeScores:
    """Agreement of two groupings of the same products; all shares in [0, 1], more is better."""

    products: int
    types: int  # inferred ones
    singletons: int  # inferred types of one product
    true_types: int
    nmi: float  # mutual information over the mean entropy; 1: the same grouping, 0: independent
    purity: float  # products whose inferred type is mostly of their true type
    pair_precision: float  # pairs of one inferred type that share the true one
    pair_recall: float  # pairs of one true type that share the inferred one
    pair_f1: float


def evaluate_types(inferred: Sequence[str], truth: Sequence[str]) -> TypeScores:
    """Compare inferred types with the true ones, product by product; rows without a true type do not count.

    Raises:
        InputError: the lengths differ, or no product has a true type.
    """
    if len(inferred) != len(truth):
        raise InputError(f"{len(inferred)} inferred types and {len(truth)} true ones are not of the same products.")
    rows = [(guess, true) for guess, true in zip(inferred, truth, strict=True) if true]
    if not rows:
        raise InputError("No product has a true type to compare with. Evaluate on a feed that names types.")
    guesses, guess_of = np.unique([guess for guess, _ in rows], return_inverse=True)
    trues, true_of = np.unique([true for _, true in rows], return_inverse=True)
    cells, joint = np.unique(guess_of * len(trues) + true_of, return_counts=True)
    by_guess, by_true = np.bincount(guess_of), np.bincount(true_of)
    mean_entropy = (_entropy(by_guess) + _entropy(by_true)) / 2
    information = _entropy(by_guess) + _entropy(by_true) - _entropy(joint)
    precision, recall = _pairs(joint) / max(_pairs(by_guess), 1), _pairs(joint) / max(_pairs(by_true), 1)
    largest = np.zeros(len(guesses), dtype=np.int64)
    np.maximum.at(largest, cells // len(trues), joint)
    return TypeScores(
        products=len(rows),
        types=len(guesses),
        singletons=int((by_guess == 1).sum()),
        true_types=len(trues),
        nmi=float(np.clip(information / mean_entropy, 0, 1)) if mean_entropy > 0 else 1.0,
        purity=float(largest.sum() / len(rows)),
        pair_precision=precision,
        pair_recall=recall,
        pair_f1=2 * precision * recall / (precision + recall) if precision + recall else 0.0,
    )


def _entropy(counts: npt.NDArray[np.int64]) -> float:
    share = counts / counts.sum()
    return float(-(share * np.log(share)).sum())


def _pairs(counts: npt.NDArray[np.int64]) -> float:
    return float((counts * (counts - 1)).sum() / 2)
