"""Fine-tunes a transformer on judged reasons, and calibrates it on judgments of heads that it has not seen."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.knowledge.critic.logistic import Line, quality
from whybuy.knowledge.critic.text_critic import Lesson
from whybuy.knowledge.critic.text_fine_tuned import FineTunedCritic, FineTuning, Reader
from whybuy.knowledge.critic.text_folds import answered, fold_by_name, judge_unseen, weigh
from whybuy.knowledge.critic.text_judgments import Judged
from whybuy.knowledge.tuning.tune import Listener, Step
from whybuy.language.pretrained import Pretrained, on_device, open_pretrained, require

if TYPE_CHECKING:
    from torch import Tensor

STEEPEST = 1.0  # norm of a gradient; longer ones are cut


def fine_tune_critic(judged: Judged, recipe: FineTuning, listen: Listener = lambda step: None) -> FineTunedCritic:
    """Learn from judgments: four fifths of the heads teach the transformer, the others how far to believe it.

    Nothing is learned where nobody answered. On a CPU, the same judgments and recipe give the same critic.

    Raises:
        MissingExtraError: torch or transformers is missing.
        InputError: no question has enough answers of both kinds, a question has them on too few heads, or there is no
            such model.
    """
    way_out = "leave --model out to have the default critic learn"
    require("torch", "transformers", asker="Fine-tuning", extra="neural", instead=way_out)
    rows_of = answered(judged)
    questions, heard = tuple(rows_of), np.unique(np.concatenate(list(rows_of.values())))
    unseen = fold_by_name(judged.statements.heads)[heard] == 0
    taught, held = judged.only(heard[~unseen]), judged.only(heard[unseen])
    _check_both_answers(questions, taught, held)
    reader = _open_reader(recipe, questions)
    _learn(reader, taught, questions, recipe, listen)
    lines, out_of_fold = _calibrate(reader, held, questions)
    return FineTunedCritic(reader, lines, Lesson(len(judged), out_of_fold), recipe)


def _check_both_answers(questions: Sequence[str], *parts: Judged) -> None:
    for question in questions:
        for part in parts:
            said = part.answers[question]
            if len(set(said[~np.isnan(said)].tolist())) < 2:
                raise InputError(
                    f"The answers to {question} are of too few heads: a fifth of the heads is held out, and there, or "
                    "among the others, all answers are the same. Judge reasons of more heads."
                )


def _open_reader(recipe: FineTuning, questions: Sequence[str]) -> Reader:
    import torch  # noqa: PLC0415 - seconds to load, and an extra

    torch.manual_seed(recipe.seed)  # of the new last layer, and of dropout
    tokenizer, transformer = open_pretrained(Pretrained.CLASSIFIER, recipe.model, dtype="float32", labels=questions)
    transformer.config.pad_token_id = tokenizer.pad_token_id  # by which a decoder finds its last word
    return Reader(tokenizer, on_device(transformer), recipe.longest)


def _learn(reader: Reader, taught: Judged, questions: Sequence[str], recipe: FineTuning, listen: Listener) -> None:
    import torch  # noqa: PLC0415 - seconds to load, and an extra
    from transformers import get_linear_schedule_with_warmup  # noqa: PLC0415

    random = np.random.default_rng(recipe.seed)
    steps = [rows for _ in range(recipe.epochs) for rows in _parts(random.permutation(len(taught)), recipe.batch)]
    answers = torch.tensor(np.column_stack([taught.answers[question] for question in questions]))
    weights = list(reader.transformer.parameters())
    optimizer = torch.optim.AdamW(weights, recipe.learning_rate)
    rate = get_linear_schedule_with_warmup(optimizer, round(recipe.warm_up * len(steps)), len(steps))
    reader.transformer.train()
    for number, rows in enumerate(steps, start=1):
        said, loss = int((~answers[rows].isnan()).sum()), 0.0
        for some in _parts(rows, recipe.at_once):
            logits = reader(taught.statements.only(some))
            part = answered_loss(logits, answers[some].to(logits.device)) / said
            part.backward()
            loss += part.item()
        torch.nn.utils.clip_grad_norm_(weights, STEEPEST)
        optimizer.step()
        rate.step()
        optimizer.zero_grad()
        listen(Step(number, len(steps), loss))
    reader.transformer.eval()


def _parts(rows: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def answered_loss(logits: "Tensor", answers: "Tensor") -> "Tensor":
    """Binary cross-entropy, summed over what was answered. Both of shape (rows, questions); NaN where nobody said."""
    from torch.nn.functional import binary_cross_entropy_with_logits  # noqa: PLC0415

    said = ~answers.isnan()
    return binary_cross_entropy_with_logits(logits[said], answers[said], reduction="sum")


def _calibrate(
    reader: Reader, held: Judged, questions: Sequence[str]
) -> tuple[dict[str, Line], dict[str, dict[str, float]]]:
    """By question, what makes a probability of a logit, and how good those are that other heads calibrated."""
    logits, by_head = reader.logits(held.statements), fold_by_name(held.statements.heads)
    lines, out_of_fold = dict[str, Line](), dict[str, dict[str, float]]()
    for column, question in enumerate(questions):
        own, answers = logits[:, [column]], held.answers[question]
        rows = np.flatnonzero(~np.isnan(answers))
        lines[question] = weigh(own[rows], answers[rows])
        out_of_fold[question] = quality(judge_unseen(own, answers, by_head, rows), answers[rows])
    return lines, out_of_fold
