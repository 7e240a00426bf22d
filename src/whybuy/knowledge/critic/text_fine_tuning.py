"""Fine-tunes a transformer on judged reasons, and calibrates it on judgments of held-out heads."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.knowledge.critic.logistic import LogisticModel, quality
from whybuy.knowledge.critic.text_critic import TextFitReport
from whybuy.knowledge.critic.text_fine_tuned import FineTunedCritic, FineTuning, PairClassifier
from whybuy.knowledge.critic.text_folds import answered_rows, cross_validated, fit_final, fold_by_name
from whybuy.knowledge.critic.text_judgments import JudgedStatements
from whybuy.knowledge.tuning.tune import Listener, Step
from whybuy.language.pretrained import Pretrained, on_device, open_pretrained, require

if TYPE_CHECKING:
    from torch import Tensor

STEEPEST = 1.0  # norm of a gradient; longer ones are cut


def fine_tune_critic(
    judged: JudgedStatements, recipe: FineTuning, listen: Listener = lambda step: None
) -> FineTunedCritic:
    """Train on judgments: four fifths of the heads tune the transformer, the others calibrate it.

    Missing answers do not count in the loss. On a CPU, the same judgments and recipe give the same critic.

    Raises:
        MissingExtraError: torch or transformers is missing.
        InputError: no question has enough answers of both kinds, a question has them on too few heads, or there is no
            such model.
    """
    way_out = "leave --model out to train the default critic"
    require("torch", "transformers", asker="Fine-tuning", extra="neural", instead=way_out)
    rows_of = answered_rows(judged)
    questions, rows = tuple(rows_of), np.unique(np.concatenate(list(rows_of.values())))
    held_out = fold_by_name(judged.statements.heads)[rows] == 0
    training, held = judged.only(rows[~held_out]), judged.only(rows[held_out])
    _check_both_answers(questions, training, held)
    classifier = _open_classifier(recipe, questions)
    _tune(classifier, training, questions, recipe, listen)
    calibration, out_of_fold = _calibrate(classifier, held, questions)
    return FineTunedCritic(classifier, calibration, TextFitReport(len(judged), out_of_fold), recipe)


def _check_both_answers(questions: Sequence[str], *parts: JudgedStatements) -> None:
    for question in questions:
        for part in parts:
            answers = part.answers[question]
            if len(set(answers[~np.isnan(answers)].tolist())) < 2:
                raise InputError(
                    f"The answers to {question} are of too few heads: a fifth of the heads is held out, and there, or "
                    "among the others, all answers are the same. Judge reasons of more heads."
                )


def _open_classifier(recipe: FineTuning, questions: Sequence[str]) -> PairClassifier:
    import torch  # noqa: PLC0415 - seconds to load, and an extra

    torch.manual_seed(recipe.seed)  # of the new last layer, and of dropout
    tokenizer, transformer = open_pretrained(Pretrained.CLASSIFIER, recipe.model, dtype="float32", labels=questions)
    transformer.config.pad_token_id = tokenizer.pad_token_id  # by which a decoder finds its last word
    return PairClassifier(tokenizer, on_device(transformer), recipe.longest)


def _tune(
    classifier: PairClassifier,
    training: JudgedStatements,
    questions: Sequence[str],
    recipe: FineTuning,
    listen: Listener,
) -> None:
    import torch  # noqa: PLC0415 - seconds to load, and an extra
    from transformers import get_linear_schedule_with_warmup  # noqa: PLC0415

    random = np.random.default_rng(recipe.seed)
    steps = [rows for _ in range(recipe.epochs) for rows in _parts(random.permutation(len(training)), recipe.batch)]
    answers = torch.tensor(np.column_stack([training.answers[question] for question in questions]))
    weights = list(classifier.transformer.parameters())
    optimizer = torch.optim.AdamW(weights, recipe.learning_rate)
    rate = get_linear_schedule_with_warmup(optimizer, round(recipe.warm_up * len(steps)), len(steps))
    classifier.transformer.train()
    for number, rows in enumerate(steps, start=1):
        count, loss = int((~answers[rows].isnan()).sum()), 0.0
        for some in _parts(rows, recipe.at_once):
            logits = classifier(training.statements.only(some))
            part = answered_loss(logits, answers[some].to(logits.device)) / count
            part.backward()
            loss += part.item()
        torch.nn.utils.clip_grad_norm_(weights, STEEPEST)
        optimizer.step()
        rate.step()
        optimizer.zero_grad()
        listen(Step(number, len(steps), loss))
    classifier.transformer.eval()


def _parts(rows: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def answered_loss(logits: "Tensor", answers: "Tensor") -> "Tensor":
    """Binary cross-entropy, summed over given answers. Both of shape (rows, questions); NaN where there is none."""
    from torch.nn.functional import binary_cross_entropy_with_logits  # noqa: PLC0415

    given = ~answers.isnan()
    return binary_cross_entropy_with_logits(logits[given], answers[given], reduction="sum")


def _calibrate(
    classifier: PairClassifier, held: JudgedStatements, questions: Sequence[str]
) -> tuple[dict[str, LogisticModel], dict[str, dict[str, float]]]:
    """By question, the regression from logit to probability, and its cross-validated quality on the held-out heads."""
    logits, by_head = classifier.logits(held.statements), fold_by_name(held.statements.heads)
    calibration, out_of_fold = dict[str, LogisticModel](), dict[str, dict[str, float]]()
    for column, question in enumerate(questions):
        own, answers = logits[:, [column]], held.answers[question]
        rows = np.flatnonzero(~np.isnan(answers))
        calibration[question] = fit_final(own[rows], answers[rows])
        out_of_fold[question] = quality(cross_validated(own, answers, by_head, rows), answers[rows])
    return calibration, out_of_fold
