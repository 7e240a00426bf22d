"""A transformer learns from what was answered, and from nothing else; whatever transformer it is."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from judged_titles import judged_titles
from tiny_transformer import write_tiny_causal_model, write_tiny_deberta, write_tiny_transformer
from whybuy.errors import InputError
from whybuy.knowledge.critic.text_fine_tuned import FineTunedCritic, FineTuning
from whybuy.knowledge.critic.text_fine_tuning import answered_loss, fine_tune_critic
from whybuy.knowledge.critic.text_judgments import JudgedStatements, Statements
from whybuy.knowledge.critic.text_loading import open_text_critic
from whybuy.knowledge.critic.text_training import texts_of, train_critic
from whybuy.knowledge.tuning.tune import Step
from whybuy.language.catalog_encoder import CatalogEncoder

pytestmark = pytest.mark.heavy

Write = Callable[[Path, Sequence[str]], Path]


@pytest.fixture(scope="module")
def judged() -> JudgedStatements:
    return judged_titles().only(np.arange(160))


@pytest.fixture(scope="module")
def recipe(judged: JudgedStatements, tmp_path_factory: pytest.TempPathFactory) -> FineTuning:
    """Of a model without dropout."""
    model = write_tiny_deberta(tmp_path_factory.mktemp("model"), texts_of(judged))
    return FineTuning(str(model), epochs=2, learning_rate=3e-3)


@pytest.fixture(scope="module")
def critic(judged: JudgedStatements, recipe: FineTuning) -> FineTunedCritic:
    return fine_tune_critic(judged, recipe)


def check_same(left: FineTunedCritic, right: FineTunedCritic, statements: Statements, within: float) -> None:
    found = right.score(statements)
    for question, scores in left.score(statements).items():
        np.testing.assert_allclose(found[question], scores, atol=within)


def test_only_what_was_answered_counts_in_the_loss() -> None:
    torch = pytest.importorskip("torch")
    logits = torch.tensor([[0.0, 50.0], [math.log(3), -50.0]], requires_grad=True)
    loss = answered_loss(logits, torch.tensor([[1.0, math.nan], [0.0, math.nan]]))
    assert loss.item() == pytest.approx(math.log(2) + math.log(4))
    loss.backward()
    assert logits.grad is not None
    np.testing.assert_allclose(logits.grad, [[-0.5, 0], [0.75, 0]], atol=1e-6)


def test_statements_that_nobody_answered_teach_nothing(
    judged: JudgedStatements, recipe: FineTuning, critic: FineTunedCritic
) -> None:
    more = Statements([*judged.statements.heads] * 2, [*judged.statements.reasons] * 2)
    silent = np.full(len(judged), np.nan, np.float32)
    answers = {question: np.concatenate([said, silent]) for question, said in judged.answers.items()}
    again = fine_tune_critic(JudgedStatements(more, answers), recipe)
    assert again.fit_report.out_of_fold == critic.fit_report.out_of_fold
    check_same(critic, again, judged.statements, within=0)


def test_how_many_are_in_memory_at_once_changes_nothing(
    judged: JudgedStatements, recipe: FineTuning, critic: FineTunedCritic
) -> None:
    halved = JudgedStatements(judged.statements, {**judged.answers, "typical": judged.answers["typical"].copy()})
    halved.answers["typical"][::2] = np.nan  # so that parts of a step have unlike numbers of answers
    whole = fine_tune_critic(halved, replace(recipe, at_once=recipe.batch))
    parts = fine_tune_critic(halved, replace(recipe, at_once=5))
    check_same(whole, parts, judged.statements, within=1e-3)


def test_another_seed_is_another_critic(judged: JudgedStatements, recipe: FineTuning, critic: FineTunedCritic) -> None:
    other = fine_tune_critic(judged, replace(recipe, seed=1))
    assert not np.allclose(other.score(judged.statements)["typical"], critic.score(judged.statements)["typical"])


def test_every_step_is_reported(judged: JudgedStatements, recipe: FineTuning) -> None:
    told: list[Step] = []
    fine_tune_critic(judged, replace(recipe, epochs=6, learning_rate=1e-2), told.append)
    assert [step.step for step in told] == list(range(1, told[0].steps + 1))
    assert told[0].steps == 6 * math.ceil(128 / recipe.batch)  # of 20 heads with 8 reasons each, 4 are held out
    assert told[0].loss == pytest.approx(math.log(2), abs=0.1)
    assert told[-1].loss < told[0].loss
    assert str(Step(1, 2000, 0.12345)) == "step 1 of 2,000, loss 0.123"


@pytest.mark.parametrize(
    "write", [write_tiny_transformer, write_tiny_deberta, write_tiny_causal_model], ids=["bert", "deberta", "decoder"]
)
def test_any_transformer_is_taught_and_saved(judged: JudgedStatements, write: Write, tmp_path: Path) -> None:
    recipe = FineTuning(str(write(tmp_path / "model", texts_of(judged))), epochs=1)
    learned = fine_tune_critic(judged, recipe)
    learned.save(tmp_path / "critic")
    opened = FineTunedCritic.load(tmp_path / "critic")
    assert opened.recipe == recipe
    check_same(learned, opened, judged.statements, within=1e-6)


def test_a_taught_model_is_opened_by_transformers_itself(critic: FineTunedCritic, tmp_path: Path) -> None:
    critic.save(tmp_path)
    transformers = pytest.importorskip("transformers")
    config = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "transformer").config
    assert config.id2label == {0: "plausible", 1: "typical"}
    assert config.problem_type == "multi_label_classification"


def test_a_model_that_tells_something_else_is_taught_anew(
    judged: JudgedStatements, recipe: FineTuning, critic: FineTunedCritic, tmp_path: Path
) -> None:
    critic.save(tmp_path)
    silent = np.full(len(judged), np.nan, np.float32)
    alone = JudgedStatements(judged.statements, {**judged.answers, "plausible": silent})
    learned = fine_tune_critic(alone, replace(recipe, model=str(tmp_path / "transformer")))
    assert learned.questions == ("typical",)


def test_a_folder_holds_the_critic_that_was_saved_last(
    judged: JudgedStatements, critic: FineTunedCritic, tmp_path: Path
) -> None:
    default = train_critic(judged, CatalogEncoder.fit(texts_of(judged), dimensions=24))
    for saved in (default, critic, default):
        saved.save(tmp_path)
        assert type(open_text_critic(tmp_path)) is type(saved)


def test_judgments_of_one_head_do_not_do(judged: JudgedStatements, recipe: FineTuning) -> None:
    alike = JudgedStatements(Statements([("a tent",)] * len(judged), judged.statements.reasons), judged.answers)
    with pytest.raises(InputError, match=r"answers to plausible are of too few heads: .* Judge reasons of more heads"):
        fine_tune_critic(alike, recipe)
