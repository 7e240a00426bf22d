"""Measures a language model on held-out instructions: yes or no by what is likelier, reasons by what is known."""

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
    """Ask a model, a folder or a name on the hub, and compare with the answers.

    Of a task with yes and no: `accuracy` is the mean of the shares answered rightly among what is yes and among what is
    no, so that guessing gives .5; `auc` is the area under the ROC curve of how much likelier yes is than no.
    Of the generation, by the likeliest words: `right` is the share of the reasons that are known for what was asked,
    `answered` the share of questions with such a reason, `exact` the share of answers that are word for word as held
    out, `reasons` how many there are in a mean answer.

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
    for task, asked in by_task.items():
        if asked:
            scores[task] = _yes_or_no(likelihood, asked)
            listen(sum(score["n"] for score in scores.values()), len(instructions))
    return scores


def report_of(scores: Scores) -> Report:
    """A row for each task."""
    figures = {task.value: each for task, each in scores.items()}
    return Report("held-out instructions", (Table(figures, "task"),), figures)


def _yes_or_no(likelihood: "Likelihood", asked: Sequence[Instruction]) -> dict[str, float]:
    from sklearn.metrics import balanced_accuracy_score, roc_auc_score  # noqa: PLC0415 - slow, and only measuring needs it

    truth = np.array([one.answer == YES for one in asked])
    margin = likelihood(asked, YES) - likelihood(asked, NO)
    both = 0 < truth.sum() < len(truth)
    return {
        "n": len(asked),
        "yes": float(truth.mean()),
        "accuracy": float(balanced_accuracy_score(truth, margin > 0)) if both else float("nan"),
        "auc": float(roc_auc_score(truth, margin)) if both else float("nan"),
    }


def _reasons(writer: Generator, asked: Sequence[Instruction]) -> dict[str, float]:
    said = {place: answer.text for place, answer in writer([Prompt(one.prompt, SURE) for one in asked])}
    listed = [parse_answer(said[place]).candidates for place in range(len(asked))]
    known = [{canonical(tail) for tail in one.reasons} for one in asked]
    right = [sum(canonical(tail) in tails for tail in found) for found, tails in zip(listed, known, strict=True)]
    found = sum(map(len, listed))
    return {
        "n": len(asked),
        "right": share(sum(right), found),
        "answered": share(sum(map(bool, right)), len(asked)),
        "exact": share(sum(said[place] == one.answer for place, one in enumerate(asked)), len(asked)),
        "reasons": found / len(asked),
    }


class Likelihood:
    """How likely a language model finds answers."""

    def __init__(self, model: str) -> None:
        self._tokenizer, opened = open_chat_model(model)
        self._model = on_device(opened)

    def __call__(self, asked: Sequence[Instruction], answer: str) -> NDArray[np.float64]:
        """Log-likelihood of an answer to each question, in nats. Shape (n,)."""
        import torch  # noqa: PLC0415

        found = np.zeros(len(asked))
        prompts = [self._tokens(one.prompt) for one in asked]
        whole = [self._tokens((*one.prompt, Message("assistant", answer))) for one in asked]
        for rows in _batches(whole):
            tokens = self._padded([whole[row] for row in rows])
            with torch.inference_mode():
                scores = self._model(**tokens).logits[:, :-1].log_softmax(-1)
            told = scores.gather(-1, tokens["input_ids"][:, 1:, None])[..., 0].cpu().double().numpy()
            for place, row in enumerate(rows):
                found[row] = told[place, len(prompts[row]) - 1 : len(whole[row]) - 1].sum()
        return found

    def _tokens(self, chat: Sequence[Message]) -> list[int]:
        turns = [{"role": each.role, "content": each.content} for each in chat]
        asks = chat[-1].role != "assistant"
        tokens: list[int] = self._tokenizer.apply_chat_template(turns, add_generation_prompt=asks, return_dict=False)
        return tokens

    def _padded(self, rows: Sequence[list[int]]) -> Any:  # noqa: ANN401 - a batch of tensors, whose type only the extra knows
        padded = self._tokenizer.pad({"input_ids": rows}, padding_side="right", return_tensors="pt")
        return padded.to(self._model.device)


def _batches(tokens: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Rows of similar length together."""
    by_length = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
    return (by_length[start : start + BATCH] for start in range(0, len(by_length), BATCH))
