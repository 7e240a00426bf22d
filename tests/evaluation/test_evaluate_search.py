"""Search evaluation against hand-computed values."""

import json
import math
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whybuy.errors import InputError
from whybuy.evaluation.search import SearchReport, evaluate_search, significance, write_trec_run
from whybuy.qrels import Qrels, Scale

QRELS = Qrels({"shoe": {"a": 3.0, "b": 2.0, "c": 1.0}, "hat": {"a": 1.0, "d": 3.0}, "sock": {"e": 1.5}}, Scale(1, 3))
RUNS = {"shoe": ["b", "x", "a"], "hat": [], "sock": ["e"]}


def listed(query: str, limit: int) -> Sequence[str]:
    return RUNS[query][:limit]


def ideal(query: str, limit: int) -> Sequence[str]:
    grades = QRELS.grades[query]
    return sorted(grades, key=lambda product: -grades[product])[:limit]


@pytest.fixture(scope="module")
def report() -> SearchReport:
    return evaluate_search({"listed": listed, "ideal": ideal}, QRELS)


def test_figures_by_hand(report: SearchReport) -> None:
    figures = report.rankers["listed"].as_json()
    shoe = (1 + 2 / 2) / (2 + 1 / math.log2(3))
    assert figures["ndcg@10"] == pytest.approx((shoe + 0 + 1) / 3)
    assert figures["recall@10"] == pytest.approx((1 + 0) / 2)
    assert figures["mrr@10"] == pytest.approx((1 / 3 + 0) / 2)
    assert figures["zero_results"] == pytest.approx(1 / 3)


def test_the_ideal_order_scores_one(report: SearchReport) -> None:
    figures = report.rankers["ideal"].as_json()
    assert [figures[name] for name in ("ndcg@10", "recall@10", "recall@100", "mrr@10")] == [1, 1, 1, 1]


def test_queries_without_relevant_products_are_left_out_and_counted(report: SearchReport) -> None:
    assert report.without_relevant == 1
    assert np.isnan(report.rankers["ideal"].per_query["recall@10"]).tolist() == [False, False, True]


def test_a_printed_report_says_what_is_left_out(report: SearchReport) -> None:
    printed = report.as_report()
    assert printed.title == "3 queries"
    assert set(printed.tables[0].rows) == {"listed", "ideal"}
    assert printed.notes == ("1 queries without a relevant product are left out of recall and MRR.",)
    whole = evaluate_search({"ideal": ideal}, QRELS, relevant_from=1)
    assert whole.as_report().notes == ()


def test_queries_without_any_gain_are_left_out_of_ndcg_too_and_counted(report: SearchReport) -> None:
    grades = {**QRELS.grades, "scarf": {"a": 1.0, "e": 1.0}}
    more = evaluate_search({"ideal": lambda query, limit: list(grades[query])}, Qrels(grades, QRELS.scale))
    assert (report.without_gain, more.without_gain, more.without_relevant) == (0, 1, 2)
    assert np.isnan(more.rankers["ideal"].per_query["ndcg@10"]).tolist() == [False, False, False, True]
    assert more.rankers["ideal"].mean("zero_results") == 0
    assert more.as_json()["queries_without_gain"] == 1
    assert more.as_report().notes[1] == "1 queries without a product of any gain are left out of nDCG."


def test_json_is_the_contract(report: SearchReport) -> None:
    body = json.loads(json.dumps(report.as_json()))
    assert body["queries"] == 3
    assert set(body["rankers"]) == {"listed", "ideal"}
    assert set(body["rankers"]["listed"]) == {
        "ndcg@10",
        "recall@10",
        "recall@100",
        "mrr@10",
        "zero_results",
        "p50_ms",
        "p99_ms",
    }


def test_relevant_from_changes_recall_alone() -> None:
    strict = evaluate_search({"listed": listed}, QRELS)
    loose = evaluate_search({"listed": listed}, QRELS, relevant_from=1.5)
    assert loose.without_relevant == 0
    assert loose.rankers["listed"].mean("recall@10") == pytest.approx((1 + 0 + 1) / 3)
    assert loose.rankers["listed"].mean("ndcg@10") == strict.rankers["listed"].mean("ndcg@10")


def test_a_product_listed_twice_counts_once() -> None:
    report = evaluate_search({"echo": lambda *_: ["a", "a", "b"]}, QRELS.only(["shoe"]))
    assert report.rankers["echo"].run["shoe"] == ("a", "b")
    assert report.rankers["echo"].mean("ndcg@10") == 1


def test_rankers_are_asked_the_text_of_a_topic() -> None:
    qrels = Qrels({"301": {"b": 3.0}}, Scale(1, 3), {"301": "shoe"})
    assert evaluate_search({"listed": listed}, qrels).rankers["listed"].mean("mrr@10") == 1


def test_without_any_relevant_product_the_means_are_zero() -> None:
    report = evaluate_search({"ideal": ideal}, QRELS.only(["sock"]))
    assert report.rankers["ideal"].mean("recall@100") == 0


def test_difference_of_two_rankers(report: SearchReport) -> None:
    difference = report.difference("ideal", "listed")
    expected = report.rankers["ideal"].mean("ndcg@10") - report.rankers["listed"].mean("ndcg@10")
    assert difference.mean == pytest.approx(expected)
    assert difference.low <= difference.mean <= difference.high


def test_a_ranker_does_not_differ_from_itself(report: SearchReport) -> None:
    assert not report.difference("ideal", "ideal").significant


def test_unknown_names_are_refused(report: SearchReport) -> None:
    with pytest.raises(InputError, match="'lexcal' was not measured"):
        report.difference("lexcal", "ideal")
    with pytest.raises(InputError, match=r"'ndgc@10' was not measured\. Did you mean 'ndcg@10'"):
        report.difference("ideal", "ideal", metric="ndgc@10")


def test_significance_sees_a_steady_gain_and_no_noise() -> None:
    noise = np.random.default_rng(1)
    baseline = noise.random(400)
    assert significance(baseline + 0.05 + 0.1 * noise.standard_normal(400), baseline).low > 0
    assert not significance(baseline + 0.1 * noise.standard_normal(400), baseline).significant


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20))
def test_significance_is_antisymmetric_in_its_mean(pairs: list[tuple[float, float]]) -> None:
    left, right = np.array(pairs).T
    forth, back = significance(left, right, resamples=20), significance(right, left, resamples=20)
    assert forth.mean == pytest.approx(-back.mean)


def test_significance_leaves_out_queries_without_value() -> None:
    assert significance(np.array([1.0, np.nan]), np.array([0.5, 0.0])).mean == 0.5
    fits = np.array([[1.0, np.nan], [0.6, np.nan]])
    assert significance(fits, np.array([[0.5, np.nan]])).mean == pytest.approx(0.3)


def slow_interval(left: list[list[float]], right: list[list[float]], resamples: int = 4000) -> list[float]:
    """Where 95 % of the means fall when fits, on each side apart, and queries are drawn with replacement."""
    draw, means = random.Random(7), []
    for _ in range(resamples):
        fits = [[draw.choice(side) for _ in side] for side in (left, right)]
        queries = [draw.randrange(len(left[0])) for _ in left[0]]
        sums = [sum(fit[query] for fit in side for query in queries) / len(side) for side in fits]
        means.append((sums[0] - sums[1]) / len(queries))
    means.sort()
    return [means[round(share * resamples)] for share in (0.025, 0.975)]


@pytest.mark.parametrize(("fits", "others"), [(1, 1), (5, 5), (4, 1)])
def test_intervals_are_those_of_a_plain_resampling(fits: int, others: int) -> None:
    noise = np.random.default_rng(3)
    queries, of_fit = noise.random(30), noise.normal(0.05, 0.1, (fits, 1))
    left = queries + of_fit + noise.normal(0, 0.05, (fits, 30))
    right = queries + noise.normal(0, 0.05, (others, 30))
    found = significance(left, right)
    assert found.mean == pytest.approx(left.mean() - right.mean())
    assert [found.low, found.high] == pytest.approx(slow_interval(left.tolist(), right.tolist()), abs=0.006)


def test_fits_that_differ_widen_the_interval() -> None:
    queries = np.random.default_rng(5).random(200)
    steady = significance(np.stack([queries + 0.05] * 4), queries)
    assert (steady.low, steady.high) == pytest.approx((0.05, 0.05))
    apart = significance(queries + 0.05 + np.array([[-0.1], [0.1], [-0.1], [0.1]]), queries)
    assert apart.low < 0
    assert apart.high > 0.1


def test_significance_needs_the_same_queries() -> None:
    with pytest.raises(InputError, match="not 2 and 3"):
        significance(np.zeros(2), np.zeros(3))
    with pytest.raises(InputError, match="No query can be compared"):
        significance(np.array([np.nan]), np.array([1.0]))


def test_trec_run(tmp_path: Path) -> None:
    write_trec_run(tmp_path / "run", "lexical", {"red  shoe": ["a", "b"], "": ["c"]})
    assert (tmp_path / "run").read_text() == (
        "red_shoe Q0 a 1 1.000000 lexical\nred_shoe Q0 b 2 0.500000 lexical\n_ Q0 c 1 1.000000 lexical\n"
    )
