"""The critic of a shop's graph: few judgments count for many edges, and one error does not decide."""

import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiny_shop import hypotheses_lists, of_type, reason
from whybuy.errors import InputError
from whybuy.journal.judgments import to_table as judgment_table
from whybuy.knowledge.critic.edge_critic import CriticConfig, EdgeCritic
from whybuy.knowledge.critic.edge_judgments import read_judgment_table
from whybuy.knowledge.critic.edge_proposals import merge_proposals
from whybuy.knowledge.critic.edge_selection import select_edges
from whybuy.knowledge.proposing.hypothesizer import to_table
from whybuy.records import CRITIC, STATISTICS, Head, HeadKind, Hypothesis, Judgment, Question, Role
from whybuy.relations import Relation
from whybuy.text import canonical

TYPES = ("dome tent", "hiking boot", "camp stove", "head lamp")
WORDS, TRADES = ("tired", "new", "busy", "old", "young", "keen"), ("nurse", "cook", "diver", "miner")
PEOPLE = [f"{word} {trade}" for word in WORDS for trade in TRADES]
NAMES = {"dome tent", "hiking boot", "camp stove", "head lamp"}


def mined() -> list[Hypothesis]:
    """Intents of people under the right relation, and the like of it, asked in other words, under a wrong one."""
    found = []
    for number, person in enumerate(PEOPLE):
        for kind in TYPES:
            right = reason(of_type(kind), Relation.USED_BY, f"{person}s", support=3 + number % 5)
            wrong = reason(of_type(kind), Relation.USED_WITH, f"{person} life", support=3 + number % 4)
            found.append(replace(right, words=(f"{kind} used by {person}s",)))
            found.append(replace(wrong, words=(f"{kind} for {person} life",)))
    return found


def says(one: Hypothesis, *, plausible: bool, **others: bool) -> Judgment:
    """A judgment of a hypothesis."""
    answers = {Question(name): answer for name, answer in others.items()} | {Question.PLAUSIBLE: plausible}
    ordered = tuple((question, answers[question]) for question in Question if question in answers)
    return Judgment(one.head, one.relation, one.tail, "ana", Role.JUDGE, ordered)


def truly(one: Hypothesis) -> bool:
    return one.relation is Relation.USED_BY


def table_of(judgments: list[Judgment]) -> pa.Table:
    return judgment_table(judgments)


def critic_of(hypotheses: list[Hypothesis], config: CriticConfig | None = None) -> EdgeCritic:
    return EdgeCritic(to_table(hypotheses), NAMES, "en", config or CriticConfig())


@pytest.fixture(scope="module")
def half() -> pa.Table:
    """Right judgments of the tents of every second person."""
    of_tents = [one for one in mined() if one.head == of_type("dome tent")]
    return table_of([says(one, plausible=truly(one)) for one in of_tents[::4] + of_tents[1::4]])


# ---------------------------------------------------------------- edges
@settings(deadline=None)
@given(hypotheses_lists())
def test_hypotheses_of_one_head_relation_and_meaning_are_one_edge(hypotheses: list[Hypothesis]) -> None:
    slowly = defaultdict(list)
    for one in hypotheses:
        slowly[one.head, one.relation, canonical(one.tail)].append(one)
    edges = merge_proposals(to_table(hypotheses))
    assert len(edges) == len(slowly)
    found = edges.find(table_of([says(members[0], plausible=True) for members in slowly.values()]))
    assert sorted(found.tolist()) == list(range(len(slowly)))
    for edge, members in zip(found, slowly.values(), strict=True):
        improbable = math.prod(1 - one.plausibility for one in members)
        assert edges.plausibility[edge] == pytest.approx(1 - improbable)
        assert edges.support[edge] == sum(one.support for one in members)
        assert edges.generated[edge].sum() == len({one.generator for one in members})
    members_of = edges.find(to_table(hypotheses))
    np.testing.assert_array_equal(members_of, edges.edge_of)


def test_what_is_not_proposed_is_not_found() -> None:
    edges = merge_proposals(to_table(mined()))
    strangers = [
        reason(of_type("car"), Relation.USED_BY, "tired nurses"),
        reason(of_type("dome tent"), Relation.USED_ON, "tired nurses"),
    ]
    np.testing.assert_array_equal(edges.find(to_table(strangers)), [-1, -1])


# ---------------------------------------------------------------- what is learned
def test_judgments_of_some_intents_count_for_the_others(half: pa.Table) -> None:
    rescored, report = critic_of(mined()).rescored(half)
    found = np.array(rescored["plausibility"])
    right = np.array([truly(one) for one in mined()])
    assert found[right].min() > 0.5 > found[~right].max()
    assert set(rescored["scored_by"].to_pylist()) == {CRITIC}
    assert report.answers == {"plausible": half.num_rows, "typical": half.num_rows // 2}, (
        "what is not plausible is not typical"
    )
    assert report.held_out["plausible"]["auc"] > 0.95
    assert rescored["typicality"].to_pylist() == to_table(mined())["typicality"].to_pylist()


def test_a_no_rejects_the_intent_of_all_its_heads_and_one_error_does_not(half: pa.Table) -> None:
    of_tired = [one for one in mined() if one.tail == "tired nurses"]

    def posterior(*answers: bool) -> float:
        own = [says(one, plausible=answer) for one, answer in zip(of_tired, answers, strict=False)]
        strangers = half.filter(pa.compute.not_equal(half["tail"], "tired nurses"))
        critic = critic_of(mined())
        scores = critic.posterior(pa.concat_tables([strangers, table_of(own)]))["plausible"]
        return float(scores[critic.edges.find(to_table(of_tired[-1:]))[0]])

    assert posterior(False, False, False) < 0.5 < posterior(False, True, True)
    assert posterior(False, True) > 0.5
    assert posterior(False) < posterior() < posterior(True) < posterior(True, True)


def test_a_no_to_an_earlier_question_is_a_no_to_the_later_ones() -> None:
    tents = [one for one in mined() if one.head == of_type("dome tent")]
    judgments = [says(one, plausible=True, typical=True, complete=truly(one)) for one in tents]
    answers = critic_of(mined()).answers(table_of(judgments))
    for question in ("plausible", "typical"):
        np.testing.assert_array_equal(answers[question].answers, [truly(one) for one in tents])


def test_that_a_reason_restates_its_query_says_nothing_of_the_intent() -> None:
    query = Head(HeadKind.QUERY, ("tents for tired nurses",))
    named = reason(query, Relation.USED_BY, "tired nurses")
    answers = critic_of([*mined(), named]).answers(table_of([says(named, plausible=False, informative=False)]))
    assert len(answers["plausible"].answers) == len(answers["typical"].answers) == 0
    answers = critic_of([*mined(), named]).answers(table_of([says(named, plausible=False, informative=True)]))
    np.testing.assert_array_equal(answers["plausible"].answers, [False])


def test_typicality_is_learned_when_it_was_answered(half: pa.Table) -> None:
    tents = [one for one in mined() if one.head == of_type("dome tent")]
    judgments = table_of([says(one, plausible=True, typical=truly(one)) for one in tents])
    rescored, report = critic_of(mined()).rescored(judgments)
    typical = np.array(rescored["typicality"])
    right = np.array([truly(one) for one in mined()])
    assert typical[right].min() > typical[~right].max()
    assert report.held_out.keys() == {"typical"}, "nobody said no to plausible"
    assert set(rescored["scored_by"].to_pylist()) == {STATISTICS}


def test_too_few_answers_teach_nothing() -> None:
    tents = [one for one in mined() if one.head == of_type("dome tent")][:18]
    rescored, report = critic_of(mined()).rescored(table_of([says(one, plausible=truly(one)) for one in tents]))
    assert rescored.equals(to_table(mined()))
    assert report.held_out == {}


def test_what_statistics_leave_out_stays_out(half: pa.Table) -> None:
    weak = reason(of_type("camp stove"), Relation.USED_BY, "quiet nurses", score=0.3)
    rescored, _ = critic_of([*mined(), weak]).rescored(half)
    assert rescored["plausibility"].to_pylist()[-1] == 0.3
    assert rescored["scored_by"].to_pylist()[-1] == STATISTICS


def test_what_nothing_but_a_model_said_comes_in_only_when_its_like_was_judged(half: pa.Table) -> None:
    def prompted(one: Hypothesis) -> Hypothesis:
        return replace(one, generator="prompted.v1/some-model", plausibility=0.5, typicality=0.5)

    quiet = replace(
        reason(of_type("camp stove"), Relation.USED_BY, "quiet nurses"), words=("stove used by quiet nurses",)
    )
    others, of_tents = [
        [one for one in mined() if (one.head == of_type("dome tent")) is tent] for tent in (False, True)
    ]
    agreeing, _ = critic_of([*mined(), *map(prompted, of_tents), prompted(quiet)]).rescored(half)
    assert agreeing["plausibility"].to_pylist()[-1] == 0.5
    assert agreeing["scored_by"].to_pylist()[-1] == STATISTICS
    alone, _ = critic_of([*others, *map(prompted, of_tents), prompted(quiet)]).rescored(half)
    assert alone["plausibility"].to_pylist()[-1] > 0.5
    assert alone["scored_by"].to_pylist()[-1] == CRITIC


def test_judgments_of_what_is_no_longer_proposed_are_counted(half: pa.Table) -> None:
    gone = table_of([says(reason(of_type("car"), Relation.USED_BY, "drivers"), plausible=False)])
    _, report = critic_of(mined()).rescored(pa.concat_tables([half, gone]))
    assert report.unknown == 1
    assert report.answers["plausible"] == half.num_rows


def test_the_curve_has_a_point_for_each_size_and_one_for_all(half: pa.Table) -> None:
    many = pa.concat_tables([half] * 3)
    assert [point["judgments"] for point in critic_of(mined()).curve(many)] == [50, 3 * half.num_rows]


# ---------------------------------------------------------------- selection
def test_the_critic_selects_nothing_twice_and_every_intent_once_at_a_time(half: pa.Table) -> None:
    critic = critic_of(mined())
    selected = critic.select(half, 12)
    assert selected.num_rows == 12
    intents = list(zip(selected["relation"].to_pylist(), selected["tail"].to_pylist(), strict=True))
    assert len(set(intents)) == 12
    judged = critic.edges.find(half).tolist()
    assert not set(critic.edges.find(selected).tolist()) & set(judged)
    assert critic.select(half, 12).equals(selected)
    assert critic.select(half, 10_000).num_rows == len(critic.edges.wordings)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 4), st.booleans()), min_size=1, max_size=30), st.integers(1, 9)
)
def test_the_least_certain_of_an_intent_is_selected_first(rows: list[tuple[float, int, bool]], count: int) -> None:
    probabilities, intent, may = (np.array(column) for column in zip(*rows, strict=True))
    selected = select_edges(probabilities, intent, np.zeros(len(intent), np.int64), may, count)
    uncertainty = np.minimum(probabilities, 1 - probabilities)
    edges_of_intent = np.array([np.sum(may & (intent == one)) for one in intent])
    assert len(selected) == min(count, len(set(intent[may])))
    assert all(may[selected])
    information = (uncertainty * np.sqrt(edges_of_intent))[selected]
    assert list(information) == sorted(information, reverse=True)
    for row in selected:
        assert uncertainty[row] == max(uncertainty[may & (intent == intent[row])])


def test_a_kind_of_edges_that_seems_certain_is_selected_in_its_turn() -> None:
    probabilities = np.array([0.5] * 20 + [0.97] * 20)
    stratum, every = np.repeat([0, 1], 20), np.ones(40, bool)
    selected = select_edges(probabilities, np.arange(40), stratum, every, 12)
    assert selected[0] < 20
    assert 1 <= np.count_nonzero(selected >= 20) <= 4


# ---------------------------------------------------------------- files
def test_a_table_of_judgments_is_read(half: pa.Table, tmp_path: Path) -> None:
    pq.write_table(half, tmp_path / "judged.parquet")
    assert read_judgment_table(tmp_path / "judged.parquet").equals(half)


@pytest.mark.parametrize("content", ["none", "text", "columns"])
def test_a_file_that_holds_no_judgments_says_what_they_are(content: str, tmp_path: Path) -> None:
    path = tmp_path / "judged.parquet"
    if content == "text":
        path.write_text("no parquet at all")
    elif content == "columns":
        pq.write_table(pa.table({"head": ["tent"]}), path)
    with pytest.raises(InputError, match=r"no file of judgments|columns head_kind, head_key, "):
        read_judgment_table(path)
