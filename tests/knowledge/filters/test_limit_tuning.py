"""Limits that judged reasons allow."""

import math

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tiny_shop import of_type, reason
from whybuy.knowledge.filters.limit_tuning import Aim, majority_answers, tune
from whybuy.knowledge.proposing.hypothesizer import to_table
from whybuy.records import JUDGMENT_SCHEMA, Hypothesis, Question, Role
from whybuy.relations import Relation

SHOE = of_type("slip-on shoe")
NURSES, HOUSE, GLUE = (reason(SHOE, Relation.USED_BY, tail) for tail in ("nurses", "of the house", "glue"))


def judged(*rows: tuple[Hypothesis, str, str]) -> pa.Table:
    """Judgments from hypothesis, judge, and answers to the five questions: y, n, or - where it was not asked."""
    said = {"y": True, "n": False, "-": None}
    return pa.Table.from_pylist(
        [
            {
                "head_kind": one.head.kind.value,
                "head_key": list(one.head.key),
                "relation": one.relation.value,
                "tail": one.tail,
                "judge": judge,
                "role": Role.JUDGE.value,
                **{question.value: said[mark] for question, mark in zip(Question, marks, strict=True)},
            }
            for one, judge, marks in rows
        ],
        schema=JUDGMENT_SCHEMA,
    )


SCORES = st.lists(st.one_of(st.sampled_from([0.1, 0.5, 0.9]), st.floats(0, 1), st.just(math.nan)), min_size=1)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), scores=SCORES, most_lost=st.floats(0, 1), own=st.floats(0, 1))
def test_a_tuned_limit_is_the_lowest_that_keeps_the_aim(
    data: st.DataObject, scores: list[float], most_lost: float, own: float
) -> None:
    verdicts = data.draw(st.lists(st.sampled_from([0.0, 1.0, math.nan]), min_size=len(scores), max_size=len(scores)))
    score, plausible = np.array(scores), np.array(verdicts)
    limit = tune(score, plausible, own, Aim(most_lost, least_judged=1))
    good, bad = (score[(plausible == answer) & ~np.isnan(score)] for answer in (1, 0))
    if not len(good):
        assert limit == own
        return

    def fits(one: float) -> bool:
        lost, taken = (good > one).sum(), (bad > one).sum()
        return bool(lost <= most_lost * len(good) and taken > lost)

    fitting = [one for one in [*good, *bad] if fits(one)]
    assert limit == min(fitting, default=math.inf if max([*good, *bad]) > own else own)


def test_too_few_plausible_ones_tune_nothing() -> None:
    assert tune(np.array([0.1, 0.9]), np.array([1.0, 0.0]), 0.95, Aim(least_judged=2)) == 0.95


def test_what_nobody_was_asked_about_is_not_let_in() -> None:
    asked = np.array([0.1, 0.2, 0.3]), np.array([0.0, 1.0, 1.0])
    assert tune(*asked, 0.5, Aim(least_judged=1)) == 0.5
    assert tune(*asked, 0.25, Aim(least_judged=1)) == math.inf


def test_most_judges_decide_and_an_earlier_no_is_one() -> None:
    table = judged(
        (NURSES, "ann", "yyyyn"),
        (NURSES, "bob", "yyyyy"),
        (NURSES, "cleo", "yyyyy"),
        (HOUSE, "ann", "n----"),
        (GLUE, "ann", "yyyny"),
        (GLUE, "bob", "yyyy-"),
    )
    asked = to_table([GLUE, HOUSE, NURSES, reason(SHOE, Relation.USED_FOR_AUDIENCE, "nurses")])
    np.testing.assert_array_equal(majority_answers(asked, table, Question.COMPLETE), [1, 0, 1, np.nan])
    np.testing.assert_array_equal(majority_answers(asked, table, Question.PLAUSIBLE), [np.nan, 0, 1, np.nan])
    np.testing.assert_array_equal(majority_answers(asked, table, Question.TYPICAL), [0, 0, 1, np.nan])
    assert np.isnan(majority_answers(asked, judged(), Question.PLAUSIBLE)).all()
