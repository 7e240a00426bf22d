"""Judgments: the answers of annotators to five questions about a proposed reason, with their Arrow schema."""

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from whybuy.records.knowledge import Head
from whybuy.relations import Relation


class Question(StrEnum):
    """The questions about a proposed reason, in the order of answering (COSMO, Yu et al., SIGMOD 2024)."""

    COMPLETE = "complete"
    RELEVANT = "relevant"
    INFORMATIVE = "informative"
    PLAUSIBLE = "plausible"
    TYPICAL = "typical"


class Role(StrEnum):
    """In which role a person gave a judgment."""

    JUDGE = "judge"  # one of two, blind to each other
    ADJUDICATOR = "adjudicator"  # where the two differ
    AUDITOR = "auditor"  # of what was settled
    READER = "reader"  # who rejected an edge of the graph while looking at it


@dataclass(frozen=True, slots=True)
class Judgment:
    """The answers of one person about one proposed reason."""

    head: Head
    relation: Relation
    tail: str  # as it was worded
    judge: str  # name
    role: Role
    answers: tuple[
        tuple[Question, bool], ...
    ]  # to the questions that were answered; after a no the later ones may be skipped


JUDGMENT_SCHEMA = pa.schema(
    [
        pa.field("head_kind", pa.string(), nullable=False),
        pa.field("head_key", pa.list_(pa.string()), nullable=False),
        pa.field("relation", pa.string(), nullable=False),
        pa.field("tail", pa.string(), nullable=False),
        pa.field("judge", pa.string(), nullable=False),
        pa.field("role", pa.string(), nullable=False),
        *(pa.field(question.value, pa.bool_()) for question in Question),  # null: not answered
    ]
)
