"""Which answer to an item counts: of two judges who agree, of an adjudicator where they differ, or of an auditor."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import Enum

import pyarrow as pa

from whybuy.journal.judgments import Item, in_order, item_of, to_table
from whybuy.knowledge.annotation.skipping import DECISIVE, next_question, with_implied
from whybuy.records import Judgment, Question, Role

JUDGES = 2  # who answer each item, blind to each other
_OVERRULING = (
    Role.READER,
    Role.AUDITOR,
    Role.ADJUDICATOR,
)  # whose judgment counts instead of the judges', first to last


class State(Enum):
    """Progress of the annotation of one item."""

    OPEN = "open"  # fewer than two judges have finished it
    DISPUTED = "disputed"  # the judges differ, and nobody has decided
    SETTLED = "settled"


def is_finished(judgment: Judgment) -> bool:
    """Whether every question of the item is answered; a reader's rejection has none and is always finished."""
    return judgment.role is Role.READER or (bool(judgment.answers) and next_question(dict(judgment.answers)) is None)


def state_of(judgments: Sequence[Judgment]) -> State:
    """The state of one item by its judges and adjudicators; judgments of readers and auditors are ignored."""
    finished = [one for one in judgments if is_finished(one)]
    if any(one.role is Role.ADJUDICATOR for one in finished):
        return State.SETTLED
    judges = [one for one in finished if one.role is Role.JUDGE]
    if len(judges) < JUDGES:
        return State.OPEN
    return State.SETTLED if len({one.answers for one in judges}) == 1 else State.DISPUTED


def verdict(judgments: Sequence[Judgment]) -> Judgment | None:
    """The judgment of one item that counts, with the answers that a no implies; None while it is not settled.

    Precedence: a reader's rejection (neither plausible nor typical), an auditor, an adjudicator, judges who agree. Of
    several in one role the last one counts.
    """
    finished = {one.role: one for one in judgments if is_finished(one)}
    decided = next((finished[role] for role in _OVERRULING if role in finished), None)
    if decided is None and state_of(judgments) is State.SETTLED:
        decided = finished[Role.JUDGE]
    return decided and replace(decided, answers=_complete(decided))


def settle(judgments: Iterable[Judgment]) -> pa.Table:
    """One row for each settled item, in JUDGMENT_SCHEMA, in the order in which the items first came.

    judgments: those that stand, unfinished ones included, which settle nothing.
    """
    verdicts = (verdict(each) for each in by_item(judgments).values())
    return to_table(one for one in verdicts if one is not None)


def training_judgments(judgments: Iterable[Judgment]) -> pa.Table:
    """What a critic is trained on, in JUDGMENT_SCHEMA: the settled items, and each finished judgment of the others."""
    rows: list[Judgment] = []
    for each in by_item(judgments).values():
        settled = verdict(each)
        rows += [settled] if settled else [one for one in each if is_finished(one)]
    return to_table(rows)


def by_item(judgments: Iterable[Judgment]) -> Mapping[Item, list[Judgment]]:
    """Judgments grouped by what they are about."""
    grouped: dict[Item, list[Judgment]] = {}
    for judgment in judgments:
        grouped.setdefault(item_of(judgment), []).append(judgment)
    return grouped


def audited(items: Iterable[Sequence[Judgment]]) -> tuple[int, int]:
    """How many settled items an auditor looked at, and of how many the plausible and typical answers were the same."""
    seen = same = 0
    for judgments in items:
        auditor = next((one for one in judgments if one.role is Role.AUDITOR and is_finished(one)), None)
        before = verdict([one for one in judgments if one.role not in (Role.AUDITOR, Role.READER)])
        if auditor and before:
            answers = dict(_complete(auditor))
            seen += 1
            same += all(answers.get(question) == dict(before.answers).get(question) for question in DECISIVE)
    return seen, same


def _complete(judgment: Judgment) -> tuple[tuple[Question, bool], ...]:
    answers = dict.fromkeys(DECISIVE, False) if judgment.role is Role.READER else dict(judgment.answers)
    return in_order(with_implied(answers))
