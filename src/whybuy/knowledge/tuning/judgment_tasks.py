"""The plausibility and typicality tasks of COSMO-LM, from judgments of proposed reasons."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice

import numpy as np
import pyarrow as pa

from whybuy.knowledge.annotation.skipping import answers_to
from whybuy.knowledge.critic.text_judgments import statement
from whybuy.knowledge.tuning.instructions import NO, YES, Instruction, Part, Task
from whybuy.knowledge.tuning.products import Products
from whybuy.knowledge.tuning.split import Split
from whybuy.knowledge.tuning.wording import Wording
from whybuy.records import Head, HeadKind, Question, Role

QUESTION_OF = {Task.PLAUSIBILITY: Question.PLAUSIBLE, Task.TYPICALITY: Question.TYPICAL}
Claim = tuple[Head, str, str]
"""Head, relation and tail."""


def settle(judgments: pa.Table, question: Question) -> dict[Claim, bool]:
    """The answer about each judged reason: the adjudicator's, else the majority's; left out where votes tie.

    A no to an earlier question spares the later ones and counts as no to them.

    judgments: in JUDGMENT_SCHEMA.
    """
    votes = defaultdict[Claim, Counter[bool]](Counter)
    final: dict[Claim, bool] = {}
    for row, answer in zip(judgments.to_pylist(), answers_to(judgments, question).to_pylist(), strict=True):
        if answer is None:
            continue
        claim = Head(HeadKind(row["head_kind"]), tuple(row["head_key"])), row["relation"], row["tail"]
        votes[claim][answer] += 1
        if row["role"] in {Role.ADJUDICATOR, Role.READER}:
            final[claim] = answer
    settled = {claim: cast[True] > cast[False] for claim, cast in votes.items() if cast[True] != cast[False]}
    return settled | final


class JudgedQuestions:
    """Instructions with the questions that annotators answered."""

    def __init__(self, judgments: pa.Table, products: Products, split: Split, seed: int) -> None:
        """judgments: in JUDGMENT_SCHEMA."""
        self._judgments, self._products, self._split = judgments, products, split
        self._random, self._wording = np.random.default_rng(seed), Wording.load()

    def of(self, task: Task, part: Part) -> Iterator[Instruction]:
        """Each settled reason of the part with its answer.

        For training, the rarer answer is repeated in other wordings until both are as frequent.
        """
        settled = settle(self._judgments, QUESTION_OF[task])
        chosen = [claim for claim in settled if self._is_known(claim[0]) and self._split.part_of([claim[0]]) is part]
        claims = [chosen[place] for place in self._random.permutation(len(chosen)).tolist()]
        for claim in _balanced(claims, settled) if part is Part.TRAIN else claims:
            head, relation, tail = claim
            about, fields = _about(head, self._products)
            prompt = self._wording.ask(task, about, fields | {"reason": statement(relation, tail)}, self._random)
            yield Instruction(task, prompt, YES if settled[claim] else NO)

    def _is_known(self, head: Head) -> bool:
        """Whether its products, if it is about any, are in the catalog."""
        named = head.key if head.kind in {HeadKind.PRODUCT, HeadKind.PAIR} else ()
        return all(product_id in self._products for product_id in named)


def _balanced(claims: Sequence[Claim], settled: Mapping[Claim, bool]) -> list[Claim]:
    """As many of each answer, taking turns."""
    by_answer = [[claim for claim in claims if settled[claim] is answer] for answer in (True, False)]
    if not all(by_answer):
        return list(claims)
    most = max(map(len, by_answer))
    return [claim for both in zip(*(islice(cycle(each), most) for each in by_answer), strict=True) for claim in both]


def _about(head: Head, products: Products) -> tuple[str, dict[str, str]]:
    """The name of the wordings for a head of this kind, and the texts to fill in."""
    match head.kind:
        case HeadKind.PAIR:
            return head.kind, dict(zip(("first", "second"), map(products.words, head.key), strict=True))
        case HeadKind.PRODUCT:
            return head.kind, {"product": products.words(head.key[0])}
        case HeadKind.QUERY:
            return head.kind, {"query": head.key[0]}
        case _:
            return HeadKind.TYPE, {"type": str(head)}
