"""What people said of reasons why the types of the small shop are bought."""

from collections.abc import Sequence
from itertools import product as combinations

from small_shop import KINDS, NEEDS
from whybuy.records import HeadKind, Question, Role
from whybuy.relations import Relation


def judged_rows() -> list[dict[str, object]]:
    """What is bought for a need is plausible for its type, and not for the others."""
    return [
        judgment((kind,), need.partition(" for ")[2], plausible=kind == right, typical=kind == right)
        for (need, right), kind in combinations(NEEDS.items(), KINDS)
        if " for " in need
    ]


def judgment(key: Sequence[str], tail: str, role: Role = Role.JUDGE, **answers: bool | None) -> dict[str, object]:
    asked = {question.value: answers.get(question.value, True) for question in Question}
    head = {"head_kind": HeadKind.TYPE.value, "head_key": list(key), "relation": Relation.USED_FOR_EVENT.value}
    return {**head, "tail": tail, "judge": "ann", "role": role.value, **asked}
