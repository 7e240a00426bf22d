"""Agreement beyond chance: Cohen's kappa for two judges, Krippendorff's alpha for any number and missing answers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.knowledge.annotation.skipping import with_implied
from whybuy.records import Judgment, Question


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of judges on one question."""

    items: int  # that two judges answered
    observed: float  # share of those with equal answers; NaN without any
    kappa: float  # at most 1; NaN where chance alone would always agree
    alpha: float  # likewise


def cohen_kappa(first: NDArray[np.generic], second: NDArray[np.generic]) -> float:
    """(observed - expected) / (1 - expected) agreement of two judges (Cohen 1960).

    first, second: answers to the same items, shape (n,). Returns: at most 1; NaN without items, or when all answers of
    both are the same, so that chance alone would always agree.

    Raises:
        InputError: the two judged different numbers of items.
    """
    if first.shape != second.shape:
        raise InputError(f"{len(first)} answers do not go with {len(second)}: kappa needs two answers to each item.")
    values = np.unique(np.concatenate([first, second]))
    shares = [np.array([(answers == value).mean() for value in values]) for answers in (first, second)]
    return _beyond_chance(float((first == second).mean()), float(shares[0] @ shares[1])) if len(first) else float("nan")


def krippendorff_alpha(answers: NDArray[np.floating]) -> float:
    """1 - observed / expected disagreement, nominal scale (Krippendorff 2011).

    answers: shape (judges, items), NaN where a judge gave none; items with fewer than two answers do not count.
    Returns: at most 1; NaN when no item has two answers, or all answers of such items are the same.
    """
    values = np.unique(answers[~np.isnan(answers)])
    counts = (answers == values[:, None, None]).sum(axis=1).astype(np.float64)
    answered = counts.sum(axis=0)
    counts, answered = counts[:, answered >= 2], answered[answered >= 2]
    total = answered.sum()
    if not total:
        return float("nan")
    agreeing = float((counts * (counts - 1) / (answered - 1)).sum() / total)
    by_value = counts.sum(axis=1)
    return _beyond_chance(agreeing, float((by_value * (by_value - 1)).sum() / (total * (total - 1))))


def agreement(items: Iterable[Sequence[Judgment]]) -> dict[Question, Agreement]:
    """Agreement by question. items: the finished judgments of each item, two judges or more.

    Kappa takes the first two judges of an item by name. Answers that a no implies count (`skipping.with_implied`).
    """
    judged = [[with_implied(dict(one.answers)) for one in sorted(each, key=lambda one: one.judge)] for each in items]
    return {question: _agreement([[one.get(question) for one in each] for each in judged]) for question in Question}


def _agreement(answers: Sequence[Sequence[bool | None]]) -> Agreement:
    """answers: of one question, by item and judge."""
    pairs = [each[:2] for each in answers if len(each) > 1 and None not in each[:2]]
    first, second = np.array(pairs, dtype=bool).reshape(-1, 2).T
    most = max(map(len, answers), default=0)
    table = np.full((most, len(answers)), np.nan)
    for item, each in enumerate(answers):
        table[: len(each), item] = [np.nan if answer is None else answer for answer in each]
    observed = float((first == second).mean()) if pairs else float("nan")
    return Agreement(len(pairs), observed, cohen_kappa(first, second), krippendorff_alpha(table))


def _beyond_chance(observed: float, expected: float) -> float:
    return (observed - expected) / (1.0 - expected) if expected < 1.0 else float("nan")
