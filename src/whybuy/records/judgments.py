"""What people answer when they are asked about a proposed reason."""

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from whybuy.records.knowledge import Head
from whybuy.relations import Relation


class Question(StrEnum):
    """What judges are asked of a proposed reason, in this order (COSMO, SIGMOD 2024, §3.3)."""

    COMPLETE = "complete"
    RELEVANT = "relevant"
    INFORMATIVE = "informative"
    PLAUSIBLE = "plausible"
    TYPICAL = "typical"


class Role(StrEnum):
    """As what a judgment was given."""

    JUDGE = "judge"  # one of two, blind to each other
    ADJUDICATOR = "adjudicator"  # where the two differ
    AUDITOR = "auditor"  # of what was settled
    READER = "reader"  # who rejected an edge of the graph while looking at it


@dataclass(frozen=True, slots=True)
class Judgment:
    """What a person said of a proposed reason."""

    head: Head
    relation: Relation
    tail: str  # as it was worded
    judge: str  # name
    role: Role
    answers: tuple[tuple[Question, bool], ...]  # of the questions that were asked; a no may spare the later ones


JUDGMENT_SCHEMA = pa.schema(
    [
        pa.field("head_kind", pa.string(), nullable=False),
        pa.field("head_key", pa.list_(pa.string()), nullable=False),
        pa.field("relation", pa.string(), nullable=False),
        pa.field("tail", pa.string(), nullable=False),
        pa.field("judge", pa.string(), nullable=False),
        pa.field("role", pa.string(), nullable=False),
        *(pa.field(question.value, pa.bool_()) for question in Question),  # null: not asked
    ]
)
