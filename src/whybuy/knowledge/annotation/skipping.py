"""The five questions of COSMO (SIGMOD 2024), and their skip logic: which comes next, what a no implies (our design)."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from whybuy.records import Question

DECISIVE = (Question.PLAUSIBLE, Question.TYPICAL)
"""Questions that a no to any earlier question answers with no as well, for the training of a critic."""


def next_question(answers: Mapping[Question, bool]) -> Question | None:
    """The question to ask after these answers; None after a no, or when all five are answered."""
    if not all(answers.values()):
        return None
    return next((question for question in Question if question not in answers), None)


def with_implied(answers: Mapping[Question, bool]) -> dict[Question, bool]:
    """The answers, with those that a no among them implies: neither plausible nor typical.

    So the critic is trained on empty reasons too. Other skipped questions stay unanswered.
    """
    refused = not all(answers.values())
    return {**dict.fromkeys(DECISIVE, False), **answers} if refused else dict(answers)


def answers_to(judgments: pa.Table, question: Question) -> pa.Array:
    """The answer of each judgment (JUDGMENT_SCHEMA) to a question: no after any no, null where none was given."""
    questions = list(Question)[: list(Question).index(question) + 1]
    answers = [judgments[each.value].combine_chunks() for each in questions]
    denied = np.zeros(judgments.num_rows, bool)
    for each in answers:
        denied |= pc.fill_null(pc.invert(each), False).to_numpy(zero_copy_only=False)
    return pc.if_else(pa.array(denied), False, answers[-1])
