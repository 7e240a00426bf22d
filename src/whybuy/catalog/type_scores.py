"""How well inferred product types agree with the types of a feed, measured by hiding those."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from whybuy.errors import InputError


@dataclass(frozen=True, slots=True)
class TypeScores:
    """Agreement of two groupings of the same products; all shares in [0, 1], more is better.

    Products without an inferred type count in `typed` and `pair_recall` alone.
    """

    products: int  # with a true type
    typed: float  # of these, with an inferred one
    types: int  # inferred ones
    singletons: int  # inferred types of one product
    true_types: int
    nmi: float  # mutual information over the mean entropy; 1: the same grouping, 0: independent
    accuracy: float  # typed products whose inferred type is mostly of their true type by its other products
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
    pairs_of_true = _pairs(np.array(list(Counter(true for _, true in rows).values())))
    typed = [(guess, true) for guess, true in rows if guess]
    if not typed:
        raise InputError("No product has an inferred type. Give a feed whose titles share words.")
    guesses, guess_of = np.unique([guess for guess, _ in typed], return_inverse=True)
    trues, true_of = np.unique([true for _, true in typed], return_inverse=True)
    cells, joint = np.unique(guess_of * len(trues) + true_of, return_counts=True)
    by_guess, by_true = np.bincount(guess_of), np.bincount(true_of)
    mean_entropy = (_entropy(by_guess) + _entropy(by_true)) / 2
    information = _entropy(by_guess) + _entropy(by_true) - _entropy(joint)
    precision, recall = _pairs(joint) / max(_pairs(by_guess), 1), _pairs(joint) / max(pairs_of_true, 1)
    largest, right = _largest(cells // len(trues), joint, len(guesses))
    return TypeScores(
        products=len(rows),
        typed=len(typed) / len(rows),
        types=len(guesses),
        singletons=int((by_guess == 1).sum()),
        true_types=len({true for _, true in rows}),
        nmi=float(np.clip(information / mean_entropy, 0, 1)) if mean_entropy > 0 else 1.0,
        accuracy=right / len(typed),
        purity=largest / len(typed),
        pair_precision=precision,
        pair_recall=recall,
        pair_f1=2 * precision * recall / (precision + recall) if precision + recall else 0.0,
    )


def _largest(guess_of_cell: npt.NDArray[np.int64], joint: npt.NDArray[np.int64], guesses: int) -> tuple[int, int]:
    """Products in the largest cell of each inferred type, and those whose cell would be it without them, ties too."""
    order = np.lexsort((-joint, guess_of_cell))
    starts = np.searchsorted(guess_of_cell[order], np.arange(guesses))
    first = joint[order[starts]]
    second = np.zeros_like(first)
    has_second = np.append(starts[1:], len(order)) - starts > 1
    second[has_second] = joint[order[starts[has_second] + 1]]
    is_first = np.zeros(len(joint), dtype=bool)
    is_first[order[starts]] = True
    others = np.where(is_first, second[guess_of_cell], first[guess_of_cell])
    right = (joint > 1) & (joint - 1 >= others)
    return int(first.sum()), int(joint[right].sum())


def _entropy(counts: npt.NDArray[np.int64]) -> float:
    share = counts / counts.sum()
    return float(-(share * np.log(share)).sum())


def _pairs(counts: npt.NDArray[np.int64]) -> float:
    return float((counts * (counts - 1)).sum() / 2)
