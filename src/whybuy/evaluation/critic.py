"""Measures a critic on questions of many choices: which of four reasons explains why two things were bought."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whybuy.errors import InputError
from whybuy.evaluation.report import Report, Table
from whybuy.knowledge.critic.text_judgments import Statements
from whybuy.tables import ReadReport, read_rows
from whybuy.text import clean

DRAWS = 5  # times that distractors are drawn anew
SEED = 2026
OTHER_HEADS = 20  # that an option is scored with to see how it looks by itself
COLUMNS = ("item_a_title", "item_b_title", "options", "answer")

Score = Callable[[Statements], NDArray[np.float64]]
"""How typical statements are; any scale."""


@dataclass(frozen=True, slots=True)
class Question:
    """Two things bought together, and reasons as options, of which one is right."""

    head: tuple[str, ...]
    options: tuple[str, ...]
    right: str


@dataclass(frozen=True, slots=True)
class CriticReport:
    """Shares of questions answered rightly, in [0, 1]; of two equally scored options, half of each counts."""

    accuracy_redrawn: float  # distractors are right answers of other pairs, drawn `DRAWS` times
    accuracy: float  # the questions as they are, those with one option left out
    option_only: float  # on redrawn questions, from the options alone: what guessing gives, if all is well
    option_only_original: float  # on the questions as they are: their distractors may give themselves away
    auc: float  # area under the ROC curve of right answers against redrawn distractors
    n: int  # questions

    def as_json(self) -> dict[str, float | int]:
        """The body that `whybuy evaluate critic --json` prints."""
        return asdict(self)

    def as_report(self, question: str) -> Report:
        """A row for each kind of distractors. question: what the critic scores statements by, as "typical"."""
        redrawn = {"accuracy": self.accuracy_redrawn, "option alone": self.option_only, "auc": self.auc}
        original = {"accuracy": self.accuracy, "option alone": self.option_only_original}
        rows = {"drawn anew": redrawn, "as they are": original}
        title = f"{self.n:,} questions, answered by what is {question}"
        return Report(title, (Table(rows, "distractors"),), self.as_json)


def read_questions(path: Path, report: ReadReport) -> list[Question]:
    """The questions of a table with `COLUMNS`: options as a list, the answer as a letter from A on.

    Rows that are no question are set aside in the report.

    Raises:
        InputError: the file is missing or unreadable, lacks a column, or has no question.
    """
    questions = []
    for rows in read_rows(path, report):
        if missing := [name for name in COLUMNS if name not in rows.batch.column_names]:
            raise InputError(f"{path} has no column {', '.join(missing)}. Questions need {', '.join(COLUMNS)}.")
        for row, line in zip(rows.batch.to_pylist(), rows.lines.to_pylist(), strict=True):
            options = tuple(map(clean, row["options"])) if isinstance(row["options"], list) else ()
            place = ord(row["answer"].strip().upper()[:1] or " ") - ord("A")
            if not 0 <= place < len(options):
                report.reject("no list of options with the answer's letter among them", path, line, str(row["options"]))
                continue
            head = clean(row["item_a_title"]), clean(row["item_b_title"])
            questions.append(Question(head, options, options[place]))
    if not questions:
        raise InputError(f"{path} has no question that can be used. Each row needs {', '.join(COLUMNS)}.")
    return questions


def redraw(questions: Sequence[Question], seed: int) -> list[Question]:
    """The same with distractors that are right answers of other heads, so that no option alone is telling.

    Each question gets as many as most have.

    Raises:
        InputError: there are too few other right answers.
    """
    random = np.random.default_rng(seed)
    right_of: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for question in questions:
        right_of[question.head].add(question.right)
    wanted, redrawn = Counter(len(question.options) - 1 for question in questions).most_common(1)[0][0], []
    for question in questions:
        distractors = list[str]()
        for other in random.permutation(len(questions)).tolist():
            option = questions[other].right
            if option not in right_of[question.head] and option not in distractors:
                distractors.append(option)
            if len(distractors) == wanted:
                break
        else:
            raise InputError(f"{len(questions)} questions are too few to draw {wanted} other answers for each.")
        redrawn.append(Question(question.head, (question.right, *distractors), question.right))
    return redrawn


def evaluate_critic(score: Score, questions: Sequence[Question]) -> CriticReport:
    """Answer the questions as they are and with distractors drawn anew."""
    draws = [redraw(questions, SEED + draw) for draw in range(DRAWS)]
    every = [question for draw in draws for question in draw]
    original = [question for question in questions if len(question.options) > 1]
    redrawn = _scores(score, every)
    alone = _alone(score, [*original, *every])
    return CriticReport(
        accuracy_redrawn=_accuracy(every, redrawn),
        accuracy=_accuracy(original, _scores(score, original)),
        option_only=_accuracy(every, [[alone[option] for option in each.options] for each in every]),
        option_only_original=_accuracy(original, [[alone[option] for option in each.options] for each in original]),
        auc=_area(every, redrawn),
        n=len(questions),
    )


def _scores(score: Score, questions: Sequence[Question]) -> list[list[float]]:
    """The score of each option of each question."""
    heads = [question.head for question in questions for _ in question.options]
    options = [option for question in questions for option in question.options]
    scores = iter(score(Statements(heads, options)).tolist())
    return [[next(scores) for _ in question.options] for question in questions]


def _alone(score: Score, questions: Sequence[Question]) -> dict[str, float]:
    """The mean score of each option over other heads: what the option alone contributes."""
    options = list(dict.fromkeys(option for question in questions for option in question.options))
    heads = list(dict.fromkeys(question.head for question in questions))
    chosen = [heads[place] for place in np.random.default_rng(SEED).permutation(len(heads))[:OTHER_HEADS]]
    pairs = [(head, option) for option in options for head in chosen]
    scores = score(Statements([head for head, _ in pairs], [option for _, option in pairs]))
    return dict(zip(options, scores.reshape(len(options), len(chosen)).mean(axis=1).tolist(), strict=True))


def _accuracy(questions: Sequence[Question], scores: Sequence[Sequence[float]]) -> float:
    hits = []
    for question, by_option in zip(questions, scores, strict=True):
        best = [option for option, score in zip(question.options, by_option, strict=True) if score == max(by_option)]
        hits.append(best.count(question.right) / len(best))
    return float(np.mean(hits))


def _area(questions: Sequence[Question], scores: Sequence[Sequence[float]]) -> float:
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - slow, and only measuring needs it

    right = [option == question.right for question in questions for option in question.options]
    return float(roc_auc_score(right, [score for by_option in scores for score in by_option]))
