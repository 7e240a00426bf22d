"""Makes instructions for all five tasks of COSMO-LM (SIGMOD 2024) from a built shop."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

import numpy as np
import pyarrow as pa

from whybuy.knowledge.proposing.hypothesizer import ProposerInput
from whybuy.knowledge.tuning.behavior_tasks import BehaviorQuestions
from whybuy.knowledge.tuning.generation_task import GenerationQuestions, Reasons
from whybuy.knowledge.tuning.instructions import Instruction, Part, Task
from whybuy.knowledge.tuning.judgment_tasks import JudgedQuestions
from whybuy.knowledge.tuning.products import Products
from whybuy.knowledge.tuning.split import Split
from whybuy.qrels import Qrels
from whybuy.records import Behavior, Triple


@dataclass(frozen=True, slots=True)
class InstructionConfig:
    """How many instructions, and which are held out."""

    most: int = 5000  # of each task, for training
    most_held_out: int = 1000  # of each task
    held_out: float = 0.2  # share of queries, products and types that training never names
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """The sources of instructions: the graph is needed, the others are optional."""

    inputs: ProposerInput
    triples: Iterable[Triple]  # accepted
    judgments: pa.Table  # of reasons, in JUDGMENT_SCHEMA; where empty, no plausibility and typicality
    relevance: Qrels | None = None  # of query-product pairs; in place of what was bought


def make_instructions(known: Known, config: InstructionConfig) -> dict[Part, list[Instruction]]:
    """The instructions of both parts, shuffled; the same for the same shop and seed.

    Whatever has no source is left out: see `Known`.
    """
    most = {Part.TRAIN: config.most, Part.HELD_OUT: config.most_held_out}
    makers = _Makers(known, config)
    made = {
        part: [one for instructions in makers.tasks(part) for one in islice(instructions, most[part])] for part in Part
    }
    random = np.random.default_rng(config.seed)
    return {part: [each[place] for place in random.permutation(len(each))] for part, each in made.items()}


class _Makers:
    """The makers of instructions, by task."""

    def __init__(self, known: Known, config: InstructionConfig) -> None:
        split, seed = Split(config.held_out), config.seed
        products = Products(known.inputs, split)
        self._relevance = known.relevance
        self._generation = GenerationQuestions(known.inputs, products, Reasons(known.triples, split), split, seed)
        self._judged = JudgedQuestions(known.judgments, products, split, seed)
        self._behavior = BehaviorQuestions(known.inputs, products, split, seed)

    def tasks(self, part: Part) -> Iterator[Iterator[Instruction]]:
        """The instructions of each task."""
        yield _turns(*(self._generation.pairs(kind, part) for kind in Behavior))
        yield self._judged.of(Task.PLAUSIBILITY, part)
        yield self._judged.of(Task.TYPICALITY, part)
        judged, behavior = self._relevance, self._behavior
        yield behavior.judged_relevance(judged, part) if judged else behavior.search_relevance(part)
        yield behavior.co_purchase(part)


def _turns(*sources: Iterator[Instruction]) -> Iterator[Instruction]:
    """One of each source in turn, while it lasts."""
    return (each for each in chain.from_iterable(zip_longest(*sources)) if each is not None)
