"""The critic learns from judgments what fits and what is hollow, and says how sure it is."""

import json
from pathlib import Path

import numpy as np
import pytest

from judged_titles import HOLLOW, KINDS, judged_titles
from whybuy.errors import InputError
from whybuy.knowledge.critic.logistic import LogisticModel, quality
from whybuy.knowledge.critic.text_affinity import Affinity
from whybuy.knowledge.critic.text_features import shared_words
from whybuy.knowledge.critic.text_fitted import FittedCritic
from whybuy.knowledge.critic.text_judgments import JudgedStatements, Statements, read_judged_statements, statement
from whybuy.knowledge.critic.text_training import learning_curve, texts_of, train_critic
from whybuy.language.catalog_encoder import CatalogEncoder
from whybuy.tables import ReadReport


@pytest.fixture(scope="module")
def judged() -> JudgedStatements:
    return judged_titles()


@pytest.fixture(scope="module")
def encoder(judged: JudgedStatements) -> CatalogEncoder:
    return CatalogEncoder.fit(texts_of(judged), dimensions=24)


@pytest.fixture(scope="module")
def critic(judged: JudgedStatements, encoder: CatalogEncoder) -> FittedCritic:
    return train_critic(judged, encoder)


def typical(critic: FittedCritic, head: str, *reasons: str) -> list[float]:
    found = critic.score(Statements([(head,)] * len(reasons), [f"used for {reason}" for reason in reasons]))
    return list(map(float, found["typical"]))


def test_what_fits_is_typical_of_a_head_that_was_never_judged(critic: FittedCritic) -> None:
    for kind, own in KINDS.items():
        others = [reason for other, found in KINDS.items() if other != kind for reason in found]
        scores = typical(critic, f"Newcomer {kind}", *own, *others, *HOLLOW)
        assert min(scores[: len(own)]) > 0.5 > max(scores[len(own) :])


def test_plausible_and_typical_are_two_questions(critic: FittedCritic) -> None:
    found = critic.score(Statements([("Newcomer dome tent",)], ["used for the same reason"]))
    assert critic.questions == ("plausible", "typical")
    assert found["plausible"][0] > found["typical"][0]


def test_a_question_learns_nothing_from_the_answers_to_the_other(
    judged: JudgedStatements, encoder: CatalogEncoder, critic: FittedCritic
) -> None:
    for question, silent in (("plausible", "typical"), ("typical", "plausible")):
        alone = JudgedStatements(
            judged.statements, {**judged.answers, silent: np.full(len(judged), np.nan, np.float32)}
        )
        found = train_critic(alone, encoder).score(judged.statements)
        assert list(found) == [question]
        np.testing.assert_allclose(found[question], critic.score(judged.statements)[question], rtol=1e-9)


def test_what_it_says_of_itself_is_out_of_fold(critic: FittedCritic, judged: JudgedStatements) -> None:
    said = critic.fit_report.out_of_fold["typical"]
    assert critic.fit_report.judgments == len(judged)
    assert said["auc"] > 0.95
    assert said["share_yes"] == pytest.approx(3 / 8)
    assert 0 <= said["calibration_error"] < 0.15


def test_answers_by_chance_teach_nothing(judged: JudgedStatements, encoder: CatalogEncoder) -> None:
    random = np.random.default_rng(3)
    answers = {"typical": (random.random(len(judged)) < 0.5).astype(np.float32)}
    answers["plausible"] = np.full(len(judged), np.nan, np.float32)
    learned = train_critic(JudgedStatements(judged.statements, answers), encoder)
    assert learned.questions == ("typical",)
    assert abs(learned.fit_report.out_of_fold["typical"]["auc"] - 0.5) < 0.08


def test_a_curve_measures_more_judgments_on_the_same_heads(judged: JudgedStatements, encoder: CatalogEncoder) -> None:
    curve = learning_curve(judged, encoder)
    sizes = [point["judgments"] for point in curve]
    assert sizes == sorted(sizes)
    assert sizes[-1] < len(judged)
    assert curve[-1]["auc"] > 0.95


def test_affinity_finds_what_two_sides_share() -> None:
    random = np.random.default_rng(0)
    common = random.standard_normal((400, 3))
    heads = np.hstack([random.standard_normal((400, 5)), common]).astype(np.float32)
    reasons = np.hstack([common @ random.standard_normal((3, 3)), random.standard_normal((400, 4))]).astype(np.float32)
    learned = Affinity.fit(heads[:300], reasons[:300])
    scores = learned.of_heads(heads[300:]) @ learned.of_reasons(reasons[300:]).T
    assert np.mean(scores.argmax(axis=1) == np.arange(100)) > 0.15  # of 100, by chance 0.01
    np.testing.assert_allclose(np.linalg.norm(learned.of_heads(heads), axis=1), 1, rtol=1e-4)


def test_scaled_weights_answer_for_features_as_they_come() -> None:
    random = np.random.default_rng(0)
    features = (random.standard_normal((300, 2)) * [100, 0.01] + [5, 5]).astype(np.float32)
    answers = (features[:, 1] > 5).astype(np.float32)
    found = LogisticModel.fit_scaled(features, answers).probabilities(features)
    assert np.mean((found > 0.5) == (answers > 0.5)) > 0.95


def test_quality_is_that_of_a_hand_count() -> None:
    found, answers = np.array([0.05, 0.95, 0.65, 0.65]), np.array([0, 1, 1, 0], np.float32)
    assert quality(found, answers) == {
        "auc": 0.875,
        "average_precision": pytest.approx(0.8333, abs=1e-4),
        "calibration_error": 0.1,  # (0.05 + 0.05 + 2 x |0.65 - 0.5|) / 4
        "precision": 0.6667,
        "recall": 1.0,
        "share_yes": 0.5,
    }
    assert np.isnan(quality(found[:1], answers[:1])["auc"])


def test_shared_words_are_counted_by_their_lemmas() -> None:
    found = shared_words(Statements([("Dog Leashes", "Collar"), ("tent",)], ["a leash for dogs", "for"]))
    assert found.tolist() == [1.0, 0.0]


def test_a_relation_lends_its_words() -> None:
    assert statement("used_for_audience", "pregnant women") == "made for pregnant women"
    assert statement("capableOf", "they both hold water") == "they both hold water"


def test_judgments_are_read_and_bad_rows_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "judged.csv"
    path.write_text(
        "head,item_a_title,item_b_title,relation,tail,plausible,typical\n"
        "winter boots,,,used_in_location,snow,1,0\n"
        ",Tent &amp; Poles,Stove,,they are for camping,yes,\n"
        ",,,,lost,1,1\n"
        "boots,,,, ,1,1\n"
        "boots,,,,walking,maybe,1\n"
        "boots,,,,walking,,\n",
        encoding="utf-8",
    )
    report = ReadReport()
    judged = read_judged_statements(path, report)
    assert judged.statements == Statements(
        [("winter boots",), ("Tent & Poles", "Stove")], ["used in snow", "they are for camping"]
    )
    assert judged.answers["plausible"].tolist() == [1, 1]
    assert np.array_equal(judged.answers["typical"], [0, np.nan], equal_nan=True)
    assert dict(report.set_aside) == {
        "no head": 1,
        "no tail": 1,
        "an answer that is not 1, 0 or empty": 1,
        "no answer": 1,
    }
    assert [example.line for example in report.examples] == [4, 5, 6, 7]


def test_numbers_of_parquet_are_answers(tmp_path: Path) -> None:
    path = tmp_path / "judged.jsonl"
    rows = [{"head": "boots", "tail": "walking", "typical": value} for value in (1, 0.0, True, False)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert read_judged_statements(path, ReadReport()).answers["typical"].tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("query,tail,typical\nboots,snow,1\n", r"has the columns query, tail, typical\. Judgments need `head`"),
        ("head,tail,typical\nboots,snow,perhaps\n", "no judgment that can be used"),
    ],
)
def test_a_file_that_is_no_judgments_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "judged.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_judged_statements(path, ReadReport())
