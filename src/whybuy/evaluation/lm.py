"""Measures a language model on held-out instructions: yes or no by likelihood, generated reasons by the graph's."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whybuy.evaluation.report import Report, Table
from whybuy.knowledge.prompting.parsing import parse_answer
from whybuy.knowledge.tuning.instructions import NO, YES, Instruction, Task
from whybuy.language.generator import Generator, Message, Prompt, Sampling
from whybuy.language.pretrained import on_device, open_chat_model
from whybuy.language.transformer_generator import TransformerGenerator
from whybuy.metrics import share
from whybuy.text import canonical

BATCH = 32
SURE = Sampling(temperature=0, max_tokens=128)

Listener = Callable[[float, int], None]
"""Hears how many instructions are answered, and of how many."""
Scores = dict[Task, dict[str, float]]


def evaluate_lm(model: str, instructions: Sequence[Instruction], listen: Listener = lambda done, of: None) -> Scores:
    """Compare a model (a folder or a name on the hub) with the answers of held-out instructions.

    Of a task with yes and no: `accuracy` is balanced accuracy, the mean of the shares of right answers among yes and
    among no, so that guessing gives .5; `auc` is the area under the ROC curve of how much likelier yes is than no.
    Of generation, by the likeliest words: `right` is the share of the generated reasons that the graph has for the
    question, `answered` the share of questions with such a reason, `exact` the share of answers equal to the held-out
    ones, `reasons` the mean number of reasons in an answer.

    Raises:
        MissingExtraError: torch or transformers is missing.
        InputError: there is no such model.
    """
    by_task = {task: [one for one in instructions if one.task is task] for task in Task}
    scores = Scores()
    if to_write := by_task.pop(Task.GENERATION):
        scores[Task.GENERATION] = _reasons(TransformerGenerator(model, batch=BATCH), to_write)
        listen(len(to_write), len(instructions))
    likelihood = Likelihood(model)
    for task, questions in by_task.items():
        if questions:
            scores[task] = _yes_or_no(likelihood, questions)
            listen(sum(score["n"] for score in scores.values()), len(instructions))
    return scores


def report_of(scores: Scores) -> Report:
    """A row for each task."""
    figures = {task.value: each for task, each in scores.items()}
    return Report("held-out instructions", (Table(figures, "task"),), lambda: figures)


def _yes_or_no(likelihood: "Likelihood", questions: Sequence[Instruction]) -> dict[str, float]:
    from sklearn.metrics import balanced_accuracy_score, roc_auc_score  # noqa: PLC0415 - slow, and only measuring needs it

    truth = np.array([one.answer == YES for one in questions])
    margin = likelihood(questions, YES) - likelihood(questions, NO)
    both = 0 < truth.sum() < len(truth)
    return {
        "n": len(questions),
        "yes": float(truth.mean()),
        "accuracy": float(balanced_accuracy_score(truth, margin > 0)) if both else float("nan"),
        "auc": float(roc_auc_score(truth, margin)) if both else float("nan"),
    }


def _reasons(writer: Generator, questions: Sequence[Instruction]) -> dict[str, float]:
    texts = {place: answer.text for place, answer in writer([Prompt(one.prompt, SURE) for one in questions])}
    listed = [parse_answer(texts[place]).candidates for place in range(len(questions))]
    known = [{canonical(tail) for tail in one.reasons} for one in questions]
    right = [
        sum(canonical(tail) in tails for tail in candidates) for candidates, tails in zip(listed, known, strict=True)
    ]
    candidates = sum(map(len, listed))
    return {
        "n": len(questions),
        "right": share(sum(right), candidates),
        "answered": share(sum(map(bool, right)), len(questions)),
        "exact": share(sum(texts[place] == one.answer for place, one in enumerate(questions)), len(questions)),
        "reasons": candidates / len(questions),
    }


class Likelihood:
    """The log-likelihood of given answers under a language model."""

    def __init__(self, model: str) -> None:
        self._tokenizer, opened = open_chat_model(model)
        self._model = on_device(opened)

    def __call__(self, questions: Sequence[Instruction], answer: str) -> NDArray[np.float64]:
        """Log-likelihood of an answer to each question, in nats. Shape (n,)."""
        import torch  # noqa: PLC0415

        sums = np.zeros(len(questions))
        prompts = [self._tokens(one.prompt) for one in questions]
        whole = [self._tokens((*one.prompt, Message("assistant", answer))) for one in questions]
        for rows in _batches(whole):
            tokens = self._padded([whole[row] for row in rows])
            with torch.inference_mode():
                scores = self._model(**tokens).logits[:, :-1].log_softmax(-1)
            log_likelihood = scores.gather(-1, tokens["input_ids"][:, 1:, None])[..., 0].cpu().double().numpy()
            for place, row in enumerate(rows):
                sums[row] = log_likelihood[place, len(prompts[row]) - 1 : len(whole[row]) - 1].sum()
        return sums

    def _tokens(self, chat: Sequence[Message]) -> list[int]:
        turns = [{"role": each.role, "content": each.content} for each in chat]
        asks = chat[-1].role != "assistant"
        tokens: list[int] = self._tokenizer.apply_chat_template(turns, add_generation_prompt=asks, return_dict=False)
        return tokens

    def _padded(self, rows: Sequence[list[int]]) -> Any:  # noqa: ANN401 - a batch of tensors, whose type only the extra knows
        padded = self._tokenizer.pad({"input_ids": rows}, padding_side="right", return_tensors="pt")
        return padded.to(self._model.device)


def _batches(tokens: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Rows in batches of similar length."""
    by_length = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
    return (by_length[start : start + BATCH] for start in range(0, len(by_length), BATCH))
