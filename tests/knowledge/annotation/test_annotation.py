"""Sampling for judgment, agreement and settling, against what can be worked out by hand."""

import math
from collections import Counter
from itertools import permutations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whybuy.errors import InputError
from whybuy.graph import GraphConfig, assemble
from whybuy.graph.increment import rejections
from whybuy.journal.judgments import from_table, in_order
from whybuy.journal.judgments import to_table as judgment_table
from whybuy.knowledge.annotation.agreement import agreement, cohen_kappa, krippendorff_alpha
from whybuy.knowledge.annotation.sampling import (
    Candidates,
    WeightConfig,
    behavior_of,
    knowledge_weight,
    most_uncertain,
    sample,
    stratified_order,
)
from whybuy.knowledge.annotation.settling import State, audited, settle, state_of, training_judgments, verdict
from whybuy.knowledge.annotation.skipping import next_question, with_implied
from whybuy.knowledge.proposing.hypothesizer import to_table
from whybuy.records import Behavior, Head, HeadKind, Hypothesis, Judgment, Question, Role
from whybuy.relations import Relation

SHOE = Head(HeadKind.TYPE, ("slip-on shoe",))
YES = (True,) * 5


def said(judge: str, *given_answers: bool, role: Role = Role.JUDGE, tail: str = "pregnant women") -> Judgment:
    answered = dict(zip(Question, given_answers, strict=False))
    return Judgment(SHOE, Relation.USED_FOR_AUDIENCE, tail, judge, role, in_order(answered))


# ---------------------------------------------------------------- questions
def test_a_no_ends_the_questions_and_implies_the_decisive_ones() -> None:
    assert next_question({}) is Question.COMPLETE
    assert next_question({Question.COMPLETE: True}) is Question.RELEVANT
    assert next_question({Question.COMPLETE: True, Question.RELEVANT: False}) is None
    assert next_question(dict.fromkeys(Question, True)) is None
    assert with_implied({Question.COMPLETE: False}) == {
        Question.COMPLETE: False, Question.PLAUSIBLE: False, Question.TYPICAL: False}  # fmt: skip
    plausible = dict.fromkeys(list(Question)[:4], True) | {Question.TYPICAL: False}
    assert with_implied(plausible)[Question.PLAUSIBLE] is True


# ---------------------------------------------------------------- agreement
def obvious_kappa(first: list[int], second: list[int]) -> float:
    n = len(first)
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / n
    expected = sum(first.count(v) * second.count(v) for v in {*first, *second}) / (n * n)
    return (observed - expected) / (1 - expected) if expected != 1 else float("nan")


def obvious_alpha(answers: list[list[int | None]]) -> float:
    """Disagreement over all pairs within items, against all pairs there are (Krippendorff 2011, nominal)."""
    items = [[value for value in item if value is not None] for item in zip(*answers, strict=True)]
    items = [item for item in items if len(item) > 1]
    values = [value for item in items for value in item]
    expected = [a != b for a, b in permutations(values, 2)]
    if not any(expected):
        return float("nan")
    observed = sum(sum(a != b for a, b in permutations(item, 2)) / (len(item) - 1) for item in items) / len(values)
    return float(1 - observed / (sum(expected) / len(expected)))


def test_kappa_of_the_textbook() -> None:
    """50 grants, two readers: 20 both yes, 15 both no, 5 and 10 apart; po .7, pe .5, kappa .4."""
    first = np.array([1] * 20 + [1] * 5 + [0] * 10 + [0] * 15)
    second = np.array([1] * 20 + [0] * 5 + [1] * 10 + [0] * 15)
    assert cohen_kappa(first, second) == pytest.approx(0.4)


def test_alpha_of_krippendorffs_examples() -> None:
    """Computing Krippendorff's Alpha-Reliability (2011), A (binary, two observers) and C (four, with gaps)."""
    meg, owen = "0100000010", "1110010000"
    binary = np.array([[float(value) for value in row] for row in (meg, owen)])
    assert krippendorff_alpha(binary) == pytest.approx(0.095, abs=5e-4)
    observers = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    table = [[None if value == "." else int(value) for value in row] for row in observers]
    numbers = np.array([[np.nan if value is None else value for value in row] for row in table])
    assert krippendorff_alpha(numbers) == pytest.approx(0.743, abs=5e-4)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=30))
def test_kappa_is_as_worked_out_slowly(pairs: list[tuple[int, int]]) -> None:
    first, second = (list(each) for each in zip(*pairs, strict=True))
    assert cohen_kappa(np.array(first), np.array(second)) == pytest.approx(obvious_kappa(first, second), nan_ok=True)


def tables(items: int) -> st.SearchStrategy[list[list[int | None]]]:
    row = st.lists(st.sampled_from([0, 1, 2, None]), min_size=items, max_size=items)
    return st.lists(row, min_size=1, max_size=4)


@given(st.integers(0, 8).flatmap(tables))
def test_alpha_is_as_worked_out_slowly(answers: list[list[int | None]]) -> None:
    table = np.array([[np.nan if value is None else value for value in row] for row in answers])
    assert krippendorff_alpha(table) == pytest.approx(obvious_alpha(answers), nan_ok=True)


def test_answers_that_do_not_pair_are_refused() -> None:
    with pytest.raises(InputError, match="3 answers do not go with 2"):
        cohen_kappa(np.zeros(3), np.zeros(2))


def test_agreement_counts_what_a_no_implies() -> None:
    items = [
        [said("ana", *YES), said("ben", *YES)],
        [said("ana", False), said("ben", True, False)],
        [said("ana", *YES[:4], False), said("ben", *YES)],
        [said("ben", True, True, False), said("ana", True, True, False)],
    ]
    found = agreement(items)
    assert (found[Question.COMPLETE].items, found[Question.COMPLETE].observed) == (4, 0.75)
    assert (found[Question.RELEVANT].items, found[Question.RELEVANT].observed) == (3, 1.0)
    assert (found[Question.PLAUSIBLE].items, found[Question.PLAUSIBLE].kappa) == (4, 1.0)
    assert (found[Question.TYPICAL].items, found[Question.TYPICAL].observed) == (4, 0.75)
    assert found[Question.TYPICAL].kappa == pytest.approx(obvious_kappa([1, 0, 0, 0], [1, 0, 1, 0]))
    assert math.isnan(agreement([])[Question.TYPICAL].alpha)


# ---------------------------------------------------------------- settling
def test_two_who_agree_settle_and_two_who_differ_wait() -> None:
    assert state_of([said("ana", *YES)]) is State.OPEN
    assert state_of([said("ana", *YES), said("ben", True, True)]) is State.OPEN
    assert state_of([said("ana", *YES), said("ben", *YES)]) is State.SETTLED
    differing = [said("ana", *YES), said("ben", *YES[:4], False)]
    assert state_of(differing) is State.DISPUTED
    assert verdict(differing) is None
    decided = [*differing, said("cleo", *YES, role=Role.ADJUDICATOR)]
    assert state_of(decided) is State.SETTLED
    assert verdict(decided) == decided[-1]


def test_an_auditor_then_a_reader_have_the_last_word() -> None:
    agreed = [said("ana", *YES), said("ben", *YES)]
    audit, reader = said("cleo", True, False, role=Role.AUDITOR), said("reader", role=Role.READER)
    by_auditor, by_reader = verdict([*agreed, audit]), verdict([*agreed, audit, reader])
    assert by_auditor is not None
    assert by_reader is not None
    assert (by_auditor.judge, dict(by_auditor.answers)[Question.PLAUSIBLE]) == ("cleo", False)
    assert (by_reader.role, by_reader.answers) == (
        Role.READER, ((Question.PLAUSIBLE, False), (Question.TYPICAL, False)))  # fmt: skip
    assert audited([[*agreed, audit], [*agreed, said("cleo", *YES, role=Role.AUDITOR)], agreed]) == (2, 1)


def test_settled_rows_are_one_an_item_in_the_schema() -> None:
    table = settle(
        [said("ana", *YES), said("ana", False, tail="cats"), said("ben", *YES), said("ben", False, tail="cats"),
         said("ana", *YES, tail="open"), said("reader", tail="dogs", role=Role.READER)]
    )  # fmt: skip
    assert [(one.tail, dict(one.answers).get(Question.PLAUSIBLE)) for one in from_table(table)] == [
        ("pregnant women", True), ("cats", False), ("dogs", False)]  # fmt: skip


def test_a_critic_hears_what_is_settled_and_each_finished_judgment_of_the_rest() -> None:
    table = training_judgments([
        said("ana", *YES), said("ben", *YES),
        said("ana", *YES, tail="cats"), said("ben", False, tail="cats"),
        said("ana", *YES, tail="dogs"), said("ben", True, tail="dogs")]
    )  # fmt: skip
    assert [(one.judge, one.tail) for one in from_table(table)] == [
        ("ben", "pregnant women"), ("ana", "cats"), ("ben", "cats"), ("ana", "dogs")]  # fmt: skip


def test_an_assembled_graph_lacks_what_was_refused(tmp_path: Path) -> None:
    proposed = [
        Hypothesis(SHOE, Relation.USED_FOR_AUDIENCE, tail, "evidence.v1", 9, 3.0, 0.9, 0.9, (), ())
        for tail in ("pregnant women", "nurses")
    ]
    rejected = said("reader", role=Role.READER, tail="a pregnant woman")
    counts = assemble(
        pa.concat_tables([to_table(proposed), rejections(judgment_table([rejected]))]), tmp_path, GraphConfig()
    )
    assert (counts.edges, counts.below_threshold) == (1, 1)


# ---------------------------------------------------------------- sampling
def hypotheses(count: int = 400) -> pa.Table:
    """Heads of every kind whose support is their number, tails that come in every tenth."""
    kinds = list(HeadKind)
    return to_table(
        Hypothesis(
            Head(kinds[n % 5], (f"head {n}",)),
            list(Relation)[n % 3],
            f"tail {n % 10}",
            "evidence.v1",
            1 + n,
            1.0,
            0.6,
            0.6,
            (),
            (),
        )
        for n in range(count)
    )


CANDIDATES = Candidates(hypotheses())
HOMES = [f"category {int(row['tail'].split()[-1]) % 4}" for row in CANDIDATES.table.to_pylist()]


@pytest.mark.parametrize(
    ("kind", "generator", "behavior"),
    [
        (HeadKind.PAIR, "evidence.v1", Behavior.CO_BUY),
        (HeadKind.TYPE, "co_buy.v1", Behavior.CO_BUY),
        (HeadKind.TYPE, "co_buy.v2", Behavior.CO_BUY),
        (HeadKind.TYPE, "evidence.v1", Behavior.SEARCH_BUY),
    ],
)
def test_the_behavior_is_that_of_the_generator_in_any_version(kind: str, generator: str, behavior: Behavior) -> None:
    assert behavior_of(kind, generator) is behavior


def test_the_weight_is_that_of_the_formula() -> None:
    said_of, bought = np.array([1.0, np.e]), np.array([np.e, np.e**2])
    assert knowledge_weight(said_of, bought, WeightConfig()).tolist() == pytest.approx([0.5, 2 / 3])
    assert knowledge_weight(said_of, bought, WeightConfig(0.0, 2.0)).tolist() == pytest.approx([0.25, 1 / 9])


def test_proposals_of_one_edge_are_one_candidate() -> None:
    twice = [
        Hypothesis(SHOE, Relation.USED_BY, tail, name, support, 1.0, 0.6, 0.6, (), ())
        for tail, name, support in (
            ("nurse", "evidence.v1", 3),
            ("nurses", "descriptions.v1", 8),
            ("cooks", "names.v1", 1),
        )
    ]
    found = Candidates(to_table(twice))
    assert sorted(zip(found.table["tail"].to_pylist(), found.table["support"].to_pylist(), strict=True)) == [
        ("cooks", 1), ("nurses", 8)]  # fmt: skip


@given(st.integers(0, 2**32), st.integers(1, 500))
def test_a_larger_sample_begins_with_the_smaller_one(seed: int, size: int) -> None:
    drawn = sample(CANDIDATES, HOMES, size=size, seed=seed)
    assert len(set(drawn.tolist())) == len(drawn) == min(size, 400)
    assert drawn.tolist() == sample(CANDIDATES, HOMES, size=400, seed=seed)[:size].tolist()


def test_the_order_of_the_rows_does_not_matter_but_the_seed_does() -> None:
    table = hypotheses()
    turned = Candidates(table.take(pa.array(np.random.default_rng(0).permutation(400))))
    drawn = CANDIDATES.table.take(pa.array(sample(CANDIDATES, HOMES, size=50, seed=3)))
    homes = [f"category {int(row['tail'].split()[-1]) % 4}" for row in turned.table.to_pylist()]
    assert turned.table.take(pa.array(sample(turned, homes, size=50, seed=3))) == drawn
    assert sample(CANDIDATES, HOMES, size=50, seed=4).tolist() != sample(CANDIDATES, HOMES, size=50, seed=3).tolist()


def test_every_kind_of_head_and_category_is_heard_early() -> None:
    drawn = sample(CANDIDATES, HOMES, size=40, seed=1)
    kinds = Counter(CANDIDATES.table["head_kind"].take(pa.array(drawn)).to_pylist())
    assert kinds.keys() == {kind.value for kind in HeadKind}
    assert {HOMES[row] for row in drawn.tolist()} == set(HOMES)


def test_seats_go_by_the_root_of_the_weight() -> None:
    """One stratum of nine times the weight of the other has three seats to its one."""
    strata = np.repeat([0, 1], [90, 10])
    first = stratified_order(np.arange(100.0), [strata], np.ones(100), size=40)
    assert Counter(strata[first].tolist()) == {0: 30, 1: 10}


def test_within_a_stratum_rows_come_as_often_as_they_weigh() -> None:
    """The first draw of Efraimidis and Spirakis takes a row with the share of its weight."""
    alike = [
        Hypothesis(Head(HeadKind.TYPE, (f"type {n}",)), Relation.USED_BY, f"tail {n}", "evidence.v1", 10**n, 1.0, 0.6,
                   0.6, (), ())
        for n in range(4)
    ]  # fmt: skip
    few = Candidates(to_table(alike))
    firsts = Counter(int(sample(few, [""] * 4, size=1, seed=seed)[0]) for seed in range(2000))
    shares = few.weights / few.weights.sum()
    assert [firsts[row] / 2000 for row in range(4)] == pytest.approx(shares.tolist(), abs=0.05)


def test_doubt_comes_first() -> None:
    probabilities = np.random.default_rng(5).random(400)
    asked = most_uncertain(CANDIDATES, HOMES, probabilities, size=60)
    sureness, finest = abs(probabilities - 0.5), CANDIDATES.strata(HOMES)[0]
    left = np.setdiff1d(np.arange(400), asked)
    for stratum in set(finest[asked].tolist()) & set(finest[left].tolist()):
        assert sureness[asked][finest[asked] == stratum].max() <= sureness[left][finest[left] == stratum].min()
    assert sureness[asked].mean() < sureness.mean() / 2
    with pytest.raises(InputError, match=r"\(3,\) probabilities do not go with 400 candidates"):
        most_uncertain(CANDIDATES, HOMES, probabilities[:3], size=5)


def test_an_empty_sample_is_refused() -> None:
    with pytest.raises(InputError, match="sample of 0 is asked for"):
        sample(CANDIDATES, HOMES, size=0, seed=1)
