"""Models of relevance are measured on unseen queries, with reasons, without, and with those of others."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import f1_score
from typer.testing import CliRunner

from small_shop import JUDGED
from tiny_transformer import write_tiny_transformer
from whybuy.cli import app
from whybuy.discovery import Discovery
from whybuy.errors import InputError
from whybuy.evaluation.ablation import Knowledge
from whybuy.evaluation.relevance import DIFFERENCES, FOLDER, METHODS, TUNED, RelevanceTrial, evaluate_relevance
from whybuy.evaluation.relevance_data import PRODUCT_LETTERS, GradeClasses, product_text, read_judged_shop, sampled
from whybuy.evaluation.relevance_scores import METRICS, Comparison, FitScores, Truth
from whybuy.metrics import NDCG, calibration_error
from whybuy.qrels import ESCI_GRADES, Qrels, Scale, read_qrels
from whybuy.records import Product
from whybuy.relations import Relation

QUICK = RelevanceTrial(folds=2, fits=2)


@pytest.fixture(scope="module")
def qrels(judged_store: Path) -> Qrels:
    return read_qrels(judged_store / JUDGED)


# ---------------------------------------------------------------- classes of grades
def graded(*grades: float, scale: Scale | None = None) -> Qrels:
    judged = {str(place): grade for place, grade in enumerate(grades)}
    return Qrels({"tent": judged}, scale or Scale(min(grades), max(grades)))


@pytest.mark.parametrize(
    ("judged", "names", "gains"),
    [
        (graded(*ESCI_GRADES.values()), ("exact", "substitute", "complement", "irrelevant"), (1, 0.1, 0.01, 0)),
        (graded(1, 0.1, 0), ("exact", "substitute", "complement", "irrelevant"), (1, 0.1, 0.01, 0)),
        (graded(1, 2, 3, 4), ("4", "3", "2", "1"), (3, 2, 1, 0)),
        (graded(0, 1), ("1", "0"), (1, 0)),
        (graded(1, 1.25, 1.33, 1.67, 2, 2.33, 2.67, 3), ("3", "2", "1"), (2, 1, 0)),
    ],
)
def test_grades_are_classes_the_best_first(judged: Qrels, names: tuple[str, ...], gains: tuple[float, ...]) -> None:
    found = GradeClasses.of(judged)
    assert (found.names, found.gains) == (names, gains)


@pytest.mark.parametrize(("grade", "name"), [(1.33, "1"), (1.67, "2"), (2.33, "2"), (2.5, "3"), (2.67, "3")])
def test_a_grade_between_falls_to_the_nearest_class(grade: float, name: str) -> None:
    classes = GradeClasses.of(graded(1, 1.25, 1.33, 1.67, 2, 2.33, 2.67, 3))
    assert classes.names[classes.number(grade)] == name


def test_one_class_tells_nothing_apart() -> None:
    with pytest.raises(InputError, match=r"All grades from 1 to 3 are one class.*Judge on a scale of whole grades"):
        GradeClasses.of(graded(2, 2, scale=Scale(1, 3)))


# ---------------------------------------------------------------- the judged shop
def test_a_product_is_read_by_title_and_the_beginning_of_its_description() -> None:
    assert product_text(Product("1", "Dome tent", "For two.\n Light.")) == "Dome tent. For two. Light"
    assert len(product_text(Product("1", "Dome tent", "word " * 900))) <= PRODUCT_LETTERS


def test_shuffling_keeps_which_reasons_there_are_and_how_many_have_any(judged_store: Path, qrels: Qrels) -> None:
    shop = read_judged_shop(Discovery.open(judged_store), qrels, list(qrels.grades))
    own, other = shop.given(set(Relation)), shop.shuffled(set(Relation), 1)
    assert any(pair.product_reasons for pair in own.pairs)
    assert [pair.query for pair in other.pairs] == [pair.query for pair in own.pairs]
    assert [pair.product_reasons for pair in other.pairs] != [pair.product_reasons for pair in own.pairs]
    by_text = [{pair.product: pair.product_reasons for pair in pairs.pairs} for pairs in (own, other)]
    assert Counter(by_text[0].values()) == Counter(by_text[1].values())
    again = shop.shuffled(set(Relation), 1)
    assert again.pairs == other.pairs


def test_only_the_asked_kind_of_knowledge_is_given(judged_store: Path, qrels: Qrels) -> None:
    shop = read_judged_shop(Discovery.open(judged_store), qrels, list(qrels.grades))
    given = shop.given({Relation.USED_WITH}).pairs
    assert {each.relation for pair in given for each in pair.product_reasons} <= {Relation.USED_WITH}
    assert not any(pair.query_reasons or pair.product_reasons for pair in shop.given(()).pairs)
    assert shop.coverage(()).products_with_reasons == 0 < shop.coverage(set(Relation)).products_with_reasons


def test_products_that_the_shop_lacks_are_left_out(judged_store: Path) -> None:
    discovery = Discovery.open(judged_store)
    judged = Qrels({"tent": {"slip-1": 3, "gone": 1}, "lamp": {"gone": 1, "slee-1": 1}}, Scale(1, 3))
    assert read_judged_shop(discovery, judged, list(judged.grades)).product_ids == ("slip-1", "slee-1")
    with pytest.raises(InputError, match=r"has none of the products of 1 judged queries"):
        read_judged_shop(discovery, Qrels({"tent": {"gone": 1, "lost": 3}}, Scale(1, 3)), ["tent"])


def test_topics_are_sampled_in_their_order() -> None:
    assert sampled("abc", None, 0) == sampled("abc", 5, 0) == ["a", "b", "c"]
    few = sampled("abcdefgh", 3, 0)
    assert few == sorted(few)
    assert len(few) == 3


# ---------------------------------------------------------------- scores
def drawn_scores(seed: int, *, folds: int = 2) -> FitScores:
    """Random probabilities of 60 pairs of 12 queries."""
    random = np.random.default_rng(seed)
    by_query = np.repeat(np.arange(12), 5)
    truth_random = np.random.default_rng(99)
    classes = truth_random.integers(3, size=60)
    truth = Truth(classes, by_query, (2 - classes).astype(np.float64), np.array([2.0, 1.0, 0.0]))
    return FitScores(truth, random.dirichlet(np.ones(3), 60).round(2), by_query % folds)


def values_of(scores: FitScores, rows: NDArray[np.int64]) -> dict[str, float]:
    """The slow and obvious way, on rows that may repeat."""
    truth, found = scores.truth, scores.probabilities[rows]
    classes, guessed = truth.classes[rows], found.argmax(axis=1)
    fold, best = scores.folds[rows], classes == 0
    pairs = [(i, j) for i in np.flatnonzero(best) for j in np.flatnonzero(~best) if fold[i] == fold[j]]
    won = [float(found[i, 0] > found[j, 0]) + 0.5 * float(found[i, 0] == found[j, 0]) for i, j in pairs]
    return {
        "macro_f1": f1_score(classes, guessed, average="macro", labels=range(3), zero_division=0),
        "micro_f1": float(np.mean(classes == guessed)),
        "auc": float(np.mean(won)),
        "calibration_error": calibration_error(found.max(axis=1), guessed == classes),
    }


@given(st.integers(0, 50), st.lists(st.integers(0, 11), min_size=12, max_size=12))
def test_a_metric_of_drawn_queries_is_that_of_their_repeated_rows(seed: int, queries: list[int]) -> None:
    scores = drawn_scores(seed)
    rows = np.concatenate([np.flatnonzero(scores.truth.by_query == query) for query in queries])
    drawn = np.bincount(queries, minlength=12)[None].astype(float)
    for metric, value in values_of(scores, rows).items():
        if not np.isnan(value):
            assert scores.values(metric, drawn)[0] == pytest.approx(value), metric


def test_ndcg_is_that_of_the_order_by_expected_gain() -> None:
    scores = drawn_scores(3)
    values = []
    for query in range(12):
        rows = np.flatnonzero(scores.truth.by_query == query)
        expected = scores.probabilities[rows] @ scores.truth.class_gains
        gains = scores.truth.gains[rows][np.argsort(-expected)].tolist()
        values.append(NDCG(at=10)(gains, gains))
    assert scores.values("ndcg@10", np.ones((1, 12)))[0] == pytest.approx(np.mean(values))


def test_who_knows_the_classes_is_ahead_of_who_guesses_and_nobody_of_himself() -> None:
    guesses = [drawn_scores(seed) for seed in range(3)]
    truth = guesses[0].truth
    knowing = [FitScores(truth, 0.9 * np.eye(3)[truth.classes] + 0.1 / 3, guesses[0].folds)] * 3
    comparison = Comparison({"knows": knowing, "guesses": guesses, "again": knowing})
    for metric in METRICS:
        ahead, even = (comparison.difference("knows", other, metric) for other in ("guesses", "again"))
        assert ahead.low <= ahead.mean <= ahead.high
        assert (even.low, even.mean, even.high) == (0, 0, 0)
        assert ahead.significant
    assert comparison.mean("knows", "macro_f1") == comparison.mean("knows", "ndcg@10") == 1


def test_pairs_of_no_fold_are_not_measured() -> None:
    whole = drawn_scores(1)
    held_out = np.where(whole.truth.by_query < 4, 0, -1)
    some = Comparison({"m": [FitScores(whole.truth, whole.probabilities, held_out)]})
    expected = values_of(FitScores(whole.truth, whole.probabilities, held_out), np.flatnonzero(held_out == 0))
    for metric, value in expected.items():
        assert some.mean("m", metric) == pytest.approx(value)


# ---------------------------------------------------------------- measured on a shop
@pytest.mark.heavy
def test_all_models_are_measured_with_a_pretrained_encoder(
    judged_store: Path, qrels: Qrels, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = write_tiny_transformer(tmp_path_factory.mktemp("model"), list(qrels.grades))
    told: list[str] = []
    report = evaluate_relevance(judged_store, qrels, QUICK, encoder=str(folder), listen=told.append)
    body = json.loads(json.dumps(report.as_json()))
    assert list(body["models"]) == list(METHODS)
    assert all(tuple(values) == METRICS for values in body["models"].values())
    assert list(body["differences"]) == list(DIFFERENCES)
    assert set(body["differences"]["triples-none"]["macro_f1"]) == {"difference", "low", "high"}
    assert body["queries"] == len(qrels.grades) == body["coverage"]["queries"]
    assert sum(body["classes"].values()) == body["pairs"] == 180
    assert sum(body["wordings"]["cross_encoder+triples"].values()) == QUICK.folds * QUICK.fits
    assert "cross_encoder+shuffled, fit 2 of 2" in told
    assert list((judged_store / FOLDER).iterdir())
    again = evaluate_relevance(judged_store, qrels, QUICK, encoder=str(folder))
    assert again.as_json() == report.as_json()


@pytest.mark.heavy
def test_encoders_are_trained_on_two_thirds_of_the_queries_and_kept(
    judged_store: Path, qrels: Qrels, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = write_tiny_transformer(tmp_path_factory.mktemp("model"), list(qrels.grades))
    first, second = list[str](), list[str]()
    trial = RelevanceTrial(trained=True, fits=1)
    report = evaluate_relevance(judged_store, qrels, trial, encoder=str(folder), listen=first.append)
    body = report.as_json()
    assert (body["trained"], body["folds"], body["fits"]) == (True, 1, 1)
    assert list(report.models) == list(TUNED)
    assert list(report.differences) == list(DIFFERENCES)
    again = evaluate_relevance(judged_store, qrels, trial, encoder=str(folder), listen=second.append)
    assert again.as_json() == body
    assert sum(line.startswith("step") for line in first) >= 4
    assert not any(line.startswith("step") for line in second)


def test_without_an_encoder_the_bi_encoder_stands_on_the_catalog(judged_store: Path, qrels: Qrels) -> None:
    report = evaluate_relevance(judged_store, qrels, QUICK)
    assert list(report.models) == ["constant", "bi_encoder"]
    assert report.models["bi_encoder"]["macro_f1"] > report.models["constant"]["macro_f1"] + 0.1
    assert report.models["constant"]["auc"] == pytest.approx(0.5)
    assert report.models["constant"]["micro_f1"] == pytest.approx(1 / 3, abs=0.15)
    assert report.as_report().notes[0].startswith(f"{report.coverage.queries_with_reasons:,} of 60 queries")


@pytest.mark.parametrize(
    ("trial", "message"),
    [
        (RelevanceTrial(("cross_encoder",)), r"cross_encoder need an encoder that reads sentences.* with --encoder"),
        (RelevanceTrial(most_queries=6), r"6 queries are too few for 5 folds\. Judge more, or give fewer --folds"),
    ],
)
def test_what_cannot_be_measured_is_named(
    judged_store: Path, qrels: Qrels, trial: RelevanceTrial, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        evaluate_relevance(judged_store, qrels, trial)


def test_the_relations_are_those_of_the_asked_knowledge() -> None:
    assert RelevanceTrial(triples=(Knowledge.COMPLEMENTS,)).relations == {Relation.USED_WITH}
    assert RelevanceTrial().relations == set(Relation)


# ---------------------------------------------------------------- the command
def test_the_command_prints_a_table_and_a_body(judged_store: Path) -> None:
    words = ["evaluate", "relevance", "--store", str(judged_store), "--judgments", str(judged_store / JUDGED)]
    words += ["--fits", "1", "--folds", "2", "--models", "constant"]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0, told.output
    assert "180 pairs of 60 queries" in told.stdout
    body = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert list(body["models"]) == ["constant"]
    assert (body["folds"], body["fits"], body["differences"]) == (2, 1, {})


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [("--models", "oracle", "Model 'oracle' is not one of"), ("--triples", "types", "Knowledge 'types' is not one of")],
)
def test_wrong_options_are_named(judged_store: Path, option: str, value: str, message: str) -> None:
    words = ["evaluate", "relevance", "--store", str(judged_store), "--judgments", str(judged_store / JUDGED)]
    result = CliRunner().invoke(app, [*words, option, value])
    assert result.exit_code == 2
    assert message in " ".join(result.output.replace("│", " ").split())
