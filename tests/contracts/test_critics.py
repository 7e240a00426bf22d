"""What every critic of texts keeps to: one battery, every kind."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from judged_titles import HOLLOW, KINDS, judged_titles
from tiny_transformer import write_tiny_transformer
from whybuy.errors import ArtifactError, InputError
from whybuy.knowledge.critic.text_critic import SAVED, Kind, TextCritic
from whybuy.knowledge.critic.text_fine_tuned import FineTunedCritic, FineTuning
from whybuy.knowledge.critic.text_fine_tuning import fine_tune_critic
from whybuy.knowledge.critic.text_fitted import FittedCritic
from whybuy.knowledge.critic.text_judgments import JudgedStatements, Statements
from whybuy.knowledge.critic.text_loading import open_text_critic
from whybuy.knowledge.critic.text_training import texts_of, train_critic
from whybuy.language.catalog_encoder import CatalogEncoder

Teach = Callable[[JudgedStatements], TextCritic]
LOADS: dict[Kind, Callable[[Path], TextCritic]] = {
    Kind.FITTED: FittedCritic.load,
    Kind.FINE_TUNED: FineTunedCritic.load,
}


@pytest.fixture(scope="module")
def judged() -> JudgedStatements:
    return judged_titles()


@pytest.fixture(scope="module", params=[Kind.FITTED, pytest.param(Kind.FINE_TUNED, marks=pytest.mark.heavy)])
def kind(request: pytest.FixtureRequest) -> Kind:
    return Kind(request.param)


@pytest.fixture(scope="module")
def teach(kind: Kind, judged: JudgedStatements, tmp_path_factory: pytest.TempPathFactory) -> Teach:
    if kind is Kind.FITTED:
        encoder = CatalogEncoder.fit(texts_of(judged), dimensions=24)
        return lambda some: train_critic(some, encoder)
    model = write_tiny_transformer(tmp_path_factory.mktemp("model"), texts_of(judged))
    recipe = FineTuning(str(model), epochs=6, learning_rate=3e-3)  # a random model learns as long as it is small
    return lambda some: fine_tune_critic(some, recipe)


@pytest.fixture(scope="module")
def critic(teach: Teach, judged: JudgedStatements) -> TextCritic:
    return teach(judged)


@pytest.fixture
def folder(critic: TextCritic, tmp_path: Path) -> Path:
    critic.save(tmp_path / "critic")
    return tmp_path / "critic"


def test_both_questions_are_answered_with_probabilities(critic: TextCritic, judged: JudgedStatements) -> None:
    found = critic.score(judged.statements)
    assert critic.questions == tuple(found) == ("plausible", "typical")
    for scores in found.values():
        assert scores.shape == (len(judged),)
        assert scores.dtype == np.float64
        assert np.all((scores >= 0) & (scores <= 1))


@pytest.mark.parametrize("text", ["", " ", "\x00", "Größe \U0001f600 \u202e", "[SEP] [PAD]", "why " * 400])
@pytest.mark.parametrize("other", [(), ("Tarn floor lamp",)], ids=["of one", "of two"])
def test_any_text_is_judged(critic: TextCritic, text: str, other: tuple[str, ...]) -> None:
    found = critic.score(Statements([(text, *other), ("tent", *other)], ["used for camping", text]))
    assert all(np.all(np.isfinite(scores)) for scores in found.values())


def test_nothing_is_asked_of_no_statements(critic: TextCritic) -> None:
    found = critic.score(Statements([], []))
    assert {question: scores.shape for question, scores in found.items()} == {"plausible": (0,), "typical": (0,)}


def test_an_answer_does_not_depend_on_what_is_asked_beside_it(critic: TextCritic, judged: JudgedStatements) -> None:
    mixed = np.random.default_rng(1).permutation(len(judged))
    whole, again = critic.score(judged.statements), critic.score(judged.statements.only(mixed))
    alone = critic.score(judged.statements.only(np.array([7])))
    for question, scores in whole.items():
        np.testing.assert_allclose(again[question], scores[mixed], atol=1e-5)
        np.testing.assert_allclose(alone[question], scores[7:8], atol=1e-5)


def test_good_reasons_are_told_from_hollow_ones_on_heads_that_were_never_judged(critic: TextCritic) -> None:
    for kind, own in KINDS.items():
        reasons = [f"used for {reason}" for reason in (*own, *HOLLOW)]
        scores = critic.score(Statements([(f"Newcomer {kind}",)] * len(reasons), reasons))["typical"]
        assert scores[: len(own)].mean() > 2 * scores[len(own) :].mean()


def test_what_it_says_of_itself_is_better_than_chance_and_calibrated(
    critic: TextCritic, judged: JudgedStatements
) -> None:
    assert critic.fit_report.judgments == len(judged)
    assert tuple(critic.fit_report.out_of_fold) == critic.questions
    for question, said in critic.fit_report.out_of_fold.items():
        assert said["auc"] > 0.6
        assert said["average_precision"] > said["share_yes"] == pytest.approx(judged.answers[question].mean())
        assert 0 <= said["calibration_error"] < 0.15


def test_the_same_judgments_give_the_same_critic(teach: Teach, judged: JudgedStatements) -> None:
    some = judged.only(np.arange(160))
    first, second = teach(some), teach(some)
    assert first.fit_report == second.fit_report
    found = second.score(some.statements)
    for question, scores in first.score(some.statements).items():
        np.testing.assert_array_equal(found[question], scores)


def test_a_question_that_nobody_answered_is_not_answered(teach: Teach, judged: JudgedStatements) -> None:
    some = judged.only(np.arange(160))
    silent = np.full(len(some), np.nan, np.float32)
    learned = teach(JudgedStatements(some.statements, {**some.answers, "plausible": silent}))
    assert learned.questions == tuple(learned.fit_report.out_of_fold) == ("typical",)
    assert list(learned.score(some.statements)) == ["typical"]


def test_too_few_answers_are_counted(teach: Teach, judged: JudgedStatements) -> None:
    with pytest.raises(InputError, match=r"too few .*plausible: 5 yes, 3 no; typical: 3 yes, 5 no.* needs 20"):
        teach(judged.only(np.arange(8)))


# ---------------------------------------------------------------- saved and opened
def test_a_saved_critic_says_the_same(folder: Path, critic: TextCritic, judged: JudgedStatements) -> None:
    opened = open_text_critic(folder)
    assert type(opened) is type(critic)
    assert (opened.questions, opened.fit_report) == (critic.questions, critic.fit_report)
    found = opened.score(judged.statements)
    for question, scores in critic.score(judged.statements).items():
        np.testing.assert_allclose(found[question], scores, rtol=1e-6)


def test_it_is_written_without_pickles(folder: Path) -> None:
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} <= {".json", ".npy", ".npz", ".safetensors"}


@pytest.mark.parametrize("opened", [open_text_critic, *LOADS.values()])
def test_a_folder_that_holds_none_is_named(opened: Callable[[Path], TextCritic], tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"nowhere holds no readable critic .* Run `whybuy critic train`"):
        opened(tmp_path / "nowhere")


def test_a_critic_of_another_kind_is_named(folder: Path, kind: Kind) -> None:
    for other in set(Kind) - {kind}:
        with pytest.raises(ArtifactError, match=rf"holds a critic that is {kind}, not {other}\. Open it with"):
            LOADS[other](folder)


def test_a_kind_that_nobody_knows_is_named(folder: Path) -> None:
    rewrite(folder, kind="dreamt")
    with pytest.raises(ArtifactError, match=r"is 'dreamt'; this whybuy opens those that are fitted or fine-tuned"):
        open_text_critic(folder)


def test_another_format_version_is_named(folder: Path) -> None:
    rewrite(folder, format_version=99)
    with pytest.raises(ArtifactError, match=rf"critic in format 99; this whybuy reads format {SAVED.version}"):
        open_text_critic(folder)


@pytest.mark.parametrize("left", [0, 100], ids=["empty", "cut"])
def test_a_damaged_file_is_named(folder: Path, left: int) -> None:
    largest = max((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    for damaged in (largest, folder / SAVED.about):
        damaged.write_bytes(damaged.read_bytes()[:left])
        with pytest.raises(ArtifactError, match=r"critic.* Run `whybuy critic train`|Train its model again"):
            open_text_critic(folder)


def rewrite(folder: Path, **facts: object) -> None:
    path = folder / SAVED.about
    path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))
